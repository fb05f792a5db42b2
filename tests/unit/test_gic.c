/* The GIC as IHI 0069 describes it, seen from a guest: through its registers and the lines to the vCPUs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board/gic.h"
#include "fake_engine.h"

enum { CPUS = 4 };

/* Register addresses and encodings as the specification gives them. */
enum {
    GICD_CTLR = 0,
    GICD_TYPER = 4,
    GICD_IGROUPR = 0x80,
    GICD_ISENABLER = 0x100,
    GICD_ICENABLER = 0x180,
    GICD_ISPENDR = 0x200,
    GICD_ICPENDR = 0x280,
    GICD_ISACTIVER = 0x300,
    GICD_ICACTIVER = 0x380,
    GICD_IPRIORITYR = 0x400,
    GICD_ICFGR = 0xc00,
    GICD_IROUTER = 0x6000,
    GICD_PIDR2 = 0xffe8,
    GICR_TYPER = 8,
    GICR_WAKER = 0x14,
    GICR_SGI = 0x10000,
    GICR_STRIDE = 0x20000,
};

#define S(crn, crm, op2) ENGINE_SYSREG(3, 0, crn, crm, op2)
enum {
    PMR = S(4, 6, 0),
    IAR0 = S(12, 8, 0),
    EOIR0 = S(12, 8, 1),
    HPPIR0 = S(12, 8, 2),
    BPR0 = S(12, 8, 3),
    AP0R0 = S(12, 8, 4),
    AP1R0 = S(12, 9, 0),
    AP1R1 = S(12, 9, 1),
    DIR = S(12, 11, 1),
    RPR = S(12, 11, 3),
    SGI1R = S(12, 11, 5),
    ASGI1R = S(12, 11, 6),
    SGI0R = S(12, 11, 7),
    IAR1 = S(12, 12, 0),
    EOIR1 = S(12, 12, 1),
    HPPIR1 = S(12, 12, 2),
    BPR1 = S(12, 12, 3),
    CTLR = S(12, 12, 4),
    SRE = S(12, 12, 5),
    IGRPEN0 = S(12, 12, 6),
    IGRPEN1 = S(12, 12, 7),
};

enum { SPURIOUS = 1023, VTIMER = 27 };

static struct gic *gic;

static uint64_t dist(uint64_t offset) {
    return gic_dist_ops.read(gic, offset, 4);
}

static void set_dist(uint64_t offset, uint64_t value) {
    gic_dist_ops.write(gic, offset, 4, value);
}

static uint64_t redist(unsigned cpu, uint64_t offset) {
    return gic_redist_ops.read(gic, cpu * GICR_STRIDE + offset, 4);
}

static void set_redist(unsigned cpu, uint64_t offset, uint64_t value) {
    gic_redist_ops.write(gic, cpu * GICR_STRIDE + offset, 4, value);
}

static uint64_t icc(unsigned cpu, uint32_t reg) {
    uint64_t value = ~0ull;
    assert_true(gic_sysreg_read(gic, cpu, reg, &value));
    return value;
}

static void set_icc(unsigned cpu, uint32_t reg, uint64_t value) {
    assert_true(gic_sysreg_write(gic, cpu, reg, value));
}

static bool irq(unsigned cpu) {
    return fake_vm.cpu[cpu].line[ENGINE_IRQ];
}

static bool fiq(unsigned cpu) {
    return fake_vm.cpu[cpu].line[ENGINE_FIQ];
}

static void spi_level(unsigned intid, bool level) {
    struct irq_line line = gic_spi_line(gic, intid - 32);
    irq_set(&line, level);
}

static void set_priority(unsigned intid, uint8_t priority) {
    if (intid >= 32)
        gic_dist_ops.write(gic, GICD_IPRIORITYR + intid, 1, priority);
    for (unsigned cpu = 0; intid < 32 && cpu < CPUS; cpu++)
        gic_redist_ops.write(gic, cpu * GICR_STRIDE + GICR_SGI + GICD_IPRIORITYR + intid, 1, priority);
}

static void set_edge(unsigned intid) {
    uint64_t offset = GICD_ICFGR + intid / 16 * 4;
    set_dist(offset, dist(offset) | 2u << intid % 16 * 2);
}

