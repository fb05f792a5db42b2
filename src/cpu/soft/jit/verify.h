/* `--engine soft,verify`: everything that translated code does is done again by the interpreter, and
 * compared.
 *
 * Translated code runs as it always does: regions, chains, registers in place. Only its loads and stores are
 * logged (jit/memory.c), and wherever it calls C code there is a checkpoint: in front of every handler, where
 * a jump is resolved, and where it is left. There the interpreter executes, on a shadow of the vCPU, from the
 * state of the checkpoint before until it comes to the same place with the same state; loads take their
 * values from the log (replay.h). What handlers do is not compared: interpreter and translator share them.
 *
 * Of several vCPUs one at a time is in translated code, so that what an atomic instruction finds and leaves
 * can be logged around it. */
#pragma once

#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>

#include "cpu/soft/cpu.h"

/* A load or a store of translated code; stores log what memory held before and after. */
struct verify_access {
    uint64_t va;
    uint8_t *host;
    uint16_t page_offset; /* of the instruction */
    uint8_t size;         /* 1 to 64 */
    bool write;
    uint8_t old[64], new[64];
};

enum {
    VERIFY_ACCESSES = 4096, /* room for the log */
    VERIFY_ENOUGH = 1024,   /* translated code is asked to leave after at most so many */
    VERIFY_TRACE = 32,      /* instructions that a report lists */
};

struct verify {
    struct cpu *cpu, *shadow;
    bool running; /* translated code, under the lock */
    bool failed;  /* a difference was reported */

    const char *since; /* what the stretch began with */
    uint64_t since_pc;

    struct verify_access *log;
    unsigned count, enough;
    bool overflow; /* of the log: no comparison */
    uint32_t random;

    /* The replay. */
    unsigned at, taken; /* access and bytes of it that are next */
    bool atomic;        /* the instruction got a copy, which must become log[at].new */
    uint8_t copy[16] __attribute__((aligned(16)));
    jmp_buf stop; /* by enum verify_stop */
    char why[160];
    struct {
        uint64_t pc;
        struct a64_insn insn;
    } trace[VERIFY_TRACE];
    uint64_t steps;
    struct cpu *nearest; /* the state most alike where the PC was right, of the kind of shadow */
    unsigned differences;
};

/* Before jit_create(). -1: no memory. */
int verify_create(struct cpu *cpu);
void verify_destroy(struct cpu *cpu);

/* Around translated code. end() does not return after a difference: cpu->unwind. */
void verify_begin(struct cpu *cpu);
void verify_end(struct cpu *cpu);
/* After an exception left translated code, or C code that it called. */
void verify_unwound(struct cpu *cpu);
/* Around C code that translated code calls, other than handlers. Only while running. */
void verify_pause(struct cpu *cpu);
void verify_resume(struct cpu *cpu);
/* What translated code calls instead of a handler, in the middle of a region and at its end. */
void verify_handler(struct cpu *cpu, const struct a64_insn *insn);
void verify_handler_end(struct cpu *cpu, const struct a64_insn *insn);

/* What the log is told of an access. */
enum { VERIFY_SIZE = 0xff, VERIFY_WRITE = 0x100, VERIFY_USER = 0x200, VERIFY_OFFSET_SHIFT = 16 };
/* Called by translated code before the access. Returns where to access instead: loads read a copy. */
uint8_t *verify_access(struct cpu *cpu, uint8_t *host, uint64_t va, uint32_t what);

/* --- replay.c */
/* What of the state is compared, besides what always is. */
enum { VERIFY_NZCV = 1, VERIFY_FPSR = 2, VERIFY_ALL = 3 };
/* Interprets on the shadow, from its state to that of the vCPU. Reports a difference and returns false. */
bool verify_replay(struct verify *verify, unsigned what);
/* The architectural state. */
void verify_copy_state(struct cpu *to, const struct cpu *from);
