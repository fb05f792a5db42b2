/* The table of system registers and what the parts of it share. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"

/* Which MRS and MSR exist. What EL0 may use can be closed by a control bit on top (sysreg.gate). */
enum { EL1_READ = 1, EL1_WRITE = 2, EL0_READ = 4, EL0_WRITE = 8 };

struct sysreg {
    uint32_t key; /* ENGINE_SYSREG() */
    const char *name;
    uint8_t access;
    uint16_t offset;   /* of its uint64_t in struct cpu; 0: it has none */
    uint64_t writable; /* bits that storage takes; the others are RES0, or RES1 by `fixed` */
    uint64_t fixed;    /* bits that read as one; all of a register without storage */
    uint64_t reset;    /* further bits that are one after reset */
    uint64_t (*read)(struct cpu *cpu, const struct sysreg *reg);
    void (*write)(struct cpu *cpu, const struct sysreg *reg, uint64_t value); /* value: masked */
    bool (*gate)(const struct cpu *cpu, const struct sysreg *reg);            /* false: EL0's access traps */
};

/* Once, before the first vCPU. */
void sysreg_init(void);
/* All registers with storage, as after power-on. */
void sysreg_reset(struct cpu *cpu);
/* NULL when there is no such register. */
const struct sysreg *sysreg_find(uint32_t key);

/* The identification registers, which are constants (sysreg_id.c). */
extern const struct sysreg sysreg_id[];
extern const unsigned sysreg_id_count;
