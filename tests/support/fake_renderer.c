#include "fake_renderer.h"

#include <stdlib.h>
#include <string.h>

enum { CONTEXTS = 1 << 16 };

struct gpu_surface {
    struct gpu_image image;
    uint8_t *bytes; /* its contents, NULL when they are the guest's */
    uint64_t size;
    const struct iovec *iov;
    unsigned count;
    bool mapped;
};

struct fake {
    struct gpu_renderer_host host;
    unsigned surfaces;
};

bool fake_renderer_slow;
uint64_t fake_renderer_submitted;
static struct gpu_renderer_host last_host;
static uint32_t contexts[CONTEXTS]; /* the ids of those that are there */
static unsigned context_count;

static void require(bool condition) {
    if (!condition)
        abort();
}

static bool context_there(uint32_t id) {
    for (unsigned i = 0; i < context_count; i++)
        if (contexts[i] == id)
            return true;
    return false;
}

static int create(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    struct fake *fake = calloc(1, sizeof *fake);
    if (!fake)
        return error_set(e, "out of memory");
    fake->host = last_host = *host;
    *renderer = fake;
    return 0;
}

static void reset(void *renderer) {
    struct fake *fake = renderer;
    require(fake->surfaces == 0 && context_count == 0);
}

static void destroy(void *renderer) {
    reset(renderer);
    free(renderer);
}

static enum gpu_status new_surface(struct fake *fake, uint64_t size, struct gpu_surface **out) {
    if (size > 64 << 20)
        return GPU_OUT_OF_MEMORY;
    *out = calloc(1, sizeof **out);
    require(*out != NULL);
    (*out)->bytes = calloc(1, size + 1);
    (*out)->size = size;
    require((*out)->bytes != NULL);
    fake->surfaces++;
    return GPU_OK;
}

static enum gpu_status surface_create(
    void *renderer, uint32_t id, const struct gpu_image *image, struct gpu_surface **out) {
    require(id != 0 && image->width && image->height);
    enum gpu_status status =
        new_surface(renderer, (uint64_t)image->width * image->height * GPU_BYTES_PER_PIXEL, out);
    if (status == GPU_OK)
        (*out)->image = *image;
    return status;
}

static void surface_destroy(void *renderer, struct gpu_surface *surface) {
    struct fake *fake = renderer;
    require(!surface->mapped && !surface->iov);
    fake->surfaces--;
    free(surface->bytes);
    free(surface);
}

static void backing_attach(
    void *renderer, struct gpu_surface *surface, const struct iovec *iov, unsigned count) {
    (void)renderer;
    require(!surface->iov && iov && count);
    surface->iov = iov;
    surface->count = count;
}

static void backing_detach(void *renderer, struct gpu_surface *surface) {
    (void)renderer;
    require(surface->iov != NULL);
    surface->iov = NULL;
    surface->count = 0;
}

/* Between a backing and a surface, as far as both go. */
static void copy(struct gpu_surface *surface, bool to_host) {
    uint64_t at = 0;
    for (unsigned i = 0; i < surface->count && at < surface->size; i++) {
        size_t size = surface->iov[i].iov_len;
        if (size > surface->size - at)
            size = surface->size - at;
        memcpy(to_host ? surface->bytes + at : surface->iov[i].iov_base,
            to_host ? surface->iov[i].iov_base : surface->bytes + at, size);
        at += size;
    }
}

static enum gpu_status transfer_to_host(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint64_t offset) {
    (void)renderer;
    (void)offset;
    require(surface->iov && rect->x + rect->width <= surface->image.width &&
            rect->y + rect->height <= surface->image.height);
    copy(surface, true);
    return GPU_OK;
}

static void read_bytes(const struct gpu_surface *surface, uint64_t from, uint32_t from_stride,
    const struct rect *rect, uint8_t *pixels, size_t stride) {
    size_t row = (size_t)rect->width * GPU_BYTES_PER_PIXEL;
    from += (uint64_t)rect->y * from_stride + (uint64_t)rect->x * GPU_BYTES_PER_PIXEL;
    for (uint32_t y = 0; y < rect->height; y++, from += from_stride, pixels += stride) {
        require(from <= surface->size && row <= surface->size - from);
        memcpy(pixels, surface->bytes + from, row);
    }
}

static enum gpu_status read_pixels(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint8_t *pixels, size_t stride) {
    (void)renderer;
    read_bytes(surface, 0, surface->image.width * GPU_BYTES_PER_PIXEL, rect, pixels, stride);
    return GPU_OK;
}

/* One order of bytes is shown in place. */
static const uint8_t *blob_pixels(
    void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout) {
    (void)renderer;
    uint64_t size = (uint64_t)layout->stride * (layout->image.height - 1) +
                    (uint64_t)layout->image.width * GPU_BYTES_PER_PIXEL;
    require(layout->offset <= surface->size && size <= surface->size - layout->offset);
    return layout->image.format == GPU_FORMAT_B8G8R8A8 ? surface->bytes + layout->offset : NULL;
}

static enum gpu_status read_blob(void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout,
    const struct rect *rect, uint8_t *pixels, size_t stride) {
    (void)renderer;
    read_bytes(surface, layout->offset, layout->stride, rect, pixels, stride);
    return GPU_OK;
}

void fake_renderer_complete(struct gpu_timeline timeline, uint64_t fence) {
    last_host.fence_done(last_host.ctx, timeline, fence);
}

