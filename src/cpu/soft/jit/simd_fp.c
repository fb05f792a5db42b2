/* Advanced SIMD floating point, in single and double precision. What is left to the handlers, and how it is
 * found out, is told in fp.c; here all lanes are looked at together, and the handler does them all. */
#include "cpu/soft/jit/fp.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/simd.h"

/* --- the tests of a result in xmm; they clobber xmm5, rax and the host's flags. Unused lanes were computed
 * from copies of others or from zeros. */
static void bail_if_any(struct translation *t, unsigned size, unsigned mask) {
    jit_op2(t, size == 3 ? VMOVMSKPD : VMOVMSKPS, RAX, mask);
    x86_test(jit_asm(t), false, x86_r(RAX), RAX);
    jit_bail_if(t, CC_NE);
}

static void bail_if_magnitude(
    struct translation *t, unsigned size, unsigned xmm, enum x86_compare to_smallest) {
    jit_op3_rm(t, VANDPS, XMM5, xmm, jit_constant(size == 3 ? JIT_ABS_D : JIT_ABS_S));
    jit_op3_rm(
        t, jit_fp_packed(VCMP, size), XMM5, XMM5, jit_constant(size == 3 ? JIT_SMALLEST_D : JIT_SMALLEST_S));
    x86_imm8(jit_asm(t), to_smallest);
    bail_if_any(t, size, XMM5);
}

static void bail_if_nan(struct translation *t, unsigned size, unsigned xmm) {
    if (t->fp_careful) {
        bail_if_magnitude(t, size, xmm, CMP_NOT_GREATER);
        return;
    }
    jit_op3_imm(t, jit_fp_packed(VCMP, size), XMM5, xmm, xmm, CMP_UNORDERED);
    bail_if_any(t, size, XMM5);
}

static void bail_if_nan_or_tiny(struct translation *t, unsigned size, unsigned xmm) {
    bail_if_magnitude(t, size, xmm, t->fp_careful ? CMP_NOT_GREATER : CMP_EQ_UNORDERED);
}

/* In careful code: an operand. Its integer, less the sign, is between 0 and that of the smallest normal
 * number. Clobbers xmm3 and 4 too. */
static void bail_if_denormal(struct translation *t, unsigned size, unsigned xmm) {
    const bool wide = size == 3;
    const uint32_t greater = wide ? VPCMPGTQ : VPCMPGTD;
    if (!t->fp_careful)
        return;
    jit_op3_rm(t, VPAND, XMM4, xmm, jit_constant(wide ? JIT_ABS_D : JIT_ABS_S));
    jit_op3_rm(t, X86_VMOVDQA, XMM5, 0, jit_constant(wide ? JIT_SMALLEST_D : JIT_SMALLEST_S));
    jit_simd_zeros(t, XMM3);
    jit_op3(t, greater, XMM3, XMM4, XMM3);
    jit_op3(t, greater, XMM5, XMM5, XMM4);
    jit_op3(t, VPAND, XMM5, XMM5, XMM3);
    bail_if_any(t, size, XMM5);
}

static void check_operand(struct translation *t, const struct a64_insn *insn, unsigned reg, unsigned xmm) {
    if (t->fp_size[reg] != insn->size)
        bail_if_denormal(t, insn->size, xmm);
}

static void write(struct translation *t, const struct a64_insn *insn, unsigned xmm) {
    jit_simd_write(t, insn, xmm);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

struct sources {
    unsigned n, m;
};

static unsigned load_rn(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector_lanes(t, insn, insn->rn, XMM0);
    check_operand(t, insn, insn->rn, n);
    return n;
}

static struct sources load(struct translation *t, const struct a64_insn *insn) {
    unsigned n = load_rn(t, insn), m = jit_vector_rm_lanes(t, insn, XMM1);
    check_operand(t, insn, insn->rm, m);
    return (struct sources){n, m};
}

/* --- arithmetic */
#define BINARY(name, opcode, bail)                                                                           \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        struct sources s = load(t, insn);                                                                    \
        jit_op3(t, jit_fp_packed(opcode, insn->size), XMM0, s.n, s.m);                                       \
        bail(t, insn->size, XMM0);                                                                           \
        write(t, insn, XMM0);                                                                                \
    }
BINARY(fadd_vec, VADD, bail_if_nan)
BINARY(fsub_vec, VSUB, bail_if_nan)
BINARY(fmul_vec, VMUL, bail_if_nan_or_tiny)
BINARY(fdiv_vec, VDIV, bail_if_nan_or_tiny)

