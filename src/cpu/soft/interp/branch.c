/* Branches and exception generation (C4.1.67). */
#include "cpu/soft/interp/handler.h"

static inline void branch(struct cpu *cpu, const struct a64_insn *insn) {
    cpu->next_pc = cpu->pc + (uint64_t)insn->imm;
}

EXEC(b) {
    branch(cpu, insn);
}

EXEC(bl) {
    cpu->x[30] = cpu->pc + 4;
    branch(cpu, insn);
}

EXEC(b_cond) {
    if (cpu_condition(cpu, insn->cond))
        branch(cpu, insn);
}

EXEC(cbz_w) {
    if ((uint32_t)RT == 0)
        branch(cpu, insn);
}

EXEC(cbz_x) {
    if (RT == 0)
        branch(cpu, insn);
}

EXEC(cbnz_w) {
    if ((uint32_t)RT != 0)
        branch(cpu, insn);
}

EXEC(cbnz_x) {
    if (RT != 0)
        branch(cpu, insn);
}

EXEC(tbz) {
    if (!(RT >> insn->index & 1))
        branch(cpu, insn);
}

EXEC(tbnz) {
    if (RT >> insn->index & 1)
        branch(cpu, insn);
}

EXEC(br) {
    cpu->next_pc = RN;
}

EXEC(blr) {
    cpu->next_pc = RN; /* first: rn may be x30 */
    cpu->x[30] = cpu->pc + 4;
}

EXEC(eret) {
    if (cpu->el == 0)
        cpu_raise_undefined(cpu, insn);
    cpu_exception_return(cpu);
}

EXEC(svc) {
    cpu_raise(cpu, EC_SVC, (uint32_t)insn->imm, true);
}

EXEC(hvc) {
    if (cpu->el == 0)
        cpu_raise_undefined(cpu, insn);
    cpu_hvc(cpu);
}

EXEC(brk) {
    cpu_raise(cpu, EC_BRK, (uint32_t)insn->imm, false);
}

EXEC(undefined) {
    cpu_raise_undefined(cpu, insn);
}
