/* Exceptions: entry to EL1, return from it, and PSTATE (ARM ARM D1.3, D1.4; syndromes D17.2.37). */
#include "cpu/soft/cpu.h"

#include "cpu/soft/mmu.h"
#include "cpu/soft/syndrome.h"
#include "util/log.h"

/* SPSR_EL1 (D17.2.129). */
enum {
    SPSR_SP = 0,
    SPSR_EL = 2,
    SPSR_AARCH32 = 4,
    SPSR_DAIF = 6,
    SPSR_SSBS = 12,
    SPSR_IL = 20,
    SPSR_SS = 21,
    SPSR_PAN = 22,
    SPSR_UAO = 23,
    SPSR_NZCV = 28,
};

enum { SCTLR_SPAN = 23, SCTLR_DSSBS = 44, SCTLR_UMA = 9 };

/* Offsets from VBAR_EL1 (D1.3.1.5): by where the exception comes from, then by its kind. */
enum { FROM_SP0 = 0, FROM_SPX = 0x200, FROM_EL0 = 0x400 };
enum { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

static bool bit(uint64_t value, unsigned n) {
    return value >> n & 1;
}

static unsigned sp_index(unsigned el, unsigned spsel) {
    return el && spsel;
}

static void set_level(struct cpu *cpu, unsigned el, unsigned spsel) {
    cpu->sp_bank[sp_index(cpu->el, cpu->spsel)] = cpu->x[REG_SP];
    if (el != cpu->el)
        code_level_changed(cpu);
    cpu->el = (uint8_t)el;
    cpu->spsel = (uint8_t)spsel;
    cpu->x[REG_SP] = cpu->sp_bank[sp_index(el, spsel)];
    cpu_fp_changed(cpu);
}

static void unmasked(struct cpu *cpu) {
    uint32_t masked = (cpu->daif & DAIF_I ? 1 << ENGINE_IRQ : 0) | (cpu->daif & DAIF_F ? 1 << ENGINE_FIQ : 0);
    if (atomic_load_explicit(&cpu->lines, memory_order_relaxed) & ~masked)
        atomic_fetch_or(&cpu->attention, ATTENTION_INTERRUPT);
}

void cpu_mode_changed(struct cpu *cpu) {
    cpu->mmu_index = cpu->el == 0 ? MMU_EL0 : cpu->pan ? MMU_EL1_PAN : MMU_EL1;
    cpu_debug_changed(cpu);
    unmasked(cpu);
}

uint64_t cpu_pstate(const struct cpu *cpu) {
    return (uint64_t)cpu->nzcv << SPSR_NZCV | (uint64_t)cpu->uao << SPSR_UAO |
           (uint64_t)cpu->pan << SPSR_PAN | (uint64_t)cpu->ss << SPSR_SS | (uint64_t)cpu->il << SPSR_IL |
           (uint64_t)cpu->ssbs << SPSR_SSBS | (uint64_t)cpu->daif << SPSR_DAIF |
           (uint64_t)cpu->el << SPSR_EL | (uint64_t)sp_index(cpu->el, cpu->spsel) << SPSR_SP;
}

void cpu_set_pstate(struct cpu *cpu, uint64_t spsr) {
    cpu->nzcv = spsr >> SPSR_NZCV & 0xf;
    cpu->daif = spsr >> SPSR_DAIF & 0xf;
    cpu->uao = bit(spsr, SPSR_UAO);
    cpu->pan = bit(spsr, SPSR_PAN);
    cpu->ss = bit(spsr, SPSR_SS);
    cpu->il = bit(spsr, SPSR_IL);
    cpu->ssbs = bit(spsr, SPSR_SSBS);
    set_level(cpu, spsr >> SPSR_EL & 1, bit(spsr, SPSR_SP));
    cpu_mode_changed(cpu);
}

/* AArch64.TakeException for EL1. */
static void enter(struct cpu *cpu, unsigned vector, uint64_t return_address) {
    vector += cpu->el == 0 ? FROM_EL0 : cpu->spsel ? FROM_SPX : FROM_SP0;
    cpu->stats.exceptions++;
    cpu->stepping = false;
    cpu->sys.spsr = cpu_pstate(cpu);
    cpu->sys.elr = return_address;
    cpu->daif = DAIF_D | DAIF_A | DAIF_I | DAIF_F;
    cpu->ss = cpu->il = cpu->uao = false;
    cpu->pan |= !bit(cpu->sys.sctlr, SCTLR_SPAN);
    cpu->ssbs = bit(cpu->sys.sctlr, SCTLR_DSSBS);
    set_level(cpu, 1, 1);
    cpu_mode_changed(cpu);
    cpu->pc = cpu->next_pc = cpu->sys.vbar + vector;
}

void cpu_take_exception(struct cpu *cpu, unsigned ec, uint32_t iss, uint64_t return_address) {
    cpu->sys.esr = (uint64_t)ec << ESR_EC | ESR_IL | iss;
    enter(cpu, VECTOR_SYNC, return_address);
}

void cpu_raise(struct cpu *cpu, unsigned ec, uint32_t iss, bool after) {
    if (after && cpu->stepping) /* SSAdvance(): the step is done, although the instruction raises */
        cpu->ss = false;
    cpu_take_exception(cpu, ec, iss, after ? cpu->next_pc : cpu->pc);
    longjmp(cpu->unwind, 1);
}

void cpu_raise_undefined(struct cpu *cpu, const struct a64_insn *insn) {
    if (insn->op == 0) /* not in the table, rather than not allowed here */
        log_guest("vCPU %u: undefined instruction 0x%08x at 0x%llx, EL%u", cpu->index, insn->word,
            (unsigned long long)cpu->pc, cpu->el);
    cpu_raise(cpu, EC_UNKNOWN, 0, false);
}

void cpu_raise_abort(struct cpu *cpu, uint64_t va, bool fetch, bool write, unsigned fsc) {
    cpu->sys.far = va;
    cpu_raise(cpu, (fetch ? EC_FETCH_ABORT : EC_DATA_ABORT) + cpu->el, fsc | (write ? ISS_WNR : 0), false);
}

void cpu_raise_pc_alignment(struct cpu *cpu) {
    cpu->sys.far = cpu->pc;
    cpu_raise(cpu, EC_PC_ALIGNMENT, 0, false);
}

void cpu_raise_fp_access(struct cpu *cpu) {
    cpu_raise(cpu, EC_FP_ACCESS, ISS_COND_ALWAYS, false);
}

void cpu_take_interrupts(struct cpu *cpu) {
    atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_INTERRUPT);
    uint32_t lines = atomic_load(&cpu->lines);
    if ((lines & 1 << ENGINE_FIQ) && !(cpu->daif & DAIF_F))
        enter(cpu, VECTOR_FIQ, cpu->pc);
    else if ((lines & 1 << ENGINE_IRQ) && !(cpu->daif & DAIF_I))
        enter(cpu, VECTOR_IRQ, cpu->pc);
}

