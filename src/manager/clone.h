#pragma once

#include "manager/store.h"
#include "util/error.h"
#include "vm/vm.h"

/* Makes draft a copy of a machine, whose lock is held: machine_copy(), but disks with much in them are
 * divided into a base, which both share, and what each writes from now on. vm: what runs it, paused and its
 * disks settled; it goes on upon what it writes. NULL: nothing does. Fails with one line; the machine is as
 * good as before then. */
int machine_clone(const struct machine *machine, const struct machine *draft, struct vm *vm, struct error *e);
