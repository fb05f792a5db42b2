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

static void detach_backing(struct virtio_gpu *gpu, struct gpu_resource *resource) {
    if (!resource->iov)
        return;
    gpu->config.renderer->backing_detach(gpu->renderer, resource->surface);
    free(resource->entries);
    free(resource->iov);
    gpu->state.host_memory -= resource->backing_charge;
    resource->entries = NULL;
    resource->iov = NULL;
    resource->entry_count = 0;
    resource->backing_charge = 0;
}

static void destroy(struct virtio_gpu *gpu, struct gpu_resource **link) {
    struct gpu_resource *resource = *link;
    detach_backing(gpu, resource);
    gpu->config.renderer->surface_destroy(gpu->renderer, resource->surface);
    gpu->state.host_memory -= resource->charge;
    *link = resource->next;
    free(resource);
}

void gpu_resources_clear(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < GPU_BUCKETS; i++)
        while (gpu->state.resources[i])
            destroy(gpu, &gpu->state.resources[i]);
}

/* --- commands */

static bool known_format(uint32_t format) {
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
    if (in->resource_id == 0 || gpu_resource_find(gpu, in->resource_id))
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!known_format(in->format) || in->width == 0 || in->width > VIRTIO_GPU_MAX_DIMENSION ||
        in->height == 0 || in->height > VIRTIO_GPU_MAX_DIMENSION)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    uint64_t charge = (uint64_t)image.width * image.height * GPU_BYTES_PER_PIXEL + RESOURCE_OVERHEAD;
    if (!gpu_charge(gpu, charge))
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    struct gpu_resource *resource = calloc(1, sizeof *resource);
    enum gpu_status status = GPU_OUT_OF_MEMORY;
    if (resource)
        status =
            gpu->config.renderer->surface_create(gpu->renderer, in->resource_id, &image, &resource->surface);
    if (status != GPU_OK) {
        gpu->state.host_memory -= charge;
        free(resource);
        return gpu_response_of(status);
    }
    resource->id = in->resource_id;
    resource->image = image;
    resource->charge = charge;
    *find_link(gpu, in->resource_id) = resource;
    return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_resource_unref(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource **link = find_link(gpu, request->in.resource_only.resource_id);
    if (!*link)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    gpu_scanouts_forget(gpu, (*link)->id);
    destroy(gpu, link);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Reads the entries that follow the request and finds each in RAM. */
static bool read_entries(struct virtio_gpu *gpu, struct gpu_request *request, struct gpu_resource *resource) {
    uint32_t count = request->in.attach.nr_entries;
    size_t size = count * sizeof *resource->entries;
    const struct virtq_chain *chain = request->chain;
    if (iov_read(chain->out, chain->out_count, sizeof request->in.attach, resource->entries, size) != size)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        const struct virtio_gpu_mem_entry *entry = &resource->entries[i];
        void *host = memory_dma(gpu->config.memory, entry->addr, entry->length);
        if (!host)
            return false;
        resource->iov[i] = (struct iovec){host, entry->length};
    }
    return true;
}

uint32_t gpu_resource_attach_backing(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_attach_backing *in = &request->in.attach;
    struct gpu_resource *resource = gpu_resource_find(gpu, in->resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (resource->iov)
        return VIRTIO_GPU_RESP_ERR_UNSPEC; /* the old backing has to be detached first */
    size_t available = (request->chain->out_size - sizeof *in) / sizeof(struct virtio_gpu_mem_entry);
    if (in->nr_entries == 0 || in->nr_entries > GPU_MAX_BACKING || in->nr_entries > available)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;

    uint64_t charge = in->nr_entries * (sizeof *resource->entries + sizeof *resource->iov);
    if (!gpu_charge(gpu, charge))
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    resource->entries = calloc(in->nr_entries, sizeof *resource->entries);
    resource->iov = calloc(in->nr_entries, sizeof *resource->iov);
    bool allocated = resource->entries && resource->iov;
    if (!allocated || !read_entries(gpu, request, resource)) {
        free(resource->entries);
        free(resource->iov);
        resource->entries = NULL;
        resource->iov = NULL;
        gpu->state.host_memory -= charge;
        return allocated ? VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER : VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    }
    resource->entry_count = in->nr_entries;
    resource->backing_charge = charge;
    gpu->config.renderer->backing_attach(
        gpu->renderer, resource->surface, resource->iov, resource->entry_count);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t gpu_resource_detach_backing(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource *resource = gpu_resource_find(gpu, request->in.resource_only.resource_id);
    if (!resource)
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    if (!resource->iov)
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

    enum gpu_status status =
        gpu->config.renderer->transfer_to_host(gpu->renderer, resource->surface, &rect, in->offset);
    if (status == GPU_OK)
        gpu_monitor_uploaded(gpu->monitor, (uint64_t)rect.width * rect.height * GPU_BYTES_PER_PIXEL);
    return gpu_response_of(status);
}
