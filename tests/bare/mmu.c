/* Address translation: permissions, hardware access flag and dirty state, ASIDs, block and contiguous
 * entries, hierarchical attributes, both halves, TLB maintenance, AT. ARM ARM D8. */
#include "lib/code.h"
#include "lib/lib.h"

#define NORMAL_PAGE (PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_AF)
#define TCR_HA      (1ull << 39)
#define TCR_HD      (1ull << 40)
#define TCR_HPD0    (1ull << 41)
#define TCR_TBI0    (1ull << 37)
#define TCR_A1      (1ull << 22)
#define TCR_AS      (1ull << 36)
#define TCR_EPD1    (1ull << 23)
#define SCTLR_WXN   (1ull << 19)

CODE(read_x, "ldr x0, [x0]");
CODE(write_x, "str x1, [x0]");
CODE(user_style_read, "ldtr x0, [x0]");
CODE(user_style_write, "sttr x1, [x0]");
CODE(load_exclusive, "ldxr x0, [x0]");
CODE(swap, "swp x1, x0, [x0]");
CODE(run_it, "br x0");
CODE_USER(user_read, "ldr x0, [x0]");
CODE_USER(user_write, "str x1, [x0]");
CODE_USER(user_run, "br x0");

static bool el1(const uint32_t *code, uint64_t va) {
    struct trap trap;
    return try_el1(&trap, code, va, 0x5a5a);
}

static bool el0(const uint32_t *code, uint64_t va) {
    struct trap trap;
    return try_el0(&trap, code, va, 0x5a5a);
}

static uint64_t el1_fsc(const uint32_t *code, uint64_t va) {
    struct trap trap;
    return try_el1(&trap, code, va, 0x5a5a) ? 0 : trap.esr & 0x3f;
}

static uint64_t read_at(uint64_t va) {
    return *(volatile uint64_t *)va;
}

static void write_at(uint64_t va, uint64_t value) {
    *(volatile uint64_t *)va = value;
}

/* A page whose first word is code that returns to a try at either level: svc #TRY_DONE. */
static uint64_t code_page(void) {
    uint32_t *page = page_alloc();
    page[0] = 0xd4000001 | TRY_DONE << 5;
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb" ::"r"(page) : "memory");
    return (uint64_t)page;
}

/* --- permissions: D8.4.2, with PXN implied by a page that EL0 may write */

static void permissions(void) {
    static const char *const names[] = {
        "permissions-ap-00", "permissions-ap-01", "permissions-ap-10", "permissions-ap-11"};
    const uint64_t va = TEST_VA, page = code_page();
    for (unsigned ap = 0; ap < 4; ap++) {
        test_begin(names[ap]);
        for (unsigned xn = 0; xn < 4; xn++) {
            bool user = ap & 1, readonly = ap & 2, pxn = xn & 1, uxn = xn & 2;
            mmu_set(va, 3,
                page | NORMAL_PAGE | (user ? PTE_USER : 0) | (readonly ? PTE_READONLY : 0) |
                    (pxn ? PTE_PXN : 0) | (uxn ? PTE_UXN : 0));
            uint64_t at = va + 64;
            expect("EL1 read", el1(read_x, at), 1);
            expect("EL1 write", el1(write_x, at), !readonly);
            expect("EL1 execute", el1(run_it, va), !pxn && !(user && !readonly));
            expect("EL0 read", el0(user_read, at), user);
            expect("EL0 write", el0(user_write, at), user && !readonly);
            expect("EL0 execute", el0(user_run, va), !uxn);
            expect("LDTR", el1(user_style_read, at), user);
            expect("STTR", el1(user_style_write, at), user && !readonly);
        }
        test_end();
    }
}

