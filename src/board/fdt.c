#include "board/fdt.h"

#include <libfdt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "board/flash.h"
#include "board/fw_cfg.h"
#include "board/memory_map.h"

enum { PHANDLE_GIC = 1, PHANDLE_CLOCK, PHANDLE_GPIO };

/* First cell of a GIC interrupt specifier, and the third: active-high level, as every line here is. */
enum { INTERRUPT_SPI = 0, INTERRUPT_PPI = 1, INTERRUPT_LEVEL_HIGH = 4 };
enum { PPI_BASE = 16 };

enum { CLOCK_HZ = 24000000, KEY_POWER = 116 };

#define UART_PATH "/pl011@9000000"

/* The tree is written front to back; the first error sticks and is looked at once, at the end. */
struct writer {
    void *fdt;
    int error;
};

static void note(struct writer *w, int result) {
    if (!w->error)
        w->error = result;
}

static void begin(struct writer *w, const char *name) {
    note(w, fdt_begin_node(w->fdt, name));
}

static void begin_at(struct writer *w, const char *name, uint64_t address) {
    char full[48];
    snprintf(full, sizeof full, "%s@%llx", name, (unsigned long long)address);
    begin(w, full);
}

static void end(struct writer *w) {
    note(w, fdt_end_node(w->fdt));
}

static void flag(struct writer *w, const char *name) {
    note(w, fdt_property(w->fdt, name, NULL, 0));
}

static void string(struct writer *w, const char *name, const char *value) {
    note(w, fdt_property_string(w->fdt, name, value));
}

/* A list of strings: literals joined by "\0". */
#define STRINGS(w, name, list) note(w, fdt_property((w)->fdt, name, list, (int)sizeof(list)))

static void cell(struct writer *w, const char *name, uint32_t value) {
    note(w, fdt_property_u32(w->fdt, name, value));
}

static void cells(struct writer *w, const char *name, unsigned count, const uint32_t *values) {
    void *to;
    int result = fdt_property_placeholder(w->fdt, name, (int)(4 * count), &to);
    note(w, result);
    for (unsigned i = 0; result == 0 && i < count; i++) {
        fdt32_t big = cpu_to_fdt32(values[i]);
        memcpy((char *)to + 4 * i, &big, sizeof big);
    }
}
#define CELLS(w, name, ...)                                                                                  \
    cells(w, name, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), (const uint32_t[]){__VA_ARGS__})

#define HIGH(x) ((uint32_t)((uint64_t)(x) >> 32))
#define LOW(x)  ((uint32_t)(x))

static void reg(struct writer *w, uint64_t base, uint64_t size) {
    CELLS(w, "reg", HIGH(base), LOW(base), HIGH(size), LOW(size));
}

static void spi(struct writer *w, unsigned number) {
    CELLS(w, "interrupts", INTERRUPT_SPI, number, INTERRUPT_LEVEL_HIGH);
}

static void chosen(struct writer *w, const struct device_tree_config *c) {
    begin(w, "chosen");
    string(w, "stdout-path", UART_PATH);
    if (c->bootargs)
        string(w, "bootargs", c->bootargs);
    if (c->initrd_end > c->initrd) {
        note(w, fdt_property_u64(w->fdt, "linux,initrd-start", c->initrd));
        note(w, fdt_property_u64(w->fdt, "linux,initrd-end", c->initrd_end));
    }
    note(w, fdt_property_u64(w->fdt, "kaslr-seed", c->kaslr_seed));
    note(w, fdt_property(w->fdt, "rng-seed", c->rng_seed, sizeof c->rng_seed));
    end(w);
}

static void cpus(struct writer *w, unsigned count) {
    begin(w, "cpus");
    cell(w, "#address-cells", 1);
    cell(w, "#size-cells", 0);
    for (unsigned i = 0; i < count; i++) {
        begin_at(w, "cpu", i);
        string(w, "device_type", "cpu");
        string(w, "compatible", "arm,armv8");
        cell(w, "reg", i); /* MPIDR_EL1.Aff0 */
        string(w, "enable-method", "psci");
        end(w);
    }
    end(w);
}

