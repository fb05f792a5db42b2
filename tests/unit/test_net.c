/* The network interface (virtio 1.2, 5.1) alone, and through user-mode networking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/loop.h"
#include "net/slirp.h"
#include "support/guest.h"
#include "virtio/net.h"

enum { F_MTU = 3, F_MAC = 5, F_MRG_RXBUF = 15, F_STATUS = 16 };
enum { HEADER = 12, QUEUE_SIZE = 64, BUFFER_SIZE = 2048 };

static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

static const struct net_slirp_config slirp_config = {.mtu = 1500, .guest = NET_GUEST_FIRST};

static struct host_loop *loop;
static pthread_t loop_thread;
static struct net *net;
static struct virtio_net *interface;
static struct guest guest;
static struct guest_queue rx, tx;
static uint64_t rx_data, tx_data;

/* --- a network that only remembers */

static struct {
    struct net net;
    pthread_mutex_t lock;
    unsigned sent, flushes;
    uint8_t last[NET_FRAME_MAX];
    size_t last_size;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void fake_send(struct net *n, const uint8_t *frame, size_t size) {
    (void)n;
    pthread_mutex_lock(&fake.lock);
    fake.sent++;
    memcpy(fake.last, frame, size);
    fake.last_size = size;
    pthread_mutex_unlock(&fake.lock);
}

static void fake_flush(struct net *n) {
    (void)n;
    pthread_mutex_lock(&fake.lock);
    fake.flushes++;
    pthread_mutex_unlock(&fake.lock);
}

static void fake_close(struct net *n) {
    (void)n;
}

static const struct net_ops fake_ops = {fake_send, fake_flush, fake_close};

/* --- life */

static void *run_loop(void *ctx) {
    host_loop_run(ctx);
    return NULL;
}

static void start_guest(uint64_t features) {
    struct error e;
    interface = virtio_net_create(loop, net, mac, &e);
    guest_create(&guest, &virtio_net_ops, interface);
    virtio_net_attach(interface, guest.device);
    pthread_create(&loop_thread, NULL, run_loop, loop);
    assert_int_equal(guest_negotiate(&guest, FEATURE_VERSION_1 | 1u << F_MAC | features), 11);
    guest_queue_create(&rx, &guest, 0, QUEUE_SIZE, features & FEATURE_EVENT_IDX);
    guest_queue_create(&tx, &guest, 1, QUEUE_SIZE, features & FEATURE_EVENT_IDX);
    rx_data = guest_alloc(&guest, QUEUE_SIZE * BUFFER_SIZE);
    tx_data = guest_alloc(&guest, 64 * 1024);
    guest_driver_ok(&guest);
}

static void start_fake(uint64_t features) {
    struct error e;
    loop = host_loop_create(&e);
    memset(&fake.net, 0, sizeof fake.net);
    fake.sent = fake.flushes = 0;
    fake.net.ops = &fake_ops;
    fake.net.mtu = 1500;
    net = &fake.net;
    start_guest(features);
}

static int start_plain(void **state) {
    (void)state;
    start_fake(0);
    return 0;
}

static int start_mergeable(void **state) {
    (void)state;
    start_fake(1u << F_MRG_RXBUF | FEATURE_EVENT_IDX);
    return 0;
}

static int stop(void **state) {
    (void)state;
    host_loop_stop(loop);
    pthread_join(loop_thread, NULL);
    guest_destroy(&guest);
    virtio_net_destroy(interface);
    net_close(net);
    host_loop_destroy(loop);
    return 0;
}

/* --- frames */

static void give_buffers(unsigned count, uint32_t size) {
    for (unsigned i = 0; i < count; i++) {
        const struct guest_desc part = {rx_data + BUFFER_SIZE * rx.next_desc, size, DESC_WRITE, 0};
        guest_queue_add(&rx, &part, 1, false);
    }
    if (guest_queue_wants_bell(&rx))
        guest_queue_bell(&rx);
}

static void send_frame(const void *frame, uint32_t size) {
    uint8_t *at = guest_at(&guest, tx_data);
    memset(at, 0, HEADER);
    memcpy(at + HEADER, frame, size);
    const struct guest_desc parts[] = {{tx_data, HEADER, 0, 0}, {tx_data + HEADER, size, 0, 0}};
    guest_queue_add(&tx, parts, 2, false);
    if (guest_queue_wants_bell(&tx))
        guest_queue_bell(&tx);
    uint32_t head, written;
    assert_true(guest_queue_wait(&tx, &head, &written));
    assert_int_equal(written, 0);
}

static void receive(const uint8_t *frame, size_t size) {
    net->port.receive(net->port.ctx, frame, size);
    net->port.flush(net->port.ctx);
}

static void pattern(uint8_t *frame, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; i++)
        frame[i] = (uint8_t)(i * 7 + seed);
}