static void route(unsigned intid, uint64_t affinity) {
    gic_dist_ops.write(gic, GICD_IROUTER + 8 * intid, 8, affinity);
}

static void enable(unsigned intid) {
    set_dist(GICD_ISENABLER + intid / 32 * 4, 1u << intid % 32);
}

/* As Linux sets it up: all in group 1 with priority 0xa0, PPIs and SGIs enabled, everything unmasked. */
static int setup(void **state) {
    (void)state;
    fake_reset();
    gic = gic_create(&fake_engine, &fake_vm, CPUS);
    set_dist(GICD_CTLR, 0x13);
    for (unsigned i = 1; i <= 8; i++)
        set_dist(GICD_IGROUPR + 4 * i, ~0u);
    for (unsigned i = 32; i < 288; i++)
        set_priority(i, 0xa0);
    for (unsigned i = 0; i < 32; i++)
        set_priority(i, 0xa0);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        set_redist(cpu, GICR_WAKER, 0);
        set_redist(cpu, GICR_SGI + GICD_IGROUPR, ~0u);
        set_redist(cpu, GICR_SGI + GICD_ISENABLER, ~0u);
        set_icc(cpu, PMR, 0xf0);
        set_icc(cpu, IGRPEN1, 1);
    }
    return 0;
}

static int setup_cold(void **state) {
    (void)state;
    fake_reset();
    gic = gic_create(&fake_engine, &fake_vm, CPUS);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    gic_destroy(gic);
    return 0;
}

static void identifies_itself(void **state) {
    (void)state;
    assert_int_equal(dist(GICD_PIDR2) >> 4 & 15, 3); /* GICv3 */
    assert_int_equal(redist(0, GICD_PIDR2) >> 4 & 15, 3);
    assert_int_equal(32 * ((dist(GICD_TYPER) & 31) + 1), 32 + GIC_SPIS);
    assert_int_equal(dist(GICD_TYPER) >> 17 & 1, 0); /* no LPIs */
    assert_int_equal(dist(GICD_CTLR), 0x50);         /* DS and ARE read as one, groups off */
    set_dist(GICD_CTLR, 0);
    assert_int_equal(dist(GICD_CTLR), 0x50);
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        uint64_t typer = gic_redist_ops.read(gic, cpu * GICR_STRIDE + GICR_TYPER, 8);
        assert_int_equal(typer >> 32, cpu);
        assert_int_equal(typer >> 8 & 0xffff, cpu);
        assert_int_equal(typer >> 4 & 1, cpu == CPUS - 1); /* Last */
        assert_int_equal(typer & 1, 0);                    /* PLPIS */
        assert_int_equal(redist(cpu, GICR_WAKER), 6);
        set_redist(cpu, GICR_WAKER, 0);
        assert_int_equal(redist(cpu, GICR_WAKER), 0);
    }
    assert_int_equal(icc(0, SRE), 7);
    assert_int_equal(icc(0, CTLR) >> 8 & 7, 4); /* five priority bits */
    assert_int_equal(icc(0, RPR), 0xff);
    assert_int_equal(icc(0, BPR0), 2);
    assert_int_equal(icc(0, BPR1), 3);
}

static void level_interrupt_lives_with_its_line(void **state) {
    (void)state;
    enable(33);
    assert_false(irq(0));
    spi_level(33, true);
    assert_true(irq(0));
    assert_int_equal(dist(GICD_ISPENDR + 4), 2);
    spi_level(33, false);
    assert_false(irq(0));
    assert_int_equal(icc(0, IAR1), SPURIOUS);

    spi_level(33, true);
    assert_int_equal(icc(0, HPPIR1), 33);
    assert_int_equal(icc(0, IAR1), 33);
    assert_false(irq(0));
    assert_int_equal(icc(0, RPR), 0xa0);
    assert_int_equal(dist(GICD_ISACTIVER + 4), 2);
    assert_int_equal(dist(GICD_ISPENDR + 4), 2); /* active and pending */
    assert_int_equal(icc(0, IAR1), SPURIOUS);
    set_icc(0, EOIR1, 33);
    assert_int_equal(icc(0, RPR), 0xff);
    assert_true(irq(0)); /* the line is still high: again */
    assert_int_equal(icc(0, IAR1), 33);
    spi_level(33, false);
    set_icc(0, EOIR1, 33);
    assert_false(irq(0));
    assert_int_equal(dist(GICD_ISACTIVER + 4), 0);
}

