/* Loads and stores of SIMD and FP registers. */
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/simd.h"

/* --- one element or register of 1 to 16 bytes. Loads clear what lies above. */
static void load(struct translation *t, unsigned xmm, struct x86_rm from, unsigned bytes) {
    struct x86 *a = jit_asm(t);
    switch (bytes) {
    case 16: x86_vex(a, X86_VMOVDQU, xmm, 0, from); return;
    case 8: x86_vex(a, X86_VMOVQ, xmm, 0, from); return;
    case 4: x86_vex(a, X86_VMOVD, xmm, 0, from); return;
    case 2: x86_load16(a, RCX, from); break;
    default: x86_load8(a, RCX, from);
    }
    x86_vex(a, X86_VMOVD, xmm, 0, x86_r(RCX));
}

static void store(struct translation *t, struct x86_rm to, unsigned xmm, unsigned bytes) {
    struct x86 *a = jit_asm(t);
    switch (bytes) {
    case 16: x86_vex(a, X86_VMOVDQU_STORE, xmm, 0, to); return;
    case 8: x86_vex(a, X86_VMOVQ_STORE, xmm, 0, to); return;
    case 4: x86_vex(a, X86_VMOVD_STORE, xmm, 0, to); return;
    default: x86_vex(a, bytes == 2 ? VPEXTRW : VPEXTRB, xmm, 0, to); x86_imm8(a, 0);
    }
}

static void load_register(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    load(t, XMM0, jit_access(t, insn, mode, bytes, false), bytes);
    jit_write_back(t, insn, mode);
    jit_vector_write(t, insn->rt, XMM0, 16);
}

static void store_register(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    struct x86_rm to = jit_access(t, insn, mode, bytes, true);
    store(t, to, jit_vector(t, insn->rt, XMM0), bytes);
    jit_write_back(t, insn, mode);
}

static struct x86_rm behind(struct x86_rm rm, unsigned bytes) {
    rm.disp += (int32_t)bytes;
    return rm;
}

static void load_pair(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    struct x86_rm from = jit_access(t, insn, mode, 2 * bytes, false);
    load(t, XMM0, from, bytes);
    load(t, XMM1, behind(from, bytes), bytes);
    jit_write_back(t, insn, mode);
    jit_vector_write(t, insn->rt, XMM0, 16);
    jit_vector_write(t, insn->rt2, XMM1, 16);
}

static void store_pair(
    struct translation *t, const struct a64_insn *insn, enum jit_mode mode, unsigned bytes) {
    struct x86_rm to = jit_access(t, insn, mode, 2 * bytes, true);
    store(t, to, jit_vector(t, insn->rt, XMM0), bytes);
    store(t, behind(to, bytes), jit_vector(t, insn->rt2, XMM0), bytes);
    jit_write_back(t, insn, mode);
}

/* --- structures */

/* After the access; as JIT_POST, but by a register, or by what was accessed. */
static void post_index(struct translation *t, const struct a64_insn *insn, unsigned bytes) {
    struct x86_rm base = jit_operand(t, insn->rn);
    if (insn->rm == REG_ZR)
        x86_alu_imm(jit_asm(t), true, ALU_ADD, base, (int32_t)bytes);
    else
        x86_alu_to(jit_asm(t), true, ALU_ADD, base, jit_source(t, insn->rm, RCX));
}

static void load_multiple(struct translation *t, const struct a64_insn *insn, bool post) {
    const unsigned bytes = 8u << insn->q, count = insn->amount;
    struct x86_rm from = jit_access(t, insn, JIT_OFFSET, bytes * count, false);
    for (unsigned i = 0; i < count; i++)
        load(t, XMM0 + i, behind(from, i * bytes), bytes);
    if (post)
        post_index(t, insn, bytes * count);
    for (unsigned i = 0; i < count; i++)
        jit_vector_write(t, (insn->rt + i) % 32u, XMM0 + i, 16);
}

