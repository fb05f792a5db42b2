/* Advanced SIMD with elements of two widths: three different, the long by-element forms, narrowing and
 * widening, and long pairs (isa/simd_different.isa, simd_element.isa, simd_misc.isa, simd_shift.isa). */
#include "cpu/soft/interp/simd.h"

/* --- long and wide: the lower or (q) upper half of the narrow elements makes a whole register of wide ones.
 * In the expression a and b are the narrow elements of rn and rm, wa the wide element of rn, d that of rd, W
 * its type; k is the immediate shift. A scalar form reads zeros beside its element, for QC's sake. */
#define LONG_LOOP(elem, wide, type, wide_type, bits, expr)                                                   \
    for (unsigned i = 0; i < 64 / (bits); i++) {                                                             \
        typedef wide_type W __attribute__((unused));                                                         \
        enum { BITS = (bits) };                                                                              \
        const type a = n.elem[i], b = m.elem[i];                                                             \
        const W wa = cpu->v[insn->rn].wide[i], d = r.wide[i];                                                \
        (void)a, (void)b, (void)wa, (void)d;                                                                 \
        r.wide[i] = (W)(expr);                                                                               \
    }

#define LONG_LOOPS_SIGNED(expr)                                                                              \
    switch (insn->size) {                                                                                    \
    case 0: LONG_LOOP(sb, sh, int8_t, int16_t, 8, expr) break;                                               \
    case 1: LONG_LOOP(sh, ss, int16_t, int32_t, 16, expr) break;                                             \
    default: LONG_LOOP(ss, sd, int32_t, int64_t, 32, expr) break;                                            \
    }

#define LONG_LOOPS_UNSIGNED(expr)                                                                            \
    switch (insn->size) {                                                                                    \
    case 0: LONG_LOOP(b, h, uint8_t, uint16_t, 8, expr) break;                                               \
    case 1: LONG_LOOP(h, s, uint16_t, uint32_t, 16, expr) break;                                             \
    default: LONG_LOOP(s, d, uint32_t, uint64_t, 32, expr) break;                                            \
    }

#define LONG_HANDLER(name, loops)                                                                            \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const unsigned k = insn->amount;                                                                     \
        const union vreg n = narrow_half(insn, cpu->v[insn->rn]), m = narrow_half(insn, simd_rm(cpu, insn)); \
        union vreg r = cpu->v[insn->rd];                                                                     \
        bool qc = false;                                                                                     \
        (void)k, (void)m;                                                                                    \
        loops;                                                                                               \
        simd_set_qc(cpu, qc);                                                                                \
        cpu->v[insn->rd] = simd_low(r, insn->flags & SIMD_SCALAR ? 2u << insn->size : 16);                   \
    }
#define LONG_SIGNED(name, expr)   LONG_HANDLER(name, LONG_LOOPS_SIGNED(expr))
#define LONG_UNSIGNED(name, expr) LONG_HANDLER(name, LONG_LOOPS_UNSIGNED(expr))

static inline union vreg narrow_half(const struct a64_insn *insn, union vreg v) {
    if (insn->flags & SIMD_SCALAR)
        return simd_low(v, 1u << insn->size);
    if (insn->q)
        v.d[0] = v.d[1];
    return v;
}

LONG_SIGNED(saddl, (W)a + b)
LONG_UNSIGNED(uaddl, (W)a + b)
LONG_SIGNED(ssubl, (W)a - b)
LONG_UNSIGNED(usubl, (W)a - b)
/* unsigned, as wide sums wrap; W keeps the sign of the narrow element */
LONG_SIGNED(saddw, (uint64_t)wa + (uint64_t)b)
LONG_UNSIGNED(uaddw, wa + b)
LONG_SIGNED(ssubw, (uint64_t)wa - (uint64_t)b)
LONG_UNSIGNED(usubw, wa - b)

LONG_SIGNED(sabdl, a > b ? (W)a - b : (W)b - a)
LONG_UNSIGNED(uabdl, a > b ? a - b : b - a)
LONG_SIGNED(sabal, (uint64_t)d + (uint64_t)(a > b ? (W)a - b : (W)b - a))
LONG_UNSIGNED(uabal, d + (a > b ? a - b : b - a))

LONG_SIGNED(smull, (W)a *b)
LONG_UNSIGNED(umull, (W)a *b)
LONG_SIGNED(smlal, (uint64_t)d + (uint64_t)((W)a * b))
LONG_UNSIGNED(umlal, d + (W)a * b)
LONG_SIGNED(smlsl, (uint64_t)d - (uint64_t)((W)a * b))
LONG_UNSIGNED(umlsl, d - (W)a * b)

/* 2ab, which saturates in one case: both are the smallest number. */
static inline int64_t sat_double_product(int64_t a, int64_t b, unsigned bits, bool *qc) {
    int64_t product = a * b;
    if (product != INT64_C(1) << (2 * bits - 2))
        return product * 2;
    *qc = true;
    return INT64_MAX >> (64 - 2 * bits);
}

LONG_SIGNED(sqdmull, sat_double_product(a, b, BITS, &qc))
LONG_SIGNED(sqdmlal, sat_add_signed(d, sat_double_product(a, b, BITS, &qc), 2 * BITS, &qc))
LONG_SIGNED(sqdmlsl, sat_sub_signed(d, sat_double_product(a, b, BITS, &qc), 2 * BITS, &qc))

LONG_UNSIGNED(ushll, (W)a << k)
LONG_SIGNED(sshll, (uint64_t)a << k)
LONG_UNSIGNED(shll, (W)a << BITS)

/* --- narrow: the wide elements of rn (a) and rm (b) make the lower half of rd, the upper one cleared, or (q)
 * its upper half, the lower one kept. Saturation knows three kinds: signed, unsigned, and signed to unsigned.
 */
