#include "boot/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Relative paths begin in directory. */
static int set_path(struct boot_path *out, unsigned volume, const char *directory, const char *path) {
    char *copy = NULL;
    if (strlen(directory) + strlen(path) >= ENTRY_PATH_MAX)
        return -1;
    if (asprintf(&copy, "%s%s%s", *path == '/' ? "" : directory, *path == '/' ? "" : "/", path) < 0)
        return -1;
    free(out->path);
    *out = (struct boot_path){volume, copy};
    return 0;
}

int entry_set_kernel(struct boot_entry *entry, unsigned volume, const char *directory, const char *path) {
    return set_path(&entry->kernel, volume, directory, path);
}

int entry_add_initrd(struct boot_entry *entry, unsigned volume, const char *directory, const char *path) {
    if (entry->initrd_count == ENTRY_INITRDS_MAX)
        return -1;
    entry->initrds[entry->initrd_count] = (struct boot_path){0};
    if (set_path(&entry->initrds[entry->initrd_count], volume, directory, path) < 0)
        return -1;
    entry->initrd_count++;
    return 0;
}

int entry_add_options(struct boot_entry *entry, const char *options) {
    char *all = NULL;
    const char *before = entry->options ? entry->options : "";
    if (strlen(before) + 1 + strlen(options) > ENTRY_OPTIONS_MAX)
        return -1;
    if (asprintf(&all, "%s%s%s", before, *before && *options ? " " : "", options) < 0)
        return -1;
    for (char *c = all; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' '; /* in quotes, anything is possible */
    free(entry->options);
    entry->options = all;
    return 0;
}

void entry_free(struct boot_entry *entry) {
    free(entry->kernel.path);
    for (unsigned i = 0; i < entry->initrd_count; i++)
        free(entry->initrds[i].path);
    free(entry->options);
    *entry = (struct boot_entry){0};
}

const char *entry_printable(const char *text, char *out, size_t max) {
    size_t length = 0;
    for (; text[length] && length < max - 1; length++)
        out[length] = text[length] >= ' ' && text[length] < 0x7f ? text[length] : '?';
    out[length] = 0;
    return out;
}
