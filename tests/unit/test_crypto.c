/* The cryptographic instructions, put together to the algorithms they are for: the examples of FIPS 197 and
 * FIPS 180-4, and the carry-less products of Intel's white paper on GCM. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cpu/soft/cpu.h"

static struct cpu cpu;

/* Executes one instruction; the registers are numbers of vector registers. */
static void execute(uint32_t word, unsigned rd, unsigned rn, unsigned rm) {
    struct a64_insn insn;
    cpu.sys.cpacr = 3 << 20;
    assert_true(a64_decode(word | rm << 16 | rn << 5 | rd, &insn));
    a64_exec[insn.op](&cpu, &insn);
}

enum {
    AESE = 0x4e284800,
    AESD = 0x4e285800,
    AESMC = 0x4e286800,
    AESIMC = 0x4e287800,
    PMULL_P8 = 0x0e20e000,
    PMULL_P64 = 0x0ee0e000,
    PMULL2_P64 = 0x4ee0e000,
    SHA1C = 0x5e000000,
    SHA1P = 0x5e001000,
    SHA1M = 0x5e002000,
    SHA1SU0 = 0x5e003000,
    SHA1H = 0x5e280800,
    SHA1SU1 = 0x5e281800,
    SHA256H = 0x5e004000,
    SHA256H2 = 0x5e005000,
    SHA256SU0 = 0x5e282800,
    SHA256SU1 = 0x5e006000,
};
static const uint32_t SHA512H = 0xce608000, SHA512H2 = 0xce608400, SHA512SU0 = 0xcec08000,
                      SHA512SU1 = 0xce608800, EOR3 = 0xce000000, BCAX = 0xce200000, RAX1 = 0xce608c00,
                      XAR = 0xce800000;

static void load(unsigned reg, const void *bytes) {
    memcpy(&cpu.v[reg], bytes, 16);
}

static void assert_register(unsigned reg, const void *bytes) {
    assert_memory_equal(&cpu.v[reg], bytes, 16);
}

/* FIPS 197, appendix A.1: the expansion of 2b7e1516..., and B: its cipher example. */
static const uint8_t aes_keys[11][16] = {
    {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c},
    {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1, 0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05},
    {0xf2, 0xc2, 0x95, 0xf2, 0x7a, 0x96, 0xb9, 0x43, 0x59, 0x35, 0x80, 0x7a, 0x73, 0x59, 0xf6, 0x7f},
    {0x3d, 0x80, 0x47, 0x7d, 0x47, 0x16, 0xfe, 0x3e, 0x1e, 0x23, 0x7e, 0x44, 0x6d, 0x7a, 0x88, 0x3b},
    {0xef, 0x44, 0xa5, 0x41, 0xa8, 0x52, 0x5b, 0x7f, 0xb6, 0x71, 0x25, 0x3b, 0xdb, 0x0b, 0xad, 0x00},
    {0xd4, 0xd1, 0xc6, 0xf8, 0x7c, 0x83, 0x9d, 0x87, 0xca, 0xf2, 0xb8, 0xbc, 0x11, 0xf9, 0x15, 0xbc},
    {0x6d, 0x88, 0xa3, 0x7a, 0x11, 0x0b, 0x3e, 0xfd, 0xdb, 0xf9, 0x86, 0x41, 0xca, 0x00, 0x93, 0xfd},
    {0x4e, 0x54, 0xf7, 0x0e, 0x5f, 0x5f, 0xc9, 0xf3, 0x84, 0xa6, 0x4f, 0xb2, 0x4e, 0xa6, 0xdc, 0x4f},
    {0xea, 0xd2, 0x73, 0x21, 0xb5, 0x8d, 0xba, 0xd2, 0x31, 0x2b, 0xf5, 0x60, 0x7f, 0x8d, 0x29, 0x2f},
    {0xac, 0x77, 0x66, 0xf3, 0x19, 0xfa, 0xdc, 0x21, 0x28, 0xd1, 0x29, 0x41, 0x57, 0x5c, 0x00, 0x6e},
    {0xd0, 0x14, 0xf9, 0xa8, 0xc9, 0xee, 0x25, 0x89, 0xe1, 0x3f, 0x0c, 0xc8, 0xb6, 0x63, 0x0c, 0xa6},
};
static const uint8_t aes_plain[16] = {
    0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34};
static const uint8_t aes_cipher[16] = {
    0x39, 0x25, 0x84, 0x1d, 0x02, 0xdc, 0x09, 0xfb, 0xdc, 0x11, 0x85, 0x97, 0x19, 0x6a, 0x0b, 0x32};

static void exclusive_or(unsigned reg, const uint8_t bytes[16]) {
    for (unsigned i = 0; i < 16; i++)
        cpu.v[reg].b[i] ^= bytes[i];
}

