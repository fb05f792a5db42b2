/* Vulkan's memory in OpenGL by copies (src/gpu/virgl/lent.c), on the host's virglrenderer and Mesa; and what
 * is read of the streams for it (uses.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gpu/virgl/uses.h"
#include "support/lent_blob.h"

#define WORDS(...)                     (const uint32_t[]){__VA_ARGS__}, sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t)
#define COMMAND(code, object, length)  ((uint32_t)(code) | (uint32_t)(object) << 8 | (uint32_t)(length) << 16)
#define SUB_CONTEXT(id)                COMMAND(28, 0, 1), id
#define CREATE_VIEW(handle, resource)  COMMAND(1, 6, 6), handle, resource, 1, 0, 0, 0x688
#define DESTROY(handle)                COMMAND(3, 6, 1), handle
#define SET_VIEW(shader, slot, handle) COMMAND(10, 0, 3), shader, slot, handle
#define SET_VIEWS(shader, a, b)        COMMAND(10, 0, 4), shader, 0, a, b
#define DRAW                           COMMAND(8, 0, 1), 0
#define COPY(to, from)                 COMMAND(17, 0, 13), to, 0, 0, 0, 0, from, 0, 0, 0, 0, SIDE, SIDE, 1
#define SET_TYPE(resource, format, width, height, modifier, stride, offset)                                  \
    COMMAND(49, 0, 10), resource, format, 8, width, height, 0, modifier, 0, stride, offset

enum {
    BGRA = GPU_FORMAT_B8G8R8A8,
    SIDE = 16,
    STRIDE = 80,
    OFFSET = 64,
    SIZE = 4096,
    LENT = 5,
    TEXTURE = 6,
    CONTEXT = 1
};

/* --- uses.c */

static bool reads(struct uses *uses, uint32_t context, const uint32_t *words, size_t count) {
    uses_scan(uses, context, words, count);
    return uses->list->read;
}

static void follows_views(void **state) {
    struct use use = {.resource = LENT};
    struct uses uses = {.list = &use};
    (void)state;
    assert_false(reads(&uses, 1, WORDS(SUB_CONTEXT(1), CREATE_VIEW(7, LENT), CREATE_VIEW(8, 99), DRAW)));
    assert_false(reads(&uses, 2, WORDS(SUB_CONTEXT(1), SET_VIEW(1, 0, 7), DRAW))); /* another's view 7 */
    assert_false(reads(&uses, 1, WORDS(SUB_CONTEXT(1), SET_VIEW(1, 0, 7))));
    assert_true(reads(&uses, 1, WORDS(SUB_CONTEXT(1), DRAW))); /* it stays bound */
    assert_true(reads(&uses, 1, WORDS(SUB_CONTEXT(2), SET_VIEW(1, 0, 8), DRAW)));
    assert_true(reads(&uses, 1, WORDS(SUB_CONTEXT(1), SET_VIEW(1, 1, 8), DRAW)));
    assert_true(reads(&uses, 1, WORDS(SUB_CONTEXT(1), SET_VIEWS(1, 8, 7), DESTROY(7), DRAW)));
    assert_true(reads(&uses, 1, WORDS(SUB_CONTEXT(1), DRAW)));
    assert_false(reads(&uses, 1, WORDS(SUB_CONTEXT(1), SET_VIEW(1, 0, 8), DRAW)));
    assert_false(reads(&uses, 1, WORDS(SUB_CONTEXT(1), SET_VIEW(1, 0, 7), DRAW)));
}

static void follows_names(void **state) {
    struct use use = {.resource = LENT};
    struct uses uses = {.list = &use};
    (void)state;
    assert_true(reads(&uses, 1, WORDS(COPY(TEXTURE, LENT))));
    assert_false(reads(&uses, 1, WORDS(COPY(TEXTURE, TEXTURE))));
    assert_false(
        reads(&uses, 1, WORDS(COMMAND(17, 0, 14), 0, 0, 0, 0, 0, LENT))); /* longer than the stream */
    assert_true(reads(&uses, 1, WORDS(COMMAND(35, 0, 7), 1, 0, BGRA, 0, 0, 0, LENT)));
    assert_true(reads(&uses, 1, WORDS(DRAW))); /* a shader's image: for good */
}

