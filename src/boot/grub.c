/* GRUB's grub.cfg: its default menu entry, with the variables of grubenv. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "boot/entry.h"
#include "boot/script.h"

enum { MENU_MAX = 256, MENU_DEPTH_MAX = 8, GRUBENV_SIZE = 4096 };

struct menu_entry {
    char *title, *id;
    bool is_submenu;
    const char *block;
    size_t size;
};

struct grub {
    struct volumes *volumes;
    unsigned volume; /* where grub.cfg is */
    char directory[64];
    struct script script;
    struct menu_entry menu[MENU_MAX];
    unsigned menu_count;
    struct boot_entry *out;
    bool too_long; /* an entry does not fit into out */
};

static const char *get(const struct grub *g, const char *name) {
    return script_get(&g->script, name, strlen(name));
}

static void set(struct grub *g, const char *name, const char *value) {
    script_set(&g->script, name, strlen(name), value);
}

/* --- files and devices */

/* "(hd0,gpt2)/path", or a path on $root; that is the configuration's own volume until it is set, and where it
 * is set to what is not there. */
static unsigned resolve(const struct grub *g, const char *name, const char **path) {
    const char *root = get(g, "root");
    size_t length = strlen(root);
    const char *close = *name == '(' ? strchr(name, ')') : NULL;
    *path = name;
    if (close) {
        root = name;
        length = (size_t)(close + 1 - name);
        *path = close + 1;
    }
    int found = length ? volumes_find_device(g->volumes, root, length) : -1;
    return found < 0 ? g->volume : (unsigned)found;
}

static bool file_exists(struct grub *g, const char *name) {
    const char *path;
    struct extfs *fs = volume_fs(g->volumes, resolve(g, name, &path));
    return fs && *path && extfs_exists(fs, path);
}

/* `search --fs-uuid|--label|--file [--set[=VARIABLE]] NAME` */
static bool search(struct grub *g, const struct script_words *words) {
    int (*find)(struct volumes *, const char *) = volumes_find_file;
    const char *variable = "root", *name = "";
    char device[32];
    for (unsigned i = 1; i < words->count; i++) {
        const char *word = words->word[i];
        if (strcmp(word, "--fs-uuid") == 0 || strcmp(word, "-u") == 0)
            find = volumes_find_uuid;
        else if (strcmp(word, "--label") == 0 || strcmp(word, "--fs-label") == 0 || strcmp(word, "-l") == 0)
            find = volumes_find_label;
        else if (strncmp(word, "--set=", 6) == 0)
            variable = word + 6;
        else if (*word != '-')
            name = word;
    }
    int found = *name ? find(g->volumes, name) : -1;
    if (found < 0)
        return false;
    const struct volume *volume = &g->volumes->list[found];
    if (volume->partition.number)
        snprintf(device, sizeof device, "hd%u,%u", volume->disk, volume->partition.number);
    else
        snprintf(device, sizeof device, "hd%u", volume->disk);
    set(g, variable, device);
    return true;
}

/* NAME=VALUE lines, with # as filling. What grub-reboot asks for holds for one boot, and is not taken:
 * nothing is written here that would say that it was done. */
static bool load_env(struct grub *g) {
    char path[80];
    size_t size;
    snprintf(path, sizeof path, "%s/grubenv", g->directory);
    char *text = extfs_read(volume_fs(g->volumes, g->volume), path, GRUBENV_SIZE, &size, NULL), *rest = NULL;
    if (!text)
        return false;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *equals = strchr(line, '=');
        if (*line == '#' || !equals)
            continue;
        *equals = 0;
        if (strcmp(line, "next_entry") != 0 && strcmp(line, "prev_saved_entry") != 0)
            set(g, line, equals + 1);
    }
    free(text);
    return true;
}

/* --- test */

