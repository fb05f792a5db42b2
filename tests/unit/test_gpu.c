/* virtio-gpu (virtio 1.2, 5.7) through its transport and queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "gpu_driver.h"

/* --- commands */

static uint32_t send(struct driver *d, unsigned queue, const void *request, size_t size, uint32_t room) {
    memcpy(at(d, REQUEST), request, size);
    memset(at(d, RESPONSE), 0xee, 2048);
    offer(d, queue, (uint32_t)size, room);
    virtio_gpu_drain(d->gpu);
    uint32_t written = 0;
    assert_true(returned(d, queue, &written));
    assert_true(written <= room);
    return written;
}

static uint32_t control(struct driver *d, const void *request, size_t size) {
    uint32_t written = send(d, VIRTIO_GPU_CONTROL_QUEUE, request, size, 2048);
    assert_true(written >= sizeof(struct virtio_gpu_ctrl_hdr));
    return ((struct virtio_gpu_ctrl_hdr *)at(d, RESPONSE))->type;
}

static uint32_t create_2d(struct driver *d, uint32_t id, uint32_t format, uint32_t width, uint32_t height) {
    struct virtio_gpu_resource_create_2d c = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, id, format, width, height};
    return control(d, &c, sizeof c);
}

static uint32_t with_resource(struct driver *d, uint32_t type, uint32_t id) {
    struct virtio_gpu_resource_only c = {.hdr = {.type = type}, .resource_id = id};
    return control(d, &c, sizeof c);
}

static uint32_t attach(struct driver *d, uint32_t id, const struct virtio_gpu_mem_entry *entries,
    uint32_t count, uint32_t claimed) {
    uint8_t request[8192];
    struct virtio_gpu_resource_attach_backing c = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, id, claimed};
    memcpy(request, &c, sizeof c);
    memcpy(request + sizeof c, entries, count * sizeof *entries);
    return control(d, request, sizeof c + count * sizeof *entries);
}

static uint32_t transfer(struct driver *d, uint32_t id, struct virtio_gpu_rect r, uint64_t offset) {
    struct virtio_gpu_transfer_to_host_2d c = {
        {.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D}, r, offset, id, 0};
    return control(d, &c, sizeof c);
}

static uint32_t set_scanout(struct driver *d, uint32_t scanout, uint32_t id, struct virtio_gpu_rect r) {
    struct virtio_gpu_set_scanout c = {{.type = VIRTIO_GPU_CMD_SET_SCANOUT}, r, scanout, id};
    return control(d, &c, sizeof c);
}

static uint32_t flush(struct driver *d, uint32_t id, struct virtio_gpu_rect r) {
    struct virtio_gpu_resource_flush c = {{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, r, id, 0};
    return control(d, &c, sizeof c);
}

static uint32_t cursor(
    struct driver *d, uint32_t type, uint32_t scanout, int32_t x, int32_t y, uint32_t id, uint32_t hot) {
    struct virtio_gpu_update_cursor c = {
        {.type = type}, {scanout, (uint32_t)x, (uint32_t)y, 0}, id, hot, hot, 0};
    send(d, VIRTIO_GPU_CURSOR_QUEUE, &c, sizeof c, sizeof c.hdr);
    return ((struct virtio_gpu_ctrl_hdr *)at(d, RESPONSE))->type;
}

enum {
    OK = VIRTIO_GPU_RESP_OK_NODATA,
    UNSPEC = VIRTIO_GPU_RESP_ERR_UNSPEC,
    NO_MEMORY = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
    BAD_SCANOUT = VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID,
    BAD_RESOURCE = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
    BAD_PARAMETER = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
};

#define RECT(...) ((struct virtio_gpu_rect){__VA_ARGS__})

/* Writes the picture that tests use into one piece of guest memory: a pixel tells where it is. */
static uint32_t pixel(uint32_t x, uint32_t y) {
    return 0xff000000 | (x * 7 & 0xff) << 16 | (y * 5 & 0xff) << 8 | ((x ^ y) & 0xff);
}

/* Where byte offset of a backing made of count pages in reverse order is. */
static uint64_t scattered(uint64_t offset, uint32_t count) {
    return PIXELS + (count - 1 - offset / PAGE) * 2 * PAGE + offset % PAGE;
}

static void attach_scattered(struct driver *d, uint32_t id, uint32_t width, uint32_t height) {
    struct virtio_gpu_mem_entry entries[256];
    uint32_t count = (width * height * 4 + PAGE - 1) / PAGE;
    assert_true(count <= 256);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct virtio_gpu_mem_entry){scattered((uint64_t)i * PAGE, count), PAGE, 0};
    assert_int_equal(attach(d, id, entries, count, count), OK);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            uint32_t value = pixel(x, y);
            memcpy(at(d, scattered((y * (uint64_t)width + x) * 4, count)), &value, 4);
        }
}

