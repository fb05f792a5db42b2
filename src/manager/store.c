#include "manager/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"

static const struct machine_kind machines = {
    .directory = "vms",
    .noun = "virtual machine",
    .command = "list",
    .mark = "config",
    .letters = "._-",
};

static int root(const struct machine_kind *kind, char *path, size_t size, struct error *e) {
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    int length;
    /* "All paths set in these variables must be absolute" (XDG Base Directory Specification). */
    if (data && *data == '/')
        length = snprintf(path, size, "%s/pearvisor/%s", data, kind->directory);
    else if (home && *home == '/')
        length = snprintf(path, size, "%s/.local/share/pearvisor/%s", home, kind->directory);
    else
        return error_set(e, "neither HOME nor XDG_DATA_HOME says where %ss are to be kept", kind->noun);
    return (size_t)length < size ? 0 : error_set(e, "the path of the home directory is too long");
}

int machine_locate(struct machine *machine, const char *name, struct error *e) {
    return machine_locate_kind(machine, &machines, name, e);
}

int machine_locate_kind(
    struct machine *machine, const struct machine_kind *kind, const char *name, struct error *e) {
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t length = strlen(name);
    char directory[PATH_MAX - 512];
    if (!length || length > MACHINE_NAME_MAX || !strchr(first, *name))
        return error_set(e,
            "'%.80s': a name has 1 to %d letters, digits, dots, dashes and underscores, and begins with a "
            "letter or digit",
            name, MACHINE_NAME_MAX);
    for (const char *c = name; *c; c++)
        if (!strchr(first, *c) && !strchr(kind->letters, *c))
            return error_set(e, "'%.80s': a name has letters, digits, dots, dashes and underscores", name);
    if (root(kind, directory, sizeof directory, e) < 0)
        return -1;
    machine->kind = kind;
    strcpy(machine->name, name);
    snprintf(machine->path, sizeof machine->path, "%s/%s", directory, name);
    return 0;
}

int machine_find(struct machine *machine, const char *name, struct error *e) {
    return machine_find_kind(machine, &machines, name, e);
}

int machine_find_kind(
    struct machine *machine, const struct machine_kind *kind, const char *name, struct error *e) {
    char path[PATH_MAX];
    if (machine_locate_kind(machine, kind, name, e) < 0)
        return -1;
    if (access(machine_file(machine, kind->mark, path), F_OK) == 0)
        return 0;
    if (errno == ENOENT)
        return error_set(e, "there is no %s '%s' (see 'pearvisor %s')", kind->noun, name, kind->command);
    return error_set(e, "%s: %s", path, strerror(errno));
}

const char *machine_file(const struct machine *machine, const char *file, char *out) {
    snprintf(out, PATH_MAX, "%s/%s", machine->path, file);
    return out;
}

/* Also not those being made or removed. */
static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

int machine_each(int (*found)(void *ctx, const struct machine *machine), void *ctx, struct error *e) {
    return machine_each_kind(&machines, found, ctx, e);
}

int machine_each_kind(const struct machine_kind *kind, int (*found)(void *ctx, const struct machine *machine),
    void *ctx, struct error *e) {
    char directory[PATH_MAX - 512];
    struct dirent **entries;
    if (root(kind, directory, sizeof directory, e) < 0)
        return -1;
    int count = scandir(directory, &entries, is_visible, alphasort), result = 0;
    if (count < 0)
        return errno == ENOENT ? 0 : error_set(e, "%s: %s", directory, strerror(errno));
    for (int i = 0; i < count; i++) {
        struct machine machine;
        if (result == 0 && machine_find_kind(&machine, kind, entries[i]->d_name, NULL) == 0)
            result = found(ctx, &machine);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* A name beside the machine's that is no machine's. */
static void hide(struct machine *hidden, const struct machine *machine) {
    size_t directory = strlen(machine->path) - strlen(machine->name);
    strcpy(hidden->name, machine->name);
    hidden->kind = machine->kind;
    snprintf(hidden->path, sizeof hidden->path, "%.*s.%s-%ld-%llx", (int)directory, machine->path,
        machine->name, (long)getpid(), (unsigned long long)host_now_ns());
}

int machine_draft(struct machine *draft, const struct machine *machine, struct error *e) {
    if (access(machine->path, F_OK) == 0)
        return error_set(e, "there is %s %s '%s' already", strchr("aeiou", *machine->kind->noun) ? "an" : "a",
            machine->kind->noun, machine->name);
    hide(draft, machine);
    if (host_make_parents(draft->path, e) < 0)
        return -1;
    return mkdir(draft->path, 0700) < 0 ? error_set(e, "%s: %s", draft->path, strerror(errno)) : 0;
}

int machine_publish(const struct machine *draft, const struct machine *machine, struct error *e) {
    if (renameat2(AT_FDCWD, draft->path, AT_FDCWD, machine->path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return error_set(e, "there is %s %s '%s' already", strchr("aeiou", *machine->kind->noun) ? "an" : "a",
            machine->kind->noun, machine->name);
    return error_set(e, "%s: %s", machine->path, strerror(errno));
}

static bool tells_of_the_past(const char *file) {
    static const char *const files[] = {
        "address", "lock", "log", "log.old", "console.log", "console.log.old"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(file, files[i]) == 0)
            return true;
    return false;
}

static bool is_base(const char *path) {
    return strncmp(strrchr(path, '/') + 1, MACHINE_BASE_PREFIX, strlen(MACHINE_BASE_PREFIX)) == 0;
}

static int copy_directory(const char *from, const char *to, bool top, struct error *e);

/* Files and directories; what else is there (sockets of a crashed machine, links) is left. */
static int copy_entry(const char *from, const char *to, struct error *e) {
    struct stat st;
    if (lstat(from, &st) < 0)
        return error_set(e, "%s: %s", from, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        if (mkdir(to, st.st_mode & 0777) < 0)
            return error_set(e, "%s: %s", to, strerror(errno));
        return copy_directory(from, to, false, e);
    }
    if (!S_ISREG(st.st_mode) || access(to, F_OK) == 0)
        return 0;
    if (is_base(from))
        return link(from, to) < 0 ? error_set(e, "%s: %s", to, strerror(errno)) : 0;
    if (host_file_copy(from, to, e) < 0)
        return -1;
    return chmod(to, st.st_mode & 0777) < 0 ? error_set(e, "%s: %s", to, strerror(errno)) : 0;
}

static int copy_directory(const char *from, const char *to, bool top, struct error *e) {
    DIR *directory = opendir(from);
    if (!directory)
        return error_set(e, "%s: %s", from, strerror(errno));
    int result = 0;
    for (struct dirent *entry; result == 0 && (entry = readdir(directory));) {
        char source[PATH_MAX], target[PATH_MAX];
        if (!is_visible(entry) || (top && tells_of_the_past(entry->d_name)))
            continue;
        snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        result = copy_entry(source, target, e);
    }
    closedir(directory);
    return result;
}

int machine_copy(const struct machine *from, const struct machine *draft, struct error *e) {
    return copy_directory(from->path, draft->path, true, e);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

int machine_remove(const struct machine *machine, struct error *e) {
    enum { DESCRIPTORS = 16 };
    struct machine hidden;
    hide(&hidden, machine);
    /* Out of sight first: what is left of it, should this be interrupted, is no machine. */
    if (rename(machine->path, hidden.path) < 0)
        return error_set(e, "%s: %s", machine->path, strerror(errno));
    if (nftw(hidden.path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0)
        return error_set(e, "%s: cannot be removed: %s", hidden.path, strerror(errno));
    return 0;
}
