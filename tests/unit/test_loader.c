/* The kernel loader: every format it takes, and every file that is something else. The images are made here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "board/loader.h"

enum { MIB = 1 << 20, RAM_SIZE = 64 * MIB, IMAGE = 300000, BSS = 50000 };
#define RAM 0x40000000ull

static char dir[] = "/tmp/pearvisor-test-XXXXXX", path[64], initrd_path[64];
static uint8_t *ram;
static uint8_t image[IMAGE];
static struct loaded loaded;
static struct error e;

static void put(uint8_t *to, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void write_to(const char *name, const void *data, size_t size) {
    FILE *f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    fclose(f);
}

static int load(const char *initrd) {
    const struct loader_ram where = {.host = ram, .gpa = RAM, .size = RAM_SIZE};
    memset(&e, 0, sizeof e);
    const struct loader_file kernel_file = {.path = path}, initrd_file = {.path = initrd};
    return loader_load(&where, &kernel_file, &initrd_file, &loaded, &e);
}

static int load_bytes(const void *data, size_t size) {
    write_to(path, data, size);
    return load(NULL);
}

/* Fails with one line that names the file and says what it is about. */
static void assert_refused(const void *data, size_t size, const char *about) {
    assert_int_equal(load_bytes(data, size), -1);
    if (!strstr(e.text, path) || !strstr(e.text, about) || strchr(e.text, '\n'))
        fail_msg("expected '%s' in: %s", about, e.text);
}

static void assert_loaded_at(uint64_t gpa) {
    assert_true(loaded.entry == gpa);
    assert_memory_equal(ram + (gpa - RAM), image, IMAGE);
}

/* An Image by Documentation/arch/arm64/booting.rst; its PE header has one section that ends where the file
 * does. */
static int setup(void **state) {
    (void)state;
    for (unsigned i = 0; i < IMAGE; i++)
        image[i] = (uint8_t)(i * 2654435761u >> 24 & 0x3f);
    memset(image, 0, 0x100);
    put(image, 0x5a4d, 2);
    put(image + 8, 0, 8);            /* text_offset */
    put(image + 16, IMAGE + BSS, 8); /* image_size */
    put(image + 24, 0xa, 8);         /* flags: little-endian, 4K, anywhere */
    put(image + 56, 0x644d5241, 4);  /* "ARM\x64" */
    put(image + 60, 64, 4);          /* PE header */
    put(image + 64, 0x4550, 4);      /* "PE" */
    put(image + 68, 0xaa64, 2);      /* AArch64 */
    put(image + 70, 1, 2);           /* sections */
    put(image + 84, 16, 2);          /* size of the optional header */
    put(image + 104 + 16, IMAGE - 0x200, 4);
    put(image + 104 + 20, 0x200, 4);
    memset(ram, 0, RAM_SIZE);
    unlink(path);
    return 0;
}

