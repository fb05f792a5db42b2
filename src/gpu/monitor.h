/* The performance monitor of one GPU: counters and recent samples, kept by the device and the presenter, read
 * by anyone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { GPU_MONITOR_COMMANDS = 40 };

struct gpu_monitor;

/* Of the last 8192 samples; all 0 when there is none. Nanoseconds. */
struct gpu_percentiles {
    uint64_t count; /* since the start */
    uint64_t p50, p95, p99, p999, max;
};

struct gpu_stats {
    const char *renderer;
    uint64_t frames;    /* flushes that reached a scanout */
    uint64_t presented; /* frames that reached a window */
    uint64_t submits;   /* of command streams; what a ring of Vulkan carries is not seen here */
    uint64_t bytes_uploaded, bytes_read_back;
    uint64_t errors;                /* commands answered with an error */
    unsigned queue_depth;           /* commands done in one go when the GPU's thread last woke */
    unsigned queue_depth_max;       /* and the most ever */
    struct gpu_percentiles frame;   /* from one frame to the next */
    struct gpu_percentiles present; /* upload, draw and submit of one frame in the window */
    struct gpu_percentiles fence;   /* from the bell that a fenced command rang to its interrupt */
    struct {
        const char *name; /* NULL ends the list */
        uint64_t count;
    } commands[GPU_MONITOR_COMMANDS + 1];
};

struct gpu_monitor *gpu_monitor_create(void); /* NULL: out of memory */
void gpu_monitor_destroy(struct gpu_monitor *monitor);

/* Any thread. */
void gpu_monitor_command(
    struct gpu_monitor *monitor, unsigned index, bool failed); /* index < GPU_MONITOR_COMMANDS */
void gpu_monitor_frame(struct gpu_monitor *monitor, uint64_t now);
void gpu_monitor_presented(struct gpu_monitor *monitor, uint64_t duration);
void gpu_monitor_fence(struct gpu_monitor *monitor, uint64_t latency);
void gpu_monitor_submitted(struct gpu_monitor *monitor);
void gpu_monitor_uploaded(struct gpu_monitor *monitor, uint64_t bytes);
void gpu_monitor_read_back(struct gpu_monitor *monitor, uint64_t bytes);
void gpu_monitor_queue_depth(struct gpu_monitor *monitor, unsigned depth);

/* Everything but the names of renderer and commands, which the device adds. */
void gpu_monitor_read(struct gpu_monitor *monitor, struct gpu_stats *stats);
/* The last times from one frame to the next, at most max, the oldest first; how many there are. Nanoseconds.
 */
unsigned gpu_monitor_frames(struct gpu_monitor *monitor, uint64_t *frames, unsigned max);

/* One JSON object, without a newline at its end. */
void gpu_stats_json(const struct gpu_stats *stats, FILE *out);
