/* The event loop, wakes that are held, the guest-memory slots and the MMIO bus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <unistd.h>

#include "bus/memory.h"
#include "bus/mmio.h"
#include "host/clock.h"
#include "host/loop.h"
#include "host/sleep.h"

struct trace {
    struct host_loop *loop;
    struct host_timer *timer;
    char order[16];
    unsigned count;
    uint64_t fired_at;
};

static void note(struct trace *t, char what) {
    assert_true(t->count < sizeof t->order - 1);
    t->order[t->count++] = what;
}

static void on_timer(void *ctx) {
    struct trace *t = ctx;
    t->fired_at = host_now_ns();
    note(t, 't');
    host_loop_stop(t->loop);
}

static void on_post(void *ctx) {
    note(ctx, 'p');
}

static void on_second_post(void *ctx) {
    note(ctx, 'q');
}

static void *post_from_elsewhere(void *ctx) {
    struct trace *t = ctx;
    host_loop_post(t->loop, on_post, t);
    host_loop_post(t->loop, on_second_post, t);
    host_timer_arm(t->timer, host_now_ns() + 20000000);
    return NULL;
}

static void posts_come_in_order_and_timers_not_early(void **state) {
    (void)state;
    struct trace t = {.loop = host_loop_create(NULL)};
    t.timer = host_timer_create(t.loop, on_timer, &t);
    uint64_t start = host_now_ns();
    pthread_t thread;
    pthread_create(&thread, NULL, post_from_elsewhere, &t);
    host_loop_run(t.loop);
    pthread_join(thread, NULL);
    assert_string_equal(t.order, "pqt");
    assert_true(t.fired_at - start >= 20000000);
    host_loop_destroy(t.loop);
}

struct pipe_watch {
    struct host_loop *loop;
    struct host_source *self, *other;
    int fd;
    unsigned calls;
};

static void on_readable(void *ctx, unsigned events) {
    struct pipe_watch *w = ctx;
    assert_true(events & HOST_READABLE);
    char byte;
    assert_int_equal(read(w->fd, &byte, 1), 1);
    w->calls++;
    host_source_remove(w->other); /* whose event is in the same round */
    host_loop_stop(w->loop);
}

static void a_source_removed_in_a_callback_is_not_called(void **state) {
    (void)state;
    struct host_loop *loop = host_loop_create(NULL);
    int a[2], b[2];
    assert_int_equal(pipe(a), 0);
    assert_int_equal(pipe(b), 0);
    struct pipe_watch first = {.loop = loop, .fd = a[0]}, second = {.loop = loop, .fd = b[0]};
    first.self = second.other = host_source_add(loop, a[0], HOST_READABLE, on_readable, &first);
    second.self = first.other = host_source_add(loop, b[0], HOST_READABLE, on_readable, &second);
    assert_int_equal(write(a[1], "x", 1), 1);
    assert_int_equal(write(b[1], "x", 1), 1);
    host_loop_run(loop);
    assert_int_equal(first.calls + second.calls, 1);
    host_loop_destroy(loop);
    for (int i = 0; i < 2; i++) {
        close(a[i]);
        close(b[i]);
    }
}

static void cancel_both(void *ctx) {
    struct trace *t = ctx;
    note(t, 'c');
    host_loop_cancel(t->loop, &t->count);
    host_loop_stop(t->loop);
}

static void on_cancelled(void *ctx) {
    (void)ctx;
    fail_msg("a cancelled call was made");
}

/* Also those of the same round, which the loop has taken already; and others' stay. */
static void cancelled_calls_are_not_made(void **state) {
    (void)state;
    struct trace t = {.loop = host_loop_create(NULL)};
    host_loop_post(t.loop, cancel_both, &t);
    host_loop_post(t.loop, on_cancelled, &t.count);
    host_loop_post(t.loop, on_post, &t);
    host_loop_post(t.loop, on_cancelled, &t.count);
    host_loop_run(t.loop);
    host_loop_post(t.loop, on_cancelled, &t.count);
    host_loop_cancel(t.loop, &t.count);
    host_loop_post(t.loop, on_second_post, &t);
    host_loop_post(t.loop, cancel_both, &t);
    host_loop_run(t.loop);
    assert_string_equal(t.order, "cpqc");
    host_loop_destroy(t.loop);
}

