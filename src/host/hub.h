/* A console that several clients of a Unix socket share: each sees what the guest says, what it said before
 * (256 KiB of it), and may type. What passes is kept in a file as well. Loop thread only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "host/loop.h"
#include "util/error.h"

struct host_hub;

struct host_hub_input {
    /* A client has something to read from fd; -1: it is gone, or broken. */
    int (*readable)(void *ctx, int fd);
    void *ctx;
};

/* Listens at path; the copy goes to PATH.log, and when that gets large, the older part to PATH.log.old. */
struct host_hub *host_hub_open(
    struct host_loop *loop, const char *path, const struct host_hub_input *input, struct error *e);
void host_hub_close(struct host_hub *hub);

/* Never refuses: a client that does not read loses the oldest. */
void host_hub_write(struct host_hub *hub, const void *data, size_t size);
/* Whether there is room for input now; true at first. */
void host_hub_want_input(struct host_hub *hub, bool wanted);
