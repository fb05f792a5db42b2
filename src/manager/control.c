/* The methods of a VM's control socket. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/clock.h"
#include "manager/internal.h"

enum { STOP_SECONDS = 60, STOP_SECONDS_MAX = 24 * 60 * 60 };

#define DISK_SIZE_MAX 0x1p53 /* what every number of JSON is exact up to */

static double seconds_up(const struct process *p) {
    return p->started ? (double)(host_now_ns() - p->started) / 1e9 : 0;
}

static yyjson_mut_val *state_of(const struct process *p, yyjson_mut_doc *doc) {
    yyjson_mut_val *state = yyjson_mut_obj(doc);
    yyjson_mut_obj_add_str(doc, state, "state", machine_state_name(p->state));
    return state;
}

/* The answer of methods that change the state. */
static yyjson_mut_val *done(const struct process *p, struct rpc_call *call, int result) {
    call->code = RPC_FAILED;
    return result < 0 ? NULL : state_of(p, call->doc);
}

static yyjson_mut_val *run_version(void *ctx, struct rpc_call *call) {
    (void)ctx;
    yyjson_mut_val *version = yyjson_mut_obj(call->doc);
    yyjson_mut_obj_add_int(call->doc, version, "protocol", RPC_PROTOCOL);
    yyjson_mut_obj_add_str(call->doc, version, "pearvisor", PEARVISOR_VERSION);
    return version;
}

static yyjson_mut_val *run_status(void *ctx, struct rpc_call *call) {
    struct process *p = ctx;
    char address[16];
    yyjson_mut_val *status = state_of(p, call->doc);
    yyjson_mut_obj_add_str(call->doc, status, "name", p->machine->name);
    yyjson_mut_obj_add_int(call->doc, status, "pid", getpid());
    yyjson_mut_obj_add_real(call->doc, status, "seconds", seconds_up(p));
    yyjson_mut_obj_add_uint(call->doc, status, "cpus", p->config->vm.cpus);
    yyjson_mut_obj_add_uint(call->doc, status, "memory", p->config->vm.memory);
    if (p->config->vm.net) {
        snprintf(address, sizeof address, "10.0.2.%u", p->config->vm.guest);
        yyjson_mut_obj_add_strcpy(call->doc, status, "address", address);
    }
    if (p->config->ssh > 0)
        yyjson_mut_obj_add_int(call->doc, status, "ssh_port", p->config->ssh);
    return status;
}

/* The counters as `run --stats` has them. */
static yyjson_mut_val *run_stats(void *ctx, struct rpc_call *call) {
    struct process *p = ctx;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return rpc_fail(call, RPC_FAILED, "out of memory");
    vm_stats_json(p->vm, seconds_up(p), out);
    fclose(out);
    yyjson_doc *stats = yyjson_read(text, size, 0);
    yyjson_mut_val *copy = stats ? yyjson_val_mut_copy(call->doc, yyjson_doc_get_root(stats)) : NULL;
    yyjson_doc_free(stats);
    free(text);
    return copy ? copy : rpc_fail(call, RPC_FAILED, "out of memory");
}

static yyjson_mut_val *run_subscribe(void *ctx, struct rpc_call *call) {
    rpc_subscribe(call);
    return state_of(ctx, call->doc);
}

static yyjson_mut_val *run_stop(void *ctx, struct rpc_call *call) {
    bool force = false;
    double timeout = -1;
    if (!rpc_param_bool(call, "force", &force) ||
        !rpc_param_number(call, "timeout", 0, STOP_SECONDS_MAX, &timeout))
        return NULL;
    if (timeout < 0)
        timeout = force ? 0 : STOP_SECONDS;
    process_stop(ctx, force, timeout);
    return state_of(ctx, call->doc);
}

static yyjson_mut_val *run_pause(void *ctx, struct rpc_call *call) {
    return done(ctx, call, process_pause(ctx, &call->error));
}

static yyjson_mut_val *run_resume(void *ctx, struct rpc_call *call) {
    return done(ctx, call, process_resume(ctx, &call->error));
}

static yyjson_mut_val *run_reset(void *ctx, struct rpc_call *call) {
    return done(ctx, call, process_reset(ctx, &call->error));
}

/* The parameter "path"; NULL: the call failed. */
static const char *path_of(struct rpc_call *call) {
    const char *path = "";
    if (!rpc_param_string(call, "path", &path))
        return NULL;
    if (*path == '/')
        return path;
    rpc_fail(call, RPC_INVALID_PARAMS, "path: expected an absolute path");
    return NULL;
}

static yyjson_mut_val *run_screenshot(void *ctx, struct rpc_call *call) {
    const char *path = path_of(call);
    return path ? done(ctx, call, process_screenshot(ctx, path, &call->error)) : NULL;
}

