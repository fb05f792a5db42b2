/* The header ("Header", "Header extensions") and new images. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/qcow2/internal.h"
#include "util/bytes.h"

#define EXTENSION_BACKING_FORMAT 0xe2792acau

enum {
    MAGIC = 0x514649fb,
    V2_SIZE = 72,
    V3_SIZE = 104,
    WRITTEN_SIZE = 112, /* with the compression type */
    EXTENSION_BITMAPS = 0x23852875,
    CLUSTER_BITS_MIN = 9,
    CLUSTER_BITS_MAX = 21, /* QEMU's limit, too */
    SNAPSHOTS_MAX = 65536,
};

static int check_features(const struct qcow2_header *h, const char *path, struct error *e) {
    if (h->incompatible & QCOW2_DATA_FILE)
        return error_set(
            e, "disk %s: its data is in another file: 'qemu-img convert' makes one file of it", path);
    if (h->incompatible & QCOW2_EXTENDED_L2)
        return error_set(e,
            "disk %s: extended L2 entries are not supported: 'qemu-img convert' makes an image without",
            path);
    uint64_t known = QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_COMPRESSION;
    if (h->incompatible & ~known)
        return error_set(e, "disk %s: it needs features that this program does not know (bits 0x%llx)", path,
            (unsigned long long)(h->incompatible & ~known));
    return 0;
}

static int check_tables(const struct qcow2_header *h, const char *path, struct error *e) {
    uint64_t cluster = 1ull << h->cluster_bits, l2_reach = cluster << (h->cluster_bits - 3);
    uint64_t l1_needed = h->size / l2_reach + (h->size % l2_reach != 0);
    if (h->size == 0 || h->size > QCOW2_SIZE_MAX)
        return error_set(
            e, "disk %s: a disk of %llu bytes is not supported", path, (unsigned long long)h->size);
    if (h->l1_size < l1_needed || h->l1_size > QCOW2_L1_MAX / 8 || h->l1_offset % cluster || !h->l1_offset ||
        h->l1_offset > QCOW2_OFFSET_MASK)
        return error_set(e, "disk %s: its L1 table is damaged", path);
    if (!h->reftable_clusters || (uint64_t)h->reftable_clusters << h->cluster_bits > QCOW2_REFTABLE_MAX ||
        h->reftable_offset % cluster || !h->reftable_offset || h->reftable_offset > QCOW2_OFFSET_MASK)
        return error_set(e, "disk %s: its refcount table is damaged", path);
    if (h->snapshots > SNAPSHOTS_MAX || (h->snapshots && h->snapshots_offset % cluster))
        return error_set(e, "disk %s: its snapshot table is damaged", path);
    return 0;
}

static void read_extension(struct qcow2_header *h, uint32_t type, const uint8_t *data, uint32_t size) {
    if (type == EXTENSION_BACKING_FORMAT && size < sizeof h->backing_format)
        memcpy(h->backing_format, data, size);
    if (type == EXTENSION_BITMAPS && size >= 24) {
        h->bitmaps = bytes_be32(data);
        h->bitmaps_size = bytes_be64(data + 8);
        h->bitmaps_offset = bytes_be64(data + 16);
    }
}

/* first: the image's first cluster. */
static int read_extensions(struct qcow2_header *h, const uint8_t *first, uint32_t at, uint32_t end,
    const char *path, struct error *e) {
    while (end - at >= 8 && bytes_be32(first + at)) {
        uint32_t size = bytes_be32(first + at + 4), room = end - at - 8;
        if (size > room)
            return error_set(e, "disk %s: a header extension is damaged", path);
        read_extension(h, bytes_be32(first + at), first + at + 8, size);
        uint32_t padded = size > UINT32_MAX - 7 ? room : (size + 7) & ~7u;
        at += 8 + (padded < room ? padded : room);
    }
    return 0;
}

static int read_backing_name(
    struct qcow2_header *h, const uint8_t *first, uint32_t cluster, const char *path, struct error *e) {
    uint64_t offset = bytes_be64(first + 8);
    uint32_t size = bytes_be32(first + 16);
    if (!offset)
        return 0;
    if (size == 0 || size > QCOW2_BACKING_NAME_MAX || offset > cluster || size > cluster - offset ||
        memchr(first + offset, 0, size))
        return error_set(e, "disk %s: the name of its backing file is damaged", path);
    memcpy(h->backing, first + offset, size);
    return 0;
}

