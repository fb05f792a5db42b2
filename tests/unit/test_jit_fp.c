/* Floating point, Advanced SIMD and crypto in translated code: random runs of all such forms, a few registers
 * used by all, must leave what their interpreter handlers leave one after another (which tests/cpu compares
 * with qemu-aarch64) - in every rounding mode, with and without FZ and DN, whatever FPSR was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "a64_ops.h"
#include "bus/memory.h"
#include "cpu/engine.h"
#include "cpu/soft/cpu.h"
#include "cpu/soft/fp.h"
#include "cpu/soft/jit/jit.h"
#include "cpu/soft/jit/translate.h"

enum { RAM = 0x40000000, RAM_SIZE = 4 << 20, TABLE = RAM, CODE = RAM + 0x10000 };
enum { RUN = 12, STATES = 12, RUNS = 4000, WORDS_OF_OP = 24, SAMPLES = 24000000 };
#define HVC UINT32_C(0xd4000002)

static struct engine_machine calls;
static struct memory *memory;
static struct engine_vm *vm;
static struct cpu *cpu;
static uint8_t *ram;

static uint32_t words[A64_OP_COUNT][WORDS_OF_OP];
static unsigned found[A64_OP_COUNT];

static uint64_t random64(void) {
    static uint64_t x = 88172645463325252u; /* xorshift64 */
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static bool no_read(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    (void)ctx, (void)vcpu, (void)gpa, (void)size, (void)value;
    return false;
}
static bool no_write(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    (void)ctx, (void)vcpu, (void)gpa, (void)size, (void)value;
    return false;
}
static void on_hvc(void *ctx, unsigned vcpu, uint64_t x[18]) {
    (void)ctx, (void)vcpu, (void)x;
    engine_soft.vcpu_kick((struct engine_vcpu *)cpu);
}
static void ignore_timer(void *ctx, unsigned vcpu, unsigned ppi, bool level) {
    (void)ctx, (void)vcpu, (void)ppi, (void)level;
}

static bool is_tested(unsigned op) {
    const uint32_t use = jit_forms[op].use;
    return jit_forms[op].emit && use & JIT_FP && !(use & JIT_MAY_RAISE);
}

/* Words with registers 0-7 where that does not make another instruction of them, or as they come. */
static void collect_words(void) {
    for (unsigned i = 0; i < SAMPLES; i++) {
        uint64_t r = random64();
        uint32_t word = (uint32_t)r | 0x0e000000;
        word &= r >> 32 & 1 ? ~UINT32_C(0x318) : UINT32_MAX;
        word &= r >> 33 & 1 ? ~UINT32_C(0x180000) : UINT32_MAX;
        word &= r >> 34 & 1 ? ~UINT32_C(0x1f0007) : UINT32_MAX; /* comparisons with zero */
        struct a64_insn insn;
        if (a64_decode(word, &insn) && is_tested(insn.op) && found[insn.op] < WORDS_OF_OP)
            words[insn.op][found[insn.op]++] = word;
    }
}

static int set_up(void **state) {
    (void)state;
    struct error e;
    if (!jit_available())
        return 0;
    calls = (struct engine_machine){
        .mmio_read = no_read, .mmio_write = no_write, .hvc = on_hvc, .timer_line = ignore_timer};
    memory = memory_create();
    ram = aligned_alloc(4096, RAM_SIZE);
    memset(ram, 0, RAM_SIZE);
    const struct engine_config config = {.memory = memory, .machine = &calls, .vcpus = 1, .options = "eager"};
    const struct memory_slot slot = {.gpa = RAM, .size = RAM_SIZE, .host = ram, .kind = MEMORY_RAM};
    if (engine_soft.vm_create(&vm, &config, &e) < 0 || memory_add(memory, &slot, &e) < 0)
        return -1;
    cpu = (struct cpu *)engine_soft.vcpu(vm, 0);
    collect_words();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    engine_soft.vm_destroy(vm);
    memory_destroy(memory);
    free(ram);
    return 0;
}

/* What floating point is most particular about, as doubles, as two singles, or as integers. */
static uint64_t interesting(void) {
    static const uint64_t doubles[] = {0, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000,
        0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001, 0xfff8000000000123, 0x7ff0000000000001,
        0x0010000000000000, 0x8010000000000000, 0x000fffffffffffff, 1, 0x7fefffffffffffff, 0x43e0000000000000,
        0xc3e0000000000000, 0x41dfffffffe00000, 0x3fe0000000000000, 0xbfd5555555555555, 0x36a0000000000000,
        0x380fffffffffffff};
    static const uint32_t singles[] = {0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000,
        0x7fc00001, 0x7f800001, 0xffc12345, 0x00800000, 0x80800000, 0x007fffff, 1, 0x7f7fffff, 0x4f000000,
        0xcf000000, 0x3f000000, 0x3eaaaaab, 0x33800000};
    uint64_t r = random64();
    switch (r & 3) {
    case 0: return doubles[(r >> 8) % (sizeof doubles / sizeof doubles[0])];
    case 1:
        return (uint64_t)singles[(r >> 8) % (sizeof singles / sizeof singles[0])] << 32 |
               singles[(r >> 20) % (sizeof singles / sizeof singles[0])];
    case 2: return (r & 0x800fffffffffffff) | (1000 + (r >> 52 & 31)) << 52; /* around 1.0 */
    default: return random64();
    }
}

