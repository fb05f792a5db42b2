#include <errno.h>
#include <limits.h>

#include "storage/qcow2/internal.h"
#include "util/iov.h"

enum { MAP_AT_ONCE = 1 << 30 };

static int read_backing(
    struct qcow2 *q, const struct iovec *iov, unsigned count, uint64_t offset, uint64_t size) {
    uint64_t end = q->backing ? q->backing->size : 0, there = offset < end ? end - offset : 0;
    if (there > size)
        there = size;
    if (there < size)
        iov_zero(iov, count, there, size - there);
    if (there == 0)
        return 0;
    struct iovec part[IOV_MAX];
    unsigned parts = iov_slice(part, iov, count, 0, there);
    return q->backing->ops->preadv(q->backing, part, parts, offset);
}

static int read_extent(
    struct qcow2 *q, const struct extent *extent, const struct iovec *iov, unsigned count, uint64_t offset) {
    const struct mapping *mapping = &extent->mapping;
    uint32_t in_cluster = offset & (q->cluster_size - 1);
    switch (mapping->kind) {
    case MAP_ZERO: iov_zero(iov, count, 0, extent->size); return 0;
    case MAP_DATA: return q->file->ops->preadv(q->file, iov, count, mapping->host + in_cluster);
    case MAP_COMPRESSED:
        return qcow2_read_compressed(
            q, mapping, extent->entry, iov, count, in_cluster, (uint32_t)extent->size);
    default: return read_backing(q, iov, count, offset, extent->size);
    }
}

int qcow2_read(struct qcow2 *q, const struct iovec *iov, unsigned count, uint64_t offset, uint64_t size) {
    struct iovec part[IOV_MAX];
    int result = 0;
    for (uint64_t done = 0; done < size && result == 0;) {
        struct extent extent;
        pthread_mutex_lock(&q->lock);
        result = qcow2_extent(q, offset + done, size - done, &extent);
        pthread_mutex_unlock(&q->lock);
        if (result < 0)
            break;
        unsigned parts = iov_slice(part, iov, count, done, extent.size);
        result = read_extent(q, &extent, part, parts, offset + done);
        done += extent.size;
    }
    return result;
}

int qcow2_preadv(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset) {
    struct qcow2 *q = qcow2_of(storage);
    uint64_t size = iov_size(iov, count);
    if (count > IOV_MAX)
        return -EINVAL;
    struct qcow2_op op = {offset >> q->cluster_bits, (offset + size - 1) >> q->cluster_bits, false, NULL};
    pthread_mutex_lock(&q->lock);
    qcow2_op_begin(q, &op);
    pthread_mutex_unlock(&q->lock);
    int result = qcow2_read(q, iov, count, offset, size);
    pthread_mutex_lock(&q->lock);
    qcow2_op_end(q, &op);
    pthread_mutex_unlock(&q->lock);
    return result;
}

int qcow2_map(struct storage *storage, uint64_t offset, uint64_t size, struct storage_extent *out) {
    struct qcow2 *q = qcow2_of(storage);
    struct extent extent;
    pthread_mutex_lock(&q->lock);
    int result = qcow2_extent(q, offset, size < MAP_AT_ONCE ? size : MAP_AT_ONCE, &extent);
    pthread_mutex_unlock(&q->lock);
    if (result < 0)
        return result;
    uint64_t end = q->backing ? q->backing->size : 0;
    enum mapping_kind kind = extent.mapping.kind;
    *out = (struct storage_extent){extent.size, kind == MAP_ZERO || kind == MAP_UNALLOCATED};
    if (kind != MAP_UNALLOCATED || offset >= end)
        return 0;
    uint64_t there = end - offset < extent.size ? end - offset : extent.size;
    return q->backing->ops->map(q->backing, offset, there, out);
}