/* --- what the display shows */

static struct display_viewer *viewer;

static uint32_t shown(struct driver *d, unsigned scanout, uint32_t x, uint32_t y) {
    struct display_frame frame;
    uint32_t value;
    struct display_viewer *v = display_attach(d->display, NULL, NULL);
    display_lock(v, scanout, &frame);
    assert_true(x < frame.width && y < frame.height);
    memcpy(&value, frame.pixels + y * frame.stride + x * 4, 4);
    display_unlock(v, scanout);
    display_detach(v);
    return value;
}

/* Takes what there is. What was put off for that comes with the next command. */
static struct display_frame look(unsigned scanout) {
    struct display_frame frame;
    display_lock(viewer, scanout, &frame);
    display_unlock(viewer, scanout);
    display_ready(viewer, scanout);
    return frame;
}

static void assert_unchanged(unsigned scanout) {
    struct rect damage = look(scanout).damage;
    assert_true(rect_empty(&damage));
}

static void assert_rect(struct rect r, uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    assert_int_equal(r.x, x);
    assert_int_equal(r.y, y);
    assert_int_equal(r.width, width);
    assert_int_equal(r.height, height);
}

/* --- fixtures */

static struct driver *start(unsigned scanouts, const struct gpu_renderer_ops *renderer, uint64_t memory) {
    struct virtio_gpu_config config = {
        .renderer = renderer,
        .scanouts = scanouts,
        .width = 1280,
        .height = 800,
        .max_host_memory = memory,
        .no_thread = true,
    };
    struct driver *d = driver_create(&config);
    viewer = display_attach(d->display, NULL, NULL);
    return d;
}

static int setup(void **state) {
    *state = start(2, &gpu_soft2d, 64 << 20);
    return 0;
}

static int teardown(void **state) {
    display_detach(viewer);
    driver_destroy(*state);
    return 0;
}

/* --- tests */

static void config_space(void **state) {
    struct driver *d = *state;
    assert_int_equal(get_register(d, 0x008), 16);
    set_register(d, 0x014, 0);
    assert_int_equal(get_register(d, 0x010) & 0x1f, 1 << VIRTIO_GPU_F_EDID);
    assert_int_equal(get_register(d, 0x100), 0); /* events_read */
    assert_int_equal(get_register(d, 0x104), 0);
    assert_int_equal(get_register(d, 0x108), 2); /* num_scanouts */
    assert_int_equal(get_register(d, 0x10c), 0); /* num_capsets */
}