static void make_state(void) {
    static const uint32_t fpsr[] = {0, FPSR_IXC, FPSR_MASK & ~(uint32_t)FPSR_IXC, FPSR_QC};
    uint64_t r = random64();
    for (unsigned i = 0; i < 31; i++)
        cpu->x[i] = random64() >> (random64() & 63);
    for (unsigned i = 0; i < 32; i++)
        cpu->v[i] = (union vreg){.d = {interesting(), interesting()}};
    cpu->nzcv = r & 15;
    cpu->fpcr = (r & 0x10 ? FPCR_RMODE & r : 0) | (r & 0x60 ? 0 : FPCR_FZ) | (r & 0x380 ? 0 : FPCR_DN);
    cpu->fpsr = fpsr[r >> 10 & 3];
    cpu_fp_changed(cpu);
    cpu->pc = cpu->next_pc = CODE;
}

static void place(const uint32_t *code) {
    enum { BLOCK = 1, AF = 1 << 10, INNER_SHAREABLE = 3 << 8, SCTLR_MCI = 1 | 1 << 2 | 1 << 12 };
    uint64_t block = RAM | BLOCK | AF | INNER_SHAREABLE;
    memcpy(ram + (TABLE - RAM) + 8 * (RAM >> 30), &block, sizeof block);
    memcpy(ram + (CODE - RAM), code, 4 * (RUN + 1));
    engine_soft.vcpu_reset((struct engine_vcpu *)cpu, CODE, 0);
    cpu->sys.mair = 0xff;
    cpu->sys.tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | UINT64_C(2) << 32;
    cpu->sys.ttbr0 = TABLE;
    cpu->sys.sctlr |= SCTLR_MCI;
    cpu->sys.cpacr = 3u << 20;
}

static void show(const uint32_t *code, uint32_t fpcr, const struct cpu *expected) {
    for (unsigned i = 0; i < RUN; i++) {
        struct a64_insn insn;
        char text[80];
        a64_decode(code[i], &insn);
        a64_disassemble(&insn, CODE + 4 * i, text, sizeof text);
        print_message("%08x  %s\n", code[i], text);
    }
    print_message("fpcr %08x fpsr %08x, not %08x; nzcv %x, not %x\n", fpcr, cpu->fpsr, expected->fpsr,
        cpu->nzcv, expected->nzcv);
    for (unsigned i = 0; i < 32; i++)
        if (memcmp(&cpu->v[i], &expected->v[i], 16))
            print_message("v%u %016lx_%016lx, not %016lx_%016lx\n", i, cpu->v[i].d[1], cpu->v[i].d[0],
                expected->v[i].d[1], expected->v[i].d[0]);
}

static void run_and_compare(const uint32_t *code) {
    static struct cpu expected;
    make_state();
    memcpy(&expected, cpu, sizeof expected);
    for (unsigned i = 0; i < RUN; i++) {
        struct a64_insn insn;
        a64_decode(code[i], &insn);
        a64_exec[insn.op](&expected, &insn);
    }
    assert_int_equal(engine_soft.vcpu_run((struct engine_vcpu *)cpu), ENGINE_EXIT_KICKED);
    if (memcmp(cpu->v, expected.v, sizeof cpu->v) || memcmp(cpu->x, expected.x, 31 * sizeof cpu->x[0]) ||
        cpu->fpsr != expected.fpsr || cpu->nzcv != expected.nzcv) {
        show(code, expected.fpcr, &expected);
        fail();
    }
}

static void every_form_is_generated(void **state) {
    (void)state;
    if (!jit_available())
        skip();
    for (unsigned op = 0; op < A64_OP_COUNT; op++)
        if (is_tested(op) && !found[op])
            fail_msg("no word for %s", a64_op_name((uint16_t)op));
}

static void leaves_what_the_handlers_leave(void **state) {
    (void)state;
    if (!jit_available())
        skip();
    unsigned op = 0;
    for (unsigned run = 0; run < RUNS; run++) {
        uint32_t code[RUN + 1];
        for (unsigned i = 0; i < RUN; i++) {
            if (i & 1) /* each form in its turn, among others */
                op = (unsigned)(random64() % A64_OP_COUNT);
            else
                op = (run * (RUN / 2) + i / 2) % A64_OP_COUNT;
            while (!found[op])
                op = (op + 1) % A64_OP_COUNT;
            code[i] = words[op][random64() % found[op]];
        }
        code[RUN] = HVC;
        place(code);
        for (unsigned i = 0; i < STATES; i++)
            run_and_compare(code);
    }
    assert_true(cpu->stats.translations > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_generated),
        cmocka_unit_test(leaves_what_the_handlers_leave),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