static struct virtio_net_stats stats(void) {
    struct virtio_net_stats out;
    virtio_net_stats(interface, &out);
    return out;
}

/* --- the device alone */

static void configuration(void **state) {
    (void)state;
    guest_write(&guest, REG_DEVICE_FEATURES_SEL, 0);
    uint32_t features = guest_read(&guest, REG_DEVICE_FEATURES);
    assert_true(features >> F_MTU & 1 && features >> F_MRG_RXBUF & 1 && features >> F_STATUS & 1);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t value;
        assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + i, 1, &value));
        assert_int_equal(value, mac[i]);
    }
    uint64_t value;
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + 6, 2, &value));
    assert_int_equal(value, 1); /* link up */
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + 10, 2, &value));
    assert_int_equal(value, 1500);
}

static void one_buffer_a_frame(void **state) {
    (void)state;
    uint8_t frame[1514];
    pattern(frame, sizeof frame, 1);
    give_buffers(2, BUFFER_SIZE);
    receive(frame, sizeof frame);
    uint32_t head, written;
    assert_true(guest_queue_take(&rx, &head, &written));
    assert_int_equal(written, HEADER + sizeof frame);
    const uint8_t *got = guest_at(&guest, rx_data + BUFFER_SIZE * head);
    const uint8_t header[HEADER] = {[10] = 1}; /* num_buffers */
    assert_memory_equal(got, header, HEADER);
    assert_memory_equal(got + HEADER, frame, sizeof frame);
    assert_true(guest_take_interrupt(&guest) & INTERRUPT_USED);
    assert_int_equal(stats().rx_frames, 1);
    assert_int_equal(stats().rx_bytes, sizeof frame);
}

static void a_buffer_too_small_drops(void **state) {
    (void)state;
    uint8_t frame[200] = {0};
    give_buffers(1, 100);
    receive(frame, sizeof frame);
    assert_int_equal(guest_queue_used_idx(&rx), 0);
    assert_int_equal(stats().rx_dropped, 1);
    receive(frame, 60); /* still there for one that fits */
    assert_int_equal(guest_queue_used_idx(&rx), 1);
}

static void several_buffers_a_frame(void **state) {
    (void)state;
    uint8_t frame[1000];
    pattern(frame, sizeof frame, 2);
    give_buffers(8, 300);
    receive(frame, sizeof frame);
    size_t done = 0;
    for (unsigned i = 0; i < 4; i++) { /* 288 + 300 + 300 + 112 */
        uint32_t head, written;
        assert_true(guest_queue_take(&rx, &head, &written));
        const uint8_t *got = guest_at(&guest, rx_data + BUFFER_SIZE * head);
        if (i == 0)
            assert_int_equal(got[10] | got[11] << 8, 4);
        size_t skip = i == 0 ? HEADER : 0;
        assert_memory_equal(got + skip, frame + done, written - skip);
        done += written - skip;
    }
    assert_int_equal(done, sizeof frame);
    assert_int_equal(guest_queue_used_idx(&rx), 4);
}

