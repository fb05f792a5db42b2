/* A trace of a GPU: what its guest sent, so that it can be sent again without the guest.
 *
 * The file is a header and records, little-endian. Memory records come before the command that reads the
 * memory; what no record gave is zeros. */
#pragma once

#include <stdint.h>

#define GPU_TRACE_MAGIC "PEARGPU1"

enum {
    GPU_TRACE_PAGE = 4096,
    GPU_TRACE_MAX_REQUEST = (16 << 20) + 4096, /* bytes: what the device takes, and its header */
};

struct gpu_trace_header {
    char magic[8];
    uint32_t scanouts, width, height;
    uint32_t blob_alignment;
    uint64_t ram_gpa, ram_size; /* bytes, whole pages */
    uint64_t window_size;       /* 0: no 3D */
    uint64_t max_host_memory;   /* bytes */
};

enum gpu_trace_kind {
    GPU_TRACE_START = 1,   /* a struct gpu_trace_start: the device begins anew */
    GPU_TRACE_MEMORY = 2,  /* a struct gpu_trace_memory */
    GPU_TRACE_COMMAND = 3, /* a struct gpu_trace_command and the request */
    GPU_TRACE_ANSWER = 4,  /* a struct gpu_trace_answer, of the command before */
};

struct gpu_trace_record {
    uint32_t kind;
    uint32_t size;    /* bytes that follow */
    uint64_t time_ns; /* since the header was written */
};

struct gpu_trace_start {
    uint64_t features; /* negotiated */
};

struct gpu_trace_memory {
    uint64_t gpa; /* a page's, in RAM */
    uint8_t data[GPU_TRACE_PAGE];
};

struct gpu_trace_command {
    uint32_t queue;
    uint32_t in_size; /* room for the answer */
};

struct gpu_trace_answer {
    uint32_t type;
};
