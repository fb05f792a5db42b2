#include "storage/storage.h"

#include "storage/raw.h"

struct storage *storage_open(const struct storage_config *config, struct error *e) {
    return storage_raw_open(config, e);
}

void storage_close(struct storage *storage) {
    if (storage)
        storage->ops->close(storage);
}
