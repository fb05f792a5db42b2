/* Memory that other processes (the render server) can share: memfd on Linux. */
#pragma once

#include <stdint.h>

#include "util/error.h"

struct host_shm {
    int fd;
    uint64_t size;
    uint8_t *data; /* page-aligned, zero-filled, backed on first touch */
};

/* name is for /proc and debuggers. Fails with one line when the host has no room for size bytes. */
int host_shm_create(struct host_shm *shm, const char *name, uint64_t size, struct error *e);
void host_shm_destroy(struct host_shm *shm);
