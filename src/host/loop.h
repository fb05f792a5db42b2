/* The event loop: file descriptors, timers and calls posted from other threads. Every callback runs on the
 * one thread that is in host_loop_run(). */
#pragma once

#include <stdint.h>

#include "util/error.h"

struct host_loop;
struct host_source;
struct host_timer;

enum { HOST_READABLE = 1, HOST_WRITABLE = 2, HOST_HANGUP = 4 };

typedef void host_fd_fn(void *ctx, unsigned events);
typedef void host_call_fn(void *ctx);

/* SIGPIPE is ignored in the process from here on. */
struct host_loop *host_loop_create(struct error *e);
/* Destroys what is still registered too; never while host_loop_run() is running. */
void host_loop_destroy(struct host_loop *loop);

/* Runs until host_loop_stop(), which any thread may call. */
void host_loop_run(struct host_loop *loop);
void host_loop_stop(struct host_loop *loop);

/* Watches fd (which stays the caller's) for events, a set of HOST_READABLE and HOST_WRITABLE; hang-ups are
 * always told. On the loop's thread, or before it runs. NULL when the host refuses. */
struct host_source *host_source_add(
    struct host_loop *loop, int fd, unsigned events, host_fd_fn *fn, void *ctx);
void host_source_set_events(struct host_source *source, unsigned events);
void host_source_remove(struct host_source *source);

/* A one-shot timer. Arming and disarming is allowed on any thread; deadline is in host_now_ns() time and one
 * in the past fires at once. After host_timer_disarm() a call that was already under way may still come. */
struct host_timer *host_timer_create(struct host_loop *loop, host_call_fn *fn, void *ctx);
void host_timer_arm(struct host_timer *timer, uint64_t deadline);
void host_timer_disarm(struct host_timer *timer);
void host_timer_destroy(struct host_timer *timer);

/* Calls fn(ctx) on the loop's thread, soon; from any thread; in the order of posting. */
void host_loop_post(struct host_loop *loop, host_call_fn *fn, void *ctx);
/* Drops the calls posted for ctx that have not begun, so that ctx may go while the loop runs. On the loop's
 * thread, or while it does not run; nobody posts for ctx any more. */
void host_loop_cancel(struct host_loop *loop, const void *ctx);
