/* Loads and stores of structures (isa/simd_memory.isa): of several registers, of one lane, of one lane
 * replicated.
 *
 * Nothing changes when an access faults: loads collect everything before the first register is written,
 * stores probe the whole range first. opc is the number of registers that a structure spreads over. */
#include <string.h>

#include "cpu/soft/interp/address.h"
#include "cpu/soft/interp/simd.h"

enum { SCTLR_A = 1 << 1 };

/* Up to 64 bytes as they lie in memory. */
union structures {
    uint8_t b[64];
    uint16_t h[32];
    uint32_t s[16];
    uint64_t d[8];
};

static inline union vreg *vector(struct cpu *cpu, const struct a64_insn *insn, unsigned number) {
    return &cpu->v[(insn->rt + number) % 32];
}

static uint64_t element(const union structures *s, unsigned size, unsigned index) {
    switch (size) {
    case 0: return s->b[index];
    case 1: return s->h[index];
    case 2: return s->s[index];
    default: return s->d[index];
    }
}

static void set_element(union structures *s, unsigned size, unsigned index, uint64_t value) {
    switch (size) {
    case 0: s->b[index] = (uint8_t)value; break;
    case 1: s->h[index] = (uint16_t)value; break;
    case 2: s->s[index] = (uint32_t)value; break;
    default: s->d[index] = value; break;
    }
}

static uint64_t read_element(struct cpu *cpu, uint64_t va, unsigned size) {
    switch (size) {
    case 0: return mem_read8(cpu, va);
    case 1: return mem_read16(cpu, va);
    case 2: return mem_read32(cpu, va);
    default: return mem_read64(cpu, va);
    }
}

static void write_element(struct cpu *cpu, uint64_t va, unsigned size, uint64_t value) {
    switch (size) {
    case 0: mem_write8(cpu, va, (uint8_t)value); break;
    case 1: mem_write16(cpu, va, (uint16_t)value); break;
    case 2: mem_write32(cpu, va, (uint32_t)value); break;
    default: mem_write64(cpu, va, value); break;
    }
}

/* Where the range lies on the host, if it is in one page that the TLB knows and no element is to fault for
 * its alignment; else NULL. Eight bytes at a time keep every aligned element single-copy atomic there. */
static uint8_t *host_range(struct cpu *cpu, uint64_t va, unsigned bytes, unsigned size, bool write) {
    const struct tlb_entry *entry = tlb_slot(cpu, cpu->mmu_index, va);
    if ((write ? entry->write : entry->read) != (va & PAGE_MASK) || (va & ~PAGE_MASK) + bytes > PAGE_SIZE_4K)
        return NULL;
    bool unaligned = va & ((1u << size) - 1);
    if (unaligned && (entry->info & TLB_INFO_DEVICE || cpu->sys.sctlr & SCTLR_A))
        return NULL;
    return (uint8_t *)(uintptr_t)(va + entry->addend);
}

static void read_structures(
    struct cpu *cpu, uint64_t va, unsigned bytes, unsigned size, union structures *s) {
    const uint8_t *host = host_range(cpu, va, bytes, size, false);
    if (host) {
        for (unsigned i = 0; i < bytes / 8; i++)
            memcpy(&s->d[i], host + 8 * i, 8);
        return;
    }
    for (unsigned i = 0; i < bytes >> size; i++)
        set_element(s, size, i, read_element(cpu, va + ((uint64_t)i << size), size));
}

static void write_structures(
    struct cpu *cpu, uint64_t va, unsigned bytes, unsigned size, const union structures *s) {
    uint8_t *host = host_range(cpu, va, bytes, size, true);
    if (host) {
        for (unsigned i = 0; i < bytes / 8; i++)
            memcpy(host + 8 * i, &s->d[i], 8);
        return;
    }
    mem_probe(cpu, cpu->mmu_index, va, bytes, true);
    for (unsigned i = 0; i < bytes >> size; i++)
        write_element(cpu, va + ((uint64_t)i << size), size, element(s, size, i));
}

static inline void write_back(struct cpu *cpu, const struct a64_insn *insn, uint64_t va, unsigned bytes) {
    cpu->x[insn->rn] = va + (insn->rm == REG_ZR ? bytes : cpu->x[insn->rm]);
}

