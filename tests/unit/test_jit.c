/* The translator: x86-64 encodings as GNU as has them, and programs that must end in the same state as by the
 * interpreter, which tests/cpu compares with qemu-aarch64 (as it does the translator, form by form). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bus/memory.h"
#include "cpu/engine.h"
#include "cpu/soft/cpu.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/jit.h"
#include "cpu/soft/jit/x86.h"
#include "support/lonely_machine.h"

/* --- the assembler */

static uint8_t code[64];
static struct x86 as;

#define ASSEMBLES(call, ...)                                                                                 \
    do {                                                                                                     \
        const uint8_t expected[] = {__VA_ARGS__};                                                            \
        as.at = code;                                                                                        \
        call;                                                                                                \
        assert_int_equal(as.at - code, sizeof expected);                                                     \
        assert_memory_equal(code, expected, sizeof expected);                                                \
    } while (0)

static void encodes_general_instructions(void **state) {
    (void)state;
    struct x86 *a = &as;
    ASSEMBLES(x86_alu(a, true, ALU_ADD, RAX, x86_r(RBX)), 0x48, 0x03, 0xc3); /* add rax, rbx */
    ASSEMBLES(
        x86_alu(a, false, ALU_ADD, R8, x86_m(RBP, -128)), 0x44, 0x03, 0x45, 0x80); /* add r8d, [rbp-128] */
    ASSEMBLES(x86_alu_to(a, true, ALU_SUB, x86_m(RBP, 128), R15), 0x4c, 0x29, 0xbd, 0x80, 0x00, 0x00,
        0x00); /* sub [rbp+128], r15 */
    ASSEMBLES(x86_alu_imm(a, true, ALU_CMP, x86_r(R12), 127), 0x49, 0x83, 0xfc, 0x7f); /* cmp r12, 127 */
    ASSEMBLES(x86_alu_imm(a, false, ALU_AND, x86_r(RCX), 32736), 0x81, 0xe1, 0xe0, 0x7f, 0x00,
        0x00); /* and ecx, 32736 */
    ASSEMBLES(x86_alu_imm(a, false, ALU_CMP, x86_m(RBP, 0x458), 0), 0x83, 0xbd, 0x58, 0x04, 0x00, 0x00,
        0x00);                                                                 /* cmp dword [rbp+0x458], 0 */
    ASSEMBLES(x86_test(a, false, x86_r(R13), RDI), 0x41, 0x85, 0xfd);          /* test r13d, edi */
    ASSEMBLES(x86_load(a, true, RAX, x86_m(R12, 0)), 0x49, 0x8b, 0x04, 0x24);  /* mov rax, [r12] */
    ASSEMBLES(x86_store(a, true, x86_m(R13, 0), R14), 0x4d, 0x89, 0x75, 0x00); /* mov [r13], r14 */
    ASSEMBLES(x86_load(a, false, R9, x86_mx(RSP, RCX, 3, 16)), 0x44, 0x8b, 0x4c, 0xcc,
        0x10);                                                                /* mov r9d, [rsp+rcx*8+16] */
    ASSEMBLES(x86_mov_imm(a, RAX, 0x12345678), 0xb8, 0x78, 0x56, 0x34, 0x12); /* mov eax, 0x12345678 */
    ASSEMBLES(x86_mov_imm(a, R11, (uint64_t)-2), 0x49, 0xc7, 0xc3, 0xfe, 0xff, 0xff, 0xff); /* mov r11, -2 */
    ASSEMBLES(x86_mov_imm(a, R10, UINT64_C(0x123456789abcdef0)), 0x49, 0xba, 0xf0, 0xde, 0xbc, 0x9a, 0x78,
        0x56, 0x34, 0x12); /* movabs r10, 0x123456789abcdef0 */
    ASSEMBLES(x86_lea(a, true, RDX, x86_mx(RAX, R9, 2, 100)), 0x4a, 0x8d, 0x54, 0x88,
        0x64);                                                              /* lea rdx, [rax+r9*4+100] */
    ASSEMBLES(x86_load8(a, RSI, x86_r(RDI)), 0x40, 0x0f, 0xb6, 0xf7);       /* movzx esi, dil */
    ASSEMBLES(x86_load16(a, RAX, x86_m(RCX, 20)), 0x0f, 0xb7, 0x41, 0x14);  /* movzx eax, word [rcx+20] */
    ASSEMBLES(x86_load8s(a, true, R8, x86_r(RSI)), 0x4c, 0x0f, 0xbe, 0xc6); /* movsx r8, sil */
    ASSEMBLES(x86_load32s(a, RCX, x86_r(R10)), 0x49, 0x63, 0xca);           /* movsxd rcx, r10d */
    ASSEMBLES(x86_store8(a, x86_m(RAX, 0), RDI), 0x40, 0x88, 0x38);         /* mov [rax], dil */
    ASSEMBLES(
        x86_store16(a, x86_mx(RAX, R9, 0, 0), R8), 0x66, 0x46, 0x89, 0x04, 0x08);   /* mov [rax+r9], r8w */
    ASSEMBLES(x86_shift(a, true, SHIFT_SHL, x86_r(R9), 7), 0x49, 0xc1, 0xe1, 0x07); /* shl r9, 7 */
    ASSEMBLES(x86_shift(a, false, SHIFT_SAR, x86_r(RDX), 31), 0xc1, 0xfa, 0x1f);    /* sar edx, 31 */
    ASSEMBLES(x86_shift_by(a, X86_SHLX, true, RAX, x86_m(RBP, -8), RCX), 0xc4, 0xe2, 0xf1, 0xf7, 0x45,
        0xf8); /* shlx rax, [rbp-8], rcx */
    ASSEMBLES(x86_shift_by(a, X86_SARX, false, R8, x86_r(RCX), RDX), 0xc4, 0x62, 0x6a, 0xf7,
        0xc1); /* sarx r8d, ecx, edx */
    ASSEMBLES(
        x86_rorx(a, false, RCX, x86_r(R14), 7), 0xc4, 0xc3, 0x7b, 0xf0, 0xce, 0x07); /* rorx ecx, r14d, 7 */
    ASSEMBLES(
        x86_pext(a, false, RAX, RAX, x86_r(RCX)), 0xc4, 0xe2, 0x7a, 0xf5, 0xc1); /* pext eax, eax, ecx */
    ASSEMBLES(x86_andn(a, true, R9, R10, x86_m(RBP, -16)), 0xc4, 0x62, 0xa8, 0xf2, 0x4d,
        0xf0);                                                /* andn r9, r10, [rbp-16] */
    ASSEMBLES(x86_not(a, true, x86_r(R8)), 0x49, 0xf7, 0xd0); /* not r8 */
    ASSEMBLES(x86_neg(a, false, x86_r(RCX)), 0xf7, 0xd9);     /* neg ecx */
    ASSEMBLES(x86_imul(a, true, RAX, x86_m(RBP, 8)), 0x48, 0x0f, 0xaf, 0x45, 0x08); /* imul rax, [rbp+8] */
    ASSEMBLES(x86_muldiv(a, true, X86_MUL, x86_r(R9)), 0x49, 0xf7, 0xe1);           /* mul r9 */
    ASSEMBLES(x86_muldiv(a, false, X86_IDIV, x86_r(RCX)), 0xf7, 0xf9);              /* idiv ecx */
    ASSEMBLES(x86_cqo(a, true), 0x48, 0x99);                                        /* cqo */
    ASSEMBLES(x86_bswap(a, true, R11), 0x49, 0x0f, 0xcb);                           /* bswap r11 */
    ASSEMBLES(x86_lzcnt(a, false, R8, x86_r(RDI)), 0xf3, 0x44, 0x0f, 0xbd, 0xc7);   /* lzcnt r8d, edi */
    ASSEMBLES(x86_bt_imm(a, false, x86_m(RBP, 160), 1), 0x0f, 0xba, 0xa5, 0xa0, 0x00, 0x00, 0x00,
        0x01);                                               /* bt dword [rbp+160], 1 */
    ASSEMBLES(x86_bt(a, false, RCX, RAX), 0x0f, 0xa3, 0xc1); /* bt ecx, eax */
    ASSEMBLES(x86_cmov(a, true, CC_AE, R9, x86_m(RBP, -64)), 0x4c, 0x0f, 0x43, 0x4d,
        0xc0);                                                  /* cmovae r9, [rbp-64] */
    ASSEMBLES(x86_setcc(a, CC_B, RAX), 0x0f, 0x92, 0xc0);       /* setb al */
    ASSEMBLES(x86_setcc(a, CC_A, RDI), 0x40, 0x0f, 0x97, 0xc7); /* seta dil */
    ASSEMBLES(x86_lahf(a), 0x9f);                               /* lahf */
    ASSEMBLES(x86_cmc(a), 0xf5);                                /* cmc */
    ASSEMBLES(x86_push(a, R12), 0x41, 0x54);                    /* push r12 */
    ASSEMBLES(x86_pop(a, RBX), 0x5b);                           /* pop rbx */
    ASSEMBLES(x86_jmp_rm(a, x86_mx(R15, RCX, 3, 0x1000)), 0x41, 0xff, 0xa4, 0xcf, 0x00, 0x10, 0x00,
        0x00);                                         /* jmp [r15+rcx*8+0x1000] */
    ASSEMBLES(x86_call_rm(a, x86_r(RAX)), 0xff, 0xd0); /* call rax */
}

