/* The panel of counters over the picture: frames a second, a graph of frame times, submits, uploads and how
 * long fences take. */
#pragma once

#include <stdint.h>

#include "gpu/monitor.h"

enum {
    OVERLAY_WIDTH = 524, /* pixels */
    OVERLAY_HEIGHT = 158,
    OVERLAY_PERIOD_MS = 500, /* what one picture counts */
};

struct overlay;

/* The monitor stays the caller's and outlives it. NULL: out of memory. */
struct overlay *overlay_create(struct gpu_monitor *monitor);
void overlay_destroy(struct overlay *overlay);

/* Draws what happened since the last call that drew; nothing new before OVERLAY_PERIOD_MS have passed. Rows
 * of OVERLAY_WIDTH pixels, B, G, R, X, without gaps; they are the overlay's. now in nanoseconds. */
const uint8_t *overlay_draw(struct overlay *overlay, uint64_t now);
