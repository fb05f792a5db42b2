/* Commands on what is kept of machines: list, status, set, edit, logs, delete. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "host/file.h"
#include "manager/change.h"
#include "manager/config.h"
#include "util/log.h"

/* --- list and status */

struct summary {
    char state[16];
    int pid, ssh_port; /* 0: none */
    double seconds;    /* since it was started */
    unsigned cpus;     /* 0: the configuration is not valid */
    uint64_t memory;   /* bytes */
    char address[16];  /* of the guest; "": none */
};

static void ask(const struct machine *machine, struct summary *summary) {
    yyjson_val *status;
    struct rpc_client *client = rpc_connect(machine->path, "control");
    yyjson_doc *doc = client ? rpc_call(client, "status", NULL, &status, NULL) : NULL;
    if (doc) {
        const char *state = yyjson_get_str(yyjson_obj_get(status, "state"));
        snprintf(summary->state, sizeof summary->state, "%s", state ? state : "");
        const char *address = yyjson_get_str(yyjson_obj_get(status, "address"));
        snprintf(summary->address, sizeof summary->address, "%s", address ? address : "");
        summary->pid = yyjson_get_int(yyjson_obj_get(status, "pid"));
        summary->ssh_port = yyjson_get_int(yyjson_obj_get(status, "ssh_port"));
        summary->seconds = yyjson_get_num(yyjson_obj_get(status, "seconds"));
        summary->cpus = (unsigned)yyjson_get_uint(yyjson_obj_get(status, "cpus"));
        summary->memory = yyjson_get_uint(yyjson_obj_get(status, "memory"));
    }
    yyjson_doc_free(doc);
    rpc_close(client);
}

static void summarize(const struct machine *machine, struct summary *summary) {
    struct machine_config config;
    struct machine_lock lock;
    char path[PATH_MAX];
    *summary = (struct summary){0};
    if (machine_config_load(&config, machine_file(machine, "config", path), NULL) == 0) {
        summary->cpus = config.vm.cpus;
        summary->memory = config.vm.memory;
    }
    machine_config_free(&config);
    machine_lock_look(machine, &lock);
    snprintf(summary->state, sizeof summary->state, "%s", machine_state_name(lock.state));
    if (lock.held)
        ask(machine, summary);
}

static yyjson_mut_val *to_json(
    yyjson_mut_doc *doc, const struct machine *machine, const struct summary *summary) {
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_strcpy(doc, object, "name", machine->name);
    yyjson_mut_obj_add_strcpy(doc, object, "state", summary->state);
    yyjson_mut_obj_add_val(doc, object, "directory", rpc_text(doc, machine->path));
    yyjson_mut_obj_add_bool(doc, object, "valid", summary->cpus != 0);
    if (summary->cpus) {
        yyjson_mut_obj_add_uint(doc, object, "cpus", summary->cpus);
        yyjson_mut_obj_add_uint(doc, object, "memory", summary->memory);
    }
    if (summary->pid) {
        yyjson_mut_obj_add_int(doc, object, "pid", summary->pid);
        yyjson_mut_obj_add_real(doc, object, "seconds", summary->seconds);
    }
    if (*summary->address)
        yyjson_mut_obj_add_strcpy(doc, object, "address", summary->address);
    if (summary->ssh_port)
        yyjson_mut_obj_add_int(doc, object, "ssh_port", summary->ssh_port);
    return object;
}

static void print_row(const struct machine *machine, const struct summary *summary) {
    char ssh[16] = "-", pid[16] = "-", size[24] = "?";
    if (summary->ssh_port)
        snprintf(ssh, sizeof ssh, "%d", summary->ssh_port);
    if (summary->pid)
        snprintf(pid, sizeof pid, "%d", summary->pid);
    if (summary->cpus)
        snprintf(size, sizeof size, "%" PRIu64, summary->memory >> 20);
    printf("%-24s %-9s %4u %7s %6s %8s\n", machine->name, summary->state, summary->cpus, size, ssh, pid);
}

struct listing {
    yyjson_mut_doc *doc; /* NULL: as text */
    yyjson_mut_val *all;
};

static int list_one(void *ctx, const struct machine *machine) {
    struct listing *listing = ctx;
    struct summary summary;
    summarize(machine, &summary);
    if (listing->doc)
        yyjson_mut_arr_append(listing->all, to_json(listing->doc, machine, &summary));
    else
        print_row(machine, &summary);
    return 0;
}

static void print_json(yyjson_mut_doc *doc, yyjson_mut_val *root) {
    yyjson_mut_doc_set_root(doc, root);
    char *text = yyjson_mut_write(doc, 0, NULL);
    puts(text ? text : "null");
    free(text);
}

