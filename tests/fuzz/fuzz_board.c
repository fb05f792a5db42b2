/* The registers of the interrupt controller, the serial port, the clock and the GPIO, in any order, with any
 * size and offset. The interrupt controller must keep its promise: a line to a vCPU is high when, and only
 * when, an acknowledge returns an interrupt. */
#include <stdlib.h>

#include "../unit/fake_engine.h"
#include "board/gic.h"
#include "board/pl011.h"
#include "board/pl031.h"
#include "board/pl061.h"
#include "input.h"

enum { CPUS = 3, SPURIOUS = 1023 };
enum { IAR0 = ENGINE_SYSREG(3, 0, 12, 8, 0), IAR1 = ENGINE_SYSREG(3, 0, 12, 12, 0) };

struct machine {
    struct gic *gic;
    struct pl011 *uart;
    struct pl031 *rtc;
    struct pl061 *gpio;
};

static void access_registers(
    struct fuzz_input *in, const struct mmio_ops *ops, void *device, uint64_t region) {
    unsigned size = 1u << (fuzz_byte(in) & 3);
    uint64_t offset = fuzz_u32(in) % (region - size + 1);
    if (fuzz_byte(in) & 1)
        ops->write(device, offset, size, fuzz_u32(in) * 0x100000001ull);
    else
        ops->read(device, offset, size);
}

static void access_sysreg(struct fuzz_input *in, struct gic *gic) {
    unsigned cpu = fuzz_byte(in) % CPUS;
    uint8_t select = fuzz_byte(in);
    uint32_t reg = ENGINE_SYSREG(3, 0, select & 0x80 ? 4 : 12, select >> 3 & 15, select & 7);
    uint64_t value;
    if (fuzz_byte(in) & 1)
        gic_sysreg_write(gic, cpu, reg, fuzz_u32(in));
    else
        gic_sysreg_read(gic, cpu, reg, &value);
}

static void acknowledge(struct gic *gic, unsigned cpu) {
    static const struct {
        enum engine_line line;
        uint32_t reg;
    } groups[] = {{ENGINE_FIQ, IAR0}, {ENGINE_IRQ, IAR1}};
    if (fake_vm.cpu[cpu].line[ENGINE_FIQ] && fake_vm.cpu[cpu].line[ENGINE_IRQ])
        abort();
    for (unsigned i = 0; i < 2; i++) {
        bool signalled = fake_vm.cpu[cpu].line[groups[i].line];
        uint64_t intid;
        if (!gic_sysreg_read(gic, cpu, groups[i].reg, &intid) || signalled != (intid != SPURIOUS))
            abort();
    }
}

static void step(struct fuzz_input *in, const struct machine *m) {
    struct irq_line line;
    switch (fuzz_byte(in) % 10) {
    case 0: access_registers(in, &gic_dist_ops, m->gic, 0x10000); break;
    case 1: access_registers(in, &gic_redist_ops, m->gic, 0x20000 * CPUS); break;
    case 2: access_sysreg(in, m->gic); break;
    case 3: access_registers(in, &pl011_ops, m->uart, 0x1000); break;
    case 4: access_registers(in, &pl031_ops, m->rtc, 0x1000); break;
    case 5: access_registers(in, &pl061_ops, m->gpio, 0x1000); break;
    case 6:
        line = gic_spi_line(m->gic, fuzz_byte(in));
        irq_set(&line, fuzz_byte(in) & 1);
        break;
    case 7: gic_set_ppi(m->gic, fuzz_byte(in) % CPUS, 16 + fuzz_byte(in) % 16, fuzz_byte(in) & 1); break;
    case 8: gic_reset_cpu(m->gic, fuzz_byte(in) % CPUS); break;
    case 9: acknowledge(m->gic, fuzz_byte(in) % CPUS); break;
    }
}

/* Everything enabled, in group 1, unmasked: deeper in than chance gets. */
static void configure(struct gic *gic) {
    enum { CTLR = 0, IGROUPR = 0x80, ISENABLER = 0x100, SGI_FRAME = 0x10000, STRIDE = 0x20000, BANKS = 9 };
    gic_dist_ops.write(gic, CTLR, 4, 3);
    for (unsigned i = 1; i < BANKS; i++) {
        gic_dist_ops.write(gic, IGROUPR + 4 * i, 4, ~0u);
        gic_dist_ops.write(gic, ISENABLER + 4 * i, 4, ~0u);
    }
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        gic_redist_ops.write(gic, cpu * STRIDE + SGI_FRAME + IGROUPR, 4, ~0u);
        gic_redist_ops.write(gic, cpu * STRIDE + SGI_FRAME + ISENABLER, 4, ~0u);
        gic_sysreg_write(gic, cpu, ENGINE_SYSREG(3, 0, 4, 6, 0), 0xf8); /* ICC_PMR_EL1 */
        gic_sysreg_write(gic, cpu, ENGINE_SYSREG(3, 0, 12, 12, 6), 1);  /* ICC_IGRPEN0_EL1 */
        gic_sysreg_write(gic, cpu, ENGINE_SYSREG(3, 0, 12, 12, 7), 1);  /* ICC_IGRPEN1_EL1 */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, size};
    struct host_loop *loop = host_loop_create(NULL);
    fake_reset();
    struct machine m = {.gic = gic_create(&fake_engine, &fake_vm, CPUS)};
    struct irq_line uart = gic_spi_line(m.gic, 1), rtc = gic_spi_line(m.gic, 2),
                    gpio = gic_spi_line(m.gic, 7);
    m.uart = pl011_create(loop, NULL, &uart, NULL);
    m.rtc = pl031_create(loop, &rtc, NULL);
    m.gpio = pl061_create(loop, &gpio, NULL);
    if (fuzz_byte(&in) & 1)
        configure(m.gic);
    while (in.size)
        step(&in, &m);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        acknowledge(m.gic, cpu);
    pl061_destroy(m.gpio);
    pl031_destroy(m.rtc);
    pl011_destroy(m.uart);
    gic_destroy(m.gic);
    host_loop_destroy(loop);
    return 0;
}
