/* System registers and instructions: the ID registers tell the truth about every feature, cache instructions
 * work, registers hold what they are given, PSTATE can be read back, and self-hosted debug stops where it
 * should. */
#include "lib/code.h"
#include "lib/lib.h"

/* --- ID registers: an instruction of a feature runs if and only if the feature is announced */

CODE(try_sha1, ".inst 0x5e280800");    /* sha1h */
CODE(try_sha256, ".inst 0x5e282800");  /* sha256su0 */
CODE(try_sha512, ".inst 0xcec08000");  /* sha512su0 */
CODE(try_aes, ".inst 0x4e284800");     /* aese */
CODE(try_pmull, ".inst 0x0ee0e000");   /* pmull v0.1q */
CODE(try_crc32, ".inst 0x1ac04000");   /* crc32b */
CODE(try_atomics, ".inst 0xb8200010"); /* ldadd w0, w16, [x0] */
CODE(try_rdm, ".inst 0x6e408400");     /* sqrdmlah v0.8h */
CODE(try_sha3, ".inst 0xce000000");    /* eor3 */
CODE(try_sm3, ".inst 0xce60c000");     /* sm3partw1 */
CODE(try_sm4, ".inst 0xcec08400");     /* sm4e */
CODE(try_dp, ".inst 0x4e809400");      /* sdot */
CODE(try_fhm, ".inst 0x4e20ec00");     /* fmlal */
CODE(try_flagm, ".inst 0xd500401f");   /* cfinv */
CODE(try_flagm2, ".inst 0xd500403f");  /* xaflag */
CODE(try_rndr, "mrs x16, s3_3_c2_c4_0");
CODE(try_jscvt, ".inst 0x1e7e0000");   /* fjcvtzs */
CODE(try_fcma, ".inst 0x6ec0c400");    /* fcmla v0.2d, #0 */
CODE(try_lrcpc, ".inst 0xf8bfc010");   /* ldapr x16, [x0] */
CODE(try_lrcpc2, ".inst 0xd9400010");  /* ldapur x16, [x0] */
CODE(try_frintts, ".inst 0x1e684000"); /* frint32z d0 */
CODE(try_sb, ".inst 0xd50330ff");
CODE(try_bf16, ".inst 0x1e634000"); /* bfcvt */
CODE(try_i8mm, ".inst 0x4e80a400"); /* smmla */
CODE(try_dpb, "dc cvap, x0");
CODE(try_dpb2, ".inst 0xd50b7d20");     /* dc cvadp, x0 */
CODE(try_fp16, ".inst 0x1ee02800");     /* fadd h0 */
CODE(try_vector16, ".inst 0x4e401400"); /* fadd v0.8h */
CODE(try_sve, ".inst 0x04200000");      /* add z0.b */
CODE(try_dit, "mrs x16, s3_3_c4_c2_5");
CODE(try_ssbs, "mrs x16, s3_3_c4_c2_6");
CODE(try_uao, "mrs x16, s3_0_c4_c2_4");
CODE(try_pan, "mrs x16, s3_0_c4_c2_3");
CODE(try_pan2, "at s1e1rp, x0");
CODE(try_tlbi_os, "sys #0, c8, c1, #0");        /* tlbi vmalle1os */
CODE(try_tlbi_range, "sys #0, c8, c6, #1, x0"); /* tlbi rvae1 */

struct feature {
    const char *name;
    uint64_t id;    /* the register's value */
    unsigned shift; /* of the field */
    unsigned least; /* from this value on it is there */
    const uint32_t *code;
};

