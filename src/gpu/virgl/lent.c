/* Vulkan's buffers in OpenGL, on hosts whose EGL does not take them. Memory that the layer lends to a driver
 * is a memfd (gpu/layer/memory.c), which Mesa's software drivers import like a dma_buf and NVIDIA's do not.
 * virglrenderer makes a texture of a guest's blob (VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE) by eglCreateImageKHR(),
 * which it calls through libepoxy's table of functions. There this file puts one that, where the driver
 * refuses, makes the image of a texture of its own and copies the pixels out of the memory: at once and
 * before every stream of a context that may have the blob. What OpenGL draws to such a texture stays there.
 *
 * All of it on the GPU's thread, and once a process, like virglrenderer. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gpu/virgl/internal.h"
#include "gpu/virgl/uses.h"

enum { /* of EGL, EGL_EXT_image_dma_buf_import and its modifiers, EGL_KHR_gl_texture_2D_image */
    WIDTH = 0x3057,
    HEIGHT = 0x3056,
    LINUX_DMA_BUF = 0x3270,
    FOURCC = 0x3271,
    PLANE0_FD = 0x3272,
    PLANE0_OFFSET = 0x3273,
    PLANE0_PITCH = 0x3274,
    PLANE0_MODIFIER_LO = 0x3443,
    PLANE0_MODIFIER_HI = 0x3444,
    NONE = 0x3038,
    TEXTURE_2D_IMAGE = 0x30b1,
};

enum { /* of OpenGL */
    TEXTURE_2D = 0x0de1,
    UNPACK_ROW_LENGTH = 0x0cf2,
    UNPACK_ALIGNMENT = 0x0cf5,
    RED = 0x1903,
    RGB = 0x1907,
    RGBA = 0x1908,
    BGRA = 0x80e1,
    UNSIGNED_BYTE = 0x1401,
    HALF_FLOAT = 0x140b,
    SHORT_5_6_5 = 0x8363,
    INT_2_10_10_10_REV = 0x8368,
    R8 = 0x8229,
    RGB565 = 0x8d62,
    RGBA8 = 0x8058,
    RGB10_A2 = 0x8059,
    RGBA16F = 0x881a,
};

enum {
    SIDE_MAX = 16384,
    ERRORS_MAX = 16,
    COPIES_MAX = 512, /* each takes time with every command that names resources */
};

typedef void *create_image_fn(
    void *display, void *context, unsigned target, void *buffer, const int32_t *attributes);
typedef unsigned destroy_image_fn(void *display, void *image);

static struct {
    create_image_fn *create_image; /* the driver's */
    destroy_image_fn *destroy_image;
    void *(*current_context)(void);
    unsigned (*get_error)(void);
    void (*gen_textures)(int count, unsigned *textures);
    void (*delete_textures)(int count, const unsigned *textures);
    void (*bind_texture)(unsigned target, unsigned texture);
    void (*pixel_store)(unsigned name, int value);
    void (*tex_storage)(unsigned target, int levels, unsigned format, int width, int height);
    void (*tex_sub_image)(unsigned target, int level, int x, int y, int width, int height, unsigned format,
        unsigned type, const void *pixels);
} gl;

/* How DRM's formats, of those that virglrenderer imports, lie in memory; X is left to its swizzles. */
static const struct pixel_format {
    char fourcc[5];
    uint8_t size;
    uint16_t internal, format, type;
} pixel_formats[] = {
    {"AR24", 4, RGBA8, BGRA, UNSIGNED_BYTE},
    {"XR24", 4, RGBA8, BGRA, UNSIGNED_BYTE},
    {"AB24", 4, RGBA8, RGBA, UNSIGNED_BYTE},
    {"XB24", 4, RGBA8, RGBA, UNSIGNED_BYTE},
    {"AB30", 4, RGB10_A2, RGBA, INT_2_10_10_10_REV},
    {"XR30", 4, RGB10_A2, BGRA, INT_2_10_10_10_REV},
    {"AB4H", 8, RGBA16F, RGBA, HALF_FLOAT},
    {"XB4H", 8, RGBA16F, RGBA, HALF_FLOAT},
    {"RG16", 2, RGB565, RGB, SHORT_5_6_5},
    {"R8  ", 1, R8, RED, UNSIGNED_BYTE},
};

/* What the guest says of the memory. */
struct request {
    int fd;
    uint32_t width, height, fourcc, offset, pitch;
    uint64_t modifier;
    bool other; /* more planes than one */
};

struct copy {
    struct use use;
    void *image;
    unsigned texture;
    ino_t inode;
    const struct pixel_format *format;
    struct request layout;
    uint8_t *map;
    size_t size;
};

