/* Partition tables and the texts of boot entries: any bytes as a disk, a GPT and an MBR with changes, and any
 * text as grub.cfg, grubenv, extlinux.conf and an entry of the Boot Loader Specification. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "fuzz/memory_disk.h"

enum { BYTES, GPT, GPT_WITH_CRC, MBR, GRUB, GRUBENV, EXTLINUX, BLS, LOADER, KINDS };
enum { TEXT_SIZE = 1024, SECTOR = 512 };

static struct memory_disk bytes, gpt, mbr, texts;
static size_t text_at[KINDS];

/* Where a file of TEXT_SIZE that begins with a mark lies in the image. */
static size_t find_text(const char *mark) {
    for (size_t at = 0; at + TEXT_SIZE <= texts.size; at += TEXT_SIZE)
        if (memcmp(texts.image + at, mark, strlen(mark)) == 0)
            return at;
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    memory_disk_make(&bytes, "truncate -s 64K disk; echo x | dd of=disk conv=notrunc status=none");
    memory_disk_make(&gpt, "truncate -s 1M disk; printf 'label: "
                           "gpt\\nstart=64,size=512\\nstart=1024,size=512\\n' | sfdisk -q disk");
    memory_disk_make(&mbr,
        "truncate -s 1M disk; printf 'label: dos\\nstart=64,size=512\\nstart=600,size=1000,type=5\\n"
        "start=610,size=100\\nstart=720,size=100\\n' | sfdisk -q disk");
    memory_disk_make(&texts,
        "mkdir -p tree/boot/extlinux tree/boot/grub tree/boot/loader/entries; echo k >tree/k; "
        "text() { printf '%-1024s' $1 >tree/boot/$2; }; text @GRUB grub/grub.cfg; text @ENV grub/grubenv; "
        "text @EXT extlinux/extlinux.conf; text @BLS loader/entries/a.conf; text @LOADER loader/loader.conf; "
        "mke2fs -q -F -b 1024 -N 32 -t ext2 -O ^resize_inode -d tree disk 128 2>/dev/null");
    text_at[GRUB] = find_text("@GRUB");
    text_at[GRUBENV] = find_text("@ENV");
    text_at[EXTLINUX] = find_text("@EXT");
    text_at[BLS] = find_text("@BLS");
    text_at[LOADER] = find_text("@LOADER");
    return 0;
}

static void put_32(uint8_t *to, uint32_t value) {
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

/* So that changes are looked at. */
static void mend_gpt(uint8_t *disk) {
    enum { TABLE = 2 * SECTOR, TABLE_SIZE = 128 * 128, HEADER = 92 };
    uint8_t *header = disk + SECTOR;
    put_32(header + 88, (uint32_t)crc32(0, disk + TABLE, TABLE_SIZE));
    put_32(header + 16, 0);
    put_32(header + 16, (uint32_t)crc32(0, header, HEADER));
}

static void put_text(unsigned kind, const uint8_t *data, size_t size) {
    static const char grub[] = "menuentry x {\nlinux /k $a\n}\n", entry[] = "linux /k\n";
    memory_disk_change(&texts, NULL, 0);
    for (unsigned i = GRUB; i <= LOADER; i++)
        memset(texts.bytes + text_at[i], '\n', TEXT_SIZE);
    if (kind == GRUBENV)
        memcpy(texts.bytes + text_at[GRUB], grub, sizeof grub - 1);
    if (kind == LOADER)
        memcpy(texts.bytes + text_at[BLS], entry, sizeof entry - 1);
    memcpy(texts.bytes + text_at[kind], data, size < TEXT_SIZE ? size : TEXT_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    unsigned kind = *data++ % KINDS;
    struct memory_disk *disk = kind == BYTES ? &bytes : kind == MBR ? &mbr : kind < MBR ? &gpt : &texts;
    size--;
    if (kind >= GRUB)
        put_text(kind, data, size);
    else
        memory_disk_change(disk, data, kind == BYTES ? 0 : size);
    if (kind == BYTES)
        memcpy(disk->bytes, data, size < disk->size ? size : disk->size);
    if (kind == GPT_WITH_CRC)
        mend_gpt(disk->bytes);
    memory_disk_boot(disk);
    return 0;
}
