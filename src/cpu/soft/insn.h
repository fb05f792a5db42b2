/* One decoded A64 instruction: what interpreter, translator and disassembler share.
 *
 * The members are the vocabulary of isa/(*).isa: a field named there is stored in the member of that name. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Where register 31 leads (see struct cpu). The decoder does the mapping, so that handlers index x[] blindly:
 * a field used as a source maps 31 to REG_ZR, as a destination to REG_SINK, as a base or SP form to REG_SP.
 */
enum { REG_ZR = 31, REG_SP = 32, REG_SINK = 33, REG_COUNT = 34 };

struct a64_insn {
    uint32_t word;
    uint16_t op; /* enum a64_op, generated: A64_UNDEFINED is 0 */
    union {
        uint8_t rd, rt;
    };
    uint8_t rn;
    union {
        uint8_t rm, rs;
    };
    union {
        uint8_t ra, rt2;
    };
    uint8_t sf;    /* 64-bit */
    uint8_t size;  /* log2 bytes of an element or access */
    uint8_t q;     /* 128-bit vector */
    uint8_t cond;  /* condition, or nzcv mask */
    uint8_t shift; /* shift type or extend option */
    uint8_t amount;
    uint8_t nzcv;
    uint8_t opc;          /* what is left: a form's own sub-operation */
    uint8_t index;        /* lane, bit number */
    uint8_t flags;        /* a form's own */
    uint16_t page_offset; /* where it lies in its page; set by the translator, for itself */
    int64_t imm;          /* sign-extended, scaled, expanded: ready to use */
};

/* False (and op = A64_UNDEFINED) when the table has no such instruction. */
bool a64_decode(uint32_t word, struct a64_insn *insn);

/* Assembly text, in the style of GNU objdump; always terminates the text. */
void a64_disassemble(const struct a64_insn *insn, uint64_t pc, char *text, unsigned size);
const char *a64_op_name(uint16_t op);
