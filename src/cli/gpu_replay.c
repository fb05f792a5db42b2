/* `pearvisor gpu-replay`: what a guest sent to its GPU, sent again without the guest. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/commands.h"
#include "display/png.h"
#include "virtio/gpu/replay.h"

static const char usage[] =
    "usage: pearvisor gpu-replay FILE [OPTION]...\n"
    "\n"
    "Sends the commands in FILE, which pearvisor run --gpu-trace wrote, to a GPU without a guest, as fast as "
    "it\n"
    "takes them, and reports frames a second and how long commands took, from the bell to the answer.\n"
    "\n"
    "  --gpu 2d|virgl|3d        the renderer (what the trace needs; Vulkan is in no trace)\n"
    "  --screenshot FILE.png    what the first output shows at the end\n"
    "  --stats                  print counters as JSON on stderr\n"
    "\n"
    "Exit status: 0 done, 2 the file cannot be replayed.\n";

struct options {
    struct gpu_replay_config replay;
    bool stats, help;
};

static int set_gpu(void *ctx, char *text, struct error *e) {
    struct options *options = ctx;
    if (strcmp(text, "2d") == 0)
        options->replay.renderer = &gpu_soft2d;
    else if (strcmp(text, "virgl") == 0)
        options->replay.renderer = &gpu_virgl;
    else if (strcmp(text, "3d") == 0)
        options->replay.renderer = &gpu_3d;
    else
        return error_set(e, "--gpu %s: expected 2d, virgl or 3d", text);
    return 0;
}

static int set_screenshot(void *ctx, char *text, struct error *e) {
    struct options *options = ctx;
    options->replay.screenshot = text;
    return png_check_path(text, e);
}

static int set_stats(void *ctx, char *text, struct error *e) {
    struct options *options = ctx;
    (void)text;
    (void)e;
    options->stats = true;
    return 0;
}

static int set_help(void *ctx, char *text, struct error *e) {
    struct options *options = ctx;
    (void)text;
    (void)e;
    options->help = true;
    return 0;
}

/* --- the report */

static int compare(const void *a, const void *b) {
    const struct gpu_replay_sample *x = a, *y = b;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    return (x->latency_ns > y->latency_ns) - (x->latency_ns < y->latency_ns);
}

/* One line a type of command; samples are sorted. */
static void print_latencies(const struct gpu_replay_report *report) {
    const struct gpu_replay_sample *s = report->samples;
    printf("%-24s%10s%12s%12s%12s\n", "command", "count", "median us", "99 % us", "max us");
    for (size_t i = 0, n; i < report->count; i += n) {
        for (n = 1; i + n < report->count && s[i + n].type == s[i].type; n++)
            ;
        const char *name = gpu_replay_command_name(s[i].type);
        printf("%-24s%10zu%12.1f%12.1f%12.1f\n", name, n, s[i + n / 2].latency_ns / 1e3,
            s[i + n * 99 / 100].latency_ns / 1e3, s[i + n - 1].latency_ns / 1e3);
    }
}

static void print_report(struct gpu_replay_report *report) {
    double seconds = report->seconds > 0 ? report->seconds : 1e-9;
    printf("%s: %zu commands in %.3f s (recorded in %.3f s), %" PRIu64 " frames: %.1f a second\n",
        report->stats.renderer, report->count, report->seconds, report->recorded_seconds,
        report->stats.frames, (double)report->stats.frames / seconds);
    if (report->other_answers)
        printf("%" PRIu64 " commands were answered otherwise than when they were recorded\n",
            report->other_answers);
    if (report->count) {
        qsort(report->samples, report->count, sizeof *report->samples, compare);
        print_latencies(report);
    }
}

static int replay(const char *path, const struct options *options, struct error *e) {
    FILE *file = fopen(path, "rbe");
    if (!file)
        return error_set(e, "%s: %s", path, strerror(errno));
    struct gpu_replay_report report;
    int result = gpu_replay(file, path, &options->replay, &report, e);
    fclose(file);
    if (result == 0) {
        print_report(&report);
        if (options->stats) {
            gpu_stats_json(&report.stats, stderr);
            fputc('\n', stderr);
        }
    }
    free(report.samples);
    return result;
}

int command_gpu_replay(int argc, char **argv) {
    static const struct argument table[] = {
        {"--gpu", true, set_gpu},
        {"--screenshot", true, set_screenshot},
        {"--stats", false, set_stats},
        {"--help", false, set_help},
    };
    struct options options = {0};
    struct error e;
    const char *path = argc > 0 && argv[0][0] != '-' ? argv[0] : NULL;
    const struct arguments arguments = {
        .command = "gpu-replay",
        .table = table,
        .count = sizeof table / sizeof *table,
        .ctx = &options,
    };
    if (arguments_parse(&arguments, argc - !!path, argv + !!path, &e) < 0)
        return command_failed(&e);
    if (options.help) {
        fputs(usage, stdout);
        return EXIT_POWERED_OFF;
    }
    if (!path) {
        error_set(&e, "gpu-replay: FILE is missing (see 'pearvisor gpu-replay --help')");
        return command_failed(&e);
    }
    return replay(path, &options, &e) < 0 ? command_failed(&e) : EXIT_POWERED_OFF;
}
