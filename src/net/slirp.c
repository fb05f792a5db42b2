#include "net/slirp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"
#include "util/log.h"

enum { NS_PER_MS = 1000000, FORWARDS_MAX = 64 };

/* What wakes us for one of slirp's sockets. */
struct watch {
    struct host_source *source; /* NULL: not watched */
    unsigned events;
    uint64_t round; /* the last one in which slirp named the socket */
};

struct forward {
    bool udp;
    struct in_addr address; /* of the host */
    unsigned host, guest;   /* ports */
};

/* slirp is asked before each sleep which sockets matter, and told afterwards what became of them. A round of
 * that follows whatever woke us: a socket, a timer, frames from the guest. */
struct net_slirp {
    struct net net; /* first */
    struct host_loop *loop;
    Slirp *slirp;
    struct host_timer *timer;

    uint64_t round;
    struct pollfd *fds, *old_fds; /* of this and the last round */
    size_t fd_count, old_count, fd_room, old_room;
    struct watch *watches; /* by descriptor */
    size_t watch_count;

    struct in_addr guest;
    struct forward forwards[FORWARDS_MAX];
    unsigned forward_count;
};

struct slirp_timer {
    struct net_slirp *self;
    struct host_timer *timer;
    SlirpTimerCb fn;
    void *ctx;
};

static struct net_slirp *self_of(struct net *net) {
    return (struct net_slirp *)net;
}

/* --- sockets */

static void on_socket(void *ctx, unsigned events);

static void unwatch(struct net_slirp *self, int fd) {
    if (fd < 0 || (size_t)fd >= self->watch_count)
        return;
    host_source_remove(self->watches[fd].source);
    self->watches[fd].source = NULL;
}

static bool grow_watches(struct net_slirp *self, int fd) {
    if ((size_t)fd < self->watch_count)
        return true;
    size_t count = (size_t)fd + 64;
    struct watch *watches = realloc(self->watches, count * sizeof *watches);
    if (!watches)
        return false;
    memset(watches + self->watch_count, 0, (count - self->watch_count) * sizeof *watches);
    self->watches = watches;
    self->watch_count = count;
    return true;
}

static void watch(struct net_slirp *self, int fd, unsigned events) {
    if (!grow_watches(self, fd))
        return;
    struct watch *watch = &self->watches[fd];
    watch->round = self->round;
    if (!watch->source)
        watch->source = host_source_add(self->loop, fd, events, on_socket, self);
    else if (watch->events != events)
        host_source_set_events(watch->source, events);
    watch->events = events;
}

