#include "console.h"

#include <fcntl.h>
#include <linux/kd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { GLYPHS = 256, MAX_HEIGHT = 32, GLYPH_WIDTH = 8, MAX_CELLS = 64 * 1024, MARGIN = 14 };

struct console {
    unsigned font_height;
    uint8_t font[GLYPHS * MAX_HEIGHT]; /* MAX_HEIGHT rows to each glyph */
    /* vcsa(4): a header, then character and attribute of each cell */
    struct {
        uint8_t rows, columns, cursor_x, cursor_y;
        uint8_t cells[2 * MAX_CELLS];
    } screen;
};

struct console *console_read(void) {
    struct console *console = calloc(1, sizeof *console);
    int tty = open("/dev/tty1", O_RDWR | O_CLOEXEC | O_NOCTTY),
        screen = open("/dev/vcsa1", O_RDONLY | O_CLOEXEC);
    struct console_font_op get = {.op = KD_FONT_OP_GET,
        .width = GLYPH_WIDTH,
        .height = MAX_HEIGHT,
        .charcount = GLYPHS,
        .data = console ? console->font : NULL};
    bool ok = console && ioctl(tty, KDFONTOP, &get) == 0 && get.width == GLYPH_WIDTH &&
              read(screen, &console->screen, sizeof console->screen) > 4;
    close(tty);
    close(screen);
    if (!ok) {
        free(console);
        return NULL;
    }
    console->font_height = get.height;
    return console;
}

unsigned console_font_height(const struct console *console) {
    return console->font_height;
}

static void blend(const struct image *image, unsigned x, unsigned y, struct colour colour, float cover) {
    if (x >= image->width || y >= image->height)
        return;
    uint32_t *pixel = &image->pixels[(size_t)y * image->pitch + x];
    *pixel = pack(mix(unpack(*pixel), colour, cover));
}

static void glyph(const struct console *console, const struct image *image, unsigned left, unsigned top,
    struct colour colour, uint8_t character) {
    for (unsigned y = 0; y < console->font_height; y++)
        for (unsigned x = 0; x < GLYPH_WIDTH; x++)
            if (console->font[character * MAX_HEIGHT + y] & 0x80 >> x)
                blend(image, left + x, top + y, colour, 1);
}

void console_text(const struct console *console, const struct image *image, unsigned left, unsigned top,
    struct colour colour, const char *text) {
    static const struct colour shadow = {0.05f, 0.06f, 0.14f};
    for (; *text; text++, left += GLYPH_WIDTH) {
        glyph(console, image, left + 1, top + 1, shadow, (uint8_t)*text);
        glyph(console, image, left, top, colour, (uint8_t)*text);
    }
}

static void pane(const struct image *image, unsigned left, unsigned top, unsigned width, unsigned height) {
    static const struct colour glass = {0.030f, 0.035f, 0.075f}, edge = {0.75f, 0.62f, 0.62f};
    const float radius = 11;
    for (unsigned y = 0; y < height; y++)
        for (unsigned x = 0; x < width; x++) {
            float px = fabsf((float)x + 0.5f - (float)width / 2) - (float)width / 2 + radius;
            float py = fabsf((float)y + 0.5f - (float)height / 2) - (float)height / 2 + radius;
            float d = hypotf(fmaxf(px, 0), fmaxf(py, 0)) + fminf(fmaxf(px, py), 0) - radius;
            float cover = clamp(0.5f - d);
            blend(image, left + x, top + y, glass, 0.80f * cover);
            blend(image, left + x, top + y, edge, 0.35f * cover * clamp(1.5f + d));
        }
}

void console_pane(const struct console *console, const struct image *image, unsigned left, unsigned bottom,
    unsigned columns, unsigned rows) {
    unsigned height = rows * console->font_height + 2 * MARGIN, top = bottom - height;
    pane(image, left, top, columns * GLYPH_WIDTH + 2 * MARGIN, height);
    unsigned first = console->screen.cursor_y > rows ? console->screen.cursor_y - rows : 0;
    for (unsigned row = 0; row < rows && first + row < console->screen.rows; row++)
        for (unsigned column = 0; column < columns && column < console->screen.columns; column++) {
            size_t cell = (size_t)(first + row) * console->screen.columns + column;
            if (cell >= MAX_CELLS)
                return;
            const struct colour dim = {0.62f, 0.66f, 0.74f}, bright = {0.86f, 0.93f, 0.80f};
            glyph(console, image, left + MARGIN + column * GLYPH_WIDTH,
                top + MARGIN + row * console->font_height,
                console->screen.cells[2 * cell + 1] & 8 ? bright : dim, console->screen.cells[2 * cell]);
        }
}
