/* The network interface, with frames arriving between the guest's steps. */
#include <stdlib.h>
#include <string.h>

#include "host/loop.h"
#include "hostile_driver.h"
#include "support/run_loop.h"
#include "virtio/net.h"

static struct host_loop *loop;
volatile uint8_t sink; /* not static: the compiler keeps what goes there */

static void touch(const uint8_t *data, size_t size) {
    sink += data[0] ^ data[size - 1];
}

static void on_send(struct net *net, const uint8_t *frame, size_t size) {
    (void)net;
    if (size < NET_ETHERNET_HEADER || size > NET_FRAME_MAX)
        abort();
    touch(frame, size);
}

static void on_flush(struct net *net) {
    (void)net;
}

static const struct net_ops ops = {.send = on_send, .flush = on_flush};
static struct net net = {.ops = &ops, .mtu = NET_MTU_MAX};

static void step(void *ctx, struct fuzz_input *in) {
    (void)ctx;
    static const uint8_t frame[NET_FRAME_MAX];
    uint8_t kind = fuzz_byte(in);
    size_t size = kind & 2 ? NET_ETHERNET_HEADER + kind : kind & 4 ? fuzz_u16(in) : 1514;
    if (kind & 1)
        net.port.receive(net.port.ctx, frame, size);
    if (kind & 8)
        net.port.flush(net.port.ctx);
    run_rounds(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct hostile_driver driver;
    static const uint8_t mac[VIRTIO_NET_MAC_SIZE] = {2};
    static struct virtio_net *interface;
    if (!interface) {
        loop = host_loop_create(NULL);
        interface = virtio_net_create(loop, &net, mac, NULL);
        hostile_driver_create(&driver, &virtio_net_ops, interface, 0);
        virtio_net_attach(interface, driver.guest.device);
        driver.step = step;
    }
    const uint64_t mergeable = 1u << 15;
    driver.features = (driver.features & ~mergeable) | (size > 0 && data[0] & 1 ? mergeable : 0);
    hostile_driver_run(&driver, data, size);
    run_rounds(loop);
    return 0;
}
