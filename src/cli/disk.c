/* `pearvisor disk`: image files. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/clone.h"
#include "cli/commands.h"
#include "storage/image.h"
#include "util/log.h"
#include "vm/settings.h"

static const char usage[] =
    "usage: pearvisor disk create FILE SIZE [--format raw|qcow2]\n"
    "       pearvisor disk create FILE [SIZE] --backing BASE [--backing-format raw|qcow2]\n"
    "       pearvisor disk info FILE [--json] [--format raw|qcow2]\n"
    "       pearvisor disk resize FILE SIZE [--shrink] [--format raw|qcow2]\n"
    "       pearvisor disk convert FROM TO [--format raw|qcow2] [--from-format raw|qcow2]\n"
    "                              [--compress zlib|zstd]\n"
    "       pearvisor disk check FILE [--repair] [--format raw|qcow2]\n"
    "\n"
    "SIZE is such as 20G; a bare number is MiB. A file whose name ends in .qcow2 is a qcow2 image, others "
    "are\n"
    "raw unless --format says otherwise.\n"
    "\n"
    "Exit status: 0 done, 2 usage, or it cannot be done; check: 0 consistent, 1 damaged, 3 only clusters "
    "lost.\n";

enum { EXIT_DAMAGED = 1, EXIT_LEAKS = 3, OPERANDS_MAX = 2 };

struct disk_options {
    const char *operands[OPERANDS_MAX];
    unsigned count;
    enum storage_format format, backing_format, from_format;
    const char *backing;
    bool json, shrink, repair, compress, help;
    enum qcow2_compression compression;
};

/* --- the command line */

static int set_format(enum storage_format *format, const char *text, struct error *e) {
    return storage_format_parse(text, format) < 0 ? error_set(e, "format %s: expected raw or qcow2", text)
                                                  : 0;
}

static int on_format(void *ctx, char *text, struct error *e) {
    return set_format(&((struct disk_options *)ctx)->format, text, e);
}

static int on_backing_format(void *ctx, char *text, struct error *e) {
    return set_format(&((struct disk_options *)ctx)->backing_format, text, e);
}

static int on_from_format(void *ctx, char *text, struct error *e) {
    return set_format(&((struct disk_options *)ctx)->from_format, text, e);
}

static int on_backing(void *ctx, char *text, struct error *e) {
    (void)e;
    ((struct disk_options *)ctx)->backing = text;
    return 0;
}

static int on_compress(void *ctx, char *text, struct error *e) {
    struct disk_options *o = ctx;
    bool zstd = strcmp(text, "zstd") == 0;
    if (!zstd && strcmp(text, "zlib") != 0)
        return error_set(e, "--compress %s: expected zlib or zstd", text);
    o->compress = true;
    o->compression = zstd ? QCOW2_ZSTD : QCOW2_ZLIB;
    return 0;
}

#define FLAG(member)                                                                                         \
    static int on_##member(void *ctx, char *text, struct error *e) {                                         \
        (void)text;                                                                                          \
        (void)e;                                                                                             \
        ((struct disk_options *)ctx)->member = true;                                                         \
        return 0;                                                                                            \
    }
FLAG(json)
FLAG(shrink)
FLAG(repair)
FLAG(help)

static int on_word(void *ctx, char *text, struct error *e) {
    struct disk_options *o = ctx;
    if (o->count == OPERANDS_MAX)
        return error_set(e, "unexpected argument '%s' (see 'pearvisor disk --help')", text);
    o->operands[o->count++] = text;
    return 0;
}

static int want_operands(const struct disk_options *o, unsigned least, unsigned most, struct error *e) {
    if (o->count < least || o->count > most)
        return error_set(e, "%s (see 'pearvisor disk --help')",
            o->count < least ? "an argument is missing" : "there is an argument too many");
    return 0;
}

static int parse_disk_size(const char *text, uint64_t *out, struct error *e) {
    return vm_parse_size(text, out) < 0 || *out == 0 ? error_set(e, "%s: expected a size such as 20G", text)
                                                     : 0;
}

