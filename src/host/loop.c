#include "host/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "host/clock.h"
#include "host/sleep.h"

enum { EVENTS_A_ROUND = 32 };

struct host_source {
    struct host_loop *loop;
    struct host_source *next;
    int fd;
    bool removed; /* freed after the round: its event may still be in the batch */
    host_fd_fn *fn;
    void *ctx;
};

struct host_timer {
    struct host_loop *loop;
    struct host_timer *next;
    uint64_t deadline; /* HOST_FOREVER: not armed */
    host_call_fn *fn;
    void *ctx;
};

struct posted {
    struct posted *next;
    host_call_fn *fn;
    void *ctx;
};

struct host_loop {
    int epoll, wake, clock;
    atomic_bool stop;
    struct host_source *sources;

    pthread_mutex_t lock; /* of what other threads touch: */
    struct host_timer *timers;
    uint64_t next_deadline; /* what the timerfd is set to */
    struct posted *posted, **posted_end;
    struct posted *running; /* taken from there, and called one after the other */
};

static int watch(struct host_loop *loop, int fd, uint32_t events, void *tag) {
    struct epoll_event event = {.events = events, .data.ptr = tag};
    return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

struct host_loop *host_loop_create(struct error *e) {
    struct host_loop *loop = calloc(1, sizeof *loop);
    if (!loop) {
        error_set(e, "out of memory");
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN); /* what nobody reads any more is an error of write() */
    pthread_mutex_init(&loop->lock, NULL);
    loop->posted_end = &loop->posted;
    loop->next_deadline = HOST_FOREVER;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    loop->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll < 0 || loop->wake < 0 || loop->clock < 0 ||
        watch(loop, loop->wake, EPOLLIN, &loop->wake) < 0 ||
        watch(loop, loop->clock, EPOLLIN, &loop->clock) < 0) {
        error_set(e, "cannot create an event loop: %s", strerror(errno));
        host_loop_destroy(loop);
        return NULL;
    }
    return loop;
}

static void free_calls(struct posted *call) {
    while (call) {
        struct posted *next = call->next;
        free(call);
        call = next;
    }
}

