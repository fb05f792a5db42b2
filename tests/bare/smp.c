/* Several CPUs: PSCI, atomic and exclusive counters, TLB and instruction-cache maintenance that others must
 * see, and litmus tests of the memory model. */
#include "lib/code.h"
#include "lib/lib.h"

static unsigned cpus;

/* --- meeting points */

static volatile uint32_t arrived, generation;

/* All CPUs of a test wait here for one another. */
static void barrier(void) {
    const uint32_t mine = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == cpus) {
        arrived = 0;
        __atomic_store_n(&generation, mine + 1, __ATOMIC_RELEASE);
        return;
    }
    while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == mine)
        ;
}

/* --- PSCI */

static volatile uint64_t seen_context, seen_el, seen_mpidr;

static void report_in(void) {
    seen_context = this_cpu();
    seen_el = READ_SYSREG(currentel) >> 2;
    seen_mpidr = READ_SYSREG(mpidr_el1) & 0xffffff;
}

static volatile bool leave;

static void stay(void) {
    while (!leave)
        ;
}

static void psci(void) {
    test_begin("psci-on-off");
    for (unsigned i = 1; i < cpus; i++) {
        seen_context = 0;
        expect("AFFINITY_INFO before", hypercall(PSCI_AFFINITY_INFO, i, 0, 0), 1);
        expect_true("CPU_ON", cpu_start(i, report_in));
        expect_true("CPU_OFF", cpu_join(i));
        expect("context", seen_context, i);
        expect("exception level", seen_el, 1);
        expect("MPIDR_EL1", seen_mpidr, i);
    }
    test_end();

    test_begin("psci-errors");
    expect_true("start CPU 1", cpu_start(1, stay));
    expect_true("it runs", WAIT_FOR(hypercall(PSCI_AFFINITY_INFO, 1, 0, 0) == 0));
    expect("CPU_ON twice: ALREADY_ON", hypercall(PSCI_CPU_ON, 1, (uint64_t)stay, 0), (uint64_t)-4);
    leave = true;
    expect_true("it goes off", cpu_join(1));
    expect("CPU_ON of itself: ALREADY_ON", hypercall(PSCI_CPU_ON, 0, (uint64_t)stay, 0), (uint64_t)-4);
    expect(
        "CPU_ON of none: INVALID_PARAMETERS", hypercall(PSCI_CPU_ON, 0x100, (uint64_t)stay, 0), (uint64_t)-2);
    expect("AFFINITY_INFO of none", hypercall(PSCI_AFFINITY_INFO, 0xff00, 0, 0), (uint64_t)-2);
    expect("FEATURES: CPU_ON", hypercall(PSCI_FEATURES, PSCI_CPU_ON, 0, 0), 0);
    expect("FEATURES: unknown", hypercall(PSCI_FEATURES, 0x8400ff00, 0, 0), (uint64_t)-1);
    test_end();
}

/* --- counters */

enum { INCREMENTS = 100000 };
static volatile uint64_t counter __attribute__((aligned(64)));
static volatile uint64_t pair[2] __attribute__((aligned(64)));

static void add_atomic(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++)
        __asm__ volatile("stadd %0, [%1]" ::"r"(1ull), "r"(&counter) : "memory");
}

static void add_exclusive(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint64_t value;
        uint32_t failed;
        __asm__ volatile("1: ldxr %0, [%2]\n\tadd %0, %0, #1\n\tstxr %w1, %0, [%2]\n\tcbnz %w1, 1b"
                         : "=&r"(value), "=&r"(failed)
                         : "r"(&counter)
                         : "memory");
    }
}

static void add_exclusive_byte(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint32_t value, failed;
        __asm__ volatile("1: ldaxrb %w0, [%2]\n\tadd %w0, %w0, #1\n\tstlxrb %w1, %w0, [%2]\n\tcbnz %w1, 1b"
                         : "=&r"(value), "=&r"(failed)
                         : "r"((volatile uint8_t *)&counter + this_cpu() % 2)
                         : "memory");
    }
}

