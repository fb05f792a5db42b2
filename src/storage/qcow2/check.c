/* Counts all references of an image and compares them with its refcounts. */
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/qcow2/internal.h"

enum { CLUSTERS_MAX = 1 << 28, LINES_MAX = 20, SNAPSHOT_SIZE = 40, BITMAP_SIZE = 24 };

enum use { FREE, DATA, TABLE, FIXED }; /* TABLE: an L2 table, which snapshots may share */

struct check {
    struct qcow2 *q;
    const struct qcow2_check_hooks *hooks;
    struct qcow2_check *out;
    uint64_t clusters; /* of the file */
    uint32_t *references;
    uint8_t *uses;
    uint8_t *seen; /* bits: L2 tables that this L1 table refers to */
    unsigned lines;
    bool damaged; /* other than in its refcounts */
};

__attribute__((format(printf, 2, 3))) static void found(struct check *c, const char *format, ...) {
    if (!c->hooks || !c->hooks->report || c->lines++ >= LINES_MAX)
        return;
    char line[160];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->hooks->report(c->hooks->ctx, line);
}

__attribute__((format(printf, 2, 3))) static void damage(struct check *c, const char *format, ...) {
    char line[160];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    c->out->corruptions++;
    c->damaged = true;
    found(c, "%s", line);
}

/* Notes that [offset, offset + size) of the file is used. false: it cannot be what it should. */
static bool use(struct check *c, uint64_t offset, uint64_t size, enum use use, const char *what) {
    uint64_t first = offset >> c->q->cluster_bits, last = (offset + size - 1) >> c->q->cluster_bits;
    if (size == 0)
        return true;
    if (last >= c->clusters || last < first) {
        damage(c, "%s at 0x%llx is behind the end of the file", what, (unsigned long long)offset);
        return false;
    }
    bool good = true;
    for (uint64_t i = first; i <= last; i++) {
        if (c->uses[i] != FREE && (c->uses[i] != use || use == FIXED)) {
            damage(c, "%s at 0x%llx overlaps another table or data", what, (unsigned long long)offset);
            good = false;
        }
        if (c->uses[i] < use)
            c->uses[i] = (uint8_t)use;
        c->references[i]++;
        if ((i + 1) << c->q->cluster_bits > c->out->file_end)
            c->out->file_end = (i + 1) << c->q->cluster_bits;
    }
    return good;
}

static bool aligned(struct check *c, uint64_t offset, const char *what) {
    if (offset % c->q->cluster_size == 0)
        return true;
    damage(c, "%s at 0x%llx is not aligned", what, (unsigned long long)offset);
    return false;
}

static void progress(struct check *c, uint64_t done, uint64_t all) {
    if (c->hooks && c->hooks->progress)
        c->hooks->progress(c->hooks->ctx, (double)done / (double)all);
}

/* --- references */

static void count_entry(struct check *c, uint64_t entry, bool active) {
    struct mapping mapping;
    if (qcow2_decode(c->q, entry, &mapping) < 0) {
        damage(c, "an L2 entry is damaged: 0x%llx", (unsigned long long)entry);
        return;
    }
    if (active) {
        c->out->allocated += mapping.kind == MAP_DATA || mapping.kind == MAP_COMPRESSED;
        c->out->compressed += mapping.kind == MAP_COMPRESSED;
    }
    if (mapping.kind == MAP_COMPRESSED) {
        /* Its last sector may lie behind the end of the file. */
        uint64_t size = mapping.compressed_size;
        if (mapping.host < c->q->file->size && size > c->q->file->size - mapping.host)
            size = c->q->file->size - mapping.host;
        use(c, mapping.host, size, DATA, "compressed data");
    } else if (mapping.host) {
        use(c, mapping.host, c->q->cluster_size, DATA, "data");
    }
}

static int count_l2(struct check *c, uint64_t offset, bool active) {
    uint64_t entries = 1ull << c->q->l2_bits, *table = malloc(c->q->cluster_size);
    if (!table)
        return -ENOMEM;
    int result = qcow2_file_read_table(c->q, offset, table, entries);
    for (uint64_t i = 0; i < entries && result == 0; i++)
        if (table[i])
            count_entry(c, table[i], active);
    free(table);
    return result;
}

static int count_l1(struct check *c, const uint64_t *l1, uint64_t entries, bool active) {
    memset(c->seen, 0, c->clusters / 8 + 1);
    for (uint64_t i = 0; i < entries; i++) {
        uint64_t offset = l1[i] & QCOW2_OFFSET_MASK, index = offset >> c->q->cluster_bits;
        if (active)
            progress(c, i, 2 * entries);
        if (!offset || !aligned(c, offset, "an L2 table") ||
            !use(c, offset, c->q->cluster_size, TABLE, "an L2 table"))
            continue;
        if (c->seen[index / 8] >> index % 8 & 1) {
            damage(c, "two L1 entries refer to the L2 table at 0x%llx", (unsigned long long)offset);
            continue;
        }
        c->seen[index / 8] |= (uint8_t)(1u << index % 8);
        int result = count_l2(c, offset, active);
        if (result < 0)
            return result;
    }
    return 0;
}

