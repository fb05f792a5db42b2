/* The threads that run vCPUs, one each, and the vCPUs' power states (PSCI). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/engine.h"
#include "util/error.h"

struct vcpus;

/* In the encoding of PSCI AFFINITY_INFO. */
enum vcpu_power { VCPU_ON, VCPU_OFF, VCPU_ON_PENDING };

struct vcpus_hooks {
    void *ctx;
    /* A vCPU lost power, on its thread. */
    void (*powered_off)(void *ctx, unsigned cpu);
    /* All vCPUs stopped after vcpus_halt() or because an engine failed. On a vCPU's thread, which must not be
     * made to wait for vCPUs. */
    void (*halted)(void *ctx, bool failed);
};

/* Threads exist from here on and sleep; every vCPU is off. The engine's VM outlives them. */
struct vcpus *vcpus_create(const struct engine *engine, struct engine_vm *vm, unsigned count,
    const struct vcpus_hooks *hooks, struct error *e);
void vcpus_destroy(struct vcpus *vcpus); /* stops them first */

/* All vCPUs off, then vCPU 0 on at entry, with context in x0. While stopped. */
void vcpus_reset(struct vcpus *vcpus, uint64_t entry, uint64_t context);

/* Lets vCPUs that are on execute; nothing happens after a halt until vcpus_reset(). */
void vcpus_go(struct vcpus *vcpus);
/* Stops every vCPU between two instructions and waits for that. Not on a vCPU's thread. */
void vcpus_stop(struct vcpus *vcpus);
/* Stops them without waiting; hooks.halted() follows. Any thread, a vCPU's too. */
void vcpus_halt(struct vcpus *vcpus);

/* For PSCI, on vCPU threads. cpu must exist. */
enum vcpu_power vcpus_power(struct vcpus *vcpus, unsigned cpu);
/* What the state was before: only a vCPU that is off is turned on. */
enum vcpu_power vcpus_on(struct vcpus *vcpus, unsigned cpu, uint64_t entry, uint64_t context);
/* Turns the calling vCPU off when its thread gets back from the engine. */
void vcpus_off(struct vcpus *vcpus, unsigned cpu);

unsigned vcpus_count(const struct vcpus *vcpus);
