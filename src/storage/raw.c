#include "storage/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/iov.h"
#include "util/log.h"

enum { DIRECT_ALIGNMENT_MAX = 4096, BOUNCE_SIZE = 1 << 20, ZEROES_SIZE = 64 * 1024 };

struct raw {
    struct storage storage; /* first: the ops get a pointer to it */
    int fd;
    uint64_t end; /* the image's length in bytes; less than size when its last sector is not whole */
    bool direct;
};

static struct raw *raw_of(struct storage *storage) {
    return (struct raw *)storage;
}

/* --- transfers */

static ssize_t once(struct raw *raw, bool write, const struct iovec *iov, unsigned count, uint64_t offset) {
    ssize_t done;
    do {
        done = write ? pwritev(raw->fd, iov, (int)count, (off_t)offset)
                     : preadv(raw->fd, iov, (int)count, (off_t)offset);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

static void advance(struct iovec **iov, unsigned *count, size_t done) {
    while (*count && done >= (*iov)->iov_len) {
        done -= (*iov)->iov_len;
        (*iov)++;
        (*count)--;
    }
    if (*count) {
        (*iov)->iov_base = (uint8_t *)(*iov)->iov_base + done;
        (*iov)->iov_len -= done;
    }
}

/* The end of an image in the middle of a sector reads as zeros; one that shrank under us is an error. */
static int past_end(const struct raw *raw, const struct iovec *iov, unsigned count, uint64_t offset) {
    if (offset < raw->end)
        return -EIO;
    for (unsigned i = 0; i < count; i++)
        memset(iov[i].iov_base, 0, iov[i].iov_len);
    return 0;
}

/* Goes on where a first attempt stopped short. */
static int finish(
    struct raw *raw, bool write, const struct iovec *list, unsigned count, uint64_t offset, size_t done) {
    struct iovec *copy = malloc(count * sizeof *copy);
    if (!copy)
        return -ENOMEM;
    memcpy(copy, list, count * sizeof *copy);
    struct iovec *iov = copy;
    int result = 0;
    for (;;) {
        advance(&iov, &count, done);
        offset += done;
        if (!count)
            break;
        ssize_t more = once(raw, write, iov, count, offset);
        if (more <= 0) {
            result = more < 0 ? (int)more : write ? -EIO : past_end(raw, iov, count, offset);
            break;
        }
        done = (size_t)more;
    }
    free(copy);
    return result;
}

static int transfer(struct raw *raw, bool write, const struct iovec *iov, unsigned count, uint64_t offset) {
    if (count > IOV_MAX)
        return -EINVAL;
    ssize_t done = once(raw, write, iov, count, offset);
    if (done < 0)
        return (int)done;
    return (size_t)done == iov_size(iov, count) ? 0 : finish(raw, write, iov, count, offset, (size_t)done);
}

/* --- O_DIRECT wants aligned buffers */

static bool aligned(const struct raw *raw, const struct iovec *iov, unsigned count) {
    uintptr_t bits = 0;
    for (unsigned i = 0; i < count; i++)
        bits |= (uintptr_t)iov[i].iov_base | iov[i].iov_len;
    return bits % raw->storage.block_size == 0;
}

static int bounce(struct raw *raw, bool write, const struct iovec *iov, unsigned count, uint64_t offset) {
    size_t size = iov_size(iov, count), step = size < BOUNCE_SIZE ? size : BOUNCE_SIZE;
    void *buffer;
    if (posix_memalign(&buffer, DIRECT_ALIGNMENT_MAX, step) != 0)
        return -ENOMEM;
    int result = 0;
    for (size_t done = 0; done < size && result == 0; done += step) {
        struct iovec part = {buffer, size - done < step ? size - done : step};
        if (write)
            iov_read(iov, count, done, buffer, part.iov_len);
        result = transfer(raw, write, &part, 1, offset + done);
        if (!write && result == 0)
            iov_write(iov, count, done, buffer, part.iov_len);
    }
    free(buffer);
    return result;
}

static int move(
    struct storage *storage, bool write, const struct iovec *iov, unsigned count, uint64_t offset) {
    struct raw *raw = raw_of(storage);
    bool fits = !raw->direct || aligned(raw, iov, count);
    return (fits ? transfer : bounce)(raw, write, iov, count, offset);
}

static int raw_preadv(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset) {
    return move(storage, false, iov, count, offset);
}

static int raw_pwritev(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset) {
    return move(storage, true, iov, count, offset);
}

/* --- the rest of the table */

static int raw_flush(struct storage *storage) {
    return fdatasync(raw_of(storage)->fd) < 0 ? -errno : 0;
}

static int allocate(struct storage *storage, int mode, uint64_t offset, uint64_t size) {
    int result;
    do {
        result = fallocate(raw_of(storage)->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

static bool not_supported(int result) {
    return result == -EOPNOTSUPP || result == -ENOSYS || result == -ENODEV;
}

static int raw_discard(struct storage *storage, uint64_t offset, uint64_t size) {
    int result = allocate(storage, FALLOC_FL_PUNCH_HOLE, offset, size);
    return not_supported(result) ? 0 : result;
}

static int write_zeroes_slowly(struct storage *storage, uint64_t offset, uint64_t size) {
    static const _Alignas(DIRECT_ALIGNMENT_MAX) uint8_t zeroes[ZEROES_SIZE];
    int result = 0;
    for (uint64_t done = 0; done < size && result == 0; done += ZEROES_SIZE) {
        struct iovec part = {(void *)zeroes, size - done < ZEROES_SIZE ? size - done : ZEROES_SIZE};
        result = raw_pwritev(storage, &part, 1, offset + done);
    }
    return result;
}

static int raw_write_zeroes(struct storage *storage, uint64_t offset, uint64_t size, bool unmap) {
    int result = unmap ? allocate(storage, FALLOC_FL_PUNCH_HOLE, offset, size) : -EOPNOTSUPP;
    if (not_supported(result))
        result = allocate(storage, FALLOC_FL_ZERO_RANGE, offset, size);
    return not_supported(result) ? write_zeroes_slowly(storage, offset, size) : result;
}

static int raw_map(struct storage *storage, uint64_t offset, uint64_t size, struct storage_extent *out) {
    struct raw *raw = raw_of(storage);
    *out = (struct storage_extent){.size = size};
    off_t data = lseek(raw->fd, (off_t)offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
        out->zero = true;
        return 0;
    }
    if (data < 0) /* a file system that does not know, a block device */
        return 0;
    uint64_t next = (uint64_t)data / STORAGE_SECTOR * STORAGE_SECTOR;
    out->zero = next > offset;
    if (!out->zero) {
        off_t hole = lseek(raw->fd, data, SEEK_HOLE);
        next = hole < 0 ? offset + size
                        : ((uint64_t)hole + STORAGE_SECTOR - 1) / STORAGE_SECTOR * STORAGE_SECTOR;
    }
    if (next > offset && next - offset < size)
        out->size = next - offset;
    return 0;
}

static int raw_resize(struct storage *storage, uint64_t size) {
    struct raw *raw = raw_of(storage);
    struct stat now;
    if (fstat(raw->fd, &now) < 0)
        return -errno;
    if (!S_ISREG(now.st_mode))
        return -ENOTSUP;
    if (ftruncate(raw->fd, (off_t)size) < 0)
        return -errno;
    raw->end = raw->storage.size = size;
    return 0;
}

/* Many readers or one writer, over all processes; by open file, so that a fork or another descriptor of the
 * same file in this process does not lose it. */
static int lock_file(struct raw *raw, bool shared) {
    struct flock lock = {.l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(raw->fd, F_OFD_SETLK, &lock) < 0 ? -errno : 0;
}

static bool is_locked_out(int result) {
    return result == -EAGAIN || result == -EACCES;
}

/* A file system without locks was said so when it was opened. */
static int raw_share(struct storage *storage, bool shared) {
    int result = lock_file(raw_of(storage), shared);
    return is_locked_out(result) ? result : 0;
}

static void raw_close(struct storage *storage) {
    struct raw *raw = raw_of(storage);
    if (raw->fd >= 0)
        close(raw->fd); /* and gives the lock back */
    free(raw);
}

/* --- opening */

static int open_image(struct raw *raw, const struct storage_config *config, struct error *e) {
    struct stat stat_before;
    if (stat(config->path, &stat_before) < 0)
        return error_set(e, "disk %s: %s", config->path, strerror(errno));
    bool device = S_ISBLK(stat_before.st_mode);
    if (!device && !S_ISREG(stat_before.st_mode))
        return error_set(e, "disk %s: neither a file nor a block device", config->path);
    int flags = (config->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
    if (device && !config->read_only)
        flags |= O_EXCL; /* not one that the host has mounted */
    if (config->direct)
        flags |= O_DIRECT;
    raw->fd = open(config->path, flags);
    if (raw->fd >= 0)
        return 0;
    if (!config->read_only && (errno == EACCES || errno == EPERM || errno == EROFS))
        return error_set(e, "disk %s: no permission to write to it (give it as %s,ro to only read it)",
            config->path, config->path);
    if (config->direct && errno == EINVAL)
        return error_set(e, "disk %s: its file system cannot do direct I/O", config->path);
    return error_set(e, "disk %s: %s", config->path, strerror(errno));
}

static int lock_image(struct raw *raw, const struct storage_config *config, struct error *e) {
    if (config->unlocked)
        return 0;
    int result = lock_file(raw, config->read_only);
    if (result == 0)
        return 0;
    if (!is_locked_out(result)) {
        log_warn("disk %s: its file system has no locks: nothing else may use it now", config->path);
        return 0;
    }
    return error_set(e, "disk %s: in use by another process%s", config->path,
        config->read_only ? " that writes to it" : " (several may share it when all give it as ...,ro)");
}

static int measure(struct raw *raw, const struct storage_config *config, struct error *e) {
    off_t end = lseek(raw->fd, 0, SEEK_END);
    if (end < 0)
        return error_set(e, "disk %s: %s", config->path, strerror(errno));
    if (end == 0)
        return error_set(e, "disk %s: it is empty", config->path);
    raw->end = (uint64_t)end;
    raw->storage.size = (raw->end + STORAGE_SECTOR - 1) / STORAGE_SECTOR * STORAGE_SECTOR;
    raw->storage.block_size = STORAGE_SECTOR;
    if (!config->direct)
        return 0;
    /* What direct I/O is possible in depends on the file system and the medium: ask by reading. */
    void *buffer;
    if (posix_memalign(&buffer, DIRECT_ALIGNMENT_MAX, DIRECT_ALIGNMENT_MAX) != 0)
        return error_set(e, "out of memory");
    if (pread(raw->fd, buffer, STORAGE_SECTOR, 0) < 0 && errno == EINVAL)
        raw->storage.block_size = DIRECT_ALIGNMENT_MAX;
    free(buffer);
    return 0;
}

struct storage *storage_raw_open(const struct storage_config *config, struct error *e) {
    static const struct storage_ops ops = {
        .preadv = raw_preadv,
        .pwritev = raw_pwritev,
        .flush = raw_flush,
        .discard = raw_discard,
        .write_zeroes = raw_write_zeroes,
        .map = raw_map,
        .resize = raw_resize,
        .share = raw_share,
        .close = raw_close,
    };
    struct raw *raw = calloc(1, sizeof *raw);
    if (!raw) {
        error_set(e, "out of memory");
        return NULL;
    }
    raw->storage.ops = &ops;
    raw->storage.read_only = config->read_only;
    raw->direct = config->direct;
    raw->fd = -1;
    if (open_image(raw, config, e) < 0 || lock_image(raw, config, e) < 0 || measure(raw, config, e) < 0) {
        raw_close(&raw->storage);
        return NULL;
    }
    return &raw->storage;
}
