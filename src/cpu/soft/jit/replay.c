/* The second execution of what translated code did (verify.h): by the interpreter, on the shadow. */
#include "cpu/soft/replay.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/verify.h"
#include "cpu/soft/mmu.h"
#include "cpu/soft/soft_vm.h"

/* Why the interpreter stops before it is there: nothing can be said, or something is wrong. */
enum verify_stop { STOP_UNKNOWN = 1, STOP_DIFFERENT };

/* A loop without loads and stores may run long until an interrupt. */
static const uint64_t most_steps = UINT64_C(1) << 28;

void verify_copy_state(struct cpu *to, const struct cpu *from) {
    memcpy(to->x, from->x, sizeof to->x);
    memcpy(to->v, from->v, sizeof to->v);
    memcpy(to->sp_bank, from->sp_bank, sizeof to->sp_bank);
    memcpy(to->exclusive_value, from->exclusive_value, sizeof to->exclusive_value);
    to->exclusive_addr = from->exclusive_addr;
    to->exclusive_size = from->exclusive_size;
    to->pc = from->pc;
    to->next_pc = from->next_pc;
    to->nzcv = from->nzcv;
    to->daif = from->daif;
    to->el = from->el;
    to->spsel = from->spsel;
    to->pan = from->pan;
    to->uao = from->uao;
    to->ssbs = from->ssbs;
    to->il = from->il;
    to->ss = from->ss;
    to->fpcr = from->fpcr;
    to->fpsr = from->fpsr;
    to->fp_usable = from->fp_usable;
    to->sys = from->sys;
    to->mmu_index = from->mmu_index;
}

/* --- the log as memory */

static _Noreturn __attribute__((format(printf, 2, 3))) void differ(
    struct verify *verify, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(verify->why, sizeof verify->why, format, args);
    va_end(args);
    longjmp(verify->stop, STOP_DIFFERENT);
}

/* The access that is next, if it is this one; else it is a difference. */
static struct verify_access *next_access(struct verify *verify, uint64_t va, unsigned size, bool write) {
    struct verify_access *access = &verify->log[verify->at];
    const char *kind = write ? "store" : "load";
    if (verify->at == verify->count)
        differ(verify, "the interpreter does a %s of %u bytes at 0x%llx, translated code did nothing more",
            kind, size, (unsigned long long)va);
    if (access->write != write || access->va + verify->taken != va || verify->taken + size > access->size)
        differ(verify,
            "the interpreter does a %s of %u bytes at 0x%llx, translated code did a %s of %u at 0x%llx "
            "(page offset 0x%x)",
            kind, size, (unsigned long long)va, access->write ? "store" : "load", access->size,
            (unsigned long long)access->va, access->page_offset);
    return access;
}

static void take(struct verify *verify, unsigned size) {
    verify->taken += size;
    if (verify->taken < verify->log[verify->at].size)
        return;
    verify->at++;
    verify->taken = 0;
}

uint64_t replay_read(struct cpu *cpu, uint64_t va, unsigned size) {
    struct verify *verify = cpu->replay;
    const struct verify_access *access = next_access(verify, va, size, false);
    uint64_t value = 0;
    memcpy(&value, access->old + verify->taken, size);
    take(verify, size);
    return value;
}

void replay_write(struct cpu *cpu, uint64_t va, unsigned size, uint64_t value) {
    struct verify *verify = cpu->replay;
    const struct verify_access *access = next_access(verify, va, size, true);
    uint64_t written = 0, mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * size) - 1;
    memcpy(&written, access->new + verify->taken, size);
    if (written != (value & mask))
        differ(verify, "the interpreter stores 0x%llx at 0x%llx, translated code 0x%llx",
            (unsigned long long)(value & mask), (unsigned long long)va, (unsigned long long)written);
    take(verify, size);
}

void *replay_atomic(struct cpu *cpu, uint64_t va, unsigned size) {
    struct verify *verify = cpu->replay;
    const struct verify_access *access = next_access(verify, va, size, true);
    memcpy(verify->copy, access->old, size);
    verify->atomic = true;
    return verify->copy;
}

