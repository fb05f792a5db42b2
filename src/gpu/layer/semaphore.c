/* SYNC_FD semaphores for drivers without them. An imported payload is a second semaphore, which the layer
 * signals on the queue in front of the batch that waits for it (queue.c). An exported payload is a fence
 * behind it. */
#include <stdlib.h>

#include "gpu/layer/layer.h"

struct semaphore {
    struct object object;
    VkSemaphore payload; /* in the place of the semaphore while imported is set */
    bool imported;
};

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
        sync_file_consume(info->fd);
    return result;
}

VkSemaphore semaphore_take(struct device *device, VkSemaphore semaphore) {
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

static VKAPI_ATTR VkResult VKAPI_CALL get_semaphore_fd(
    VkDevice handle, const VkSemaphoreGetFdInfoKHR *info, int *fd) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT)
        return device->vk.GetSemaphoreFdKHR ? device->vk.GetSemaphoreFdKHR(handle, info, fd)
                                            : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    *fd = -1; /* which is a file that is readable already */
    if (semaphore_take(device, info->semaphore))
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
    result = queue_submit_batches(device, device->queue, 1, &batch, fence);
    if (result != VK_SUCCESS || device->vk.GetFenceStatus(handle, fence) == VK_SUCCESS) {
        device->vk.DestroyFence(handle, fence, NULL);
        return result;
    }
    return sync_file_of(device, fence, fd);
}

const struct hook semaphore_hooks[] = {
    HOOK("CreateSemaphore", create_semaphore, LENT_SEMAPHORE_FD),
    HOOK("DestroySemaphore", destroy_semaphore, LENT_SEMAPHORE_FD),
    HOOK("ImportSemaphoreFdKHR", import_semaphore_fd, LENT_SEMAPHORE_FD, true),
    HOOK("GetSemaphoreFdKHR", get_semaphore_fd, LENT_SEMAPHORE_FD, true),
    {0},
};