static void write_implies_no_execute(void) {
    const uint64_t va = TEST_VA + 0x1000, page = code_page(), sctlr = READ_SYSREG(sctlr_el1);
    test_begin("wxn");
    for (unsigned wxn = 0; wxn < 2; wxn++) {
        WRITE_SYSREG(sctlr_el1, sctlr | (wxn ? SCTLR_WXN : 0));
        tlb_flush();
        mmu_set(va, 3, page | NORMAL_PAGE | PTE_UXN);
        expect("EL1 executes a writable page", el1(run_it, va), !wxn);
        mmu_set(va, 3, page | NORMAL_PAGE | PTE_UXN | PTE_READONLY);
        expect("EL1 executes a read-only page", el1(run_it, va), 1);
        mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER);
        expect("EL0 executes a writable page", el0(user_run, va), !wxn);
        mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER | PTE_READONLY);
        expect("EL0 executes a read-only page", el0(user_run, va), 1);
    }
    WRITE_SYSREG(sctlr_el1, sctlr);
    tlb_flush();
    test_end();
}

static void privileged_access_never(void) {
    const uint64_t va = TEST_VA + 0x2000, page = (uint64_t)page_alloc();
    test_begin("pan");
    mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER | PTE_PXN | PTE_UXN);
    expect("read without PAN", el1(read_x, va), 1);
    WRITE_SYSREG(s3_0_c4_c2_3, 1 << 22);
    expect("read with PAN", el1_fsc(read_x, va), 15);
    expect("write with PAN", el1_fsc(write_x, va), 15);
    expect("atomic with PAN", el1_fsc(swap, va), 15);
    expect("exclusive with PAN", el1_fsc(load_exclusive, va), 15);
    expect("LDTR with PAN", el1(user_style_read, va), 1);
    expect("STTR with PAN", el1(user_style_write, va), 1);
    WRITE_SYSREG(s3_0_c4_c2_3, 0);
    expect("read after PAN", el1(read_x, va), 1);
    test_end();

    test_begin("uao");
    struct trap trap = try_at(SPSR_EL1H | SPSR_DAIF | 1 << 23, (uint64_t)user_style_read, page, 0);
    expect("LDTR of a kernel page with UAO", trap.esr & 0xffff, TRY_DONE);
    expect("LDTR of a kernel page without UAO", el1_fsc(user_style_read, page), 15);
    test_end();
}

/* --- hardware management of the access flag and dirty state: D8.4.6 */

static void access_flag(void) {
    const uint64_t va = TEST_VA + 0x3000, page = (uint64_t)page_alloc(), tcr = READ_SYSREG(tcr_el1);
    const uint64_t entry = (page | NORMAL_PAGE | PTE_PXN | PTE_UXN) & ~PTE_AF;
    volatile uint64_t *at = mmu_entry(va, 3);

    test_begin("hardware-access-flag");
    mmu_set(va, 3, entry);
    expect("HA = 0: status", el1_fsc(read_x, va), 11);
    expect("HA = 0: the entry", *at, entry);
    WRITE_SYSREG(tcr_el1, tcr | TCR_HA);
    tlb_flush();
    expect("HA = 1: status", el1_fsc(read_x, va), 0);
    expect("HA = 1: the entry", *at, entry | PTE_AF);
    mmu_set(va, 3, entry | PTE_READONLY);
    expect("HA = 1: a write that may not be", el1_fsc(write_x, va), 15);
    test_end();

    test_begin("hardware-dirty-state");
    mmu_set(va, 3, entry | PTE_AF | PTE_DBM | PTE_READONLY);
    expect("HD = 0: write", el1_fsc(write_x, va), 15);
    WRITE_SYSREG(tcr_el1, tcr | TCR_HA | TCR_HD);
    tlb_flush();
    expect("HD = 1: read", el1_fsc(read_x, va), 0);
    expect("HD = 1: clean after a read", *at & PTE_READONLY, PTE_READONLY);
    expect("HD = 1: write after a read", el1_fsc(write_x, va), 0);
    expect("HD = 1: the entry is dirty", *at, entry | PTE_AF | PTE_DBM);
    mmu_set(va, 3, entry | PTE_AF | PTE_READONLY);
    expect("no DBM: write", el1_fsc(write_x, va), 15);
    mmu_set(va, 3, entry | PTE_DBM | PTE_READONLY);
    expect("both at once: write", el1_fsc(write_x, va), 0);
    expect("both at once: the entry", *at, entry | PTE_AF | PTE_DBM);
    mmu_set(va, 3, entry | PTE_AF | PTE_DBM | PTE_READONLY);
    expect("atomic", el1_fsc(swap, va), 0);
    expect("atomic: the entry is dirty", *at & PTE_READONLY, 0);
    mmu_set(va, 3, entry | PTE_AF | PTE_DBM | PTE_READONLY | PTE_USER);
    expect("EL0 write", el0(user_write, va), 1);
    expect("EL0 write: the entry is dirty", *at & PTE_READONLY, 0);
    test_end();

    test_begin("hardware-dirty-state-block");
    const uint64_t block_va = TEST_VA + (1ull << 30);
    const uint64_t block =
        (page & ~0x1fffffull) | PTE_VALID | PTE_NORMAL | PTE_SHARED | PTE_PXN | PTE_UXN | PTE_DBM;
    mmu_set(block_va, 2, block | PTE_READONLY);
    expect("write", el1_fsc(write_x, block_va | (page & 0x1fffff)), 0);
    expect("the entry", *mmu_entry(block_va, 2), block | PTE_AF);
    test_end();
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
}

