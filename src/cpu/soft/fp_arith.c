/* Sums, products, quotients and roots: exact in 128 bits, then rounded once; through the host's FPU where its
 * result and flags cannot differ. */
#include "cpu/soft/fp_host.h"
#include "cpu/soft/fp_number.h"

/* An exact term of a sum: fraction / 2^125 * 2^exponent, below 4.0 * 2^exponent. A product of two 53-bit
 * fractions leaves the low 20 bits clear, so that bits are lost only where the other term is far larger. */
struct term {
    bool sign;
    int exponent;
    fp_uint128 fraction;
};

static struct term term_of(const struct fp_number *n) {
    return (struct term){n->sign, n->exponent, (fp_uint128)n->fraction << 62};
}

static struct term product_of(const struct fp_number *a, const struct fp_number *b) {
    return (struct term){
        a->sign ^ b->sign, a->exponent + b->exponent, (fp_uint128)a->fraction * b->fraction >> 1};
}

static fp_uint128 shift_right_sticky(fp_uint128 value, unsigned shift) {
    if (shift > 127)
        return value != 0;
    fp_uint128 shifted = value >> shift;
    return shifted | (shifted << shift != value);
}

/* In 64 bits, the rest sticky in bit 0; fraction 0 when the term is zero. */
static struct fp_number normalise(const struct term *t) {
    struct fp_number n = {.type = FP_TYPE_ZERO, .sign = t->sign};
    if (!t->fraction)
        return n;
    uint64_t high = t->fraction >> 64;
    unsigned shift = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)t->fraction);
    fp_uint128 fraction = t->fraction << shift;
    n.type = FP_TYPE_FINITE;
    n.exponent = t->exponent + 2 - (int)shift;
    n.fraction = (uint64_t)(fraction >> 64) | ((uint64_t)fraction != 0);
    return n;
}

/* The sign of an exact zero is set as FPAdd and FPMulAdd do. */
static struct fp_number sum_of(const struct cpu *cpu, struct term a, struct term b) {
    if (a.exponent < b.exponent) {
        struct term swap = a;
        a = b;
        b = swap;
    }
    b.fraction = shift_right_sticky(b.fraction, (unsigned)(a.exponent - b.exponent));

    struct term sum = {.exponent = a.exponent};
    if (a.sign == b.sign) {
        sum.sign = a.sign;
        sum.fraction = a.fraction + b.fraction;
    } else if (a.fraction == b.fraction) {
        sum.sign = fp_exact_zero_sign(cpu);
    } else {
        bool larger = a.fraction > b.fraction;
        sum.sign = larger ? a.sign : b.sign;
        sum.fraction = larger ? a.fraction - b.fraction : b.fraction - a.fraction;
    }
    return normalise(&sum);
}

static uint64_t round_result(struct cpu *cpu, unsigned size, const struct fp_number *n) {
    if (!n->fraction)
        return fp_make_zero(size, n->sign);
    return fp_round(cpu, size, n, fp_rounding_mode(cpu));
}

static uint64_t add_or_subtract(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool subtract) {
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    uint64_t result;
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){a, b}, 2, &result))
        return result;

    bool sign_b = n[1].sign ^ subtract;
    if (n[0].type == FP_TYPE_INFINITY || n[1].type == FP_TYPE_INFINITY) {
        if (n[0].type == n[1].type && n[0].sign != sign_b)
            return fp_invalid(cpu, size);
        return fp_make_infinity(size, n[0].type == FP_TYPE_INFINITY ? n[0].sign : sign_b);
    }
    struct term second = term_of(&n[1]);
    second.sign = sign_b;
    const struct fp_number sum = sum_of(cpu, term_of(&n[0]), second);
    return round_result(cpu, size, &sum);
}

static uint64_t add(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return add_or_subtract(cpu, size, a, b, false);
}

static uint64_t sub(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return add_or_subtract(cpu, size, a, b, true);
}

static bool is_zero_times_infinity(const struct fp_number *a, const struct fp_number *b) {
    return (a->type == FP_TYPE_ZERO && b->type == FP_TYPE_INFINITY) ||
           (a->type == FP_TYPE_INFINITY && b->type == FP_TYPE_ZERO);
}

