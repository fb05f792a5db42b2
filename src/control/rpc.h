/* JSON-RPC 2.0 over a Unix socket, one message a line (docs/vm.md has the methods): the server, on an event
 * loop, and a blocking client. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <yyjson.h>

#include "host/loop.h"
#include "util/error.h"

enum { RPC_PROTOCOL = 1 }; /* counts changes that an old client would not understand */

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_METHOD_NOT_FOUND = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_FAILED = 1, /* the VM cannot do that now; the message says why */
};

/* What one client may take of the server. */
enum {
    RPC_CLIENTS = 16,
    RPC_LINE_MAX = 64 * 1024,      /* bytes of a request or batch */
    RPC_DEPTH_MAX = 16,            /* of nested arrays and objects */
    RPC_BATCH_MAX = 64,            /* requests */
    RPC_BACKLOG_MAX = 1024 * 1024, /* bytes that wait for a client to read them; more ends the connection */
};

/* --- the server; all on the loop's thread */

struct rpc_server;
struct rpc_client_state;

struct rpc_call {
    yyjson_val *params;  /* an object of the method's parameters only; NULL: none were given */
    yyjson_mut_doc *doc; /* what the result is made in */
    struct rpc_client_state *client;
    enum rpc_code code; /* with the error's text, when there is no result */
    struct error error;
};

struct rpc_method {
    const char *name;
    /* NULL: failed, and call->code and call->error say why. */
    yyjson_mut_val *(*run)(void *ctx, struct rpc_call *call);
    const char *params[4]; /* their names */
};

/* Listens at path, for the owner only. methods end with one without a name. */
struct rpc_server *rpc_server_create(
    struct host_loop *loop, const char *path, const struct rpc_method *methods, void *ctx, struct error *e);
/* Sends what clients take at once, and goes. */
void rpc_server_destroy(struct rpc_server *server);

/* The client of this call gets events from now on. */
void rpc_subscribe(struct rpc_call *call);
/* Sends the notification "event" to subscribers; params is only read. */
void rpc_server_notify(struct rpc_server *server, yyjson_mut_val *params);

/* A parameter of the call: false when it has another type, and then the call fails. out stays as it is if the
 * parameter was not given. Strings live as long as the call. */
bool rpc_param_bool(struct rpc_call *call, const char *name, bool *out);
bool rpc_param_number(struct rpc_call *call, const char *name, double low, double high, double *out);
bool rpc_param_string(struct rpc_call *call, const char *name, const char **out);
/* For `return rpc_fail(call, ...)`. */
yyjson_mut_val *rpc_fail(struct rpc_call *call, enum rpc_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Text that may not be UTF-8 (of a file's name), as a string: what is wrong in it becomes question marks. At
 * most what fits into a struct error. */
yyjson_mut_val *rpc_text(yyjson_mut_doc *doc, const char *text);

/* --- the client */

struct rpc_client;

/* Connects to DIRECTORY/NAME. NULL when nobody listens there. */
struct rpc_client *rpc_connect(const char *directory, const char *name);
void rpc_close(struct rpc_client *client);

/* Calls method; params (NULL: none) is JSON text of an object. Returns the response's document, whose result
 * is in *result, or NULL with one line. Events that arrive before are dropped. */
yyjson_doc *rpc_call(
    struct rpc_client *client, const char *method, const char *params, yyjson_val **result, struct error *e);
/* The next event's params, within timeout seconds (below 0: for ever). NULL: none came; *closed tells whether
 * the server is gone. */
yyjson_doc *rpc_next_event(struct rpc_client *client, double timeout, yyjson_val **params, bool *closed);
