/* What is in ESR_EL1 beside the exception class (ARM ARM D17.2.37). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ESR_EC = 26 };
#define ESR_IL (UINT64_C(1) << 25)

enum {
    ISS_WNR = 1 << 6,                      /* aborts: a write, or cache maintenance */
    ISS_CM = 1 << 8,                       /* aborts: cache maintenance */
    ISS_DEBUG = 0x22,                      /* fault status code of debug exceptions */
    ISS_COND_ALWAYS = 1 << 24 | 0xe << 20, /* CV and COND, where A64 has none */
};

/* EC_SYSREG: which register (ENGINE_SYSREG()) was to move from or to which general register. */
static inline uint32_t sysreg_iss(uint32_t key, unsigned rt, bool read) {
    uint32_t op0 = key >> 14, op1 = key >> 11 & 7, crn = key >> 7 & 15, crm = key >> 3 & 15, op2 = key & 7;
    return op0 << 20 | op2 << 17 | op1 << 14 | crn << 10 | (uint32_t)rt << 5 | crm << 1 | read;
}
