/* The forms of floating point, Advanced SIMD and crypto: rows for forms.c. */
#pragma once

/* clang-format off */
/* op, jit_NAME(), use */
#define VECTOR_FORMS(_) \
    _(FADD_S, fadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FADD_D, fadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FSUB_S, fsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FSUB_D, fsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMUL_S, fmul, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMUL_D, fmul, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FDIV_S, fdiv, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FDIV_D, fdiv, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FNMUL_S, fnmul, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FNMUL_D, fnmul, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FSQRT_S, fsqrt, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FSQRT_D, fsqrt, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FMADD_S, fmadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FMADD_D, fmadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FMSUB_S, fmsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FMSUB_D, fmsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FNMADD_S, fnmadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FNMADD_D, fnmadd, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FNMSUB_S, fnmsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FNMSUB_D, fnmsub, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(FRINTN_S, frintn, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTN_D, frintn, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTP_S, frintp, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTP_D, frintp, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTM_S, frintm, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTM_D, frintm, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTZ_S, frintz, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTZ_D, frintz, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTX_S, frintx, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTX_D, frintx, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTI_S, frinti, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTI_D, frinti, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FMAX_S, fmax, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAX_D, fmax, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMIN_S, fmin, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMIN_D, fmin, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAXNM_S, fmax, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAXNM_D, fmax, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMINNM_S, fmin, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMINNM_D, fmin, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMOV_H, fmov, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FMOV_S, fmov, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FMOV_D, fmov, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FABS_S, fabs, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FABS_D, fabs, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FNEG_S, fneg, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FNEG_D, fneg, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FMOV_IMM_H, fmov_imm, JIT_FP | JIT_KEEPS | JIT_TO_VD) \
    _(FMOV_IMM_S, fmov_imm, JIT_FP | JIT_KEEPS | JIT_TO_VD) \
    _(FMOV_IMM_D, fmov_imm, JIT_FP | JIT_KEEPS | JIT_TO_VD) \
    _(FMOV_W_S, fmov_w_s, JIT_FP | JIT_KEEPS | JIT_TO_RD | JIT_VN) \
    _(FMOV_X_D, fmov_x_d, JIT_FP | JIT_KEEPS | JIT_TO_RD | JIT_VN) \
    _(FMOV_X_TOP, fmov_x_top, JIT_FP | JIT_KEEPS | JIT_TO_RD | JIT_VN) \
    _(FMOV_S_W, fmov_s_w, JIT_FP | JIT_KEEPS | JIT_RN | JIT_TO_VD) \
    _(FMOV_D_X, fmov_d_x, JIT_FP | JIT_KEEPS | JIT_RN | JIT_TO_VD) \
    _(FMOV_TOP_X, fmov_top_x, JIT_FP | JIT_KEEPS | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(FCSEL_S, fcsel, JIT_FP | JIT_KEEPS | JIT_READS | JIT_FUSES | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCSEL_D, fcsel, JIT_FP | JIT_KEEPS | JIT_READS | JIT_FUSES | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMP_S, fcmp, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCMP_D, fcmp, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCMPE_S, fcmpe, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCMPE_D, fcmpe, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCMP_ZERO_S, fcmp_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN) \
    _(FCMP_ZERO_D, fcmp_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN) \
    _(FCMPE_ZERO_S, fcmpe_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN) \
    _(FCMPE_ZERO_D, fcmpe_zero, JIT_FP | JIT_FP_ARITH | JIT_SETS | JIT_VN) \
    _(FCCMP_S, fccmp, JIT_FP | JIT_FP_ARITH | JIT_READS | JIT_FUSES | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCCMP_D, fccmp, JIT_FP | JIT_FP_ARITH | JIT_READS | JIT_FUSES | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCCMPE_S, fccmpe, JIT_FP | JIT_FP_ARITH | JIT_READS | JIT_FUSES | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCCMPE_D, fccmpe, JIT_FP | JIT_FP_ARITH | JIT_READS | JIT_FUSES | JIT_SETS | JIT_VN | JIT_VM) \
    _(FCVT_D_S, fcvt_d_s, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVT_S_D, fcvt_s_d, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVTNS_R_S, fcvtns_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTNS_R_D, fcvtns_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTNU_R_S, fcvtnu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTNU_R_D, fcvtnu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTPS_R_S, fcvtps_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTPS_R_D, fcvtps_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTPU_R_S, fcvtpu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTPU_R_D, fcvtpu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTMS_R_S, fcvtms_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTMS_R_D, fcvtms_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTMU_R_S, fcvtmu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTMU_R_D, fcvtmu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTZS_R_S, fcvtzs_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTZS_R_D, fcvtzs_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTZU_R_S, fcvtzu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(FCVTZU_R_D, fcvtzu_r, JIT_FP | JIT_FP_ARITH | JIT_TO_RD | JIT_VN) \
    _(SCVTF_S_R, scvtf_r, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_RN | JIT_TO_VD) \
    _(UCVTF_S_R, ucvtf_r, JIT_FP | JIT_FP_ARITH | JIT_RN | JIT_TO_VD) \
    _(SCVTF_D_R, scvtf_r, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_RN | JIT_TO_VD) \
    _(UCVTF_D_R, ucvtf_r, JIT_FP | JIT_FP_ARITH | JIT_RN | JIT_TO_VD) \
    _(ADD_VEC, add_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(ADD_SCALAR, add_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SUB_VEC, sub_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SUB_SCALAR, sub_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(MUL_VEC, mul_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(MLA_VEC, mla_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(MLS_VEC, mls_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SMAX_VEC, smax_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SMIN_VEC, smin_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMAX_VEC, umax_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMIN_VEC, umin_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SABD_VEC, sabd_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UABD_VEC, uabd_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SABA_VEC, saba_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UABA_VEC, uaba_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SQADD_VEC, sqadd_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UQADD_VEC, uqadd_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SQSUB_VEC, sqsub_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UQSUB_VEC, uqsub_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(URHADD_VEC, urhadd_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UHADD_VEC, uhadd_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMEQ_VEC, cmeq_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMEQ_SCALAR, cmeq_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMGE_VEC, cmge_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMGE_SCALAR, cmge_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMGT_VEC, cmgt_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMGT_SCALAR, cmgt_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMHI_VEC, cmhi_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMHI_SCALAR, cmhi_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMHS_VEC, cmhs_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMHS_SCALAR, cmhs_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMTST_VEC, cmtst_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMTST_SCALAR, cmtst_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(CMEQ0_VEC, cmeq0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMEQ0_SCALAR, cmeq0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMGE0_VEC, cmge0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMGE0_SCALAR, cmge0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMGT0_VEC, cmgt0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMGT0_SCALAR, cmgt0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMLE0_VEC, cmle0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMLE0_SCALAR, cmle0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMLT0_VEC, cmlt0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CMLT0_SCALAR, cmlt0_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(AND_VEC, and_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(ORR_VEC, orr_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(EOR_VEC, eor_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(BIC_VEC, bic_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(ORN_VEC, orn_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(NOT_VEC, not_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(BSL_VEC, bsl_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(BIT_VEC, bit_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(BIF_VEC, bif_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(ADDP_VEC, addp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SMAXP_VEC, smaxp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SMINP_VEC, sminp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMAXP_VEC, umaxp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMINP_VEC, uminp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SDOT_VEC, sdot_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UDOT_VEC, udot_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(NEG_VEC, neg_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(NEG_SCALAR, neg_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(ABS_VEC, abs_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(ABS_SCALAR, abs_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(CNT_VEC, cnt_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(RBIT_VEC, rbit_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SADDLP_VEC, saddlp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(UADDLP_VEC, uaddlp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SADALP_VEC, sadalp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(UADALP_VEC, uadalp_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(REV64_VEC, rev64_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(REV32_VEC, rev32_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(REV16_VEC, rev16_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(MUL_ELEM, mul_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(MLA_ELEM, mla_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(MLS_ELEM, mls_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SQXTN, sqxtn, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SQXTUN, sqxtun, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(UQXTN, uqxtn, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SDOT_ELEM, sdot_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UDOT_ELEM, udot_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(ADDP_SCALAR, addp_scalar, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SMAXV, smaxv, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SMINV, sminv, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(UMAXV, umaxv, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(UMINV, uminv, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(ADDV, addv, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(DUP_ELEM, dup_elem, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(DUP_ELEM_SCALAR, dup_elem_scalar, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(UZP1, uzp1, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UZP2, uzp2, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(ZIP1, zip1, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(ZIP2, zip2, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(TRN1, trn1, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(TRN2, trn2, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(EXT, ext, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(TBL, tbl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VN_LIST) \
    _(TBX, tbx, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD | JIT_VN_LIST) \
    _(INS_ELEM, ins_elem, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(MOVI_VEC, movi_vec, JIT_FP | JIT_KEEPS | JIT_TO_VD) \
    _(ORR_IMM_VEC, orr_imm_vec, JIT_FP | JIT_KEEPS | JIT_TO_VD | JIT_VD) \
    _(BIC_IMM_VEC, bic_imm_vec, JIT_FP | JIT_KEEPS | JIT_TO_VD | JIT_VD) \
    _(FMOV_IMM_VEC_H, movi_vec, JIT_FP | JIT_KEEPS | JIT_TO_VD) \
    _(DUP_GEN, dup_gen, JIT_FP | JIT_KEEPS | JIT_RN | JIT_TO_VD) \
    _(INS_GEN, ins_gen, JIT_FP | JIT_KEEPS | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(UMOV, umov, JIT_FP | JIT_KEEPS | JIT_TO_RD | JIT_VN) \
    _(SMOV, smov, JIT_FP | JIT_KEEPS | JIT_TO_RD | JIT_VN) \
    _(SSHR_IMM_VEC, sshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SSHR_IMM_SCALAR, sshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(USHR_IMM_VEC, ushr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(USHR_IMM_SCALAR, ushr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SRSHR_IMM_VEC, srshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SRSHR_IMM_SCALAR, srshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(URSHR_IMM_VEC, urshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(URSHR_IMM_SCALAR, urshr_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SSRA_IMM_VEC, ssra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SSRA_IMM_SCALAR, ssra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(USRA_IMM_VEC, usra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(USRA_IMM_SCALAR, usra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SRSRA_IMM_VEC, srsra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SRSRA_IMM_SCALAR, srsra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(URSRA_IMM_VEC, ursra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(URSRA_IMM_SCALAR, ursra_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SHL_IMM_VEC, shl_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SHL_IMM_SCALAR, shl_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SLI_IMM_VEC, sli_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SLI_IMM_SCALAR, sli_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SRI_IMM_VEC, sri_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SRI_IMM_SCALAR, sri_imm_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SADDL, saddl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UADDL, uaddl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SSUBL, ssubl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(USUBL, usubl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SADDW, saddw, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UADDW, uaddw, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SSUBW, ssubw, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(USUBW, usubw, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SABDL, sabdl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UABDL, uabdl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SABAL, sabal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UABAL, uabal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SMULL, smull, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SMULL_ELEM, smull, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMULL, umull, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(UMULL_ELEM, umull, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SMLAL, smlal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SMLAL_ELEM, smlal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UMLAL, umlal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UMLAL_ELEM, umlal, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SMLSL, smlsl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SMLSL_ELEM, smlsl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UMLSL, umlsl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UMLSL_ELEM, umlsl, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SSHLL, sshll, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(USHLL, ushll, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SHLL, shll, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(XTN, xtn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SHRN, shrn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(RSHRN, rshrn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(ADDHN, addhn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SUBHN, subhn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(RADDHN, raddhn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(RSUBHN, rsubhn, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FADD_VEC, fadd_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FSUB_VEC, fsub_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMUL_VEC, fmul_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FDIV_VEC, fdiv_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FABD_VEC, fabd_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMLA_VEC, fmla_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FMLS_VEC, fmls_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FMAX_VEC, fmax_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMIN_VEC, fmin_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FADDP_VEC, faddp_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAXP_VEC, fmaxp_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMINP_VEC, fminp_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FSQRT_VEC, fsqrt_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(USHL_SCALAR, ushl_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FABD_SCALAR, fabd_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAXNM_VEC, fmax_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMINNM_VEC, fmin_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMAXNMP_VEC, fmaxp_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMINNMP_VEC, fminp_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMUL_ELEM, fmul_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMUL_SCALAR_ELEM, fmul_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FMLA_ELEM, fmla_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FMLA_SCALAR_ELEM, fmla_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FMLS_ELEM, fmls_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FMLS_SCALAR_ELEM, fmls_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(FABS_VEC, fabs_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FNEG_VEC, fneg_vec, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(FCMEQ_VEC, fcmeq_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMEQ_SCALAR, fcmeq_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMGE_VEC, fcmge_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMGE_SCALAR, fcmge_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMGT_VEC, fcmgt_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMGT_SCALAR, fcmgt_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FACGE_VEC, facge_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FACGE_SCALAR, facge_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FACGT_VEC, facgt_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FACGT_SCALAR, facgt_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCMEQ0_VEC, fcmeq0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMEQ0_SCALAR, fcmeq0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMGE0_VEC, fcmge0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMGE0_SCALAR, fcmge0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMGT0_VEC, fcmgt0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMGT0_SCALAR, fcmgt0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMLE0_VEC, fcmle0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMLE0_SCALAR, fcmle0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMLT0_VEC, fcmlt0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCMLT0_SCALAR, fcmlt0_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FADDP_SCALAR, faddp_scalar, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTN_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTP_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTM_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTZ_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTI_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FRINTX_VEC, frint_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(USHL_VEC, ushl_vec, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(FCVTZS_VEC, fcvtzs_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVTZS_SCALAR, fcvtzs_scalar, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVTZU_SCALAR, fcvtzu_scalar, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(UCVTF_VEC, ucvtf_vec, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(UCVTF_SCALAR, ucvtf_scalar, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVTL, fcvtl, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD) \
    _(FCVTN, fcvtn, JIT_FP | JIT_FP_ARITH | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SCVTF_VEC, scvtf_vec, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(SCVTF_SCALAR, scvtf_scalar, JIT_FP | JIT_FP_ARITH | JIT_KEEPS | JIT_VN | JIT_TO_VD) \
    _(AESE, aese, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(AESD, aesd, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(AESMC, aesmc, JIT_FP | JIT_VN | JIT_TO_VD) \
    _(AESIMC, aesimc, JIT_FP | JIT_VN | JIT_TO_VD) \
    _(PMULL_P64, pmull_p64, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(SHA1C, sha1c, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA1P, sha1p, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA1M, sha1m, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA256H, sha256h, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA256H2, sha256h2, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA256SU0, sha256su0, JIT_FP | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SHA256SU1, sha256su1, JIT_FP | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(UADDLV, uaddlv, JIT_FP | JIT_VN | JIT_TO_VD) \
    _(SHA1H, sha1h, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(SHA1SU0, sha1su0, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD | JIT_VD) \
    _(SHA1SU1, sha1su1, JIT_FP | JIT_KEEPS | JIT_VN | JIT_TO_VD | JIT_VD) \
    _(EOR3, eor3, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(BCAX, bcax, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_VA | JIT_TO_VD) \
    _(RAX1, rax1, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(XAR, xar, JIT_FP | JIT_KEEPS | JIT_VN | JIT_VM | JIT_TO_VD) \
    _(LDR_VB_IMM, ldr_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VB_UNSCALED, ldr_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VB_POST, ldr_vb_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VB_PRE, ldr_vb_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VB_REG, ldr_vb_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VB_REGW, ldr_vb_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VH_IMM, ldr_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VH_UNSCALED, ldr_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VH_POST, ldr_vh_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VH_PRE, ldr_vh_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VH_REG, ldr_vh_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VH_REGW, ldr_vh_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VS_IMM, ldr_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VS_UNSCALED, ldr_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VS_POST, ldr_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VS_PRE, ldr_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VS_REG, ldr_vs_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VS_REGW, ldr_vs_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VD_IMM, ldr_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VD_UNSCALED, ldr_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VD_POST, ldr_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VD_PRE, ldr_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VD_REG, ldr_vd_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VD_REGW, ldr_vd_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VQ_IMM, ldr_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VQ_UNSCALED, ldr_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LDR_VQ_POST, ldr_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VQ_PRE, ldr_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD) \
    _(LDR_VQ_REG, ldr_vq_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(LDR_VQ_REGW, ldr_vq_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_VD) \
    _(STR_VB_IMM, str_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VB_UNSCALED, str_vb_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VB_POST, str_vb_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VB_PRE, str_vb_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VB_REG, str_vb_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VB_REGW, str_vb_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VH_IMM, str_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VH_UNSCALED, str_vh_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VH_POST, str_vh_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VH_PRE, str_vh_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VH_REG, str_vh_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VH_REGW, str_vh_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VS_IMM, str_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VS_UNSCALED, str_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VS_POST, str_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VS_PRE, str_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VS_REG, str_vs_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VS_REGW, str_vs_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VD_IMM, str_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VD_UNSCALED, str_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VD_POST, str_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VD_PRE, str_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VD_REG, str_vd_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VD_REGW, str_vd_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VQ_IMM, str_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VQ_UNSCALED, str_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(STR_VQ_POST, str_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VQ_PRE, str_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD) \
    _(STR_VQ_REG, str_vq_reg, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(STR_VQ_REGW, str_vq_regw, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_VD) \
    _(LDR_VS_LIT, ldr_vs_lit, JIT_FP | JIT_MAY_RAISE | JIT_TO_VD) \
    _(LDR_VD_LIT, ldr_vd_lit, JIT_FP | JIT_MAY_RAISE | JIT_TO_VD) \
    _(LDR_VQ_LIT, ldr_vq_lit, JIT_FP | JIT_MAY_RAISE | JIT_TO_VD) \
    _(LDP_VS_IMM, ldp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VS_NP, ldp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VS_POST, ldp_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VS_PRE, ldp_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VD_IMM, ldp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VD_NP, ldp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VD_POST, ldp_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VD_PRE, ldp_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VQ_IMM, ldp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VQ_NP, ldp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VQ_POST, ldp_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(LDP_VQ_PRE, ldp_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_TO_VD | JIT_TO_VA) \
    _(STP_VS_IMM, stp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VS_NP, stp_vs_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VS_POST, stp_vs_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(STP_VS_PRE, stp_vs_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(STP_VD_IMM, stp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VD_NP, stp_vd_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VD_POST, stp_vd_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(STP_VD_PRE, stp_vd_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(STP_VQ_IMM, stp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VQ_NP, stp_vq_imm, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VA) \
    _(STP_VQ_POST, stp_vq_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(STP_VQ_PRE, stp_vq_pre, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_RN | JIT_VD | JIT_VA) \
    _(LD2_MULTI, ld_structures, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD2_MULTI_POST, ld_structures_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(ST2_MULTI, st_structures, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST2_MULTI_POST, st_structures_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(LD4_MULTI, ld_structures, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD4_MULTI_POST, ld_structures_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(ST4_MULTI, st_structures, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST4_MULTI_POST, st_structures_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(LD1_1, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_1_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_2, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_2_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_3, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_3_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_4, ld1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_4_POST, ld1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD_LIST) \
    _(LD1_B, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_B_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_H, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_H_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_S, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_S_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_D, ld1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD | JIT_VD) \
    _(LD1_D_POST, ld1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD | JIT_VD) \
    _(ST1_1, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_1_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_2, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_2_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_3, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_3_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_4, st1_multiple, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_4_POST, st1_multiple_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD | JIT_VD_LIST) \
    _(ST1_B, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(ST1_B_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD) \
    _(ST1_H, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(ST1_H_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD) \
    _(ST1_S, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(ST1_S_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD) \
    _(ST1_D, st1_lane, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_VD) \
    _(ST1_D_POST, st1_lane_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_VD) \
    _(LD1R, ld1_replicate, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_TO_VD) \
    _(LD1R_POST, ld1_replicate_post, JIT_FP | JIT_MAY_RAISE | JIT_RN | JIT_RM | JIT_TO_RN | JIT_TO_VD)
/* clang-format on */
