/* The console (virtio 1.2, 5.3) on a Unix socket, and the entropy device (5.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/loop.h"
#include "host/stream.h"
#include "support/guest.h"
#include "virtio/console.h"
#include "virtio/rng.h"

static char dir[] = "/tmp/pearvisor-console-XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static struct host_loop *loop;
static pthread_t loop_thread;
static struct host_stream *stream;
static struct virtio_console *console;
static struct guest guest;
static struct guest_queue receive, transmit;
static uint64_t data;
static int client;

static void *run_loop(void *ctx) {
    host_loop_run(ctx);
    return NULL;
}

static int start(void **state) {
    (void)state;
    struct error e;
    char spec[sizeof address.sun_path + 8];
    snprintf(spec, sizeof spec, "unix:%s", address.sun_path);
    loop = host_loop_create(&e);
    stream = host_stream_open(loop, spec, NULL, NULL, &e);
    assert_non_null(stream);
    console = virtio_console_create(stream, &e);
    guest_create(&guest, &virtio_console_ops, console);
    virtio_console_attach(console, guest.device);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    pthread_create(&loop_thread, NULL, run_loop, loop);

    virtio_console_resize(console, 132, 43);
    assert_int_equal(guest_negotiate(&guest, FEATURE_VERSION_1 | 1), 11);
    guest_queue_create(&receive, &guest, 0, 8, false);
    guest_queue_create(&transmit, &guest, 1, 8, false);
    data = guest_alloc(&guest, 64 * 1024);
    guest_driver_ok(&guest);
    return 0;
}

static int stop(void **state) {
    (void)state;
    host_loop_stop(loop);
    pthread_join(loop_thread, NULL);
    close(client);
    guest_destroy(&guest);
    virtio_console_destroy(console);
    host_stream_close(stream);
    host_loop_destroy(loop);
    return 0;
}

static void assert_client_reads(const char *text) {
    char got[64];
    for (size_t done = 0; done < strlen(text);) {
        ssize_t size = read(client, got, sizeof got);
        assert_true(size > 0 && (size_t)size <= strlen(text) - done);
        assert_memory_equal(got, text + done, size);
        done += (size_t)size;
    }
}

static void the_guest_writes(void **state) {
    (void)state;
    /* The client may be accepted only later, and what comes before is for nobody: say something first. */
    assert_int_equal(write(client, "x", 1), 1);
    const struct guest_desc in = {data + 4096, 8, DESC_WRITE, 0};
    guest_queue_add(&receive, &in, 1, false);
    guest_queue_bell(&receive);
    uint32_t head, written;
    assert_true(guest_queue_wait(&receive, &head, &written));

    memcpy(guest_at(&guest, data), "hello, world", 12);
    const struct guest_desc parts[] = {{data, 5, 0, 0}, {data + 5, 7, 0, 0}};
    guest_queue_add(&transmit, parts, 2, false);
    guest_queue_bell(&transmit);
    assert_true(guest_queue_take(&transmit, &head, &written));
    assert_int_equal(written, 0);
    assert_true(guest_take_interrupt(&guest) & INTERRUPT_USED);
    assert_client_reads("hello, world");
    struct virtio_console_stats stats;
    virtio_console_stats(console, &stats);
    assert_int_equal(stats.bytes_out, 12);
    assert_int_equal(stats.bytes_in, 1);
}

static void the_guest_reads(void **state) {
    (void)state;
    assert_int_equal(write(client, "abcdefghij", 10), 10);
    usleep(20000); /* input waits for buffers */
    const struct guest_desc parts[] = {{data, 3, DESC_WRITE, 0}, {data + 100, 3, DESC_WRITE, 0}};
    guest_queue_add(&receive, parts, 2, false);
    guest_queue_bell(&receive);
    uint32_t head, written;
    assert_true(guest_queue_wait(&receive, &head, &written));
    assert_int_equal(written, 6);
    assert_memory_equal(guest_at(&guest, data), "abc", 3);
    assert_memory_equal(guest_at(&guest, data + 100), "def", 3);
    const struct guest_desc large = {data, 4096, DESC_WRITE, 0};
    guest_queue_add(&receive, &large, 1, false);
    guest_queue_bell(&receive);
    assert_true(guest_queue_wait(&receive, &head, &written));
    assert_int_equal(written, 4);
    assert_memory_equal(guest_at(&guest, data), "ghij", 4);
}

