/* IEEE 754 arithmetic by the rules of the ARM ARM's pseudocode (shared/functions/float), on raw bit patterns.
 *
 * Operands and results are patterns of 16, 32 or 64 bits in a uint64_t whose other bits are zero. Each
 * function reads FPCR (AHP, DN, FZ, RMode, FZ16) and sets the cumulative flags of FPSR; none traps, none
 * raises an exception, and none touches another part of the vCPU. Scalar and vector handlers and translated
 * code call them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"

/* FPCR and FPSR (ARM ARM D17.2). The masks are the bits that exist here: the others are RAZ/WI. */
#define FPCR_FZ16        (UINT32_C(1) << 19)
#define FPCR_RMODE_SHIFT 22
#define FPCR_RMODE       (UINT32_C(3) << FPCR_RMODE_SHIFT)
#define FPCR_FZ          (UINT32_C(1) << 24)
#define FPCR_DN          (UINT32_C(1) << 25)
#define FPCR_AHP         (UINT32_C(1) << 26)
#define FPCR_MASK        (FPCR_FZ16 | FPCR_RMODE | FPCR_FZ | FPCR_DN | FPCR_AHP)

#define FPSR_IOC  (UINT32_C(1) << 0)
#define FPSR_DZC  (UINT32_C(1) << 1)
#define FPSR_OFC  (UINT32_C(1) << 2)
#define FPSR_UFC  (UINT32_C(1) << 3)
#define FPSR_IXC  (UINT32_C(1) << 4)
#define FPSR_IDC  (UINT32_C(1) << 7)
#define FPSR_QC   (UINT32_C(1) << 27)
#define FPSR_MASK (FPSR_IOC | FPSR_DZC | FPSR_OFC | FPSR_UFC | FPSR_IXC | FPSR_IDC | FPSR_QC)

/* The first four are the encoding of FPCR.RMode. */
enum fp_rounding {
    FP_ROUND_TIEEVEN,
    FP_ROUND_POSINF,
    FP_ROUND_NEGINF,
    FP_ROUND_ZERO,
    FP_ROUND_TIEAWAY,
    FP_ROUND_ODD
};

static inline enum fp_rounding fp_rounding_mode(const struct cpu *cpu) {
    return (enum fp_rounding)(cpu->fpcr >> FPCR_RMODE_SHIFT & 3);
}

typedef uint64_t fp_unary(struct cpu *cpu, uint64_t a);
typedef uint64_t fp_binary(struct cpu *cpu, uint64_t a, uint64_t b);
typedef uint64_t fp_ternary(struct cpu *cpu, uint64_t addend, uint64_t a, uint64_t b);

/* clang-format off */
/* The operations that exist in the three precisions: fp16_add(), fp32_add(), fp64_add() and so on, and the
 * same by element size as fp_ops[size].add, size being log2 of the bytes (1, 2, 3). */
#define FP_UNARY_OPS(op)                                                                                     \
    op(abs)    /* sign bit only: no flags, NaN or not */                                                     \
    op(neg)    /* likewise */                                                                                \
    op(sqrt)                                                                                                 \
    op(recpe)  /* FRECPE: FPRecipEstimate */                                                                 \
    op(rsqrte) /* FRSQRTE: FPRSqrtEstimate */                                                                \
    op(recpx)  /* FRECPX */

#define FP_BINARY_OPS(op)                                                                                    \
    op(add)                                                                                                  \
    op(sub)                                                                                                  \
    op(mul)                                                                                                  \
    op(mulx)   /* FMULX: 0 * inf is 2.0 */                                                                   \
    op(div)                                                                                                  \
    op(abd)    /* FABD: |a - b| */                                                                           \
    op(max)                                                                                                  \
    op(min)                                                                                                  \
    op(maxnm)  /* FMAXNM: a number wins over a quiet NaN */                                                  \
    op(minnm)                                                                                                \
    op(recps)  /* FRECPS: 2 - a * b, fused */                                                                \
    op(rsqrts) /* FRSQRTS: (3 - a * b) / 2, fused */                                                         \
    op(cmeq)   /* FCMEQ and so on: all ones of the element when true, else 0 */                              \
    op(cmge)                                                                                                 \
    op(cmgt)                                                                                                 \
    op(acge)   /* FACGE: on absolute values */                                                               \
    op(acgt)

