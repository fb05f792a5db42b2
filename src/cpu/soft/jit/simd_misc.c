/* Advanced SIMD on integers: two registers. None of this changes the host's flags. */
#include "cpu/soft/jit/simd.h"

static const uint32_t absolute[] = {VPABSB, VPABSW, VPABSD}, sub[] = {VPSUBB, VPSUBW, VPSUBD, VPSUBQ};

void jit_neg_vec(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM0);
    jit_op3_rm(t, sub[insn->size], XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_simd_write(t, insn, XMM0);
}

void jit_abs_vec(struct translation *t, const struct a64_insn *insn) {
    if (insn->size < 3) {
        jit_op3_rm(t, absolute[insn->size], XMM0, 0, jit_vector_rm(t, insn->rn));
    } else {
        unsigned n = jit_vector(t, insn->rn, XMM0);
        jit_simd_zeros(t, XMM1);
        jit_op3(t, VPCMPGTQ, XMM1, XMM1, n); /* -1 if negative: (n ^ -1) - -1 */
        jit_op3(t, VPXOR, XMM0, n, XMM1);
        jit_op3(t, VPSUBQ, XMM0, XMM0, XMM1);
    }
    jit_simd_write(t, insn, XMM0);
}

/* xmm0 = table[high nibbles of xmm1] in XMM0, table[low nibbles] in XMM1 */
static void look_up_nibbles(struct translation *t, const struct a64_insn *insn, enum jit_constant table) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_shift(t, JIT_SRL, 1, XMM2, n, 4);
    jit_op3_rm(t, VPAND, XMM1, n, jit_constant(JIT_NIBBLES));
    jit_op3_rm(t, VPAND, XMM2, XMM2, jit_constant(JIT_NIBBLES));
    jit_op3_rm(t, X86_VMOVDQA, XMM3, 0, jit_constant(table));
    jit_op3(t, VPSHUFB, XMM1, XMM3, XMM1);
    jit_op3(t, VPSHUFB, XMM0, XMM3, XMM2);
}

void jit_cnt_vec(struct translation *t, const struct a64_insn *insn) {
    look_up_nibbles(t, insn, JIT_BIT_COUNTS);
    jit_op3(t, VPADDB, XMM0, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

void jit_rbit_vec(struct translation *t, const struct a64_insn *insn) {
    look_up_nibbles(t, insn, JIT_BITS_REVERSED);
    jit_shift(t, JIT_SLL, 1, XMM1, XMM1, 4);
    jit_op3(t, VPOR, XMM0, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

/* --- long pairs: neighbours added into one wide element */
static void add_pairs(struct translation *t, const struct a64_insn *insn, bool is_signed) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    switch (insn->size) {
    case 0: /* the host multiplies unsigned bytes (first) by signed ones, and adds */
        jit_op3_rm(t, X86_VMOVDQA, XMM1, 0, jit_constant(JIT_ONES_B));
        if (is_signed)
            jit_op3(t, VPMADDUBSW, XMM0, XMM1, n);
        else
            jit_op3(t, VPMADDUBSW, XMM0, n, XMM1);
        break;
    case 1:
        if (is_signed) {
            jit_op3_rm(t, VPMADDWD, XMM0, n, jit_constant(JIT_ONES_H));
            break;
        }
        jit_shift(t, JIT_SRL, 2, XMM1, n, 16);
        jit_simd_zeros(t, XMM2);
        jit_op3_imm(t, VPBLENDW, XMM0, n, XMM2, 0xaa);
        jit_op3(t, VPADDD, XMM0, XMM0, XMM1);
        break;
    default:
        if (is_signed) {
            jit_simd_unzip(t, 2, XMM1, n);
            jit_op2(t, VPMOVSXDQ, XMM0, XMM1);
            jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, XMM1, 8);
            jit_op2(t, VPMOVSXDQ, XMM1, XMM1);
        } else {
            jit_shift(t, JIT_SRL, 3, XMM1, n, 32);
            jit_simd_zeros(t, XMM2);
            jit_op3_imm(t, VPBLENDD, XMM0, n, XMM2, 0x0a);
        }
        jit_op3(t, VPADDQ, XMM0, XMM0, XMM1);
    }
}

void jit_saddlp_vec(struct translation *t, const struct a64_insn *insn) {
    add_pairs(t, insn, true);
    jit_simd_write(t, insn, XMM0);
}

void jit_uaddlp_vec(struct translation *t, const struct a64_insn *insn) {
    add_pairs(t, insn, false);
    jit_simd_write(t, insn, XMM0);
}

static void accumulate_pairs(struct translation *t, const struct a64_insn *insn, bool is_signed) {
    add_pairs(t, insn, is_signed);
    jit_op3_rm(t, jit_simd_add(insn->size + 1u), XMM0, XMM0, jit_vector_rm(t, insn->rd));
    jit_simd_write(t, insn, XMM0);
}

void jit_sadalp_vec(struct translation *t, const struct a64_insn *insn) {
    accumulate_pairs(t, insn, true);
}

void jit_uadalp_vec(struct translation *t, const struct a64_insn *insn) {
    accumulate_pairs(t, insn, false);
}
