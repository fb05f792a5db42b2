#include "manager/change.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "host/file.h"
#include "manager/config.h"
#include "vm/settings.h"

int machine_config_hold(const struct machine *machine, struct error *e) {
    int fd = open(machine->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    error_set(e, "%s: %s", machine->path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool names_disk(const char *value, size_t length, const char *path, bool *read_only) {
    struct vm_config config;
    struct error e;
    char *copy = strndup(value, length);
    vm_config_init(&config);
    bool result =
        copy && vm_setting_set(&config, "disk", copy, &e) == 0 && strcmp(config.disks[0].path, path) == 0;
    *read_only = result && config.disks[0].read_only;
    free(copy);
    return result;
}

/* The text with the other name, to be freed. NULL: out of memory. */
static char *rename_in(const char *text, const char *from, const char *to, size_t *size) {
    char *changed;
    FILE *out = open_memstream(&changed, size);
    for (const char *line = text; out && *line;) {
        size_t length = strcspn(line, "\n"), value_length;
        bool read_only;
        const char *value = machine_config_value(line, length, "disk", &value_length);
        if (value && names_disk(value, value_length, from, &read_only))
            fprintf(out, "disk = %s%s\n", to, read_only ? ",ro" : "");
        else
            fprintf(out, "%.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
    return out && fclose(out) == 0 ? changed : NULL;
}

int machine_config_rename_disk(
    const struct machine *machine, const char *from, const char *to, struct error *e) {
    char path[PATH_MAX];
    size_t size;
    int result = -1, hold = machine_config_hold(machine, e);
    if (hold < 0)
        return -1;
    char *text = host_file_read(machine_file(machine, "config", path), CONFIG_SIZE_MAX, &size, e);
    char *changed = text ? rename_in(text, from, to, &size) : NULL;
    if (changed)
        result = host_file_replace(path, changed, size, e);
    else if (text)
        error_set(e, "out of memory");
    free(changed);
    free(text);
    close(hold);
    return result;
}