static bool test_one(struct grub *g, char *const *word, unsigned count) {
    if (count && strcmp(word[0], "!") == 0)
        return !test_one(g, word + 1, count - 1);
    if (count == 1)
        return *word[0] != 0;
    if (count == 2 && word[0][0] == '-' && word[0][1] && !word[0][2]) {
        switch (word[0][1]) {
        case 'n': return *word[1] != 0;
        case 'z': return *word[1] == 0;
        case 'd':
        case 'e':
        case 'f':
        case 's': return file_exists(g, word[1]);
        }
    }
    if (count != 3)
        return false;
    long long a = strtoll(word[0], NULL, 10), b = strtoll(word[2], NULL, 10);
    const struct {
        const char *name;
        bool holds;
    } operators[] = {{"=", strcmp(word[0], word[2]) == 0}, {"==", strcmp(word[0], word[2]) == 0},
        {"!=", strcmp(word[0], word[2]) != 0}, {"-eq", a == b}, {"-ne", a != b}, {"-lt", a < b},
        {"-le", a <= b}, {"-gt", a > b}, {"-ge", a >= b}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(word[1], operators[i].name) == 0)
            return operators[i].holds;
    return false;
}

/* Of the words between [ and ]: -o divides, then -a. */
static bool test(struct grub *g, char *const *word, unsigned count) {
    bool any = false, all = true;
    unsigned start = 0;
    for (unsigned i = 0; i <= count; i++) {
        bool is_or = i == count || strcmp(word[i], "-o") == 0;
        if (!is_or && strcmp(word[i], "-a") != 0)
            continue;
        all &= test_one(g, word + start, i - start);
        start = i + 1;
        if (is_or) {
            any |= all;
            all = true;
        }
    }
    return any;
}

/* --- the commands that boot */

/* As GRUB hands them to the kernel: which file it is, and words with blanks in quotes. */
static int add_option(struct boot_entry *out, const char *word) {
    char *quoted = NULL;
    if (!strpbrk(word, " \t"))
        return entry_add_options(out, word);
    int result = asprintf(&quoted, "\"%s\"", word) < 0 ? -1 : entry_add_options(out, quoted);
    free(quoted);
    return result;
}

static bool load_kernel(struct grub *g, const struct script_words *words) {
    const char *path;
    char image[ENTRY_PATH_MAX];
    if (words->count < 2)
        return false;
    entry_free(g->out);
    unsigned volume = resolve(g, words->word[1], &path);
    int result = entry_set_kernel(g->out, volume, "", path);
    snprintf(image, sizeof image, "BOOT_IMAGE=%s", words->word[1]);
    if (result == 0)
        result = add_option(g->out, image);
    for (unsigned i = 2; i < words->count && result == 0; i++)
        result = add_option(g->out, words->word[i]);
    g->too_long |= result < 0;
    return result == 0;
}

static bool load_initrd(struct grub *g, const struct script_words *words) {
    for (unsigned i = 1; i < words->count; i++) {
        const char *path;
        unsigned volume = resolve(g, words->word[i], &path);
        if (entry_add_initrd(g->out, volume, "", path) < 0) {
            g->too_long = true;
            return false;
        }
    }
    return words->count > 1;
}

/* What only shows something, or finds modules of GRUB's, has nothing to do here. */
static bool on_command(void *ctx, const struct script_words *words) {
    struct grub *g = ctx;
    const char *name = words->word[0];
    if (strcmp(name, "[") == 0)
        return words->count > 2 && strcmp(words->word[words->count - 1], "]") == 0 &&
               test(g, words->word + 1, words->count - 2);
    if (strcmp(name, "test") == 0)
        return test(g, words->word + 1, words->count - 1);
    if (strcmp(name, "search") == 0)
        return search(g, words);
    if (strcmp(name, "load_env") == 0)
        return load_env(g);
    if (strcmp(name, "linux") == 0 || strcmp(name, "linuxefi") == 0)
        return load_kernel(g, words);
    if (strcmp(name, "initrd") == 0 || strcmp(name, "initrdefi") == 0)
        return load_initrd(g, words);
    return strcmp(name, "false") != 0;
}

/* --- the menu */

static void on_entry(void *ctx, const struct script_words *words, const char *block, size_t size) {
    struct grub *g = ctx;
    const char *title = "", *id = NULL;
    if (g->menu_count == MENU_MAX)
        return;
    for (unsigned i = 1; i < words->count; i++) {
        bool has_value = strcmp(words->word[i], "--class") == 0 || strcmp(words->word[i], "--users") == 0 ||
                         strcmp(words->word[i], "--hotkey") == 0;
        if (strcmp(words->word[i], "--id") == 0 && i + 1 < words->count)
            id = words->word[++i];
        else if (has_value)
            i++;
        else if (strncmp(words->word[i], "--", 2) != 0 && !*title)
            title = words->word[i];
    }
    struct menu_entry entry = {
        strdup(title), strdup(id ? id : title), strcmp(words->word[0], "submenu") == 0, block, size};
    if (entry.title && entry.id) {
        g->menu[g->menu_count++] = entry;
        return;
    }
    free(entry.title);
    free(entry.id);
}

