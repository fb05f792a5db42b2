/* Scanouts: what they propose to the guest, what the guest shows on them, and their cursors. */
#include "host/clock.h"
#include "virtio/gpu/edid.h"
#include "virtio/gpu/internal.h"

/* --- what is proposed */

uint32_t gpu_get_display_info(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct virtio_gpu_resp_display_info *out = &request->out.display_info;
    *out = (struct virtio_gpu_resp_display_info){0};
    request->out_size = sizeof *out;

    pthread_mutex_lock(&gpu->proposal_lock);
    uint32_t x = 0; /* side by side, the tops aligned */
    for (unsigned i = 0; i < gpu->config.scanouts; i++) {
        const struct gpu_scanout *scanout = &gpu->state.scanouts[i];
        out->pmodes[i].r = (struct virtio_gpu_rect){x, 0, scanout->proposed_width, scanout->proposed_height};
        out->pmodes[i].enabled = scanout->proposed_width != 0;
        x += scanout->proposed_width;
    }
    pthread_mutex_unlock(&gpu->proposal_lock);
    return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

uint32_t gpu_get_edid(struct virtio_gpu *gpu, struct gpu_request *request) {
    uint32_t index = request->in.get_edid.scanout;
    struct virtio_gpu_resp_edid *out = &request->out.edid;
    if (index >= gpu->config.scanouts)
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    *out = (struct virtio_gpu_resp_edid){0};
    request->out_size = sizeof *out;

    const struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    pthread_mutex_lock(&gpu->proposal_lock);
    uint32_t width = scanout->proposed_width, height = scanout->proposed_height;
    pthread_mutex_unlock(&gpu->proposal_lock);
    if (width) /* a disconnected monitor tells nothing */
        out->size = (uint32_t)edid_build(out->edid, width, height, index + 1);
    return VIRTIO_GPU_RESP_OK_EDID;
}

/* --- what is shown */

/* A picture in memory that can be shown as it is needs no copy. */
static bool lend(
    struct virtio_gpu *gpu, unsigned index, const struct gpu_resource *resource, const struct rect *rect) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    const struct gpu_layout *layout = &scanout->layout;
    const uint8_t *pixels = layout->image.width
                                ? gpu->config.renderer->blob_pixels(gpu->renderer, resource->surface, layout)
                                : NULL;
    if (!pixels)
        return false;
    pixels += (size_t)scanout->rect.y * layout->stride + (size_t)scanout->rect.x * GPU_BYTES_PER_PIXEL;
    display_lend(gpu->config.display, index, pixels, layout->stride, rect);
    scanout->lender = resource->id;
    return true;
}

/* Brings what is stale from the resource to the display. */
static void show(struct virtio_gpu *gpu, unsigned index) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    const struct gpu_resource *resource = gpu_resource_find(gpu, scanout->resource_id);
    struct rect stale = scanout->stale, *rect = &stale;
    struct rect from = {scanout->rect.x + rect->x, scanout->rect.y + rect->y, rect->width, rect->height};
    size_t stride;
    if (rect_empty(rect))
        return;
    scanout->stale = (struct rect){0};
    if (lend(gpu, index, resource, rect))
        return;
    scanout->lender = 0;
    uint8_t *pixels = display_begin(gpu->config.display, index, rect, &stride);
    if (!pixels)
        return;
    if (scanout->layout.image.width)
        gpu->config.renderer->read_blob(
            gpu->renderer, resource->surface, &scanout->layout, &from, pixels, stride);
    else
        gpu->config.renderer->read_pixels(gpu->renderer, resource->surface, &from, pixels, stride);
    display_end(gpu->config.display, index, rect);
    gpu_monitor_read_back(gpu->monitor, (uint64_t)rect->width * rect->height * GPU_BYTES_PER_PIXEL);
}

static void turn_off(struct virtio_gpu *gpu, unsigned index) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    show(gpu, index); /* the display keeps the last frame */
    scanout->lender = 0;
    scanout->resource_id = 0;
    scanout->rect = (struct rect){0};
    scanout->layout = (struct gpu_layout){0};
    display_turn_off(gpu->config.display, index);
}

