/* In the place of virglrenderer where it was not there when PearVisor was built. */
#include "gpu/renderer.h"

static int create(void **renderer, const struct gpu_renderer_host *host, struct error *e) {
    (void)renderer;
    (void)host;
    return error_set(
        e, "built without virglrenderer (1.1 or newer): install it and build again, or use --gpu 2d");
}

const struct gpu_renderer_ops gpu_virgl = {.name = "virgl", .create = create};
const struct gpu_renderer_ops gpu_venus = {.name = "venus", .create = create};
const struct gpu_renderer_ops gpu_3d = {.name = "virgl and venus", .create = create};
