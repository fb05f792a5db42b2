/* Evening at a lake: sky, ridges one behind the other, their reflection, a bank in front. */
#include "image.h"

enum { RIDGES = 5 };

static const float horizon = 0.64f, sun_x = 0.055f, sun_y = 0.505f;

/* A number from 0 to 1 for each integer, and smooth noise between them. */
static float hash(int n) {
    uint32_t h = (uint32_t)n * 0x9e3779b1u;
    h = (h ^ h >> 15) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return (float)(h >> 8) / 0x1p24f;
}

static float noise(float x) {
    float cell = floorf(x);
    float t = x - cell;
    t = t * t * (3 - 2 * t);
    return hash((int)cell) * (1 - t) + hash((int)cell + 1) * t;
}

static float rough(float x, int octaves) {
    float sum = 0, weight = 0.5f;
    for (; octaves > 0; octaves--) {
        sum += weight * noise(x);
        x = x * 2.03f + 17;
        weight *= 0.48f;
    }
    return sum;
}

static struct colour sky(float x, float y) {
    static const struct colour zenith = {0.07f, 0.10f, 0.27f}, middle = {0.36f, 0.27f, 0.50f},
                               low = {0.97f, 0.62f, 0.42f}, glow = {1.0f, 0.78f, 0.45f},
                               disc = {1.0f, 0.95f, 0.80f};
    float t = y / horizon;
    struct colour c = mix(mix(zenith, middle, smooth(-0.1f, 0.75f, t)), low, smooth(0.40f, 1.0f, t));
    float dx = x - sun_x, dy = y - sun_y;
    float d = sqrtf(dx * dx + dy * dy);
    c = mix(c, glow, 0.75f * expf(-6.5f * d));
    float streak = rough(x * 2.2f + 5, 4) + 0.5f * rough(x * 5 + y * 60, 3); /* thin clouds */
    c = mix(c, glow, 0.30f * smooth(0.62f, 1.0f, streak) * smooth(0.25f, 0.75f, t));
    return mix(c, disc, 1 - smooth(0.052f, 0.055f, d));
}

/* The height of a ridge's crest; 0 is the farthest. */
static float crest(int ridge, float x) {
    static const float base[RIDGES] = {0.520f, 0.555f, 0.585f, 0.612f, 0.634f},
                       swing[RIDGES] = {0.20f, 0.15f, 0.10f, 0.07f, 0.030f},
                       detail[RIDGES] = {1.9f, 2.6f, 3.6f, 5.2f, 14.0f};
    float valley = 1 - 0.75f * expf(-5.0f * (x - sun_x) * (x - sun_x)); /* room for the sun */
    return base[ridge] + 0.02f - swing[ridge] * valley * rough(x * detail[ridge] + 31.7f * (float)ridge, 6);
}

/* `pixel` softens the crests. */
static struct colour shore(float x, float y, float pixel) {
    static const struct colour haze = {0.93f, 0.60f, 0.47f}, far = {0.56f, 0.40f, 0.52f},
                               near = {0.08f, 0.10f, 0.17f};
    struct colour front = {0, 0, 0};
    float clear = 1; /* of the pixel: not covered yet */
    for (int ridge = RIDGES - 1; ridge >= 0; ridge--) {
        float top = crest(ridge, x);
        float cover = clamp((y - top) / pixel + 0.5f);
        if (cover == 0)
            continue;
        float depth = (float)ridge / (RIDGES - 1);
        struct colour c = mix(far, near, depth);
        float mist = (0.65f - 0.5f * depth) * smooth(0, 0.10f, y - top);
        float light = 0.35f * (1 - depth) * expf(-4.0f * fabsf(x - sun_x));
        front = add(front, scale(mix(c, haze, clamp(mist + light)), clear * cover));
        clear *= 1 - cover;
        if (clear == 0)
            return front;
    }
    return add(front, scale(sky(x, y), clear));
}

static struct colour lake(float x, float y, float pixel) {
    static const struct colour water = {0.10f, 0.09f, 0.20f}, spark = {1.0f, 0.83f, 0.60f};
    float depth = y - horizon;
    float wave =
        sinf(900 * depth / (1 + 14 * depth) + 3 * rough(x * 9, 2)) * (rough(x * 16 + y * 90, 3) - 0.25f);
    struct colour c = shore(x + 0.035f * wave * depth * 4, horizon - depth * 1.15f - 0.012f * wave, pixel);
    c = mix(c, water, 0.16f + 0.45f * smooth(0, 0.36f, depth));
    float path =
        expf(-60 * (x - sun_x) * (x - sun_x) / (0.2f + 3 * depth)); /* the sun's way over the water */
    float glitter = smooth(0.52f, 0.72f, rough(x * 28 + 40 * noise(y * 160), 3) + 0.18f * wave);
    return mix(c, spark, 0.75f * path * glitter * smooth(0, 0.02f, depth));
}

/* The bank that the pear stands on. */
static float bank(float x) {
    return 0.905f - 0.075f * smooth(-0.3f, 0.65f, x) + 0.012f * rough(x * 5, 4) + 0.004f * rough(x * 150, 2);
}

struct colour landscape(float x, float y, float pixel) {
    static const struct colour grass = {0.13f, 0.17f, 0.10f}, soil = {0.035f, 0.045f, 0.06f},
                               rim = {0.75f, 0.50f, 0.28f};
    float top = bank(x), cover = clamp((y - top) / pixel + 0.5f);
    struct colour behind = {0, 0, 0};
    if (cover < 1)
        behind = y < horizon ? shore(x, y, pixel) : lake(x, y, pixel);
    if (cover > 0) {
        struct colour c = mix(grass, soil, smooth(0, 0.13f, y - top));
        c = scale(c, 0.80f + 0.5f * rough(x * 60 + 200 * noise(y * 60), 2));
        float dx = (x - 0.425f) / 0.19f, dy = (y - 0.895f) / 0.022f; /* the pear's shadow */
        c = scale(c, 0.25f + 0.75f * smooth(0.3f, 1.3f, sqrtf(dx * dx + dy * dy)));
        behind = mix(behind, mix(c, rim, 0.55f * (1 - smooth(0, 0.006f, y - top))), cover);
    }
    return behind;
}
