/* System registers and instructions: who may use them, what they hold, what traps, against the ARM ARM (D17).
 */
#include "soft_fixture.h"

#include "cpu/soft/sysreg.h"
#include "host/clock.h"

#define REG(op0, op1, crn, crm, op2) ENGINE_SYSREG(op0, op1, crn, crm, op2)

enum { EL0T = 0, EL1H = 5 };

static struct a64_insn insn = {.op = 1, .word = 7}; /* Rt is X7 */

static struct cpu *start(void **state, unsigned mode) {
    struct cpu *cpu = ((struct soft_fixture *)*state)->cpu;
    cpu_set_pstate(cpu, mode);
    cpu->sys.esr = 0;
    return cpu;
}

static uint64_t mrs(struct cpu *cpu, uint32_t key) {
    return cpu_sysreg_read(cpu, &insn, key);
}
static void msr(struct cpu *cpu, uint32_t key, uint64_t value) {
    cpu_sysreg_write(cpu, &insn, key, value);
}

/* ISS of EC 0x18, spelled out again from D17.2.37. */
static uint32_t trap_iss(
    unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2, unsigned rt, bool read) {
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | rt << 5 | crm << 1 | read;
}

static bool undefined(struct cpu *cpu, uint32_t key, bool read) {
    return RAISES(cpu, read ? mrs(cpu, key) : (msr(cpu, key, 0), 0)) && cpu->sys.esr == UINT64_C(1) << 25;
}

static void test_unknown(void **state) {
    struct cpu *cpu = start(state, EL1H);
    assert_true(
        undefined(cpu, REG(3, 3, 9, 12, 0), true)); /* PMCR_EL0: ID_AA64DFR0_EL1 says there is no PMU */
    assert_true(undefined(cpu, REG(3, 4, 1, 0, 0), true));  /* SCTLR_EL2 */
    assert_true(undefined(cpu, REG(3, 0, 1, 2, 0), false)); /* ZCR_EL1 */
    assert_true(undefined(cpu, REG(3, 0, 0, 0, 0), false)); /* MIDR_EL1 is read-only */
    assert_true(undefined(cpu, REG(2, 0, 1, 0, 4), true));  /* OSLAR_EL1 is write-only */
    assert_true(undefined(cpu, REG(3, 0, 0, 0, 1), true));  /* next to MIDR_EL1: not in the RAZ space */
    assert_true(undefined(cpu, REG(2, 0, 0, 2, 4), true));  /* a third breakpoint */
    assert_true(undefined(cpu, REG(3, 3, 2, 4, 0), true));  /* RNDR */
}

static void test_el0(void **state) {
    static const uint32_t el1_only[] = {
        REG(3, 0, 0, 0, 0), REG(3, 0, 0, 4, 0), REG(3, 0, 1, 0, 0), REG(3, 0, 12, 0, 0), REG(3, 0, 4, 2, 2)};
    for (unsigned i = 0; i < sizeof el1_only / sizeof el1_only[0]; i++)
        assert_true(undefined(start(state, EL0T), el1_only[i], true));
    struct cpu *cpu = start(state, EL0T);
    msr(cpu, REG(3, 3, 13, 0, 2), 0x1234); /* TPIDR_EL0 */
    assert_int_equal(mrs(cpu, REG(3, 3, 13, 0, 2)), 0x1234);
    assert_int_equal(mrs(cpu, REG(3, 3, 13, 0, 3)), 0); /* TPIDRRO_EL0 */
    assert_true(undefined(cpu, REG(3, 3, 13, 0, 3), false));
    assert_true(undefined(start(state, EL0T), REG(3, 0, 4, 6, 0), true)); /* ICC_PMR_EL1 */
}

