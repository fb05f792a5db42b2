/* What the emitters of Advanced SIMD on integers share. All clobber what they say and no more. */
#pragma once

#include "cpu/soft/jit/vector.h"

/* The second source: rm, or its lane `index` in all lanes. */
unsigned jit_simd_rm(struct translation *t, const struct a64_insn *insn, unsigned scratch);
/* rd is xmm, as much of it as the form works on. */
void jit_simd_write(struct translation *t, const struct a64_insn *insn, unsigned xmm);
void jit_simd_ones(struct translation *t, unsigned xmm);
void jit_simd_zeros(struct translation *t, unsigned xmm);
/* FPSR.QC is set unless the two registers are equal. Clobbers xmm5, rax and the host's flags. */
void jit_simd_saturated_unless_equal(struct translation *t, unsigned a, unsigned b);
/* The opcode that adds elements. */
uint32_t jit_simd_add(unsigned size);

/* Shifts of elements of any size by a constant, 0 to their width (rax is clobbered for bytes). */
void jit_simd_shift_right(struct translation *t, bool is_signed, unsigned size, unsigned to, unsigned from,
    unsigned amount, unsigned scratch);
void jit_simd_shift_left(
    struct translation *t, unsigned size, unsigned to, unsigned from, unsigned amount, unsigned scratch);

/* Even elements to the lower half, odd ones to the upper half. */
void jit_simd_unzip(struct translation *t, unsigned size, unsigned to, unsigned from);
/* The even elements of rm:rn, and the odd ones, as far as the form has them. Clobbers xmm0-3. */
void jit_simd_pairs(struct translation *t, const struct a64_insn *insn, unsigned even, unsigned odd);
