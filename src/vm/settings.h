/* What a user can say about a VM, by name: options of commands (--cpus 2) and keys of configuration files
 * (cpus = 2) are the same settings. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"
#include "vm/vm.h"

/* A VM of 2 CPUs and 1 GiB with a network and a 2D screen; no kernel, no disk, no serial port. */
void vm_config_init(struct vm_config *config);

bool vm_setting_known(const char *name);
/* Whether the setting may be given several times and adds up. */
bool vm_setting_repeats(const char *name);
/* The n-th setting's name; NULL past the last. */
const char *vm_setting_name(unsigned n);
/* Sets what name says. The configuration keeps pointers into value, which may be modified. The error says
 * what was expected, without the name and the value; the name must be known. */
int vm_setting_set(struct vm_config *config, const char *name, char *value, struct error *e);

/* "512M", "2G": bytes; a bare number is MiB. -1: no such size. */
int vm_parse_size(const char *text, uint64_t *bytes);
