/* Data processing with general registers: arithmetic, logic, moves and selections. */
#include "cpu/soft/jit/base.h"

enum x86_reg jit_base_copy(struct translation *t, bool wide, unsigned reg, enum x86_reg scratch) {
    x86_load(&t->a, wide, scratch, jit_operand(t, reg));
    return scratch;
}

void jit_base_load(struct translation *t, bool wide, unsigned reg, enum x86_reg to) {
    struct x86_rm from = jit_operand(t, reg);
    if (!x86_is_reg(from) || from.base != to)
        x86_load(&t->a, wide, to, from);
}

/* Where to compute what finish() gets: SP does not change before that has looked at it. */
static enum x86_reg target(struct translation *t, unsigned reg) {
    return reg == REG_SP ? RAX : jit_target(t, reg, RAX);
}

/* Also for results in SP, which is a multiple of 16 while translated code runs: else the handler takes it out
 * of there. */
static void finish(struct translation *t, unsigned reg, enum x86_reg host) {
    if (reg == REG_SP) {
        x86_test_imm(&t->a, false, x86_r(host), SP_ALIGN - 1);
        jit_end_if(t, CC_NE);
        t->flags = JIT_FLAGS_NONE;
    }
    jit_finish(t, reg, host);
}

/* Where to compute rd from rn and a second operand: rd's own register, unless it also holds the second one.
 */
static enum x86_reg result_register(
    struct translation *t, const struct a64_insn *insn, struct x86_rm second) {
    enum x86_reg to = target(t, insn->rd);
    return x86_is_reg(second) && second.base == to && insn->rd != insn->rn ? RAX : to;
}

/* --- the second operand, in rcx where something is done to it first */

static struct x86_rm shifted(struct translation *t, bool wide, const struct a64_insn *insn) {
    static const uint8_t shifts[4] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROR};
    if (insn->amount == 0)
        return jit_operand(t, insn->rm);
    if (insn->shift == 3) {
        x86_rorx(&t->a, wide, RCX, jit_operand(t, insn->rm), insn->amount);
    } else {
        jit_base_copy(t, wide, insn->rm, RCX);
        x86_shift(&t->a, wide, shifts[insn->shift], x86_r(RCX), insn->amount);
    }
    return x86_r(RCX);
}

static struct x86_rm extended_unshifted(struct translation *t, bool wide, const struct a64_insn *insn) {
    struct x86 *a = &t->a;
    struct x86_rm from = jit_operand(t, insn->rm);
    switch (insn->shift) {
    case 0: x86_load8(a, RCX, from); break;
    case 1: x86_load16(a, RCX, from); break;
    case 2: x86_load(a, false, RCX, from); break;
    case 4: x86_load8s(a, wide, RCX, from); break;
    case 5: x86_load16s(a, wide, RCX, from); break;
    case 6:
        if (wide)
            x86_load32s(a, RCX, from);
        else
            x86_load(a, false, RCX, from);
        break;
    default: return from;
    }
    return x86_r(RCX);
}

static struct x86_rm extended(struct translation *t, bool wide, const struct a64_insn *insn) {
    struct x86_rm rm = extended_unshifted(t, wide, insn);
    if (!insn->amount)
        return rm;
    if (!x86_is_reg(rm) || rm.base != RCX)
        x86_load(&t->a, wide, RCX, rm);
    x86_shift(&t->a, wide, SHIFT_SHL, x86_r(RCX), insn->amount);
    return x86_r(RCX);
}

/* --- rd = rn op second */

static void binary(
    struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op, struct x86_rm second) {
    enum x86_reg to = result_register(t, insn, second);
    jit_base_load(t, wide, insn->rn, to);
    x86_alu(&t->a, wide, op, to, second);
    finish(t, insn->rd, to);
}