/* After each instruction. */
static void finish_atomic(struct verify *verify, const struct a64_insn *insn) {
    const struct verify_access *access = &verify->log[verify->at];
    if (verify->atomic && memcmp(verify->copy, access->new, access->size) != 0)
        differ(verify, "an atomic instruction leaves other memory at 0x%llx", (unsigned long long)access->va);
    if (verify->atomic)
        take(verify, access->size);
    verify->atomic = false;
    /* Translated code looks up where an exclusive store goes before it looks at the monitor. */
    if (insn->op == A64_STXR && verify->at < verify->count && access == &verify->log[verify->at] &&
        access->write && (verify->shadow->pc & ~PAGE_MASK) == access->page_offset &&
        memcmp(access->old, access->new, access->size) == 0)
        take(verify, access->size);
}

const uint8_t *replay_fetch_page(struct cpu *cpu, uint64_t va, uint64_t *pa) {
    struct verify *verify = cpu->replay;
    unsigned mmu = cpu->el ? MMU_EL1 : MMU_EL0;
    const struct tlb_fetch *entry = &verify->cpu->tlb_set[mmu]->fetch[va >> PAGE_BITS & (TLB_FETCHES - 1)];
    if (entry->page == (va & PAGE_MASK)) {
        *pa = entry->info & PAGE_MASK;
        return entry->host;
    }
    struct mmu_page page;
    const struct memory_slot *slot = NULL;
    if (mmu_translate(verify->cpu, mmu, va, MMU_FETCH, false, &page))
        slot = soft_slot_find(cpu->vm, page.pa);
    if (!slot || slot->kind == MEMORY_WINDOW)
        longjmp(verify->stop, STOP_UNKNOWN);
    *pa = page.pa;
    return slot->host + (page.pa - slot->gpa);
}

/* --- comparing */

static unsigned differ_u64(FILE *out, const char *name, int number, uint64_t translated, uint64_t right) {
    if (translated == right)
        return 0;
    if (out)
        fprintf(out, number < 0 ? "\n  %s" : "\n  %s%d", name, number);
    if (out)
        fprintf(out, ": translated 0x%llx, interpreted 0x%llx", (unsigned long long)translated,
            (unsigned long long)right);
    return 1;
}

/* How many things differ; out: or NULL. */
static unsigned compare(const struct cpu *cpu, const struct cpu *shadow, unsigned what, FILE *out) {
    const uint64_t nzcv = UINT64_C(0xf) << 28;
    unsigned count = differ_u64(out, "pc", -1, cpu->pc, shadow->pc);
    for (int i = 0; i < REG_SINK; i++)
        count += differ_u64(out, i == REG_SP ? "sp, x" : "x", i, cpu->x[i], shadow->x[i]);
    for (int i = 0; i < 32; i++) {
        count += differ_u64(out, "v.d[0] of v", i, cpu->v[i].d[0], shadow->v[i].d[0]);
        count += differ_u64(out, "v.d[1] of v", i, cpu->v[i].d[1], shadow->v[i].d[1]);
    }
    count += differ_u64(out, "pstate without flags", -1, cpu_pstate(cpu) & ~nzcv, cpu_pstate(shadow) & ~nzcv);
    if (what & VERIFY_NZCV)
        count += differ_u64(out, "nzcv", -1, cpu->nzcv, shadow->nzcv);
    count += differ_u64(out, "sp_el", 0, cpu->sp_bank[0], shadow->sp_bank[0]);
    count += differ_u64(out, "sp_el", 1, cpu->sp_bank[1], shadow->sp_bank[1]);
    count += differ_u64(out, "fpcr", -1, cpu->fpcr, shadow->fpcr);
    if (what & VERIFY_FPSR)
        count += differ_u64(out, "fpsr", -1, cpu->fpsr, shadow->fpsr);
    count += differ_u64(out, "exclusive address", -1, cpu->exclusive_addr, shadow->exclusive_addr);
    if (shadow->exclusive_addr != UINT64_MAX) {
        count += differ_u64(out, "exclusive size", -1, cpu->exclusive_size, shadow->exclusive_size);
        count += differ_u64(out, "exclusive value", 0, cpu->exclusive_value[0], shadow->exclusive_value[0]);
        count += differ_u64(out, "exclusive value", 1, cpu->exclusive_value[1], shadow->exclusive_value[1]);
    }
    if (memcmp(&cpu->sys, &shadow->sys, sizeof cpu->sys) != 0) {
        const uint64_t *translated = (const uint64_t *)&cpu->sys, *right = (const uint64_t *)&shadow->sys;
        for (unsigned i = 0; i < sizeof cpu->sys / 8; i++)
            count += differ_u64(out, "struct cpu_sys word ", (int)i, translated[i], right[i]);
    }
    return count;
}

