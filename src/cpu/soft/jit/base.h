/* What the emitters of data processing with general registers share. */
#pragma once

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"

/* The source in a scratch register, to be changed there. Returns that. */
enum x86_reg jit_base_copy(struct translation *t, bool wide, unsigned reg, enum x86_reg scratch);
/* The source in `to`, where it may be already. */
void jit_base_load(struct translation *t, bool wide, unsigned reg, enum x86_reg to);
