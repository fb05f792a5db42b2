/* `pearvisor ssh`: a shell in a machine, or a command, by the port and the key that were set up for it. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "host/clock.h"
#include "manager/config.h"
#include "util/log.h"

enum { WAIT_SECONDS = 60, PROBE_MS = 2000, PROBE_MS_MAX = 32000, PAUSE_US = 200000 };

static const char usage[] = "usage: pearvisor ssh [--timeout SECONDS] NAME [COMMAND [ARGUMENT]...]\n";

static int find_port(const struct machine *machine, int *port, struct error *e) {
    yyjson_val *status;
    struct error why;
    struct rpc_client *client = machine_connect(machine, e);
    if (!client)
        return -1;
    yyjson_doc *doc = rpc_call(client, "status", NULL, &status, &why);
    *port = yyjson_get_int(yyjson_obj_get(doc ? status : NULL, "ssh_port"));
    yyjson_doc_free(doc);
    rpc_close(client);
    if (!doc)
        return error_set(e, "%s: %s", machine->name, why.text);
    return *port ? 0 : error_set(e, "%s: it has no port for ssh (keys 'net' and 'ssh')", machine->name);
}

/* Whether a server of SSH greets (RFC 4253, 4.2): the forwarded port itself always answers. */
static bool greets(int port, int *wait_ms) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char greeting[4] = "";
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct pollfd wait = {fd, POLLIN, 0};
    int ready = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 ? poll(&wait, 1, *wait_ms) : -1;
    bool came = ready == 1 && recv(fd, greeting, sizeof greeting, MSG_WAITALL) == 4;
    close(fd);
    if (ready == 0 && *wait_ms < PROBE_MS_MAX)
        *wait_ms += *wait_ms / 4;
    return came && memcmp(greeting, "SSH-", 4) == 0;
}

/* A guest that has no time may greet late. Who comes and goes too often meanwhile is refused (sshd_config:
 * MaxStartups, PerSourcePenalties), so each look is longer than the last. */
static int await_server(const struct machine *machine, int port, double seconds, struct error *e) {
    uint64_t deadline = host_now_ns() + (uint64_t)(seconds * 1e9);
    int wait_ms = PROBE_MS;
    while (!greets(port, &wait_ms)) {
        uint64_t now = host_now_ns(), left_ms = now < deadline ? (deadline - now) / 1000000 : 0;
        if (!left_ms)
            return error_set(e, "%s: nothing in the guest answers ssh (waited %g s)", machine->name, seconds);
        if ((uint64_t)wait_ms > left_ms)
            wait_ms = (int)left_ms;
        usleep(PAUSE_US);
    }
    return 0;
}

/* Never returns, if it can be run. In the machine's directory, so that no path needs quotes. */
static int run_ssh(
    const struct machine *machine, int port, const char *user, int argc, char **argv, struct error *e) {
    char at[64], port_text[8];
    snprintf(at, sizeof at, "%s@127.0.0.1", user);
    snprintf(port_text, sizeof port_text, "%d", port);
    const char *const head[] = {"ssh", "-F", "none", "-i", "ssh/id_ed25519", "-o", "IdentitiesOnly=yes", "-o",
        "UserKnownHostsFile=ssh/known_hosts", "-o", "StrictHostKeyChecking=accept-new", "-o",
        "HostKeyAlias=pearvisor", "-o", "LogLevel=ERROR", "-p", port_text, at};
    enum { HEAD = sizeof head / sizeof *head };
    const char **all = calloc(HEAD + (size_t)argc + 1, sizeof *all);
    if (!all || chdir(machine->path) < 0)
        return error_set(e, "%s: %s", machine->path, strerror(errno));
    memcpy(all, head, sizeof head);
    memcpy(all + HEAD, argv, (size_t)argc * sizeof *argv);
    execvp("ssh", (char *const *)all);
    error_set(e, "ssh: %s", strerror(errno));
    free(all);
    return -1;
}

static int take_name(void *ctx, char *text, struct error *e) {
    (void)e;
    *(const char **)ctx = text;
    return 1; /* what follows is the command */
}

int command_ssh(int argc, char **argv) {
    struct machine machine;
    struct machine_config config;
    struct error e;
    char path[PATH_MAX];
    const char *name = NULL;
    double seconds = WAIT_SECONDS;
    int port;
    const struct argument table[] = {{"--timeout", true, set_seconds, &seconds}};
    const struct arguments arguments = {
        .command = "ssh", .table = table, .count = 1, .ctx = &name, .word = take_name};
    int taken = arguments_parse(&arguments, argc, argv, &e);
    if (taken >= 0 && !name)
        error_set(&e, "%.*s", (int)strcspn(usage, "\n"), usage);
    if (taken < 0 || !name || machine_find(&machine, name, &e) < 0 || find_port(&machine, &port, &e) < 0 ||
        await_server(&machine, port, seconds, &e) < 0)
        return command_failed(&e);
    if (machine_config_load(&config, machine_file(&machine, "config", path), &e) == 0)
        run_ssh(&machine, port, config.user, argc - taken - 1, argv + taken + 1, &e);
    machine_config_free(&config);
    return command_failed(&e);
}
