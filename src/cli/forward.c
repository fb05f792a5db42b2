/* `pearvisor forward`: the ports of the host that lead into a machine, while it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/machine.h"

static const char usage[] =
    "usage: pearvisor forward NAME [list | add FORWARD | remove FORWARD], where a FORWARD is "
    "tcp:[ADDRESS:]HOSTPORT-GUESTPORT or udp:...";

static void print_all(yyjson_val *result) {
    yyjson_arr_iter iter = yyjson_arr_iter_with(yyjson_obj_get(result, "forwards"));
    for (yyjson_val *forward; (forward = yyjson_arr_iter_next(&iter));)
        if (yyjson_is_str(forward))
            puts(yyjson_get_str(forward));
}

/* {"forward": TEXT}; NULL when it is none that can be sent. */
static char *params_of(const char *forward) {
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *params = doc ? yyjson_mut_obj(doc) : NULL;
    if (params)
        yyjson_mut_obj_add_val(doc, params, "forward", rpc_text(doc, forward));
    yyjson_mut_doc_set_root(doc, params);
    char *text = doc ? yyjson_mut_write(doc, 0, NULL) : NULL;
    yyjson_mut_doc_free(doc);
    return text;
}

/* forward is NULL to list them, which only that prints. */
static int call(const struct machine *machine, const char *method, const char *forward, struct error *e) {
    yyjson_val *result;
    struct error why;
    struct rpc_client *client = machine_connect(machine, e);
    if (!client)
        return -1;
    char *params = forward ? params_of(forward) : NULL;
    yyjson_doc *doc = rpc_call(client, method, params, &result, &why);
    free(params);
    rpc_close(client);
    if (!doc)
        return error_set(e, "%s: %s", machine->name, why.text);
    if (!forward)
        print_all(result);
    yyjson_doc_free(doc);
    return 0;
}

static int run(int argc, char **argv, struct error *e) {
    struct machine machine;
    const char *verb = argc > 1 ? argv[1] : "list";
    bool list = strcmp(verb, "list") == 0, add = strcmp(verb, "add") == 0;
    if (argc < 1 || argc > 3 || (!list && !add && strcmp(verb, "remove") != 0) || (argc == 3) == list)
        return error_set(e, "%s", usage);
    if (machine_find(&machine, argv[0], e) < 0)
        return -1;
    if (list)
        return call(&machine, "forwards", NULL, e);
    return call(&machine, add ? "forward_add" : "forward_remove", argv[2], e);
}

int command_forward(int argc, char **argv) {
    struct error e;
    if (argc == 1 && strcmp(argv[0], "--help") == 0) {
        puts(usage);
        return EXIT_POWERED_OFF;
    }
    return run(argc, argv, &e) < 0 ? command_failed(&e) : EXIT_POWERED_OFF;
}