/* What a new file is: as asked for, else by its name. */
static enum storage_format new_format(const struct disk_options *o, const char *path) {
    size_t length = strlen(path);
    if (o->format != STORAGE_AUTO)
        return o->format;
    return length > 6 && strcmp(path + length - 6, ".qcow2") == 0 ? STORAGE_QCOW2 : STORAGE_RAW;
}

/* --- progress, where somebody looks */

static void show_progress(void *ctx, double share) {
    int *last = ctx, percent = (int)(100 * share);
    if (percent == *last)
        return;
    *last = percent;
    fprintf(stderr, "\r%3d %%", percent);
}

static void end_progress(int last) {
    if (last >= 0)
        fputs("\r      \r", stderr);
}

/* --- commands */

static int create(struct disk_options *o, struct error *e) {
    uint64_t size = 0;
    if (want_operands(o, o->backing ? 1 : 2, 2, e) < 0 ||
        (o->count == 2 && parse_disk_size(o->operands[1], &size, e) < 0))
        return -1;
    if (!o->backing)
        return storage_create(o->operands[0], new_format(o, o->operands[0]), size, e);
    if (o->format == STORAGE_RAW)
        return error_set(e, "--backing: a raw image has no backing file");
    return storage_create_overlay(o->operands[0], o->backing, o->backing_format, size, e);
}

static void print_json_string(const char *text) {
    putchar('"');
    for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    }
    putchar('"');
}

static void print_info_json(const char *path, const struct storage_info *info) {
    fputs("{\"file\":", stdout);
    print_json_string(path);
    printf(",\"format\":\"%s\",\"size\":%llu,\"allocated\":%llu", storage_format_name(info->format),
        (unsigned long long)info->size, (unsigned long long)info->allocated);
    const struct qcow2_header *h = &info->qcow2;
    if (info->format == STORAGE_QCOW2) {
        printf(
            ",\"version\":%u,\"cluster_size\":%u,\"refcount_bits\":%u,\"compression\":\"%s\",\"snapshots\":%u"
            ",\"dirty\":%s,\"corrupt\":%s",
            h->version, 1u << h->cluster_bits, 1u << h->refcount_order,
            h->compression == QCOW2_ZSTD ? "zstd" : "zlib", h->snapshots,
            h->incompatible & 1 ? "true" : "false", h->incompatible & 2 ? "true" : "false");
        if (*h->backing) {
            fputs(",\"backing\":", stdout);
            print_json_string(h->backing);
            fputs(",\"backing_format\":", stdout);
            print_json_string(h->backing_format);
        }
    }
    puts("}");
}

static void print_info(const char *path, const struct storage_info *info) {
    const struct qcow2_header *h = &info->qcow2;
    printf("%s: %s, %llu bytes (%.1f GiB), %.1f MiB on the host\n", path, storage_format_name(info->format),
        (unsigned long long)info->size, (double)info->size / (1 << 30), (double)info->allocated / (1 << 20));
    if (info->format != STORAGE_QCOW2)
        return;
    printf("version %u, clusters of %u bytes, refcounts of %u bits, compression %s, %u snapshots%s%s\n",
        h->version, 1u << h->cluster_bits, 1u << h->refcount_order,
        h->compression == QCOW2_ZSTD ? "zstd" : "zlib", h->snapshots,
        h->incompatible & 1 ? ", left dirty" : "", h->incompatible & 2 ? ", corrupt" : "");
    if (*h->backing)
        printf("backing file: %s (%s)\n", h->backing,
            *h->backing_format ? h->backing_format : "format not said");
}

static int info(struct disk_options *o, struct error *e) {
    struct storage_info info;
    if (want_operands(o, 1, 1, e) < 0 || storage_info(o->operands[0], o->format, &info, e) < 0)
        return -1;
    (o->json ? print_info_json : print_info)(o->operands[0], &info);
    return 0;
}

static int resize(struct disk_options *o, struct error *e) {
    uint64_t size;
    if (want_operands(o, 2, 2, e) < 0 || parse_disk_size(o->operands[1], &size, e) < 0)
        return -1;
    int result = running_disk_resize(o->operands[0], size, o->shrink, e);
    return result == 0 ? storage_resize(o->operands[0], o->format, size, o->shrink, e) : result < 0 ? -1 : 0;
}

