/* The code that all regions of a vCPU share: in and out of translated code, and calls of handlers. */
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/verify.h"

/* What C code expects to keep, in the order of pushing. They are six, so that rsp % 16 is 8 behind them, as
 * at the start of a function; translated code has it so too. */
static const uint8_t kept[] = {RBX, RBP, R12, R13, R14, R15};
enum { KEPT = sizeof kept, FRAME = REGION_SLOTS * 8 };
_Static_assert(FRAME % 16 == 0, "the stack stays aligned");

static const int32_t base_offset = offsetof(struct cpu, x[JIT_BASE_REG]);

const uint8_t jit_fixed[REG_COUNT] = {
    [0] = RBX,
    [1] = RSI,
    [2] = RDI,
    [3] = R8,
    [4] = R9,
    [19] = R10,
    [20] = R11,
    [21] = R13,
    [22] = R14,
    [REG_SP] = R12,
};

static void load_fixed(struct x86 *a) {
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        if (jit_fixed[reg])
            x86_load(a, true, jit_fixed[reg], jit_home(reg));
}

static void store_fixed(struct x86 *a) {
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        if (jit_fixed[reg])
            x86_store(a, true, jit_home(reg), jit_fixed[reg]);
}

static void write_enter(struct jit *jit, struct x86 *a) {
    /* A function through the mapping that executes. */
    jit->enter = (uint64_t(*)(struct cpu *, const uint8_t *, struct tlb_set *))(uintptr_t)(a->at + a->run);
    for (unsigned i = 0; i < KEPT; i++)
        x86_push(a, kept[i]);
    x86_alu_imm(a, true, ALU_SUB, x86_r(RSP), FRAME);
    x86_lea(a, true, RBP, x86_m(RDI, base_offset));
    x86_mov(a, true, R15, RDX);
    x86_stmxcsr(a, JIT_CPU(host_mxcsr));
    x86_ldmxcsr(a, JIT_CPU(mxcsr));
    x86_load(a, true, RAX, JIT_CPU(pc));
    x86_mov(a, true, RCX, RSI);
    load_fixed(a);
    x86_jmp_rm(a, x86_r(RCX));
}

/* eax is the answer. */
static void write_leave(struct x86 *a) {
    store_fixed(a);
    x86_stmxcsr(a, JIT_CPU(mxcsr));
    x86_ldmxcsr(a, JIT_CPU(host_mxcsr));
    x86_alu_imm(a, true, ALU_ADD, x86_r(RSP), FRAME);
    for (unsigned i = KEPT; i-- > 0;)
        x86_pop(a, kept[i]);
    x86_ret(a);
}

static const uint8_t *write_leave_at(struct x86 *a, enum jit_leave answer) {
    const uint8_t *start = a->at;
    x86_alu(a, true, ALU_ADD, RCX, JIT_CPU(page_va));
    x86_store(a, true, JIT_CPU(pc), RCX);
    x86_mov_imm(a, RAX, answer);
    write_leave(a);
    return start;
}

static void write_leaves(struct jit *jit, struct x86 *a) {
    jit->leave_va = a->at;
    x86_store(a, true, JIT_CPU(pc), RAX);
    jit->leave = a->at;
    x86_mov_imm(a, RAX, JIT_LEAVE);
    write_leave(a);
    jit->leave_at = write_leave_at(a, JIT_LEAVE);
    jit->dead_at = write_leave_at(a, JIT_LEAVE_DEAD);
    jit->interpret_at = write_leave_at(a, JIT_LEAVE_INTERPRET);
}

/* Calls a function of the run loop that says where the code for pc is, if there is any, and goes there. rdx
 * is its second argument. */
static void write_resolve(struct jit *jit, struct x86 *a, uintptr_t function) {
    store_fixed(a);
    x86_mov(a, true, RSI, RDX);
    x86_stmxcsr(a, JIT_CPU(mxcsr)); /* fetching may raise: jit_unwound() */
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov_imm(a, RAX, function);
    x86_alu_imm(a, true, ALU_SUB, x86_r(RSP), 8);
    x86_call_rm(a, x86_r(RAX));
    x86_alu_imm(a, true, ALU_ADD, x86_r(RSP), 8);
    load_fixed(a);
    x86_test(a, true, x86_r(RAX), RAX);
    x86_jcc(a, CC_E, jit->leave);
    x86_mov(a, true, RCX, RAX);
    x86_load(a, true, RAX, JIT_CPU(pc));
    x86_jmp_rm(a, x86_r(RCX));
}

