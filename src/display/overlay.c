#include "display/overlay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    SCALE = 2, /* pixels of the panel that a pixel of a letter takes, each way */
    GLYPH_WIDTH = 5,
    GLYPH_HEIGHT = 7,
    LETTER = (GLYPH_WIDTH + 1) * SCALE, /* from one to the next */
    LINE = (GLYPH_HEIGHT + 3) * SCALE,
    MARGIN = 10,
    LINE_LENGTH = (OVERLAY_WIDTH - 2 * MARGIN) / LETTER,
    LINES = 4,
    BAR = 3, /* pixels of the graph that a frame takes */
    BARS = (OVERLAY_WIDTH - 2 * MARGIN) / BAR,
    GRAPH_TOP = MARGIN + LINES * LINE,
    GRAPH_HEIGHT = OVERLAY_HEIGHT - MARGIN - GRAPH_TOP,
    PIXELS_A_FRAME = GRAPH_HEIGHT / 3, /* height of a sixtieth of a second: the graph has room for three */
};

static const uint32_t BACKGROUND = 0x101418, TEXT = 0xe8ece8, MARK = 0x586068;
static const uint32_t IN_TIME = 0x40c060, LATE = 0xe0b030, MISSED = 0xe04838;
static const uint64_t FRAME_NS = 1000000000 / 60;

struct overlay {
    struct gpu_monitor *monitor;
    uint64_t drawn;          /* when; 0: never */
    struct gpu_stats before; /* the counters then */
    uint32_t pixels[OVERLAY_HEIGHT][OVERLAY_WIDTH];
};

/* Rows from the top, the leftmost pixel in bit 4. */
static const uint8_t glyphs[128][GLYPH_HEIGHT] = {
    ['%'] = {0x18, 0x19, 0x02, 0x04, 0x08, 0x13, 0x03},
    ['.'] = {0x00, 0x00, 0x00, 0x00, 0x00, 0x0c, 0x0c},
    ['/'] = {0x00, 0x01, 0x02, 0x04, 0x08, 0x10, 0x00},
    ['0'] = {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e},
    ['1'] = {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},
    ['2'] = {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f},
    ['3'] = {0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e},
    ['4'] = {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02},
    ['5'] = {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},
    ['6'] = {0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e},
    ['7'] = {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},
    ['8'] = {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e},
    ['9'] = {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c},
    ['A'] = {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},
    ['B'] = {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e},
    ['C'] = {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e},
    ['D'] = {0x1c, 0x12, 0x11, 0x11, 0x11, 0x12, 0x1c},
    ['E'] = {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},
    ['F'] = {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10},
    ['I'] = {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e},
    ['K'] = {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11},
    ['L'] = {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f},
    ['M'] = {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11},
    ['N'] = {0x11, 0x11, 0x19, 0x15, 0x13, 0x11, 0x11},
    ['O'] = {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},
    ['P'] = {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10},
    ['R'] = {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11},
    ['S'] = {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e},
    ['T'] = {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},
    ['U'] = {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},
};

struct overlay *overlay_create(struct gpu_monitor *monitor) {
    struct overlay *o = calloc(1, sizeof *o);
    if (o)
        o->monitor = monitor;
    return o;
}

void overlay_destroy(struct overlay *o) {
    free(o);
}

/* Inside the panel. */
static void fill(
    struct overlay *o, unsigned x, unsigned y, unsigned width, unsigned height, uint32_t colour) {
    for (unsigned row = y; row < y + height; row++)
        for (unsigned column = x; column < x + width; column++)
            o->pixels[row][column] = colour;
}

static void letter(struct overlay *o, unsigned x, unsigned y, char c) {
    const uint8_t *glyph = glyphs[c & 0x7f];
    for (unsigned row = 0; row < GLYPH_HEIGHT; row++)
        for (unsigned column = 0; column < GLYPH_WIDTH; column++)
            if (glyph[row] >> (GLYPH_WIDTH - 1 - column) & 1)
                fill(o, x + column * SCALE, y + row * SCALE, SCALE, SCALE, TEXT);
}

__attribute__((format(printf, 3, 4))) static void print(
    struct overlay *o, unsigned line, const char *format, ...) {
    char text[LINE_LENGTH + 1]; /* numbers beyond all reason lose their end */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (unsigned i = 0; text[i]; i++)
        letter(o, MARGIN + i * LETTER, MARGIN + line * LINE, text[i]);
}

static void print_counters(struct overlay *o, const struct gpu_stats *now, double seconds) {
    const struct gpu_stats *before = &o->before;
    double rate = seconds > 0 ? 1 / seconds : 0, ms = 1e-6, mb = 1e-6 * rate;
    print(o, 0, "%.1f FPS  FRAME %.1f MS  99%% %.1f MS", (double)(now->frames - before->frames) * rate,
        (double)now->frame.p50 * ms, (double)now->frame.p99 * ms);
    print(o, 1, "SUBMITS %.0f/S  ERRORS %" PRIu64, (double)(now->submits - before->submits) * rate,
        now->errors);
    print(o, 2, "UPLOADED %.1f  READ BACK %.1f MB/S",
        (double)(now->bytes_uploaded - before->bytes_uploaded) * mb,
        (double)(now->bytes_read_back - before->bytes_read_back) * mb);
    print(o, 3, "FENCE %.2f MS  99%% %.2f MS", (double)now->fence.p50 * ms, (double)now->fence.p99 * ms);
}

/* The newest frame on the right, and a line at a sixtieth of a second. */
static void draw_graph(struct overlay *o) {
    uint64_t frames[BARS];
    unsigned count = gpu_monitor_frames(o->monitor, frames, BARS);
    unsigned bottom = GRAPH_TOP + GRAPH_HEIGHT;
    for (unsigned i = 0; i < count; i++) {
        uint64_t height = frames[i] * PIXELS_A_FRAME / FRAME_NS;
        unsigned shown = height < 1 ? 1 : height > GRAPH_HEIGHT ? GRAPH_HEIGHT : (unsigned)height;
        uint32_t colour = frames[i] <= FRAME_NS * 11 / 10 ? IN_TIME
                          : frames[i] <= 2 * FRAME_NS     ? LATE
                                                          : MISSED;
        fill(o, MARGIN + (BARS - count + i) * BAR, bottom - shown, BAR - 1, shown, colour);
    }
    fill(o, MARGIN, bottom - PIXELS_A_FRAME, BARS * BAR, 1, MARK);
}

const uint8_t *overlay_draw(struct overlay *o, uint64_t now) {
    uint64_t passed = now - o->drawn;
    if (o->drawn && passed < (uint64_t)OVERLAY_PERIOD_MS * 1000000)
        return (const uint8_t *)o->pixels;
    struct gpu_stats stats;
    gpu_monitor_read(o->monitor, &stats);
    fill(o, 0, 0, OVERLAY_WIDTH, OVERLAY_HEIGHT, BACKGROUND);
    print_counters(o, &stats, o->drawn ? (double)passed / 1e9 : 0);
    draw_graph(o);
    o->before = stats;
    o->drawn = now;
    return (const uint8_t *)o->pixels;
}
