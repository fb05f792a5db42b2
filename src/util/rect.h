/* Rectangles of pixels; (0, 0) is the top left corner. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rect {
    uint32_t x, y, width, height;
};

static inline bool rect_empty(const struct rect *r) {
    return r->width == 0 || r->height == 0;
}

/* Not empty, and completely inside a surface of width x height. Any values of r are fine, those that wrap
 * too. */
static inline bool rect_inside(const struct rect *r, uint32_t width, uint32_t height) {
    return !rect_empty(r) && r->width <= width && r->x <= width - r->width && r->height <= height &&
           r->y <= height - r->height;
}

/* Whether every pixel of b is one of a. Neither may wrap. */
static inline bool rect_contains(const struct rect *a, const struct rect *b) {
    return rect_empty(b) || (b->x >= a->x && b->x + b->width <= a->x + a->width && b->y >= a->y &&
                                b->y + b->height <= a->y + a->height);
}

/* What two rectangles have in common; empty when nothing. Neither may wrap. */
static inline struct rect rect_intersect(const struct rect *a, const struct rect *b) {
    uint32_t left = a->x > b->x ? a->x : b->x;
    uint32_t top = a->y > b->y ? a->y : b->y;
    uint32_t right = a->x + a->width < b->x + b->width ? a->x + a->width : b->x + b->width;
    uint32_t bottom = a->y + a->height < b->y + b->height ? a->y + a->height : b->y + b->height;
    if (left >= right || top >= bottom)
        return (struct rect){0};
    return (struct rect){left, top, right - left, bottom - top};
}

/* The smallest rectangle that covers both. Neither may wrap. */
static inline struct rect rect_union(const struct rect *a, const struct rect *b) {
    if (rect_empty(a))
        return *b;
    if (rect_empty(b))
        return *a;
    uint32_t left = a->x < b->x ? a->x : b->x;
    uint32_t top = a->y < b->y ? a->y : b->y;
    uint32_t right = a->x + a->width > b->x + b->width ? a->x + a->width : b->x + b->width;
    uint32_t bottom = a->y + a->height > b->y + b->height ? a->y + a->height : b->y + b->height;
    return (struct rect){left, top, right - left, bottom - top};
}
