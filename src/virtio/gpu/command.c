/* One request: its header, its size, who handles it, and the response (5.7.6.7). */
#include <string.h>

#include "virtio/gpu/internal.h"

/* Capability sets are numbered from 0 to num_capsets - 1, and there are none. */
static uint32_t no_such_capset(struct virtio_gpu *gpu, struct gpu_request *request) {
    (void)gpu;
    (void)request;
    return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}

/* clang-format off */
static const struct command {
    uint32_t type;
    const char *name;
    gpu_handler *handle;
    unsigned queue;
    size_t size; /* of the fixed part of the request */
} commands[] = {
#define COMMAND(type, queue, handler, body)                                                                  \
    {VIRTIO_GPU_CMD_##type, #type, handler, VIRTIO_GPU_##queue##_QUEUE, sizeof(struct virtio_gpu_##body)}
    {0, "UNKNOWN", NULL, 0, 0},
    COMMAND(GET_DISPLAY_INFO, CONTROL, gpu_get_display_info, ctrl_hdr),
    COMMAND(RESOURCE_CREATE_2D, CONTROL, gpu_resource_create_2d, resource_create_2d),
    COMMAND(RESOURCE_UNREF, CONTROL, gpu_resource_unref, resource_only),
    COMMAND(SET_SCANOUT, CONTROL, gpu_set_scanout, set_scanout),
    COMMAND(RESOURCE_FLUSH, CONTROL, gpu_resource_flush, resource_flush),
    COMMAND(TRANSFER_TO_HOST_2D, CONTROL, gpu_transfer_to_host_2d, transfer_to_host_2d),
    COMMAND(RESOURCE_ATTACH_BACKING, CONTROL, gpu_resource_attach_backing, resource_attach_backing),
    COMMAND(RESOURCE_DETACH_BACKING, CONTROL, gpu_resource_detach_backing, resource_only),
    COMMAND(GET_CAPSET_INFO, CONTROL, no_such_capset, get_capset_info),
    COMMAND(GET_CAPSET, CONTROL, no_such_capset, get_capset),
    COMMAND(GET_EDID, CONTROL, gpu_get_edid, get_edid),
    COMMAND(UPDATE_CURSOR, CURSOR, gpu_update_cursor, update_cursor),
    COMMAND(MOVE_CURSOR, CURSOR, gpu_move_cursor, update_cursor),
#undef COMMAND
};
/* clang-format on */

static const unsigned command_count = sizeof commands / sizeof commands[0];
_Static_assert(sizeof commands / sizeof commands[0] <= GPU_MONITOR_COMMANDS, "the monitor counts every one");

void gpu_command_names(struct gpu_stats *stats) {
    for (unsigned i = 0; i < command_count; i++)
        stats->commands[i].name = commands[i].name;
}

static unsigned find_command(uint32_t type, unsigned queue) {
    for (unsigned i = 1; i < command_count; i++)
        if (commands[i].type == type && commands[i].queue == queue)
            return i;
    return 0;
}

uint32_t gpu_response_of(enum gpu_status status) {
    switch (status) {
    case GPU_OK: return VIRTIO_GPU_RESP_OK_NODATA;
    case GPU_OUT_OF_MEMORY: return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
    case GPU_BAD_CONTEXT: return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
    case GPU_BAD_PARAMETER: return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    case GPU_FAILED: break;
    }
    return VIRTIO_GPU_RESP_ERR_UNSPEC;
}

static uint32_t handle(struct virtio_gpu *gpu, const struct command *command, struct gpu_request *request) {
    if (!command->handle)
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (request->chain->out_size < command->size)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    iov_read(request->chain->out, request->chain->out_count, 0, &request->in, command->size);
    return command->handle(gpu, request);
}

struct gpu_result gpu_command(struct virtio_gpu *gpu, unsigned queue, const struct virtq_chain *chain) {
    struct gpu_request request;
    struct virtio_gpu_ctrl_hdr hdr = {0};
    request.chain = chain;
    request.out_size = sizeof request.out.hdr;
    if (chain->out_size >= sizeof hdr)
        iov_read(chain->out, chain->out_count, 0, &hdr, sizeof hdr);

    unsigned index = find_command(hdr.type, queue);
    uint32_t type = handle(gpu, &commands[index], &request);
    bool failed = type >= VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (failed)
        request.out_size = sizeof request.out.hdr;
    gpu_monitor_command(gpu->monitor, index, failed);

    struct gpu_result result = {0};
    request.out.hdr = (struct virtio_gpu_ctrl_hdr){.type = type};
    if (hdr.flags & VIRTIO_GPU_FLAG_FENCE) {
        request.out.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
        request.out.hdr.fence_id = hdr.fence_id;
        request.out.hdr.ctx_id = hdr.ctx_id;
        result.fenced = true; /* on the device's own timeline: there are no contexts with rings */
    }
    result.written = (uint32_t)iov_write(chain->in, chain->in_count, 0, &request.out, request.out_size);
    return result;
}
