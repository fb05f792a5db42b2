/* virtio-gpu's commands, as a hostile guest would send them: any words in any order on both queues, through
 * the real transport, with resets, resizes and accesses to the configuration space between them. Some inputs
 * meet the 2D renderer, some a 3D one that watches over the rules of its border. */
#include "../unit/gpu_driver.h"
#include "support/fake_renderer.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t next_byte(struct input *in) {
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

/* Mostly small numbers and numbers at an edge: what ids, sizes and addresses are made of. */
static uint32_t next_word(struct input *in) {
    static const uint32_t edges[] = {UINT32_MAX, INT32_MAX, 1u << 31, 16384, 16385, 1024, 4096, 65536, PIXELS,
        PIXELS + PAGE, RAM_BASE, RAM_BASE + RAM_SIZE - PAGE, RAM_SIZE, REQUEST, RESPONSE, GPU_FORMAT_A8B8G8R8,
        GPU_FORMAT_R8G8B8X8};
    uint8_t kind = next_byte(in);
    if (kind < 128)
        return kind;
    if (kind < 224)
        return edges[(kind - 128u) % (sizeof edges / sizeof edges[0])];
    uint32_t word = 0;
    for (unsigned i = 0; i < 4; i++)
        word = word << 8 | next_byte(in);
    return word;
}

static uint32_t next_type(struct input *in) {
    uint8_t kind = next_byte(in);
    if (kind < 128)
        return VIRTIO_GPU_CMD_GET_DISPLAY_INFO + kind % 14u;
    if (kind < 208)
        return VIRTIO_GPU_CMD_CTX_CREATE + kind % 10u;
    if (kind < 224)
        return VIRTIO_GPU_CMD_UPDATE_CURSOR + kind % 3u;
    return next_word(in);
}

static void send_command(struct driver *d, struct input *in, unsigned queue) {
    static uint32_t words[6 + 255];
    memset(words, 0, sizeof words);
    words[0] = next_type(in);
    words[1] = next_byte(in) & 3;
    words[4] = next_byte(in) & 3;  /* the context */
    words[5] = next_byte(in) & 67; /* the ring */
    unsigned count = next_byte(in);
    for (unsigned i = 0; i < count; i++)
        words[6 + i] = next_word(in);
    memcpy(at(d, REQUEST), words, sizeof words);
    uint32_t size = 24 + 4 * count;
    offer(d, queue, size - (next_byte(in) & 3), next_byte(in) * 8u);
    virtio_gpu_drain(d->gpu);
}

static struct driver *open_device(const struct gpu_renderer_ops *renderer) {
    struct virtio_gpu_config config = {
        .renderer = renderer,
        .window_gpa = 1ull << 39,
        .window_size = 1 << 20,
        .scanouts = 2,
        .width = 640,
        .height = 480,
        .max_host_memory = 4 << 20,
        .no_thread = true,
    };
    return driver_create(&config);
}

static uint32_t get_features(struct driver *d) {
    set_register(d, 0x014, 0);
    return get_register(d, 0x010) & 31; /* the transport's own are not tested here */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct driver *drivers[2];
    if (!drivers[0]) {
        drivers[0] = open_device(&gpu_soft2d);
        drivers[1] = open_device(&fake_renderer);
    }
    struct input in = {data, size};
    uint8_t kind = next_byte(&in);
    struct driver *d = drivers[kind >> 5 & 1];
    driver_begin(d, kind & 31 & get_features(d));
    while (in.size) {
        switch (next_byte(&in) % 16) {
        case 0: driver_begin(d, get_features(d)); break;
        case 1: virtio_gpu_resize(d->gpu, next_byte(&in) & 3, next_word(&in), next_word(&in)); break;
        case 2: set_register(d, 0x100 + (next_byte(&in) & 0xc), next_word(&in)); break;
        case 3: get_register(d, 0x100 + (next_byte(&in) & 0xc)); break;
        case 4:
        case 5: send_command(d, &in, VIRTIO_GPU_CURSOR_QUEUE); break;
        default: send_command(d, &in, VIRTIO_GPU_CONTROL_QUEUE); break;
        }
    }
    return 0;
}
