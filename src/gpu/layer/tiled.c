/* Linear images that are drawn to, for drivers that draw to tiled images alone: NVIDIA's, whose hardware
 * cannot have a depth attachment beside a linear colour attachment. The image that a guest has is a tiled one
 * in memory of the layer's. A linear image beside it has the layout that the guest knows and is what the
 * guest binds to memory. The pixels are copied when the guest hands the image over: to the linear one at its
 * release to a foreign or external queue family, which is what Venus makes of a transition to
 * VK_IMAGE_LAYOUT_PRESENT_SRC_KHR, and back when it is acquired with its contents. */
#include <stdlib.h>

#include "gpu/layer/layer.h"

struct tiled {
    struct object object; /* by the tiled image */
    VkImage linear;
    VkDeviceMemory memory; /* of the tiled image */
    VkExtent3D extent;
    uint32_t layers;
};

bool tiled_wanted(unsigned lent, VkImageTiling tiling, VkImageUsageFlags usage) {
    return lent & LENT_TILES && tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT &&
           usage & VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
}

static VkResult bind_own_memory(struct device *device, VkImage image, VkDeviceMemory *memory) {
    VkMemoryRequirements needs;
    device->vk.GetImageMemoryRequirements(device->handle, image, &needs);
    uint32_t local = needs.memoryTypeBits & device->local_memory_types;
    const VkMemoryDedicatedAllocateInfo dedicated = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO, .image = image};
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = &dedicated,
        .allocationSize = needs.size,
        .memoryTypeIndex = (uint32_t)__builtin_ctz(local ? local : needs.memoryTypeBits),
    };
    VkResult result = device->vk.AllocateMemory(device->handle, &info, NULL, memory);
    if (result == VK_SUCCESS)
        result = device->vk.BindImageMemory(device->handle, image, *memory, 0);
    return result;
}

VkResult tiled_create(struct device *device, const VkImageCreateInfo *info, VkImageUsageFlags usage,
    const VkAllocationCallbacks *allocator, VkImage *image) {
    struct tiled *tiled = calloc(1, sizeof *tiled);
    if (!tiled)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    tiled->linear = *image;
    tiled->extent = info->extent;
    tiled->layers = info->arrayLayers;

    VkExternalMemoryImageCreateInfo *external =
        chain_find(info, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO);
    VkExternalMemoryHandleTypeFlags types = external ? external->handleTypes : 0;
    if (external)
        external->handleTypes = 0;
    VkImageCreateInfo asked = *info;
    asked.tiling = VK_IMAGE_TILING_OPTIMAL;
    asked.usage |= usage;
    VkImage own;
    VkResult result = device->vk.CreateImage(device->handle, &asked, allocator, &own);
    if (external)
        external->handleTypes = types;
    if (result != VK_SUCCESS) {
        free(tiled);
        return result;
    }
    result = bind_own_memory(device, own, &tiled->memory);
    if (result != VK_SUCCESS) {
        device->vk.DestroyImage(device->handle, own, allocator);
        device->vk.FreeMemory(device->handle, tiled->memory, NULL);
        free(tiled);
        return result;
    }
    tiled->object.handle = (uintptr_t)own;
    pthread_mutex_lock(&device->lock);
    table_add(&device->tiled, &tiled->object);
    pthread_mutex_unlock(&device->lock);
    *image = own;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_image(
    VkDevice handle, VkImage image, const VkAllocationCallbacks *allocator) {
    struct device *device = device_of(handle);
    pthread_mutex_lock(&device->lock);
    struct tiled *tiled = (struct tiled *)table_take(&device->tiled, (uintptr_t)image);
    pthread_mutex_unlock(&device->lock);
    device->vk.DestroyImage(handle, image, allocator);
    if (!tiled)
        return;
    device->vk.DestroyImage(handle, tiled->linear, allocator);
    device->vk.FreeMemory(handle, tiled->memory, NULL);
    free(tiled);
}

/* --- the linear image's memory */

static bool find(struct device *device, VkImage image, struct tiled *found) {
    pthread_mutex_lock(&device->lock);
    const struct tiled *tiled = (struct tiled *)table_find(&device->tiled, (uintptr_t)image);
    if (tiled)
        *found = *tiled;
    pthread_mutex_unlock(&device->lock);
    return tiled;
}

VkImage tiled_linear(struct device *device, VkImage image) {
    struct tiled tiled;
    return device->lent & LENT_TILES && find(device, image, &tiled) ? tiled.linear : image;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(
    VkDevice handle, VkImage image, VkMemoryRequirements *requirements) {
    struct device *device = device_of(handle);
    device->vk.GetImageMemoryRequirements(handle, tiled_linear(device, image), requirements);
}

static VKAPI_ATTR void VKAPI_CALL get_requirements2(
    VkDevice handle, const VkImageMemoryRequirementsInfo2 *info, VkMemoryRequirements2 *requirements) {
    struct device *device = device_of(handle);
    VkImageMemoryRequirementsInfo2 asked = *info;
    asked.image = tiled_linear(device, info->image);
    device->vk.GetImageMemoryRequirements2(handle, &asked, requirements);
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_memory(
    VkDevice handle, VkImage image, VkDeviceMemory memory, VkDeviceSize offset) {
    struct device *device = device_of(handle);
    return device->vk.BindImageMemory(handle, tiled_linear(device, image), memory, offset);
}

static VKAPI_ATTR VkResult VKAPI_CALL bind_memory2(
    VkDevice handle, uint32_t count, const VkBindImageMemoryInfo *infos) {
    struct device *device = device_of(handle);
    VkBindImageMemoryInfo *list = malloc((count + (size_t)1) * sizeof *list);
    if (!list)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        list[i] = infos[i];
        list[i].image = tiled_linear(device, infos[i].image);
    }
    VkResult result = device->vk.BindImageMemory2(handle, count, list);
    free(list);
    return result;
}

/* --- changing hands */

static VkImageMemoryBarrier transition(
    VkImage image, VkAccessFlags before, VkAccessFlags after, VkImageLayout from, VkImageLayout to) {
    return (VkImageMemoryBarrier){
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = before,
        .dstAccessMask = after,
        .oldLayout = from,
        .newLayout = to,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, VK_REMAINING_ARRAY_LAYERS},
    };
}

/* Everything before these comes before everything after them, so that they say no more of stages. */
static void record_transitions(
    struct device *device, VkCommandBuffer commands, uint32_t count, const VkImageMemoryBarrier *barriers) {
    device->vk.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
        VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, count, barriers);
}

