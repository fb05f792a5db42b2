/* PSCI (DEN0022), SMCCC (DEN0028) and TRNG (DEN0098) calls, with the threads of the vCPUs behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "board/psci.h"
#include "fake_engine.h"

enum { CPUS = 3, RAM = 0x40000000, RAM_SIZE = 0x10000 };

static uint8_t ram[RAM_SIZE];
static struct memory *memory;
static struct vcpus *vcpus;
static struct psci psci;

static enum psci_system system_call;
static unsigned system_calls, halts, last_powered_off;
static pthread_mutex_t halt_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t halt_changed = PTHREAD_COND_INITIALIZER;

static void on_system(void *ctx, enum psci_system what) {
    (void)ctx;
    system_call = what;
    system_calls++;
    vcpus_halt(vcpus);
}

static void on_powered_off(void *ctx, unsigned cpu) {
    (void)ctx;
    last_powered_off = cpu;
}

static void on_halted(void *ctx, bool failed) {
    (void)ctx;
    pthread_mutex_lock(&halt_lock);
    halts += failed ? 100 : 1;
    pthread_cond_broadcast(&halt_changed);
    pthread_mutex_unlock(&halt_lock);
}

static unsigned wait_for_halt(void) {
    pthread_mutex_lock(&halt_lock);
    while (!halts)
        pthread_cond_wait(&halt_changed, &halt_lock);
    unsigned seen = halts;
    pthread_mutex_unlock(&halt_lock);
    return seen;
}

static int64_t call(unsigned cpu, uint32_t function, uint64_t a, uint64_t b, uint64_t c) {
    uint64_t x[18] = {function, a, b, c};
    psci_call(&psci, cpu, x);
    return (int64_t)x[0];
}

static int setup(void **state) {
    (void)state;
    const struct vcpus_hooks hooks = {.powered_off = on_powered_off, .halted = on_halted};
    const struct memory_slot slot = {.gpa = RAM, .size = RAM_SIZE, .host = ram, .kind = MEMORY_RAM};
    fake_reset();
    system_calls = halts = 0;
    memory = memory_create();
    memory_add(memory, &slot, NULL);
    vcpus = vcpus_create(&fake_engine, &fake_vm, CPUS, &hooks, NULL);
    psci = (struct psci){.vcpus = vcpus, .memory = memory, .system = on_system};
    vcpus_reset(vcpus, RAM, 0x1234);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    vcpus_destroy(vcpus);
    memory_destroy(memory);
    return 0;
}

static void versions_and_features(void **state) {
    (void)state;
    assert_int_equal(call(0, 0x84000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(0, 0x80000000, 0, 0, 0), 0x10001);
    assert_int_equal(call(0, 0x84000006, 0, 0, 0), 2);
    static const uint32_t there[] = {0x84000000, 0x84000001, 0xc4000001, 0x84000002, 0x84000003, 0xc4000003,
        0x84000004, 0xc4000004, 0x84000008, 0x84000009, 0x8400000a, 0x84000012, 0xc4000012, 0x80000000};
    for (size_t i = 0; i < sizeof there / sizeof *there; i++)
        assert_int_equal(call(0, 0x8400000a, there[i], 0, 0), 0);
    static const uint32_t missing[] = {
        0x84000005, 0xc4000002, 0xc4000008, 0x8400000e, 0x84000015, 0, 0xffffffff};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        assert_int_equal(call(0, 0x8400000a, missing[i], 0, 0), -1);
    assert_int_equal(call(0, 0x80000001, 0x80000000, 0, 0), 0);
    assert_int_equal(call(0, 0x80000001, 0x80008000, 0, 0), -1);
}

static void unknown_calls_are_not_supported(void **state) {
    (void)state;
    static const uint32_t unknown[] = {
        0, 1, 0x8400ffff, 0xc4000000, 0xc4000009, 0x8600ff01, 0x80008000, 0xffffffff};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(call(0, unknown[i], 1, 2, 3), -1);
    assert_int_equal(system_calls, 0);
}

/* SMC32 and SMC64 calls alike: a caller counts on every register that returns nothing. */
static void other_registers_are_preserved(void **state) {
    (void)state;
    static const uint32_t functions[] = {
        0x80000000, 0x84000000, 0x84000004, 0xc4000004, 0x8400000a, 0x84000099};
    for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
        uint64_t x[18];
        for (unsigned i = 0; i < 18; i++)
            x[i] = 0xffffb83c4e243cf0 + i;
        x[0] = functions[f];
        psci_call(&psci, 0, x);
        for (unsigned i = 1; i < 18; i++)
            assert_true(x[i] == 0xffffb83c4e243cf0 + i);
    }
}

