/* Traces of a GPU: what a driver sends is in the file with the memory that it refers to, and a replay of the
 * file shows the same picture; files that are damaged end in an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "gpu_driver.h"
#include "virtio/gpu/replay.h"
#include "virtio/gpu/trace_format.h"

enum { WIDTH = 64, HEIGHT = 48, OK = VIRTIO_GPU_RESP_OK_NODATA };

static char path[] = "/tmp/test_gpu_trace.XXXXXX";

static uint32_t control(struct driver *d, const void *request, size_t size) {
    memcpy(at(d, REQUEST), request, size);
    offer(d, VIRTIO_GPU_CONTROL_QUEUE, (uint32_t)size, 8192);
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    return ((struct virtio_gpu_ctrl_hdr *)at(d, RESPONSE))->type;
}

static void upload(struct driver *d, uint8_t seed) {
    const struct virtio_gpu_transfer_to_host_2d transfer = {
        {.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D}, {0, 0, WIDTH, HEIGHT}, 0, 1, 0};
    const struct virtio_gpu_resource_flush flush = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH, .flags = VIRTIO_GPU_FLAG_FENCE}, {0, 0, WIDTH, HEIGHT}, 1, 0};
    uint8_t *pixels = at(d, PIXELS);
    for (unsigned i = 0; i < WIDTH * HEIGHT * 4; i++)
        pixels[i] = (uint8_t)(i * 7 + seed);
    assert_int_equal(control(d, &transfer, sizeof transfer), OK);
    assert_int_equal(control(d, &flush, sizeof flush), OK);
}

/* Two frames, an error, a reset of the device before them. */
static void record(const char *screenshot) {
    const struct virtio_gpu_config config = {
        .renderer = &gpu_soft2d,
        .scanouts = 1,
        .width = WIDTH,
        .height = HEIGHT,
        .blob_alignment = PAGE,
        .trace = path,
        .no_thread = true,
    };
    const struct virtio_gpu_resource_create_2d create = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D}, 1, GPU_FORMAT_B8G8R8X8, WIDTH, HEIGHT};
    const struct {
        struct virtio_gpu_resource_attach_backing attach;
        struct virtio_gpu_mem_entry entry;
    } attach = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 1, 1}, {PIXELS, WIDTH * HEIGHT * 4, 0}};
    const struct virtio_gpu_set_scanout scanout = {
        {.type = VIRTIO_GPU_CMD_SET_SCANOUT}, {0, 0, WIDTH, HEIGHT}, 0, 1};
    struct driver *d = driver_create(&config);
    assert_int_equal(control(d, &create, sizeof create), OK);
    driver_begin(d, 0);
    assert_int_equal(control(d, &create, sizeof create), OK);
    assert_int_not_equal(control(d, &create, sizeof create), OK);
    assert_int_equal(control(d, &attach, sizeof attach), OK);
    assert_int_equal(control(d, &scanout, sizeof scanout), OK);
    upload(d, 1);
    upload(d, 2);
    struct error e;
    assert_int_equal(display_screenshot(d->display, 0, screenshot, &e), 0);
    driver_destroy(d);
}

static int replay(struct gpu_replay_report *report, const char *screenshot, struct error *e) {
    const struct gpu_replay_config config = {.renderer = &gpu_soft2d, .screenshot = screenshot};
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    int result = gpu_replay(file, "trace", &config, report, e);
    fclose(file);
    return result;
}

static size_t read_all(const char *name, uint8_t *data, size_t room) {
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, room, file);
    fclose(file);
    assert_true(size < room);
    return size;
}

static void write_all(const uint8_t *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static void test_same_picture(void **state) {
    static uint8_t first[1 << 16], second[1 << 16];
    char a[80], b[80];
    struct gpu_replay_report report;
    struct error e;
    (void)state;
    snprintf(a, sizeof a, "%s.a.png", path);
    snprintf(b, sizeof b, "%s.b.png", path);
    record(a);
    assert_int_equal(replay(&report, b, &e), 0);
    assert_int_equal(report.count, 9);
    assert_int_equal(report.other_answers, 0);
    assert_int_equal(report.stats.frames, 2);
    assert_int_equal(report.stats.errors, 1); /* as when it was recorded */
    assert_int_equal(report.samples[0].type, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D);
    free(report.samples);
    size_t size = read_all(a, first, sizeof first);
    assert_int_equal(size, read_all(b, second, sizeof second));
    assert_memory_equal(first, second, size);
    unlink(a);
    unlink(b);
}

/* Cut anywhere, with any one byte of its structure changed: an end or an error, and never more. */
static void test_damaged(void **state) {
    static uint8_t data[1 << 18];
    char a[80];
    struct gpu_replay_report report;
    struct error e;
    (void)state;
    snprintf(a, sizeof a, "%s.a.png", path);
    record(a);
    unlink(a);
    size_t size = read_all(path, data, sizeof data);
    size_t header = sizeof(struct gpu_trace_header);
    for (size_t end = 0; end < size; end += end < header + 64 ? 1 : 4001) {
        write_all(data, end);
        assert_int_equal(replay(&report, NULL, &e) < 0, end < header);
        free(report.samples);
    }
    for (size_t i = 0; i < header + 200; i++) {
        data[i] ^= 0xff;
        write_all(data, size);
        if (i < 8)
            assert_int_equal(replay(&report, NULL, &e), -1);
        else
            replay(&report, NULL, &e);
        free(report.samples);
        data[i] ^= 0xff;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_picture),
        cmocka_unit_test(test_damaged),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int result = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return result;
}
