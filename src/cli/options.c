#include "cli/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MIN_GPU_WINDOW     (64ull << 20)
#define MAX_GPU_WINDOW     (256ull << 30)
#define DEFAULT_GPU_WINDOW (8ull << 30)

enum {
    MIN_MEMORY = 64 << 20,
    MEMORY_GRANULE = 2 << 20,
    MIN_SIDE = 64,
    MAX_SIDE = 8192,
};

static const struct engine *const engines[] = {&engine_soft};

static int parse_number(const char *text, unsigned long low, unsigned long high, unsigned *out) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || value < low || value > high)
        return -1;
    *out = (unsigned)value;
    return 0;
}

static int parse_cpus(struct run_options *options, char *text, struct error *e) {
    if (parse_number(text, 1, BOARD_MAX_CPUS, &options->vm.cpus) < 0)
        return error_set(e, "--cpus %s: expected a number from 1 to %d", text, BOARD_MAX_CPUS);
    return 0;
}

/* Bytes; a bare number is MiB. */
static int parse_size(const char *text, uint64_t *out) {
    static const char units[] = "KMGT";
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    unsigned shift = 20;
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        shift = 10 * (unsigned)(unit - units + 1);
        end++;
        if (*end == 'i' || *end == 'I')
            end++;
        if (*end == 'b' || *end == 'B')
            end++;
    }
    if (*text < '0' || *text > '9' || *end || errno || value > UINT64_MAX >> shift)
        return -1;
    *out = (uint64_t)value << shift;
    return 0;
}

static int parse_memory(struct run_options *options, char *text, struct error *e) {
    if (parse_size(text, &options->vm.memory) < 0)
        return error_set(e, "--memory %s: expected a size such as 512M or 2G", text);
    if (options->vm.memory < MIN_MEMORY || options->vm.memory % MEMORY_GRANULE)
        return error_set(e, "--memory %s: expected a multiple of 2M, at least 64M", text);
    return 0;
}

static int parse_engine(struct run_options *options, char *text, struct error *e) {
    if (strcmp(text, "auto") == 0) {
        options->vm.engine = engines[0];
        return 0;
    }
    char *comma = strchr(text, ',');
    if (comma)
        *comma = 0;
    for (unsigned i = 0; i < sizeof engines / sizeof *engines; i++)
        if (strcmp(text, engines[i]->name) == 0) {
            options->vm.engine = engines[i];
            options->vm.engine_options = comma ? comma + 1 : NULL;
            return 0;
        }
    return error_set(e, "--engine %s: expected auto or soft", text);
}

static int parse_disk(struct run_options *options, char *text, struct error *e) {
    if (options->vm.disk_count == VM_MAX_DISKS)
        return error_set(e, "--disk %s: more than %d disks", text, VM_MAX_DISKS);
    unsigned n = options->vm.disk_count++;
    size_t length = strlen(text);
    options->vm.disks[n].path = text;
    options->vm.disks[n].read_only = length > 3 && strcmp(text + length - 3, ",ro") == 0;
    if (options->vm.disks[n].read_only)
        text[length - 3] = 0;
    if (!*text)
        return error_set(e, "--disk: expected FILE or FILE,ro");
    return 0;
}

static int parse_gpu_window(struct run_options *options, const char *text, struct error *e) {
    uint64_t *size = &options->vm.gpu_window;
    if (strncmp(text, "window=", 7) != 0 || parse_size(text + 7, size) < 0 || *size < MIN_GPU_WINDOW ||
        *size > MAX_GPU_WINDOW || *size % MEMORY_GRANULE)
        return error_set(e, "--gpu ...,%s: expected window=SIZE, from 64M to 256G", text);
    return 0;
}

static int parse_gpu(struct run_options *options, char *text, struct error *e) {
    static const struct {
        const char *name;
        enum vm_gpu gpu;
    } kinds[] = {{"off", VM_GPU_OFF}, {"2d", VM_GPU_2D}, {"virgl", VM_GPU_VIRGL}, {"venus", VM_GPU_VENUS},
        {"3d", VM_GPU_3D}, {"auto", VM_GPU_AUTO}};
    char *window = strchr(text, ',');
    if (window) {
        *window++ = 0;
        if (parse_gpu_window(options, window, e) < 0)
            return -1;
    }
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(text, kinds[i].name) == 0) {
            options->vm.gpu = kinds[i].gpu;
            return 0;
        }
    return error_set(e, "--gpu %s: expected off, 2d, virgl, venus, 3d or auto", text);
}

static int parse_net(struct run_options *options, char *text, struct error *e) {
    char *rest = NULL;
    char *kind = strtok_r(text, ",", &rest);
    options->vm.net = kind && strcmp(kind, "user") == 0;
    if (!options->vm.net && !(kind && strcmp(kind, "off") == 0))
        return error_set(
            e, "--net %s: expected off or user[,forward=tcp:HOSTPORT-GUESTPORT]...", kind ? kind : "");
    for (char *item; (item = strtok_r(NULL, ",", &rest));) {
        if (!options->vm.net || strncmp(item, "forward=", 8) != 0)
            return error_set(e, "--net ...,%s: expected forward=tcp:HOSTPORT-GUESTPORT", item);
        if (options->vm.forward_count == VM_MAX_FORWARDS)
            return error_set(e, "--net: more than %d forwards", VM_MAX_FORWARDS);
        options->vm.forwards[options->vm.forward_count++] = item + 8;
    }
    return 0;
}

