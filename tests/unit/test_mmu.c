/* Stage 1 translation, the TLBs and what memory accesses raise, against the ARM ARM (D8, D17.2.37). */
#include <pthread.h>
#include <unistd.h>

#include "soft_fixture.h"

/* Where the tests' tables lie: one for each level and half. */
enum { TABLES = 0x100000, PAGE_A = 0x200000, PAGE_B = 0x201000 };

#define VALID      UINT64_C(1)
#define TABLE      UINT64_C(3)
#define PAGE       UINT64_C(3)
#define BLOCK      UINT64_C(1)
#define AP(ap)     ((uint64_t)(ap) << 6)
#define AF         (UINT64_C(1) << 10)
#define NG         (UINT64_C(1) << 11)
#define ATTR(n)    ((uint64_t)(n) << 2)
#define CONTIGUOUS (UINT64_C(1) << 52)
#define DBM        (UINT64_C(1) << 51)
#define PXN        (UINT64_C(1) << 53)
#define UXN        (UINT64_C(1) << 54)
#define NORMAL     ATTR(1)
#define DEVICE     ATTR(0)

#define TCR_HA  (UINT64_C(1) << 39)
#define TCR_HD  (UINT64_C(1) << 40)
#define TCR_IPS (UINT64_C(5) << 32)
/* 48 bits of VA in both halves, 4 KiB pages, 48 bits of PA, ASID of 16 bits from TTBR0. */
#define TCR_PLAIN (UINT64_C(16) | UINT64_C(16) << 16 | UINT64_C(2) << 30 | TCR_IPS | UINT64_C(1) << 36)

#define SCTLR UINT64_C(0x30d00801)

static const unsigned shift_4k[4] = {39, 30, 21, 12};

static uint64_t *entry_at(struct soft_fixture *f, uint64_t table, uint64_t index) {
    return (uint64_t *)(f->ram + (table - RAM_GPA)) + index;
}

static uint64_t table_gpa(unsigned upper, unsigned level) {
    return RAM_GPA + TABLES + (upper * 4 + level) * 0x10000;
}

/* Maps va by the descriptor at that level, through tables with those attributes; 4 KiB granule. */
static uint64_t *map_through(
    struct soft_fixture *f, uint64_t va, unsigned level, uint64_t descriptor, uint64_t table_bits) {
    unsigned upper = va >> 63;
    for (unsigned i = 0; i < level; i++)
        *entry_at(f, table_gpa(upper, i), va >> shift_4k[i] & 511) =
            table_gpa(upper, i + 1) | TABLE | table_bits;
    uint64_t *entry = entry_at(f, table_gpa(upper, level), va >> shift_4k[level] & 511);
    *entry = descriptor;
    return entry;
}

static uint64_t *map(struct soft_fixture *f, uint64_t va, unsigned level, uint64_t descriptor) {
    return map_through(f, va, level, descriptor, 0);
}

static void mmu_on(struct soft_fixture *f, uint64_t tcr) {
    struct cpu *cpu = f->cpu;
    cpu->sys.mair = 0xff00; /* 0: Device-nGnRnE, 1: Normal write-back */
    cpu->sys.tcr = tcr;
    cpu->sys.ttbr0 = table_gpa(0, 0);
    cpu->sys.ttbr1 = table_gpa(1, 0);
    cpu->sys.sctlr = SCTLR;
    tlb_flush_all(cpu);
    cpu_mode_changed(cpu);
}

static unsigned fsc_of(struct soft_fixture *f, unsigned mmu, uint64_t va, enum mmu_access access) {
    struct mmu_page page;
    return mmu_translate(f->cpu, mmu, va, access, true, &page) ? 0xff : page.fsc;
}

static uint64_t pa_of(struct soft_fixture *f, uint64_t va) {
    struct mmu_page page;
    assert_true(mmu_translate(f->cpu, MMU_EL1, va, MMU_READ, true, &page));
    return page.pa;
}

static void test_translation_faults(void **state) {
    struct soft_fixture *f = *state;
    uint64_t va = 0x123456789000;
    mmu_on(f, TCR_PLAIN);
    assert_int_equal(fsc_of(f, MMU_EL1, va, MMU_READ), FSC_TRANSLATION + 0);
    for (unsigned level = 1; level <= 3; level++) {
        map(f, va, level, 0);
        assert_int_equal(fsc_of(f, MMU_EL1, va, MMU_READ), FSC_TRANSLATION + level);
    }
    /* Reserved: no blocks at level 0, bit 1 clear at level 3. */
    map(f, va, 3, RAM_GPA | VALID | AF);
    assert_int_equal(fsc_of(f, MMU_EL1, va, MMU_READ), FSC_TRANSLATION + 3);
    map(f, va, 0, RAM_GPA | BLOCK | AF);
    assert_int_equal(fsc_of(f, MMU_EL1, va, MMU_READ), FSC_TRANSLATION + 0);
}

