/* AES, SHA1, SHA256, SHA3 and polynomial multiplication, on the host's AES-NI, SHA-NI and PCLMULQDQ. None of
 * this changes the host's flags. */
#include "cpu/soft/jit/crypto.h"

#include <cpuid.h>

#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/simd.h"

enum {
    VAESIMC = X86_66_0F38(0xdb),
    VAESENC = X86_66_0F38(0xdc),
    VAESENCLAST = X86_66_0F38(0xdd),
    VAESDEC = X86_66_0F38(0xde),
    VAESDECLAST = X86_66_0F38(0xdf),
    VPCLMULQDQ = X86_66_0F3A(0x44), /* imm8 */
    /* without VEX: the first operand is also the destination */
    SHA1RNDS4 = X86_MAP_0F3A | 0xcc, /* imm8 */
    SHA256RNDS2 = X86_MAP_0F38 | 0xcb,
    SHA256MSG1 = X86_MAP_0F38 | 0xcc,
    SHA256MSG2 = X86_MAP_0F38 | 0xcd,
};

static bool has_aes, has_sha;

void jit_crypto_detect(void) {
    unsigned a, b, c, d;
    has_aes = __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
    has_sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

static void write(struct translation *t, const struct a64_insn *insn, unsigned xmm) {
    jit_vector_write(t, insn->rd, xmm, 16);
}

static void op2_legacy(struct translation *t, uint32_t op, unsigned to, unsigned from) {
    x86_op(jit_asm(t), op, to, x86_r(from));
}

#define WITH_AES(name)                                                                                       \
    static void name##_on_host(struct translation *, const struct a64_insn *);                               \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        if (has_aes)                                                                                         \
            name##_on_host(t, insn);                                                                         \
        else                                                                                                 \
            jit_call_handler(t);                                                                             \
    }                                                                                                        \
    static void name##_on_host(struct translation *t, const struct a64_insn *insn)

#define WITH_SHA(name)                                                                                       \
    static void name##_on_host(struct translation *, const struct a64_insn *);                               \
    void jit_##name(struct translation *t, const struct a64_insn *insn) {                                    \
        if (has_sha)                                                                                         \
            name##_on_host(t, insn);                                                                         \
        else                                                                                                 \
            jit_call_handler(t);                                                                             \
    }                                                                                                        \
    static void name##_on_host(struct translation *t, const struct a64_insn *insn)

/* --- AES. The host adds the key last, ARM first; a key of zeros leaves that part out. */
static void add_key(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VPXOR, XMM0, jit_vector(t, insn->rd, XMM0), jit_vector_rm(t, insn->rn));
    jit_simd_zeros(t, XMM1);
}

/* Mixing columns, as `op` does, in place and right behind: part of the host's round. */
static bool mixes_next(struct translation *t, const struct a64_insn *insn, unsigned op) {
    struct region_insn *next = jit_successor(t);
    if (!next || next->insn.op != op || next->insn.rn != insn->rd || next->insn.rd != insn->rd)
        return false;
    next->done = true;
    return true;
}

WITH_AES(aese) {
    add_key(t, insn);
    jit_op3(t, mixes_next(t, insn, A64_AESMC) ? VAESENC : VAESENCLAST, XMM0, XMM0, XMM1);
    write(t, insn, XMM0);
}

WITH_AES(aesd) {
    add_key(t, insn);
    jit_op3(t, mixes_next(t, insn, A64_AESIMC) ? VAESDEC : VAESDECLAST, XMM0, XMM0, XMM1);
    write(t, insn, XMM0);
}

/* The host mixes columns at the end of a round: the round's start is undone before. */
WITH_AES(aesmc) {
    unsigned n = jit_vector(t, insn->rn, XMM0);
    jit_simd_zeros(t, XMM1);
    jit_op3(t, VAESDECLAST, XMM0, n, XMM1);
    jit_op3(t, VAESENC, XMM0, XMM0, XMM1);
    write(t, insn, XMM0);
}

WITH_AES(aesimc) {
    jit_op2(t, VAESIMC, XMM0, jit_vector(t, insn->rn, XMM0));
    write(t, insn, XMM0);
}

WITH_AES(pmull_p64) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    jit_op3_imm(t, VPCLMULQDQ, XMM0, n, m, insn->q ? 0x11 : 0);
    write(t, insn, XMM0);
}

