/* Scalar floating point: arithmetic, comparisons, moves.
 *
 * The host computes with the guest's rounding mode in MXCSR, where its sticky flags gather that later go to
 * FPSR. What x86 does otherwise is left to the handlers, once the result shows it:
 * - a NaN: which operand it comes from, and the sign of the default one
 * - the smallest normal number: whether a result was tiny is decided before rounding by ARM, after it by x86,
 *   which is the same but for results that rounding made normal. Sums are never tiny and inexact.
 * Careful code, for FPCR.FZ, leaves denormals to them too, as operands and as results.
 * The flags stay right: the handler sets those that the host has set, and perhaps one more. */
#include "cpu/soft/jit/fp.h"

#include "cpu/soft/jit/internal.h"

static void bail_if_magnitude(struct translation *t, unsigned size, unsigned xmm, enum x86_cc cc) {
    jit_op3_rm(t, VANDPS, XMM5, xmm, jit_constant(size == 3 ? JIT_ABS_D : JIT_ABS_S));
    jit_ucomis(t, size, XMM5, jit_constant(size == 3 ? JIT_SMALLEST_D : JIT_SMALLEST_S));
    jit_bail_if(t, cc);
}

void jit_fp_bail_if_nan(struct translation *t, unsigned size, unsigned xmm) {
    if (t->fp_careful) {
        bail_if_magnitude(t, size, xmm, CC_BE);
        return;
    }
    jit_ucomis(t, size, xmm, x86_r(xmm));
    jit_bail_if(t, CC_P);
}

/* UCOMIS sets ZF, and CF, also when unordered. */
void jit_fp_bail_if_nan_or_tiny(struct translation *t, unsigned size, unsigned xmm) {
    bail_if_magnitude(t, size, xmm, t->fp_careful ? CC_BE : CC_E);
}

/* Without its sign, less 1 in the last place, so that zeros are large: a denormal has nothing but fraction
 * then. */
void jit_fp_bail_if_denormal(struct translation *t, unsigned size, unsigned reg) {
    struct x86 *a = jit_asm(t);
    const bool wide = size == 3;
    if (!t->fp_careful || t->fp_size[reg] == size)
        return;
    x86_load(a, wide, RAX, jit_vector_lane(t, reg, size, 0, RAX));
    x86_lea(a, wide, RAX, x86_mx(RAX, RAX, 0, -1));
    x86_shift(a, wide, SHIFT_SHR, x86_r(RAX), wide ? 53 : 24);
    jit_bail_if(t, CC_E);
}

void jit_fp_note_normal(struct translation *t, unsigned size, unsigned reg) {
    t->fp_size[reg] = (uint8_t)size;
}

static unsigned bytes_of(const struct a64_insn *insn) {
    return 1u << insn->size;
}

static unsigned source(struct translation *t, const struct a64_insn *insn, unsigned reg, unsigned scratch) {
    return jit_vector_scalar(t, reg, bytes_of(insn), scratch);
}

static void write(struct translation *t, const struct a64_insn *insn, unsigned xmm, unsigned from) {
    jit_scalar_write(t, insn->rd, xmm, bytes_of(insn), from);
    jit_fp_note_normal(t, insn->size, insn->rd);
}

static void check_operands(struct translation *t, const struct a64_insn *insn) {
    jit_fp_bail_if_denormal(t, insn->size, insn->rn);
    jit_fp_bail_if_denormal(t, insn->size, insn->rm);
}

/* xmm0 = n op m */
static void binary(struct translation *t, const struct a64_insn *insn, uint32_t opcode) {
    check_operands(t, insn);
    unsigned n = source(t, insn, insn->rn, XMM0);
    jit_op3_rm(t, jit_fp_scalar(opcode, insn->size), XMM0, n, jit_vector_rm(t, insn->rm));
}

void jit_fadd(struct translation *t, const struct a64_insn *insn) {
    binary(t, insn, VADD);
    jit_fp_bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0, insn->rn);
}

