/* Decoded code: for each physical page of code that a vCPU executes, its instructions, decoded when first
 * met. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/soft_vm.h"

enum {
    CODE_PAGES = 640, /* decoded pages a vCPU keeps: 20 MiB */
    CODE_PAGE_INSNS = PAGE_SIZE_4K / 4,
    CODE_VIEWS = 1024,
    CODE_BUCKETS = 4096,
};

/* op is A64_UNDEFINED where nothing was decoded yet, and always in the entry past the end. */
typedef struct a64_insn code_insns[CODE_PAGE_INSNS + 1];

/* Apart from the instructions, so that looking for a page touches little memory. */
struct code_page {
    struct a64_insn *insn; /* code_insns */
    uint64_t pa;
    const uint8_t *host;
    struct code_page *next; /* in its bucket */
    struct jit_page *jit;   /* its translations, if that was asked for in this ... */
    uint64_t jit_flushes;   /* many flushes of the translator's memory */
    bool used;              /* looked up since the replacement hand came by */
    bool decoded;           /* holds instructions: guests invalidate one cache line after another */
};

/* Where a virtual page leads: tag is the page, the exception level, and the generation (code.c). */
struct code_view {
    uint64_t tag;
    struct code_page *page;
};

struct code_cache {
    code_insns *insns; /* of the pages */
    struct code_page page[CODE_PAGES];
    unsigned count, hand; /* pages in use; which to replace next */
    uint64_t generation;
    uint64_t current_va; /* the virtual page that executes, or CODE_NO_PAGE: look it up again */
    struct code_page *current;
    uint64_t block; /* where the instructions not yet counted begin */
    struct code_view view[CODE_VIEWS];
    struct code_page *bucket[CODE_BUCKETS];
};

enum { CODE_NO_PAGE = 1 };

/* Do these pages share a bit of shootdown_box.code_pages? */
static inline bool code_same_bit(uint64_t pa, uint64_t other) {
    return ((pa ^ other) >> PAGE_BITS & (SHOOTDOWN_PAGES - 1)) == 0;
}

/* Before anything of the page is decoded: from here on, others have to say that its code changes. */
void code_announce(struct cpu *cpu, struct code_page *page);

/* The page of cpu->pc, which becomes the current one. Raises what fetching from there raises. cpu->pc may
 * lose its top byte, as branches to tagged addresses do. */
struct code_page *code_enter(struct cpu *cpu);

/* Decodes the instruction at cpu->pc, which lies in the current page. False: UNDEFINED. */
bool code_decode(struct cpu *cpu);