static const VkAccessFlags any = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT;

/* The linear image is somebody else's from its release to its acquisition, in VK_IMAGE_LAYOUT_GENERAL. */
static void copy_pixels(struct device *device, VkCommandBuffer commands, const struct tiled *tiled,
    const VkImageMemoryBarrier *asked, bool release) {
    const VkImageLayout source = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                        target = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, theirs = VK_IMAGE_LAYOUT_GENERAL;
    VkImage from = release ? asked->image : tiled->linear, to = release ? tiled->linear : asked->image;
    VkImageMemoryBarrier before[] = {
        transition(from, any, VK_ACCESS_TRANSFER_READ_BIT, release ? asked->oldLayout : theirs, source),
        transition(to, any, VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_UNDEFINED, target),
    };
    VkImageMemoryBarrier after[] = {
        transition(from, 0, any, source, release ? asked->newLayout : theirs),
        transition(to, VK_ACCESS_TRANSFER_WRITE_BIT, any, target, release ? theirs : asked->newLayout),
    };
    VkImageMemoryBarrier *handover = release ? &after[1] : &before[0];
    handover->srcQueueFamilyIndex = asked->srcQueueFamilyIndex;
    handover->dstQueueFamilyIndex = asked->dstQueueFamilyIndex;

    const VkImageSubresourceLayers colour = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, tiled->layers};
    const VkImageCopy whole = {.srcSubresource = colour, .dstSubresource = colour, .extent = tiled->extent};
    record_transitions(device, commands, 2, before);
    device->vk.CmdCopyImage(commands, from, source, to, target, 1, &whole);
    record_transitions(device, commands, 2, after);
}

static bool foreign(uint32_t family) {
    return family == VK_QUEUE_FAMILY_EXTERNAL || family == VK_QUEUE_FAMILY_FOREIGN_EXT;
}

/* Whether an acquired image has pixels that the tiled one has not. */
static bool brings_pixels(const VkImageMemoryBarrier *asked) {
    const VkExternalMemoryAcquireUnmodifiedEXT *unmodified =
        chain_find(asked, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_ACQUIRE_UNMODIFIED_EXT);
    return asked->oldLayout != VK_IMAGE_LAYOUT_UNDEFINED &&
           !(unmodified && unmodified->acquireUnmodifiedMemory);
}

