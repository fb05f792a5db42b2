#include "cpu/soft/mmu.h"

#include "cpu/soft/mem.h"
#include "cpu/soft/soft_vm.h"

enum { PA_BITS = 48, DEVICE_NGNRNE = 0 };

/* TCR_EL1; for TTBR1 the bit beside it or the field above it. */
enum {
    TCR_EPD0 = 7,
    TCR_TG0 = 14,
    TCR_T1SZ = 16,
    TCR_A1 = 22,
    TCR_EPD1 = 23,
    TCR_TG1 = 30,
    TCR_IPS = 32,
    TCR_AS = 36,
    TCR_TBI0 = 37,
    TCR_HA = 39,
    TCR_HD = 40,
    TCR_HPD0 = 41,
    TCR_E0PD0 = 55,
};

/* Descriptors (D8.3). */
#define DESC_VALID     (UINT64_C(1) << 0)
#define DESC_TABLE     (UINT64_C(1) << 1)
#define DESC_AP_USER   (UINT64_C(1) << 6)
#define DESC_AP_RO     (UINT64_C(1) << 7)
#define DESC_AF        (UINT64_C(1) << 10)
#define DESC_NG        (UINT64_C(1) << 11)
#define DESC_DBM       (UINT64_C(1) << 51)
#define DESC_PXN       (UINT64_C(1) << 53)
#define DESC_UXN       (UINT64_C(1) << 54)
#define DESC_PXN_TABLE (UINT64_C(1) << 59)
#define DESC_UXN_TABLE (UINT64_C(1) << 60)
#define DESC_AP_NOUSER (UINT64_C(1) << 61)
#define DESC_AP_ROALL  (UINT64_C(1) << 62)
#define DESC_ADDRESS   UINT64_C(0x0000fffffffff000)

enum { SCTLR_M = 0, SCTLR_WXN = 19 };

/* What TCR_EL1 and TTBRn_EL1 say about the half of the address space that va is in. */
struct walk {
    uint64_t va, table;
    unsigned granule;     /* log2 of a page */
    unsigned input_bits;  /* of va that are translated */
    unsigned output_bits; /* of physical addresses */
    unsigned level;
    bool hierarchical;  /* tables' own permissions count */
    uint64_t restrict_; /* DESC_*_TABLE and DESC_AP_* met on the way */
};

static bool bit(uint64_t value, unsigned n) {
    return value >> n & 1;
}

static bool fault(struct mmu_page *page, unsigned code) {
    page->fsc = (uint8_t)code;
    return false;
}

uint32_t mmu_asid(const struct cpu *cpu) {
    uint64_t ttbr = bit(cpu->sys.tcr, TCR_A1) ? cpu->sys.ttbr1 : cpu->sys.ttbr0;
    return (uint32_t)(ttbr >> 48) & (bit(cpu->sys.tcr, TCR_AS) ? 0xffff : 0xff);
}

uint64_t mmu_strip_tag(const struct cpu *cpu, uint64_t va) {
    unsigned upper = bit(va, 55);
    return bit(cpu->sys.tcr, TCR_TBI0 + upper) ? (uint64_t)((int64_t)(va << 8) >> 8) : va;
}

static unsigned granule(uint64_t tcr, bool upper) {
    /* Reserved values read as 4 KiB (D17.2.139, TG0 and TG1: an IMPLEMENTATION DEFINED choice). */
    static const uint8_t tg0[4] = {12, 16, 14, 12}, tg1[4] = {12, 14, 12, 16};
    return upper ? tg1[tcr >> TCR_TG1 & 3] : tg0[tcr >> TCR_TG0 & 3];
}

static unsigned output_bits(uint64_t tcr) {
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, PA_BITS, PA_BITS, PA_BITS};
    return bits[tcr >> TCR_IPS & 7];
}

