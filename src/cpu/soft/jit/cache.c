/* A vCPU's translations: their memory, and which of them belong to a physical page. */
#include <cpuid.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cpu/soft/jit/crypto.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/jit.h"
#include "cpu/soft/jit/vector.h"
#include "cpu/soft/jit/verify.h"

static size_t pages_bytes(void) {
    return sizeof(struct jit_page) * JIT_PAGES;
}

/* Not every compiler's __builtin_cpu_supports() knows it. */
static bool has_lzcnt(void) {
    enum { EXTENDED_FEATURES = 0x80000001, LZCNT = 1 << 5 };
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid(EXTENDED_FEATURES, &eax, &ebx, &ecx, &edx) && ecx & LZCNT;
}

bool jit_available(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") && has_lzcnt() &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

int jit_create(struct cpu *cpu, bool eager, bool verify) {
    struct jit *jit = cpu->jit = calloc(1, sizeof *jit);
    if (!jit)
        return -1;
    void *pages =
        mmap(NULL, pages_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    jit->pages = pages == MAP_FAILED ? NULL : pages;
    jit->translation = malloc(sizeof *jit->translation);
    if (!jit->pages || !jit->translation || (verify && verify_create(cpu) < 0) ||
        host_exec_create(&jit->memory, "pearvisor-code", JIT_MEMORY) < 0) {
        jit_destroy(cpu);
        return -1;
    }
    jit->exact = eager;
    jit->hot = eager ? 1 : JIT_HOT;
    jit->at = jit->memory.write + JIT_STUBS;
    jit_write_stubs(cpu);
    cpu->host_mxcsr = __builtin_ia32_stmxcsr();
    memcpy(cpu->jit_constant, jit_constants, sizeof jit_constants);
    jit_crypto_detect();
    return 0;
}

void jit_destroy(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    if (!jit)
        return;
    host_exec_destroy(&jit->memory);
    if (jit->pages)
        munmap(jit->pages, pages_bytes());
    free(jit->translation);
    free(jit);
    cpu->jit = NULL;
    verify_destroy(cpu);
}

void jit_flush(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    cpu->stats.code_flushes++;
    memset(jit->bucket, 0, sizeof jit->bucket);
    memset(jit->pages, 0, sizeof *jit->pages * jit->page_count);
    jit->page_count = 0;
    jit->at = jit->memory.write + JIT_STUBS;
    jit->epoch++;
    tlb_forget_jumps(cpu);
}

static struct jit_page **bucket_of(struct jit *jit, uint64_t pa) {
    return &jit->bucket[pa >> PAGE_BITS & (JIT_BUCKETS - 1)];
}

static struct jit_page *find(struct jit *jit, uint64_t pa) {
    struct jit_page *page = *bucket_of(jit, pa);
    while (page && page->pa != pa)
        page = page->next;
    return page;
}

static struct jit_page *add(struct cpu *cpu, uint64_t pa) {
    struct jit *jit = cpu->jit;
    if (jit->page_count == JIT_PAGES)
        jit_flush(cpu);
    struct jit_page *page = &jit->pages[jit->page_count++];
    struct jit_page **bucket = bucket_of(jit, pa);
    page->pa = pa;
    page->next = *bucket;
    *bucket = page;
    return page;
}

struct jit_page *jit_page_of(struct cpu *cpu, struct code_page *code) {
    struct jit *jit = cpu->jit;
    if (code->jit && code->jit_epoch == jit->epoch)
        return code->jit;
    struct jit_page *page = find(jit, code->pa);
    code->jit = page ? page : add(cpu, code->pa);
    code->jit_epoch = jit->epoch;
    return code->jit;
}

/* Whoever comes to the region from now on goes to its dead stub, in front of it. */
static void kill(uint8_t *start) {
    uint8_t *entry = start + JIT_SET_PAGE;
    entry[0] = JIT_DEAD_JUMP;
    entry[1] = (uint8_t) - (2 + JIT_SET_PAGE + JIT_DEAD_STUB);
}

static void forget(struct jit *jit, struct jit_page *page) {
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++)
        if (page->entry[i] >= JIT_STUBS)
            kill(jit->memory.write + page->entry[i]);
    memset(page->entry, 0, sizeof page->entry);
    page->regions = 0;
}

void jit_invalidate_page(struct cpu *cpu, uint64_t pa) {
    struct jit *jit = cpu->jit;
    if (!jit)
        return;
    for (struct jit_page *page = *bucket_of(jit, pa); page; page = page->next)
        if (page->regions && code_same_bit(page->pa, pa))
            forget(jit, page);
}

void jit_invalidate_all(struct cpu *cpu) {
    if (cpu->jit)
        jit_flush(cpu);
}
