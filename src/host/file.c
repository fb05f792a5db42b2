#include "host/file.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int host_check_creatable(const char *path, struct error *e) {
    char *copy = strdup(path);
    if (!copy)
        return error_set(e, "out of memory");
    int result = 0;
    if (access(dirname(copy), W_OK | X_OK) < 0)
        result = error_set(e, "%s: cannot create it: %s", path, strerror(errno));
    free(copy);
    return result;
}

int host_check_writable(const char *path, struct error *e) {
    struct stat st;
    if (stat(path, &st) < 0)
        return host_check_creatable(path, e);
    if (S_ISDIR(st.st_mode))
        return error_set(e, "%s: is a directory", path);
    return access(path, W_OK) < 0 ? error_set(e, "%s: %s", path, strerror(errno)) : 0;
}
