/* Writes changed tables, in the order that keeps the file consistent (internal.h). */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "storage/qcow2/internal.h"

enum { WRITE_AT_ONCE = 64 };

struct staged {
    uint64_t offset;
    struct slice *slice;
    uint8_t *data;
};

/* Copies of what is dirty, taken at one moment. */
struct commit {
    struct staged *slices; /* by kind, then by offset */
    unsigned count, refcounts;
    uint8_t *data;
    uint64_t *l1, *reftable; /* the dirty entries */
    struct dirty_range l1_range, reftable_range;
    uint64_t l1_offset, reftable_offset;
    struct run_list frees;
};

static uint64_t length(struct dirty_range range) {
    return range.first < range.end ? range.end - range.first : 0;
}

static int by_kind_and_offset(const void *a, const void *b) {
    const struct staged *x = a, *y = b;
    if (x->slice->kind != y->slice->kind)
        return x->slice->kind < y->slice->kind ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int stage_slices(struct qcow2 *q, struct commit *commit) {
    unsigned room = q->cache.dirty;
    uint32_t size = q->cache.slice_size;
    if (room == 0)
        return 0;
    commit->slices = malloc(room * sizeof *commit->slices);
    commit->data = malloc((size_t)room * size);
    if (!commit->slices || !commit->data)
        return -ENOMEM;
    for (struct slice *slice = q->cache.newest; slice; slice = slice->older) {
        if (!slice->dirty)
            continue;
        uint8_t *copy = commit->data + (size_t)commit->count * size;
        memcpy(copy, slice->data, size);
        commit->slices[commit->count++] = (struct staged){slice->offset, slice, copy};
        commit->refcounts += slice->kind == SLICE_REFCOUNT;
        slice->dirty = false;
        slice->staged = true;
    }
    q->cache.dirty = 0;
    qsort(commit->slices, commit->count, sizeof *commit->slices, by_kind_and_offset);
    return 0;
}

static int stage_table(
    uint64_t **copy, struct dirty_range *taken, struct dirty_range *dirty, const uint64_t *table) {
    size_t size = length(*dirty) * sizeof *table;
    if (size == 0)
        return 0;
    if (!(*copy = malloc(size)))
        return -ENOMEM;
    memcpy(*copy, table + dirty->first, size);
    *taken = *dirty;
    *dirty = (struct dirty_range){0};
    return 0;
}

static int stage(struct qcow2 *q, struct commit *commit) {
    commit->l1_offset = q->header.l1_offset;
    commit->reftable_offset = q->header.reftable_offset;
    int result = stage_table(&commit->l1, &commit->l1_range, &q->l1_dirty, q->l1);
    if (result == 0)
        result = stage_table(&commit->reftable, &commit->reftable_range, &q->reftable_dirty, q->reftable);
    if (result == 0)
        result = stage_slices(q, commit);
    if (result == 0) {
        commit->frees = q->frees;
        q->frees = (struct run_list){0};
    }
    return result;
}

static int write_slices(struct qcow2 *q, const struct staged *slices, unsigned count) {
    struct iovec iov[WRITE_AT_ONCE];
    uint32_t size = q->cache.slice_size;
    for (unsigned i = 0, n; i < count; i += n) {
        for (n = 0; n < WRITE_AT_ONCE && i + n < count; n++) {
            if (slices[i + n].offset != slices[i].offset + (uint64_t)n * size)
                break;
            iov[n] = (struct iovec){slices[i + n].data, size};
        }
        int result = q->file->ops->pwritev(q->file, iov, n, slices[i].offset);
        if (result < 0)
            return result;
    }
    return 0;
}

static int flush(struct qcow2 *q) {
    return q->file->ops->flush(q->file);
}

static int write_table(struct qcow2 *q, uint64_t offset, const uint64_t *entries, struct dirty_range range) {
    if (length(range) == 0)
        return 0;
    /* What the entries refer to first. */
    int result = flush(q);
    return result < 0 ? result : qcow2_file_write_table(q, offset + range.first * 8, entries, length(range));
}

static int write_all(struct qcow2 *q, const struct commit *commit) {
    int result = write_slices(q, commit->slices, commit->refcounts);
    if (result == 0)
        result = write_table(q, commit->reftable_offset, commit->reftable, commit->reftable_range);
    if (result == 0)
        result = flush(q); /* the data, too, before what refers to it */
    if (result < 0 || (commit->count == commit->refcounts && length(commit->l1_range) == 0))
        return result;
    result = write_slices(q, commit->slices + commit->refcounts, commit->count - commit->refcounts);
    if (result == 0)
        result = write_table(q, commit->l1_offset, commit->l1, commit->l1_range);
    return result == 0 ? flush(q) : result;
}

static void dirty_again(struct dirty_range *range, struct dirty_range more) {
    if (length(more) == 0)
        return;
    if (length(*range) == 0)
        *range = more;
    if (more.first < range->first)
        range->first = more.first;
    if (more.end > range->end)
        range->end = more.end;
}

static void undo(struct qcow2 *q, struct commit *commit) {
    for (unsigned i = 0; i < commit->count; i++)
        qcow2_slice_dirty(q, commit->slices[i].slice);
    dirty_again(&q->l1_dirty, commit->l1_range);
    dirty_again(&q->reftable_dirty, commit->reftable_range);
    for (size_t i = 0; i < commit->frees.count; i++)
        qcow2_free(q, commit->frees.runs[i].first, commit->frees.runs[i].count);
}

/* Space goes back to the host while the clusters are still taken. */
static void punch(struct qcow2 *q, const struct run_list *frees) {
    for (size_t i = 0; i < frees->count; i++) {
        uint64_t first = frees->runs[i].first, end = first + frees->runs[i].count, last;
        while (first < end) {
            uint64_t value = 0;
            pthread_mutex_lock(&q->lock);
            for (last = first; last < end; last++)
                if (qcow2_refcount(q, last, &value) < 0 || value != 1)
                    break;
            pthread_mutex_unlock(&q->lock);
            if (last > first)
                q->file->ops->discard(q->file, first << q->cluster_bits, (last - first) << q->cluster_bits);
            first = last + 1;
        }
    }
}

static void release(struct qcow2 *q, const struct run_list *frees) {
    for (size_t i = 0; i < frees->count; i++)
        for (uint64_t n = 0; n < frees->runs[i].count; n++) {
            uint64_t index = frees->runs[i].first + n, value;
            if (qcow2_refcount(q, index, &value) < 0 || value == 0 ||
                qcow2_refcount_set(q, index, value - 1) < 0)
                continue; /* lost */
            if (value == 1 && index < q->next_free)
                q->next_free = index;
        }
}

static int commit_once(struct qcow2 *q) {
    struct commit commit = {0};
    pthread_mutex_lock(&q->lock);
    int result = stage(q, &commit);
    pthread_mutex_unlock(&q->lock);
    if (result == 0)
        result = write_all(q, &commit);
    if (result == 0)
        punch(q, &commit.frees);
    pthread_mutex_lock(&q->lock);
    for (unsigned i = 0; i < commit.count; i++)
        commit.slices[i].slice->staged = false;
    if (result == 0)
        release(q, &commit.frees);
    else
        undo(q, &commit);
    pthread_mutex_unlock(&q->lock);
    free(commit.slices);
    free(commit.data);
    free(commit.l1);
    free(commit.reftable);
    free(commit.frees.runs);
    return result;
}

int qcow2_commit(struct qcow2 *q) {
    pthread_mutex_lock(&q->committing);
    int result = commit_once(q);
    pthread_mutex_unlock(&q->committing);
    return result;
}

int qcow2_commit_if_due(struct qcow2 *q) {
    pthread_mutex_lock(&q->lock);
    bool due = q->cache.dirty > q->cache.capacity / 4;
    pthread_mutex_unlock(&q->lock);
    return due ? qcow2_commit(q) : 0;
}