/* Does what the barrier asks for if it hands over an image with a linear one beside it. */
static bool hand_over(struct device *device, VkCommandBuffer commands, const VkImageMemoryBarrier *asked) {
    bool release = foreign(asked->dstQueueFamilyIndex);
    struct tiled tiled;
    if (foreign(asked->srcQueueFamilyIndex) == release || !find(device, asked->image, &tiled))
        return false;
    if (release || brings_pixels(asked)) {
        copy_pixels(device, commands, &tiled, asked, release);
    } else {
        const VkImageMemoryBarrier plain =
            transition(asked->image, any, any, asked->oldLayout, asked->newLayout);
        record_transitions(device, commands, 1, &plain);
    }
    return true;
}

/* What is handed over is left out of the driver's barrier, which falls into two there: the second without the
 * rest. */
static VKAPI_ATTR void VKAPI_CALL pipeline_barrier(VkCommandBuffer commands, VkPipelineStageFlags before,
    VkPipelineStageFlags after, VkDependencyFlags flags, uint32_t memory_count,
    const VkMemoryBarrier *memories, uint32_t buffer_count, const VkBufferMemoryBarrier *buffers,
    uint32_t image_count, const VkImageMemoryBarrier *images) {
    struct device *device = device_of(commands);
    uint32_t start = 0;
    for (uint32_t i = 0; i < image_count; i++) {
        if (!hand_over(device, commands, &images[i]))
            continue;
        device->vk.CmdPipelineBarrier(commands, before, after, flags, memory_count, memories, buffer_count,
            buffers, i - start, images + start);
        start = i + 1;
        memory_count = buffer_count = 0;
    }
    device->vk.CmdPipelineBarrier(commands, before, after, flags, memory_count, memories, buffer_count,
        buffers, image_count - start, images + start);
}

static VKAPI_ATTR void VKAPI_CALL pipeline_barrier2(VkCommandBuffer commands, const VkDependencyInfo *info) {
    struct device *device = device_of(commands);
    VkDependencyInfo asked = *info;
    for (uint32_t i = 0; i < info->imageMemoryBarrierCount; i++) {
        const VkImageMemoryBarrier2 *image = &info->pImageMemoryBarriers[i];
        const VkImageMemoryBarrier same = {
            .pNext = image->pNext,
            .oldLayout = image->oldLayout,
            .newLayout = image->newLayout,
            .srcQueueFamilyIndex = image->srcQueueFamilyIndex,
            .dstQueueFamilyIndex = image->dstQueueFamilyIndex,
            .image = image->image,
        };
        if (!hand_over(device, commands, &same))
            continue;
        asked.imageMemoryBarrierCount = (uint32_t)(image - asked.pImageMemoryBarriers);
        device->vk.CmdPipelineBarrier2(commands, &asked);
        asked.pImageMemoryBarriers = image + 1;
        asked.memoryBarrierCount = asked.bufferMemoryBarrierCount = 0;
    }
    asked.imageMemoryBarrierCount =
        info->imageMemoryBarrierCount - (uint32_t)(asked.pImageMemoryBarriers - info->pImageMemoryBarriers);
    device->vk.CmdPipelineBarrier2(commands, &asked);
}

const struct hook tiled_hooks[] = {
    HOOK("DestroyImage", destroy_image, LENT_TILES),
    HOOK("GetImageMemoryRequirements", get_requirements, LENT_TILES),
    HOOK("GetImageMemoryRequirements2", get_requirements2, LENT_TILES),
    HOOK("GetImageMemoryRequirements2KHR", get_requirements2, LENT_TILES),
    HOOK("BindImageMemory", bind_memory, LENT_TILES),
    HOOK("BindImageMemory2", bind_memory2, LENT_TILES),
    HOOK("BindImageMemory2KHR", bind_memory2, LENT_TILES),
    HOOK("CmdPipelineBarrier", pipeline_barrier, LENT_TILES),
    HOOK("CmdPipelineBarrier2", pipeline_barrier2, LENT_TILES),
    HOOK("CmdPipelineBarrier2KHR", pipeline_barrier2, LENT_TILES),
    {0},
};
