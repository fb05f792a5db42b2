/* What the window computes: where the picture is, what the mouse points at, which key is which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/input-event-codes.h>
#include <math.h>

#include "display/geometry.h"
#include "display/keymap.h"

static void assert_rect(struct rect r, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    assert_int_equal(r.x, x);
    assert_int_equal(r.y, y);
    assert_int_equal(r.width, width);
    assert_int_equal(r.height, height);
}

static void fit(void **state) {
    (void)state;
    assert_rect(geometry_fit(1280, 800, 1280, 800), 0, 0, 1280, 800);
    assert_rect(geometry_fit(2560, 1600, 1280, 800), 0, 0, 2560, 1600);
    assert_rect(geometry_fit(1600, 800, 1280, 800), 160, 0, 1280, 800); /* bars at the sides */
    assert_rect(geometry_fit(640, 800, 1280, 800), 0, 200, 640, 400);   /* above and below */
    assert_rect(geometry_fit(16384, 16384, 16384, 1), 0, 8191, 16384, 1);
    assert_rect(geometry_fit(100, 100, 16384, 1), 0, 49, 100, 1); /* never nothing */
    struct rect none = geometry_fit(0, 100, 10, 10);
    assert_true(rect_empty(&none));
    none = geometry_fit(100, 100, 0, 0);
    assert_true(rect_empty(&none));
}

static void pointer(void **state) {
    (void)state;
    assert_int_equal(geometry_pointer(160, 160, 1280), 0);
    assert_int_equal(geometry_pointer(160 + 1279, 160, 1280), 32767);
    assert_int_equal(geometry_pointer(0, 160, 1280), 0); /* on a bar: the edge */
    assert_int_equal(geometry_pointer(5000, 160, 1280), 32767);
    assert_int_equal(geometry_pointer(NAN, 0, 100), 0);
    assert_int_equal(geometry_pointer(0, 0, 1), 0);
    /* A guest that scales back to its pixels comes out where the mouse is. */
    for (uint32_t x = 0; x < 1280; x++)
        assert_int_equal((geometry_pointer((float)x, 0, 1280) * 1279u + 16383) / 32767, x);
}

static void keys(void **state) {
    (void)state;
    /* Usages of the USB HID keyboard page. */
    static const struct {
        unsigned usage;
        uint16_t code;
    } cases[] = {
        {0x04, KEY_A},
        {0x10, KEY_M},
        {0x1d, KEY_Z},
        {0x1e, KEY_1},
        {0x27, KEY_0},
        {0x28, KEY_ENTER},
        {0x29, KEY_ESC},
        {0x2a, KEY_BACKSPACE},
        {0x2b, KEY_TAB},
        {0x2c, KEY_SPACE},
        {0x2d, KEY_MINUS},
        {0x31, KEY_BACKSLASH},
        {0x35, KEY_GRAVE},
        {0x38, KEY_SLASH},
        {0x39, KEY_CAPSLOCK},
        {0x3a, KEY_F1},
        {0x43, KEY_F10},
        {0x44, KEY_F11},
        {0x45, KEY_F12},
        {0x46, KEY_SYSRQ},
        {0x47, KEY_SCROLLLOCK},
        {0x48, KEY_PAUSE},
        {0x49, KEY_INSERT},
        {0x4a, KEY_HOME},
        {0x4b, KEY_PAGEUP},
        {0x4c, KEY_DELETE},
        {0x4d, KEY_END},
        {0x4e, KEY_PAGEDOWN},
        {0x4f, KEY_RIGHT},
        {0x50, KEY_LEFT},
        {0x51, KEY_DOWN},
        {0x52, KEY_UP},
        {0x53, KEY_NUMLOCK},
        {0x54, KEY_KPSLASH},
        {0x58, KEY_KPENTER},
        {0x59, KEY_KP1},
        {0x5d, KEY_KP5},
        {0x62, KEY_KP0},
        {0x63, KEY_KPDOT},
        {0x64, KEY_102ND},
        {0x65, KEY_COMPOSE},
        {0x66, KEY_POWER},
        {0x67, KEY_KPEQUAL},
        {0x68, KEY_F13},
        {0x73, KEY_F24},
        {0x75, KEY_HELP},
        {0x7b, KEY_CUT},
        {0x7f, KEY_MUTE},
        {0x80, KEY_VOLUMEUP},
        {0x81, KEY_VOLUMEDOWN},
        {0x85, KEY_KPCOMMA},
        {0x87, KEY_RO},
        {0x89, KEY_YEN},
        {0x8a, KEY_HENKAN},
        {0x90, KEY_HANGEUL},
        {0x94, KEY_ZENKAKUHANKAKU},
        {0xe0, KEY_LEFTCTRL},
        {0xe1, KEY_LEFTSHIFT},
        {0xe2, KEY_LEFTALT},
        {0xe3, KEY_LEFTMETA},
        {0xe4, KEY_RIGHTCTRL},
        {0xe5, KEY_RIGHTSHIFT},
        {0xe6, KEY_RIGHTALT},
        {0xe7, KEY_RIGHTMETA},
        {0, 0},
        {3, 0},
        {0xff, 0},
        {256, 0},
        {~0u, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(keymap_evdev(cases[i].usage), cases[i].code);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fit),
        cmocka_unit_test(pointer),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
