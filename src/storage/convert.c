/* Copies a disk from one image format to another. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/image.h"

enum { CHUNK = 1 << 20, ZERO_UNIT = 4096, CLUSTER = 1 << QCOW2_DEFAULT_CLUSTER_BITS };
_Static_assert(CHUNK % CLUSTER == 0 && CLUSTER % ZERO_UNIT == 0, "whole clusters in a chunk");

struct copy {
    const struct storage_convert *how;
    struct storage *from, *to;
    uint8_t *data;
};

static bool is_zero(const uint8_t *data, size_t size) {
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* Leaves out zeros: the new image is full of them. */
static int write_plain(struct copy *copy, uint64_t offset, size_t size) {
    int result = 0;
    for (size_t begin = 0, end; begin < size && result == 0; begin = end) {
        size_t unit = size - begin < ZERO_UNIT ? size - begin : ZERO_UNIT;
        end = begin + unit;
        if (is_zero(copy->data + begin, unit))
            continue;
        while (end < size) {
            unit = size - end < ZERO_UNIT ? size - end : ZERO_UNIT;
            if (is_zero(copy->data + end, unit))
                break;
            end += unit;
        }
        struct iovec part = {copy->data + begin, end - begin};
        result = copy->to->ops->pwritev(copy->to, &part, 1, offset + begin);
    }
    return result;
}

static int write_compressed(struct copy *copy, uint64_t offset, size_t size) {
    int result = 0;
    if (size % CLUSTER) /* the disk's end */
        memset(copy->data + size, 0, CLUSTER - size % CLUSTER);
    for (size_t at = 0; at < size && result == 0; at += CLUSTER)
        if (!is_zero(copy->data + at, CLUSTER))
            result = qcow2_write_compressed(copy->to, offset + at, copy->data + at);
    return result;
}

/* How much of [offset, end) is zero, or is data: from chunk's border to chunk's border. */
static int next_data(struct copy *copy, uint64_t *offset) {
    while (*offset < copy->from->size) {
        struct storage_extent extent;
        int result = copy->from->ops->map(copy->from, *offset, copy->from->size - *offset, &extent);
        if (result < 0 || !extent.zero)
            return result;
        *offset += extent.size;
    }
    return 0;
}

static int copy_all(struct copy *copy) {
    uint64_t offset = 0, size = copy->from->size;
    for (;;) {
        int result = next_data(copy, &offset);
        if (result < 0 || offset >= size)
            return result;
        offset -= offset % CHUNK; /* whole clusters, also when only part of one has data */
        size_t part = size - offset < CHUNK ? (size_t)(size - offset) : CHUNK;
        result = copy->from->ops->preadv(copy->from, &(struct iovec){copy->data, part}, 1, offset);
        if (result == 0)
            result = (copy->how->compress ? write_compressed : write_plain)(copy, offset, part);
        if (result < 0)
            return result;
        offset += part;
        if (copy->how->progress)
            copy->how->progress(copy->how->ctx, (double)offset / (double)size);
    }
}

static int create_target(const struct storage_convert *how, uint64_t size, struct error *e) {
    if (how->to_format != STORAGE_QCOW2 || !how->compress)
        return storage_create(how->to, how->to_format, size, e);
    const struct qcow2_layout layout = {
        .size = size, .cluster_bits = QCOW2_DEFAULT_CLUSTER_BITS, .compression = how->compression};
    int fd = open(how->to, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set(e, "%s: %s", how->to, strerror(errno));
    int result = qcow2_format(fd, &layout, e);
    close(fd);
    if (result < 0)
        unlink(how->to);
    return result;
}

static int copy_to(struct copy *copy, struct error *e) {
    const struct storage_config to = {.path = copy->how->to, .format = copy->how->to_format};
    if (!(copy->to = storage_open(&to, e)))
        return -1;
    if (!(copy->data = malloc(CHUNK)))
        return error_set(e, "out of memory");
    int result = copy_all(copy);
    if (result == 0)
        result = copy->to->ops->flush(copy->to);
    if (result < 0)
        return error_set(e, "cannot convert %s to %s: %s", copy->how->from, copy->how->to, strerror(-result));
    return 0;
}

int storage_convert(const struct storage_convert *how, struct error *e) {
    struct copy copy = {.how = how};
    const struct storage_config from = {.path = how->from, .format = how->from_format, .read_only = true};
    if (!(copy.from = storage_open(&from, e)))
        return -1;
    int created = create_target(how, copy.from->size, e), result = created;
    if (created == 0)
        result = copy_to(&copy, e);
    storage_close(copy.to);
    storage_close(copy.from);
    free(copy.data);
    if (created == 0 && result < 0)
        unlink(how->to);
    return result;
}
