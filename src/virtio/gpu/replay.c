/* A driver for one GPU that has no guest: it takes what it sends from a file, which may say anything. */
#include "virtio/gpu/replay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "board/memory_map.h"
#include "display/display.h"
#include "host/clock.h"
#include "host/shm.h"
#include "host/sleep.h"
#include "virtio/gpu/gpu.h"
#include "virtio/gpu/protocol.h"
#include "virtio/gpu/trace_format.h"

#define DRIVER_GPA     (1ull << 41) /* above all that a trace may have */
#define MAX_WINDOW     (256ull << 30)
#define MAX_MEMORY     (8ull << 30) /* of the host, for resources */
#define ANSWER_TIMEOUT (10 * 1000000000ull)

enum {
    SLOTS = 16, /* commands on their way, in each queue */
    RING_SIZE = 2 * SLOTS,
    PART = 4096, /* room for each part of a ring */
    ANSWER_SIZE = 8192,
    ANSWERS = VIRTIO_GPU_QUEUES * 3 * PART,
    REQUESTS = ANSWERS + VIRTIO_GPU_QUEUES * SLOTS * ANSWER_SIZE,
    REQUESTS_SIZE = 2 * GPU_TRACE_MAX_REQUEST,
    DRIVER_SIZE = (REQUESTS + REQUESTS_SIZE + 0xffff) & ~0xffff,
    MAX_RECORD = GPU_TRACE_MAX_REQUEST + sizeof(struct gpu_trace_command),
};

enum { /* virtio-mmio's registers (virtio 1.2, 4.2.2) and status bits (2.1) */
    DEVICE_FEATURES = 0x010,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    ACKNOWLEDGE = 1,
    DRIVER = 2,
    DRIVER_OK = 4,
    FEATURES_OK = 8,
};

struct descriptor {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

enum { DESC_NEXT = 1, DESC_WRITE = 2 };

struct slot {
    bool busy;
    uint32_t expected; /* type of its answer; 0: unknown */
    uint32_t sample;
    uint64_t since_ns;
};

struct replay {
    const char *name;
    struct gpu_replay_report *report;
    struct gpu_trace_header header;
    struct host_shm ram, own;
    struct memory *memory;
    struct mmio_bus *bus;
    struct display *display;
    struct virtio_gpu *gpu;
    struct virtio_device *transport;
    _Atomic uint32_t interrupts;
    bool begun; /* the device is up */

    pthread_mutex_t lock; /* of queues and samples: answers are taken on the GPU's thread, with their times */
    struct queue {
        uint16_t avail, used;
        unsigned busy;
        struct slot slots[SLOTS];
    } queues[VIRTIO_GPU_QUEUES];
    unsigned queue;     /* that the last command went to */
    size_t requests_at; /* where the next request goes */

