/* Memory as instructions see it: virtual addresses through the TLB, faults raised as exceptions.
 *
 * A fault does not return (cpu_raise_abort), and nothing was written then: an access that crosses a page
 * checks both pages first. Naturally aligned accesses up to 8 bytes are single-copy atomic, 16-byte ones too
 * where the instruction asks (mem_atomic_host). Ordering is the host's TSO; barriers are the caller's. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"

enum { PAGE_BITS = 12, PAGE_SIZE_4K = 1 << PAGE_BITS };
#define PAGE_MASK (~(uint64_t)(PAGE_SIZE_4K - 1))

/* A direct-mapped entry for 4 KiB. Tags are the virtual page address, top byte as the program wrote it; or ~0
 * where that access is not allowed or has dirty state to write. host = va + addend. */
struct tlb_entry {
    uint64_t read, write;
    uintptr_t addend;
    uint64_t info; /* physical page | TLB_INFO_* */
};

/* In a tag: the translation holds, but only the slow path may use it. Aligned accesses never match such a
 * tag. TLB_STRICT: unaligned accesses fault. */
enum {
    TLB_MMIO = 0x800,
    TLB_WATCH = 0x400,
    TLB_STRICT = 0x200,
    TLB_SLOW = TLB_MMIO | TLB_WATCH | TLB_STRICT
};
enum {
    TLB_INFO_SHIFT = 0x3f,     /* log2 of the page or block of the guest's table that this came from */
    TLB_INFO_NONGLOBAL = 0x40, /* belongs to one ASID */
    TLB_INFO_DEVICE = 0x80,    /* unaligned accesses fault */
};

struct tlb_fetch {
    uint64_t page; /* virtual, or ~0 */
    const uint8_t *host;
    uint64_t info;
};

enum { TLB_ENTRIES = 1024, TLB_SECOND = 2048, TLB_FETCHES = 128, TLB_SHIFTS = 6 };

/* Where translated code leads from a virtual address (cpu/soft/jit): what an indirect branch needs is in one
 * cache line, and found by an AND. The entries of a page lie together, one an instruction. */
struct tlb_jump {
    uint64_t va; /* ~0: none */
    const uint8_t *code;
};
enum {
    TLB_JUMP_PAGES = 32,
    TLB_JUMPS_A_PAGE = PAGE_SIZE_4K / 4,
    TLB_JUMPS = TLB_JUMP_PAGES * TLB_JUMPS_A_PAGE
};

/* What one privilege level sees. */
struct tlb_set {
    struct tlb_entry data[TLB_ENTRIES];
    /* Those of 4 KiB pages once more, by other bits of the address: pages that share an entry above, as a
     * stack and a heap may for long, seldom do here as well. */
    struct tlb_entry second[TLB_SECOND];
    struct tlb_fetch fetch[TLB_FETCHES];
    struct tlb_jump jump[TLB_JUMPS];
    uint64_t jump_pages[TLB_JUMP_PAGES]; /* sets of pages that may be among each 1024, by a hash */
    uint64_t jump_first, jump_last;      /* what the jumps may meet, top byte aside; empty: first > last */
    bool jump_nonglobal;
    bool global, nonglobal;      /* has had such entries since it was emptied */
    uint64_t blocks[TLB_SHIFTS]; /* which blocks larger than 4 KiB it may hold parts of (tlb.c) */
};

/* EL1's sets hold global entries nearly always, and lose the others when the ASID changes. EL0 has a set for
 * each of the ASIDs used last; cpu.tlb_set[MMU_EL0] points to the current one. */
enum { TLB_ASIDS = 8 };
struct tlb {
    struct tlb_set el1[2];
    struct tlb_set el0[TLB_ASIDS];
    uint32_t asid[TLB_ASIDS]; /* whose set; TLB_NO_ASID is none's */
    uint64_t used[TLB_ASIDS]; /* when it became current, by switches */
    uint64_t switches;
};

/* Slow paths (mem.c). size in bytes: 1 2 4 8. */
uint64_t mem_read_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size);
void mem_write_slow(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, uint64_t value);

static inline struct tlb_entry *tlb_slot(struct cpu *cpu, unsigned mmu, uint64_t va) {
    return &cpu->tlb_set[mmu]->data[va >> PAGE_BITS & (TLB_ENTRIES - 1)];
}

static inline struct tlb_entry *tlb_second_slot(struct tlb_set *set, uint64_t va) {
    uint64_t page = va >> PAGE_BITS;
    return &set->second[(page ^ page / TLB_SECOND) % TLB_SECOND];
}

/* The page address with the low bits that must be clear for an aligned access kept: equal to the tag only
 * when the access is aligned and hits. */
#define MEM_TAG(va, size) ((va) & (~(uint64_t)(PAGE_SIZE_4K - 1) | ((size)-1)))

