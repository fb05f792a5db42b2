/* Advanced SIMD floating point: every form of simd_*.isa whose elements are half, single or double precision.
 * The arithmetic is fp.h's, an element at a time, in the order of the lanes. */
#include "cpu/soft/interp/simd.h"

/* --- one, two and three operands, lane by lane: in the expression op is the row of fp_ops for the element
 * size, a, b and d are the elements of rn, rm and rd. */
#define FP_LANES(name, expr)                                                                                 \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const struct fp_ops *op = &fp_ops[insn->size];                                                       \
        const unsigned size = insn->size;                                                                    \
        const union vreg n = cpu->v[insn->rn], m = simd_rm(cpu, insn);                                       \
        union vreg r = cpu->v[insn->rd];                                                                     \
        (void)op, (void)m;                                                                                   \
        for (unsigned i = 0; i < simd_lanes(insn); i++) {                                                    \
            const uint64_t a = simd_lane(&n, size, i), b = simd_lane(&m, size, i),                           \
                           d = simd_lane(&r, size, i);                                                       \
            (void)a, (void)b, (void)d;                                                                       \
            simd_set_lane(&r, size, i, expr);                                                                \
        }                                                                                                    \
        simd_write(cpu, insn, r);                                                                            \
    }

FP_LANES(fadd_vec, op->add(cpu, a, b))
FP_LANES(fsub_vec, op->sub(cpu, a, b))
FP_LANES(fmul_vec, op->mul(cpu, a, b))
FP_LANES(fmulx_vec, op->mulx(cpu, a, b))
FP_LANES(fdiv_vec, op->div(cpu, a, b))
FP_LANES(fabd_vec, op->abd(cpu, a, b))
FP_LANES(fmla_vec, op->muladd(cpu, d, a, b))
FP_LANES(fmls_vec, op->muladd(cpu, d, op->neg(cpu, a), b))
FP_LANES(fmax_vec, op->max(cpu, a, b))
FP_LANES(fmin_vec, op->min(cpu, a, b))
FP_LANES(fmaxnm_vec, op->maxnm(cpu, a, b))
FP_LANES(fminnm_vec, op->minnm(cpu, a, b))
FP_LANES(frecps_vec, op->recps(cpu, a, b))
FP_LANES(frsqrts_vec, op->rsqrts(cpu, a, b))

FP_LANES(fcmeq_vec, op->cmeq(cpu, a, b))
FP_LANES(fcmge_vec, op->cmge(cpu, a, b))
FP_LANES(fcmgt_vec, op->cmgt(cpu, a, b))
FP_LANES(facge_vec, op->acge(cpu, a, b))
FP_LANES(facgt_vec, op->acgt(cpu, a, b))
FP_LANES(fcmeq0_vec, op->cmeq(cpu, a, 0))
FP_LANES(fcmge0_vec, op->cmge(cpu, a, 0))
FP_LANES(fcmgt0_vec, op->cmgt(cpu, a, 0))
FP_LANES(fcmle0_vec, op->cmge(cpu, 0, a))
FP_LANES(fcmlt0_vec, op->cmgt(cpu, 0, a))

FP_LANES(fabs_vec, op->abs(cpu, a))
FP_LANES(fneg_vec, op->neg(cpu, a))
FP_LANES(fsqrt_vec, op->sqrt(cpu, a))
FP_LANES(frecpe_vec, op->recpe(cpu, a))
FP_LANES(frsqrte_vec, op->rsqrte(cpu, a))
FP_LANES(frecpx_scalar, op->recpx(cpu, a))
FP_LANES(urecpe_vec, fp_unsigned_recpe((uint32_t)a))
FP_LANES(ursqrte_vec, fp_unsigned_rsqrte((uint32_t)a))

/* --- conversions to and from integers and fixed point: amount is the number of fraction bits */
enum { OPC_ROUND_BY_FPCR = 5, OPC_ROUND_BY_FPCR_EXACT = 6 }; /* isa/simd_misc.isa; below: enum fp_rounding */

