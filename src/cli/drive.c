/* Commands that start machines, and that reach those that run: start, stop, pause, resume, reset, screenshot.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "manager/process.h"
#include "util/log.h"

/* --- start */

/* A port of 127.0.0.1 that nobody uses now. */
static int free_port(struct error *e) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
                 getsockname(fd, (struct sockaddr *)&address, &size) == 0;
    if (fd >= 0)
        close(fd);
    return found ? ntohs(address.sin_port) : error_set(e, "no free port for ssh: %s", strerror(errno));
}

/* forward lives as long as the configuration. */
static int add_ssh(struct machine_config *config, char forward[32], struct error *e) {
    if (!config->vm.net)
        config->ssh = CONFIG_SSH_OFF;
    if (config->ssh == CONFIG_SSH_OFF)
        return 0;
    if (config->ssh == CONFIG_SSH_AUTO && (config->ssh = free_port(e)) < 0)
        return -1;
    if (config->vm.forward_count == VM_MAX_FORWARDS)
        return error_set(
            e, "net: with the one for ssh, more than %d forwards (see the key 'ssh')", VM_MAX_FORWARDS);
    snprintf(forward, 32, "tcp:%d-22", config->ssh);
    config->vm.forwards[config->vm.forward_count++] = forward;
    return 0;
}

static void tell_of_crash(const struct machine *machine, const struct machine_lock *was) {
    if (was->state != MACHINE_CRASHED || !was->pid)
        return;
    log_warn("%s: %s while it ran (process %ld): its disks are as after a power failure", machine->name,
        was->other_boot ? "the host went down" : "its process was killed or crashed", (long)was->pid);
}

static int start(const struct machine *machine, struct error *e) {
    struct machine_config config = {0};
    struct machine_lock was;
    char path[PATH_MAX], forward[32];
    int lock = machine_lock_take(machine, &was, e);
    if (lock < 0)
        return -1;
    tell_of_crash(machine, &was);
    int result = machine_config_load(&config, machine_file(machine, "config", path), e);
    if (result == 0 && !config.vm.kernel && !config.vm.firmware && !config.vm.disk_count)
        result = error_set(e, "%s: it has no disk, no kernel and no firmware: 'pearvisor set %s disk=FILE'",
            path, machine->name);
    if (result == 0)
        result = machine_make_key(machine, e) < 0 || add_ssh(&config, forward, e) < 0 ? -1 : 0;
    config.vm.serial = "shared:console";
    if (result == 0)
        result = machine_process_start(machine, &config, lock, was.state, e);
    else
        close(lock);
    machine_config_free(&config);
    return result;
}

int command_start(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    bool attach = false;
    const struct argument table[] = {{"--attach", false, set_flag, &attach}};
    if (machine_arguments_parse(&arguments, "start NAME [--attach]", 1, table, 1, argc, argv, &e) < 0 ||
        start(&arguments.machine, &e) < 0)
        return command_failed(&e);
    return attach ? machine_attach(&arguments.machine) : EXIT_POWERED_OFF;
}

/* --- stop */

/* Until the machine is down, or goes on because the guest did not react. */
static bool await_down(struct rpc_client *client, const struct machine *machine, double seconds) {
    enum { GRACE_SECONDS = 30 }; /* for what is under way: disks that are being flushed */
    yyjson_val *event;
    bool closed = false;
    for (yyjson_doc *doc; (doc = rpc_next_event(client, seconds + GRACE_SECONDS, &event, &closed));) {
        bool goes_on = yyjson_equals_str(yyjson_obj_get(event, "state"), "running");
        yyjson_doc_free(doc);
        if (goes_on)
            return false;
    }
    return closed && machine_await_end(machine, GRACE_SECONDS);
}

static int stop(const struct machine *machine, bool force, double seconds, struct error *e) {
    yyjson_val *result;
    char params[64];
    struct error why;
    struct rpc_client *client = machine_connect(machine, e);
    if (!client)
        return -1;
    snprintf(params, sizeof params, "{\"force\":%s,\"timeout\":%.3f}", force ? "true" : "false", seconds);
    yyjson_doc *subscribed = rpc_call(client, "subscribe", NULL, &result, &why);
    yyjson_doc *called = subscribed ? rpc_call(client, "stop", params, &result, &why) : NULL;
    bool down = called && await_down(client, machine, seconds);
    if (!called)
        error_set(e, "%s: %s", machine->name, why.text);
    else if (!down)
        error_set(e,
            "%s: the guest did not power off within %g s of its power key (stop --force cuts the power)",
            machine->name, seconds);
    yyjson_doc_free(subscribed);
    yyjson_doc_free(called);
    rpc_close(client);
    return down ? 0 : -1;
}

int command_stop(int argc, char **argv) {
    enum { PATIENCE_SECONDS = 60 };
    struct machine_arguments arguments;
    struct machine_lock lock;
    struct error e;
    bool force = false;
    double seconds = -1;
    const struct argument table[] = {
        {"--force", false, set_flag, &force},
        {"--timeout", true, set_seconds, &seconds},
    };
    if (machine_arguments_parse(
            &arguments, "stop NAME [--force] [--timeout SECONDS]", 1, table, 2, argc, argv, &e) < 0)
        return command_failed(&e);
    if (seconds < 0)
        seconds = force ? 0 : PATIENCE_SECONDS;
    machine_lock_look(&arguments.machine, &lock);
    if (stop(&arguments.machine, force, seconds, &e) == 0)
        return EXIT_POWERED_OFF;
    log_warn("%s", e.text);
    return lock.held ? EXIT_OTHER : EXIT_USAGE;
}

/* --- the others */

static int simple(const char *usage, const char *method, int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    if (machine_arguments_parse(&arguments, usage, 1, NULL, 0, argc, argv, &e) < 0 ||
        machine_call(&arguments.machine, method, NULL, &e) < 0)
        return command_failed(&e);
    return EXIT_POWERED_OFF;
}

int command_pause(int argc, char **argv) {
    return simple("pause NAME", "pause", argc, argv);
}

int command_resume(int argc, char **argv) {
    return simple("resume NAME", "resume", argc, argv);
}

int command_reset(int argc, char **argv) {
    return simple("reset NAME", "reset", argc, argv);
}

int command_screenshot(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    if (machine_arguments_parse(&arguments, "screenshot NAME FILE", 2, NULL, 0, argc, argv, &e) < 0)
        return command_failed(&e);
    char *params = machine_path_params(arguments.word, 0);
    int result = params ? machine_call(&arguments.machine, "screenshot", params, &e)
                        : error_set(&e, "%s: not a name that can be written to", arguments.word);
    free(params);
    return result < 0 ? command_failed(&e) : EXIT_POWERED_OFF;
}