static void frames_wait_for_buffers(void **state) {
    (void)state;
    uint8_t frame[600];
    for (unsigned i = 0; i < 3; i++) {
        pattern(frame, sizeof frame, i);
        receive(frame, sizeof frame);
    }
    give_buffers(1, 300); /* not enough for one: nothing of it shows */
    assert_int_equal(guest_queue_used_idx(&rx), 0);
    give_buffers(5, 300);
    assert_int_equal(guest_queue_used_idx(&rx), 6);
    give_buffers(3, 300);
    for (unsigned i = 0; i < 3; i++) {
        pattern(frame, sizeof frame, i);
        uint32_t head, written;
        assert_true(guest_queue_take(&rx, &head, &written));
        assert_memory_equal((uint8_t *)guest_at(&guest, rx_data + BUFFER_SIZE * head) + HEADER, frame, 288);
        assert_true(guest_queue_take(&rx, &head, &written));
        assert_true(guest_queue_take(&rx, &head, &written));
        assert_int_equal(written, 600 - 288 - 300);
    }
    assert_int_equal(stats().rx_frames, 3);
    assert_int_equal(stats().rx_dropped, 0);
}

static void the_backlog_has_an_end(void **state) {
    (void)state;
    uint8_t frame[1514] = {0};
    for (unsigned i = 0; i < 10000; i++)
        receive(frame, sizeof frame);
    assert_in_range(stats().rx_dropped, 9000, 9999);
    guest_write(&guest, REG_STATUS, 0); /* and a reset forgets it */
    receive(frame, sizeof frame);
}

static void a_receive_buffer_without_room_for_the_header(void **state) {
    (void)state;
    uint8_t frame[60] = {0};
    give_buffers(1, HEADER - 1);
    receive(frame, sizeof frame);
    assert_true(guest_read(&guest, REG_STATUS) & STATUS_NEEDS_RESET);
}

static void frames_are_sent(void **state) {
    (void)state;
    uint8_t frame[1514];
    for (unsigned i = 0; i < 300; i++) {
        pattern(frame, sizeof frame, i);
        send_frame(frame, (uint32_t)(sizeof frame - i));
    }
    host_loop_stop(loop); /* what was taken is passed on before the loop looks at anything else */
    pthread_join(loop_thread, NULL);
    assert_int_equal(fake.sent, 300);
    assert_int_equal(fake.last_size, sizeof frame - 299);
    assert_memory_equal(fake.last, frame, fake.last_size);
    assert_true(fake.flushes > 0);
    pthread_create(&loop_thread, NULL, run_loop, loop);
}

static void frames_of_bad_sizes_are_dropped(void **state) {
    (void)state;
    const uint32_t sizes[] = {0, 1, 11, 12, 25, HEADER + NET_FRAME_MAX + 1};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const struct guest_desc part = {tx_data, sizes[i], 0, 0};
        guest_queue_add(&tx, &part, 1, false);
        guest_queue_bell(&tx);
        uint32_t head, written;
        assert_true(guest_queue_wait(&tx, &head, &written));
    }
    assert_int_equal(stats().tx_dropped, sizeof sizes / sizeof *sizes);
    assert_int_equal(stats().tx_frames, 0);
}

/* --- through user-mode networking */

static const uint8_t guest_ip[4] = {10, 0, 2, 15}, router_ip[4] = {10, 0, 2, 2};
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static uint8_t router_mac[6];

static uint16_t get16(const uint8_t *at) {
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void start_slirp(const char *forward) {
    struct error e;
    loop = host_loop_create(&e);
    net = net_slirp_create(loop, &slirp_config, &e);
    assert_non_null(net);
    if (forward)
        assert_int_equal(net_slirp_forward(net, forward, &e), 0);
    start_guest(1u << F_MRG_RXBUF | FEATURE_EVENT_IDX);
    give_buffers(QUEUE_SIZE - 1, BUFFER_SIZE);
}

/* The next frame of an Ethernet type; others are passed over. */
static const uint8_t *wait_frame(uint16_t type, uint32_t *size) {
    for (;;) {
        uint32_t head, written;
        assert_true(guest_queue_wait(&rx, &head, &written));
        const uint8_t *frame = (const uint8_t *)guest_at(&guest, rx_data + BUFFER_SIZE * head) + HEADER;
        *size = written - HEADER;
        if (get16(frame + 12) == type)
            return frame;
    }
}

static void ethernet(uint8_t *frame, const uint8_t to[6], uint16_t type) {
    memcpy(frame, to, 6);
    memcpy(frame + 6, mac, 6);
    put16(frame + 12, type);
}

static void send_arp(
    const uint8_t to[6], unsigned operation, const uint8_t target_mac[6], const uint8_t target[4]) {
    uint8_t frame[60] = {0};
    ethernet(frame, to, 0x0806);
    memcpy(frame + 14, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0, (uint8_t)operation}, 8);
    memcpy(frame + 22, mac, 6);
    memcpy(frame + 28, guest_ip, 4);
    memcpy(frame + 32, target_mac, 6);
    memcpy(frame + 38, target, 4);
    send_frame(frame, sizeof frame);
}

