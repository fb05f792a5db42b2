#include "board/gic_state.h"

/* IHI 0069H 12.9 */
enum {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_IIDR = 0x0008,
    GICD_IROUTER = 0x6000, /* 8 bytes an INTID; those of SGIs and PPIs are reserved */
    GICD_IDS = 0xffd0,
};

enum {
    CTLR_ENABLE_GRP0 = 1 << 0,
    CTLR_ENABLE_GRP1 = 1 << 1,
    CTLR_ARE = 1 << 4, /* RAO/WI, like DS */
    CTLR_DS = 1 << 6,
    TYPER_ID_BITS = 9 << 19, /* INTIDs of 10 bits: there are no LPIs */
};

/* Banks of the distributor; bank 0 is in the redistributors and RAZ/WI here. */
static struct gic_bank *spi_bank(struct gic *gic, uint32_t offset, uint32_t *reg) {
    unsigned bank;
    if (!gic_bank_locate(offset, &bank, reg) || bank == 0 || bank > GIC_BANKS)
        return NULL;
    return &gic->state.spi[bank - 1];
}

static bool router_spi(uint32_t offset, unsigned *spi) {
    *spi = (offset - GICD_IROUTER) / 8 - GIC_PRIVATE;
    return offset >= GICD_IROUTER + 8 * GIC_PRIVATE && *spi < GIC_SPIS;
}

static uint32_t dist_read(struct gic *gic, uint32_t offset) {
    const struct gic_state *s = &gic->state;
    uint32_t reg;
    unsigned spi;
    struct gic_bank *bank = spi_bank(gic, offset, &reg);

    if (bank)
        return gic_bank_read(bank, reg);
    if (router_spi(offset, &spi))
        return (uint32_t)(s->router[spi] >> 8 * (offset & 4));
    if (offset >= GICD_IDS)
        return gic_id_register(offset, 0x92);
    switch (offset) {
    case GICD_CTLR:
        return CTLR_ARE | CTLR_DS | (s->enable[0] ? CTLR_ENABLE_GRP0 : 0) |
               (s->enable[1] ? CTLR_ENABLE_GRP1 : 0);
    case GICD_TYPER: return TYPER_ID_BITS | GIC_BANKS; /* ITLinesNumber: 32 * (N + 1) INTIDs */
    case GICD_IIDR: return GIC_IIDR;
    default: return 0;
    }
}

static void dist_write(struct gic *gic, uint32_t offset, uint32_t value) {
    struct gic_state *s = &gic->state;
    uint32_t reg;
    unsigned spi;
    struct gic_bank *bank = spi_bank(gic, offset, &reg);

    if (bank) {
        gic_bank_write(bank, reg, value, 0);
    } else if (router_spi(offset, &spi)) {
        unsigned shift = 8 * (offset & 4);
        uint64_t keep = s->router[spi] & ~(0xffffffffull << shift);
        gic_set_router(gic, spi, keep | (uint64_t)value << shift);
    } else if (offset == GICD_CTLR) {
        s->enable[0] = value & CTLR_ENABLE_GRP0;
        s->enable[1] = value & CTLR_ENABLE_GRP1;
    } else {
        return;
    }
    gic_update_all(gic);
}

static uint64_t mmio_dist_read(void *device, uint64_t offset, unsigned size) {
    return gic_mmio_read(device, dist_read, offset, size);
}

static void mmio_dist_write(void *device, uint64_t offset, unsigned size, uint64_t value) {
    gic_mmio_write(device, dist_read, dist_write, offset, size, value);
}

const struct mmio_ops gic_dist_ops = {.read = mmio_dist_read, .write = mmio_dist_write};
