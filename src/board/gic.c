#include "board/gic_state.h"

#include <stdlib.h>
#include <string.h>

#include "host/sleep.h"

#define ROUTER_ANY  (1ull << 31) /* GICD_IROUTER.Interrupt_Routing_Mode: any one vCPU */
#define ROUTER_MASK 0xff80ffffffull
#define ROUTER_AFF  0xff00ffffffull

struct gic_bank *gic_bank_of(struct gic *gic, unsigned cpu, unsigned intid, uint32_t *bit) {
    *bit = 1u << intid % 32;
    if (intid < GIC_PRIVATE)
        return &gic->state.cpu[cpu].bank;
    if (intid < GIC_PRIVATE + GIC_SPIS)
        return &gic->state.spi[intid / 32 - 1];
    return NULL;
}

/* Interrupts of a bank that may be forwarded: pending, enabled, not active (IHI 0069H 4.1.2), of an enabled
 * group. */
static uint32_t forwardable(const struct gic_bank *bank, uint32_t group0, uint32_t group1) {
    uint32_t pending = bank->latch | (bank->line & ~bank->edge);
    return pending & bank->enable & ~bank->active & ((group0 & ~bank->group) | (group1 & bank->group));
}

static void pick_best(
    const struct gic_bank *bank, uint32_t bits, unsigned first, struct gic_candidate *best) {
    for (; bits; bits &= bits - 1) {
        unsigned n = (unsigned)__builtin_ctz(bits);
        if (best->intid != GIC_INTID_SPURIOUS && bank->priority[n] >= best->priority)
            continue;
        best->intid = first + n;
        best->group = bank->group >> n & 1;
        best->priority = bank->priority[n];
    }
}

/* An interrupt that may go to any vCPU goes to the first whose interface takes its group. */
static bool is_elected(const struct gic *gic, unsigned cpu, unsigned group) {
    for (unsigned i = 0; i < cpu; i++)
        if (gic->state.cpu[i].interface.enable[group])
            return false;
    return true;
}

struct gic_candidate gic_best(const struct gic *gic, unsigned cpu) {
    const struct gic_state *s = &gic->state;
    const struct gic_cpu *c = &s->cpu[cpu];
    struct gic_candidate best = {.intid = GIC_INTID_SPURIOUS, .priority = GIC_PRIORITY_IDLE};
    uint32_t group0 = s->enable[0] && c->interface.enable[0] ? ~0u : 0;
    uint32_t group1 = s->enable[1] && c->interface.enable[1] ? ~0u : 0;

    if (!(group0 | group1))
        return best;
    pick_best(&c->bank, forwardable(&c->bank, group0, group1), 0, &best);
    for (unsigned i = 0; i < GIC_BANKS; i++) {
        const struct gic_bank *bank = &s->spi[i];
        uint32_t bits = forwardable(bank, group0, group1);
        if (!bits)
            continue;
        uint32_t mine = gic->routed[cpu][i];
        if (gic->any[i] & bits)
            mine |= gic->any[i] & ((is_elected(gic, cpu, 0) ? ~bank->group : 0) |
                                      (is_elected(gic, cpu, 1) ? bank->group : 0));
        pick_best(bank, bits & mine, 32 * (i + 1), &best);
    }
    return best;
}

void gic_update_intid(struct gic *gic, unsigned cpu, unsigned intid) {
    if (intid < GIC_PRIVATE) {
        gic_update(gic, cpu);
        return;
    }
    unsigned spi = intid - GIC_PRIVATE;
    uint64_t router = gic->state.router[spi];
    if (router & ROUTER_ANY)
        gic_update_all(gic);
    else if (router < gic->cpus)
        gic_update(gic, (unsigned)router);
}

void gic_update_all(struct gic *gic) {
    for (unsigned cpu = 0; cpu < gic->cpus; cpu++)
        gic_update(gic, cpu);
}

void gic_set_router(struct gic *gic, unsigned spi, uint64_t value) {
    unsigned bank = spi / 32;
    uint32_t bit = 1u << spi % 32;

    gic->state.router[spi] = value & ROUTER_MASK;
    gic->any[bank] &= ~bit;
    for (unsigned cpu = 0; cpu < gic->cpus; cpu++)
        gic->routed[cpu][bank] &= ~bit;
    if (value & ROUTER_ANY)
        gic->any[bank] |= bit;
    else if ((value & ROUTER_AFF) < gic->cpus)
        gic->routed[value & ROUTER_AFF][bank] |= bit;
}

static void set_line(struct gic *gic, unsigned cpu, unsigned intid, bool level) {
    uint32_t bit;
    struct gic_bank *bank;

    host_lock(&gic->lock);
    bank = gic_bank_of(gic, cpu, intid, &bit);
    if (!(bank->line & bit) == level) {
        bank->line ^= bit;
        if (level)
            bank->latch |= bit & bank->edge;
        gic_update_intid(gic, cpu, intid);
    }
    host_unlock(&gic->lock);
}

static void set_spi(void *controller, unsigned number, bool level) {
    set_line(controller, 0, GIC_PRIVATE + number, level);
}

struct irq_line gic_spi_line(struct gic *gic, unsigned spi) {
    return (struct irq_line){.set = set_spi, .controller = gic, .number = spi};
}

void gic_set_ppi(struct gic *gic, unsigned cpu, unsigned intid, bool level) {
    if (cpu < gic->cpus && intid >= GIC_SGIS && intid < GIC_PRIVATE)
        set_line(gic, cpu, intid, level);
}

static void reset_bank(struct gic_bank *bank, uint32_t edge) {
    *bank = (struct gic_bank){.line = bank->line, .edge = edge};
}

static void reset_interface(struct gic_cpu_interface *interface) {
    /* The smallest binary points: every implemented priority bit is group priority. */
    *interface = (struct gic_cpu_interface){.bpr = {GIC_PRIORITY_SHIFT - 1, GIC_PRIORITY_SHIFT}};
}

void gic_reset(struct gic *gic) {
    host_lock(&gic->lock);
    struct gic_state *s = &gic->state;
    for (unsigned i = 0; i < GIC_BANKS; i++)
        reset_bank(&s->spi[i], 0);
    for (unsigned spi = 0; spi < GIC_SPIS; spi++)
        gic_set_router(gic, spi, 0);
    for (unsigned cpu = 0; cpu < gic->cpus; cpu++) {
        reset_bank(&s->cpu[cpu].bank, (1u << GIC_SGIS) - 1);
        s->cpu[cpu].asleep = true;
        reset_interface(&s->cpu[cpu].interface);
    }
    s->enable[0] = s->enable[1] = false;
    gic_update_all(gic);
    host_unlock(&gic->lock);
}

void gic_reset_cpu(struct gic *gic, unsigned cpu) {
    host_lock(&gic->lock);
    reset_interface(&gic->state.cpu[cpu].interface);
    gic_update_all(gic); /* interrupts that any vCPU may take go elsewhere */
    host_unlock(&gic->lock);
}

struct gic *gic_create(const struct engine *engine, struct engine_vm *vm, unsigned cpus) {
    struct gic *gic = calloc(1, sizeof *gic);
    if (!gic)
        return NULL;
    gic->engine = engine;
    gic->cpus = cpus;
    pthread_mutex_init(&gic->lock, NULL);
    for (unsigned cpu = 0; cpu < cpus; cpu++)
        gic->output[cpu].vcpu = engine->vcpu(vm, cpu);
    gic_reset(gic);
    return gic;
}

void gic_destroy(struct gic *gic) {
    if (!gic)
        return;
    pthread_mutex_destroy(&gic->lock);
    free(gic);
}
