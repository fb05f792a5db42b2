/* 9P2000.L requests as a guest may send them, on a directory of our own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "share/share.h"
#include "share/wire.h"

enum { LERROR = 7, ROOT = 1, ROOM = 8192 };
enum {
    LOPEN = 12,
    LCREATE = 14,
    SYMLINK = 16,
    MKNOD = 18,
    READLINK = 22,
    GETATTR = 24,
    SETATTR = 26,
    READDIR = 40,
    LOCK = 52
};
enum {
    LINK = 70,
    MKDIR = 72,
    RENAMEAT = 74,
    UNLINKAT = 76,
    VERSION = 100,
    ATTACH = 104,
    WALK = 110,
    READ = 116,
    WRITE = 118,
    CLUNK = 120
};

struct fixture {
    char directory[64], outside[64];
    struct share *share;
    uint8_t request[ROOM], answer[ROOM];
    struct wire_out out;
    struct wire_in in;
};

static struct wire_out *begin(struct fixture *f, uint8_t type) {
    f->out = (struct wire_out){.at = f->request + 4, .end = f->request + sizeof f->request};
    wire_put8(&f->out, type);
    wire_put16(&f->out, 0x1234);
    return &f->out;
}

/* 0, with f->in at the answer's fields, or the errno that was answered. */
static int call(struct fixture *f) {
    size_t size = (size_t)(f->out.at - f->request);
    struct wire_out head = {.at = f->request, .end = f->request + 4};
    wire_put32(&head, (uint32_t)size);
    size_t answered = share_serve(f->share, f->request, size, f->answer, sizeof f->answer);
    f->in = (struct wire_in){.at = f->answer, .end = f->answer + answered};
    assert_int_equal(wire_get32(&f->in), answered);
    uint8_t type = wire_get8(&f->in);
    assert_int_equal(wire_get16(&f->in), 0x1234);
    if (type == LERROR)
        return (int)wire_get32(&f->in);
    assert_int_equal(type, f->request[4] + 1);
    return 0;
}

static int walk(struct fixture *f, uint32_t from, uint32_t to, const char *name) {
    struct wire_out *out = begin(f, WALK);
    wire_put32(out, from);
    wire_put32(out, to);
    wire_put16(out, name ? 1 : 0);
    if (name)
        wire_put_string(out, name);
    return call(f);
}

static int clunk(struct fixture *f, uint32_t fid) {
    wire_put32(begin(f, CLUNK), fid);
    return call(f);
}

static int open_fid(struct fixture *f, uint32_t fid, uint32_t flags) {
    struct wire_out *out = begin(f, LOPEN);
    wire_put32(out, fid);
    wire_put32(out, flags);
    return call(f);
}

static int create(struct fixture *f, uint32_t fid, const char *name, uint32_t flags, uint32_t mode) {
    struct wire_out *out = begin(f, LCREATE);
    wire_put32(out, fid);
    wire_put_string(out, name);
    wire_put32(out, flags);
    wire_put32(out, mode);
    wire_put32(out, 0);
    return call(f);
}

static int write_text(struct fixture *f, uint32_t fid, uint64_t offset, const char *text) {
    struct wire_out *out = begin(f, WRITE);
    wire_put32(out, fid);
    wire_put64(out, offset);
    wire_put32(out, (uint32_t)strlen(text));
    for (; *text; text++)
        wire_put8(out, (uint8_t)*text);
    return call(f);
}

static int read_fid(struct fixture *f, uint32_t fid, uint64_t offset, uint32_t count) {
    struct wire_out *out = begin(f, READ);
    wire_put32(out, fid);
    wire_put64(out, offset);
    wire_put32(out, count);
    return call(f);
}

static int name_and_mode(struct fixture *f, uint8_t type, uint32_t fid, const char *name, uint32_t mode) {
    struct wire_out *out = begin(f, type);
    wire_put32(out, fid);
    wire_put_string(out, name);
    wire_put32(out, mode);
    wire_put32(out, 0);
    wire_put32(out, 0);
    wire_put32(out, 0);
    return call(f);
}

static int symlink_to(struct fixture *f, const char *name, const char *target) {
    struct wire_out *out = begin(f, SYMLINK);
    wire_put32(out, ROOT);
    wire_put_string(out, name);
    wire_put_string(out, target);
    wire_put32(out, 0);
    return call(f);
}

static const char *path_of(const struct fixture *f, const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->directory, name);
    return path;
}