static struct x86_rm magnitude(const struct a64_insn *insn) {
    return jit_constant(insn->size == 3 ? JIT_ABS_D : JIT_ABS_S);
}

void jit_fabd_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    jit_op3(t, jit_fp_packed(VSUB, insn->size), XMM0, s.n, s.m);
    bail_if_nan(t, insn->size, XMM0);
    jit_op3_rm(t, VANDPS, XMM0, XMM0, magnitude(insn));
    write(t, insn, XMM0);
}

void jit_fsqrt_vec(struct translation *t, const struct a64_insn *insn) {
    jit_op2(t, jit_fp_packed(VSQRT, insn->size), XMM0, load_rn(t, insn));
    bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0);
}

/* rd +- n * m */
static void fused(struct translation *t, const struct a64_insn *insn, unsigned opcode) {
    struct sources s = load(t, insn);
    unsigned d = jit_vector_lanes(t, insn, insn->rd, XMM2);
    check_operand(t, insn, insn->rd, d);
    if (d != XMM2)
        jit_op2(t, VMOVAPS, XMM2, d);
    jit_op3(t, X86_66_0F38(opcode) | x86_width(insn->size == 3), XMM2, s.n, s.m);
    bail_if_nan_or_tiny(t, insn->size, XMM2);
    write(t, insn, XMM2);
}

void jit_fmla_vec(struct translation *t, const struct a64_insn *insn) {
    enum { VFMADD231 = 0xb8 };
    fused(t, insn, VFMADD231);
}

void jit_fmls_vec(struct translation *t, const struct a64_insn *insn) {
    enum { VFNMADD231 = 0xbc };
    fused(t, insn, VFNMADD231);
}

/* See extremum() in fp.c. */
static void extremum(
    struct translation *t, const struct a64_insn *insn, struct sources s, uint32_t opcode, uint32_t join) {
    const uint32_t op = jit_fp_packed(opcode, insn->size);
    jit_op3_imm(t, jit_fp_packed(VCMP, insn->size), XMM5, s.n, s.m, CMP_UNORDERED);
    bail_if_any(t, insn->size, XMM5);
    jit_op3(t, op, XMM2, s.n, s.m);
    jit_op3(t, op, XMM3, s.m, s.n);
    jit_op3(t, join, XMM0, XMM2, XMM3);
    write(t, insn, XMM0);
}

void jit_fmax_vec(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, load(t, insn), VMAX, VANDPS);
}

void jit_fmin_vec(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, load(t, insn), VMIN, VORPS);
}

/* --- pairs. Of half a register the lanes above are zeros, and so are their results. */
static struct sources load_pairs(struct translation *t, const struct a64_insn *insn) {
    jit_simd_pairs(t, insn, XMM0, XMM1);
    if (!insn->q)
        jit_op2(t, X86_VMOVQ, XMM0, XMM0);
    bail_if_denormal(t, insn->size, XMM0);
    bail_if_denormal(t, insn->size, XMM1);
    return (struct sources){XMM0, XMM1};
}

void jit_faddp_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_pairs(t, insn);
    jit_op3(t, jit_fp_packed(VADD, insn->size), XMM0, s.n, s.m);
    bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0);
}

void jit_fmaxp_vec(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, load_pairs(t, insn), VMAX, VANDPS);
}

void jit_fminp_vec(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, load_pairs(t, insn), VMIN, VORPS);
}

void jit_faddp_scalar(struct translation *t, const struct a64_insn *insn) {
    const unsigned bytes = 1u << insn->size;
    unsigned n = jit_vector_low(t, insn->rn, 2 * bytes, XMM0);
    check_operand(t, insn, insn->rn, n);
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, n, bytes);
    jit_op3(t, jit_fp_scalar(VADD, insn->size), XMM0, n, XMM1);
    jit_fp_bail_if_nan(t, insn->size, XMM0);
    jit_vector_write(t, insn->rd, XMM0, bytes);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

/* --- signs: no flags, and NaNs are not special */
void jit_fabs_vec(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VANDPS, XMM0, jit_vector(t, insn->rn, XMM0), magnitude(insn));
    jit_simd_write(t, insn, XMM0);
}

void jit_fneg_vec(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VXORPS, XMM0, jit_vector(t, insn->rn, XMM0),
        jit_constant(insn->size == 3 ? JIT_SIGN_D : JIT_SIGN_S));
    jit_simd_write(t, insn, XMM0);
}