static bool set_mode(struct virtio_gpu *gpu, unsigned index, uint32_t width, uint32_t height) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    uint64_t charge = (uint64_t)width * height * GPU_BYTES_PER_PIXEL;
    gpu->state.host_memory -= scanout->frame_charge;
    if (gpu_charge(gpu, charge)) {
        if (display_set_mode(gpu->config.display, index, width, height)) {
            scanout->frame_charge = charge;
            return true;
        }
        gpu->state.host_memory -= charge;
    }
    gpu->state.host_memory += scanout->frame_charge;
    return false;
}

/* Brings rect of the resource into view, which layout describes if it is a blob. Returns the response. */
static uint32_t set_scanout(struct virtio_gpu *gpu, unsigned index, const struct gpu_resource *resource,
    const struct rect *rect, const struct gpu_layout *layout) {
    if (!set_mode(gpu, index, rect->width, rect->height))
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    scanout->resource_id = resource->id;
    scanout->rect = *rect;
    scanout->layout = *layout;
    scanout->stale = (struct rect){0, 0, rect->width, rect->height};
    return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_set_scanout(struct virtio_gpu *gpu, struct gpu_request *request) {
    static const struct gpu_layout none;
    const struct virtio_gpu_set_scanout *in = &request->in.set_scanout;
    struct rect rect = {in->r.x, in->r.y, in->r.width, in->r.height};
    if (in->scanout_id >= gpu->config.scanouts)
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    if (in->resource_id == 0) {
        turn_off(gpu, in->scanout_id);
        return VIRTIO_GPU_RESP_OK_NODATA;
    }
    const struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!rect_inside(&rect, resource->image.width, resource->image.height))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    return set_scanout(gpu, in->scanout_id, resource, &rect, &none);
}

/* Whether the picture lies inside the blob. */
static bool layout_fits(const struct gpu_layout *layout, uint64_t size) {
    const struct gpu_image *image = &layout->image;
    uint64_t row = (uint64_t)image->width * GPU_BYTES_PER_PIXEL;
    if (!gpu_known_format(image->format) || image->width == 0 || image->width > VIRTIO_GPU_MAX_DIMENSION ||
        image->height == 0 || image->height > VIRTIO_GPU_MAX_DIMENSION || layout->stride < row)
        return false;
    return layout->offset + (uint64_t)layout->stride * (image->height - 1) + row <= size;
}

uint32_t gpu_set_scanout_blob(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_set_scanout_blob *in = &request->in.set_scanout_blob;
    struct rect rect = {in->r.x, in->r.y, in->r.width, in->r.height};
    const struct gpu_layout layout = {
        .image = {in->format, in->width, in->height},
        .stride = in->strides[0],
        .offset = in->offsets[0],
    };
    if (in->scanout_id >= gpu->config.scanouts)
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    if (in->resource_id == 0) {
        turn_off(gpu, in->scanout_id);
        return VIRTIO_GPU_RESP_OK_NODATA;
    }
    const struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource || !resource->blob_size)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!layout_fits(&layout, resource->blob_size) ||
        !rect_inside(&rect, layout.image.width, layout.image.height))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    return set_scanout(gpu, in->scanout_id, resource, &rect, &layout);
}

/* A blob has the size of the picture that is shown of it, or none. */
static bool can_flush(const struct gpu_resource *resource, const struct rect *rect) {
    if (resource->blob_size)
        return rect_inside(rect, VIRTIO_GPU_MAX_DIMENSION, VIRTIO_GPU_MAX_DIMENSION);
    return rect_inside(rect, resource->image.width, resource->image.height);
}

