/* Streams that lead to Unix sockets: one client with back-pressure, and several that share a console. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "host/loop.h"
#include "host/socket.h"
#include "host/stream.h"

enum { RING = 256 * 1024 };

static char dir[] = "/tmp/pearvisor-stream-XXXXXX";
static char path[64];
static struct host_loop *loop;
static struct host_stream *stream;
static pthread_t thread;
static atomic_uint room; /* what the receiver takes */
static atomic_uint taken;
static char got[64];

static size_t on_input(void *ctx, const uint8_t *data, size_t size) {
    (void)ctx;
    if (size > room)
        size = room;
    if (taken + size < sizeof got)
        memcpy(got + taken, data, size);
    taken += (unsigned)size;
    room -= (unsigned)size;
    return size;
}

static void *run_loop(void *ctx) {
    host_loop_run(ctx);
    return NULL;
}

static int start(const char *kind) {
    char spec[96];
    struct error e;
    snprintf(spec, sizeof spec, "%s:%s", kind, path);
    memset(got, 0, sizeof got);
    taken = 0;
    room = UINT32_MAX / 2;
    loop = host_loop_create(&e);
    stream = host_stream_open(loop, spec, NULL, NULL, &e);
    if (!stream)
        return -1;
    host_stream_on_input(stream, on_input, NULL);
    return pthread_create(&thread, NULL, run_loop, loop);
}

static int start_unix(void **state) {
    (void)state;
    return start("unix");
}

static int start_shared(void **state) {
    (void)state;
    return start("shared");
}

static int stop(void **state) {
    (void)state;
    char log[80];
    host_loop_stop(loop);
    pthread_join(thread, NULL);
    host_stream_close(stream);
    host_loop_destroy(loop);
    snprintf(log, sizeof log, "%s.log", path);
    unlink(log);
    return access(path, F_OK) == 0 ? -1 : 0; /* the socket is gone with its stream */
}

