/* The PL011 as DDI 0183 describes it, with a stream that the test plays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "board/pl011.h"
#include "support/run_loop.h"

enum {
    DR = 0,
    RSR = 4,
    FR = 0x18,
    IBRD = 0x24,
    LCR_H = 0x2c,
    CR = 0x30,
    IFLS = 0x34,
    IMSC = 0x38,
    RIS = 0x3c
};
enum { MIS = 0x40, ICR = 0x44 };
enum { FR_BUSY = 8, FR_RXFE = 0x10, FR_TXFF = 0x20, FR_RXFF = 0x40, FR_TXFE = 0x80 };
enum { RX = 0x10, TX = 0x20, RT = 0x40, OE = 0x400 };

/* --- the stream */

struct host_stream {
    char out[256];
    size_t out_size, room; /* bytes it still takes */
    host_stream_input_fn *input;
    void *ctx;
    unsigned resumed;
};

static struct host_stream stream;

void host_stream_on_input(struct host_stream *s, host_stream_input_fn *fn, void *ctx) {
    s->input = fn;
    s->ctx = ctx;
}

void host_stream_resume(struct host_stream *s) {
    s->resumed++;
}

size_t host_stream_write(struct host_stream *s, const void *data, size_t size) {
    if (size > s->room)
        size = s->room;
    memcpy(s->out + s->out_size, data, size);
    s->out_size += size;
    s->room -= size;
    return size;
}

static size_t type(const char *text) {
    return stream.input(stream.ctx, (const uint8_t *)text, strlen(text));
}

/* --- the UART */

static struct host_loop *loop;
static struct pl011 *uart;
static bool irq;

static void set_irq(void *controller, unsigned number, bool level) {
    assert_int_equal(number, 1);
    *(bool *)controller = level;
}

static uint32_t get(uint64_t offset) {
    return (uint32_t)pl011_ops.read(uart, offset, 4);
}

static void set(uint64_t offset, uint32_t value) {
    pl011_ops.write(uart, offset, 4, value);
}

static int setup(void **state) {
    (void)state;
    struct irq_line line = {.set = set_irq, .controller = &irq, .number = 1};
    stream = (struct host_stream){.room = 256};
    irq = false;
    loop = host_loop_create(NULL);
    uart = pl011_create(loop, &stream, &line, NULL);
    return loop && uart ? 0 : -1;
}

static int teardown(void **state) {
    (void)state;
    pl011_destroy(uart);
    host_loop_destroy(loop);
    return 0;
}

/* 8 bits, FIFOs, both directions: what drivers do. */
static void enable(void) {
    set(LCR_H, 0x70);
    set(CR, 0x301);
}

