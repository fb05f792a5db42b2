#include "display/png.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <png.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/file.h"

enum { ZLIB_LEVEL = 4 }; /* on screens, half the time of the default and some 5% larger */

int png_check_path(const char *path, struct error *e) {
    size_t length = strlen(path);
    if (length == 0)
        return error_set(e, "the path of the screenshot is empty");
    if (path[length - 1] == '/')
        return error_set(e, "%s: is a directory; give the name of a file", path);
    struct stat st;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return error_set(e, "%s: is not a regular file; give another name", path);
    return host_check_creatable(path, e);
}

/* Ours instead of libpng's, which print. */
static void on_png_error(png_structp png, png_const_charp text) {
    (void)text;
    png_longjmp(png, 1);
}

static void on_png_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

/* All that can long-jump, in a function without variables of its own that would have to survive. */
static bool encode(png_structp png, png_infop info, FILE *file, const uint8_t *pixels, uint32_t width,
    uint32_t height, size_t stride) {
    if (setjmp(png_jmpbuf(png)))
        return false;
    png_init_io(png, file);
    png_set_user_limits(png, width, height);
    png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, ZLIB_LEVEL);
    png_write_info(png, info);
    png_set_bgr(png);
    png_set_filler(png, 0, PNG_FILLER_AFTER);
    for (uint32_t y = 0; y < height; y++)
        png_write_row(png, pixels + y * stride);
    png_write_end(png, NULL);
    return true;
}

static bool write_stream(FILE *file, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride) {
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_png_error, on_png_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool done = info && encode(png, info, file, pixels, width, height, stride);
    png_destroy_write_struct(&png, &info);
    return done;
}

/* A new file beside path, so that rename() stays inside one file system. */
static FILE *open_beside(const char *path, char *name, size_t size) {
    static atomic_uint count;
    int length = snprintf(name, size, "%s.%ld-%u.tmp", path, (long)getpid(), atomic_fetch_add(&count, 1));
    if (length < 0 || (size_t)length >= size) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    if (fd >= 0 && !file)
        close(fd);
    return file;
}

int png_write_file(const char *path, const uint8_t *pixels, uint32_t width, uint32_t height, size_t stride,
    struct error *e) {
    char temporary[PATH_MAX];
    FILE *file = open_beside(path, temporary, sizeof temporary);
    if (!file)
        return error_set(e, "%s: cannot be written: %s", path, strerror(errno));

    errno = 0;
    bool done = write_stream(file, pixels, width, height, stride);
    done = fclose(file) == 0 && done;
    if (done && rename(temporary, path) == 0)
        return 0;
    const char *reason = errno ? strerror(errno) : "the image cannot be encoded";
    error_set(e, "%s: cannot be written: %s", path, reason);
    unlink(temporary);
    return -1;
}
