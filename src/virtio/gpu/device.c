#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "util/log.h"
#include "virtio/gpu/internal.h"

enum { DEFAULT_MAX_HOST_MEMORY = 512 << 20 };

static struct rect clamp_size(uint32_t width, uint32_t height) {
    if (width == 0 || height == 0)
        return (struct rect){0};
    return (struct rect){
        .width = width < VIRTIO_GPU_MAX_DIMENSION ? width : VIRTIO_GPU_MAX_DIMENSION,
        .height = height < VIRTIO_GPU_MAX_DIMENSION ? height : VIRTIO_GPU_MAX_DIMENSION,
    };
}

/* False when it was proposed already. */
static bool propose(struct virtio_gpu *gpu, unsigned index, uint32_t width, uint32_t height) {
    struct gpu_scanout *scanout = &gpu->state.scanouts[index];
    struct rect size = clamp_size(width, height);
    pthread_mutex_lock(&gpu->proposal_lock);
    bool changed = scanout->proposed_width != size.width || scanout->proposed_height != size.height;
    scanout->proposed_width = size.width;
    scanout->proposed_height = size.height;
    pthread_mutex_unlock(&gpu->proposal_lock);
    return changed;
}

/* --- life; what has to do with the renderer is called on the GPU's thread */

static void count_upload(void *ctx, uint64_t bytes) {
    const struct virtio_gpu *gpu = ctx;
    gpu_monitor_uploaded(gpu->monitor, bytes);
}

static struct gpu_renderer_host host_of(struct virtio_gpu *gpu) {
    return (struct gpu_renderer_host){.ctx = gpu,
        .fence_done = gpu_worker_fence_done,
        .context_lost = gpu_context_lost,
        .poll_wanted = gpu_worker_poll_wanted,
        .uploaded = count_upload};
}

static int create_renderer(struct virtio_gpu *gpu, struct error *e) {
    struct gpu_renderer_host host = host_of(gpu);
    if (gpu->config.renderer->create(&gpu->renderer, &host, e) < 0)
        return -1;
    gpu_capsets_count(gpu);
    gpu->ready = true;
    return 0;
}

static int create_spare(struct virtio_gpu *gpu, struct error *e) {
    struct gpu_renderer_host host = host_of(gpu);
    return gpu->config.fallback->create(&gpu->spare, &host, e);
}

/* Leaves one renderer of the two. */
static int choose_renderer(struct virtio_gpu *gpu, struct error *e) {
    struct error why;
    (void)e;
    if (create_renderer(gpu, &why) == 0) {
        gpu->config.fallback->destroy(gpu->spare);
        return 0;
    }
    log_warn("no 3D in the guest: %s", why.text);
    gpu->config.renderer = gpu->config.fallback;
    gpu->config.window_size = 0;
    gpu->config.max_host_memory = DEFAULT_MAX_HOST_MEMORY;
    gpu->renderer = gpu->spare;
    gpu->ready = true;
    return 0;
}

static int nothing(struct virtio_gpu *gpu, struct error *e) {
    (void)gpu;
    (void)e;
    return 0;
}

static void await_renderer(struct virtio_gpu *gpu) {
    struct error e;
    if (!gpu->ready)
        gpu_worker_call(gpu, nothing, &e); /* which is made after the renderer */
}

static int clear(struct virtio_gpu *gpu, struct error *e) {
    (void)e;
    pthread_mutex_lock(&gpu->pending_lock);
    gpu->state.pending_count = 0;
    pthread_mutex_unlock(&gpu->pending_lock);
    gpu_scanouts_clear(gpu);
    gpu_contexts_clear(gpu);
    gpu_resources_clear(gpu);
    gpu->config.renderer->reset(gpu->renderer);
    gpu->state.features = 0;
    gpu->state.events_read = 0;
    gpu_trace_reset(gpu->trace);
    return 0;
}

static int destroy_renderer(struct virtio_gpu *gpu, struct error *e) {
    clear(gpu, e);
    gpu->config.renderer->destroy(gpu->renderer);
    return 0;
}