static void reads_as_after_reset(void **state) {
    (void)state;
    static const uint8_t id[] = {0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(get(0xfe0 + 4 * i), id[i]);
    assert_int_equal(get(CR), 0x300);
    assert_int_equal(get(IFLS), 0x12);
    assert_int_equal(get(FR) & 0xf8, FR_TXFE | FR_RXFE);
    assert_int_equal(get(IMSC), 0);
    assert_int_equal(get(RIS) & 0x7f0, 0);
}

static void transmits_and_interrupts(void **state) {
    (void)state;
    enable();
    assert_int_equal(get(RIS) & TX, 0); /* the interrupt marks a passage, not a state */
    set(IMSC, TX);
    assert_false(irq);
    set(DR, 'h');
    set(DR, 'i');
    assert_int_equal(stream.out_size, 2);
    assert_memory_equal(stream.out, "hi", 2);
    assert_true(irq);
    assert_int_equal(get(MIS), TX);
    set(ICR, TX);
    assert_false(irq);
    assert_int_equal(get(FR) & (FR_TXFE | FR_TXFF | FR_BUSY), FR_TXFE);
}

static void early_console_needs_no_setup(void **state) {
    (void)state;
    set(DR, 'x');
    assert_int_equal(stream.out_size, 1);
}

static void full_stream_fills_the_fifo(void **state) {
    (void)state;
    enable();
    set(IMSC, TX);
    stream.room = 3;
    for (unsigned i = 0; i < 3 + 16; i++) {
        assert_int_equal(get(FR) & FR_TXFF, 0);
        set(DR, 'a' + i);
    }
    assert_int_equal(get(FR) & (FR_TXFF | FR_BUSY | FR_TXFE), FR_TXFF | FR_BUSY);
    assert_false(irq); /* above the trigger level */
    set(DR, '!');      /* lost */
    stream.room = 100;
    run_for(loop, 50);
    assert_int_equal(stream.out_size, 19);
    assert_memory_equal(stream.out, "abcdefghijklmnopqrs", 19);
    assert_true(irq);
    assert_int_equal(get(FR) & FR_TXFE, FR_TXFE);
}

static void receives_with_timeout_interrupt(void **state) {
    (void)state;
    enable();
    set(IMSC, RX | RT);
    assert_int_equal(type("ls"), 2);
    assert_int_equal(get(MIS), RT); /* two bytes are below the trigger level of 8 */
    assert_true(irq);
    assert_int_equal(get(DR), 'l');
    assert_true(irq);
    assert_int_equal(get(DR), 's');
    assert_false(irq);
    assert_int_equal(get(FR) & FR_RXFE, FR_RXFE);
    assert_int_equal(get(DR), 0);
}

static void receives_by_level(void **state) {
    (void)state;
    enable();
    set(IFLS, 0 << 3); /* one eighth: two bytes */
    set(IMSC, RX);
    type("a");
    assert_false(irq);
    type("b");
    assert_true(irq);
    get(DR);
    assert_false(irq);
    type("c");
    assert_true(irq);
    set(ICR, RX);
    assert_false(irq);
}

static void input_waits_for_room(void **state) {
    (void)state;
    enable();
    assert_int_equal(type("0123456789abcdefXYZ"), 16);
    assert_int_equal(get(FR) & FR_RXFF, FR_RXFF);
    assert_int_equal(stream.resumed, 0);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(DR), "0123456789abcdef"[i]);
    assert_int_equal(stream.resumed, 1);
    assert_int_equal(type("XYZ"), 3);
    assert_int_equal(get(DR), 'X');
    assert_int_equal(stream.resumed, 1);
}

static void input_waits_for_the_driver(void **state) {
    (void)state;
    assert_int_equal(type("early"), 0);
    assert_int_equal(get(FR) & FR_RXFE, FR_RXFE);
    enable();
    assert_int_equal(stream.resumed, 1);
    assert_int_equal(type("early"), 5);
    assert_int_equal(get(DR), 'e');
}

static void without_fifos_one_byte_fits(void **state) {
    (void)state;
    set(CR, 0x301);
    set(IMSC, RX);
    assert_int_equal(type("ab"), 1);
    assert_true(irq);
    assert_int_equal(get(FR) & FR_RXFF, FR_RXFF);
    assert_int_equal(get(DR), 'a');
    assert_false(irq);
    assert_int_equal(stream.resumed, 1);
    stream.room = 0;
    set(DR, 'x');
    assert_int_equal(get(FR) & FR_TXFF, FR_TXFF);
}

static void loops_back(void **state) {
    (void)state;
    set(LCR_H, 0x70);
    set(CR, 0x381);
    assert_int_equal(type("k"), 0); /* the line is cut off */
    for (unsigned i = 0; i < 17; i++)
        set(DR, i);
    assert_int_equal(stream.out_size, 0);
    assert_int_equal(get(RIS) & OE, OE);
    assert_int_equal(get(RSR), 8);
    set(RSR, 0);
    assert_int_equal(get(RSR), 0);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(DR), i);
}

static void garbage_is_survived(void **state) {
    (void)state;
    uint64_t seed = 7;
    stream.room = 0;
    for (unsigned n = 0; n < 200000; n++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t offset = seed >> 20 & (seed & 1 ? 0xfff : 0x7f);
        unsigned size = 1u << (seed >> 8 & 3);
        pl011_ops.write(uart, offset, size, seed >> 30);
        pl011_ops.read(uart, offset, size);
        if (n % 5 == 0)
            type("0123456789");
    }
    pl011_reset(uart);
    assert_int_equal(get(CR), 0x300);
    assert_false(irq);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(reads_as_after_reset),
        TEST(transmits_and_interrupts),
        TEST(early_console_needs_no_setup),
        TEST(full_stream_fills_the_fifo),
        TEST(receives_with_timeout_interrupt),
        TEST(receives_by_level),
        TEST(input_waits_for_room),
        TEST(input_waits_for_the_driver),
        TEST(without_fifos_one_byte_fits),
        TEST(loops_back),
        TEST(garbage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
