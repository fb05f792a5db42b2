#include "virtio/net.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { RX = 0, TX = 1, QUEUES };
enum { QUEUE_SIZE = 256 };

enum { F_MTU = 3, F_MAC = 5, F_MRG_RXBUF = 15, F_STATUS = 16 }; /* feature bits, 5.1.3 */
enum { STATUS_LINK_UP = 1 };

/* Frames that wait for receive buffers, in bytes with their headers; what comes on top is dropped. */
enum { BACKLOG_MAX = 1 << 20 };
/* Frames that the loop sends in one go before it looks after others. */
enum { SEND_BATCH = 64 };

struct header { /* 5.1.6 */
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset;
    uint16_t num_buffers;
};
_Static_assert(sizeof(struct header) == 12, "5.1.6");

struct __attribute__((packed)) config { /* 5.1.4 */
    uint8_t mac[VIRTIO_NET_MAC_SIZE];
    uint16_t status, max_virtqueue_pairs, mtu;
};

struct waiting_frame {
    struct waiting_frame *next;
    size_t size;
    uint8_t data[];
};

struct virtio_net {
    struct host_loop *loop;
    struct net *net;
    struct virtio_device *transport;
    struct config config;
    atomic_bool send_posted;

    pthread_mutex_t lock; /* of all below and the queues; not held in calls to net */
    bool started, mergeable;
    struct waiting_frame *backlog, **backlog_end;
    size_t backlog_size;
    struct virtio_net_stats stats;
    struct virtq_chain chain, first; /* first: where the header of a frame in several buffers is */

    uint8_t frame[NET_FRAME_MAX]; /* from the guest; the loop's thread only */
};

/* --- configuration */

static uint64_t net_features(void *device) {
    (void)device;
    return 1u << F_MTU | 1u << F_MAC | 1u << F_MRG_RXBUF | 1u << F_STATUS;
}

static void net_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    const struct virtio_net *n = device;
    memcpy(data, (const uint8_t *)&n->config + offset, size);
}

/* --- to the guest, with the lock */

enum delivery { DELIVERED, NO_BUFFERS, IMPOSSIBLE };

/* Puts a frame into as many receive buffers as it takes; none are used unless all of it fits. */
static enum delivery deliver(struct virtio_net *n, const uint8_t *frame, size_t size) {
    struct virtq *queue = virtio_queue(n->transport, RX);
    struct {
        uint16_t head;
        uint32_t written;
    } used[QUEUE_SIZE];
    struct header header = {0};
    uint16_t count = 0;
    for (size_t done = 0; done < size || count == 0;) {
        struct virtq_chain *chain = count == 0 ? &n->first : &n->chain;
        bool full = count == QUEUE_SIZE || (count == 1 && !n->mergeable);
        if (full || !virtq_pop(queue, chain)) {
            virtq_unpop(queue, count);
            return full ? IMPOSSIBLE : NO_BUFFERS;
        }
        size_t skip = count == 0 ? sizeof header : 0;
        if (chain->in_size < skip || chain->in_size == 0) { /* 5.1.6.3.1 */
            virtio_needs_reset(n->transport);
            return IMPOSSIBLE;
        }
        size_t part = iov_write(chain->in, chain->in_count, skip, frame + done, size - done);
        used[count].head = chain->head;
        used[count++].written = (uint32_t)(skip + part);
        done += part;
    }
    header.num_buffers = count;
    iov_write(n->first.in, n->first.in_count, 0, &header, sizeof header);
    for (uint16_t i = 0; i < count; i++)
        virtq_push(queue, used[i].head, used[i].written);
    return DELIVERED;
}

static void count_delivery(struct virtio_net *n, enum delivery delivery, size_t size) {
    if (delivery == DELIVERED) {
        n->stats.rx_frames++;
        n->stats.rx_bytes += size;
    } else {
        n->stats.rx_dropped++;
    }
}

/* Keeps a frame until the driver rings the bell with new buffers. */
static void keep(struct virtio_net *n, const uint8_t *data, size_t size) {
    struct waiting_frame *frame = n->backlog_size + size <= BACKLOG_MAX ? malloc(sizeof *frame + size) : NULL;
    if (!frame) {
        n->stats.rx_dropped++;
        return;
    }
    frame->next = NULL;
    frame->size = size;
    memcpy(frame->data, data, size);
    *n->backlog_end = frame;
    n->backlog_end = &frame->next;
    n->backlog_size += sizeof *frame + size;
}

static void drop_first(struct virtio_net *n) {
    struct waiting_frame *frame = n->backlog;
    n->backlog = frame->next;
    if (!n->backlog)
        n->backlog_end = &n->backlog;
    n->backlog_size -= sizeof *frame + frame->size;
    free(frame);
}

static void deliver_backlog(struct virtio_net *n) {
    while (n->backlog) {
        enum delivery delivery = deliver(n, n->backlog->data, n->backlog->size);
        if (delivery == NO_BUFFERS)
            break;
        count_delivery(n, delivery, n->backlog->size);
        drop_first(n);
    }
}

/* The bell for new receive buffers is wanted only while frames wait for them. */
static void wait_for_buffers(struct virtio_net *n) {
    struct virtq *queue = virtio_queue(n->transport, RX);
    virtq_enable_notify(queue, n->backlog != NULL);
    if (n->backlog) {
        deliver_backlog(n);
        if (!n->backlog)
            virtq_enable_notify(queue, false);
    }
}