static const struct virtio_gpu_resp_display_info *display_info(struct driver *d) {
    struct virtio_gpu_ctrl_hdr c = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
    uint32_t written = send(d, VIRTIO_GPU_CONTROL_QUEUE, &c, sizeof c, 2048);
    const struct virtio_gpu_resp_display_info *info = at(d, RESPONSE);
    assert_int_equal(written, 24 + 16 * 24);
    assert_int_equal(info->hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
    return info;
}

static void resize(void **state) {
    struct driver *d = *state;
    const struct virtio_gpu_resp_display_info *info = display_info(d);
    assert_int_equal(info->pmodes[0].enabled, 1);
    assert_int_equal(info->pmodes[0].r.width, 1280);
    assert_int_equal(info->pmodes[0].r.height, 800);
    for (unsigned i = 1; i < 16; i++)
        assert_int_equal(info->pmodes[i].enabled, 0);

    uint32_t generation = get_register(d, 0x0fc);
    virtio_gpu_resize(d->gpu, 0, 1920, 1080);
    virtio_gpu_resize(d->gpu, 1, 640, 480);
    virtio_gpu_resize(d->gpu, 2, 640, 480); /* there is no third one */
    assert_int_not_equal(get_register(d, 0x0fc), generation);
    assert_int_equal(get_register(d, 0x060) & 2, 2); /* configuration interrupt */
    assert_int_equal(get_register(d, 0x100), VIRTIO_GPU_EVENT_DISPLAY);
    info = display_info(d);
    assert_int_equal(info->pmodes[0].r.width, 1920);
    assert_int_equal(info->pmodes[0].r.height, 1080);
    assert_int_equal(info->pmodes[1].r.x, 1920);
    assert_int_equal(info->pmodes[1].enabled, 1);

    set_register(d, 0x100, 0); /* events_read is not for writing */
    set_register(d, 0x104, 2); /* a bit that is not set */
    assert_int_equal(get_register(d, 0x100), 1);
    set_register(d, 0x104, 1);
    assert_int_equal(get_register(d, 0x100), 0);

    virtio_gpu_resize(d->gpu, 1, 0, 0);
    assert_int_equal(display_info(d)->pmodes[1].enabled, 0);
    virtio_gpu_resize(d->gpu, 0, 1 << 20, 1 << 20);
    assert_int_equal(display_info(d)->pmodes[0].r.width, 16384);
}

static void edid(void **state) {
    struct driver *d = *state;
    struct virtio_gpu_get_edid c = {.hdr = {.type = VIRTIO_GPU_CMD_GET_EDID}, .scanout = 0};
    assert_int_equal(control(d, &c, sizeof c), VIRTIO_GPU_RESP_OK_EDID);
    const struct virtio_gpu_resp_edid *response = at(d, RESPONSE);
    assert_int_equal(response->size, 128);
    uint8_t sum = 0;
    for (unsigned i = 0; i < 128; i++)
        sum = (uint8_t)(sum + response->edid[i]);
    assert_int_equal(sum, 0);
    assert_int_equal(response->edid[56] | (response->edid[58] & 0xf0) << 4, 1280);
    c.scanout = 2;
    assert_int_equal(control(d, &c, sizeof c), BAD_SCANOUT);

    driver_begin(d, 0); /* a driver that does not know EDID */
    c.scanout = 0;
    assert_int_equal(control(d, &c, sizeof c), UNSPEC);
}

static void framebuffer(void **state) {
    struct driver *d = *state;
    enum { W = 301, H = 200 }; /* rows that straddle pages */
    assert_int_equal(create_2d(d, 7, GPU_FORMAT_B8G8R8X8, W, H), OK);
    attach_scattered(d, 7, W, H);
    assert_int_equal(transfer(d, 7, RECT(0, 0, W, H), 0), OK);
    assert_int_equal(set_scanout(d, 0, 7, RECT(0, 0, W, H)), OK);
    look(0);
    assert_int_equal(flush(d, 7, RECT(0, 0, W, H)), OK);
    for (uint32_t y = 0; y < H; y++)
        for (uint32_t x = 0; x < W; x++)
            assert_int_equal(shown(d, 0, x, y) & 0xffffff, pixel(x, y) & 0xffffff);
    assert_rect(look(0).damage, 0, 0, W, H);
    assert_unchanged(0);
    assert_true(look(0).on);

    struct gpu_stats stats;
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.frames, 1);
    assert_int_equal(stats.bytes_uploaded, W * H * 4);
    assert_int_equal(stats.errors, 0);

    /* Off: the last frame stays for screenshots. */
    assert_int_equal(set_scanout(d, 0, 0, RECT(0, 0, 0, 0)), OK);
    assert_false(look(0).on);
    assert_int_equal(shown(d, 0, 300, 199) & 0xffffff, pixel(300, 199) & 0xffffff);
}

static void partial_transfer(void **state) {
    struct driver *d = *state;
    enum { W = 100, H = 50 };
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, W, H), OK);
    attach_scattered(d, 1, W, H);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, W, H)), OK);
    look(0);

    /* As Linux does: offset is that of the rectangle's first pixel. */
    assert_int_equal(transfer(d, 1, RECT(30, 20, 40, 10), (20 * W + 30) * 4), OK);
    assert_int_equal(flush(d, 1, RECT(25, 15, 50, 20)), OK);
    assert_rect(look(0).damage, 25, 15, 50, 20);
    for (uint32_t y = 0; y < H; y++)
        for (uint32_t x = 0; x < W; x++) {
            bool inside = x >= 30 && x < 70 && y >= 20 && y < 30;
            assert_int_equal(shown(d, 0, x, y), inside ? pixel(x, y) : 0);
        }

    /* An offset that belongs to another place moves the picture. */
    assert_int_equal(transfer(d, 1, RECT(0, 0, 2, 2), (3 * W + 5) * 4), OK);
    assert_int_equal(flush(d, 1, RECT(0, 0, 2, 2)), OK);
    assert_int_equal(shown(d, 0, 1, 1), pixel(6, 4));
}

