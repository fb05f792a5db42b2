/* User-mode networking: the guest is 10.0.2.15 or above (fec0::/64 in IPv6) behind a NAT made of the host's
 * sockets, with a DHCP server, the host at 10.0.2.2 and a DNS forwarder at 10.0.2.3. Needs no privileges. */
#pragma once

#include <stdbool.h>

#include "host/loop.h"
#include "net/frame.h"
#include "net/net.h"
#include "util/error.h"

enum { NET_FORWARD_SIZE = 40 };

struct net_slirp_config {
    unsigned mtu;       /* 1500 to NET_MTU_MAX */
    uint8_t guest;      /* its number (frame.h); NET_GUEST_FIRST, unless there are others */
    bool isolated;      /* nothing leads out, only forwards in (and of UDP, no answers out) */
    const char *domain; /* which DHCP tells to search; NULL: none */
};

/* The loop outlives the network. */
struct net *net_slirp_create(struct host_loop *loop, const struct net_slirp_config *config, struct error *e);

const char *net_slirp_version(void);

/* "tcp:[ADDRESS:]HOSTPORT-GUESTPORT" or "udp:...": what reaches that port of the host's address (127.0.0.1)
 * goes to the guest. Fails with one line that begins with the text and names the port, also when another
 * program has it. Before the loop runs or on its thread, like the two below. */
int net_slirp_forward(struct net *net, const char *spec, struct error *e);
/* Ends it for new connections; those that there are go on. */
int net_slirp_unforward(struct net *net, const char *spec, struct error *e);
/* The n-th, as text with its address; NULL past the last. */
const char *net_slirp_forward_at(struct net *net, unsigned n, char text[NET_FORWARD_SIZE]);
