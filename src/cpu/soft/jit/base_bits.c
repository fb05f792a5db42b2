/* Data processing with general registers: bit fields, shifts by a register, and what has one source. */
#include "cpu/soft/jit/base.h"

/* --- bit fields: left by `shift`, then right by `flags`, of 64 bits (fix_bitfield) */

/* The low bits alone, where an instruction does that. */
static bool low_bits(struct translation *t, const struct a64_insn *insn, enum x86_reg to) {
    struct x86_rm from = jit_operand(t, insn->rn);
    if (insn->shift != insn->flags)
        return false;
    switch (insn->shift) {
    case 32: x86_load(&t->a, false, to, from); return true;
    case 48: x86_load16(&t->a, to, from); return true;
    case 56: x86_load8(&t->a, to, from); return true;
    default:
        if (insn->shift < 33)
            return false;
        jit_base_load(t, false, insn->rn, to);
        x86_alu_imm(&t->a, false, ALU_AND, x86_r(to), (int32_t)((UINT32_C(1) << (64 - insn->shift)) - 1));
        return true;
    }
}

EMIT(ubfm) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    unsigned left = insn->shift, right = insn->flags;
    if (!low_bits(t, insn, to)) {
        /* A field at the top or the bottom of 32 bits is one shift of those. */
        bool wide = !(left == 32 && right >= 32) && !(left > 32 && right == 32);
        if (!wide)
            left -= 32, right -= 32;
        jit_base_load(t, wide, insn->rn, to);
        if (left)
            x86_shift(&t->a, wide, SHIFT_SHL, x86_r(to), left);
        if (right)
            x86_shift(&t->a, wide, SHIFT_SHR, x86_r(to), right);
    }
    jit_finish(t, insn->rd, to);
}

static bool low_bits_signed(struct translation *t, const struct a64_insn *insn, bool wide, enum x86_reg to) {
    struct x86_rm from = jit_operand(t, insn->rn);
    if (insn->shift != insn->flags)
        return false;
    switch (insn->shift) {
    case 32:
        if (wide)
            x86_load32s(&t->a, to, from);
        else
            x86_load(&t->a, false, to, from);
        return true;
    case 48: x86_load16s(&t->a, wide, to, from); return true;
    case 56: x86_load8s(&t->a, wide, to, from); return true;
    default: return false;
    }
}

static void signed_field(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    unsigned left = insn->shift, right = insn->flags;
    if (!low_bits_signed(t, insn, wide, to)) {
        bool whole = wide || left < 32 || right < 32; /* shifts of all 64 bits */
        if (!whole)
            left -= 32, right -= 32;
        jit_base_load(t, whole, insn->rn, to);
        if (left)
            x86_shift(&t->a, whole, SHIFT_SHL, x86_r(to), left);
        if (right)
            x86_shift(&t->a, whole, SHIFT_SAR, x86_r(to), right);
        if (whole && !wide)
            x86_mov(&t->a, false, to, to);
    }
    jit_finish(t, insn->rd, to);
}

EMIT(sbfm_w) {
    signed_field(t, insn, false);
}
EMIT(sbfm_x) {
    signed_field(t, insn, true);
}

static void and_mask(struct translation *t, bool wide, enum x86_reg reg, uint64_t mask) {
    int64_t imm = wide ? (int64_t)mask : (int32_t)mask;
    if (x86_fits32(imm)) {
        x86_alu_imm(&t->a, wide, ALU_AND, x86_r(reg), (int32_t)imm);
    } else {
        x86_mov_imm(&t->a, RDX, mask);
        x86_alu(&t->a, wide, ALU_AND, reg, x86_r(RDX));
    }
}

/* rd ^ ((rd ^ rotated rn) & mask) */
static void insert_field(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    x86_rorx(&t->a, wide, RCX, jit_operand(t, insn->rn), insn->amount);
    jit_base_load(t, wide, insn->rd, to);
    x86_alu(&t->a, wide, ALU_XOR, RCX, x86_r(to));
    and_mask(t, wide, RCX, (uint64_t)insn->imm);
    x86_alu(&t->a, wide, ALU_XOR, to, x86_r(RCX));
    jit_finish(t, insn->rd, to);
}

EMIT(bfm_w) {
    insert_field(t, insn, false);
}
EMIT(bfm_x) {
    insert_field(t, insn, true);
}

static void extract(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum { SHRD = X86_MAP_0F | 0xac };
    enum x86_reg to = RAX;
    if (insn->rn == insn->rm || insn->amount == 0) {
        to = jit_target(t, insn->rd, RAX);
        x86_rorx(&t->a, wide, to, jit_operand(t, insn->rm), insn->amount);
    } else {
        jit_base_copy(t, wide, insn->rm, RAX);
        x86_op(&t->a, SHRD | x86_width(wide), jit_source(t, insn->rn, RCX), x86_r(RAX));
        x86_imm8(&t->a, insn->amount);
    }
    jit_finish(t, insn->rd, to);
}

EMIT(extr_w) {
    extract(t, insn, false);
}
EMIT(extr_x) {
    extract(t, insn, true);
}

/* --- shifts by a register */

static void shift_by(struct translation *t, const struct a64_insn *insn, bool wide, uint32_t op) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    x86_shift_by(&t->a, op, wide, to, jit_operand(t, insn->rn), jit_source(t, insn->rm, RCX));
    jit_finish(t, insn->rd, to);
}

