#include "board/pl011.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "board/primecell.h"
#include "host/clock.h"

/* DDI 0183G 3.2 */
enum {
    UARTDR = 0x00,
    UARTRSR = 0x04, /* write: UARTECR */
    UARTFR = 0x18,
    UARTILPR = 0x20,
    UARTIBRD = 0x24,
    UARTFBRD = 0x28,
    UARTLCR_H = 0x2c,
    UARTCR = 0x30,
    UARTIFLS = 0x34,
    UARTIMSC = 0x38,
    UARTRIS = 0x3c,
    UARTMIS = 0x40,
    UARTICR = 0x44,
    UARTDMACR = 0x48,
};

enum { FR_CTS = 1 << 0, FR_DSR = 1 << 1, FR_DCD = 1 << 2, FR_BUSY = 1 << 3 };
enum { FR_RXFE = 1 << 4, FR_TXFF = 1 << 5, FR_RXFF = 1 << 6, FR_TXFE = 1 << 7 };
enum { LCR_H_FEN = 1 << 4 };
enum { CR_UARTEN = 1 << 0, CR_LBE = 1 << 7, CR_TXE = 1 << 8, CR_RXE = 1 << 9, CR_MASK = 0xff87 };
enum { INT_RX = 1 << 4, INT_TX = 1 << 5, INT_RT = 1 << 6, INT_OE = 1 << 10, INT_MASK = 0x7ff };
enum { RSR_OE = 1 << 3 };

enum { FIFO_SIZE = 16, RETRY_NS = 2 * 1000 * 1000 };

struct fifo {
    uint8_t data[FIFO_SIZE];
    uint8_t start, count;
};

struct pl011_state {
    uint16_t line_control, control, fifo_level, mask, raw, dma_control;
    uint16_t divisor_integer;
    uint8_t divisor_fraction, low_power_divisor, receive_status;
    struct fifo rx, tx;
    bool rx_stalled; /* the stream has more and must be told when there is room */
};

struct pl011 {
    struct host_stream *stream;
    struct irq_line irq;
    struct host_timer *retry; /* while the stream is full */
    pthread_mutex_t lock;
    struct pl011_state state;
};

static void fifo_push(struct fifo *fifo, uint8_t byte) {
    fifo->data[(fifo->start + fifo->count++) % FIFO_SIZE] = byte;
}

static uint8_t fifo_pop(struct fifo *fifo) {
    uint8_t byte = fifo->data[fifo->start];
    fifo->start = (fifo->start + 1) % FIFO_SIZE;
    fifo->count--;
    return byte;
}

static unsigned depth(const struct pl011_state *s) {
    return s->line_control & LCR_H_FEN ? FIFO_SIZE : 1;
}

/* UARTIFLS: 1/8, 1/4, 1/2, 3/4, 7/8 of the FIFO; greater values are reserved. */
static unsigned level_of(unsigned select) {
    static const uint8_t level[] = {2, 4, 8, 12, 14, 14, 14, 14};
    return level[select & 7];
}

static unsigned rx_level(const struct pl011_state *s) {
    return depth(s) == 1 ? 1 : level_of(s->fifo_level >> 3);
}

static unsigned tx_level(const struct pl011_state *s) {
    return depth(s) == 1 ? 0 : level_of(s->fifo_level);
}

static void update_irq(struct pl011 *uart) {
    irq_set(&uart->irq, uart->state.raw & uart->state.mask);
}

/* --- receiving */

static bool can_receive(const struct pl011_state *s) {
    return (s->control & (CR_UARTEN | CR_RXE)) == (CR_UARTEN | CR_RXE);
}

/* After bytes arrived. Time is not modelled: the line falls silent at once, which is the receive timeout. */
static void received(struct pl011_state *s) {
    if (s->rx.count >= rx_level(s))
        s->raw |= INT_RX;
    if (s->rx.count)
        s->raw |= INT_RT;
}

static size_t on_input(void *ctx, const uint8_t *data, size_t size) {
    struct pl011 *uart = ctx;
    struct pl011_state *s = &uart->state;
    size_t taken = 0;

    pthread_mutex_lock(&uart->lock);
    if (can_receive(s) && !(s->control & CR_LBE)) {
        while (taken < size && s->rx.count < depth(s))
            fifo_push(&s->rx, data[taken++]);
        received(s);
        update_irq(uart);
    }
    s->rx_stalled = taken < size;
    pthread_mutex_unlock(&uart->lock);
    return taken;
}

static void resume_if_room(struct pl011 *uart) {
    struct pl011_state *s = &uart->state;
    if (!s->rx_stalled || s->rx.count > depth(s) / 2 || !can_receive(s))
        return;
    s->rx_stalled = false;
    host_stream_resume(uart->stream);
}

static uint32_t read_data(struct pl011 *uart) {
    struct pl011_state *s = &uart->state;
    if (!s->rx.count)
        return 0;
    uint8_t byte = fifo_pop(&s->rx);
    if (s->rx.count < rx_level(s))
        s->raw &= ~INT_RX;
    if (!s->rx.count)
        s->raw &= ~INT_RT;
    resume_if_room(uart);
    return byte;
}

/* --- transmitting */

/* Moves what the stream takes out of the FIFO. The interrupt marks the passage through the trigger level. */
static void transmit(struct pl011 *uart) {
    struct pl011_state *s = &uart->state;
    bool moved = false;

    while (s->tx.count) {
        uint8_t byte = s->tx.data[s->tx.start];
        if (uart->stream && !host_stream_write(uart->stream, &byte, 1))
            break;
        fifo_pop(&s->tx);
        moved = true;
    }
    if (moved && s->tx.count <= tx_level(s))
        s->raw |= INT_TX;
    if (s->tx.count)
        host_timer_arm(uart->retry, host_now_ns() + RETRY_NS);
}

