/* Advanced SIMD two-register miscellaneous on integer elements of one width, and their reductions across
 * lanes (isa/simd_misc.isa, simd_different.isa). Narrowing and long pairs are in simd_long.c, floating point
 * in simd_fp.c. */
#include "cpu/soft/interp/simd.h"

/* --- the order of elements in containers of 64, 32 and 16 bits turned round */
static void reverse(struct cpu *cpu, const struct a64_insn *insn, unsigned container_bytes) {
    cpu_check_fp(cpu);
    const union vreg n = cpu->v[insn->rn];
    union vreg r;
    unsigned mirror = (container_bytes >> insn->size) - 1;
    for (unsigned i = 0; i < simd_lanes(insn); i++)
        simd_set_lane(&r, insn->size, i, simd_lane(&n, insn->size, i ^ mirror));
    simd_write(cpu, insn, r);
}

EXEC(rev64_vec) {
    reverse(cpu, insn, 8);
}

EXEC(rev32_vec) {
    reverse(cpu, insn, 4);
}

EXEC(rev16_vec) {
    reverse(cpu, insn, 2);
}

/* --- bits. CLS counts the bits after the sign that equal it: the leading zeros of a ^ a << 1, less that
 * below. */
static inline unsigned leading_zeros(uint64_t a, unsigned bits) {
    return a ? (unsigned)__builtin_clzll(a) - (64 - bits) : bits;
}

SIMD_UNSIGNED(clz_vec, leading_zeros(a, BITS))
SIMD_SIGNED(cls_vec, leading_zeros((U)(a < 0 ? ~a : a), BITS) - 1)
SIMD_UNSIGNED(not_vec, ~a)

/* In every byte at once: the bits of pairs, then of nibbles, then of bytes are counted. */
static inline uint64_t count_bits_of_bytes(uint64_t a) {
    a -= a >> 1 & 0x5555555555555555;
    a = (a & 0x3333333333333333) + (a >> 2 & 0x3333333333333333);
    return (a + (a >> 4)) & 0x0f0f0f0f0f0f0f0f;
}

EXEC(cnt_vec) {
    cpu_check_fp(cpu);
    const union vreg n = cpu->v[insn->rn];
    simd_write(cpu, insn, (union vreg){.d = {count_bits_of_bytes(n.d[0]), count_bits_of_bytes(n.d[1])}});
}

static inline uint8_t reverse_bits(uint8_t a) {
    a = (uint8_t)(a >> 4 | a << 4);
    a = (uint8_t)((a >> 2 & 0x33) | (a & 0x33) << 2);
    return (uint8_t)((a >> 1 & 0x55) | (a & 0x55) << 1);
}

EXEC(rbit_vec) {
    cpu_check_fp(cpu);
    union vreg r = cpu->v[insn->rn];
    for (unsigned i = 0; i < 16; i++)
        r.b[i] = reverse_bits(r.b[i]);
    simd_write(cpu, insn, r);
}

/* --- sign, and comparisons with zero */
SIMD_SIGNED(abs_vec, a < 0 ? -(U)a : (U)a)
SIMD_UNSIGNED(neg_vec, -a)
SIMD_SIGNED_QC(sqabs_vec, a < 0 ? sat_sub_signed(0, a, BITS, &qc) : a)
SIMD_SIGNED_QC(sqneg_vec, sat_sub_signed(0, a, BITS, &qc))

SIMD_SIGNED(cmgt0_vec, a > 0 ? -1 : 0)
SIMD_SIGNED(cmge0_vec, a >= 0 ? -1 : 0)
SIMD_SIGNED(cmeq0_vec, a == 0 ? -1 : 0)
SIMD_SIGNED(cmle0_vec, a <= 0 ? -1 : 0)
SIMD_SIGNED(cmlt0_vec, a < 0 ? -1 : 0)

/* --- sums of a signed and an unsigned element: the room that is left decides */
static inline int64_t sat_add_unsigned_to_signed(int64_t d, uint64_t a, unsigned bits, bool *qc) {
    int64_t max = INT64_MAX >> (64 - bits);
    if (a <= (uint64_t)max - (uint64_t)d)
        return (int64_t)((uint64_t)d + a);
    *qc = true;
    return max;
}

static inline uint64_t sat_add_signed_to_unsigned(uint64_t d, int64_t a, unsigned bits, bool *qc) {
    uint64_t max = UINT64_MAX >> (64 - bits);
    if (a >= 0 ? (uint64_t)a <= max - d : -(uint64_t)a <= d)
        return d + (uint64_t)a;
    *qc = true;
    return a >= 0 ? max : 0;
}

SIMD_SIGNED_QC(suqadd_vec, sat_add_unsigned_to_signed(d, (U)a, BITS, &qc))
SIMD_SIGNED_QC(usqadd_vec, sat_add_signed_to_unsigned((U)d, a, BITS, &qc))

/* --- across lanes; size_up is 1 for ADDLV, whose result is twice as wide. */
#define ACROSS_LOOP(elem, expr)                                                                              \
    sum = n.elem[0];                                                                                         \
    for (unsigned i = 1; i < lanes; i++) {                                                                   \
        a = n.elem[i];                                                                                       \
        sum = (expr);                                                                                        \
    }

#define SIMD_ACROSS(name, type, bytes, halves, words, size_up, expr)                                         \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const union vreg n = cpu->v[insn->rn];                                                               \
        const unsigned lanes = simd_lanes(insn);                                                             \
        union vreg r = {0};                                                                                  \
        type sum, a;                                                                                         \
        switch (insn->size) {                                                                                \
        case 0: ACROSS_LOOP(bytes, expr) break;                                                              \
        case 1: ACROSS_LOOP(halves, expr) break;                                                             \
        default: ACROSS_LOOP(words, expr) break;                                                             \
        }                                                                                                    \
        simd_set_lane(&r, insn->size + (size_up), 0, (uint64_t)sum);                                         \
        cpu->v[insn->rd] = r;                                                                                \
    }
#define ACROSS_SIGNED(name, size_up, expr)   SIMD_ACROSS(name, int64_t, sb, sh, ss, size_up, expr)
#define ACROSS_UNSIGNED(name, size_up, expr) SIMD_ACROSS(name, uint64_t, b, h, s, size_up, expr)
ACROSS_UNSIGNED(addv, 0, sum + a)
ACROSS_SIGNED(saddlv, 1, sum + a)
ACROSS_UNSIGNED(uaddlv, 1, sum + a)
ACROSS_SIGNED(smaxv, 0, sum > a ? sum : a)
ACROSS_UNSIGNED(umaxv, 0, sum > a ? sum : a)
ACROSS_SIGNED(sminv, 0, sum < a ? sum : a)
ACROSS_UNSIGNED(uminv, 0, sum < a ? sum : a)

EXEC(addp_scalar) {
    cpu_check_fp(cpu);
    const union vreg *n = &cpu->v[insn->rn];
    cpu->v[insn->rd] = (union vreg){.d = {n->d[0] + n->d[1], 0}};
}
