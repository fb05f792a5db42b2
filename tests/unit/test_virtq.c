/* Split virtqueues from both sides: virtio 1.2, 2.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "support/guest.h"

enum { SIZE = 16 };

static uint64_t no_features(void *device) {
    (void)device;
    return 0;
}
static void on_start(void *device, uint64_t features) {
    (void)device;
    (void)features;
}
static unsigned bells;
static void on_notify(void *device, unsigned queue) {
    (void)device;
    (void)queue;
    bells++;
}
static void on_reset(void *device) {
    (void)device;
}

static const struct virtio_device_ops idle_ops = {
    .id = VIRTIO_ID_RNG,
    .queues = 1,
    .queue_size_max = VIRTIO_QUEUE_SIZE_MAX,
    .features = no_features,
    .start = on_start,
    .notify = on_notify,
    .reset = on_reset,
};

static struct guest guest;
static struct guest_queue driver;
static struct virtq *device;
static struct virtq_chain chain;
static uint64_t data; /* a page of buffers */

static void start(uint64_t features, unsigned size) {
    guest_create(&guest, &idle_ops, NULL);
    assert_int_equal(guest_negotiate(&guest, FEATURE_VERSION_1 | features), 11);
    guest_queue_create(&driver, &guest, 0, size, features & FEATURE_EVENT_IDX);
    data = guest_alloc(&guest, 4096);
    guest_driver_ok(&guest);
    device = virtio_queue(guest.device, 0);
    assert_true(virtq_ready(device));
}

static int start_plain(void **state) {
    (void)state;
    start(0, SIZE);
    return 0;
}

static int start_full(void **state) {
    (void)state;
    start(FEATURE_INDIRECT | FEATURE_EVENT_IDX, SIZE);
    return 0;
}

static int stop(void **state) {
    (void)state;
    guest_destroy(&guest);
    return 0;
}

static bool is_broken(void) {
    return guest_read(&guest, REG_STATUS) & STATUS_NEEDS_RESET;
}

/* Offers what lies in the descriptor table from 0 on: it must break the queue. */
static void assert_breaks(void) {
    guest_queue_offer(&driver, 0);
    assert_false(virtq_pop(device, &chain));
    assert_true(is_broken());
    assert_false(virtq_ready(device));
    assert_false(virtq_pop(device, &chain));
}

static void a_chain_goes_round(void **state) {
    (void)state;
    const struct guest_desc parts[] = {{data, 16, 0, 0}, {data + 16, 4, 0, 0}, {data + 64, 32, DESC_WRITE, 0},
        {data + 128, 1, DESC_WRITE, 0}};
    assert_false(virtq_pending(device));
    assert_false(virtq_pop(device, &chain));
    driver.next_desc = SIZE - 2; /* the chain wraps around the table's end */
    uint16_t head = guest_queue_add(&driver, parts, 4, false);
    assert_true(virtq_pending(device));
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.head, head);
    assert_int_equal(chain.out_count, 2);
    assert_int_equal(chain.out_size, 20);
    assert_int_equal(chain.in_count, 2);
    assert_int_equal(chain.in_size, 33);
    assert_ptr_equal(chain.out[1].iov_base, guest_at(&guest, data + 16));
    assert_ptr_equal(chain.in[0].iov_base, guest_at(&guest, data + 64));
    assert_int_equal(chain.in[1].iov_len, 1);
    assert_false(virtq_pop(device, &chain));

    virtq_push(device, head, 33);
    uint32_t used, written;
    assert_true(guest_queue_take(&driver, &used, &written));
    assert_int_equal(used, head);
    assert_int_equal(written, 33);
    assert_false(guest.irq_level);
    virtq_interrupt(device);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_USED);
    virtq_interrupt(device); /* nothing new */
    assert_int_equal(guest_take_interrupt(&guest), 0);
}

/* A paused machine: nothing is taken, what was is finished, and the bell rings for the rest afterwards. */
static void a_held_queue_waits(void **state) {
    (void)state;
    const struct guest_desc part = {data, 16, 0, 0};
    uint16_t first = guest_queue_add(&driver, &part, 1, false);
    guest_queue_add(&driver, &part, 1, false);
    assert_true(virtq_pop(device, &chain));
    virtio_mmio_hold(guest.device, true);
    assert_false(virtq_pending(device));
    assert_false(virtq_pop(device, &chain));
    virtq_push(device, first, 0);
    uint32_t used, written;
    assert_true(guest_queue_take(&driver, &used, &written));
    unsigned before = bells;
    virtio_mmio_hold(guest.device, false);
    assert_int_equal(bells, before + 1);
    assert_true(virtq_pending(device));
    assert_true(virtq_pop(device, &chain));
}