/* --- SHA1. The host numbers words from the high end, adds the constants itself, and e to the first word of
 * the schedule. */
enum { REVERSED_WORDS = 0x1b };

static void sha1_rounds(
    struct translation *t, const struct a64_insn *insn, enum jit_constant constant, int function) {
    jit_op3_rm(t, VPSUBD, XMM1, jit_vector(t, insn->rm, XMM1), jit_constant(constant));
    jit_op2_imm(t, VPSHUFD, XMM1, XMM1, REVERSED_WORDS);
    jit_shift_bytes(t, JIT_SLL_BYTES, XMM2, jit_vector(t, insn->rn, XMM2), 12);
    jit_op3(t, VPADDD, XMM1, XMM1, XMM2);
    jit_op2_imm(t, VPSHUFD, XMM0, jit_vector(t, insn->rd, XMM0), REVERSED_WORDS);
    op2_legacy(t, SHA1RNDS4, XMM0, XMM1);
    x86_imm8(jit_asm(t), function);
    jit_op2_imm(t, VPSHUFD, XMM0, XMM0, REVERSED_WORDS);
    write(t, insn, XMM0);
}

WITH_SHA(sha1c) {
    sha1_rounds(t, insn, JIT_SHA1_K0, 0);
}

WITH_SHA(sha1p) {
    sha1_rounds(t, insn, JIT_SHA1_K1, 1);
}

WITH_SHA(sha1m) {
    sha1_rounds(t, insn, JIT_SHA1_K2, 2);
}

/* to = from with words rotated left; from is another register than to and scratch */
static void rotate_left(
    struct translation *t, unsigned to, unsigned from, unsigned amount, unsigned scratch) {
    jit_shift(t, JIT_SLL, 2, to, from, amount);
    jit_shift(t, JIT_SRL, 2, scratch, from, 32 - amount);
    jit_op3(t, VPOR, to, to, scratch);
}

void jit_sha1h(struct translation *t, const struct a64_insn *insn) {
    rotate_left(t, XMM1, jit_vector_low(t, insn->rn, 4, XMM0), 30, XMM2);
    write(t, insn, XMM1);
}

void jit_sha1su0(struct translation *t, const struct a64_insn *insn) {
    unsigned d = jit_vector(t, insn->rd, XMM0), n = jit_vector(t, insn->rn, XMM1);
    jit_op3_imm(t, VPALIGNR, XMM2, n, d, 8);
    jit_op3(t, VPXOR, XMM0, d, XMM2);
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rm));
    write(t, insn, XMM0);
}

/* The last word takes the first one that comes out. */
void jit_sha1su1(struct translation *t, const struct a64_insn *insn) {
    jit_shift_bytes(t, JIT_SRL_BYTES, XMM0, jit_vector(t, insn->rn, XMM0), 4);
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rd));
    rotate_left(t, XMM1, XMM0, 1, XMM2);
    jit_shift_bytes(t, JIT_SLL_BYTES, XMM0, XMM1, 12);
    rotate_left(t, XMM3, XMM0, 1, XMM2);
    jit_op3(t, VPXOR, XMM0, XMM1, XMM3);
    write(t, insn, XMM0);
}

/* --- SHA256. The host's state is (f, e, b, a) and (h, g, d, c), from the low word on; two rounds turn the
 * second into the next first one, and the first is the next second one. */
enum { HIGH_PAIRS = 0xbb, LOW_PAIRS = 0x11, UPPER_HALF_TWICE = 0xee };

/* Four rounds: leaves the host's state in xmm2 and xmm1. */
static void sha256_rounds(struct translation *t, const struct a64_insn *insn, unsigned abcd, unsigned efgh) {
    unsigned x = jit_vector(t, abcd, XMM2), y = jit_vector(t, efgh, XMM3);
    jit_op3_imm(t, VSHUFPS, XMM1, y, x, LOW_PAIRS);
    jit_op3_imm(t, VSHUFPS, XMM2, y, x, HIGH_PAIRS);
    unsigned w = jit_vector(t, insn->rm, XMM0); /* the host takes it from xmm0 */
    if (w != XMM0)
        jit_op2(t, X86_VMOVDQA, XMM0, w);
    op2_legacy(t, SHA256RNDS2, XMM2, XMM1);
    jit_op2_imm(t, VPSHUFD, XMM0, XMM0, UPPER_HALF_TWICE);
    op2_legacy(t, SHA256RNDS2, XMM1, XMM2);
}