/* rd = rn + (second << insn->amount), where LEA can do that */
static bool add_scaled(struct translation *t, const struct a64_insn *insn, bool wide, struct x86_rm second) {
    if (insn->amount > 3)
        return false;
    if (!x86_is_reg(second)) {
        x86_load(&t->a, wide, RCX, second);
        second = x86_r(RCX);
    }
    enum x86_reg to = target(t, insn->rd);
    x86_lea(&t->a, wide, to, x86_mx(jit_source(t, insn->rn, RAX), second.base, insn->amount, 0));
    finish(t, insn->rd, to);
    return true;
}

static void add_shifted(struct translation *t, const struct a64_insn *insn, bool wide) {
    if (insn->shift != 0 || !add_scaled(t, insn, wide, jit_operand(t, insn->rm)))
        binary(t, insn, wide, ALU_ADD, shifted(t, wide, insn));
}

static void add_extended(struct translation *t, const struct a64_insn *insn, bool wide) {
    if (insn->amount > 3)
        binary(t, insn, wide, ALU_ADD, extended(t, wide, insn));
    else
        add_scaled(t, insn, wide, extended_unshifted(t, wide, insn));
}

static bool is_commutative(enum x86_alu op) {
    return op != ALU_SUB && op != ALU_SBB;
}

static void binary_registers(struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op) {
    struct x86_rm first = jit_operand(t, insn->rn), second = jit_operand(t, insn->rm);
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    if (is_commutative(op) && insn->rd == insn->rm && insn->rd != insn->rn && to != RAX) {
        x86_alu(&t->a, wide, op, to, first);
        finish(t, insn->rd, to);
    } else if (op == ALU_ADD && insn->rd != insn->rn && x86_is_reg(first) && x86_is_reg(second)) {
        x86_lea(&t->a, wide, to, x86_mx(first.base, second.base, 0, 0));
        finish(t, insn->rd, to);
    } else {
        binary(t, insn, wide, op, second);
    }
}

static void binary_immediate(struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op) {
    struct x86_rm first = jit_operand(t, insn->rn);
    int64_t imm = op == ALU_SUB ? -insn->imm : insn->imm;
    bool adds = op == ALU_ADD || op == ALU_SUB;
    bool aligned = (op == ALU_AND || (adds && insn->rn == REG_SP)) && imm % SP_ALIGN == 0;
    enum x86_reg to = aligned ? jit_target(t, insn->rd, RAX) : target(t, insn->rd);
    if (adds && imm == 0) {
        x86_load(&t->a, wide, to, first);
    } else if (adds && x86_is_reg(first) && first.base != to) {
        x86_lea(&t->a, wide, to, x86_m(first.base, (int32_t)imm));
    } else if (wide && !x86_fits32(insn->imm)) {
        x86_mov_imm(&t->a, RCX, (uint64_t)insn->imm);
        jit_base_load(t, wide, insn->rn, to);
        x86_alu(&t->a, wide, op, to, x86_r(RCX));
    } else {
        jit_base_load(t, wide, insn->rn, to);
        x86_alu_imm(&t->a, wide, op, x86_r(to), (int32_t)insn->imm);
    }
    if (aligned)
        jit_finish(t, insn->rd, to);
    else
        finish(t, insn->rd, to);
}

/* --- the same with flags */

static void compare(struct translation *t, const struct a64_insn *insn, bool wide, struct x86_rm second) {
    x86_alu(&t->a, wide, ALU_CMP, jit_source(t, insn->rn, RAX), second);
}

static void binary_flags(
    struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op, struct x86_rm second) {
    if (op == ALU_SUB && insn->rd == REG_SINK)
        compare(t, insn, wide, second);
    else
        binary(t, insn, wide, op, second);
    const enum jit_flags kind = op == ALU_SUB ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
    if (op != ALU_AND && x86_is_reg(second) && second.base == RCX)
        jit_flags_set_by(t, kind, insn, wide, second);
    else
        jit_flags_set(t, kind);
}

