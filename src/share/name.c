/* Names: what is made, moved and removed in a directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "share/internal.h"

/* The answer to what made something: its qid. The guest's umask is in mode; the process' own is not meant. */
static int put_made(const struct share *share, const struct fid *dir, const char *name, const uint32_t *mode,
    struct wire_out *out) {
    int path = fid_look_up(dir, name);
    if (path < 0)
        return -path;
    int result = put_qid_of(share, out, path);
    if (mode && chmod(fid_path(path).text, *mode & PERMISSIONS) < 0)
        result = errno;
    close(path);
    return result;
}

/* What mkdir and mknod begin with. */
struct making {
    const struct fid *dir;
    char name[NAME_SIZE];
    uint32_t mode;
};

static int get_making(struct share *share, struct wire_in *in, struct making *making) {
    making->dir = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, making->name);
    making->mode = wire_get32(in);
    return !making->dir || in->broken ? EBADF : result;
}

int serve_mkdir(struct share *share, struct wire_in *in, struct wire_out *out) {
    struct making m;
    int result = get_making(share, in, &m);
    if (result)
        return result;
    if (mkdirat(m.dir->path, m.name, m.mode & PERMISSIONS) < 0)
        return errno;
    return put_made(share, m.dir, m.name, &m.mode, out);
}

/* Device nodes would be the host's devices. */
int serve_mknod(struct share *share, struct wire_in *in, struct wire_out *out) {
    struct making m;
    int result = get_making(share, in, &m);
    if (result)
        return result;
    if (!S_ISREG(m.mode) && !S_ISFIFO(m.mode) && !S_ISSOCK(m.mode))
        return EPERM;
    if (mknodat(m.dir->path, m.name, (m.mode & S_IFMT) | (m.mode & PERMISSIONS), 0) < 0)
        return errno;
    return put_made(share, m.dir, m.name, &m.mode, out);
}

int serve_symlink(struct share *share, struct wire_in *in, struct wire_out *out) {
    char name[NAME_SIZE], target[PATH_MAX];
    const struct fid *dir = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, name);
    wire_get_string(in, target, sizeof target);
    if (!dir || in->broken)
        return EBADF;
    if (!result && symlinkat(target, dir->path, name) < 0)
        result = errno;
    return result ? result : put_made(share, dir, name, NULL, out);
}

int serve_link(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)out;
    char name[NAME_SIZE];
    struct stat stat;
    const struct fid *dir = fid_find(share, wire_get32(in)), *fid = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, name);
    if (!dir || !fid || in->broken)
        return EBADF;
    if (result)
        return result;
    if (fstat(fid->path, &stat) < 0)
        return errno;
    if (!S_ISREG(stat.st_mode))
        return EPERM;
    return linkat(AT_FDCWD, fid_path(fid->path).text, dir->path, name, AT_SYMLINK_FOLLOW) < 0 ? errno : 0;
}

int serve_renameat(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)out;
    char old_name[NAME_SIZE], new_name[NAME_SIZE];
    const struct fid *old_dir = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, old_name);
    const struct fid *new_dir = fid_find(share, wire_get32(in));
    if (!result)
        result = fid_get_name(in, new_name);
    if (!old_dir || !new_dir || in->broken)
        return EBADF;
    if (!result && renameat(old_dir->path, old_name, new_dir->path, new_name) < 0)
        result = errno;
    return result;
}

int serve_unlinkat(struct share *share, struct wire_in *in, struct wire_out *out) {
    enum { L_REMOVEDIR = 0x200 };
    (void)out;
    char name[NAME_SIZE];
    const struct fid *dir = fid_find(share, wire_get32(in));
    int result = fid_get_name(in, name);
    uint32_t flags = wire_get32(in);
    if (!dir || in->broken)
        return EBADF;
    if (!result && unlinkat(dir->path, name, flags & L_REMOVEDIR ? AT_REMOVEDIR : 0) < 0)
        result = errno;
    return result;
}

int serve_readlink(struct share *share, struct wire_in *in, struct wire_out *out) {
    char target[PATH_MAX];
    const struct fid *fid = fid_find(share, wire_get32(in));
    if (!fid)
        return EBADF;
    ssize_t length = readlinkat(fid->path, "", target, sizeof target - 1);
    if (length < 0)
        return errno;
    target[length] = 0;
    wire_put_string(out, target);
    return 0;
}