static int list_all(bool json, struct error *e) {
    struct listing listing = {.doc = json ? yyjson_mut_doc_new(NULL) : NULL};
    if (listing.doc)
        listing.all = yyjson_mut_arr(listing.doc);
    else
        printf("%-24s %-9s %4s %7s %6s %8s\n", "NAME", "STATE", "CPUS", "MIB", "SSH", "PROCESS");
    int result = machine_each(list_one, &listing, e);
    if (listing.doc && result == 0)
        print_json(listing.doc, listing.all);
    yyjson_mut_doc_free(listing.doc);
    return result;
}

int command_list(int argc, char **argv) {
    struct error e;
    bool json = false;
    const struct argument table[] = {{"--json", false, set_flag, &json}};
    const struct arguments arguments = {.command = "list", .table = table, .count = 1};
    if (arguments_parse(&arguments, argc, argv, &e) < 0 || list_all(json, &e) < 0)
        return command_failed(&e);
    return EXIT_POWERED_OFF;
}

static void print_status(const struct machine *machine, bool json) {
    struct summary summary;
    summarize(machine, &summary);
    if (json) {
        yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
        if (doc)
            print_json(doc, to_json(doc, machine, &summary));
        yyjson_mut_doc_free(doc);
        return;
    }
    printf("%s: %s", machine->name, summary.state);
    if (summary.pid)
        printf(" for %.0f s, process %d", summary.seconds, summary.pid);
    if (*summary.address)
        printf(", address %s", summary.address);
    if (summary.ssh_port)
        printf(", ssh at 127.0.0.1:%d", summary.ssh_port);
    printf("\n%s\n", machine->path);
}

int command_status(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    bool json = false, named = false;
    for (int i = 0; i < argc; i++)
        named |= argv[i][0] != '-';
    if (!named)
        return command_list(argc, argv);
    const struct argument table[] = {{"--json", false, set_flag, &json}};
    if (machine_arguments_parse(&arguments, "status [NAME] [--json]", 1, table, 1, argc, argv, &e) < 0)
        return command_failed(&e);
    print_status(&arguments.machine, json);
    return EXIT_POWERED_OFF;
}

/* --- set and edit */

static void tell_if_running(const struct machine *machine) {
    struct machine_lock lock;
    machine_lock_look(machine, &lock);
    if (lock.held)
        printf("%s: it runs; this is for its next start\n", machine->name);
}

/* Puts text into the place of the configuration, if it is one. name: what messages call it. */
static int replace_config(
    const struct machine *machine, const char *name, const char *text, struct error *e) {
    struct machine_config config;
    char path[PATH_MAX];
    int result = machine_config_parse(&config, name, text, strlen(text), e);
    machine_config_free(&config);
    return result < 0 ? -1 : host_file_replace(machine_file(machine, "config", path), text, strlen(text), e);
}

/* Whether a line with it can be one of the configuration. An empty value takes the key away. */
static int check_assignment(const char *key, const char *value, struct error *e) {
    const char *known;
    for (unsigned n = 0; !*value && (known = machine_config_key(n)); n++)
        if (strcmp(key, known) == 0)
            return 0;
    char *copy = strdup(value);
    struct error why;
    int result = copy ? machine_config_check(key, copy, &why) : error_set(&why, "out of memory");
    free(copy);
    return result < 0 ? error_set(e, "%s=%s: %s", key, value, why.text) : 0;
}

/* One KEY=VALUE in text, which is replaced. */
static int change(char **text, char *assignment, struct error *e) {
    char *value = strchr(assignment, '=');
    if (!value)
        return error_set(e, "'%s': expected KEY=VALUE", assignment);
    *value++ = 0;
    if (check_assignment(assignment, value, e) < 0)
        return -1;
    if (strchr(value, '\n'))
        return error_set(e, "%s: there is a line break in its value", assignment);
    char *changed = machine_config_replace(*text, assignment, value);
    if (!changed)
        return error_set(e, "out of memory");
    free(*text);
    *text = changed;
    return 0;
}

static int set_all(const struct machine *machine, int count, char **assignments, struct error *e) {
    char path[PATH_MAX];
    size_t size;
    int hold = machine_config_hold(machine, e);
    if (hold < 0)
        return -1;
    char *text = host_file_read(machine_file(machine, "config", path), CONFIG_SIZE_MAX, &size, e);
    int result = text ? 0 : -1;
    for (int i = 0; i < count && result == 0; i++)
        result = change(&text, assignments[i], e);
    if (result == 0)
        result = replace_config(machine, path, text, e);
    free(text);
    close(hold);
    return result;
}

