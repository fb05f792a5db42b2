/* An assembler for x86-64: each call writes one instruction. Only what the translator uses.
 *
 * An opcode is a number that says how to encode it (X86_OP); instructions that follow the common pattern,
 * "opcode, register, register or memory", are all written by x86_op(), those with a VEX prefix by x86_vex().
 * Vector registers are 0-15, like the general ones. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

/* Conditions, as in Jcc, SETcc and CMOVcc. cc ^ 1 is the opposite. */
enum x86_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G,
};

/* Where code is written, and how far from there it will run (the two mappings of one memory). */
struct x86 {
    uint8_t *at;
    ptrdiff_t run; /* add to an address of writing */
};

/* The operand that ModRM.rm names: a register, or memory at base + index * scale + disp. */
struct x86_rm {
    uint8_t base;  /* or the register */
    uint8_t index; /* X86_NO_INDEX, X86_IS_REG */
    uint8_t shift; /* log2 of the scale */
    int32_t disp;
};
enum { X86_NO_INDEX = RSP, X86_IS_REG = 0xff };

static inline struct x86_rm x86_r(unsigned reg) {
    return (struct x86_rm){.base = (uint8_t)reg, .index = X86_IS_REG};
}
static inline struct x86_rm x86_m(enum x86_reg base, int32_t disp) {
    return (struct x86_rm){.base = (uint8_t)base, .index = X86_NO_INDEX, .disp = disp};
}
static inline struct x86_rm x86_mx(enum x86_reg base, enum x86_reg index, unsigned shift, int32_t disp) {
    return (struct x86_rm){
        .base = (uint8_t)base, .index = (uint8_t)index, .shift = (uint8_t)shift, .disp = disp};
}
static inline bool x86_is_reg(struct x86_rm rm) {
    return rm.index == X86_IS_REG;
}

/* Opcodes: the byte, the map it is in, the prefix that belongs to it, and flags. */
enum {
    X86_MAP_0F = 1 << 8,
    X86_MAP_0F38 = 2 << 8,
    X86_MAP_0F3A = 3 << 8,
    X86_66 = 1 << 10,
    X86_F3 = 2 << 10,
    X86_F2 = 3 << 10,
    X86_W = 1 << 12,    /* REX.W or VEX.W */
    X86_L = 1 << 13,    /* VEX.L: 256 bits */
    X86_BYTE = 1 << 14, /* operands in registers are bytes: SPL to DIL need a REX prefix */
};

/* Writes op with `reg` in ModRM.reg (a register, or the digit of the opcode) and rm. An immediate follows by
 * x86_imm8() or x86_imm32(). */
void x86_op(struct x86 *a, uint32_t op, unsigned reg, struct x86_rm rm);
/* With a VEX prefix: `reg` <- `vvvv`, rm. vvvv is 0 where the instruction has none. */
void x86_vex(struct x86 *a, uint32_t op, unsigned reg, unsigned vvvv, struct x86_rm rm);

static inline void x86_imm8(struct x86 *a, int imm) {
    *a->at++ = (uint8_t)imm;
}
static inline void x86_imm32(struct x86 *a, int32_t imm) {
    memcpy(a->at, &imm, 4);
    a->at += 4;
}
static inline bool x86_fits8(int64_t value) {
    return value == (int8_t)value;
}
static inline bool x86_fits32(int64_t value) {
    return value == (int32_t)value;
}

/* --- general registers. `wide` (bool): 64 bits; else 32, and a register written is zero-extended. */
static inline uint32_t x86_width(bool wide) {
    return wide ? X86_W : 0;
}

enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

/* reg op= rm */
static inline void x86_alu(struct x86 *a, bool wide, enum x86_alu op, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, (uint32_t)(op << 3 | 3) | x86_width(wide), reg, rm);
}
/* rm op= reg */
static inline void x86_alu_to(struct x86 *a, bool wide, enum x86_alu op, struct x86_rm rm, enum x86_reg reg) {
    x86_op(a, (uint32_t)(op << 3 | 1) | x86_width(wide), reg, rm);
}
/* rm op= imm, sign-extended from 32 bits */
static inline void x86_alu_imm(struct x86 *a, bool wide, enum x86_alu op, struct x86_rm rm, int32_t imm) {
    x86_op(a, (x86_fits8(imm) ? 0x83u : 0x81u) | x86_width(wide), op, rm);
    if (x86_fits8(imm))
        x86_imm8(a, imm);
    else
        x86_imm32(a, imm);
}
static inline void x86_test(struct x86 *a, bool wide, struct x86_rm rm, enum x86_reg reg) {
    x86_op(a, 0x85 | x86_width(wide), reg, rm);
}
static inline void x86_test_imm(struct x86 *a, bool wide, struct x86_rm rm, int32_t imm) {
    x86_op(a, 0xf7 | x86_width(wide), 0, rm);
    x86_imm32(a, imm);
}

