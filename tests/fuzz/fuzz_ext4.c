/* File systems with any bytes changed, and what is found to boot on them: extents and indirect blocks,
 * directories, links. */
#include <stdio.h>

#include "fuzz/memory_disk.h"

enum { DISKS = 3 };

static struct memory_disk disks[DISKS];

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    static const char tree[] =
        "mkdir -p tree/boot/extlinux; for n in 0 8 16 24 32 40; do echo $n | dd of=tree/boot/vmlinuz-1 bs=1K "
        "seek=$n "
        "conv=notrunc status=none; done; echo initrd >tree/boot/initrd.img-1; ln -s boot/vmlinuz-1 "
        "tree/vmlinuz; "
        "ln -s a-link-that-is-too-long-for-its-inode-and-so-has-a-block-of-its-own tree/initrd.img; "
        "ln -s boot/initrd.img-1 tree/a-link-that-is-too-long-for-its-inode-and-so-has-a-block-of-its-own; "
        "printf 'LABEL a\\nLINUX /vmlinuz\\nINITRD /initrd.img\\n' >tree/boot/extlinux/extlinux.conf; ";
    static const char *const kinds[DISKS] = {"ext4 -O ^has_journal,^metadata_csum,^resize_inode",
        "ext2 -O ^resize_inode", "ext4 -O ^has_journal,inline_data,metadata_csum,^resize_inode -I 256"};
    for (unsigned i = 0; i < DISKS; i++) {
        char commands[2048];
        snprintf(commands, sizeof commands,
            "%s mke2fs -q -F -b 1024 -N 32 -t %s -d tree disk 256 2>/dev/null", tree, kinds[i]);
        memory_disk_make(&disks[i], commands);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    struct memory_disk *disk = &disks[data[0] % DISKS];
    memory_disk_change(disk, data + 1, size - 1);
    memory_disk_boot(disk);
    return 0;
}