/* Nothing is copied until somebody looks, or the backing goes. */
static void transfers_wait_for_eyes(void **state) {
    struct driver *d = *state;
    enum { W = 64, H = 32 };
    struct gpu_stats stats;
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, W, H), OK);
    attach_scattered(d, 1, W, H);
    for (int i = 0; i < 3; i++)
        assert_int_equal(transfer(d, 1, RECT(0, 0, W, H), 0), OK);
    assert_int_equal(transfer(d, 1, RECT(1, 1, 8, 8), (W + 1) * 4), OK);
    assert_int_equal(transfer(d, 1, RECT(0, 0, W, H), 4), BAD_PARAMETER);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_uploaded, 0);

    /* One that moves the picture lies on top of what came before it. */
    assert_int_equal(transfer(d, 1, RECT(0, 0, 2, 2), (3 * W + 5) * 4), OK);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_uploaded, (W * H + 2 * 2) * 4);

    assert_int_equal(transfer(d, 1, RECT(0, 8, W, 8), 8 * W * 4), OK);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1), OK);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_uploaded, (W * H + 2 * 2 + W * 8) * 4);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, W, H)), OK);
    assert_int_equal(flush(d, 1, RECT(0, 0, W, H)), OK);
    assert_int_equal(shown(d, 0, 1, 1), pixel(6, 4));
    assert_int_equal(shown(d, 0, 2, 2), pixel(2, 2));
    assert_int_equal(shown(d, 0, W - 1, H - 1), pixel(W - 1, H - 1));
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_uploaded, (W * H + 2 * 2 + W * 8) * 4);
}

static void scanout_of_a_part(void **state) {
    struct driver *d = *state;
    enum { W = 200, H = 100 };
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, W, H), OK);
    attach_scattered(d, 1, W, H);
    assert_int_equal(transfer(d, 1, RECT(0, 0, W, H), 0), OK);
    /* One framebuffer over two heads. */
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, 120, 100)), OK);
    assert_int_equal(set_scanout(d, 1, 1, RECT(120, 10, 80, 90)), OK);
    look(0);
    look(1);
    assert_int_equal(shown(d, 1, 0, 0), pixel(120, 10));
    assert_int_equal(shown(d, 1, 79, 89), pixel(199, 99));

    assert_int_equal(flush(d, 1, RECT(110, 5, 20, 10)), OK);
    assert_rect(look(0).damage, 110, 5, 10, 10);
    assert_rect(look(1).damage, 0, 0, 10, 5);
    assert_int_equal(flush(d, 1, RECT(130, 0, 70, 10)), OK); /* above the second, right of the first */
    assert_unchanged(0);
    assert_unchanged(1);
}

static void scanout_without_flush(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, 16, 16), OK);
    attach_scattered(d, 1, 16, 16);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 16, 16), 0), OK);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, 16, 16)), OK);
    assert_int_equal(shown(d, 0, 15, 15), pixel(15, 15));
    /* Another buffer of the same size: a flip; a flush of a part shows all of it. */
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, 16, 16), OK);
    assert_int_equal(set_scanout(d, 0, 2, RECT(0, 0, 16, 16)), OK);
    assert_int_equal(shown(d, 0, 15, 15), 0);
    /* Destroying what is shown turns the scanout off. */
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2), OK);
    assert_false(look(0).on);
}

/* What is flushed while the viewer has not shown the last frame is read once, when it has. */
static void frames_wait_for_viewers(void **state) {
    struct driver *d = *state;
    struct gpu_stats stats;
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, 16, 16), OK);
    attach_scattered(d, 1, 16, 16);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, 16, 16)), OK);
    look(0);
    virtio_gpu_stats(d->gpu, &stats);
    uint64_t before = stats.bytes_read_back;
    assert_int_equal(transfer(d, 1, RECT(0, 0, 16, 16), 0), OK);
    assert_int_equal(flush(d, 1, RECT(0, 0, 4, 4)), OK); /* which it gets */
    assert_int_equal(flush(d, 1, RECT(4, 4, 2, 2)), OK);
    assert_int_equal(flush(d, 1, RECT(8, 4, 2, 2)), OK);
    virtio_gpu_drain(d->gpu);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_read_back - before, 4 * 4 * 4);
    assert_rect(look(0).damage, 0, 0, 4, 4);
    virtio_gpu_drain(d->gpu);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_read_back - before, (4 * 4 + 6 * 2) * 4);
    assert_int_equal(stats.frames, 3);
    struct display_frame frame = look(0);
    assert_rect(frame.damage, 4, 4, 6, 2);
    uint32_t value;
    memcpy(&value, frame.pixels + 5 * frame.stride + 9 * 4, 4);
    assert_int_equal(value, pixel(9, 5));
}

