/* The engine that executes guests in software: struct engine for it (cpu/engine.h). */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu/soft/jit/jit.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/profile.h"
#include "cpu/soft/soft_vm.h"
#include "cpu/soft/sysreg.h"

static struct soft_vm *vm_of(struct engine_vm *vm) {
    return (struct soft_vm *)vm;
}
static struct cpu *cpu_of(struct engine_vcpu *vcpu) {
    return (struct cpu *)vcpu;
}

/* --- life */

static void cpu_destroy(struct cpu *cpu) {
    if (!cpu)
        return;
    jit_destroy(cpu);
    code_cache_destroy(cpu);
    tlb_destroy(cpu);
    if (cpu->box)
        pthread_mutex_destroy(&cpu->box->lock);
    free(cpu->box);
    free(cpu);
}

/* --engine soft: what is executed often is translated, where the host has a translator. soft,interp: nothing
 * is. For tests, soft,eager: everything is at once, and every exception sees all flags; soft,verify: what is
 * translated is interpreted as well, and compared; soft,eager,verify: both. */
enum { CODE_SHARE = 20 }; /* the guest's memory over that of all its vCPUs' translations */

struct translate {
    bool translate;
    struct jit_options jit;
};

static int parse_options(const char *options, struct translate *how, struct error *e) {
    static const struct {
        const char *name;
        struct translate how;
    } known[] = {
        {"interp", {.translate = false}},
        {"eager", {.translate = true, .jit = {.eager = true}}},
        {"verify", {.translate = true, .jit = {.verify = true}}},
        {"eager,verify", {.translate = true, .jit = {.eager = true, .verify = true}}},
    };
    *how = (struct translate){.translate = jit_available()};
    if (!options)
        return 0;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(options, known[i].name) != 0)
            continue;
        if (known[i].how.translate && !jit_available())
            return error_set(e, "--engine soft,%s: this host has no translator; use --engine soft", options);
        *how = known[i].how;
        return 0;
    }
    return error_set(e, "--engine soft,%s: expected soft; soft,interp; soft,eager; or soft,verify", options);
}

static struct cpu *cpu_create(struct soft_vm *vm, unsigned index, const struct translate *how) {
    struct cpu *cpu = aligned_alloc(64, (sizeof *cpu + 63) & ~(size_t)63);
    if (!cpu)
        return NULL;
    memset(cpu, 0, sizeof *cpu);
    cpu->vm = vm;
    cpu->index = index;
    cpu->box = calloc(1, sizeof *cpu->box);
    if (cpu->box) {
        pthread_mutex_init(&cpu->box->lock, NULL);
        atomic_store(&cpu->box->quiescent, true);
    }
    if (!cpu->box || tlb_create(cpu) < 0 || code_cache_create(cpu) < 0 ||
        (how->translate && jit_create(cpu, &how->jit) < 0)) {
        cpu_destroy(cpu);
        return NULL;
    }
    return cpu;
}

static void vcpu_reset(struct engine_vcpu *vcpu, uint64_t entry, uint64_t context) {
    struct cpu *cpu = cpu_of(vcpu);
    memset(cpu->x, 0, sizeof cpu->x);
    memset(cpu->v, 0, sizeof cpu->v);
    memset(cpu->sp_bank, 0, sizeof cpu->sp_bank);
    cpu->fpcr = cpu->fpsr = 0;
    cpu->exclusive_addr = UINT64_MAX;
    cpu->stepping = false;
    atomic_store(&cpu->event, false);
    sysreg_reset(cpu);
    timer_reset(cpu);
    code_invalidate_all(cpu); /* RAM is loaded anew */
    tlb_flush_all(cpu);
    tlb_switch_asid(cpu, 0);
    cpu_set_pstate(cpu, 0x3c5); /* EL1h, DAIF masked */
    cpu->x[0] = context;
    cpu->pc = cpu->next_pc = entry;
}

static void vm_destroy(struct engine_vm *engine_vm) {
    struct soft_vm *vm = vm_of(engine_vm);
    if (!vm)
        return;
    timer_destroy(vm);
    profile_destroy(vm->profile);
    for (unsigned i = 0; i < SOFT_VCPUS; i++)
        cpu_destroy(vm->cpus[i]);
    soft_memory_destroy(vm);
    free(vm);
}

