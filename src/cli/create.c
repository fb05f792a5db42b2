/* `pearvisor create`: new machines. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "host/file.h"
#include "image/image.h"
#include "manager/config.h"
#include "storage/image.h"
#include "vm/settings.h"

enum { GIVEN_MAX = 64, KEYS_SIZE_MAX = 64 * 1024 };

static const uint64_t DISK_SIZE = 10ull << 30; /* with an image */
static const char IMAGE_USER[] = "pear";
static const char FIRMWARE[] = "/usr/share/AAVMF/AAVMF_CODE.fd"; /* where Debian and Ubuntu have it */

static const char usage[] =
    "usage: pearvisor create NAME --image IMAGE | --kernel FILE | --firmware FILE [OPTION]...\n"
    "\n"
    "  --disk-size SIZE         gives it an empty disk of that size, such as 10G, which is deleted with it\n"
    "  --image IMAGE            gives it a disk upon that image ('pearvisor image list'), of 10G unless "
    "--disk-size\n"
    "                           says otherwise, and a user who may use sudo and log in by 'pearvisor ssh'; a "
    "FILE\n"
    "                           is copied as it is, unless it is smaller than --disk-size\n"
    "  --disk FILE[,ro]         a disk of yours; after the above, and as often as you like\n"
    "  --kernel FILE, --initrd FILE, --append TEXT, --firmware FILE[,vars=FILE], --share "
    "DIRECTORY[,TAG][,ro],\n"
    "  --cpus N, --memory SIZE, --engine ENGINE, --gpu GPU, --net NETWORK, --resolution WxH\n"
    "                           as for 'pearvisor run --help' (cpus 2, memory 1G, gpu auto, net user)\n"
    "  --user NAME              who 'pearvisor ssh' logs in as (root; pear in an image of 'image list')\n"
    "  --ssh-key FILE           a public key of yours that may log in, too, in an image of 'image list'\n"
    "  --ssh auto|off|PORT      the port on 127.0.0.1 that leads to the guest's port 22 (auto)\n"
    "  --display none|window    a window while it runs (none)\n"
    "\n"
    "Files stay where they are and are named in the machine's configuration ('pearvisor edit NAME').\n";

struct creation {
    const char *name, *image, *ssh_key;
    struct machine stored; /* the image, if it is one by name */
    bool is_stored;
    const char *disk;    /* the machine's own; NULL: none */
    bool needs_firmware; /* the image says nothing else that could be booted */
    uint64_t disk_size;  /* bytes; 0: not given */
    struct {
        const char *key;
        char *value;
    } given[GIVEN_MAX];
    unsigned given_count;
    bool help;
};

/* --- arguments */

static int take_name(void *ctx, char *text, struct error *e) {
    struct creation *c = ctx;
    if (c->name)
        return error_set(e, "unexpected argument '%s' (see 'pearvisor create --help')", text);
    c->name = text;
    return 0;
}

static bool is_file(const char *key) {
    static const char *const files[] = {"kernel", "initrd", "firmware", "disk", "share"};
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(key, files[i]) == 0)
            return true;
    return false;
}

/* The same file from any directory; what follows its name after commas stays. */
static char *absolute(const char *value, struct error *e) {
    char *name = strdup(value), *real = NULL, *result = NULL;
    while (name && !(real = realpath(name, NULL)) && strrchr(name, ','))
        *strrchr(name, ',') = 0;
    if (!real)
        error_set(e, "%s", strerror(errno));
    else if (asprintf(&result, "%s%s", real, value + strlen(name)) < 0)
        result = NULL;
    free(real);
    free(name);
    return result;
}

