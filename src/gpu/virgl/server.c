#include "gpu/virgl/server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/log.h"

enum {
    TICK_MS = 1000, /* counted while this process runs: one that was stopped itself blames nobody */
    MESSAGE_MAX = 4096,
    FDS_MAX = 8,
    STARTS_MAX = 2, /* of the server for one request */
};

struct message {
    uint8_t data[MESSAGE_MAX];
    size_t size;
    int fds[FDS_MAX]; /* ours to close */
    unsigned fd_count;
};

struct context {
    struct context *next;
    uint32_t id;
    int socket; /* another descriptor of virglrenderer's connection to the context's process */
    bool forgotten, lost;
};

struct virgl_server {
    void (*lost)(void *ctx, uint32_t context);
    void *ctx;
    pthread_t thread;
    atomic_bool stop;
    int bell;              /* an eventfd: look again */
    int client, taken;     /* the two ends of virglrenderer's socket */
    struct message hello;  /* its first message, with which every server begins */
    struct message asked;  /* its last one while a context is being made */
    unsigned starts, wait; /* for that one: servers tried, ticks since */
    _Atomic uint32_t making;

    int socket; /* the server's; -1: none runs */
    pid_t pid;

    _Atomic uint32_t busy, entered; /* the context of virgl_server_enter(), and a count of the calls */
    uint32_t seen;                  /* entered, at the last tick */
    unsigned hung;                  /* ticks that it has been the same */

    pthread_mutex_t lock;
    struct context *contexts;
};

/* --- messages, with the descriptors that they carry */

static void close_fds(struct message *message) {
    while (message->fd_count)
        close(message->fds[--message->fd_count]);
}

static bool receive(int socket, struct message *message) {
    struct iovec iov = {message->data, sizeof message->data};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof message->fds)];
    struct msghdr header = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    message->fd_count = 0;
    if (size <= 0)
        return false;
    message->size = (size_t)size;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        message->fd_count = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof message->fds[0]);
        memcpy(message->fds, CMSG_DATA(c), message->fd_count * sizeof message->fds[0]);
    }
    return true;
}

/* Does not wait: who does not read for so long that the socket is full is lost anyway. */
static bool transmit(int socket, const struct message *message) {
    struct iovec iov = {(void *)message->data, message->size};
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof message->fds)] = {0};
    struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
    if (message->fd_count) {
        size_t size = message->fd_count * sizeof message->fds[0];
        header.msg_control = control;
        header.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        *c = (struct cmsghdr){.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(c), message->fds, size);
    }
    return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)message->size;
}

/* --- the process */

const char *virgl_server_program(void) {
    static const char *const places[] = {VIRGL_SERVER_WRAPPER, /* with the layer that lends to its driver */
        VIRGL_SERVER_PREFIX "/libexec/virgl_render_server", "/usr/libexec/virgl_render_server",
        "/usr/lib/virgl_render_server", "/usr/local/libexec/virgl_render_server"};
    const char *told = getenv("RENDER_SERVER_EXEC_PATH"); /* virglrenderer's own name for it */
    if (told)
        return access(told, X_OK) == 0 ? told : NULL;
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
        if (access(places[i], X_OK) == 0)
            return places[i];
    return NULL;
}

/* In a process group of its own, to which its workers belong too. */
static bool spawn(struct virgl_server *server, int socket) {
    const char *program = virgl_server_program();
    char number[16];
    snprintf(number, sizeof number, "%d", socket);
    char *const argv[] = {(char *)program, "--socket-fd", number, NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, ignored;
    sigemptyset(&none);
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, socket, socket); /* clears close-on-exec */
    bool ok = program && posix_spawn(&server->pid, program, &actions, &attributes, argv, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return ok;
}

static bool start(struct virgl_server *server) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    bool ok = spawn(server, ends[1]);
    close(ends[1]);
    if (!ok) {
        close(ends[0]);
        log_guest("no Vulkan in the guest: the render server (virgl_render_server) does not start");
        return false;
    }
    server->socket = ends[0];
    return transmit(server->socket, &server->hello);
}

