/* Entropy from the host (virtio 1.2, 5.4). */
#pragma once

#include <stdint.h>

#include "virtio/virtio.h"

struct virtio_rng;

struct virtio_rng_stats {
    uint64_t bytes;
};

extern const struct virtio_device_ops virtio_rng_ops;

struct virtio_rng *virtio_rng_create(struct error *e);
/* After its transport. */
void virtio_rng_destroy(struct virtio_rng *rng);
/* Once, before the guest runs. */
void virtio_rng_attach(struct virtio_rng *rng, struct virtio_device *transport);

/* Any thread. */
void virtio_rng_stats(struct virtio_rng *rng, struct virtio_rng_stats *out);
