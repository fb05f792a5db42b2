/* A disk image: one table of functions for every format (raw now). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/error.h"

struct storage;

enum { STORAGE_SECTOR = 512 }; /* bytes; the unit of sizes and offsets below, which are all in bytes */

/* Each returns 0 or a negative errno and may block; several threads call at a time. Ranges lie inside size
 * and are whole sectors; the iovecs add up to the range. */
struct storage_ops {
    int (*preadv)(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset);
    int (*pwritev)(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset);
    /* What was written before is on the medium when it returns. */
    int (*flush)(struct storage *storage);
    /* A hint: the range's contents do not matter any more. */
    int (*discard)(struct storage *storage, uint64_t offset, uint64_t size);
    /* The range reads as zeros; unmap: its space may be given back. */
    int (*write_zeroes)(struct storage *storage, uint64_t offset, uint64_t size, bool unmap);
    void (*close)(struct storage *storage);
};

struct storage {
    const struct storage_ops *ops;
    uint64_t size;       /* bytes, whole sectors */
    uint32_t block_size; /* the smallest I/O that is done without read-modify-write: 512 or 4096 */
    bool read_only;
};

struct storage_config {
    const char *path; /* a file or a block device */
    bool read_only;
    bool direct; /* past the host's page cache (O_DIRECT) */
};

/* Opens and locks an image; nothing is created or changed. Fails with one line, also when another process
 * writes to it, or reads it and this one is to write. */
struct storage *storage_open(const struct storage_config *config, struct error *e);
void storage_close(struct storage *storage);