static void open_share(struct fixture *f, bool read_only) {
    struct error e;
    share_close(f->share);
    f->share = share_open(f->directory, read_only, &e);
    assert_non_null(f->share);
    struct wire_out *out = begin(f, VERSION);
    wire_put32(out, ROOM);
    wire_put_string(out, "9P2000.L");
    assert_int_equal(call(f), 0);
    assert_int_equal(wire_get32(&f->in), ROOM);
    out = begin(f, ATTACH);
    wire_put32(out, ROOT);
    wire_put32(out, UINT32_MAX);
    wire_put_string(out, "root");
    wire_put_string(out, "");
    wire_put32(out, 0);
    assert_int_equal(call(f), 0);
    assert_int_equal(wire_get8(&f->in), 0x80);
}

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->directory, "/tmp/pearvisor-share-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    strcpy(f->outside, "/tmp/pearvisor-outside-XXXXXX");
    int fd = mkstemp(f->outside);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret", 6), 6);
    close(fd);
    open_share(f, false);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    char command[160];
    share_close(f->share);
    snprintf(command, sizeof command, "rm -rf %s %s", f->directory, f->outside);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

static void a_file_is_made_written_and_read(void **state) {
    struct fixture *f = *state;
    struct stat stat;
    assert_int_equal(walk(f, ROOT, 2, NULL), 0);
    assert_int_equal(create(f, 2, "a", 02, 04755), 0); /* O_RDWR; set-ID bits are left out */
    assert_int_equal(write_text(f, 2, 3, "pear"), 0);
    assert_int_equal(wire_get32(&f->in), 4);
    assert_int_equal(read_fid(f, 2, 2, 100), 0);
    assert_int_equal(wire_get32(&f->in), 5);
    assert_memory_equal(f->in.at, "\0pear", 5);
    assert_int_equal(clunk(f, 2), 0);
    assert_int_equal(read_fid(f, 2, 0, 1), EBADF);
    assert_int_equal(lstat(path_of(f, "a"), &stat), 0);
    assert_int_equal(stat.st_mode, S_IFREG | 0755);
    assert_int_equal(stat.st_size, 7);
}

static void names_lead_nowhere_else(void **state) {
    struct fixture *f = *state;
    static const char *const names[] = {"..", ".", "", "a/b", "/etc"};
    assert_int_equal(mkdir(path_of(f, "a"), 0755), 0);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(walk(f, ROOT, 2, names[i]), ENOENT);
        assert_int_equal(name_and_mode(f, MKDIR, ROOT, names[i], 0755), EINVAL);
        assert_int_equal(name_and_mode(f, UNLINKAT, ROOT, names[i], 0x200), EINVAL);
        assert_int_equal(create(f, ROOT, names[i], 02, 0644), EINVAL);
    }
    char longest[300];
    memset(longest, 'x', sizeof longest - 1);
    longest[299] = 0;
    assert_int_equal(walk(f, ROOT, 2, longest), ENAMETOOLONG);
}

static void links_are_not_followed(void **state) {
    struct fixture *f = *state;
    assert_int_equal(symlink_to(f, "file", f->outside), 0);
    assert_int_equal(symlink_to(f, "directory", "/tmp"), 0);
    assert_int_equal(walk(f, ROOT, 2, "file"), 0);
    assert_int_equal(open_fid(f, 2, 0), EOPNOTSUPP);
    wire_put32(begin(f, READLINK), 2);
    assert_int_equal(call(f), 0);
    char target[64];
    wire_get_string(&f->in, target, sizeof target);
    assert_string_equal(target, f->outside);
    /* Creating, truncating, changing and linking through it does not reach the file outside. */
    assert_int_equal(walk(f, ROOT, 3, NULL), 0);
    assert_int_equal(create(f, 3, "file", 01001, 0644), EOPNOTSUPP);
    struct wire_out *out = begin(f, SETATTR);
    wire_put32(out, 2);
    wire_put32(out, 0x9); /* mode and size */
    for (unsigned i = 0; i < 13; i++)
        wire_put32(out, 0);
    assert_int_equal(call(f), EOPNOTSUPP);
    out = begin(f, LINK);
    wire_put32(out, ROOT);
    wire_put32(out, 2);
    wire_put_string(out, "hard");
    assert_int_equal(call(f), EPERM);
    struct stat stat;
    assert_int_equal(lstat(f->outside, &stat), 0);
    assert_int_equal(stat.st_size, 6);
    /* And no name can be looked up behind one. */
    assert_int_equal(walk(f, ROOT, 4, "directory"), 0);
    assert_int_equal(walk(f, 4, 5, "x"), ENOTDIR);
    assert_int_equal(name_and_mode(f, MKDIR, 4, "x", 0755), ENOTDIR);
}

