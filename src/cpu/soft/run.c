/* The run loop. Instructions execute one after another from the decoded page; those that may change the flow
 * (ops up to A64_LAST_END) end a block, and only there the loop looks at attention and at where to go on. */
#include "a64_ops.h"
#include "cpu/soft/code.h"
#include "cpu/soft/cpu.h"
#include "cpu/soft/jit/jit.h"

static inline uint32_t attention(struct cpu *cpu) {
    return atomic_load_explicit(&cpu->attention, memory_order_relaxed);
}

/* Counts the instructions since the last call, of which end is the first that did not execute; next is where
 * the following ones begin. */
static inline void count_block(struct cpu *cpu, uint64_t end, uint64_t next) {
    cpu->stats.instructions += (end - cpu->code->block) / 4;
    cpu->code->block = next;
}

/* Instructions of the page from pc on, up to the first that may change the flow, or to the page's end.
 * Afterwards cpu->pc is that of the next instruction. */
static inline uint64_t run_block(struct cpu *cpu, const struct code_page *page, uint64_t pc) {
    const struct a64_insn *insn = &page->insn[(pc & ~PAGE_MASK) / 4];
    unsigned op;
    for (;;) {
        op = insn->op;
        cpu->pc = pc;
        if (__builtin_expect(op > A64_LAST_END, 1)) {
            a64_exec[op](cpu, insn);
            insn++;
            pc += 4;
        } else if (op != A64_UNDEFINED || insn == &page->insn[CODE_PAGE_INSNS] || !code_decode(cpu)) {
            break;
        }
    }
    if (__builtin_expect(insn == &page->insn[CODE_PAGE_INSNS], 0)) {
        count_block(cpu, pc, pc);
        return pc;
    }
    cpu->next_pc = pc + 4;
    a64_exec[op](cpu, insn);
    cpu->pc = cpu->next_pc;
    count_block(cpu, pc + 4, cpu->pc);
    return cpu->pc;
}

/* Blocks within one page, from pc on. Apart from cpu_run(), whose setjmp() would keep its variables out of
 * registers. */
static __attribute__((noinline)) void run_page(struct cpu *cpu, const struct code_page *page) {
    struct code_cache *code = cpu->code;
    uint64_t pc = cpu->pc;
    do
        pc = run_block(cpu, page, pc);
    while (!attention(cpu) && (pc & PAGE_MASK) == code->current_va && !(pc & 3));
}

void cpu_interpret_block(struct cpu *cpu) {
    cpu->code->block = cpu->pc;
    run_block(cpu, code_enter(cpu), cpu->pc);
}

/* For software step and breakpoints, which cpu_attend() wants to see between any two instructions. */
void cpu_interpret_one(struct cpu *cpu) {
    cpu->code->block = cpu->pc;
    struct code_page *page = code_enter(cpu);
    const struct a64_insn *insn = &page->insn[(cpu->pc & ~PAGE_MASK) / 4];
    if (insn->op == A64_UNDEFINED)
        code_decode(cpu);
    cpu->next_pc = cpu->pc + 4;
    a64_exec[insn->op](cpu, insn);
    count_block(cpu, cpu->pc + 4, cpu->next_pc);
    cpu->pc = cpu->next_pc;
}

/* After an exception: ELR_EL1 is the first instruction that did not execute. */
static void count_interrupted_block(struct cpu *cpu) {
    if (cpu->sys.elr - cpu->code->block <= PAGE_SIZE_4K)
        count_block(cpu, cpu->sys.elr, cpu->pc);
}

enum engine_exit cpu_run(struct cpu *cpu) {
    bool unwound = setjmp(cpu->unwind);
    if (unwound && cpu->jit)
        jit_unwound(cpu);
    if (jit_failed(cpu))
        return ENGINE_EXIT_ERROR;
    if (unwound)
        count_interrupted_block(cpu);
    if (cpu->jit)
        return jit_run(cpu);
    for (;;) {
        bool each = false;
        if (attention(cpu)) {
            if (cpu_attend(cpu))
                return ENGINE_EXIT_KICKED;
            each = attention(cpu) & ATTENTION_EVERY;
        }
        cpu->code->block = cpu->pc;
        if (each)
            cpu_interpret_one(cpu);
        else
            run_page(cpu, code_enter(cpu));
    }
}
