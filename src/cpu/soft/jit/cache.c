/* A vCPU's translations: their memory, and which of them belong to a physical page. */
#include <cpuid.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "cpu/soft/jit/crypto.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/jit.h"
#include "cpu/soft/jit/vector.h"
#include "cpu/soft/jit/verify.h"
#include "host/clock.h"

static size_t entries_bytes(void) {
    return sizeof(jit_entries) * JIT_PAGES;
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

/* In the first part, behind the stubs. */
static void begin(struct jit *jit) {
    jit->at = jit->memory.write + JIT_STUBS;
    jit->end = jit->memory.write + JIT_PART;
}

static unsigned parts_in(uint64_t memory) {
    uint64_t parts = memory / JIT_PART;
    if (parts < JIT_LEAST_PARTS)
        return JIT_LEAST_PARTS;
    return parts < JIT_MOST_PARTS ? (unsigned)parts : JIT_MOST_PARTS;
}

int jit_create(struct cpu *cpu, const struct jit_options *options) {
    struct jit *jit = cpu->jit = calloc(1, sizeof *jit);
    if (!jit)
        return -1;
    void *entries = mmap(
        NULL, entries_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    jit->entries = entries == MAP_FAILED ? NULL : entries;
    jit->parts = parts_in(options->memory);
    jit->translation = malloc(sizeof *jit->translation);
    if (!jit->entries || !jit->translation || (options->verify && verify_create(cpu) < 0) ||
        host_exec_create(&jit->memory, "pearvisor-code", (size_t)jit->parts * JIT_PART) < 0) {
        jit_destroy(cpu);
        return -1;
    }
    jit->exact = options->eager;
    jit->hot = options->eager ? 1 : JIT_HOT;
    jit->counts = options->count;
    begin(jit);
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
    if (jit->entries)
        munmap(jit->entries, entries_bytes());
    free(jit->translation);
    free(jit);
    cpu->jit = NULL;
    verify_destroy(cpu);
}

void jit_flush(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    cpu->stats.code_flushes++;
    memset(jit->bucket, 0, sizeof jit->bucket);
    memset(jit->page, 0, sizeof jit->page);
    madvise(jit->entries, entries_bytes(), MADV_DONTNEED); /* reads as zeroes */
    jit->page_count = jit->hand = 0;
    begin(jit);
    jit->flushes++;
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
    memset(page->entry, 0, sizeof(jit_entries));
    page->regions = page->chains = 0;
}

/* When all pages are in use, one after another is replaced. */
static struct jit_page *take(struct jit *jit) {
    if (jit->page_count < JIT_PAGES) {
        struct jit_page *page = &jit->page[jit->page_count];
        page->entry = jit->entries[jit->page_count++];
        return page;
    }
    struct jit_page *page = &jit->page[jit->hand];
    jit->hand = (jit->hand + 1) % JIT_PAGES;
    struct jit_page **link = bucket_of(jit, page->pa);
    while (*link != page)
        link = &(*link)->next;
    *link = page->next;
    forget(jit, page);
    return page;
}

static struct jit_page *add(struct jit *jit, uint64_t pa) {
    struct jit_page *page = take(jit);
    struct jit_page **bucket = bucket_of(jit, pa);
    page->pa = pa;
    page->next = *bucket;
    *bucket = page;
    return page;
}

struct jit_page *jit_page_of(struct cpu *cpu, struct code_page *code) {
    struct jit *jit = cpu->jit;
    if (code->jit && code->jit_flushes == jit->flushes && code->jit->pa == code->pa)
        return code->jit;
    struct jit_page *page = find(jit, code->pa);
    code->jit = page ? page : add(jit, code->pa);
    code->jit_flushes = jit->flushes;
    return code->jit;
}

void jit_page_count(struct jit_page *page, uint32_t region) {
    page->regions++;
    page->parts |= 1u << region / JIT_PART;
}

/* --- room */

void jit_page_chain(
    struct jit *jit, struct jit_page *page, const struct jit_chain *chain, const uint8_t *start) {
    uint32_t at = (uint32_t)((const uint8_t *)chain - jit->memory.run);
    struct jit_chain *written = (struct jit_chain *)(jit->memory.write + at);
    written->next = page->chains;
    page->chains = at;
    x86_patch((uint8_t *)written - JIT_CHAIN_CALL - 4,
        jit->memory.write + (start - jit->memory.run) + JIT_SET_PAGE);
}

/* Jumps to regions of the part lead to their chains again. */
static void unchain(struct jit *jit, struct jit_page *page, unsigned part) {
    uint32_t kept = 0;
    for (uint32_t at = page->chains, next; at; at = next) {
        struct jit_chain *chain = (struct jit_chain *)(jit->memory.write + at);
        uint8_t *behind = (uint8_t *)chain - JIT_CHAIN_CALL;
        int32_t distance;
        memcpy(&distance, behind - 4, sizeof distance);
        next = chain->next;
        if (at / JIT_PART == part)
            continue;
        if ((at - JIT_CHAIN_CALL + (uint32_t)distance) / JIT_PART == part) {
            x86_patch(behind - 4, behind);
            continue;
        }
        chain->next = kept;
        kept = at;
    }
    page->chains = kept;
}

static void forget_part_of(struct jit *jit, struct jit_page *page, unsigned part) {
    unchain(jit, page, part);
    for (unsigned i = 0; i < CODE_PAGE_INSNS; i++)
        if (page->entry[i] >= JIT_STUBS && page->entry[i] / JIT_PART == part) {
            page->entry[i] = jit->hot / 2; /* it was come to, and soon is again */
            page->regions--;
        }
    page->parts &= ~(1u << part);
}

static void forget_part(struct cpu *cpu, unsigned part) {
    struct jit *jit = cpu->jit;
    bool used = false;
    for (unsigned i = 0; i < jit->page_count; i++)
        if (jit->page[i].parts >> part & 1) {
            forget_part_of(jit, &jit->page[i], part);
            used = true;
        }
    if (!used)
        return;
    cpu->stats.code_flushes++;
    jit->epoch++;
    tlb_forget_jumps(cpu);
}

void jit_make_room(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    if (jit->end - jit->at >= JIT_ROOM)
        return;
    uint8_t *full = jit->end - JIT_PART;
    unsigned part = (unsigned)(full - jit->memory.write) / JIT_PART;
    part = (part + 1) % jit->parts;
    forget_part(cpu, part);
    /* Little is written there any more: its pages need not be resident twice. */
    madvise(full, JIT_PART, MADV_DONTNEED);
    begin(jit);
    if (part) {
        jit->at = jit->memory.write + part * JIT_PART;
        jit->end = jit->at + JIT_PART;
    }
}

/* What was translated while the guest or a program started lies between what still runs: of a host's page,
 * and of its cache lines, little is used. Once little new is translated, everything is forgotten, and what
 * runs comes to lie side by side: often a tenth of it. The more that is, the more must be new for it to be
 * worth it again. */
void jit_settle(struct cpu *cpu) {
    enum { LITTLE = 256, WORTH = 2048 }; /* regions, the first between two looks */
    struct jit *jit = cpu->jit;
    uint64_t now = host_now_ns();
    if (now < jit->next_look)
        return;
    uint64_t made = cpu->stats.translations, new = made - jit->seen;
    jit->next_look = now + JIT_LOOK_NS;
    jit->seen = made;
    if (new > LITTLE)
        return;
    if (jit->settling) {
        jit->settling = false;
        jit->again = made - jit->settled;
        jit->settled = made;
    } else if (made - jit->settled > WORTH + jit->again / 8) {
        jit->settling = true;
        jit->settled = made;
        jit_flush(cpu);
        host_exec_discard(&jit->memory, JIT_PART);
    }
}

/* --- code that changes */

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
