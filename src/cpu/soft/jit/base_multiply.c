/* Data processing with general registers: multiplication and division. */
#include "cpu/soft/jit/base.h"

static bool holds(struct translation *t, unsigned reg, enum x86_reg host) {
    struct x86_rm rm = jit_operand(t, reg);
    return x86_is_reg(rm) && rm.base == host;
}

static void multiply(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    unsigned first = insn->rn, second = insn->rm;
    if (holds(t, second, to))
        first = insn->rm, second = insn->rn;
    if (holds(t, second, to) || (insn->ra != REG_ZR && holds(t, insn->ra, to)))
        to = RAX;
    jit_base_load(t, wide, first, to);
    x86_imul(&t->a, wide, to, jit_operand(t, second));
    if (insn->ra != REG_ZR)
        x86_alu(&t->a, wide, ALU_ADD, to, jit_operand(t, insn->ra));
    jit_finish(t, insn->rd, to);
}

static void multiply_subtract(struct translation *t, const struct a64_insn *insn, bool wide) {
    enum x86_reg to = jit_target(t, insn->rd, RCX);
    jit_base_copy(t, wide, insn->rn, RAX);
    x86_imul(&t->a, wide, RAX, jit_operand(t, insn->rm));
    jit_base_load(t, wide, insn->ra, to);
    x86_alu(&t->a, wide, ALU_SUB, to, x86_r(RAX));
    jit_finish(t, insn->rd, to);
}

static void multiply_long(struct translation *t, const struct a64_insn *insn, bool is_signed, bool subtract) {
    if (is_signed) {
        x86_load32s(&t->a, RAX, jit_operand(t, insn->rn));
        x86_load32s(&t->a, RCX, jit_operand(t, insn->rm));
    } else {
        jit_base_copy(t, false, insn->rn, RAX);
        jit_base_copy(t, false, insn->rm, RCX);
    }
    x86_imul(&t->a, true, RAX, x86_r(RCX));
    if (subtract) {
        x86_neg(&t->a, true, x86_r(RAX));
    }
    if (insn->ra != REG_ZR)
        x86_alu(&t->a, true, ALU_ADD, RAX, jit_operand(t, insn->ra));
    jit_finish(t, insn->rd, RAX);
}

EMIT(madd_w) {
    multiply(t, insn, false);
}
EMIT(madd_x) {
    multiply(t, insn, true);
}
EMIT(msub_w) {
    multiply_subtract(t, insn, false);
}
EMIT(msub_x) {
    multiply_subtract(t, insn, true);
}
EMIT(smaddl) {
    multiply_long(t, insn, true, false);
}
EMIT(smsubl) {
    multiply_long(t, insn, true, true);
}
EMIT(umaddl) {
    multiply_long(t, insn, false, false);
}
EMIT(umsubl) {
    multiply_long(t, insn, false, true);
}

static void multiply_high(struct translation *t, const struct a64_insn *insn, enum x86_muldiv op) {
    jit_base_copy(t, true, insn->rn, RAX);
    x86_muldiv(&t->a, true, op, jit_operand(t, insn->rm));
    jit_finish(t, insn->rd, RDX);
}

EMIT(smulh) {
    multiply_high(t, insn, X86_IMUL);
}
EMIT(umulh) {
    multiply_high(t, insn, X86_MUL);
}

/* Division by zero gives zero. */
static void divide_unsigned(struct translation *t, const struct a64_insn *insn, bool wide) {
    struct x86 *a = &t->a;
    jit_base_copy(t, wide, insn->rm, RCX);
    x86_alu(a, false, ALU_XOR, RAX, x86_r(RAX));
    x86_test(a, wide, x86_r(RCX), RCX);
    uint8_t *zero = x86_jcc_short(a, CC_E);
    jit_base_copy(t, wide, insn->rn, RAX);
    x86_alu(a, false, ALU_XOR, RDX, x86_r(RDX));
    x86_muldiv(a, wide, X86_DIV, x86_r(RCX));
    x86_bind_short(a, zero);
    jit_finish(t, insn->rd, RAX);
}

/* By -1 and 0 the product is the answer, and IDIV would trap for the smallest number by -1. */
static void divide_signed(struct translation *t, const struct a64_insn *insn, bool wide) {
    struct x86 *a = &t->a;
    jit_base_copy(t, wide, insn->rm, RCX);
    jit_base_copy(t, wide, insn->rn, RAX);
    x86_lea(a, wide, RDX, x86_m(RCX, 1));
    x86_alu_imm(a, wide, ALU_CMP, x86_r(RDX), 1);
    uint8_t *special = x86_jcc_short(a, CC_BE);
    x86_cqo(a, wide);
    x86_muldiv(a, wide, X86_IDIV, x86_r(RCX));
    uint8_t *done = x86_jmp_short(a);
    x86_bind_short(a, special);
    x86_imul(a, wide, RAX, x86_r(RCX));
    x86_bind_short(a, done);
    jit_finish(t, insn->rd, RAX);
}

EMIT(udiv_w) {
    divide_unsigned(t, insn, false);
}
EMIT(udiv_x) {
    divide_unsigned(t, insn, true);
}
EMIT(sdiv_w) {
    divide_signed(t, insn, false);
}
EMIT(sdiv_x) {
    divide_signed(t, insn, true);
}
