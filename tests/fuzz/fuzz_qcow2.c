/* A qcow2 image with a hostile header and tables: opened, checked, read and written. The input is laid over a
 * small image that is right: pieces of (offset, length, bytes), then requests. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "input.h"
#include "storage/image.h"
#include "storage/qcow2/qcow2.h"

enum { DISK_SIZE = 256 << 10, CLUSTER_BITS = 9, FILE_MAX = 8 << 20, REQUEST_MAX = 16 << 10 };

static void patch(int fd, struct fuzz_input *in) {
    for (unsigned pieces = fuzz_byte(in) % 32; pieces > 0; pieces--) {
        uint16_t at = fuzz_u16(in);
        uint8_t bytes[16], count = 1 + fuzz_byte(in) % sizeof bytes;
        for (unsigned i = 0; i < count; i++)
            bytes[i] = fuzz_byte(in);
        if (pwrite(fd, bytes, count, at) != count)
            abort();
    }
}

static void request(struct storage *s, struct fuzz_input *in) {
    static uint8_t data[REQUEST_MAX];
    uint8_t kind = fuzz_byte(in);
    uint64_t sectors = s->size / STORAGE_SECTOR, first = fuzz_u16(in) % sectors,
             count = 1 + fuzz_byte(in) % 32;
    if (kind & 0x80) /* the far end */
        first = sectors - 1 - first % sectors;
    if (count > sectors - first)
        count = sectors - first;
    uint64_t offset = first * STORAGE_SECTOR, size = count * STORAGE_SECTOR;
    struct iovec iov = {data, size};
    if (kind % 8 < 3)
        s->ops->preadv(s, &iov, 1, offset);
    else if (!s->read_only && kind % 8 == 3)
        s->ops->pwritev(s, &iov, 1, offset);
    else if (!s->read_only && kind % 8 == 4)
        s->ops->discard(s, offset, size);
    else if (!s->read_only && kind % 8 == 5)
        s->ops->write_zeroes(s, offset, size, kind & 16);
    else if (!s->read_only && kind % 8 == 6)
        s->ops->flush(s);
    else {
        struct storage_extent extent;
        if (s->ops->map(s, offset, size, &extent) == 0 && (extent.size == 0 || extent.size > size))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, size};
    char path[32];
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    uint8_t kind = fuzz_byte(&in);
    const struct qcow2_layout layout = {.size = DISK_SIZE,
        .cluster_bits = CLUSTER_BITS + kind % 4,
        .compression = kind & 8 ? QCOW2_ZSTD : QCOW2_ZLIB};
    if (qcow2_format(fd, &layout, NULL) < 0)
        abort();
    patch(fd, &in);
    struct storage_config config = {.path = path, .format = STORAGE_QCOW2, .read_only = kind & 16};
    struct storage *s = storage_open(&config, NULL);
    for (unsigned i = 0; s && i < 24 && lseek(fd, 0, SEEK_END) < FILE_MAX; i++)
        request(s, &in);
    struct qcow2_check found;
    if (s && kind & 32)
        qcow2_check(s, kind & 64, NULL, &found, NULL);
    storage_close(s);
    close(fd);
    return 0;
}
