/* Scalar floating point: arithmetic, comparisons, moves (ARM ARM C7.2). */
#include "cpu/soft/interp/fp.h"

#define EXEC_UNARY(p, bits, size, name, op)                                                                  \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd, fp##bits##_##op(cpu, cpu->v[insn->rn].p[0]));                            \
    }
FOR_EACH_PRECISION(EXEC_UNARY, fabs, abs)
FOR_EACH_PRECISION(EXEC_UNARY, fneg, neg)
FOR_EACH_PRECISION(EXEC_UNARY, fsqrt, sqrt)

#define EXEC_BINARY(p, bits, size, name, op)                                                                 \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd, fp##bits##_##op(cpu, cpu->v[insn->rn].p[0], cpu->v[insn->rm].p[0]));     \
    }
FOR_EACH_PRECISION(EXEC_BINARY, fadd, add)
FOR_EACH_PRECISION(EXEC_BINARY, fsub, sub)
FOR_EACH_PRECISION(EXEC_BINARY, fmul, mul)
FOR_EACH_PRECISION(EXEC_BINARY, fdiv, div)
FOR_EACH_PRECISION(EXEC_BINARY, fmax, max)
FOR_EACH_PRECISION(EXEC_BINARY, fmin, min)
FOR_EACH_PRECISION(EXEC_BINARY, fmaxnm, maxnm)
FOR_EACH_PRECISION(EXEC_BINARY, fminnm, minnm)

/* The product is negated after rounding, and a NaN's sign with it. */
#define EXEC_FNMUL(p, bits, size, ...)                                                                       \
    void exec_fnmul_##p(struct cpu *cpu, const struct a64_insn *insn) {                                      \
        cpu_check_fp(cpu);                                                                                   \
        uint64_t product = fp##bits##_mul(cpu, cpu->v[insn->rn].p[0], cpu->v[insn->rm].p[0]);                \
        write_scalar(cpu, insn->rd, fp##bits##_neg(cpu, product));                                           \
    }
FOR_EACH_PRECISION(EXEC_FNMUL, )

/* Operands are negated before the operation, and NaNs among them too. */
#define EXEC_FMADD(p, bits, size, name, negate_addend, negate_factor)                                        \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        const uint64_t sign = UINT64_C(1) << (bits - 1);                                                     \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd,                                                                          \
            fp##bits##_muladd(cpu, cpu->v[insn->ra].p[0] ^ (negate_addend ? sign : 0),                       \
                cpu->v[insn->rn].p[0] ^ (negate_factor ? sign : 0), cpu->v[insn->rm].p[0]));                 \
    }
FOR_EACH_PRECISION(EXEC_FMADD, fmadd, false, false)
FOR_EACH_PRECISION(EXEC_FMADD, fmsub, false, true)
FOR_EACH_PRECISION(EXEC_FMADD, fnmadd, true, true)
FOR_EACH_PRECISION(EXEC_FMADD, fnmsub, true, false)

#define EXEC_FCMP(p, bits, size, name, signal)                                                               \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        cpu_check_fp(cpu);                                                                                   \
        cpu->nzcv = fp_compare(cpu, size, cpu->v[insn->rn].p[0], cpu->v[insn->rm].p[0], signal);             \
    }                                                                                                        \
    void exec_##name##_zero_##p(struct cpu *cpu, const struct a64_insn *insn) {                              \
        cpu_check_fp(cpu);                                                                                   \
        cpu->nzcv = fp_compare(cpu, size, cpu->v[insn->rn].p[0], 0, signal);                                 \
    }
FOR_EACH_PRECISION(EXEC_FCMP, fcmp, false)
FOR_EACH_PRECISION(EXEC_FCMP, fcmpe, true)

#define EXEC_FCCMP(p, bits, size, name, signal)                                                              \
    void exec_##name##_##p(struct cpu *cpu, const struct a64_insn *insn) {                                   \
        cpu_check_fp(cpu);                                                                                   \
        if (cpu_condition(cpu, insn->cond))                                                                  \
            cpu->nzcv = fp_compare(cpu, size, cpu->v[insn->rn].p[0], cpu->v[insn->rm].p[0], signal);         \
        else                                                                                                 \
            cpu->nzcv = insn->nzcv;                                                                          \
    }
FOR_EACH_PRECISION(EXEC_FCCMP, fccmp, false)
FOR_EACH_PRECISION(EXEC_FCCMP, fccmpe, true)

#define EXEC_MOVES(p, bits, size, ...)                                                                       \
    void exec_fcsel_##p(struct cpu *cpu, const struct a64_insn *insn) {                                      \
        cpu_check_fp(cpu);                                                                                   \
        unsigned source = cpu_condition(cpu, insn->cond) ? insn->rn : insn->rm;                              \
        write_scalar(cpu, insn->rd, cpu->v[source].p[0]);                                                    \
    }                                                                                                        \
    void exec_fmov_##p(struct cpu *cpu, const struct a64_insn *insn) {                                       \
        cpu_check_fp(cpu);                                                                                   \
        write_scalar(cpu, insn->rd, cpu->v[insn->rn].p[0]);                                                  \
    }
FOR_EACH_PRECISION(EXEC_MOVES, )

void exec_fmov_imm(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    write_scalar(cpu, insn->rd, (uint64_t)insn->imm);
}

void exec_fmov_w_h(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->x[insn->rd] = cpu->v[insn->rn].h[0];
}

void exec_fmov_w_s(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->x[insn->rd] = cpu->v[insn->rn].s[0];
}

void exec_fmov_x_d(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->x[insn->rd] = cpu->v[insn->rn].d[0];
}

void exec_fmov_x_top(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->x[insn->rd] = cpu->v[insn->rn].d[1];
}

void exec_fmov_h_w(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    write_scalar(cpu, insn->rd, (uint16_t)cpu->x[insn->rn]);
}

void exec_fmov_s_w(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    write_scalar(cpu, insn->rd, (uint32_t)cpu->x[insn->rn]);
}

void exec_fmov_d_x(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    write_scalar(cpu, insn->rd, cpu->x[insn->rn]);
}

/* The lower half stays. */
void exec_fmov_top_x(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->v[insn->rd].d[1] = cpu->x[insn->rn];
}
