#include "machine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu/soft/mem.h"
#include "support/lonely_machine.h"

/* The kernel's part of the map: page tables and vectors, for EL1 only. */
enum { KERNEL_BASE = 0x40000000, KERNEL_SIZE = 6 * 4096, VECTORS = KERNEL_BASE + 5 * 4096 };

struct machine machine;
static uint64_t *kernel; /* KERNEL_BASE */

void machine_die(const char *what) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(2);
}

static void *add_ram(uint64_t gpa, uint64_t size) {
    struct error e;
    void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (host == MAP_FAILED)
        machine_die("out of memory");
    struct memory_slot slot = {.gpa = gpa, .size = size, .host = host, .kind = MEMORY_RAM};
    if (memory_add(machine.memory, &slot, &e) < 0)
        machine_die(e.text);
    return host;
}

/* Descriptor bits (D8.3). */
#define DESC_TABLE 3ull
#define DESC_BLOCK 1ull
#define DESC_PAGE  3ull
#define DESC_EL0   (1ull << 6)
#define DESC_AF    (1ull << 10 | 3ull << 8) /* with inner shareable */
#define DESC_PXN   (1ull << 53)
#define DESC_UXN   (1ull << 54)

static uint64_t *table(unsigned n) {
    return kernel + n * 512;
}

static uint64_t table_at(unsigned n) {
    return (KERNEL_BASE + n * 4096) | DESC_TABLE;
}

/* 39-bit addresses: table 0 is level 1, table 1 level 2 of the second gigabyte, 2 and 3 level 3 of kernel and
 * data. */
static void make_tables(void) {
    const uint64_t user = DESC_AF | DESC_EL0;
    table(0)[KERNEL_BASE >> 30] = table_at(1);
    table(1)[KERNEL_BASE >> 21 & 511] = table_at(2);
    table(1)[DATA_BASE >> 21 & 511] = table_at(3);
    for (uint64_t at = SLED_BASE; at < SLED_BASE + SLED_SIZE; at += 2 << 20)
        table(1)[at >> 21 & 511] = at | DESC_BLOCK | user;
    table(2)[VECTORS >> 12 & 511] = VECTORS | DESC_PAGE | DESC_AF | DESC_UXN;
    for (uint64_t at = DATA_BASE; at < DATA_BASE + DATA_SIZE; at += 4096)
        table(3)[at >> 12 & 511] = at | DESC_PAGE | user | DESC_UXN | DESC_PXN;
}

/* System registers as Linux sets them for a process. */
static void set_system_registers(struct cpu *cpu) {
    cpu->sys.mair = 0xff;
    cpu->sys.tcr = 25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 23 | 2ull << 32 |
                   1ull << 37; /* T0SZ, WB, IS, EPD1, IPS, TBI0 */
    cpu->sys.ttbr0 = KERNEL_BASE;
    cpu->sys.vbar = VECTORS;
    cpu->sys.cpacr = 3 << 20;
    /* M C I, DZE UCT nTWI nTWE, UCI, SPAN, and the RES1 bits LSMAOE nTLSMD EOS EIS TSCXT */
    cpu->sys.sctlr = 0x30d00800 | 1 | 1 << 2 | 1 << 12 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 18 | 1 << 26;
    cpu_mode_changed(cpu);
    tlb_flush_all(cpu);
}

void machine_create(const char *options, void (*on_hvc)(void *ctx, unsigned vcpu, uint64_t x[18])) {
    static struct engine_machine callbacks;
    struct error e;
    callbacks = lonely_machine(NULL, on_hvc);
    machine.memory = memory_create();
    struct engine_config config = {.memory = machine.memory,
        .machine = &callbacks,
        .vcpus = 1,
        .options = options,
        .count_instructions = true};
    if (engine_soft.vm_create(&machine.vm, &config, &e) < 0)
        machine_die(e.text);
    kernel = add_ram(KERNEL_BASE, KERNEL_SIZE);
    machine.sled = add_ram(SLED_BASE, SLED_SIZE);
    machine.data = add_ram(DATA_BASE, DATA_SIZE);

    make_tables();
    machine.vectors = (uint32_t *)kernel + (VECTORS - KERNEL_BASE) / sizeof(uint32_t);
    for (unsigned i = 0; i < VECTORS_COUNT; i++)
        machine.vectors[i * VECTOR_WORDS] = 0xd4000002; /* HVC #0 */
    for (uint32_t i = 0; i < SLED_SIZE / sizeof(uint32_t); i++)
        machine.sled[i] = sled_word(i);

    machine.vcpu = engine_soft.vcpu(machine.vm, 0);
    machine.cpu = (struct cpu *)machine.vcpu;
    engine_soft.vcpu_reset(machine.vcpu, VECTORS, 0);
    set_system_registers(machine.cpu);
}

void machine_destroy(void) {
    engine_soft.vm_destroy(machine.vm);
    memory_destroy(machine.memory);
}

void machine_load_state(const struct case_state *state) {
    struct cpu *cpu = machine.cpu;
    cpu_set_pstate(cpu, state->nzcv);
    memcpy(cpu->x, state->x, sizeof(state->x));
    cpu->x[REG_SP] = state->sp;
    cpu->pc = state->pc;
    memcpy(cpu->v, state->v, sizeof(state->v));
    cpu->fpcr = state->fpcr;
    cpu->fpsr = state->fpsr;
    cpu_fp_changed(cpu);
    case_load_memory(machine.data, state);
}
