#include "boot/partition.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "util/bytes.h"

enum { SECTOR = STORAGE_SECTOR };

int disk_read(struct storage *disk, uint64_t offset, void *data, size_t size) {
    uint64_t start = offset / SECTOR * SECTOR, head = offset - start;
    if (offset > disk->size || size > disk->size - offset)
        return -EIO;
    if (!size)
        return 0;
    size_t whole = (head + size + SECTOR - 1) / SECTOR * SECTOR;
    if (whole == size) {
        const struct iovec iov = {.iov_base = data, .iov_len = size};
        return disk->ops->preadv(disk, &iov, 1, offset);
    }
    uint8_t *bounce = malloc(whole);
    if (!bounce)
        return -ENOMEM;
    const struct iovec iov = {.iov_base = bounce, .iov_len = whole};
    int result = disk->ops->preadv(disk, &iov, 1, start);
    if (result == 0)
        memcpy(data, bounce + head, size);
    free(bounce);
    return result;
}

/* Which of the disk's sectors are a partition; false: they are not all on it. */
static bool place(const struct storage *disk, struct partition *p, uint64_t first, uint64_t count) {
    uint64_t sectors = disk->size / SECTOR;
    if (first == 0 || count == 0 || first >= sectors || count > sectors - first)
        return false;
    p->start = first * SECTOR;
    p->size = count * SECTOR;
    return true;
}

/* --- GPT */

enum {
    GPT_HEADER_SIZE = 92,
    GPT_ENTRY_SIZE = 128, /* at least, and a power of two times it */
    GPT_TABLE_MAX = 1 << 20,
};

struct gpt {
    uint64_t table; /* sector */
    uint32_t entries, entry_size, crc;
};

/* 5.3.2. The CRC is over the header with its own field as zeros. */
static bool parse_gpt_header(uint8_t sector[SECTOR], uint64_t at, struct gpt *gpt) {
    uint32_t size = bytes_le32(sector + 12), crc = bytes_le32(sector + 16);
    if (memcmp(sector, "EFI PART", 8) != 0 || size < GPT_HEADER_SIZE || size > SECTOR)
        return false;
    memset(sector + 16, 0, 4);
    if (crc32(0, sector, size) != crc || bytes_le64(sector + 24) != at)
        return false;
    *gpt = (struct gpt){
        .table = bytes_le64(sector + 72),
        .entries = bytes_le32(sector + 80),
        .entry_size = bytes_le32(sector + 84),
        .crc = bytes_le32(sector + 88),
    };
    return gpt->entry_size >= GPT_ENTRY_SIZE && gpt->entry_size <= SECTOR * 8 &&
           gpt->entries <= GPT_TABLE_MAX / gpt->entry_size;
}

/* The table that a good header leads to; NULL: damaged, with *result negative when it cannot be read. */
static uint8_t *read_gpt(struct storage *disk, uint64_t at, struct gpt *gpt, int *result) {
    uint8_t sector[SECTOR];
    if ((*result = disk_read(disk, at * SECTOR, sector, sizeof sector)) < 0 ||
        !parse_gpt_header(sector, at, gpt) || gpt->table > disk->size / SECTOR)
        return NULL;
    size_t size = (size_t)gpt->entries * gpt->entry_size;
    uint8_t *table = malloc(size ? size : 1);
    if (!table)
        *result = -ENOMEM;
    if (table && disk_read(disk, gpt->table * SECTOR, table, size) == 0 &&
        crc32(0, table, (uInt)size) == gpt->crc)
        return table;
    free(table);
    return NULL;
}