static uint64_t multiply(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool extended) {
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    uint64_t result;
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){a, b}, 2, &result))
        return result;

    bool sign = n[0].sign ^ n[1].sign;
    if (is_zero_times_infinity(&n[0], &n[1]))
        return extended ? fp_make_small(size, sign, 1, false) : fp_invalid(cpu, size);
    if (n[0].type == FP_TYPE_INFINITY || n[1].type == FP_TYPE_INFINITY)
        return fp_make_infinity(size, sign);
    const struct term product = product_of(&n[0], &n[1]);
    const struct fp_number normal = normalise(&product);
    return round_result(cpu, size, &normal);
}

static uint64_t mul(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return multiply(cpu, size, a, b, false);
}

static uint64_t mulx(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return multiply(cpu, size, a, b, true);
}

static uint64_t divide_finite(
    struct cpu *cpu, unsigned size, const struct fp_number *a, const struct fp_number *b) {
    fp_uint128 dividend = (fp_uint128)a->fraction << 63;
    uint64_t quotient = (uint64_t)(dividend / b->fraction); /* 0.5 to 2.0 in units of 2^-63 */
    bool inexact = (fp_uint128)quotient * b->fraction != dividend;
    struct fp_number n = {FP_TYPE_FINITE, a->sign ^ b->sign, a->exponent - b->exponent, quotient};
    if (!(n.fraction >> 63)) {
        n.fraction <<= 1;
        n.exponent--;
    }
    n.fraction |= inexact;
    return fp_round(cpu, size, &n, fp_rounding_mode(cpu));
}

static uint64_t div(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    uint64_t result;
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){a, b}, 2, &result))
        return result;

    bool sign = n[0].sign ^ n[1].sign;
    if (n[0].type != FP_TYPE_FINITE && n[0].type == n[1].type) /* inf / inf, 0 / 0 */
        return fp_invalid(cpu, size);
    if (n[0].type == FP_TYPE_INFINITY)
        return fp_make_infinity(size, sign);
    if (n[1].type == FP_TYPE_ZERO) {
        cpu->fpsr |= FPSR_DZC;
        return fp_make_infinity(size, sign);
    }
    if (n[0].type == FP_TYPE_ZERO || n[1].type == FP_TYPE_INFINITY)
        return fp_make_zero(size, sign);
    return divide_finite(cpu, size, &n[0], &n[1]);
}

/* The root of value in [2^126, 2^128), digit by digit, rounded down to so many bits from bit 63 on. */
static uint64_t integer_sqrt(fp_uint128 value, unsigned digits, bool *exact) {
    uint64_t root = 0;
    fp_uint128 square = 0; /* root * root */
    for (unsigned bit = 63; bit > 63 - digits; bit--) {
        fp_uint128 grown = square + ((fp_uint128)root << (bit + 1)) + ((fp_uint128)1 << (2 * bit));
        if (grown <= value) {
            square = grown;
            root |= UINT64_C(1) << bit;
        }
    }
    *exact = square == value;
    return root;
}

static uint64_t square_root(struct cpu *cpu, unsigned size, uint64_t a) {
    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n))
        return fp_process_nan(cpu, size, &n, a);
    if (n.type == FP_TYPE_ZERO)
        return fp_make_zero(size, n.sign);
    if (n.sign)
        return fp_invalid(cpu, size);
    if (n.type == FP_TYPE_INFINITY)
        return fp_make_infinity(size, false);

    int odd = n.exponent & 1;
    bool exact;
    uint64_t root =
        integer_sqrt((fp_uint128)n.fraction << (63 + odd), fp_formats[size].fraction_bits + 3, &exact);
    const struct fp_number result = {FP_TYPE_FINITE, false, (n.exponent - odd) / 2, root | !exact};
    return fp_round(cpu, size, &result, fp_rounding_mode(cpu));
}

static uint64_t muladd(struct cpu *cpu, unsigned size, uint64_t addend, uint64_t a, uint64_t b) {
    const struct fp_number n[] = {
        fp_unpack(cpu, size, addend), fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    bool invalid = is_zero_times_infinity(&n[1], &n[2]);
    uint64_t result;
    if (n[0].type == FP_TYPE_QNAN && invalid)
        return fp_invalid(cpu, size);
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){addend, a, b}, 3, &result))
        return result;

    bool sign = n[1].sign ^ n[2].sign;
    bool infinity = n[1].type == FP_TYPE_INFINITY || n[2].type == FP_TYPE_INFINITY;
    if (invalid || (infinity && n[0].type == FP_TYPE_INFINITY && n[0].sign != sign))
        return fp_invalid(cpu, size);
    if (infinity || n[0].type == FP_TYPE_INFINITY)
        return fp_make_infinity(size, infinity ? sign : n[0].sign);
    const struct fp_number sum = sum_of(cpu, term_of(&n[0]), product_of(&n[1], &n[2]));
    return round_result(cpu, size, &sum);
}

