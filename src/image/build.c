#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/program.h"
#include "image/internal.h"

static const struct {
    const char *source, *script, *append;
} builds[] = {{"debian:13", "image-debian", "console=ttyAMA0 root=/dev/vda quiet"}};

/* The scripts run machines of this very program. */
static int name_program(struct error *e) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return error_set(e, "/proc/self/exe: %s", strerror(errno));
    path[length] = 0;
    return setenv("PEARVISOR", path, 1) < 0 ? error_set(e, "out of memory") : 0;
}

static int run_script(const char *script, const char *directory, struct error *e) {
    const char *share = getenv("PEARVISOR_SHARE");
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", share ? share : PEARVISOR_SHARE, script);
    if (access(path, X_OK) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (name_program(e) < 0)
        return -1;
    int status = host_program_run((const char *const[]){path, directory, NULL}, NULL, 0, e);
    return status <= 0 ? status : error_set(e, "no image was built");
}

int image_build(const char *source, const char *name, struct error *e) {
    char directory[PATH_MAX], disk[PATH_MAX + 8], kernel[PATH_MAX + 8], initrd[PATH_MAX + 8];
    struct machine image;
    unsigned n = 0;
    while (n < sizeof builds / sizeof *builds && strcmp(builds[n].source, source) != 0)
        n++;
    if (n == sizeof builds / sizeof *builds)
        return error_set(e, "%s: no such build (there is %s)", source, builds[0].source);
    if (image_find(&image, name, NULL) == 0)
        return error_set(e, "there is an image '%s' already", name);
    if (image_cache_file(source, directory, e) < 0)
        return -1;
    if (run_script(builds[n].script, directory, e) < 0)
        return -1;
    snprintf(disk, sizeof disk, "%s/disk", directory);
    snprintf(kernel, sizeof kernel, "%s/kernel", directory);
    snprintf(initrd, sizeof initrd, "%s/initrd", directory);
    const struct image_files files = {
        .disk = disk,
        .kernel = kernel,
        .initrd = initrd,
        .append = builds[n].append,
        .source = source,
        .trusted = true,
    };
    return image_import(name, &files, e);
}
