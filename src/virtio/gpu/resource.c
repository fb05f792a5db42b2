/* Resources and their backing in guest memory. */
#include <stdlib.h>

#include "virtio/gpu/internal.h"

/* What the host spends on a resource beside its pixels; keeps the number of resources in bounds too. */
enum { RESOURCE_OVERHEAD = 4096 };

/* --- the table */

static struct gpu_resource **find_link(struct virtio_gpu *gpu, uint32_t id) {
    struct gpu_resource **link = &gpu->state.resources[id % GPU_BUCKETS];
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

struct gpu_resource *gpu_resource_find(struct virtio_gpu *gpu, uint32_t id) {
    return *find_link(gpu, id);
}

bool gpu_charge(struct virtio_gpu *gpu, uint64_t bytes) {
    if (bytes > gpu->config.max_host_memory - gpu->state.host_memory)
        return false;
    gpu->state.host_memory += bytes;
    return true;
}

static void free_backing(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    free(resource->entries);
    free(resource->iov);
    gpu->state.host_memory -= resource->backing_charge;
    resource->entries = NULL;
    resource->iov = NULL;
    resource->entry_count = 0;
    resource->backing_charge = 0;
}

static void detach_backing(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    if (resource->iov)
        gpu->config.renderer->backing_detach(gpu->renderer, resource->surface);
    free_backing(gpu, resource);
}

static void release(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    gpu->state.host_memory -= resource->charge;
    free(resource);
}

static void destroy(struct virtio_gpu *gpu, struct gpu_resource **link) {
    struct gpu_resource *resource = *link;
    gpu_blob_unmap(gpu, resource);
    detach_backing(gpu, resource);
    gpu->config.renderer->surface_destroy(gpu->renderer, resource->surface);
    *link = resource->next;
    release(gpu, resource);
}

struct gpu_resource *gpu_resource_new(struct virtio_gpu *gpu, uint32_t id, uint64_t charge, uint32_t *error) {
    *error = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (id == 0 || gpu_resource_find(gpu, id))
        return NULL;
    *error = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    if (charge > UINT64_MAX - RESOURCE_OVERHEAD || !gpu_charge(gpu, charge + RESOURCE_OVERHEAD))
        return NULL;
    struct gpu_resource *resource = calloc(1, sizeof *resource);
    if (!resource) {
        gpu->state.host_memory -= charge + RESOURCE_OVERHEAD;
        return NULL;
    }
    resource->id = id;
    resource->charge = charge + RESOURCE_OVERHEAD;
    return resource;
}

uint32_t gpu_resource_settle(struct virtio_gpu *gpu, struct gpu_resource *resource, enum gpu_status status) {
    if (status == GPU_OK) {
        *find_link(gpu, resource->id) = resource;
    } else {
        free_backing(gpu, resource);
        release(gpu, resource);
    }
    return gpu_response_of(status);
}

void gpu_resources_clear(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < GPU_BUCKETS; i++)
        while (gpu->state.resources[i])
            destroy(gpu, &gpu->state.resources[i]);
}

/* --- commands */

bool gpu_known_format(uint32_t format) {
    switch (format) {
    case GPU_FORMAT_B8G8R8A8:
    case GPU_FORMAT_B8G8R8X8:
    case GPU_FORMAT_A8R8G8B8:
    case GPU_FORMAT_X8R8G8B8:
    case GPU_FORMAT_R8G8B8A8:
    case GPU_FORMAT_X8B8G8R8:
    case GPU_FORMAT_A8B8G8R8:
    case GPU_FORMAT_R8G8B8X8: return true;
    default: return false;
    }
}

uint32_t gpu_resource_create_2d(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_create_2d *in = &request->in.create_2d;
    struct gpu_image image = {.format = in->format, .width = in->width, .height = in->height};
    if (!gpu_known_format(in->format) || in->width == 0 || in->width > VIRTIO_GPU_MAX_DIMENSION ||
        in->height == 0 || in->height > VIRTIO_GPU_MAX_DIMENSION)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    uint32_t error;
    uint64_t charge = (uint64_t)image.width * image.height * GPU_BYTES_PER_PIXEL;
    struct gpu_resource *resource = gpu_resource_new(gpu, in->resource_id, charge, &error);
    if (!resource)
        return error;
    resource->image = image;
    return gpu_resource_settle(gpu, resource,
        gpu->config.renderer->surface_create(gpu->renderer, in->resource_id, &image, &resource->surface));
}

uint32_t gpu_resource_unref(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource **link = find_link(gpu, request->in.resource_only.resource_id);
    if (!*link)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    gpu_scanouts_forget(gpu, (*link)->id);
    destroy(gpu, link);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

/* False when an entry is not all in RAM. */
static bool locate_entries(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    for (uint32_t i = 0; i < resource->entry_count; i++) {
        const struct virtio_gpu_mem_entry *entry = &resource->entries[i];
        void *host = memory_dma(gpu->config.memory, entry->addr, entry->length);
        if (!host)
            return false;
        resource->iov[i] = (struct iovec){host, entry->length};
    }
    return true;
}

uint32_t gpu_backing_read(struct virtio_gpu *gpu, const struct virtq_chain *chain, size_t offset,
    uint32_t count, struct gpu_resource *resource) {
    size_t available = (chain->out_size - offset) / sizeof(struct virtio_gpu_mem_entry);
    if (count == 0 || count > GPU_MAX_BACKING || count > available)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    uint64_t charge = count * (sizeof *resource->entries + sizeof *resource->iov);
    if (!gpu_charge(gpu, charge))
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;

    resource->backing_charge = charge;
    resource->entry_count = count;
    resource->entries = calloc(count, sizeof *resource->entries);
    resource->iov = calloc(count, sizeof *resource->iov);
    uint32_t response = VIRTIO_GPU_RESP_OK_NODATA;
    if (!resource->entries || !resource->iov) {
        response = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    } else {
        iov_read(chain->out, chain->out_count, offset, resource->entries, count * sizeof *resource->entries);
        if (!locate_entries(gpu, resource))
            response = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    }
    if (response != VIRTIO_GPU_RESP_OK_NODATA)
        free_backing(gpu, resource);
    return response;
}

uint32_t gpu_resource_attach_backing(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_attach_backing *in = &request->in.attach;
    struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource->iov || resource->blob_size)
        return VIRTIO_GPU_RESP_ERR_UNSPEC; /* the old backing has to be detached first; a blob's is for life
                                            */
    uint32_t response = gpu_backing_read(gpu, request->chain, sizeof *in, in->nr_entries, resource);
    if (response == VIRTIO_GPU_RESP_OK_NODATA)
        gpu->config.renderer->backing_attach(
            gpu->renderer, resource->surface, resource->iov, resource->entry_count);
    return response;
}

uint32_t gpu_resource_detach_backing(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource *resource = gpu_resource_find(gpu, request->in.resource_only.resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!resource->iov || resource->blob_size)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    detach_backing(gpu, resource);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_transfer_to_host_2d(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_transfer_to_host_2d *in = &request->in.transfer;
    struct rect rect = {in->r.x, in->r.y, in->r.width, in->r.height};
    struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!resource->iov)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (!rect_inside(&rect, resource->image.width, resource->image.height))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    return gpu_response_of(
        gpu->config.renderer->transfer_to_host(gpu->renderer, resource->surface, &rect, in->offset));
}
