/* Copies of machines, at once: a disk with much in it is not copied. It becomes a base that nobody writes to
 * any more, with an overlay upon it in each of the two machines. Both have the base in their directory, as
 * hard links to one file: it goes when the last machine that needs it does, without anyone counting. */
#include "manager/clone.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"
#include "manager/config.h"
#include "storage/image.h"
#include "vm/settings.h"

enum {
    COPY_SIZE_MAX = 16 << 20, /* bytes on the host's disk; copying that is as good */
    CHAIN_MAX = 16,           /* images one upon the other; each costs time when it is read */
};

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

static bool is_to_be_forked(const struct machine *machine, const struct vm_disk *disk) {
    char path[PATH_MAX];
    struct stat st;
    return !strchr(disk->path, '/') && !disk->read_only &&
           lstat(machine_file(machine, disk->path, path), &st) == 0 && S_ISREG(st.st_mode) &&
           st.st_blocks * 512ll > COPY_SIZE_MAX && chain_length(path, format_of(disk)) < CHAIN_MAX;
}

/* --- the configuration, where a raw disk has become an overlay */

static bool names_disk(const char *value, size_t length, const char *path) {
    struct vm_config config;
    struct error e;
    char *copy = strndup(value, length);
    vm_config_init(&config);
    bool result =
        copy && vm_setting_set(&config, "disk", copy, &e) == 0 && strcmp(config.disks[0].path, path) == 0;
    free(copy);
    return result;
}

static int say_qcow2(const struct machine *machine, const char *disk, struct error *e) {
    char path[PATH_MAX], *changed;
    size_t size;
    char *text = host_file_read(machine_file(machine, "config", path), CONFIG_SIZE_MAX, &size, e);
    FILE *out = text ? open_memstream(&changed, &size) : NULL;
    for (const char *line = text; out && *line;) {
        size_t length = strcspn(line, "\n"), value_length;
        const char *value = machine_config_value(line, length, "disk", &value_length);
        if (value && names_disk(value, value_length, disk))
            fprintf(out, "disk = %s,format=qcow2\n", disk);
        else
            fprintf(out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    free(text);
    if (!text)
        return -1;
    if (!out || fclose(out) != 0)
        return error_set(e, "out of memory");
    int result = host_file_replace(path, changed, size, e);
    free(changed);
    return result;
}

/* --- disks */

/* Moves the clone's overlay to where it belongs, with its base. */
static int hand_over(const struct machine *draft, const char *base, const char *base_path,
    const char *overlay, const char *disk, struct error *e) {
    char target[PATH_MAX], target_base[PATH_MAX];
    chmod(base_path, 0400); /* against mistakes */
    if (link(base_path, machine_file(draft, base, target_base)) == 0 &&
        rename(overlay, machine_file(draft, disk, target)) == 0)
        return 0;
    error_set(e, "%s: %s", target_base, strerror(errno));
    unlink(overlay);
    return -1;
}

static int fork_disk(
    const struct machine *machine, const struct machine *draft, const struct vm_disk *disk, struct error *e) {
    char base[32], overlay[32], path[PATH_MAX], base_path[PATH_MAX], overlay_path[PATH_MAX];
    uint64_t id;
    if (getrandom(&id, sizeof id, 0) != sizeof id)
        return error_set(e, "no random numbers: %s", strerror(errno));
    snprintf(base, sizeof base, MACHINE_BASE_PREFIX "%016" PRIx64 "%s", id,
        format_of(disk) == STORAGE_QCOW2 ? ".qcow2" : "");
    snprintf(overlay, sizeof overlay, ".clone-%016" PRIx64, id);
    machine_file(machine, disk->path, path);
    machine_file(machine, base, base_path);
    machine_file(machine, overlay, overlay_path);
    if (storage_fork(path, disk->format, base_path, overlay_path, e) < 0)
        return -1;
    return hand_over(draft, base, base_path, overlay_path, disk->path, e);
}

static int fork_disks(const struct machine *machine, const struct machine *draft,
    const struct machine_config *config, struct error *e) {
    for (unsigned i = 0; i < config->vm.disk_count; i++) {
        const struct vm_disk *disk = &config->vm.disks[i];
        if (!is_to_be_forked(machine, disk))
            continue;
        int result = fork_disk(machine, draft, disk, e);
        char path[PATH_MAX];
        bool overlay = storage_looks_like_qcow2(machine_file(machine, disk->path, path));
        if (format_of(disk) == STORAGE_RAW && overlay && say_qcow2(machine, disk->path, e) < 0)
            return -1;
        if (result < 0)
            return -1;
    }
    return 0;
}

int machine_clone(const struct machine *machine, const struct machine *draft, struct error *e) {
    struct machine_config config;
    char path[PATH_MAX];
    int result = machine_config_load(&config, machine_file(machine, "config", path), e);
    if (result == 0)
        result = fork_disks(machine, draft, &config, e);
    machine_config_free(&config);
    return result < 0 ? -1 : machine_copy(machine, draft, e);
}