static void edge_interrupt_is_latched(void **state) {
    (void)state;
    enable(40);
    set_edge(40);
    spi_level(40, true);
    spi_level(40, false);
    assert_true(irq(0));
    assert_int_equal(icc(0, IAR1), 40);
    assert_int_equal(dist(GICD_ISPENDR + 4), 0);
    spi_level(40, true); /* a second edge while active */
    assert_false(irq(0));
    assert_int_equal(dist(GICD_ISPENDR + 4), 1 << 8);
    set_icc(0, EOIR1, 40);
    assert_true(irq(0));
    assert_int_equal(icc(0, IAR1), 40);
    set_icc(0, EOIR1, 40); /* the line is high, but there was no edge */
    assert_false(irq(0));
}

static void pending_can_be_set_and_cleared_by_software(void **state) {
    (void)state;
    enable(50);
    set_dist(GICD_ISPENDR + 4, 1 << 18);
    assert_true(irq(0));
    set_dist(GICD_ICPENDR + 4, 1 << 18);
    assert_false(irq(0));
    set_dist(GICD_ISPENDR + 4, 1 << 18);
    assert_int_equal(icc(0, IAR1), 50);
    set_icc(0, EOIR1, 50);
    assert_false(irq(0)); /* acknowledging took the latch, the line is low */
    spi_level(50, true);
    set_dist(GICD_ICPENDR + 4, 1 << 18);
    assert_true(irq(0)); /* the line keeps it pending */
}

static void disabled_interrupts_and_groups_stay_quiet(void **state) {
    (void)state;
    spi_level(33, true);
    assert_false(irq(0));
    enable(33);
    assert_true(irq(0));
    set_dist(GICD_ICENABLER + 4, 2);
    assert_false(irq(0));
    assert_int_equal(icc(0, IAR1), SPURIOUS);
    enable(33);
    set_dist(GICD_CTLR, 0x11); /* group 0 only */
    assert_false(irq(0));
    set_dist(GICD_CTLR, 0x12);
    assert_true(irq(0));
    set_icc(0, IGRPEN1, 0);
    assert_false(irq(0));
    assert_int_equal(icc(0, IAR1), SPURIOUS);
    assert_int_equal(icc(0, HPPIR1), SPURIOUS);
    set_icc(0, IGRPEN1, 1);
    assert_true(irq(0));
}

static void priority_mask_is_strict(void **state) {
    (void)state;
    enable(33);
    spi_level(33, true);
    set_icc(0, PMR, 0xa0); /* only priorities above, i.e. lower than, the mask pass */
    assert_false(irq(0));
    assert_int_equal(icc(0, IAR1), SPURIOUS);
    assert_int_equal(icc(0, HPPIR1), 33); /* the mask does not hide it */
    set_icc(0, PMR, 0xa8);
    assert_true(irq(0));
    set_icc(0, PMR, 0xff);
    assert_int_equal(icc(0, PMR), 0xf8);
}

static void highest_priority_first_then_lowest_number(void **state) {
    (void)state;
    enable(60);
    enable(61);
    enable(70);
    set_priority(70, 0x20);
    spi_level(61, true);
    spi_level(60, true);
    spi_level(70, true);
    gic_set_ppi(gic, 0, VTIMER, true);
    assert_int_equal(icc(0, IAR1), 70);
    set_icc(0, EOIR1, 70);
    spi_level(70, false);
    assert_int_equal(icc(0, IAR1), VTIMER); /* before the SPIs of its priority */
    gic_set_ppi(gic, 0, VTIMER, false);
    set_icc(0, EOIR1, VTIMER);
    assert_int_equal(icc(0, IAR1), 60);
    set_icc(0, EOIR1, 60);
}

