/* PNG files, read back by libpng's own reader, and screenshots of the frame store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <dirent.h>
#include <png.h>

#include "display/display.h"
#include "display/png.h"

static char directory[64];

static const char *in_directory(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int setup(void **state) {
    (void)state;
    strcpy(directory, "/tmp/test-png-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static unsigned count_files(void) {
    unsigned count = 0;
    DIR *dir = opendir(directory);
    for (struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static int teardown(void **state) {
    (void)state;
    unlink(in_directory("a.png"));
    return rmdir(directory); /* fails when a test left something */
}

static uint8_t *read_rgb(const char *path, uint32_t *width, uint32_t *height) {
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_file(&image, path));
    assert_false(image.format & PNG_FORMAT_FLAG_ALPHA);
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc(PNG_IMAGE_SIZE(image));
    assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
    *width = image.width;
    *height = image.height;
    return pixels;
}

static void write_and_read(void **state) {
    (void)state;
    enum { W = 37, H = 23, STRIDE = 50 * 4 };
    static uint8_t pixels[H * STRIDE];
    for (unsigned i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 31 + i / 251);
    struct error e;
    assert_int_equal(png_check_path(in_directory("a.png"), &e), 0);
    assert_int_equal(count_files(), 0);
    for (unsigned twice = 0; twice < 2; twice++) /* the second one replaces the first */
        assert_int_equal(png_write_file(in_directory("a.png"), pixels, W, H, STRIDE, &e), 0);
    assert_int_equal(count_files(), 1);

    uint32_t width, height;
    uint8_t *rgb = read_rgb(in_directory("a.png"), &width, &height);
    assert_int_equal(width, W);
    assert_int_equal(height, H);
    for (unsigned y = 0; y < H; y++)
        for (unsigned x = 0; x < W; x++)
            for (unsigned c = 0; c < 3; c++)
                assert_int_equal(rgb[(y * W + x) * 3 + c], pixels[y * STRIDE + x * 4 + 2 - c]);
    free(rgb);
    unlink(in_directory("a.png"));
}

static void bad_paths(void **state) {
    (void)state;
    struct error e = {""};
    uint8_t pixel[4] = {0};
    assert_int_equal(png_check_path("", &e), -1);
    assert_int_equal(png_check_path(directory, &e), -1);
    assert_non_null(strstr(e.text, directory));
    assert_int_equal(png_check_path(in_directory("a.png/"), &e), -1);
    assert_int_equal(png_check_path("/dev/null", &e), -1);
    assert_int_equal(png_check_path(in_directory("none/a.png"), &e), -1);
    assert_int_equal(png_check_path("a.png", &e), access(".", W_OK) == 0 ? 0 : -1);
    assert_int_equal(png_write_file(in_directory("none/a.png"), pixel, 1, 1, 4, &e), -1);
    assert_non_null(strstr(e.text, "none/a.png"));

    mkdir(in_directory("a.png"), 0777); /* cannot be replaced by a file */
    assert_int_equal(png_write_file(in_directory("a.png"), pixel, 1, 1, 4, &e), -1);
    assert_int_equal(count_files(), 1);
    rmdir(in_directory("a.png"));
    assert_int_equal(png_write_file(in_directory("a.png"), pixel, 0, 0, 4, &e), -1);
    assert_int_equal(count_files(), 0);
}

static void screenshot(void **state) {
    (void)state;
    struct error e;
    struct display *display = display_create();
    assert_int_equal(display_screenshot(display, 0, in_directory("a.png"), &e), -1);
    assert_int_equal(count_files(), 0);

    assert_true(display_set_mode(display, 0, 5, 4));
    struct rect rect = {1, 2, 2, 1};
    size_t stride;
    uint8_t *pixels = display_begin(display, 0, &rect, &stride);
    assert_non_null(pixels);
    memcpy(pixels, (uint8_t[]){10, 20, 30, 0, 40, 50, 60, 0}, 8);
    display_end(display, 0, &rect);
    assert_null(display_begin(display, 0, &(struct rect){4, 0, 2, 1}, &stride)); /* outside */
    display_turn_off(display, 0);
    assert_null(display_begin(display, 0, &rect, &stride));

    assert_int_equal(display_screenshot(display, 0, in_directory("a.png"), &e), 0);
    uint32_t width, height;
    uint8_t *rgb = read_rgb(in_directory("a.png"), &width, &height);
    assert_int_equal(width, 5);
    assert_int_equal(height, 4);
    uint8_t expected[5 * 4 * 3] = {0};
    memcpy(expected + (2 * 5 + 1) * 3, (uint8_t[]){30, 20, 10, 60, 50, 40}, 6);
    assert_memory_equal(rgb, expected, sizeof expected);
    free(rgb);
    display_destroy(display);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(write_and_read, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_paths, setup, teardown),
        cmocka_unit_test_setup_teardown(screenshot, setup, teardown),
    };
    return cmocka_run_group_tests_name("png", tests, NULL, NULL);
}
