/* Open files and directories: I/O and locks. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "share/internal.h"

enum { /* flags of Tlopen and Tlcreate, the same on every architecture */
    L_ACCESS = 03,
    L_EXCL = 0200,
    L_TRUNC = 01000,
    L_APPEND = 02000,
    L_DSYNC = 010000,
    L_SYNC = 04000000,
};

static int open_flags(uint32_t flags) {
    static const struct {
        uint32_t guest;
        int host;
    } known[] = {{L_TRUNC, O_TRUNC}, {L_APPEND, O_APPEND}, {L_DSYNC, O_DSYNC}, {L_SYNC, O_SYNC}};
    int host = (int)(flags & L_ACCESS) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        if (flags & known[i].guest)
            host |= known[i].host;
    return host;
}

/* Opens what the handle stands for. Devices and pipes are the guest's own matter: it never asks for them. */
static int open_for_io(struct fid *fid, uint32_t flags) {
    struct stat stat;
    if (fstat(fid->path, &stat) < 0)
        return errno;
    if (!S_ISREG(stat.st_mode) && !S_ISDIR(stat.st_mode))
        return EOPNOTSUPP;
    int file = open(fid_path(fid->path).text, open_flags(flags));
    if (file < 0)
        return errno;
    if (S_ISDIR(stat.st_mode)) {
        if (!(fid->dir = fdopendir(file))) {
            int result = errno;
            close(file);
            return result;
        }
        return 0;
    }
    fid->file = file;
    return 0;
}

static bool is_open(const struct fid *fid) {
    return fid->file >= 0 || fid->dir;
}

static int put_opened(const struct share *share, const struct fid *fid, struct wire_out *out) {
    int result = put_qid_of(share, out, fid->path);
    wire_put32(out, 0); /* no other limit to transfers than a message's size */
    return result;
}

int serve_lopen(struct share *share, struct wire_in *in, struct wire_out *out) {
    struct fid *fid = fid_find(share, wire_get32(in));
    uint32_t flags = wire_get32(in);
    if (!fid || is_open(fid))
        return EBADF;
    if (share->read_only && (flags & L_ACCESS || flags & L_TRUNC))
        return EROFS;
    int result = open_for_io(fid, flags);
    return result ? result : put_opened(share, fid, out);
}

/* Makes the handle of a directory that of a new file in it. */
static int create(struct fid *fid, const char *name, uint32_t flags, uint32_t mode) {
    int file = openat(fid->path, name, open_flags(flags) | O_CREAT | O_EXCL, mode);
    if (file < 0)
        return errno;
    int path = open(fid_path(file).text, O_PATH | O_CLOEXEC);
    if (path < 0 || fchmod(file, mode) < 0) { /* the guest's umask is in mode, ours is not meant */
        int result = errno;
        if (path >= 0)
            close(path);
        close(file);
        return result;
    }
    close(fid->path);
    fid->path = path;
    fid->file = file;
    return 0;
}

/* Somebody else made the file meanwhile. */
static int open_existing(struct fid *fid, const char *name, uint32_t flags) {
    int path = fid_look_up(fid, name);
    if (path < 0)
        return -path;
    struct fid found = {.path = path, .file = -1};
    int result = open_for_io(&found, flags);
    if (result) {
        close(path);
        return result;
    }
    close(fid->path);
    fid->path = path;
    fid->file = found.file;
    fid->dir = found.dir;
    return 0;
}

int serve_lcreate(struct share *share, struct wire_in *in, struct wire_out *out) {
    char name[NAME_SIZE];
    struct fid *fid = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, name);
    uint32_t flags = wire_get32(in), mode = wire_get32(in) & PERMISSIONS;
    if (!fid || is_open(fid) || in->broken)
        return EBADF;
    if (result)
        return result;
    result = create(fid, name, flags, mode);
    if (result == EEXIST && !(flags & L_EXCL))
        result = open_existing(fid, name, flags);
    return result ? result : put_opened(share, fid, out);
}

/* --- contents */

int serve_read(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    uint64_t offset = wire_get64(in);
    uint32_t count = wire_get32(in);
    if (!fid || fid->file < 0 || in->broken)
        return EBADF;
    struct wire_out size = *out;
    wire_put32(out, 0);
    size_t room = (size_t)(out->end - out->at);
    ssize_t done = pread(fid->file, out->at, count < room ? count : room, (off_t)offset);
    if (done < 0)
        return errno;
    wire_put32(&size, (uint32_t)done);
    out->at += done;
    return 0;
}

int serve_write(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    uint64_t offset = wire_get64(in);
    uint32_t count = wire_get32(in);
    if (!fid || fid->file < 0 || in->broken || count > (size_t)(in->end - in->at))
        return EBADF;
    ssize_t done = pwrite(fid->file, in->at, count, (off_t)offset);
    if (done < 0)
        return errno;
    wire_put32(out, (uint32_t)done);
    return 0;
}