static int convert(struct disk_options *o, struct error *e) {
    if (want_operands(o, 2, 2, e) < 0)
        return -1;
    int last = -1;
    const struct storage_convert how = {
        .from = o->operands[0],
        .to = o->operands[1],
        .from_format = o->from_format,
        .to_format = o->compress ? STORAGE_QCOW2 : new_format(o, o->operands[1]),
        .compress = o->compress,
        .compression = o->compression,
        .progress = isatty(STDERR_FILENO) ? show_progress : NULL,
        .ctx = &last,
    };
    if (o->compress && o->format == STORAGE_RAW)
        return error_set(e, "--compress: a raw image cannot be compressed");
    int result = storage_convert(&how, e);
    end_progress(last);
    return result;
}

static void print_finding(void *ctx, const char *line) {
    (void)ctx;
    puts(line);
}

static int check(struct disk_options *o, struct error *e) {
    if (want_operands(o, 1, 1, e) < 0)
        return -1;
    const struct storage_config config = {
        .path = o->operands[0], .format = o->format, .read_only = !o->repair};
    struct storage *storage = storage_open(&config, e);
    if (!storage)
        return -1;
    int last = -1, result = 0;
    const struct qcow2_check_hooks hooks = {
        &last, print_finding, isatty(STDERR_FILENO) && isatty(STDOUT_FILENO) ? show_progress : NULL};
    struct qcow2_check found = {0};
    if (!storage_is_qcow2(storage))
        printf("%s: raw, nothing to check\n", o->operands[0]);
    else if ((result = qcow2_check(storage, o->repair, &hooks, &found, e)) == 0) {
        end_progress(last);
        printf("%s: %llu of %llu clusters in use, %llu compressed; %llu errors, %llu lost clusters",
            o->operands[0], (unsigned long long)found.allocated, (unsigned long long)found.clusters,
            (unsigned long long)found.compressed, (unsigned long long)found.corruptions,
            (unsigned long long)found.leaks);
        if (o->repair)
            printf(", %llu repaired", (unsigned long long)found.repaired);
        putchar('\n');
    }
    storage_close(storage);
    return result < 0 ? -1 : found.corruptions ? EXIT_DAMAGED : found.leaks ? EXIT_LEAKS : 0;
}

static const struct {
    const char *name;
    int (*run)(struct disk_options *o, struct error *e); /* the exit status; -1 and a line */
    struct argument arguments[5];
} commands[] = {
    {"create", create,
        {{"--format", true, on_format}, {"--backing", true, on_backing},
            {"--backing-format", true, on_backing_format}, {"--help", false, on_help}}},
    {"info", info, {{"--format", true, on_format}, {"--json", false, on_json}, {"--help", false, on_help}}},
    {"resize", resize,
        {{"--format", true, on_format}, {"--shrink", false, on_shrink}, {"--help", false, on_help}}},
    {"convert", convert,
        {{"--format", true, on_format}, {"--from-format", true, on_from_format},
            {"--compress", true, on_compress}, {"--help", false, on_help}}},
    {"check", check,
        {{"--format", true, on_format}, {"--repair", false, on_repair}, {"--help", false, on_help}}},
};

static int run_command(unsigned n, int argc, char **argv, struct error *e) {
    struct disk_options options = {0};
    struct arguments arguments = {
        .command = "disk", .table = commands[n].arguments, .ctx = &options, .word = on_word};
    while (arguments.table[arguments.count].name)
        arguments.count++;
    if (arguments_parse(&arguments, argc, argv, e) < 0)
        return -1;
    if (!options.help)
        return commands[n].run(&options, e);
    fputs(usage, stdout);
    return 0;
}

int command_disk(int argc, char **argv) {
    const char *name = argc > 0 ? argv[0] : "";
    if (strcmp(name, "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++) {
        struct error e;
        if (strcmp(name, commands[i].name) != 0)
            continue;
        int result = run_command(i, argc - 1, argv + 1, &e);
        if (result < 0)
            log_warn("%s", e.text);
        return result < 0 ? EXIT_USAGE : result;
    }
    log_warn("disk %s: expected create, info, resize, convert or check (see 'pearvisor disk --help')", name);
    return EXIT_USAGE;
}
