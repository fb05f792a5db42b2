#include "board/pl061.h"

#include <pthread.h>
#include <stdlib.h>

#include "board/primecell.h"
#include "host/clock.h"

/* DDI 0190B 3.2. Address bits [9:2] of GPIODATA select the lines that are read or written. */
enum {
    GPIODATA_END = 0x400,
    GPIODIR = 0x400,
    GPIOIS = 0x404,
    GPIOIBE = 0x408,
    GPIOIEV = 0x40c,
    GPIOIE = 0x410,
    GPIORIS = 0x414,
    GPIOMIS = 0x418,
    GPIOIC = 0x41c,
    GPIOAFSEL = 0x420,
};

enum { PRESS_NS = 100 * 1000 * 1000 };

/* A bit a line. */
struct pl061_state {
    uint8_t input, output, direction; /* direction 1: output */
    uint8_t level_sensitive, both_edges, event, enable, function;
    uint8_t edges; /* seen and not cleared */
    uint8_t pressed;
};

struct pl061 {
    struct irq_line irq;
    struct host_timer *release;
    pthread_mutex_t lock;
    struct pl061_state state;
};

static uint8_t lines(const struct pl061_state *s) {
    return (s->output & s->direction) | (s->input & ~s->direction);
}

static uint8_t raw_interrupts(const struct pl061_state *s) {
    uint8_t levels = ~(lines(s) ^ s->event);
    return (levels & s->level_sensitive) | (s->edges & ~s->level_sensitive);
}

static void update_irq(struct pl061 *gpio) {
    irq_set(&gpio->irq, raw_interrupts(&gpio->state) & gpio->state.enable);
}

/* Notes the edges on lines that were at old. */
static void detect_edges(struct pl061_state *s, uint8_t old) {
    uint8_t changed = old ^ lines(s);
    uint8_t wanted = s->both_edges | ~(lines(s) ^ s->event);
    s->edges |= changed & wanted & ~s->level_sensitive;
}

static void set_inputs(struct pl061 *gpio, uint8_t clear, uint8_t set) {
    uint8_t old = lines(&gpio->state);
    gpio->state.input = (gpio->state.input & ~clear) | set;
    detect_edges(&gpio->state, old);
    update_irq(gpio);
}

void pl061_set_input(struct pl061 *gpio, unsigned line, bool level) {
    pthread_mutex_lock(&gpio->lock);
    set_inputs(gpio, (uint8_t)(1u << line), (uint8_t)(level << line));
    pthread_mutex_unlock(&gpio->lock);
}

void pl061_press(struct pl061 *gpio, unsigned line) {
    pthread_mutex_lock(&gpio->lock);
    gpio->state.pressed |= 1u << line;
    set_inputs(gpio, 0, (uint8_t)(1u << line));
    host_timer_arm(gpio->release, host_now_ns() + PRESS_NS);
    pthread_mutex_unlock(&gpio->lock);
}

static void on_release(void *ctx) {
    struct pl061 *gpio = ctx;
    pthread_mutex_lock(&gpio->lock);
    set_inputs(gpio, gpio->state.pressed, 0);
    gpio->state.pressed = 0;
    pthread_mutex_unlock(&gpio->lock);
}

static uint32_t read_register(const struct pl061_state *s, uint64_t offset) {
    if (offset < GPIODATA_END)
        return lines(s) & offset >> 2;
    if (offset >= PRIMECELL_ID)
        return primecell_id(offset, 0x061, 0);
    switch (offset) {
    case GPIODIR: return s->direction;
    case GPIOIS: return s->level_sensitive;
    case GPIOIBE: return s->both_edges;
    case GPIOIEV: return s->event;
    case GPIOIE: return s->enable;
    case GPIORIS: return raw_interrupts(s);
    case GPIOMIS: return raw_interrupts(s) & s->enable;
    case GPIOAFSEL: return s->function;
    default: return 0;
    }
}

static void write_register(struct pl061_state *s, uint64_t offset, uint8_t value) {
    uint8_t old = lines(s);
    if (offset < GPIODATA_END) {
        uint8_t selected = (offset >> 2) & s->direction;
        s->output = (s->output & ~selected) | (value & selected);
    }
    switch (offset) {
    case GPIODIR: s->direction = value; break;
    case GPIOIS: s->level_sensitive = value; break;
    case GPIOIBE: s->both_edges = value; break;
    case GPIOIEV: s->event = value; break;
    case GPIOIE: s->enable = value; break;
    case GPIOIC: s->edges &= ~value; break;
    case GPIOAFSEL: s->function = value; break;
    }
    detect_edges(s, old);
}

static uint64_t mmio_read_gpio(void *device, uint64_t offset, unsigned size) {
    struct pl061 *gpio = device;
    uint32_t value;

    (void)size;
    if (!primecell_is_register(offset))
        return 0;
    pthread_mutex_lock(&gpio->lock);
    value = read_register(&gpio->state, offset);
    pthread_mutex_unlock(&gpio->lock);
    return value;
}

static void mmio_write_gpio(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct pl061 *gpio = device;

    (void)size;
    if (!primecell_is_register(offset))
        return;
    pthread_mutex_lock(&gpio->lock);
    write_register(&gpio->state, offset, (uint8_t)value);
    update_irq(gpio);
    pthread_mutex_unlock(&gpio->lock);
}

const struct mmio_ops pl061_ops = {.read = mmio_read_gpio, .write = mmio_write_gpio};

void pl061_reset(struct pl061 *gpio) {
    pthread_mutex_lock(&gpio->lock);
    gpio->state = (struct pl061_state){.input = gpio->state.input, .pressed = gpio->state.pressed};
    update_irq(gpio);
    pthread_mutex_unlock(&gpio->lock);
}

struct pl061 *pl061_create(struct host_loop *loop, const struct irq_line *irq, struct error *e) {
    struct pl061 *gpio = calloc(1, sizeof *gpio);
    if (gpio)
        gpio->release = host_timer_create(loop, on_release, gpio);
    if (!gpio || !gpio->release) {
        free(gpio);
        error_set(e, "out of memory");
        return NULL;
    }
    gpio->irq = *irq;
    pthread_mutex_init(&gpio->lock, NULL);
    return gpio;
}

void pl061_destroy(struct pl061 *gpio) {
    if (!gpio)
        return;
    host_timer_destroy(gpio->release);
    pthread_mutex_destroy(&gpio->lock);
    free(gpio);
}
