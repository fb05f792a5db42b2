/* Submissions, with what the layer has in the place of the driver's semaphores and fences. */
#include <stdlib.h>
#include <string.h>

#include "gpu/layer/layer.h"

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
        VkSemaphore payload = semaphore_take(device, waits[i]);
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

VkResult queue_submit_batches(
    struct device *device, VkQueue queue, uint32_t count, const VkSubmitInfo *batches, VkFence fence) {
    pthread_mutex_lock(&device->queue_lock);
    VkResult result = device->vk.QueueSubmit(queue, count, batches, fence);
    pthread_mutex_unlock(&device->queue_lock);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL queue_submit(
    VkQueue queue, uint32_t count, const VkSubmitInfo *batches, VkFence fence) {
    struct device *device = device_of(queue);
    fence = fence_real(device, fence);
    size_t waits = device->imported ? COUNT_WAITS(batches, count, waitSemaphoreCount) : 0;
    if (!waits)
        return queue_submit_batches(device, queue, count, batches, fence);

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
    VkResult result = queue_submit_batches(device, queue, count + 1, list, fence);
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
    fence = fence_real(device, fence);
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
        VkSemaphore payload = semaphore_take(device, waits[i].semaphore);
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
    fence = fence_real(device, fence);
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

const struct hook queue_hooks[] = {
    HOOK("GetDeviceQueue", get_device_queue, LENT_SEMAPHORE_FD),
    HOOK("GetDeviceQueue2", get_device_queue2, LENT_SEMAPHORE_FD),
    HOOK("QueueSubmit", queue_submit, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueSubmit2", queue_submit2, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueSubmit2KHR", queue_submit2, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    HOOK("QueueBindSparse", queue_bind_sparse, LENT_SEMAPHORE_FD | LENT_FENCE_FD),
    {0},
};
