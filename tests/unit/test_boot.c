/* What a disk boots: partition tables and boot entries on images that sfdisk and mke2fs make here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "boot/boot.h"
#include "boot/partition.h"
#include "boot/script.h"
#include "storage/image.h"

#define MIB (1ull << 20)

static char dir[] = "/tmp/pearvisor-boot-XXXXXX";
static struct boot_files files;
static struct error e;

/* --- making images, in the directory */

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...) {
    char command[8192] = "set -e; PATH=$PATH:/usr/sbin:/sbin; cd ";
    va_list args;
    strcat(command, dir);
    strcat(command, "; ");
    va_start(args, format);
    vsnprintf(command + strlen(command), sizeof command - strlen(command), format, args);
    va_end(args);
    if (system(command) != 0)
        fail_msg("'%s' fails", command);
}

/* A file of the tree that becomes the next file system. */
static void put(const char *name, const char *text) {
    char path[256];
    shell("mkdir -p tree/$(dirname %s)", name);
    snprintf(path, sizeof path, "%s/tree/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* The tree as a file system; the next tree is empty. */
static void make_fs(const char *name, const char *options) {
    shell("rm -f %s; mke2fs -q -F -d tree %s %s 12M && rm -rf tree && mkdir tree", name, options, name);
}

static void place(const char *fs, const char *disk, unsigned mib) {
    shell("dd if=%s of=%s bs=1M seek=%u conv=notrunc,sparse status=none", fs, disk, mib);
}

static void partition(const char *disk, const char *script) {
    shell("rm -f %s; truncate -s 64M %s; printf '%s' | sfdisk -q %s", disk, disk, script, disk);
}

/* --- what is booted */

static struct storage *open_disk(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    const struct storage_config config = {.path = path, .read_only = true};
    struct storage *storage = storage_open(&config, &e);
    if (!storage)
        fail_msg("%s", e.text);
    return storage;
}

static int find_on(const char *first, const char *second) {
    struct boot_disk disks[2] = {{open_disk(first), first}};
    if (second)
        disks[1] = (struct boot_disk){open_disk(second), second};
    boot_files_free(&files);
    e = (struct error){0};
    int result = boot_find(disks, second ? 2 : 1, 16 * MIB, &files, &e);
    storage_close(disks[0].storage);
    if (second)
        storage_close(disks[1].storage);
    return result;
}

static void assert_boots(const char *disk, const char *kernel, const char *initrd, const char *append) {
    if (find_on(disk, NULL) < 0)
        fail_msg("%s", e.text);
    assert_string_equal(files.kernel, kernel);
    assert_int_equal(files.kernel_size, strlen(kernel));
    assert_string_equal(files.append, append);
    if (!initrd) {
        assert_null(files.initrd);
        return;
    }
    assert_true(files.initrd_size >= strlen(initrd)); /* more, where there are several */
    assert_memory_equal(files.initrd, initrd, strlen(initrd));
}

static void assert_refused(const char *disk, const char *about) {
    assert_int_equal(find_on(disk, NULL), -1);
    if (!strstr(e.text, about) || strchr(e.text, '\n'))
        fail_msg("expected '%s' in: %s", about, e.text);
}

static int setup(void **state) {
    (void)state;
    shell("rm -rf ./*; mkdir tree");
    return 0;
}

static int setup_all(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_all(void **state) {
    (void)state;
    boot_files_free(&files);
    shell("rm -rf %s", dir);
    return 0;
}

/* --- no boot loader */

static void plain_root_alone(void **state) {
    (void)state;
    put("boot/vmlinuz-6.9.1", "old");
    put("boot/vmlinuz-6.12.3", "kernel");
    put("boot/initrd.img-6.12.3", "initrd");
    put("boot/initrd.img-6.9.1", "old");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "kernel", "initrd", "root=/dev/vda ro console=ttyAMA0");
    assert_string_equal(files.kernel_name, "/boot/vmlinuz-6.12.3 on disk");
}

static void links_are_followed(void **state) {
    (void)state;
    put("boot/vmlinuz-6", "kernel");
    put("boot/initrd-6", "initrd");
    shell("cd tree; ln -s boot/../boot/vmlinuz-6 vmlinuz; ln -s /boot/initrd-6 %s; ln -s %s initrd.img",
        "a-name-of-over-sixty-bytes-so-that-the-link-to-it-needs-a-block-of-its-own",
        "a-name-of-over-sixty-bytes-so-that-the-link-to-it-needs-a-block-of-its-own");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "kernel", "initrd", "root=/dev/vda ro console=ttyAMA0");
}

static void loops_of_links_end(void **state) {
    (void)state;
    shell("cd tree; ln -s initrd.img vmlinuz; ln -s vmlinuz initrd.img; mkdir boot; ln -s . boot/boot");
    put("boot/vmlinuz-5", "kernel");
    make_fs("disk", "-t ext2 -b 1024");
    assert_boots("disk", "kernel", NULL, "root=/dev/vda ro console=ttyAMA0");
}

/* Files of many blocks, with holes, over indirect blocks and trees of extents. */
static void large_files(void **state) {
    (void)state;
    static const char *const kinds[] = {"-t ext2 -b 1024", "-t ext3 -b 4096", "-t ext4 -b 1024",
        "-t ext4 -b 4096 -O bigalloc", "-t ext4 -O inline_data -I 256"};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        shell("for n in $(seq 0 40 4000); do echo $n | dd of=tree/vmlinuz bs=1K seek=$n conv=notrunc "
              "status=none; done; "
              "cp --sparse=always tree/vmlinuz kernel");
        make_fs("disk", kinds[i]);
        if (find_on("disk", NULL) < 0)
            fail_msg("%s: %s", kinds[i], e.text);
        char path[256];
        static char expected[5 << 20];
        snprintf(path, sizeof path, "%s/kernel", dir);
        FILE *f = fopen(path, "r");
        size_t size = fread(expected, 1, sizeof expected, f);
        fclose(f);
        assert_int_equal(files.kernel_size, size);
        assert_memory_equal(files.kernel, expected, size);
    }
}

