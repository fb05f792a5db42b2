/* The floating-point library: answers that follow from the ARM ARM's pseudocode, and random operands against
 * the host's FPU in the four rounding modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cpu/soft/fp.h"

enum { RN = 0, RP = 1 << 22, RM = 2 << 22, RZ = 3 << 22 };
enum { IOC = FPSR_IOC, DZC = FPSR_DZC, OFC = FPSR_OFC, UFC = FPSR_UFC, IXC = FPSR_IXC, IDC = FPSR_IDC };
static const uint32_t FZ = FPCR_FZ, DN = FPCR_DN, AHP = FPCR_AHP, FZ16 = FPCR_FZ16;

/* Doubles */
#define INF         0x7ff0000000000000
#define QUIET       0x7ff8000000000123
#define SIGNALLING  0x7ff0000000000456
#define DEFAULT_NAN 0x7ff8000000000000
#define ONE         0x3ff0000000000000
#define TWO         0x4000000000000000
#define MAX         0x7fefffffffffffff
#define MIN         0x0010000000000000 /* smallest normal */
#define TINY        0x0000000000000001
#define NEG         0x8000000000000000

static struct cpu cpu;

/* Each answer must come out whether or not IXC was set before (the host's FPU is then used more freely). */
#define CHECK(mode, call, result, flags)                                                                     \
    do {                                                                                                     \
        for (uint32_t before = 0; before <= IXC; before += IXC) {                                            \
            cpu.fpcr = (mode);                                                                               \
            cpu.fpsr = before;                                                                               \
            assert_int_equal(call, (uint64_t)(result));                                                      \
            assert_int_equal(cpu.fpsr, before | (uint32_t)(flags));                                          \
        }                                                                                                    \
    } while (0)

static void sums(void **state) {
    (void)state;
    CHECK(RN, fp64_add(&cpu, ONE, ONE), TWO, 0);
    CHECK(RN, fp64_add(&cpu, ONE, 0x3ca0000000000000), ONE, IXC); /* 1 + 2^-53: a tie, to even */
    CHECK(RP, fp64_add(&cpu, ONE, 0x3ca0000000000000), ONE + 1, IXC);
    CHECK(RM, fp64_add(&cpu, ONE | NEG, 0xbca0000000000000), (ONE | NEG) + 1, IXC);
    CHECK(RZ, fp64_add(&cpu, ONE | NEG, 0xbca0000000000000), ONE | NEG, IXC);
    CHECK(RN, fp64_add(&cpu, ONE + 1, 0x3ca0000000000000), ONE + 2, IXC);
    CHECK(RN, fp64_add(&cpu, ONE, 0x0010000000000000), ONE, IXC); /* far below */
    CHECK(RZ, fp64_sub(&cpu, ONE, 0x0010000000000000), ONE - 1, IXC);

    CHECK(RN, fp64_sub(&cpu, ONE, ONE), 0, 0);
    CHECK(RM, fp64_sub(&cpu, ONE, ONE), NEG, 0);
    CHECK(RN, fp64_add(&cpu, NEG, NEG), NEG, 0);
    CHECK(RN, fp64_add(&cpu, 0, NEG), 0, 0);
    CHECK(RM, fp64_add(&cpu, 0, NEG), NEG, 0);

    CHECK(RN, fp64_add(&cpu, INF, ONE), INF, 0);
    CHECK(RN, fp64_sub(&cpu, INF, INF), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_sub(&cpu, ONE, INF), INF | NEG, 0);
    CHECK(RN, fp64_add(&cpu, MAX, MAX), INF, OFC | IXC);
    CHECK(RZ, fp64_add(&cpu, MAX, MAX), MAX, OFC | IXC);
    CHECK(RP, fp64_add(&cpu, MAX | NEG, MAX | NEG), MAX | NEG, OFC | IXC);
    CHECK(RM, fp64_add(&cpu, MAX | NEG, MAX | NEG), INF | NEG, OFC | IXC);
    CHECK(RN, fp32_add(&cpu, 0x7f7fffff, 0x73000000), 0x7f800000,
        OFC | IXC); /* half an ulp above the maximum */
    CHECK(RN, fp32_abd(&cpu, 0x3f800000, 0x40000000), 0x3f800000, 0);
    CHECK(RN, fp16_add(&cpu, 0x3c00, 0x3c00), 0x4000, 0);
    CHECK(RN, fp16_add(&cpu, 0x7bff, 0x4c00), 0x7c00, OFC | IXC);
}

