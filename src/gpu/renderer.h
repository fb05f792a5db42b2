/* The border between the virtio-gpu device and what draws: soft2d, or virglrenderer (virgl.c).
 *
 * The device owns ids, limits, guest memory and the wire format, and has checked every number before a
 * renderer sees it. All calls, create() and destroy() among them, come from the GPU's thread. A renderer
 * knows nothing of virtio or of displays. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/error.h"
#include "util/rect.h"

enum gpu_status {
    GPU_OK,
    GPU_FAILED,
    GPU_OUT_OF_MEMORY,
    GPU_BAD_CONTEXT,
    GPU_BAD_PARAMETER,
};

/* Names give the order of bytes in memory. The values are those of virtio-gpu, which are Gallium's. */
enum gpu_format {
    GPU_FORMAT_B8G8R8A8 = 1,
    GPU_FORMAT_B8G8R8X8 = 2,
    GPU_FORMAT_A8R8G8B8 = 3,
    GPU_FORMAT_X8R8G8B8 = 4,
    GPU_FORMAT_R8G8B8A8 = 67,
    GPU_FORMAT_X8B8G8R8 = 68,
    GPU_FORMAT_A8B8G8R8 = 121,
    GPU_FORMAT_R8G8B8X8 = 134,
};

enum { GPU_BYTES_PER_PIXEL = 4 }; /* of every format above */

struct gpu_image {
    enum gpu_format format;
    uint32_t width, height;
};

/* An image inside a blob; the device has seen to it that it is. */
struct gpu_layout {
    struct gpu_image image;
    uint32_t stride;
    uint64_t offset; /* bytes */
};

/* A resource as the renderer knows it; opaque to the device. */
struct gpu_surface;

/* Fences complete in order on one timeline: a ring of a context, or the device's own ({0, 0}). */
struct gpu_timeline {
    uint32_t context;
    uint8_t ring;
};

/* What a renderer may call, on any thread. */
struct gpu_renderer_host {
    void *ctx;
    /* Everything submitted to the timeline before fence(), and before every smaller one there, is complete.
     */
    void (*fence_done)(void *ctx, struct gpu_timeline timeline, uint64_t fence);
    /* What was behind the context is gone: nothing works in it any more, its fences may never come. Not after
     * context_destroy(), which is still due. */
    void (*context_lost)(void *ctx, uint32_t context);
    /* The renderer's poll() is to be called soon. Any thread. */
    void (*poll_wanted)(void *ctx);
    /* So much was copied from a 2D surface's backing. */
    void (*uploaded)(void *ctx, uint64_t bytes);
};

struct gpu_transfer_3d {
    struct {
        uint32_t x, y, z, width, height, depth;
    } box;
    uint64_t offset;
    uint32_t level, stride, layer_stride;
};

struct gpu_resource_3d {
    uint32_t target, format, bind, width, height, depth, array_size, last_level, samples, flags;
};

enum gpu_blob_memory { GPU_BLOB_GUEST = 1, GPU_BLOB_HOST3D = 2, GPU_BLOB_HOST3D_GUEST = 3 };
enum { GPU_BLOB_MAPPABLE = 1 << 0, GPU_BLOB_SHAREABLE = 1 << 1, GPU_BLOB_CROSS_DEVICE = 1 << 2 };

/* Numbers are those of virtio 1.2, 5.7.6.8. */
struct gpu_blob {
    uint32_t context, memory, flags;
    uint64_t id, size; /* size in bytes, whole pages */
};

struct gpu_capset {
    uint32_t id, max_version, max_size;
};

struct gpu_renderer_ops {
    const char *name;

    int (*create)(void **renderer, const struct gpu_renderer_host *host, struct error *e);
    void (*destroy)(void *renderer);
    /* Every surface and context is gone already. fence_done() may still come for fences of before. */
    void (*reset)(void *renderer);

    /* ---- 2D: always there. ---- */