/* --- ASIDs */

static void set_asid(uint64_t asid) {
    WRITE_SYSREG(ttbr0_el1, (uint64_t)mmu_root() | asid << 48);
}

static void asids(void) {
    const uint64_t va = TEST_VA + 0x4000, tcr = READ_SYSREG(tcr_el1);
    const uint64_t a = (uint64_t)page_alloc(), b = (uint64_t)page_alloc();
    const uint64_t bits = NORMAL_PAGE | PTE_PXN | PTE_UXN;
    volatile uint64_t *entry = mmu_entry(va, 3);
    write_at(a, 0xaaaa);
    write_at(b, 0xbbbb);
    WRITE_SYSREG(tcr_el1, tcr | TCR_AS);

    test_begin("asid-separate");
    set_asid(1);
    mmu_set(va, 3, a | bits | PTE_NOT_GLOBAL);
    expect("ASID 1", read_at(va), 0xaaaa);
    set_asid(0x8002);
    *entry = b | bits | PTE_NOT_GLOBAL; /* no TLBI: entries of ASID 1 must not be used */
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
    expect("ASID 0x8002", read_at(va), 0xbbbb);
    test_end();

    test_begin("tlbi-aside1");
    __asm__ volatile("tlbi aside1is, %0\n\tdsb ish\n\tisb" ::"r"(1ull << 48) : "memory");
    set_asid(1);
    expect("ASID 1 after TLBI ASIDE1IS", read_at(va), 0xbbbb);
    test_end();

    test_begin("tlbi-vae1");
    expect("ASID 1 before", read_at(va), 0xbbbb);
    *entry = a | bits | PTE_NOT_GLOBAL;
    __asm__ volatile("dsb ishst\n\ttlbi vae1, %0\n\tdsb nsh\n\tisb" ::"r"(1ull << 48 | va >> 12) : "memory");
    expect("ASID 1 after TLBI VAE1", read_at(va), 0xaaaa);
    *entry = b | bits | PTE_NOT_GLOBAL;
    __asm__ volatile("dsb ishst\n\ttlbi vale1is, %0\n\tdsb ish\n\tisb" ::"r"(1ull << 48 | va >> 12)
                     : "memory");
    expect("ASID 1 after TLBI VALE1IS", read_at(va), 0xbbbb);
    *entry = a | bits | PTE_NOT_GLOBAL;
    __asm__ volatile("dsb ishst\n\ttlbi vaale1is, %0\n\tdsb ish\n\tisb" ::"r"(va >> 12) : "memory");
    expect("ASID 1 after TLBI VAALE1IS", read_at(va), 0xaaaa);
    test_end();

    test_begin("asid-global");
    mmu_set(va, 3, a | bits);
    set_asid(1);
    expect("ASID 1", read_at(va), 0xaaaa);
    set_asid(0x8002);
    *entry = b | bits;
    __asm__ volatile("dsb ishst\n\ttlbi vae1, %0\n\tdsb nsh\n\tisb" ::"r"(7ull << 48 | va >> 12) : "memory");
    expect("a global entry goes with any ASID", read_at(va), 0xbbbb);
    test_end();
    set_asid(0);
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
}

