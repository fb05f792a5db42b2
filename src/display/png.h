/* PNG files of frames. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* Whether a file can be written at path; creates nothing. For use before a VM starts. */
int png_check_path(const char *path, struct error *e);

/* Writes width x height pixels (B, G, R, ignored; rows stride bytes apart) as an RGB file. The file appears
 * whole or not at all. */
int png_write_file(
    const char *path, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride, struct error *e);
