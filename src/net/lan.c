#include "net/lan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host/clock.h"
#include "net/dns.h"
#include "net/frame.h"

enum { GUESTS = 256 };
/* Frames for a peer that it has no room for, in bytes; what comes on top is dropped. */
enum { QUEUE_MAX = 256 * 1024 };
/* Frames that are received in one go before the loop looks after others. */
enum { RECEIVE_BATCH = 64 };

struct waiting_frame {
    struct waiting_frame *next;
    size_t size;
    uint8_t data[];
};

struct peer {
    struct lan *lan;
    int fd; /* connected to its socket; -1: there is none */
    struct host_source *source;
    char name[NET_LAN_NAME_MAX + 1];
    struct waiting_frame *queue, **queue_end;
    size_t queue_size;
};

struct lan {
    struct net net; /* first */
    struct net *below;
    struct host_loop *loop;
    int directory, fd;
    struct host_source *source;
    char socket_name[NET_LAN_NAME_MAX + 8];
    char name[NET_LAN_NAME_MAX + 1];
    uint8_t guest;
    struct peer peers[GUESTS]; /* by number */
    struct timespec seen;      /* when the directory was changed, of which peers are known */
    bool settled;              /* and a change since then would show as another time */
    uint64_t looked;           /* host_now_ns() */
    uint8_t frame[NET_FRAME_MAX + 1];
};

static struct lan *self_of(struct net *net) {
    return (struct lan *)net;
}

/* --- the sockets in the directory */

/* "NAME,GUEST"; 0: something else. */
static uint8_t parse_entry(const char *entry, char name[NET_LAN_NAME_MAX + 1]) {
    const char *comma = strchr(entry, ',');
    unsigned guest;
    int end = 0;
    if (!comma || comma == entry || comma - entry > NET_LAN_NAME_MAX ||
        sscanf(comma, ",%3u%n", &guest, &end) != 1 || comma[end] || guest < NET_GUEST_FIRST ||
        guest > NET_GUEST_LAST)
        return 0;
    snprintf(name, NET_LAN_NAME_MAX + 1, "%.*s", (int)(comma - entry), entry);
    return (uint8_t)guest;
}

/* Short, however long the directory's path is. */
static void make_address(const struct lan *lan, const char *entry, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", lan->directory, entry);
}

static int new_socket(void) {
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void each_entry(
    struct lan *lan, void (*found)(struct lan *lan, const char *entry, const char *name, uint8_t guest)) {
    int fd = openat(lan->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (!directory) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(directory));) {
        char name[NET_LAN_NAME_MAX + 1];
        uint8_t guest = parse_entry(entry->d_name, name);
        if (guest)
            found(lan, entry->d_name, name, guest);
    }
    closedir(directory);
}

/* --- peers */

static void drop_first(struct peer *peer) {
    struct waiting_frame *frame = peer->queue;
    peer->queue = frame->next;
    if (!peer->queue)
        peer->queue_end = &peer->queue;
    peer->queue_size -= sizeof *frame + frame->size;
    free(frame);
}

static void forget(struct peer *peer) {
    while (peer->queue)
        drop_first(peer);
    host_source_remove(peer->source);
    peer->source = NULL;
    if (peer->fd < 0)
        return;
    close(peer->fd);
    peer->fd = -1;
    peer->lan->settled = false; /* it may be there again, by the same name */
}

/* False when there is no room; a peer that is gone is forgotten. */
static bool send_now(struct peer *peer, const uint8_t *frame, size_t size) {
    if (send(peer->fd, frame, size, MSG_NOSIGNAL) >= 0)
        return true;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
        return false;
    forget(peer);
    return true;
}

static void on_peer(void *ctx, unsigned events) {
    struct peer *peer = ctx;
    if (events & HOST_HANGUP) {
        forget(peer);
        return;
    }
    while (peer->queue && send_now(peer, peer->queue->data, peer->queue->size))
        if (peer->queue) /* not forgotten */
            drop_first(peer);
    if (!peer->queue && peer->source)
        host_source_set_events(peer->source, 0);
}

static void send_to(struct peer *peer, const uint8_t *data, size_t size) {
    if (peer->fd < 0 || (!peer->queue && send_now(peer, data, size)))
        return;
    struct waiting_frame *frame = peer->queue_size + size <= QUEUE_MAX ? malloc(sizeof *frame + size) : NULL;
    if (!frame)
        return;
    frame->next = NULL;
    frame->size = size;
    memcpy(frame->data, data, size);
    if (!peer->queue)
        host_source_set_events(peer->source, HOST_WRITABLE);
    *peer->queue_end = frame;
    peer->queue_end = &frame->next;
    peer->queue_size += sizeof *frame + size;
}