static void write_miss(struct jit *jit, struct x86 *a) {
    jit->miss = a->at;
    x86_store(a, true, JIT_CPU(pc), RAX);
    write_resolve(jit, a, (uintptr_t)jit_resolve);
}

static void write_chain(struct jit *jit, struct x86 *a) {
    jit->chain = a->at;
    x86_pop(a, RDX);
    x86_load(a, false, RCX, x86_m(RDX, offsetof(struct jit_chain, offset)));
    x86_alu(a, true, ALU_ADD, RCX, JIT_CPU(page_va));
    x86_store(a, true, JIT_CPU(pc), RCX);
    write_resolve(jit, a, (uintptr_t)jit_resolve_chain);
}

/* C code finds NZCV in cpu->nzcv. rcx stays. */
static void write_sync(struct x86 *a) {
    x86_alu_imm(a, false, ALU_CMP, JIT_CPU(flags_kind), FLAGS_STORED);
    uint8_t *stored = x86_jcc_short(a, CC_E);
    x86_push(a, RCX);
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov_imm(a, RAX, (uintptr_t)jit_sync_flags);
    x86_call_rm(a, x86_r(RAX));
    x86_pop(a, RCX);
    x86_bind_short(a, stored);
}

/* The same for translated code that goes on. */
static void write_sync_flags(struct jit *jit, struct x86 *a) {
    static const uint8_t saved[] = {RSI, RDI, R8, R9, R10, R11};
    jit->sync_flags = a->at;
    for (unsigned i = 0; i < sizeof saved; i++)
        x86_push(a, saved[i]);
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov_imm(a, RAX, (uintptr_t)jit_sync_flags);
    x86_call_rm(a, x86_r(RAX));
    for (unsigned i = sizeof saved; i-- > 0;)
        x86_pop(a, saved[i]);
    x86_ret(a);
}

/* rcx: insn. Sets pc and the handler's arguments, and leaves the handler's address in rax. */
static void write_prepare(struct x86 *a) {
    x86_load16(a, RAX, x86_m(RCX, offsetof(struct a64_insn, page_offset)));
    x86_alu(a, true, ALU_ADD, RAX, JIT_CPU(page_va));
    x86_store(a, true, JIT_CPU(pc), RAX);
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov(a, true, RSI, RCX);
    x86_load16(a, RCX, x86_m(RCX, offsetof(struct a64_insn, op)));
    x86_mov_imm(a, RDX, (uintptr_t)a64_exec);
}

/* The handler that write_prepare() found, or what is to be called instead. */
static struct x86_rm handler_of(const struct cpu *cpu, struct x86 *a, a64_exec_fn *verifying) {
    if (!cpu->verify)
        return x86_mx(RDX, RCX, 3, 0);
    x86_mov_imm(a, RAX, (uintptr_t)verifying);
    return x86_r(RAX);
}

static void write_handler(const struct cpu *cpu, struct x86 *a) {
    cpu->jit->handler = a->at;
    write_sync(a);
    x86_stmxcsr(a, JIT_CPU(mxcsr));
    write_prepare(a);
    x86_jmp_rm(a, handler_of(cpu, a, verify_handler));
}

static void write_bail(struct jit *jit, struct x86 *a) {
    jit->bail = a->at;
    write_sync(a);
    x86_stmxcsr(a, JIT_CPU(mxcsr));
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov(a, true, RSI, RCX);
    x86_mov_imm(a, RAX, (uintptr_t)jit_bail);
    x86_jmp_rm(a, x86_r(RAX));
}

static const uint8_t *write_fixed(struct x86 *a, const uint8_t *stub) {
    const uint8_t *start = a->at;
    store_fixed(a);
    x86_call(a, stub);
    x86_ldmxcsr(a, JIT_CPU(mxcsr)); /* what C code computed is no flag of the guest's */
    load_fixed(a);
    x86_ret(a);
    return start;
}

void jit_write_bail_begin(struct x86 *a) {
    x86_load(a, true, RCX, x86_m(RSP, 0));
    x86_push(a, RCX); /* and the stack is aligned */
}