/* With its workers. It is not waited for before it is killed: its number cannot be another's. */
static void end(struct virgl_server *server) {
    if (server->socket < 0)
        return;
    close(server->socket);
    server->socket = -1;
    kill(-server->pid, SIGKILL);
    kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* --- what virglrenderer and the server say */

/* The context was made, or will not be. */
static void answer(struct virgl_server *server, const struct message *message) {
    server->making = 0;
    server->asked.size = 0;
    close_fds(&server->asked);
    transmit(server->client, message);
}

/* A message that is no answer: the call that waits for one fails. */
static void refuse(struct virgl_server *server) {
    static const struct message nothing = {.size = 1};
    answer(server, &nothing);
}

static void ask(struct virgl_server *server) {
    server->wait = 0;
    while (server->starts < STARTS_MAX) {
        if (server->socket >= 0 && transmit(server->socket, &server->asked))
            return;
        end(server);
        server->starts++;
        start(server);
    }
    refuse(server);
}

static void ask_again(struct virgl_server *server, const char *why) {
    log_guest("the render server %s: the guest's Vulkan contexts are lost", why);
    end(server);
    if (server->making && server->asked.size)
        ask(server);
}

static void on_client(struct virgl_server *server) {
    struct message message;
    if (!receive(server->client, &message))
        return;
    if (!server->hello.size) {
        server->hello = message; /* it carries no descriptor */
        return;
    }
    if (server->making) {
        close_fds(&server->asked);
        server->asked = message;
        server->starts = 0;
        ask(server);
        return;
    }
    if (server->socket >= 0)
        transmit(server->socket, &message);
    close_fds(&message);
}

static void add_context(struct virgl_server *server, uint32_t id, int socket) {
    struct context *context = calloc(1, sizeof *context);
    int copy = dup(socket);
    if (!context || copy < 0) { /* it works, but nobody will notice its end */
        if (copy >= 0)
            close(copy);
        free(context);
        return;
    }
    *context = (struct context){.id = id, .socket = copy};
    pthread_mutex_lock(&server->lock);
    context->next = server->contexts;
    server->contexts = context;
    pthread_mutex_unlock(&server->lock);
}

static void on_server(struct virgl_server *server) {
    struct message message;
    if (!receive(server->socket, &message)) {
        ask_again(server, "has ended");
        return;
    }
    uint32_t id = server->making;
    if (id && message.fd_count == 1)
        add_context(server, id, message.fds[0]);
    answer(server, &message);
    close_fds(&message);
}

/* --- time */

/* A call that waits for a process gets an answer: the end of its connection. */
static void cut(struct virgl_server *server, uint32_t id) {
    pthread_mutex_lock(&server->lock);
    for (struct context *c = server->contexts; c; c = c->next)
        if ((c->id == id || id == 0) && !c->forgotten) {
            log_guest("the render server has not answered context %u for %d s: the context is lost", c->id,
                VIRGL_SERVER_HANG_SECONDS);
            shutdown(c->socket, SHUT_RDWR);
        }
    pthread_mutex_unlock(&server->lock);
}

static void tick(struct virgl_server *server) {
    if (server->making && server->asked.size && ++server->wait == VIRGL_SERVER_HANG_SECONDS)
        ask_again(server, "does not answer");
    uint32_t entered = server->entered;
    server->hung = entered % 2 && entered == server->seen ? server->hung + 1 : 0;
    server->seen = entered;
    if (server->hung == VIRGL_SERVER_HANG_SECONDS)
        cut(server, server->busy);
}

/* --- the thread */

/* Takes out the contexts that were forgotten, and tells of those whose process has hung up. */
static void look_after_contexts(struct virgl_server *server) {
    pthread_mutex_lock(&server->lock);
    for (struct context **link = &server->contexts; *link;) {
        struct context *c = *link;
        struct pollfd state = {.fd = c->socket};
        if (!c->forgotten && !c->lost && poll(&state, 1, 0) == 1 && state.revents & (POLLHUP | POLLERR)) {
            c->lost = true;
            server->lost(server->ctx, c->id);
        }
        if (!c->forgotten) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        close(c->socket);
        free(c);
    }
    pthread_mutex_unlock(&server->lock);
}

/* What to wait for; the caller frees it. */
static struct pollfd *list_descriptors(struct virgl_server *server, nfds_t *count) {
    nfds_t n = 3;
    pthread_mutex_lock(&server->lock);
    for (struct context *c = server->contexts; c; c = c->next)
        n++;
    struct pollfd *fds = calloc(n, sizeof *fds);
    n = 0;
    if (fds) {
        fds[n++] = (struct pollfd){.fd = server->bell, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = server->client, .events = POLLIN};
        fds[n++] = (struct pollfd){.fd = server->socket, .events = POLLIN}; /* -1 is left out */
        for (struct context *c = server->contexts; c; c = c->next)
            fds[n++] = (struct pollfd){.fd = c->lost ? -1 : c->socket}; /* for its hang-up alone */
    }
    pthread_mutex_unlock(&server->lock);
    *count = n;
    return fds;
}

static void *run(void *ctx) {
    struct virgl_server *server = ctx;
    while (!server->stop) {
        nfds_t count;
        struct pollfd *fds = list_descriptors(server, &count);
        bool watching = server->socket >= 0;
        int ready = fds ? poll(fds, count, watching ? TICK_MS : -1) : -1;
        if (ready == 0)
            tick(server);
        if (ready > 0) {
            uint64_t rings;
            if (fds[0].revents && read(server->bell, &rings, sizeof rings) < 0)
                log_warn("render server: %s", strerror(errno));
            if (fds[2].revents)
                on_server(server);
            if (fds[1].revents & POLLIN)
                on_client(server);
        }
        look_after_contexts(server);
        free(fds);
    }
    return NULL;
}

static void ring(struct virgl_server *server) {
    static const uint64_t one = 1;
    if (write(server->bell, &one, sizeof one) < 0)
        log_warn("render server: %s", strerror(errno));
}

/* --- from the GPU's thread */

void virgl_server_begin_context(struct virgl_server *server, uint32_t context) {
    server->making = context;
}

void virgl_server_end_context(struct virgl_server *server) {
    server->making = 0;
}

void virgl_server_forget(struct virgl_server *server, uint32_t context) {
    bool found = false;
    pthread_mutex_lock(&server->lock);
    for (struct context *c = server->contexts; c; c = c->next)
        if (c->id == context)
            found = c->forgotten = true;
    pthread_mutex_unlock(&server->lock);
    if (found)
        ring(server);
}

void virgl_server_enter(struct virgl_server *server, uint32_t context) {
    server->busy = context;
    server->entered++; /* odd: inside */
}

void virgl_server_leave(struct virgl_server *server) {
    server->entered++;
}

int virgl_server_take_socket(struct virgl_server *server) {
    int socket = server->taken;
    server->taken = -1;
    return socket;
}

struct virgl_server *virgl_server_create(
    void (*lost)(void *ctx, uint32_t context), void *ctx, struct error *e) {
    struct virgl_server *server = calloc(1, sizeof *server);
    int ends[2];
    if (!server || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        free(server);
        error_set(e, "no memory for the render server's keeper");
        return NULL;
    }
    *server =
        (struct virgl_server){.lost = lost, .ctx = ctx, .client = ends[0], .taken = ends[1], .socket = -1};
    server->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&server->lock, NULL);
    if (server->bell >= 0 && pthread_create(&server->thread, NULL, run, server) == 0)
        return server;
    error_set(e, "the host refuses a thread for the render server's keeper");
    pthread_mutex_destroy(&server->lock);
    close(server->bell);
    close(ends[0]);
    close(ends[1]);
    free(server);
    return NULL;
}

void virgl_server_destroy(struct virgl_server *server) {
    if (!server)
        return;
    server->stop = true;
    ring(server);
    pthread_join(server->thread, NULL);
    end(server);
    for (struct context *c; (c = server->contexts);) {
        server->contexts = c->next;
        close(c->socket);
        free(c);
    }
    close_fds(&server->asked);
    close(server->client);
    if (server->taken >= 0)
        close(server->taken);
    close(server->bell);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