/* --- comparisons: the host's predicates have the same results for NaNs, and the same invalid flags: EQ for
 * signalling ones, the others for all. */
static void compare(struct translation *t, const struct a64_insn *insn, unsigned greater, unsigned less,
    enum x86_compare predicate) {
    jit_op3_imm(t, jit_fp_packed(VCMP, insn->size), XMM0, less, greater, predicate);
    jit_simd_write(t, insn, XMM0);
}

void jit_fcmeq_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    compare(t, insn, s.n, s.m, CMP_EQ);
}

void jit_fcmge_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    compare(t, insn, s.n, s.m, CMP_LE);
}

void jit_fcmgt_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    compare(t, insn, s.n, s.m, CMP_LT);
}

static struct sources load_magnitudes(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    jit_op3_rm(t, VANDPS, XMM0, s.n, magnitude(insn));
    jit_op3_rm(t, VANDPS, XMM1, s.m, magnitude(insn));
    return (struct sources){XMM0, XMM1};
}

void jit_facge_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_magnitudes(t, insn);
    compare(t, insn, s.n, s.m, CMP_LE);
}

void jit_facgt_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_magnitudes(t, insn);
    compare(t, insn, s.n, s.m, CMP_LT);
}

static struct sources load_and_zero(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM1);
    return (struct sources){load_rn(t, insn), XMM1};
}

void jit_fcmeq0_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_and_zero(t, insn);
    compare(t, insn, s.n, s.m, CMP_EQ);
}

void jit_fcmge0_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_and_zero(t, insn);
    compare(t, insn, s.n, s.m, CMP_LE);
}

void jit_fcmgt0_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_and_zero(t, insn);
    compare(t, insn, s.n, s.m, CMP_LT);
}

void jit_fcmle0_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_and_zero(t, insn);
    compare(t, insn, s.m, s.n, CMP_LE);
}

void jit_fcmlt0_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load_and_zero(t, insn);
    compare(t, insn, s.m, s.n, CMP_LT);
}

/* --- rounding; opc is the mode as FPCR.RMode has it, then FRINTA, FRINTI, FRINTX */
void jit_frint_vec(struct translation *t, const struct a64_insn *insn) {
    enum { NEAREST, DOWN, UP, TO_ZERO, BY_MXCSR, QUIET = 8 };
    static const uint8_t mode[] = {
        NEAREST | QUIET, UP | QUIET, DOWN | QUIET, TO_ZERO | QUIET, 0, BY_MXCSR | QUIET, BY_MXCSR};
    unsigned n = load_rn(t, insn);
    jit_op2_imm(t, insn->size == 3 ? VROUNDPD : VROUNDPS, XMM0, n, mode[insn->opc]);
    bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0);
}

/* --- to integers: truncation, without fraction bits */
static void to_integer_scalar(struct translation *t, const struct a64_insn *insn, bool is_unsigned) {
    const bool wide = insn->size == 3;
    jit_fp_to_integer(t, insn, is_unsigned, FP_ROUND_ZERO, wide);
    x86_vex(jit_asm(t), X86_VMOVD | x86_width(wide), XMM0, 0, x86_r(RAX));
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_fcvtzs_scalar(struct translation *t, const struct a64_insn *insn) {
    to_integer_scalar(t, insn, false);
}

void jit_fcvtzu_scalar(struct translation *t, const struct a64_insn *insn) {
    to_integer_scalar(t, insn, true);
}

static void bail_if_indefinite(struct translation *t) {
    x86_alu_imm(jit_asm(t), true, ALU_CMP, x86_r(RAX), 1); /* as in fp_convert.c */
    jit_bail_if(t, CC_O);
}

void jit_fcvtzs_vec(struct translation *t, const struct a64_insn *insn) {
    unsigned n = load_rn(t, insn);
    if (insn->size == 2) {
        jit_op2(t, VCVTTPS2DQ, XMM1, n);
        jit_op3_rm(t, VPCMPEQD, XMM5, XMM1, jit_constant(JIT_SIGN_S));
        bail_if_any(t, 2, XMM5);
        jit_simd_write(t, insn, XMM1);
        return;
    }
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, n, 8);
    jit_op2(t, VCVTTSD2SI | X86_W, RAX, n);
    bail_if_indefinite(t);
    x86_vex(jit_asm(t), X86_VMOVD | X86_W, XMM2, 0, x86_r(RAX));
    jit_op2(t, VCVTTSD2SI | X86_W, RAX, XMM1);
    bail_if_indefinite(t);
    jit_op3_rm(t, VPINSRD | X86_W, XMM0, XMM2, x86_r(RAX));
    x86_imm8(jit_asm(t), 1);
    jit_simd_write(t, insn, XMM0);
}

