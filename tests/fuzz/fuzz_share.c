/* 9P messages on a directory of our own; what lies beside it must not change. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "input.h"
#include "share/share.h"
#include "share/wire.h"

static char top[] = "/tmp/pearvisor-fuzz-XXXXXX";
static char shared[64], beside[64];

static void clean_up(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", top);
    if (system(command) != 0)
        abort();
}

static void set_up(void) {
    if (*shared)
        return;
    if (!mkdtemp(top))
        abort();
    snprintf(shared, sizeof shared, "%s/shared", top);
    snprintf(beside, sizeof beside, "%s/beside", top);
    int fd = open(beside, O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, "beside", 6) != 6 || mkdir(shared, 0700) < 0)
        abort();
    close(fd);
    int dir = open(shared, O_PATH);
    if (symlinkat("../beside", dir, "link") < 0 || symlinkat("..", dir, "up") < 0)
        abort();
    close(dir);
    atexit(clean_up);
}

static void check_beside(void) {
    struct stat stat;
    unsigned entries = 0;
    DIR *dir = opendir(top);
    while (dir && readdir(dir))
        entries++;
    closedir(dir);
    if (lstat(beside, &stat) < 0 || stat.st_size != 6 || stat.st_mode != (S_IFREG | 0600) ||
        stat.st_nlink != 1 || entries != 4)
        abort();
}

static void put_name(struct wire_out *out, uint8_t choice) {
    static const char *const names[] = {"a", "b", "link", "up", "..", ".", "", "../beside", "/etc", "a/b"};
    wire_put_string(out, names[choice % (sizeof names / sizeof *names)]);
}

/* One message: a type, few handles and names, and numbers as they come. */
static size_t make_message(struct fuzz_input *in, uint8_t *message, size_t room) {
    struct wire_out out = {.at = message + 4, .end = message + room};
    wire_put8(&out, fuzz_byte(in));
    wire_put16(&out, 1);
    for (uint8_t fields = fuzz_byte(in) % 12; fields--;) {
        uint8_t kind = fuzz_byte(in);
        switch (kind % 5) {
        case 0: wire_put32(&out, kind >> 5); break;
        case 1: put_name(&out, fuzz_byte(in)); break;
        case 2: wire_put64(&out, fuzz_u16(in)); break;
        case 3: wire_put32(&out, fuzz_u32(in)); break;
        case 4: wire_put16(&out, kind >> 5); break;
        }
    }
    size_t size = (size_t)(out.at - message);
    struct wire_out head = {.at = message, .end = message + 4};
    wire_put32(&head, fuzz_byte(in) ? (uint32_t)size : fuzz_u32(in));
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t attach[] = {
        23, 0, 0, 0, 104, 1, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0};
    static uint8_t message[1024], answer[8192];
    struct fuzz_input in = {data, size};
    set_up();
    struct share *share = share_open(shared, fuzz_byte(&in) & 1, NULL);
    if (!share)
        abort();
    share_serve(share, attach, sizeof attach, answer, sizeof answer);
    while (in.size) {
        size_t length = make_message(&in, message, sizeof message);
        size_t room = fuzz_byte(&in) & 1 ? sizeof answer : SHARE_HEADER + 4u + fuzz_byte(&in);
        size_t answered = share_serve(share, message, length, answer, room);
        if (answered > room || answered < SHARE_HEADER)
            abort();
    }
    share_close(share);
    check_beside();
    return 0;
}
