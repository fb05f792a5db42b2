/* Test cases for single A64 instructions and short programs, shared by the oracle (an aarch64 program under
 * qemu-aarch64) and by run_cases (the software CPU).
 *
 * A file of cases holds words and seeds only; both sides make the same initial state from them (state.c), run
 * the words at the same addresses in EL0, and hand out a struct case_state. The machine that a case sees:
 *
 *   SLED    4 MiB, readable and executable, full of BRK (sled_word); a case's words are put in its middle
 *   DATA    two readable and writable pages, nothing mapped around them; a window of 256 bytes across the
 * page boundary is compared
 *
 * A case ends at its first exception: the BRK that follows its words, or the one where a branch went. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SLED_BASE = 0x50000000,
    SLED_SIZE = 4 << 20,
    CODE_BASE = SLED_BASE + SLED_SIZE / 2,
    CODE_SIZE = 64 << 10,
    DATA_BASE = 0x70000000,
    DATA_SIZE = 2 * 4096,
    WINDOW_SIZE = 256,
    WINDOW_BASE = DATA_BASE + DATA_SIZE / 2 - WINDOW_SIZE / 2,
    TAIL_SIZE = 64, /* the end of DATA, which accesses run over */
};

enum { CASE_WORDS_MAX = 256 };

enum case_flags {
    CASE_ALONE = 1,   /* branches: no other case's words lie in the sled */
    CASE_PROGRAM = 2, /* x25 is a loop count, x26, x27 and sp point into the window */
};

/* Registers with a purpose in a CASE_PROGRAM. */
enum { PROGRAM_COUNT_REG = 25, PROGRAM_BASE_REG = 26, PROGRAM_LOOPS = 12 };

/* In the file, each followed by its words; little-endian. */
struct case_record {
    uint32_t id;
    uint16_t flags;
    uint16_t words;
    uint32_t repeat; /* how many initial states */
    uint32_t seed;   /* of the first; the n-th is seed + n */
};

/* How a case ended: the Linux signal, or CASE_DONE for BRK. */
enum { CASE_DONE = 0, CASE_SIGILL = 4, CASE_SIGBUS = 7, CASE_SIGSEGV = 11 };

struct case_state {
    uint64_t x[31], sp, pc;
    uint64_t v[32][2];
    uint32_t nzcv; /* bits 31:28, as in PSTATE */
    uint32_t fpcr, fpsr;
    uint32_t signal;
    uint8_t window[WINDOW_SIZE];
};

/* The initial state of a case; pc is where its words start. */
void case_initial(
    struct case_state *state, const uint32_t *words, unsigned count, unsigned flags, uint32_t seed);

/* Fills the parts of DATA that cases are aimed at. */
void case_load_memory(void *data, const struct case_state *state);

/* Records that run from the sled at the same time: as many as fit, or one that wants to be alone. */
struct case_batch {
    const struct case_record *first, *end;
};

/* The batch that starts at record; end is the end of the file. Writes its code to sled (SLED_SIZE bytes, full
 * of sled_word outside of the previous batch, which is taken away). */
struct case_batch case_load_batch(uint32_t *sled, const struct case_record *record,
    const struct case_record *end, struct case_batch previous);

/* What the sled holds where no case is: BRK with a number that depends on the place, so that literal loads
 * differ. */
static inline uint32_t sled_word(uint32_t index) {
    return 0xd4200000 | (index * 0x9e3779b1u >> 11 & 0x1fffe0);
}

static inline const uint32_t *case_words(const struct case_record *record) {
    return (const uint32_t *)(record + 1);
}

static inline const struct case_record *case_next(const struct case_record *record) {
    return (const struct case_record *)(case_words(record) + record->words);
}