/* Only EL0t, EL1t and EL1h of AArch64 exist (D1.3.4.2). */
static bool illegal_return(uint64_t spsr) {
    unsigned mode = spsr & 0x1f;
    return mode != 0x00 && mode != 0x04 && mode != 0x05;
}

void cpu_exception_return(struct cpu *cpu) {
    uint64_t spsr = cpu->sys.spsr;
    bool illegal = illegal_return(spsr);
    unsigned el = illegal ? cpu->el : spsr >> SPSR_EL & 1;
    bool step = cpu_debug_return_step(cpu, spsr, el);

    if (illegal) { /* level and stack pointer stay; the next instruction takes the exception */
        uint64_t kept = 1 << SPSR_SP | 1 << SPSR_EL | 1 << SPSR_SSBS | 1 << SPSR_UAO;
        spsr = (spsr & ~(kept | 0x1f)) | (cpu_pstate(cpu) & kept) | 1 << SPSR_IL;
    }
    spsr &= ~(UINT64_C(1) << SPSR_SS);
    cpu->stepping = false;
    cpu->exclusive_addr = UINT64_MAX;
    cpu_set_pstate(cpu, spsr | (uint64_t)step << SPSR_SS);
    cpu->next_pc = mmu_strip_tag(cpu, cpu->sys.elr);
}

void cpu_msr_imm(struct cpu *cpu, const struct a64_insn *insn, unsigned op1, unsigned op2, unsigned imm) {
    enum { UAO = 3, PAN = 4, SPSEL = 5, SSBS = 031, DAIFSET = 036, DAIFCLR = 037 };
    unsigned field = op1 << 3 | op2;
    bool daif = field == DAIFSET || field == DAIFCLR;
    if (cpu->el == 0 && daif && !bit(cpu->sys.sctlr, SCTLR_UMA))
        cpu_raise(cpu, EC_SYSREG, sysreg_iss(ENGINE_SYSREG(0, op1, 4, imm, op2), 31, false), false);
    if (cpu->el == 0 && !daif && field != SSBS)
        cpu_raise_undefined(cpu, insn);
    switch (field) {
    case UAO: cpu->uao = imm & 1; break;
    case PAN: cpu->pan = imm & 1; break;
    case SPSEL: set_level(cpu, cpu->el, imm & 1); break;
    case SSBS: cpu->ssbs = imm & 1; break;
    case DAIFSET: cpu->daif |= imm; break;
    case DAIFCLR: cpu->daif &= ~imm; break;
    default: cpu_raise_undefined(cpu, insn);
    }
    cpu_mode_changed(cpu);
}
