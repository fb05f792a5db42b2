/* Numbers of either byte order anywhere in a buffer. */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTES_GET(order, bits)                                                                               \
    static inline uint##bits##_t bytes_##order##bits(const uint8_t *at) {                                    \
        uint##bits##_t value;                                                                                \
        memcpy(&value, at, sizeof value);                                                                    \
        return order##bits##toh(value);                                                                      \
    }
BYTES_GET(le, 16)
BYTES_GET(le, 32)
BYTES_GET(le, 64)
BYTES_GET(be, 16)
BYTES_GET(be, 32)
BYTES_GET(be, 64)
#undef BYTES_GET

#define BYTES_PUT(order, bits)                                                                               \
    static inline void bytes_put_##order##bits(uint8_t *at, uint##bits##_t value) {                          \
        value = hto##order##bits(value);                                                                     \
        memcpy(at, &value, sizeof value);                                                                    \
    }
BYTES_PUT(be, 16)
BYTES_PUT(be, 32)
BYTES_PUT(be, 64)
#undef BYTES_PUT
