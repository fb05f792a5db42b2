/* qcow2 images, without other programs: tests/storage compares with qemu-img. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/image.h"
#include "storage/qcow2/qcow2.h"

enum { MIB = 1 << 20, CLUSTER = 65536 };

static char top[] = "/tmp/pearvisor-qcow2-XXXXXX";

static int enter(void **state) {
    (void)state;
    return mkdtemp(top) && chdir(top) == 0 ? 0 : -1;
}

static int leave(void **state) {
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", top);
    return chdir("/") == 0 ? system(command) : -1;
}

static int empty(void **state) {
    (void)state;
    return system("rm -rf -- *");
}

static struct storage *open_as(const char *path, enum storage_format format, bool read_only) {
    struct error e = {""};
    struct storage *storage =
        storage_open(&(struct storage_config){.path = path, .format = format, .read_only = read_only}, &e);
    if (!storage)
        print_message("%s\n", e.text);
    return storage;
}

static struct storage *open_image(const char *path) {
    struct storage *storage = open_as(path, STORAGE_AUTO, false);
    assert_non_null(storage);
    return storage;
}

static void refused(const char *path, bool read_only, const char *why) {
    struct error e = {""};
    assert_null(storage_open(&(struct storage_config){.path = path, .read_only = read_only}, &e));
    if (!strstr(e.text, why) || strchr(e.text, '\n'))
        fail_msg("'%s' does not say '%s'", e.text, why);
}

static void put(struct storage *s, uint64_t offset, size_t size, uint8_t value) {
    uint8_t *data = malloc(size);
    memset(data, value, size);
    assert_int_equal(s->ops->pwritev(s, &(struct iovec){data, size}, 1, offset), 0);
    free(data);
}

static void expect(struct storage *s, uint64_t offset, size_t size, uint8_t value) {
    uint8_t *data = malloc(size);
    memset(data, ~value, size);
    assert_int_equal(s->ops->preadv(s, &(struct iovec){data, size}, 1, offset), 0);
    for (size_t i = 0; i < size; i++)
        if (data[i] != value)
            fail_msg("0x%x at 0x%llx, not 0x%x", data[i], (unsigned long long)(offset + i), value);
    free(data);
}

static void consistent(const char *path, uint64_t allocated) {
    struct qcow2_check found;
    struct error e = {""};
    struct storage *s = open_as(path, STORAGE_AUTO, true);
    assert_int_equal(qcow2_check(s, false, NULL, &found, &e), 0);
    assert_int_equal(found.corruptions, 0);
    assert_int_equal(found.leaks, 0);
    assert_int_equal(found.allocated, allocated);
    storage_close(s);
}

static void patch(const char *path, off_t at, const void *bytes, size_t size) {
    int fd = open(path, O_RDWR);
    assert_int_equal(pwrite(fd, bytes, size, at), size);
    close(fd);
}

static void create_raw(const char *path, uint64_t size) {
    struct error e = {""};
    assert_int_equal(storage_create(path, STORAGE_RAW, size, &e), 0);
}

static void create_qcow2(const char *path, uint64_t size) {
    struct error e = {""};
    assert_int_equal(storage_create(path, STORAGE_QCOW2, size, &e), 0);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    create_qcow2("a.qcow2", 64 * MIB);
    struct storage *s = open_image("a.qcow2");
    assert_int_equal(s->size, 64 * MIB);
    expect(s, 0, MIB, 0);
    put(s, 512, 512, 1);
    put(s, 10 * CLUSTER - 512, 3 * CLUSTER, 2);
    put(s, 64 * MIB - 512, 512, 3);
    expect(s, 0, 512, 0);
    expect(s, 1024, CLUSTER - 1024, 0);
    storage_close(s);
    s = open_image("a.qcow2");
    expect(s, 512, 512, 1);
    expect(s, 10 * CLUSTER - 512, 3 * CLUSTER, 2);
    expect(s, 13 * CLUSTER - 512, 512, 0);
    expect(s, 64 * MIB - 512, 512, 3);
    storage_close(s);
    consistent("a.qcow2", 6);
}

static void discarded_space_is_used_again(void **state) {
    (void)state;
    create_qcow2("a.qcow2", 64 * MIB);
    struct storage *s = open_image("a.qcow2");
    struct stat before, after;
    for (unsigned round = 0; round < 4; round++) {
        put(s, 0, 8 * MIB, 7);
        assert_int_equal(s->ops->discard(s, 0, 8 * MIB), 0);
        expect(s, 0, 8 * MIB, 0);
        assert_int_equal(s->ops->flush(s), 0);
        stat("a.qcow2", &after);
        if (round == 0)
            before = after;
    }
    assert_true(after.st_size <= before.st_size + 2 * CLUSTER);
    assert_true(after.st_blocks < 2048);
    put(s, 3 * CLUSTER, CLUSTER, 5);
    assert_int_equal(s->ops->write_zeroes(s, 3 * CLUSTER + 512, CLUSTER - 512, true), 0);
    expect(s, 3 * CLUSTER, 512, 5);
    expect(s, 3 * CLUSTER + 512, CLUSTER, 0);
    storage_close(s);
    consistent("a.qcow2", 1);
}

/* Without unmap the place in the file is kept, and written again. */
static void zeroes_keep_their_place(void **state) {
    (void)state;
    create_qcow2("a.qcow2", MIB);
    struct storage *s = open_image("a.qcow2");
    put(s, 0, 4 * CLUSTER, 9);
    assert_int_equal(s->ops->write_zeroes(s, 0, 4 * CLUSTER, false), 0);
    expect(s, 0, 4 * CLUSTER, 0);
    assert_int_equal(s->ops->flush(s), 0);
    struct stat before, after;
    stat("a.qcow2", &before);
    put(s, CLUSTER + 1024, 512, 4);
    expect(s, CLUSTER, 1024, 0);
    expect(s, CLUSTER + 1024, 512, 4);
    expect(s, CLUSTER + 1536, CLUSTER - 1536, 0);
    storage_close(s);
    stat("a.qcow2", &after);
    assert_int_equal(before.st_size, after.st_size);
    consistent("a.qcow2", 1);
}