static void the_terminal_has_a_size(void **state) {
    (void)state;
    guest_take_interrupt(&guest);
    assert_int_equal(guest_read(&guest, REG_CONFIG), 43u << 16 | 132);
    virtio_console_resize(console, 132, 43);
    assert_int_equal(guest_take_interrupt(&guest), 0);
    uint32_t generation = guest_read(&guest, REG_CONFIG_GENERATION);
    virtio_console_resize(console, 80, 25);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_CONFIG_CHANGE);
    assert_int_not_equal(guest_read(&guest, REG_CONFIG_GENERATION), generation);
    assert_int_equal(guest_read(&guest, REG_CONFIG), 25u << 16 | 80);
}

/* Nobody reads: the guest goes on, and what does not fit is counted. */
static void a_stuck_reader(void **state) {
    (void)state;
    struct virtio_console_stats stats;
    const struct guest_desc part = {data, 64 * 1024, 0, 0};
    for (unsigned i = 0; i < 64; i++) {
        uint32_t head, written;
        guest_queue_add(&transmit, &part, 1, false);
        guest_queue_bell(&transmit);
        assert_true(guest_queue_take(&transmit, &head, &written));
    }
    virtio_console_stats(console, &stats);
    assert_int_equal(stats.bytes_out + stats.bytes_dropped, 64 * 64 * 1024);
}

static void entropy(void **state) {
    (void)state;
    struct error e;
    struct guest g;
    struct guest_queue queue;
    struct virtio_rng *rng = virtio_rng_create(&e);
    guest_create(&g, &virtio_rng_ops, rng);
    virtio_rng_attach(rng, g.device);
    assert_int_equal(guest_negotiate(&g, FEATURE_VERSION_1), 11);
    guest_queue_create(&queue, &g, 0, 8, false);
    uint64_t at = guest_alloc(&g, 4096);
    const struct guest_desc small[] = {{at, 20, DESC_WRITE, 0}, {at + 100, 12, DESC_WRITE, 0}};
    guest_queue_add(&queue, small, 2, false); /* before DRIVER_OK, and without a bell */
    guest_driver_ok(&g);
    uint32_t head, written;
    assert_true(guest_queue_take(&queue, &head, &written));
    assert_int_equal(written, 32);
    const uint8_t zeros[20] = {0};
    assert_memory_not_equal(guest_at(&g, at), zeros, 20);
    assert_memory_not_equal(guest_at(&g, at + 100), zeros, 12);
    assert_memory_equal(guest_at(&g, at + 20), zeros, 20);
    const struct guest_desc large = {at, 4096, DESC_WRITE, 0}, none = {at, 4096, 0, 0};
    guest_queue_add(&queue, &large, 1, false);
    guest_queue_add(&queue, &none, 1, false);
    guest_queue_bell(&queue);
    assert_true(guest_queue_take(&queue, &head, &written));
    assert_in_range(written, 1, 4096);
    assert_true(guest_queue_take(&queue, &head, &written));
    assert_int_equal(written, 0);
    guest_destroy(&g);
    virtio_rng_destroy(rng);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void) {
    if (!mkdtemp(dir))
        return 1;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", dir);
    const struct CMUnitTest tests[] = {
        WITH(the_guest_writes),
        WITH(the_guest_reads),
        WITH(the_terminal_has_a_size),
        WITH(a_stuck_reader),
        cmocka_unit_test(entropy),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
