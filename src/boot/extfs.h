/* Files of an ext2, ext3 or ext4 file system on a partition, through libext2fs; nothing is written, and a
 * journal that was not replayed is not looked at. What it holds is hostile: every size is bounded, and so is
 * the number of blocks that are read. One thread at a time. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "boot/partition.h"

struct extfs;

/* Whether such a file system may begin there (by its magic number). */
bool extfs_probe(struct storage *disk, const struct partition *where);
/* The disk and the budget outlive it. budget: how many blocks of 4 KiB may be read yet to find files, by all
 * file systems that share it; what a file holds is beside it. NULL with what is wrong, without a name. */
struct extfs *extfs_open(
    struct storage *disk, const struct partition *where, uint64_t *budget, struct error *e);
void extfs_close(struct extfs *fs);

const char *extfs_uuid(const struct extfs *fs);  /* lower case */
const char *extfs_label(const struct extfs *fs); /* may hold any characters */

/* Paths are from the root of the file system; links are followed. */

bool extfs_exists(struct extfs *fs, const char *path);
/* A regular file's contents with a NUL after them, to be freed. Fails with what is wrong, without the path,
 * also when it is larger than limit. */
char *extfs_read(struct extfs *fs, const char *path, uint64_t limit, size_t *size, struct error *e);
/* Calls back with every name in a directory, in no order, until that returns false. A directory that is not
 * there has none. */
void extfs_list(struct extfs *fs, const char *path, bool (*found)(void *ctx, const char *name), void *ctx);
