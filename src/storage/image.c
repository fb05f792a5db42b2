#include "storage/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/raw.h"

enum { COPY_AT_ONCE = 1 << 30 };

static int create_file(const char *path, struct error *e) {
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return fd < 0 ? error_set(e, "%s: %s", path, strerror(errno)) : fd;
}

static int close_file(int fd, const char *path, int result, struct error *e) {
    if (result == 0 && fsync(fd) < 0)
        result = error_set(e, "%s: %s", path, strerror(errno));
    close(fd);
    if (result < 0)
        unlink(path);
    return result;
}

static int create_qcow2(const char *path, const struct qcow2_layout *layout, struct error *e) {
    struct error why;
    int fd = create_file(path, e);
    if (fd < 0)
        return -1;
    int result = qcow2_format(fd, layout, &why);
    if (result < 0)
        error_set(e, "%s: %s", path, why.text);
    return close_file(fd, path, result, e);
}

int storage_create(const char *path, enum storage_format format, uint64_t size, struct error *e) {
    if (size == 0 || size % STORAGE_SECTOR)
        return error_set(e, "%s: a disk's size is a multiple of %d bytes above 0", path, STORAGE_SECTOR);
    if (format == STORAGE_QCOW2)
        return create_qcow2(
            path, &(struct qcow2_layout){.size = size, .cluster_bits = QCOW2_DEFAULT_CLUSTER_BITS}, e);
    int fd = create_file(path, e);
    if (fd < 0)
        return -1;
    int result = ftruncate(fd, (off_t)size) < 0 ? error_set(e, "%s: %s", path, strerror(errno)) : 0;
    return close_file(fd, path, result, e);
}

int storage_create_overlay(const char *path, const char *backing, enum storage_format backing_format,
    uint64_t size, struct error *e) {
    char *where = storage_backing_path(path, backing, e);
    if (!where)
        return -1;
    const struct storage_config config = {.path = where, .format = backing_format, .read_only = true};
    struct storage *base = storage_open(&config, e);
    free(where);
    if (!base)
        return -1;
    bool qcow2 = storage_is_qcow2(base);
    const struct qcow2_layout layout = {
        .size = size ? size : base->size,
        .cluster_bits = QCOW2_DEFAULT_CLUSTER_BITS,
        .backing = backing,
        .backing_format = storage_format_name(qcow2 ? STORAGE_QCOW2 : STORAGE_RAW),
    };
    int result = layout.size % STORAGE_SECTOR
                     ? error_set(e, "%s: a disk's size is a multiple of %d bytes", path, STORAGE_SECTOR)
                     : create_qcow2(path, &layout, e);
    storage_close(base);
    return result;
}

/* --- copies */

static int copy_range(int from, int to, off_t offset, off_t end) {
    while (offset < end) {
        off_t in = offset, out = offset;
        size_t size = end - offset < COPY_AT_ONCE ? (size_t)(end - offset) : COPY_AT_ONCE;
        ssize_t done = copy_file_range(from, &in, to, &out, size, 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? -errno : -EIO;
        offset += done;
    }
    return 0;
}

static int copy_data(int from, int to) {
    struct stat stat_from;
    if (fstat(from, &stat_from) < 0 || ftruncate(to, stat_from.st_size) < 0)
        return -errno;
    for (off_t at = 0, data; (data = lseek(from, at, SEEK_DATA)) >= 0;) {
        at = lseek(from, data, SEEK_HOLE);
        int result = at < 0 ? -errno : copy_range(from, to, data, at);
        if (result < 0)
            return result;
    }
    return errno == ENXIO ? 0 : -errno;
}

int storage_clone(const char *from, const char *to, struct error *e) {
    /* The lock keeps it as it is meanwhile. */
    struct storage *locked =
        storage_raw_open(&(struct storage_config){.path = from, .format = STORAGE_RAW, .read_only = true}, e);
    if (!locked)
        return -1;
    int in = open(from, O_RDONLY | O_CLOEXEC), result = 0;
    int out = in < 0 ? error_set(e, "%s: %s", from, strerror(errno)) : create_file(to, e);
    if (out >= 0) {
        result = ioctl(out, FICLONE, in) == 0 ? 0 : copy_data(in, out);
        if (result < 0)
            error_set(e, "cannot copy %s to %s: %s", from, to, strerror(-result));
        result = close_file(out, to, result, e);
    }
    if (in >= 0)
        close(in);
    storage_close(locked);
    return out < 0 ? -1 : result;
}

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

int storage_fork(const char *path, enum storage_format format, const char *base, const char *next,
    const char *clone, struct error *e) {
    if (link(path, base) < 0)
        return error_set(e, "cannot make %s of %s: %s", base, path, strerror(errno));
    if (storage_create_overlay(next, base_name(base), format, 0, e) == 0) {
        if (storage_create_overlay(clone, base_name(base), format, 0, e) == 0)
            return 0;
        unlink(next);
    }
    unlink(base);
    return -1;
}

/* --- looking and resizing */

int storage_info(const char *path, enum storage_format format, struct storage_info *out, struct error *e) {
    struct stat stat_now;
    *out = (struct storage_info){.format = format};
    if (stat(path, &stat_now) < 0)
        return error_set(e, "disk %s: %s", path, strerror(errno));
    if (format == STORAGE_AUTO) /* only looking does no harm */
        out->format = storage_looks_like_qcow2(path) ? STORAGE_QCOW2 : STORAGE_RAW;
    const struct storage_config config = {.path = path, .read_only = true, .unlocked = true};
    struct storage *file = storage_raw_open(&config, e);
    if (!file)
        return -1;
    out->size = file->size;
    out->allocated = 512ull * (uint64_t)stat_now.st_blocks;
    int result = 0;
    if (out->format == STORAGE_QCOW2 && (result = qcow2_header_read(file, path, &out->qcow2, e)) == 0)
        out->size = out->qcow2.size;
    storage_close(file);
    return result;
}

int storage_resize(
    const char *path, enum storage_format format, uint64_t size, bool shrink, struct error *e) {
    struct storage *storage = storage_open(&(struct storage_config){.path = path, .format = format}, e);
    if (!storage)
        return -1;
    int result = 0;
    if (size == 0 || size % STORAGE_SECTOR)
        result =
            error_set(e, "disk %s: a disk's size is a multiple of %d bytes above 0", path, STORAGE_SECTOR);
    else if (size < storage->size && !shrink)
        result =
            error_set(e, "disk %s: that would cut off its end, with what is there (--shrink does it)", path);
    else if ((result = storage->ops->resize(storage, size)) < 0)
        error_set(e, "disk %s: cannot resize it: %s", path,
            result == -EBUSY ? "it has snapshots" : strerror(-result));
    storage_close(storage);
    return result < 0 ? -1 : 0;
}
