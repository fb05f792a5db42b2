#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* Resizes a disk that a running machine of this user has: 1; 0: none has it; -1 with a line. */
int running_disk_resize(const char *path, uint64_t size, bool shrink, struct error *e);
