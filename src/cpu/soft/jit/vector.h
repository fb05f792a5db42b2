/* What the emitters of floating point, Advanced SIMD and crypto share: guest vector registers, constants, and
 * the opcodes of the host's vector instructions.
 *
 * xmm0-5 are an emitter's own, for one instruction. A guest vector register is read through jit_vector() and
 * its kin and written by jit_vector_write(), last of all. */
#pragma once

#include "cpu/soft/interp/simd.h"
#include "cpu/soft/jit/translate.h"

enum { XMM0, XMM1, XMM2, XMM3, XMM4, XMM5, JIT_XMM_SCRATCH };

/* --- guest registers */
/* The host register with all of v[reg], which is only to be read: its own, or `scratch`, loaded. */
unsigned jit_vector(struct translation *t, unsigned reg, unsigned scratch);
/* The same as an operand, which may be memory. */
struct x86_rm jit_vector_rm(struct translation *t, unsigned reg);
/* `scratch` with the low bytes (1 to 16) of v[reg], zeros above. */
unsigned jit_vector_low(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch);
/* For scalars: the low bytes (4, 8) of v[reg], with who knows what above; only to be read. */
unsigned jit_vector_scalar(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch);
/* v[reg] is the low bytes (1 to 16) of xmm, and zeros above. Changes xmm, if it is a scratch register. */
void jit_vector_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes);
/* The same for the scalar result of an instruction that took what lies above from v[from], as
 * jit_vector_scalar() gave it, or JIT_ZEROS. */
enum { JIT_ZEROS = 32 };
void jit_scalar_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes, unsigned from);
/* Loads what the instruction works on (simd_bytes()); a register half is loaded twice (so that operations on
 * the unused lanes have no effects of their own), above a scalar are zeros. */
unsigned jit_vector_lanes(struct translation *t, const struct a64_insn *insn, unsigned reg, unsigned scratch);
/* The second source: a register, or one of its lanes in all lanes. */
unsigned jit_vector_rm_lanes(struct translation *t, const struct a64_insn *insn, unsigned scratch);
/* Every lane of so many bytes (log2) set to lane `index` of v[reg]. */
void jit_vector_splat(struct translation *t, unsigned xmm, unsigned reg, unsigned size, unsigned index);

/* Lane `index` of v[reg] as an operand of up to 64 bits: memory, or `scratch`. */
struct x86_rm jit_vector_lane(
    struct translation *t, unsigned reg, unsigned size, unsigned index, enum x86_reg scratch);
/* Every lane of `to` set to the lowest of `from`, or to what is in memory. */
void jit_simd_broadcast(struct translation *t, unsigned size, unsigned to, unsigned from);
void jit_simd_broadcast_rm(struct translation *t, unsigned size, unsigned to, struct x86_rm from);

/* --- constants, reached through struct cpu */
/* clang-format off */
#define JIT_CONSTANTS(constant)                                                                              \
    constant(ABS_S, 0x7fffffff7fffffff, 0x7fffffff7fffffff)                                                  \
    constant(ABS_D, 0x7fffffffffffffff, 0x7fffffffffffffff)                                                  \
    constant(SIGN_H, 0x8000800080008000, 0x8000800080008000)                                                 \
    constant(SIGN_S, 0x8000000080000000, 0x8000000080000000)                                                 \
    constant(SIGN_D, 0x8000000000000000, 0x8000000000000000)                                                 \
    constant(SMALLEST_S, 0x0080000000800000, 0x0080000000800000) /* normal number */                         \
    constant(SMALLEST_D, 0x0010000000000000, 0x0010000000000000)                                             \
    constant(TWO_16_S, 0x4780000047800000, 0x4780000047800000)                                               \
    constant(ONES_B, 0x0101010101010101, 0x0101010101010101)                                                 \
    constant(ONES_H, 0x0001000100010001, 0x0001000100010001)                                                 \
    constant(NIBBLES, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f)                                                \
    constant(LOW_BYTES_H, 0x00ff00ff00ff00ff, 0x00ff00ff00ff00ff)                                            \
    constant(LOW_BYTES_S, 0x000000ff000000ff, 0x000000ff000000ff)                                            \
    constant(LOW_BYTES_D, 0x00000000000000ff, 0x00000000000000ff)                                            \
    constant(SIXTEENS, 0x1010101010101010, 0x1010101010101010)                                               \
    constant(TBL_BIAS, 0x7070707070707070, 0x7070707070707070)                                               \
    constant(BIT_COUNTS, 0x0302020102010100, 0x0403030203020201) /* of the nibbles 0-15 */                   \
    constant(BITS_REVERSED, 0x0e060a020c040800, 0x0f070b030d050901) /* nibbles */                            \
    /* PSHUFB: even elements to the lower half, odd ones to the upper */                                     \
    constant(UNZIP_B, 0x0e0c0a0806040200, 0x0f0d0b0907050301)                                                \
    constant(UNZIP_H, 0x0d0c090805040100, 0x0f0e0b0a07060302)                                                \
    /* PSHUFB: elements in the other order */                                                                \
    constant(REV64_B, 0x0001020304050607, 0x08090a0b0c0d0e0f)                                                \
    constant(REV64_H, 0x0100030205040706, 0x09080b0a0d0c0f0e)                                                \
    constant(REV32_B, 0x0405060700010203, 0x0c0d0e0f08090a0b)                                                \
    constant(REV32_H, 0x0504070601000302, 0x0d0c0f0e09080b0a)                                                \
    constant(REV16_B, 0x0607040502030001, 0x0e0f0c0d0a0b0809)                                                \
    constant(SHA1_K0, 0x5a8279995a827999, 0x5a8279995a827999)                                                \
    constant(SHA1_K1, 0x6ed9eba16ed9eba1, 0x6ed9eba16ed9eba1)                                                \
    constant(SHA1_K2, 0x8f1bbcdc8f1bbcdc, 0x8f1bbcdc8f1bbcdc)
