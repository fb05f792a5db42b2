#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/rpc.h"
#include "host/clock.h"
#include "host/socket.h"

/* A VM answers at once, if at all; a screenshot of a large screen takes a while. */
enum { ANSWER_SECONDS = 30, MESSAGE_MAX = 4 << 20 };

struct rpc_client {
    int fd;
    unsigned last_id;
    char *in;
    size_t in_size, in_room;
};

struct rpc_client *rpc_connect(const char *directory, const char *name) {
    int fd = host_socket_connect(directory, name);
    if (fd < 0)
        return NULL;
    struct rpc_client *client = calloc(1, sizeof *client);
    if (client)
        client->fd = fd;
    else
        close(fd);
    return client;
}

void rpc_close(struct rpc_client *client) {
    if (!client)
        return;
    close(client->fd);
    free(client->in);
    free(client);
}

static bool send_all(struct rpc_client *client, const char *data, size_t size) {
    while (size) {
        ssize_t sent = send(client->fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* More input, until the deadline; false: none came, and *closed tells why. */
static bool receive(struct rpc_client *client, uint64_t deadline, bool *closed) {
    struct pollfd wait = {client->fd, POLLIN, 0};
    uint64_t now = host_now_ns();
    uint64_t left = deadline > now ? (deadline - now) / 1000000 + 1 : 0;
    int ready = poll(&wait, 1, deadline == UINT64_MAX ? -1 : left > 1000000 ? 1000000 : (int)left);
    if (ready < 0 && errno == EINTR)
        return true;
    if (ready <= 0)
        return left != 0 && ready == 0 && host_now_ns() < deadline;
    if (client->in_room - client->in_size < 4096) {
        char *larger = client->in_room < MESSAGE_MAX ? realloc(client->in, client->in_room + 65536) : NULL;
        if (!larger) {
            *closed = true;
            return false;
        }
        client->in = larger;
        client->in_room += 65536;
    }
    ssize_t got = recv(client->fd, client->in + client->in_size, client->in_room - client->in_size, 0);
    if (got <= 0 && !(got < 0 && errno == EINTR)) {
        *closed = true;
        return false;
    }
    if (got > 0)
        client->in_size += (size_t)got;
    return true;
}

static yyjson_doc *next_message(struct rpc_client *client, uint64_t deadline, bool *closed) {
    *closed = false;
    char *end;
    while (!(end = client->in_size ? memchr(client->in, '\n', client->in_size) : NULL))
        if (!receive(client, deadline, closed))
            return NULL;
    yyjson_doc *doc = yyjson_read(client->in, (size_t)(end - client->in), 0);
    client->in_size -= (size_t)(end + 1 - client->in);
    memmove(client->in, end + 1, client->in_size);
    if (!doc)
        *closed = true; /* not our protocol */
    return doc;
}

static bool send_request(struct rpc_client *client, const char *method, const char *params) {
    char *text;
    int size = asprintf(&text, "{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":%s,\"id\":%u}\n", method,
        params ? params : "{}", ++client->last_id);
    bool sent = size > 0 && send_all(client, text, (size_t)size);
    if (size > 0)
        free(text);
    return sent;
}

yyjson_doc *rpc_call(
    struct rpc_client *client, const char *method, const char *params, yyjson_val **result, struct error *e) {
    uint64_t deadline = host_now_ns() + ANSWER_SECONDS * 1000000000ull;
    bool closed = !send_request(client, method, params);
    for (yyjson_doc *doc; !closed && (doc = next_message(client, deadline, &closed)); yyjson_doc_free(doc)) {
        yyjson_val *root = yyjson_doc_get_root(doc), *id = yyjson_obj_get(root, "id");
        if (yyjson_get_uint(id) != client->last_id)
            continue;
        if ((*result = yyjson_obj_get(root, "result")))
            return doc;
        const char *why = yyjson_get_str(yyjson_obj_get(yyjson_obj_get(root, "error"), "message"));
        error_set(e, "%s", why ? why : "the VM's process gave an answer that makes no sense");
        yyjson_doc_free(doc);
        return NULL;
    }
    error_set(e, closed ? "the VM's process ended the connection" : "the VM's process does not answer");
    return NULL;
}

yyjson_doc *rpc_next_event(struct rpc_client *client, double timeout, yyjson_val **params, bool *closed) {
    uint64_t deadline = timeout < 0 ? UINT64_MAX : host_now_ns() + (uint64_t)(timeout * 1e9);
    for (yyjson_doc *doc; (doc = next_message(client, deadline, closed)); yyjson_doc_free(doc)) {
        yyjson_val *root = yyjson_doc_get_root(doc);
        if (yyjson_equals_str(yyjson_obj_get(root, "method"), "event") &&
            (*params = yyjson_obj_get(root, "params")))
            return doc;
    }
    return NULL;
}
