/* The translator of A64 code to x86-64, as the rest of the software CPU sees it. docs/cpu.md says how it
 * works.
 *
 * Each vCPU has its own translations, so nothing here takes a lock. Hosts without the translator, or a CPU
 * without BMI2, AVX2 and FMA, run the interpreter. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/engine.h"

struct cpu;

/* eager: code is translated when first met, not when it was met often, and exceptions see flags that the
 * program itself no longer looks at. verify: all that translated code does is interpreted as well, and
 * compared (verify.h). count: the instructions. memory: about how many bytes the vCPU's code may take. */
struct jit_options {
    bool eager, verify, count;
    uint64_t memory;
};

#ifdef __x86_64__

bool jit_available(void);
/* -1: no memory. The cpu interprets until then, and after jit_destroy(). */
int jit_create(struct cpu *cpu, const struct jit_options *options);
void jit_destroy(struct cpu *cpu);
/* The run loop with translated code, in place of the interpreter's. cpu->unwind is its caller's. */
enum engine_exit jit_run(struct cpu *cpu);
/* After an exception, which may have come from translated code (cpu->unwind): what C code expects of the
 * host. */
void jit_unwound(struct cpu *cpu);
/* With verify: translator and interpreter differed, as was reported. The vCPU is not to be run again. */
bool jit_failed(const struct cpu *cpu);
/* The guest changed code in this physical page, or everywhere. Not while translated code runs but from the
 * handler of an instruction that ends a region. */
void jit_invalidate_page(struct cpu *cpu, uint64_t pa);
void jit_invalidate_all(struct cpu *cpu);

#else

static inline bool jit_available(void) {
    return false;
}
static inline int jit_create(struct cpu *cpu, const struct jit_options *options) {
    (void)cpu, (void)options;
    return -1;
}
static inline void jit_destroy(struct cpu *cpu) {
    (void)cpu;
}
static inline enum engine_exit jit_run(struct cpu *cpu) {
    (void)cpu;
    return ENGINE_EXIT_ERROR;
}
static inline bool jit_failed(const struct cpu *cpu) {
    (void)cpu;
    return false;
}
static inline void jit_unwound(struct cpu *cpu) {
    (void)cpu;
}
static inline void jit_invalidate_page(struct cpu *cpu, uint64_t pa) {
    (void)cpu, (void)pa;
}
static inline void jit_invalidate_all(struct cpu *cpu) {
    (void)cpu;
}

#endif
