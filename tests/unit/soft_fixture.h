/* A VM of the soft engine for unit tests: 16 MiB of RAM at 1 GiB, a page of ROM, a device, and a record of
 * what the machine was asked. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bus/memory.h"
#include "cpu/engine.h"
#include "cpu/soft/mem.h"
#include "cpu/soft/mmu.h"
#include "cpu/soft/soft_vm.h"
#include "cpu/soft/syndrome.h"

#define RAM_GPA  UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x1000000)
#define ROM_GPA  UINT64_C(0x10000)
#define UART_GPA UINT64_C(0x9000000) /* answers; nothing else does */

struct soft_fixture {
    struct memory *memory;
    struct engine_vm *vm;
    struct cpu *cpu, *other;
    uint8_t *ram, *rom;

    uint64_t device_gpa, device_value; /* of the last access to a device */
    unsigned device_size, device_accesses;
    uint32_t gic_key;
    uint64_t gic_value;
    _Atomic bool timer_level[32]; /* by PPI */
};

static inline bool fixture_mmio_read(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    struct soft_fixture *f = ctx;
    (void)vcpu;
    f->device_gpa = gpa;
    f->device_size = size;
    f->device_accesses++;
    *value = UINT64_C(0x1122334455667788) & (UINT64_MAX >> (64 - 8 * size));
    return gpa >> 12 == UART_GPA >> 12;
}

static inline bool fixture_mmio_write(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    struct soft_fixture *f = ctx;
    (void)vcpu;
    f->device_gpa = gpa;
    f->device_size = size;
    f->device_value = value;
    f->device_accesses++;
    return gpa >> 12 == UART_GPA >> 12;
}

static inline bool fixture_sysreg_read(void *ctx, unsigned vcpu, uint32_t reg, uint64_t *value) {
    struct soft_fixture *f = ctx;
    (void)vcpu;
    f->gic_key = reg;
    *value = 1023;
    return true;
}

static inline bool fixture_sysreg_write(void *ctx, unsigned vcpu, uint32_t reg, uint64_t value) {
    struct soft_fixture *f = ctx;
    (void)vcpu;
    f->gic_key = reg;
    f->gic_value = value;
    return true;
}

static inline void fixture_timer_line(void *ctx, unsigned vcpu, unsigned ppi, bool level) {
    struct soft_fixture *f = ctx;
    if (vcpu == 0)
        f->timer_level[ppi] = level;
}

static inline int fixture_setup(void **state) {
    static struct engine_machine machine;
    struct soft_fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->ram = aligned_alloc(4096, RAM_SIZE);
    f->rom = aligned_alloc(4096, 4096);
    memset(f->ram, 0, RAM_SIZE);
    memset(f->rom, 0x5a, 4096);
    f->memory = memory_create();
    machine = (struct engine_machine){.ctx = f,
        .mmio_read = fixture_mmio_read,
        .mmio_write = fixture_mmio_write,
        .sysreg_read = fixture_sysreg_read,
        .sysreg_write = fixture_sysreg_write,
        .timer_line = fixture_timer_line};
    const struct engine_config config = {.memory = f->memory, .machine = &machine, .vcpus = 2};
    struct error e;
    assert_int_equal(engine_soft.vm_create(&f->vm, &config, &e), 0);
    const struct memory_slot ram = {.gpa = RAM_GPA, .size = RAM_SIZE, .host = f->ram, .kind = MEMORY_RAM};
    const struct memory_slot rom = {.gpa = ROM_GPA, .size = 4096, .host = f->rom, .kind = MEMORY_ROM};
    assert_int_equal(memory_add(f->memory, &ram, &e), 0);
    assert_int_equal(memory_add(f->memory, &rom, &e), 0);
    f->cpu = (struct cpu *)engine_soft.vcpu(f->vm, 0);
    f->other = (struct cpu *)engine_soft.vcpu(f->vm, 1);
    *state = f;
    return 0;
}

static inline int fixture_teardown(void **state) {
    struct soft_fixture *f = *state;
    engine_soft.vm_destroy(f->vm);
    memory_destroy(f->memory);
    free(f->ram);
    free(f->rom);
    free(f);
    return 0;
}

/* Does the statement raise an exception? */
#define RAISES(cpu, statement) (setjmp((cpu)->unwind) ? true : ((void)(statement), false))

#define EC_OF(cpu)  ((unsigned)((cpu)->sys.esr >> 26))
#define ISS_OF(cpu) ((uint32_t)((cpu)->sys.esr & 0x1ffffff))

/* An MRS, MSR or SYS with that Rt, as the handlers of them see it. */
static inline struct a64_insn fixture_insn(unsigned rt) {
    return (struct a64_insn){.word = rt, .op = 1};
}