static struct uses uses; /* a struct copy each */
static bool forced, added;
static uint64_t copied;
static unsigned copy_count;

/* --- what is asked for */

static struct request read_request(const int32_t *attributes) {
    struct request request = {.fd = -1};
    for (; *attributes != NONE; attributes += 2) {
        uint32_t value = (uint32_t)attributes[1];
        switch (attributes[0]) {
        case WIDTH: request.width = value; break;
        case HEIGHT: request.height = value; break;
        case FOURCC: request.fourcc = value; break;
        case PLANE0_FD: request.fd = attributes[1]; break;
        case PLANE0_OFFSET: request.offset = value; break;
        case PLANE0_PITCH: request.pitch = value; break;
        case PLANE0_MODIFIER_LO: request.modifier |= value; break;
        case PLANE0_MODIFIER_HI: request.modifier |= (uint64_t)value << 32; break;
        default: request.other = true;
        }
    }
    return request;
}

/* Only such files have seals; one that cannot shrink can be read at any time. */
static bool lent(int fd) {
    int seals = fcntl(fd, F_GET_SEALS);
    return seals >= 0 && seals & F_SEAL_SHRINK;
}

static const struct pixel_format *find_format(uint32_t fourcc) {
    for (unsigned i = 0; i < sizeof pixel_formats / sizeof pixel_formats[0]; i++) {
        const char *c = pixel_formats[i].fourcc;
        if (((uint32_t)c[0] | (uint32_t)c[1] << 8 | (uint32_t)c[2] << 16 | (uint32_t)c[3] << 24) == fourcc)
            return &pixel_formats[i];
    }
    return NULL;
}

/* Whether the picture is linear, of one plane and inside the memory. Its texture is no larger than that then.
 */
static bool fits(const struct request *request, const struct pixel_format *format, uint64_t size) {
    if (request->other || request->modifier || !request->width || request->width > SIDE_MAX ||
        !request->height || request->height > SIDE_MAX || request->pitch % format->size ||
        request->offset % format->size)
        return false;
    uint64_t row = (uint64_t)request->width * format->size;
    return request->pitch >= row &&
           request->offset + (uint64_t)request->pitch * (request->height - 1) + row <= size;
}

/* --- textures */

static void settle_errors(void) {
    for (int i = 0; i < ERRORS_MAX && gl.get_error(); i++)
        ;
}

static void upload(const struct copy *copy) {
    const struct request *layout = &copy->layout;
    gl.bind_texture(TEXTURE_2D, copy->texture);
    gl.pixel_store(UNPACK_ALIGNMENT, 1);
    gl.pixel_store(UNPACK_ROW_LENGTH, (int)(layout->pitch / copy->format->size));
    gl.tex_sub_image(TEXTURE_2D, 0, 0, 0, (int)layout->width, (int)layout->height, copy->format->format,
        copy->format->type, copy->map + layout->offset);
    gl.pixel_store(UNPACK_ROW_LENGTH, 0);
    gl.pixel_store(UNPACK_ALIGNMENT, 4);
    gl.bind_texture(TEXTURE_2D, 0);
    copied += (uint64_t)layout->width * layout->height * copy->format->size;
}

static void destroy(struct copy *copy) {
    if (copy->texture)
        gl.delete_textures(1, &copy->texture);
    if (copy->map)
        munmap(copy->map, copy->size);
    free(copy);
}

static bool map_memory(struct copy *copy, int fd) {
    struct stat file;
    if (fstat(fd, &file) != 0 || !fits(&copy->layout, copy->format, (uint64_t)file.st_size))
        return false;
    void *map = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return false;
    copy->map = map;
    copy->size = (size_t)file.st_size;
    copy->inode = file.st_ino;
    return true;
}

/* Leaves no error behind in virglrenderer's context: it would take it for the guest's. */
static bool make_texture(struct copy *copy, void *display) {
    settle_errors();
    gl.gen_textures(1, &copy->texture);
    gl.bind_texture(TEXTURE_2D, copy->texture);
    gl.tex_storage(TEXTURE_2D, 1, copy->format->internal, (int)copy->layout.width, (int)copy->layout.height);
    upload(copy);
    bool made = gl.get_error() == 0;
    settle_errors();
    if (made)
        copy->image = gl.create_image(
            display, gl.current_context(), TEXTURE_2D_IMAGE, (void *)(uintptr_t)copy->texture, NULL);
    return copy->image;
}

