/* The architectural state of one ARM64 vCPU, and what its parts call of one another. */
#pragma once

#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cpu/engine.h"
#include "cpu/soft/insn.h"

union vreg {
    uint8_t b[16];
    uint16_t h[8];
    uint32_t s[4];
    uint64_t d[2];
    int8_t sb[16];
    int16_t sh[8];
    int32_t ss[4];
    int64_t sd[2];
} __attribute__((aligned(16)));

enum { FLAG_V = 1, FLAG_C = 2, FLAG_Z = 4, FLAG_N = 8 }; /* cpu.nzcv */
enum { DAIF_F = 1, DAIF_I = 2, DAIF_A = 4, DAIF_D = 8 }; /* cpu.daif */

/* Reasons to leave the straight path, looked at between instructions (blocks, in the translator). */
enum attention {
    ATTENTION_KICK = 1,      /* vcpu_kick() */
    ATTENTION_INTERRUPT = 2, /* an interrupt line changed or PSTATE unmasked one */
    ATTENTION_SHOOTDOWN = 4, /* another vCPU's TLBI or IC waits for us */
    ATTENTION_EVERY =
        8, /* stays set while each instruction needs a look: software step, PSTATE.IL, breakpoints */
    ATTENTION_SAMPLE = 16, /* profile.h */
    ATTENTION_VERIFY = 32, /* jit/verify.h */
};

enum { TIMER_VIRTUAL, TIMER_PHYSICAL, TIMERS };
enum { CPU_BREAKPOINTS = 2, CPU_WATCHPOINTS = 2 };

/* System registers that are plain storage, read by the walker and by exceptions. */
struct cpu_sys {
    uint64_t sctlr, cpacr, ttbr0, ttbr1, tcr, mair;
    uint64_t vbar, elr, spsr, esr, far, par, contextidr;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1, scxtnum_el0, scxtnum_el1;
    uint64_t csselr, cntkctl, mdscr, osdlr, oslsr, mdccint, claim;
    struct {
        uint64_t ctl, cval;
    } timer[TIMERS]; /* soft_vm.timer_lock */
    uint64_t dbgbvr[CPU_BREAKPOINTS], dbgbcr[CPU_BREAKPOINTS];
    uint64_t dbgwvr[CPU_WATCHPOINTS], dbgwcr[CPU_WATCHPOINTS];
};

/* What translated code may do now without its handlers (cpu.fp_usable). */
enum fp_usable {
    FP_ACCESS = 1, /* FPEN allows floating point and SIMD */
    FP_PLAIN =
        2, /* and arithmetic on the host is right as it is, but for NaNs and results that may be tiny */
    FP_CAREFUL = 4, /* or is right when denormals are left to the handlers as well: FPCR.FZ */
};

/* TLB sets, by who accesses. */
enum { MMU_EL0, MMU_EL1, MMU_EL1_PAN, MMU_SETS };

struct soft_vm;
struct tlb;
struct code_cache;
struct jit;
struct verify;
struct shootdown_box;
struct a64_insn;

struct cpu {
    /* x0-x30; [31] is always zero; [32] the current SP; [33] swallows writes to XZR (insn.h, REG_*). */
    uint64_t x[REG_COUNT];
    /* Translated code addresses what follows, up to flags_kind, by 8 bits (jit/translate.h). */
    uint64_t page_va;           /* the virtual page that it executes */
    _Atomic uint32_t attention; /* set of enum attention; also what WFI sleeps on */
    /* Translated code may leave what NZCV is computed from (jit/flags.c); 0 outside of it: nzcv holds. */
    uint32_t flags_kind;
    uint64_t flags_operand[2];

    uint64_t pc;      /* of the instruction that executes */
    uint64_t next_pc; /* where execution goes on; the run loop sets pc + 4, branches overwrite it */
    uint8_t nzcv;
    uint8_t daif;
    uint8_t el;    /* 0 or 1 */
    uint8_t spsel; /* PSTATE.SP */
    bool pan, uao, ssbs, il, ss;
    uint64_t sp_bank[2]; /* SP_EL0, SP_EL1 while not current (cpu_bank_sp) */

    uint32_t fpcr, fpsr;
    union vreg v[32];

    /* For translated code (fp.h). mxcsr: as the host wants it, by FPCR; the flags are FPSR's too, if they are
     * not in fpsr yet. host_mxcsr: what C code has. */
    uint8_t fp_usable; /* set of enum fp_usable */
    uint32_t mxcsr, host_mxcsr;
    union vreg jit_constant[32];

    /* The exclusive monitor: what LDXR saw, STXR compares and swaps. exclusive_addr is virtual; -1 is open.
     */
    uint64_t exclusive_addr, exclusive_value[2];
    uint8_t exclusive_size;

    struct cpu_sys sys;

