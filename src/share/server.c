/* Sessions and the dispatch of messages. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share/internal.h"

/* Requests; an answer's type is one more. */
enum message {
    T_LERROR = 6,
    T_STATFS = 8,
    T_LOPEN = 12,
    T_LCREATE = 14,
    T_SYMLINK = 16,
    T_MKNOD = 18,
    T_READLINK = 22,
    T_GETATTR = 24,
    T_SETATTR = 26,
    T_READDIR = 40,
    T_FSYNC = 50,
    T_LOCK = 52,
    T_GETLOCK = 54,
    T_LINK = 70,
    T_MKDIR = 72,
    T_RENAMEAT = 74,
    T_UNLINKAT = 76,
    T_VERSION = 100,
    T_ATTACH = 104,
    T_FLUSH = 108,
    T_WALK = 110,
    T_READ = 116,
    T_WRITE = 118,
    T_CLUNK = 120,
    T_REMOVE = 122,
    MESSAGES = 128,
};

enum { WALK_MAX = 16 };
enum { QID_DIRECTORY = 0x80, QID_SYMLINK = 0x02 };

void put_qid(const struct share *share, struct wire_out *out, const struct stat *stat) {
    enum { DEVICE_SHIFT = 48 };
    wire_put8(out, S_ISDIR(stat->st_mode) ? QID_DIRECTORY : S_ISLNK(stat->st_mode) ? QID_SYMLINK : 0);
    wire_put32(out, (uint32_t)(stat->st_mtim.tv_sec ^ stat->st_mtim.tv_nsec ^ stat->st_size << 8));
    /* Inode numbers of what is mounted below may be the same. */
    uint64_t other = stat->st_dev == share->device ? 0 : (uint64_t)stat->st_dev << DEVICE_SHIFT;
    wire_put64(out, (uint64_t)stat->st_ino ^ other);
}

int put_qid_of(const struct share *share, struct wire_out *out, int path) {
    struct stat stat;
    if (fstat(path, &stat) < 0)
        return errno;
    put_qid(share, out, &stat);
    return 0;
}

static int serve_version(struct share *share, struct wire_in *in, struct wire_out *out) {
    char version[32];
    uint32_t size = wire_get32(in);
    wire_get_string(in, version, sizeof version);
    if (in->broken || size < SHARE_MESSAGE_MIN)
        return EINVAL;
    fid_remove_all(share);
    share->message_max = size < SHARE_MESSAGE_MAX ? size : SHARE_MESSAGE_MAX;
    wire_put32(out, share->message_max);
    wire_put_string(out, strcmp(version, "9P2000.L") == 0 ? version : "unknown");
    return 0;
}

static int serve_attach(struct share *share, struct wire_in *in, struct wire_out *out) {
    uint32_t id = wire_get32(in);
    if (in->broken)
        return EINVAL;
    int result, path = fcntl(share->root, F_DUPFD_CLOEXEC, 0);
    if (path < 0)
        return errno;
    if (!fid_add(share, id, path, &result))
        return result;
    return put_qid_of(share, out, path);
}

/* One step. Replaces *path by what the name leads to. */
static int step(const struct share *share, struct wire_in *in, struct wire_out *out, int *path) {
    char name[NAME_SIZE];
    struct fid here = {.path = *path};
    int result = fid_get_name(in, name);
    if (result)
        return result == EINVAL ? ENOENT : result;
    int next = fid_look_up(&here, name);
    if (next < 0)
        return -next;
    close(*path);
    *path = next;
    return put_qid_of(share, out, next);
}

/* The new handle is only made when all names were found; the answer says how far it came. */
static int serve_walk(struct share *share, struct wire_in *in, struct wire_out *out) {
    struct fid *fid = fid_find(share, wire_get32(in));
    uint32_t new_id = wire_get32(in);
    unsigned names = wire_get16(in), done = 0;
    int result = 0;
    if (!fid || names > WALK_MAX || in->broken)
        return EBADF;
    int path = fcntl(fid->path, F_DUPFD_CLOEXEC, 0);
    if (path < 0)
        return errno;
    struct wire_out count = *out;
    wire_put16(out, 0);
    while (done < names && (result = step(share, in, out, &path)) == 0)
        done++;
    if (done < names) {
        close(path);
        wire_put16(&count, (uint16_t)done);
        return done ? 0 : result;
    }
    wire_put16(&count, (uint16_t)done);
    if (new_id == fid->id)
        fid_remove(share, fid);
    fid_add(share, new_id, path, &result);
    return result;
}

