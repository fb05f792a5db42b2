/* Arm PL031 real time clock (DDI 0224): seconds of UTC, with an alarm. */
#pragma once

#include "bus/irq.h"
#include "bus/mmio.h"
#include "host/loop.h"
#include "util/error.h"

struct pl031;

/* The registers (4 KiB); the device is the pl031. */
extern const struct mmio_ops pl031_ops;

struct pl031 *pl031_create(struct host_loop *loop, const struct irq_line *irq, struct error *e);
void pl031_destroy(struct pl031 *rtc);
void pl031_reset(struct pl031 *rtc);
