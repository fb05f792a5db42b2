/* EDID blocks, read back by the offsets of E-EDID 1.4 and DisplayID 1.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "virtio/gpu/edid.h"

static void assert_checksum(const uint8_t *data, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + data[i]);
    assert_int_equal(sum, 0);
}

static uint32_t get16(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8;
}

struct mode {
    uint32_t width, height, hblank, vblank, front, sync;
    uint64_t clock; /* Hz */
};

/* A detailed timing descriptor: 18 bytes, table 3.21. */
static struct mode detailed(const uint8_t *d) {
    return (struct mode){
        .clock = get16(d) * 10000ull,
        .width = d[2] | (d[4] & 0xf0u) << 4,
        .hblank = d[3] | (d[4] & 0x0fu) << 8,
        .height = d[5] | (d[7] & 0xf0u) << 4,
        .vblank = d[6] | (d[7] & 0x0fu) << 8,
        .front = d[8] | (d[11] & 0xc0u) << 2,
        .sync = d[9] | (d[11] & 0x30u) << 4,
    };
}

static struct mode displayid(const uint8_t *d) {
    return (struct mode){
        .clock = ((get16(d) | (uint32_t)d[2] << 16) + 1) * 10000ull,
        .width = get16(d + 4) + 1,
        .hblank = get16(d + 6) + 1,
        .front = (get16(d + 8) & 0x7fff) + 1,
        .sync = get16(d + 10) + 1,
        .height = get16(d + 12) + 1,
        .vblank = get16(d + 14) + 1,
    };
}

static void assert_mode(struct mode m, uint32_t width, uint32_t height) {
    assert_int_equal(m.width, width);
    assert_int_equal(m.height, height);
    assert_true(m.front + m.sync < m.hblank);
    uint64_t millihertz = m.clock * 1000 / ((m.width + m.hblank) * (uint64_t)(m.height + m.vblank));
    assert_in_range(millihertz, 59900, 60100);
    assert_true(m.clock >= 10000000);
}

static void assert_base(const uint8_t *block, uint32_t serial) {
    static const uint8_t header[8] = {0, 255, 255, 255, 255, 255, 255, 0};
    assert_memory_equal(block, header, 8);
    assert_int_equal(get16(block + 12) | get16(block + 14) << 16, serial);
    assert_int_equal(block[18], 1);
    assert_int_equal(block[19], 4);
    assert_int_equal(block[20] & 0x80, 0x80); /* digital */
    assert_memory_equal(block + 72, "\0\0\0\xfc\0PearVisor\n   ", 18);
    assert_checksum(block, 128);
}

static void ordinary(void **state) {
    (void)state;
    static const uint32_t modes[][2] = {
        {1280, 800}, {1366, 768}, {1920, 1080}, {3840, 2160}, {1001, 701}, {64, 64}, {1, 1}, {400, 4000}};
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        uint8_t out[EDID_SIZE_MAX];
        memset(out, 0xcc, sizeof out);
        assert_int_equal(edid_build(out, modes[i][0], modes[i][1], 0x12345), 128);
        assert_base(out, 0x12345);
        assert_int_equal(out[126], 0);
        assert_mode(detailed(out + 54), modes[i][0], modes[i][1]);
    }
}

static void physical_size(void **state) {
    (void)state;
    uint8_t out[EDID_SIZE_MAX];
    edid_build(out, 2000, 1000, 1); /* 20 by 10 inches */
    assert_int_equal(out[21], 50);
    assert_int_equal(out[22], 25);
    assert_int_equal(out[54 + 12] | (out[54 + 14] & 0xf0) << 4, 508);
    assert_int_equal(out[54 + 13] | (out[54 + 14] & 0x0f) << 8, 254);
}

static void large(void **state) {
    (void)state;
    static const uint32_t modes[][2] = {
        {4096, 2160}, {5120, 2880}, {4095, 4095}, {7680, 4320}, {16384, 16384}};
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        uint8_t out[EDID_SIZE_MAX];
        assert_int_equal(edid_build(out, modes[i][0], modes[i][1], 7), 256);
        assert_base(out, 7);
        assert_int_equal(out[126], 1);
        assert_mode(detailed(out + 54), 2560, 1440); /* what a reader of the base block alone gets */

        const uint8_t *extension = out + 128;
        assert_checksum(extension, 128);
        assert_int_equal(extension[0], 0x70);
        assert_checksum(extension + 1, 4 + extension[2] + 1u);
        const uint8_t *block = extension + 5;
        while (block[0] != 3) {
            assert_true(block < out + 250);
            block += 3 + block[2];
        }
        assert_int_equal(block[2], 20);
        assert_int_equal(block[6] & 0x80, 0x80); /* preferred */
        assert_mode(displayid(block + 3), modes[i][0], modes[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary),
        cmocka_unit_test(physical_size),
        cmocka_unit_test(large),
    };
    return cmocka_run_group_tests_name("edid", tests, NULL, NULL);
}
