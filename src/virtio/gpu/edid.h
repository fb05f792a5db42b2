/* What a monitor tells about itself (VESA E-EDID 1.4, DisplayID 1.3). */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { EDID_BLOCK = 128, EDID_SIZE_MAX = 2 * EDID_BLOCK };

/* Describes a digital monitor named PearVisor whose native mode is width x height (1 to 65535) at 60 Hz and
 * 100 dots an inch. serial tells several ones apart. Returns the size: a base block, and a DisplayID
 * extension block for a mode that a base block cannot express. */
size_t edid_build(uint8_t out[EDID_SIZE_MAX], uint32_t width, uint32_t height, uint32_t serial);
