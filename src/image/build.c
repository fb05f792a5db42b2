#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/program.h"
#include "image/internal.h"

enum { PACKAGES_MAX = 256, LIST_SIZE_MAX = 8192 };

#define DESKTOP                                                                                              \
    "lightdm,lightdm-gtk-greeter,xserver-xorg-core,xserver-xorg-input-libinput,x11-xserver-utils,"           \
    "xfce4-session,xfwm4,xfdesktop4,xfce4-panel,xfce4-settings,xfce4-terminal,thunar,mousepad,"              \
    "adwaita-icon-theme,librsvg2-common,fonts-dejavu-core,libgl1-mesa-dri,libegl1,mesa-vulkan-drivers,mesa-" \
    "utils,"                                                                                                 \
    "vulkan-tools,dbus-user-session,dbus-x11"

static const struct build {
    const char *source, *script, *packages;
} builds[] = {
    {"debian:13", "image-debian", ""},
    {"debian:13-desktop", "image-debian", DESKTOP},
};

/* The scripts run machines of this very program. */
static int name_program(struct error *e) {
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length < 0)
        return error_set(e, "/proc/self/exe: %s", strerror(errno));
    path[length] = 0;
    return setenv("PEARVISOR", path, 1) < 0 ? error_set(e, "out of memory") : 0;
}

/* Debian Policy, 5.6.1: names have lower case letters, digits, plus and minus signs and periods. Changes
 * list. */
static int split_packages(char *list, const char *words[PACKAGES_MAX], struct error *e) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    unsigned count = 0;
    for (char *at = list, *name; (name = strsep(&at, ","));) {
        if (!*name && !at && !count)
            break;
        if (!isalnum((unsigned char)*name) || name[strspn(name, letters)])
            return error_set(e, "'%.80s': no name of a package", name);
        if (count == PACKAGES_MAX)
            return error_set(e, "more than %d packages", PACKAGES_MAX);
        words[count++] = name;
    }
    return (int)count;
}

static int run_script(const char *script, const char *directory, char *packages, struct error *e) {
    const char *share = getenv("PEARVISOR_SHARE"), *argv[PACKAGES_MAX + 3];
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", share ? share : PEARVISOR_SHARE, script);
    argv[0] = path;
    argv[1] = directory;
    int count = split_packages(packages, argv + 2, e);
    if (count < 0)
        return -1;
    argv[count + 2] = NULL;
    if (access(path, X_OK) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if (name_program(e) < 0)
        return -1;
    int status = host_program_run(argv, NULL, 0, e);
    return status <= 0 ? status : error_set(e, "no image was built");
}

/* What was built with other packages is kept apart. FNV-1a. */
static int find_cache(const char *source, const char *packages, char *out, struct error *e) {
    char file[128];
    uint64_t hash = 0xcbf29ce484222325;
    for (const char *c = packages; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
    snprintf(file, sizeof file, *packages ? "%s+%016" PRIx64 : "%s", source, hash);
    return image_cache_file(file, out, e);
}

static const struct build *find_build(const char *source, struct error *e) {
    for (unsigned n = 0; n < sizeof builds / sizeof *builds; n++)
        if (strcmp(builds[n].source, source) == 0)
            return &builds[n];
    error_set(e, "%s: no such build (there are %s and %s)", source, builds[0].source, builds[1].source);
    return NULL;
}

int image_build(const char *source, const char *name, const char *more, struct error *e) {
    char directory[PATH_MAX], disk[PATH_MAX + 8];
    char packages[LIST_SIZE_MAX];
    struct machine image;
    const struct build *build = find_build(source, e);
    if (!build)
        return -1;
    if (image_find(&image, name, NULL) == 0)
        return error_set(e, "there is an image '%s' already", name);
    if (snprintf(packages, sizeof packages, "%s%s%s", build->packages, *build->packages && *more ? "," : "",
            more) >= (int)sizeof packages)
        return error_set(e, "--packages: too long");
    if (find_cache(source, more, directory, e) < 0 || run_script(build->script, directory, packages, e) < 0)
        return -1;
    snprintf(disk, sizeof disk, "%s/disk", directory);
    const struct image_files files = {.disk = disk, .source = source, .trusted = true};
    return image_import(name, &files, e);
}
