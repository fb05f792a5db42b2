/* User-mode networking: the guest is 10.0.2.15 (fec0::/64 in IPv6) behind a NAT made of the host's sockets,
 * with a DHCP server, the host at 10.0.2.2 and a DNS forwarder at 10.0.2.3. Needs no privileges. */
#pragma once

#include "host/loop.h"
#include "net/net.h"
#include "util/error.h"

/* The loop outlives the network. mtu: 1500 to NET_MTU_MAX. Before the loop runs, like net_slirp_forward(). */
struct net *net_slirp_create(struct host_loop *loop, unsigned mtu, struct error *e);

const char *net_slirp_version(void);

/* "tcp:HOSTPORT-GUESTPORT" or "udp:...": what reaches that port of the host's 127.0.0.1 goes to the guest.
 * Fails with one line that names the port, also when another program has it. */
int net_slirp_forward(struct net *net, const char *spec, struct error *e);