/* --- sizes of entries */

static void blocks(void) {
    const uint64_t page = (uint64_t)page_alloc();
    write_at(page + 8, 0x1122334455667788);
    const uint64_t bits = PTE_VALID | PTE_NORMAL | PTE_SHARED | PTE_AF | PTE_PXN | PTE_UXN;
    test_begin("blocks");
    const uint64_t gigabyte = TEST_VA + (2ull << 30);
    mmu_set(gigabyte, 1, 0x40000000 | bits);
    expect("1 GiB", read_at(gigabyte + (page & 0x3fffffff) + 8), 0x1122334455667788);
    const uint64_t two_megabytes = TEST_VA + (3ull << 30) + 0x600000;
    mmu_set(two_megabytes, 2, (page & ~0x1fffffull) | bits);
    expect("2 MiB", read_at(two_megabytes + (page & 0x1fffff) + 8), 0x1122334455667788);
    expect("past its end", el1_fsc(read_x, two_megabytes + 0x200000), 6);
    test_end();

    test_begin("contiguous-pages");
    const uint64_t group = TEST_VA + (4ull << 30), base = page & ~0xffffull;
    for (unsigned i = 0; i < 16; i++)
        mmu_set(group + i * 4096, 3, (base + i * 4096) | bits | PTE_PAGE | PTE_CONTIGUOUS);
    expect("the page", read_at(group + (page & 0xffff) + 8), 0x1122334455667788);
    for (unsigned i = 0; i < 16; i++)
        expect("each page", read_at(group + i * 4096 + 16), read_at(base + i * 4096 + 16));
    test_end();

    test_begin("block-to-table");
    volatile uint64_t *entry = mmu_entry(two_megabytes, 2);
    uint64_t *table = page_alloc();
    table[0] = page | bits | PTE_PAGE;
    *entry = 0;
    __asm__ volatile("dsb ishst\n\ttlbi vae1is, %0\n\tdsb ish\n\tisb" ::"r"((two_megabytes + 0x3000) >> 12)
                     : "memory");
    expect("a block goes with any of its addresses", el1_fsc(read_x, two_megabytes), 6);
    *entry = (uint64_t)table | PTE_TABLE;
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
    expect("its first page", read_at(two_megabytes + 8), 0x1122334455667788);
    expect("its second page", el1_fsc(read_x, two_megabytes + 4096), 7);
    test_end();
}

