/* Exception entry and return, interrupts, PSTATE and software step, against the ARM ARM (D1.3, D1.4, D2). */
#include "soft_fixture.h"

#define VBAR UINT64_C(0xffff800080010000)

enum { N = 1 << 31, Z = 1 << 30, C = 1 << 29, V = 1 << 28 };
enum { UAO = 1 << 23, PAN = 1 << 22, SS = 1 << 21, IL = 1 << 20, SSBS = 1 << 12 };
enum { D = 1 << 9, A = 1 << 8, I = 1 << 7, F = 1 << 6, DAIF = D | A | I | F };
enum { EL0T = 0, EL1T = 4, EL1H = 5 };

#define SCTLR_SPAN  (UINT64_C(1) << 23)
#define SCTLR_DSSBS (UINT64_C(1) << 44)

static const struct a64_insn insn = {.op = 1};

static struct cpu *start(void **state, uint64_t pstate) {
    struct cpu *cpu = ((struct soft_fixture *)*state)->cpu;
    cpu->sys.vbar = VBAR;
    cpu->sys.oslsr = 8;
    cpu_set_pstate(cpu, (uint32_t)pstate);
    cpu->pc = 0x400000;
    cpu->next_pc = 0x400004;
    return cpu;
}

static void test_reset(void **state) {
    struct soft_fixture *f = *state;
    struct engine_vcpu *vcpu = engine_soft.vcpu(f->vm, 0);
    f->cpu->x[3] = 9;
    f->cpu->sys.sctlr = 1;
    engine_soft.vcpu_reset(vcpu, 0x40080000, 0x48000000);
    assert_int_equal(engine_soft.vcpu_get(vcpu, ENGINE_PC), 0x40080000);
    assert_int_equal(engine_soft.vcpu_get(vcpu, ENGINE_X0), 0x48000000);
    assert_int_equal(engine_soft.vcpu_get(vcpu, ENGINE_PSTATE), DAIF | EL1H);
    assert_int_equal(f->cpu->x[3], 0);
    assert_int_equal(f->cpu->sys.sctlr & 0x1005, 0); /* MMU and caches off */
}

static void test_vectors(void **state) {
    static const struct { unsigned mode, offset; } cases[] = {{EL1T, 0x000}, {EL1H, 0x200}, {EL0T, 0x400}};
    for (unsigned i = 0; i < 3; i++) {
        struct cpu *cpu = start(state, cases[i].mode | N | C);
        assert_true(RAISES(cpu, cpu_raise(cpu, EC_SVC, 0x1234, true)));
        assert_int_equal(cpu->pc, VBAR + cases[i].offset);
        assert_int_equal(cpu->next_pc, VBAR + cases[i].offset);
        assert_int_equal(cpu->sys.elr, 0x400004);
        assert_int_equal(cpu->sys.spsr, (uint32_t)(cases[i].mode | N | C));
        assert_int_equal(cpu->sys.esr, UINT64_C(0x15) << 26 | 1 << 25 | 0x1234);
        assert_int_equal(
            cpu_pstate(cpu) & 0xffffffff, (uint32_t)(EL1H | DAIF | N | C | (cpu->pan ? PAN : 0)));

        cpu = start(state, cases[i].mode);
        atomic_store(&cpu->lines, 1 << ENGINE_IRQ);
        cpu_take_interrupts(cpu);
        assert_int_equal(cpu->pc, VBAR + cases[i].offset + 0x80);
        assert_int_equal(cpu->sys.elr, 0x400000);
        atomic_store(&cpu->lines, 1 << ENGINE_FIQ);
        cpu = start(state, cases[i].mode);
        cpu_take_interrupts(cpu);
        assert_int_equal(cpu->pc, VBAR + cases[i].offset + 0x100);
        atomic_store(&cpu->lines, 0);
    }
}

static void test_entry_pstate(void **state) {
    struct cpu *cpu = start(state, EL0T | SSBS | UAO | V);
    cpu->sys.sctlr = SCTLR_SPAN; /* PAN as it was */
    cpu_take_exception(cpu, EC_SVC, 0, 0);
    assert_int_equal(cpu_pstate(cpu), EL1H | DAIF | V);
    assert_int_equal(cpu->mmu_index, MMU_EL1);

    cpu = start(state, EL0T | PAN);
    cpu_take_exception(cpu, EC_SVC, 0, 0);
    assert_int_equal(cpu_pstate(cpu), EL1H | DAIF | PAN);

    cpu = start(state, EL0T);
    cpu->sys.sctlr = SCTLR_DSSBS; /* SPAN 0 sets PAN */
    cpu_take_exception(cpu, EC_SVC, 0, 0);
    assert_int_equal(cpu_pstate(cpu), EL1H | DAIF | PAN | SSBS);
    assert_int_equal(cpu->mmu_index, MMU_EL1_PAN);
}

