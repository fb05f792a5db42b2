/* Disks in memory for fuzzers: images that shell commands make once, of which every run changes a copy. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { MEMORY_DISK_MAX = 2 << 20 };

struct memory_disk {
    uint8_t *image, *bytes; /* as made, and as changed */
    size_t size;
};

/* Runs commands in a directory of their own, where they leave the file "disk"; aborts when they fail. */
void memory_disk_make(struct memory_disk *disk, const char *commands);
/* Back to the image, then bytes of it by the input: 8 a change, of 1, 2 or 4 bytes anywhere. */
void memory_disk_change(struct memory_disk *disk, const uint8_t *data, size_t size);
/* Looks for something to boot; aborts when a failure is not said in one line. */
void memory_disk_boot(const struct memory_disk *disk);
