#include "screen.h"

#include <drm/drm.h>
#include <drm/drm_mode.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { MAX_MODES = 128, MAX_OBJECTS = 16, BITS_PER_PIXEL = 32, DEPTH = 24 };

static void call(int fd, unsigned long request, void *argument, const char *what) {
    if (ioctl(fd, request, argument) < 0) {
        perror(what);
        exit(1);
    }
}

/* The first mode is the one that the connector prefers. */
static struct drm_mode_modeinfo find_mode(int fd, uint32_t *connector, uint32_t *crtc) {
    static struct drm_mode_modeinfo modes[MAX_MODES];
    uint32_t crtcs[MAX_OBJECTS], connectors[MAX_OBJECTS];
    struct drm_mode_card_res resources = {
        .count_crtcs = MAX_OBJECTS,
        .crtc_id_ptr = (uintptr_t)crtcs,
        .count_connectors = MAX_OBJECTS,
        .connector_id_ptr = (uintptr_t)connectors,
    };
    call(fd, DRM_IOCTL_MODE_GETRESOURCES, &resources, "GETRESOURCES");
    for (uint32_t i = 0; i < resources.count_connectors && i < MAX_OBJECTS; i++) {
        struct drm_mode_get_connector get = {
            .connector_id = connectors[i], .count_modes = MAX_MODES, .modes_ptr = (uintptr_t)modes};
        call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &get, "GETCONNECTOR");
        if (get.connection == 1 && get.count_modes) {
            *connector = connectors[i];
            *crtc = crtcs[0];
            return modes[0];
        }
    }
    fprintf(stderr, "no screen is connected\n");
    exit(1);
}

void screen_open(struct screen *screen) {
    uint32_t connector, crtc;
    int fd = screen->fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        perror("/dev/dri/card0");
        exit(1);
    }
    struct drm_mode_modeinfo mode = find_mode(fd, &connector, &crtc);
    struct drm_mode_create_dumb dumb = {
        .width = mode.hdisplay, .height = mode.vdisplay, .bpp = BITS_PER_PIXEL};
    call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb, "CREATE_DUMB");
    struct drm_mode_fb_cmd frame = {.width = dumb.width,
        .height = dumb.height,
        .pitch = dumb.pitch,
        .bpp = BITS_PER_PIXEL,
        .depth = DEPTH,
        .handle = dumb.handle};
    call(fd, DRM_IOCTL_MODE_ADDFB, &frame, "ADDFB");
    struct drm_mode_map_dumb map = {.handle = dumb.handle};
    call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map, "MAP_DUMB");
    void *pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
    if (pixels == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    screen->framebuffer = frame.fb_id;
    screen->image = (struct image){dumb.width, dumb.height, dumb.pitch / sizeof(uint32_t), pixels};
    struct drm_mode_crtc set = {.crtc_id = crtc,
        .fb_id = frame.fb_id,
        .set_connectors_ptr = (uintptr_t)&connector,
        .count_connectors = 1,
        .mode = mode,
        .mode_valid = 1};
    call(fd, DRM_IOCTL_MODE_SETCRTC, &set, "SETCRTC");
}

void screen_flush(const struct screen *screen) {
    struct drm_mode_fb_dirty_cmd dirty = {.fb_id = screen->framebuffer};
    call(screen->fd, DRM_IOCTL_MODE_DIRTYFB, &dirty, "DIRTYFB");
}
