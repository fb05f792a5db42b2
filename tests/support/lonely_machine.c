#include "support/lonely_machine.h"

static bool mmio_read(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t *value) {
    (void)ctx, (void)vcpu, (void)gpa, (void)size, (void)value;
    return false;
}

static bool mmio_write(void *ctx, unsigned vcpu, uint64_t gpa, unsigned size, uint64_t value) {
    (void)ctx, (void)vcpu, (void)gpa, (void)size, (void)value;
    return false;
}

static bool sysreg_read(void *ctx, unsigned vcpu, uint32_t reg, uint64_t *value) {
    (void)ctx, (void)vcpu, (void)reg, (void)value;
    return false;
}

static bool sysreg_write(void *ctx, unsigned vcpu, uint32_t reg, uint64_t value) {
    (void)ctx, (void)vcpu, (void)reg, (void)value;
    return false;
}

static void timer_line(void *ctx, unsigned vcpu, unsigned ppi, bool level) {
    (void)ctx, (void)vcpu, (void)ppi, (void)level;
}

struct engine_machine lonely_machine(void *ctx, void (*hvc)(void *ctx, unsigned vcpu, uint64_t x[18])) {
    return (struct engine_machine){
        .ctx = ctx,
        .mmio_read = mmio_read,
        .mmio_write = mmio_write,
        .sysreg_read = sysreg_read,
        .sysreg_write = sysreg_write,
        .hvc = hvc,
        .timer_line = timer_line,
    };
}
