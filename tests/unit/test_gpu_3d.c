/* virtio-gpu's contexts, 3D resources and blobs (virtio 1.2, 5.7), on a renderer in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gpu_driver.h"
#include "support/fake_renderer.h"

#define WINDOW      (1ull << 39)
#define WINDOW_SIZE (1ull << 20)

enum {
    OK = VIRTIO_GPU_RESP_OK_NODATA,
    UNSPEC = VIRTIO_GPU_RESP_ERR_UNSPEC,
    BAD_RESOURCE = VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID,
    BAD_CONTEXT = VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID,
    BAD_PARAMETER = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER,
    FEATURES = 1 << VIRTIO_GPU_F_VIRGL | 1 << VIRTIO_GPU_F_EDID | 1 << VIRTIO_GPU_F_RESOURCE_UUID |
               1 << VIRTIO_GPU_F_RESOURCE_BLOB | 1 << VIRTIO_GPU_F_CONTEXT_INIT,
};

static uint32_t control(struct driver *d, const void *request, size_t size) {
    memcpy(at(d, REQUEST), request, size);
    offer(d, VIRTIO_GPU_CONTROL_QUEUE, (uint32_t)size, 8192);
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    return ((struct virtio_gpu_ctrl_hdr *)at(d, RESPONSE))->type;
}

static uint32_t simple(struct driver *d, uint32_t type, uint32_t context, uint32_t id) {
    struct virtio_gpu_resource_only c = {{.type = type, .ctx_id = context}, id, 0};
    return control(d, &c, sizeof c);
}

static uint32_t create_context(struct driver *d, uint32_t id, uint32_t capset) {
    struct virtio_gpu_ctx_create c = {{.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = id}, 4, capset, "test"};
    return control(d, &c, sizeof c);
}

static uint32_t create_blob(
    struct driver *d, uint32_t id, uint32_t context, uint32_t memory, uint64_t size, uint32_t entries) {
    struct {
        struct virtio_gpu_resource_create_blob blob;
        struct virtio_gpu_mem_entry entry;
    } c = {{{.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, .ctx_id = context}, id, memory, GPU_BLOB_MAPPABLE,
               entries, 1, size},
        {PIXELS, (uint32_t)size, 0}};
    return control(d, &c, sizeof c);
}

static uint32_t map_blob(struct driver *d, uint32_t id, uint64_t offset) {
    struct virtio_gpu_resource_map_blob c = {{.type = VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB}, id, 0, offset};
    return control(d, &c, sizeof c);
}

static int setup(void **state) {
    const struct virtio_gpu_config config = {
        .renderer = &fake_renderer,
        .scanouts = 1,
        .width = 64,
        .height = 64,
        .window_gpa = WINDOW,
        .window_size = WINDOW_SIZE,
        .max_host_memory = 8 << 20,
        .no_thread = true,
    };
    struct driver *d = driver_create(&config);
    driver_begin(d, FEATURES);
    *state = d;
    return 0;
}

static int teardown(void **state) {
    driver_destroy(*state);
    return 0;
}

static void what_is_offered(void **state) {
    struct driver *d = *state;
    set_register(d, 0x014, 0);
    assert_int_equal(get_register(d, 0x010) & 31, FEATURES);
    assert_int_equal(get_register(d, 0x10c), 1); /* num_capsets */
    set_register(d, 0x0ac, VIRTIO_GPU_SHM_ID_HOST_VISIBLE);
    assert_int_equal(get_register(d, 0x0b0), WINDOW_SIZE);
    assert_int_equal(get_register(d, 0x0b8), (uint32_t)WINDOW);
    assert_int_equal(get_register(d, 0x0bc), WINDOW >> 32);
    set_register(d, 0x0ac, 0);
    assert_int_equal(get_register(d, 0x0b4), UINT32_MAX);
}

