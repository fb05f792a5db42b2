#include "cli/options.h"

#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "vm/settings.h"

static int set_setting(void *ctx, const char *name, char *value, struct error *e) {
    struct run_options *options = ctx;
    return vm_setting_set(&options->vm, name, value, e);
}

static int set_display(void *ctx, char *text, struct error *e) {
    struct run_options *options = ctx;
    if (strcmp(text, "none") == 0)
        options->display = DISPLAY_NONE;
    else if (strcmp(text, "window") == 0)
        options->display = DISPLAY_WINDOW;
    else
        return error_set(e, "--display %s: expected none or window", text);
    return 0;
}

static int set_timeout(void *ctx, char *text, struct error *e) {
    struct run_options *options = ctx;
    char *end;
    options->timeout = strtod(text, &end);
    if (end == text || *end || !(options->timeout > 0 && options->timeout < 1e9))
        return error_set(e, "--timeout %s: expected a number of seconds above 0", text);
    return 0;
}

#define STRING_OPTION(name, member)                                                                          \
    static int set_##name(void *ctx, char *text, struct error *e) {                                          \
        struct run_options *options = ctx;                                                                   \
        (void)e;                                                                                             \
        options->member = text;                                                                              \
        return 0;                                                                                            \
    }
STRING_OPTION(serial, vm.serial)
STRING_OPTION(console, vm.console)
STRING_OPTION(screenshot, screenshot)
STRING_OPTION(profile, vm.profile)
STRING_OPTION(gpu_trace, vm.gpu_trace)

#define FLAG_OPTION(name, member)                                                                            \
    static int set_##name(void *ctx, char *text, struct error *e) {                                          \
        struct run_options *options = ctx;                                                                   \
        (void)text;                                                                                          \
        (void)e;                                                                                             \
        options->member = true;                                                                              \
        return 0;                                                                                            \
    }
FLAG_OPTION(stats, vm.count_instructions)
FLAG_OPTION(no_reboot, no_reboot)
FLAG_OPTION(help, help)

int run_options_parse(struct run_options *options, int argc, char **argv, struct error *e) {
    static const struct argument table[] = {
        {"--serial", true, set_serial},
        {"--console", true, set_console},
        {"--display", true, set_display},
        {"--screenshot", true, set_screenshot},
        {"--timeout", true, set_timeout},
        {"--profile", true, set_profile},
        {"--gpu-trace", true, set_gpu_trace},
        {"--stats", false, set_stats},
        {"--no-reboot", false, set_no_reboot},
        {"--help", false, set_help},
    };
    const struct arguments arguments = {
        .command = "run",
        .table = table,
        .count = sizeof table / sizeof *table,
        .ctx = options,
        .setting = set_setting,
    };
    *options = (struct run_options){0};
    vm_config_init(&options->vm);
    options->vm.serial = "stdio";
    if (arguments_parse(&arguments, argc, argv, e) < 0)
        return -1;
    if (!options->vm.kernel && !options->vm.firmware && !options->vm.disk_count && !options->help)
        return error_set(
            e, "--disk FILE, --kernel FILE or --firmware FILE is missing (see 'pearvisor run --help')");
    if (options->screenshot && options->vm.gpu == VM_GPU_OFF)
        return error_set(e, "--screenshot needs a screen: use --gpu 2d");
    if (options->vm.gpu_trace && options->vm.gpu == VM_GPU_OFF)
        return error_set(e, "--gpu-trace needs a GPU: use --gpu 2d");
    return 0;
}
