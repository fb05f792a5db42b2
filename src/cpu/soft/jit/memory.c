/* Loads and stores. The TLB is looked up inline: the page of the access's last byte must be the tag of the
 * entry for its first, so that only accesses within one page go on; all others, and all that the tag's flags
 * keep from here, are left to the handler. */
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/verify.h"

/* The register that holds the address: rax, or the base's own. */
static enum x86_reg address(struct translation *t, const struct a64_insn *insn, enum jit_mode mode) {
    struct x86 *a = &t->a;
    if (mode == JIT_LITERAL) {
        x86_load(a, true, RAX, JIT_CPU(page_va));
        x86_alu_imm(a, true, ALU_ADD, x86_r(RAX), (int32_t)(insn->page_offset + insn->imm));
        return RAX;
    }
    enum x86_reg base = jit_source(t, insn->rn, RAX);
    if (mode == JIT_POST || ((mode == JIT_OFFSET || mode == JIT_PRE) && insn->imm == 0))
        return base;
    if (mode == JIT_OFFSET || mode == JIT_PRE) {
        x86_lea(a, true, RAX, x86_m(base, (int32_t)insn->imm));
        return RAX;
    }
    enum x86_reg index;
    unsigned amount = insn->amount;
    if (mode == JIT_INDEX32) {
        index = RCX;
        if (insn->shift)
            x86_load32s(a, RCX, jit_operand(t, insn->rm));
        else
            x86_load(a, false, RCX, jit_operand(t, insn->rm));
    } else {
        index = jit_source(t, insn->rm, RCX);
    }
    if (amount > 3) { /* of 16 bytes */
        if (index != RCX)
            x86_mov(a, true, RCX, index);
        index = RCX;
        x86_shift(a, true, SHIFT_SHL, x86_r(RCX), amount);
        amount = 0;
    }
    x86_lea(a, true, RAX, x86_mx(base, index, amount, 0));
    return RAX;
}

/* Has the access logged (verify.h) whose address is in rdx; rax + offset is where to access instead. Clobbers
 * rcx, rdx. */
static void log_access(struct translation *t, struct x86_rm operand, int32_t offset, uint32_t what) {
    enum { PUSH_IMM32 = 0x68 };
    struct x86 *a = &t->a;
    x86_lea(a, true, RCX, operand);
    *a->at++ = PUSH_IMM32;
    x86_imm32(a, (int32_t)(what | (uint32_t)jit_current(t)->offset << VERIFY_OFFSET_SHIFT));
    x86_call(a, t->jit->log_access);
    if (offset)
        x86_lea(a, true, RAX, x86_m(RAX, -offset));
}

enum { ENTRY_SHIFT = 5 }; /* log2 of the size of an entry */
_Static_assert(sizeof(struct tlb_entry) == 1 << ENTRY_SHIFT, "scaled by a shift");

static int32_t tag_offset(bool write) {
    return write ? offsetof(struct tlb_entry, write) : offsetof(struct tlb_entry, read);
}

void jit_write_index(struct x86 *a, enum x86_reg va) {
    x86_rorx(a, false, RCX, x86_r(va), PAGE_BITS - ENTRY_SHIFT);
    x86_alu_imm(a, false, ALU_AND, x86_r(RCX), (TLB_ENTRIES - 1) << ENTRY_SHIFT);
}

void jit_write_probe(struct x86 *a, enum x86_reg base, int32_t offset, unsigned bytes, bool write) {
    const int32_t last = offset + (int32_t)bytes - 1;
    jit_write_index(a, base);
    if (last == 0)
        x86_mov(a, true, RDX, base);
    else
        x86_lea(a, true, RDX, x86_m(base, last));
    x86_alu_imm(a, true, ALU_AND, x86_r(RDX), -PAGE_SIZE_4K);
    x86_alu(a, true, ALU_CMP, RDX, x86_mx(R15, RCX, 0, tag_offset(write)));
}

static uint32_t what(unsigned bytes, bool write) {
    return bytes | (write ? VERIFY_WRITE : 0);
}

