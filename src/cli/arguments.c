#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>

#include "vm/settings.h"

/* The option's value, from the same argument or the next. */
static int take_value(char **value, bool wanted, int argc, char **argv, int *at, struct error *e) {
    if (wanted && !*value && *at + 1 < argc)
        *value = argv[++*at];
    if (wanted != (*value != NULL))
        return error_set(e, wanted ? "%s: a value is missing" : "%s takes no value", argv[*at]);
    return 0;
}

static int set_setting(const struct arguments *a, const char *option, char *value, struct error *e) {
    char given[160];
    struct error why;
    snprintf(given, sizeof given, "%s %s", option, value);
    for (char *c = given; *c; c++) /* one line, whatever was given */
        if ((unsigned char)*c < ' ')
            *c = '?';
    if (a->setting(a->ctx, option + 2, value, &why) < 0)
        return error_set(e, "%s: %s", given, why.text);
    return 0;
}

static int parse_option(const struct arguments *a, int argc, char **argv, int *at, struct error *e) {
    char *option = argv[*at], *value = strchr(option, '=');
    if (value)
        *value++ = 0;
    if (a->setting && vm_setting_known(option + 2))
        return take_value(&value, true, argc, argv, at, e) < 0 ? -1 : set_setting(a, option, value, e);
    for (unsigned i = 0; i < a->count; i++)
        if (strcmp(option, a->table[i].name) == 0)
            return take_value(&value, a->table[i].takes_value, argc, argv, at, e) < 0
                       ? -1
                       : a->table[i].set(a->table[i].ctx ? a->table[i].ctx : a->ctx, value, e);
    return error_set(e, "unknown option '%s' (see 'pearvisor %s --help')", option, a->command);
}

int arguments_parse(const struct arguments *a, int argc, char **argv, struct error *e) {
    for (int at = 0; at < argc; at++) {
        int result;
        if (strncmp(argv[at], "--", 2) == 0)
            result = parse_option(a, argc, argv, &at, e);
        else if (a->word)
            result = a->word(a->ctx, argv[at], e);
        else
            result =
                error_set(e, "unexpected argument '%s' (see 'pearvisor %s --help')", argv[at], a->command);
        if (result)
            return result < 0 ? -1 : at;
    }
    return argc;
}
