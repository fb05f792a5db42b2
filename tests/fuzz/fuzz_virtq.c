/* The queue itself: every chain is popped and all of its memory touched. */
#include <stdlib.h>
#include <string.h>

#include "hostile_driver.h"

static struct hostile_driver driver;

static uint64_t no_features(void *device) {
    (void)device;
    return 0;
}
static void on_start(void *device, uint64_t features) {
    (void)device;
    (void)features;
}
static void on_notify(void *device, unsigned queue) {
    (void)device;
    (void)queue;
}
static void on_reset(void *device) {
    (void)device;
}

static const struct virtio_device_ops idle_ops = {
    .id = VIRTIO_ID_RNG,
    .queues = 1,
    .queue_size_max = VIRTIO_QUEUE_SIZE_MAX,
    .features = no_features,
    .start = on_start,
    .notify = on_notify,
    .reset = on_reset,
};

static void check(bool good) {
    if (!good)
        abort();
}

static void touch(const struct virtq_chain *chain) {
    size_t out_size = 0, in_size = 0;
    for (unsigned i = 0; i < chain->out_count; i++)
        out_size += chain->out[i].iov_len;
    for (unsigned i = 0; i < chain->in_count; i++)
        in_size += chain->in[i].iov_len;
    check(out_size == chain->out_size && in_size == chain->in_size);
    check(chain->out_count + chain->in_count <= VIRTIO_QUEUE_SIZE_MAX);
    static uint8_t buffer[4096];
    size_t limit = 16 * sizeof buffer; /* the first and last pages of it */
    for (size_t at = 0; at < out_size && at < limit; at += sizeof buffer)
        iov_read(chain->out, chain->out_count, at, buffer, sizeof buffer);
    if (out_size > sizeof buffer)
        check(iov_read(chain->out, chain->out_count, out_size - sizeof buffer, buffer, sizeof buffer) ==
              sizeof buffer);
    memset(buffer, 0x11, sizeof buffer);
    size_t size = in_size < sizeof buffer ? in_size : sizeof buffer;
    check(iov_write(chain->in, chain->in_count, in_size - size, buffer, size) == size);
}

static void drain(void *ctx, struct fuzz_input *in) {
    (void)ctx;
    static struct virtq_chain chain;
    struct virtq *queue = virtio_queue(driver.guest.device, 0);
    uint8_t how = fuzz_byte(in);
    virtq_enable_notify(queue, how & 1);
    unsigned count = 0;
    for (; count < how % 64u && virtq_pop(queue, &chain); count++) {
        touch(&chain);
        if (how & 2) {
            virtq_push(queue, chain.head, how);
            count = 0;
        }
    }
    if (!(how & 2) && how & 4)
        virtq_unpop(queue, (uint16_t)count);
    if (how & 8)
        virtq_interrupt(queue);
    virtq_pending(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!driver.step)
        hostile_driver_create(&driver, &idle_ops, NULL, 0);
    driver.step = drain;
    hostile_driver_run(&driver, data, size);
    return 0;
}
