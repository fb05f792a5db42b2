#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#include "storage/qcow2/internal.h"

enum { ZEROES_SIZE = 64 * 1024 };

int qcow2_file_read(struct qcow2 *q, uint64_t offset, void *data, size_t size) {
    return q->file->ops->preadv(q->file, &(struct iovec){data, size}, 1, offset);
}

int qcow2_file_write(struct qcow2 *q, uint64_t offset, const void *data, size_t size) {
    return q->file->ops->pwritev(q->file, &(struct iovec){(void *)data, size}, 1, offset);
}

/* Written, not punched: tables are better in one piece. */
int qcow2_file_zero(struct qcow2 *q, uint64_t offset, uint64_t size) {
    static const uint8_t zeroes[ZEROES_SIZE];
    int result = 0;
    for (uint64_t done = 0; done < size && result == 0; done += ZEROES_SIZE)
        result =
            qcow2_file_write(q, offset + done, zeroes, size - done < ZEROES_SIZE ? size - done : ZEROES_SIZE);
    return result;
}

int qcow2_file_write_table(struct qcow2 *q, uint64_t offset, const uint64_t *entries, uint64_t count) {
    uint64_t *bytes = malloc(count * sizeof *bytes);
    if (!bytes)
        return -ENOMEM;
    for (uint64_t i = 0; i < count; i++)
        bytes[i] = htobe64(entries[i]);
    int result = qcow2_file_write(q, offset, bytes, count * sizeof *bytes);
    free(bytes);
    return result;
}

int qcow2_file_read_table(struct qcow2 *q, uint64_t offset, uint64_t *entries, uint64_t count) {
    int result = qcow2_file_read(q, offset, entries, count * sizeof *entries);
    for (uint64_t i = 0; i < count; i++)
        entries[i] = be64toh(entries[i]);
    return result;
}