static void aes(void **state) {
    (void)state;
    load(0, aes_plain);
    for (unsigned round = 0; round < 10; round++) {
        load(1, aes_keys[round]);
        execute(AESE, 0, 1, 0);
        if (round < 9)
            execute(AESMC, 0, 0, 0);
    }
    exclusive_or(0, aes_keys[10]);
    assert_register(0, aes_cipher);

    /* the equivalent inverse cipher: the keys of the middle rounds go through InvMixColumns */
    for (unsigned round = 10; round > 0; round--) {
        load(1, aes_keys[round]);
        if (round < 10)
            execute(AESIMC, 1, 1, 0);
        execute(AESD, 0, 1, 0);
        if (round > 1)
            execute(AESIMC, 0, 0, 0);
    }
    exclusive_or(0, aes_keys[0]);
    assert_register(0, aes_plain);
}

static void polynomials(void **state) {
    (void)state;
    cpu.v[1] = (union vreg){.d = {0x63746f725d53475d, 0x7b5b546573745665}};
    cpu.v[2] = (union vreg){.d = {0x5b477565726f6e5d, 0x4869285368617929}};
    execute(PMULL_P64, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {0x929633d5d36f0451, 0x1d4d84c85c3440c0}});
    execute(PMULL2_P64, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {0xd66ee03e410fd4ed, 0x1d1e1f2c592e7c45}});

    cpu.v[1] = (union vreg){.b = {0xff, 0x80, 3, 0, 1, 2, 4, 8}};
    cpu.v[2] = (union vreg){.b = {0xff, 0x80, 3, 9, 1, 2, 4, 0xff}};
    execute(PMULL_P8, 0, 1, 2);
    assert_register(0, &(union vreg){.h = {0x5555, 0x4000, 5, 0, 1, 4, 16, 0x7f8}});
}

static const uint8_t message_abc[64] = {'a', 'b', 'c', 0x80, [63] = 24};

