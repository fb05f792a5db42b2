/* Image files as a whole: making, looking at, resizing, copying. All fail with -1 and one line, and leave no
 * new file behind then. None replaces a file that is there. */
#pragma once

#include "storage/qcow2/qcow2.h"
#include "storage/storage.h"

/* size: bytes, whole sectors. */
int storage_create(const char *path, enum storage_format format, uint64_t size, struct error *e);

/* A qcow2 image that reads as the backing file does until it is written, and takes no space: at once.
 * backing: absolute or relative to path's directory; it must not be written any more. size 0: the backing
 * file's. */
int storage_create_overlay(const char *path, const char *backing, enum storage_format backing_format,
    uint64_t size, struct error *e);

/* A copy of an image file that nobody writes to. By sharing its blocks where the file system can (XFS, Btrfs,
 * ...), at once; else the data is copied, holes are not. */
int storage_clone(const char *from, const char *to, struct error *e);

/* Two disks that go on from one, at once on any file system: the image at path gets base as a second name,
 * and next and clone become overlays upon base; all in one directory. The image is frozen. When next then
 * takes path's place, the image has become the base of both. Nothing is left after a failure. */
int storage_fork(const char *path, enum storage_format format, const char *base, const char *next,
    const char *clone, struct error *e);

struct storage_info {
    enum storage_format format;
    uint64_t size;             /* of the disk, bytes */
    uint64_t allocated;        /* of the host's disk, bytes */
    struct qcow2_header qcow2; /* if it is one */
};

/* Takes no lock and opens no backing file; format as in storage_config. */
int storage_info(const char *path, enum storage_format format, struct storage_info *out, struct error *e);

/* Whether a file begins like a qcow2 image; only for files that no guest has written, such as downloads. */
bool storage_looks_like_qcow2(const char *path);
/* Where an image's backing file of that name is; the caller frees it. */
char *storage_backing_path(const char *image, const char *name, struct error *e);

/* shrink: cutting off the disk's end is meant. */
int storage_resize(const char *path, enum storage_format format, uint64_t size, bool shrink, struct error *e);

struct storage_convert {
    const char *from, *to;
    enum storage_format from_format, to_format;
    bool compress; /* qcow2 only */
    enum qcow2_compression compression;
    void (*progress)(void *ctx, double share); /* NULL: none */
    void *ctx;
};

/* Writes what the disk reads as, backing files included, into a new file without them. Zeros take no space.
 */
int storage_convert(const struct storage_convert *convert, struct error *e);
