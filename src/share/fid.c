/* The guest's handles. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "share/internal.h"

static struct fid **bucket_of(struct share *share, uint32_t id) {
    return &share->bucket[id % FID_BUCKETS];
}

struct fid *fid_find(struct share *share, uint32_t id) {
    struct fid *fid = *bucket_of(share, id);
    while (fid && fid->id != id)
        fid = fid->next;
    return fid;
}

struct fid *fid_add(struct share *share, uint32_t id, int path, int *result) {
    struct fid *fid = NULL;
    if (fid_find(share, id))
        *result = EBADF;
    else if (share->fids == FIDS_MAX)
        *result = ENFILE;
    else if (!(fid = malloc(sizeof *fid)))
        *result = ENOMEM;
    if (!fid) {
        close(path);
        return NULL;
    }
    struct fid **bucket = bucket_of(share, id);
    *fid = (struct fid){.id = id, .path = path, .file = -1, .lock = -1, .next = *bucket};
    *bucket = fid;
    share->fids++;
    *result = 0;
    return fid;
}

void fid_remove(struct share *share, struct fid *fid) {
    struct fid **link = bucket_of(share, fid->id);
    while (*link != fid)
        link = &(*link)->next;
    *link = fid->next;
    share->fids--;
    if (fid->dir)
        closedir(fid->dir);
    if (fid->file >= 0)
        close(fid->file);
    if (fid->lock >= 0)
        close(fid->lock);
    close(fid->path);
    free(fid);
}

void fid_remove_all(struct share *share) {
    for (unsigned i = 0; i < FID_BUCKETS; i++)
        while (share->bucket[i])
            fid_remove(share, share->bucket[i]);
}

int fid_look_up(const struct fid *fid, const char *name) {
    int path = openat(fid->path, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return path < 0 ? -errno : path;
}

/* Linux's client resolves "." and ".." itself. */
int fid_get_name(struct wire_in *in, char name[NAME_SIZE]) {
    wire_get_string(in, name, NAME_SIZE);
    if (in->broken)
        return ENAMETOOLONG;
    if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return EINVAL;
    return 0;
}

struct fid_path fid_path(int fd) {
    struct fid_path path;
    snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", fd);
    return path;
}
