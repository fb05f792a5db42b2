/* The Boot Loader Specification's type 1 entries
 * (https://uapi-group.org/specifications/specs/boot_loader_specification), as systemd's kernel-install and
 * Fedora's GRUB write them. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"

enum { ENTRIES_MAX = 256, NAME_MAX_BYTES = 256 };

struct bls {
    char name[NAME_MAX_BYTES]; /* without .conf and the counter of boots */
    bool exhausted;            /* it was tried as often as its counter allows */
    char *sort_key, *version, *text;
};

struct bls_list {
    struct bls entries[ENTRIES_MAX];
    char names[ENTRIES_MAX][NAME_MAX_BYTES]; /* of the files */
    unsigned count;
};

/* --- lines of a key, blanks, and a value */

/* The next line of *text as its key and value; false: no more. Comments have an empty key. */
static bool next_line(char **text, char **key, char **value) {
    if (!**text)
        return false;
    char *line = *text;
    size_t length = strcspn(line, "\n");
    *text = line + length + (line[length] == '\n');
    line[length] = 0;
    line += strspn(line, " \t");
    for (char *end = line + strlen(line); end > line && isspace((unsigned char)end[-1]);)
        *--end = 0;
    *key = line;
    size_t key_length = strcspn(line, " \t");
    *value = line + key_length + strspn(line + key_length, " \t");
    line[key_length] = 0;
    if (*line == '#')
        *line = 0;
    return true;
}

/* The value of a key, to be freed; NULL: not there. */
static char *find_value(const char *text, const char *wanted) {
    char *copy = strdup(text), *rest = copy, *key, *value, *result = NULL;
    while (copy && !result && next_line(&rest, &key, &value))
        if (strcmp(key, wanted) == 0)
            result = strdup(value);
    free(copy);
    return result;
}

/* --- which entries there are */

static bool on_name(void *ctx, const char *name) {
    struct bls_list *list = ctx;
    size_t length = strlen(name);
    if (length > 5 && length < NAME_MAX_BYTES && strcmp(name + length - 5, ".conf") == 0)
        strcpy(list->names[list->count++], name);
    return list->count < ENTRIES_MAX;
}

/* NAME+LEFT[-DONE].conf: how often it may be tried yet. */
static void take_counter(struct bls *entry, const char *name) {
    unsigned left;
    snprintf(entry->name, sizeof entry->name, "%.*s", (int)(strlen(name) - 5), name);
    char *plus = strrchr(entry->name, '+');
    if (!plus || sscanf(plus + 1, "%4u", &left) != 1)
        return;
    entry->exhausted = left == 0;
    *plus = 0;
}

static bool is_for_us(const char *text) {
    char *architecture = find_value(text, "architecture"), *kernel = find_value(text, "linux");
    bool ours = kernel && (!architecture || strcasecmp(architecture, "aa64") == 0);
    free(architecture);
    free(kernel);
    return ours;
}

static void free_bls(struct bls *entry) {
    free(entry->sort_key);
    free(entry->version);
    free(entry->text);
}