#define MEM_ACCESSORS(bits)                                                                                  \
    static inline uint##bits##_t mem_read##bits##_as(struct cpu *cpu, unsigned mmu, uint64_t va) {           \
        const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);                                              \
        if (__builtin_expect(entry->read == MEM_TAG(va, bits / 8), 1))                                       \
            return __atomic_load_n((uint##bits##_t *)(uintptr_t)(va + entry->addend), __ATOMIC_RELAXED);     \
        return (uint##bits##_t)mem_read_slow(cpu, mmu, va, bits / 8);                                        \
    }                                                                                                        \
    static inline void mem_write##bits##_as(                                                                 \
        struct cpu *cpu, unsigned mmu, uint64_t va, uint##bits##_t value) {                                  \
        const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);                                              \
        if (__builtin_expect(entry->write == MEM_TAG(va, bits / 8), 1))                                      \
            __atomic_store_n((uint##bits##_t *)(uintptr_t)(va + entry->addend), value, __ATOMIC_RELAXED);    \
        else                                                                                                 \
            mem_write_slow(cpu, mmu, va, bits / 8, value);                                                   \
    }                                                                                                        \
    static inline uint##bits##_t mem_read##bits(struct cpu *cpu, uint64_t va) {                              \
        return mem_read##bits##_as(cpu, cpu->mmu_index, va);                                                 \
    }                                                                                                        \
    static inline void mem_write##bits(struct cpu *cpu, uint64_t va, uint##bits##_t value) {                 \
        mem_write##bits##_as(cpu, cpu->mmu_index, va, value);                                                \
    }
MEM_ACCESSORS(8)
MEM_ACCESSORS(16)
MEM_ACCESSORS(32)
MEM_ACCESSORS(64)
#undef MEM_ACCESSORS

/* Raises the fault that a later access of size bytes (up to 64, may cross a page) would take; else nothing.
 * Use before the first part of a pair or a multi-register store. */
void mem_probe(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write);

/* The host address of size bytes (1-16) at va for an atomic read-modify-write, naturally aligned and
 * writable, or an exception: alignment fault, permission, and for device memory an unsupported-atomic abort
 * (DFSC 0x35). */
void *mem_atomic_host(struct cpu *cpu, uint64_t va, unsigned size);

/* As LDXR and LDAR need: raises the alignment fault when va is not aligned to size. */
void mem_check_aligned(struct cpu *cpu, uint64_t va, unsigned size, bool write);

/* Where the instruction at va lies: the host pointer to its page and the physical page address, or an
 * instruction abort. Code is fetched from RAM and ROM only. */
const uint8_t *mem_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa);

/* DC ZVA: zeroes the 64 bytes around va. */
void mem_zero_block(struct cpu *cpu, uint64_t va);

/* The TLB set for LDTR, STTR and their kin. */
static inline unsigned mem_unprivileged(const struct cpu *cpu) {
    return cpu->el == 0 || !cpu->uao ? MMU_EL0 : cpu->mmu_index;
}

/* --- tlb.c. On the vCPU's own thread, or while it does not run. */
int tlb_create(struct cpu *cpu);
void tlb_destroy(struct cpu *cpu);

/* No ASID in particular: global entries, or those of every ASID. */
#define TLB_NO_ASID UINT32_MAX

void tlb_flush_all(struct cpu *cpu);
void tlb_flush_asid(struct cpu *cpu, uint32_t asid);
/* The 4 KiB pages from va on: entries of this ASID (TLB_NO_ASID: of any) and global ones, in every set, and
 * all that came from the same block of the guest's table. */
void tlb_flush_pages(struct cpu *cpu, uint64_t va, uint64_t count, uint32_t asid);
/* Makes the EL0 set of this ASID the current one. */
void tlb_switch_asid(struct cpu *cpu, uint32_t asid);

/* The translated code for va, or NULL; and where it is entered, for the set of cpu->mmu_index. va is what was
 * fetched from last. */
static inline const uint8_t *tlb_find_jump(const struct tlb_set *set, uint64_t va) {
    const struct tlb_jump *jump = &set->jump[va >> 2 & (TLB_JUMPS - 1)];
    return jump->va == va ? jump->code : NULL;
}
/* Raises what fetching raises. */
void tlb_enter_jump(struct cpu *cpu, uint64_t va, const uint8_t *code);
/* All of them, in every set. */
void tlb_forget_jumps(struct cpu *cpu);

struct mmu_page;
struct memory_slot;
/* Enters a translation for va. slot: where the page lies; NULL for MMIO. */
void tlb_fill(
    struct cpu *cpu, unsigned mmu, uint64_t va, const struct mmu_page *page, const struct memory_slot *slot);
void tlb_fill_fetch(
    struct cpu *cpu, unsigned mmu, uint64_t va, const struct mmu_page *page, const struct memory_slot *slot);