static void table_attributes(void) {
    const uint64_t va = TEST_VA + (5ull << 30), page = code_page(), tcr = READ_SYSREG(tcr_el1);
    mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER);
    volatile uint64_t *table = mmu_entry(va, 2);
    const uint64_t plain = *table;
    test_begin("table-attributes");
    expect("EL0 write", el0(user_write, va + 64), 1);
    *table = plain | 1ull << 62; /* APTable: read-only */
    tlb_flush();
    expect("EL0 write, APTable = 10", el0(user_write, va + 64), 0);
    expect("EL1 write, APTable = 10", el1_fsc(write_x, va + 64), 15);
    expect("EL0 read, APTable = 10", el0(user_read, va + 64), 1);
    *table = plain | 1ull << 61; /* no access from EL0 */
    tlb_flush();
    expect("EL0 read, APTable = 01", el0(user_read, va + 64), 0);
    expect("EL1 write, APTable = 01", el1(write_x, va + 64), 1);
    *table = plain | 1ull << 60; /* UXNTable */
    tlb_flush();
    expect("EL0 execute, UXNTable", el0(user_run, va), 0);
    expect("EL0 write, UXNTable", el0(user_write, va + 64), 1);
    mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER | PTE_READONLY);
    expect("EL1 execute, UXNTable", el1(run_it, va), 1);
    *table = plain | 1ull << 59; /* PXNTable */
    tlb_flush();
    expect("EL1 execute, PXNTable", el1(run_it, va), 0);
    expect("EL0 execute, PXNTable", el0(user_run, va), 1);
    if ((READ_SYSREG(id_aa64mmfr1_el1) >> 12 & 15) != 0) {
        *table = plain | 15ull << 59;
        WRITE_SYSREG(tcr_el1, tcr | TCR_HPD0);
        tlb_flush();
        expect("HPD0: EL0 execute", el0(user_run, va), 1);
        expect("HPD0: EL1 execute", el1(run_it, va), 1);
        WRITE_SYSREG(tcr_el1, tcr);
    }
    *table = plain;
    tlb_flush();
    test_end();
}

/* --- address space: both halves, sizes, tags */

static void halves(void) {
    const uint64_t tcr = READ_SYSREG(tcr_el1), page = (uint64_t)page_alloc();
    uint64_t *upper = page_alloc();
    write_at(page, 0x77);
    test_begin("ttbr1");
    *mmu_entry_in(upper, 0xffff800000000000, 3) = page | PTE_DATA;
    *mmu_entry_in(upper, 0xffffffffffffe000, 3) = page | PTE_DATA;
    WRITE_SYSREG(ttbr1_el1, (uint64_t)upper);
    WRITE_SYSREG(tcr_el1, tcr & ~TCR_EPD1);
    tlb_flush();
    expect("lowest", read_at(0xffff800000000000), 0x77);
    expect("highest", read_at(0xffffffffffffe000), 0x77);
    expect("between the halves", el1_fsc(read_x, 0xffff000000000000 - 8), 4);
    expect("not mapped", el1_fsc(read_x, 0xffff800000001000), 7);
    expect("not mapped, level 1", el1_fsc(read_x, 0xffff808000000000), 4);
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
    expect("EPD1", el1_fsc(read_x, 0xffff800000000000), 4);
    test_end();

    test_begin("top-byte-ignore");
    expect("TBI0 = 0", el1_fsc(read_x, page | 0x5a00000000000000), 4);
    WRITE_SYSREG(tcr_el1, tcr | TCR_TBI0);
    tlb_flush();
    expect("TBI0 = 1: read", read_at(page | 0x5a00000000000000), 0x77);
    write_at(page | 0xa500000000000000, 0x88);
    expect("TBI0 = 1: write", read_at(page), 0x88);
    struct trap trap;
    try_el1(&trap, read_x, 0x5a00400000000123, 0);
    expect("FAR_EL1 keeps the tag", trap.far, 0x5a00400000000123);
    try_el0(&trap, user_run, 0x5a00400000000124, 0);
    expect("a branch loses it", trap.elr, 0x0000400000000124);
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
    test_end();

    test_begin("smaller-address-space");
    uint64_t *level1 = page_alloc();
    for (unsigned i = 0; i < 512; i++)
        level1[i] = ((uint64_t *)(mmu_root()[0] & PTE_ADDRESS))[i];
    *(volatile uint64_t *)&level1[2] =
        (0x40000000 & ~0x3fffffffull) | PTE_VALID | PTE_NORMAL | PTE_SHARED | PTE_AF;
    __asm__ volatile("dsb ish" ::: "memory");
    /* T0SZ = 25: 39 bits, the walk starts at level 1 */
    __asm__ volatile(
        "msr ttbr0_el1, %0\n\tmsr tcr_el1, %1\n\tisb\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::"r"(level1),
        "r"((tcr & ~0x3full) | 25)
        : "memory");
    uint64_t through_alias = read_at(page + 0x40000000);
    uint64_t outside = el1_fsc(read_x, 1ull << 39);
    __asm__ volatile(
        "msr ttbr0_el1, %0\n\tmsr tcr_el1, %1\n\tisb\n\ttlbi vmalle1\n\tdsb ish\n\tisb" ::"r"(mmu_root()),
        "r"(tcr)
        : "memory");
    expect("39 bits: alias", through_alias, 0x88);
    expect("39 bits: outside", outside, 4);
    test_end();
}

