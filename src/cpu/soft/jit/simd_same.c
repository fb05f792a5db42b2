/* Advanced SIMD on integers: three registers of one size, bitwise, comparisons, pairs, dot products. Only
 * saturating ones change the host's flags. Saturating forms of words and doubles are left to their handlers.
 */
#include "cpu/soft/fp.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/simd.h"

/* Registers for the next functions: n and m are where the sources lie, the result goes to xmm0. */
struct sources {
    unsigned n, m;
};

static struct sources load(struct translation *t, const struct a64_insn *insn) {
    return (struct sources){jit_vector(t, insn->rn, XMM0), jit_simd_rm(t, insn, XMM1)};
}

unsigned jit_simd_rm(struct translation *t, const struct a64_insn *insn, unsigned scratch) {
    if (!(insn->flags & SIMD_ELEMENT))
        return jit_vector(t, insn->rm, scratch);
    jit_vector_splat(t, scratch, insn->rm, insn->size, insn->index);
    return scratch;
}

void jit_simd_write(struct translation *t, const struct a64_insn *insn, unsigned xmm) {
    jit_vector_write(t, insn->rd, xmm, simd_bytes(insn));
}

void jit_simd_ones(struct translation *t, unsigned xmm) {
    jit_op3(t, VPCMPEQD, xmm, xmm, xmm);
}

void jit_simd_zeros(struct translation *t, unsigned xmm) {
    jit_op3(t, VPXOR, xmm, xmm, xmm);
}

static void invert(struct translation *t, unsigned xmm, unsigned scratch) {
    jit_simd_ones(t, scratch);
    jit_op3(t, VPXOR, xmm, xmm, scratch);
}

/* Opcodes by size of the elements. */
typedef const uint32_t by_size[4];
static by_size add = {VPADDB, VPADDW, VPADDD, VPADDQ}, sub = {VPSUBB, VPSUBW, VPSUBD, VPSUBQ},
               equal = {VPCMPEQB, VPCMPEQW, VPCMPEQD, VPCMPEQQ},
               greater = {VPCMPGTB, VPCMPGTW, VPCMPGTD, VPCMPGTQ}, smax = {VPMAXSB, VPMAXSW, VPMAXSD},
               smin = {VPMINSB, VPMINSW, VPMINSD}, umax = {VPMAXUB, VPMAXUW, VPMAXUD},
               umin = {VPMINUB, VPMINUW, VPMINUD}, mul = {0, VPMULLW, VPMULLD}, average = {VPAVGB, VPAVGW};

uint32_t jit_simd_add(unsigned size) {
    return add[size];
}

/* --- one host instruction */
#define LANES(name, op)                                                                                      \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        struct sources s = load(t, insn);                                                                    \
        jit_op3(t, op[insn->size], XMM0, s.n, s.m);                                                          \
        jit_simd_write(t, insn, XMM0);                                                                       \
    }
LANES(add_vec, add)
LANES(sub_vec, sub)
LANES(smax_vec, smax)
LANES(smin_vec, smin)
LANES(umax_vec, umax)
LANES(umin_vec, umin)
LANES(cmeq_vec, equal)
LANES(cmgt_vec, greater)

/* --- saturation: where it happened, the sum is another than the one that wraps */
void jit_simd_saturated_unless_equal(struct translation *t, unsigned a, unsigned b) {
    enum { ALL_BYTES = 0xffff };
    jit_op3(t, VPCMPEQB, XMM5, a, b);
    jit_op2(t, VPMOVMSKB, RAX, XMM5);
    x86_alu_imm(jit_asm(t), false, ALU_CMP, x86_r(RAX), ALL_BYTES);
    uint8_t *equal_all = x86_jcc_short(jit_asm(t), CC_E);
    x86_alu_imm(jit_asm(t), false, ALU_OR, JIT_CPU(fpsr), (int32_t)FPSR_QC);
    x86_bind_short(jit_asm(t), equal_all);
}

