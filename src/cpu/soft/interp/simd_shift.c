/* Advanced SIMD modified immediate and shift by immediate on elements of one width (isa/simd_shift.isa). The
 * long and narrow shifts are in simd_long.c, the conversions in simd_fp.c. */
#include "cpu/soft/interp/simd.h"

/* --- modified immediate: fix_simd_imm() has expanded it to 64 bits */
#define SIMD_IMMEDIATE(name, expr)                                                                           \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        const uint64_t imm = (uint64_t)insn->imm;                                                            \
        union vreg r = cpu->v[insn->rd];                                                                     \
        for (unsigned i = 0; i < 2; i++)                                                                     \
            r.d[i] = (expr);                                                                                 \
        simd_write(cpu, insn, r);                                                                            \
    }
SIMD_IMMEDIATE(movi_vec, imm)
SIMD_IMMEDIATE(orr_imm_vec, r.d[i] | imm)
SIMD_IMMEDIATE(bic_imm_vec, r.d[i] & ~imm)

/* --- right, by 1 to BITS */
SIMD_SIGNED(sshr_imm_vec, SIMD_SHIFT_RIGHT(a, k))
SIMD_UNSIGNED(ushr_imm_vec, SIMD_SHIFT_RIGHT(a, k))
SIMD_SIGNED(srshr_imm_vec, SIMD_SHIFT_RIGHT_ROUNDED(a, k))
SIMD_UNSIGNED(urshr_imm_vec, SIMD_SHIFT_RIGHT_ROUNDED(a, k))
SIMD_SIGNED(ssra_imm_vec, (U)d + (U)SIMD_SHIFT_RIGHT(a, k))
SIMD_UNSIGNED(usra_imm_vec, d + SIMD_SHIFT_RIGHT(a, k))
SIMD_SIGNED(srsra_imm_vec, (U)d + (U)SIMD_SHIFT_RIGHT_ROUNDED(a, k))
SIMD_UNSIGNED(ursra_imm_vec, d + SIMD_SHIFT_RIGHT_ROUNDED(a, k))
SIMD_UNSIGNED(sri_imm_vec, (d & ~SIMD_SHIFT_RIGHT((T)-1, k)) | SIMD_SHIFT_RIGHT(a, k))

/* --- left, by 0 to BITS - 1. 1u keeps promoted small elements unsigned. */
SIMD_UNSIGNED(shl_imm_vec, 1u * a << k)
SIMD_UNSIGNED(sli_imm_vec, (d & (((T)1 << k) - 1)) | 1u * a << k)
SIMD_SIGNED_QC(sqshl_imm_vec, sat_shift_left_signed(a, k, BITS, &qc))
SIMD_UNSIGNED_QC(uqshl_imm_vec, sat_shift_left_unsigned(a, k, BITS, &qc))

/* Signed elements, saturated as unsigned ones. */
static inline uint64_t sat_shift_left_signed_to_unsigned(int64_t a, unsigned k, unsigned bits, bool *qc) {
    if (a >= 0)
        return sat_shift_left_unsigned((uint64_t)a, k, bits, qc);
    *qc = true;
    return 0;
}
SIMD_SIGNED_QC(sqshlu_imm_vec, sat_shift_left_signed_to_unsigned(a, k, BITS, &qc))
