/* An interrupt line from a device to the interrupt controller. */
#pragma once

#include <stdbool.h>

struct irq_line {
    void (*set)(void *controller, unsigned number, bool level);
    void *controller;
    unsigned number;
};

/* Level-sensitive; setting the same level twice is harmless. Any thread; never blocks on a device's lock. */
static inline void irq_set(const struct irq_line *line, bool level) {
    if (line->set)
        line->set(line->controller, line->number, level);
}
