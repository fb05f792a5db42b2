/* System registers: MRS and MSR. */
#include "cpu/soft/sysreg.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "cpu/soft/fp.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/mmu.h"
#include "cpu/soft/soft_vm.h"
#include "cpu/soft/syndrome.h"
#include "util/log.h"

static uint64_t *storage(struct cpu *cpu, const struct sysreg *reg) {
    return (uint64_t *)((char *)cpu + reg->offset);
}

/* --- PSTATE and the registers of an exception */

static uint64_t read_nzcv(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return (uint64_t)cpu->nzcv << 28;
}

static void write_nzcv(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu->nzcv = value >> 28 & 0xf;
}

static uint64_t read_daif(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return (uint64_t)cpu->daif << 6;
}

static void write_daif(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu->daif = value >> 6 & 0xf;
    cpu_mode_changed(cpu);
}

static uint64_t read_el(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return (uint64_t)cpu->el << 2;
}

static uint64_t read_spsel(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return cpu->spsel;
}

static void write_spsel(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu_set_pstate(cpu, (cpu_pstate(cpu) & ~UINT64_C(1)) | (value & 1));
}

/* Single bits of PSTATE, at the place that they have in SPSR_EL1. */
static uint64_t read_flag(struct cpu *cpu, const struct sysreg *reg) {
    return cpu_pstate(cpu) & reg->writable;
}

static void write_flag(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    cpu_set_pstate(cpu, (cpu_pstate(cpu) & ~reg->writable) | value);
}

static uint64_t read_fpcr(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    cpu_check_fp(cpu);
    return cpu->fpcr;
}

static void write_fpcr(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu_check_fp(cpu);
    cpu->fpcr = (uint32_t)value;
    cpu_fp_changed(cpu);
}

static uint64_t read_fpsr(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    cpu_check_fp(cpu);
    cpu_fp_fold_flags(cpu);
    return cpu->fpsr;
}

static void write_fpsr(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu_check_fp(cpu);
    cpu_fp_fold_flags(cpu);
    cpu->fpsr = (uint32_t)value;
    cpu_fp_changed(cpu);
}

static uint64_t read_isr(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    uint32_t lines = atomic_load(&cpu->lines);
    return (lines >> ENGINE_IRQ & 1) << 7 | (lines >> ENGINE_FIQ & 1) << 6;
}

/* --- translation */

static void write_translation(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    uint64_t *place = storage(cpu, reg);
    if (*place == value)
        return;
    *place = value;
    tlb_flush_all(cpu);
    tlb_switch_asid(cpu, mmu_asid(cpu));
    cpu_mode_changed(cpu);
}

/* The tables may change without a TLBI only where the ASID does (D8.14.3.1), so that entries stay. */
static void write_ttbr(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    *storage(cpu, reg) = value;
    tlb_switch_asid(cpu, mmu_asid(cpu));
    code_mapping_changed(cpu);
}

static void write_cpacr(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    *storage(cpu, reg) = value;
    cpu_fp_changed(cpu);
}

/* --- debug */

static void write_debug(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    *storage(cpu, reg) = value;
    cpu_debug_changed(cpu);
}

/* Pages with watchpoints are kept from the fast path when they enter the TLB. */
static void write_watch(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    uint64_t *place = storage(cpu, reg);
    if (*place != value)
        tlb_flush_all(cpu);
    write_debug(cpu, reg, value);
}

static void write_oslar(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    enum { OSLM = 1 << 3, OSLK = 1 << 1 };
    cpu->sys.oslsr = OSLM | (value & 1 ? OSLK : 0);
    cpu_debug_changed(cpu);
}

static uint64_t read_claimset(struct cpu *cpu, const struct sysreg *reg) {
    (void)cpu;
    return reg->writable;
}

static void write_claimset(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu->sys.claim |= value;
}

static uint64_t read_claimclr(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return cpu->sys.claim;
}

