/* `pearvisor clone`, and `disk resize` of a disk in use: what the process of a running machine does itself.
 */
#include "cli/clone.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "manager/clone.h"
#include "manager/config.h"

/* --- clone */

static int copy(const struct machine *from, const struct machine *draft, struct error *e) {
    struct machine_lock was;
    int lock = machine_lock_take(from, &was, NULL);
    if (lock >= 0) {
        int result = machine_clone(from, draft, NULL, e);
        close(lock);
        return result;
    }
    char *params = machine_path_params(draft->path, 0);
    int result = params ? machine_call(from, "clone", params, e) : error_set(e, "out of memory");
    free(params);
    return result;
}

/* A copy of a machine is another one, with a name and host keys of its own. */
static int renew_seed(const struct machine *from, const struct machine *draft, struct error *e) {
    struct machine_config config;
    char path[PATH_MAX];
    if (access(machine_file(from, "seed.iso", path), F_OK) < 0)
        return 0;
    int result = machine_config_load(&config, machine_file(draft, "config", path), e);
    if (result == 0)
        result = machine_make_seed(draft, config.user, "", e);
    machine_config_free(&config);
    unlink(machine_file(draft, "ssh/known_hosts", path));
    return result;
}

int command_clone(int argc, char **argv) {
    struct machine_arguments arguments;
    struct machine machine, draft;
    struct error e;
    if (machine_arguments_parse(&arguments, "clone NAME NEW", 2, NULL, 0, argc, argv, &e) < 0 ||
        machine_locate(&machine, arguments.word, &e) < 0 || machine_draft(&draft, &machine, &e) < 0)
        return command_failed(&e);
    if (copy(&arguments.machine, &draft, &e) == 0 && renew_seed(&arguments.machine, &draft, &e) == 0 &&
        machine_publish(&draft, &machine, &e) == 0)
        return EXIT_POWERED_OFF;
    machine_remove(&draft, NULL);
    return command_failed(&e);
}

/* --- resize */

struct search {
    struct stat file;
    struct machine machine;
    char path[PATH_MAX]; /* as the machine calls it */
};

static bool is_it(const struct search *search, const char *path) {
    struct stat st;
    return path && strlen(path) < sizeof search->path && stat(path, &st) == 0 &&
           st.st_dev == search->file.st_dev && st.st_ino == search->file.st_ino;
}

/* 1: it is a disk of this machine, which runs. */
static int look(void *ctx, const struct machine *machine) {
    struct search *search = ctx;
    struct error e;
    yyjson_val *result, *disk;
    struct rpc_client *client = rpc_connect(machine->path, "control");
    yyjson_doc *doc = client ? rpc_call(client, "disks", NULL, &result, &e) : NULL;
    int found = 0;
    yyjson_arr_iter iter = yyjson_arr_iter_with(doc ? yyjson_obj_get(result, "disks") : NULL);
    while (!found && (disk = yyjson_arr_iter_next(&iter))) {
        const char *path = yyjson_get_str(yyjson_obj_get(disk, "path"));
        if ((found = is_it(search, path))) {
            search->machine = *machine;
            strcpy(search->path, path);
        }
    }
    yyjson_doc_free(doc);
    if (client)
        rpc_close(client);
    return found;
}

int running_disk_resize(const char *path, uint64_t size, bool shrink, struct error *e) {
    struct search search;
    if (stat(path, &search.file) < 0)
        return 0;
    int found = machine_each(look, &search, NULL);
    if (found <= 0)
        return 0;
    if (shrink)
        return error_set(e, "%s: a disk can be made smaller only while its machine does not run", path);
    char *params = machine_path_params(search.path, size);
    int result = params ? machine_call(&search.machine, "disk_resize", params, e)
                        : error_set(e, "%s: not a name that can be sent", path);
    free(params);
    return result < 0 ? -1 : 1;
}