static void test_input_range(void **state) {
    struct soft_fixture *f = *state;
    uint64_t page = (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL | AP(1);
    mmu_on(f, TCR_PLAIN);
    map(f, 0x1000, 3, page);
    map(f, UINT64_C(0xffff000000001000), 3, page);
    assert_int_equal(pa_of(f, 0x1000), RAM_GPA + PAGE_A);
    assert_int_equal(pa_of(f, UINT64_C(0xffff000000001000)), RAM_GPA + PAGE_A);
    /* Neither all zeros nor all ones above bit 47. */
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(0x0001000000001000), MMU_READ), FSC_TRANSLATION);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(0xfffe000000001000), MMU_READ), FSC_TRANSLATION);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(0x5500000000001000), MMU_READ), FSC_TRANSLATION);
    /* TBI0: the top byte does not count there, but does in the other half. */
    mmu_on(f, TCR_PLAIN | UINT64_C(1) << 37);
    assert_int_equal(pa_of(f, UINT64_C(0x5500000000001000)), RAM_GPA + PAGE_A);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(0x55ff000000001000), MMU_READ), FSC_TRANSLATION);
    /* EPD1, E0PD0 (for EL0 only), and a half of 39 bits, which starts at level 1. */
    mmu_on(f, TCR_PLAIN | 1 << 23 | UINT64_C(1) << 55);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(0xffff000000001000), MMU_READ), FSC_TRANSLATION);
    assert_int_equal(fsc_of(f, MMU_EL0, 0x1000, MMU_READ), FSC_TRANSLATION);
    assert_int_equal(pa_of(f, 0x1000), RAM_GPA + PAGE_A);
    mmu_on(f, (TCR_PLAIN & ~UINT64_C(0x3f)) | 25);
    f->cpu->sys.ttbr0 = table_gpa(0, 1);
    assert_int_equal(pa_of(f, 0x1000), RAM_GPA + PAGE_A);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(1) << 39, MMU_READ), FSC_TRANSLATION);
}

static void test_sizes(void **state) {
    struct soft_fixture *f = *state;
    mmu_on(f, TCR_PLAIN);
    map(f, 0x40000000, 1, UINT64_C(0x8040000000) | BLOCK | AF | NORMAL);
    assert_int_equal(pa_of(f, 0x40000000 + 0x3abcd000), UINT64_C(0x8040000000) + 0x3abcd000);
    map(f, 0x80200000, 2, UINT64_C(0x7fe00000) | BLOCK | AF | NORMAL);
    assert_int_equal(pa_of(f, 0x80200000 + 0x1ff000), UINT64_C(0x7fe00000) + 0x1ff000);
    /* 16 contiguous pages map each its own. */
    for (unsigned i = 0; i < 16; i++)
        map(f, 0xc0010000 + i * 0x1000, 3,
            (RAM_GPA + 0x10000 + i * 0x1000) | PAGE | AF | NORMAL | CONTIGUOUS);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(pa_of(f, 0xc0010000 + i * 0x1000), RAM_GPA + 0x10000 + i * 0x1000);
}

static void test_granule_16k(void **state) {
    struct soft_fixture *f = *state;
    uint64_t va = 0x8123456d7000; /* level 0 index 1 */
    uint64_t table[4];
    mmu_on(f, (TCR_PLAIN & ~UINT64_C(0xc000)) | UINT64_C(2) << 14);
    for (unsigned i = 0; i < 4; i++)
        table[i] = table_gpa(0, i);
    *entry_at(f, table[0], va >> 47 & 1) = table[1] | TABLE;
    *entry_at(f, table[1], va >> 36 & 2047) = table[2] | TABLE;
    *entry_at(f, table[2], va >> 25 & 2047) = table[3] | TABLE;
    *entry_at(f, table[3], va >> 14 & 2047) = UINT64_C(0x12344000) | PAGE | AF | NORMAL;
    assert_int_equal(pa_of(f, va), UINT64_C(0x12344000) + (va & 0x3000));
    *entry_at(f, table[2], va >> 25 & 2047) = UINT64_C(0x12000000) | BLOCK | AF | NORMAL;
    assert_int_equal(pa_of(f, va), UINT64_C(0x12000000) + (va & 0x1fff000));
    *entry_at(f, table[1], va >> 36 & 2047) = VALID | AF; /* no blocks at level 1 */
    assert_int_equal(fsc_of(f, MMU_EL1, va, MMU_READ), FSC_TRANSLATION + 1);
}