static void binary_flags_immediate(
    struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op) {
    enum jit_flags kind = op == ALU_SUB ? JIT_FLAGS_SUB : JIT_FLAGS_ADD;
    bool fits = !wide || x86_fits32(insn->imm);
    if (!fits) {
        x86_mov_imm(&t->a, RCX, (uint64_t)insn->imm);
        binary_flags(t, insn, wide, op, x86_r(RCX));
        return;
    }
    if (op == ALU_SUB && insn->rd == REG_SINK) {
        struct x86_rm first = jit_operand(t, insn->rn);
        if (insn->imm == 0 && x86_is_reg(first))
            x86_test(&t->a, wide, first, first.base);
        else
            x86_alu_imm(&t->a, wide, ALU_CMP, first, (int32_t)insn->imm);
        if (insn->imm == 0 && x86_is_reg(first)) { /* C is set and V clear: CF and OF are clear */
            jit_flags_set(t, JIT_FLAGS_SUB);
            return;
        }
    } else if (op == ALU_AND && insn->rd == REG_SINK) {
        x86_test_imm(&t->a, wide, jit_operand(t, insn->rn), (int32_t)insn->imm);
    } else {
        enum x86_reg to = jit_target(t, insn->rd, RAX);
        jit_base_load(t, wide, insn->rn, to);
        x86_alu_imm(&t->a, wide, op, x86_r(to), (int32_t)insn->imm);
        jit_finish(t, insn->rd, to);
    }
    jit_flags_set(t, kind);
}

#define BINARY(name, op)                                                                                     \
    EMIT(name##_imm_w) {                                                                                     \
        binary_immediate(t, insn, false, op);                                                                \
    }                                                                                                        \
    EMIT(name##_imm_x) {                                                                                     \
        binary_immediate(t, insn, true, op);                                                                 \
    }                                                                                                        \
    EMIT(name##_w) {                                                                                         \
        binary_registers(t, insn, false, op);                                                                \
    }                                                                                                        \
    EMIT(name##_x) {                                                                                         \
        binary_registers(t, insn, true, op);                                                                 \
    }
#define BINARY_SHIFTED(name, op)                                                                             \
    EMIT(name##_shift_w) {                                                                                   \
        binary(t, insn, false, op, shifted(t, false, insn));                                                 \
    }                                                                                                        \
    EMIT(name##_shift_x) {                                                                                   \
        binary(t, insn, true, op, shifted(t, true, insn));                                                   \
    }
#define BINARY_FLAGS(name, op)                                                                               \
    EMIT(name##_imm_w) {                                                                                     \
        binary_flags_immediate(t, insn, false, op);                                                          \
    }                                                                                                        \
    EMIT(name##_imm_x) {                                                                                     \
        binary_flags_immediate(t, insn, true, op);                                                           \
    }                                                                                                        \
    EMIT(name##_w) {                                                                                         \
        binary_flags(t, insn, false, op, jit_operand(t, insn->rm));                                          \
    }                                                                                                        \
    EMIT(name##_x) {                                                                                         \
        binary_flags(t, insn, true, op, jit_operand(t, insn->rm));                                           \
    }                                                                                                        \
    EMIT(name##_shift_w) {                                                                                   \
        binary_flags(t, insn, false, op, shifted(t, false, insn));                                           \
    }                                                                                                        \
    EMIT(name##_shift_x) {                                                                                   \
        binary_flags(t, insn, true, op, shifted(t, true, insn));                                             \
    }
#define EXTENDED(name, op, function)                                                                         \
    EMIT(name##_ext_w) {                                                                                     \
        function(t, insn, false, op, extended(t, false, insn));                                              \
    }                                                                                                        \
    EMIT(name##_ext_x) {                                                                                     \
        function(t, insn, true, op, extended(t, true, insn));                                                \
    }

