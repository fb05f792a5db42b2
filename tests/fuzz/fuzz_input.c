/* Keyboard and tablet, with events of the user's between the guest's steps. */
#include "hostile_driver.h"
#include "virtio/input.h"

static struct virtio_input *input;

static void step(void *ctx, struct fuzz_input *in) {
    (void)ctx;
    uint8_t kind = fuzz_byte(in);
    for (unsigned i = 0; i < kind / 4u; i++) {
        if (kind & 1)
            virtio_input_move(input, i, kind);
        else
            virtio_input_key(input, kind, kind & 2);
    }
    if (virtio_input_leds(input) > 7)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct hostile_driver drivers[2];
    static struct virtio_input *inputs[2];
    unsigned kind = size > 0 && data[0] & 1 ? VIRTIO_INPUT_TABLET : VIRTIO_INPUT_KEYBOARD;
    struct hostile_driver *driver = &drivers[kind];
    if (!inputs[kind]) {
        inputs[kind] = virtio_input_create(kind, NULL);
        hostile_driver_create(driver, &virtio_input_ops, inputs[kind], 0);
        virtio_input_attach(inputs[kind], driver->guest.device);
        driver->step = step;
    }
    input = inputs[kind];
    hostile_driver_run(driver, data, size);
    return 0;
}
