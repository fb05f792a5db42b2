/* The border between the machine and what executes its CPUs: cpu/soft on any host, later KVM and
 * Hypervisor.framework. An engine knows no device; the machine knows no instruction.
 *
 * The machine gives an engine_machine (what a vCPU may ask of the world) and drives vCPUs through an engine
 * table. One host thread calls vcpu_run() for one vCPU; kick() and interrupt() come from any thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct engine_vm;
struct engine_vcpu;
struct memory;

/* A system register as MRS/MSR encode it: op0:2 op1:3 CRn:4 CRm:4 op2:3 (ARM ARM D17.2). */
#define ENGINE_SYSREG(op0, op1, crn, crm, op2)                                                               \
    ((uint32_t)(op0) << 14 | (uint32_t)(op1) << 11 | (uint32_t)(crn) << 7 | (uint32_t)(crm) << 3 |           \
        (uint32_t)(op2))

/* Calls from a vCPU's thread while it runs. None may block for long. */
struct engine_machine {
    void *ctx;
    /* size 1, 2, 4, 8. False: nothing answers there (external abort). */
    bool (*mmio_read)(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value);
    bool (*mmio_write)(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value);
    /* Registers that belong to the interrupt controller (ICC_*_EL1). False: UNDEFINED. */
    bool (*sysreg_read)(void *ctx, unsigned vcpu, uint32_t reg, uint64_t *value);
    bool (*sysreg_write)(void *ctx, unsigned vcpu, uint32_t reg, uint64_t value);
    /* HVC #0 by the SMC calling convention: x0-x17 in and out. May change the power state of any vCPU. */
    void (*hvc)(void *ctx, unsigned vcpu, uint64_t x[18]);
    /* The generic timer's output (PPI 27 virtual, 30 physical). Also called from the timer's own thread. */
    void (*timer_line)(void *ctx, unsigned vcpu, unsigned ppi, bool level);
};

enum engine_exit {
    ENGINE_EXIT_KICKED, /* vcpu_kick() was called; state is between two instructions */
    ENGINE_EXIT_ERROR,  /* the engine cannot go on; a line was logged */
};

enum engine_line { ENGINE_IRQ, ENGINE_FIQ };

enum engine_reg {
    ENGINE_X0 = 0, /* ... X30 = 30 */
    ENGINE_SP = 31,
    ENGINE_PC,
    ENGINE_PSTATE, /* in the layout of SPSR_EL1 */
};

/* Counters since the VM was made; those an engine does not have are 0. */
struct engine_stats {
    uint64_t instructions; /* if engine_config.count_instructions */
    uint64_t exits_mmio, exits_sysreg, exits_hvc, exits_wfi;
    uint64_t exceptions;
    uint64_t tlb_misses, tlb_flushes;
    uint64_t code_invalidations;
    uint64_t translations, chained; /* regions of translated code, and jumps between them */
    uint64_t code_flushes;          /* translated code was given up, a part of it or all */
    uint64_t run_ns;                /* host CPU time of the vCPU thread inside vcpu_run() and not asleep */
};

struct engine_config {
    struct memory *memory;                /* the engine listens to it */
    const struct engine_machine *machine; /* outlives the VM */
    uint64_t ram_size;                    /* bytes; what the engine keeps for itself grows with it */
    unsigned vcpus;                       /* 1 to 8 */
    const char *options;                  /* the engine's own, or NULL (soft.c) */
    const char *profile;                  /* FILE[,symbols=FILE] (soft/profile.h), or NULL */
    bool count_instructions;              /* for engine_stats, which takes a twentieth of the time */
};

struct engine {
    const char *name;
    int (*vm_create)(struct engine_vm **vm, const struct engine_config *config, struct error *e);
    void (*vm_destroy)(struct engine_vm *vm); /* after every vCPU thread has returned */

    /* All vCPUs exist from vm_create() on, numbered from 0; MPIDR_EL1.Aff0 is the number. */
    struct engine_vcpu *(*vcpu)(struct engine_vm *vm, unsigned index);

    /* Power-on state: EL1h, MMU and caches off, DAIF set, x0 = context, pc = entry. Only while not running.
     */
    void (*vcpu_reset)(struct engine_vcpu *vcpu, uint64_t entry, uint64_t context);
    enum engine_exit (*vcpu_run)(struct engine_vcpu *vcpu);
    /* Makes the current or the next vcpu_run() return soon. */
    void (*vcpu_kick)(struct engine_vcpu *vcpu);
    void (*vcpu_interrupt)(struct engine_vcpu *vcpu, enum engine_line line, bool level);

    uint64_t (*vcpu_get)(struct engine_vcpu *vcpu, enum engine_reg reg);
    void (*vcpu_set)(struct engine_vcpu *vcpu, enum engine_reg reg, uint64_t value);

    /* The guest's counter stands still between stop and start (pause, snapshots). */
    void (*clock_stop)(struct engine_vm *vm);
    void (*clock_start)(struct engine_vm *vm);

    void (*vcpu_stats)(struct engine_vcpu *vcpu, struct engine_stats *out);
};

extern const struct engine engine_soft;
