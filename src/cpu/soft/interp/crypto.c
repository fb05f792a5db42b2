/* AES, SHA1, SHA2, SHA3 and polynomial multiplication (ARM ARM C7.2; FIPS 197, FIPS 180-4). */
#include "cpu/soft/cpu.h"

static uint32_t rotate_left(uint32_t value, unsigned amount) {
    return value << amount | value >> (32 - amount);
}

static uint64_t rotate_right64(uint64_t value, unsigned amount) {
    return value >> amount | value << (-amount & 63);
}

/* --- AES ---------------------------------------------------------------------------------------------------
 */

/* clang-format off */
static const uint8_t sbox[256] = {
    0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab, 0x76,
    0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4, 0x72, 0xc0,
    0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71, 0xd8, 0x31, 0x15,
    0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2, 0xeb, 0x27, 0xb2, 0x75,
    0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6, 0xb3, 0x29, 0xe3, 0x2f, 0x84,
    0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb, 0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf,
    0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45, 0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8,
    0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5, 0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2,
    0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44, 0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73,
    0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a, 0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb,
    0xe0, 0x32, 0x3a, 0x0a, 0x49, 0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79,
    0xe7, 0xc8, 0x37, 0x6d, 0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08,
    0xba, 0x78, 0x25, 0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a,
    0x70, 0x3e, 0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e,
    0xe1, 0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
    0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb, 0x16,
};

static const uint8_t inverse_sbox[256] = {
    0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7, 0xfb,
    0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde, 0xe9, 0xcb,
    0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42, 0xfa, 0xc3, 0x4e,
    0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49, 0x6d, 0x8b, 0xd1, 0x25,
    0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c, 0xcc, 0x5d, 0x65, 0xb6, 0x92,
    0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15, 0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84,
    0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7, 0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06,
    0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02, 0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b,
    0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc, 0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73,
    0x96, 0xac, 0x74, 0x22, 0xe7, 0xad, 0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e,
    0x47, 0xf1, 0x1a, 0x71, 0x1d, 0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b,
    0xfc, 0x56, 0x3e, 0x4b, 0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4,
    0x1f, 0xdd, 0xa8, 0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f,
    0x60, 0x51, 0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef,
    0xa0, 0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
    0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c, 0x7d,
};
/* clang-format on */

/* Multiplication by x in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, on each byte of a word. */
static uint32_t times_x(uint32_t bytes) {
    uint32_t high = bytes >> 7 & 0x01010101;
    return (bytes << 1 & 0xfefefefe) ^ high * 0x1b;
}

/* Each column is a word, its first byte lowest. */
static uint32_t mix_column(uint32_t column) {
    uint32_t next = rotate_left(column, 24);
    return times_x(column ^ next) ^ next ^ rotate_left(column, 16) ^ rotate_left(column, 8);
}

/* The inverse matrix is the matrix times (5, 0, 4, 0). */
static uint32_t inverse_mix_column(uint32_t column) {
    uint32_t four = times_x(times_x(column ^ rotate_left(column, 16)));
    return mix_column(column ^ four);
}

/* Row r of the state (bytes r, r + 4, r + 8, r + 12) rotates by r columns: step is 4 forward, 12 back. */
static union vreg shift_and_substitute(const union vreg *state, unsigned step, const uint8_t box[256]) {
    union vreg result;
    for (unsigned i = 0; i < 16; i++)
        result.b[i] = box[state->b[(i + (i & 3) * step) & 15]];
    return result;
}

static union vreg exclusive_or(const union vreg *a, const union vreg *b) {
    return (union vreg){.d = {a->d[0] ^ b->d[0], a->d[1] ^ b->d[1]}};
}

void exec_aese(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    union vreg state = exclusive_or(&cpu->v[insn->rd], &cpu->v[insn->rn]);
    cpu->v[insn->rd] = shift_and_substitute(&state, 4, sbox);
}

void exec_aesd(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    union vreg state = exclusive_or(&cpu->v[insn->rd], &cpu->v[insn->rn]);
    cpu->v[insn->rd] = shift_and_substitute(&state, 12, inverse_sbox);
}

void exec_aesmc(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    for (unsigned i = 0; i < 4; i++)
        cpu->v[insn->rd].s[i] = mix_column(cpu->v[insn->rn].s[i]);
}

void exec_aesimc(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    for (unsigned i = 0; i < 4; i++)
        cpu->v[insn->rd].s[i] = inverse_mix_column(cpu->v[insn->rn].s[i]);
}

/* --- polynomials over {0, 1} -------------------------------------------------------------------------------
 */

static unsigned __int128 polynomial_product(uint64_t a, uint64_t b) {
    unsigned __int128 product = 0;
    for (; b; b &= b - 1)
        product ^= (unsigned __int128)a << __builtin_ctzll(b);
    return product;
}