static void encodes_vector_instructions(void **state) {
    (void)state;
    struct x86 *a = &as;
    ASSEMBLES(x86_vex(a, X86_VMOVDQU, 1, 0, x86_mx(RAX, R9, 0, 0)), 0xc4, 0xa1, 0x7a, 0x6f, 0x0c,
        0x08); /* vmovdqu xmm1, [rax+r9] */
    ASSEMBLES(
        x86_vex(a, X86_VMOVDQU_STORE, 9, 0, x86_m(RAX, 0)), 0xc5, 0x7a, 0x7f, 0x08); /* vmovdqu [rax], xmm9 */
    ASSEMBLES(
        x86_vex(a, X86_VPXOR, 12, 3, x86_r(10)), 0xc4, 0x41, 0x61, 0xef, 0xe2); /* vpxor xmm12, xmm3, xmm10 */
    ASSEMBLES(x86_vex(a, X86_VMOVD, 2, 0, x86_r(R9)), 0xc4, 0xc1, 0x79, 0x6e, 0xd1); /* vmovd xmm2, r9d */
    ASSEMBLES(x86_vex(a, X86_VMOVQ, 8, 0, x86_m(RBP, 512)), 0xc5, 0x7a, 0x7e, 0x85, 0x00, 0x02, 0x00,
        0x00); /* vmovq xmm8, [rbp+512] */
}

