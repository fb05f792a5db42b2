/* Disks: opened before there is a board, and changed while the machine is paused. */
#include <stdlib.h>
#include <string.h>

#include "vm/internal.h"

enum { DISK_THREADS = 2 };

static void tell_board(struct vm *vm, unsigned n) {
    const char *path = vm->disk_config[n].path, *slash = strrchr(path, '/');
    vm->boot_disks[n] = (struct boot_disk){vm->storage[n], slash ? slash + 1 : path};
}

int vm_disks_open(struct vm *vm, const struct vm_config *config, struct error *e) {
    for (unsigned n = 0; n < config->disk_count; n++) {
        const struct storage_config image = {
            .path = config->disks[n].path,
            .format = config->disks[n].format,
            .read_only = config->disks[n].read_only,
        };
        if (!(vm->storage[n] = storage_open(&image, e)))
            return -1;
        vm->disk_count++; /* for vm_disks_close() */
        vm->disk_config[n] = config->disks[n];
        tell_board(vm, n);
    }
    if (config->disk_count && !(vm->pool = storage_pool_create(DISK_THREADS, e)))
        return -1;
    return 0;
}

void vm_disks_close(struct vm *vm) {
    for (unsigned n = 0; n < vm->disk_count; n++)
        virtio_blk_destroy(vm->disks[n]);
    storage_pool_destroy(vm->pool);
    for (unsigned n = 0; n < vm->disk_count; n++) {
        storage_close(vm->storage[n]);
        free(vm->disk_renamed[n]);
    }
}

const struct vm_disk *vm_disks(struct vm *vm, unsigned *count) {
    *count = vm->disk_count;
    return vm->disk_config;
}

struct storage *vm_disk_storage(struct vm *vm, unsigned n) {
    return vm->storage[n];
}

void vm_disks_settle(struct vm *vm) {
    for (unsigned n = 0; n < vm->disk_count; n++)
        virtio_blk_settle(vm->disks[n]);
}

void vm_disk_replace(struct vm *vm, unsigned n, struct storage *storage, const char *path) {
    char *name = strdup(path);
    storage_close(vm->storage[n]);
    vm->storage[n] = storage;
    virtio_blk_replace(vm->disks[n], storage);
    if (name) { /* else it has its old one, in messages */
        free(vm->disk_renamed[n]);
        vm->disk_renamed[n] = name;
        vm->disk_config[n] = (struct vm_disk){.path = name, .format = STORAGE_QCOW2};
    }
    tell_board(vm, n);
}

int vm_disk_grow(struct vm *vm, unsigned n, uint64_t size, struct error *e) {
    struct storage *storage = vm->storage[n];
    const char *path = vm->disk_config[n].path;
    if (size == 0 || size % STORAGE_SECTOR)
        return error_set(e, "disk %s: a disk's size is a multiple of %d bytes", path, STORAGE_SECTOR);
    if (storage->read_only)
        return error_set(e, "disk %s: the machine only reads it", path);
    if (size < storage->size)
        return error_set(e, "disk %s: it cannot become smaller while the machine runs", path);
    int result = storage->ops->resize(storage, size);
    if (result < 0)
        return error_set(e, "disk %s: cannot resize it: %s", path, strerror(-result));
    virtio_blk_resized(vm->disks[n]);
    return 0;
}
