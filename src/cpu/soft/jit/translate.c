/* The translation of one region: straight code first, in the order in which it was collected, then what is
 * seldom needed: slow paths, exits, copies of instructions for handlers. */
#include "cpu/soft/jit/translate.h"

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/profile.h"
#include "cpu/soft/soft_vm.h"

struct x86 *jit_asm(struct translation *t) {
    return &t->a;
}

/* --- general registers */

static struct x86_rm vector_home(unsigned reg) {
    struct x86_rm rm = JIT_CPU(v);
    rm.disp += (int32_t)(region_vector_number(reg) * sizeof(union vreg));
    return rm;
}

static bool is_allocated(const struct translation *t, unsigned reg) {
    return t->region.allocated >> reg & 1;
}

enum x86_reg jit_source(struct translation *t, unsigned reg, enum x86_reg scratch) {
    if (is_allocated(t, reg))
        return t->region.host[reg];
    x86_load(&t->a, true, scratch, jit_home(reg));
    return scratch;
}

struct x86_rm jit_operand(struct translation *t, unsigned reg) {
    return is_allocated(t, reg) ? x86_r(t->region.host[reg]) : jit_home(reg);
}

enum x86_reg jit_target(struct translation *t, unsigned reg, enum x86_reg scratch) {
    return is_allocated(t, reg) ? t->region.host[reg] : scratch;
}

void jit_finish(struct translation *t, unsigned reg, enum x86_reg host) {
    if (is_allocated(t, reg)) {
        if (t->region.host[reg] != host)
            x86_mov(&t->a, true, t->region.host[reg], host);
    } else if (reg != REG_SINK && reg != REG_ZR) {
        x86_store(&t->a, true, jit_home(reg), host);
    }
}

void jit_spill(struct translation *t, uint64_t regs) {
    for (regs &= t->region.allocated; regs; regs &= regs - 1) {
        unsigned reg = (unsigned)__builtin_ctzll(regs);
        if (reg >= REGION_VECTORS)
            x86_vex(&t->a, X86_VMOVDQA_STORE, t->region.host[reg], 0, vector_home(reg));
        else
            x86_store(&t->a, true, jit_home(reg), t->region.host[reg]);
    }
}

static void reload(struct translation *t, uint64_t regs) {
    for (regs &= t->region.allocated; regs; regs &= regs - 1) {
        unsigned reg = (unsigned)__builtin_ctzll(regs);
        if (reg >= REGION_VECTORS)
            x86_vex(&t->a, X86_VMOVDQA, t->region.host[reg], 0, vector_home(reg));
        else
            x86_load(&t->a, true, t->region.host[reg], jit_home(reg));
    }
}

/* Registers go where all who come next, or come into C code, expect them. dirty: newer than memory. The flags
 * stay. */
static void leave_registers(struct translation *t, uint64_t dirty) {
    jit_spill(t, dirty & t->region.moved);
    for (uint64_t regs = t->region.displaced; regs; regs &= regs - 1) {
        unsigned reg = (unsigned)__builtin_ctzll(regs);
        x86_load(&t->a, true, jit_fixed[reg], jit_home(reg));
    }
}

/* And back, at the region's start. */
static void take_registers(struct translation *t) {
    for (uint64_t regs = t->region.displaced; regs; regs &= regs - 1) {
        unsigned reg = (unsigned)__builtin_ctzll(regs);
        x86_store(&t->a, true, jit_home(reg), jit_fixed[reg]);
    }
    reload(t, t->region.moved & ~t->region.preset);
}

/* --- jumps */

void jit_fix(struct translation *t, uint8_t *rel32, int index, int kind) {
    if (t->fixups == REGION_FIXUPS) {
        t->failed = true;
        return;
    }
    t->fixup[t->fixups++] = (struct fixup){.rel32 = rel32, .index = (int16_t)index, .kind = kind};
}

void jit_bail_if(struct translation *t, enum x86_cc cc) {
    jit_fix(t, x86_jcc_forward(&t->a, cc), t->index, FIX_BAIL);
}

void jit_end_if(struct translation *t, enum x86_cc cc) {
    jit_fix(t, x86_jcc_forward(&t->a, cc), t->index, FIX_END);
}