static int add_poll(int fd, int events, void *ctx) {
    struct net_slirp *self = ctx;
    if (self->fd_count == self->fd_room) {
        size_t room = self->fd_room ? 2 * self->fd_room : 32;
        struct pollfd *fds = realloc(self->fds, room * sizeof *fds);
        if (!fds)
            return -1;
        self->fds = fds;
        self->fd_room = room;
    }
    short wanted = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                           (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    self->fds[self->fd_count] = (struct pollfd){fd, wanted, 0};
    watch(self, fd,
        (events & SLIRP_POLL_IN ? HOST_READABLE : 0) | (events & SLIRP_POLL_OUT ? HOST_WRITABLE : 0));
    return (int)self->fd_count++;
}

static int get_revents(int index, void *ctx) {
    struct net_slirp *self = ctx;
    if (index < 0)
        return 0;
    short got = self->fds[index].revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* Before going to sleep: asks slirp what to wait for. */
static void prepare(struct net_slirp *self) {
    struct pollfd *fds = self->old_fds;
    size_t room = self->old_room;
    self->old_fds = self->fds;
    self->old_count = self->fd_count;
    self->old_room = self->fd_room;
    self->fds = fds;
    self->fd_room = room;
    self->fd_count = 0;
    self->round++;

    uint32_t timeout = UINT32_MAX; /* ms */
    slirp_pollfds_fill(self->slirp, &timeout, add_poll, self);
    for (size_t i = 0; i < self->old_count; i++) {
        int fd = self->old_fds[i].fd;
        if (self->watches[fd].round != self->round)
            unwatch(self, fd);
    }
    if (timeout == UINT32_MAX)
        host_timer_disarm(self->timer);
    else
        host_timer_arm(self->timer, host_now_ns() + (uint64_t)timeout * NS_PER_MS);
}

/* After a sleep, and after frames from the guest: tells slirp about its sockets, which is also when it sends
 * what waited for an answer of the guest's (ARP). */
static void service(void *ctx) {
    struct net_slirp *self = ctx;
    int failed = poll(self->fds, self->fd_count, 0) < 0;
    slirp_pollfds_poll(self->slirp, failed, get_revents, self);
    net_delivered(&self->net);
    prepare(self);
}

static void on_socket(void *ctx, unsigned events) {
    (void)events;
    service(ctx);
}

/* --- what slirp calls */

static ssize_t slirp_send_packet(const void *frame, size_t size, void *ctx) {
    struct net_slirp *self = ctx;
    net_deliver(&self->net, frame, size);
    return (ssize_t)size;
}

static void slirp_guest_error(const char *message, void *ctx) {
    (void)ctx;
    log_guest("network: %s", message);
}

static int64_t slirp_clock(void *ctx) {
    (void)ctx;
    return (int64_t)host_now_ns();
}

static void on_timer(void *ctx) {
    struct slirp_timer *timer = ctx;
    timer->fn(timer->ctx);
    service(timer->self);
}

static void *slirp_timer_create(SlirpTimerCb fn, void *fn_ctx, void *ctx) {
    struct net_slirp *self = ctx;
    struct slirp_timer *timer = calloc(1, sizeof *timer);
    if (!timer)
        abort(); /* slirp itself has no other answer to this */
    *timer = (struct slirp_timer){.self = self, .fn = fn, .ctx = fn_ctx};
    timer->timer = host_timer_create(self->loop, on_timer, timer);
    if (!timer->timer)
        abort();
    return timer;
}

static void slirp_timer_free(void *ctx_timer, void *ctx) {
    (void)ctx;
    struct slirp_timer *timer = ctx_timer;
    host_timer_destroy(timer->timer);
    free(timer);
}

static void slirp_timer_mod(void *ctx_timer, int64_t expire_ms, void *ctx) {
    (void)ctx;
    struct slirp_timer *timer = ctx_timer;
    host_timer_arm(timer->timer, (uint64_t)expire_ms * NS_PER_MS);
}

/* The next round watches a new socket; one that is closed must be let go before its number is used again. */
static void slirp_register_fd(int fd, void *ctx) {
    (void)fd;
    (void)ctx;
}

static void slirp_unregister_fd(int fd, void *ctx) {
    unwatch(ctx, fd);
}

static void slirp_notify(void *ctx) {
    (void)ctx; /* a round follows everything anyway */
}

/* --- what the interface calls */

static void net_slirp_send(struct net *net, const uint8_t *frame, size_t size) {
    if (size >= NET_ETHERNET_HEADER)
        slirp_input(self_of(net)->slirp, frame, (int)size);
}

static void net_slirp_flush(struct net *net) {
    service(self_of(net));
}

static void net_slirp_close(struct net *net) {
    struct net_slirp *self = self_of(net);
    net->port = (struct net_port){0};
    if (self->slirp)
        slirp_cleanup(self->slirp);
    for (size_t fd = 0; fd < self->watch_count; fd++)
        unwatch(self, (int)fd);
    host_timer_destroy(self->timer);
    free(self->watches);
    free(self->fds);
    free(self->old_fds);
    free(self);
}

/* --- opening */

static struct in_addr ipv4(const char *text) {
    struct in_addr address;
    inet_pton(AF_INET, text, &address);
    return address;
}

static struct in6_addr ipv6(const char *text) {
    struct in6_addr address;
    inet_pton(AF_INET6, text, &address);
    return address;
}

static Slirp *open_slirp(struct net_slirp *self, const struct net_slirp_config *wanted) {
    static const SlirpCb callbacks = {
        .send_packet = slirp_send_packet,
        .guest_error = slirp_guest_error,
        .clock_get_ns = slirp_clock,
        .timer_new = slirp_timer_create,
        .timer_free = slirp_timer_free,
        .timer_mod = slirp_timer_mod,
        .register_poll_fd = slirp_register_fd,
        .unregister_poll_fd = slirp_unregister_fd,
        .notify = slirp_notify,
    };
    const char *search[] = {wanted->domain, NULL};
    const SlirpConfig config = {
        .version = 4,
        .restricted = wanted->isolated,
        .in_enabled = true,
        .vnetwork = ipv4("10.0.2.0"),
        .vnetmask = ipv4("255.255.255.0"),
        .vhost = ipv4("10.0.2.2"),
        .vdhcp_start = self->guest,
        .vnameserver = ipv4("10.0.2.3"),
        .vdomainname = wanted->domain,
        .vdnssearch = wanted->domain ? search : NULL,
        .in6_enabled = true,
        .vprefix_addr6 = ipv6("fec0::"),
        .vprefix_len = 64,
        .vhost6 = ipv6("fec0::2"),
        .vnameserver6 = ipv6("fec0::3"),
        .if_mtu = wanted->mtu,
        .if_mru = wanted->mtu,
    };
    return slirp_new(&config, &callbacks, self);
}

struct net *net_slirp_create(struct host_loop *loop, const struct net_slirp_config *config, struct error *e) {
    static const struct net_ops ops = {net_slirp_send, net_slirp_flush, net_slirp_close};
    struct net_slirp *self = calloc(1, sizeof *self);
    if (!self) {
        error_set(e, "out of memory");
        return NULL;
    }
    self->net.ops = &ops;
    self->net.mtu = config->mtu;
    self->loop = loop;
    self->guest.s_addr = htonl(ntohl(ipv4("10.0.2.0").s_addr) | config->guest);
    self->timer = host_timer_create(loop, service, self);
    self->slirp = self->timer ? open_slirp(self, config) : NULL;
    if (!self->slirp) {
        error_set(e, "the user-mode network does not start: out of memory");
        net_slirp_close(&self->net);
        return NULL;
    }
    prepare(self);
    return &self->net;
}

/* --- forwards */

static bool parse_ports(const char *text, unsigned *host, unsigned *guest) {
    int end = 0;
    if (strspn(text, "0123456789-") != strlen(text) || sscanf(text, "%5u-%5u%n", host, guest, &end) != 2)
        return false;
    return !text[end] && *host >= 1 && *host <= 65535 && *guest >= 1 && *guest <= 65535;
}

static int parse_forward(const char *spec, struct forward *forward, struct error *e) {
    char address[INET_ADDRSTRLEN] = "127.0.0.1";
    *forward = (struct forward){.udp = strncmp(spec, "udp:", 4) == 0};
    bool good = forward->udp || strncmp(spec, "tcp:", 4) == 0;
    const char *ports = good ? spec + 4 : "", *colon = strchr(ports, ':');
    if (colon) {
        snprintf(address, sizeof address, "%.*s", (int)(colon - ports), ports);
        ports = colon + 1;
    }
    if (good && parse_ports(ports, &forward->host, &forward->guest) &&
        inet_pton(AF_INET, address, &forward->address) == 1)
        return 0;
    return error_set(
        e, "%.80s: expected tcp:[ADDRESS:]HOSTPORT-GUESTPORT or udp:[ADDRESS:]HOSTPORT-GUESTPORT", spec);
}

static void print_forward(const struct forward *forward, char text[NET_FORWARD_SIZE]) {
    char address[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &forward->address, address, sizeof address);
    snprintf(text, NET_FORWARD_SIZE, "%s:%s:%u-%u", forward->udp ? "udp" : "tcp", address, forward->host,
        forward->guest);
}

static struct forward *find_forward(struct net_slirp *self, const struct forward *wanted) {
    for (unsigned i = 0; i < self->forward_count; i++) {
        struct forward *forward = &self->forwards[i];
        if (forward->udp == wanted->udp && forward->address.s_addr == wanted->address.s_addr &&
            forward->host == wanted->host)
            return forward;
    }
    return NULL;
}

int net_slirp_forward(struct net *net, const char *spec, struct error *e) {
    struct net_slirp *self = self_of(net);
    struct forward forward;
    char address[INET_ADDRSTRLEN];
    if (parse_forward(spec, &forward, e) < 0)
        return -1;
    if (self->forward_count == FORWARDS_MAX)
        return error_set(e, "%s: more than %d forwards", spec, FORWARDS_MAX);
    if (find_forward(self, &forward))
        return error_set(e, "%s: port %u is forwarded already", spec, forward.host);
    errno = 0;
    if (slirp_add_hostfwd(self->slirp, forward.udp, forward.address, (int)forward.host, self->guest,
            (int)forward.guest) < 0) {
        const char *why = errno == EADDRINUSE      ? "another program uses it"
                          : errno == EACCES        ? "ports below 1024 need privileges"
                          : errno == EADDRNOTAVAIL ? "this host has no such address"
                                                   : strerror(errno);
        inet_ntop(AF_INET, &forward.address, address, sizeof address);
        return error_set(e, "%s: cannot listen on port %u of %s: %s", spec, forward.host, address, why);
    }
    self->forwards[self->forward_count++] = forward;
    prepare(self);
    return 0;
}

int net_slirp_unforward(struct net *net, const char *spec, struct error *e) {
    struct net_slirp *self = self_of(net);
    struct forward wanted;
    if (parse_forward(spec, &wanted, e) < 0)
        return -1;
    struct forward *forward = find_forward(self, &wanted);
    if (!forward || forward->guest != wanted.guest)
        return error_set(e, "%s: there is no such forward", spec);
    slirp_remove_hostfwd(self->slirp, forward->udp, forward->address, (int)forward->host);
    size_t behind = (size_t)(self->forwards + --self->forward_count - forward);
    memmove(forward, forward + 1, behind * sizeof *forward);
    prepare(self);
    return 0;
}

const char *net_slirp_forward_at(struct net *net, unsigned n, char text[NET_FORWARD_SIZE]) {
    struct net_slirp *self = self_of(net);
    if (n >= self->forward_count)
        return NULL;
    print_forward(&self->forwards[n], text);
    return text;
}

const char *net_slirp_version(void) {
    return slirp_version_string();
}
