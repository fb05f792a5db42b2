/* qcow2 images, version 2 and 3. */
#pragma once

#include "storage/storage.h"

enum qcow2_compression { QCOW2_ZLIB, QCOW2_ZSTD };

enum { QCOW2_BACKING_NAME_MAX = 1023, QCOW2_DEFAULT_CLUSTER_BITS = 16 };

struct qcow2_header {
    uint32_t version, cluster_bits, refcount_order;
    uint64_t size; /* of the disk, bytes */
    uint64_t l1_offset, reftable_offset, snapshots_offset, bitmaps_offset, bitmaps_size;
    uint32_t l1_size; /* entries */
    uint32_t reftable_clusters, snapshots, bitmaps;
    uint64_t incompatible, compatible, autoclear;
    enum qcow2_compression compression;
    char backing[QCOW2_BACKING_NAME_MAX + 1]; /* "": none */
    char backing_format[16];                  /* "": not said */
};

/* Reads and checks an image's header. file: the image as a raw one; path for messages. */
int qcow2_header_read(struct storage *file, const char *path, struct qcow2_header *out, struct error *e);

/* Takes over the file and the backing image, also when it fails. */
struct storage *qcow2_open(const struct storage_config *config, struct storage *file,
    const struct qcow2_header *header, struct storage *backing, struct error *e);

struct qcow2_layout {
    uint64_t size; /* bytes, above 0 */
    uint32_t cluster_bits;
    enum qcow2_compression compression;
    const char *backing;        /* NULL: none */
    const char *backing_format; /* with backing */
};

/* Writes an image without data (version 3) into an empty file. */
int qcow2_format(int fd, const struct qcow2_layout *layout, struct error *e);

/* Writes one cluster compressed, if that makes it smaller; for images that nothing else writes to. offset: a
 * cluster's. 0 or a negative errno. */
int qcow2_write_compressed(struct storage *storage, uint64_t offset, const void *cluster);

struct qcow2_check {
    uint64_t corruptions, leaks;              /* clusters, entries */
    uint64_t clusters, allocated, compressed; /* of the disk */
    uint64_t file_end;                        /* bytes of the image file that are in use */
    uint64_t repaired;
};

/* Compares refcounts with references and looks for overlaps and damaged entries. repair: sets refcounts
 * right, which needs an image opened for writing; what is wrong otherwise stays. report (may be NULL) gets a
 * line for each of the first findings, progress (may be NULL) the share that is done. -1 and a line when it
 * cannot be checked. */
struct qcow2_check_hooks {
    void *ctx;
    void (*report)(void *ctx, const char *line);
    void (*progress)(void *ctx, double share);
};
int qcow2_check(struct storage *storage, bool repair, const struct qcow2_check_hooks *hooks,
    struct qcow2_check *out, struct error *e);

bool storage_is_qcow2(const struct storage *storage);
const struct qcow2_header *qcow2_header_of(const struct storage *storage);
