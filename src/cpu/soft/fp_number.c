#include "cpu/soft/fp_number.h"

static struct fp_number unpack(struct cpu *cpu, unsigned size, uint64_t bits, bool flush, bool alternative) {
    const struct fp_format *format = &fp_formats[size];
    uint64_t fraction = bits & ((UINT64_C(1) << format->fraction_bits) - 1);
    unsigned biased = bits >> format->fraction_bits & format->max_biased;
    struct fp_number n = {
        .sign = bits >> (format->bits - 1) & 1,
        .type = FP_TYPE_FINITE,
        .exponent = (int)biased + format->min_exponent - 1,
        .fraction = UINT64_C(1) << 63 | fraction << (63 - format->fraction_bits),
    };

    if (biased == 0) {
        if (fraction && !flush) {
            unsigned shift = __builtin_clzll(fraction);
            n.fraction = fraction << shift;
            n.exponent = format->min_exponent + 63 - (int)format->fraction_bits - (int)shift;
            return n;
        }
        if (fraction && size != 1)
            cpu->fpsr |= FPSR_IDC;
        n.type = FP_TYPE_ZERO;
        n.fraction = 0;
        n.exponent = FP_ZERO_EXPONENT;
    } else if (biased == format->max_biased && !alternative) {
        n.type = !fraction ? FP_TYPE_INFINITY : fraction & fp_quiet_bit(size) ? FP_TYPE_QNAN : FP_TYPE_SNAN;
    }
    return n;
}

struct fp_number fp_unpack(struct cpu *cpu, unsigned size, uint64_t bits) {
    return unpack(cpu, size, bits, fp_flushes(cpu, size), false);
}

struct fp_number fp_unpack_convert(struct cpu *cpu, unsigned size, uint64_t bits) {
    if (size == 1)
        return unpack(cpu, size, bits, false, cpu->fpcr & FPCR_AHP);
    return fp_unpack(cpu, size, bits);
}

static bool rounds_up(enum fp_rounding rounding, bool sign, bool odd, uint64_t error, uint64_t half) {
    switch (rounding) {
    case FP_ROUND_TIEEVEN: return error > half || (error == half && odd);
    case FP_ROUND_TIEAWAY: return error >= half;
    case FP_ROUND_POSINF: return error && !sign;
    case FP_ROUND_NEGINF: return error && sign;
    default: return false;
    }
}

static uint64_t overflow(
    struct cpu *cpu, unsigned size, bool sign, enum fp_rounding rounding, bool alternative) {
    if (alternative) {
        cpu->fpsr |= FPSR_IOC;
        return fp_make_zero(size, sign) | 0x7fff;
    }
    cpu->fpsr |= FPSR_OFC | FPSR_IXC;
    bool to_infinity = rounding == FP_ROUND_TIEEVEN || rounding == FP_ROUND_TIEAWAY ||
                       (rounding == FP_ROUND_POSINF && !sign) || (rounding == FP_ROUND_NEGINF && sign);
    return to_infinity ? fp_make_infinity(size, sign) : fp_make_max_normal(size, sign);
}

/* FPRoundBase. Tininess is detected before rounding. */
static uint64_t round_pack(struct cpu *cpu, unsigned size, const struct fp_number *n,
    enum fp_rounding rounding, bool flush, bool alternative) {
    const struct fp_format *format = &fp_formats[size];
    if (flush && n->exponent < format->min_exponent) {
        cpu->fpsr |= FPSR_UFC;
        return fp_make_zero(size, n->sign);
    }

    int biased = n->exponent - format->min_exponent + 1;
    uint64_t fraction = n->fraction;
    if (biased <= 0) {
        fraction = fp_shift_right_sticky(fraction, (unsigned)(1 - biased));
        biased = 0;
    }

    unsigned dropped = 63 - format->fraction_bits;
    uint64_t mantissa = fraction >> dropped;
    uint64_t error = fraction & ((UINT64_C(1) << dropped) - 1);
    if (biased == 0 && error)
        cpu->fpsr |= FPSR_UFC;
    if (rounds_up(rounding, n->sign, mantissa & 1, error, UINT64_C(1) << (dropped - 1)))
        mantissa++;
    else if (rounding == FP_ROUND_ODD && error)
        mantissa |= 1;

    if (biased == 0)
        biased = mantissa >> format->fraction_bits & 1; /* the largest denormal may have become normal */
    if (mantissa >> (format->fraction_bits + 1)) {
        mantissa >>= 1;
        biased++;
    }
    if (biased >= (int)format->max_biased + (alternative ? 1 : 0))
        return overflow(cpu, size, n->sign, rounding, alternative);
    if (error)
        cpu->fpsr |= FPSR_IXC;
    mantissa &= (UINT64_C(1) << format->fraction_bits) - 1;
    return fp_make_zero(size, n->sign) | (uint64_t)biased << format->fraction_bits | mantissa;
}

uint64_t fp_round(struct cpu *cpu, unsigned size, const struct fp_number *n, enum fp_rounding rounding) {
    return round_pack(cpu, size, n, rounding, fp_flushes(cpu, size), false);
}

uint64_t fp_round_convert(
    struct cpu *cpu, unsigned size, const struct fp_number *n, enum fp_rounding rounding) {
    if (size == 1)
        return round_pack(cpu, size, n, rounding, false, cpu->fpcr & FPCR_AHP);
    return fp_round(cpu, size, n, rounding);
}

uint64_t fp_process_nan(struct cpu *cpu, unsigned size, const struct fp_number *n, uint64_t bits) {
    if (n->type == FP_TYPE_SNAN)
        cpu->fpsr |= FPSR_IOC;
    return cpu->fpcr & FPCR_DN ? fp_default_nan(size) : bits | fp_quiet_bit(size);
}

bool fp_process_nans(struct cpu *cpu, unsigned size, const struct fp_number n[], const uint64_t bits[],
    unsigned count, uint64_t *result) {
    static const enum fp_type order[] = {FP_TYPE_SNAN, FP_TYPE_QNAN};
    for (unsigned t = 0; t < 2; t++) {
        for (unsigned i = 0; i < count; i++) {
            if (n[i].type == order[t]) {
                *result = fp_process_nan(cpu, size, &n[i], bits[i]);
                return true;
            }
        }
    }
    return false;
}
