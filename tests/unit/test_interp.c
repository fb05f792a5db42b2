/* The interpreter as a guest sees it: flow, exceptions, and what tests/cpu cannot compare with qemu-aarch64,
 * which runs programs only. Expected values are the ARM ARM's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "bus/memory.h"
#include "cpu/engine.h"
#include "cpu/soft/code.h"
#include "cpu/soft/cpu.h"
#include "support/lonely_machine.h"

enum {
    RAM = 0x40000000,
    RAM_SIZE = 16 << 20,
    RAM_END = RAM + RAM_SIZE, /* nothing answers from here on */
    VECTORS = RAM + 0x1000,
    CODE = RAM + 0x4000,
    DATA = RAM + 0x8000,
    PAGES = RAM + (1 << 20),
};

static const uint32_t count_loop[] = {
    0xd2800c81, // mov x1, #100
    0x91000c00, // again: add x0, x0, #3
    0xf1000421, // subs x1, x1, #1
    0x54ffffc1, // b.ne again
    0xd4000002, // hvc #0
};

static const uint32_t vector[] = {
    0xd5385214, // mrs x20, esr_el1
    0xd5384035, // mrs x21, elr_el1
    0xd5386016, // mrs x22, far_el1
    0xd4000002, // hvc #0
};

static const uint32_t literals[] = {
    0x18000101, // ldr w1, data
    0x580000e2, // ldr x2, data
    0x980000c3, // ldrsw x3, data
    0x1c0000a1, // ldr s1, data
    0x5c000082, // ldr d2, data
    0x9c000063, // ldr q3, data
    0x10000044, // adr x4, data
    0xd4000002, // hvc #0
    0x89abcdef, // data: .word 0x89abcdef
    0x01234567, // .word 0x01234567
    0x76543210, // .word 0x76543210
    0xfedcba98, // .word 0xfedcba98
};

static const uint32_t pstate[] = {
    0xd50345ff, // msr daifclr, #5
    0xd53b4221, // mrs x1, daif
    0xd50344df, // msr daifset, #4
    0xd53b4222, // mrs x2, daif
    0xd500419f, // msr pan, #1
    0xd5384263, // mrs x3, s3_0_c4_c2_3
    0xd500417f, // msr uao, #1
    0xd5384284, // mrs x4, s3_0_c4_c2_4
    0xd282460a, // mov x10, #0x1230
    0x9100015f, // mov sp, x10
    0xd50040bf, // msr spsel, #0
    0xd288ac0b, // mov x11, #0x4560
    0x9100017f, // mov sp, x11
    0xd5384205, // mrs x5, spsel
    0xd50041bf, // msr spsel, #1
    0x910003e6, // mov x6, sp
    0xd5384107, // mrs x7, sp_el0
    0xd5384248, // mrs x8, currentel
    0xd4000002, // hvc #0
};

static const uint32_t exclusives[] = {
    0xc85f7c01, // ldxr x1, [x0]
    0xc8027c0a, // stxr w2, x10, [x0]
    0xc85f7c03, // ldxr x3, [x0]
    0xd5033f5f, // clrex
    0xc8047c0b, // stxr w4, x11, [x0]
    0xc85f7c05, // ldxr x5, [x0]
    0x91002009, // add x9, x0, #8
    0xc8067d2b, // stxr w6, x11, [x9]
    0xf940000c, // ldr x12, [x0]
    0xd4000002, // hvc #0
};

static const uint32_t to_el0[] = {
    0xd5184020, // msr elr_el1, x0
    0xd518401f, // msr spsr_el1, xzr
    0xd69f03e0, // eret
};

static const uint32_t post_index[] = {
    0xf8408401, // ldr x1, [x0], #8
    0xd4000002, // hvc #0
};

static const uint32_t pre_index[] = {
    0xf8008c01, // str x1, [x0, #8]!
    0xd4000002, // hvc #0
};

static const uint32_t store_pair[] = {
    0xa9000801, // stp x1, x2, [x0]
    0xd4000002, // hvc #0
};

static const uint32_t vector_pair[] = {
    0xd2a00609, // mov x9, #0x300000
    0xd5181049, // msr cpacr_el1, x9
    0xd5033fdf, // isb
    0xad000801, // stp q1, q2, [x0]
    0xd4000002, // hvc #0
};

static const uint32_t load_stack[] = {
    0xd5381009, // mrs x9, sctlr_el1
    0xb27d0129, // orr x9, x9, #8
    0xd5181009, // msr sctlr_el1, x9
    0xd5033fdf, // isb
    0x9100001f, // mov sp, x0
    0xf94003e1, // ldr x1, [sp]
    0xd4000002, // hvc #0
};

