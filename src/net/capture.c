/* The file format is libpcap's: "PCAP Capture File Format", draft-ietf-opsawg-pcap; in the host's byte order,
 * which readers find out. */
#include "net/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "host/file.h"
#include "util/log.h"

struct file_header { /* section 4 */
    uint32_t magic;
    uint16_t major, minor;
    uint32_t reserved[2];
    uint32_t snaplen, link_type;
};

struct packet_header { /* section 5 */
    uint32_t seconds, microseconds;
    uint32_t captured, original; /* bytes */
};

enum { MAGIC = 0xa1b2c3d4u, MAJOR = 2, MINOR = 4, SNAPLEN = 262144, LINKTYPE_ETHERNET = 1 };

_Static_assert(sizeof(struct file_header) == 24 && sizeof(struct packet_header) == 16, "sections 4 and 5");
_Static_assert((int)NET_FRAME_MAX <= (int)SNAPLEN, "frames are never cut");

struct capture {
    struct net net; /* first */
    struct net *below;
    char *path;
    int fd; /* -1: no frame yet, or over */
    bool over;
    off_t size;
};

static struct capture *self_of(struct net *net) {
    return (struct capture *)net;
}

/* What was begun of a packet goes, so that the file stays readable. */
static void give_up(struct capture *self, int why) {
    log_warn("%s: %s; the capture ends here", self->path, strerror(why));
    self->over = true;
    if (self->fd >= 0) {
        if (ftruncate(self->fd, self->size) < 0)
            log_warn("%s: its last packet is cut", self->path);
        close(self->fd);
    }
    self->fd = -1;
}

static void append(struct capture *self, struct iovec *parts, int count) {
    ssize_t size = 0, done;
    for (int i = 0; i < count; i++)
        size += (ssize_t)parts[i].iov_len;
    while ((done = writev(self->fd, parts, count)) < 0 && errno == EINTR)
        ;
    if (done == size)
        self->size += size;
    else if (done >= 0 || errno != EAGAIN) /* a FIFO that is full misses this one */
        give_up(self, done < 0 ? errno : ENOSPC);
}

static void begin(struct capture *self) {
    struct file_header header = {MAGIC, MAJOR, MINOR, {0, 0}, SNAPLEN, LINKTYPE_ETHERNET};
    /* A FIFO must not make the VM wait for its reader. */
    self->fd = open(self->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0600);
    if (self->fd < 0)
        give_up(self, errno);
    else
        append(self, &(struct iovec){&header, sizeof header}, 1);
}

static void record(struct capture *self, const uint8_t *frame, size_t size) {
    if (self->fd < 0 && !self->over)
        begin(self);
    if (self->over)
        return;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct packet_header header = {
        (uint32_t)now.tv_sec, (uint32_t)(now.tv_nsec / 1000), (uint32_t)size, (uint32_t)size};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)frame, size}};
    append(self, parts, 2);
}

/* --- both directions */

static void capture_send(struct net *net, const uint8_t *frame, size_t size) {
    struct capture *self = self_of(net);
    record(self, frame, size);
    self->below->ops->send(self->below, frame, size);
}

static void capture_flush(struct net *net) {
    struct net *below = self_of(net)->below;
    below->ops->flush(below);
}

static void capture_receive(void *ctx, const uint8_t *frame, size_t size) {
    struct capture *self = ctx;
    record(self, frame, size);
    net_deliver(&self->net, frame, size);
}

static void capture_received(void *ctx) {
    struct capture *self = ctx;
    net_delivered(&self->net);
}

static void capture_close(struct net *net) {
    struct capture *self = self_of(net);
    net->port = (struct net_port){0};
    net_close(self->below);
    if (self->fd >= 0)
        close(self->fd);
    free(self->path);
    free(self);
}

struct net *net_capture_create(struct net *below, const char *path, struct error *e) {
    static const struct net_ops ops = {capture_send, capture_flush, capture_close};
    if (host_check_writable(path, e) < 0)
        return NULL;
    struct capture *self = calloc(1, sizeof *self);
    char *copy = strdup(path);
    if (!self || !copy) {
        error_set(e, "out of memory");
        free(self);
        free(copy);
        return NULL;
    }
    *self = (struct capture){.net = {.ops = &ops, .mtu = below->mtu}, .below = below, .path = copy, .fd = -1};
    below->port = (struct net_port){capture_receive, capture_received, self};
    return &self->net;
}