static void preemption_needs_a_higher_group_priority(void **state) {
    (void)state;
    enable(60);
    enable(61);
    enable(62);
    set_priority(61, 0xa0);
    set_priority(62, 0x90);
    spi_level(60, true);
    assert_int_equal(icc(0, IAR1), 60);
    spi_level(61, true);
    assert_false(irq(0)); /* the same priority waits */
    spi_level(62, true);
    assert_true(irq(0));
    assert_int_equal(icc(0, IAR1), 62);
    assert_int_equal(icc(0, RPR), 0x90);
    assert_int_equal(icc(0, AP1R0), 1u << 18 | 1u << 20);
    spi_level(62, false);
    set_icc(0, EOIR1, 62);
    assert_int_equal(icc(0, RPR), 0xa0);
    assert_false(irq(0));
    spi_level(60, false);
    set_icc(0, EOIR1, 60);
    assert_true(irq(0)); /* now 61 */
}

static void binary_point_splits_priorities(void **state) {
    (void)state;
    enable(60);
    enable(61);
    set_icc(0, BPR1, 0); /* below the minimum */
    assert_int_equal(icc(0, BPR1), 3);
    set_icc(0, BPR1, 6); /* group priority is [7:6] */
    assert_int_equal(icc(0, BPR1), 6);
    set_priority(60, 0xb8);
    set_priority(61, 0x88); /* a subpriority only */
    spi_level(60, true);
    assert_int_equal(icc(0, IAR1), 60);
    assert_int_equal(icc(0, RPR), 0x80);
    spi_level(61, true);
    assert_false(irq(0));
    set_priority(61, 0x78);
    assert_true(irq(0));
    spi_level(60, false);
    spi_level(61, false);
    set_icc(0, EOIR1, 60);

    set_icc(0, CTLR, 1); /* CBPR */
    set_icc(0, BPR0, 5);
    assert_int_equal(icc(0, BPR1), 6);
    set_icc(0, BPR1, 3); /* ignored */
    assert_int_equal(icc(0, BPR1), 6);
    set_icc(0, BPR0, 7);
    assert_int_equal(icc(0, BPR1), 7);
}

static void common_binary_point_is_group_0s(void **state) {
    (void)state;
    enable(60);
    enable(61);
    set_icc(0, CTLR, 1);
    set_icc(0, BPR0, 5); /* group priority is [7:6] for both groups */
    set_priority(60, 0xb8);
    set_priority(61, 0x88);
    spi_level(60, true);
    assert_int_equal(icc(0, IAR1), 60);
    assert_int_equal(icc(0, RPR), 0x80);
    spi_level(61, true);
    assert_false(irq(0));
    set_icc(0, CTLR, 0);
    set_priority(61, 0x78);
    assert_true(irq(0));
}

/* The groups share one running priority: the interrupt that began last ends first. */
static void groups_nest(void **state) {
    (void)state;
    enable(60);
    enable(61);
    set_icc(0, IGRPEN0, 1);
    set_dist(GICD_IGROUPR + 4, ~(1u << 29)); /* 61 in group 0 */
    set_priority(61, 0x40);
    spi_level(60, true);
    assert_int_equal(icc(0, IAR1), 60);
    spi_level(61, true);
    assert_true(fiq(0));
    assert_int_equal(icc(0, IAR0), 61);
    assert_int_equal(icc(0, RPR), 0x40);
    set_icc(0, EOIR1, 60); /* not its turn */
    assert_int_equal(icc(0, AP1R0), 1u << 20);
    assert_int_equal(dist(GICD_ISACTIVER + 4), 1u << 28 | 1u << 29);
    set_icc(0, EOIR0, 61);
    assert_int_equal(icc(0, RPR), 0xa0);
    set_icc(0, EOIR1, 60);
    assert_int_equal(icc(0, RPR), 0xff);
}

static void split_eoi_drops_priority_first(void **state) {
    (void)state;
    enable(33);
    set_icc(0, CTLR, 2);
    assert_int_equal(icc(0, CTLR) & 3, 2);
    spi_level(33, true);
    assert_int_equal(icc(0, IAR1), 33);
    set_icc(0, EOIR1, 33);
    assert_int_equal(icc(0, RPR), 0xff);
    assert_int_equal(dist(GICD_ISACTIVER + 4), 2);
    assert_false(irq(0)); /* active interrupts do not come again */
    set_icc(0, DIR, 33);
    assert_int_equal(dist(GICD_ISACTIVER + 4), 0);
    assert_true(irq(0));
    set_icc(0, CTLR, 0);
    assert_int_equal(icc(0, IAR1), 33);
    set_icc(0, DIR, 33); /* without EOImode: no effect */
    assert_int_equal(dist(GICD_ISACTIVER + 4), 2);
}

