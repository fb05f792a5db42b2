/* The host's programs. */
#pragma once

#include <stddef.h>

#include "util/error.h"

/* Runs a program, found by PATH, with this process's standard input and error, and waits for it. output (may
 * be NULL) gets the beginning of its standard output, size bytes with the NUL. Returns its exit status (128
 * and more: a signal), or -1 with a line when it cannot be run. */
int host_program_run(const char *const *argv, char *output, size_t size, struct error *e);
