/* TLBI and IC for other vCPUs; soft_vm.h says how it works. */
#include <sched.h>
#include <string.h>

#include "cpu/soft/mem.h"
#include "cpu/soft/soft_vm.h"

/* Looks before a waiting thread gives its core away: about the time an instruction may take. */
enum { SPINS = 2000 };

static void relax(void) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

void shootdown_perform(struct cpu *cpu, const struct shootdown_request *request) {
    switch (request->kind) {
    case SHOOTDOWN_FENCE: break;
    case SHOOTDOWN_TLB_ALL: tlb_flush_all(cpu); break;
    case SHOOTDOWN_TLB_ASID: tlb_flush_asid(cpu, request->asid); break;
    case SHOOTDOWN_TLB_PAGES: tlb_flush_pages(cpu, request->address, request->count, request->asid); break;
    case SHOOTDOWN_CODE_PAGE: code_invalidate_page(cpu, request->address); break;
    case SHOOTDOWN_CODE_ALL: code_invalidate_all(cpu); break;
    }
}

static bool same(const struct shootdown_request *a, const struct shootdown_request *b) {
    return a->kind == b->kind && a->asid == b->asid && a->address == b->address && a->count == b->count;
}

static void append(struct shootdown_request *list, unsigned *count, const struct shootdown_request *request,
    enum shootdown_kind all) {
    if (*count && (list[0].kind == all || same(&list[*count - 1], request)))
        return;
    if (*count == SHOOTDOWN_REQUESTS || request->kind == all) {
        list[0] = (struct shootdown_request){.kind = all};
        *count = 1;
        return;
    }
    list[(*count)++] = *request;
}

/* Returns what `served` must reach for the request to be done. */
static uint64_t post(struct cpu *target, const struct shootdown_request *request) {
    struct shootdown_box *box = target->box;
    pthread_mutex_lock(&box->lock);
    if (request->kind >= SHOOTDOWN_CODE_PAGE)
        append(box->code, &box->code_count, request, SHOOTDOWN_CODE_ALL);
    else if (request->kind != SHOOTDOWN_FENCE)
        append(box->tlb, &box->tlb_count, request, SHOOTDOWN_TLB_ALL);
    uint64_t ticket = ++box->posted;
    pthread_mutex_unlock(&box->lock);
    /* Pairs with shootdown_active(): either it sees the flag, or the poster sees it quiescent and active
     * later. */
    atomic_fetch_or(&target->attention, ATTENTION_SHOOTDOWN);
    return ticket;
}

static void await(struct cpu *target, uint64_t ticket) {
    struct shootdown_box *box = target->box;
    for (unsigned spins = 0; atomic_load(&box->served) < ticket && !atomic_load(&box->quiescent); spins++) {
        if (spins < SPINS)
            relax();
        else
            sched_yield();
    }
}

/* New code is written before it is looked for in code_pages: see code_announce(). */
static bool concerns(struct cpu *target, const struct shootdown_request *request) {
    return request->kind != SHOOTDOWN_CODE_PAGE || code_is_announced(target, request->address);
}

void shootdown_broadcast(struct cpu *cpu, const struct shootdown_request *request) {
    atomic_thread_fence(memory_order_seq_cst);
    for (unsigned i = 0; i < cpu->vm->count; i++)
        if (i != cpu->index && concerns(cpu->vm->cpus[i], request))
            cpu->box->awaited[i] = post(cpu->vm->cpus[i], request);
}

void cpu_dsb(struct cpu *cpu) {
    atomic_thread_fence(memory_order_seq_cst);
    bool waited = false;
    for (unsigned i = 0; i < cpu->vm->count; i++) {
        if (!cpu->box->awaited[i])
            continue;
        if (!waited)
            shootdown_quiescent(cpu);
        waited = true;
        await(cpu->vm->cpus[i], cpu->box->awaited[i]);
        cpu->box->awaited[i] = 0;
    }
    if (waited)
        shootdown_active(cpu);
}

void shootdown_synchronize(struct soft_vm *vm, enum shootdown_kind kind) {
    const struct shootdown_request request = {.kind = kind};
    uint64_t tickets[SOFT_VCPUS];
    for (unsigned i = 0; i < vm->count; i++)
        tickets[i] = post(vm->cpus[i], &request);
    for (unsigned i = 0; i < vm->count; i++)
        await(vm->cpus[i], tickets[i]);
}

/* Requests are copied out, so that nobody who posts waits for a flush. */
static void serve(struct cpu *cpu, bool code_too) {
    struct shootdown_box *box = cpu->box;
    struct shootdown_request todo[2 * SHOOTDOWN_REQUESTS];
    unsigned count = 0;

    atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_SHOOTDOWN);
    pthread_mutex_lock(&box->lock);
    memcpy(todo, box->tlb, box->tlb_count * sizeof *todo);
    count = box->tlb_count;
    box->tlb_count = 0;
    if (code_too) {
        memcpy(todo + count, box->code, box->code_count * sizeof *todo);
        count += box->code_count;
        box->code_count = 0;
    }
    bool all = box->code_count == 0;
    uint64_t posted = box->posted;
    pthread_mutex_unlock(&box->lock);

    for (unsigned i = 0; i < count; i++)
        shootdown_perform(cpu, &todo[i]);
    if (all)
        atomic_store(&box->served, posted);
    else
        atomic_fetch_or(&cpu->attention, ATTENTION_SHOOTDOWN);
}

void shootdown_serve(struct cpu *cpu) {
    serve(cpu, true);
}

void shootdown_quiescent(struct cpu *cpu) {
    atomic_store(&cpu->box->quiescent, true);
}

void shootdown_active(struct cpu *cpu) {
    atomic_store(&cpu->box->quiescent, false);
    if (atomic_load(&cpu->attention) & ATTENTION_SHOOTDOWN)
        serve(cpu, false);
}