/* The operand at `offset` from base, once the lookup held. */
static struct x86_rm found(
    struct translation *t, enum x86_reg base, int32_t offset, struct x86_rm addend, uint32_t what_to_log) {
    struct x86 *a = &t->a;
    const struct x86_rm operand = base == RAX ? x86_m(RAX, offset) : x86_mx(RAX, base, 0, offset);
    if (t->cpu->verify)
        x86_lea(a, true, RDX, x86_m(base, offset));
    if (base == RAX)
        x86_alu(a, true, ALU_ADD, RAX, addend);
    else
        x86_load(a, true, RAX, addend);
    jit_current(t)->found = a->at;
    if (t->cpu->verify) {
        log_access(t, operand, offset, what_to_log);
        if (base != RAX) /* the operand is relative to it */
            x86_alu(a, true, ALU_SUB, RAX, x86_r(base));
    }
    return operand;
}

/* The access at `offset` from what a host register holds. */
static struct x86_rm access_from(
    struct translation *t, enum x86_reg base, int32_t offset, unsigned bytes, bool write) {
    const bool has_stub = !(bytes & (bytes - 1)) && bytes < 1u << JIT_LOOK_UPS;
    t->flags = JIT_FLAGS_NONE;
    jit_write_probe(&t->a, base, offset, bytes, write);
    jit_fix(t, x86_jcc_forward(&t->a, CC_NE), t->index, has_stub ? FIX_LOOKUP : FIX_BAIL);
    jit_current(t)->access =
        (struct region_access){.base = base, .offset = offset, .bytes = (uint8_t)bytes, .write = write};
    const struct x86_rm addend = x86_mx(R15, RCX, 0, offsetof(struct tlb_entry, addend));
    if (base != RAX || t->cpu->verify)
        return found(t, base, offset, addend, what(bytes, write));
    x86_load(&t->a, true, RDX, addend); /* the access adds it up sooner than an addition before would */
    jit_current(t)->found = t->a.at;
    return x86_mx(RAX, RDX, 0, offset);
}

struct x86_rm jit_access_at(struct translation *t, enum x86_reg va, unsigned bytes, bool write) {
    return access_from(t, va, 0, bytes, write);
}

/* So close behind the base that it is in its page nearly always: one addition less on the way to the address.
 * Not in front of the base, as the access might begin there in another page. */
static bool is_close(int64_t offset) {
    enum { CLOSE = 64 };
    return offset >= 0 && offset <= CLOSE;
}

/* As EL0 would. With PSTATE.UAO nothing differs from other accesses: rare. */
static struct x86_rm look_up_user(struct translation *t, enum x86_reg va, unsigned bytes, bool write) {
    struct x86 *a = &t->a;
    t->flags = JIT_FLAGS_NONE;
    x86_op(a, 0x80, ALU_CMP, JIT_CPU(uao)); /* CMP byte, 0 */
    x86_imm8(a, 0);
    jit_bail_if(t, CC_NE);
    jit_write_index(a, va);
    x86_alu(a, true, ALU_ADD, RCX, JIT_CPU(tlb_set[MMU_EL0]));
    x86_lea(a, true, RDX, x86_m(va, (int32_t)bytes - 1));
    x86_alu_imm(a, true, ALU_AND, x86_r(RDX), -PAGE_SIZE_4K);
    x86_alu(a, true, ALU_CMP, RDX, x86_m(RCX, tag_offset(write)));
    jit_bail_if(t, CC_NE);
    return found(t, va, 0, x86_m(RCX, offsetof(struct tlb_entry, addend)), what(bytes, write) | VERIFY_USER);
}

