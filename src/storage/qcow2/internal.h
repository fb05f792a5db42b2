/* What the files of the qcow2 format share. Section titles are those of QEMU's docs/interop/qcow2
 * specification.
 *
 * Tables are changed in memory and written by qcow2_commit(), in an order that leaves the file consistent
 * wherever the process or the host ends: data and refcounts, then L2 tables, then the L1 table; a cluster is
 * free again only when nothing on the medium refers to it. What is lost on the way are at most free clusters.
 */
#pragma once

#include <pthread.h>

#include "storage/qcow2/qcow2.h"

enum { /* incompatible features */
    QCOW2_DIRTY = 1 << 0,
    QCOW2_CORRUPT = 1 << 1,
    QCOW2_DATA_FILE = 1 << 2,
    QCOW2_COMPRESSION = 1 << 3,
    QCOW2_EXTENDED_L2 = 1 << 4,
};

enum { /* where header fields are, that change */
    QCOW2_AT_SIZE = 24,
    QCOW2_AT_L1 = 36,
    QCOW2_AT_REFTABLE = 48,
    QCOW2_AT_INCOMPATIBLE = 72,
    QCOW2_AT_AUTOCLEAR = 88,
};

enum { QCOW2_BITMAPS = 1 << 0 }; /* autoclear features */

#define QCOW2_COPIED      (1ull << 63)
#define QCOW2_COMPRESSED  (1ull << 62)
#define QCOW2_ZERO        1ull
#define QCOW2_OFFSET_MASK 0x00fffffffffffe00ull

#define QCOW2_L1_MAX       (32u << 20) /* bytes; these two are QEMU's limits too */
#define QCOW2_REFTABLE_MAX (8u << 20)
#define QCOW2_SIZE_MAX     (1ull << 60)

enum slice_kind { SLICE_REFCOUNT, SLICE_L2 };

/* A piece of a table, in the file's byte order. Valid until the lock is given up. */
struct slice {
    uint64_t offset; /* in the file */
    enum slice_kind kind;
    bool dirty, staged; /* staged: a commit has a copy that it has not written yet */
    struct slice *chain;
    struct slice *newer, *older;
    uint8_t data[];
};

struct slice_cache {
    uint32_t slice_size;
    unsigned count, dirty, capacity, buckets; /* buckets: a power of two */
    struct slice **bucket;
    struct slice *newest, *oldest;
};

/* Runs of clusters of the image file. */
struct run {
    uint64_t first, count;
};
struct run_list {
    struct run *runs;
    size_t count, room;
};

struct dirty_range { /* of a table's entries; first >= end: nothing */
    uint64_t first, end;
};

/* A request that is being served; mappings change only under an exclusive one. */
struct qcow2_op {
    uint64_t first, last; /* guest clusters */
    bool exclusive;
    struct qcow2_op *next;
};

struct qcow2 {
    struct storage storage; /* first: the ops get a pointer to it */
    struct storage *file;   /* the image file */
    struct storage *backing;
    struct qcow2_header header;
    char *path;
    uint32_t cluster_size;
    unsigned cluster_bits, l2_bits, refblock_bits; /* the latter two: log2 of a table's entries */

    pthread_mutex_t committing; /* a commit runs; taken before the lock */
    pthread_mutex_t lock;       /* of all below; not held while data moves */
    pthread_cond_t op_done;
    struct qcow2_op *ops, **ops_end;
    uint64_t *l1, *reftable; /* in the host's byte order */
    uint64_t reftable_size;  /* entries */
    struct dirty_range l1_dirty, reftable_dirty;
    struct slice_cache cache;
    uint64_t next_free;    /* no cluster before it is free */
    uint64_t fresh;        /* clusters from here on were never written and read as zeros */
    struct run_list frees; /* to be released when the tables are on the medium */
    uint64_t packed;       /* where the next compressed cluster goes; 0: into a new cluster */

    pthread_mutex_t inflate_lock; /* of the last decompressed cluster */
    uint64_t inflated_entry;
    uint8_t *inflated;
};

static inline struct qcow2 *qcow2_of(struct storage *storage) {
    return (struct qcow2 *)storage;
}

static inline uint64_t qcow2_clusters(const struct qcow2 *q, uint64_t size) {
    return (size + q->cluster_size - 1) >> q->cluster_bits;
}

/* --- file.c: bytes of the image file; 0 or a negative errno */
int qcow2_file_read(struct qcow2 *q, uint64_t offset, void *data, size_t size);
int qcow2_file_write(struct qcow2 *q, uint64_t offset, const void *data, size_t size);
int qcow2_file_zero(struct qcow2 *q, uint64_t offset, uint64_t size);
/* Writes entries of a table as they are in the file. */
int qcow2_file_write_table(struct qcow2 *q, uint64_t offset, const uint64_t *entries, uint64_t count);
int qcow2_file_read_table(struct qcow2 *q, uint64_t offset, uint64_t *entries, uint64_t count);

