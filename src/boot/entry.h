/* A boot entry: which files to boot, and with what command line. The files that describe entries are read
 * here, a function a format. */
#pragma once

#include "boot/volume.h"

enum {
    ENTRY_INITRDS_MAX = 8,
    ENTRY_OPTIONS_MAX = 2047, /* what Linux takes */
    ENTRY_TEXT_MAX = 512 << 10,
    ENTRY_PATH_MAX = 1024,
};

struct boot_path {
    unsigned volume;
    char *path; /* from the root of the volume's file system */
};

struct boot_entry {
    struct boot_path kernel, initrds[ENTRY_INITRDS_MAX];
    unsigned initrd_count;
    char *options;
};

/* Strings are copied; -1: out of memory, or too many or too long. */
int entry_set_kernel(struct boot_entry *entry, unsigned volume, const char *directory, const char *path);
int entry_add_initrd(struct boot_entry *entry, unsigned volume, const char *directory, const char *path);
/* Behind those that are there. */
int entry_add_options(struct boot_entry *entry, const char *options);
void entry_free(struct boot_entry *entry);

/* Each looks for its files in directory ("", "/boot") of a volume, and returns 1 with an entry, 0 when there
 * are none, or -1 with what is wrong. out is empty before, and to be freed in any case. */
typedef int entry_reader(
    struct volumes *volumes, unsigned volume, const char *directory, struct boot_entry *out, struct error *e);

entry_reader entry_read_bls, entry_read_extlinux, entry_read_grub;
/* Kernels by their usual names. */
entry_reader entry_read_plain;

/* Text of the disk in a message: up to max bytes, others than printable ones as '?'. */
const char *entry_printable(const char *text, char *out, size_t max);