static yyjson_mut_val *run_clone(void *ctx, struct rpc_call *call) {
    const char *path = path_of(call);
    return path ? done(ctx, call, process_clone(ctx, path, &call->error)) : NULL;
}

/* Its disks as they are now. */
static yyjson_mut_val *run_disks(void *ctx, struct rpc_call *call) {
    struct process *p = ctx;
    unsigned count;
    const struct vm_disk *disks = vm_disks(p->vm, &count);
    yyjson_mut_val *result = yyjson_mut_obj(call->doc), *all = yyjson_mut_arr(call->doc);
    for (unsigned n = 0; n < count; n++) {
        char path[PATH_MAX];
        struct storage *storage = vm_disk_storage(p->vm, n);
        yyjson_mut_val *disk = yyjson_mut_obj(call->doc);
        if (*disks[n].path == '/')
            snprintf(path, sizeof path, "%s", disks[n].path);
        else
            machine_file(p->machine, disks[n].path, path);
        yyjson_mut_obj_add_val(call->doc, disk, "path", rpc_text(call->doc, path));
        yyjson_mut_obj_add_uint(call->doc, disk, "size", storage->size);
        yyjson_mut_obj_add_bool(call->doc, disk, "read_only", storage->read_only);
        yyjson_mut_arr_append(all, disk);
    }
    yyjson_mut_obj_add_val(call->doc, result, "disks", all);
    return result;
}

static yyjson_mut_val *run_disk_resize(void *ctx, struct rpc_call *call) {
    double size = 0;
    const char *path = path_of(call);
    if (!path || !rpc_param_number(call, "size", 0, DISK_SIZE_MAX, &size))
        return NULL;
    call->code = RPC_FAILED;
    return process_disk_resize(ctx, path, (uint64_t)size, &call->error) < 0 ? NULL : run_disks(ctx, call);
}

/* The answer of all methods on forwards: which there are. */
static yyjson_mut_val *run_forwards(void *ctx, struct rpc_call *call) {
    struct process *p = ctx;
    char text[NET_FORWARD_SIZE];
    yyjson_mut_val *result = yyjson_mut_obj(call->doc), *all = yyjson_mut_arr(call->doc);
    for (unsigned n = 0; vm_forward_at(p->vm, n, text); n++)
        yyjson_mut_arr_add_strcpy(call->doc, all, text);
    yyjson_mut_obj_add_val(call->doc, result, "forwards", all);
    return result;
}

static yyjson_mut_val *change_forwards(struct process *p, struct rpc_call *call,
    int (*change)(struct process *p, const char *forward, struct error *e)) {
    const char *forward = NULL;
    if (!rpc_param_string(call, "forward", &forward))
        return NULL;
    if (!forward)
        return rpc_fail(call, RPC_INVALID_PARAMS, "forward: it is missing");
    call->code = RPC_FAILED;
    return change(p, forward, &call->error) < 0 ? NULL : run_forwards(p, call);
}

static yyjson_mut_val *run_forward_add(void *ctx, struct rpc_call *call) {
    return change_forwards(ctx, call, process_forward);
}

static yyjson_mut_val *run_forward_remove(void *ctx, struct rpc_call *call) {
    return change_forwards(ctx, call, process_unforward);
}

static const struct rpc_method methods[] = {
    {"version", run_version, {NULL}},
    {"status", run_status, {NULL}},
    {"stats", run_stats, {NULL}},
    {"subscribe", run_subscribe, {NULL}},
    {"stop", run_stop, {"force", "timeout"}},
    {"pause", run_pause, {NULL}},
    {"resume", run_resume, {NULL}},
    {"reset", run_reset, {NULL}},
    {"screenshot", run_screenshot, {"path"}},
    {"clone", run_clone, {"path"}},
    {"disks", run_disks, {NULL}},
    {"disk_resize", run_disk_resize, {"path", "size"}},
    {"forwards", run_forwards, {NULL}},
    {"forward_add", run_forward_add, {"forward"}},
    {"forward_remove", run_forward_remove, {"forward"}},
    {NULL, NULL, {NULL}},
};

int control_open(struct process *p, struct error *e) {
    p->control = rpc_server_create(p->loop, "control", methods, p, e);
    return p->control ? 0 : -1;
}

void control_close(struct process *p) {
    rpc_server_destroy(p->control);
    p->control = NULL;
}

void control_tell_state(struct process *p) {
    yyjson_mut_doc *doc = p->control ? yyjson_mut_doc_new(NULL) : NULL;
    if (!doc)
        return;
    yyjson_mut_val *params = state_of(p, doc);
    yyjson_mut_obj_add_str(doc, params, "event", "state");
    rpc_server_notify(p->control, params);
    yyjson_mut_doc_free(doc);
}
