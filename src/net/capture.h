/* What passes between an interface and its network, in a file that Wireshark reads. */
#pragma once

#include "net/net.h"
#include "util/error.h"

/* A network like below, which becomes its own and is closed with it. The file (or FIFO) is created or
 * truncated by the first frame, and is whole after each. Fails with one line if it could not be; below stays
 * the caller's then. */
struct net *net_capture_create(struct net *below, const char *path, struct error *e);
