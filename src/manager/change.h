/* Changes of a machine's configuration, by one at a time: commands, and the process that runs it. */
#pragma once

#include "manager/store.h"
#include "util/error.h"

/* Waits until nobody else changes it: a descriptor, to be closed afterwards. */
int machine_config_hold(const struct machine *machine, struct error *e);

/* Where a line names the disk from, it names to, a qcow2 image by its name. */
int machine_config_rename_disk(
    const struct machine *machine, const char *from, const char *to, struct error *e);
