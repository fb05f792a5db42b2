/* A console, hvc0 in Linux (virtio 1.2, 5.3): one port, no multiport. */
#pragma once

#include <stdint.h>

#include "host/stream.h"
#include "virtio/virtio.h"

struct virtio_console;

struct virtio_console_stats {
    uint64_t bytes_in, bytes_out; /* to the guest, from the guest */
    uint64_t bytes_dropped;       /* from the guest, because the stream's reader was stuck */
};

extern const struct virtio_device_ops virtio_console_ops;

/* The stream stays the caller's and outlives the device; the device becomes its receiver. */
struct virtio_console *virtio_console_create(struct host_stream *stream, struct error *e);
/* After its transport; on the loop's thread or when the loop runs no more. */
void virtio_console_destroy(struct virtio_console *console);
/* Once, before the guest runs. */
void virtio_console_attach(struct virtio_console *console, struct virtio_device *transport);

/* The terminal has a new size, in characters; 0 by 0 when there is none. Any thread. */
void virtio_console_resize(struct virtio_console *console, uint16_t columns, uint16_t rows);
/* Any thread. */
void virtio_console_stats(struct virtio_console *console, struct virtio_console_stats *out);
