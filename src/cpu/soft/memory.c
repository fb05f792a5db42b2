/* Guest memory as the vCPUs see it: follows struct memory, and is read without a lock. */
#include <string.h>

#include "cpu/soft/soft_vm.h"

/* The table that is not published, for count slots. */
static struct soft_slots *other(struct soft_vm *vm, size_t count) {
    struct soft_slots *slots = &vm->slots_pair[atomic_load(&vm->slots) == &vm->slots_pair[0]];
    slots->count = count;
    slots->largest = NULL;
    return slots;
}

static void find_largest(struct soft_slots *slots) {
    for (size_t i = 0; i < slots->count; i++)
        if (!slots->largest || slots->slot[i].size > slots->largest->size)
            slots->largest = &slots->slot[i];
}

static bool holds(const struct memory_slot *slot, uint64_t pa) {
    return pa - slot->gpa < slot->size;
}

const struct memory_slot *soft_slot_find(const struct soft_vm *vm, uint64_t pa) {
    const struct soft_slots *slots = atomic_load_explicit(&vm->slots, memory_order_acquire);
    if (slots->largest && holds(slots->largest, pa))
        return slots->largest;
    size_t low = 0, high = slots->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (holds(&slots->slot[middle], pa))
            return &slots->slot[middle];
        if (slots->slot[middle].gpa > pa)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* Returns once no vCPU can be looking at the old table, or use what its TLB had from there. */
static void publish(struct soft_vm *vm, struct soft_slots *slots) {
    find_largest(slots);
    atomic_store(&vm->slots, slots);
    shootdown_synchronize(vm, SHOOTDOWN_TLB_ALL);
}

static int add(void *ctx, const struct memory_slot *slot) {
    struct soft_vm *vm = ctx;
    pthread_mutex_lock(&vm->slots_lock);
    const struct soft_slots *old = atomic_load(&vm->slots);
    bool room = old->count < SOFT_SLOTS;
    if (room) {
        struct soft_slots *slots = other(vm, old->count + 1);
        size_t at = 0;
        while (at < old->count && old->slot[at].gpa < slot->gpa)
            at++;
        memcpy(slots->slot, old->slot, at * sizeof *slot);
        slots->slot[at] = *slot;
        memcpy(slots->slot + at + 1, old->slot + at, (old->count - at) * sizeof *slot);
        publish(vm, slots);
    }
    pthread_mutex_unlock(&vm->slots_lock);
    return room ? 0 : -1;
}

static void remove_slot(void *ctx, const struct memory_slot *slot) {
    struct soft_vm *vm = ctx;
    pthread_mutex_lock(&vm->slots_lock);
    const struct soft_slots *old = atomic_load(&vm->slots);
    size_t at = 0;
    while (at < old->count && old->slot[at].gpa != slot->gpa)
        at++;
    if (at < old->count) {
        struct soft_slots *slots = other(vm, old->count - 1);
        memcpy(slots->slot, old->slot, at * sizeof *slot);
        memcpy(slots->slot + at, old->slot + at + 1, (old->count - at - 1) * sizeof *slot);
        publish(vm, slots);
    }
    pthread_mutex_unlock(&vm->slots_lock);
}

void soft_memory_create(struct soft_vm *vm, struct memory *memory) {
    atomic_store(&vm->slots, &vm->slots_pair[0]);
    pthread_mutex_init(&vm->slots_lock, NULL);
    const struct memory_listener listener = {.add = add, .remove = remove_slot, .ctx = vm};
    memory_listen(memory, &listener);
}

void soft_memory_destroy(struct soft_vm *vm) {
    pthread_mutex_destroy(&vm->slots_lock);
}
