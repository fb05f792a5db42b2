/* One request: its header, its size, who handles it, and the response (5.7.6.7). */
#include <string.h>

#include "virtio/gpu/internal.h"
#include "virtio/gpu/replay.h"

enum {
    ALWAYS = 32, /* VERSION_1, without which there is no device (virtio 1.2, 6) */
    EDID = VIRTIO_GPU_F_EDID,
    VIRGL = VIRTIO_GPU_F_VIRGL,
    UUID = VIRTIO_GPU_F_RESOURCE_UUID,
    BLOB = VIRTIO_GPU_F_RESOURCE_BLOB,
};

/* clang-format off */
static const struct command {
    uint32_t type;
    const char *name;
    gpu_handler *handle;
    unsigned queue;
    unsigned feature; /* that has to be negotiated */
    size_t size; /* of the fixed part of the request */
} commands[] = {
#define COMMAND(type, queue, feature, handler, body)                                                         \
    {VIRTIO_GPU_CMD_##type, #type, handler, VIRTIO_GPU_##queue##_QUEUE, feature, sizeof(struct virtio_gpu_##body)}
    {0, "UNKNOWN", NULL, 0, 0, 0},
    COMMAND(GET_DISPLAY_INFO, CONTROL, ALWAYS, gpu_get_display_info, ctrl_hdr),
    COMMAND(RESOURCE_CREATE_2D, CONTROL, ALWAYS, gpu_resource_create_2d, resource_create_2d),
    COMMAND(RESOURCE_UNREF, CONTROL, ALWAYS, gpu_resource_unref, resource_only),
    COMMAND(SET_SCANOUT, CONTROL, ALWAYS, gpu_set_scanout, set_scanout),
    COMMAND(RESOURCE_FLUSH, CONTROL, ALWAYS, gpu_resource_flush, resource_flush),
    COMMAND(TRANSFER_TO_HOST_2D, CONTROL, ALWAYS, gpu_transfer_to_host_2d, transfer_to_host_2d),
    COMMAND(RESOURCE_ATTACH_BACKING, CONTROL, ALWAYS, gpu_resource_attach_backing, resource_attach_backing),
    COMMAND(RESOURCE_DETACH_BACKING, CONTROL, ALWAYS, gpu_resource_detach_backing, resource_only),
    COMMAND(GET_CAPSET_INFO, CONTROL, ALWAYS, gpu_get_capset_info, get_capset_info),
    COMMAND(GET_CAPSET, CONTROL, ALWAYS, gpu_get_capset, get_capset),
    COMMAND(GET_EDID, CONTROL, EDID, gpu_get_edid, get_edid),
    COMMAND(RESOURCE_ASSIGN_UUID, CONTROL, UUID, gpu_resource_assign_uuid, resource_only),
    COMMAND(RESOURCE_CREATE_BLOB, CONTROL, BLOB, gpu_resource_create_blob, resource_create_blob),
    COMMAND(SET_SCANOUT_BLOB, CONTROL, BLOB, gpu_set_scanout_blob, set_scanout_blob),
    COMMAND(CTX_CREATE, CONTROL, VIRGL, gpu_ctx_create, ctx_create),
    COMMAND(CTX_DESTROY, CONTROL, VIRGL, gpu_ctx_destroy, ctrl_hdr),
    COMMAND(CTX_ATTACH_RESOURCE, CONTROL, VIRGL, gpu_ctx_attach_resource, resource_only),
    COMMAND(CTX_DETACH_RESOURCE, CONTROL, VIRGL, gpu_ctx_detach_resource, resource_only),
    COMMAND(RESOURCE_CREATE_3D, CONTROL, VIRGL, gpu_resource_create_3d, resource_create_3d),
    COMMAND(TRANSFER_TO_HOST_3D, CONTROL, VIRGL, gpu_transfer_to_host_3d, transfer_host_3d),
    COMMAND(TRANSFER_FROM_HOST_3D, CONTROL, VIRGL, gpu_transfer_from_host_3d, transfer_host_3d),
    COMMAND(SUBMIT_3D, CONTROL, VIRGL, gpu_submit_3d, cmd_submit),
    COMMAND(RESOURCE_MAP_BLOB, CONTROL, BLOB, gpu_resource_map_blob, resource_map_blob),
    COMMAND(RESOURCE_UNMAP_BLOB, CONTROL, BLOB, gpu_resource_unmap_blob, resource_only),
    COMMAND(UPDATE_CURSOR, CURSOR, ALWAYS, gpu_update_cursor, update_cursor),
    COMMAND(MOVE_CURSOR, CURSOR, ALWAYS, gpu_move_cursor, update_cursor),
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

const char *gpu_replay_command_name(uint32_t type) {
    for (unsigned i = 1; i < command_count; i++)
        if (commands[i].type == type)
            return commands[i].name;
    return commands[0].name;
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
    if (!command->handle || !(gpu->state.features >> command->feature & 1))
        return VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (request->chain->out_size < command->size)
        return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
    iov_read(request->chain->out, request->chain->out_count, 0, &request->in, command->size);
    return command->handle(gpu, request);
}

/* A ring of a context, or the device's own timeline (5.7.6.7); the latter too when there is no such context.
 */
static struct gpu_timeline timeline_of(struct virtio_gpu *gpu, const struct virtio_gpu_ctrl_hdr *hdr) {
    if (hdr->flags & VIRTIO_GPU_FLAG_INFO_RING_IDX && hdr->ring_idx < GPU_MAX_RINGS &&
        gpu_context_exists(gpu, hdr->ctx_id))
        return (struct gpu_timeline){hdr->ctx_id, hdr->ring_idx};
    return (struct gpu_timeline){0};
}

struct gpu_result gpu_command(struct virtio_gpu *gpu, unsigned queue, const struct virtq_chain *chain) {
    struct gpu_request request;
    struct virtio_gpu_ctrl_hdr hdr = {0};
    request.chain = chain;
    request.out_size = sizeof request.out.hdr;
    if (chain->out_size >= sizeof hdr)
        iov_read(chain->out, chain->out_count, 0, &hdr, sizeof hdr);

    gpu_trace_command(gpu, queue, chain);
    unsigned index = find_command(hdr.type, queue);
    uint32_t type = handle(gpu, &commands[index], &request);
    gpu_trace_answer(gpu, chain, type);
    bool failed = type >= VIRTIO_GPU_RESP_ERR_UNSPEC;
    if (failed)
        request.out_size = sizeof request.out.hdr;
    gpu_monitor_command(gpu->monitor, index, failed);

    struct gpu_result result = {0};
    request.out.hdr = (struct virtio_gpu_ctrl_hdr){.type = type};
    if (hdr.flags & VIRTIO_GPU_FLAG_FENCE) {
        request.out.hdr.flags = hdr.flags & (VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX);
        request.out.hdr.ring_idx = hdr.ring_idx;
        request.out.hdr.fence_id = hdr.fence_id;
        request.out.hdr.ctx_id = hdr.ctx_id;
        result.fenced = true;
        result.timeline = timeline_of(gpu, &hdr);
    }
    result.written = (uint32_t)iov_write(chain->in, chain->in_count, 0, &request.out, request.out_size);
    return result;
}