int serve_fsync(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)out;
    const struct fid *fid = fid_find(share, wire_get32(in));
    bool data_only = wire_get32(in) != 0;
    if (!fid || !is_open(fid))
        return EBADF;
    int fd = fid->dir ? dirfd(fid->dir) : fid->file;
    return (data_only ? fdatasync(fd) : fsync(fd)) < 0 ? errno : 0;
}

/* --- directories */

/* False when there is no more room for an entry. What is above the root is nobody's business. */
static bool put_entry(
    const struct share *share, const struct fid *fid, const struct dirent *entry, struct wire_out *out) {
    struct wire_out at = *out;
    struct stat stat = {.st_ino = entry->d_ino, .st_dev = share->device, .st_mode = DTTOIF(entry->d_type)};
    if (strcmp(entry->d_name, "..") == 0 && fstat(fid->path, &stat) < 0)
        stat.st_ino = 0;
    put_qid(share, &at, &stat);
    wire_put64(&at, (uint64_t)entry->d_off);
    wire_put8(&at, entry->d_type);
    wire_put_string(&at, entry->d_name);
    if (at.full)
        return false;
    *out = at;
    return true;
}

int serve_readdir(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    uint64_t offset = wire_get64(in);
    uint32_t count = wire_get32(in);
    if (!fid || !fid->dir || in->broken)
        return EBADF;
    struct wire_out size = *out;
    wire_put32(out, 0);
    struct wire_out entries = *out;
    if (count < (size_t)(entries.end - entries.at))
        entries.end = entries.at + count;
    seekdir(fid->dir, (long)offset);
    errno = 0;
    for (const struct dirent *entry; (entry = readdir(fid->dir));)
        if (!put_entry(share, fid, entry, &entries)) {
            if (entries.at == out->at)
                return EINVAL; /* as getdents() says it: no room for one */
            break;
        }
    if (errno && entries.at == out->at)
        return errno;
    wire_put32(&size, (uint32_t)(entries.at - out->at));
    out->at = entries.at;
    return 0;
}

/* --- locks */

enum { LOCK_DONE = 0, LOCK_BLOCKED = 1, LOCK_ERROR = 2 };
enum { L_RDLCK, L_WRLCK, L_UNLCK };

static const short lock_types[] = {[L_RDLCK] = F_RDLCK, [L_WRLCK] = F_WRLCK, [L_UNLCK] = F_UNLCK};

static bool get_lock(struct wire_in *in, struct flock *lock, uint8_t type) {
    lock->l_type = type <= L_UNLCK ? lock_types[type] : -1;
    lock->l_start = (off_t)wire_get64(in);
    lock->l_len = (off_t)wire_get64(in);
    return !in->broken && type <= L_UNLCK;
}

/* Locks belong to a descriptor of their own: flock() locks for writing what is open for reading only. The
 * guest's kernel does the bookkeeping for its processes. */
static bool set_lock(struct fid *fid, struct flock *lock) {
    const struct fid_path path = fid_path(fid->path);
    if (fid->lock < 0)
        fid->lock = open(path.text, O_RDWR | O_CLOEXEC);
    if (fid->lock < 0)
        fid->lock = open(path.text, O_RDONLY | O_CLOEXEC);
    return fid->lock >= 0 && fcntl(fid->lock, F_OFD_SETLK, lock) == 0;
}

/* A client that is told BLOCKED tries again. */
int serve_lock(struct share *share, struct wire_in *in, struct wire_out *out) {
    struct fid *fid = fid_find(share, wire_get32(in));
    uint8_t type = wire_get8(in);
    wire_get32(in); /* flags: whether it would wait */
    struct flock lock = {.l_whence = SEEK_SET};
    if (!get_lock(in, &lock, type) || !fid || fid->file < 0)
        return EBADF;
    bool locked = set_lock(fid, &lock);
    wire_put8(out, locked ? LOCK_DONE : errno == EAGAIN || errno == EACCES ? LOCK_BLOCKED : LOCK_ERROR);
    return 0;
}

int serve_getlock(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    uint8_t type = wire_get8(in);
    char client[NAME_SIZE];
    struct flock lock = {.l_whence = SEEK_SET};
    bool valid = get_lock(in, &lock, type);
    uint32_t process = wire_get32(in);
    wire_get_string(in, client, sizeof client);
    if (!valid || in->broken || !fid || fid->file < 0)
        return EBADF;
    if (fcntl(fid->lock >= 0 ? fid->lock : fid->file, F_OFD_GETLK, &lock) < 0)
        return errno;
    wire_put8(out, lock.l_type == F_UNLCK ? L_UNLCK : lock.l_type == F_RDLCK ? L_RDLCK : L_WRLCK);
    wire_put64(out, (uint64_t)lock.l_start);
    wire_put64(out, (uint64_t)lock.l_len);
    wire_put32(out, process);
    wire_put_string(out, client);
    return 0;
}
