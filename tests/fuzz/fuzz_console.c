/* The console, on a stream of our own, with input and resizes between the guest's steps. */
#include "host/stream.h"
#include "hostile_driver.h"
#include "virtio/console.h"

/* In place of host/stream.c. */
struct host_stream {
    host_stream_input_fn *input;
    void *ctx;
    size_t room, waiting;
};

static struct host_stream stream;
volatile uint8_t sink; /* not static: the compiler keeps what goes there */
static struct virtio_console *console;

void host_stream_on_input(struct host_stream *s, host_stream_input_fn *fn, void *ctx) {
    s->input = fn;
    s->ctx = ctx;
}

void host_stream_resume(struct host_stream *s) {
    s->waiting = 1;
}

size_t host_stream_write(struct host_stream *s, const void *data, size_t size) {
    if (size)
        sink += ((const uint8_t *)data)[size - 1];
    return size < s->room ? size : s->room;
}

static void step(void *ctx, struct fuzz_input *in) {
    (void)ctx;
    static const uint8_t input[4096];
    uint8_t kind = fuzz_byte(in);
    stream.room = kind & 1 ? fuzz_byte(in) : SIZE_MAX;
    if (stream.waiting || kind & 2) {
        size_t size = 16u * kind;
        if (stream.input(stream.ctx, input, size) > size)
            __builtin_trap();
        stream.waiting = 0;
    }
    if (kind & 4)
        virtio_console_resize(console, kind, fuzz_byte(in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct hostile_driver driver;
    if (!console) {
        console = virtio_console_create(&stream, NULL);
        hostile_driver_create(&driver, &virtio_console_ops, console, 1);
        virtio_console_attach(console, driver.guest.device);
        driver.step = step;
    }
    hostile_driver_run(&driver, data, size);
    return 0;
}
