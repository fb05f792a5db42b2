/* The log of what translated code does, and its checkpoints (verify.h). */
#include "cpu/soft/jit/verify.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/soft/jit/internal.h"
#include "cpu/soft/soft_vm.h"
#include "util/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* --- the log */

/* What the store logged last did to memory. */
static void finish_store(struct verify *verify) {
    struct verify_access *last = verify->count ? &verify->log[verify->count - 1] : NULL;
    if (last && last->write)
        memcpy(last->new, last->host, last->size);
}

static void check_page(struct cpu *cpu, uint64_t va, uint32_t what) {
    if ((va & ~PAGE_MASK) + (what & VERIFY_SIZE) <= PAGE_SIZE_4K)
        return;
    log_warn("verify: vCPU %u: at 0x%llx, translated code accesses %u bytes at 0x%llx, across a page",
        cpu->index, (unsigned long long)(cpu->page_va | what >> VERIFY_OFFSET_SHIFT), what & VERIFY_SIZE,
        (unsigned long long)va);
    cpu->verify->failed = true;
    atomic_fetch_or(&cpu->attention, ATTENTION_VERIFY);
}

/* Checks what translated code found in the TLB, as far as the entry is still there. */
static void check_lookup(struct cpu *cpu, const uint8_t *host, uint64_t va, uint32_t what) {
    unsigned mmu = what & VERIFY_USER ? (unsigned)MMU_EL0 : cpu->mmu_index;
    const struct tlb_entry *entry = tlb_slot(cpu, mmu, va);
    uint64_t tag = what & VERIFY_WRITE ? entry->write : entry->read;
    if (tag == (va & PAGE_MASK) && (uintptr_t)host != va + entry->addend) {
        log_warn("verify: vCPU %u: at 0x%llx, translated code accesses host address %p for 0x%llx, not %p",
            cpu->index, (unsigned long long)(cpu->page_va | what >> VERIFY_OFFSET_SHIFT), (const void *)host,
            (unsigned long long)va, (void *)(uintptr_t)(va + entry->addend));
        cpu->verify->failed = true;
        atomic_fetch_or(&cpu->attention, ATTENTION_VERIFY);
    }
}

uint8_t *verify_access(struct cpu *cpu, uint8_t *host, uint64_t va, uint32_t what) {
    struct verify *verify = cpu->verify;
    finish_store(verify);
    check_page(cpu, va, what);
    check_lookup(cpu, host, va, what);
    if (verify->count == VERIFY_ACCESSES) {
        verify->overflow = true;
        return host;
    }
    struct verify_access *access = &verify->log[verify->count++];
    access->va = va;
    access->host = host;
    access->page_offset = (uint16_t)(what >> VERIFY_OFFSET_SHIFT);
    access->size = what & VERIFY_SIZE;
    access->write = what & VERIFY_WRITE;
    memcpy(access->old, host, access->size);
    if (verify->count >= verify->enough)
        atomic_fetch_or(&cpu->attention, ATTENTION_VERIFY);
    return access->write ? host : access->old;
}

/* --- checkpoints */

/* xorshift: stretches of all lengths, so that regions are left at all places. */
static unsigned next_length(struct verify *verify) {
    uint32_t r = verify->random;
    r ^= r << 13;
    r ^= r >> 17;
    r ^= r << 5;
    verify->random = r;
    return 1 + (r & (r >> 12) & (VERIFY_ENOUGH - 1));
}

static void start(struct verify *verify, const char *since) {
    verify->since = since;
    verify->since_pc = verify->cpu->pc;
    pthread_mutex_lock(&lock);
    verify->running = true;
    verify->count = 0;
    verify->enough = next_length(verify);
    verify->overflow = false;
}

static _Noreturn void fail(struct cpu *cpu) {
    cpu->verify->failed = true;
    longjmp(cpu->unwind, 1);
}

/* Gives the lock back, and compares. */
static void checkpoint(struct cpu *cpu, unsigned what) {
    struct verify *verify = cpu->verify;
    finish_store(verify);
    verify->running = false;
    atomic_fetch_and(&cpu->attention, ~(uint32_t)ATTENTION_VERIFY);
    pthread_mutex_unlock(&lock);
    if (verify->failed)
        fail(cpu);
    if (verify->overflow)
        return;
    const uint32_t mxcsr = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(cpu->host_mxcsr);
    bool same = verify_replay(verify, what);
    __builtin_ia32_ldmxcsr(mxcsr);
    if (!same)
        fail(cpu);
}

