/* Drawing into a window with SDL's GPU API (Vulkan, Metal). */
#pragma once

#include <SDL3/SDL.h>
#include <stdbool.h>

#include "display/display.h"
#include "util/error.h"

struct sdl_gpu;

/* The window stays the caller's and outlives it. */
struct sdl_gpu *sdl_gpu_create(SDL_Window *window, struct error *e);
void sdl_gpu_destroy(struct sdl_gpu *gpu);

/* The picture is kept between frames: brings its size and the damaged part up to date with the frame, which
 * is locked. False: it has another size now and needs all of the frame; unlock, call sdl_gpu_resize(), lock
 * again. */
bool sdl_gpu_copy(struct sdl_gpu *gpu, const struct display_frame *frame, const struct rect *damage);
/* False: the GPU has no memory for it, and there is no picture. */
bool sdl_gpu_resize(struct sdl_gpu *gpu, uint32_t width, uint32_t height);

/* A panel over the picture's top left corner, in rows of B, G, R, X without gaps; NULL takes it away. */
void sdl_gpu_panel(struct sdl_gpu *gpu, const uint8_t *pixels, uint32_t width, uint32_t height);

/* Uploads what was copied, clears the window and draws the picture and the panel into it (a black window when
 * show is false). Waits for the window's turn. False when nothing could be presented: it is hidden, or the
 * GPU is lost. */
bool sdl_gpu_present(struct sdl_gpu *gpu, bool show);
