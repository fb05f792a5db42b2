/* The generic timer (ARM ARM D12): one counter for the VM, and a virtual and a physical timer for each vCPU.
 *
 * A timer's line follows its condition. Conditions change when the guest writes the registers, on the vCPU's
 * thread, and when time comes, on the timer thread; a vCPU asleep in WFI wakes for its own. */
#include <string.h>
#include <unistd.h>

#include "cpu/soft/soft_vm.h"
#include "host/alarm.h"
#include "host/clock.h"
#include "host/sleep.h"

/* CNTFRQ_EL0 is 62.5 MHz: what QEMU's machine had for years, and a shift on the host. */
enum { TICK_NS_SHIFT = 4 };

enum { CTL_ENABLE = 1, CTL_IMASK = 2, CTL_ISTATUS = 4 };

static const unsigned ppi[TIMERS] = {[TIMER_VIRTUAL] = 27, [TIMER_PHYSICAL] = 30};

uint64_t timer_counter(const struct soft_vm *vm) {
    uint64_t pause = atomic_load(&vm->clock_pause);
    uint64_t now = pause ? pause : host_now_ns();
    return (now - atomic_load(&vm->clock_base)) >> TICK_NS_SHIFT;
}

/* When the counter reaches cval, as far as that can be said in host time. */
static uint64_t deadline_of(const struct soft_vm *vm, uint64_t cval) {
    uint64_t base = atomic_load(&vm->clock_base);
    if (atomic_load(&vm->clock_pause) || cval > (HOST_FOREVER - base) >> TICK_NS_SHIFT)
        return HOST_FOREVER;
    return base + (cval << TICK_NS_SHIFT);
}

/* Sets the line by the condition. Returns when to look again. Under timer_lock. */
static uint64_t update(struct cpu *cpu, unsigned timer) {
    uint64_t ctl = cpu->sys.timer[timer].ctl, cval = cpu->sys.timer[timer].cval;
    bool counts = (ctl & CTL_ENABLE) && !(ctl & CTL_IMASK);
    bool level = counts && timer_counter(cpu->vm) >= cval;
    if (level != cpu->timer_level[timer]) {
        cpu->timer_level[timer] = level;
        const struct engine_machine *machine = cpu->vm->machine;
        machine->timer_line(machine->ctx, cpu->index, ppi[timer], level);
    }
    return counts && !level ? deadline_of(cpu->vm, cval) : HOST_FOREVER;
}

static uint64_t update_both(struct cpu *cpu) {
    uint64_t first = update(cpu, TIMER_VIRTUAL), second = update(cpu, TIMER_PHYSICAL);
    return first < second ? first : second;
}

/* Lets the timer thread sleep no longer than that. Under timer_lock. */
static void want(struct soft_vm *vm, uint64_t deadline) {
    if (deadline >= vm->timer_next)
        return;
    vm->timer_next = deadline;
    host_alarm_set(vm->timer_alarm, deadline);
}

static void changed(struct cpu *cpu, unsigned timer) {
    want(cpu->vm, update(cpu, timer));
}

/* Lets it sleep as long as no vCPU needs it. Under timer_lock. */
static void plan(struct soft_vm *vm) {
    uint64_t next = HOST_FOREVER;
    for (unsigned i = 0; i < vm->count; i++) {
        uint64_t deadline = vm->cpus[i]->timer_own ? HOST_FOREVER : update_both(vm->cpus[i]);
        next = deadline < next ? deadline : next;
    }
    if (next == vm->timer_next)
        return;
    vm->timer_next = next;
    host_alarm_set(vm->timer_alarm, next);
}

static void *timer_main(void *arg) {
    struct soft_vm *vm = arg;
    host_lock(&vm->timer_lock);
    while (!vm->timer_quit) {
        vm->timer_next = HOST_FOREVER; /* it has come */
        plan(vm);
        host_unlock(&vm->timer_lock);
        host_alarm_wait(vm->timer_alarm);
        host_lock(&vm->timer_lock);
    }
    host_unlock(&vm->timer_lock);
    return NULL;
}

