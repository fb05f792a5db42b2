/* Queries of OpenGL. virglrenderer's thread of fences reports no fence behind a query before somebody has
 * looked at the query on the thread that draws: it asks for that through a descriptor and waits, for ever if
 * nobody comes. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gpu/virgl/internal.h"

enum { LAST_FENCE_TICKS = 200, TICK_MS = 10 };

static void *watch(void *arg) {
    struct virgl *virgl = arg;
    struct pollfd fds[] = {
        {.fd = virgl_library.get_poll_fd(), .events = POLLIN}, {.fd = virgl->poll_stop, .events = POLLIN}};
    for (;;) {
        uint64_t count;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return NULL;
        if (fds[1].revents)
            return NULL;
        /* virglrenderer's own poll() finds it empty, and minds that as little as one that was written twice.
         */
        if (fds[0].revents && read(fds[0].fd, &count, sizeof count) == sizeof count)
            virgl->host.poll_wanted(virgl->host.ctx);
    }
}

int virgl_poll_start(struct virgl *virgl, struct error *e) {
    virgl->poll_stop = -1;
    if (!virgl->opengl || virgl_library.get_poll_fd() < 0)
        return 0;
    virgl->poll_stop = eventfd(0, EFD_CLOEXEC);
    int failed = virgl->poll_stop < 0 ? errno : pthread_create(&virgl->poll_thread, NULL, watch, virgl);
    if (!failed)
        return 0;
    if (virgl->poll_stop >= 0)
        close(virgl->poll_stop);
    virgl->poll_stop = -1;
    return error_set(e, "no thread for OpenGL's queries: %s", strerror(failed));
}

/* virglrenderer waits for its thread of fences when it ends, which must not wait for poll() then: it has come
 * to the end when it has reported a fence that nothing follows. */
static void outlast_fences(struct virgl *virgl) {
    struct pollfd fd = {.fd = virgl_library.get_poll_fd(), .events = POLLIN};
    virgl->ending = true;
    virgl_fence(virgl, (struct gpu_timeline){0}, virgl->last_fence + 1);
    for (int i = 0; i < LAST_FENCE_TICKS && virgl->settled_fence != virgl->last_fence; i++)
        if (poll(&fd, 1, TICK_MS) > 0)
            virgl_library.poll();
}

void virgl_poll_stop(struct virgl *virgl) {
    if (virgl->poll_stop < 0)
        return;
    uint64_t one = 1;
    if (write(virgl->poll_stop, &one, sizeof one) == sizeof one)
        pthread_join(virgl->poll_thread, NULL);
    close(virgl->poll_stop);
    outlast_fences(virgl);
}

void virgl_poll(void *renderer) {
    (void)renderer;
    virgl_library.poll();
}