BINARY(add, ALU_ADD)
BINARY(sub, ALU_SUB)
BINARY(and, ALU_AND)
BINARY(orr, ALU_OR)
BINARY(eor, ALU_XOR)
BINARY_SHIFTED(sub, ALU_SUB)
BINARY_SHIFTED(and, ALU_AND)
BINARY_SHIFTED(orr, ALU_OR)
BINARY_SHIFTED(eor, ALU_XOR)
BINARY_FLAGS(adds, ALU_ADD)
BINARY_FLAGS(subs, ALU_SUB)
BINARY_FLAGS(ands, ALU_AND)
EMIT(add_shift_w) {
    add_shifted(t, insn, false);
}
EMIT(add_shift_x) {
    add_shifted(t, insn, true);
}
EMIT(add_ext_w) {
    add_extended(t, insn, false);
}
EMIT(add_ext_x) {
    add_extended(t, insn, true);
}
EXTENDED(sub, ALU_SUB, binary)
EXTENDED(adds, ALU_ADD, binary_flags)
EXTENDED(subs, ALU_SUB, binary_flags)

/* --- with the second operand inverted */

static void and_not(struct translation *t, const struct a64_insn *insn, bool wide, struct x86_rm second) {
    enum x86_reg inverted = RCX, to = jit_target(t, insn->rd, RAX);
    if (x86_is_reg(second))
        inverted = second.base;
    else
        x86_load(&t->a, wide, RCX, second);
    x86_andn(&t->a, wide, to, inverted, jit_operand(t, insn->rn));
    jit_finish(t, insn->rd, to);
}

static void inverted(
    struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op, struct x86_rm second) {
    x86_load(&t->a, wide, RAX, second);
    x86_not(&t->a, wide, x86_r(RAX));
    if (insn->rn != REG_ZR)
        x86_alu(&t->a, wide, op, RAX, jit_operand(t, insn->rn));
    jit_finish(t, insn->rd, RAX);
}

#define INVERTED(suffix, wide)                                                                               \
    EMIT(bic##suffix) {                                                                                      \
        and_not(t, insn, wide, shifted(t, wide, insn));                                                      \
    }                                                                                                        \
    EMIT(bics##suffix) {                                                                                     \
        and_not(t, insn, wide, shifted(t, wide, insn));                                                      \
        jit_flags_set(t, JIT_FLAGS_ADD);                                                                     \
    }                                                                                                        \
    EMIT(orn##suffix) {                                                                                      \
        inverted(t, insn, wide, ALU_OR, shifted(t, wide, insn));                                             \
    }                                                                                                        \
    EMIT(eon##suffix) {                                                                                      \
        inverted(t, insn, wide, ALU_XOR, shifted(t, wide, insn));                                            \
    }
INVERTED(_w, false)
INVERTED(_x, true)
INVERTED(_shift_w, false)
INVERTED(_shift_x, true)

/* --- with carry */

static void carry(
    struct translation *t, const struct a64_insn *insn, bool wide, enum x86_alu op, bool flags) {
    jit_carry(t, op == ALU_SBB);
    jit_base_copy(t, wide, insn->rn, RAX);
    x86_alu(&t->a, wide, op, RAX, jit_operand(t, insn->rm));
    jit_finish(t, insn->rd, RAX);
    t->flags = JIT_FLAGS_NONE;
    if (flags)
        jit_flags_set(t, op == ALU_SBB ? JIT_FLAGS_SUB : JIT_FLAGS_ADD);
}

#define CARRY(suffix, wide)                                                                                  \
    EMIT(adc##suffix) {                                                                                      \
        carry(t, insn, wide, ALU_ADC, false);                                                                \
    }                                                                                                        \
    EMIT(sbc##suffix) {                                                                                      \
        carry(t, insn, wide, ALU_SBB, false);                                                                \
    }                                                                                                        \
    EMIT(adcs##suffix) {                                                                                     \
        carry(t, insn, wide, ALU_ADC, true);                                                                 \
    }                                                                                                        \
    EMIT(sbcs##suffix) {                                                                                     \
        carry(t, insn, wide, ALU_SBB, true);                                                                 \
    }
