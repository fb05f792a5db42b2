/* The 3D renderers: OpenGL by virglrenderer in this process, Vulkan by Venus in its render server. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/virgl/internal.h"
#include "util/log.h"

static atomic_flag in_use = ATOMIC_FLAG_INIT;

static void write_log(enum virgl_log_level_flags level, const char *message, void *ctx) {
    (void)ctx;
    if (level < VIRGL_LOG_LEVEL_WARNING)
        return;
    while (*message) { /* a compiler's has several lines */
        size_t length = strcspn(message, "\n");
        if (length)
            log_guest("virglrenderer: %.*s", (int)length, message);
        message += length + (message[length] == '\n');
    }
}

static int flags_of(const struct virgl *virgl) {
    int flags = VIRGL_RENDERER_THREAD_SYNC | VIRGL_RENDERER_ASYNC_FENCE_CB;
    if (virgl->opengl)
        flags |= VIRGL_RENDERER_USE_EGL;
    else
        flags |= VIRGL_RENDERER_NO_VIRGL;
    if (virgl->opengl && access("/dev/dri/renderD128", R_OK | W_OK) != 0)
        flags |= VIRGL_RENDERER_USE_SURFACELESS;
    if (virgl->vulkan)
        flags |= VIRGL_RENDERER_VENUS | VIRGL_RENDERER_RENDER_SERVER;
    return flags;
}

static int get_server_fd(void *cookie, uint32_t version) {
    struct virgl *virgl = cookie;
    (void)version; /* messages pass as they are */
    return virgl_server_take_socket(virgl->server);
}

static int keep_server(struct virgl *virgl, struct error *e) {
    if (!virgl->vulkan)
        return 0;
    if (!virgl_server_program())
        return error_set(e, "virglrenderer's render server is missing (Debian's virgl-server): without it, "
                            "there is no Vulkan in the guest");
    virgl->server = virgl_server_create(virgl->host.context_lost, virgl->host.ctx, e);
    return virgl->server ? 0 : -1;
}

static void stop(struct virgl *virgl) {
    virgl_library.cleanup(virgl);
    virgl_server_destroy(virgl->server);
    virgl->server = NULL;
}

static int start_with(struct virgl *virgl, int profile, struct error *e) {
    if (keep_server(virgl, e) < 0)
        return -1;
    if (virgl_library.init(virgl, flags_of(virgl) | profile, &virgl->callbacks) == 0)
        return 0;
    virgl_server_destroy(virgl->server);
    virgl->server = NULL;
    return error_set(e,
        "virglrenderer does not start: it needs EGL and a %s driver (Mesa's llvmpipe or lavapipe at "
        "least)",
        virgl->opengl ? "GL" : "Vulkan");
}

static int start(struct virgl *virgl, struct error *e) {
    if (virgl->opengl && start_with(virgl, VIRGL_RENDERER_COMPAT_PROFILE, e) == 0) {
        if (virgl_compatibility_suffices())
            return 0;
        stop(virgl);
    }
    return start_with(virgl, 0, e);
}

static void renderer_destroy(void *renderer) {
    struct virgl *virgl = renderer;
    virgl_poll_stop(virgl);
    stop(virgl);
    gpu_soft2d.destroy(virgl->soft);
    free(virgl);
    atomic_flag_clear(&in_use);
}

static int create(
    void **renderer, const struct gpu_renderer_host *host, bool opengl, bool vulkan, struct error *e) {
    if (virgl_library_open(e) < 0)
        return -1;
    if (atomic_flag_test_and_set(&in_use))
        return error_set(e, "only one GPU with 3D at a time in a process");
    struct virgl *virgl = calloc(1, sizeof *virgl);
    if (!virgl || gpu_soft2d.create(&virgl->soft, host, e) < 0) {
        error_set(e, "no memory for the 3D renderer");
        goto fail;
    }
    virgl->host = *host;
    virgl->opengl = opengl;
    virgl->vulkan = vulkan;
    virgl_fence_callbacks(&virgl->callbacks);
    virgl->callbacks.get_server_fd = get_server_fd;
    virgl_library.set_log_callback(write_log, NULL, NULL);
    if (start(virgl, e) < 0) {
        gpu_soft2d.destroy(virgl->soft);
        goto fail;
    }
    if (opengl && vulkan)
        virgl_lent_start();
    struct gpu_capset capset;
    if (virgl_poll_start(virgl, e) < 0) {
        renderer_destroy(virgl);
        return -1;
    }
    if (virgl_capset_info(virgl, 0, &capset) != GPU_OK) {
        renderer_destroy(virgl);
        return error_set(e, "virglrenderer finds no %s driver on this host", opengl ? "GL" : "Vulkan");
    }
    *renderer = virgl;
    return 0;

fail:
    free(virgl);
    atomic_flag_clear(&in_use);
    return -1;
}

static int create_virgl(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    return create(renderer, host, true, false, e);
}

static int create_venus(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    return create(renderer, host, false, true, e);
}

static int create_3d(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    return create(renderer, host, true, true, e);
}

static void reset(void *renderer) {
    struct virgl *virgl = renderer;
    gpu_soft2d.reset(virgl->soft);
}

#define RENDERER(symbol, label, creator)                                                                     \
    const struct gpu_renderer_ops symbol = {                                                                 \
        .name = label,                                                                                       \
        .create = creator,                                                                                   \
        .destroy = renderer_destroy,                                                                         \
        .reset = reset,                                                                                      \
        .surface_create = virgl_surface_create,                                                              \
        .surface_destroy = virgl_surface_destroy,                                                            \
        .backing_attach = virgl_backing_attach,                                                              \
        .backing_detach = virgl_backing_detach,                                                              \
        .transfer_to_host = virgl_transfer_to_host,                                                          \
        .read_pixels = virgl_read_pixels,                                                                    \
        .fence = virgl_fence,                                                                                \
        .poll = virgl_poll,                                                                                  \
        .capset_info = virgl_capset_info,                                                                    \
        .capset_read = virgl_capset_read,                                                                    \
        .context_create = virgl_context_create,                                                              \
        .context_destroy = virgl_context_destroy,                                                            \
        .context_attach = virgl_context_attach,                                                              \
        .context_detach = virgl_context_detach,                                                              \
        .submit = virgl_submit,                                                                              \
        .surface_create_3d = virgl_surface_create_3d,                                                        \
        .transfer_3d = virgl_transfer_3d,                                                                    \
        .surface_create_blob = virgl_surface_create_blob,                                                    \
        .blob_pixels = virgl_blob_pixels,                                                                    \
        .read_blob = virgl_read_blob,                                                                        \
        .map = virgl_map,                                                                                    \
        .unmap = virgl_unmap,                                                                                \
    }

RENDERER(gpu_virgl, "virgl", create_virgl);
RENDERER(gpu_venus, "venus", create_venus);
RENDERER(gpu_3d, "virgl and venus", create_3d);
