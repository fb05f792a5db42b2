#include "boot/volume.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEARCH_BLOCKS = 1 << 17 };

static int add_disk(struct volumes *volumes, unsigned disk, struct error *e) {
    struct partition partitions[PARTITIONS_MAX];
    struct error why;
    int count = partitions_read(volumes->disks[disk].storage, partitions, &why);
    if (count < 0 && !*volumes->damage.text)
        error_set(&volumes->damage, "%s: %s", volumes->disks[disk].name, why.text);
    for (int i = 0; i < count; i++) {
        struct volume *list = realloc(volumes->list, (volumes->count + 1) * sizeof *list);
        if (!list)
            return error_set(e, "out of memory");
        volumes->list = list;
        list[volumes->count++] = (struct volume){.disk = disk, .partition = partitions[i]};
    }
    return 0;
}

int volumes_open(struct volumes *volumes, const struct boot_disk *disks, unsigned count, struct error *e) {
    *volumes = (struct volumes){.disks = disks, .disk_count = count, .budget = SEARCH_BLOCKS};
    for (unsigned i = 0; i < count; i++)
        if (add_disk(volumes, i, e) < 0)
            return -1;
    return 0;
}

void volumes_close(struct volumes *volumes) {
    for (unsigned i = 0; i < volumes->count; i++)
        extfs_close(volumes->list[i].fs);
    free(volumes->list);
}

void volume_name(const struct volumes *volumes, unsigned n, char *out, size_t size) {
    const struct volume *volume = &volumes->list[n];
    const char *disk = volumes->disks[volume->disk].name;
    if (volume->partition.number)
        snprintf(out, size, "partition %u of %s", volume->partition.number, disk);
    else
        snprintf(out, size, "%s", disk);
}

struct extfs *volume_fs(struct volumes *volumes, unsigned n) {
    struct volume *volume = &volumes->list[n];
    struct storage *disk = volumes->disks[volume->disk].storage;
    struct error why;
    if (volume->opened)
        return volume->fs;
    volume->opened = true;
    if (!extfs_probe(disk, &volume->partition))
        return NULL;
    volume->fs = extfs_open(disk, &volume->partition, &volumes->budget, &why);
    if (!volume->fs && !*volumes->damage.text) {
        char name[256];
        volume_name(volumes, n, name, sizeof name);
        error_set(&volumes->damage, "%s: %s", name, why.text);
    }
    return volume->fs;
}

int volumes_find_uuid(struct volumes *volumes, const char *uuid) {
    for (unsigned i = 0; i < volumes->count; i++) {
        struct extfs *fs = volume_fs(volumes, i);
        if (fs && strcasecmp(extfs_uuid(fs), uuid) == 0)
            return (int)i;
    }
    return -1;
}

int volumes_find_label(struct volumes *volumes, const char *label) {
    for (unsigned i = 0; i < volumes->count; i++) {
        struct extfs *fs = volume_fs(volumes, i);
        if (fs && strcmp(extfs_label(fs), label) == 0)
            return (int)i;
    }
    return -1;
}

int volumes_find_file(struct volumes *volumes, const char *path) {
    for (unsigned i = 0; i < volumes->count; i++) {
        struct extfs *fs = volume_fs(volumes, i);
        if (fs && extfs_exists(fs, path))
            return (int)i;
    }
    return -1;
}

int volumes_find_device(const struct volumes *volumes, const char *name, size_t length) {
    char text[32];
    unsigned disk, number = 0;
    if (length && *name == '(') {
        name++;
        length -= 1 + (length > 1 && name[length - 2] == ')');
    }
    if (length >= sizeof text)
        return -1;
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    const char *comma = strchr(text, ',');
    if (sscanf(text, "hd%2u", &disk) != 1 ||
        (comma && sscanf(comma + 1 + strcspn(comma + 1, "0123456789"), "%3u", &number) != 1))
        return -1;
    for (unsigned i = 0; i < volumes->count; i++)
        if (volumes->list[i].disk == disk && volumes->list[i].partition.number == number)
            return (int)i;
    return -1;
}