/* --- multiple structures: element i of register number n is element n of structure i. LD1 and ST1 of several
 * registers (amount of them) take one after another. */
static inline unsigned multiple_bytes(const struct a64_insn *insn) {
    return (unsigned)insn->opc * insn->amount * (8u << insn->q);
}

#define BY_SIZE(loop)                                                                                        \
    switch (insn->size) {                                                                                    \
    case 0: loop(b) break;                                                                                   \
    case 1: loop(h) break;                                                                                   \
    case 2: loop(s) break;                                                                                   \
    default: loop(d) break;                                                                                  \
    }

static void load_multiple(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    const unsigned registers = insn->opc, lanes = simd_lanes(insn);
    union structures s;
    read_structures(cpu, va, multiple_bytes(insn), insn->size, &s);
    for (unsigned n = 0; n < registers * insn->amount; n++) {
        union vreg r = {0};
        if (registers == 1) {
            r.d[0] = s.d[n << insn->q];
            r.d[1] = insn->q ? s.d[2 * n + 1] : 0;
        } else {
#define TAKE(elem)                                                                                           \
    for (unsigned i = 0; i < lanes; i++)                                                                     \
        r.elem[i] = s.elem[i * registers + n];
            BY_SIZE(TAKE)
        }
        *vector(cpu, insn, n) = r;
    }
}

static void store_multiple(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    const unsigned registers = insn->opc, lanes = simd_lanes(insn);
    union structures s;
    for (unsigned n = 0; n < registers * insn->amount; n++) {
        const union vreg r = *vector(cpu, insn, n);
        if (registers == 1) {
            s.d[n << insn->q] = r.d[0];
            if (insn->q)
                s.d[2 * n + 1] = r.d[1];
        } else {
#define PUT(elem)                                                                                            \
    for (unsigned i = 0; i < lanes; i++)                                                                     \
        s.elem[i * registers + n] = r.elem[i];
            BY_SIZE(PUT)
        }
    }
    write_structures(cpu, va, multiple_bytes(insn), insn->size, &s);
}

/* --- one structure: lane `index` of each register, the other lanes stay; or all lanes */
static inline unsigned single_bytes(const struct a64_insn *insn) {
    return (unsigned)insn->opc << insn->size;
}

static void read_single(struct cpu *cpu, const struct a64_insn *insn, uint64_t va, uint64_t values[4]) {
    for (unsigned n = 0; n < insn->opc; n++)
        values[n] = read_element(cpu, va + ((uint64_t)n << insn->size), insn->size);
}

static void load_lane(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    uint64_t values[4];
    read_single(cpu, insn, va, values);
    for (unsigned n = 0; n < insn->opc; n++)
        simd_set_lane(vector(cpu, insn, n), insn->size, insn->index, values[n]);
}

static void load_replicate(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    uint64_t values[4];
    read_single(cpu, insn, va, values);
    for (unsigned n = 0; n < insn->opc; n++)
        *vector(cpu, insn, n) = simd_low(simd_splat(insn->size, values[n]), simd_bytes(insn));
}

static void store_lane(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    mem_probe(cpu, cpu->mmu_index, va, single_bytes(insn), true);
    for (unsigned n = 0; n < insn->opc; n++)
        write_element(cpu, va + ((uint64_t)n << insn->size), insn->size,
            simd_lane(vector(cpu, insn, n), insn->size, insn->index));
}

/* --- the handlers: with and without the write-back of the base */
#define STRUCTURES(name, access, bytes)                                                                      \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        access(cpu, insn, base_address(cpu, insn));                                                          \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t va = base_address(cpu, insn);                                                               \
        access(cpu, insn, va);                                                                               \
        write_back(cpu, insn, va, bytes(insn));                                                              \
    }
STRUCTURES(ld_multiple, load_multiple, multiple_bytes)
STRUCTURES(st_multiple, store_multiple, multiple_bytes)
STRUCTURES(ld_lane, load_lane, single_bytes)
STRUCTURES(st_lane, store_lane, single_bytes)
STRUCTURES(ld_replicate, load_replicate, single_bytes)
