/* The registers of virtio-mmio: virtio 1.2, 4.2.2 and the state machine of 3.1.1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/guest.h"

struct probe {
    unsigned starts, resets, notifies[2];
    uint64_t features;
    uint8_t config[12];
};

static uint64_t probe_features(void *device) {
    (void)device;
    return 1ull << 3 | 1ull << 40;
}

static void probe_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    struct probe *probe = device;
    assert_true(offset + size <= sizeof probe->config);
    memcpy(data, probe->config + offset, size);
}

static void probe_config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    struct probe *probe = device;
    assert_true(offset + size <= sizeof probe->config);
    memcpy(probe->config + offset, data, size);
}

static void probe_start(void *device, uint64_t features) {
    struct probe *probe = device;
    probe->starts++;
    probe->features = features;
}

static void probe_notify(void *device, unsigned queue) {
    ((struct probe *)device)->notifies[queue]++;
}

static void probe_reset(void *device) {
    ((struct probe *)device)->resets++;
}

static bool probe_shared_memory(void *device, uint8_t id, uint64_t *gpa, uint64_t *size) {
    (void)device;
    *gpa = 0x8012345000;
    *size = 0x200000000;
    return id == 1;
}

static const struct virtio_device_ops probe_ops = {
    .id = VIRTIO_ID_GPU,
    .queues = 2,
    .queue_size_max = 64,
    .features = probe_features,
    .config_size = 12,
    .config_read = probe_config_read,
    .config_write = probe_config_write,
    .start = probe_start,
    .notify = probe_notify,
    .reset = probe_reset,
    .shared_memory = probe_shared_memory,
};

static struct probe probe;
static struct guest guest;

static int setup(void **state) {
    (void)state;
    memset(&probe, 0, sizeof probe);
    guest_create(&guest, &probe_ops, &probe);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static void identity(void **state) {
    (void)state;
    assert_int_equal(guest_read(&guest, REG_MAGIC), 0x74726976);
    assert_int_equal(guest_read(&guest, REG_VERSION), 2);
    assert_int_equal(guest_read(&guest, REG_DEVICE_ID), 16);
    guest_write(&guest, REG_DEVICE_FEATURES_SEL, 0);
    assert_int_equal(guest_read(&guest, REG_DEVICE_FEATURES), 1u << 3 | 1u << 28 | 1u << 29);
    guest_write(&guest, REG_DEVICE_FEATURES_SEL, 1);
    assert_int_equal(guest_read(&guest, REG_DEVICE_FEATURES), 1u << 0 | 1u << 8);
    guest_write(&guest, REG_DEVICE_FEATURES_SEL, 2);
    assert_int_equal(guest_read(&guest, REG_DEVICE_FEATURES), 0);
}

static void features_are_refused(void **state) {
    (void)state;
    /* Without VERSION_1, with one not offered, and with one past bit 63. */
    assert_false(guest_negotiate(&guest, 1u << 3) & STATUS_FEATURES_OK);
    assert_false(guest_negotiate(&guest, FEATURE_VERSION_1 | 1u << 4) & STATUS_FEATURES_OK);
    guest_write(&guest, REG_STATUS, 0);
    guest_write(&guest, REG_DRIVER_FEATURES_SEL, 1);
    guest_write(&guest, REG_DRIVER_FEATURES, 1);
    guest_write(&guest, REG_DRIVER_FEATURES_SEL, 3);
    guest_write(&guest, REG_DRIVER_FEATURES, 1);
    guest_write(&guest, REG_STATUS, 11);
    assert_int_equal(guest_read(&guest, REG_STATUS), 3);
    /* A driver that goes on regardless gets nowhere. */
    guest_write(&guest, REG_STATUS, 7);
    assert_false(guest_read(&guest, REG_STATUS) & STATUS_DRIVER_OK);
    assert_int_equal(probe.starts, 0);
}