static inline void x86_load(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, 0x8b | x86_width(wide), reg, rm);
}
static inline void x86_store(struct x86 *a, bool wide, struct x86_rm rm, enum x86_reg reg) {
    x86_op(a, 0x89 | x86_width(wide), reg, rm);
}
static inline void x86_mov(struct x86 *a, bool wide, enum x86_reg to, enum x86_reg from) {
    x86_load(a, wide, to, x86_r(from));
}
/* The shortest that does not touch the flags. */
static inline void x86_mov_imm(struct x86 *a, enum x86_reg reg, uint64_t imm) {
    if (imm <= UINT32_MAX) {
        if (reg & 8)
            *a->at++ = 0x41;
        *a->at++ = (uint8_t)(0xb8 | (reg & 7));
        x86_imm32(a, (int32_t)imm);
    } else if (x86_fits32((int64_t)imm)) {
        x86_op(a, 0xc7 | X86_W, 0, x86_r(reg));
        x86_imm32(a, (int32_t)imm);
    } else {
        *a->at++ = (uint8_t)(reg & 8 ? 0x49 : 0x48);
        *a->at++ = (uint8_t)(0xb8 | (reg & 7));
        memcpy(a->at, &imm, 8);
        a->at += 8;
    }
}
/* rm = imm, sign-extended */
static inline void x86_store_imm(struct x86 *a, bool wide, struct x86_rm rm, int32_t imm) {
    x86_op(a, 0xc7 | x86_width(wide), 0, rm);
    x86_imm32(a, imm);
}
static inline void x86_lea(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, 0x8d | x86_width(wide), reg, rm);
}
/* The address of data that lies at `target` (as written), within 2 GiB. */
void x86_lea_rip(struct x86 *a, enum x86_reg reg, const uint8_t *target);

static inline void x86_load8(struct x86 *a, enum x86_reg reg, struct x86_rm rm) { /* MOVZX */
    x86_op(a, X86_MAP_0F | 0xb6 | (x86_is_reg(rm) && rm.base >= 4 ? X86_BYTE : 0), reg, rm);
}
static inline void x86_load16(struct x86 *a, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xb7, reg, rm);
}
static inline void x86_load8s(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) { /* MOVSX */
    x86_op(a, X86_MAP_0F | 0xbe | x86_width(wide) | (x86_is_reg(rm) && rm.base >= 4 ? X86_BYTE : 0), reg, rm);
}
static inline void x86_load16s(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xbf | x86_width(wide), reg, rm);
}
static inline void x86_load32s(struct x86 *a, enum x86_reg reg, struct x86_rm rm) { /* MOVSXD */
    x86_op(a, 0x63 | X86_W, reg, rm);
}
static inline void x86_store8(struct x86 *a, struct x86_rm rm, enum x86_reg reg) {
    x86_op(a, 0x88 | (reg >= 4 ? X86_BYTE : 0), reg, rm);
}
static inline void x86_store16(struct x86 *a, struct x86_rm rm, enum x86_reg reg) {
    x86_op(a, 0x89 | X86_66, reg, rm);
}

