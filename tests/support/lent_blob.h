/* A blob whose memory is a memfd, as the Vulkan layer's are (src/gpu/layer/memory.c), without Vulkan. */
#pragma once

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu/virgl/internal.h"

/* Sealed and of that size; -1: the host has no more. */
static inline int make_lent_file(uint64_t size) {
    int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, (off_t)size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* For virgl_surface_destroy(). NULL: virglrenderer refuses it. fd stays the caller's. */
static inline struct gpu_surface *lend_blob(uint32_t id, int fd, uint64_t size) {
    void *library = dlopen("libvirglrenderer.so.1", RTLD_NOW | RTLD_LOCAL);
    __typeof__(virgl_renderer_resource_import_blob) *import_blob;
    *(void **)&import_blob = library ? dlsym(library, "virgl_renderer_resource_import_blob") : NULL;
    struct gpu_surface *surface = calloc(1, sizeof *surface);
    const struct virgl_renderer_resource_import_blob_args args = {
        .res_handle = id,
        .blob_mem = VIRGL_RENDERER_BLOB_MEM_HOST3D,
        .fd_type = VIRGL_RENDERER_BLOB_FD_TYPE_DMABUF,
        .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
        .size = size,
    };
    if (!surface || args.fd < 0 || !import_blob || import_blob(&args) != 0) {
        if (args.fd >= 0)
            close(args.fd);
        free(surface);
        return NULL;
    }
    surface->id = id;
    surface->blob_size = size;
    return surface;
}