/* --- partition tables */

static const char gpt[] = "label: gpt\\n"
                          "start=2048,size=8192,type=uefi\\n"
                          "start=16384,size=24576,uuid=11111111-2222-3333-4444-555555555555\\n"
                          "start=65536,size=24576,uuid=aaaaaaaa-2222-3333-4444-555555555555\\n";

static void put_kernel(const char *kernel) {
    put("vmlinuz", kernel);
    make_fs("fs", "-t ext4");
}

static void gpt_disk(void **state) {
    (void)state;
    partition("disk", gpt);
    put_kernel("second");
    place("fs", "disk", 32);
    assert_boots(
        "disk", "second", NULL, "root=PARTUUID=aaaaaaaa-2222-3333-4444-555555555555 ro console=ttyAMA0");
    put_kernel("first");
    place("fs", "disk", 8);
    assert_boots(
        "disk", "first", NULL, "root=PARTUUID=11111111-2222-3333-4444-555555555555 ro console=ttyAMA0");
    assert_string_equal(files.kernel_name, "/vmlinuz on partition 2 of disk");
}

static void damaged_gpt(void **state) {
    (void)state;
    partition("disk", gpt);
    put_kernel("kernel");
    place("fs", "disk", 8);
    shell("printf x | dd of=disk bs=1 seek=560 conv=notrunc status=none"); /* the header's disk GUID: a bad
                                                                              CRC */
    assert_boots(
        "disk", "kernel", NULL, "root=PARTUUID=11111111-2222-3333-4444-555555555555 ro console=ttyAMA0");
    shell(
        "printf x | dd of=disk bs=1 seek=$((64 * 1024 * 1024 - 16384)) conv=notrunc status=none"); /* the
                                                                                                      table's
                                                                                                    */
    assert_refused("disk", "disk: its GPT is damaged");
}

static void mbr_disk(void **state) {
    (void)state;
    partition("disk", "label: dos\\nlabel-id: 0x12345678\\n"
                      "start=2048,size=2048,type=ef\\nstart=4096,size=120000,type=5\\n"
                      "start=6144,size=2048\\nstart=16384,size=24576\\nstart=65536,size=24576\\n");
    put_kernel("logical");
    place("fs", "disk", 32);
    assert_boots("disk", "logical", NULL, "root=PARTUUID=12345678-07 ro console=ttyAMA0");
}

