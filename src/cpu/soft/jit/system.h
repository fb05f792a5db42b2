/* What region.c asks about system instructions: may a region go on behind them? */
#pragma once

#include "cpu/soft/insn.h"

/* An MSR of a register that is nothing but storage, or of the interrupt masks. */
bool jit_is_plain_write(const struct a64_insn *insn);
/* A SYS that is cache maintenance by address changes nothing that a region depends on; only IC IVAU does. */
bool jit_is_data_maintenance(const struct a64_insn *insn);