void jit_write_bail_end(struct x86 *a) {
    x86_pop(a, RCX);
    x86_load32s(a, RAX, x86_m(RCX, offsetof(struct jit_bail, back)));
    x86_alu_to(a, true, ALU_ADD, x86_m(RSP, 0), RAX);
    x86_ret(a);
}

static void write_handlers(const struct cpu *cpu, struct x86 *a) {
    struct jit *jit = cpu->jit;
    write_handler(cpu, a);
    jit->handler_fixed = write_fixed(a, jit->handler);
    write_bail(jit, a);
    jit->bail_fixed = write_fixed(a, jit->bail);
    jit->bail_here = a->at;
    jit_write_bail_begin(a);
    x86_call(a, jit->bail_fixed);
    jit_write_bail_end(a);
}

void jit_write_jump(struct jit *jit, struct x86 *a) {
    _Static_assert(sizeof(struct tlb_jump) == 16, "four times an instruction");
    const int32_t jump = offsetof(struct tlb_set, jump);
    x86_alu_imm(a, false, ALU_CMP, JIT_CPU(attention), 0);
    x86_jcc(a, CC_NE, jit->leave_va);
    x86_mov(a, false, RCX, RAX);
    x86_alu_imm(a, false, ALU_AND, x86_r(RCX), (TLB_JUMPS - 1) << 2);
    x86_alu(a, true, ALU_CMP, RAX, x86_mx(R15, RCX, 2, jump + (int32_t)offsetof(struct tlb_jump, va)));
    x86_jcc(a, CC_NE, jit->miss);
    x86_jmp_rm(a, x86_mx(R15, RCX, 2, jump + (int32_t)offsetof(struct tlb_jump, code)));
}

/* After a handler that may have changed anything: mode, TLB set, attention. */
static void write_handler_end(const struct cpu *cpu, struct x86 *a) {
    struct jit *jit = cpu->jit;
    jit->handler_end = a->at;
    store_fixed(a);
    write_sync(a);
    x86_stmxcsr(a, JIT_CPU(mxcsr));
    write_prepare(a);
    x86_alu_imm(a, true, ALU_ADD, x86_r(RAX), 4);
    x86_store(a, true, JIT_CPU(next_pc), RAX);
    x86_alu_imm(a, true, ALU_SUB, x86_r(RSP), 8);
    x86_call_rm(a, handler_of(cpu, a, verify_handler_end));
    x86_alu_imm(a, true, ALU_ADD, x86_r(RSP), 8);
    x86_ldmxcsr(a, JIT_CPU(mxcsr));
    x86_load(a, false, RCX, JIT_CPU(mmu_index));
    struct x86_rm set = JIT_CPU(tlb_set);
    x86_load(a, true, R15, x86_mx(RBP, RCX, 3, set.disp));
    load_fixed(a);
    x86_load(a, true, RAX, JIT_CPU(next_pc));
    x86_test_imm(a, false, JIT_CPU(x[REG_SP]), SP_ALIGN - 1);
    x86_jcc(a, CC_NE, jit->leave_va);
    jit_write_jump(jit, a);
}

/* Called; rax: an address. ZF: its entry was in the second TLB, and is in the first now. */
static const uint8_t *write_second(struct x86 *a) {
    enum { LOG2_SECOND = 11, ENTRY_SHIFT = 5, HALF = 16 };
    _Static_assert(TLB_SECOND == 1 << LOG2_SECOND && sizeof(struct tlb_entry) == 1 << ENTRY_SHIFT, "shifts");
    const int32_t second = offsetof(struct tlb_set, second), read = offsetof(struct tlb_entry, read);
    const uint8_t *start = a->at;
    x86_mov(a, true, RCX, RAX);
    x86_shift(a, true, SHIFT_SHR, x86_r(RCX), PAGE_BITS);
    x86_mov(a, true, RDX, RCX);
    x86_shift(a, true, SHIFT_SHR, x86_r(RDX), LOG2_SECOND);
    x86_alu(a, false, ALU_XOR, RCX, x86_r(RDX));
    x86_alu_imm(a, false, ALU_AND, x86_r(RCX), TLB_SECOND - 1);
    x86_shift(a, false, SHIFT_SHL, x86_r(RCX), ENTRY_SHIFT);
    x86_mov(a, true, RDX, RAX);
    x86_alu_imm(a, true, ALU_AND, x86_r(RDX), -PAGE_SIZE_4K);
    x86_alu(a, true, ALU_CMP, RDX, x86_mx(R15, RCX, 0, second + read));
    uint8_t *missed = x86_jcc_short(a, CC_NE);
    x86_vex(a, X86_VMOVDQU, 0, 0, x86_mx(R15, RCX, 0, second));
    x86_vex(a, X86_VMOVDQU, 1, 0, x86_mx(R15, RCX, 0, second + HALF));
    jit_write_index(a, RAX);
    x86_vex(a, X86_VMOVDQU_STORE, 0, 0, x86_mx(R15, RCX, 0, 0));
    x86_vex(a, X86_VMOVDQU_STORE, 1, 0, x86_mx(R15, RCX, 0, HALF));
    x86_alu(a, false, ALU_CMP, RAX, x86_r(RAX));
    x86_bind_short(a, missed);
    x86_ret(a);
    return start;
}

