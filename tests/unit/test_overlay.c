/* The window's panel of counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "display/overlay.h"

#define MS 1000000ull

enum { SIZE = OVERLAY_WIDTH * OVERLAY_HEIGHT * 4 };

struct panel {
    struct gpu_monitor *monitor;
    struct overlay *overlay;
};

static int setup(void **state) {
    struct panel *p = calloc(1, sizeof *p);
    p->monitor = gpu_monitor_create();
    p->overlay = overlay_create(p->monitor);
    *state = p;
    return 0;
}

static int teardown(void **state) {
    struct panel *p = *state;
    overlay_destroy(p->overlay);
    gpu_monitor_destroy(p->monitor);
    free(p);
    return 0;
}

/* How many pixels of a colour there are in the columns from x on. */
static unsigned count(const uint8_t *pixels, unsigned x, unsigned width, uint32_t colour) {
    unsigned found = 0;
    for (unsigned row = 0; row < OVERLAY_HEIGHT; row++)
        for (unsigned column = x; column < x + width; column++)
            found += memcmp(pixels + ((size_t)row * OVERLAY_WIDTH + column) * 4, &colour, 4) == 0;
    return found;
}

static void test_text_changes_once_a_period(void **state) {
    struct panel *p = *state;
    uint8_t *first = malloc(SIZE);
    memcpy(first, overlay_draw(p->overlay, 1000 * MS), SIZE);
    assert_true(count(first, 0, OVERLAY_WIDTH, 0xe8ece8) > 1000);
    for (unsigned i = 0; i < 30; i++)
        gpu_monitor_submitted(p->monitor);
    gpu_monitor_uploaded(p->monitor, 1 << 20);
    assert_memory_equal(overlay_draw(p->overlay, 1499 * MS), first, SIZE);
    uint8_t *second = malloc(SIZE);
    memcpy(second, overlay_draw(p->overlay, 1500 * MS), SIZE);
    assert_memory_not_equal(second, first, SIZE);
    assert_memory_equal(overlay_draw(p->overlay, 2000 * MS), first, SIZE); /* nothing happened since */
    free(first);
    free(second);
}

static void test_frames_are_bars(void **state) {
    struct panel *p = *state;
    uint64_t now = 1;
    gpu_monitor_frame(p->monitor, now);
    const unsigned lengths[] = {10, 30, 100};
    for (unsigned i = 0; i < 3; i++)
        gpu_monitor_frame(p->monitor, now += lengths[i] * MS);
    uint64_t frames[4];
    assert_int_equal(gpu_monitor_frames(p->monitor, frames, 4), 3);
    assert_int_equal(gpu_monitor_frames(p->monitor, frames, 2), 2);
    assert_true(frames[0] == 30 * MS && frames[1] == 100 * MS);

    const uint8_t *pixels = overlay_draw(p->overlay, 1000 * MS);
    const unsigned right = OVERLAY_WIDTH - 10;
    unsigned in_time = count(pixels, right - 9, 3, 0x40c060);
    unsigned late = count(pixels, right - 6, 3, 0xe0b030);
    unsigned missed = count(pixels, right - 3, 3, 0xe04838);
    assert_true(in_time > 10 && late > in_time && missed > late);
    assert_int_equal(count(pixels, 0, right - 9, 0x40c060), 0);
}

/* As many as there can be, for longer than anybody looks. */
static void test_any_number_fits(void **state) {
    struct panel *p = *state;
    for (unsigned i = 0; i < 10000; i++)
        gpu_monitor_frame(p->monitor, 1 + i * (UINT64_MAX / 10001));
    gpu_monitor_fence(p->monitor, UINT64_MAX);
    gpu_monitor_uploaded(p->monitor, UINT64_MAX);
    gpu_monitor_read_back(p->monitor, UINT64_MAX);
    overlay_draw(p->overlay, 1);
    overlay_draw(p->overlay, UINT64_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_text_changes_once_a_period, setup, teardown),
        cmocka_unit_test_setup_teardown(test_frames_are_bars, setup, teardown),
        cmocka_unit_test_setup_teardown(test_any_number_fits, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