static void test_granule_64k(void **state) {
    struct soft_fixture *f = *state;
    uint64_t va = 0x723456789000;
    mmu_on(f, (TCR_PLAIN & ~UINT64_C(0xc000)) | UINT64_C(1) << 14);
    f->cpu->sys.ttbr0 = table_gpa(0, 1);
    *entry_at(f, table_gpa(0, 1), va >> 42 & 63) = table_gpa(0, 2) | TABLE;
    *entry_at(f, table_gpa(0, 2), va >> 29 & 8191) = table_gpa(0, 3) | TABLE;
    *entry_at(f, table_gpa(0, 3), va >> 16 & 8191) = UINT64_C(0x12350000) | PAGE | AF | NORMAL;
    assert_int_equal(pa_of(f, va), UINT64_C(0x12350000) + (va & 0xf000));
    *entry_at(f, table_gpa(0, 2), va >> 29 & 8191) = UINT64_C(0x20000000) | BLOCK | AF | NORMAL;
    assert_int_equal(pa_of(f, va), UINT64_C(0x20000000) + (va & 0x1ffff000));
}

static void test_address_size(void **state) {
    struct soft_fixture *f = *state;
    uint64_t high = UINT64_C(1) << 36;
    mmu_on(f, TCR_PLAIN & ~TCR_IPS); /* 32 bits */
    map(f, 0x1000, 3, high | PAGE | AF | NORMAL);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_ADDRESS_SIZE + 3);
    map(f, 0x1000, 2, high | BLOCK | AF | NORMAL);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_ADDRESS_SIZE + 2);
    map(f, 0x1000, 1, high | TABLE);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_ADDRESS_SIZE + 1);
    f->cpu->sys.ttbr0 |= high;
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_ADDRESS_SIZE + 0);
}

static void test_walk_external_abort(void **state) {
    struct soft_fixture *f = *state;
    mmu_on(f, TCR_PLAIN);
    map(f, 0x1000, 1, UINT64_C(0x20000000) | TABLE);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_WALK_EXTERNAL + 2);
    f->cpu->sys.ttbr0 = UINT64_C(0x20000000);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x1000, MMU_READ), FSC_WALK_EXTERNAL + 0);
}

static void test_access_flag(void **state) {
    struct soft_fixture *f = *state;
    mmu_on(f, TCR_PLAIN);
    uint64_t *entry = map(f, 0x1000, 3, (RAM_GPA + PAGE_A) | PAGE | NORMAL | AP(1));
    assert_int_equal(fsc_of(f, MMU_EL0, 0x1000, MMU_READ), FSC_ACCESS_FLAG + 3);
    map(f, 0x40200000, 2, RAM_GPA | BLOCK | NORMAL);
    assert_int_equal(fsc_of(f, MMU_EL1, 0x40200000, MMU_READ), FSC_ACCESS_FLAG + 2);
    assert_false(*entry & AF);

    mmu_on(f, TCR_PLAIN | TCR_HA);
    assert_int_equal(fsc_of(f, MMU_EL0, 0x1000, MMU_READ), 0xff);
    assert_true(*entry & AF);
    /* Not where the access is refused. */
    *entry = (RAM_GPA + PAGE_A) | PAGE | NORMAL | AP(0);
    assert_int_equal(fsc_of(f, MMU_EL0, 0x1000, MMU_READ), FSC_PERMISSION + 3);
    assert_false(*entry & AF);
}

