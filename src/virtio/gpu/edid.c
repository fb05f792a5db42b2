#include "virtio/gpu/edid.h"

#include <stdbool.h>
#include <string.h>

/* A timing with reduced blanking, near to VESA's CVT-RB; nothing is ever clocked out by it. */
struct timing {
    uint32_t width, height;
    uint32_t hblank, hfront, hsync, vblank, vfront, vsync; /* pixels and lines */
    uint64_t clock;                                        /* in 10 kHz */
    uint32_t width_mm, height_mm;
};

enum { REFRESH_HZ = 60, DOTS_AN_INCH = 100, MIN_CLOCK_HZ = 10000000 };

static struct timing make_timing(uint32_t width, uint32_t height) {
    struct timing t = {
        .width = width,
        .height = height,
        .hblank = 160,
        .hfront = 48,
        .hsync = 32,
        .vblank = 15 + height * 28 / 1000, /* some 460 microseconds */
        .vfront = 3,
        .vsync = 6,
        .width_mm = width * 254 / (10 * DOTS_AN_INCH),
        .height_mm = height * 254 / (10 * DOTS_AN_INCH),
    };
    /* Below 10 MHz a clock passes for garbage. */
    uint32_t lines = MIN_CLOCK_HZ / REFRESH_HZ / (t.width + t.hblank) + 1;
    if (t.height + t.vblank < lines)
        t.vblank = lines - t.height;
    t.clock = (uint64_t)(t.width + t.hblank) * (t.height + t.vblank) * REFRESH_HZ / 10000;
    return t;
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static uint8_t checksum(const uint8_t *data, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + data[i]);
    return (uint8_t)-sum;
}

/* --- the base block: E-EDID 1.4, section 3 */

static bool fits_base_block(const struct timing *t) {
    return t->width <= 4095 && t->height <= 4095 && t->clock <= UINT16_MAX;
}

static uint8_t clamp8(uint64_t value) {
    return value > UINT8_MAX ? UINT8_MAX : (uint8_t)value;
}

/* 3.10.2 */
static void put_detailed_timing(uint8_t *d, const struct timing *t) {
    put16(d, (uint32_t)t->clock);
    d[2] = (uint8_t)t->width;
    d[3] = (uint8_t)t->hblank;
    d[4] = (uint8_t)(t->width >> 8 << 4 | t->hblank >> 8);
    d[5] = (uint8_t)t->height;
    d[6] = (uint8_t)t->vblank;
    d[7] = (uint8_t)(t->height >> 8 << 4 | t->vblank >> 8);
    d[8] = (uint8_t)t->hfront;
    d[9] = (uint8_t)t->hsync;
    d[10] = (uint8_t)(t->vfront << 4 | t->vsync);
    d[11] = 0; /* the high bits of the last four */
    d[12] = (uint8_t)t->width_mm;
    d[13] = (uint8_t)t->height_mm;
    d[14] = (uint8_t)(t->width_mm >> 8 << 4 | t->height_mm >> 8);
    d[17] = 0x1a; /* digital separate sync, horizontal positive, vertical negative */
}

static void put_text(uint8_t *d, uint8_t tag, const char *text) {
    size_t length = strlen(text);
    d[3] = tag;
    memset(d + 5, ' ', 13);
    memcpy(d + 5, text, length);
    d[5 + length] = '\n';
}

/* 3.10.3.3 */
static void put_range_limits(uint8_t *d, const struct timing *t) {
    uint64_t khz = (uint64_t)(t->height + t->vblank) * REFRESH_HZ / 1000 + 1;
    uint64_t max_khz = khz < 160 ? 160 : khz;
    uint64_t max_clock = t->clock / 1000 + 1; /* in 10 MHz */
    d[3] = 0xfd;
    if (max_khz > UINT8_MAX) {
        d[4] = 0x08; /* the maximum is 255 more than written */
        max_khz -= UINT8_MAX;
    }
    d[5] = 50; /* Hz, vertical */
    d[6] = 125;
    d[7] = 30; /* kHz, horizontal */
    d[8] = clamp8(max_khz);
    d[9] = clamp8(max_clock < 30 ? 30 : max_clock);
    d[10] = 1; /* limits only: no timing formula */
    d[11] = '\n';
    memset(d + 12, ' ', 6);
}

/* 3.9: width / 8 - 31; shape and refresh rate - 60. */
static void put_standard_timings(uint8_t *out) {
    enum { SHAPE_16_10 = 0 << 6, SHAPE_4_3 = 1 << 6, SHAPE_5_4 = 2 << 6, SHAPE_16_9 = 3 << 6 };
    static const struct {
        uint16_t width;
        uint8_t shape;
    } modes[8] = {
        {1280, SHAPE_16_9},
        {1280, SHAPE_16_10},
        {1280, SHAPE_5_4},
        {1440, SHAPE_16_10},
        {1600, SHAPE_4_3},
        {1680, SHAPE_16_10},
        {1920, SHAPE_16_9},
        {1920, SHAPE_16_10},
    };
    for (unsigned i = 0; i < 8; i++) {
        out[2 * i] = (uint8_t)(modes[i].width / 8 - 31);
        out[2 * i + 1] = modes[i].shape;
    }
}