static void chains_can_be_put_back(void **state) {
    (void)state;
    const struct guest_desc part = {data, 8, DESC_WRITE, 0};
    uint16_t first = guest_queue_add(&driver, &part, 1, false);
    uint16_t second = guest_queue_add(&driver, &part, 1, false);
    assert_true(virtq_pop(device, &chain) && virtq_pop(device, &chain));
    virtq_unpop(device, 2);
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.head, first);
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.head, second);
    assert_false(virtq_pop(device, &chain));
}

static void empty_buffers_are_skipped(void **state) {
    (void)state;
    const struct guest_desc parts[] = {
        {0, 0, 0, 0}, {data, 5, 0, 0}, {0, 0, DESC_WRITE, 0}, {UINT64_MAX, 0, DESC_WRITE, 0}};
    guest_queue_add(&driver, parts, 4, false);
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.out_count, 1);
    assert_int_equal(chain.in_count, 0);
    assert_int_equal(chain.in_size, 0);
}

static void a_full_ring_many_times_over(void **state) {
    (void)state;
    const struct guest_desc part = {data, 8, DESC_WRITE, 0};
    /* More than 65536 in all: every index wraps. */
    for (unsigned round = 0; round < 5000; round++) {
        for (unsigned i = 0; i < SIZE; i++)
            guest_queue_add(&driver, &part, 1, false);
        for (unsigned i = 0; i < SIZE; i++) {
            assert_true(virtq_pop(device, &chain));
            virtq_push(device, chain.head, i);
        }
        assert_false(virtq_pop(device, &chain));
        for (unsigned i = 0; i < SIZE; i++) {
            uint32_t head, written;
            assert_true(guest_queue_take(&driver, &head, &written));
            assert_int_equal(head, i);
            assert_int_equal(written, i);
        }
    }
    assert_false(is_broken());
}

static void flags_suppress_notifications(void **state) {
    (void)state;
    const struct guest_desc part = {data, 8, DESC_WRITE, 0};
    guest_queue_add(&driver, &part, 1, false);
    assert_true(guest_queue_wants_bell(&driver));
    virtq_enable_notify(device, false);
    guest_queue_add(&driver, &part, 1, false);
    assert_false(guest_queue_wants_bell(&driver));
    virtq_enable_notify(device, true);
    guest_queue_add(&driver, &part, 1, false);
    assert_true(guest_queue_wants_bell(&driver));

    driver.avail[0] = 1; /* VIRTQ_AVAIL_F_NO_INTERRUPT */
    assert_true(virtq_pop(device, &chain));
    virtq_push(device, chain.head, 0);
    virtq_interrupt(device);
    assert_false(guest.irq_level);
    driver.avail[0] = 0;
    assert_true(virtq_pop(device, &chain));
    virtq_push(device, chain.head, 0);
    virtq_interrupt(device);
    assert_true(guest.irq_level);
}

static void event_index_suppresses_bells(void **state) {
    (void)state;
    const struct guest_desc part = {data, 8, DESC_WRITE, 0};
    for (unsigned round = 0; round < 70000; round++) {
        /* The device has caught up: the first of two needs the bell, the second, still in the ring, does not.
         */
        guest_queue_add(&driver, &part, 1, false);
        assert_true(guest_queue_wants_bell(&driver));
        guest_queue_add(&driver, &part, 1, false);
        assert_false(guest_queue_wants_bell(&driver));
        virtq_enable_notify(device, false);
        assert_true(virtq_pop(device, &chain));
        assert_true(virtq_pop(device, &chain));
        guest_queue_add(&driver, &part, 1, false); /* while the device polls */
        assert_false(guest_queue_wants_bell(&driver));
        virtq_enable_notify(device, true);
        assert_true(virtq_pop(device, &chain));
        assert_false(virtq_pop(device, &chain));
        for (unsigned i = 0; i < 3; i++)
            virtq_push(device, 0, 0);
    }
}