/* What is not aligned never matches. */
static struct x86_rm look_up_aligned(struct translation *t, enum x86_reg va, unsigned bytes, bool write) {
    struct x86 *a = &t->a;
    t->flags = JIT_FLAGS_NONE;
    jit_write_index(a, va);
    x86_mov(a, true, RDX, va);
    x86_alu_imm(a, true, ALU_AND, x86_r(RDX), (int32_t)bytes - 1 - PAGE_SIZE_4K);
    x86_alu(a, true, ALU_CMP, RDX, x86_mx(R15, RCX, 0, tag_offset(write)));
    jit_bail_if(t, CC_NE);
    return found(t, va, 0, x86_mx(R15, RCX, 0, offsetof(struct tlb_entry, addend)), what(bytes, write));
}

/* --- groups of accesses (access.c) */

struct x86_rm jit_slot(int slot, int32_t pushed) {
    return x86_m(RSP, slot * 8 + pushed);
}

/* For the whole group: its addend goes to rax and to its slot. */
static void look_up_group(struct translation *t, const struct region_group *group, enum x86_reg base) {
    struct x86 *a = &t->a;
    const int32_t first = group->first - group->base, end = group->end - group->base;
    x86_lea(a, true, RDX, x86_m(base, end - 1));
    x86_alu_imm(a, true, ALU_AND, x86_r(RDX), -PAGE_SIZE_4K);
    if (!is_close(first))
        x86_lea(a, false, RAX, x86_m(base, first));
    jit_write_index(a, is_close(first) ? base : RAX);
    x86_alu(a, true, ALU_CMP, RDX, x86_mx(R15, RCX, 0, tag_offset(group->write)));
    jit_fix(t, x86_jcc_forward(a, CC_NE), t->index, FIX_LOOKUP);
    x86_load(a, true, RAX, x86_mx(R15, RCX, 0, offsetof(struct tlb_entry, addend)));
    x86_store(a, true, jit_slot(group->slot, 0), RAX);
}

static struct x86_rm look_up_in_group(
    struct translation *t, const struct a64_insn *insn, int32_t offset, unsigned bytes, bool write) {
    struct x86 *a = &t->a;
    struct region_insn *i = jit_current(t);
    const struct region_group *group = &t->region.group[i->group];
    t->flags = JIT_FLAGS_NONE;
    if (group->leader == t->index) {
        look_up_group(t, group, jit_source(t, insn->rn, RAX));
    } else {
        x86_load(a, true, RAX, jit_slot(group->slot, 0));
        x86_test(a, true, x86_r(RAX), RAX);
        jit_fix(t, x86_jcc_forward(a, CC_E), t->index, FIX_LOOKUP);
    }
    i->found = a->at;
    i->access =
        (struct region_access){.grouped = true, .offset = offset, .bytes = (uint8_t)bytes, .write = write};
    struct x86_rm base = jit_operand(t, insn->rn);
    if (t->cpu->verify) {
        x86_load(a, true, RDX, base);
        x86_lea(a, true, RDX, x86_m(RDX, offset));
        log_access(t, x86_mx(RAX, RDX, 0, 0), offset, what(bytes, write));
        x86_alu(a, true, ALU_SUB, RAX, base); /* the operand is what it would be without the log */
    }
    if (x86_is_reg(base))
        return x86_mx(RAX, base.base, 0, offset);
    x86_alu(a, true, ALU_ADD, RAX, base);
    return x86_m(RAX, offset);
}

void jit_write_lookup(struct translation *t, int index) {
    struct x86 *a = &t->a;
    const struct region_insn *i = &t->region.insn[index];
    const struct region_access *access = &i->access;
    if (access->grouped) {
        const struct region_group *group = &t->region.group[i->group];
        if (group->leader == index)
            x86_store_imm(a, true, jit_slot(group->slot, 0), 0);
        x86_lea(a, true, RAX, x86_m(jit_source(t, i->insn.rn, RAX), access->offset));
    } else if (access->offset || access->base != RAX) {
        x86_lea(a, true, RAX, x86_m(access->base, access->offset));
    }
    x86_call(a, t->jit->look_up[__builtin_ctz(access->bytes)][access->write]);
    if (access->grouped || access->base != RAX) {
        x86_jcc(a, CC_E, i->found);
    } else { /* the operand is off rax, with rdx unless the access was logged */
        uint8_t *missed = x86_jcc_short(a, CC_NE);
        if (t->cpu->verify)
            x86_lea(a, true, RAX, x86_mx(RAX, RDX, 0, -access->offset));
        else if (access->offset)
            x86_lea(a, true, RDX, x86_m(RDX, -access->offset));
        x86_jmp(a, i->found);
        x86_bind_short(a, missed);
    }
    if (i->bail)
        x86_jmp(a, i->bail);
    else
        jit_write_bail(t, index);
}

