/* A directory of the host, served to a guest by 9P2000.L, the protocol of Linux's v9fs.
 *
 * The guest cannot leave the directory: a name is looked up one at a time, relative to a directory that is
 * held open, and symbolic links are never followed here; it is the guest that resolves what they say. Only
 * regular files and directories are opened. Files are made and changed as the user who runs PearVisor,
 * whatever owner the guest asks for, and never with set-ID bits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct share;

/* Bytes of the largest message, and of the smallest that a guest may ask for. */
enum { SHARE_MESSAGE_MAX = 512 << 10, SHARE_MESSAGE_MIN = 4096 };
/* size[4] type[1] tag[2] */
enum { SHARE_HEADER = 7 };

/* Opens the directory. Fails with one line. */
struct share *share_open(const char *path, bool read_only, struct error *e);
void share_close(struct share *share);
/* Forgets all that the guest had open. */
void share_reset(struct share *share);

/* Executes the request (size bytes, at least a header) and writes the answer, of up to room bytes (at least
 * SHARE_HEADER + 4). Returns the answer's length. May block; one thread at a time. */
size_t share_serve(struct share *share, const uint8_t *request, size_t size, uint8_t *answer, size_t room);