/* --- from integers */
void jit_scvtf_scalar(struct translation *t, const struct a64_insn *insn) {
    const bool wide = insn->size == 3;
    jit_fp_from_integer(t, insn->size, wide, jit_vector_lane(t, insn->rn, insn->size, 0, RAX));
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

void jit_ucvtf_scalar(struct translation *t, const struct a64_insn *insn) {
    const bool wide = insn->size == 3;
    x86_load(jit_asm(t), wide, RAX, jit_vector_lane(t, insn->rn, insn->size, 0, RAX));
    if (wide) {
        x86_test(jit_asm(t), true, x86_r(RAX), RAX);
        jit_bail_if(t, CC_S);
    }
    jit_fp_from_integer(t, insn->size, true, x86_r(RAX));
    jit_vector_write(t, insn->rd, XMM0, 16);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

/* xmm0 = the two signed doubles of v[rn] converted */
static void from_doubles(struct translation *t, const struct a64_insn *insn) {
    for (unsigned i = 0; i < 2; i++) {
        jit_fp_from_integer(t, 3, true, jit_vector_lane(t, insn->rn, 3, i, RAX));
        if (i == 0)
            jit_op2(t, VMOVAPS, XMM1, XMM0);
    }
    jit_op3(t, VPUNPCKLQDQ, XMM0, XMM1, XMM0);
}

void jit_scvtf_vec(struct translation *t, const struct a64_insn *insn) {
    if (insn->size == 3)
        from_doubles(t, insn);
    else
        jit_op2(t, VCVTDQ2PS, XMM0, jit_vector_lanes(t, insn, insn->rn, XMM0));
    write(t, insn, XMM0);
}

/* Unsigned words are converted in halves of 16 bits, which is exact; their sum is rounded. Doubles from 2^63
 * on are left to the handler. */
void jit_ucvtf_vec(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector_lanes(t, insn, insn->rn, XMM0);
    if (insn->size == 3) {
        bail_if_any(t, 3, n);
        from_doubles(t, insn);
    } else {
        jit_shift(t, JIT_SRL, 2, XMM1, n, 16);
        jit_simd_zeros(t, XMM2);
        jit_op3_imm(t, VPBLENDW, XMM2, n, XMM2, 0xaa);
        jit_op2(t, VCVTDQ2PS, XMM1, XMM1);
        jit_op2(t, VCVTDQ2PS, XMM2, XMM2);
        jit_op3_rm(t, jit_fp_packed(VMUL, 2), XMM1, XMM1, jit_constant(JIT_TWO_16_S));
        jit_op3(t, jit_fp_packed(VADD, 2), XMM0, XMM1, XMM2);
    }
    write(t, insn, XMM0);
}

/* --- between single and double precision */
void jit_fcvtl(struct translation *t, const struct a64_insn *insn) {
    if (insn->size != 2) {
        jit_call_handler(t);
        return;
    }
    unsigned n = jit_vector(t, insn->rn, XMM0);
    if (insn->q) {
        jit_shift_bytes(t, JIT_SRL_BYTES, XMM0, n, 8);
        n = XMM0;
    }
    jit_op2(t, X86_VMOVQ, XMM0, n);
    bail_if_denormal(t, 2, XMM0);
    jit_op2(t, VCVTPS2PD, XMM0, XMM0);
    bail_if_nan(t, 3, XMM0);
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_fcvtn(struct translation *t, const struct a64_insn *insn) {
    if (insn->size != 2) {
        jit_call_handler(t);
        return;
    }
    unsigned n = jit_vector(t, insn->rn, XMM0);
    bail_if_denormal(t, 3, n);
    jit_op2(t, VCVTPD2PS, XMM0, n);
    bail_if_nan_or_tiny(t, 2, XMM0);
    if (insn->q)
        jit_op3(t, VPUNPCKLQDQ, XMM0, jit_vector(t, insn->rd, XMM1), XMM0);
    jit_vector_write(t, insn->rd, XMM0, 16);
}
