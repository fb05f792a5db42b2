/* What a VM without a given kernel and without firmware boots: the kernel, initrd and command line that its
 * disks name, as boot loaders read them. Looked for, disk by disk and partition by partition, in ext2, ext3
 * and ext4 file systems:
 *
 *   - entries of the Boot Loader Specification: /loader/entries, /boot/loader/entries;
 *   - /extlinux/extlinux.conf, /boot/extlinux/extlinux.conf;
 *   - GRUB's grub.cfg as grub-mkconfig writes it: /grub, /boot/grub, /grub2, /boot/grub2;
 *   - and when no disk has any of these, /vmlinuz and /initrd.img, or the newest /boot/vmlinuz-*, with that
 * file system as root.
 *
 * Nothing is written, and all that is read is hostile. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"
#include "util/error.h"

enum { BOOT_DISKS_MAX = 26 };

struct boot_disk {
    struct storage *storage;
    const char *name; /* for errors */
};

struct boot_files {
    char *kernel_name,
        *initrd_name;      /* for errors: one line, such as "/boot/vmlinuz on partition 2 of disk.img" */
    char *kernel, *initrd; /* initrd NULL: none */
    size_t kernel_size, initrd_size;
    char *append; /* the kernel's command line */
};

/* limit: bytes, of each file. out NULL: whether there is something is enough; no file is read. The disks are
 * vda, vdb, ... of the guest. Fails with one line, which says what was looked for. */
int boot_find(
    const struct boot_disk *disks, unsigned count, uint64_t limit, struct boot_files *out, struct error *e);
/* Also after a failure. */
void boot_files_free(struct boot_files *files);