static void memory_refuses_overlaps_and_dma_stays_in_ram(void **state) {
    (void)state;
    static uint8_t ram[8192], window[4096];
    struct memory *memory = memory_create();
    struct error e;
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x1000, 8192, ram, MEMORY_RAM}, &e), 0);
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x2000, 4096, ram, MEMORY_RAM}, &e), -1);
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x2000, 4096, window, MEMORY_WINDOW}, &e), -1);
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x3001, 4096, ram, MEMORY_RAM}, &e), -1);
    assert_int_equal(memory_add(memory, &(struct memory_slot){-4096ull, 8192, ram, MEMORY_RAM}, &e), -1);
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x4000, 4096, window, MEMORY_WINDOW}, &e), 0);

    assert_ptr_equal(memory_dma(memory, 0x1000, 8192), ram);
    assert_ptr_equal(memory_dma(memory, 0x2fff, 1), ram + 8191);
    assert_null(memory_dma(memory, 0x2fff, 2));
    assert_null(memory_dma(memory, 0xfff, 2));
    assert_null(memory_dma(memory, 0x1800, UINT64_MAX));
    assert_null(memory_dma(memory, 0x1000, 0));
    assert_null(memory_dma(memory, 0x4000, 1)); /* a window is no place for DMA */

    memory_remove(memory, 0x4000);
    assert_int_equal(memory_add(memory, &(struct memory_slot){0x4000, 4096, window, MEMORY_WINDOW}, &e), 0);
    memory_destroy(memory);
}

static uint64_t echo_read(void *device, uint64_t offset, unsigned size) {
    (void)device;
    return offset << 8 | size;
}

static void echo_write(void *device, uint64_t offset, unsigned size, uint64_t value) {
    *(uint64_t *)device = offset << 16 | size << 8 | value;
}

static void mmio_finds_the_region(void **state) {
    (void)state;
    static const struct mmio_ops echo = {echo_read, echo_write};
    struct mmio_bus *bus = mmio_bus_create();
    uint64_t last = 0, value = 0;
    assert_int_equal(mmio_add(bus, "b", 0x2000, 0x200, &echo, &last, NULL), 0);
    assert_int_equal(mmio_add(bus, "a", 0x1000, 0x1000, &echo, &last, NULL), 0);
    assert_int_equal(mmio_add(bus, "c", 0x21f0, 0x100, &echo, &last, NULL), -1);
    assert_int_equal(mmio_add(bus, "d", 0x800, 0x801, &echo, &last, NULL), -1);
    assert_true(mmio_read(bus, 0x1ffc, 4, &value));
    assert_int_equal(value, 0xffc04);
    assert_false(mmio_read(bus, 0x1ffc, 8, &value)); /* never across the end */
    assert_false(mmio_read(bus, 0x2200, 1, &value));
    assert_false(mmio_read(bus, 0xfff, 1, &value));
    assert_true(mmio_write(bus, 0x2004, 2, 7));
    assert_int_equal(last, 0x40207);
    mmio_bus_destroy(bus);
}

static _Atomic uint32_t word;
static atomic_bool woken;

static void *sleeper(void *ctx) {
    (void)ctx;
    host_sleep_on(&word, 0, host_now_ns() + 10000000000u);
    woken = true;
    return NULL;
}

static void held_wakes_come_when_released(void **state) {
    (void)state;
    pthread_t thread;
    pthread_mutex_t outer = PTHREAD_MUTEX_INITIALIZER, inner = PTHREAD_MUTEX_INITIALIZER;
    uint64_t start = host_now_ns();
    assert_int_equal(pthread_create(&thread, NULL, sleeper, NULL), 0);
    usleep(50000); /* until it sleeps */
    host_lock(&outer);
    host_lock(&inner);
    host_wake_all(&word);
    host_unlock(&inner);
    usleep(50000);
    assert_false(woken);
    host_unlock(&outer);
    pthread_join(thread, NULL);
    assert_true(host_now_ns() - start < 5000000000u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_come_in_order_and_timers_not_early),
        cmocka_unit_test(a_source_removed_in_a_callback_is_not_called),
        cmocka_unit_test(cancelled_calls_are_not_made),
        cmocka_unit_test(held_wakes_come_when_released),
        cmocka_unit_test(memory_refuses_overlaps_and_dma_stays_in_ram),
        cmocka_unit_test(mmio_finds_the_region),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
