/* The process that runs a kept VM, detached from the terminal, with its control socket (docs/vm.md). */
#pragma once

#include "manager/config.h"
#include "manager/lock.h"
#include "manager/store.h"

/* Starts it. lock: from machine_lock_take(), kept by the process and closed here; was: what that found, which
 * a failure restores. Returns when the guest's CPUs run: 0, or -1 with the line that the process ended with.
 */
int machine_process_start(const struct machine *machine, struct machine_config *config, int lock,
    enum machine_state was, struct error *e);
