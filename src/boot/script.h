/* As much of GRUB's shell language (GRUB manual, "Writing full configuration files directly") as
 * grub-mkconfig uses: commands with quoted words and variables, `if`, and blocks of `menuentry` and
 * `submenu`. Loops are not run and functions not called, so that a script ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

enum { SCRIPT_WORDS_MAX = 64, SCRIPT_LINE_MAX = 8192, SCRIPT_VARIABLES_MAX = 128, SCRIPT_VALUE_MAX = 4096 };

struct script_words {
    char *word[SCRIPT_WORDS_MAX];
    unsigned count;
    char text[SCRIPT_LINE_MAX]; /* what they point into */
    size_t used;
    bool bare;      /* the last word had no quotes and no variables: it may be a keyword */
    bool too_large; /* words were left out */
};

struct script {
    void *ctx;
    /* A command; true: it succeeded. */
    bool (*command)(void *ctx, const struct script_words *words);
    /* A menuentry or submenu with its block, which lies in the text that is run. */
    void (*entry)(void *ctx, const struct script_words *words, const char *block, size_t size);
    struct {
        char *name, *value;
    } variables[SCRIPT_VARIABLES_MAX];
    unsigned variable_count;
    struct script_words words; /* of the command that is being read */
};

/* -1 with a line: it nests too deep. */
int script_run(struct script *script, const char *text, size_t size, struct error *e);

/* "": not set. */
const char *script_get(const struct script *script, const char *name, size_t length);
/* Too many variables and too long values are left out. */
void script_set(struct script *script, const char *name, size_t length, const char *value);
void script_free(struct script *script);