static void formats(void **state) {
    struct driver *d = *state;
    /* Memory holds 1, 2, 3, 4; a name gives what each byte means. Expected: blue, green, red. */
    static const struct {
        uint32_t format;
        uint8_t bgr[3];
    } cases[] = {
        {GPU_FORMAT_B8G8R8A8, {1, 2, 3}},
        {GPU_FORMAT_B8G8R8X8, {1, 2, 3}},
        {GPU_FORMAT_A8R8G8B8, {4, 3, 2}},
        {GPU_FORMAT_X8R8G8B8, {4, 3, 2}},
        {GPU_FORMAT_R8G8B8A8, {3, 2, 1}},
        {GPU_FORMAT_R8G8B8X8, {3, 2, 1}},
        {GPU_FORMAT_A8B8G8R8, {2, 3, 4}},
        {GPU_FORMAT_X8B8G8R8, {2, 3, 4}},
    };
    memcpy(at(d, PIXELS), (uint8_t[]){1, 2, 3, 4}, 4);
    struct virtio_gpu_mem_entry entry = {PIXELS, 4, 0};
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(create_2d(d, 9, cases[i].format, 1, 1), OK);
        assert_int_equal(attach(d, 9, &entry, 1, 1), OK);
        assert_int_equal(transfer(d, 9, RECT(0, 0, 1, 1), 0), OK);
        assert_int_equal(set_scanout(d, 0, 9, RECT(0, 0, 1, 1)), OK);
        assert_int_equal(flush(d, 9, RECT(0, 0, 1, 1)), OK);
        uint32_t got = shown(d, 0, 0, 0);
        assert_memory_equal(&got, cases[i].bgr, 3);
        assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 9), OK);
    }
    assert_int_equal(create_2d(d, 9, 0, 1, 1), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 9, 5, 1, 1), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 9, 66, 1, 1), BAD_PARAMETER);
}

static void cursors(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_2d(d, 3, GPU_FORMAT_B8G8R8A8, 64, 64), OK);
    attach_scattered(d, 3, 64, 64);
    assert_int_equal(transfer(d, 3, RECT(0, 0, 64, 64), 0), OK);
    look(1);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 100, 50, 3, 5), OK);
    struct display_frame frame;
    display_lock(viewer, 1, &frame);
    assert_true(frame.cursor_changed && frame.cursor->visible);
    assert_int_equal(frame.cursor->x, 100);
    assert_int_equal(frame.cursor->y, 50);
    assert_int_equal(frame.cursor->hot_x, 5);
    uint32_t corner = pixel(63, 63);
    assert_memory_equal(frame.cursor->pixels + 64 * 64 * 4 - 4, &corner, 4);
    display_unlock(viewer, 1);

    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_MOVE_CURSOR, 1, -3, 7, 0, 0), OK);
    display_lock(viewer, 1, &frame);
    assert_true(!frame.cursor_changed && frame.cursor->visible);
    assert_int_equal(frame.cursor->x, -3);
    display_unlock(viewer, 1);

    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 0, 0, 0, 0), OK);
    display_lock(viewer, 1, &frame);
    assert_true(frame.cursor_changed && !frame.cursor->visible);
    display_unlock(viewer, 1);

    assert_int_equal(create_2d(d, 4, GPU_FORMAT_B8G8R8A8, 32, 64), OK);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 0, 0, 4, 0), BAD_PARAMETER);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 0, 0, 99, 0), BAD_RESOURCE);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_UPDATE_CURSOR, 2, 0, 0, 3, 0), BAD_SCANOUT);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_MOVE_CURSOR, UINT32_MAX, 0, 0, 3, 0), BAD_SCANOUT);
    assert_int_equal(cursor(d, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0, 0, 0, 3, 0), UNSPEC);

    /* Linux gives no room for the response. */
    struct virtio_gpu_update_cursor move = {.hdr = {.type = VIRTIO_GPU_CMD_MOVE_CURSOR}, .pos = {1, 9, 9, 0}};
    assert_int_equal(send(d, VIRTIO_GPU_CURSOR_QUEUE, &move, sizeof move, 0), 0);
    display_lock(viewer, 1, &frame);
    assert_int_equal(frame.cursor->x, 9);
    display_unlock(viewer, 1);
}