#define FP_TERNARY_OPS(op) op(muladd) /* FPMulAdd: addend + a * b, fused. FMLS negates a before (neg). */
/* clang-format on */

#define FP_DECLARE_UNARY(name)   fp_unary fp16_##name, fp32_##name, fp64_##name;
#define FP_DECLARE_BINARY(name)  fp_binary fp16_##name, fp32_##name, fp64_##name;
#define FP_DECLARE_TERNARY(name) fp_ternary fp16_##name, fp32_##name, fp64_##name;
FP_UNARY_OPS(FP_DECLARE_UNARY)
FP_BINARY_OPS(FP_DECLARE_BINARY)
FP_TERNARY_OPS(FP_DECLARE_TERNARY)
#undef FP_DECLARE_UNARY
#undef FP_DECLARE_BINARY
#undef FP_DECLARE_TERNARY

struct fp_ops {
#define FP_MEMBER_UNARY(name)   fp_unary *name;
#define FP_MEMBER_BINARY(name)  fp_binary *name;
#define FP_MEMBER_TERNARY(name) fp_ternary *name;
    FP_UNARY_OPS(FP_MEMBER_UNARY)
    FP_BINARY_OPS(FP_MEMBER_BINARY)
    FP_TERNARY_OPS(FP_MEMBER_TERNARY)
#undef FP_MEMBER_UNARY
#undef FP_MEMBER_BINARY
#undef FP_MEMBER_TERNARY
};
extern const struct fp_ops fp_ops[4]; /* [0] is empty: there is no 8-bit format */

/* In what follows size is that of the floating-point operand: log2 of its bytes (1, 2, 3). */

/* NZCV (enum FLAG_*) of FCMP, or with signal of FCMPE, where every NaN is an invalid operation. */
unsigned fp_compare(struct cpu *cpu, unsigned size, uint64_t a, uint64_t b, bool signal);

/* FRINT*: to an integral value in the same format. exact: an inexact result sets IXC (FRINTX only). */
uint64_t fp_round_to_int(struct cpu *cpu, unsigned size, uint64_t a, enum fp_rounding rounding, bool exact);

/* FCVT{A,M,N,P,Z}{S,U}: a * 2^fbits (0-64) as an integer of int_bits (16, 32, 64), saturated; the bits of the
 * result above int_bits are zero. */
uint64_t fp_to_fixed(struct cpu *cpu, unsigned size, uint64_t a, unsigned fbits, bool is_unsigned,
    enum fp_rounding rounding, unsigned int_bits);

/* SCVTF, UCVTF: value / 2^fbits (0-64), rounded by FPCR. A narrower integer comes extended to 64 bits. */
uint64_t fp_from_fixed(struct cpu *cpu, unsigned size, uint64_t value, unsigned fbits, bool is_unsigned);

/* FCVT, FCVTL, FCVTN: between two formats, with FPCR.AHP for half precision. to and from are sizes. */
uint64_t fp_convert(struct cpu *cpu, unsigned to, unsigned from, uint64_t a);
/* FCVTXN: double to single, rounding to odd. */
uint64_t fp64_to_fp32_odd(struct cpu *cpu, uint64_t a);

/* FJCVTZS: to int32 modulo 2^32; *exact is the Z flag: the value was an int32 and not -0. */
uint32_t fp64_to_int32_javascript(struct cpu *cpu, uint64_t a, bool *exact);

/* The 8-bit immediate of FMOV (VFPExpandImm). */
uint64_t fp_expand_immediate(unsigned size, unsigned imm8);

/* URECPE, URSQRTE: the integer estimates, on 32-bit elements. No flags. */
uint32_t fp_unsigned_recpe(uint32_t a);
uint32_t fp_unsigned_rsqrte(uint32_t a);