static void write_attention_check(struct translation *t) {
    x86_alu_imm(&t->a, false, ALU_CMP, JIT_CPU(attention), 0);
}

/* --- counting instructions: where a region is left, and where ways of different length meet. What an
 * exception interrupts is not counted. */
static void count(struct translation *t, int number) {
    if (number && t->jit->counts)
        x86_alu_imm(&t->a, true, ALU_ADD, JIT_CPU(stats.instructions), number);
}

/* Where i is the last one. */
static void count_through(struct translation *t, const struct region_insn *i) {
    count(t, i->ahead + 1);
}

/* What the way from i to an instruction of the region is longer than the one that this expects. */
static int surplus(const struct translation *t, const struct region_insn *i, int index) {
    return t->jit->counts ? i->ahead + 1 - t->region.insn[index].ahead : 0;
}

/* Registers newer than memory behind the instruction. */
static uint64_t dirty_behind(const struct translation *t, const struct region_insn *i) {
    return i->dirty | (i->writes & t->region.allocated);
}

/* Out of the region to a place in its page, or, by the jump cache, in another. live: where somebody may look
 * at the flags. */
static void leave_to(struct translation *t, const struct region_insn *i, int64_t offset, bool live) {
    count_through(t, i);
    if (live)
        jit_store_origin(t, i->flags_to);
    leave_registers(t, dirty_behind(t, i));
    if (offset < 0 || offset >= PAGE_SIZE_4K) {
        x86_load(&t->a, true, RAX, JIT_CPU(page_va));
        x86_alu_imm(&t->a, true, ALU_ADD, x86_r(RAX), (int32_t)offset);
        jit_write_jump(t->jit, &t->a);
        return;
    }
    if (offset <= i->offset) { /* may be part of a loop */
        write_attention_check(t);
        uint8_t *none = x86_jcc_short(&t->a, CC_E);
        x86_mov_imm(&t->a, RCX, (uint64_t)offset);
        x86_jmp(&t->a, t->jit->leave_at);
        x86_bind_short(&t->a, none);
    }
    x86_jmp_forward(&t->a); /* to the next instruction, until the target is known */
    x86_call(&t->a, t->jit->chain);
    const struct jit_chain chain = {.offset = (uint32_t)offset};
    memcpy(t->a.at, &chain, sizeof chain);
    t->a.at += sizeof chain;
}

void jit_go_virtual(struct translation *t) {
    count_through(t, jit_current(t));
    jit_store_origin(t, jit_current(t)->flags_to);
    leave_registers(t, dirty_behind(t, jit_current(t)));
    jit_write_jump(t->jit, &t->a);
}

void jit_go_taken(struct translation *t) {
    const struct region_insn *i = jit_current(t);
    leave_to(t, i, i->taken_at, true);
}

/* Does the way from i to an instruction of the region have to store where the flags come from, as others come
 * there with flags from elsewhere? */
static bool edge_stores(const struct translation *t, const struct region_insn *i, int index) {
    const struct region_insn *target = &t->region.insn[index];
    return target->flags_from < 0 && target->flags_live && i->flags_to >= 0 &&
           !t->region.insn[i->flags_to].flags_stored;
}

static void write_edge(struct translation *t, const struct region_insn *i, int index) {
    count(t, surplus(t, i, index));
    if (edge_stores(t, i, index))
        jit_store_origin(t, i->flags_to);
}

/* To an instruction of the region. */
static void go_to(struct translation *t, int index) {
    const struct region_insn *target = &t->region.insn[index];
    if (!target->label) {
        jit_fix(t, x86_jmp_forward(&t->a), index, FIX_LABEL);
        return;
    }
    write_attention_check(t);
    x86_jcc(&t->a, CC_E, target->label);
    jit_fix(t, x86_jmp_forward(&t->a), index, FIX_ATTENTION);
}

void jit_go_next(struct translation *t) {
    const struct region_insn *i = jit_current(t);
    if (i->next == REGION_OUTSIDE) {
        leave_to(t, i, i->next_at, i->next_live);
        return;
    }
    write_edge(t, i, i->next);
    if (i->next != t->index + 1)
        go_to(t, i->next);
}