/* clang-format on */
enum jit_constant {
#define JIT_CONSTANT_NAME(name, low, high) JIT_##name,
    JIT_CONSTANTS(JIT_CONSTANT_NAME) JIT_CONSTANT_COUNT
#undef JIT_CONSTANT_NAME
};
extern const union vreg jit_constants[JIT_CONSTANT_COUNT];
struct x86_rm jit_constant(enum jit_constant constant);

/* --- what is written often */
static inline void jit_op3(struct translation *t, uint32_t op, unsigned to, unsigned a, unsigned b) {
    x86_vex(jit_asm(t), op, to, a, x86_r(b));
}
static inline void jit_op3_rm(struct translation *t, uint32_t op, unsigned to, unsigned a, struct x86_rm b) {
    x86_vex(jit_asm(t), op, to, a, b);
}
static inline void jit_op2(struct translation *t, uint32_t op, unsigned to, unsigned from) {
    x86_vex(jit_asm(t), op, to, 0, x86_r(from));
}
static inline void jit_op2_imm(struct translation *t, uint32_t op, unsigned to, unsigned from, int imm) {
    x86_vex(jit_asm(t), op, to, 0, x86_r(from));
    x86_imm8(jit_asm(t), imm);
}
static inline void jit_op3_imm(
    struct translation *t, uint32_t op, unsigned to, unsigned a, unsigned b, int imm) {
    x86_vex(jit_asm(t), op, to, a, x86_r(b));
    x86_imm8(jit_asm(t), imm);
}

/* --- opcodes. A number below 0x10000 is opcode, prefix and map as x86_vex() wants them; X86_GROUP is for
 * shifts by an immediate, whose ModRM.reg is part of the opcode. */
#define X86_66_0F(op)   (X86_MAP_0F | X86_66 | (op))
#define X86_66_0F38(op) (X86_MAP_0F38 | X86_66 | (op))
#define X86_66_0F3A(op) (X86_MAP_0F3A | X86_66 | (op))
enum {
    VMOVAPS = X86_MAP_0F | 0x28,
    VMOVSHDUP = X86_MAP_0F | X86_F3 | 0x16,
    VMOVDDUP = X86_MAP_0F | X86_F2 | 0x12,
    VINSERTPS = X86_66_0F3A(0x21), /* imm8 */

