#include "display/present.h"

#include <SDL3/SDL.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "display/geometry.h"
#include "display/keymap.h"
#include "display/overlay.h"
#include "display/sdl_gpu.h"
#include "host/clock.h"

enum {
    SCANOUT = 0,
    DEFAULT_WIDTH = 1280,
    DEFAULT_HEIGHT = 800,
    MIN_WIDTH = 320,
    MIN_HEIGHT = 200,
    SETTLE_MS = 150, /* a window that is being dragged larger is told to the guest once it rests */
    LOST_MS = 200,   /* see wait_ms() */
    CODES = 0x300,   /* of evdev */
    BTN_LEFT = 0x110,
};

struct present {
    struct present_config config;
    struct display_viewer *viewer;
    SDL_Window *window;
    struct sdl_gpu *gpu;
    struct overlay *overlay; /* NULL: not shown */
    SDL_Cursor *cursor;
    bool guest_draws_cursor; /* it has given a shape at least once */

    Uint32 changed_event;
    atomic_bool changed; /* an event about it is on its way */
    bool redraw;
    uint32_t picture_width, picture_height;
    bool resized;        /* and the guest does not know the window's size yet */
    uint64_t resized_at; /* milliseconds */
    bool pressed[CODES];
    float wheel_x, wheel_y; /* parts of notches */
};

/* --- frames */

/* On the GPU's thread: one event for any number of changes. */
static void on_changed(void *ctx, unsigned scanout) {
    struct present *p = ctx;
    if (scanout != SCANOUT || atomic_exchange(&p->changed, true))
        return;
    SDL_Event event = {.type = p->changed_event};
    SDL_PushEvent(&event);
}

/* Premultiplied pixels to SDL's straight ones. */
static void unmultiply(uint8_t *to, const uint8_t *from, size_t pixels) {
    for (size_t i = 0; i < pixels * 4; i += 4) {
        unsigned alpha = from[i + 3];
        for (unsigned c = 0; c < 3; c++) {
            unsigned value = alpha ? from[i + c] * 255u / alpha : 0;
            to[i + c] = (uint8_t)(value < 255 ? value : 255);
        }
        to[i + 3] = (uint8_t)alpha;
    }
}

/* The guest's pointer becomes the host's: it moves without delay. */
static void set_cursor(struct present *p, const struct display_cursor *cursor) {
    if (!cursor->visible) {
        if (p->guest_draws_cursor)
            SDL_HideCursor();
        return;
    }
    uint8_t pixels[sizeof cursor->pixels];
    unmultiply(pixels, cursor->pixels, sizeof pixels / 4);
    SDL_Surface *surface = SDL_CreateSurfaceFrom(
        DISPLAY_CURSOR_SIZE, DISPLAY_CURSOR_SIZE, SDL_PIXELFORMAT_BGRA32, pixels, DISPLAY_CURSOR_SIZE * 4);
    SDL_Cursor *shape =
        surface ? SDL_CreateColorCursor(surface, (int)cursor->hot_x, (int)cursor->hot_y) : NULL;
    SDL_DestroySurface(surface);
    if (!shape)
        return;
    SDL_SetCursor(shape);
    SDL_ShowCursor();
    SDL_DestroyCursor(p->cursor);
    p->cursor = shape;
    p->guest_draws_cursor = true;
}

/* Takes the news from the display; whether there is a picture to show. */
static bool take_frame(struct present *p) {
    struct display_frame frame;
    struct display_cursor cursor;
    bool cursor_changed = false;
    bool on = false;
    struct rect damage = {0};
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        display_lock(p->viewer, SCANOUT, &frame);
        struct rect all = {0, 0, frame.width, frame.height};
        damage = attempt ? all : frame.damage;
        bool copied = sdl_gpu_copy(p->gpu, &frame, &damage);
        on = frame.on && copied;
        p->picture_width = frame.width;
        p->picture_height = frame.height;
        if (frame.cursor_changed) {
            cursor = *frame.cursor;
            cursor_changed = true;
        }
        display_unlock(p->viewer, SCANOUT);
        if (copied || !frame.width || !sdl_gpu_resize(p->gpu, frame.width, frame.height))
            break;
    }
    if (cursor_changed)
        set_cursor(p, &cursor);
    return on;
}