static void add_compare(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint64_t seen, wanted;
        do {
            seen = wanted = counter;
            __asm__ volatile("casal %0, %1, [%2]" : "+r"(seen) : "r"(wanted + 1), "r"(&counter) : "memory");
        } while (seen != wanted);
    }
}

/* Both halves must always be alike: a torn 128-bit store-exclusive or CASP would show. */
static volatile uint32_t torn;

static void add_pair_exclusive(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint64_t low, high;
        uint32_t failed;
        __asm__ volatile("1: ldaxp %0, %1, [%3]\n\tadd x9, %0, #1\n\tadd x10, %1, #1\n\t"
                         "stlxp %w2, x9, x10, [%3]\n\tcbnz %w2, 1b"
                         : "=&r"(low), "=&r"(high), "=&r"(failed)
                         : "r"(pair)
                         : "memory", "x9", "x10");
        if (low != high)
            torn = 1;
    }
}

static void add_pair_compare(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint64_t low, high;
        __asm__ volatile("ldp x8, x9, [%2]\n"
                         "1: mov %0, x8\n\tmov %1, x9\n\tadd x10, x8, #1\n\tadd x11, x9, #1\n\t"
                         "caspal x8, x9, x10, x11, [%2]\n\t"
                         "cmp x8, %0\n\tccmp x9, %1, #0, eq\n\tb.ne 1b"
                         : "=&r"(low), "=&r"(high)
                         : "r"(pair)
                         : "memory", "cc", "x8", "x9", "x10", "x11");
        if (low != high)
            torn = 1;
    }
}

static volatile uint32_t lock_word;

static void add_locked(void) {
    barrier();
    for (unsigned i = 0; i < INCREMENTS; i++) {
        uint32_t old;
        do
            __asm__ volatile("swpa %w1, %w0, [%2]" : "=r"(old) : "r"(1), "r"(&lock_word) : "memory");
        while (old);
        counter = counter + 1;
        __asm__ volatile("stlr wzr, [%0]" ::"r"(&lock_word) : "memory");
    }
}

static void count(const char *name, void (*fn)(void), uint64_t wanted) {
    test_begin(name);
    counter = 0;
    expect_true("all CPUs ran", cpus_run(cpus, fn));
    expect("the counter", counter, wanted);
    test_end();
}

static void count_pairs(const char *name, void (*fn)(void)) {
    test_begin(name);
    pair[0] = pair[1] = 0;
    torn = 0;
    expect_true("all CPUs ran", cpus_run(cpus, fn));
    expect("low half", pair[0], (uint64_t)cpus * INCREMENTS);
    expect("high half", pair[1], (uint64_t)cpus * INCREMENTS);
    expect("torn", torn, 0);
    test_end();
}

static void counters(void) {
    const uint64_t all = (uint64_t)cpus * INCREMENTS;
    count("counter-lse", add_atomic, all);
    count("counter-exclusive", add_exclusive, all);
    count("counter-cas", add_compare, all);
    count("counter-lock", add_locked, all);
    /* two neighbouring bytes: each wraps by itself */
    const uint64_t even = (cpus + 1) / 2, odd = cpus / 2;
    count("counter-exclusive-byte", add_exclusive_byte,
        (even * INCREMENTS & 0xff) | (odd * INCREMENTS & 0xff) << 8);
    count_pairs("counter-exclusive-pair", add_pair_exclusive);
    count_pairs("counter-casp", add_pair_compare);
}

/* A store between load- and store-exclusive, from another CPU, makes the latter fail. */
static volatile uint32_t handshake;
static volatile uint64_t guarded;

static void interfere(void) {
    if (!WAIT_FOR(handshake == 1))
        return;
    guarded = 7;
    __asm__ volatile("dsb sy" ::: "memory");
    handshake = 2;
}