static void store_multiple(struct translation *t, const struct a64_insn *insn, bool post) {
    const unsigned bytes = 8u << insn->q, count = insn->amount;
    struct x86_rm to = jit_access(t, insn, JIT_OFFSET, bytes * count, true);
    for (unsigned i = 0; i < count; i++)
        store(t, behind(to, i * bytes), jit_vector(t, (insn->rt + i) % 32u, XMM0), bytes);
    if (post)
        post_index(t, insn, bytes * count);
}

/* Two or four registers take turns, element by element: LD2 and LD4 take neighbours apart once or twice. */
static void take_apart(
    struct translation *t, unsigned size, unsigned even, unsigned odd, unsigned first, unsigned second) {
    jit_simd_unzip(t, size, first, first);
    jit_simd_unzip(t, size, second, second);
    jit_op3(t, VPUNPCKLQDQ, even, first, second);
    jit_op3(t, VPUNPCKHQDQ, odd, first, second);
}

/* The same of one register; each result in the lower half of one. */
static void take_apart_halves(struct translation *t, unsigned size, unsigned even, unsigned odd) {
    jit_simd_unzip(t, size, even, even);
    jit_shift_bytes(t, JIT_SRL_BYTES, odd, even, 8);
    jit_op2(t, X86_VMOVQ, even, even);
}

static void load_structures(struct translation *t, const struct a64_insn *insn, bool post) {
    const unsigned count = insn->opc, size = insn->size, bytes = 8u << insn->q;
    struct x86_rm from = jit_access(t, insn, JIT_OFFSET, bytes * count, false);
    for (unsigned i = 0; i < bytes * count / 16; i++)
        load(t, XMM0 + i, behind(from, i * 16), 16);
    if (post)
        post_index(t, insn, bytes * count);
    uint8_t result[4] = {XMM4, XMM5, XMM2, XMM3};
    if (count == 2 && insn->q) {
        take_apart(t, size, XMM4, XMM5, XMM0, XMM1);
    } else if (count == 2) {
        jit_op2(t, X86_VMOVDQA, XMM4, XMM0);
        take_apart_halves(t, size, XMM4, XMM5);
    } else if (insn->q) {
        take_apart(t, size, XMM4, XMM5, XMM0, XMM1);
        take_apart(t, size, XMM0, XMM1, XMM2, XMM3);
        take_apart(t, size, XMM2, XMM3, XMM4, XMM0);
        take_apart(t, size, XMM4, XMM0, XMM5, XMM1);
        memcpy(result, (uint8_t[]){XMM2, XMM4, XMM3, XMM0}, sizeof result);
    } else {
        take_apart(t, size, XMM4, XMM5, XMM0, XMM1);
        take_apart_halves(t, size, XMM4, XMM2);
        take_apart_halves(t, size, XMM5, XMM3);
    }
    for (unsigned i = 0; i < count; i++)
        jit_vector_write(t, (insn->rt + i) % 32u, result[i], 16);
}

static void store_structures(struct translation *t, const struct a64_insn *insn, bool post) {
    static const uint32_t low[] = {VPUNPCKLBW, VPUNPCKLWD, VPUNPCKLDQ, VPUNPCKLQDQ},
                          high[] = {VPUNPCKHBW, VPUNPCKHWD, VPUNPCKHDQ, VPUNPCKHQDQ};
    const unsigned count = insn->opc, size = insn->size, bytes = 8u << insn->q;
    struct x86_rm to = jit_access(t, insn, JIT_OFFSET, bytes * count, true);
    unsigned v[4];
    for (unsigned i = 0; i < count; i++)
        v[i] = jit_vector(t, (insn->rt + i) % 32u, XMM0 + i);
    uint8_t first = XMM4, second = XMM5, third = XMM0, fourth = XMM1;
    if (count == 4) { /* even registers, then odd ones, then both */
        jit_op3(t, low[size], first, v[0], v[2]);
        jit_op3(t, high[size], third, v[0], v[2]);
        jit_op3(t, low[size], second, v[1], v[3]);
        jit_op3(t, high[size], fourth, v[1], v[3]);
    } else {
        first = (uint8_t)v[0], second = (uint8_t)v[1];
    }
    for (unsigned i = 0; i < bytes * count / 16; i += 2) {
        jit_op3(t, low[size], XMM2, first, second);
        jit_op3(t, high[size], XMM3, first, second);
        store(t, behind(to, i * 16), XMM2, 16);
        if (i + 1 < bytes * count / 16)
            store(t, behind(to, (i + 1) * 16), XMM3, 16);
        first = third, second = fourth;
    }
    if (post)
        post_index(t, insn, bytes * count);
}

