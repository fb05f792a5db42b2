/* The control socket's server: JSON-RPC 2.0, its limits, events, and clients that misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "control/rpc.h"
#include "host/socket.h"

static char dir[] = "/tmp/pearvisor-rpc-XXXXXX";
static char path[64];
static struct host_loop *loop;
static struct rpc_server *server;
static pthread_t thread;

static yyjson_mut_val *run_echo(void *ctx, struct rpc_call *call) {
    (void)ctx;
    const char *text = "nothing";
    bool loud = false;
    double times = 1;
    if (!rpc_param_string(call, "text", &text) || !rpc_param_bool(call, "loud", &loud) ||
        !rpc_param_number(call, "times", 1, 3, &times))
        return NULL;
    char said[512];
    snprintf(said, sizeof said, "%s%s x%.0f", text, loud ? "!" : "", times);
    return yyjson_mut_strcpy(call->doc, said);
}

static yyjson_mut_val *run_fail(void *ctx, struct rpc_call *call) {
    (void)ctx;
    return rpc_fail(call, RPC_FAILED, "no: \xff\xc3");
}

static yyjson_mut_val *run_subscribe(void *ctx, struct rpc_call *call) {
    (void)ctx;
    rpc_subscribe(call);
    return yyjson_mut_true(call->doc);
}

/* Sends as many events of 64 KiB. */
static yyjson_mut_val *run_shout(void *ctx, struct rpc_call *call) {
    (void)ctx;
    static char block[64 * 1024];
    double times = 1;
    if (!rpc_param_number(call, "times", 1, 1000, &times))
        return NULL;
    memset(block, 'x', sizeof block);
    yyjson_mut_val *params = yyjson_mut_obj(call->doc);
    yyjson_mut_obj_add_strn(call->doc, params, "text", block, sizeof block);
    for (unsigned i = 0; i < times; i++)
        rpc_server_notify(server, params);
    return yyjson_mut_true(call->doc);
}

static void *run_loop(void *ctx) {
    host_loop_run(ctx);
    return NULL;
}

static int start(void **state) {
    (void)state;
    static const struct rpc_method methods[] = {
        {"echo", run_echo, {"text", "loud", "times"}},
        {"fail", run_fail, {NULL}},
        {"subscribe", run_subscribe, {NULL}},
        {"shout", run_shout, {"times"}},
        {NULL, NULL, {NULL}},
    };
    struct error e;
    loop = host_loop_create(&e);
    server = rpc_server_create(loop, path, methods, NULL, &e);
    return server ? pthread_create(&thread, NULL, run_loop, loop) : -1;
}

static int stop(void **state) {
    (void)state;
    host_loop_stop(loop);
    pthread_join(thread, NULL);
    rpc_server_destroy(server);
    host_loop_destroy(loop);
    return access(path, F_OK) == 0 ? -1 : 0;
}