static void eoi_of_nothing_is_harmless(void **state) {
    (void)state;
    enable(33);
    spi_level(33, true);
    set_icc(0, EOIR1, 33); /* not acknowledged */
    set_icc(0, EOIR1, SPURIOUS);
    set_icc(0, EOIR1, 0xffffff);
    set_icc(0, EOIR0, 500);
    assert_int_equal(icc(0, IAR1), 33);
    set_icc(0, EOIR0, 33); /* of the other group */
    assert_int_equal(icc(0, RPR), 0xa0);
    set_icc(0, EOIR1, SPURIOUS);
    assert_int_equal(icc(0, RPR), 0xa0);
    set_icc(0, EOIR1, 700); /* no such interrupt: the priority drops all the same */
    assert_int_equal(icc(0, RPR), 0xff);
}

static void group_0_is_a_fiq(void **state) {
    (void)state;
    enable(33);
    set_dist(GICD_IGROUPR + 4, ~2u);
    spi_level(33, true);
    assert_false(fiq(0));
    set_icc(0, IGRPEN0, 1);
    assert_true(fiq(0));
    assert_false(irq(0));
    assert_int_equal(icc(0, IAR1), SPURIOUS);
    assert_int_equal(icc(0, HPPIR1), SPURIOUS);
    assert_int_equal(icc(0, HPPIR0), 33);
    assert_int_equal(icc(0, IAR0), 33);
    assert_int_equal(icc(0, AP0R0), 1u << 20);
    assert_int_equal(icc(0, AP1R0), 0);
    assert_false(fiq(0));
    spi_level(33, false);
    set_icc(0, EOIR0, 33);
    assert_int_equal(icc(0, RPR), 0xff);
}

static void sgis_reach_their_targets(void **state) {
    (void)state;
    set_icc(1, SGI1R, 5ull << 24 | 0x9); /* vCPUs 0 and 3 */
    assert_true(irq(0));
    assert_false(irq(1));
    assert_false(irq(2));
    assert_true(irq(3));
    assert_int_equal(redist(0, GICR_SGI + GICD_ISPENDR), 1 << 5);
    assert_int_equal(icc(0, IAR1), 5);
    assert_false(irq(0));
    set_icc(0, EOIR1, 5);
    assert_int_equal(icc(3, IAR1), 5);
    set_icc(3, EOIR1, 5);

    set_icc(1, SGI1R, 1ull << 40 | 7ull << 24); /* all but self */
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(irq(cpu), cpu != 1);
        assert_int_equal(icc(cpu, IAR1), cpu == 1 ? SPURIOUS : 7);
        set_icc(cpu, EOIR1, 7);
    }
    set_icc(0, SGI1R, 3ull << 24 | 1); /* to oneself */
    assert_int_equal(icc(0, IAR1), 3);
    set_icc(0, EOIR1, 3);
}

static void sgis_to_nobody_go_nowhere(void **state) {
    (void)state;
    set_icc(0, SGI1R, 1ull << 16 | 0xffff); /* Aff1 = 1 */
    set_icc(0, SGI1R, 1ull << 32 | 0xffff); /* Aff2 = 1 */
    set_icc(0, SGI1R, 1ull << 48 | 0xffff); /* Aff3 = 1 */
    set_icc(0, SGI1R, 1ull << 44 | 0xffff); /* RS = 1: Aff0 16 to 31 */
    set_icc(0, SGI1R, 0xfff0);              /* no such vCPUs */
    set_icc(0, SGI0R, 0xffff);              /* they are configured in group 1 */
    set_icc(0, ASGI1R, 0xffff);             /* no other security state */
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        assert_false(irq(cpu));
        assert_int_equal(redist(cpu, GICR_SGI + GICD_ISPENDR), 0);
    }
    set_redist(2, GICR_SGI + GICD_IGROUPR, ~1u);
    set_icc(2, IGRPEN0, 1);
    set_icc(0, SGI1R, 4);
    assert_int_equal(redist(2, GICR_SGI + GICD_ISPENDR), 0);
    set_icc(0, SGI0R, 4);
    assert_true(fiq(2));
}