static void errors(void **state) {
    struct driver *d = *state;
    const struct virtio_gpu_mem_entry good = {PIXELS, 64 * 64 * 4, 0};
    assert_int_equal(create_2d(d, 0, GPU_FORMAT_B8G8R8A8, 8, 8), BAD_RESOURCE);
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, 64, 64), OK);
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, 8, 8), BAD_RESOURCE);
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, 0, 8), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, 8, 0), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, 16385, 1), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, UINT32_MAX, UINT32_MAX), BAD_PARAMETER);
    assert_int_equal(create_2d(d, 2, GPU_FORMAT_B8G8R8A8, 16384, 16384), NO_MEMORY);

    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 2), BAD_RESOURCE);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 2), BAD_RESOURCE);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 1), UNSPEC);

    assert_int_equal(transfer(d, 1, RECT(0, 0, 64, 64), 0), UNSPEC); /* no backing */
    assert_int_equal(attach(d, 2, &good, 1, 1), BAD_RESOURCE);
    assert_int_equal(attach(d, 1, &good, 1, 0), BAD_PARAMETER);
    assert_int_equal(attach(d, 1, &good, 1, 2), BAD_PARAMETER); /* more entries than sent */
    assert_int_equal(attach(d, 1, &good, 1, UINT32_MAX), BAD_PARAMETER);
    const struct virtio_gpu_mem_entry bad[] = {
        {PIXELS, 0, 0},
        {RAM_BASE - PAGE, PAGE, 0},
        {RAM_BASE + RAM_SIZE - PAGE, PAGE + 1, 0},
        {RAM_BASE, UINT32_MAX, 0},
        {UINT64_MAX - 10, 100, 0},
        {REGISTERS, PAGE, 0},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct virtio_gpu_mem_entry entries[2] = {good, bad[i]};
        assert_int_equal(attach(d, 1, entries, 2, 2), BAD_PARAMETER);
    }
    assert_int_equal(attach(d, 1, &good, 1, 1), OK);
    assert_int_equal(attach(d, 1, &good, 1, 1), UNSPEC); /* twice */

    assert_int_equal(transfer(d, 2, RECT(0, 0, 1, 1), 0), BAD_RESOURCE);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 65, 1), 0), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 0, 0), 0), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(UINT32_MAX, 0, 2, 1), 0), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, UINT32_MAX - 1, 1, 4), 0), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 64, 64), 1), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 1, 1), 64 * 64 * 4 - 3), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 1, 1), 64 * 64 * 4 - 4), OK);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 1, 1), UINT64_MAX), BAD_PARAMETER);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 64, 64), UINT64_MAX - 64 * 64 * 4 + 1), BAD_PARAMETER);

    assert_int_equal(set_scanout(d, 2, 1, RECT(0, 0, 64, 64)), BAD_SCANOUT);
    assert_int_equal(set_scanout(d, 0, 2, RECT(0, 0, 64, 64)), BAD_RESOURCE);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, 65, 64)), BAD_PARAMETER);
    assert_int_equal(set_scanout(d, 0, 1, RECT(1, 0, UINT32_MAX, 64)), BAD_PARAMETER);
    assert_int_equal(flush(d, 2, RECT(0, 0, 1, 1)), BAD_RESOURCE);
    assert_int_equal(flush(d, 1, RECT(64, 0, 1, 1)), BAD_PARAMETER);

    struct virtio_gpu_get_capset_info capset = {.hdr = {.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO}};
    assert_int_equal(control(d, &capset, sizeof capset), BAD_PARAMETER);
    capset.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET;
    assert_int_equal(control(d, &capset, sizeof capset), BAD_PARAMETER);
    static const uint32_t unknown[] = {0, 0x10b, 0x10c, 0x200, 0x207, 0x300, 0x1100, UINT32_MAX};
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct virtio_gpu_update_cursor c = {.hdr = {.type = unknown[i]}};
        assert_int_equal(control(d, &c, sizeof c), UNSPEC);
    }
}

static void odd_sizes(void **state) {
    struct driver *d = *state;
    struct virtio_gpu_resource_create_2d c = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 1, GPU_FORMAT_B8G8R8A8, 8, 8};
    assert_int_equal(control(d, &c, sizeof c - 1), BAD_PARAMETER);
    assert_int_equal(control(d, &c, sizeof c.hdr - 1), UNSPEC);
    assert_int_equal(control(d, &c, 1), UNSPEC);
    /* A response is cut to the room that there is. */
    assert_int_equal(send(d, VIRTIO_GPU_CONTROL_QUEUE, &c, sizeof c, 10), 10);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), OK);
    assert_int_equal(send(d, VIRTIO_GPU_CONTROL_QUEUE, &c, sizeof c, 0), 0);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), OK);
    assert_int_equal(get_register(d, 0x070) & 64, 0); /* none of it breaks the device */
}

static void memory_limit(void **state) {
    struct driver *d = *state; /* 64 MiB */
    uint32_t made = 0;
    while (create_2d(d, made + 1, GPU_FORMAT_B8G8R8A8, 1024, 1024) == OK)
        made++;
    assert_true(made == 15 || made == 16);
    assert_int_equal(create_2d(d, 100, GPU_FORMAT_B8G8R8A8, 1024, 1024), NO_MEMORY);
    assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 1), OK);
    assert_int_equal(create_2d(d, 100, GPU_FORMAT_B8G8R8A8, 1024, 1023), OK);
    /* The picture on the display counts too. */
    assert_int_equal(set_scanout(d, 0, 100, RECT(0, 0, 1024, 1023)), NO_MEMORY);
    for (uint32_t id = 2; id <= 3; id++)
        assert_int_equal(with_resource(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, id), OK);
    assert_int_equal(set_scanout(d, 0, 100, RECT(0, 0, 1024, 1023)), OK);
    /* Small ones cannot be had without end either. */
    driver_begin(d, 0);
    uint32_t small = 0;
    while (small < 100000 && create_2d(d, small + 1, GPU_FORMAT_B8G8R8A8, 1, 1) == OK)
        small++;
    assert_in_range(small, 1000, 65536);
    driver_begin(d, 0);
    for (uint32_t id = 1; id <= 14; id++)
        assert_int_equal(create_2d(d, id, GPU_FORMAT_B8G8R8A8, 1024, 1024), OK);
}