static void write_look_up(struct x86 *a, const uint8_t *second, unsigned bytes, bool write) {
    jit_write_probe(a, RAX, 0, bytes, write);
    uint8_t *found = x86_jcc_short(a, CC_E);
    x86_call(a, second);
    uint8_t *missed = x86_jcc_short(a, CC_NE);
    jit_write_probe(a, RAX, 0, bytes, write);
    uint8_t *differs = x86_jcc_short(a, CC_NE);
    x86_bind_short(a, found);
    x86_mov(a, true, RDX, RAX);
    x86_load(a, true, RAX, x86_mx(R15, RCX, 0, offsetof(struct tlb_entry, addend)));
    x86_bind_short(a, missed);
    x86_bind_short(a, differs);
    x86_ret(a);
}

static void write_look_ups(struct jit *jit, struct x86 *a) {
    const uint8_t *second = write_second(a);
    for (unsigned log2 = 0; log2 < JIT_LOOK_UPS; log2++)
        for (unsigned write = 0; write < 2; write++) {
            jit->look_up[log2][write] = a->at;
            write_look_up(a, second, 1u << log2, write);
        }
}

/* verify.h */
static void write_log_access(struct jit *jit, struct x86 *a) {
    enum { VECTORS = 16, ROOM = VECTORS * 16 + 8, RET_IMM16 = 0xc2 };
    static const uint8_t saved[] = {RSI, RDI, R8, R9, R10, R11};
    jit->log_access = a->at;
    for (unsigned i = 0; i < sizeof saved; i++)
        x86_push(a, saved[i]);
    x86_alu_imm(a, true, ALU_SUB, x86_r(RSP), ROOM);
    for (int i = 0; i < VECTORS; i++)
        x86_vex(a, X86_VMOVDQU_STORE, (unsigned)i, 0, x86_m(RSP, i * 16));
    x86_lea(a, true, RDI, x86_m(RBP, -base_offset));
    x86_mov(a, true, RSI, RCX);
    x86_load(a, false, RCX, x86_m(RSP, ROOM + (int32_t)sizeof saved * 8 + 8));
    x86_mov_imm(a, RAX, (uintptr_t)verify_access);
    x86_call_rm(a, x86_r(RAX));
    for (int i = 0; i < VECTORS; i++)
        x86_vex(a, X86_VMOVDQU, (unsigned)i, 0, x86_m(RSP, i * 16));
    x86_alu_imm(a, true, ALU_ADD, x86_r(RSP), ROOM);
    for (unsigned i = sizeof saved; i-- > 0;)
        x86_pop(a, saved[i]);
    *a->at++ = RET_IMM16; /* and takes off what was pushed */
    *a->at++ = 8;
    *a->at++ = 0;
}

void jit_write_stubs(struct cpu *cpu) {
    struct jit *jit = cpu->jit;
    struct x86 a = {.at = jit->memory.write, .run = jit->memory.run - jit->memory.write};
    write_enter(jit, &a);
    write_leaves(jit, &a);
    write_miss(jit, &a);
    write_chain(jit, &a);
    write_sync_flags(jit, &a);
    write_handlers(cpu, &a);
    write_handler_end(cpu, &a);
    write_look_ups(jit, &a);
    if (cpu->verify)
        write_log_access(jit, &a);
}
