/* virtio-gpu's commands, as a hostile guest would send them: any words in any order on both queues, through
 * the real transport, with resets, resizes and accesses to the configuration space between them. Some inputs
 * meet the 2D renderer, some a 3D one that watches over the rules of its border. Built as fuzz_gpu_virgl, all
 * of them meet virglrenderer, its GL driver and its render server, and half of the commands are such as it
 * takes. */
#include <stdio.h>

#include "../unit/gpu_driver.h"
#include "support/fake_renderer.h"

#ifdef FUZZ_VIRGL
#include "support/lent_blob.h"

static const bool use_virgl = true;
#else
static const bool use_virgl = false;
#endif

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

/* What Gallium's commands begin with: the command, an object's type, the length (virgl_protocol.h). */
static uint32_t virgl_header(struct input *in, unsigned length) {
    return next_byte(in) % 56u | (next_byte(in) % 16u) << 8 | length << 16;
}

enum { LENT_ID = 3, SET_TYPE = 49, SET_TYPE_WORDS = 10 };

/* Mostly a picture that lies inside of a blob. Returns how many words it has. */
static unsigned set_type(struct input *in, uint32_t *words) {
    static const uint32_t formats[] = {1, 2, 7, 8, 64, 67, 94, 131};
    const uint32_t command[] = {SET_TYPE | SET_TYPE_WORDS << 16, 1 + next_byte(in) % 8u,
        formats[next_byte(in) % 8], 8, 1 + next_byte(in) % 65u, 1 + next_byte(in) % 33u, 0,
        next_byte(in) < 16 ? next_word(in) : 0, 0, next_byte(in) < 64 ? next_word(in) : 256,
        next_byte(in) < 64 ? next_word(in) : 0};
    memcpy(words, command, sizeof command);
    return sizeof command / sizeof command[0];
}

/* A body that a 3D renderer does not refuse at first sight. Returns how many words it has. */
static unsigned sensible_body(struct input *in, uint32_t *words) {
    static const uint32_t capsets[] = {0, 1, 2, 4};
    uint32_t *body = words + 6;
    uint8_t size = next_byte(in);
    switch (words[0]) {
    case VIRTIO_GPU_CMD_CTX_CREATE: body[1] = capsets[size % 4]; return 18;
    case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
        body[0] = 1 + size % 8;
        body[1] = next_byte(in) % 9;                         /* target */
        body[2] = next_byte(in);                             /* format */
        body[3] = 1u << next_byte(in) % 21u | next_byte(in); /* bind */
        body[4] = 1u << next_byte(in) % 8u;
        body[5] = 1u << next_byte(in) % 8u;
        body[6] = 1 + next_byte(in) % 4;
        body[7] = 1 + next_byte(in) % 6;
        body[8] = next_byte(in) % 4;
        body[9] = next_byte(in) % 5;
        return 12;
    case VIRTIO_GPU_CMD_SUBMIT_3D: {
        unsigned at = 2;
        while (at < 200 && in->size) {
            unsigned length = next_byte(in);
            if (length >= 224) {
                at += set_type(in, body + at);
                continue;
            }
            length %= 24;
            body[at++] = virgl_header(in, length);
            for (; length; length--)
                body[at++] = next_word(in);
        }
        body[0] = (at - 2) * 4;
        return at;
    }
    case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
    case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
        for (unsigned i = 0; i < 6; i++)
            body[i] = next_byte(in) % 65u;
        body[8] = 1 + size % 8;
        body[9] = next_byte(in) % 4;
        return 12;
    case VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB:
        body[0] = 1 + size % 8;
        body[1] = 1 + next_byte(in) % 3;
        body[2] = next_byte(in) % 8;
        body[3] = body[1] == 2 ? 0 : 1;
        body[4] = next_byte(in) % 4; /* LENT_ID among them */
        body[6] = (1 + next_byte(in) % 4) * PAGE;
        body[8] = PIXELS;
        body[10] = 4 * PAGE;
        return 12;
    case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
        body[0] = 1 + size % 8;
        body[1] = 1;
        body[2] = PIXELS;
        body[4] = (1 + next_byte(in)) * 64;
        return 6;
    default: /* an id first */
        body[0] = 1 + size % 8;
        for (unsigned i = 1; i < 12; i++)
            body[i] = next_word(in);
        return 12;
    }
}

static void send_command(struct driver *d, struct input *in, unsigned queue) {
    static uint32_t words[6 + 255];
    memset(words, 0, sizeof words);
    words[0] = next_type(in);
    words[1] = next_byte(in) & 3;
    words[4] = next_byte(in) & 3;  /* the context */
    words[5] = next_byte(in) & 67; /* the ring */
    unsigned count = next_byte(in);
    if (use_virgl && count & 1) {
        count = sensible_body(in, words);
    } else {
        for (unsigned i = 0; i < count; i++)
            words[6 + i] = next_word(in);
    }
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

#ifdef FUZZ_VIRGL
static struct gpu_renderer_ops lending_renderer;
static const struct gpu_renderer_ops *const first_renderer = &lending_renderer;

static enum gpu_status create_blob(void *renderer, uint32_t id, const struct gpu_blob *blob,
    const struct iovec *iov, unsigned count, struct gpu_surface **surface) {
    if (blob->memory != GPU_BLOB_HOST3D || blob->id != LENT_ID)
        return gpu_3d.surface_create_blob(renderer, id, blob, iov, count, surface);
    int fd = make_lent_file(blob->size);
    *surface = fd < 0 ? NULL : lend_blob(id, fd, blob->size);
    close(fd);
    return *surface ? GPU_OK : GPU_FAILED;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A host without it has nothing to test. */
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const struct gpu_renderer_host host = {0};
    struct error e;
    void *renderer;
    (void)argc;
    (void)argv;
    setenv("PEARVISOR_GL_COPIES", "1", 1);
    lending_renderer = gpu_3d;
    lending_renderer.surface_create_blob = create_blob;
    if (gpu_3d.create(&renderer, &host, &e) < 0) {
        printf("Done 0 runs in 0 second(s): %s\n", e.text);
        exit(0);
    }
    gpu_3d.destroy(renderer);
    return 0;
}
#else
static const struct gpu_renderer_ops *const first_renderer = &gpu_soft2d;
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct driver *drivers[2];
    if (!drivers[0]) {
        drivers[0] = open_device(first_renderer);
        drivers[1] = use_virgl ? drivers[0] : open_device(&fake_renderer);
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