static int draw(struct virtio_gpu *gpu, struct error *e) {
    (void)e;
    gpu_scanouts_refresh(gpu);
    return 0;
}

/* The display's, on any thread. */
static void refresh(void *ctx) {
    struct virtio_gpu *gpu = ctx;
    struct error e;
    if (gpu->ready) /* else there is nothing yet */
        gpu_worker_call(gpu, draw, &e);
}

static void awaited(void *ctx) {
    gpu_worker_wake(ctx); /* whose queues are found empty, and then scanouts looked at */
}

static int open_trace(struct virtio_gpu *gpu, struct error *e) {
    const struct virtio_gpu_config *config = &gpu->config;
    if (!config->trace)
        return 0;
    const struct gpu_trace_header header = {
        .scanouts = config->scanouts,
        .width = config->width,
        .height = config->height,
        .blob_alignment = config->blob_alignment,
        .window_size = config->window_size,
        .max_host_memory = config->max_host_memory,
    };
    gpu->trace = gpu_trace_open(config->trace, &header, config->memory, e);
    return gpu->trace ? 0 : -1;
}

static void destroy_locks(struct virtio_gpu *gpu) {
    pthread_cond_destroy(&gpu->called);
    pthread_mutex_destroy(&gpu->call_lock);
    pthread_mutex_destroy(&gpu->callers_lock);
    pthread_mutex_destroy(&gpu->pending_lock);
    pthread_mutex_destroy(&gpu->proposal_lock);
}

struct virtio_gpu *virtio_gpu_create(const struct virtio_gpu_config *config, struct error *e) {
    if (config->scanouts < 1 || config->scanouts > VIRTIO_GPU_MAX_SCANOUTS) {
        error_set(e, "%u scanouts: a GPU has 1 to %d", config->scanouts, VIRTIO_GPU_MAX_SCANOUTS);
        return NULL;
    }
    struct virtio_gpu *gpu = calloc(1, sizeof *gpu);
    struct gpu_monitor *monitor = gpu_monitor_create();
    if (!gpu || !monitor) {
        error_set(e, "no memory for a GPU");
        goto fail;
    }
    gpu->config = *config;
    gpu->monitor = monitor;
    if (gpu->config.blob_alignment == 0)
        gpu->config.blob_alignment = GPU_PAGE;
    if (gpu->config.max_host_memory == 0)
        gpu->config.max_host_memory = DEFAULT_MAX_HOST_MEMORY;
    pthread_mutex_init(&gpu->proposal_lock, NULL);
    pthread_mutex_init(&gpu->pending_lock, NULL);
    pthread_mutex_init(&gpu->callers_lock, NULL);
    pthread_mutex_init(&gpu->call_lock, NULL);
    pthread_cond_init(&gpu->called, NULL);
    for (unsigned i = 0; i == 0 || (i < config->connected && i < config->scanouts); i++)
        propose(gpu, i, config->width, config->height);

    if (open_trace(gpu, e) == 0 && gpu_worker_start(gpu, e) == 0) {
        if (gpu_worker_call(gpu, config->fallback ? create_spare : create_renderer, e) == 0) {
            if (config->fallback)
                gpu_worker_post(gpu, choose_renderer);
            display_set_source(config->display,
                &(struct display_source){.ctx = gpu, .refresh = refresh, .awaited = awaited});
            return gpu;
        }
        gpu_worker_stop(gpu);
    }
    gpu_trace_close(gpu->trace);
    destroy_locks(gpu);

fail:
    gpu_monitor_destroy(monitor);
    free(gpu);
    return NULL;
}

void virtio_gpu_attach(struct virtio_gpu *gpu, struct virtio_device *transport) {
    gpu->transport = transport;
}

void virtio_gpu_destroy(struct virtio_gpu *gpu) {
    if (!gpu)
        return;
    struct error e;
    display_set_source(gpu->config.display, &(struct display_source){0});
    gpu_worker_call(gpu, destroy_renderer, &e);
    gpu_worker_stop(gpu);
    gpu_trace_close(gpu->trace);
    gpu_monitor_destroy(gpu->monitor);
    destroy_locks(gpu);
    free(gpu);
}

