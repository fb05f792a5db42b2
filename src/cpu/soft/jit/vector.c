/* Guest vector registers and constants, for the emitters. */
#include "cpu/soft/jit/vector.h"

#include "cpu/soft/jit/internal.h"

const union vreg jit_constants[JIT_CONSTANT_COUNT] = {
#define JIT_CONSTANT_VALUE(name, low, high) [JIT_##name] = {.d = {low, high}},
    JIT_CONSTANTS(JIT_CONSTANT_VALUE)};

struct x86_rm jit_constant(enum jit_constant constant) {
    struct x86_rm rm = JIT_CPU(jit_constant);
    rm.disp += (int32_t)(constant * sizeof(union vreg));
    return rm;
}

struct x86_rm jit_vector_rm(struct translation *t, unsigned reg) {
    (void)t;
    struct x86_rm rm = JIT_CPU(v);
    rm.disp += (int32_t)(reg * sizeof(union vreg));
    return rm;
}

unsigned jit_vector(struct translation *t, unsigned reg, unsigned scratch) {
    x86_vex(jit_asm(t), X86_VMOVDQA, scratch, 0, jit_vector_rm(t, reg));
    return scratch;
}

static void load_low(struct translation *t, unsigned xmm, struct x86_rm from, unsigned bytes) {
    struct x86 *a = jit_asm(t);
    switch (bytes) {
    case 16: x86_vex(a, X86_VMOVDQA, xmm, 0, from); break;
    case 8: x86_vex(a, X86_VMOVQ, xmm, 0, from); break;
    case 4: x86_vex(a, X86_VMOVD, xmm, 0, from); break;
    default:
        if (bytes == 2)
            x86_load16(a, RAX, from);
        else
            x86_load8(a, RAX, from);
        x86_vex(a, X86_VMOVD, xmm, 0, x86_r(RAX));
    }
}

unsigned jit_vector_low(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch) {
    load_low(t, scratch, jit_vector_rm(t, reg), bytes);
    return scratch;
}

unsigned jit_vector_scalar(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch) {
    return jit_vector_low(t, reg, bytes, scratch);
}

static void clear_above(struct translation *t, unsigned xmm, unsigned bytes) {
    struct x86 *a = jit_asm(t);
    enum { CLEAR_LANES_1_TO_3 = 0x0e };
    switch (bytes) {
    case 16: break;
    case 8: jit_op2(t, X86_VMOVQ, xmm, xmm); break;
    case 4: jit_op3_imm(t, VINSERTPS, xmm, xmm, xmm, CLEAR_LANES_1_TO_3); break;
    default:
        x86_vex(a, bytes == 2 ? VPEXTRW : VPEXTRB, xmm, 0, x86_r(RAX));
        x86_imm8(a, 0);
        x86_vex(a, X86_VMOVD, xmm, 0, x86_r(RAX));
    }
}

void jit_vector_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes) {
    t->fp_size[reg] = 0;
    clear_above(t, xmm, bytes);
    x86_vex(jit_asm(t), X86_VMOVDQA_STORE, xmm, 0, jit_vector_rm(t, reg));
}

void jit_scalar_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes, unsigned from) {
    (void)bytes, (void)from; /* loaded with zeros above */
    jit_vector_write(t, reg, xmm, 16);
}

unsigned jit_vector_lanes(
    struct translation *t, const struct a64_insn *insn, unsigned reg, unsigned scratch) {
    const unsigned bytes = simd_bytes(insn);
    if (bytes == 16)
        return jit_vector(t, reg, scratch);
    if (insn->flags & SIMD_SCALAR)
        return jit_vector_low(t, reg, bytes, scratch);
    jit_op3_rm(t, VMOVDDUP, scratch, 0, jit_vector_rm(t, reg));
    return scratch;
}

static const uint32_t broadcast[] = {VPBROADCASTB, VPBROADCASTW, VPBROADCASTD, VPBROADCASTQ};

void jit_simd_broadcast(struct translation *t, unsigned size, unsigned to, unsigned from) {
    jit_op2(t, broadcast[size], to, from);
}

void jit_simd_broadcast_rm(struct translation *t, unsigned size, unsigned to, struct x86_rm from) {
    jit_op3_rm(t, broadcast[size], to, 0, from);
}

struct x86_rm jit_vector_lane(
    struct translation *t, unsigned reg, unsigned size, unsigned index, enum x86_reg scratch) {
    (void)scratch;
    struct x86_rm lane = jit_vector_rm(t, reg);
    lane.disp += (int32_t)(index << size);
    return lane;
}

void jit_vector_splat(struct translation *t, unsigned xmm, unsigned reg, unsigned size, unsigned index) {
    jit_op3_rm(t, broadcast[size], xmm, 0, jit_vector_lane(t, reg, size, index, RAX));
}

unsigned jit_vector_rm_lanes(struct translation *t, const struct a64_insn *insn, unsigned scratch) {
    if (!(insn->flags & SIMD_ELEMENT))
        return jit_vector_lanes(t, insn, insn->rm, scratch);
    if (insn->flags & SIMD_SCALAR) /* of 4 or 8 bytes */
        load_low(t, scratch, jit_vector_lane(t, insn->rm, insn->size, insn->index, RAX), 1u << insn->size);
    else
        jit_vector_splat(t, scratch, insn->rm, insn->size, insn->index);
    return scratch;
}
