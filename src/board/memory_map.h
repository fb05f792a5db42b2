/* Where things are in guest-physical memory and which shared peripheral interrupts they use: QEMU's virt
 * layout. */
#pragma once

#define MAP_FLASH            0x00000000ull /* firmware */
#define MAP_VARIABLES        0x04000000ull /* the second bank: the firmware's variables */
#define MAP_GICD             0x08000000ull
#define MAP_GICD_SIZE        0x00010000ull
#define MAP_GICR             0x080a0000ull
#define MAP_GICR_STRIDE      0x00020000ull /* a vCPU: its RD and SGI frames */
#define MAP_PL011            0x09000000ull
#define MAP_PL031            0x09010000ull
#define MAP_FW_CFG           0x09020000ull
#define MAP_PL061            0x09030000ull
#define MAP_PRIMECELL_SIZE   0x00001000ull
#define MAP_VIRTIO           0x0a000000ull
#define MAP_VIRTIO_SLOT_SIZE 0x00000200ull
#define MAP_RAM              0x40000000ull
#define MAP_GPU_WINDOW       0x8000000000ull /* host memory that the GPU lends */

/* The start of RAM holds the device tree, which is where firmware looks for it; the kernel comes after. */
#define MAP_DEVICE_TREE_SIZE 0x00200000ull

enum { SPI_PL011 = 1, SPI_PL031 = 2, SPI_PL061 = 7, SPI_VIRTIO = 16 };
enum { PPI_TIMER_HYP = 26, PPI_TIMER_VIRT = 27, PPI_TIMER_SECURE = 29, PPI_TIMER_PHYS = 30 }; /* INTIDs */

enum { PL061_POWER_KEY = 3 }; /* GPIO line */
