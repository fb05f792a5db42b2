/* A root file system without a boot loader: its kernel by name, and itself as the root. */
#include <stdio.h>
#include <string.h>

#include "boot/entry.h"

struct newest {
    char version[256];
};

static bool on_name(void *ctx, const char *name) {
    static const char prefix[] = "vmlinuz-";
    struct newest *newest = ctx;
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return true;
    const char *version = name + strlen(prefix);
    if (strlen(version) < sizeof newest->version && !strstr(version, ".old") && !strstr(version, "rescue") &&
        (!*newest->version || strverscmp(version, newest->version) > 0))
        strcpy(newest->version, version);
    return true;
}

/* How Debian, Fedora and openSUSE name what belongs to a kernel. */
static int add_initrd(struct extfs *fs, unsigned volume, const char *version, struct boot_entry *out) {
    static const char *const names[] = {
        "/boot/initrd.img-%s", "/boot/initramfs-%s.img", "/boot/initrd-%s", "/boot/initramfs-%s"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        const char *percent = strchr(names[i], '%');
        snprintf(path, sizeof path, "%.*s%s%s", (int)(percent - names[i]), names[i], version, percent + 2);
        if (extfs_exists(fs, path))
            return entry_add_initrd(out, volume, "", path);
    }
    return 0;
}

static int find_kernel(struct extfs *fs, unsigned volume, struct boot_entry *out) {
    struct newest newest = {0};
    char path[512];
    if (extfs_exists(fs, "/vmlinuz"))
        return entry_set_kernel(out, volume, "", "/vmlinuz") < 0 ||
                       (extfs_exists(fs, "/initrd.img") &&
                           entry_add_initrd(out, volume, "", "/initrd.img") < 0)
                   ? -1
                   : 1;
    extfs_list(fs, "/boot", on_name, &newest);
    if (!*newest.version)
        return 0;
    snprintf(path, sizeof path, "/boot/vmlinuz-%s", newest.version);
    return entry_set_kernel(out, volume, "", path) < 0 || add_initrd(fs, volume, newest.version, out) < 0 ? -1
                                                                                                          : 1;
}

/* Linux knows a partition by its UUID without help; a disk of only a file system has its virtio name alone.
 */
static int add_root(const struct volume *volume, struct boot_entry *out) {
    char options[128];
    if (volume->partition.number)
        snprintf(options, sizeof options, "root=PARTUUID=%s ro console=ttyAMA0", volume->partition.uuid);
    else
        snprintf(options, sizeof options, "root=/dev/vd%c ro console=ttyAMA0", 'a' + (int)volume->disk);
    return entry_add_options(out, options);
}

int entry_read_plain(struct volumes *volumes, unsigned volume, const char *directory, struct boot_entry *out,
    struct error *e) {
    (void)directory;
    int result = find_kernel(volume_fs(volumes, volume), volume, out);
    if (result > 0 && add_root(&volumes->list[volume], out) < 0)
        result = -1;
    return result < 0 ? error_set(e, "out of memory") : result;
}
