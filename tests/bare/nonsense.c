/* A guest that writes random values of every size into every device register, interrupt controller register
 * and hypercall. Whatever happens to the devices, the machine must live on and power off when told to. */
#include "lib/code.h"
#include "lib/lib.h"

enum { ACCESSES = 4000 };

CODE(read_1, "ldrb w0, [x0]");
CODE(read_2, "ldrh w0, [x0]");
CODE(read_4, "ldr w0, [x0]");
CODE(read_8, "ldr x0, [x0]");
CODE(read_pair, "ldp w0, w2, [x0]");
CODE(read_16, "ldr q0, [x0]");
CODE(write_1, "strb w1, [x0]");
CODE(write_2, "strh w1, [x0]");
CODE(write_4, "str w1, [x0]");
CODE(write_8, "str x1, [x0]");
CODE(write_pair, "stp x1, x1, [x0]");
CODE(write_16, "dup v0.2d, x1\nstr q0, [x0]");
CODE(exclusive, "ldxr w0, [x0]");
CODE(atomic, "ldadd w1, w2, [x0]");
CODE(zero, "dc zva, x0");

static const uint32_t *const codes[] = {read_1, read_2, read_4, read_8, read_pair, read_16, write_1, write_2,
    write_4, write_8, write_pair, write_16, exclusive, atomic, zero};
static const uint8_t sizes[] = {1, 2, 4, 8, 4, 16, 1, 2, 4, 8, 8, 16, 4, 4, 64};
enum { CODES = sizeof(sizes) };

static uint64_t random_state = 0x123456789abcdef;

static uint64_t random_value(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Often small or all ones: what devices take for an index, a size or a mask. */
static uint64_t nonsense(void) {
    uint64_t r = random_value();
    switch (r >> 60 & 7) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return r & 0xff;
    case 3: return 1ull << (r & 63);
    case 4: return 0x40000000 + (r & 0x3ffffff); /* an address in RAM below this program */
    default: return r;
    }
}

/* Mostly aligned, as unaligned accesses of device memory never reach the device. */
static uint64_t nonsense_address(uint64_t base, uint64_t size, unsigned bytes) {
    uint64_t at = base + random_value() % size;
    return random_value() % 32 ? at & ~(uint64_t)(bytes - 1) : at;
}

/* The console's data register would fill the log; DC ZVA writes all of its block. */
static bool is_console_data(uint64_t at, const uint32_t *code) {
    return at < UART_BASE + (code == zero ? 64 : 4) && at + 16 > UART_BASE;
}

static void restore_console(void) {
    mmio_write32(UART_BASE + 0x30, 0x301); /* UARTCR: on, both ways */
    mmio_write32(UART_BASE + 0x38, 0);     /* UARTIMSC */
}

static void disturb(const char *name, uint64_t base, uint64_t size) {
    struct trap trap;
    for (unsigned i = 0; i < ACCESSES; i++) {
        unsigned code = random_value() % CODES;
        uint64_t at = nonsense_address(base, size, sizes[code]);
        if (!is_console_data(at, codes[code]))
            try_el1(&trap, codes[code], at, nonsense());
    }
    restore_console();
    test_begin(name);
    test_end();
}

/* Every register once with every size, for those that a random address misses. */
static void sweep(uint64_t base, uint64_t size) {
    struct trap trap;
    for (uint64_t at = base; at < base + size; at += 4)
        for (unsigned code = 0; code < CODES; code++)
            if (!is_console_data(at, codes[code]))
                try_el1(&trap, codes[code], at, nonsense());
    restore_console();
}

/* A virtio driver that gets the handshake right and everything else wrong. */
static void virtio_driver(uint64_t slot) {
    static const uint32_t statuses[] = {0, 1, 3, 3 | 8, 3 | 8 | 4, 0x80, 0xff};
    for (unsigned i = 0; i < 300; i++) {
        mmio_write32(slot + 0x70, statuses[random_value() % 7]);
        mmio_write32(slot + 0x24, random_value() & 1); /* DriverFeaturesSel */
        mmio_write32(slot + 0x20, (uint32_t)nonsense());
        mmio_write32(slot + 0x30, random_value() % 5); /* QueueSel */
        mmio_write32(slot + 0x38, 1u << random_value() % 17);
        for (unsigned reg = 0x80; reg <= 0xa4; reg += 4)
            mmio_write32(slot + reg, reg & 4 ? 0 : (uint32_t)(0x40000000 + random_value() % 0x4000000));
        mmio_write32(slot + 0x44, 1); /* QueueReady */
        mmio_write32(slot + 0x70, 15);
        mmio_write32(slot + 0x50, random_value() % 5); /* QueueNotify */
    }
    mmio_write32(slot + 0x70, 0);
}

