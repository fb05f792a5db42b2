#include "display/display.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "display/png.h"

struct scanout {
    pthread_mutex_t lock;
    uint32_t width, height;
    bool on;
    uint8_t *pixels;
    const uint8_t *lent; /* in the place of pixels; NULL: nothing is */
    size_t lent_stride;
    struct display_cursor cursor;
    bool put_off; /* the source has something to draw that no viewer was ready for */
};

/* What a viewer has not seen yet of one scanout; under the scanout's lock. */
struct news {
    struct rect damage;
    bool mode, cursor;
    bool drawn; /* since display_ready() */
};

struct display_viewer {
    struct display *display;
    struct display_viewer *next;
    void (*changed)(void *ctx, unsigned scanout);
    void *ctx;
    struct news news[DISPLAY_MAX_SCANOUTS];
};

struct display {
    pthread_mutex_t viewers_lock; /* taken before a scanout's lock */
    struct display_viewer *viewers;
    atomic_uint viewer_count;
    struct display_source source;
    struct scanout scanouts[DISPLAY_MAX_SCANOUTS];
};

struct display *display_create(void) {
    struct display *display = calloc(1, sizeof *display);
    if (!display)
        return NULL;
    pthread_mutex_init(&display->viewers_lock, NULL);
    for (unsigned i = 0; i < DISPLAY_MAX_SCANOUTS; i++)
        pthread_mutex_init(&display->scanouts[i].lock, NULL);
    return display;
}

void display_destroy(struct display *display) {
    if (!display)
        return;
    for (unsigned i = 0; i < DISPLAY_MAX_SCANOUTS; i++) {
        pthread_mutex_destroy(&display->scanouts[i].lock);
        free(display->scanouts[i].pixels);
    }
    pthread_mutex_destroy(&display->viewers_lock);
    free(display);
}

/* With the scanout's lock. */
static void keep_copy(struct scanout *s) {
    size_t row = (size_t)s->width * 4;
    for (uint32_t y = 0; s->lent && y < s->height; y++)
        memcpy(s->pixels + y * row, s->lent + y * s->lent_stride, row);
    s->lent = NULL;
}

static void add_news(struct news *news, const struct news *more) {
    /* A rectangle of another mode means nothing any more. */
    news->damage = more->mode ? more->damage : rect_union(&news->damage, &more->damage);
    news->mode |= more->mode;
    news->cursor |= more->cursor;
    news->drawn |= more->drawn;
}

static void tell_viewers(struct display *display, unsigned scanout, const struct news *news) {
    struct scanout *s = &display->scanouts[scanout];
    pthread_mutex_lock(&display->viewers_lock);
    for (struct display_viewer *v = display->viewers; v; v = v->next) {
        pthread_mutex_lock(&s->lock);
        add_news(&v->news[scanout], news);
        pthread_mutex_unlock(&s->lock);
        if (v->changed)
            v->changed(v->ctx, scanout);
    }
    pthread_mutex_unlock(&display->viewers_lock);
}

bool display_set_mode(struct display *display, unsigned scanout, uint32_t width, uint32_t height) {
    struct scanout *s = &display->scanouts[scanout];
    if (s->on && s->width == width && s->height == height)
        return true;

    /* Only this thread changes width and height, so they can be read without the lock. */
    uint8_t *pixels = NULL;
    bool same_size = s->width == width && s->height == height;
    if (!same_size && !(pixels = calloc((size_t)width * height, 4)))
        return false;

    pthread_mutex_lock(&s->lock);
    uint8_t *old = NULL;
    if (!same_size) {
        old = s->pixels;
        s->pixels = pixels;
        s->lent = NULL;
        s->width = width;
        s->height = height;
    }
    s->on = true;
    pthread_mutex_unlock(&s->lock);
    free(old);

    tell_viewers(display, scanout, &(struct news){.damage = {0, 0, width, height}, .mode = true});
    return true;
}

void display_turn_off(struct display *display, unsigned scanout) {
    struct scanout *s = &display->scanouts[scanout];
    if (!s->on)
        return;
    pthread_mutex_lock(&s->lock);
    keep_copy(s);
    s->on = false;
    pthread_mutex_unlock(&s->lock);
    tell_viewers(display, scanout, &(struct news){.damage = {0, 0, s->width, s->height}, .mode = true});
}

uint8_t *display_begin(struct display *display, unsigned scanout, const struct rect *damage, size_t *stride) {
    struct scanout *s = &display->scanouts[scanout];
    if (!s->on || !rect_inside(damage, s->width, s->height))
        return NULL;
    pthread_mutex_lock(&s->lock);
    keep_copy(s);
    *stride = (size_t)s->width * 4;
    return s->pixels + damage->y * *stride + (size_t)damage->x * 4;
}

void display_end(struct display *display, unsigned scanout, const struct rect *damage) {
    pthread_mutex_unlock(&display->scanouts[scanout].lock);
    tell_viewers(display, scanout, &(struct news){.damage = *damage, .drawn = true});
}

void display_lend(struct display *display, unsigned scanout, const uint8_t *pixels, size_t stride,
    const struct rect *damage) {
    struct scanout *s = &display->scanouts[scanout];
    if (!s->on || !rect_inside(damage, s->width, s->height))
        return;
    pthread_mutex_lock(&s->lock);
    s->lent = pixels;
    s->lent_stride = stride;
    pthread_mutex_unlock(&s->lock);
    tell_viewers(display, scanout, &(struct news){.damage = *damage, .drawn = true});
}

void display_take_back(struct display *display, unsigned scanout) {
    struct scanout *s = &display->scanouts[scanout];
    pthread_mutex_lock(&s->lock);
    keep_copy(s);
    pthread_mutex_unlock(&s->lock);
}

