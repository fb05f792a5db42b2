#include "board/psci.h"

#include <stdbool.h>
#include <sys/random.h>

/* Function identifiers. Bit 30 marks the 64-bit convention: the calls with addresses exist in both. */
#define SMC64 0x40000000u
enum function {
    SMCCC_VERSION = 0x80000000u,
    SMCCC_ARCH_FEATURES = 0x80000001u,
    PSCI_VERSION = 0x84000000u,
    PSCI_CPU_SUSPEND = 0x84000001u,
    PSCI_CPU_OFF = 0x84000002u,
    PSCI_CPU_ON = 0x84000003u,
    PSCI_AFFINITY_INFO = 0x84000004u,
    PSCI_MIGRATE_INFO_TYPE = 0x84000006u,
    PSCI_SYSTEM_OFF_CALL = 0x84000008u,
    PSCI_SYSTEM_RESET_CALL = 0x84000009u,
    PSCI_FEATURES = 0x8400000au,
    PSCI_SYSTEM_RESET2 = 0x84000012u,
    TRNG_VERSION = 0x84000050u,
    TRNG_FEATURES = 0x84000051u,
    TRNG_GET_UUID = 0x84000052u,
    TRNG_RND = 0x84000053u,
};

enum { SMCCC_1_1 = 0x10001, PSCI_1_1 = 0x10001, TRNG_1_0 = 0x10000 };

enum {
    SUCCESS = 0,
    NOT_SUPPORTED = -1,
    INVALID_PARAMETERS = -2,
    ALREADY_ON = -4,
    ON_PENDING = -5,
    INVALID_ADDRESS = -9,
};
enum { TRNG_INVALID_PARAMETERS = -2, TRNG_NO_ENTROPY = -3 };

enum { TOS_NOT_PRESENT = 2 }; /* MIGRATE_INFO_TYPE: nothing needs to be migrated */

static bool has_smc64(uint32_t function) {
    return function == PSCI_CPU_SUSPEND || function == PSCI_CPU_ON || function == PSCI_AFFINITY_INFO ||
           function == PSCI_SYSTEM_RESET2 || function == TRNG_RND;
}

static bool is_psci(uint32_t function) {
    switch (function & ~SMC64) {
    case PSCI_CPU_SUSPEND:
    case PSCI_CPU_ON:
    case PSCI_AFFINITY_INFO:
    case PSCI_SYSTEM_RESET2: return true;
    }
    switch (function) {
    case PSCI_VERSION:
    case PSCI_CPU_OFF:
    case PSCI_MIGRATE_INFO_TYPE:
    case PSCI_SYSTEM_OFF_CALL:
    case PSCI_SYSTEM_RESET_CALL:
    case PSCI_FEATURES:
    case SMCCC_VERSION: return true; /* PSCI_FEATURES answers for it: that is how it is found */
    default: return false;
    }
}

static bool is_trng(uint32_t function) {
    return function == TRNG_VERSION || function == TRNG_FEATURES || function == TRNG_GET_UUID ||
           (function & ~SMC64) == TRNG_RND;
}

/* MPIDR affinity fields to a vCPU: Aff0 is its number, the others are 0. */
static bool find_cpu(const struct psci *psci, uint64_t affinity, unsigned *cpu) {
    *cpu = (unsigned)affinity;
    return affinity < vcpus_count(psci->vcpus);
}

static int64_t cpu_on(const struct psci *psci, uint64_t affinity, uint64_t entry, uint64_t context) {
    unsigned cpu;
    if (!find_cpu(psci, affinity, &cpu))
        return INVALID_PARAMETERS;
    if (entry & 3 || !memory_dma(psci->memory, entry, 4))
        return INVALID_ADDRESS;
    switch (vcpus_on(psci->vcpus, cpu, entry, context)) {
    case VCPU_ON: return ALREADY_ON;
    case VCPU_ON_PENDING: return ON_PENDING;
    default: return SUCCESS;
    }
}

static int64_t affinity_info(const struct psci *psci, uint64_t affinity, uint64_t lowest_level) {
    unsigned cpu;
    if (lowest_level > 0 || !find_cpu(psci, affinity, &cpu))
        return INVALID_PARAMETERS; /* since PSCI 1.0 levels above 0 need not be supported */
    return vcpus_power(psci->vcpus, cpu);
}

