/* A pear: a solid of revolution, seen from the side without perspective, so that the normal of every pixel
 * follows from the outline alone; with a stem and a leaf. */
#include <stdbool.h>

#include "image.h"

static const float middle = 0.40f, bottom = 0.893f; /* where it stands */

struct vector {
    float x, y, z; /* right, up, to the viewer */
};

static float dot(struct vector a, struct vector b) {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vector unit(struct vector a) {
    float f = 1 / sqrtf(dot(a, a));
    return (struct vector){a.x * f, a.y * f, a.z * f};
}

/* The distance to the outline at `radius` from the axis and `height` above the ground: two circles, melted
 * together. Negative inside. */
static float outline(float radius, float height) {
    const float belly = 0.157f, head = 0.070f, melt = 0.170f;
    float a = hypotf(radius, (height - 0.150f) * 1.03f) - belly;
    float b = hypotf(radius, height - 0.392f) - head;
    float h = clamp(0.5f + 0.5f * (b - a) / melt);
    float d = b + (a - b) * h - melt * h * (1 - h);
    float dimple = 0.026f - hypotf(radius, height - 0.486f); /* where the stem grows */
    return fmaxf(d, dimple) + 0.012f * expf(-800 * radius * radius) * smooth(0.05f, 0, height);
}

static float radius_at(float height) {
    float low = 0, high = 0.3f;
    if (outline(0.012f, height) > 0)
        return 0;
    for (int i = 0; i < 18; i++) {
        float guess = (low + high) / 2;
        *(outline(guess, height) < 0 ? &low : &high) = guess;
    }
    return low;
}

static float speckle(float u, float v) {
    float cell_u = floorf(u), cell_v = floorf(v);
    uint32_t h = (uint32_t)(int)cell_u * 0x9e3779b1u ^ (uint32_t)(int)cell_v * 0x85ebca6bu;
    h = (h ^ h >> 15) * 0x2c1b3c6du;
    h ^= h >> 12;
    float x = 0.25f + (float)(h & 255) / 512, y = 0.25f + (float)(h >> 8 & 255) / 512;
    float size = 0.05f + 0.13f * (float)(h >> 16 & 255) / 255;
    return 1 - smooth(size * 0.5f, size, hypotf(u - cell_u - x, v - cell_v - y));
}

static struct colour skin(struct vector n, float angle, float height) {
    static const struct colour green = {0.42f, 0.58f, 0.10f}, yellow = {0.90f, 0.76f, 0.20f},
                               blush = {0.86f, 0.30f, 0.13f}, brown = {0.35f, 0.22f, 0.08f};
    float patch = 0.5f + 0.5f * sinf(3.1f * angle + 9 * height + 1.5f * sinf(17 * height + 2 * angle));
    struct colour c = mix(yellow, green, clamp(0.25f + 0.35f * patch + 0.7f * (n.x + 0.1f)));
    c = mix(
        c, blush, 0.75f * smooth(0.15f, 0.95f, -n.x * 0.9f + 0.25f * patch) * smooth(0.42f, 0.15f, height));
    c = mix(c, brown, 0.55f * speckle(angle * 16, height * 95));
    return mix(c, brown, 0.8f * smooth(0.446f, 0.466f, height)); /* around the stem */
}

static struct colour lit(struct vector n, struct colour c, float gloss) {
    const struct vector sun = unit((struct vector){-0.66f, 0.42f, 0.52f});
    const struct vector half = unit((struct vector){sun.x, sun.y, sun.z + 1});
    static const struct colour light = {1.12f, 0.98f, 0.80f}, evening = {0.22f, 0.22f, 0.38f},
                               rim = {1.0f, 0.58f, 0.30f};
    float direct = clamp((dot(n, sun) + 0.18f) / 1.18f), shine = clamp(dot(n, half));
    float sky = 0.55f + 0.45f * n.y;
    struct colour out = {c.r * (light.r * direct + evening.r * sky),
        c.g * (light.g * direct + evening.g * sky), c.b * (light.b * direct + evening.b * sky)};
    float spark = gloss * (0.42f * powf(shine, 70) + 0.15f * powf(shine, 12));
    float edge = powf(1 - clamp(n.z), 3) * (0.35f + 0.3f * clamp(-n.x));
    return add(add(out, scale(light, spark)), scale(rim, 0.42f * edge));
}

static struct colour body(float x, float height, float pixel, struct colour behind) {
    static _Thread_local float row = -1, radius, slope; /* of the row that is being painted */
    if (row != height) {
        row = height;
        radius = radius_at(height);
        slope = (radius_at(height + 0.001f) - radius_at(height - 0.001f)) / 0.002f;
    }
    float cover = clamp((radius - fabsf(x)) / (pixel * sqrtf(1 + slope * slope)) + 0.5f);
    if (radius <= 0 || cover <= 0)
        return behind;
    float z = sqrtf(fmaxf(radius * radius - x * x, 0));
    struct vector n = unit((struct vector){x, -radius * fmaxf(fminf(slope, 6), -6), z});
    struct colour c = lit(n, skin(n, atan2f(x, z), height), 1);
    float ground = smooth(0.0f, 0.10f, height); /* little light reaches what is near the ground */
    return mix(behind, scale(c, 0.35f + 0.65f * ground), cover);
}

/* A bent stem, thicker at its end. */
static struct colour stem(float x, float height, float pixel, struct colour behind) {
    static const struct colour bark = {0.36f, 0.23f, 0.12f};
    float t = (height - 0.448f) / 0.110f;
    if (t < 0 || t > 1.05f)
        return behind;
    float axis = 0.004f + 0.034f * t * t, half = 0.0058f + 0.0045f * t * t * t + 0.003f * (1 - t) * (1 - t);
    float side = (x - axis) / half;
    float cover =
        clamp((half - fabsf(x - axis)) / pixel + 0.5f) * clamp((1 - t + 0.12f * side) * 0.11f / pixel);
    if (cover <= 0)
        return behind;
    side = fmaxf(fminf(side, 1), -1);
    struct vector n = {side * 0.94f, 0.2f, sqrtf(1.0f - 0.88f * side * side)};
    return mix(behind, lit(unit(n), bark, 0.3f), cover);
}

/* A leaf: where two circles overlap, with a midrib. */
static struct colour leaf(float x, float height, float pixel, struct colour behind) {
    static const struct colour blade = {0.26f, 0.47f, 0.12f}, rib = {0.62f, 0.74f, 0.32f};
    const float cosine = 0.93f, sine = 0.37f, length = 0.088f, radius = 0.118f;
    float dx = x - 0.103f, dy = height - 0.533f;
    float along = dx * cosine + dy * sine, across = -dx * sine + dy * cosine;
    across += 0.022f - 2.8f * along * along; /* it bends */
    float offset = sqrtf(radius * radius - length * length);
    float d = fmaxf(hypotf(along, across - offset), hypotf(along, across + offset)) - radius;
    float cover = clamp(0.5f - d / pixel);
    if (cover <= 0)
        return behind;
    float fold = across > 0 ? 0.55f : -0.35f;
    struct vector n = unit((struct vector){-0.25f - 0.3f * along / length, 0.55f + fold, 0.75f});
    struct colour c = lit(n, blade, 0.35f);
    float vein = fabsf(sinf((along + fabsf(across) * 0.8f) * 190));
    c = scale(c, 1 - 0.16f * smooth(0.25f, 0, vein));
    c = mix(c, rib, 0.65f * (1 - smooth(0.0012f, 0.0028f, fabsf(across))));
    return mix(behind, c, cover);
}

struct colour pear(float x, float y, float pixel, struct colour behind) {
    float height = bottom - y;
    x -= middle;
    if (x < -0.25f || x > 0.25f || height < -0.02f || height > 0.62f)
        return behind;
    behind = stem(x, height, pixel, behind);
    behind = body(x, height, pixel, behind);
    return leaf(x, height, pixel, behind);
}
