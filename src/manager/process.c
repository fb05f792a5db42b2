#include "manager/process.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "display/display.h"
#include "display/png.h"
#include "host/clock.h"
#include "manager/address.h"
#include "manager/internal.h"
#include "util/log.h"
#include "vm/window.h"

enum { LOG_SIZE_MAX = 1 << 20, TERM_SECONDS = 60 };

/* Why the machine is to stop, by whom: the guest and its engine, or those who gave up waiting for the guest.
 */
static void end(struct process *p, enum machine_state state) {
    p->end = state;
    host_loop_stop(p->loop);
}

void process_set_state(struct process *p, enum machine_state state) {
    if (p->state == state)
        return;
    p->state = state;
    control_tell_state(p);
}

/* --- what can be asked of it */

int process_pause(struct process *p, struct error *e) {
    if (p->state != MACHINE_RUNNING)
        return error_set(e, "it is %s: only a running one can be paused", machine_state_name(p->state));
    board_pause(vm_board(p->vm));
    process_set_state(p, MACHINE_PAUSED);
    return 0;
}

int process_resume(struct process *p, struct error *e) {
    if (p->state != MACHINE_PAUSED)
        return error_set(e, "it is %s, not paused", machine_state_name(p->state));
    board_resume(vm_board(p->vm));
    process_set_state(p, MACHINE_RUNNING);
    return 0;
}

int process_reset(struct process *p, struct error *e) {
    host_timer_disarm(p->stop_timer);
    if (board_reset(vm_board(p->vm), e) < 0) {
        end(p, MACHINE_CRASHED);
        return -1;
    }
    process_set_state(p, MACHINE_RUNNING);
    return 0;
}

void process_stop(struct process *p, bool force, double timeout) {
    if (force && timeout <= 0) {
        end(p, MACHINE_STOPPED);
        return;
    }
    if (p->state == MACHINE_PAUSED)
        board_resume(vm_board(p->vm)); /* or the guest would not see the key */
    p->cut_power = force;
    board_power_key(vm_board(p->vm));
    host_timer_arm(p->stop_timer, host_now_ns() + (uint64_t)(timeout * 1e9));
    process_set_state(p, MACHINE_STOPPING);
}

/* The guest had its time. */
static void on_stop_timer(void *ctx) {
    struct process *p = ctx;
    if (p->cut_power)
        end(p, MACHINE_STOPPED);
    else
        process_set_state(p, MACHINE_RUNNING);
}

int process_screenshot(struct process *p, const char *path, struct error *e) {
    if (!vm_display(p->vm))
        return error_set(e, "it has no screen (gpu = off)");
    if (png_check_path(path, e) < 0)
        return -1;
    return display_screenshot(vm_display(p->vm), 0, path, e);
}

int process_forward(struct process *p, const char *forward, struct error *e) {
    return vm_forward(p->vm, forward, e);
}

/* Whether a forward is the one that `ssh` uses. */
static bool leads_to_ssh(const struct process *p) {
    char ssh[NET_FORWARD_SIZE], text[NET_FORWARD_SIZE];
    snprintf(ssh, sizeof ssh, "tcp:127.0.0.1:%d-22", p->config->ssh);
    for (unsigned n = 0; vm_forward_at(p->vm, n, text); n++)
        if (strcmp(text, ssh) == 0)
            return true;
    return false;
}

int process_unforward(struct process *p, const char *forward, struct error *e) {
    if (vm_unforward(p->vm, forward, e) < 0)
        return -1;
    if (p->config->ssh > 0 && !leads_to_ssh(p))
        p->config->ssh = CONFIG_SSH_OFF;
    return 0;
}

/* --- what happens to it */

static void on_board_event(void *ctx, enum board_event event) {
    struct process *p = ctx;
    struct error e = {"the engine cannot go on"};
    if (event == BOARD_POWEROFF) {
        end(p, MACHINE_STOPPED);
    } else if (event != BOARD_RESET || process_reset(p, &e) < 0) {
        log_warn("%s", e.text);
        end(p, MACHINE_CRASHED);
    }
}

/* As at the host's shutdown: the guest gets the time that it usually needs. The second one is in a hurry. */
static void on_signal(void *ctx, unsigned events) {
    (void)events;
    struct process *p = ctx;
    struct signalfd_siginfo info;
    if (read(p->signals, &info, sizeof info) != sizeof info)
        return;
    log_warn("signal %u: stopping", info.ssi_signo);
    process_stop(p, true, p->cut_power ? 0 : TERM_SECONDS);
}

static int take_signals(struct process *p, struct error *e) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (p->signals < 0 || !host_source_add(p->loop, p->signals, HOST_READABLE, on_signal, p))
        return error_set(e, "cannot watch for signals: %s", strerror(errno));
    return 0;
}

/* --- its life */

/* Into the network of the user's machines, where it has an address and a name. */
static int join_network(struct process *p, struct error *e) {
    if (p->config->vm.net != VM_NET_USER)
        return 0;
    int number = machine_number(p->machine, e);
    if (number < 0 || machine_network(p->machine, p->network, e) < 0)
        return -1;
    p->config->vm.guest = (uint8_t)number;
    p->config->vm.lan = p->network;
    p->config->vm.name = p->machine->name;
    return 0;
}

