/* Capability sets, contexts and what is done in them (5.7.6.9). */
#include <stdlib.h>
#include <string.h>

#include "virtio/gpu/internal.h"

/* --- capability sets */

void gpu_capsets_count(struct virtio_gpu *gpu) {
    const struct gpu_renderer_ops *renderer = gpu->config.renderer;
    struct gpu_capset capset;
    gpu->capset_count = 0;
    while (
        renderer->capset_info && renderer->capset_info(gpu->renderer, gpu->capset_count, &capset) == GPU_OK)
        gpu->capset_count++;
}

uint32_t gpu_get_capset_info(struct virtio_gpu *gpu, struct gpu_request *request) {
    uint32_t index = request->in.get_capset_info.capset_index;
    struct gpu_capset capset;
    if (index >= gpu->capset_count ||
        gpu->config.renderer->capset_info(gpu->renderer, index, &capset) != GPU_OK)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    request->out.capset_info = (struct virtio_gpu_resp_capset_info){
        .capset_id = capset.id,
        .capset_max_version = capset.max_version,
        .capset_max_size = capset.max_size,
    };
    request->out_size = sizeof request->out.capset_info;
    return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

static bool find_capset(struct virtio_gpu *gpu, uint32_t id, struct gpu_capset *capset) {
    for (unsigned i = 0; i < gpu->capset_count; i++)
        if (gpu->config.renderer->capset_info(gpu->renderer, i, capset) == GPU_OK && capset->id == id)
            return true;
    return false;
}

uint32_t gpu_get_capset(struct virtio_gpu *gpu, struct gpu_request *request) {
    uint32_t id = request->in.get_capset.capset_id, version = request->in.get_capset.capset_version;
    struct virtio_gpu_resp_capset *out = &request->out.capset;
    struct gpu_capset capset;
    if (!find_capset(gpu, id, &capset) || version > capset.max_version || capset.max_size > sizeof out->data)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    memset(out->data, 0, capset.max_size);
    enum gpu_status status =
        gpu->config.renderer->capset_read(gpu->renderer, id, version, out->data, capset.max_size);
    if (status != GPU_OK)
        return gpu_response_of(status);
    request->out_size = sizeof out->hdr + capset.max_size;
    return VIRTIO_GPU_RESP_OK_CAPSET;
}

/* --- contexts */

static struct gpu_context **find_link(struct virtio_gpu *gpu, uint32_t id) {
    struct gpu_context **link = &gpu->state.contexts[id % GPU_BUCKETS];
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

bool gpu_context_exists(struct virtio_gpu *gpu, uint32_t id) {
    const struct gpu_context *context = *find_link(gpu, id);
    return context && !context->lost;
}

void gpu_context_lost(void *ctx, uint32_t id) {
    struct virtio_gpu *gpu = ctx;
    struct gpu_state *state = &gpu->state;
    pthread_mutex_lock(&gpu->pending_lock);
    if (state->lost_count < GPU_MAX_CONTEXTS)
        state->lost[state->lost_count++] = id;
    pthread_mutex_unlock(&gpu->pending_lock);
    gpu_worker_wake(gpu);
}

/* One that was lost; 0 when there is none. */
static uint32_t take_lost(struct virtio_gpu *gpu) {
    struct gpu_state *state = &gpu->state;
    pthread_mutex_lock(&gpu->pending_lock);
    uint32_t id = state->lost_count ? state->lost[--state->lost_count] : 0;
    pthread_mutex_unlock(&gpu->pending_lock);
    return id;
}

void gpu_contexts_bury(struct virtio_gpu *gpu) {
    for (uint32_t id; (id = take_lost(gpu)) != 0;) {
        struct gpu_context *context = *find_link(gpu, id);
        if (!context || context->lost)
            continue;
        gpu->config.renderer->context_destroy(gpu->renderer, id);
        gpu_worker_forget_context(gpu, id);
        context->lost = true;
    }
}

uint32_t gpu_ctx_create(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_ctx_create *in = &request->in.ctx_create;
    uint32_t id = in->hdr.ctx_id;
    if (id == 0 || *find_link(gpu, id))
        return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    if (gpu->state.context_count == GPU_MAX_CONTEXTS)
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;

    char name[sizeof in->debug_name + 1] = {0};
    memcpy(name, in->debug_name, in->nlen < sizeof in->debug_name ? in->nlen : sizeof in->debug_name);
    bool chosen = gpu->state.features >> VIRTIO_GPU_F_CONTEXT_INIT & 1;
    uint32_t capset = chosen ? in->context_init & 0xff : 0;
    struct gpu_context *context = calloc(1, sizeof *context);
    if (!context)
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    enum gpu_status status = gpu->config.renderer->context_create(gpu->renderer, id, capset, name);
    if (status != GPU_OK) {
        free(context);
        return gpu_response_of(status);
    }
    context->id = id;
    *find_link(gpu, id) = context;
    gpu->state.context_count++;
    return VIRTIO_GPU_RESP_OK_NODATA;
}

static void destroy(struct virtio_gpu *gpu, struct gpu_context **link) {
    struct gpu_context *context = *link;
    if (!context->lost)
        gpu->config.renderer->context_destroy(gpu->renderer, context->id);
    context->lost = true;
    gpu_contexts_bury(gpu); /* or another context with this id would be taken for the lost one */
    gpu_worker_forget_context(gpu, context->id);
    *link = context->next;
    gpu->state.context_count--;
    free(context);
}

uint32_t gpu_ctx_destroy(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_context **link = find_link(gpu, request->in.hdr.ctx_id);
    if (!*link)
        return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    destroy(gpu, link);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

void gpu_contexts_clear(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < GPU_BUCKETS; i++)
        while (gpu->state.contexts[i])
            destroy(gpu, &gpu->state.contexts[i]);
}

/* The context of the request and a resource for it; the response when one of them is missing, else 0. */
static uint32_t find_both(
    struct virtio_gpu *gpu, struct gpu_request *request, uint32_t id, struct gpu_resource **resource) {
    if (!gpu_context_exists(gpu, request->in.hdr.ctx_id))
        return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    if (!(*resource = gpu_resource_find(gpu, id)))
        return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
    return 0;
}

uint32_t gpu_ctx_attach_resource(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource *resource;
    uint32_t error = find_both(gpu, request, request->in.resource_only.resource_id, &resource);
    if (error)
        return error;
    return gpu_response_of(
        gpu->config.renderer->context_attach(gpu->renderer, request->in.hdr.ctx_id, resource->surface));
}

uint32_t gpu_ctx_detach_resource(struct virtio_gpu *gpu, struct gpu_request *request) {
    struct gpu_resource *resource;
    uint32_t error = find_both(gpu, request, request->in.resource_only.resource_id, &resource);
    if (error)
        return error;
    gpu->config.renderer->context_detach(gpu->renderer, request->in.hdr.ctx_id, resource->surface);
    return VIRTIO_GPU_RESP_OK_NODATA;
}

/* --- work in a context */

uint32_t gpu_submit_3d(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_cmd_submit *in = &request->in.submit;
    const struct virtq_chain *chain = request->chain;
    if (!gpu_context_exists(gpu, in->hdr.ctx_id))
        return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    if (in->size % sizeof(uint32_t) || in->size > GPU_MAX_SUBMIT || in->size > chain->out_size - sizeof *in)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    if (in->size == 0)
        return VIRTIO_GPU_RESP_OK_NODATA; /* for the sake of its fence */
    void *commands = malloc(in->size);
    if (!commands)
        return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    iov_read(chain->out, chain->out_count, sizeof *in, commands, in->size);
    enum gpu_status status = gpu->config.renderer->submit(gpu->renderer, in->hdr.ctx_id, commands, in->size);
    free(commands);
    gpu_monitor_submitted(gpu->monitor);
    return gpu_response_of(status);
}

enum { TARGET_BUFFER = 0, TARGET_2D = 2, TARGET_RECT = 5 }; /* Gallium's enum pipe_texture_target */

/* About what a resource takes on the host, at 4 bytes a pixel; false when it is beyond reason. */
static bool estimate(const struct virtio_gpu_resource_create_3d *in, uint64_t *bytes) {
    const uint32_t factors[] = {in->height, in->depth, in->array_size, in->nr_samples};
    uint64_t size = in->target == TARGET_BUFFER ? in->width : (uint64_t)in->width * GPU_BYTES_PER_PIXEL;
    for (unsigned i = 0; i < sizeof factors / sizeof factors[0]; i++)
        if (factors[i] && __builtin_mul_overflow(size, factors[i], &size))
            return false;
    *bytes = in->last_level ? size + size / 2 : size;
    return *bytes >= size;
}

uint32_t gpu_resource_create_3d(struct virtio_gpu *gpu, struct gpu_request *request) {
    const struct virtio_gpu_resource_create_3d *in = &request->in.create_3d;
    uint64_t charge;
    uint32_t error;
    if (!estimate(in, &charge))
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    struct gpu_resource *resource = gpu_resource_new(gpu, in->resource_id, charge, &error);
    if (!resource)
        return error;
    bool flat = in->target == TARGET_2D || in->target == TARGET_RECT;
    if (flat && gpu_known_format(in->format) && in->width <= VIRTIO_GPU_MAX_DIMENSION &&
        in->height <= VIRTIO_GPU_MAX_DIMENSION)
        resource->image = (struct gpu_image){in->format, in->width, in->height};
    const struct gpu_resource_3d description = {
        .target = in->target,
        .format = in->format,
        .bind = in->bind,
        .width = in->width,
        .height = in->height,
        .depth = in->depth,
        .array_size = in->array_size,
        .last_level = in->last_level,
        .samples = in->nr_samples,
        .flags = in->flags,
    };
    return gpu_resource_settle(gpu, resource,
        gpu->config.renderer->surface_create_3d(
            gpu->renderer, in->resource_id, &description, &resource->surface));
}

static uint32_t transfer(struct virtio_gpu *gpu, struct gpu_request *request, bool to_host) {
    const struct virtio_gpu_transfer_host_3d *in = &request->in.transfer_3d;
    struct gpu_resource *resource;
    uint32_t error = find_both(gpu, request, in->resource_id, &resource);
    if (error)
        return error;
    if (!resource->iov)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    const struct gpu_transfer_3d description = {
        .box = {in->box.x, in->box.y, in->box.z, in->box.w, in->box.h, in->box.d},
        .offset = in->offset,
        .level = in->level,
        .stride = in->stride,
        .layer_stride = in->layer_stride,
    };
    return gpu_response_of(gpu->config.renderer->transfer_3d(
        gpu->renderer, in->hdr.ctx_id, resource->surface, &description, to_host));
}

uint32_t gpu_transfer_to_host_3d(struct virtio_gpu *gpu, struct gpu_request *request) {
    return transfer(gpu, request, true);
}

uint32_t gpu_transfer_from_host_3d(struct virtio_gpu *gpu, struct gpu_request *request) {
    return transfer(gpu, request, false);
}