/* A socket does not tell when its other end is closed; an empty datagram finds out. */
static bool is_there(struct peer *peer) {
    if (peer->fd >= 0)
        send_now(peer, NULL, 0);
    return peer->fd >= 0;
}

/* A socket that nobody has open is left over from a crash. */
static void meet(struct lan *lan, const char *entry, const char *name, uint8_t guest) {
    struct peer *peer = &lan->peers[guest];
    struct sockaddr_un address;
    if (guest == lan->guest || (strcmp(peer->name, name) == 0 && is_there(peer)))
        return;
    int fd = new_socket();
    make_address(lan, entry, &address);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        if (fd >= 0)
            close(fd);
        return;
    }
    forget(peer);
    peer->fd = fd;
    strcpy(peer->name, name);
    peer->source = host_source_add(lan->loop, fd, 0, on_peer, peer);
    if (!peer->source)
        forget(peer);
}

/* Times of files are of the kernel's last tick: what changed lately could change again within it. */
static void look_around(struct lan *lan) {
    enum { SETTLED_SECONDS = 2, PAUSE_NS = 50000000 };
    struct stat st;
    struct timespec now;
    if (host_now_ns() - lan->looked < PAUSE_NS || fstat(lan->directory, &st) < 0)
        return;
    bool same = st.st_mtim.tv_sec == lan->seen.tv_sec && st.st_mtim.tv_nsec == lan->seen.tv_nsec;
    if (lan->settled && same)
        return;
    lan->looked = host_now_ns();
    clock_gettime(CLOCK_REALTIME, &now);
    lan->seen = st.st_mtim;
    lan->settled = now.tv_sec - st.st_mtim.tv_sec >= SETTLED_SECONDS;
    each_entry(lan, meet);
}

/* --- names */

static uint8_t find_guest(void *ctx, const char *name) {
    struct lan *lan = ctx;
    look_around(lan);
    if (strcasecmp(name, lan->name) == 0)
        return lan->guest;
    for (unsigned i = 0; i < GUESTS; i++)
        if (strcasecmp(name, lan->peers[i].name) == 0 && is_there(&lan->peers[i]))
            return (uint8_t)i;
    return 0;
}

static const char *name_of(void *ctx, uint8_t guest) {
    struct lan *lan = ctx;
    look_around(lan);
    if (guest == lan->guest)
        return lan->name;
    return is_there(&lan->peers[guest]) ? lan->peers[guest].name : NULL;
}

static bool is_name_server(const struct net_udp *udp) {
    static const uint8_t ipv4[] = {10, 0, 2, 3}, ipv6[16] = {0xfe, 0xc0, [15] = 3};
    return memcmp(udp->to, udp->ipv6 ? ipv6 : ipv4, udp->ipv6 ? sizeof ipv6 : sizeof ipv4) == 0;
}

static bool answer_query(struct lan *lan, const uint8_t *frame, size_t size) {
    enum { PORT_DNS = 53 };
    const struct net_dns_names names = {find_guest, name_of, lan};
    uint8_t answer[NET_DNS_ANSWER_MAX], out[NET_UDP_HEADERS_MAX + NET_DNS_ANSWER_MAX];
    struct net_udp udp;
    if (!net_frame_udp(frame, size, &udp) || udp.to_port != PORT_DNS || !is_name_server(&udp))
        return false;
    size_t answer_size = net_dns_answer(&names, udp.data, udp.size, answer);
    if (!answer_size)
        return false;
    size_t out_size = net_frame_answer(&udp, answer, answer_size, out);
    net_deliver(&lan->net, out, out_size);
    return true;
}

/* --- frames from the guest */

static void send_to_others(struct lan *lan, const uint8_t *frame, size_t size) {
    look_around(lan);
    for (unsigned i = NET_GUEST_FIRST; i <= NET_GUEST_LAST; i++)
        send_to(&lan->peers[i], frame, size);
}

static void lan_send(struct net *net, const uint8_t *frame, size_t size) {
    struct lan *lan = self_of(net);
    if (size < NET_ETHERNET_HEADER)
        return;
    uint8_t to = net_guest_of_mac(frame);
    bool may_pass = size <= lan->net.mtu + NET_ETHERNET_HEADER && net_frame_is_from(frame, size, lan->guest);
    if (to) {
        if (may_pass && lan->peers[to].fd < 0)
            look_around(lan);
        if (may_pass)
            send_to(&lan->peers[to], frame, size);
        return;
    }
    if (frame[0] & 1 && may_pass) /* to a group, or all */
        send_to_others(lan, frame, size);
    if (!answer_query(lan, frame, size))
        lan->below->ops->send(lan->below, frame, size);
}

