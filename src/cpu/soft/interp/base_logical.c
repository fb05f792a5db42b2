/* Logical operations, moves, shifts and bit fields (C4.1.64, C4.1.65). */
#include "cpu/soft/interp/handler.h"

#define LOGICAL(suffix, type, operand)                                                                       \
    EXEC(and##suffix) {                                                                                      \
        RD = (type)(RN & (operand));                                                                         \
    }                                                                                                        \
    EXEC(orr##suffix) {                                                                                      \
        RD = (type)(RN | (operand));                                                                         \
    }                                                                                                        \
    EXEC(eor##suffix) {                                                                                      \
        RD = (type)(RN ^ (operand));                                                                         \
    }                                                                                                        \
    EXEC(ands##suffix) {                                                                                     \
        type result = (type)(RN & (operand));                                                                \
        cpu->nzcv = (uint8_t)((result >> (sizeof(type) * 8 - 1)) << 3 | (type)(result == 0) << 2);           \
        RD = result;                                                                                         \
    }

#define LOGICAL_NOT(suffix, type, operand)                                                                   \
    EXEC(bic##suffix) {                                                                                      \
        RD = (type)(RN & ~(operand));                                                                        \
    }                                                                                                        \
    EXEC(orn##suffix) {                                                                                      \
        RD = (type)(RN | ~(operand));                                                                        \
    }                                                                                                        \
    EXEC(eon##suffix) {                                                                                      \
        RD = (type)(RN ^ ~(operand));                                                                        \
    }                                                                                                        \
    EXEC(bics##suffix) {                                                                                     \
        type result = (type)(RN & ~(operand));                                                               \
        cpu->nzcv = (uint8_t)((result >> (sizeof(type) * 8 - 1)) << 3 | (type)(result == 0) << 2);           \
        RD = result;                                                                                         \
    }

LOGICAL(_imm_w, uint32_t, (uint64_t)insn->imm)
LOGICAL(_imm_x, uint64_t, (uint64_t)insn->imm)
LOGICAL(_w, uint32_t, RM)
LOGICAL(_x, uint64_t, RM)
LOGICAL(_shift_w, uint32_t, shift32((uint32_t)RM, insn->shift, insn->amount))
LOGICAL(_shift_x, uint64_t, shift64(RM, insn->shift, insn->amount))
LOGICAL_NOT(_w, uint32_t, RM)
LOGICAL_NOT(_x, uint64_t, RM)
LOGICAL_NOT(_shift_w, uint32_t, shift32((uint32_t)RM, insn->shift, insn->amount))
LOGICAL_NOT(_shift_x, uint64_t, shift64(RM, insn->shift, insn->amount))

EXEC(mov_w) {
    RD = (uint32_t)RM;
}

EXEC(mov_x) {
    RD = RM;
}

EXEC(mov_imm) {
    RD = (uint64_t)insn->imm;
}

EXEC(movk_w) {
    uint64_t hole = UINT64_C(0xffff) << insn->amount;
    RD = (uint32_t)((RD & ~hole) | (uint64_t)insn->imm << insn->amount);
}

EXEC(movk_x) {
    uint64_t hole = UINT64_C(0xffff) << insn->amount;
    RD = (RD & ~hole) | (uint64_t)insn->imm << insn->amount;
}

/* The shifts were worked out by fix_bitfield() and fix_bfm(). */
EXEC(ubfm) {
    RD = RN << insn->shift >> insn->flags;
}

EXEC(sbfm_w) {
    RD = (uint32_t)((int64_t)(RN << insn->shift) >> insn->flags);
}

EXEC(sbfm_x) {
    RD = (uint64_t)((int64_t)(RN << insn->shift) >> insn->flags);
}

EXEC(bfm_w) {
    uint32_t mask = (uint32_t)insn->imm;
    RD = ((uint32_t)RD & ~mask) | (shift32((uint32_t)RN, 3, insn->amount) & mask);
}

EXEC(bfm_x) {
    uint64_t mask = (uint64_t)insn->imm;
    RD = (RD & ~mask) | (shift64(RN, 3, insn->amount) & mask);
}

EXEC(extr_w) {
    uint64_t pair = RN << 32 | (uint32_t)RM;
    RD = (uint32_t)(pair >> insn->amount);
}

EXEC(extr_x) {
    unsigned __int128 pair = (unsigned __int128)RN << 64 | RM;
    RD = (uint64_t)(pair >> insn->amount);
}

#define VARIABLE_SHIFT(name, type)                                                                           \
    EXEC(name##_w) {                                                                                         \
        RD = shift32((uint32_t)RN, type, RM & 31);                                                           \
    }                                                                                                        \
    EXEC(name##_x) {                                                                                         \
        RD = shift64(RN, type, RM & 63);                                                                     \
    }

VARIABLE_SHIFT(lslv, 0)
VARIABLE_SHIFT(lsrv, 1)
VARIABLE_SHIFT(asrv, 2)
VARIABLE_SHIFT(rorv, 3)
