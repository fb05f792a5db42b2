/* Sends what is in a trace (trace_format.h) to a GPU, as its guest's driver did. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "gpu/monitor.h"
#include "gpu/renderer.h"
#include "util/error.h"

struct gpu_replay_config {
    /* NULL: virgl or 2D, as the trace needs. Venus's rings are memory that passes no queue: what a guest did
     * with them is in no trace. */
    const struct gpu_renderer_ops *renderer;
    const char *screenshot; /* NULL, or the PNG file for what the first output shows at the end */
};

/* What became of one command. */
struct gpu_replay_sample {
    uint32_t type;       /* enum virtio_gpu_type */
    uint32_t latency_ns; /* from the bell to its answer */
};

struct gpu_replay_report {
    double seconds, recorded_seconds;
    uint64_t other_answers; /* commands that were answered otherwise than when they were recorded */
    struct gpu_replay_sample *samples; /* one a command; to be freed, also after a failure */
    size_t count, room;
    struct gpu_stats stats;
};

/* Whatever the file says, this ends: with 0, or with a line that says what is wrong with it. name is for such
 * lines. */
int gpu_replay(FILE *file, const char *name, const struct gpu_replay_config *config,
    struct gpu_replay_report *report, struct error *e);

/* Of an enum virtio_gpu_type; "UNKNOWN" for what is none. */
const char *gpu_replay_command_name(uint32_t type);