static void test_stack_pointers(void **state) {
    struct cpu *cpu = start(state, EL1H);
    cpu->x[REG_SP] = 0x1111;
    cpu_msr_imm(cpu, &insn, 0, 5, 0); /* SPSel */
    cpu->x[REG_SP] = 0x2222;
    cpu_take_exception(cpu, EC_SVC, 0, 0);
    assert_int_equal(cpu->pc, VBAR);
    assert_int_equal(cpu->x[REG_SP], 0x1111);
    assert_int_equal(cpu_sysreg_read(cpu, &insn, ENGINE_SYSREG(3, 0, 4, 1, 0)), 0x2222);
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(3, 0, 4, 1, 0), 0x3333);
    cpu->sys.spsr = EL0T;
    cpu_exception_return(cpu);
    assert_int_equal(cpu->x[REG_SP], 0x3333);
}

static void test_aborts(void **state) {
    struct cpu *cpu = start(state, EL0T);
    assert_true(RAISES(cpu, cpu_raise_abort(cpu, 0xdead000, false, true, FSC_TRANSLATION + 2)));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x24) << 26 | 1 << 25 | 1 << 6 | 6);
    assert_int_equal(cpu->sys.far, 0xdead000);
    assert_int_equal(cpu->sys.elr, 0x400000);
    cpu = start(state, EL1H);
    assert_true(RAISES(cpu, cpu_raise_abort(cpu, 0x400000, true, false, FSC_PERMISSION + 3)));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x21) << 26 | 1 << 25 | 0xf);
    cpu = start(state, EL0T);
    cpu->pc = 0x400002;
    assert_true(RAISES(cpu, cpu_raise_pc_alignment(cpu)));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x22) << 26 | 1 << 25);
    assert_int_equal(cpu->sys.far, 0x400002);
    cpu = start(state, EL0T);
    assert_true(RAISES(cpu, cpu_raise_fp_access(cpu)));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x07) << 26 | 1 << 25 | 1 << 24 | 0xe << 20);
}

static void test_return(void **state) {
    struct cpu *cpu = start(state, EL1H | DAIF);
    cpu->exclusive_addr = 0x1000;
    cpu->sys.spsr = EL0T | Z | V | PAN | SSBS | I;
    cpu->sys.elr = 0x12344;
    cpu_exception_return(cpu);
    assert_int_equal(cpu->next_pc, 0x12344);
    assert_int_equal(cpu_pstate(cpu), EL0T | Z | V | PAN | SSBS | I);
    assert_int_equal(cpu->mmu_index, MMU_EL0);
    assert_int_equal(cpu->exclusive_addr, UINT64_MAX);
}

static void test_illegal_return(void **state) {
    /* AArch32, EL2, EL3, EL0 with SP_EL1, a reserved mode. */
    static const unsigned modes[] = {0x10, 0x1f, 8, 9, 12, 13, 1, 2, 6, 7};
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct cpu *cpu = start(state, EL1H | DAIF);
        cpu->sys.spsr = modes[i] | (uint32_t)N | I;
        cpu->sys.elr = 0x12344;
        cpu_exception_return(cpu);
        assert_int_equal(cpu_pstate(cpu), (uint32_t)(EL1H | N | I | IL));
        assert_int_equal(cpu->next_pc, 0x12344);
        /* The next instruction takes the exception, and that clears IL. */
        assert_true(atomic_load(&cpu->attention) & ATTENTION_EVERY);
        cpu->pc = cpu->next_pc;
        assert_false(cpu_attend(cpu));
        assert_int_equal(cpu->sys.esr, UINT64_C(0x0e) << 26 | 1 << 25);
        assert_int_equal(cpu->sys.elr, 0x12344);
        assert_true(cpu->sys.spsr & IL);
        assert_false(cpu_pstate(cpu) & IL);
        assert_false(atomic_load(&cpu->attention) & ATTENTION_EVERY);
    }
}

