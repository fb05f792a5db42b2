/* The reciprocal estimates, by tables that the ARM ARM defines as formulas (RecipEstimate,
 * RecipSqrtEstimate). */
#include "cpu/soft/fp_number.h"

/* a and the result: 256 to 511, for 0.5 to 1.0 and 1.0 to 2.0. */
static unsigned recip_estimate(unsigned a) {
    unsigned middle = a * 2 + 1;
    return ((1U << 19) / middle + 1) / 2;
}

/* a: 128 to 511, for 0.25 to 1.0; the result: 256 to 511, for 1.0 to 2.0. */
static unsigned recip_sqrt_estimate(unsigned a) {
    unsigned middle = a < 256 ? a * 2 + 1 : ((a & ~1U) + 1) * 2;
    unsigned b = 512;
    while (middle * (b + 1) * (b + 1) < 1U << 28)
        b++;
    return (b + 1) / 2;
}

/* fraction52: the bits after the binary point, from bit 51 down; with biased 0 they hold a denormal's leading
 * one. */
static uint64_t assemble(unsigned size, bool sign, int biased, uint64_t fraction52) {
    unsigned bits = fp_formats[size].fraction_bits;
    return fp_make_zero(size, sign) | (uint64_t)biased << bits | fraction52 >> (52 - bits);
}

static uint64_t recip_overflow(struct cpu *cpu, unsigned size, bool sign) {
    enum fp_rounding rounding = fp_rounding_mode(cpu);
    cpu->fpsr |= FPSR_OFC | FPSR_IXC;
    if (rounding == FP_ROUND_TIEEVEN || rounding == (sign ? FP_ROUND_NEGINF : FP_ROUND_POSINF))
        return fp_make_infinity(size, sign);
    return fp_make_max_normal(size, sign);
}

/* FPRecipEstimate */
static uint64_t recpe(struct cpu *cpu, unsigned size, uint64_t a) {
    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n))
        return fp_process_nan(cpu, size, &n, a);
    if (n.type == FP_TYPE_INFINITY)
        return fp_make_zero(size, n.sign);
    if (n.type == FP_TYPE_ZERO) {
        cpu->fpsr |= FPSR_DZC;
        return fp_make_infinity(size, n.sign);
    }

    int min_exponent = fp_formats[size].min_exponent;
    if (n.exponent < min_exponent - 2)
        return recip_overflow(cpu, size, n.sign);
    if (fp_flushes(cpu, size) && n.exponent >= -min_exponent) {
        cpu->fpsr |= FPSR_UFC;
        return fp_make_zero(size, n.sign);
    }

    /* 1 / (m * 2^e) = 0.5 / m * 2 * 2^(-e-1), as 256 to 511 times a power of two */
    unsigned estimate = recip_estimate((unsigned)(n.fraction >> 55));
    uint64_t fraction = (uint64_t)(estimate & 0xff) << 44;
    int biased = -n.exponent - 1 + (1 - min_exponent);
    if (biased == 0) {
        fraction = UINT64_C(1) << 51 | fraction >> 1;
    } else if (biased == -1) {
        fraction = UINT64_C(1) << 50 | fraction >> 2;
        biased = 0;
    }
    return assemble(size, n.sign, biased, fraction);
}

/* FPRSqrtEstimate */
static uint64_t rsqrte(struct cpu *cpu, unsigned size, uint64_t a) {
    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n))
        return fp_process_nan(cpu, size, &n, a);
    if (n.type == FP_TYPE_ZERO) {
        cpu->fpsr |= FPSR_DZC;
        return fp_make_infinity(size, n.sign);
    }
    if (n.sign)
        return fp_invalid(cpu, size);
    if (n.type == FP_TYPE_INFINITY)
        return fp_make_zero(size, false);

    /* 0.25 to 1.0 times an even power of two */
    int odd = n.exponent & 1;
    unsigned estimate = recip_sqrt_estimate((unsigned)(n.fraction >> (odd ? 55 : 56)));
    int half = (n.exponent - odd) / 2;
    int biased = -half - 1 + (1 - fp_formats[size].min_exponent);
    return assemble(size, false, biased, (uint64_t)(estimate & 0xff) << 44);
}

/* FPRecpX: the exponent inverted, the fraction cleared. */
static uint64_t recpx(struct cpu *cpu, unsigned size, uint64_t a) {
    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n))
        return fp_process_nan(cpu, size, &n, a);
    unsigned max_biased = fp_formats[size].max_biased;
    unsigned biased = a >> fp_formats[size].fraction_bits & max_biased;
    return assemble(size, n.sign, (int)(biased ? ~biased & max_biased : max_biased - 1), 0);
}

FP_DEFINE_UNARY(recpe, recpe)
FP_DEFINE_UNARY(rsqrte, rsqrte)
FP_DEFINE_UNARY(recpx, recpx)

uint32_t fp_unsigned_recpe(uint32_t a) {
    return a >> 31 ? recip_estimate(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_unsigned_rsqrte(uint32_t a) {
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : UINT32_MAX;
}
