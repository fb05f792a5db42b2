#include "board/gic_state.h"

/* IHI 0069H 12.11. Two frames of 64 KiB a vCPU: RD, then SGI, which has the layout of the distributor's bank
 * 0. */
enum {
    FRAME_SGI = 0x10000,
    FRAMES_SHIFT = 17,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008, /* 64 bits */
    GICR_WAKER = 0x0014,
    GICR_IDS = 0xffd0,
};

enum {
    TYPER_LAST = 1 << 4,
    TYPER_PROCESSOR_NUMBER = 8, /* shift */
    WAKER_PROCESSOR_SLEEP = 1 << 1,
    WAKER_CHILDREN_ASLEEP = 1 << 2,
};

enum { SGI_BITS = (1 << GIC_SGIS) - 1 };

static uint32_t rd_read(const struct gic *gic, unsigned cpu, uint32_t offset) {
    if (offset >= GICR_IDS)
        return gic_id_register(offset, 0x93);
    switch (offset) {
    case GICR_IIDR: return GIC_IIDR;
    case GICR_TYPER: return cpu << TYPER_PROCESSOR_NUMBER | (cpu == gic->cpus - 1 ? TYPER_LAST : 0);
    case GICR_TYPER + 4: return cpu; /* Affinity_Value */
    case GICR_WAKER: return gic->state.cpu[cpu].asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
    default: return 0;
    }
}

/* The bank register of an offset within a vCPU's frames; 0 when there is none. */
static uint32_t sgi_register(uint32_t offset) {
    unsigned bank;
    uint32_t reg;
    if (offset < FRAME_SGI || !gic_bank_locate(offset - FRAME_SGI, &bank, &reg) || bank != 0)
        return 0;
    return reg;
}

static uint32_t redist_read(struct gic *gic, uint32_t offset) {
    unsigned cpu = offset >> FRAMES_SHIFT;
    uint32_t reg;

    if (cpu >= gic->cpus)
        return 0;
    offset &= (1u << FRAMES_SHIFT) - 1;
    reg = sgi_register(offset);
    if (reg)
        return gic_bank_read(&gic->state.cpu[cpu].bank, reg);
    return offset < FRAME_SGI ? rd_read(gic, cpu, offset) : 0;
}

static void redist_write(struct gic *gic, uint32_t offset, uint32_t value) {
    unsigned cpu = offset >> FRAMES_SHIFT;
    uint32_t reg;

    if (cpu >= gic->cpus)
        return;
    offset &= (1u << FRAMES_SHIFT) - 1;
    reg = sgi_register(offset);
    if (reg) {
        gic_bank_write(&gic->state.cpu[cpu].bank, reg, value, SGI_BITS);
        gic_update(gic, cpu);
    } else if (offset == GICR_WAKER) {
        /* The CPU interface has no power domain of its own: it falls asleep and wakes at once, and interrupts
         * reach it regardless, as firmware that never wakes it expects. */
        gic->state.cpu[cpu].asleep = value & WAKER_PROCESSOR_SLEEP;
    }
}

static uint64_t mmio_redist_read(void *device, uint64_t offset, unsigned size) {
    return gic_mmio_read(device, redist_read, offset, size);
}

static void mmio_redist_write(void *device, uint64_t offset, unsigned size, uint64_t value) {
    gic_mmio_write(device, redist_read, redist_write, offset, size, value);
}

const struct mmio_ops gic_redist_ops = {.read = mmio_redist_read, .write = mmio_redist_write};