/* FPProcessNaNs: a signalling NaN first, then in the order of operands; made quiet. */
static void nans(void **state) {
    (void)state;
    CHECK(RN, fp64_add(&cpu, QUIET, ONE), QUIET, 0);
    CHECK(RN, fp64_add(&cpu, QUIET, SIGNALLING), SIGNALLING | 1ull << 51, IOC);
    CHECK(RN, fp64_mul(&cpu, QUIET, QUIET | NEG), QUIET, 0);
    CHECK(RN, fp64_div(&cpu, INF, SIGNALLING | NEG), SIGNALLING | 1ull << 51 | NEG, IOC);
    CHECK(DN, fp64_add(&cpu, QUIET | NEG, ONE), DEFAULT_NAN, 0);
    CHECK(DN, fp64_add(&cpu, ONE, SIGNALLING), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_sqrt(&cpu, ONE | NEG), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_sqrt(&cpu, NEG), NEG, 0);
    CHECK(RN, fp32_mul(&cpu, 0x7f800000, 0), 0x7fc00000, IOC);
    CHECK(RN, fp32_mulx(&cpu, 0xff800000, 0), 0xc0000000, 0);

    /* FPMulAdd: the addend comes first; inf * 0 beats its quiet NaN */
    CHECK(RN, fp64_muladd(&cpu, QUIET, ONE, QUIET | NEG), QUIET, 0);
    CHECK(RN, fp64_muladd(&cpu, QUIET, SIGNALLING, ONE), SIGNALLING | 1ull << 51, IOC);
    CHECK(RN, fp64_muladd(&cpu, QUIET, INF, 0), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_muladd(&cpu, ONE, 0, INF), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_muladd(&cpu, INF, INF, ONE | NEG), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_muladd(&cpu, INF | NEG, ONE, ONE), INF | NEG, 0);

    /* the step instructions negate their first operand, a NaN as well */
    CHECK(RN, fp64_recps(&cpu, QUIET, ONE), QUIET | NEG, 0);
    CHECK(RN, fp64_abd(&cpu, QUIET | NEG, ONE), QUIET, 0);
    CHECK(RN, fp64_neg(&cpu, SIGNALLING), SIGNALLING | NEG, 0);
}

static void denormals(void **state) {
    (void)state;
    CHECK(RN, fp64_add(&cpu, TINY, TINY), 2, 0); /* exact: no underflow */
    CHECK(RN, fp64_mul(&cpu, MIN, 0x3fe0000000000000), MIN >> 1, 0);
    CHECK(RN, fp64_mul(&cpu, MIN + 1, 0x3fe0000000000000), MIN >> 1, UFC | IXC);
    /* Tiny before rounding, the smallest normal after it: underflow here, none on x86 */
    CHECK(RN, fp64_mul(&cpu, 0x001fffffffffffff, 0x3fe0000000000000), MIN, UFC | IXC);
    CHECK(RP, fp32_mul(&cpu, 0x007fffff, 0x3f800001), 0x00800000, UFC | IXC);

    CHECK(FZ, fp64_add(&cpu, TINY, ONE), ONE, IDC);
    CHECK(FZ, fp64_add(&cpu, TINY | NEG, NEG), NEG, IDC);
    CHECK(FZ, fp64_add(&cpu, QUIET, TINY), QUIET, IDC);
    CHECK(FZ, fp64_mul(&cpu, MIN | NEG, 0x3fe0000000000000), NEG, UFC); /* flushed: not inexact */
    CHECK(FZ, fp64_mul(&cpu, 0x001fffffffffffff, 0x3fe0000000000000), 0, UFC);
    CHECK(FZ, fp64_max(&cpu, TINY, NEG | ONE), 0, IDC);
    CHECK(FZ, fp64_cmeq(&cpu, TINY, NEG), UINT64_MAX, IDC);
    CHECK(FZ, fp64_abs(&cpu, TINY | NEG), TINY, 0);

    /* half precision has its own switch, and no IDC */
    CHECK(FZ, fp16_add(&cpu, 1, 1), 2, 0);
    CHECK(FZ16, fp16_add(&cpu, 1, 0x3c00), 0x3c00, 0);
    CHECK(FZ16, fp16_mul(&cpu, 0x0400, 0x3800), 0, UFC);
    CHECK(FZ16, fp32_add(&cpu, 1, 1), 2, 0);
}

