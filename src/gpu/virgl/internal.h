/* What the files of the virglrenderer back end share. virglrenderer is one a process, and draws on the thread
 * that initialised it. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "gpu/renderer.h"
#include "gpu/virgl/library.h"
#include "gpu/virgl/server.h"

struct virgl {
    struct gpu_renderer_host host;
    bool opengl, vulkan;
    struct virgl_server *server; /* NULL without Vulkan */
    void *soft;                  /* 2D surfaces are soft2d's: no upload and no read back for a console */
    _Atomic uint64_t last_fence, settled_fence; /* on the device's own timeline */
    atomic_bool ending;                         /* nobody is told of fences any more */
    pthread_t poll_thread;
    int poll_stop; /* an eventfd that ends it; -1: it does not run */
    struct virgl_renderer_callbacks callbacks;
};

struct gpu_surface {
    uint32_t id;
    struct gpu_surface *plain; /* soft2d's, of which it alone knows the layout; NULL: virglrenderer's */
    enum gpu_format format;    /* of what is not a blob */
    uint64_t blob_size;        /* 0: not a blob */
    const struct iovec *iov;   /* of a blob in the guest's memory */
    unsigned iov_count;
    uint8_t *map; /* a blob's host memory, once it was needed */
    bool own_map; /* not virglrenderer's */
};

/* Around calls that may wait for the process of a context, or of any (0). */
static inline void virgl_enter(struct virgl *virgl, uint32_t context) {
    if (virgl->server)
        virgl_server_enter(virgl->server, context);
}

static inline void virgl_leave(struct virgl *virgl) {
    if (virgl->server)
        virgl_server_leave(virgl->server);
}

/* --- fence.c */

void virgl_fence_callbacks(struct virgl_renderer_callbacks *callbacks);
void virgl_fence(void *renderer, struct gpu_timeline timeline, uint64_t fence);

/* --- poll.c */

int virgl_poll_start(struct virgl *virgl, struct error *e);
void virgl_poll_stop(struct virgl *virgl);
void virgl_poll(void *renderer);

/* --- profile.c */

/* virglrenderer was started with the compatibility profile: whether it loses nothing by that. */
bool virgl_compatibility_suffices(void);

/* --- lent.c */

/* After virglrenderer was started with OpenGL. */
void virgl_lent_start(void);
/* Around the execution of a stream of a context. Returns how many bytes were copied for it. */
uint64_t virgl_lent_begin(uint32_t context, const uint32_t *words, size_t count);
void virgl_lent_end(uint32_t context, const uint32_t *words, size_t count);
/* The context is gone. */
void virgl_lent_forget(uint32_t context);

/* --- context.c */

/* What a virglrenderer function returned, which is 0 or an errno of either sign. */
enum gpu_status virgl_status(int result);
enum gpu_status virgl_capset_info(void *renderer, unsigned index, struct gpu_capset *capset);
enum gpu_status virgl_capset_read(void *renderer, uint32_t id, uint32_t version, void *data, size_t size);
enum gpu_status virgl_context_create(void *renderer, uint32_t context, uint32_t capset, const char *name);
void virgl_context_destroy(void *renderer, uint32_t context);
enum gpu_status virgl_context_attach(void *renderer, uint32_t context, struct gpu_surface *surface);
void virgl_context_detach(void *renderer, uint32_t context, struct gpu_surface *surface);
enum gpu_status virgl_submit(void *renderer, uint32_t context, const void *commands, size_t size);

/* --- surface.c */

enum gpu_status virgl_surface_create(
    void *renderer, uint32_t id, const struct gpu_image *image, struct gpu_surface **surface);
enum gpu_status virgl_surface_create_3d(
    void *renderer, uint32_t id, const struct gpu_resource_3d *resource, struct gpu_surface **surface);
enum gpu_status virgl_surface_create_blob(void *renderer, uint32_t id, const struct gpu_blob *blob,
    const struct iovec *iov, unsigned count, struct gpu_surface **surface);
void virgl_surface_destroy(void *renderer, struct gpu_surface *surface);
void virgl_backing_attach(
    void *renderer, struct gpu_surface *surface, const struct iovec *iov, unsigned count);
void virgl_backing_detach(void *renderer, struct gpu_surface *surface);
enum gpu_status virgl_transfer_to_host(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint64_t offset);
enum gpu_status virgl_transfer_3d(void *renderer, uint32_t context, struct gpu_surface *surface,
    const struct gpu_transfer_3d *transfer, bool to_host);
enum gpu_status virgl_read_pixels(
    void *renderer, struct gpu_surface *surface, const struct rect *rect, uint8_t *pixels, size_t stride);
const uint8_t *virgl_blob_pixels(
    void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout);
enum gpu_status virgl_read_blob(void *renderer, struct gpu_surface *surface, const struct gpu_layout *layout,
    const struct rect *rect, uint8_t *pixels, size_t stride);
enum gpu_status virgl_map(
    void *renderer, struct gpu_surface *surface, void **data, uint64_t *size, uint32_t *map_info);
void virgl_unmap(void *renderer, struct gpu_surface *surface);
