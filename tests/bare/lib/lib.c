#include "lib.h"

#include "offsets.h"

uint8_t stacks[CPUS_MAX][STACK_SIZE] __attribute__((aligned(16)));

struct per_cpu {
    uint64_t saved[14]; /* try_enter() */
    struct trap trap;
    bool trying;
    unsigned number;
    void (*fn)(void);
};
struct per_cpu_slot {
    struct per_cpu cpu;
    uint8_t padding[PER_CPU_SIZE - sizeof(struct per_cpu)];
};
struct per_cpu_slot per_cpu[CPUS_MAX] __attribute__((aligned(16)));

void (*volatile irq_handler)(void);

static struct per_cpu *self(void) {
    return (struct per_cpu *)READ_SYSREG(tpidr_el1);
}

/* gcc calls these for struct copies. */
void *memcpy(void *to, const void *from, size_t size) {
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = ((const volatile uint8_t *)from)[i];
    return to;
}

void *memset(void *to, int value, size_t size) {
    for (size_t i = 0; i < size; i++)
        ((volatile uint8_t *)to)[i] = (uint8_t)value;
    return to;
}

/* --- console */

static void print_char(char c) {
    while (mmio_read32(UART_BASE + 0x18) & 1 << 5) /* UARTFR.TXFF */
        ;
    mmio_write32(UART_BASE, (uint8_t)c);
}

void print(const char *text) {
    for (; *text; text++)
        print_char(*text);
}

void print_hex(uint64_t value) {
    print("0x");
    bool started = false;
    for (int shift = 60; shift >= 0; shift -= 4) {
        unsigned digit = value >> shift & 15;
        started = started || digit || shift == 0;
        if (started)
            print_char("0123456789abcdef"[digit]);
    }
}

static const char *test_name;
static bool test_failed;

void test_begin(const char *name) {
    test_name = name;
    test_failed = false;
}

static bool fail_start(const char *what) {
    if (test_failed)
        return false;
    test_failed = true;
    print("FAIL ");
    print(test_name);
    print(": ");
    print(what);
    return true;
}

void expect(const char *what, uint64_t got, uint64_t wanted) {
    if (got == wanted || !fail_start(what))
        return;
    print(" is ");
    print_hex(got);
    print(", not ");
    print_hex(wanted);
    print("\n");
}

void expect_range(const char *what, uint64_t got, uint64_t low, uint64_t high) {
    if ((got >= low && got <= high) || !fail_start(what))
        return;
    print(" is ");
    print_hex(got);
    print(", not between ");
    print_hex(low);
    print(" and ");
    print_hex(high);
    print("\n");
}

void expect_true(const char *what, bool holds) {
    if (!holds && fail_start(what))
        print("\n");
}

void test_end(void) {
    if (test_failed)
        return;
    print("PASS ");
    print(test_name);
    print("\n");
}

/* --- exceptions */

uint64_t try_enter(uint64_t spsr, uint64_t pc, uint64_t a, uint64_t b);
_Noreturn void try_leave(void);

static void print_unexpected(unsigned vector, const struct frame *frame) {
    test_failed = false;
    fail_start("unexpected exception, vector ");
    print_hex(vector * 128);
    print(" esr ");
    print_hex(frame->esr);
    print(" far ");
    print_hex(frame->far);
    print(" elr ");
    print_hex(frame->elr);
    print(" spsr ");
    print_hex(frame->spsr);
    print("\n");
}

/* From the vectors, with the frame that they restore when this returns. */
void on_exception(unsigned vector, const struct frame *frame) {
    struct per_cpu *cpu = self();
    if ((vector & 3) == 1 && irq_handler) {
        irq_handler();
        return;
    }
    if (!cpu->trying) {
        print_unexpected(vector, frame);
        power_off();
    }
    cpu->trying = false;
    cpu->trap = (struct trap){
        .vector = vector * 128,
        .esr = frame->esr,
        .far = frame->far,
        .elr = frame->elr,
        .spsr = frame->spsr,
        .x0 = frame->x[0],
        .daif = READ_SYSREG(daif),
        .pstate_pan = READ_SYSREG(s3_0_c4_c2_3),
    };
    try_leave();
}

struct trap try_at(uint64_t spsr, uint64_t pc, uint64_t a, uint64_t b) {
    struct per_cpu *cpu = self();
    cpu->trying = true;
    try_enter(spsr, pc, a, b);
    return cpu->trap;
}

static bool returned(const struct trap *trap) {
    return trap->esr == (0x15ull << 26 | 1 << 25 | TRY_DONE);
}

bool try_el1(struct trap *trap, const void *code, uint64_t a, uint64_t b) {
    uint64_t pan = READ_SYSREG(s3_0_c4_c2_3);
    *trap = try_at(SPSR_EL1H | SPSR_DAIF | pan, (uint64_t)code, a, b);
    WRITE_SYSREG(s3_0_c4_c2_3, pan); /* exceptions may set it */
    return returned(trap);
}

extern uint8_t image_start[], user_start[], user_end[];
#define USER_VA (TEST_VA + 0x7000000000ull)

uint64_t user_address(const void *code) {
    return USER_VA + (uint64_t)((const uint8_t *)code - user_start);
}