static void net_receive(void *ctx, const uint8_t *frame, size_t size) {
    struct virtio_net *n = ctx;
    pthread_mutex_lock(&n->lock);
    if (n->started && size <= NET_FRAME_MAX) {
        enum delivery delivery = n->backlog ? NO_BUFFERS : deliver(n, frame, size);
        if (delivery == NO_BUFFERS) {
            keep(n, frame, size);
            wait_for_buffers(n);
        } else {
            count_delivery(n, delivery, size);
        }
    }
    pthread_mutex_unlock(&n->lock);
}

static void net_receive_done(void *ctx) {
    struct virtio_net *n = ctx;
    pthread_mutex_lock(&n->lock);
    if (n->started)
        virtq_interrupt(virtio_queue(n->transport, RX));
    pthread_mutex_unlock(&n->lock);
}

/* --- from the guest, on the loop's thread */

/* Takes the next frame out of the queue; *size is 0 for one that is dropped. */
static bool take_frame(struct virtio_net *n, size_t *size) {
    struct virtq *queue = virtio_queue(n->transport, TX);
    struct virtq_chain *chain = &n->chain;
    if (!n->started || !virtq_pop(queue, chain))
        return false;
    size_t all = chain->out_size > sizeof(struct header) ? chain->out_size - sizeof(struct header) : 0;
    bool good = all >= NET_ETHERNET_HEADER && all <= sizeof n->frame;
    *size = good ? iov_read(chain->out, chain->out_count, sizeof(struct header), n->frame, all) : 0;
    virtq_push(queue, chain->head, 0);
    if (good) {
        n->stats.tx_frames++;
        n->stats.tx_bytes += all;
    } else {
        n->stats.tx_dropped++;
    }
    return true;
}

/* Sends a batch of frames; false when there was none left. */
static bool send_batch(struct virtio_net *n) {
    for (unsigned i = 0; i < SEND_BATCH; i++) {
        size_t size;
        pthread_mutex_lock(&n->lock);
        bool taken = take_frame(n, &size);
        pthread_mutex_unlock(&n->lock);
        if (!taken)
            return false;
        if (size)
            n->net->ops->send(n->net, n->frame, size);
    }
    return true;
}

static void send_frames(void *ctx);

static void post_send(struct virtio_net *n) {
    if (!atomic_exchange(&n->send_posted, true))
        host_loop_post(n->loop, send_frames, n);
}

static void send_frames(void *ctx) {
    struct virtio_net *n = ctx;
    struct virtq *queue = virtio_queue(n->transport, TX);
    atomic_store(&n->send_posted, false);
    pthread_mutex_lock(&n->lock);
    if (n->started)
        virtq_enable_notify(queue, false);
    pthread_mutex_unlock(&n->lock);

    bool more = send_batch(n);

    pthread_mutex_lock(&n->lock);
    if (n->started) {
        if (!more) {
            virtq_enable_notify(queue, true);
            more = virtq_pending(queue);
        }
        virtq_interrupt(queue);
    }
    pthread_mutex_unlock(&n->lock);
    n->net->ops->flush(n->net);
    if (more)
        post_send(n);
}

static void net_notify(void *device, unsigned queue) {
    struct virtio_net *n = device;
    if (queue == TX) {
        post_send(n);
        return;
    }
    pthread_mutex_lock(&n->lock);
    if (n->backlog) {
        wait_for_buffers(n);
        virtq_interrupt(virtio_queue(n->transport, RX));
    }
    pthread_mutex_unlock(&n->lock);
}

/* --- life */

static void net_start(void *device, uint64_t features) {
    struct virtio_net *n = device;
    pthread_mutex_lock(&n->lock);
    n->started = true;
    n->mergeable = features >> F_MRG_RXBUF & 1;
    virtq_enable_notify(virtio_queue(n->transport, RX), false);
    pthread_mutex_unlock(&n->lock);
}

static void net_reset(void *device) {
    struct virtio_net *n = device;
    pthread_mutex_lock(&n->lock);
    n->started = false;
    while (n->backlog)
        drop_first(n);
    pthread_mutex_unlock(&n->lock);
}

const struct virtio_device_ops virtio_net_ops = {
    .id = VIRTIO_ID_NET,
    .queues = QUEUES,
    .queue_size_max = QUEUE_SIZE,
    .features = net_features,
    .config_size = sizeof(struct config),
    .config_read = net_config_read,
    .start = net_start,
    .notify = net_notify,
    .reset = net_reset,
};

struct virtio_net *virtio_net_create(
    struct host_loop *loop, struct net *net, const uint8_t mac[VIRTIO_NET_MAC_SIZE], struct error *e) {
    struct virtio_net *n = calloc(1, sizeof *n);
    if (!n) {
        error_set(e, "out of memory");
        return NULL;
    }
    n->loop = loop;
    n->net = net;
    memcpy(n->config.mac, mac, VIRTIO_NET_MAC_SIZE);
    n->config.status = STATUS_LINK_UP;
    n->config.max_virtqueue_pairs = 1;
    n->config.mtu = (uint16_t)net->mtu;
    n->backlog_end = &n->backlog;
    pthread_mutex_init(&n->lock, NULL);
    net->port = (struct net_port){net_receive, net_receive_done, n};
    return n;
}

void virtio_net_destroy(struct virtio_net *n) {
    if (!n)
        return;
    n->net->port = (struct net_port){0};
    host_loop_cancel(n->loop, n);
    while (n->backlog)
        drop_first(n);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

void virtio_net_attach(struct virtio_net *n, struct virtio_device *transport) {
    n->transport = transport;
}

void virtio_net_stats(struct virtio_net *n, struct virtio_net_stats *out) {
    pthread_mutex_lock(&n->lock);
    *out = n->stats;
    pthread_mutex_unlock(&n->lock);
}
