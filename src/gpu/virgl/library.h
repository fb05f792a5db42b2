/* virglrenderer's functions, found at run time: PearVisor starts without the library too. */
#pragma once

#include <virgl/virglrenderer.h>

#include "util/error.h"

#define VIRGL_FUNCTIONS(F)                                                                                   \
    F(cleanup, virgl_renderer_cleanup)                                                                       \
    F(context_create_fence, virgl_renderer_context_create_fence)                                             \
    F(context_create_with_flags, virgl_renderer_context_create_with_flags)                                   \
    F(context_destroy, virgl_renderer_context_destroy)                                                       \
    F(create_fence, virgl_renderer_create_fence)                                                             \
    F(ctx_attach_resource, virgl_renderer_ctx_attach_resource)                                               \
    F(ctx_detach_resource, virgl_renderer_ctx_detach_resource)                                               \
    F(fill_caps, virgl_renderer_fill_caps)                                                                   \
    F(force_ctx_0, virgl_renderer_force_ctx_0)                                                               \
    F(get_cap_set, virgl_renderer_get_cap_set)                                                               \
    F(get_poll_fd, virgl_renderer_get_poll_fd)                                                               \
    F(init, virgl_renderer_init)                                                                             \
    F(poll, virgl_renderer_poll)                                                                             \
    F(resource_attach_iov, virgl_renderer_resource_attach_iov)                                               \
    F(resource_create, virgl_renderer_resource_create)                                                       \
    F(resource_create_blob, virgl_renderer_resource_create_blob)                                             \
    F(resource_detach_iov, virgl_renderer_resource_detach_iov)                                               \
    F(resource_export_blob, virgl_renderer_resource_export_blob)                                             \
    F(resource_get_map_info, virgl_renderer_resource_get_map_info)                                           \
    F(resource_map, virgl_renderer_resource_map)                                                             \
    F(resource_unmap, virgl_renderer_resource_unmap)                                                         \
    F(resource_unref, virgl_renderer_resource_unref)                                                         \
    F(submit_cmd, virgl_renderer_submit_cmd)                                                                 \
    F(transfer_read_iov, virgl_renderer_transfer_read_iov)                                                   \
    F(transfer_write_iov, virgl_renderer_transfer_write_iov)                                                 \
    F(set_log_callback, virgl_set_log_callback)

struct virgl_library {
#define VIRGL_MEMBER(member, symbol) __typeof__(symbol) *member;
    VIRGL_FUNCTIONS(VIRGL_MEMBER)
#undef VIRGL_MEMBER
};

/* After virgl_library_open(). */
extern struct virgl_library virgl_library;

/* Once is enough. Fails with one line when the library is missing or older than 1.1. */
int virgl_library_open(struct error *e);
