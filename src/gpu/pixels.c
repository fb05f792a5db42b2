#include "gpu/pixels.h"

#include <string.h>

/* A word is little-endian: its lowest byte is the first one in memory. */
static uint32_t to_bgra(uint32_t word, enum gpu_format format) {
    switch (format) {
    case GPU_FORMAT_B8G8R8A8:
    case GPU_FORMAT_B8G8R8X8: break;
    case GPU_FORMAT_A8R8G8B8:
    case GPU_FORMAT_X8R8G8B8: return __builtin_bswap32(word);
    case GPU_FORMAT_A8B8G8R8:
    case GPU_FORMAT_X8B8G8R8: return word >> 8 | word << 24;
    case GPU_FORMAT_R8G8B8A8:
    case GPU_FORMAT_R8G8B8X8: return (word & 0xff00ff00) | (word >> 16 & 0xff) | (word & 0xff) << 16;
    }
    return word;
}

void pixels_to_bgra(uint8_t *to, const uint8_t *from, uint32_t width, enum gpu_format format) {
    if (format == GPU_FORMAT_B8G8R8A8 || format == GPU_FORMAT_B8G8R8X8) {
        if (to != from)
            memcpy(to, from, (size_t)width * GPU_BYTES_PER_PIXEL);
        return; /* what Linux uses */
    }
    for (size_t i = 0; i < (size_t)width * GPU_BYTES_PER_PIXEL; i += GPU_BYTES_PER_PIXEL) {
        uint32_t word;
        memcpy(&word, from + i, sizeof word);
        word = to_bgra(word, format);
        memcpy(to + i, &word, sizeof word);
    }
}