static void virtio_drivers(void) {
    /* what queues point to: below the program, filled with plausible indexes */
    for (uint64_t at = 0x40000000; at < 0x44000000; at += 4096)
        for (unsigned i = 0; i < 64; i++)
            ((volatile uint64_t *)at)[i * 8] = nonsense();
    for (unsigned i = 0; i < 32; i++)
        virtio_driver(VIRTIO_BASE + i * 0x200);
    test_begin("virtio-drivers");
    test_end();
}

#define WRITE_NONSENSE(reg) __asm__ volatile("msr " #reg ", %0" ::"r"(nonsense()) : "memory")
#define READ_ANYTHING(reg)                                                                                   \
    do {                                                                                                     \
        uint64_t value;                                                                                      \
        __asm__ volatile("mrs %0, " #reg : "=r"(value)::"memory");                                           \
    } while (0)

static void interrupt_registers(void) {
    for (unsigned i = 0; i < ACCESSES; i++) {
        switch (random_value() % 16) {
        case 0: WRITE_NONSENSE(s3_0_c4_c6_0); break;   /* ICC_PMR_EL1 */
        case 1: WRITE_NONSENSE(s3_0_c12_c12_1); break; /* EOIR1 */
        case 2: WRITE_NONSENSE(s3_0_c12_c12_3); break; /* BPR1 */
        case 3: WRITE_NONSENSE(s3_0_c12_c12_4); break; /* CTLR */
        case 4: WRITE_NONSENSE(s3_0_c12_c12_7); break; /* IGRPEN1 */
        case 5: WRITE_NONSENSE(s3_0_c12_c11_1); break; /* DIR */
        case 6: WRITE_NONSENSE(s3_0_c12_c11_5); break; /* SGI1R */
        case 7: WRITE_NONSENSE(s3_0_c12_c9_0); break;  /* AP1R0 */
        case 8: READ_ANYTHING(s3_0_c12_c12_0); break;  /* IAR1 */
        case 9: READ_ANYTHING(s3_0_c12_c12_2); break;  /* HPPIR1 */
        case 10: READ_ANYTHING(s3_0_c12_c11_3); break; /* RPR */
        case 11: WRITE_NONSENSE(cntv_cval_el0); break;
        case 12: WRITE_NONSENSE(cntp_tval_el0); break;
        case 13: WRITE_NONSENSE(cntv_ctl_el0); break;
        case 14: WRITE_NONSENSE(cntp_ctl_el0); break;
        default: WRITE_NONSENSE(s3_0_c12_c12_5); break; /* SRE */
        }
    }
    test_begin("interrupt-registers");
    test_end();
}

/* All of PSCI and around it, but for what ends or suspends the machine or this CPU. */
static void hypercalls(void) {
    for (unsigned i = 0; i < ACCESSES; i++) {
        uint64_t function = random_value() % 4 ? 0x84000000 | (random_value() & 0x4000003f) : nonsense();
        uint64_t number = function & 0x3f;
        if (number == 1 || number == 2 || number == 8 || number == 9 || (number >= 0xc && number <= 0x12))
            continue;
        if (number == 3 && !(nonsense() & 0xff))
            continue;
        hypercall(function, random_value() % 16, nonsense(), nonsense());
    }
    test_begin("hypercalls");
    test_end();
}

void test_main(void) {
    static const struct {
        const char *name;
        uint64_t base, size;
    } devices[] = {
        {"gic-distributor", GICD_BASE, 0x10000},
        {"gic-its", 0x08080000, 0x20000},
        {"gic-redistributors", GICR_BASE, 0x40000 * CPUS_MAX / 2},
        {"uart", UART_BASE, 0x1000},
        {"rtc", RTC_BASE, 0x1000},
        {"firmware-configuration", 0x09020000, 0x18},
        {"gpio", GPIO_BASE, 0x1000},
        {"virtio-mmio", VIRTIO_BASE, 0x4000},
        {"anywhere-low", 0, 0x40000000},
    };
    for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        disturb(devices[i].name, devices[i].base, devices[i].size);
        if (devices[i].size <= 0x4000)
            sweep(devices[i].base, devices[i].size);
    }
    virtio_drivers();
    interrupt_registers();
    hypercalls();
    restore_console();
}
