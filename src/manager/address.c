/* Each machine keeps its address in a file, "address". One lock is held while they are compared. */
#include "manager/address.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/file.h"
#include "manager/lock.h"
#include "net/frame.h"

static const char network[] = "10.0.2.";

int machine_network(const struct machine *machine, char *out, struct error *e) {
    char path[PATH_MAX];
    int parent = (int)(strlen(machine->path) - strlen(machine->name) - strlen("vms/"));
    snprintf(path, sizeof path, "%.*snetwork/.lock", parent, machine->path);
    if (host_make_parents(path, e) < 0)
        return -1;
    snprintf(out, PATH_MAX, "%.*snetwork", parent, machine->path);
    return 0;
}

static int take_lock(const struct machine *machine, struct error *e) {
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char directory[PATH_MAX], path[PATH_MAX + 8];
    if (machine_network(machine, directory, e) < 0)
        return -1;
    snprintf(path, sizeof path, "%s/.lock", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0 && fcntl(fd, F_OFD_SETLKW, &lock) == 0)
        return fd;
    error_set(e, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* 0: none yet, or nonsense. */
static uint8_t read_number(const struct machine *machine) {
    enum { TEXT_MAX = 32 };
    char path[PATH_MAX];
    size_t size;
    unsigned number = 0;
    char *text = host_file_read(machine_file(machine, "address", path), TEXT_MAX, &size, NULL);
    bool good = text && strncmp(text, network, sizeof network - 1) == 0 &&
                sscanf(text + sizeof network - 1, "%3u", &number) == 1 && number >= NET_GUEST_FIRST &&
                number <= NET_GUEST_LAST;
    free(text);
    return good ? (uint8_t)number : 0;
}

struct search {
    const struct machine *machine;
    bool taken[NET_GUEST_LAST + 1]; /* by others */
};

static int note_number(void *ctx, const struct machine *other) {
    struct search *search = ctx;
    if (strcmp(other->name, search->machine->name) != 0)
        search->taken[read_number(other)] = true;
    return 0;
}

/* Of one that does not run, and gets another when it does. */
static int give_way(void *ctx, const struct machine *other) {
    struct search *search = ctx;
    struct machine_lock lock;
    char path[PATH_MAX];
    uint8_t number = read_number(other);
    machine_lock_look(other, &lock);
    if (lock.held || !number || strcmp(other->name, search->machine->name) == 0)
        return 0;
    return unlink(machine_file(other, "address", path)) == 0 ? number : 0;
}

static int choose(const struct machine *machine, struct error *e) {
    struct search search = {.machine = machine};
    uint8_t own = read_number(machine);
    if (machine_each(note_number, &search, e) < 0)
        return -1;
    if (own && !search.taken[own])
        return own;
    for (int number = NET_GUEST_FIRST; number <= NET_GUEST_LAST; number++)
        if (!search.taken[number])
            return number;
    int number = machine_each(give_way, &search, e);
    return number ? number
                  : error_set(e, "no address is left: %d machines run", NET_GUEST_LAST - NET_GUEST_FIRST + 1);
}

int machine_number(const struct machine *machine, struct error *e) {
    char path[PATH_MAX], text[32];
    int lock = take_lock(machine, e);
    if (lock < 0)
        return -1;
    int number = choose(machine, e);
    snprintf(text, sizeof text, "%s%d\n", network, number);
    if (number > 0 && number != read_number(machine) &&
        host_file_replace(machine_file(machine, "address", path), text, strlen(text), e) < 0)
        number = -1;
    close(lock);
    return number;
}
