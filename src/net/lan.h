/* A network that the guests of one user share, upon a network of each one's own: frames for another guest go
 * to the process that runs it, and names of guests are answered. Each process has a socket in one directory,
 * NAME,GUEST. */
#pragma once

#include "host/loop.h"
#include "net/net.h"
#include "util/error.h"

enum { NET_LAN_NAME_MAX = 63 };

struct net_lan_config {
    const char *directory; /* only its owner may enter it */
    const char *name;      /* at most NET_LAN_NAME_MAX bytes, without commas and slashes */
    uint8_t guest;         /* its number (frame.h), which no other has that runs */
};

/* A network like below, which becomes its own and is closed with it. What is left in the directory of one
 * that had the name or the number is removed. The loop outlives it. Fails with one line; below stays the
 * caller's then. */
struct net *net_lan_create(
    struct host_loop *loop, struct net *below, const struct net_lan_config *config, struct error *e);