void timer_init(struct soft_vm *vm) {
    pthread_mutex_init(&vm->timer_lock, NULL);
    vm->timer_next = HOST_FOREVER;
    vm->timer_alarm = -1;
    atomic_store(&vm->clock_base, host_now_ns());
}

int timer_start_thread(struct soft_vm *vm, struct error *e) {
    vm->timer_alarm = host_alarm_open(e);
    if (vm->timer_alarm < 0)
        return -1;
    int result = pthread_create(&vm->timer_thread, NULL, timer_main, vm);
    if (result)
        return error_set(e, "cannot start the timer's thread: %s", strerror(result));
    vm->timer_running = true;
    return 0;
}

void timer_destroy(struct soft_vm *vm) {
    if (vm->timer_running) {
        pthread_mutex_lock(&vm->timer_lock);
        vm->timer_quit = true;
        want(vm, 0);
        pthread_mutex_unlock(&vm->timer_lock);
        pthread_join(vm->timer_thread, NULL);
    }
    if (vm->timer_alarm >= 0)
        close(vm->timer_alarm);
    pthread_mutex_destroy(&vm->timer_lock);
}

void timer_reset(struct cpu *cpu) {
    pthread_mutex_lock(&cpu->vm->timer_lock);
    memset(cpu->sys.timer, 0, sizeof cpu->sys.timer);
    update_both(cpu);
    pthread_mutex_unlock(&cpu->vm->timer_lock);
}

void clock_stop(struct soft_vm *vm) {
    pthread_mutex_lock(&vm->timer_lock);
    if (!atomic_load(&vm->clock_pause))
        atomic_store(&vm->clock_pause, host_now_ns());
    pthread_mutex_unlock(&vm->timer_lock);
}

void clock_start(struct soft_vm *vm) {
    pthread_mutex_lock(&vm->timer_lock);
    uint64_t pause = atomic_load(&vm->clock_pause);
    if (pause) {
        atomic_fetch_add(&vm->clock_base, host_now_ns() - pause);
        atomic_store(&vm->clock_pause, 0);
        want(vm, 0);
    }
    pthread_mutex_unlock(&vm->timer_lock);
}

uint64_t timer_read_ctl(struct cpu *cpu, unsigned timer) {
    uint64_t ctl = cpu->sys.timer[timer].ctl;
    bool met = (ctl & CTL_ENABLE) && timer_counter(cpu->vm) >= cpu->sys.timer[timer].cval;
    return ctl | (met ? CTL_ISTATUS : 0);
}

uint64_t timer_read_cval(struct cpu *cpu, unsigned timer) {
    return cpu->sys.timer[timer].cval;
}

void timer_write_ctl(struct cpu *cpu, unsigned timer, uint64_t value) {
    pthread_mutex_lock(&cpu->vm->timer_lock);
    cpu->sys.timer[timer].ctl = value & (CTL_ENABLE | CTL_IMASK);
    changed(cpu, timer);
    pthread_mutex_unlock(&cpu->vm->timer_lock);
}

void timer_write_cval(struct cpu *cpu, unsigned timer, uint64_t value) {
    pthread_mutex_lock(&cpu->vm->timer_lock);
    cpu->sys.timer[timer].cval = value;
    changed(cpu, timer);
    pthread_mutex_unlock(&cpu->vm->timer_lock);
}

uint64_t timer_sleep_begin(struct cpu *cpu) {
    pthread_mutex_lock(&cpu->vm->timer_lock);
    cpu->timer_own = true;
    uint64_t deadline = update_both(cpu);
    if (deadline == cpu->vm->timer_next)
        plan(cpu->vm);
    pthread_mutex_unlock(&cpu->vm->timer_lock);
    return deadline;
}

void timer_sleep_end(struct cpu *cpu) {
    pthread_mutex_lock(&cpu->vm->timer_lock);
    cpu->timer_own = false;
    want(cpu->vm, update_both(cpu));
    pthread_mutex_unlock(&cpu->vm->timer_lock);
}