static void ppis_are_private(void **state) {
    (void)state;
    gic_set_ppi(gic, 2, VTIMER, true);
    assert_false(irq(0));
    assert_true(irq(2));
    set_redist(2, GICR_SGI + GICD_ICENABLER, 1u << VTIMER);
    assert_false(irq(2));
    set_redist(2, GICR_SGI + GICD_ISENABLER, 1u << VTIMER);
    assert_int_equal(icc(2, IAR1), VTIMER);
    gic_set_ppi(gic, 2, VTIMER, false);
    set_icc(2, EOIR1, VTIMER);
    assert_false(irq(2));
    gic_set_ppi(gic, 2, 5, true);  /* not a PPI */
    gic_set_ppi(gic, 9, 27, true); /* not a vCPU */
    assert_false(irq(2));
    /* The distributor's view of the first 32 is RAZ/WI with affinity routing. */
    gic_set_ppi(gic, 2, VTIMER, true);
    assert_int_equal(dist(GICD_ISPENDR), 0);
    assert_int_equal(dist(GICD_ISENABLER), 0);
    set_dist(GICD_ICENABLER, ~0u);
    assert_true(irq(2));
}

static void sgi_trigger_is_fixed(void **state) {
    (void)state;
    assert_int_equal(redist(0, GICR_SGI + GICD_ICFGR), 0xaaaaaaaa);
    set_redist(0, GICR_SGI + GICD_ICFGR, 0);
    assert_int_equal(redist(0, GICR_SGI + GICD_ICFGR), 0xaaaaaaaa);
    set_redist(0, GICR_SGI + GICD_ICFGR + 4, 0xffffffff);
    assert_int_equal(redist(0, GICR_SGI + GICD_ICFGR + 4), 0xaaaaaaaa);
}

static void spis_follow_their_route(void **state) {
    (void)state;
    enable(100);
    spi_level(100, true);
    assert_true(irq(0));
    route(100, 3);
    assert_false(irq(0));
    assert_true(irq(3));
    assert_int_equal(gic_dist_ops.read(gic, GICD_IROUTER + 800, 8), 3);
    assert_int_equal(icc(3, IAR1), 100);
    set_icc(3, EOIR1, 100);
    route(100, 1ull << 8 | 3); /* Aff1 = 1: there is no such vCPU */
    route(100, 0x0100000003);  /* Aff3 = 1 */
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        assert_false(irq(cpu));
    set_dist(GICD_IROUTER + 800, 2); /* in halves, too */
    set_dist(GICD_IROUTER + 804, 0);
    assert_true(irq(2));
}

static void an_interrupt_for_anyone_finds_one(void **state) {
    (void)state;
    enable(100);
    route(100, 1u << 31);
    spi_level(100, true);
    unsigned takers = 0;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        takers += irq(cpu);
    assert_int_equal(takers, 1);
    set_icc(0, IGRPEN1, 0);
    set_icc(1, IGRPEN1, 0);
    assert_false(irq(0));
    assert_false(irq(1));
    takers = irq(2) + irq(3);
    assert_int_equal(takers, 1);
    gic_reset_cpu(gic, 2); /* powered off */
    assert_true(irq(3));
    assert_int_equal(icc(3, IAR1), 100);
    set_icc(0, IGRPEN1, 1);
    assert_false(irq(0)); /* active at another one */
}

static void software_can_make_active(void **state) {
    (void)state;
    enable(33);
    spi_level(33, true);
    set_dist(GICD_ISACTIVER + 4, 2);
    assert_false(irq(0));
    set_dist(GICD_ICACTIVER + 4, 2);
    assert_true(irq(0));
}

