/* Hints, barriers, PSTATE and system registers (C4.1.67). */
#include "cpu/soft/interp/handler.h"

enum { SCTLR_NTWI = 1 << 16, SCTLR_NTWE = 1 << 18 };

EXEC(nop) {
    (void)cpu;
    (void)insn;
}

/* EL0 may wait only where SCTLR_EL1 lets it (D17.2.37, ISS for a trapped WF* instruction; COND is "always").
 */
static void check_wait(struct cpu *cpu, uint32_t allowed, bool event) {
    enum { ISS_COND_ALWAYS = 1 << 24 | 0xe << 20 };
    if (cpu->el == 0 && !(cpu->sys.sctlr & allowed))
        cpu_raise(cpu, EC_WFX, ISS_COND_ALWAYS | event, false);
}

EXEC(wfi) {
    (void)insn;
    check_wait(cpu, SCTLR_NTWI, false);
    cpu_wfi(cpu);
}

EXEC(wfe) {
    (void)insn;
    check_wait(cpu, SCTLR_NTWE, true);
    cpu_wfe(cpu);
}

EXEC(sev) {
    (void)insn;
    cpu_sev(cpu);
}

EXEC(sevl) {
    (void)insn;
    cpu_sevl(cpu);
}

EXEC(clrex) {
    (void)insn;
    cpu->exclusive_addr = UINT64_MAX;
}

/* Only a load after a store can be reordered on the host: DMB LD (types xx01) and DMB ST (xx10) order nothing
 * that is not ordered already. */
EXEC(dmb) {
    (void)cpu;
    unsigned type = insn->opc & 3;
    if (type == 1 || type == 2)
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

EXEC(dsb) {
    (void)insn;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    cpu_dsb(cpu);
}

/* Every change of context takes effect at once here. */
EXEC(isb) {
    (void)cpu;
    (void)insn;
}

/* MSR (immediate): op1 and op2 name the field of PSTATE. */
EXEC(msr_imm) {
    cpu_msr_imm(cpu, insn, insn->word >> 16 & 7, insn->word >> 5 & 7, insn->opc);
}

EXEC(sys) {
    cpu_sys_insn(cpu, insn, (uint32_t)insn->imm, RT);
}

EXEC(msr) {
    cpu_sysreg_write(cpu, insn, (uint32_t)insn->imm, RT);
}

EXEC(mrs) {
    uint64_t value = cpu_sysreg_read(cpu, insn, (uint32_t)insn->imm);
    RT = value;
}