/* Registers that a control bit opens for EL0: closed, then open. */
static void test_el0_traps(void **state) {
    static const struct {
        unsigned op0, op1, crn, crm, op2;
        size_t control;
        uint64_t closed, open;
    } cases[] = {
        {3, 3, 0, 0, 1, offsetof(struct cpu, sys.sctlr), 0, 1 << 15},  /* CTR_EL0: UCT */
        {3, 3, 4, 2, 1, offsetof(struct cpu, sys.sctlr), 0, 1 << 9},   /* DAIF: UMA */
        {3, 3, 13, 0, 7, offsetof(struct cpu, sys.sctlr), 1 << 20, 0}, /* SCXTNUM_EL0: TSCXT */
        {3, 3, 14, 0, 0, offsetof(struct cpu, sys.cntkctl), 0x300, 1}, /* CNTFRQ_EL0: either counter */
        {3, 3, 14, 0, 0, offsetof(struct cpu, sys.cntkctl), 0x300, 2},
        {3, 3, 14, 0, 1, offsetof(struct cpu, sys.cntkctl), 0x302, 1},     /* CNTPCT_EL0: EL0PCTEN */
        {3, 3, 14, 0, 2, offsetof(struct cpu, sys.cntkctl), 0x301, 2},     /* CNTVCT_EL0: EL0VCTEN */
        {3, 3, 14, 2, 1, offsetof(struct cpu, sys.cntkctl), 0x103, 0x200}, /* CNTP_CTL_EL0: EL0PTEN */
        {3, 3, 14, 3, 2, offsetof(struct cpu, sys.cntkctl), 0x203, 0x100}, /* CNTV_CVAL_EL0: EL0VTEN */
        {2, 3, 0, 1, 0, offsetof(struct cpu, sys.mdscr), 1 << 12, 0},      /* MDCCSR_EL0: TDCC */
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t key = REG(cases[i].op0, cases[i].op1, cases[i].crn, cases[i].crm, cases[i].op2);
        struct cpu *cpu = start(state, EL0T);
        uint64_t *control = (uint64_t *)((char *)cpu + cases[i].control);
        *control = cases[i].closed;
        assert_true(RAISES(cpu, mrs(cpu, key)));
        assert_int_equal(EC_OF(cpu), 0x18);
        assert_int_equal(ISS_OF(cpu),
            trap_iss(cases[i].op0, cases[i].op1, cases[i].crn, cases[i].crm, cases[i].op2, 7, true));
        mrs(cpu, key); /* EL1, where the exception led, may */
        start(state, EL0T);
        *control = cases[i].open;
        assert_false(RAISES(cpu, mrs(cpu, key)));
    }
}

static void test_el0_instructions(void **state) {
    static const struct {
        uint32_t key;
        unsigned op1, crm, op2, bit;
    } cases[] = {
        {REG(1, 3, 7, 4, 1), 3, 4, 1, 14},   /* DC ZVA: DZE */
        {REG(1, 3, 7, 5, 1), 3, 5, 1, 26},   /* IC IVAU: UCI */
        {REG(1, 3, 7, 10, 1), 3, 10, 1, 26}, /* DC CVAC */
        {REG(1, 3, 7, 11, 1), 3, 11, 1, 26}, /* DC CVAU */
        {REG(1, 3, 7, 12, 1), 3, 12, 1, 26}, /* DC CVAP */
        {REG(1, 3, 7, 14, 1), 3, 14, 1, 26}, /* DC CIVAC */
    };
    for (volatile unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct cpu *cpu = start(state, EL0T);
        cpu->sys.sctlr = 0;
        assert_true(RAISES(cpu, cpu_sys_insn(cpu, &insn, cases[i].key, RAM_GPA)));
        assert_int_equal(EC_OF(cpu), 0x18);
        assert_int_equal(ISS_OF(cpu), trap_iss(1, 3, 7, cases[i].crm, cases[i].op2, 7, false));
        start(state, EL0T);
        cpu->sys.sctlr = UINT64_C(1) << cases[i].bit;
        if (i > 0) /* zeroing Device memory, as all is with the MMU off, is an alignment fault */
            assert_false(RAISES(cpu, cpu_sys_insn(cpu, &insn, cases[i].key, RAM_GPA)));
        /* What does not translate raises; maintenance says so in CM, and counts as a write. */
        start(state, EL0T);
        assert_true(RAISES(cpu, cpu_sys_insn(cpu, &insn, cases[i].key, UINT64_C(1) << 50)));
        assert_int_equal(EC_OF(cpu), EC_DATA_ABORT);
        assert_int_equal(ISS_OF(cpu), 1 << 6 | (i > 0 ? 1 << 8 : 0));
    }
    struct cpu *cpu = start(state, EL0T);
    assert_true(RAISES(cpu, cpu_sys_insn(cpu, &insn, REG(1, 0, 8, 7, 0), 0))); /* TLBI VMALLE1 */
    assert_int_equal(cpu->sys.esr, 1 << 25);
    start(state, EL0T);
    assert_true(RAISES(cpu, cpu_sys_insn(cpu, &insn, REG(1, 0, 7, 5, 0), 0))); /* IC IALLU */
    start(state, EL1H);
    assert_true(RAISES(cpu, cpu_sys_insn(cpu, &insn, REG(1, 4, 8, 7, 0), 0))); /* TLBI ALLE2: no EL2 */
}

