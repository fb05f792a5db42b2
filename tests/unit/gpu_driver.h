/* A virtio-gpu driver for tests: a little guest memory, the real transport and the real queues. */
#pragma once

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bus/memory.h"
#include "bus/mmio.h"
#include "virtio/gpu/gpu.h"
#include "virtio/gpu/protocol.h"
#include "virtio/virtio.h"

enum {
    RAM_BASE = 0x40000000,
    RAM_SIZE = 32 << 20,
    REGISTERS = 0x0a000000,
    PAGE = 4096,

    RINGS = RAM_BASE, /* a page for each part of each queue */
    REQUEST = RAM_BASE + 0x10000,
    RESPONSE = RAM_BASE + 0x80000,
    PIXELS = RAM_BASE + 0x100000, /* up to the end: backing */

    RING_SIZE = 16,
};

struct driver {
    uint8_t *ram;
    struct memory *memory;
    struct mmio_bus *bus;
    struct display *display;
    struct virtio_device *transport;
    struct virtio_gpu *gpu;
    atomic_uint interrupts;
    uint16_t avail[VIRTIO_GPU_QUEUES], used[VIRTIO_GPU_QUEUES];
};

static inline void *at(struct driver *d, uint64_t gpa) {
    return d->ram + (gpa - RAM_BASE);
}

static inline uint32_t get_register(struct driver *d, uint64_t offset) {
    uint64_t value = 0;
    if (!mmio_read(d->bus, REGISTERS + offset, 4, &value))
        abort();
    return (uint32_t)value;
}

static inline void set_register(struct driver *d, uint64_t offset, uint32_t value) {
    if (!mmio_write(d->bus, REGISTERS + offset, 4, value))
        abort();
}

static inline uint64_t ring(unsigned queue, unsigned part) {
    return RINGS + (queue * 4 + part) * (uint64_t)PAGE;
}

/* As 3.1.1 and 4.2.3.1 tell a driver to begin. */
static inline void driver_begin(struct driver *d, uint32_t features) {
    set_register(d, 0x070, 0);
    set_register(d, 0x070, 3); /* ACKNOWLEDGE, DRIVER */
    set_register(d, 0x024, 0);
    set_register(d, 0x020, features);
    set_register(d, 0x024, 1);
    set_register(d, 0x020, 1); /* VERSION_1 */
    set_register(d, 0x070, 3 | 8);
    memset(at(d, RINGS), 0, 2 * 4 * PAGE);
    for (unsigned queue = 0; queue < VIRTIO_GPU_QUEUES; queue++) {
        set_register(d, 0x030, queue);
        set_register(d, 0x038, RING_SIZE);
        for (unsigned part = 0; part < 3; part++)
            set_register(d, 0x080 + 0x10 * part, (uint32_t)ring(queue, part));
        set_register(d, 0x044, 1);
        d->avail[queue] = d->used[queue] = 0;
    }
    set_register(d, 0x070, 3 | 8 | 4);
}

static inline void count_interrupt(void *ctx, unsigned number, bool level) {
    struct driver *d = ctx;
    (void)number;
    d->interrupts += level;
}

static inline struct driver *driver_create(const struct virtio_gpu_config *wanted) {
    struct driver *d = calloc(1, sizeof *d);
    struct virtio_gpu_config config = *wanted;
    d->ram = aligned_alloc(PAGE, RAM_SIZE);
    memset(d->ram, 0, RAM_SIZE);
    d->memory = memory_create();
    d->bus = mmio_bus_create();
    d->display = display_create();
    struct memory_slot slot = {RAM_BASE, RAM_SIZE, d->ram, MEMORY_RAM};
    struct error e;
    if (memory_add(d->memory, &slot, &e) < 0)
        abort();
    config.memory = d->memory;
    config.display = d->display;
    d->gpu = virtio_gpu_create(&config, &e);
    if (!d->gpu)
        abort();
    struct irq_line irq = {count_interrupt, d, 0};
    d->transport = virtio_mmio_create(d->bus, d->memory, REGISTERS, &irq, &virtio_gpu_ops, d->gpu, &e);
    if (!d->transport)
        abort();
    virtio_gpu_attach(d->gpu, d->transport);
    driver_begin(d, 1u << VIRTIO_GPU_F_EDID);
    return d;
}

static inline void driver_destroy(struct driver *d) {
    virtio_mmio_destroy(d->transport);
    virtio_gpu_destroy(d->gpu);
    display_destroy(d->display);
    mmio_bus_destroy(d->bus);
    memory_destroy(d->memory);
    free(d->ram);
    free(d);
}

struct test_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* Makes one chain available: a request already at REQUEST, room for a response at RESPONSE. */
static inline void offer(struct driver *d, unsigned queue, uint32_t request_size, uint32_t response_size) {
    struct test_desc *desc = at(d, ring(queue, 0));
    uint16_t *avail = at(d, ring(queue, 1));
    uint16_t head = (uint16_t)(d->avail[queue] * 2 % RING_SIZE);
    desc[head] = (struct test_desc){REQUEST, request_size, response_size ? 1 : 0, (uint16_t)(head + 1)};
    desc[head + 1] = (struct test_desc){RESPONSE, response_size, 2, 0};
    avail[2 + d->avail[queue] % RING_SIZE] = head;
    d->avail[queue]++;
    __atomic_store_n(&avail[1], d->avail[queue], __ATOMIC_RELEASE);
    set_register(d, 0x050, queue);
}

/* Whether the next chain came back, and how many bytes were written into it. */
static inline bool returned(struct driver *d, unsigned queue, uint32_t *written) {
    uint16_t *used = at(d, ring(queue, 2));
    if (__atomic_load_n(&used[1], __ATOMIC_ACQUIRE) == d->used[queue])
        return false;
    uint32_t *element = (uint32_t *)(void *)used + 1 + 2 * (d->used[queue] % RING_SIZE);
    if (written)
        *written = element[1];
    d->used[queue]++;
    return true;
}