static uint16_t checksum(const uint8_t *data, size_t size, uint32_t sum) {
    for (size_t i = 0; i < size; i += 2)
        sum += (uint32_t)(data[i] << 8 | (i + 1 < size ? data[i + 1] : 0));
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* Sends an IPv4 packet; payload is what comes after the IP header. */
static void send_ip(const uint8_t to_mac[6], uint8_t protocol, const uint8_t from[4], const uint8_t to[4],
    const uint8_t *payload, size_t size) {
    uint8_t frame[1514] = {0};
    ethernet(frame, to_mac, 0x0800);
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(20 + size));
    ip[8] = 64;
    ip[9] = protocol;
    memcpy(ip + 12, from, 4);
    memcpy(ip + 16, to, 4);
    put16(ip + 10, checksum(ip, 20, 0));
    memcpy(ip + 20, payload, size);
    send_frame(frame, (uint32_t)(34 + size));
}

static void arp_finds_the_router(void **state) {
    (void)state;
    start_slirp(NULL);
    send_arp(broadcast, 1, (const uint8_t[6]){0}, router_ip);
    uint32_t size;
    const uint8_t *frame = wait_frame(0x0806, &size);
    assert_true(size >= 42);
    assert_memory_equal(frame, mac, 6);
    assert_int_equal(get16(frame + 20), 2); /* a reply */
    assert_memory_equal(frame + 28, router_ip, 4);
    assert_memory_equal(frame + 38, guest_ip, 4);
}

static const uint8_t *dhcp_option(const uint8_t *options, const uint8_t *end, uint8_t code) {
    while (options + 2 <= end && *options != 255 && *options != code)
        options += *options == 0 ? 1 : 2 + options[1];
    return options + 2 <= end && *options == code ? options : NULL;
}

static void dhcp_offers_an_address(void **state) {
    (void)state;
    start_slirp(NULL);
    uint8_t udp[8 + 300] = {0};
    put16(udp, 68);
    put16(udp + 2, 67);
    put16(udp + 4, sizeof udp);
    uint8_t *dhcp = udp + 8;
    memcpy(dhcp, (const uint8_t[]){1, 1, 6, 0, 0xde, 0xad, 0xbe, 0xef}, 8);
    memcpy(dhcp + 28, mac, 6);
    memcpy(dhcp + 236, (const uint8_t[]){99, 130, 83, 99, 53, 1, 1 /* discover */, 255}, 8);
    send_ip(broadcast, 17, (const uint8_t[4]){0}, (const uint8_t[]){255, 255, 255, 255}, udp, sizeof udp);
    uint32_t size;
    const uint8_t *frame = wait_frame(0x0800, &size);
    assert_true(size > 14 + 20 + 8 + 240);
    const uint8_t *offer = frame + 14 + 20 + 8, *end = frame + size;
    assert_int_equal(get16(frame + 14 + 20 + 2), 68);
    assert_int_equal(offer[0], 2);
    assert_memory_equal(offer + 4, "\xde\xad\xbe\xef", 4);
    assert_memory_equal(offer + 16, guest_ip, 4);
    const uint8_t *type = dhcp_option(offer + 240, end, 53), *router = dhcp_option(offer + 240, end, 3),
                  *dns = dhcp_option(offer + 240, end, 6);
    assert_non_null(type);
    assert_int_equal(type[2], 2);
    assert_non_null(router);
    assert_memory_equal(router + 2, router_ip, 4);
    assert_non_null(dns);
    assert_memory_equal(dns + 2, "\x0a\x00\x02\x03", 4);
}

