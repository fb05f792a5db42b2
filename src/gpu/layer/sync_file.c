/* The files of SYNC_FD semaphores and fences: eventfds, which a reader polls like the kernel's sync files. A
 * thread watches the fence of each. */
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gpu/layer/layer.h"

struct watch {
    struct watch *next;
    VkFence fence;
    int fd;
};

static void *watch_fences(void *arg) {
    enum { PATIENCE_NS = 100000000 };
    struct device *device = arg;
    pthread_mutex_lock(&device->lock);
    while (!device->watcher_stops) {
        struct watch *watch = device->watches;
        if (!watch) {
            pthread_cond_wait(&device->watcher_wakes, &device->lock);
            continue;
        }
        pthread_mutex_unlock(&device->lock);
        VkResult result = device->vk.WaitForFences(device->handle, 1, &watch->fence, VK_TRUE, PATIENCE_NS);
        pthread_mutex_lock(&device->lock);
        if (result == VK_TIMEOUT)
            continue;
        if (!(device->watches = watch->next))
            device->last_watch = &device->watches;
        eventfd_write(watch->fd, 1); /* a lost device's, too: nobody is to wait for ever */
        close(watch->fd);
        device->vk.DestroyFence(device->handle, watch->fence, NULL);
        free(watch);
    }
    pthread_mutex_unlock(&device->lock);
    return NULL;
}

void sync_init(struct device *device) {
    pthread_mutex_init(&device->lock, NULL);
    pthread_mutex_init(&device->queue_lock, NULL);
    pthread_cond_init(&device->watcher_wakes, NULL);
    device->last_watch = &device->watches;
}

void sync_stop(struct device *device) {
    pthread_mutex_lock(&device->lock);
    device->watcher_stops = true;
    pthread_cond_signal(&device->watcher_wakes);
    pthread_mutex_unlock(&device->lock);
    if (device->watcher_runs)
        pthread_join(device->watcher, NULL);
    for (struct watch *watch; (watch = device->watches);) {
        device->watches = watch->next;
        close(watch->fd);
        device->vk.DestroyFence(device->handle, watch->fence, NULL);
        free(watch);
    }
}

VkResult sync_file_of(struct device *device, VkFence fence, int *fd) {
    struct watch *watch = malloc(sizeof *watch);
    int ours = eventfd(0, EFD_CLOEXEC), theirs = ours < 0 ? -1 : dup(ours);
    bool watched = false;
    if (watch && theirs >= 0) {
        *watch = (struct watch){.fence = fence, .fd = ours};
        pthread_mutex_lock(&device->lock);
        if (!device->watcher_runs)
            device->watcher_runs = pthread_create(&device->watcher, NULL, watch_fences, device) == 0;
        if ((watched = device->watcher_runs)) {
            *device->last_watch = watch;
            device->last_watch = &watch->next;
            pthread_cond_signal(&device->watcher_wakes);
        }
        pthread_mutex_unlock(&device->lock);
    }
    if (watched) {
        *fd = theirs;
        return VK_SUCCESS;
    }
    if (ours >= 0)
        close(ours);
    if (theirs >= 0)
        close(theirs);
    free(watch);
    device->vk.WaitForFences(device->handle, 1, &fence, VK_TRUE, UINT64_MAX);
    device->vk.DestroyFence(device->handle, fence, NULL);
    *fd = -1;
    return VK_SUCCESS;
}

void sync_file_consume(int fd) {
    if (fd < 0)
        return;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (poll(&poll_fd, 1, -1) < 0)
        ;
    close(fd);
}
