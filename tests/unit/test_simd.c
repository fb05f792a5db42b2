/* Advanced SIMD where a comparison with another emulator in user mode cannot look: accesses that fault
 * half-way, traps, alignment checks; and the rules on inactive lanes (ARM ARM C7, shared/functions). Each
 * word's assembly is beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/soft/cpu.h"
#include "cpu/soft/fp.h"
#include "cpu/soft/mem.h"

enum { PAGES = 2, SCTLR_M = 1, SCTLR_A = 2, TCR_EPD0 = 1 << 7, WNR = 1 << 6 };
enum { FSC_TRANSLATION_0 = 0x04, FSC_ALIGNMENT_FAULT = 0x21 }; /* ESR_EL1.DFSC */
enum { CLASS_FP = 0x07, CLASS_DATA_ABORT = 0x25 };             /* ESR_EL1.EC */
#define BASE UINT64_C(0x10000)

static struct cpu cpu;
static struct tlb_set tlb;
static uint8_t memory[PAGES * PAGE_SIZE_4K];

/* EL1 with a TLB that knows one or two pages; every other address is a translation fault, as there are no
 * tables. */
static int set_up(unsigned pages) {
    memset(&cpu, 0, sizeof cpu);
    memset(&tlb, 0xff, sizeof tlb);
    cpu.el = cpu.spsel = 1;
    cpu.mmu_index = MMU_EL1;
    for (unsigned mmu = 0; mmu < MMU_SETS; mmu++)
        cpu.tlb_set[mmu] = &tlb;
    cpu.sys.sctlr = SCTLR_M;
    cpu.sys.tcr = TCR_EPD0;
    cpu.sys.cpacr = 3u << 20;
    for (unsigned i = 0; i < pages; i++) {
        uint64_t va = BASE + i * PAGE_SIZE_4K;
        *tlb_slot(&cpu, MMU_EL1, va) =
            (struct tlb_entry){.read = va, .write = va, .addend = (uintptr_t)memory - (uintptr_t)BASE};
    }
    for (unsigned i = 0; i < sizeof memory; i++)
        memory[i] = (uint8_t)(i * 7 + (i >> 8));
    for (unsigned i = 0; i < 32; i++)
        cpu.v[i] = (union vreg){.d = {UINT64_C(0x0101010101010101) * i, UINT64_C(0x1111111111111111) ^ i}};
    return 0;
}

static int one_page(void **state) {
    (void)state;
    return set_up(1);
}

static int two_pages(void **state) {
    (void)state;
    return set_up(2);
}

/* False: the instruction took an exception. */
static bool execute(uint32_t word) {
    struct a64_insn insn;
    assert_true(a64_decode(word, &insn));
    if (setjmp(cpu.unwind))
        return false;
    a64_exec[insn.op](&cpu, &insn);
    return true;
}

static void assert_vector(unsigned reg, uint64_t low, uint64_t high) {
    assert_int_equal(cpu.v[reg].d[0], low);
    assert_int_equal(cpu.v[reg].d[1], high);
}

static uint32_t word_at(unsigned offset) {
    uint32_t word;
    memcpy(&word, memory + offset, sizeof word);
    return word;
}

/* --- structures */
static void test_structures_and_wrapping_registers(void **state) {
    (void)state;
    const unsigned starts[] = {0x40, 0x41, PAGE_SIZE_4K - 24}; /* aligned, not, across pages */
    for (unsigned s = 0; s < 3; s++) {
        set_up(2);
        cpu.x[1] = BASE + starts[s];
        assert_true(execute(0x4cdf083e)); /* ld4 {v30.4s-v1.4s}, [x1], #64 */
        assert_int_equal(cpu.x[1], BASE + starts[s] + 64);
        const unsigned regs[] = {30, 31, 0, 1};
        for (unsigned r = 0; r < 4; r++)
            for (unsigned lane = 0; lane < 4; lane++)
                assert_int_equal(cpu.v[regs[r]].s[lane], word_at(starts[s] + 16 * lane + 4 * r));

        uint8_t before[64];
        memcpy(before, memory + starts[s], sizeof before);
        memset(memory, 0, sizeof memory);
        cpu.x[1] = BASE + starts[s];
        cpu.x[2] = 5;
        assert_true(execute(0x4c82083e)); /* st4 {v30.4s-v1.4s}, [x1], x2 */
        assert_int_equal(cpu.x[1], BASE + starts[s] + 5);
        assert_memory_equal(memory + starts[s], before, sizeof before);
    }
}

