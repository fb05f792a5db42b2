/* Self-hosted debug (ARM ARM D2): software step, address breakpoints and watchpoints, as debuggers in the
 * guest use them. Linked (context-aware) breakpoints and watchpoints never match. */
#include "cpu/soft/cpu.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/syndrome.h"

enum { MDSCR_SS = 1 << 0, MDSCR_KDE = 1 << 13, MDSCR_MDE = 1 << 15 };
enum { OSLSR_OSLK = 1 << 1, OSDLR_DLK = 1 << 0 };

/* DBGBCRn_EL1 and DBGWCRn_EL1 share the first three. */
enum { BCR_E = 1 << 0, BCR_PAC = 1, BCR_BAS = 5, BCR_BT = 20, WCR_LSC = 3, WCR_WT = 20, WCR_MASK = 24 };

enum { SPSR_D = 1 << 9 };

/* Bits 48 to 2 of a DBGBVR or DBGWVR, sign-extended (VARange is 48 bits). */
static uint64_t value_address(uint64_t value) {
    return (uint64_t)((int64_t)(value << 15) >> 15) & ~UINT64_C(3);
}

/* AArch64.GenerateDebugExceptionsFrom(). */
static bool enabled_from(const struct cpu *cpu, unsigned el, bool masked) {
    if ((cpu->sys.oslsr & OSLSR_OSLK) || (cpu->sys.osdlr & OSDLR_DLK))
        return false;
    return el == 0 || ((cpu->sys.mdscr & MDSCR_KDE) && !masked);
}

static bool enabled(const struct cpu *cpu) {
    return enabled_from(cpu, cpu->el, cpu->daif & DAIF_D);
}

static bool steps(const struct cpu *cpu) {
    return (cpu->sys.mdscr & MDSCR_SS) && enabled(cpu);
}

bool cpu_debug_return_step(const struct cpu *cpu, uint64_t spsr, unsigned target_el) {
    return (cpu->sys.mdscr & MDSCR_SS) && !enabled(cpu) && enabled_from(cpu, target_el, spsr & SPSR_D) &&
           (spsr >> 21 & 1);
}

static bool has_breakpoints(const struct cpu *cpu) {
    bool any = false;
    for (unsigned i = 0; i < CPU_BREAKPOINTS; i++)
        any |= cpu->sys.dbgbcr[i] & BCR_E;
    return any && (cpu->sys.mdscr & MDSCR_MDE) && enabled(cpu);
}

void cpu_debug_changed(struct cpu *cpu) {
    bool every = cpu->il || steps(cpu) || has_breakpoints(cpu);
    bool now = atomic_load_explicit(&cpu->attention, memory_order_relaxed) & ATTENTION_EVERY;
    if (every && !now)
        atomic_fetch_or(&cpu->attention, ATTENTION_EVERY);
    else if (!every && now)
        atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_EVERY);
}

/* PAC of the access's or instruction's privilege: bit 0 is EL1, bit 1 is EL0. */
static bool at_level(uint64_t control, unsigned el) {
    return control >> BCR_PAC & (el ? 1 : 2);
}

static bool breakpoint_matches(const struct cpu *cpu, unsigned n) {
    uint64_t control = cpu->sys.dbgbcr[n];
    return (control & BCR_E) && (control >> BCR_BT & 0xf) == 0 && at_level(control, cpu->el) &&
           (control >> BCR_BAS & 0xf) && value_address(cpu->sys.dbgbvr[n]) == cpu->pc;
}

/* ISS of a software step exception: ISV tells whether an instruction was stepped, EX that it was a
 * load-exclusive, which alone leaves the monitor set after the exception return that began the step. */
static uint32_t step_syndrome(const struct cpu *cpu, bool stepped) {
    enum { ISV = 1 << 24, EX = 1 << 6 };
    return ISS_DEBUG | (stepped ? ISV : 0) | (stepped && cpu->exclusive_addr != UINT64_MAX ? EX : 0);
}

void cpu_debug_before(struct cpu *cpu) {
    bool stepped = cpu->stepping;
    if (stepped) { /* that was the instruction of the step */
        cpu->stepping = false;
        cpu->ss = false;
    }
    if (steps(cpu)) {
        if (!cpu->ss) {
            cpu_take_exception(cpu, EC_STEP + cpu->el, step_syndrome(cpu, stepped), cpu->pc);
            return;
        }
        cpu->stepping = true;
    }
    if (has_breakpoints(cpu)) {
        for (unsigned i = 0; i < CPU_BREAKPOINTS; i++) {
            if (!breakpoint_matches(cpu, i))
                continue;
            cpu_take_exception(cpu, EC_BREAKPOINT + cpu->el, ISS_DEBUG, cpu->pc);
            return;
        }
    }
    if (cpu->il)
        cpu_take_exception(cpu, EC_ILLEGAL_STATE, 0, cpu->pc);
}

/* The bytes that watchpoint n looks at, as the address of the first and a mask of up to 8 of them, or, with
 * MASK, as a range (D2.9.6). */
static bool watchpoint_meets(const struct cpu *cpu, unsigned n, uint64_t va, uint64_t size) {
    uint64_t control = cpu->sys.dbgwcr[n], base = value_address(cpu->sys.dbgwvr[n]);
    unsigned mask = control >> WCR_MASK & 0x1f, select = control >> BCR_BAS & 0xff;
    if (!(control & BCR_E) || (control >> WCR_WT & 1))
        return false;
    if (mask >= 3) {
        uint64_t inside = (UINT64_C(1) << mask) - 1;
        return va <= (base | inside) && (base & ~inside) <= va + size - 1;
    }
    for (unsigned i = 0; i < 8; i++)
        if ((select >> i & 1) && base + i >= va && base + i - va < size)
            return true;
    return false;
}

bool cpu_watches_page(const struct cpu *cpu, uint64_t va) {
    if (!(cpu->sys.mdscr & MDSCR_MDE))
        return false;
    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++)
        if (watchpoint_meets(cpu, i, va & PAGE_MASK, PAGE_SIZE_4K))
            return true;
    return false;
}

void cpu_check_watchpoints(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write) {
    if (!(cpu->sys.mdscr & MDSCR_MDE) || !enabled(cpu))
        return;
    for (unsigned i = 0; i < CPU_WATCHPOINTS; i++) {
        uint64_t control = cpu->sys.dbgwcr[i];
        if (!watchpoint_meets(cpu, i, va, size) || !at_level(control, mmu == MMU_EL0 ? 0 : 1) ||
            !(control >> WCR_LSC & (write ? 2 : 1)))
            continue;
        cpu->sys.far = va;
        cpu_raise(cpu, EC_WATCHPOINT + cpu->el, ISS_DEBUG | (write ? ISS_WNR : 0), false);
    }
}
