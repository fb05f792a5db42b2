/* `pearvisor image`: what machines are made from. */
#include "image/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "util/log.h"

static const char usage[] =
    "usage: pearvisor image list [--json]\n"
    "       pearvisor image build debian:13|debian:13-desktop [NAME] [--packages NAME,NAME...]\n"
    "       pearvisor image pull debian:13|debian:12|ubuntu:24.04|URL [NAME] [--checksum HEX]\n"
    "       pearvisor image import FILE NAME [--kernel FILE [--initrd FILE] [--append TEXT]]\n"
    "       pearvisor image remove NAME\n"
    "\n"
    "build makes a Debian from its packages (debian:13-desktop: with Xfce), and from more that are named,\n"
    "for 'pearvisor create --image', without root; what it has made once comes from the cache. pull\n"
    "downloads a distribution's cloud image and checks it. import takes any raw or qcow2 image. Without\n"
    "a kernel beside it, an image boots what its disk says, or else firmware. NAME is what was built or\n"
    "pulled unless it is given.\n"
    "\n"
    "Exit status: 0 done, 2 usage, or it cannot be done.\n";

enum { OPERANDS_MAX = 2 };

struct image_options {
    char *operands[OPERANDS_MAX];
    unsigned count;
    const char *kernel, *initrd, *append, *checksum, *packages;
    bool json, help;
};

#define TEXT(member)                                                                                         \
    static int on_##member(void *ctx, char *text, struct error *e) {                                         \
        (void)e;                                                                                             \
        ((struct image_options *)ctx)->member = text;                                                        \
        return 0;                                                                                            \
    }
TEXT(kernel)
TEXT(initrd)
TEXT(append)
TEXT(checksum)
TEXT(packages)

#define FLAG(member)                                                                                         \
    static int on_##member(void *ctx, char *text, struct error *e) {                                         \
        (void)text;                                                                                          \
        (void)e;                                                                                             \
        ((struct image_options *)ctx)->member = true;                                                        \
        return 0;                                                                                            \
    }
FLAG(json)
FLAG(help)

static int on_word(void *ctx, char *text, struct error *e) {
    struct image_options *o = ctx;
    if (o->count == OPERANDS_MAX)
        return error_set(e, "unexpected argument '%s' (see 'pearvisor image --help')", text);
    o->operands[o->count++] = text;
    return 0;
}

static int print_image(void *ctx, const struct machine *image) {
    struct image_info info;
    struct error e;
    if (image_info(image, &info, &e) < 0)
        log_warn("%s", e.text);
    else
        printf("%-20s %6.1f GiB %8.1f MiB  %-8s  %s\n", image->name, (double)info.size / (1 << 30),
            (double)info.allocated / (1 << 20), info.direct ? "kernel" : "firmware", info.source);
    (void)ctx;
    return 0;
}

/* Names need no quoting; what an image was made from may. */
static int print_image_json(void *ctx, const struct machine *image) {
    bool *first = ctx;
    struct image_info info;
    if (image_info(image, &info, NULL) < 0)
        return 0;
    printf(
        "%s{\"name\":\"%s\",\"size\":%llu,\"allocated\":%llu,\"format\":\"%s\",\"direct\":%s,\"source\":\"",
        *first ? "" : ",", image->name, (unsigned long long)info.size, (unsigned long long)info.allocated,
        storage_format_name(info.format), info.direct ? "true" : "false");
    for (const char *c = info.source; *c; c++)
        printf(*c == '"' || *c == '\\' ? "\\%c" : "%c", (unsigned char)*c < 0x20 ? ' ' : *c);
    printf("\"}");
    *first = false;
    return 0;
}

static int list(const struct image_options *o, struct error *e) {
    bool first = true;
    if (!o->json)
        return image_each(print_image, NULL, e);
    putchar('[');
    int result = image_each(print_image_json, &first, e);
    puts("]");
    return result;
}

static int build(const struct image_options *o, struct error *e) {
    return image_build(o->operands[0], o->operands[o->count - 1], o->packages ? o->packages : "", e);
}

static int pull(const struct image_options *o, struct error *e) {
    return image_pull(o->operands[0], o->count > 1 ? o->operands[1] : NULL, o->checksum, e);
}

static int import(const struct image_options *o, struct error *e) {
    const struct image_files files = {
        .disk = o->operands[0],
        .kernel = o->kernel,
        .initrd = o->initrd,
        .append = o->append,
        .source = o->operands[0],
    };
    if (!o->kernel && (o->initrd || o->append))
        return error_set(e, "--initrd and --append need --kernel");
    return image_import(o->operands[1], &files, e);
}

static int remove_image(const struct image_options *o, struct error *e) {
    return image_remove(o->operands[0], e);
}

static const struct {
    const char *name;
    unsigned least, most; /* words */
    int (*run)(const struct image_options *o, struct error *e);
    struct argument arguments[5];
} commands[] = {
    {"list", 0, 0, list, {{"--json", false, on_json}, {"--help", false, on_help}}},
    {"build", 1, 2, build, {{"--packages", true, on_packages}, {"--help", false, on_help}}},
    {"pull", 1, 2, pull, {{"--checksum", true, on_checksum}, {"--help", false, on_help}}},
    {"import", 2, 2, import,
        {{"--kernel", true, on_kernel}, {"--initrd", true, on_initrd}, {"--append", true, on_append},
            {"--help", false, on_help}}},
    {"remove", 1, 1, remove_image, {{"--help", false, on_help}}},
};

static int run_command(unsigned n, int argc, char **argv, struct error *e) {
    struct image_options options = {0};
    struct arguments arguments = {
        .command = "image", .table = commands[n].arguments, .ctx = &options, .word = on_word};
    while (arguments.table[arguments.count].name)
        arguments.count++;
    if (arguments_parse(&arguments, argc, argv, e) < 0)
        return -1;
    if (options.help) {
        fputs(usage, stdout);
        return 0;
    }
    if (options.count < commands[n].least || options.count > commands[n].most)
        return error_set(e, "image %s: %s (see 'pearvisor image --help')", commands[n].name,
            options.count < commands[n].least ? "an argument is missing" : "there is an argument too many");
    return commands[n].run(&options, e);
}

int command_image(int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "";
    struct error e;
    if (strcmp(name, "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_POWERED_OFF;
    }
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(name, commands[i].name) == 0)
            return run_command(i, argc - 1, argv + 1, &e) < 0 ? command_failed(&e) : EXIT_POWERED_OFF;
    error_set(
        &e, "image %s: expected list, build, pull, import or remove (see 'pearvisor image --help')", name);
    return command_failed(&e);
}
