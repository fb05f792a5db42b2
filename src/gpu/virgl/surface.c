/* Resources: 2D ones are soft2d's, the others virglrenderer's. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu/pixels.h"
#include "gpu/virgl/internal.h"
#include "util/iov.h"

struct virgl_box { /* which virglrenderer.h only names */
    uint32_t x, y, z, w, h, d;
};

static enum gpu_status settle(enum gpu_status status, struct gpu_surface *surface, struct gpu_surface **out) {
    if (status == GPU_OK)
        *out = surface;
    else
        free(surface);
    return status;
}

enum gpu_status virgl_surface_create(
    void *renderer, uint32_t id, const struct gpu_image *image, struct gpu_surface **out) {
    struct virgl *virgl = renderer;
    struct gpu_surface *surface = calloc(1, sizeof *surface);
    if (!surface)
        return GPU_OUT_OF_MEMORY;
    surface->id = id;
    return settle(gpu_soft2d.surface_create(virgl->soft, id, image, &surface->plain), surface, out);
}

enum gpu_status virgl_surface_create_3d(
    void *renderer, uint32_t id, const struct gpu_resource_3d *resource, struct gpu_surface **out) {
    (void)renderer;
    struct gpu_surface *surface = calloc(1, sizeof *surface);
    if (!surface)
        return GPU_OUT_OF_MEMORY;
    surface->id = id;
    surface->format = resource->format;
    struct virgl_renderer_resource_create_args args = {
        .handle = id,
        .target = resource->target,
        .format = resource->format,
        .bind = resource->bind,
        .width = resource->width,
        .height = resource->height,
        .depth = resource->depth,
        .array_size = resource->array_size,
        .last_level = resource->last_level,
        .nr_samples = resource->samples,
        .flags = resource->flags,
    };
    return settle(virgl_status(virgl_library.resource_create(&args, NULL, 0)), surface, out);
}

enum gpu_status virgl_surface_create_blob(void *renderer, uint32_t id, const struct gpu_blob *blob,
    const struct iovec *iov, unsigned count, struct gpu_surface **out) {
    struct gpu_surface *surface = calloc(1, sizeof *surface);
    if (!surface)
        return GPU_OUT_OF_MEMORY;
    surface->id = id;
    surface->blob_size = blob->size;
    surface->iov = iov;
    surface->iov_count = count;
    const struct virgl_renderer_resource_create_blob_args args = {
        .res_handle = id,
        .ctx_id = blob->memory == GPU_BLOB_GUEST ? 0 : blob->context,
        .blob_mem = blob->memory,
        .blob_flags = blob->flags,
        .blob_id = blob->id,
        .size = blob->size,
        .iovecs = iov,
        .num_iovs = count,
    };
    virgl_enter(renderer, args.ctx_id);
    int result = virgl_library.resource_create_blob(&args);
    virgl_leave(renderer);
    return settle(virgl_status(result), surface, out);
}

static void unmap_memory(struct gpu_surface *surface) {
    if (surface->own_map)
        munmap(surface->map, surface->blob_size);
    else if (surface->map)
        virgl_library.resource_unmap(surface->id);
}

void virgl_surface_destroy(void *renderer, struct gpu_surface *surface) {
    struct virgl *virgl = renderer;
    if (surface->plain) {
        gpu_soft2d.surface_destroy(virgl->soft, surface->plain);
    } else {
        unmap_memory(surface);
        virgl_enter(virgl, 0); /* every context that it is attached to hears of it */
        virgl_library.resource_unref(surface->id);
        virgl_leave(virgl);
    }
    free(surface);
}

/* --- the guest's memory */

void virgl_backing_attach(
    void *renderer, struct gpu_surface *surface, const struct iovec *iov, unsigned count) {
    struct virgl *virgl = renderer;
    if (surface->plain)
        gpu_soft2d.backing_attach(virgl->soft, surface->plain, iov, count);
    else
        virgl_library.resource_attach_iov((int)surface->id, (struct iovec *)iov, (int)count);
}

void virgl_backing_detach(void *renderer, struct gpu_surface *surface) {
    struct virgl *virgl = renderer;
    if (surface->plain)
        gpu_soft2d.backing_detach(virgl->soft, surface->plain);
    else
        virgl_library.resource_detach_iov((int)surface->id, NULL, NULL);
}

enum gpu_status virgl_transfer_to_host(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint64_t offset) {
    struct virgl *virgl = renderer;
    if (surface->plain)
        return gpu_soft2d.transfer_to_host(virgl->soft, surface->plain, rect, offset);
    struct virgl_box box = {rect->x, rect->y, 0, rect->width, rect->height, 1};
    return virgl_status(virgl_library.transfer_write_iov(surface->id, 0, 0, 0, 0, &box, offset, NULL, 0));
}

enum gpu_status virgl_transfer_3d(void *renderer, uint32_t context, struct gpu_surface *surface,
    const struct gpu_transfer_3d *transfer, bool to_host) {
    (void)renderer;
    if (surface->plain)
        return GPU_BAD_PARAMETER;
    struct virgl_box box = {transfer->box.x, transfer->box.y, transfer->box.z, transfer->box.width,
        transfer->box.height, transfer->box.depth};
    int result = to_host ? virgl_library.transfer_write_iov(surface->id, context, (int)transfer->level,
                               transfer->stride, transfer->layer_stride, &box, transfer->offset, NULL, 0)
                         : virgl_library.transfer_read_iov(surface->id, context, transfer->level,
                               transfer->stride, transfer->layer_stride, &box, transfer->offset, NULL, 0);
    return virgl_status(result);
}

/* --- host memory */

