/* Scalar floating point: conversions and rounding to integral values (ARM ARM C7.2). */
#include "cpu/soft/interp/fp.h"

#define EXEC_FRINT(p, bits, size, name, rounding, exact)                                                     \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd, fp_round_to_int(cpu, size, cpu->v[insn->rn].p[0], rounding, exact));     \
    }
FOR_EACH_PRECISION(EXEC_FRINT, frintn, FP_ROUND_TIEEVEN, false)
FOR_EACH_PRECISION(EXEC_FRINT, frintp, FP_ROUND_POSINF, false)
FOR_EACH_PRECISION(EXEC_FRINT, frintm, FP_ROUND_NEGINF, false)
FOR_EACH_PRECISION(EXEC_FRINT, frintz, FP_ROUND_ZERO, false)
FOR_EACH_PRECISION(EXEC_FRINT, frinta, FP_ROUND_TIEAWAY, false)
FOR_EACH_PRECISION(EXEC_FRINT, frintx, fp_rounding_mode(cpu), true)
FOR_EACH_PRECISION(EXEC_FRINT, frinti, fp_rounding_mode(cpu), false)

#define EXEC_FCVT(to, to_size, from, from_size)                                                              \
    void exec_fcvt_##to##_##from(struct cpu *cpu, const struct a64_insn *insn) {                             \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd, fp_convert(cpu, to_size, from_size, cpu->v[insn->rn].from[0]));          \
    }
EXEC_FCVT(s, 2, h, 1)
EXEC_FCVT(d, 3, h, 1)
EXEC_FCVT(h, 1, s, 2)
EXEC_FCVT(d, 3, s, 2)
EXEC_FCVT(h, 1, d, 3)
EXEC_FCVT(s, 2, d, 3)

static inline unsigned register_bits(const struct a64_insn *insn) {
    return insn->sf ? 64 : 32;
}

#define EXEC_TO_INTEGER(p, bits, size, name, is_unsigned, rounding)                                          \
    void exec_##name##_r_##p(struct cpu *cpu, const struct a64_insn *insn) {                                 \
        cpu_check_fp(cpu);                                                                                   \
        cpu->x[insn->rd] =                                                                                   \
            fp_to_fixed(cpu, size, cpu->v[insn->rn].p[0], 0, is_unsigned, rounding, register_bits(insn));    \
    }
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtns, false, FP_ROUND_TIEEVEN)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtnu, true, FP_ROUND_TIEEVEN)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtps, false, FP_ROUND_POSINF)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtpu, true, FP_ROUND_POSINF)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtms, false, FP_ROUND_NEGINF)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtmu, true, FP_ROUND_NEGINF)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtzs, false, FP_ROUND_ZERO)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtzu, true, FP_ROUND_ZERO)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtas, false, FP_ROUND_TIEAWAY)
FOR_EACH_PRECISION(EXEC_TO_INTEGER, fcvtau, true, FP_ROUND_TIEAWAY)

#define EXEC_TO_FIXED(p, bits, size, name, is_unsigned)                                                      \
    void exec_##name##_fixed_##p(struct cpu *cpu, const struct a64_insn *insn) {                             \
        cpu_check_fp(cpu);                                                                                   \
        cpu->x[insn->rd] = fp_to_fixed(cpu, size, cpu->v[insn->rn].p[0], insn->amount, is_unsigned,          \
            FP_ROUND_ZERO, register_bits(insn));                                                             \
    }
FOR_EACH_PRECISION(EXEC_TO_FIXED, fcvtzs, false)
FOR_EACH_PRECISION(EXEC_TO_FIXED, fcvtzu, true)

static inline uint64_t integer_operand(const struct cpu *cpu, const struct a64_insn *insn, bool is_unsigned) {
    uint64_t value = cpu->x[insn->rn];
    if (insn->sf)
        return value;
    return is_unsigned ? (uint32_t)value : (uint64_t)(int64_t)(int32_t)value;
}

#define EXEC_FROM_INTEGER(p, bits, size, name, is_unsigned)                                                  \
    void exec_##name##_##p##_r(struct cpu *cpu, const struct a64_insn *insn) {                               \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t value = integer_operand(cpu, insn, is_unsigned);                                            \
        write_scalar(cpu, insn->rd, fp_from_fixed(cpu, size, value, 0, is_unsigned));                        \
    }                                                                                                        \
    void exec_##name##_fixed_##p(struct cpu *cpu, const struct a64_insn *insn) {                             \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t value = integer_operand(cpu, insn, is_unsigned);                                            \
        write_scalar(cpu, insn->rd, fp_from_fixed(cpu, size, value, insn->amount, is_unsigned));             \
    }
FOR_EACH_PRECISION(EXEC_FROM_INTEGER, scvtf, false)
FOR_EACH_PRECISION(EXEC_FROM_INTEGER, ucvtf, true)

void exec_fjcvtzs(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    bool exact;
    cpu->x[insn->rd] = fp64_to_int32_javascript(cpu, cpu->v[insn->rn].d[0], &exact);
    cpu->nzcv = exact ? FLAG_Z : 0;
}
