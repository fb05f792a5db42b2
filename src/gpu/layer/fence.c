/* SYNC_FD fences for drivers without them. A fence is a handle of the layer's own, because the payload of one
 * in flight has to go to its file and leave the fence unsignalled. */
#include <stdlib.h>

#include "gpu/layer/layer.h"

struct fence {
    VkFence real;
};

VkFence fence_real(const struct device *device, VkFence handle) {
    return handle && device->lent & LENT_FENCE_FD ? ((struct fence *)handle)->real : handle;
}

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
    device->vk.DestroyFence(handle, fence_real(device, fence), NULL);
    free(fence);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_status(VkDevice handle, VkFence fence) {
    struct device *device = device_of(handle);
    return device->vk.GetFenceStatus(handle, fence_real(device, fence));
}

enum { FENCES_AT_ONCE = 16 }; /* more are rare enough for malloc() */

static VkFence *real_fences(struct device *device, uint32_t count, const VkFence *fences, VkFence *few) {
    VkFence *real = count <= FENCES_AT_ONCE ? few : malloc(count * sizeof *real);
    for (uint32_t i = 0; real && i < count; i++)
        real[i] = fence_real(device, fences[i]);
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
    sync_file_consume(info->fd);
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_fence_fd(
    VkDevice handle, const VkFenceGetFdInfoKHR *info, int *fd) {
    struct device *device = device_of(handle);
    if (info->handleType != VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkFence real = fence_real(device, info->fence);
    *fd = -1;
    if (device->vk.GetFenceStatus(handle, real) == VK_SUCCESS)
        return device->vk.ResetFences(handle, 1, &real);
    VkResult result = exchange(device, info->fence, 0, &real);
    return result == VK_SUCCESS ? sync_file_of(device, real, fd) : result;
}

const struct hook fence_hooks[] = {
    HOOK("CreateFence", create_fence, LENT_FENCE_FD),
    HOOK("DestroyFence", destroy_fence, LENT_FENCE_FD),
    HOOK("ResetFences", reset_fences, LENT_FENCE_FD),
    HOOK("GetFenceStatus", get_fence_status, LENT_FENCE_FD),
    HOOK("WaitForFences", wait_for_fences, LENT_FENCE_FD),
    HOOK("ImportFenceFdKHR", import_fence_fd, LENT_FENCE_FD, true),
    HOOK("GetFenceFdKHR", get_fence_fd, LENT_FENCE_FD, true),
    {0},
};