void jit_fsub(struct translation *t, const struct a64_insn *insn) {
    binary(t, insn, VSUB);
    jit_fp_bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0, insn->rn);
}

void jit_fmul(struct translation *t, const struct a64_insn *insn) {
    binary(t, insn, VMUL);
    jit_fp_bail_if_nan_or_tiny(t, insn->size, XMM0);
    write(t, insn, XMM0, insn->rn);
}

void jit_fdiv(struct translation *t, const struct a64_insn *insn) {
    binary(t, insn, VDIV);
    jit_fp_bail_if_nan_or_tiny(t, insn->size, XMM0);
    write(t, insn, XMM0, insn->rn);
}

static struct x86_rm sign(unsigned size) {
    return jit_constant(size == 3 ? JIT_SIGN_D : JIT_SIGN_S);
}

/* Bits above the element are changed as well, in JIT_SIGN_*; they do not matter after jit_vector_low(). */
static void write_low(struct translation *t, const struct a64_insn *insn, unsigned xmm) {
    jit_vector_write(t, insn->rd, xmm, bytes_of(insn));
}

void jit_fnmul(struct translation *t, const struct a64_insn *insn) {
    binary(t, insn, VMUL);
    jit_fp_bail_if_nan_or_tiny(t, insn->size, XMM0);
    jit_op3_rm(t, VXORPS, XMM0, XMM0, sign(insn->size));
    write_low(t, insn, XMM0);
}

void jit_fsqrt(struct translation *t, const struct a64_insn *insn) {
    jit_fp_bail_if_denormal(t, insn->size, insn->rn);
    unsigned n = source(t, insn, insn->rn, XMM0);
    jit_op3(t, jit_fp_scalar(VSQRT, insn->size), XMM0, n, n);
    jit_fp_bail_if_nan(t, insn->size, XMM0);
    write(t, insn, XMM0, insn->rn);
}

/* Opcodes of the fused forms that compute to = +-(a * b) +- to: the number for "231", with W for double. */
enum fused { FMA_ADD = 0xb9, FMA_SUB = 0xbb, FMA_NEGATED_ADD = 0xbd, FMA_NEGATED_SUB = 0xbf };

static void fused(struct translation *t, const struct a64_insn *insn, enum fused opcode) {
    jit_fp_bail_if_denormal(t, insn->size, insn->ra);
    check_operands(t, insn);
    jit_vector_low(t, insn->ra, bytes_of(insn), XMM0);
    unsigned n = source(t, insn, insn->rn, XMM1);
    jit_op3_rm(t, X86_66_0F38(opcode) | (insn->size == 3 ? X86_W : 0), XMM0, n, jit_vector_rm(t, insn->rm));
    jit_fp_bail_if_nan_or_tiny(t, insn->size, XMM0);
    write(t, insn, XMM0, JIT_ZEROS);
}

void jit_fmadd(struct translation *t, const struct a64_insn *insn) {
    fused(t, insn, FMA_ADD);
}

void jit_fmsub(struct translation *t, const struct a64_insn *insn) {
    fused(t, insn, FMA_NEGATED_ADD);
}

void jit_fnmadd(struct translation *t, const struct a64_insn *insn) {
    fused(t, insn, FMA_NEGATED_SUB);
}

void jit_fnmsub(struct translation *t, const struct a64_insn *insn) {
    fused(t, insn, FMA_SUB);
}

/* MAX(a, b) is b when both are zeros: of MAX(a, b) and MAX(b, a), AND finds +0, and OR after MIN finds -0. A
 * NaN must not reach them, as they set the invalid flag for quiet ones too. */
