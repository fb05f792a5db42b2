/* NZCV and the host's flags. In translated code, NZCV is in the host's flags right behind the instruction
 * that sets it. Who reads it later compares or adds again what it came from. Storing NZCV itself takes ten
 * instructions, so what is stored, where it must be, are the operands: by the instruction when they will be
 * overwritten, else where the region is left. It is computed from them if anybody looks. */
#include "cpu/soft/interp/handler.h"
#include "cpu/soft/jit/internal.h"

enum { HOST_NZCV = 0xc101 }; /* SF, ZF and CF as LAHF has them in AH, OF by SETO in AL */

bool jit_flags_wanted(const struct translation *t) {
    return t->region.insn[t->index].flags_stored;
}

void jit_flags_store(struct translation *t, enum x86_reg value) {
    x86_store8(&t->a, JIT_CPU(nzcv), value);
    x86_store_imm(&t->a, false, JIT_CPU(flags_kind), FLAGS_STORED);
}

void jit_flags_store_operands(struct translation *t, const struct flags_origin *origin) {
    struct x86 *a = &t->a;
    x86_store(a, true, JIT_CPU(flags_operand[0]), jit_source(t, origin->reg[0], RCX));
    if (origin->immediate)
        x86_store_imm(a, true, JIT_CPU(flags_operand[1]), origin->value);
    else
        x86_store(a, true, JIT_CPU(flags_operand[1]), jit_source(t, origin->reg[1], RCX));
    x86_store_imm(a, false, JIT_CPU(flags_kind), (int32_t)origin->kind);
}

void jit_store_origin(struct translation *t, int index) {
    struct flags_origin origin;
    if (index >= 0 && !t->region.insn[index].flags_stored &&
        flags_origin(&t->region.insn[index].insn, &origin))
        jit_flags_store_operands(t, &origin);
}

#define FLAGS_OF(bits)                                                                                       \
    static uint8_t flags_of##bits(uint32_t kind, uint##bits##_t a, uint##bits##_t b) {                       \
        switch (kind) {                                                                                      \
        case FLAGS_OF_ADD: return flags_add##bits(a, b);                                                     \
        case FLAGS_OF_SUB: return flags_sub##bits(a, b);                                                     \
        case FLAGS_OF_SUM: return flags_add##bits(a - b, b);                                                 \
        case FLAGS_OF_DIFFERENCE: return flags_sub##bits(a + b, b);                                          \
        default: return flags_result##bits(a & b, false, false);                                             \
        }                                                                                                    \
    }
FLAGS_OF(32)
FLAGS_OF(64)
#undef FLAGS_OF

/* Quiet: what FCMP found out about FPSR is known already. */
#define FLAGS_COMPARE(type)                                                                                  \
    static uint8_t flags_of_compare_##type(const uint64_t operand[2]) {                                      \
        type a, b;                                                                                           \
        memcpy(&a, &operand[0], sizeof a);                                                                   \
        memcpy(&b, &operand[1], sizeof b);                                                                   \
        if (__builtin_isunordered(a, b))                                                                     \
            return FLAG_C | FLAG_V;                                                                          \
        return a == b ? FLAG_Z | FLAG_C : __builtin_isless(a, b) ? FLAG_N : FLAG_C;                          \
    }
FLAGS_COMPARE(float)
FLAGS_COMPARE(double)
#undef FLAGS_COMPARE

static uint8_t flags_of(uint32_t kind, const uint64_t operand[2]) {
    switch (kind) {
    case FLAGS_OF_COMPARE: return flags_of_compare_float(operand);
    case FLAGS_OF_COMPARE | FLAGS_WIDE: return flags_of_compare_double(operand);
    default:
        if (kind & FLAGS_WIDE)
            return flags_of64(kind & ~(uint32_t)FLAGS_WIDE, operand[0], operand[1]);
        return flags_of32(kind, (uint32_t)operand[0], (uint32_t)operand[1]);
    }
}

void jit_sync_flags(struct cpu *cpu) {
    if (cpu->flags_kind == FLAGS_STORED)
        return;
    cpu->nzcv = flags_of(cpu->flags_kind, cpu->flags_operand);
    cpu->flags_kind = FLAGS_STORED;
}

void jit_flags_load(struct translation *t) {
    jit_store_origin(t, jit_current(t)->flags_from);
    x86_alu_imm(&t->a, false, ALU_CMP, JIT_CPU(flags_kind), FLAGS_STORED);
    uint8_t *stored = x86_jcc_short(&t->a, CC_E);
    x86_call(&t->a, t->jit->sync_flags);
    x86_bind_short(&t->a, stored);
}

/* UCOMIS's flags made into those of a subtraction that stands for the same: 1 - 0 for greater, 0 - 1 for
 * less, 0 - 0 for equal, and of signed bytes -128 - 1 for unordered. */
