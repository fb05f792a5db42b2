/* A network interface (virtio 1.2, 5.1): one queue pair, mergeable receive buffers, no offloads. */
#pragma once

#include <stdint.h>

#include "host/loop.h"
#include "net/net.h"
#include "virtio/virtio.h"

struct virtio_net;

enum { VIRTIO_NET_MAC_SIZE = 6 };

struct virtio_net_stats { /* rx: to the guest, tx: from it */
    uint64_t rx_frames, rx_bytes, rx_dropped;
    uint64_t tx_frames, tx_bytes, tx_dropped;
};

extern const struct virtio_device_ops virtio_net_ops;

/* Plugs into net, which stays the caller's and outlives the device, as does the loop. */
struct virtio_net *virtio_net_create(
    struct host_loop *loop, struct net *net, const uint8_t mac[VIRTIO_NET_MAC_SIZE], struct error *e);
/* After its transport, when the loop runs no more. */
void virtio_net_destroy(struct virtio_net *n);
/* Once, before the guest runs. */
void virtio_net_attach(struct virtio_net *n, struct virtio_device *transport);

/* Any thread. */
void virtio_net_stats(struct virtio_net *n, struct virtio_net_stats *out);
