/* Runs test cases on the CPU under it (qemu-aarch64) and writes the resulting states to stdout.
 *
 *     qemu-aarch64 oracle CASES
 *
 * One signal handler does it all: a case ends in an exception, the handler takes the state out of the
 * signal's context, puts the next case's state in, and returns into it. Nothing here may use the stack
 * pointer or thread pointer of the interrupted code. */
#include "case.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

static const struct case_record *records_end;
static struct case_batch batch;
static const struct case_record *record; /* the one that runs */
static uint32_t repetition;
static uint64_t record_pc;

static uint8_t output[256 * sizeof(struct case_state)];
static size_t output_used;

static void flush_output(void) {
    for (size_t done = 0; done < output_used;) {
        ssize_t n = write(STDOUT_FILENO, output + done, output_used - done);
        if (n <= 0)
            _exit(3);
        done += (size_t)n;
    }
    output_used = 0;
}

static struct fpsimd_context *fpsimd_of(ucontext_t *context) {
    return (struct fpsimd_context *)context->uc_mcontext.__reserved;
}

static void load_state(ucontext_t *context, const struct case_state *state) {
    memcpy(context->uc_mcontext.regs, state->x, sizeof(state->x));
    context->uc_mcontext.sp = state->sp;
    context->uc_mcontext.pc = state->pc;
    context->uc_mcontext.pstate = state->nzcv;
    struct fpsimd_context *fpsimd = fpsimd_of(context);
    memcpy(fpsimd->vregs, state->v, sizeof(state->v));
    fpsimd->fpcr = state->fpcr;
    fpsimd->fpsr = state->fpsr;
    case_load_memory((void *)(uintptr_t)DATA_BASE, state);
}

static void store_state(const ucontext_t *context, int signal, struct case_state *state) {
    memcpy(state->x, context->uc_mcontext.regs, sizeof(state->x));
    state->sp = context->uc_mcontext.sp;
    state->pc = context->uc_mcontext.pc;
    state->nzcv = context->uc_mcontext.pstate & 0xf0000000;
    const struct fpsimd_context *fpsimd = (const struct fpsimd_context *)context->uc_mcontext.__reserved;
    memcpy(state->v, fpsimd->vregs, sizeof(state->v));
    state->fpcr = fpsimd->fpcr & 0x07c80000; /* less what only AArch32 has: Len, Stride, NZCV */
    state->fpsr = fpsimd->fpsr & 0x0800009f;
    state->signal = signal == SIGTRAP ? CASE_DONE : (uint32_t)signal;
    memcpy(state->window, (const void *)(uintptr_t)WINDOW_BASE, WINDOW_SIZE);
}

static void load_batch(const struct case_record *first) {
    batch = case_load_batch((uint32_t *)(uintptr_t)SLED_BASE, first, records_end, batch);
    memset((void *)(uintptr_t)DATA_BASE, 0, DATA_SIZE);
    __builtin___clear_cache((char *)(uintptr_t)CODE_BASE, (char *)(uintptr_t)CODE_BASE + CODE_SIZE);
    record_pc = CODE_BASE;
}

static void advance(void) {
    if (++repetition < record->repeat)
        return;
    repetition = 0;
    record_pc += (record->words + 1) * sizeof(uint32_t);
    record = case_next(record);
    if (record == records_end) {
        flush_output();
        _exit(0);
    }
    if (record == batch.end)
        load_batch(record);
}

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)info;
    static bool started;
    static struct case_state initial;
    if (started) {
        store_state(context, signal, (struct case_state *)(output + output_used));
        output_used += sizeof(struct case_state);
        if (output_used == sizeof(output))
            flush_output();
        advance();
    }
    started = true;
    initial.pc = record_pc;
    case_initial(&initial, case_words(record), record->words, record->flags, record->seed + repetition);
    load_state(context, &initial);
}

static void *map_at(uint64_t address, size_t size, int protection) {
    void *at =
        mmap((void *)address, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (at != (void *)address) {
        fprintf(stderr, "oracle: cannot map %zu bytes at %#lx\n", size, address);
        exit(2);
    }
    return at;
}

static void read_cases(const char *path) {
    struct stat stat;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &stat) < 0 || stat.st_size == 0) {
        fprintf(stderr, "oracle: cannot read %s\n", path);
        exit(2);
    }
    char *data = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    record = (const struct case_record *)data;
    records_end = (const struct case_record *)(data + stat.st_size);
}

static void catch_signals(void) {
    /* Where no case's stack pointer comes: one inside would pass for a signal handler's own. Below 4 GiB,
     * where this program lies, a W register as SP is enough for that. */
    const uint64_t base = 0x5b3d6e400000;
    const size_t size = 256 << 10;
    sigaltstack(&(stack_t){.ss_sp = map_at(base, size, PROT_READ | PROT_WRITE), .ss_size = size}, NULL);
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    static const int signals[] = {SIGTRAP, SIGILL, SIGBUS, SIGSEGV, SIGFPE};
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: oracle CASES\n");
        return 2;
    }
    read_cases(argv[1]);
    uint32_t *sled = map_at(SLED_BASE, SLED_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (uint32_t i = 0; i < SLED_SIZE / sizeof(uint32_t); i++)
        sled[i] = sled_word(i);
    map_at(DATA_BASE, DATA_SIZE, PROT_READ | PROT_WRITE);
    catch_signals();
    load_batch(record);
    __asm__ volatile("brk #0");
    return 1;
}