/* The network's capture, which need not be there, likewise. */
static char *absolute_capture(const char *value, struct error *e) {
    char directory[PATH_MAX], *result;
    const char *file = strstr(value, ",capture=");
    if (file)
        file += strlen(",capture=");
    if (!file || *file == '/')
        return strdup(value);
    if (!getcwd(directory, sizeof directory) ||
        asprintf(&result, "%.*s%s/%s", (int)(file - value), value, directory, file) < 0) {
        error_set(e, "%s", strerror(errno));
        return NULL;
    }
    return result;
}

static int take_key(struct creation *c, const char *key, char *value, struct error *e) {
    char *kept = is_file(key)              ? absolute(value, e)
                 : strcmp(key, "net") == 0 ? absolute_capture(value, e)
                                           : strdup(value);
    if (!kept)
        return -1;
    if (c->given_count == GIVEN_MAX || strchr(kept, '\n')) {
        free(kept);
        return error_set(e, c->given_count == GIVEN_MAX ? "too many options" : "there is a line break in it");
    }
    c->given[c->given_count].key = key;
    c->given[c->given_count++].value = kept;
    char *copy = strdup(kept);
    int result = copy ? machine_config_check(key, copy, e) : error_set(e, "out of memory");
    free(copy);
    return result;
}

static int set_setting(void *ctx, const char *name, char *value, struct error *e) {
    return take_key(ctx, name, value, e);
}

#define KEY_OPTION(key)                                                                                      \
    static int set_##key(void *ctx, char *value, struct error *e) {                                          \
        struct error why;                                                                                    \
        return take_key(ctx, #key, value, &why) < 0 ? error_set(e, "--" #key " %s: %s", value, why.text)     \
                                                    : 0;                                                     \
    }
KEY_OPTION(user)
KEY_OPTION(ssh)
KEY_OPTION(display)

/* The name of an image, or a file. */
static int set_image(void *ctx, char *value, struct error *e) {
    struct creation *c = ctx;
    struct stat st;
    c->image = value;
    c->is_stored = !strchr(value, '/') && image_find(&c->stored, value, NULL) == 0;
    if (c->is_stored)
        return 0;
    if (stat(value, &st) < 0)
        return error_set(e,
            "--image %s: %s, and no image of that name ('pearvisor image' builds and pulls some)", value,
            strerror(errno));
    return S_ISREG(st.st_mode) ? 0 : error_set(e, "--image %s: not a file", value);
}

static int set_ssh_key(void *ctx, char *value, struct error *e) {
    (void)e;
    ((struct creation *)ctx)->ssh_key = value;
    return 0;
}

static int set_disk_size(void *ctx, char *value, struct error *e) {
    struct creation *c = ctx;
    if (vm_parse_size(value, &c->disk_size) < 0 || c->disk_size == 0 || c->disk_size % 512 ||
        c->disk_size > INT64_MAX / 2)
        return error_set(e, "--disk-size %s: expected a size such as 10G", value);
    return 0;
}

static int set_help(void *ctx, char *value, struct error *e) {
    struct creation *c = ctx;
    (void)value;
    (void)e;
    c->help = true;
    return 0;
}

static int parse(struct creation *c, int argc, char **argv, struct error *e) {
    static const struct argument table[] = {
        {"--image", true, set_image, NULL},
        {"--disk-size", true, set_disk_size, NULL},
        {"--user", true, set_user, NULL},
        {"--ssh", true, set_ssh, NULL},
        {"--ssh-key", true, set_ssh_key, NULL},
        {"--display", true, set_display, NULL},
        {"--help", false, set_help, NULL},
    };
    const struct arguments arguments = {
        .command = "create",
        .table = table,
        .count = sizeof table / sizeof *table,
        .ctx = c,
        .word = take_name,
        .setting = set_setting,
    };
    if (arguments_parse(&arguments, argc, argv, e) < 0)
        return -1;
    return c->name || c->help ? 0 : error_set(e, "usage: pearvisor create NAME [OPTION]... (see --help)");
}

/* --- making it */