static bool is_near(const struct a64_insn *insn, enum jit_mode mode) {
    return (mode == JIT_OFFSET || mode == JIT_PRE) && is_close(insn->imm);
}

struct x86_rm jit_access(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes, bool write) {
    const int group = jit_current(t)->group;
    if (group >= 0 && t->region.group[group].slot >= 0)
        return look_up_in_group(t, insn, mode == JIT_POST ? 0 : (int32_t)insn->imm, bytes, write);
    if (is_near(insn, mode)) {
        return access_from(t, jit_source(t, insn->rn, RAX), (int32_t)insn->imm, bytes, write);
    }
    if (mode == JIT_USER)
        return look_up_user(t, address(t, insn, JIT_OFFSET), bytes, write);
    return jit_access_at(t, address(t, insn, mode), bytes, write);
}

struct x86_rm jit_access_aligned(
    struct translation *t, const struct a64_insn *insn, unsigned bytes, bool write) {
    return look_up_aligned(t, address(t, insn, JIT_OFFSET), bytes, write);
}

void jit_write_back(struct translation *t, const struct a64_insn *insn, enum jit_mode mode) {
    if ((mode != JIT_POST && mode != JIT_PRE) || insn->imm == 0)
        return;
    struct x86_rm base = jit_operand(t, insn->rn);
    x86_alu_imm(&t->a, true, ALU_ADD, base, (int32_t)insn->imm);
}

/* --- one register */

enum width { W8, W16, W32, W64, W8S_W, W8S_X, W16S_W, W16S_X, W32S_X };

static void load(struct translation *t, enum width width, enum x86_reg to, struct x86_rm from) {
    struct x86 *a = &t->a;
    switch (width) {
    case W8: x86_load8(a, to, from); break;
    case W16: x86_load16(a, to, from); break;
    case W32: x86_load(a, false, to, from); break;
    case W64: x86_load(a, true, to, from); break;
    case W8S_W: x86_load8s(a, false, to, from); break;
    case W8S_X: x86_load8s(a, true, to, from); break;
    case W16S_W: x86_load16s(a, false, to, from); break;
    case W16S_X: x86_load16s(a, true, to, from); break;
    case W32S_X: x86_load32s(a, to, from); break;
    }
}

static unsigned bytes_of(enum width width) {
    static const uint8_t bytes[] = {1, 2, 4, 8, 1, 1, 2, 2, 4};
    return bytes[width];
}

static bool writes_back(enum jit_mode mode) {
    return mode == JIT_POST || mode == JIT_PRE;
}

static void load_register(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, enum width width) {
    if (writes_back(mode) && insn->rt == insn->rn) { /* CONSTRAINED UNPREDICTABLE */
        jit_call_handler(t);
        return;
    }
    struct x86_rm from = jit_access(t, insn, mode, bytes_of(width), false);
    enum x86_reg to = jit_target(t, insn->rt, RCX);
    load(t, width, to, from);
    jit_write_back(t, insn, mode);
    jit_finish(t, insn->rt, to);
}

static void store(struct translation *t, unsigned bytes, struct x86_rm to, enum x86_reg from) {
    struct x86 *a = &t->a;
    switch (bytes) {
    case 1: x86_store8(a, to, from); break;
    case 2: x86_store16(a, to, from); break;
    default: x86_store(a, bytes == 8, to, from); break;
    }
}