static int host_socket(int type, uint16_t *port) {
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

/* The next IP packet for the guest, answering ARP on the way. */
static const uint8_t *wait_ip(uint8_t protocol) {
    for (;;) {
        uint32_t head, written;
        assert_true(guest_queue_wait(&rx, &head, &written));
        const uint8_t *frame = (const uint8_t *)guest_at(&guest, rx_data + BUFFER_SIZE * head) + HEADER;
        if (get16(frame + 12) == 0x0806 && get16(frame + 20) == 1) {
            memcpy(router_mac, frame + 22, 6);
            send_arp(router_mac, 2, router_mac, frame + 28);
        } else if (get16(frame + 12) == 0x0800 && frame[14 + 9] == protocol) {
            memcpy(router_mac, frame + 6, 6);
            return frame + 14;
        }
    }
}

static void a_udp_port_is_forwarded(void **state) {
    (void)state;
    uint16_t port, own_port;
    close(host_socket(SOCK_DGRAM, &port));
    char forward[32];
    snprintf(forward, sizeof forward, "udp:%u-5353", port);
    start_slirp(forward);
    int fd = host_socket(SOCK_DGRAM, &own_port);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    assert_int_equal(sendto(fd, "ping?", 5, 0, (struct sockaddr *)&to, sizeof to), 5);

    const uint8_t *ip = wait_ip(17);
    assert_memory_equal(ip + 16, guest_ip, 4);
    assert_int_equal(get16(ip + 22), 5353);
    assert_memory_equal(ip + 28, "ping?", 5);
    uint8_t reply[8 + 5];
    put16(reply, 5353);
    memcpy(reply + 2, ip + 20, 2);
    put16(reply + 4, sizeof reply);
    put16(reply + 6, 0); /* no checksum */
    memcpy(reply + 8, "pong!", 5);
    uint8_t peer[4];
    memcpy(peer, ip + 12, 4);
    send_ip(router_mac, 17, guest_ip, peer, reply, sizeof reply);

    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char answer[16];
    assert_int_equal(recv(fd, answer, sizeof answer, 0), 5);
    assert_memory_equal(answer, "pong!", 5);
    close(fd);
}

static void a_tcp_port_is_forwarded(void **state) {
    (void)state;
    uint16_t port;
    close(host_socket(SOCK_STREAM, &port));
    char forward[32];
    snprintf(forward, sizeof forward, "tcp:%u-22", port);
    start_slirp(forward);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);

    const uint8_t *ip = wait_ip(6);
    assert_memory_equal(ip + 16, guest_ip, 4);
    assert_int_equal(get16(ip + 22), 22);
    assert_int_equal(ip[33], 0x02);   /* SYN */
    uint8_t reset[20] = {0}, from[4]; /* the guest has no such service */
    put16(reset, 22);
    memcpy(reset + 2, ip + 20, 2);
    uint32_t next = ((uint32_t)get16(ip + 24) << 16 | get16(ip + 26)) + 1;
    put16(reset + 8, next >> 16);
    put16(reset + 10, next);
    reset[12] = 5 << 4;
    reset[13] = 0x14; /* RST, ACK */
    memcpy(from, ip + 12, 4);
    uint32_t pseudo = 6 + sizeof reset;
    pseudo += (uint32_t)get16(guest_ip) + get16(guest_ip + 2) + get16(from) + get16(from + 2);
    put16(reset + 16, checksum(reset, sizeof reset, pseudo));
    send_ip(router_mac, 6, guest_ip, from, reset, sizeof reset);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char byte;
    errno = 0;
    assert_true(recv(fd, &byte, 1, 0) <= 0 && errno != EAGAIN); /* the connection ended */
    close(fd);
}