static enum fp_rounding rounding_of(const struct cpu *cpu, const struct a64_insn *insn) {
    return insn->opc >= OPC_ROUND_BY_FPCR ? fp_rounding_mode(cpu) : (enum fp_rounding)insn->opc;
}

FP_LANES(
    frint_vec, fp_round_to_int(cpu, size, a, rounding_of(cpu, insn), insn->opc == OPC_ROUND_BY_FPCR_EXACT))
FP_LANES(fcvts_vec, fp_to_fixed(cpu, size, a, insn->amount, false, rounding_of(cpu, insn), 8u << size))
FP_LANES(fcvtu_vec, fp_to_fixed(cpu, size, a, insn->amount, true, rounding_of(cpu, insn), 8u << size))
FP_LANES(scvtf_vec, fp_from_fixed(cpu, size, (uint64_t)simd_lane_signed(&n, size, i), insn->amount, false))
FP_LANES(ucvtf_vec, fp_from_fixed(cpu, size, a, insn->amount, true))

/* --- conversions between precisions; insn->size is the narrow one's. q: the upper half of the narrow
 * register. */
EXEC(fcvtl) {
    cpu_check_fp(cpu);
    const unsigned size = insn->size, lanes = 8u >> size;
    const union vreg n = cpu->v[insn->rn];
    union vreg r;
    for (unsigned i = 0; i < lanes; i++) {
        uint64_t a = simd_lane(&n, size, insn->q ? lanes + i : i);
        simd_set_lane(&r, size + 1, i, fp_convert(cpu, size + 1, size, a));
    }
    cpu->v[insn->rd] = r;
}

EXEC(fcvtn) {
    cpu_check_fp(cpu);
    const unsigned size = insn->size, lanes = 8u >> size;
    const union vreg n = cpu->v[insn->rn];
    union vreg r = simd_low(cpu->v[insn->rd], insn->q ? 16 : 8);
    for (unsigned i = 0; i < lanes; i++) {
        uint64_t narrow = fp_convert(cpu, size, size + 1, simd_lane(&n, size + 1, i));
        simd_set_lane(&r, size, insn->q ? lanes + i : i, narrow);
    }
    cpu->v[insn->rd] = r;
}

EXEC(fcvtxn) {
    cpu_check_fp(cpu);
    const union vreg n = cpu->v[insn->rn];
    union vreg r = {0};
    r.s[0] = (uint32_t)fp64_to_fp32_odd(cpu, n.d[0]);
    if (!(insn->flags & SIMD_SCALAR))
        r.s[1] = (uint32_t)fp64_to_fp32_odd(cpu, n.d[1]);
    if (insn->q)
        r = (union vreg){.d = {cpu->v[insn->rd].d[0], r.d[0]}};
    cpu->v[insn->rd] = r;
}

/* --- pairs */
static void fp_pairs(struct cpu *cpu, const struct a64_insn *insn, fp_binary *op) {
    const unsigned size = insn->size;
    const struct simd_pairs pairs = simd_pairs(cpu, insn);
    union vreg r = {0};
    for (unsigned i = 0; i < simd_lanes(insn); i++)
        simd_set_lane(&r, size, i, op(cpu, simd_lane(&pairs.even, size, i), simd_lane(&pairs.odd, size, i)));
    simd_write(cpu, insn, r);
}

/* The two lowest elements of rn give one. */
static void fp_pair_scalar(struct cpu *cpu, const struct a64_insn *insn, fp_binary *op) {
    const union vreg n = cpu->v[insn->rn];
    union vreg r = {0};
    simd_set_lane(&r, insn->size, 0, op(cpu, simd_lane(&n, insn->size, 0), simd_lane(&n, insn->size, 1)));
    cpu->v[insn->rd] = r;
}

/* Across lanes: halves are reduced first, as the pseudocode's Reduce() does (it shows in NaNs). */
static uint64_t fp_reduce(
    struct cpu *cpu, const union vreg *v, unsigned size, unsigned first, unsigned lanes, fp_binary *op) {
    if (lanes == 1)
        return simd_lane(v, size, first);
    uint64_t low = fp_reduce(cpu, v, size, first, lanes / 2, op);
    uint64_t high = fp_reduce(cpu, v, size, first + lanes / 2, lanes / 2, op);
    return op(cpu, low, high);
}