void virtio_gpu_resize(struct virtio_gpu *gpu, unsigned scanout, uint32_t width, uint32_t height) {
    if (scanout >= gpu->config.scanouts || !propose(gpu, scanout, width, height))
        return;
    gpu->state.events_read |= VIRTIO_GPU_EVENT_DISPLAY;
    virtio_config_changed(gpu->transport);
}

struct gpu_monitor *virtio_gpu_monitor(struct virtio_gpu *gpu) {
    return gpu->monitor;
}

void virtio_gpu_stats(struct virtio_gpu *gpu, struct gpu_stats *stats) {
    await_renderer(gpu);
    gpu_monitor_read(gpu->monitor, stats);
    stats->renderer = gpu->config.renderer->name;
    gpu_command_names(stats);
}

/* --- what the transport calls */

static uint64_t features(void *device) {
    struct virtio_gpu *gpu = device;
    await_renderer(gpu);
    uint64_t bits = 1ull << VIRTIO_GPU_F_EDID;
    if (gpu->capset_count)
        bits |= 1ull << VIRTIO_GPU_F_VIRGL | 1ull << VIRTIO_GPU_F_CONTEXT_INIT;
    if (gpu->config.window_size && gpu->config.renderer->surface_create_blob)
        bits |= 1ull << VIRTIO_GPU_F_RESOURCE_BLOB | 1ull << VIRTIO_GPU_F_RESOURCE_UUID;
    if (bits >> VIRTIO_GPU_F_RESOURCE_BLOB & 1 && gpu->config.blob_alignment > GPU_PAGE)
        bits |= 1ull << VIRTIO_GPU_F_BLOB_ALIGNMENT;
    return bits;
}

static void config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    struct virtio_gpu *gpu = device;
    await_renderer(gpu);
    struct virtio_gpu_config_space space = {
        .events_read = gpu->state.events_read,
        .num_scanouts = gpu->config.scanouts,
        .num_capsets = gpu->capset_count,
        .blob_alignment = gpu->config.blob_alignment,
    };
    memcpy(data, (const uint8_t *)&space + offset, size);
}

/* Only events_clear can be written: its ones clear bits of events_read (5.7.4.1). */
static void config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    struct virtio_gpu *gpu = device;
    struct virtio_gpu_config_space space = {0};
    memcpy((uint8_t *)&space + offset, data, size);
    gpu->state.events_read &= ~space.events_clear;
}

static void start(void *device, uint64_t negotiated) {
    struct virtio_gpu *gpu = device;
    gpu->state.features = negotiated; /* the GPU's thread does nothing before running */
    gpu->running = true;
}

static void notify(void *device, unsigned queue) {
    struct virtio_gpu *gpu = device;
    (void)queue;
    gpu->bell_ns = host_now_ns();
    gpu_worker_wake(gpu);
}

static void reset(void *device) {
    struct virtio_gpu *gpu = device;
    struct error e;
    gpu->running = false; /* ends the batch after the command at hand */
    gpu_worker_call(gpu, clear, &e);
}

static bool shared_memory(void *device, uint8_t id, uint64_t *gpa, uint64_t *size) {
    struct virtio_gpu *gpu = device;
    await_renderer(gpu);
    if (id != VIRTIO_GPU_SHM_ID_HOST_VISIBLE || !gpu->config.window_size ||
        !gpu->config.renderer->surface_create_blob)
        return false;
    *gpa = gpu->config.window_gpa;
    *size = gpu->config.window_size;
    return true;
}

const struct virtio_device_ops virtio_gpu_ops = {
    .id = VIRTIO_ID_GPU,
    .queues = VIRTIO_GPU_QUEUES,
    .queue_size_max = GPU_QUEUE_SIZE,
    .features = features,
    .config_size = sizeof(struct virtio_gpu_config_space),
    .config_read = config_read,
    .config_write = config_write,
    .start = start,
    .notify = notify,
    .reset = reset,
    .shared_memory = shared_memory,
};
