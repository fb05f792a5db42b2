/* SYNC_FD semaphores and fences for drivers without them. The files are eventfds, which a reader polls like
 * the kernel's sync files.
 *
 * An imported payload is a second semaphore, which the layer signals on the queue in front of the batch that
 * waits for it. An exported payload is a fence behind it, which a thread watches. A fence is a handle of the
 * layer's own, because the payload of one in flight has to go to its file and leave the fence unsignalled. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "gpu/layer/layer.h"

struct semaphore {
    struct object object;
    VkSemaphore payload; /* in the place of the semaphore while imported is set */
    bool imported;
};

struct fence {
    VkFence real;
};

struct watch {
    struct watch *next;
    VkFence fence;
    int fd;
};

static VkFence real_fence(const struct device *device, VkFence handle) {
    return handle && device->lent & LENT_FENCE_FD ? ((struct fence *)handle)->real : handle;
}

/* --- exported files */

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

/* A file that becomes readable with the fence, which is the layer's from here on. */
static VkResult watch_fence(struct device *device, VkFence fence, int *fd) {
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

/* What the file waits for has been submitted before it was made (VUID-vkGetSemaphoreFdKHR-handleType-03254
 * and its like of fences), so that this ends. */
static void consume(int fd) {
    if (fd < 0)
        return;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (poll(&poll_fd, 1, -1) < 0)
        ;
    close(fd);
}

/* --- semaphores */

static VKAPI_ATTR VkResult VKAPI_CALL create_semaphore(VkDevice handle, const VkSemaphoreCreateInfo *info,
    const VkAllocationCallbacks *allocator, VkSemaphore *semaphore) {
    struct device *device = device_of(handle);
    VkExportSemaphoreCreateInfo *export = chain_find(info, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
    VkExternalSemaphoreHandleTypeFlags types = export ? export->handleTypes : 0;
    if (export)
        export->handleTypes &= ~VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;
    VkResult result = device->vk.CreateSemaphore(handle, info, allocator, semaphore);
    if (export)
        export->handleTypes = types;
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_semaphore(
    VkDevice handle, VkSemaphore semaphore, const VkAllocationCallbacks *allocator) {
    struct device *device = device_of(handle);
    pthread_mutex_lock(&device->lock);
    struct semaphore *known = (struct semaphore *)table_take(&device->semaphores, (uintptr_t)semaphore);
    if (known && known->imported)
        device->imported--;
    pthread_mutex_unlock(&device->lock);
    if (known)
        device->vk.DestroySemaphore(handle, known->payload, NULL);
    free(known);
    device->vk.DestroySemaphore(handle, semaphore, allocator);
}

static VkResult import_signalled(struct device *device, VkSemaphore semaphore) {
    struct semaphore *known = (struct semaphore *)table_find(&device->semaphores, (uintptr_t)semaphore);
    if (!known) {
        if (!(known = calloc(1, sizeof *known)))
            return VK_ERROR_OUT_OF_HOST_MEMORY;
        const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO};
        VkResult result = device->vk.CreateSemaphore(device->handle, &info, NULL, &known->payload);
        if (result != VK_SUCCESS) {
            free(known);
            return result;
        }
        known->object.handle = (uintptr_t)semaphore;
        table_add(&device->semaphores, &known->object);
    }
    device->imported += !known->imported;
    known->imported = true;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL import_semaphore_fd(
    VkDevice handle, const VkImportSemaphoreFdInfoKHR *info) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT)
        return device->vk.ImportSemaphoreFdKHR ? device->vk.ImportSemaphoreFdKHR(handle, info)
                                               : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    pthread_mutex_lock(&device->lock);
    VkResult result = import_signalled(device, info->semaphore);
    pthread_mutex_unlock(&device->lock);
    if (result == VK_SUCCESS)
        consume(info->fd);
    return result;
}

/* The payload that a wait for the semaphore, or its export, takes from it; NULL: the driver's own. */
static VkSemaphore take_import(struct device *device, VkSemaphore semaphore) {
    VkSemaphore payload = VK_NULL_HANDLE;
    pthread_mutex_lock(&device->lock);
    struct semaphore *known = (struct semaphore *)table_find(&device->semaphores, (uintptr_t)semaphore);
    if (known && known->imported) {
        known->imported = false;
        device->imported--;
        payload = known->payload;
    }
    pthread_mutex_unlock(&device->lock);
    return payload;
}

static VkResult submit(
    struct device *device, VkQueue queue, uint32_t count, const VkSubmitInfo *batches, VkFence fence) {
    pthread_mutex_lock(&device->queue_lock);
    VkResult result = device->vk.QueueSubmit(queue, count, batches, fence);
    pthread_mutex_unlock(&device->queue_lock);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_semaphore_fd(
    VkDevice handle, const VkSemaphoreGetFdInfoKHR *info, int *fd) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT)
        return device->vk.GetSemaphoreFdKHR ? device->vk.GetSemaphoreFdKHR(handle, info, fd)
                                            : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    *fd = -1; /* which is a file that is readable already */
    if (take_import(device, info->semaphore))
        return VK_SUCCESS;
    if (!device->queue) /* then nothing can have signalled it */
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;

    const VkFenceCreateInfo create = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence fence;
    VkResult result = device->vk.CreateFence(handle, &create, NULL, &fence);
    if (result != VK_SUCCESS)
        return result;
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    const VkSubmitInfo batch = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .waitSemaphoreCount = 1,
        .pWaitSemaphores = &info->semaphore,
        .pWaitDstStageMask = &stage,
    };
    result = submit(device, device->queue, 1, &batch, fence);
    if (result != VK_SUCCESS || device->vk.GetFenceStatus(handle, fence) == VK_SUCCESS) {
        device->vk.DestroyFence(handle, fence, NULL);
        return result;
    }
    return watch_fence(device, fence, fd);
}