static void cpu_on_starts_one_cpu_once(void **state) {
    (void)state;
    vcpus_go(vcpus);
    fake_wait_runs(0, 1);
    assert_int_equal(fake_vm.cpu[0].entry, RAM);
    assert_int_equal(fake_vm.cpu[0].context, 0x1234);
    assert_int_equal(call(0, 0xc4000004, 0, 0, 0), 0); /* AFFINITY_INFO: on */
    assert_int_equal(call(0, 0xc4000004, 1, 0, 0), 1); /* off */
    assert_int_equal(call(0, 0xc4000003, 1, RAM + 0x100, 0xabcdef0123456789), 0);
    fake_wait_runs(1, 1);
    assert_int_equal(fake_vm.cpu[1].entry, RAM + 0x100);
    assert_true(fake_vm.cpu[1].context == 0xabcdef0123456789);
    assert_int_equal(call(0, 0xc4000004, 1, 0, 0), 0);
    assert_int_equal(call(0, 0xc4000003, 1, RAM, 0), -4);
    assert_int_equal(call(0, 0xc4000003, 0, RAM, 0), -4);
    assert_int_equal(fake_vm.cpu[2].runs, 0);
}

static void cpu_on_checks_its_arguments(void **state) {
    (void)state;
    assert_int_equal(call(0, 0xc4000003, CPUS, RAM, 0), -2);
    assert_int_equal(call(0, 0xc4000003, 0x100, RAM, 0), -2);          /* Aff1 */
    assert_int_equal(call(0, 0xc4000003, 1ull << 32 | 1, RAM, 0), -2); /* Aff3 */
    assert_int_equal(
        call(0, 0x84000003, 1ull << 32 | 1, RAM, 0), 0);  /* 32-bit: the upper half is not looked at */
    assert_int_equal(call(0, 0x84000003, 1, RAM, 0), -5); /* pending: nothing runs yet */
    assert_int_equal(call(0, 0xc4000004, 1, 0, 0), 2);
    assert_int_equal(call(0, 0xc4000003, 2, 0x1000, 0), -9); /* nothing there */
    assert_int_equal(call(0, 0xc4000003, 2, RAM + RAM_SIZE, 0), -9);
    assert_int_equal(call(0, 0xc4000004, 0, 1, 0), -2);
    assert_int_equal(call(0, 0xc4000004, 77, 0, 0), -2);
}

static enum engine_exit turn_off(struct engine_vcpu *cpu) {
    if (cpu->index == 1)
        call(1, 0x84000002, 0, 0, 0); /* CPU_OFF */
    return ENGINE_EXIT_KICKED;
}

static void cpu_off_and_on_again(void **state) {
    (void)state;
    fake_vm.program = turn_off;
    vcpus_go(vcpus);
    for (unsigned round = 1; round <= 20; round++) {
        while (call(0, 0xc4000004, 1, 0, 0) != 1) /* AFFINITY_INFO, as Linux waits for a CPU to die */
            ;
        assert_int_equal(call(0, 0xc4000003, 1, RAM + 4 * round, round), 0);
        fake_wait_runs(1, round);
    }
    vcpus_stop(vcpus);
    assert_int_equal(fake_vm.cpu[1].entry, RAM + 4 * 20);
    assert_int_equal(last_powered_off, 1);
}

static enum engine_exit power_off(struct engine_vcpu *cpu) {
    if (cpu->index == 0) {
        call(0, 0xc4000003, 1, RAM, 0);
        call(0, 0xc4000003, 2, RAM, 0);
    }
    if (cpu->index == 2)
        call(2, 0x84000008, 0, 0, 0);
    return ENGINE_EXIT_KICKED;
}

