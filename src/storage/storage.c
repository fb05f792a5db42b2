/* Formats, and the chain of backing files below an image. */
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/image.h"
#include "storage/qcow2/qcow2.h"
#include "storage/raw.h"

enum { CHAIN_MAX = 32 };

/* An image that is being opened, and those above it. */
struct link {
    const struct link *above;
    dev_t device;
    ino_t inode;
    unsigned depth;
};

const char *storage_format_name(enum storage_format format) {
    return format == STORAGE_QCOW2 ? "qcow2" : format == STORAGE_RAW ? "raw" : "auto";
}

int storage_format_parse(const char *name, enum storage_format *out) {
    if (strcmp(name, "raw") == 0)
        *out = STORAGE_RAW;
    else if (strcmp(name, "qcow2") == 0)
        *out = STORAGE_QCOW2;
    else
        return -1;
    return 0;
}

bool storage_looks_like_qcow2(const char *path) {
    char magic[4] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool found =
        fd >= 0 && pread(fd, magic, sizeof magic, 0) == sizeof magic && memcmp(magic, "QFI\xfb", 4) == 0;
    if (fd >= 0)
        close(fd);
    return found;
}

static bool has_suffix(const char *path, const char *suffix) {
    size_t length = strlen(path), end = strlen(suffix);
    return length > end && strcmp(path + length - end, suffix) == 0;
}

static int choose_format(const struct storage_config *config, enum storage_format *out, struct error *e) {
    *out = config->format;
    if (config->format != STORAGE_AUTO)
        return 0;
    *out = has_suffix(config->path, ".qcow2") ? STORAGE_QCOW2 : STORAGE_RAW;
    if (*out == STORAGE_RAW && storage_looks_like_qcow2(config->path))
        return error_set(e,
            "disk %s: it begins like a qcow2 image, which the guest of a raw disk can write, too: "
            "say which it is (format=qcow2 or format=raw)",
            config->path);
    return 0;
}

/* Relative names are relative to the image's directory. */
static int backing_path(const char *image, const char *name, char **out, struct error *e) {
    if (strncmp(name, "file:", 5) == 0)
        name += 5;
    size_t colon = strcspn(name, ":/");
    if (name[colon] == ':')
        return error_set(e, "disk %s: its backing file %s is not a file's name", image, name);
    const char *slash = strrchr(image, '/');
    int directory = *name == '/' || !slash ? 0 : (int)(slash + 1 - image);
    return asprintf(out, "%.*s%s", directory, image, name) < 0 ? error_set(e, "out of memory") : 0;
}

char *storage_backing_path(const char *image, const char *name, struct error *e) {
    char *path = NULL;
    return backing_path(image, name, &path, e) < 0 ? NULL : path;
}

static int check_link(const struct link *link, const char *path, struct error *e) {
    for (const struct link *above = link->above; above; above = above->above)
        if (above->device == link->device && above->inode == link->inode)
            return error_set(e, "disk %s: it is its own backing file", path);
    if (link->depth > CHAIN_MAX)
        return error_set(e, "disk %s: more than %d backing files one upon the other", path, CHAIN_MAX);
    return 0;
}

static struct storage *open_link(
    const struct storage_config *config, const struct link *above, struct error *e);

static struct storage *open_backing(const struct storage_config *config, const struct qcow2_header *header,
    const struct link *link, struct error *e) {
    char *path;
    struct storage_config backing = {.read_only = true, .unlocked = config->unlocked};
    if (*header->backing_format && storage_format_parse(header->backing_format, &backing.format) < 0) {
        error_set(e, "disk %s: the format %s of its backing file is not supported", config->path,
            header->backing_format);
        return NULL;
    }
    if (backing_path(config->path, header->backing, &path, e) < 0)
        return NULL;
    backing.path = path;
    struct error why;
    struct storage *storage = open_link(&backing, link, &why);
    if (!storage)
        error_set(e, "%s (a backing file of %s)", why.text, config->path);
    free(path);
    return storage;
}

static struct storage *open_qcow2(
    const struct storage_config *config, const struct link *link, struct error *e) {
    struct qcow2_header header;
    if (config->direct) {
        error_set(e, "disk %s: direct I/O is for raw images", config->path);
        return NULL;
    }
    struct storage *file = storage_raw_open(config, e), *backing = NULL;
    if (!file)
        return NULL;
    if (qcow2_header_read(file, config->path, &header, e) < 0 ||
        (*header.backing && !(backing = open_backing(config, &header, link, e)))) {
        storage_close(file);
        return NULL;
    }
    return qcow2_open(config, file, &header, backing, e);
}

static struct storage *open_link(
    const struct storage_config *config, const struct link *above, struct error *e) {
    struct link link = {.above = above, .depth = above ? above->depth + 1 : 0};
    enum storage_format format;
    struct stat stat_now;
    if (choose_format(config, &format, e) < 0)
        return NULL;
    if (stat(config->path, &stat_now) == 0) { /* else opening says why */
        link.device = stat_now.st_dev;
        link.inode = stat_now.st_ino;
        if (check_link(&link, config->path, e) < 0)
            return NULL;
    }
    return format == STORAGE_QCOW2 ? open_qcow2(config, &link, e) : storage_raw_open(config, e);
}

struct storage *storage_open(const struct storage_config *config, struct error *e) {
    return open_link(config, NULL, e);
}

int storage_freeze(struct storage *storage) {
    int result = 0;
    /* The second flush releases what the first one made free. */
    for (unsigned i = 0; i < 2 && result == 0; i++)
        result = storage->ops->flush(storage);
    return result == 0 ? storage->ops->share(storage, true) : result;
}

int storage_thaw(struct storage *storage) {
    return storage->ops->share(storage, false);
}

void storage_close(struct storage *storage) {
    if (storage)
        storage->ops->close(storage);
}
