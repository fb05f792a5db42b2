/* The flattened device tree that tells the guest what the board has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct device_tree_config {
    unsigned cpus;
    uint64_t memory_size;        /* RAM at MAP_RAM, bytes */
    const char *bootargs;        /* may be NULL */
    uint64_t initrd, initrd_end; /* guest-physical; equal when there is none */
    unsigned virtio_slots;       /* slots 0 to virtio_slots - 1 are listed */
    bool firmware;               /* flash and fw_cfg are listed */
    uint64_t kaslr_seed;
    uint8_t rng_seed[64];
};

/* Writes the tree into size bytes at data. Fails when it does not fit. */
int device_tree_build(const struct device_tree_config *config, void *data, uint32_t size, struct error *e);
