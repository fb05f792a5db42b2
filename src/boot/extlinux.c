/* extlinux.conf, as Syslinux reads it (https://wiki.syslinux.org/wiki/index.php?title=Config) and U-Boot
 * does. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"

/* Where we are: in which label, and whether it is the one that is wanted. */
struct reader {
    unsigned volume;
    char directory[64];
    const char *wanted; /* NULL: the first */
    bool inside, done;
    struct boot_entry *out;
};

static char *trim(char *text) {
    text += strspn(text, " \t\r");
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = 0;
    return text;
}

/* Cuts a line into its key and its value. */
static char *split(char *line) {
    size_t length = strcspn(line, " \t=");
    char *value = line + length;
    if (*value)
        *value++ = 0;
    return trim(value);
}

static int add_initrds(struct reader *r, char *list) {
    char *rest = NULL;
    for (char *path = strtok_r(list, ",", &rest); path; path = strtok_r(NULL, ",", &rest))
        if (entry_add_initrd(r->out, r->volume, r->directory, path) < 0)
            return -1;
    return 0;
}

/* An initrd= among the kernel's options is one of Syslinux's own. */
static int add_options(struct reader *r, char *value) {
    char *rest = NULL;
    for (char *word = strtok_r(value, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
        if (strncmp(word, "initrd=", 7) == 0 ? add_initrds(r, word + 7) < 0
                                             : entry_add_options(r->out, word) < 0)
            return -1;
    return 0;
}

static int take_line(struct reader *r, const char *key, char *value) {
    if (strcasecmp(key, "label") == 0) {
        r->done |= r->inside;
        r->inside = !r->done && (!r->wanted || strcmp(value, r->wanted) == 0);
    } else if (!r->inside) {
        return 0;
    } else if (strcasecmp(key, "kernel") == 0 || strcasecmp(key, "linux") == 0) {
        return entry_set_kernel(r->out, r->volume, r->directory, value);
    } else if (strcasecmp(key, "initrd") == 0) {
        return add_initrds(r, value);
    } else if (strcasecmp(key, "append") == 0 && strcmp(value, "-") != 0) {
        return add_options(r, value);
    }
    return 0;
}

static int read_label(struct reader *r, const char *text) {
    char *copy = strdup(text), *rest = NULL;
    int result = copy ? 0 : -1;
    for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line && result == 0 && !r->done;
         line = strtok_r(NULL, "\n", &rest)) {
        line = trim(line);
        if (*line && *line != '#')
            result = take_line(r, line, split(line));
    }
    free(copy);
    return result;
}

/* DEFAULT's label, to be freed; NULL: not said. */
static char *find_default(const char *text) {
    char *copy = strdup(text), *rest = NULL, *result = NULL;
    for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; line && !result;
         line = strtok_r(NULL, "\n", &rest)) {
        line = trim(line);
        char *value = split(line);
        if (strcasecmp(line, "default") == 0)
            result = strdup(value);
    }
    free(copy);
    return result;
}

int entry_read_extlinux(struct volumes *volumes, unsigned volume, const char *directory,
    struct boot_entry *out, struct error *e) {
    struct reader r = {.volume = volume, .out = out};
    char path[80];
    size_t size;
    snprintf(r.directory, sizeof r.directory, "%s/extlinux", directory);
    snprintf(path, sizeof path, "%s/extlinux.conf", r.directory);
    char *text = extfs_read(volume_fs(volumes, volume), path, ENTRY_TEXT_MAX, &size, NULL);
    if (!text)
        return 0;
    char *wanted = find_default(text);
    r.wanted = wanted;
    int result = read_label(&r, text);
    if (result == 0 && !out->kernel.path) {
        entry_free(out); /* no such label: the first one */
        r.wanted = NULL;
        r.inside = r.done = false;
        result = read_label(&r, text);
    }
    free(wanted);
    free(text);
    if (result < 0)
        return error_set(e, "%s: its entry is too long", path);
    return out->kernel.path ? 1 : error_set(e, "%s: it has no label with a kernel", path);
}
