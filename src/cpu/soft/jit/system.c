/* System registers that are plain storage, and the interrupt masks. */
#include "cpu/soft/jit/system.h"

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/sysreg.h"

#define EMIT(name) void jit_##name(struct translation *t, const struct a64_insn *insn)

enum { SP_EL0 = ENGINE_SYSREG(3, 0, 4, 1, 0) };

/* The register that an MRS or MSR may access without asking anybody but PSTATE, or NULL. */
static const struct sysreg *plain_register(const struct a64_insn *insn) {
    bool read = insn->op == A64_MRS;
    const struct sysreg *reg = sysreg_find((uint32_t)insn->imm);
    if (!reg || !(reg->access & (read ? EL1_READ : EL1_WRITE)) || reg->gate)
        return NULL;
    if (!reg->offset)
        return read && !reg->read ? reg : NULL; /* a constant */
    return (read ? (const void *)reg->read : (const void *)reg->write) ? NULL : reg;
}

bool jit_is_plain_write(const struct a64_insn *insn) {
    return insn->op == A64_MSR && plain_register(insn);
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

/* As check_access() of sysreg.c has it; its handler raises. */
static void check_access(struct translation *t, const struct sysreg *reg, unsigned el0_right) {
    t->flags = JIT_FLAGS_NONE;
    if (!(reg->access & el0_right)) {
        compare_byte(t, JIT_CPU(el), 0);
        jit_bail_if(t, CC_E);
    }
    if (reg->key == SP_EL0) { /* by this name only where it is not SP */
        compare_byte(t, JIT_CPU(spsel), 0);
        jit_bail_if(t, CC_E);
    }
}

EMIT(mrs) {
    const struct sysreg *reg = plain_register(insn);
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

EMIT(msr) {
    const struct sysreg *reg = plain_register(insn);
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

/* The masks, at EL1 and without D, which software step depends on. What they keep back may be due when they
 * are taken away: then, and elsewhere, the handler ends the region. */
static void change_masks(struct translation *t, const struct a64_insn *insn, bool set) {
    struct x86 *a = &t->a;
    if (insn->opc & DAIF_D) {
        jit_emit_end(t, insn);
        return;
    }
    t->flags = JIT_FLAGS_NONE;
    compare_byte(t, JIT_CPU(el), 0);
    jit_end_if(t, CC_E);
    if (!set) {
        x86_alu_imm(a, false, ALU_CMP, JIT_CPU(lines), 0);
        jit_end_if(t, CC_NE);
    }
    x86_op(a, 0x80, set ? ALU_OR : ALU_AND, JIT_CPU(daif));
    x86_imm8(a, set ? insn->opc : ~insn->opc);
}

EMIT(msr_daifset) {
    change_masks(t, insn, true);
}
EMIT(msr_daifclr) {
    change_masks(t, insn, false);
}
