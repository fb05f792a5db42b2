#include "virtio/queue.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are little-endian and used in place");

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };
enum { AVAIL_NO_INTERRUPT = 1, USED_NO_NOTIFY = 1 };

struct desc { /* 2.7.5 */
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* Available ring: flags, idx, ring[size], used_event. Used ring: flags, idx, {id, len}[size], avail_event. */
enum { RING_FLAGS = 0, RING_IDX = 2, RING_ENTRIES = 4, AVAIL_ENTRY = 2, USED_ENTRY = 8 };

static uint16_t load(const uint8_t *field) {
    return __atomic_load_n((const uint16_t *)(const void *)field, __ATOMIC_ACQUIRE);
}

static void store(uint8_t *field, uint16_t value) {
    __atomic_store_n((uint16_t *)(void *)field, value, __ATOMIC_RELEASE);
}

static uint8_t *used_event(const struct virtq *queue) {
    return queue->avail_ring + RING_ENTRIES + (size_t)AVAIL_ENTRY * queue->size;
}

static uint8_t *avail_event(const struct virtq *queue) {
    return queue->used_ring + RING_ENTRIES + (size_t)USED_ENTRY * queue->size;
}

static bool broken(struct virtq *queue, const char *why) {
    virtio_mmio_queue_broken(queue, why);
    return false;
}

/* --- life */

void virtq_reset(struct virtq *queue) {
    queue->live = false;
    queue->size = queue->size_max;
    queue->desc = queue->avail = queue->used = 0;
    queue->ready = false;
}

bool virtq_start(struct virtq *queue, uint64_t features) {
    unsigned size = queue->size;
    if (size == 0 || (size & (size - 1)) || size > queue->size_max)
        return broken(queue, "its size is not a power of two up to QueueNumMax");
    if (queue->desc % 16 || queue->avail % 2 || queue->used % 4)
        return broken(queue, "a ring is not aligned");
    queue->desc_table = memory_dma(queue->memory, queue->desc, sizeof(struct desc) * size);
    queue->avail_ring = memory_dma(queue->memory, queue->avail, RING_ENTRIES + AVAIL_ENTRY * size + 2);
    queue->used_ring = memory_dma(queue->memory, queue->used, RING_ENTRIES + USED_ENTRY * size + 2);
    if (!queue->desc_table || !queue->avail_ring || !queue->used_ring)
        return broken(queue, "a ring is outside of RAM");
    queue->indirect = features >> VIRTIO_F_INDIRECT_DESC & 1;
    queue->event_idx = features >> VIRTIO_F_EVENT_IDX & 1;
    queue->notify = true;
    queue->last_avail = queue->used_idx = queue->signaled_idx = 0;
    queue->live = true;
    return true;
}

bool virtq_ready(const struct virtq *queue) {
    return queue->live;
}

/* --- chains */

static bool add_buffer(struct virtq *queue, struct virtq_chain *chain, const struct desc *desc) {
    bool in = desc->flags & DESC_WRITE;
    if (!in && chain->in_count)
        return broken(queue, "a readable descriptor after a writable one");
    if (desc->len == 0)
        return true;
    if (chain->out_count + chain->in_count == VIRTIO_QUEUE_SIZE_MAX)
        return broken(queue, "a descriptor chain that is too long");
    void *host = memory_dma(queue->memory, desc->addr, desc->len);
    if (!host)
        return broken(queue, "a buffer outside of RAM");
    chain->storage[chain->out_count + chain->in_count] = (struct iovec){host, desc->len};
    if (in) {
        chain->in_count++;
        chain->in_size += desc->len;
    } else {
        chain->out_count++;
        chain->out_size += desc->len;
    }
    return true;
}

/* Walks a table of descriptors from index on; indirect says that the table is one of 2.7.5.3 itself. Every
 * descriptor is read once, so what was checked is what is used. */
static bool walk(struct virtq *queue, struct virtq_chain *chain, const uint8_t *table, uint32_t entries,
    uint32_t index, bool indirect) {
    uint32_t limit = entries < VIRTIO_QUEUE_SIZE_MAX ? entries : VIRTIO_QUEUE_SIZE_MAX;
    for (uint32_t visited = 0;; visited++) {
        if (index >= entries)
            return broken(queue, "a descriptor index outside of the table");
        if (visited == limit)
            return broken(queue, "a descriptor chain that loops");
        struct desc desc;
        memcpy(&desc, table + sizeof desc * index, sizeof desc);
        if (desc.flags & DESC_INDIRECT) {
            if (indirect || !queue->indirect || desc.flags & DESC_NEXT)
                return broken(queue, "an indirect descriptor where none may be");
            const uint8_t *inner = memory_dma(queue->memory, desc.addr, desc.len);
            if (!inner || desc.len % sizeof desc)
                return broken(queue, "an indirect table of a bad size or outside of RAM");
            return walk(queue, chain, inner, desc.len / sizeof desc, 0, true);
        }
        if (!add_buffer(queue, chain, &desc))
            return false;
        if (!(desc.flags & DESC_NEXT))
            return true;
        index = desc.next;
    }
}

/* How many chains wait, or -1 when the driver claims more than fit. */
static int waiting(const struct virtq *queue) {
    uint16_t count = load(queue->avail_ring + RING_IDX) - queue->last_avail;
    return count > queue->size ? -1 : count;
}

bool virtq_pending(const struct virtq *queue) {
    return queue->live && !queue->held && waiting(queue) > 0;
}

bool virtq_pop(struct virtq *queue, struct virtq_chain *chain) {
    if (!queue->live || queue->held)
        return false;
    int count = waiting(queue);
    if (count == 0 && queue->notify) {
        /* The event index published by the pop before this one, or the cleared flag, must be visible before
         * the last look: else the driver may add a chain without a bell and the device not see it. */
        atomic_thread_fence(memory_order_seq_cst);
        count = waiting(queue);
    }
    if (count == 0)
        return false;
    if (count < 0)
        return broken(queue, "more chains available than the ring has room for");
    size_t slot = queue->last_avail & (queue->size - 1u);
    chain->head = load(queue->avail_ring + RING_ENTRIES + AVAIL_ENTRY * slot);
    chain->out_count = chain->in_count = 0;
    chain->out_size = chain->in_size = 0;
    if (!walk(queue, chain, queue->desc_table, queue->size, chain->head, false))
        return false;
    chain->out = chain->storage;
    chain->in = chain->storage + chain->out_count;
    queue->last_avail++;
    if (queue->notify && queue->event_idx)
        store(avail_event(queue), queue->last_avail);
    return true;
}

void virtq_unpop(struct virtq *queue, uint16_t count) {
    queue->last_avail -= count;
}

void virtq_push(struct virtq *queue, uint16_t head, uint32_t written) {
    if (!queue->live)
        return;
    uint32_t element[2] = {head, written};
    size_t slot = queue->used_idx & (queue->size - 1u);
    memcpy(queue->used_ring + RING_ENTRIES + USED_ENTRY * slot, element, sizeof element);
    store(queue->used_ring + RING_IDX, ++queue->used_idx);
}

/* --- notifications */

void virtq_enable_notify(struct virtq *queue, bool enable) {
    queue->notify = enable;
    if (!queue->live)
        return;
    /* With the event index, silence comes from not moving it (2.7.10). */
    if (!queue->event_idx)
        store(queue->used_ring + RING_FLAGS, enable ? 0 : USED_NO_NOTIFY);
    else if (enable)
        store(avail_event(queue), queue->last_avail);
    if (enable) /* the driver sees the wish, or the caller's next look sees the driver's chain */
        atomic_thread_fence(memory_order_seq_cst);
}

void virtq_interrupt(struct virtq *queue) {
    if (!queue->live || queue->used_idx == queue->signaled_idx)
        return;
    uint16_t before = queue->signaled_idx, now = queue->used_idx;
    queue->signaled_idx = now;
    /* The used index must be visible before the driver's wish is read (2.7.7.2). */
    atomic_thread_fence(memory_order_seq_cst);
    bool wanted;
    if (queue->event_idx) /* was used_event among the elements just used? */
        wanted = (uint16_t)(now - load(used_event(queue)) - 1) < (uint16_t)(now - before);
    else
        wanted = !(load(queue->avail_ring + RING_FLAGS) & AVAIL_NO_INTERRUPT);
    if (wanted)
        virtio_mmio_queue_interrupt(queue->transport);
}
