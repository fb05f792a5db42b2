/* Arm PL061 GPIO (DDI 0190): eight lines, one of which is the machine's power key. */
#pragma once

#include <stdbool.h>

#include "bus/irq.h"
#include "bus/mmio.h"
#include "host/loop.h"
#include "util/error.h"

struct pl061;

/* The registers (4 KiB); the device is the pl061. */
extern const struct mmio_ops pl061_ops;

struct pl061 *pl061_create(struct host_loop *loop, const struct irq_line *irq, struct error *e);
void pl061_destroy(struct pl061 *gpio);
void pl061_reset(struct pl061 *gpio);

/* The level from outside of line 0 to 7. Any thread. */
void pl061_set_input(struct pl061 *gpio, unsigned line, bool level);
/* Holds a line high as long as a finger holds a key: longer than what drivers debounce. Any thread. */
void pl061_press(struct pl061 *gpio, unsigned line);