static void features(void) {
    const uint64_t isar0 = READ_SYSREG(id_aa64isar0_el1), isar1 = READ_SYSREG(id_aa64isar1_el1);
    const uint64_t pfr0 = READ_SYSREG(id_aa64pfr0_el1), pfr1 = READ_SYSREG(id_aa64pfr1_el1);
    const uint64_t mmfr1 = READ_SYSREG(id_aa64mmfr1_el1), mmfr2 = READ_SYSREG(id_aa64mmfr2_el1);
    const struct feature list[] = {
        {"aes", isar0, 4, 1, try_aes},
        {"pmull", isar0, 4, 2, try_pmull},
        {"sha1", isar0, 8, 1, try_sha1},
        {"sha256", isar0, 12, 1, try_sha256},
        {"sha512", isar0, 12, 2, try_sha512},
        {"crc32", isar0, 16, 1, try_crc32},
        {"lse", isar0, 20, 2, try_atomics},
        {"rdm", isar0, 28, 1, try_rdm},
        {"sha3", isar0, 32, 1, try_sha3},
        {"sm3", isar0, 36, 1, try_sm3},
        {"sm4", isar0, 40, 1, try_sm4},
        {"dotprod", isar0, 44, 1, try_dp},
        {"fhm", isar0, 48, 1, try_fhm},
        {"flagm", isar0, 52, 1, try_flagm},
        {"flagm2", isar0, 52, 2, try_flagm2},
        {"tlbi-os", isar0, 56, 1, try_tlbi_os},
        {"tlbi-range", isar0, 56, 2, try_tlbi_range},
        {"rndr", isar0, 60, 1, try_rndr},
        {"dpb", isar1, 0, 1, try_dpb},
        {"dpb2", isar1, 0, 2, try_dpb2},
        {"jscvt", isar1, 12, 1, try_jscvt},
        {"fcma", isar1, 16, 1, try_fcma},
        {"lrcpc", isar1, 20, 1, try_lrcpc},
        {"lrcpc2", isar1, 20, 2, try_lrcpc2},
        {"frintts", isar1, 32, 1, try_frintts},
        {"sb", isar1, 36, 1, try_sb},
        {"bf16", isar1, 44, 1, try_bf16},
        {"i8mm", isar1, 52, 1, try_i8mm},
        {"fp16", pfr0, 16, 1, try_fp16},
        {"advsimd-fp16", pfr0, 20, 1, try_vector16},
        {"dit", pfr0, 48, 1, try_dit},
        {"ssbs", pfr1, 4, 2, try_ssbs},
        {"pan", mmfr1, 20, 1, try_pan},
        {"pan2", mmfr1, 20, 2, try_pan2},
        {"uao", mmfr2, 4, 1, try_uao},
    };
    uint64_t *memory = page_alloc();
    for (unsigned i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        struct trap trap;
        bool announced = (list[i].id >> list[i].shift & 15) >= list[i].least;
        test_begin(list[i].name);
        bool runs = try_el1(&trap, list[i].code, (uint64_t)memory, 0);
        expect("announced, against there", runs, announced);
        if (!runs)
            expect("ESR_EL1 when not there", trap.esr, 1ull << 25);
        test_end();
    }
    test_begin("sve-hidden");
    struct trap trap;
    if ((pfr0 >> 32 & 15) == 0)
        expect("an SVE instruction runs", try_el1(&trap, try_sve, 0, 0), 0);
    test_end();
}

/* --- registers that hold what they are given */