static void without_features(void **state) {
    struct driver *d = *state;
    driver_begin(d, 0);
    assert_int_equal(create_context(d, 1, 0), UNSPEC);
    assert_int_equal(create_blob(d, 1, 0, GPU_BLOB_GUEST, PAGE, 1), UNSPEC);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 0, 1), UNSPEC);
}

static void capsets(void **state) {
    struct driver *d = *state;
    struct virtio_gpu_get_capset_info info = {{.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO}, 0, 0};
    assert_int_equal(control(d, &info, sizeof info), VIRTIO_GPU_RESP_OK_CAPSET_INFO);
    struct virtio_gpu_resp_capset_info *answer = at(d, RESPONSE);
    assert_int_equal(answer->capset_id, FAKE_CAPSET);
    assert_int_equal(answer->capset_max_size, FAKE_CAPSET_SIZE);
    info.capset_index = 1;
    assert_int_equal(control(d, &info, sizeof info), BAD_PARAMETER);

    struct virtio_gpu_get_capset get = {{.type = VIRTIO_GPU_CMD_GET_CAPSET}, FAKE_CAPSET, 1};
    assert_int_equal(control(d, &get, sizeof get), VIRTIO_GPU_RESP_OK_CAPSET);
    struct virtio_gpu_resp_capset *set = at(d, RESPONSE);
    assert_int_equal(set->data[FAKE_CAPSET_SIZE - 1], 0xca);
    get.capset_version = 2;
    assert_int_equal(control(d, &get, sizeof get), BAD_PARAMETER);
    get = (struct virtio_gpu_get_capset){get.hdr, 9, 0};
    assert_int_equal(control(d, &get, sizeof get), BAD_PARAMETER);
}

static void contexts(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 0, FAKE_CAPSET), BAD_CONTEXT);
    assert_int_equal(create_context(d, 7, FAKE_CAPSET), OK);
    assert_int_equal(create_context(d, 7, FAKE_CAPSET), BAD_CONTEXT);
    assert_int_equal(create_context(d, 8, 9), BAD_PARAMETER); /* no such capability set */
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 7, 1), BAD_RESOURCE);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 8, 0), BAD_CONTEXT);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 7, 0), OK);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 7, 0), BAD_CONTEXT);
    uint32_t made = 0;
    while (create_context(d, made + 1, 0) == OK)
        made++;
    assert_in_range(made, 64, 4096);
}

static void submit(void **state) {
    struct driver *d = *state;
    struct {
        struct virtio_gpu_cmd_submit submit;
        uint32_t words[4];
    } c = {{{.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1}, 16, 0}, {1, 20, 300, 4000}};
    assert_int_equal(control(d, &c, sizeof c), BAD_CONTEXT);
    assert_int_equal(create_context(d, 1, 0), OK);
    uint64_t before = fake_renderer_submitted;
    assert_int_equal(control(d, &c, sizeof c), OK);
    assert_int_equal(fake_renderer_submitted - before, 4321);
    c.submit.size = 20; /* more than there is */
    assert_int_equal(control(d, &c, sizeof c), BAD_PARAMETER);
    c.submit.size = 15;
    assert_int_equal(control(d, &c, sizeof c), BAD_PARAMETER);
}

static void transfers(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 1, 0), OK);
    struct virtio_gpu_resource_create_3d c = {
        {.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D}, 5, 2, GPU_FORMAT_B8G8R8A8, 2, 32, 32, 1, 1, 0, 0, 0, 0};
    assert_int_equal(control(d, &c, sizeof c), OK);
    assert_int_equal(control(d, &c, sizeof c), BAD_RESOURCE);
    struct virtio_gpu_transfer_host_3d t = {
        {.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, .ctx_id = 1}, {0, 0, 0, 32, 32, 1}, 0, 5, 0, 0, 0};
    assert_int_equal(control(d, &t, sizeof t), UNSPEC); /* no backing */
    struct {
        struct virtio_gpu_resource_attach_backing attach;
        struct virtio_gpu_mem_entry entry;
    } a = {{{.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING}, 5, 1}, {PIXELS, PAGE, 0}};
    assert_int_equal(control(d, &a, sizeof a), OK);
    memset(at(d, PIXELS), 0x5a, PAGE);
    assert_int_equal(control(d, &t, sizeof t), OK);
    memset(at(d, PIXELS), 0, PAGE);
    t.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
    assert_int_equal(control(d, &t, sizeof t), OK);
    assert_int_equal(*(uint8_t *)at(d, PIXELS + PAGE - 1), 0x5a);

    c.resource_id = 6;
    c.width = c.height = c.depth = c.array_size = UINT32_MAX;
    assert_int_equal(control(d, &c, sizeof c), BAD_PARAMETER);
}