static int open_client(void) {
    int fd = host_socket_connect(dir, "control");
    const struct timeval patience = {.tv_sec = 5};
    assert_true(fd >= 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

static void say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* One line, without its end; "" when the connection ended. */
static const char *hear(int fd) {
    static char line[256 * 1024];
    size_t size = 0;
    for (ssize_t got; size < sizeof line - 1; size++) {
        got = recv(fd, line + size, 1, 0);
        if (got <= 0 || line[size] == '\n')
            break;
    }
    line[size] = 0;
    return line;
}

static void assert_answer(int fd, const char *request, const char *answer) {
    say(fd, request);
    say(fd, "\n");
    assert_string_equal(hear(fd), answer);
}

#define ERROR(code, message, id)                                                                             \
    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":" #code ",\"message\":\"" message "\"},\"id\":" #id "}"
#define REQUEST(method, params, id)                                                                          \
    "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params ",\"id\":" #id "}"
#define RESULT(result, id) "{\"jsonrpc\":\"2.0\",\"result\":" result ",\"id\":" #id "}"

static void requests_and_errors(void **state) {
    (void)state;
    int fd = open_client();
    assert_answer(fd, REQUEST("echo", "{\"text\":\"hi\",\"loud\":true}", 7), RESULT("\"hi! x1\"", 7));
    assert_answer(
        fd, "{\"id\":\"a\",\"method\":\"echo\",\"jsonrpc\":\"2.0\"}", RESULT("\"nothing x1\"", "a"));
    assert_answer(fd, "{nonsense", ERROR(-32700, "not JSON, or nested too deep", null));
    assert_answer(fd, "17", ERROR(-32600, "not a JSON-RPC 2.0 request", null));
    assert_answer(fd, "{\"jsonrpc\":\"1.0\",\"method\":\"echo\",\"id\":1}",
        ERROR(-32600, "not a JSON-RPC 2.0 request", 1));
    assert_answer(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\",\"id\":{}}",
        ERROR(-32600, "not a JSON-RPC 2.0 request", null));
    assert_answer(fd, REQUEST("sing", "{}", 2), ERROR(-32601, "no method 'sing'", 2));
    assert_answer(fd, REQUEST("echo", "[1]", 3), ERROR(-32602, "params: expected an object", 3));
    assert_answer(fd, REQUEST("echo", "{\"pitch\":1}", 4), ERROR(-32602, "echo has no parameter 'pitch'", 4));
    assert_answer(fd, REQUEST("echo", "{\"loud\":1}", 5), ERROR(-32602, "loud: expected true or false", 5));
    assert_answer(
        fd, REQUEST("echo", "{\"times\":4}", 6), ERROR(-32602, "times: expected a number from 1 to 3", 6));
    assert_answer(
        fd, REQUEST("echo", "{\"text\":\"a\\u0000b\"}", 8), ERROR(-32602, "text: expected a string", 8));
    assert_answer(fd, REQUEST("fail", "{}", 9), ERROR(1, "no: ??", 9));
    close(fd);
}

static void notifications_and_batches(void **state) {
    (void)state;
    int fd = open_client();
    say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\n\n{\"jsonrpc\":\"2.0\",\"method\":\"sing\"}\n");
    assert_answer(fd, "[]", ERROR(-32600, "a batch without a request", null));
    assert_answer(fd, "[1," REQUEST("echo", "{}", 1) ",{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]",
        "[" ERROR(-32600, "not a JSON-RPC 2.0 request", null) "," RESULT("\"nothing x1\"", 1) "]");
    say(fd, "[{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}]\n"); /* only notifications: no answer at all */
    char batch[256] = "[1";
    for (unsigned i = 0; i < RPC_BATCH_MAX; i++)
        strcat(batch, ",1");
    strcat(batch, "]");
    assert_answer(fd, batch, ERROR(-32600, "too many requests in a batch", null));
    close(fd);
}

static void limits(void **state) {
    (void)state;
    int fd = open_client();
    char deep[2 * RPC_DEPTH_MAX + 64] = "";
    for (unsigned i = 0; i <= RPC_DEPTH_MAX; i++)
        strcat(deep, "[");
    assert_answer(fd, deep, ERROR(-32700, "not JSON, or nested too deep", null));
    assert_answer(fd, REQUEST("echo", "{\"text\":\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"}", 1),
        RESULT("\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[ x1\"", 1));
    static char endless[RPC_LINE_MAX + 1];
    memset(endless, ' ', sizeof endless);
    send(fd, endless, sizeof endless, MSG_NOSIGNAL);
    assert_string_equal(hear(fd), "");
    close(fd);

    int clients[RPC_CLIENTS];
    for (unsigned i = 0; i < RPC_CLIENTS; i++) {
        clients[i] = open_client();
        assert_answer(clients[i], REQUEST("echo", "{}", 1), RESULT("\"nothing x1\"", 1));
    }
    fd = open_client();
    assert_string_equal(hear(fd), ""); /* one too many */
    close(fd);
    for (unsigned i = 0; i < RPC_CLIENTS; i++)
        close(clients[i]);
}

/* Who does not read is dropped; the others do not notice. */
static void slow_readers(void **state) {
    (void)state;
    int slow = open_client(), fast = open_client();
    assert_answer(slow, REQUEST("subscribe", "{}", 1), RESULT("true", 1));
    assert_answer(fast, REQUEST("shout", "{\"times\":100}", 2), RESULT("true", 2));
    unsigned events = 0;
    while (strncmp(hear(slow), "{\"jsonrpc\":\"2.0\",\"method\":\"event\"", 33) == 0)
        events++;
    assert_in_range(events, 1, 99);
    close(slow);
    /* One that shouts at itself and is deaf. */
    slow = open_client();
    assert_answer(slow, REQUEST("subscribe", "{}", 1), RESULT("true", 1));
    say(slow, REQUEST("shout", "{\"times\":100}", 2) "\n");
    assert_answer(fast, REQUEST("echo", "{}", 3), RESULT("\"nothing x1\"", 3));
    close(slow);
    /* Requests without end from one that reads no answers. */
    slow = open_client();
    int size = 1 << 16;
    setsockopt(slow, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    for (unsigned i = 0; i < 100000; i++)
        if (send(slow, REQUEST("echo", "{}", 1) "\n", strlen(REQUEST("echo", "{}", 1)) + 1,
                MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    assert_answer(fast, REQUEST("echo", "{}", 4), RESULT("\"nothing x1\"", 4));
    close(slow);
    close(fast);
}

static void the_client(void **state) {
    (void)state;
    struct error e;
    yyjson_val *result;
    bool closed;
    struct rpc_client *client = rpc_connect(dir, "control");
    assert_non_null(client);
    yyjson_doc *doc = rpc_call(client, "echo", "{\"text\":\"x\"}", &result, &e);
    assert_string_equal(yyjson_get_str(result), "x x1");
    yyjson_doc_free(doc);
    assert_null(rpc_call(client, "fail", NULL, &result, &e));
    assert_string_equal(e.text, "no: ??");
    assert_null(rpc_next_event(client, 0.05, &result, &closed));
    assert_false(closed);
    yyjson_doc_free(rpc_call(client, "subscribe", NULL, &result, &e));
    struct rpc_client *other = rpc_connect(dir, "control");
    yyjson_doc_free(rpc_call(other, "shout", NULL, &result, &e));
    doc = rpc_next_event(client, 5, &result, &closed);
    assert_non_null(doc);
    assert_int_equal(yyjson_get_len(yyjson_obj_get(result, "text")), 64 * 1024);
    yyjson_doc_free(doc);
    rpc_close(other);
    rpc_close(client);
    assert_null(rpc_connect(dir, "nobody"));
}

/* Ten thousand requests with a few bytes changed: the server answers the next good one. */
static void nonsense(void **state) {
    (void)state;
    static const char good[] = REQUEST("echo", "{\"text\":\"hello\",\"loud\":true,\"times\":2}", 1) "\n";
    srand(1);
    int fd = open_client();
    for (unsigned i = 0; i < 10000; i++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        for (int changes = rand() % 8; changes >= 0; changes--)
            bad[rand() % (int)(sizeof good - 1)] = (char)rand();
        bad[sizeof good - 2] = '\n';
        if (send(fd, bad, (size_t)(1 + rand() % (int)(sizeof good - 1)), MSG_NOSIGNAL) < 0 || i % 100 == 99) {
            close(fd);
            fd = open_client();
        }
        char answers[4096];
        while (recv(fd, answers, sizeof answers, MSG_DONTWAIT) > 0)
            ;
    }
    close(fd);
    fd = open_client();
    say(fd, good);
    assert_string_equal(hear(fd), RESULT("\"hello! x2\"", 1));
    close(fd);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void) {
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/control", dir);
    const struct CMUnitTest tests[] = {
        WITH(requests_and_errors),
        WITH(notifications_and_batches),
        WITH(limits),
        WITH(slow_readers),
        WITH(the_client),
        WITH(nonsense),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
