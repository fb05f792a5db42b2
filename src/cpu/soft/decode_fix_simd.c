/* Operands of Advanced SIMD that the table cannot express: the fix() functions of simd_*.isa. False makes the
 * word UNDEFINED. */
#include "cpu/soft/fp.h"
#include "cpu/soft/insn.h"

/* --- floating point: sz is 0 for single, 1 for double precision, of which two need a whole register */
bool fix_simd_fp_scalar(struct a64_insn *insn) {
    insn->size += 2;
    return true;
}

bool fix_simd_fp(struct a64_insn *insn) {
    insn->size += 2;
    return insn->size == 2 || insn->q;
}

/* FCVTL and FCVTN: of the narrower of the two. */
bool fix_simd_fp_narrow(struct a64_insn *insn) {
    insn->size += 1;
    return true;
}

/* --- shift by immediate. amount is immh:immb: the highest bit of immh says the size, what is below it counts
 * from 0 (left) or down from twice the element's width (right). */
static void shift_size(struct a64_insn *insn) {
    insn->size = (uint8_t)(31 - __builtin_clz(insn->amount >> 3));
}

bool fix_simd_shift_left_scalar(struct a64_insn *insn) {
    shift_size(insn);
    insn->amount = (uint8_t)(insn->amount - (8u << insn->size));
    return true;
}

bool fix_simd_shift_right_scalar(struct a64_insn *insn) {
    shift_size(insn);
    insn->amount = (uint8_t)((16u << insn->size) - insn->amount);
    return true;
}

bool fix_simd_shift_left(struct a64_insn *insn) {
    return fix_simd_shift_left_scalar(insn) && (insn->size != 3 || insn->q);
}

bool fix_simd_shift_right(struct a64_insn *insn) {
    return fix_simd_shift_right_scalar(insn) && (insn->size != 3 || insn->q);
}

/* --- modified immediate: AdvSIMDExpandImm(), with cmode in cond and op in opc. MVNI inverts here; ORR and
 * BIC do not have opc. */
static uint64_t replicate(uint64_t value, unsigned bits) {
    for (; bits < 64; bits *= 2)
        value |= value << bits;
    return value;
}

/* Bit n of imm8 becomes byte n. */
static uint64_t bits_to_bytes(uint64_t imm8) {
    uint64_t value = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        if (imm8 >> bit & 1)
            value |= UINT64_C(0xff) << bit * 8;
    return value;
}

bool fix_simd_imm(struct a64_insn *insn) {
    const uint64_t imm8 = (uint64_t)insn->imm;
    const unsigned cmode = insn->cond;
    uint64_t value;
    if (cmode < 8)
        value = replicate(imm8 << (cmode >> 1) * 8, 32);
    else if (cmode < 12)
        value = replicate(imm8 << (cmode >> 1 & 1) * 8, 16);
    else if (cmode < 14)
        value = replicate(cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff, 32);
    else if (cmode == 14)
        value = insn->opc ? bits_to_bytes(imm8) : replicate(imm8, 8);
    else
        value = insn->opc ? fp_expand_immediate(3, (unsigned)imm8)
                          : replicate(fp_expand_immediate(2, (unsigned)imm8), 32);
    insn->imm = (int64_t)(insn->opc && cmode < 14 ? ~value : value);
    return true;
}

bool fix_simd_imm_half(struct a64_insn *insn) {
    insn->imm = (int64_t)replicate(fp_expand_immediate(1, (unsigned)insn->imm), 16);
    return true;
}

/* --- copy: the lowest bit of imm5 (in index) that is set says the size, what is above it is the lane */
bool fix_simd_copy_scalar(struct a64_insn *insn) {
    if (!(insn->index & 15))
        return false;
    insn->size = (uint8_t)__builtin_ctz(insn->index);
    insn->index = (uint8_t)(insn->index >> (insn->size + 1));
    return true;
}

bool fix_simd_copy(struct a64_insn *insn) {
    return fix_simd_copy_scalar(insn) && (insn->size != 3 || insn->q);
}

bool fix_simd_smov(struct a64_insn *insn) {
    return fix_simd_copy_scalar(insn) && insn->size < 2u + insn->sf;
}

bool fix_simd_umov(struct a64_insn *insn) {
    return fix_simd_copy_scalar(insn) && (insn->size == 3) == insn->sf;
}

bool fix_simd_ins_elem(struct a64_insn *insn) {
    if (!fix_simd_copy_scalar(insn))
        return false;
    insn->amount = (uint8_t)(insn->amount >> insn->size);
    return true;
}

/* --- by element: the lane is made of H, L and M, the smaller the element the more of them. index comes as
 * L:H, rm as M:Rm. */
bool fix_simd_element(struct a64_insn *insn) {
    const unsigned l = insn->index >> 1, h = insn->index & 1;
    if (insn->size == 3) {
        insn->index = (uint8_t)h;
        return l == 0;
    }
    insn->index = (uint8_t)(h << 1 | l);
    if (insn->size == 1) {
        insn->index = (uint8_t)(insn->index << 1 | insn->rm >> 4);
        insn->rm &= 15;
    }
    return true;
}

/* FCMLA: the index of a complex number. A lane that Q = 0 does not reach is UNDEFINED. */
bool fix_simd_element_pair(struct a64_insn *insn) {
    const unsigned l = insn->index >> 1, h = insn->index & 1;
    insn->index = (uint8_t)(insn->size == 1 ? h << 1 | l : h);
    return insn->size == 1 ? !h || insn->q : !l && insn->q;
}
