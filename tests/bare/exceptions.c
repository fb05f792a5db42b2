/* Exceptions that instructions cause: which, with what syndrome, where they return to, and PSTATE around
 * them. ARM ARM D1.3 (exceptions), D17.2.37 (ESR_EL1). */
#include "lib/code.h"
#include "lib/lib.h"

/* ESR_EL1: class and, with IL set, the rest. */
#define ESR(ec, iss) ((uint64_t)(ec) << 26 | 1ull << 25 | (iss))

enum {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15,
    EC_SYSREG = 0x18,
    EC_INSN_EL0 = 0x20,
    EC_INSN_EL1 = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DATA_EL0 = 0x24,
    EC_DATA_EL1 = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_BRK = 0x3c,
};

enum { WNR = 1 << 6, CM = 1 << 8 };

#define SCTLR_A    (1ull << 1)
#define SCTLR_SA0  (1ull << 4)
#define SCTLR_DZE  (1ull << 14)
#define SCTLR_UCT  (1ull << 15)
#define SCTLR_NTWI (1ull << 16)
#define SCTLR_NTWE (1ull << 18)
#define SCTLR_UCI  (1ull << 26)
#define SCTLR_SPAN (1ull << 23)

CODE(svc_el1, "svc #0x1234");
CODE_USER(svc_el0, "svc #0xffff");
CODE(brk_el1, "brk #0xabcd");
CODE_USER(brk_el0, "brk #0");
CODE(udf_el1, "udf #0");
CODE_USER(udf_el0, ".inst 0x00000001");
CODE(unallocated_el1, ".inst 0xffffffff");
CODE_USER(hvc_el0, "hvc #0");
CODE(smc_el1, "smc #0");
CODE_USER(smc_el0, "smc #0");
CODE_USER(eret_el0, "eret");
CODE_USER(hlt_el0, "hlt #0");
CODE(read_x, "ldr x0, [x0]");
CODE(write_x, "str x1, [x0]");
CODE(read_pair, "ldp x2, x3, [x0]");
CODE(read_b, "ldrb w0, [x0]");
CODE(read_w, "ldr w0, [x0]");
CODE(read_q, "ldr q0, [x0]");
CODE(load_exclusive, "ldxr x1, [x0]");
CODE(load_acquire, "ldar x1, [x0]");
CODE(swap, "swp x1, x2, [x0]");
CODE(write_back, "ldr x2, [x0, #8]!");
CODE(clean, "dc cvac, x0");
CODE(invalidate_code, "ic ivau, x0");
CODE(zero_block, "dc zva, x0");
CODE_USER(user_read_x, "ldr x0, [x0]");
CODE_USER(user_write_x, "str x1, [x0]");
CODE_USER(user_atomic, "ldadd x1, x2, [x0]");
CODE_USER(jump, "br x0");
CODE(jump_el1, "br x0");
CODE_USER(fp_el0, "fadd d0, d0, d0");
CODE(fp_el1, "add v0.4s, v0.4s, v0.4s");
CODE_USER(user_mrs_sctlr, "mrs x3, sctlr_el1");
CODE_USER(user_msr_ttbr, "msr ttbr0_el1, x3");
CODE_USER(user_mrs_ctr, "mrs x5, ctr_el0");
CODE_USER(user_mrs_daif, "mrs x5, daif");
CODE_USER(user_msr_daifset, "msr daifset, #2");
CODE_USER(user_ic, "ic ivau, x0");
CODE_USER(user_dc_zva, "dc zva, x7");
CODE_USER(user_tlbi, "tlbi vmalle1");
CODE_USER(user_wfi, "wfi");
CODE_USER(user_wfe, "sevl\nwfe");
CODE_USER(user_cntpct, "mrs x2, cntpct_el0");
CODE_USER(user_cntv_ctl, "mrs x2, cntv_ctl_el0");
CODE_USER(user_stack, "mov x1, sp\nadd sp, x1, #8\nldr x2, [sp]");
CODE_USER(user_flags, "mov x0, #0xa0000000\nmsr nzcv, x0\nsvc #1");

