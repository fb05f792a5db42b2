/* The GPU's thread: drains the queues in batches. Fenced commands are returned when the renderer is done, by
 * its threads. */
#include "host/clock.h"
#include "host/sleep.h"
#include "virtio/gpu/internal.h"

enum { BATCH = 64 }; /* commands between two interrupts, when the driver is faster than the device */

/* --- fences */

static bool same_timeline(struct gpu_timeline a, struct gpu_timeline b) {
    return a.context == b.context && a.ring == b.ring;
}

void gpu_worker_forget_context(struct virtio_gpu *gpu, uint32_t context) {
    struct gpu_state *state = &gpu->state;
    pthread_mutex_lock(&gpu->pending_lock);
    for (unsigned i = 0; i < state->pending_count; i++)
        if (state->pending[i].timeline.context == context)
            state->pending[i].done = true;
    pthread_mutex_unlock(&gpu->pending_lock);
}

static bool pending_full(struct virtio_gpu *gpu) {
    pthread_mutex_lock(&gpu->pending_lock);
    bool full = gpu->state.pending_count == GPU_MAX_PENDING;
    pthread_mutex_unlock(&gpu->pending_lock);
    return full;
}

/* There is room: the caller has looked. */
static void add_pending(struct virtio_gpu *gpu, const struct gpu_pending *pending) {
    pthread_mutex_lock(&gpu->pending_lock);
    gpu->state.pending[gpu->state.pending_count++] = *pending;
    pthread_mutex_unlock(&gpu->pending_lock);
    gpu->config.renderer->fence(gpu->renderer, pending->timeline, pending->fence);
}

/* Under pending_lock, like the next. Returns whether that made room where there was none. */
static bool return_done(struct virtio_gpu *gpu) {
    struct gpu_state *state = &gpu->state;
    bool full = state->pending_count == GPU_MAX_PENDING;
    uint64_t now = state->pending_count ? host_now_ns() : 0;
    unsigned kept = 0;
    for (unsigned i = 0; i < state->pending_count; i++) {
        struct gpu_pending *p = &state->pending[i];
        if (p->done) {
            virtq_push(virtio_queue(gpu->transport, p->queue), p->head, p->written);
            gpu_monitor_fence(gpu->monitor, now - p->since_ns);
        } else {
            state->pending[kept++] = *p;
        }
    }
    state->pending_count = kept;
    return full && kept < GPU_MAX_PENDING;
}

static void interrupt(struct virtio_gpu *gpu) {
    for (unsigned i = 0; i < VIRTIO_GPU_QUEUES; i++)
        virtq_interrupt(virtio_queue(gpu->transport, i));
}

/* A thread of the renderer's returns the commands itself: for many a guest nothing goes on before they come.
 * The GPU's own is on its way to that. */
void gpu_worker_fence_done(void *ctx, struct gpu_timeline timeline, uint64_t fence) {
    struct virtio_gpu *gpu = ctx;
    struct gpu_state *state = &gpu->state;
    bool here = !gpu->config.no_thread && !pthread_equal(pthread_self(), gpu->thread);
    host_lock(&gpu->pending_lock);
    for (unsigned i = 0; i < state->pending_count; i++) {
        struct gpu_pending *p = &state->pending[i];
        if (p->fence <= fence && same_timeline(p->timeline, timeline))
            p->done = true;
    }
    bool room = here && return_done(gpu);
    if (here)
        interrupt(gpu);
    host_unlock(&gpu->pending_lock);
    if (room)
        gpu_worker_wake(gpu);
}

/* --- queues */

/* since: when it was made available, as far as that is known. */
static void execute(struct virtio_gpu *gpu, unsigned queue, uint64_t since) {
    struct gpu_result result = gpu_command(gpu, queue, &gpu->chain);
    if (!result.fenced) {
        pthread_mutex_lock(&gpu->pending_lock);
        virtq_push(virtio_queue(gpu->transport, queue), gpu->chain.head, result.written);
        pthread_mutex_unlock(&gpu->pending_lock);
        return;
    }
    struct gpu_pending pending = {
        .queue = queue,
        .head = gpu->chain.head,
        .written = result.written,
        .timeline = result.timeline,
        .fence = ++gpu->last_fence,
        .since_ns = since,
    };
    add_pending(gpu, &pending);
}

/* Up to BATCH commands; the number of them. */
static unsigned drain_queue(struct virtio_gpu *gpu, unsigned index) {
    struct virtq *queue = virtio_queue(gpu->transport, index);
    unsigned count = 0;
    while (count < BATCH && gpu->running && !pending_full(gpu) && virtq_pop(queue, &gpu->chain)) {
        uint64_t rung = atomic_exchange(&gpu->bell_ns, 0);
        execute(gpu, index, rung ? rung : host_now_ns());
        count++;
    }
    return count;
}

