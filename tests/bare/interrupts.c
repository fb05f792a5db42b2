/* GICv3 and the generic timer: SGIs, PPIs, SPIs, priorities and preemption, masking, pending and active
 * state, both EOI modes, routing, WFI. Arm IHI 0069 (GIC), ARM ARM D11 (timer). */
#include "lib/lib.h"

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ISPENDR    0x0200
#define GICD_ICPENDR    0x0280
#define GICD_ISACTIVER  0x0300
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_ICFGR      0x0c00
#define GICD_IROUTER    0x6000
#define GICD_PIDR2      0xffe8
#define GICR_CTLR       0x0000
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_SGI        0x10000 /* the second frame, laid out like the distributor's first 32 */

#define ICC_PMR     s3_0_c4_c6_0
#define ICC_IAR1    s3_0_c12_c12_0
#define ICC_EOIR1   s3_0_c12_c12_1
#define ICC_HPPIR1  s3_0_c12_c12_2
#define ICC_BPR1    s3_0_c12_c12_3
#define ICC_CTLR    s3_0_c12_c12_4
#define ICC_SRE     s3_0_c12_c12_5
#define ICC_IGRPEN1 s3_0_c12_c12_7
#define ICC_DIR     s3_0_c12_c11_1
#define ICC_RPR     s3_0_c12_c11_3
#define ICC_SGI1R   s3_0_c12_c11_5
#define ICC_AP1R0   s3_0_c12_c9_0
/* The macros above are expanded before they become text. */
#define READ_ICC(name)               READ_SYSREG_OF(name)
#define READ_SYSREG_OF(name)         READ_SYSREG(name)
#define WRITE_ICC(name, value)       WRITE_SYSREG_OF(name, value)
#define WRITE_SYSREG_OF(name, value) WRITE_SYSREG(name, value)

enum { SPURIOUS = 1023, TIMER_VIRTUAL = 27, TIMER_PHYSICAL = 30, SPI = 40, SPI_RTC = 34 };

static unsigned cpus;

static uint64_t redistributor(unsigned cpu) {
    return GICR_BASE + cpu * 0x20000ull;
}

/* --- what arrived, by CPU */

static volatile unsigned taken[CPUS_MAX], last_id[CPUS_MAX];

