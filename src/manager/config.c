#include "manager/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/file.h"
#include "vm/settings.h"

enum { KEYS_MAX = 64 };

/* --- the keys that are not the machine's own */

static int set_display(struct machine_config *config, char *value, struct error *e) {
    config->window = strcmp(value, "window") == 0;
    if (!config->window && strcmp(value, "none") != 0)
        return error_set(e, "expected none or window");
    return 0;
}

/* It becomes a word of ssh's command line. */
static int set_user(struct machine_config *config, char *value, struct error *e) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    size_t length = strspn(value, letters);
    if (!length || value[length] || length > 32 || *value == '-')
        return error_set(e, "expected the name of a user");
    config->user = value;
    return 0;
}

static int set_ssh(struct machine_config *config, char *value, struct error *e) {
    char *end;
    long port = strtol(value, &end, 10);
    if (strcmp(value, "auto") == 0)
        config->ssh = CONFIG_SSH_AUTO;
    else if (strcmp(value, "off") == 0)
        config->ssh = CONFIG_SSH_OFF;
    else if (isdigit((unsigned char)*value) && !*end && port >= 1 && port <= 65535)
        config->ssh = (int)port;
    else
        return error_set(e, "expected auto, off or a port from 1 to 65535");
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct machine_config *config, char *value, struct error *e);
} own_keys[] = {{"display", set_display}, {"user", set_user}, {"ssh", set_ssh}};

enum { OWN_KEYS = sizeof own_keys / sizeof *own_keys };

const char *machine_config_key(unsigned n) {
    return n < OWN_KEYS ? own_keys[n].name : vm_setting_name(n - OWN_KEYS);
}

static int set_key(struct machine_config *config, const char *key, char *value, struct error *e) {
    for (unsigned i = 0; i < OWN_KEYS; i++)
        if (strcmp(key, own_keys[i].name) == 0)
            return own_keys[i].set(config, value, e);
    if (!vm_setting_known(key))
        return error_set(e, "no such key (docs/vm.md lists them)");
    return vm_setting_set(&config->vm, key, value, e);
}

static void init(struct machine_config *config) {
    *config = (struct machine_config){.user = "root", .ssh = CONFIG_SSH_AUTO};
    vm_config_init(&config->vm);
}

int machine_config_check(const char *key, char *value, struct error *e) {
    struct machine_config config;
    init(&config);
    return set_key(&config, key, value, e);
}

/* --- lines */

static char *trim(char *text) {
    while (*text == ' ' || *text == '\t')
        text++;
    size_t length = strlen(text);
    while (length && strchr(" \t\r", text[length - 1]))
        text[--length] = 0;
    return text;
}

struct parser {
    struct machine_config *config;
    const char *name;
    unsigned line;
    const char *seen[KEYS_MAX];
    unsigned seen_count;
};

static int check_new(struct parser *p, const char *key, struct error *e) {
    for (unsigned i = 0; i < p->seen_count && !vm_setting_repeats(key); i++)
        if (strcmp(p->seen[i], key) == 0)
            return error_set(e, "given a second time");
    if (p->seen_count < KEYS_MAX)
        p->seen[p->seen_count++] = key;
    return 0;
}

static int parse_line(struct parser *p, char *line, struct error *e) {
    line = trim(line);
    if (!*line || *line == '#')
        return 0;
    char *value = strchr(line, '=');
    if (!value)
        return error_set(e, "%s:%u: '%.60s': expected 'key = value'", p->name, p->line, line);
    *value++ = 0;
    const char *key = trim(line);
    value = trim(value);
    char given[100];
    struct error why;
    snprintf(given, sizeof given, "%.32s = %s", key, value);
    if (check_new(p, key, &why) < 0 || set_key(p->config, key, value, &why) < 0)
        return error_set(e, "%s:%u: %s: %s", p->name, p->line, given, why.text);
    return 0;
}

int machine_config_parse(
    struct machine_config *config, const char *name, const char *text, size_t size, struct error *e) {
    init(config);
    if (size > CONFIG_SIZE_MAX)
        return error_set(e, "%s: larger than %d bytes", name, CONFIG_SIZE_MAX);
    if (memchr(text, 0, size))
        return error_set(e, "%s: not a text", name);
    if (!(config->text = strndup(text, size)))
        return error_set(e, "out of memory");
    struct parser p = {.config = config, .name = name};
    for (char *line = config->text, *next; line; line = next) {
        if ((next = strchr(line, '\n')))
            *next++ = 0;
        p.line++;
        if (parse_line(&p, line, e) < 0)
            return -1;
    }
    return 0;
}

int machine_config_load(struct machine_config *config, const char *path, struct error *e) {
    size_t size;
    *config = (struct machine_config){0};
    char *text = host_file_read(path, CONFIG_SIZE_MAX, &size, e);
    if (!text)
        return -1;
    int result = machine_config_parse(config, path, text, size, e);
    free(text);
    return result;
}

void machine_config_free(struct machine_config *config) {
    free(config->text);
    config->text = NULL;
}

/* --- changing */

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

const char *machine_config_value(const char *line, size_t length, const char *key, size_t *value_length) {
    const char *end = line + length;
    while (line < end && is_blank(*line))
        line++;
    size_t key_length = strlen(key);
    if ((size_t)(end - line) <= key_length || memcmp(line, key, key_length) != 0)
        return NULL;
    for (line += key_length; line < end && is_blank(*line);)
        line++;
    if (line == end || *line++ != '=')
        return NULL;
    while (line < end && is_blank(*line))
        line++;
    while (end > line && is_blank(end[-1]))
        end--;
    *value_length = (size_t)(end - line);
    return line;
}

char *machine_config_replace(const char *text, const char *key, const char *value) {
    char *result;
    size_t size;
    FILE *out = open_memstream(&result, &size);
    if (!out)
        return NULL;
    bool done = !*value;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n"), value_length;
        if (!machine_config_value(line, length, key, &value_length)) {
            fprintf(out, "%.*s\n", (int)length, line);
        } else if (!done) {
            fprintf(out, "%s = %s\n", key, value);
            done = true;
        }
        line += length + (line[length] == '\n');
    }
    if (!done)
        fprintf(out, "%s = %s\n", key, value);
    if (fclose(out) != 0)
        return NULL;
    return result;
}