static void event_index_suppresses_interrupts(void **state) {
    (void)state;
    const struct guest_desc part = {data, 8, DESC_WRITE, 0};
    for (unsigned round = 0; round < 70000; round++) {
        uint16_t now = guest_queue_used_idx(&driver);
        guest_queue_set_used_event(&driver, (uint16_t)(now + 2)); /* when the third is used */
        for (unsigned i = 0; i < 5; i++) {
            guest_queue_add(&driver, &part, 1, false);
            assert_true(virtq_pop(device, &chain));
            virtq_push(device, chain.head, 0);
            virtq_interrupt(device);
            assert_int_equal(guest_take_interrupt(&guest), i == 2 ? INTERRUPT_USED : 0);
        }
    }
    /* A batch that jumps over the event interrupts once. */
    guest_queue_set_used_event(&driver, (uint16_t)(guest_queue_used_idx(&driver) + 1));
    for (unsigned i = 0; i < 5; i++) {
        guest_queue_add(&driver, &part, 1, false);
        assert_true(virtq_pop(device, &chain));
        virtq_push(device, chain.head, 0);
    }
    virtq_interrupt(device);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_USED);
}

static void indirect_tables(void **state) {
    (void)state;
    struct guest_desc parts[100];
    for (unsigned i = 0; i < 100; i++) /* more than the queue has entries */
        parts[i] = (struct guest_desc){data + i, 1, i < 40 ? 0 : DESC_WRITE, 0};
    uint16_t head = guest_queue_add(&driver, parts, 100, true);
    driver.desc[head].flags |= DESC_WRITE; /* to be ignored here (2.7.5.3.2) */
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.head, head);
    assert_int_equal(chain.out_count, 40);
    assert_int_equal(chain.in_size, 60);

    /* Normal descriptors may come before it, and its entries need not be in order. */
    uint64_t at = guest_alloc(&guest, 48);
    struct guest_desc *table = guest_at(&guest, at);
    table[0] = (struct guest_desc){data, 10, DESC_NEXT, 2};
    table[2] = (struct guest_desc){data + 10, 20, DESC_WRITE, 1};
    driver.desc[5] = (struct guest_desc){data + 30, 3, DESC_NEXT, 6};
    driver.desc[6] = (struct guest_desc){at, 48, DESC_INDIRECT, 0};
    guest_queue_offer(&driver, 5);
    assert_true(virtq_pop(device, &chain));
    assert_int_equal(chain.head, 5);
    assert_int_equal(chain.out_size, 13);
    assert_int_equal(chain.in_size, 20);
}

static void break_readable_after_writable(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){data, 8, DESC_WRITE | DESC_NEXT, 1};
    driver.desc[1] = (struct guest_desc){data, 8, 0, 0};
    assert_breaks();
}

static void break_loop(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){data, 8, DESC_NEXT, 1};
    driver.desc[1] = (struct guest_desc){data, 0, DESC_NEXT, 0};
    assert_breaks();
}

static void break_self_loop(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){0, 0, DESC_NEXT, 0};
    assert_breaks();
}

static void break_head_index(void **state) {
    (void)state;
    guest_queue_offer(&driver, SIZE);
    assert_false(virtq_pop(device, &chain));
    assert_true(is_broken());
}

static void break_next_index(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){data, 8, DESC_NEXT, 0xffff};
    assert_breaks();
}

static void break_address(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){GUEST_RAM + GUEST_RAM_SIZE - 4, 8, 0, 0};
    assert_breaks();
}

static void break_address_wraps(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){UINT64_MAX - 3, 0xffffffff, DESC_WRITE, 0};
    assert_breaks();
}

static void break_count(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){data, 8, 0, 0};
    driver.avail[1] = SIZE; /* a full ring is the most there can be */
    assert_true(virtq_pop(device, &chain));
    driver.avail[1] = SIZE + 2;
    assert_false(virtq_pending(device));
    assert_false(virtq_pop(device, &chain));
    assert_true(is_broken());
    virtq_push(device, 0, 0); /* goes nowhere */
    virtq_interrupt(device);
    assert_int_equal(guest_queue_used_idx(&driver), 0);
}

static void break_indirect_not_negotiated(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){data, 16, DESC_INDIRECT, 0};
    assert_breaks();
}

static void break_indirect(const struct guest_desc *outer, const struct guest_desc *inner) {
    memcpy(guest_at(&guest, data), inner, sizeof *inner);
    driver.desc[0] = *outer;
    assert_breaks();
}

static const struct guest_desc good_inner = {GUEST_RAM, 4, 0, 0};

static void break_indirect_next(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){data, 16, DESC_INDIRECT | DESC_NEXT, 1}, &good_inner);
}

static void break_indirect_empty(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){data, 0, DESC_INDIRECT, 0}, &good_inner);
}

static void break_indirect_odd_size(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){data, 24, DESC_INDIRECT, 0}, &good_inner);
}

static void break_indirect_outside(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){GUEST_RAM + GUEST_RAM_SIZE - 16, 32, DESC_INDIRECT, 0}, &good_inner);
}