/* FPRecipStepFused (2.0 - a * b) and FPRSqrtStepFused ((3.0 - a * b) / 2.0). */
static uint64_t newton_step(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool square_root_step) {
    a ^= fp_sign_bit(size); /* before the NaN rules, by the pseudocode */
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    uint64_t result;
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){a, b}, 2, &result))
        return result;

    if (is_zero_times_infinity(&n[0], &n[1]))
        return square_root_step ? fp_make_small(size, false, 0, true) : fp_make_small(size, false, 1, false);
    if (n[0].type == FP_TYPE_INFINITY || n[1].type == FP_TYPE_INFINITY)
        return fp_make_infinity(size, n[0].sign ^ n[1].sign);
    const struct term constant = {false, 1, (fp_uint128)(square_root_step ? 3 : 2) << 124};
    struct fp_number sum = sum_of(cpu, constant, product_of(&n[0], &n[1]));
    sum.exponent -= square_root_step;
    return round_result(cpu, size, &sum);
}

static uint64_t recps(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return newton_step(cpu, size, a, b, false);
}

static uint64_t rsqrts(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return newton_step(cpu, size, a, b, true);
}

FP_DEFINE_BINARY(recps, recps)
FP_DEFINE_BINARY(rsqrts, rsqrts)

#define DEFINE_WITH_HOST(name, host)                                                                         \
    uint64_t fp16_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        return name(cpu, 1, a, b);                                                                           \
    }                                                                                                        \
    uint64_t fp32_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        uint64_t result;                                                                                     \
        return host_##host##32(cpu, a, b, &result) ? result : name(cpu, 2, a, b);                            \
    }                                                                                                        \
    uint64_t fp64_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        uint64_t result;                                                                                     \
        return host_##host##64(cpu, a, b, &result) ? result : name(cpu, 3, a, b);                            \
    }
DEFINE_WITH_HOST(add, add)
DEFINE_WITH_HOST(sub, sub)
DEFINE_WITH_HOST(mul, mul)
DEFINE_WITH_HOST(mulx, mul)
DEFINE_WITH_HOST(div, div)

/* FABD clears the sign of the difference, of a NaN as well. */
#define DEFINE_ABD(bits, size)                                                                               \
    uint64_t fp##bits##_abd(struct cpu *cpu, uint64_t a, uint64_t b) {                                       \
        return fp##bits##_sub(cpu, a, b) & ~fp_sign_bit(size);                                               \
    }
DEFINE_ABD(16, 1)
DEFINE_ABD(32, 2)
DEFINE_ABD(64, 3)

uint64_t fp16_sqrt(struct cpu *cpu, uint64_t a) {
    return square_root(cpu, 1, a);
}

uint64_t fp32_sqrt(struct cpu *cpu, uint64_t a) {
    uint64_t result;
    return host_sqrt32(cpu, a, &result) ? result : square_root(cpu, 2, a);
}

uint64_t fp64_sqrt(struct cpu *cpu, uint64_t a) {
    uint64_t result;
    return host_sqrt64(cpu, a, &result) ? result : square_root(cpu, 3, a);
}

uint64_t fp16_muladd(struct cpu *cpu, uint64_t addend, uint64_t a, uint64_t b) {
    return muladd(cpu, 1, addend, a, b);
}

uint64_t fp32_muladd(struct cpu *cpu, uint64_t addend, uint64_t a, uint64_t b) {
    uint64_t result;
    return host_muladd32(cpu, addend, a, b, &result) ? result : muladd(cpu, 2, addend, a, b);
}

uint64_t fp64_muladd(struct cpu *cpu, uint64_t addend, uint64_t a, uint64_t b) {
    uint64_t result;
    return host_muladd64(cpu, addend, a, b, &result) ? result : muladd(cpu, 3, addend, a, b);
}

static uint64_t absolute(struct cpu *cpu, unsigned size, uint64_t a) {
    (void)cpu;
    return a & ~fp_sign_bit(size);
}

static uint64_t negative(struct cpu *cpu, unsigned size, uint64_t a) {
    (void)cpu;
    return a ^ fp_sign_bit(size);
}

FP_DEFINE_UNARY(abs, absolute)
FP_DEFINE_UNARY(neg, negative)
