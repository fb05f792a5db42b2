/* A VM: a board and its devices, made from a configuration. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "board/board.h"
#include "cpu/engine.h"
#include "host/loop.h"
#include "net/slirp.h"
#include "storage/storage.h"
#include "util/error.h"

struct vm;
struct display;
struct gpu_monitor;

enum { VM_MAX_DISKS = 16, VM_MAX_FORWARDS = 16, VM_MAX_SHARES = 4 };

enum vm_net {
    VM_NET_OFF,
    VM_NET_USER,
    VM_NET_ISOLATED, /* the same without a way out */
};

enum vm_gpu {
    VM_GPU_OFF,
    VM_GPU_2D,
    VM_GPU_VIRGL, /* OpenGL */
    VM_GPU_VENUS, /* Vulkan */
    VM_GPU_3D,    /* both */
    VM_GPU_AUTO,  /* 3D where the host can, else 2D */
};

struct vm_config {
    const char *kernel, *initrd;      /* NULL, without firmware too: what the disks name is booted */
    const char *append;               /* NULL: console=ttyAMA0 with a kernel, else nothing more */
    const char *firmware, *variables; /* instead of a kernel; the variables' file is created if need be */
    struct vm_disk {
        const char *path;
        enum storage_format format;
        bool read_only;
    } disks[VM_MAX_DISKS];
    unsigned disk_count;
    struct {
        const char *path, *tag; /* a directory, and what the guest mounts it by */
        bool read_only;
    } shares[VM_MAX_SHARES];
    unsigned share_count;
    unsigned cpus;
    uint64_t memory; /* bytes */
    const struct engine *engine;
    const char *engine_options; /* struct engine_config's */
    const char *profile;        /* the same */
    bool count_instructions;    /* the same; vm_stats_json() has them then */
    enum vm_gpu gpu;
    unsigned gpu_outputs;   /* 1 to 16, all of the same size */
    uint64_t gpu_window;    /* bytes, whole pages: how much host memory the guest can have mapped */
    const char *gpu_trace;  /* NULL, or the file that gets what the guest sends to its GPU */
    unsigned width, height; /* of the screen, in pixels */
    enum vm_net net;
    uint8_t guest;                         /* its number on the network (net/frame.h) */
    const char *lan;                       /* NULL, or the directory where it meets others (net/lan.h), */
    const char *name;                      /* where it has this one; with VM_NET_USER only */
    const char *capture;                   /* NULL, or the file that gets what passes on the network */
    const char *forwards[VM_MAX_FORWARDS]; /* net_slirp_forward() specs */
    unsigned forward_count;
    const char *serial;  /* host_stream_open() specs */
    const char *console; /* NULL: no virtio console */
};

/* What the VM tells its owner, on the loop's thread; all of ctx. */
struct vm_owner {
    void *ctx;
    void (*event)(void *ctx, enum board_event event);
    void (*quit)(void *ctx); /* the user wants to leave (Ctrl-A X) */
};

/* Opens everything that the configuration names; nothing runs yet, and no file is created or changed. The
 * configuration's strings and the loop outlive the VM. Fails with one line. */
struct vm *vm_create(
    const struct vm_config *config, struct host_loop *loop, const struct vm_owner *owner, struct error *e);
/* Stops it first. Not while the loop runs on another thread. */
void vm_destroy(struct vm *vm);

struct board *vm_board(struct vm *vm);
/* NULL without a GPU. */
struct display *vm_display(struct vm *vm);
struct gpu_monitor *vm_gpu_monitor(struct vm *vm);
const struct display_input *vm_display_input(struct vm *vm);

/* Forwards, in net/slirp.h's words, while it runs: on the loop's thread. Each fails with one line. */
int vm_forward(struct vm *vm, const char *spec, struct error *e);
int vm_unforward(struct vm *vm, const char *spec, struct error *e);
const char *vm_forward_at(struct vm *vm, unsigned n, char text[NET_FORWARD_SIZE]);

/* Its disks as they are now; the strings last until one is replaced. */
const struct vm_disk *vm_disks(struct vm *vm, unsigned *count);
struct storage *vm_disk_storage(struct vm *vm, unsigned n);
/* While the board is paused, on the loop's thread: waits until no request is under way any more; then a disk
 * may be frozen, replaced by what reads the same (which becomes the VM's, as the old one is closed), and
 * enlarged, of which the guest hears. */
void vm_disks_settle(struct vm *vm);
void vm_disk_replace(struct vm *vm, unsigned n, struct storage *storage, const char *path);
int vm_disk_grow(struct vm *vm, unsigned n, uint64_t size, struct error *e);

/* All counters as one line of JSON. seconds: how long the VM has run. */
void vm_stats_json(struct vm *vm, double seconds, FILE *out);