static void products_and_quotients(void **state) {
    (void)state;
    CHECK(RN, fp64_div(&cpu, ONE, 0), INF, DZC);
    CHECK(RN, fp64_div(&cpu, ONE | NEG, 0), INF | NEG, DZC);
    CHECK(RN, fp64_div(&cpu, INF, 0), INF, 0);
    CHECK(RN, fp64_div(&cpu, 0, 0), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_div(&cpu, INF, INF | NEG), DEFAULT_NAN, IOC);
    CHECK(RN, fp64_div(&cpu, ONE, INF | NEG), NEG, 0);
    CHECK(RN, fp64_div(&cpu, ONE, 0x4008000000000000), 0x3fd5555555555555, IXC); /* 1/3 */
    CHECK(RP, fp64_div(&cpu, ONE, 0x4008000000000000), 0x3fd5555555555556, IXC);
    CHECK(RN, fp64_sqrt(&cpu, TWO), 0x3ff6a09e667f3bcd, IXC);
    CHECK(RM, fp64_sqrt(&cpu, TWO), 0x3ff6a09e667f3bcc, IXC);
    CHECK(RN, fp64_sqrt(&cpu, 0x4022000000000000), 0x4008000000000000, 0); /* 9 */
    CHECK(RN, fp16_sqrt(&cpu, 0x4880), 0x4200, 0);                         /* 9 */

    /* fused: (1 + 2^-52)^2 - (1 + 2^-51) = 2^-104 */
    CHECK(RN, fp64_muladd(&cpu, NEG | (ONE + 2), ONE + 1, ONE + 1), 0x3970000000000000, 0);
    CHECK(RN, fp64_muladd(&cpu, NEG | ONE, ONE, ONE), 0, 0);
    CHECK(RM, fp64_muladd(&cpu, NEG | ONE, ONE, ONE), NEG, 0);
    CHECK(RN, fp64_muladd(&cpu, MIN, MIN, MIN), MIN, IXC);
    CHECK(RN, fp64_recps(&cpu, ONE, ONE), ONE, 0);
    CHECK(RN, fp64_recps(&cpu, 0, INF), TWO, 0);
    CHECK(RN, fp64_rsqrts(&cpu, ONE, ONE), ONE, 0);
    CHECK(RN, fp64_rsqrts(&cpu, INF, 0), 0x3ff8000000000000, 0);
    CHECK(RN, fp64_rsqrts(&cpu, INF, ONE), INF | NEG, 0);
}

static void comparisons(void **state) {
    (void)state;
    CHECK(RN, fp_compare(&cpu, 3, ONE, TWO, false), FLAG_N, 0);
    CHECK(RN, fp_compare(&cpu, 3, 0, NEG, true), FLAG_Z | FLAG_C, 0);
    CHECK(RN, fp_compare(&cpu, 3, ONE, NEG | INF, true), FLAG_C, 0);
    CHECK(RN, fp_compare(&cpu, 3, ONE, QUIET, false), FLAG_C | FLAG_V, 0);
    CHECK(RN, fp_compare(&cpu, 3, ONE, QUIET, true), FLAG_C | FLAG_V, IOC);
    CHECK(RN, fp_compare(&cpu, 3, SIGNALLING, ONE, false), FLAG_C | FLAG_V, IOC);
    CHECK(RN, fp64_cmeq(&cpu, QUIET, QUIET), 0, 0);
    CHECK(RN, fp64_cmge(&cpu, QUIET, QUIET), 0, IOC);
    CHECK(RN, fp32_cmgt(&cpu, 0x40000000, 0x3f800000), 0xffffffff, 0);
    CHECK(RN, fp16_acge(&cpu, 0xc000, 0x3c00), 0xffff, 0);

    CHECK(RN, fp64_max(&cpu, NEG, 0), 0, 0);
    CHECK(RN, fp64_min(&cpu, 0, NEG), NEG, 0);
    CHECK(RN, fp64_max(&cpu, ONE, QUIET), QUIET, 0);
    CHECK(RN, fp64_maxnm(&cpu, ONE, QUIET), ONE, 0);
    CHECK(RN, fp64_minnm(&cpu, QUIET, ONE), ONE, 0);
    CHECK(RN, fp64_maxnm(&cpu, QUIET, SIGNALLING), SIGNALLING | 1ull << 51, IOC);
    CHECK(RN, fp64_maxnm(&cpu, QUIET | NEG, QUIET), QUIET | NEG, 0);
    CHECK(RN, fp64_minnm(&cpu, NEG | INF, TWO), NEG | INF, 0);
}

