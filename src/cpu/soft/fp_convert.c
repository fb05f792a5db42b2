/* Conversions: between formats, to and from integers, to integral values. */
#include "cpu/soft/fp_host.h"
#include "cpu/soft/fp_number.h"

/* FPConvertNaN: keeps the sign and the top bits of the fraction. */
static uint64_t convert_nan(unsigned to, unsigned from, uint64_t a) {
    unsigned to_bits = fp_formats[to].fraction_bits, from_bits = fp_formats[from].fraction_bits;
    uint64_t fraction = (a & ((UINT64_C(1) << from_bits) - 1)) << (52 - from_bits) >> (52 - to_bits);
    return fp_make_infinity(to, a & fp_sign_bit(from)) | fp_quiet_bit(to) | fraction;
}

static uint64_t convert(struct cpu *cpu, unsigned to, unsigned from, uint64_t a, enum fp_rounding rounding) {
    const struct fp_number n = fp_unpack_convert(cpu, from, a);
    bool alternative = to == 1 && cpu->fpcr & FPCR_AHP; /* has neither NaNs nor infinities */
    switch (n.type) {
    case FP_TYPE_ZERO: return fp_make_zero(to, n.sign);
    case FP_TYPE_FINITE: return fp_round_convert(cpu, to, &n, rounding);
    case FP_TYPE_INFINITY:
        if (!alternative)
            return fp_make_infinity(to, n.sign);
        cpu->fpsr |= FPSR_IOC;
        return fp_make_zero(to, n.sign) | 0x7fff;
    default:
        if (n.type == FP_TYPE_SNAN || alternative)
            cpu->fpsr |= FPSR_IOC;
        if (alternative)
            return fp_make_zero(to, n.sign);
        return cpu->fpcr & FPCR_DN ? fp_default_nan(to) : convert_nan(to, from, a);
    }
}

static bool host_convert(struct cpu *cpu, unsigned to, unsigned from, uint64_t a, uint64_t *result) {
    if (to == 3 && from == 2 && host_is_usable32((uint32_t)a)) {
        *result = host_bits64((double)host_value32((uint32_t)a));
        return true;
    }
    if (to != 2 || from != 3 || !host_is_nearest64(cpu) || !host_is_normal64(a))
        return false;
    double value = host_value64(a);
    float narrow = (float)value;
    *result = host_bits32(narrow);
    if (!host_is_plain32((uint32_t)*result))
        return false;
    if ((double)narrow != value)
        cpu->fpsr |= FPSR_IXC;
    return true;
}

uint64_t fp_convert(struct cpu *cpu, unsigned to, unsigned from, uint64_t a) {
    uint64_t result;
    if (host_convert(cpu, to, from, a, &result))
        return result;
    return convert(cpu, to, from, a, fp_rounding_mode(cpu));
}

uint64_t fp64_to_fp32_odd(struct cpu *cpu, uint64_t a) {
    return convert(cpu, 2, 3, a, FP_ROUND_ODD);
}

/* A finite number's magnitude * 2^scale as an integer below 2^65, rounded; saturated there. */
struct integer {
    fp_uint128 magnitude;
    bool inexact;
};

static struct integer integer_of(const struct fp_number *n, int scale, enum fp_rounding rounding) {
    int exponent = n->exponent + scale;
    if (n->type == FP_TYPE_ZERO)
        return (struct integer){0, false};
    if (exponent >= 64)
        return (struct integer){(fp_uint128)1 << 64, false};

    /* 64 bits of integer, 64 bits of fraction, the last one sticky */
    fp_uint128 fixed = (fp_uint128)n->fraction << 64;
    fixed = exponent >= -1 ? fixed >> (63 - exponent) : 1;
    uint64_t error = (uint64_t)fixed, half = UINT64_C(1) << 63;
    struct integer result = {fixed >> 64, error != 0};
    bool up = false;
    switch (rounding) {
    case FP_ROUND_TIEEVEN: up = error > half || (error == half && result.magnitude & 1); break;
    case FP_ROUND_TIEAWAY: up = error >= half; break;
    case FP_ROUND_POSINF: up = error && !n->sign; break;
    case FP_ROUND_NEGINF: up = error && n->sign; break;
    default: break;
    }
    result.magnitude += up;
    return result;
}

/* FPRoundInt */
uint64_t fp_round_to_int(struct cpu *cpu, unsigned size, uint64_t a, enum fp_rounding rounding, bool exact) {
    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n))
        return fp_process_nan(cpu, size, &n, a);
    if (n.type == FP_TYPE_ZERO)
        return fp_make_zero(size, n.sign);
    if (n.type == FP_TYPE_INFINITY || n.exponent >= (int)fp_formats[size].fraction_bits)
        return a;

    struct integer integer = integer_of(&n, 0, rounding);
    if (integer.inexact && exact)
        cpu->fpsr |= FPSR_IXC;
    uint64_t magnitude = (uint64_t)integer.magnitude;
    if (!magnitude)
        return fp_make_zero(size, n.sign);
    int shift = __builtin_clzll(magnitude);
    const struct fp_number result = {FP_TYPE_FINITE, n.sign, 63 - shift, magnitude << shift};
    return fp_round(cpu, size, &result, FP_ROUND_ZERO);
}