void display_set_cursor(
    struct display *display, unsigned scanout, const uint8_t *pixels, uint32_t hot_x, uint32_t hot_y) {
    struct scanout *s = &display->scanouts[scanout];
    pthread_mutex_lock(&s->lock);
    s->cursor.visible = pixels != NULL;
    s->cursor.hot_x = hot_x;
    s->cursor.hot_y = hot_y;
    if (pixels)
        memcpy(s->cursor.pixels, pixels, sizeof s->cursor.pixels);
    pthread_mutex_unlock(&s->lock);
    tell_viewers(display, scanout, &(struct news){.cursor = true});
}

void display_move_cursor(struct display *display, unsigned scanout, int32_t x, int32_t y) {
    struct scanout *s = &display->scanouts[scanout];
    pthread_mutex_lock(&s->lock);
    s->cursor.x = x;
    s->cursor.y = y;
    pthread_mutex_unlock(&s->lock);
    tell_viewers(display, scanout, &(struct news){0});
}

bool display_awaited(struct display *display, unsigned scanout) {
    struct scanout *s = &display->scanouts[scanout];
    if (display->viewer_count == 0) /* the usual case without a window */
        return false;
    bool ready = false;
    pthread_mutex_lock(&display->viewers_lock);
    pthread_mutex_lock(&s->lock);
    for (struct display_viewer *v = display->viewers; v; v = v->next)
        ready |= !v->news[scanout].drawn;
    s->put_off = !ready;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_unlock(&display->viewers_lock);
    return ready;
}

void display_ready(struct display_viewer *viewer, unsigned scanout) {
    const struct display_source *source = &viewer->display->source;
    struct scanout *s = &viewer->display->scanouts[scanout];
    pthread_mutex_lock(&s->lock);
    viewer->news[scanout].drawn = false;
    bool put_off = s->put_off;
    s->put_off = false;
    pthread_mutex_unlock(&s->lock);
    if (put_off && source->awaited)
        source->awaited(source->ctx);
}

void display_set_source(struct display *display, const struct display_source *source) {
    display->source = *source;
}

static void refresh(struct display *display) {
    if (display->source.refresh)
        display->source.refresh(display->source.ctx);
}

struct display_viewer *display_attach(
    struct display *display, void (*changed)(void *ctx, unsigned scanout), void *ctx) {
    struct display_viewer *viewer = calloc(1, sizeof *viewer);
    if (!viewer)
        return NULL;
    viewer->display = display;
    viewer->changed = changed;
    viewer->ctx = ctx;

    pthread_mutex_lock(&display->viewers_lock);
    for (unsigned i = 0; i < DISPLAY_MAX_SCANOUTS; i++) {
        struct scanout *s = &display->scanouts[i];
        pthread_mutex_lock(&s->lock);
        viewer->news[i] = (struct news){.damage = {0, 0, s->width, s->height}, .mode = true, .cursor = true};
        pthread_mutex_unlock(&s->lock);
    }
    viewer->next = display->viewers;
    display->viewers = viewer;
    display->viewer_count++;
    pthread_mutex_unlock(&display->viewers_lock);
    refresh(display); /* what was not drawn while nobody looked */
    return viewer;
}

void display_detach(struct display_viewer *viewer) {
    if (!viewer)
        return;
    struct display *display = viewer->display;
    pthread_mutex_lock(&display->viewers_lock);
    struct display_viewer **link = &display->viewers;
    while (*link != viewer)
        link = &(*link)->next;
    *link = viewer->next;
    display->viewer_count--;
    pthread_mutex_unlock(&display->viewers_lock);
    free(viewer);
}

void display_lock(struct display_viewer *viewer, unsigned scanout, struct display_frame *frame) {
    struct scanout *s = &viewer->display->scanouts[scanout];
    struct news *news = &viewer->news[scanout];
    pthread_mutex_lock(&s->lock);
    struct rect all = {0, 0, s->width, s->height};
    *frame = (struct display_frame){
        .width = s->width,
        .height = s->height,
        .on = s->on,
        .stride = s->lent ? s->lent_stride : (size_t)s->width * 4,
        .pixels = s->lent ? s->lent : s->pixels,
        .cursor = &s->cursor,
        /* The mode may be newer than the news of it, which follow without the lock. */
        .damage = rect_intersect(&news->damage, &all),
        .cursor_changed = news->cursor,
    };
    *news = (struct news){.drawn = news->drawn};
}

void display_unlock(struct display_viewer *viewer, unsigned scanout) {
    pthread_mutex_unlock(&viewer->display->scanouts[scanout].lock);
}

int display_screenshot(struct display *display, unsigned scanout, const char *path, struct error *e) {
    struct scanout *s = &display->scanouts[scanout];
    refresh(display);
    pthread_mutex_lock(&s->lock);
    uint32_t width = s->width, height = s->height;
    size_t size = (size_t)width * height * 4;
    uint8_t *copy = size ? malloc(size) : NULL;
    const uint8_t *pixels = s->lent ? s->lent : s->pixels;
    size_t row = (size_t)width * 4, stride = s->lent ? s->lent_stride : row;
    for (uint32_t y = 0; copy && y < height; y++)
        memcpy(copy + y * row, pixels + y * stride, row);
    pthread_mutex_unlock(&s->lock);

    if (!copy)
        return size ? error_set(e, "%s: no memory for a screenshot", path)
                    : error_set(e, "%s: not written, the guest has not shown anything yet", path);
    int result = png_write_file(path, copy, width, height, (size_t)width * 4, e);
    free(copy);
    return result;
}