static unsigned field(uint64_t value, unsigned low) {
    return value >> low & 0xf;
}

static void test_identification(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    assert_int_equal(mrs(cpu, REG(3, 0, 0, 0, 0)) >> 24, 0);           /* MIDR: implementer: software */
    assert_int_equal(field(mrs(cpu, REG(3, 0, 0, 0, 0)), 16), 0xf);    /* architecture: see ID registers */
    assert_int_equal(mrs(cpu, REG(3, 0, 0, 0, 5)), UINT64_C(1) << 31); /* MPIDR of 2 vCPUs */
    assert_int_equal(mrs(f->other, REG(3, 0, 0, 0, 5)), UINT64_C(1) << 31 | 1);
    uint64_t pfr0 = mrs(cpu, REG(3, 0, 0, 4, 0));
    assert_int_equal(pfr0 & 0xffff, 0x0011); /* EL0 and EL1 in AArch64, no EL2, no EL3 */
    assert_int_equal(field(pfr0, 32), 0);    /* no SVE */
    uint64_t dfr0 = mrs(cpu, REG(3, 0, 0, 5, 0));
    assert_int_equal(field(dfr0, 8), 0); /* no PMU */
    assert_true(field(dfr0, 12) >= 1);   /* the architecture wants two breakpoints at least */
    uint64_t mmfr0 = mrs(cpu, REG(3, 0, 0, 7, 0));
    assert_int_equal(field(mmfr0, 4), 2);  /* 16-bit ASIDs */
    assert_int_equal(field(mmfr0, 20), 1); /* granules: 16, */
    assert_int_equal(field(mmfr0, 24), 0); /* 64, */
    assert_int_equal(field(mmfr0, 28), 0); /* and 4 KiB */
    assert_int_equal(field(mmfr0, 8), 0);  /* little-endian only: SCTLR_EL1.EE and E0E are RES0 */
    msr(cpu, REG(3, 0, 1, 0, 0), UINT64_C(3) << 24);
    assert_int_equal(mrs(cpu, REG(3, 0, 1, 0, 0)) & UINT64_C(3) << 24, 0);
    assert_int_equal(field(mrs(cpu, REG(3, 0, 0, 7, 1)), 0), 2); /* access flag and dirty state */
    /* The rest of the space, AArch32's among it, is zero. */
    for (unsigned crm = 1; crm <= 3; crm++)
        for (unsigned op2 = 0; op2 < 8; op2++)
            assert_int_equal(mrs(cpu, REG(3, 0, 0, crm, op2)), 0);
    assert_int_equal(mrs(cpu, REG(3, 0, 0, 4, 4)), 0); /* ID_AA64ZFR0_EL1 */
    assert_int_equal(mrs(cpu, REG(3, 0, 0, 7, 7)), 0);
}

static void test_caches(void **state) {
    struct cpu *cpu = start(state, EL1H);
    uint64_t ctr = mrs(cpu, REG(3, 3, 0, 0, 1));
    assert_int_equal(field(ctr, 0), 10); /* lines of 2^10 words: what IC IVAU invalidates */
    assert_int_equal(field(ctr, 16), 4); /* of data, 2^4 */
    assert_int_equal(ctr >> 28 & 3, 1);  /* IDC, not DIC */
    assert_int_equal(ctr >> 14 & 3, 3);  /* PIPT */
    msr(cpu, REG(3, 2, 0, 0, 0), 2);     /* CSSELR_EL1: level 2 */
    uint64_t ccsidr = mrs(cpu, REG(3, 1, 0, 0, 0));
    uint64_t size = ((ccsidr >> 13 & 0x7fff) + 1) * ((ccsidr >> 3 & 0x3ff) + 1) * (16u << (ccsidr & 7));
    assert_int_equal(size, 1 << 20);
    cpu->sys.sctlr = 1 << 14;
    assert_int_equal(mrs(cpu, REG(3, 3, 0, 0, 7)), 4);
    start(state, EL0T);
    assert_int_equal(mrs(cpu, REG(3, 3, 0, 0, 7)), 4);
    cpu->sys.sctlr = 0; /* EL0 is told that DC ZVA is prohibited */
    assert_int_equal(mrs(cpu, REG(3, 3, 0, 0, 7)), 0x14);
}