static void jumps_forward_and_back(void **state) {
    (void)state;
    as.at = code;
    uint8_t *over = x86_jcc_forward(&as, CC_NE);
    x86_ret(&as);
    x86_bind(&as, over);
    x86_jmp(&as, code);
    const uint8_t expected[] = {0x0f, 0x85, 1, 0, 0, 0, 0xc3, 0xe9, 0xf4, 0xff, 0xff, 0xff};
    assert_memory_equal(code, expected, sizeof expected);
}

/* --- programs: x0 is the address of a page of data in the middle of RAM */

/* Every condition after every kind of flags. */
static const uint32_t flags[] = {
    0xd2800014, // mov x20, #0x0
    0xd2800015, // mov x21, #0x0
    0xd280050a, // mov x10, #0x28
    0xf9400001, // ldr x1, [x0]
    0xf9400402, // ldr x2, [x0, #8]
    0xeb020023, // subs x3, x1, x2
    0x9a1f02d6, // adc x22, x22, xzr
    0x9a9736f7, // cinc x23, x23, cs
    0x54000048, // b.hi 28
    0x91000694, // add x20, x20, #0x1
    0x2b020024, // adds w4, w1, w2
    0x54000049, // b.ls 34
    0xd27f0294, // eor x20, x20, #0x2
    0x54000046, // b.vs 3c
    0x8b140e94, // add x20, x20, x20, lsl #3
    0xea020025, // ands x5, x1, x2
    0x54000044, // b.mi 48
    0x910016b5, // add x21, x21, #0x5
    0x6b02003f, // cmp w1, w2
    0xfa43a846, // ccmp x2, #0x3, #0x6, ge
    0xba421029, // ccmn x1, x2, #0x9, ne
    0x1a9fd7e6, // cset w6, gt
    0xda9f33e7, // csetm x7, cs
    0xda82d428, // csneg x8, x1, x2, le
    0x8b0602b5, // add x21, x21, x6
    0xca0702b5, // eor x21, x21, x7
    0x8b0802b5, // add x21, x21, x8
    0xfa150029, // sbcs x9, x1, x21
    0x54000040, // b.eq 78
    0xba090294, // adcs x20, x20, x9
    0x93c1342b, // ror x11, x1, #13
    0xf900000b, // str x11, [x0]
    0x9b147c4c, // mul x12, x2, x20
    0x91048d8c, // add x12, x12, #0x123
    0xf900040c, // str x12, [x0, #8]
    0xea2b018d, // bics x13, x12, x11
    0x54000045, // b.pl 98
    0xcb0d0294, // sub x20, x20, x13
    0xf100054a, // subs x10, x10, #0x1
    0x54fffb81, // b.ne c
    0xd53b4218, // mrs x24, nzcv
    0xd4000002, // hvc #0x0
};

/* A loop whose branches go one way until its last rounds: such regions leave the other out. */
static const uint32_t cold[] = {
    0xd280050a, // mov x10, #0x28
    0x14000001, // b 8
    0xeb4a07ef, // negs x15, x10, lsr #1
    0x5400004e, // b.al 14
    0xd280000a, // mov x10, #0x0
    0xfa46b94f, // ccmp x10, #0x6, #0xf, lt
    0x9a9f07e1, // cset x1, ne
    0x9a010042, // adc x2, x2, x1
    0xb500004a, // cbnz x10, 28
    0x14000008, // b 44
    0xb6f8004a, // tbz x10, #63, 30
    0xd2800002, // mov x2, #0x0
    0xf100255f, // cmp x10, #0x9
    0x54000041, // b.ne 3c
    0x910004a5, // add x5, x5, #0x1
    0xd100054a, // sub x10, x10, #0x1
    0x54fffe4e, // b.al 8
    0xd4000002, // hvc #0x0
};

