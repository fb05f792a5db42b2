/* The guest's screen: a DRM dumb buffer on the first connected connector. Errors end the program. */
#pragma once

#include "image.h"

struct screen {
    int fd;
    uint32_t framebuffer;
    struct image image; /* what is on the screen, after screen_flush() */
};

void screen_open(struct screen *screen);
void screen_flush(const struct screen *screen);