static void rotate_by(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum { BY_CL = 0xd3 };
    jit_base_copy(t, false, insn->rm, RCX);
    jit_base_copy(t, wide, insn->rn, RAX);
    x86_op(&t->a, BY_CL | x86_width(wide), SHIFT_ROR, x86_r(RAX));
    jit_finish(t, insn->rd, RAX);
}

#define SHIFTS(suffix, wide)                                                                                 \
    EMIT(lslv##suffix) {                                                                                     \
        shift_by(t, insn, wide, X86_SHLX);                                                                   \
    }                                                                                                        \
    EMIT(lsrv##suffix) {                                                                                     \
        shift_by(t, insn, wide, X86_SHRX);                                                                   \
    }                                                                                                        \
    EMIT(asrv##suffix) {                                                                                     \
        shift_by(t, insn, wide, X86_SARX);                                                                   \
    }                                                                                                        \
    EMIT(rorv##suffix) {                                                                                     \
        rotate_by(t, insn, wide);                                                                            \
    }
SHIFTS(_w, false)
SHIFTS(_x, true)

/* --- one source */

static void reverse_bytes(struct translation *t, const struct a64_insn *insn, bool wide, unsigned rotate) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    jit_base_load(t, wide, insn->rn, to);
    x86_bswap(&t->a, wide, to);
    if (rotate)
        x86_rorx(&t->a, wide, to, x86_r(to), rotate);
    jit_finish(t, insn->rd, to);
}

EMIT(rev_w) {
    reverse_bytes(t, insn, false, 0);
}
EMIT(rev_x) {
    reverse_bytes(t, insn, true, 0);
}
EMIT(rev32_x) {
    reverse_bytes(t, insn, true, 32);
}
EMIT(rev16_w) {
    reverse_bytes(t, insn, false, 16);
}

/* Neighbours of so many bits, where the mask has one of two, change places. Clobbers rcx and rdx. */
static void swap_neighbours(
    struct translation *t, bool wide, enum x86_reg reg, unsigned bits, uint64_t mask) {
    x86_mov_imm(&t->a, RDX, wide ? mask : (uint32_t)mask);
    x86_mov(&t->a, wide, RCX, reg);
    x86_shift(&t->a, wide, SHIFT_SHR, x86_r(RCX), bits);
    x86_alu(&t->a, wide, ALU_AND, RCX, x86_r(RDX));
    x86_alu(&t->a, wide, ALU_AND, reg, x86_r(RDX));
    x86_shift(&t->a, wide, SHIFT_SHL, x86_r(reg), bits);
    x86_alu(&t->a, wide, ALU_OR, reg, x86_r(RCX));
}

/* Before CLZ of the result, RBIT counts trailing zeros: the host's TZCNT. */
static void reverse_bits(struct translation *t, const struct a64_insn *insn, bool wide) {
    struct region_insn *next = jit_successor(t);
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    if (next && next->insn.op == (wide ? A64_CLZ_X : A64_CLZ_W) && next->insn.rn == insn->rd &&
        next->insn.rd == insn->rd) {
        x86_tzcnt(&t->a, wide, to, jit_operand(t, insn->rn));
        next->done = true;
    } else {
        jit_base_load(t, wide, insn->rn, to);
        x86_bswap(&t->a, wide, to);
        swap_neighbours(t, wide, to, 4, 0x0f0f0f0f0f0f0f0f);
        swap_neighbours(t, wide, to, 2, 0x3333333333333333);
        swap_neighbours(t, wide, to, 1, 0x5555555555555555);
    }
    jit_finish(t, insn->rd, to);
}

EMIT(rbit_w) {
    reverse_bits(t, insn, false);
}
EMIT(rbit_x) {
    reverse_bits(t, insn, true);
}

static void leading_zeros(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    x86_lzcnt(&t->a, wide, to, jit_operand(t, insn->rn));
    jit_finish(t, insn->rd, to);
}

EMIT(clz_w) {
    leading_zeros(t, insn, false);
}
EMIT(clz_x) {
    leading_zeros(t, insn, true);
}

/* Of the number, or of its complement if it is negative; the sign itself does not count. */
static void leading_signs(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    jit_base_copy(t, wide, insn->rn, RCX);
    jit_base_load(t, wide, insn->rn, to);
    x86_shift(&t->a, wide, SHIFT_SAR, x86_r(RCX), wide ? 63 : 31);
    x86_alu(&t->a, wide, ALU_XOR, to, x86_r(RCX));
    x86_lzcnt(&t->a, wide, to, x86_r(to));
    x86_alu_imm(&t->a, wide, ALU_SUB, x86_r(to), 1);
    jit_finish(t, insn->rd, to);
}

EMIT(cls_w) {
    leading_signs(t, insn, false);
}
EMIT(cls_x) {
    leading_signs(t, insn, true);
}

/* The host has the Castagnoli polynomial only. */
EMIT(crc32c) {
    enum { CRC32_BYTE = X86_MAP_0F38 | X86_F2 | 0xf0, CRC32 = X86_MAP_0F38 | X86_F2 | 0xf1, HALF = 0x66 };
    jit_base_copy(t, false, insn->rn, RAX);
    jit_base_copy(t, true, insn->rm, RCX);
    if (insn->size == 1)
        *t->a.at++ = HALF;
    x86_op(&t->a, insn->size ? CRC32 | x86_width(insn->size == 3) : CRC32_BYTE, RAX, x86_r(RCX));
    jit_finish(t, insn->rd, RAX);
}