static void only_files_and_directories_are_opened(void **state) {
    struct fixture *f = *state;
    assert_int_equal(name_and_mode(f, MKNOD, ROOT, "pipe", S_IFIFO | 0644), 0);
    assert_int_equal(name_and_mode(f, MKNOD, ROOT, "device", S_IFCHR | 0644), EPERM);
    assert_int_equal(name_and_mode(f, MKNOD, ROOT, "device", S_IFBLK | 0644), EPERM);
    assert_int_equal(walk(f, ROOT, 2, "pipe"), 0);
    assert_int_equal(open_fid(f, 2, 0), EOPNOTSUPP);
    assert_int_equal(walk(f, ROOT, 3, NULL), 0);
    assert_int_equal(create(f, 3, "pipe", 0, 0644), EOPNOTSUPP);
}

/* Collects the names of a directory, one entry a request. */
static unsigned list(struct fixture *f, uint32_t fid, char names[][32], unsigned max) {
    uint64_t offset = 0;
    for (unsigned n = 0; n < max; n++) {
        struct wire_out *out = begin(f, READDIR);
        wire_put32(out, fid);
        wire_put64(out, offset);
        wire_put32(out, 13 + 8 + 1 + 2 + 12);
        assert_int_equal(call(f), 0);
        if (wire_get32(&f->in) == 0)
            return n;
        f->in.at += 13;
        offset = wire_get64(&f->in);
        wire_get8(&f->in);
        wire_get_string(&f->in, names[n], 32);
    }
    return max;
}

static void a_directory_is_read_piece_by_piece(void **state) {
    struct fixture *f = *state;
    char names[32][32];
    bool seen[10] = {false};
    for (unsigned i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "file-%u", i);
        assert_int_equal(name_and_mode(f, MKDIR, ROOT, name, 0700), 0);
    }
    assert_int_equal(walk(f, ROOT, 2, NULL), 0);
    assert_int_equal(open_fid(f, 2, 0200000), 0);
    assert_int_equal(list(f, 2, names, 32), 12);
    for (unsigned i = 0; i < 12; i++)
        if (names[i][0] != '.')
            seen[names[i][5] - '0'] = true;
    for (unsigned i = 0; i < 10; i++)
        assert_true(seen[i]);
    assert_int_equal(list(f, 2, names, 32), 12); /* again from the start */
    wire_put32(begin(f, READDIR), 2);
    wire_put64(&f->out, 0);
    wire_put32(&f->out, 10);
    assert_int_equal(call(f), EINVAL);
}

static void files_move_and_go(void **state) {
    struct fixture *f = *state;
    assert_int_equal(walk(f, ROOT, 2, NULL), 0);
    assert_int_equal(create(f, 2, "a", 02, 0600), 0);
    assert_int_equal(name_and_mode(f, MKDIR, ROOT, "d", 0755), 0);
    assert_int_equal(walk(f, ROOT, 3, "d"), 0);
    struct wire_out *out = begin(f, RENAMEAT);
    wire_put32(out, ROOT);
    wire_put_string(out, "a");
    wire_put32(out, 3);
    wire_put_string(out, "b");
    assert_int_equal(call(f), 0);
    assert_int_equal(access(path_of(f, "d/b"), F_OK), 0);
    assert_int_equal(name_and_mode(f, UNLINKAT, ROOT, "d", 0x200), ENOTEMPTY);
    assert_int_equal(name_and_mode(f, UNLINKAT, 3, "b", 0), 0);
    assert_int_equal(write_text(f, 2, 0, "still there"), 0);
    assert_int_equal(name_and_mode(f, UNLINKAT, ROOT, "d", 0x200), 0);
    assert_int_equal(access(path_of(f, "d"), F_OK), -1);
}

