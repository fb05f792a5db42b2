/* What the commands on kept machines share. */
#pragma once

#include <stdbool.h>

#include "cli/arguments.h"
#include "control/rpc.h"
#include "manager/lock.h"
#include "manager/store.h"

/* The arguments of a command that takes NAME, perhaps one word more, and options of its own. */
struct machine_arguments {
    struct machine machine; /* it is there */
    const char *word;       /* NULL: none */
};

/* usage: the command's, such as "screenshot NAME FILE", of which words (1 or 2) are to be given. */
int machine_arguments_parse(struct machine_arguments *arguments, const char *usage, unsigned words,
    const struct argument *table, unsigned count, int argc, char **argv, struct error *e);

/* For options that only set a bool, or a number of seconds (a double). */
int set_flag(void *flag, char *text, struct error *e);
int set_seconds(void *seconds, char *text, struct error *e);

/* Its control socket; NULL with a line, that it does not run. */
struct rpc_client *machine_connect(const struct machine *machine, struct error *e);
/* Connects, calls, and has no use for the result. */
int machine_call(const struct machine *machine, const char *method, const char *params, struct error *e);
/* {"path": FILE}, made absolute, and with "size" if that is not 0; to be freed. NULL when the file has no
 * name that can be sent. */
char *machine_path_params(const char *file, uint64_t size);
/* Waits until no process holds its lock, at most that long. */
bool machine_await_end(const struct machine *machine, double seconds);

/* Makes the key pair that `ssh` uses, unless it is there. Without ssh-keygen nothing is made: 0. */
int machine_make_key(const struct machine *machine, struct error *e);

/* Makes seed.iso, which gives user, on its first boot, the machine's own key and those of more (a line each).
 */
int machine_make_seed(const struct machine *machine, const char *user, const char *more, struct error *e);

/* Attaches the terminal to its console until the user leaves or it stops. Returns the exit status. */
int machine_attach(const struct machine *machine);
