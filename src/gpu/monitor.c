#include "gpu/monitor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 8192 };

struct samples {
    uint64_t count; /* ever; the last SAMPLES of them are kept */
    uint64_t value[SAMPLES];
};

struct gpu_monitor {
    pthread_mutex_t lock;
    struct gpu_stats stats;
    uint64_t last_frame;
    struct samples frame, present, fence;
};

struct gpu_monitor *gpu_monitor_create(void) {
    struct gpu_monitor *m = calloc(1, sizeof *m);
    if (m)
        pthread_mutex_init(&m->lock, NULL);
    return m;
}

void gpu_monitor_destroy(struct gpu_monitor *m) {
    if (!m)
        return;
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static void add_sample(struct samples *samples, uint64_t value) {
    samples->value[samples->count++ % SAMPLES] = value;
}

void gpu_monitor_command(struct gpu_monitor *m, unsigned index, bool failed) {
    pthread_mutex_lock(&m->lock);
    m->stats.commands[index].count++;
    m->stats.errors += failed;
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_frame(struct gpu_monitor *m, uint64_t now) {
    pthread_mutex_lock(&m->lock);
    m->stats.frames++;
    if (m->last_frame)
        add_sample(&m->frame, now - m->last_frame);
    m->last_frame = now;
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_presented(struct gpu_monitor *m, uint64_t duration) {
    pthread_mutex_lock(&m->lock);
    m->stats.presented++;
    add_sample(&m->present, duration);
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_fence(struct gpu_monitor *m, uint64_t latency) {
    pthread_mutex_lock(&m->lock);
    add_sample(&m->fence, latency);
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_submitted(struct gpu_monitor *m) {
    pthread_mutex_lock(&m->lock);
    m->stats.submits++;
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_uploaded(struct gpu_monitor *m, uint64_t bytes) {
    pthread_mutex_lock(&m->lock);
    m->stats.bytes_uploaded += bytes;
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_read_back(struct gpu_monitor *m, uint64_t bytes) {
    pthread_mutex_lock(&m->lock);
    m->stats.bytes_read_back += bytes;
    pthread_mutex_unlock(&m->lock);
}

void gpu_monitor_queue_depth(struct gpu_monitor *m, unsigned depth) {
    pthread_mutex_lock(&m->lock);
    m->stats.queue_depth = depth;
    if (depth > m->stats.queue_depth_max)
        m->stats.queue_depth_max = depth;
    pthread_mutex_unlock(&m->lock);
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts a copy: the GPU's thread does not wait for that. */
static struct gpu_percentiles percentiles(struct gpu_monitor *m, const struct samples *samples) {
    uint64_t sorted[SAMPLES];
    pthread_mutex_lock(&m->lock);
    struct gpu_percentiles p = {.count = samples->count};
    size_t n = samples->count < SAMPLES ? samples->count : SAMPLES;
    memcpy(sorted, samples->value, n * sizeof sorted[0]);
    pthread_mutex_unlock(&m->lock);
    if (n == 0)
        return p;
    qsort(sorted, n, sizeof sorted[0], compare);
    p.p50 = sorted[(n - 1) * 50 / 100];
    p.p95 = sorted[(n - 1) * 95 / 100];
    p.p99 = sorted[(n - 1) * 99 / 100];
    p.p999 = sorted[(n - 1) * 999 / 1000];
    p.max = sorted[n - 1];
    return p;
}

void gpu_monitor_read(struct gpu_monitor *m, struct gpu_stats *stats) {
    pthread_mutex_lock(&m->lock);
    *stats = m->stats;
    pthread_mutex_unlock(&m->lock);
    stats->frame = percentiles(m, &m->frame);
    stats->present = percentiles(m, &m->present);
    stats->fence = percentiles(m, &m->fence);
}

unsigned gpu_monitor_frames(struct gpu_monitor *m, uint64_t *frames, unsigned max) {
    pthread_mutex_lock(&m->lock);
    uint64_t kept = m->frame.count < SAMPLES ? m->frame.count : SAMPLES;
    unsigned count = kept < max ? (unsigned)kept : max;
    for (unsigned i = 0; i < count; i++)
        frames[i] = m->frame.value[(m->frame.count - count + i) % SAMPLES];
    pthread_mutex_unlock(&m->lock);
    return count;
}

static void print_percentiles(FILE *out, const char *name, const struct gpu_percentiles *p) {
    fprintf(out,
        "\"%s_ns\": {\"count\": %" PRIu64 ", \"p50\": %" PRIu64 ", \"p95\": %" PRIu64 ", \"p99\": %" PRIu64
        ", \"p99.9\": %" PRIu64 ", \"max\": %" PRIu64 "}, ",
        name, p->count, p->p50, p->p95, p->p99, p->p999, p->max);
}

void gpu_stats_json(const struct gpu_stats *s, FILE *out) {
    fprintf(out, "{\"renderer\": \"%s\", \"frames\": %" PRIu64 ", \"presented\": %" PRIu64, s->renderer,
        s->frames, s->presented);
    fprintf(out,
        ", \"submits\": %" PRIu64 ", \"bytes_uploaded\": %" PRIu64 ", \"bytes_read_back\": %" PRIu64
        ", \"errors\": %" PRIu64,
        s->submits, s->bytes_uploaded, s->bytes_read_back, s->errors);
    fprintf(out, ", \"queue_depth\": %u, \"queue_depth_max\": %u, ", s->queue_depth, s->queue_depth_max);
    print_percentiles(out, "frame", &s->frame);
    print_percentiles(out, "present", &s->present);
    print_percentiles(out, "fence", &s->fence);
    fputs("\"commands\": {", out);
    const char *separator = "";
    for (unsigned i = 0; i < GPU_MONITOR_COMMANDS && s->commands[i].name; i++) {
        if (s->commands[i].count == 0)
            continue;
        fprintf(out, "%s\"%s\": %" PRIu64, separator, s->commands[i].name, s->commands[i].count);
        separator = ", ";
    }
    fputs("}}", out);
}
