#include "hostile_driver.h"

#include <string.h>

static void bring_up(struct hostile_driver *d) {
    d->guest.allocated = 0;
    guest_negotiate(&d->guest, d->features);
    for (unsigned i = 0; i < d->queue_count; i++)
        guest_queue_create(&d->queues[i], &d->guest, i, HOSTILE_QUEUE_SIZE, d->features & FEATURE_EVENT_IDX);
    d->data = guest_alloc(&d->guest, HOSTILE_DATA_SIZE);
    guest_driver_ok(&d->guest);
}

void hostile_driver_create(
    struct hostile_driver *d, const struct virtio_device_ops *ops, void *device, uint64_t device_features) {
    memset(d, 0, sizeof *d);
    guest_create(&d->guest, ops, device);
    d->queue_count = ops->queues < HOSTILE_QUEUES_MAX ? ops->queues : HOSTILE_QUEUES_MAX;
    d->features = FEATURE_VERSION_1 | FEATURE_INDIRECT | FEATURE_EVENT_IDX | device_features;
}

/* --- steps */

static uint64_t any_address(struct hostile_driver *d) {
    uint8_t kind = fuzz_byte(&d->in);
    if (kind < 192) /* mostly good ones */
        return d->data + fuzz_u16(&d->in);
    if (kind < 224)
        return GUEST_RAM + GUEST_RAM_SIZE - kind + 192;
    if (kind < 240)
        return GUEST_RAM + fuzz_u32(&d->in) % GUEST_RAM_SIZE;
    return kind < 248 ? UINT64_MAX - kind : fuzz_u32(&d->in);
}

static struct guest_desc any_desc(struct hostile_driver *d) {
    uint8_t kind = fuzz_byte(&d->in);
    struct guest_desc desc = {.addr = any_address(d), .flags = kind & 7, .next = (kind >> 3) & 15};
    desc.len = kind < 240 ? fuzz_byte(&d->in) : kind < 250 ? fuzz_u16(&d->in) : fuzz_u32(&d->in);
    if (desc.flags & DESC_INDIRECT && kind < 128)
        desc.len *= 16;
    return desc;
}

static struct guest_queue *any_queue(struct hostile_driver *d) {
    return &d->queues[fuzz_byte(&d->in) % d->queue_count];
}

static void write_data(struct hostile_driver *d) {
    uint8_t *at = guest_at(&d->guest, d->data + fuzz_u16(&d->in));
    unsigned size = fuzz_byte(&d->in) % 64;
    for (unsigned i = 0; i < size && at + i < d->guest.ram + GUEST_RAM_SIZE; i++)
        at[i] = fuzz_byte(&d->in);
}

static void write_indirect_table(struct hostile_driver *d) {
    uint64_t at = d->data + fuzz_u16(&d->in) % (HOSTILE_DATA_SIZE - 8 * 16);
    unsigned count = fuzz_byte(&d->in) % 8;
    for (unsigned i = 0; i < count; i++) {
        struct guest_desc desc = any_desc(d);
        memcpy(guest_at(&d->guest, at + 16 * i), &desc, sizeof desc);
    }
}

/* A well-formed chain, so that requests get past the queue. */
static void offer_chain(struct hostile_driver *d) {
    struct guest_queue *queue = any_queue(d);
    struct guest_desc parts[4];
    unsigned count = 1 + fuzz_byte(&d->in) % 4, out = fuzz_byte(&d->in) % (count + 1);
    for (unsigned i = 0; i < count; i++)
        parts[i] = (struct guest_desc){d->data + fuzz_u16(&d->in) / 2,
            fuzz_u16(&d->in) % (HOSTILE_DATA_SIZE / 2), i < out ? 0 : DESC_WRITE, 0};
    guest_queue_add(queue, parts, count, false);
    guest_queue_bell(queue);
}

static void access_register(struct hostile_driver *d) {
    uint8_t kind = fuzz_byte(&d->in);
    unsigned size = 1u << (kind & 3), offset = fuzz_u16(&d->in) % (0x200 - size + 1);
    if (kind & 4)
        offset = offset & ~(size - 1);
    uint64_t value = kind & 8 ? fuzz_byte(&d->in) : (uint64_t)fuzz_u32(&d->in) << 32 | fuzz_u32(&d->in);
    if (kind & 16)
        mmio_read(d->guest.bus, GUEST_DEVICE + offset, size, &value);
    else
        mmio_write(d->guest.bus, GUEST_DEVICE + offset, size, value);
}

static void take_step(struct hostile_driver *d) {
    switch (fuzz_byte(&d->in) % 10) {
    case 0: write_data(d); break;
    case 1: write_indirect_table(d); break;
    case 2: any_queue(d)->desc[fuzz_byte(&d->in) % HOSTILE_QUEUE_SIZE] = any_desc(d); break;
    case 3: guest_queue_offer(any_queue(d), fuzz_byte(&d->in) % (HOSTILE_QUEUE_SIZE + 1)); break;
    case 4: guest_queue_bell(any_queue(d)); break;
    case 5: any_queue(d)->avail[1] = fuzz_u16(&d->in); break;
    case 6: any_queue(d)->avail[0] = fuzz_byte(&d->in); break;
    case 7: guest_queue_set_used_event(any_queue(d), fuzz_u16(&d->in)); break;
    case 8: access_register(d); break;
    default: offer_chain(d); break;
    }
    /* Once it is down there is little to see: up again. */
    if (guest_read(&d->guest, REG_STATUS) != 15)
        bring_up(d);
}

void hostile_driver_run(struct hostile_driver *d, const uint8_t *data, size_t size) {
    d->in = (struct fuzz_input){data, size};
    memset(d->guest.ram, 0, GUEST_RAM_SIZE);
    bring_up(d);
    while (d->in.size) {
        take_step(d);
        if (d->step)
            d->step(d->ctx, &d->in);
    }
    virtio_mmio_reset(d->guest.device);
}
