/* Advanced SIMD three same, three same extra, and their scalar and by-element forms: integers
 * (isa/simd_same.isa, isa/simd_element.isa). */
#include "cpu/soft/interp/simd.h"

/* --- arithmetic. 1u keeps products of promoted small elements unsigned. */
SIMD_UNSIGNED(add_vec, a + b)
SIMD_UNSIGNED(sub_vec, a - b)
SIMD_UNSIGNED(mul_vec, 1u * a * b)
SIMD_UNSIGNED(mla_vec, d + 1u * a * b)
SIMD_UNSIGNED(mls_vec, d - 1u * a * b)

/* Halving: the carry of the low bits is added to the halves, so that no wider type is needed. */
SIMD_SIGNED(shadd_vec, (a >> 1) + (b >> 1) + (a & b & 1))
SIMD_UNSIGNED(uhadd_vec, (a >> 1) + (b >> 1) + (a & b & 1))
SIMD_SIGNED(srhadd_vec, (a >> 1) + (b >> 1) + ((a | b) & 1))
SIMD_UNSIGNED(urhadd_vec, (a >> 1) + (b >> 1) + ((a | b) & 1))
SIMD_SIGNED(shsub_vec, (a >> 1) - (b >> 1) - (~a & b & 1))
SIMD_UNSIGNED(uhsub_vec, (a >> 1) - (b >> 1) - (~a & b & 1))

SIMD_SIGNED(smax_vec, a > b ? a : b)
SIMD_UNSIGNED(umax_vec, a > b ? a : b)
SIMD_SIGNED(smin_vec, a < b ? a : b)
SIMD_UNSIGNED(umin_vec, a < b ? a : b)
SIMD_SIGNED(sabd_vec, a > b ? (U)a - (U)b : (U)b - (U)a)
SIMD_UNSIGNED(uabd_vec, a > b ? a - b : b - a)
SIMD_SIGNED(saba_vec, (U)d + (a > b ? (U)a - (U)b : (U)b - (U)a))
SIMD_UNSIGNED(uaba_vec, d + (a > b ? a - b : b - a))

SIMD_UNSIGNED_PAIRS(addp_vec, a + b)
SIMD_SIGNED_PAIRS(smaxp_vec, a > b ? a : b)
SIMD_UNSIGNED_PAIRS(umaxp_vec, a > b ? a : b)
SIMD_SIGNED_PAIRS(sminp_vec, a < b ? a : b)
SIMD_UNSIGNED_PAIRS(uminp_vec, a < b ? a : b)

/* --- comparisons */
SIMD_SIGNED(cmgt_vec, a > b ? -1 : 0)
SIMD_SIGNED(cmge_vec, a >= b ? -1 : 0)
SIMD_UNSIGNED(cmhi_vec, a > b ? -1 : 0)
SIMD_UNSIGNED(cmhs_vec, a >= b ? -1 : 0)
SIMD_UNSIGNED(cmeq_vec, a == b ? -1 : 0)
SIMD_UNSIGNED(cmtst_vec, a &b ? -1 : 0)

/* --- saturating arithmetic */
static inline uint64_t sat_add_unsigned(uint64_t a, uint64_t b, unsigned bits, bool *qc) {
    uint64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sat_unsigned(sum, bits, qc);
    *qc = true;
    return UINT64_MAX;
}

static inline uint64_t sat_sub_unsigned(uint64_t a, uint64_t b, bool *qc) {
    *qc |= a < b;
    return a < b ? 0 : a - b;
}

SIMD_SIGNED_QC(sqadd_vec, sat_add_signed(a, b, BITS, &qc))
SIMD_UNSIGNED_QC(uqadd_vec, sat_add_unsigned(a, b, BITS, &qc))
SIMD_SIGNED_QC(sqsub_vec, sat_sub_signed(a, b, BITS, &qc))
SIMD_UNSIGNED_QC(uqsub_vec, sat_sub_unsigned(a, b, &qc))

/* Doubling, high half: 2ab / 2^BITS, computed as ab / 2^(BITS-1) so that elements of 32 bits fit in 64.
 * Elements of 8 and 64 bits do not occur: the element size as an int64_t keeps those loops well defined. */
static inline int64_t high_half(int64_t product, bool round, unsigned bits) {
    return (product + (round ? INT64_C(1) << (bits - 2) : 0)) >> (bits - 1);
}

#define SIMD_HIGH_HALF(name, expr)                                                                           \
    SIMD_HANDLER_QC(name, if (insn->size == 1) SIMD_LOOP(sh, int16_t, uint16_t, 16, expr) else SIMD_LOOP(    \
                              ss, int32_t, uint32_t, 32, expr))

SIMD_HIGH_HALF(sqdmulh_vec, sat_signed(high_half((int64_t)a *b, false, BITS), BITS, &qc))
SIMD_HIGH_HALF(sqrdmulh_vec, sat_signed(high_half((int64_t)a *b, true, BITS), BITS, &qc))