static void system_off_stops_everybody(void **state) {
    (void)state;
    fake_vm.program = power_off;
    vcpus_go(vcpus);
    assert_int_equal(wait_for_halt(), 1);
    assert_int_equal(system_call, PSCI_SYSTEM_OFF);
    for (unsigned i = 0; i < CPUS; i++)
        assert_false(fake_vm.cpu[i].running);
    unsigned runs = fake_vm.cpu[0].runs;
    vcpus_go(vcpus); /* powered off is powered off */
    vcpus_stop(vcpus);
    assert_int_equal(fake_vm.cpu[0].runs, runs);
    assert_int_equal(halts, 1);
}

static void resets(void **state) {
    (void)state;
    assert_int_equal(call(0, 0x84000012, 1, 0, 0), -2); /* no such type */
    assert_int_equal(call(0, 0xc4000012, 0x80000000, 0, 0), -2);
    assert_int_equal(system_calls, 0);
    call(0, 0x84000012, 0, 0, 0);
    assert_int_equal(system_call, PSCI_SYSTEM_RESET);
    call(0, 0x84000009, 0, 0, 0);
    assert_int_equal(system_calls, 2);
    assert_int_equal(wait_for_halt(), 1);
    vcpus_reset(vcpus, RAM + 8, 5);
    vcpus_go(vcpus);
    fake_wait_runs(0, 1);
    assert_int_equal(fake_vm.cpu[0].entry, RAM + 8);
}

static enum engine_exit break_down(struct engine_vcpu *cpu) {
    (void)cpu;
    return ENGINE_EXIT_ERROR;
}

static void a_broken_engine_is_told(void **state) {
    (void)state;
    fake_vm.program = break_down;
    vcpus_go(vcpus);
    assert_int_equal(wait_for_halt(), 100);
}

static void stop_and_go_keep_state(void **state) {
    (void)state;
    vcpus_go(vcpus);
    call(0, 0xc4000003, 1, RAM, 0);
    fake_wait_runs(0, 1); /* one that never got to run was never reset */
    fake_wait_runs(1, 1);
    for (unsigned round = 0; round < 200; round++) {
        vcpus_stop(vcpus);
        assert_false(fake_vm.cpu[0].running);
        assert_false(fake_vm.cpu[1].running);
        vcpus_go(vcpus);
    }
    vcpus_stop(vcpus);
    assert_int_equal(fake_vm.cpu[0].resets, 1);
    assert_int_equal(fake_vm.cpu[1].resets, 1);
    assert_int_equal(halts, 0);
}

static void random_numbers(void **state) {
    (void)state;
    assert_int_equal(call(0, 0x84000050, 0, 0, 0), 0x10000);
    assert_int_equal(call(0, 0x84000051, 0xc4000053, 0, 0), 0);
    assert_int_equal(call(0, 0x84000051, 0x84000003, 0, 0), -1);
    assert_true((uint32_t)call(0, 0x84000052, 0, 0, 0) != 0xffffffff);
    assert_int_equal(call(0, 0xc4000053, 0, 0, 0), -2);
    assert_int_equal(call(0, 0xc4000053, 193, 0, 0), -2);
    assert_int_equal(call(0, 0x84000053, 97, 0, 0), -2);

    uint64_t seen[4] = {0};
    for (unsigned n = 0; n < 64; n++) {
        uint64_t x[18] = {0xc4000053, 68, 9, 9};
        psci_call(&psci, 0, x);
        assert_int_equal(x[0], 0);
        assert_int_equal(x[1], 0);
        for (unsigned i = 1; i <= 3; i++)
            seen[i] |= x[i];
    }
    assert_true(seen[3] == ~0ull); /* bits 63:0 */
    assert_int_equal(seen[2], 0xf);

    memset(seen, 0, sizeof seen);
    for (unsigned n = 0; n < 64; n++) {
        uint64_t x[18] = {0x84000053, 96};
        psci_call(&psci, 0, x);
        for (unsigned i = 1; i <= 3; i++)
            seen[i] |= x[i];
    }
    for (unsigned i = 1; i <= 3; i++)
        assert_true(seen[i] == 0xffffffff);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(versions_and_features),
        TEST(unknown_calls_are_not_supported),
        TEST(other_registers_are_preserved),
        TEST(cpu_on_starts_one_cpu_once),
        TEST(cpu_on_checks_its_arguments),
        TEST(cpu_off_and_on_again),
        TEST(system_off_stops_everybody),
        TEST(resets),
        TEST(a_broken_engine_is_told),
        TEST(stop_and_go_keep_state),
        TEST(random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
