/* Where flags come from: instructions whose operands, or whose result and an operand, still say what NZCV is
 * after them, so that it need not be computed unless somebody asks. */
#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"

/* rd = rn op second. */
static bool arithmetic(
    const struct a64_insn *insn, uint32_t kind, bool immediate, struct flags_origin *origin) {
    bool in_place = insn->rd == insn->rn && insn->rd != REG_SINK;
    if (!immediate && insn->rm == insn->rd)
        return false; /* the second operand is gone */
    if (in_place)
        kind += FLAGS_OF_SUM - FLAGS_OF_ADD;
    *origin = (struct flags_origin){
        .kind = kind, .immediate = immediate, .reg = {insn->rn, insn->rm}, .value = (int32_t)insn->imm};
    return true;
}

/* The flags of the result, if it went anywhere; else those of rn AND second. */
static bool logical(const struct a64_insn *insn, uint32_t kind, bool immediate, struct flags_origin *origin) {
    *origin = (struct flags_origin){.kind = kind, .reg = {insn->rd, insn->rd}};
    if (insn->rd != REG_SINK)
        return true;
    *origin = (struct flags_origin){
        .kind = kind, .immediate = immediate, .reg = {insn->rn, insn->rm}, .value = (int32_t)insn->imm};
    return !immediate || !(kind & FLAGS_WIDE) || x86_fits32(insn->imm);
}

/* Only by the result. */
static bool result(const struct a64_insn *insn, uint32_t kind, struct flags_origin *origin) {
    *origin = (struct flags_origin){.kind = kind, .reg = {insn->rd, insn->rd}};
    return insn->rd != REG_SINK;
}

bool flags_origin(const struct a64_insn *insn, struct flags_origin *origin) {
    switch (insn->op) {
    case A64_ADDS_W: return arithmetic(insn, FLAGS_OF_ADD, false, origin);
    case A64_ADDS_X: return arithmetic(insn, FLAGS_OF_ADD | FLAGS_WIDE, false, origin);
    case A64_ADDS_IMM_W: return arithmetic(insn, FLAGS_OF_ADD, true, origin);
    case A64_ADDS_IMM_X: return arithmetic(insn, FLAGS_OF_ADD | FLAGS_WIDE, true, origin);
    case A64_SUBS_W: return arithmetic(insn, FLAGS_OF_SUB, false, origin);
    case A64_SUBS_X: return arithmetic(insn, FLAGS_OF_SUB | FLAGS_WIDE, false, origin);
    case A64_SUBS_IMM_W: return arithmetic(insn, FLAGS_OF_SUB, true, origin);
    case A64_SUBS_IMM_X: return arithmetic(insn, FLAGS_OF_SUB | FLAGS_WIDE, true, origin);
    case A64_ANDS_W: return logical(insn, FLAGS_OF_AND, false, origin);
    case A64_ANDS_X: return logical(insn, FLAGS_OF_AND | FLAGS_WIDE, false, origin);
    case A64_ANDS_IMM_W: return logical(insn, FLAGS_OF_AND, true, origin);
    case A64_ANDS_IMM_X: return logical(insn, FLAGS_OF_AND | FLAGS_WIDE, true, origin);
    case A64_ANDS_SHIFT_W:
    case A64_BICS_W:
    case A64_BICS_SHIFT_W: return result(insn, FLAGS_OF_AND, origin);
    case A64_ANDS_SHIFT_X:
    case A64_BICS_X:
    case A64_BICS_SHIFT_X: return result(insn, FLAGS_OF_AND | FLAGS_WIDE, origin);
    default: return false;
    }
}
