/* Where the kept machines of a user meet on the network, and who is who there. */
#pragma once

#include <stdint.h>

#include "manager/store.h"
#include "util/error.h"

/* The directory of their sockets (net/lan.h), which is made. out has PATH_MAX bytes. */
int machine_network(const struct machine *machine, char *out, struct error *e);
/* The number that the machine has there, the last byte of its address: the same at every start, and no other
 * has it. The machine's lock is held. -1 with a line: there are too many machines that run. */
int machine_number(const struct machine *machine, struct error *e);
