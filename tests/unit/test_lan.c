/* The network that guests share: what may pass between them, names, and peers that come, go and do not
 * listen. */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dns.h"
#include "net/frame.h"
#include "net/lan.h"
#include "support/run_loop.h"

enum { A = 15, B = 16, C = 17 };

static char directory[] = "/tmp/pearvisor-lan-XXXXXX";
static struct host_loop *loop;

/* A guest with an interface that remembers, and a network below that does. */
struct node {
    struct net below;
    struct net *net;
    unsigned received, flushes, passed; /* passed: to the network below */
    uint8_t last[NET_FRAME_MAX];
    size_t last_size;
};

static struct node a, b, c;

static void on_send(struct net *net, const uint8_t *frame, size_t size) {
    (void)frame;
    (void)size;
    ((struct node *)net)->passed++;
}

static void on_flush(struct net *net) {
    (void)net;
}

static void on_close(struct net *net) {
    (void)net;
}

static void on_receive(void *ctx, const uint8_t *frame, size_t size) {
    struct node *node = ctx;
    node->received++;
    node->last_size = size;
    memcpy(node->last, frame, size);
}

static void on_received(void *ctx) {
    ((struct node *)ctx)->flushes++;
}

static int plug(struct node *node, const char *name, uint8_t guest, struct error *e) {
    static const struct net_ops ops = {on_send, on_flush, on_close};
    const struct net_lan_config config = {directory, name, guest};
    *node = (struct node){.below = {.ops = &ops, .mtu = 1500}};
    node->net = net_lan_create(loop, &node->below, &config, e);
    if (node->net)
        node->net->port = (struct net_port){on_receive, on_received, node};
    return node->net ? 0 : -1;
}

static void unplug(struct node *node) {
    net_close(node->net);
    node->net = NULL;
}

static int start(void **state) {
    (void)state;
    struct error e;
    loop = host_loop_create(&e);
    return plug(&a, "a", A, &e) | plug(&b, "b", B, &e);
}

static int stop(void **state) {
    (void)state;
    unplug(&a);
    unplug(&b);
    unplug(&c);
    host_loop_destroy(loop);
    return rmdir(directory) == 0 && mkdir(directory, 0700) == 0 ? 0 : -1; /* nothing is left in it */
}

/* Who was just plugged in is seen after a moment. */
static void wait_a_moment(void) {
    usleep(60000);
}

/* --- frames */

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* to 0: to all. */
static void make_ethernet(uint8_t *frame, uint8_t from, uint8_t to, unsigned type) {
    memset(frame, 0xff, 6);
    if (to)
        net_guest_mac(to, frame);
    net_guest_mac(from, frame + 6);
    put16(frame + 12, type);
}

static size_t make_arp(uint8_t *frame, uint8_t from, uint8_t to) {
    make_ethernet(frame, from, to, 0x0806);
    memcpy(frame + 14, (const uint8_t[]){0, 1, 8, 0, 6, 4, 0, 1}, 8);
    net_guest_mac(from, frame + 22);
    memcpy(frame + 28, (const uint8_t[]){10, 0, 2, from, 0, 0, 0, 0, 0, 0, 10, 0, 2, to}, 14);
    return 42;
}

static size_t make_udp(uint8_t *frame, uint8_t from, uint8_t to, unsigned from_port, unsigned to_port,
    const void *data, size_t size) {
    make_ethernet(frame, from, to, 0x0800);
    memcpy(frame + 14,
        (const uint8_t[]){0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, from, 10, 0, 2, to}, 20);
    put16(frame + 16, (unsigned)(28 + size));
    put16(frame + 34, from_port);
    put16(frame + 36, to_port);
    put16(frame + 38, (unsigned)(8 + size));
    memcpy(frame + 42, data, size);
    return 42 + size;
}

static void send_frame(struct node *node, const uint8_t *frame, size_t size) {
    node->net->ops->send(node->net, frame, size);
    node->net->ops->flush(node->net);
    run_rounds(loop);
}

static void frames_pass_between_guests(void **state) {
    (void)state;
    uint8_t frame[1514];
    wait_a_moment();
    size_t size = make_arp(frame, A, 0);
    send_frame(&a, frame, size);
    assert_int_equal(b.received, 1);
    assert_int_equal(b.last_size, size);
    assert_memory_equal(b.last, frame, size);
    assert_int_equal(a.passed, 1); /* to all: the router, too */
    assert_int_equal(a.received, 0);
    size = make_udp(frame, B, A, 1000, 2000, "hello", 5);
    send_frame(&b, frame, size);
    assert_int_equal(a.received, 1);
    assert_memory_equal(a.last, frame, size);
    assert_true(a.flushes >= 1);
    assert_int_equal(b.passed, 0); /* to a guest: not the router */
    size = make_udp(frame, B, A, 1000, 2000, "hello", 5);
    memset(frame, 0x76, 6);
    send_frame(&b, frame, size);
    assert_int_equal(b.passed, 1); /* to neither: to the router alone */
    assert_int_equal(a.received, 1);
    a.below.port.receive(a.below.port.ctx, frame, size);
    assert_int_equal(a.received, 2); /* and what comes from there */
}

