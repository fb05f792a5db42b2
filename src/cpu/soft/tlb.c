/* The translation lookaside buffers: filling and flushing (mem.h has what looks things up). */
#include <stdlib.h>
#include <string.h>

#include "bus/memory.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/mmu.h"

/* All page and block sizes above 4 KiB, of all granules (mmu.c). Entries are for 4 KiB each, but a TLBI for
 * any address in a block must end all of them: for each size, a set has a 64-bit filter, indexed by a hash of
 * the block's number, and the whole block is flushed when its bit is set. */
static const uint8_t block_shifts[TLB_SHIFTS] = {14, 16, 21, 25, 29, 30};

enum { SCTLR_A = 1 << 1 };

/* Ranges of more pages than this are looked for in the set, rather than the set for each page. */
enum { SEARCH_PAGES = 64 };

static uint64_t block_bit(uint64_t va, unsigned shift) {
    /* Multiply by 2^64 / phi: neighbouring blocks get different bits. The top byte may be a tag. */
    return UINT64_C(1) << ((va << 8 >> 8 >> shift) * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static void note_block(struct tlb_set *set, uint64_t va, unsigned shift) {
    for (unsigned i = 0; i < TLB_SHIFTS; i++)
        if (block_shifts[i] == shift)
            set->blocks[i] |= block_bit(va, shift);
}

/* Extends [first, last] to the ends of the largest blocks that the set may hold around its first and its last
 * page; those in between are inside. */
static void widen(const struct tlb_set *set, uint64_t *first, uint64_t *last) {
    const uint64_t low = *first, high = *last;
    for (unsigned i = 0; i < TLB_SHIFTS; i++) {
        uint64_t inside = (UINT64_C(1) << block_shifts[i]) - 1;
        if (!set->blocks[i])
            continue;
        if (set->blocks[i] & block_bit(low, block_shifts[i]))
            *first = low & ~inside;
        if (set->blocks[i] & block_bit(high, block_shifts[i]))
            *last = high | inside;
    }
}

static bool has_jumps(const struct tlb_set *set) {
    return set->jump_first <= set->jump_last;
}

enum { JUMPS_BYTES = sizeof(struct tlb_jump) * TLB_JUMPS_A_PAGE };

static struct tlb_jump *jumps_of(struct tlb_set *set, unsigned group) {
    return &set->jump[group * TLB_JUMPS_A_PAGE];
}

static void empty_jumps(struct tlb_set *set) {
    for (unsigned group = 0; group < TLB_JUMP_PAGES; group++)
        if (set->jump_pages[group])
            memset(jumps_of(set, group), 0xff, JUMPS_BYTES);
    memset(set->jump_pages, 0, sizeof set->jump_pages);
    set->jump_first = UINT64_MAX;
    set->jump_last = 0;
    set->jump_nonglobal = false;
}

static void set_empty(struct tlb_set *set) {
    if (has_jumps(set))
        empty_jumps(set);
    if (set->global || set->nonglobal)
        memset(set->second, 0xff, sizeof set->second);
    memset(set->data, 0xff, sizeof set->data);
    memset(set->fetch, 0xff, sizeof set->fetch);
    memset(set->blocks, 0, sizeof set->blocks);
    set->global = set->nonglobal = false;
}

static void drop(struct tlb_entry *entry) {
    entry->read = entry->write = ~UINT64_C(0);
}
static void drop_fetch(struct tlb_fetch *entry) {
    entry->page = ~UINT64_C(0);
}

/* Does the page or block around the entry's page meet [first, last]? By bits 55:12: tags in the top byte
 * aside. */
static bool meets(uint64_t page, uint64_t info, uint64_t first, uint64_t last) {
    uint64_t inside = (UINT64_C(1) << (info & TLB_INFO_SHIFT)) - 1;
    uint64_t low = page << 8 >> 8 & ~inside;
    return low <= last && first <= (low | inside);
}

static bool meets_jumps(const struct tlb_set *set, uint64_t first, uint64_t last) {
    return first <= set->jump_last && set->jump_first <= last;
}

/* Of the pages whose jumps have the same places. */
static uint64_t jump_page_bit(uint64_t va) {
    return UINT64_C(1) << ((va << 8 >> 8 >> PAGE_BITS) / TLB_JUMP_PAGES * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

static void drop_jumps(struct tlb_set *set, uint64_t page) {
    unsigned group = page >> PAGE_BITS & (TLB_JUMP_PAGES - 1);
    if (!(set->jump_pages[group] & jump_page_bit(page)))
        return;
    memset(jumps_of(set, group), 0xff, JUMPS_BYTES);
    set->jump_pages[group] = 0;
}

static void drop_second(struct tlb_set *set, uint64_t first, uint64_t last) {
    if ((last - first) >> PAGE_BITS < SEARCH_PAGES) {
        for (uint64_t page = first; page <= last; page += PAGE_SIZE_4K)
            drop(tlb_second_slot(set, page));
        return;
    }
    for (unsigned i = 0; i < TLB_SECOND; i++)
        if (set->second[i].read != ~UINT64_C(0) &&
            meets(set->second[i].read, set->second[i].info, first, last))
            drop(&set->second[i]);
}

static void set_search(struct tlb_set *set, uint64_t first, uint64_t last) {
    if (meets_jumps(set, first, last))
        empty_jumps(set);
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        if (set->data[i].read != ~UINT64_C(0) && meets(set->data[i].read, set->data[i].info, first, last))
            drop(&set->data[i]);
    for (unsigned i = 0; i < TLB_FETCHES; i++)
        if (set->fetch[i].page != ~UINT64_C(0) && meets(set->fetch[i].page, set->fetch[i].info, first, last))
            drop_fetch(&set->fetch[i]);
}

static void set_flush_pages(struct tlb_set *set, uint64_t first, uint64_t last) {
    uint64_t low = first, high = last;
    drop_second(set, first, last);
    widen(set, &low, &high);
    if ((high - low) >> PAGE_BITS >= SEARCH_PAGES) {
        set_search(set, first, last);
        return;
    }
    for (uint64_t page = low; page <= high; page += PAGE_SIZE_4K) {
        drop_jumps(set, page);
        drop(&set->data[page >> PAGE_BITS & (TLB_ENTRIES - 1)]);
        drop_fetch(&set->fetch[page >> PAGE_BITS & (TLB_FETCHES - 1)]);
    }
}

static void set_flush_nonglobal(struct tlb_set *set) {
    if (set->jump_nonglobal)
        empty_jumps(set);
    if (!set->nonglobal)
        return;
    for (unsigned i = 0; i < TLB_ENTRIES; i++)
        if (set->data[i].info & TLB_INFO_NONGLOBAL)
            drop(&set->data[i]);
    for (unsigned i = 0; i < TLB_SECOND; i++)
        if (set->second[i].info & TLB_INFO_NONGLOBAL)
            drop(&set->second[i]);
    for (unsigned i = 0; i < TLB_FETCHES; i++)
        if (set->fetch[i].info & TLB_INFO_NONGLOBAL)
            drop_fetch(&set->fetch[i]);
    set->nonglobal = false;
}

static void flushed(struct cpu *cpu) {
    cpu->stats.tlb_flushes++;
    code_mapping_changed(cpu);
}

void tlb_flush_all(struct cpu *cpu) {
    struct tlb *tlb = cpu->tlb;
    set_empty(&tlb->el1[0]);
    set_empty(&tlb->el1[1]);
    for (unsigned i = 0; i < TLB_ASIDS; i++) {
        struct tlb_set *set = &tlb->el0[i];
        if (set->global || set->nonglobal || has_jumps(set))
            set_empty(set);
    }
    flushed(cpu);
}

void tlb_flush_asid(struct cpu *cpu, uint32_t asid) {
    struct tlb *tlb = cpu->tlb;
    for (unsigned i = 0; i < TLB_ASIDS; i++)
        if (tlb->asid[i] == asid && (tlb->el0[i].nonglobal || tlb->el0[i].jump_nonglobal))
            set_empty(&tlb->el0[i]);
    /* EL1's sets have no other ASID's entries than the current one's. */
    set_flush_nonglobal(&tlb->el1[0]);
    set_flush_nonglobal(&tlb->el1[1]);
    flushed(cpu);
}

void tlb_flush_pages(struct cpu *cpu, uint64_t va, uint64_t count, uint32_t asid) {
    struct tlb *tlb = cpu->tlb;
    uint64_t first = va << 8 >> 8 & PAGE_MASK, last = first + (count << PAGE_BITS) - 1;
    set_flush_pages(&tlb->el1[0], first, last);
    set_flush_pages(&tlb->el1[1], first, last);
    for (unsigned i = 0; i < TLB_ASIDS; i++) {
        struct tlb_set *set = &tlb->el0[i];
        if (set->global || meets_jumps(set, first, last) ||
            (set->nonglobal && (asid == TLB_NO_ASID || asid == tlb->asid[i])))
            set_flush_pages(set, first, last);
    }
    flushed(cpu);
}

void tlb_switch_asid(struct cpu *cpu, uint32_t asid) {
    struct tlb *tlb = cpu->tlb;
    unsigned way = 0;
    for (unsigned i = 0; i < TLB_ASIDS; i++) {
        if (tlb->asid[i] == asid) {
            way = i;
            break;
        }
        if (tlb->used[i] < tlb->used[way])
            way = i;
    }
    struct tlb_set *set = &tlb->el0[way];
    if (cpu->tlb_set[MMU_EL0] == set && tlb->asid[way] == asid)
        return;
    if (tlb->asid[way] != asid) {
        set_empty(set);
        tlb->asid[way] = asid;
    }
    tlb->used[way] = ++tlb->switches;
    cpu->tlb_set[MMU_EL0] = set;
    set_flush_nonglobal(&tlb->el1[0]);
    set_flush_nonglobal(&tlb->el1[1]);
    code_mapping_changed(cpu);
}

void tlb_enter_jump(struct cpu *cpu, uint64_t va, const uint8_t *code) {
    struct tlb_set *set = cpu->tlb_set[cpu->mmu_index];
    const struct tlb_fetch *fetch =
        &cpu->tlb_set[cpu->el ? MMU_EL1 : MMU_EL0]->fetch[va >> PAGE_BITS & (TLB_FETCHES - 1)];
    uint64_t pa;
    if (fetch->page != (va & PAGE_MASK)) /* another page took its place, and nothing is known of the block */
        mem_fetch_page(cpu, va, &pa);
    unsigned shift = fetch->info & TLB_INFO_SHIFT;
    uint64_t inside = (UINT64_C(1) << shift) - 1, first = va << 8 >> 8 & ~inside, last = first | inside;
    if (shift != PAGE_BITS)
        note_block(set, va, shift);
    set->jump_nonglobal |= (fetch->info & TLB_INFO_NONGLOBAL) != 0;
    if (first < set->jump_first)
        set->jump_first = first;
    if (last > set->jump_last)
        set->jump_last = last;
    unsigned group = va >> PAGE_BITS & (TLB_JUMP_PAGES - 1);
    set->jump_pages[group] |= jump_page_bit(va);
    set->jump[va >> 2 & (TLB_JUMPS - 1)] = (struct tlb_jump){.va = va, .code = code};
}

void tlb_forget_jumps(struct cpu *cpu) {
    empty_jumps(&cpu->tlb->el1[0]);
    empty_jumps(&cpu->tlb->el1[1]);
    for (unsigned i = 0; i < TLB_ASIDS; i++)
        empty_jumps(&cpu->tlb->el0[i]);
}

static uint64_t info_of(struct tlb_set *set, uint64_t va, const struct mmu_page *page) {
    if (page->shift != PAGE_BITS)
        note_block(set, va, page->shift);
    *(page->nonglobal ? &set->nonglobal : &set->global) = true;
    return page->pa | page->shift | (page->nonglobal ? TLB_INFO_NONGLOBAL : 0) |
           (page->device ? TLB_INFO_DEVICE : 0);
}

static uint8_t *host_of(const struct memory_slot *slot, const struct mmu_page *page) {
    return slot->host + (page->pa - slot->gpa);
}

void tlb_fill(
    struct cpu *cpu, unsigned mmu, uint64_t va, const struct mmu_page *page, const struct memory_slot *slot) {
    struct tlb_entry *entry = tlb_slot(cpu, mmu, va);
    uint64_t tag = (va & PAGE_MASK) | (cpu_watches_page(cpu, va) ? TLB_WATCH : 0);
    bool rom = slot && slot->kind == MEMORY_ROM; /* what is written there is for the flash device behind it */
    if (page->device || (cpu->sys.sctlr & SCTLR_A))
        tag |= TLB_STRICT;
    entry->read = tag | (slot ? 0 : TLB_MMIO);
    entry->write = page->writable ? tag | (slot && !rom ? 0 : TLB_MMIO) : ~UINT64_C(0);
    entry->addend = slot ? (uintptr_t)host_of(slot, page) - (uintptr_t)(va & PAGE_MASK) : 0;
    entry->info = info_of(cpu->tlb_set[mmu], va, page);
    if (page->shift == PAGE_BITS)
        *tlb_second_slot(cpu->tlb_set[mmu], va) = *entry;
}

void tlb_fill_fetch(
    struct cpu *cpu, unsigned mmu, uint64_t va, const struct mmu_page *page, const struct memory_slot *slot) {
    struct tlb_set *set = cpu->tlb_set[mmu];
    struct tlb_fetch *entry = &set->fetch[va >> PAGE_BITS & (TLB_FETCHES - 1)];
    entry->page = va & PAGE_MASK;
    entry->host = host_of(slot, page);
    entry->info = info_of(set, va, page);
}

static void set_init(struct tlb_set *set) {
    set->global = true; /* for all of it to be emptied */
    memset(set->jump_pages, 0xff, sizeof set->jump_pages);
    set_empty(set);
}

int tlb_create(struct cpu *cpu) {
    cpu->tlb = calloc(1, sizeof *cpu->tlb);
    if (!cpu->tlb)
        return -1;
    set_init(&cpu->tlb->el1[0]);
    set_init(&cpu->tlb->el1[1]);
    tlb_forget_jumps(cpu);
    for (unsigned i = 0; i < TLB_ASIDS; i++) {
        set_init(&cpu->tlb->el0[i]);
        cpu->tlb->asid[i] = TLB_NO_ASID;
        cpu->tlb->used[i] = 0;
    }
    cpu->tlb->switches = 0;
    cpu->tlb->asid[0] = 0;
    cpu->tlb_set[MMU_EL0] = &cpu->tlb->el0[0];
    cpu->tlb_set[MMU_EL1] = &cpu->tlb->el1[0];
    cpu->tlb_set[MMU_EL1_PAN] = &cpu->tlb->el1[1];
    return 0;
}

void tlb_destroy(struct cpu *cpu) {
    free(cpu->tlb);
    cpu->tlb = NULL;
}