static void load_replicate(struct translation *t, const struct a64_insn *insn, bool post) {
    const unsigned bytes = 1u << insn->size;
    struct x86_rm from = jit_access(t, insn, JIT_OFFSET, bytes, false);
    jit_simd_broadcast_rm(t, insn->size, XMM0, from);
    if (post)
        post_index(t, insn, bytes);
    jit_vector_write(t, insn->rt, XMM0, 8u << insn->q);
}

static void load_lane(struct translation *t, const struct a64_insn *insn, bool post) {
    static const uint32_t op[] = {VPINSRB, VPINSRW, VPINSRD, VPINSRD | X86_W};
    struct x86_rm from = jit_access(t, insn, JIT_OFFSET, 1u << insn->size, false);
    jit_op3_rm(t, op[insn->size], XMM0, jit_vector(t, insn->rt, XMM0), from);
    x86_imm8(jit_asm(t), insn->index);
    if (post)
        post_index(t, insn, 1u << insn->size);
    jit_vector_write(t, insn->rt, XMM0, 16);
}

static void store_lane(struct translation *t, const struct a64_insn *insn, bool post) {
    static const uint32_t op[] = {VPEXTRB, VPEXTRW, VPEXTRD, VPEXTRD | X86_W};
    struct x86_rm to = jit_access(t, insn, JIT_OFFSET, 1u << insn->size, true);
    x86_vex(jit_asm(t), op[insn->size], jit_vector(t, insn->rt, XMM0), 0, to);
    x86_imm8(jit_asm(t), insn->index);
    if (post)
        post_index(t, insn, 1u << insn->size);
}

/* --- the forms */
#define FORM(name, function, ...)                                                                            \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        function(t, insn, __VA_ARGS__);                                                                      \
    }
#define FORM_AND_POST(name, function) FORM(name, function, false) FORM(name##_post, function, true)

#define PAIRS(name, function, bytes)                                                                         \
    FORM(name##_imm, function, JIT_OFFSET, bytes)                                                            \
    FORM(name##_post, function, JIT_POST, bytes)                                                             \
    FORM(name##_pre, function, JIT_PRE, bytes)
#define SINGLES(name, function, bytes)                                                                       \
    PAIRS(name, function, bytes)                                                                             \
    FORM(name##_reg, function, JIT_INDEX, bytes)                                                             \
    FORM(name##_regw, function, JIT_INDEX32, bytes)

SINGLES(ldr_vb, load_register, 1)
SINGLES(ldr_vh, load_register, 2)
SINGLES(ldr_vs, load_register, 4)
SINGLES(ldr_vd, load_register, 8)
SINGLES(ldr_vq, load_register, 16)
SINGLES(str_vb, store_register, 1)
SINGLES(str_vh, store_register, 2)
SINGLES(str_vs, store_register, 4)
SINGLES(str_vd, store_register, 8)
SINGLES(str_vq, store_register, 16)
FORM(ldr_vs_lit, load_register, JIT_LITERAL, 4)
FORM(ldr_vd_lit, load_register, JIT_LITERAL, 8)
FORM(ldr_vq_lit, load_register, JIT_LITERAL, 16)
PAIRS(ldp_vs, load_pair, 4)
PAIRS(ldp_vd, load_pair, 8)
PAIRS(ldp_vq, load_pair, 16)
PAIRS(stp_vs, store_pair, 4)
PAIRS(stp_vd, store_pair, 8)
PAIRS(stp_vq, store_pair, 16)
FORM_AND_POST(ld1_multiple, load_multiple)
FORM_AND_POST(st1_multiple, store_multiple)
FORM_AND_POST(ld_structures, load_structures)
FORM_AND_POST(st_structures, store_structures)
FORM_AND_POST(ld1_replicate, load_replicate)
FORM_AND_POST(ld1_lane, load_lane)
FORM_AND_POST(st1_lane, store_lane)
