/* A reset by PSCI, with every CPU busy and the devices in use: the machine starts again as after power-on. */
#include "lib/lib.h"

#define GICD_CTLR_AT      (GICD_BASE)
#define GICD_ISENABLER_AT (GICD_BASE + 0x104)
#define GICD_PRIORITY_AT  (GICD_BASE + 0x420)
#define UART_IMSC_AT      (UART_BASE + 0x38)
#define RTC_IMSC_AT       (RTC_BASE + 0x10)
#define GPIO_IE_AT        (GPIO_BASE + 0x410)
#define VIRTIO_STATUS_AT  (VIRTIO_BASE + 0x70)

/* RAM that the loader leaves alone. */
static volatile uint64_t *const marker = (volatile uint64_t *)0x46000000;
#define SEEN 0x7365656e5f697421

static volatile bool running[CPUS_MAX];

static void spin(void) {
    running[this_cpu()] = true;
    for (;;)
        ;
}

static void use_everything(void) {
    for (unsigned i = 1; i < cpu_count(); i++) {
        cpu_start(i, spin);
        WAIT_FOR(running[i]);
    }
    mmio_write32(GICD_CTLR_AT, 0x12);
    mmio_write32(GICD_ISENABLER_AT, 0xffff);
    mmio_write32(GICD_PRIORITY_AT, 0xa0a0a0a0);
    mmio_write32(UART_IMSC_AT, 0x70);
    mmio_write32(RTC_IMSC_AT, 1);
    mmio_write32(GPIO_IE_AT, 0xff);
    mmio_write32(VIRTIO_STATUS_AT, 1);
    WRITE_SYSREG(cntv_cval_el0, 0);
    WRITE_SYSREG(cntv_ctl_el0, 1);
    WRITE_SYSREG(tpidr_el0, 1);
}

static void look_around(void) {
    test_begin("reset");
    for (unsigned i = 1; i < cpu_count(); i++)
        expect("another CPU is off", hypercall(PSCI_AFFINITY_INFO, i, 0, 0), 1);
    expect("DAIF", READ_SYSREG(daif), 0x3c0);
    expect("CNTV_CTL_EL0.ENABLE", READ_SYSREG(cntv_ctl_el0) & 1, 0);
    expect("GICD_CTLR.EnableGrp1", mmio_read32(GICD_CTLR_AT) >> 1 & 1, 0);
    expect("GICD_ISENABLER1", mmio_read32(GICD_ISENABLER_AT), 0);
    expect("GICD_IPRIORITYR8", mmio_read32(GICD_PRIORITY_AT), 0);
    expect("UARTIMSC", mmio_read32(UART_IMSC_AT), 0);
    expect("RTCIMSC", mmio_read32(RTC_IMSC_AT), 0);
    expect("GPIOIE", mmio_read32(GPIO_IE_AT), 0);
    expect("virtio status", mmio_read32(VIRTIO_STATUS_AT), 0);
    test_end();
}

void test_main(void) {
    if (*marker != SEEN) {
        *marker = SEEN;
        use_everything();
        hypercall(PSCI_SYSTEM_RESET, 0, 0, 0);
        print("FAIL reset: SYSTEM_RESET came back\n");
        power_off();
    }
    *marker = 0;
    look_around();
}
