/* Advanced SIMD copy, permute, extract, table lookup and reversal. None of this changes the host's flags. */
#include "cpu/soft/jit/simd.h"

/* --- copies */
void jit_dup_elem(struct translation *t, const struct a64_insn *insn) {
    jit_vector_splat(t, XMM0, insn->rn, insn->size, insn->index);
    jit_simd_write(t, insn, XMM0);
}

/* The lane in general register `to`, or where it is in memory. */
static void extract(struct translation *t, enum x86_reg to, unsigned reg, unsigned size, unsigned index,
    bool sign, bool wide) {
    struct x86 *a = jit_asm(t);
    struct x86_rm lane = jit_vector_lane(t, reg, size, index, to);
    switch (size) {
    case 0:
        if (sign)
            x86_load8s(a, wide, to, lane);
        else
            x86_load8(a, to, lane);
        break;
    case 1:
        if (sign)
            x86_load16s(a, wide, to, lane);
        else
            x86_load16(a, to, lane);
        break;
    case 2:
        if (sign && wide)
            x86_load32s(a, to, lane);
        else if (!x86_is_reg(lane) || lane.base != to)
            x86_load(a, false, to, lane);
        break;
    default:
        if (!x86_is_reg(lane) || lane.base != to)
            x86_load(a, true, to, lane);
    }
}

void jit_dup_elem_scalar(struct translation *t, const struct a64_insn *insn) {
    extract(t, RAX, insn->rn, insn->size, insn->index, false, false);
    x86_vex(jit_asm(t), X86_VMOVD | X86_W, XMM0, 0, x86_r(RAX));
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_dup_gen(struct translation *t, const struct a64_insn *insn) {
    x86_vex(jit_asm(t), X86_VMOVD | x86_width(insn->size == 3), XMM0, 0, jit_operand(t, insn->rn));
    jit_simd_broadcast(t, insn->size, XMM0, XMM0);
    jit_simd_write(t, insn, XMM0);
}

void jit_umov(struct translation *t, const struct a64_insn *insn) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    extract(t, to, insn->rn, insn->size, insn->index, false, false);
    jit_finish(t, insn->rd, to);
}

void jit_smov(struct translation *t, const struct a64_insn *insn) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    extract(t, to, insn->rn, insn->size, insn->index, true, insn->sf);
    jit_finish(t, insn->rd, to);
}

/* PINSR* of general register or memory */
static void insert(struct translation *t, const struct a64_insn *insn, struct x86_rm from) {
    static const uint32_t op[] = {VPINSRB, VPINSRW, VPINSRD, VPINSRD | X86_W};
    unsigned d = jit_vector(t, insn->rd, XMM0);
    jit_op3_rm(t, op[insn->size], XMM0, d, from);
    x86_imm8(jit_asm(t), insn->index);
    jit_vector_write(t, insn->rd, XMM0, 16);
}

void jit_ins_gen(struct translation *t, const struct a64_insn *insn) {
    insert(t, insn, x86_r(jit_source(t, insn->rn, RAX)));
}

void jit_ins_elem(struct translation *t, const struct a64_insn *insn) {
    extract(t, RAX, insn->rn, insn->size, insn->amount, false, false);
    insert(t, insn, x86_r(RAX));
}

