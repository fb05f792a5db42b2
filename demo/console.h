/* What the kernel's own text console has to offer: its font, and what it shows. */
#pragma once

#include "image.h"

struct console;

/* NULL where there is no text console. */
struct console *console_read(void);
unsigned console_font_height(const struct console *console);

/* Draws text with its top left pixel at (left, top), in the kernel's font (code page 437). */
void console_text(const struct console *console, const struct image *image, unsigned left, unsigned top,
    struct colour colour, const char *text);

/* The last rows of the console, `columns` wide, on a dark pane with its bottom left corner at (left, bottom).
 */
void console_pane(const struct console *console, const struct image *image, unsigned left, unsigned bottom,
    unsigned columns, unsigned rows);