void jit_flags_subtracted(struct translation *t) {
    enum { AH = 4 }; /* where there is no REX prefix */
    struct x86 *a = &t->a;
    x86_setcc(a, CC_A, RAX);
    x86_op(a, X86_MAP_0F | 0x90 | CC_P, 0, x86_r(AH)); /* SETP ah */
    x86_setcc(a, CC_B, RCX);
    x86_op(a, 0xc0, SHIFT_SHL, x86_r(AH)); /* SHL ah, 7 */
    x86_imm8(a, 7);
    x86_op(a, 0x08, AH, x86_r(RAX));  /* OR al, ah */
    x86_op(a, 0x38, RCX, x86_r(RAX)); /* CMP al, cl */
    t->flags = JIT_FLAGS_SUB;
}

/* UCOMIS's own conditions, by A64's: for those that are one. */
static bool compared_condition(unsigned cond, enum x86_cc *cc) {
    enum { VS = 6, VC, GE = 10, LT, GT, LE };
    switch (cond) {
    case VS: *cc = CC_P; return true;
    case VC: *cc = CC_NP; return true;
    case GE: *cc = CC_AE; return true;
    case LT: *cc = CC_B; return true;
    case GT: *cc = CC_A; return true;
    case LE: *cc = CC_BE; return true;
    default: return false;
    }
}

/* The host's flags to cpu->nzcv. They stay. */
static void store(struct translation *t) {
    struct x86 *a = &t->a;
    if (t->flags == JIT_FLAGS_FP)
        jit_flags_subtracted(t);
    if (t->flags == JIT_FLAGS_SUB)
        x86_cmc(a);
    x86_lahf(a);
    if (t->flags == JIT_FLAGS_SUB)
        x86_cmc(a);
    x86_setcc(a, CC_O, RAX);
    x86_mov_imm(a, RCX, HOST_NZCV);
    x86_pext(a, false, RAX, RAX, x86_r(RCX));
    jit_flags_store(t, RAX);
}

void jit_flags_set(struct translation *t, enum jit_flags kind) {
    struct flags_origin origin;
    t->flags = kind;
    if (!jit_flags_wanted(t))
        return;
    if (flags_origin(&jit_current(t)->insn, &origin))
        jit_flags_store_operands(t, &origin);
    else
        store(t);
}

void jit_flags_set_by(struct translation *t, enum jit_flags kind, const struct a64_insn *insn, bool wide,
    struct x86_rm second) {
    const bool in_place = insn->rd == insn->rn && insn->rd != REG_SINK;
    uint32_t stored = kind == JIT_FLAGS_SUB ? FLAGS_OF_SUB : FLAGS_OF_ADD;
    t->flags = kind;
    if (!jit_flags_wanted(t))
        return;
    if (in_place)
        stored += FLAGS_OF_SUM - FLAGS_OF_ADD;
    x86_store(&t->a, true, JIT_CPU(flags_operand[0]), jit_source(t, insn->rn, RAX));
    x86_store(&t->a, true, JIT_CPU(flags_operand[1]), second.base);
    x86_store_imm(&t->a, false, JIT_CPU(flags_kind), (int32_t)(stored | (wide ? FLAGS_WIDE : 0)));
}

void jit_flags_set_compared(struct translation *t, bool wide, unsigned first, struct x86_rm second) {
    struct x86 *a = &t->a;
    t->flags = JIT_FLAGS_FP;
    if (!jit_flags_wanted(t))
        return;
    x86_vex(a, X86_VMOVQ_STORE, first, 0, JIT_CPU(flags_operand[0]));
    if (x86_is_reg(second)) {
        x86_vex(a, X86_VMOVQ_STORE, second.base, 0, JIT_CPU(flags_operand[1]));
    } else {
        x86_load(a, true, RAX, second);
        x86_store(a, true, JIT_CPU(flags_operand[1]), RAX);
    }
    x86_store_imm(a, false, JIT_CPU(flags_kind), FLAGS_OF_COMPARE | (wide ? FLAGS_WIDE : 0));
}

/* SF, ZF and CF by SAHF, and OF by an addition that overflows. */
void jit_flags_constant(struct translation *t, unsigned nzcv, bool carry_inverted) {
    enum { SAHF = 0x9e, OF_IF_1 = 0x7f };
    struct x86 *a = &t->a;
    bool carry = !(nzcv & FLAG_C) == carry_inverted;
    unsigned ah = (nzcv & FLAG_N ? 0x80 : 0) | (nzcv & FLAG_Z ? 0x40 : 0) | carry;
    x86_mov_imm(a, RAX, ah << 8 | (nzcv & FLAG_V));
    *a->at++ = 0x04; /* ADD al, imm8 */
    *a->at++ = OF_IF_1;
    *a->at++ = SAHF;
    if (jit_flags_wanted(t)) {
        x86_mov_imm(a, RAX, nzcv);
        jit_flags_store(t, RAX);
    }
}