static void blobs(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(create_blob(d, 1, 2, GPU_BLOB_HOST3D, PAGE, 0), BAD_CONTEXT);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, PAGE + 1, 0), BAD_PARAMETER);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, PAGE, 1), BAD_PARAMETER);
    assert_int_equal(create_blob(d, 1, 0, GPU_BLOB_GUEST, PAGE, 0), BAD_PARAMETER);
    assert_int_equal(create_blob(d, 1, 1, 4, PAGE, 1), BAD_PARAMETER);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, 2 * PAGE, 0), OK);
    assert_int_equal(create_blob(d, 2, 0, GPU_BLOB_GUEST, PAGE, 1), OK);
    assert_int_equal(map_blob(d, 2, 0), UNSPEC); /* the guest has it already */
    assert_int_equal(map_blob(d, 1, 1), BAD_PARAMETER);
    assert_int_equal(map_blob(d, 1, WINDOW_SIZE - PAGE), BAD_PARAMETER);
    assert_int_equal(map_blob(d, 1, UINT64_MAX - PAGE + 1), BAD_PARAMETER);
    assert_int_equal(map_blob(d, 1, WINDOW_SIZE - 2 * PAGE), VIRTIO_GPU_RESP_OK_MAP_INFO);
    assert_int_equal(((struct virtio_gpu_resp_map_info *)at(d, RESPONSE))->map_info, 1);
    assert_int_equal(map_blob(d, 1, 0), UNSPEC);

    struct memory_slot slot;
    assert_true(memory_slot_at(d->memory, 1, &slot));
    assert_true(
        slot.gpa == WINDOW + WINDOW_SIZE - 2 * PAGE && slot.size == 2 * PAGE && slot.kind == MEMORY_WINDOW);
    memset(slot.host, 1, slot.size);

    assert_int_equal(create_blob(d, 3, 1, GPU_BLOB_HOST3D, PAGE, 0), OK);
    assert_int_equal(map_blob(d, 3, WINDOW_SIZE - PAGE), UNSPEC); /* taken */
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, 1), OK);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0, 1), UNSPEC);
    assert_false(memory_slot_at(d->memory, 1, &slot));
    assert_int_equal(map_blob(d, 3, WINDOW_SIZE - PAGE), VIRTIO_GPU_RESP_OK_MAP_INFO);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, 3), OK); /* still mapped */
    assert_false(memory_slot_at(d->memory, 1, &slot));
    assert_int_equal(map_blob(d, 1, 0), VIRTIO_GPU_RESP_OK_MAP_INFO);
    driver_begin(d, FEATURES); /* reset */
    assert_false(memory_slot_at(d->memory, 1, &slot));
}

