/* Small read-only disks: ISO 9660 (ECMA-119) with Joliet names, one directory. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct iso_file {
    const char *name;       /* as the guest sees it, at most 64 bytes of ASCII */
    const char *short_name; /* of level 1, such as "METADATA.;1"; files are in the order of both names */
    const char *data;
    size_t size;
};

enum { ISO_FILES_MAX = 8 };

/* The disk, to be freed; NULL: out of memory. label: at most 16 capital letters and digits. */
uint8_t *iso_make(const char *label, const struct iso_file *files, unsigned count, size_t *size);