static int parse_display(struct run_options *options, char *text, struct error *e) {
    if (strcmp(text, "none") == 0)
        options->display = DISPLAY_NONE;
    else if (strcmp(text, "window") == 0)
        options->display = DISPLAY_WINDOW;
    else
        return error_set(e, "--display %s: expected none or window", text);
    return 0;
}

static int parse_resolution(struct run_options *options, char *text, struct error *e) {
    char *by = strchr(text, 'x');
    if (by)
        *by = 0;
    int bad = !by || parse_number(text, MIN_SIDE, MAX_SIDE, &options->vm.width) < 0 ||
              parse_number(by + 1, MIN_SIDE, MAX_SIDE, &options->vm.height) < 0;
    if (by)
        *by = 'x';
    if (bad)
        return error_set(
            e, "--resolution %s: expected WIDTHxHEIGHT, each %d to %d", text, MIN_SIDE, MAX_SIDE);
    return 0;
}

static int parse_timeout(struct run_options *options, char *text, struct error *e) {
    char *end;
    options->timeout = strtod(text, &end);
    if (end == text || *end || !(options->timeout > 0 && options->timeout < 1e9))
        return error_set(e, "--timeout %s: expected a number of seconds above 0", text);
    return 0;
}

#define STRING_OPTION(name, member)                                                                          \
    static int set_##name(struct run_options *options, char *text, struct error *e) {                        \
        (void)e;                                                                                             \
        options->member = text;                                                                              \
        return 0;                                                                                            \
    }
STRING_OPTION(kernel, vm.kernel)
STRING_OPTION(initrd, vm.initrd)
STRING_OPTION(append, vm.append)
STRING_OPTION(serial, vm.serial)
STRING_OPTION(console, vm.console)
STRING_OPTION(screenshot, screenshot)
STRING_OPTION(profile, vm.profile)

#define FLAG_OPTION(member)                                                                                  \
    static int set_##member(struct run_options *options, char *text, struct error *e) {                      \
        (void)text;                                                                                          \
        (void)e;                                                                                             \
        options->member = true;                                                                              \
        return 0;                                                                                            \
    }
FLAG_OPTION(stats)
FLAG_OPTION(no_reboot)
FLAG_OPTION(help)

static const struct {
    const char *name;
    bool takes_value;
    int (*set)(struct run_options *options, char *text, struct error *e);
} table[] = {
    {"--kernel", true, set_kernel},
    {"--initrd", true, set_initrd},
    {"--append", true, set_append},
    {"--disk", true, parse_disk},
    {"--cpus", true, parse_cpus},
    {"--memory", true, parse_memory},
    {"--engine", true, parse_engine},
    {"--gpu", true, parse_gpu},
    {"--net", true, parse_net},
    {"--serial", true, set_serial},
    {"--console", true, set_console},
    {"--display", true, parse_display},
    {"--resolution", true, parse_resolution},
    {"--screenshot", true, set_screenshot},
    {"--timeout", true, parse_timeout},
    {"--profile", true, set_profile},
    {"--stats", false, set_stats},
    {"--no-reboot", false, set_no_reboot},
    {"--help", false, set_help},
};

static int parse_one(struct run_options *options, int argc, char **argv, int *at, struct error *e) {
    char *name = argv[*at], *value = strchr(name, '=');
    if (strncmp(name, "--", 2) != 0)
        return error_set(e, "unexpected argument '%s' (see 'pearvisor run --help')", name);
    if (value) /* --name=value */
        *value++ = 0;
    for (unsigned i = 0; i < sizeof table / sizeof *table; i++) {
        if (strcmp(name, table[i].name) != 0)
            continue;
        if (table[i].takes_value && !value && *at + 1 < argc)
            value = argv[++*at];
        if (table[i].takes_value != (value != NULL))
            return error_set(e, table[i].takes_value ? "%s: a value is missing" : "%s takes no value", name);
        return table[i].set(options, value, e);
    }
    return error_set(e, "unknown option '%s' (see 'pearvisor run --help')", name);
}

int run_options_parse(struct run_options *options, int argc, char **argv, struct error *e) {
    *options = (struct run_options){
        .vm =
            {
                .append = "console=ttyAMA0",
                .cpus = 2,
                .memory = 1u << 30,
                .engine = engines[0],
                .gpu = VM_GPU_2D,
                .gpu_window = DEFAULT_GPU_WINDOW,
                .net = true,
                .serial = "stdio",
                .width = 1280,
                .height = 800,
            },
    };
    for (int at = 0; at < argc; at++)
        if (parse_one(options, argc, argv, &at, e) < 0)
            return -1;
    if (!options->vm.kernel && !options->help)
        return error_set(e, "--kernel FILE is missing (see 'pearvisor run --help')");
    if (options->screenshot && options->vm.gpu == VM_GPU_OFF)
        return error_set(e, "--screenshot needs a screen: use --gpu 2d");
    return 0;
}
