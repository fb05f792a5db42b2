/* A network that one interface of the guest is plugged into. Everything here runs on the event loop's thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    NET_ETHERNET_HEADER = 14,
    NET_MTU_MAX = 65520,
    NET_FRAME_MAX = NET_MTU_MAX + NET_ETHERNET_HEADER + 4 /* VLAN */
};

struct net;

struct net_ops {
    /* A frame from the guest, without FCS; at most NET_FRAME_MAX bytes. Its contents are hostile. */
    void (*send)(struct net *net, const uint8_t *frame, size_t size);
    /* The last of a batch was sent. */
    void (*flush)(struct net *net);
    void (*close)(struct net *net);
};

/* The guest's interface. */
struct net_port {
    /* A frame for the guest: delivered, kept or dropped, but never refused. */
    void (*receive)(void *ctx, const uint8_t *frame, size_t size);
    /* The last of a batch was received. */
    void (*flush)(void *ctx);
    void *ctx;
};

struct net {
    const struct net_ops *ops;
    unsigned mtu;         /* bytes of an IP packet */
    struct net_port port; /* set by the interface before the loop runs; all NULL while there is none */
};

static inline void net_close(struct net *net) {
    if (net)
        net->ops->close(net);
}

/* To the guest's interface, if there is one. */
static inline void net_deliver(struct net *net, const uint8_t *frame, size_t size) {
    if (net->port.receive)
        net->port.receive(net->port.ctx, frame, size);
}
static inline void net_delivered(struct net *net) {
    if (net->port.flush)
        net->port.flush(net->port.ctx);
}
