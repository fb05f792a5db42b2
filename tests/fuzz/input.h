/* A fuzzer's input as a stream of choices; past its end everything is 0. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_input *in) {
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in) {
    uint16_t low = fuzz_byte(in);
    return (uint16_t)(low | fuzz_byte(in) << 8);
}

static inline uint32_t fuzz_u32(struct fuzz_input *in) {
    uint32_t low = fuzz_u16(in);
    return low | (uint32_t)fuzz_u16(in) << 16;
}
