#include "board/vcpus.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VCPUS = 8 };

struct vcpu {
    struct vcpus *vcpus;
    struct engine_vcpu *engine;
    unsigned index;
    pthread_t thread;
    /* Guarded by the lock. */
    enum vcpu_power power;
    uint64_t entry, context; /* to start with, while VCPU_ON_PENDING */
};

struct vcpus {
    const struct engine *engine;
    unsigned count;
    struct vcpus_hooks hooks;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* any of: */
    bool go;                /* vCPUs may execute */
    bool halted;            /* by vcpus_halt(): go stays false until a reset */
    bool announced;         /* hooks.halted() was called */
    bool failed;
    bool quit;
    unsigned executing; /* threads inside the engine */

    struct vcpu cpu[MAX_VCPUS];
};

/* With the lock held. */
static void kick_all(struct vcpus *vcpus) {
    for (unsigned i = 0; i < vcpus->count; i++)
        vcpus->engine->vcpu_kick(vcpus->cpu[i].engine);
}

/* With the lock held: once a halt is complete, tells so. */
static void announce_halt(struct vcpus *vcpus) {
    if (!vcpus->halted || vcpus->executing || vcpus->announced)
        return;
    vcpus->announced = true;
    vcpus->hooks.halted(vcpus->hooks.ctx, vcpus->failed);
}

static void halt_locked(struct vcpus *vcpus) {
    vcpus->go = false;
    vcpus->halted = true;
    kick_all(vcpus);
    announce_halt(vcpus);
}

/* With the lock held, which is given up while the engine runs. */
static void execute(struct vcpu *cpu) {
    struct vcpus *vcpus = cpu->vcpus;

    if (cpu->power == VCPU_ON_PENDING) {
        vcpus->engine->vcpu_reset(cpu->engine, cpu->entry, cpu->context);
        cpu->power = VCPU_ON;
    }
    vcpus->executing++;
    pthread_mutex_unlock(&vcpus->lock);
    enum engine_exit exit = vcpus->engine->vcpu_run(cpu->engine);
    pthread_mutex_lock(&vcpus->lock);
    vcpus->executing--;
    if (exit == ENGINE_EXIT_ERROR) {
        cpu->power = VCPU_OFF;
        vcpus->failed = true;
        halt_locked(vcpus);
    }
    announce_halt(vcpus);
    if (!vcpus->executing)
        pthread_cond_broadcast(&vcpus->changed);
}

static void *vcpu_thread(void *arg) {
    struct vcpu *cpu = arg;
    struct vcpus *vcpus = cpu->vcpus;

    pthread_mutex_lock(&vcpus->lock);
    while (!vcpus->quit) {
        if (vcpus->go && cpu->power != VCPU_OFF)
            execute(cpu);
        else
            pthread_cond_wait(&vcpus->changed, &vcpus->lock);
    }
    pthread_mutex_unlock(&vcpus->lock);
    return NULL;
}

/* Signals from outside are for the main thread; only those that an instruction raises stay open here. */
static int start_thread(struct vcpu *cpu) {
    sigset_t blocked, old;
    char name[16];

    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGTRAP);
    pthread_sigmask(SIG_SETMASK, &blocked, &old);
    int failed = pthread_create(&cpu->thread, NULL, vcpu_thread, cpu);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (failed)
        return failed;
    snprintf(name, sizeof name, "vcpu%u", cpu->index);
    pthread_setname_np(cpu->thread, name);
    return 0;
}

