#include "virtio/gpu/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "host/clock.h"
#include "host/file.h"
#include "util/iov.h"
#include "util/log.h"
#include "virtio/gpu/internal.h"

struct gpu_trace {
    struct gpu_trace_header header;
    FILE *file; /* opened when the guest starts the GPU, so that a VM that does not start changes nothing */
    char *path;
    bool failed; /* it could not be written */
    uint64_t start_ns;
    bool started; /* the features are in the trace */
    const uint8_t *ram;
    uint64_t ram_gpa, ram_size;
    uint8_t *written; /* what a replay has of RAM: zeros, and what records gave */
};

/* RAM is one slot, which is there before any device. */
static int find_ram(struct gpu_trace *trace, const struct memory *memory, struct error *e) {
    struct memory_slot slot;
    for (size_t i = 0; memory_slot_at(memory, i, &slot); i++) {
        if (slot.kind != MEMORY_RAM)
            continue;
        trace->ram = slot.host;
        trace->ram_gpa = slot.gpa;
        trace->ram_size = slot.size;
        trace->written =
            mmap(NULL, slot.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (trace->written != MAP_FAILED)
            return 0;
        trace->written = NULL;
        return error_set(e, "no memory for a GPU trace");
    }
    return error_set(e, "a GPU trace needs RAM");
}

struct gpu_trace *gpu_trace_open(
    const char *path, const struct gpu_trace_header *header, const struct memory *memory, struct error *e) {
    struct gpu_trace *trace = calloc(1, sizeof *trace);
    if (!trace || !(trace->path = strdup(path))) {
        error_set(e, "no memory for a GPU trace");
        goto fail;
    }
    if (host_check_writable(path, e) < 0 || find_ram(trace, memory, e) < 0)
        goto fail;
    trace->header = *header;
    memcpy(trace->header.magic, GPU_TRACE_MAGIC, sizeof trace->header.magic);
    trace->header.ram_gpa = trace->ram_gpa;
    trace->header.ram_size = trace->ram_size;
    return trace;

fail:
    gpu_trace_close(trace);
    return NULL;
}

static void give_up(struct gpu_trace *trace) {
    log_warn("%s: the GPU trace ends early: %s", trace->path, strerror(errno));
    if (trace->file)
        fclose(trace->file);
    trace->file = NULL;
    trace->failed = true;
}

void gpu_trace_close(struct gpu_trace *trace) {
    if (!trace)
        return;
    if (trace->file && fflush(trace->file) != 0)
        give_up(trace);
    if (trace->file)
        fclose(trace->file);
    if (trace->written)
        munmap(trace->written, trace->ram_size);
    free(trace->path);
    free(trace);
}

/* A record of two parts, of which the second may be in pieces; no more than the device reads of any request.
 */
static void write_record(struct gpu_trace *trace, enum gpu_trace_kind kind, const void *head,
    size_t head_size, const struct iovec *iov, unsigned count) {
    if (!trace->file)
        return;
    size_t left = iov_size(iov, count);
    if (left > GPU_TRACE_MAX_REQUEST)
        left = GPU_TRACE_MAX_REQUEST;
    const struct gpu_trace_record record = {
        .kind = kind,
        .size = (uint32_t)(head_size + left),
        .time_ns = host_now_ns() - trace->start_ns,
    };
    fwrite(&record, sizeof record, 1, trace->file);
    fwrite(head, head_size, 1, trace->file);
    for (unsigned i = 0; i < count && left; i++) {
        size_t size = iov[i].iov_len < left ? iov[i].iov_len : left;
        fwrite(iov[i].iov_base, 1, size, trace->file);
        left -= size;
    }
    if (ferror(trace->file))
        give_up(trace);
}

static void begin_file(struct gpu_trace *trace) {
    if (!(trace->file = fopen(trace->path, "wbe"))) {
        give_up(trace);
        return;
    }
    trace->start_ns = host_now_ns();
    fwrite(&trace->header, sizeof trace->header, 1, trace->file);
}

/* --- memory */

/* The guest may write meanwhile: what goes into the file is what is compared with later. */
static void write_page(struct gpu_trace *trace, uint64_t offset) {
    uint8_t *known = trace->written + offset;
    if (memcmp(known, trace->ram + offset, GPU_TRACE_PAGE) == 0)
        return;
    memcpy(known, trace->ram + offset, GPU_TRACE_PAGE);
    const uint64_t gpa = trace->ram_gpa + offset;
    const struct iovec data = {known, GPU_TRACE_PAGE};
    write_record(trace, GPU_TRACE_MEMORY, &gpa, sizeof gpa, &data, 1);
}

/* The pages of the resource's backing that changed. */
static void write_backing(struct gpu_trace *trace, const struct gpu_resource *resource) {
    for (uint32_t i = 0; resource && i < resource->entry_count; i++) {
        const uint8_t *start = resource->iov[i].iov_base;
        uint64_t from = (uint64_t)(start - trace->ram), end = from + resource->iov[i].iov_len;
        if (start < trace->ram || end > trace->ram_size) /* in another slot */
            continue;
        for (from &= ~(uint64_t)(GPU_TRACE_PAGE - 1); from < end; from += GPU_TRACE_PAGE)
            write_page(trace, from);
    }
}

static void write_all_backing(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < GPU_BUCKETS; i++)
        for (const struct gpu_resource *r = gpu->state.resources[i]; r; r = r->next)
            write_backing(gpu->trace, r);
}

