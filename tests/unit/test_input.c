/* Keyboard and tablet: virtio 1.2, 5.8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/guest.h"
#include "virtio/input.h"

enum { QUEUE_SIZE = 64, CONFIG_SIZE = 2, CONFIG_DATA = 8 };

static struct virtio_input *input;
static struct guest guest;
static struct guest_queue events, status;
static uint64_t data;

static void start(enum virtio_input_kind kind) {
    struct error e;
    input = virtio_input_create(kind, &e);
    guest_create(&guest, &virtio_input_ops, input);
    virtio_input_attach(input, guest.device);
    virtio_input_key(input, 30, true); /* nobody listens yet */
    assert_int_equal(guest_negotiate(&guest, FEATURE_VERSION_1), 11);
    guest_queue_create(&events, &guest, 0, QUEUE_SIZE, false);
    guest_queue_create(&status, &guest, 1, QUEUE_SIZE, false);
    data = guest_alloc(&guest, 4096);
    guest_driver_ok(&guest);
}

static int start_keyboard(void **state) {
    (void)state;
    start(VIRTIO_INPUT_KEYBOARD);
    return 0;
}

static int start_tablet(void **state) {
    (void)state;
    start(VIRTIO_INPUT_TABLET);
    return 0;
}

static int stop(void **state) {
    (void)state;
    guest_destroy(&guest);
    virtio_input_destroy(input);
    return 0;
}

static unsigned config_byte(unsigned offset) {
    uint64_t value = 0;
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + offset, 1, &value));
    return (unsigned)value;
}

/* The size of what select and subsel name. */
static unsigned ask(unsigned select, unsigned subsel) {
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG, 1, select));
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG + 1, 1, subsel));
    assert_int_equal(config_byte(0), select);
    assert_int_equal(config_byte(1), subsel);
    return config_byte(CONFIG_SIZE);
}

static bool bit(unsigned number) {
    return config_byte(CONFIG_DATA + number / 8) >> number % 8 & 1;
}

static void keyboard_describes_itself(void **state) {
    (void)state;
    unsigned size = ask(0x01, 0);
    char name[129] = {0};
    for (unsigned i = 0; i < size; i++)
        name[i] = (char)config_byte(CONFIG_DATA + i);
    assert_string_equal(name, "PearVisor Keyboard");
    assert_int_equal(ask(0x03, 0), 8); /* ids */
    assert_int_equal(config_byte(CONFIG_DATA), 0x06);
    assert_int_equal(ask(0x11, 0x01), 248 / 8 + 1); /* KEY_ESC to KEY_MICMUTE */
    assert_false(bit(0));
    assert_true(bit(1) && bit(30) && bit(125) && bit(248));
    assert_false(bit(249));
    assert_int_equal(ask(0x11, 0x11), 1); /* LEDs */
    assert_true(bit(0) && bit(1) && bit(2));
    assert_int_not_equal(ask(0x11, 0x14), 0); /* repeats in the guest */
    assert_int_equal(ask(0x11, 0x03), 0);
    assert_int_equal(ask(0x12, 0), 0);
    for (unsigned select = 0; select < 256; select++)
        for (unsigned subsel = 0; subsel < 256; subsel += 5)
            assert_true(ask(select, subsel) <= 128);
}

static void tablet_describes_itself(void **state) {
    (void)state;
    assert_int_equal(ask(0x11, 0x01), 0x114 / 8 + 1);
    assert_true(bit(0x110) && bit(0x111) && bit(0x112));
    assert_false(bit(30));
    assert_int_equal(ask(0x11, 0x03), 1);
    assert_true(bit(0) && bit(1));
    assert_int_equal(ask(0x11, 0x02), 2);
    assert_true(bit(8) && bit(6));
    assert_int_equal(ask(0x12, 1), 20);
    assert_int_equal(guest_read(&guest, REG_CONFIG + CONFIG_DATA), 0);
    assert_int_equal(guest_read(&guest, REG_CONFIG + CONFIG_DATA + 4), 32767);
    assert_int_equal(ask(0x12, 2), 0);
}

