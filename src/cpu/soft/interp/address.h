/* Addresses of loads and stores, and pairs of accesses. */
#pragma once

#include "cpu/soft/interp/handler.h"
#include "cpu/soft/mem.h"

/* An SP alignment fault, if SCTLR_EL1 asks for the check (D1.8.2). */
void check_sp_alignment(struct cpu *cpu);

static inline uint64_t base_address(struct cpu *cpu, const struct a64_insn *insn) {
    uint64_t va = cpu->x[insn->rn];
    if (__builtin_expect(insn->rn == REG_SP && (va & 15), 0))
        check_sp_alignment(cpu);
    return va;
}

static inline uint64_t offset_address(struct cpu *cpu, const struct a64_insn *insn) {
    return base_address(cpu, insn) + (uint64_t)insn->imm;
}

/* Two neighbouring accesses with one look at the TLB when both lie in one page. */
#define PAIR_ACCESSORS(bits)                                                                                 \
    static inline void read_pair##bits(struct cpu *cpu, uint64_t va, uint##bits##_t value[2]) {              \
        const struct tlb_entry *entry = tlb_slot(cpu, cpu->mmu_index, va);                                   \
        if (__builtin_expect(                                                                                \
                entry->read == MEM_TAG(va, bits / 8) && (va & ~PAGE_MASK) <= PAGE_SIZE_4K - bits / 4, 1)) {  \
            const uint##bits##_t *host = (const uint##bits##_t *)(uintptr_t)(va + entry->addend);            \
            value[0] = __atomic_load_n(&host[0], __ATOMIC_RELAXED);                                          \
            value[1] = __atomic_load_n(&host[1], __ATOMIC_RELAXED);                                          \
        } else {                                                                                             \
            value[0] = mem_read##bits(cpu, va);                                                              \
            value[1] = mem_read##bits(cpu, va + bits / 8);                                                   \
        }                                                                                                    \
    }                                                                                                        \
    static inline void write_pair##bits(                                                                     \
        struct cpu *cpu, uint64_t va, uint##bits##_t first, uint##bits##_t second) {                         \
        const struct tlb_entry *entry = tlb_slot(cpu, cpu->mmu_index, va);                                   \
        if (__builtin_expect(                                                                                \
                entry->write == MEM_TAG(va, bits / 8) && (va & ~PAGE_MASK) <= PAGE_SIZE_4K - bits / 4, 1)) { \
            uint##bits##_t *host = (uint##bits##_t *)(uintptr_t)(va + entry->addend);                        \
            __atomic_store_n(&host[0], first, __ATOMIC_RELAXED);                                             \
            __atomic_store_n(&host[1], second, __ATOMIC_RELAXED);                                            \
        } else {                                                                                             \
            mem_probe(cpu, cpu->mmu_index, va, bits / 4, true);                                              \
            mem_write##bits(cpu, va, first);                                                                 \
            mem_write##bits(cpu, va + bits / 8, second);                                                     \
        }                                                                                                    \
    }
PAIR_ACCESSORS(32)
PAIR_ACCESSORS(64)
#undef PAIR_ACCESSORS