struct lie {
    unsigned at;
    uint8_t value;
};

/* The frame with each of its lies: nobody gets one. */
static void send_lies(uint8_t *frame, size_t size, const struct lie *lies, size_t count) {
    for (const struct lie *lie = lies; lie < lies + count; lie++) {
        uint8_t was = frame[lie->at];
        frame[lie->at] = lie->value;
        send_frame(&a, frame, size);
        frame[lie->at] = was;
        assert_int_equal(b.received, 0);
    }
}

/* In another's name, or a router's or a DHCP server's role. */
static void lies_do_not_pass(void **state) {
    (void)state;
    uint8_t frame[2000] = {0};
    wait_a_moment();
    size_t arp = make_arp(frame, A, 0);
    const struct lie arp_lies[] = {{11, 3}, {12, 0x86}, {19, 5}, {27, 9}, {31, 2}, {31, C}};
    send_lies(frame, arp, arp_lies, sizeof arp_lies / sizeof *arp_lies);
    send_frame(&a, frame, arp - 1);
    size_t udp = make_udp(frame, A, B, 1000, 2000, "hello", 5);
    const struct lie ip_lies[] = {
        {14, 0x44}, {14, 0x65}, {16, 0xff}, {17, 19}, {26, 11}, {29, 2}, {29, B}, {12, 0x81}};
    send_lies(frame, udp, ip_lies, sizeof ip_lies / sizeof *ip_lies);
    udp = make_udp(frame, A, B, 67, 68, "offer", 5);
    send_frame(&a, frame, udp);
    make_udp(frame, A, B, 1000, 2000, "hello", 5);
    send_frame(&a, frame, 20);
    send_frame(&a, frame, sizeof frame); /* beyond the MTU */
    assert_int_equal(b.received, 0);
}

/* Another process of the user's that is broken, or taken over. */
static void datagrams_are_checked(void **state) {
    (void)state;
    uint8_t frame[2000];
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s/a,15", directory);
    const struct {
        uint8_t from, to;
        unsigned cut;
    } bad[] = {{A, A, 0}, {B, C, 0}, {2, A, 0}, {B, A, 1}, {B, A, 30}, {B, A, 42}};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t size = make_arp(frame, bad[i].from, bad[i].to) - bad[i].cut;
        assert_int_equal(sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof to), size);
        run_rounds(loop);
        assert_int_equal(a.received, 0);
    }
    size_t size = make_arp(frame, B, A);
    assert_int_equal(sendto(fd, frame, size, 0, (struct sockaddr *)&to, sizeof to), size);
    run_rounds(loop);
    assert_int_equal(a.received, 1);
    close(fd);
}

static void peers_come_and_go(void **state) {
    (void)state;
    uint8_t frame[1514];
    struct error e;
    wait_a_moment();
    size_t size = make_arp(frame, A, C);
    send_frame(&a, frame, size); /* to nobody */
    assert_int_equal(plug(&c, "c", C, &e), 0);
    wait_a_moment();
    send_frame(&a, frame, size);
    assert_int_equal(c.received, 1);
    for (unsigned i = 0; i < 2; i++) { /* again and again, by the same name */
        unplug(&c);
        send_frame(&a, frame, size);
        assert_int_equal(plug(&c, "c", C, &e), 0);
        wait_a_moment();
        send_frame(&a, frame, size);
        send_frame(&a, frame, size);
        assert_true(c.received > 0);
    }
}

/* What a crash leaves is in nobody's way, and goes with the next one of that name or number. */
static void sockets_of_the_dead(void **state) {
    (void)state;
    uint8_t frame[1514];
    struct error e;
    static const char *const dead[] = {"c,17", "c,99", "old,17"};
    for (unsigned i = 0; i < 3; i++) {
        struct sockaddr_un at = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        snprintf(at.sun_path, sizeof at.sun_path, "%s/%s", directory, dead[i]);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
        close(fd);
    }
    wait_a_moment();
    size_t size = make_arp(frame, A, C);
    send_frame(&a, frame, size);
    assert_int_equal(plug(&c, "c", C, &e), 0);
    wait_a_moment();
    send_frame(&a, frame, size);
    assert_int_equal(c.received, 1);
}

