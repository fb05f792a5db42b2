/* Disk images that machines are made from, by name: a directory each, NAME/ in
 * $XDG_DATA_HOME/pearvisor/images, with
 *
 *   - disk.img or disk.qcow2, never written;
 *   - kernel, initrd, append, if it is booted by them and not by what is on the disk;
 *   - about: what it is, for people.
 *
 * They are found and made as machines are (manager/store.h). All fail with one line and leave nothing then.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "manager/store.h"
#include "storage/storage.h"
#include "util/error.h"

int image_find(struct machine *image, const char *name, struct error *e);
int image_each(int (*found)(void *ctx, const struct machine *image), void *ctx, struct error *e);

struct image_info {
    char disk[PATH_MAX];
    enum storage_format format;
    uint64_t size, allocated; /* of the disk, and on the host's; bytes */
    bool direct;              /* it needs no firmware: it has a kernel, beside the disk or on it */
    char source[128];         /* what it was made from */
};

int image_info(const struct machine *image, struct image_info *out, struct error *e);
/* Whether a disk has a kernel that can be booted without firmware (boot/boot.h). */
bool image_boots(const char *disk, enum storage_format format);
/* The command line of its kernel, to be freed; NULL: none is said. */
char *image_append(const struct machine *image);

struct image_files {
    const char *disk;            /* raw or qcow2, with whole partitions or a file system */
    const char *kernel, *initrd; /* NULL: none */
    const char *append;          /* text */
    const char *source;          /* for people; one line */
    bool trusted;                /* the disk need not be checked */
};

/* Takes copies of the files as the image NAME. The disk is probed and, if it is a qcow2 image, checked. */
int image_import(const char *name, const struct image_files *files, struct error *e);

/* Builds a distribution's image ("debian:13") from its packages and more, a list with commas, or takes it
 * from the cache. Says on the standard error what it does. */
int image_build(const char *source, const char *name, const char *more, struct error *e);

/* Downloads a distribution's image, or that at a URL, and goes on where an earlier try ended. checksum:
 * SHA-256 or SHA-512 in hexadecimal; NULL: as the distribution says, for a URL none. name NULL: the source's.
 */
int image_pull(const char *source, const char *name, const char *checksum, struct error *e);
/* The n-th of what can be pulled by name; NULL past the last. */
const char *image_catalogue(unsigned n);

/* Refused while a machine's disk needs it. */
int image_remove(const char *name, struct error *e);

/* Keeps images from being removed (shared), or from being used (exclusive), until the descriptor is closed.
 */
int image_lock(bool exclusive, struct error *e);
