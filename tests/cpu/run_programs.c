/* Runs random programs on the software CPU, for engines that check themselves (--engine soft,verify).
 *
 *     run_programs CASES ENGINE-OPTION
 *
 * Unlike in run_cases, loops run long enough to be translated, the code lies across a page boundary,
 * interrupts come at any time, and a program goes on behind its exceptions: supervisor calls, aborts,
 * undefined instructions. It ends at the BRK behind it, or where a branch leads out of the sled. Exits with 1
 * when the engine found a difference. */
#include "machine.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOPS = 400, PAGE = 4096, HANG_SECONDS = 30 };

/* Exceptions from EL0, by ESR_EL1.EC: behind undefined instructions (0), MSR and MRS that trap (0x18), data
 * aborts (0x24) and stack alignment faults (0x26), execution goes on; others end the program. */
static const uint32_t sync_vector[] = {
    0xd518d080, /* msr tpidr_el1, x0 */
    0xd5385200, /* mrs x0, esr_el1 */
    0xd35afc00, /* lsr x0, x0, #26 */
    0xb4000180, /* cbz x0, skip */
    0xf100541f, /* cmp x0, #0x15: SVC, whose ELR_EL1 is behind it */
    0x540001a0, /* b.eq back */
    0xf100601f, /* cmp x0, #0x18 */
    0x54000100, /* b.eq skip */
    0xf100901f, /* cmp x0, #0x24 */
    0x540000c0, /* b.eq skip */
    0xf100981f, /* cmp x0, #0x26 */
    0x54000080, /* b.eq skip */
    0xd538d080, /* mrs x0, tpidr_el1 */
    0xd4000002, /* end: hvc #0 */
    0x17ffffff, /* b end */
    0xd5384020, /* skip: mrs x0, elr_el1 */
    0x91001000, /* add x0, x0, #4 */
    0xd5184020, /* msr elr_el1, x0 */
    0xd538d080, /* back: mrs x0, tpidr_el1 */
    0xd69f03e0, /* eret */
};
static const uint32_t irq_vector[] = {
    0xd4000002, /* hvc #0 */
    0xd69f03e0, /* eret */
};

static void set_vectors(void) {
    memcpy(machine.vectors + VECTOR_EL0_SYNC * VECTOR_WORDS, sync_vector, sizeof sync_vector);
    memcpy(machine.vectors + VECTOR_EL0_IRQ * VECTOR_WORDS, irq_vector, sizeof irq_vector);
}

/* For an interrupt that waits, or the end. */
static void on_hvc(void *ctx, unsigned index, uint64_t x[18]) {
    (void)ctx, (void)index, (void)x;
    if (atomic_load(&machine.cpu->lines))
        engine_soft.vcpu_interrupt(machine.vcpu, ENGINE_IRQ, false);
    else
        engine_soft.vcpu_kick(machine.vcpu);
}

static _Atomic unsigned runs; /* begun */

/* Of this process: the host may be busy with others. */
static time_t cpu_seconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec;
}

static void *disturb(void *end) {
    unsigned seen = 0;
    time_t since = cpu_seconds();
    while (!atomic_load((atomic_bool *)end)) {
        engine_soft.vcpu_interrupt(machine.vcpu, ENGINE_IRQ, true);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        unsigned now = atomic_load(&runs);
        if (now != seen)
            since = cpu_seconds();
        if (cpu_seconds() - since > HANG_SECONDS)
            machine_die("a program does not end");
        seen = now;
    }
    return NULL;
}

/* False: the engine found a difference. */
static bool run_record(const struct case_record *record) {
    /* Across a page boundary, at a place that depends on the program. */
    uint64_t pc = CODE_BASE + PAGE - record->seed % (record->words + 1) * sizeof(uint32_t);
    const uint64_t index = (pc - SLED_BASE) / sizeof(uint32_t);
    bool good = true;
    for (uint32_t n = 0; n < record->repeat && good; n++) {
        struct case_state initial;
        memcpy(machine.sled + index, case_words(record), record->words * sizeof(uint32_t));
        code_invalidate_page(machine.cpu, CODE_BASE);
        code_invalidate_page(machine.cpu, CODE_BASE + PAGE);
        initial.pc = pc;
        case_initial(&initial, case_words(record), record->words, record->flags, record->seed + n);
        initial.x[PROGRAM_COUNT_REG] = LOOPS;
        machine_load_state(&initial);
        atomic_fetch_add(&runs, 1);
        good = engine_soft.vcpu_run(machine.vcpu) == ENGINE_EXIT_KICKED;
        if (!good)
            printf("program %u, state %u: the engine stopped\n", record->id, n);
    }
    for (uint32_t i = 0; i < record->words; i++)
        machine.sled[index + i] = sled_word((uint32_t)index + i);
    return good;
}

int main(int argc, char **argv) {
    struct stat stat;
    int fd = argc == 3 ? open(argv[1], O_RDONLY) : -1;
    if (fd < 0 || fstat(fd, &stat) < 0)
        machine_die("usage: run_programs CASES ENGINE-OPTION");
    const char *file = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        machine_die("cannot read the cases");
    machine_create(argv[2], on_hvc);
    set_vectors();
    atomic_bool end = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, disturb, &end) != 0)
        machine_die("cannot start a thread");
    const struct case_record *record = (const struct case_record *)file;
    bool good = true;
    for (; good && (const char *)record < file + stat.st_size; record = case_next(record))
        good = run_record(record);
    atomic_store(&end, true);
    pthread_join(thread, NULL);
    struct engine_stats stats;
    engine_soft.vcpu_stats(machine.vcpu, &stats);
    printf("%u programs, %llu instructions, %llu exceptions, %llu translations\n", atomic_load(&runs),
        (unsigned long long)stats.instructions, (unsigned long long)stats.exceptions,
        (unsigned long long)stats.translations);
    machine_destroy();
    return good ? 0 : 1;
}
