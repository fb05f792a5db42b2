/* A byte stream to the outside for a guest's serial port or console: the terminal, a file, a Unix socket. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "host/loop.h"
#include "util/error.h"

struct host_stream;

/* What arrives from outside, on the loop's thread. Returns how many bytes were taken; when fewer than size,
 * the rest waits for host_stream_resume(). */
typedef size_t host_stream_input_fn(void *ctx, const uint8_t *data, size_t size);

/* spec: "stdio", "file:PATH" (truncated, output only), "unix:PATH" (listens; one client at a time, output is
 * dropped while there is none), "shared:PATH" (listens for several; hub.h), or "none". A terminal on stdio is
 * put into raw mode until close or exit, and Ctrl-A is the escape there: X calls quit(ctx), H prints help,
 * Ctrl-A sends itself. */
struct host_stream *host_stream_open(
    struct host_loop *loop, const char *spec, host_call_fn *quit, void *ctx, struct error *e);
/* On the loop's thread, or while the loop does not run; nobody writes any more. */
void host_stream_close(struct host_stream *stream);

void host_stream_on_input(struct host_stream *stream, host_stream_input_fn *fn, void *ctx);
/* The receiver has room again. Any thread. */
void host_stream_resume(struct host_stream *stream);

/* Queues bytes for output and never blocks: returns how many fitted (all, unless the reader is stuck). Any
 * thread. */
size_t host_stream_write(struct host_stream *stream, const void *data, size_t size);
