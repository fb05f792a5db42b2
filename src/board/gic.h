/* An Arm GICv3 (IHI 0069) with one security state (GICD_CTLR.DS = 1) and affinity routing only (ARE = 1):
 * SGIs, PPIs, 256 SPIs, groups 0 (FIQ) and 1 (IRQ), 32 priorities; no LPIs. vCPU n has affinity 0.0.0.n. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"
#include "bus/mmio.h"
#include "cpu/engine.h"

enum { GIC_MAX_CPUS = 8, GIC_SPIS = 256 };

struct gic;

/* Signals interrupts through engine->vcpu_interrupt() to the vCPUs of vm. NULL when there is no memory. */
struct gic *gic_create(const struct engine *engine, struct engine_vm *vm, unsigned cpus);
void gic_destroy(struct gic *gic);

/* The registers, as seen on the bus: the distributor (64 KiB), and all redistributors (128 KiB a vCPU). The
 * device is the gic. */
extern const struct mmio_ops gic_dist_ops, gic_redist_ops;

/* Registers back to power-on. Input lines keep their levels: they belong to the devices. */
void gic_reset(struct gic *gic);
/* The CPU interface of one vCPU back to power-on, as when its core loses power. */
void gic_reset_cpu(struct gic *gic, unsigned cpu);

/* The line of a shared peripheral: spi is from 0 (INTID 32) to GIC_SPIS - 1. */
struct irq_line gic_spi_line(struct gic *gic, unsigned spi);
/* The line of a private peripheral: intid is 16 to 31. Any thread. */
void gic_set_ppi(struct gic *gic, unsigned cpu, unsigned intid, bool level);

/* ICC_*_EL1, by ENGINE_SYSREG() key. False: UNDEFINED. On the vCPU's thread. */
bool gic_sysreg_read(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t *value);
bool gic_sysreg_write(struct gic *gic, unsigned cpu, uint32_t reg, uint64_t value);