static void test_interrupt_masks(void **state) {
    struct soft_fixture *f = *state;
    struct engine_vcpu *vcpu = engine_soft.vcpu(f->vm, 0);
    struct cpu *cpu = start(state, EL1H | I);
    engine_soft.vcpu_interrupt(vcpu, ENGINE_IRQ, true);
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->pc, 0x400000); /* masked */
    assert_int_equal(atomic_load(&cpu->attention), 0);
    cpu_msr_imm(cpu, &insn, 3, 7, 2); /* DAIFClr I */
    assert_true(atomic_load(&cpu->attention) & ATTENTION_INTERRUPT);
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->pc, VBAR + 0x280);
    engine_soft.vcpu_interrupt(vcpu, ENGINE_IRQ, false);
    cpu_msr_imm(cpu, &insn, 3, 7, 15);
    assert_int_equal(atomic_load(&cpu->attention), 0);
    /* By ERET too, and EL0 is no exception to the mask. */
    engine_soft.vcpu_interrupt(vcpu, ENGINE_FIQ, true);
    start(state, EL0T | F);
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->pc, 0x400000);
    start(state, EL1H | DAIF);
    cpu->sys.spsr = EL0T;
    cpu_exception_return(cpu);
    cpu->pc = cpu->next_pc;
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->pc, VBAR + 0x500);
    engine_soft.vcpu_interrupt(vcpu, ENGINE_FIQ, false);
}

static void test_kick(void **state) {
    struct soft_fixture *f = *state;
    struct cpu *cpu = start(state, EL1H);
    engine_soft.vcpu_kick(engine_soft.vcpu(f->vm, 0));
    cpu_wfi(cpu); /* does not sleep */
    assert_true(cpu_attend(cpu));
    assert_false(cpu_attend(cpu)); /* once */
}

static void test_msr_immediate(void **state) {
    struct cpu *cpu = start(state, EL1H);
    cpu_msr_imm(cpu, &insn, 3, 6, 0xf);
    assert_int_equal(cpu_pstate(cpu), EL1H | DAIF);
    cpu_msr_imm(cpu, &insn, 3, 7, 5);
    assert_int_equal(cpu_pstate(cpu), EL1H | D | I);
    cpu_msr_imm(cpu, &insn, 0, 4, 1);
    assert_int_equal(cpu->mmu_index, MMU_EL1_PAN);
    cpu_msr_imm(cpu, &insn, 0, 3, 1);
    cpu_msr_imm(cpu, &insn, 3, 1, 1);
    assert_int_equal(cpu_pstate(cpu), EL1H | D | I | PAN | UAO | SSBS);
    /* EL0: only SSBS, and DAIF where SCTLR_EL1.UMA lets it; else EC 0x18 names the encoding (DAIFSet, #2). */
    cpu = start(state, EL0T);
    cpu_msr_imm(cpu, &insn, 3, 1, 1);
    assert_int_equal(cpu_pstate(cpu), EL0T | SSBS);
    assert_true(RAISES(cpu, cpu_msr_imm(cpu, &insn, 3, 6, 2)));
    assert_int_equal(EC_OF(cpu), EC_SYSREG);
    assert_int_equal(ISS_OF(cpu), 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1);
    cpu = start(state, EL0T);
    cpu->sys.sctlr |= 1 << 9;
    cpu_msr_imm(cpu, &insn, 3, 6, 2);
    assert_int_equal(cpu_pstate(cpu), EL0T | I);
    cpu = start(state, EL0T);
    assert_true(RAISES(cpu, cpu_msr_imm(cpu, &insn, 0, 4, 1)));
    assert_int_equal(EC_OF(cpu), EC_UNKNOWN);
}

