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

/* The host register that has v[reg], or 0. */
static unsigned own(const struct translation *t, unsigned reg) {
    const unsigned number = region_vector(reg);
    return t->region.allocated >> number & 1 ? t->region.host[number] : 0;
}

static struct x86_rm home(unsigned reg) {
    struct x86_rm rm = JIT_CPU(v);
    rm.disp += (int32_t)(reg * sizeof(union vreg));
    return rm;
}

struct x86_rm jit_vector_rm(struct translation *t, unsigned reg) {
    return own(t, reg) ? x86_r(own(t, reg)) : home(reg);
}

unsigned jit_vector(struct translation *t, unsigned reg, unsigned scratch) {
    if (own(t, reg))
        return own(t, reg);
    x86_vex(jit_asm(t), X86_VMOVDQA, scratch, 0, home(reg));
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

/* to = the low bytes of from, zeros above */
static void move_low(struct translation *t, unsigned to, unsigned from, unsigned bytes) {
    enum { CLEAR_LANES_1_TO_3 = 0x0e };
    struct x86 *a = jit_asm(t);
    switch (bytes) {
    case 16:
        if (to != from)
            jit_op2(t, X86_VMOVDQA, to, from);
        break;
    case 8: jit_op2(t, X86_VMOVQ, to, from); break;
    case 4: jit_op3_imm(t, VINSERTPS, to, from, from, CLEAR_LANES_1_TO_3); break;
    default:
        x86_vex(a, bytes == 2 ? VPEXTRW : VPEXTRB, from, 0, x86_r(RAX));
        x86_imm8(a, 0);
        x86_vex(a, X86_VMOVD, to, 0, x86_r(RAX));
    }
}

unsigned jit_vector_low(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch) {
    if (own(t, reg))
        move_low(t, scratch, own(t, reg), bytes);
    else
        load_low(t, scratch, home(reg), bytes);
    return scratch;
}

unsigned jit_vector_scalar(struct translation *t, unsigned reg, unsigned bytes, unsigned scratch) {
    return own(t, reg) ? own(t, reg) : jit_vector_low(t, reg, bytes, scratch);
}

static void write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes) {
    if (own(t, reg)) {
        move_low(t, own(t, reg), xmm, bytes);
    } else {
        move_low(t, xmm, xmm, bytes);
        x86_vex(jit_asm(t), X86_VMOVDQA_STORE, xmm, 0, home(reg));
    }
}

void jit_vector_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes) {
    t->fp_size[reg] = 0;
    t->zero_above[reg] = bytes < 16 ? (uint8_t)bytes : 0;
    write(t, reg, xmm, bytes);
}

void jit_scalar_write(struct translation *t, unsigned reg, unsigned xmm, unsigned bytes, unsigned from) {
    bool clean = from == JIT_ZEROS || !own(t, from) || (t->zero_above[from] && t->zero_above[from] <= bytes);
    t->fp_size[reg] = 0;
    t->zero_above[reg] = (uint8_t)bytes;
    write(t, reg, xmm, clean ? 16 : bytes);
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
    static const uint32_t extract[] = {VPEXTRB, VPEXTRW, VPEXTRD, VPEXTRD | X86_W};
    struct x86 *a = jit_asm(t);
    if (!own(t, reg)) {
        struct x86_rm lane = home(reg);
        lane.disp += (int32_t)(index << size);
        return lane;
    }
    if (index == 0 && size >= 2) {
        x86_vex(a, X86_VMOVD_STORE | x86_width(size == 3), own(t, reg), 0, x86_r(scratch));
    } else {
        x86_vex(a, extract[size], own(t, reg), 0, x86_r(scratch));
        x86_imm8(a, (int)index);
    }
    return x86_r(scratch);
}

/* xmm's lowest lane = lane `index` of v[reg] */
static void move_lane_down(struct translation *t, unsigned xmm, unsigned reg, unsigned size, unsigned index) {
    if (index)
        jit_shift_bytes(t, JIT_SRL_BYTES, xmm, own(t, reg), index << size);
    else
        jit_op2(t, X86_VMOVDQA, xmm, own(t, reg));
}

void jit_vector_splat(struct translation *t, unsigned xmm, unsigned reg, unsigned size, unsigned index) {
    enum { LANE_0_IN_ALL = 0x55 };
    if (!own(t, reg)) {
        jit_op3_rm(t, broadcast[size], xmm, 0, jit_vector_lane(t, reg, size, index, RAX));
    } else if (size == 2) {
        jit_op2_imm(t, VPSHUFD, xmm, own(t, reg), (int)(index * LANE_0_IN_ALL));
    } else {
        move_lane_down(t, xmm, reg, size, index);
        jit_simd_broadcast(t, size, xmm, xmm);
    }
}

unsigned jit_vector_rm_lanes(struct translation *t, const struct a64_insn *insn, unsigned scratch) {
    const unsigned size = insn->size;
    if (!(insn->flags & SIMD_ELEMENT))
        return jit_vector_lanes(t, insn, insn->rm, scratch);
    if (!(insn->flags & SIMD_SCALAR)) {
        jit_vector_splat(t, scratch, insn->rm, size, insn->index);
    } else if (own(t, insn->rm)) {
        move_lane_down(t, scratch, insn->rm, size, insn->index);
        move_low(t, scratch, scratch, 1u << size);
    } else {
        load_low(t, scratch, jit_vector_lane(t, insn->rm, size, insn->index, RAX), 1u << size);
    }
    return scratch;
}
