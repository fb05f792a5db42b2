/* What the parts of the GIC share. Every function here is called with gic->lock held. */
#pragma once

#include <pthread.h>

#include "board/gic.h"

enum { GIC_GROUPS = 2, GIC_BANKS = GIC_SPIS / 32, GIC_PRIVATE = 32, GIC_SGIS = 16 };

/* Five bits of priority are implemented (ICC_CTLR_EL1.PRIbits = 4), all of them can preempt. */
enum { GIC_PRIORITY_MASK = 0xf8, GIC_PRIORITY_SHIFT = 3, GIC_PRIORITY_IDLE = 0xff };

enum { GIC_INTID_SPECIAL = 1020, GIC_INTID_SPURIOUS = 1023 };

/* 32 consecutive INTIDs, a bit each: what one 32-bit register of the distributor covers. */
struct gic_bank {
    uint32_t group, enable, active;
    uint32_t latch; /* pending by an edge, an SGI or a write to ISPENDR */
    uint32_t line;  /* input levels */
    uint32_t edge;  /* edge-triggered, else level-sensitive */
    uint8_t priority[32];
};

/* The CPU interface; arrays are indexed by group. */
struct gic_cpu_interface {
    bool enable[GIC_GROUPS]; /* ICC_IGRPENn_EL1 */
    bool common_bpr, eoi_mode;
    uint8_t mask; /* ICC_PMR_EL1 */
    uint8_t bpr[GIC_GROUPS];
    uint32_t active_priorities[GIC_GROUPS]; /* ICC_APnR0_EL1: a bit for each of the 32 priorities */
};

struct gic_cpu {
    struct gic_bank bank; /* SGIs and PPIs */
    bool asleep;          /* GICR_WAKER.ProcessorSleep */
    struct gic_cpu_interface interface;
};

/* All that the guest can see. */
struct gic_state {
    bool enable[GIC_GROUPS]; /* GICD_CTLR.EnableGrpN */
    struct gic_bank spi[GIC_BANKS];
    uint64_t router[GIC_SPIS];
    struct gic_cpu cpu[GIC_MAX_CPUS];
};

struct gic {
    const struct engine *engine;
    unsigned cpus;
    pthread_mutex_t lock;
    struct gic_state state;

    /* Derived from the state, for speed. */
    uint32_t routed[GIC_MAX_CPUS][GIC_BANKS]; /* SPIs that GICD_IROUTER sends to this vCPU */
    uint32_t any[GIC_BANKS];                  /* SPIs with GICD_IROUTER.Interrupt_Routing_Mode = 1 */
    struct {
        struct engine_vcpu *vcpu;
        bool line[GIC_GROUPS]; /* what the vCPU was told last */
    } output[GIC_MAX_CPUS];
};

struct gic_candidate {
    unsigned intid; /* GIC_INTID_SPURIOUS when nothing is pending */
    unsigned group;
    uint8_t priority;
};

/* The highest-priority pending interrupt that the distributor forwards to a vCPU, running priority and mask
 * aside. */
struct gic_candidate gic_best(const struct gic *gic, unsigned cpu);

/* Recomputes a vCPU's interrupt lines. Call after any change of state that can matter to it. */
void gic_update(struct gic *gic, unsigned cpu);
void gic_update_all(struct gic *gic);
/* After a change of one interrupt; cpu is the one whose private interrupt it is, where it is one. */
void gic_update_intid(struct gic *gic, unsigned cpu, unsigned intid);

/* The bank of an interrupt and its bit there; NULL past the last one. */
struct gic_bank *gic_bank_of(struct gic *gic, unsigned cpu, unsigned intid, uint32_t *bit);

void gic_set_router(struct gic *gic, unsigned spi, uint64_t value);

/* gic_bank.c. The registers for banks of INTIDs (GICD_IGROUPR to GICD_ICFGR, and the same in a
 * redistributor's SGI frame): which bank an offset, a multiple of 4, belongs to, and the offset that its
 * register has for bank 0. False: not one of them. */
bool gic_bank_locate(uint32_t offset, unsigned *bank, uint32_t *reg);
uint32_t gic_bank_read(const struct gic_bank *bank, uint32_t reg);
/* fixed: bits of interrupts whose trigger cannot be configured. */
void gic_bank_write(struct gic_bank *bank, uint32_t reg, uint32_t value, uint32_t fixed);

/* Accesses of any size made of accesses to 32-bit words: naturally aligned ones only, and parts of a word are
 * written in the priority registers only (IHI 0069H 12.1.3). Others are RAZ/WI. */
typedef uint32_t gic_read_fn(struct gic *gic, uint32_t offset);
typedef void gic_write_fn(struct gic *gic, uint32_t offset, uint32_t value);
uint64_t gic_mmio_read(struct gic *gic, gic_read_fn *fn, uint64_t offset, unsigned size);
void gic_mmio_write(
    struct gic *gic, gic_read_fn *read, gic_write_fn *write, uint64_t offset, unsigned size, uint64_t value);

/* GICD_PIDR4 to GICD_CIDR3, and the same in redistributors; part is PIDR0. offset is 0xffd0 to 0xfffc. */
uint32_t gic_id_register(uint32_t offset, uint8_t part);

/* GICD_IIDR and GICR_IIDR: an implementation of Arm's architecture, product 'P'. */
enum { GIC_IIDR = 0x5000043b };
