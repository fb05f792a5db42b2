/* Exclusives, acquire and release, and atomics, on the host's locked instructions. The host orders loads
 * after loads and stores after all; a store-release that a later load-acquire must not pass is an exchange
 * (interp/loadstore_atomic.c says more). */
#include "cpu/soft/jit/internal.h"

enum {
    XADD = X86_MAP_0F | 0xc1,
    CMPXCHG = X86_MAP_0F | 0xb1,
    XCHG = 0x87,
    ONE_BYTE = 1 /* taken off the opcode */
};

static unsigned bytes_of(const struct a64_insn *insn) {
    return 1u << insn->size;
}

/* An instruction that reads and writes memory, for 1, 2, 4 or 8 bytes. */
static void sized_op(struct x86 *a, uint32_t op, unsigned size, enum x86_reg reg, struct x86_rm memory) {
    switch (size) {
    case 0: x86_op(a, (op - ONE_BYTE) | (reg >= 4 ? X86_BYTE : 0), reg, memory); break;
    case 1: x86_op(a, op | X86_66, reg, memory); break;
    case 2: x86_op(a, op, reg, memory); break;
    default: x86_op(a, op | X86_W, reg, memory); break;
    }
}

static void locked_op(struct x86 *a, uint32_t op, unsigned size, enum x86_reg reg, struct x86_rm memory) {
    *a->at++ = 0xf0;
    sized_op(a, op, size, reg, memory);
}

/* Zero-extended. */
static void sized_load(struct x86 *a, unsigned size, enum x86_reg reg, struct x86_rm from) {
    switch (size) {
    case 0: x86_load8(a, reg, from); break;
    case 1: x86_load16(a, reg, from); break;
    default: x86_load(a, size == 3, reg, from); break;
    }
}

EMIT(ldar) {
    struct x86_rm from = jit_access_aligned(t, insn, bytes_of(insn), false);
    enum x86_reg to = jit_target(t, insn->rt, RCX);
    sized_load(&t->a, insn->size, to, from);
    jit_finish(t, insn->rt, to);
}

EMIT(stlr) {
    struct x86_rm to = jit_access_aligned(t, insn, bytes_of(insn), true);
    x86_load(&t->a, true, RCX, jit_operand(t, insn->rt));
    sized_op(&t->a, XCHG, insn->size, RCX, to);
}

/* --- exclusives */

EMIT(ldxr) {
    struct x86 *a = &t->a;
    struct x86_rm from = jit_access_aligned(t, insn, bytes_of(insn), false);
    sized_load(a, insn->size, RCX, from);
    x86_store(a, true, JIT_CPU(exclusive_addr), jit_source(t, insn->rn, RDX));
    x86_store(a, true, JIT_CPU(exclusive_value[0]), RCX);
    x86_store_imm(a, true, JIT_CPU(exclusive_value[1]), 0);
    x86_op(a, 0xc6, 0, JIT_CPU(exclusive_size)); /* MOV byte */
    x86_imm8(a, (int)bytes_of(insn));
    jit_finish(t, insn->rt, RCX);
}

EMIT(stxr) {
    struct x86 *a = &t->a;
    x86_lea(a, true, RDX, jit_access_aligned(t, insn, bytes_of(insn), true));
    x86_alu_to(a, true, ALU_CMP, JIT_CPU(exclusive_addr), jit_source(t, insn->rn, RCX));
    x86_store_imm(a, true, JIT_CPU(exclusive_addr), -1);
    x86_mov_imm(a, RAX, 1);
    uint8_t *elsewhere = x86_jcc_short(a, CC_NE);
    x86_op(a, 0x80, ALU_CMP, JIT_CPU(exclusive_size)); /* CMP byte */
    x86_imm8(a, (int)bytes_of(insn));
    uint8_t *otherwise = x86_jcc_short(a, CC_NE);
    x86_load(a, true, RAX, JIT_CPU(exclusive_value[0]));
    locked_op(a, CMPXCHG, insn->size, jit_source(t, insn->rt, RCX), x86_m(RDX, 0));
    x86_setcc(a, CC_NE, RAX);
    x86_load8(a, RAX, x86_r(RAX));
    x86_bind_short(a, elsewhere);
    x86_bind_short(a, otherwise);
    jit_finish(t, insn->rs, RAX);
}

/* --- LSE */

EMIT(cas) {
    struct x86 *a = &t->a;
    x86_lea(a, true, RDX, jit_access_aligned(t, insn, bytes_of(insn), true));
    x86_load(a, true, RAX, jit_operand(t, insn->rs));
    locked_op(a, CMPXCHG, insn->size, jit_source(t, insn->rt, RCX), x86_m(RDX, 0));
    sized_load(a, insn->size, RAX, x86_r(RAX));
    jit_finish(t, insn->rs, RAX);
}

/* XADD and XCHG give what memory held. */
static void exchange(struct translation *t, const struct a64_insn *insn, uint32_t op) {
    struct x86_rm memory = jit_access_aligned(t, insn, bytes_of(insn), true);
    x86_load(&t->a, true, RCX, jit_operand(t, insn->rs));
    locked_op(&t->a, op, insn->size, RCX, memory);
    sized_load(&t->a, insn->size, RCX, x86_r(RCX));
    jit_finish(t, insn->rt, RCX);
}

EMIT(swp) {
    exchange(t, insn, XCHG);
}
EMIT(ldadd) {
    exchange(t, insn, XADD);
}

/* Other operations give nothing back: only where nobody wants it, one instruction does. */
static void fetch(struct translation *t, const struct a64_insn *insn, enum x86_alu op, bool invert) {
    struct x86 *a = &t->a;
    x86_lea(a, true, RDX, jit_access_aligned(t, insn, bytes_of(insn), true));
    if (insn->rt == REG_SINK) {
        x86_load(a, true, RCX, jit_operand(t, insn->rs));
        if (invert)
            x86_not(a, true, x86_r(RCX));
        locked_op(a, (uint32_t)(op << 3 | 1), insn->size, RCX, x86_m(RDX, 0));
        return;
    }
    sized_load(a, insn->size, RAX, x86_m(RDX, 0));
    uint8_t *again = a->at;
    x86_load(a, true, RCX, jit_operand(t, insn->rs));
    if (invert)
        x86_not(a, true, x86_r(RCX));
    x86_alu(a, true, op, RCX, x86_r(RAX));
    locked_op(a, CMPXCHG, insn->size, RCX, x86_m(RDX, 0));
    x86_jcc(a, CC_NE, again);
    jit_finish(t, insn->rt, RAX);
}

EMIT(ldclr) {
    fetch(t, insn, ALU_AND, true);
}
EMIT(ldeor) {
    fetch(t, insn, ALU_XOR, false);
}
EMIT(ldset) {
    fetch(t, insn, ALU_OR, false);
}
