/* Which clusters of the file are in use ("Host cluster management"). */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/qcow2/internal.h"

static void touch(struct dirty_range *range, uint64_t first, uint64_t count) {
    if (range->first >= range->end)
        *range = (struct dirty_range){first, first + count};
    if (first < range->first)
        range->first = first;
    if (first + count > range->end)
        range->end = first + count;
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Two entries for one block: damaged, and looking for free clusters could take for ever. */
static int check_distinct(const uint64_t *table, uint64_t entries) {
    uint64_t *sorted = malloc(entries * sizeof *sorted);
    if (!sorted)
        return -ENOMEM;
    memcpy(sorted, table, entries * sizeof *sorted);
    qsort(sorted, entries, sizeof *sorted, by_value);
    int result = 0;
    for (uint64_t i = 1; i < entries; i++)
        if (sorted[i] && sorted[i] == sorted[i - 1])
            result = -EIO;
    free(sorted);
    return result;
}

int qcow2_refcount_load(struct qcow2 *q) {
    if (q->reftable)
        return 0;
    uint64_t entries = (uint64_t)q->header.reftable_clusters << (q->cluster_bits - 3);
    uint64_t *table = malloc(entries * sizeof *table);
    if (!table)
        return -ENOMEM;
    int result = qcow2_file_read_table(q, q->header.reftable_offset, table, entries);
    for (uint64_t i = 0; i < entries && result == 0; i++) {
        table[i] &= ~0x1ffull;
        if (table[i] % q->cluster_size || table[i] > QCOW2_OFFSET_MASK)
            result = -EIO;
    }
    if (result == 0)
        result = check_distinct(table, entries);
    if (result < 0) {
        free(table);
        return result;
    }
    q->reftable = table;
    q->reftable_size = entries;
    return 0;
}

static bool overlap(uint64_t first, uint64_t count, uint64_t other, uint64_t other_count) {
    return first < other + other_count && other < first + count;
}

bool qcow2_is_fixed(const struct qcow2 *q, uint64_t index, uint64_t count) {
    uint64_t l1 = q->header.l1_offset >> q->cluster_bits, l1_bytes = 8ull * q->header.l1_size;
    uint64_t reftable = q->header.reftable_offset >> q->cluster_bits;
    return index == 0 || overlap(index, count, l1, qcow2_clusters(q, l1_bytes)) ||
           overlap(index, count, reftable, q->header.reftable_clusters);
}

/* Where in its block a cluster's count is; shift: of its bits in the byte, for counts smaller than a byte. */
void qcow2_refcount_locate(
    const struct qcow2 *q, uint64_t index, uint64_t *block, uint32_t *byte, unsigned *shift) {
    uint64_t bit = (index & ((1ull << q->refblock_bits) - 1)) << q->header.refcount_order;
    *block = index >> q->refblock_bits;
    *byte = (uint32_t)(bit / 8);
    *shift = bit % 8;
}

static bool has_block(const struct qcow2 *q, uint64_t index) {
    uint64_t block = index >> q->refblock_bits;
    return block < q->reftable_size && q->reftable[block];
}

int qcow2_refcount(struct qcow2 *q, uint64_t index, uint64_t *value) {
    *value = 0;
    if (!has_block(q, index))
        return 0;
    uint64_t block;
    uint32_t byte;
    unsigned shift;
    qcow2_refcount_locate(q, index, &block, &byte, &shift);
    struct slice *slice;
    int result = qcow2_slice(q, SLICE_REFCOUNT, q->reftable[block] + byte, &slice);
    if (result < 0)
        return result;
    const uint8_t *at = slice->data + byte % q->cache.slice_size;
    unsigned order = q->header.refcount_order;
    if (order < 3)
        *value = *at >> shift & ((1u << (1u << order)) - 1);
    else
        for (unsigned i = 0; i < 1u << (order - 3); i++)
            *value = *value << 8 | at[i];
    return 0;
}

int qcow2_refcount_set(struct qcow2 *q, uint64_t index, uint64_t value) {
    uint64_t block;
    uint32_t byte;
    unsigned shift, order = q->header.refcount_order;
    if (!has_block(q, index) || (order < 6 && value >> (1u << order)))
        return -ERANGE;
    qcow2_refcount_locate(q, index, &block, &byte, &shift);
    struct slice *slice;
    int result = qcow2_slice(q, SLICE_REFCOUNT, q->reftable[block] + byte, &slice);
    if (result < 0)
        return result;
    uint8_t *at = slice->data + byte % q->cache.slice_size;
    if (order < 3) {
        unsigned mask = ((1u << (1u << order)) - 1) << shift;
        *at = (uint8_t)((*at & ~mask) | (unsigned)value << shift);
    } else {
        for (unsigned i = 1u << (order - 3); i-- > 0; value >>= 8)
            at[i] = (uint8_t)value;
    }
    qcow2_slice_dirty(q, slice);
    return 0;
}

/* --- blocks and the table of them */

/* What is dirty is written now, but stays dirty: a commit may be about to write an older copy. */
static int write_refcounts(struct qcow2 *q) {
    int result = 0;
    for (struct slice *s = q->cache.newest; s && result == 0; s = s->older)
        if (s->kind == SLICE_REFCOUNT && (s->dirty || s->staged))
            result = qcow2_file_write(q, s->offset, s->data, q->cache.slice_size);
    return result;
}

struct new_table {
    uint64_t first; /* cluster: the new blocks, then the table */
    uint64_t blocks, clusters, size;
    uint64_t *entries;
};

/* The blocks that count their own clusters and the table's. */
static int write_first_blocks(struct qcow2 *q, const struct new_table *table) {
    unsigned order = q->header.refcount_order;
    uint8_t *bytes = calloc(table->blocks, q->cluster_size);
    if (!bytes)
        return -ENOMEM;
    for (uint64_t i = 0; i < table->blocks + table->clusters; i++) {
        if (order < 3)
            bytes[(i << order) / 8] |= (uint8_t)(1u << ((i << order) % 8));
        else
            bytes[((i + 1) << (order - 3)) - 1] = 1;
    }
    int result = qcow2_file_write(
        q, table->first << q->cluster_bits, bytes, (size_t)(table->blocks << q->cluster_bits));
    free(bytes);
    return result;
}

static int write_new_table(struct qcow2 *q, const struct new_table *table) {
    uint64_t offset = (table->first + table->blocks) << q->cluster_bits;
    struct __attribute__((packed)) {
        uint64_t offset;
        uint32_t clusters;
    } field = {htobe64(offset), htobe32((uint32_t)table->clusters)};
    int result = write_refcounts(q);
    if (result == 0)
        result = write_first_blocks(q, table);
    if (result == 0)
        result = qcow2_file_write_table(q, offset, table->entries, table->size);
    if (result == 0)
        result = q->file->ops->flush(q->file);
    if (result == 0)
        result = qcow2_header_set(q, QCOW2_AT_REFTABLE, &field, sizeof field);
    return result;
}

/* A larger table, behind all that the old one counts. */
static int grow_table(struct qcow2 *q) {
    uint64_t per_cluster = q->cluster_size / 8, old = q->reftable_size;
    struct new_table table = {.first = old << q->refblock_bits, .blocks = 1};
    for (uint64_t needed = 0; needed != table.blocks;) {
        needed = table.blocks;
        table.size = old + old / 2 + table.blocks;
        table.clusters = (table.size + per_cluster - 1) / per_cluster;
        table.size = table.clusters * per_cluster;
        uint64_t counted = table.blocks + table.clusters;
        table.blocks = (counted + (1ull << q->refblock_bits) - 1) >> q->refblock_bits;
    }
    if (table.clusters << q->cluster_bits > QCOW2_REFTABLE_MAX)
        return -EFBIG;
    if (qcow2_is_fixed(q, table.first, table.blocks + table.clusters))
        return -EIO;
    if (!(table.entries = calloc(table.size, sizeof *table.entries)))
        return -ENOMEM;
    memcpy(table.entries, q->reftable, old * sizeof *table.entries);
    for (uint64_t i = 0; i < table.blocks; i++)
        table.entries[old + i] = (table.first + i) << q->cluster_bits;
    int result = write_new_table(q, &table);
    if (result < 0) {
        free(table.entries);
        return result;
    }
    qcow2_free(q, q->header.reftable_offset >> q->cluster_bits, q->header.reftable_clusters);
    q->header.reftable_offset = (table.first + table.blocks) << q->cluster_bits;
    q->header.reftable_clusters = (uint32_t)table.clusters;
    free(q->reftable);
    q->reftable = table.entries;
    q->reftable_size = table.size;
    q->reftable_dirty = (struct dirty_range){0};
    if (table.first + table.blocks + table.clusters > q->fresh)
        q->fresh = table.first + table.blocks + table.clusters;
    return 0;
}

/* An empty block for the clusters around index, in the cluster at. */
static int add_block(struct qcow2 *q, uint64_t index, uint64_t at) {
    uint64_t block = index >> q->refblock_bits;
    int result = qcow2_file_zero(q, at << q->cluster_bits, q->cluster_size);
    if (result < 0)
        return result;
    q->reftable[block] = at << q->cluster_bits;
    touch(&q->reftable_dirty, block, 1);
    if (at >= q->fresh)
        q->fresh = at + 1;
    return 0;
}

/* Makes sure that index is counted. The block goes into the cluster itself, so that it counts itself. */
static int count_cluster(struct qcow2 *q, uint64_t index) {
    int result = 0;
    while (index >> q->refblock_bits >= q->reftable_size && result == 0)
        result = grow_table(q);
    if (result < 0 || has_block(q, index))
        return result;
    if (qcow2_is_fixed(q, index, 1))
        return -EIO;
    result = add_block(q, index, index);
    return result < 0 ? result : qcow2_refcount_set(q, index, 1);
}

int qcow2_refcount_block_elsewhere(struct qcow2 *q, uint64_t index) {
    uint64_t at, count = 1;
    if (index >> q->refblock_bits >= q->reftable_size)
        return -EIO;
    int result = qcow2_allocate(q, &at, &count);
    return result < 0 || has_block(q, index) ? result : add_block(q, index, at);
}

/* --- allocation */

static int take(struct qcow2 *q, uint64_t index, uint64_t count) {
    if (qcow2_is_fixed(q, index, count))
        return -EIO; /* in use, but not counted: nothing of this image can be trusted */
    int result = 0;
    for (uint64_t i = 0; i < count && result == 0; i++)
        result = qcow2_refcount_set(q, index + i, 1);
    if (index + count > q->fresh)
        q->fresh = index + count;
    return result;
}

static int is_free(struct qcow2 *q, uint64_t index, bool *free) {
    uint64_t value = 0;
    int result = count_cluster(q, index);
    if (result == 0)
        result = qcow2_refcount(q, index, &value);
    *free = value == 0;
    return result;
}

int qcow2_allocate(struct qcow2 *q, uint64_t *index, uint64_t *count) {
    uint64_t at = q->next_free, n = 1, wanted = *count;
    bool free = false;
    for (;; at++) {
        int result = is_free(q, at, &free);
        if (result < 0)
            return result;
        if (free)
            break;
    }
    for (; n < wanted && has_block(q, at + n); n++) {
        int result = is_free(q, at + n, &free);
        if (result < 0)
            return result;
        if (!free)
            break;
    }
    int result = take(q, at, n);
    if (result < 0)
        return result;
    q->next_free = at + n;
    *index = at;
    *count = n;
    return 0;
}

int qcow2_allocate_row(struct qcow2 *q, uint64_t *index, uint64_t count) {
    uint64_t at = q->fresh, n = 0;
    while (n < count) {
        bool free;
        int result = is_free(q, at + n, &free);
        if (result < 0)
            return result;
        if (free) {
            n++;
        } else {
            at += n + 1;
            n = 0;
        }
    }
    *index = at;
    return take(q, at, count);
}

void qcow2_free(struct qcow2 *q, uint64_t index, uint64_t count) {
    struct run_list *list = &q->frees;
    struct run *last = list->count ? &list->runs[list->count - 1] : NULL;
    if (last && last->first + last->count == index) {
        last->count += count;
        return;
    }
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct run *runs = realloc(list->runs, room * sizeof *runs);
        if (!runs)
            return; /* the clusters are lost, not the data */
        list->runs = runs;
        list->room = room;
    }
    list->runs[list->count++] = (struct run){index, count};
}
