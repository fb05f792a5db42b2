/* What the handlers of general instructions share: how they are declared, operands, flags. */
#pragma once

#include "cpu/soft/cpu.h"

/* One instruction: void exec_NAME(cpu, insn), found by the generated a64_exec[]. */
#define EXEC(name) void exec_##name(struct cpu *cpu, const struct a64_insn *insn)

#define RD (cpu->x[insn->rd])
#define RN (cpu->x[insn->rn])
#define RM (cpu->x[insn->rm])
#define RA (cpu->x[insn->ra])
#define RT (cpu->x[insn->rt])

/* NZCV of a + b and a - b (AddWithCarry(), shared/functions/integer). */
#define FLAGS(type, bits)                                                                                    \
    static inline uint8_t flags_result##bits(type result, bool carry, bool overflow) {                       \
        return (uint8_t)((result >> (bits - 1)) << 3 | (type)(result == 0) << 2 | (type)carry << 1 |         \
                         (type)overflow);                                                                    \
    }                                                                                                        \
    static inline uint8_t flags_add##bits(type a, type b) {                                                  \
        type result = a + b;                                                                                 \
        return flags_result##bits(result, result < a, ((a ^ result) & (b ^ result)) >> (bits - 1));          \
    }                                                                                                        \
    static inline uint8_t flags_sub##bits(type a, type b) {                                                  \
        type result = a - b;                                                                                 \
        return flags_result##bits(result, a >= b, ((a ^ b) & (a ^ result)) >> (bits - 1));                   \
    }
FLAGS(uint32_t, 32)
FLAGS(uint64_t, 64)
#undef FLAGS

/* ShiftReg(): types LSL, LSR, ASR, ROR; amount is less than the width. */
static inline uint32_t shift32(uint32_t value, unsigned type, unsigned amount) {
    switch (type) {
    case 0: return value << amount;
    case 1: return value >> amount;
    case 2: return (uint32_t)((int32_t)value >> amount);
    default: return value >> amount | value << (-amount & 31);
    }
}

static inline uint64_t shift64(uint64_t value, unsigned type, unsigned amount) {
    switch (type) {
    case 0: return value << amount;
    case 1: return value >> amount;
    case 2: return (uint64_t)((int64_t)value >> amount);
    default: return value >> amount | value << (-amount & 63);
    }
}
