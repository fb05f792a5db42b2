#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/rpc.h"
#include "host/socket.h"

struct rpc_client_state {
    struct rpc_server *server;
    int fd; /* -1: free */
    struct host_source *source;
    bool subscribed;
    bool doomed; /* to be dropped when nothing of it is in use any more */
    size_t in_size;
    char in[RPC_LINE_MAX];
    char *out; /* not sent yet */
    size_t out_start, out_size, out_room;
};

struct rpc_server {
    struct host_loop *loop;
    const struct rpc_method *methods;
    void *ctx;
    char *path;
    int listening;
    struct host_source *source;
    struct rpc_client_state clients[RPC_CLIENTS];
    struct rpc_client_state *current; /* whose request is under way */
};

/* --- output */

static void drop(struct rpc_client_state *client) {
    host_source_remove(client->source);
    close(client->fd);
    free(client->out);
    client->out = NULL;
    client->fd = -1;
}

static void flush(struct rpc_client_state *client) {
    while (client->out_size) {
        ssize_t sent = send(client->fd, client->out + client->out_start, client->out_size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            client->doomed |= errno != EAGAIN;
            break;
        }
        client->out_start += (size_t)sent;
        client->out_size -= (size_t)sent;
    }
    if (!client->out_size)
        client->out_start = 0;
    /* Who does not read the answers is not asked for more. */
    host_source_set_events(client->source, client->out_size ? HOST_WRITABLE : HOST_READABLE);
}

static bool make_room(struct rpc_client_state *client, size_t size) {
    size_t needed = client->out_size + size;
    if (needed > RPC_BACKLOG_MAX)
        return false;
    memmove(client->out, client->out + client->out_start, client->out_size);
    client->out_start = 0;
    if (needed <= client->out_room)
        return true;
    char *larger = realloc(client->out, needed);
    if (!larger)
        return false;
    client->out = larger;
    client->out_room = needed;
    return true;
}

/* A line for the client. */
static void send_line(struct rpc_client_state *client, yyjson_mut_doc *doc) {
    size_t size;
    char *text = client->doomed ? NULL : yyjson_mut_write(doc, 0, &size);
    if (!text || (!client->out && !(client->out = malloc(client->out_room = 4096))) ||
        !make_room(client, size + 1)) {
        client->doomed = true;
    } else {
        memcpy(client->out + client->out_size, text, size);
        client->out[client->out_size + size] = '\n';
        client->out_size += size + 1;
        flush(client);
    }
    free(text);
}

/* --- answers */

static yyjson_mut_val *new_message(yyjson_mut_doc *doc) {
    yyjson_mut_val *message = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, message, "jsonrpc", "2.0");
    return message;
}

