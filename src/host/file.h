#pragma once

#include "util/error.h"

/* Whether path can be created or truncated as a regular file (or written as a device, a FIFO); changes
 * nothing. */
int host_check_writable(const char *path, struct error *e);
