/* The network that guests share: any frames from a guest, any datagrams from another's process, any DNS
 * queries. What reaches a guest is only what may pass, or an answer to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "input.h"
#include "net/dns.h"
#include "net/frame.h"
#include "net/lan.h"
#include "support/run_loop.h"

enum { A = 15, B = 16 };

static char directory[] = "/tmp/pearvisor-fuzz-XXXXXX";
static struct host_loop *loop;
static struct net *a, *b;
static int raw; /* sends to a */

static void on_send(struct net *net, const uint8_t *frame, size_t size) {
    (void)net;
    if (size < NET_ETHERNET_HEADER || net_guest_of_mac(frame))
        abort();
}

static void on_flush(struct net *net) {
    (void)net;
}

static const struct net_ops ops = {on_send, on_flush, on_flush};
static struct net below[2] = {{.ops = &ops, .mtu = 1500}, {.ops = &ops, .mtu = 1500}};

static void on_receive(void *ctx, const uint8_t *frame, size_t size) {
    uint8_t own = ctx == &a ? A : B;
    struct net_udp udp;
    bool is_answer = net_frame_udp(frame, size, &udp) && udp.from_port == 53 && udp.size >= 12;
    uint8_t from = size >= NET_ETHERNET_HEADER ? net_guest_of_mac(frame + NET_MAC_SIZE) : 0;
    if (size > 1514 || !(is_answer || (from && from != own && net_frame_is_from(frame, size, from))))
        abort();
}

static void clean_up(void) {
    net_close(a);
    net_close(b);
    close(raw);
    host_loop_destroy(loop);
    rmdir(directory);
}

static void create(void) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!mkdtemp(directory) || !(loop = host_loop_create(NULL)))
        abort();
    a = net_lan_create(loop, &below[0], &(struct net_lan_config){directory, "a", A}, NULL);
    b = net_lan_create(loop, &below[1], &(struct net_lan_config){directory, "b.c", B}, NULL);
    raw = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(to.sun_path, sizeof to.sun_path, "%s/a,%d", directory, A);
    if (!a || !b || connect(raw, (struct sockaddr *)&to, sizeof to) < 0)
        abort();
    a->port = (struct net_port){.receive = on_receive, .ctx = &a};
    b->port = (struct net_port){.receive = on_receive, .ctx = &b};
    atexit(clean_up);
    usleep(60000); /* until they see each other */
}

/* A DNS query inside of good headers. */
static size_t wrap(uint8_t *frame, const uint8_t *query, size_t size) {
    static const uint8_t head[] = {0x52, 0x55, 0x0a, 0, 2, 3, 0x52, 0x50, 0x56, 0, 0, 1, 8, 0, 0x45, 0, 0, 0,
        0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 2, A, 10, 0, 2, 3, 0x10, 0, 0, 53};
    memcpy(frame, head, sizeof head);
    frame[16] = (uint8_t)((28 + size) >> 8);
    frame[17] = (uint8_t)(28 + size);
    frame[38] = (uint8_t)((8 + size) >> 8);
    frame[39] = (uint8_t)(8 + size);
    frame[40] = frame[41] = 0;
    memcpy(frame + 42, query, size);
    return 42 + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!loop)
        create();
    struct fuzz_input in = {data, size};
    while (in.size > 2) {
        uint8_t frame[42 + 1024], *exact;
        uint8_t kind = fuzz_byte(&in);
        size_t part = fuzz_byte(&in) + (kind & 4 ? 256u : 0);
        part = part < in.size ? part : in.size;
        bool query = (kind & 3) == 2;
        size_t frame_size = query ? wrap(frame, in.data, part) : part;
        if (!query)
            memcpy(frame, in.data, part);
        exact = malloc(frame_size ? frame_size : 1); /* so that reading past its end is found */
        memcpy(exact, frame, frame_size);
        if ((kind & 3) == 1)
            send(raw, exact, frame_size, MSG_DONTWAIT);
        else if (frame_size >= NET_ETHERNET_HEADER)
            a->ops->send(a, exact, frame_size);
        free(exact);
        in.data += part;
        in.size -= part;
    }
    run_rounds(loop);
    return 0;
}
