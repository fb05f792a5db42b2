#include "fuzz/memory_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/boot.h"
#include "util/iov.h"

void memory_disk_make(struct memory_disk *disk, const char *commands) {
    char directory[] = "/tmp/pearvisor-fuzz-XXXXXX", path[64], *line = NULL;
    if (!mkdtemp(directory) ||
        asprintf(&line, "set -e; PATH=$PATH:/usr/sbin:/sbin; cd %s; %s", directory, commands) < 0 ||
        system(line) != 0)
        abort();
    snprintf(path, sizeof path, "%s/disk", directory);
    FILE *f = fopen(path, "rb");
    disk->image = malloc(MEMORY_DISK_MAX);
    disk->size = f && disk->image ? fread(disk->image, 1, MEMORY_DISK_MAX, f) : 0;
    disk->bytes = malloc(disk->size);
    if (!disk->size || disk->size % STORAGE_SECTOR || !disk->bytes)
        abort();
    fclose(f);
    sprintf(line, "rm -rf %s", directory);
    if (system(line) != 0)
        abort();
    free(line);
}

void memory_disk_change(struct memory_disk *disk, const uint8_t *data, size_t size) {
    enum { RECORD = 8, BLOCK = 1024 };
    memcpy(disk->bytes, disk->image, disk->size);
    for (; size >= RECORD; data += RECORD, size -= RECORD) {
        size_t block = (data[0] | data[1] << 8) % (disk->size / BLOCK), at = (data[2] | data[3] << 8) % BLOCK;
        size_t width = 1u << (data[3] >> 6) % 3;
        if (at + width <= BLOCK)
            memcpy(disk->bytes + block * BLOCK + at, data + 4, width);
    }
}

struct memory_storage {
    struct storage storage;
    const uint8_t *bytes;
};

static int read_memory(struct storage *storage, const struct iovec *iov, unsigned count, uint64_t offset) {
    const uint8_t *bytes = ((struct memory_storage *)storage)->bytes;
    size_t size = iov_size(iov, count);
    if (offset % STORAGE_SECTOR || size % STORAGE_SECTOR || offset > storage->size ||
        size > storage->size - offset)
        abort(); /* as the interface of storage wants it */
    iov_write(iov, count, 0, bytes + offset, size);
    return 0;
}

void memory_disk_boot(const struct memory_disk *disk) {
    static const struct storage_ops ops = {.preadv = read_memory};
    enum { LIMIT = 1 << 20 };
    struct memory_storage memory = {
        {.ops = &ops, .size = disk->size, .block_size = STORAGE_SECTOR, .read_only = true}, disk->bytes};
    const struct boot_disk boot = {&memory.storage, "disk"};
    struct boot_files files;
    struct error e = {0};
    if (boot_find(&boot, 1, LIMIT, &files, &e) < 0 && (!e.text[0] || strchr(e.text, '\n')))
        abort();
    if (files.kernel_size > LIMIT || files.initrd_size > LIMIT ||
        (files.append && strchr(files.append, '\n')))
        abort();
    boot_files_free(&files);
}