static void formats(void **state) {
    (void)state;
    CHECK(RN, fp_convert(&cpu, 3, 2, 0x3f800000), ONE, 0);
    CHECK(RN, fp_convert(&cpu, 3, 2, 1), 0x36a0000000000000, 0);
    CHECK(RN, fp_convert(&cpu, 2, 3, ONE + 1), 0x3f800000, IXC);
    CHECK(RN, fp_convert(&cpu, 2, 3, MIN), 0, UFC | IXC);
    CHECK(RN, fp_convert(&cpu, 2, 3, SIGNALLING | NEG), 0xffc00000, IOC);
    CHECK(RN, fp_convert(&cpu, 3, 2, 0x7f812345), 0x7ff82468a0000000, IOC);
    CHECK(FZ, fp_convert(&cpu, 3, 2, 1), 0, IDC);
    CHECK(RN, fp_convert(&cpu, 1, 2, 0x477fefff), 0x7bff, IXC);
    CHECK(RN, fp_convert(&cpu, 1, 2, 0x477ff000), 0x7c00, OFC | IXC);
    CHECK(FZ16, fp_convert(&cpu, 2, 1, 1), 0x33800000, 0); /* conversions ignore FZ16 */
    CHECK(FZ16 | FZ, fp_convert(&cpu, 1, 3, 0x3e70000000000000), 1, 0);

    /* FPCR.AHP: a binade more, no infinities, no NaNs */
    CHECK(AHP, fp_convert(&cpu, 2, 1, 0x7c00), 0x47800000, 0);
    CHECK(AHP, fp_convert(&cpu, 1, 2, 0x47ffe000), 0x7fff, 0);
    CHECK(AHP, fp_convert(&cpu, 1, 2, 0xc7fff000), 0xffff, IOC);
    CHECK(AHP, fp_convert(&cpu, 1, 2, 0x7f800000), 0x7fff, IOC);
    CHECK(AHP, fp_convert(&cpu, 1, 3, QUIET | NEG), 0x8000, IOC);

    /* FCVTXN: inexact results become odd, overflow the largest number */
    CHECK(RN, fp64_to_fp32_odd(&cpu, ONE + 1), 0x3f800001, IXC);
    CHECK(RN, fp64_to_fp32_odd(&cpu, 0x3ff000003fffffff), 0x3f800001, IXC);
    CHECK(RN, fp64_to_fp32_odd(&cpu, MAX), 0x7f7fffff, OFC | IXC);
    CHECK(RN, fp64_to_fp32_odd(&cpu, TINY | NEG), 0x80000001, UFC | IXC);

    assert_int_equal(fp_expand_immediate(3, 0x70), ONE);
    assert_int_equal(fp_expand_immediate(3, 0x80), TWO | NEG);
    assert_int_equal(fp_expand_immediate(2, 0x3f), 0x41f80000); /* 31.0 */
    assert_int_equal(fp_expand_immediate(1, 0x40), 0x3000);     /* 0.125 */
}