/* What the command is going to read. */
static void write_memory(struct virtio_gpu *gpu, const struct virtq_chain *chain) {
    union {
        struct virtio_gpu_ctrl_hdr hdr;
        struct virtio_gpu_transfer_to_host_2d transfer;
        struct virtio_gpu_transfer_host_3d transfer_3d;
        struct virtio_gpu_resource_flush flush;
    } in = {0};
    iov_read(chain->out, chain->out_count, 0, &in, sizeof in);
    switch (in.hdr.type) {
    case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
        write_backing(gpu->trace, gpu_resource_find(gpu, in.transfer.resource_id));
        break;
    case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
    case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D: /* of a page it may write a part */
        write_backing(gpu->trace, gpu_resource_find(gpu, in.transfer_3d.resource_id));
        break;
    case VIRTIO_GPU_CMD_RESOURCE_FLUSH: /* a blob's picture is read from the guest's memory */
        write_backing(gpu->trace, gpu_resource_find(gpu, in.flush.resource_id));
        break;
    case VIRTIO_GPU_CMD_SUBMIT_3D: write_all_backing(gpu); break; /* transfers may be among its commands */
    default: break;
    }
}

/* --- commands */

void gpu_trace_command(struct virtio_gpu *gpu, unsigned queue, const struct virtq_chain *chain) {
    struct gpu_trace *trace = gpu->trace;
    if (!trace)
        return;
    if (!trace->file && !trace->failed)
        begin_file(trace);
    if (!trace->started) {
        const struct gpu_trace_start start = {gpu->state.features};
        write_record(trace, GPU_TRACE_START, &start, sizeof start, NULL, 0);
        trace->started = true;
    }
    write_memory(gpu, chain);
    const struct gpu_trace_command command = {queue, (uint32_t)chain->in_size};
    write_record(trace, GPU_TRACE_COMMAND, &command, sizeof command, chain->out, chain->out_count);
}

void gpu_trace_answer(struct virtio_gpu *gpu, const struct virtq_chain *chain, uint32_t type) {
    if (!gpu->trace)
        return;
    const struct gpu_trace_answer answer = {type};
    write_record(gpu->trace, GPU_TRACE_ANSWER, &answer, sizeof answer, NULL, 0);
    /* What a transfer wrote, the replay's will write too: from here on it is known. */
    struct virtio_gpu_transfer_host_3d in = {0};
    iov_read(chain->out, chain->out_count, 0, &in, sizeof in);
    if (in.hdr.type == VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D)
        write_backing(gpu->trace, gpu_resource_find(gpu, in.resource_id));
}

void gpu_trace_reset(struct gpu_trace *trace) {
    if (trace)
        trace->started = false;
}