/* A process that is stopped loses frames; the others do not wait for it. */
static void a_peer_that_does_not_listen(void **state) {
    (void)state;
    uint8_t frame[1514], data[1400] = {0};
    struct error e;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int deaf = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/deaf,17", directory);
    assert_int_equal(bind(deaf, (struct sockaddr *)&at, sizeof at), 0);
    wait_a_moment();
    size_t size = make_udp(frame, A, C, 1, 2, data, sizeof data);
    for (unsigned i = 0; i < 2000; i++)
        a.net->ops->send(a.net, frame, size);
    run_rounds(loop);
    send_frame(&a, frame, make_arp(frame, A, B));
    assert_int_equal(b.received, 1);
    unsigned got = 0; /* what waited, as soon as there is room */
    for (unsigned idle = 0; idle < 3; idle++, run_rounds(loop))
        for (; recv(deaf, frame, sizeof frame, 0) > 0; got++)
            idle = 0;
    assert_in_range(got, 100, 1000);
    close(deaf);
    unlink(at.sun_path);
    assert_int_equal(plug(&c, "c", C, &e), 0);
    wait_a_moment();
    size = make_arp(frame, A, C);
    send_frame(&a, frame, size);
    send_frame(&a, frame, size);
    assert_true(c.received > 0);
}

/* --- names */

static size_t make_query(uint8_t *query, const char *name, unsigned type, bool opt) {
    memcpy(query, (const uint8_t[]){0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, opt}, 12);
    size_t at = 12;
    while (*name) {
        size_t label = strcspn(name, ".");
        query[at++] = (uint8_t)label;
        memcpy(query + at, name, label);
        at += label;
        name += label + (name[label] == '.');
    }
    query[at++] = 0;
    put16(query + at, type);
    put16(query + at + 2, 1);
    at += 4;
    if (opt) {
        memcpy(query + at, (const uint8_t[]){0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0}, 11);
        at += 11;
    }
    return at;
}

/* Asks as a; what was answered in *answer, 0 if the query went on to the router. */
static size_t ask(const char *name, unsigned type, bool opt, const uint8_t **answer) {
    uint8_t query[300], frame[400];
    size_t query_size = make_query(query, name, type, opt);
    size_t size = make_udp(frame, A, 0, 4321, 53, query, query_size);
    memcpy(frame, "\x52\x55\x0a\x00\x02\x03", 6);
    frame[33] = 3; /* 10.0.2.3 */
    unsigned received = a.received, passed = a.passed;
    send_frame(&a, frame, size);
    assert_int_equal(a.received - received + a.passed - passed, 1);
    if (a.received == received)
        return 0;
    assert_memory_equal(a.last + 26, ((const uint8_t[]){10, 0, 2, 3, 10, 0, 2, A, 0, 53, 0x10, 0xe1}), 12);
    *answer = a.last + 42;
    assert_memory_equal(*answer, ((const uint8_t[]){0x12, 0x34, 0x85}), 3);
    return a.last_size - 42;
}

static void assert_address(const char *name, uint8_t guest) {
    const uint8_t *answer;
    size_t size = ask(name, 1, false, &answer);
    assert_true(size > 28);
    assert_int_equal(answer[3] & 15, 0);
    assert_int_equal(answer[7], 1);
    assert_memory_equal(answer + size - 4, ((const uint8_t[]){10, 0, 2, guest}), 4);
}

static void names_are_answered(void **state) {
    (void)state;
    const uint8_t *answer;
    struct error e;
    wait_a_moment();
    assert_address("b", B);
    assert_address("B", B);
    assert_address("a.pearvisor.internal", A);
    assert_address("b.PearVisor.internal", B);
    size_t size = ask("b", 28, true, &answer); /* no IPv6, but the name is there */
    assert_int_equal(answer[3] & 15, 0);
    assert_int_equal(answer[7], 0);
    assert_int_equal(answer[11], 1);
    assert_memory_equal(answer + size - 11, ((const uint8_t[]){0, 0, 41, 4, 208}), 5);
    assert_true(ask("c.pearvisor.internal", 1, false, &answer) > 0);
    assert_int_equal(answer[3] & 15, 3); /* NXDOMAIN */
    static const char *const others[] = {"c", "debian.org", "b.example", "pearvisor.internal",
        "17.2.0.10.in-addr.arpa", "999.2.0.10.in-addr.arpa", ""};
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(ask(others[i], 1, false, &answer), 0);
    size = ask("16.2.0.10.in-addr.arpa", 12, false, &answer);
    static const char name[] = "\1b\011pearvisor\010internal";
    assert_true(size > sizeof name);
    assert_memory_equal(answer + size - sizeof name, name, sizeof name);

    unplug(&b); /* and started again, before anyone noticed */
    assert_int_equal(plug(&b, "b", B, &e), 0);
    wait_a_moment();
    assert_address("b", B);
    assert_int_equal(plug(&c, "c.d", C, &e), 0);
    wait_a_moment();
    assert_address("c.d.pearvisor.internal", C);
    unplug(&c);
    assert_true(ask("c.d.pearvisor.internal", 1, false, &answer) > 0);
    assert_int_equal(answer[3] & 15, 3);
}

