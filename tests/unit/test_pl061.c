/* The GPIO (DDI 0190) with its power key, and the clock (DDI 0224). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <time.h>

#include "board/pl031.h"
#include "board/pl061.h"
#include "support/run_loop.h"

enum {
    DATA = 0x3fc,
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40c,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41c
};
enum {
    RTC_DR = 0,
    RTC_MR = 4,
    RTC_LR = 8,
    RTC_CR = 12,
    RTC_IMSC = 16,
    RTC_RIS = 20,
    RTC_MIS = 24,
    RTC_ICR = 28
};
enum { KEY = 3 };

static struct host_loop *loop;
static struct pl061 *gpio;
static struct pl031 *rtc;
static bool irq;

static void set_irq(void *controller, unsigned number, bool level) {
    (void)number;
    *(bool *)controller = level;
}

static uint32_t get(uint64_t offset) {
    return (uint32_t)pl061_ops.read(gpio, offset, 4);
}

static void set(uint64_t offset, uint32_t value) {
    pl061_ops.write(gpio, offset, 4, value);
}

static uint32_t rtc_get(uint64_t offset) {
    return (uint32_t)pl031_ops.read(rtc, offset, 4);
}

static void rtc_set(uint64_t offset, uint32_t value) {
    pl031_ops.write(rtc, offset, 4, value);
}

static int setup(void **state) {
    (void)state;
    struct irq_line line = {.set = set_irq, .controller = &irq};
    irq = false;
    loop = host_loop_create(NULL);
    gpio = pl061_create(loop, &line, NULL);
    rtc = pl031_create(loop, &line, NULL);
    return loop && gpio && rtc ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    pl061_destroy(gpio);
    pl031_destroy(rtc);
    host_loop_destroy(loop);
    return 0;
}

static void address_selects_lines(void **state) {
    (void)state;
    set(DIR, 0xf0);
    set(0xff << 2, 0xff); /* inputs stay as they are */
    assert_int_equal(get(DATA), 0xf0);
    set(0x30 << 2, 0x00);
    assert_int_equal(get(DATA), 0xc0);
    assert_int_equal(get(0x40 << 2), 0x40);
    pl061_set_input(gpio, 0, true);
    pl061_set_input(gpio, 7, true); /* an output: the outside does not show */
    assert_int_equal(get(DATA), 0xc1);
}

static void power_key_gives_both_edges(void **state) {
    (void)state;
    set(IBE, 1 << KEY);
    set(IE, 1 << KEY);
    pl061_press(gpio, KEY);
    assert_true(irq);
    assert_int_equal(get(DATA), 1 << KEY);
    assert_int_equal(get(MIS), 1 << KEY);
    set(IC, 1 << KEY);
    assert_false(irq);
    run_for(loop, 20);
    assert_int_equal(get(DATA), 1 << KEY); /* held longer than drivers debounce */
    run_for(loop, 150);
    assert_int_equal(get(DATA), 0);
    assert_true(irq);
}

static void edges_by_direction(void **state) {
    (void)state;
    set(IE, 0xff);
    set(IEV, 1);
    pl061_set_input(gpio, 0, true);
    pl061_set_input(gpio, 1, true);
    assert_int_equal(get(RIS), 1); /* rising on 0; line 1 wants falling */
    pl061_set_input(gpio, 0, false);
    pl061_set_input(gpio, 1, false);
    assert_int_equal(get(RIS), 3);
    set(IC, 3);
    assert_int_equal(get(RIS), 0);
}

static void levels_last(void **state) {
    (void)state;
    set(IS, 4);
    set(IEV, 4);
    set(IE, 4);
    pl061_set_input(gpio, 2, true);
    assert_true(irq);
    set(IC, 4);
    assert_true(irq);
    pl061_set_input(gpio, 2, false);
    assert_false(irq);
}

static void clock_tells_the_time(void **state) {
    (void)state;
    assert_in_range(rtc_get(RTC_DR), time(NULL) - 1, time(NULL) + 1);
    assert_int_equal(rtc_get(RTC_CR), 1);
    rtc_set(RTC_LR, 1000);
    assert_in_range(rtc_get(RTC_DR), 1000, 1001);
    assert_int_equal(rtc_get(RTC_LR), 1000);
    assert_int_equal(rtc_get(0xfe0), 0x31);
}

static void alarm_rings(void **state) {
    (void)state;
    rtc_set(RTC_IMSC, 1);
    rtc_set(RTC_LR, 0xffffffff);
    rtc_set(RTC_MR, 0); /* over the end of the counter */
    run_for(loop, 10);
    assert_false(irq);
    run_for(loop, 2100);
    assert_true(irq);
    assert_int_equal(rtc_get(RTC_MIS), 1);
    rtc_set(RTC_ICR, 1);
    assert_false(irq);
    assert_int_equal(rtc_get(RTC_RIS), 0);
}

static void garbage_is_survived(void **state) {
    (void)state;
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t offset = 0; offset + size <= 0x1000; offset++) {
            pl061_ops.write(gpio, offset, size, offset * 0x9e3779b97f4a7c15ull);
            pl061_ops.read(gpio, offset, size);
            pl031_ops.write(rtc, offset, size, offset * 0x9e3779b97f4a7c15ull);
            pl031_ops.read(rtc, offset, size);
        }
    pl061_reset(gpio);
    pl031_reset(rtc);
    assert_false(irq);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(address_selects_lines),
        TEST(power_key_gives_both_edges),
        TEST(edges_by_direction),
        TEST(levels_last),
        TEST(clock_tells_the_time),
        TEST(alarm_rings),
        TEST(garbage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
