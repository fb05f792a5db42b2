/* Loads and stores of one general register (C4.1.66). The base is written back only after the access
 * succeeded. */
#include "cpu/soft/interp/address.h"

void check_sp_alignment(struct cpu *cpu) {
    enum { SCTLR_SA = 1 << 3, SCTLR_SA0 = 1 << 4 };
    if (cpu->sys.sctlr & (cpu->el ? SCTLR_SA : SCTLR_SA0))
        cpu_raise(cpu, EC_SP_ALIGNMENT, 0, false);
}

static inline uint64_t index_address(struct cpu *cpu, const struct a64_insn *insn) {
    return base_address(cpu, insn) + (RM << insn->amount);
}

/* An index of 32 bits; shift is 1 where it is signed. */
static inline uint64_t index32_address(struct cpu *cpu, const struct a64_insn *insn) {
    uint64_t index = insn->shift ? (uint64_t)(int32_t)RM : (uint32_t)RM;
    return base_address(cpu, insn) + (index << insn->amount);
}

/* value is widened from the type `narrow` to `wide`, then to 64 bits. */
#define LOADS(name, bits, narrow, wide)                                                                      \
    EXEC(name##_imm) {                                                                                       \
        RT = (wide)(narrow)mem_read##bits(cpu, offset_address(cpu, insn));                                   \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        uint64_t va = base_address(cpu, insn);                                                               \
        uint64_t value = (wide)(narrow)mem_read##bits(cpu, va);                                              \
        RN = va + (uint64_t)insn->imm;                                                                       \
        RT = value;                                                                                          \
    }                                                                                                        \
    EXEC(name##_pre) {                                                                                       \
        uint64_t va = offset_address(cpu, insn);                                                             \
        uint64_t value = (wide)(narrow)mem_read##bits(cpu, va);                                              \
        RN = va;                                                                                             \
        RT = value;                                                                                          \
    }                                                                                                        \
    EXEC(name##_reg) {                                                                                       \
        RT = (wide)(narrow)mem_read##bits(cpu, index_address(cpu, insn));                                    \
    }                                                                                                        \
    EXEC(name##_regw) {                                                                                      \
        RT = (wide)(narrow)mem_read##bits(cpu, index32_address(cpu, insn));                                  \
    }                                                                                                        \
    EXEC(name##_user) {                                                                                      \
        RT = (wide)(narrow)mem_read##bits##_as(cpu, mem_unprivileged(cpu), offset_address(cpu, insn));       \
    }

#define STORES(name, bits)                                                                                   \
    EXEC(name##_imm) {                                                                                       \
        mem_write##bits(cpu, offset_address(cpu, insn), (uint##bits##_t)RT);                                 \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        uint64_t va = base_address(cpu, insn);                                                               \
        mem_write##bits(cpu, va, (uint##bits##_t)RT);                                                        \
        RN = va + (uint64_t)insn->imm;                                                                       \
    }                                                                                                        \
    EXEC(name##_pre) {                                                                                       \
        uint64_t va = offset_address(cpu, insn);                                                             \
        mem_write##bits(cpu, va, (uint##bits##_t)RT);                                                        \
        RN = va;                                                                                             \
    }                                                                                                        \
    EXEC(name##_reg) {                                                                                       \
        mem_write##bits(cpu, index_address(cpu, insn), (uint##bits##_t)RT);                                  \
    }                                                                                                        \
    EXEC(name##_regw) {                                                                                      \
        mem_write##bits(cpu, index32_address(cpu, insn), (uint##bits##_t)RT);                                \
    }                                                                                                        \
    EXEC(name##_user) {                                                                                      \
        mem_write##bits##_as(cpu, mem_unprivileged(cpu), offset_address(cpu, insn), (uint##bits##_t)RT);     \
    }

LOADS(ldrb, 8, uint8_t, uint64_t)
LOADS(ldrh, 16, uint16_t, uint64_t)
LOADS(ldr_w, 32, uint32_t, uint64_t)
LOADS(ldr_x, 64, uint64_t, uint64_t)
LOADS(ldrsb_x, 8, int8_t, uint64_t)
LOADS(ldrsb_w, 8, int8_t, uint32_t)
LOADS(ldrsh_x, 16, int16_t, uint64_t)
LOADS(ldrsh_w, 16, int16_t, uint32_t)
LOADS(ldrsw, 32, int32_t, uint64_t)
STORES(strb, 8)
STORES(strh, 16)
STORES(str_w, 32)
STORES(str_x, 64)

EXEC(ldr_w_lit) {
    RT = mem_read32(cpu, cpu->pc + (uint64_t)insn->imm);
}

EXEC(ldr_x_lit) {
    RT = mem_read64(cpu, cpu->pc + (uint64_t)insn->imm);
}

EXEC(ldrsw_lit) {
    RT = (uint64_t)(int32_t)mem_read32(cpu, cpu->pc + (uint64_t)insn->imm);
}

/* Pairs. The destination is written after both halves were read. */
#define LOAD_PAIR(name, bits, narrow)                                                                        \
    static inline void name##_at(struct cpu *cpu, const struct a64_insn *insn, uint64_t va, uint64_t base) { \
        uint##bits##_t value[2];                                                                             \
        read_pair##bits(cpu, va, value);                                                                     \
        RN = base;                                                                                           \
        cpu->x[insn->rt] = (uint64_t)(narrow)value[0];                                                       \
        cpu->x[insn->rt2] = (uint64_t)(narrow)value[1];                                                      \
    }
#define STORE_PAIR(name, bits)                                                                               \
    static inline void name##_at(struct cpu *cpu, const struct a64_insn *insn, uint64_t va, uint64_t base) { \
        write_pair##bits(cpu, va, (uint##bits##_t)RT, (uint##bits##_t)cpu->x[insn->rt2]);                    \
        RN = base;                                                                                           \
    }
#define PAIR_FORMS(name)                                                                                     \
    EXEC(name##_imm) {                                                                                       \
        uint64_t base = base_address(cpu, insn);                                                             \
        name##_at(cpu, insn, base + (uint64_t)insn->imm, base);                                              \
    }                                                                                                        \
    EXEC(name##_post) {                                                                                      \
        uint64_t base = base_address(cpu, insn);                                                             \
        name##_at(cpu, insn, base, base + (uint64_t)insn->imm);                                              \
    }                                                                                                        \
    EXEC(name##_pre) {                                                                                       \
        uint64_t va = offset_address(cpu, insn);                                                             \
        name##_at(cpu, insn, va, va);                                                                        \
    }

LOAD_PAIR(ldp_w, 32, uint32_t)
LOAD_PAIR(ldp_x, 64, uint64_t)
LOAD_PAIR(ldpsw, 32, int32_t)
STORE_PAIR(stp_w, 32)
STORE_PAIR(stp_x, 64)
PAIR_FORMS(ldp_w)
PAIR_FORMS(ldp_x)
PAIR_FORMS(ldpsw)
PAIR_FORMS(stp_w)
PAIR_FORMS(stp_x)