CARRY(_w, false)
CARRY(_x, true)

/* --- moves; the host's flags stay */

EMIT(mov_w) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    x86_load(&t->a, false, to, jit_operand(t, insn->rm));
    jit_finish(t, insn->rd, to);
}

EMIT(mov_x) {
    jit_finish(t, insn->rd, jit_source(t, insn->rm, RAX));
}

static void set_constant(struct translation *t, unsigned reg, uint64_t value) {
    enum x86_reg to = jit_target(t, reg, RAX);
    x86_mov_imm(&t->a, to, value);
    jit_finish(t, reg, to);
    t->known = reg;
    t->known_at = t->index;
    t->known_value = value;
}

EMIT(mov_imm) {
    set_constant(t, insn->rd, (uint64_t)insn->imm);
}

static void insert_16(struct translation *t, const struct a64_insn *insn, bool wide) {
    uint64_t hole = UINT64_C(0xffff) << insn->amount, bits = (uint64_t)insn->imm << insn->amount;
    if (t->known == insn->rd && insn->rd != REG_SINK) {
        uint64_t value = (t->known_value & ~hole) | bits;
        set_constant(t, insn->rd, wide ? value : (uint32_t)value);
        return;
    }
    jit_base_copy(t, wide, insn->rd, RAX);
    x86_mov_imm(&t->a, RCX, hole);
    x86_andn(&t->a, wide, RAX, RCX, x86_r(RAX));
    x86_mov_imm(&t->a, RCX, bits);
    x86_alu(&t->a, wide, ALU_OR, RAX, x86_r(RCX));
    jit_finish(t, insn->rd, RAX);
}

EMIT(movk_w) {
    insert_16(t, insn, false);
}
EMIT(movk_x) {
    insert_16(t, insn, true);
}

static void pc_relative(struct translation *t, const struct a64_insn *insn, int64_t offset) {
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    x86_load(&t->a, true, to, JIT_CPU(page_va));
    if (x86_fits32(offset)) {
        if (offset)
            x86_lea(&t->a, true, to, x86_m(to, (int32_t)offset));
    } else {
        x86_mov_imm(&t->a, RCX, (uint64_t)offset);
        x86_lea(&t->a, true, to, x86_mx(to, RCX, 0, 0));
    }
    jit_finish(t, insn->rd, to);
}

EMIT(adr) {
    pc_relative(t, insn, insn->page_offset + insn->imm);
}
EMIT(adrp) {
    pc_relative(t, insn, insn->imm);
}

/* --- conditional; the host's flags stay */

enum otherwise { PLAIN, INCREMENT, INVERT, NEGATE };

static void select(struct translation *t, const struct a64_insn *insn, bool wide, enum otherwise otherwise) {
    struct x86 *a = &t->a;
    struct x86_rm first = jit_operand(t, insn->rn);
    if (insn->cond >= COND_ALWAYS) {
        x86_load(a, wide, RAX, first);
        jit_finish(t, insn->rd, RAX);
        return;
    }
    enum x86_cc cc = jit_condition(t, insn->cond);
    if (otherwise == INCREMENT && insn->rn == REG_ZR && insn->rm == REG_ZR) { /* CSET */
        enum x86_reg to = jit_target(t, insn->rd, RAX);
        x86_setcc(a, cc ^ 1, RAX);
        x86_load8(a, to, x86_r(RAX));
        jit_finish(t, insn->rd, to);
        return;
    }
    if (otherwise == PLAIN && insn->rd == insn->rn && x86_is_reg(first)) {
        x86_cmov(a, wide, cc ^ 1, first.base, jit_operand(t, insn->rm));
        return;
    }
    enum x86_reg to = jit_target(t, insn->rd, RAX);
    if (insn->rd == insn->rn)
        to = RAX;
    jit_base_load(t, wide, insn->rm, to);
    if (otherwise == INVERT || otherwise == NEGATE)
        x86_not(a, wide, x86_r(to));
    if (otherwise == INCREMENT || otherwise == NEGATE)
        x86_lea(a, wide, to, x86_m(to, 1));
    x86_cmov(a, wide, cc, to, first);
    jit_finish(t, insn->rd, to);
}

