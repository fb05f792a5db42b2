/* The assembled machine, with vCPUs that run C functions: its memory map, its life, and its events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libfdt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "board/board.h"
#include "fake_engine.h"
#include "support/run_loop.h"

#define RAM 0x40000000ull
enum { MIB = 1 << 20 };

static char kernel[] = "/tmp/pearvisor-test-XXXXXX";
static struct host_loop *loop;
static struct board *board;
static struct error e;
static enum board_event event;
static unsigned events;

static void on_event(void *ctx, enum board_event what) {
    (void)ctx;
    event = what;
    events++;
    host_loop_stop(loop);
}

static struct board_config configuration(void) {
    return (struct board_config){
        .engine = &fake_engine,
        .cpus = 2,
        .memory_size = 64 * MIB,
        .kernel = kernel,
        .append = "quiet",
        .loop = loop,
        .event = on_event,
    };
}

static int make_kernel(void **state) {
    (void)state;
    uint8_t image[4096] = {[16] = 0, [17] = 0x10, [56] = 'A', [57] = 'R', [58] = 'M', [59] = 0x64};
    int fd = mkstemp(kernel);
    bool written = write(fd, image, sizeof image) == sizeof image;
    close(fd);
    return written ? 0 : -1;
}

static int remove_kernel(void **state) {
    (void)state;
    return unlink(kernel);
}

static int setup(void **state) {
    (void)state;
    fake_reset();
    events = 0;
    loop = host_loop_create(NULL);
    struct board_config config = configuration();
    board = board_create(&config, &e);
    return board ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    board_destroy(board);
    host_loop_destroy(loop);
    return 0;
}

static uint32_t mmio(uint64_t gpa) {
    uint64_t value = 0;
    assert_true(fake_vm.machine->mmio_read(fake_vm.machine->ctx, 0, gpa, 4, &value));
    return (uint32_t)value;
}

static void bad_configurations(void **state) {
    (void)state;
    struct board_config config = configuration();
    config.cpus = 0;
    assert_null(board_create(&config, &e));
    config.cpus = 9;
    assert_null(board_create(&config, &e));
    config = configuration();
    config.memory_size = 32 * MIB;
    assert_null(board_create(&config, &e));
    config.memory_size = 64 * MIB + 4096;
    assert_null(board_create(&config, &e));
    config = configuration();
    config.kernel = "/nonexistent/kernel";
    assert_null(board_create(&config, &e));
    assert_non_null(strstr(e.text, "/nonexistent/kernel"));
    static char line[2049];
    memset(line, 'x', 2048);
    config = configuration();
    config.append = line;
    assert_null(board_create(&config, &e));
    assert_non_null(strstr(e.text, "2047"));
}

static void devices_answer_where_they_should(void **state) {
    (void)state;
    assert_int_equal(board_start(board, &e), 0);
    assert_int_equal(mmio(0x0800ffe8) >> 4 & 15, 3);
    assert_int_equal(mmio(0x080a0000 + 0xffe8) >> 4 & 15, 3);
    assert_int_equal(mmio(0x080c0008), 1 << 8 | 1 << 4); /* the last redistributor */
    assert_int_equal(mmio(0x09000fe0), 0x11);
    assert_int_equal(mmio(0x09010fe0), 0x31);
    assert_int_equal(mmio(0x09030fe0), 0x61);
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
        assert_int_equal(mmio(0x0a000000 + 0x200 * i), 0x74726976);
        assert_int_equal(mmio(0x0a000008 + 0x200 * i), 0); /* no device */
    }
    uint64_t value;
    assert_false(fake_vm.machine->mmio_read(fake_vm.machine->ctx, 0, 0x080e0000, 4, &value));
    assert_false(fake_vm.machine->mmio_write(fake_vm.machine->ctx, 0, 0x0a004000, 4, 0));
}

static void starts_the_kernel_with_its_tree(void **state) {
    (void)state;
    assert_int_equal(board_start(board, &e), 0);
    fake_wait_runs(0, 1);
    assert_true(fake_vm.cpu[0].entry == RAM + 2 * MIB);
    assert_true(fake_vm.cpu[0].context == RAM);
    assert_int_equal(fake_vm.cpu[1].runs, 0);
    void *fdt = memory_dma(board_memory(board), RAM, 4096);
    assert_int_equal(fdt_check_header(fdt), 0);
    assert_string_equal(fdt_getprop(fdt, fdt_path_offset(fdt, "/chosen"), "bootargs", NULL), "quiet");
}

static void pauses_with_the_clock(void **state) {
    (void)state;
    board_start(board, &e);
    for (unsigned i = 0; i < 50; i++) {
        board_pause(board);
        board_pause(board); /* once is enough */
        assert_true(fake_vm.clock_stopped);
        assert_false(fake_vm.cpu[0].running);
        board_resume(board);
        assert_false(fake_vm.clock_stopped);
        board_resume(board);
    }
    fake_wait_runs(0, 1);
    board_pause(board);
    assert_int_equal(fake_vm.cpu[0].resets, 1);
    board_stop(board);
    assert_false(fake_vm.clock_stopped);
    board_resume(board); /* stopped is not paused */
    assert_false(fake_vm.cpu[0].running);
}

static enum engine_exit power_off(struct engine_vcpu *cpu) {
    uint64_t x[18] = {0x84000008};
    cpu->vm->machine->hvc(cpu->vm->machine->ctx, cpu->index, x);
    return ENGINE_EXIT_KICKED;
}

