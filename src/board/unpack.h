/* Decompression of whole files in memory, with a bound on what comes out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum unpack_result { UNPACK_OK, UNPACK_TRUNCATED, UNPACK_DAMAGED, UNPACK_TOO_LARGE, UNPACK_NO_MEMORY };

struct unpacked {
    uint8_t *data; /* free() it; NULL unless UNPACK_OK */
    size_t size;
};

/* The first gzip member or zstd frame of in, up to limit bytes of output; what follows it is ignored. */
enum unpack_result unpack_gzip(const uint8_t *in, size_t size, size_t limit, struct unpacked *out);
enum unpack_result unpack_zstd(const uint8_t *in, size_t size, size_t limit, struct unpacked *out);