/* Calls, returns and branches by register, between pages. */
static const uint32_t calls[] = {
    0xd280190a,          // mov x10, #0xc8
    0xd2800001,          // mov x1, #0x0
    0x100002c3,          // adr x3, 60
    0x9400000d,          // bl 40
    0x94000416,          // bl 1068
    0x92400144,          // and x4, x10, #0x1
    0xb8647865,          // ldr w5, [x3, x4, lsl #2]
    0x8b25c065,          // add x5, x3, w5, sxtw
    0xd63f00a0,          // blr x5
    0x3610004a,          // tbz w10, #2, 2c
    0xd1000c21,          // sub x1, x1, #0x3
    0xb5000041,          // cbnz x1, 34
    0x91000421,          // add x1, x1, #0x1
    0xd100054a,          // sub x10, x10, #0x1
    0xb5fffeaa,          // cbnz x10, c
    0xd4000002,          // hvc #0x0
    0x91002c21,          // add x1, x1, #0xb
    0xf8008401,          // str x1, [x0], #8
    0xd1002000,          // sub x0, x0, #0x8
    0xd65f03c0,          // ret
    0xca0a0021,          // eor x1, x1, x10
    0xd65f03c0,          // ret
    0xcac10c21,          // eor x1, x1, x1, ror #3
    0xd65f03c0,          // ret
    0xfffffff0,          // .word 0xfffffff0
    0xfffffff8,          // .word 0xfffffff8
    [1050] = 0xa9401c06, // ldp x6, x7, [x0]
    0x8b060021,          // add x1, x1, x6
    0xa9001c01,          // stp x1, x7, [x0]
    0xd65f03c0,          // ret
};

/* A loop that ran often is changed, instruction by instruction. */
static const uint32_t patch[] = {
    0xd280050a, // mov x10, #0x28
    0x10000082, // adr x2, 14
    0xd2800001, // mov x1, #0x0
    0xd2800644, // mov x4, #0x32
    0xd503201f, // nop
    0x91000421, // add x1, x1, #0x1
    0xf1000484, // subs x4, x4, #0x1
    0x54ffffa1, // b.ne 10
    0xb9400045, // ldr w5, [x2]
    0x111000a5, // add w5, w5, #0x400
    0xb9000045, // str w5, [x2]
    0xd50b7b22, // dc cvau, x2
    0xd5033b9f, // dsb ish
    0xd50b7522, // ic ivau, x2
    0xd5033b9f, // dsb ish
    0xd5033fdf, // isb
    0xf100054a, // subs x10, x10, #0x1
    0x54fffe41, // b.ne c
    0xd4000002, // hvc #0x0
};

/* Every width, aligned or not, across pages; pairs, exclusives, atomics. */
static const uint32_t memory[] = {
    0xd28003ca, // mov x10, #0x1e
    0x913c000b, // add x11, x0, #0xf00
    0xd280000c, // mov x12, #0x0
    0x9100001f, // mov sp, x0
    0x911003ff, // add sp, sp, #0x400
    0x39400d61, // ldrb w1, [x11, #3]
    0x39801562, // ldrsb x2, [x11, #5]
    0x78407163, // ldurh w3, [x11, #7]
    0x78c09164, // ldursh w4, [x11, #9]
    0xb880a165, // ldursw x5, [x11, #10]
    0xf8411166, // ldur x6, [x11, #17]
    0x8b020027, // add x7, x1, x2
    0x8b0300e7, // add x7, x7, x3
    0xca041ce7, // eor x7, x7, x4, lsl #7
    0x8b0500e7, // add x7, x7, x5
    0xcb0600e7, // sub x7, x7, x6
    0xf8001167, // stur x7, [x11, #1]
    0x78013167, // sturh w7, [x11, #19]
    0x39007967, // strb w7, [x11, #30]
    0xb82c7967, // str w7, [x11, x12, lsl #2]
    0xa9bf33e7, // stp x7, x12, [sp, #-16]!
    0xa8c127e8, // ldp x8, x9, [sp], #16
    0xf840956d, // ldr x13, [x11], #9
    0xf81f8d6d, // str x13, [x11, #-8]!
    0xc85ffc0e, // ldaxr x14, [x0]
    0x8b0701ce, // add x14, x14, x7
    0xc80ffc0e, // stlxr w15, x14, [x0]
    0x91002010, // add x16, x0, #0x8
    0xf8e70211, // ldaddal x7, x17, [x16]
    0x38278212, // swpb w7, w18, [x16]
    0xb8713213, // ldsetl w17, w19, [x16]
    0x782e1214, // ldclrh w14, w20, [x16]
    0xf833221f, // steor x19, [x16]
    0xaa1103f5, // mov x21, x17
    0xc8f5fe07, // casal x21, x7, [x16]
    0xc8dffe16, // ldar x22, [x16]
    0x889ffc16, // stlr w22, [x0]
    0x9100058c, // add x12, x12, #0x1
    0xd100054a, // sub x10, x10, #0x1
    0xb5fffbca, // cbnz x10, 14
    0xd4000002, // hvc #0x0
};

