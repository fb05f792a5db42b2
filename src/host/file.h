/* Files as a whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* Whether a file could be made (or replaced by rename()) at path; changes nothing. */
int host_check_creatable(const char *path, struct error *e);
/* Whether path can be created or truncated as a regular file (or written as a device, a FIFO); changes
 * nothing. */
int host_check_writable(const char *path, struct error *e);

/* Makes the directories that path lies in, for the owner alone, unless they are there. */
int host_make_parents(const char *path, struct error *e);

/* The contents, with a NUL after them; to be freed. NULL with a line, also when there is more than max. */
char *host_file_read(const char *path, size_t max, size_t *size, struct error *e);
/* False, with errno, when not all of it could be written. */
bool host_write_all(int fd, const void *data, size_t size);
/* Makes or replaces the file, as a whole or not at all, also when the host goes down meanwhile. */
int host_file_replace(const char *path, const char *data, size_t size, struct error *e);
/* Copies a file of any size to one that is not there yet; holes stay holes, and where the file system can,
 * nothing is copied until it is changed. Nothing is left after a failure. */
int host_file_copy(const char *from, const char *to, struct error *e);
