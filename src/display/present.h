/* The window: shows scanout 0 of a display and sends back what the user does. Needs SDL3 at build time;
 * without it present_create() fails with one line that says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "display/display.h"
#include "gpu/monitor.h"
#include "util/error.h"

struct present;

struct present_config {
    struct display *display;
    const struct display_input *input;
    struct gpu_monitor *monitor; /* counts the frames presented; all three outlive the presenter */
    const char *title;
    uint32_t width, height; /* of the window at first; 0: 1280 x 800 */
};

/* Whether it was built in. */
bool present_available(void);

/* All calls but present_quit() come from one thread, the main thread where the host insists (macOS). */
struct present *present_create(const struct present_config *config, struct error *e);
/* Handles the window until present_quit(). The close button is told to the input and ends nothing. */
void present_run(struct present *present);
void present_destroy(struct present *present);

/* Makes present_run() return. Any thread, while a presenter exists. */
void present_quit(void);