/* The file that a blob's memory is, the caller's; -1: it is none. */
static int export_file(const struct gpu_surface *surface) {
    uint32_t type;
    int fd;
    if (virgl_library.resource_export_blob(surface->id, &type, &fd) != 0)
        return -1;
    if (type != VIRGL_RENDERER_BLOB_FD_TYPE_OPAQUE)
        return fd;
    close(fd);
    return -1;
}

/* Such as the layer's and Venus's rings. Only these have seals. */
static bool is_memfd(int fd) {
    return fd >= 0 && fcntl(fd, F_GET_SEALS) >= 0;
}

/* A mapping past the end of its file would end the process at the first access there. */
static bool covers(int fd, uint64_t size) {
    off_t end = lseek(fd, 0, SEEK_END);
    return end >= 0 && (uint64_t)end >= size;
}

static bool map_by_virglrenderer(struct gpu_surface *surface) {
    void *map = NULL;
    uint64_t mapped = 0;
    if (virgl_library.resource_map(surface->id, &map, &mapped) != 0 || !map)
        return false;
    if (mapped < surface->blob_size) {
        virgl_library.resource_unmap(surface->id);
        return false;
    }
    surface->map = map;
    return true;
}

/* virglrenderer neither maps nor unmaps a blob any more once it has made a texture of it for OpenGL. */
static bool map_memfd(struct gpu_surface *surface, int fd) {
    void *map = mmap(NULL, surface->blob_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return false;
    surface->map = map;
    surface->own_map = true;
    return true;
}

/* For as long as the surface. */
static bool map_memory(struct gpu_surface *surface) {
    if (surface->map)
        return true;
    int fd = export_file(surface);
    bool done = false;
    if (fd < 0 || covers(fd, surface->blob_size))
        done = is_memfd(fd) ? map_memfd(surface, fd) : map_by_virglrenderer(surface);
    if (fd >= 0)
        close(fd);
    return done;
}

enum gpu_status virgl_map(
    void *renderer, struct gpu_surface *surface, void **data, uint64_t *size, uint32_t *map_info) {
    (void)renderer;
    if (!map_memory(surface))
        return GPU_FAILED;
    *data = surface->map;
    *size = surface->blob_size;
    return virgl_status(virgl_library.resource_get_map_info(surface->id, map_info));
}

/* The mapping is kept for as long as the surface: the picture may be read from it too, and the guest may map
 * it again. */
void virgl_unmap(void *renderer, struct gpu_surface *surface) {
    (void)renderer;
    (void)surface;
}

/* --- what is shown */

/* virglrenderer has no map_info for memory that the guest cannot map, such as that of a swapchain which lies
 * in the device's own memory as far as the guest knows. It may be what no access ends well in, unless it is
 * the layer's. */
static bool map_shown(struct gpu_surface *surface) {
    uint32_t map_info;
    if (surface->map)
        return true;
    bool shown = virgl_library.resource_get_map_info(surface->id, &map_info) == 0;
    if (!shown) {
        int fd = export_file(surface);
        shown = is_memfd(fd);
        if (fd >= 0)
            close(fd);
    }
    return shown && map_memory(surface);
}

/* Of a texture. */
static enum gpu_status read_texture(
    uint32_t id, enum gpu_format format, const struct rect *rect, uint8_t *pixels, size_t stride) {
    struct virgl_box box = {rect->x, rect->y, 0, rect->width, rect->height, 1};
    size_t size = (rect->height - 1) * stride + (size_t)rect->width * GPU_BYTES_PER_PIXEL;
    struct iovec iov = {pixels, size};
    int result = virgl_library.transfer_read_iov(id, 0, 0, (uint32_t)stride, 0, &box, 0, &iov, 1);
    if (result != 0)
        return virgl_status(result);
    for (uint32_t y = 0; y < rect->height; y++, pixels += stride)
        pixels_to_bgra(pixels, pixels, rect->width, format);
    return GPU_OK;
}

enum gpu_status virgl_read_pixels(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint8_t *pixels, size_t stride) {
    struct virgl *virgl = renderer;
    if (surface->plain)
        return gpu_soft2d.read_pixels(virgl->soft, surface->plain, rect, pixels, stride);
    return read_texture(surface->id, surface->format, rect, pixels, stride);
}

const uint8_t *virgl_blob_pixels(
    void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout) {
    const struct gpu_image *image = &layout->image;
    (void)renderer;
    if (image->format != GPU_FORMAT_B8G8R8A8 && image->format != GPU_FORMAT_B8G8R8X8)
        return NULL;
    uint64_t size =
        (uint64_t)layout->stride * (image->height - 1) + (uint64_t)image->width * GPU_BYTES_PER_PIXEL;
    if (surface->iov_count)
        return iov_piece(surface->iov, surface->iov_count, layout->offset, size);
    return map_shown(surface) ? surface->map + layout->offset : NULL;
}

enum gpu_status virgl_read_blob(void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout,
    const struct rect *rect, uint8_t *pixels, size_t stride) {
    (void)renderer;
    bool guest = surface->iov_count != 0;
    if (!guest && !map_shown(surface))
        return read_texture(surface->id, layout->image.format, rect, pixels, stride);

    uint64_t from =
        layout->offset + (uint64_t)rect->y * layout->stride + (uint64_t)rect->x * GPU_BYTES_PER_PIXEL;
    size_t row = (size_t)rect->width * GPU_BYTES_PER_PIXEL;
    for (uint32_t y = 0; y < rect->height; y++, from += layout->stride, pixels += stride) {
        if (guest)
            iov_read(surface->iov, surface->iov_count, from, pixels, row);
        else
            memcpy(pixels, surface->map + from, row);
        pixels_to_bgra(pixels, pixels, rect->width, layout->image.format);
    }
    return GPU_OK;
}