    VPADDB = X86_66_0F(0xfc),
    VPADDW = X86_66_0F(0xfd),
    VPADDD = X86_66_0F(0xfe),
    VPADDQ = X86_66_0F(0xd4),
    VPSUBB = X86_66_0F(0xf8),
    VPSUBW = X86_66_0F(0xf9),
    VPSUBD = X86_66_0F(0xfa),
    VPSUBQ = X86_66_0F(0xfb),
    VPADDSB = X86_66_0F(0xec),
    VPADDSW = X86_66_0F(0xed),
    VPADDUSB = X86_66_0F(0xdc),
    VPADDUSW = X86_66_0F(0xdd),
    VPSUBSB = X86_66_0F(0xe8),
    VPSUBSW = X86_66_0F(0xe9),
    VPSUBUSB = X86_66_0F(0xd8),
    VPSUBUSW = X86_66_0F(0xd9),
    VPMULLW = X86_66_0F(0xd5),
    VPMULLD = X86_66_0F38(0x40),
    VPMULUDQ = X86_66_0F(0xf4),
    VPMULDQ = X86_66_0F38(0x28),
    VPMADDWD = X86_66_0F(0xf5),
    VPMADDUBSW = X86_66_0F38(0x04),
    VPSADBW = X86_66_0F(0xf6),
    VPHADDW = X86_66_0F38(0x01),
    VPHADDD = X86_66_0F38(0x02),
    VPAVGB = X86_66_0F(0xe0),
    VPAVGW = X86_66_0F(0xe3),
    VPABSB = X86_66_0F38(0x1c),
    VPABSW = X86_66_0F38(0x1d),
    VPABSD = X86_66_0F38(0x1e),

    VPCMPEQB = X86_66_0F(0x74),
    VPCMPEQW = X86_66_0F(0x75),
    VPCMPEQD = X86_66_0F(0x76),
    VPCMPEQQ = X86_66_0F38(0x29),
    VPCMPGTB = X86_66_0F(0x64),
    VPCMPGTW = X86_66_0F(0x65),
    VPCMPGTD = X86_66_0F(0x66),
    VPCMPGTQ = X86_66_0F38(0x37),
    VPMINUB = X86_66_0F(0xda),
    VPMINUW = X86_66_0F38(0x3a),
    VPMINUD = X86_66_0F38(0x3b),
    VPMINSB = X86_66_0F38(0x38),
    VPMINSW = X86_66_0F(0xea),
    VPMINSD = X86_66_0F38(0x39),
    VPMAXUB = X86_66_0F(0xde),
    VPMAXUW = X86_66_0F38(0x3e),
    VPMAXUD = X86_66_0F38(0x3f),
    VPMAXSB = X86_66_0F38(0x3c),
    VPMAXSW = X86_66_0F(0xee),
    VPMAXSD = X86_66_0F38(0x3d),

    VPAND = X86_66_0F(0xdb),
    VPANDN = X86_66_0F(0xdf), /* to = ~a & b */
    VPOR = X86_66_0F(0xeb),
    VPXOR = X86_66_0F(0xef),
    VPBLENDVB = X86_66_0F3A(0x4c), /* imm8: mask << 4 */
    VBLENDVPS = X86_66_0F3A(0x4a),
    VBLENDVPD = X86_66_0F3A(0x4b),
    VPBLENDW = X86_66_0F3A(0x0e), /* imm8 */
    VPBLENDD = X86_66_0F3A(0x02), /* imm8 */

    VPSLLVD = X86_66_0F38(0x47), /* with X86_W: VPSLLVQ, VPSRLVQ */
    VPSRLVD = X86_66_0F38(0x45),
    VPSRAVD = X86_66_0F38(0x46),

    VPUNPCKLBW = X86_66_0F(0x60),
    VPUNPCKLWD = X86_66_0F(0x61),
    VPUNPCKLDQ = X86_66_0F(0x62),
    VPUNPCKLQDQ = X86_66_0F(0x6c),
    VPUNPCKHBW = X86_66_0F(0x68),
    VPUNPCKHWD = X86_66_0F(0x69),
    VPUNPCKHDQ = X86_66_0F(0x6a),
    VPUNPCKHQDQ = X86_66_0F(0x6d),
    VPACKSSWB = X86_66_0F(0x63),
    VPACKSSDW = X86_66_0F(0x6b),
    VPACKUSWB = X86_66_0F(0x67),
    VPACKUSDW = X86_66_0F38(0x2b),
    VPSHUFB = X86_66_0F38(0x00),
    VPSHUFD = X86_66_0F(0x70),    /* imm8 */
    VSHUFPS = X86_MAP_0F | 0xc6,  /* imm8 */
    VPALIGNR = X86_66_0F3A(0x0f), /* imm8 */
    VPMOVSXBW = X86_66_0F38(0x20),
    VPMOVSXWD = X86_66_0F38(0x23),
    VPMOVSXDQ = X86_66_0F38(0x25),
    VPMOVZXBW = X86_66_0F38(0x30),
    VPMOVZXWD = X86_66_0F38(0x33),
    VPMOVZXDQ = X86_66_0F38(0x35),
    VPBROADCASTB = X86_66_0F38(0x78),
    VPBROADCASTW = X86_66_0F38(0x79),
    VPBROADCASTD = X86_66_0F38(0x58),
    VPBROADCASTQ = X86_66_0F38(0x59),
    VPEXTRB = X86_66_0F3A(0x14), /* imm8; ModRM.reg is the xmm register, as in the next */
    VPEXTRW = X86_66_0F3A(0x15),
    VPEXTRD = X86_66_0F3A(0x16), /* with X86_W: VPEXTRQ */
    VPINSRB = X86_66_0F3A(0x20),
    VPINSRW = X86_66_0F(0xc4),
    VPINSRD = X86_66_0F3A(0x22), /* with X86_W: VPINSRQ */

