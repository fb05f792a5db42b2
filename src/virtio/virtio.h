/* The border between a virtio device and its transport (virtio 1.2; virtio-mmio version 2).
 *
 * The transport owns status, feature negotiation, queue registers and the interrupt; a device owns its
 * configuration space and what its queues mean. Everything read from a ring is hostile. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/irq.h"
#include "bus/memory.h"
#include "bus/mmio.h"
#include "util/iov.h"

enum virtio_id {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_RNG = 4,
    VIRTIO_ID_9P = 9,
    VIRTIO_ID_GPU = 16,
    VIRTIO_ID_INPUT = 18,
};

enum { VIRTIO_MAX_QUEUES = 8, VIRTIO_QUEUE_SIZE_MAX = 1024 };

struct virtio_device;
struct virtq;

/* Calls come from vCPU threads with the transport's lock held, unless said otherwise: hand long work on. */
struct virtio_device_ops {
    enum virtio_id id;
    unsigned queues;
    uint16_t queue_size_max; /* a power of two up to VIRTIO_QUEUE_SIZE_MAX */

    /* Device features that are offered (VERSION_1, INDIRECT_DESC and EVENT_IDX are the transport's). */
    uint64_t (*features)(void *device);
    /* Size in bytes of the configuration space, then byte-wise access to it inside that size. */
    uint32_t config_size;
    void (*config_read)(void *device, uint32_t offset, void *data, uint32_t size);
    void (*config_write)(void *device, uint32_t offset, const void *data, uint32_t size); /* may be NULL */
    /* DRIVER_OK was set: queues are usable. features are the accepted ones. notify() of every queue that the
     * driver made ready follows, so what was queued before DRIVER_OK needs no care. */
    void (*start)(void *device, uint64_t features);
    /* The driver rang a queue's bell. */
    void (*notify)(void *device, unsigned queue);
    /* Back to power-on. When it returns, no other thread of the device touches a queue until start(). */
    void (*reset)(void *device);
    /* Shared memory regions (2.10): false when there is none with that id. May be NULL. */
    bool (*shared_memory)(void *device, uint8_t id, uint64_t *gpa, uint64_t *size);
};

/* Puts a transport with its registers at gpa. The device stays the caller's and outlives the transport. */
struct virtio_device *virtio_mmio_create(struct mmio_bus *bus, struct memory *memory, uint64_t gpa,
    const struct irq_line *irq, const struct virtio_device_ops *ops, void *device, struct error *e);
/* Resets the device first. No vCPU runs any more; the bus still knows the registers and is not used again. */
void virtio_mmio_destroy(struct virtio_device *transport);
/* Power-on state, for a reset of the machine. No vCPU runs. */
void virtio_mmio_reset(struct virtio_device *transport);

/* While the machine is paused: the device finishes what it has begun and gets nothing new, from the guest or
 * for it, until it is let go. Any thread but the device's own. */
void virtio_mmio_hold(struct virtio_device *transport, bool hold);

struct virtq *virtio_queue(struct virtio_device *transport, unsigned index);
/* The device's configuration changed: new generation and an interrupt. Any thread. */
void virtio_config_changed(struct virtio_device *transport);
/* The driver broke the protocol: DEVICE_NEEDS_RESET, and every queue is dead until reset. Any thread. */
void virtio_needs_reset(struct virtio_device *transport);

/* A descriptor chain. out: what the driver wrote for the device; in: where the device writes. Pointers go
 * straight into guest RAM, which the guest may change at any time: copy a header before checking it. */
struct virtq_chain {
    uint16_t head;
    unsigned out_count, in_count;
    size_t out_size, in_size; /* bytes */
    struct iovec *out, *in;   /* into the storage below */
    struct iovec storage[VIRTIO_QUEUE_SIZE_MAX];
};

/* Takes the next available chain. False when there is none, or when the ring is broken (then NEEDS_RESET is
 * set). All calls for one queue come from one thread at a time: the device's lock sees to that. */
bool virtq_pop(struct virtq *queue, struct virtq_chain *chain);
/* Puts the chains that were popped last back, to be popped again. None of them was pushed. */
void virtq_unpop(struct virtq *queue, uint16_t count);
/* Is there a chain to pop? */
bool virtq_pending(const struct virtq *queue);
/* Returns a chain, with the number of bytes written into its in part. */
void virtq_push(struct virtq *queue, uint16_t head, uint32_t written);
/* Interrupts the driver if it asked to be (event index respected); once after a batch of pushes. */
void virtq_interrupt(struct virtq *queue);
/* Whether the driver is to ring the bell for new chains: true from start() on; false while the queue is
 * polled. After enabling, look once more: virtq_pending() or virtq_pop() (2.7.10). */
void virtq_enable_notify(struct virtq *queue, bool enable);
bool virtq_ready(const struct virtq *queue);
