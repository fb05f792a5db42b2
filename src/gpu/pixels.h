/* Pixels of the formats that can be shown. */
#pragma once

#include <stdint.h>

#include "gpu/renderer.h"

/* Turns width pixels into B, G, R, A; from may be the same as to. */
void pixels_to_bgra(uint8_t *to, const uint8_t *from, uint32_t width, enum gpu_format format);