static int count_snapshot_l1(struct check *c, uint64_t offset, uint32_t entries) {
    if (entries > QCOW2_L1_MAX / 8 || !aligned(c, offset, "a snapshot's L1 table") ||
        !use(c, offset, 8ull * entries, FIXED, "a snapshot's L1 table") || entries == 0)
        return 0;
    uint64_t *l1 = malloc(8ull * entries);
    if (!l1)
        return -ENOMEM;
    int result = qcow2_file_read_table(c->q, offset, l1, entries);
    if (result == 0)
        result = count_l1(c, l1, entries, false);
    free(l1);
    return result;
}

static int count_snapshots(struct check *c) {
    uint64_t begin = c->q->header.snapshots_offset, at = begin;
    int result = 0;
    for (uint32_t i = 0; i < c->q->header.snapshots && result == 0; i++) {
        struct __attribute__((packed)) {
            uint64_t l1_offset;
            uint32_t l1_size;
            uint16_t id_size, name_size;
            uint8_t unused[20];
            uint32_t extra_size;
        } entry;
        _Static_assert(sizeof entry == SNAPSHOT_SIZE, "Snapshots");
        if (at >= c->q->file->size) {
            damage(c, "the snapshot table is behind the end of the file");
            return 0;
        }
        if ((result = qcow2_file_read(c->q, at, &entry, sizeof entry)) < 0)
            return result;
        result = count_snapshot_l1(c, be64toh(entry.l1_offset), be32toh(entry.l1_size));
        uint64_t size =
            sizeof entry + be32toh(entry.extra_size) + be16toh(entry.id_size) + be16toh(entry.name_size);
        at += (size + 7) & ~7ull;
    }
    if (at > begin)
        use(c, begin, at - begin, FIXED, "the snapshot table");
    return result;
}

static int count_bitmap(struct check *c, uint64_t offset, uint32_t entries) {
    if (entries > QCOW2_L1_MAX / 8 || entries == 0 || !aligned(c, offset, "a bitmap's table") ||
        !use(c, offset, 8ull * entries, FIXED, "a bitmap's table"))
        return 0;
    uint64_t *table = malloc(8ull * entries);
    if (!table)
        return -ENOMEM;
    int result = qcow2_file_read_table(c->q, offset, table, entries);
    for (uint32_t i = 0; i < entries && result == 0; i++)
        if (table[i] & QCOW2_OFFSET_MASK)
            use(c, table[i] & QCOW2_OFFSET_MASK, c->q->cluster_size, FIXED, "a bitmap");
    free(table);
    return result;
}

/* Only bitmaps that are said to be consistent take space. */
static int count_bitmaps(struct check *c) {
    const struct qcow2_header *h = &c->q->header;
    if (!(h->autoclear & QCOW2_BITMAPS) ||
        !use(c, h->bitmaps_offset, h->bitmaps_size, FIXED, "the bitmap directory"))
        return 0;
    uint64_t at = h->bitmaps_offset, end = at + h->bitmaps_size;
    int result = 0;
    for (uint32_t i = 0; i < h->bitmaps && end - at >= BITMAP_SIZE && result == 0; i++) {
        struct __attribute__((packed)) {
            uint64_t table;
            uint32_t entries, flags;
            uint8_t type, granularity;
            uint16_t name_size;
            uint32_t extra_size;
        } entry;
        _Static_assert(sizeof entry == BITMAP_SIZE, "Bitmap directory");
        if ((result = qcow2_file_read(c->q, at, &entry, sizeof entry)) < 0)
            return result;
        result = count_bitmap(c, be64toh(entry.table), be32toh(entry.entries));
        uint64_t size = (sizeof entry + be32toh(entry.extra_size) + be16toh(entry.name_size) + 7) & ~7ull;
        at = size < end - at ? at + size : end;
    }
    return result;
}

static int count_all(struct check *c) {
    struct qcow2 *q = c->q;
    const struct qcow2_header *h = &q->header;
    use(c, 0, q->cluster_size, FIXED, "the header");
    use(c, h->l1_offset, 8ull * h->l1_size, FIXED, "the L1 table");
    use(c, h->reftable_offset, (uint64_t)h->reftable_clusters << q->cluster_bits, FIXED,
        "the refcount table");
    for (uint64_t i = 0; i < q->reftable_size; i++)
        if (q->reftable[i])
            use(c, q->reftable[i], q->cluster_size, FIXED, "a refcount block");
    int result = count_l1(c, q->l1, h->l1_size, true);
    if (result == 0)
        result = count_snapshots(c);
    return result == 0 ? count_bitmaps(c) : result;
}

/* --- comparing */

