/* Operands of general instructions that the table cannot express: the fix() functions of base.isa and
 * loadstore.isa. False makes the word UNDEFINED. */
#include "a64_ops.h"
#include "cpu/soft/insn.h"

static uint64_t ones(unsigned count) {
    return count >= 64 ? UINT64_MAX : (1ull << count) - 1;
}

/* C6.2.10: immhi:immlo. */
bool fix_adr(struct a64_insn *insn) {
    insn->imm = (int64_t)((uint64_t)insn->imm << 2 | insn->opc);
    return true;
}

bool fix_adrp(struct a64_insn *insn) {
    insn->imm = (int64_t)(((uint64_t)insn->imm << 2 | insn->opc) << 12);
    return true;
}

bool fix_add_imm(struct a64_insn *insn) {
    if (insn->shift)
        insn->imm <<= 12;
    return true;
}

/* DecodeBitMasks() (aarch64/instrs/integer/bitmasks): a run of ones, rotated, replicated. */
static bool decode_bit_mask(unsigned n, unsigned immr, unsigned imms, uint64_t *mask) {
    unsigned selector = n << 6 | (~imms & 0x3f);
    if (selector < 2)
        return false;
    unsigned size = 1u << (31 - __builtin_clz(selector));
    unsigned run = (imms & (size - 1)) + 1, rotation = immr & (size - 1);
    if (run == size)
        return false;
    uint64_t element = ones(run);
    if (rotation)
        element = (element >> rotation | element << (size - rotation)) & ones(size);
    for (; size < 64; size *= 2)
        element |= element << size;
    *mask = element;
    return true;
}

bool fix_logical_imm(struct a64_insn *insn) {
    uint64_t mask;
    if (!decode_bit_mask(insn->imm >> 12 & 1, insn->imm >> 6 & 0x3f, insn->imm & 0x3f, &mask))
        return false;
    insn->imm = (int64_t)(insn->sf ? mask : mask & UINT32_MAX);
    return true;
}

bool fix_movz(struct a64_insn *insn) {
    insn->amount *= 16;
    insn->imm = (int64_t)((uint64_t)insn->imm << insn->amount);
    return true;
}

bool fix_movn(struct a64_insn *insn) {
    fix_movz(insn);
    insn->imm = ~insn->imm;
    if (!insn->sf)
        insn->imm &= UINT32_MAX;
    return true;
}

bool fix_movk(struct a64_insn *insn) {
    insn->amount *= 16;
    return true;
}

/* SBFM and UBFM as a left shift (by `shift`) that brings the field's top bit to bit 63, and a right shift (by
 * `flags`): the register's width no longer matters to the field. `opc` is where its lowest bit goes. */
bool fix_bitfield(struct a64_insn *insn) {
    unsigned immr = insn->amount, imms = insn->index, width = insn->sf ? 64 : 32;
    unsigned lowest = imms >= immr ? 0 : width - immr;
    insn->opc = (uint8_t)lowest;
    insn->shift = (uint8_t)(63 - imms);
    insn->flags = (uint8_t)(imms >= immr ? 63 - imms + immr : 63 - imms - lowest);
    return true;
}

/* BFM: the source rotated right by `amount` replaces the bits of `imm`. */
bool fix_bfm(struct a64_insn *insn) {
    unsigned immr = insn->amount, imms = insn->index, width = insn->sf ? 64 : 32;
    uint64_t mask = imms >= immr ? ones(imms - immr + 1) : ones(imms + 1) << (width - immr);
    insn->imm = (int64_t)mask;
    return true;
}

/* Register offsets: the S bit scales by the access size. */
bool fix_offset_shift(struct a64_insn *insn) {
    insn->amount = insn->amount ? insn->size : 0;
    return true;
}
