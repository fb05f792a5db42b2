/* The decoder and the disassembler: what is UNDEFINED, where operands go, and text as GNU objdump writes it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cpu/soft/insn.h"

/* Unallocated or of features that ID registers deny (ARM ARM C4.1). */
static void rejects_undefined_words(void **state) {
    (void)state;
    static const uint32_t words[] = {
        0x00010000, /* not UDF */
        0x8b205400, /* add, extended by 5 */
        0x8bc00000, /* add, shift type ROR */
        0x0b008000, /* add w, lsl #32 */
        0x12400000, /* and w, N = 1 */
        0x9240fc00, /* and x: 64 ones */
        0x12007c00, /* and w: 32 ones */
        0x52c00000, /* movz w, lsl #32 */
        0x13400000, /* sbfm w, N = 1 */
        0x93000000, /* sbfm x, N = 0 */
        0x13808000, /* extr w, #32 */
        0x9ac00000, /* no such operation of two sources */
        0x9ac04000, /* crc32b with sf = 1 */
        0x5ac00c00, /* rev x with sf = 0 */
        0xb9c00000, /* size 2, opc 3 */
        0x38600800, /* ldrb with option UXTB */
        0x48207c01, /* casp of odd registers */
        0xd63f0800, /* blraaz */
        0xd65f0bff, /* retaa */
        0xf8200400, /* ldraa */
        0xd9200800, /* stg */
        0x05000000, /* SVE */
        0xd503311f, /* unallocated barrier */
        0xd5280000, /* sysl */
        0x54000010, /* bc.eq */
        0xd4000000, /* exception generation, LL = 0 */
        0xd4a00001, /* dcps1 */
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct a64_insn insn;
        if (a64_decode(words[i], &insn))
            fail_msg("%08x is %s", words[i], a64_op_name(insn.op));
        assert_int_equal(insn.op, 0);
        assert_int_equal(insn.word, words[i]);
    }
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static unsigned distinct_masks(uint32_t word, uint64_t limit) {
    static uint64_t masks[1 << 13];
    unsigned count = 0, distinct = 0;
    for (uint32_t fields = 0; fields < 1 << 13; fields++) {
        struct a64_insn insn;
        if (!a64_decode(word | fields << 10, &insn))
            continue;
        assert_true((uint64_t)insn.imm <= limit);
        masks[count++] = (uint64_t)insn.imm;
    }
    qsort(masks, count, sizeof masks[0], compare);
    for (unsigned i = 0; i < count; i++)
        distinct += i == 0 || masks[i] != masks[i - 1];
    return distinct;
}

/* An element of e bits has e - 1 lengths of runs in e rotations: 5334 masks for 2 to 64 bits, 1302 up to 32.
 */
static void decodes_logical_immediates(void **state) {
    (void)state;
    assert_int_equal(distinct_masks(0x92000020, UINT64_MAX), 5334);
    assert_int_equal(distinct_masks(0x12000020, UINT32_MAX), 1302);
}

static void decodes_immediates(void **state) {
    (void)state;
    static const struct {
        uint32_t word;
        int64_t imm;
    } cases[] = {
        {0x9200f020, 0x5555555555555555},          /* and x0, x1, #0x5555555555555555 */
        {0x92410420, (int64_t)0x8000000000000001}, /* and x0, x1, #0x8000000000000001 */
        {0x12010420, 0x80000001},                  /* and w0, w1, #0x80000001 */
        {0x92089c20, (int64_t)0xff00ff00ff00ff00}, /* and x0, x1, #0xff00ff00ff00ff00 */
        {0x927ff420, 0x7ffffffffffffffe},          /* and x0, x1, #0x7ffffffffffffffe */
        {0x121e1c20, 0x3fc},                       /* and w0, w1, #0x3fc */
        {0x9203c820, (int64_t)0xe0e0e0e0e0e0e0e0}, /* and x0, x1, #0xe0e0e0e0e0e0e0e0 */
        {0x10ffffe1, -4},                          /* adr x1, .-4 */
        {0xf0ffffe1, -0x1000},                     /* adrp x1, .-0x1000 */
        {0x17fffffe, -8},                          /* b .-8 */
        {0xb66fff03, -32},                         /* tbz x3, #45, .-32 */
        {0x58ffff81, -16},                         /* ldr x1, .-16 */
        {0xf81003e1, -256},                        /* stur x1, [sp, #-256] */
        {0xa9207fe1, -512},                        /* stp x1, xzr, [sp, #-512] */
        {0xb9bffc41, 16380},                       /* ldrsw x1, [x2, #16380] */
        {0x12800001, UINT32_MAX},                  /* mov w1, #-1 */
        {0x92bfffe1, (int64_t)0xffffffff0000ffff}, /* mov x1, #0xffffffff0000ffff */
        {0xd2e00021, 1ll << 48},                   /* mov x1, #0x1000000000000 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct a64_insn insn;
        assert_true(a64_decode(cases[i].word, &insn));
        if (insn.imm != cases[i].imm)
            fail_msg("%08x: 0x%llx", cases[i].word, (unsigned long long)insn.imm);
    }
}

/* 31 is zero as a source, a sink as a destination, or SP, by the instruction. */
static void maps_register_31(void **state) {
    (void)state;
    struct a64_insn insn;
    assert_true(a64_decode(0x8b1f03ff, &insn)); /* add xzr, xzr, xzr */
    assert_int_equal(insn.rd, REG_SINK);
    assert_int_equal(insn.rn, REG_ZR);
    assert_int_equal(insn.rm, REG_ZR);
    assert_true(a64_decode(0x910003ff, &insn)); /* add sp, sp, #0 */
    assert_int_equal(insn.rd, REG_SP);
    assert_int_equal(insn.rn, REG_SP);
    assert_true(a64_decode(0xb10003ff, &insn)); /* cmn sp, #0 */
    assert_int_equal(insn.rd, REG_SINK);
    assert_int_equal(insn.rn, REG_SP);
    assert_true(a64_decode(0xf94003ff, &insn)); /* ldr xzr, [sp] */
    assert_int_equal(insn.rt, REG_SINK);
    assert_int_equal(insn.rn, REG_SP);
    assert_true(a64_decode(0xf90003ff, &insn)); /* str xzr, [sp] */
    assert_int_equal(insn.rt, REG_ZR);
    assert_true(a64_decode(0xfd4003ff, &insn)); /* ldr d31, [sp] */
    assert_int_equal(insn.rt, 31);
    assert_true(a64_decode(0x9b1f7fff, &insn)); /* mul xzr, xzr, xzr */
    assert_int_equal(insn.ra, REG_ZR);
}

static void disassembles(void **state) {
    (void)state;
    static const struct {
        uint32_t word;
        const char *text;
    } cases[] = {
        {0x00000010, "udf #16"},
        {0x910003fd, "mov x29, sp"},
        {0x910103ff, "add sp, sp, #64"},
        {0x113ffc41, "add w1, w2, #4095"},
        {0xb1400441, "adds x1, x2, #4096"},
        {0xf100207f, "cmp x3, #8"},
        {0x3100207f, "cmn w3, #8"},
        {0x92089c20, "and x0, x1, #0xff00ff00ff00ff00"},
        {0x7201041f, "tst w0, #0x80000001"},
        {0x52824685, "mov w5, #0x1234"},
        {0x92800025, "mov x5, #0xfffffffffffffffe"},
        {0xf2d7dde5, "movk x5, #0xbeef, lsl #32"},
        {0x9347fc41, "asr x1, x2, #7"},
        {0x53077c41, "lsr w1, w2, #7"},
        {0xd379e041, "lsl x1, x2, #7"},
        {0x93407c41, "sxtw x1, w2"},
        {0x13001c41, "sxtb w1, w2"},
        {0x53003c41, "uxth w1, w2"},
        {0x93c32441, "extr x1, x2, x3, #9"},
        {0xaa0203e1, "mov x1, x2"},
        {0x2a2203e1, "mvn w1, w2"},
        {0xaa030c41, "orr x1, x2, x3, lsl #3"},
        {0x0ae31441, "bic w1, w2, w3, ror #5"},
        {0xea02003f, "tst x1, x2"},
        {0xcb0203e1, "neg x1, x2"},
        {0x6b82103f, "cmp w1, w2, asr #4"},
        {0x8b224be1, "add x1, sp, w2, uxtw #2"},
        {0x9a030041, "adc x1, x2, x3"},
        {0x7a030041, "sbcs w1, w2, w3"},
        {0xba018425, "rmif x1, #3, #5"},
        {0x3a00082d, "setf8 w1"},
        {0xfa421024, "ccmp x1, x2, #4, ne"},
        {0x3a49882f, "ccmn w1, #9, #15, hi"},
        {0x9a83b041, "csel x1, x2, x3, lt"},
        {0x1a9f17e1, "cset w1, eq"},
        {0xda9fb3e1, "csetm x1, ge"},
        {0x5a834441, "csneg w1, w2, w3, mi"},
        {0xdac00041, "rbit x1, x2"},
        {0xdac00841, "rev32 x1, x2"},
        {0x5ac01041, "clz w1, w2"},
        {0x9ac30841, "udiv x1, x2, x3"},
        {0x1ac32041, "lsl w1, w2, w3"},
        {0x1ac35041, "crc32cb w1, w2, w3"},
        {0x9ac34c41, "crc32x w1, w2, x3"},
        {0x9b037c41, "mul x1, x2, x3"},
        {0x1b031041, "madd w1, w2, w3, w4"},
        {0x9b231041, "smaddl x1, w2, w3, x4"},
        {0x9ba37c41, "umull x1, w2, w3"},
        {0x9bc37c41, "umulh x1, x2, x3"},
        {0xd61f0060, "br x3"},
        {0xd63f0060, "blr x3"},
        {0xd65f03c0, "ret"},
        {0xd4000001, "svc #0"},
        {0xd503201f, "nop"},
        {0xd503207f, "wfi"},
        {0xd5033f5f, "clrex"},
        {0xd5033fdf, "isb"},
        {0xd5381001, "mrs x1, s3_0_c1_c0_0"},
        {0xd51bd041, "msr s3_3_c13_c0_2, x1"},
        {0x39400c41, "ldrb w1, [x2, #3]"},
        {0xf9400be1, "ldr x1, [sp, #16]"},
        {0xb81fc441, "str w1, [x2], #-4"},
        {0x789fac41, "ldrsh x1, [x2, #-6]!"},
        {0xf85f8041, "ldur x1, [x2, #-8]"},
        {0xf8637841, "ldr x1, [x2, x3, lsl #3]"},
        {0xb823d841, "str w1, [x2, w3, sxtw #2]"},
        {0x38e34841, "ldrsb w1, [x2, w3, uxtw]"},
        {0xf8408841, "ldtr x1, [x2, #8]"},
        {0xa8c27bfd, "ldp x29, x30, [sp], #32"},
        {0x29bf0861, "stp w1, w2, [x3, #-8]!"},
        {0x69408861, "ldpsw x1, x2, [x3, #4]"},
        {0xac410861, "ldnp q1, q2, [x3, #32]"},
        {0x3dc00441, "ldr q1, [x2, #16]"},
        {0xfc008441, "str d1, [x2], #8"},
        {0x7c636841, "ldr h1, [x2, x3]"},
        {0xc85f7c41, "ldxr x1, [x2]"},
        {0x0801fc62, "stlxrb w1, w2, [x3]"},
        {0x887f8861, "ldaxp w1, w2, [x3]"},
        {0x489ffc41, "stlrh w1, [x2]"},
        {0xf8bfc041, "ldapr x1, [x2]"},
        {0x19c05041, "ldapursb w1, [x2, #5]"},
        {0x88a17c62, "cas w1, w2, [x3]"},
        {0xf8210062, "ldadd x1, x2, [x3]"},
        {0xb821305f, "stset w1, [x2]"},
        {0x78218062, "swph w1, w2, [x3]"},
        {0x1e632841, "fadd d1, d2, d3"},
        {0x1e270041, "fmov s1, w2"},
        {0x1e622020, "fcmp d1, d2"},
        {0x1f031041, "fmadd s1, s2, s3, s4"},
        {0x17fffffe, "b 0xff8"},
        {0xf0ffffe1, "adrp x1, 0x0"},
        {0xb66fff03, "tbz x3, #45, 0xfe0"},
        {0x00010000, ".inst 0x10000"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct a64_insn insn;
        char text[80];
        a64_decode(cases[i].word, &insn);
        a64_disassemble(&insn, 0x1000, text, sizeof text);
        assert_string_equal(text, cases[i].text);
    }
}

static void disassembles_into_little_room(void **state) {
    (void)state;
    struct a64_insn insn;
    const char *whole = "ldp x29, x30, [sp], #32";
    assert_true(a64_decode(0xa8c27bfd, &insn));
    for (unsigned size = 0; size <= strlen(whole) + 1; size++) {
        char text[40];
        memset(text, '~', sizeof text);
        a64_disassemble(&insn, 0, text, size);
        if (size > 0) {
            assert_memory_equal(text, whole, size - 1);
            assert_int_equal(text[size - 1], 0);
        }
        assert_int_equal(text[size], '~');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rejects_undefined_words),
        cmocka_unit_test(decodes_logical_immediates),
        cmocka_unit_test(decodes_immediates),
        cmocka_unit_test(maps_register_31),
        cmocka_unit_test(disassembles),
        cmocka_unit_test(disassembles_into_little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
