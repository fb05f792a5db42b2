/* A shared directory (virtio 1.2, 5.9 names the device; the 9P transport's requests are those of
 * share/share.h). */
#pragma once

#include "share/share.h"
#include "storage/pool.h"
#include "virtio/virtio.h"

struct virtio_p9;

struct virtio_p9_stats {
    uint64_t requests, bytes_in, bytes_out; /* in: from the guest */
};

enum { VIRTIO_P9_TAG_MAX = 31 };

extern const struct virtio_device_ops virtio_p9_ops;

/* share and pool, on which requests run one after another, stay the caller's and outlive the device. tag: the
 * name that the guest mounts it by, up to VIRTIO_P9_TAG_MAX bytes. NULL and a line when memory is short. */
struct virtio_p9 *virtio_p9_create(
    struct share *share, struct storage_pool *pool, const char *tag, struct error *e);
/* After its transport. */
void virtio_p9_destroy(struct virtio_p9 *p9);
/* Once, before the guest runs. */
void virtio_p9_attach(struct virtio_p9 *p9, struct virtio_device *transport);

/* Any thread. */
void virtio_p9_stats(struct virtio_p9 *p9, struct virtio_p9_stats *out);