static void write_claimclr(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    (void)reg;
    cpu->sys.claim &= ~value;
}

/* --- the generic timer: op2 and CRm say which register of which timer */

static unsigned timer_of(const struct sysreg *reg) {
    return (reg->key >> 3 & 15) == 3 ? TIMER_VIRTUAL : TIMER_PHYSICAL;
}

static uint64_t read_counter(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return timer_counter(cpu->vm);
}

static uint64_t read_ctl(struct cpu *cpu, const struct sysreg *reg) {
    return timer_read_ctl(cpu, timer_of(reg));
}

static void write_ctl(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    timer_write_ctl(cpu, timer_of(reg), value);
}

static uint64_t read_cval(struct cpu *cpu, const struct sysreg *reg) {
    return timer_read_cval(cpu, timer_of(reg));
}

static void write_cval(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    timer_write_cval(cpu, timer_of(reg), value);
}

static uint64_t read_tval(struct cpu *cpu, const struct sysreg *reg) {
    return (uint32_t)(timer_read_cval(cpu, timer_of(reg)) - timer_counter(cpu->vm));
}

static void write_tval(struct cpu *cpu, const struct sysreg *reg, uint64_t value) {
    timer_write_cval(cpu, timer_of(reg), timer_counter(cpu->vm) + (uint64_t)(int32_t)value);
}

/* --- what EL0 needs permission for */

static bool gate_uma(const struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return cpu->sys.sctlr >> 9 & 1;
}

static bool gate_tscxt(const struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return !(cpu->sys.sctlr >> 20 & 1);
}

static bool gate_tdcc(const struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return !(cpu->sys.mdscr >> 12 & 1);
}

enum { EL0PCTEN = 1 << 0, EL0VCTEN = 1 << 1, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9 }; /* CNTKCTL_EL1 */

static bool gate_frequency(const struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return cpu->sys.cntkctl & (EL0PCTEN | EL0VCTEN);
}

static bool gate_counter(const struct cpu *cpu, const struct sysreg *reg) {
    return cpu->sys.cntkctl & ((reg->key & 7) == 2 ? EL0VCTEN : EL0PCTEN);
}

static bool gate_timer(const struct cpu *cpu, const struct sysreg *reg) {
    return cpu->sys.cntkctl & (timer_of(reg) == TIMER_VIRTUAL ? EL0VTEN : EL0PTEN);
}

/* --- the table */

#define ALL       UINT64_MAX
#define EL1_RW    (EL1_READ | EL1_WRITE)
#define EL0_RW    (EL1_RW | EL0_READ | EL0_WRITE)
#define OFFSET(m) ((uint16_t)offsetof(struct cpu, m))

#define REG(op0, op1, crn, crm, op2, reg_name, who)                                                          \
    .key = ENGINE_SYSREG(op0, op1, crn, crm, op2), .name = reg_name, .access = who

/* SCTLR_EL1: M A C SA SA0 UMA I DZE UCT nTWI nTWE WXN TSCXT SPAN UCI DSSBS; no mixed endianness, AArch32,
 * pointer authentication or MTE. */
#define SCTLR_BITS UINT64_C(0x00001000049dd21f)
#define SCTLR_RES1 UINT64_C(0x30400980)
#define SCTLR_SPAN UINT64_C(0x800000) /* for software that does not know of PAN */
/* TCR_EL1: all of both halves, IPS AS TBI HA HD HPD E0PD. */
#define TCR_BITS UINT64_C(0x018007f7ffffffbf)
/* SPSR_EL1: NZCV UAO PAN SS IL SSBS DAIF M. */
#define SPSR_BITS  UINT64_C(0xf0f013df)
#define CPACR_FPEN UINT64_C(0x300000)
/* MDSCR_EL1: SS TDCC KDE HDE MDE. */
#define MDSCR_BITS UINT64_C(0xf001)
/* DBGBCRn_EL1: E PMC HMC SSC LBN BT; BAS is RES1 without AArch32. */
#define BCR_BITS UINT64_C(0x00ffe007)
#define BCR_RES1 UINT64_C(0x1e0)
/* DBGWCRn_EL1: E PAC LSC BAS HMC SSC LBN WT MASK. */
#define WCR_BITS UINT64_C(0x1f1fffff)

