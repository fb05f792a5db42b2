/* A picture in memory, and the little arithmetic that its painters share. */
#pragma once

#include <math.h>
#include <stdint.h>

struct image {
    unsigned width, height;
    unsigned pitch;   /* pixels from a row to the next */
    uint32_t *pixels; /* XRGB8888 */
};

struct colour {
    float r, g, b; /* 0 to 1 */
};

static inline float clamp(float v) {
    return v < 0 ? 0 : v > 1 ? 1 : v;
}

static inline float smooth(float low, float high, float v) {
    float t = clamp((v - low) / (high - low));
    return t * t * (3 - 2 * t);
}

static inline struct colour mix(struct colour a, struct colour b, float t) {
    return (struct colour){a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}

static inline struct colour scale(struct colour a, float f) {
    return (struct colour){a.r * f, a.g * f, a.b * f};
}

static inline struct colour add(struct colour a, struct colour b) {
    return (struct colour){a.r + b.r, a.g + b.g, a.b + b.b};
}

static inline uint32_t pack(struct colour c) {
    return (uint32_t)(clamp(c.r) * 255 + 0.5f) << 16 | (uint32_t)(clamp(c.g) * 255 + 0.5f) << 8 |
           (uint32_t)(clamp(c.b) * 255 + 0.5f);
}

static inline struct colour unpack(uint32_t p) {
    return (struct colour){(p >> 16 & 255) / 255.0f, (p >> 8 & 255) / 255.0f, (p & 255) / 255.0f};
}

/* --- who paints what; coordinates are in heights of the picture, (0, 0) at the middle of its top edge, y
 * down. `pixel` is the width of one, for soft edges. */

/* Evening at a lake. */
struct colour landscape(float x, float y, float pixel);

/* Paints a pear over the pixel of `behind`. */
struct colour pear(float x, float y, float pixel, struct colour behind);

/* How much of the pixel the word "PearVisor" covers, 0 to 1. */
float lettering(float x, float y, float pixel);
