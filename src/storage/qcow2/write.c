#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "storage/qcow2/internal.h"
#include "util/iov.h"

/* Clusters that get a place in the file, and what is written there: the request's data, and before and behind
 * it what these clusters held. */
struct placement {
    uint64_t cluster, count, index;
    bool blank;  /* its place in the file reads as zeros */
    bool reused; /* it is the place that a zero cluster had */
    uint64_t offset, size;
    uint32_t head, tail;
    uint8_t *head_data, *tail_data; /* NULL: zeros that are there already */
};

static bool writable(struct qcow2 *q, uint64_t cluster) {
    uint64_t entry;
    struct mapping mapping;
    return qcow2_l2_get(q, cluster, &entry) == 0 && qcow2_decode(q, entry, &mapping) == 0 &&
           mapping.writable && q->l1[cluster >> q->l2_bits] & QCOW2_COPIED;
}

static bool all_writable(struct qcow2 *q, uint64_t first, uint64_t last) {
    for (; first <= last; first++)
        if (!writable(q, first))
            return false;
    return true;
}

/* Whether [offset, offset + size) of the disk reads as zeros without looking at data. */
static bool reads_zero(struct qcow2 *q, uint64_t offset, uint64_t size) {
    struct extent extent;
    pthread_mutex_lock(&q->lock);
    int result = qcow2_extent(q, offset, size, &extent);
    pthread_mutex_unlock(&q->lock);
    if (result < 0)
        return false;
    return extent.mapping.kind == MAP_ZERO ||
           (extent.mapping.kind == MAP_UNALLOCATED && (!q->backing || offset >= q->backing->size));
}

/* What a piece of a cluster holds; the disk may end inside. */
static int read_old(struct qcow2 *q, bool blank, uint64_t offset, uint32_t size, uint8_t **data) {
    uint64_t end = q->storage.size;
    if (size == 0)
        return 0;
    bool zero = offset >= end || reads_zero(q, offset, size);
    if (zero && blank)
        return 0;
    if (!(*data = calloc(1, size)))
        return -ENOMEM;
    if (zero)
        return 0;
    if (size > end - offset)
        size = (uint32_t)(end - offset);
    return qcow2_read(q, &(struct iovec){*data, size}, 1, offset, size);
}

/* Finds the place; under the lock. */
static int place(struct qcow2 *q, struct placement *p) {
    uint64_t entry, fresh, last = (p->offset + p->size - 1) >> q->cluster_bits;
    struct mapping mapping;
    p->cluster = p->offset >> q->cluster_bits;
    int result = qcow2_l2_prepare(q, p->cluster);
    if (result < 0 || (result = qcow2_l2_get(q, p->cluster, &entry)) < 0 ||
        (result = qcow2_decode(q, entry, &mapping)) < 0)
        return result;
    p->reused = mapping.kind == MAP_ZERO && mapping.host && entry & QCOW2_COPIED;
    if (p->reused) {
        p->index = mapping.host >> q->cluster_bits;
        p->count = 1;
        return 0;
    }
    uint64_t in_table = (1ull << q->l2_bits) - (p->cluster & ((1ull << q->l2_bits) - 1));
    for (p->count = 1; p->count < in_table && p->cluster + p->count <= last; p->count++)
        if (writable(q, p->cluster + p->count))
            break;
    fresh = q->fresh;
    result = qcow2_allocate(q, &p->index, &p->count);
    p->blank = p->index >= fresh;
    return result;
}

static void fit(const struct qcow2 *q, struct placement *p) {
    uint64_t begin = p->cluster << q->cluster_bits, end = (p->cluster + p->count) << q->cluster_bits;
    if (p->offset + p->size > end)
        p->size = end - p->offset;
    p->head = (uint32_t)(p->offset - begin);
    p->tail = (uint32_t)(end - p->offset - p->size);
}

