/* Little-endian numbers anywhere in a buffer. */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t bytes_16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return le16toh(v);
}

static inline uint32_t bytes_32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static inline uint64_t bytes_64(const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return le64toh(v);
}