/* SP that is no multiple of 16, made so by all that can: accesses by it fault. */
static const uint32_t stack[] = {
    0xd280078a, // mov x10, #0x3c
    0xd2a0060b, // mov x11, #0x300000
    0xd518104b, // msr cpacr_el1, x11
    0x10003fae, // adr x14, 800
    0xd518c00e, // msr vbar_el1, x14
    0xd5033fdf, // isb
    0x91200009, // add x9, x0, #0x800
    0xd280000c, // mov x12, #0x0
    0x9100013f, // mov sp, x9
    0xf100795f, // cmp x10, #0x1e
    0xf81f8fea, // str x10, [sp, #-8]!
    0x9a8c258c, // cinc x12, x12, cc
    0xf84187e1, // ldr x1, [sp], #24
    0x8b01018c, // add x12, x12, x1
    0x9100013f, // mov sp, x9
    0x14000001, // b 40
    0xf100515f, // cmp x10, #0x14
    0xd100a3ff, // sub sp, sp, #0x28
    0xf9000bec, // str x12, [sp, #16]
    0xa9408fe2, // ldp x2, x3, [sp, #8]
    0x9a8c258c, // cinc x12, x12, cc
    0x910003e4, // mov x4, sp
    0x9100013f, // mov sp, x9
    0x14000001, // b 60
    0xab0c014d, // adds x13, x10, x12
    0x9100209f, // add sp, x4, #0x8
    0x9a03018c, // adc x12, x12, x3
    0xa93f0fec, // stp x12, x3, [sp, #-16]
    0x9100013f, // mov sp, x9
    0x14000001, // b 78
    0x927ef49f, // and sp, x4, #0xfffffffffffffffc
    0xf9400fe5, // ldr x5, [sp, #24]
    0x9100013f, // mov sp, x9
    0x14000001, // b 88
    0xcb2a63ff, // sub sp, sp, x10
    0x39400fe6, // ldrb w6, [sp, #3]
    0x9100013f, // mov sp, x9
    0x14000001, // b 98
    0x0c9f73e0, // st1 {v0.8b}, [sp], #8
    0xfc4047e3, // ldr d3, [sp], #4
    0x9100013f, // mov sp, x9
    0x14000001, // b a8
    0x0cdf43e0, // ld3 {v0.8b-v2.8b}, [sp], #24
    0x8b2663e7, // add x7, sp, x6
    0x9100013f, // mov sp, x9
    0x14000001, // b b8
    0x927cec9f, // and sp, x4, #0xfffffffffffffff0
    0xd10083ff, // sub sp, sp, #0x20
    0xa9bf17e7, // stp x7, x5, [sp, #-16]!
    0x8b06018c, // add x12, x12, x6
    0xa8c117e7, // ldp x7, x5, [sp], #16
    0xf100054a, // subs x10, x10, #0x1
    0x54fffa81, // b.ne 20
    0x910003e8, // mov x8, sp
    0xd4000002, // hvc #0x0
};

/* Counts that, and mends it. */
static const uint32_t mend_stack[] = {
    0x91000694, // add x20, x20, #0x1
    0x9100013f, // mov sp, x9
    0xd69f03e0, // eret
};