/* --- permutations */
void jit_uzp1(struct translation *t, const struct a64_insn *insn) {
    jit_simd_pairs(t, insn, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

void jit_uzp2(struct translation *t, const struct a64_insn *insn) {
    jit_simd_pairs(t, insn, XMM0, XMM1);
    jit_simd_write(t, insn, XMM1);
}

static const uint32_t interleave_low[] = {VPUNPCKLBW, VPUNPCKLWD, VPUNPCKLDQ, VPUNPCKLQDQ},
                      interleave_high[] = {VPUNPCKHBW, VPUNPCKHWD, VPUNPCKHDQ, VPUNPCKHQDQ};

void jit_zip1(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_op3_rm(t, interleave_low[insn->size], XMM0, n, jit_vector_rm(t, insn->rm));
    jit_simd_write(t, insn, XMM0);
}

void jit_zip2(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    const uint32_t op = insn->q ? interleave_high[insn->size] : interleave_low[insn->size];
    jit_op3_rm(t, op, XMM0, n, jit_vector_rm(t, insn->rm));
    if (!insn->q)
        jit_shift_bytes(t, JIT_SRL_BYTES, XMM0, XMM0, 8);
    jit_simd_write(t, insn, XMM0);
}

/* to = the even elements of `even`, the odd ones of `odd` */
static void blend(struct translation *t, unsigned size, unsigned to, unsigned even, unsigned odd) {
    enum { ODD_WORDS = 0x0a, ODD_HALVES = 0xaa };
    if (size == 2) {
        jit_op3_imm(t, VPBLENDD, to, even, odd, ODD_WORDS);
    } else if (size == 1) {
        jit_op3_imm(t, VPBLENDW, to, even, odd, ODD_HALVES);
    } else {
        jit_op3_rm(t, VPAND, XMM2, even, jit_constant(JIT_LOW_BYTES_H));
        jit_op3_rm(t, VPAND, XMM3, odd, jit_constant(JIT_LOW_BYTES_H));
        jit_op3(t, VPXOR, XMM3, XMM3, odd);
        jit_op3(t, VPOR, to, XMM2, XMM3);
    }
}

void jit_trn1(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    if (insn->size == 3) {
        jit_op3(t, VPUNPCKLQDQ, XMM0, n, m);
    } else {
        jit_shift(t, JIT_SLL, insn->size + 1u, XMM1, m, 8u << insn->size);
        blend(t, insn->size, XMM0, n, XMM1);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_trn2(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    if (insn->size == 3) {
        jit_op3(t, VPUNPCKHQDQ, XMM0, n, m);
    } else {
        jit_shift(t, JIT_SRL, insn->size + 1u, XMM0, n, 8u << insn->size);
        blend(t, insn->size, XMM0, XMM0, m);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_ext(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    if (insn->q) {
        jit_op3_imm(t, VPALIGNR, XMM0, m, n, insn->index);
    } else {
        jit_op3(t, VPUNPCKLQDQ, XMM0, n, m);
        jit_shift_bytes(t, JIT_SRL_BYTES, XMM0, XMM0, insn->index);
    }
    jit_simd_write(t, insn, XMM0);
}

/* --- table lookup. PSHUFB gives 0 for indexes with bit 7: adding 0x70, saturated, sets it from 16 on.
 * Indexes below 16 - those of the registers before - have it after 16 was taken away. */
static void lookup(struct translation *t, const struct a64_insn *insn) {
    unsigned index = jit_vector(t, insn->rm, XMM1);
    for (unsigned i = 0; i <= insn->opc; i++) {
        if (i) {
            jit_op3_rm(t, VPSUBB, XMM1, index, jit_constant(JIT_SIXTEENS));
            index = XMM1;
        }
        jit_op3_rm(t, VPADDUSB, XMM2, index, jit_constant(JIT_TBL_BIAS));
        unsigned table = jit_vector(t, (insn->rn + i) % 32u, XMM3);
        jit_op3(t, VPSHUFB, i ? XMM2 : XMM0, table, XMM2);
        if (i)
            jit_op3(t, VPOR, XMM0, XMM0, XMM2);
    }
}

void jit_tbl(struct translation *t, const struct a64_insn *insn) {
    lookup(t, insn);
    jit_simd_write(t, insn, XMM0);
}

/* Where the index is out of range, rd stays. */
void jit_tbx(struct translation *t, const struct a64_insn *insn) {
    lookup(t, insn);
    unsigned index = jit_vector(t, insn->rm, XMM1);
    jit_op3_rm(t, VPSUBB, XMM2, index, jit_constant(JIT_SIXTEENS));
    for (unsigned i = 0; i < insn->opc; i++) /* the last that is in range is 15 then */
        jit_op3_rm(t, VPSUBB, XMM2, XMM2, jit_constant(JIT_SIXTEENS));
    jit_op3(t, VPMINUB, XMM3, XMM2, index);
    jit_op3(t, VPCMPEQB, XMM2, XMM2, XMM3); /* out of range: nothing was borrowed */
    jit_op3_rm(t, VPAND, XMM2, XMM2, jit_vector_rm(t, insn->rd));
    jit_op3(t, VPOR, XMM0, XMM0, XMM2);
    jit_simd_write(t, insn, XMM0);
}

/* --- elements in the other order within containers */
static void shuffle(struct translation *t, const struct a64_insn *insn, enum jit_constant order) {
    jit_op3_rm(t, VPSHUFB, XMM0, jit_vector(t, insn->rn, XMM0), jit_constant(order));
    jit_simd_write(t, insn, XMM0);
}

void jit_rev64_vec(struct translation *t, const struct a64_insn *insn) {
    enum { SWAP_PAIRS = 0xb1 };
    if (insn->size < 2) {
        shuffle(t, insn, insn->size ? JIT_REV64_H : JIT_REV64_B);
        return;
    }
    jit_op2_imm(t, VPSHUFD, XMM0, jit_vector(t, insn->rn, XMM0), SWAP_PAIRS);
    jit_simd_write(t, insn, XMM0);
}

void jit_rev32_vec(struct translation *t, const struct a64_insn *insn) {
    shuffle(t, insn, insn->size ? JIT_REV32_H : JIT_REV32_B);
}

void jit_rev16_vec(struct translation *t, const struct a64_insn *insn) {
    shuffle(t, insn, JIT_REV16_B);
}
