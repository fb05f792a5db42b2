#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "boot/boot.h"
#include "host/file.h"
#include "image/internal.h"
#include "storage/image.h"

enum { TEXT_MAX = 4096 };

static const struct machine_kind kind = {
    .directory = "images",
    .noun = "image",
    .command = "image list",
    .mark = "about",
    .letters = "._-:",
};

int image_find(struct machine *image, const char *name, struct error *e) {
    return machine_find_kind(image, &kind, name, e);
}

int image_each(int (*found)(void *ctx, const struct machine *image), void *ctx, struct error *e) {
    return machine_each_kind(&kind, found, ctx, e);
}

int image_cache_file(const char *file, char *out, struct error *e) {
    const char *own = getenv("PEARVISOR_CACHE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int length;
    if (own && *own == '/')
        length = snprintf(out, PATH_MAX, "%s/images/%s", own, file);
    else if (cache && *cache == '/')
        length = snprintf(out, PATH_MAX, "%s/pearvisor/images/%s", cache, file);
    else if (home && *home == '/')
        length = snprintf(out, PATH_MAX, "%s/.cache/pearvisor/images/%s", home, file);
    else
        return error_set(e, "neither HOME nor XDG_CACHE_HOME says where downloads are to be kept");
    if (length >= PATH_MAX)
        return error_set(e, "the path of the cache is too long");
    return host_make_parents(out, e);
}

/* --- looking */

static char *read_text(const struct machine *image, const char *file) {
    char path[PATH_MAX];
    size_t size;
    char *text = host_file_read(machine_file(image, file, path), TEXT_MAX, &size, NULL);
    if (text)
        text[strcspn(text, "\n")] = 0;
    return text;
}

bool image_boots(const char *disk, enum storage_format format) {
    const struct storage_config config = {.path = disk, .format = format, .read_only = true};
    const struct boot_disk boot = {storage_open(&config, NULL), disk};
    bool found = boot.storage && boot_find(&boot, 1, UINT64_MAX, NULL, NULL) == 0;
    if (boot.storage)
        storage_close(boot.storage);
    return found;
}

int image_info(const struct machine *image, struct image_info *out, struct error *e) {
    struct storage_info disk;
    char path[PATH_MAX];
    *out = (struct image_info){.format = STORAGE_QCOW2};
    if (access(machine_file(image, "disk.qcow2", out->disk), F_OK) < 0) {
        machine_file(image, "disk.img", out->disk);
        out->format = STORAGE_RAW;
    }
    if (storage_info(out->disk, out->format, &disk, e) < 0)
        return -1;
    out->size = disk.size;
    out->allocated = disk.allocated;
    out->direct =
        access(machine_file(image, "kernel", path), F_OK) == 0 || image_boots(out->disk, out->format);
    char *source = read_text(image, "about");
    snprintf(out->source, sizeof out->source, "%s", source ? source : "");
    free(source);
    return 0;
}

char *image_append(const struct machine *image) {
    return read_text(image, "append");
}

/* --- making */

/* Whether a raw file begins as a disk does: a partition table (its signature is MBR's and GPT's both), or
 * ext4 alone. */
static bool looks_like_disk(const char *path) {
    enum { MBR_SIGNATURE = 510, EXT4_MAGIC = 1080, HEAD = 2048 };
    uint8_t head[HEAD] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : pread(fd, head, sizeof head, 0);
    if (fd >= 0)
        close(fd);
    return got == HEAD && ((head[MBR_SIGNATURE] == 0x55 && head[MBR_SIGNATURE + 1] == 0xaa) ||
                              (head[EXT4_MAGIC] == 0x53 && head[EXT4_MAGIC + 1] == 0xef));
}

static int check_qcow2(const char *path, struct error *e) {
    const struct storage_config config = {.path = path, .format = STORAGE_QCOW2, .read_only = true};
    const struct qcow2_check_hooks hooks = {0};
    struct storage_info info;
    struct qcow2_check found = {0};
    if (storage_info(path, STORAGE_QCOW2, &info, e) < 0)
        return -1;
    if (*info.qcow2.backing)
        return error_set(e, "%s: it needs its backing file: make it one with 'pearvisor disk convert'", path);
    struct storage *storage = storage_open(&config, e);
    if (!storage)
        return -1;
    int result = qcow2_check(storage, false, &hooks, &found, e);
    storage_close(storage);
    if (result == 0 && found.corruptions)
        return error_set(e, "%s: damaged: %llu errors (see 'pearvisor disk check')", path,
            (unsigned long long)found.corruptions);
    return result;
}

static int check_disk(const char *path, bool *qcow2, struct error *e) {
    struct stat st;
    if (stat(path, &st) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return error_set(e, "%s: not a file", path);
    *qcow2 = storage_looks_like_qcow2(path);
    if (*qcow2)
        return check_qcow2(path, e);
    if (st.st_size % STORAGE_SECTOR || !looks_like_disk(path))
        return error_set(e, "%s: no disk image, raw or qcow2 (a compressed one must be unpacked)", path);
    return 0;
}

static int copy_in(const char *from, const struct machine *draft, const char *as, struct error *e) {
    char path[PATH_MAX];
    return from ? host_file_copy(from, machine_file(draft, as, path), e) : 0;
}

static int write_text(const struct machine *draft, const char *as, const char *text, struct error *e) {
    char path[PATH_MAX];
    return text ? host_file_replace(machine_file(draft, as, path), text, strlen(text), e) : 0;
}

static int fill(const struct machine *draft, const struct image_files *files, struct error *e) {
    char about[TEXT_MAX], date[32];
    bool qcow2 = false;
    time_t now = time(NULL);
    struct tm local;
    strftime(date, sizeof date, "%F %T", localtime_r(&now, &local));
    snprintf(about, sizeof about, "%.120s\nmade %s\n", files->source, date);
    if ((!files->trusted && check_disk(files->disk, &qcow2, e) < 0) ||
        copy_in(files->disk, draft, qcow2 ? "disk.qcow2" : "disk.img", e) < 0 ||
        copy_in(files->kernel, draft, "kernel", e) < 0 || copy_in(files->initrd, draft, "initrd", e) < 0 ||
        write_text(draft, "append", files->append, e) < 0 || write_text(draft, "about", about, e) < 0)
        return -1;
    return 0;
}

int image_import(const char *name, const struct image_files *files, struct error *e) {
    struct machine image, draft;
    if (machine_locate_kind(&image, &kind, name, e) < 0 || machine_draft(&draft, &image, e) < 0)
        return -1;
    if (fill(&draft, files, e) == 0 && machine_publish(&draft, &image, e) == 0)
        return 0;
    machine_remove(&draft, NULL);
    return -1;
}

/* --- removing */

int image_lock(bool exclusive, struct error *e) {
    struct machine any;
    char path[PATH_MAX];
    if (machine_locate_kind(&any, &kind, "any", e) < 0)
        return -1;
    snprintf(path, sizeof path, "%.*s.lock", (int)(strlen(any.path) - strlen(any.name)), any.path);
    if (host_make_parents(path, e) < 0)
        return -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && flock(fd, exclusive ? LOCK_EX : LOCK_SH) == 0)
        return fd;
    error_set(e, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool is_overlay_of(const char *path, const struct machine *image) {
    struct storage_info info;
    size_t length = strlen(image->path);
    return storage_info(path, STORAGE_QCOW2, &info, NULL) == 0 &&
           strncmp(info.qcow2.backing, image->path, length) == 0 && info.qcow2.backing[length] == '/';
}

static int refuse_if_used(void *ctx, const struct machine *machine) {
    const struct machine *image = ((void **)ctx)[0];
    DIR *directory = opendir(machine->path);
    int result = 0;
    for (struct dirent *entry; directory && result == 0 && (entry = readdir(directory));) {
        char path[PATH_MAX];
        size_t length = strlen(entry->d_name);
        if (length > 6 && strcmp(entry->d_name + length - 6, ".qcow2") == 0 &&
            is_overlay_of(machine_file(machine, entry->d_name, path), image))
            result =
                error_set(((void **)ctx)[1], "%s: the disk of '%s' needs it", image->name, machine->name);
    }
    if (directory)
        closedir(directory);
    return result;
}

int image_remove(const char *name, struct error *e) {
    struct machine image;
    void *ctx[] = {&image, e};
    if (image_find(&image, name, e) < 0)
        return -1;
    int lock = image_lock(true, e);
    if (lock < 0)
        return -1;
    int result = machine_each(refuse_if_used, ctx, e);
    if (result == 0)
        result = machine_remove(&image, e);
    close(lock);
    return result;
}