static void test_single_structures(void **state) {
    (void)state;
    cpu.x[1] = BASE + 0x20;
    assert_true(execute(0x4ddf6822)); /* ld3 {v2.h-v4.h}[5], [x1], #6 */
    assert_int_equal(cpu.x[1], BASE + 0x26);
    for (unsigned r = 0; r < 3; r++) {
        assert_int_equal(cpu.v[2 + r].h[5], word_at(0x20 + 2 * r) & 0xffff);
        assert_int_equal(cpu.v[2 + r].d[0], UINT64_C(0x0101010101010101) * (2 + r));
    }
    assert_true(execute(0x0dffc428)); /* ld2r {v8.4h-v9.4h}, [x1], #4 */
    assert_vector(8, UINT64_C(0x0001000100010001) * (word_at(0x26) & 0xffff), 0);
    assert_vector(9, UINT64_C(0x0001000100010001) * (word_at(0x28) & 0xffff), 0);
    assert_true(execute(0x4d208422)); /* st2 {v2.d-v3.d}[1], [x1] */
    assert_memory_equal(memory + 0x2a, &cpu.v[2].d[1], 8);
    assert_memory_equal(memory + 0x32, &cpu.v[3].d[1], 8);
}

static void assert_abort(uint64_t address, uint32_t iss) {
    assert_int_equal(cpu.sys.esr >> 26, CLASS_DATA_ABORT);
    assert_int_equal(cpu.sys.esr & (WNR | 0x3f), iss);
    assert_int_equal(cpu.sys.far, address);
}

static void test_fault_in_second_page_changes_nothing(void **state) {
    (void)state;
    const struct cpu before = cpu;
    uint8_t memory_before[sizeof memory];
    memcpy(memory_before, memory, sizeof memory);

    cpu.x[1] = BASE + PAGE_SIZE_4K - 32;
    assert_false(execute(0x4cdf083e)); /* ld4 {v30.4s-v1.4s}, [x1], #64 */
    assert_abort(BASE + PAGE_SIZE_4K, FSC_TRANSLATION_0);
    assert_false(execute(0x4c82083e)); /* st4 {v30.4s-v1.4s}, [x1], x2 */
    assert_abort(BASE + PAGE_SIZE_4K, FSC_TRANSLATION_0 | WNR);
    cpu.x[1] = BASE + PAGE_SIZE_4K - 8;
    assert_false(execute(0x4d208422)); /* st2 {v2.d-v3.d}[1], [x1] */
    assert_abort(BASE + PAGE_SIZE_4K, FSC_TRANSLATION_0 | WNR);
    assert_int_equal(cpu.x[1], BASE + PAGE_SIZE_4K - 8);
    assert_memory_equal(cpu.v, before.v, sizeof cpu.v);
    assert_memory_equal(memory, memory_before, sizeof memory);
}

/* AArch64.CheckAlignment looks at elements, not at the structure. */
static void test_alignment_is_that_of_an_element(void **state) {
    (void)state;
    cpu.sys.sctlr |= SCTLR_A;
    cpu.x[1] = BASE + 2;
    assert_true(execute(0x4c407025)); /* ld1 {v5.16b}, [x1] */
    assert_memory_equal(&cpu.v[5], memory + 2, 16);
    assert_false(execute(0x4c407825)); /* ld1 {v5.4s}, [x1] */
    assert_abort(BASE + 2, FSC_ALIGNMENT_FAULT);
}

static void test_trap(void **state) {
    (void)state;
    cpu.sys.cpacr = 0;
    const union vreg before = cpu.v[0];
    assert_false(execute(0x4e220c20)); /* sqadd v0.16b, v1.16b, v2.16b */
    assert_int_equal(cpu.sys.esr >> 26, CLASS_FP);
    assert_memory_equal(&cpu.v[0], &before, sizeof before);
}

