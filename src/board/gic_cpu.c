#include "board/gic_state.h"
#include "host/sleep.h"

/* ICC_*_EL1 (IHI 0069H 12.2). The machine has no EL2 and no EL3, so these are the Non-secure copies, and with
 * GICD_CTLR.DS = 1 priorities are seen as they are, not shifted. */
#define ICC(crm, op2) ENGINE_SYSREG(3, 0, 12, crm, op2)
enum {
    ICC_PMR = ENGINE_SYSREG(3, 0, 4, 6, 0),
    ICC_IAR0 = ICC(8, 0),
    ICC_EOIR0 = ICC(8, 1),
    ICC_HPPIR0 = ICC(8, 2),
    ICC_BPR0 = ICC(8, 3),
    ICC_AP0R0 = ICC(8, 4),
    ICC_AP1R0 = ICC(9, 0),
    ICC_DIR = ICC(11, 1),
    ICC_RPR = ICC(11, 3),
    ICC_SGI1R = ICC(11, 5),
    ICC_ASGI1R = ICC(11, 6),
    ICC_SGI0R = ICC(11, 7),
    ICC_IAR1 = ICC(12, 0),
    ICC_EOIR1 = ICC(12, 1),
    ICC_HPPIR1 = ICC(12, 2),
    ICC_BPR1 = ICC(12, 3),
    ICC_CTLR = ICC(12, 4),
    ICC_SRE = ICC(12, 5),
    ICC_IGRPEN0 = ICC(12, 6),
    ICC_IGRPEN1 = ICC(12, 7),
};

enum {
    CTLR_CBPR = 1 << 0,
    CTLR_EOIMODE = 1 << 1,
    CTLR_PRIBITS = 4 << 8, /* five bits; IDbits 0: INTIDs of 16 bits */
    SRE_SRE_DFB_DIB = 7,   /* system registers only, no legacy bypass: RAO/WI */
    BPR0_MIN = GIC_PRIORITY_SHIFT - 1,
    BPR1_MIN = GIC_PRIORITY_SHIFT,
    BPR_MAX = 7,
};

/* The bits of a priority that decide preemption (4.8.2): BPR0 = n keeps [7:n+1], BPR1 = n keeps [7:n]. */
static uint8_t group_priority_mask(const struct gic_cpu_interface *c, unsigned group) {
    unsigned shift = group == 0 || c->common_bpr ? c->bpr[0] + 1 : c->bpr[1];
    return (uint8_t)(0xff << shift);
}

static uint8_t running_priority(const struct gic_cpu_interface *c) {
    uint32_t active = c->active_priorities[0] | c->active_priorities[1];
    return active ? (uint8_t)(__builtin_ctz(active) << GIC_PRIORITY_SHIFT) : GIC_PRIORITY_IDLE;
}

static bool can_signal(const struct gic_cpu_interface *c, const struct gic_candidate *best) {
    return best->intid != GIC_INTID_SPURIOUS && best->priority < c->mask &&
           (best->priority & group_priority_mask(c, best->group)) < running_priority(c);
}

void gic_update(struct gic *gic, unsigned cpu) {
    static const enum engine_line signal[GIC_GROUPS] = {ENGINE_FIQ, ENGINE_IRQ};
    struct gic_candidate best = gic_best(gic, cpu);
    bool signalled = can_signal(&gic->state.cpu[cpu].interface, &best);

    for (unsigned group = 0; group < GIC_GROUPS; group++) {
        bool level = signalled && best.group == group;
        if (gic->output[cpu].line[group] == level)
            continue;
        gic->output[cpu].line[group] = level;
        gic->engine->vcpu_interrupt(gic->output[cpu].vcpu, signal[group], level);
    }
}

static unsigned acknowledge(struct gic *gic, unsigned cpu, unsigned group) {
    struct gic_cpu_interface *c = &gic->state.cpu[cpu].interface;
    struct gic_candidate best = gic_best(gic, cpu);
    uint32_t bit;

    if (!can_signal(c, &best) || best.group != group)
        return GIC_INTID_SPURIOUS;
    struct gic_bank *bank = gic_bank_of(gic, cpu, best.intid, &bit);
    bank->active |= bit;
    bank->latch &= ~bit;
    c->active_priorities[group] |=
        1u << (best.priority & group_priority_mask(c, group)) / (1 << GIC_PRIORITY_SHIFT);
    gic_update_intid(gic, cpu, best.intid);
    gic_update(gic, cpu);
    return best.intid;
}

static unsigned highest_pending(const struct gic *gic, unsigned cpu, unsigned group) {
    struct gic_candidate best = gic_best(gic, cpu);
    return best.group == group ? best.intid : GIC_INTID_SPURIOUS;
}

static void deactivate(struct gic *gic, unsigned cpu, unsigned intid) {
    uint32_t bit;
    struct gic_bank *bank = gic_bank_of(gic, cpu, intid, &bit);
    if (!bank)
        return;
    bank->active &= ~bit;
    gic_update_intid(gic, cpu, intid);
}

/* Priority drop, and deactivation unless EOImode splits the two. A write for another group than that of the
 * running priority is a guest error without effect. */
static void end_of_interrupt(struct gic *gic, unsigned cpu, unsigned group, unsigned intid) {
    struct gic_cpu_interface *c = &gic->state.cpu[cpu].interface;
    uint32_t *active = &c->active_priorities[group];
    uint32_t lowest = *active & -*active;

    if (intid >= GIC_INTID_SPECIAL || !lowest || c->active_priorities[!group] & (lowest - 1))
        return;
    *active &= ~lowest;
    if (!c->eoi_mode)
        deactivate(gic, cpu, intid);
    gic_update(gic, cpu);
}

