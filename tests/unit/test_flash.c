/* The flash's command sequences, as drivers for the Intel command set send them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "board/flash.h"

static struct flash *flash;
static char path[] = "/tmp/pearvisor-vars-XXXXXX";

static uint32_t get(uint64_t offset) {
    return (uint32_t)flash_ops.read(flash, offset, 4);
}

static void put(uint64_t offset, uint32_t value) {
    flash_ops.write(flash, offset, 4, value);
}

static void open_flash(void) {
    struct error e;
    flash = flash_create(path, &e);
    assert_non_null(flash);
}

static int set_up(void **state) {
    (void)state;
    strcpy(path + strlen(path) - 6, "XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    open_flash();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    flash_destroy(flash);
    return unlink(path);
}

static void erase(uint64_t block) {
    put(block, 0x00200020);
    put(block, 0x00d000d0);
    assert_int_equal(get(block), 0x00800080);
    put(block, 0x00ff00ff);
}

static void words_are_programmed_and_kept(void **state) {
    (void)state;
    erase(FLASH_BLOCK);
    assert_int_equal(get(FLASH_BLOCK), 0xffffffff);
    put(FLASH_BLOCK + 8, 0x00400040);
    put(FLASH_BLOCK + 8, 0x12345678);
    assert_int_equal(get(0), 0x00800080);
    put(0, 0x00ff00ff);
    assert_int_equal(get(FLASH_BLOCK + 8), 0x12345678);
    put(FLASH_BLOCK + 8, 0x00400040); /* only ones become zeros */
    put(FLASH_BLOCK + 8, 0xffff0000);
    flash_destroy(flash);
    open_flash();
    assert_int_equal(get(FLASH_BLOCK + 8), 0x12340000);
    assert_int_equal(get(FLASH_BLOCK + 12), 0xffffffff);
    assert_int_equal(flash_ops.read(flash, FLASH_BLOCK + 10, 2), 0x1234);
}

static void a_buffer_is_programmed(void **state) {
    (void)state;
    erase(0);
    put(0, 0x00e800e8);
    assert_int_equal(get(0), 0x00800080);
    put(0, 0x00020002); /* three words */
    for (uint32_t i = 0; i < 3; i++)
        put(16 + 4 * i, 0xabc00000 + i);
    put(0, 0x00d000d0);
    assert_int_equal(get(0), 0x00800080);
    put(0, 0x00ff00ff);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(get(16 + 4 * i), 0xabc00000 + i);
    assert_int_equal(get(28), 0xffffffff);
}

static void wrong_sequences_are_errors(void **state) {
    (void)state;
    put(0, 0x00200020);
    put(0, 0x00ff00ff); /* no confirmation: nothing is erased */
    assert_int_equal(get(0), 0x00b000b0);
    put(0, 0x00500050);
    put(0, 0x00700070);
    assert_int_equal(get(0), 0x00800080);
    put(0, 0x00ff00ff);
    assert_int_equal(get(0), 0);
    put(0, 0x00e800e8);
    put(0, 0x0fff0fff); /* more than the buffer holds */
    put(0, 0x00ff00ff);
    assert_int_equal(get(0), 0);
}

/* JESD68: the bank says what it is, each byte in both chips. */
static void it_answers_the_query(void **state) {
    (void)state;
    put(0x55 * 4, 0x00980098);
    assert_int_equal(get(0x10 * 4), 'Q' * 0x10001u);
    assert_int_equal(get(0x11 * 4), 'R' * 0x10001u);
    assert_int_equal(get(0x12 * 4), 'Y' * 0x10001u);
    uint64_t chip = UINT64_C(1) << (get(0x27 * 4) & 0xff);
    uint64_t blocks = ((get(0x2d * 4) & 0xff) | (get(0x2e * 4) & 0xff) << 8) + 1;
    uint64_t block = ((get(0x2f * 4) & 0xff) | (get(0x30 * 4) & 0xff) << 8) * 256;
    assert_int_equal(chip * 2, FLASH_SIZE);
    assert_int_equal(block * 2, FLASH_BLOCK);
    assert_int_equal(blocks * block, chip);
    put(0, 0x00900090);
    assert_int_equal(get(8), 0); /* the first block is not locked */
}

static void the_file_belongs_to_one(void **state) {
    (void)state;
    struct error e;
    assert_null(flash_create(path, &e));
    assert_non_null(strstr(e.text, "in use"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(words_are_programmed_and_kept),
        TEST(a_buffer_is_programmed),
        TEST(wrong_sequences_are_errors),
        TEST(it_answers_the_query),
        TEST(the_file_belongs_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
