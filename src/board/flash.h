/* NOR flash by the Common Flash Interface (JESD68, the Intel command set): a bank of 64 MiB made of two
 * 16-bit chips side by side, as firmware finds it on QEMU's virt machine.
 *
 * A bank with firmware is a ROM that commands do not change. A bank with variables executes them, and writes
 * what changes to its file at once. */
#pragma once

#include <stdint.h>

#include "bus/memory.h"
#include "bus/mmio.h"
#include "util/error.h"

struct flash;

enum { FLASH_SIZE = 64 << 20, FLASH_BLOCK = 256 << 10 };

/* The bank's commands (FLASH_SIZE bytes); the device is the flash. */
extern const struct mmio_ops flash_ops;

/* Firmware from a file, read-only: a ROM slot at gpa. Fails with one line. */
struct flash *flash_create_rom(struct memory *memory, uint64_t gpa, const char *path, struct error *e);
/* Variables: erased, or what path holds, which is created and is locked while it is in use. path NULL: kept
 * nowhere. Fails with one line. */
struct flash *flash_create(const char *path, struct error *e);
/* After the memory's slot is gone. */
void flash_destroy(struct flash *flash);
/* The chips, not what they hold. */
void flash_reset(struct flash *flash);
