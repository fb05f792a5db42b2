/* What the handlers of scalar floating point share. */
#pragma once

#include "cpu/soft/fp.h"

/* A scalar result clears the rest of the vector register. */
static inline void write_scalar(struct cpu *cpu, unsigned reg, uint64_t value) {
    cpu->v[reg].d[0] = value;
    cpu->v[reg].d[1] = 0;
}

/* Calls make(suffix, lane, bits, size) for each precision: the suffix of the form's name, the member of union
 * vreg, the width, and log2 of the bytes. */
#define FOR_EACH_PRECISION(make, ...)                                                                        \
    make(h, 16, 1, __VA_ARGS__) make(s, 32, 2, __VA_ARGS__) make(d, 64, 3, __VA_ARGS__)
