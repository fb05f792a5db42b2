/* Keys of a keyboard, from where they are to what Linux calls them. */
#pragma once

#include <stdint.h>

/* The evdev code of a key of the USB HID keyboard page, which SDL's scancodes are; 0 when there is none. */
uint16_t keymap_evdev(unsigned usage);