static void bad_forwards_are_refused(void **state) {
    (void)state;
    struct error e;
    loop = host_loop_create(&e);
    net = net_slirp_create(loop, &slirp_config, &e);
    assert_non_null(net);
    uint16_t port;
    char forward[48], number[8];
    int fd = host_socket(SOCK_STREAM, &port);
    assert_int_equal(listen(fd, 1), 0);
    snprintf(forward, sizeof forward, "tcp:%u-22", port);
    snprintf(number, sizeof number, "%u", port);
    assert_int_equal(net_slirp_forward(net, forward, &e), -1);
    assert_non_null(strstr(e.text, number));
    assert_non_null(strstr(e.text, "another program uses it"));
    close(fd);
    fd = host_socket(SOCK_DGRAM, &port);
    snprintf(forward, sizeof forward, "udp:%u-22", port);
    assert_int_equal(net_slirp_forward(net, forward, &e), -1);
    close(fd);
    const char *bad[] = {"", "tcp", "tcp:", "tcp:1", "tcp:1-", "tcp:-1", "tcp:0-1", "tcp:1-0", "tcp:65536-1",
        "tcp:1-65536", "tcp:1-2x", "tcp:+1-2", "tcp: 1-2", "sctp:1-2", "udp:1-2-3", "tcp:123456-1",
        "tcp:1.2.3:1-2", "tcp:1.2.3.4.5:1-2", "tcp::1-2", "udp:localhost:1-2", "tcp:1.2.3.4:5:1-2"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(net_slirp_forward(net, bad[i], &e), -1);
        assert_non_null(strstr(e.text, "HOSTPORT-GUESTPORT"));
    }
    net_close(net);
    host_loop_destroy(loop);
}

/* Listed, ended, and free for another then. */
static void forwards_come_and_go(void **state) {
    (void)state;
    struct error e;
    uint16_t port;
    char text[NET_FORWARD_SIZE], first[32], second[48], full[48];
    loop = host_loop_create(&e);
    net = net_slirp_create(loop, &slirp_config, &e);
    close(host_socket(SOCK_STREAM, &port));
    snprintf(first, sizeof first, "tcp:%u-22", port);
    snprintf(second, sizeof second, "udp:0.0.0.0:%u-53", port);
    snprintf(full, sizeof full, "tcp:127.0.0.1:%u-22", port);
    assert_int_equal(net_slirp_forward(net, first, &e), 0);
    assert_int_equal(net_slirp_forward(net, second, &e), 0);
    assert_string_equal(net_slirp_forward_at(net, 0, text), full);
    assert_string_equal(net_slirp_forward_at(net, 1, text), second);
    assert_null(net_slirp_forward_at(net, 2, text));
    assert_int_equal(net_slirp_forward(net, full, &e), -1);
    assert_non_null(strstr(e.text, "forwarded already"));
    snprintf(full, sizeof full, "tcp:%u-23", port);
    assert_int_equal(net_slirp_unforward(net, full, &e), -1);
    assert_non_null(strstr(e.text, "no such forward"));
    assert_int_equal(net_slirp_unforward(net, "tcp", &e), -1);
    assert_int_equal(net_slirp_unforward(net, first, &e), 0);
    assert_int_equal(net_slirp_unforward(net, first, &e), -1);
    assert_string_equal(net_slirp_forward_at(net, 0, text), second);
    assert_int_equal(net_slirp_forward(net, full, &e), 0);
    assert_int_equal(net_slirp_unforward(net, second, &e), 0);
    net_close(net);
    host_loop_destroy(loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(configuration, start_plain, stop),
        cmocka_unit_test_setup_teardown(one_buffer_a_frame, start_plain, stop),
        cmocka_unit_test_setup_teardown(one_buffer_a_frame, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(a_buffer_too_small_drops, start_plain, stop),
        cmocka_unit_test_setup_teardown(several_buffers_a_frame, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(frames_wait_for_buffers, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(the_backlog_has_an_end, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(a_receive_buffer_without_room_for_the_header, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(frames_are_sent, start_mergeable, stop),
        cmocka_unit_test_setup_teardown(frames_are_sent, start_plain, stop),
        cmocka_unit_test_setup_teardown(frames_of_bad_sizes_are_dropped, start_plain, stop),
        cmocka_unit_test_teardown(arp_finds_the_router, stop),
        cmocka_unit_test_teardown(dhcp_offers_an_address, stop),
        cmocka_unit_test_teardown(a_udp_port_is_forwarded, stop),
        cmocka_unit_test_teardown(a_tcp_port_is_forwarded, stop),
        cmocka_unit_test(bad_forwards_are_refused),
        cmocka_unit_test(forwards_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
