/* Runs in the guest: shows a picture of known pixels on the first connected DRM connector, through a dumb
 * buffer, and waits. check_pattern.py knows the same picture.
 *
 *   drm_pattern [WxH]      that mode instead of the preferred one
 *   drm_pattern --follow   draws again whenever the connector prefers another mode
 *
 * Prints "SHOWN WxH" after each picture. SIGTERM ends it. */
#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_MODES = 128, MAX_OBJECTS = 16, CURSOR_SIZE = 64, POLL_US = 200000 };

struct screen {
    int fd;
    uint32_t connector, crtc;
    struct drm_mode_modeinfo modes[MAX_MODES];
    uint32_t mode_count;
};

struct buffer {
    uint32_t handle, framebuffer, pitch, width, height;
    uint64_t size;
    uint32_t *pixels;
};

static void die(const char *what) {
    fprintf(stderr, "drm_pattern: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void call(const struct screen *screen, unsigned long request, void *argument, const char *what) {
    while (ioctl(screen->fd, request, argument) < 0)
        if (errno != EINTR && errno != EAGAIN)
            die(what);
}

/* --- the picture */

static uint32_t pixel(uint32_t x, uint32_t y, uint32_t width, uint32_t height) {
    static const uint32_t corners[4] = {0xff0000, 0x00ff00, 0x0000ff, 0xff00ff};
    uint32_t right = width - 1 - x, bottom = height - 1 - y;
    if (x == 0 || y == 0 || right == 0 || bottom == 0)
        return 0xffffff; /* a frame of one pixel */
    if ((x < 9 || right < 9) && (y < 9 || bottom < 9))
        return corners[(right < 9) + 2 * (bottom < 9)];
    if (x == y)
        return 0xffff00;
    if (x % 64 == 32)
        return 0x00ffff;
    if (y % 64 == 32)
        return 0x000000;
    return (x * 255 / (width - 1)) << 16 | (y * 255 / (height - 1)) << 8 | ((3 * x + 5 * y) & 0xff);
}

static void draw(const struct buffer *buffer) {
    for (uint32_t y = 0; y < buffer->height; y++)
        for (uint32_t x = 0; x < buffer->width; x++)
            buffer->pixels[(size_t)y * (buffer->pitch / 4) + x] = pixel(x, y, buffer->width, buffer->height);
}

/* --- DRM */

static void get_modes(struct screen *screen, uint32_t connector, struct drm_mode_get_connector *info) {
    uint32_t encoders[MAX_OBJECTS], props[MAX_MODES];
    uint64_t values[MAX_MODES];
    *info = (struct drm_mode_get_connector){.connector_id = connector};
    call(screen, DRM_IOCTL_MODE_GETCONNECTOR, info, "GETCONNECTOR"); /* no modes asked for: probes */
    if (info->count_modes > MAX_MODES || info->count_encoders > MAX_OBJECTS ||
        info->count_props > MAX_MODES) {
        errno = E2BIG;
        die("GETCONNECTOR");
    }
    info->modes_ptr = (uintptr_t)screen->modes;
    info->encoders_ptr = (uintptr_t)encoders;
    info->props_ptr = (uintptr_t)props;
    info->prop_values_ptr = (uintptr_t)values;
    call(screen, DRM_IOCTL_MODE_GETCONNECTOR, info, "GETCONNECTOR");
    screen->mode_count = info->count_modes;
}

static void find_connector(struct screen *screen) {
    uint32_t connectors[MAX_OBJECTS], crtcs[MAX_OBJECTS], encoders[MAX_OBJECTS];
    struct drm_mode_card_res resources = {
        .connector_id_ptr = (uintptr_t)connectors,
        .crtc_id_ptr = (uintptr_t)crtcs,
        .encoder_id_ptr = (uintptr_t)encoders,
        .count_connectors = MAX_OBJECTS,
        .count_crtcs = MAX_OBJECTS,
        .count_encoders = MAX_OBJECTS,
    };
    call(screen, DRM_IOCTL_MODE_GETRESOURCES, &resources, "GETRESOURCES");
    for (uint32_t i = 0; i < resources.count_connectors; i++) {
        struct drm_mode_get_connector info;
        get_modes(screen, connectors[i], &info);
        if (info.connection == 1 && info.count_modes) {
            screen->connector = connectors[i];
            screen->crtc = crtcs[i]; /* virtio-gpu has one for each connector, in the same order */
            return;
        }
    }
    errno = ENODEV;
    die("no connected connector");
}

static struct buffer create_buffer(const struct screen *screen, uint32_t width, uint32_t height) {
    struct drm_mode_create_dumb dumb = {.width = width, .height = height, .bpp = 32};
    call(screen, DRM_IOCTL_MODE_CREATE_DUMB, &dumb, "CREATE_DUMB");
    struct drm_mode_map_dumb map = {.handle = dumb.handle};
    call(screen, DRM_IOCTL_MODE_MAP_DUMB, &map, "MAP_DUMB");
    struct buffer buffer = {
        .handle = dumb.handle, .pitch = dumb.pitch, .width = width, .height = height, .size = dumb.size};
    buffer.pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, screen->fd, (off_t)map.offset);
    if (buffer.pixels == MAP_FAILED)
        die("mmap");
    return buffer;
}

