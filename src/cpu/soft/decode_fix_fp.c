/* Operands of floating-point instructions that the table cannot express: the fix() functions of fp.isa. */
#include "a64_ops.h"
#include "cpu/soft/fp.h"
#include "cpu/soft/insn.h"

bool fix_fmov_imm(struct a64_insn *insn) {
    insn->imm = (int64_t)fp_expand_immediate(insn->size, (unsigned)insn->imm);
    return true;
}

bool fix_fixed_point(struct a64_insn *insn) {
    insn->amount = 64 - insn->amount;
    return true;
}
