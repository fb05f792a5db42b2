#include "board/pl031.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "board/primecell.h"
#include "host/clock.h"

/* DDI 0224C 3.2 */
enum {
    RTCDR = 0x00,
    RTCMR = 0x04,
    RTCLR = 0x08,
    RTCCR = 0x0c,
    RTCIMSC = 0x10,
    RTCRIS = 0x14,
    RTCMIS = 0x18,
    RTCICR = 0x1c,
};

#define SECOND_NS 1000000000ull

struct pl031_state {
    uint32_t offset; /* what the guest's clock is ahead of the host's, modulo 2^32 */
    uint32_t match, load;
    bool mask, raw;
};

struct pl031 {
    struct irq_line irq;
    struct host_timer *alarm;
    pthread_mutex_t lock;
    struct pl031_state state;
};

static uint32_t now(const struct pl031_state *s) {
    return (uint32_t)time(NULL) + s->offset;
}

static void update_irq(struct pl031 *rtc) {
    irq_set(&rtc->irq, rtc->state.raw && rtc->state.mask);
}

/* The alarm goes off when the counter gets to the match value, going round past 2^32 - 1 if need be. */
static void arm_alarm(struct pl031 *rtc) {
    uint32_t seconds = rtc->state.match - now(&rtc->state);
    host_timer_arm(rtc->alarm, host_now_ns() + seconds * SECOND_NS);
}

static void on_alarm(void *ctx) {
    struct pl031 *rtc = ctx;
    pthread_mutex_lock(&rtc->lock);
    /* The host's clock may have been set meanwhile, and its seconds do not start when the timer's do. */
    uint32_t late = now(&rtc->state) - rtc->state.match;
    if (late < UINT32_MAX / 2) {
        rtc->state.raw = true;
        update_irq(rtc);
    } else {
        arm_alarm(rtc);
    }
    pthread_mutex_unlock(&rtc->lock);
}

static uint32_t read_register(const struct pl031_state *s, uint64_t offset) {
    if (offset >= PRIMECELL_ID)
        return primecell_id(offset, 0x031, 0);
    switch (offset) {
    case RTCDR: return now(s);
    case RTCMR: return s->match;
    case RTCLR: return s->load;
    case RTCCR: return 1; /* always running */
    case RTCIMSC: return s->mask;
    case RTCRIS: return s->raw;
    case RTCMIS: return s->raw && s->mask;
    default: return 0;
    }
}

static void write_register(struct pl031 *rtc, uint64_t offset, uint32_t value) {
    struct pl031_state *s = &rtc->state;
    switch (offset) {
    case RTCMR:
        s->match = value;
        arm_alarm(rtc);
        break;
    case RTCLR:
        s->load = value;
        s->offset += value - now(s);
        arm_alarm(rtc);
        break;
    case RTCIMSC: s->mask = value & 1; break;
    case RTCICR:
        if (value & 1)
            s->raw = false;
        break;
    }
    update_irq(rtc);
}

static uint64_t mmio_read_rtc(void *device, uint64_t offset, unsigned size) {
    struct pl031 *rtc = device;
    uint32_t value;

    (void)size;
    if (!primecell_is_register(offset))
        return 0;
    pthread_mutex_lock(&rtc->lock);
    value = read_register(&rtc->state, offset);
    pthread_mutex_unlock(&rtc->lock);
    return value;
}

static void mmio_write_rtc(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct pl031 *rtc = device;

    (void)size;
    if (!primecell_is_register(offset))
        return;
    pthread_mutex_lock(&rtc->lock);
    write_register(rtc, offset, (uint32_t)value);
    pthread_mutex_unlock(&rtc->lock);
}

const struct mmio_ops pl031_ops = {.read = mmio_read_rtc, .write = mmio_write_rtc};

void pl031_reset(struct pl031 *rtc) {
    pthread_mutex_lock(&rtc->lock);
    host_timer_disarm(rtc->alarm);
    /* The time that a guest set survives, as in a clock with a battery. */
    rtc->state = (struct pl031_state){.offset = rtc->state.offset};
    update_irq(rtc);
    pthread_mutex_unlock(&rtc->lock);
}

struct pl031 *pl031_create(struct host_loop *loop, const struct irq_line *irq, struct error *e) {
    struct pl031 *rtc = calloc(1, sizeof *rtc);
    if (rtc)
        rtc->alarm = host_timer_create(loop, on_alarm, rtc);
    if (!rtc || !rtc->alarm) {
        free(rtc);
        error_set(e, "out of memory");
        return NULL;
    }
    rtc->irq = *irq;
    pthread_mutex_init(&rtc->lock, NULL);
    return rtc;
}

void pl031_destroy(struct pl031 *rtc) {
    if (!rtc)
        return;
    host_timer_destroy(rtc->alarm);
    pthread_mutex_destroy(&rtc->lock);
    free(rtc);
}
