/* What the Advanced SIMD handlers share: which bytes of a register a form works on, access to lanes, and the
 * loops over lanes.
 *
 * A handler computes a whole register in a local variable and simd_write() clears what the form does not
 * have: rd may be rn or rm, and loops of constant length become host vectors. Where lanes have side effects
 * the inactive ones must not be seen: integer handlers that may set QC read zeros there (zeros never
 * saturate), and floating-point handlers go through the active lanes only. */
#pragma once

#include "cpu/soft/cpu.h"
#include "cpu/soft/fp.h"
#include "cpu/soft/insn.h"
#include "cpu/soft/interp/handler.h"

/* a64_insn.flags, as isa/simd_*.isa sets it */
enum {
    SIMD_SCALAR = 1,  /* the lowest lane alone */
    SIMD_ELEMENT = 2, /* every lane meets lane `index` of rm */
};

/* Bytes that the form works on: one element, or half of a register, or all of it. */
static inline unsigned simd_bytes(const struct a64_insn *insn) {
    return insn->flags & SIMD_SCALAR ? 1u << insn->size : 8u << insn->q;
}

static inline unsigned simd_lanes(const struct a64_insn *insn) {
    return simd_bytes(insn) >> insn->size;
}

/* v with all but the low bytes cleared. */
static inline union vreg simd_low(union vreg v, unsigned bytes) {
    if (bytes < 16)
        v.d[1] = 0;
    if (bytes < 8)
        v.d[0] &= (UINT64_C(1) << bytes * 8) - 1;
    return v;
}

/* The lane, zero-extended. */
static inline uint64_t simd_lane(const union vreg *v, unsigned size, unsigned index) {
    switch (size) {
    case 0: return v->b[index];
    case 1: return v->h[index];
    case 2: return v->s[index];
    default: return v->d[index];
    }
}

static inline int64_t simd_lane_signed(const union vreg *v, unsigned size, unsigned index) {
    switch (size) {
    case 0: return v->sb[index];
    case 1: return v->sh[index];
    case 2: return v->ss[index];
    default: return v->sd[index];
    }
}

static inline void simd_set_lane(union vreg *v, unsigned size, unsigned index, uint64_t value) {
    switch (size) {
    case 0: v->b[index] = (uint8_t)value; break;
    case 1: v->h[index] = (uint16_t)value; break;
    case 2: v->s[index] = (uint32_t)value; break;
    default: v->d[index] = value; break;
    }
}

/* Every lane of a register set to the low bits of value. */
static inline union vreg simd_splat(unsigned size, uint64_t value) {
    static const uint64_t ones[] = {0x0101010101010101, 0x0001000100010001, 0x0000000100000001, 1};
    uint64_t d = (value & UINT64_MAX >> (64 - (8 << size))) * ones[size];
    return (union vreg){.d = {d, d}};
}

/* The second source: a register, or one lane of it in all lanes. */
static inline union vreg simd_rm(const struct cpu *cpu, const struct a64_insn *insn) {
    const union vreg *m = &cpu->v[insn->rm];
    return insn->flags & SIMD_ELEMENT ? simd_splat(insn->size, simd_lane(m, insn->size, insn->index)) : *m;
}

static inline void simd_write(struct cpu *cpu, const struct a64_insn *insn, union vreg r) {
    cpu->v[insn->rd] = simd_low(r, simd_bytes(insn));
}

static inline void simd_set_qc(struct cpu *cpu, bool saturated) {
    if (saturated)
        cpu->fpsr |= FPSR_QC;
}

/* Pairwise operations are lane-wise ones on the even and the odd elements of rm:rn. */
struct simd_pairs {
    union vreg even, odd;
};
struct simd_pairs simd_pairs(const struct cpu *cpu, const struct a64_insn *insn);

/* --- saturation: the value that an element of so many bits can hold; *qc is set when it is another one. */
static inline int64_t sat_signed(int64_t value, unsigned bits, bool *qc) {
    int64_t max = INT64_MAX >> (64 - bits), min = -max - 1;
    int64_t result = value > max ? max : value < min ? min : value;
    *qc |= result != value;
    return result;
}

static inline uint64_t sat_unsigned(uint64_t value, unsigned bits, bool *qc) {
    uint64_t max = UINT64_MAX >> (64 - bits);
    *qc |= value > max;
    return value > max ? max : value;
}

static inline uint64_t sat_signed_to_unsigned(int64_t value, unsigned bits, bool *qc) {
    *qc |= value < 0;
    return value < 0 ? 0 : sat_unsigned((uint64_t)value, bits, qc);
}

