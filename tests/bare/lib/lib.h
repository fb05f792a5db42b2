/* What the bare-metal tests stand on: console, exceptions that are expected, page tables, other CPUs, the
 * GIC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CPUS_MAX = 8 };

/* --- the memory map of the board */
#define GICD_BASE   0x08000000ull
#define GICR_BASE   0x080a0000ull
#define UART_BASE   0x09000000ull
#define RTC_BASE    0x09010000ull
#define GPIO_BASE   0x09030000ull
#define VIRTIO_BASE 0x0a000000ull

static inline uint32_t mmio_read32(uint64_t at) {
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
    return value;
}

static inline void mmio_write32(uint64_t at, uint32_t value) {
    __asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(at) : "memory");
}

static inline void mmio_write64(uint64_t at, uint64_t value) {
    __asm__ volatile("str %0, [%1]" ::"r"(value), "r"(at) : "memory");
}

#define READ_SYSREG(name)                                                                                    \
    ({                                                                                                       \
        uint64_t value_;                                                                                     \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)::"memory");                                         \
        value_;                                                                                              \
    })
#define WRITE_SYSREG(name, value)                                                                            \
    __asm__ volatile("msr " #name ", %0\n\tisb" ::"r"((uint64_t)(value)) : "memory")

/* --- console and verdicts */
void print(const char *text);
void print_hex(uint64_t value);

/* A test is named once, then says what it expects; test_end() prints PASS or FAIL with the first difference.
 */
void test_begin(const char *name);
void expect(const char *what, uint64_t got, uint64_t wanted);
void expect_true(const char *what, bool holds);
/* got as a number in the message. */
void expect_range(const char *what, uint64_t got, uint64_t low, uint64_t high);
void test_end(void);

/* --- exceptions */
struct frame {
    uint64_t x[31], elr, spsr, esr, far;
};

struct trap {
    uint64_t vector; /* offset from VBAR_EL1: 0x200 synchronous from EL1h, 0x400 from EL0 */
    uint64_t esr, far, elr, spsr;
    uint64_t x0; /* at the exception: a function's result */
    uint64_t pstate_pan;
    uint64_t daif;
};

enum { SPSR_EL0 = 0, SPSR_EL1T = 4, SPSR_EL1H = 5, SPSR_DAIF = 0xf << 6 };

/* Continues at pc with x0 = a, x1 = b and PSTATE from spsr, until an exception. */
struct trap try_at(uint64_t spsr, uint64_t pc, uint64_t a, uint64_t b);
/* Calls code at EL1h; true when it returned instead of trapping (trap.x0 is its result). */
bool try_el1(struct trap *trap, const void *code, uint64_t a, uint64_t b);
/* The same at EL0: code must be in section ".user", and end with svc #TRY_DONE (or trap). */
bool try_el0(struct trap *trap, const void *code, uint64_t a, uint64_t b);
/* Where code of section ".user" is mapped for EL0. */
uint64_t user_address(const void *code);

/* Called for IRQs on the CPU that takes them. */
extern void (*volatile irq_handler)(void);

/* --- the MMU: 4 KiB pages, 48-bit addresses. RAM and devices are mapped one to one for EL1; tests map more
 * above TEST_VA. */
#define TEST_VA 0x8000000000ull

#define PTE_VALID      1ull
#define PTE_TABLE      3ull
#define PTE_PAGE       3ull
#define PTE_NORMAL     (0ull << 2)
#define PTE_DEVICE     (1ull << 2)
#define PTE_USER       (1ull << 6)
#define PTE_READONLY   (1ull << 7)
#define PTE_SHARED     (3ull << 8)
#define PTE_AF         (1ull << 10)
#define PTE_NOT_GLOBAL (1ull << 11)
#define PTE_DBM        (1ull << 51)
#define PTE_CONTIGUOUS (1ull << 52)
#define PTE_PXN        (1ull << 53)
#define PTE_UXN        (1ull << 54)
#define PTE_ADDRESS    0x0000fffffffff000ull
/* Readable and writable at EL1, nothing else. */
#define PTE_DATA (PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_AF | PTE_PXN | PTE_UXN)

/* The entry for va at a level (1 to 3) of the tables at TTBR0, made when the tables above it are missing. */
volatile uint64_t *mmu_entry(uint64_t va, unsigned level);
/* The same in the tables at root. */
volatile uint64_t *mmu_entry_in(uint64_t *root, uint64_t va, unsigned level);
uint64_t *mmu_root(void);
/* A zeroed page, for tables or data. */
void *page_alloc(void);
/* Sets an entry and makes it visible: break before make with TLBI VAE1IS. */
void mmu_set(uint64_t va, unsigned level, uint64_t entry);
void tlb_flush(void);
void mmu_enable(void);

/* --- other CPUs, by PSCI */
uint64_t hypercall(uint64_t function, uint64_t a, uint64_t b, uint64_t c);
enum {
    PSCI_VERSION = 0x84000000,
    PSCI_CPU_OFF = 0x84000002,
    PSCI_SYSTEM_OFF = 0x84000008,
    PSCI_SYSTEM_RESET = 0x84000009,
    PSCI_FEATURES = 0x8400000a,
};
#define PSCI_CPU_ON        0xc4000003
#define PSCI_AFFINITY_INFO 0xc4000004

unsigned this_cpu(void);
/* How many CPUs answer; they are numbered from 0. */
unsigned cpu_count(void);
/* Runs fn on another CPU (which must be off); it goes off when fn returns. */
bool cpu_start(unsigned cpu, void (*fn)(void));
/* Waits until the CPU is off; false after ten seconds. */
bool cpu_join(unsigned cpu);
/* Runs fn on CPUs 0 to n-1 at once and waits for all. */
bool cpus_run(unsigned n, void (*fn)(void));
/* Busy waiting: false when the condition did not come true within ten seconds (hosts may be busy). */
#define WAIT_FOR(condition)                                                                                  \
    ({                                                                                                       \
        uint64_t end_ = READ_SYSREG(cntvct_el0) + READ_SYSREG(cntfrq_el0) * 10;                              \
        while (!(condition) && (int64_t)(READ_SYSREG(cntvct_el0) - end_) < 0)                                \
            ;                                                                                                \
        (condition);                                                                                         \
    })

_Noreturn void power_off(void);

/* The test itself; on CPU 0, MMU on. The library powers off afterwards. */
void test_main(void);
