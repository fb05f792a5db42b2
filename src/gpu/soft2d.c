/* The 2D renderer: surfaces in host memory, no library. */
#include <stdlib.h>
#include <string.h>

#include "gpu/pixels.h"
#include "gpu/renderer.h"

struct soft2d {
    struct gpu_renderer_host host;
    struct gpu_surface *surfaces; /* all of them, for reset */
};

struct gpu_surface {
    struct gpu_surface *next, **link;
    struct gpu_image image;
    const struct iovec *backing;
    unsigned backing_count;
    struct rect owed; /* transferred by the guest, not copied yet; see transfer_to_host() */
    uint8_t pixels[];
};

static int soft2d_create(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    struct soft2d *soft = calloc(1, sizeof *soft);
    if (!soft)
        return error_set(e, "no memory for the 2D renderer");
    soft->host = *host;
    *renderer = soft;
    return 0;
}

static void surface_destroy(void *renderer, struct gpu_surface *surface) {
    (void)renderer;
    *surface->link = surface->next;
    if (surface->next)
        surface->next->link = surface->link;
    free(surface);
}

static void soft2d_reset(void *renderer) {
    struct soft2d *soft = renderer;
    while (soft->surfaces)
        surface_destroy(soft, soft->surfaces);
}

static void soft2d_destroy(void *renderer) {
    soft2d_reset(renderer);
    free(renderer);
}

static enum gpu_status surface_create(
    void *renderer, uint32_t id, const struct gpu_image *image, struct gpu_surface **out) {
    (void)id;
    struct soft2d *soft = renderer;
    /* calloc() leaves large surfaces unbacked until they are touched. */
    struct gpu_surface *surface =
        calloc(1, sizeof *surface + (size_t)image->width * image->height * GPU_BYTES_PER_PIXEL);
    if (!surface)
        return GPU_OUT_OF_MEMORY;
    surface->image = *image;
    surface->next = soft->surfaces;
    surface->link = &soft->surfaces;
    if (surface->next)
        surface->next->link = &surface->next;
    soft->surfaces = surface;
    *out = surface;
    return GPU_OK;
}

/* A place in a backing that only moves forward, so that a transfer walks the list of pages once. */
struct cursor {
    const struct iovec *iov, *end;
    size_t offset; /* into *iov */
};

/* False at the end of the backing. */
static bool cursor_skip(struct cursor *c, uint64_t bytes) {
    while (c->iov < c->end && bytes >= c->iov->iov_len - c->offset) {
        bytes -= c->iov->iov_len - c->offset;
        c->offset = 0;
        c->iov++;
    }
    c->offset += bytes;
    return c->iov < c->end;
}

static void cursor_copy(struct cursor *c, uint8_t *to, size_t bytes) {
    while (bytes) {
        size_t chunk = c->iov->iov_len - c->offset;
        if (chunk > bytes)
            chunk = bytes;
        memcpy(to, (const uint8_t *)c->iov->iov_base + c->offset, chunk);
        to += chunk;
        bytes -= chunk;
        cursor_skip(c, chunk);
    }
}

static uint64_t backing_size(const struct gpu_surface *surface) {
    uint64_t size = 0;
    for (unsigned i = 0; i < surface->backing_count; i++)
        size += surface->backing[i].iov_len;
    return size;
}

/* Where rect begins in a backing that has the surface's own layout. */
static uint64_t natural_offset(const struct gpu_surface *surface, const struct rect *rect) {
    return ((uint64_t)rect->y * surface->image.width + rect->x) * GPU_BYTES_PER_PIXEL;
}

static void copy(struct soft2d *soft, struct gpu_surface *surface, const struct rect *rect, uint64_t offset) {
    size_t stride = (size_t)surface->image.width * GPU_BYTES_PER_PIXEL;
    size_t row = (size_t)rect->width * GPU_BYTES_PER_PIXEL;
    struct cursor cursor = {surface->backing, surface->backing + surface->backing_count, 0};
    cursor_skip(&cursor, offset);
    uint8_t *to = surface->pixels + natural_offset(surface, rect);
    for (uint32_t y = 0; y < rect->height; y++, to += stride) {
        cursor_copy(&cursor, to, row);
        cursor_skip(&cursor, stride - row);
    }
    soft->host.uploaded(soft->host.ctx, (uint64_t)row * rect->height);
}

static void settle(struct soft2d *soft, struct gpu_surface *surface) {
    struct rect owed = surface->owed;
    surface->owed = (struct rect){0};
    if (!rect_empty(&owed))
        copy(soft, surface, &owed, natural_offset(surface, &owed));
}

/* Linux transfers a whole screen five times a second for its console's cursor, and without a window nobody
 * looks. So the copy waits for who does, and of two that wait one is left if it covers the other. What is
 * seen then may be newer than the transfer, as on a display that reads its memory. */
static enum gpu_status transfer_to_host(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint64_t offset) {
    size_t stride = (size_t)surface->image.width * GPU_BYTES_PER_PIXEL;
    size_t row = (size_t)rect->width * GPU_BYTES_PER_PIXEL;
    uint64_t needed = (rect->height - 1) * (uint64_t)stride + row;
    uint64_t size = backing_size(surface);
    if (needed > size || offset > size - needed)
        return GPU_BAD_PARAMETER;

    bool natural = offset == natural_offset(surface, rect);
    if (natural && rect_contains(&surface->owed, rect))
        return GPU_OK;
    if (!rect_contains(rect, &surface->owed))
        settle(renderer, surface);
    surface->owed = natural ? *rect : (struct rect){0};
    if (!natural)
        copy(renderer, surface, rect, offset);
    return GPU_OK;
}

static void backing_attach(
    void *renderer, struct gpu_surface *surface, const struct iovec *iov, unsigned count) {
    settle(renderer, surface);
    surface->backing = iov;
    surface->backing_count = count;
}

static void backing_detach(void *renderer, struct gpu_surface *surface) {
    backing_attach(renderer, surface, NULL, 0);
}

static enum gpu_status read_pixels(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint8_t *pixels, size_t stride) {
    settle(renderer, surface);
    size_t from_stride = (size_t)surface->image.width * GPU_BYTES_PER_PIXEL;
    const uint8_t *from = surface->pixels + rect->y * from_stride + (size_t)rect->x * GPU_BYTES_PER_PIXEL;
    for (uint32_t y = 0; y < rect->height; y++, from += from_stride, pixels += stride)
        pixels_to_bgra(pixels, from, rect->width, surface->image.format);
    return GPU_OK;
}

static void fence(void *renderer, struct gpu_timeline timeline, uint64_t fence) {
    struct soft2d *soft = renderer;
    soft->host.fence_done(
        soft->host.ctx, timeline, fence); /* everything before it was done when it returned */
}

const struct gpu_renderer_ops gpu_soft2d = {
    .name = "soft2d",
    .create = soft2d_create,
    .destroy = soft2d_destroy,
    .reset = soft2d_reset,
    .surface_create = surface_create,
    .surface_destroy = surface_destroy,
    .backing_attach = backing_attach,
    .backing_detach = backing_detach,
    .transfer_to_host = transfer_to_host,
    .read_pixels = read_pixels,
    .fence = fence,
};
