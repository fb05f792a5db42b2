/* What a VM consists of; for the files of vm/ only. */
#pragma once

#include "display/display.h"
#include "host/stream.h"
#include "net/net.h"
#include "storage/pool.h"
#include "storage/storage.h"
#include "virtio/blk.h"
#include "virtio/console.h"
#include "virtio/gpu/gpu.h"
#include "virtio/input.h"
#include "virtio/net.h"
#include "virtio/p9.h"
#include "virtio/rng.h"
#include "vm/vm.h"

struct vm {
    struct vm_owner owner;
    struct board *board;
    bool counts_instructions;
    struct host_stream *serial, *console_stream;

    struct storage_pool *pool;
    struct storage *storage[VM_MAX_DISKS];
    struct boot_disk boot_disks[VM_MAX_DISKS]; /* the same, for the board */
    struct virtio_blk *disks[VM_MAX_DISKS];
    struct vm_disk disk_config[VM_MAX_DISKS];
    char *disk_renamed[VM_MAX_DISKS]; /* its path, if it is not the configuration's any more */
    unsigned disk_count;

    struct storage_pool *share_pool; /* one thread */
    struct share *share[VM_MAX_SHARES];
    struct virtio_p9 *p9[VM_MAX_SHARES];
    unsigned share_count;

    struct net *slirp;   /* NULL without a network */
    struct net *network; /* it, or what lies upon it: what the interface is plugged into */
    struct virtio_net *net;
    struct virtio_rng *rng;
    struct virtio_console *console;

    struct display *display;
    struct virtio_gpu *gpu;
    struct virtio_input *keyboard, *tablet;
    struct display_input input;
};

/* --- disks.c */
int vm_disks_open(struct vm *vm, const struct vm_config *config, struct error *e);
/* After the board. */
void vm_disks_close(struct vm *vm);
