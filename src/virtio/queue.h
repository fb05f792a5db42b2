/* A split virtqueue (virtio 1.2, 2.7) as its transport sees it; devices use virtio/virtio.h. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "virtio/virtio.h"

enum {
    VIRTIO_F_INDIRECT_DESC = 28, /* feature bits */
    VIRTIO_F_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
};

struct virtq {
    struct virtio_device *transport;
    const struct memory *memory;

    /* What the driver wrote into the queue's registers. */
    uint16_t size_max, size;
    uint64_t desc, avail, used; /* guest-physical */
    bool ready;

    /* From virtq_start() on. The host addresses are of guest RAM, checked for size and alignment. */
    atomic_bool live; /* false: nothing is popped, what is pushed goes nowhere */
    atomic_bool held; /* the machine is paused: nothing is popped */
    bool indirect, event_idx, notify;
    uint16_t last_avail;   /* the next entry of the available ring to look at */
    uint16_t used_idx;     /* where the next used element goes */
    uint16_t signaled_idx; /* used_idx when the driver was last considered for an interrupt */
    const uint8_t *desc_table;
    uint8_t *avail_ring, *used_ring;
};

/* Power-on state, keeping transport, memory and size_max. */
void virtq_reset(struct virtq *queue);
/* Makes a ready queue live; false when its rings do not lie in RAM or break the rules of 2.7. */
bool virtq_start(struct virtq *queue, uint64_t features);

/* The transport's part, from any thread: an interrupt for used buffers; a line in the log and NEEDS_RESET. */
void virtio_mmio_queue_interrupt(struct virtio_device *transport);
void virtio_mmio_queue_broken(const struct virtq *queue, const char *why);