static void reset(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_2d(d, 1, GPU_FORMAT_B8G8R8A8, 16, 16), OK);
    attach_scattered(d, 1, 16, 16);
    assert_int_equal(transfer(d, 1, RECT(0, 0, 16, 16), 0), OK);
    assert_int_equal(set_scanout(d, 0, 1, RECT(0, 0, 16, 16)), OK);
    virtio_gpu_resize(d->gpu, 0, 800, 600);
    driver_begin(d, 1u << VIRTIO_GPU_F_EDID);
    assert_int_equal(flush(d, 1, RECT(0, 0, 1, 1)), BAD_RESOURCE);
    assert_false(look(0).on);
    assert_int_equal(get_register(d, 0x100), 0);
    assert_int_equal(display_info(d)->pmodes[0].r.width, 800); /* the user's window is what it was */
}

/* --- fences: a renderer that takes its time */

static struct gpu_renderer_host slow_host;
static uint64_t slow_fences[64];
static atomic_uint slow_count;

static int slow_create(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    slow_host = *host;
    slow_count = 0;
    return gpu_soft2d.create(renderer, host, e);
}

static void slow_fence(void *renderer, struct gpu_timeline timeline, uint64_t fence) {
    (void)renderer;
    assert_int_equal(timeline.context, 0);
    slow_fences[slow_count] = fence;
    slow_count++;
}

static struct gpu_renderer_ops slow_renderer;

static void make_slow(void) {
    slow_renderer = gpu_soft2d;
    slow_renderer.create = slow_create;
    slow_renderer.fence = slow_fence;
}

static int setup_slow(void **state) {
    make_slow();
    *state = start(1, &slow_renderer, 0);
    return 0;
}

static void offer_fenced(struct driver *d, uint64_t guest_fence) {
    struct virtio_gpu_ctrl_hdr c = {
        .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
        .flags = VIRTIO_GPU_FLAG_FENCE,
        .fence_id = guest_fence,
        .ctx_id = 5,
    };
    memcpy(at(d, REQUEST), &c, sizeof c);
    offer(d, VIRTIO_GPU_CONTROL_QUEUE, sizeof c, 2048);
    virtio_gpu_drain(d->gpu);
}

static void fences(void **state) {
    struct driver *d = *state;
    offer_fenced(d, 0x123456789abcdef0);
    offer_fenced(d, 3); /* the guest's numbers need not grow */
    offer_fenced(d, 2);
    assert_int_equal(slow_count, 3);
    assert_false(returned(d, 0, NULL));

    /* What is not fenced overtakes. */
    struct virtio_gpu_ctrl_hdr plain = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
    send(d, VIRTIO_GPU_CONTROL_QUEUE, &plain, sizeof plain, 2048);
    assert_int_equal(((struct virtio_gpu_ctrl_hdr *)at(d, RESPONSE))->flags, 0);

    unsigned interrupts = d->interrupts;
    slow_host.fence_done(slow_host.ctx, (struct gpu_timeline){1, 0}, UINT64_MAX); /* another timeline */
    virtio_gpu_drain(d->gpu);
    assert_false(returned(d, 0, NULL));
    slow_host.fence_done(slow_host.ctx, (struct gpu_timeline){0}, slow_fences[1]);
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, 0, NULL)); /* it and the one before it */
    assert_true(returned(d, 0, NULL));
    assert_false(returned(d, 0, NULL));
    assert_int_equal(d->interrupts, interrupts + 1);

    slow_host.fence_done(slow_host.ctx, (struct gpu_timeline){0}, slow_fences[2]);
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, 0, NULL));

    struct gpu_stats stats;
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.fence.count, 3);

    /* A fence from before a reset is nobody's. */
    offer_fenced(d, 9);
    driver_begin(d, 0);
    slow_host.fence_done(slow_host.ctx, (struct gpu_timeline){0}, slow_fences[3]);
    virtio_gpu_drain(d->gpu);
    assert_false(returned(d, 0, NULL));
}

