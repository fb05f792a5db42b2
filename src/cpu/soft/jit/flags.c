/* NZCV and the host's flags. */
#include "cpu/soft/jit/internal.h"

enum { HOST_NZCV = 0xc101 }; /* SF, ZF and CF as LAHF has them in AH, OF by SETO in AL */

bool jit_flags_wanted(const struct translation *t) {
    return region_flags_wanted(&t->region, t->index);
}

void jit_flags_store(struct translation *t, enum x86_reg value) {
    x86_store8(&t->a, JIT_CPU(nzcv), value);
}

/* UCOMIS's flags made into those of a subtraction that stands for the same: 1 - 0 for greater, 0 - 1 for
 * less, 0 - 0 for equal, and of signed bytes -128 - 1 for unordered. Clobbers rax and rcx. */
static void compared_to_subtracted(struct translation *t) {
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
        compared_to_subtracted(t);
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
    t->flags = kind;
    if (jit_flags_wanted(t))
        store(t);
}

void jit_flags_set_stored(struct translation *t, enum jit_flags kind) {
    t->flags = kind;
    store(t);
    t->flags = JIT_FLAGS_NONE;
}

/* The condition by cpu->nzcv: bit nzcv of the row of conditions goes to CF. */
static enum x86_cc stored_condition(struct translation *t, unsigned cond) {
    static const uint16_t even_rows[7] = {0xf0f0, 0xcccc, 0xff00, 0xaaaa, 0x0c0c, 0xaa55, 0x0a05};
    x86_load8(&t->a, RAX, JIT_CPU(nzcv));
    x86_mov_imm(&t->a, RCX, even_rows[cond >> 1]);
    x86_bt(&t->a, false, RCX, RAX);
    return cond & 1 ? CC_AE : CC_B;
}

enum x86_cc jit_condition(struct translation *t, unsigned cond) {
    /* By bits 3:1 of the condition, with CF inverted: EQ CS MI VS HI GE GT */
    static const uint8_t even[7] = {CC_E, CC_AE, CC_S, CC_O, CC_A, CC_GE, CC_G};
    enum { CS = 1, HI = 4 };
    unsigned row = cond >> 1;
    if (t->flags == JIT_FLAGS_NONE)
        return stored_condition(t, cond);
    enum x86_cc compared;
    if (t->flags == JIT_FLAGS_FP && compared_condition(cond, &compared))
        return compared;
    if (t->flags == JIT_FLAGS_FP)
        compared_to_subtracted(t);
    if (t->flags == JIT_FLAGS_ADD && row == HI) {
        x86_cmc(&t->a);
        t->flags = JIT_FLAGS_SUB;
    }
    enum x86_cc cc = even[row];
    if (t->flags == JIT_FLAGS_ADD && row == CS)
        cc ^= 1;
    return cc ^ (cond & 1);
}
