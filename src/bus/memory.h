/* Guest memory: which guest-physical range is backed by which host memory.
 *
 * RAM slots are added before the guest runs and stay until the VM ends, so devices may keep pointers into
 * them. Window slots (host-visible GPU blobs) come and go while the guest runs; devices do not do DMA there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct memory;

enum memory_kind { MEMORY_RAM, MEMORY_ROM, MEMORY_WINDOW };

struct memory_slot {
    uint64_t gpa; /* bytes; multiples of 4 KiB, like size */
    uint64_t size;
    uint8_t *host; /* owned by who added the slot */
    enum memory_kind kind;
};

/* Told about every slot that appears or goes, on the thread that changes it. remove() returns only when no
 * vCPU can reach the slot any more. Set once, by the engine, before the first slot. */
struct memory_listener {
    int (*add)(void *ctx, const struct memory_slot *slot);
    void (*remove)(void *ctx, const struct memory_slot *slot);
    void *ctx;
};

struct memory *memory_create(void);
void memory_destroy(struct memory *memory);
void memory_listen(struct memory *memory, const struct memory_listener *listener);

/* Fails when the range is unaligned, wraps, or overlaps another slot. Any thread. */
int memory_add(struct memory *memory, const struct memory_slot *slot, struct error *e);
void memory_remove(struct memory *memory, uint64_t gpa);

/* The host address of [gpa, gpa + size) if all of it lies in one RAM slot, else NULL. size 0 is NULL. For
 * DMA: lock-free, valid as long as the VM. The contents are hostile and change under the reader: copy, then
 * check. */
void *memory_dma(const struct memory *memory, uint64_t gpa, uint64_t size);

/* The n-th slot, for firmware tables and statistics; false past the last. */
bool memory_slot_at(const struct memory *memory, size_t n, struct memory_slot *out);