static void a_driver_comes_up(void **state) {
    (void)state;
    struct guest_queue queue;
    uint64_t features = FEATURE_VERSION_1 | FEATURE_INDIRECT | 1u << 3;
    assert_int_equal(guest_negotiate(&guest, features), 11);
    /* Too late to change one's mind. */
    guest_write(&guest, REG_DRIVER_FEATURES_SEL, 0);
    guest_write(&guest, REG_DRIVER_FEATURES, 0);
    guest_queue_create(&queue, &guest, 1, 16, false);
    assert_int_equal(guest_read(&guest, REG_QUEUE_READY), 1);
    guest_write(&guest, REG_QUEUE_NOTIFY, 1); /* not before DRIVER_OK */
    assert_int_equal(probe.notifies[1], 0);
    guest_driver_ok(&guest);
    assert_int_equal(guest_read(&guest, REG_STATUS), 15);
    assert_int_equal(probe.starts, 1);
    assert_int_equal(probe.features, features);
    assert_int_equal(probe.notifies[0], 0); /* was not made ready */
    assert_int_equal(probe.notifies[1], 1); /* for what may be queued already */
    guest_queue_bell(&queue);
    assert_int_equal(probe.notifies[1], 2);
    guest_write(&guest, REG_QUEUE_NOTIFY, 0);
    guest_write(&guest, REG_QUEUE_NOTIFY, 2);
    guest_write(&guest, REG_QUEUE_NOTIFY, 0xffffffff);
    assert_int_equal(probe.notifies[0], 0);
    /* A driver cannot take bits back but by a reset. */
    guest_write(&guest, REG_STATUS, 1);
    assert_int_equal(guest_read(&guest, REG_STATUS), 15);
    unsigned resets = probe.resets;
    guest_write(&guest, REG_STATUS, 0);
    assert_int_equal(guest_read(&guest, REG_STATUS), 0);
    assert_int_equal(probe.resets, resets + 1);
    assert_false(virtq_ready(virtio_queue(guest.device, 1)));
    guest_write(&guest, REG_QUEUE_SEL, 1);
    assert_int_equal(guest_read(&guest, REG_QUEUE_READY), 0);
}

static void queues_are_selected(void **state) {
    (void)state;
    guest_write(&guest, REG_QUEUE_SEL, 1);
    assert_int_equal(guest_read(&guest, REG_QUEUE_NUM_MAX), 64);
    guest_write(&guest, REG_QUEUE_SEL, 2);
    assert_int_equal(guest_read(&guest, REG_QUEUE_NUM_MAX), 0);
    guest_write(&guest, REG_QUEUE_NUM, 8);
    guest_write(&guest, REG_QUEUE_READY, 1);
    assert_int_equal(guest_read(&guest, REG_QUEUE_READY), 0);
}

/* Brings queue 0 up with the given registers; the Status then. */
static uint32_t start_queue(uint32_t size, uint64_t desc, uint64_t driver, uint64_t device) {
    guest_negotiate(&guest, FEATURE_VERSION_1);
    guest_write(&guest, REG_QUEUE_SEL, 0);
    guest_write(&guest, REG_QUEUE_NUM, size);
    guest_write64(&guest, REG_QUEUE_DESC, desc);
    guest_write64(&guest, REG_QUEUE_DRIVER, driver);
    guest_write64(&guest, REG_QUEUE_DEVICE, device);
    guest_write(&guest, REG_QUEUE_READY, 1);
    guest_driver_ok(&guest);
    return guest_read(&guest, REG_STATUS);
}