#define SELECT(suffix, wide)                                                                                 \
    EMIT(csel##suffix) {                                                                                     \
        select(t, insn, wide, PLAIN);                                                                        \
    }                                                                                                        \
    EMIT(csinc##suffix) {                                                                                    \
        select(t, insn, wide, INCREMENT);                                                                    \
    }                                                                                                        \
    EMIT(csinv##suffix) {                                                                                    \
        select(t, insn, wide, INVERT);                                                                       \
    }                                                                                                        \
    EMIT(csneg##suffix) {                                                                                    \
        select(t, insn, wide, NEGATE);                                                                       \
    }
SELECT(_w, false)
SELECT(_x, true)

static void compare_if(
    struct translation *t, const struct a64_insn *insn, bool wide, bool negative, bool immediate) {
    struct x86 *a = &t->a;
    const struct flags_origin origin = {
        .kind = (negative ? FLAGS_OF_ADD : FLAGS_OF_SUB) | (wide ? FLAGS_WIDE : 0),
        .immediate = immediate,
        .reg = {insn->rn, insn->rm},
        .value = (int32_t)insn->imm};
    uint8_t *otherwise = NULL;
    if (insn->cond < COND_ALWAYS)
        otherwise = x86_jcc_short(a, jit_condition(t, insn->cond) ^ 1);
    if (negative) { /* CMN adds */
        jit_base_copy(t, wide, insn->rn, RAX);
        if (immediate)
            x86_alu_imm(a, wide, ALU_ADD, x86_r(RAX), (int32_t)insn->imm);
        else
            x86_alu(a, wide, ALU_ADD, RAX, jit_operand(t, insn->rm));
    } else if (immediate) {
        x86_alu_imm(a, wide, ALU_CMP, jit_operand(t, insn->rn), (int32_t)insn->imm);
    } else {
        compare(t, insn, wide, jit_operand(t, insn->rm));
    }
    if (jit_flags_wanted(t))
        jit_flags_store_operands(t, &origin);
    if (otherwise) {
        uint8_t *done = x86_jmp_short(a);
        x86_bind_short(a, otherwise);
        jit_flags_constant(t, insn->nzcv, !negative);
        x86_bind_short(a, done);
    }
    t->flags = negative ? JIT_FLAGS_ADD : JIT_FLAGS_SUB;
}

#define COMPARE_IF(suffix, wide)                                                                             \
    EMIT(ccmp##suffix) {                                                                                     \
        compare_if(t, insn, wide, false, false);                                                             \
    }                                                                                                        \
    EMIT(ccmn##suffix) {                                                                                     \
        compare_if(t, insn, wide, true, false);                                                              \
    }                                                                                                        \
    EMIT(ccmp_imm##suffix) {                                                                                 \
        compare_if(t, insn, wide, false, true);                                                              \
    }                                                                                                        \
    EMIT(ccmn_imm##suffix) {                                                                                 \
        compare_if(t, insn, wide, true, true);                                                               \
    }
COMPARE_IF(_w, false)
COMPARE_IF(_x, true)

/* --- nothing to do, and barriers */

EMIT(nop) {
    (void)t, (void)insn;
}

/* Only a load after a store can be reordered on the host: DMB LD (types xx01) and DMB ST (xx10) order nothing
 * that is not ordered already. */
EMIT(dmb) {
    static const uint8_t locked_or[] = {0xf0, 0x83, 0x0c, 0x24, 0x00}; /* LOCK OR dword [rsp], 0 */
    unsigned type = insn->opc & 3;
    if (type == 1 || type == 2)
        return;
    memcpy(t->a.at, locked_or, sizeof locked_or);
    t->a.at += sizeof locked_or;
}
