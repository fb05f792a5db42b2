/* Any text as a kept machine's configuration: it is refused with one line, or means the same after a change
 * of one key. */
#include <stdlib.h>
#include <string.h>

#include "manager/config.h"

/* Either may be NULL. */
static bool same(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_change(const char *text, size_t size) {
    struct machine_config before, after;
    struct error e;
    char *copy = strndup(text, size);
    char *changed = machine_config_replace(copy, "cpus", "3");
    if (machine_config_parse(&before, "fuzz", copy, strlen(copy), &e) < 0 ||
        machine_config_parse(&after, "fuzz", changed, strlen(changed), &e) < 0 || after.vm.cpus != 3 ||
        after.vm.memory != before.vm.memory || after.vm.disk_count != before.vm.disk_count ||
        !same(after.vm.append, before.vm.append))
        abort();
    machine_config_free(&before);
    machine_config_free(&after);
    free(changed);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct machine_config config;
    struct error e = {0};
    bool valid = machine_config_parse(&config, "fuzz", (const char *)data, size, &e) == 0;
    machine_config_free(&config);
    if (valid && size < CONFIG_SIZE_MAX - 16)
        check_change((const char *)data, size);
    else if (!valid && (!e.text[0] || strchr(e.text, '\n')))
        abort();
    return 0;
}
