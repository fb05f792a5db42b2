/* The machine that test programs run on: one vCPU, the memory of case.h, and behind a small stage 1 map like
 * Linux's a vector table at EL1. */
#pragma once

#include "case.h"

#include "bus/memory.h"
#include "cpu/soft/cpu.h"

enum { VECTOR_WORDS = 32, VECTOR_EL0_SYNC = 8, VECTOR_EL0_IRQ = 9, VECTORS_COUNT = 16 };

struct machine {
    uint32_t *sled; /* SLED_BASE */
    uint8_t *data;  /* DATA_BASE */
    uint32_t *vectors;
    struct memory *memory;
    struct engine_vm *vm;
    struct engine_vcpu *vcpu;
    struct cpu *cpu; /* the soft engine's vCPU is its struct cpu */
};
extern struct machine machine;

/* options: of the soft engine. on_hvc: as engine_machine.hvc. Every vector is an HVC; errors end the process.
 */
void machine_create(const char *options, void (*on_hvc)(void *ctx, unsigned vcpu, uint64_t x[18]));
void machine_destroy(void);
void machine_load_state(const struct case_state *state);
_Noreturn void machine_die(const char *what);
