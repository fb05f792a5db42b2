#include "util/iov.h"

#include <stdint.h>
#include <string.h>

/* How much of *iov lies in [*offset, *offset + size), and where. Afterwards *offset counts from the end of
 * *iov on. */
static size_t take(const struct iovec *iov, size_t *offset, size_t size, uint8_t **at) {
    size_t before = *offset < iov->iov_len ? *offset : iov->iov_len;
    size_t part = iov->iov_len - before;
    *at = (uint8_t *)iov->iov_base + before;
    *offset -= before;
    return part < size ? part : size;
}

/* Copies [offset, offset + size) to or from a buffer. */
static size_t copy(
    const struct iovec *iov, unsigned count, size_t offset, uint8_t *to, const uint8_t *from, size_t size) {
    size_t done = 0;
    for (unsigned i = 0; i < count && done < size; i++) {
        uint8_t *at;
        size_t part = take(&iov[i], &offset, size - done, &at);
        if (part && to)
            memcpy(to + done, at, part);
        else if (part)
            memcpy(at, from + done, part);
        done += part;
    }
    return done;
}

size_t iov_read(const struct iovec *iov, unsigned count, size_t offset, void *buffer, size_t size) {
    return copy(iov, count, offset, buffer, NULL, size);
}

size_t iov_write(const struct iovec *iov, unsigned count, size_t offset, const void *buffer, size_t size) {
    return copy(iov, count, offset, NULL, buffer, size);
}

size_t iov_size(const struct iovec *iov, unsigned count) {
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += iov[i].iov_len;
    return size;
}

unsigned iov_slice(struct iovec *out, const struct iovec *iov, unsigned count, size_t offset, size_t size) {
    unsigned used = 0;
    for (unsigned i = 0; i < count && size > 0; i++) {
        uint8_t *at;
        size_t part = take(&iov[i], &offset, size, &at);
        if (part)
            out[used++] = (struct iovec){at, part};
        size -= part;
    }
    return used;
}

void *iov_piece(const struct iovec *iov, unsigned count, size_t offset, size_t size) {
    unsigned i = 0;
    for (; i < count && offset >= iov[i].iov_len; i++)
        offset -= iov[i].iov_len;
    if (i == count)
        return NULL;
    uint8_t *start = (uint8_t *)iov[i].iov_base + offset, *end = (uint8_t *)iov[i].iov_base + iov[i].iov_len;
    while ((size_t)(end - start) < size && ++i < count && iov[i].iov_base == end)
        end += iov[i].iov_len;
    return (size_t)(end - start) < size ? NULL : start;
}

void iov_zero(const struct iovec *iov, unsigned count, size_t offset, size_t size) {
    for (unsigned i = 0; i < count && size > 0; i++) {
        uint8_t *at;
        size_t part = take(&iov[i], &offset, size, &at);
        if (part)
            memset(at, 0, part);
        size -= part;
    }
}