static void exclusive_interference(void) {
    test_begin("exclusive-interference");
    handshake = 0;
    guarded = 5;
    cpu_start(1, interfere);
    uint64_t value;
    uint32_t failed;
    __asm__ volatile("ldxr %0, [%2]\n\t"
                     "mov w9, #1\n\tstr w9, [%3]\n\tdsb sy\n"
                     "1: ldr w9, [%3]\n\tcmp w9, #2\n\tb.ne 1b\n\tdsb sy\n\t"
                     "stxr %w1, xzr, [%2]"
                     : "=&r"(value), "=&r"(failed)
                     : "r"(&guarded), "r"(&handshake)
                     : "memory", "cc", "x9");
    cpu_join(1);
    expect("loaded", value, 5);
    expect("the store fails", failed, 1);
    expect("memory", guarded, 7);
    test_end();
}

/* --- TLB maintenance that another CPU must see by the time DSB completes */

enum { TLB_ROUNDS = 500 };
static volatile uint64_t tlb_va;
static volatile uint32_t phase, tlb_errors;

static void follow_mapping(void) {
    for (uint32_t i = 0; i < TLB_ROUNDS; i++) {
        while (phase != 2 * i + 1)
            ;
        __asm__ volatile("dsb sy\n\tisb" ::: "memory");
        if (*(volatile uint64_t *)tlb_va != i)
            tlb_errors = tlb_errors + 1;
        __asm__ volatile("dsb sy" ::: "memory");
        phase = 2 * i + 2;
    }
}

static void tlb_broadcast(void) {
    uint64_t *pages[2] = {page_alloc(), page_alloc()};
    test_begin("tlbi-broadcast");
    tlb_va = TEST_VA;
    volatile uint64_t *entry = mmu_entry(tlb_va, 3);
    phase = tlb_errors = 0;
    cpu_start(1, follow_mapping);
    for (uint32_t i = 0; i < TLB_ROUNDS; i++) {
        *pages[i & 1] = i;
        *entry = (uint64_t)pages[i & 1] | PTE_DATA;
        __asm__ volatile("dsb ishst\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"(tlb_va >> 12) : "memory");
        phase = 2 * i + 1;
        if (!WAIT_FOR(phase == 2 * i + 2))
            break;
    }
    expect_true("CPU 1 followed", cpu_join(1));
    expect("stale reads", tlb_errors, 0);
    test_end();
}

/* A CPU in a tight loop of stores loses the right to write: after TLBI and DSB no store may land. */
static volatile bool storing;
static volatile uint64_t store_va;

static void store_until_fault(void) {
    struct trap trap;
    extern const uint32_t store_loop[];
    storing = true;
    try_el1(&trap, store_loop, store_va, 0);
    seen_context = trap.esr & 0x7f;
}
CODE(store_loop, "1: add x1, x1, #1\nstr x1, [x0]\nb 1b");

static void tlb_revoke(void) {
    uint64_t *page = page_alloc();
    test_begin("tlbi-revokes-store");
    for (unsigned round = 0; round < 50; round++) {
        store_va = TEST_VA + 0x1000;
        mmu_set(store_va, 3, (uint64_t)page | PTE_DATA);
        storing = false;
        cpu_start(1, store_until_fault);
        uint64_t first = *(volatile uint64_t *)page;
        WAIT_FOR(storing && *(volatile uint64_t *)page != first);
        *mmu_entry(store_va, 3) = (uint64_t)page | PTE_DATA | PTE_READONLY;
        __asm__ volatile("dsb ishst\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"(store_va >> 12) : "memory");
        uint64_t after = *(volatile uint64_t *)page;
        for (volatile unsigned i = 0; i < 1000; i++)
            ;
        expect("a store after DSB", *(volatile uint64_t *)page, after);
        expect_true("CPU 1 took the fault", cpu_join(1));
        expect("its status", seen_context, 0x4f);
    }
    test_end();
}