static void give_buffers(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        const struct guest_desc part = {data + 8 * events.next_desc, 8, DESC_WRITE, 0};
        guest_queue_add(&events, &part, 1, false);
    }
    guest_queue_bell(&events);
}

static void assert_event(uint16_t type, uint16_t code, uint32_t value) {
    uint32_t head, written;
    assert_true(guest_queue_take(&events, &head, &written));
    assert_int_equal(written, 8);
    struct virtio_input_event got;
    memcpy(&got, guest_at(&guest, data + 8 * head), sizeof got);
    assert_int_equal(got.type, type);
    assert_int_equal(got.code, code);
    assert_int_equal(got.value, value);
}

static void keys(void **state) {
    (void)state;
    give_buffers(4);
    virtio_input_key(input, 30, true);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_USED);
    virtio_input_key(input, 30, false);
    assert_event(1, 30, 1);
    assert_event(0, 0, 0);
    assert_event(1, 30, 0);
    assert_event(0, 0, 0);
    /* Without buffers events wait, in order. */
    virtio_input_key(input, 31, true);
    virtio_input_key(input, 31, false);
    assert_int_equal(guest_queue_used_idx(&events), 4);
    give_buffers(4);
    assert_event(1, 31, 1);
    assert_event(0, 0, 0);
    assert_event(1, 31, 0);
    assert_event(0, 0, 0);
}

static void pointer(void **state) {
    (void)state;
    give_buffers(8);
    virtio_input_move(input, 100, 32767);
    assert_event(3, 0, 100);
    assert_event(3, 1, 32767);
    assert_event(0, 0, 0);
    virtio_input_key(input, INPUT_BTN_LEFT, true);
    assert_event(1, 0x110, 1);
    assert_event(0, 0, 0);
}

static void too_many_events(void **state) {
    (void)state;
    virtio_input_key(input, 42, true);
    for (unsigned i = 0; i < 10000; i++)
        virtio_input_move(input, i, i);
    virtio_input_key(input, 43, true);  /* one too many */
    virtio_input_key(input, 42, false); /* but a release gets through */
    struct virtio_input_stats stats;
    virtio_input_stats(input, &stats);
    assert_int_not_equal(stats.dropped, 0);
    assert_int_equal(stats.reports + stats.dropped, 10003);
    bool pressed = false, released = false;
    uint16_t last_type = 0;
    for (unsigned round = 0; round < 1000 && !released; round++) {
        give_buffers(1);
        uint32_t head, written;
        if (!guest_queue_take(&events, &head, &written))
            break;
        struct virtio_input_event got;
        memcpy(&got, guest_at(&guest, data + 8 * head), sizeof got);
        assert_false(got.type == 1 && got.code == 43);
        assert_false(got.type == 1 && last_type != 0); /* reports are whole */
        pressed |= got.type == 1 && got.code == 42 && got.value == 1;
        released |= got.type == 1 && got.code == 42 && got.value == 0;
        last_type = got.type;
    }
    assert_true(pressed && released);
}

static void leds(void **state) {
    (void)state;
    const struct virtio_input_event lit[] = {
        {0x11, 1, 1}, {0x11, 0, 1}, {0x11, 0, 0}, {0x11, 900, 1}, {1, 2, 1}};
    memcpy(guest_at(&guest, data), lit, sizeof lit);
    for (unsigned i = 0; i < 5; i++) {
        const struct guest_desc part = {data + 8 * i, 8, 0, 0};
        guest_queue_add(&status, &part, 1, false);
    }
    const struct guest_desc cut = {data, 7, 0, 0};
    guest_queue_add(&status, &cut, 1, false);
    guest_queue_bell(&status);
    assert_int_equal(guest_queue_used_idx(&status), 6);
    assert_int_equal(virtio_input_leds(input), 2);
    guest_write(&guest, REG_STATUS, 0);
    assert_int_equal(virtio_input_leds(input), 0);
}

#define WITH(f, s) cmocka_unit_test_setup_teardown(f, s, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH(keyboard_describes_itself, start_keyboard),
        WITH(tablet_describes_itself, start_tablet),
        WITH(keys, start_keyboard),
        WITH(pointer, start_tablet),
        WITH(too_many_events, start_tablet),
        WITH(leds, start_keyboard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