/* By IPv6, where a router advertisement gave the server's address; with the checksum that is needed there. */
static void names_are_answered_by_ipv6(void **state) {
    (void)state;
    uint8_t query[100], frame[300] = {0};
    wait_a_moment();
    size_t query_size = make_query(query, "b", 1, false);
    make_ethernet(frame, A, 0, 0x86dd);
    memcpy(
        frame + 14, (const uint8_t[]){0x60, 0, 0, 0, 0, (uint8_t)(8 + query_size), 17, 64, 0xfe, 0xc0}, 10);
    frame[37] = 1;
    memcpy(frame + 38, (const uint8_t[16]){0xfe, 0xc0, [15] = 3}, 16);
    put16(frame + 54, 4321);
    put16(frame + 56, 53);
    put16(frame + 58, (unsigned)(8 + query_size));
    memcpy(frame + 62, query, query_size);
    send_frame(&a, frame, 62 + query_size);
    assert_int_equal(a.received, 1);
    assert_memory_equal(a.last + 22, frame + 38, 16);
    assert_memory_equal(a.last + 38, frame + 22, 16);
    assert_memory_equal(a.last + a.last_size - 4, ((const uint8_t[]){10, 0, 2, B}), 4);
    uint32_t sum = 17 + (uint32_t)(a.last_size - 54); /* with the checksum itself: all ones */
    for (size_t i = 22; i < a.last_size; i++)
        sum += i & 1 ? a.last[i] : (uint32_t)a.last[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    assert_int_equal(sum, 0xffff);
}

static uint8_t find_any(void *ctx, const char *name) {
    (void)ctx;
    return *name ? B : 0;
}

static const char *name_any(void *ctx, uint8_t guest) {
    (void)ctx;
    return guest == B ? "a..long-name-of-a-machine-that-fills-up-sixty-three-characters." : NULL;
}

static void queries_that_are_none(void **state) {
    (void)state;
    const struct net_dns_names names = {find_any, name_any, NULL};
    uint8_t query[300], answer[NET_DNS_ANSWER_MAX];
    size_t size = make_query(query, "16.2.0.10.in-addr.arpa", 12, true);
    assert_true(net_dns_answer(&names, query, size, answer) > size);
    for (size_t cut = 0; cut < size - 11; cut++)
        assert_int_equal(net_dns_answer(&names, query, cut, answer), 0);
    size = make_query(query, "b", 1, false);
    const struct {
        unsigned at;
        uint8_t value;
    } wrong[] = {{2, 0x80}, {2, 0x08}, {2, 2}, {5, 0}, {5, 2}, {7, 1}, {9, 1}, {11, 2}, {12, 64}, {12, 0xc0},
        {13, '.'}, {13, 0}, {13, ' '}, {18, 3}};
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t was = query[wrong[i].at];
        query[wrong[i].at] = wrong[i].value;
        assert_int_equal(net_dns_answer(&names, query, size, answer), 0);
        query[wrong[i].at] = was;
    }
    char name[260] = ""; /* the longest that there is */
    for (unsigned i = 0; i < 117; i++)
        strcat(name, "x.");
    strcat(name, NET_DNS_DOMAIN);
    size = make_query(query, name, 255, true);
    size_t got = net_dns_answer(&names, query, size, answer);
    assert_in_range(got, size, NET_DNS_ANSWER_MAX);
}

/* --- the directory */

static void others_must_not_enter(void **state) {
    (void)state;
    struct error e;
    struct node d;
    assert_int_equal(chmod(directory, 0750), 0);
    assert_int_equal(plug(&d, "d", 18, &e), -1);
    assert_non_null(strstr(e.text, "others may enter it"));
    assert_int_equal(chmod(directory, 0700), 0);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void) {
    if (!mkdtemp(directory))
        return 1;
    const struct CMUnitTest tests[] = {
        WITH(frames_pass_between_guests),
        WITH(lies_do_not_pass),
        WITH(datagrams_are_checked),
        WITH(peers_come_and_go),
        WITH(sockets_of_the_dead),
        WITH(a_peer_that_does_not_listen),
        WITH(names_are_answered),
        WITH(names_are_answered_by_ipv6),
        cmocka_unit_test(queries_that_are_none),
        WITH(others_must_not_enter),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