static void saturate(
    struct translation *t, const struct a64_insn *insn, by_size saturating, by_size wrapping) {
    if (insn->size > 1) {
        jit_call_handler(t);
        return;
    }
    unsigned n = jit_vector_lanes(t, insn, insn->rn, XMM0), m = jit_vector_lanes(t, insn, insn->rm, XMM1);
    jit_op3(t, wrapping[insn->size], XMM2, n, m);
    jit_op3(t, saturating[insn->size], XMM0, n, m);
    jit_simd_saturated_unless_equal(t, XMM0, XMM2);
    jit_simd_write(t, insn, XMM0);
}

#define SATURATE(name, wrapping, bytes, halves)                                                              \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        static by_size saturating = {bytes, halves};                                                         \
        saturate(t, insn, saturating, wrapping);                                                             \
    }
SATURATE(sqadd_vec, add, VPADDSB, VPADDSW)
SATURATE(uqadd_vec, add, VPADDUSB, VPADDUSW)
SATURATE(sqsub_vec, sub, VPSUBSB, VPSUBSW)
SATURATE(uqsub_vec, sub, VPSUBUSB, VPSUBUSW)

/* --- products; of bytes there is none on the host. */
static void multiply(struct translation *t, const struct a64_insn *insn, struct sources s) {
    if (insn->size) {
        jit_op3(t, mul[insn->size], XMM0, s.n, s.m);
        return;
    }
    /* odd bytes: high ones of 16 bits, as the factor in m is; even bytes: the low byte of the product */
    jit_shift(t, JIT_SRL, 1, XMM2, s.n, 8);
    jit_op3_rm(t, VPAND, XMM3, s.m, jit_constant(JIT_LOW_BYTES_H));
    jit_op3(t, VPXOR, XMM3, XMM3, s.m);
    jit_op3(t, VPMULLW, XMM2, XMM2, XMM3);
    jit_op3(t, VPMULLW, XMM0, s.n, s.m);
    jit_op3_rm(t, VPAND, XMM0, XMM0, jit_constant(JIT_LOW_BYTES_H));
    jit_op3(t, VPOR, XMM0, XMM0, XMM2);
}

void jit_mul_vec(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, load(t, insn));
    jit_simd_write(t, insn, XMM0);
}

/* xmm0 = rd op xmm0, to rd: accumulation. */
static void accumulate(struct translation *t, const struct a64_insn *insn, by_size op) {
    jit_op3(t, op[insn->size], XMM0, jit_vector(t, insn->rd, XMM1), XMM0);
    jit_simd_write(t, insn, XMM0);
}

void jit_mla_vec(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, load(t, insn));
    accumulate(t, insn, add);
}

void jit_mls_vec(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, load(t, insn));
    accumulate(t, insn, sub);
}

/* --- absolute differences: the larger one less the smaller one */
static void difference(struct translation *t, const struct a64_insn *insn, by_size max, by_size min) {
    struct sources s = load(t, insn);
    jit_op3(t, max[insn->size], XMM2, s.n, s.m);
    jit_op3(t, min[insn->size], XMM3, s.n, s.m);
    jit_op3(t, sub[insn->size], XMM0, XMM2, XMM3);
}

void jit_sabd_vec(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, smax, smin);
    jit_simd_write(t, insn, XMM0);
}

void jit_uabd_vec(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, umax, umin);
    jit_simd_write(t, insn, XMM0);
}

void jit_saba_vec(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, smax, smin);
    accumulate(t, insn, add);
}

void jit_uaba_vec(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, umax, umin);
    accumulate(t, insn, add);
}

/* --- averages: rounded ones of bytes and halves are the host's, others are (a & b) + (a ^ b) / 2. */
void jit_urhadd_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    if (insn->size < 2) {
        jit_op3(t, average[insn->size], XMM0, s.n, s.m);
    } else {
        jit_op3(t, VPXOR, XMM2, s.n, s.m);
        jit_shift(t, JIT_SRL, insn->size, XMM2, XMM2, 1);
        jit_op3(t, VPOR, XMM0, s.n, s.m);
        jit_op3(t, VPSUBD, XMM0, XMM0, XMM2);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_uhadd_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    jit_op3(t, VPXOR, XMM2, s.n, s.m);
    jit_op3(t, VPAND, XMM0, s.n, s.m);
    jit_simd_shift_right(t, false, insn->size, XMM2, XMM2, 1, XMM3);
    jit_op3(t, add[insn->size], XMM0, XMM0, XMM2);
    jit_simd_write(t, insn, XMM0);
}

