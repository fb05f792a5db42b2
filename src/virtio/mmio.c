/* virtio over MMIO, register layout version 2 (virtio 1.2, 4.2). */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/sleep.h"
#include "util/log.h"
#include "virtio/queue.h"
#include "virtio/virtio.h"

enum { REGION_SIZE = 0x200, CONFIG = 0x100 };
enum { MAGIC = 0x74726976, VERSION = 2, VENDOR = 0x52414550 /* "PEAR" */ };
enum { INTERRUPT_QUEUE = 1, INTERRUPT_CONFIG = 2 };

enum register_offset {
    MAGIC_VALUE = 0x000,
    VERSION_NUMBER = 0x004,
    DEVICE_ID = 0x008,
    VENDOR_ID = 0x00c,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC_LOW = 0x080,
    QUEUE_DESC_HIGH = 0x084,
    QUEUE_DRIVER_LOW = 0x090,
    QUEUE_DRIVER_HIGH = 0x094,
    QUEUE_DEVICE_LOW = 0x0a0,
    QUEUE_DEVICE_HIGH = 0x0a4,
    SHM_SEL = 0x0ac,
    SHM_LEN_LOW = 0x0b0,
    SHM_LEN_HIGH = 0x0b4,
    SHM_BASE_LOW = 0x0b8,
    SHM_BASE_HIGH = 0x0bc,
    CONFIG_GENERATION = 0x0fc,
};

enum status { /* 2.1 */
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
    NEEDS_RESET = 64,
    FAILED = 128,
};

struct virtio_device {
    const struct virtio_device_ops *ops;
    void *device;
    struct irq_line irq;

    pthread_mutex_t lock; /* of everything but the interrupt; vCPU threads only */
    _Atomic uint32_t status;
    uint32_t device_features_sel, driver_features_sel, queue_sel, shm_sel;
    uint64_t driver_features;
    bool unknown_features; /* the driver accepted one past bit 63 */
    struct virtq queues[VIRTIO_MAX_QUEUES];

    pthread_mutex_t irq_lock; /* of the interrupt: its status and the line change together; taken last */
    _Atomic uint32_t interrupt_status, generation;
};

/* --- interrupt */

static void interrupt(struct virtio_device *t, uint32_t cause) {
    host_lock(&t->irq_lock);
    t->interrupt_status |= cause;
    irq_set(&t->irq, true);
    host_unlock(&t->irq_lock);
}

static void acknowledge(struct virtio_device *t, uint32_t causes) {
    pthread_mutex_lock(&t->irq_lock);
    t->interrupt_status &= ~causes;
    irq_set(&t->irq, t->interrupt_status != 0);
    pthread_mutex_unlock(&t->irq_lock);
}

void virtio_mmio_queue_interrupt(struct virtio_device *t) {
    interrupt(t, INTERRUPT_QUEUE);
}

void virtio_config_changed(struct virtio_device *t) {
    t->generation++;
    if (t->status & DRIVER_OK)
        interrupt(t, INTERRUPT_CONFIG);
}

void virtio_needs_reset(struct virtio_device *t) {
    for (unsigned i = 0; i < t->ops->queues; i++)
        t->queues[i].live = false;
    uint32_t before = atomic_fetch_or(&t->status, NEEDS_RESET);
    if (!(before & NEEDS_RESET))
        virtio_config_changed(t); /* 2.1.2 */
}

void virtio_mmio_queue_broken(const struct virtq *queue, const char *why) {
    struct virtio_device *t = queue->transport;
    log_guest("virtio device of type %u: the guest broke queue %u: %s", (unsigned)t->ops->id,
        (unsigned)(queue - t->queues), why);
    virtio_needs_reset(t);
}

/* --- life */

static uint64_t offered_features(struct virtio_device *t) {
    return t->ops->features(t->device) | 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_INDIRECT_DESC |
           1ull << VIRTIO_F_EVENT_IDX;
}

void virtio_mmio_reset(struct virtio_device *t) {
    pthread_mutex_lock(&t->lock);
    /* No configuration interrupt from here on; what the device still raises is cleared below. */
    t->status = 0;
    t->ops->reset(t->device);
    for (unsigned i = 0; i < t->ops->queues; i++)
        virtq_reset(&t->queues[i]);
    t->device_features_sel = t->driver_features_sel = t->queue_sel = t->shm_sel = 0;
    t->driver_features = 0;
    t->unknown_features = false;
    t->status = 0;
    acknowledge(t, UINT32_MAX);
    pthread_mutex_unlock(&t->lock);
}

static void start(struct virtio_device *t) {
    for (unsigned i = 0; i < t->ops->queues; i++)
        if (t->queues[i].ready && !virtq_start(&t->queues[i], t->driver_features))
            return;
    t->ops->start(t->device, t->driver_features);
    for (unsigned i = 0; i < t->ops->queues; i++)
        if (t->queues[i].live)
            t->ops->notify(t->device, i);
}

