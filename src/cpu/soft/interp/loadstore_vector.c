/* Loads and stores of one or two SIMD and FP registers (C4.1.66). */
#include "cpu/soft/interp/address.h"

/* A register of up to 64 bits clears the rest of the vector. */
#define NARROW(letter, bits)                                                                                 \
    static inline void load_##letter(struct cpu *cpu, unsigned reg, uint64_t va) {                           \
        uint64_t value = mem_read##bits(cpu, va);                                                            \
        cpu->v[reg].d[0] = value;                                                                            \
        cpu->v[reg].d[1] = 0;                                                                                \
    }                                                                                                        \
    static inline void store_##letter(struct cpu *cpu, unsigned reg, uint64_t va) {                          \
        mem_write##bits(cpu, va, (uint##bits##_t)cpu->v[reg].d[0]);                                          \
    }
NARROW(vb, 8)
NARROW(vh, 16)
NARROW(vs, 32)
NARROW(vd, 64)

static inline void load_vq(struct cpu *cpu, unsigned reg, uint64_t va) {
    read_pair64(cpu, va, cpu->v[reg].d);
}

static inline void store_vq(struct cpu *cpu, unsigned reg, uint64_t va) {
    write_pair64(cpu, va, cpu->v[reg].d[0], cpu->v[reg].d[1]);
}

static inline uint64_t index_address(struct cpu *cpu, const struct a64_insn *insn) {
    return base_address(cpu, insn) + (RM << insn->amount);
}

static inline uint64_t index32_address(struct cpu *cpu, const struct a64_insn *insn) {
    uint64_t index = insn->shift ? (uint64_t)(int32_t)RM : (uint32_t)RM;
    return base_address(cpu, insn) + (index << insn->amount);
}

#define FORMS(name, access)                                                                                  \
    EXEC(name##_imm) {                                                                                       \
        cpu_check_fp(cpu);                                                                                   \
        access(cpu, insn->rt, offset_address(cpu, insn));                                                    \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t va = base_address(cpu, insn);                                                               \
        access(cpu, insn->rt, va);                                                                           \
        RN = va + (uint64_t)insn->imm;                                                                       \
    }                                                                                                        \
    EXEC(name##_pre) {                                                                                       \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t va = offset_address(cpu, insn);                                                             \
        access(cpu, insn->rt, va);                                                                           \
        RN = va;                                                                                             \
    }                                                                                                        \
    EXEC(name##_reg) {                                                                                       \
        cpu_check_fp(cpu);                                                                                   \
        access(cpu, insn->rt, index_address(cpu, insn));                                                     \
    }                                                                                                        \
    EXEC(name##_regw) {                                                                                      \
        cpu_check_fp(cpu);                                                                                   \
        access(cpu, insn->rt, index32_address(cpu, insn));                                                   \
    }

FORMS(ldr_vb, load_vb)
FORMS(ldr_vh, load_vh)
FORMS(ldr_vs, load_vs)
FORMS(ldr_vd, load_vd)
FORMS(ldr_vq, load_vq)
FORMS(str_vb, store_vb)
FORMS(str_vh, store_vh)
FORMS(str_vs, store_vs)
FORMS(str_vd, store_vd)
FORMS(str_vq, store_vq)

#define LITERAL(letter)                                                                                      \
    EXEC(ldr_##letter##_lit) {                                                                               \
        cpu_check_fp(cpu);                                                                                   \
        load_##letter(cpu, insn->rt, cpu->pc + (uint64_t)insn->imm);                                         \
    }
LITERAL(vs)
LITERAL(vd)
LITERAL(vq)

/* Pairs. A load changes no register, a store no memory, before both halves are known to succeed. */
#define NARROW_PAIR(letter, bits)                                                                            \
    static inline void load_pair_##letter(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {       \
        uint##bits##_t value[2];                                                                             \
        read_pair##bits(cpu, va, value);                                                                     \
        cpu->v[insn->rt] = (union vreg){.d = {value[0], 0}};                                                 \
        cpu->v[insn->rt2] = (union vreg){.d = {value[1], 0}};                                                \
    }                                                                                                        \
    static inline void store_pair_##letter(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {      \
        write_pair##bits(                                                                                    \
            cpu, va, (uint##bits##_t)cpu->v[insn->rt].d[0], (uint##bits##_t)cpu->v[insn->rt2].d[0]);         \
    }
NARROW_PAIR(vs, 32)
NARROW_PAIR(vd, 64)

static inline void load_pair_vq(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    union vreg first, second;
    read_pair64(cpu, va, first.d);
    read_pair64(cpu, va + 16, second.d);
    cpu->v[insn->rt] = first;
    cpu->v[insn->rt2] = second;
}

static inline void store_pair_vq(struct cpu *cpu, const struct a64_insn *insn, uint64_t va) {
    if (va % PAGE_SIZE_4K > PAGE_SIZE_4K - 32)
        mem_probe(cpu, cpu->mmu_index, va, 32, true);
    store_vq(cpu, insn->rt, va);
    store_vq(cpu, insn->rt2, va + 16);
}

#define PAIR_FORMS(name, access)                                                                             \
    EXEC(name##_imm) {                                                                                       \
        cpu_check_fp(cpu);                                                                                   \
        access(cpu, insn, offset_address(cpu, insn));                                                        \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t va = base_address(cpu, insn);                                                               \
        access(cpu, insn, va);                                                                               \
        RN = va + (uint64_t)insn->imm;                                                                       \
    }                                                                                                        \
    EXEC(name##_pre) {                                                                                       \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t va = offset_address(cpu, insn);                                                             \
        access(cpu, insn, va);                                                                               \
        RN = va;                                                                                             \
    }

PAIR_FORMS(ldp_vs, load_pair_vs)
PAIR_FORMS(ldp_vd, load_pair_vd)
PAIR_FORMS(ldp_vq, load_pair_vq)
PAIR_FORMS(stp_vs, store_pair_vs)
PAIR_FORMS(stp_vd, store_pair_vd)
PAIR_FORMS(stp_vq, store_pair_vq)