/* --- code that changes */

enum { CODE_ROUNDS = 500 };
static uint32_t *code_page;
#define CODE_VA (TEST_VA + 0x200000)
static volatile uint32_t code_errors;

/* mov w0, #i; ret */
static void write_code(uint32_t i) {
    *(volatile uint32_t *)code_page = 0x52800000 | (i & 0xffff) << 5;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %1\n\tdsb ish\n\tisb" ::"r"(code_page), "r"(CODE_VA)
                     : "memory");
}

static uint64_t call_code(void) {
    register uint64_t x0 __asm__("x0");
    register uint64_t x9 __asm__("x9") = CODE_VA;
    __asm__ volatile("blr x9" : "=r"(x0) : "r"(x9) : "x30", "memory");
    return x0;
}

static void map_code(void) {
    code_page = page_alloc();
    code_page[1] = 0xd65f03c0;
    mmu_set(CODE_VA, 3, (uint64_t)code_page | (PTE_DATA & ~PTE_PXN) | PTE_READONLY);
}

static void own_code(void) {
    test_begin("code-own");
    for (uint32_t i = 0; i < CODE_ROUNDS; i++) {
        write_code(i);
        expect("the number it returns", call_code(), i);
    }
    test_end();
}

static void follow_code(void) {
    for (uint32_t i = 0; i < CODE_ROUNDS; i++) {
        while (phase != 2 * i + 1)
            ;
        __asm__ volatile("isb" ::: "memory");
        if (call_code() != i)
            code_errors = code_errors + 1;
        __asm__ volatile("dsb sy" ::: "memory");
        phase = 2 * i + 2;
    }
}

static void code_broadcast(void) {
    test_begin("code-broadcast");
    phase = code_errors = 0;
    cpu_start(1, follow_code);
    for (uint32_t i = 0; i < CODE_ROUNDS; i++) {
        write_code(i);
        phase = 2 * i + 1;
        if (!WAIT_FOR(phase == 2 * i + 2))
            break;
    }
    expect_true("CPU 1 followed", cpu_join(1));
    expect("stale code", code_errors, 0);
    test_end();
}

/* Another CPU runs in a loop of calls while the code changes: it sees the old or the new, and soon the new.
 */
static volatile uint64_t last_called;
static volatile bool stop_calling;

static void keep_calling(void) {
    while (!stop_calling) {
        uint64_t now = call_code();
        if (now < last_called)
            code_errors = code_errors + 1;
        last_called = now;
        __asm__ volatile("isb" ::: "memory");
    }
}

static void code_concurrent(void) {
    test_begin("code-concurrent");
    code_errors = 0;
    last_called = 0;
    stop_calling = false;
    write_code(0);
    cpu_start(1, keep_calling);
    for (uint32_t i = 1; i < CODE_ROUNDS; i++) {
        write_code(i);
        if (!WAIT_FOR(last_called == i)) {
            expect("what CPU 1 sees", last_called, i);
            break;
        }
    }
    stop_calling = true;
    expect_true("CPU 1 stops", cpu_join(1));
    expect("went backwards", code_errors, 0);
    test_end();
}

/* Every CPU changes mappings and code of its own at once: none may wait for another for ever, nor see stale
 * ones. */
enum { STORM_ROUNDS = 2000 };
static uint64_t *storm_pages[CPUS_MAX][2];
static uint32_t *storm_code[CPUS_MAX];
static volatile uint32_t storm_errors;

static uint64_t storm_va(unsigned cpu) {
    return TEST_VA + (1ull << 30) + cpu * 0x400000ull;
}

