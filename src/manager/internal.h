/* What the process of a VM consists of; for the files of manager/ only. All on the loop's thread. */
#pragma once

#include "control/rpc.h"
#include "display/present.h"
#include "manager/config.h"
#include "manager/lock.h"
#include "manager/store.h"
#include "vm/vm.h"

struct process {
    const struct machine *machine;
    struct machine_config *config;
    int lock, signals;
    enum machine_state state;
    enum machine_state was; /* before it was started */
    enum machine_state end; /* what it is to be when it has come down */
    struct host_loop *loop;
    struct rpc_server *control;
    struct vm *vm;
    struct present *window; /* NULL: none */
    uint64_t started;       /* host_now_ns() */
    char network[PATH_MAX]; /* where it meets the other machines of its user */

    struct host_timer *stop_timer; /* while STOPPING: how long the guest has */
    bool cut_power;                /* and then */
};

/* Each is what a method of the control socket does. */
int process_pause(struct process *p, struct error *e);
int process_resume(struct process *p, struct error *e);
int process_reset(struct process *p, struct error *e);
/* timeout: seconds after the power key; then the power is cut if force, else the machine goes on. */
void process_stop(struct process *p, bool force, double timeout);
int process_screenshot(struct process *p, const char *path, struct error *e);
int process_forward(struct process *p, const char *forward, struct error *e);
int process_unforward(struct process *p, const char *forward, struct error *e);

/* disks.c. directory: where the clone is made, see machine_clone(). */
int process_clone(struct process *p, const char *directory, struct error *e);
int process_disk_resize(struct process *p, const char *path, uint64_t size, struct error *e);

void process_set_state(struct process *p, enum machine_state state);

/* --- control.c: the socket "control" in the machine's directory, which is the current one */
int control_open(struct process *p, struct error *e);
void control_close(struct process *p);
/* The state changed: an event for those who subscribed. */
void control_tell_state(struct process *p);
