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

/* --- UZP, TRN, ZIP: part is 0 for the first and 1 for the second of the two instructions */
static union vreg unzip(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm];
    const unsigned size = insn->size, half = simd_lanes(insn) / 2;
    union vreg r = {0};
    for (unsigned i = 0; i < half; i++) {
        simd_set_lane(&r, size, i, simd_lane(n, size, 2 * i + part));
        simd_set_lane(&r, size, half + i, simd_lane(m, size, 2 * i + part));
    }
    return r;
}

static union vreg transpose(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm];
    const unsigned size = insn->size;
    union vreg r = {0};
    for (unsigned i = 0; i < simd_lanes(insn); i += 2) {
        simd_set_lane(&r, size, i, simd_lane(n, size, i + part));
        simd_set_lane(&r, size, i + 1, simd_lane(m, size, i + part));
    }
    return r;
}

static union vreg zip(const struct cpu *cpu, const struct a64_insn *insn, unsigned part) {
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm];
    const unsigned size = insn->size, half = simd_lanes(insn) / 2;
    union vreg r = {0};
    for (unsigned i = 0; i < half; i++) {
        simd_set_lane(&r, size, 2 * i, simd_lane(n, size, part * half + i));
        simd_set_lane(&r, size, 2 * i + 1, simd_lane(m, size, part * half + i));
    }
    return r;
}

#define SIMD_PERMUTE(name, function, part)                                                                   \
    EXEC(name) {                                                                                             \
        cpu_check_fp(cpu);                                                                                   \
        cpu->v[insn->rd] = function(cpu, insn, part);                                                        \
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
    const unsigned bytes = simd_bytes(insn);
    uint8_t both[32];
    memcpy(both, &cpu->v[insn->rn], bytes);
    memcpy(both + bytes, &cpu->v[insn->rm], bytes);
    union vreg r = {0};
    memcpy(&r, both + insn->index, bytes);
    cpu->v[insn->rd] = r;
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