static int write_data(
    struct qcow2 *q, struct placement *p, const struct iovec *iov, unsigned count, uint64_t at) {
    struct iovec part[IOV_MAX];
    unsigned parts = 0;
    uint64_t host = p->index << q->cluster_bits;
    int result = read_old(q, p->blank, p->offset - p->head, p->head, &p->head_data);
    if (result == 0)
        result = read_old(q, p->blank, p->offset + p->size, p->tail, &p->tail_data);
    if (result < 0)
        return result;
    if (p->head_data)
        part[parts++] = (struct iovec){p->head_data, p->head};
    else
        host += p->head;
    parts += iov_slice(part + parts, iov, count, at, p->size);
    if (p->tail_data)
        part[parts++] = (struct iovec){p->tail_data, p->tail};
    return q->file->ops->pwritev(q->file, part, parts, host);
}

/* Under the lock: what was written becomes what the disk holds, or its place is given back. */
static int link_clusters(struct qcow2 *q, const struct placement *p, int result) {
    for (uint64_t i = 0; i < p->count && result == 0; i++)
        result = qcow2_l2_replace(q, p->cluster + i, (p->index + i) << q->cluster_bits | QCOW2_COPIED);
    if (result < 0 && !p->reused)
        qcow2_free(q, p->index, p->count);
    return result;
}

/* Writes what begins at *offset into new clusters; *size: in: of the rest of the request, out: what was done.
 */
static int write_new(
    struct qcow2 *q, const struct iovec *iov, unsigned count, uint64_t at, uint64_t offset, uint64_t *size) {
    struct placement p = {.offset = offset, .size = *size};
    pthread_mutex_lock(&q->lock);
    int result = place(q, &p);
    pthread_mutex_unlock(&q->lock);
    if (result < 0)
        return result;
    fit(q, &p);
    result = write_data(q, &p, iov, count, at);
    pthread_mutex_lock(&q->lock);
    result = link_clusters(q, &p, result);
    pthread_mutex_unlock(&q->lock);
    free(p.head_data);
    free(p.tail_data);
    *size = p.size;
    return result;
}

static int write_some(
    struct qcow2 *q, const struct iovec *iov, unsigned count, uint64_t at, uint64_t offset, uint64_t *size) {
    struct extent extent;
    struct iovec part[IOV_MAX];
    pthread_mutex_lock(&q->lock);
    bool in_place = writable(q, offset >> q->cluster_bits);
    int result = in_place ? qcow2_extent(q, offset, *size, &extent) : 0;
    pthread_mutex_unlock(&q->lock);
    if (result < 0 || !in_place)
        return result < 0 ? result : write_new(q, iov, count, at, offset, size);
    *size = extent.size;
    unsigned parts = iov_slice(part, iov, count, at, extent.size);
    return q->file->ops->pwritev(
        q->file, part, parts, extent.mapping.host + (offset & (q->cluster_size - 1)));
}

/* Begins an op that is shared if nothing needs a new cluster; under the lock. */
static void begin_write(struct qcow2 *q, struct qcow2_op *op) {
    op->exclusive = !all_writable(q, op->first, op->last);
    qcow2_op_begin(q, op);
    if (op->exclusive || all_writable(q, op->first, op->last))
        return;
    qcow2_op_end(q, op); /* a discard came before */
    op->exclusive = true;
    qcow2_op_begin(q, op);
}

int qcow2_pwritev(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset) {
    struct qcow2 *q = qcow2_of(storage);
    uint64_t size = iov_size(iov, count);
    if (count > IOV_MAX - 2) /* head and tail */
        return -EINVAL;
    struct qcow2_op op = {offset >> q->cluster_bits, (offset + size - 1) >> q->cluster_bits, false, NULL};
    pthread_mutex_lock(&q->lock);
    begin_write(q, &op);
    pthread_mutex_unlock(&q->lock);
    int result = 0;
    for (uint64_t done = 0, step; done < size && result == 0; done += step) {
        step = size - done;
        result = write_some(q, iov, count, done, offset + done, &step);
    }
    pthread_mutex_lock(&q->lock);
    qcow2_op_end(q, &op);
    pthread_mutex_unlock(&q->lock);
    int committed = qcow2_commit_if_due(q);
    return result < 0 ? result : committed;
}