/* --- AT: PAR_EL1 */

#define TRANSLATE(operation, va)                                                                             \
    ({                                                                                                       \
        __asm__ volatile("at " #operation ", %0\n\tisb" ::"r"((uint64_t)(va)) : "memory");                   \
        READ_SYSREG(par_el1);                                                                                \
    })

static void address_translate(void) {
    const uint64_t va = TEST_VA + 0x5000, page = (uint64_t)page_alloc();
    test_begin("at");
    mmu_set(va, 3, page | NORMAL_PAGE | PTE_USER | PTE_READONLY | PTE_PXN | PTE_UXN);
    uint64_t par = TRANSLATE(s1e1r, va + 0x123);
    expect("s1e1r: F", par & 1, 0);
    expect("s1e1r: address", par & PTE_ADDRESS, page);
    expect("s1e1r: attributes", par >> 56, 0xff);
    expect("s1e1r: shareability", par >> 7 & 3, 3);
    par = TRANSLATE(s1e1w, va);
    expect("s1e1w: F and FST", par & 0x7f, 1 | 15 << 1);
    par = TRANSLATE(s1e0r, va);
    expect("s1e0r", par & (PTE_ADDRESS | 1), page);
    par = TRANSLATE(s1e0w, va);
    expect("s1e0w: F and FST", par & 0x7f, 1 | 15 << 1);
    par = TRANSLATE(s1e0r, page);
    expect("s1e0r of a kernel page", par & 0x7f, 1 | 15 << 1);
    par = TRANSLATE(s1e1r, 0x0000400000000000);
    expect("not mapped", par & 0x7f, 1 | 4 << 1);
    par = TRANSLATE(s1e1r, UART_BASE);
    expect("device: attributes", par >> 56, 0x04);
    test_end();
}

/* --- a break-before-make over many pages, so that TLBs of any size turn over */

static void many_pages(void) {
    const uint64_t va = TEST_VA + (6ull << 30);
    const uint64_t a = (uint64_t)page_alloc(), b = (uint64_t)page_alloc();
    enum { PAGES = 4096 };
    for (unsigned i = 0; i < 512; i++)
        write_at(a + i * 8, i), write_at(b + i * 8, ~(uint64_t)i);
    test_begin("many-pages");
    for (unsigned i = 0; i < PAGES; i++)
        *mmu_entry(va + i * 4096ull, 3) = (i & 1 ? a : b) | PTE_DATA;
    __asm__ volatile("dsb ishst\n\tisb" ::: "memory");
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < PAGES; i++)
            expect(
                "first map", read_at(va + i * 4096ull + i % 512 * 8), i & 1 ? i % 512 : ~(uint64_t)(i % 512));
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = va + i * 4096ull;
        *mmu_entry(at, 3) = 0;
        __asm__ volatile("dsb ishst\n\ttlbi vae1is, %0" ::"r"(at >> 12) : "memory");
    }
    __asm__ volatile("dsb ish\n\tisb" ::: "memory");
    for (unsigned i = 0; i < PAGES; i += 61)
        expect("unmapped", el1_fsc(read_x, va + i * 4096ull), 7);
    test_end();
}