/* What cannot be followed is read always. */
static void follows_no_more(void **state) {
    struct use use = {.resource = LENT};
    struct uses uses = {.list = &use};
    (void)state;
    for (uint32_t i = 0; i < USE_VIEWS; i++)
        assert_false(reads(&uses, 1, WORDS(CREATE_VIEW(10 + i, LENT))));
    uses_forget(&uses, 1);
    for (uint32_t i = 0; i < USE_VIEWS; i++)
        assert_false(reads(&uses, 2, WORDS(CREATE_VIEW(10 + i, LENT))));
    for (uint32_t i = 0; i < USE_STAGES; i++)
        assert_true(reads(&uses, 2, WORDS(SUB_CONTEXT(i), SET_VIEW(1, 0, 10), DRAW)));
    assert_false(reads(&uses, 2, WORDS(CREATE_VIEW(10, LENT))));
    assert_false(use.always);
    reads(&uses, 2, WORDS(SUB_CONTEXT(USE_STAGES), SET_VIEW(1, 0, 10)));
    assert_true(reads(&uses, 3, WORDS(SUB_CONTEXT(1))));
}

/* --- lent.c */

struct lent {
    void *renderer;
    struct gpu_surface *blob, *texture;
    uint8_t *memory;
    int fd;
};

static uint64_t uploaded;

static void count_upload(void *ctx, uint64_t bytes) {
    (void)ctx;
    uploaded += bytes;
}

static void ignore_fence(void *ctx, struct gpu_timeline timeline, uint64_t fence) {
    (void)ctx;
    (void)timeline;
    (void)fence;
}

/* As the program's own wrapper does where the build has a private sysroot. */
static void use_sysroot(void) {
    static char path[3][512];
    if (!*VULKAN_DRIVERS)
        return;
    snprintf(path[0], sizeof path[0], "%s/../egl/50_mesa.json", VULKAN_DRIVERS);
    snprintf(path[1], sizeof path[1], "%s/../usr/lib/x86_64-linux-gnu/dri", VULKAN_DRIVERS);
    snprintf(path[2], sizeof path[2], "%s/../render-server", VULKAN_DRIVERS);
    setenv("__EGL_VENDOR_LIBRARY_FILENAMES", path[0], 0);
    setenv("LIBGL_DRIVERS_PATH", path[1], 0);
    setenv("RENDER_SERVER_EXEC_PATH", path[2], 0);
}

static void fill(struct lent *t, uint8_t seed) {
    for (unsigned i = 0; i < SIZE; i++)
        t->memory[i] = (uint8_t)(seed + i * 7 + i / 256);
}

static int setup(void **state) {
    static struct lent t;
    const struct gpu_renderer_host host = {.uploaded = count_upload, .fence_done = ignore_fence};
    const struct gpu_resource_3d texture = {
        .target = 2, .format = BGRA, .bind = 8, .width = SIDE, .height = SIDE, .depth = 1, .array_size = 1};
    struct error e;
    use_sysroot();
    setenv("PEARVISOR_GL_COPIES", "1", 1);
    *state = &t;
    if (gpu_3d.create(&t.renderer, &host, &e) < 0) {
        print_message("%s\n", e.text);
        t.renderer = NULL;
        return 0;
    }
    t.fd = make_lent_file(SIZE);
    t.memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t.fd, 0);
    assert_ptr_not_equal(t.memory, MAP_FAILED);
    assert_int_equal(gpu_3d.context_create(t.renderer, CONTEXT, 2, "test"), GPU_OK);
    assert_int_equal(gpu_3d.surface_create_3d(t.renderer, TEXTURE, &texture, &t.texture), GPU_OK);
    gpu_3d.context_attach(t.renderer, CONTEXT, t.texture);
    t.blob = lend_blob(LENT, t.fd, SIZE);
    assert_non_null(t.blob);
    gpu_3d.context_attach(t.renderer, CONTEXT, t.blob);
    uploaded = 0;
    return 0;
}

static int teardown(void **state) {
    struct lent *t = *state;
    if (!t->renderer)
        return 0;
    gpu_3d.context_destroy(t->renderer, CONTEXT);
    gpu_3d.surface_destroy(t->renderer, t->texture);
    if (t->blob)
        gpu_3d.surface_destroy(t->renderer, t->blob);
    munmap(t->memory, SIZE);
    close(t->fd);
    gpu_3d.destroy(t->renderer);
    return 0;
}

static enum gpu_status submit(const struct lent *t, const uint32_t *words, size_t count) {
    return gpu_3d.submit(t->renderer, CONTEXT, words, count * sizeof *words);
}

static void expect_pixels(const struct lent *t) {
    static const struct rect all = {0, 0, SIDE, SIDE};
    uint8_t pixels[SIDE * SIDE * 4];
    assert_int_equal(gpu_3d.read_pixels(t->renderer, t->texture, &all, pixels, SIDE * 4), GPU_OK);
    for (unsigned y = 0; y < SIDE; y++)
        assert_memory_equal(pixels + y * SIDE * 4, t->memory + OFFSET + y * STRIDE, SIDE * 4);
}

