/* Runs test cases on the software CPU and compares with what the oracle wrote.
 *
 *     oracle CASES | run_cases CASES [interp|eager]
 *
 * Prints one line a case record, "result ID STATES FAILURES EXECUTED" (EXECUTED: states that ended without an
 * exception of the words themselves), and before it the first failures in detail. Exits with 1 when something
 * differs.
 *
 * The cases run in EL0 behind a small stage 1 map like Linux's. Every exception ends in the vector, whose HVC
 * leaves vcpu_run(): whole paths are tested, through decoder, memory, exceptions and the run loop. */
#include "machine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FAILURES_SHOWN = 2 }; /* of one record */

/* An interrupt that was gone when the vCPU looked: translated code is left wherever it lets itself be. */
static void *disturb(void *end) {
    while (!atomic_load((atomic_bool *)end)) {
        cpu_attract(machine.cpu, ATTENTION_INTERRUPT);
        nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    return NULL;
}

/* Every exception ends in an HVC. */
static void on_hvc(void *ctx, unsigned index, uint64_t x[18]) {
    (void)ctx, (void)index, (void)x;
    engine_soft.vcpu_kick(machine.vcpu);
}

/* --- one state of one case */

/* What Linux makes of a syndrome. */
static uint32_t signal_of(uint64_t esr) {
    switch (esr >> 26 & 63) {
    case 0x3c: return CASE_DONE;
    case 0x00:
    case 0x18: return CASE_SIGILL;
    case 0x22:
    case 0x26: return CASE_SIGBUS;
    case 0x20:
    case 0x24: return (esr & 63) == 0x21 ? CASE_SIGBUS : CASE_SIGSEGV;
    default: return 1000 + (esr >> 26 & 63);
    }
}

static void store_state(struct case_state *state) {
    const struct cpu *cpu = machine.cpu;
    memcpy(state->x, cpu->x, sizeof(state->x));
    state->sp = cpu->sp_bank[0];
    state->pc = cpu->sys.elr;
    state->nzcv = cpu->sys.spsr & 0xf0000000;
    memcpy(state->v, cpu->v, sizeof(state->v));
    state->fpcr = cpu->fpcr;
    state->fpsr = cpu->fpsr;
    state->signal = signal_of(cpu->sys.esr);
    memcpy(state->window, machine.data + (WINDOW_BASE - DATA_BASE), WINDOW_SIZE);
}

static void run_state(const struct case_state *initial, struct case_state *result) {
    machine_load_state(initial);
    if (engine_soft.vcpu_run(machine.vcpu) != ENGINE_EXIT_KICKED || machine.cpu->el != 1)
        machine_die("the vCPU stopped by itself");
    store_state(result);
}

/* --- comparing */

/* Registers that an aborted load leaves UNKNOWN: Rt and Rt2. */
static bool is_unknown_after_fault(const struct case_state *state, unsigned reg) {
    if (state->signal != CASE_SIGSEGV && state->signal != CASE_SIGBUS)
        return false;
    if (state->pc < SLED_BASE || state->pc >= SLED_BASE + SLED_SIZE || state->pc & 3)
        return false;
    uint32_t word = machine.sled[(state->pc - SLED_BASE) / sizeof(uint32_t)];
    return (word & 31) == reg || (word >> 10 & 31) == reg;
}

static bool same(const struct case_state *a, const struct case_state *b) {
    if (memcmp(a, b, sizeof(*a)) == 0)
        return true;
    if (a->signal != b->signal || a->pc != b->pc || a->sp != b->sp || a->nzcv != b->nzcv)
        return false;
    if (a->signal != CASE_SIGSEGV && a->signal != CASE_SIGBUS)
        return false;
    for (unsigned i = 0; i < 31; i++)
        if (a->x[i] != b->x[i] && !is_unknown_after_fault(a, i))
            return false;
    return true;
}

static void show_64(const char *name, uint64_t in, uint64_t oracle, uint64_t ours, bool always) {
    if (oracle != ours)
        printf("    %-6s in %016" PRIx64 "  oracle %016" PRIx64 "  ours %016" PRIx64 "\n", name, in, oracle,
            ours);
    else if (always)
        printf("    %-6s in %016" PRIx64 "\n", name, in);
}

static void show_vector(
    unsigned i, const uint64_t in[2], const uint64_t oracle[2], const uint64_t ours[2], bool always) {
    bool differ = memcmp(oracle, ours, 16) != 0;
    if (!differ && !always)
        return;
    printf("    v%-5u in %016" PRIx64 "_%016" PRIx64, i, in[1], in[0]);
    if (differ)
        printf("  oracle %016" PRIx64 "_%016" PRIx64 "  ours %016" PRIx64 "_%016" PRIx64, oracle[1],
            oracle[0], ours[1], ours[0]);
    printf("\n");
}

static void show_window(
    const struct case_state *in, const struct case_state *oracle, const struct case_state *ours) {
    for (unsigned i = 0; i < WINDOW_SIZE; i += 8) {
        uint64_t values[3];
        memcpy(&values[0], in->window + i, 8);
        memcpy(&values[1], oracle->window + i, 8);
        memcpy(&values[2], ours->window + i, 8);
        char name[16];
        snprintf(name, sizeof(name), "[%x]", WINDOW_BASE + i);
        show_64(name, values[0], values[1], values[2], false);
    }
}

/* Inputs that the words may read and everything that differs. */
static void show_failure(const struct case_record *record, uint32_t seed, const struct case_state *in,
    const struct case_state *oracle, const struct case_state *ours) {
    uint32_t named = 0;
    for (unsigned i = 0; i < record->words && !(record->flags & CASE_PROGRAM); i++) {
        uint32_t word = case_words(record)[i];
        named |=
            1u << (word & 31) | 1u << (word >> 5 & 31) | 1u << (word >> 16 & 31) | 1u << (word >> 10 & 31);
    }
    printf("fail %u seed %u words", record->id, seed);
    for (unsigned i = 0; i < record->words; i++)
        printf(" %08x", case_words(record)[i]);
    printf("\n");
    for (unsigned i = 0; i < 31; i++) {
        char name[8];
        snprintf(name, sizeof(name), "x%u", i);
        show_64(name, in->x[i], oracle->x[i], ours->x[i], named >> i & 1);
    }
    show_64("sp", in->sp, oracle->sp, ours->sp, named >> 31);
    show_64("pc", in->pc, oracle->pc, ours->pc, true);
    show_64("nzcv", in->nzcv, oracle->nzcv, ours->nzcv, true);
    for (unsigned i = 0; i < 32; i++)
        show_vector(i, in->v[i], oracle->v[i], ours->v[i], named >> i & 1);
    show_64("fpcr", in->fpcr, oracle->fpcr, ours->fpcr, true);
    show_64("fpsr", in->fpsr, oracle->fpsr, ours->fpsr, true);
    show_64("signal", in->signal, oracle->signal, ours->signal, true);
    show_window(in, oracle, ours);
}

/* --- the file of cases */

static void read_oracle(struct case_state *state) {
    if (fread(state, sizeof(*state), 1, stdin) != 1)
        machine_die("the oracle ended early");
}

/* Runs all states of a record; returns how many differ. */
static unsigned run_record(const struct case_record *record, uint64_t pc) {
    unsigned failures = 0, executed = 0;
    for (uint32_t n = 0; n < record->repeat; n++) {
        struct case_state initial, ours, oracle;
        initial.pc = pc;
        case_initial(&initial, case_words(record), record->words, record->flags, record->seed + n);
        run_state(&initial, &ours);
        read_oracle(&oracle);
        executed += oracle.signal == CASE_DONE;
        if (same(&oracle, &ours))
            continue;
        if (failures++ < FAILURES_SHOWN)
            show_failure(record, record->seed + n, &initial, &oracle, &ours);
    }
    printf("result %u %u %u %u\n", record->id, record->repeat, failures, executed);
    return failures;
}

static uint64_t run_file(const struct case_record *record, const struct case_record *end) {
    uint64_t failures = 0;
    struct case_batch batch = {record, record};
    for (; record < end; record = batch.end) {
        uint64_t pc = CODE_BASE;
        batch = case_load_batch(machine.sled, record, end, batch);
        memset(machine.data, 0, DATA_SIZE);
        code_invalidate_all(machine.cpu);
        for (const struct case_record *r = batch.first; r < batch.end; r = case_next(r)) {
            failures += run_record(r, pc);
            pc += (r->words + 1) * sizeof(uint32_t);
        }
    }
    return failures;
}

int main(int argc, char **argv) {
    struct stat stat;
    int fd = argc == 2 || argc == 3 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &stat) < 0)
        machine_die("usage: run_cases CASES [ENGINE-OPTION] < states of the oracle");
    const char *file = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        machine_die("cannot read the cases");
    machine_create(argc > 2 ? argv[2] : NULL, on_hvc);
    atomic_bool end = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, disturb, &end) != 0)
        machine_die("cannot start a thread");
    uint64_t failures =
        run_file((const struct case_record *)file, (const struct case_record *)(file + stat.st_size));
    atomic_store(&end, true);
    pthread_join(thread, NULL);
    machine_destroy();
    return failures ? 1 : 0;
}