static void integers(void **state) {
    (void)state;
    const uint64_t half = 0x3fe0000000000000, three_halves = 0x3ff8000000000000;
    CHECK(RN, fp_to_fixed(&cpu, 3, three_halves, 0, false, FP_ROUND_ZERO, 64), 1, IXC);
    CHECK(RN, fp_to_fixed(&cpu, 3, three_halves, 1, false, FP_ROUND_ZERO, 64), 3, 0);
    CHECK(RN, fp_to_fixed(&cpu, 3, half, 0, false, FP_ROUND_TIEEVEN, 64), 0, IXC);
    CHECK(RN, fp_to_fixed(&cpu, 3, half | NEG, 0, false, FP_ROUND_TIEAWAY, 32), 0xffffffff, IXC);
    CHECK(RN, fp_to_fixed(&cpu, 3, half | NEG, 0, true, FP_ROUND_ZERO, 64), 0, IXC);
    CHECK(RN, fp_to_fixed(&cpu, 3, ONE | NEG, 0, true, FP_ROUND_ZERO, 64), 0, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, half | NEG, 0, true, FP_ROUND_NEGINF, 64), 0, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, QUIET, 0, false, FP_ROUND_ZERO, 64), 0, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, INF | NEG, 0, false, FP_ROUND_ZERO, 32), 0x80000000, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, INF, 0, true, FP_ROUND_ZERO, 16), 0xffff, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, 0xc1e0000000000000, 0, false, FP_ROUND_ZERO, 32), 0x80000000, 0);
    CHECK(RN, fp_to_fixed(&cpu, 3, 0x41dfffffffe00000, 0, false, FP_ROUND_TIEEVEN, 32), 0x7fffffff, IOC);
    CHECK(RN, fp_to_fixed(&cpu, 3, 0x43efffffffffffff, 0, true, FP_ROUND_ZERO, 64), 0xfffffffffffff800, 0);

    CHECK(RN, fp_from_fixed(&cpu, 3, (uint64_t)-3, 1, false), 0xbff8000000000000, 0);
    CHECK(RN, fp_from_fixed(&cpu, 3, INT64_MAX, 0, false), 0x43e0000000000000, IXC);
    CHECK(RZ, fp_from_fixed(&cpu, 3, UINT64_MAX, 0, true), 0x43efffffffffffff, IXC);
    CHECK(RN, fp_from_fixed(&cpu, 2, 0x1000001, 0, true), 0x4b800000, IXC);
    CHECK(RN, fp_from_fixed(&cpu, 1, 65520, 0, true), 0x7c00, OFC | IXC);
    CHECK(RM, fp_from_fixed(&cpu, 3, 0, 0, false), 0, 0);

    CHECK(RN, fp_round_to_int(&cpu, 3, three_halves, FP_ROUND_TIEEVEN, false), TWO, 0);
    CHECK(RN, fp_round_to_int(&cpu, 3, half, FP_ROUND_TIEEVEN, true), 0, IXC);
    CHECK(RN, fp_round_to_int(&cpu, 3, half | NEG, FP_ROUND_POSINF, false), NEG, 0);
    CHECK(RN, fp_round_to_int(&cpu, 3, half | NEG, FP_ROUND_TIEAWAY, false), ONE | NEG, 0);
    CHECK(RN, fp_round_to_int(&cpu, 3, SIGNALLING, FP_ROUND_ZERO, false), SIGNALLING | 1ull << 51, IOC);
    CHECK(RN, fp_round_to_int(&cpu, 3, 0x4330000000000001, FP_ROUND_NEGINF, true), 0x4330000000000001, 0);
}

static void javascript(void **state) {
    (void)state;
    bool exact;
    CHECK(RN, fp64_to_int32_javascript(&cpu, 0xc1e0000000000000, &exact), 0x80000000, 0);
    assert_true(exact);
    CHECK(RN, fp64_to_int32_javascript(&cpu, NEG, &exact), 0, 0);
    assert_false(exact);
    CHECK(RN, fp64_to_int32_javascript(&cpu, 0xbff8000000000000, &exact), UINT32_MAX, IXC);
    assert_false(exact);
    CHECK(RN, fp64_to_int32_javascript(&cpu, 0x41f0000000100000, &exact), 1, IOC); /* 2^32 + 1 */
    assert_false(exact);
    CHECK(
        RN, fp64_to_int32_javascript(&cpu, 0x4520000000000001, &exact), 1u << 31, IOC); /* (1 + 2^-52) 2^83 */
    CHECK(RN, fp64_to_int32_javascript(&cpu, 0x4530000000000001, &exact), 0, IOC);
    CHECK(RN, fp64_to_int32_javascript(&cpu, INF, &exact), 0, IOC);
    CHECK(FZ, fp64_to_int32_javascript(&cpu, TINY, &exact), 0, IDC);
    assert_false(exact);
}