static void overlays_leave_what_is_below(void **state) {
    (void)state;
    struct error e = {""};
    create_raw("base.raw", MIB);
    struct storage *s = open_as("base.raw", STORAGE_RAW, false);
    put(s, 0, MIB, 1);
    storage_close(s);
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(storage_create_overlay("d/a.qcow2", "../base.raw", STORAGE_RAW, 2 * MIB, &e), 0);
    assert_int_equal(storage_create_overlay("d/b.qcow2", "a.qcow2", STORAGE_QCOW2, 0, &e), 0);
    s = open_image("d/b.qcow2");
    assert_int_equal(s->size, 2 * MIB);
    put(s, 512, 512, 2);
    expect(s, 0, 512, 1);
    expect(s, 512, 512, 2);
    expect(s, 1024, MIB - 1024, 1);
    expect(s, MIB, MIB, 0);
    assert_int_equal(s->ops->discard(s, CLUSTER, CLUSTER), 0);
    assert_int_equal(s->ops->write_zeroes(s, 2 * CLUSTER, CLUSTER, true), 0);
    expect(s, 2 * CLUSTER, CLUSTER, 0);
    expect(s, 3 * CLUSTER, CLUSTER, 1);
    refused("d/a.qcow2", false, "in use"); /* and what is below cannot be written meanwhile */
    refused("base.raw", false, "in use");
    storage_close(s);
    consistent("d/b.qcow2", 1);
    consistent("d/a.qcow2", 0);
}

static void forks_share_a_base(void **state) {
    (void)state;
    struct error e = {""};
    create_qcow2("vm.qcow2", MIB);
    struct storage *s = open_image("vm.qcow2"), *t;
    put(s, 0, 512, 1);
    assert_int_equal(
        storage_fork("vm.qcow2", STORAGE_QCOW2, "base.qcow2", "next.qcow2", "new.qcow2", &e), -1);
    assert_non_null(strstr(e.text, "in use"));
    assert_int_equal(storage_freeze(s), 0);
    assert_int_equal(storage_fork("vm.qcow2", STORAGE_QCOW2, "base.qcow2", "next.qcow2", "new.qcow2", &e), 0);
    /* As long as it may be read, it cannot be written to; and nobody else may. */
    t = open_image("next.qcow2");
    assert_int_equal(storage_thaw(s), -EAGAIN);
    refused("vm.qcow2", false, "in use");
    assert_int_equal(rename("next.qcow2", "vm.qcow2"), 0);
    expect(t, 0, 512, 1);
    storage_close(s);
    s = t;
    consistent("base.qcow2", 1);
    t = open_image("new.qcow2");
    put(s, 512, 512, 2);
    put(t, 512, 512, 3);
    expect(s, 0, 512, 1);
    expect(t, 0, 512, 1);
    expect(s, 512, 512, 2);
    expect(t, 512, 512, 3);
    storage_close(s);
    storage_close(t);
    assert_int_equal(storage_clone("new.qcow2", "copy.qcow2", &e), 0);
    s = open_image("copy.qcow2");
    expect(s, 512, 512, 3);
    storage_close(s);
    assert_int_equal(storage_clone("new.qcow2", "copy.qcow2", &e), -1);
}

static void sizes_change(void **state) {
    (void)state;
    create_qcow2("a.qcow2", MIB);
    struct storage *s = open_image("a.qcow2");
    put(s, 0, MIB, 1);
    assert_int_equal(s->ops->resize(s, 5ull << 40), 0); /* a longer L1 table */
    expect(s, MIB - 512, 512, 1);
    expect(s, MIB, MIB, 0);
    put(s, (5ull << 40) - 512, 512, 2);
    assert_int_equal(s->ops->resize(s, MIB / 2 + 512), 0);
    assert_int_equal(s->ops->resize(s, MIB), 0);
    expect(s, MIB / 2, 512, 1);
    expect(s, MIB / 2 + 512, MIB / 2 - 512, 0);
    assert_int_equal(s->ops->resize(s, 0), -EINVAL);
    storage_close(s);
    consistent("a.qcow2", 9);
}