static void test_pstate_registers(void **state) {
    struct cpu *cpu = start(state, EL1H);
    assert_int_equal(mrs(cpu, REG(3, 0, 4, 2, 2)), 4); /* CurrentEL */
    assert_int_equal(mrs(cpu, REG(3, 0, 4, 2, 0)), 1); /* SPSel */
    msr(cpu, REG(3, 3, 4, 2, 0), UINT64_MAX);          /* NZCV */
    assert_int_equal(cpu->nzcv, 15);
    assert_int_equal(mrs(cpu, REG(3, 3, 4, 2, 0)), 0xf0000000);
    msr(cpu, REG(3, 3, 4, 2, 1), 0x280);
    assert_int_equal(cpu->daif, DAIF_D | DAIF_I);
    msr(cpu, REG(3, 0, 4, 2, 3), 1 << 22); /* PAN */
    assert_int_equal(cpu->mmu_index, MMU_EL1_PAN);
    assert_int_equal(mrs(cpu, REG(3, 0, 4, 2, 3)), 1 << 22);
    msr(cpu, REG(3, 3, 4, 2, 6), 1 << 12); /* SSBS */
    assert_true(cpu->ssbs);
    /* SP_EL0 by name is for EL1h alone. */
    msr(cpu, REG(3, 0, 4, 1, 0), 0x4000);
    msr(cpu, REG(3, 0, 4, 2, 0), 0);
    assert_int_equal(cpu->x[REG_SP], 0x4000);
    assert_true(undefined(cpu, REG(3, 0, 4, 1, 0), true));
}

static void test_fp_registers(void **state) {
    struct cpu *cpu = start(state, EL1H);
    cpu->sys.cpacr = 0;
    assert_true(RAISES(cpu, mrs(cpu, REG(3, 3, 4, 4, 0))));
    assert_int_equal(EC_OF(cpu), 7);
    msr(cpu, REG(3, 0, 1, 0, 2), UINT64_MAX); /* CPACR_EL1: only FPEN is there */
    assert_int_equal(mrs(cpu, REG(3, 0, 1, 0, 2)), 3 << 20);
    msr(cpu, REG(3, 3, 4, 4, 0), UINT64_MAX); /* FPCR: AHP DN FZ RMode FZ16 */
    assert_int_equal(mrs(cpu, REG(3, 3, 4, 4, 0)), 0x07c80000);
    msr(cpu, REG(3, 3, 4, 4, 1), UINT64_MAX); /* FPSR: QC IDC IXC UFC OFC DZC IOC */
    assert_int_equal(mrs(cpu, REG(3, 3, 4, 4, 1)), 0x0800009f);
    cpu->sys.cpacr = 1 << 20; /* EL1 only */
    mrs(cpu, REG(3, 3, 4, 4, 0));
    start(state, EL0T);
    assert_true(RAISES(cpu, mrs(cpu, REG(3, 3, 4, 4, 0))));
}

static void test_reserved_bits(void **state) {
    struct cpu *cpu = start(state, EL1H);
    msr(cpu, REG(3, 0, 12, 0, 0), UINT64_MAX); /* VBAR_EL1 */
    assert_int_equal(mrs(cpu, REG(3, 0, 12, 0, 0)), ~UINT64_C(0x7ff));
    msr(cpu, REG(3, 0, 2, 0, 2), UINT64_MAX); /* TCR_EL1: bits 6 and 35 are RES0 */
    assert_int_equal(mrs(cpu, REG(3, 0, 2, 0, 2)) & (UINT64_C(1) << 35 | 1 << 6), 0);
    msr(cpu, REG(3, 0, 2, 0, 2), 0);
    /* SCTLR_EL1: nTLSMD, LSMAOE, EIS, EOS, SED, ITD are RES1. */
    msr(cpu, REG(3, 0, 1, 0, 0), 0);
    assert_int_equal(mrs(cpu, REG(3, 0, 1, 0, 0)), 1 << 29 | 1 << 28 | 1 << 22 | 1 << 11 | 1 << 8 | 1 << 7);
    msr(cpu, REG(3, 0, 4, 0, 0), UINT64_MAX); /* SPSR_EL1 without DIT, TCO, BTYPE and AArch32's */
    assert_int_equal(mrs(cpu, REG(3, 0, 4, 0, 0)), 0xf0f013df);
}