static void destroy_buffer(const struct screen *screen, struct buffer *buffer) {
    if (!buffer->pixels)
        return;
    struct drm_mode_destroy_dumb destroy = {.handle = buffer->handle};
    munmap(buffer->pixels, buffer->size);
    if (buffer->framebuffer)
        call(screen, DRM_IOCTL_MODE_RMFB, &buffer->framebuffer, "RMFB");
    call(screen, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy, "DESTROY_DUMB");
    *buffer = (struct buffer){0};
}

static struct buffer show(const struct screen *screen, const struct drm_mode_modeinfo *mode) {
    struct buffer buffer = create_buffer(screen, mode->hdisplay, mode->vdisplay);
    struct drm_mode_fb_cmd fb = {
        .width = buffer.width,
        .height = buffer.height,
        .pitch = buffer.pitch,
        .bpp = 32,
        .depth = 24,
        .handle = buffer.handle,
    };
    call(screen, DRM_IOCTL_MODE_ADDFB, &fb, "ADDFB");
    buffer.framebuffer = fb.fb_id;

    uint32_t connector = screen->connector;
    struct drm_mode_crtc crtc = {
        .set_connectors_ptr = (uintptr_t)&connector,
        .count_connectors = 1,
        .crtc_id = screen->crtc,
        .fb_id = fb.fb_id,
        .mode_valid = 1,
        .mode = *mode,
    };
    call(screen, DRM_IOCTL_MODE_SETCRTC, &crtc, "SETCRTC");
    draw(&buffer); /* after the mode was set: only DIRTYFB brings it to the screen */
    struct drm_mode_fb_dirty_cmd dirty = {.fb_id = fb.fb_id};
    call(screen, DRM_IOCTL_MODE_DIRTYFB, &dirty, "DIRTYFB");
    return buffer;
}

/* A pointer over the picture, which a screenshot must not contain. */
static void show_cursor(const struct screen *screen) {
    struct buffer buffer = create_buffer(screen, CURSOR_SIZE, CURSOR_SIZE);
    for (uint32_t i = 0; i < CURSOR_SIZE * CURSOR_SIZE; i++)
        buffer.pixels[i] = i % CURSOR_SIZE > i / CURSOR_SIZE ? 0 : 0xffff8000;
    struct drm_mode_cursor2 cursor = {
        .flags = DRM_MODE_CURSOR_BO | DRM_MODE_CURSOR_MOVE,
        .crtc_id = screen->crtc,
        .x = 100,
        .y = 100,
        .width = CURSOR_SIZE,
        .height = CURSOR_SIZE,
        .handle = buffer.handle,
    };
    call(screen, DRM_IOCTL_MODE_CURSOR2, &cursor, "CURSOR2");
}

static const struct drm_mode_modeinfo *pick(const struct screen *screen, const char *wanted) {
    for (uint32_t i = 0; i < screen->mode_count; i++) {
        const struct drm_mode_modeinfo *mode = &screen->modes[i];
        char size[32];
        snprintf(size, sizeof size, "%ux%u", mode->hdisplay, mode->vdisplay);
        if (wanted ? strcmp(size, wanted) == 0 : mode->type & DRM_MODE_TYPE_PREFERRED)
            return mode;
    }
    errno = ENOENT;
    die(wanted ? wanted : "no preferred mode");
    return NULL;
}

int main(int argc, char **argv) {
    bool follow = argc > 1 && strcmp(argv[1], "--follow") == 0;
    const char *wanted = argc > 1 && !follow ? argv[1] : NULL;
    struct screen screen = {.fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC)};
    if (screen.fd < 0)
        die("/dev/dri/card0");
    find_connector(&screen);
    setvbuf(stdout, NULL, _IOLBF, 0);

    struct buffer shown = {0};
    for (bool first = true;; first = false) {
        const struct drm_mode_modeinfo *mode = pick(&screen, wanted);
        if (mode->hdisplay != shown.width || mode->vdisplay != shown.height) {
            struct buffer old = shown;
            shown = show(&screen, mode);
            destroy_buffer(&screen, &old);
            if (first)
                show_cursor(&screen);
            printf("SHOWN %ux%u\n", shown.width, shown.height);
        }
        if (!follow)
            break;
        usleep(POLL_US);
        struct drm_mode_get_connector info;
        get_modes(&screen, screen.connector, &info);
    }
    pause();
    return 0;
}
