/* Pieces of L2 tables and refcount blocks in memory, the least recently used thrown out first. */
#include <errno.h>
#include <stdlib.h>

#include "storage/qcow2/internal.h"

enum { CACHE_BYTES = 16 << 20 };

int slice_cache_create(struct slice_cache *cache, uint32_t slice_size) {
    cache->slice_size = slice_size;
    cache->capacity = cache->buckets = CACHE_BYTES / slice_size;
    cache->bucket = calloc(cache->buckets, sizeof(struct slice *));
    return cache->bucket ? 0 : -ENOMEM;
}

void slice_cache_destroy(struct slice_cache *cache) {
    for (struct slice *slice = cache->newest, *older; slice; slice = older) {
        older = slice->older;
        free(slice);
    }
    free(cache->bucket);
}

static struct slice **bucket_of(struct slice_cache *cache, uint64_t offset) {
    uint64_t hash = offset / cache->slice_size * 0x9e3779b97f4a7c15ull;
    return &cache->bucket[(hash >> 32) & (cache->buckets - 1)];
}

static void unlink_age(struct slice_cache *cache, struct slice *slice) {
    *(slice->newer ? &slice->newer->older : &cache->newest) = slice->older;
    *(slice->older ? &slice->older->newer : &cache->oldest) = slice->newer;
}

static void make_newest(struct slice_cache *cache, struct slice *slice) {
    slice->newer = NULL;
    slice->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = slice;
    cache->newest = slice;
}

static void drop(struct slice_cache *cache, struct slice *slice) {
    struct slice **at = bucket_of(cache, slice->offset);
    while (*at != slice)
        at = &(*at)->chain;
    *at = slice->chain;
    unlink_age(cache, slice);
    cache->count--;
    free(slice);
}

/* What is dirty stays, even beyond the capacity: only a commit may write it. */
static void make_room(struct slice_cache *cache) {
    struct slice *slice = cache->oldest;
    while (slice && cache->count >= cache->capacity) {
        struct slice *newer = slice->newer;
        if (!slice->dirty && !slice->staged)
            drop(cache, slice);
        slice = newer;
    }
}

int qcow2_slice(struct qcow2 *q, enum slice_kind kind, uint64_t offset, struct slice **out) {
    struct slice_cache *cache = &q->cache;
    offset -= offset % cache->slice_size;
    struct slice **at = bucket_of(cache, offset), *slice = *at;
    while (slice && slice->offset != offset)
        slice = slice->chain;
    if (slice) {
        if (slice->kind != kind) /* a damaged image: two tables in one place */
            return -EIO;
        if (cache->newest != slice) {
            unlink_age(cache, slice);
            make_newest(cache, slice);
        }
        *out = slice;
        return 0;
    }
    make_room(cache);
    if (!(slice = malloc(sizeof *slice + cache->slice_size)))
        return -ENOMEM;
    int result = qcow2_file_read(q, offset, slice->data, cache->slice_size);
    if (result < 0) {
        free(slice);
        return result;
    }
    slice->offset = offset;
    slice->kind = kind;
    slice->dirty = slice->staged = false;
    slice->chain = *at;
    *at = slice;
    make_newest(cache, slice);
    cache->count++;
    *out = slice;
    return 0;
}

void qcow2_slice_dirty(struct qcow2 *q, struct slice *slice) {
    q->cache.dirty += !slice->dirty;
    slice->dirty = true;
}
