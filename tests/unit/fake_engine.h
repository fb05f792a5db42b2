/* An engine whose vCPUs execute nothing: vcpu_run() calls a C function, once after each reset, and sleeps
 * until it is kicked. What the machine does to vCPUs is recorded. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cpu/engine.h"

enum { FAKE_CPUS = 8 };

struct engine_vcpu {
    struct engine_vm *vm;
    unsigned index;
    bool line[2]; /* by enum engine_line */
    unsigned line_changes;
    uint64_t entry, context;
    unsigned resets, runs;
    bool kicked, running, program_due;
};

struct engine_vm {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    const struct engine_machine *machine;
    struct engine_vcpu cpu[FAKE_CPUS];
    /* What a vCPU does after a reset; may be NULL. */
    enum engine_exit (*program)(struct engine_vcpu *cpu);
    bool clock_stopped;
};

static struct engine_vm fake_vm = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static inline int fake_vm_create(struct engine_vm **vm, const struct engine_config *config, struct error *e) {
    (void)e;
    fake_vm.machine = config->machine;
    *vm = &fake_vm;
    return 0;
}

static inline void fake_vm_destroy(struct engine_vm *vm) {
    (void)vm;
}

static inline struct engine_vcpu *fake_vcpu(struct engine_vm *vm, unsigned index) {
    vm->cpu[index].vm = vm;
    vm->cpu[index].index = index;
    return &vm->cpu[index];
}

static inline void fake_vcpu_reset(struct engine_vcpu *cpu, uint64_t entry, uint64_t context) {
    pthread_mutex_lock(&cpu->vm->lock);
    if (cpu->running)
        abort(); /* "only while not running" */
    cpu->entry = entry;
    cpu->context = context;
    cpu->resets++;
    cpu->program_due = true;
    pthread_mutex_unlock(&cpu->vm->lock);
}

static inline enum engine_exit fake_vcpu_run(struct engine_vcpu *cpu) {
    struct engine_vm *vm = cpu->vm;
    enum engine_exit exit = ENGINE_EXIT_KICKED;

    pthread_mutex_lock(&vm->lock);
    if (vm->clock_stopped || cpu->running)
        abort(); /* no vCPU runs while the machine is paused, nor twice */
    cpu->running = true;
    cpu->runs++;
    pthread_cond_broadcast(&vm->changed);
    if (vm->program && cpu->program_due) {
        cpu->program_due = false;
        pthread_mutex_unlock(&vm->lock);
        exit = vm->program(cpu);
        pthread_mutex_lock(&vm->lock);
    }
    while (!cpu->kicked && exit == ENGINE_EXIT_KICKED)
        pthread_cond_wait(&vm->changed, &vm->lock);
    cpu->kicked = cpu->running = false;
    pthread_cond_broadcast(&vm->changed);
    pthread_mutex_unlock(&vm->lock);
    return exit;
}

static inline void fake_vcpu_kick(struct engine_vcpu *cpu) {
    pthread_mutex_lock(&cpu->vm->lock);
    cpu->kicked = true;
    pthread_cond_broadcast(&cpu->vm->changed);
    pthread_mutex_unlock(&cpu->vm->lock);
}

static inline void fake_vcpu_interrupt(struct engine_vcpu *cpu, enum engine_line line, bool level) {
    cpu->line[line] = level;
    cpu->line_changes++;
}

static inline void fake_clock_stop(struct engine_vm *vm) {
    vm->clock_stopped = true;
}

static inline void fake_clock_start(struct engine_vm *vm) {
    vm->clock_stopped = false;
}

static inline void fake_vcpu_stats(struct engine_vcpu *cpu, struct engine_stats *out) {
    *out = (struct engine_stats){.instructions = cpu->runs};
}

/* Waits until a vCPU has been entered count times in all. */
static inline void fake_wait_runs(unsigned index, unsigned count) {
    pthread_mutex_lock(&fake_vm.lock);
    while (fake_vm.cpu[index].runs < count)
        pthread_cond_wait(&fake_vm.changed, &fake_vm.lock);
    pthread_mutex_unlock(&fake_vm.lock);
}

/* Forgets everything; no thread may use the engine. */
static inline void fake_reset(void) {
    for (unsigned i = 0; i < FAKE_CPUS; i++)
        fake_vm.cpu[i] = (struct engine_vcpu){.vm = &fake_vm, .index = i};
    fake_vm.program = NULL;
    fake_vm.clock_stopped = false;
}

static const struct engine fake_engine = {
    .name = "fake",
    .vm_create = fake_vm_create,
    .vm_destroy = fake_vm_destroy,
    .vcpu = fake_vcpu,
    .vcpu_reset = fake_vcpu_reset,
    .vcpu_run = fake_vcpu_run,
    .vcpu_kick = fake_vcpu_kick,
    .vcpu_interrupt = fake_vcpu_interrupt,
    .clock_stop = fake_clock_stop,
    .clock_start = fake_clock_start,
    .vcpu_stats = fake_vcpu_stats,
};
