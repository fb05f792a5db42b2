#include "image/iso.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Sectors: 16 bytes of descriptors each at 16 to 18 (ECMA-119, 6.7.1), then what they lead to, for ISO 9660's
 * names and for Joliet's. */
enum {
    SECTOR = 2048,
    PRIMARY = 16,
    SUPPLEMENTARY,
    TERMINATOR,
    PATHS, /* tables: primary, little- and big-endian, then the same of Joliet */
    ROOT = PATHS + 4,
    JOLIET_ROOT,
    DATA,
};

enum { RECORD = 33, DIRECTORY = 2 /* a flag of records */, NAME_MAX_BYTES = 128 };

static void put_little(uint8_t *at, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static void put_big(uint8_t *at, unsigned bytes, uint32_t value) {
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* 7.2.3, 7.3.3: both, one after the other. */
static void put_both(uint8_t *at, unsigned bytes, uint32_t value) {
    put_little(at, bytes, value);
    put_big(at + bytes, bytes, value);
}

/* UCS-2, big-endian (Joliet). Returns the bytes. */
static size_t put_name(uint8_t *at, const char *name, bool joliet) {
    size_t length = strlen(name);
    if (!joliet)
        memcpy(at, name, length);
    for (size_t i = 0; joliet && i < length; i++)
        put_big(at + 2 * i, 2, (uint8_t)name[i]);
    return joliet ? 2 * length : length;
}

/* A field of text, padded with blanks. */
static void put_text(uint8_t *field, size_t size, const char *text, bool joliet) {
    for (size_t i = 0; i < size; i++)
        field[i] = joliet && i % 2 == 0 ? 0 : ' ';
    put_name(field, text, joliet);
}

/* 9.1. Its length is even. */
static size_t put_record(
    uint8_t *at, uint32_t sector, size_t size, unsigned flags, const uint8_t *name, size_t name_size) {
    static const uint8_t date[7] = {100, 1, 1}; /* 1 January 2000 */
    size_t length = RECORD + name_size + (name_size % 2 == 0);
    at[0] = (uint8_t)length;
    put_both(at + 2, 4, sector);
    put_both(at + 10, 4, (uint32_t)size);
    memcpy(at + 18, date, sizeof date);
    at[25] = (uint8_t)flags;
    put_both(at + 28, 2, 1);
    at[32] = (uint8_t)name_size;
    memcpy(at + RECORD, name, name_size);
    return length;
}

/* 8.4, 8.5 */
static void put_descriptor(uint8_t *at, const char *label, uint32_t sectors, bool joliet) {
    enum { UNSPECIFIED = 813, DATES = 4, DATE = 17, PATH_TABLE_SIZE = 10 };
    static const struct {
        unsigned at, size;
    } texts[] = {{8, 32}, {190, 128}, {318, 128}, {446, 128}, {574, 128}, {702, 37}, {739, 37}, {776, 37}};
    uint32_t paths = joliet ? PATHS + 2 : PATHS;
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        put_text(at + texts[i].at, texts[i].size, "", joliet);
    put_text(at + 40, 32, label, joliet);
    put_both(at + 80, 4, sectors);
    if (joliet)
        memcpy(at + 88, "%/E", 3); /* UCS-2 level 3 */
    put_both(at + 120, 2, 1);
    put_both(at + 124, 2, 1);
    put_both(at + 128, 2, SECTOR);
    put_both(at + 132, 4, PATH_TABLE_SIZE);
    put_little(at + 140, 4, paths);
    put_big(at + 148, 4, paths + 1);
    put_record(at + 156, joliet ? JOLIET_ROOT : ROOT, SECTOR, DIRECTORY, (const uint8_t[]){0}, 1);
    for (unsigned i = 0; i < DATES; i++)
        memset(at + UNSPECIFIED + DATE * i, '0', DATE - 1);
    at[881] = 1;
}

static void put_directory(uint8_t *at, const struct iso_file *files, unsigned count, bool joliet) {
    uint32_t self = joliet ? JOLIET_ROOT : ROOT, sector = DATA;
    uint8_t name[NAME_MAX_BYTES];
    at += put_record(at, self, SECTOR, DIRECTORY, (const uint8_t[]){0}, 1); /* itself */
    at += put_record(at, self, SECTOR, DIRECTORY, (const uint8_t[]){1}, 1); /* its parent */
    for (unsigned i = 0; i < count; i++) {
        size_t length = put_name(name, joliet ? files[i].name : files[i].short_name, joliet);
        at += put_record(at, sector, files[i].size, 0, name, length);
        sector += (uint32_t)((files[i].size + SECTOR - 1) / SECTOR);
    }
}

/* 9.4: the root alone. */
static void put_path(uint8_t *at, uint32_t root, void (*put)(uint8_t *at, unsigned bytes, uint32_t value)) {
    at[0] = 1;
    put(at + 2, 4, root);
    put(at + 6, 2, 1);
}

static void put_head(uint8_t *at, unsigned type) {
    at[0] = (uint8_t)type;
    memcpy(at + 1, "CD001\1", 6);
}

uint8_t *iso_make(const char *label, const struct iso_file *files, unsigned count, size_t *size) {
    enum { TYPE_PRIMARY = 1, TYPE_SUPPLEMENTARY = 2, TYPE_TERMINATOR = 255 };
    size_t sectors = DATA;
    for (unsigned i = 0; i < count; i++)
        sectors += (files[i].size + SECTOR - 1) / SECTOR;
    uint8_t *disk = calloc(sectors, SECTOR), *data = disk ? disk + DATA * SECTOR : NULL;
    *size = sectors * SECTOR;
    if (!disk)
        return NULL;
    put_head(disk + PRIMARY * SECTOR, TYPE_PRIMARY);
    put_descriptor(disk + PRIMARY * SECTOR, label, (uint32_t)sectors, false);
    put_head(disk + SUPPLEMENTARY * SECTOR, TYPE_SUPPLEMENTARY);
    put_descriptor(disk + SUPPLEMENTARY * SECTOR, label, (uint32_t)sectors, true);
    put_head(disk + TERMINATOR * SECTOR, TYPE_TERMINATOR);
    put_path(disk + PATHS * SECTOR, ROOT, put_little);
    put_path(disk + (PATHS + 1) * SECTOR, ROOT, put_big);
    put_path(disk + (PATHS + 2) * SECTOR, JOLIET_ROOT, put_little);
    put_path(disk + (PATHS + 3) * SECTOR, JOLIET_ROOT, put_big);
    put_directory(disk + ROOT * SECTOR, files, count, false);
    put_directory(disk + JOLIET_ROOT * SECTOR, files, count, true);
    for (unsigned i = 0; i < count; i++) {
        memcpy(data, files[i].data, files[i].size);
        data += (files[i].size + SECTOR - 1) / SECTOR * SECTOR;
    }
    return disk;
}
