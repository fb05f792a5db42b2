/* Firmware services by HVC (SMC calling convention, DEN0028): PSCI 1.1 (DEN0022) and the TRNG interface
 * (DEN0098). */
#pragma once

#include <stdint.h>

#include "board/vcpus.h"
#include "bus/memory.h"

enum psci_system { PSCI_SYSTEM_OFF, PSCI_SYSTEM_RESET };

struct psci {
    struct vcpus *vcpus;
    const struct memory *memory; /* where a vCPU may start */
    void (*system)(void *ctx, enum psci_system what);
    void *ctx;
};

/* A call of a vCPU, on its thread, with its x0-x17 in and out. Unknown functions return NOT_SUPPORTED. */
void psci_call(const struct psci *psci, unsigned cpu, uint64_t x[18]);