static void break_indirect_nested(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){data, 16, DESC_INDIRECT, 0},
        &(struct guest_desc){GUEST_RAM, 16, DESC_INDIRECT, 0});
}

static void break_indirect_index(void **state) {
    (void)state;
    break_indirect(
        &(struct guest_desc){data, 16, DESC_INDIRECT, 0}, &(struct guest_desc){GUEST_RAM, 16, DESC_NEXT, 1});
}

/* A huge table whose first entry points to itself: an end must come, and soon. */
static void break_indirect_endless(void **state) {
    (void)state;
    break_indirect(&(struct guest_desc){data, GUEST_RAM_SIZE / 2, DESC_INDIRECT, 0},
        &(struct guest_desc){0, 0, DESC_NEXT, 0});
}

static void break_indirect_too_long(void **state) {
    (void)state;
    const unsigned count = VIRTIO_QUEUE_SIZE_MAX + 1;
    uint64_t at = guest_alloc(&guest, 16 * count);
    struct guest_desc *table = guest_at(&guest, at);
    for (unsigned i = 0; i < count; i++)
        table[i] = (struct guest_desc){data, 1, i + 1 < count ? DESC_NEXT : 0, (uint16_t)(i + 1)};
    driver.desc[0] = (struct guest_desc){at, 16 * (count - 1), DESC_INDIRECT, 0};
    table[count - 2].flags = 0;
    guest_queue_offer(&driver, 0);
    assert_true(virtq_pop(device, &chain)); /* 1024 are fine */
    assert_int_equal(chain.out_count, VIRTIO_QUEUE_SIZE_MAX);
    table[count - 2].flags = DESC_NEXT;
    driver.desc[0].len = 16 * count;
    assert_breaks();
}

static void a_reset_mends_it(void **state) {
    (void)state;
    driver.desc[0] = (struct guest_desc){0, 8, 0, 0};
    assert_breaks();
    guest_negotiate(&guest, FEATURE_VERSION_1);
    guest_queue_create(&driver, &guest, 0, SIZE, false);
    guest_driver_ok(&guest);
    const struct guest_desc part = {data, 8, 0, 0};
    guest_queue_add(&driver, &part, 1, false);
    assert_true(virtq_pop(device, &chain));
    assert_false(is_broken());
}

static void iovec_copies(void **state) {
    (void)state;
    char a[4] = "abcd", b[1] = "e", c[3] = "fgh", out[16] = {0};
    const struct iovec iov[] = {{a, 4}, {NULL, 0}, {b, 1}, {c, 3}};
    assert_int_equal(iov_read(iov, 4, 3, out, 16), 5);
    assert_memory_equal(out, "defgh", 5);
    assert_int_equal(iov_read(iov, 4, 8, out, 16), 0);
    assert_int_equal(iov_read(iov, 4, SIZE_MAX, out, 16), 0);
    assert_int_equal(iov_write(iov, 4, 2, "WXYZ", 4), 4);
    assert_memory_equal(a, "abWX", 4);
    assert_memory_equal(b, "Y", 1);
    assert_memory_equal(c, "Zgh", 3);
}

#define PLAIN(f) cmocka_unit_test_setup_teardown(f, start_plain, stop)
#define FULL(f)  cmocka_unit_test_setup_teardown(f, start_full, stop)

int main(void) {
    const struct CMUnitTest tests[] = {
        PLAIN(a_chain_goes_round),
        PLAIN(a_held_queue_waits),
        PLAIN(chains_can_be_put_back),
        PLAIN(empty_buffers_are_skipped),
        PLAIN(a_full_ring_many_times_over),
        PLAIN(flags_suppress_notifications),
        FULL(event_index_suppresses_bells),
        FULL(event_index_suppresses_interrupts),
        FULL(indirect_tables),
        PLAIN(break_readable_after_writable),
        PLAIN(break_loop),
        PLAIN(break_self_loop),
        PLAIN(break_head_index),
        PLAIN(break_next_index),
        PLAIN(break_address),
        PLAIN(break_address_wraps),
        PLAIN(break_count),
        PLAIN(break_indirect_not_negotiated),
        FULL(break_indirect_next),
        FULL(break_indirect_empty),
        FULL(break_indirect_odd_size),
        FULL(break_indirect_outside),
        FULL(break_indirect_nested),
        FULL(break_indirect_index),
        FULL(break_indirect_endless),
        FULL(break_indirect_too_long),
        PLAIN(a_reset_mends_it),
        cmocka_unit_test(iovec_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