/* With rd in the high half of the sum: it is scaled by 2^(BITS-1) likewise. */
static inline int64_t high_half_addend(int64_t d, unsigned bits) {
    return d * (INT64_C(1) << (bits - 1));
}

SIMD_HIGH_HALF(
    sqrdmlah_vec, sat_signed(high_half(high_half_addend(d, BITS) + (int64_t)a * b, true, BITS), BITS, &qc))
SIMD_HIGH_HALF(
    sqrdmlsh_vec, sat_signed(high_half(high_half_addend(d, BITS) - (int64_t)a * b, true, BITS), BITS, &qc))

/* --- shifts by register: left by the signed low byte of b, right when it is negative */
static inline int64_t shift_signed(int64_t a, int8_t by, bool round) {
    if (by >= 64)
        return 0;
    if (by >= 0)
        return (int64_t)((uint64_t)a << by);
    if (by <= -64)
        return round ? 0 : a >> 63;
    return round ? SIMD_SHIFT_RIGHT_ROUNDED(a, -by) : a >> -by;
}

static inline uint64_t shift_unsigned(uint64_t a, int8_t by, bool round) {
    if (by >= 64 || by < -64)
        return 0;
    if (by >= 0)
        return a << by;
    return round ? SIMD_SHIFT_RIGHT_ROUNDED(a, -by) : SIMD_SHIFT_RIGHT(a, -by);
}

SIMD_SIGNED(sshl_vec, shift_signed(a, (int8_t)b, false))
SIMD_UNSIGNED(ushl_vec, shift_unsigned(a, (int8_t)b, false))
SIMD_SIGNED(srshl_vec, shift_signed(a, (int8_t)b, true))
SIMD_UNSIGNED(urshl_vec, shift_unsigned(a, (int8_t)b, true))

/* Saturating to the left, as far as it can go wrong there; the immediate forms are the same. */
static inline int64_t sat_shift_signed(int64_t a, int8_t by, bool round, unsigned bits, bool *qc) {
    if (by <= 0)
        return shift_signed(a, by, round);
    return sat_shift_left_signed(a, (unsigned)by, bits, qc);
}

static inline uint64_t sat_shift_unsigned(uint64_t a, int8_t by, bool round, unsigned bits, bool *qc) {
    if (by <= 0)
        return shift_unsigned(a, by, round);
    return sat_shift_left_unsigned(a, (unsigned)by, bits, qc);
}

SIMD_SIGNED_QC(sqshl_vec, sat_shift_signed(a, (int8_t)b, false, BITS, &qc))
SIMD_UNSIGNED_QC(uqshl_vec, sat_shift_unsigned(a, (int8_t)b, false, BITS, &qc))
SIMD_SIGNED_QC(sqrshl_vec, sat_shift_signed(a, (int8_t)b, true, BITS, &qc))
SIMD_UNSIGNED_QC(uqrshl_vec, sat_shift_unsigned(a, (int8_t)b, true, BITS, &qc))

/* --- bitwise */
#define SIMD_BITWISE(name, expr)                                                                             \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];                                         \
        union vreg r = cpu->v[insn->rd];                                                                     \
        for (unsigned i = 0; i < 2; i++) {                                                                   \
            const uint64_t a = n.d[i], b = m.d[i], d = r.d[i];                                               \
            (void)d;                                                                                         \
            r.d[i] = (expr);                                                                                 \
        }                                                                                                    \
        simd_write(cpu, insn, r);                                                                            \
    }
SIMD_BITWISE(and_vec, a &b)
SIMD_BITWISE(bic_vec, a & ~b)
SIMD_BITWISE(orr_vec, a | b)
SIMD_BITWISE(orn_vec, a | ~b)
SIMD_BITWISE(eor_vec, a ^ b)
SIMD_BITWISE(bsl_vec, (a & d) | (b & ~d))
SIMD_BITWISE(bit_vec, (d & ~b) | (a & b))
SIMD_BITWISE(bif_vec, (d & b) | (a & ~b))

/* --- polynomials over {0,1}: bytes, without carries, low half of the product */
EXEC(pmul_vec) {
    cpu_check_fp(cpu);
    const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    union vreg r = {0};
    for (unsigned bit = 0; bit < 8; bit++)
        for (unsigned i = 0; i < 16; i++)
            r.b[i] ^= (uint8_t)((n.b[i] >> bit & 1) * (m.b[i] << bit));
    simd_write(cpu, insn, r);
}

/* --- dot products of four bytes, added to words */
#define SIMD_DOT(name, byte)                                                                                 \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const union vreg n = cpu->v[insn->rn], m = simd_rm(cpu, insn);                                       \
        union vreg r = cpu->v[insn->rd];                                                                     \
        for (unsigned i = 0; i < 16; i++)                                                                    \
            r.s[i / 4] += (uint32_t)(n.byte[i] * m.byte[i]);                                                 \
        simd_write(cpu, insn, r);                                                                            \
    }
SIMD_DOT(sdot_vec, sb)
SIMD_DOT(udot_vec, b)