/* --- queues */

static void know_queue(struct device *device, VkQueue queue) {
    pthread_mutex_lock(&device->queue_lock);
    if (!device->queue)
        device->queue = queue;
    pthread_mutex_unlock(&device->queue_lock);
}

static VKAPI_ATTR void VKAPI_CALL get_device_queue(
    VkDevice handle, uint32_t family, uint32_t index, VkQueue *queue) {
    struct device *device = device_of(handle);
    device->vk.GetDeviceQueue(handle, family, index, queue);
    know_queue(device, *queue);
}

static VKAPI_ATTR void VKAPI_CALL get_device_queue2(
    VkDevice handle, const VkDeviceQueueInfo2 *info, VkQueue *queue) {
    struct device *device = device_of(handle);
    device->vk.GetDeviceQueue2(handle, info, queue);
    know_queue(device, *queue);
}

/* A submission with imported payloads in the place of their semaphores is a list of one batch more: the first
 * signals those payloads. Behind the list is room for the waits of all batches, and for as many signals. */
struct rewritten {
    void *list;
    void *waits, *signals;
    uint32_t signal_count;
};

/* The list, of the batches as they are. */
static bool begin_list(struct rewritten *to, const void *batches, uint32_t count, size_t batch_size,
    size_t waits, size_t wait_size) {
    size_t size = (count + (size_t)1) * batch_size;
    uint8_t *list = calloc(1, size + 2 * waits * wait_size);
    if (!list)
        return false;
    memcpy(list + batch_size, batches, size - batch_size);
    *to = (struct rewritten){.list = list, .waits = list + size, .signals = list + size + waits * wait_size};
    return true;
}

static const VkSemaphore *rewrite_waits(
    struct device *device, struct rewritten *to, uint32_t count, const VkSemaphore *waits) {
    VkSemaphore *start = to->waits, *signals = to->signals;
    for (uint32_t i = 0; i < count; i++) {
        VkSemaphore payload = take_import(device, waits[i]);
        start[i] = payload ? payload : waits[i];
        if (payload)
            signals[to->signal_count++] = payload;
    }
    to->waits = start + count;
    return start;
}

#define COUNT_WAITS(batches, count, member)                                                                  \
    ({                                                                                                       \
        size_t waits_ = 0;                                                                                   \
        for (uint32_t i_ = 0; i_ < (count); i_++)                                                            \
            waits_ += (batches)[i_].member;                                                                  \
        waits_;                                                                                              \
    })

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(
    VkQueue queue, uint32_t count, const VkSubmitInfo *batches, VkFence fence) {
    struct device *device = device_of(queue);
    fence = real_fence(device, fence);
    size_t waits = device->imported ? COUNT_WAITS(batches, count, waitSemaphoreCount) : 0;
    if (!waits)
        return submit(device, queue, count, batches, fence);

    struct rewritten to;
    if (!begin_list(&to, batches, count, sizeof *batches, waits, sizeof(VkSemaphore)))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkSubmitInfo *list = to.list;
    for (VkSubmitInfo *batch = list + 1; batch <= list + count; batch++)
        batch->pWaitSemaphores =
            rewrite_waits(device, &to, batch->waitSemaphoreCount, batch->pWaitSemaphores);
    list[0] = (VkSubmitInfo){
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .signalSemaphoreCount = to.signal_count,
        .pSignalSemaphores = to.signals,
    };
    VkResult result = submit(device, queue, count + 1, list, fence);
    free(list);
    return result;
}