static void test_dirty_state(void **state) {
    struct soft_fixture *f = *state;
    uint64_t clean = (RAM_GPA + PAGE_A) | PAGE | NORMAL | AF | DBM | AP(3);
    mmu_on(f, TCR_PLAIN | TCR_HA); /* without HD, DBM means nothing */
    uint64_t *entry = map(f, 0x1000, 3, clean);
    assert_int_equal(fsc_of(f, MMU_EL0, 0x1000, MMU_WRITE), FSC_PERMISSION + 3);

    mmu_on(f, TCR_PLAIN | TCR_HA | TCR_HD);
    f->cpu->el = 0;
    cpu_mode_changed(f->cpu);
    assert_int_equal(mem_read64(f->cpu, 0x1008), 0);
    assert_int_equal(*entry, clean);
    mem_write64(f->cpu, 0x1008, 7); /* after a read that entered the TLB */
    assert_int_equal(*entry, clean & ~AP(2));
    assert_int_equal(f->ram[PAGE_A + 8], 7);
    /* An address translation instruction says what would be, and changes nothing. */
    struct mmu_page page;
    *entry = clean;
    assert_true(mmu_translate(f->cpu, MMU_EL0, 0x1000, MMU_WRITE, false, &page));
    assert_int_equal(*entry, clean);
}

/* Each string: R, W, X allowed or '-', at EL0, at EL1, and at EL1 with PAN. */
struct permission_case {
    uint64_t attributes, table_bits;
    bool wxn;
    const char *el0, *el1, *pan;
};

static const struct permission_case permission_cases[] = {
    /* AP: read-write for EL1, for both, read-only for EL1, for both. What EL0 writes, EL1 does not execute.
     */
    {AP(0), 0, false, "--X", "RWX", "RWX"},
    {AP(1), 0, false, "RWX", "RW-", "---"},
    {AP(2), 0, false, "--X", "R-X", "R-X"},
    {AP(3), 0, false, "R-X", "R-X", "--X"},
    {AP(0) | UXN, 0, false, "---", "RWX", "RWX"},
    {AP(0) | PXN, 0, false, "--X", "RW-", "RW-"},
    {AP(1) | UXN, 0, false, "RW-", "RW-", "---"},
    {AP(3) | PXN, 0, false, "R-X", "R--", "---"},
    {AP(3) | UXN | PXN, 0, false, "R--", "R--", "---"},
    /* WXN: what is writable is not executable. */
    {AP(0), 0, true, "--X", "RW-", "RW-"},
    {AP(1), 0, true, "RW-", "RW-", "---"},
    {AP(2), 0, true, "--X", "R-X", "R-X"},
    {AP(3), 0, true, "R-X", "R-X", "--X"},
    /* Tables: APTable 1 keeps EL0 out, 2 makes read-only, 3 both; UXNTable, PXNTable. */
    {AP(1), UINT64_C(1) << 61, false, "--X", "RWX", "RWX"},
    {AP(1), UINT64_C(2) << 61, false, "R-X", "R-X", "--X"},
    {AP(1), UINT64_C(3) << 61, false, "--X", "R-X", "R-X"},
    {AP(3), UINT64_C(1) << 60, false, "R--", "R-X", "--X"},
    {AP(3), UINT64_C(1) << 59, false, "R-X", "R--", "---"},
};

static void check_permission(struct soft_fixture *f, unsigned mmu, uint64_t va, const char *expected) {
    char found[4] = "---";
    for (int access = MMU_READ; access <= MMU_FETCH; access++) {
        unsigned fsc = fsc_of(f, mmu, va, access);
        assert_true(fsc == 0xff || fsc == FSC_PERMISSION + 3);
        if (fsc == 0xff)
            found[access] = "RWX"[access];
    }
    assert_string_equal(found, expected);
}

