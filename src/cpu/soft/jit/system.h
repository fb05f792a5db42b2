/* What region.c asks about system instructions. */
#pragma once

#include "cpu/soft/insn.h"

/* May a region go on behind this MSR: is the register nothing but storage? */
bool jit_is_plain_write(const struct a64_insn *insn);
