/* Everything on a machine's disks that may hold a file system, opened when it is first needed. */
#pragma once

#include "boot/boot.h"
#include "boot/extfs.h"
#include "boot/partition.h"

struct volume {
    unsigned disk; /* index */
    struct partition partition;
    struct extfs *fs; /* NULL: none, or not opened */
    bool opened;
};

struct volumes {
    const struct boot_disk *disks;
    unsigned disk_count;
    struct volume *list;
    unsigned count;
    uint64_t budget; /* extfs_open()'s */
    struct error
        damage; /* why a disk or file system, the first of them, could not be looked into; "": all could */
};

int volumes_open(struct volumes *volumes, const struct boot_disk *disks, unsigned count, struct error *e);
void volumes_close(struct volumes *volumes);

/* NULL: it has no ext file system, or one that is damaged. */
struct extfs *volume_fs(struct volumes *volumes, unsigned n);
/* "partition 2 of disk.img", or only the disk's name. */
void volume_name(const struct volumes *volumes, unsigned n, char *out, size_t size);

/* Each returns the volume's index; -1: none. */
int volumes_find_uuid(struct volumes *volumes, const char *uuid);
int volumes_find_label(struct volumes *volumes, const char *label);
int volumes_find_file(struct volumes *volumes, const char *path);
/* By GRUB's names, such as "hd0,gpt2" or "(hd0)". */
int volumes_find_device(const struct volumes *volumes, const char *name, size_t length);
