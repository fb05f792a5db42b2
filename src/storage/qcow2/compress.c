/* Compressed clusters: raw deflate or zstd. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "storage/qcow2/internal.h"
#include "util/iov.h"

enum { DEFLATE_WINDOW = -12 }; /* raw, 4 KiB: what readers of the format expect */

static int inflate_zlib(const uint8_t *in, uint32_t in_size, uint8_t *out, uint32_t size) {
    z_stream stream = {.next_in = (uint8_t *)in, .avail_in = in_size, .next_out = out, .avail_out = size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return -ENOMEM;
    inflate(&stream, Z_FINISH);
    bool whole = stream.avail_out == 0;
    inflateEnd(&stream);
    return whole ? 0 : -EIO;
}

/* The input's end is known only to the sector: stop when the cluster is full. */
static int inflate_zstd(const uint8_t *in, uint32_t in_size, uint8_t *out, uint32_t size) {
    ZSTD_DStream *stream = ZSTD_createDStream();
    if (!stream)
        return -ENOMEM;
    ZSTD_inBuffer from = {in, in_size, 0};
    ZSTD_outBuffer to = {out, size, 0};
    while (to.pos < to.size) {
        size_t before_in = from.pos, before_out = to.pos;
        size_t left = ZSTD_decompressStream(stream, &to, &from);
        if (ZSTD_isError(left) || (from.pos == before_in && to.pos == before_out))
            break;
    }
    ZSTD_freeDStream(stream);
    return to.pos == to.size ? 0 : -EIO;
}

static int decompress(struct qcow2 *q, const struct mapping *mapping, uint8_t *out) {
    uint8_t *in = malloc(mapping->compressed_size);
    if (!in)
        return -ENOMEM;
    int result = qcow2_file_read(q, mapping->host, in, mapping->compressed_size);
    if (result == 0)
        result = (q->header.compression == QCOW2_ZSTD ? inflate_zstd : inflate_zlib)(
            in, mapping->compressed_size, out, q->cluster_size);
    free(in);
    return result;
}

int qcow2_read_compressed(struct qcow2 *q, const struct mapping *mapping, uint64_t entry,
    const struct iovec *iov, unsigned count, uint32_t offset, uint32_t size) {
    pthread_mutex_lock(&q->inflate_lock);
    bool found = q->inflated && q->inflated_entry == entry;
    if (found)
        iov_write(iov, count, 0, q->inflated + offset, size);
    pthread_mutex_unlock(&q->inflate_lock);
    if (found)
        return 0;
    uint8_t *data = malloc(q->cluster_size);
    int result = data ? decompress(q, mapping, data) : -ENOMEM;
    if (result < 0) {
        free(data);
        return result;
    }
    iov_write(iov, count, 0, data + offset, size);
    pthread_mutex_lock(&q->inflate_lock);
    free(q->inflated);
    q->inflated = data;
    q->inflated_entry = entry;
    pthread_mutex_unlock(&q->inflate_lock);
    return 0;
}

/* --- writing */

/* 0: it does not get smaller. */
static size_t compress_cluster(const struct qcow2 *q, const void *cluster, uint8_t *out) {
    size_t room = q->cluster_size - STORAGE_SECTOR;
    if (q->header.compression == QCOW2_ZSTD) {
        size_t size = ZSTD_compress(out, room, cluster, q->cluster_size, 3);
        return ZSTD_isError(size) ? 0 : size;
    }
    z_stream stream = {.next_in = (uint8_t *)cluster,
        .avail_in = q->cluster_size,
        .next_out = out,
        .avail_out = (unsigned)room};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, DEFLATE_WINDOW, 9, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return 0;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    size_t size = stream.total_out;
    deflateEnd(&stream);
    return whole ? size : 0;
}

/* Room behind the last one, over the border of a cluster if the next is free; else in a new cluster. */
static int reserve(struct qcow2 *q, size_t size, uint64_t *at) {
    uint64_t index, count = 1, left = q->packed ? q->cluster_size - q->packed % q->cluster_size : 0;
    uint64_t here = q->packed >> q->cluster_bits, users;
    int result = 0;
    if (left < size && (result = qcow2_allocate(q, &index, &count)) < 0)
        return result;
    bool joins = q->packed && (left >= size || index == here + 1);
    if (joins) {
        *at = q->packed;
        result = qcow2_refcount(q, here, &users);
        if (result == 0)
            result = qcow2_refcount_set(q, here, users + 1);
    } else {
        *at = index << q->cluster_bits;
    }
    q->packed = *at + size;
    if (q->packed % q->cluster_size == 0)
        q->packed = 0;
    return result;
}

static uint64_t descriptor(const struct qcow2 *q, uint64_t at, size_t size) {
    uint64_t sectors = (at + size - 1) / STORAGE_SECTOR - at / STORAGE_SECTOR;
    return QCOW2_COMPRESSED | sectors << (62 - (q->cluster_bits - 8)) | at;
}

int qcow2_write_compressed(struct storage *storage, uint64_t offset, const void *cluster) {
    struct qcow2 *q = qcow2_of(storage);
    uint8_t *out = malloc(q->cluster_size);
    if (!out)
        return -ENOMEM;
    uint64_t at = 0;
    size_t size = compress_cluster(q, cluster, out);
    int result = 0;
    if (size == 0) {
        uint64_t left = storage->size - offset;
        size_t whole = left < q->cluster_size ? left : q->cluster_size;
        result = qcow2_pwritev(storage, &(struct iovec){(void *)cluster, whole}, 1, offset);
    } else {
        pthread_mutex_lock(&q->lock);
        result = qcow2_l2_prepare(q, offset >> q->cluster_bits);
        if (result == 0)
            result = reserve(q, size, &at);
        pthread_mutex_unlock(&q->lock);
        if (result == 0)
            result = qcow2_file_write(q, at, out, size);
        pthread_mutex_lock(&q->lock);
        if (result == 0)
            result = qcow2_l2_replace(q, offset >> q->cluster_bits, descriptor(q, at, size));
        pthread_mutex_unlock(&q->lock);
    }
    free(out);
    return result < 0 ? result : qcow2_commit_if_due(q);
}
