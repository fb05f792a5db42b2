/* What the translator knows of each form of instruction. Those that are not here, or are here without a
 * function, are left to their interpreter handlers; they are said to read the flags where they do. */
#include "a64_ops.h"
#include "cpu/soft/jit/forms_vector.h"
#include "cpu/soft/jit/translate.h"

#define IMM   (JIT_RN | JIT_TO_RD)
#define REG   (JIT_RN | JIT_RM | JIT_TO_RD)
#define CCMP  (JIT_READS | JIT_FUSES | JIT_SETS)
#define LOAD  (JIT_TO_RD | JIT_MAY_RAISE)
#define STORE (JIT_RD | JIT_MAY_RAISE)
#define BASE  (JIT_RN | JIT_TO_RN)

/* op, jit_NAME(), use */
#define FORMS(_)                                                                                             \
    _(LDRB_USER, ldrb_user, LOAD | JIT_RN)                                                                   \
    _(LDRH_USER, ldrh_user, LOAD | JIT_RN)                                                                   \
    _(LDR_W_USER, ldr_w_user, LOAD | JIT_RN)                                                                 \
    _(LDR_X_USER, ldr_x_user, LOAD | JIT_RN)                                                                 \
    _(LDRSB_W_USER, ldrsb_w_user, LOAD | JIT_RN)                                                             \
    _(LDRSB_X_USER, ldrsb_x_user, LOAD | JIT_RN)                                                             \
    _(LDRSH_W_USER, ldrsh_w_user, LOAD | JIT_RN)                                                             \
    _(LDRSH_X_USER, ldrsh_x_user, LOAD | JIT_RN)                                                             \
    _(LDRSW_USER, ldrsw_user, LOAD | JIT_RN)                                                                 \
    _(STRB_USER, strb_user, STORE | JIT_RN)                                                                  \
    _(STRH_USER, strh_user, STORE | JIT_RN)                                                                  \
    _(STR_W_USER, str_w_user, STORE | JIT_RN)                                                                \
    _(STR_X_USER, str_x_user, STORE | JIT_RN)                                                                \
    _(LDAR, ldar, LOAD | JIT_RN)                                                                             \
    _(LDAPR, ldar, LOAD | JIT_RN)                                                                            \
    _(LDAPUR, ldar, LOAD | JIT_RN)                                                                           \
    _(STLR, stlr, STORE | JIT_RN)                                                                            \
    _(STLUR, stlr, STORE | JIT_RN)                                                                           \
    _(LDXR, ldxr, LOAD | JIT_RN)                                                                             \
    _(STXR, stxr, STORE | JIT_RN | JIT_TO_RM)                                                                \
    _(CAS, cas, STORE | JIT_RN | JIT_RM | JIT_TO_RM)                                                         \
    _(SWP, swp, LOAD | JIT_RN | JIT_RM)                                                                      \
    _(LDADD, ldadd, LOAD | JIT_RN | JIT_RM)                                                                  \
    _(LDCLR, ldclr, LOAD | JIT_RN | JIT_RM)                                                                  \
    _(LDEOR, ldeor, LOAD | JIT_RN | JIT_RM)                                                                  \
    _(LDSET, ldset, LOAD | JIT_RN | JIT_RM)                                                                  \
    _(MRS, mrs, JIT_TO_RD | JIT_MAY_RAISE | JIT_READS)                                                       \
    _(MSR, msr, JIT_RD | JIT_MAY_RAISE)                                                                      \
    _(SYS, sys, JIT_RD | JIT_MAY_RAISE)                                                                      \
    _(MSR_DAIFSET, msr_daifset, JIT_MAY_RAISE)                                                               \
    _(MSR_DAIFCLR, msr_daifclr, JIT_MAY_RAISE)                                                               \
    _(ADD_IMM_W, add_imm_w, IMM)                                                                             \
    _(ADD_IMM_X, add_imm_x, IMM)                                                                             \
    _(ADD_W, add_w, REG)                                                                                     \
    _(ADD_X, add_x, REG)                                                                                     \
    _(ADD_SHIFT_W, add_shift_w, REG)                                                                         \
    _(ADD_SHIFT_X, add_shift_x, REG)                                                                         \
    _(SUB_IMM_W, sub_imm_w, IMM)                                                                             \
    _(SUB_IMM_X, sub_imm_x, IMM)                                                                             \
    _(SUB_W, sub_w, REG)                                                                                     \
    _(SUB_X, sub_x, REG)                                                                                     \
    _(SUB_SHIFT_W, sub_shift_w, REG)                                                                         \
    _(SUB_SHIFT_X, sub_shift_x, REG)                                                                         \
    _(AND_IMM_W, and_imm_w, IMM)                                                                             \
    _(AND_IMM_X, and_imm_x, IMM)                                                                             \
    _(AND_W, and_w, REG)                                                                                     \
    _(AND_X, and_x, REG)                                                                                     \
    _(AND_SHIFT_W, and_shift_w, REG)                                                                         \
    _(AND_SHIFT_X, and_shift_x, REG)                                                                         \
    _(ORR_IMM_W, orr_imm_w, IMM)                                                                             \
    _(ORR_IMM_X, orr_imm_x, IMM)                                                                             \
    _(ORR_W, orr_w, REG)                                                                                     \
    _(ORR_X, orr_x, REG)                                                                                     \
    _(ORR_SHIFT_W, orr_shift_w, REG)                                                                         \
    _(ORR_SHIFT_X, orr_shift_x, REG)                                                                         \
    _(EOR_IMM_W, eor_imm_w, IMM)                                                                             \
    _(EOR_IMM_X, eor_imm_x, IMM)                                                                             \
    _(EOR_W, eor_w, REG)                                                                                     \
    _(EOR_X, eor_x, REG)                                                                                     \
    _(EOR_SHIFT_W, eor_shift_w, REG)                                                                         \
    _(EOR_SHIFT_X, eor_shift_x, REG)                                                                         \
    _(ADDS_IMM_W, adds_imm_w, IMM | JIT_SETS)                                                                \
    _(ADDS_IMM_X, adds_imm_x, IMM | JIT_SETS)                                                                \
    _(ADDS_W, adds_w, REG | JIT_SETS)                                                                        \
    _(ADDS_X, adds_x, REG | JIT_SETS)                                                                        \
    _(ADDS_SHIFT_W, adds_shift_w, REG | JIT_SETS)                                                            \
    _(ADDS_SHIFT_X, adds_shift_x, REG | JIT_SETS)                                                            \
    _(SUBS_IMM_W, subs_imm_w, IMM | JIT_SETS)                                                                \
    _(SUBS_IMM_X, subs_imm_x, IMM | JIT_SETS)                                                                \
    _(SUBS_W, subs_w, REG | JIT_SETS)                                                                        \
    _(SUBS_X, subs_x, REG | JIT_SETS)                                                                        \
    _(SUBS_SHIFT_W, subs_shift_w, REG | JIT_SETS)                                                            \
    _(SUBS_SHIFT_X, subs_shift_x, REG | JIT_SETS)                                                            \
    _(ANDS_IMM_W, ands_imm_w, IMM | JIT_SETS)                                                                \
    _(ANDS_IMM_X, ands_imm_x, IMM | JIT_SETS)                                                                \
    _(ANDS_W, ands_w, REG | JIT_SETS)                                                                        \
    _(ANDS_X, ands_x, REG | JIT_SETS)                                                                        \
    _(ANDS_SHIFT_W, ands_shift_w, REG | JIT_SETS)                                                            \
    _(ANDS_SHIFT_X, ands_shift_x, REG | JIT_SETS)                                                            \
    _(ADD_EXT_W, add_ext_w, REG)                                                                             \
    _(ADD_EXT_X, add_ext_x, REG)                                                                             \
    _(SUB_EXT_W, sub_ext_w, REG)                                                                             \
    _(SUB_EXT_X, sub_ext_x, REG)                                                                             \
    _(ADDS_EXT_W, adds_ext_w, REG | JIT_SETS)                                                                \
    _(ADDS_EXT_X, adds_ext_x, REG | JIT_SETS)                                                                \
    _(SUBS_EXT_W, subs_ext_w, REG | JIT_SETS)                                                                \
    _(SUBS_EXT_X, subs_ext_x, REG | JIT_SETS)                                                                \
    _(BIC_W, bic_w, REG)                                                                                     \
    _(BIC_X, bic_x, REG)                                                                                     \
    _(BIC_SHIFT_W, bic_shift_w, REG)                                                                         \
    _(BIC_SHIFT_X, bic_shift_x, REG)                                                                         \
    _(ORN_W, orn_w, REG)                                                                                     \
    _(ORN_X, orn_x, REG)                                                                                     \
    _(ORN_SHIFT_W, orn_shift_w, REG)                                                                         \
    _(ORN_SHIFT_X, orn_shift_x, REG)                                                                         \
    _(EON_W, eon_w, REG)                                                                                     \
    _(EON_X, eon_x, REG)                                                                                     \
    _(EON_SHIFT_W, eon_shift_w, REG)                                                                         \
    _(EON_SHIFT_X, eon_shift_x, REG)                                                                         \
    _(BICS_W, bics_w, REG | JIT_SETS)                                                                        \
    _(BICS_X, bics_x, REG | JIT_SETS)                                                                        \
    _(BICS_SHIFT_W, bics_shift_w, REG | JIT_SETS)                                                            \
    _(BICS_SHIFT_X, bics_shift_x, REG | JIT_SETS)                                                            \
    _(ADC_W, adc_w, REG | JIT_READS | JIT_FUSES)                                                             \
    _(ADC_X, adc_x, REG | JIT_READS | JIT_FUSES)                                                             \
    _(SBC_W, sbc_w, REG | JIT_READS | JIT_FUSES)                                                             \
    _(SBC_X, sbc_x, REG | JIT_READS | JIT_FUSES)                                                             \
    _(ADCS_W, adcs_w, REG | JIT_READS | JIT_FUSES | JIT_SETS)                                                \
    _(ADCS_X, adcs_x, REG | JIT_READS | JIT_FUSES | JIT_SETS)                                                \
    _(SBCS_W, sbcs_w, REG | JIT_READS | JIT_FUSES | JIT_SETS)                                                \
    _(SBCS_X, sbcs_x, REG | JIT_READS | JIT_FUSES | JIT_SETS)                                                \
    _(CCMP_W, ccmp_w, JIT_RN | JIT_RM | CCMP)                                                                \
    _(CCMP_X, ccmp_x, JIT_RN | JIT_RM | CCMP)                                                                \
    _(CCMP_IMM_W, ccmp_imm_w, JIT_RN | CCMP)                                                                 \
    _(CCMP_IMM_X, ccmp_imm_x, JIT_RN | CCMP)                                                                 \
    _(CCMN_W, ccmn_w, JIT_RN | JIT_RM | CCMP)                                                                \
    _(CCMN_X, ccmn_x, JIT_RN | JIT_RM | CCMP)                                                                \
    _(CCMN_IMM_W, ccmn_imm_w, JIT_RN | CCMP)                                                                 \
    _(CCMN_IMM_X, ccmn_imm_x, JIT_RN | CCMP)                                                                 \
    _(CSEL_W, csel_w, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                               \
    _(CSEL_X, csel_x, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                               \
    _(CSINC_W, csinc_w, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(CSINC_X, csinc_x, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(CSINV_W, csinv_w, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(CSINV_X, csinv_x, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(CSNEG_W, csneg_w, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(CSNEG_X, csneg_x, REG | JIT_READS | JIT_FUSES | JIT_KEEPS)                                             \
    _(MOV_W, mov_w, JIT_RM | JIT_TO_RD | JIT_KEEPS)                                                          \
    _(MOV_X, mov_x, JIT_RM | JIT_TO_RD | JIT_KEEPS)                                                          \
    _(MOVN_W, mov_imm, JIT_TO_RD | JIT_KEEPS)                                                                \
    _(MOVZ_W, mov_imm, JIT_TO_RD | JIT_KEEPS)                                                                \
    _(MOVN_X, mov_imm, JIT_TO_RD | JIT_KEEPS)                                                                \
    _(MOVZ_X, mov_imm, JIT_TO_RD | JIT_KEEPS)                                                                \
    _(MOVK_W, movk_w, JIT_RD | JIT_TO_RD)                                                                    \
    _(MOVK_X, movk_x, JIT_RD | JIT_TO_RD)                                                                    \
    _(ADR, adr, JIT_TO_RD | JIT_KEEPS)                                                                       \
    _(ADRP, adrp, JIT_TO_RD | JIT_KEEPS)                                                                     \
    _(UBFM_W, ubfm, IMM)                                                                                     \
    _(UBFM_X, ubfm, IMM)                                                                                     \
    _(SBFM_W, sbfm_w, IMM)                                                                                   \
    _(SBFM_X, sbfm_x, IMM)                                                                                   \
    _(BFM_W, bfm_w, IMM | JIT_RD)                                                                            \
    _(BFM_X, bfm_x, IMM | JIT_RD)                                                                            \
    _(EXTR_W, extr_w, REG)                                                                                   \
    _(EXTR_X, extr_x, REG)                                                                                   \
    _(LSLV_W, lslv_w, REG)                                                                                   \
    _(LSLV_X, lslv_x, REG)                                                                                   \
    _(LSRV_W, lsrv_w, REG)                                                                                   \
    _(LSRV_X, lsrv_x, REG)                                                                                   \
    _(ASRV_W, asrv_w, REG)                                                                                   \
    _(ASRV_X, asrv_x, REG)                                                                                   \
    _(RORV_W, rorv_w, REG)                                                                                   \
    _(RORV_X, rorv_x, REG)                                                                                   \
    _(UDIV_W, udiv_w, REG)                                                                                   \
    _(UDIV_X, udiv_x, REG)                                                                                   \
    _(SDIV_W, sdiv_w, REG)                                                                                   \
    _(SDIV_X, sdiv_x, REG)                                                                                   \
    _(REV16_W, rev16_w, IMM)                                                                                 \
    _(REV_W, rev_w, IMM)                                                                                     \
    _(REV_X, rev_x, IMM)                                                                                     \
    _(REV32_X, rev32_x, IMM)                                                                                 \
    _(CLZ_W, clz_w, IMM)                                                                                     \
    _(CLZ_X, clz_x, IMM)                                                                                     \
    _(RBIT_W, rbit_w, IMM)                                                                                   \
    _(RBIT_X, rbit_x, IMM)                                                                                   \
    _(CLS_W, cls_w, IMM)                                                                                     \
    _(CLS_X, cls_x, IMM)                                                                                     \
    _(CRC32CB, crc32c, REG)                                                                                  \
    _(CRC32CH, crc32c, REG)                                                                                  \
    _(CRC32CW, crc32c, REG)                                                                                  \
    _(CRC32CX, crc32c, REG)                                                                                  \
    _(MADD_W, madd_w, REG | JIT_RA)                                                                          \
    _(MADD_X, madd_x, REG | JIT_RA)                                                                          \
    _(MSUB_W, msub_w, REG | JIT_RA)                                                                          \
    _(MSUB_X, msub_x, REG | JIT_RA)                                                                          \
    _(SMADDL, smaddl, REG | JIT_RA)                                                                          \
    _(SMSUBL, smsubl, REG | JIT_RA)                                                                          \
    _(UMADDL, umaddl, REG | JIT_RA)                                                                          \
    _(UMSUBL, umsubl, REG | JIT_RA)                                                                          \
    _(SMULH, smulh, REG)                                                                                     \
    _(UMULH, umulh, REG)                                                                                     \
    _(NOP, nop, JIT_KEEPS)                                                                                   \
    _(YIELD, nop, JIT_KEEPS)                                                                                 \
    _(PRFM_IMM, nop, JIT_KEEPS)                                                                              \
    _(PRFM_UNSCALED, nop, JIT_KEEPS)                                                                         \
    _(PRFM_REG, nop, JIT_KEEPS)                                                                              \
    _(PRFM_LIT, nop, JIT_KEEPS)                                                                              \
    _(ISB, nop, JIT_KEEPS)                                                                                   \
    _(SB, nop, JIT_KEEPS)                                                                                    \
    _(DMB, dmb, 0)                                                                                           \
    _(B, b, JIT_BRANCH | JIT_KEEPS)                                                                          \
    _(BL, bl, JIT_BRANCH | JIT_TO_X30)                                                                       \
    _(B_COND, b_cond, JIT_BRANCH | JIT_READS | JIT_FUSES | JIT_KEEPS)                                        \
    _(CBZ_W, cbz_w, JIT_BRANCH | JIT_RD)                                                                     \
    _(CBZ_X, cbz_x, JIT_BRANCH | JIT_RD)                                                                     \
    _(CBNZ_W, cbnz_w, JIT_BRANCH | JIT_RD)                                                                   \
    _(CBNZ_X, cbnz_x, JIT_BRANCH | JIT_RD)                                                                   \
    _(TBZ, tbz, JIT_BRANCH | JIT_RD)                                                                         \
    _(TBNZ, tbnz, JIT_BRANCH | JIT_RD)                                                                       \
    _(BR, br, JIT_BRANCH | JIT_RN)                                                                           \
    _(RET, br, JIT_BRANCH | JIT_RN)                                                                          \
    _(BLR, blr, JIT_BRANCH | JIT_RN | JIT_TO_X30)                                                            \
    _(LDRB_IMM, ldrb_imm, LOAD | JIT_RN)                                                                     \
    _(LDRB_POST, ldrb_post, LOAD | BASE)                                                                     \
    _(LDRB_PRE, ldrb_pre, LOAD | BASE)                                                                       \
    _(LDRB_UNSCALED, ldrb_imm, LOAD | JIT_RN)                                                                \
    _(LDRB_REG, ldrb_reg, LOAD | JIT_RN | JIT_RM)                                                            \
    _(LDRB_REGW, ldrb_regw, LOAD | JIT_RN | JIT_RM)                                                          \
    _(LDRH_IMM, ldrh_imm, LOAD | JIT_RN)                                                                     \
    _(LDRH_POST, ldrh_post, LOAD | BASE)                                                                     \
    _(LDRH_PRE, ldrh_pre, LOAD | BASE)                                                                       \
    _(LDRH_UNSCALED, ldrh_imm, LOAD | JIT_RN)                                                                \
    _(LDRH_REG, ldrh_reg, LOAD | JIT_RN | JIT_RM)                                                            \
    _(LDRH_REGW, ldrh_regw, LOAD | JIT_RN | JIT_RM)                                                          \
    _(LDR_W_IMM, ldr_w_imm, LOAD | JIT_RN)                                                                   \
    _(LDR_W_POST, ldr_w_post, LOAD | BASE)                                                                   \
    _(LDR_W_PRE, ldr_w_pre, LOAD | BASE)                                                                     \
    _(LDR_W_UNSCALED, ldr_w_imm, LOAD | JIT_RN)                                                              \
    _(LDR_W_REG, ldr_w_reg, LOAD | JIT_RN | JIT_RM)                                                          \
    _(LDR_W_REGW, ldr_w_regw, LOAD | JIT_RN | JIT_RM)                                                        \
    _(LDR_X_IMM, ldr_x_imm, LOAD | JIT_RN)                                                                   \
    _(LDR_X_POST, ldr_x_post, LOAD | BASE)                                                                   \
    _(LDR_X_PRE, ldr_x_pre, LOAD | BASE)                                                                     \
    _(LDR_X_UNSCALED, ldr_x_imm, LOAD | JIT_RN)                                                              \
    _(LDR_X_REG, ldr_x_reg, LOAD | JIT_RN | JIT_RM)                                                          \
    _(LDR_X_REGW, ldr_x_regw, LOAD | JIT_RN | JIT_RM)                                                        \
    _(LDRSB_W_IMM, ldrsb_w_imm, LOAD | JIT_RN)                                                               \
    _(LDRSB_W_POST, ldrsb_w_post, LOAD | BASE)                                                               \
    _(LDRSB_W_PRE, ldrsb_w_pre, LOAD | BASE)                                                                 \
    _(LDRSB_W_UNSCALED, ldrsb_w_imm, LOAD | JIT_RN)                                                          \
    _(LDRSB_W_REG, ldrsb_w_reg, LOAD | JIT_RN | JIT_RM)                                                      \
    _(LDRSB_W_REGW, ldrsb_w_regw, LOAD | JIT_RN | JIT_RM)                                                    \
    _(LDRSB_X_IMM, ldrsb_x_imm, LOAD | JIT_RN)                                                               \
    _(LDRSB_X_POST, ldrsb_x_post, LOAD | BASE)                                                               \
    _(LDRSB_X_PRE, ldrsb_x_pre, LOAD | BASE)                                                                 \
    _(LDRSB_X_UNSCALED, ldrsb_x_imm, LOAD | JIT_RN)                                                          \
    _(LDRSB_X_REG, ldrsb_x_reg, LOAD | JIT_RN | JIT_RM)                                                      \
    _(LDRSB_X_REGW, ldrsb_x_regw, LOAD | JIT_RN | JIT_RM)                                                    \
    _(LDRSH_W_IMM, ldrsh_w_imm, LOAD | JIT_RN)                                                               \
    _(LDRSH_W_POST, ldrsh_w_post, LOAD | BASE)                                                               \
    _(LDRSH_W_PRE, ldrsh_w_pre, LOAD | BASE)                                                                 \
    _(LDRSH_W_UNSCALED, ldrsh_w_imm, LOAD | JIT_RN)                                                          \
    _(LDRSH_W_REG, ldrsh_w_reg, LOAD | JIT_RN | JIT_RM)                                                      \
    _(LDRSH_W_REGW, ldrsh_w_regw, LOAD | JIT_RN | JIT_RM)                                                    \
    _(LDRSH_X_IMM, ldrsh_x_imm, LOAD | JIT_RN)                                                               \
    _(LDRSH_X_POST, ldrsh_x_post, LOAD | BASE)                                                               \
    _(LDRSH_X_PRE, ldrsh_x_pre, LOAD | BASE)                                                                 \
    _(LDRSH_X_UNSCALED, ldrsh_x_imm, LOAD | JIT_RN)                                                          \
    _(LDRSH_X_REG, ldrsh_x_reg, LOAD | JIT_RN | JIT_RM)                                                      \
    _(LDRSH_X_REGW, ldrsh_x_regw, LOAD | JIT_RN | JIT_RM)                                                    \
    _(LDRSW_IMM, ldrsw_imm, LOAD | JIT_RN)                                                                   \
    _(LDRSW_POST, ldrsw_post, LOAD | BASE)                                                                   \
    _(LDRSW_PRE, ldrsw_pre, LOAD | BASE)                                                                     \
    _(LDRSW_UNSCALED, ldrsw_imm, LOAD | JIT_RN)                                                              \
    _(LDRSW_REG, ldrsw_reg, LOAD | JIT_RN | JIT_RM)                                                          \
    _(LDRSW_REGW, ldrsw_regw, LOAD | JIT_RN | JIT_RM)                                                        \
    _(STRB_IMM, strb_imm, STORE | JIT_RN)                                                                    \
    _(STRB_POST, strb_post, STORE | BASE)                                                                    \
    _(STRB_PRE, strb_pre, STORE | BASE)                                                                      \
    _(STRB_UNSCALED, strb_imm, STORE | JIT_RN)                                                               \
    _(STRB_REG, strb_reg, STORE | JIT_RN | JIT_RM)                                                           \
    _(STRB_REGW, strb_regw, STORE | JIT_RN | JIT_RM)                                                         \
    _(STRH_IMM, strh_imm, STORE | JIT_RN)                                                                    \
    _(STRH_POST, strh_post, STORE | BASE)                                                                    \
    _(STRH_PRE, strh_pre, STORE | BASE)                                                                      \
    _(STRH_UNSCALED, strh_imm, STORE | JIT_RN)                                                               \
    _(STRH_REG, strh_reg, STORE | JIT_RN | JIT_RM)                                                           \
    _(STRH_REGW, strh_regw, STORE | JIT_RN | JIT_RM)                                                         \
    _(STR_W_IMM, str_w_imm, STORE | JIT_RN)                                                                  \
    _(STR_W_POST, str_w_post, STORE | BASE)                                                                  \
    _(STR_W_PRE, str_w_pre, STORE | BASE)                                                                    \
    _(STR_W_UNSCALED, str_w_imm, STORE | JIT_RN)                                                             \
    _(STR_W_REG, str_w_reg, STORE | JIT_RN | JIT_RM)                                                         \
    _(STR_W_REGW, str_w_regw, STORE | JIT_RN | JIT_RM)                                                       \
    _(STR_X_IMM, str_x_imm, STORE | JIT_RN)                                                                  \
    _(STR_X_POST, str_x_post, STORE | BASE)                                                                  \
    _(STR_X_PRE, str_x_pre, STORE | BASE)                                                                    \
    _(STR_X_UNSCALED, str_x_imm, STORE | JIT_RN)                                                             \
    _(STR_X_REG, str_x_reg, STORE | JIT_RN | JIT_RM)                                                         \
    _(STR_X_REGW, str_x_regw, STORE | JIT_RN | JIT_RM)                                                       \
    _(LDR_W_LIT, ldr_w_lit, LOAD)                                                                            \
    _(LDR_X_LIT, ldr_x_lit, LOAD)                                                                            \
    _(LDRSW_LIT, ldrsw_lit, LOAD)                                                                            \
    _(LDP_W_IMM, ldp_w_imm, LOAD | JIT_TO_RA | JIT_RN)                                                       \
    _(LDP_W_POST, ldp_w_post, LOAD | JIT_TO_RA | BASE)                                                       \
    _(LDP_W_PRE, ldp_w_pre, LOAD | JIT_TO_RA | BASE)                                                         \
    _(LDP_W_NP, ldp_w_imm, LOAD | JIT_TO_RA | JIT_RN)                                                        \
    _(LDP_X_IMM, ldp_x_imm, LOAD | JIT_TO_RA | JIT_RN)                                                       \
    _(LDP_X_POST, ldp_x_post, LOAD | JIT_TO_RA | BASE)                                                       \
    _(LDP_X_PRE, ldp_x_pre, LOAD | JIT_TO_RA | BASE)                                                         \
    _(LDP_X_NP, ldp_x_imm, LOAD | JIT_TO_RA | JIT_RN)                                                        \
    _(LDPSW_IMM, ldpsw_imm, LOAD | JIT_TO_RA | JIT_RN)                                                       \
    _(LDPSW_POST, ldpsw_post, LOAD | JIT_TO_RA | BASE)                                                       \
    _(LDPSW_PRE, ldpsw_pre, LOAD | JIT_TO_RA | BASE)                                                         \
    _(STP_W_IMM, stp_w_imm, STORE | JIT_RA | JIT_RN)                                                         \
    _(STP_W_POST, stp_w_post, STORE | JIT_RA | BASE)                                                         \
    _(STP_W_PRE, stp_w_pre, STORE | JIT_RA | BASE)                                                           \
    _(STP_W_NP, stp_w_imm, STORE | JIT_RA | JIT_RN)                                                          \
    _(STP_X_IMM, stp_x_imm, STORE | JIT_RA | JIT_RN)                                                         \
    _(STP_X_POST, stp_x_post, STORE | JIT_RA | BASE)                                                         \
    _(STP_X_PRE, stp_x_pre, STORE | JIT_RA | BASE)                                                           \
    _(STP_X_NP, stp_x_imm, STORE | JIT_RA | JIT_RN)

#define DECLARE(op, name, use) jit_emit_fn jit_##name;
#define FORM(op, name, use)    [A64_##op] = {jit_##name, use},
FORMS(DECLARE)
VECTOR_FORMS(DECLARE)

const struct jit_form jit_forms[A64_OP_COUNT] = {
    FORMS(FORM) VECTOR_FORMS(FORM)[A64_FCSEL_H] = {NULL, JIT_READS},
    [A64_FCCMP_H] = {NULL, JIT_READS},
    [A64_FCCMPE_H] = {NULL, JIT_READS},
    [A64_CFINV] = {NULL, JIT_READS},
    [A64_RMIF] = {NULL, JIT_READS},
    [A64_SETF8] = {NULL, JIT_READS},
    [A64_SETF16] = {NULL, JIT_READS},
};
