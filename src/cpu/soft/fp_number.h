/* Floating-point values taken apart, for the files of the fp.h library only: FPUnpack, FPRound and the NaN
 * rules of the ARM ARM (shared/functions/float). */
#pragma once

#include "cpu/soft/fp.h"

typedef unsigned __int128 fp_uint128;

struct fp_format {
    unsigned bits;
    unsigned fraction_bits;
    unsigned max_biased; /* all ones: infinities and NaNs */
    int min_exponent;    /* of the smallest normal number */
};
static const struct fp_format fp_formats[4] = {
    [1] = {16, 10, 0x1f, -14},
    [2] = {32, 23, 0xff, -126},
    [3] = {64, 52, 0x7ff, -1022},
};

enum fp_type { FP_TYPE_ZERO, FP_TYPE_FINITE, FP_TYPE_INFINITY, FP_TYPE_QNAN, FP_TYPE_SNAN };

/* fraction / 2^63 * 2^exponent; bit 63 of the fraction is set when finite. A zero has fraction 0 and an
 * exponent below any that arithmetic meets, so that it needs no case of its own in sums. */
struct fp_number {
    enum fp_type type;
    bool sign;
    int exponent;
    uint64_t fraction;
};
enum { FP_ZERO_EXPONENT = -(1 << 20) };

static inline uint64_t fp_sign_bit(unsigned size) {
    return UINT64_C(1) << (fp_formats[size].bits - 1);
}

static inline uint64_t fp_make_zero(unsigned size, bool sign) {
    return sign ? fp_sign_bit(size) : 0;
}

static inline uint64_t fp_make_infinity(unsigned size, bool sign) {
    return fp_make_zero(size, sign) | (uint64_t)fp_formats[size].max_biased << fp_formats[size].fraction_bits;
}

static inline uint64_t fp_make_max_normal(unsigned size, bool sign) {
    return fp_make_infinity(size, sign) - 1;
}

static inline uint64_t fp_quiet_bit(unsigned size) {
    return UINT64_C(1) << (fp_formats[size].fraction_bits - 1);
}

static inline uint64_t fp_default_nan(unsigned size) {
    return fp_make_infinity(size, false) | fp_quiet_bit(size);
}

/* 1.0, 1.5, 2.0 and the like: a power of two with the top fraction bit clear or set. */
static inline uint64_t fp_make_small(unsigned size, bool sign, int exponent, bool half) {
    uint64_t biased = exponent - fp_formats[size].min_exponent + 1;
    return fp_make_zero(size, sign) | biased << fp_formats[size].fraction_bits |
           (half ? fp_quiet_bit(size) : 0);
}

static inline bool fp_is_nan(const struct fp_number *n) {
    return n->type >= FP_TYPE_QNAN;
}

static inline uint64_t fp_invalid(struct cpu *cpu, unsigned size) {
    cpu->fpsr |= FPSR_IOC;
    return fp_default_nan(size);
}

/* Do denormals of this format count as zeros, as operands and results? */
static inline bool fp_flushes(const struct cpu *cpu, unsigned size) {
    return cpu->fpcr & (size == 1 ? FPCR_FZ16 : FPCR_FZ);
}

/* FPUnpack. A flushed operand sets IDC, except in half precision. */
struct fp_number fp_unpack(struct cpu *cpu, unsigned size, uint64_t bits);
/* FPUnpackCV, for conversions between formats: half precision obeys FPCR.AHP and not FPCR.FZ16. */
struct fp_number fp_unpack_convert(struct cpu *cpu, unsigned size, uint64_t bits);

/* FPRound of a number that is not zero; bit 0 of the fraction also stands for all that is below it. Sets OFC,
 * UFC and IXC. */
uint64_t fp_round(struct cpu *cpu, unsigned size, const struct fp_number *n, enum fp_rounding rounding);
/* FPRoundCV: as in fp_unpack_convert. */
uint64_t fp_round_convert(
    struct cpu *cpu, unsigned size, const struct fp_number *n, enum fp_rounding rounding);

/* FPProcessNaN: bits is a NaN of the type in n. */
uint64_t fp_process_nan(struct cpu *cpu, unsigned size, const struct fp_number *n, uint64_t bits);
/* FPProcessNaNs and FPProcessNaNs3: true when there is a NaN among the operands, and then *result is set. */
bool fp_process_nans(struct cpu *cpu, unsigned size, const struct fp_number n[], const uint64_t bits[],
    unsigned count, uint64_t *result);

static inline uint64_t fp_shift_right_sticky(uint64_t value, unsigned shift) {
    if (shift > 63)
        return value != 0;
    return value >> shift | (shift && value << (64 - shift));
}

/* FPRoundingMode NEGINF is the only one that makes a difference of equals negative. */
static inline bool fp_exact_zero_sign(const struct cpu *cpu) {
    return fp_rounding_mode(cpu) == FP_ROUND_NEGINF;
}

/* Defines fp16_NAME, fp32_NAME and fp64_NAME from one function with the size as an argument. */
#define FP_DEFINE_UNARY(name, function)                                                                      \
    uint64_t fp16_##name(struct cpu *cpu, uint64_t a) {                                                      \
        return function(cpu, 1, a);                                                                          \
    }                                                                                                        \
    uint64_t fp32_##name(struct cpu *cpu, uint64_t a) {                                                      \
        return function(cpu, 2, a);                                                                          \
    }                                                                                                        \
    uint64_t fp64_##name(struct cpu *cpu, uint64_t a) {                                                      \
        return function(cpu, 3, a);                                                                          \
    }
#define FP_DEFINE_BINARY(name, function)                                                                     \
    uint64_t fp16_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        return function(cpu, 1, a, b);                                                                       \
    }                                                                                                        \
    uint64_t fp32_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        return function(cpu, 2, a, b);                                                                       \
    }                                                                                                        \
    uint64_t fp64_##name(struct cpu *cpu, uint64_t a, uint64_t b) {                                          \
        return function(cpu, 3, a, b);                                                                       \
    }