static int serve_clunk(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)out;
    struct fid *fid = fid_find(share, wire_get32(in));
    if (!fid)
        return EBADF;
    fid_remove(share, fid);
    return 0;
}

/* What a handle was called is not known; clients remove by Tunlinkat. The handle ends in any case. */
static int serve_remove(struct share *share, struct wire_in *in, struct wire_out *out) {
    int result = serve_clunk(share, in, out);
    return result ? result : EOPNOTSUPP;
}

/* Requests are executed one after another: the one to be given up is done already. */
static int serve_flush(struct share *share, struct wire_in *in, struct wire_out *out) {
    (void)share;
    (void)in;
    (void)out;
    return 0;
}

static const struct {
    serve_fn *serve;
    bool writes; /* refused on a read-only share */
} handlers[MESSAGES] = {
    [T_STATFS] = {serve_statfs, false},
    [T_LOPEN] = {serve_lopen, false},
    [T_LCREATE] = {serve_lcreate, true},
    [T_SYMLINK] = {serve_symlink, true},
    [T_MKNOD] = {serve_mknod, true},
    [T_READLINK] = {serve_readlink, false},
    [T_GETATTR] = {serve_getattr, false},
    [T_SETATTR] = {serve_setattr, true},
    [T_READDIR] = {serve_readdir, false},
    [T_FSYNC] = {serve_fsync, false},
    [T_LOCK] = {serve_lock, false},
    [T_GETLOCK] = {serve_getlock, false},
    [T_LINK] = {serve_link, true},
    [T_MKDIR] = {serve_mkdir, true},
    [T_RENAMEAT] = {serve_renameat, true},
    [T_UNLINKAT] = {serve_unlinkat, true},
    [T_VERSION] = {serve_version, false},
    [T_ATTACH] = {serve_attach, false},
    [T_FLUSH] = {serve_flush, false},
    [T_WALK] = {serve_walk, false},
    [T_READ] = {serve_read, false},
    [T_WRITE] = {serve_write, true},
    [T_CLUNK] = {serve_clunk, false},
    [T_REMOVE] = {serve_remove, false},
};

static int dispatch(struct share *share, uint8_t type, struct wire_in *in, struct wire_out *out) {
    serve_fn *serve = type < MESSAGES ? handlers[type].serve : NULL;
    if (!serve)
        return EOPNOTSUPP;
    if (share->read_only && handlers[type].writes)
        return EROFS;
    int result = serve(share, in, out);
    return result ? result : out->full ? EMSGSIZE : 0;
}

static size_t finish(uint8_t *answer, const struct wire_out *out, uint8_t type, uint16_t tag) {
    size_t size = (size_t)(out->at - answer);
    struct wire_out header = {.at = answer, .end = answer + SHARE_HEADER};
    wire_put32(&header, (uint32_t)size);
    wire_put8(&header, type);
    wire_put16(&header, tag);
    return size;
}

size_t share_serve(struct share *share, const uint8_t *request, size_t size, uint8_t *answer, size_t room) {
    struct wire_in in = {.at = request, .end = request + size};
    uint32_t length = wire_get32(&in);
    uint8_t type = wire_get8(&in);
    uint16_t tag = wire_get16(&in);
    struct wire_out out = {
        .at = answer + SHARE_HEADER, .end = answer + (room < share->message_max ? room : share->message_max)};
    int result = EINVAL;
    if (length >= SHARE_HEADER && length <= size) {
        in.end = request + length;
        result = dispatch(share, type, &in, &out);
    }
    if (result == 0)
        return finish(answer, &out, (uint8_t)(type + 1), tag);
    out.at = answer + SHARE_HEADER;
    wire_put32(&out, (uint32_t)result);
    return finish(answer, &out, T_LERROR + 1, tag);
}

struct share *share_open(const char *path, bool read_only, struct error *e) {
    struct stat stat;
    int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || fstat(root, &stat) < 0) {
        error_set(e, "cannot share %s: %s", path, strerror(errno));
        if (root >= 0)
            close(root);
        return NULL;
    }
    struct share *share = calloc(1, sizeof *share);
    if (!share) {
        close(root);
        error_set(e, "out of memory");
        return NULL;
    }
    share->root = root;
    share->device = stat.st_dev;
    share->read_only = read_only;
    share->message_max = SHARE_MESSAGE_MIN;
    return share;
}

void share_close(struct share *share) {
    if (!share)
        return;
    fid_remove_all(share);
    close(share->root);
    free(share);
}

void share_reset(struct share *share) {
    fid_remove_all(share);
    share->message_max = SHARE_MESSAGE_MIN;
}