static void write_abcd(struct translation *t, unsigned reg) {
    jit_op3_imm(t, VSHUFPS, XMM0, XMM1, XMM2, HIGH_PAIRS);
    jit_vector_write(t, reg, XMM0, 16);
}

static void write_efgh(struct translation *t, unsigned reg) {
    jit_op3_imm(t, VSHUFPS, XMM0, XMM1, XMM2, LOW_PAIRS);
    jit_vector_write(t, reg, XMM0, 16);
}

static bool is_move(const struct a64_insn *insn, unsigned from, unsigned to) {
    return insn->op == A64_ORR_VEC && insn->q && insn->rn == from && insn->rm == from && insn->rd == to;
}

/* SHA256H2 for the other half of the same rounds comes behind: with the same schedule, and what was in rd
 * from a copy that the instruction before made. */
static struct region_insn *other_half(struct translation *t, const struct a64_insn *insn) {
    struct region_insn *next = jit_successor(t);
    const struct region_insn *before = jit_current(t) - 1;
    if (!next || next->insn.op != A64_SHA256H2 || next->insn.rd != insn->rn || next->insn.rm != insn->rm ||
        next->insn.rn == insn->rd || t->index == 0 || before->next != t->index || jit_current(t)->join ||
        insn->rm == insn->rd)
        return NULL;
    return is_move(&before->insn, insn->rd, next->insn.rn) ? next : NULL;
}

WITH_SHA(sha256h) {
    struct region_insn *other = other_half(t, insn);
    sha256_rounds(t, insn, insn->rd, insn->rn);
    write_abcd(t, insn->rd);
    if (other) {
        write_efgh(t, other->insn.rd);
        other->done = true;
    }
}

WITH_SHA(sha256h2) {
    sha256_rounds(t, insn, insn->rn, insn->rd);
    write_efgh(t, insn->rd);
}

WITH_SHA(sha256su0) {
    unsigned d = jit_vector(t, insn->rd, XMM0), n = jit_vector(t, insn->rn, XMM1);
    if (d != XMM0)
        jit_op2(t, X86_VMOVDQA, XMM0, d);
    op2_legacy(t, SHA256MSG1, XMM0, n);
    write(t, insn, XMM0);
}

WITH_SHA(sha256su1) {
    unsigned n = jit_vector(t, insn->rn, XMM0), m = jit_vector(t, insn->rm, XMM1);
    jit_op3_imm(t, VPALIGNR, XMM0, m, n, 4);
    jit_op3_rm(t, VPADDD, XMM0, XMM0, jit_vector_rm(t, insn->rd));
    op2_legacy(t, SHA256MSG2, XMM0, m);
    write(t, insn, XMM0);
}

/* --- SHA3 */
void jit_eor3(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VPXOR, XMM0, jit_vector(t, insn->rn, XMM0), jit_vector_rm(t, insn->rm));
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->ra));
    write(t, insn, XMM0);
}

void jit_bcax(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VPANDN, XMM0, jit_vector(t, insn->ra, XMM0), jit_vector_rm(t, insn->rm));
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    write(t, insn, XMM0);
}

static void rotate_right_doubles(struct translation *t, unsigned to, unsigned from, unsigned amount) {
    jit_shift(t, JIT_SRL, 3, XMM2, from, amount);
    jit_shift(t, JIT_SLL, 3, XMM3, from, 64 - amount);
    jit_op3(t, VPOR, to, XMM2, XMM3);
}

void jit_rax1(struct translation *t, const struct a64_insn *insn) {
    rotate_right_doubles(t, XMM0, jit_vector(t, insn->rm, XMM0), 63);
    jit_op3_rm(t, VPXOR, XMM0, XMM0, jit_vector_rm(t, insn->rn));
    write(t, insn, XMM0);
}

void jit_xar(struct translation *t, const struct a64_insn *insn) {
    jit_op3_rm(t, VPXOR, XMM0, jit_vector(t, insn->rn, XMM0), jit_vector_rm(t, insn->rm));
    rotate_right_doubles(t, XMM0, XMM0, insn->amount);
    write(t, insn, XMM0);
}
