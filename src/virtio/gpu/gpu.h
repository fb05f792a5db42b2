/* A virtio GPU (virtio 1.2, 5.7). Its queues are drained by a thread of its own. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus/memory.h"
#include "display/display.h"
#include "gpu/monitor.h"
#include "gpu/renderer.h"
#include "util/error.h"
#include "virtio/virtio.h"

struct virtio_gpu;

enum { VIRTIO_GPU_MAX_DIMENSION = 16384 }; /* pixels, of a scanout or a resource */

struct virtio_gpu_config {
    const struct gpu_renderer_ops *renderer;
    /* NULL, or what takes its place, without a window, when it cannot be created. That is found out after
     * virtio_gpu_create(), while the machine starts; then one line says why. */
    const struct gpu_renderer_ops *fallback;
    struct memory *memory; /* both outlive the GPU */
    struct display *display;
    unsigned scanouts;        /* 1 to DISPLAY_MAX_SCANOUTS */
    unsigned connected;       /* of those, from the first on; 0: one */
    uint32_t width, height;   /* that these propose to the guest; up to VIRTIO_GPU_MAX_DIMENSION */
    uint64_t max_host_memory; /* bytes that the guest may make the host spend on resources; 0: 512 MiB */
    uint64_t window_gpa, window_size; /* where host memory can be mapped; whole pages; size 0: nowhere */
    uint32_t blob_alignment;          /* of blobs' sizes and places in the window: a power of two; 0: 4096 */
    const char *trace;                /* NULL, or the file that gets a trace (trace_format.h) */
    bool no_thread;                   /* nothing happens outside of virtio_gpu_drain(); for tests */
};

extern const struct virtio_device_ops virtio_gpu_ops;

struct virtio_gpu *virtio_gpu_create(const struct virtio_gpu_config *config, struct error *e);
/* Before the first notification. The transport is destroyed before the GPU. */
void virtio_gpu_attach(struct virtio_gpu *gpu, struct virtio_device *transport);
void virtio_gpu_destroy(struct virtio_gpu *gpu);

/* Proposes another size to the guest, which may follow; 0 x 0 disconnects the scanout. Sizes out of range are
 * cut to it. Any thread, after virtio_gpu_attach(). */
void virtio_gpu_resize(struct virtio_gpu *gpu, unsigned scanout, uint32_t width, uint32_t height);

/* Does what waits in the queues. Only with no_thread. */
void virtio_gpu_drain(struct virtio_gpu *gpu);

struct gpu_monitor *virtio_gpu_monitor(struct virtio_gpu *gpu);
void virtio_gpu_stats(struct virtio_gpu *gpu, struct gpu_stats *stats);