static void read_entries(struct extfs *fs, const char *directory, struct bls_list *list) {
    enum { SIZE_MAX_BYTES = 16 << 10 };
    unsigned files;
    size_t size;
    extfs_list(fs, directory, on_name, list);
    files = list->count;
    list->count = 0;
    for (unsigned i = 0; i < files; i++) {
        char path[ENTRY_PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", directory, list->names[i]);
        struct bls entry = {.text = extfs_read(fs, path, SIZE_MAX_BYTES, &size, NULL)};
        if (!entry.text || !is_for_us(entry.text)) {
            free_bls(&entry);
            continue;
        }
        take_counter(&entry, list->names[i]);
        entry.sort_key = find_value(entry.text, "sort-key");
        entry.version = find_value(entry.text, "version");
        list->entries[list->count++] = entry;
    }
}

/* --- which one is the default */

static int compare_versions(const char *a, const char *b) {
    return strverscmp(a ? a : "", b ? b : "");
}

/* Below 0: a comes first. ("Sorting" in the specification; strverscmp() stands for its version order.) */
static int compare(const void *left, const void *right) {
    const struct bls *a = left, *b = right;
    int order = a->exhausted - b->exhausted;
    if (!order && !a->sort_key != !b->sort_key)
        order = a->sort_key ? -1 : 1;
    if (!order && a->sort_key && !(order = strcmp(a->sort_key, b->sort_key)))
        order = -compare_versions(a->version, b->version);
    return order ? order : -compare_versions(a->name, b->name);
}

/* loader.conf's default is a pattern for names, with or without .conf. */
static const struct bls *choose(struct extfs *fs, const char *loader, struct bls_list *list) {
    char path[ENTRY_PATH_MAX], with_suffix[NAME_MAX_BYTES + 5];
    size_t size;
    qsort(list->entries, list->count, sizeof *list->entries, compare);
    snprintf(path, sizeof path, "%s/loader.conf", loader);
    char *text = extfs_read(fs, path, ENTRY_TEXT_MAX, &size, NULL);
    char *pattern = text ? find_value(text, "default") : NULL;
    const struct bls *chosen = &list->entries[0];
    for (unsigned i = 0; pattern && i < list->count; i++) {
        snprintf(with_suffix, sizeof with_suffix, "%s.conf", list->entries[i].name);
        if (strlen(pattern) < NAME_MAX_BYTES &&
            (fnmatch(pattern, with_suffix, 0) == 0 || fnmatch(pattern, list->entries[i].name, 0) == 0)) {
            chosen = &list->entries[i];
            break;
        }
    }
    free(pattern);
    free(text);
    return chosen;
}

/* --- what it says */

/* GRUB's variables, which Fedora's entries have, are empty here. */
static int add_words(struct boot_entry *out, char *value) {
    char *rest = NULL;
    for (char *word = strtok_r(value, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest))
        if (*word != '$' && entry_add_options(out, word) < 0)
            return -1;
    return 0;
}

/* Paths are from the root of the file system; where /boot is no file system of its own, some mean /boot. */
static const char *path_root(
    struct extfs *fs, const char *directory, const char *path, char out[ENTRY_PATH_MAX]) {
    if (snprintf(out, ENTRY_PATH_MAX, "%s/%s", directory, path) < ENTRY_PATH_MAX && !extfs_exists(fs, path) &&
        extfs_exists(fs, out))
        return out;
    return path;
}

static int read_entry(struct extfs *fs, unsigned volume, const char *directory, const struct bls *entry,
    struct boot_entry *out) {
    char *text = strdup(entry->text), *rest = text, *key, *value, path[ENTRY_PATH_MAX];
    int result = text ? 0 : -1;
    while (result == 0 && next_line(&rest, &key, &value)) {
        if (strcmp(key, "linux") == 0)
            result = entry_set_kernel(out, volume, "", path_root(fs, directory, value, path));
        else if (strcmp(key, "options") == 0)
            result = add_words(out, value);
        else if (strcmp(key, "initrd") == 0) {
            char *words = NULL;
            for (char *word = strtok_r(value, " \t", &words); word && result == 0;
                 word = strtok_r(NULL, " \t", &words))
                if (*word != '$')
                    result = entry_add_initrd(out, volume, "", path_root(fs, directory, word, path));
        }
    }
    free(text);
    return result;
}

int entry_read_bls(struct volumes *volumes, unsigned volume, const char *directory, struct boot_entry *out,
    struct error *e) {
    struct extfs *fs = volume_fs(volumes, volume);
    char loader[32], entries[64], name[64];
    snprintf(loader, sizeof loader, "%s/loader", directory);
    snprintf(entries, sizeof entries, "%s/entries", loader);
    struct bls_list *list = calloc(1, sizeof *list);
    if (!list)
        return error_set(e, "out of memory");
    read_entries(fs, entries, list);
    int result = list->count > 0;
    if (result) {
        const struct bls *chosen = choose(fs, loader, list);
        if (read_entry(fs, volume, directory, chosen, out) < 0)
            result =
                error_set(e, "its entry %s is too long", entry_printable(chosen->name, name, sizeof name));
    }
    for (unsigned i = 0; i < list->count; i++)
        free_bls(&list->entries[i]);
    free(list);
    return result;
}
