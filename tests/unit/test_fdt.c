/* The device tree, read back with libfdt, and given to dtc where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/fdt.h"

static uint8_t fdt[65536];

static void build(unsigned cpus, unsigned slots) {
    const struct device_tree_config config = {
        .cpus = cpus,
        .memory_size = 0x123400000,
        .bootargs = "console=ttyAMA0 quiet",
        .initrd = 0x44000000,
        .initrd_end = 0x44123457,
        .virtio_slots = slots,
        .kaslr_seed = 0x0123456789abcdef,
        .rng_seed = {1, 2, 3},
    };
    assert_int_equal(device_tree_build(&config, fdt, sizeof fdt, NULL), 0);
    assert_int_equal(fdt_check_full(fdt, sizeof fdt), 0);
}

static int node(const char *path) {
    int offset = fdt_path_offset(fdt, path);
    if (offset < 0)
        fail_msg("no node %s", path);
    return offset;
}

static const fdt32_t *property(const char *path, const char *name, unsigned cells) {
    int length;
    const void *value = fdt_getprop(fdt, node(path), name, &length);
    if (!value || length != (int)(4 * cells))
        fail_msg("%s: property %s has not %u cells", path, name, cells);
    return value;
}

static uint32_t cell(const char *path, const char *name, unsigned cells, unsigned n) {
    return fdt32_to_cpu(property(path, name, cells)[n]);
}

static uint64_t pair(const char *path, const char *name, unsigned cells, unsigned n) {
    return (uint64_t)cell(path, name, cells, n) << 32 | cell(path, name, cells, n + 1);
}

static void assert_string(const char *path, const char *name, const char *expected) {
    const char *value = fdt_getprop(fdt, node(path), name, NULL);
    assert_non_null(value);
    assert_string_equal(value, expected);
}

static void assert_device(
    const char *path, const char *compatible, uint64_t base, uint64_t size, unsigned spi) {
    assert_int_equal(fdt_node_check_compatible(fdt, node(path), compatible), 0);
    assert_true(pair(path, "reg", 4, 0) == base);
    assert_true(pair(path, "reg", 4, 2) == size);
    assert_int_equal(cell(path, "interrupts", 3, 0), 0); /* SPI */
    assert_int_equal(cell(path, "interrupts", 3, 1), spi);
    assert_int_equal(cell(path, "interrupts", 3, 2), 4); /* active-high level */
}

static void chosen_and_memory(void **state) {
    (void)state;
    build(1, 0);
    assert_string("/chosen", "bootargs", "console=ttyAMA0 quiet");
    assert_true(pair("/chosen", "linux,initrd-start", 2, 0) == 0x44000000);
    assert_true(pair("/chosen", "linux,initrd-end", 2, 0) == 0x44123457);
    assert_true(pair("/chosen", "kaslr-seed", 2, 0) == 0x0123456789abcdef);
    assert_int_equal(((const uint8_t *)property("/chosen", "rng-seed", 16))[2], 3);
    node(fdt_getprop(fdt, node("/chosen"), "stdout-path", NULL));
    assert_string("/memory@40000000", "device_type", "memory");
    assert_true(pair("/memory@40000000", "reg", 4, 0) == 0x40000000);
    assert_true(pair("/memory@40000000", "reg", 4, 2) == 0x123400000);
}

static void nothing_is_chosen_that_was_not_given(void **state) {
    (void)state;
    const struct device_tree_config config = {.cpus = 1, .memory_size = 64 << 20};
    assert_int_equal(device_tree_build(&config, fdt, sizeof fdt, NULL), 0);
    assert_null(fdt_getprop(fdt, node("/chosen"), "bootargs", NULL));
    assert_null(fdt_getprop(fdt, node("/chosen"), "linux,initrd-start", NULL));
}

static void cpus_start_by_psci(void **state) {
    (void)state;
    for (unsigned cpus = 1; cpus <= 8; cpus++) {
        build(cpus, 0);
        unsigned seen = 0;
        int child, parent = node("/cpus");
        fdt_for_each_subnode(child, fdt, parent) {
            const fdt32_t *reg = fdt_getprop(fdt, child, "reg", NULL);
            assert_int_equal(fdt32_to_cpu(*reg), seen++);
            assert_string_equal(fdt_getprop(fdt, child, "enable-method", NULL), "psci");
        }
        assert_int_equal(seen, cpus);
        assert_true(pair("/interrupt-controller@8000000", "reg", 8, 6) == cpus * 0x20000ull);
    }
    assert_string("/psci", "method", "hvc");
    assert_int_equal(fdt_node_check_compatible(fdt, node("/psci"), "arm,psci-1.0"), 0);
    assert_int_equal(fdt_node_check_compatible(fdt, node("/psci"), "arm,psci-0.2"), 0);
}