static void on_retry(void *ctx) {
    struct pl011 *uart = ctx;
    pthread_mutex_lock(&uart->lock);
    transmit(uart);
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

static void loop_back(struct pl011_state *s, uint8_t byte) {
    if (!can_receive(s))
        return;
    if (s->rx.count < depth(s)) {
        fifo_push(&s->rx, byte);
        received(s);
    } else {
        s->receive_status |= RSR_OE;
        s->raw |= INT_OE;
    }
    s->raw |= INT_TX;
}

/* Bytes go out whether or not UARTEN and TXE are set: a kernel's early console relies on a boot loader that
 * set them, and none ran. */
static void write_data(struct pl011 *uart, uint8_t byte) {
    struct pl011_state *s = &uart->state;
    if (s->control & CR_LBE) {
        loop_back(s, byte);
        return;
    }
    if (s->tx.count == depth(s))
        return;
    fifo_push(&s->tx, byte);
    if (s->tx.count > tx_level(s))
        s->raw &= ~INT_TX;
    transmit(uart);
}

/* --- registers */

static uint32_t read_flags(const struct pl011_state *s) {
    uint32_t flags = FR_CTS | FR_DSR | FR_DCD; /* somebody is always connected */
    flags |= s->tx.count ? FR_BUSY : FR_TXFE;
    if (s->tx.count == depth(s))
        flags |= FR_TXFF;
    if (!s->rx.count)
        flags |= FR_RXFE;
    if (s->rx.count == depth(s))
        flags |= FR_RXFF;
    return flags;
}

static uint32_t read_register(struct pl011 *uart, uint64_t offset) {
    const struct pl011_state *s = &uart->state;
    if (offset >= PRIMECELL_ID)
        return primecell_id(offset, 0x011, 1);
    switch (offset) {
    case UARTDR: return read_data(uart);
    case UARTRSR: return s->receive_status;
    case UARTFR: return read_flags(s);
    case UARTILPR: return s->low_power_divisor;
    case UARTIBRD: return s->divisor_integer;
    case UARTFBRD: return s->divisor_fraction;
    case UARTLCR_H: return s->line_control;
    case UARTCR: return s->control;
    case UARTIFLS: return s->fifo_level;
    case UARTIMSC: return s->mask;
    case UARTRIS: return s->raw;
    case UARTMIS: return s->raw & s->mask;
    case UARTDMACR: return s->dma_control;
    default: return 0;
    }
}

/* Enabling or disabling the FIFOs flushes them. */
static void write_line_control(struct pl011_state *s, uint32_t value) {
    if ((s->line_control ^ value) & LCR_H_FEN) {
        s->rx = s->tx = (struct fifo){0};
        s->raw &= ~(INT_RX | INT_RT);
    }
    s->line_control = value & 0xff;
}

static void write_register(struct pl011 *uart, uint64_t offset, uint32_t value) {
    struct pl011_state *s = &uart->state;
    switch (offset) {
    case UARTDR: write_data(uart, value & 0xff); break;
    case UARTRSR: s->receive_status = 0; break;
    case UARTILPR: s->low_power_divisor = value & 0xff; break;
    case UARTIBRD: s->divisor_integer = value & 0xffff; break;
    case UARTFBRD: s->divisor_fraction = value & 0x3f; break;
    case UARTLCR_H: write_line_control(s, value); break;
    case UARTCR: s->control = value & CR_MASK; break;
    case UARTIFLS: s->fifo_level = value & 0x3f; break;
    case UARTIMSC: s->mask = value & INT_MASK; break;
    case UARTICR: s->raw &= ~value; break;
    case UARTDMACR: s->dma_control = value & 7; break;
    }
    resume_if_room(uart);
}

static uint64_t mmio_read_uart(void *device, uint64_t offset, unsigned size) {
    struct pl011 *uart = device;
    uint32_t value;

    (void)size;
    if (!primecell_is_register(offset))
        return 0;
    pthread_mutex_lock(&uart->lock);
    value = read_register(uart, offset);
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
    return value;
}

static void mmio_write_uart(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct pl011 *uart = device;

    (void)size;
    if (!primecell_is_register(offset))
        return;
    pthread_mutex_lock(&uart->lock);
    write_register(uart, offset, (uint32_t)value);
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

const struct mmio_ops pl011_ops = {.read = mmio_read_uart, .write = mmio_write_uart};

void pl011_reset(struct pl011 *uart) {
    pthread_mutex_lock(&uart->lock);
    uart->state = (struct pl011_state){
        .control = CR_TXE | CR_RXE,
        .fifo_level = 0x12, /* both at one half */
        .rx_stalled = uart->state.rx_stalled,
    };
    update_irq(uart);
    pthread_mutex_unlock(&uart->lock);
}

struct pl011 *pl011_create(
    struct host_loop *loop, struct host_stream *stream, const struct irq_line *irq, struct error *e) {
    struct pl011 *uart = calloc(1, sizeof *uart);
    if (uart)
        uart->retry = host_timer_create(loop, on_retry, uart);
    if (!uart || !uart->retry) {
        free(uart);
        error_set(e, "out of memory");
        return NULL;
    }
    uart->stream = stream;
    uart->irq = *irq;
    pthread_mutex_init(&uart->lock, NULL);
    pl011_reset(uart);
    if (stream)
        host_stream_on_input(stream, on_input, uart);
    return uart;
}

void pl011_destroy(struct pl011 *uart) {
    if (!uart)
        return;
    if (uart->stream)
        host_stream_on_input(uart->stream, NULL, NULL);
    host_timer_destroy(uart->retry);
    pthread_mutex_destroy(&uart->lock);
    free(uart);
}
