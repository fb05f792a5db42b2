/* Capability sets, contexts and command streams. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/virgl/internal.h"

enum { CAPSET_VIRGL = 1, CAPSET_VIRGL2 = 2, CAPSET_VENUS = 4 };

enum gpu_status virgl_status(int result) {
    switch (abs(result)) {
    case 0: return GPU_OK;
    case ENOMEM: return GPU_OUT_OF_MEMORY;
    case EINVAL: return GPU_BAD_PARAMETER;
    default: return GPU_FAILED;
    }
}

static bool capset_enabled(const struct virgl *virgl, uint32_t id) {
    return id == CAPSET_VENUS ? virgl->vulkan : (id == CAPSET_VIRGL || id == CAPSET_VIRGL2) && virgl->opengl;
}

enum gpu_status virgl_capset_info(void *renderer, unsigned index, struct gpu_capset *capset) {
    static const uint32_t ids[] = {CAPSET_VIRGL, CAPSET_VIRGL2, CAPSET_VENUS};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        struct gpu_capset found = {.id = ids[i]};
        if (!capset_enabled(renderer, ids[i]))
            continue;
        virgl_library.get_cap_set(found.id, &found.max_version, &found.max_size);
        if (found.max_size && index-- == 0) {
            *capset = found;
            return GPU_OK;
        }
    }
    return GPU_BAD_PARAMETER;
}

enum gpu_status virgl_capset_read(void *renderer, uint32_t id, uint32_t version, void *data, size_t size) {
    (void)renderer;
    (void)size; /* what virgl_capset_info() said */
    virgl_library.fill_caps(id, version, data);
    return GPU_OK;
}

enum gpu_status virgl_context_create(void *renderer, uint32_t context, uint32_t capset, const char *name) {
    uint32_t length = (uint32_t)strlen(name);
    if (capset == 0) /* before CONTEXT_INIT there was OpenGL alone */
        capset = CAPSET_VIRGL2;
    struct virgl *virgl = renderer;
    if (!capset_enabled(virgl, capset))
        return GPU_BAD_PARAMETER;
    bool served = capset == CAPSET_VENUS;
    if (served)
        virgl_server_begin_context(virgl->server, context);
    int result = virgl_library.context_create_with_flags(context, capset, length, name);
    if (served) {
        virgl_server_end_context(virgl->server);
        if (result != 0)
            virgl_server_forget(virgl->server, context);
    } else {
        /* It leaves the new context's GL current and believes that the last one's is: what another context
         * draws next would be drawn with the objects of this one. */
        virgl_library.force_ctx_0();
    }
    return virgl_status(result);
}

void virgl_context_destroy(void *renderer, uint32_t context) {
    struct virgl *virgl = renderer;
    if (virgl->server)
        virgl_server_forget(virgl->server, context);
    virgl_library.context_destroy(context);
    virgl_lent_forget(context);
}

enum gpu_status virgl_context_attach(void *renderer, uint32_t context, struct gpu_surface *surface) {
    if (surface->plain) /* a 2D surface is attached by Linux to every context that has it open */
        return GPU_OK;
    virgl_enter(renderer, context);
    virgl_library.ctx_attach_resource((int)context, (int)surface->id);
    virgl_leave(renderer);
    return GPU_OK;
}

void virgl_context_detach(void *renderer, uint32_t context, struct gpu_surface *surface) {
    if (surface->plain)
        return;
    virgl_enter(renderer, context);
    virgl_library.ctx_detach_resource((int)context, (int)surface->id);
    virgl_leave(renderer);
}

enum gpu_status virgl_submit(void *renderer, uint32_t context, const void *commands, size_t size) {
    struct virgl *virgl = renderer;
    size_t count = size / sizeof(uint32_t);
    uint64_t copied = virgl_lent_begin(context, commands, count);
    if (copied)
        virgl->host.uploaded(virgl->host.ctx, copied);
    virgl_enter(renderer, context);
    /* It reads the commands only; the prototype is older than that promise. */
    int result = virgl_library.submit_cmd((void *)commands, (int)context, (int)count);
    virgl_leave(renderer);
    virgl_lent_end(context, commands, count);
    return virgl_status(result);
}