/* FCVTZS of single and double precision to an integer, the usual case. */
static bool host_to_int(struct cpu *cpu, unsigned size, uint64_t a, unsigned int_bits, uint64_t *result) {
    if (size == 2 ? !host_is_usable32((uint32_t)a) : size != 3 || !host_is_usable64(a))
        return false;
    double value = size == 2 ? (double)host_value32((uint32_t)a) : host_value64(a);
    double limit = int_bits == 64 ? 0x1p63 : int_bits == 32 ? 0x1p31 : 0x1p15;
    if (!(value > -limit && value < limit))
        return false;
    int64_t integer = (int64_t)value;
    if ((double)integer != value) /* a truncated double converts back exactly */
        cpu->fpsr |= FPSR_IXC;
    *result = (uint64_t)integer & ~UINT64_C(0) >> (64 - int_bits);
    return true;
}

/* FPToFixed */
uint64_t fp_to_fixed(struct cpu *cpu, unsigned size, uint64_t a, unsigned fbits, bool is_unsigned,
    enum fp_rounding rounding, unsigned int_bits) {
    uint64_t result;
    if (rounding == FP_ROUND_ZERO && !is_unsigned && !fbits && host_to_int(cpu, size, a, int_bits, &result))
        return result;

    const struct fp_number n = fp_unpack(cpu, size, a);
    if (fp_is_nan(&n)) {
        cpu->fpsr |= FPSR_IOC;
        return 0;
    }
    uint64_t mask = ~UINT64_C(0) >> (64 - int_bits);
    fp_uint128 limit = is_unsigned ? (n.sign ? 0 : mask) : (mask >> 1) + n.sign;
    struct integer integer = {(fp_uint128)1 << 64, false};
    if (n.type != FP_TYPE_INFINITY)
        integer = integer_of(&n, (int)fbits, rounding);
    if (integer.magnitude > limit) {
        cpu->fpsr |= FPSR_IOC;
        integer.magnitude = limit;
    } else if (integer.inexact) {
        cpu->fpsr |= FPSR_IXC;
    }
    uint64_t magnitude = (uint64_t)integer.magnitude;
    return (n.sign ? -magnitude : magnitude) & mask;
}

static bool host_from_int(
    struct cpu *cpu, unsigned size, uint64_t value, bool is_unsigned, uint64_t *result) {
    uint64_t magnitude = !is_unsigned && value >> 63 ? -value : value;
    if (size < 2 || !host_is_nearest64(cpu))
        return false;
    if (!(cpu->fpsr & FPSR_IXC) && magnitude >> (fp_formats[size].fraction_bits + 1))
        return false;
    if (size == 2)
        *result = host_bits32(is_unsigned ? (float)value : (float)(int64_t)value);
    else
        *result = host_bits64(is_unsigned ? (double)value : (double)(int64_t)value);
    return true;
}

/* FixedToFP */
uint64_t fp_from_fixed(struct cpu *cpu, unsigned size, uint64_t value, unsigned fbits, bool is_unsigned) {
    uint64_t result;
    if (!value)
        return 0;
    if (!fbits && host_from_int(cpu, size, value, is_unsigned, &result))
        return result;

    bool sign = !is_unsigned && value >> 63;
    uint64_t magnitude = sign ? -value : value;
    int shift = __builtin_clzll(magnitude);
    const struct fp_number n = {FP_TYPE_FINITE, sign, 63 - shift - (int)fbits, magnitude << shift};
    return fp_round(cpu, size, &n, fp_rounding_mode(cpu));
}

/* FPToFixedJS */
uint32_t fp64_to_int32_javascript(struct cpu *cpu, uint64_t a, bool *exact) {
    const struct fp_number n = fp_unpack(cpu, 3, a);
    *exact = false;
    if (n.type == FP_TYPE_ZERO) {
        *exact = a == 0; /* neither -0 nor a flushed denormal */
        return 0;
    }
    if (n.type != FP_TYPE_FINITE) {
        cpu->fpsr |= FPSR_IOC;
        return 0;
    }
    if (n.exponent >= 63) {
        cpu->fpsr |= FPSR_IOC;
        uint64_t low = n.exponent > 63 + 31 ? 0 : n.fraction << (n.exponent - 63);
        return (uint32_t)(n.sign ? -low : low);
    }
    struct integer integer = integer_of(&n, 0, FP_ROUND_ZERO);
    uint64_t magnitude = (uint64_t)integer.magnitude;
    if (magnitude > (uint64_t)INT32_MAX + n.sign)
        cpu->fpsr |= FPSR_IOC;
    else if (integer.inexact)
        cpu->fpsr |= FPSR_IXC;
    else
        *exact = true;
    return (uint32_t)(n.sign ? -magnitude : magnitude);
}

/* VFPExpandImm: abcdefgh is sign a, exponent NOT(b):b...b:cd, fraction efgh:0... */
uint64_t fp_expand_immediate(unsigned size, unsigned imm8) {
    const struct fp_format *format = &fp_formats[size];
    int exponent = (int)(imm8 >> 4 & 7) - (imm8 & 0x40 ? 7 : -1);
    uint64_t biased = (uint64_t)(exponent - format->min_exponent + 1);
    return fp_make_zero(size, imm8 >> 7 & 1) | biased << format->fraction_bits |
           (uint64_t)(imm8 & 0xf) << (format->fraction_bits - 4);
}
