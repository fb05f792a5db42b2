#include "cpu/soft/code.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "a64_ops.h"
#include "cpu/soft/jit/jit.h"

/* A view's tag: the virtual page, the generation in bits 1-10, the exception level in bit 0. Bit 11 is never
 * set in a valid one. */
enum { GENERATIONS = 1 << 10, NO_TAG = 1 << 11 };

static uint64_t tag_of(const struct cpu *cpu) {
    return (cpu->pc & PAGE_MASK) | cpu->code->generation << 1 | cpu->el;
}

static size_t insns_bytes(void) {
    return sizeof(code_insns) * CODE_PAGES;
}

int code_cache_create(struct cpu *cpu) {
    struct code_cache *code = calloc(1, sizeof *code);
    if (!code)
        return -1;
    void *insns =
        mmap(NULL, insns_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (insns == MAP_FAILED) {
        free(code);
        return -1;
    }
    code->insns = insns;
    for (unsigned i = 0; i < CODE_PAGES; i++)
        code->page[i].insn = code->insns[i];
    code->current_va = CODE_NO_PAGE;
    for (unsigned i = 0; i < CODE_VIEWS; i++)
        code->view[i].tag = NO_TAG;
    cpu->code = code;
    return 0;
}

void code_cache_destroy(struct cpu *cpu) {
    if (!cpu->code)
        return;
    munmap(cpu->code->insns, insns_bytes());
    free(cpu->code);
    cpu->code = NULL;
}

void code_mapping_changed(struct cpu *cpu) {
    struct code_cache *code = cpu->code;
    code->current_va = CODE_NO_PAGE;
    if (++code->generation == GENERATIONS) {
        code->generation = 0;
        for (unsigned i = 0; i < CODE_VIEWS; i++)
            code->view[i].tag = NO_TAG;
    }
}

void code_level_changed(struct cpu *cpu) {
    cpu->code->current_va = CODE_NO_PAGE;
}

static struct code_page **bucket_of(struct code_cache *code, uint64_t pa) {
    return &code->bucket[pa >> PAGE_BITS & (CODE_BUCKETS - 1)];
}

static struct code_page *find(struct code_cache *code, uint64_t pa) {
    struct code_page *page = *bucket_of(code, pa);
    while (page && page->pa != pa)
        page = page->next;
    return page;
}

static uint64_t bit_of(uint64_t pa) {
    return UINT64_C(1) << (pa >> PAGE_BITS & 63);
}

static _Atomic uint64_t *word_of(struct cpu *cpu, uint64_t pa) {
    return &cpu->box->code_pages[(pa >> PAGE_BITS & (SHOOTDOWN_PAGES - 1)) / 64];
}

/* The bit first, then the code: who changes code and then finds no bit knows that we shall read the new. */
void code_announce(struct cpu *cpu, struct code_page *page) {
    if (page->decoded)
        return;
    page->decoded = true;
    atomic_fetch_or(word_of(cpu, page->pa), bit_of(page->pa));
}

bool code_is_announced(struct cpu *cpu, uint64_t pa) {
    return atomic_load(word_of(cpu, pa)) & bit_of(pa);
}

static void forget_instructions(struct code_page *page) {
    if (page->decoded)
        memset(page->insn, 0, sizeof(code_insns));
    page->decoded = false;
}

/* A page not looked up lately: out of its bucket, and no view leads to it. */
static struct code_page *evict(struct cpu *cpu) {
    struct code_cache *code = cpu->code;
    struct code_page *page;
    for (;;) {
        page = &code->page[code->hand];
        code->hand = (code->hand + 1) % CODE_PAGES;
        if (!page->used)
            break;
        page->used = false;
    }
    struct code_page **link = bucket_of(code, page->pa);
    while (*link != page)
        link = &(*link)->next;
    *link = page->next;
    forget_instructions(page);
    code_mapping_changed(cpu);
    return page;
}

static struct code_page *find_or_add(struct cpu *cpu, uint64_t pa, const uint8_t *host) {
    struct code_cache *code = cpu->code;
    struct code_page *page = find(code, pa);
    if (!page) {
        page = code->count < CODE_PAGES ? &code->page[code->count++] : evict(cpu);
        struct code_page **bucket = bucket_of(code, pa);
        page->pa = pa;
        page->jit = NULL;
        page->next = *bucket;
        *bucket = page;
    }
    page->host = host;
    page->used = true;
    return page;
}

/* AArch64.BranchAddr(): with TBI, the top byte of an address to branch to is a copy of bit 55. */
static uint64_t without_top_byte(const struct cpu *cpu, uint64_t va) {
    enum { TCR_TBI0 = 37, TCR_TBI1 = 38 };
    bool high = va >> 55 & 1;
    if (!(cpu->sys.tcr >> (high ? TCR_TBI1 : TCR_TBI0) & 1))
        return va;
    return (uint64_t)((int64_t)(va << 8) >> 8);
}

static struct code_page *find_view(struct cpu *cpu, struct code_view *view) {
    uint64_t pa;
    cpu->pc = without_top_byte(cpu, cpu->pc);
    const uint8_t *host = mem_fetch_page(cpu, cpu->pc, &pa);
    view->page = find_or_add(cpu, pa & PAGE_MASK, host);
    view->tag = tag_of(cpu);
    return view->page;
}

struct code_page *code_enter(struct cpu *cpu) {
    struct code_cache *code = cpu->code;
    if ((cpu->pc & (PAGE_MASK | 3)) == code->current_va)
        return code->current;
    if (__builtin_expect(cpu->pc & 3, 0)) {
        cpu->pc = without_top_byte(cpu, cpu->pc);
        cpu_raise_pc_alignment(cpu);
    }
    struct code_view *view = &code->view[cpu->pc >> PAGE_BITS & (CODE_VIEWS - 1)];
    code->current = __builtin_expect(view->tag == tag_of(cpu), 1) ? view->page : find_view(cpu, view);
    code->current_va = cpu->pc & PAGE_MASK;
    return code->current;
}

bool code_decode(struct cpu *cpu) {
    struct code_page *page = cpu->code->current;
    uint64_t offset = cpu->pc & ~PAGE_MASK;
    uint32_t word;
    code_announce(cpu, page);
    memcpy(&word, page->host + offset, sizeof word); /* A64 is little-endian, and so is every host */
    return a64_decode(word, &page->insn[offset / 4]);
}

void code_invalidate_page(struct cpu *cpu, uint64_t pa) {
    if (!code_is_announced(cpu, pa))
        return;
    cpu->stats.code_invalidations++;
    for (struct code_page *page = *bucket_of(cpu->code, pa); page; page = page->next)
        if (code_same_bit(page->pa, pa))
            forget_instructions(page);
    jit_invalidate_page(cpu, pa);
    atomic_fetch_and(word_of(cpu, pa), ~bit_of(pa));
}

void code_invalidate_all(struct cpu *cpu) {
    struct code_cache *code = cpu->code;
    cpu->stats.code_invalidations++;
    memset(code->bucket, 0, sizeof code->bucket);
    madvise(code->insns, insns_bytes(), MADV_DONTNEED); /* reads as zeroes */
    for (unsigned i = 0; i < CODE_PAGES; i++)
        code->page[i].decoded = false;
    code->count = code->hand = 0;
    code_mapping_changed(cpu);
    jit_invalidate_all(cpu);
    for (unsigned i = 0; i < SHOOTDOWN_PAGES / 64; i++)
        atomic_store_explicit(&cpu->box->code_pages[i], 0, memory_order_relaxed);
}
