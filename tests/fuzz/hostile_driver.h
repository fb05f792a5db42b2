/* A driver that does anything: descriptors, rings, registers and data as the fuzzer's input says. */
#pragma once

#include "input.h"
#include "support/guest.h"

enum { HOSTILE_QUEUES_MAX = 2, HOSTILE_QUEUE_SIZE = 8, HOSTILE_DATA_SIZE = 64 * 1024 };

struct hostile_driver {
    struct guest guest;
    struct guest_queue queues[HOSTILE_QUEUES_MAX];
    unsigned queue_count;
    uint64_t features;
    uint64_t data; /* HOSTILE_DATA_SIZE bytes for buffers and indirect tables */
    struct fuzz_input in;
    /* After every step, so that nothing depends on when another thread gets to run; for the device's own
     * events too. May be NULL. */
    void (*step)(void *ctx, struct fuzz_input *in);
    void *ctx;
};

/* Creates the guest, once for all inputs. The caller attaches the device. */
void hostile_driver_create(struct hostile_driver *driver, const struct virtio_device_ops *ops, void *device,
    uint64_t device_features);
/* Brings the device up, with clean RAM and all rings in order; takes steps until the input ends; resets it.
 */
void hostile_driver_run(struct hostile_driver *driver, const uint8_t *data, size_t size);