static void fp_across(struct cpu *cpu, const struct a64_insn *insn, fp_binary *op) {
    const union vreg n = cpu->v[insn->rn];
    union vreg r = {0};
    simd_set_lane(&r, insn->size, 0, fp_reduce(cpu, &n, insn->size, 0, simd_lanes(insn), op));
    cpu->v[insn->rd] = r;
}

#define FP_REDUCTION(name, reduce, op)                                                                       \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        reduce(cpu, insn, fp_ops[insn->size].op);                                                            \
    }
FP_REDUCTION(faddp_vec, fp_pairs, add)
FP_REDUCTION(fmaxp_vec, fp_pairs, max)
FP_REDUCTION(fminp_vec, fp_pairs, min)
FP_REDUCTION(fmaxnmp_vec, fp_pairs, maxnm)
FP_REDUCTION(fminnmp_vec, fp_pairs, minnm)
FP_REDUCTION(faddp_scalar, fp_pair_scalar, add)
FP_REDUCTION(fmaxp_scalar, fp_pair_scalar, max)
FP_REDUCTION(fminp_scalar, fp_pair_scalar, min)
FP_REDUCTION(fmaxnmp_scalar, fp_pair_scalar, maxnm)
FP_REDUCTION(fminnmp_scalar, fp_pair_scalar, minnm)
FP_REDUCTION(fmaxv, fp_across, max)
FP_REDUCTION(fminv, fp_across, min)
FP_REDUCTION(fmaxnmv, fp_across, maxnm)
FP_REDUCTION(fminnmv, fp_across, minnm)

/* --- complex numbers: real parts in even lanes, imaginary ones in odd lanes */

/* rn + rm turned by 90 degrees (opc 0) or 270 (opc 1). */
EXEC(fcadd_vec) {
    cpu_check_fp(cpu);
    const struct fp_ops *op = &fp_ops[insn->size];
    const unsigned size = insn->size;
    const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    union vreg r;
    for (unsigned i = 0; i < simd_lanes(insn); i += 2) {
        uint64_t real = simd_lane(&m, size, i + 1), imaginary = simd_lane(&m, size, i);
        if (insn->opc == 0)
            real = op->neg(cpu, real);
        else
            imaginary = op->neg(cpu, imaginary);
        simd_set_lane(&r, size, i, op->add(cpu, simd_lane(&n, size, i), real));
        simd_set_lane(&r, size, i + 1, op->add(cpu, simd_lane(&n, size, i + 1), imaginary));
    }
    simd_write(cpu, insn, r);
}

/* rd + one part of rn, real (opc even) or imaginary, times rm turned by 90 degrees * opc. The by-element form
 * takes the complex number `index` of rm. */
EXEC(fcmla_vec) {
    cpu_check_fp(cpu);
    const struct fp_ops *op = &fp_ops[insn->size];
    const unsigned size = insn->size, odd = insn->opc & 1;
    const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    union vreg r = cpu->v[insn->rd];
    for (unsigned i = 0; i < simd_lanes(insn); i += 2) {
        unsigned pair = insn->flags & SIMD_ELEMENT ? insn->index * 2u : i;
        uint64_t part = simd_lane(&n, size, i + odd);
        uint64_t real = simd_lane(&m, size, pair + odd), imaginary = simd_lane(&m, size, pair + !odd);
        if (insn->opc == 1 || insn->opc == 2)
            real = op->neg(cpu, real);
        if (insn->opc >= 2)
            imaginary = op->neg(cpu, imaginary);
        simd_set_lane(&r, size, i, op->muladd(cpu, simd_lane(&r, size, i), part, real));
        simd_set_lane(&r, size, i + 1, op->muladd(cpu, simd_lane(&r, size, i + 1), part, imaginary));
    }
    simd_write(cpu, insn, r);
}