#define BREAKPOINT(n)                                                                                        \
    {REG(2, 0, 0, n, 4, "DBGBVR" #n "_EL1", EL1_RW), OFFSET(sys.dbgbvr[n]), ALL}, {                          \
        REG(2, 0, 0, n, 5, "DBGBCR" #n "_EL1", EL1_RW), OFFSET(sys.dbgbcr[n]), BCR_BITS, BCR_RES1,           \
            .write = write_debug                                                                             \
    }
#define WATCHPOINT(n)                                                                                        \
    {REG(2, 0, 0, n, 6, "DBGWVR" #n "_EL1", EL1_RW), OFFSET(sys.dbgwvr[n]), ALL, .write = write_watch}, {    \
        REG(2, 0, 0, n, 7, "DBGWCR" #n "_EL1", EL1_RW), OFFSET(sys.dbgwcr[n]), WCR_BITS,                     \
            .write = write_watch                                                                             \
    }

/* A register that exists, reads as zero and ignores writes. */
#define RAZ_WI(op0, op1, crn, crm, op2, reg_name, who)                                                       \
    { REG(op0, op1, crn, crm, op2, reg_name, who) }

/* After the name and access: storage, writable bits, fixed bits, reset. */
static const struct sysreg table[] = {
    {REG(3, 0, 1, 0, 0, "SCTLR_EL1", EL1_RW), OFFSET(sys.sctlr), SCTLR_BITS, SCTLR_RES1, SCTLR_SPAN,
        .write = write_translation},
    RAZ_WI(3, 0, 1, 0, 1, "ACTLR_EL1", EL1_RW),
    {REG(3, 0, 1, 0, 2, "CPACR_EL1", EL1_RW), OFFSET(sys.cpacr), CPACR_FPEN, .write = write_cpacr},
    {REG(3, 0, 2, 0, 0, "TTBR0_EL1", EL1_RW), OFFSET(sys.ttbr0), ALL, .write = write_ttbr},
    {REG(3, 0, 2, 0, 1, "TTBR1_EL1", EL1_RW), OFFSET(sys.ttbr1), ALL, .write = write_ttbr},
    {REG(3, 0, 2, 0, 2, "TCR_EL1", EL1_RW), OFFSET(sys.tcr), TCR_BITS, .write = write_translation},
    {REG(3, 0, 4, 0, 0, "SPSR_EL1", EL1_RW), OFFSET(sys.spsr), SPSR_BITS},
    {REG(3, 0, 4, 0, 1, "ELR_EL1", EL1_RW), OFFSET(sys.elr), ALL},
    {REG(3, 0, 4, 1, 0, "SP_EL0", EL1_RW), OFFSET(sp_bank[0]), ALL},
    {REG(3, 0, 4, 2, 0, "SPSel", EL1_RW), .writable = 1, .read = read_spsel, .write = write_spsel},
    {REG(3, 0, 4, 2, 2, "CurrentEL", EL1_READ), .read = read_el},
    {REG(3, 0, 4, 2, 3, "PAN", EL1_RW), .writable = 1 << 22, .read = read_flag, .write = write_flag},
    {REG(3, 0, 4, 2, 4, "UAO", EL1_RW), .writable = 1 << 23, .read = read_flag, .write = write_flag},
    {REG(3, 3, 4, 2, 0, "NZCV", EL0_RW), .writable = 0xf0000000, .read = read_nzcv, .write = write_nzcv},
    {REG(3, 3, 4, 2, 1, "DAIF", EL0_RW), .writable = 0x3c0, .read = read_daif, .write = write_daif,
        .gate = gate_uma},
    {REG(3, 3, 4, 2, 6, "SSBS", EL0_RW), .writable = 1 << 12, .read = read_flag, .write = write_flag},
    {REG(3, 3, 4, 4, 0, "FPCR", EL0_RW), .writable = FPCR_MASK, .read = read_fpcr, .write = write_fpcr},
    {REG(3, 3, 4, 4, 1, "FPSR", EL0_RW), .writable = FPSR_MASK, .read = read_fpsr, .write = write_fpsr},
    RAZ_WI(3, 0, 5, 1, 0, "AFSR0_EL1", EL1_RW),
    RAZ_WI(3, 0, 5, 1, 1, "AFSR1_EL1", EL1_RW),
    {REG(3, 0, 5, 2, 0, "ESR_EL1", EL1_RW), OFFSET(sys.esr), UINT32_MAX},
    {REG(3, 0, 6, 0, 0, "FAR_EL1", EL1_RW), OFFSET(sys.far), ALL},
    {REG(3, 0, 7, 4, 0, "PAR_EL1", EL1_RW), OFFSET(sys.par), ALL},
    {REG(3, 0, 10, 2, 0, "MAIR_EL1", EL1_RW), OFFSET(sys.mair), ALL, .write = write_translation},
    RAZ_WI(3, 0, 10, 3, 0, "AMAIR_EL1", EL1_RW),
    {REG(3, 0, 12, 0, 0, "VBAR_EL1", EL1_RW), OFFSET(sys.vbar), ~UINT64_C(0x7ff)},
    {REG(3, 0, 12, 1, 0, "ISR_EL1", EL1_READ), .read = read_isr},
    {REG(3, 0, 13, 0, 1, "CONTEXTIDR_EL1", EL1_RW), OFFSET(sys.contextidr), UINT32_MAX},
    {REG(3, 0, 13, 0, 4, "TPIDR_EL1", EL1_RW), OFFSET(sys.tpidr_el1), ALL},
    {REG(3, 0, 13, 0, 7, "SCXTNUM_EL1", EL1_RW), OFFSET(sys.scxtnum_el1), ALL},
    {REG(3, 3, 13, 0, 2, "TPIDR_EL0", EL0_RW), OFFSET(sys.tpidr_el0), ALL},
    {REG(3, 3, 13, 0, 3, "TPIDRRO_EL0", EL1_RW | EL0_READ), OFFSET(sys.tpidrro_el0), ALL},
    {REG(3, 3, 13, 0, 7, "SCXTNUM_EL0", EL0_RW), OFFSET(sys.scxtnum_el0), ALL, .gate = gate_tscxt},
    {REG(3, 2, 0, 0, 0, "CSSELR_EL1", EL1_RW), OFFSET(sys.csselr), 0xf},

    {REG(3, 0, 14, 1, 0, "CNTKCTL_EL1", EL1_RW), OFFSET(sys.cntkctl), 0x3ff},
    {REG(3, 3, 14, 0, 0, "CNTFRQ_EL0", EL1_READ | EL0_READ), .fixed = 62500000, .gate = gate_frequency},
    {REG(3, 3, 14, 0, 1, "CNTPCT_EL0", EL1_READ | EL0_READ), .read = read_counter, .gate = gate_counter},
    {REG(3, 3, 14, 0, 2, "CNTVCT_EL0", EL1_READ | EL0_READ), .read = read_counter, .gate = gate_counter},
    {REG(3, 3, 14, 2, 0, "CNTP_TVAL_EL0", EL0_RW), .writable = UINT32_MAX, .read = read_tval,
        .write = write_tval, .gate = gate_timer},
    {REG(3, 3, 14, 2, 1, "CNTP_CTL_EL0", EL0_RW), .writable = 3, .read = read_ctl, .write = write_ctl,
        .gate = gate_timer},
    {REG(3, 3, 14, 2, 2, "CNTP_CVAL_EL0", EL0_RW), .writable = ALL, .read = read_cval, .write = write_cval,
        .gate = gate_timer},
    {REG(3, 3, 14, 3, 0, "CNTV_TVAL_EL0", EL0_RW), .writable = UINT32_MAX, .read = read_tval,
        .write = write_tval, .gate = gate_timer},
    {REG(3, 3, 14, 3, 1, "CNTV_CTL_EL0", EL0_RW), .writable = 3, .read = read_ctl, .write = write_ctl,
        .gate = gate_timer},
    {REG(3, 3, 14, 3, 2, "CNTV_CVAL_EL0", EL0_RW), .writable = ALL, .read = read_cval, .write = write_cval,
        .gate = gate_timer},

    /* Debug. The communications channel and external debug are not there: its registers read as zero. */
    {REG(2, 0, 0, 2, 2, "MDSCR_EL1", EL1_RW), OFFSET(sys.mdscr), MDSCR_BITS, .write = write_watch},
    {REG(2, 0, 0, 2, 0, "MDCCINT_EL1", EL1_RW), OFFSET(sys.mdccint), 0x60000000},
    {REG(2, 0, 1, 0, 4, "OSLAR_EL1", EL1_WRITE), .writable = 1, .write = write_oslar},
    {REG(2, 0, 1, 1, 4, "OSLSR_EL1", EL1_READ), OFFSET(sys.oslsr), .reset = 0xa}, /* locked */
    {REG(2, 0, 1, 3, 4, "OSDLR_EL1", EL1_RW), OFFSET(sys.osdlr), 1, .write = write_debug},
    RAZ_WI(2, 0, 1, 4, 4, "DBGPRCR_EL1", EL1_RW),
    RAZ_WI(2, 0, 1, 0, 0, "MDRAR_EL1", EL1_READ),
    RAZ_WI(2, 0, 0, 0, 2, "OSDTRRX_EL1", EL1_RW),
    RAZ_WI(2, 0, 0, 3, 2, "OSDTRTX_EL1", EL1_RW),
    RAZ_WI(2, 0, 0, 6, 2, "OSECCR_EL1", EL1_RW),
    {REG(2, 0, 7, 8, 6, "DBGCLAIMSET_EL1", EL1_RW), .writable = 0xff, .read = read_claimset,
        .write = write_claimset},
    {REG(2, 0, 7, 9, 6, "DBGCLAIMCLR_EL1", EL1_RW), .writable = 0xff, .read = read_claimclr,
        .write = write_claimclr},
    RAZ_WI(2, 0, 7, 14, 6, "DBGAUTHSTATUS_EL1", EL1_READ),
    {REG(2, 3, 0, 1, 0, "MDCCSR_EL0", EL1_READ | EL0_READ), .gate = gate_tdcc},
    {REG(2, 3, 0, 4, 0, "DBGDTR_EL0", EL0_RW), .gate = gate_tdcc},
    {REG(2, 3, 0, 5, 0, "DBGDTRRX_EL0", EL0_RW), .gate = gate_tdcc}, /* DBGDTRTX_EL0 when written */
    BREAKPOINT(0),
    BREAKPOINT(1),
    WATCHPOINT(0),
    WATCHPOINT(1),
};

enum { TABLE_COUNT = sizeof table / sizeof table[0] };
_Static_assert(TABLE_COUNT < 200, "places[] has bytes");

/* By key, one more than the place: in sysreg_id[], and then in table[]. */
static uint8_t places[1 << 16];

static void fill_places(void) {
    for (unsigned i = 0; i < sysreg_id_count; i++)
        places[sysreg_id[i].key] = (uint8_t)(1 + i);
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        places[table[i].key] = (uint8_t)(1 + sysreg_id_count + i);
}

void sysreg_init(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_places);
}

/* The ID space that no register was given yet, and that of AArch32: reads as zero (D17.3.1). */
static bool in_id_space(uint32_t key) {
    return (key & ~UINT32_C(0x7f)) == ENGINE_SYSREG(3, 0, 0, 0, 0) && (key >> 3 & 15) >= 1 &&
           (key >> 3 & 15) <= 7;
}

const struct sysreg *sysreg_find(uint32_t key) {
    static const struct sysreg id_space = {.name = "ID register", .access = EL1_READ};
    unsigned place = places[key & 0xffff];
    if (place)
        return place <= sysreg_id_count ? &sysreg_id[place - 1] : &table[place - 1 - sysreg_id_count];
    return in_id_space(key) ? &id_space : NULL;
}

void sysreg_reset(struct cpu *cpu) {
    for (unsigned i = 0; i < TABLE_COUNT; i++)
        if (table[i].offset)
            *storage(cpu, &table[i]) = table[i].fixed | table[i].reset;
    cpu->sys.claim = 0;
}

/* ICC_*_EL1 (GICv3, 12.1): the interrupt controller's. */
static bool is_gic(uint32_t key) {
    uint32_t crm = key >> 3 & 15;
    return key == ENGINE_SYSREG(3, 0, 4, 6, 0) ||
           ((key & ~UINT32_C(0x7f)) == ENGINE_SYSREG(3, 0, 12, 0, 0) && crm >= 8);
}

static _Noreturn void unknown(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, const char *verb) {
    if (is_gic(key)) /* known, but not here */
        cpu_raise_undefined(cpu, insn);
    log_guest("vCPU %u: %s of unknown system register S%u_%u_C%u_C%u_%u at 0x%llx, EL%u", cpu->index, verb,
        key >> 14, key >> 11 & 7, key >> 7 & 15, key >> 3 & 15, key & 7, (unsigned long long)cpu->pc,
        cpu->el);
    cpu_raise_undefined(cpu, insn);
}

/* Raises unless this access is allowed here. */
static void check_access(struct cpu *cpu, const struct a64_insn *insn, const struct sysreg *reg, bool read) {
    unsigned needed = read ? EL1_READ : EL1_WRITE;
    if (cpu->el == 0)
        needed = read ? EL0_READ : EL0_WRITE;
    if (!(reg->access & needed))
        cpu_raise_undefined(cpu, insn);
    if (cpu->el == 0 && reg->gate && !reg->gate(cpu, reg))
        cpu_raise(cpu, EC_SYSREG, sysreg_iss(reg->key, insn->word & 31, read), false);
    if (reg->offset == OFFSET(sp_bank[0]) && !cpu->spsel) /* SP_EL0, by its own name only from EL1h */
        cpu_raise_undefined(cpu, insn);
}

uint64_t cpu_sysreg_read(struct cpu *cpu, const struct a64_insn *insn, uint32_t key) {
    const struct sysreg *reg = sysreg_find(key);
    if (reg) {
        check_access(cpu, insn, reg, true);
        if (reg->read)
            return reg->read(cpu, reg);
        return reg->offset ? *storage(cpu, reg) : reg->fixed;
    }
    uint64_t value;
    const struct engine_machine *machine = cpu->vm->machine;
    if (cpu->el && is_gic(key)) {
        cpu->stats.exits_sysreg++;
        if (machine->sysreg_read(machine->ctx, cpu->index, key, &value))
            return value;
    }
    unknown(cpu, insn, key, "read");
}

void cpu_sysreg_write(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value) {
    const struct sysreg *reg = sysreg_find(key);
    if (reg) {
        check_access(cpu, insn, reg, false);
        value = (value & reg->writable) | reg->fixed;
        if (reg->write)
            reg->write(cpu, reg, value);
        else if (reg->offset)
            *storage(cpu, reg) = value;
        return;
    }
    const struct engine_machine *machine = cpu->vm->machine;
    if (cpu->el && is_gic(key)) {
        cpu->stats.exits_sysreg++;
        if (machine->sysreg_write(machine->ctx, cpu->index, key, value))
            return;
    }
    unknown(cpu, insn, key, "write");
}
