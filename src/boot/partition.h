/* The partitions of a disk, by its GPT (UEFI 2.10, chapter 5) or MBR; a disk without a table is one volume.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"
#include "util/error.h"

enum { PARTITIONS_MAX = 128, PARTITION_UUID_SIZE = 37 };

struct partition {
    uint64_t start, size; /* bytes, whole sectors; inside the disk */
    unsigned number;      /* as Linux counts them; 0: the whole disk */
    enum partition_kind {
        PARTITION_OTHER,
        PARTITION_ESP,  /* EFI system partition */
        PARTITION_BOOT, /* extended boot loader partition: /boot of the Boot Loader Specification */
    } kind;
    char uuid[PARTITION_UUID_SIZE]; /* Linux's PARTUUID; "": none */
};

/* How many there are, at most PARTITIONS_MAX, in the table's order. -1 with a line: the disk cannot be read,
 * or both of its GPTs are damaged. */
int partitions_read(struct storage *disk, struct partition out[PARTITIONS_MAX], struct error *e);

/* Reads any bytes of a disk; 0 or a negative errno (past its end: -EIO). */
int disk_read(struct storage *disk, uint64_t offset, void *data, size_t size);