/* RecipEstimate and RecipSqrtEstimate of 1.0 are 511/512; the ends of the range have rules of their own. */
static void estimates(void **state) {
    (void)state;
    CHECK(RN, fp32_recpe(&cpu, 0x3f800000), 0x3f7f8000, 0);
    CHECK(RN, fp32_rsqrte(&cpu, 0x3f800000), 0x3f7f8000, 0);
    CHECK(RN, fp32_recpe(&cpu, 0x80000000), 0xff800000, DZC);
    CHECK(RN, fp32_recpe(&cpu, 0x001fffff), 0x7f800000, OFC | IXC); /* below 2^-128 */
    CHECK(RZ, fp32_recpe(&cpu, 0x001fffff), 0x7f7fffff, OFC | IXC);
    CHECK(RN, fp32_recpe(&cpu, 0x7e800000), 0x007fc000, 0); /* 2^126: a denormal result */
    CHECK(FZ, fp32_recpe(&cpu, 0x7e800000), 0, UFC);
    CHECK(RN, fp32_rsqrte(&cpu, 0xbf800000), 0x7fc00000, IOC);
    CHECK(RN, fp32_rsqrte(&cpu, 0x80000000), 0xff800000, DZC);
    CHECK(RN, fp32_rsqrte(&cpu, 0x7f800000), 0, 0);
    CHECK(RN, fp64_recpx(&cpu, ONE), 0x4000000000000000, 0);
    CHECK(RN, fp64_recpx(&cpu, NEG), 0xffe0000000000000, 0);
    assert_int_equal(fp_unsigned_recpe(0x80000000), 0xff800000);
    assert_int_equal(fp_unsigned_recpe(0x7fffffff), 0xffffffff);
    assert_int_equal(fp_unsigned_rsqrte(0x40000000), 0xff800000);
    assert_int_equal(fp_unsigned_rsqrte(0x3fffffff), 0xffffffff);
}

/* --- against the host's FPU ------------------------------------------------------------------------------
 */

static uint64_t seed = 1;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* Exponents near one another and at the ends of the range, fractions with long runs. No NaN. */
static uint64_t random_operand(unsigned fraction_bits, unsigned exponent_bits) {
    uint64_t top = (1ull << exponent_bits) - 1, r = next_random();
    uint64_t exponent = top / 2 + r % 8;
    if (r >> 60 == 0)
        exponent = r >> 8 & top;
    else if (r >> 60 == 1)
        exponent = r >> 8 & 1;
    else if (r >> 60 == 2)
        exponent = top - (r >> 8 & 3);
    uint64_t fraction = next_random() << (r >> 16 & 63);
    if (r & 0x1000)
        fraction = ~fraction;
    fraction = exponent == top ? 0 : fraction & ((1ull << fraction_bits) - 1);
    return (r >> 32 & 1) << (fraction_bits + exponent_bits) | exponent << fraction_bits | fraction;
}

static double as_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float as_float(uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return value;
}