void jit_branch(struct translation *t, enum x86_cc cc) {
    const struct region_insn *i = jit_current(t);
    cc ^= i->inverted;
    if (i->taken == REGION_OUTSIDE) {
        jit_fix(t, x86_jcc_forward(&t->a, cc), t->index, FIX_TAKEN);
    } else if (!t->region.insn[i->taken].label) {
        if (edge_stores(t, i, i->taken) || surplus(t, i, i->taken))
            jit_fix(t, x86_jcc_forward(&t->a, cc), t->index, FIX_EDGE);
        else
            jit_fix(t, x86_jcc_forward(&t->a, cc), i->taken, FIX_LABEL);
    } else {
        uint8_t *over = x86_jcc_forward(&t->a, cc ^ 1);
        write_edge(t, i, i->taken);
        go_to(t, i->taken);
        x86_bind(&t->a, over);
    }
}

/* --- handlers */

static void load_insn_address(struct translation *t, int index) {
    t->a.at[0] = 0x48; /* LEA rcx, [rip + rel32] */
    t->a.at[1] = 0x8d;
    t->a.at[2] = 0x0d;
    t->a.at += 3;
    x86_imm32(&t->a, 0);
    t->region.insn[index].data = t->a.at - 4;
}

/* Has the region more to store and load around handlers than the fixed registers? */
static bool has_own_registers(const struct region *region) {
    return region->moved || region->slots;
}

void jit_call_handler(struct translation *t) {
    const struct region_insn *i = jit_current(t);
    if (i->flags_live) /* for the handler, or for who comes back from an exception */
        jit_store_origin(t, i->flags_from);
    load_insn_address(t, t->index);
    if (has_own_registers(&t->region))
        jit_fix(t, x86_call_forward(&t->a), t->index, FIX_HANDLER);
    else
        x86_call(&t->a, t->jit->handler_fixed);
    t->flags = JIT_FLAGS_NONE;
    memset(t->fp_size, 0, sizeof t->fp_size);
    memset(t->zero_above, 0, sizeof t->zero_above);
}

void jit_emit_end(struct translation *t, const struct a64_insn *insn) {
    (void)insn;
    count_through(t, jit_current(t));
    jit_store_origin(t, jit_current(t)->flags_from);
    leave_registers(t, jit_current(t)->dirty);
    load_insn_address(t, t->index);
    x86_jmp(&t->a, t->jit->handler_end);
}

/* Spill, a stub, reload; with two words more on the stack. A handler may have changed what is mapped where.
 */
static void write_around(struct translation *t, const uint8_t *stub, const uint8_t *stub_fixed) {
    enum { PUSHED = 16 };
    const struct region *region = &t->region;
    jit_spill(t, region->written & region->moved);
    if (region->displaced) {
        jit_spill(t, region->allocated & ~region->moved);
        x86_alu_imm(&t->a, true, ALU_SUB, x86_r(RSP), 8); /* aligned as `stub` wants it */
        x86_call(&t->a, stub);
        x86_alu_imm(&t->a, true, ALU_ADD, x86_r(RSP), 8);
        x86_ldmxcsr(&t->a, JIT_CPU(mxcsr)); /* what C code computed is no flag of the guest's */
        reload(t, region->allocated & ~region->moved);
    } else {
        x86_call(&t->a, stub_fixed);
    }
    for (int slot = 0; slot < region->slots; slot++)
        x86_store_imm(&t->a, true, jit_slot(slot, PUSHED), 0);
    reload(t, region->moved);
}

static const uint8_t *call_handler(struct translation *t) {
    if (t->call_handler)
        return t->call_handler;
    t->call_handler = t->a.at;
    x86_push(&t->a, RCX);
    write_around(t, t->jit->handler, t->jit->handler_fixed);
    x86_pop(&t->a, RCX);
    x86_ret(&t->a);
    return t->call_handler;
}

/* Before anything leads to it. */
static void need_call_bail(struct translation *t) {
    if (!has_own_registers(&t->region))
        t->call_bail = t->jit->bail_here;
    if (t->call_bail)
        return;
    t->call_bail = t->a.at;
    jit_write_bail_begin(&t->a);
    write_around(t, t->jit->bail, t->jit->bail_fixed);
    jit_write_bail_end(&t->a);
}

