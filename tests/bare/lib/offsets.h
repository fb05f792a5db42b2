/* Numbers that start.S and lib.c share. */
#pragma once

#define STACK_SIZE   16384
#define PER_CPU_SIZE 256
#define FRAME_SIZE   288
#define TRY_DONE     0x7d0e