static bool may_stop(const struct verify *verify) {
    return verify->shadow->pc == verify->cpu->pc && verify->at == verify->count && verify->taken == 0;
}

/* Only `nearest` is needed of all places that may be meant, for the report. */
static bool arrived(struct verify *verify, unsigned what) {
    if (!may_stop(verify))
        return false;
    unsigned differences = compare(verify->cpu, verify->shadow, what, NULL);
    if (differences == 1 && what & VERIFY_NZCV && verify->cpu->nzcv != verify->shadow->nzcv &&
        !region_reads_flags(code_enter(verify->shadow), verify->cpu->pc & ~PAGE_MASK, CODE_PAGE_INSNS))
        return true; /* those of translated code are old, as nobody will look */
    if (differences && (!verify->differences || differences < verify->differences)) {
        verify->differences = differences;
        memcpy(verify->nearest, verify->shadow, sizeof *verify->nearest);
    }
    return !differences;
}

static void report(struct verify *verify, unsigned what) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    uint64_t first = verify->steps > VERIFY_TRACE ? verify->steps - VERIFY_TRACE : 0;
    fprintf(out, "%s", verify->why);
    if (verify->differences)
        compare(verify->cpu, verify->nearest, what, out);
    else
        fprintf(out, "\n  translated code came to 0x%llx, the interpreter to 0x%llx",
            (unsigned long long)verify->cpu->pc, (unsigned long long)verify->shadow->pc);
    fprintf(out,
        "\n  The last of %llu instructions that were interpreted (%u of %u accesses) since %s 0x%llx:",
        (unsigned long long)verify->steps, verify->at, verify->count, verify->since,
        (unsigned long long)verify->since_pc);
    for (uint64_t step = first; step < verify->steps; step++) {
        char name[96];
        uint64_t pc = verify->trace[step % VERIFY_TRACE].pc;
        a64_disassemble(&verify->trace[step % VERIFY_TRACE].insn, pc, name, sizeof name);
        fprintf(out, "\n    0x%llx  %08x  %s", (unsigned long long)pc,
            verify->trace[step % VERIFY_TRACE].insn.word, name);
    }
    fclose(out);
    fprintf(stderr, "pearvisor: verify: vCPU %u, EL%u: translator and interpreter differ: %s\n",
        verify->cpu->index, verify->cpu->el, text);
    free(text);
}

/* --- executing */

static void step(struct verify *verify) {
    struct cpu *shadow = verify->shadow;
    struct code_page *page = code_enter(shadow);
    const struct a64_insn *insn = &page->insn[(shadow->pc & ~PAGE_MASK) / 4];
    if (insn->op == A64_UNDEFINED)
        code_decode(shadow);
    verify->trace[verify->steps % VERIFY_TRACE].pc = shadow->pc;
    verify->trace[verify->steps % VERIFY_TRACE].insn = *insn;
    verify->steps++;
    if (!jit_forms[insn->op].emit)
        differ(verify, "the interpreter came to what has no translation");
    shadow->next_pc = shadow->pc + 4;
    a64_exec[insn->op](shadow, insn);
    finish_atomic(verify, insn);
    shadow->pc = shadow->next_pc;
}

static void execute(struct verify *verify, unsigned what) {
    setjmp(verify->shadow->unwind); /* exceptions: pc is the vector */
    while (!arrived(verify, what)) {
        if (verify->steps == most_steps)
            differ(verify, "the interpreter does not come there");
        step(verify);
    }
}

bool verify_replay(struct verify *verify, unsigned what) {
    verify->at = verify->taken = 0;
    verify->steps = 0;
    verify->differences = 0;
    verify->atomic = false;
    verify->why[0] = 0;
    switch (setjmp(verify->stop)) {
    case 0: execute(verify, what); return true;
    case STOP_DIFFERENT: report(verify, what); return false;
    default: return true;
    }
}