/* Appendix A: the first three fields are little-endian. */
static void format_guid(const uint8_t *g, char out[PARTITION_UUID_SIZE]) {
    snprintf(out, PARTITION_UUID_SIZE, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", bytes_le32(g),
        bytes_le16(g + 4), bytes_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static enum partition_kind kind_by_guid(const uint8_t *type) {
    char text[PARTITION_UUID_SIZE];
    format_guid(type, text);
    if (strcmp(text, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b") == 0)
        return PARTITION_ESP;
    return strcmp(text, "bc13c2ff-59e6-4262-a352-b275fd6f7172") == 0 ? PARTITION_BOOT : PARTITION_OTHER;
}

static int parse_gpt_table(
    const struct storage *disk, const struct gpt *gpt, const uint8_t *table, struct partition *out) {
    static const uint8_t unused[16];
    int count = 0;
    for (uint32_t i = 0; i < gpt->entries && count < PARTITIONS_MAX; i++) {
        const uint8_t *entry = table + (size_t)i * gpt->entry_size;
        uint64_t first = bytes_le64(entry + 32), last = bytes_le64(entry + 40);
        struct partition *p = &out[count];
        if (memcmp(entry, unused, sizeof unused) == 0 || last < first ||
            !place(disk, p, first, last - first + 1))
            continue;
        p->number = i + 1;
        p->kind = kind_by_guid(entry);
        format_guid(entry + 16, p->uuid);
        count++;
    }
    return count;
}

static int read_partitions_gpt(struct storage *disk, struct partition *out, struct error *e) {
    struct gpt gpt;
    int first, second = 0;
    uint8_t *table = read_gpt(disk, 1, &gpt, &first);
    if (!table)
        table = read_gpt(disk, disk->size / SECTOR - 1, &gpt, &second);
    if (!table)
        return error_set(e, "its GPT is damaged%s%s", first || second ? ": " : ", and so is the backup",
            first || second ? strerror(first ? -first : -second) : "");
    int count = parse_gpt_table(disk, &gpt, table, out);
    free(table);
    return count;
}

/* --- MBR */

enum {
    MBR_DISK_ID = 440,
    MBR_TABLE = 446,
    MBR_ENTRY = 16,
    MBR_ENTRIES = 4,
    MBR_SIGNATURE = 510,
    MBR_FIRST_LOGICAL = 5,
    TYPE_ESP = 0xef,
    TYPE_GPT = 0xee,
    TYPE_BOOT = 0xea, /* the Boot Loader Specification's */
};

struct mbr_entry {
    uint8_t type;
    uint32_t first, count;
};

static struct mbr_entry mbr_entry(const uint8_t *sector, unsigned n) {
    const uint8_t *entry = sector + MBR_TABLE + n * MBR_ENTRY;
    return (struct mbr_entry){entry[4], bytes_le32(entry + 8), bytes_le32(entry + 12)};
}

static bool is_extended(uint8_t type) {
    return type == 0x05 || type == 0x0f || type == 0x85;
}

/* Not the first sector of a FAT file system, which ends in the same signature: code is in the table's place.
 */
static bool is_mbr(const uint8_t *sector) {
    bool used = false;
    if (sector[MBR_SIGNATURE] != 0x55 || sector[MBR_SIGNATURE + 1] != 0xaa)
        return false;
    for (unsigned n = 0; n < MBR_ENTRIES; n++) {
        struct mbr_entry entry = mbr_entry(sector, n);
        if (sector[MBR_TABLE + n * MBR_ENTRY] & 0x7f)
            return false;
        used |= entry.type && entry.count;
    }
    return used;
}

static int add_mbr(const struct storage *disk, struct partition *out, int count, unsigned number,
    uint32_t disk_id, uint64_t base, const struct mbr_entry *entry) {
    struct partition *p = &out[count];
    if (count == PARTITIONS_MAX || !entry->type || !place(disk, p, base + entry->first, entry->count))
        return count;
    p->number = number;
    p->kind = entry->type == TYPE_ESP    ? PARTITION_ESP
              : entry->type == TYPE_BOOT ? PARTITION_BOOT
                                         : PARTITION_OTHER;
    snprintf(p->uuid, sizeof p->uuid, "%08x-%02x", disk_id, number);
    return count + 1;
}

/* A chain of sectors like the first: an entry for a partition, relative to the sector, and one for the next
 * sector, relative to the extended partition. Its length is bounded, so that a loop ends. */
static int read_logical(
    struct storage *disk, struct partition *out, int count, uint32_t disk_id, uint32_t extended) {
    uint8_t sector[SECTOR];
    uint64_t at = extended;
    for (unsigned number = MBR_FIRST_LOGICAL; number < MBR_FIRST_LOGICAL + PARTITIONS_MAX; number++) {
        if (disk_read(disk, at * SECTOR, sector, sizeof sector) < 0 || sector[MBR_SIGNATURE] != 0x55 ||
            sector[MBR_SIGNATURE + 1] != 0xaa)
            break;
        struct mbr_entry entry = mbr_entry(sector, 0), next = mbr_entry(sector, 1);
        if (!is_extended(entry.type))
            count = add_mbr(disk, out, count, number, disk_id, at, &entry);
        if (!is_extended(next.type) || !next.count)
            break;
        at = (uint64_t)extended + next.first;
    }
    return count;
}

static int read_partitions_mbr(struct storage *disk, const uint8_t *sector, struct partition *out) {
    uint32_t disk_id = bytes_le32(sector + MBR_DISK_ID);
    int count = 0;
    for (unsigned n = 0; n < MBR_ENTRIES; n++) {
        struct mbr_entry entry = mbr_entry(sector, n);
        if (!is_extended(entry.type))
            count = add_mbr(disk, out, count, n + 1, disk_id, 0, &entry);
    }
    for (unsigned n = 0; n < MBR_ENTRIES; n++) {
        struct mbr_entry entry = mbr_entry(sector, n);
        if (is_extended(entry.type) && entry.first)
            return read_logical(disk, out, count, disk_id, entry.first);
    }
    return count;
}

/* A GPT counts, as for Linux, only behind an MBR that says so (5.2.3). */
static bool is_protective(const uint8_t *sector) {
    for (unsigned n = 0; n < MBR_ENTRIES; n++)
        if (mbr_entry(sector, n).type == TYPE_GPT)
            return true;
    return false;
}

int partitions_read(struct storage *disk, struct partition out[PARTITIONS_MAX], struct error *e) {
    uint8_t sector[SECTOR];
    memset(out, 0, PARTITIONS_MAX * sizeof *out);
    if (disk->size < SECTOR)
        return 0;
    int result = disk_read(disk, 0, sector, sizeof sector);
    if (result < 0)
        return error_set(e, "%s", strerror(-result));
    if (!is_mbr(sector)) {
        out[0].size = disk->size;
        return 1;
    }
    return is_protective(sector) ? read_partitions_gpt(disk, out, e) : read_partitions_mbr(disk, sector, out);
}