/* Pairs of instructions that become one, and flags whose operands are overwritten before they are read. */
static const uint32_t pairs[] = {
    0xd280050a, // mov x10, #0x28
    0xd2a0060b, // mov x11, #0x300000
    0xd518104b, // msr cpacr_el1, x11
    0xd5033fdf, // isb
    0x9104000c, // add x12, x0, #0x100
    0xad400400, // ldp q0, q1, [x0]
    0xad414410, // ldp q16, q17, [x0, #32]
    0x4ea01c02, // mov v2.16b, v0.16b
    0x5e104020, // sha256h q0, q1, v16.4s
    0x5e105041, // sha256h2 q1, q2, v16.4s
    0x5e282a30, // sha256su0 v16.4s, v17.4s
    0x4ea01c03, // mov v3.16b, v0.16b
    0x5e114020, // sha256h q0, q1, v17.4s
    0x5e115001, // sha256h2 q1, q0, v17.4s
    0x4e284810, // aese v16.16b, v0.16b
    0x4e286a10, // aesmc v16.16b, v16.16b
    0x4e285831, // aesd v17.16b, v1.16b
    0x4e287a31, // aesimc v17.16b, v17.16b
    0x4e284862, // aese v2.16b, v3.16b
    0x4e286843, // aesmc v3.16b, v2.16b
    0xad000400, // stp q0, q1, [x0]
    0xad014410, // stp q16, q17, [x0, #32]
    0xac810d82, // stp q2, q3, [x12], #32
    0xa9400801, // ldp x1, x2, [x0]
    0xdac00023, // rbit x3, x1
    0xdac01063, // clz x3, x3
    0x5ac00044, // rbit w4, w2
    0x5ac01084, // clz w4, w4
    0xdac00045, // rbit x5, x2
    0xdac010a6, // clz x6, x5
    0xdac01427, // cls x7, x1
    0x5ac01448, // cls w8, w2
    0x1ac25029, // crc32cb w9, w1, w2
    0x1ac15529, // crc32ch w9, w9, w1
    0x1ac55929, // crc32cw w9, w9, w5
    0x9ac15d29, // crc32cx w9, w9, x1
    0xb3799c2d, // bfi x13, x1, #7, #40
    0x33032c4e, // bfxil w14, w2, #3, #9
    0x9b0f082f, // madd x15, x1, x15, x2
    0x1b0f7def, // mul w15, w15, w15
    0x9b02c030, // msub x16, x1, x2, x16
    0x8b010e31, // add x17, x17, x1, lsl #3
    0x0b21a852, // add w18, w2, w1, sxth #2
    0x8b325233, // add x19, x17, w18, uxtw #4
    0xeb02003f, // cmp x1, x2
    0xf9400814, // ldr x20, [x0, #16]
    0x9a948041, // csel x1, x2, x20, hi
    0x9a95b6b5, // cinc x21, x21, ge
    0xd28000a2, // mov x2, #0x5
    0x9a9656d6, // cinc x22, x22, mi
    0xb4000216, // cbz x22, 108
    0x6b011697, // subs w23, w20, w1, lsl #5
    0x2a1703f4, // mov w20, w23
    0x52800121, // mov w1, #0x9
    0xb8004597, // str w23, [x12], #4
    0x9a987718, // cinc x24, x24, vs
    0xab030299, // adds x25, x20, x3
    0xca090339, // eor x25, x25, x9
    0xf9400c1a, // ldr x26, [x0, #24]
    0x9a1a0339, // adc x25, x25, x26
    0xf2781f5a, // ands x26, x26, #0xff00
    0xf940041b, // ldr x27, [x0, #8]
    0xfa591364, // ccmp x27, x25, #0x4, ne
    0x9a9c279c, // cinc x28, x28, cc
    0xf940001b, // ldr x27, [x0]
    0x9a9c879c, // cinc x28, x28, ls
    0xf100054a, // subs x10, x10, #0x1
    0x54fff841, // b.ne 14
    0x1e6f1000, // fmov d0, #1.500000000000000000e+00
    0x1e701001, // fmov d1, #-2.000000000000000000e+00
    0x1e612000, // fcmp d0, d1
    0x54000084, // b.mi 12c
    0x1e604020, // fmov d0, d1
    0xaa1303f4, // mov x20, x19
    0xd53b421e, // mrs x30, nzcv
    0xd4000002, // hvc #0x0
};

/* Accesses that fault between an instruction that sets flags and one that reads them, with operands of the
 * former kept or overwritten in between. */
static const uint32_t faults[] = {
    0xd280050a, // mov x10, #0x28
    0x10003fe1, // adr x1, 800
    0xd518c001, // msr vbar_el1, x1
    0xd5033fdf, // isb
    0xa9400c02, // ldp x2, x3, [x0]
    0xd2820009, // mov x9, #0x1000
    0xeb030044, // subs x4, x2, x3
    0xf9400125, // ldr x5, [x9]
    0x9a949694, // cinc x20, x20, hi
    0xd2820009, // mov x9, #0x1000
    0xab020063, // adds x3, x3, x2
    0xaa0a03e2, // mov x2, x10
    0xf9400125, // ldr x5, [x9]
    0x9a0502b5, // adc x21, x21, x5
    0xd2820009, // mov x9, #0x1000
    0x6b03009f, // cmp w4, w3
    0x2a0a03e4, // mov w4, w10
    0xf9400526, // ldr x6, [x9, #8]
    0x2a0503e3, // mov w3, w5
    0x5400004b, // b.lt 54
    0x8b0602d6, // add x22, x22, x6
    0xd2820009, // mov x9, #0x1000
    0x2b0600a7, // adds w7, w5, w6
    0xf9400125, // ldr x5, [x9]
    0x54000044, // b.mi 68
    0x8b0702f7, // add x23, x23, x7
    0xd2820009, // mov x9, #0x1000
    0xf100515f, // cmp x10, #0x14
    0xf900092a, // str x10, [x9, #16]
    0x9a9490e8, // csel x8, x7, x20, ls
    0x93c81d08, // ror x8, x8, #7
    0xca050108, // eor x8, x8, x5
    0xa9001408, // stp x8, x5, [x0]
    0xf100054a, // subs x10, x10, #0x1
    0x54fffc41, // b.ne 10
    0xd4000002, // hvc #0x0
};