static VkResult bind_sparse(
    struct device *device, VkQueue queue, uint32_t count, const VkBindSparseInfo *batches, VkFence fence) {
    pthread_mutex_lock(&device->queue_lock);
    VkResult result = device->vk.QueueBindSparse(queue, count, batches, fence);
    pthread_mutex_unlock(&device->queue_lock);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_bind_sparse(
    VkQueue queue, uint32_t count, const VkBindSparseInfo *batches, VkFence fence) {
    struct device *device = device_of(queue);
    fence = real_fence(device, fence);
    size_t waits = device->imported ? COUNT_WAITS(batches, count, waitSemaphoreCount) : 0;
    if (!waits)
        return bind_sparse(device, queue, count, batches, fence);

    struct rewritten to;
    if (!begin_list(&to, batches, count, sizeof *batches, waits, sizeof(VkSemaphore)))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkBindSparseInfo *list = to.list;
    for (VkBindSparseInfo *batch = list + 1; batch <= list + count; batch++)
        batch->pWaitSemaphores =
            rewrite_waits(device, &to, batch->waitSemaphoreCount, batch->pWaitSemaphores);
    list[0] = (VkBindSparseInfo){
        .sType = VK_STRUCTURE_TYPE_BIND_SPARSE_INFO,
        .signalSemaphoreCount = to.signal_count,
        .pSignalSemaphores = to.signals,
    };
    VkResult result = bind_sparse(device, queue, count + 1, list, fence);
    free(list);
    return result;
}

static VkResult submit2(
    struct device *device, VkQueue queue, uint32_t count, const VkSubmitInfo2 *batches, VkFence fence) {
    pthread_mutex_lock(&device->queue_lock);
    VkResult result = device->vk.QueueSubmit2(queue, count, batches, fence);
    pthread_mutex_unlock(&device->queue_lock);
    return result;
}

static const VkSemaphoreSubmitInfo *rewrite_waits2(
    struct device *device, struct rewritten *to, uint32_t count, const VkSemaphoreSubmitInfo *waits) {
    VkSemaphoreSubmitInfo *start = to->waits, *signals = to->signals;
    for (uint32_t i = 0; i < count; i++) {
        VkSemaphore payload = take_import(device, waits[i].semaphore);
        start[i] = waits[i];
        if (!payload)
            continue;
        start[i].semaphore = payload;
        signals[to->signal_count++] = (VkSemaphoreSubmitInfo){
            .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
            .semaphore = payload,
            .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
        };
    }
    to->waits = start + count;
    return start;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit2(
    VkQueue queue, uint32_t count, const VkSubmitInfo2 *batches, VkFence fence) {
    struct device *device = device_of(queue);
    fence = real_fence(device, fence);
    size_t waits = device->imported ? COUNT_WAITS(batches, count, waitSemaphoreInfoCount) : 0;
    if (!waits)
        return submit2(device, queue, count, batches, fence);

    struct rewritten to;
    if (!begin_list(&to, batches, count, sizeof *batches, waits, sizeof(VkSemaphoreSubmitInfo)))
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkSubmitInfo2 *list = to.list;
    for (VkSubmitInfo2 *batch = list + 1; batch <= list + count; batch++)
        batch->pWaitSemaphoreInfos =
            rewrite_waits2(device, &to, batch->waitSemaphoreInfoCount, batch->pWaitSemaphoreInfos);
    list[0] = (VkSubmitInfo2){
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
        .signalSemaphoreInfoCount = to.signal_count,
        .pSignalSemaphoreInfos = to.signals,
    };
    VkResult result = submit2(device, queue, count + 1, list, fence);
    free(list);
    return result;
}

/* --- fences */

static VKAPI_ATTR VkResult VKAPI_CALL create_fence(
    VkDevice handle, const VkFenceCreateInfo *info, const VkAllocationCallbacks *allocator, VkFence *out) {
    struct device *device = device_of(handle);
    (void)allocator; /* the real one may be exchanged, by one that knows no allocator */
    struct fence *fence = malloc(sizeof *fence);
    if (!fence)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkExportFenceCreateInfo *export = chain_find(info, VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO);
    VkExternalFenceHandleTypeFlags types = export ? export->handleTypes : 0;
    if (export)
        export->handleTypes &= ~VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT;
    VkResult result = device->vk.CreateFence(handle, info, NULL, &fence->real);
    if (export)
        export->handleTypes = types;
    if (result == VK_SUCCESS)
        *out = (VkFence)fence;
    else
        free(fence);
    return result;
}

static VKAPI_ATTR void VKAPI_CALL destroy_fence(
    VkDevice handle, VkFence fence, const VkAllocationCallbacks *allocator) {
    struct device *device = device_of(handle);
    (void)allocator;
    if (!fence)
        return;
    device->vk.DestroyFence(handle, real_fence(device, fence), NULL);
    free(fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_status(VkDevice handle, VkFence fence) {
    struct device *device = device_of(handle);
    return device->vk.GetFenceStatus(handle, real_fence(device, fence));
}

enum { FENCES_AT_ONCE = 16 }; /* more are rare enough for malloc() */

static VkFence *real_fences(struct device *device, uint32_t count, const VkFence *fences, VkFence *few) {
    VkFence *real = count <= FENCES_AT_ONCE ? few : malloc(count * sizeof *real);
    for (uint32_t i = 0; real && i < count; i++)
        real[i] = real_fence(device, fences[i]);
    return real;
}

static VKAPI_ATTR VkResult VKAPI_CALL reset_fences(VkDevice handle, uint32_t count, const VkFence *fences) {
    struct device *device = device_of(handle);
    VkFence few[FENCES_AT_ONCE], *real = real_fences(device, count, fences, few);
    if (!real)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkResult result = device->vk.ResetFences(handle, count, real);
    if (real != few)
        free(real);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL wait_for_fences(
    VkDevice handle, uint32_t count, const VkFence *fences, VkBool32 all, uint64_t timeout) {
    struct device *device = device_of(handle);
    VkFence few[FENCES_AT_ONCE], *real = real_fences(device, count, fences, few);
    if (!real)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    VkResult result = device->vk.WaitForFences(handle, count, real, all, timeout);
    if (real != few)
        free(real);
    return result;
}

/* Another real fence for it, and the one that it had. */
static VkResult exchange(struct device *device, VkFence handle, VkFenceCreateFlags flags, VkFence *old) {
    struct fence *fence = (struct fence *)handle;
    const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .flags = flags};
    VkFence fresh;
    VkResult result = device->vk.CreateFence(device->handle, &info, NULL, &fresh);
    if (result == VK_SUCCESS) {
        *old = fence->real;
        fence->real = fresh;
    }
    return result;
}

/* The permanent payload need not be kept: vkResetFences() would both bring it back and reset it. */
static VKAPI_ATTR VkResult VKAPI_CALL import_fence_fd(VkDevice handle, const VkImportFenceFdInfoKHR *info) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkFence old;
    VkResult result = exchange(device, info->fence, VK_FENCE_CREATE_SIGNALED_BIT, &old);
    if (result != VK_SUCCESS)
        return result;
    device->vk.DestroyFence(handle, old, NULL);
    consume(info->fd);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_fd(
    VkDevice handle, const VkFenceGetFdInfoKHR *info, int *fd) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkFence real = real_fence(device, info->fence);
    *fd = -1;
    if (device->vk.GetFenceStatus(handle, real) == VK_SUCCESS)
        return device->vk.ResetFences(handle, 1, &real);
    VkResult result = exchange(device, info->fence, 0, &real);
    return result == VK_SUCCESS ? watch_fence(device, real, fd) : result;
}

#define HOOK(name, function, ...)                                                                            \
    { "vk" name, (PFN_vkVoidFunction)function, __VA_ARGS__ }

const struct hook sync_hooks[] = {
    HOOK("CreateSemaphore", create_semaphore, LENT_SEMAPHORE_FD),
    HOOK("DestroySemaphore", destroy_semaphore, LENT_SEMAPHORE_FD),
    HOOK("ImportSemaphoreFdKHR", import_semaphore_fd, LENT_SEMAPHORE_FD, true),
    HOOK("GetSemaphoreFdKHR", get_semaphore_fd, LENT_SEMAPHORE_FD, true),
    HOOK("GetDeviceQueue", get_device_queue, LENT_SEMAPHORE_FD),
    HOOK("GetDeviceQueue2", get_device_queue2, LENT_SEMAPHORE_FD),
    HOOK("QueueSubmit", queue_submit, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueSubmit2", queue_submit2, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueSubmit2KHR", queue_submit2, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueBindSparse", queue_bind_sparse, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("CreateFence", create_fence, LENT_FENCE_FD),
    HOOK("DestroyFence", destroy_fence, LENT_FENCE_FD),
    HOOK("ResetFences", reset_fences, LENT_FENCE_FD),
    HOOK("GetFenceStatus", get_fence_status, LENT_FENCE_FD),
    HOOK("WaitForFences", wait_for_fences, LENT_FENCE_FD),
    HOOK("ImportFenceFdKHR", import_fence_fd, LENT_FENCE_FD, true),
    HOOK("GetFenceFdKHR", get_fence_fd, LENT_FENCE_FD, true),
    {0},
};
