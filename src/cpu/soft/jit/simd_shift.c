/* Advanced SIMD: immediates, and shifts by an immediate. None of this changes the host's flags. */
#include "cpu/soft/jit/simd.h"

/* All lanes = the 64 bits; clobbers rax. */
static void splat_immediate(struct translation *t, unsigned xmm, uint64_t imm) {
    if (imm == 0) {
        jit_simd_zeros(t, xmm);
    } else if (imm == UINT64_MAX) {
        jit_simd_ones(t, xmm);
    } else {
        x86_mov_imm(jit_asm(t), RAX, imm);
        x86_vex(jit_asm(t), X86_VMOVD | X86_W, xmm, 0, x86_r(RAX));
        jit_simd_broadcast(t, 3, xmm, xmm);
    }
}

void jit_movi_vec(struct translation *t, const struct a64_insn *insn) {
    splat_immediate(t, XMM0, (uint64_t)insn->imm);
    jit_simd_write(t, insn, XMM0);
}

void jit_orr_imm_vec(struct translation *t, const struct a64_insn *insn) {
    splat_immediate(t, XMM0, (uint64_t)insn->imm);
    jit_op3_rm(t, VPOR, XMM0, XMM0, jit_vector_rm(t, insn->rd));
    jit_simd_write(t, insn, XMM0);
}

void jit_bic_imm_vec(struct translation *t, const struct a64_insn *insn) {
    splat_immediate(t, XMM0, (uint64_t)insn->imm);
    jit_op3_rm(t, VPANDN, XMM0, XMM0, jit_vector_rm(t, insn->rd));
    jit_simd_write(t, insn, XMM0);
}

/* --- shifts by a constant. The host has none of bytes, and none of signed 64-bit elements to the right. */
static uint64_t in_all_bytes(unsigned byte) {
    return (byte & 0xff) * UINT64_C(0x0101010101010101);
}

static void mask_bytes(struct translation *t, unsigned xmm, unsigned byte, unsigned scratch) {
    splat_immediate(t, scratch, in_all_bytes(byte));
    jit_op3(t, VPAND, xmm, xmm, scratch);
}

static void shift_signed_bytes(
    struct translation *t, unsigned to, unsigned from, unsigned amount, unsigned scratch) {
    if (amount > 7)
        amount = 7;
    jit_shift(t, JIT_SRL, 1, to, from, amount);
    mask_bytes(t, to, 0xffu >> amount, scratch);
    splat_immediate(t, scratch, in_all_bytes(0x80u >> amount)); /* where the sign is: (x ^ s) - s */
    jit_op3(t, VPXOR, to, to, scratch);
    jit_op3(t, VPSUBB, to, to, scratch);
}

static void shift_signed_doubles(
    struct translation *t, unsigned to, unsigned from, unsigned amount, unsigned scratch) {
    jit_simd_zeros(t, scratch);
    jit_op3(t, VPCMPGTQ, scratch, scratch, from);
    jit_shift(t, JIT_SRL, 3, to, from, amount);
    jit_shift(t, JIT_SLL, 3, scratch, scratch, 64 - amount);
    jit_op3(t, VPOR, to, to, scratch);
}

void jit_simd_shift_right(struct translation *t, bool is_signed, unsigned size, unsigned to, unsigned from,
    unsigned amount, unsigned scratch) {
    if (is_signed && size == 0) {
        shift_signed_bytes(t, to, from, amount, scratch);
    } else if (is_signed && size == 3) {
        shift_signed_doubles(t, to, from, amount, scratch);
    } else if (is_signed) {
        jit_shift(t, JIT_SRA, size, to, from, amount);
    } else if (size) {
        jit_shift(t, JIT_SRL, size, to, from, amount);
    } else {
        jit_shift(t, JIT_SRL, 1, to, from, amount);
        mask_bytes(t, to, 0xffu >> amount, scratch);
    }
}

void jit_simd_shift_left(
    struct translation *t, unsigned size, unsigned to, unsigned from, unsigned amount, unsigned scratch) {
    if (size) {
        jit_shift(t, JIT_SLL, size, to, from, amount);
    } else {
        jit_shift(t, JIT_SLL, 1, to, from, amount);
        mask_bytes(t, to, 0xffu << amount, scratch);
    }
}

/* --- the forms */
static void shift_right(struct translation *t, const struct a64_insn *insn, bool is_signed) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_simd_shift_right(t, is_signed, insn->size, XMM0, n, insn->amount, XMM1);
}

/* Rounded: the last bit that was shifted out is added, which is bit 0 of what a shift by one less leaves. */
static void shift_right_rounded(struct translation *t, const struct a64_insn *insn, bool is_signed) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    const unsigned bits = 8u << insn->size;
    jit_simd_shift_right(t, is_signed, insn->size, XMM2, n, insn->amount, XMM1);
    jit_simd_shift_left(t, insn->size, XMM3, n, bits - insn->amount, XMM1);
    jit_simd_shift_right(t, false, insn->size, XMM3, XMM3, bits - 1, XMM1);
    jit_op3(t, jit_simd_add(insn->size), XMM0, XMM2, XMM3);
}

static void accumulate(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, jit_simd_add(insn->size), XMM0, XMM0, jit_vector_rm(t, insn->rd));
}

#define SHIFT_RIGHT(name, shift, is_signed, then)                                                            \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        shift(t, insn, is_signed);                                                                           \
        then;                                                                                                \
        jit_simd_write(t, insn, XMM0);                                                                       \
    }
SHIFT_RIGHT(sshr_imm_vec, shift_right, true, )
SHIFT_RIGHT(ushr_imm_vec, shift_right, false, )
SHIFT_RIGHT(srshr_imm_vec, shift_right_rounded, true, )
SHIFT_RIGHT(urshr_imm_vec, shift_right_rounded, false, )
SHIFT_RIGHT(ssra_imm_vec, shift_right, true, accumulate(t, insn))
SHIFT_RIGHT(usra_imm_vec, shift_right, false, accumulate(t, insn))
SHIFT_RIGHT(srsra_imm_vec, shift_right_rounded, true, accumulate(t, insn))
SHIFT_RIGHT(ursra_imm_vec, shift_right_rounded, false, accumulate(t, insn))

void jit_shl_imm_vec(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_simd_shift_left(t, insn->size, XMM0, n, insn->amount, XMM1);
    jit_simd_write(t, insn, XMM0);
}

static uint64_t in_all_lanes(unsigned size, uint64_t value) {
    for (unsigned bits = 8u << size; bits < 64; bits *= 2)
        value |= value << bits;
    return value;
}

/* xmm0 is inserted where the mask (of an element) is clear. */
static void insert_shifted(struct translation *t, const struct a64_insn *insn, uint64_t keep) {
    splat_immediate(t, XMM1, in_all_lanes(insn->size, keep));
    jit_op3_rm(t, VPAND, XMM1, XMM1, jit_vector_rm(t, insn->rd));
    jit_op3(t, VPOR, XMM0, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

void jit_sli_imm_vec(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_simd_shift_left(t, insn->size, XMM0, n, insn->amount, XMM1);
    insert_shifted(t, insn, (UINT64_C(1) << insn->amount) - 1);
}

void jit_sri_imm_vec(struct translation *t, const struct a64_insn *insn) {
    const unsigned bits = 8u << insn->size;
    const uint64_t element = UINT64_MAX >> (64 - bits);
    shift_right(t, insn, false);
    insert_shifted(t, insn, element & ~(element >> (insn->amount - 1) >> 1));
}