static int bring_up(struct process *p, struct error *e) {
    const struct vm_owner owner = {.ctx = p, .event = on_board_event};
    if (machine_lock_run(p->lock, e) < 0 || !(p->loop = host_loop_create(e)) || take_signals(p, e) < 0)
        return -1;
    if (!(p->stop_timer = host_timer_create(p->loop, on_stop_timer, p)))
        return error_set(e, "out of memory");
    if (control_open(p, e) < 0 || join_network(p, e) < 0 ||
        !(p->vm = vm_create(&p->config->vm, p->loop, &owner, e)))
        return -1;
    if (p->config->window && !(p->window = vm_window_open(p->vm, &p->config->vm, p->machine->name, e)))
        return -1;
    p->started = host_now_ns();
    return board_start(vm_board(p->vm), e);
}

static void take_down(struct process *p) {
    present_destroy(p->window);
    vm_destroy(p->vm);
    p->vm = NULL;
    process_set_state(p, p->end); /* when disks are closed and nothing runs any more */
    control_close(p);
    host_loop_destroy(p->loop);
    machine_lock_end(p->lock, p->end);
}

static void log_time(const char *what) {
    char text[32];
    time_t now = time(NULL);
    struct tm local;
    strftime(text, sizeof text, "%F %T", localtime_r(&now, &local));
    log_warn("%s %s (process %ld)", text, what, (long)getpid());
}

/* Everything from here on is the process's own. ready: where whoever started it waits for a line. */
static int run_process(struct process *p, int ready) {
    struct error e;
    log_time("starting");
    p->end = MACHINE_STOPPED;
    if (bring_up(p, &e) < 0) {
        log_warn("%s", e.text);
        p->end = p->was;
        take_down(p);
        dprintf(ready, "%s", e.text);
        return EXIT_FAILURE;
    }
    process_set_state(p, MACHINE_RUNNING);
    dprintf(ready, "ok");
    close(ready);
    vm_run_loop(p->loop, p->window);
    board_stop(vm_board(p->vm));
    take_down(p);
    log_time(machine_state_name(p->end));
    return p->end == MACHINE_STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- leaving the terminal */

static void rotate_log(void) {
    struct stat st;
    if (stat("log", &st) == 0 && st.st_size > LOG_SIZE_MAX)
        rename("log", "log.old");
}

/* Nothing of the caller's stays open or can end the process: no terminal, no descriptor, no directory. */
static int detach(const char *directory, int *lock, int *ready) {
    enum { LOCK = 3, READY, REST };
    if (setsid() < 0 || chdir(directory) < 0)
        return -1;
    rotate_log();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    /* Away from the numbers that they are to get. */
    int high_lock = fcntl(*lock, F_DUPFD_CLOEXEC, 16), high_ready = fcntl(*ready, F_DUPFD_CLOEXEC, 16);
    if (null < 0 || log < 0 || high_lock < 0 || high_ready < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        return -1;
    if (dup3(high_lock, LOCK, O_CLOEXEC) < 0 || dup3(high_ready, READY, O_CLOEXEC) < 0)
        return -1;
    close_range(REST, ~0u, 0);
    *lock = LOCK;
    *ready = READY;
    return 0;
}

static _Noreturn void child(const struct machine *machine, struct machine_config *config, int lock,
    enum machine_state was, int ready) {
    struct process p = {.machine = machine, .config = config, .state = MACHINE_STARTING, .was = was};
    if (detach(machine->path, &lock, &ready) < 0) {
        dprintf(ready, "%s: %s", machine->path, strerror(errno));
        _exit(EXIT_FAILURE);
    }
    p.lock = lock;
    exit(run_process(&p, ready));
}

/* What the process says first: "ok", or why not. */
static int await(int ready, pid_t pid, struct error *e) {
    char text[sizeof e->text];
    size_t size = 0;
    for (ssize_t got;
         size < sizeof text - 1 && (got = read(ready, text + size, sizeof text - 1 - size)) != 0;)
        size += got > 0 ? (size_t)got : 0;
    text[size] = 0;
    if (strcmp(text, "ok") == 0)
        return 0;
    waitpid(pid, NULL, 0);
    return error_set(
        e, "%s", size ? text : "the VM's process crashed while it started (see 'pearvisor logs')");
}

int machine_process_start(const struct machine *machine, struct machine_config *config, int lock,
    enum machine_state was, struct error *e) {
    int ready[2];
    if (pipe2(ready, O_CLOEXEC) < 0) {
        close(lock);
        return error_set(e, "cannot start a process: %s", strerror(errno));
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        child(machine, config, lock, was, ready[1]);
    close(ready[1]);
    close(lock);
    int result =
        pid < 0 ? error_set(e, "cannot start a process: %s", strerror(errno)) : await(ready[0], pid, e);
    close(ready[0]);
    return result;
}
