#include "host/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 8 };

static int stale_or_absent(const struct sockaddr_un *address, struct error *e) {
    struct stat old;
    if (stat(address->sun_path, &old) < 0 || !S_ISSOCK(old.st_mode))
        return 0;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool answered = probe >= 0 && (connect(probe, (const struct sockaddr *)address, sizeof *address) == 0 ||
                                      errno == EAGAIN);
    if (probe >= 0)
        close(probe);
    if (answered)
        return error_set(e, "%s: another program listens there", address->sun_path);
    unlink(address->sun_path);
    return 0;
}

int host_socket_listen(const char *path, struct error *e) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(e, "%s: the path is longer than %zu bytes", path, sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    if (stale_or_absent(&address, e) < 0)
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode of an unbound socket is what bind() gives the file, so it is never open to others. */
    if (fd < 0 || fchmod(fd, 0600) < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        error_set(e, "%s: %s", path, strerror(errno));
    } else if (listen(fd, BACKLOG) < 0) {
        error_set(e, "%s: %s", path, strerror(errno));
        unlink(path);
    } else {
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

int host_socket_accept(int listening) {
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return -1;
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
        (peer.uid == geteuid() || peer.uid == 0))
        return fd;
    close(fd);
    return -1;
}

int host_socket_connect(const char *directory, const char *name) {
    int at = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", at, name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        int why = errno;
        close(fd);
        fd = -1;
        errno = why;
    }
    int why = errno;
    close(at);
    errno = why;
    return fd;
}