static const char *given(const struct creation *c, const char *key) {
    for (unsigned i = 0; i < c->given_count; i++)
        if (strcmp(c->given[i].key, key) == 0)
            return c->given[i].value;
    return NULL;
}

/* An overlay of the image, which takes no copy. */
static int make_overlay(const struct creation *c, const struct machine *draft, struct error *e) {
    struct image_info image;
    char path[PATH_MAX];
    uint64_t size = c->disk_size ? c->disk_size : DISK_SIZE;
    if (image_info(&c->stored, &image, e) < 0)
        return -1;
    if (c->disk_size && c->disk_size < image.size)
        return error_set(e, "--disk-size: the image is larger (%" PRIu64 " MiB)", image.size >> 20);
    return storage_create_overlay(machine_file(draft, "disk.qcow2", path), image.disk, image.format,
        size > image.size ? size : image.size, e);
}

/* Who the machine is, for its first boot. */
static int make_seed(const struct creation *c, const struct machine *draft, struct error *e) {
    const char *user = given(c, "user");
    char *more = NULL;
    size_t size = 0;
    if (c->ssh_key && !(more = host_file_read(c->ssh_key, KEYS_SIZE_MAX, &size, e)))
        return -1;
    if (more &&
        (strncmp(more, "ssh-", 4) != 0 && strncmp(more, "ecdsa-", 6) != 0 && strncmp(more, "sk-", 3) != 0)) {
        free(more);
        return error_set(e, "--ssh-key %s: not a public key (such as ~/.ssh/id_ed25519.pub)", c->ssh_key);
    }
    int result = machine_make_seed(draft, user ? user : IMAGE_USER, more ? more : "", e);
    free(more);
    return result;
}

/* A copy of a file, in the format that its name says. */
static int copy_image(
    const struct creation *c, const char *path, enum storage_format format, struct error *e) {
    struct storage_info info;
    if (format == STORAGE_RAW && storage_looks_like_qcow2(c->image))
        return error_set(e,
            "--image %s: a qcow2 image: name it so (FILE.qcow2), or use 'pearvisor image import'", c->image);
    if (storage_info(c->image, format, &info, e) < 0)
        return -1;
    if (format == STORAGE_QCOW2 && *info.qcow2.backing)
        return error_set(
            e, "--image %s: it needs its backing file: make it one with 'pearvisor disk convert'", c->image);
    if (c->disk_size && info.size > c->disk_size)
        return error_set(e, "--disk-size: the image is larger (%" PRIu64 " MiB)", info.size >> 20);
    if (host_file_copy(c->image, path, e) < 0)
        return -1;
    return c->disk_size > info.size ? storage_resize(path, format, c->disk_size, false, e) : 0;
}

/* Cloud images may have their kernel where only firmware finds it. */
static bool needs_firmware(const struct creation *c, const char *disk, enum storage_format format) {
    char path[PATH_MAX];
    return !given(c, "kernel") && !given(c, "firmware") && access(FIRMWARE, R_OK) == 0 &&
           !(c->is_stored && access(machine_file(&c->stored, "kernel", path), F_OK) == 0) &&
           !image_boots(disk, format);
}

static int make_disk(struct creation *c, const struct machine *draft, struct error *e) {
    size_t length = c->image ? strlen(c->image) : 0;
    enum storage_format format = STORAGE_RAW;
    char path[PATH_MAX];
    int result;
    if (!c->image && !c->disk_size)
        return 0;
    if (c->is_stored || (length > 6 && strcmp(c->image + length - 6, ".qcow2") == 0))
        format = STORAGE_QCOW2;
    c->disk = format == STORAGE_QCOW2 ? "disk.qcow2" : "disk.img";
    machine_file(draft, c->disk, path);
    if (!c->image)
        return storage_create(path, format, c->disk_size, e);
    result = c->is_stored ? make_overlay(c, draft, e) : copy_image(c, path, format, e);
    c->needs_firmware = result == 0 && needs_firmware(c, path, format);
    return result;
}

