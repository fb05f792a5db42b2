/* Stage 1 of the EL1&0 translation regime (ARM ARM D8). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cpu/soft/cpu.h"

/* Fault status codes, to which the level is added where there is one (ESR_EL1.ISS for aborts). */
enum {
    FSC_ADDRESS_SIZE = 0x00,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS_FLAG = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_WALK_EXTERNAL = 0x14,
    FSC_ALIGNMENT = 0x21,
    FSC_UNSUPPORTED_ATOMIC = 0x35,
};

enum mmu_access { MMU_READ, MMU_WRITE, MMU_FETCH };

struct mmu_page {
    uint64_t pa;          /* of the 4 KiB page, 48 bits */
    uint8_t shift;        /* log2 of the page or block it is part of */
    uint8_t attributes;   /* the byte of MAIR_EL1 */
    uint8_t shareability; /* as in PAR_EL1.SH */
    bool device;          /* Device memory: attributes < 0x10 */
    bool nonglobal;
    bool writable; /* writes need no look at the descriptor any more */
    uint8_t fsc;   /* when the translation failed */
};

/* Translates for one of the TLB sets' point of view (MMU_*). commit: the access happens, so access flag and
 * dirty state are written by hardware where TCR_EL1 asks for it. False: page->fsc says why. */
bool mmu_translate(
    struct cpu *cpu, unsigned mmu, uint64_t va, enum mmu_access access, bool commit, struct mmu_page *page);

/* The ASID in force. */
uint32_t mmu_asid(const struct cpu *cpu);

/* va with the bits above the top that TCR_EL1.TBI chooses made copies of bit 55, as a branch to it does. */
uint64_t mmu_strip_tag(const struct cpu *cpu, uint64_t va);