static void test_debug_registers(void **state) {
    struct cpu *cpu = start(state, EL1H);
    assert_int_equal(mrs(cpu, REG(2, 0, 1, 1, 4)), 0xa); /* OSLSR_EL1: locked after reset */
    msr(cpu, REG(2, 0, 1, 0, 4), 0);                     /* OSLAR_EL1 */
    assert_int_equal(mrs(cpu, REG(2, 0, 1, 1, 4)), 0x8);
    msr(cpu, REG(2, 0, 7, 8, 6), 5); /* DBGCLAIMSET_EL1 */
    msr(cpu, REG(2, 0, 7, 9, 6), 1); /* DBGCLAIMCLR_EL1 */
    assert_int_equal(mrs(cpu, REG(2, 0, 7, 9, 6)), 4);
    assert_int_equal(mrs(cpu, REG(2, 0, 7, 8, 6)), 0xff);
}

static void test_gic(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    assert_int_equal(mrs(cpu, REG(3, 0, 12, 12, 0)), 1023); /* ICC_IAR1_EL1 */
    assert_int_equal(f->gic_key, REG(3, 0, 12, 12, 0));
    msr(cpu, REG(3, 0, 4, 6, 0), 0xf0); /* ICC_PMR_EL1 */
    assert_int_equal(f->gic_key, REG(3, 0, 4, 6, 0));
    assert_int_equal(f->gic_value, 0xf0);
    engine_soft.vcpu_interrupt(engine_soft.vcpu(f->vm, 0), ENGINE_IRQ, true);
    assert_int_equal(mrs(cpu, REG(3, 0, 12, 1, 0)), 1 << 7); /* ISR_EL1.I */
    engine_soft.vcpu_interrupt(engine_soft.vcpu(f->vm, 0), ENGINE_IRQ, false);
}

#define CNTV_TVAL REG(3, 3, 14, 3, 0)
#define CNTV_CTL  REG(3, 3, 14, 3, 1)
#define CNTV_CVAL REG(3, 3, 14, 3, 2)
#define CNTP_CTL  REG(3, 3, 14, 2, 1)
#define CNTP_CVAL REG(3, 3, 14, 2, 2)
#define CNTVCT    REG(3, 3, 14, 0, 2)
#define CNTFRQ    REG(3, 3, 14, 0, 0)

static void test_timer(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    uint64_t before = mrs(cpu, CNTVCT), start_ns = host_now_ns();
    while (host_now_ns() - start_ns < 10000000)
        ;
    uint64_t ticks = mrs(cpu, CNTVCT) - before, ns = host_now_ns() - start_ns;
    uint64_t expected = ns * mrs(cpu, CNTFRQ) / 1000000000;
    assert_in_range(ticks, expected * 9 / 10, expected * 11 / 10);

    /* TVAL is signed, and relative to now. */
    msr(cpu, CNTV_TVAL, 0xffffffff - 99);
    assert_in_range(mrs(cpu, CNTVCT) - mrs(cpu, CNTV_CVAL), 100, 62500000);
    assert_true((int32_t)mrs(cpu, CNTV_TVAL) < 0);
    /* ISTATUS follows the condition while enabled; the line needs IMASK clear too. */
    assert_int_equal(mrs(cpu, CNTV_CTL), 0);
    msr(cpu, CNTV_CTL, 7);
    assert_int_equal(mrs(cpu, CNTV_CTL), 7); /* written ISTATUS is ignored, but it is true */
    assert_false(f->timer_level[27]);
    msr(cpu, CNTV_CTL, 1);
    assert_int_equal(mrs(cpu, CNTV_CTL), 5);
    assert_true(f->timer_level[27]);
    msr(cpu, CNTV_CVAL, UINT64_MAX);
    assert_int_equal(mrs(cpu, CNTV_CTL), 1);
    assert_false(f->timer_level[27]);
    msr(cpu, CNTP_CVAL, 0);
    msr(cpu, CNTP_CTL, 1);
    assert_true(f->timer_level[30]);
    msr(cpu, CNTP_CTL, 0);
    assert_false(f->timer_level[30]);
}