/* --- the straight path */

static void forget_state(struct translation *t) {
    t->flags = JIT_FLAGS_NONE;
    t->fp_checked = 0;
    memset(t->fp_size, 0, sizeof t->fp_size);
    memset(t->zero_above, 0, sizeof t->zero_above);
    t->known = REG_SINK;
}

/* The block is interpreted if it may not use floating point as it was translated for. */
static void check_fp(struct translation *t, uint32_t use) {
    uint8_t needed = FP_ACCESS;
    if (use & JIT_FP_ARITH)
        needed = t->fp_careful ? FP_CAREFUL : FP_PLAIN;
    if (t->fp_checked & needed)
        return;
    if (t->flags == JIT_FLAGS_NONE) {
        x86_op(&t->a, 0xf6, 0, JIT_CPU(fp_usable)); /* TEST byte, imm8 */
        x86_imm8(&t->a, needed);
        jit_fix(t, x86_jcc_forward(&t->a, CC_E), t->index, FIX_INTERPRET);
    } else {
        x86_load8(&t->a, RCX, JIT_CPU(fp_usable));
        x86_mov_imm(&t->a, RAX, needed);
        x86_pext(&t->a, false, RCX, RCX, x86_r(RAX));
        uint8_t *unusable = x86_jrcxz_short(&t->a), *usable = x86_jmp_short(&t->a);
        x86_bind_short(&t->a, unusable);
        const enum jit_flags flags = t->flags;
        jit_flags_set_stored(t, flags); /* there alone */
        t->flags = flags;
        jit_fix(t, x86_jmp_forward(&t->a), t->index, FIX_INTERPRET);
        x86_bind_short(&t->a, usable);
    }
    t->fp_checked |= needed | FP_ACCESS;
}

static void emit_insn(struct translation *t) {
    struct region_insn *i = jit_current(t);
    const uint32_t use = i->use;
    bool flows = t->index && t->region.insn[t->index - 1].next == t->index;
    if (i->join || !flows)
        forget_state(t);
    i->label = t->a.at;
    if (!(use & (JIT_KEEPS | JIT_FUSES)) || !i->form->emit)
        t->flags = JIT_FLAGS_NONE;
    if (use & JIT_FP && i->form->emit)
        check_fp(t, use);
    if (i->flags_last)
        jit_store_origin(t, i->flags_from);
    if (i->done)
        t->known = REG_SINK;
    else if (i->form->emit)
        i->form->emit(t, &i->insn);
    else if (i->ends)
        jit_emit_end(t, &i->insn);
    else
        jit_call_handler(t);
    if (t->known_at != t->index)
        t->known = REG_SINK;
    i->after = t->a.at;
    if (!i->ends)
        jit_go_next(t);
}

/* --- what is seldom needed */

/* All jumps of the kind from one instruction lead here. Those of earlier instructions have been bound. */
static void bind_all(struct translation *t, int index, unsigned kind) {
    for (int n = t->fixing; n < t->fixups; n++) {
        struct fixup *fixup = &t->fixup[n];
        if (fixup->kind == kind && fixup->index == index && fixup->rel32) {
            x86_bind(&t->a, fixup->rel32);
            fixup->rel32 = NULL;
        }
    }
}

void jit_write_bail(struct translation *t, int index) {
    struct region_insn *i = &t->region.insn[index];
    i->bail = t->a.at;
    bind_all(t, index, FIX_BAIL);
    if (i->flags_live)
        jit_store_origin(t, i->flags_from);
    x86_call(&t->a, t->call_bail);
    const struct jit_bail bail = {
        .word = i->insn.word, .back = (int32_t)(i->after - t->a.at), .offset = i->offset};
    memcpy(t->a.at, &bail, sizeof bail);
    t->a.at += sizeof bail;
}

static void write_end(struct translation *t, int index) {
    bind_all(t, index, FIX_END);
    count_through(t, &t->region.insn[index]);
    jit_store_origin(t, t->region.insn[index].flags_from);
    leave_registers(t, t->region.insn[index].dirty);
    load_insn_address(t, index);
    x86_jmp(&t->a, t->jit->handler_end);
}