static void firmware(struct writer *w) {
    begin(w, "psci");
    STRINGS(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
    string(w, "method", "hvc");
    end(w);
}

static void timer(struct writer *w) {
    begin(w, "timer");
    string(w, "compatible", "arm,armv8-timer");
    CELLS(w, "interrupts",                                                /* in this order by the binding */
        INTERRUPT_PPI, PPI_TIMER_SECURE - PPI_BASE, INTERRUPT_LEVEL_HIGH, /**/
        INTERRUPT_PPI, PPI_TIMER_PHYS - PPI_BASE, INTERRUPT_LEVEL_HIGH,   /**/
        INTERRUPT_PPI, PPI_TIMER_VIRT - PPI_BASE, INTERRUPT_LEVEL_HIGH,   /**/
        INTERRUPT_PPI, PPI_TIMER_HYP - PPI_BASE, INTERRUPT_LEVEL_HIGH);
    flag(w, "always-on");
    end(w);
}

static void interrupt_controller(struct writer *w, unsigned cpu_count) {
    uint64_t gicr_size = cpu_count * MAP_GICR_STRIDE;
    begin_at(w, "interrupt-controller", MAP_GICD);
    string(w, "compatible", "arm,gic-v3");
    flag(w, "interrupt-controller");
    cell(w, "#interrupt-cells", 3);
    cell(w, "#address-cells", 0);
    cell(w, "#redistributor-regions", 1);
    CELLS(w, "reg", HIGH(MAP_GICD), LOW(MAP_GICD), HIGH(MAP_GICD_SIZE), LOW(MAP_GICD_SIZE), HIGH(MAP_GICR),
        LOW(MAP_GICR), HIGH(gicr_size), LOW(gicr_size));
    cell(w, "phandle", PHANDLE_GIC);
    end(w);
}

static void clock_source(struct writer *w) {
    begin(w, "apb-pclk");
    string(w, "compatible", "fixed-clock");
    cell(w, "#clock-cells", 0);
    cell(w, "clock-frequency", CLOCK_HZ);
    string(w, "clock-output-names", "clk24mhz");
    cell(w, "phandle", PHANDLE_CLOCK);
    end(w);
}

static void uart(struct writer *w) {
    begin_at(w, "pl011", MAP_PL011);
    STRINGS(w, "compatible", "arm,pl011\0arm,primecell");
    reg(w, MAP_PL011, MAP_PRIMECELL_SIZE);
    spi(w, SPI_PL011);
    CELLS(w, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
    STRINGS(w, "clock-names", "uartclk\0apb_pclk");
    end(w);
}

static void rtc(struct writer *w) {
    begin_at(w, "pl031", MAP_PL031);
    STRINGS(w, "compatible", "arm,pl031\0arm,primecell");
    reg(w, MAP_PL031, MAP_PRIMECELL_SIZE);
    spi(w, SPI_PL031);
    cell(w, "clocks", PHANDLE_CLOCK);
    string(w, "clock-names", "apb_pclk");
    end(w);
}

static void gpio(struct writer *w) {
    begin_at(w, "pl061", MAP_PL061);
    STRINGS(w, "compatible", "arm,pl061\0arm,primecell");
    reg(w, MAP_PL061, MAP_PRIMECELL_SIZE);
    spi(w, SPI_PL061);
    flag(w, "gpio-controller");
    cell(w, "#gpio-cells", 2);
    flag(w, "interrupt-controller");
    cell(w, "#interrupt-cells", 2);
    cell(w, "#address-cells", 0);
    cell(w, "clocks", PHANDLE_CLOCK);
    string(w, "clock-names", "apb_pclk");
    cell(w, "phandle", PHANDLE_GPIO);
    end(w);
}

static void power_key(struct writer *w) {
    enum { ACTIVE_HIGH = 0 };
    begin(w, "gpio-keys");
    string(w, "compatible", "gpio-keys");
    begin(w, "key-power");
    string(w, "label", "Power");
    cell(w, "linux,code", KEY_POWER);
    CELLS(w, "gpios", PHANDLE_GPIO, PL061_POWER_KEY, ACTIVE_HIGH);
    end(w);
    end(w);
}

static void flash(struct writer *w) {
    enum { BANK_WIDTH = 4 };
    begin_at(w, "flash", MAP_FLASH);
    string(w, "compatible", "cfi-flash");
    CELLS(w, "reg", HIGH(MAP_FLASH), LOW(MAP_FLASH), 0, FLASH_SIZE, HIGH(MAP_VARIABLES), LOW(MAP_VARIABLES),
        0, FLASH_SIZE);
    cell(w, "bank-width", BANK_WIDTH);
    end(w);
}

static void fw_cfg(struct writer *w) {
    begin_at(w, "fw-cfg", MAP_FW_CFG);
    string(w, "compatible", "qemu,fw-cfg-mmio");
    reg(w, MAP_FW_CFG, FW_CFG_SIZE);
    flag(w, "dma-coherent");
    end(w);
}

/* Linux names disks and interfaces in the order of these nodes: the lowest address, slot 0, comes first. */
static void virtio(struct writer *w, unsigned slots) {
    for (unsigned i = 0; i < slots; i++) {
        uint64_t base = MAP_VIRTIO + i * MAP_VIRTIO_SLOT_SIZE;
        begin_at(w, "virtio_mmio", base);
        string(w, "compatible", "virtio,mmio");
        reg(w, base, MAP_VIRTIO_SLOT_SIZE);
        spi(w, SPI_VIRTIO + i);
        flag(w, "dma-coherent");
        end(w);
    }
}

static void memory(struct writer *w, uint64_t size) {
    begin_at(w, "memory", MAP_RAM);
    string(w, "device_type", "memory");
    reg(w, MAP_RAM, size);
    end(w);
}

static void root(struct writer *w, const struct device_tree_config *c) {
    begin(w, "");
    cell(w, "interrupt-parent", PHANDLE_GIC);
    cell(w, "#address-cells", 2);
    cell(w, "#size-cells", 2);
    string(w, "compatible", "linux,dummy-virt");
    string(w, "model", "PearVisor");
    begin(w, "aliases");
    string(w, "serial0", UART_PATH);
    end(w);
    chosen(w, c);
    memory(w, c->memory_size);
    cpus(w, c->cpus);
    firmware(w);
    timer(w);
    interrupt_controller(w, c->cpus);
    clock_source(w);
    uart(w);
    rtc(w);
    gpio(w);
    power_key(w);
    virtio(w, c->virtio_slots);
    if (c->firmware) {
        flash(w);
        fw_cfg(w);
    }
    end(w);
}

int device_tree_build(const struct device_tree_config *config, void *data, uint32_t size, struct error *e) {
    struct writer w = {.fdt = data};
    note(&w, fdt_create(data, (int)size));
    note(&w, fdt_finish_reservemap(data));
    root(&w, config);
    note(&w, fdt_finish(data));
    if (w.error)
        return error_set(e, "cannot build the device tree: %s", fdt_strerror(w.error));
    return 0;
}
