/* What scalar and vector floating point share. */
#pragma once

#include "cpu/soft/jit/vector.h"

/* Leave the instruction to its handler if the low element of xmm, its result, is a NaN, or (tiny) the
 * smallest normal number: see fp.c. In careful code also if it is denormal, or 0. Clobber xmm5 and the host's
 * flags. */
void jit_fp_bail_if_nan(struct translation *t, unsigned size, unsigned xmm);
void jit_fp_bail_if_nan_or_tiny(struct translation *t, unsigned size, unsigned xmm);

/* In careful code, before the operation: if the low element of v[reg] is denormal, and not known not to be.
 * Clobbers rax and the host's flags. */
void jit_fp_bail_if_denormal(struct translation *t, unsigned size, unsigned reg);
/* v[reg] was written with numbers that are not denormal where it matters. */
void jit_fp_note_normal(struct translation *t, unsigned size, unsigned reg);

/* xmm's low half = imm, zeros above; clobbers rax. */
void jit_vector_immediate(struct translation *t, unsigned xmm, uint64_t imm);

/* rax = the low element of v[rn] as an integer. Clobbers xmm0 and 1. */
void jit_fp_to_integer(struct translation *t, const struct a64_insn *insn, bool is_unsigned,
    enum fp_rounding rounding, bool wide);
/* xmm0 = the signed integer, zeros above. */
void jit_fp_from_integer(struct translation *t, unsigned size, bool wide, struct x86_rm value);
