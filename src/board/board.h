/* The machine that the guest sees: memory map, interrupt controller, timer, serial port, clock, power key,
 * virtio slots, PSCI, and the threads of its vCPUs. Compatible with the memory map of QEMU's virt machine. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "boot/boot.h"
#include "bus/memory.h"
#include "cpu/engine.h"
#include "host/loop.h"
#include "host/stream.h"
#include "util/error.h"
#include "virtio/virtio.h"

struct board;

enum board_event {
    BOARD_POWEROFF, /* PSCI SYSTEM_OFF */
    BOARD_RESET,    /* PSCI SYSTEM_RESET: board_reset() starts it again */
    BOARD_FAILED,   /* an engine could not go on */
};

enum { BOARD_MAX_CPUS = 8, BOARD_VIRTIO_SLOTS = 32 };

struct board_config {
    const struct engine *engine;
    const char *engine_options; /* struct engine_config's */
    const char *profile;        /* the same */
    bool count_instructions;    /* the same */
    unsigned cpus;              /* 1 to BOARD_MAX_CPUS */
    uint64_t memory_size;       /* bytes of RAM; a multiple of 2 MiB, at least 64 MiB */
    const char *firmware;       /* paths; not with a kernel, and each may be NULL */
    const char *variables;      /* what the firmware keeps; created when it is not there */
    const char *kernel;
    const char *initrd;
    const char *append; /* the kernel's command line, or what is added to that of the disks */
    const struct boot_disk
        *disks; /* without firmware and kernel, they say what is booted; outlive the board */
    unsigned disk_count;
    struct host_loop *loop;     /* outlives the board */
    struct host_stream *serial; /* PL011; outlives the board */
    /* Told on the loop's thread, when all vCPUs have stopped. */
    void (*event)(void *ctx, enum board_event event);
    void *ctx;
};

/* Allocates RAM, checks and loads the firmware, or the kernel and initrd, which a disk may name. Nothing runs
 * yet. Fails with one line. */
struct board *board_create(const struct board_config *config, struct error *e);
void board_destroy(struct board *board); /* stops it first */

/* Puts a virtio device into the next free slot; before board_start(). The device outlives the board. */
struct virtio_device *board_add_virtio(
    struct board *board, const struct virtio_device_ops *ops, void *device, struct error *e);

struct memory *board_memory(struct board *board);

/* Builds the device tree, loads everything into RAM and starts vCPU 0. */
int board_start(struct board *board, struct error *e);
/* Stops every vCPU thread between two instructions and waits for it. Any thread but a vCPU's. */
void board_stop(struct board *board);
/* Pause also stops the guest's clocks; resume is exact. Any thread but a vCPU's. */
void board_pause(struct board *board);
void board_resume(struct board *board);
/* Devices and vCPUs back to power-on, the kernel found and loaded anew, started. After BOARD_RESET or
 * board_stop(). */
int board_reset(struct board *board, struct error *e);
/* Presses and releases the power key (PL061 line 3). Any thread. */
void board_power_key(struct board *board);

unsigned board_cpus(const struct board *board);
void board_cpu_stats(struct board *board, unsigned cpu, struct engine_stats *out);