#define NARROW_LOOP(elem, wide, type, wide_type, bits, expr)                                                 \
    for (unsigned i = 0; i < 64 / (bits); i++) {                                                             \
        enum { BITS = (bits) };                                                                              \
        const wide_type a = n.wide[i], b = m.wide[i];                                                        \
        (void)a, (void)b;                                                                                    \
        r.elem[i] = (type)(expr);                                                                            \
    }

#define NARROW_LOOPS_SIGNED(expr)                                                                            \
    switch (insn->size) {                                                                                    \
    case 0: NARROW_LOOP(sb, sh, int8_t, int16_t, 8, expr) break;                                             \
    case 1: NARROW_LOOP(sh, ss, int16_t, int32_t, 16, expr) break;                                           \
    default: NARROW_LOOP(ss, sd, int32_t, int64_t, 32, expr) break;                                          \
    }

#define NARROW_LOOPS_UNSIGNED(expr)                                                                          \
    switch (insn->size) {                                                                                    \
    case 0: NARROW_LOOP(b, h, uint8_t, uint16_t, 8, expr) break;                                             \
    case 1: NARROW_LOOP(h, s, uint16_t, uint32_t, 16, expr) break;                                           \
    default: NARROW_LOOP(s, d, uint32_t, uint64_t, 32, expr) break;                                          \
    }

#define NARROW_HANDLER(name, loops)                                                                          \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const unsigned k = insn->amount, bytes = insn->flags & SIMD_SCALAR ? 2u << insn->size : 16;          \
        const union vreg n = simd_low(cpu->v[insn->rn], bytes), m = cpu->v[insn->rm];                        \
        union vreg r = {0};                                                                                  \
        bool qc = false;                                                                                     \
        (void)k, (void)m;                                                                                    \
        loops;                                                                                               \
        simd_set_qc(cpu, qc);                                                                                \
        if (insn->q)                                                                                         \
            r = (union vreg){.d = {cpu->v[insn->rd].d[0], r.d[0]}};                                          \
        cpu->v[insn->rd] = r;                                                                                \
    }
#define NARROW_SIGNED(name, expr)   NARROW_HANDLER(name, NARROW_LOOPS_SIGNED(expr))
#define NARROW_UNSIGNED(name, expr) NARROW_HANDLER(name, NARROW_LOOPS_UNSIGNED(expr))

NARROW_UNSIGNED(xtn, a)
NARROW_SIGNED(sqxtn, sat_signed(a, BITS, &qc))
NARROW_UNSIGNED(uqxtn, sat_unsigned(a, BITS, &qc))
NARROW_SIGNED(sqxtun, sat_signed_to_unsigned(a, BITS, &qc))

/* The high half of the sum or difference. */
NARROW_UNSIGNED(addhn, (a + b) >> BITS)
NARROW_UNSIGNED(subhn, (a - b) >> BITS)
NARROW_UNSIGNED(raddhn, (a + b + (UINT64_C(1) << (BITS - 1))) >> BITS)
NARROW_UNSIGNED(rsubhn, (a - b + (UINT64_C(1) << (BITS - 1))) >> BITS)

NARROW_UNSIGNED(shrn, SIMD_SHIFT_RIGHT(a, k))
NARROW_UNSIGNED(rshrn, SIMD_SHIFT_RIGHT_ROUNDED(a, k))
NARROW_SIGNED(sqshrn, sat_signed(SIMD_SHIFT_RIGHT(a, k), BITS, &qc))
NARROW_SIGNED(sqrshrn, sat_signed(SIMD_SHIFT_RIGHT_ROUNDED(a, k), BITS, &qc))
NARROW_UNSIGNED(uqshrn, sat_unsigned(SIMD_SHIFT_RIGHT(a, k), BITS, &qc))
NARROW_UNSIGNED(uqrshrn, sat_unsigned(SIMD_SHIFT_RIGHT_ROUNDED(a, k), BITS, &qc))
NARROW_SIGNED(sqshrun, sat_signed_to_unsigned(SIMD_SHIFT_RIGHT(a, k), BITS, &qc))
NARROW_SIGNED(sqrshrun, sat_signed_to_unsigned(SIMD_SHIFT_RIGHT_ROUNDED(a, k), BITS, &qc))

/* --- long pairs: neighbours added into one wide element, on top of rd (ADALP) or not */
#define LONG_PAIR_LOOP(elem, wide, bits, accumulate)                                                         \
    for (unsigned i = 0; i < 64 / (bits); i++)                                                               \
        r.wide[i] = ((accumulate) ? r.wide[i] : 0) + (uint64_t)n.elem[2 * i] + (uint64_t)n.elem[2 * i + 1];

#define LONG_PAIRS(name, bytes, halves, words, accumulate)                                                   \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const union vreg n = cpu->v[insn->rn];                                                               \
        union vreg r = cpu->v[insn->rd];                                                                     \
        switch (insn->size) {                                                                                \
        case 0: LONG_PAIR_LOOP(bytes, h, 8, accumulate) break;                                               \
        case 1: LONG_PAIR_LOOP(halves, s, 16, accumulate) break;                                             \
        default: LONG_PAIR_LOOP(words, d, 32, accumulate) break;                                             \
        }                                                                                                    \
        simd_write(cpu, insn, r);                                                                            \
    }
LONG_PAIRS(saddlp_vec, sb, sh, ss, false)
LONG_PAIRS(uaddlp_vec, b, h, s, false)
LONG_PAIRS(sadalp_vec, sb, sh, ss, true)
LONG_PAIRS(uadalp_vec, b, h, s, true)