static void bad_queues_need_a_reset(void **state) {
    (void)state;
    const uint64_t a = GUEST_RAM, b = GUEST_RAM + 0x1000, c = GUEST_RAM + 0x2000,
                   end = GUEST_RAM + GUEST_RAM_SIZE;
    assert_int_equal(start_queue(64, a, b, c), 15);
    assert_int_equal(start_queue(0, a, b, c), 15); /* nothing said: the maximum */
    assert_int_equal(start_queue(3, a, b, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(128, a, b, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(0x10010, a, b, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, a + 8, b, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, a, b + 1, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, a, b, c + 2), 15 | STATUS_NEEDS_RESET);
    /* The last bytes of RAM: 6 + 8 * 16 = 134 are needed. */
    assert_int_equal(start_queue(16, a, b, end - 136), 15);
    assert_int_equal(start_queue(16, a, b, end - 132), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, end - 240, b, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, a, 0xffffffffffffff00, c), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(start_queue(16, 0, b, c), 15 | STATUS_NEEDS_RESET);
    /* And says so with a configuration change interrupt (2.1.2). */
    assert_true(guest_read(&guest, REG_INTERRUPT_STATUS) & INTERRUPT_CONFIG_CHANGE);
}

static void a_running_queue_stays_where_it_is(void **state) {
    (void)state;
    assert_int_equal(start_queue(16, GUEST_RAM, GUEST_RAM + 0x1000, GUEST_RAM + 0x2000), 15);
    guest_write64(&guest, REG_QUEUE_DESC, 0xdead0000);
    guest_write(&guest, REG_QUEUE_NUM, 0);
    assert_true(virtq_ready(virtio_queue(guest.device, 0)));
    guest_write(&guest, REG_QUEUE_READY, 0);
    assert_int_equal(guest_read(&guest, REG_QUEUE_READY), 0);
    assert_false(virtq_ready(virtio_queue(guest.device, 0)));
    guest_write(&guest, REG_QUEUE_READY, 1);
    assert_false(virtq_ready(virtio_queue(guest.device, 0)));
}

static void interrupts(void **state) {
    (void)state;
    virtio_config_changed(guest.device); /* nobody listens yet */
    assert_false(guest.irq_level);
    uint32_t generation = guest_read(&guest, REG_CONFIG_GENERATION);
    guest_negotiate(&guest, FEATURE_VERSION_1);
    guest_driver_ok(&guest);
    virtio_config_changed(guest.device);
    assert_true(guest.irq_level);
    assert_int_not_equal(guest_read(&guest, REG_CONFIG_GENERATION), generation);
    assert_int_equal(guest_read(&guest, REG_INTERRUPT_STATUS), INTERRUPT_CONFIG_CHANGE);
    guest_write(&guest, REG_INTERRUPT_ACK, INTERRUPT_USED);
    assert_true(guest.irq_level);
    guest_write(&guest, REG_INTERRUPT_ACK, 0xff);
    assert_false(guest.irq_level);
    virtio_needs_reset(guest.device);
    virtio_needs_reset(guest.device);
    assert_int_equal(guest_read(&guest, REG_STATUS), 15 | STATUS_NEEDS_RESET);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_CONFIG_CHANGE);
    virtio_config_changed(guest.device);
    guest_write(&guest, REG_STATUS, 0);
    assert_false(guest.irq_level);
    assert_int_equal(guest_read(&guest, REG_INTERRUPT_STATUS), 0);
}

static void shared_memory(void **state) {
    (void)state;
    guest_write(&guest, REG_SHM_SEL, 1);
    assert_int_equal(guest_read(&guest, REG_SHM_LEN), 0);
    assert_int_equal(guest_read(&guest, REG_SHM_LEN + 4), 2);
    assert_int_equal(guest_read(&guest, REG_SHM_BASE), 0x12345000);
    assert_int_equal(guest_read(&guest, REG_SHM_BASE + 4), 0x80);
    for (unsigned id = 0; id <= 0x101; id += id == 0 ? 2 : 0xff) { /* 0, 2, 0x101 */
        guest_write(&guest, REG_SHM_SEL, id);
        assert_int_equal(guest_read(&guest, REG_SHM_LEN), 0xffffffff);
        assert_int_equal(guest_read(&guest, REG_SHM_LEN + 4), 0xffffffff);
        assert_int_equal(guest_read(&guest, REG_SHM_BASE), 0xffffffff);
    }
}

static uint64_t read_any(unsigned offset, unsigned size) {
    uint64_t value = 0;
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + offset, size, &value));
    return value;
}

static void configuration_space(void **state) {
    (void)state;
    for (unsigned i = 0; i < sizeof probe.config; i++)
        probe.config[i] = (uint8_t)(i + 1);
    assert_int_equal(read_any(REG_CONFIG, 1), 0x01);
    assert_int_equal(read_any(REG_CONFIG + 1, 2), 0x0302);
    assert_int_equal(read_any(REG_CONFIG + 4, 4), 0x08070605);
    assert_true(read_any(REG_CONFIG, 8) == 0x0807060504030201);
    /* Across its end, and beyond. */
    assert_int_equal(read_any(REG_CONFIG + 8, 8), 0x0c0b0a09);
    assert_int_equal(read_any(REG_CONFIG + 12, 4), 0);
    assert_int_equal(read_any(0x1ff, 1), 0);
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG + 8, 8, 0x1122334455667788));
    assert_int_equal(read_any(REG_CONFIG + 8, 4), 0x55667788);
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG + 12, 4, 1));
}

static void odd_accesses_do_nothing(void **state) {
    (void)state;
    assert_int_equal(read_any(REG_MAGIC, 1), 0);
    assert_int_equal(read_any(REG_MAGIC, 8), 0);
    assert_int_equal(read_any(REG_MAGIC + 2, 4), 0);
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_STATUS, 1, 1));
    assert_int_equal(guest_read(&guest, REG_STATUS), 0);
    for (unsigned offset = 0; offset < 0x200; offset++)
        for (unsigned size = 1; size <= 8 && offset + size <= 0x200; size *= 2) {
            read_any(offset, size);
            assert_true(mmio_write(guest.bus, GUEST_DEVICE + offset, size, UINT64_MAX));
            assert_true(mmio_write(guest.bus, GUEST_DEVICE + offset, size, offset));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(identity, setup, teardown),
        cmocka_unit_test_setup_teardown(features_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_driver_comes_up, setup, teardown),
        cmocka_unit_test_setup_teardown(queues_are_selected, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_queues_need_a_reset, setup, teardown),
        cmocka_unit_test_setup_teardown(a_running_queue_stays_where_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupts, setup, teardown),
        cmocka_unit_test_setup_teardown(shared_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(configuration_space, setup, teardown),
        cmocka_unit_test_setup_teardown(odd_accesses_do_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
