#pragma once

#include "util/error.h"

/* Whether a file could be made (or replaced by rename()) at path; changes nothing. */
int host_check_creatable(const char *path, struct error *e);
/* Whether path can be created or truncated as a regular file (or written as a device, a FIFO); changes
 * nothing. */
int host_check_writable(const char *path, struct error *e);