/* D8.2: which table to start with, and whether va may be looked up at all. */
static bool walk_begin(
    const struct cpu *cpu, struct walk *walk, unsigned mmu, uint64_t va, struct mmu_page *page) {
    uint64_t tcr = cpu->sys.tcr;
    bool upper = bit(va, 55);
    unsigned size = tcr >> (upper ? TCR_T1SZ : 0) & 0x3f;
    size = size < 16 ? 16 : size > 39 ? 39 : size;

    walk->va = mmu_strip_tag(cpu, va);
    walk->input_bits = 64 - size;
    walk->output_bits = output_bits(tcr);
    walk->granule = granule(tcr, upper);
    walk->hierarchical = !bit(tcr, TCR_HPD0 + upper);
    walk->restrict_ = 0;

    if ((int64_t)walk->va >> walk->input_bits != (upper ? -1 : 0))
        return fault(page, FSC_TRANSLATION);
    if (bit(tcr, upper ? TCR_EPD1 : TCR_EPD0) || (mmu == MMU_EL0 && bit(tcr, TCR_E0PD0 + upper)))
        return fault(page, FSC_TRANSLATION);

    unsigned stride = walk->granule - 3;
    unsigned levels = (walk->input_bits - walk->granule + stride - 1) / stride;
    walk->level = 4 - levels;
    unsigned top_bits = walk->input_bits - walk->granule - stride * (levels - 1);
    uint64_t ttbr = upper ? cpu->sys.ttbr1 : cpu->sys.ttbr0;
    walk->table = ttbr & ((UINT64_C(1) << 48) - 1) & ~((UINT64_C(8) << top_bits) - 1);
    if (walk->table >> walk->output_bits)
        return fault(page, FSC_ADDRESS_SIZE);
    return true;
}

/* Log2 of what one entry of the current level maps. */
static unsigned level_shift(const struct walk *walk) {
    return walk->granule + (3 - walk->level) * (walk->granule - 3);
}

/* Where the descriptor for va lies in the current table; NULL when no memory is there. */
static _Atomic uint64_t *descriptor(struct cpu *cpu, const struct walk *walk, bool *writable) {
    unsigned shift = level_shift(walk);
    uint64_t va = walk->va & (UINT64_MAX >> (64 - walk->input_bits));
    uint64_t index = va >> shift & ((UINT64_C(1) << (walk->granule - 3)) - 1);
    uint64_t pa = walk->table + index * 8;
    const struct memory_slot *slot = soft_slot_find(cpu->vm, pa);
    if (!slot)
        return NULL;
    *writable = slot->kind != MEMORY_ROM;
    return (_Atomic uint64_t *)(slot->host + (pa - slot->gpa));
}

static bool is_table(const struct walk *walk, uint64_t desc) {
    return (desc & DESC_TABLE) && walk->level < 3;
}

/* Blocks exist at levels 1 and 2 with 4 KiB pages, at level 2 with larger ones (no LPA2); pages at level 3.
 */
static bool is_leaf(const struct walk *walk, uint64_t desc) {
    if (walk->level == 3)
        return desc & DESC_TABLE;
    return !(desc & DESC_TABLE) && walk->level >= (walk->granule == 12 ? 1 : 2);
}

static bool permitted(
    const struct cpu *cpu, const struct walk *walk, uint64_t desc, unsigned mmu, enum mmu_access access) {
    bool user = (desc & DESC_AP_USER) && !(walk->restrict_ & DESC_AP_NOUSER);
    bool write = !(desc & DESC_AP_RO) && !(walk->restrict_ & DESC_AP_ROALL);
    bool wxn = bit(cpu->sys.sctlr, SCTLR_WXN);
    if (mmu == MMU_EL0) {
        bool never = (desc & DESC_UXN) || (walk->restrict_ & DESC_UXN_TABLE) || (wxn && user && write);
        return access == MMU_FETCH ? !never : user && (access == MMU_READ || write);
    }
    if (access == MMU_FETCH) /* what EL0 can write, EL1 does not execute (D8.4.1.2) */
        return !(desc & DESC_PXN) && !(walk->restrict_ & DESC_PXN_TABLE) && !(wxn && write) &&
               !(user && write);
    return !(mmu == MMU_EL1_PAN && user) && (access == MMU_READ || write);
}