bool try_el0(struct trap *trap, const void *code, uint64_t a, uint64_t b) {
    *trap = try_at(SPSR_EL0 | SPSR_DAIF, user_address(code), a, b);
    return returned(trap);
}

/* --- the MMU */

static uint64_t root_table[512] __attribute__((aligned(4096)));
static uint8_t page_pool[320][4096] __attribute__((aligned(4096)));
static unsigned pages_used;

void *page_alloc(void) {
    if (pages_used == sizeof(page_pool) / sizeof(page_pool[0])) {
        print("FAIL lib: out of pages\n");
        power_off();
    }
    return page_pool[pages_used++];
}

uint64_t *mmu_root(void) {
    return root_table;
}

volatile uint64_t *mmu_entry_in(uint64_t *root, uint64_t va, unsigned level) {
    volatile uint64_t *table = root;
    for (unsigned at = 0;; at++) {
        volatile uint64_t *entry = &table[va >> (39 - 9 * at) & 511];
        if (at == level)
            return entry;
        if (!(*entry & PTE_VALID))
            *entry = (uint64_t)page_alloc() | PTE_TABLE;
        table = (volatile uint64_t *)(*entry & PTE_ADDRESS);
    }
}

volatile uint64_t *mmu_entry(uint64_t va, unsigned level) {
    return mmu_entry_in(root_table, va, level);
}

void mmu_set(uint64_t va, unsigned level, uint64_t value) {
    volatile uint64_t *entry = mmu_entry(va, level);
    *entry = 0;
    __asm__ volatile("dsb ishst\n\ttlbi vaae1is, %0\n\tdsb ish" ::"r"(va >> 12 & 0xfffffffffff) : "memory");
    *entry = value;
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
}

void tlb_flush(void) {
    __asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" ::: "memory");
}

/* Devices; RAM for data, but for the image's code; and what EL0 may execute. */
static void make_tables(void) {
    *mmu_entry(0, 1) = PTE_VALID | PTE_DEVICE | PTE_AF | PTE_UXN | PTE_PXN;
    for (uint64_t at = 0x40000000; at < 0x80000000; at += 2 << 20)
        *mmu_entry(at, 2) = at | (PTE_DATA & ~PTE_PAGE) | PTE_VALID;
    const uint64_t image = (uint64_t)image_start;
    *mmu_entry(image, 2) = 0;
    for (uint64_t at = image; at < image + (2 << 20); at += 4096)
        *mmu_entry(at, 3) =
            at < (uint64_t)user_end ? at | (PTE_DATA & ~PTE_PXN) | PTE_READONLY : at | PTE_DATA;
    for (uint8_t *at = user_start; at < user_end; at += 4096)
        *mmu_entry(user_address(at), 3) =
            (uint64_t)at | PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_AF | PTE_USER | PTE_READONLY | PTE_PXN;
}

void mmu_enable(void) {
    uint64_t parange = READ_SYSREG(id_aa64mmfr0_el1) & 7;
    WRITE_SYSREG(mair_el1, 0x04ff); /* 0: normal, write-back; 1: device nGnRE */
    WRITE_SYSREG(tcr_el1, 16 | 1 << 8 | 1 << 10 | 3 << 12 | 16 << 16 | 1ull << 24 | 1 << 26 | 3 << 28 |
                              2ull << 30 | 1ull << 23 | parange << 32);
    WRITE_SYSREG(ttbr0_el1, (uint64_t)root_table);
    __asm__ volatile("dsb ish\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::: "memory");
    /* M C I, RES1, SPAN, nTWE nTWI, UCT DZE UCI; no alignment checks, SP alignment checks on */
    WRITE_SYSREG(
        sctlr_el1, 0x30d00800 | 1 | 4 | 1 << 12 | 3 << 3 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26);
}

/* --- other CPUs */

void secondary_entry(void);

unsigned this_cpu(void) {
    return self()->number;
}

unsigned cpu_count(void) {
    unsigned n = 1;
    while (n < CPUS_MAX && (int64_t)hypercall(PSCI_AFFINITY_INFO, n, 0, 0) >= 0)
        n++;
    return n;
}

bool cpu_start(unsigned cpu, void (*fn)(void)) {
    per_cpu[cpu].cpu.fn = fn;
    per_cpu[cpu].cpu.number = cpu;
    __asm__ volatile("dsb sy" ::: "memory");
    return hypercall(PSCI_CPU_ON, cpu, (uint64_t)secondary_entry, cpu) == 0;
}

bool cpu_join(unsigned cpu) {
    return WAIT_FOR(hypercall(PSCI_AFFINITY_INFO, cpu, 0, 0) == 1);
}

void start_secondary(void) {
    self()->fn();
    hypercall(PSCI_CPU_OFF, 0, 0, 0);
}

bool cpus_run(unsigned n, void (*fn)(void)) {
    bool ok = true;
    for (unsigned i = 1; i < n; i++)
        ok = cpu_start(i, fn) && ok;
    fn();
    for (unsigned i = 1; i < n; i++)
        ok = cpu_join(i) && ok;
    return ok;
}

_Noreturn void power_off(void) {
    hypercall(PSCI_SYSTEM_OFF, 0, 0, 0);
    for (;;)
        __asm__ volatile("wfi");
}

void start_main(void) {
    make_tables();
    mmu_enable();
    test_main();
    print("DONE\n");
    power_off();
}