static void attributes_are_set(void **state) {
    struct fixture *f = *state;
    struct stat stat;
    assert_int_equal(walk(f, ROOT, 2, NULL), 0);
    assert_int_equal(create(f, 2, "a", 02, 0600), 0);
    struct wire_out *out = begin(f, SETATTR);
    wire_put32(out, 2);
    wire_put32(out, 0x1 | 0x8 | 0x20 | 0x100); /* mode, size, mtime to */
    wire_put32(out, 06640);
    wire_put32(out, 0);
    wire_put32(out, 0);
    wire_put64(out, 12345);
    wire_put64(out, 0);
    wire_put64(out, 0);
    wire_put64(out, 1000000);
    wire_put64(out, 7);
    assert_int_equal(call(f), 0);
    assert_int_equal(lstat(path_of(f, "a"), &stat), 0);
    assert_int_equal(stat.st_mode, S_IFREG | 0640);
    assert_int_equal(stat.st_size, 12345);
    assert_int_equal(stat.st_mtim.tv_sec, 1000000);
    assert_int_equal(stat.st_mtim.tv_nsec, 7);
    out = begin(f, GETATTR);
    wire_put32(out, 2);
    wire_put64(out, 0x7ff);
    assert_int_equal(call(f), 0);
    f->in.at += 8 + 13;
    assert_int_equal(wire_get32(&f->in), S_IFREG | 0640);
    f->in.at += 4 + 4 + 8 + 8;
    assert_int_equal(wire_get64(&f->in), 12345);
}

static void nothing_is_written_read_only(void **state) {
    struct fixture *f = *state;
    assert_int_equal(mkdir(path_of(f, "a"), 0755), 0);
    assert_int_equal(close(open(path_of(f, "b"), O_CREAT | O_WRONLY, 0644)), 0);
    open_share(f, true);
    assert_int_equal(name_and_mode(f, MKDIR, ROOT, "c", 0755), EROFS);
    assert_int_equal(name_and_mode(f, UNLINKAT, ROOT, "a", 0x200), EROFS);
    assert_int_equal(create(f, ROOT, "c", 01, 0644), EROFS);
    assert_int_equal(walk(f, ROOT, 2, "b"), 0);
    assert_int_equal(open_fid(f, 2, 01), EROFS);
    assert_int_equal(open_fid(f, 2, 01000), EROFS);
    assert_int_equal(open_fid(f, 2, 0), 0);
}

static void locks_hold_off_others(void **state) {
    struct fixture *f = *state;
    for (uint32_t fid = 2; fid < 4; fid++) {
        assert_int_equal(walk(f, ROOT, fid, NULL), 0);
        assert_int_equal(create(f, fid, "a", 02, 0600), 0);
        struct wire_out *out = begin(f, LOCK);
        wire_put32(out, fid);
        wire_put8(out, 1); /* to write */
        wire_put32(out, 0);
        wire_put64(out, 0);
        wire_put64(out, 0);
        wire_put32(out, 1);
        wire_put_string(out, "guest");
        assert_int_equal(call(f), 0);
        assert_int_equal(wire_get8(&f->in), fid == 2 ? 0 : 1);
    }
}

static void handles_have_a_limit(void **state) {
    struct fixture *f = *state;
    uint32_t fid = 2;
    int result;
    while ((result = walk(f, ROOT, fid, NULL)) == 0)
        fid++;
    assert_true(result == ENFILE || result == EMFILE);
    assert_int_equal(clunk(f, 2), 0);
    assert_int_equal(walk(f, ROOT, 2, NULL), 0);
}

static void messages_of_wrong_length_are_refused(void **state) {
    struct fixture *f = *state;
    for (unsigned type = 0; type < 256; type++) {
        begin(f, (uint8_t)type);
        int result = call(f); /* no fields at all */
        assert_true(result != 0 || type == 108);
    }
    begin(f, WALK);
    assert_int_equal(call(f), EBADF);
    memset(f->request, 0xff, 32);
    size_t size = share_serve(f->share, f->request, 32, f->answer, sizeof f->answer);
    assert_int_equal(size, 11);
    assert_int_equal(f->answer[4], LERROR);
    /* No room for more than an error. */
    assert_int_equal(walk(f, ROOT, 9, NULL), 0);
    struct wire_out *out = begin(f, GETATTR);
    wire_put32(out, 9);
    wire_put64(out, 0);
    struct wire_out head = {.at = f->request, .end = f->request + 4};
    wire_put32(&head, (uint32_t)(out->at - f->request));
    size = share_serve(f->share, f->request, (size_t)(out->at - f->request), f->answer, 11);
    assert_int_equal(size, 11);
    assert_int_equal(f->answer[4], LERROR);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(a_file_is_made_written_and_read),
        TEST(names_lead_nowhere_else),
        TEST(links_are_not_followed),
        TEST(only_files_and_directories_are_opened),
        TEST(a_directory_is_read_piece_by_piece),
        TEST(files_move_and_go),
        TEST(attributes_are_set),
        TEST(nothing_is_written_read_only),
        TEST(locks_hold_off_others),
        TEST(handles_have_a_limit),
        TEST(messages_of_wrong_length_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
