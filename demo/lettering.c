/* The word "PearVisor" in letters of one round stroke: lines and arcs, each pixel covered by its distance to
 * them. */
#include "image.h"

#define DEGREES 0.017453293f

/* In the letter's own units: the small letters are 1 high, y is up. */
struct stroke {
    enum { LINE, ARC } kind;
    float a, b, c, d; /* LINE: from (a, b) to (c, d); ARC: centre (a, b), radius c, from d degrees */
    float e;          /* ARC: over e degrees, counter-clockwise */
};

static const struct letter {
    float x; /* of its left edge */
    float width;
    unsigned count;
    struct stroke strokes[4];
} letters[] = {
    {0.00f, 0.86f, 4,
        {{LINE, 0, 0, 0, 1.44f, 0}, {LINE, 0, 1.44f, 0.46f, 1.44f, 0}, {ARC, 0.46f, 1.04f, 0.40f, -90, 180},
            {LINE, 0, 0.64f, 0.46f, 0.64f, 0}}},
    {1.20f, 1.0f, 2, {{ARC, 0.5f, 0.5f, 0.5f, 0, 318}, {LINE, 0, 0.5f, 1, 0.5f, 0}}},
    {2.56f, 1.0f, 2, {{ARC, 0.5f, 0.5f, 0.5f, 0, 360}, {LINE, 1, 0, 1, 1, 0}}},
    {4.00f, 0.5f, 2, {{LINE, 0, 0, 0, 1, 0}, {ARC, 0.46f, 0.54f, 0.46f, 72, 108}}},
    {4.80f, 1.24f, 2, {{LINE, 0, 1.44f, 0.62f, 0, 0}, {LINE, 0.62f, 0, 1.24f, 1.44f, 0}}},
    {6.36f, 0.0f, 2, {{LINE, 0, 0, 0, 1, 0}, {LINE, 0, 1.40f, 0, 1.41f, 0}}},
    {6.72f, 0.62f, 2, {{ARC, 0.31f, 0.745f, 0.255f, 25, 245}, {ARC, 0.31f, 0.255f, 0.255f, -155, 245}}},
    {7.66f, 1.0f, 1, {{ARC, 0.5f, 0.5f, 0.5f, 0, 360}}},
    {9.02f, 0.5f, 2, {{LINE, 0, 0, 0, 1, 0}, {ARC, 0.46f, 0.54f, 0.46f, 72, 108}}},
};

static const float unit = 0.066f, left = -0.715f, baseline = 0.195f, half_stroke = 0.085f;

static float line_distance(const struct stroke *s, float x, float y) {
    float dx = s->c - s->a, dy = s->d - s->b;
    float t = clamp(((x - s->a) * dx + (y - s->b) * dy) / (dx * dx + dy * dy));
    return hypotf(x - s->a - t * dx, y - s->b - t * dy);
}

static float arc_distance(const struct stroke *s, float x, float y) {
    x -= s->a;
    y -= s->b;
    float from = fmodf(atan2f(y, x) / DEGREES - s->d + 720, 360);
    if (from <= s->e)
        return fabsf(hypotf(x, y) - s->c);
    float start = s->d * DEGREES, end = (s->d + s->e) * DEGREES;
    return fminf(hypotf(x - s->c * cosf(start), y - s->c * sinf(start)),
        hypotf(x - s->c * cosf(end), y - s->c * sinf(end)));
}

float lettering(float x, float y, float pixel) {
    x = (x - left) / unit;
    y = (baseline - y) / unit;
    if (x < -0.2f || x > 9.8f || y < -0.2f || y > 1.7f)
        return 0;
    float nearest = 1;
    for (unsigned i = 0; i < sizeof letters / sizeof *letters; i++) {
        const struct letter *letter = &letters[i];
        if (x < letter->x - 0.2f || x > letter->x + letter->width + 0.2f)
            continue;
        for (unsigned k = 0; k < letter->count; k++) {
            const struct stroke *s = &letter->strokes[k];
            float d =
                s->kind == LINE ? line_distance(s, x - letter->x, y) : arc_distance(s, x - letter->x, y);
            nearest = fminf(nearest, d);
        }
    }
    return clamp((half_stroke - nearest) * unit / pixel + 0.5f);
}
