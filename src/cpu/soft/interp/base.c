/* Addresses, multiplication, division, bit counting, CRC-32 (C4.1.64, C4.1.65). */
#include "cpu/soft/interp/handler.h"

EXEC(adr) {
    RD = cpu->pc + (uint64_t)insn->imm;
}

EXEC(adrp) {
    RD = (cpu->pc & ~UINT64_C(0xfff)) + (uint64_t)insn->imm;
}

EXEC(madd_w) {
    RD = (uint32_t)(RA + RN * RM);
}

EXEC(madd_x) {
    RD = RA + RN * RM;
}

EXEC(msub_w) {
    RD = (uint32_t)(RA - RN * RM);
}

EXEC(msub_x) {
    RD = RA - RN * RM;
}

EXEC(smaddl) {
    RD = RA + (uint64_t)((int64_t)(int32_t)RN * (int32_t)RM);
}

EXEC(smsubl) {
    RD = RA - (uint64_t)((int64_t)(int32_t)RN * (int32_t)RM);
}

EXEC(umaddl) {
    RD = RA + (uint64_t)(uint32_t)RN * (uint32_t)RM;
}

EXEC(umsubl) {
    RD = RA - (uint64_t)(uint32_t)RN * (uint32_t)RM;
}

EXEC(smulh) {
    RD = (uint64_t)((__int128)(int64_t)RN * (int64_t)RM >> 64);
}

EXEC(umulh) {
    RD = (uint64_t)((unsigned __int128)RN * RM >> 64);
}

/* Division by zero gives zero; INT_MIN / -1 gives INT_MIN (C6.2.364). */
EXEC(udiv_w) {
    uint32_t divisor = (uint32_t)RM;
    RD = divisor ? (uint32_t)RN / divisor : 0;
}

EXEC(udiv_x) {
    uint64_t divisor = RM;
    RD = divisor ? RN / divisor : 0;
}

EXEC(sdiv_w) {
    int32_t divisor = (int32_t)RM;
    if (divisor == -1)
        RD = (uint32_t)-RN;
    else
        RD = divisor ? (uint32_t)((int32_t)RN / divisor) : 0;
}

EXEC(sdiv_x) {
    int64_t divisor = (int64_t)RM;
    if (divisor == -1)
        RD = -RN;
    else
        RD = divisor ? (uint64_t)((int64_t)RN / divisor) : 0;
}

static uint64_t reverse_bits(uint64_t value) {
    value = (value >> 1 & UINT64_C(0x5555555555555555)) | (value & UINT64_C(0x5555555555555555)) << 1;
    value = (value >> 2 & UINT64_C(0x3333333333333333)) | (value & UINT64_C(0x3333333333333333)) << 2;
    value = (value >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (value & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    return __builtin_bswap64(value);
}

EXEC(rbit_w) {
    RD = reverse_bits(RN) >> 32;
}

EXEC(rbit_x) {
    RD = reverse_bits(RN);
}

static uint64_t swap_bytes_in_halfwords(uint64_t value) {
    return (value >> 8 & UINT64_C(0x00ff00ff00ff00ff)) | (value & UINT64_C(0x00ff00ff00ff00ff)) << 8;
}

EXEC(rev16_w) {
    RD = (uint32_t)swap_bytes_in_halfwords(RN);
}

EXEC(rev16_x) {
    RD = swap_bytes_in_halfwords(RN);
}

EXEC(rev_w) {
    RD = __builtin_bswap32((uint32_t)RN);
}

EXEC(rev_x) {
    RD = __builtin_bswap64(RN);
}

EXEC(rev32_x) {
    uint64_t swapped = __builtin_bswap64(RN);
    RD = swapped >> 32 | swapped << 32;
}

EXEC(clz_w) {
    uint32_t value = (uint32_t)RN;
    RD = value ? (uint64_t)__builtin_clz(value) : 32;
}

EXEC(clz_x) {
    uint64_t value = RN;
    RD = value ? (uint64_t)__builtin_clzll(value) : 64;
}

EXEC(cls_w) {
    RD = (uint64_t)__builtin_clrsb((int32_t)RN);
}

EXEC(cls_x) {
    RD = (uint64_t)__builtin_clrsbll((int64_t)RN);
}

/* Both polynomials bit-reflected, four bits a step: row n is the remainder of n. */
static const uint32_t crc32_remainders[16] = {
    0x00000000,
    0x1db71064,
    0x3b6e20c8,
    0x26d930ac,
    0x76dc4190,
    0x6b6b51f4,
    0x4db26158,
    0x5005713c,
    0xedb88320,
    0xf00f9344,
    0xd6d6a3e8,
    0xcb61b38c,
    0x9b64c2b0,
    0x86d3d2d4,
    0xa00ae278,
    0xbdbdf21c,
};
static const uint32_t crc32c_remainders[16] = {
    0x00000000,
    0x105ec76f,
    0x20bd8ede,
    0x30e349b1,
    0x417b1dbc,
    0x5125dad3,
    0x61c69362,
    0x7198540d,
    0x82f63b78,
    0x92a8fc17,
    0xa24bb5a6,
    0xb21572c9,
    0xc38d26c4,
    0xd3d3e1ab,
    0xe330a81a,
    0xf36e6f75,
};

static uint32_t crc_update(const uint32_t remainders[16], uint32_t crc, uint64_t data, unsigned bytes) {
    for (unsigned nibble = 0; nibble < 2 * bytes; nibble++) {
        crc = crc >> 4 ^ remainders[(crc ^ data) & 15];
        data >>= 4;
    }
    return crc;
}

EXEC(crc32) {
    RD = crc_update(crc32_remainders, (uint32_t)RN, RM, 1u << insn->size);
}

EXEC(crc32c) {
    RD = crc_update(crc32c_remainders, (uint32_t)RN, RM, 1u << insn->size);
}