static bool is_file(uint32_t resource, ino_t inode) {
    uint32_t type;
    int fd;
    struct stat file;
    if (virgl_library.resource_export_blob(resource, &type, &fd) != 0)
        return false;
    bool same = lent(fd) && fstat(fd, &file) == 0 && file.st_ino == inode;
    close(fd);
    return same;
}

/* The resource of this memory that the stream makes a texture of; 0 if that is not clear. */
static uint32_t find_resource(ino_t inode) {
    uint32_t found = 0;
    if (uses.typed_count > USES_TYPED)
        return 0;
    for (unsigned i = 0; i < uses.typed_count; i++) {
        uint32_t id = uses.typed[i];
        if (id == found || !is_file(id, inode))
            continue;
        if (found)
            return 0;
        found = id;
    }
    return found;
}

/* Its image; NULL if there is none. */
static void *make_copy(void *display, const struct request *request) {
    const struct pixel_format *format = find_format(request->fourcc);
    struct copy *copy = format && copy_count < COPIES_MAX ? calloc(1, sizeof *copy) : NULL;
    if (!copy)
        return NULL;
    copy->format = format;
    copy->layout = *request;
    if (!map_memory(copy, request->fd) || !make_texture(copy, display)) {
        destroy(copy);
        return NULL;
    }
    copy->use.resource = find_resource(copy->inode);
    copy->use.next = uses.list;
    uses.list = &copy->use;
    copy_count++;
    added = true;
    return copy->image;
}

/* --- in the place of EGL's */

static void *create_image(
    void *display, void *context, unsigned target, void *buffer, const int32_t *attributes) {
    struct request request =
        target == LINUX_DMA_BUF && attributes ? read_request(attributes) : (struct request){.fd = -1};
    bool ours = request.fd >= 0 && lent(request.fd);
    void *image = ours && forced ? NULL : gl.create_image(display, context, target, buffer, attributes);
    return image || !ours ? image : make_copy(display, &request);
}

static unsigned destroy_image(void *display, void *image) {
    for (struct use **link = &uses.list; *link; link = &(*link)->next) {
        struct copy *copy = (struct copy *)*link;
        if (copy->image != image)
            continue;
        *link = copy->use.next;
        copy_count--;
        destroy(copy);
        break;
    }
    return gl.destroy_image(display, image);
}

/* --- the renderer's side */

uint64_t virgl_lent_begin(uint32_t context, const uint32_t *words, size_t count) {
    uint64_t before = copied;
    bool entered = false;
    uses_scan(&uses, context, words, count);
    for (struct use *use = uses.list; use; use = use->next) {
        if (!use->read)
            continue;
        if (!entered)
            virgl_library.force_ctx_0();
        entered = true;
        upload((struct copy *)use);
    }
    return copied - before;
}

void virgl_lent_end(uint32_t context, const uint32_t *words, size_t count) {
    if (added)
        uses_scan(&uses, context, words, count);
    added = false;
}

void virgl_lent_forget(uint32_t context) {
    uses_forget(&uses, context);
}

static bool find_functions(void *(*find)(const char *name)) {
    const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"eglCreateImageKHR", &gl.create_image},
        {"eglDestroyImageKHR", &gl.destroy_image},
        {"eglGetCurrentContext", &gl.current_context},
        {"glGetError", &gl.get_error},
        {"glGenTextures", &gl.gen_textures},
        {"glDeleteTextures", &gl.delete_textures},
        {"glBindTexture", &gl.bind_texture},
        {"glPixelStorei", &gl.pixel_store},
        {"glTexStorage2D", &gl.tex_storage},
        {"glTexSubImage2D", &gl.tex_sub_image},
    };
    for (unsigned i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (!(*(void **)functions[i].function = find(functions[i].name)))
            return false;
    return true;
}

void virgl_lent_start(void) {
    /* Both are virglrenderer's, which is never closed. */
    void *epoxy = dlopen("libepoxy.so.0", RTLD_NOW | RTLD_LOCAL);
    void *egl = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);
    create_image_fn **create = epoxy ? dlsym(epoxy, "epoxy_eglCreateImageKHR") : NULL;
    destroy_image_fn **destroy_entry = epoxy ? dlsym(epoxy, "epoxy_eglDestroyImageKHR") : NULL;
    void *(*find)(const char *name);
    *(void **)&find = egl ? dlsym(egl, "eglGetProcAddress") : NULL;
    if (create && destroy_entry && find && find_functions(find)) {
        *create = create_image;
        *destroy_entry = destroy_image;
    }
    if (epoxy)
        dlclose(epoxy);
    if (egl)
        dlclose(egl);
    const char *wish = getenv("PEARVISOR_GL_COPIES");
    forced = wish && *wish == '1';
}
