/* QEMU's firmware configuration device (docs/specs/fw_cfg), as far as firmware needs it to know that it is on
 * such a machine: signature, revision, number of CPUs, an empty directory of files. All else reads as zeros,
 * which says that there is no kernel, and firmware looks for something to boot. */
#pragma once

#include "bus/mmio.h"

struct fw_cfg;

/* The registers (FW_CFG_SIZE bytes); the device is the fw_cfg. */
extern const struct mmio_ops fw_cfg_ops;
enum { FW_CFG_SIZE = 0x18 };

/* NULL when memory is short. */
struct fw_cfg *fw_cfg_create(unsigned cpus);
void fw_cfg_destroy(struct fw_cfg *fw_cfg);
void fw_cfg_reset(struct fw_cfg *fw_cfg);
