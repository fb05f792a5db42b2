/* Where kept VMs live: a directory each, NAME/ in $XDG_DATA_HOME/pearvisor/vms (~/.local/share/...):
 *   config                     what it is (config.h)
 *   lock                       who runs it, and how it ended (lock.h)
 *   control, console           sockets, while it runs
 *   address                    its own among the user's machines (address.h)
 *   log, console.log           what PearVisor had to say, and the guest
 *   ssh/                       the key that `ssh` uses, and the guest's host keys
 *   disk.img or disk.qcow2     its disk, if it was made with one
 *   base-...                   what disks of it and of its clones lie upon (clone.h)
 *   seed.iso                   with an image: who it is (image/seed.h) */
#pragma once

#include <limits.h>
#include <stdint.h>

#include "util/error.h"

#define MACHINE_BASE_PREFIX "base-"

enum { MACHINE_NAME_MAX = 63 };

/* What is kept in directories of one kind. Those of another kind (image/store.c) are found and made the same
 * way. */
struct machine_kind {
    const char *directory;      /* below pearvisor/ */
    const char *noun, *command; /* for messages: what one is, and what lists them */
    const char *mark;           /* the file that each has */
    const char *letters;        /* of names, beside letters and digits */
};

struct machine {
    char name[MACHINE_NAME_MAX + 1];
    char path[PATH_MAX - 256]; /* of its directory, so that the names in it fit after it */
    const struct machine_kind *kind;
};

/* Where NAME's directory is or would be. Fails for names that can be none. */
int machine_locate(struct machine *machine, const char *name, struct error *e);
int machine_locate_kind(
    struct machine *machine, const struct machine_kind *kind, const char *name, struct error *e);
/* The same, and it must be there. */
int machine_find(struct machine *machine, const char *name, struct error *e);
int machine_find_kind(
    struct machine *machine, const struct machine_kind *kind, const char *name, struct error *e);
/* The path of a file in the directory. out has PATH_MAX bytes. */
const char *machine_file(const struct machine *machine, const char *file, char *out);

/* Calls found() for each, by name. Stops at the first result that is not 0, and returns it. */
int machine_each(int (*found)(void *ctx, const struct machine *machine), void *ctx, struct error *e);
int machine_each_kind(const struct machine_kind *kind, int (*found)(void *ctx, const struct machine *machine),
    void *ctx, struct error *e);

/* A directory that is not seen until machine_publish(), to be filled. Fails when the name is taken. */
int machine_draft(struct machine *draft, const struct machine *machine, struct error *e);
int machine_publish(const struct machine *draft, const struct machine *machine, struct error *e);
/* What makes up a machine that does not run, into a draft: its files, but for what tells of its past. Bases
 * are shared, and files that the draft has already stay. */
int machine_copy(const struct machine *from, const struct machine *draft, struct error *e);
/* The directory and all in it; what links in it lead to stays. */
int machine_remove(const struct machine *machine, struct error *e);
