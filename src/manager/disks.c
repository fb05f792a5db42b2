/* What is done with the disks of a machine while it runs: its guest does not notice the moment in which it
 * stands still. */
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "manager/clone.h"
#include "manager/internal.h"

static void stand_still(struct process *p) {
    unsigned count;
    vm_disks(p->vm, &count);
    /* Most of what is to be written is so while the guest still runs. What this cannot do, freezing says. */
    for (unsigned n = 0; n < count; n++)
        if (!vm_disk_storage(p->vm, n)->read_only)
            vm_disk_storage(p->vm, n)->ops->flush(vm_disk_storage(p->vm, n));
    board_pause(vm_board(p->vm));
    vm_disks_settle(p->vm);
}

static void go_on(struct process *p) {
    if (p->state != MACHINE_PAUSED)
        board_resume(vm_board(p->vm));
}

/* --- clone */

static bool is_empty(const char *path) {
    DIR *directory = opendir(path);
    unsigned entries = 0;
    while (directory && readdir(directory))
        entries++;
    if (directory)
        closedir(directory);
    return entries == 2; /* . and .. */
}

static bool is_beside(const char *path, const struct machine *machine) {
    char one[PATH_MAX], other[PATH_MAX];
    struct stat st, st_other;
    snprintf(one, sizeof one, "%s", path);
    snprintf(other, sizeof other, "%s", machine->path);
    return stat(dirname(one), &st) == 0 && stat(dirname(other), &st_other) == 0 &&
           st.st_dev == st_other.st_dev && st.st_ino == st_other.st_ino;
}

int process_clone(struct process *p, const char *path, struct error *e) {
    struct machine draft = *p->machine;
    if (strlen(path) >= sizeof draft.path || !is_beside(path, p->machine) || !is_empty(path))
        return error_set(e, "%s: expected an empty directory beside that of the machine", path);
    strcpy(draft.path, path);
    stand_still(p);
    int result = machine_clone(p->machine, &draft, p->vm, e);
    go_on(p);
    return result;
}

/* --- resize */

/* Which of the machine's disks the file is; -1 with a line. */
static int find_disk(struct process *p, const char *path, struct error *e) {
    unsigned count;
    struct stat st, other;
    const struct vm_disk *disks = vm_disks(p->vm, &count);
    if (stat(path, &st) < 0)
        return error_set(e, "%s: %s", path, strerror(errno));
    for (unsigned n = 0; n < count; n++)
        if (stat(disks[n].path, &other) == 0 && st.st_dev == other.st_dev && st.st_ino == other.st_ino)
            return (int)n;
    return error_set(e, "%s: no disk of this machine", path);
}

int process_disk_resize(struct process *p, const char *path, uint64_t size, struct error *e) {
    int n = find_disk(p, path, e);
    if (n < 0)
        return -1;
    stand_still(p);
    int result = vm_disk_grow(p->vm, (unsigned)n, size, e);
    go_on(p);
    return result;
}