static void extended_partitions_in_a_loop(void **state) {
    (void)state;
    partition("disk", "label: dos\\nstart=2048,size=120000,type=5\\nstart=4096,size=2048\\n");
    /* The second entry of the first logical sector leads to itself: type 5, sector 0 from the extended one.
     */
    shell("printf '\\0\\0\\0\\0\\5\\0\\0\\0\\0\\0\\0\\0\\1\\0\\0\\0' | "
          "dd of=disk bs=1 seek=$((2048 * 512 + 462)) conv=notrunc status=none");
    assert_refused("disk", "no kernel to boot on 128 partitions (0 with ext2, 3 or 4, 0 for EFI)");
}

static void nothing_to_boot(void **state) {
    (void)state;
    shell("truncate -s 4M disk");
    assert_refused("disk", "on 1 partition (0 with ext2, 3 or 4, 0 for EFI): no loader/entries");
    shell("truncate -s 512 small");
    assert_refused("small", "no kernel to boot");
    partition("disk", gpt);
    put("etc/fstab", "");
    make_fs("fs", "-t ext4");
    place("fs", "disk", 8);
    assert_refused("disk", "on 3 partitions (1 with ext2, 3 or 4, 1 for EFI)");
    assert_non_null(strstr(e.text, "--firmware FILE or --kernel FILE"));
}

static void any_format_and_disk(void **state) {
    (void)state;
    char image[256], overlay[256];
    partition("disk", gpt);
    put_kernel("kernel");
    place("fs", "disk", 8);
    shell("qemu-img convert -O qcow2 disk base.qcow2");
    snprintf(image, sizeof image, "%s/base.qcow2", dir);
    snprintf(overlay, sizeof overlay, "%s/overlay.qcow2", dir);
    assert_int_equal(storage_create_overlay(overlay, image, STORAGE_QCOW2, 0, &e), 0);
    assert_boots("overlay.qcow2", "kernel", NULL,
        "root=PARTUUID=11111111-2222-3333-4444-555555555555 ro console=ttyAMA0");
    shell("truncate -s 4M empty");
    put_kernel("alone");
    assert_int_equal(find_on("empty", "fs"), 0);
    assert_string_equal(files.append, "root=/dev/vdb ro console=ttyAMA0");
}

/* --- boot entries */

static void extlinux(void **state) {
    (void)state;
    put("boot/extlinux/extlinux.conf", "## comment\n"
                                       "DEFAULT two\nTIMEOUT 10\n"
                                       "LABEL one\n\tLINUX /one\n\tAPPEND first\n"
                                       "label two\n  menu label Two\n  linux ../two\n  initrd /i1,../i2\n"
                                       "  append root=/dev/vda1  quiet\n"
                                       "LABEL three\n\tLINUX /three\n");
    put("boot/two", "kernel");
    put("i1", "abcde");
    put("boot/i2", "xyz");
    put("vmlinuz", "not this one");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "kernel", "abcde", "root=/dev/vda1 quiet");
    assert_int_equal(files.initrd_size, 8 + 3);
    assert_memory_equal(files.initrd, "abcde\0\0\0xyz", 11);
}

static void boot_loader_specification(void **state) {
    (void)state;
    put("loader/entries/a-6.1.conf", "title Old\nversion 6.1\nlinux /a/linux-6.1\noptions old\n");
    put("loader/entries/a-6.10.conf",
        "# new\ntitle New\nversion 6.10\nlinux /a/linux-6.10\ninitrd /a/initrd $tuned_initrd\n"
        "options root=UUID=1 ro\noptions quiet $tuned_params\n");
    put("loader/entries/b+0-3.conf", "version 7\nlinux /a/tried\n");
    put("loader/entries/x.conf", "version 9\nlinux /a/x86\narchitecture x64\n");
    put("loader/entries/y.conf", "version 9\nefi /EFI/shell.efi\n");
    put("a/linux-6.10", "kernel");
    put("a/linux-6.1", "old kernel");
    put("a/initrd", "initrd");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "kernel", "initrd", "root=UUID=1 ro quiet");
    put("boot/loader/entries/a-6.1.conf", "title Old\nversion 6.1\nlinux /linux-6.1\noptions old\n");
    put("boot/loader/entries/a-6.10.conf", "title New\nversion 6.10\nlinux /linux-6.10\n");
    put("boot/loader/loader.conf", "timeout 3\ndefault a-6.1*\n");
    put("boot/linux-6.1", "old kernel");
    shell("mv tree/boot/loader/entries/a-6.10.conf tree/boot/loader/entries/b.conf");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "old kernel", NULL, "old");
}