static void storm(void) {
    const unsigned me = this_cpu();
    const uint64_t va = storm_va(me), code_va = va + 0x1000;
    volatile uint64_t *entry = mmu_entry(va, 3);
    barrier();
    for (uint32_t i = 0; i < STORM_ROUNDS; i++) {
        *(volatile uint64_t *)storm_pages[me][i & 1] = i;
        *entry = (uint64_t)storm_pages[me][i & 1] | PTE_DATA;
        *(volatile uint32_t *)storm_code[me] = 0x52800000 | (i & 0xffff) << 5; /* mov w0, #i */
        __asm__ volatile(
            "dsb ish\n\ttlbi vaae1is, %0\n\tic ivau, %1\n\tdsb ish\n\tisb" ::"r"(va >> 12), "r"(code_va)
            : "memory");
        register uint64_t x0 __asm__("x0");
        register uint64_t x9 __asm__("x9") = code_va;
        __asm__ volatile("blr x9" : "=r"(x0) : "r"(x9) : "x30", "memory");
        if (*(volatile uint64_t *)va != i || x0 != i)
            __atomic_add_fetch(&storm_errors, 1, __ATOMIC_RELAXED);
    }
}

static void maintenance_storm(void) {
    test_begin("maintenance-storm");
    for (unsigned i = 0; i < cpus; i++) {
        storm_pages[i][0] = page_alloc();
        storm_pages[i][1] = page_alloc();
        storm_code[i] = page_alloc();
        storm_code[i][1] = 0xd65f03c0; /* ret */
        mmu_set(storm_va(i), 3, (uint64_t)storm_pages[i][0] | PTE_DATA);
        mmu_set(storm_va(i) + 0x1000, 3, (uint64_t)storm_code[i] | (PTE_DATA & ~PTE_PXN) | PTE_READONLY);
    }
    expect_true("all CPUs ran", cpus_run(cpus, storm));
    expect("stale mappings or code", storm_errors, 0);
    test_end();
}

/* --- litmus tests on two CPUs: outcomes that the memory model forbids must not be seen */

enum { LITMUS_ROUNDS = 20000, LITMUS_SECONDS = 3, LITMUS_END = UINT32_MAX };
static volatile uint64_t litmus_x __attribute__((aligned(64)));
static volatile uint64_t litmus_y __attribute__((aligned(64)));
static volatile uint64_t result_a[2], result_b[2];
static volatile uint32_t round_start __attribute__((aligned(64)));
static volatile uint32_t round_end __attribute__((aligned(64)));
static uint64_t forbidden;
static void (*side[2])(void);

static void litmus_other(void) {
    for (uint32_t i = 1;; i++) {
        while (round_start != i)
            if (round_start == LITMUS_END)
                return;
        side[1]();
        __asm__ volatile("dsb sy" ::: "memory");
        round_end = i;
    }
}

static void litmus(const char *name, void (*a)(void), void (*b)(void), bool (*is_forbidden)(void)) {
    test_begin(name);
    side[0] = a;
    side[1] = b;
    round_start = round_end = 0;
    forbidden = 0;
    expect_true("CPU 1 starts", cpu_start(1, litmus_other));
    const uint64_t deadline = READ_SYSREG(cntvct_el0) + READ_SYSREG(cntfrq_el0) * LITMUS_SECONDS;
    for (uint32_t i = 1; i <= LITMUS_ROUNDS && READ_SYSREG(cntvct_el0) < deadline; i++) {
        litmus_x = litmus_y = 0;
        __asm__ volatile("dsb sy" ::: "memory");
        round_start = i;
        side[0]();
        __asm__ volatile("dsb sy" ::: "memory");
        while (round_end != i)
            ;
        __asm__ volatile("dsb sy" ::: "memory");
        forbidden += is_forbidden();
    }
    round_start = LITMUS_END;
    expect_true("CPU 1 ends", cpu_join(1));
    expect("forbidden outcomes", forbidden, 0);
    test_end();
}

#define DMB() __asm__ volatile("dmb ish" ::: "memory")

static void mp_write(void) {
    litmus_x = 1;
    __asm__ volatile("dmb ishst" ::: "memory");
    litmus_y = 1;
}