/* A debugger at EL1 steps a program at EL0. */
static void test_software_step(void **state) {
    struct cpu *cpu = start(state, EL1H | DAIF);
    cpu->sys.mdscr = 1;
    cpu_debug_changed(cpu);
    assert_false(atomic_load(&cpu->attention) & ATTENTION_EVERY); /* not at EL1 without KDE */
    cpu->sys.spsr = EL0T | SS;
    cpu->sys.elr = 0x400000;
    cpu_exception_return(cpu);
    cpu->pc = cpu->next_pc;
    assert_true(atomic_load(&cpu->attention) & ATTENTION_EVERY);
    assert_false(cpu_attend(cpu)); /* the instruction at 0x400000 executes */
    assert_int_equal(cpu->pc, 0x400000);
    cpu->pc = 0x400004;
    assert_false(cpu_attend(cpu)); /* and then the exception is taken */
    assert_int_equal(cpu->sys.esr, UINT64_C(0x32) << 26 | 1 << 25 | 1 << 24 | 0x22); /* ISV */
    assert_int_equal(cpu->sys.elr, 0x400004);
    assert_int_equal(cpu->sys.spsr, EL0T);
    assert_int_equal(cpu->pc, VBAR + 0x400);
    assert_false(atomic_load(&cpu->attention) & ATTENTION_EVERY);

    /* An instruction that faults has not been stepped: it will be when it is tried again. */
    cpu->sys.spsr = EL0T | SS;
    cpu_exception_return(cpu);
    cpu->pc = cpu->next_pc;
    assert_false(cpu_attend(cpu));
    assert_true(RAISES(cpu, cpu_raise_abort(cpu, 0, false, false, FSC_TRANSLATION)));
    assert_int_equal(cpu->sys.spsr, EL0T | SS);
    /* SVC has. */
    cpu->sys.spsr = EL0T | SS;
    cpu_exception_return(cpu);
    cpu->pc = cpu->next_pc;
    assert_false(cpu_attend(cpu));
    assert_true(RAISES(cpu, cpu_raise(cpu, EC_SVC, 0, true)));
    assert_int_equal(cpu->sys.spsr, EL0T);
    /* With SS clear in SPSR_EL1, it is taken before the first instruction. */
    cpu->sys.spsr = EL0T;
    cpu->sys.elr = 0x500000;
    cpu_exception_return(cpu);
    cpu->pc = cpu->next_pc;
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->sys.elr, 0x500000);
    assert_int_equal(cpu->sys.esr, UINT64_C(0x32) << 26 | 1 << 25 | 0x22); /* nothing was stepped */
}

static void test_breakpoint(void **state) {
    struct cpu *cpu = start(state, EL0T);
    cpu_set_pstate(cpu, EL1H);
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 1, 4), 0x400000);
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 1, 5), 1 | 2 << 1 | 0xf << 5); /* EL0 */
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 2, 2), 1 << 15);               /* MDE */
    assert_false(atomic_load(&cpu->attention) & ATTENTION_EVERY);
    start(state, EL0T);
    cpu->pc = 0x3ffffc;
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->pc, 0x3ffffc);
    cpu->pc = 0x400000;
    assert_false(cpu_attend(cpu));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x30) << 26 | 1 << 25 | 0x22);
    assert_int_equal(cpu->sys.elr, 0x400000);
}

static void test_watchpoint(void **state) {
    struct cpu *cpu = start(state, EL1H);
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 0, 6), RAM_GPA + 0x108);
    /* Stores by EL0 to bytes 2 and 3. */
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 0, 7), 1 | 2 << 1 | 2 << 3 | 0xc << 5);
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 2, 2), 1 << 15);
    mem_write32(cpu, RAM_GPA + 0x108, 0); /* by EL1 */
    start(state, EL0T);
    mem_write16(cpu, RAM_GPA + 0x108, 0);
    assert_int_equal(mem_read32(cpu, RAM_GPA + 0x108), 0);
    assert_true(RAISES(cpu, mem_write32(cpu, RAM_GPA + 0x108, 5)));
    assert_int_equal(cpu->sys.esr, UINT64_C(0x34) << 26 | 1 << 25 | 0x22 | 1 << 6);
    assert_int_equal(cpu->sys.far, RAM_GPA + 0x108);
    assert_int_equal(mem_read32(cpu, RAM_GPA + 0x108), 0);
    /* And no more once it is off. */
    cpu_sysreg_write(cpu, &insn, ENGINE_SYSREG(2, 0, 0, 0, 7), 0);
    start(state, EL0T);
    mem_write32(cpu, RAM_GPA + 0x108, 5);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_reset),
        TEST(test_vectors),
        TEST(test_entry_pstate),
        TEST(test_stack_pointers),
        TEST(test_aborts),
        TEST(test_return),
        TEST(test_illegal_return),
        TEST(test_interrupt_masks),
        TEST(test_kick),
        TEST(test_msr_immediate),
        TEST(test_software_step),
        TEST(test_breakpoint),
        TEST(test_watchpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
