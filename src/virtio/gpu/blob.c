/* Blobs: plain memory of the guest's, the host's or both, and the window where the guest sees the host's
 * (5.7.6.8). */
#include "virtio/gpu/internal.h"

/* A resource is exported to other devices by its UUID; PearVisor has none that would import it, so that all
 * that matters is that two are never the same. */
uint32_t gpu_resource_assign_uuid(struct virtio_gpu *gpu, struct gpu_request *request) {
    uint32_t id = request->in.resource_only.resource_id;
    if (!gpu_resource_find(gpu, id))
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    request->out.uuid = (struct virtio_gpu_resp_resource_uuid){
        .uuid = {id >> 24 & 0xff, id >> 16 & 0xff, id >> 8 & 0xff,
            id & 0xff, [6] = 0x80, [8] = 0x80}, /* version 8 */
    };
    request->out_size = sizeof request->out.uuid;
    return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}

/* What the driver has to keep to: a page where it does not know better (BLOB_ALIGNMENT). */
static uint32_t alignment(const struct virtio_gpu *gpu) {
    return gpu->state.features >> VIRTIO_GPU_F_BLOB_ALIGNMENT & 1 ? gpu->config.blob_alignment : GPU_PAGE;
}

static uint32_t check(struct virtio_gpu *gpu, const struct virtio_gpu_resource_create_blob *in) {
    bool guest = in->blob_mem == GPU_BLOB_GUEST || in->blob_mem == GPU_BLOB_HOST3D_GUEST;
    bool host = in->blob_mem == GPU_BLOB_HOST3D || in->blob_mem == GPU_BLOB_HOST3D_GUEST;
    if (!(guest || host) || in->size == 0 || in->size % alignment(gpu) || guest != (in->nr_entries != 0))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    if (host && !gpu_context_exists(gpu, in->hdr.ctx_id))
        return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    return 0;
}

static bool backing_covers(const struct gpu_resource *resource, uint64_t size) {
    uint64_t total = 0;
    for (uint32_t i = 0; i < resource->entry_count; i++)
        total += resource->iov[i].iov_len;
    return total >= size;
}

uint32_t gpu_resource_create_blob(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_create_blob *in = &request->in.create_blob;
    bool host = in->blob_mem != GPU_BLOB_GUEST;
    uint32_t error = check(gpu, in);
    if (error)
        return error;
    struct gpu_resource *resource = gpu_resource_new(gpu, in->resource_id, host ? in->size : 0, &error);
    if (!resource)
        return error;
    if (in->nr_entries) {
        error = gpu_backing_read(gpu, request->chain, sizeof *in, in->nr_entries, resource);
        if (error == VIRTIO_GPU_RESP_OK_NODATA && !backing_covers(resource, in->size))
            error = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
        if (error != VIRTIO_GPU_RESP_OK_NODATA) {
            gpu_resource_settle(gpu, resource, GPU_FAILED);
            return error;
        }
    }
    resource->blob_size = in->size;
    resource->mappable = host && in->blob_flags & GPU_BLOB_MAPPABLE;
    const struct gpu_blob blob = {in->hdr.ctx_id, in->blob_mem, in->blob_flags, in->blob_id, in->size};
    return gpu_resource_settle(gpu, resource,
        gpu->config.renderer->surface_create_blob(
            gpu->renderer, in->resource_id, &blob, resource->iov, resource->entry_count, &resource->surface));
}

/* --- the window */

uint32_t gpu_resource_map_blob(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_map_blob *in = &request->in.map_blob;
    struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!resource->mappable || resource->mapped)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (in->offset % alignment(gpu) || resource->blob_size > gpu->config.window_size ||
        in->offset > gpu->config.window_size - resource->blob_size)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    void *data;
    uint64_t size;
    uint32_t map_info;
    enum gpu_status status =
        gpu->config.renderer->map(gpu->renderer, resource->surface, &data, &size, &map_info);
    if (status != GPU_OK)
        return gpu_response_of(status);
    struct memory_slot slot = {gpu->config.window_gpa + in->offset, resource->blob_size, data, MEMORY_WINDOW};
    struct error e;
    if (size < resource->blob_size || memory_add(gpu->config.memory, &slot, &e) < 0) {
        gpu->config.renderer->unmap(gpu->renderer, resource->surface);
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    }
    resource->mapped = true;
    resource->window_offset = in->offset;
    request->out.map_info = (struct virtio_gpu_resp_map_info){.map_info = map_info};
    request->out_size = sizeof request->out.map_info;
    return VIRTIO_GPU_RESP_OK_MAP_INFO;
}

void gpu_blob_unmap(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    if (!resource->mapped)
        return;
    memory_remove(gpu->config.memory, gpu->config.window_gpa + resource->window_offset);
    gpu->config.renderer->unmap(gpu->renderer, resource->surface);
    resource->mapped = false;
}

uint32_t gpu_resource_unmap_blob(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource *resource = gpu_resource_find(gpu, request->in.resource_only.resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!resource->mapped)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    gpu_blob_unmap(gpu, resource);
    return VIRTIO_GPU_RESP_OK_NODATA;
}
