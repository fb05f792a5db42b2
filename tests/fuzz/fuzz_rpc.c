/* Any bytes on the control socket, from two clients, one of which is subscribed and reads nothing: the server
 * still answers a third. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/rpc.h"
#include "host/socket.h"
#include "input.h"
#include "support/run_loop.h"

static struct host_loop *loop;
static struct rpc_server *server;
static char directory[] = "/tmp/pearvisor-fuzz-XXXXXX";

static yyjson_mut_val *run_echo(void *ctx, struct rpc_call *call) {
    (void)ctx;
    const char *text = "";
    bool flag = false;
    double number = 0;
    if (!rpc_param_string(call, "text", &text) || !rpc_param_bool(call, "flag", &flag) ||
        !rpc_param_number(call, "number", -1, 1, &number))
        return NULL;
    return rpc_text(call->doc, text);
}

static yyjson_mut_val *run_event(void *ctx, struct rpc_call *call) {
    (void)ctx;
    rpc_subscribe(call);
    yyjson_mut_val *params = yyjson_mut_obj(call->doc);
    rpc_server_notify(server, params);
    return yyjson_mut_true(call->doc);
}

static void clean_up(void) {
    rpc_server_destroy(server);
    host_loop_destroy(loop);
    rmdir(directory);
}

static void create(void) {
    static const struct rpc_method methods[] = {
        {"echo", run_echo, {"text", "flag", "number"}},
        {"event", run_event, {NULL}},
        {NULL, NULL, {NULL}},
    };
    char path[64];
    struct error e;
    if (!mkdtemp(directory))
        abort();
    snprintf(path, sizeof path, "%s/s", directory);
    loop = host_loop_create(&e);
    server = rpc_server_create(loop, path, methods, NULL, &e);
    if (!server)
        abort();
    atexit(clean_up);
}

static int connect_client(void) {
    int fd = host_socket_connect(directory, "s");
    if (fd < 0)
        abort();
    run_rounds(loop);
    return fd;
}

static void expect_answer(void) {
    static const char request[] =
        "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"params\":{\"text\":\"x\"},\"id\":1}\n";
    static const char answer[] = "{\"jsonrpc\":\"2.0\",\"result\":\"x\",\"id\":1}\n";
    char got[sizeof answer] = "";
    int fd = connect_client();
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        abort();
    run_rounds(loop);
    if (recv(fd, got, sizeof got, MSG_DONTWAIT) != sizeof answer - 1 || strcmp(got, answer) != 0)
        abort();
    close(fd);
    run_rounds(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!loop)
        create();
    static const char subscribe[] = "{\"jsonrpc\":\"2.0\",\"method\":\"event\"}\n";
    int deaf = connect_client(), client = connect_client();
    send(deaf, subscribe, sizeof subscribe - 1, MSG_NOSIGNAL);
    struct fuzz_input in = {data, size};
    while (in.size) {
        size_t part = fuzz_byte(&in);
        part = part < in.size ? part : in.size;
        if (send(client, in.data, part, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        in.data += part;
        in.size -= part;
        run_rounds(loop);
    }
    send(client, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    run_rounds(loop);
    close(client);
    close(deaf);
    run_rounds(loop);
    expect_answer();
    return 0;
}