static void blob_alignment(void **state) {
    const uint32_t align = 16384, features = FEATURES | 1 << VIRTIO_GPU_F_BLOB_ALIGNMENT;
    const struct virtio_gpu_config config = {
        .renderer = &fake_renderer,
        .scanouts = 3,
        .connected = 2,
        .width = 64,
        .height = 64,
        .window_gpa = WINDOW,
        .window_size = WINDOW_SIZE,
        .max_host_memory = 8 << 20,
        .blob_alignment = align,
        .no_thread = true,
    };
    (void)state;
    struct driver *d = driver_create(&config);
    set_register(d, 0x014, 0);
    assert_int_equal(get_register(d, 0x010) & 63, features);
    assert_int_equal(get_register(d, 0x110), align);
    driver_begin(d, features);
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, PAGE, 0), BAD_PARAMETER);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, align, 0), OK);
    assert_int_equal(map_blob(d, 1, PAGE), BAD_PARAMETER);
    assert_int_equal(map_blob(d, 1, align), VIRTIO_GPU_RESP_OK_MAP_INFO);
    driver_begin(d, FEATURES); /* a driver that knows nothing of it */
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, PAGE, 0), OK);

    struct virtio_gpu_ctrl_hdr info = {.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO};
    assert_int_equal(control(d, &info, sizeof info), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
    const struct virtio_gpu_resp_display_info *shown = at(d, RESPONSE);
    assert_true(shown->pmodes[0].enabled && shown->pmodes[1].enabled && !shown->pmodes[2].enabled);
    assert_int_equal(shown->pmodes[1].r.x, 64);
    driver_destroy(d);
}

static void blob_scanout(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, 4 * PAGE, 0), OK);
    assert_int_equal(map_blob(d, 1, 0), VIRTIO_GPU_RESP_OK_MAP_INFO);
    struct memory_slot slot;
    assert_true(memory_slot_at(d->memory, 1, &slot));
    memset(slot.host + PAGE, 0x77, 64 * 32);

    struct virtio_gpu_set_scanout_blob s = {{.type = VIRTIO_GPU_CMD_SET_SCANOUT_BLOB}, {0, 0, 16, 32}, 0, 1,
        16, 32, GPU_FORMAT_B8G8R8A8, 0, {64}, {PAGE}};
    assert_int_equal(control(d, &s, sizeof s), OK);
    struct virtio_gpu_resource_flush f = {{.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH}, {0, 0, 16, 32}, 1, 0};
    assert_int_equal(control(d, &f, sizeof f), OK);
    struct gpu_stats stats;
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.frames, 1);
    assert_int_equal(stats.bytes_read_back, 0); /* nobody looks */
    struct display_viewer *viewer = display_attach(d->display, NULL, NULL);
    struct display_frame frame;
    display_lock(viewer, 0, &frame);
    assert_int_equal(frame.width, 16);
    assert_int_equal(frame.height, 32);
    assert_int_equal(frame.pixels[frame.stride * 31 + 63], 0x77);
    assert_ptr_equal(frame.pixels, slot.host + PAGE); /* as it is */
    display_unlock(viewer, 0);
    display_ready(viewer, 0);

    /* A part of it; a copy of what is not as the display has it. */
    s.r = (struct virtio_gpu_rect){4, 8, 8, 8};
    assert_int_equal(control(d, &s, sizeof s), OK);
    display_lock(viewer, 0, &frame);
    assert_ptr_equal(frame.pixels, slot.host + PAGE + 8 * 64 + 4 * 4);
    assert_int_equal(frame.stride, 64);
    display_unlock(viewer, 0);
    display_ready(viewer, 0);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_read_back, 0);
    s.format = GPU_FORMAT_R8G8B8A8;
    assert_int_equal(control(d, &s, sizeof s), OK);
    display_lock(viewer, 0, &frame);
    assert_int_equal(frame.stride, 8 * 4);
    display_unlock(viewer, 0);
    display_ready(viewer, 0);
    virtio_gpu_stats(d->gpu, &stats);
    assert_int_equal(stats.bytes_read_back, 8 * 8 * 4);

    /* What is shown goes, and so does what still is after another has taken its place: the picture stays. */
    s.format = GPU_FORMAT_B8G8R8A8;
    s.r = (struct virtio_gpu_rect){0, 0, 16, 32};
    assert_int_equal(control(d, &s, sizeof s), OK); /* shown, and not taken by the viewer */
    assert_int_equal(create_blob(d, 2, 1, GPU_BLOB_HOST3D, 4 * PAGE, 0), OK);
    s.resource_id = 2;
    assert_int_equal(control(d, &s, sizeof s), OK);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, 1), OK);
    display_lock(viewer, 0, &frame);
    assert_int_equal(frame.pixels[frame.stride * 31 + 63], 0x77);
    display_unlock(viewer, 0);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0, 2), OK);
    display_lock(viewer, 0, &frame);
    assert_true(!frame.on && frame.pixels[frame.stride * 31 + 63] == 0);
    display_unlock(viewer, 0);
    display_detach(viewer);

    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, 4 * PAGE, 0), OK);
    s.resource_id = 1;
    s.strides[0] = 63;
    assert_int_equal(control(d, &s, sizeof s), BAD_PARAMETER);
    s.strides[0] = UINT32_MAX;
    assert_int_equal(control(d, &s, sizeof s), BAD_PARAMETER);
    s.strides[0] = 64;
    s.offsets[0] = 4 * PAGE - 64 * 32 + 4;
    assert_int_equal(control(d, &s, sizeof s), BAD_PARAMETER);
}

