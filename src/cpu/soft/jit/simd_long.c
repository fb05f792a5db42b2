/* Advanced SIMD with elements of two widths, on integers: long, wide and narrow. None of this changes the
 * host's flags, but for saturating forms; those of words are left to their handlers. */
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/simd.h"

typedef const uint32_t by_size[3];
static by_size extend_signed = {VPMOVSXBW, VPMOVSXWD, VPMOVSXDQ},
               extend_unsigned = {VPMOVZXBW, VPMOVZXWD, VPMOVZXDQ}, sub_wide = {VPSUBW, VPSUBD, VPSUBQ},
               smax = {VPMAXSB, VPMAXSW, VPMAXSD}, smin = {VPMINSB, VPMINSW, VPMINSD},
               umax = {VPMAXUB, VPMAXUW, VPMAXUD}, umin = {VPMINUB, VPMINUW, VPMINUD};

static uint32_t add_wide(const struct a64_insn *insn) {
    return jit_simd_add(insn->size + 1u);
}

/* --- long and wide: the lower or (q) upper half of narrow elements, extended */
static void extend(
    struct translation *t, const struct a64_insn *insn, by_size op, unsigned to, unsigned from) {
    if (insn->q) {
        jit_shift_bytes(t, JIT_SRL_BYTES, to, from, 8);
        from = to;
    }
    jit_op2(t, op[insn->size], to, from);
}

static void extend_rn(struct translation *t, const struct a64_insn *insn, by_size op) {
    extend(t, insn, op, XMM0, jit_vector(t, insn->rn, XMM0));
}

static void extend_rm(struct translation *t, const struct a64_insn *insn, by_size op) {
    extend(t, insn, op, XMM1, jit_simd_rm(t, insn, XMM1));
}

static void write_all(struct translation *t, const struct a64_insn *insn) {
    jit_vector_write(t, insn->rd, XMM0, 16);
}

#define LONG(name, extension, op)                                                                            \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        extend_rn(t, insn, extension);                                                                       \
        extend_rm(t, insn, extension);                                                                       \
        jit_op3(t, op, XMM0, XMM0, XMM1);                                                                    \
        write_all(t, insn);                                                                                  \
    }
LONG(saddl, extend_signed, add_wide(insn))
LONG(uaddl, extend_unsigned, add_wide(insn))
LONG(ssubl, extend_signed, sub_wide[insn->size])
LONG(usubl, extend_unsigned, sub_wide[insn->size])

#define WIDE(name, extension, op)                                                                            \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        unsigned n = jit_vector(t, insn->rn, XMM0);                                                          \
        extend_rm(t, insn, extension);                                                                       \
        jit_op3(t, op, XMM0, n, XMM1);                                                                       \
        write_all(t, insn);                                                                                  \
    }
WIDE(saddw, extend_signed, add_wide(insn))
WIDE(uaddw, extend_unsigned, add_wide(insn))
WIDE(ssubw, extend_signed, sub_wide[insn->size])
WIDE(usubw, extend_unsigned, sub_wide[insn->size])

/* --- differences: of narrow elements, whose result is unsigned and fits */
static void difference(struct translation *t, const struct a64_insn *insn, by_size max, by_size min) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    jit_op3(t, max[insn->size], XMM2, n, m);
    jit_op3(t, min[insn->size], XMM3, n, m);
    jit_op3(t, (uint32_t[]){VPSUBB, VPSUBW, VPSUBD}[insn->size], XMM2, XMM2, XMM3);
    extend(t, insn, extend_unsigned, XMM0, XMM2);
}

static void accumulate(struct translation *t, const struct a64_insn *insn, uint32_t op) {
    jit_op3(t, op, XMM0, jit_vector(t, insn->rd, XMM1), XMM0);
    write_all(t, insn);
}

void jit_sabdl(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, smax, smin);
    write_all(t, insn);
}

void jit_uabdl(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, umax, umin);
    write_all(t, insn);
}

void jit_sabal(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, smax, smin);
    accumulate(t, insn, add_wide(insn));
}

void jit_uabal(struct translation *t, const struct a64_insn *insn) {
    difference(t, insn, umax, umin);
    accumulate(t, insn, add_wide(insn));
}

/* --- products. Words are multiplied from the lower halves of doubles. */
static void multiply(struct translation *t, const struct a64_insn *insn, bool is_signed) {
    by_size *extension = is_signed ? &extend_signed : &extend_unsigned;
    extend_rn(t, insn, *extension);
    extend_rm(t, insn, *extension);
    const uint32_t op[] = {VPMULLW, VPMULLD, is_signed ? VPMULDQ : VPMULUDQ};
    jit_op3(t, op[insn->size], XMM0, XMM0, XMM1);
}

void jit_smull(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, true);
    write_all(t, insn);
}

void jit_umull(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, false);
    write_all(t, insn);
}

void jit_smlal(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, true);
    accumulate(t, insn, add_wide(insn));
}

void jit_umlal(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, false);
    accumulate(t, insn, add_wide(insn));
}

void jit_smlsl(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, true);
    accumulate(t, insn, sub_wide[insn->size]);
}

void jit_umlsl(struct translation *t, const struct a64_insn *insn) {
    multiply(t, insn, false);
    accumulate(t, insn, sub_wide[insn->size]);
}