/* --- comparisons. a >= b is MAX(a, b) == a, unless elements are of 64 bits, for which there is no MAX. */
static void flip_signs(struct translation *t, struct sources s) {
    jit_op3_rm(t, VPXOR, XMM0, s.n, jit_constant(JIT_SIGN_D));
    jit_op3_rm(t, VPXOR, XMM1, s.m, jit_constant(JIT_SIGN_D));
}

void jit_cmge_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    if (insn->size == 3) {
        jit_op3(t, VPCMPGTQ, XMM0, s.m, s.n);
        invert(t, XMM0, XMM1);
    } else {
        jit_op3(t, smax[insn->size], XMM2, s.n, s.m);
        jit_op3(t, equal[insn->size], XMM0, XMM2, s.n);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_cmhs_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    if (insn->size == 3) {
        flip_signs(t, s);
        jit_op3(t, VPCMPGTQ, XMM0, XMM1, XMM0);
        invert(t, XMM0, XMM1);
    } else {
        jit_op3(t, umax[insn->size], XMM2, s.n, s.m);
        jit_op3(t, equal[insn->size], XMM0, XMM2, s.n);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_cmhi_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    if (insn->size == 3) {
        flip_signs(t, s);
        jit_op3(t, VPCMPGTQ, XMM0, XMM0, XMM1);
    } else {
        jit_op3(t, umin[insn->size], XMM2, s.n, s.m);
        jit_op3(t, equal[insn->size], XMM0, XMM2, s.n);
        invert(t, XMM0, XMM1);
    }
    jit_simd_write(t, insn, XMM0);
}

void jit_cmtst_vec(struct translation *t, const struct a64_insn *insn) {
    struct sources s = load(t, insn);
    jit_op3(t, VPAND, XMM0, s.n, s.m);
    jit_simd_zeros(t, XMM1);
    jit_op3(t, equal[insn->size], XMM0, XMM0, XMM1);
    invert(t, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

/* With zero. */
void jit_cmeq0_vec(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM0);
    jit_op3_rm(t, equal[insn->size], XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_simd_write(t, insn, XMM0);
}

static void less_than_zero(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM0);
    jit_op3_rm(t, greater[insn->size], XMM0, XMM0, jit_vector_rm(t, insn->rn));
}

void jit_cmlt0_vec(struct translation *t, const struct a64_insn *insn) {
    less_than_zero(t, insn);
    jit_simd_write(t, insn, XMM0);
}

void jit_cmge0_vec(struct translation *t, const struct a64_insn *insn) {
    less_than_zero(t, insn);
    invert(t, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

static void greater_than_zero(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM1);
    jit_op3(t, greater[insn->size], XMM0, jit_vector(t, insn->rn, XMM0), XMM1);
}

void jit_cmgt0_vec(struct translation *t, const struct a64_insn *insn) {
    greater_than_zero(t, insn);
    jit_simd_write(t, insn, XMM0);
}

void jit_cmle0_vec(struct translation *t, const struct a64_insn *insn) {
    greater_than_zero(t, insn);
    invert(t, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

/* --- bitwise; op is VPAND, VPOR, VPXOR */
static void bitwise(struct translation *t, const struct a64_insn *insn, uint32_t op) {
    jit_op3_rm(t, op, XMM0, jit_vector(t, insn->rn, XMM0), jit_vector_rm(t, insn->rm));
    jit_simd_write(t, insn, XMM0);
}

void jit_and_vec(struct translation *t, const struct a64_insn *insn) {
    bitwise(t, insn, VPAND);
}

/* Also the register move. */
void jit_orr_vec(struct translation *t, const struct a64_insn *insn) {
    if (insn->rn != insn->rm) {
        bitwise(t, insn, VPOR);
        return;
    }
    unsigned bytes = simd_bytes(insn);
    unsigned n = bytes == 16 ? jit_vector(t, insn->rn, XMM0) : jit_vector_low(t, insn->rn, bytes, XMM0);
    jit_vector_write(t, insn->rd, n, 16);
}

void jit_eor_vec(struct translation *t, const struct a64_insn *insn) {
    bitwise(t, insn, VPXOR);
}

void jit_bic_vec(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VPANDN, XMM0, jit_vector(t, insn->rm, XMM0), jit_vector_rm(t, insn->rn));
    jit_simd_write(t, insn, XMM0);
}

void jit_orn_vec(struct translation *t, const struct a64_insn *insn) {
    jit_simd_ones(t, XMM0);
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rm));
    jit_op3_rm(t, VPOR, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_simd_write(t, insn, XMM0);
}

void jit_not_vec(struct translation *t, const struct a64_insn *insn) {
    jit_simd_ones(t, XMM0);
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    jit_simd_write(t, insn, XMM0);
}

/* rd = mask ? set : clear, bit by bit: three registers */
static void select_bits(
    struct translation *t, const struct a64_insn *insn, unsigned mask, unsigned set, unsigned clear) {
    unsigned in = jit_vector(t, mask, XMM1);
    jit_op3_rm(t, VPAND, XMM0, in, jit_vector_rm(t, set));
    jit_op3_rm(t, VPANDN, XMM1, in, jit_vector_rm(t, clear));
    jit_op3(t, VPOR, XMM0, XMM0, XMM1);
    jit_simd_write(t, insn, XMM0);
}

void jit_bsl_vec(struct translation *t, const struct a64_insn *insn) {
    select_bits(t, insn, insn->rd, insn->rn, insn->rm);
}

void jit_bit_vec(struct translation *t, const struct a64_insn *insn) {
    select_bits(t, insn, insn->rm, insn->rn, insn->rd);
}

void jit_bif_vec(struct translation *t, const struct a64_insn *insn) {
    select_bits(t, insn, insn->rm, insn->rd, insn->rn);
}

/* --- shifts by register: left by the signed low byte of an element, right if it is negative. The host's give
 * 0 for distances beyond the element, so both are made, one of which is then 0 or, for no shift at all, the
 * same. */
void jit_ushl_vec(struct translation *t, const struct a64_insn *insn) {
    const uint32_t wide = x86_width(insn->size == 3);
    const enum jit_constant low_byte = insn->size == 3 ? JIT_LOW_BYTES_D : JIT_LOW_BYTES_S;
    if (insn->size < 2) {
        jit_call_handler(t);
        return;
    }
    struct sources s = load(t, insn);
    jit_simd_zeros(t, XMM2);
    jit_op3(t, VPSUBB, XMM2, XMM2, s.m);
    jit_op3_rm(t, VPAND, XMM3, s.m, jit_constant(low_byte));
    jit_op3_rm(t, VPAND, XMM2, XMM2, jit_constant(low_byte));
    jit_op3(t, VPSLLVD | wide, XMM3, s.n, XMM3);
    jit_op3(t, VPSRLVD | wide, XMM2, s.n, XMM2);
    jit_op3(t, VPOR, XMM0, XMM2, XMM3);
    jit_simd_write(t, insn, XMM0);
}

/* --- pairs: the even elements of rm:rn with the odd ones */
void jit_simd_unzip(struct translation *t, unsigned size, unsigned to, unsigned from) {
    enum { EVEN_ODD = 0xd8 };
    switch (size) {
    case 0: jit_op3_rm(t, VPSHUFB, to, from, jit_constant(JIT_UNZIP_B)); break;
    case 1: jit_op3_rm(t, VPSHUFB, to, from, jit_constant(JIT_UNZIP_H)); break;
    case 2: jit_op2_imm(t, VPSHUFD, to, from, EVEN_ODD); break;
    default:
        if (to != from)
            jit_op2(t, X86_VMOVDQA, to, from);
    }
}

void jit_simd_pairs(struct translation *t, const struct a64_insn *insn, unsigned even, unsigned odd) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    if (insn->q) {
        unsigned m = jit_vector(t, insn->rm, XMM1);
        jit_simd_unzip(t, insn->size, XMM2, n);
        jit_simd_unzip(t, insn->size, XMM3, m);
        jit_op3(t, VPUNPCKLQDQ, even, XMM2, XMM3);
        jit_op3(t, VPUNPCKHQDQ, odd, XMM2, XMM3);
    } else {
        jit_op3_rm(t, VPUNPCKLQDQ, even, n, jit_vector_rm(t, insn->rm));
        jit_simd_unzip(t, insn->size, even, even);
        jit_shift_bytes(t, JIT_SRL_BYTES, odd, even, 8);
    }
}

#define PAIRS(name, op)                                                                                      \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        jit_simd_pairs(t, insn, XMM0, XMM1);                                                                 \
        jit_op3(t, op[insn->size], XMM0, XMM0, XMM1);                                                        \
        jit_simd_write(t, insn, XMM0);                                                                       \
    }
PAIRS(addp_vec, add)
PAIRS(smaxp_vec, smax)
PAIRS(sminp_vec, smin)
PAIRS(umaxp_vec, umax)
PAIRS(uminp_vec, umin)

void jit_addp_scalar(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, n, 8);
    jit_op3(t, VPADDQ, XMM0, n, XMM1);
    jit_vector_write(t, insn->rd, XMM0, 8);
}