    /* id is not 0 and not in use. The contents start as zeros. */
    enum gpu_status (*surface_create)(
        void *renderer, uint32_t id, const struct gpu_image *image, struct gpu_surface **surface);
    void (*surface_destroy)(void *renderer, struct gpu_surface *surface);
    /* iov stays valid until backing_detach() or surface_destroy(); the guest writes there at any time. */
    void (*backing_attach)(
        void *renderer, struct gpu_surface *surface, const struct iovec *iov, unsigned count);
    void (*backing_detach)(void *renderer, struct gpu_surface *surface);
    /* Copies rect, which is inside the surface, from the backing: its first pixel is at offset there, and
     * rows are a surface's width apart. GPU_BAD_PARAMETER when the backing does not reach that far. It may be
     * put off until somebody looks or the backing goes. */
    enum gpu_status (*transfer_to_host)(
        void *renderer, struct gpu_surface *surface, const struct rect *rect, uint64_t offset);
    /* For scanouts and cursors: rect, which is inside the surface, as B, G, R, A; A means nothing where the
     * format has none. stride is in bytes. */
    enum gpu_status (*read_pixels)(
        void *renderer, struct gpu_surface *surface, const struct rect *rect, uint8_t *pixels, size_t stride);
    /* Answers with host->fence_done(), at once or later. Fences grow on every timeline. */
    void (*fence)(void *renderer, struct gpu_timeline timeline, uint64_t fence);
    /* What poll_wanted() asked for; NULL in a renderer that never does. */
    void (*poll)(void *renderer);

    /* ---- 3D: NULL, all of them, in a renderer without contexts. ---- */

    /* The index-th capability set; GPU_BAD_PARAMETER past the last. */
    enum gpu_status (*capset_info)(void *renderer, unsigned index, struct gpu_capset *capset);
    enum gpu_status (*capset_read)(void *renderer, uint32_t id, uint32_t version, void *data, size_t size);
    enum gpu_status (*context_create)(void *renderer, uint32_t context, uint32_t capset, const char *name);
    void (*context_destroy)(void *renderer, uint32_t context);
    enum gpu_status (*context_attach)(void *renderer, uint32_t context, struct gpu_surface *surface);
    void (*context_detach)(void *renderer, uint32_t context, struct gpu_surface *surface);
    /* commands is the renderer's to read until it returns, and no longer guest memory. */
    enum gpu_status (*submit)(void *renderer, uint32_t context, const void *commands, size_t size);
    enum gpu_status (*surface_create_3d)(
        void *renderer, uint32_t id, const struct gpu_resource_3d *resource, struct gpu_surface **surface);
    enum gpu_status (*transfer_3d)(void *renderer, uint32_t context, struct gpu_surface *surface,
        const struct gpu_transfer_3d *transfer, bool to_host);

    /* ---- Blobs: NULL, all of them, in a renderer without them. ---- */

    /* iov, which may be empty, stays valid like that of backing_attach(). */
    enum gpu_status (*surface_create_blob)(void *renderer, uint32_t id, const struct gpu_blob *blob,
        const struct iovec *iov, unsigned count, struct gpu_surface **surface);
    /* Like read_pixels(), of an image inside a blob. */
    enum gpu_status (*read_blob)(void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout,
        const struct rect *rect, uint8_t *pixels, size_t stride);
    /* Where the first pixel of such an image lies if its memory can be shown as it is, in rows layout->stride
     * apart and as B, G, R, A, for as long as the surface lives; NULL: it takes read_blob(). */
    const uint8_t *(*blob_pixels)(
        void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout);
    /* Host memory of a blob, for the host-visible window, where it stays until unmap(); map_info is the
     * caching mode of virtio 1.2, 5.7.6.8. */
    enum gpu_status (*map)(
        void *renderer, struct gpu_surface *surface, void **data, uint64_t *size, uint32_t *map_info);
    void (*unmap)(void *renderer, struct gpu_surface *surface);
};

extern const struct gpu_renderer_ops gpu_soft2d;

/* virglrenderer: OpenGL, Vulkan, or both. One at a time in a process. create() fails with one line that says
 * what the host lacks. */
extern const struct gpu_renderer_ops gpu_virgl, gpu_venus, gpu_3d;
