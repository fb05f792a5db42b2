/* Attributes of files and of the file system. */
#include <errno.h>
#include <fcntl.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "share/internal.h"

enum { GETATTR_BASIC = 0x7ff };

enum { /* of Tsetattr */
    SET_MODE = 0x1,
    SET_UID = 0x2,
    SET_GID = 0x4,
    SET_SIZE = 0x8,
    SET_ATIME = 0x10,
    SET_MTIME = 0x20,
    SET_ATIME_TO = 0x80, /* otherwise to now */
    SET_MTIME_TO = 0x100,
};

static void put_time(struct wire_out *out, const struct timespec *time) {
    wire_put64(out, (uint64_t)time->tv_sec);
    wire_put64(out, (uint64_t)time->tv_nsec);
}

int serve_getattr(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    struct stat stat;
    if (!fid)
        return EBADF;
    if (fstat(fid->path, &stat) < 0)
        return errno;
    wire_put64(out, GETATTR_BASIC);
    put_qid(share, out, &stat);
    wire_put32(out, stat.st_mode);
    wire_put32(out, stat.st_uid);
    wire_put32(out, stat.st_gid);
    wire_put64(out, stat.st_nlink);
    wire_put64(out, stat.st_rdev);
    wire_put64(out, (uint64_t)stat.st_size);
    wire_put64(out, (uint64_t)stat.st_blksize);
    wire_put64(out, (uint64_t)stat.st_blocks);
    put_time(out, &stat.st_atim);
    put_time(out, &stat.st_mtim);
    put_time(out, &stat.st_ctim);
    for (unsigned i = 0; i < 4; i++) /* time of birth, generation, version: not known */
        wire_put64(out, 0);
    return 0;
}

/* Files belong to the user who runs PearVisor. Where that user may not give them away, the guest's wish is
 * passed over, so that a guest's root can unpack an archive. */
static int set_owner(const struct fid *fid, uid_t uid, gid_t gid) {
    if (fchownat(fid->path, "", uid, gid, AT_EMPTY_PATH) < 0 && errno != EPERM)
        return errno;
    return 0;
}

static struct timespec time_to(uint32_t valid, uint32_t set, uint32_t to, const struct timespec *time) {
    if (!(valid & set))
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    return valid & to ? *time : (struct timespec){.tv_nsec = UTIME_NOW};
}

static struct timespec get_time(struct wire_in *in) {
    enum { SECOND_NS = 1000000000 };
    uint64_t seconds = wire_get64(in), ns = wire_get64(in);
    return (struct timespec){(time_t)seconds, (long)(ns % SECOND_NS)};
}

int serve_setattr(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)out;
    const struct fid *fid = fid_find(share, wire_get32(in));
    uint32_t valid = wire_get32(in), mode = wire_get32(in);
    uid_t uid = wire_get32(in);
    gid_t gid = wire_get32(in);
    uint64_t size = wire_get64(in);
    struct timespec atime = get_time(in), mtime = get_time(in);
    struct stat stat;
    if (!fid || in->broken)
        return EBADF;
    if (fstat(fid->path, &stat) < 0)
        return errno;
    const struct fid_path path = fid_path(fid->path);
    int result = 0;
    if (valid & (SET_UID | SET_GID))
        result = set_owner(fid, valid & SET_UID ? uid : (uid_t)-1, valid & SET_GID ? gid : (gid_t)-1);
    if (S_ISLNK(stat.st_mode)) /* has an owner, and nothing else to set */
        return result ? result : valid & (SET_MODE | SET_SIZE) ? EOPNOTSUPP : 0;
    if (!result && valid & SET_MODE && chmod(path.text, mode & PERMISSIONS) < 0)
        result = errno;
    if (!result && valid & SET_SIZE)
        result = !S_ISREG(stat.st_mode) ? EINVAL : truncate(path.text, (off_t)size) < 0 ? errno : 0;
    const struct timespec times[] = {
        time_to(valid, SET_ATIME, SET_ATIME_TO, &atime), time_to(valid, SET_MTIME, SET_MTIME_TO, &mtime)};
    if (!result && valid & (SET_ATIME | SET_MTIME) && utimensat(AT_FDCWD, path.text, times, 0) < 0)
        result = errno;
    return result;
}

int serve_statfs(struct share *share, struct wire_in *in, struct wire_out *out) {
    const struct fid *fid = fid_find(share, wire_get32(in));
    struct statfs s;
    if (!fid)
        return EBADF;
    if (fstatfs(fid->path, &s) < 0)
        return errno;
    wire_put32(out, (uint32_t)s.f_type);
    wire_put32(out, (uint32_t)s.f_bsize);
    wire_put64(out, s.f_blocks);
    wire_put64(out, s.f_bfree);
    wire_put64(out, s.f_bavail);
    wire_put64(out, s.f_files);
    wire_put64(out, s.f_ffree);
    wire_put64(out, (uint64_t)(uint32_t)s.f_fsid.__val[0] | (uint64_t)(uint32_t)s.f_fsid.__val[1] << 32);
    wire_put32(out, (uint32_t)s.f_namelen);
    return 0;
}