/* --- across lanes: halves are folded onto each other until one element is left */
static void across(struct translation *t, const struct a64_insn *insn, by_size op) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    for (unsigned bytes = 4u << insn->q; bytes >= 1u << insn->size; bytes /= 2) {
        jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, n, bytes);
        jit_op3(t, op[insn->size], XMM0, n, XMM1);
        n = XMM0;
    }
    jit_vector_write(t, insn->rd, XMM0, 1u << insn->size);
}

#define ACROSS(name, op)                                                                                     \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        across(t, insn, op);                                                                                 \
    }
ACROSS(smaxv, smax)
ACROSS(sminv, smin)
ACROSS(umaxv, umax)
ACROSS(uminv, umin)

/* The sum of bytes, in 16 bits: the host adds eight at a time. */
static void sum_of_bytes(struct translation *t, const struct a64_insn *insn) {
    jit_simd_zeros(t, XMM1);
    jit_op3(t, VPSADBW, XMM0, jit_vector(t, insn->rn, XMM0), XMM1);
    if (insn->q) {
        jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, XMM0, 8);
        jit_op3(t, VPADDD, XMM0, XMM0, XMM1);
    }
}

void jit_addv(struct translation *t, const struct a64_insn *insn) {
    if (insn->size) {
        across(t, insn, add);
        return;
    }
    sum_of_bytes(t, insn);
    jit_vector_write(t, insn->rd, XMM0, 1);
}