/* With the lock held. A driver only ever adds bits (2.1.1). */
static void add_status(struct virtio_device *t, uint32_t value) {
    uint32_t old = t->status;
    uint32_t added = value & ~old & (ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK | FAILED);
    bool acceptable = t->driver_features >> VIRTIO_F_VERSION_1 & 1 && !t->unknown_features &&
                      !(t->driver_features & ~offered_features(t));
    if (added & FEATURES_OK && !acceptable)
        added &= ~(uint32_t)FEATURES_OK; /* the driver reads it back (3.1.1) */
    if (added & DRIVER_OK && !((old | added) & FEATURES_OK))
        added &= ~(uint32_t)DRIVER_OK;
    old = atomic_fetch_or(&t->status, added);
    if (added & DRIVER_OK && !(old & NEEDS_RESET))
        start(t);
}

/* --- registers, with the lock held */

static struct virtq *selected_queue(struct virtio_device *t) {
    return t->queue_sel < t->ops->queues ? &t->queues[t->queue_sel] : NULL;
}

/* 2.10; a region that does not exist has length and base of all ones (4.2.2). */
static uint32_t read_shared_memory(struct virtio_device *t, uint64_t offset) {
    uint64_t gpa, size;
    if (t->shm_sel > UINT8_MAX || !t->ops->shared_memory ||
        !t->ops->shared_memory(t->device, (uint8_t)t->shm_sel, &gpa, &size))
        gpa = size = UINT64_MAX;
    switch (offset) {
    case SHM_LEN_LOW: return (uint32_t)size;
    case SHM_LEN_HIGH: return (uint32_t)(size >> 32);
    case SHM_BASE_LOW: return (uint32_t)gpa;
    default: return (uint32_t)(gpa >> 32);
    }
}

static uint32_t read_register(struct virtio_device *t, uint64_t offset) {
    const struct virtq *queue = selected_queue(t);
    switch (offset) {
    case MAGIC_VALUE: return MAGIC;
    case VERSION_NUMBER: return VERSION;
    case DEVICE_ID: return t->ops->id;
    case VENDOR_ID: return VENDOR;
    case DEVICE_FEATURES:
        return t->device_features_sel < 2 ? (uint32_t)(offered_features(t) >> 32 * t->device_features_sel)
                                          : 0;
    case QUEUE_NUM_MAX: return queue ? queue->size_max : 0;
    case QUEUE_READY: return queue && queue->ready;
    case INTERRUPT_STATUS: return t->interrupt_status;
    case STATUS: return t->status;
    case SHM_LEN_LOW:
    case SHM_LEN_HIGH:
    case SHM_BASE_LOW:
    case SHM_BASE_HIGH: return read_shared_memory(t, offset);
    case CONFIG_GENERATION: return t->generation;
    default: return 0; /* reserved, or for writing only */
    }
}

static void set_half(uint64_t *field, bool high, uint32_t value) {
    *field = high ? (*field & UINT32_MAX) | (uint64_t)value << 32 : (*field & ~(uint64_t)UINT32_MAX) | value;
}

/* The queue's geometry is fixed while the queue is ready (4.2.2.2) and once the device runs. */
static void write_queue_register(struct virtio_device *t, uint64_t offset, uint32_t value) {
    struct virtq *queue = selected_queue(t);
    if (!queue)
        return;
    if (offset == QUEUE_READY && !(value & 1)) {
        queue->ready = false;
        queue->live = false;
        return;
    }
    if (queue->ready || t->status & DRIVER_OK)
        return;
    switch (offset) {
    case QUEUE_NUM:
        if (value) /* EDK2's GPU driver writes 0 and means the maximum, which it was */
            queue->size = value <= queue->size_max ? (uint16_t)value : 0;
        break;
    case QUEUE_READY: queue->ready = true; break;
    case QUEUE_DESC_LOW:
    case QUEUE_DESC_HIGH: set_half(&queue->desc, offset == QUEUE_DESC_HIGH, value); break;
    case QUEUE_DRIVER_LOW:
    case QUEUE_DRIVER_HIGH: set_half(&queue->avail, offset == QUEUE_DRIVER_HIGH, value); break;
    default: set_half(&queue->used, offset == QUEUE_DEVICE_HIGH, value); break;
    }
}

static void write_driver_features(struct virtio_device *t, uint32_t value) {
    if (t->status & FEATURES_OK) /* too late (3.1.1) */
        return;
    if (t->driver_features_sel < 2)
        set_half(&t->driver_features, t->driver_features_sel, value);
    else if (value)
        t->unknown_features = true;
}