static const uint32_t patch[] = {
    0x52801401, // mov w1, #0xa0
    0x72aa5001, // movk w1, #0x5280, lsl #16
    0x10000042, // adr x2, patched
    0x52800043, // mov w3, #2
    0x52800020, // patched: mov w0, #1
    0x71000463, // subs w3, w3, #1
    0x54000100, // b.eq done
    0xb9000041, // str w1, [x2]
    0xd50b7b22, // dc cvau, x2
    0xd5033b9f, // dsb ish
    0xd50b7522, // ic ivau, x2
    0xd5033b9f, // dsb ish
    0xd5033fdf, // isb
    0x17fffff7, // b patched
    0xd4000002, // done: hvc #0
};

static const uint32_t call_pages[] = {
    0xaa0003e2, // outer: mov x2, x0
    0xaa0103e3, // mov x3, x1
    0xd63f0040, // inner: blr x2
    0x91400442, // add x2, x2, #4096
    0xf1000463, // subs x3, x3, #1
    0x54ffffa1, // b.ne inner
    0xf1000484, // subs x4, x4, #1
    0x54ffff21, // b.ne outer
    0xd4000002, // hvc #0
};

static const uint32_t page_code[] = {
    0x910004a5, // add x5, x5, #1
    0xd65f03c0, // ret
};

static const uint32_t misaligned[] = {
    0xd61f0000, // br x0
};

static struct memory *memory;
static uint8_t *ram;
static struct engine_vm *vm;
static struct engine_vcpu *vcpu;

/* Every program ends with HVC. */
static void stop(void *ctx, unsigned index, uint64_t x[18]) {
    (void)ctx, (void)index, (void)x;
    engine_soft.vcpu_kick(vcpu);
}

static void put(uint64_t address, const uint32_t *words, size_t size) {
    memcpy(ram + (address - RAM), words, size);
}

static int setup(void **state) {
    (void)state;
    ram = aligned_alloc(4096, RAM_SIZE);
    assert_non_null(ram);
    memset(ram, 0, RAM_SIZE);
    for (unsigned offset = 0; offset < 0x800; offset += 0x80)
        put(VECTORS + offset, vector, sizeof vector);
    static struct engine_machine machine;
    machine = lonely_machine(NULL, stop);
    memory = memory_create();
    const struct engine_config config = {
        .memory = memory, .machine = &machine, .vcpus = 1, .count_instructions = true};
    assert_int_equal(engine_soft.vm_create(&vm, &config, NULL), 0);
    const struct memory_slot slot = {.gpa = RAM, .size = RAM_SIZE, .host = ram, .kind = MEMORY_RAM};
    assert_int_equal(memory_add(memory, &slot, NULL), 0);
    vcpu = engine_soft.vcpu(vm, 0);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    engine_soft.vm_destroy(vm);
    memory_destroy(memory);
    free(ram);
    return 0;
}

static struct cpu *cpu(void) {
    return (struct cpu *)vcpu;
}

static uint64_t x(unsigned n) {
    return engine_soft.vcpu_get(vcpu, ENGINE_X0 + n);
}

static void start(const uint32_t *code, size_t size, uint64_t at, uint64_t x0) {
    put(at, code, size);
    engine_soft.vcpu_reset(vcpu, at, x0);
    cpu()->sys.vbar = VECTORS;
}

static void go_on(void) {
    assert_int_equal(engine_soft.vcpu_run(vcpu), ENGINE_EXIT_KICKED);
}

#define RUN_AT(code, at, x0) (start(code, sizeof(code), at, x0), go_on())
#define RUN(code, x0)        RUN_AT(code, CODE, x0)

/* What the vector found in ESR, ELR and FAR. */
#define ASSERT_EXCEPTION(esr, elr)                                                                           \
    do {                                                                                                     \
        assert_int_equal(x(20), esr);                                                                        \
        assert_int_equal(x(21), elr);                                                                        \
    } while (0)

static uint64_t instructions(void) {
    struct engine_stats stats;
    engine_soft.vcpu_stats(vcpu, &stats);
    return stats.instructions;
}

static void counts_instructions(void **state) {
    (void)state;
    uint64_t before = instructions();
    RUN(count_loop, 0);
    assert_int_equal(x(0), 300);
    assert_int_equal(instructions() - before, 1 + 3 * 100 + 1);

    before = instructions();
    const uint32_t svc[] = {0xd503201f, 0xd4000001}; /* nop; svc #0 */
    RUN(svc, 0);
    assert_int_equal(instructions() - before, 2 + 4);

    before = instructions();
    const uint32_t udf[] = {0xd503201f, 0x00000000}; /* nop; udf #0 */
    RUN(udf, 0);
    assert_int_equal(instructions() - before, 1 + 4);
}