void jit_uaddlv(struct translation *t, const struct a64_insn *insn) {
    if (insn->size) {
        jit_call_handler(t);
        return;
    }
    sum_of_bytes(t, insn);
    jit_vector_write(t, insn->rd, XMM0, 8);
}

/* --- dot products of four bytes: 16-bit products are added in pairs, then the pairs. */
static void dot(struct translation *t, const struct a64_insn *insn, uint32_t extend) {
    struct sources s = load(t, insn);
    jit_op2(t, extend, XMM2, s.n);
    jit_op2(t, extend, XMM3, s.m);
    jit_op3(t, VPMADDWD, XMM2, XMM2, XMM3);
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM0, s.n, 8);
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM1, s.m, 8);
    jit_op2(t, extend, XMM0, XMM0);
    jit_op2(t, extend, XMM1, XMM1);
    jit_op3(t, VPMADDWD, XMM0, XMM0, XMM1);
    jit_op3(t, VPHADDD, XMM0, XMM2, XMM0);
    accumulate(t, insn, add);
}

void jit_sdot_vec(struct translation *t, const struct a64_insn *insn) {
    dot(t, insn, VPMOVSXBW);
}

void jit_udot_vec(struct translation *t, const struct a64_insn *insn) {
    dot(t, insn, VPMOVZXBW);
}