/* As Debian's grub-mkconfig writes it. */
static const char grub_cfg[] =
    "#\n# DO NOT EDIT THIS FILE\n#\n"
    "### BEGIN /etc/grub.d/00_header ###\n"
    "if [ -s $prefix/grubenv ]; then\n  set have_grubenv=true\n  load_env\nfi\n"
    "if [ \"${next_entry}\" ] ; then\n   set default=\"${next_entry}\"\n   set next_entry=\n"
    "   save_env next_entry\n   set boot_once=true\nelse\n   set default=\"${saved_entry}\"\nfi\n\n"
    "if [ x\"${feature_menuentry_id}\" = xy ]; then\n  menuentry_id_option=\"--id\"\nelse\n"
    "  menuentry_id_option=\"\"\nfi\nexport menuentry_id_option\n"
    "function savedefault {\n  if [ -z \"${boot_once}\" ]; then\n    saved_entry=\"${chosen}\"\n  fi\n}\n"
    "function load_video {\n  if [ x$grub_platform = xefi ]; then insmod efi_gop; else insmod vga; fi\n}\n"
    "for i in a b; do linux /in-a-loop; done\n"
    "while true; do\n  linux /for-ever\ndone\n"
    "set linux_gfx_mode=\nexport linux_gfx_mode\n"
    "menuentry 'Debian GNU/Linux' --class debian --class os $menuentry_id_option 'gnulinux-simple-1' {\n"
    "\tload_video\n\tinsmod gzio\n"
    "\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi\n"
    "\tset root='hd0,gpt9'\n"
    "\tif [ x$feature_platform_search_hint = xy ]; then\n"
    "\t  search --no-floppy --fs-uuid --set=root --hint-efi=hd0,gpt2  UUID\n"
    "\telse\n\t  search --no-floppy --fs-uuid --set=root UUID\n\tfi\n"
    "\techo\t'Loading Linux ...'\n"
    "\tlinux\t/vmlinuz-6.12 root=/dev/vda3 ro \"dyndbg=file a.c +p\" $linux_gfx_mode quiet\n"
    "\techo\t'Loading initial ramdisk ...'\n"
    "\tinitrd\t/initrd.img-6.12\n}\n"
    "submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced-1' {\n"
    "\tmenuentry 'Debian, with 6.12' $menuentry_id_option 'gnulinux-6.12-1' {\n"
    "\t\tlinux\t/vmlinuz-6.12 advanced\n\t}\n"
    "\tmenuentry 'Debian, \"old\"' $menuentry_id_option 'gnulinux-6.1-1' {\n"
    "\t\tsearch -u --set=here UUID\n\t\tlinux\t($here)/vmlinuz-6.1 \\\n\t\t\told\n\t}\n}\n"
    "menuentry 'UEFI Firmware Settings' $menuentry_id_option 'uefi-firmware' {\n\tfwsetup\n}\n";

/* The configuration on one partition, as /boot/grub/grub.cfg, and /boot's files on another. */
static void make_grub_disk(const char *environment) {
    char uuid[] = "01234567-89ab-cdef-0123-456789abcdef", text[sizeof grub_cfg + 256], *out = text;
    for (const char *in = grub_cfg; *in;) {
        if (strncmp(in, "UUID", 4) == 0) {
            out += sprintf(out, "%s", uuid);
            in += 4;
        } else {
            *out++ = *in++;
        }
    }
    *out = 0;
    shell("rm -rf tree; mkdir tree");
    put("boot/grub/grub.cfg", text);
    put("boot/grub/grubenv", environment);
    put("vmlinuz-6.12", "on the root");
    make_fs("root", "-t ext4");
    put("vmlinuz-6.12", "kernel");
    put("initrd.img-6.12", "initrd");
    put("vmlinuz-6.1", "old kernel");
    make_fs("fs", "-t ext4 -U 01234567-89ab-cdef-0123-456789abcdef");
    partition("disk", gpt);
    place("root", "disk", 8);
    place("fs", "disk", 32);
}