/* The guest of a raw disk must not choose how it is read the next time. */
static void formats_are_not_guessed(void **state) {
    (void)state;
    create_qcow2("a.qcow2", MIB);
    assert_int_equal(rename("a.qcow2", "a.img"), 0);
    refused("a.img", false, "say which it is");
    struct storage *s = open_as("a.img", STORAGE_RAW, true);
    assert_non_null(s);
    assert_true(s->size < MIB);
    storage_close(s);
    s = open_as("a.img", STORAGE_QCOW2, true);
    assert_int_equal(s->size, MIB);
    storage_close(s);
    create_raw("raw.qcow2", MIB);
    refused("raw.qcow2", false, "not a qcow2 image");
}

static void what_is_not_supported(void **state) {
    (void)state;
    static const struct {
        off_t at;
        uint8_t byte;
        const char *why;
    } cases[] = {
        {7, 4, "version 4"},
        {23, 8, "clusters of 2^8"},
        {23, 22, "clusters of 2^22"},
        {35, 1, "encrypted"},
        {36, 0xff, "L1 table"},
        {47, 1, "L1 table"},
        {48, 0xff, "refcount table"},
        {59, 0, "refcount table"},
        {72, 0x80, "features"},
        {79, 4, "another file"},
        {79, 16, "extended L2"},
        {79, 2, "corrupt"},
        {99, 7, "refcounts"},
        {103, 1, "header"},
        {104, 1, "compression"},
        {24, 0xff, "not supported"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        create_qcow2("a.qcow2", MIB);
        patch("a.qcow2", cases[i].at, &cases[i].byte, 1);
        refused("a.qcow2", false, cases[i].why);
        unlink("a.qcow2");
    }
}

static void loops_end(void **state) {
    (void)state;
    struct error e = {""};
    create_qcow2("a.qcow2", MIB);
    assert_int_equal(storage_create_overlay("b.qcow2", "a.qcow2", STORAGE_QCOW2, 0, &e), 0);
    unlink("a.qcow2");
    assert_int_equal(link("b.qcow2", "a.qcow2"), 0);
    refused("b.qcow2", true, "its own backing file");
    char name[32] = "0.qcow2";
    create_qcow2(name, MIB);
    for (unsigned i = 1; i <= 33; i++) {
        char above[32];
        snprintf(above, sizeof above, "%u.qcow2", i);
        assert_int_equal(storage_create_overlay(above, name, STORAGE_QCOW2, 0, &e), 0);
        strcpy(name, above);
    }
    refused("33.qcow2", true, "more than 32");
}

/* Entries of a damaged image lead nowhere: an error, and the rest of the disk goes on. */
static void damage_is_an_error(void **state) {
    (void)state;
    create_qcow2("a.qcow2", MIB);
    struct storage *s = open_image("a.qcow2");
    put(s, 0, MIB, 1);
    storage_close(s);
    uint8_t image[8 * CLUSTER];
    int fd = open("a.qcow2", O_RDONLY);
    assert_int_equal(pread(fd, image, sizeof image, 0), sizeof image);
    close(fd);
    uint64_t l1 = 3 * CLUSTER, l2 = (uint64_t)image[l1 + 5] << 16;
    static const uint8_t header[8] = {0x80}, odd[8] = {0x80, 0, 0, 0, 0, 0, 2, 0};
    static const uint8_t table[8] = {0x80, 0, 0, 0, 0, 3, 0, 0};
    patch("a.qcow2", (off_t)l2, header, 8);
    patch("a.qcow2", (off_t)l2 + 8, odd, 8);
    patch("a.qcow2", (off_t)l2 + 16, table, 8);
    s = open_image("a.qcow2");
    uint8_t sector[512] = {0};
    struct iovec iov = {sector, 512};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(s->ops->preadv(s, &iov, 1, i * CLUSTER), -EIO);
        assert_int_equal(s->ops->pwritev(s, &iov, 1, i * CLUSTER), -EIO);
    }
    expect(s, 3 * CLUSTER, MIB - 3 * CLUSTER, 1);
    struct qcow2_check found;
    struct error e = {""};
    assert_int_equal(qcow2_check(s, false, NULL, &found, &e), 0);
    assert_true(found.corruptions >= 3);
    storage_close(s);
}

#define TEST(f) cmocka_unit_test_teardown(f, empty)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_read),
        TEST(discarded_space_is_used_again),
        TEST(zeroes_keep_their_place),
        TEST(overlays_leave_what_is_below),
        TEST(forks_share_a_base),
        TEST(sizes_change),
        TEST(formats_are_not_guessed),
        TEST(what_is_not_supported),
        TEST(loops_end),
        TEST(damage_is_an_error),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