static void odd_accesses_do_nothing(void **state) {
    (void)state;
    gic_dist_ops.write(gic, GICD_ISENABLER + 4, 1, 0xff); /* byte writes: priorities only */
    gic_dist_ops.write(gic, GICD_ISENABLER + 6, 4, ~0u);  /* unaligned */
    gic_dist_ops.write(gic, GICD_ISENABLER + 4, 2, 0xffff);
    assert_int_equal(dist(GICD_ISENABLER + 4), 0);
    set_dist(GICD_ISENABLER + 4, 0xa5);
    assert_int_equal(gic_dist_ops.read(gic, GICD_ISENABLER + 4, 1), 0xa5);
    assert_int_equal(gic_dist_ops.read(gic, GICD_ISENABLER + 3, 4), 0);
    set_dist(GICD_IPRIORITYR + 32, 0x11223344);
    assert_int_equal(dist(GICD_IPRIORITYR + 32), 0x10203040); /* five bits each */
    gic_dist_ops.write(gic, GICD_IPRIORITYR + 33, 1, 0xf8);
    assert_int_equal(dist(GICD_IPRIORITYR + 32), 0x1020f840);
    gic_dist_ops.write(gic, GICD_IPRIORITYR + 34, 2, 0x0810);
    assert_int_equal(gic_dist_ops.read(gic, GICD_IPRIORITYR + 34, 2), 0x0810);
    set_dist(GICD_ISENABLER + 4 * 9, ~0u); /* past the last interrupt */
    assert_int_equal(dist(GICD_ISENABLER + 4 * 9), 0);
}

static void unknown_registers_are_undefined(void **state) {
    (void)state;
    uint64_t value;
    assert_false(gic_sysreg_read(gic, 0, AP1R1, &value)); /* five priority bits need one register */
    assert_false(gic_sysreg_read(gic, 0, EOIR1, &value)); /* write-only */
    assert_false(gic_sysreg_read(gic, 0, SGI1R, &value));
    assert_false(gic_sysreg_write(gic, 0, IAR1, 0)); /* read-only */
    assert_false(gic_sysreg_write(gic, 0, RPR, 0));
    assert_false(gic_sysreg_write(gic, 0, S(12, 9, 5), 0));
}

/* Every register, every size, at every offset: nothing breaks, and interrupts still work afterwards. */
static void garbage_is_survived(void **state) {
    (void)state;
    uint64_t seed = 1;
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t offset = 0; offset + size <= 0x10000; offset++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            gic_dist_ops.write(gic, offset, size, seed >> 8);
            gic_dist_ops.read(gic, offset, size);
        }
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t offset = 0; offset + size <= CPUS * GICR_STRIDE; offset++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            gic_redist_ops.write(gic, offset, size, seed >> 8);
            gic_redist_ops.read(gic, offset, size);
        }
    for (unsigned n = 0; n < 1 << 17; n++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint32_t reg = S(seed & 1 ? 12 : 4, seed >> 8 & 15, seed >> 12 & 7);
        uint64_t value;
        gic_sysreg_write(gic, n % CPUS, reg, seed >> 16);
        gic_sysreg_read(gic, n % CPUS, reg, &value);
    }
    gic_reset(gic);
    assert_int_equal(dist(GICD_CTLR), 0x50);
    assert_int_equal(icc(0, RPR), 0xff);
}

static void reset_keeps_the_lines(void **state) {
    (void)state;
    spi_level(33, true);
    enable(33);
    assert_true(irq(0));
    gic_reset(gic);
    assert_false(irq(0));
    assert_int_equal(dist(GICD_ISENABLER + 4), 0);
    assert_int_equal(dist(GICD_ISPENDR + 4), 2); /* a device drives it still */
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identifies_itself, setup_cold, teardown),
        TEST(level_interrupt_lives_with_its_line),
        TEST(edge_interrupt_is_latched),
        TEST(pending_can_be_set_and_cleared_by_software),
        TEST(disabled_interrupts_and_groups_stay_quiet),
        TEST(priority_mask_is_strict),
        TEST(highest_priority_first_then_lowest_number),
        TEST(preemption_needs_a_higher_group_priority),
        TEST(binary_point_splits_priorities),
        TEST(common_binary_point_is_group_0s),
        TEST(groups_nest),
        TEST(split_eoi_drops_priority_first),
        TEST(eoi_of_nothing_is_harmless),
        TEST(group_0_is_a_fiq),
        TEST(sgis_reach_their_targets),
        TEST(sgis_to_nobody_go_nowhere),
        TEST(ppis_are_private),
        TEST(sgi_trigger_is_fixed),
        TEST(spis_follow_their_route),
        TEST(an_interrupt_for_anyone_finds_one),
        TEST(software_can_make_active),
        TEST(odd_accesses_do_nothing),
        TEST(unknown_registers_are_undefined),
        TEST(garbage_is_survived),
        TEST(reset_keeps_the_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