static uint64_t bad_address; /* nothing is mapped there */

/* One expected exception: try it and compare everything. */
static void expect_trap(const struct trap *trap, uint64_t vector, uint64_t esr, uint64_t elr) {
    expect("vector", trap->vector, vector);
    expect("ESR_EL1", trap->esr, esr);
    expect("ELR_EL1", trap->elr, elr);
    expect("PSTATE.DAIF in the handler", trap->daif, SPSR_DAIF);
    expect("SPSR_EL1 mode", trap->spsr & 0x1f, vector >= 0x400 ? SPSR_EL0 : SPSR_EL1H);
}

static void check_el1(
    const char *name, const uint32_t *code, uint64_t argument, uint64_t esr, unsigned offset) {
    struct trap trap;
    test_begin(name);
    try_el1(&trap, code, argument, 0);
    expect_trap(&trap, 0x200, esr, (uint64_t)code + offset);
    test_end();
}

static void check_el0(
    const char *name, const uint32_t *code, uint64_t argument, uint64_t esr, unsigned offset) {
    struct trap trap;
    test_begin(name);
    try_el0(&trap, code, argument, 0);
    expect_trap(&trap, 0x400, esr, user_address(code) + offset);
    test_end();
}

static void check_el0_runs(const char *name, const uint32_t *code, uint64_t argument) {
    struct trap trap;
    test_begin(name);
    expect_true("it runs at EL0", try_el0(&trap, code, argument, 0));
    test_end();
}

/* --- instructions that are exceptions */

