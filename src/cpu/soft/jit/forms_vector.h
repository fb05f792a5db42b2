/* The forms of floating point, Advanced SIMD and crypto: rows for forms.c. */
#pragma once

/* clang-format off */
/* op, jit_NAME(), use */
#define VECTOR_FORMS(_) \
    _(FADD_S, fadd, JIT_FP | JIT_FP_ARITH) \
    _(FADD_D, fadd, JIT_FP | JIT_FP_ARITH) \
    _(FSUB_S, fsub, JIT_FP | JIT_FP_ARITH) \
    _(FSUB_D, fsub, JIT_FP | JIT_FP_ARITH) \
    _(FMUL_S, fmul, JIT_FP | JIT_FP_ARITH) \
    _(FMUL_D, fmul, JIT_FP | JIT_FP_ARITH) \
    _(FDIV_S, fdiv, JIT_FP | JIT_FP_ARITH) \
    _(FDIV_D, fdiv, JIT_FP | JIT_FP_ARITH) \
    _(FNMUL_S, fnmul, JIT_FP | JIT_FP_ARITH) \
    _(FNMUL_D, fnmul, JIT_FP | JIT_FP_ARITH) \
    _(FSQRT_S, fsqrt, JIT_FP | JIT_FP_ARITH) \
    _(FSQRT_D, fsqrt, JIT_FP | JIT_FP_ARITH) \
    _(FMADD_S, fmadd, JIT_FP | JIT_FP_ARITH) \
    _(FMADD_D, fmadd, JIT_FP | JIT_FP_ARITH) \
    _(FMSUB_S, fmsub, JIT_FP | JIT_FP_ARITH) \
    _(FMSUB_D, fmsub, JIT_FP | JIT_FP_ARITH) \
    _(FNMADD_S, fnmadd, JIT_FP | JIT_FP_ARITH) \
    _(FNMADD_D, fnmadd, JIT_FP | JIT_FP_ARITH) \
    _(FNMSUB_S, fnmsub, JIT_FP | JIT_FP_ARITH) \
    _(FNMSUB_D, fnmsub, JIT_FP | JIT_FP_ARITH) \
    _(FRINTN_S, frintn, JIT_FP | JIT_FP_ARITH) \
    _(FRINTN_D, frintn, JIT_FP | JIT_FP_ARITH) \
    _(FRINTP_S, frintp, JIT_FP | JIT_FP_ARITH) \
    _(FRINTP_D, frintp, JIT_FP | JIT_FP_ARITH) \
    _(FRINTM_S, frintm, JIT_FP | JIT_FP_ARITH) \
    _(FRINTM_D, frintm, JIT_FP | JIT_FP_ARITH) \
    _(FRINTZ_S, frintz, JIT_FP | JIT_FP_ARITH) \
    _(FRINTZ_D, frintz, JIT_FP | JIT_FP_ARITH) \
    _(FRINTX_S, frintx, JIT_FP | JIT_FP_ARITH) \
    _(FRINTX_D, frintx, JIT_FP | JIT_FP_ARITH) \
    _(FRINTI_S, frinti, JIT_FP | JIT_FP_ARITH) \
    _(FRINTI_D, frinti, JIT_FP | JIT_FP_ARITH) \
    _(FMAX_S, fmax, JIT_FP | JIT_FP_ARITH) \
    _(FMAX_D, fmax, JIT_FP | JIT_FP_ARITH) \
    _(FMIN_S, fmin, JIT_FP | JIT_FP_ARITH) \
    _(FMIN_D, fmin, JIT_FP | JIT_FP_ARITH) \
    _(FMAXNM_S, fmax, JIT_FP | JIT_FP_ARITH) \
    _(FMAXNM_D, fmax, JIT_FP | JIT_FP_ARITH) \
    _(FMINNM_S, fmin, JIT_FP | JIT_FP_ARITH) \
    _(FMINNM_D, fmin, JIT_FP | JIT_FP_ARITH) \
    _(FMOV_H, fmov, JIT_FP | JIT_KEEPS) \
    _(FMOV_S, fmov, JIT_FP | JIT_KEEPS) \
    _(FMOV_D, fmov, JIT_FP | JIT_KEEPS) \
    _(FABS_S, fabs, JIT_FP | JIT_KEEPS) \
    _(FABS_D, fabs, JIT_FP | JIT_KEEPS) \
    _(FNEG_S, fneg, JIT_FP | JIT_KEEPS) \
    _(FNEG_D, fneg, JIT_FP | JIT_KEEPS) \
    _(FMOV_IMM_H, fmov_imm, JIT_FP | JIT_KEEPS) \
    _(FMOV_IMM_S, fmov_imm, JIT_FP | JIT_KEEPS) \
    _(FMOV_IMM_D, fmov_imm, JIT_FP | JIT_KEEPS) \
    _(FMOV_W_S, fmov_w_s, JIT_FP | JIT_KEEPS | JIT_TO_RD) \
    _(FMOV_X_D, fmov_x_d, JIT_FP | JIT_KEEPS | JIT_TO_RD) \
    _(FMOV_X_TOP, fmov_x_top, JIT_FP | JIT_KEEPS | JIT_TO_RD) \
    _(FMOV_S_W, fmov_s_w, JIT_FP | JIT_KEEPS | JIT_RN) \
    _(FMOV_D_X, fmov_d_x, JIT_FP | JIT_KEEPS | JIT_RN) \
    _(FMOV_TOP_X, fmov_top_x, JIT_FP | JIT_KEEPS | JIT_RN) \
    _(FCSEL_S, fcsel, JIT_FP | JIT_KEEPS | JIT_READS | JIT_FUSES) \
    _(FCSEL_D, fcsel, JIT_FP | JIT_KEEPS | JIT_READS | JIT_FUSES) \
    _(FCMP_S, fcmp, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMP_D, fcmp, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMPE_S, fcmpe, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMPE_D, fcmpe, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMP_ZERO_S, fcmp_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMP_ZERO_D, fcmp_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMPE_ZERO_S, fcmpe_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCMPE_ZERO_D, fcmpe_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS) \
    _(FCVT_D_S, fcvt_d_s, JIT_FP | JIT_FP_ARITH) \
    _(FCVT_S_D, fcvt_s_d, JIT_FP | JIT_FP_ARITH) \
    _(FCVTNS_R_S, fcvtns_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTNS_R_D, fcvtns_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTNU_R_S, fcvtnu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTNU_R_D, fcvtnu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTPS_R_S, fcvtps_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTPS_R_D, fcvtps_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTPU_R_S, fcvtpu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTPU_R_D, fcvtpu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTMS_R_S, fcvtms_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTMS_R_D, fcvtms_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTMU_R_S, fcvtmu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTMU_R_D, fcvtmu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTZS_R_S, fcvtzs_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTZS_R_D, fcvtzs_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTZU_R_S, fcvtzu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(FCVTZU_R_D, fcvtzu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD) \
    _(SCVTF_S_R, scvtf_r, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_RN) \
    _(UCVTF_S_R, ucvtf_r, JIT_FP | JIT_FP_ARITH | JIT_RN) \
    _(SCVTF_D_R, scvtf_r, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_RN) \
    _(UCVTF_D_R, ucvtf_r, JIT_FP | JIT_FP_ARITH | JIT_RN) \
    _(ADD_VEC, add_vec, JIT_FP | JIT_KEEPS) \
    _(ADD_SCALAR, add_vec, JIT_FP | JIT_KEEPS) \
    _(SUB_VEC, sub_vec, JIT_FP | JIT_KEEPS) \
    _(SUB_SCALAR, sub_vec, JIT_FP | JIT_KEEPS) \
    _(MUL_VEC, mul_vec, JIT_FP | JIT_KEEPS) \
    _(MLA_VEC, mla_vec, JIT_FP | JIT_KEEPS) \
    _(MLS_VEC, mls_vec, JIT_FP | JIT_KEEPS) \
    _(SMAX_VEC, smax_vec, JIT_FP | JIT_KEEPS) \
    _(SMIN_VEC, smin_vec, JIT_FP | JIT_KEEPS) \
    _(UMAX_VEC, umax_vec, JIT_FP | JIT_KEEPS) \
    _(UMIN_VEC, umin_vec, JIT_FP | JIT_KEEPS) \
    _(SABD_VEC, sabd_vec, JIT_FP | JIT_KEEPS) \
    _(UABD_VEC, uabd_vec, JIT_FP | JIT_KEEPS) \
    _(SABA_VEC, saba_vec, JIT_FP | JIT_KEEPS) \
    _(UABA_VEC, uaba_vec, JIT_FP | JIT_KEEPS) \
    _(URHADD_VEC, urhadd_vec, JIT_FP | JIT_KEEPS) \
    _(UHADD_VEC, uhadd_vec, JIT_FP | JIT_KEEPS) \
    _(CMEQ_VEC, cmeq_vec, JIT_FP | JIT_KEEPS) \
    _(CMEQ_SCALAR, cmeq_vec, JIT_FP | JIT_KEEPS) \
    _(CMGE_VEC, cmge_vec, JIT_FP | JIT_KEEPS) \
    _(CMGE_SCALAR, cmge_vec, JIT_FP | JIT_KEEPS) \
    _(CMGT_VEC, cmgt_vec, JIT_FP | JIT_KEEPS) \
    _(CMGT_SCALAR, cmgt_vec, JIT_FP | JIT_KEEPS) \
    _(CMHI_VEC, cmhi_vec, JIT_FP | JIT_KEEPS) \
    _(CMHI_SCALAR, cmhi_vec, JIT_FP | JIT_KEEPS) \
    _(CMHS_VEC, cmhs_vec, JIT_FP | JIT_KEEPS) \
    _(CMHS_SCALAR, cmhs_vec, JIT_FP | JIT_KEEPS) \
    _(CMTST_VEC, cmtst_vec, JIT_FP | JIT_KEEPS) \
    _(CMTST_SCALAR, cmtst_vec, JIT_FP | JIT_KEEPS) \
    _(CMEQ0_VEC, cmeq0_vec, JIT_FP | JIT_KEEPS) \
    _(CMEQ0_SCALAR, cmeq0_vec, JIT_FP | JIT_KEEPS) \
    _(CMGE0_VEC, cmge0_vec, JIT_FP | JIT_KEEPS) \
    _(CMGE0_SCALAR, cmge0_vec, JIT_FP | JIT_KEEPS) \
    _(CMGT0_VEC, cmgt0_vec, JIT_FP | JIT_KEEPS) \
    _(CMGT0_SCALAR, cmgt0_vec, JIT_FP | JIT_KEEPS) \
    _(CMLE0_VEC, cmle0_vec, JIT_FP | JIT_KEEPS) \
    _(CMLE0_SCALAR, cmle0_vec, JIT_FP | JIT_KEEPS) \
    _(CMLT0_VEC, cmlt0_vec, JIT_FP | JIT_KEEPS) \
    _(CMLT0_SCALAR, cmlt0_vec, JIT_FP | JIT_KEEPS) \
    _(AND_VEC, and_vec, JIT_FP | JIT_KEEPS) \
    _(ORR_VEC, orr_vec, JIT_FP | JIT_KEEPS) \
    _(EOR_VEC, eor_vec, JIT_FP | JIT_KEEPS) \
    _(BIC_VEC, bic_vec, JIT_FP | JIT_KEEPS) \
    _(ORN_VEC, orn_vec, JIT_FP | JIT_KEEPS) \
    _(NOT_VEC, not_vec, JIT_FP | JIT_KEEPS) \
    _(BSL_VEC, bsl_vec, JIT_FP | JIT_KEEPS) \
    _(BIT_VEC, bit_vec, JIT_FP | JIT_KEEPS) \
    _(BIF_VEC, bif_vec, JIT_FP | JIT_KEEPS) \
    _(ADDP_VEC, addp_vec, JIT_FP | JIT_KEEPS) \
    _(SMAXP_VEC, smaxp_vec, JIT_FP | JIT_KEEPS) \
    _(SMINP_VEC, sminp_vec, JIT_FP | JIT_KEEPS) \
    _(UMAXP_VEC, umaxp_vec, JIT_FP | JIT_KEEPS) \
    _(UMINP_VEC, uminp_vec, JIT_FP | JIT_KEEPS) \
    _(SDOT_VEC, sdot_vec, JIT_FP | JIT_KEEPS) \
    _(UDOT_VEC, udot_vec, JIT_FP | JIT_KEEPS) \
    _(NEG_VEC, neg_vec, JIT_FP | JIT_KEEPS) \
    _(NEG_SCALAR, neg_vec, JIT_FP | JIT_KEEPS) \
    _(ABS_VEC, abs_vec, JIT_FP | JIT_KEEPS) \
    _(ABS_SCALAR, abs_vec, JIT_FP | JIT_KEEPS) \
    _(CNT_VEC, cnt_vec, JIT_FP | JIT_KEEPS) \
    _(RBIT_VEC, rbit_vec, JIT_FP | JIT_KEEPS) \
    _(SADDLP_VEC, saddlp_vec, JIT_FP | JIT_KEEPS) \
    _(UADDLP_VEC, uaddlp_vec, JIT_FP | JIT_KEEPS) \
    _(SADALP_VEC, sadalp_vec, JIT_FP | JIT_KEEPS) \
    _(UADALP_VEC, uadalp_vec, JIT_FP | JIT_KEEPS) \
    _(REV64_VEC, rev64_vec, JIT_FP | JIT_KEEPS) \
    _(REV32_VEC, rev32_vec, JIT_FP | JIT_KEEPS) \
    _(REV16_VEC, rev16_vec, JIT_FP | JIT_KEEPS) \
    _(MUL_ELEM, mul_vec, JIT_FP | JIT_KEEPS) \
    _(MLA_ELEM, mla_vec, JIT_FP | JIT_KEEPS) \
    _(MLS_ELEM, mls_vec, JIT_FP | JIT_KEEPS) \
    _(SDOT_ELEM, sdot_vec, JIT_FP | JIT_KEEPS) \
    _(UDOT_ELEM, udot_vec, JIT_FP | JIT_KEEPS) \
    _(ADDP_SCALAR, addp_scalar, JIT_FP | JIT_KEEPS) \
    _(SMAXV, smaxv, JIT_FP | JIT_KEEPS) \
    _(SMINV, sminv, JIT_FP | JIT_KEEPS) \
    _(UMAXV, umaxv, JIT_FP | JIT_KEEPS) \
    _(UMINV, uminv, JIT_FP | JIT_KEEPS) \
    _(ADDV, addv, JIT_FP | JIT_KEEPS) \
    _(DUP_ELEM, dup_elem, JIT_FP | JIT_KEEPS) \
    _(DUP_ELEM_SCALAR, dup_elem_scalar, JIT_FP | JIT_KEEPS) \
    _(UZP1, uzp1, JIT_FP | JIT_KEEPS) \
    _(UZP2, uzp2, JIT_FP | JIT_KEEPS) \
    _(ZIP1, zip1, JIT_FP | JIT_KEEPS) \
    _(ZIP2, zip2, JIT_FP | JIT_KEEPS) \
    _(TRN1, trn1, JIT_FP | JIT_KEEPS) \
    _(TRN2, trn2, JIT_FP | JIT_KEEPS) \
    _(EXT, ext, JIT_FP | JIT_KEEPS) \
    _(TBL, tbl, JIT_FP | JIT_KEEPS) \
    _(TBX, tbx, JIT_FP | JIT_KEEPS) \
    _(INS_ELEM, ins_elem, JIT_FP | JIT_KEEPS) \
    _(MOVI_VEC, movi_vec, JIT_FP | JIT_KEEPS) \
    _(ORR_IMM_VEC, orr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(BIC_IMM_VEC, bic_imm_vec, JIT_FP | JIT_KEEPS) \
    _(FMOV_IMM_VEC_H, movi_vec, JIT_FP | JIT_KEEPS) \
    _(DUP_GEN, dup_gen, JIT_FP | JIT_KEEPS | JIT_RN) \
    _(INS_GEN, ins_gen, JIT_FP | JIT_KEEPS | JIT_RN) \
    _(UMOV, umov, JIT_FP | JIT_KEEPS | JIT_TO_RD) \
    _(SMOV, smov, JIT_FP | JIT_KEEPS | JIT_TO_RD) \
    _(SSHR_IMM_VEC, sshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SSHR_IMM_SCALAR, sshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(USHR_IMM_VEC, ushr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(USHR_IMM_SCALAR, ushr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRSHR_IMM_VEC, srshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRSHR_IMM_SCALAR, srshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(URSHR_IMM_VEC, urshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(URSHR_IMM_SCALAR, urshr_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SSRA_IMM_VEC, ssra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SSRA_IMM_SCALAR, ssra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(USRA_IMM_VEC, usra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(USRA_IMM_SCALAR, usra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRSRA_IMM_VEC, srsra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRSRA_IMM_SCALAR, srsra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(URSRA_IMM_VEC, ursra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(URSRA_IMM_SCALAR, ursra_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SHL_IMM_VEC, shl_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SHL_IMM_SCALAR, shl_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SLI_IMM_VEC, sli_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SLI_IMM_SCALAR, sli_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRI_IMM_VEC, sri_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SRI_IMM_SCALAR, sri_imm_vec, JIT_FP | JIT_KEEPS) \
    _(SADDL, saddl, JIT_FP | JIT_KEEPS) \
    _(UADDL, uaddl, JIT_FP | JIT_KEEPS) \
    _(SSUBL, ssubl, JIT_FP | JIT_KEEPS) \
    _(USUBL, usubl, JIT_FP | JIT_KEEPS) \
    _(SADDW, saddw, JIT_FP | JIT_KEEPS) \
    _(UADDW, uaddw, JIT_FP | JIT_KEEPS) \
    _(SSUBW, ssubw, JIT_FP | JIT_KEEPS) \
    _(USUBW, usubw, JIT_FP | JIT_KEEPS) \
    _(SABDL, sabdl, JIT_FP | JIT_KEEPS) \
    _(UABDL, uabdl, JIT_FP | JIT_KEEPS) \
    _(SABAL, sabal, JIT_FP | JIT_KEEPS) \
    _(UABAL, uabal, JIT_FP | JIT_KEEPS) \
    _(SMULL, smull, JIT_FP | JIT_KEEPS) \
    _(SMULL_ELEM, smull, JIT_FP | JIT_KEEPS) \
    _(UMULL, umull, JIT_FP | JIT_KEEPS) \
    _(UMULL_ELEM, umull, JIT_FP | JIT_KEEPS) \
    _(SMLAL, smlal, JIT_FP | JIT_KEEPS) \
    _(SMLAL_ELEM, smlal, JIT_FP | JIT_KEEPS) \
    _(UMLAL, umlal, JIT_FP | JIT_KEEPS) \
    _(UMLAL_ELEM, umlal, JIT_FP | JIT_KEEPS) \
    _(SMLSL, smlsl, JIT_FP | JIT_KEEPS) \
    _(SMLSL_ELEM, smlsl, JIT_FP | JIT_KEEPS) \
    _(UMLSL, umlsl, JIT_FP | JIT_KEEPS) \
    _(UMLSL_ELEM, umlsl, JIT_FP | JIT_KEEPS) \
    _(SSHLL, sshll, JIT_FP | JIT_KEEPS) \
    _(USHLL, ushll, JIT_FP | JIT_KEEPS) \
    _(SHLL, shll, JIT_FP | JIT_KEEPS) \
    _(XTN, xtn, JIT_FP | JIT_KEEPS) \
    _(SHRN, shrn, JIT_FP | JIT_KEEPS) \
    _(RSHRN, rshrn, JIT_FP | JIT_KEEPS) \
    _(ADDHN, addhn, JIT_FP | JIT_KEEPS) \
    _(SUBHN, subhn, JIT_FP | JIT_KEEPS) \
    _(RADDHN, raddhn, JIT_FP | JIT_KEEPS) \
    _(RSUBHN, rsubhn, JIT_FP | JIT_KEEPS) \
    _(FADD_VEC, fadd_vec, JIT_FP | JIT_FP_ARITH) \
    _(FSUB_VEC, fsub_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMUL_VEC, fmul_vec, JIT_FP | JIT_FP_ARITH) \
    _(FDIV_VEC, fdiv_vec, JIT_FP | JIT_FP_ARITH) \
    _(FABD_VEC, fabd_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLA_VEC, fmla_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLS_VEC, fmls_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMAX_VEC, fmax_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMIN_VEC, fmin_vec, JIT_FP | JIT_FP_ARITH) \
    _(FADDP_VEC, faddp_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMAXP_VEC, fmaxp_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMINP_VEC, fminp_vec, JIT_FP | JIT_FP_ARITH) \
    _(FSQRT_VEC, fsqrt_vec, JIT_FP | JIT_FP_ARITH) \
    _(USHL_SCALAR, ushl_vec, JIT_FP) \
    _(FABD_SCALAR, fabd_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMAXNM_VEC, fmax_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMINNM_VEC, fmin_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMAXNMP_VEC, fmaxp_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMINNMP_VEC, fminp_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMUL_ELEM, fmul_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMUL_SCALAR_ELEM, fmul_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLA_ELEM, fmla_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLA_SCALAR_ELEM, fmla_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLS_ELEM, fmls_vec, JIT_FP | JIT_FP_ARITH) \
    _(FMLS_SCALAR_ELEM, fmls_vec, JIT_FP | JIT_FP_ARITH) \
    _(FABS_VEC, fabs_vec, JIT_FP | JIT_KEEPS) \
    _(FNEG_VEC, fneg_vec, JIT_FP | JIT_KEEPS) \
    _(FCMEQ_VEC, fcmeq_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMEQ_SCALAR, fcmeq_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGE_VEC, fcmge_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGE_SCALAR, fcmge_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGT_VEC, fcmgt_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGT_SCALAR, fcmgt_vec, JIT_FP | JIT_FP_ARITH) \
    _(FACGE_VEC, facge_vec, JIT_FP | JIT_FP_ARITH) \
    _(FACGE_SCALAR, facge_vec, JIT_FP | JIT_FP_ARITH) \
    _(FACGT_VEC, facgt_vec, JIT_FP | JIT_FP_ARITH) \
    _(FACGT_SCALAR, facgt_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMEQ0_VEC, fcmeq0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMEQ0_SCALAR, fcmeq0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGE0_VEC, fcmge0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGE0_SCALAR, fcmge0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGT0_VEC, fcmgt0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMGT0_SCALAR, fcmgt0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMLE0_VEC, fcmle0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMLE0_SCALAR, fcmle0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMLT0_VEC, fcmlt0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCMLT0_SCALAR, fcmlt0_vec, JIT_FP | JIT_FP_ARITH) \
    _(FADDP_SCALAR, faddp_scalar, JIT_FP | JIT_FP_ARITH) \
    _(FRINTN_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(FRINTP_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(FRINTM_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(FRINTZ_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(FRINTI_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(FRINTX_VEC, frint_vec, JIT_FP | JIT_FP_ARITH) \
    _(USHL_VEC, ushl_vec, JIT_FP) \
    _(FCVTZS_VEC, fcvtzs_vec, JIT_FP | JIT_FP_ARITH) \
    _(FCVTZS_SCALAR, fcvtzs_scalar, JIT_FP | JIT_FP_ARITH) \
    _(FCVTZU_SCALAR, fcvtzu_scalar, JIT_FP | JIT_FP_ARITH) \
    _(UCVTF_VEC, ucvtf_vec, JIT_FP | JIT_FP_ARITH) \
    _(UCVTF_SCALAR, ucvtf_scalar, JIT_FP | JIT_FP_ARITH) \
    _(FCVTL, fcvtl, JIT_FP | JIT_FP_ARITH) \
    _(FCVTN, fcvtn, JIT_FP | JIT_FP_ARITH) \
    _(SCVTF_VEC, scvtf_vec, JIT_FP | JIT_FP_ARITH | JIT_KEEPS) \
    _(SCVTF_SCALAR, scvtf_scalar, JIT_FP | JIT_FP_ARITH | JIT_KEEPS) \
    _(AESE, aese, JIT_FP) \
    _(AESD, aesd, JIT_FP) \
    _(AESMC, aesmc, JIT_FP) \
    _(AESIMC, aesimc, JIT_FP) \
    _(PMULL_P64, pmull_p64, JIT_FP) \
    _(SHA1C, sha1c, JIT_FP) \
    _(SHA1P, sha1p, JIT_FP) \
    _(SHA1M, sha1m, JIT_FP) \
    _(SHA256H, sha256h, JIT_FP) \
    _(SHA256H2, sha256h2, JIT_FP) \
    _(SHA256SU0, sha256su0, JIT_FP) \
    _(SHA256SU1, sha256su1, JIT_FP) \
    _(UADDLV, uaddlv, JIT_FP) \
    _(SHA1H, sha1h, JIT_FP | JIT_KEEPS) \
    _(SHA1SU0, sha1su0, JIT_FP | JIT_KEEPS) \
    _(SHA1SU1, sha1su1, JIT_FP | JIT_KEEPS) \
    _(EOR3, eor3, JIT_FP | JIT_KEEPS) \
    _(BCAX, bcax, JIT_FP | JIT_KEEPS) \
    _(RAX1, rax1, JIT_FP | JIT_KEEPS) \
    _(XAR, xar, JIT_FP | JIT_KEEPS) \
    _(LDR_VB_IMM, ldr_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VB_UNSCALED, ldr_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VB_POST, ldr_vb_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VB_PRE, ldr_vb_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VB_REG, ldr_vb_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VB_REGW, ldr_vb_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VH_IMM, ldr_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VH_UNSCALED, ldr_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VH_POST, ldr_vh_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VH_PRE, ldr_vh_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VH_REG, ldr_vh_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VH_REGW, ldr_vh_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VS_IMM, ldr_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VS_UNSCALED, ldr_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VS_POST, ldr_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VS_PRE, ldr_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VS_REG, ldr_vs_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VS_REGW, ldr_vs_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VD_IMM, ldr_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VD_UNSCALED, ldr_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VD_POST, ldr_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VD_PRE, ldr_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VD_REG, ldr_vd_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VD_REGW, ldr_vd_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VQ_IMM, ldr_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VQ_UNSCALED, ldr_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDR_VQ_POST, ldr_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VQ_PRE, ldr_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDR_VQ_REG, ldr_vq_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VQ_REGW, ldr_vq_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VB_IMM, str_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VB_UNSCALED, str_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VB_POST, str_vb_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VB_PRE, str_vb_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VB_REG, str_vb_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VB_REGW, str_vb_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VH_IMM, str_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VH_UNSCALED, str_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VH_POST, str_vh_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VH_PRE, str_vh_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VH_REG, str_vh_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VH_REGW, str_vh_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VS_IMM, str_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VS_UNSCALED, str_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VS_POST, str_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VS_PRE, str_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VS_REG, str_vs_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VS_REGW, str_vs_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VD_IMM, str_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VD_UNSCALED, str_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VD_POST, str_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VD_PRE, str_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VD_REG, str_vd_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VD_REGW, str_vd_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VQ_IMM, str_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VQ_UNSCALED, str_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STR_VQ_POST, str_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VQ_PRE, str_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STR_VQ_REG, str_vq_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(STR_VQ_REGW, str_vq_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM) \
    _(LDR_VS_LIT, ldr_vs_lit, JIT_FP | JIT_MAY_RAISE) \
    _(LDR_VD_LIT, ldr_vd_lit, JIT_FP | JIT_MAY_RAISE) \
    _(LDR_VQ_LIT, ldr_vq_lit, JIT_FP | JIT_MAY_RAISE) \
    _(LDP_VS_IMM, ldp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VS_NP, ldp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VS_POST, ldp_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDP_VS_PRE, ldp_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDP_VD_IMM, ldp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VD_NP, ldp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VD_POST, ldp_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDP_VD_PRE, ldp_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDP_VQ_IMM, ldp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VQ_NP, ldp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LDP_VQ_POST, ldp_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LDP_VQ_PRE, ldp_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VS_IMM, stp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VS_NP, stp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VS_POST, stp_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VS_PRE, stp_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VD_IMM, stp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VD_NP, stp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VD_POST, stp_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VD_PRE, stp_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VQ_IMM, stp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VQ_NP, stp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(STP_VQ_POST, stp_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(STP_VQ_PRE, stp_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN) \
    _(LD1_1, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_1_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_2, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_2_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_3, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_3_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_4, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_4_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_B, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_B_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_H, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_H_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_S, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_S_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1_D, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1_D_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_1, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_1_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_2, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_2_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_3, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_3_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_4, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_4_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_B, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_B_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_H, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_H_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_S, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_S_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(ST1_D, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(ST1_D_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN) \
    _(LD1R, ld1_replicate, JIT_FP | JIT_MAY_RAISE | JIT_RN) \
    _(LD1R_POST, ld1_replicate_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN)
/* clang-format on */
