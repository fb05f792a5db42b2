/* What serves the messages; for the files of share/ only. */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "share/share.h"
#include "share/wire.h"

/* A handle of the guest's. What it stands for is held by an O_PATH descriptor, so that nothing that happens
 * to its name can make it another file. */
struct fid {
    uint32_t id;
    int path;
    int file; /* what was opened for I/O, or -1 */
    int lock; /* what holds its locks, or -1 */
    DIR *dir; /* the same for a directory, or NULL */
    struct fid *next;
};

/* Descriptors are the host's: a guest gets so many handles, of up to three descriptors each. */
enum { FIDS_MAX = 4096, FID_BUCKETS = 256 };

struct share {
    int root;
    dev_t device; /* of the root */
    bool read_only;
    uint32_t message_max;
    struct fid *bucket[FID_BUCKETS];
    unsigned fids;
};

enum { NAME_SIZE = NAME_MAX + 1 };

/* What a guest can set of a mode. Set-ID bits on files of the user's would be rights for whoever runs them on
 * the host. */
enum { PERMISSIONS = 0777 };

/* fid.c: NULL when there is none. */
struct fid *fid_find(struct share *share, uint32_t id);
/* Takes `path` over, also when it fails; *result is 0 or an errno. */
struct fid *fid_add(struct share *share, uint32_t id, int path, int *result);
void fid_remove(struct share *share, struct fid *fid);
void fid_remove_all(struct share *share);
/* A handle on what lies in a directory under a name: O_PATH, or -errno. */
int fid_look_up(const struct fid *fid, const char *name);
/* The next field: a name of something in a directory. Returns 0 or an errno. */
int fid_get_name(struct wire_in *in, char name[NAME_SIZE]);
/* The path of a descriptor, for what wants one. Leads to the very file, even if it is a symbolic link. */
struct fid_path {
    char text[32];
} fid_path(int fd);

/* qid[13]: what the guest tells files apart by. */
void put_qid(const struct share *share, struct wire_out *out, const struct stat *stat);
/* The same of an O_PATH descriptor. Returns 0 or an errno. */
int put_qid_of(const struct share *share, struct wire_out *out, int path);

/* A message's handler: reads the request's fields, writes those of the answer, and returns 0 or the errno
 * that is answered instead. */
typedef int serve_fn(struct share *share, struct wire_in *in, struct wire_out *out);

/* file.c */
serve_fn serve_lopen, serve_lcreate, serve_read, serve_write, serve_readdir, serve_fsync, serve_lock,
    serve_getlock;
/* name.c */
serve_fn serve_mkdir, serve_symlink, serve_mknod, serve_link, serve_renameat, serve_unlinkat, serve_readlink;
/* attribute.c */
serve_fn serve_getattr, serve_setattr, serve_statfs;