/* TRNG_RND: how many bits, to be left in x3 (the lowest), x2, x1 of 32 or 64 bits each; those not asked for
 * are 0. */
static int64_t random_bits(uint64_t bits, unsigned width, uint64_t x[18]) {
    uint64_t random[3];

    x[1] = x[2] = x[3] = 0;
    if (bits == 0 || bits > 3 * width)
        return TRNG_INVALID_PARAMETERS;
    if (getentropy(random, sizeof random) < 0)
        return TRNG_NO_ENTROPY;
    for (unsigned i = 0; i < 3 && bits > i * width; i++) {
        uint64_t wanted = bits - i * width;
        uint64_t keep = wanted < width ? wanted : width;
        x[3 - i] = random[i] >> (64 - keep);
    }
    return SUCCESS;
}

static int64_t trng_call(uint32_t function, uint64_t argument, uint64_t x[18]) {
    switch (function & ~SMC64) {
    case TRNG_VERSION: return TRNG_1_0;
    case TRNG_FEATURES: return is_trng((uint32_t)argument) ? SUCCESS : NOT_SUPPORTED;
    case TRNG_GET_UUID: /* c3b7d1a4-5a6e-4f0b-9d52-0c8e7f416b29: the host kernel's random numbers */
        x[1] = 0x0b4f6e5a;
        x[2] = 0x8e0c529d;
        x[3] = 0x296b417f;
        return 0xa4d1b7c3;
    default: return random_bits(argument, function & SMC64 ? 64 : 32, x);
    }
}

static int64_t psci_function(
    const struct psci *psci, unsigned self, uint32_t function, const uint64_t args[3]) {
    switch (function & ~SMC64) {
    case PSCI_VERSION: return PSCI_1_1;
    case PSCI_FEATURES: return is_psci((uint32_t)args[0]) ? 0 : NOT_SUPPORTED;
    case PSCI_CPU_ON: return cpu_on(psci, args[0], args[1], args[2]);
    case PSCI_CPU_OFF: vcpus_off(psci->vcpus, self); return SUCCESS;
    case PSCI_CPU_SUSPEND: return SUCCESS; /* woken up at once: allowed at any time, for any state */
    case PSCI_AFFINITY_INFO: return affinity_info(psci, args[0], args[1]);
    case PSCI_MIGRATE_INFO_TYPE: return TOS_NOT_PRESENT;
    case PSCI_SYSTEM_OFF_CALL: psci->system(psci->ctx, PSCI_SYSTEM_OFF); return SUCCESS;
    case PSCI_SYSTEM_RESET_CALL: psci->system(psci->ctx, PSCI_SYSTEM_RESET); return SUCCESS;
    case PSCI_SYSTEM_RESET2:
        if ((uint32_t)args[0] != 0) /* SYSTEM_WARM_RESET is the only architectural type */
            return INVALID_PARAMETERS;
        psci->system(psci->ctx, PSCI_SYSTEM_RESET);
        return SUCCESS;
    default: return NOT_SUPPORTED;
    }
}

/* Registers that return nothing keep their values (DEN0028 2.6). */
void psci_call(const struct psci *psci, unsigned cpu, uint64_t x[18]) {
    uint32_t function = (uint32_t)x[0];
    uint64_t args[3];

    for (unsigned i = 0; i < 3; i++)
        args[i] = function & SMC64 ? x[i + 1] : (uint32_t)x[i + 1];
    if (function & SMC64 && !has_smc64(function & ~SMC64))
        x[0] = (uint64_t)NOT_SUPPORTED;
    else if (function == SMCCC_VERSION)
        x[0] = SMCCC_1_1;
    else if (function == SMCCC_ARCH_FEATURES)
        x[0] =
            (uint64_t)(args[0] == SMCCC_VERSION || args[0] == SMCCC_ARCH_FEATURES ? SUCCESS : NOT_SUPPORTED);
    else if (is_trng(function))
        x[0] = (uint64_t)trng_call(function, args[0], x);
    else
        x[0] = (uint64_t)psci_function(psci, cpu, function, args);
}
