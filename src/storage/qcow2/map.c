/* From guest clusters to clusters of the file ("Cluster mapping"). */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "storage/qcow2/internal.h"
#include "util/log.h"

static int damaged(const struct qcow2 *q, const char *what, uint64_t entry) {
    log_guest("disk %s: %s is damaged (0x%llx): 'pearvisor disk check' tells more", q->path, what,
        (unsigned long long)entry);
    return -EIO;
}

static int decode_compressed(const struct qcow2 *q, uint64_t entry, struct mapping *out) {
    unsigned offset_bits = 62 - (q->cluster_bits - 8);
    uint64_t descriptor = entry & (QCOW2_COMPRESSED - 1);
    uint64_t sectors = (descriptor >> offset_bits) + 1;
    out->kind = MAP_COMPRESSED;
    out->host = descriptor & ((1ull << offset_bits) - 1);
    out->compressed_size = (uint32_t)(sectors * STORAGE_SECTOR - out->host % STORAGE_SECTOR);
    return out->host <= QCOW2_OFFSET_MASK ? 0 : damaged(q, "an entry of a compressed cluster", entry);
}

int qcow2_decode(const struct qcow2 *q, uint64_t entry, struct mapping *out) {
    *out = (struct mapping){0};
    if (entry & QCOW2_COMPRESSED)
        return decode_compressed(q, entry, out);
    out->host = entry & QCOW2_OFFSET_MASK;
    if (out->host % q->cluster_size || (entry & QCOW2_ZERO && q->header.version < 3))
        return damaged(q, "an L2 entry", entry);
    if (out->host && qcow2_is_fixed(q, out->host >> q->cluster_bits, 1))
        return damaged(q, "an L2 entry", entry);
    if (entry & QCOW2_ZERO)
        out->kind = MAP_ZERO;
    else if (out->host)
        out->kind = MAP_DATA;
    else if (entry & QCOW2_COPIED)
        return damaged(q, "an L2 entry", entry);
    out->writable = out->kind == MAP_DATA && entry & QCOW2_COPIED;
    return 0;
}

/* Where the entry for a cluster is in the file; 0: its L2 table is not there. */
static int locate(const struct qcow2 *q, uint64_t cluster, uint64_t *at) {
    uint64_t index = cluster >> q->l2_bits;
    if (index >= q->header.l1_size)
        return -EIO;
    uint64_t table = q->l1[index] & QCOW2_OFFSET_MASK;
    if (table % q->cluster_size || (table && qcow2_is_fixed(q, table >> q->cluster_bits, 1)))
        return damaged(q, "an L1 entry", q->l1[index]);
    *at = table ? table + (cluster & ((1ull << q->l2_bits) - 1)) * 8 : 0;
    return 0;
}

static int entry_slice(struct qcow2 *q, uint64_t at, struct slice **slice, uint8_t **entry) {
    int result = qcow2_slice(q, SLICE_L2, at, slice);
    if (result == 0)
        *entry = (*slice)->data + at % q->cache.slice_size;
    return result;
}

int qcow2_l2_get(struct qcow2 *q, uint64_t cluster, uint64_t *entry) {
    uint64_t at;
    struct slice *slice;
    uint8_t *bytes = NULL;
    *entry = 0;
    int result = locate(q, cluster, &at);
    if (result < 0 || !at || (result = entry_slice(q, at, &slice, &bytes)) < 0)
        return result;
    memcpy(entry, bytes, sizeof *entry);
    *entry = be64toh(*entry);
    return 0;
}

/* Copies an L2 table that a snapshot has too. */
static int copy_table(struct qcow2 *q, uint64_t from, uint64_t to) {
    int result = 0;
    for (uint32_t done = 0; done < q->cluster_size && result == 0; done += q->cache.slice_size) {
        struct slice *slice;
        result = qcow2_slice(q, SLICE_L2, from + done, &slice);
        if (result == 0)
            result = qcow2_file_write(q, to + done, slice->data, q->cache.slice_size);
    }
    return result;
}

int qcow2_l2_prepare(struct qcow2 *q, uint64_t cluster) {
    uint64_t index = cluster >> q->l2_bits, old, count = 1, fresh;
    int result = locate(q, cluster, &old);
    if (result < 0 || (old && q->l1[index] & QCOW2_COPIED))
        return result;
    old = q->l1[index] & QCOW2_OFFSET_MASK;
    if ((result = qcow2_allocate(q, &fresh, &count)) < 0)
        return result;
    uint64_t offset = fresh << q->cluster_bits;
    result = old ? copy_table(q, old, offset) : qcow2_file_zero(q, offset, q->cluster_size);
    if (result < 0) {
        qcow2_free(q, fresh, 1);
        return result;
    }
    if (old)
        qcow2_free(q, old >> q->cluster_bits, 1);
    q->l1[index] = offset | QCOW2_COPIED;
    if (q->l1_dirty.first >= q->l1_dirty.end)
        q->l1_dirty = (struct dirty_range){index, index + 1};
    if (index < q->l1_dirty.first)
        q->l1_dirty.first = index;
    if (index >= q->l1_dirty.end)
        q->l1_dirty.end = index + 1;
    return 0;
}

static void free_entry(struct qcow2 *q, uint64_t entry) {
    struct mapping old;
    if (qcow2_decode(q, entry, &old) < 0 || !old.host)
        return;
    uint64_t first = old.host >> q->cluster_bits, last = first;
    if (old.kind == MAP_COMPRESSED)
        last = (old.host + old.compressed_size - 1) >> q->cluster_bits;
    qcow2_free(q, first, last - first + 1);
}

int qcow2_l2_replace(struct qcow2 *q, uint64_t cluster, uint64_t entry) {
    uint64_t at, old;
    struct slice *slice;
    uint8_t *bytes = NULL;
    int result = locate(q, cluster, &at);
    if (result < 0 || (result = entry_slice(q, at, &slice, &bytes)) < 0)
        return result;
    memcpy(&old, bytes, sizeof old);
    old = be64toh(old);
    bool kept = !(old & QCOW2_COMPRESSED) && (old & QCOW2_OFFSET_MASK) == (entry & QCOW2_OFFSET_MASK);
    if (!kept)
        free_entry(q, old);
    entry = htobe64(entry);
    memcpy(bytes, &entry, sizeof entry);
    qcow2_slice_dirty(q, slice);
    return 0;
}

/* Whether the next cluster goes on where the one n clusters before ended. */
static bool follows(
    const struct qcow2 *q, const struct mapping *first, const struct mapping *next, uint64_t n) {
    if (first->kind != next->kind || first->kind == MAP_COMPRESSED)
        return false;
    return first->kind != MAP_DATA ||
           (next->host == first->host + (n << q->cluster_bits) && next->writable == first->writable);
}

int qcow2_extent(struct qcow2 *q, uint64_t offset, uint64_t size, struct extent *out) {
    uint64_t cluster = offset >> q->cluster_bits, last = (offset + size - 1) >> q->cluster_bits, n = 1;
    int result = qcow2_l2_get(q, cluster, &out->entry);
    if (result < 0 || (result = qcow2_decode(q, out->entry, &out->mapping)) < 0)
        return result;
    for (; cluster + n <= last; n++) {
        uint64_t entry;
        struct mapping next;
        if (qcow2_l2_get(q, cluster + n, &entry) < 0 || qcow2_decode(q, entry, &next) < 0)
            break; /* the caller's next extent begins there, and fails */
        if (!follows(q, &out->mapping, &next, n))
            break;
    }
    uint64_t end = (cluster + n) << q->cluster_bits;
    out->size = end - offset < size ? end - offset : size;
    return 0;
}