static unsigned drain_batch(struct virtio_gpu *gpu) {
    /* The cursor's queue is the fast track (5.7.2): it is never behind more than one batch of the other. */
    unsigned count = drain_queue(gpu, VIRTIO_GPU_CURSOR_QUEUE);
    count += drain_queue(gpu, VIRTIO_GPU_CONTROL_QUEUE);
    host_lock(&gpu->pending_lock);
    return_done(gpu);
    interrupt(gpu);
    host_unlock(&gpu->pending_lock);
    return count;
}

static void enable_notify(struct virtio_gpu *gpu, bool enable) {
    for (unsigned i = 0; i < VIRTIO_GPU_QUEUES; i++)
        virtq_enable_notify(virtio_queue(gpu->transport, i), enable);
}

void gpu_worker_poll_wanted(void *ctx) {
    struct virtio_gpu *gpu = ctx;
    gpu->poll_wanted = true;
    gpu_worker_wake(gpu);
}

static void drain(struct virtio_gpu *gpu) {
    if (atomic_exchange(&gpu->poll_wanted, false))
        gpu->config.renderer->poll(gpu->renderer);
    if (!gpu->running)
        return;
    unsigned depth = 0;
    gpu_contexts_bury(gpu);
    enable_notify(gpu, false);
    for (unsigned n; (n = drain_batch(gpu)) > 0;)
        depth += n;
    enable_notify(gpu, true);
    /* What came between the last look and enabling rings no bell (2.7.10). */
    depth += drain_batch(gpu);
    if (gpu->running)
        gpu_scanouts_show(gpu);
    if (depth)
        gpu_monitor_queue_depth(gpu->monitor, depth);
}

void virtio_gpu_drain(struct virtio_gpu *gpu) {
    drain(gpu);
}

/* --- the thread */

static void answer_call(struct virtio_gpu *gpu) {
    pthread_mutex_lock(&gpu->call_lock);
    if (gpu->call) {
        gpu->call_result = gpu->call(gpu, gpu->call_error);
        gpu->call = NULL;
        pthread_cond_broadcast(&gpu->called);
    }
    pthread_mutex_unlock(&gpu->call_lock);
}

int gpu_worker_call(
    struct virtio_gpu *gpu, int (*function)(struct virtio_gpu *gpu, struct error *e), struct error *e) {
    if (gpu->config.no_thread)
        return function(gpu, e);
    pthread_mutex_lock(&gpu->callers_lock);
    pthread_mutex_lock(&gpu->call_lock);
    while (gpu->call) /* which was posted */
        pthread_cond_wait(&gpu->called, &gpu->call_lock);
    gpu->call = function;
    gpu->call_error = e;
    gpu_worker_wake(gpu);
    while (gpu->call)
        pthread_cond_wait(&gpu->called, &gpu->call_lock);
    int result = gpu->call_result;
    pthread_mutex_unlock(&gpu->call_lock);
    pthread_mutex_unlock(&gpu->callers_lock);
    return result;
}

void gpu_worker_post(struct virtio_gpu *gpu, int (*function)(struct virtio_gpu *gpu, struct error *e)) {
    if (gpu->config.no_thread) {
        function(gpu, NULL);
        return;
    }
    pthread_mutex_lock(&gpu->call_lock);
    gpu->call = function;
    gpu->call_error = NULL;
    gpu_worker_wake(gpu);
    pthread_mutex_unlock(&gpu->call_lock);
}

static void *run(void *ctx) {
    struct virtio_gpu *gpu = ctx;
    while (!gpu->stop) {
        uint32_t seen = gpu->wake;
        answer_call(gpu);
        drain(gpu);
        host_sleep_on(&gpu->wake, seen, HOST_FOREVER);
    }
    return NULL;
}

int gpu_worker_start(struct virtio_gpu *gpu, struct error *e) {
    if (!gpu->config.no_thread && pthread_create(&gpu->thread, NULL, run, gpu) != 0)
        return error_set(e, "the host refuses a thread for the GPU");
    return 0;
}

void gpu_worker_stop(struct virtio_gpu *gpu) {
    if (gpu->config.no_thread)
        return;
    gpu->stop = true;
    gpu->running = false;
    gpu_worker_wake(gpu);
    pthread_join(gpu->thread, NULL);
}

void gpu_worker_wake(struct virtio_gpu *gpu) {
    gpu->wake++;
    host_wake_one(&gpu->wake);
}
