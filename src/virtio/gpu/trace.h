/* Writes a trace (trace_format.h) while the GPU works. All calls but open() and close() come from its thread.
 */
#pragma once

#include <stdint.h>

#include "virtio/gpu/trace_format.h"
#include "virtio/virtio.h"

struct virtio_gpu;
struct gpu_resource;
struct gpu_trace;

/* The file is replaced by the first command. The header's magic and RAM need not be set. NULL with a line. */
struct gpu_trace *gpu_trace_open(
    const char *path, const struct gpu_trace_header *header, const struct memory *memory, struct error *e);
void gpu_trace_close(struct gpu_trace *trace);

/* Before and after a command is carried out; the latter with the type of its response. */
void gpu_trace_command(struct virtio_gpu *gpu, unsigned queue, const struct virtq_chain *chain);
void gpu_trace_answer(struct virtio_gpu *gpu, const struct virtq_chain *chain, uint32_t type);
/* The device was reset. */
void gpu_trace_reset(struct gpu_trace *trace);