void exec_pmull_p8(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const uint8_t *a = &cpu->v[insn->rn].b[insn->q * 8], *b = &cpu->v[insn->rm].b[insn->q * 8];
    union vreg result;
    for (unsigned i = 0; i < 8; i++)
        result.h[i] = (uint16_t)polynomial_product(a[i], b[i]);
    cpu->v[insn->rd] = result;
}

void exec_pmull_p64(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    unsigned __int128 product = polynomial_product(cpu->v[insn->rn].d[insn->q], cpu->v[insn->rm].d[insn->q]);
    cpu->v[insn->rd] = (union vreg){.d = {(uint64_t)product, (uint64_t)(product >> 64)}};
}

/* --- SHA1 --------------------------------------------------------------------------------------------------
 */

static uint32_t choose(uint32_t x, uint32_t y, uint32_t z) {
    return ((y ^ z) & x) ^ z;
}

static uint32_t majority(uint32_t x, uint32_t y, uint32_t z) {
    return (x & y) | ((x | y) & z);
}

static uint32_t parity(uint32_t x, uint32_t y, uint32_t z) {
    return x ^ y ^ z;
}

/* Four rounds: a to d are in rd, e is in rn, rm has the schedule with the constant added. */
static void sha1_rounds(
    struct cpu *cpu, const struct a64_insn *insn, uint32_t (*mix)(uint32_t, uint32_t, uint32_t)) {
    cpu_check_fp(cpu);
    union vreg x = cpu->v[insn->rd], w = cpu->v[insn->rm];
    uint32_t y = cpu->v[insn->rn].s[0];
    for (unsigned i = 0; i < 4; i++) {
        uint32_t a = y + rotate_left(x.s[0], 5) + mix(x.s[1], x.s[2], x.s[3]) + w.s[i];
        y = x.s[3];
        x = (union vreg){.s = {a, x.s[0], rotate_left(x.s[1], 30), x.s[2]}};
    }
    cpu->v[insn->rd] = x;
}

void exec_sha1c(struct cpu *cpu, const struct a64_insn *insn) {
    sha1_rounds(cpu, insn, choose);
}

void exec_sha1p(struct cpu *cpu, const struct a64_insn *insn) {
    sha1_rounds(cpu, insn, parity);
}

void exec_sha1m(struct cpu *cpu, const struct a64_insn *insn) {
    sha1_rounds(cpu, insn, majority);
}

void exec_sha1h(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    cpu->v[insn->rd] = (union vreg){.s = {rotate_left(cpu->v[insn->rn].s[0], 30)}};
}

void exec_sha1su0(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg d = cpu->v[insn->rd], n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    cpu->v[insn->rd] = (union vreg){.d = {d.d[1] ^ d.d[0] ^ m.d[0], n.d[0] ^ d.d[1] ^ m.d[1]}};
}

void exec_sha1su1(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg d = cpu->v[insn->rd], n = cpu->v[insn->rn];
    union vreg result;
    for (unsigned i = 0; i < 4; i++)
        result.s[i] = rotate_left(d.s[i] ^ (i < 3 ? n.s[i + 1] : 0), 1);
    result.s[3] ^= rotate_left(result.s[0], 1); /* d.s[0] ^ n.s[1], rotated by 2 */
    cpu->v[insn->rd] = result;
}

/* --- SHA256 ------------------------------------------------------------------------------------------------
 */

static uint32_t rotations(uint32_t value, unsigned a, unsigned b, unsigned c) {
    return rotate_left(value, 32 - a) ^ rotate_left(value, 32 - b) ^ rotate_left(value, 32 - c);
}

/* Four rounds on abcd (x) and efgh (y). */
static void sha256_rounds(union vreg *x, union vreg *y, const union vreg *w) {
    for (unsigned i = 0; i < 4; i++) {
        uint32_t t = y->s[3] + rotations(y->s[0], 6, 11, 25) + choose(y->s[0], y->s[1], y->s[2]) + w->s[i];
        uint32_t a = t + rotations(x->s[0], 2, 13, 22) + majority(x->s[0], x->s[1], x->s[2]);
        *y = (union vreg){.s = {t + x->s[3], y->s[0], y->s[1], y->s[2]}};
        *x = (union vreg){.s = {a, x->s[0], x->s[1], x->s[2]}};
    }
}

void exec_sha256h(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    union vreg x = cpu->v[insn->rd], y = cpu->v[insn->rn];
    sha256_rounds(&x, &y, &cpu->v[insn->rm]);
    cpu->v[insn->rd] = x;
}

void exec_sha256h2(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    union vreg x = cpu->v[insn->rn], y = cpu->v[insn->rd];
    sha256_rounds(&x, &y, &cpu->v[insn->rm]);
    cpu->v[insn->rd] = y;
}