static enum engine_exit reboot_once(struct engine_vcpu *cpu) {
    uint64_t x[18] = {cpu->resets == 1 ? 0x84000009 : 0x84000000};
    cpu->vm->machine->hvc(cpu->vm->machine->ctx, cpu->index, x);
    return ENGINE_EXIT_KICKED;
}

static enum engine_exit break_down(struct engine_vcpu *cpu) {
    (void)cpu;
    return ENGINE_EXIT_ERROR;
}

static void tells_of_power_off(void **state) {
    (void)state;
    fake_vm.program = power_off;
    board_start(board, &e);
    run_for(loop, 5000);
    assert_int_equal(events, 1);
    assert_int_equal(event, BOARD_POWEROFF);
    assert_false(fake_vm.cpu[0].running);
    unsigned runs = fake_vm.cpu[0].runs;
    board_pause(board);
    board_resume(board); /* does not bring the dead back */
    run_for(loop, 20);
    assert_int_equal(fake_vm.cpu[0].runs, runs);
    assert_int_equal(events, 1);
}

static void resets_and_starts_again(void **state) {
    (void)state;
    fake_vm.program = reboot_once;
    board_start(board, &e);
    run_for(loop, 5000);
    assert_int_equal(event, BOARD_RESET);
    memset(memory_dma(board_memory(board), RAM, 4 * MIB), 0xee, 4 * MIB); /* what the guest left behind */
    assert_int_equal(board_reset(board, &e), 0);
    fake_wait_runs(0, 2);
    assert_int_equal(fake_vm.cpu[0].resets, 2);
    assert_int_equal(fdt_check_header(memory_dma(board_memory(board), RAM, 4096)), 0);
    assert_memory_equal(memory_dma(board_memory(board), RAM + 2 * MIB + 56, 4), "ARM\x64", 4);
    run_for(loop, 20);
    assert_int_equal(events, 1);
}

static void a_reset_forgets_older_events(void **state) {
    (void)state;
    fake_vm.program = power_off;
    board_start(board, &e);
    fake_wait_runs(0, 1);
    board_stop(board);
    fake_vm.program = NULL;
    board_reset(board, &e);
    run_for(loop, 50);
    assert_int_equal(events, 0);
}

static void tells_of_a_broken_engine(void **state) {
    (void)state;
    fake_vm.program = break_down;
    board_start(board, &e);
    run_for(loop, 5000);
    assert_int_equal(event, BOARD_FAILED);
}

static void power_key_raises_the_gpio_interrupt(void **state) {
    (void)state;
    board_start(board, &e);
    void *ctx = fake_vm.machine->ctx;
    fake_vm.machine->mmio_write(ctx, 0, 0x09030408, 4, 8); /* both edges of line 3 */
    fake_vm.machine->mmio_write(ctx, 0, 0x09030410, 4, 8);
    assert_int_equal(mmio(0x08000204) & 1 << 7, 0);
    board_power_key(board);
    assert_int_equal(mmio(0x08000204) & 1 << 7, 1 << 7); /* GICD_ISPENDR: SPI 7 */
}

/* --- a virtio device that only counts its resets */

static unsigned device_resets;

static uint64_t no_features(void *device) {
    (void)device;
    return 0;
}

static void config_access(void *device, uint32_t offset, void *data, uint32_t size) {
    (void)device;
    (void)offset;
    memset(data, 0, size);
}

static void config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    (void)device;
    (void)offset;
    (void)data;
    (void)size;
}

static void on_start(void *device, uint64_t features) {
    (void)device;
    (void)features;
}

static void on_notify(void *device, unsigned queue) {
    (void)device;
    (void)queue;
}

static void on_reset(void *device) {
    (void)device;
    device_resets++;
}

static const struct virtio_device_ops rng = {
    .id = VIRTIO_ID_RNG,
    .queues = 1,
    .queue_size_max = 64,
    .features = no_features,
    .config_read = config_access,
    .config_write = config_write,
    .start = on_start,
    .notify = on_notify,
    .reset = on_reset,
};

static void virtio_devices_fill_the_slots(void **state) {
    (void)state;
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++)
        assert_non_null(board_add_virtio(board, &rng, NULL, &e));
    assert_null(board_add_virtio(board, &rng, NULL, &e));
    assert_int_equal(board_start(board, &e), 0);
    assert_int_equal(mmio(0x0a000008), VIRTIO_ID_RNG);
    assert_int_equal(mmio(0x0a000008 + 31 * 0x200), VIRTIO_ID_RNG);
    fake_vm.machine->mmio_write(fake_vm.machine->ctx, 0, 0x0a000070, 4, 1);
    device_resets = 0;
    assert_int_equal(board_reset(board, &e), 0);
    assert_true(device_resets >= 1);
    assert_int_equal(mmio(0x0a000070), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(bad_configurations),
        TEST(devices_answer_where_they_should),
        TEST(starts_the_kernel_with_its_tree),
        TEST(pauses_with_the_clock),
        TEST(tells_of_power_off),
        TEST(resets_and_starts_again),
        TEST(a_reset_forgets_older_events),
        TEST(tells_of_a_broken_engine),
        TEST(power_key_raises_the_gpio_interrupt),
        TEST(virtio_devices_fill_the_slots),
    };
    return cmocka_run_group_tests(tests, make_kernel, remove_kernel);
}