/* --- cache.c; all under the lock */
int slice_cache_create(struct slice_cache *cache, uint32_t slice_size);
void slice_cache_destroy(struct slice_cache *cache);
/* The slice that holds the byte at offset of the file. */
int qcow2_slice(struct qcow2 *q, enum slice_kind kind, uint64_t offset, struct slice **out);
void qcow2_slice_dirty(struct qcow2 *q, struct slice *slice);

/* --- refcount.c; all under the lock */
int qcow2_refcount_load(struct qcow2 *q);
void qcow2_refcount_locate(
    const struct qcow2 *q, uint64_t index, uint64_t *block, uint32_t *byte, unsigned *shift);
int qcow2_refcount(struct qcow2 *q, uint64_t index, uint64_t *value);
/* The cluster's refcount block must be there. */
int qcow2_refcount_set(struct qcow2 *q, uint64_t index, uint64_t value);
/* Takes up to *count free clusters in a row, at *index; *count: how many it were, at least one. */
int qcow2_allocate(struct qcow2 *q, uint64_t *index, uint64_t *count);
/* Takes exactly count clusters in a row. */
int qcow2_allocate_row(struct qcow2 *q, uint64_t *index, uint64_t count);
/* Makes the block for the clusters around index, which has none, in another cluster. */
int qcow2_refcount_block_elsewhere(struct qcow2 *q, uint64_t index);
/* At the next commit, one reference fewer to each. */
void qcow2_free(struct qcow2 *q, uint64_t index, uint64_t count);
/* Whether a range of clusters touches the header, the L1 or the refcount table. */
bool qcow2_is_fixed(const struct qcow2 *q, uint64_t index, uint64_t count);

/* --- commit.c; without the lock */
int qcow2_commit(struct qcow2 *q);
/* Commits when much is dirty. */
int qcow2_commit_if_due(struct qcow2 *q);

/* --- map.c; under the lock, but for qcow2_decode() */
enum mapping_kind { MAP_UNALLOCATED, MAP_ZERO, MAP_DATA, MAP_COMPRESSED };

struct mapping {
    enum mapping_kind kind;
    uint64_t host;            /* of the cluster in the file; of a zero cluster: of its space, 0: none */
    uint32_t compressed_size; /* at most; whole sectors but for the first */
    bool writable;            /* data whose cluster nothing else refers to */
};

struct extent {
    struct mapping mapping; /* of its first cluster */
    uint64_t entry;
    uint64_t size; /* bytes from the offset that was asked for, mapped alike and in a row */
};

int qcow2_decode(const struct qcow2 *q, uint64_t entry, struct mapping *out);
/* 0: no L2 table either. */
int qcow2_l2_get(struct qcow2 *q, uint64_t cluster, uint64_t *entry);
/* Makes sure that there is an L2 table of the active mapping's own. */
int qcow2_l2_prepare(struct qcow2 *q, uint64_t cluster);
/* After qcow2_l2_prepare(). What the old entry referred to is freed, unless the new one refers to it too. */
int qcow2_l2_replace(struct qcow2 *q, uint64_t cluster, uint64_t entry);
int qcow2_extent(struct qcow2 *q, uint64_t offset, uint64_t size, struct extent *out);

/* --- op.c; under the lock */
void qcow2_op_begin(struct qcow2 *q, struct qcow2_op *op);
void qcow2_op_end(struct qcow2 *q, struct qcow2_op *op);

/* --- read.c; without the lock, in an op */
int qcow2_read(struct qcow2 *q, const struct iovec *iov, unsigned count, uint64_t offset, uint64_t size);
int qcow2_preadv(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset);
int qcow2_map(struct storage *storage, uint64_t offset, uint64_t size, struct storage_extent *out);

/* --- write.c, clear.c, resize.c; without the lock */
int qcow2_pwritev(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset);
int qcow2_discard(struct storage *storage, uint64_t offset, uint64_t size);
int qcow2_write_zeroes(struct storage *storage, uint64_t offset, uint64_t size, bool unmap);
int qcow2_resize(struct storage *storage, uint64_t size);

/* --- compress.c */
int qcow2_read_compressed(struct qcow2 *q, const struct mapping *mapping, uint64_t entry,
    const struct iovec *iov, unsigned count, uint32_t offset, uint32_t size);

/* --- header.c */
int qcow2_header_set(struct qcow2 *q, unsigned at, const void *bytes, size_t size);