static void draw(struct present *p) {
    uint64_t start = host_now_ns();
    p->redraw = false;
    p->changed = false;
    bool on = take_frame(p);
    if (p->overlay)
        sdl_gpu_panel(p->gpu, overlay_draw(p->overlay, start), OVERLAY_WIDTH, OVERLAY_HEIGHT);
    if (sdl_gpu_present(p->gpu, on))
        gpu_monitor_presented(p->config.monitor, host_now_ns() - start);
    display_ready(p->viewer, SCANOUT);
}

/* --- input */

static void send_sync(struct present *p) {
    if (p->config.input->sync)
        p->config.input->sync(p->config.input->ctx);
}

static void send_key(struct present *p, uint16_t code, bool down) {
    if (code == 0 || code >= CODES || p->pressed[code] == down || !p->config.input->key)
        return;
    p->pressed[code] = down;
    p->config.input->key(p->config.input->ctx, code, down);
    send_sync(p);
}

/* Keys that are let go while another window has the keyboard are not told to this one. */
static void release_all(struct present *p) {
    for (uint16_t code = 0; code < CODES; code++)
        send_key(p, code, false);
}

static void toggle_fullscreen(struct present *p) {
    bool full = SDL_GetWindowFlags(p->window) & SDL_WINDOW_FULLSCREEN;
    release_all(p);
    SDL_SetWindowFullscreen(p->window, !full);
}

static void toggle_overlay(struct present *p) {
    if (p->overlay) {
        overlay_destroy(p->overlay);
        p->overlay = NULL;
        sdl_gpu_panel(p->gpu, NULL, 0, 0);
    } else {
        p->overlay = overlay_create(p->config.monitor);
    }
    p->redraw = true;
}

/* Whether the key is not the guest's. */
static bool on_hot_key(struct present *p, const SDL_KeyboardEvent *event) {
    if (!event->down || !(event->mod & SDL_KMOD_CTRL) || !(event->mod & SDL_KMOD_ALT))
        return false;
    switch (event->scancode) {
    case SDL_SCANCODE_F: toggle_fullscreen(p); return true;
    case SDL_SCANCODE_S: toggle_overlay(p); return true;
    default: return false;
    }
}

static void on_key(struct present *p, const SDL_KeyboardEvent *event) {
    if (event->repeat) /* the guest repeats by itself */
        return;
    if (!on_hot_key(p, event))
        send_key(p, keymap_evdev(event->scancode), event->down);
}

static void on_motion(struct present *p, float x, float y) {
    int width, height;
    SDL_GetWindowSize(p->window, &width, &height);
    struct rect place = geometry_fit((uint32_t)width, (uint32_t)height, p->picture_width, p->picture_height);
    if (rect_empty(&place) || !p->config.input->pointer)
        return;
    p->config.input->pointer(p->config.input->ctx, SCANOUT, geometry_pointer(x, place.x, place.width),
        geometry_pointer(y, place.y, place.height));
    send_sync(p);
}

static void on_button(struct present *p, const SDL_MouseButtonEvent *event) {
    static const uint16_t codes[] = {
        [SDL_BUTTON_LEFT] = BTN_LEFT,
        [SDL_BUTTON_MIDDLE] = BTN_LEFT + 2,
        [SDL_BUTTON_RIGHT] = BTN_LEFT + 1,
        [SDL_BUTTON_X1] = BTN_LEFT + 3,
        [SDL_BUTTON_X2] = BTN_LEFT + 4,
    };
    if (event->button < sizeof codes / sizeof codes[0])
        send_key(p, codes[event->button], event->down);
}

/* Whole notches out of what may come in parts of them. */
static int32_t take_notches(float *sum, float more) {
    *sum += more;
    int32_t notches = (int32_t)*sum;
    *sum -= (float)notches;
    return notches;
}

static void on_wheel(struct present *p, const SDL_MouseWheelEvent *event) {
    float sign = event->direction == SDL_MOUSEWHEEL_FLIPPED ? -1 : 1;
    int32_t x = take_notches(&p->wheel_x, event->x * sign);
    int32_t y = take_notches(&p->wheel_y, event->y * sign);
    if ((x == 0 && y == 0) || !p->config.input->wheel)
        return;
    p->config.input->wheel(p->config.input->ctx, x, y);
    send_sync(p);
}

static void on_close(struct present *p) {
    if (p->config.input->close)
        p->config.input->close(p->config.input->ctx);
}

/* --- the window */

static void tell_size(struct present *p) {
    int width, height;
    p->resized = false;
    if (SDL_GetWindowSizeInPixels(p->window, &width, &height) && p->config.input->resize)
        p->config.input->resize(p->config.input->ctx, SCANOUT, (uint32_t)width, (uint32_t)height);
}