static void clear_menu(struct grub *g) {
    while (g->menu_count) {
        free(g->menu[--g->menu_count].title);
        free(g->menu[g->menu_count].id);
    }
}

/* Which entry name means: a number, an identifier or a title. -1: none. */
static int find_entry(const struct grub *g, const char *name) {
    char *end;
    for (unsigned i = 0; i < g->menu_count; i++)
        if (strcmp(g->menu[i].id, name) == 0 || strcmp(g->menu[i].title, name) == 0)
            return (int)i;
    unsigned long number = strtoul(name, &end, 10);
    return isdigit((unsigned char)*name) && !*end && number < g->menu_count ? (int)number : -1;
}

/* Finds the entry that $default means, "SUBMENU>ENTRY" in a submenu, or else the first one, and runs it. The
 * menus are read one after the other. */
static int run_default(struct grub *g, struct error *e) {
    char *wanted = strdup(get(g, "default")), *name = wanted;
    int result = wanted ? 0 : error_set(e, "out of memory");
    for (unsigned depth = 0; result == 0 && depth < MENU_DEPTH_MAX && g->menu_count; depth++) {
        char *rest = "";
        int found = find_entry(g, name);
        if (found < 0 && (rest = strchr(name, '>'))) {
            *rest++ = 0;
            found = find_entry(g, name);
        }
        name = found < 0 || !rest ? "" : rest;
        struct menu_entry entry = g->menu[found < 0 ? 0 : found];
        clear_menu(g);
        result = script_run(&g->script, entry.block, entry.size, e);
        if (!entry.is_submenu)
            break;
    }
    free(wanted);
    return result;
}

static void set_defaults(struct grub *g) {
    char device[32], prefix[100];
    const struct volume *volume = &g->volumes->list[g->volume];
    snprintf(device, sizeof device, "hd%u,%u", volume->disk, volume->partition.number);
    snprintf(prefix, sizeof prefix, "(%s)%s", device, g->directory);
    if (volume->partition.number)
        set(g, "root", device);
    set(g, "prefix", volume->partition.number ? prefix : g->directory);
    set(g, "grub_cpu", "arm64");
    set(g, "grub_platform", "efi");
    set(g, "feature_menuentry_id", "y");
    set(g, "menuentry_id_option", "--id");
    set(g, "feature_platform_search_hint", "y");
    set(g, "feature_default_font_path", "y");
    set(g, "feature_timeout_style", "y");
}

static int run(struct grub *g, const char *text, size_t size, struct error *e) {
    set_defaults(g);
    if (script_run(&g->script, text, size, e) < 0 || run_default(g, e) < 0)
        return -1;
    if (g->too_long)
        return error_set(e, "its default entry is too long");
    return g->out->kernel.path ? 1 : error_set(e, "its default entry has no Linux kernel");
}

static int read_config(struct grub *g, struct error *e) {
    char path[80];
    size_t size;
    struct error why;
    snprintf(path, sizeof path, "%s/grub.cfg", g->directory);
    char *text = extfs_read(volume_fs(g->volumes, g->volume), path, ENTRY_TEXT_MAX, &size, NULL);
    if (!text)
        return 0;
    int result = run(g, text, size, &why);
    clear_menu(g);
    script_free(&g->script);
    free(text);
    return result < 0 ? error_set(e, "%s: %s", path, why.text) : result;
}

int entry_read_grub(struct volumes *volumes, unsigned volume, const char *directory, struct boot_entry *out,
    struct error *e) {
    static const char *const names[] = {"grub", "grub2"};
    struct grub *g = calloc(1, sizeof *g);
    int result = g ? 0 : error_set(e, "out of memory");
    for (unsigned i = 0; g && i < sizeof names / sizeof *names && result == 0; i++) {
        *g = (struct grub){.volumes = volumes, .volume = volume, .out = out};
        g->script.ctx = g;
        g->script.command = on_command;
        g->script.entry = on_entry;
        snprintf(g->directory, sizeof g->directory, "%s/%s", directory, names[i]);
        result = read_config(g, e);
    }
    free(g);
    return result;
}
