/* The run loop of translated code: finds, makes and enters regions. What was not come to often is
 * interpreted. */
#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/jit.h"
#include "cpu/soft/jit/verify.h"

static uint32_t attention(const struct cpu *cpu) {
    return atomic_load_explicit(&cpu->attention, memory_order_relaxed);
}

/* The region is made now if it is time for that. */
static const uint8_t *resolve(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    struct code_page *code = code_enter(cpu);
    struct jit_page *page = jit_page_of(cpu, code);
    unsigned offset = cpu->pc & ~PAGE_MASK;
    uint32_t *entry = &page->entry[offset / 4];
    if (*entry < JIT_STUBS) {
        if (++*entry < jit->hot)
            return NULL;
        jit_make_room(cpu);
        code_announce(cpu, code);
        *entry = jit_translate(cpu, code, page->entry, offset);
        if (!*entry)
            return NULL;
        jit_page_count(page, *entry);
    }
    const uint8_t *start = jit_run_address(jit, *entry);
    tlb_enter_jump(cpu, cpu->pc, start);
    return start;
}

const uint8_t *jit_resolve(struct cpu *cpu) {
    jit_sync_flags(cpu); /* fetching may raise */
    const bool verify = cpu->verify && cpu->verify->running;
    if (verify)
        verify_pause(cpu);
    const uint8_t *start = resolve(cpu);
    if (verify)
        verify_resume(cpu);
    return start;
}

const uint8_t *jit_resolve_chain(struct cpu *cpu, const struct jit_chain *chain) {
    uint64_t epoch = cpu->jit->epoch;
    const uint8_t *start = jit_resolve(cpu);
    if (start && epoch == cpu->jit->epoch) {
        jit_page_chain(cpu->jit, jit_page_of(cpu, cpu->code->current), chain, start);
        cpu->stats.chained++;
    }
    return start;
}

void jit_bail(struct cpu *cpu, const struct jit_bail *bail) {
    struct a64_insn insn;
    a64_decode(bail->word, &insn);
    insn.page_offset = bail->offset;
    cpu->pc = cpu->page_va + bail->offset;
    if (cpu->verify)
        verify_handler(cpu, &insn);
    else
        a64_exec[insn.op](cpu, &insn);
}

/* From pc on, until something asks for attention. */
static __attribute__((noinline)) void run(struct cpu *cpu) {
    uint64_t answer = JIT_LEAVE;
    while (!attention(cpu)) {
        struct tlb_set *set = cpu->tlb_set[cpu->mmu_index];
        const uint8_t *start = answer == JIT_LEAVE_DEAD ? NULL : tlb_find_jump(set, cpu->pc);
        if (answer == JIT_LEAVE_INTERPRET || cpu->x[REG_SP] % SP_ALIGN ||
            (!start && !(start = jit_resolve(cpu)))) {
            answer = JIT_LEAVE;
            cpu_interpret_block(cpu);
            continue;
        }
        if (cpu->verify)
            verify_begin(cpu);
        answer = cpu->jit->enter(cpu, start, set);
        cpu_fp_fold_flags(cpu);
        jit_sync_flags(cpu);
        if (cpu->verify)
            verify_end(cpu);
    }
}

void jit_unwound(struct cpu *cpu) {
    __builtin_ia32_ldmxcsr(cpu->host_mxcsr);
    cpu_fp_fold_flags(cpu);
    if (cpu->verify)
        verify_unwound(cpu);
}

bool jit_failed(const struct cpu *cpu) {
    return cpu->verify && cpu->verify->failed;
}

enum engine_exit jit_run(struct cpu *cpu) {
    for (;;) {
        if (attention(cpu)) {
            if (cpu_attend(cpu))
                return ENGINE_EXIT_KICKED;
            if (attention(cpu) & ATTENTION_EVERY) {
                cpu_interpret_one(cpu);
                continue;
            }
            jit_settle(cpu);
        }
        run(cpu);
    }
}