/* ICC_SGI0R and ICC_SGI1R: TargetList [15:0], Aff1 [23:16], INTID [27:24], Aff2 [39:32], IRM [40], RS
 * [47:44], Aff3 [55:48]. A target takes it only if its group there is that of the register (table 12-14). */
static void send_sgi(struct gic *gic, unsigned self, unsigned group, uint64_t value) {
    uint32_t bit = 1u << (value >> 24 & 15);
    bool all_but_self = value >> 40 & 1;
    bool reaches = !(value & 0x00fff0ff00ff0000ull); /* Aff3.Aff2.Aff1 and the range are 0 */
    uint32_t targets = all_but_self ? ~(1u << self) : reaches ? value & 0xffff : 0;

    for (unsigned cpu = 0; cpu < gic->cpus; cpu++) {
        struct gic_bank *bank = &gic->state.cpu[cpu].bank;
        if (!(targets >> cpu & 1) || !(bank->group & bit) != !group)
            continue;
        bank->latch |= bit;
        gic_update(gic, cpu);
    }
}

static uint8_t read_bpr1(const struct gic_cpu_interface *c) {
    if (!c->common_bpr)
        return c->bpr[1];
    return c->bpr[0] < BPR_MAX ? c->bpr[0] + 1 : BPR_MAX;
}

static uint8_t clamp_bpr(uint64_t value, uint8_t min) {
    value &= BPR_MAX;
    return value < min ? min : (uint8_t)value;
}

static bool read_locked(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t *value) {
    const struct gic_cpu_interface *c = &gic->state.cpu[cpu].interface;
    switch (reg) {
    case ICC_IAR1: *value = acknowledge(gic, cpu, 1); break;
    case ICC_IAR0: *value = acknowledge(gic, cpu, 0); break;
    case ICC_HPPIR1: *value = highest_pending(gic, cpu, 1); break;
    case ICC_HPPIR0: *value = highest_pending(gic, cpu, 0); break;
    case ICC_RPR: *value = running_priority(c); break;
    case ICC_PMR: *value = c->mask; break;
    case ICC_BPR0: *value = c->bpr[0]; break;
    case ICC_BPR1: *value = read_bpr1(c); break;
    case ICC_AP0R0: *value = c->active_priorities[0]; break;
    case ICC_AP1R0: *value = c->active_priorities[1]; break;
    case ICC_CTLR:
        *value = CTLR_PRIBITS | (c->common_bpr ? CTLR_CBPR : 0) | (c->eoi_mode ? CTLR_EOIMODE : 0);
        break;
    case ICC_SRE: *value = SRE_SRE_DFB_DIB; break;
    case ICC_IGRPEN0: *value = c->enable[0]; break;
    case ICC_IGRPEN1: *value = c->enable[1]; break;
    default: return false;
    }
    return true;
}

static void set_group_enable(struct gic *gic, unsigned cpu, unsigned group, bool enable) {
    gic->state.cpu[cpu].interface.enable[group] = enable;
    gic_update_all(gic); /* who is elected for interrupts that any vCPU may take can change */
}

static bool write_locked(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t value) {
    struct gic_cpu_interface *c = &gic->state.cpu[cpu].interface;
    switch (reg) {
    case ICC_EOIR1: end_of_interrupt(gic, cpu, 1, value & 0xffffff); return true;
    case ICC_EOIR0: end_of_interrupt(gic, cpu, 0, value & 0xffffff); return true;
    case ICC_DIR:
        if (c->eoi_mode)
            deactivate(gic, cpu, value & 0xffffff);
        return true;
    case ICC_SGI1R: send_sgi(gic, cpu, 1, value); return true;
    case ICC_SGI0R: send_sgi(gic, cpu, 0, value); return true;
    case ICC_ASGI1R: /* for the other security state: there is none */
    case ICC_SRE: return true;
    case ICC_IGRPEN0: set_group_enable(gic, cpu, 0, value & 1); return true;
    case ICC_IGRPEN1: set_group_enable(gic, cpu, 1, value & 1); return true;
    case ICC_PMR: c->mask = value & GIC_PRIORITY_MASK; break;
    case ICC_BPR0: c->bpr[0] = clamp_bpr(value, BPR0_MIN); break;
    case ICC_BPR1:
        if (!c->common_bpr)
            c->bpr[1] = clamp_bpr(value, BPR1_MIN);
        break;
    case ICC_AP0R0: c->active_priorities[0] = (uint32_t)value; break;
    case ICC_AP1R0: c->active_priorities[1] = (uint32_t)value; break;
    case ICC_CTLR:
        c->common_bpr = value & CTLR_CBPR;
        c->eoi_mode = value & CTLR_EOIMODE;
        break;
    default: return false;
    }
    gic_update(gic, cpu);
    return true;
}

bool gic_sysreg_read(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t *value) {
    host_lock(&gic->lock);
    bool known = read_locked(gic, cpu, reg, value);
    host_unlock(&gic->lock);
    return known;
}

bool gic_sysreg_write(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t value) {
    host_lock(&gic->lock);
    bool known = write_locked(gic, cpu, reg, value);
    host_unlock(&gic->lock);
    return known;
}
