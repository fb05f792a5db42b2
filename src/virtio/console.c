#include "virtio/console.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { RECEIVE = 0, TRANSMIT = 1, QUEUES };
enum { F_SIZE = 0 }; /* feature bit, 5.3.3 */

struct config { /* 5.3.4 */
    uint16_t columns, rows;
    uint32_t max_nr_ports, emerg_wr;
};

struct virtio_console {
    struct host_stream *stream;
    struct virtio_device *transport;

    pthread_mutex_t lock; /* of all below and the queues */
    bool started;
    struct config config;
    struct virtio_console_stats stats;
    struct virtq_chain chain;
};

static uint64_t console_features(void *device) {
    (void)device;
    return 1u << F_SIZE;
}

static void console_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    struct virtio_console *console = device;
    pthread_mutex_lock(&console->lock);
    memcpy(data, (const uint8_t *)&console->config + offset, size);
    pthread_mutex_unlock(&console->lock);
}

/* On the loop's thread: bytes for the guest. What finds no buffer stays with the stream. */
static size_t receive(void *ctx, const uint8_t *data, size_t size) {
    struct virtio_console *console = ctx;
    size_t done = 0;
    pthread_mutex_lock(&console->lock);
    if (console->started) {
        struct virtq *queue = virtio_queue(console->transport, RECEIVE);
        struct virtq_chain *chain = &console->chain;
        while (done < size && virtq_pop(queue, chain)) {
            size_t part = iov_write(chain->in, chain->in_count, 0, data + done, size - done);
            virtq_push(queue, chain->head, (uint32_t)part);
            done += part;
        }
        console->stats.bytes_in += done;
        virtq_interrupt(queue);
    }
    pthread_mutex_unlock(&console->lock);
    return done;
}

/* On the vCPU's thread, because Linux spins until its bytes are taken. For the same reason bytes that the
 * stream has no room for are dropped: a reader that is stuck must not stop a vCPU. */
static void transmit(struct virtio_console *console) {
    struct virtq *queue = virtio_queue(console->transport, TRANSMIT);
    struct virtq_chain *chain = &console->chain;
    pthread_mutex_lock(&console->lock);
    while (virtq_pop(queue, chain)) {
        size_t sent = 0;
        for (unsigned i = 0; i < chain->out_count; i++)
            sent += host_stream_write(console->stream, chain->out[i].iov_base, chain->out[i].iov_len);
        console->stats.bytes_out += sent;
        console->stats.bytes_dropped += chain->out_size - sent;
        virtq_push(queue, chain->head, 0);
    }
    virtq_interrupt(queue);
    pthread_mutex_unlock(&console->lock);
}

static void console_notify(void *device, unsigned queue) {
    struct virtio_console *console = device;
    if (queue == TRANSMIT)
        transmit(console);
    else
        host_stream_resume(console->stream);
}

static void console_start(void *device, uint64_t features) {
    (void)features;
    struct virtio_console *console = device;
    pthread_mutex_lock(&console->lock);
    console->started = true;
    pthread_mutex_unlock(&console->lock);
}

static void console_reset(void *device) {
    struct virtio_console *console = device;
    pthread_mutex_lock(&console->lock);
    console->started = false;
    pthread_mutex_unlock(&console->lock);
}

const struct virtio_device_ops virtio_console_ops = {
    .id = VIRTIO_ID_CONSOLE,
    .queues = QUEUES,
    .queue_size_max = 128,
    .features = console_features,
    .config_size = sizeof(struct config),
    .config_read = console_config_read,
    .start = console_start,
    .notify = console_notify,
    .reset = console_reset,
};

struct virtio_console *virtio_console_create(struct host_stream *stream, struct error *e) {
    struct virtio_console *console = calloc(1, sizeof *console);
    if (!console) {
        error_set(e, "out of memory");
        return NULL;
    }
    console->stream = stream;
    console->config.max_nr_ports = 1;
    pthread_mutex_init(&console->lock, NULL);
    host_stream_on_input(stream, receive, console);
    return console;
}

void virtio_console_destroy(struct virtio_console *console) {
    if (!console)
        return;
    host_stream_on_input(console->stream, NULL, NULL);
    pthread_mutex_destroy(&console->lock);
    free(console);
}

void virtio_console_attach(struct virtio_console *console, struct virtio_device *transport) {
    console->transport = transport;
}

void virtio_console_resize(struct virtio_console *console, uint16_t columns, uint16_t rows) {
    pthread_mutex_lock(&console->lock);
    bool changed = console->config.columns != columns || console->config.rows != rows;
    console->config.columns = columns;
    console->config.rows = rows;
    pthread_mutex_unlock(&console->lock);
    if (changed && console->transport)
        virtio_config_changed(console->transport);
}

void virtio_console_stats(struct virtio_console *console, struct virtio_console_stats *out) {
    pthread_mutex_lock(&console->lock);
    *out = console->stats;
    pthread_mutex_unlock(&console->lock);
}