/* Shifts by a constant; they write the flags unless the amount is 0. */
enum x86_shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };
static inline void x86_shift(struct x86 *a, bool wide, enum x86_shift op, struct x86_rm rm, unsigned amount) {
    x86_op(a, 0xc1 | x86_width(wide), op, rm);
    x86_imm8(a, (int)amount);
}
/* By a register; the flags stay (BMI2). reg = rm shifted by `amount` modulo the width */
enum {
    X86_SHLX = X86_MAP_0F38 | 0xf7 | X86_66,
    X86_SARX = X86_MAP_0F38 | 0xf7 | X86_F3,
    X86_SHRX = X86_MAP_0F38 | 0xf7 | X86_F2
};
static inline void x86_shift_by(
    struct x86 *a, uint32_t op, bool wide, enum x86_reg reg, struct x86_rm rm, enum x86_reg amount) {
    x86_vex(a, op | x86_width(wide), reg, amount, rm);
}
/* reg = rm rotated right; the flags stay */
static inline void x86_rorx(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm, unsigned amount) {
    x86_vex(a, X86_MAP_0F3A | 0xf0 | X86_F2 | x86_width(wide), reg, 0, rm);
    x86_imm8(a, (int)amount);
}
/* reg = the bits of `from` that `mask` names, packed; the flags stay */
static inline void x86_pext(
    struct x86 *a, bool wide, enum x86_reg reg, enum x86_reg from, struct x86_rm mask) {
    x86_vex(a, X86_MAP_0F38 | 0xf5 | X86_F3 | x86_width(wide), reg, from, mask);
}
/* reg = ~invert & rm */
static inline void x86_andn(
    struct x86 *a, bool wide, enum x86_reg reg, enum x86_reg invert, struct x86_rm rm) {
    x86_vex(a, X86_MAP_0F38 | 0xf2 | x86_width(wide), reg, invert, rm);
}

static inline void x86_not(struct x86 *a, bool wide, struct x86_rm rm) { /* flags stay */
    x86_op(a, 0xf7 | x86_width(wide), 2, rm);
}
static inline void x86_neg(struct x86 *a, bool wide, struct x86_rm rm) {
    x86_op(a, 0xf7 | x86_width(wide), 3, rm);
}
static inline void x86_imul(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xaf | x86_width(wide), reg, rm);
}
/* RDX:RAX = RAX * rm (MUL 4, IMUL 5); RAX, RDX = RDX:RAX / rm (DIV 6, IDIV 7) */
enum x86_muldiv { X86_MUL = 4, X86_IMUL = 5, X86_DIV = 6, X86_IDIV = 7 };
static inline void x86_muldiv(struct x86 *a, bool wide, enum x86_muldiv op, struct x86_rm rm) {
    x86_op(a, 0xf7 | x86_width(wide), op, rm);
}
static inline void x86_cqo(struct x86 *a, bool wide) {
    if (wide)
        *a->at++ = 0x48;
    *a->at++ = 0x99;
}
static inline void x86_bswap(struct x86 *a, bool wide, enum x86_reg reg) {
    *a->at++ = (uint8_t)(0x40 | (wide ? 8 : 0) | (reg >> 3));
    *a->at++ = 0x0f;
    *a->at++ = (uint8_t)(0xc8 | (reg & 7));
}
static inline void x86_lzcnt(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xbd | X86_F3 | x86_width(wide), reg, rm);
}
static inline void x86_tzcnt(struct x86 *a, bool wide, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xbc | X86_F3 | x86_width(wide), reg, rm);
}
/* BT: the bit goes to CF */
static inline void x86_bt_imm(struct x86 *a, bool wide, struct x86_rm rm, unsigned bit) {
    x86_op(a, X86_MAP_0F | 0xba | x86_width(wide), 4, rm);
    x86_imm8(a, (int)bit);
}
static inline void x86_bt(struct x86 *a, bool wide, enum x86_reg value, enum x86_reg bit) {
    x86_op(a, X86_MAP_0F | 0xa3 | x86_width(wide), bit, x86_r(value));
}
static inline void x86_cmov(struct x86 *a, bool wide, enum x86_cc cc, enum x86_reg reg, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0x40 | cc | x86_width(wide), reg, rm);
}
static inline void x86_setcc(struct x86 *a, enum x86_cc cc, enum x86_reg reg) {
    x86_op(a, X86_MAP_0F | 0x90 | cc | (reg >= 4 ? X86_BYTE : 0), 0, x86_r(reg));
}
static inline void x86_lahf(struct x86 *a) {
    *a->at++ = 0x9f;
}
static inline void x86_cmc(struct x86 *a) {
    *a->at++ = 0xf5;
}
static inline void x86_push(struct x86 *a, enum x86_reg reg) {
    if (reg & 8)
        *a->at++ = 0x41;
    *a->at++ = (uint8_t)(0x50 | (reg & 7));
}
static inline void x86_pop(struct x86 *a, enum x86_reg reg) {
    if (reg & 8)
        *a->at++ = 0x41;
    *a->at++ = (uint8_t)(0x58 | (reg & 7));
}
static inline void x86_ret(struct x86 *a) {
    *a->at++ = 0xc3;
}
/* JMP rm: through a register or memory */
static inline void x86_jmp_rm(struct x86 *a, struct x86_rm rm) {
    x86_op(a, 0xff, 4, rm);
}
static inline void x86_call_rm(struct x86 *a, struct x86_rm rm) {
    x86_op(a, 0xff, 2, rm);
}

