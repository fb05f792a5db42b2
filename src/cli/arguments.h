/* A command's arguments: --name value, --name=value, --flag, and words without dashes. */
#pragma once

#include <stdbool.h>

#include "util/error.h"
#include "vm/vm.h"

struct argument {
    const char *name; /* with its dashes */
    bool takes_value;
    /* text is the value, which may be kept and modified; NULL for a flag. ctx is the one here, or if that is
     * NULL, that of all arguments. */
    int (*set)(void *ctx, char *text, struct error *e);
    void *ctx;
};

struct arguments {
    const char *command; /* for messages */
    const struct argument *table;
    unsigned count;
    void *ctx;
    /* A word that is no option; NULL: there are none. 1: it and what follows it are not looked at, but left.
     */
    int (*word)(void *ctx, char *text, struct error *e);
    /* Takes vm_setting_set()'s settings as options, too; may be NULL. The value is text before it was set. */
    int (*setting)(void *ctx, const char *name, char *value, struct error *e);
};

/* Returns how many of argv were taken (all, unless word() said otherwise), or -1. argv is modified, and kept
 * by reference. */
int arguments_parse(const struct arguments *arguments, int argc, char **argv, struct error *e);
