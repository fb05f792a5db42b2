/* The software CPU executes arbitrary words, by its interpreter and by its translator, from the same state:
 * both must end alike, and neither may write outside of the guest's memory, hang or crash.
 *
 * The input is a seed for the state and the code, which lies across a page boundary of the only memory that
 * EL0 may use. A run ends at its first exception, in a vector of HVC; one that does not end is kicked, and
 * what it did until then is not compared. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bus/memory.h"
#include "cpu/soft/cpu.h"
#include "cpu/soft/mem.h"
#include "fuzz/input.h"
#include "support/lonely_machine.h"

/* Page table and vectors, for EL1 alone; then the pages for EL0. */
enum {
    BASE = 0x40000000,
    TABLES = 3,
    VECTORS = BASE + TABLES * PAGE_SIZE_4K,
    USER = VECTORS + PAGE_SIZE_4K,
    USER_PAGES = 4,
    SIZE = USER + USER_PAGES * PAGE_SIZE_4K - BASE,
    CODE = USER + 2 * PAGE_SIZE_4K - 64,
    WORDS_MAX = 200,
};

struct side {
    struct memory *memory;
    uint8_t *ram;
    struct engine_vm *vm;
    struct cpu *cpu;
    unsigned runs; /* counts beginnings and ends, so that the thread that kicks sees one that does not end */
    bool kicked;
};