/* What an image needs that is not given. */
static void write_image_key(const struct creation *c, const char *key, FILE *out) {
    char path[PATH_MAX];
    if (strcmp(key, "disk") == 0)
        fprintf(out, "disk = seed.iso,ro\n");
    if (strcmp(key, "user") == 0 && !given(c, key))
        fprintf(out, "user = %s\n", IMAGE_USER);
    if (given(c, "kernel") || given(c, "firmware"))
        return;
    bool is_file = strcmp(key, "kernel") == 0 || strcmp(key, "initrd") == 0;
    if (is_file && access(machine_file(&c->stored, key, path), F_OK) == 0)
        fprintf(out, "%s = %s\n", key, path);
    char *append = strcmp(key, "append") == 0 && !given(c, key) ? image_append(&c->stored) : NULL;
    if (append)
        fprintf(out, "append = %s\n", append);
    free(append);
}

static void write_key(const struct creation *c, const char *key, FILE *out) {
    for (unsigned i = 0; i < c->given_count; i++)
        if (strcmp(c->given[i].key, key) == 0)
            fprintf(out, "%s = %s\n", key, c->given[i].value);
}

/* What was given, and what people most often want to change. */
static int write_config(const struct creation *c, const struct machine *draft, struct error *e) {
    char path[PATH_MAX], *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return error_set(e, "out of memory");
    fprintf(out, "# Keys and values: see docs/vm.md, or pearvisor(1). Relative paths begin here.\n");
    const char *key;
    for (unsigned n = 0; (key = machine_config_key(n)); n++) {
        if (strcmp(key, "cpus") == 0 && !given(c, key))
            fprintf(out, "cpus = 2\n");
        if (strcmp(key, "memory") == 0 && !given(c, key))
            fprintf(out, "memory = 1G\n");
        if (strcmp(key, "firmware") == 0 && c->needs_firmware)
            fprintf(out, "firmware = %s,vars=vars.fd\n", FIRMWARE);
        if (strcmp(key, "disk") == 0 && c->disk)
            fprintf(out, "disk = %s\n", c->disk);
        if (c->is_stored)
            write_image_key(c, key, out);
        write_key(c, key, out);
    }
    if (fclose(out) != 0)
        return error_set(e, "out of memory");
    struct machine_config config;
    int result = machine_config_parse(&config, "configuration", text, size, e); /* as a whole, too */
    if (result == 0)
        result = host_file_replace(machine_file(draft, "config", path), text, size, e);
    machine_config_free(&config);
    free(text);
    return result;
}

static int make(struct creation *c, struct error *e) {
    struct machine machine, draft;
    if (machine_locate(&machine, c->name, e) < 0)
        return -1;
    if (c->ssh_key && !c->is_stored)
        return error_set(e, "--ssh-key: only with --image and a name of 'pearvisor image list'");
    int lock = c->is_stored ? image_lock(false, e) : -1;
    if ((c->is_stored && lock < 0) || machine_draft(&draft, &machine, e) < 0)
        return -1;
    int result = 0;
    if (make_disk(c, &draft, e) < 0 || machine_make_key(&draft, e) < 0 ||
        (c->is_stored && make_seed(c, &draft, e) < 0) || write_config(c, &draft, e) < 0 ||
        machine_publish(&draft, &machine, e) < 0) {
        machine_remove(&draft, NULL);
        result = -1;
    }
    if (lock >= 0)
        close(lock);
    return result;
}

int command_create(int argc, char **argv) {
    struct creation c = {0};
    struct error e;
    int result = parse(&c, argc, argv, &e);
    if (c.help)
        fputs(usage, stdout);
    else if (result == 0)
        result = make(&c, &e);
    for (unsigned i = 0; i < c.given_count; i++)
        free(c.given[i].value);
    return result < 0 ? command_failed(&e) : EXIT_POWERED_OFF;
}
