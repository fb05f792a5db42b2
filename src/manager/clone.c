/* Copies of machines, at once: a disk with much in it is not copied. It becomes a base that nobody writes to
 * any more, with an overlay upon it in each of the two machines. Both have the base in their directory, as
 * hard links to one file: it goes when the last machine that needs it does, without anyone counting.
 *
 * Wherever this ends, the machine's configuration names a disk with all that was written: all is made first,
 * under names that nobody looks for, and then one rename() makes it so. */
#include "manager/clone.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manager/change.h"
#include "manager/config.h"
#include "storage/image.h"

enum {
    COPY_SIZE_MAX = 16 << 20, /* bytes on the host's disk; copying that is as good */
    CHAIN_MAX = 16,           /* images one upon the other; each costs time when it is read */
    NAME_SIZE = 256,
};

#define NEXT_PREFIX  ".next-"
#define CLONE_PREFIX ".clone-"

static bool has_prefix(const char *name, const char *prefix) {
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static enum storage_format format_of(const struct vm_disk *disk) {
    size_t length = strlen(disk->path);
    if (disk->format != STORAGE_AUTO)
        return disk->format;
    return length > 6 && strcmp(disk->path + length - 6, ".qcow2") == 0 ? STORAGE_QCOW2 : STORAGE_RAW;
}

/* How many images lie one upon the other, as far as CHAIN_MAX. */
static unsigned chain_length(const char *path, enum storage_format format) {
    char *at = strdup(path);
    unsigned length = 0;
    while (at && ++length < CHAIN_MAX && format == STORAGE_QCOW2) {
        struct storage_info info;
        struct error e;
        char *next = storage_info(at, format, &info, &e) == 0 && *info.qcow2.backing &&
                             storage_format_parse(info.qcow2.backing_format, &format) == 0
                         ? storage_backing_path(at, info.qcow2.backing, &e)
                         : NULL;
        free(at);
        at = next;
    }
    free(at);
    return length;
}

/* 1: it is to be divided, 0: to be copied; -1: that would take its time, which a machine that runs has not.
 */
static int is_to_be_forked(
    const struct machine *machine, const struct vm_disk *disk, bool running, struct error *e) {
    char path[PATH_MAX];
    struct stat st;
    if (strchr(disk->path, '/') || strlen(disk->path) >= NAME_SIZE / 2 || disk->read_only ||
        lstat(machine_file(machine, disk->path, path), &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_blocks * 512ll <= COPY_SIZE_MAX)
        return 0;
    if (chain_length(path, format_of(disk)) < CHAIN_MAX)
        return 1;
    return running ? error_set(e, "disk %s lies upon %d others: stop the machine, so that it can be copied",
                         disk->path, CHAIN_MAX - 1)
                   : 0;
}

/* --- what a clone that was interrupted has left */

/* Another file of the directory that is the same as one of it: "" if there is none. */
static void find_twin(const struct machine *machine, const char *name, char twin[NAME_SIZE]) {
    char path[PATH_MAX];
    struct stat st, other;
    DIR *directory = lstat(machine_file(machine, name, path), &st) == 0 ? opendir(machine->path) : NULL;
    *twin = 0;
    for (struct dirent *entry; directory && !*twin && (entry = readdir(directory));)
        if (!has_prefix(entry->d_name, MACHINE_BASE_PREFIX) &&
            lstat(machine_file(machine, entry->d_name, path), &other) == 0 && other.st_ino == st.st_ino &&
            other.st_dev == st.st_dev)
            snprintf(twin, NAME_SIZE, "%s", entry->d_name);
    if (directory)
        closedir(directory);
}

static bool is_a_disk(const struct vm_disk *disks, unsigned count, const char *name) {
    for (unsigned i = 0; i < count; i++)
        if (strcmp(disks[i].path, name) == 0)
            return true;
    return false;
}

/* A base that is a disk, too, is none yet; what was a disk's name before is none any more. */
static void tidy(const struct machine *machine, const struct vm_disk *disks, unsigned count) {
    char path[PATH_MAX], twin[NAME_SIZE];
    DIR *directory = opendir(machine->path);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        const char *name = entry->d_name;
        if (has_prefix(name, NEXT_PREFIX) || has_prefix(name, CLONE_PREFIX)) {
            unlink(machine_file(machine, name, path));
        } else if (has_prefix(name, MACHINE_BASE_PREFIX)) {
            find_twin(machine, name, twin);
            if (*twin)
                unlink(machine_file(machine, is_a_disk(disks, count, twin) ? name : twin, path));
        }
    }
    if (directory)
        closedir(directory);
}

/* --- dividing a disk */

struct fork {
    const struct machine *machine, *draft;
    const struct vm_disk *disk;
    char name[NAME_SIZE]; /* what the disk is called afterwards */
    char base[64];        /* the name of the base */
    char path[PATH_MAX];  /* of the disk, */
    char base_path[PATH_MAX], next[PATH_MAX],
        clone[PATH_MAX]; /* the base, and the overlays until they are moved */
};

/* A raw disk becomes an overlay, so that its name changes: its line and its file are never at odds then. */
static void name_disk(struct fork *fork, uint64_t id) {
    char path[PATH_MAX];
    const char *name = fork->disk->path, *dot = strrchr(name, '.');
    if (format_of(fork->disk) == STORAGE_QCOW2) {
        snprintf(fork->name, sizeof fork->name, "%s", name);
        return;
    }
    int stem = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    snprintf(fork->name, sizeof fork->name, "%.*s.qcow2", stem, name);
    if (access(machine_file(fork->machine, fork->name, path), F_OK) == 0)
        snprintf(fork->name, sizeof fork->name, "%.*s-%016" PRIx64 ".qcow2", stem, name, id);
}

static int name_parts(struct fork *fork, struct error *e) {
    uint64_t id;
    char file[64];
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        return error_set(e, "no random numbers: %s", strerror(errno));
    name_disk(fork, id);
    snprintf(fork->base, sizeof fork->base, MACHINE_BASE_PREFIX "%016" PRIx64 "%s", id,
        format_of(fork->disk) == STORAGE_QCOW2 ? ".qcow2" : "");
    machine_file(fork->machine, fork->disk->path, fork->path);
    machine_file(fork->machine, fork->base, fork->base_path);
    snprintf(file, sizeof file, NEXT_PREFIX "%016" PRIx64, id);
    machine_file(fork->machine, file, fork->next);
    snprintf(file, sizeof file, CLONE_PREFIX "%016" PRIx64, id);
    machine_file(fork->machine, file, fork->clone);
    return 0;
}

/* Moves the clone's overlay to where it belongs, with its base. */
static int hand_over(const struct fork *fork, struct error *e) {
    char target[PATH_MAX], target_base[PATH_MAX];
    if (link(fork->base_path, machine_file(fork->draft, fork->base, target_base)) < 0)
        return error_set(e, "%s: %s", target_base, strerror(errno));
    if (renameat2(AT_FDCWD, fork->clone, AT_FDCWD, machine_file(fork->draft, fork->name, target),
            RENAME_NOREPLACE) < 0)
        return error_set(e, "%s: %s", target, strerror(errno));
    return 0;
}

/* The machine's disk is the overlay from here on. */
static int commit(const struct fork *fork, struct error *e) {
    char path[PATH_MAX];
    bool renamed = strcmp(fork->name, fork->disk->path) != 0;
    if (rename(fork->next, machine_file(fork->machine, fork->name, path)) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (!renamed)
        return 0;
    if (machine_config_rename_disk(fork->machine, fork->disk->path, fork->name, e) < 0) {
        unlink(path);
        return -1;
    }
    unlink(fork->path);
    return 0;
}

/* held: the disk, frozen. next: what it is from now on. */
static int divide(struct fork *fork, struct storage **next, struct error *e) {
    const struct storage_config overlay = {.path = fork->next, .format = STORAGE_QCOW2};
    if (storage_fork(fork->path, format_of(fork->disk), fork->base_path, fork->next, fork->clone, e) < 0)
        return -1;
    if ((*next = storage_open(&overlay, e)) && hand_over(fork, e) == 0 && commit(fork, e) == 0) {
        chmod(fork->base_path, 0400); /* against mistakes */
        return 0;
    }
    storage_close(*next);
    *next = NULL;
    unlink(fork->next);
    unlink(fork->clone);
    unlink(fork->base_path);
    return -1;
}

/* The n-th disk, which is open in vm, or nobody has. */
static int fork_disk(const struct machine *machine, const struct machine *draft, const struct vm_disk *disk,
    struct vm *vm, unsigned n, struct error *e) {
    struct fork fork = {.machine = machine, .draft = draft, .disk = disk};
    char path[PATH_MAX];
    const struct storage_config config = {
        .path = machine_file(machine, disk->path, path), .format = disk->format};
    if (name_parts(&fork, e) < 0)
        return -1;
    struct storage *held = vm ? vm_disk_storage(vm, n) : storage_open(&config, e), *next = NULL;
    if (!held)
        return -1;
    int frozen = storage_freeze(held);
    int result =
        frozen < 0 ? error_set(e, "disk %s: %s", disk->path, strerror(-frozen)) : divide(&fork, &next, e);
    if (vm && result == 0)
        vm_disk_replace(vm, n, next, fork.name);
    else if (vm && frozen == 0)
        storage_thaw(held);
    if (!vm) {
        storage_close(next);
        storage_close(held);
    }
    return result;
}

int machine_clone(
    const struct machine *machine, const struct machine *draft, struct vm *vm, struct error *e) {
    struct machine_config config = {0};
    char path[PATH_MAX];
    int result = vm ? 0 : machine_config_load(&config, machine_file(machine, "config", path), e);
    unsigned count = 0;
    const struct vm_disk *disks = vm ? vm_disks(vm, &count) : config.vm.disks;
    if (!vm)
        count = config.vm.disk_count;
    if (result == 0)
        tidy(machine, disks, count);
    for (unsigned i = 0; i < count && result >= 0; i++) {
        result = is_to_be_forked(machine, &disks[i], vm != NULL, e);
        if (result > 0)
            result = fork_disk(machine, draft, &disks[i], vm, i, e);
    }
    machine_config_free(&config);
    return result < 0 ? -1 : machine_copy(machine, draft, e);
}