static void crosses_pages(void **state) {
    (void)state;
    for (unsigned before = 0; before <= sizeof count_loop; before += 4) {
        RUN_AT(count_loop, CODE + 0x1000 - before, 0);
        assert_int_equal(x(0), 300);
    }
}

static void exceptions_of_instructions(void **state) {
    (void)state;
    const struct {
        uint32_t word, esr;
        unsigned after;
    } cases[] = {
        {0x00001234, 0x02000000, 0}, /* udf #0x1234 */
        {0xd4200aa0, 0xf2000055, 0}, /* brk #0x55 */
        {0xd4400020, 0x02000000, 0}, /* hlt #1: no halting debug */
        {0xd4000003, 0x02000000, 0}, /* smc #0: no EL3 */
        {0xd4000aa1, 0x56000055, 4}, /* svc #0x55 */
        {0xf8200400, 0x02000000, 0}, /* ldraa: no pointer authentication */
        {0x04200000, 0x02000000, 0}, /* SVE */
        {0xd5384400, 0x02000000, 0}, /* mrs of no register */
        {0x4e231c41, 0x1fe00000, 0}, /* and v1.16b, v2.16b, v3.16b with FP trapped */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(&cases[i].word, 4, CODE, 0);
        go_on();
        ASSERT_EXCEPTION(cases[i].esr, CODE + cases[i].after);
    }
}

static void branch_to_unaligned_address(void **state) {
    (void)state;
    RUN(misaligned, CODE + 2);
    ASSERT_EXCEPTION(0x8a000000, CODE + 2);
    assert_int_equal(x(22), CODE + 2);
}

static void branch_to_nowhere(void **state) {
    (void)state;
    RUN(misaligned, RAM_END);
    ASSERT_EXCEPTION(0x86000010, RAM_END);
    assert_int_equal(x(22), RAM_END);
}

static void loads_literals(void **state) {
    (void)state;
    start(literals, sizeof literals, CODE, 0);
    cpu()->sys.cpacr = 3 << 20;
    go_on();
    assert_int_equal(x(1), 0x89abcdef);
    assert_int_equal(x(2), 0x0123456789abcdef);
    assert_int_equal(x(3), 0xffffffff89abcdef);
    assert_int_equal(cpu()->v[1].d[0], 0x89abcdef);
    assert_int_equal(cpu()->v[1].d[1], 0);
    assert_int_equal(cpu()->v[2].d[0], 0x0123456789abcdef);
    assert_int_equal(cpu()->v[3].d[0], 0x0123456789abcdef);
    assert_int_equal(cpu()->v[3].d[1], 0xfedcba9876543210);
    assert_int_equal(x(4), CODE + 0x20);
}

static void moves_pstate(void **state) {
    (void)state;
    RUN(pstate, 0);
    assert_int_equal(x(1), 0x280); /* DAIF without A and F */
    assert_int_equal(x(2), 0x380);
    assert_int_equal(x(3), 1 << 22); /* PAN */
    assert_int_equal(x(4), 1 << 23); /* UAO */
    assert_int_equal(x(5), 0);       /* SPSel */
    assert_int_equal(x(6), 0x1230);
    assert_int_equal(x(7), 0x4560);
    assert_int_equal(x(8), 1 << 2);
}

static void runs_exclusives(void **state) {
    (void)state;
    start(exclusives, sizeof exclusives, CODE, DATA);
    engine_soft.vcpu_set(vcpu, ENGINE_X0 + 10, 7);
    engine_soft.vcpu_set(vcpu, ENGINE_X0 + 11, 9);
    *(uint64_t *)(ram + (DATA - RAM)) = 5;
    go_on();
    assert_int_equal(x(1), 5);
    assert_int_equal(x(2), 0);
    assert_int_equal(x(3), 7);
    assert_int_equal(x(4), 1); /* after CLREX */
    assert_int_equal(x(5), 7);
    assert_int_equal(x(6), 1); /* another address */
    assert_int_equal(x(12), 7);
}

/* DABT from the same level, synchronous external abort: 0x25, DFSC 0x10, WnR where it is a store. */
static void faults_change_nothing(void **state) {
    (void)state;
    const uint64_t hole = RAM_END + 0x1000;
    RUN(post_index, hole);
    ASSERT_EXCEPTION(0x96000010, CODE);
    assert_int_equal(x(0), hole);
    assert_int_equal(x(22), hole);
    RUN(pre_index, hole);
    ASSERT_EXCEPTION(0x96000050, CODE);
    assert_int_equal(x(0), hole);
    assert_int_equal(x(22), hole + 8);
}