static void interrupts_have_a_controller(void **state) {
    (void)state;
    build(2, 1);
    const char *gic = "/interrupt-controller@8000000";
    assert_int_equal(fdt_node_check_compatible(fdt, node(gic), "arm,gic-v3"), 0);
    assert_int_equal(cell("/", "interrupt-parent", 1, 0), fdt_get_phandle(fdt, node(gic)));
    assert_int_equal(cell(gic, "#interrupt-cells", 1, 0), 3);
    assert_true(pair(gic, "reg", 8, 0) == 0x08000000);
    assert_true(pair(gic, "reg", 8, 4) == 0x080a0000);
    /* secure, physical, virtual, hypervisor: PPIs 29, 30, 27, 26 */
    static const unsigned ppi[] = {13, 14, 11, 10};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(cell("/timer", "interrupts", 12, 3 * i), 1);
        assert_int_equal(cell("/timer", "interrupts", 12, 3 * i + 1), ppi[i]);
    }
}

static void devices_are_where_qemu_has_them(void **state) {
    (void)state;
    build(1, 0);
    assert_device("/pl011@9000000", "arm,pl011", 0x09000000, 0x1000, 1);
    assert_device("/pl031@9010000", "arm,pl031", 0x09010000, 0x1000, 2);
    assert_device("/pl061@9030000", "arm,pl061", 0x09030000, 0x1000, 7);
    static const char *const primecell[] = {"/pl011@9000000", "/pl031@9010000", "/pl061@9030000"};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(fdt_node_check_compatible(fdt, node(primecell[i]), "arm,primecell"), 0);
        int clock = fdt_node_offset_by_phandle(
            fdt, fdt32_to_cpu(*(const fdt32_t *)fdt_getprop(fdt, node(primecell[i]), "clocks", NULL)));
        assert_int_equal(fdt_node_check_compatible(fdt, clock, "fixed-clock"), 0);
        assert_true(fdt_stringlist_search(fdt, node(primecell[i]), "clock-names", "apb_pclk") >= 0);
    }
    assert_int_equal(fdt_stringlist_search(fdt, node("/pl011@9000000"), "clock-names", "uartclk"), 0);
    assert_int_equal(
        cell("/gpio-keys/key-power", "gpios", 3, 0), fdt_get_phandle(fdt, node("/pl061@9030000")));
    assert_int_equal(cell("/gpio-keys/key-power", "gpios", 3, 1), 3);
    assert_int_equal(cell("/gpio-keys/key-power", "linux,code", 1, 0), 116); /* KEY_POWER */
}

static void virtio_slots_come_in_order(void **state) {
    (void)state;
    build(1, 32);
    unsigned seen = 0;
    int child;
    fdt_for_each_subnode(child, fdt, 0) {
        if (fdt_node_check_compatible(fdt, child, "virtio,mmio") != 0)
            continue;
        char path[64];
        fdt_get_path(fdt, child, path, sizeof path);
        assert_device(path, "virtio,mmio", 0x0a000000 + 0x200 * seen, 0x200, 16 + seen);
        seen++;
    }
    assert_int_equal(seen, 32);
}

static void too_small_a_buffer_is_an_error(void **state) {
    (void)state;
    const struct device_tree_config config = {.cpus = 8, .memory_size = 64 << 20, .virtio_slots = 32};
    struct error e = {0};
    for (uint32_t size = 0; size < 4096; size += 61)
        assert_int_equal(device_tree_build(&config, fdt, size, &e), -1);
    assert_non_null(strstr(e.text, "device tree"));
}

static void dtc_has_no_complaints(void **state) {
    (void)state;
    if (system("command -v dtc >/dev/null 2>&1") != 0)
        skip();
    char path[] = "/tmp/pearvisor-test-XXXXXX", command[256], line[256] = "";
    int fd = mkstemp(path);
    build(4, 32);
    assert_int_equal(write(fd, fdt, fdt_totalsize(fdt)), fdt_totalsize(fdt));
    close(fd);
    snprintf(command, sizeof command, "dtc -I dtb -O dts %s 2>&1 >/dev/null", path);
    FILE *out = popen(command, "r");
    char *complaint = fgets(line, sizeof line, out);
    int status = pclose(out);
    unlink(path);
    if (complaint)
        fail_msg("dtc: %s", line);
    assert_int_equal(status, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_and_memory),
        cmocka_unit_test(nothing_is_chosen_that_was_not_given),
        cmocka_unit_test(cpus_start_by_psci),
        cmocka_unit_test(interrupts_have_a_controller),
        cmocka_unit_test(devices_are_where_qemu_has_them),
        cmocka_unit_test(virtio_slots_come_in_order),
        cmocka_unit_test(too_small_a_buffer_is_an_error),
        cmocka_unit_test(dtc_has_no_complaints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