#define HOLDS(reg, value)                                                                                    \
    do {                                                                                                     \
        uint64_t before_ = READ_SYSREG(reg);                                                                 \
        WRITE_SYSREG(reg, value);                                                                            \
        uint64_t after_ = READ_SYSREG(reg);                                                                  \
        WRITE_SYSREG(reg, before_);                                                                          \
        expect(#reg, after_, value);                                                                         \
    } while (0)

static void storage(void) {
    test_begin("registers");
    HOLDS(tpidr_el0, 0x123456789abcdef0);
    HOLDS(tpidrro_el0, 0xfedcba9876543210);
    HOLDS(elr_el1, 0x1122334455667788);
    HOLDS(far_el1, 0xffff000012345678);
    HOLDS(esr_el1, 0x96000147);
    HOLDS(afsr0_el1, 0);
    HOLDS(contextidr_el1, 0x89abcdef);
    HOLDS(sp_el0, 0x1234567890);
    HOLDS(par_el1, 0x0000000012345000 | 1 << 11);
    HOLDS(csselr_el1, 2);
    HOLDS(cntkctl_el1, 0x3);
    HOLDS(cntv_cval_el0, 0xfedcba9876543210);
    HOLDS(mair_el1, 0xff440c0400bb04ff);
    test_end();

    test_begin("vbar-low-bits");
    uint64_t before = READ_SYSREG(vbar_el1);
    WRITE_SYSREG(vbar_el1, before | 0x7ff);
    uint64_t after = READ_SYSREG(vbar_el1);
    WRITE_SYSREG(vbar_el1, before);
    expect("with bits 10:0 set", after, before);
    test_end();

    test_begin("fpcr-fpsr");
    WRITE_SYSREG(fpcr, 0x07c80000);
    expect("AHP DN FZ RMode FZ16", READ_SYSREG(fpcr), 0x07c80000);
    WRITE_SYSREG(fpcr, 0);
    WRITE_SYSREG(fpsr, 0x0800009f);
    expect("QC and the cumulative flags", READ_SYSREG(fpsr), 0x0800009f);
    WRITE_SYSREG(fpsr, 0);
    test_end();
}

static void processor_state(void) {
    test_begin("pstate");
    WRITE_SYSREG(nzcv, 0x90000000);
    expect("NZCV", READ_SYSREG(nzcv), 0x90000000);
    WRITE_SYSREG(daif, 0x3c0);
    expect("DAIF", READ_SYSREG(daif), 0x3c0);
    __asm__ volatile("msr daifclr, #0xd" ::: "memory");
    expect("DAIFClr", READ_SYSREG(daif), 0x80);
    __asm__ volatile("msr daifset, #0xf" ::: "memory");
    expect("DAIFSet", READ_SYSREG(daif), 0x3c0);
    expect("CurrentEL", READ_SYSREG(currentel), 4);
    expect("SPSel", READ_SYSREG(spsel), 1);
    uint64_t sp, other;
    __asm__ volatile("mov %0, sp\n\tmsr sp_el0, %2\n\tmsr spsel, #0\n\tmov %1, sp\n\tmsr spsel, #1"
                     : "=&r"(sp), "=&r"(other)
                     : "r"(0x4800ull)
                     : "memory");
    expect("SP with SPSel = 0 is SP_EL0", other, 0x4800);
    uint64_t again;
    __asm__ volatile("mov %0, sp" : "=r"(again));
    expect("SP with SPSel = 1", again, sp);
    WRITE_SYSREG(s3_0_c4_c2_3, 1 << 22);
    expect("PAN", READ_SYSREG(s3_0_c4_c2_3), 1 << 22);
    WRITE_SYSREG(s3_0_c4_c2_3, 0);
    WRITE_SYSREG(s3_0_c4_c2_4, 1 << 23);
    expect("UAO", READ_SYSREG(s3_0_c4_c2_4), 1 << 23);
    WRITE_SYSREG(s3_0_c4_c2_4, 0);
    test_end();
}

/* --- cache instructions */

CODE(zero_block, "dc zva, x0");

static void caches(void) {
    volatile uint8_t *page = page_alloc();
    const uint64_t block = 4ull << (READ_SYSREG(dczid_el0) & 15);
    test_begin("dc-zva");
    expect("allowed", READ_SYSREG(dczid_el0) >> 4 & 1, 0);
    for (unsigned i = 0; i < 4096; i++)
        page[i] = 0xaa;
    struct trap trap;
    expect_true("runs", try_el1(&trap, zero_block, (uint64_t)page + 2 * block + 5, 0));
    expect("the byte before", page[2 * block - 1], 0xaa);
    for (unsigned i = 0; i < block; i++)
        expect("a byte of the block", page[2 * block + i], 0);
    expect("the byte after", page[3 * block], 0xaa);
    mmu_set(TEST_VA, 3, 0x08f00000 | PTE_PAGE | PTE_DEVICE | PTE_AF | PTE_PXN | PTE_UXN);
    try_el1(&trap, zero_block, TEST_VA + 0x40, 0);
    expect("device memory: alignment fault", trap.esr & 0x3f, 0x21);
    test_end();

    test_begin("cache-instructions");
    __asm__ volatile(
        "dc civac, %0\n\tdc cvac, %0\n\tdc cvau, %0\n\tdc ivac, %0\n\tdsb sy\n\tic ivau, %0\n\tic iallu\n\t"
        "ic ialluis\n\tdc isw, xzr\n\tdc csw, xzr\n\tdc cisw, xzr\n\tdsb sy\n\tisb" ::"r"(page)
        : "memory");
    expect("memory", page[0], 0xaa);
    uint64_t line = 4ull << (READ_SYSREG(ctr_el0) >> 16 & 15);
    expect_range("data cache line", line, 16, 256);
    test_end();
}

/* --- debug: software step, breakpoints and watchpoints of EL0 */

CODE_USER(stepped, "add x0, x0, #1\nadd x0, x0, #2\nadd x0, x0, #4");
CODE_USER(stepped_svc, "svc #7");
CODE_USER(stepped_exclusive, "ldxr x1, [x0]");
CODE_USER(watched, "mov x2, x1\nldr x3, [x0]\nstr x2, [x0]");

enum { EC_BREAKPOINT_EL0 = 0x30, EC_STEP_EL0 = 0x32, EC_WATCHPOINT_EL0 = 0x34, EC_SVC = 0x15 };

static void software_step(void) {
    test_begin("software-step");
    WRITE_SYSREG(oslar_el1, 0);
    WRITE_SYSREG(mdscr_el1, 1);
    uint64_t pc = user_address(stepped), x0 = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct trap trap = try_at(SPSR_EL0 | SPSR_DAIF | 1 << 21, pc, x0, 0);
        expect("exception class", trap.esr >> 26, EC_STEP_EL0);
        expect("ISS: ISV and status", trap.esr & 0x100003f, 0x1000022);
        expect("ELR_EL1", trap.elr, pc + 4);
        expect("SPSR_EL1.SS", trap.spsr >> 21 & 1, 0);
        expect("x0", trap.x0, (2u << i) - 1);
        pc = trap.elr;
        x0 = trap.x0;
    }
    struct trap trap = try_at(SPSR_EL0 | SPSR_DAIF, user_address(stepped), 5, 0);
    expect("with SS = 0: exception class", trap.esr >> 26, EC_STEP_EL0);
    expect("with SS = 0: ELR_EL1", trap.elr, user_address(stepped));
    trap = try_at(SPSR_EL0 | SPSR_DAIF | 1 << 21, user_address(stepped_svc), 0, 0);
    expect("a stepped SVC", trap.esr >> 26, EC_SVC);
    trap = try_at(
        SPSR_EL0 | SPSR_DAIF | 1 << 21, user_address(stepped_exclusive), user_address(stepped) & ~63ull, 0);
    expect("ISS of a stepped load-exclusive", trap.esr & 0x1ffffff, 0x1000062);
    WRITE_SYSREG(mdscr_el1, 0);
    test_end();
}