/* Mends the address, with other flags of its own. */
static const uint32_t mend[] = {
    0xaa0003e9, // mov x9, x0
    0xf100013f, // cmp x9, #0x0
    0xd69f03e0, // eret
};

enum {
    RAM = 0x40000000,
    RAM_SIZE = 4 << 20,
    TABLE = RAM,
    CODE = RAM + 0x10000,
    DATA = RAM + 0x20000, /* x0 */
    DATA_SIZE = 0x3000,
};

struct machine {
    struct engine_machine calls;
    struct memory *memory;
    struct engine_vm *vm;
    struct cpu *cpu;
    uint8_t *ram;
};

static void on_hvc(void *ctx, unsigned vcpu, uint64_t x[18]) {
    struct machine *m = ctx;
    (void)vcpu, (void)x;
    engine_soft.vcpu_kick((struct engine_vcpu *)m->cpu);
}
static void create(struct machine *m, const char *options) {
    struct error e;
    m->calls = lonely_machine(m, on_hvc);
    m->memory = memory_create();
    m->ram = aligned_alloc(4096, RAM_SIZE);
    memset(m->ram, 0, RAM_SIZE);
    const struct engine_config config = {.memory = m->memory,
        .machine = &m->calls,
        .vcpus = 1,
        .options = options,
        .count_instructions = true};
    assert_int_equal(engine_soft.vm_create(&m->vm, &config, &e), 0);
    const struct memory_slot ram = {.gpa = RAM, .size = RAM_SIZE, .host = m->ram, .kind = MEMORY_RAM};
    assert_int_equal(memory_add(m->memory, &ram, &e), 0);
    m->cpu = (struct cpu *)engine_soft.vcpu(m->vm, 0);
}

static void destroy(struct machine *m) {
    engine_soft.vm_destroy(m->vm);
    memory_destroy(m->memory);
    free(m->ram);
}

/* Runs the program to its HVC, in EL1 with an identity map of one block of Normal memory. */
static void run(struct machine *m, const uint32_t *program, size_t size) {
    enum { BLOCK = 1, AF = 1 << 10, INNER_SHAREABLE = 3 << 8, SCTLR_MCISA = 1 | 1 << 2 | 1 << 12 | 1 << 3 };
    uint64_t block = RAM | BLOCK | AF | INNER_SHAREABLE;
    memcpy(m->ram + (TABLE - RAM) + 8 * (RAM >> 30), &block, sizeof block);
    memcpy(m->ram + (CODE - RAM), program, size);
    for (unsigned i = 0; i < DATA_SIZE; i++)
        m->ram[DATA - RAM + i] = (uint8_t)(i * 37 ^ i >> 7);
    engine_soft.vcpu_reset((struct engine_vcpu *)m->cpu, CODE, DATA);
    m->cpu->sys.mair = 0xff;
    m->cpu->sys.tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | UINT64_C(2) << 32;
    m->cpu->sys.ttbr0 = TABLE;
    m->cpu->sys.sctlr |= SCTLR_MCISA;
    assert_int_equal(engine_soft.vcpu_run((struct engine_vcpu *)m->cpu), ENGINE_EXIT_KICKED);
}

/* counts: no exceptions, behind which translated code does not count what they interrupted */
static void compare(const uint32_t *program, size_t size, bool counts) {
    static const char *const options[] = {"eager", NULL}; /* from the start, and what runs often */
    struct machine expected;
    if (!jit_available())
        skip();
    create(&expected, "interp");
    run(&expected, program, size);
    assert_true(expected.cpu->stats.instructions > 100);
    for (unsigned i = 0; i < 2; i++) {
        struct machine m;
        create(&m, options[i]);
        run(&m, program, size);
        assert_true(m.cpu->stats.translations > 0);
        assert_memory_equal(m.cpu->x, expected.cpu->x, sizeof m.cpu->x[0] * (REG_SP + 1));
        assert_int_equal(m.cpu->pc, expected.cpu->pc);
        assert_int_equal(m.cpu->nzcv, expected.cpu->nzcv);
        assert_memory_equal(m.ram, expected.ram, RAM_SIZE);
        if (counts)
            assert_int_equal(m.cpu->stats.instructions, expected.cpu->stats.instructions);
        destroy(&m);
    }
    destroy(&expected);
}

#define PROGRAM(name)                                                                                        \
    static void runs_##name(void **state) {                                                                  \
        (void)state;                                                                                         \
        compare(name, sizeof name, true);                                                                    \
    }