/* --- long shifts */
static void shift_long(struct translation *t, const struct a64_insn *insn, by_size op, unsigned amount) {
    extend_rn(t, insn, op);
    if (amount)
        jit_shift(t, JIT_SLL, insn->size + 1u, XMM0, XMM0, amount);
    write_all(t, insn);
}

void jit_sshll(struct translation *t, const struct a64_insn *insn) {
    shift_long(t, insn, extend_signed, insn->amount);
}

void jit_ushll(struct translation *t, const struct a64_insn *insn) {
    shift_long(t, insn, extend_unsigned, insn->amount);
}

void jit_shll(struct translation *t, const struct a64_insn *insn) {
    shift_long(t, insn, extend_unsigned, 8u << insn->size);
}

/* --- narrow: the lower halves of wide elements in xmm0, to the lower half of rd, or (q) to its upper one */
static void narrow(struct translation *t, const struct a64_insn *insn, unsigned from) {
    jit_simd_unzip(t, insn->size, XMM0, from);
    if (insn->q) {
        jit_op3(t, VPUNPCKLQDQ, XMM0, jit_vector(t, insn->rd, XMM1), XMM0);
        write_all(t, insn);
    } else {
        jit_vector_write(t, insn->rd, XMM0, 8);
    }
}

void jit_xtn(struct translation *t, const struct a64_insn *insn) {
    narrow(t, insn, jit_vector(t, insn->rn, XMM0));
}

void jit_shrn(struct translation *t, const struct a64_insn *insn) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_shift(t, JIT_SRL, insn->size + 1u, XMM0, n, insn->amount);
    narrow(t, insn, XMM0);
}

/* Half of the last place that stays; what a carry out of the wide element would change is not kept. */
static void add_half(struct translation *t, const struct a64_insn *insn, unsigned from, unsigned amount) {
    const unsigned bits = 16u << insn->size;
    jit_simd_ones(t, XMM1);
    jit_shift(t, JIT_SRL, insn->size + 1u, XMM1, XMM1, bits - 1);
    jit_shift(t, JIT_SLL, insn->size + 1u, XMM1, XMM1, amount - 1);
    jit_op3(t, add_wide(insn), XMM0, from, XMM1);
}

void jit_rshrn(struct translation *t, const struct a64_insn *insn) {
    add_half(t, insn, jit_vector(t, insn->rn, XMM0), insn->amount);
    jit_shift(t, JIT_SRL, insn->size + 1u, XMM0, XMM0, insn->amount);
    narrow(t, insn, XMM0);
}

#define HIGH_HALF(name, op, rounding)                                                                        \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        unsigned n = jit_vector(t, insn->rn, XMM0);                                                          \
        jit_op3_rm(t, op, XMM0, n, jit_vector_rm(t, insn->rm));                                              \
        rounding;                                                                                            \
        jit_shift(t, JIT_SRL, insn->size + 1u, XMM0, XMM0, 8u << insn->size);                                \
        narrow(t, insn, XMM0);                                                                               \
    }
HIGH_HALF(addhn, add_wide(insn), )
HIGH_HALF(subhn, sub_wide[insn->size], )
HIGH_HALF(raddhn, add_wide(insn), add_half(t, insn, XMM0, 8u << insn->size))
HIGH_HALF(rsubhn, sub_wide[insn->size], add_half(t, insn, XMM0, 8u << insn->size))

/* --- narrowing with saturation: where that happened, widening again gives another number */
static void narrow_saturated(
    struct translation *t, const struct a64_insn *insn, by_size pack, by_size widen, bool is_unsigned) {
    if (insn->size > 1) {
        jit_call_handler(t);
        return;
    }
    unsigned n = jit_vector(t, insn->rn, XMM0), source = n;
    if (is_unsigned) { /* the host packs signed numbers: larger ones than fit become just that */
        static by_size least = {VPMINUW, VPMINUD};
        jit_simd_ones(t, XMM2);
        jit_shift(t, JIT_SRL, insn->size + 1u, XMM2, XMM2, 8u << insn->size);
        jit_op3(t, least[insn->size], XMM2, n, XMM2);
        source = XMM2;
    }
    jit_op3(t, pack[insn->size], XMM1, source, source);
    jit_op2(t, widen[insn->size], XMM2, XMM1);
    jit_simd_saturated_unless_equal(t, XMM2, n);
    if (insn->q) {
        jit_op3(t, VPUNPCKLQDQ, XMM0, jit_vector(t, insn->rd, XMM0), XMM1);
        write_all(t, insn);
    } else {
        jit_vector_write(t, insn->rd, XMM1, 8);
    }
}

static by_size pack_signed = {VPACKSSWB, VPACKSSDW}, pack_unsigned = {VPACKUSWB, VPACKUSDW};

void jit_sqxtn(struct translation *t, const struct a64_insn *insn) {
    narrow_saturated(t, insn, pack_signed, extend_signed, false);
}

void jit_sqxtun(struct translation *t, const struct a64_insn *insn) {
    narrow_saturated(t, insn, pack_unsigned, extend_unsigned, false);
}

void jit_uqxtn(struct translation *t, const struct a64_insn *insn) {
    narrow_saturated(t, insn, pack_unsigned, extend_unsigned, true);
}
