/* Memory-mapped I/O: which device answers at which guest-physical address.
 *
 * All regions are added before the guest runs; looking one up takes no lock. A device locks itself. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

struct mmio_bus;

/* offset is from the region's base; size is 1, 2, 4 or 8 and the access never leaves the region. vCPU threads
 * call these, several at a time. */
struct mmio_ops {
    uint64_t (*read)(void *device, uint64_t offset, unsigned size);
    void (*write)(void *device, uint64_t offset, unsigned size, uint64_t value);
};

struct mmio_bus *mmio_bus_create(void);
void mmio_bus_destroy(struct mmio_bus *bus);

int mmio_add(struct mmio_bus *bus, const char *name, uint64_t base, uint64_t size, const struct mmio_ops *ops,
    void *device, struct error *e);

/* False when no device is there: the CPU takes an external abort. */
bool mmio_read(const struct mmio_bus *bus, uint64_t gpa, unsigned size, uint64_t *value);
bool mmio_write(const struct mmio_bus *bus, uint64_t gpa, unsigned size, uint64_t value);