static void grub(void **state) {
    (void)state;
    static const char simple[] = "BOOT_IMAGE=/vmlinuz-6.12 root=/dev/vda3 ro \"dyndbg=file a.c +p\" quiet";
    make_grub_disk("# GRUB Environment Block\n##########");
    assert_boots("disk", "kernel", "initrd", simple);
    make_grub_disk("# GRUB Environment Block\nnext_entry=uefi-firmware\nsaved_entry=gnulinux-simple-1\n###");
    assert_boots("disk", "kernel", "initrd", simple);
    make_grub_disk("# GRUB Environment Block\nsaved_entry=1\n###");
    assert_boots("disk", "on the root", NULL, "BOOT_IMAGE=/vmlinuz-6.12 advanced");
    make_grub_disk("# GRUB Environment Block\nsaved_entry=gnulinux-advanced-1>gnulinux-6.1-1\n###");
    assert_boots("disk", "old kernel", NULL, "BOOT_IMAGE=(hd0,3)/vmlinuz-6.1 old");
    make_grub_disk("# GRUB Environment Block\nsaved_entry=Advanced options>Debian, \"old\"\n###");
    assert_boots("disk", "old kernel", NULL, "BOOT_IMAGE=(hd0,3)/vmlinuz-6.1 old");
    make_grub_disk("# GRUB Environment Block\nsaved_entry=2\n###");
    assert_refused("disk", "partition 2 of disk: /boot/grub/grub.cfg: its default entry has no Linux kernel");
}

/* A file may hold any byte, also where a name is expected. */
static void nul_in_a_name(void **state) {
    (void)state;
    struct script script = {0};
    script_set(&script, "a", 1, "value");
    assert_string_equal(script_get(&script, "a\0b", 3), "");
    script_set(&script, "a\0b", 3, "other");
    assert_string_equal(script_get(&script, "a", 1), "value");
    script_free(&script);
}

/* Something that cannot be used does not hide what can, and is named if there is nothing. */
static void broken_entries(void **state) {
    (void)state;
    put("boot/extlinux/extlinux.conf", "LABEL a\nLINUX /gone\n");
    make_fs("disk", "-t ext4");
    assert_refused("disk", "/gone on disk: File not found");
    put("boot/extlinux/extlinux.conf", "LABEL a\nLINUX /go\x1b[2Jne\n");
    make_fs("disk", "-t ext4");
    assert_refused("disk", "/go?[2Jne on disk");
    put("boot/extlinux/extlinux.conf", "LABEL a\nLINUX /gone\n");
    put("boot/grub/grub.cfg", "menuentry x { linux /k a\n}");
    put("k", "kernel");
    make_fs("disk", "-t ext4");
    assert_boots("disk", "kernel", NULL, "BOOT_IMAGE=/k a");
    put("boot/extlinux/extlinux.conf", "LABEL a\nLINUX /big\n");
    shell("truncate -s 17M tree/big");
    make_fs("disk", "-t ext4");
    assert_refused("disk", "/big on disk: larger than 16384 KiB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(plain_root_alone, setup),
        cmocka_unit_test_setup(links_are_followed, setup),
        cmocka_unit_test_setup(loops_of_links_end, setup),
        cmocka_unit_test_setup(large_files, setup),
        cmocka_unit_test_setup(gpt_disk, setup),
        cmocka_unit_test_setup(damaged_gpt, setup),
        cmocka_unit_test_setup(mbr_disk, setup),
        cmocka_unit_test_setup(extended_partitions_in_a_loop, setup),
        cmocka_unit_test_setup(nothing_to_boot, setup),
        cmocka_unit_test_setup(any_format_and_disk, setup),
        cmocka_unit_test_setup(extlinux, setup),
        cmocka_unit_test_setup(boot_loader_specification, setup),
        cmocka_unit_test_setup(grub, setup),
        cmocka_unit_test(nul_in_a_name),
        cmocka_unit_test_setup(broken_entries, setup),
    };
    return cmocka_run_group_tests(tests, setup_all, remove_all);
}