/* The message as big-endian words, in v16 to v19. */
static void load_message(uint32_t words[16]) {
    for (unsigned i = 0; i < 16; i++) {
        const uint8_t *b = &message_abc[4 * i];
        words[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (unsigned i = 0; i < 4; i++)
        load(16 + i, &words[4 * i]);
}

static void sha1(void **state) {
    (void)state;
    static const uint32_t initial[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    static const uint32_t digest[5] = {0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c, 0x9cd0d89d};
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    static const uint32_t rounds[4] = {SHA1C, SHA1P, SHA1M, SHA1P};
    uint32_t words[16];
    load_message(words);
    load(0, initial);
    cpu.v[1] = (union vreg){.s = {initial[4]}};
    for (unsigned i = 0; i < 20; i++) {
        unsigned now = 16 + i % 4;
        for (unsigned lane = 0; lane < 4; lane++)
            cpu.v[3].s[lane] = cpu.v[now].s[lane] + constants[i / 5];
        execute(SHA1H, 2, 0, 0); /* the next e is a rotated */
        execute(rounds[i / 5], 0, 1, 3);
        cpu.v[1] = cpu.v[2];
        execute(SHA1SU0, now, 16 + (i + 1) % 4, 16 + (i + 2) % 4);
        execute(SHA1SU1, now, 16 + (i + 3) % 4, 0);
    }
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(cpu.v[0].s[i] + initial[i], digest[i]);
    assert_int_equal((uint32_t)(cpu.v[1].s[0] + initial[4]), digest[4]);
}

/* The first fractional bits of the cube roots of the first primes. */
static const uint64_t sha2_constants[80] = {
    0x428a2f98d728ae22,
    0x7137449123ef65cd,
    0xb5c0fbcfec4d3b2f,
    0xe9b5dba58189dbbc,
    0x3956c25bf348b538,
    0x59f111f1b605d019,
    0x923f82a4af194f9b,
    0xab1c5ed5da6d8118,
    0xd807aa98a3030242,
    0x12835b0145706fbe,
    0x243185be4ee4b28c,
    0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f,
    0x80deb1fe3b1696b1,
    0x9bdc06a725c71235,
    0xc19bf174cf692694,
    0xe49b69c19ef14ad2,
    0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5,
    0x240ca1cc77ac9c65,
    0x2de92c6f592b0275,
    0x4a7484aa6ea6e483,
    0x5cb0a9dcbd41fbd4,
    0x76f988da831153b5,
    0x983e5152ee66dfab,
    0xa831c66d2db43210,
    0xb00327c898fb213f,
    0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2,
    0xd5a79147930aa725,
    0x06ca6351e003826f,
    0x142929670a0e6e70,
    0x27b70a8546d22ffc,
    0x2e1b21385c26c926,
    0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df,
    0x650a73548baf63de,
    0x766a0abb3c77b2a8,
    0x81c2c92e47edaee6,
    0x92722c851482353b,
    0xa2bfe8a14cf10364,
    0xa81a664bbc423001,
    0xc24b8b70d0f89791,
    0xc76c51a30654be30,
    0xd192e819d6ef5218,
    0xd69906245565a910,
    0xf40e35855771202a,
    0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8,
    0x1e376c085141ab53,
    0x2748774cdf8eeb99,
    0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63,
    0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc,
    0x78a5636f43172f60,
    0x84c87814a1f0ab72,
    0x8cc702081a6439ec,
    0x90befffa23631e28,
    0xa4506cebde82bde9,
    0xbef9a3f7b2c67915,
    0xc67178f2e372532b,
    0xca273eceea26619c,
    0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e,
    0xf57d4f7fee6ed178,
    0x06f067aa72176fba,
    0x0a637dc5a2c898a6,
    0x113f9804bef90dae,
    0x1b710b35131c471b,
    0x28db77f523047d84,
    0x32caab7b40c72493,
    0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6,
    0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec,
    0x6c44198c4a475817,
};

static void sha256(void **state) {
    (void)state;
    static const uint32_t initial[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    static const uint32_t digest[8] = {
        0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    uint32_t words[16];
    load_message(words);
    load(0, initial);
    load(1, initial + 4);
    for (unsigned i = 0; i < 16; i++) {
        unsigned now = 16 + i % 4;
        for (unsigned lane = 0; lane < 4; lane++)
            cpu.v[3].s[lane] = cpu.v[now].s[lane] + (uint32_t)(sha2_constants[4 * i + lane] >> 32);
        cpu.v[2] = cpu.v[0];
        execute(SHA256H, 0, 1, 3);
        execute(SHA256H2, 1, 2, 3);
        execute(SHA256SU0, now, 16 + (i + 1) % 4, 0);
        execute(SHA256SU1, now, 16 + (i + 2) % 4, 16 + (i + 3) % 4);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal((uint32_t)(cpu.v[i / 4].s[i % 4] + initial[i]), digest[i]);
}

static void sha512(void **state) {
    (void)state;
    static const uint64_t initial[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
        0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179};
    static const uint64_t digest[8] = {0xddaf35a193617aba, 0xcc417349ae204131, 0x12e6fa4e89a97ea2,
        0x0a9eeee64b55d39a, 0x2192992a274fc1a8, 0x36ba3c23a3feebbd, 0x454d4423643ce80e, 0x2a9ac94fa54ca49f};
    for (unsigned i = 0; i < 8; i++)
        cpu.v[16 + i] = (union vreg){.d = {i ? 0 : 0x6162638000000000, i == 7 ? 24 : 0}};
    for (unsigned i = 0; i < 4; i++)
        load(i, &initial[2 * i]); /* ab, cd, ef, gh */
    for (unsigned i = 0; i < 40; i++) {
        union vreg *schedule = &cpu.v[16 + i % 8];
        const union vreg old[4] = {cpu.v[0], cpu.v[1], cpu.v[2], cpu.v[3]};
        /* gh + the schedule and the constants, its halves swapped: g gets those of the second round */
        cpu.v[4] = (union vreg){.d = {old[3].d[0] + schedule->d[1] + sha2_constants[2 * i + 1],
                                    old[3].d[1] + schedule->d[0] + sha2_constants[2 * i]}};
        cpu.v[5] = (union vreg){.d = {old[2].d[1], old[3].d[0]}}; /* fg */
        cpu.v[6] = (union vreg){.d = {old[1].d[1], old[2].d[0]}}; /* de */
        execute(SHA512H, 4, 5, 6);
        cpu.v[2] = (union vreg){.d = {old[1].d[0] + cpu.v[4].d[0], old[1].d[1] + cpu.v[4].d[1]}};
        execute(SHA512H2, 4, 1, 0);
        cpu.v[0] = cpu.v[4];
        cpu.v[1] = old[0];
        cpu.v[3] = old[2];

        cpu.v[5] = (union vreg){.d = {cpu.v[16 + (i + 4) % 8].d[1], cpu.v[16 + (i + 5) % 8].d[0]}};
        execute(SHA512SU0, 16 + i % 8, 16 + (i + 1) % 8, 0);
        execute(SHA512SU1, 16 + i % 8, 16 + (i + 7) % 8, 5);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(cpu.v[i / 2].d[i % 2] + initial[i], digest[i]);
}

/* Definitions, on operands that tell all parts apart. */
static void sha3(void **state) {
    (void)state;
    const union vreg a = {.d = {0x0123456789abcdef, 0xfedcba9876543210}};
    const union vreg b = {.d = {0x00ff00ff00ff00ff, 0x8000000000000001}};
    const union vreg c = {.d = {0x0f0f0f0f0f0f0f0f, 0x3333333333333333}};
    cpu.v[1] = a, cpu.v[2] = b, cpu.v[3] = c;
    execute(EOR3 | 3 << 10, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {0x0ed34a97865bc21f, 0x4def89ab45670122}});
    execute(BCAX | 3 << 10, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {a.d[0] ^ 0x00f000f000f000f0, a.d[1] ^ 0x8000000000000000}});
    execute(RAX1, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {a.d[0] ^ 0x01fe01fe01fe01fe, a.d[1] ^ 3}});
    cpu.v[1] = (union vreg){0};
    execute(XAR | 8 << 10, 0, 1, 2);
    assert_register(0, &(union vreg){.d = {0xff00ff00ff00ff00, 0x0180000000000000}});
    execute(XAR, 0, 1, 2);
    assert_register(0, &b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes),
        cmocka_unit_test(polynomials),
        cmocka_unit_test(sha1),
        cmocka_unit_test(sha256),
        cmocka_unit_test(sha512),
        cmocka_unit_test(sha3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