static struct side sides[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* runs and kicked */

/* --- the machine */

static void on_hvc(void *ctx, unsigned index, uint64_t x[18]) {
    (void)index, (void)x;
    engine_soft.vcpu_kick((struct engine_vcpu *)((struct side *)ctx)->cpu);
}
static void check(bool good) {
    if (!good)
        abort();
}

/* A run that takes longer than two looks. */
static void *kick(void *unused) {
    (void)unused;
    unsigned seen[2] = {0};
    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        pthread_mutex_lock(&lock);
        for (unsigned i = 0; i < 2; i++) {
            if (sides[i].runs & 1 && sides[i].runs == seen[i]) {
                sides[i].kicked = true;
                engine_soft.vcpu_kick((struct engine_vcpu *)sides[i].cpu);
            }
            seen[i] = sides[i].runs;
        }
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static void make_tables(uint64_t *table) {
    enum { PAGE = 3, EL0 = 1 << 6, INNER = 3 << 8, AF = 1 << 10 };
    table[BASE >> 30] = (BASE + PAGE_SIZE_4K) | PAGE;
    table[512] = (BASE + 2 * PAGE_SIZE_4K) | PAGE;
    for (uint64_t at = VECTORS; at < BASE + SIZE; at += PAGE_SIZE_4K)
        table[1024 + (at >> PAGE_BITS & 511)] = at | PAGE | INNER | AF | (at >= USER ? EL0 : 0);
}

static void make_side(struct side *side, const char *options) {
    static struct engine_machine machines[2];
    struct engine_machine *machine = &machines[side - sides];
    *machine = lonely_machine(side, on_hvc);
    struct error e;
    side->memory = memory_create();
    struct engine_config config = {
        .memory = side->memory, .machine = machine, .vcpus = 1, .options = options};
    check(engine_soft.vm_create(&side->vm, &config, &e) == 0);
    check(posix_memalign((void **)&side->ram, PAGE_SIZE_4K, SIZE) == 0);
    memset(side->ram, 0, SIZE);
    struct memory_slot slot = {.gpa = BASE, .size = SIZE, .host = side->ram, .kind = MEMORY_RAM};
    check(memory_add(side->memory, &slot, &e) == 0);
    make_tables((uint64_t *)side->ram);
    uint32_t *vectors = (uint32_t *)(side->ram + (VECTORS - BASE));
    for (unsigned i = 0; i < 16; i++)
        vectors[i * 32] = 0xd4000002; /* HVC #0 */
    side->cpu = (struct cpu *)engine_soft.vcpu(side->vm, 0);
}

static void set_system_registers(struct cpu *cpu) {
    cpu->sys.mair = 0xff;
    cpu->sys.tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2ull << 32; /* T0SZ, WB, IS, EPD1, IPS */
    cpu->sys.ttbr0 = BASE;
    cpu->sys.vbar = VECTORS;
    cpu->sys.cpacr = 3 << 20;
    /* M C I, DZE UCT UCI, and the RES1 bits; WFI and WFE trap */
    cpu->sys.sctlr = 0x30d00800 | 1 | 1 << 2 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 26;
    cpu_mode_changed(cpu);
    tlb_flush_all(cpu);
}

/* --- a run */

static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15; /* splitmix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* Half of the registers lead into the pages for EL0. */
static void load_state(struct cpu *cpu, uint64_t seed) {
    cpu_set_pstate(cpu, (next_random(&seed) & 0xf0000000) | 0x3c0);
    for (unsigned i = 0; i < 31; i++) {
        uint64_t value = next_random(&seed);
        cpu->x[i] = i & 1 ? USER + value % (USER_PAGES * PAGE_SIZE_4K) & ~15ull : value >> (value & 63);
    }
    cpu->x[REG_SP] = USER + PAGE_SIZE_4K;
    for (unsigned i = 0; i < 32; i++)
        cpu->v[i].d[0] = next_random(&seed), cpu->v[i].d[1] = next_random(&seed);
    cpu->fpcr = next_random(&seed) & 1 ? 0 : (uint32_t)next_random(&seed) & 0x07c80000;
    cpu->fpsr = 0;
    cpu_fp_changed(cpu);
    cpu->pc = cpu->next_pc = CODE;
}

/* A kick that came as the run ended is not for the next one. */
static void begin_or_end(struct side *side) {
    pthread_mutex_lock(&lock);
    side->runs++;
    atomic_fetch_and(&side->cpu->attention, ~(uint32_t)ATTENTION_KICK);
    pthread_mutex_unlock(&lock);
}

static void run(struct side *side, const uint32_t *code, unsigned words, uint64_t seed) {
    memset(side->ram + (USER - BASE), 0, USER_PAGES * PAGE_SIZE_4K);
    memcpy(side->ram + (CODE - BASE), code, words * sizeof *code);
    engine_soft.vcpu_reset((struct engine_vcpu *)side->cpu, VECTORS, 0);
    set_system_registers(side->cpu);
    load_state(side->cpu, seed);
    side->kicked = false;
    begin_or_end(side);
    check(engine_soft.vcpu_run((struct engine_vcpu *)side->cpu) == ENGINE_EXIT_KICKED);
    begin_or_end(side);
}

static void compare(const struct side *a, const struct side *b) {
    const struct cpu *p = a->cpu, *q = b->cpu;
    check(memcmp(p->x, q->x, REG_SINK * sizeof p->x[0]) == 0);
    check(memcmp(p->v, q->v, sizeof p->v) == 0);
    check(p->sp_bank[0] == q->sp_bank[0] && p->fpcr == q->fpcr && p->fpsr == q->fpsr);
    check(p->sys.elr == q->sys.elr && p->sys.esr == q->sys.esr && p->sys.spsr == q->sys.spsr);
    check(memcmp(a->ram, b->ram, SIZE) == 0);
}

/* What differs between any two runs: counters, random numbers. */
static bool is_deterministic(const uint32_t *code, unsigned words) {
    for (unsigned i = 0; i < words; i++)
        if ((code[i] & 0xfff00000) == 0xd5300000 &&
            (code[i] >> 12 & 15) != 4) /* MRS but of NZCV, FPCR, FPSR */
            return false;
    return true;
}

/* Code that was written over, without IC IVAU, may be executed as it was or as it is. */
static bool is_written_over(const struct side *side, const uint32_t *code, unsigned words) {
    enum { PAGES = 2 * PAGE_SIZE_4K, FIRST = (CODE & -PAGE_SIZE_4K) - BASE };
    static uint8_t before[PAGES];
    memset(before, 0, sizeof before);
    memcpy(before + (CODE - BASE - FIRST), code, words * sizeof *code);
    return memcmp(before, side->ram + FIRST, sizeof before) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!sides[0].cpu) {
        make_side(&sides[0], "interp");
        make_side(&sides[1], "eager");
        pthread_t thread;
        check(pthread_create(&thread, NULL, kick, NULL) == 0);
    }
    struct fuzz_input in = {data, size};
    uint64_t seed = fuzz_u32(&in);
    uint32_t code[WORDS_MAX];
    unsigned words = 0;
    for (; words < WORDS_MAX && in.size; words++)
        code[words] = fuzz_u32(&in);
    for (unsigned i = 0; i < 2; i++)
        run(&sides[i], code, words, seed);
    if (!sides[0].kicked && !sides[1].kicked && is_deterministic(code, words) &&
        !is_written_over(&sides[0], code, words) && !is_written_over(&sides[1], code, words))
        compare(&sides[0], &sides[1]);
    return 0;
}
