#include "bus/mmio.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_REGIONS = 64 };

struct region {
    uint64_t base, size;
    const struct mmio_ops *ops;
    void *device;
    const char *name;
};

struct mmio_bus {
    struct region regions[MAX_REGIONS]; /* by base */
    unsigned count;
};

struct mmio_bus *mmio_bus_create(void) {
    return calloc(1, sizeof(struct mmio_bus));
}

void mmio_bus_destroy(struct mmio_bus *bus) {
    free(bus);
}

int mmio_add(struct mmio_bus *bus, const char *name, uint64_t base, uint64_t size, const struct mmio_ops *ops,
    void *device, struct error *e) {
    if (bus->count == MAX_REGIONS)
        return error_set(e, "%s: too many MMIO regions", name);
    unsigned at = 0;
    while (at < bus->count && bus->regions[at].base < base)
        at++;
    if ((at > 0 && bus->regions[at - 1].base + bus->regions[at - 1].size > base) ||
        (at < bus->count && base + size > bus->regions[at].base))
        return error_set(e, "%s: its MMIO region overlaps another", name);
    memmove(&bus->regions[at + 1], &bus->regions[at], (bus->count - at) * sizeof *bus->regions);
    bus->regions[at] = (struct region){base, size, ops, device, name};
    bus->count++;
    return 0;
}

static const struct region *find(const struct mmio_bus *bus, uint64_t gpa, unsigned size) {
    unsigned low = 0, high = bus->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct region *region = &bus->regions[middle];
        if (gpa < region->base)
            high = middle;
        else if (gpa - region->base >= region->size)
            low = middle + 1;
        else
            return region->size - (gpa - region->base) >= size ? region : NULL;
    }
    return NULL;
}

bool mmio_read(const struct mmio_bus *bus, uint64_t gpa, unsigned size, uint64_t *value) {
    const struct region *region = find(bus, gpa, size);
    if (!region)
        return false;
    *value = region->ops->read(region->device, gpa - region->base, size);
    return true;
}

bool mmio_write(const struct mmio_bus *bus, uint64_t gpa, unsigned size, uint64_t value) {
    const struct region *region = find(bus, gpa, size);
    if (!region)
        return false;
    region->ops->write(region->device, gpa - region->base, size, value);
    return true;
}
