#include "board/gic_state.h"
#include "host/sleep.h"

enum {
    IGROUPR = 0x080,
    ISENABLER = 0x100,
    ICENABLER = 0x180,
    ISPENDR = 0x200,
    ICPENDR = 0x280,
    ISACTIVER = 0x300,
    ICACTIVER = 0x380,
    IPRIORITYR = 0x400,
    IPRIORITYR_END = 0x800,
    ICFGR = 0xc00,
    ICFGR_END = 0xd00,
};

bool gic_bank_locate(uint32_t offset, unsigned *bank, uint32_t *reg) {
    if (offset >= IGROUPR && offset < IPRIORITYR) { /* a bit an interrupt, 0x80 bytes a register file */
        *bank = (offset & 0x7f) / 4;
        *reg = offset & ~0x7fu;
    } else if (offset >= IPRIORITYR && offset < IPRIORITYR_END) {
        *bank = (offset - IPRIORITYR) / 32;
        *reg = IPRIORITYR + (offset & 31);
    } else if (offset >= ICFGR && offset < ICFGR_END) { /* two bits an interrupt */
        *bank = (offset - ICFGR) / 8;
        *reg = ICFGR + (offset & 7);
    } else {
        return false;
    }
    return true;
}

static uint32_t read_priorities(const uint8_t priority[4]) {
    return priority[0] | (uint32_t)priority[1] << 8 | (uint32_t)priority[2] << 16 |
           (uint32_t)priority[3] << 24;
}

/* Int_config<x>[1] is edge-triggered, Int_config<x>[0] is RES0. half: which 16 of the 32 interrupts. */
static uint32_t read_config(const struct gic_bank *bank, unsigned half) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (bank->edge >> (16 * half + i) & 1) << (2 * i + 1);
    return value;
}

static void write_config(struct gic_bank *bank, unsigned half, uint32_t value, uint32_t fixed) {
    uint32_t edge = 0, writable = 0xffffu << 16 * half & ~fixed;
    for (unsigned i = 0; i < 16; i++)
        edge |= (value >> (2 * i + 1) & 1) << (16 * half + i);
    bank->edge = (bank->edge & ~writable) | (edge & writable);
}

uint32_t gic_bank_read(const struct gic_bank *bank, uint32_t reg) {
    switch (reg) {
    case IGROUPR: return bank->group;
    case ISENABLER:
    case ICENABLER: return bank->enable;
    case ISPENDR:
    case ICPENDR: return bank->latch | (bank->line & ~bank->edge);
    case ISACTIVER:
    case ICACTIVER: return bank->active;
    case ICFGR: return read_config(bank, 0);
    case ICFGR + 4: return read_config(bank, 1);
    default: return read_priorities(&bank->priority[reg - IPRIORITYR]);
    }
}

void gic_bank_write(struct gic_bank *bank, uint32_t reg, uint32_t value, uint32_t fixed) {
    switch (reg) {
    case IGROUPR: bank->group = value; break;
    case ISENABLER: bank->enable |= value; break;
    case ICENABLER: bank->enable &= ~value; break;
    case ISPENDR: bank->latch |= value; break;
    case ICPENDR:
        bank->latch &= ~value;
        break; /* a level-sensitive one stays pending while its line is high */
    case ISACTIVER: bank->active |= value; break;
    case ICACTIVER: bank->active &= ~value; break;
    case ICFGR: write_config(bank, 0, value, fixed); break;
    case ICFGR + 4: write_config(bank, 1, value, fixed); break;
    default:
        for (unsigned i = 0; i < 4; i++)
            bank->priority[reg - IPRIORITYR + i] = value >> 8 * i & GIC_PRIORITY_MASK;
    }
}

uint32_t gic_id_register(uint32_t offset, uint8_t part) {
    /* PIDR4-7, PIDR0-3, CIDR0-3 (IHI 0069H 12.2): Arm, PIDR2.ArchRev = 3 */
    const uint8_t id[] = {0x44, 0, 0, 0, part, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    return id[(offset - 0xffd0) / 4];
}

uint64_t gic_mmio_read(struct gic *gic, gic_read_fn *fn, uint64_t offset, unsigned size) {
    uint32_t word = (uint32_t)offset & ~3u;
    uint64_t value;

    if (offset & (size - 1))
        return 0;
    host_lock(&gic->lock);
    value = fn(gic, word);
    if (size == 8)
        value |= (uint64_t)fn(gic, word + 4) << 32;
    host_unlock(&gic->lock);
    return value >> 8 * (offset & 3);
}

static bool is_priority(uint32_t offset) {
    unsigned bank;
    uint32_t reg;
    return gic_bank_locate(offset & 0xfffc, &bank, &reg) && reg >= IPRIORITYR && reg < IPRIORITYR_END;
}

void gic_mmio_write(
    struct gic *gic, gic_read_fn *read, gic_write_fn *write, uint64_t offset, unsigned size, uint64_t value) {
    uint32_t word = (uint32_t)offset & ~3u;

    if (offset & (size - 1))
        return;
    host_lock(&gic->lock);
    if (size >= 4) {
        write(gic, word, (uint32_t)value);
        if (size == 8)
            write(gic, word + 4, (uint32_t)(value >> 32));
    } else if (is_priority(word)) {
        unsigned shift = 8 * (offset & 3);
        uint32_t mask = ((1u << 8 * size) - 1) << shift;
        write(gic, word, (read(gic, word) & ~mask) | ((uint32_t)value << shift & mask));
    }
    host_unlock(&gic->lock);
}