/* MMU on: RAM mapped to itself by blocks of 2 MiB, nothing behind it (D8.3). */
static void map_ram(void) {
    enum { TABLE = 3, BLOCK = 1, INNER_SHAREABLE = 3 << 8, ACCESSED = 1 << 10 };
    uint64_t *level1 = (uint64_t *)(ram + 0x2000), *level2 = (uint64_t *)(ram + 0x3000);
    memset(level1, 0, 0x2000);
    level1[RAM >> 30] = (RAM + 0x3000) | TABLE;
    for (unsigned i = 0; i < RAM_SIZE >> 21; i++)
        level2[i] = (RAM + ((uint64_t)i << 21)) | ACCESSED | INNER_SHAREABLE | BLOCK;
    cpu()->sys.mair = 0xff;
    cpu()->sys.tcr = 2ull << 32 | 1 << 23 | 25; /* 40-bit IPS, EPD1, 39-bit VA */
    cpu()->sys.ttbr0 = RAM + 0x2000;
    cpu()->sys.sctlr |= 1;
}

/* The second half of these stores meets a translation fault, level 2. */
static void stores_all_or_nothing(void **state) {
    (void)state;
    memset(ram + RAM_SIZE - 32, 0xee, 32);
    start(store_pair, sizeof store_pair, CODE, RAM_END - 8);
    map_ram();
    go_on();
    ASSERT_EXCEPTION(0x96000046, CODE);
    assert_int_equal(x(22), RAM_END);
    start(vector_pair, sizeof vector_pair, CODE, RAM_END - 16);
    map_ram();
    go_on();
    assert_int_equal(x(20), 0x96000046);
    assert_int_equal(x(22), RAM_END);
    for (unsigned i = 1; i <= 32; i++)
        assert_int_equal(ram[RAM_SIZE - i], 0xee);
}

static void checks_stack_alignment(void **state) {
    (void)state;
    RUN(load_stack, DATA + 8);
    assert_int_equal(x(20), 0x9a000000);
    RUN(load_stack, DATA + 16);
    assert_int_equal(x(20), 0);
}

static void traps_at_el0(void **state) {
    (void)state;
    const struct {
        uint32_t word, esr;
    } cases[] = {
        {0xd50343df, 0x620cd3e6}, /* msr daifset, #3: EC 0x18, op2 6, op1 3, CRn 4, Rt 31, CRm 3 */
        {0xd500419f, 0x02000000}, /* msr pan, #1 */
        {0xd4000002, 0x02000000}, /* hvc #0 */
        {0xd69f03e0, 0x02000000}, /* eret */
        {0xd5381000, 0x02000000}, /* mrs x0, sctlr_el1 */
        {0xd503207f, 0x07e00000}, /* wfi, SCTLR_EL1.nTWI = 0 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(CODE + 0x100, &cases[i].word, 4);
        RUN(to_el0, CODE + 0x100);
        ASSERT_EXCEPTION(cases[i].esr, CODE + 0x100);
    }
}

static void sees_new_code(void **state) {
    (void)state;
    RUN(patch, 0);
    assert_int_equal(x(0), 5);
    assert_int_equal(x(3), 0);
}

static void forgets_code_at_reset(void **state) {
    (void)state;
    const uint32_t first[] = {0xd2800020, 0xd4000002}, second[] = {0xd2800040, 0xd4000002};
    RUN(first, 0);
    assert_int_equal(x(0), 1);
    RUN(second, 0);
    assert_int_equal(x(0), 2);
}

/* More pages of code than the cache keeps, twice around. */
static void recycles_pages(void **state) {
    (void)state;
    const unsigned pages = CODE_PAGES + 50;
    for (unsigned i = 0; i < pages; i++)
        put(PAGES + i * 0x1000, page_code, sizeof page_code);
    start(call_pages, sizeof call_pages, CODE, PAGES);
    engine_soft.vcpu_set(vcpu, ENGINE_X0 + 1, pages);
    engine_soft.vcpu_set(vcpu, ENGINE_X0 + 4, 3);
    go_on();
    assert_int_equal(x(5), 3 * pages);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_instructions),
        cmocka_unit_test(crosses_pages),
        cmocka_unit_test(exceptions_of_instructions),
        cmocka_unit_test(branch_to_unaligned_address),
        cmocka_unit_test(branch_to_nowhere),
        cmocka_unit_test(loads_literals),
        cmocka_unit_test(moves_pstate),
        cmocka_unit_test(runs_exclusives),
        cmocka_unit_test(faults_change_nothing),
        cmocka_unit_test(stores_all_or_nothing),
        cmocka_unit_test(checks_stack_alignment),
        cmocka_unit_test(traps_at_el0),
        cmocka_unit_test(sees_new_code),
        cmocka_unit_test(forgets_code_at_reset),
        cmocka_unit_test(recycles_pages),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