static void extremum(struct translation *t, const struct a64_insn *insn, uint32_t opcode, uint32_t join) {
    check_operands(t, insn);
    unsigned n = source(t, insn, insn->rn, XMM0), m = source(t, insn, insn->rm, XMM1);
    const uint32_t op = jit_fp_scalar(opcode, insn->size);
    jit_ucomis(t, insn->size, n, x86_r(m));
    jit_bail_if(t, CC_P);
    jit_op3(t, op, XMM2, n, m);
    jit_op3(t, op, XMM3, m, n);
    jit_op3(t, join, XMM0, XMM2, XMM3);
    write_low(t, insn, XMM0);
}

void jit_fmax(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, VMAX, VANDPS);
}

void jit_fmin(struct translation *t, const struct a64_insn *insn) {
    extremum(t, insn, VMIN, VORPS);
}

/* --- moves. These change no flags of the host. */
void jit_fmov(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector_low(t, insn->rn, bytes_of(insn), XMM0);
    jit_vector_write(t, insn->rd, n, 16);
}

void jit_fabs(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector_low(t, insn->rn, bytes_of(insn), XMM0);
    jit_op3_rm(t, VANDPS, XMM0, n, jit_constant(insn->size == 3 ? JIT_ABS_D : JIT_ABS_S));
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_fneg(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector_low(t, insn->rn, bytes_of(insn), XMM0);
    jit_op3_rm(t, VXORPS, XMM0, n, sign(insn->size));
    write_low(t, insn, XMM0);
}

void jit_vector_immediate(struct translation *t, unsigned xmm, uint64_t imm) {
    if (!imm) {
        jit_op3(t, VPXOR, xmm, xmm, xmm);
        return;
    }
    x86_mov_imm(jit_asm(t), RAX, imm);
    x86_vex(jit_asm(t), X86_VMOVD | (imm >> 32 ? X86_W : 0), xmm, 0, x86_r(RAX));
}

void jit_fmov_imm(struct translation *t, const struct a64_insn *insn) {
    jit_vector_immediate(t, XMM0, (uint64_t)insn->imm);
    jit_vector_write(t, insn->rd, XMM0, 16);
}

/* From a general register: W registers are zero above. */
static void from_general(struct translation *t, const struct a64_insn *insn, bool wide) {
    x86_vex(jit_asm(t), X86_VMOVD | x86_width(wide), XMM0, 0, jit_operand(t, insn->rn));
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_fmov_s_w(struct translation *t, const struct a64_insn *insn) {
    from_general(t, insn, false);
}

void jit_fmov_d_x(struct translation *t, const struct a64_insn *insn) {
    from_general(t, insn, true);
}

void jit_fmov_top_x(struct translation *t, const struct a64_insn *insn) {
    unsigned d = jit_vector(t, insn->rd, XMM0);
    jit_op3_rm(t, VPINSRD | X86_W, XMM0, d, jit_operand(t, insn->rn));
    x86_imm8(jit_asm(t), 1);
    jit_vector_write(t, insn->rd, XMM0, 16);
}

static void to_general(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    unsigned n = jit_vector_scalar(t, insn->rn, wide ? 8 : 4, XMM0);
    x86_vex(jit_asm(t), X86_VMOVD_STORE | x86_width(wide), n, 0, x86_r(to));
    jit_finish(t, insn->rd, to);
}

void jit_fmov_w_s(struct translation *t, const struct a64_insn *insn) {
    to_general(t, insn, false);
}

void jit_fmov_x_d(struct translation *t, const struct a64_insn *insn) {
    to_general(t, insn, true);
}

void jit_fmov_x_top(struct translation *t, const struct a64_insn *insn) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    unsigned n = jit_vector(t, insn->rn, XMM0);
    x86_vex(jit_asm(t), VPEXTRD | X86_W, n, 0, x86_r(to));
    x86_imm8(jit_asm(t), 1);
    jit_finish(t, insn->rd, to);
}

/* Through general registers, as conditional moves have no vector form. */
void jit_fcsel(struct translation *t, const struct a64_insn *insn) {
    const uint32_t wide = insn->size == 3 ? X86_W : 0;
    enum x86_cc cc = CC_O;
    if (insn->cond < 14)
        cc = jit_condition(t, insn->cond);
    unsigned n = source(t, insn, insn->rn, XMM0);
    if (insn->cond < 14) {
        unsigned m = source(t, insn, insn->rm, XMM1);
        x86_vex(jit_asm(t), X86_VMOVD_STORE | wide, n, 0, x86_r(RAX));
        x86_vex(jit_asm(t), X86_VMOVD_STORE | wide, m, 0, x86_r(RCX));
        x86_cmov(jit_asm(t), true, cc ^ 1, RAX, x86_r(RCX));
        x86_vex(jit_asm(t), X86_VMOVD | wide, XMM0, 0, x86_r(RAX));
    } else {
        jit_vector_low(t, insn->rn, bytes_of(insn), XMM0);
    }
    jit_vector_write(t, insn->rd, XMM0, 16);
}

/* --- comparisons: UCOMIS sets the invalid flag for signalling NaNs, COMIS for all, like FCMP and FCMPE. */
static void compare(struct translation *t, const struct a64_insn *insn, uint32_t opcode, bool zero) {
    jit_fp_bail_if_denormal(t, insn->size, insn->rn);
    if (!zero)
        jit_fp_bail_if_denormal(t, insn->size, insn->rm);
    unsigned n = source(t, insn, insn->rn, XMM0);
    struct x86_rm m = x86_r(XMM1);
    if (zero)
        jit_op3(t, VPXOR, XMM1, XMM1, XMM1);
    else
        m = jit_vector_rm(t, insn->rm);
    jit_op3_rm(t, jit_fp_packed(opcode, insn->size), n, 0, m);
    if (t->fp_careful)
        jit_flags_set_stored(t, JIT_FLAGS_FP); /* as the handler would, if it has it */
    else
        jit_flags_set_compared(t, insn->size == 3, n, m);
}

void jit_fcmp(struct translation *t, const struct a64_insn *insn) {
    compare(t, insn, VUCOMIS, false);
}

void jit_fcmpe(struct translation *t, const struct a64_insn *insn) {
    compare(t, insn, VCOMIS, false);
}

void jit_fcmp_zero(struct translation *t, const struct a64_insn *insn) {
    compare(t, insn, VUCOMIS, true);
}

void jit_fcmpe_zero(struct translation *t, const struct a64_insn *insn) {
    compare(t, insn, VCOMIS, true);
}

/* The comparison, or else a constant, both as a subtraction leaves its flags. */
static void compare_if(struct translation *t, const struct a64_insn *insn, uint32_t opcode) {
    struct x86 *a = jit_asm(t);
    uint8_t *otherwise = NULL;
    if (t->fp_careful) {
        if (t->flags != JIT_FLAGS_NONE)
            jit_flags_set_stored(t, t->flags); /* for the handler */
        jit_call_handler(t);
        return;
    }
    if (insn->cond < COND_ALWAYS)
        otherwise = x86_jcc_short(a, jit_condition(t, insn->cond) ^ 1);
    unsigned n = source(t, insn, insn->rn, XMM0);
    struct x86_rm m = jit_vector_rm(t, insn->rm);
    jit_op3_rm(t, jit_fp_packed(opcode, insn->size), n, 0, m);
    jit_flags_set_compared(t, insn->size == 3, n, m);
    jit_flags_subtracted(t);
    if (otherwise) {
        uint8_t *done = x86_jmp_short(a);
        x86_bind_short(a, otherwise);
        jit_flags_constant(t, insn->nzcv, true);
        x86_bind_short(a, done);
    }
}

void jit_fccmp(struct translation *t, const struct a64_insn *insn) {
    compare_if(t, insn, VUCOMIS);
}

void jit_fccmpe(struct translation *t, const struct a64_insn *insn) {
    compare_if(t, insn, VCOMIS);
}