static void write_leave_before(struct translation *t, int index, const uint8_t *stub) {
    const struct region_insn *i = &t->region.insn[index];
    count(t, i->ahead);
    if (i->flags_live)
        jit_store_origin(t, i->flags_from);
    leave_registers(t, i->dirty);
    x86_mov_imm(&t->a, RCX, i->offset);
    x86_jmp(&t->a, stub);
}

static void write_fixup(struct translation *t, int n) {
    const struct fixup *fixup = &t->fixup[n];
    const struct region_insn *i = &t->region.insn[fixup->index];
    if (!fixup->rel32)
        return;
    switch (fixup->kind) {
    case FIX_LABEL: x86_patch(fixup->rel32, i->label); return;
    case FIX_HANDLER: x86_patch(fixup->rel32, call_handler(t)); return;
    case FIX_LOOKUP:
    case FIX_BAIL: need_call_bail(t); break;
    default: break;
    }
    x86_bind(&t->a, fixup->rel32);
    switch (fixup->kind) {
    case FIX_BAIL: jit_write_bail(t, fixup->index); break;
    case FIX_END: write_end(t, fixup->index); break;
    case FIX_EDGE:
        write_edge(t, i, i->taken);
        x86_jmp(&t->a, t->region.insn[i->taken].label);
        break;
    case FIX_LOOKUP: jit_write_lookup(t, fixup->index); break;
    case FIX_TAKEN: leave_to(t, i, i->taken_at, i->taken_live); break;
    case FIX_ATTENTION: write_leave_before(t, fixup->index, t->jit->leave_at); break;
    default: write_leave_before(t, fixup->index, t->jit->interpret_at); break;
    }
}

static void align(struct x86 *a, unsigned to) {
    while ((uintptr_t)a->at % to)
        *a->at++ = 0xcc;
}

static void write_data(struct translation *t) {
    for (int n = 0; n < t->region.count; n++) {
        const struct region_insn *i = &t->region.insn[n];
        if (!i->data)
            continue;
        align(&t->a, _Alignof(struct a64_insn));
        x86_bind(&t->a, i->data);
        memcpy(t->a.at, &i->insn, sizeof i->insn);
        t->a.at += sizeof i->insn;
    }
}

/* --- the region */

/* What the dispatcher and the jump cache enter by; jumps within the page enter behind it. */
static uint8_t *write_start(struct translation *t, unsigned offset) {
    x86_mov_imm(&t->a, RCX, offset);
    x86_jmp(&t->a, t->jit->dead_at);
    uint8_t *start = t->a.at;
    x86_alu_imm(&t->a, true, ALU_AND, x86_r(RAX), -PAGE_SIZE_4K);
    x86_store(&t->a, true, JIT_CPU(page_va), RAX);
    take_registers(t);
    return start;
}

uint32_t jit_translate(struct cpu *cpu, struct code_page *page, const uint32_t *entry, unsigned offset) {
    struct jit *jit = cpu->jit;
    struct translation *t = jit->translation;
    t->a = (struct x86){.at = jit->at, .run = jit->memory.run - jit->memory.write};
    t->cpu = cpu;
    t->jit = jit;
    t->fixups = 0;
    t->failed = false;
    t->fp_careful = cpu->fp_usable & FP_ACCESS && !(cpu->fp_usable & FP_PLAIN);
    region_build(&t->region, page, offset, jit->exact ? NULL : entry, jit->exact);

    t->call_handler = t->call_bail = NULL;
    align(&t->a, 16);
    uint8_t *start = write_start(t, offset);
    forget_state(t);
    for (t->index = 0; t->index < t->region.count; t->index++)
        emit_insn(t);
    for (t->fixing = 0; t->fixing < t->fixups; t->fixing++)
        write_fixup(t, t->fixing);
    write_data(t);
    if (t->failed)
        return 0;
    align(&t->a, 16);
    if (cpu->vm->profile)
        profile_region(cpu, jit->at + t->a.run, (size_t)(t->a.at - jit->at), cpu->pc);
    jit->at = t->a.at;
    cpu->stats.translations++;
    return (uint32_t)(start - jit->memory.write);
}
