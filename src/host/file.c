#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 1 << 20 };

int host_check_creatable(const char *path, struct error *e) {
    char *copy = strdup(path);
    if (!copy)
        return error_set(e, "out of memory");
    int result = 0;
    if (access(dirname(copy), W_OK | X_OK) < 0)
        result = error_set(e, "%s: cannot create it: %s", path, strerror(errno));
    free(copy);
    return result;
}

int host_make_parents(const char *path, struct error *e) {
    char part[PATH_MAX];
    for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (mkdir(part, 0700) < 0 && errno != EEXIST)
            return error_set(e, "%s: %s", part, strerror(errno));
    }
    return 0;
}

int host_check_writable(const char *path, struct error *e) {
    struct stat st;
    if (stat(path, &st) < 0)
        return host_check_creatable(path, e);
    if (S_ISDIR(st.st_mode))
        return error_set(e, "%s: is a directory", path);
    return access(path, W_OK) < 0 ? error_set(e, "%s: %s", path, strerror(errno)) : 0;
}

char *host_file_read(const char *path, size_t max, size_t *size, struct error *e) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data = fd < 0 ? NULL : malloc(max + 2);
    ssize_t got = data ? 1 : -1;
    for (*size = 0; got > 0 && *size <= max; *size += got > 0 ? (size_t)got : 0)
        got = read(fd, data + *size, max + 1 - *size);
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (got >= 0 && *size <= max) {
        data[*size] = 0;
        return data;
    }
    free(data);
    if (got >= 0)
        error_set(e, "%s: larger than %zu bytes", path, max);
    else
        error_set(e, "%s: %s", path, strerror(why));
    return NULL;
}

bool host_write_all(int fd, const void *data, size_t size) {
    for (const char *at = data; size;) {
        ssize_t written = write(fd, at, size);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            at += written;
            size -= (size_t)written;
        }
    }
    return true;
}

int host_file_replace(const char *path, const char *data, size_t size, struct error *e) {
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof temporary)
        return error_set(e, "%s: the path is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool done = fd >= 0 && host_write_all(fd, data, size) && fsync(fd) == 0;
    if (fd >= 0 && close(fd) < 0)
        done = false;
    if (done && rename(temporary, path) == 0)
        return 0;
    error_set(e, "%s: cannot be written: %s", path, strerror(errno));
    unlink(temporary);
    return -1;
}

static bool copy_range(int from, int to, off_t offset, off_t end, char *buffer) {
    while (offset < end) {
        size_t part = end - offset < COPY_SIZE ? (size_t)(end - offset) : COPY_SIZE;
        ssize_t got = pread(from, buffer, part, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || lseek(to, offset, SEEK_SET) < 0 || !host_write_all(to, buffer, (size_t)got))
            return false;
        offset += got;
    }
    return true;
}

static bool copy_data(int from, int to) {
    struct stat st;
    if (ioctl(to, FICLONE, from) == 0)
        return true;
    if (fstat(from, &st) < 0 || ftruncate(to, st.st_size) < 0)
        return false;
    char *buffer = malloc(COPY_SIZE);
    bool copied = buffer != NULL;
    for (off_t end = 0, start; copied && (start = lseek(from, end, SEEK_DATA)) >= 0;) {
        end = lseek(from, start, SEEK_HOLE);
        copied = end >= 0 && copy_range(from, to, start, end, buffer);
    }
    free(buffer);
    return copied && errno == ENXIO; /* no data after that */
}

int host_file_copy(const char *from, const char *to, struct error *e) {
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_set(e, "%s: %s", from, strerror(errno));
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    int result = out < 0 ? error_set(e, "%s: %s", to, strerror(errno)) : 0;
    if (out >= 0 && !copy_data(in, out)) {
        result = error_set(e, "cannot copy %s to %s: %s", from, to, strerror(errno));
        unlink(to);
    }
    if (out >= 0)
        close(out);
    close(in);
    return result;
}
