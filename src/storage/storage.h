/* A disk image: one table of functions for every format. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "util/error.h"

struct storage;

enum { STORAGE_SECTOR = 512 }; /* bytes; the unit of sizes and offsets below, which are all in bytes */

struct storage_extent {
    uint64_t size;
    bool zero; /* it reads as zeros and takes no space; else there is data */
};

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
    /* What the beginning of the range is; out->size is above 0 and at most size. */
    int (*map)(struct storage *storage, uint64_t offset, uint64_t size, struct storage_extent *out);
    /* New space reads as zeros. Alone: no other call runs meanwhile. */
    int (*resize)(struct storage *storage, uint64_t size);
    /* Its lock becomes that of a reader, or of the only writer again. */
    int (*share)(struct storage *storage, bool shared);
    void (*close)(struct storage *storage);
};

struct storage {
    const struct storage_ops *ops;
    uint64_t size;       /* bytes, whole sectors */
    uint32_t block_size; /* the smallest I/O that is done without read-modify-write: 512 or 4096 */
    bool read_only;
};

enum storage_format {
    /* By the name: FILE.qcow2 must be one. Any other file is raw, unless it begins like a qcow2 image: that
     * is refused, because the guest of a raw disk could have written it, and with it the names of host files.
     */
    STORAGE_AUTO,
    STORAGE_RAW,
    STORAGE_QCOW2,
};

struct storage_config {
    const char *path; /* a file or a block device */
    enum storage_format format;
    bool read_only;
    bool direct;   /* past the host's page cache (O_DIRECT); raw images only */
    bool unlocked; /* only to look at its header: no lock is taken */
};

/* Opens and locks an image and, read-only, its backing files; nothing is created. A qcow2 image that was left
 * dirty is repaired. Fails with one line, also when another process writes to it, or reads it and this one is
 * to write. */
struct storage *storage_open(const struct storage_config *config, struct error *e);
/* Writes back what an image keeps in memory. */
void storage_close(struct storage *storage);

/* Writes all of it back and lets others open it as readers, upon whom it is that nothing is written from now
 * on; it can still be read, and closed, which does not write either. Alone: no other call runs meanwhile. 0
 * or a negative errno. */
int storage_freeze(struct storage *storage);
/* It is written to again, where no reader came. */
int storage_thaw(struct storage *storage);

/* "raw", "qcow2". */
const char *storage_format_name(enum storage_format format);
/* -1: no format of that name. */
int storage_format_parse(const char *name, enum storage_format *out);