/* An empty submit with a fence on a ring. */
static void fenced(struct driver *d, uint32_t context, uint8_t ring) {
    struct virtio_gpu_cmd_submit c = {{.type = VIRTIO_GPU_CMD_SUBMIT_3D,
        .flags = VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX,
        .fence_id = 99,
        .ctx_id = context,
        .ring_idx = ring}};
    memcpy(at(d, REQUEST), &c, sizeof c);
    offer(d, VIRTIO_GPU_CONTROL_QUEUE, sizeof c, 64);
    virtio_gpu_drain(d->gpu);
}

static void rings(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 1, 0), OK);
    fake_renderer_slow = true;
    fenced(d, 1, 1);
    fenced(d, 1, 2);
    virtio_gpu_drain(d->gpu);
    assert_false(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    fake_renderer_complete((struct gpu_timeline){1, 2}, UINT64_MAX); /* the later one first */
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    assert_false(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    fake_renderer_slow = false;
    /* With its context the other one ends too. */
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0), OK);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
}

static void lost_context(void **state) {
    struct driver *d = *state;
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(create_context(d, 2, 0), OK);
    assert_int_equal(create_blob(d, 1, 1, GPU_BLOB_HOST3D, PAGE, 0), OK);
    fake_renderer_slow = true;
    fenced(d, 1, 1);
    assert_false(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    fake_renderer_slow = false;
    fake_renderer_lose(1);
    virtio_gpu_drain(d->gpu);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));

    /* The id stays the guest's, nothing works with it, the others are as they were. */
    assert_int_equal(create_context(d, 1, 0), BAD_CONTEXT);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_SUBMIT_3D, 1, 0), BAD_CONTEXT);
    assert_int_equal(create_blob(d, 2, 1, GPU_BLOB_HOST3D, PAGE, 0), BAD_CONTEXT);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1), BAD_CONTEXT);
    fenced(d, 1, 1);
    assert_true(returned(d, VIRTIO_GPU_CONTROL_QUEUE, NULL));
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 2, 1), OK);
    assert_int_equal(map_blob(d, 1, 0), VIRTIO_GPU_RESP_OK_MAP_INFO);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0), OK);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0), BAD_CONTEXT);
    assert_int_equal(create_context(d, 1, 0), OK);

    /* Lost and ended at the same time, and made again: the new one is not the lost one. */
    fake_renderer_lose(1);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0), OK);
    assert_int_equal(create_context(d, 1, 0), OK);
    assert_int_equal(simple(d, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 1), OK);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_is_offered),
        TEST(without_features),
        TEST(capsets),
        TEST(contexts),
        TEST(submit),
        TEST(transfers),
        TEST(blobs),
        cmocka_unit_test(blob_alignment),
        TEST(blob_scanout),
        TEST(rings),
        TEST(lost_context),
    };
    return cmocka_run_group_tests_name("gpu_3d", tests, NULL, NULL);
}
