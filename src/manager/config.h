/* The file that describes a kept VM: lines of `key = value`, `#` for comments (docs/vm.md lists the keys).
 * The keys are vm_setting_set()'s and the few below. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"
#include "vm/vm.h"

enum { CONFIG_SIZE_MAX = 64 * 1024, CONFIG_SSH_AUTO = -1, CONFIG_SSH_OFF = 0 };

struct machine_config {
    struct vm_config vm;
    bool window;      /* display = window */
    const char *user; /* who `ssh` logs in as */
    int ssh;          /* port on the host's 127.0.0.1, or CONFIG_SSH_* */
    char *text;       /* what the strings point into */
};

/* Checks all of it. The error begins with name:LINE and says the key. Free it also after a failure. */
int machine_config_parse(
    struct machine_config *config, const char *name, const char *text, size_t size, struct error *e);
int machine_config_load(struct machine_config *config, const char *path, struct error *e);
void machine_config_free(struct machine_config *config);

/* Checks one key and value by themselves; the error has neither. value is modified. */
int machine_config_check(const char *key, char *value, struct error *e);
/* The text with key's lines replaced by one with value; "" leaves none, for the default. The rest, comments
 * too, stays. The result, to be freed, need not be valid. NULL: out of memory. */
char *machine_config_replace(const char *text, const char *key, const char *value);
/* The value in a line of key; NULL: it is another line. */
const char *machine_config_value(const char *line, size_t length, const char *key, size_t *value_length);
/* The n-th key's name; NULL past the last. */
const char *machine_config_key(unsigned n);