struct vcpus *vcpus_create(const struct engine *engine, struct engine_vm *vm, unsigned count,
    const struct vcpus_hooks *hooks, struct error *e) {
    struct vcpus *vcpus = calloc(1, sizeof *vcpus);
    if (!vcpus) {
        error_set(e, "out of memory");
        return NULL;
    }
    vcpus->engine = engine;
    vcpus->hooks = *hooks;
    pthread_mutex_init(&vcpus->lock, NULL);
    pthread_cond_init(&vcpus->changed, NULL);
    for (unsigned i = 0; i < count; i++) {
        struct vcpu *cpu = &vcpus->cpu[i];
        *cpu = (struct vcpu){.vcpus = vcpus, .engine = engine->vcpu(vm, i), .index = i, .power = VCPU_OFF};
        int failed = start_thread(cpu);
        if (failed) {
            error_set(e, "cannot start a thread for vCPU %u: %s", i, strerror(failed));
            vcpus_destroy(vcpus);
            return NULL;
        }
        pthread_mutex_lock(&vcpus->lock);
        vcpus->count = i + 1;
        pthread_mutex_unlock(&vcpus->lock);
    }
    return vcpus;
}

void vcpus_destroy(struct vcpus *vcpus) {
    if (!vcpus)
        return;
    vcpus_stop(vcpus);
    pthread_mutex_lock(&vcpus->lock);
    vcpus->quit = true;
    pthread_cond_broadcast(&vcpus->changed);
    pthread_mutex_unlock(&vcpus->lock);
    for (unsigned i = 0; i < vcpus->count; i++)
        pthread_join(vcpus->cpu[i].thread, NULL);
    pthread_cond_destroy(&vcpus->changed);
    pthread_mutex_destroy(&vcpus->lock);
    free(vcpus);
}

static void turn_on(struct vcpu *cpu, uint64_t entry, uint64_t context) {
    cpu->entry = entry;
    cpu->context = context;
    cpu->power = VCPU_ON_PENDING;
}

void vcpus_reset(struct vcpus *vcpus, uint64_t entry, uint64_t context) {
    pthread_mutex_lock(&vcpus->lock);
    for (unsigned i = 0; i < vcpus->count; i++)
        vcpus->cpu[i].power = VCPU_OFF;
    turn_on(&vcpus->cpu[0], entry, context);
    vcpus->halted = vcpus->announced = vcpus->failed = false;
    pthread_mutex_unlock(&vcpus->lock);
}

void vcpus_go(struct vcpus *vcpus) {
    pthread_mutex_lock(&vcpus->lock);
    vcpus->go = !vcpus->halted;
    pthread_cond_broadcast(&vcpus->changed);
    pthread_mutex_unlock(&vcpus->lock);
}

void vcpus_stop(struct vcpus *vcpus) {
    pthread_mutex_lock(&vcpus->lock);
    vcpus->go = false;
    kick_all(vcpus);
    while (vcpus->executing)
        pthread_cond_wait(&vcpus->changed, &vcpus->lock);
    pthread_mutex_unlock(&vcpus->lock);
}

void vcpus_halt(struct vcpus *vcpus) {
    pthread_mutex_lock(&vcpus->lock);
    halt_locked(vcpus);
    pthread_mutex_unlock(&vcpus->lock);
}

enum vcpu_power vcpus_power(struct vcpus *vcpus, unsigned cpu) {
    pthread_mutex_lock(&vcpus->lock);
    enum vcpu_power power = vcpus->cpu[cpu].power;
    pthread_mutex_unlock(&vcpus->lock);
    return power;
}

enum vcpu_power vcpus_on(struct vcpus *vcpus, unsigned cpu, uint64_t entry, uint64_t context) {
    pthread_mutex_lock(&vcpus->lock);
    enum vcpu_power before = vcpus->cpu[cpu].power;
    if (before == VCPU_OFF) {
        turn_on(&vcpus->cpu[cpu], entry, context);
        pthread_cond_broadcast(&vcpus->changed);
    }
    pthread_mutex_unlock(&vcpus->lock);
    return before;
}

void vcpus_off(struct vcpus *vcpus, unsigned cpu) {
    pthread_mutex_lock(&vcpus->lock);
    vcpus->cpu[cpu].power = VCPU_OFF;
    vcpus->engine->vcpu_kick(vcpus->cpu[cpu].engine);
    pthread_mutex_unlock(&vcpus->lock);
    vcpus->hooks.powered_off(vcpus->hooks.ctx, cpu);
}

unsigned vcpus_count(const struct vcpus *vcpus) {
    return vcpus->count;
}