    /* A command that was read and awaits its answer's record. */
    struct {
        bool there;
        struct gpu_trace_command head;
        uint8_t *request;
        size_t size;
    } next;
};

static int damaged(const struct replay *r, const char *what, struct error *e) {
    return error_set(e, "%s: not a whole GPU trace: %s", r->name, what);
}

/* --- the device */

static void set_register(struct replay *r, uint64_t offset, uint32_t value) {
    mmio_write(r->bus, MAP_VIRTIO + offset, 4, value);
}

static uint64_t part_at(unsigned queue, unsigned part) { /* descriptors, available ring, used ring */
    return (queue * 3 + part) * (uint64_t)PART;
}

static uint64_t answer_at(unsigned queue, unsigned slot) {
    return ANSWERS + (queue * SLOTS + slot) * (uint64_t)ANSWER_SIZE;
}

/* As 3.1.1 tells a driver to. */
static void begin(struct replay *r, uint64_t features) {
    uint64_t offered = 0;
    set_register(r, STATUS, 0);
    set_register(r, STATUS, ACKNOWLEDGE | DRIVER);
    mmio_read(r->bus, MAP_VIRTIO + DEVICE_FEATURES, 4, &offered);
    set_register(r, DRIVER_FEATURES_SEL, 0);
    set_register(r, DRIVER_FEATURES, (uint32_t)(features & offered & 0xffffff)); /* the device's own */
    set_register(r, DRIVER_FEATURES_SEL, 1);
    set_register(r, DRIVER_FEATURES, 1); /* VERSION_1 */
    set_register(r, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    memset(r->own.data, 0, ANSWERS);
    for (unsigned queue = 0; queue < VIRTIO_GPU_QUEUES; queue++) {
        r->queues[queue].avail = r->queues[queue].used = 0;
        set_register(r, QUEUE_SEL, queue);
        set_register(r, QUEUE_NUM, RING_SIZE);
        for (unsigned part = 0; part < 3; part++) {
            uint64_t gpa = DRIVER_GPA + part_at(queue, part);
            set_register(r, QUEUE_DESC + 0x10 * part, (uint32_t)gpa);
            set_register(r, QUEUE_DESC + 0x10 * part + 4, (uint32_t)(gpa >> 32));
        }
        set_register(r, QUEUE_READY, 1);
    }
    set_register(r, STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    r->begun = true;
}

/* --- answers */

static void take_answer(struct replay *r, unsigned queue, unsigned index) {
    struct slot *slot = &r->queues[queue].slots[index];
    uint64_t latency = host_now_ns() - slot->since_ns;
    uint32_t type;
    memcpy(&type, r->own.data + answer_at(queue, index), sizeof type);
    r->report->other_answers += slot->expected && type != slot->expected;
    r->report->samples[slot->sample].latency_ns = latency < UINT32_MAX ? (uint32_t)latency : UINT32_MAX;
    slot->busy = false;
    r->queues[queue].busy--;
}

static void take_answers(struct replay *r) {
    for (unsigned queue = 0; queue < VIRTIO_GPU_QUEUES; queue++) {
        const uint8_t *ring = r->own.data + part_at(queue, 2);
        struct queue *q = &r->queues[queue];
        while (__atomic_load_n((const uint16_t *)(ring + 2), __ATOMIC_ACQUIRE) != q->used) {
            uint32_t head;
            memcpy(&head, ring + 4 + 8 * (q->used++ % RING_SIZE), sizeof head);
            take_answer(r, queue, head / 2);
        }
    }
}

static void on_interrupt(void *ctx, unsigned number, bool level) {
    struct replay *r = ctx;
    (void)number;
    if (!level)
        return;
    pthread_mutex_lock(&r->lock);
    take_answers(r);
    pthread_mutex_unlock(&r->lock);
    r->interrupts++;
    host_wake_all(&r->interrupts);
}

static unsigned busy_slots(struct replay *r, unsigned queue) {
    pthread_mutex_lock(&r->lock);
    unsigned busy = r->queues[queue].busy;
    pthread_mutex_unlock(&r->lock);
    return busy;
}

/* Until no more than that many commands are on their way in the queue. */
static int await(struct replay *r, unsigned queue, unsigned busy, struct error *e) {
    uint64_t deadline = host_now_ns() + ANSWER_TIMEOUT;
    for (;;) {
        uint32_t seen = r->interrupts;
        if (busy_slots(r, queue) <= busy)
            return 0;
        if (host_now_ns() > deadline)
            return error_set(e, "%s: the GPU has not answered a command for 10 s", r->name);
        set_register(r, INTERRUPT_ACK, 3);
        host_sleep_on(&r->interrupts, seen, deadline);
    }
}

static int await_all(struct replay *r, struct error *e) {
    for (unsigned queue = 0; queue < VIRTIO_GPU_QUEUES; queue++)
        if (await(r, queue, 0, e) < 0)
            return -1;
    return 0;
}

/* --- commands */

static struct gpu_replay_sample *new_sample(struct gpu_replay_report *report) {
    if (report->count == report->room) {
        size_t room = report->room ? 2 * report->room : 1024;
        struct gpu_replay_sample *samples = realloc(report->samples, room * sizeof *samples);
        if (!samples)
            return NULL;
        report->samples = samples;
        report->room = room;
    }
    return &report->samples[report->count++];
}

static void offer(struct replay *r, unsigned queue, unsigned slot, uint64_t request, uint32_t in_size) {
    uint8_t *table = r->own.data + part_at(queue, 0), *ring = r->own.data + part_at(queue, 1);
    uint16_t head = (uint16_t)(2 * slot), next = (uint16_t)(head + 1);
    const struct descriptor chain[] = {
        {DRIVER_GPA + request, (uint32_t)r->next.size, in_size ? DESC_NEXT : 0, next},
        {DRIVER_GPA + answer_at(queue, slot), in_size, DESC_WRITE, 0},
    };
    memcpy(table + head * sizeof chain[0], chain, sizeof chain);
    memset(r->own.data + answer_at(queue, slot), 0, sizeof(uint32_t));
    memcpy(ring + 4 + 2 * (r->queues[queue].avail % RING_SIZE), &head, sizeof head);
    __atomic_store_n((uint16_t *)(ring + 2), ++r->queues[queue].avail, __ATOMIC_RELEASE);
    set_register(r, QUEUE_NOTIFY, queue);
}

/* A slot and a sample for the command that was read; -1: no memory. There is a slot. */
static int take_slot(struct replay *r, uint32_t expected) {
    struct queue *q = &r->queues[r->next.head.queue];
    int slot = 0;
    pthread_mutex_lock(&r->lock);
    struct gpu_replay_sample *sample = new_sample(r->report);
    if (sample) {
        *sample = (struct gpu_replay_sample){0};
        memcpy(&sample->type, r->next.request,
            r->next.size < sizeof sample->type ? r->next.size : sizeof sample->type);
        while (q->slots[slot].busy)
            slot++;
        q->slots[slot] = (struct slot){
            .busy = true,
            .expected = r->next.head.in_size >= sizeof(struct virtio_gpu_ctrl_hdr) ? expected : 0,
            .sample = (uint32_t)(r->report->count - 1),
            .since_ns = host_now_ns(),
        };
        q->busy++;
    }
    pthread_mutex_unlock(&r->lock);
    return sample ? slot : -1;
}

/* Sends the command that was read. Between queues, the order is kept. */
static int send_next(struct replay *r, uint32_t expected, struct error *e) {
    unsigned queue = r->next.head.queue;
    r->next.there = false;
    if (queue != r->queue && await_all(r, e) < 0)
        return -1;
    if (await(r, queue, SLOTS - 1, e) < 0)
        return -1;
    if (r->requests_at + r->next.size > REQUESTS_SIZE) {
        if (await_all(r, e) < 0)
            return -1;
        r->requests_at = 0;
    }
    int slot = take_slot(r, expected);
    if (slot < 0)
        return error_set(e, "%s: no memory for its figures", r->name);
    r->queue = queue;
    uint64_t request = REQUESTS + r->requests_at;
    memcpy(r->own.data + request, r->next.request, r->next.size);
    r->requests_at += (r->next.size + 7) & ~(size_t)7;
    uint32_t in_size = r->next.head.in_size;
    offer(r, queue, (unsigned)slot, request, in_size < ANSWER_SIZE ? in_size : ANSWER_SIZE);
    return 0;
}

/* --- records */

static int on_start(struct replay *r, const uint8_t *data, size_t size, struct error *e) {
    struct gpu_trace_start start;
    if (size != sizeof start)
        return damaged(r, "a start of another size", e);
    memcpy(&start, data, sizeof start);
    if (await_all(r, e) < 0)
        return -1;
    begin(r, start.features);
    return 0;
}

static int on_memory(struct replay *r, const uint8_t *data, size_t size, struct error *e) {
    struct gpu_trace_memory memory;
    if (size != sizeof memory)
        return damaged(r, "memory of another size", e);
    memcpy(&memory, data, sizeof memory);
    uint64_t offset = memory.gpa - r->header.ram_gpa;
    if (memory.gpa < r->header.ram_gpa || offset % GPU_TRACE_PAGE || offset >= r->header.ram_size)
        return damaged(r, "memory outside of RAM", e);
    if (await_all(r, e) < 0)
        return -1;
    memcpy(r->ram.data + offset, memory.data, GPU_TRACE_PAGE);
    return 0;
}

static int on_command(struct replay *r, const uint8_t *data, size_t size, struct error *e) {
    if (size <= sizeof r->next.head)
        return damaged(r, "a command without a request", e);
    memcpy(&r->next.head, data, sizeof r->next.head);
    if (r->next.head.queue >= VIRTIO_GPU_QUEUES || !r->begun)
        return damaged(r, "a command for no queue", e);
    r->next.size = size - sizeof r->next.head;
    memcpy(r->next.request, data + sizeof r->next.head, r->next.size);
    r->next.there = true;
    return 0;
}

static int on_answer(struct replay *r, const uint8_t *data, size_t size, struct error *e) {
    struct gpu_trace_answer answer;
    if (size != sizeof answer || !r->next.there)
        return damaged(r, "an answer to nothing", e);
    memcpy(&answer, data, sizeof answer);
    return send_next(r, answer.type, e);
}

static int on_record(
    struct replay *r, const struct gpu_trace_record *record, const uint8_t *data, struct error *e) {
    if (r->next.there && record->kind != GPU_TRACE_ANSWER && send_next(r, 0, e) < 0)
        return -1;
    switch (record->kind) {
    case GPU_TRACE_START: return on_start(r, data, record->size, e);
    case GPU_TRACE_MEMORY: return on_memory(r, data, record->size, e);
    case GPU_TRACE_COMMAND: return on_command(r, data, record->size, e);
    case GPU_TRACE_ANSWER: return on_answer(r, data, record->size, e);
    default: return damaged(r, "a record of an unknown kind", e);
    }
}

/* The trace of a VM that was killed may end in the middle of a record. */
static int play(struct replay *r, FILE *file, uint8_t *data, struct error *e) {
    struct gpu_trace_record record;
    uint64_t start = host_now_ns(), recorded = 0;
    while (fread(&record, sizeof record, 1, file) == 1) {
        if (record.size > MAX_RECORD)
            return damaged(r, "a record that is too large", e);
        if (record.size && fread(data, record.size, 1, file) != 1)
            break;
        if (on_record(r, &record, data, e) < 0)
            return -1;
        recorded = record.time_ns;
    }
    if (ferror(file))
        return error_set(e, "%s: cannot be read", r->name);
    if ((r->next.there && send_next(r, 0, e) < 0) || await_all(r, e) < 0)
        return -1;
    r->report->seconds = (double)(host_now_ns() - start) / 1e9;
    r->report->recorded_seconds = (double)recorded / 1e9;
    return 0;
}

/* --- life */

static int read_header(struct replay *r, FILE *file, struct error *e) {
    struct gpu_trace_header *h = &r->header;
    if (fread(h, sizeof *h, 1, file) != 1 || memcmp(h->magic, GPU_TRACE_MAGIC, sizeof h->magic) != 0)
        return damaged(r, "it does not begin like one (pearvisor run --gpu-trace FILE writes them)", e);
    if (h->scanouts < 1 || h->scanouts > VIRTIO_GPU_MAX_SCANOUTS)
        return damaged(r, "its number of outputs", e);
    if (h->ram_size == 0 || (h->ram_size | h->ram_gpa) % GPU_TRACE_PAGE || h->ram_size > MAP_GPU_WINDOW ||
        h->ram_gpa > MAP_GPU_WINDOW - h->ram_size)
        return damaged(r, "its memory", e);
    if (h->window_size % GPU_TRACE_PAGE || h->window_size > MAX_WINDOW)
        return damaged(r, "its window", e);
    if (h->blob_alignment < GPU_TRACE_PAGE || h->blob_alignment > 1 << 20 ||
        h->blob_alignment & (h->blob_alignment - 1))
        return damaged(r, "its alignment of blobs", e);
    return 0;
}

static int add_memory(
    struct replay *r, struct host_shm *shm, const char *name, uint64_t gpa, uint64_t size, struct error *e) {
    if (host_shm_create(shm, name, size, e) < 0)
        return -1;
    const struct memory_slot slot = {gpa, size, shm->data, MEMORY_RAM};
    return memory_add(r->memory, &slot, e);
}

static int make_device(struct replay *r, const struct gpu_replay_config *config, struct error *e) {
    const struct gpu_trace_header *h = &r->header;
    r->memory = memory_create();
    r->bus = mmio_bus_create();
    r->display = display_create();
    r->next.request = malloc(GPU_TRACE_MAX_REQUEST);
    if (!r->memory || !r->bus || !r->display || !r->next.request)
        return error_set(e, "no memory for a GPU");
    if (add_memory(r, &r->ram, "pearvisor-ram", h->ram_gpa, h->ram_size, e) < 0 ||
        add_memory(r, &r->own, "pearvisor-replay", DRIVER_GPA, DRIVER_SIZE, e) < 0)
        return -1;
    const struct virtio_gpu_config gpu = {
        .renderer = config->renderer ? config->renderer
                    : h->window_size ? &gpu_virgl
                                     : &gpu_soft2d,
        .memory = r->memory,
        .display = r->display,
        .scanouts = h->scanouts,
        .connected = h->scanouts,
        .width = h->width,
        .height = h->height,
        .max_host_memory = h->max_host_memory < MAX_MEMORY ? h->max_host_memory : MAX_MEMORY,
        .window_gpa = MAP_GPU_WINDOW,
        .window_size = h->window_size,
        .blob_alignment = h->blob_alignment,
    };
    if (!(r->gpu = virtio_gpu_create(&gpu, e)))
        return -1;
    const struct irq_line irq = {on_interrupt, r, 0};
    r->transport = virtio_mmio_create(r->bus, r->memory, MAP_VIRTIO, &irq, &virtio_gpu_ops, r->gpu, e);
    if (!r->transport)
        return -1;
    virtio_gpu_attach(r->gpu, r->transport);
    return 0;
}

static void free_device(struct replay *r) {
    virtio_mmio_destroy(r->transport);
    virtio_gpu_destroy(r->gpu);
    display_destroy(r->display);
    mmio_bus_destroy(r->bus);
    memory_destroy(r->memory);
    host_shm_destroy(&r->own);
    host_shm_destroy(&r->ram);
    free(r->next.request);
}

int gpu_replay(FILE *file, const char *name, const struct gpu_replay_config *config,
    struct gpu_replay_report *report, struct error *e) {
    *report = (struct gpu_replay_report){0};
    struct replay *r = calloc(1, sizeof *r);
    uint8_t *data = malloc(MAX_RECORD);
    int result = -1;
    if (!r || !data) {
        error_set(e, "no memory for a GPU trace");
        goto done;
    }
    r->name = name;
    r->report = report;
    r->ram.fd = r->own.fd = -1;
    pthread_mutex_init(&r->lock, NULL);
    if (read_header(r, file, e) == 0 && make_device(r, config, e) == 0 && play(r, file, data, e) == 0) {
        virtio_gpu_stats(r->gpu, &report->stats);
        result = config->screenshot ? display_screenshot(r->display, 0, config->screenshot, e) : 0;
    }
    free_device(r);
    pthread_mutex_destroy(&r->lock);

done:
    free(data);
    free(r);
    return result;
}