static void test_timer_fires(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    uint64_t start_ns = host_now_ns();
    msr(cpu, CNTV_CTL, 1);
    msr(cpu, CNTV_TVAL, 62500 * 5); /* 5 ms */
    while (!atomic_load(&f->timer_level[27]))
        assert_true(host_now_ns() - start_ns < 2000000000);
    assert_true(host_now_ns() - start_ns >= 5000000);
    /* Not while the clock stands still. */
    uint64_t stopped = (engine_soft.clock_stop(f->vm), mrs(cpu, CNTVCT));
    msr(cpu, CNTV_TVAL, 62500);
    start_ns = host_now_ns();
    while (host_now_ns() - start_ns < 20000000)
        assert_false(atomic_load(&f->timer_level[27]));
    assert_int_equal(mrs(cpu, CNTVCT), stopped);
    engine_soft.clock_start(f->vm);
    assert_in_range(mrs(cpu, CNTVCT) - stopped, 0, 62500 * 15);
    while (!atomic_load(&f->timer_level[27]))
        assert_true(host_now_ns() - start_ns < 2000000000);
}

/* WFI wakes for the vCPU's own timer; here, as no interrupt controller turns the line into an interrupt,
 * once. */
static void test_wfi_timer(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    uint64_t start_ns = host_now_ns();
    msr(cpu, CNTV_CTL, 1);
    msr(cpu, CNTV_TVAL, 62500 * 3);
    shootdown_active(cpu);
    cpu_wfi(cpu);
    shootdown_quiescent(cpu);
    assert_in_range(host_now_ns() - start_ns, 3000000, 2000000000);
    assert_true(f->timer_level[27]);
}

static void test_events(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    cpu_sevl(cpu);
    assert_true(atomic_load(&cpu->event));
    assert_false(atomic_load(&f->other->event));
    cpu_wfe(cpu);
    assert_false(atomic_load(&cpu->event));
    cpu_sev(cpu);
    assert_true(atomic_load(&f->other->event));
    cpu_wfe(cpu);
    for (unsigned i = 0; i < 100; i++) /* and without an event, it comes back by itself */
        cpu_wfe(cpu);
    shootdown_quiescent(cpu);
}

static void test_address_translation(void **state) {
    struct cpu *cpu = start(state, EL1H);
    cpu_sys_insn(cpu, &insn, REG(1, 0, 7, 8, 0), RAM_GPA + 0x1234); /* AT S1E1R, MMU off */
    uint64_t par = mrs(cpu, REG(3, 0, 7, 4, 0));
    assert_int_equal(par & 1, 0);
    assert_int_equal(par & UINT64_C(0xfffffffff000), RAM_GPA + 0x1000);
    assert_int_equal(par >> 56, 0);    /* Device-nGnRnE */
    assert_int_equal(par >> 7 & 3, 2); /* outer shareable, as all Device memory */
    cpu_sys_insn(cpu, &insn, REG(1, 0, 7, 8, 2), UINT64_C(1) << 49); /* AT S1E0R */
    assert_int_equal(mrs(cpu, REG(3, 0, 7, 4, 0)) & 0x7f, 1 | FSC_ADDRESS_SIZE << 1);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_unknown),
        TEST(test_el0),
        TEST(test_el0_traps),
        TEST(test_el0_instructions),
        TEST(test_identification),
        TEST(test_caches),
        TEST(test_pstate_registers),
        TEST(test_fp_registers),
        TEST(test_reserved_bits),
        TEST(test_debug_registers),
        TEST(test_gic),
        TEST(test_timer),
        TEST(test_timer_fires),
        TEST(test_wfi_timer),
        TEST(test_events),
        TEST(test_address_translation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
