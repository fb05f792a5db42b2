/* Identification registers: what this CPU is, field by field (ARM ARM D17.2). They say what is implemented
 * and no more; whoever implements or drops a feature changes its field here. */
#include "cpu/soft/sysreg.h"

#include "cpu/soft/soft_vm.h"

/* A field of an ID register, by its lowest bit. */
#define F(low, value) ((uint64_t)(value) << (low))

#define ID(crm, op2, id_name, bits)                                                                          \
    { .key = ENGINE_SYSREG(3, 0, 0, crm, op2), .name = id_name, .access = EL1_READ, .fixed = (bits) }

/* MIDR_EL1: implementer 0 is for software; architecture 0xf: see the ID registers; the part is ours. No list
 * of errata has it. */
#define MIDR (F(24, 0x00) | F(20, 0) | F(16, 0xf) | F(4, 0x056) | F(0, 0))

#define PFR0                                                                                                 \
    (F(0, 1) /* EL0, AArch64 only */ | F(4, 1) /* EL1, likewise */ | F(16, 1) /* FP with FP16 */ |           \
        F(20, 1) /* AdvSIMD with FP16 */ | F(24, 1) /* GICv3 by system registers */ |                        \
        F(56, 3) /* CSV2_3 and */ | F(60, 1) /* CSV3: nothing is speculated across contexts */)
#define PFR1 (F(4, 2) /* SSBS, with MSR and MRS */)
#define DFR0 (F(0, 8) /* Debug of v8.2 */ | F(12, CPU_BREAKPOINTS - 1) | F(20, CPU_WATCHPOINTS - 1))
#define ISAR0                                                                                                \
    (F(4, 2) /* AES, PMULL */ | F(8, 1) /* SHA1 */ | F(12, 2) /* SHA256, SHA512 */ | F(16, 1) /* CRC32 */ |  \
        F(20, 2) /* LSE */ | F(28, 1) /* RDM */ | F(32, 1) /* SHA3 */ | F(44, 1) /* DotProd */ |             \
        F(52, 1) /* FlagM */ | F(56, 2) /* TLBI, outer shareable and by range */)
#define ISAR1                                                                                                \
    (F(0, 1) /* DC CVAP */ | F(12, 1) /* JSCVT */ | F(16, 1) /* FCMA */ | F(20, 2) /* LRCPC2 */ |            \
        F(36, 1) /* SB */)
#define MMFR0                                                                                                \
    (F(0, 5) /* 48 bits of physical address */ | F(4, 2) /* 16-bit ASIDs */ |                                \
        F(20, 1) /* 16 KiB granule */ | F(24, 0) /* 64 KiB granule */ | F(28, 0) /* 4 KiB granule */)
#define MMFR1                                                                                                \
    (F(0, 2) /* access flag and dirty state by hardware */ | F(12, 1) /* HPDS */ | F(20, 2) /* PAN2 */)
#define MMFR2 (F(0, 1) /* CnP */ | F(4, 1) /* UAO */ | F(60, 1) /* E0PD */)

static uint64_t read_mpidr(struct cpu *cpu, const struct sysreg *reg) {
    enum { UNIPROCESSOR = 1 << 30 };
    return reg->fixed | (cpu->vm->count == 1 ? UNIPROCESSOR : 0) | cpu->index;
}

/* Level 1: 32 KiB each of data and instructions, 4 ways; level 2: 1 MiB, 16 ways; lines of 64 bytes. No guest
 * sees more of them than this. */
static uint64_t read_ccsidr(struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    enum { LINE_64 = 2, ASSOCIATIVITY = 3, SETS = 13 };
    switch (cpu->sys.csselr) {
    case 0:
    case 1: return (uint64_t)(128 - 1) << SETS | (4 - 1) << ASSOCIATIVITY | LINE_64;
    case 2: return (uint64_t)(1024 - 1) << SETS | (16 - 1) << ASSOCIATIVITY | LINE_64;
    default: return 0;
    }
}

static bool gate_uct(const struct cpu *cpu, const struct sysreg *reg) {
    (void)reg;
    return cpu->sys.sctlr >> 15 & 1;
}

/* Zeroing by DC ZVA: 2^4 words. DZP says whether EL0 is kept from it. */
static uint64_t read_dczid(struct cpu *cpu, const struct sysreg *reg) {
    enum { DZP = 1 << 4, SCTLR_DZE = 14 };
    return reg->fixed | (cpu->el == 0 && !(cpu->sys.sctlr >> SCTLR_DZE & 1) ? DZP : 0);
}

const struct sysreg sysreg_id[] = {
    ID(0, 0, "MIDR_EL1", MIDR),
    {.key = ENGINE_SYSREG(3, 0, 0, 0, 5),
        .name = "MPIDR_EL1",
        .access = EL1_READ,
        .fixed = F(31, 1),
        .read = read_mpidr},
    ID(0, 6, "REVIDR_EL1", 0),
    ID(4, 0, "ID_AA64PFR0_EL1", PFR0),
    ID(4, 1, "ID_AA64PFR1_EL1", PFR1),
    ID(5, 0, "ID_AA64DFR0_EL1", DFR0),
    ID(6, 0, "ID_AA64ISAR0_EL1", ISAR0),
    ID(6, 1, "ID_AA64ISAR1_EL1", ISAR1),
    ID(7, 0, "ID_AA64MMFR0_EL1", MMFR0),
    ID(7, 1, "ID_AA64MMFR1_EL1", MMFR1),
    ID(7, 2, "ID_AA64MMFR2_EL1", MMFR2),
    {.key = ENGINE_SYSREG(3, 1, 0, 0, 0), .name = "CCSIDR_EL1", .access = EL1_READ, .read = read_ccsidr},
    /* Level 1 split, level 2 unified; LoUIS 1, LoC 2, LoUU 1. */
    {.key = ENGINE_SYSREG(3, 1, 0, 0, 1),
        .name = "CLIDR_EL1",
        .access = EL1_READ,
        .fixed = F(0, 3) | F(3, 4) | F(21, 1) | F(24, 2) | F(27, 1)},
    {.key = ENGINE_SYSREG(3, 1, 0, 0, 7), .name = "AIDR_EL1", .access = EL1_READ},
    /* Lines of data of 64 bytes; PIPT; IDC: data needs no cleaning for code to be seen, but not DIC: code has
     * to be announced with IC IVAU, a page at a time, as it is kept: lines of 2^10 words. */
    {.key = ENGINE_SYSREG(3, 3, 0, 0, 1),
        .name = "CTR_EL0",
        .access = EL1_READ | EL0_READ,
        .fixed = F(0, 10) | F(14, 3) | F(16, 4) | F(20, 4) | F(24, 4) | F(28, 1) | F(31, 1),
        .gate = gate_uct},
    {.key = ENGINE_SYSREG(3, 3, 0, 0, 7),
        .name = "DCZID_EL0",
        .access = EL1_READ | EL0_READ,
        .fixed = 4,
        .read = read_dczid},
};

const unsigned sysreg_id_count = sizeof sysreg_id / sizeof sysreg_id[0];
