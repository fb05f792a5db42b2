/* Branches. Those within the region become jumps; where others lead is jit_go_next()'s and jit_branch()'s
 * matter. */
#include "cpu/soft/jit/internal.h"

EMIT(b) {
    (void)t, (void)insn; /* where it leads is `next` */
}

EMIT(b_cond) {
    if (insn->cond < COND_ALWAYS) /* else it is a B */
        jit_branch(t, jit_condition(t, insn->cond));
}

static void branch_if_zero(struct translation *t, const struct a64_insn *insn, bool wide, enum x86_cc cc) {
    struct x86_rm value = jit_operand(t, insn->rt);
    if (x86_is_reg(value))
        x86_test(&t->a, wide, value, value.base);
    else
        x86_alu_imm(&t->a, wide, ALU_CMP, value, 0);
    jit_branch(t, cc);
}

EMIT(cbz_w) {
    branch_if_zero(t, insn, false, CC_E);
}
EMIT(cbz_x) {
    branch_if_zero(t, insn, true, CC_E);
}
EMIT(cbnz_w) {
    branch_if_zero(t, insn, false, CC_NE);
}
EMIT(cbnz_x) {
    branch_if_zero(t, insn, true, CC_NE);
}

/* CF is the bit, or ZF its inverse. */
static void branch_by_bit(struct translation *t, const struct a64_insn *insn, bool set) {
    struct x86_rm value = jit_operand(t, insn->rt);
    if (insn->index < 31) {
        x86_test_imm(&t->a, false, value, (int32_t)(UINT32_C(1) << insn->index));
        jit_branch(t, set ? CC_NE : CC_E);
    } else {
        x86_bt_imm(&t->a, true, value, insn->index);
        jit_branch(t, set ? CC_B : CC_AE);
    }
}

EMIT(tbz) {
    branch_by_bit(t, insn, false);
}
EMIT(tbnz) {
    branch_by_bit(t, insn, true);
}

/* x30 = the next instruction's address */
static void link(struct translation *t, const struct a64_insn *insn) {
    enum { LR = 30 };
    enum x86_reg to = jit_target(t, LR, RCX);
    x86_load(&t->a, true, to, JIT_CPU(page_va));
    x86_alu_imm(&t->a, true, ALU_ADD, x86_r(to), insn->page_offset + 4);
    jit_finish(t, LR, to);
}

EMIT(bl) {
    link(t, insn);
    jit_go_taken(t);
}

EMIT(br) {
    x86_load(&t->a, true, RAX, jit_operand(t, insn->rn));
    jit_go_virtual(t);
}

EMIT(blr) {
    x86_load(&t->a, true, RAX, jit_operand(t, insn->rn));
    link(t, insn);
    jit_go_virtual(t);
}