    struct tlb *tlb;                   /* mem.h; owned by the vCPU */
    struct tlb_set *tlb_set[MMU_SETS]; /* in tlb */
    unsigned mmu_index;                /* which TLB set current data accesses use: MMU_* */
    struct code_cache *code;           /* decoded code, owned by the vCPU */
    struct jit *jit;                   /* translated code, owned by the vCPU; NULL: interpreted only */
    struct verify *verify;             /* owned by the vCPU, or NULL (jit/verify.h) */
    struct verify *replay;             /* this is the shadow of a vCPU (replay.h) */

    _Atomic uint32_t lines; /* set of 1 << enum engine_line: levels from the interrupt controller */

    struct soft_vm *vm;
    unsigned index;
    jmp_buf unwind; /* to the run loop, after an exception was taken (cpu_raise_*) */

    bool stepping; /* the instruction that executes is one of a software step (debug.c) */

    /* Timers (timer.c); under soft_vm.timer_lock. */
    bool timer_level[TIMERS];
    bool timer_own; /* asleep in WFI: wakes for its timers by itself */

    /* WFI and WFE (wait.c). */
    _Atomic bool asleep; /* on attention */
    _Atomic bool event;
    uint32_t wfe_streak;
    uint64_t wfe_last; /* host_now_ns() */

    struct shootdown_box *box; /* soft_vm.h */

    struct engine_stats stats;
};

/* ESR_EL1.EC (ARM ARM D17.2.37). */
enum exception_class {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP_ACCESS = 0x07,
    EC_ILLEGAL_STATE = 0x0e,
    EC_SVC = 0x15,
    EC_SYSREG = 0x18,
    EC_FETCH_ABORT = 0x20, /* one more from EL1, like the pairs below */
    EC_PC_ALIGNMENT = 0x22,
    EC_DATA_ABORT = 0x24,
    EC_SP_ALIGNMENT = 0x26,
    EC_FP_EXCEPTION = 0x2c,
    EC_BREAKPOINT = 0x30,
    EC_STEP = 0x32,
    EC_WATCHPOINT = 0x34,
    EC_BRK = 0x3c,
};

/* --- exceptions (exception.c). None of these returns: state is set to the vector, then the run loop goes on.
 * pc must be that of the faulting instruction. Syndromes by ARM ARM D17.2.37. */
_Noreturn void cpu_raise_undefined(struct cpu *cpu, const struct a64_insn *insn);
/* ESR_EL1.EC (0-63), ISS (25 bits); return address is pc, or next_pc for SVC and HVC (after = true). */
_Noreturn void cpu_raise(struct cpu *cpu, unsigned ec, uint32_t iss, bool after);
/* PC is not a multiple of 4; for whoever looks up the page of pc. */
_Noreturn void cpu_raise_pc_alignment(struct cpu *cpu);
/* A data or instruction abort with its FAR. fsc: the fault status code, with level. */
_Noreturn void cpu_raise_abort(struct cpu *cpu, uint64_t va, bool fetch, bool write, unsigned fsc);
/* Access to FP/SIMD traps unless CPACR_EL1.FPEN allows it: every FP and SIMD handler starts with this. */
_Noreturn void cpu_raise_fp_access(struct cpu *cpu);
static inline void cpu_check_fp(struct cpu *cpu) {
    unsigned fpen = cpu->sys.cpacr >> 20 & 3;
    if (__builtin_expect(fpen != 3, 0) && (fpen != 1 || cpu->el == 0))
        cpu_raise_fp_access(cpu);
}

/* Call when CPACR_EL1, FPCR, FPSR or EL changed (fp_ops.c). */
void cpu_fp_changed(struct cpu *cpu);
/* Brings the flags of translated code to fpsr: before who reads or writes it, and after translated code ran.
 */
void cpu_fp_fold_flags(struct cpu *cpu);

/* Enters EL1 by the synchronous vector; for those who are not inside an instruction. Does not unwind. */
void cpu_take_exception(struct cpu *cpu, unsigned ec, uint32_t iss, uint64_t return_address);
/* Takes a pending, unmasked interrupt, if any. Between instructions; does not unwind. */
void cpu_take_interrupts(struct cpu *cpu);
/* All that the run loop does when attention is not 0, between instructions, with pc that of the next one:
 * serves other vCPUs' invalidations, steps, takes interrupts (pc and next_pc are the vector then). True:
 * leave, for a kick. While ATTENTION_EVERY is set, it must be called before each instruction. Does not
 * unwind. */
bool cpu_attend(struct cpu *cpu);
/* Any thread: sets the flags, and wakes the vCPU if it sleeps. */
void cpu_attract(struct cpu *cpu, uint32_t flags);
/* ERET: PSTATE and pc from SPSR_EL1 and ELR_EL1; sets next_pc. */
void cpu_exception_return(struct cpu *cpu);

