#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/qcow2/internal.h"
#include "util/log.h"

enum { SLICE_MAX = 4096 };

static int qcow2_flush(struct storage *storage) {
    return qcow2_commit(qcow2_of(storage));
}

static int qcow2_share(struct storage *storage, bool shared) {
    struct storage *file = qcow2_of(storage)->file;
    return file->ops->share(file, shared);
}

static void destroy(struct qcow2 *q) {
    storage_close(q->file);
    storage_close(q->backing);
    slice_cache_destroy(&q->cache);
    pthread_mutex_destroy(&q->inflate_lock);
    pthread_cond_destroy(&q->op_done);
    pthread_mutex_destroy(&q->lock);
    pthread_mutex_destroy(&q->committing);
    free(q->frees.runs);
    free(q->inflated);
    free(q->reftable);
    free(q->l1);
    free(q->path);
    free(q);
}

/* The second commit releases what the first one made free. */
static void qcow2_close(struct storage *storage) {
    struct qcow2 *q = qcow2_of(storage);
    int result = 0;
    for (unsigned i = 0; i < 2 && result == 0 && !storage->read_only; i++)
        result = qcow2_commit(q);
    if (result < 0)
        log_warn("disk %s: what was written last may be lost: %s", q->path, strerror(-result));
    destroy(q);
}

static const struct storage_ops qcow2_ops = {
    .preadv = qcow2_preadv,
    .pwritev = qcow2_pwritev,
    .flush = qcow2_flush,
    .discard = qcow2_discard,
    .write_zeroes = qcow2_write_zeroes,
    .map = qcow2_map,
    .resize = qcow2_resize,
    .share = qcow2_share,
    .close = qcow2_close,
};

bool storage_is_qcow2(const struct storage *storage) {
    return storage->ops == &qcow2_ops;
}

const struct qcow2_header *qcow2_header_of(const struct storage *storage) {
    return &((const struct qcow2 *)storage)->header;
}

static int load_l1(struct qcow2 *q, struct error *e) {
    q->l1 = malloc(q->header.l1_size * sizeof *q->l1);
    if (!q->l1)
        return error_set(e, "out of memory");
    if (q->header.l1_offset >= q->file->size ||
        qcow2_file_read_table(q, q->header.l1_offset, q->l1, q->header.l1_size) < 0)
        return error_set(e, "disk %s: its L1 table cannot be read", q->path);
    return 0;
}

/* Refcounts that were not kept up to date are made so before anything is allocated ("Dirty bit"). */
static int repair(struct qcow2 *q, struct error *e) {
    struct qcow2_check found;
    if (qcow2_check(&q->storage, true, NULL, &found, e) < 0)
        return -1;
    if (found.corruptions)
        return error_set(e, "disk %s: it was left dirty and is damaged: see 'pearvisor disk check'", q->path);
    uint64_t bits = htobe64(q->header.incompatible & ~(uint64_t)QCOW2_DIRTY);
    if (qcow2_commit(q) < 0 || qcow2_header_set(q, QCOW2_AT_INCOMPATIBLE, &bits, sizeof bits) < 0)
        return error_set(e, "disk %s: cannot repair its refcounts", q->path);
    q->header.incompatible &= ~(uint64_t)QCOW2_DIRTY;
    log_warn("disk %s: it was left dirty; its refcounts are repaired", q->path);
    return 0;
}

static int prepare_writing(struct qcow2 *q, struct error *e) {
    if (q->header.incompatible & QCOW2_CORRUPT)
        return error_set(
            e, "disk %s: it is marked as corrupt: give it as ,ro to save what it holds", q->path);
    int result = qcow2_refcount_load(q);
    if (result < 0)
        return error_set(e, "disk %s: its refcount table is damaged", q->path);
    if (q->header.autoclear) { /* bitmaps, for one, are not kept up to date here */
        const uint64_t none = 0;
        if (qcow2_header_set(q, QCOW2_AT_AUTOCLEAR, &none, sizeof none) < 0)
            return error_set(e, "disk %s: cannot write its header", q->path);
        q->header.autoclear = 0;
    }
    return q->header.incompatible & QCOW2_DIRTY ? repair(q, e) : 0;
}

static void set_geometry(struct qcow2 *q, const struct qcow2_header *header, bool read_only) {
    q->header = *header;
    q->cluster_bits = header->cluster_bits;
    q->cluster_size = 1u << header->cluster_bits;
    q->l2_bits = header->cluster_bits - 3;
    q->refblock_bits = header->cluster_bits + 3 - header->refcount_order;
    q->storage = (struct storage){
        .ops = &qcow2_ops,
        .size = (header->size + STORAGE_SECTOR - 1) / STORAGE_SECTOR * STORAGE_SECTOR,
        .block_size = STORAGE_SECTOR,
        .read_only = read_only,
    };
    q->next_free = 1;
    q->fresh = qcow2_clusters(q, q->file->size);
    q->ops_end = &q->ops;
}

struct storage *qcow2_open(const struct storage_config *config, struct storage *file,
    const struct qcow2_header *header, struct storage *backing, struct error *e) {
    struct qcow2 *q = calloc(1, sizeof *q);
    if (!q) {
        storage_close(file);
        storage_close(backing);
        error_set(e, "out of memory");
        return NULL;
    }
    q->file = file;
    q->backing = backing;
    set_geometry(q, header, config->read_only);
    pthread_mutex_init(&q->committing, NULL);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->op_done, NULL);
    pthread_mutex_init(&q->inflate_lock, NULL);
    int result = 0;
    if (!(q->path = strdup(config->path)) ||
        slice_cache_create(&q->cache, q->cluster_size < SLICE_MAX ? q->cluster_size : SLICE_MAX) < 0)
        result = error_set(e, "out of memory");
    if (result < 0 || load_l1(q, e) < 0 || (!config->read_only && prepare_writing(q, e) < 0)) {
        destroy(q);
        return NULL;
    }
    return &q->storage;
}