static void store_register(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    struct x86_rm to = jit_access(t, insn, mode, bytes, true);
    if (insn->rt == REG_ZR && bytes >= 4)
        x86_store_imm(&t->a, bytes == 8, to, 0);
    else
        store(t, bytes, to, jit_source(t, insn->rt, RCX));
    jit_write_back(t, insn, mode);
}

/* --- pairs */

static void load_pair(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, enum width width) {
    const unsigned bytes = bytes_of(width);
    if (insn->rt == insn->rt2 || (writes_back(mode) && (insn->rt == insn->rn || insn->rt2 == insn->rn))) {
        jit_call_handler(t);
        return;
    }
    struct x86_rm first = jit_access(t, insn, mode, 2 * bytes, false), second = first;
    second.disp += (int32_t)bytes;
    enum x86_reg to = jit_target(t, insn->rt, RCX), to2 = jit_target(t, insn->rt2, RDX);
    if (to == first.index) { /* the base is overwritten: last */
        load(t, width, to2, second);
        load(t, width, to, first);
    } else {
        load(t, width, to, first);
        load(t, width, to2, second);
    }
    jit_write_back(t, insn, mode);
    jit_finish(t, insn->rt, to);
    jit_finish(t, insn->rt2, to2);
}

static void store_pair(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    struct x86_rm first = jit_access(t, insn, mode, 2 * bytes, true), second = first;
    second.disp += (int32_t)bytes;
    store(t, bytes, first, jit_source(t, insn->rt, RCX));
    store(t, bytes, second, jit_source(t, insn->rt2, RCX));
    jit_write_back(t, insn, mode);
}

/* --- the forms */

#define MODES(make, name, ...)                                                                               \
    make(name##_imm, JIT_OFFSET, __VA_ARGS__) make(name##_post, JIT_POST, __VA_ARGS__)                       \
        make(name##_pre, JIT_PRE, __VA_ARGS__)
#define ALL_MODES(make, name, ...)                                                                           \
    MODES(make, name, __VA_ARGS__)                                                                           \
    make(name##_reg, JIT_INDEX, __VA_ARGS__) make(name##_regw, JIT_INDEX32, __VA_ARGS__)                     \
        make(name##_user, JIT_USER, __VA_ARGS__)

#define LOAD(name, mode, width)                                                                              \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        load_register(t, insn, mode, width);                                                                 \
    }
#define STORE(name, mode, bytes)                                                                             \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        store_register(t, insn, mode, bytes);                                                                \
    }
#define LOAD_PAIR(name, mode, width)                                                                         \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        load_pair(t, insn, mode, width);                                                                     \
    }
#define STORE_PAIR(name, mode, bytes)                                                                        \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        store_pair(t, insn, mode, bytes);                                                                    \
    }

ALL_MODES(LOAD, ldrb, W8)
ALL_MODES(LOAD, ldrh, W16)
ALL_MODES(LOAD, ldr_w, W32)
ALL_MODES(LOAD, ldr_x, W64)
ALL_MODES(LOAD, ldrsb_w, W8S_W)
ALL_MODES(LOAD, ldrsb_x, W8S_X)
ALL_MODES(LOAD, ldrsh_w, W16S_W)
ALL_MODES(LOAD, ldrsh_x, W16S_X)
ALL_MODES(LOAD, ldrsw, W32S_X)
ALL_MODES(STORE, strb, 1)
ALL_MODES(STORE, strh, 2)
ALL_MODES(STORE, str_w, 4)
ALL_MODES(STORE, str_x, 8)
LOAD(ldr_w_lit, JIT_LITERAL, W32)
LOAD(ldr_x_lit, JIT_LITERAL, W64)
LOAD(ldrsw_lit, JIT_LITERAL, W32S_X)
MODES(LOAD_PAIR, ldp_w, W32)
MODES(LOAD_PAIR, ldp_x, W64)
MODES(LOAD_PAIR, ldpsw, W32S_X)
MODES(STORE_PAIR, stp_w, 4)
MODES(STORE_PAIR, stp_x, 8)