/* PSTATE as SPSR_EL1 lays it out, and back (all fields, SP banks, mmu_index, attention). */
uint64_t cpu_pstate(const struct cpu *cpu);
void cpu_set_pstate(struct cpu *cpu, uint64_t spsr);
/* MSR (immediate): DAIFSet, DAIFClr, SPSel, PAN, UAO, SSBS, by op1 and op2. */
void cpu_msr_imm(struct cpu *cpu, const struct a64_insn *insn, unsigned op1, unsigned op2, unsigned imm);
/* Call after el, spsel, pan, uao or SCTLR changed. */
void cpu_mode_changed(struct cpu *cpu);

/* --- self-hosted debug (debug.c): software step, breakpoints, watchpoints. */
/* Before the instruction at pc, while ATTENTION_EVERY is set: takes the exception that is due, if any. */
void cpu_debug_before(struct cpu *cpu);
/* Call when MDSCR_EL1, OSLAR_EL1, DBG*_EL1, EL or PSTATE.{D,SS,IL} changed. */
void cpu_debug_changed(struct cpu *cpu);
/* The PSTATE.SS that an exception return by this SPSR leads to. */
bool cpu_debug_return_step(const struct cpu *cpu, uint64_t spsr, unsigned target_el);
/* Is a watchpoint enabled somewhere in the 4 KiB page of va? */
bool cpu_watches_page(const struct cpu *cpu, uint64_t va);
/* Raises the exception if a watchpoint matches the access. */
void cpu_check_watchpoints(struct cpu *cpu, unsigned mmu, uint64_t va, unsigned size, bool write);

/* --- system instructions (sysreg.c). key: ENGINE_SYSREG(). They raise for accesses that trap. */
uint64_t cpu_sysreg_read(struct cpu *cpu, const struct a64_insn *insn, uint32_t key);
void cpu_sysreg_write(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value);
/* SYS: TLBI, IC, DC, AT; by the same key (op0 = 1). */
void cpu_sys_insn(struct cpu *cpu, const struct a64_insn *insn, uint32_t key, uint64_t value);
/* DSB: waits until every vCPU did what earlier TLBI and IC asked of it. */
void cpu_dsb(struct cpu *cpu);
/* Sleeps until an interrupt is pending (masked or not), an event, a kick, or the timer. */
void cpu_wfi(struct cpu *cpu);
void cpu_wfe(struct cpu *cpu);
void cpu_sev(struct cpu *cpu);
void cpu_sevl(struct cpu *cpu);
void cpu_hvc(struct cpu *cpu);

/* --- code (code.c): pages of decoded instructions, keyed by physical address. */
int code_cache_create(struct cpu *cpu);
void code_cache_destroy(struct cpu *cpu);
/* The guest changed code in this physical page, or everywhere. On the vCPU's own thread. */
void code_invalidate_page(struct cpu *cpu, uint64_t pa);
void code_invalidate_all(struct cpu *cpu);
/* Any thread: may this vCPU have decoded anything of the page, since it was invalidated last? */
bool code_is_announced(struct cpu *cpu, uint64_t pa);
/* The virtual-to-physical mapping of code may have changed (TLBI, TTBR, TCR, SCTLR). */
void code_mapping_changed(struct cpu *cpu);
/* Another exception level executes: its pages are remembered apart. */
void code_level_changed(struct cpu *cpu);

/* --- the run loop (run.c): executes until ATTENTION_KICK, by the translator if there is one. */
enum engine_exit cpu_run(struct cpu *cpu);
/* Interprets the instructions from pc to the next one that may change the flow, or to the end of the page. */
void cpu_interpret_block(struct cpu *cpu);
/* Interprets one instruction. */
void cpu_interpret_one(struct cpu *cpu);

/* Writes a register that the decoder mapped as a source, or one next to a mapped one. */
static inline void cpu_write_x(struct cpu *cpu, unsigned reg, uint64_t value) {
    cpu->x[reg == REG_ZR ? REG_SINK : reg] = value;
}

typedef void a64_exec_fn(struct cpu *cpu, const struct a64_insn *insn);
extern a64_exec_fn *const a64_exec[]; /* by op; generated */

/* True when the condition holds for the current flags (C1.2.4). */
static inline bool cpu_condition(const struct cpu *cpu, unsigned cond) {
    /* bit n of a row: does the condition hold for nzcv == n */
    static const uint16_t holds[16] = {
        0xf0f0,
        0x0f0f,
        0xcccc,
        0x3333,
        0xff00,
        0x00ff,
        0xaaaa,
        0x5555,
        0x0c0c,
        0xf3f3,
        0xaa55,
        0x55aa,
        0x0a05,
        0xf5fa,
        0xffff,
        0xffff,
    };
    return holds[cond] >> cpu->nzcv & 1;
}