/* How many bytes of the character at text: 0 if it is not UTF-8. */
static size_t utf8_length(const char *text) {
    unsigned char c = (unsigned char)*text;
    size_t length = c < 0x80 ? 1 : c >> 5 == 6 ? 2 : c >> 4 == 14 ? 3 : c >> 3 == 30 ? 4 : 0;
    for (size_t i = 1; i < length; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    return length;
}

yyjson_mut_val *rpc_text(yyjson_mut_doc *doc, const char *text) {
    char copy[sizeof((struct error *)0)->text];
    size_t size = 0, length;
    for (; *text && size + 4 < sizeof copy; text += length) {
        if ((length = utf8_length(text)))
            memcpy(copy + size, text, length);
        else
            copy[size] = '?';
        length += !length;
        size += length;
    }
    return yyjson_mut_strncpy(doc, copy, size);
}

static yyjson_mut_val *error_answer(
    yyjson_mut_doc *doc, yyjson_val *id, enum rpc_code code, const char *text) {
    yyjson_mut_val *answer = new_message(doc), *error = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_int(doc, error, "code", code);
    yyjson_mut_obj_add_val(doc, error, "message", rpc_text(doc, text));
    yyjson_mut_obj_add_val(doc, answer, "error", error);
    yyjson_mut_obj_add_val(doc, answer, "id", id ? yyjson_val_mut_copy(doc, id) : yyjson_mut_null(doc));
    return answer;
}

static const struct rpc_method *find_method(const struct rpc_server *server, yyjson_val *name) {
    for (const struct rpc_method *method = server->methods; method->name; method++)
        if (yyjson_equals_str(name, method->name))
            return method;
    return NULL;
}

static bool known_param(const struct rpc_method *method, yyjson_val *key) {
    for (unsigned i = 0; i < sizeof method->params / sizeof *method->params && method->params[i]; i++)
        if (yyjson_equals_str(key, method->params[i]))
            return true;
    return false;
}

static bool check_params(const struct rpc_method *method, struct rpc_call *call) {
    if (!call->params)
        return true;
    if (!yyjson_is_obj(call->params)) {
        rpc_fail(call, RPC_INVALID_PARAMS, "params: expected an object");
        return false;
    }
    yyjson_obj_iter iter = yyjson_obj_iter_with(call->params);
    for (yyjson_val *key; (key = yyjson_obj_iter_next(&iter));)
        if (!known_param(method, key)) {
            rpc_fail(
                call, RPC_INVALID_PARAMS, "%s has no parameter '%.64s'", method->name, yyjson_get_str(key));
            return false;
        }
    return true;
}

/* The answer to one request; NULL to a notification, whatever became of it (section 4.1). */
static yyjson_mut_val *answer(struct rpc_client_state *client, yyjson_mut_doc *doc, yyjson_val *request) {
    yyjson_val *id = yyjson_obj_get(request, "id"), *name = yyjson_obj_get(request, "method");
    bool id_fits = !id || yyjson_is_str(id) || yyjson_is_num(id) || yyjson_is_null(id);
    if (!yyjson_is_obj(request) || !yyjson_equals_str(yyjson_obj_get(request, "jsonrpc"), "2.0") ||
        !yyjson_is_str(name) || !id_fits)
        return error_answer(doc, id_fits ? id : NULL, RPC_INVALID_REQUEST, "not a JSON-RPC 2.0 request");
    struct rpc_call call = {.params = yyjson_obj_get(request, "params"), .doc = doc, .client = client};
    const struct rpc_method *method = find_method(client->server, name);
    yyjson_mut_val *result = NULL;
    if (!method)
        rpc_fail(&call, RPC_METHOD_NOT_FOUND, "no method '%.64s'", yyjson_get_str(name));
    else if (check_params(method, &call))
        result = method->run(client->server->ctx, &call);
    if (!id)
        return NULL;
    if (!result)
        return error_answer(doc, id, call.code, call.error.text);
    yyjson_mut_val *message = new_message(doc);
    yyjson_mut_obj_add_val(doc, message, "result", result);
    yyjson_mut_obj_add_val(doc, message, "id", yyjson_val_mut_copy(doc, id));
    return message;
}

static yyjson_mut_val *answer_batch(struct rpc_client_state *client, yyjson_mut_doc *doc, yyjson_val *batch) {
    size_t size = yyjson_arr_size(batch);
    if (size == 0 || size > RPC_BATCH_MAX)
        return error_answer(doc, NULL, RPC_INVALID_REQUEST,
            size ? "too many requests in a batch" : "a batch without a request");
    yyjson_mut_val *answers = yyjson_mut_arr(doc);
    yyjson_arr_iter iter = yyjson_arr_iter_with(batch);
    for (yyjson_val *request; (request = yyjson_arr_iter_next(&iter));) {
        yyjson_mut_val *one = answer(client, doc, request);
        if (one)
            yyjson_mut_arr_append(answers, one);
    }
    return yyjson_mut_arr_size(answers) ? answers : NULL;
}

/* Nesting, before anything is built of it. */
static bool too_deep(const char *line, size_t size) {
    unsigned depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        char c = line[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > RPC_DEPTH_MAX)
                return true;
        } else if ((c == ']' || c == '}') && depth) {
            depth--;
        }
    }
    return false;
}

static void handle_line(struct rpc_client_state *client, char *line, size_t size) {
    yyjson_doc *request = too_deep(line, size) ? NULL : yyjson_read(line, size, 0);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_val *root = yyjson_doc_get_root(request);
    if (doc) {
        yyjson_mut_val *message =
            !request              ? error_answer(doc, NULL, RPC_PARSE_ERROR, "not JSON, or nested too deep")
            : yyjson_is_arr(root) ? answer_batch(client, doc, root)
                                  : answer(client, doc, root);
        yyjson_mut_doc_set_root(doc, message);
        if (message)
            send_line(client, doc);
    }
    yyjson_mut_doc_free(doc);
    yyjson_doc_free(request);
}

/* --- input */