static void breakpoint(void) {
    struct trap trap;
    test_begin("breakpoint");
    WRITE_SYSREG(oslar_el1, 0);
    WRITE_SYSREG(dbgbvr0_el1, user_address(stepped) + 8);
    WRITE_SYSREG(dbgbcr0_el1, 1 | 2 << 1 | 15 << 5); /* E, PMC: EL0, BAS */
    WRITE_SYSREG(mdscr_el1, 1 << 15);
    try_el0(&trap, stepped, 0, 0);
    expect("exception class", trap.esr >> 26, EC_BREAKPOINT_EL0);
    expect("status", trap.esr & 0x3f, 0x22);
    expect("ELR_EL1", trap.elr, user_address(stepped) + 8);
    expect("x0", trap.x0, 3);
    WRITE_SYSREG(dbgbcr0_el1, 0);
    expect_true("without it", try_el0(&trap, stepped, 0, 0));
    WRITE_SYSREG(mdscr_el1, 0);
    test_end();
}

static void watchpoint(void) {
    const uint64_t va = TEST_VA + 0x1000, page = (uint64_t)page_alloc();
    struct trap trap;
    mmu_set(va, 3, page | PTE_DATA | PTE_USER);
    test_begin("watchpoint");
    WRITE_SYSREG(dbgwvr0_el1, va + 0x40);
    WRITE_SYSREG(dbgwcr0_el1, 1 | 2 << 1 | 2 << 3 | 0xff << 5); /* E, PAC: EL0, LSC: stores, BAS */
    WRITE_SYSREG(mdscr_el1, 1 << 15);
    try_el0(&trap, watched, va + 0x40, 0x77);
    expect("exception class", trap.esr >> 26, EC_WATCHPOINT_EL0);
    expect("status and WnR", trap.esr & 0x7f, 0x62);
    expect("ELR_EL1", trap.elr, user_address(watched) + 8);
    expect("FAR_EL1", trap.far, va + 0x40);
    expect("memory", *(volatile uint64_t *)(page + 0x40), 0);
    expect_true("beside it", try_el0(&trap, watched, va + 0x48, 0x77));
    WRITE_SYSREG(dbgwcr0_el1, 1 | 2 << 1 | 1 << 3 | 0xff << 5); /* loads */
    try_el0(&trap, watched, va + 0x40, 0x77);
    expect("a load", trap.elr, user_address(watched) + 4);
    WRITE_SYSREG(dbgwcr0_el1, 0);
    WRITE_SYSREG(mdscr_el1, 0);
    test_end();
}

void test_main(void) {
    features();
    storage();
    processor_state();
    caches();
    software_step();
    breakpoint();
    watchpoint();
}