uint32_t gpu_resource_flush(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_flush *in = &request->in.flush;
    struct rect rect = {in->r.x, in->r.y, in->r.width, in->r.height};
    const struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!can_flush(resource, &rect))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    bool shown = false;
    for (unsigned i = 0; i < gpu->config.scanouts; i++) {
        struct gpu_scanout *scanout = &gpu->state.scanouts[i];
        if (scanout->resource_id != resource->id)
            continue;
        struct rect part = rect_intersect(&rect, &scanout->rect);
        if (rect_empty(&scanout->stale) && rect_empty(&part))
            continue;
        part.x -= scanout->rect.x;
        part.y -= scanout->rect.y;
        scanout->stale = rect_union(&scanout->stale, &part);
        shown = true;
        if (display_awaited(gpu->config.display, i))
            show(gpu, i);
    }
    if (shown)
        gpu_monitor_frame(gpu->monitor, host_now_ns());
    return VIRTIO_GPU_RESP_OK_NODATA;
}

void gpu_scanouts_show(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < gpu->config.scanouts; i++)
        if (!rect_empty(&gpu->state.scanouts[i].stale) && display_awaited(gpu->config.display, i))
            show(gpu, i);
}

void gpu_scanouts_refresh(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < gpu->config.scanouts; i++)
        show(gpu, i);
}

/* --- cursors */

static void move_cursor(struct virtio_gpu *gpu, const struct virtio_gpu_cursor_pos *pos) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[pos->scanout_id];
    scanout->cursor.x = (int32_t)pos->x; /* Linux sends negative ones at the left and top edge */
    scanout->cursor.y = (int32_t)pos->y;
    display_move_cursor(gpu->config.display, pos->scanout_id, scanout->cursor.x, scanout->cursor.y);
}

static void hide_cursor(struct virtio_gpu *gpu, unsigned index) {
    gpu->state.scanouts[index].cursor.resource_id = 0;
    display_set_cursor(gpu->config.display, index, NULL, 0, 0);
}

uint32_t gpu_update_cursor(struct virtio_gpu *gpu, struct gpu_request *request) {
    static const struct rect all = {0, 0, DISPLAY_CURSOR_SIZE, DISPLAY_CURSOR_SIZE};
    const struct virtio_gpu_update_cursor *in = &request->in.cursor;
    if (in->pos.scanout_id >= gpu->config.scanouts)
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    if (in->resource_id == 0) {
        hide_cursor(gpu, in->pos.scanout_id);
        return VIRTIO_GPU_RESP_OK_NODATA;
    }
    const struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource->image.width != all.width || resource->image.height != all.height)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    uint8_t pixels[DISPLAY_CURSOR_SIZE * DISPLAY_CURSOR_SIZE * GPU_BYTES_PER_PIXEL];
    enum gpu_status status = gpu->config.renderer->read_pixels(
        gpu->renderer, resource->surface, &all, pixels, all.width * GPU_BYTES_PER_PIXEL);
    if (status != GPU_OK)
        return gpu_response_of(status);
    struct gpu_scanout *scanout = &gpu->state.scanouts[in->pos.scanout_id];
    scanout->cursor.resource_id = in->resource_id;
    scanout->cursor.hot_x = in->hot_x < all.width ? in->hot_x : all.width - 1;
    scanout->cursor.hot_y = in->hot_y < all.height ? in->hot_y : all.height - 1;
    display_set_cursor(
        gpu->config.display, in->pos.scanout_id, pixels, scanout->cursor.hot_x, scanout->cursor.hot_y);
    move_cursor(gpu, &in->pos);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_move_cursor(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_update_cursor *in = &request->in.cursor;
    if (in->pos.scanout_id >= gpu->config.scanouts)
        return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
    move_cursor(gpu, &in->pos);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

/* --- life */

void gpu_scanouts_forget(struct virtio_gpu *gpu, uint32_t resource_id) {
    for (unsigned i = 0; i < gpu->config.scanouts; i++) {
        struct gpu_scanout *scanout = &gpu->state.scanouts[i];
        if (scanout->resource_id == resource_id)
            turn_off(gpu, i);
        if (scanout->lender == resource_id) { /* which another has followed, not shown yet */
            display_take_back(gpu->config.display, i);
            scanout->lender = 0;
        }
        /* A cursor's image is a copy: it stays until the next update. */
    }
}

void gpu_scanouts_clear(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < gpu->config.scanouts; i++) {
        turn_off(gpu, i);
        hide_cursor(gpu, i);
    }
}
