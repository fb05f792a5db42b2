/* A disk (virtio 1.2, 5.2). Requests run on a pool of threads, several at a time. */
#pragma once

#include <stdint.h>

#include "storage/pool.h"
#include "storage/storage.h"
#include "virtio/virtio.h"

struct virtio_blk;

struct virtio_blk_stats {
    uint64_t reads, writes, flushes, discards, write_zeroes; /* requests */
    uint64_t bytes_read, bytes_written;
    uint64_t errors; /* requests that ended in VIRTIO_BLK_S_IOERR */
};

extern const struct virtio_device_ops virtio_blk_ops;

/* storage and pool stay the caller's and outlive the device. serial: up to 20 characters that the guest finds
 * in /dev/disk/by-id. NULL and a line when memory is short. */
struct virtio_blk *virtio_blk_create(
    struct storage *storage, struct storage_pool *pool, const char *serial, struct error *e);
/* After its transport. */
void virtio_blk_destroy(struct virtio_blk *blk);
/* Once, before the guest runs. */
void virtio_blk_attach(struct virtio_blk *blk, struct virtio_device *transport);

/* While the transport is held: waits until no request is under way. */
void virtio_blk_settle(struct virtio_blk *blk);
/* Then: another storage that reads the same. */
void virtio_blk_replace(struct virtio_blk *blk, struct storage *storage);
/* Then: the storage has another size, and the driver is told to look (2.3, 2.5.1). */
void virtio_blk_resized(struct virtio_blk *blk);

/* Any thread. */
void virtio_blk_stats(struct virtio_blk *blk, struct virtio_blk_stats *out);
