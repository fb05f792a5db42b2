/* System registers that are plain storage, the interrupt masks, and DC ZVA. */
#include "cpu/soft/jit/system.h"

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/sysreg.h"

enum {
    SP_EL0 = ENGINE_SYSREG(3, 0, 4, 1, 0),
    DAIF = ENGINE_SYSREG(3, 3, 4, 2, 1),
    DCZID_EL0 = ENGINE_SYSREG(3, 3, 0, 0, 7),
    DC_ZVA = ENGINE_SYSREG(1, 3, 7, 4, 1),
    SCTLR_DZE = 1 << 14,
    DAIF_SHIFT = 6, /* as MRS and MSR have it */
};

/* The register that an MRS or MSR may access without asking anybody but PSTATE, or NULL. */
static const struct sysreg *plain_register(const struct a64_insn *insn) {
    bool read = insn->op == A64_MRS;
    const struct sysreg *reg = sysreg_find((uint32_t)insn->imm);
    if (!reg || !(reg->access & (read ? EL1_READ : EL1_WRITE)))
        return NULL;
    if (!reg->offset)
        return read && (!reg->read || reg->key == DCZID_EL0) ? reg : NULL; /* a constant */
    return (read ? (const void *)reg->read : (const void *)reg->write) ? NULL : reg;
}

bool jit_is_plain_write(const struct a64_insn *insn) {
    return insn->op == A64_MSR && (insn->imm == DAIF || plain_register(insn));
}

bool jit_is_data_maintenance(const struct a64_insn *insn) {
    enum { OP1_CRN = 0x3f80, DC_EL0 = ENGINE_SYSREG(1, 3, 7, 0, 0) & OP1_CRN, CRM_IC = 5 };
    return insn->op == A64_SYS && (insn->imm & OP1_CRN) == DC_EL0 && (insn->imm >> 3 & 15) != CRM_IC;
}

static struct x86_rm storage(const struct sysreg *reg) {
    struct x86_rm first = JIT_CPU(x[0]);
    first.disp += reg->offset;
    return first;
}

static void compare_byte(struct translation *t, struct x86_rm byte, int with) {
    x86_op(&t->a, 0x80, ALU_CMP, byte);
    x86_imm8(&t->a, with);
}

/* Where EL0 may not zero blocks, DC ZVA traps there, and DCZID_EL0 says so. */
static void check_zeroing(struct translation *t) {
    x86_test_imm(&t->a, false, JIT_CPU(sys.sctlr), SCTLR_DZE);
    jit_bail_if(t, CC_E);
}

/* As check_access() of sysreg.c has it; its handler raises. */
static void check_access(struct translation *t, const struct sysreg *reg, unsigned el0_right) {
    t->flags = JIT_FLAGS_NONE;
    if (!(reg->access & el0_right) || reg->gate) {
        compare_byte(t, JIT_CPU(el), 0);
        jit_bail_if(t, CC_E);
    }
    if (reg->key == SP_EL0) { /* by this name only where it is not SP */
        compare_byte(t, JIT_CPU(spsel), 0);
        jit_bail_if(t, CC_E);
    }
    if (reg->key == DCZID_EL0)
        check_zeroing(t);
}

static void read_masks(struct translation *t, const struct a64_insn *insn) {
    t->flags = JIT_FLAGS_NONE;
    compare_byte(t, JIT_CPU(el), 0);
    jit_bail_if(t, CC_E);
    enum x86_reg to = jit_target(t, insn->rt, RAX);
    x86_load8(&t->a, to, JIT_CPU(daif));
    x86_shift(&t->a, false, SHIFT_SHL, x86_r(to), DAIF_SHIFT);
    jit_finish(t, insn->rt, to);
}

EMIT(mrs) {
    const struct sysreg *reg = plain_register(insn);
    if (insn->imm == DAIF) {
        read_masks(t, insn);
        return;
    }
    if (!reg) {
        jit_call_handler(t);
        return;
    }
    check_access(t, reg, EL0_READ);
    enum x86_reg to = jit_target(t, insn->rt, RAX);
    if (reg->offset)
        x86_load(&t->a, true, to, storage(reg));
    else
        x86_mov_imm(&t->a, to, reg->fixed);
    jit_finish(t, insn->rt, to);
}

