/* What the vCPUs of one VM share. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bus/memory.h"
#include "cpu/engine.h"
#include "cpu/soft/cpu.h"

enum { SOFT_VCPUS = 8 };

enum { SOFT_SLOTS = 4104 };

/* Guest memory as the vCPUs look it up: not changed while published, replaced as a whole. */
struct soft_slots {
    size_t count;
    const struct memory_slot *largest;   /* tried first; NULL when there is none */
    struct memory_slot slot[SOFT_SLOTS]; /* by gpa */
};

struct soft_vm {
    const struct engine_machine *machine;
    struct cpu *cpus[SOFT_VCPUS];
    unsigned count;
    struct profile *profile; /* NULL: none */

    struct soft_slots *_Atomic slots; /* one of the two, in turn */
    struct soft_slots slots_pair[2];
    pthread_mutex_t slots_lock; /* of whoever replaces them */

    /* The generic timers of all vCPUs (timer.c). */
    pthread_mutex_t timer_lock;
    pthread_t timer_thread;
    bool timer_running;           /* the thread exists */
    bool timer_quit;              /* it shall end */
    int timer_alarm;              /* it sleeps until then; -1: there is none yet */
    uint64_t timer_next;          /* when that is, host_now_ns() */
    _Atomic uint64_t clock_base;  /* host_now_ns() when the counter was 0, as moved by pauses */
    _Atomic uint64_t clock_pause; /* host_now_ns() when the counter was stopped; 0: it runs */
};

/* --- memory.c */
void soft_memory_create(struct soft_vm *vm, struct memory *memory);
void soft_memory_destroy(struct soft_vm *vm);
/* The slot that holds the byte at pa, or NULL. Valid until the vCPU that asks is quiescent. */
const struct memory_slot *soft_slot_find(const struct soft_vm *vm, uint64_t pa);

/* --- timer.c */
void timer_init(struct soft_vm *vm);
/* When all vCPUs exist. */
int timer_start_thread(struct soft_vm *vm, struct error *e);
void timer_destroy(struct soft_vm *vm);
void timer_reset(struct cpu *cpu);
void clock_stop(struct soft_vm *vm);
void clock_start(struct soft_vm *vm);
/* CNTPCT_EL0, which is CNTVCT_EL0 too. */
uint64_t timer_counter(const struct soft_vm *vm);
uint64_t timer_read_ctl(struct cpu *cpu, unsigned timer);
uint64_t timer_read_cval(struct cpu *cpu, unsigned timer);
void timer_write_ctl(struct cpu *cpu, unsigned timer, uint64_t value);
void timer_write_cval(struct cpu *cpu, unsigned timer, uint64_t value);
/* Around a sleep in WFI: the vCPU looks after its own timers. begin() returns when they want it back. */
uint64_t timer_sleep_begin(struct cpu *cpu);
void timer_sleep_end(struct cpu *cpu);

/* --- shootdown.c: TLBI and IC for other vCPUs.
 *
 * A request is put in the mailbox of each other vCPU. DSB waits until each has served it or is quiescent:
 * asleep, in a device, waiting in a DSB itself, or outside vcpu_run(). A quiescent vCPU uses neither its TLB
 * nor its decoded code, and serves its mailbox before it does so again. So nobody waits for anybody who
 * waits. */
enum shootdown_kind {
    SHOOTDOWN_FENCE, /* nothing to do but to come by */
    SHOOTDOWN_TLB_ALL,
    SHOOTDOWN_TLB_ASID,
    SHOOTDOWN_TLB_PAGES,
    SHOOTDOWN_CODE_PAGE,
    SHOOTDOWN_CODE_ALL,
};

struct shootdown_request {
    enum shootdown_kind kind;
    uint32_t asid;
    uint64_t address; /* virtual for the TLB, physical for code */
    uint64_t count;   /* pages */
};

enum {
    SHOOTDOWN_REQUESTS = 256,
    SHOOTDOWN_PAGES = 1 << 19, /* physical pages, by their low bits: one bit each for 2 GiB */
};

/* When there is no room, the requests are replaced by one that does more. */
struct shootdown_box {
    pthread_mutex_t lock;
    unsigned tlb_count, code_count;
    struct shootdown_request tlb[SHOOTDOWN_REQUESTS], code[SHOOTDOWN_REQUESTS];
    uint64_t posted;         /* requests so far */
    _Atomic uint64_t served; /* how many of them were carried out */
    _Atomic bool quiescent;
    _Atomic uint64_t code_pages[SHOOTDOWN_PAGES / 64]; /* set: the owner may have decoded code of the page */
    uint64_t awaited[SOFT_VCPUS]; /* the owner's: for its next DSB, what others must have served */
};

/* To every other vCPU; completed by cpu_dsb(). */
void shootdown_broadcast(struct cpu *cpu, const struct shootdown_request *request);
/* Carries a request out on this vCPU. */
void shootdown_perform(struct cpu *cpu, const struct shootdown_request *request);
/* To every vCPU, and waits; for threads that are no vCPU, or a vCPU's that is quiescent. */
void shootdown_synchronize(struct soft_vm *vm, enum shootdown_kind kind);
/* Between instructions: all of the mailbox. */
void shootdown_serve(struct cpu *cpu);
/* Around whatever may take long. leave() serves what concerns the TLB; decoded code has to wait for the end
 * of the instruction. */
void shootdown_quiescent(struct cpu *cpu);
void shootdown_active(struct cpu *cpu);
