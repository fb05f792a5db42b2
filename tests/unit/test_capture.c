/* Captures of the network: the file's format, read while the VM still runs, and files that cannot be written.
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
#include <time.h>
#include <unistd.h>

#include "net/capture.h"

static struct {
    struct net net;
    unsigned sent, received, flushes;
    uint8_t last;
} below;

static void on_send(struct net *net, const uint8_t *frame, size_t size) {
    (void)net;
    below.sent++;
    below.last = frame[size - 1];
}

static void on_flush(struct net *net) {
    (void)net;
    below.flushes++;
}

static void on_close(struct net *net) {
    (void)net;
}

static void on_receive(void *ctx, const uint8_t *frame, size_t size) {
    (void)ctx;
    below.received++;
    below.last = frame[size - 1];
}

static struct net *open_capture(const char *path, struct error *e) {
    static const struct net_ops ops = {on_send, on_flush, on_close};
    memset(&below, 0, sizeof below);
    below.net = (struct net){.ops = &ops, .mtu = 1500};
    struct net *capture = net_capture_create(&below.net, path, e);
    if (capture)
        capture->port = (struct net_port){.receive = on_receive};
    return capture;
}

static uint32_t word(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* One record; returns what follows it. */
static const uint8_t *check_packet(const uint8_t *at, const uint8_t *frame, uint32_t size, time_t from) {
    assert_in_range(word(at), from, time(NULL));
    assert_in_range(word(at + 4), 0, 999999);
    assert_int_equal(word(at + 8), size);
    assert_int_equal(word(at + 12), size);
    assert_memory_equal(at + 16, frame, size);
    return at + 16 + size;
}

static void both_directions(void **state) {
    (void)state;
    static uint8_t large[NET_FRAME_MAX], file[3 * 16 + 24 + 60 + 64 + NET_FRAME_MAX + 1];
    char path[] = "/tmp/pearvisor-capture-XXXXXX";
    struct error e;
    close(mkstemp(path));
    unlink(path);
    struct net *capture = open_capture(path, &e);
    assert_non_null(capture);
    assert_int_equal(access(path, F_OK), -1); /* nothing until something passes */
    const uint8_t out[60] = "to the network", in[64] = "to the guest";
    time_t from = time(NULL);
    memset(large, 7, sizeof large);
    capture->ops->send(capture, out, sizeof out);
    below.net.port.receive(below.net.port.ctx, in, sizeof in);
    below.net.port.flush(below.net.port.ctx); /* to an interface that has no use for it */
    capture->ops->send(capture, large, sizeof large);
    capture->ops->flush(capture);
    assert_int_equal(below.sent, 2);
    assert_int_equal(below.received, 1);
    assert_int_equal(below.flushes, 1);

    FILE *f = fopen(path, "r"); /* as it is when the VM is killed now */
    assert_non_null(f);
    assert_int_equal(fread(file, 1, sizeof file, f), sizeof file - 1);
    fclose(f);
    const uint8_t head[] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    assert_memory_equal(file, head, sizeof head);
    assert_true(word(file + 16) >= NET_FRAME_MAX);
    assert_int_equal(word(file + 20), 1); /* LINKTYPE_ETHERNET */
    const uint8_t *at = check_packet(file + 24, out, sizeof out, from);
    at = check_packet(at, in, sizeof in, from);
    check_packet(at, large, sizeof large, from);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    net_close(capture);
    unlink(path);
}

static void files_that_cannot_be_written(void **state) {
    (void)state;
    struct error e;
    assert_null(open_capture("/nowhere/file.pcap", &e));
    assert_string_equal(e.text, "/nowhere/file.pcap: cannot create it: No such file or directory");
    assert_null(open_capture("/tmp", &e));
    assert_string_equal(e.text, "/tmp: is a directory");
    /* One that fills up ends the capture, not the network. */
    struct net *capture = open_capture("/dev/full", &e);
    const uint8_t frame[60] = {[59] = 9};
    for (unsigned i = 0; i < 3; i++)
        capture->ops->send(capture, frame, sizeof frame);
    below.net.port.receive(below.net.port.ctx, frame, sizeof frame);
    assert_int_equal(below.sent, 3);
    assert_int_equal(below.received, 1);
    assert_int_equal(below.last, 9);
    net_close(capture);
}

/* A FIFO that nobody reads does not stop the VM. */
static void a_fifo_without_a_reader(void **state) {
    (void)state;
    char directory[] = "/tmp/pearvisor-capture-XXXXXX", path[64];
    struct error e;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/fifo", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    struct net *capture = open_capture(path, &e);
    const uint8_t frame[60] = {0};
    capture->ops->send(capture, frame, sizeof frame);
    assert_int_equal(below.sent, 1);
    net_close(capture);
    unlink(path);
    rmdir(directory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_directions),
        cmocka_unit_test(files_that_cannot_be_written),
        cmocka_unit_test(a_fifo_without_a_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