static void put_base_block(uint8_t *out, const struct timing *native, uint32_t serial) {
    static const uint8_t header[8] = {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0};
    static const uint8_t srgb[10] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
    /* Three letters of 5 bits, big-endian. */
    const uint32_t manufacturer = ('P' - '@') << 10 | ('V' - '@') << 5 | ('R' - '@');

    memcpy(out, header, sizeof header);
    out[8] = (uint8_t)(manufacturer >> 8);
    out[9] = (uint8_t)manufacturer;
    put16(out + 10, 1); /* product code */
    put16(out + 12, serial);
    put16(out + 14, serial >> 16);
    out[17] = 2026 - 1990; /* year of manufacture */
    out[18] = 1;           /* version 1.4 */
    out[19] = 4;
    out[20] = 0xa0; /* digital, 8 bits a colour, interface not told */
    if (native->width_mm / 10 <= UINT8_MAX && native->height_mm / 10 <= UINT8_MAX) {
        out[21] = (uint8_t)(native->width_mm / 10);
        out[22] = (uint8_t)(native->height_mm / 10);
    }
    out[23] = 120;  /* gamma 2.20 */
    out[24] = 0x07; /* RGB 4:4:4, sRGB, the first timing is the native one, continuous frequencies */
    memcpy(out + 25, srgb, sizeof srgb);
    out[35] = 0x21; /* 640x480 and 800x600 at 60 Hz */
    out[36] = 0x08; /* 1024x768 at 60 Hz */
    put_standard_timings(out + 38);

    /* A base block must have a detailed timing, which is the preferred one; for a native mode that is too
     * large it is another. Linux drops that (virtio_gpu_conn_mode_valid()), and then a standard timing of the
     * same size with it: so it is of a size that is not among those. */
    struct timing timing = fits_base_block(native) ? *native : make_timing(2560, 1440);
    bool size_known = out[21] != 0;
    timing.width_mm = size_known ? native->width_mm : 0;
    timing.height_mm = size_known ? native->height_mm : 0;
    put_detailed_timing(out + 54, &timing);
    put_text(out + 72, 0xfc, "PearVisor");
    put_range_limits(out + 90, native);
    out[108 + 3] = 0x10; /* an unused descriptor */
}

/* --- the extension block: DisplayID 1.3, in an E-EDID extension (tag 0x70) */

/* A data block (2.2): tag, revision, size of what follows. Returns where that goes. */
static uint8_t *begin_data_block(uint8_t **at, uint8_t tag, uint8_t size) {
    uint8_t *payload = *at + 3;
    (*at)[0] = tag;
    (*at)[2] = size;
    *at = payload + size;
    return payload;
}

/* 4.1 */
static void put_product(uint8_t **at, uint32_t serial) {
    uint8_t *d = begin_data_block(at, 0x00, 12);
    memcpy(d, "PVR", 3);
    put16(d + 3, 1); /* product code */
    put16(d + 5, serial);
    put16(d + 7, serial >> 16);
    d[10] = 2026 - 2000; /* year of manufacture */
}

/* 4.2 */
static void put_display_parameters(uint8_t **at, const struct timing *t) {
    uint8_t *d = begin_data_block(at, 0x01, 12);
    put16(d, t->width_mm * 10);
    put16(d + 2, t->height_mm * 10);
    put16(d + 4, t->width);
    put16(d + 6, t->height);
    d[9] = 120; /* gamma 2.20 */
    if (t->width >= t->height)
        d[10] = clamp8((uint64_t)t->width * 100 / t->height - 100);
    d[11] = 0x77; /* 8 bits a colour */
}

/* 4.4.1; every number is written less one. */
static void put_type_1_timing(uint8_t **at, const struct timing *t) {
    uint8_t *d = begin_data_block(at, 0x03, 20);
    put16(d, (uint32_t)(t->clock - 1));
    d[2] = (uint8_t)((t->clock - 1) >> 16);
    d[3] = 0x80 | 0x08; /* preferred; its aspect ratio is not in the list */
    put16(d + 4, t->width - 1);
    put16(d + 6, t->hblank - 1);
    put16(d + 8, (t->hfront - 1) | 0x8000); /* sync positive */
    put16(d + 10, t->hsync - 1);
    put16(d + 12, t->height - 1);
    put16(d + 14, t->vblank - 1);
    put16(d + 16, t->vfront - 1);
    put16(d + 18, t->vsync - 1);
}

/* 4.8 */
static void put_interface(uint8_t **at) {
    uint8_t *d = begin_data_block(at, 0x0f, 10);
    d[0] = 0xb1; /* a digital interface of the maker's own, one link */
    d[2] = 0x02; /* RGB 4:4:4 in 8 bits a colour */
}

static void put_displayid_block(uint8_t *out, const struct timing *native, uint32_t serial) {
    enum { SECTION = 1, HEADER = 4, PAYLOAD = 121 };
    out[0] = 0x70;
    out[SECTION] = 0x13; /* version */
    out[SECTION + 1] = PAYLOAD;
    out[SECTION + 2] = 3; /* a standalone display */

    uint8_t *at = out + SECTION + HEADER;
    put_product(&at, serial);
    put_display_parameters(&at, native);
    put_type_1_timing(&at, native);
    put_interface(&at);

    out[SECTION + HEADER + PAYLOAD] = checksum(out + SECTION, HEADER + PAYLOAD);
}

size_t edid_build(uint8_t out[EDID_SIZE_MAX], uint32_t width, uint32_t height, uint32_t serial) {
    struct timing native = make_timing(width, height);
    memset(out, 0, EDID_SIZE_MAX);
    put_base_block(out, &native, serial);
    size_t size = EDID_BLOCK;
    if (!fits_base_block(&native)) {
        out[126] = 1; /* extension blocks */
        put_displayid_block(out + EDID_BLOCK, &native, serial);
        out[2 * EDID_BLOCK - 1] = checksum(out + EDID_BLOCK, EDID_BLOCK - 1);
        size += EDID_BLOCK;
    }
    out[127] = checksum(out, 127);
    return size;
}