static int vm_create(struct engine_vm **out, const struct engine_config *config, struct error *e) {
    if (config->vcpus < 1 || config->vcpus > SOFT_VCPUS)
        return error_set(e, "%u vCPUs: there can be 1 to %u", config->vcpus, SOFT_VCPUS);
    struct translate how;
    if (parse_options(config->options, &how, e) < 0)
        return -1;
    how.jit.count = config->count_instructions;
    how.jit.memory = config->ram_size / CODE_SHARE / config->vcpus;
    struct soft_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        return error_set(e, "no memory for the virtual machine's CPUs");
    vm->machine = config->machine;
    sysreg_init();
    timer_init(vm);
    soft_memory_create(vm, config->memory);
    for (unsigned i = 0; i < config->vcpus; i++) {
        vm->cpus[i] = cpu_create(vm, i, &how);
        if (!vm->cpus[i]) {
            vm_destroy((struct engine_vm *)vm);
            return error_set(e, "no memory for the virtual machine's CPUs");
        }
        vm->count++;
    }
    for (unsigned i = 0; i < vm->count; i++)
        vcpu_reset((struct engine_vcpu *)vm->cpus[i], 0, 0);
    if (config->profile)
        vm->profile = profile_create(config->profile, vm, e);
    if ((config->profile && (!vm->profile || profile_start(vm->profile, e) < 0)) ||
        timer_start_thread(vm, e) < 0) {
        vm_destroy((struct engine_vm *)vm);
        return -1;
    }
    *out = (struct engine_vm *)vm;
    return 0;
}

static struct engine_vcpu *vm_vcpu(struct engine_vm *vm, unsigned index) {
    return index < vm_of(vm)->count ? (struct engine_vcpu *)vm_of(vm)->cpus[index] : NULL;
}

/* --- running */

static uint64_t thread_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static enum engine_exit vcpu_run(struct engine_vcpu *vcpu) {
    struct cpu *cpu = cpu_of(vcpu);
    uint64_t start = thread_ns();
    shootdown_active(cpu);
    enum engine_exit reason = cpu_run(cpu);
    shootdown_quiescent(cpu);
    cpu->stats.run_ns += thread_ns() - start;
    return reason;
}

bool cpu_attend(struct cpu *cpu) {
    uint32_t attention = atomic_load(&cpu->attention);
    if (attention & ATTENTION_SHOOTDOWN)
        shootdown_serve(cpu);
    if (attention & ATTENTION_SAMPLE) {
        atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_SAMPLE);
        profile_sample(cpu);
    }
    if (attention & ATTENTION_KICK) {
        atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_KICK);
        return true;
    }
    if (attention & ATTENTION_EVERY)
        cpu_debug_before(cpu);
    if (attention & ATTENTION_INTERRUPT)
        cpu_take_interrupts(cpu);
    return false;
}

void cpu_hvc(struct cpu *cpu) {
    const struct engine_machine *machine = cpu->vm->machine;
    cpu->stats.exits_hvc++;
    shootdown_quiescent(cpu);
    machine->hvc(machine->ctx, cpu->index, cpu->x);
    shootdown_active(cpu);
}

static void vcpu_kick(struct engine_vcpu *vcpu) {
    cpu_attract(cpu_of(vcpu), ATTENTION_KICK);
}

static void vcpu_interrupt(struct engine_vcpu *vcpu, enum engine_line line, bool level) {
    struct cpu *cpu = cpu_of(vcpu);
    if (level) {
        atomic_fetch_or(&cpu->lines, 1u << line);
        cpu_attract(cpu, ATTENTION_INTERRUPT);
    } else {
        atomic_fetch_and(&cpu->lines, ~(1u << line));
    }
}

/* --- state */

static uint64_t vcpu_get(struct engine_vcpu *vcpu, enum engine_reg reg) {
    const struct cpu *cpu = cpu_of(vcpu);
    switch (reg) {
    case ENGINE_SP: return cpu->x[REG_SP];
    case ENGINE_PC: return cpu->pc;
    case ENGINE_PSTATE: return cpu_pstate(cpu);
    default: return reg < ENGINE_SP ? cpu->x[reg] : 0;
    }
}

static void vcpu_set(struct engine_vcpu *vcpu, enum engine_reg reg, uint64_t value) {
    struct cpu *cpu = cpu_of(vcpu);
    switch (reg) {
    case ENGINE_SP: cpu->x[REG_SP] = value; break;
    case ENGINE_PC: cpu->pc = cpu->next_pc = value; break;
    case ENGINE_PSTATE: cpu_set_pstate(cpu, value); break;
    default:
        if (reg < ENGINE_SP)
            cpu->x[reg] = value;
    }
}

static void vm_clock_stop(struct engine_vm *vm) {
    clock_stop(vm_of(vm));
}
static void vm_clock_start(struct engine_vm *vm) {
    clock_start(vm_of(vm));
}

static void vcpu_stats(struct engine_vcpu *vcpu, struct engine_stats *out) {
    *out = cpu_of(vcpu)->stats;
}

const struct engine engine_soft = {
    .name = "soft",
    .vm_create = vm_create,
    .vm_destroy = vm_destroy,
    .vcpu = vm_vcpu,
    .vcpu_reset = vcpu_reset,
    .vcpu_run = vcpu_run,
    .vcpu_kick = vcpu_kick,
    .vcpu_interrupt = vcpu_interrupt,
    .vcpu_get = vcpu_get,
    .vcpu_set = vcpu_set,
    .clock_stop = vm_clock_stop,
    .clock_start = vm_clock_start,
    .vcpu_stats = vcpu_stats,
};