/* While answers wait, requests do. */
static void handle_lines(struct rpc_client_state *client) {
    char *line = client->in, *end;
    size_t left = client->in_size;
    while (!client->doomed && !client->out_size && (end = memchr(line, '\n', left))) {
        if (end > line)
            handle_line(client, line, (size_t)(end - line));
        left -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(client->in, line, left);
    client->in_size = left;
    if (left == sizeof client->in && !memchr(client->in, '\n', left))
        client->doomed = true; /* a line without end */
}

static void receive(struct rpc_client_state *client) {
    ssize_t got = recv(client->fd, client->in + client->in_size, sizeof client->in - client->in_size, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
        client->doomed = true;
    else if (got > 0)
        client->in_size += (size_t)got;
}

static void on_client(void *ctx, unsigned events) {
    struct rpc_client_state *client = ctx;
    if (events & HOST_WRITABLE)
        flush(client);
    if (!client->out_size && events & HOST_READABLE && client->in_size < sizeof client->in)
        receive(client);
    else if (events & HOST_HANGUP)
        client->doomed = true;
    client->server->current = client;
    handle_lines(client);
    client->server->current = NULL;
    if (client->doomed)
        drop(client);
}

static void on_connect(void *ctx, unsigned events) {
    (void)events;
    struct rpc_server *server = ctx;
    int fd = host_socket_accept(server->listening);
    if (fd < 0)
        return;
    struct rpc_client_state *client = server->clients;
    while (client < server->clients + RPC_CLIENTS && client->fd >= 0)
        client++;
    if (client < server->clients + RPC_CLIENTS) {
        client->in_size = client->out_start = client->out_size = client->out_room = 0;
        client->subscribed = client->doomed = false;
        client->source = host_source_add(server->loop, fd, HOST_READABLE, on_client, client);
        if (client->source) {
            client->fd = fd;
            return;
        }
    }
    close(fd);
}

/* --- what methods use */

void rpc_subscribe(struct rpc_call *call) {
    call->client->subscribed = true;
}

void rpc_server_notify(struct rpc_server *server, yyjson_mut_val *params) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    if (!doc)
        return;
    yyjson_mut_val *message = new_message(doc);
    yyjson_mut_obj_add_str(doc, message, "method", "event");
    yyjson_mut_obj_add_val(doc, message, "params", yyjson_mut_val_mut_copy(doc, params));
    yyjson_mut_doc_set_root(doc, message);
    for (unsigned i = 0; i < RPC_CLIENTS; i++) {
        struct rpc_client_state *client = &server->clients[i];
        if (client->fd < 0 || !client->subscribed)
            continue;
        send_line(client, doc);
        if (client->doomed && client != server->current)
            drop(client);
    }
    yyjson_mut_doc_free(doc);
}

yyjson_mut_val *rpc_fail(struct rpc_call *call, enum rpc_code code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(call->error.text, sizeof call->error.text, format, args);
    va_end(args);
    call->code = code;
    return NULL;
}

bool rpc_param_bool(struct rpc_call *call, const char *name, bool *out) {
    yyjson_val *value = yyjson_obj_get(call->params, name);
    if (value && !yyjson_is_bool(value))
        return rpc_fail(call, RPC_INVALID_PARAMS, "%s: expected true or false", name);
    if (value)
        *out = yyjson_get_bool(value);
    return true;
}

bool rpc_param_number(struct rpc_call *call, const char *name, double low, double high, double *out) {
    yyjson_val *value = yyjson_obj_get(call->params, name);
    double number = yyjson_get_num(value);
    if (value && !(yyjson_is_num(value) && number >= low && number <= high))
        return rpc_fail(call, RPC_INVALID_PARAMS, "%s: expected a number from %g to %g", name, low, high);
    if (value)
        *out = number;
    return true;
}

bool rpc_param_string(struct rpc_call *call, const char *name, const char **out) {
    yyjson_val *value = yyjson_obj_get(call->params, name);
    /* One with a NUL inside would be another string to those who use it. */
    if (value && !(yyjson_is_str(value) && strlen(yyjson_get_str(value)) == yyjson_get_len(value)))
        return rpc_fail(call, RPC_INVALID_PARAMS, "%s: expected a string", name);
    if (value)
        *out = yyjson_get_str(value);
    return true;
}

/* --- */

struct rpc_server *rpc_server_create(
    struct host_loop *loop, const char *path, const struct rpc_method *methods, void *ctx, struct error *e) {
    struct rpc_server *server = calloc(1, sizeof *server);
    if (!server) {
        error_set(e, "out of memory");
        return NULL;
    }
    server->loop = loop;
    server->methods = methods;
    server->ctx = ctx;
    for (unsigned i = 0; i < RPC_CLIENTS; i++)
        server->clients[i] = (struct rpc_client_state){.server = server, .fd = -1};
    server->listening = host_socket_listen(path, e);
    if (server->listening < 0) {
        free(server);
        return NULL;
    }
    server->path = strdup(path);
    server->source = host_source_add(loop, server->listening, HOST_READABLE, on_connect, server);
    if (server->path && server->source)
        return server;
    rpc_server_destroy(server);
    error_set(e, "out of memory");
    return NULL;
}

void rpc_server_destroy(struct rpc_server *server) {
    if (!server)
        return;
    for (unsigned i = 0; i < RPC_CLIENTS; i++)
        if (server->clients[i].fd >= 0)
            drop(&server->clients[i]);
    host_source_remove(server->source);
    close(server->listening);
    if (server->path)
        unlink(server->path);
    free(server->path);
    free(server);
}
