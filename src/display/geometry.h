/* Where a picture is in a window of another size, and what the mouse points at. */
#pragma once

#include <stdint.h>

#include "util/rect.h"

enum { POINTER_MAX = 32767 }; /* the right and bottom edge, as absolute pointing devices count */

/* The largest rectangle of the picture's shape in the middle of the window; empty when either is. */
struct rect geometry_fit(
    uint32_t window_width, uint32_t window_height, uint32_t picture_width, uint32_t picture_height);

/* A place in the window along one axis, as 0 to POINTER_MAX across [start, start + length). */
uint32_t geometry_pointer(float position, uint32_t start, uint32_t length);
