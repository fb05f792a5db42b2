/* The process that runs the guest's Vulkan (virglrenderer's render server), kept apart from what becomes of
 * it.
 *
 * virglrenderer speaks to the server over a socket that ends here: the server is started when the first
 * context needs it, and another one when it has died or does not answer. A server that ends takes its
 * contexts with it, one of its workers takes the context that it served; both are reported. Messages pass as
 * they are. */
#pragma once

#include <stdint.h>

#include "util/error.h"

struct virgl_server;

/* lost() is called on the server's own thread: the context's process is gone. Not after
 * virgl_server_forget(). */
struct virgl_server *virgl_server_create(
    void (*lost)(void *ctx, uint32_t context), void *ctx, struct error *e);
/* After virglrenderer has closed its end. */
void virgl_server_destroy(struct virgl_server *server);

/* virglrenderer's end of the socket; its owner is who takes it, once. */
int virgl_server_take_socket(struct virgl_server *server);
/* Between the two, a context is asked for: what the server answers with belongs to it. */
void virgl_server_begin_context(struct virgl_server *server, uint32_t context);
void virgl_server_end_context(struct virgl_server *server);
/* The context ends. */
void virgl_server_forget(struct virgl_server *server, uint32_t context);

/* Around a call that may wait for the process of a context (0: of any): after HANG_SECONDS the process loses
 * its connection, and the call fails. One at a time. */
enum { VIRGL_SERVER_HANG_SECONDS = 10 };
void virgl_server_enter(struct virgl_server *server, uint32_t context);
void virgl_server_leave(struct virgl_server *server);

/* The program, as far as it can be found; NULL: it is not installed. */
const char *virgl_server_program(void);