static void crossing(void) {
    const uint64_t va = TEST_VA + (7ull << 30), a = (uint64_t)page_alloc(), b = (uint64_t)page_alloc();
    struct trap trap;
    test_begin("page-crossing");
    mmu_set(va, 3, a | PTE_DATA);
    mmu_set(va + 4096, 3, b | PTE_DATA);
    write_at(va + 4096 - 4, 0x1122334455667788);
    expect("low half", *(volatile uint32_t *)(a + 4092), 0x55667788);
    expect("high half", *(volatile uint32_t *)b, 0x11223344);
    expect("read back", read_at(va + 4096 - 4), 0x1122334455667788);
    mmu_set(va + 4096, 3, 0);
    try_el1(&trap, write_x, va + 4096 - 4, 0);
    expect("status", trap.esr & 0x7f, 0x47);
    expect("FAR_EL1", trap.far, va + 4096);
    expect("nothing was written", *(volatile uint32_t *)(a + 4092), 0x55667788);
    test_end();
}

/* --- the other granules, in the upper half, so that this program keeps its 4 KiB tables */

#define SCRATCH 0x48000000ull /* free RAM, aligned for any table */

struct granule {
    const char *name;
    uint64_t tg1;        /* TCR_EL1.TG1 */
    unsigned page_bits;  /* 14 or 16 */
    unsigned block_bits; /* of a level 2 block: 25 or 29 */
};

/* A table of the granule at SCRATCH, zeroed. */
static volatile uint64_t *scratch_table(const struct granule *granule, unsigned number) {
    volatile uint64_t *table = (volatile uint64_t *)(SCRATCH + ((uint64_t)number << 16));
    for (unsigned i = 0; i < 1u << (granule->page_bits - 3); i++)
        table[i] = 0;
    return table;
}

static unsigned index_at(const struct granule *granule, uint64_t va, unsigned level) {
    const unsigned stride = granule->page_bits - 3, low = granule->page_bits + (3 - level) * stride;
    return (va & ((1ull << 47) - 1)) >> low & ((1u << stride) - 1);
}

/* 47-bit addresses: both granules start at level 1, and one of 16 KiB with 48 bits at level 0. */
static void granule_test(const struct granule *granule) {
    const uint64_t tcr = READ_SYSREG(tcr_el1), va = 0xffff812345670000, page = 0x41120000, bits = PTE_DATA;
    const uint64_t block_va = va + (1ull << granule->block_bits), block = 0x40000000;
    volatile uint64_t *level1 = scratch_table(granule, 0), *level2 = scratch_table(granule, 1);
    volatile uint64_t *level3 = scratch_table(granule, 2), *level0 = scratch_table(granule, 3);
    const uint64_t size = 1ull << granule->page_bits;

    test_begin(granule->name);
    level1[index_at(granule, va, 1)] = (uint64_t)level2 | PTE_TABLE;
    level2[index_at(granule, va, 2)] = (uint64_t)level3 | PTE_TABLE;
    level3[index_at(granule, va, 3)] = page | bits;
    level2[index_at(granule, block_va, 2)] = block | (bits & ~PTE_PAGE) | PTE_VALID;
    WRITE_SYSREG(ttbr1_el1, (uint64_t)level1);
    WRITE_SYSREG(
        tcr_el1, (tcr & ~(TCR_EPD1 | 3ull << 30 | 0x3full << 16)) | granule->tg1 << 30 | 17ull << 16);
    tlb_flush();
    write_at(page + 8, 0x1234);
    write_at(page + size - 8, 0x5678);
    const uint64_t start = va & ~(size - 1);
    expect("start of the page", read_at(start + 8), 0x1234);
    expect("end of the page", read_at(start + size - 8), 0x5678);
    expect("before the page", el1_fsc(read_x, start - 8), 7);
    expect("after the page", el1_fsc(read_x, start + size), 7);
    const uint64_t in_block = page - block;
    const uint64_t block_start = block_va & ~((1ull << granule->block_bits) - 1);
    expect("block", read_at(block_start + in_block + 8), 0x1234);
    expect("after the block", el1_fsc(read_x, block_start + (1ull << granule->block_bits)), 6);
    expect("level 1", el1_fsc(read_x, va + (1ull << 42)), 5);
    expect("outside", el1_fsc(read_x, 0xffff700000000000), 4);
    level3[index_at(granule, va, 3)] = page | bits | PTE_READONLY;
    __asm__ volatile("dsb ishst\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb" ::"r"(va >> 12 & 0xfffffffffff)
                     : "memory");
    expect("read-only", el1_fsc(write_x, va), 15);
    if (granule->page_bits == 14) {
        level0[1] = (uint64_t)level1 | PTE_TABLE;
        WRITE_SYSREG(ttbr1_el1, (uint64_t)level0);
        WRITE_SYSREG(tcr_el1, (tcr & ~(TCR_EPD1 | 3ull << 30)) | granule->tg1 << 30);
        tlb_flush();
        expect("48 bits", read_at(start + 8), 0x1234);
        expect("48 bits, level 0", el1_fsc(read_x, va & ~(1ull << 47)), 4);
    }
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
    test_end();
}

