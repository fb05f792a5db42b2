/* The fields of a 9P message: little-endian integers, and strings of 16-bit length. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message from the guest. Reading past its end gives zeros and empty strings, and is noted. */
struct wire_in {
    const uint8_t *at, *end;
    bool broken;
};

/* An answer. Writing past its end is left out, and noted. */
struct wire_out {
    uint8_t *at, *end;
    bool full;
};

uint8_t wire_get8(struct wire_in *in);
uint16_t wire_get16(struct wire_in *in);
uint32_t wire_get32(struct wire_in *in);
uint64_t wire_get64(struct wire_in *in);
/* Copies a string of up to size - 1 bytes and ends it with 0. Longer ones, and ones with a 0 inside, are
 * broken. */
void wire_get_string(struct wire_in *in, char *text, size_t size);

void wire_put8(struct wire_out *out, uint8_t value);
void wire_put16(struct wire_out *out, uint16_t value);
void wire_put32(struct wire_out *out, uint32_t value);
void wire_put64(struct wire_out *out, uint64_t value);
void wire_put_string(struct wire_out *out, const char *text);
