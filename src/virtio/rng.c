#include "virtio/rng.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* The most that one request gets, however large: the vCPU waits for it. getentropy() gives no more at a time.
 */
enum { BYTES_MAX = 256 };

struct virtio_rng {
    struct virtio_device *transport;
    struct virtq_chain chain;
    _Atomic uint64_t bytes;
};

static uint64_t rng_features(void *device) {
    (void)device;
    return 0;
}

/* Runs on vCPU threads only, under the transport's lock, which is all the locking that this device needs. */
static void rng_notify(void *device, unsigned index) {
    struct virtio_rng *rng = device;
    struct virtq *queue = virtio_queue(rng->transport, index);
    struct virtq_chain *chain = &rng->chain;
    while (virtq_pop(queue, chain)) {
        uint8_t random[BYTES_MAX];
        size_t size = chain->in_size < BYTES_MAX ? chain->in_size : BYTES_MAX;
        if (getentropy(random, size) < 0)
            size = 0;
        size = iov_write(chain->in, chain->in_count, 0, random, size);
        rng->bytes += size;
        virtq_push(queue, chain->head, (uint32_t)size);
    }
    virtq_interrupt(queue);
}

static void rng_start(void *device, uint64_t features) {
    (void)device;
    (void)features;
}

static void rng_reset(void *device) {
    (void)device;
}

const struct virtio_device_ops virtio_rng_ops = {
    .id = VIRTIO_ID_RNG,
    .queues = 1,
    .queue_size_max = 8,
    .features = rng_features,
    .start = rng_start,
    .notify = rng_notify,
    .reset = rng_reset,
};

struct virtio_rng *virtio_rng_create(struct error *e) {
    struct virtio_rng *rng = calloc(1, sizeof *rng);
    if (!rng)
        error_set(e, "out of memory");
    return rng;
}

void virtio_rng_destroy(struct virtio_rng *rng) {
    free(rng);
}

void virtio_rng_attach(struct virtio_rng *rng, struct virtio_device *transport) {
    rng->transport = transport;
}

void virtio_rng_stats(struct virtio_rng *rng, struct virtio_rng_stats *out) {
    out->bytes = rng->bytes;
}