static int parse(
    struct qcow2_header *h, const uint8_t *first, uint32_t cluster, const char *path, struct error *e) {
    uint32_t header_size = h->version == 2 ? V2_SIZE : bytes_be32(first + 100);
    if (header_size > cluster || header_size % 8 || (h->version == 3 && header_size < V3_SIZE))
        return error_set(e, "disk %s: its header is damaged", path);
    h->size = bytes_be64(first + QCOW2_AT_SIZE);
    h->l1_size = bytes_be32(first + QCOW2_AT_L1);
    h->l1_offset = bytes_be64(first + QCOW2_AT_L1 + 4);
    h->reftable_offset = bytes_be64(first + QCOW2_AT_REFTABLE);
    h->reftable_clusters = bytes_be32(first + QCOW2_AT_REFTABLE + 8);
    h->snapshots = bytes_be32(first + 60);
    h->snapshots_offset = bytes_be64(first + 64);
    h->refcount_order = 4;
    if (bytes_be32(first + 32))
        return error_set(e, "disk %s: it is encrypted, which is not supported", path);
    if (h->version == 3) {
        h->incompatible = bytes_be64(first + QCOW2_AT_INCOMPATIBLE);
        h->compatible = bytes_be64(first + 80);
        h->autoclear = bytes_be64(first + QCOW2_AT_AUTOCLEAR);
        h->refcount_order = bytes_be32(first + 96);
        if (h->refcount_order > 6)
            return error_set(
                e, "disk %s: its header is damaged (refcounts of 2^%u bits)", path, h->refcount_order);
    }
    if (check_features(h, path, e) < 0 || check_tables(h, path, e) < 0)
        return -1;
    unsigned type = header_size > V3_SIZE ? first[V3_SIZE] : 0;
    if (type > QCOW2_ZSTD || !(h->incompatible & QCOW2_COMPRESSION) != !type)
        return error_set(e, "disk %s: its compression (%u) is not supported", path, type);
    h->compression = type;
    uint64_t backing = bytes_be64(first + 8);
    uint32_t end = backing && backing < cluster ? (uint32_t)backing : cluster;
    if (end > header_size && read_extensions(h, first, header_size, end, path, e) < 0)
        return -1;
    return read_backing_name(h, first, cluster, path, e);
}

int qcow2_header_read(struct storage *file, const char *path, struct qcow2_header *out, struct error *e) {
    uint8_t start[V3_SIZE];
    memset(out, 0, sizeof *out);
    struct iovec iov = {start, sizeof start};
    int result = file->ops->preadv(file, &iov, 1, 0);
    if (result < 0)
        return error_set(e, "disk %s: %s", path, strerror(-result));
    if (bytes_be32(start) != MAGIC)
        return error_set(e, "disk %s: not a qcow2 image", path);
    out->version = bytes_be32(start + 4);
    out->cluster_bits = bytes_be32(start + 20);
    if (out->version != 2 && out->version != 3)
        return error_set(
            e, "disk %s: version %u of qcow2 is not supported (2 and 3 are)", path, out->version);
    if (out->cluster_bits < CLUSTER_BITS_MIN || out->cluster_bits > CLUSTER_BITS_MAX)
        return error_set(e, "disk %s: clusters of 2^%u bytes are not supported", path, out->cluster_bits);
    uint32_t cluster = 1u << out->cluster_bits;
    uint8_t *first = malloc(cluster);
    if (!first)
        return error_set(e, "out of memory");
    iov = (struct iovec){first, cluster};
    result = file->ops->preadv(file, &iov, 1, 0);
    if (result < 0)
        error_set(e, "disk %s: %s", path, strerror(-result));
    else
        result = parse(out, first, cluster, path, e);
    free(first);
    return result < 0 ? -1 : 0;
}

int qcow2_header_set(struct qcow2 *q, unsigned at, const void *bytes, size_t size) {
    int result = qcow2_file_write(q, at, bytes, size);
    return result == 0 ? q->file->ops->flush(q->file) : result;
}

/* --- new images: the header, the refcount table, its blocks, the L1 table */

struct plan {
    uint64_t cluster, blocks, table, l1, l1_size, total; /* in clusters, but for l1_size (entries) */
};