/* The masks may be changed here at EL1 and without D, which software step depends on. What they keep back may
 * be due when they are taken away: then, and elsewhere, the handler ends the region. */
static void check_masks(struct translation *t, bool may_unmask) {
    t->flags = JIT_FLAGS_NONE;
    compare_byte(t, JIT_CPU(el), 0);
    jit_end_if(t, CC_E);
    if (may_unmask) {
        x86_alu_imm(&t->a, false, ALU_CMP, JIT_CPU(lines), 0);
        jit_end_if(t, CC_NE);
    }
}

static void write_masks(struct translation *t, const struct a64_insn *insn) {
    struct x86 *a = &t->a;
    check_masks(t, true);
    x86_load(a, false, RAX, jit_operand(t, insn->rt));
    x86_shift(a, false, SHIFT_SHR, x86_r(RAX), DAIF_SHIFT);
    x86_alu_imm(a, false, ALU_AND, x86_r(RAX), DAIF_D | DAIF_A | DAIF_I | DAIF_F);
    x86_load8(a, RCX, JIT_CPU(daif));
    x86_alu(a, false, ALU_XOR, RCX, x86_r(RAX));
    x86_test_imm(a, false, x86_r(RCX), DAIF_D);
    jit_end_if(t, CC_NE);
    x86_store8(a, JIT_CPU(daif), RAX);
}

EMIT(msr) {
    const struct sysreg *reg = plain_register(insn);
    if (insn->imm == DAIF) {
        write_masks(t, insn);
        return;
    }
    if (!reg) {
        jit_emit_end(t, insn);
        return;
    }
    struct x86 *a = &t->a;
    check_access(t, reg, EL0_WRITE);
    x86_load(a, true, RAX, jit_operand(t, insn->rt));
    if (reg->writable != UINT64_MAX) {
        x86_mov_imm(a, RCX, reg->writable);
        x86_alu(a, true, ALU_AND, RAX, x86_r(RCX));
    }
    if (reg->fixed) {
        x86_mov_imm(a, RCX, reg->fixed);
        x86_alu(a, true, ALU_OR, RAX, x86_r(RCX));
    }
    x86_store(a, true, storage(reg), RAX);
}

static void change_masks(struct translation *t, const struct a64_insn *insn, bool set) {
    if (insn->opc & DAIF_D) {
        jit_emit_end(t, insn);
        return;
    }
    check_masks(t, !set);
    x86_op(&t->a, 0x80, set ? ALU_OR : ALU_AND, JIT_CPU(daif));
    x86_imm8(&t->a, set ? insn->opc : ~insn->opc);
}

EMIT(msr_daifset) {
    change_masks(t, insn, true);
}
EMIT(msr_daifclr) {
    change_masks(t, insn, false);
}

/* 64 bytes, as DCZID_EL0 has it, wherever in them the address is. */
static void zero_block(struct translation *t, const struct a64_insn *insn) {
    enum { BLOCK = 64, VECTOR = 32 };
    struct x86 *a = &t->a;
    t->flags = JIT_FLAGS_NONE;
    check_zeroing(t);
    x86_load(a, true, RAX, jit_operand(t, insn->rt));
    x86_alu_imm(a, true, ALU_AND, x86_r(RAX), -BLOCK);
    struct x86_rm to = jit_access_at(t, RAX, BLOCK, true);
    x86_vex(a, X86_VPXOR, 0, 0, x86_r(0));
    for (int at = 0; at < BLOCK; at += VECTOR, to.disp += VECTOR)
        x86_vex(a, X86_VMOVDQA_STORE | X86_L, 0, 0, to);
}

EMIT(sys) {
    if (insn->imm == DC_ZVA)
        zero_block(t, insn);
    else if (jit_is_data_maintenance(insn))
        jit_call_handler(t);
    else
        jit_emit_end(t, insn);
}
