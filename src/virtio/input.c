#include "virtio/input.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { EVENTS = 0, STATUS = 1, QUEUES };

/* How many events wait while the guest has given no buffers: all kinds until half of them, then releases
 * only. */
enum { BACKLOG_SIZE = 1024 };

enum config_select { /* 5.8.4 */
    SELECT_ID_NAME = 0x01,
    SELECT_ID_SERIAL = 0x02,
    SELECT_ID_DEVIDS = 0x03,
    SELECT_EV_BITS = 0x11,
    SELECT_ABS_INFO = 0x12,
};

enum { BUS_VIRTUAL = 0x06, VENDOR = 0x5045, VERSION = 1, LEDS = 3 };

struct config {
    uint8_t select, subsel, size, reserved[5];
    union {
        char string[128];
        uint8_t bitmap[128];
        struct {
            uint32_t min, max, fuzz, flat, resolution;
        } abs;
        struct {
            uint16_t bustype, vendor, product, version;
        } ids;
    } u;
};
_Static_assert(sizeof(struct config) == 136 && sizeof(struct virtio_input_event) == 8, "5.8.4, 5.8.6.1");

struct virtio_input {
    enum virtio_input_kind kind;
    struct virtio_device *transport;

    pthread_mutex_t lock; /* of all below and the queues */
    bool started;
    uint8_t select, subsel;
    uint32_t leds;
    struct virtio_input_event backlog[BACKLOG_SIZE];
    unsigned first, waiting;
    struct virtio_input_stats stats;
    struct virtq_chain chain;
};

/* --- configuration: what the device is, asked piece by piece */

static void set_bit(struct config *config, unsigned bit) {
    config->u.bitmap[bit / 8] |= (uint8_t)(1u << bit % 8);
    if (config->size < bit / 8 + 1)
        config->size = (uint8_t)(bit / 8 + 1);
}

static void set_bits(struct config *config, unsigned first, unsigned last) {
    for (unsigned bit = first; bit <= last; bit++)
        set_bit(config, bit);
}

static void keyboard_events(struct config *config, uint8_t type) {
    if (type == INPUT_EV_KEY)
        set_bits(config, 1, INPUT_KEY_MAX);
    else if (type == INPUT_EV_LED)
        set_bits(config, 0, LEDS - 1);
    else if (type == INPUT_EV_REP)
        config->size = 1; /* no codes; it is there */
}

static void tablet_events(struct config *config, uint8_t type) {
    if (type == INPUT_EV_KEY) {
        set_bits(config, INPUT_BTN_LEFT, INPUT_BTN_EXTRA);
    } else if (type == INPUT_EV_ABS) {
        set_bits(config, INPUT_ABS_X, INPUT_ABS_Y);
    } else if (type == INPUT_EV_REL) {
        set_bit(config, INPUT_REL_WHEEL);
        set_bit(config, INPUT_REL_HWHEEL);
    }
}

static void set_string(struct config *config, const char *string) {
    config->size = (uint8_t)strlen(string);
    memcpy(config->u.string, string, config->size);
}

/* With the lock held. What does not exist has size 0. */
static struct config selected_config(const struct virtio_input *input) {
    struct config config = {.select = input->select, .subsel = input->subsel};
    bool tablet = input->kind == VIRTIO_INPUT_TABLET;
    switch (input->select) {
    case SELECT_ID_NAME: set_string(&config, tablet ? "PearVisor Tablet" : "PearVisor Keyboard"); break;
    case SELECT_ID_SERIAL: set_string(&config, "0"); break;
    case SELECT_ID_DEVIDS:
        config.size = sizeof config.u.ids;
        config.u.ids.bustype = BUS_VIRTUAL;
        config.u.ids.vendor = VENDOR;
        config.u.ids.product = tablet ? 2 : 1;
        config.u.ids.version = VERSION;
        break;
    case SELECT_EV_BITS: (tablet ? tablet_events : keyboard_events)(&config, input->subsel); break;
    case SELECT_ABS_INFO:
        if (tablet && input->subsel <= INPUT_ABS_Y) {
            config.size = sizeof config.u.abs;
            config.u.abs.max = INPUT_ABS_MAX;
        }
        break;
    default: break;
    }
    return config;
}

static void input_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    struct virtio_input *input = device;
    pthread_mutex_lock(&input->lock);
    struct config config = selected_config(input);
    pthread_mutex_unlock(&input->lock);
    memcpy(data, (const uint8_t *)&config + offset, size);
}

static void input_config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    struct virtio_input *input = device;
    const uint8_t *bytes = data;
    pthread_mutex_lock(&input->lock);
    for (uint32_t i = 0; i < size; i++) {
        if (offset + i == offsetof(struct config, select))
            input->select = bytes[i];
        else if (offset + i == offsetof(struct config, subsel))
            input->subsel = bytes[i];
    }
    pthread_mutex_unlock(&input->lock);
}

static uint64_t input_features(void *device) {
    (void)device;
    return 0;
}

/* --- queues, with the lock */

