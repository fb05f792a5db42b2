/* WFI, WFE and SEV: vCPUs that wait. */
#include <sched.h>

#include "cpu/soft/soft_vm.h"
#include "host/clock.h"
#include "host/sleep.h"

/* A waiting loop of spinlocks turns this often before its WFEs sleep; a pause of that long begins a new loop.
 * Nothing tells a WFE that another vCPU wrote to the monitored address, so sleeps are short. */
enum { WFE_YIELDS = 50, WFE_SLEEP_NS = 50000, WFE_PAUSE_NS = 200000 };

/* A guest that sleeps for less polls, and mostly for its GPU: Mesa's Venus waits in naps of 160 us. When it
 * wakes it does not interrupt what it waits for. */
enum { NAP_NS = 1000000 };

void cpu_attract(struct cpu *cpu, uint32_t flags) {
    atomic_fetch_or(&cpu->attention, flags);
    if (atomic_load(&cpu->asleep))
        host_wake_all(&cpu->attention);
}

/* Reasons not to sleep on: pending interrupts wake whether PSTATE masks them or not. */
static bool awake(struct cpu *cpu, uint32_t attention) {
    return (attention & ATTENTION_KICK) || atomic_load(&cpu->lines);
}

static void sleep_begin(struct cpu *cpu) {
    shootdown_quiescent(cpu);
    atomic_store(&cpu->asleep, true);
}

static void sleep_end(struct cpu *cpu) {
    atomic_store(&cpu->asleep, false);
    shootdown_active(cpu);
}

void cpu_wfi(struct cpu *cpu) {
    cpu->stats.exits_wfi++;
    if (awake(cpu, atomic_load(&cpu->attention)))
        return;
    uint64_t deadline = timer_sleep_begin(cpu);
    host_wake_politely(deadline < host_now_ns() + NAP_NS);
    sleep_begin(cpu);
    for (;;) {
        /* Without the flag, so that an interrupt from here on changes the word. */
        uint32_t attention = atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_INTERRUPT);
        attention &= ~(uint32_t)ATTENTION_INTERRUPT;
        if (awake(cpu, attention) || host_now_ns() >= deadline)
            break;
        host_sleep_on(&cpu->attention, attention, deadline);
    }
    sleep_end(cpu);
    timer_sleep_end(cpu);
    if (atomic_load(&cpu->lines))
        atomic_fetch_or(&cpu->attention, ATTENTION_INTERRUPT);
}

void cpu_wfe(struct cpu *cpu) {
    if (atomic_exchange(&cpu->event, false) || awake(cpu, atomic_load(&cpu->attention)))
        return;
    uint64_t now = host_now_ns();
    if (now - cpu->wfe_last > WFE_PAUSE_NS)
        cpu->wfe_streak = 0;
    cpu->wfe_last = now;
    sleep_begin(cpu);
    if (cpu->wfe_streak++ < WFE_YIELDS) {
        sched_yield();
    } else {
        uint32_t attention = atomic_load(&cpu->attention);
        if (!awake(cpu, attention) && !atomic_exchange(&cpu->event, false))
            host_sleep_on(&cpu->attention, attention, now + WFE_SLEEP_NS);
        cpu->wfe_last = host_now_ns();
    }
    sleep_end(cpu);
}

void cpu_sevl(struct cpu *cpu) {
    atomic_store(&cpu->event, true);
}

void cpu_sev(struct cpu *cpu) {
    for (unsigned i = 0; i < cpu->vm->count; i++) {
        struct cpu *other = cpu->vm->cpus[i];
        atomic_store(&other->event, true);
        if (other != cpu && atomic_load(&other->asleep))
            host_wake_all(&other->attention);
    }
}
