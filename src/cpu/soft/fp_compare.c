/* Comparisons, maxima and minima. */
#include "cpu/soft/fp_number.h"

/* -1, 0 or 1; neither is a NaN. Flushed operands are zeros already. */
static int order(const struct fp_number *a, const struct fp_number *b) {
    if (a->type == FP_TYPE_ZERO && b->type == FP_TYPE_ZERO)
        return 0;
    if (a->type == FP_TYPE_ZERO || b->type == FP_TYPE_ZERO || a->sign != b->sign) {
        bool less = a->type == FP_TYPE_ZERO ? !b->sign : a->sign;
        return less ? -1 : 1;
    }
    /* An infinity's exponent is above that of every number of its format. */
    if (a->exponent == b->exponent && a->fraction == b->fraction)
        return 0;
    bool smaller = a->exponent < b->exponent || (a->exponent == b->exponent && a->fraction < b->fraction);
    return smaller != a->sign ? -1 : 1;
}

/* A bit pattern as an integer of the same order; the two zeros are equal. */
static inline int64_t ordered_integer(unsigned size, uint64_t bits) {
    int64_t magnitude = (int64_t)(bits & (fp_sign_bit(size) - 1));
    return bits & fp_sign_bit(size) ? -magnitude : magnitude;
}

static inline bool is_number(unsigned size, uint64_t bits) {
    return (bits & (fp_sign_bit(size) - 1)) <= fp_make_infinity(size, false);
}

enum relation { LESS, EQUAL, GREATER, UNORDERED };

/* signal: quiet NaNs are an invalid operation as well. */
static inline enum relation relate(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool signal) {
    if (!fp_flushes(cpu, size) && is_number(size, a) && is_number(size, b)) {
        int64_t x = ordered_integer(size, a), y = ordered_integer(size, b);
        return x < y ? LESS : x == y ? EQUAL : GREATER;
    }
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    if (fp_is_nan(&n[0]) || fp_is_nan(&n[1])) {
        if (signal || n[0].type == FP_TYPE_SNAN || n[1].type == FP_TYPE_SNAN)
            cpu->fpsr |= FPSR_IOC;
        return UNORDERED;
    }
    return (enum relation)(order(&n[0], &n[1]) + EQUAL);
}

unsigned fp_compare(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool signal) {
    static const uint8_t flags[] = {
        [LESS] = FLAG_N,
        [EQUAL] = FLAG_Z | FLAG_C,
        [GREATER] = FLAG_C,
        [UNORDERED] = FLAG_C | FLAG_V,
    };
    return flags[relate(cpu, size, a, b, signal)];
}

static uint64_t element_mask(unsigned size, bool holds) {
    return holds ? ~UINT64_C(0) >> (64 - fp_formats[size].bits) : 0;
}

static uint64_t cmeq(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return element_mask(size, relate(cpu, size, a, b, false) == EQUAL);
}

static uint64_t cmge(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    enum relation relation = relate(cpu, size, a, b, true);
    return element_mask(size, relation == GREATER || relation == EQUAL);
}

static uint64_t cmgt(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return element_mask(size, relate(cpu, size, a, b, true) == GREATER);
}

static uint64_t acge(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return cmge(cpu, size, a & ~fp_sign_bit(size), b & ~fp_sign_bit(size));
}

static uint64_t acgt(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return cmgt(cpu, size, a & ~fp_sign_bit(size), b & ~fp_sign_bit(size));
}

/* FPMax and FPMin. Of two zeros the maximum is negative when both are, the minimum when one is. */
static inline uint64_t extremum(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool maximum) {
    if (!fp_flushes(cpu, size) && is_number(size, a) && is_number(size, b)) {
        int64_t x = ordered_integer(size, a), y = ordered_integer(size, b);
        if (x == y) /* the same pattern, or two zeros */
            return maximum ? a & b : a | b;
        return (x > y) == maximum ? a : b;
    }
    const struct fp_number n[] = {fp_unpack(cpu, size, a), fp_unpack(cpu, size, b)};
    uint64_t result;
    if (fp_process_nans(cpu, size, n, (const uint64_t[]){a, b}, 2, &result))
        return result;
    if (n[0].type == FP_TYPE_ZERO && n[1].type == FP_TYPE_ZERO)
        return fp_make_zero(size, maximum ? n[0].sign && n[1].sign : n[0].sign || n[1].sign);

    bool first = maximum ? order(&n[0], &n[1]) > 0 : order(&n[0], &n[1]) < 0;
    const struct fp_number *chosen = &n[first ? 0 : 1];
    if (chosen->type == FP_TYPE_ZERO)
        return fp_make_zero(size, chosen->sign);
    return first ? a : b;
}

static uint64_t max(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return extremum(cpu, size, a, b, true);
}

static uint64_t min(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return extremum(cpu, size, a, b, false);
}

static bool is_quiet_nan(unsigned size, uint64_t bits) {
    return !is_number(size, bits) && bits & fp_quiet_bit(size);
}

/* FPMaxNum and FPMinNum: a lone quiet NaN becomes the infinity that loses. */
static uint64_t extremum_number(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool maximum) {
    bool quiet_a = is_quiet_nan(size, a), quiet_b = is_quiet_nan(size, b);
    if (quiet_a && !quiet_b)
        a = fp_make_infinity(size, maximum);
    else if (quiet_b && !quiet_a)
        b = fp_make_infinity(size, maximum);
    return extremum(cpu, size, a, b, maximum);
}

static uint64_t maxnm(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return extremum_number(cpu, size, a, b, true);
}

static uint64_t minnm(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b) {
    return extremum_number(cpu, size, a, b, false);
}

FP_DEFINE_BINARY(cmeq, cmeq)
FP_DEFINE_BINARY(cmge, cmge)
FP_DEFINE_BINARY(cmgt, cmgt)
FP_DEFINE_BINARY(acge, acge)
FP_DEFINE_BINARY(acgt, acgt)
FP_DEFINE_BINARY(max, max)
FP_DEFINE_BINARY(min, min)
FP_DEFINE_BINARY(maxnm, maxnm)
FP_DEFINE_BINARY(minnm, minnm)