static void mp_read(void) {
    result_b[0] = litmus_y;
    __asm__ volatile("dmb ishld" ::: "memory");
    result_b[1] = litmus_x;
}

static bool mp_forbidden(void) {
    return result_b[0] == 1 && result_b[1] == 0;
}

static void mp_release(void) {
    litmus_x = 1;
    __asm__ volatile("stlr %0, [%1]" ::"r"(1ull), "r"(&litmus_y) : "memory");
}

static void mp_acquire(void) {
    uint64_t value;
    __asm__ volatile("ldar %0, [%1]" : "=r"(value) : "r"(&litmus_y) : "memory");
    result_b[0] = value;
    result_b[1] = litmus_x;
}

static void sb_first(void) {
    litmus_x = 1;
    DMB();
    result_a[0] = litmus_y;
}

static void sb_second(void) {
    litmus_y = 1;
    DMB();
    result_b[0] = litmus_x;
}

static bool sb_forbidden(void) {
    return result_a[0] == 0 && result_b[0] == 0;
}

/* STLR then LDAR are ordered with each other: RCsc. */
static void sb_release_first(void) {
    uint64_t value;
    __asm__ volatile("stlr %1, [%2]\n\tldar %0, [%3]"
                     : "=&r"(value)
                     : "r"(1ull), "r"(&litmus_x), "r"(&litmus_y)
                     : "memory");
    result_a[0] = value;
}

static void sb_release_second(void) {
    uint64_t value;
    __asm__ volatile("stlr %1, [%2]\n\tldar %0, [%3]"
                     : "=&r"(value)
                     : "r"(1ull), "r"(&litmus_y), "r"(&litmus_x)
                     : "memory");
    result_b[0] = value;
}

static void lb_first(void) {
    result_a[0] = litmus_x;
    DMB();
    litmus_y = 1;
}

static void lb_second(void) {
    result_b[0] = litmus_y;
    DMB();
    litmus_x = 1;
}

static bool lb_forbidden(void) {
    return result_a[0] == 1 && result_b[0] == 1;
}

static void litmus_tests(void) {
    litmus("litmus-mp-dmb", mp_write, mp_read, mp_forbidden);
    litmus("litmus-mp-acquire-release", mp_release, mp_acquire, mp_forbidden);
    litmus("litmus-sb-dmb", sb_first, sb_second, sb_forbidden);
    litmus("litmus-sb-acquire-release", sb_release_first, sb_release_second, sb_forbidden);
    litmus("litmus-lb-dmb", lb_first, lb_second, lb_forbidden);
}

/* --- events */

static volatile uint32_t woken;

static void wait_for_event(void) {
    __asm__ volatile("sevl\n\twfe" ::: "memory");
    handshake = 1;
    while (handshake != 2)
        __asm__ volatile("wfe" ::: "memory");
    woken = 1;
}

static void events(void) {
    test_begin("wfe-sev");
    for (unsigned round = 0; round < 20; round++) {
        handshake = woken = 0;
        cpu_start(1, wait_for_event);
        expect_true("CPU 1 waits", WAIT_FOR(handshake == 1));
        for (volatile unsigned i = 0; i < 10000; i++)
            ;
        handshake = 2;
        __asm__ volatile("dsb ish\n\tsev" ::: "memory");
        expect_true("CPU 1 wakes", WAIT_FOR(woken == 1));
        expect_true("CPU 1 ends", cpu_join(1));
    }
    test_end();
}

void test_main(void) {
    cpus = cpu_count();
    if (cpus < 2) {
        print("FAIL smp: needs at least 2 CPUs\n");
        return;
    }
    psci();
    counters();
    exclusive_interference();
    tlb_broadcast();
    tlb_revoke();
    map_code();
    own_code();
    code_broadcast();
    code_concurrent();
    maintenance_storm();
    litmus_tests();
    events();
}
