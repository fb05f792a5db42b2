#include "support/guest.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool good) {
    if (!good)
        abort();
}

static void set_irq(void *ctx, unsigned number, bool level) {
    (void)number;
    struct guest *guest = ctx;
    if (level && !atomic_exchange(&guest->irq_level, true))
        guest->irq_raised++;
    else if (!level)
        guest->irq_level = false;
}

void guest_create(struct guest *guest, const struct virtio_device_ops *ops, void *device) {
    memset(guest, 0, sizeof *guest);
    guest->memory = memory_create();
    guest->bus = mmio_bus_create();
    guest->ram = aligned_alloc(4096, GUEST_RAM_SIZE);
    must(guest->memory && guest->bus && guest->ram);
    memset(guest->ram, 0, GUEST_RAM_SIZE);
    const struct memory_slot slot = {GUEST_RAM, GUEST_RAM_SIZE, guest->ram, MEMORY_RAM};
    must(memory_add(guest->memory, &slot, NULL) == 0);
    const struct irq_line irq = {set_irq, guest, 0};
    guest->device = virtio_mmio_create(guest->bus, guest->memory, GUEST_DEVICE, &irq, ops, device, NULL);
    must(guest->device);
}

void guest_destroy(struct guest *guest) {
    virtio_mmio_destroy(guest->device);
    mmio_bus_destroy(guest->bus);
    memory_destroy(guest->memory);
    free(guest->ram);
}

uint32_t guest_read(struct guest *guest, unsigned reg) {
    uint64_t value;
    must(mmio_read(guest->bus, GUEST_DEVICE + reg, 4, &value));
    return (uint32_t)value;
}

void guest_write(struct guest *guest, unsigned reg, uint32_t value) {
    must(mmio_write(guest->bus, GUEST_DEVICE + reg, 4, value));
}

void guest_write64(struct guest *guest, unsigned reg, uint64_t value) {
    guest_write(guest, reg, (uint32_t)value);
    guest_write(guest, reg + 4, (uint32_t)(value >> 32));
}

uint32_t guest_negotiate(struct guest *guest, uint64_t features) {
    guest_write(guest, REG_STATUS, 0);
    guest_write(guest, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    for (unsigned i = 0; i < 2; i++) {
        guest_write(guest, REG_DRIVER_FEATURES_SEL, i);
        guest_write(guest, REG_DRIVER_FEATURES, (uint32_t)(features >> 32 * i));
    }
    guest_write(guest, REG_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    return guest_read(guest, REG_STATUS);
}

void guest_driver_ok(struct guest *guest) {
    guest_write(guest, REG_STATUS, guest_read(guest, REG_STATUS) | STATUS_DRIVER_OK);
}

uint32_t guest_take_interrupt(struct guest *guest) {
    uint32_t status = guest_read(guest, REG_INTERRUPT_STATUS);
    guest_write(guest, REG_INTERRUPT_ACK, status);
    return status;
}

uint64_t guest_alloc(struct guest *guest, uint32_t size) {
    uint32_t at = guest->allocated;
    guest->allocated += (size + 4095) / 4096 * 4096;
    must(guest->allocated <= GUEST_RAM_SIZE);
    return GUEST_RAM + at;
}

void *guest_at(struct guest *guest, uint64_t gpa) {
    return guest->ram + (gpa - GUEST_RAM);
}

/* --- queues */

void guest_queue_create(
    struct guest_queue *queue, struct guest *guest, unsigned index, unsigned size, bool event_idx) {
    uint64_t desc = guest_alloc(guest, 16 * size), avail = guest_alloc(guest, 6 + 2 * size),
             used = guest_alloc(guest, 6 + 8 * size);
    *queue = (struct guest_queue){
        .guest = guest,
        .index = index,
        .size = size,
        .event_idx = event_idx,
        .desc = guest_at(guest, desc),
        .avail = guest_at(guest, avail),
        .used = guest_at(guest, used),
    };
    guest_write(guest, REG_QUEUE_SEL, index);
    guest_write(guest, REG_QUEUE_NUM, size);
    guest_write64(guest, REG_QUEUE_DESC, desc);
    guest_write64(guest, REG_QUEUE_DRIVER, avail);
    guest_write64(guest, REG_QUEUE_DEVICE, used);
    guest_write(guest, REG_QUEUE_READY, 1);
}

uint16_t guest_queue_add(
    struct guest_queue *queue, const struct guest_desc *parts, unsigned count, bool indirect) {
    uint16_t head = queue->next_desc;
    struct guest_desc *table = queue->desc;
    uint64_t table_gpa = 0;
    if (indirect) {
        table_gpa = guest_alloc(queue->guest, count * sizeof *parts);
        table = guest_at(queue->guest, table_gpa);
    }
    for (unsigned i = 0; i < count; i++) {
        unsigned at = indirect ? i : (head + i) % queue->size;
        table[at] = parts[i];
        table[at].flags |= i + 1 < count ? DESC_NEXT : 0;
        table[at].next = (uint16_t)(indirect ? i + 1 : (at + 1) % queue->size);
    }
    if (indirect)
        queue->desc[head] =
            (struct guest_desc){table_gpa, (uint32_t)(count * sizeof *parts), DESC_INDIRECT, 0};
    queue->next_desc = (uint16_t)((head + (indirect ? 1 : count)) % queue->size);
    guest_queue_offer(queue, head);
    return head;
}

void guest_queue_offer(struct guest_queue *queue, uint16_t head) {
    uint16_t idx = queue->avail[1];
    queue->avail[2 + idx % queue->size] = head;
    __atomic_store_n(&queue->avail[1], (uint16_t)(idx + 1), __ATOMIC_SEQ_CST);
}

static uint16_t used_field(const struct guest_queue *queue, size_t offset) {
    return __atomic_load_n((const uint16_t *)(const void *)(queue->used + offset), __ATOMIC_ACQUIRE);
}

bool guest_queue_wants_bell(struct guest_queue *queue) {
    uint16_t before = queue->kicked, now = queue->avail[1];
    queue->kicked = now;
    atomic_thread_fence(memory_order_seq_cst);
    if (!queue->event_idx)
        return before != now && !(used_field(queue, 0) & 1);
    uint16_t event = used_field(queue, 4 + 8 * (size_t)queue->size);
    return (uint16_t)(now - event - 1) < (uint16_t)(now - before);
}

void guest_queue_bell(struct guest_queue *queue) {
    queue->kicked = queue->avail[1];
    guest_write(queue->guest, REG_QUEUE_NOTIFY, queue->index);
}

uint16_t guest_queue_used_idx(const struct guest_queue *queue) {
    return used_field(queue, 2);
}

bool guest_queue_take(struct guest_queue *queue, uint32_t *head, uint32_t *written) {
    if (queue->last_used == guest_queue_used_idx(queue))
        return false;
    uint32_t element[2];
    memcpy(element, queue->used + 4 + 8 * (queue->last_used++ % queue->size), sizeof element);
    *head = element[0];
    *written = element[1];
    return true;
}

bool guest_queue_wait(struct guest_queue *queue, uint32_t *head, uint32_t *written) {
    for (unsigned i = 0; i < 10000; i++) {
        if (guest_queue_take(queue, head, written))
            return true;
        usleep(1000);
    }
    return false;
}

void guest_queue_set_used_event(struct guest_queue *queue, uint16_t event) {
    __atomic_store_n(&queue->avail[2 + queue->size], event, __ATOMIC_SEQ_CST);
}
