#include "manager/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 128, BOOT_ID_SIZE = 36 };

const char *machine_state_name(enum machine_state state) {
    static const char *const names[] = {
        [MACHINE_CREATED] = "created",
        [MACHINE_STARTING] = "starting",
        [MACHINE_RUNNING] = "running",
        [MACHINE_PAUSED] = "paused",
        [MACHINE_STOPPING] = "stopping",
        [MACHINE_STOPPED] = "stopped",
        [MACHINE_CRASHED] = "crashed",
    };
    return names[state];
}

/* The kernel makes a new one whenever the host starts. */
static void boot_id(char id[BOOT_ID_SIZE + 1]) {
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? 0 : read(fd, id, BOOT_ID_SIZE);
    id[got > 0 ? got : 0] = 0;
    if (fd >= 0)
        close(fd);
}

/* What the file says: "running PID BOOT-ID", "stopped", "crashed", or nothing yet. */
static void read_state(int fd, struct machine_lock *lock) {
    char text[TEXT_MAX + 1] = "", then[BOOT_ID_SIZE + 1] = "", now[BOOT_ID_SIZE + 1];
    ssize_t size = pread(fd, text, TEXT_MAX, 0);
    long pid = 0;
    text[size > 0 ? size : 0] = 0;
    if (sscanf(text, "running %ld %36s", &pid, then) == 2) {
        boot_id(now);
        lock->state = MACHINE_CRASHED;
        lock->pid = (pid_t)pid;
        lock->other_boot = strcmp(then, now) != 0;
    } else if (strncmp(text, "crashed", 7) == 0) {
        lock->state = MACHINE_CRASHED;
    } else {
        lock->state = strncmp(text, "stopped", 7) == 0 ? MACHINE_STOPPED : MACHINE_CREATED;
    }
}

static int open_lock(const struct machine *machine, int flags) {
    char path[PATH_MAX];
    return open(machine_file(machine, "lock", path), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

void machine_lock_look(const struct machine *machine, struct machine_lock *lock) {
    struct flock test = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *lock = (struct machine_lock){.state = MACHINE_CREATED};
    int fd = open_lock(machine, O_RDWR);
    if (fd < 0)
        return;
    lock->held = fcntl(fd, F_OFD_GETLK, &test) == 0 && test.l_type != F_UNLCK;
    read_state(fd, lock);
    close(fd);
    if (lock->held)
        lock->state = MACHINE_STARTING;
}

int machine_lock_take(const struct machine *machine, struct machine_lock *was, struct error *e) {
    /* By open file: it is inherited by a child, and released only when nobody has it open any more. */
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    *was = (struct machine_lock){0};
    int fd = open_lock(machine, O_RDWR | O_CREAT);
    if (fd < 0)
        return error_set(e, "%s: its lock: %s", machine->name, strerror(errno));
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) {
        read_state(fd, was);
        return fd;
    }
    read_state(fd, was);
    if (was->pid)
        error_set(e, "%s: it is running (process %ld)", machine->name, (long)was->pid);
    else
        error_set(e, "%s: another command works on it", machine->name);
    close(fd);
    return -1;
}

static int write_state(int fd, const char *text) {
    ssize_t size = (ssize_t)strlen(text);
    return pwrite(fd, text, (size_t)size, 0) == size && ftruncate(fd, size) == 0 ? 0 : -1;
}

int machine_lock_run(int fd, struct error *e) {
    char text[TEXT_MAX], id[BOOT_ID_SIZE + 1];
    boot_id(id);
    snprintf(text, sizeof text, "running %ld %s\n", (long)getpid(), id);
    return write_state(fd, text) < 0 ? error_set(e, "cannot write the lock: %s", strerror(errno)) : 0;
}

void machine_lock_end(int fd, enum machine_state state) {
    char text[TEXT_MAX];
    snprintf(text, sizeof text, "%s\n", machine_state_name(state));
    write_state(fd, text);
}