void exec_sha256su0(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg d = cpu->v[insn->rd], n = cpu->v[insn->rn];
    union vreg result;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = i < 3 ? d.s[i + 1] : n.s[0];
        uint32_t sigma0 = rotate_left(word, 25) ^ rotate_left(word, 14) ^ word >> 3;
        result.s[i] = d.s[i] + sigma0;
    }
    cpu->v[insn->rd] = result;
}

void exec_sha256su1(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg d = cpu->v[insn->rd], n = cpu->v[insn->rn], m = cpu->v[insn->rm];
    union vreg result;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t word = i < 2 ? m.s[i + 2] : result.s[i - 2];
        uint32_t sigma1 = rotate_left(word, 15) ^ rotate_left(word, 13) ^ word >> 10;
        result.s[i] = d.s[i] + sigma1 + (i < 3 ? n.s[i + 1] : m.s[0]);
    }
    cpu->v[insn->rd] = result;
}

/* --- SHA512 ------------------------------------------------------------------------------------------------
 */

static uint64_t rotations64(uint64_t value, unsigned a, unsigned b, unsigned c) {
    return rotate_right64(value, a) ^ rotate_right64(value, b) ^ rotate_right64(value, c);
}

static uint64_t choose64(uint64_t x, uint64_t y, uint64_t z) {
    return ((y ^ z) & x) ^ z;
}

static uint64_t majority64(uint64_t x, uint64_t y, uint64_t z) {
    return (x & y) | ((x | y) & z);
}

void exec_sha512h(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg w = cpu->v[insn->rd], x = cpu->v[insn->rn], y = cpu->v[insn->rm];
    uint64_t high = choose64(y.d[1], x.d[0], x.d[1]) + rotations64(y.d[1], 14, 18, 41) + w.d[1];
    uint64_t e = high + y.d[0];
    uint64_t low = choose64(e, y.d[1], x.d[0]) + rotations64(e, 14, 18, 41) + w.d[0];
    cpu->v[insn->rd] = (union vreg){.d = {low, high}};
}

void exec_sha512h2(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg w = cpu->v[insn->rd], x = cpu->v[insn->rn], y = cpu->v[insn->rm];
    uint64_t high = majority64(x.d[0], y.d[1], y.d[0]) + rotations64(y.d[0], 28, 34, 39) + w.d[1];
    uint64_t low = majority64(high, y.d[0], y.d[1]) + rotations64(high, 28, 34, 39) + w.d[0];
    cpu->v[insn->rd] = (union vreg){.d = {low, high}};
}

static uint64_t sha512_sigma0(uint64_t value) {
    return rotate_right64(value, 1) ^ rotate_right64(value, 8) ^ value >> 7;
}

static uint64_t sha512_sigma1(uint64_t value) {
    return rotate_right64(value, 19) ^ rotate_right64(value, 61) ^ value >> 6;
}

void exec_sha512su0(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg w = cpu->v[insn->rd], x = cpu->v[insn->rn];
    cpu->v[insn->rd] = (union vreg){.d = {w.d[0] + sha512_sigma0(w.d[1]), w.d[1] + sha512_sigma0(x.d[0])}};
}

void exec_sha512su1(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg w = cpu->v[insn->rd], x = cpu->v[insn->rn], y = cpu->v[insn->rm];
    cpu->v[insn->rd] =
        (union vreg){.d = {w.d[0] + sha512_sigma1(x.d[0]) + y.d[0], w.d[1] + sha512_sigma1(x.d[1]) + y.d[1]}};
}

/* --- SHA3 --------------------------------------------------------------------------------------------------
 */

void exec_eor3(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm], *a = &cpu->v[insn->ra];
    for (unsigned i = 0; i < 2; i++)
        cpu->v[insn->rd].d[i] = n->d[i] ^ m->d[i] ^ a->d[i];
}

void exec_bcax(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm], *a = &cpu->v[insn->ra];
    for (unsigned i = 0; i < 2; i++)
        cpu->v[insn->rd].d[i] = n->d[i] ^ (m->d[i] & ~a->d[i]);
}

void exec_rax1(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm];
    for (unsigned i = 0; i < 2; i++)
        cpu->v[insn->rd].d[i] = n->d[i] ^ rotate_right64(m->d[i], 63);
}

void exec_xar(struct cpu *cpu, const struct a64_insn *insn) {
    cpu_check_fp(cpu);
    const union vreg *n = &cpu->v[insn->rn], *m = &cpu->v[insn->rm];
    for (unsigned i = 0; i < 2; i++)
        cpu->v[insn->rd].d[i] = rotate_right64(n->d[i] ^ m->d[i], insn->amount);
}
