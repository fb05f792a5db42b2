#include "display/geometry.h"

struct rect geometry_fit(
    uint32_t window_width, uint32_t window_height, uint32_t picture_width, uint32_t picture_height) {
    if (!window_width || !window_height || !picture_width || !picture_height)
        return (struct rect){0};
    struct rect fit = {.width = window_width, .height = window_height};
    uint64_t by_width = (uint64_t)window_width * picture_height;
    uint64_t by_height = (uint64_t)window_height * picture_width;
    if (by_width < by_height)
        fit.height = (uint32_t)(by_width / picture_width);
    else
        fit.width = (uint32_t)(by_height / picture_height);
    fit.width += !fit.width;
    fit.height += !fit.height;
    fit.x = (window_width - fit.width) / 2;
    fit.y = (window_height - fit.height) / 2;
    return fit;
}

uint32_t geometry_pointer(float position, uint32_t start, uint32_t length) {
    float last = length > 1 ? (float)(length - 1) : 1;
    float part = (position - (float)start) / last;
    if (!(part > 0)) /* not a number either */
        return 0;
    return part < 1 ? (uint32_t)(part * POINTER_MAX + 0.5f) : POINTER_MAX;
}