    VPMOVMSKB = X86_66_0F(0xd7),
    VMOVMSKPS = X86_MAP_0F | 0x50,
    VMOVMSKPD = X86_66_0F(0x50),
    VANDPS = X86_MAP_0F | 0x54,
    VXORPS = X86_MAP_0F | 0x57,
    VORPS = X86_MAP_0F | 0x56,

    /* by jit_fp_op(): the opcode alone */
    VSQRT = 0x51,
    VADD = 0x58,
    VMUL = 0x59,
    VSUB = 0x5c,
    VMIN = 0x5d,
    VDIV = 0x5e,
    VMAX = 0x5f,
    VCMP = 0xc2, /* imm8: enum x86_compare */
    VUCOMIS = 0x2e,
    VCOMIS = 0x2f,

    VROUNDSS = X86_66_0F3A(0x0a), /* imm8 */
    VROUNDSD = X86_66_0F3A(0x0b),
    VROUNDPS = X86_66_0F3A(0x08),
    VROUNDPD = X86_66_0F3A(0x09),
    VCVTDQ2PS = X86_MAP_0F | 0x5b,
    VCVTTPS2DQ = X86_MAP_0F | X86_F3 | 0x5b,
    VCVTPS2PD = X86_MAP_0F | 0x5a,
    VCVTPD2PS = X86_66_0F(0x5a),
    VCVTSS2SD = X86_MAP_0F | X86_F3 | 0x5a,
    VCVTSD2SS = X86_MAP_0F | X86_F2 | 0x5a,
    VCVTSI2SS = X86_MAP_0F | X86_F3 | 0x2a, /* with X86_W from 64 bits */
    VCVTSI2SD = X86_MAP_0F | X86_F2 | 0x2a,
    VCVTTSS2SI = X86_MAP_0F | X86_F3 | 0x2c, /* with X86_W to 64 bits */
    VCVTTSD2SI = X86_MAP_0F | X86_F2 | 0x2c,
};

/* Predicates of VCMP. */
enum x86_compare {
    CMP_EQ = 0,
    CMP_LT = 1,
    CMP_LE = 2,
    CMP_UNORDERED = 3,
    CMP_EQ_UNORDERED = 8,
    CMP_NOT_GREATER = 0x1a, /* or unordered; without signalling */
};

/* Shifts by an immediate: the opcode, and the digit in ModRM.reg. */
enum jit_shift { JIT_SRL = 2, JIT_SRL_BYTES = 3, JIT_SRA = 4, JIT_SLL = 6, JIT_SLL_BYTES = 7 };
/* Elements of 2, 4 or 8 bytes (size is their log2). SRA does not exist for 8. */
static inline void jit_shift(
    struct translation *t, enum jit_shift shift, unsigned size, unsigned to, unsigned from, unsigned amount) {
    x86_vex(jit_asm(t), X86_66_0F(0x70) + size, shift, to, x86_r(from));
    x86_imm8(jit_asm(t), (int)amount);
}
/* The whole register, by bytes. */
static inline void jit_shift_bytes(
    struct translation *t, enum jit_shift shift, unsigned to, unsigned from, unsigned bytes) {
    jit_shift(t, shift, 3, to, from, bytes);
}

/* Floating point: size 2 or 3, one element or all. */
static inline uint32_t jit_fp_scalar(uint32_t opcode, unsigned size) {
    return X86_MAP_0F | opcode | (size == 3 ? X86_F2 : X86_F3);
}
static inline uint32_t jit_fp_packed(uint32_t opcode, unsigned size) {
    return X86_MAP_0F | opcode | (size == 3 ? X86_66 : 0);
}
/* UCOMIS, COMIS, and packed ones that come without a prefix for single precision. */
static inline void jit_ucomis(struct translation *t, unsigned size, unsigned a, struct x86_rm b) {
    jit_op3_rm(t, jit_fp_packed(VUCOMIS, size), a, 0, b);
}