void fake_renderer_lose(uint32_t context) {
    last_host.context_lost(last_host.ctx, context);
}

static void fence(void *renderer, struct gpu_timeline timeline, uint64_t fence) {
    struct fake *fake = renderer;
    require(timeline.context == 0 || context_there(timeline.context));
    if (!fake_renderer_slow)
        fake->host.fence_done(fake->host.ctx, timeline, fence);
}

static enum gpu_status capset_info(void *renderer, unsigned index, struct gpu_capset *capset) {
    (void)renderer;
    if (index != 0)
        return GPU_BAD_PARAMETER;
    *capset = (struct gpu_capset){FAKE_CAPSET, 1, FAKE_CAPSET_SIZE};
    return GPU_OK;
}

static enum gpu_status capset_read(void *renderer, uint32_t id, uint32_t version, void *data, size_t size) {
    (void)renderer;
    require(id == FAKE_CAPSET && version <= 1 && size == FAKE_CAPSET_SIZE);
    memset(data, 0xca, size);
    return GPU_OK;
}

static enum gpu_status context_create(void *renderer, uint32_t context, uint32_t capset, const char *name) {
    (void)renderer;
    require(context != 0 && !context_there(context) && context_count < CONTEXTS && strlen(name) <= 64);
    if (capset != 0 && capset != FAKE_CAPSET)
        return GPU_BAD_PARAMETER;
    contexts[context_count++] = context;
    return GPU_OK;
}

static void context_destroy(void *renderer, uint32_t context) {
    (void)renderer;
    require(context_there(context));
    unsigned i = 0;
    while (contexts[i] != context)
        i++;
    contexts[i] = contexts[--context_count];
}

static enum gpu_status context_attach(void *renderer, uint32_t context, struct gpu_surface *surface) {
    (void)renderer;
    require(context_there(context) && surface->bytes);
    return GPU_OK;
}

static void context_detach(void *renderer, uint32_t context, struct gpu_surface *surface) {
    context_attach(renderer, context, surface);
}

static enum gpu_status submit(void *renderer, uint32_t context, const void *commands, size_t size) {
    (void)renderer;
    const uint32_t *word = commands;
    require(context_there(context) && size && size % sizeof *word == 0);
    for (size_t i = 0; i < size / sizeof *word; i++)
        fake_renderer_submitted += word[i];
    return GPU_OK;
}

static enum gpu_status surface_create_3d(
    void *renderer, uint32_t id, const struct gpu_resource_3d *resource, struct gpu_surface **out) {
    require(id != 0);
    uint64_t size;
    if (__builtin_mul_overflow((uint64_t)resource->width * resource->height, GPU_BYTES_PER_PIXEL, &size))
        return GPU_BAD_PARAMETER;
    enum gpu_status status = new_surface(renderer, size, out);
    if (status == GPU_OK)
        (*out)->image = (struct gpu_image){resource->format, resource->width, resource->height};
    return status;
}

static enum gpu_status transfer_3d(void *renderer, uint32_t context, struct gpu_surface *surface,
    const struct gpu_transfer_3d *transfer, bool to_host) {
    (void)renderer;
    (void)transfer;
    require(context_there(context) && surface->iov);
    copy(surface, to_host);
    return GPU_OK;
}

static enum gpu_status surface_create_blob(void *renderer, uint32_t id, const struct gpu_blob *blob,
    const struct iovec *iov, unsigned count, struct gpu_surface **out) {
    require(id != 0 && blob->size && blob->size % 4096 == 0);
    require((iov != NULL) == (count != 0) && (blob->memory == GPU_BLOB_HOST3D) == (count == 0));
    require(blob->memory == GPU_BLOB_GUEST || context_there(blob->context));
    if (blob->id == FAKE_BLOB_REFUSED)
        return GPU_BAD_PARAMETER;
    enum gpu_status status = new_surface(renderer, blob->size, out);
    if (status == GPU_OK) {
        (*out)->iov = iov;
        (*out)->count = count;
    }
    return status;
}

static enum gpu_status map(
    void *renderer, struct gpu_surface *surface, void **data, uint64_t *size, uint32_t *map_info) {
    (void)renderer;
    require(!surface->mapped);
    surface->mapped = true;
    *data = surface->bytes;
    *size = surface->size;
    *map_info = 1;
    return GPU_OK;
}

static void unmap(void *renderer, struct gpu_surface *surface) {
    (void)renderer;
    require(surface->mapped);
    surface->mapped = false;
}

const struct gpu_renderer_ops fake_renderer = {
    .name = "fake",
    .create = create,
    .destroy = destroy,
    .reset = reset,
    .surface_create = surface_create,
    .surface_destroy = surface_destroy,
    .backing_attach = backing_attach,
    .backing_detach = backing_detach,
    .transfer_to_host = transfer_to_host,
    .read_pixels = read_pixels,
    .fence = fence,
    .capset_info = capset_info,
    .capset_read = capset_read,
    .context_create = context_create,
    .context_destroy = context_destroy,
    .context_attach = context_attach,
    .context_detach = context_detach,
    .submit = submit,
    .surface_create_3d = surface_create_3d,
    .transfer_3d = transfer_3d,
    .surface_create_blob = surface_create_blob,
    .blob_pixels = blob_pixels,
    .read_blob = read_blob,
    .map = map,
    .unmap = unmap,
};
