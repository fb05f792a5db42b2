/* Advanced SIMD copy, permute, extract and table lookup (isa/simd_copy.isa). */
#include <string.h>

#include "cpu/soft/interp/simd.h"

/* --- copies: size and index come from imm5 */
EXEC(dup_elem) {
    cpu_check_fp(cpu);
    simd_write(cpu, insn, simd_splat(insn->size, simd_lane(&cpu->v[insn->rn], insn->size, insn->index)));
}

EXEC(dup_elem_scalar) {
    cpu_check_fp(cpu);
    cpu->v[insn->rd] = (union vreg){.d = {simd_lane(&cpu->v[insn->rn], insn->size, insn->index), 0}};
}

EXEC(dup_gen) {
    cpu_check_fp(cpu);
    simd_write(cpu, insn, simd_splat(insn->size, cpu->x[insn->rn]));
}

EXEC(smov) {
    cpu_check_fp(cpu);
    int64_t value = simd_lane_signed(&cpu->v[insn->rn], insn->size, insn->index);
    cpu->x[insn->rd] = insn->sf ? (uint64_t)value : (uint32_t)value;
}

EXEC(umov) {
    cpu_check_fp(cpu);
    cpu->x[insn->rd] = simd_lane(&cpu->v[insn->rn], insn->size, insn->index);
}

EXEC(ins_gen) {
    cpu_check_fp(cpu);
    simd_set_lane(&cpu->v[insn->rd], insn->size, insn->index, cpu->x[insn->rn]);
}

EXEC(ins_elem) {
    cpu_check_fp(cpu);
    uint64_t value = simd_lane(&cpu->v[insn->rn], insn->size, insn->amount);
    simd_set_lane(&cpu->v[insn->rd], insn->size, insn->index, value);
}

/* --- UZP, TRN, ZIP: part is 0 for the first and 1 for the second of the two instructions. Loops go over
 * whole registers, so the halves that Q = 0 has are brought together first. */
union two_vregs {
    union vreg v[2];
    uint8_t b[32];
    uint16_t h[16];
    uint32_t s[8];
    uint64_t d[4];
};

/* rm:rn without a gap. */
static inline union two_vregs concatenate(const struct cpu *cpu, const struct a64_insn *insn) {
    const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    if (insn->q)
        return (union two_vregs){.v = {n, m}};
    return (union two_vregs){.d = {n.d[0], m.d[0]}};
}

/* The even elements are the low halves of elements twice as wide, the odd ones the high halves (hosts are
 * little-endian). */
static union vreg unzip(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    const union two_vregs both = concatenate(cpu, insn);
    union vreg r;
#define UNZIP(elem, wide, bits)                                                                              \
    for (unsigned i = 0; i < 128 / (bits); i++)                                                              \
        r.elem[i] = (uint##bits##_t)(both.wide[i] >> (bits)*part);
    switch (insn->size) {
    case 0: UNZIP(b, h, 8) break;
    case 1: UNZIP(h, s, 16) break;
    case 2: UNZIP(s, d, 32) break;
    default: r = (union vreg){.d = {both.d[part], both.d[2 + part]}}; break;
    }
    return r;
}

#define BY_SIZE(loop)                                                                                        \
    switch (insn->size) {                                                                                    \
    case 0: loop(b, 8) break;                                                                                \
    case 1: loop(h, 16) break;                                                                               \
    case 2: loop(s, 32) break;                                                                               \
    default: loop(d, 64) break;                                                                              \
    }

static union vreg transpose(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    const union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    union vreg r;
#define TRANSPOSE(elem, bits)                                                                                \
    for (unsigned i = 0; i < 128 / (bits); i += 2) {                                                         \
        r.elem[i] = n.elem[i + part];                                                                        \
        r.elem[i + 1] = m.elem[i + part];                                                                    \
    }
    BY_SIZE(TRANSPOSE)
    return r;
}

static union vreg zip(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    union vreg n = cpu->v[insn->rn], m = cpu->v[insn->rm], r;
    n.d[0] = insn->q ? n.d[part] : n.d[0] >> 32 * part;
    m.d[0] = insn->q ? m.d[part] : m.d[0] >> 32 * part;
#define ZIP(elem, bits)                                                                                      \
    for (unsigned i = 0; i < 64 / (bits); i++) {                                                             \
        r.elem[2 * i] = n.elem[i];                                                                           \
        r.elem[2 * i + 1] = m.elem[i];                                                                       \
    }
    BY_SIZE(ZIP)
    return r;
}

#define SIMD_PERMUTE(name, function, part)                                                                   \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        simd_write(cpu, insn, function(cpu, insn, part));                                                    \
    }
SIMD_PERMUTE(uzp1, unzip, 0)
SIMD_PERMUTE(uzp2, unzip, 1)
SIMD_PERMUTE(trn1, transpose, 0)
SIMD_PERMUTE(trn2, transpose, 1)
SIMD_PERMUTE(zip1, zip, 0)
SIMD_PERMUTE(zip2, zip, 1)

struct simd_pairs simd_pairs(const struct cpu *cpu, const struct a64_insn *insn) {
    return (struct simd_pairs){.even = unzip(cpu, insn, 0), .odd = unzip(cpu, insn, 1)};
}

/* --- bytes from rm:rn, from byte `index` on */
EXEC(ext) {
    cpu_check_fp(cpu);
    const union two_vregs both = concatenate(cpu, insn);
    union vreg r;
    memcpy(&r, both.b + insn->index, sizeof r);
    simd_write(cpu, insn, r);
}

/* --- table lookup: bytes of opc + 1 registers from rn on. Out of range: 0 (TBL), or rd's byte stays (TBX).
 */
static void lookup(struct cpu *cpu, const struct a64_insn *insn, union vreg r) {
    const union vreg m = cpu->v[insn->rm];
    const unsigned registers = insn->opc + 1u;
    union vreg table[4];
    for (unsigned i = 0; i < registers; i++)
        table[i] = cpu->v[(insn->rn + i) % 32];
    for (unsigned i = 0; i < simd_bytes(insn); i++)
        if (m.b[i] < registers * 16)
            r.b[i] = table[m.b[i] / 16].b[m.b[i] % 16];
    simd_write(cpu, insn, r);
}

EXEC(tbl) {
    cpu_check_fp(cpu);
    lookup(cpu, insn, (union vreg){0});
}

EXEC(tbx) {
    cpu_check_fp(cpu);
    lookup(cpu, insn, cpu->v[insn->rd]);
}