static void lan_flush(struct net *net) {
    struct lan *lan = self_of(net);
    net_delivered(&lan->net); /* answers to queries */
    lan->below->ops->flush(lan->below);
}

/* --- frames for it */

/* What a guest does not say to others by itself is not believed of the process that runs it, either. */
static void receive_from_peer(struct lan *lan, size_t size) {
    const uint8_t *frame = lan->frame;
    if (size < NET_ETHERNET_HEADER || size > lan->net.mtu + NET_ETHERNET_HEADER)
        return;
    uint8_t from = net_guest_of_mac(frame + NET_MAC_SIZE), to = net_guest_of_mac(frame);
    if (!from || from == lan->guest || !(to == lan->guest || frame[0] & 1) ||
        !net_frame_is_from(frame, size, from))
        return;
    net_deliver(&lan->net, frame, size);
}

static void on_socket(void *ctx, unsigned events) {
    (void)events;
    struct lan *lan = ctx;
    for (unsigned i = 0; i < RECEIVE_BATCH; i++) {
        ssize_t size = recv(lan->fd, lan->frame, sizeof lan->frame, 0);
        if (size < 0)
            break;
        receive_from_peer(lan, (size_t)size);
    }
    net_delivered(&lan->net);
}

static void on_below(void *ctx, const uint8_t *frame, size_t size) {
    struct lan *lan = ctx;
    net_deliver(&lan->net, frame, size);
}

static void on_below_done(void *ctx) {
    struct lan *lan = ctx;
    net_delivered(&lan->net);
}

/* --- life */

static void lan_close(struct net *net) {
    struct lan *lan = self_of(net);
    net->port = (struct net_port){0};
    net_close(lan->below);
    for (unsigned i = 0; i < GUESTS; i++)
        forget(&lan->peers[i]);
    host_source_remove(lan->source);
    if (lan->fd >= 0) {
        unlinkat(lan->directory, lan->socket_name, 0);
        close(lan->fd);
    }
    if (lan->directory >= 0)
        close(lan->directory);
    free(lan);
}

static void remove_left(struct lan *lan, const char *entry, const char *name, uint8_t guest) {
    if (guest == lan->guest || strcmp(name, lan->name) == 0)
        unlinkat(lan->directory, entry, 0);
}

static int open_directory(struct lan *lan, const char *path, struct error *e) {
    struct stat st;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_set(e, "%s: %s", path, strerror(errno));
    lan->directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (lan->directory < 0 || fstat(lan->directory, &st) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    if ((st.st_uid != geteuid() && geteuid() != 0) || st.st_mode & 077)
        return error_set(e, "%s: others may enter it (it is to be its user's, with mode 700)", path);
    return 0;
}

static int open_socket(struct lan *lan, struct error *e) {
    struct sockaddr_un address;
    each_entry(lan, remove_left);
    make_address(lan, lan->socket_name, &address);
    int fd = new_socket();
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        error_set(e, "%s: %s", lan->socket_name, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    lan->fd = fd;
    lan->source = host_source_add(lan->loop, fd, HOST_READABLE, on_socket, lan);
    return lan->source ? 0 : error_set(e, "out of memory");
}

struct net *net_lan_create(
    struct host_loop *loop, struct net *below, const struct net_lan_config *config, struct error *e) {
    static const struct net_ops ops = {lan_send, lan_flush, lan_close};
    struct lan *lan = calloc(1, sizeof *lan);
    if (!lan) {
        error_set(e, "out of memory");
        return NULL;
    }
    lan->net = (struct net){.ops = &ops, .mtu = below->mtu};
    lan->loop = loop;
    lan->directory = lan->fd = -1;
    lan->guest = config->guest;
    snprintf(lan->name, sizeof lan->name, "%s", config->name);
    snprintf(lan->socket_name, sizeof lan->socket_name, "%s,%u", lan->name, lan->guest);
    for (unsigned i = 0; i < GUESTS; i++)
        lan->peers[i] = (struct peer){.lan = lan, .fd = -1, .queue_end = &lan->peers[i].queue};
    if (open_directory(lan, config->directory, e) < 0 || open_socket(lan, e) < 0) {
        lan_close(&lan->net);
        return NULL;
    }
    lan->below = below;
    below->port = (struct net_port){on_below, on_below_done, lan};
    return &lan->net;
}
