/* Unix sockets that only their owner may use. */
#pragma once

#include "util/error.h"

/* Listens at path, mode 0600; a socket that nobody answers is left over from a crash and replaced. Returns a
 * non-blocking descriptor, or -1 with one line that begins with the path. */
int host_socket_listen(const char *path, struct error *e);
/* The next client, non-blocking; -1 when there is none, or when it is another user's (root may). */
int host_socket_accept(int listening);
/* Connects to DIRECTORY/NAME, however long the directory's path is: a blocking descriptor, or -1 and errno.
 */
int host_socket_connect(const char *directory, const char *name);