static void write_register(struct virtio_device *t, uint64_t offset, uint32_t value) {
    switch (offset) {
    case DEVICE_FEATURES_SEL: t->device_features_sel = value; break;
    case DRIVER_FEATURES: write_driver_features(t, value); break;
    case DRIVER_FEATURES_SEL: t->driver_features_sel = value; break;
    case QUEUE_SEL: t->queue_sel = value; break;
    case QUEUE_NOTIFY:
        if (value < t->ops->queues && t->queues[value].live)
            t->ops->notify(t->device, value);
        break;
    case STATUS: add_status(t, value); break;
    case SHM_SEL: t->shm_sel = value; break;
    case QUEUE_NUM:
    case QUEUE_READY:
    case QUEUE_DESC_LOW:
    case QUEUE_DESC_HIGH:
    case QUEUE_DRIVER_LOW:
    case QUEUE_DRIVER_HIGH:
    case QUEUE_DEVICE_LOW:
    case QUEUE_DEVICE_HIGH: write_queue_register(t, offset, value); break;
    default: break; /* reserved, or for reading only */
    }
}

/* How much of an access lies in the configuration space; the rest reads as zero and ignores writes. */
static uint32_t config_part(const struct virtio_device *t, uint64_t offset, unsigned size) {
    uint32_t config_size = t->ops->config_size;
    if (offset >= config_size)
        return 0;
    return config_size - offset < size ? (uint32_t)(config_size - offset) : size;
}

static uint64_t mmio_read_register(void *ctx, uint64_t offset, unsigned size) {
    struct virtio_device *t = ctx;
    uint64_t value = 0;
    pthread_mutex_lock(&t->lock);
    if (offset >= CONFIG) {
        uint32_t part = config_part(t, offset - CONFIG, size);
        if (part)
            t->ops->config_read(t->device, (uint32_t)(offset - CONFIG), &value, part);
    } else if (size == 4 && offset % 4 == 0) { /* 4.2.2.2: no other access to registers */
        value = read_register(t, offset);
    }
    pthread_mutex_unlock(&t->lock);
    return value;
}

static void mmio_write_register(void *ctx, uint64_t offset, unsigned size, uint64_t value) {
    struct virtio_device *t = ctx;
    bool is_register = offset < CONFIG && size == 4 && offset % 4 == 0;
    if (is_register && offset == INTERRUPT_ACK) {
        acknowledge(t, (uint32_t)value);
        return;
    }
    if (is_register && offset == STATUS && (uint32_t)value == 0) {
        virtio_mmio_reset(t);
        return;
    }
    pthread_mutex_lock(&t->lock);
    if (is_register) {
        write_register(t, offset, (uint32_t)value);
    } else if (offset >= CONFIG && t->ops->config_write) {
        uint32_t part = config_part(t, offset - CONFIG, size);
        if (part)
            t->ops->config_write(t->device, (uint32_t)(offset - CONFIG), &value, part);
    }
    pthread_mutex_unlock(&t->lock);
}

/* --- */

struct virtio_device *virtio_mmio_create(struct mmio_bus *bus, struct memory *memory, uint64_t gpa,
    const struct irq_line *irq, const struct virtio_device_ops *ops, void *device, struct error *e) {
    static const struct mmio_ops registers = {mmio_read_register, mmio_write_register};
    struct virtio_device *t = calloc(1, sizeof *t);
    if (!t) {
        error_set(e, "out of memory");
        return NULL;
    }
    t->ops = ops;
    t->device = device;
    t->irq = *irq;
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_init(&t->irq_lock, NULL);
    for (unsigned i = 0; i < ops->queues; i++) {
        t->queues[i].transport = t;
        t->queues[i].memory = memory;
        t->queues[i].size_max = ops->queue_size_max;
        virtq_reset(&t->queues[i]);
    }
    if (mmio_add(bus, "virtio", gpa, REGION_SIZE, &registers, t, e) < 0) {
        pthread_mutex_destroy(&t->irq_lock);
        pthread_mutex_destroy(&t->lock);
        free(t);
        return NULL;
    }
    return t;
}

void virtio_mmio_destroy(struct virtio_device *t) {
    if (!t)
        return;
    virtio_mmio_reset(t);
    pthread_mutex_destroy(&t->irq_lock);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* What a device missed meanwhile, the bells tell it. */
void virtio_mmio_hold(struct virtio_device *t, bool hold) {
    pthread_mutex_lock(&t->lock);
    for (unsigned i = 0; i < t->ops->queues; i++)
        t->queues[i].held = hold;
    for (unsigned i = 0; i < t->ops->queues && !hold; i++)
        if (t->queues[i].live)
            t->ops->notify(t->device, i);
    pthread_mutex_unlock(&t->lock);
}

struct virtq *virtio_queue(struct virtio_device *t, unsigned index) {
    return &t->queues[index];
}