static inline int64_t sat_add_signed(int64_t a, int64_t b, unsigned bits, bool *qc) {
    int64_t sum;
    if (!__builtin_add_overflow(a, b, &sum))
        return sat_signed(sum, bits, qc);
    *qc = true;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

static inline int64_t sat_sub_signed(int64_t a, int64_t b, unsigned bits, bool *qc) {
    int64_t difference;
    if (!__builtin_sub_overflow(a, b, &difference))
        return sat_signed(difference, bits, qc);
    *qc = true;
    return a < 0 ? INT64_MIN : INT64_MAX;
}

/* Left by k, which may be more than the element has bits. */
static inline int64_t sat_shift_left_signed(int64_t a, unsigned k, unsigned bits, bool *qc) {
    int64_t max = INT64_MAX >> (64 - bits), min = -max - 1;
    if (k < bits && a <= max >> k && a >= min >> k)
        return (int64_t)((uint64_t)a << k);
    *qc |= a != 0;
    return a > 0 ? max : a < 0 ? min : 0;
}

static inline uint64_t sat_shift_left_unsigned(uint64_t a, unsigned k, unsigned bits, bool *qc) {
    uint64_t max = UINT64_MAX >> (64 - bits);
    if (k < bits && a <= max >> k)
        return a << k;
    *qc |= a != 0;
    return a ? max : 0;
}

/* --- shifts by an amount that is known to be in range: 1 to the bits of the type for right shifts */
#define SIMD_SHIFT_RIGHT(a, k)         ((a) >> ((k)-1) >> 1)
#define SIMD_SHIFT_RIGHT_ROUNDED(a, k) (((a) >> ((k)-1) >> 1) + ((a) >> ((k)-1) & 1))

/* --- handlers. In the expression of a lane, T is the type of an element and U the unsigned one, BITS its
 * width; a, b and d are the elements of rn, rm and rd; k is the immediate shift. */
#define SIMD_LOOP(elem, type, unsigned_type, bits, expr)                                                     \
    for (unsigned i = 0; i < 128 / (bits); i++) {                                                            \
        typedef type T __attribute__((unused));                                                              \
        typedef unsigned_type U __attribute__((unused));                                                     \
        enum { BITS = (bits) };                                                                              \
        const T a = n.elem[i], b = m.elem[i], d = r.elem[i];                                                 \
        (void)a, (void)b, (void)d;                                                                           \
        r.elem[i] = (T)(expr);                                                                               \
    }

#define SIMD_LOOPS_SIGNED(expr)                                                                              \
    switch (insn->size) {                                                                                    \
    case 0: SIMD_LOOP(sb, int8_t, uint8_t, 8, expr) break;                                                   \
    case 1: SIMD_LOOP(sh, int16_t, uint16_t, 16, expr) break;                                                \
    case 2: SIMD_LOOP(ss, int32_t, uint32_t, 32, expr) break;                                                \
    default: SIMD_LOOP(sd, int64_t, uint64_t, 64, expr) break;                                               \
    }

#define SIMD_LOOPS_UNSIGNED(expr)                                                                            \
    switch (insn->size) {                                                                                    \
    case 0: SIMD_LOOP(b, uint8_t, uint8_t, 8, expr) break;                                                   \
    case 1: SIMD_LOOP(h, uint16_t, uint16_t, 16, expr) break;                                                \
    case 2: SIMD_LOOP(s, uint32_t, uint32_t, 32, expr) break;                                                \
    default: SIMD_LOOP(d, uint64_t, uint64_t, 64, expr) break;                                               \
    }

#define SIMD_HANDLER(name, loops)                                                                            \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const unsigned k = insn->amount;                                                                     \
        const union vreg n = cpu->v[insn->rn], m = simd_rm(cpu, insn);                                       \
        union vreg r = cpu->v[insn->rd];                                                                     \
        (void)k, (void)m;                                                                                    \
        loops;                                                                                               \
        simd_write(cpu, insn, r);                                                                            \
    }
#define SIMD_SIGNED(name, expr)   SIMD_HANDLER(name, SIMD_LOOPS_SIGNED(expr))
#define SIMD_UNSIGNED(name, expr) SIMD_HANDLER(name, SIMD_LOOPS_UNSIGNED(expr))

/* Likewise; the expression sets qc where it saturates. */
#define SIMD_HANDLER_QC(name, loops)                                                                         \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const unsigned k = insn->amount, bytes = simd_bytes(insn);                                           \
        const union vreg n = simd_low(cpu->v[insn->rn], bytes), m = simd_low(simd_rm(cpu, insn), bytes);     \
        union vreg r = simd_low(cpu->v[insn->rd], bytes);                                                    \
        bool qc = false;                                                                                     \
        (void)k, (void)m;                                                                                    \
        loops;                                                                                               \
        simd_set_qc(cpu, qc);                                                                                \
        simd_write(cpu, insn, r);                                                                            \
    }
#define SIMD_SIGNED_QC(name, expr)   SIMD_HANDLER_QC(name, SIMD_LOOPS_SIGNED(expr))
#define SIMD_UNSIGNED_QC(name, expr) SIMD_HANDLER_QC(name, SIMD_LOOPS_UNSIGNED(expr))

/* Likewise for pairs: a is the lower element, b the higher one. */
#define SIMD_HANDLER_PAIRS(name, loops)                                                                      \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const struct simd_pairs pairs = simd_pairs(cpu, insn);                                               \
        const union vreg n = pairs.even, m = pairs.odd;                                                      \
        union vreg r = {0};                                                                                  \
        loops;                                                                                               \
        simd_write(cpu, insn, r);                                                                            \
    }
#define SIMD_SIGNED_PAIRS(name, expr)   SIMD_HANDLER_PAIRS(name, SIMD_LOOPS_SIGNED(expr))
#define SIMD_UNSIGNED_PAIRS(name, expr) SIMD_HANDLER_PAIRS(name, SIMD_LOOPS_UNSIGNED(expr))