static uint64_t bits_of_double(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static uint64_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

enum operation { ADD, SUB, MUL, DIV, SQRT, FMA, CONVERT, TO_INT, OPERATIONS };
static const char *const operation_names[] = {"add", "sub", "mul", "div", "sqrt", "fma", "convert", "to int"};

/* The flags of the host that mean the same; not underflow, which x86 detects after rounding. */
static uint32_t host_flags(void) {
    int raised = fetestexcept(FE_ALL_EXCEPT);
    return (raised & FE_INVALID ? IOC : 0) | (raised & FE_DIVBYZERO ? DZC : 0) |
           (raised & FE_OVERFLOW ? OFC : 0) | (raised & FE_INEXACT ? IXC : 0);
}

static uint64_t host_double(enum operation op, uint64_t x, uint64_t y, uint64_t z) {
    volatile double a = as_double(x), b = as_double(y), c = as_double(z), result = 0;
    volatile float narrow;
    switch (op) {
    case ADD: result = a + b; break;
    case SUB: result = a - b; break;
    case MUL: result = a * b; break;
    case DIV: result = a / b; break;
    case SQRT: result = sqrt(a); break;
    case FMA: result = fma(a, b, c); break;
    case CONVERT: narrow = (float)a; return bits_of_float(narrow);
    default: return (uint64_t)llrint(a);
    }
    return bits_of_double(result);
}

static uint64_t host_float(enum operation op, uint64_t x, uint64_t y, uint64_t z) {
    volatile float a = as_float(x), b = as_float(y), c = as_float(z), result = 0;
    volatile double wide;
    switch (op) {
    case ADD: result = a + b; break;
    case SUB: result = a - b; break;
    case MUL: result = a * b; break;
    case DIV: result = a / b; break;
    case SQRT: result = sqrtf(a); break;
    case FMA: result = fmaf(a, b, c); break;
    case CONVERT: wide = a; return bits_of_double(wide);
    default: return (uint64_t)llrintf(a);
    }
    return bits_of_float(result);
}

static uint64_t ours(enum operation op, unsigned size, uint64_t a, uint64_t b, uint64_t c) {
    const struct fp_ops *ops = &fp_ops[size];
    switch (op) {
    case ADD: return ops->add(&cpu, a, b);
    case SUB: return ops->sub(&cpu, a, b);
    case MUL: return ops->mul(&cpu, a, b);
    case DIV: return ops->div(&cpu, a, b);
    case SQRT: return ops->sqrt(&cpu, a);
    case FMA: return ops->muladd(&cpu, c, a, b);
    case CONVERT: return fp_convert(&cpu, size == 3 ? 2 : 3, size, a);
    default: return fp_to_fixed(&cpu, size, a, 0, false, fp_rounding_mode(&cpu), 64);
    }
}

static void check_against_host(enum operation op, unsigned size, unsigned mode) {
    static const int host_modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    uint64_t v[3];
    for (unsigned i = 0; i < 3; i++)
        v[i] = size == 3 ? random_operand(52, 11) : random_operand(23, 8);

    fesetround(host_modes[mode]);
    feclearexcept(FE_ALL_EXCEPT);
    uint64_t expected = size == 3 ? host_double(op, v[0], v[1], v[2]) : host_float(op, v[0], v[1], v[2]);
    uint32_t expected_flags = host_flags();
    fesetround(FE_TONEAREST);

    cpu.fpcr = mode << FPCR_RMODE_SHIFT;
    cpu.fpsr = 0;
    uint64_t result = ours(op, size, v[0], v[1], v[2]);
    uint32_t flags = cpu.fpsr & ~(uint32_t)UFC;
    if (expected_flags & IOC) /* each architecture has its own answer */
        expected = result;
    if (result == expected && flags == expected_flags)
        return;
    fail_msg("%s, size %u, rounding %u, of %016llx %016llx %016llx: %016llx flags %02x, the host has %016llx "
             "flags %02x",
        operation_names[op], size, mode, (unsigned long long)v[0], (unsigned long long)v[1],
        (unsigned long long)v[2], (unsigned long long)result, flags, (unsigned long long)expected,
        expected_flags);
}

static void host_fpu(void **state) {
    (void)state;
    for (unsigned i = 0; i < 20000; i++)
        for (unsigned mode = 0; mode < 4; mode++)
            for (enum operation op = 0; op < OPERATIONS; op++)
                for (unsigned size = 2; size <= 3; size++)
                    check_against_host(op, size, mode);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(nans),
        cmocka_unit_test(denormals),
        cmocka_unit_test(products_and_quotients),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(formats),
        cmocka_unit_test(integers),
        cmocka_unit_test(javascript),
        cmocka_unit_test(estimates),
        cmocka_unit_test(host_fpu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