static int setup_files(void **state) {
    (void)state;
    ram = malloc(RAM_SIZE);
    if (!ram || !mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/kernel", dir);
    snprintf(initrd_path, sizeof initrd_path, "%s/initrd", dir);
    return 0;
}

static int remove_files(void **state) {
    (void)state;
    unlink(path);
    unlink(initrd_path);
    rmdir(dir);
    free(ram);
    return 0;
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t room) {
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data,
        .avail_in = (uInt)size,
        .next_out = out,
        .avail_out = (uInt)room};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static size_t zstd(const void *data, size_t size, uint8_t *out, size_t room) {
    size_t packed = ZSTD_compress(out, room, data, size, 3);
    assert_false(ZSTD_isError(packed));
    return packed;
}

/* Around a payload, an EFI zboot header as Linux's zboot-header.S lays it out, and the stub's code after it.
 */
static size_t zboot(const char *type, const uint8_t *payload, size_t size, uint8_t *out) {
    enum { PAYLOAD = 0x1000, TAIL = 777 };
    memset(out, 0, PAYLOAD);
    memcpy(out, "MZ\0\0zimg", 8);
    put(out + 8, PAYLOAD, 4);
    put(out + 12, size, 4);
    strcpy((char *)out + 24, type);
    put(out + 56, 0x818223cd, 4);
    put(out + 60, 64, 4);
    memcpy(out + PAYLOAD, payload, size);
    memset(out + PAYLOAD + size, 0x5a, TAIL);
    return PAYLOAD + size + TAIL;
}

static uint8_t packed[2 * IMAGE], wrapped[2 * IMAGE];

static void plain_image(void **state) {
    (void)state;
    assert_int_equal(load_bytes(image, IMAGE), 0);
    assert_loaded_at(RAM + 2 * MIB);
    assert_true(loaded.initrd == loaded.initrd_end);
}

static void text_offset_is_kept(void **state) {
    (void)state;
    put(image + 8, 0x80000, 8);
    assert_int_equal(load_bytes(image, IMAGE), 0);
    assert_loaded_at(RAM + 2 * MIB + 0x80000);
    put(image + 8, 0x1000, 8);
    put(image + 16, 0, 8); /* before Linux 3.17: no size, and the offset is 0x80000 */
    assert_int_equal(load_bytes(image, IMAGE), 0);
    assert_loaded_at(RAM + 2 * MIB + 0x80000);
}

static void image_without_efi_stub(void **state) {
    (void)state;
    put(image, 0x14000010, 4);
    put(image + 60, 0, 4);
    assert_int_equal(load_bytes(image, IMAGE), 0);
    assert_loaded_at(RAM + 2 * MIB);
}

static void compressed_images(void **state) {
    (void)state;
    assert_int_equal(load_bytes(packed, gzip(image, IMAGE, packed, sizeof packed)), 0);
    assert_loaded_at(RAM + 2 * MIB);
    memset(ram, 0, RAM_SIZE);
    assert_int_equal(load_bytes(packed, zstd(image, IMAGE, packed, sizeof packed)), 0);
    assert_loaded_at(RAM + 2 * MIB);
}

static void efi_zboot(void **state) {
    (void)state;
    size_t size = gzip(image, IMAGE, packed, sizeof packed);
    assert_int_equal(load_bytes(wrapped, zboot("gzip", packed, size, wrapped)), 0);
    assert_loaded_at(RAM + 2 * MIB);
    size = zstd(image, IMAGE, packed, sizeof packed);
    static const char *const names[] = {"zstd", "zstd22"};
    for (unsigned i = 0; i < 2; i++) {
        memset(ram, 0, RAM_SIZE);
        assert_int_equal(load_bytes(wrapped, zboot(names[i], packed, size, wrapped)), 0);
        assert_loaded_at(RAM + 2 * MIB);
    }
    assert_refused(wrapped, zboot("xzkern", packed, size, wrapped), "'xzkern'");
    assert_refused(wrapped, zboot("\033[2J", packed, size, wrapped), "'?[2J'");
    size_t whole = zboot("zstd22", packed, size, wrapped);
    assert_refused(wrapped, whole - 1000, "truncated");
    assert_refused(wrapped, 60, "truncated");
    put(wrapped + 8, 0xffffffff, 4);
    assert_refused(wrapped, whole, "truncated");
    put(wrapped + 8, 0x1000, 4);
    put(wrapped + 12, 0xfffff001, 4);
    assert_refused(wrapped, whole, "truncated");
    whole = zboot("gzip", (const uint8_t *)"nonsense nonsense", 17, wrapped);
    assert_refused(wrapped, whole, "damaged");
}

static void initrd_after_the_kernel(void **state) {
    (void)state;
    static uint8_t data[123457];
    memset(data, 0xc3, sizeof data);
    write_to(path, image, IMAGE);
    write_to(initrd_path, data, sizeof data);
    assert_int_equal(load(initrd_path), 0);
    assert_loaded_at(RAM + 2 * MIB);
    assert_true(loaded.initrd >= loaded.entry + IMAGE + BSS);
    assert_int_equal(loaded.initrd % 4096, 0);
    assert_true(loaded.initrd_end == loaded.initrd + sizeof data);
    assert_true(loaded.initrd_end <= RAM + RAM_SIZE);
    assert_memory_equal(ram + (loaded.initrd - RAM), data, sizeof data);
}

static void assert_initrd_refused(const char *about) {
    assert_int_equal(load(initrd_path), -1);
    if (!strstr(e.text, "initrd") || !strstr(e.text, initrd_path) || !strstr(e.text, about))
        fail_msg("expected '%s' in: %s", about, e.text);
}

static void bad_initrds(void **state) {
    (void)state;
    write_to(path, image, IMAGE);
    unlink(initrd_path);
    assert_initrd_refused("No such file");
    write_to(initrd_path, "", 0);
    assert_initrd_refused("is empty");
    assert_int_equal(truncate(initrd_path, 62 * MIB), 0);
    assert_initrd_refused("--memory");
    unlink(initrd_path);
    assert_int_equal(mkdir(initrd_path, 0700), 0);
    assert_initrd_refused("directory");
    rmdir(initrd_path);
    /* No room at all: the kernel ends where RAM ends. */
    put(image + 16, 62 * MIB, 8);
    write_to(path, image, IMAGE);
    write_to(initrd_path, "x", 1);
    assert_initrd_refused("--memory");
}

static void missing_and_unreadable(void **state) {
    (void)state;
    assert_int_equal(load(NULL), -1);
    assert_non_null(strstr(e.text, "No such file"));
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(load(NULL), -1);
    assert_non_null(strstr(e.text, "is a directory"));
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* must not wait for a writer */
    assert_int_equal(load(NULL), -1);
    assert_non_null(strstr(e.text, "not a regular file"));
    unlink(path);
}

static void other_files(void **state) {
    (void)state;
    static uint8_t data[4096];
    static const char script[] =
        "#!/bin/sh\necho this is not a kernel, whatever its name says, but it is long enough\n";
    assert_refused("", 0, "is empty");
    assert_refused(script, sizeof script - 1, "text file");
    assert_refused(data, 10, "no Image header");
    assert_refused(data, sizeof data, "no Image header");
    assert_refused(image, 63, "not an arm64 Linux kernel"); /* cut inside its header */

    static const struct {
        unsigned offset;
        const char *magic;
        unsigned length;
        const char *about;
    } kinds[] = {
        {0,
            "\x7f"
            "ELF",
            4, "ELF"},
        {0,
            "\xfd"
            "7zXZ",
            6, "xz"},
        {0, "BZh9", 4, "bzip2"},
        {0, "\x02\x21\x4c\x18", 4, "lz4"},
        {0x202, "HdrS", 4, "x86"},
        {0x24, "\x18\x28\x6f\x01", 4, "32-bit"},
        {0x38, "RSC\x05", 4, "RISC-V"},
        {0, "\x27\x05\x19\x56", 4, "uImage"},
        {0, "\xd0\x0d\xfe\xed", 4, "device tree"},
        {0, "MZ", 2, "EFI"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        memset(data, 0, sizeof data);
        memcpy(data + kinds[i].offset, kinds[i].magic, kinds[i].length);
        assert_refused(data, sizeof data, kinds[i].about);
    }
    size_t size = gzip(script, sizeof script - 1, packed, sizeof packed);
    assert_refused(packed, size, "text file"); /* what is inside counts */
}

static void truncated_files(void **state) {
    (void)state;
    assert_refused(image, IMAGE - 1, "truncated");
    assert_refused(image, 64, "truncated");
    assert_refused(image, 100, "truncated");
    assert_refused(image, 130, "truncated");
    size_t size = gzip(image, IMAGE, packed, sizeof packed);
    for (size_t cut = 2; cut < size; cut += size / 7)
        assert_refused(packed, cut, "truncated");
    size = zstd(image, IMAGE, packed, sizeof packed);
    for (size_t cut = 4; cut < size; cut += size / 7)
        assert_refused(packed, cut, "truncated");
}

static void damaged_files(void **state) {
    (void)state;
    size_t size = gzip(image, IMAGE, packed, sizeof packed);
    packed[size / 2] ^= 0x55;
    assert_refused(packed, size, "damaged");
    size = zstd(image, IMAGE, packed, sizeof packed);
    memset(packed + 10, 0xff, 300);
    assert_refused(packed, size, "damaged");
    put(image + 8, 4, 8);
    assert_refused(image, IMAGE, "text offset");
    put(image + 8, 0xfffffffffff00000, 8);
    assert_refused(image, IMAGE, "text offset");
}

static void big_endian_kernel(void **state) {
    (void)state;
    image[24] |= 1;
    assert_refused(image, IMAGE, "big-endian");
}

static void too_large_for_memory(void **state) {
    (void)state;
    put(image + 16, 62 * MIB, 8);
    assert_int_equal(load_bytes(image, IMAGE), 0);
    put(image + 16, 62 * MIB + 1, 8);
    assert_refused(image, IMAGE, "64 MiB of memory");
    put(image + 16, ~0ull, 8);
    assert_refused(image, IMAGE, "--memory");
    put(image + 16, IMAGE, 8);
    put(image + 8, RAM_SIZE - 8, 8);
    assert_refused(image, IMAGE, "--memory");
    write_to(path, image, IMAGE);
    assert_int_equal(truncate(path, RAM_SIZE + 1), 0);
    assert_int_equal(load(NULL), -1);
    assert_non_null(strstr(e.text, "--memory"));
}

/* A small file that unpacks to far more than memory holds must not be unpacked to the end. */
static void decompression_bomb(void **state) {
    (void)state;
    enum { BOMB = 160 * MIB };
    static uint8_t zeros[MIB];
    uint8_t *bomb = malloc(MIB);
    z_stream z = {.next_out = bomb, .avail_out = MIB};
    deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    for (unsigned i = 0; i < BOMB / MIB; i++) {
        z.next_in = zeros;
        z.avail_in = MIB;
        deflate(&z, i + 1 == BOMB / MIB ? Z_FINISH : Z_NO_FLUSH);
    }
    deflateEnd(&z);
    assert_refused(bomb, MIB - z.avail_out, "--memory");
    uint8_t *large = calloc(1, BOMB);
    size_t size = zstd(large, BOMB, bomb, MIB);
    free(large);
    assert_refused(bomb, size, "--memory");
    free(bomb);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(plain_image),
        TEST(text_offset_is_kept),
        TEST(image_without_efi_stub),
        TEST(compressed_images),
        TEST(efi_zboot),
        TEST(initrd_after_the_kernel),
        TEST(bad_initrds),
        TEST(missing_and_unreadable),
        TEST(other_files),
        TEST(truncated_files),
        TEST(damaged_files),
        TEST(big_endian_kernel),
        TEST(too_large_for_memory),
        TEST(decompression_bomb),
    };
    return cmocka_run_group_tests(tests, setup_files, remove_files);
}
