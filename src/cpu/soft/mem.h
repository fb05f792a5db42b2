/* Memory as instructions see it: virtual addresses through the TLB, faults raised as exceptions.
 *
 * A fault does not return (cpu_raise_abort), and nothing was written then: an access that crosses a page checks
 * both pages first. Naturally aligned accesses up to 8 bytes are single-copy atomic, 16-byte ones too where
 * the instruction asks (mem_atomic_host). Ordering is the host's TSO; barriers are the caller's. */
#pragma once

#include <stdint.h>

#include "cpu/soft/cpu.h"

/* TLB sets. cpu.mmu_index names the one for current data accesses. */
enum { MMU_EL0, MMU_EL1, MMU_EL1_PAN, MMU_SETS };

enum { PAGE_BITS = 12, PAGE_SIZE_4K = 1 << PAGE_BITS };

/* A direct-mapped entry: tags are the virtual page address, or ~0 where that access is not allowed or needs
 * the slow path (MMIO, alignment checks, dirty state). host = va + addend. */
struct tlb_entry {
    uint64_t read, write, fetch;
    uintptr_t addend;
    uint64_t pa;
    uint64_t attributes; /* walker's own */
};

enum { TLB_ENTRIES = 1024 };
struct tlb {
    struct tlb_entry set[MMU_SETS][TLB_ENTRIES];
};

/* Slow paths (mem.c). size in bytes: 1 2 4 8. */
uint64_t mem_read_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size);
void mem_write_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, uint64_t value);

static inline struct tlb_entry *tlb_slot(struct cpu *cpu, unsigned mmu, uint64_t va) {
    return &cpu->tlb->set[mmu][va >> PAGE_BITS & (TLB_ENTRIES - 1)];
}

/* The page address with the low bits that must be clear for an aligned access kept: equal to the tag only when
 * the access is aligned and hits. */
#define MEM_TAG(va, size) ((va) & (~(uint64_t)(PAGE_SIZE_4K - 1) | ((size)-1)))

#define MEM_ACCESSORS(bits)                                                                                  \
    static inline uint##bits##_t mem_read##bits##_as(struct cpu *cpu, unsigned mmu, uint64_t va) {           \
        const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);                                              \
        if (__builtin_expect(entry->read == MEM_TAG(va, bits / 8), 1))                                       \
            return __atomic_load_n((uint##bits##_t *)(uintptr_t)(va + entry->addend), __ATOMIC_RELAXED);     \
        return (uint##bits##_t)mem_read_slow(cpu, mmu, va, bits / 8);                                        \
    }                                                                                                        \
    static inline void mem_write##bits##_as(                                                                 \
        struct cpu *cpu, unsigned mmu, uint64_t va, uint##bits##_t value) {                                  \
        const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);                                              \
        if (__builtin_expect(entry->write == MEM_TAG(va, bits / 8), 1))                                      \
            __atomic_store_n((uint##bits##_t *)(uintptr_t)(va + entry->addend), value, __ATOMIC_RELAXED);    \
        else                                                                                                 \
            mem_write_slow(cpu, mmu, va, bits / 8, value);                                                   \
    }                                                                                                        \
    static inline uint##bits##_t mem_read##bits(struct cpu *cpu, uint64_t va) {                              \
        return mem_read##bits##_as(cpu, cpu->mmu_index, va);                                                 \
    }                                                                                                        \
    static inline void mem_write##bits(struct cpu *cpu, uint64_t va, uint##bits##_t value) {                 \
        mem_write##bits##_as(cpu, cpu->mmu_index, va, value);                                                \
    }
MEM_ACCESSORS(8)
MEM_ACCESSORS(16)
MEM_ACCESSORS(32)
MEM_ACCESSORS(64)
#undef MEM_ACCESSORS

/* Raises the fault that a later access of size bytes (up to 64, may cross a page) would take; else nothing. Use
 * before the first part of a pair or a multi-register store. */
void mem_probe(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write);

/* The host address of size bytes (1-16) at va for an atomic read-modify-write, naturally aligned and writable, or an
 * exception: alignment fault, permission, and for device memory an unsupported-atomic abort (DFSC 0x35). */
void *mem_atomic_host(struct cpu *cpu, uint64_t va, unsigned size);

/* As LDXR and LDAR need: raises the alignment fault when va is not aligned to size. */
void mem_check_aligned(struct cpu *cpu, uint64_t va, unsigned size, bool write);

/* Where the instruction at va lies: the host pointer to its page and the physical page address, or an
 * instruction abort. Code is fetched from RAM and ROM only. */
const uint8_t *mem_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa);

void tlb_flush_all(struct cpu *cpu);
/* One page, in every set. */
void tlb_flush_page(struct cpu *cpu, uint64_t va);