static int set_right(struct check *c, uint64_t index, uint64_t references) {
    struct qcow2 *q = c->q;
    uint64_t block = index >> q->refblock_bits;
    int result = 0;
    if (block >= q->reftable_size || !q->reftable[block])
        result = qcow2_refcount_block_elsewhere(q, index);
    if (result == 0)
        result = qcow2_refcount_set(q, index, references);
    c->out->repaired += result == 0;
    return result;
}

static int compare_clusters(struct check *c, bool repair) {
    struct qcow2 *q = c->q;
    int result = 0;
    for (uint64_t i = 0; i < c->clusters && result == 0; i++) {
        uint64_t value, references = c->references[i];
        if (i % 65536 == 0)
            progress(c, c->clusters + i, 2 * c->clusters);
        if ((result = qcow2_refcount(q, i, &value)) < 0 || value == references)
            continue;
        bool leak = value > references;
        found(c, "cluster at 0x%llx: refcount %llu, references %llu%s",
            (unsigned long long)(i << q->cluster_bits), (unsigned long long)value,
            (unsigned long long)references, leak ? " (leak)" : "");
        if (repair) {
            result = set_right(c, i, references);
            continue;
        }
        c->out->leaks += leak;
        c->out->corruptions += !leak;
    }
    return result;
}

/* "1 if its refcount is exactly one": for what the active tables refer to. */
static bool copied_is_right(struct check *c, uint64_t entry) {
    uint64_t index = (entry & QCOW2_OFFSET_MASK) >> c->q->cluster_bits;
    return index == 0 || index >= c->clusters || (c->references[index] == 1) == ((entry & QCOW2_COPIED) != 0);
}

static int compare_l2(struct check *c, uint64_t l1_index, bool repair) {
    struct qcow2 *q = c->q;
    uint64_t first = l1_index << q->l2_bits, entry;
    int result = 0;
    for (uint64_t i = first; i < first + (1ull << q->l2_bits) && result == 0; i++) {
        if ((result = qcow2_l2_get(q, i, &entry)) < 0 || entry & QCOW2_COMPRESSED ||
            copied_is_right(c, entry))
            continue;
        found(c, "an L2 entry has the wrong COPIED flag: 0x%llx", (unsigned long long)entry);
        if (!repair) {
            c->out->corruptions++;
            continue;
        }
        result = qcow2_l2_replace(q, i, entry ^ QCOW2_COPIED);
        c->out->repaired += result == 0;
    }
    return result;
}

static int compare_copied(struct check *c, bool repair) {
    struct qcow2 *q = c->q;
    int result = 0;
    for (uint64_t i = 0; i < q->header.l1_size && result == 0; i++) {
        if (!(q->l1[i] & QCOW2_OFFSET_MASK))
            continue;
        if (!copied_is_right(c, q->l1[i])) {
            found(c, "an L1 entry has the wrong COPIED flag: 0x%llx", (unsigned long long)q->l1[i]);
            c->out->corruptions += !repair;
            if (repair) {
                q->l1[i] ^= QCOW2_COPIED;
                q->l1_dirty = (struct dirty_range){0, q->header.l1_size};
                c->out->repaired++;
            }
        }
        result = compare_l2(c, i, repair);
    }
    return result;
}

static int check_all(struct check *c, bool repair) {
    struct qcow2 *q = c->q;
    int result = count_all(c);
    if (result < 0)
        return result;
    repair = repair && !c->damaged;
    pthread_mutex_lock(&q->lock);
    if (repair) /* new blocks go where nothing is */
        q->next_free = q->fresh;
    result = compare_clusters(c, repair);
    if (result == 0 && !c->damaged)
        result = compare_copied(c, repair);
    q->next_free = 1;
    pthread_mutex_unlock(&q->lock);
    return result < 0 || !repair ? result : qcow2_commit(q);
}

int qcow2_check(struct storage *storage, bool repair, const struct qcow2_check_hooks *hooks,
    struct qcow2_check *out, struct error *e) {
    struct qcow2 *q = qcow2_of(storage);
    struct check c = {.q = q, .hooks = hooks, .out = out, .clusters = qcow2_clusters(q, q->file->size)};
    *out = (struct qcow2_check){.clusters = qcow2_clusters(q, storage->size)};
    if (c.clusters > CLUSTERS_MAX)
        return error_set(e, "disk %s: more than %d clusters: too many to check", q->path, CLUSTERS_MAX);
    int result = qcow2_refcount_load(q);
    if (result < 0)
        return error_set(e, "disk %s: its refcount table is damaged", q->path);
    c.references = calloc(c.clusters, sizeof *c.references);
    c.uses = calloc(c.clusters, 1);
    c.seen = malloc(c.clusters / 8 + 1);
    result = c.references && c.uses && c.seen ? check_all(&c, repair && !storage->read_only) : -ENOMEM;
    free(c.references);
    free(c.uses);
    free(c.seen);
    if (result < 0)
        return error_set(e, "disk %s: cannot check it: %s", q->path, strerror(-result));
    return 0;
}