static void fence_header(void **state) {
    struct driver *d = *state;
    offer_fenced(d, 0x123456789abcdef0);
    assert_true(returned(d, 0, NULL));
    const struct virtio_gpu_ctrl_hdr *hdr = at(d, RESPONSE);
    assert_int_equal(hdr->type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
    assert_int_equal(hdr->flags, VIRTIO_GPU_FLAG_FENCE);
    assert_true(hdr->fence_id == 0x123456789abcdef0);
    assert_int_equal(hdr->ctx_id, 5);
}

/* --- the device's own thread */

static void wait_for(struct driver *d, unsigned queue) {
    for (unsigned i = 0; !returned(d, queue, NULL); i++) {
        assert_true(i < 5000);
        usleep(1000);
    }
}

static void thread(void **state) {
    (void)state;
    struct virtio_gpu_config config = {.renderer = &gpu_soft2d, .scanouts = 1, .width = 64, .height = 64};
    struct driver *d = driver_create(&config);
    for (unsigned round = 0; round < 200; round++) {
        struct virtio_gpu_ctrl_hdr c = {
            .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
            .flags = round % 2 ? VIRTIO_GPU_FLAG_FENCE : 0,
        };
        memcpy(at(d, REQUEST), &c, sizeof c);
        offer(d, VIRTIO_GPU_CONTROL_QUEUE, sizeof c, 2048);
        wait_for(d, VIRTIO_GPU_CONTROL_QUEUE);
        if (round % 20 == 0) { /* reset in the midst of work */
            offer(d, VIRTIO_GPU_CONTROL_QUEUE, sizeof c, 2048);
            driver_begin(d, 0);
        }
    }
    assert_true(d->interrupts > 0);
    driver_destroy(d);
}

/* What the renderer reports on a thread of its own has been returned when it goes on, whatever the device's
 * does. */
static void fences_beside_the_thread(void **state) {
    (void)state;
    make_slow();
    struct virtio_gpu_config config = {.renderer = &slow_renderer, .scanouts = 1, .width = 64, .height = 64};
    struct driver *d = driver_create(&config);
    const struct virtio_gpu_ctrl_hdr fenced = {
        .type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO, .flags = VIRTIO_GPU_FLAG_FENCE};
    const struct virtio_gpu_ctrl_hdr plain = {.type = VIRTIO_GPU_CMD_MOVE_CURSOR};
    for (unsigned round = 0; round < 60; round++) {
        memcpy(at(d, REQUEST), &fenced, sizeof fenced);
        offer(d, VIRTIO_GPU_CONTROL_QUEUE, sizeof fenced, 2048);
        for (unsigned i = 0; slow_count <= round; i++) {
            assert_true(i < 5000);
            usleep(1000);
        }
        assert_false(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
        memcpy(at(d, REQUEST), &plain, sizeof plain);
        offer(d, VIRTIO_GPU_CURSOR_QUEUE, sizeof plain, 2048); /* which the thread answers meanwhile */
        unsigned interrupts = d->interrupts;
        slow_host.fence_done(slow_host.ctx, (struct gpu_timeline){0}, slow_fences[round]);
        assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
        assert_true(d->interrupts > interrupts);
        wait_for(d, VIRTIO_GPU_CURSOR_QUEUE);
    }
    driver_destroy(d);
}

static void statistics(void **state) {
    struct driver *d = *state;
    display_info(d);
    create_2d(d, 0, 1, 1, 1);
    struct gpu_stats stats;
    virtio_gpu_stats(d->gpu, &stats);
    assert_string_equal(stats.renderer, "soft2d");
    assert_int_equal(stats.errors, 1);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    gpu_stats_json(&stats, out);
    fclose(out);
    assert_non_null(strstr(text, "\"GET_DISPLAY_INFO\": 1"));
    assert_non_null(strstr(text, "\"RESOURCE_CREATE_2D\": 1"));
    assert_int_equal(text[size - 1], '}');
    free(text);
}

int main(void) {
#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SLOW(name) cmocka_unit_test_setup_teardown(name, setup_slow, teardown)
    const struct CMUnitTest tests[] = {
        TEST(config_space),
        TEST(resize),
        TEST(edid),
        TEST(framebuffer),
        TEST(partial_transfer),
        TEST(transfers_wait_for_eyes),
        TEST(scanout_of_a_part),
        TEST(scanout_without_flush),
        TEST(frames_wait_for_viewers),
        TEST(formats),
        TEST(cursors),
        TEST(errors),
        TEST(odd_sizes),
        TEST(memory_limit),
        TEST(reset),
        TEST(fence_header),
        TEST(statistics),
        TEST_SLOW(fences),
        cmocka_unit_test(thread),
        cmocka_unit_test(fences_beside_the_thread),
    };
    return cmocka_run_group_tests_name("gpu", tests, NULL, NULL);
}
