#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/qcow2/internal.h"

/* From the size to the L1 table's offset: one write, in one sector. */
static int set_geometry(struct qcow2 *q, uint64_t size, uint32_t l1_size, uint64_t l1_offset) {
    const struct __attribute__((packed)) {
        uint64_t size;
        uint32_t crypt_method, l1_size;
        uint64_t l1_offset;
    } fields = {htobe64(size), 0, htobe32(l1_size), htobe64(l1_offset)};
    _Static_assert(QCOW2_AT_SIZE + sizeof fields == QCOW2_AT_REFTABLE, "Header");
    int result = qcow2_header_set(q, QCOW2_AT_SIZE, &fields, sizeof fields);
    if (result < 0)
        return result;
    q->header.size = q->storage.size = size;
    q->header.l1_size = l1_size;
    q->header.l1_offset = l1_offset;
    return 0;
}

/* A longer L1 table in a new place, and the new size. */
static int move_l1(struct qcow2 *q, uint64_t size, uint64_t l1_size) {
    uint64_t index, old_size = q->header.l1_size, old = q->header.l1_offset >> q->cluster_bits;
    if (l1_size > QCOW2_L1_MAX / 8)
        return -EFBIG;
    uint64_t *table = calloc(l1_size, sizeof *table);
    if (!table)
        return -ENOMEM;
    memcpy(table, q->l1, old_size * sizeof *table);
    pthread_mutex_lock(&q->lock);
    int result = qcow2_allocate_row(q, &index, qcow2_clusters(q, l1_size * 8));
    pthread_mutex_unlock(&q->lock);
    if (result == 0)
        result = qcow2_commit(q);
    if (result == 0)
        result = qcow2_file_write_table(q, index << q->cluster_bits, table, l1_size);
    if (result == 0)
        result = q->file->ops->flush(q->file);
    if (result == 0)
        result = set_geometry(q, size, (uint32_t)l1_size, index << q->cluster_bits);
    if (result < 0) {
        free(table);
        return result;
    }
    free(q->l1);
    q->l1 = table;
    pthread_mutex_lock(&q->lock);
    qcow2_free(q, old, qcow2_clusters(q, old_size * 8));
    pthread_mutex_unlock(&q->lock);
    return 0;
}

static int grow(struct qcow2 *q, uint64_t size) {
    uint64_t old = q->storage.size, reach = (uint64_t)q->cluster_size << q->l2_bits;
    uint64_t l1_size = (size + reach - 1) / reach;
    int result = l1_size > q->header.l1_size ? move_l1(q, size, l1_size)
                                             : set_geometry(q, size, q->header.l1_size, q->header.l1_offset);
    if (result < 0)
        return result;
    /* The rest of the last cluster may hold anything, and the backing file may be longer than the disk was.
     */
    uint64_t end = qcow2_clusters(q, old) << q->cluster_bits;
    if (q->backing && q->backing->size > end)
        end = q->backing->size;
    if (end > size)
        end = size;
    return end > old ? qcow2_write_zeroes(&q->storage, old, end - old, true) : 0;
}

/* The clusters behind the new end are freed: the header first, so that nothing is lost but what is cut off.
 */
static int shrink(struct qcow2 *q, uint64_t size) {
    uint64_t end = qcow2_clusters(q, q->storage.size);
    if (q->header.snapshots)
        return -EBUSY;
    int result = set_geometry(q, size, q->header.l1_size, q->header.l1_offset);
    for (uint64_t cluster = qcow2_clusters(q, size); cluster < end && result == 0; cluster++) {
        pthread_mutex_lock(&q->lock);
        uint64_t entry, in_table = cluster & ((1ull << q->l2_bits) - 1);
        if (!(q->l1[cluster >> q->l2_bits] & QCOW2_OFFSET_MASK))
            cluster += (1ull << q->l2_bits) - 1 - in_table;
        else if ((result = qcow2_l2_get(q, cluster, &entry)) == 0 && entry)
            result = qcow2_l2_replace(q, cluster, 0);
        pthread_mutex_unlock(&q->lock);
        if (result == 0)
            result = qcow2_commit_if_due(q);
    }
    return result;
}

int qcow2_resize(struct storage *storage, uint64_t size) {
    struct qcow2 *q = qcow2_of(storage);
    if (size == 0 || size % STORAGE_SECTOR || size > QCOW2_SIZE_MAX)
        return -EINVAL;
    int result = qcow2_commit(q);
    if (result < 0 || size == storage->size)
        return result;
    result = size > storage->size ? grow(q, size) : shrink(q, size);
    return result < 0 ? result : qcow2_commit(q);
}
