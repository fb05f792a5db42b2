/* A guest as the tests of virtio devices see it: some RAM, one device, and the driver's side of its queues.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus/memory.h"
#include "bus/mmio.h"
#include "virtio/virtio.h"

enum { GUEST_RAM = 0x40000000, GUEST_RAM_SIZE = 1 << 18, GUEST_DEVICE = 0x0a000000 };

/* Registers of virtio-mmio (virtio 1.2, 4.2.2), and the bits of Status and of InterruptStatus. */
enum {
    REG_MAGIC = 0x00,
    REG_VERSION = 0x04,
    REG_DEVICE_ID = 0x08,
    REG_DEVICE_FEATURES = 0x10,
    REG_DEVICE_FEATURES_SEL = 0x14,
    REG_DRIVER_FEATURES = 0x20,
    REG_DRIVER_FEATURES_SEL = 0x24,
    REG_QUEUE_SEL = 0x30,
    REG_QUEUE_NUM_MAX = 0x34,
    REG_QUEUE_NUM = 0x38,
    REG_QUEUE_READY = 0x44,
    REG_QUEUE_NOTIFY = 0x50,
    REG_INTERRUPT_STATUS = 0x60,
    REG_INTERRUPT_ACK = 0x64,
    REG_STATUS = 0x70,
    REG_QUEUE_DESC = 0x80,
    REG_QUEUE_DRIVER = 0x90,
    REG_QUEUE_DEVICE = 0xa0,
    REG_SHM_SEL = 0xac,
    REG_SHM_LEN = 0xb0,
    REG_SHM_BASE = 0xb8,
    REG_CONFIG_GENERATION = 0xfc,
    REG_CONFIG = 0x100,
};
enum {
    STATUS_ACKNOWLEDGE = 1,
    STATUS_DRIVER = 2,
    STATUS_DRIVER_OK = 4,
    STATUS_FEATURES_OK = 8,
    STATUS_NEEDS_RESET = 64,
};
enum { INTERRUPT_USED = 1, INTERRUPT_CONFIG_CHANGE = 2 };

#define FEATURE_INDIRECT  (1ull << 28)
#define FEATURE_EVENT_IDX (1ull << 29)
#define FEATURE_VERSION_1 (1ull << 32)

struct guest {
    struct memory *memory;
    struct mmio_bus *bus;
    struct virtio_device *device;
    uint8_t *ram; /* GUEST_RAM_SIZE bytes at GUEST_RAM */
    atomic_bool irq_level;
    atomic_uint irq_raised; /* changes from low to high */
    uint32_t allocated;
};

/* Aborts where the host fails; the device is at GUEST_DEVICE. */
void guest_create(struct guest *guest, const struct virtio_device_ops *ops, void *device);
void guest_destroy(struct guest *guest); /* the transport too */

uint32_t guest_read(struct guest *guest, unsigned reg);
void guest_write(struct guest *guest, unsigned reg, uint32_t value);
void guest_write64(struct guest *guest, unsigned reg, uint64_t value);

/* Resets and negotiates; the Status that the device shows after FEATURES_OK was written. */
uint32_t guest_negotiate(struct guest *guest, uint64_t features);
void guest_driver_ok(struct guest *guest);
/* Reads and acknowledges InterruptStatus. */
uint32_t guest_take_interrupt(struct guest *guest);

/* A piece of RAM, zeroed, aligned to 4 KiB: its guest-physical address. Nothing is given back. */
uint64_t guest_alloc(struct guest *guest, uint32_t size);
void *guest_at(struct guest *guest, uint64_t gpa);

/* --- the driver's side of a split queue */

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

struct guest_desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct guest_queue {
    struct guest *guest;
    unsigned index, size;
    bool event_idx;
    struct guest_desc *desc;
    uint16_t *avail; /* flags, idx, ring[size], used_event */
    uint8_t *used;   /* flags, idx, {id, len}[size], avail_event */
    uint16_t next_desc, kicked, last_used;
};

/* Sets the queue's registers and makes it ready; between guest_negotiate() and guest_driver_ok(). */
void guest_queue_create(
    struct guest_queue *queue, struct guest *guest, unsigned index, unsigned size, bool event_idx);

/* Makes a chain of count descriptors available, addr, len and flags given (NEXT and next are set here), with
 * indirect in a table of their own; the head. No bell. */
uint16_t guest_queue_add(
    struct guest_queue *queue, const struct guest_desc *parts, unsigned count, bool indirect);
/* Makes a head available as it is. */
void guest_queue_offer(struct guest_queue *queue, uint16_t head);
/* Would the device want the bell for what was offered since the last call? (2.7.10) */
bool guest_queue_wants_bell(struct guest_queue *queue);
void guest_queue_bell(struct guest_queue *queue);
/* Takes a used element; false when there is none. */
bool guest_queue_take(struct guest_queue *queue, uint32_t *head, uint32_t *written);
/* The same, waiting up to 10 s for another thread. */
bool guest_queue_wait(struct guest_queue *queue, uint32_t *head, uint32_t *written);
uint16_t guest_queue_used_idx(const struct guest_queue *queue);
void guest_queue_set_used_event(struct guest_queue *queue, uint16_t event);
