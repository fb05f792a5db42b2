/* How an instruction is translated.
 *
 * A region is a small graph of instructions of one 4 KiB page with one entry (region.c). For each op there
 * may be a struct jit_form (forms.c): which registers and flags an instruction reads and writes, which the
 * analysis of the region goes by, and a function that emits its code. Ops without one are left to their
 * interpreter handlers.
 *
 * In translated code:
 *
 *   rbp        &cpu->x[JIT_BASE_REG]: JIT_CPU(member) is an operand for any member of struct cpu
 *   r15        cpu->tlb_set[cpu->mmu_index]
 *   rax rcx rdx   scratch: any emitter may use them, nothing survives from one instruction to the next
 *   xmm0-5     scratch in the same way
 *   rsp        free for calls (rsp % 16 == 8)
 *   the others hold guest registers: where regions are entered and left, always the same ones (jit_fixed).
 * A region may keep others there, and does so in xmm6-15. Their copies in cpu->x are stale until a handler is
 * called or translated code is left: use jit_source() and its kin, which know where a register is.
 *
 * An emitter must not change guest state before the last point where it may raise or bail out: jit_bail_if()
 * leaves the instruction to its handler, which does it from the start. jit_access() may bail out too. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"
#include "cpu/soft/insn.h"
#include "cpu/soft/jit/x86.h"

struct translation;

/* What an instruction does with general registers and flags; the roles are members of struct a64_insn. */
enum jit_use {
    JIT_RN = 1 << 0, /* reads x[rn] ... */
    JIT_RM = 1 << 1, /* or rs */
    JIT_RA = 1 << 2, /* or rt2 */
    JIT_RD = 1 << 3, /* or rt */
    JIT_TO_RD = 1 << 4,
    JIT_TO_RA = 1 << 5,
    JIT_TO_RN = 1 << 6, /* a base written back */
    JIT_TO_RM = 1 << 7,
    JIT_TO_X30 = 1 << 8,
    JIT_SETS = 1 << 9,   /* writes all of NZCV, through jit_flags_set() */
    JIT_READS = 1 << 10, /* reads NZCV */
    JIT_FUSES = 1 << 11, /* reads it through jit_condition(), before its code changes the host's flags */
    JIT_KEEPS = 1 << 12, /* its code leaves the host's flags alone, other than by jit_flags_set() */
    JIT_MAY_RAISE = 1 << 13,
    JIT_BRANCH = 1 << 14,   /* ends its run of instructions; translated by branch.c */
    JIT_FP = 1 << 15,       /* floating point or Advanced SIMD: only where FPEN allows it (FP_ACCESS) */
    JIT_FP_ARITH = 1 << 16, /* and FPCR is one that it can be done with (FP_PLAIN, FP_CAREFUL) */
    /* The same roles as vector registers. */
    JIT_VN = 1 << 17,
    JIT_VM = 1 << 18,
    JIT_VA = 1 << 19,
    JIT_VD = 1 << 20,
    JIT_TO_VD = 1 << 21,
    JIT_TO_VA = 1 << 22,
    JIT_VN_LIST = 1 << 23, /* opc more from rn on */
    JIT_VD_LIST = 1 << 24, /* opc * amount of them from rt on */
};

typedef void jit_emit_fn(struct translation *t, const struct a64_insn *insn);
/* Begins the one of the instruction that isa/ has under that name. */
#define EMIT(name) void jit_##name(struct translation *t, const struct a64_insn *insn)

struct jit_form {
    jit_emit_fn *emit; /* NULL: the handler */
    uint32_t use;      /* set of enum jit_use; also for forms without emit() */
};
/* By op. */
extern const struct jit_form jit_forms[];

enum { JIT_BASE_REG = 20 };
#define JIT_CPU(member)                                                                                      \
    x86_m(RBP, (int32_t)offsetof(struct cpu, member) - (int32_t)offsetof(struct cpu, x[JIT_BASE_REG]))

/* The assembler to write with: the straight path. */
struct x86 *jit_asm(struct translation *t);

/* --- general registers, by the numbers that the decoder gives (REG_SP, REG_ZR and REG_SINK too) */
/* The host register that holds x[reg]: its own, or `scratch`, to which it is loaded (flags stay). Only to be
 * read. */