static void shows_what_is_in_the_memory(void **state) {
    static const struct gpu_layout layout = {{GPU_FORMAT_B8G8R8A8, SIDE, SIDE}, STRIDE, OFFSET};
    struct lent *t = *state;
    if (!t->renderer)
        skip();
    fill(t, 1);
    assert_int_equal(
        submit(t, WORDS(SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, OFFSET), COPY(TEXTURE, LENT))), GPU_OK);
    expect_pixels(t);
    fill(t, 2);
    assert_int_equal(submit(t, WORDS(COPY(TEXTURE, TEXTURE))), GPU_OK);
    uint64_t before = uploaded;
    assert_int_equal(submit(t, WORDS(COPY(TEXTURE, LENT))), GPU_OK);
    assert_int_equal(uploaded - before, SIDE * SIDE * 4);
    expect_pixels(t);
    /* The memory is still shown, and mapped, as what it is. */
    assert_memory_equal(
        gpu_3d.blob_pixels(t->renderer, t->blob, &layout), t->memory + OFFSET, STRIDE * SIDE - 16);
    gpu_3d.surface_destroy(t->renderer, t->blob);
    t->blob = NULL;
    before = uploaded;
    assert_int_equal(submit(t, WORDS(COPY(TEXTURE, TEXTURE))), GPU_OK);
    assert_int_equal(uploaded, before);
}

/* A second context draws with what the first has made, and goes. */
static void serves_two_contexts(void **state) {
    struct lent *t = *state;
    if (!t->renderer)
        skip();
    assert_int_equal(submit(t, WORDS(SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, OFFSET))), GPU_OK);
    assert_int_equal(gpu_3d.context_create(t->renderer, 2, 2, "second"), GPU_OK);
    gpu_3d.context_attach(t->renderer, 2, t->texture);
    gpu_3d.context_attach(t->renderer, 2, t->blob);
    fill(t, 3);
    const uint32_t copy[] = {COPY(TEXTURE, LENT)};
    assert_int_equal(gpu_3d.submit(t->renderer, 2, copy, sizeof copy), GPU_OK);
    expect_pixels(t);
    gpu_3d.context_destroy(t->renderer, 2);
    fill(t, 4);
    assert_int_equal(submit(t, copy, sizeof copy / sizeof *copy), GPU_OK);
    expect_pixels(t);
}

/* Each ends the context, so that every one has one of its own. */
static void refuses_what_is_outside(void **state) {
    static const uint32_t bad[][11] = {
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, SIDE * 4 - 4, 0)},                   /* rows overlap */
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, SIDE * 4 + 2, 0)},                   /* no whole pixels */
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, 2)},                         /* the same */
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, SIZE - SIDE * STRIDE + 20)}, /* 4 bytes too far */
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, UINT32_MAX - 3)},
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, UINT32_MAX - 3, 0)},
        {SET_TYPE(LENT, BGRA, SIDE, 52, 0, STRIDE, 0)},
        {SET_TYPE(LENT, BGRA, 0, SIDE, 0, STRIDE, 0)},
        {SET_TYPE(LENT, BGRA, SIDE, 0, 0, STRIDE, 0)},
        {SET_TYPE(LENT, BGRA, SIDE, SIDE, 1, STRIDE, 0)}, /* tiled */
        {SET_TYPE(LENT, 94 /* R16G16B16A16_FLOAT */, 11, SIDE, 0, STRIDE, 0)},
    };
    struct lent *t = *state;
    if (!t->renderer)
        skip();
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(gpu_3d.context_create(t->renderer, 10 + i, 2, "bad"), GPU_OK);
        gpu_3d.context_attach(t->renderer, 10 + i, t->blob);
        if (gpu_3d.submit(t->renderer, 10 + i, bad[i], sizeof bad[i]) == GPU_OK)
            fail_msg("layout %u is taken", i);
        gpu_3d.context_destroy(t->renderer, 10 + i);
    }
    assert_int_equal(
        submit(t, WORDS(SET_TYPE(LENT, BGRA, SIDE, SIDE, 0, STRIDE, SIZE - SIDE * STRIDE + 16))), GPU_OK);
}

int main(void) {
#define LENT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_views),
        cmocka_unit_test(follows_names),
        cmocka_unit_test(follows_no_more),
        LENT_TEST(shows_what_is_in_the_memory),
        LENT_TEST(serves_two_contexts),
        LENT_TEST(refuses_what_is_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