/* False when it is time to go. */
static bool handle(struct present *p, const SDL_Event *event) {
    if (event->type == p->changed_event)
        p->redraw = true;
    switch (event->type) {
    case SDL_EVENT_QUIT: return false;
    case SDL_EVENT_WINDOW_CLOSE_REQUESTED: on_close(p); break;
    case SDL_EVENT_WINDOW_EXPOSED: p->redraw = true; break;
    case SDL_EVENT_WINDOW_PIXEL_SIZE_CHANGED:
        p->redraw = true;
        p->resized = true;
        p->resized_at = SDL_GetTicks();
        break;
    case SDL_EVENT_WINDOW_FOCUS_LOST: release_all(p); break;
    case SDL_EVENT_KEY_DOWN:
    case SDL_EVENT_KEY_UP: on_key(p, &event->key); break;
    case SDL_EVENT_MOUSE_MOTION: on_motion(p, event->motion.x, event->motion.y); break;
    case SDL_EVENT_MOUSE_BUTTON_DOWN:
    case SDL_EVENT_MOUSE_BUTTON_UP: on_button(p, &event->button); break;
    case SDL_EVENT_MOUSE_WHEEL: on_wheel(p, &event->wheel); break;
    default: break;
    }
    return true;
}

/* Never for ever: Vulkan's threads read from the same X connection, and what was to wake this thread is then
 * in a queue, where it is found only by looking again. */
static int wait_ms(const struct present *p) {
    return p->resized ? SETTLE_MS : p->overlay ? OVERLAY_PERIOD_MS : LOST_MS;
}

void present_run(struct present *p) {
    SDL_Event event;
    for (;;) {
        if (p->redraw)
            draw(p);
        bool any = SDL_WaitEventTimeout(&event, wait_ms(p));
        if (!any && p->overlay) /* which shows that nothing happens */
            p->redraw = true;
        for (; any; any = SDL_PollEvent(&event))
            if (!handle(p, &event))
                return;
        if (p->resized && SDL_GetTicks() >= p->resized_at + SETTLE_MS)
            tell_size(p);
    }
}

void present_quit(void) {
    SDL_Event event = {.type = SDL_EVENT_QUIT};
    SDL_PushEvent(&event);
}

static int open_window(struct present *p, struct error *e) {
    uint32_t width = p->config.width ? p->config.width : DEFAULT_WIDTH;
    uint32_t height = p->config.height ? p->config.height : DEFAULT_HEIGHT;
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_QUIT_ON_LAST_WINDOW_CLOSE, "0"); /* the guest is asked first */
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    /* On X alone: libwayland complains on stderr where there is no compositor to find. SDL_VIDEO_DRIVER wins.
     */
    if (!getenv("WAYLAND_DISPLAY") && getenv("DISPLAY"))
        SDL_SetHint(SDL_HINT_VIDEO_DRIVER, "x11");
    if (!SDL_Init(SDL_INIT_VIDEO))
        return error_set(
            e, "%s (is DISPLAY or WAYLAND_DISPLAY set? --display none does without)", SDL_GetError());
    p->changed_event = SDL_RegisterEvents(1);
    p->window = SDL_CreateWindow(p->config.title, (int)width, (int)height, SDL_WINDOW_RESIZABLE);
    if (!p->window)
        return error_set(e, "the host's display refuses it: %s", SDL_GetError());
    SDL_SetWindowMinimumSize(p->window, MIN_WIDTH, MIN_HEIGHT);
    if (!(p->gpu = sdl_gpu_create(p->window, e)))
        return -1;
    if (!(p->viewer = display_attach(p->config.display, on_changed, p)))
        return error_set(e, "out of memory");
    return 0;
}

struct present *present_create(const struct present_config *config, struct error *e) {
    struct present *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(e, "out of memory");
        return NULL;
    }
    p->config = *config;
    p->redraw = true;
    if (open_window(p, e) < 0) {
        present_destroy(p);
        return NULL;
    }
    return p;
}

void present_destroy(struct present *p) {
    if (!p)
        return;
    display_detach(p->viewer);
    sdl_gpu_destroy(p->gpu);
    overlay_destroy(p->overlay);
    SDL_DestroyCursor(p->cursor);
    SDL_DestroyWindow(p->window);
    SDL_Quit();
    free(p);
}

bool present_available(void) {
    return true;
}
