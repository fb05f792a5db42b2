/* The transport's registers: any access in any order, before, during and after a proper start. */
#include <string.h>

#include "hostile_driver.h"

static uint8_t config[24];

static uint64_t features(void *device) {
    (void)device;
    return 0xff00ff;
}
static void config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    (void)device;
    memcpy(data, config + offset, size);
}
static void config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    (void)device;
    memcpy(config + offset, data, size);
}
static void on_start(void *device, uint64_t accepted) {
    (void)device;
    (void)accepted;
}
static void on_notify(void *device, unsigned queue) {
    static struct virtq_chain chain;
    struct guest *guest = device;
    struct virtq *q = virtio_queue(guest->device, queue);
    for (unsigned i = 0; i < 64 && virtq_pop(q, &chain); i++)
        virtq_push(q, chain.head, 1);
    virtq_interrupt(q);
}
static void on_reset(void *device) {
    (void)device;
}
static bool shared_memory(void *device, uint8_t id, uint64_t *gpa, uint64_t *size) {
    (void)device;
    *gpa = *size = id;
    return id & 1;
}

static const struct virtio_device_ops ops = {
    .id = VIRTIO_ID_GPU,
    .queues = 2,
    .queue_size_max = 16,
    .features = features,
    .config_size = sizeof config,
    .config_read = config_read,
    .config_write = config_write,
    .start = on_start,
    .notify = on_notify,
    .reset = on_reset,
    .shared_memory = shared_memory,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct guest guest;
    struct fuzz_input in = {data, size};
    if (!guest.device)
        guest_create(&guest, &ops, &guest);
    while (in.size) {
        uint8_t kind = fuzz_byte(&in);
        unsigned access = 1u << (kind & 3), offset = fuzz_byte(&in) << (kind >> 2 & 1);
        uint64_t value = kind & 64 ? fuzz_u32(&in) : fuzz_byte(&in);
        if (kind & 8)
            value = GUEST_RAM + (value << 8) % (2 * GUEST_RAM_SIZE);
        if (kind & 16)
            mmio_read(guest.bus, GUEST_DEVICE + offset, access, &value);
        else
            mmio_write(guest.bus, GUEST_DEVICE + offset, access, value);
        if (kind == 0xff)
            virtio_config_changed(guest.device);
        else if (kind == 0xfe)
            virtio_needs_reset(guest.device);
    }
    virtio_mmio_reset(guest.device);
    memset(guest.ram, 0, GUEST_RAM_SIZE);
    return 0;
}
