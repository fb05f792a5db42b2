/* Scalar floating point: conversions and rounding to integral values. See fp.c on what is left to the
 * handlers. */
#include "cpu/soft/jit/fp.h"

/* ROUNDS*: the mode, or by MXCSR, and whether the inexact flag stays out of it. */
enum { ROUND_BY_MXCSR = 4, ROUND_QUIET = 8 };

/* By FPCR.RMode's encoding: to nearest, up, down, to zero. */
static int host_rounding(enum fp_rounding rounding) {
    static const uint8_t mode[] = {0, 2, 1, 3};
    return mode[rounding];
}

static uint32_t round_op(unsigned size) {
    return size == 3 ? VROUNDSD : VROUNDSS;
}

/* --- to integral values */
static void round_to_integral(struct translation *t, const struct a64_insn *insn, int mode) {
    const unsigned bytes = 1u << insn->size;
    jit_fp_bail_if_denormal(t, insn->size, insn->rn);
    unsigned n = jit_vector_scalar(t, insn->rn, bytes, XMM0);
    jit_op3_imm(t, round_op(insn->size), XMM0, n, n, mode);
    jit_fp_bail_if_nan(t, insn->size, XMM0);
    jit_scalar_write(t, insn->rd, XMM0, bytes, insn->rn);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

#define FRINT(name, mode)                                                                                    \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        round_to_integral(t, insn, mode);                                                                    \
    }
FRINT(frintn, host_rounding(FP_ROUND_TIEEVEN) | ROUND_QUIET)
FRINT(frintp, host_rounding(FP_ROUND_POSINF) | ROUND_QUIET)
FRINT(frintm, host_rounding(FP_ROUND_NEGINF) | ROUND_QUIET)
FRINT(frintz, host_rounding(FP_ROUND_ZERO) | ROUND_QUIET)
FRINT(frintx, ROUND_BY_MXCSR)
FRINT(frinti, ROUND_BY_MXCSR | ROUND_QUIET)

/* --- between formats. What lies above the result comes from a zeroed register. */
void jit_fcvt_d_s(struct translation *t, const struct a64_insn *insn) {
    jit_fp_bail_if_denormal(t, 2, insn->rn);
    jit_op3(t, VPXOR, XMM0, XMM0, XMM0);
    jit_op3_rm(t, VCVTSS2SD, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_fp_bail_if_nan(t, 3, XMM0);
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, 3, insn->rd);
}

void jit_fcvt_s_d(struct translation *t, const struct a64_insn *insn) {
    jit_fp_bail_if_denormal(t, 3, insn->rn);
    jit_op3(t, VPXOR, XMM0, XMM0, XMM0);
    jit_op3_rm(t, VCVTSD2SS, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_fp_bail_if_nan_or_tiny(t, 2, XMM0);
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, 2, insn->rd);
}

/* --- to integers: numbers out of range are left to the handlers, before any flag is set for them. */

/* INT_MIN is the host's answer to numbers out of range: the only value that overflows when 1 is taken away.
 */
static void bail_if_indefinite(struct translation *t, bool wide) {
    x86_alu_imm(jit_asm(t), wide, ALU_CMP, x86_r(RAX), 1);
    jit_bail_if(t, CC_O);
}

/* Sign and exponent, seen as an integer, bound the number: 0 to 2^bits, -0 not among them. */
static void bail_unless_below(struct translation *t, unsigned size, unsigned xmm, unsigned bits) {
    const unsigned bias = size == 3 ? 1023 : 127, fraction = size == 3 ? 52 : 23;
    x86_vex(jit_asm(t), X86_VMOVD_STORE | x86_width(size == 3), xmm, 0, x86_r(RAX));
    x86_shift(jit_asm(t), size == 3, SHIFT_SHR, x86_r(RAX), fraction);
    x86_alu_imm(jit_asm(t), false, ALU_CMP, x86_r(RAX), (int32_t)(bias + bits));
    jit_bail_if(t, CC_AE);
}

/* rax = the value of xmm, an integral number unless numbers are to be truncated. */
static void to_integer(
    struct translation *t, const struct a64_insn *insn, unsigned xmm, bool is_unsigned, bool wide) {
    const uint32_t op = insn->size == 3 ? VCVTTSD2SI : VCVTTSS2SI;
    if (is_unsigned) {
        bail_unless_below(t, insn->size, xmm, wide ? 63 : 32);
        x86_vex(jit_asm(t), op | X86_W, RAX, 0, x86_r(xmm));
    } else {
        x86_vex(jit_asm(t), op | x86_width(wide), RAX, 0, x86_r(xmm));
        bail_if_indefinite(t, wide);
    }
}

/* The inexact flag is set by a second rounding, once nothing can bail out any more. */
void jit_fp_to_integer(struct translation *t, const struct a64_insn *insn, bool is_unsigned,
    enum fp_rounding rounding, bool wide) {
    jit_fp_bail_if_denormal(t, insn->size, insn->rn);
    unsigned n = jit_vector_scalar(t, insn->rn, 1u << insn->size, XMM0);
    if (rounding == FP_ROUND_ZERO) {
        to_integer(t, insn, n, is_unsigned, wide);
        return;
    }
    const int mode = host_rounding(rounding);
    jit_op3_imm(t, round_op(insn->size), XMM1, n, n, mode | ROUND_QUIET);
    to_integer(t, insn, XMM1, is_unsigned, wide);
    jit_op3_imm(t, round_op(insn->size), XMM1, n, n, mode);
}

#define TO_INTEGER(name, is_unsigned, rounding)                                                              \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        jit_fp_to_integer(t, insn, is_unsigned, rounding, insn->sf);                                         \
        jit_finish(t, insn->rd, RAX);                                                                        \
    }
TO_INTEGER(fcvtns_r, false, FP_ROUND_TIEEVEN)
TO_INTEGER(fcvtnu_r, true, FP_ROUND_TIEEVEN)
TO_INTEGER(fcvtps_r, false, FP_ROUND_POSINF)
TO_INTEGER(fcvtpu_r, true, FP_ROUND_POSINF)
TO_INTEGER(fcvtms_r, false, FP_ROUND_NEGINF)
TO_INTEGER(fcvtmu_r, true, FP_ROUND_NEGINF)
TO_INTEGER(fcvtzs_r, false, FP_ROUND_ZERO)
TO_INTEGER(fcvtzu_r, true, FP_ROUND_ZERO)

/* --- from integers */
void jit_fp_from_integer(struct translation *t, unsigned size, bool wide, struct x86_rm value) {
    jit_op3(t, VPXOR, XMM0, XMM0, XMM0);
    jit_op3_rm(t, (size == 3 ? VCVTSI2SD : VCVTSI2SS) | x86_width(wide), XMM0, XMM0, value);
}

void jit_scvtf_r(struct translation *t, const struct a64_insn *insn) {
    jit_fp_from_integer(t, insn->size, insn->sf, jit_operand(t, insn->rn));
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

/* The host knows signed integers only: 32 bits are a small one of 64, and the upper half of 64 is left to the
 * handler. */
void jit_ucvtf_r(struct translation *t, const struct a64_insn *insn) {
    x86_load(jit_asm(t), insn->sf, RAX, jit_operand(t, insn->rn));
    if (insn->sf) {
        x86_test(jit_asm(t), true, x86_r(RAX), RAX);
        jit_bail_if(t, CC_S);
    }
    jit_fp_from_integer(t, insn->size, true, x86_r(RAX));
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, insn->size, insn->rd);
}