static void granules(void) {
    static const struct granule small = {"granule-16k", 1, 14, 25}, large = {"granule-64k", 3, 16, 29};
    const uint64_t mmfr0 = READ_SYSREG(id_aa64mmfr0_el1);
    if ((mmfr0 >> 20 & 15) != 0)
        granule_test(&small);
    if ((mmfr0 >> 24 & 15) == 0)
        granule_test(&large);
}

/* TLBI by range: base in units of 4 KiB, (NUM + 1) * 2^(5 * SCALE + 1) pages, TG 1 for 4 KiB. */
static void tlbi_range(void) {
    const uint64_t va = TEST_VA + (8ull << 30), a = (uint64_t)page_alloc(), b = (uint64_t)page_alloc();
    enum { PAGES = 24 };
    if ((READ_SYSREG(id_aa64isar0_el1) >> 56 & 15) < 2)
        return;
    test_begin("tlbi-range");
    write_at(a, 1);
    write_at(b, 2);
    for (unsigned i = 0; i < PAGES; i++)
        mmu_set(va + i * 4096, 3, a | PTE_DATA);
    for (unsigned i = 0; i < PAGES; i++)
        expect("before", read_at(va + i * 4096), 1);
    for (unsigned i = 0; i < PAGES; i++)
        *mmu_entry(va + i * 4096, 3) = b | PTE_DATA;
    const uint64_t range = (va >> 12) | 1ull << 46 | (uint64_t)(PAGES / 2 - 1) << 39;
    /* RVAAE1IS */
    __asm__ volatile("dsb ishst\n\tsys #0, c8, c2, #3, %0\n\tdsb ish\n\tisb" ::"r"(range) : "memory");
    for (unsigned i = 0; i < PAGES; i++)
        expect("after", read_at(va + i * 4096), 2);
    test_end();
}

static void e0pd(void) {
    const uint64_t tcr = READ_SYSREG(tcr_el1), va = TEST_VA + 0x7000;
    if ((READ_SYSREG(id_aa64mmfr2_el1) >> 60) == 0)
        return;
    test_begin("e0pd");
    mmu_set(va, 3, (uint64_t)page_alloc() | NORMAL_PAGE | PTE_USER | PTE_PXN | PTE_UXN);
    expect("E0PD0 = 0: LDTR", el1_fsc(user_style_read, va), 0);
    WRITE_SYSREG(tcr_el1, tcr | 1ull << 55);
    tlb_flush();
    expect("E0PD0 = 1: LDTR", el1_fsc(user_style_read, va), 4);
    expect("E0PD0 = 1: EL1", el1_fsc(read_x, va), 0);
    WRITE_SYSREG(tcr_el1, tcr);
    tlb_flush();
    test_end();
}

void test_main(void) {
    permissions();
    write_implies_no_execute();
    privileged_access_never();
    access_flag();
    asids();
    blocks();
    table_attributes();
    halves();
    address_translate();
    many_pages();
    crossing();
    granules();
    tlbi_range();
    e0pd();
}