void host_loop_destroy(struct host_loop *loop) {
    if (!loop)
        return;
    while (loop->sources) {
        struct host_source *source = loop->sources;
        loop->sources = source->next;
        free(source);
    }
    while (loop->timers)
        host_timer_destroy(loop->timers);
    free_calls(loop->posted);
    const int fds[] = {loop->epoll, loop->wake, loop->clock};
    for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

static void wake_up(struct host_loop *loop) {
    /* A full counter means that the loop is awake already. */
    ssize_t written = write(loop->wake, &(uint64_t){1}, sizeof(uint64_t));
    (void)written;
}

void host_loop_stop(struct host_loop *loop) {
    atomic_store(&loop->stop, true);
    wake_up(loop);
}

/* --- file descriptors */

static uint32_t epoll_events(unsigned events) {
    return (events & HOST_READABLE ? (uint32_t)EPOLLIN : 0) |
           (events & HOST_WRITABLE ? (uint32_t)EPOLLOUT : 0);
}

struct host_source *host_source_add(
    struct host_loop *loop, int fd, unsigned events, host_fd_fn *fn, void *ctx) {
    struct host_source *source = malloc(sizeof *source);
    if (!source)
        return NULL;
    *source = (struct host_source){.loop = loop, .next = loop->sources, .fd = fd, .fn = fn, .ctx = ctx};
    if (watch(loop, fd, epoll_events(events), source) < 0) {
        free(source);
        return NULL;
    }
    loop->sources = source;
    return source;
}

void host_source_set_events(struct host_source *source, unsigned events) {
    struct epoll_event event = {.events = epoll_events(events), .data.ptr = source};
    epoll_ctl(source->loop->epoll, EPOLL_CTL_MOD, source->fd, &event);
}

void host_source_remove(struct host_source *source) {
    if (!source)
        return;
    epoll_ctl(source->loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->removed = true;
}

static void free_removed(struct host_loop *loop) {
    for (struct host_source **at = &loop->sources; *at;) {
        struct host_source *source = *at;
        if (source->removed) {
            *at = source->next;
            free(source);
        } else {
            at = &source->next;
        }
    }
}

/* --- timers */

/* With the lock held: the timerfd follows the earliest deadline. */
static void set_clock(struct host_loop *loop) {
    uint64_t earliest = HOST_FOREVER;
    for (struct host_timer *timer = loop->timers; timer; timer = timer->next)
        if (timer->deadline < earliest)
            earliest = timer->deadline;
    if (earliest == loop->next_deadline)
        return;
    loop->next_deadline = earliest;
    struct itimerspec at = {0}; /* zero disarms */
    if (earliest != HOST_FOREVER) {
        at.it_value.tv_sec = (time_t)(earliest / 1000000000u);
        at.it_value.tv_nsec = (long)(earliest % 1000000000u);
        if (earliest == 0)
            at.it_value.tv_nsec = 1;
    }
    timerfd_settime(loop->clock, TFD_TIMER_ABSTIME, &at, NULL);
}

struct host_timer *host_timer_create(struct host_loop *loop, host_call_fn *fn, void *ctx) {
    struct host_timer *timer = malloc(sizeof *timer);
    if (!timer)
        return NULL;
    *timer = (struct host_timer){.loop = loop, .deadline = HOST_FOREVER, .fn = fn, .ctx = ctx};
    pthread_mutex_lock(&loop->lock);
    timer->next = loop->timers;
    loop->timers = timer;
    pthread_mutex_unlock(&loop->lock);
    return timer;
}

void host_timer_arm(struct host_timer *timer, uint64_t deadline) {
    pthread_mutex_lock(&timer->loop->lock);
    timer->deadline = deadline;
    set_clock(timer->loop);
    pthread_mutex_unlock(&timer->loop->lock);
}

void host_timer_disarm(struct host_timer *timer) {
    host_timer_arm(timer, HOST_FOREVER);
}

void host_timer_destroy(struct host_timer *timer) {
    if (!timer)
        return;
    struct host_loop *loop = timer->loop;
    pthread_mutex_lock(&loop->lock);
    struct host_timer **at = &loop->timers;
    while (*at != timer)
        at = &(*at)->next;
    *at = timer->next;
    set_clock(loop);
    pthread_mutex_unlock(&loop->lock);
    free(timer);
}

/* One that is due, disarmed; NULL when there is none. */
static struct host_timer *take_due(struct host_loop *loop, uint64_t now) {
    struct host_timer *due = NULL;
    pthread_mutex_lock(&loop->lock);
    for (struct host_timer *timer = loop->timers; timer; timer = timer->next)
        if (timer->deadline <= now && (!due || timer->deadline < due->deadline))
            due = timer;
    if (due)
        due->deadline = HOST_FOREVER;
    else
        set_clock(loop);
    pthread_mutex_unlock(&loop->lock);
    return due;
}

static void run_timers(struct host_loop *loop) {
    uint64_t expirations;
    ssize_t size = read(loop->clock, &expirations, sizeof expirations);
    (void)size;
    uint64_t now = host_now_ns(); /* once: a timer that re-arms itself in the past must not starve the rest */
    for (struct host_timer *timer; (timer = take_due(loop, now));)
        timer->fn(timer->ctx);
}

/* --- posted calls */

void host_loop_post(struct host_loop *loop, host_call_fn *fn, void *ctx) {
    struct posted *call = malloc(sizeof *call);
    if (!call)
        abort(); /* a dropped call would hang a device without a word */
    *call = (struct posted){.fn = fn, .ctx = ctx};
    pthread_mutex_lock(&loop->lock);
    *loop->posted_end = call;
    loop->posted_end = &call->next;
    pthread_mutex_unlock(&loop->lock);
    wake_up(loop);
}

/* With the lock held: out of a list, what was posted for ctx. Returns where the list ends. */
static struct posted **drop_calls(struct posted **at, const void *ctx) {
    while (*at) {
        struct posted *call = *at;
        if (call->ctx != ctx) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        free(call);
    }
    return at;
}

void host_loop_cancel(struct host_loop *loop, const void *ctx) {
    pthread_mutex_lock(&loop->lock);
    drop_calls(&loop->running, ctx);
    loop->posted_end = drop_calls(&loop->posted, ctx);
    pthread_mutex_unlock(&loop->lock);
}

static struct posted *next_running(struct host_loop *loop) {
    pthread_mutex_lock(&loop->lock);
    struct posted *call = loop->running;
    if (call)
        loop->running = call->next;
    pthread_mutex_unlock(&loop->lock);
    return call;
}

static void run_posted(struct host_loop *loop) {
    uint64_t count;
    ssize_t size = read(loop->wake, &count, sizeof count);
    (void)size;
    pthread_mutex_lock(&loop->lock);
    loop->running = loop->posted;
    loop->posted = NULL;
    loop->posted_end = &loop->posted;
    pthread_mutex_unlock(&loop->lock);
    for (struct posted *call; (call = next_running(loop));) {
        call->fn(call->ctx);
        free(call);
    }
}

void host_loop_run(struct host_loop *loop) {
    while (!atomic_load(&loop->stop)) {
        struct epoll_event events[EVENTS_A_ROUND];
        int count = epoll_wait(loop->epoll, events, EVENTS_A_ROUND, -1);
        for (int i = 0; i < count; i++) {
            void *tag = events[i].data.ptr;
            if (tag == &loop->wake) {
                run_posted(loop);
            } else if (tag == &loop->clock) {
                run_timers(loop);
            } else {
                struct host_source *source = tag;
                uint32_t got = events[i].events;
                unsigned what = (got & EPOLLIN ? HOST_READABLE : 0) | (got & EPOLLOUT ? HOST_WRITABLE : 0) |
                                (got & (EPOLLHUP | EPOLLERR) ? HOST_HANGUP : 0);
                if (!source->removed)
                    source->fn(source->ctx, what);
            }
        }
        free_removed(loop);
    }
    atomic_store(&loop->stop, false);
}