static void test_permissions(void **state) {
    struct soft_fixture *f = *state;
    uint64_t va = 0x7000;
    for (unsigned i = 0; i < sizeof permission_cases / sizeof permission_cases[0]; i++) {
        const struct permission_case *c = &permission_cases[i];
        mmu_on(f, TCR_PLAIN);
        f->cpu->sys.sctlr |= c->wxn ? 1 << 19 : 0;
        map_through(f, va, 3, (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL | c->attributes, c->table_bits);
        check_permission(f, MMU_EL0, va, c->el0);
        check_permission(f, MMU_EL1, va, c->el1);
        check_permission(f, MMU_EL1_PAN, va, c->pan);
        /* With HPD0, what tables say about permissions is ignored. */
        mmu_on(f, TCR_PLAIN | UINT64_C(1) << 41);
        if (c->table_bits)
            check_permission(f, MMU_EL0, va, c->attributes == AP(1) ? "RWX" : "R-X");
    }
}

static void test_mmu_off(void **state) {
    struct soft_fixture *f = *state;
    struct mmu_page page;
    assert_true(mmu_translate(f->cpu, MMU_EL0, RAM_GPA + 0x1234, MMU_WRITE, true, &page));
    assert_int_equal(page.pa, RAM_GPA + 0x1000);
    assert_true(page.device && page.writable);
    assert_int_equal(fsc_of(f, MMU_EL1, UINT64_C(1) << 48, MMU_READ), FSC_ADDRESS_SIZE);
    /* All data is Device memory: unaligned accesses fault. */
    f->ram[3] = 0xab;
    assert_int_equal(mem_read8(f->cpu, RAM_GPA + 3), 0xab);
    assert_true(RAISES(f->cpu, mem_read32(f->cpu, RAM_GPA + 3)));
    assert_int_equal(EC_OF(f->cpu), EC_DATA_ABORT + 1);
    assert_int_equal(ISS_OF(f->cpu), FSC_ALIGNMENT);
    assert_int_equal(f->cpu->sys.far, RAM_GPA + 3);
}

static void map_pair(struct soft_fixture *f) {
    mmu_on(f, TCR_PLAIN);
    map(f, 0x1000, 3, (RAM_GPA + PAGE_B) | PAGE | AF | NORMAL | AP(1)); /* apart, and in the other order */
    map(f, 0x2000, 3, (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL | AP(1));
    tlb_flush_all(f->cpu);
}

static void test_unaligned(void **state) {
    struct soft_fixture *f = *state;
    map_pair(f);
    mem_write64(f->cpu, 0x1001, UINT64_C(0x8877665544332211));
    assert_int_equal(mem_read64(f->cpu, 0x1001), UINT64_C(0x8877665544332211));
    assert_memory_equal(f->ram + PAGE_B + 1, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    /* Across the pages. */
    mem_write64(f->cpu, 0x1ffd, UINT64_C(0x8877665544332211));
    assert_int_equal(mem_read64(f->cpu, 0x1ffd), UINT64_C(0x8877665544332211));
    assert_memory_equal(f->ram + PAGE_B + 0xffd, "\x11\x22\x33", 3);
    assert_memory_equal(f->ram + PAGE_A, "\x44\x55\x66\x77\x88", 5);
    /* SCTLR_EL1.A. */
    f->cpu->sys.sctlr |= 2;
    assert_true(RAISES(f->cpu, mem_write32(f->cpu, 0x1002, 0)));
    assert_int_equal(ISS_OF(f->cpu), FSC_ALIGNMENT | ISS_WNR);
}

static void test_crossing_faults_write_nothing(void **state) {
    struct soft_fixture *f = *state;
    map_pair(f);
    map(f, 0x2000, 3, (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL | AP(3));
    memset(f->ram + PAGE_B, 0, 4096);
    assert_true(RAISES(f->cpu, mem_write32(f->cpu, 0x1ffe, 0xffffffff)));
    assert_int_equal(ISS_OF(f->cpu), (FSC_PERMISSION + 3) | ISS_WNR);
    assert_int_equal(f->cpu->sys.far, 0x2000);
    assert_int_equal(f->ram[PAGE_B + 0xffe], 0);
    /* mem_probe() sees the same. */
    mem_probe(f->cpu, f->cpu->mmu_index, 0x1ff0, 16, true);
    assert_true(RAISES(f->cpu, mem_probe(f->cpu, f->cpu->mmu_index, 0x1ff0, 17, true)));
}

static void test_devices(void **state) {
    struct soft_fixture *f = *state;
    mmu_on(f, TCR_PLAIN);
    map(f, 0x1000, 3, UART_GPA | PAGE | AF | DEVICE);
    map(f, 0x2000, 3, UINT64_C(0x20000000) | PAGE | AF | DEVICE);
    assert_int_equal(mem_read16(f->cpu, 0x1018), 0x7788);
    assert_int_equal(f->device_gpa, UART_GPA + 0x18);
    assert_int_equal(f->device_size, 2);
    mem_write32(f->cpu, 0x1ffc, 0xdeadbeef);
    assert_int_equal(f->device_gpa, UART_GPA + 0xffc);
    assert_int_equal(f->device_value, 0xdeadbeef);
    assert_true(RAISES(f->cpu, mem_read32(f->cpu, 0x1002)));
    assert_int_equal(ISS_OF(f->cpu), FSC_ALIGNMENT);
    /* Nobody answers. */
    assert_true(RAISES(f->cpu, mem_write8(f->cpu, 0x2003, 1)));
    assert_int_equal(ISS_OF(f->cpu), FSC_EXTERNAL | ISS_WNR);
    assert_true(RAISES(f->cpu, mem_atomic_host(f->cpu, 0x1010, 8)));
    assert_int_equal(ISS_OF(f->cpu) & 0x3f, FSC_UNSUPPORTED_ATOMIC);
    uint64_t pa;
    assert_true(RAISES(f->cpu, mem_fetch_page(f->cpu, 0x1000, &pa)));
    assert_int_equal(EC_OF(f->cpu), EC_FETCH_ABORT + 1);
    assert_int_equal(ISS_OF(f->cpu), FSC_EXTERNAL);
}

static void test_rom(void **state) {
    struct soft_fixture *f = *state;
    assert_int_equal(mem_read32(f->cpu, ROM_GPA + 8), 0x5a5a5a5a);
    /* Writes go to whoever is behind it: nobody here. It stays readable. */
    assert_true(RAISES(f->cpu, mem_write32(f->cpu, ROM_GPA + 8, 1)));
    assert_int_equal(ISS_OF(f->cpu), FSC_EXTERNAL | ISS_WNR);
    assert_int_equal(mem_read32(f->cpu, ROM_GPA + 8), 0x5a5a5a5a);
    uint64_t pa;
    assert_ptr_equal(mem_fetch_page(f->cpu, ROM_GPA + 0x10, &pa), f->rom);
    assert_int_equal(pa, ROM_GPA);
}

static void test_zero_block(void **state) {
    struct soft_fixture *f = *state;
    map_pair(f);
    memset(f->ram + PAGE_B, 0xee, 4096);
    mem_zero_block(f->cpu, 0x1000 + 0x7f);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(f->ram[PAGE_B + i], i >= 0x40 && i < 0x80 ? 0 : 0xee);
}

/* --- the TLB: entries stay as long as no TLBI ends them, and no longer */

static const struct a64_insn insn = {.op = 1};

/* Always as EL1 does it. */
static void sys(struct cpu *cpu, uint32_t key, uint64_t value) {
    uint8_t el = cpu->el;
    cpu->el = 1;
    cpu_sys_insn(cpu, &insn, key, value);
    cpu->el = el;
}

#define TLBI(crm, op2) ENGINE_SYSREG(1, 0, 8, crm, op2)
#define MSR_TTBR0      ENGINE_SYSREG(3, 0, 2, 0, 0)
#define ASID(asid)     ((uint64_t)(asid) << 48)

static void switch_asid(struct cpu *cpu, uint64_t asid) {
    uint8_t el = cpu->el;
    cpu->el = 1;
    cpu_sysreg_write(cpu, &insn, MSR_TTBR0, table_gpa(0, 0) | ASID(asid));
    cpu->el = el;
}

/* Two pages of RAM that differ, at which va may lead. */
static void paint(struct soft_fixture *f) {
    memset(f->ram + PAGE_A, 0xaa, 4096);
    memset(f->ram + PAGE_B, 0xbb, 4096);
}

static void test_asids(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = f->cpu;
    uint64_t a = (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL | AP(1),
             b = (RAM_GPA + PAGE_B) | PAGE | AF | NORMAL | AP(1);
    for (unsigned el = 0; el < 2; el++) {
        paint(f);
        mmu_on(f, TCR_PLAIN);
        cpu->el = (uint8_t)el;
        cpu_mode_changed(cpu);
        switch_asid(cpu, 1);
        map(f, 0x1000, 3, a | NG);
        assert_int_equal(mem_read8(cpu, 0x1000), 0xaa);
        map(f, 0x1000, 3, b | NG);
        switch_asid(cpu, 2);
        assert_int_equal(mem_read8(cpu, 0x1000), 0xbb); /* not the other ASID's */
        sys(cpu, TLBI(7, 2), ASID(2));                  /* ASIDE1 */
        map(f, 0x1000, 3, a | NG);
        assert_int_equal(mem_read8(cpu, 0x1000), 0xaa);
        map(f, 0x1000, 3, b | NG);
        sys(cpu, TLBI(7, 1), ASID(2) | 1); /* VAE1 */
        assert_int_equal(mem_read8(cpu, 0x1000), 0xbb);
    }
}

static void test_many_asids(void **state) {
    struct soft_fixture *f = *state;
    mmu_on(f, TCR_PLAIN);
    f->cpu->el = 0;
    cpu_mode_changed(f->cpu);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned asid = 1; asid < 3 * TLB_ASIDS; asid++) {
            f->ram[asid * 4096] = (uint8_t)asid;
            map(f, 0x1000, 3, (RAM_GPA + asid * 4096) | PAGE | AF | NORMAL | AP(1) | NG);
            switch_asid(f->cpu, asid);
            assert_int_equal(mem_read8(f->cpu, 0x1000), asid);
        }
    }
}

static void test_global_entries(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = f->cpu;
    uint64_t va = UINT64_C(0xffff000000001000);
    uint64_t a = (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL, b = (RAM_GPA + PAGE_B) | PAGE | AF | NORMAL;
    paint(f);
    mmu_on(f, TCR_PLAIN);
    map(f, va, 3, a);
    assert_int_equal(mem_read8(cpu, va), 0xaa);
    /* Observable only because this test leaves out the TLBI: global entries outlive a change of ASID. */
    map(f, va, 3, b);
    uint64_t misses = cpu->stats.tlb_misses;
    switch_asid(cpu, 5);
    assert_int_equal(mem_read8(cpu, va), 0xaa);
    assert_int_equal(cpu->stats.tlb_misses, misses);
    /* ASIDE1 does not touch them; VAE1 does whatever the ASID, VAAE1, VMALLE1 and the range forms do. */
    static const struct {
        uint32_t key;
        uint64_t value;
    } ends[] = {
        {TLBI(7, 1), ASID(9) | UINT64_C(0xff000000001)}, /* VAE1: VA[55:12] */
        {TLBI(3, 7), UINT64_C(0xff000000001)},           /* VAALE1IS */
        {TLBI(1, 3), UINT64_C(0xff000000001)},           /* VAAE1OS */
        {TLBI(7, 0), 0},                                 /* VMALLE1 */
        /* RVAE1, RVAAE1IS: VA[48:12] of the first of 2 and of 2^16 4 KiB pages. */
        {TLBI(6, 1), ASID(9) | UINT64_C(1) << 46 | UINT64_C(0x1000000000)},
        {TLBI(2, 3), UINT64_C(1) << 46 | UINT64_C(3) << 44 | UINT64_C(0x1000000000)},
    };
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        map(f, va, 3, a);
        tlb_flush_all(cpu);
        assert_int_equal(mem_read8(cpu, va), 0xaa);
        map(f, va, 3, b);
        sys(cpu, TLBI(7, 2), ASID(5));
        assert_int_equal(mem_read8(cpu, va), 0xaa);
        sys(cpu, ends[i].key, ends[i].value);
        assert_int_equal(mem_read8(cpu, va), 0xbb);
    }
}

static void test_blocks_end_whole(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = f->cpu;
    paint(f);
    mmu_on(f, TCR_PLAIN);
    map(f, 0x40000000, 2, RAM_GPA | BLOCK | AF | NORMAL);
    map(f, 0x40200000, 2, (RAM_GPA + 0x200000) | BLOCK | AF | NORMAL);
    assert_int_equal(mem_read8(cpu, 0x40000000 + PAGE_A), 0xaa);
    uint64_t pa;
    mem_fetch_page(cpu, 0x40000000 + PAGE_A, &pa);
    map(f, 0x40200000, 2, (RAM_GPA + 0x400000) | BLOCK | AF | NORMAL);
    sys(cpu, TLBI(7, 3), (0x40200000 + 0x123000) >> 12); /* any address of the block */
    assert_int_equal(mem_read8(cpu, 0x40000000 + PAGE_A), f->ram[PAGE_A + 0x200000]);
    mem_fetch_page(cpu, 0x40000000 + PAGE_A, &pa);
    assert_int_equal(pa, RAM_GPA + PAGE_A + 0x200000);
}

static void test_tagged_addresses(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = f->cpu;
    paint(f);
    mmu_on(f, TCR_PLAIN | UINT64_C(1) << 37);
    map(f, 0x1000, 3, (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL);
    uint64_t tagged = UINT64_C(0xa500000000001000);
    mem_write16(cpu, tagged + 2, 0x1234);
    assert_int_equal(mem_read16(cpu, 0x1002), 0x1234);
    assert_int_equal(mem_read16(cpu, tagged + 2), 0x1234);
    map(f, 0x1000, 3, (RAM_GPA + PAGE_B) | PAGE | AF | NORMAL);
    sys(cpu, TLBI(7, 3), 1);
    assert_int_equal(mem_read8(cpu, tagged), 0xbb);
}

static void test_slots_come_and_go(void **state) {
    struct soft_fixture *f = *state;
    struct error e;
    uint64_t gpa = UINT64_C(0x8000000000);
    uint8_t *host = aligned_alloc(4096, 8192);
    memset(host, 0x77, 8192);
    const struct memory_slot window = {.gpa = gpa, .size = 8192, .host = host, .kind = MEMORY_WINDOW};
    shootdown_active(f->cpu); /* as in vcpu_run() */
    assert_true(RAISES(f->cpu, mem_read8(f->cpu, gpa)));
    shootdown_quiescent(f->cpu);
    assert_int_equal(memory_add(f->memory, &window, &e), 0);
    shootdown_active(f->cpu);
    assert_int_equal(mem_read8(f->cpu, gpa + 8191), 0x77);
    shootdown_quiescent(f->cpu);
    memory_remove(f->memory, gpa);
    free(host);
    shootdown_active(f->cpu);
    assert_true(RAISES(f->cpu, mem_read8(f->cpu, gpa + 8191)));
    assert_int_equal(ISS_OF(f->cpu), FSC_EXTERNAL);
    shootdown_quiescent(f->cpu);
}

/* --- TLBI for other vCPUs */

static void test_broadcast(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = f->cpu, *other = f->other;
    paint(f);
    mmu_on(f, TCR_PLAIN);
    other->sys = cpu->sys;
    map(f, 0x1000, 3, (RAM_GPA + PAGE_A) | PAGE | AF | NORMAL);
    shootdown_active(other);
    assert_int_equal(mem_read8(other, 0x1000), 0xaa);
    map(f, 0x1000, 3, (RAM_GPA + PAGE_B) | PAGE | AF | NORMAL);
    sys(cpu, TLBI(7, 3), 1); /* VAAE1: only here */
    assert_false(atomic_load(&other->attention) & ATTENTION_SHOOTDOWN);
    sys(cpu, TLBI(3, 3), 1); /* VAAE1IS */
    assert_true(atomic_load(&other->attention) & ATTENTION_SHOOTDOWN);
    shootdown_quiescent(other);
    cpu_dsb(cpu); /* does not wait for who is quiescent */
    shootdown_active(other);
    assert_int_equal(mem_read8(other, 0x1000), 0xbb);
    assert_false(atomic_load(&other->attention) & ATTENTION_SHOOTDOWN);
    shootdown_quiescent(other);
}

struct busy {
    struct cpu *cpu;
    _Atomic bool stop;
    _Atomic unsigned served;
};

static void *busy_vcpu(void *ctx) {
    struct busy *busy = ctx;
    while (!atomic_load(&busy->stop)) {
        usleep(2000);
        if (atomic_load(&busy->cpu->attention) & ATTENTION_SHOOTDOWN) {
            atomic_fetch_add(&busy->served, 1);
            cpu_attend(busy->cpu);
        }
    }
    shootdown_quiescent(busy->cpu);
    return NULL;
}

static void test_dsb_waits(void **state) {
    struct soft_fixture *f = *state;
    struct busy busy = {.cpu = f->other};
    pthread_t thread;
    shootdown_active(f->other);
    pthread_create(&thread, NULL, busy_vcpu, &busy);
    for (unsigned i = 1; i <= 10; i++) {
        sys(f->cpu, TLBI(3, 0), 0);
        cpu_dsb(f->cpu);
        assert_int_equal(atomic_load(&busy.served), i);
        assert_int_equal(atomic_load(&f->other->box->served), atomic_load(&f->other->box->posted));
    }
    cpu_dsb(f->cpu); /* nothing outstanding: nothing to wait for */
    atomic_store(&busy.stop, true);
    pthread_join(thread, NULL);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_translation_faults),
        TEST(test_input_range),
        TEST(test_sizes),
        TEST(test_granule_16k),
        TEST(test_granule_64k),
        TEST(test_address_size),
        TEST(test_walk_external_abort),
        TEST(test_access_flag),
        TEST(test_dirty_state),
        TEST(test_permissions),
        TEST(test_mmu_off),
        TEST(test_unaligned),
        TEST(test_crossing_faults_write_nothing),
        TEST(test_devices),
        TEST(test_rom),
        TEST(test_zero_block),
        TEST(test_asids),
        TEST(test_many_asids),
        TEST(test_global_entries),
        TEST(test_blocks_end_whole),
        TEST(test_tagged_addresses),
        TEST(test_slots_come_and_go),
        TEST(test_broadcast),
        TEST(test_dsb_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