void jit_flags_set_stored(struct translation *t, enum jit_flags kind) {
    t->flags = kind;
    store(t);
    t->flags = JIT_FLAGS_NONE;
}

/* The condition by cpu->nzcv: bit nzcv of the row of conditions goes to CF. */
static enum x86_cc stored_condition(struct translation *t, unsigned cond) {
    static const uint16_t even_rows[7] = {0xf0f0, 0xcccc, 0xff00, 0xaaaa, 0x0c0c, 0xaa55, 0x0a05};
    jit_flags_load(t);
    x86_load8(&t->a, RAX, JIT_CPU(nzcv));
    x86_mov_imm(&t->a, RCX, even_rows[cond >> 1]);
    x86_bt(&t->a, false, RCX, RAX);
    return cond & 1 ? CC_AE : CC_B;
}

/* op rax, second */
static void alu_second(
    struct translation *t, enum x86_alu op, const struct flags_origin *origin, struct x86_rm second) {
    const bool wide = origin->kind & FLAGS_WIDE;
    if (origin->immediate)
        x86_alu_imm(&t->a, wide, op, x86_r(RAX), origin->value);
    else
        x86_alu(&t->a, wide, op, RAX, second);
}

/* What the flags come from is in registers, or stored by the only instruction that may have set them: that is
 * done again. Clobbers rax. */
static bool recompute(struct translation *t) {
    const struct region_insn *i = jit_current(t);
    struct flags_origin origin;
    if (i->flags_by < 0 || !flags_origin(&t->region.insn[i->flags_by].insn, &origin))
        return false;
    const bool stored = i->flags_from < 0, wide = origin.kind & FLAGS_WIDE;
    const struct x86_rm first = stored ? JIT_CPU(flags_operand[0]) : jit_operand(t, origin.reg[0]),
                        second = stored ? JIT_CPU(flags_operand[1]) : jit_operand(t, origin.reg[1]);
    t->flags = JIT_FLAGS_SUB;
    if (origin.kind == (FLAGS_OF_SUB | (wide ? FLAGS_WIDE : 0)) && origin.immediate) {
        x86_alu_imm(&t->a, wide, ALU_CMP, first, origin.value);
        return true;
    }
    x86_load(&t->a, wide, RAX, first);
    switch (origin.kind & ~(uint32_t)FLAGS_WIDE) {
    case FLAGS_OF_DIFFERENCE: alu_second(t, ALU_ADD, &origin, second); /* fall through */
    case FLAGS_OF_SUB: alu_second(t, ALU_CMP, &origin, second); return true;
    case FLAGS_OF_SUM: alu_second(t, ALU_SUB, &origin, second); /* fall through */
    case FLAGS_OF_ADD: alu_second(t, ALU_ADD, &origin, second); break;
    default: alu_second(t, ALU_AND, &origin, second);
    }
    t->flags = JIT_FLAGS_ADD;
    return true;
}

enum x86_cc jit_condition(struct translation *t, unsigned cond) {
    /* By bits 3:1 of the condition, with CF inverted: EQ CS MI VS HI GE GT */
    static const uint8_t even[7] = {CC_E, CC_AE, CC_S, CC_O, CC_A, CC_GE, CC_G};
    enum { CS = 1, HI = 4 };
    unsigned row = cond >> 1;
    if (t->flags == JIT_FLAGS_NONE && !recompute(t))
        return stored_condition(t, cond);
    enum x86_cc compared;
    if (t->flags == JIT_FLAGS_FP && compared_condition(cond, &compared))
        return compared;
    if (t->flags == JIT_FLAGS_FP)
        jit_flags_subtracted(t);
    if (t->flags == JIT_FLAGS_ADD && row == HI) {
        x86_cmc(&t->a);
        t->flags = JIT_FLAGS_SUB;
    }
    enum x86_cc cc = even[row];
    if (t->flags == JIT_FLAGS_ADD && row == CS)
        cc ^= 1;
    return cc ^ (cond & 1);
}

void jit_carry(struct translation *t, bool inverted) {
    enum { CARRY_BIT = 1 };
    if (t->flags == JIT_FLAGS_FP)
        jit_flags_subtracted(t);
    if (t->flags == JIT_FLAGS_NONE && !recompute(t)) {
        jit_flags_load(t);
        x86_bt_imm(&t->a, false, JIT_CPU(nzcv), CARRY_BIT);
    }
    if ((t->flags == JIT_FLAGS_SUB) != inverted)
        x86_cmc(&t->a);
    t->flags = JIT_FLAGS_NONE;
}
