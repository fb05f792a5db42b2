#include "share/wire.h"

#include <string.h>

static uint64_t get(struct wire_in *in, unsigned bytes) {
    if ((size_t)(in->end - in->at) < bytes) {
        in->broken = true;
        in->at = in->end;
        return 0;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)in->at[i] << 8 * i;
    in->at += bytes;
    return value;
}

uint8_t wire_get8(struct wire_in *in) {
    return (uint8_t)get(in, 1);
}
uint16_t wire_get16(struct wire_in *in) {
    return (uint16_t)get(in, 2);
}
uint32_t wire_get32(struct wire_in *in) {
    return (uint32_t)get(in, 4);
}
uint64_t wire_get64(struct wire_in *in) {
    return get(in, 8);
}

void wire_get_string(struct wire_in *in, char *text, size_t size) {
    size_t length = wire_get16(in);
    text[0] = 0;
    if (length > (size_t)(in->end - in->at) || length >= size || memchr(in->at, 0, length)) {
        in->broken = true;
        return;
    }
    memcpy(text, in->at, length);
    text[length] = 0;
    in->at += length;
}

static void put(struct wire_out *out, uint64_t value, unsigned bytes) {
    if ((size_t)(out->end - out->at) < bytes) {
        out->full = true;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        *out->at++ = (uint8_t)(value >> 8 * i);
}

void wire_put8(struct wire_out *out, uint8_t value) {
    put(out, value, 1);
}
void wire_put16(struct wire_out *out, uint16_t value) {
    put(out, value, 2);
}
void wire_put32(struct wire_out *out, uint32_t value) {
    put(out, value, 4);
}
void wire_put64(struct wire_out *out, uint64_t value) {
    put(out, value, 8);
}

void wire_put_string(struct wire_out *out, const char *text) {
    size_t length = strlen(text);
    if ((size_t)(out->end - out->at) < 2 + length) {
        out->full = true;
        return;
    }
    wire_put16(out, (uint16_t)length);
    memcpy(out->at, text, length);
    out->at += length;
}
