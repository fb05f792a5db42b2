/* Loads an arm64 Linux kernel and an initrd into RAM, by Linux's boot protocol
 * (Documentation/arch/arm64/booting). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* RAM as a loader sees it. */
struct loader_ram {
    uint8_t *host;
    uint64_t gpa, size;
};

/* A file: read from its path, or, with data, in memory already; then the path is only a name for errors. */
struct loader_file {
    const char *path;
    const void *data;
    size_t size;
};

/* Where things went, guest-physical. */
struct loaded {
    uint64_t entry;
    uint64_t initrd, initrd_end; /* equal when there is none */
};

/* Kernels: Image, with or without an EFI stub; compressed with gzip or zstd; EFI zboot of either. initrd's
 * path may be NULL. The first MAP_DEVICE_TREE_SIZE bytes of RAM stay free. Fails with one line that says what
 * is wrong with which file. */
int loader_load(const struct loader_ram *ram, const struct loader_file *kernel,
    const struct loader_file *initrd, struct loaded *out, struct error *e);