void verify_begin(struct cpu *cpu) {
    verify_copy_state(cpu->verify->shadow, cpu);
    start(cpu->verify, "entering");
}

void verify_end(struct cpu *cpu) {
    checkpoint(cpu, VERIFY_ALL);
}

void verify_unwound(struct cpu *cpu) {
    if (cpu->verify->running)
        pthread_mutex_unlock(&lock);
    cpu->verify->running = false;
}

/* The stubs that lead here leave the flags of floating point in MXCSR. */
void verify_pause(struct cpu *cpu) {
    enum { FLAGS = 0x3f };
    cpu->mxcsr |= __builtin_ia32_stmxcsr() & FLAGS;
    cpu_fp_fold_flags(cpu);
    checkpoint(cpu, VERIFY_ALL);
}

void verify_resume(struct cpu *cpu) {
    verify_begin(cpu);
}

/* In the middle of a region, NZCV is in memory where somebody may still read it: the handler may raise. What
 * a translation computed before it bailed out has left its flags in FPSR, which must be those of the whole
 * instruction.
 */
void verify_handler(struct cpu *cpu, const struct a64_insn *insn) {
    const bool bailed_out = jit_forms[insn->op].emit && jit_forms[insn->op].use & JIT_FP_ARITH;
    cpu_fp_fold_flags(cpu);
    cpu->next_pc = cpu->pc + 4;
    checkpoint(cpu, bailed_out ? VERIFY_NZCV : VERIFY_ALL);
    struct cpu *shadow = cpu->verify->shadow;
    a64_exec[insn->op](cpu, insn);
    if (bailed_out)
        a64_exec[insn->op](shadow, insn);
    if (cpu->fpsr != shadow->fpsr && bailed_out) {
        log_warn("verify: vCPU %u: %s at 0x%llx leaves FPSR 0x%x, interpreted 0x%x", cpu->index,
            a64_op_name(insn->op), (unsigned long long)cpu->pc, cpu->fpsr, shadow->fpsr);
        fail(cpu);
    }
    verify_copy_state(cpu->verify->shadow, cpu);
    cpu->verify->shadow->pc = cpu->next_pc;
    start(cpu->verify, "the handler of");
}

/* At the end of a region everything is in memory. */
void verify_handler_end(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_fp_fold_flags(cpu);
    checkpoint(cpu, VERIFY_ALL);
    a64_exec[insn->op](cpu, insn);
    verify_copy_state(cpu->verify->shadow, cpu);
    cpu->verify->shadow->pc = cpu->next_pc;
    start(cpu->verify, "the last handler of a region, of");
}

/* --- life */

static struct cpu *create_shadow(struct cpu *cpu) {
    struct cpu *shadow = aligned_alloc(64, (sizeof *shadow + 63) & ~(size_t)63);
    if (!shadow)
        return NULL;
    memset(shadow, 0, sizeof *shadow);
    shadow->vm = cpu->vm;
    shadow->index = cpu->index;
    shadow->box = cpu->box;
    shadow->code = cpu->code;
    shadow->replay = cpu->verify;
    if (tlb_create(shadow) == 0) /* stays empty: every access is a slow one */
        return shadow;
    free(shadow);
    return NULL;
}

int verify_create(struct cpu *cpu) {
    struct verify *verify = cpu->verify = calloc(1, sizeof *verify);
    if (!verify)
        return -1;
    verify->cpu = cpu;
    verify->random = 2463534242u + cpu->index;
    verify->log = malloc(VERIFY_ACCESSES * sizeof *verify->log);
    verify->shadow = create_shadow(cpu);
    verify->nearest = malloc(sizeof *verify->nearest);
    if (verify->log && verify->shadow && verify->nearest)
        return 0;
    verify_destroy(cpu);
    return -1;
}

void verify_destroy(struct cpu *cpu) {
    struct verify *verify = cpu->verify;
    if (!verify)
        return;
    if (verify->shadow)
        tlb_destroy(verify->shadow);
    free(verify->shadow);
    free(verify->nearest);
    free(verify->log);
    free(verify);
    cpu->verify = NULL;
}
