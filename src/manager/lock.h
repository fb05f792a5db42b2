/* A VM's lock file: held by the process that runs it, with what is to be known of that process, and
 * afterwards how it ended. A process that is gone without saying so has crashed, or its host has. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "manager/store.h"
#include "util/error.h"

enum machine_state {
    MACHINE_CREATED, /* never started */
    MACHINE_STARTING,
    MACHINE_RUNNING,
    MACHINE_PAUSED,
    MACHINE_STOPPING, /* the power key was pressed */
    MACHINE_STOPPED,
    MACHINE_CRASHED,
};

const char *machine_state_name(enum machine_state state);

struct machine_lock {
    bool held;                /* a process runs it, or is about to; state is MACHINE_STARTING then */
    enum machine_state state; /* else how it ended */
    pid_t pid;                /* of the process, or the one that crashed; 0: unknown */
    bool other_boot;          /* it crashed before the host was last started */
};

/* Looks without touching the lock. */
void machine_lock_look(const struct machine *machine, struct machine_lock *lock);
/* Takes the lock: its descriptor, which may be inherited, or -1. was: how it was found. */
int machine_lock_take(const struct machine *machine, struct machine_lock *was, struct error *e);
/* Says that this process holds it now. */
int machine_lock_run(int fd, struct error *e);
/* Says how it ended. The descriptor stays open. */
void machine_lock_end(int fd, enum machine_state state);
