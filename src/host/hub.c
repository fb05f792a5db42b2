#include "host/hub.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/socket.h"
#include "util/log.h"

enum { CLIENTS = 16, HISTORY_SIZE = 256 * 1024, LOG_SIZE_MAX = 4 << 20 };

struct client {
    struct host_hub *hub;
    int fd; /* -1: free */
    struct host_source *source;
    uint64_t at; /* how much of all output it has got */
    bool blocked;
};

struct host_hub {
    struct host_loop *loop;
    struct host_hub_input input;
    bool input_wanted;
    char *path;
    int listening;
    struct host_source *source;
    struct client clients[CLIENTS];

    uint64_t end; /* bytes of output so far; the last of them are in the ring: */
    uint8_t history[HISTORY_SIZE];

    int log; /* -1: cannot be written */
    off_t log_size;
};

static void watch(struct client *client) {
    host_source_set_events(client->source,
        (client->blocked ? HOST_WRITABLE : 0) | (client->hub->input_wanted ? HOST_READABLE : 0));
}

static void drop(struct client *client) {
    host_source_remove(client->source);
    close(client->fd);
    client->fd = -1;
}

/* Sends what the client has not got. What left the ring meanwhile is lost to it. */
static void catch_up(struct client *client) {
    struct host_hub *hub = client->hub;
    client->blocked = false;
    while (client->at < hub->end) {
        if (hub->end - client->at > HISTORY_SIZE)
            client->at = hub->end - HISTORY_SIZE;
        size_t start = client->at % HISTORY_SIZE, size = hub->end - client->at;
        if (size > HISTORY_SIZE - start)
            size = HISTORY_SIZE - start;
        ssize_t sent = send(client->fd, hub->history + start, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN) {
            client->blocked = true;
            break;
        }
        if (sent < 0) {
            drop(client);
            return;
        }
        client->at += (size_t)sent;
    }
    watch(client);
}

static void on_client(void *ctx, unsigned events) {
    struct client *client = ctx;
    struct host_hub *hub = client->hub;
    if (events & HOST_WRITABLE)
        catch_up(client);
    if (client->fd < 0 || !(events & (HOST_READABLE | HOST_HANGUP)))
        return;
    /* Without room for its last words, a client that is gone would be told of again and again. */
    if ((!hub->input_wanted && events & HOST_HANGUP) ||
        (hub->input_wanted && hub->input.readable(hub->input.ctx, client->fd) < 0))
        drop(client);
}

static void on_connect(void *ctx, unsigned events) {
    (void)events;
    struct host_hub *hub = ctx;
    int fd = host_socket_accept(hub->listening);
    if (fd < 0)
        return;
    struct client *client = hub->clients;
    while (client < hub->clients + CLIENTS && client->fd >= 0)
        client++;
    if (client == hub->clients + CLIENTS) {
        close(fd);
        return;
    }
    uint64_t at = hub->end > HISTORY_SIZE ? hub->end - HISTORY_SIZE : 0;
    *client = (struct client){.hub = hub, .fd = fd, .at = at};
    client->source = host_source_add(hub->loop, fd, 0, on_client, client);
    if (client->source) {
        catch_up(client);
    } else {
        close(fd);
        client->fd = -1;
    }
}

void host_hub_want_input(struct host_hub *hub, bool wanted) {
    if (wanted == hub->input_wanted)
        return;
    hub->input_wanted = wanted;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (hub->clients[i].fd >= 0)
            watch(&hub->clients[i]);
}

/* --- the copy in a file, which a guest must not make the disk full with */

static void open_log(struct host_hub *hub, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s.log", hub->path);
    hub->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    hub->log_size = hub->log < 0 ? 0 : lseek(hub->log, 0, SEEK_END);
    if (hub->log < 0)
        log_warn("%s: %s; the console's output is not kept", path, strerror(errno));
}

static void rotate_log(struct host_hub *hub) {
    char path[PATH_MAX], old[PATH_MAX];
    snprintf(path, sizeof path, "%s.log", hub->path);
    snprintf(old, sizeof old, "%s.log.old", hub->path);
    close(hub->log);
    rename(path, old);
    open_log(hub, O_TRUNC);
}

static void keep(struct host_hub *hub, const void *data, size_t size) {
    if (hub->log >= 0 && hub->log_size > LOG_SIZE_MAX)
        rotate_log(hub);
    if (hub->log < 0)
        return;
    ssize_t written = write(hub->log, data, size);
    if (written > 0)
        hub->log_size += written;
}

void host_hub_write(struct host_hub *hub, const void *data, size_t size) {
    keep(hub, data, size);
    for (size_t done = 0; done < size;) {
        size_t at = hub->end % HISTORY_SIZE;
        size_t part = size - done < HISTORY_SIZE - at ? size - done : HISTORY_SIZE - at;
        memcpy(hub->history + at, (const uint8_t *)data + done, part);
        hub->end += part;
        done += part;
    }
    for (unsigned i = 0; i < CLIENTS; i++)
        if (hub->clients[i].fd >= 0 && !hub->clients[i].blocked)
            catch_up(&hub->clients[i]);
}

/* --- */

struct host_hub *host_hub_open(
    struct host_loop *loop, const char *path, const struct host_hub_input *input, struct error *e) {
    struct host_hub *hub = calloc(1, sizeof *hub);
    if (!hub) {
        error_set(e, "out of memory");
        return NULL;
    }
    hub->loop = loop;
    hub->input = *input;
    hub->input_wanted = true;
    hub->log = -1;
    for (unsigned i = 0; i < CLIENTS; i++)
        hub->clients[i].fd = -1;
    hub->listening = host_socket_listen(path, e);
    if (hub->listening < 0) {
        free(hub);
        return NULL;
    }
    hub->path = strdup(path);
    hub->source = host_source_add(loop, hub->listening, HOST_READABLE, on_connect, hub);
    if (!hub->path || !hub->source) {
        error_set(e, "%s: out of memory", path);
        host_hub_close(hub);
        return NULL;
    }
    open_log(hub, 0);
    return hub;
}

void host_hub_close(struct host_hub *hub) {
    if (!hub)
        return;
    for (unsigned i = 0; i < CLIENTS; i++)
        if (hub->clients[i].fd >= 0)
            drop(&hub->clients[i]);
    host_source_remove(hub->source);
    close(hub->listening);
    if (hub->path)
        unlink(hub->path);
    if (hub->log >= 0)
        close(hub->log);
    free(hub->path);
    free(hub);
}
