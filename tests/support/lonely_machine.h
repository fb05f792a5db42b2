/* A machine of a CPU and memory alone: no device answers, no register is the interrupt controller's. */
#pragma once

#include "cpu/engine.h"

/* hvc as struct engine_machine says. */
struct engine_machine lonely_machine(void *ctx, void (*hvc)(void *ctx, unsigned vcpu, uint64_t x[18]));