static void deliver(struct virtio_input *input) {
    struct virtq *queue = virtio_queue(input->transport, EVENTS);
    while (input->waiting && virtq_pop(queue, &input->chain)) {
        const struct virtio_input_event *event = &input->backlog[input->first];
        size_t size = iov_write(input->chain.in, input->chain.in_count, 0, event, sizeof *event);
        virtq_push(queue, input->chain.head, (uint32_t)size);
        input->first = (input->first + 1) % BACKLOG_SIZE;
        input->waiting--;
    }
    virtq_interrupt(queue);
}

static void take_status(struct virtio_input *input) {
    struct virtq *queue = virtio_queue(input->transport, STATUS);
    struct virtq_chain *chain = &input->chain;
    while (virtq_pop(queue, chain)) {
        struct virtio_input_event event;
        if (iov_read(chain->out, chain->out_count, 0, &event, sizeof event) == sizeof event &&
            event.type == INPUT_EV_LED && event.code < LEDS)
            input->leds = (input->leds & ~(1u << event.code)) | (event.value ? 1u << event.code : 0);
        virtq_push(queue, chain->head, 0);
    }
    virtq_interrupt(queue);
}

static void append(struct virtio_input *input, struct virtio_input_event event) {
    input->backlog[(input->first + input->waiting++) % BACKLOG_SIZE] = event;
}

static bool has_room(
    const struct virtio_input *input, const struct virtio_input_event *events, unsigned count) {
    bool releases = true;
    for (unsigned i = 0; i < count; i++)
        releases &= events[i].type == INPUT_EV_KEY && events[i].value == 0;
    return input->waiting + count + 1 <= (releases ? BACKLOG_SIZE : BACKLOG_SIZE / 2);
}

void virtio_input_report(
    struct virtio_input *input, const struct virtio_input_event *events, unsigned count) {
    pthread_mutex_lock(&input->lock);
    if (input->started && has_room(input, events, count)) {
        for (unsigned i = 0; i < count; i++)
            append(input, events[i]);
        append(input, (struct virtio_input_event){INPUT_EV_SYN, 0, 0});
        input->stats.reports++;
        deliver(input);
    } else {
        input->stats.dropped += input->started;
    }
    pthread_mutex_unlock(&input->lock);
}

void virtio_input_key(struct virtio_input *input, uint16_t code, bool down) {
    virtio_input_report(input, &(struct virtio_input_event){INPUT_EV_KEY, code, down}, 1);
}

void virtio_input_move(struct virtio_input *input, uint32_t x, uint32_t y) {
    const struct virtio_input_event events[] = {
        {INPUT_EV_ABS, INPUT_ABS_X, x}, {INPUT_EV_ABS, INPUT_ABS_Y, y}};
    virtio_input_report(input, events, 2);
}

static void input_notify(void *device, unsigned queue) {
    struct virtio_input *input = device;
    pthread_mutex_lock(&input->lock);
    if (queue == EVENTS)
        deliver(input);
    else
        take_status(input);
    pthread_mutex_unlock(&input->lock);
}

/* --- life */

static void input_start(void *device, uint64_t features) {
    (void)features;
    struct virtio_input *input = device;
    pthread_mutex_lock(&input->lock);
    input->started = true;
    pthread_mutex_unlock(&input->lock);
}

static void input_reset(void *device) {
    struct virtio_input *input = device;
    pthread_mutex_lock(&input->lock);
    input->started = false;
    input->select = input->subsel = 0;
    input->leds = 0;
    input->first = input->waiting = 0;
    pthread_mutex_unlock(&input->lock);
}

const struct virtio_device_ops virtio_input_ops = {
    .id = VIRTIO_ID_INPUT,
    .queues = QUEUES,
    .queue_size_max = 64,
    .features = input_features,
    .config_size = sizeof(struct config),
    .config_read = input_config_read,
    .config_write = input_config_write,
    .start = input_start,
    .notify = input_notify,
    .reset = input_reset,
};

struct virtio_input *virtio_input_create(enum virtio_input_kind kind, struct error *e) {
    struct virtio_input *input = calloc(1, sizeof *input);
    if (!input) {
        error_set(e, "out of memory");
        return NULL;
    }
    input->kind = kind;
    pthread_mutex_init(&input->lock, NULL);
    return input;
}

void virtio_input_destroy(struct virtio_input *input) {
    if (!input)
        return;
    pthread_mutex_destroy(&input->lock);
    free(input);
}

void virtio_input_attach(struct virtio_input *input, struct virtio_device *transport) {
    input->transport = transport;
}

uint32_t virtio_input_leds(struct virtio_input *input) {
    pthread_mutex_lock(&input->lock);
    uint32_t leds = input->leds;
    pthread_mutex_unlock(&input->lock);
    return leds;
}

void virtio_input_stats(struct virtio_input *input, struct virtio_input_stats *out) {
    pthread_mutex_lock(&input->lock);
    *out = input->stats;
    pthread_mutex_unlock(&input->lock);
}
