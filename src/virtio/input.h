/* A keyboard or an absolute tablet (virtio 1.2, 5.8), speaking Linux's evdev codes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "virtio/virtio.h"

struct virtio_input;

enum virtio_input_kind { VIRTIO_INPUT_KEYBOARD, VIRTIO_INPUT_TABLET };

/* evdev: types, and those codes that the devices have besides the keyboard's KEY_* numbers 1 to 248. */
enum {
    INPUT_EV_SYN = 0x00,
    INPUT_EV_KEY = 0x01,
    INPUT_EV_REL = 0x02,
    INPUT_EV_ABS = 0x03,
    INPUT_EV_LED = 0x11,
    INPUT_EV_REP = 0x14,
    INPUT_REL_HWHEEL = 6,
    INPUT_REL_WHEEL = 8,
    INPUT_ABS_X = 0,
    INPUT_ABS_Y = 1,
    INPUT_BTN_LEFT = 0x110,
    INPUT_BTN_RIGHT = 0x111,
    INPUT_BTN_MIDDLE = 0x112,
    INPUT_BTN_SIDE = 0x113,
    INPUT_BTN_EXTRA = 0x114,
    INPUT_KEY_MAX = 248,
    INPUT_ABS_MAX = 32767, /* both axes run from 0 to it, over the whole screen */
    INPUT_REPORT_MAX = 8,  /* events in one report */
};

struct virtio_input_event { /* as in the queues, 5.8.6.1 */
    uint16_t type, code;
    uint32_t value;
};

struct virtio_input_stats {
    uint64_t reports, dropped; /* dropped: the guest listened but did not fetch what waited */
};

extern const struct virtio_device_ops virtio_input_ops;

struct virtio_input *virtio_input_create(enum virtio_input_kind kind, struct error *e);
/* After its transport. */
void virtio_input_destroy(struct virtio_input *input);
/* Once, before the guest runs. */
void virtio_input_attach(struct virtio_input *input, struct virtio_device *transport);

/* Sends up to INPUT_REPORT_MAX events that belong together, and the SYN_REPORT that ends them. All or, while
 * no driver listens or too much waits, nothing; releases of keys still get through when presses and motion do
 * not, so that no key stays down. Keys repeat in the guest: send no repeats. Any thread. */
void virtio_input_report(struct virtio_input *input, const struct virtio_input_event *events, unsigned count);
/* One key or button. */
void virtio_input_key(struct virtio_input *input, uint16_t code, bool down);
/* The pointer's place, 0 to INPUT_ABS_MAX. */
void virtio_input_move(struct virtio_input *input, uint32_t x, uint32_t y);

/* The LEDs that the guest lit: bit 0 Num Lock, 1 Caps Lock, 2 Scroll Lock. Any thread. */
uint32_t virtio_input_leds(struct virtio_input *input);
/* Any thread. */
void virtio_input_stats(struct virtio_input *input, struct virtio_input_stats *out);
