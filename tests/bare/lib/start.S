// Boot, exception vectors, and the ways into and out of code that is expected to fault.
#include "offsets.h"

    .section .head, "ax"
// The header of Linux's Documentation/arch/arm64/booting.rst.
    b       entry
    .word   0
    .quad   0                       // text_offset
    .quad   image_size
    .quad   0xa                     // little-endian, 4 KiB pages, anywhere
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .word   0

entry:
    mov     x20, x0                 // the device tree
    adr     x0, image_start
    ldr     x1, =image_start
    ldr     x2, =image_end
    cmp     x0, x1
    b.eq    2f
1:  ldp     x3, x4, [x0], #16
    stp     x3, x4, [x1], #16
    cmp     x1, x2
    b.lo    1b
2:  ldr     x2, =image_end
    ldr     x3, =bss_end
3:  cmp     x2, x3
    b.hs    4f
    stp     xzr, xzr, [x2], #16
    b       3b
4:  dsb     sy
    ic      iallu
    dsb     sy
    isb
    ldr     x1, =start_here
    br      x1
start_here:
    mov     x0, #0
    bl      setup_cpu
    mov     x0, x20
    bl      start_main
halt:
    wfi
    b       halt

// Where PSCI CPU_ON starts a CPU; x0 is its number.
    .globl  secondary_entry
secondary_entry:
    mov     x20, x0
    bl      setup_cpu
    mov     x0, x20
    bl      start_secondary
    b       halt

// x0: the CPU's number. Stack, vectors, FP, MMU if its tables were made.
setup_cpu:
    ldr     x1, =stacks
    mov     x2, #STACK_SIZE
    add     x3, x0, #1
    madd    x1, x2, x3, x1
    mov     sp, x1
    ldr     x1, =per_cpu
    mov     x2, #PER_CPU_SIZE
    madd    x1, x0, x2, x1
    msr     tpidr_el1, x1
    ldr     x1, =vectors
    msr     vbar_el1, x1
    mov     x1, #3 << 20
    msr     cpacr_el1, x1
    isb
    cbz     x0, 1f
    b       mmu_enable              // returns to our caller
1:  ret

// --- vectors: x0-x30 and the syndrome go into a frame on SP_EL1, then C decides
    .macro  vector number
    .balign 128
    msr     spsel, #1
    sub     sp, sp, #FRAME_SIZE
    stp     x0, x1, [sp, #0]
    mov     x0, #\number
    b       vector_common
    .endm

    .text
    .balign 2048
vectors:
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    vector  \n
    .endr

vector_common:
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x19, [sp, #144]
    stp     x20, x21, [sp, #160]
    stp     x22, x23, [sp, #176]
    stp     x24, x25, [sp, #192]
    stp     x26, x27, [sp, #208]
    stp     x28, x29, [sp, #224]
    str     x30, [sp, #240]
    mrs     x1, elr_el1
    mrs     x2, spsr_el1
    mrs     x3, esr_el1
    mrs     x4, far_el1
    stp     x1, x2, [sp, #248]
    stp     x3, x4, [sp, #264]
    mov     x1, sp
    bl      on_exception
    ldp     x1, x2, [sp, #248]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    ldp     x2, x3, [sp, #16]
    ldp     x4, x5, [sp, #32]
    ldp     x6, x7, [sp, #48]
    ldp     x8, x9, [sp, #64]
    ldp     x10, x11, [sp, #80]
    ldp     x12, x13, [sp, #96]
    ldp     x14, x15, [sp, #112]
    ldp     x16, x17, [sp, #128]
    ldp     x18, x19, [sp, #144]
    ldp     x20, x21, [sp, #160]
    ldp     x22, x23, [sp, #176]
    ldp     x24, x25, [sp, #192]
    ldp     x26, x27, [sp, #208]
    ldp     x28, x29, [sp, #224]
    ldr     x30, [sp, #240]
    ldp     x0, x1, [sp], #FRAME_SIZE
    eret

// --- uint64_t try_enter(uint64_t spsr, uint64_t pc, uint64_t a, uint64_t b): continues at pc with x0 = a, x1 = b
// by an exception return; comes back, with what try_leave() is given, at the next exception.
    .globl  try_enter
try_enter:
    mrs     x4, tpidr_el1
    stp     x19, x20, [x4, #0]
    stp     x21, x22, [x4, #16]
    stp     x23, x24, [x4, #32]
    stp     x25, x26, [x4, #48]
    stp     x27, x28, [x4, #64]
    stp     x29, x30, [x4, #80]
    mov     x5, sp
    mrs     x6, daif
    stp     x5, x6, [x4, #96]
    msr     spsr_el1, x0
    msr     elr_el1, x1
    mov     x0, x2
    mov     x1, x3
    adr     x30, try_done           // code at EL1 may just return
    eret

// A tried function returned: an exception of its own kind, so that there is one way back.
    .globl  try_done
try_done:
    svc     #TRY_DONE

    .globl  try_leave
try_leave:
    mrs     x4, tpidr_el1
    ldp     x19, x20, [x4, #0]
    ldp     x21, x22, [x4, #16]
    ldp     x23, x24, [x4, #32]
    ldp     x25, x26, [x4, #48]
    ldp     x27, x28, [x4, #64]
    ldp     x29, x30, [x4, #80]
    ldp     x5, x6, [x4, #96]
    mov     sp, x5
    msr     daif, x6
    ret

// uint64_t hypercall(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
    .globl  hypercall
hypercall:
    hvc     #0
    ret