/* --- lanes that a form does not have: no flags, and zero in rd */
static void test_saturation_of_inactive_lanes(void **state) {
    (void)state;
    cpu.v[1] = (union vreg){.d = {1, 0x7f}};
    cpu.v[2] = (union vreg){.d = {2, 0x7f}};
    assert_true(execute(0x0e220c20)); /* sqadd v0.8b, v1.8b, v2.8b */
    assert_int_equal(cpu.fpsr, 0);
    assert_vector(0, 3, 0);
    cpu.v[1].b[1] = cpu.v[2].b[1] = 0x80;
    assert_true(execute(0x5e220c20)); /* sqadd b0, b1, b2 */
    assert_int_equal(cpu.fpsr, 0);
    assert_vector(0, 3, 0);
    assert_true(execute(0x4e220c20)); /* sqadd v0.16b, v1.16b, v2.16b */
    assert_int_equal(cpu.fpsr, FPSR_QC);
    assert_vector(0, 0x8003, 0x7f);
}

static void test_floating_point_of_inactive_lanes(void **state) {
    (void)state;
    cpu.v[1] = (union vreg){.s = {0x40000000, 0x3f800000, 0, 0}}; /* 2, 1, 0, 0 */
    cpu.v[2] = (union vreg){.s = {0x3f800000, 0x3f800000, 0, 0}};
    assert_true(execute(0x2e22fc20)); /* fdiv v0.2s, v1.2s, v2.2s */
    assert_int_equal(cpu.fpsr, 0);
    assert_vector(0, 0x3f80000040000000, 0);
    assert_true(execute(0x6e22fc20)); /* fdiv v0.4s, v1.4s, v2.4s */
    assert_int_equal(cpu.fpsr, FPSR_IOC);
    assert_vector(0, 0x3f80000040000000, 0x7fc000007fc00000);
}

static void test_upper_halves(void **state) {
    (void)state;
    cpu.v[0] = (union vreg){.d = {0x123456789abcdef0, ~UINT64_C(0)}};
    cpu.v[1] = (union vreg){.h = {0x7f, 0x80, 0xff80, 0xff7f, 0, 1, 2, 3}};
    assert_true(execute(0x4e214820)); /* sqxtn2 v0.16b, v1.8h */
    assert_vector(0, 0x123456789abcdef0, 0x0302010080807f7f);
    assert_int_equal(cpu.fpsr, FPSR_QC);
    assert_true(execute(0x0e001800)); /* uzp1 v0.8b, v0.8b, v0.8b */
    assert_vector(0, 0x3478bcf03478bcf0, 0);
}

/* --- encodings that are reserved (C4.1.96): UNDEFINED */
static void test_reserved(void **state) {
    (void)state;
    const uint32_t words[] = {
        0x0ee28420, /* add v0.1d, v1.1d, v2.1d */
        0x4ee29c20, /* mul v0.2d, v1.2d, v2.2d */
        0x0e62d420, /* fadd v0.1d, v1.1d, v2.1d */
        0x4e22b420, /* sqdmulh v0.16b, v1.16b, v2.16b */
        0x0eb1b820, /* addv s0, v1.2s */
        0x0f405420, /* shl v0.1d, v1.1d, #0 */
        0x2f00f400, /* fmov v0.1d, #2.0 with Q = 0 */
        0x4e000420, /* dup with imm5 = 0 */
        0x2e024020, /* ext v0.8b, v1.8b, v2.8b, #8 */
        0x0c400c20, /* ld4 {v0.1d-v3.1d}, [x1] */
        0x4d409420, /* ld1 {v0.d}[1] with S = 1, [x1] */
    };
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
        struct a64_insn insn;
        if (a64_decode(words[i], &insn))
            fail_msg("%08x is %s", words[i], a64_op_name(insn.op));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_structures_and_wrapping_registers, two_pages),
        cmocka_unit_test_setup(test_single_structures, two_pages),
        cmocka_unit_test_setup(test_fault_in_second_page_changes_nothing, one_page),
        cmocka_unit_test_setup(test_alignment_is_that_of_an_element, two_pages),
        cmocka_unit_test_setup(test_trap, two_pages),
        cmocka_unit_test_setup(test_saturation_of_inactive_lanes, two_pages),
        cmocka_unit_test_setup(test_floating_point_of_inactive_lanes, two_pages),
        cmocka_unit_test_setup(test_upper_halves, two_pages),
        cmocka_unit_test_setup(test_reserved, two_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
