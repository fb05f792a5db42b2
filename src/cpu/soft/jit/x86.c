#include "cpu/soft/jit/x86.h"

static unsigned map_of(uint32_t op) {
    return op >> 8 & 3;
}
static unsigned prefix_of(uint32_t op) {
    return op >> 10 & 3;
}

/* REX.R, X and B, in bits 2 to 0. */
static unsigned high_bits(unsigned reg, struct x86_rm rm) {
    unsigned bits = (reg >> 3 & 1) << 2 | (rm.base >> 3 & 1);
    if (!x86_is_reg(rm) && rm.index & 8)
        bits |= 2;
    return bits;
}

/* ModRM, SIB and displacement. */
static void write_rm(struct x86 *a, unsigned reg, struct x86_rm rm) {
    const unsigned reg_bits = (reg & 7) << 3, base = rm.base & 7;
    if (x86_is_reg(rm)) {
        *a->at++ = (uint8_t)(0xc0 | reg_bits | base);
        return;
    }
    /* RBP and R13 without a displacement would mean something else. */
    unsigned mode = rm.disp == 0 && base != RBP ? 0 : x86_fits8(rm.disp) ? 1 : 2;
    if (rm.index == X86_NO_INDEX && base != RSP) {
        *a->at++ = (uint8_t)(mode << 6 | reg_bits | base);
    } else {
        *a->at++ = (uint8_t)(mode << 6 | reg_bits | RSP);
        *a->at++ = (uint8_t)(rm.shift << 6 | (rm.index & 7) << 3 | base);
    }
    if (mode == 1)
        x86_imm8(a, rm.disp);
    else if (mode == 2)
        x86_imm32(a, rm.disp);
}

void x86_op(struct x86 *a, uint32_t op, unsigned reg, struct x86_rm rm) {
    static const uint8_t prefixes[4] = {0, 0x66, 0xf3, 0xf2};
    if (prefix_of(op))
        *a->at++ = prefixes[prefix_of(op)];
    unsigned rex = high_bits(reg, rm) | (op & X86_W ? 8 : 0);
    if (rex || (op & X86_BYTE))
        *a->at++ = (uint8_t)(0x40 | rex);
    if (map_of(op))
        *a->at++ = 0x0f;
    if (map_of(op) > 1)
        *a->at++ = map_of(op) == 2 ? 0x38 : 0x3a;
    *a->at++ = (uint8_t)op;
    write_rm(a, reg, rm);
}

void x86_vex(struct x86 *a, uint32_t op, unsigned reg, unsigned vvvv, struct x86_rm rm) {
    unsigned high = high_bits(reg, rm) ^ 7; /* VEX has them inverted */
    unsigned tail = (~vvvv & 15) << 3 | (op & X86_L ? 4 : 0) | prefix_of(op);
    if (map_of(op) == 1 && !(op & X86_W) && (high & 3) == 3) {
        *a->at++ = 0xc5;
        *a->at++ = (uint8_t)((high >> 2) << 7 | tail);
    } else {
        *a->at++ = 0xc4;
        *a->at++ = (uint8_t)(high << 5 | map_of(op));
        *a->at++ = (uint8_t)((op & X86_W ? 0x80 : 0) | tail);
    }
    *a->at++ = (uint8_t)op;
    write_rm(a, reg, rm);
}

void x86_lea_rip(struct x86 *a, enum x86_reg reg, const uint8_t *target) {
    *a->at++ = (uint8_t)(0x48 | (reg >> 3 & 1) << 2);
    *a->at++ = 0x8d;
    *a->at++ = (uint8_t)(5 | (reg & 7) << 3);
    x86_rel32(a, target);
}
