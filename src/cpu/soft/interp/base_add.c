/* Add, subtract, compare, and what depends on the flags (C4.1.64, C4.1.65). */
#include "cpu/soft/interp/handler.h"

/* ExtendReg(): option UXTB UXTH UXTW UXTX SXTB SXTH SXTW SXTX, then shifted left by 0-4. */
static inline uint64_t extended(const struct cpu *cpu, const struct a64_insn *insn) {
    uint64_t value = RM;
    switch (insn->shift) {
    case 0: value = (uint8_t)value; break;
    case 1: value = (uint16_t)value; break;
    case 2: value = (uint32_t)value; break;
    case 4: value = (uint64_t)(int8_t)value; break;
    case 5: value = (uint64_t)(int16_t)value; break;
    case 6: value = (uint64_t)(int32_t)value; break;
    default: break;
    }
    return value << insn->amount;
}

#define ADD_SUB(suffix, type, bits, operand)                                                                 \
    EXEC(add##suffix) {                                                                                      \
        RD = (type)(RN + (operand));                                                                         \
    }                                                                                                        \
    EXEC(sub##suffix) {                                                                                      \
        RD = (type)(RN - (operand));                                                                         \
    }                                                                                                        \
    EXEC(adds##suffix) {                                                                                     \
        type a = (type)RN, b = (type)(operand);                                                              \
        cpu->nzcv = flags_add##bits(a, b);                                                                   \
        RD = (type)(a + b);                                                                                  \
    }                                                                                                        \
    EXEC(subs##suffix) {                                                                                     \
        type a = (type)RN, b = (type)(operand);                                                              \
        cpu->nzcv = flags_sub##bits(a, b);                                                                   \
        RD = (type)(a - b);                                                                                  \
    }

ADD_SUB(_imm_w, uint32_t, 32, (uint64_t)insn->imm)
ADD_SUB(_imm_x, uint64_t, 64, (uint64_t)insn->imm)
ADD_SUB(_w, uint32_t, 32, RM)
ADD_SUB(_x, uint64_t, 64, RM)
ADD_SUB(_shift_w, uint32_t, 32, shift32((uint32_t)RM, insn->shift, insn->amount))
ADD_SUB(_shift_x, uint64_t, 64, shift64(RM, insn->shift, insn->amount))
ADD_SUB(_ext_w, uint32_t, 32, extended(cpu, insn))
ADD_SUB(_ext_x, uint64_t, 64, extended(cpu, insn))

/* SBC adds the inverted operand, as AddWithCarry() has it. */
#define WITH_CARRY(name, type, bits, operand)                                                                \
    EXEC(name) {                                                                                             \
        RD = (type)(RN + (operand) + (cpu->nzcv >> 1 & 1));                                                  \
    }

#define WITH_CARRY_FLAGS(name, type, bits, operand)                                                          \
    EXEC(name) {                                                                                             \
        type a = (type)RN, b = (type)(operand), sum, result;                                                 \
        bool carry = __builtin_add_overflow(a, b, &sum);                                                     \
        carry |= __builtin_add_overflow(sum, (type)(cpu->nzcv >> 1 & 1), &result);                           \
        cpu->nzcv = flags_result##bits(result, carry, ((a ^ result) & (b ^ result)) >> (bits - 1));          \
        RD = result;                                                                                         \
    }

WITH_CARRY(adc_w, uint32_t, 32, RM)
WITH_CARRY(adc_x, uint64_t, 64, RM)
WITH_CARRY(sbc_w, uint32_t, 32, ~RM)
WITH_CARRY(sbc_x, uint64_t, 64, ~RM)
WITH_CARRY_FLAGS(adcs_w, uint32_t, 32, RM)
WITH_CARRY_FLAGS(adcs_x, uint64_t, 64, RM)
WITH_CARRY_FLAGS(sbcs_w, uint32_t, 32, ~RM)
WITH_CARRY_FLAGS(sbcs_x, uint64_t, 64, ~RM)

#define CONDITIONAL_COMPARE(suffix, type, bits, operand)                                                     \
    EXEC(ccmn##suffix) {                                                                                     \
        cpu->nzcv =                                                                                          \
            cpu_condition(cpu, insn->cond) ? flags_add##bits((type)RN, (type)(operand)) : insn->nzcv;        \
    }                                                                                                        \
    EXEC(ccmp##suffix) {                                                                                     \
        cpu->nzcv =                                                                                          \
            cpu_condition(cpu, insn->cond) ? flags_sub##bits((type)RN, (type)(operand)) : insn->nzcv;        \
    }

CONDITIONAL_COMPARE(_w, uint32_t, 32, RM)
CONDITIONAL_COMPARE(_x, uint64_t, 64, RM)
CONDITIONAL_COMPARE(_imm_w, uint32_t, 32, insn->imm)
CONDITIONAL_COMPARE(_imm_x, uint64_t, 64, insn->imm)

#define SELECT(name, type, otherwise)                                                                        \
    EXEC(name) {                                                                                             \
        RD = (type)(cpu_condition(cpu, insn->cond) ? RN : (otherwise));                                      \
    }

SELECT(csel_w, uint32_t, RM)
SELECT(csel_x, uint64_t, RM)
SELECT(csinc_w, uint32_t, RM + 1)
SELECT(csinc_x, uint64_t, RM + 1)
SELECT(csinv_w, uint32_t, ~RM)
SELECT(csinv_x, uint64_t, ~RM)
SELECT(csneg_w, uint32_t, -RM)
SELECT(csneg_x, uint64_t, -RM)

EXEC(cfinv) {
    (void)insn;
    cpu->nzcv ^= FLAG_C;
}

EXEC(rmif) {
    uint8_t rotated = (uint8_t)shift64(RN, 3, insn->amount);
    cpu->nzcv = (uint8_t)((cpu->nzcv & ~insn->nzcv) | (rotated & insn->nzcv));
}

/* SETF8, SETF16: the flags of a narrow result; C stays. */
EXEC(setf) {
    uint32_t top = (uint32_t)RN << insn->amount; /* the result's sign at bit 31 */
    uint32_t above = (uint32_t)RN << (insn->amount - 1);
    cpu->nzcv = (uint8_t)((top >> 31) << 3 | (top == 0) << 2 | (cpu->nzcv & FLAG_C) | (top ^ above) >> 31);
}