static void mask_interrupts(void) {
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

static void unmask_interrupts(void) {
    __asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
}

/* Timers are level-sensitive: their handler turns them off. */
static void quiet_source(unsigned id) {
    if (id == TIMER_VIRTUAL)
        WRITE_SYSREG(cntv_ctl_el0, 0);
    if (id == TIMER_PHYSICAL)
        WRITE_SYSREG(cntp_ctl_el0, 0);
    if (id == SPI_RTC)
        mmio_write32(RTC_BASE + 0x1c, 1); /* RTCICR */
}

static void count_interrupt(void) {
    unsigned id = (unsigned)READ_ICC(ICC_IAR1);
    if (id == SPURIOUS)
        return;
    quiet_source(id);
    last_id[this_cpu()] = id;
    WRITE_ICC(ICC_EOIR1, id);
    taken[this_cpu()]++;
}

static void set_priority(uint64_t frame, unsigned id, uint8_t priority) {
    __asm__ volatile("strb %w0, [%1]" ::"r"(priority), "r"(frame + GICD_IPRIORITYR + id) : "memory");
}

static uint64_t frame_of(unsigned id) {
    return id < 32 ? redistributor(this_cpu()) + GICR_SGI : GICD_BASE;
}

static void bit_write(unsigned reg, unsigned id) {
    mmio_write32(frame_of(id) + reg + id / 32 * 4, 1u << id % 32);
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
}

static bool bit_read(unsigned reg, unsigned id) {
    return mmio_read32(frame_of(id) + reg + id / 32 * 4) >> id % 32 & 1;
}

static void distributor_setup(void) {
    mmio_write32(GICD_BASE + GICD_CTLR, 0x12); /* ARE, EnableGrp1 */
    while (mmio_read32(GICD_BASE + GICD_CTLR) & 1u << 31)
        ;
    for (unsigned id = 32; id < 96; id++) {
        set_priority(GICD_BASE, id, 0xa0);
        mmio_write64(GICD_BASE + GICD_IROUTER + id * 8, 0);
    }
    mmio_write32(GICD_BASE + GICD_IGROUPR + 4, 0xffffffff);
    mmio_write32(GICD_BASE + GICD_IGROUPR + 8, 0xffffffff);
}

static void cpu_setup(void) {
    const uint64_t base = redistributor(this_cpu());
    mmio_write32(base + GICR_WAKER, 0);
    while (mmio_read32(base + GICR_WAKER) & 4)
        ;
    mmio_write32(base + GICR_SGI + GICD_IGROUPR, 0xffffffff);
    for (unsigned id = 0; id < 32; id++)
        set_priority(base + GICR_SGI, id, 0xa0);
    mmio_write32(base + GICR_SGI + GICD_ISENABLER, 0xffff | 1u << TIMER_VIRTUAL | 1u << TIMER_PHYSICAL);
    WRITE_ICC(ICC_SRE, 7);
    WRITE_ICC(ICC_CTLR, 0);
    WRITE_ICC(ICC_PMR, 0xff);
    WRITE_ICC(ICC_BPR1, 0);
    WRITE_ICC(ICC_IGRPEN1, 1);
}

/* --- registers that only answer */

static void identification(void) {
    test_begin("gic-identification");
    expect("GICD_PIDR2: architecture 3", mmio_read32(GICD_BASE + GICD_PIDR2) >> 4 & 15, 3);
    expect_true("at least 64 interrupts", (mmio_read32(GICD_BASE + GICD_TYPER) & 31) >= 1);
    for (unsigned i = 0; i < cpus; i++) {
        uint64_t low = mmio_read32(redistributor(i) + GICR_TYPER),
                 high = mmio_read32(redistributor(i) + GICR_TYPER + 4);
        expect("GICR_TYPER: affinity", high, i);
        expect("GICR_TYPER: processor number", low >> 8 & 0xffff, i);
        expect("GICR_TYPER: last", low >> 4 & 1, i == cpus - 1);
    }
    expect("ICC_SRE_EL1.SRE", READ_ICC(ICC_SRE) & 1, 1);
    test_end();
}

static void banked_registers(void) {
    test_begin("gic-registers");
    bit_write(GICD_ISENABLER, SPI);
    expect("enabled", bit_read(GICD_ISENABLER, SPI), 1);
    expect("enabled, read through ICENABLER", bit_read(GICD_ICENABLER, SPI), 1);
    bit_write(GICD_ICENABLER, SPI);
    expect("disabled", bit_read(GICD_ISENABLER, SPI), 0);
    set_priority(GICD_BASE, SPI, 0x50);
    expect("priority", mmio_read32(GICD_BASE + GICD_IPRIORITYR + SPI) & 0xff, 0x50);
    expect("its neighbour", mmio_read32(GICD_BASE + GICD_IPRIORITYR + SPI) >> 8 & 0xff, 0xa0);
    set_priority(GICD_BASE, SPI, 0xa0);
    mmio_write32(GICD_BASE + GICD_ICFGR + SPI / 16 * 4, 2u << SPI % 16 * 2);
    expect("edge-triggered", mmio_read32(GICD_BASE + GICD_ICFGR + SPI / 16 * 4) >> SPI % 16 * 2 & 3, 2);
    expect("SGIs are edge-triggered", mmio_read32(redistributor(0) + GICR_SGI + GICD_ICFGR), 0xaaaaaaaa);
    expect("SGIs and PPIs are not in the distributor", mmio_read32(GICD_BASE + GICD_ISENABLER), 0);
    test_end();
}

/* --- SGIs */

static uint64_t sgi(unsigned id, unsigned targets) {
    return (uint64_t)id << 24 | targets;
}

static void sgi_self(void) {
    test_begin("sgi-self");
    taken[0] = 0;
    irq_handler = count_interrupt;
    unmask_interrupts();
    for (unsigned id = 0; id < 16; id++) {
        WRITE_ICC(ICC_SGI1R, sgi(id, 1));
        expect_true("taken", WAIT_FOR(taken[0] == id + 1));
        expect("INTID", last_id[0], id);
    }
    mask_interrupts();
    WRITE_ICC(ICC_SGI1R, 1ull << 40 | sgi(3, 0)); /* IRM: all but self */
    expect("pending by IRM", bit_read(GICD_ISPENDR, 3), 0);
    test_end();
}

static volatile bool listener_ready[CPUS_MAX], listeners_stop;

static void listen(void) {
    cpu_setup();
    unmask_interrupts();
    listener_ready[this_cpu()] = true;
    while (!listeners_stop)
        __asm__ volatile("wfi" ::: "memory");
}

static void start_listeners(void) {
    listeners_stop = false;
    irq_handler = count_interrupt;
    for (unsigned i = 1; i < cpus; i++) {
        listener_ready[i] = false;
        taken[i] = 0;
        cpu_start(i, listen);
        expect_true("a listener starts", WAIT_FOR(listener_ready[i]));
    }
}

static void stop_listeners(void) {
    listeners_stop = true;
    __asm__ volatile("dsb sy" ::: "memory");
    WRITE_ICC(ICC_SGI1R, 1ull << 40 | sgi(15, 0));
    for (unsigned i = 1; i < cpus; i++)
        expect_true("a listener ends", cpu_join(i));
}

static void sgi_others(void) {
    test_begin("sgi-others");
    start_listeners();
    for (unsigned round = 1; round <= 200; round++)
        for (unsigned i = 1; i < cpus; i++) {
            WRITE_ICC(ICC_SGI1R, sgi(round % 14, 1u << i));
            if (!WAIT_FOR(taken[i] == round)) {
                expect("SGIs taken", taken[i], round);
                round = 201;
                break;
            }
            expect("INTID", last_id[i], round % 14);
        }
    stop_listeners();
    test_end();
}

static void spi_routing(void) {
    test_begin("spi-routing");
    start_listeners();
    bit_write(GICD_ISENABLER, SPI);
    for (unsigned i = 1; i < cpus; i++) {
        mmio_write64(GICD_BASE + GICD_IROUTER + SPI * 8, i);
        bit_write(GICD_ISPENDR, SPI);
        expect_true("taken by its target", WAIT_FOR(taken[i] == 1));
        expect("INTID", last_id[i], SPI);
    }
    mmio_write64(GICD_BASE + GICD_IROUTER + SPI * 8, 0);
    bit_write(GICD_ICENABLER, SPI);
    stop_listeners();
    test_end();
}

/* --- SPIs by hand: nothing is unmasked, ICC_IAR1_EL1 tells */

static uint64_t acknowledge(void) {
    return READ_ICC(ICC_IAR1);
}

static void states(void) {
    test_begin("spi-states");
    bit_write(GICD_ISPENDR, SPI);
    expect("disabled: nothing to acknowledge", acknowledge(), SPURIOUS);
    bit_write(GICD_ISENABLER, SPI);
    expect("HPPIR1", READ_ICC(ICC_HPPIR1), SPI);
    expect("ISR_EL1.I", READ_SYSREG(isr_el1), 1 << 7);
    expect("acknowledged", acknowledge(), SPI);
    expect("active", bit_read(GICD_ISACTIVER, SPI), 1);
    expect("no longer pending", bit_read(GICD_ISPENDR, SPI), 0);
    expect("running priority", READ_ICC(ICC_RPR), 0xa0);
    bit_write(GICD_ISPENDR, SPI);
    expect("active and pending: not delivered", acknowledge(), SPURIOUS);
    WRITE_ICC(ICC_EOIR1, SPI);
    expect("idle priority", READ_ICC(ICC_RPR), 0xff);
    expect("inactive", bit_read(GICD_ISACTIVER, SPI), 0);
    expect("delivered again", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    bit_write(GICD_ISPENDR, SPI);
    bit_write(GICD_ICPENDR, SPI);
    expect("pending cleared", acknowledge(), SPURIOUS);
    expect("ISR_EL1", READ_SYSREG(isr_el1), 0);
    test_end();

    test_begin("group-enables");
    bit_write(GICD_ISPENDR, SPI);
    WRITE_ICC(ICC_IGRPEN1, 0);
    expect("IGRPEN1 = 0", acknowledge(), SPURIOUS);
    WRITE_ICC(ICC_IGRPEN1, 1);
    mmio_write32(GICD_BASE + GICD_CTLR, 0x10);
    expect("EnableGrp1 = 0", acknowledge(), SPURIOUS);
    mmio_write32(GICD_BASE + GICD_CTLR, 0x12);
    expect("enabled again", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    test_end();
}

static void priorities(void) {
    test_begin("priority-mask");
    bit_write(GICD_ISENABLER, SPI + 1);
    bit_write(GICD_ISENABLER, SPI + 2);
    WRITE_ICC(ICC_PMR, 0xa0);
    bit_write(GICD_ISPENDR, SPI);
    expect("a priority equal to the mask", acknowledge(), SPURIOUS);
    WRITE_ICC(ICC_PMR, 0xb0);
    expect("above the mask", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    WRITE_ICC(ICC_PMR, 0xff);
    test_end();

    test_begin("priority-order");
    set_priority(GICD_BASE, SPI, 0xc0);
    set_priority(GICD_BASE, SPI + 1, 0x40);
    set_priority(GICD_BASE, SPI + 2, 0x80);
    for (unsigned i = 0; i < 3; i++)
        bit_write(GICD_ISPENDR, SPI + i);
    expect("first", acknowledge(), SPI + 1);
    expect("nothing preempts it", acknowledge(), SPURIOUS);
    WRITE_ICC(ICC_EOIR1, SPI + 1);
    expect("second", acknowledge(), SPI + 2);
    WRITE_ICC(ICC_EOIR1, SPI + 2);
    expect("third", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    for (unsigned i = 0; i < 3; i++) {
        set_priority(GICD_BASE, SPI + i, 0xa0);
        bit_write(GICD_ISPENDR, SPI + 2 - i);
    }
    for (unsigned i = 0; i < 3; i++) {
        expect("equal priorities: the lowest number", acknowledge(), SPI + i);
        WRITE_ICC(ICC_EOIR1, SPI + i);
    }
    test_end();

    test_begin("priority-preemption");
    set_priority(GICD_BASE, SPI, 0xc0);
    set_priority(GICD_BASE, SPI + 1, 0x40);
    bit_write(GICD_ISPENDR, SPI);
    expect("the lower one", acknowledge(), SPI);
    bit_write(GICD_ISPENDR, SPI + 1);
    expect("is preempted", acknowledge(), SPI + 1);
    expect("running priority", READ_ICC(ICC_RPR), 0x40);
    uint64_t active = READ_ICC(ICC_AP1R0);
    expect_true("two active priorities", (active & (active - 1)) != 0);
    WRITE_ICC(ICC_EOIR1, SPI + 1);
    expect("running priority after", READ_ICC(ICC_RPR), 0xc0);
    WRITE_ICC(ICC_EOIR1, SPI);
    expect("active priorities", READ_ICC(ICC_AP1R0), 0);
    set_priority(GICD_BASE, SPI, 0xa0);
    set_priority(GICD_BASE, SPI + 1, 0xa0);
    test_end();

    test_begin("binary-point");
    set_priority(GICD_BASE, SPI, 0x90);
    set_priority(GICD_BASE, SPI + 1, 0x80);
    WRITE_ICC(ICC_BPR1, 5); /* group priority: bits 7:5 in Group 1 */
    expect("BPR1", READ_ICC(ICC_BPR1), 5);
    bit_write(GICD_ISPENDR, SPI);
    expect("the lower one", acknowledge(), SPI);
    bit_write(GICD_ISPENDR, SPI + 1);
    expect("one of the same group does not preempt", acknowledge(), SPURIOUS);
    WRITE_ICC(ICC_EOIR1, SPI);
    expect("it comes then", acknowledge(), SPI + 1);
    WRITE_ICC(ICC_EOIR1, SPI + 1);
    WRITE_ICC(ICC_BPR1, 0);
    set_priority(GICD_BASE, SPI, 0xa0);
    set_priority(GICD_BASE, SPI + 1, 0xa0);
    test_end();
}

static void eoi_modes(void) {
    test_begin("eoi-mode-1");
    WRITE_ICC(ICC_CTLR, 2);
    bit_write(GICD_ISPENDR, SPI);
    expect("acknowledged", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    expect("priority drop", READ_ICC(ICC_RPR), 0xff);
    expect("still active", bit_read(GICD_ISACTIVER, SPI), 1);
    bit_write(GICD_ISPENDR, SPI);
    expect("not delivered while active", acknowledge(), SPURIOUS);
    bit_write(GICD_ISPENDR, SPI + 1);
    expect("another one is", acknowledge(), SPI + 1);
    WRITE_ICC(ICC_EOIR1, SPI + 1);
    WRITE_ICC(ICC_DIR, SPI + 1);
    WRITE_ICC(ICC_DIR, SPI);
    expect("inactive", bit_read(GICD_ISACTIVER, SPI), 0);
    expect("delivered again", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    WRITE_ICC(ICC_DIR, SPI);
    WRITE_ICC(ICC_CTLR, 0);
    test_end();

    test_begin("active-by-register");
    bit_write(GICD_ISACTIVER, SPI);
    bit_write(GICD_ISPENDR, SPI);
    expect("not delivered while active", acknowledge(), SPURIOUS);
    bit_write(GICD_ICACTIVER, SPI);
    expect("delivered", acknowledge(), SPI);
    WRITE_ICC(ICC_EOIR1, SPI);
    test_end();
}

/* A real level-sensitive source: the RTC's alarm stays up until it is cleared. */
static void level_sensitive(void) {
    test_begin("level-rtc");
    mmio_write32(RTC_BASE + 0x10, 1); /* RTCIMSC */
    bit_write(GICD_ISENABLER, SPI_RTC);
    mmio_write32(RTC_BASE + 0x04, mmio_read32(RTC_BASE) + 1); /* RTCMR: in a second */
    expect_true("pending", WAIT_FOR(bit_read(GICD_ISPENDR, SPI_RTC)));
    bit_write(GICD_ICPENDR, SPI_RTC);
    expect("pending as long as the level is", bit_read(GICD_ISPENDR, SPI_RTC), 1);
    expect("acknowledged", acknowledge(), SPI_RTC);
    WRITE_ICC(ICC_EOIR1, SPI_RTC);
    expect("comes again", acknowledge(), SPI_RTC);
    quiet_source(SPI_RTC);
    WRITE_ICC(ICC_EOIR1, SPI_RTC);
    expect("until the source is quiet", acknowledge(), SPURIOUS);
    mmio_write32(RTC_BASE + 0x10, 0);
    bit_write(GICD_ICENABLER, SPI_RTC);
    test_end();
}

/* --- timers */

static void timer_virtual(void) {
    const uint64_t frequency = READ_SYSREG(cntfrq_el0);
    test_begin("timer-virtual");
    expect_range("CNTFRQ_EL0", frequency, 1000000, 1000000000);
    irq_handler = count_interrupt;
    taken[0] = 0;
    unmask_interrupts();
    for (unsigned i = 1; i <= 20; i++) {
        uint64_t deadline = READ_SYSREG(cntvct_el0) + frequency / 200;
        WRITE_SYSREG(cntv_cval_el0, deadline);
        WRITE_SYSREG(cntv_ctl_el0, 1);
        while (taken[0] < i && READ_SYSREG(cntvct_el0) < deadline + frequency)
            __asm__ volatile("wfi" ::: "memory");
        uint64_t late = READ_SYSREG(cntvct_el0) - deadline;
        expect("interrupts", taken[0], i);
        expect("INTID", last_id[0], TIMER_VIRTUAL);
        expect_range("ticks late", late, 0, frequency / 2);
    }
    mask_interrupts();
    test_end();
}

static void timer_registers(void) {
    test_begin("timer-registers");
    WRITE_SYSREG(cntp_cval_el0, READ_SYSREG(cntpct_el0) - 1);
    WRITE_SYSREG(cntp_ctl_el0, 3); /* masked */
    expect("CTL: enable, imask, istatus", READ_SYSREG(cntp_ctl_el0), 7);
    expect("masked: no interrupt", acknowledge(), SPURIOUS);
    WRITE_SYSREG(cntp_ctl_el0, 1);
    expect("CTL: enable, istatus", READ_SYSREG(cntp_ctl_el0), 5);
    expect_true("pending", WAIT_FOR(READ_ICC(ICC_HPPIR1) == TIMER_PHYSICAL));
    WRITE_SYSREG(cntp_tval_el0, 0x7fffffff);
    expect("CTL: enable", READ_SYSREG(cntp_ctl_el0), 1);
    expect_true("no longer pending", WAIT_FOR(READ_ICC(ICC_HPPIR1) == SPURIOUS));
    expect_range("TVAL counts down", READ_SYSREG(cntp_tval_el0), 0x70000000, 0x7fffffff);
    WRITE_SYSREG(cntp_tval_el0, -1000);
    expect("TVAL is signed", READ_SYSREG(cntp_tval_el0) >> 31, 1);
    expect("CTL after a negative TVAL", READ_SYSREG(cntp_ctl_el0), 5);
    WRITE_SYSREG(cntp_ctl_el0, 0);
    expect("CTL: off", READ_SYSREG(cntp_ctl_el0) & 1, 0);
    test_end();

    test_begin("counter");
    uint64_t before = READ_SYSREG(cntvct_el0);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = READ_SYSREG(cntvct_el0);
        expect_true("never goes back", now >= before);
        before = now;
    }
    test_end();
}

static void wfi_masked(void) {
    const uint64_t frequency = READ_SYSREG(cntfrq_el0);
    test_begin("wfi-wakes-masked");
    uint64_t deadline = READ_SYSREG(cntvct_el0) + frequency / 50;
    WRITE_SYSREG(cntv_cval_el0, deadline);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    while (!(READ_SYSREG(isr_el1) & 1 << 7) && READ_SYSREG(cntvct_el0) < deadline + frequency)
        __asm__ volatile("wfi" ::: "memory");
    expect_true("not before the deadline", READ_SYSREG(cntvct_el0) >= deadline);
    expect("acknowledged", acknowledge(), TIMER_VIRTUAL);
    WRITE_SYSREG(cntv_ctl_el0, 0);
    WRITE_ICC(ICC_EOIR1, TIMER_VIRTUAL);
    test_end();
}

/* --- interrupts and code: PSTATE.I, EL0, and that no register is lost */

static void storm(void) {
    const uint64_t frequency = READ_SYSREG(cntfrq_el0);
    test_begin("interrupt-transparency");
    irq_handler = count_interrupt;
    taken[0] = 0;
    unmask_interrupts();
    uint64_t sum = 0, wanted = 0;
    for (unsigned i = 0; i < 50; i++) {
        WRITE_SYSREG(cntv_cval_el0, READ_SYSREG(cntvct_el0) + frequency / 5000);
        WRITE_SYSREG(cntv_ctl_el0, 1);
        uint64_t end = READ_SYSREG(cntvct_el0) + frequency / 500;
        while (READ_SYSREG(cntvct_el0) < end)
            for (uint64_t n = 1; n <= 100; n++) {
                sum = (sum + n) * 3;
                __asm__ volatile("" : "+r"(sum));
                wanted = (wanted + n) + (wanted + n) * 2;
            }
    }
    mask_interrupts();
    expect("a sum over interrupts", sum, wanted);
    expect_range("interrupts", taken[0], 25, 50);
    test_end();
}

void test_main(void) {
    cpus = cpu_count();
    distributor_setup();
    cpu_setup();
    identification();
    banked_registers();
    states();
    priorities();
    eoi_modes();
    level_sensitive();
    timer_registers();
    wfi_masked();
    sgi_self();
    timer_virtual();
    storm();
    if (cpus > 1) {
        sgi_others();
        spi_routing();
    }
}
