/* Discarding and zeroing: whole clusters by their entries, the rest as data. */
#include <errno.h>
#include <string.h>

#include "storage/qcow2/internal.h"

enum { ZEROES_SIZE = 64 * 1024 };

/* The entry of a discarded cluster: what a backing file holds must not show through. */
static uint64_t discarded(const struct qcow2 *q, uint64_t entry) {
    if (!entry)
        return 0;
    return q->backing ? QCOW2_ZERO : 0;
}

static uint64_t zeroed(const struct qcow2 *q, uint64_t entry, const struct mapping *mapping, bool unmap) {
    if (mapping->kind == MAP_UNALLOCATED && !q->backing)
        return entry;
    if (q->header.version < 3)
        return 0;
    return unmap || !mapping->host || mapping->kind == MAP_COMPRESSED || !(entry & QCOW2_COPIED)
               ? QCOW2_ZERO
               : entry | QCOW2_ZERO;
}

/* Under the lock: the clusters up to end that are of one L2 table. */
static int clear_table(struct qcow2 *q, uint64_t *cluster, uint64_t end, bool zero, bool unmap) {
    uint64_t table_end = ((*cluster >> q->l2_bits) + 1) << q->l2_bits;
    if (!(q->l1[*cluster >> q->l2_bits] & QCOW2_OFFSET_MASK) && !(zero && q->backing)) {
        *cluster = table_end < end ? table_end : end; /* nothing there */
        return 0;
    }
    for (; *cluster < end && *cluster < table_end; (*cluster)++) {
        uint64_t entry;
        struct mapping mapping;
        int result = qcow2_l2_get(q, *cluster, &entry);
        if (result < 0 || (result = qcow2_decode(q, entry, &mapping)) < 0)
            return result;
        uint64_t changed = zero ? zeroed(q, entry, &mapping, unmap) : discarded(q, entry);
        if (changed == entry)
            continue;
        if ((result = qcow2_l2_prepare(q, *cluster)) < 0 ||
            (result = qcow2_l2_replace(q, *cluster, changed)) < 0)
            return result;
    }
    return 0;
}

static int clear_clusters(struct qcow2 *q, uint64_t first, uint64_t end, bool zero, bool unmap) {
    if (first >= end)
        return 0;
    struct qcow2_op op = {first, end - 1, true, NULL};
    pthread_mutex_lock(&q->lock);
    qcow2_op_begin(q, &op);
    pthread_mutex_unlock(&q->lock);
    int result = 0;
    while (first < end && result == 0) {
        pthread_mutex_lock(&q->lock);
        result = clear_table(q, &first, end, zero, unmap);
        pthread_mutex_unlock(&q->lock);
        if (result == 0)
            result = qcow2_commit_if_due(q);
    }
    pthread_mutex_lock(&q->lock);
    qcow2_op_end(q, &op);
    pthread_mutex_unlock(&q->lock);
    return result;
}

/* The clusters that lie in the range as a whole; the last may end with the disk. */
static void whole_clusters(
    const struct qcow2 *q, uint64_t offset, uint64_t size, uint64_t *first, uint64_t *end) {
    *first = qcow2_clusters(q, offset);
    *end = offset + size == q->storage.size ? qcow2_clusters(q, offset + size)
                                            : (offset + size) >> q->cluster_bits;
}

int qcow2_discard(struct storage *storage, uint64_t offset, uint64_t size) {
    struct qcow2 *q = qcow2_of(storage);
    if (q->backing && q->header.version < 3) /* it has no way to say "nothing" */
        return 0;
    uint64_t first, end;
    whole_clusters(q, offset, size, &first, &end);
    return clear_clusters(q, first, end, false, true);
}

static int write_zero_data(struct qcow2 *q, uint64_t offset, uint64_t end) {
    static const uint8_t zeroes[ZEROES_SIZE];
    int result = 0;
    for (; offset < end && result == 0; offset += ZEROES_SIZE) {
        uint64_t size = end - offset < ZEROES_SIZE ? end - offset : ZEROES_SIZE;
        result = qcow2_pwritev(&q->storage, &(struct iovec){(void *)zeroes, size}, 1, offset);
    }
    return result;
}

/* Part of a cluster. */
static int zero_part(struct qcow2 *q, uint64_t offset, uint64_t end) {
    struct extent extent;
    if (offset >= end)
        return 0;
    pthread_mutex_lock(&q->lock);
    int result = qcow2_extent(q, offset, end - offset, &extent);
    pthread_mutex_unlock(&q->lock);
    if (result < 0)
        return result;
    bool zero = extent.mapping.kind == MAP_ZERO || (extent.mapping.kind == MAP_UNALLOCATED && !q->backing);
    return zero ? 0 : write_zero_data(q, offset, end);
}

int qcow2_write_zeroes(struct storage *storage, uint64_t offset, uint64_t size, bool unmap) {
    struct qcow2 *q = qcow2_of(storage);
    uint64_t first, end;
    whole_clusters(q, offset, size, &first, &end);
    if (first >= end) { /* in one cluster, or on both sides of a border */
        uint64_t border = first << q->cluster_bits;
        if (border <= offset || border > offset + size)
            border = offset + size;
        int result = zero_part(q, offset, border);
        return result < 0 ? result : zero_part(q, border, offset + size);
    }
    if (q->backing && q->header.version < 3)
        return write_zero_data(q, offset, offset + size);
    int result = zero_part(q, offset, first << q->cluster_bits);
    if (result == 0)
        result = zero_part(q, end << q->cluster_bits, offset + size);
    return result < 0 ? result : clear_clusters(q, first, end, true, unmap);
}