/* Changes and calls a function in the next page more often than there is room for its translations. What is
 * called seldom jumps to what was translated long before. */
static const uint32_t recycle[] = {
    0xd293880a, // mov x10, #0x9c40
    0x10007fe2, // adr x2, 1000, the function
    0x10000223, // adr x3, 4c
    0xd2800001, // mov x1, #0x0
    0x940003fc, // bl 1000, the function
    0x94000010, // bl 54
    0xb9400045, // ldr w5, [x2]
    0x521600a5, // eor w5, w5, #0x400
    0xb9000045, // str w5, [x2]
    0xd5033b9f, // dsb ish
    0xd50b7522, // ic ivau, x2
    0xd5033b9f, // dsb ish
    0xd5033fdf, // isb
    0xf240295f, // tst x10, #0x7ff
    0x54000041, // b.ne 40
    0xd61f0060, // br x3
    0xf100054a, // subs x10, x10, #0x1
    0x54fffe61, // b.ne 10
    0xd4000002, // hvc #0x0
    0x94000002, // bl 54
    0x17fffffc, // b 40
    0x91001421, // add x1, x1, #0x5
    0xd65f03c0, // ret
};

enum { RECYCLE_PAIRS = 40, RECYCLE_SIZE = 1024 + 1 + 2 * RECYCLE_PAIRS + 1 };

static const uint32_t *recycle_program(void) {
    enum { ADD_1 = 0x91000421, LDR = 0xf9400004, ADD_LOADED = 0x8b040021, RET = 0xd65f03c0 };
    static uint32_t program[RECYCLE_SIZE];
    uint32_t *function = &program[1024];
    memcpy(program, recycle, sizeof recycle);
    *function++ = ADD_1;
    for (uint32_t i = 0; i < RECYCLE_PAIRS; i++) {
        *function++ = LDR | i << 10; /* ldr x4, [x0, #8 * i] */
        *function++ = ADD_LOADED;
    }
    *function = RET;
    return program;
}

static void run_recycle(struct machine *m) {
    run(m, recycle_program(), RECYCLE_SIZE * sizeof(uint32_t));
}

static void recycles_memory(void **state) {
    (void)state;
    compare(recycle_program(), RECYCLE_SIZE * sizeof(uint32_t), true);

    struct machine m;
    create(&m, "eager");
    run_recycle(&m);
    assert_true(m.cpu->stats.code_flushes > 10); /* of 4 parts */
    destroy(&m);
}

/* Flushes of the next look at whether the code has become sparse. */
static uint64_t look(struct machine *m) {
    uint64_t before = m->cpu->stats.code_flushes;
    usleep(JIT_LOOK_NS / 1000 + 10000);
    jit_settle(m->cpu);
    return m->cpu->stats.code_flushes - before;
}

static void settles(void **state) {
    (void)state;
    struct machine m;
    if (!jit_available())
        skip();
    create(&m, "eager");
    run_recycle(&m);
    assert_int_equal(look(&m), 0); /* much was translated just now */
    jit_settle(m.cpu);             /* too soon to say */
    assert_int_equal(look(&m), 1);
    assert_int_equal(look(&m), 0);
    assert_int_equal(look(&m), 0); /* nothing new */
    const uint64_t translations = m.cpu->stats.translations;
    run_recycle(&m);
    assert_true(m.cpu->stats.translations > translations);
    destroy(&m);
}

/* With a handler for what faults. */
static void compare_handled(
    const uint32_t *program, size_t size, const uint32_t *handler, size_t handler_size) {
    enum { VECTOR = 0x800 + 0x200 }; /* VBAR_EL1, and a synchronous exception from EL1 */
    uint32_t handled[VECTOR / 4 + 8] = {0};
    memcpy(handled, program, size);
    memcpy(&handled[VECTOR / 4], handler, handler_size);
    compare(handled, sizeof handled, false);
}

static void runs_faults(void **state) {
    (void)state;
    compare_handled(faults, sizeof faults, mend, sizeof mend);
}

static void runs_stack(void **state) {
    (void)state;
    compare_handled(stack, sizeof stack, mend_stack, sizeof mend_stack);
}

PROGRAM(flags)
PROGRAM(cold)
PROGRAM(calls)
PROGRAM(patch)
PROGRAM(memory)
PROGRAM(pairs)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodes_general_instructions),
        cmocka_unit_test(encodes_vector_instructions),
        cmocka_unit_test(jumps_forward_and_back),
        cmocka_unit_test(runs_flags),
        cmocka_unit_test(runs_cold),
        cmocka_unit_test(runs_calls),
        cmocka_unit_test(runs_patch),
        cmocka_unit_test(runs_memory),
        cmocka_unit_test(runs_pairs),
        cmocka_unit_test(runs_stack),
        cmocka_unit_test(runs_faults),
        cmocka_unit_test(recycles_memory),
        cmocka_unit_test(settles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