static void generating(void) {
    check_el1("svc-el1", svc_el1, 0, ESR(EC_SVC, 0x1234), 4);
    check_el0("svc-el0", svc_el0, 0, ESR(EC_SVC, 0xffff), 4);
    check_el1("brk-el1", brk_el1, 0, ESR(EC_BRK, 0xabcd), 0);
    check_el0("brk-el0", brk_el0, 0, ESR(EC_BRK, 0), 0);
    check_el1("udf-el1", udf_el1, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("udf-el0", udf_el0, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el1("unallocated-el1", unallocated_el1, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("hvc-el0", hvc_el0, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el1("smc-el1", smc_el1, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("smc-el0", smc_el0, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("eret-el0", eret_el0, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("hlt-el0", hlt_el0, 0, ESR(EC_UNKNOWN, 0), 0);
}

/* --- data aborts: fault status codes are 4 + level translation, 8 + level access flag, 12 + level permission
 */

static void check_data(const char *name, bool user, bool write, uint64_t va, unsigned fsc) {
    struct trap trap;
    const uint32_t *code = user ? (write ? user_write_x : user_read_x) : (write ? write_x : read_x);
    test_begin(name);
    if (user)
        try_el0(&trap, code, va, 0);
    else
        try_el1(&trap, code, va, 0);
    uint64_t esr = ESR(user ? EC_DATA_EL0 : EC_DATA_EL1, fsc | (write ? WNR : 0));
    expect_trap(&trap, user ? 0x400 : 0x200, esr, user ? user_address(code) : (uint64_t)code);
    expect("FAR_EL1", trap.far, va);
    test_end();
}

static void translation_faults(void) {
    const uint64_t va = TEST_VA;
    check_data("data-translation-0", false, false, 0x0000400000000123, 4);
    *mmu_entry(va, 1) = 0;
    check_data("data-translation-1", false, true, va, 5);
    *mmu_entry(va + (1 << 30), 2) = 0;
    check_data("data-translation-2", false, false, va + (1 << 30) + 0x1008, 6);
    *mmu_entry(va + (2ull << 30), 3) = 0;
    bad_address = va + (2ull << 30);
    check_data("data-translation-3", false, true, bad_address + 0x10, 7);
    check_data("data-translation-3-el0", true, false, bad_address + 0x18, 7);
    check_data("data-translation-3-el0-write", true, true, bad_address + 0x20, 7);
    /* Between the halves: neither TTBR; a level 0 translation fault. With EPD1 the upper half has no table
     * either. */
    check_data("data-non-canonical", false, false, 0x0010000000000000, 4);
    check_data("data-ttbr1-disabled", false, false, 0xffff800000000000, 4);
}

static void permission_and_flag_faults(void) {
    const uint64_t va = TEST_VA + (3ull << 30), block = 0x40000000;
    const uint64_t normal = PTE_NORMAL | PTE_SHARED | PTE_PXN | PTE_UXN;
    mmu_set(va, 1, block | PTE_VALID | normal | PTE_AF | PTE_READONLY);
    check_data("data-permission-1", false, true, va + 8, 13);
    mmu_set(va, 1, block | PTE_VALID | normal | PTE_AF);
    check_data("data-permission-1-el0", true, false, va + 8, 13);
    mmu_set(va, 1, block | PTE_VALID | normal);
    check_data("data-access-flag-1", false, false, va + 16, 9);
    mmu_set(va, 1, 0);

    const uint64_t va2 = TEST_VA + (4ull << 30);
    mmu_set(va2, 2, block | PTE_VALID | normal | PTE_AF | PTE_READONLY);
    check_data("data-permission-2", false, true, va2 + 0x1fff00, 14);
    mmu_set(va2, 2, block | PTE_VALID | normal | PTE_USER);
    check_data("data-access-flag-2-el0", true, true, va2 + 0x2348, 10);

    const uint64_t va3 = TEST_VA + (5ull << 30);
    mmu_set(va3, 3, (uint64_t)page_alloc() | PTE_PAGE | normal | PTE_AF | PTE_USER | PTE_READONLY);
    check_data("data-permission-3", false, true, va3 + 0xff8, 15);
    check_data("data-permission-3-el0", true, true, va3, 15);
    mmu_set(va3, 3, (uint64_t)page_alloc() | PTE_PAGE | normal);
    check_data("data-access-flag-3", false, true, va3, 11);
}

/* An output address beyond ID_AA64MMFR0_EL1.PARange: address size fault of the level. */
static void address_size_faults(void) {
    const uint64_t va = TEST_VA + (6ull << 30);
    mmu_set(va, 3, 0x0000800000000000 | PTE_DATA);
    if ((READ_SYSREG(id_aa64mmfr0_el1) & 15) < 5)
        check_data("data-address-size-3", false, false, va + 8, 3);
    mmu_set(va, 3, 0);
}

static void other_data_faults(void) {
    struct trap trap;
    const uint64_t va = TEST_VA + (7ull << 30);
    mmu_set(va, 3, 0x08f00000 | PTE_PAGE | PTE_DEVICE | PTE_AF | PTE_PXN | PTE_UXN); /* nothing answers */

    test_begin("external-abort");
    try_el1(&trap, read_w, va + 4, 0);
    expect("exception class and status", trap.esr & ~(1ull << 9), ESR(EC_DATA_EL1, 0x10));
    expect("FAR_EL1", trap.far, va + 4);
    test_end();

    test_begin("cache-maintenance-abort");
    try_el1(&trap, clean, bad_address + 0x48, 0);
    expect_trap(&trap, 0x200, ESR(EC_DATA_EL1, 7 | WNR | CM), (uint64_t)clean);
    expect("FAR_EL1", trap.far, bad_address + 0x48);
    test_end();

    test_begin("zero-block-abort");
    try_el1(&trap, zero_block, bad_address + 0x40, 0);
    expect_trap(&trap, 0x200, ESR(EC_DATA_EL1, 7 | WNR), (uint64_t)zero_block);
    test_end();

    test_begin("atomic-abort");
    try_el0(&trap, user_atomic, bad_address, 0);
    expect_trap(&trap, 0x400, ESR(EC_DATA_EL0, 7) | (trap.esr & WNR), user_address(user_atomic));
    test_end();

    test_begin("write-back-after-abort");
    try_el1(&trap, write_back, bad_address, 0);
    expect("base register", trap.x0, bad_address);
    expect("FAR_EL1", trap.far, bad_address + 8);
    test_end();
}

static void check_alignment(const char *name, const uint32_t *code, uint64_t va, uint64_t flags) {
    struct trap trap;
    test_begin(name);
    try_el1(&trap, code, va, 0);
    expect_trap(&trap, 0x200, ESR(EC_DATA_EL1, 0x21 | flags), (uint64_t)code);
    expect("FAR_EL1", trap.far, va);
    test_end();
}

static void alignment(void) {
    const uint64_t memory = (uint64_t)page_alloc(), sctlr = READ_SYSREG(sctlr_el1);
    struct trap trap;
    test_begin("unaligned-is-fine");
    expect_true("ldr", try_el1(&trap, read_x, memory + 3, 0));
    expect_true("ldp", try_el1(&trap, read_pair, memory + 5, 0));
    expect_true("ldr q", try_el1(&trap, read_q, memory + 1, 0));
    expect_true("str", try_el1(&trap, write_x, memory + 7, 0));
    test_end();

    check_alignment("alignment-exclusive", load_exclusive, memory + 4, 0);
    check_alignment("alignment-acquire", load_acquire, memory + 12, 0);
    test_begin("alignment-atomic");
    try_el1(&trap, swap, memory + 12, 0);
    expect("exception class and status", trap.esr & ~(uint64_t)WNR, ESR(EC_DATA_EL1, 0x21));
    test_end();
    check_alignment("alignment-device", read_w, RTC_BASE + 2, 0);

    WRITE_SYSREG(sctlr_el1, sctlr | SCTLR_A);
    check_alignment("alignment-checked-read", read_x, memory + 4, 0);
    check_alignment("alignment-checked-write", write_x, memory + 1, WNR);
    check_alignment("alignment-checked-pair", read_pair, memory + 4, 0);
    test_begin("alignment-checked-aligned");
    expect_true("ldp of two words at 8", try_el1(&trap, read_pair, memory + 8, 0));
    expect_true("ldrb", try_el1(&trap, read_b, memory + 1, 0));
    test_end();
    WRITE_SYSREG(sctlr_el1, sctlr);
}

/* --- instruction aborts and addresses of instructions */

static void check_fetch(const char *name, bool user, uint64_t va, unsigned fsc) {
    struct trap trap;
    test_begin(name);
    if (user)
        try_el0(&trap, jump, va, 0);
    else
        try_el1(&trap, jump_el1, va, 0);
    expect_trap(&trap, user ? 0x400 : 0x200, ESR(user ? EC_INSN_EL0 : EC_INSN_EL1, fsc), va);
    expect("FAR_EL1", trap.far, va);
    test_end();
}

static void fetches(void) {
    const uint64_t va = TEST_VA + (8ull << 30), page = (uint64_t)page_alloc();
    check_fetch("fetch-translation-el1", false, bad_address + 4, 7);
    check_fetch("fetch-translation-el0", true, bad_address + 8, 7);
    check_fetch("fetch-translation-0", true, 0x0000400000000000, 4);
    mmu_set(va, 3, page | PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_AF | PTE_USER | PTE_UXN);
    check_fetch("fetch-uxn", true, va, 15);
    check_fetch("fetch-el0-writable-from-el1", false, va, 15);
    mmu_set(va, 3, page | PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_AF | PTE_PXN);
    check_fetch("fetch-pxn", false, va + 16, 15);
    mmu_set(va, 3, page | PTE_PAGE | PTE_NORMAL | PTE_SHARED | PTE_USER | PTE_READONLY);
    check_fetch("fetch-access-flag", true, va, 11);

    struct trap trap;
    test_begin("pc-alignment");
    try_el0(&trap, jump, user_address(svc_el0) + 2, 0);
    expect_trap(&trap, 0x400, ESR(EC_PC_ALIGN, 0), user_address(svc_el0) + 2);
    expect("FAR_EL1", trap.far, user_address(svc_el0) + 2);
    test_end();
}

/* --- PSTATE */

static void illegal_returns(void) {
    static const struct {
        const char *name;
        uint64_t spsr;
    } cases[] = {
        {"illegal-return-el2", 9},
        {"illegal-return-el3", 13},
        {"illegal-return-mode-1", 1},
        {"illegal-return-el0h", 2},
        {"illegal-return-aarch32", 0x10},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        test_begin(cases[i].name);
        struct trap trap = try_at(cases[i].spsr | SPSR_DAIF | 0xf0000000, (uint64_t)svc_el1, 0, 0);
        expect("ESR_EL1", trap.esr, ESR(EC_ILLEGAL, 0));
        expect("ELR_EL1", trap.elr, (uint64_t)svc_el1);
        expect("vector", trap.vector, 0x200);
        expect("SPSR_EL1.IL", trap.spsr >> 20 & 1, 1);
        expect("SPSR_EL1 mode", trap.spsr & 0x1f, SPSR_EL1H);
        expect("SPSR_EL1.NZCV", trap.spsr >> 28, 15);
        test_end();
    }
    test_begin("return-with-il");
    struct trap trap = try_at(SPSR_EL0 | 1 << 20, user_address(svc_el0), 0, 0);
    expect("ESR_EL1", trap.esr, ESR(EC_ILLEGAL, 0));
    expect("vector", trap.vector, 0x400);
    test_end();
}

static void pstate(void) {
    struct trap trap;
    test_begin("spsr-flags");
    try_el0(&trap, user_flags, 0, 0);
    expect("SPSR_EL1.NZCV", trap.spsr >> 28, 10);
    expect("ESR_EL1", trap.esr, ESR(EC_SVC, 1));
    test_end();

    test_begin("vector-el1t");
    trap = try_at(SPSR_EL1T | SPSR_DAIF, (uint64_t)svc_el1, 0, 0);
    expect("vector", trap.vector, 0);
    expect("SPSR_EL1 mode", trap.spsr & 0x1f, SPSR_EL1T);
    test_end();

    const uint64_t sctlr = READ_SYSREG(sctlr_el1);
    test_begin("pan-on-exception");
    WRITE_SYSREG(sctlr_el1, sctlr & ~SCTLR_SPAN);
    try_el0(&trap, svc_el0, 0, 0);
    expect("PSTATE.PAN with SPAN = 0", trap.pstate_pan >> 22 & 1, 1);
    WRITE_SYSREG(s3_0_c4_c2_3, 0);
    WRITE_SYSREG(sctlr_el1, sctlr | SCTLR_SPAN);
    try_el0(&trap, svc_el0, 0, 0);
    expect("PSTATE.PAN with SPAN = 1", trap.pstate_pan >> 22 & 1, 0);
    trap = try_at(SPSR_EL1H | SPSR_DAIF | 1 << 22, (uint64_t)svc_el1, 0, 0);
    expect("SPSR_EL1.PAN", trap.spsr >> 22 & 1, 1);
    WRITE_SYSREG(s3_0_c4_c2_3, 0);
    WRITE_SYSREG(sctlr_el1, sctlr);
    test_end();
}

/* --- what EL1 forbids */

static void traps_to_el1(void) {
    const uint64_t sctlr = READ_SYSREG(sctlr_el1);
    WRITE_SYSREG(cpacr_el1, 0);
    check_el0("fp-trap-el0", fp_el0, 0, ESR(EC_FP, 0x1e00000), 0);
    check_el1("fp-trap-el1", fp_el1, 0, ESR(EC_FP, 0x1e00000), 0);
    WRITE_SYSREG(cpacr_el1, 1 << 20);
    check_el0("fp-trap-el0-only", fp_el0, 0, ESR(EC_FP, 0x1e00000), 0);
    WRITE_SYSREG(cpacr_el1, 3 << 20);
    check_el0_runs("fp-no-trap", fp_el0, 0);

    check_el0("sysreg-el1-read", user_mrs_sctlr, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("sysreg-el1-write", user_msr_ttbr, 0, ESR(EC_UNKNOWN, 0), 0);
    check_el0("tlbi-el0", user_tlbi, 0, ESR(EC_UNKNOWN, 0), 0);

    /* ISS: Op0 21:20, Op2 19:17, Op1 16:14, CRn 13:10, Rt 9:5, CRm 4:1, read 0. MSR immediate has Rt = 31. */
    check_el0("daif-el0", user_mrs_daif, 0,
        ESR(EC_SYSREG, 3 << 20 | 1 << 17 | 3 << 14 | 4 << 10 | 5 << 5 | 2 << 1 | 1), 0);
    check_el0("daifset-el0", user_msr_daifset, 0,
        ESR(EC_SYSREG, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1), 0);

    check_el0_runs("ctr-el0", user_mrs_ctr, 0);
    check_el0_runs("wfe-el0", user_wfe, 0);
    check_el0_runs("ic-ivau-el0", user_ic, user_address(user_ic));
    WRITE_SYSREG(sctlr_el1, sctlr & ~(SCTLR_UCT | SCTLR_UCI | SCTLR_DZE | SCTLR_NTWI | SCTLR_NTWE));
    check_el0("ctr-el0-trap", user_mrs_ctr, 0,
        ESR(EC_SYSREG, 3 << 20 | 1 << 17 | 3 << 14 | 0 << 10 | 5 << 5 | 0 << 1 | 1), 0);
    check_el0("ic-ivau-el0-trap", user_ic, 0,
        ESR(EC_SYSREG, 1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 0 << 5 | 5 << 1), 0);
    check_el0("dc-zva-el0-trap", user_dc_zva, 0,
        ESR(EC_SYSREG, 1 << 20 | 1 << 17 | 3 << 14 | 7 << 10 | 7 << 5 | 4 << 1), 0);
    check_el0("wfi-el0-trap", user_wfi, 0, ESR(EC_WFX, 0x1e00000), 0);
    WRITE_SYSREG(sctlr_el1, sctlr);

    WRITE_SYSREG(cntkctl_el1, 0);
    check_el0("cntpct-el0-trap", user_cntpct, 0,
        ESR(EC_SYSREG, 3 << 20 | 1 << 17 | 3 << 14 | 14 << 10 | 2 << 5 | 0 << 1 | 1), 0);
    check_el0("cntv-ctl-el0-trap", user_cntv_ctl, 0,
        ESR(EC_SYSREG, 3 << 20 | 1 << 17 | 3 << 14 | 14 << 10 | 2 << 5 | 3 << 1 | 1), 0);
    WRITE_SYSREG(cntkctl_el1, 0x303);
    check_el0_runs("cntpct-el0", user_cntpct, 0);
    check_el0_runs("cntv-ctl-el0", user_cntv_ctl, 0);
}

static void stack_alignment(void) {
    const uint64_t sctlr = READ_SYSREG(sctlr_el1);
    struct trap trap;
    WRITE_SYSREG(sctlr_el1, sctlr | SCTLR_SA0);
    __asm__ volatile("msr sp_el0, %0" ::"r"(0x1000));
    test_begin("sp-alignment-el0");
    try_el0(&trap, user_stack, 0, 0);
    expect_trap(&trap, 0x400, ESR(EC_SP_ALIGN, 0), user_address(user_stack) + 8);
    test_end();
    WRITE_SYSREG(sctlr_el1, sctlr);
}

static void unknown_hypercall(void) {
    test_begin("hvc-unknown-function");
    expect("x0", hypercall(0x12345678, 1, 2, 3), (uint64_t)-1);
    expect("PSCI version 1.1", hypercall(PSCI_VERSION, 0, 0, 0), 0x10001);
    test_end();
}

void test_main(void) {
    generating();
    translation_faults();
    permission_and_flag_faults();
    address_size_faults();
    other_data_faults();
    alignment();
    fetches();
    illegal_returns();
    pstate();
    traps_to_el1();
    stack_alignment();
    unknown_hypercall();
    struct trap trap;
    test_begin("ic-ivau-abort");
    try_el1(&trap, invalidate_code, bad_address + 0x48, 0);
    expect("class and status", trap.esr, ESR(EC_DATA_EL1, 7 | CM | (trap.esr & WNR)));
    expect("FAR_EL1", trap.far, bad_address + 0x48);
    test_end();
}
