#include "bus/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { RAM_SLOTS = 4, WINDOW_SLOTS = 4096, ALIGNMENT = 4096 };

struct memory {
    pthread_mutex_t lock; /* of the lists; readers of RAM slots need none */
    struct memory_listener listener;

    /* Only ever appended to, the count last. */
    struct memory_slot ram[RAM_SLOTS];
    atomic_size_t ram_count;

    struct memory_slot windows[WINDOW_SLOTS]; /* ROM too */
    size_t window_count;
};

struct memory *memory_create(void) {
    struct memory *memory = calloc(1, sizeof *memory);
    if (memory)
        pthread_mutex_init(&memory->lock, NULL);
    return memory;
}

void memory_destroy(struct memory *memory) {
    if (!memory)
        return;
    pthread_mutex_destroy(&memory->lock);
    free(memory);
}

void memory_listen(struct memory *memory, const struct memory_listener *listener) {
    memory->listener = *listener;
}

static bool overlaps(const struct memory_slot *list, size_t count, const struct memory_slot *slot) {
    for (size_t i = 0; i < count; i++)
        if (slot->gpa < list[i].gpa + list[i].size && list[i].gpa < slot->gpa + slot->size)
            return true;
    return false;
}

static int check(const struct memory *memory, const struct memory_slot *slot, struct error *e) {
    unsigned long long at = slot->gpa, size = slot->size;
    if (size == 0 || (slot->gpa | slot->size) % ALIGNMENT || slot->gpa + slot->size < slot->gpa)
        return error_set(e, "memory slot at 0x%llx, 0x%llx bytes: not whole pages", at, size);
    if (overlaps(memory->ram, memory->ram_count, slot) ||
        overlaps(memory->windows, memory->window_count, slot))
        return error_set(e, "memory slot at 0x%llx, 0x%llx bytes: overlaps another", at, size);
    if (slot->kind == MEMORY_RAM ? memory->ram_count == RAM_SLOTS : memory->window_count == WINDOW_SLOTS)
        return error_set(e, "memory slot at 0x%llx: too many slots", at);
    return 0;
}

int memory_add(struct memory *memory, const struct memory_slot *slot, struct error *e) {
    pthread_mutex_lock(&memory->lock);
    int result = check(memory, slot, e);
    if (result == 0 && memory->listener.add && memory->listener.add(memory->listener.ctx, slot) < 0)
        result =
            error_set(e, "memory slot at 0x%llx: the CPU engine refuses it", (unsigned long long)slot->gpa);
    if (result == 0) {
        if (slot->kind == MEMORY_RAM) {
            memory->ram[memory->ram_count] = *slot;
            atomic_fetch_add(&memory->ram_count, 1);
        } else {
            memory->windows[memory->window_count++] = *slot;
        }
    }
    pthread_mutex_unlock(&memory->lock);
    return result;
}

void memory_remove(struct memory *memory, uint64_t gpa) {
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < memory->window_count; i++) {
        if (memory->windows[i].gpa != gpa)
            continue;
        struct memory_slot slot = memory->windows[i];
        memory->windows[i] = memory->windows[--memory->window_count];
        if (memory->listener.remove)
            memory->listener.remove(memory->listener.ctx, &slot);
        break;
    }
    pthread_mutex_unlock(&memory->lock);
}

void *memory_dma(const struct memory *memory, uint64_t gpa, uint64_t size) {
    if (size == 0)
        return NULL;
    size_t count = atomic_load_explicit(&memory->ram_count, memory_order_acquire);
    for (size_t i = 0; i < count; i++) {
        const struct memory_slot *slot = &memory->ram[i];
        uint64_t offset = gpa - slot->gpa;
        if (gpa >= slot->gpa && offset < slot->size && size <= slot->size - offset)
            return slot->host + offset;
    }
    return NULL;
}

bool memory_slot_at(const struct memory *memory, size_t n, struct memory_slot *out) {
    struct memory *m = (struct memory *)memory; /* for the lock only */
    pthread_mutex_lock(&m->lock);
    bool found = n < m->ram_count + m->window_count;
    if (found)
        *out = n < m->ram_count ? m->ram[n] : m->windows[n - m->ram_count];
    pthread_mutex_unlock(&m->lock);
    return found;
}