static void plan_tables(const struct qcow2_layout *layout, struct plan *plan) {
    uint64_t cluster = plan->cluster = 1ull << layout->cluster_bits, reach = cluster * (cluster / 8);
    plan->l1_size = (layout->size + reach - 1) / reach;
    plan->l1 = (plan->l1_size * 8 + cluster - 1) / cluster;
    plan->blocks = plan->table = 1;
    for (uint64_t before = 0; before != plan->blocks;) {
        before = plan->blocks;
        plan->total = 1 + plan->table + plan->blocks + plan->l1;
        plan->blocks = (plan->total * 2 + cluster - 1) / cluster; /* 16 bits a cluster */
        plan->table = (plan->blocks * 8 + cluster - 1) / cluster;
    }
    plan->total = 1 + plan->table + plan->blocks + plan->l1;
}

static int fill_header(
    uint8_t *bytes, const struct qcow2_layout *layout, const struct plan *plan, struct error *e) {
    bool zstd = layout->compression == QCOW2_ZSTD;
    bytes_put_be32(bytes, MAGIC);
    bytes_put_be32(bytes + 4, 3);
    bytes_put_be32(bytes + 20, layout->cluster_bits);
    bytes_put_be64(bytes + QCOW2_AT_SIZE, layout->size);
    bytes_put_be32(bytes + QCOW2_AT_L1, (uint32_t)plan->l1_size);
    bytes_put_be64(bytes + QCOW2_AT_L1 + 4, (1 + plan->table + plan->blocks) << layout->cluster_bits);
    bytes_put_be64(bytes + QCOW2_AT_REFTABLE, plan->cluster);
    bytes_put_be32(bytes + QCOW2_AT_REFTABLE + 8, (uint32_t)plan->table);
    bytes_put_be64(bytes + QCOW2_AT_INCOMPATIBLE, zstd ? QCOW2_COMPRESSION : 0);
    bytes_put_be32(bytes + 96, 4);
    bytes_put_be32(bytes + 100, WRITTEN_SIZE);
    bytes[V3_SIZE] = (uint8_t)layout->compression;
    if (!layout->backing)
        return 0;
    size_t name = strlen(layout->backing), format = strlen(layout->backing_format), at = WRITTEN_SIZE;
    bytes_put_be32(bytes + at, EXTENSION_BACKING_FORMAT);
    bytes_put_be32(bytes + at + 4, (uint32_t)format);
    memcpy(bytes + at + 8, layout->backing_format, format);
    at += 8 + ((format + 7) & ~(size_t)7) + 8; /* and the end of the extensions */
    if (name > QCOW2_BACKING_NAME_MAX || at + name > plan->cluster)
        return error_set(e, "backing file %s: the name is too long", layout->backing);
    bytes_put_be64(bytes + 8, at);
    bytes_put_be32(bytes + 16, (uint32_t)name);
    memcpy(bytes + at, layout->backing, name);
    return 0;
}

int qcow2_format(int fd, const struct qcow2_layout *layout, struct error *e) {
    struct plan plan;
    plan_tables(layout, &plan);
    if (layout->size > QCOW2_SIZE_MAX || plan.l1_size > QCOW2_L1_MAX / 8)
        return error_set(e, "a qcow2 disk of %llu bytes is not possible", (unsigned long long)layout->size);
    uint64_t size = (1 + plan.table + plan.blocks) << layout->cluster_bits;
    uint8_t *bytes = calloc(1, size);
    if (!bytes)
        return error_set(e, "out of memory");
    int result = fill_header(bytes, layout, &plan, e);
    for (uint64_t i = 0; i < plan.blocks; i++)
        bytes_put_be64(bytes + plan.cluster + 8 * i, (1 + plan.table + i) << layout->cluster_bits);
    for (uint64_t i = 0; i < plan.total; i++)
        bytes[((1 + plan.table) << layout->cluster_bits) + 2 * i + 1] = 1;
    if (result == 0 && (pwrite(fd, bytes, size, 0) != (ssize_t)size ||
                           ftruncate(fd, (off_t)(plan.total << layout->cluster_bits)) < 0))
        result = error_set(e, "cannot write the image: %s", strerror(errno));
    free(bytes);
    return result;
}