int command_set(int argc, char **argv) {
    struct machine machine;
    struct error e;
    if (argc < 2)
        error_set(&e, "usage: pearvisor set NAME KEY=VALUE...");
    if (argc < 2 || machine_find(&machine, argv[0], &e) < 0 || set_all(&machine, argc - 1, argv + 1, &e) < 0)
        return command_failed(&e);
    tell_if_running(&machine);
    return EXIT_POWERED_OFF;
}

/* $VISUAL and $EDITOR may have arguments: the shell takes them apart. */
static int run_editor(const char *path, struct error *e) {
    const char *editor = getenv("VISUAL");
    if (!editor || !*editor)
        editor = getenv("EDITOR");
    if (!editor || !*editor)
        editor = "vi";
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        char command[PATH_MAX];
        snprintf(command, sizeof command, "%s \"$1\"", editor);
        execl("/bin/sh", "sh", "-c", command, "sh", path, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        return error_set(e, "the editor '%s' failed: nothing was changed", editor);
    return 0;
}

/* The edited text takes the place of the one that was there before, unless others changed that meanwhile. */
static int take_over(const struct machine *machine, const char *before, const char *edited, struct error *e) {
    char path[PATH_MAX];
    size_t size;
    int hold = machine_config_hold(machine, e), result = -1;
    if (hold < 0)
        return -1;
    char *now = host_file_read(machine_file(machine, "config", path), CONFIG_SIZE_MAX, &size, e);
    char *text = now ? host_file_read(edited, CONFIG_SIZE_MAX, &size, e) : NULL;
    if (text && strcmp(now, before) != 0)
        error_set(e, "%s: the configuration has changed meanwhile", edited);
    else if (text)
        result = replace_config(machine, edited, text, e);
    free(text);
    free(now);
    close(hold);
    return result;
}

/* On a copy, which stays if it is no configuration. */
static int edit(const struct machine *machine, struct error *e) {
    char path[PATH_MAX], copy[PATH_MAX];
    size_t size;
    struct error why;
    char *text = host_file_read(machine_file(machine, "config", path), CONFIG_SIZE_MAX, &size, e);
    machine_file(machine, "config.edited", copy);
    if (!text || host_file_replace(copy, text, size, e) < 0 || run_editor(copy, e) < 0) {
        free(text);
        return -1;
    }
    int result = take_over(machine, text, copy, &why);
    free(text);
    if (result < 0)
        return error_set(e, "%s (your text is there; nothing was changed)", why.text);
    unlink(copy);
    return 0;
}

int command_edit(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    if (machine_arguments_parse(&arguments, "edit NAME", 1, NULL, 0, argc, argv, &e) < 0 ||
        edit(&arguments.machine, &e) < 0)
        return command_failed(&e);
    tell_if_running(&arguments.machine);
    return EXIT_POWERED_OFF;
}

/* --- logs and delete */

/* The file, if it is there. */
static int print_file(const char *path) {
    char buffer[64 * 1024];
    ssize_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && (got = read(fd, buffer, sizeof buffer)) > 0)
        if (fwrite(buffer, 1, (size_t)got, stdout) != (size_t)got)
            break;
    if (fd >= 0)
        close(fd);
    return fflush(stdout) == 0 && got == 0 ? 0 : -1;
}

int command_logs(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    char path[PATH_MAX], old[PATH_MAX];
    bool console = false;
    const struct argument table[] = {{"--console", false, set_flag, &console}};
    if (machine_arguments_parse(&arguments, "logs NAME [--console]", 1, table, 1, argc, argv, &e) < 0)
        return command_failed(&e);
    machine_file(&arguments.machine, console ? "console.log.old" : "log.old", old);
    machine_file(&arguments.machine, console ? "console.log" : "log", path);
    return print_file(old) < 0 || print_file(path) < 0 ? EXIT_OTHER : EXIT_POWERED_OFF;
}

int command_delete(int argc, char **argv) {
    struct machine_arguments arguments;
    struct machine_lock was;
    struct error e;
    if (machine_arguments_parse(&arguments, "delete NAME", 1, NULL, 0, argc, argv, &e) < 0)
        return command_failed(&e);
    int lock = machine_lock_take(&arguments.machine, &was, &e);
    if (lock < 0 || machine_remove(&arguments.machine, &e) < 0)
        return command_failed(&e);
    close(lock);
    return EXIT_POWERED_OFF;
}
