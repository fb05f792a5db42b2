/* Where a GPU puts its pictures and viewers (window, screenshot, remote clients) find them: the latest frame
 * of every scanout, its cursor, and what changed since a viewer last looked.
 *
 * Pixels are 4 bytes in the order B, G, R, A. A scanout keeps its last frame when the guest turns it off. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/rect.h"

struct display;
struct display_viewer;

enum { DISPLAY_MAX_SCANOUTS = 16, DISPLAY_CURSOR_SIZE = 64 };

struct display *display_create(void);          /* NULL: out of memory */
void display_destroy(struct display *display); /* after every viewer has left */

/* ---- The GPU's side. One thread at a time; scanout < DISPLAY_MAX_SCANOUTS. ---- */

/* The scanout now shows width x height pixels: black, unless it had that size already. False: out of memory,
 * and nothing has changed. */
bool display_set_mode(struct display *display, unsigned scanout, uint32_t width, uint32_t height);
void display_turn_off(struct display *display, unsigned scanout);

/* Begins to draw into damage, which must be inside the mode: the address of its first pixel and the distance
 * of two rows in bytes. Viewers wait until display_end(); NULL, and no display_end(), while the scanout is
 * off. */
uint8_t *display_begin(struct display *display, unsigned scanout, const struct rect *damage, size_t *stride);
void display_end(struct display *display, unsigned scanout, const struct rect *damage);

/* Instead of the two: the frame's pixels are the caller's, from here on, and changed within damage. */
void display_lend(struct display *display, unsigned scanout, const uint8_t *pixels, size_t stride,
    const struct rect *damage);
/* What was lent goes away: the display makes itself a copy. */
void display_take_back(struct display *display, unsigned scanout);

/* pixels: DISPLAY_CURSOR_SIZE squared, alpha premultiplied; copied. NULL hides the cursor. */
void display_set_cursor(
    struct display *display, unsigned scanout, const uint8_t *pixels, uint32_t hot_x, uint32_t hot_y);
/* Where the cursor's hot spot is; may be outside of the scanout. */
void display_move_cursor(struct display *display, unsigned scanout, int32_t x, int32_t y);

/* Whether a viewer is ready for a frame: nobody need draw for no viewer, or for one that is behind, as long
 * as the source can do so later. */
bool display_awaited(struct display *display, unsigned scanout);

/* Who draws; their functions are called on the threads of viewers. Not to be set while those come and go. */
struct display_source {
    void *ctx;
    /* Brings every frame up to date before it returns, for a viewer that comes or a screenshot. NULL: frames
     * are as they are. */
    void (*refresh)(void *ctx);
    /* A viewer is ready for what display_awaited() put off, soon. May be NULL. */
    void (*awaited)(void *ctx);
};
void display_set_source(struct display *display, const struct display_source *source);

/* ---- A viewer's side. Any thread. ---- */

struct display_cursor {
    bool visible;
    int32_t x, y;
    uint32_t hot_x, hot_y;
    uint8_t pixels[DISPLAY_CURSOR_SIZE * DISPLAY_CURSOR_SIZE * 4];
};

struct display_frame {
    uint32_t width, height; /* 0: nothing was ever shown */
    bool on;
    size_t stride;
    const uint8_t *pixels;
    const struct display_cursor *cursor;
    /* Since this viewer's last display_lock(); everything the first time. */
    struct rect damage;
    bool cursor_changed; /* its shape or visibility */
};

/* changed (may be NULL) is called on the GPU's thread after every change; it must not block or call back. */
struct display_viewer *display_attach(
    struct display *display, void (*changed)(void *ctx, unsigned scanout), void *ctx);
void display_detach(struct display_viewer *viewer); /* no call of changed() is under way afterwards */

/* Holds the scanout still for reading, and takes the damage. Hold it for a copy, no longer: the GPU waits. */
void display_lock(struct display_viewer *viewer, unsigned scanout, struct display_frame *frame);
void display_unlock(struct display_viewer *viewer, unsigned scanout);
/* What was taken has been shown: the viewer is ready for another frame. One that has just come is, too. */
void display_ready(struct display_viewer *viewer, unsigned scanout);

/* Saves the scanout's last frame, without the cursor, as a PNG file. Fails with one line when there is none
 * yet. */
int display_screenshot(struct display *display, unsigned scanout, const char *path, struct error *e);

/* ---- What a user does in front of a display. ---- */

/* Where a window sends its input; any member may be NULL. Called on the presenter's thread. */
struct display_input {
    void *ctx;
    void (*key)(void *ctx, uint16_t code, bool down); /* evdev codes: keys, and BTN_LEFT and so on */
    /* 0 to 32767 across the scanout */
    void (*pointer)(void *ctx, unsigned scanout, uint32_t x, uint32_t y);
    void (*wheel)(void *ctx, int32_t dx, int32_t dy); /* notches; positive is right and away from the user */
    void (*sync)(void *ctx);                          /* ends a group of the events above */
    void (*resize)(
        void *ctx, unsigned scanout, uint32_t width, uint32_t height); /* the window has this size */
    void (*close)(void *ctx);                                          /* the close button */
};
