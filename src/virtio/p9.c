#include "virtio/p9.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE_SIZE = 128, F_MOUNT_TAG = 0 };

struct config {
    uint16_t tag_length;
    char tag[VIRTIO_P9_TAG_MAX + 1];
};

struct virtio_p9 {
    struct storage_job job; /* first */
    struct share *share;
    struct storage_pool *pool;
    struct virtio_device *transport;
    struct config config;

    pthread_mutex_t lock; /* of all below and of the queue; not held while a request is executed */
    pthread_cond_t idle;
    bool started, busy;
    struct virtio_p9_stats stats;

    struct virtq_chain chain; /* the worker's, as are the buffers */
    uint8_t request[SHARE_MESSAGE_MAX], answer[SHARE_MESSAGE_MAX];
};

static uint64_t p9_features(void *device) {
    (void)device;
    return 1u << F_MOUNT_TAG;
}

static void p9_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    const struct virtio_p9 *p9 = device;
    memcpy(data, (const uint8_t *)&p9->config + offset, size);
}

/* With the lock, which is given up meanwhile. A chain without room for header and error is no request. */
static void serve_one(struct virtio_p9 *p9, struct virtq *queue) {
    struct virtq_chain *chain = &p9->chain;
    if (chain->out_size < SHARE_HEADER || chain->in_size < SHARE_HEADER + 4) {
        virtio_needs_reset(p9->transport);
        return;
    }
    pthread_mutex_unlock(&p9->lock);
    size_t size = iov_read(chain->out, chain->out_count, 0, p9->request, sizeof p9->request);
    size_t room = chain->in_size < sizeof p9->answer ? chain->in_size : sizeof p9->answer;
    size_t answered = share_serve(p9->share, p9->request, size, p9->answer, room);
    iov_write(chain->in, chain->in_count, 0, p9->answer, answered);
    pthread_mutex_lock(&p9->lock);
    p9->stats.requests++;
    p9->stats.bytes_in += size;
    p9->stats.bytes_out += answered;
    virtq_push(queue, chain->head, (uint32_t)answered);
    virtq_interrupt(queue);
}

static void work(struct storage_job *job) {
    struct virtio_p9 *p9 = (struct virtio_p9 *)job;
    struct virtq *queue = virtio_queue(p9->transport, 0);
    pthread_mutex_lock(&p9->lock);
    while (p9->started && virtq_pop(queue, &p9->chain))
        serve_one(p9, queue);
    p9->busy = false;
    pthread_cond_broadcast(&p9->idle);
    pthread_mutex_unlock(&p9->lock);
}

static void p9_start(void *device, uint64_t features) {
    struct virtio_p9 *p9 = device;
    (void)features;
    pthread_mutex_lock(&p9->lock);
    p9->started = true;
    pthread_mutex_unlock(&p9->lock);
}

/* A worker that is about to stop holds the lock from its last look at the queue on: no bell is lost. */
static void p9_notify(void *device, unsigned queue) {
    struct virtio_p9 *p9 = device;
    (void)queue;
    pthread_mutex_lock(&p9->lock);
    bool submit = p9->started && !p9->busy;
    p9->busy |= submit;
    pthread_mutex_unlock(&p9->lock);
    if (submit)
        storage_pool_submit(p9->pool, &p9->job);
}

static void p9_reset(void *device) {
    struct virtio_p9 *p9 = device;
    pthread_mutex_lock(&p9->lock);
    p9->started = false;
    while (p9->busy)
        pthread_cond_wait(&p9->idle, &p9->lock);
    share_reset(p9->share);
    pthread_mutex_unlock(&p9->lock);
}

const struct virtio_device_ops virtio_p9_ops = {
    .id = VIRTIO_ID_9P,
    .queues = 1,
    .queue_size_max = QUEUE_SIZE,
    .features = p9_features,
    .config_size = sizeof(struct config),
    .config_read = p9_config_read,
    .start = p9_start,
    .notify = p9_notify,
    .reset = p9_reset,
};

struct virtio_p9 *virtio_p9_create(
    struct share *share, struct storage_pool *pool, const char *tag, struct error *e) {
    struct virtio_p9 *p9 = calloc(1, sizeof *p9);
    if (!p9) {
        error_set(e, "out of memory");
        return NULL;
    }
    p9->job.run = work;
    p9->share = share;
    p9->pool = pool;
    p9->config.tag_length = (uint16_t)strnlen(tag, VIRTIO_P9_TAG_MAX);
    memcpy(p9->config.tag, tag, p9->config.tag_length);
    pthread_mutex_init(&p9->lock, NULL);
    pthread_cond_init(&p9->idle, NULL);
    return p9;
}

void virtio_p9_destroy(struct virtio_p9 *p9) {
    if (!p9)
        return;
    pthread_cond_destroy(&p9->idle);
    pthread_mutex_destroy(&p9->lock);
    free(p9);
}

void virtio_p9_attach(struct virtio_p9 *p9, struct virtio_device *transport) {
    p9->transport = transport;
}

void virtio_p9_stats(struct virtio_p9 *p9, struct virtio_p9_stats *out) {
    pthread_mutex_lock(&p9->lock);
    *out = p9->stats;
    pthread_mutex_unlock(&p9->lock);
}