static int connect_client(void) {
    int fd = host_socket_connect(dir, "socket");
    const struct timeval patience = {.tv_sec = 5};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void wait_for_input(unsigned count) {
    for (unsigned i = 0; i < 5000 && taken < count; i++)
        usleep(1000);
    assert_true(taken >= count);
}

/* Reads exactly size bytes; what the last of them is. */
static char read_all(int fd, size_t size) {
    static char data[RING];
    char last = 0;
    while (size) {
        ssize_t part = read(fd, data, size < sizeof data ? size : sizeof data);
        assert_true(part > 0);
        size -= (size_t)part;
        last = data[part - 1];
    }
    return last;
}

static void sockets_are_the_owners(void **state) {
    (void)state;
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct error e;
    assert_int_equal(host_socket_listen(path, &e), -1);
    assert_non_null(strstr(e.text, "another program"));
}

/* Until there is no room any more, as nobody reads. */
static size_t write_all(void) {
    static char block[64 * 1024];
    size_t written = 0;
    for (unsigned idle = 0; idle < 20;) {
        size_t part = host_stream_write(stream, block, sizeof block);
        written += part;
        idle = part ? 0 : idle + 1;
        usleep(1000);
    }
    return written;
}

/* The client does not read until all is written, but types meanwhile: output goes on when it reads. */
static void input_does_not_stop_output(void **state) {
    (void)state;
    int client = connect_client();
    assert_int_equal(write(client, "x", 1), 1);
    wait_for_input(1); /* it has been accepted */
    size_t written = write_all();
    room = 0;
    static char typed[8192];
    assert_int_equal(write(client, typed, sizeof typed), sizeof typed); /* more than the stream keeps */
    usleep(20000);
    room = UINT32_MAX / 2;
    host_stream_resume(stream);
    wait_for_input(1 + sizeof typed);
    read_all(client, written);
    assert_int_equal(host_stream_write(stream, "!", 1), 1);
    assert_int_equal(read_all(client, 1), '!');
    close(client);
}

/* What waited for a client that is gone goes with it, and the next one gets what comes then. */
static void a_client_that_never_read_leaves(void **state) {
    (void)state;
    int client = connect_client();
    assert_int_equal(write(client, "x", 1), 1);
    wait_for_input(1);
    assert_true(write_all() > RING);
    shutdown(client, SHUT_WR); /* all that there is to see of it is the end of its input */
    for (unsigned i = 0; i < 1000 && !host_stream_write(stream, "-", 1); i++)
        usleep(1000);
    close(client);
    client = connect_client();
    assert_int_equal(write(client, "y", 1), 1);
    wait_for_input(2);
    assert_int_equal(host_stream_write(stream, "!", 1), 1);
    assert_int_equal(read_all(client, 1), '!');
    close(client);
}

static void several_share_a_console(void **state) {
    (void)state;
    assert_int_equal(host_stream_write(stream, "before", 6), 6);
    int first = connect_client(), second = connect_client();
    assert_int_equal(read_all(first, 6), 'e');
    assert_int_equal(read_all(second, 6), 'e');
    host_stream_write(stream, ", after", 7);
    assert_int_equal(read_all(first, 7), 'r');
    assert_int_equal(read_all(second, 7), 'r');
    assert_int_equal(write(first, "one", 3), 3);
    wait_for_input(3);
    close(first);
    assert_int_equal(write(second, "two", 3), 3);
    wait_for_input(6);
    assert_string_equal(got, "onetwo");
    host_stream_write(stream, "!", 1);
    assert_int_equal(read_all(second, 1), '!');
    close(second);

    char log[80], kept[32] = {0};
    snprintf(log, sizeof log, "%s.log", path);
    FILE *file = fopen(log, "r");
    assert_non_null(file);
    assert_int_equal(fread(kept, 1, sizeof kept, file), 14);
    assert_string_equal(kept, "before, after!");
    fclose(file);
}

/* Who does not read loses the oldest, and nobody else waits for it. */
static void a_slow_client_loses_the_oldest(void **state) {
    (void)state;
    static char block[64 * 1024];
    int slow = connect_client(), fast = connect_client();
    host_stream_write(stream, "+", 1);
    assert_int_equal(read_all(slow, 1), '+');
    assert_int_equal(read_all(fast, 1), '+');
    for (unsigned i = 0; i < 32; i++) {
        memset(block, 'a' + (int)i % 26, sizeof block);
        assert_int_equal(host_stream_write(stream, block, sizeof block), sizeof block);
        assert_int_equal(read_all(fast, sizeof block), block[0]);
    }
    host_stream_write(stream, "\n", 1);
    assert_int_equal(read_all(fast, 1), '\n');
    size_t seen = 0;
    for (char c = 0; c != '\n'; seen++)
        assert_int_equal(read(slow, &c, 1), 1);
    assert_in_range(seen, RING, 31 * sizeof block);
    close(slow);
    close(fast);
}

/* A full guest stops the clients from being read, not one that leaves from being noticed. */
static void a_full_guest_stops_the_clients(void **state) {
    (void)state;
    static char typed[8192];
    int client = connect_client(), gone = connect_client();
    host_stream_write(stream, ">", 1);
    read_all(client, 1);
    read_all(gone, 1);
    room = 0;
    assert_int_equal(write(client, typed, sizeof typed), sizeof typed);
    usleep(20000);
    close(gone);
    room = UINT32_MAX / 2;
    host_stream_resume(stream);
    wait_for_input(sizeof typed);
    close(client);
}

#define UNIX(f)   cmocka_unit_test_setup_teardown(f, start_unix, stop)
#define SHARED(f) cmocka_unit_test_setup_teardown(f, start_shared, stop)

int main(void) {
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/socket", dir);
    const struct CMUnitTest tests[] = {
        UNIX(sockets_are_the_owners),
        UNIX(input_does_not_stop_output),
        UNIX(a_client_that_never_read_leaves),
        SHARED(several_share_a_console),
        SHARED(a_slow_client_loses_the_oldest),
        SHARED(a_full_guest_stops_the_clients),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