enum x86_reg jit_source(struct translation *t, unsigned reg, enum x86_reg scratch);
/* The same as an operand, which may be memory. */
struct x86_rm jit_operand(struct translation *t, unsigned reg);
/* The register to compute x[reg] in, to be completed by jit_finish(): its own or `scratch`. When it is its
 * own, it is also where a source that is the same guest register lies. */
enum x86_reg jit_target(struct translation *t, unsigned reg, enum x86_reg scratch);
/* x[reg] is what `host` holds (64 bits). Moves and stores only; flags stay. */
void jit_finish(struct translation *t, unsigned reg, enum x86_reg host);

/* --- flags */
/* Which way round the host's CF is ARM's C: after additions as it is (and 0 with OF after logical
 * operations), after subtractions inverted. After UCOMIS nothing is as ARM has it. */
enum jit_flags { JIT_FLAGS_NONE, JIT_FLAGS_ADD, JIT_FLAGS_SUB, JIT_FLAGS_FP };
/* The host's flags are this instruction's NZCV now, after its other results. Stores them or what they come
 * from where that is needed. Clobbers rax and rcx, not the flags. */
void jit_flags_set(struct translation *t, enum jit_flags kind);
/* The same after an addition or subtraction of rn and `second`, which is in a register other than rax and
 * rd's. */
void jit_flags_set_by(
    struct translation *t, enum jit_flags kind, const struct a64_insn *insn, bool wide, struct x86_rm second);
/* The same after UCOMIS of an xmm register and `second`. */
void jit_flags_set_compared(struct translation *t, bool wide, unsigned first, struct x86_rm second);
/* After UCOMIS: makes the host's flags those of a subtraction that stands for the same. Clobbers rax and rcx.
 */
void jit_flags_subtracted(struct translation *t);
/* The same for an instruction that may bail out: always stored, and only there. */
void jit_flags_set_stored(struct translation *t, enum jit_flags kind);
/* The host's flags are this NZCV, as after an addition or a subtraction; stored where that is needed.
 * Clobbers rax. */
void jit_flags_constant(struct translation *t, unsigned nzcv, bool carry_inverted);
/* Will anybody see the flags that this instruction sets? */
bool jit_flags_wanted(const struct translation *t);
/* For flags that are computed otherwise: value (0-15) in the register is stored in cpu->nzcv. */
void jit_flags_store(struct translation *t, enum x86_reg value);
/* Makes cpu->nzcv hold, for who reads it there. Clobbers rax, rcx, rdx and the host's flags. */
void jit_flags_load(struct translation *t);
enum { COND_ALWAYS = 14 }; /* A64's conditions from here on hold always */
/* Makes the host's flags such that the result holds when the A64 condition (0-13) does. May clobber rax, rcx,
 * rdx. */
enum x86_cc jit_condition(struct translation *t, unsigned cond);
/* Makes the host's CF what ADC wants, ARM's C, or what SBB wants, its inverse. May clobber rax, rcx, rdx. */
void jit_carry(struct translation *t, bool inverted);

/* --- leaving the straight path */
/* If cc holds, the instruction's handler does all of it, and the next instruction follows. */
void jit_bail_if(struct translation *t, enum x86_cc cc);

/* --- memory */
/* JIT_USER: JIT_OFFSET as EL0 would access it. */
enum jit_mode { JIT_OFFSET, JIT_POST, JIT_PRE, JIT_INDEX, JIT_INDEX32, JIT_LITERAL, JIT_USER };
/* The host memory for an access of `bytes` (1 to 64) by insn's addressing mode, all in one page; bails out
 * otherwise. The operand uses rax and perhaps the base's host register; rcx and rdx are free. */
struct x86_rm jit_access(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes, bool write);
/* The same for the guest address in a register. */
struct x86_rm jit_access_at(struct translation *t, enum x86_reg va, unsigned bytes, bool write);
/* The same by JIT_OFFSET for what must be aligned to its size (1, 2, 4, 8). */
struct x86_rm jit_access_aligned(
    struct translation *t, const struct a64_insn *insn, unsigned bytes, bool write);
/* After the access: what JIT_POST and JIT_PRE leave in the base register. */
void jit_write_back(struct translation *t, const struct a64_insn *insn, enum jit_mode mode);
