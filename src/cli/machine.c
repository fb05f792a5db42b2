#include "cli/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/file.h"
#include "image/seed.h"
#include "util/log.h"

extern char **environ;

struct words {
    const char *word[2];
    unsigned count, wanted;
};

static int take_word(void *ctx, char *text, struct error *e) {
    struct words *words = ctx;
    if (words->count == words->wanted)
        return error_set(e, "unexpected argument '%s'", text);
    words->word[words->count++] = text;
    return 0;
}

int set_flag(void *flag, char *text, struct error *e) {
    (void)text;
    (void)e;
    *(bool *)flag = true;
    return 0;
}

int set_seconds(void *seconds, char *text, struct error *e) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0 && value <= 86400))
        return error_set(e, "--timeout %s: expected a number of seconds, up to 86400", text);
    *(double *)seconds = value;
    return 0;
}

int machine_arguments_parse(struct machine_arguments *result, const char *usage, unsigned words,
    const struct argument *table, unsigned count, int argc, char **argv, struct error *e) {
    struct words taken = {.wanted = words};
    char command[32];
    snprintf(command, sizeof command, "%.*s", (int)strcspn(usage, " "), usage);
    const struct arguments arguments = {
        .command = command,
        .table = table,
        .count = count,
        .ctx = &taken,
        .word = take_word,
    };
    if (arguments_parse(&arguments, argc, argv, e) < 0)
        return -1;
    if (taken.count < words)
        return error_set(e, "usage: pearvisor %s", usage);
    result->word = taken.word[1];
    return machine_find(&result->machine, taken.word[0], e);
}

struct rpc_client *machine_connect(const struct machine *machine, struct error *e) {
    struct machine_lock lock;
    struct rpc_client *client = rpc_connect(machine->path, "control");
    if (client)
        return client;
    machine_lock_look(machine, &lock);
    if (lock.held)
        error_set(e, "%s: it is starting or stopping, or another command works on it", machine->name);
    else
        error_set(e, "%s: it does not run (it is %s)", machine->name, machine_state_name(lock.state));
    return NULL;
}

int machine_call(const struct machine *machine, const char *method, const char *params, struct error *e) {
    yyjson_val *result;
    struct error why;
    struct rpc_client *client = machine_connect(machine, e);
    if (!client)
        return -1;
    yyjson_doc *doc = rpc_call(client, method, params, &result, &why);
    rpc_close(client);
    if (!doc)
        return error_set(e, "%s: %s", machine->name, why.text);
    yyjson_doc_free(doc);
    return 0;
}

char *machine_path_params(const char *file, uint64_t size) {
    char directory[PATH_MAX - 1] = "", path[2 * PATH_MAX];
    if (*file != '/' && !getcwd(directory, sizeof directory))
        return NULL;
    snprintf(path, sizeof path, "%s%s%s", directory, *file == '/' ? "" : "/", file);
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = doc ? yyjson_mut_obj(doc) : NULL;
    if (params)
        yyjson_mut_obj_add_str(doc, params, "path", path);
    if (params && size)
        yyjson_mut_obj_add_uint(doc, params, "size", size);
    yyjson_mut_doc_set_root(doc, params);
    char *text = doc ? yyjson_mut_write(doc, 0, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    return text;
}

bool machine_await_end(const struct machine *machine, double seconds) {
    enum { POLL_US = 10000 };
    uint64_t deadline = host_now_ns() + (uint64_t)(seconds * 1e9);
    struct machine_lock lock;
    for (machine_lock_look(machine, &lock); lock.held && host_now_ns() < deadline;) {
        usleep(POLL_US);
        machine_lock_look(machine, &lock);
    }
    return !lock.held;
}

int machine_make_key(const struct machine *machine, struct error *e) {
    char directory[PATH_MAX], key[PATH_MAX], comment[MACHINE_NAME_MAX + 16];
    machine_file(machine, "ssh", directory);
    machine_file(machine, "ssh/id_ed25519", key);
    if (access(key, F_OK) == 0)
        return 0;
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return error_set(e, "%s: %s", directory, strerror(errno));
    snprintf(comment, sizeof comment, "pearvisor-%s", machine->name);
    char *argv[] = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", key, NULL};
    pid_t pid;
    int status, failed = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
    if (failed == ENOENT) {
        log_warn("%s: no ssh-keygen on this host: 'pearvisor ssh' needs a key of yours in the guest",
            machine->name);
        return 0;
    }
    if (failed || waitpid(pid, &status, 0) < 0 || status != 0)
        return error_set(e, "ssh-keygen could not make %s", key);
    return 0;
}

int machine_make_seed(const struct machine *machine, const char *user, const char *more, struct error *e) {
    enum { KEY_SIZE_MAX = 4096 };
    char path[PATH_MAX], *keys = NULL;
    size_t size;
    char *own = host_file_read(machine_file(machine, "ssh/id_ed25519.pub", path), KEY_SIZE_MAX, &size, NULL);
    if (asprintf(&keys, "%s\n%s", own ? own : "", more) < 0)
        keys = NULL;
    const struct seed seed = {machine->name, user, keys};
    int result =
        keys ? seed_write(machine_file(machine, "seed.iso", path), &seed, e) : error_set(e, "out of memory");
    free(keys);
    free(own);
    return result;
}