static inline void x86_ldmxcsr(struct x86 *a, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xae, 2, rm);
}
static inline void x86_stmxcsr(struct x86 *a, struct x86_rm rm) {
    x86_op(a, X86_MAP_0F | 0xae, 3, rm);
}

/* Jumps to places known already (as written). */
static inline void x86_rel32(struct x86 *a, const uint8_t *target) {
    x86_imm32(a, (int32_t)(target - (a->at + 4)));
}
static inline void x86_jmp(struct x86 *a, const uint8_t *target) {
    *a->at++ = 0xe9;
    x86_rel32(a, target);
}
static inline void x86_call(struct x86 *a, const uint8_t *target) {
    *a->at++ = 0xe8;
    x86_rel32(a, target);
}
static inline uint8_t *x86_call_forward(struct x86 *a) {
    *a->at++ = 0xe8;
    x86_imm32(a, 0);
    return a->at - 4;
}
static inline void x86_jcc(struct x86 *a, enum x86_cc cc, const uint8_t *target) {
    *a->at++ = 0x0f;
    *a->at++ = (uint8_t)(0x80 | cc);
    x86_rel32(a, target);
}
/* Jumps forward: they return where the distance is, for x86_bind() when the target is reached, or
 * x86_patch(). */
static inline uint8_t *x86_jmp_forward(struct x86 *a) {
    *a->at++ = 0xe9;
    x86_imm32(a, 0);
    return a->at - 4;
}
static inline uint8_t *x86_jcc_forward(struct x86 *a, enum x86_cc cc) {
    *a->at++ = 0x0f;
    *a->at++ = (uint8_t)(0x80 | cc);
    x86_imm32(a, 0);
    return a->at - 4;
}
static inline void x86_patch(uint8_t *rel32, const uint8_t *target) {
    int32_t distance = (int32_t)(target - (rel32 + 4));
    memcpy(rel32, &distance, 4);
}
static inline void x86_bind(struct x86 *a, uint8_t *rel32) {
    x86_patch(rel32, a->at);
}
/* The same over less than 128 bytes. */
static inline uint8_t *x86_jcc_short(struct x86 *a, enum x86_cc cc) {
    *a->at++ = (uint8_t)(0x70 | cc);
    *a->at++ = 0;
    return a->at - 1;
}
static inline uint8_t *x86_jrcxz_short(struct x86 *a) { /* if rcx is 0; the flags are not looked at */
    *a->at++ = 0xe3;
    *a->at++ = 0;
    return a->at - 1;
}
static inline uint8_t *x86_jmp_short(struct x86 *a) {
    *a->at++ = 0xeb;
    *a->at++ = 0;
    return a->at - 1;
}
static inline void x86_bind_short(struct x86 *a, uint8_t *rel8) {
    *rel8 = (uint8_t)(a->at - (rel8 + 1));
}

/* --- vectors: any AVX/AVX2/FMA/AES/SHA instruction by its opcode, here those for moving. More of them where
 * they are used, in the same way. */
enum {
    X86_VMOVDQU = X86_MAP_0F | X86_F3 | 0x6f,       /* xmm, m128 */
    X86_VMOVDQU_STORE = X86_MAP_0F | X86_F3 | 0x7f, /* m128, xmm */
    X86_VMOVDQA = X86_MAP_0F | X86_66 | 0x6f,
    X86_VMOVDQA_STORE = X86_MAP_0F | X86_66 | 0x7f,
    X86_VMOVD = X86_MAP_0F | X86_66 | 0x6e,       /* xmm, r32/m32: zero-extends; with X86_W 64 bits */
    X86_VMOVD_STORE = X86_MAP_0F | X86_66 | 0x7e, /* r32/m32, xmm; with X86_W 64 bits */
    X86_VMOVQ = X86_MAP_0F | X86_F3 | 0x7e,       /* xmm, xmm/m64: zero-extends */
    X86_VMOVQ_STORE = X86_MAP_0F | X86_66 | 0xd6, /* m64, xmm */
    X86_VPXOR = X86_MAP_0F | X86_66 | 0xef,
};