/* The page or block that desc maps, seen through one TLB set. *updated is what hardware makes of desc. */
static bool leaf(const struct cpu *cpu, const struct walk *walk, uint64_t desc, unsigned mmu,
    enum mmu_access access, uint64_t *updated, struct mmu_page *page) {
    unsigned shift = level_shift(walk);
    uint64_t inside = (UINT64_C(1) << shift) - 1;
    uint64_t base = desc & DESC_ADDRESS & ~inside;
    if (base >> walk->output_bits)
        return fault(page, FSC_ADDRESS_SIZE + walk->level);

    bool ha = bit(cpu->sys.tcr, TCR_HA), hd = ha && bit(cpu->sys.tcr, TCR_HD);
    if (!(desc & DESC_AF) && !ha)
        return fault(page, FSC_ACCESS_FLAG + walk->level);
    bool dirty_managed = hd && (desc & DESC_DBM);
    uint64_t effective = dirty_managed ? desc & ~DESC_AP_RO : desc;
    if (!permitted(cpu, walk, effective, mmu, access))
        return fault(page, FSC_PERMISSION + walk->level);

    *updated = desc | DESC_AF;
    if (dirty_managed && access == MMU_WRITE)
        *updated &= ~DESC_AP_RO;
    page->pa = base | (walk->va & inside & PAGE_MASK);
    page->shift = (uint8_t)shift;
    page->attributes = (uint8_t)(cpu->sys.mair >> 8 * (desc >> 2 & 7));
    page->device = page->attributes < 0x10;
    page->shareability = page->device ? 2 : desc >> 8 & 3;
    page->nonglobal = desc & DESC_NG;
    page->writable = permitted(cpu, walk, *updated, mmu, MMU_WRITE);
    return true;
}

static bool walk_tables(struct cpu *cpu, struct walk *walk, unsigned mmu, enum mmu_access access, bool commit,
    struct mmu_page *page) {
    for (;;) {
        bool writable;
        _Atomic uint64_t *host = descriptor(cpu, walk, &writable);
        if (!host)
            return fault(page, FSC_WALK_EXTERNAL + walk->level);
        uint64_t desc = atomic_load_explicit(host, memory_order_acquire);
        if (!(desc & DESC_VALID))
            return fault(page, FSC_TRANSLATION + walk->level);
        if (is_table(walk, desc)) {
            walk->table = desc & DESC_ADDRESS & ~((UINT64_C(1) << walk->granule) - 1);
            if (walk->table >> walk->output_bits)
                return fault(page, FSC_ADDRESS_SIZE + walk->level);
            if (walk->hierarchical)
                walk->restrict_ |= desc;
            walk->level++;
            continue;
        }
        if (!is_leaf(walk, desc))
            return fault(page, FSC_TRANSLATION + walk->level);

        uint64_t updated;
        if (!leaf(cpu, walk, desc, mmu, access, &updated, page))
            return false;
        if (updated == desc || !commit)
            return true;
        if (!writable)
            return fault(page, FSC_WALK_EXTERNAL + walk->level);
        if (atomic_compare_exchange_strong(host, &desc, updated))
            return true;
        /* The guest changed it meanwhile: look at it again. */
    }
}

/* D8.2.10: with stage 1 off, addresses are physical, data is Device-nGnRnE and nothing is refused. */
static bool flat(const struct cpu *cpu, uint64_t va, enum mmu_access access, struct mmu_page *page) {
    uint64_t pa = mmu_strip_tag(cpu, va);
    if (pa >> PA_BITS)
        return fault(page, FSC_ADDRESS_SIZE);
    page->pa = pa & PAGE_MASK;
    page->shift = PAGE_BITS;
    page->attributes = access == MMU_FETCH ? 0xaa : DEVICE_NGNRNE;
    page->shareability = 2;
    page->device = access != MMU_FETCH;
    page->nonglobal = false;
    page->writable = true;
    return true;
}

bool mmu_translate(
    struct cpu *cpu, unsigned mmu, uint64_t va, enum mmu_access access, bool commit, struct mmu_page *page) {
    if (!bit(cpu->sys.sctlr, SCTLR_M))
        return flat(cpu, va, access, page);
    struct walk walk;
    return walk_begin(cpu, &walk, mmu, va, page) && walk_tables(cpu, &walk, mmu, access, commit, page);
}
