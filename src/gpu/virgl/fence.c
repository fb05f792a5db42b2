/* Fences, which virglrenderer reports from threads of its own. */
#include "gpu/virgl/internal.h"

/* On the device's own timeline virglrenderer's fences have 32 bits: the number meant is the latest such that
 * is not in the future. */
static void write_fence(void *cookie, uint32_t low) {
    struct virgl *virgl = cookie;
    uint64_t last = virgl->last_fence;
    uint64_t fence = last - (uint32_t)((uint32_t)last - low);
    virgl->settled_fence = fence;
    if (!virgl->ending)
        virgl->host.fence_done(virgl->host.ctx, (struct gpu_timeline){0}, fence);
}

static void write_context_fence(void *cookie, uint32_t context, uint32_t ring, uint64_t fence) {
    struct virgl *virgl = cookie;
    virgl->host.fence_done(virgl->host.ctx, (struct gpu_timeline){context, (uint8_t)ring}, fence);
}

void virgl_fence_callbacks(struct virgl_renderer_callbacks *callbacks) {
    callbacks->version = 3;
    callbacks->write_fence = write_fence;
    callbacks->write_context_fence = write_context_fence;
}

void virgl_fence(void *renderer, struct gpu_timeline timeline, uint64_t fence) {
    struct virgl *virgl = renderer;
    int result;
    if (timeline.context) {
        virgl_enter(virgl, timeline.context);
        result = virgl_library.context_create_fence(
            timeline.context, VIRGL_RENDERER_FENCE_FLAG_MERGEABLE, timeline.ring, fence);
        virgl_leave(virgl);
    } else {
        virgl->last_fence = fence;
        /* Without OpenGL everything outside of rings was done when it returned. */
        result = virgl->opengl ? virgl_library.create_fence((int)(uint32_t)fence, 0) : -1;
    }
    if (result != 0 && !virgl->ending) /* nothing waits for anything: the ring or its context is broken */
        virgl->host.fence_done(virgl->host.ctx, timeline, fence);
}
