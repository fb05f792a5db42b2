/* What a physical device lacks, and its queries as if it did not. */
#include <stdlib.h>
#include <string.h>

#include "gpu/layer/layer.h"

struct extensions {
    VkExtensionProperties *list;
    uint32_t count;
};

static VkResult driver_extensions(
    const struct instance *instance, VkPhysicalDevice handle, struct extensions *extensions) {
    *extensions = (struct extensions){0};
    VkResult result = instance->vk.EnumerateDeviceExtensionProperties(handle, NULL, &extensions->count, NULL);
    if (result != VK_SUCCESS)
        return result;
    extensions->list = calloc(extensions->count + 1, sizeof *extensions->list);
    if (!extensions->list)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    return instance->vk.EnumerateDeviceExtensionProperties(
        handle, NULL, &extensions->count, extensions->list);
}

static bool has(const struct extensions *extensions, const char *name) {
    for (uint32_t i = 0; i < extensions->count; i++)
        if (strcmp(extensions->list[i].extensionName, name) == 0)
            return true;
    return false;
}

/* --- what is lacking */

static bool semaphores_lack(const struct instance *instance, VkPhysicalDevice handle) {
    const VkPhysicalDeviceExternalSemaphoreInfo info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
        .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
    };
    VkExternalSemaphoreProperties p = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
    instance->vk.GetPhysicalDeviceExternalSemaphoreProperties(handle, &info, &p);
    return ~p.externalSemaphoreFeatures &
           (VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT);
}

static bool fences_lack(const struct instance *instance, VkPhysicalDevice handle) {
    const VkPhysicalDeviceExternalFenceInfo info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_FENCE_INFO,
        .handleType = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT,
    };
    VkExternalFenceProperties p = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_FENCE_PROPERTIES};
    instance->vk.GetPhysicalDeviceExternalFenceProperties(handle, &info, &p);
    return !(p.externalFenceFeatures & VK_EXTERNAL_FENCE_FEATURE_EXPORTABLE_BIT);
}

static VkExternalMemoryFeatureFlags buffer_features(
    const struct instance *instance, VkPhysicalDevice handle, VkExternalMemoryHandleTypeFlagBits type) {
    const VkPhysicalDeviceExternalBufferInfo info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
        .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT,
        .handleType = type,
    };
    VkExternalBufferProperties p = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES};
    instance->vk.GetPhysicalDeviceExternalBufferProperties(handle, &info, &p);
    return p.externalMemoryProperties.externalMemoryFeatures;
}

static void lend_extension(
    struct physical *physical, const struct extensions *extensions, unsigned lent, const char *name) {
    physical->lent |= lent;
    if (!has(extensions, name))
        physical->missing[physical->missing_count++] = name;
}

/* See tiled.c. The environment is for tests with drivers that can. */
static bool drawing_lacks(const struct instance *instance, VkPhysicalDevice handle) {
    VkFormatProperties2 p = {.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2};
    instance->vk.GetPhysicalDeviceFormatProperties2(handle, VK_FORMAT_B8G8R8A8_UNORM, &p);
    return !(p.formatProperties.linearTilingFeatures & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT) ||
           getenv("PEARVISOR_LAYER_TILES");
}

static void find_lacks(
    const struct instance *instance, struct physical *physical, const struct extensions *extensions) {
    VkPhysicalDevice handle = physical->handle;
    VkPhysicalDeviceProperties2 properties = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2};
    instance->vk.GetPhysicalDeviceProperties2(handle, &properties);
    if (properties.properties.apiVersion < VK_API_VERSION_1_1)
        return;

    if (!has(extensions, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME) || semaphores_lack(instance, handle))
        lend_extension(physical, extensions, LENT_SEMAPHORE_FD, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME);
    if (!has(extensions, VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME) || fences_lack(instance, handle))
        lend_extension(physical, extensions, LENT_FENCE_FD, VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME);

    bool dma_buf = has(extensions, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME) &&
                   buffer_features(instance, handle, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT) &
                       VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT;
    bool host_memory =
        has(extensions, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) &&
        buffer_features(instance, handle, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT) &
            VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
    if (!dma_buf && host_memory) {
        lend_extension(physical, extensions, LENT_DMA_BUF, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME);
        lend_extension(physical, extensions, LENT_DMA_BUF, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME);
    }
    /* Other layouts than the linear one make no sense in memory that is the host's. */
    if (!has(extensions, VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME) || physical->lent & LENT_DMA_BUF)
        lend_extension(physical, extensions, LENT_MODIFIER, VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME);
    if (physical->lent & LENT_MODIFIER && drawing_lacks(instance, handle))
        lend_extension(
            physical, extensions, LENT_TILES, VK_EXT_EXTERNAL_MEMORY_ACQUIRE_UNMODIFIED_EXTENSION_NAME);
}

static struct physical *find_physical(struct instance *instance, VkPhysicalDevice handle) {
    for (struct physical *p = instance->physicals; p; p = p->next)
        if (p->handle == handle)
            return p;
    struct physical *physical = calloc(1, sizeof *physical);
    if (!physical)
        return NULL;
    physical->handle = handle;
    struct extensions extensions;
    if (instance->able && driver_extensions(instance, handle, &extensions) == VK_SUCCESS)
        find_lacks(instance, physical, &extensions);
    if (instance->able)
        free(extensions.list);
    physical->next = instance->physicals;
    return instance->physicals = physical;
}

struct physical *physical_of(VkPhysicalDevice handle) {
    struct instance *instance = instance_of(handle);
    pthread_mutex_lock(&instance->lock);
    struct physical *physical = find_physical(instance, handle);
    pthread_mutex_unlock(&instance->lock);
    return physical;
}

bool physical_lends_extension(const struct physical *physical, const char *name) {
    for (unsigned i = 0; i < physical->missing_count; i++)
        if (strcmp(physical->missing[i], name) == 0)
            return true;
    return false;
}

static unsigned lent_by(VkPhysicalDevice handle) {
    const struct physical *physical = physical_of(handle);
    return physical ? physical->lent : 0;
}

static bool lends(VkPhysicalDevice handle, unsigned lent) {
    return lent_by(handle) & lent;
}

/* --- queries */

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(
    VkPhysicalDevice handle, const char *layer, uint32_t *count, VkExtensionProperties *list) {
    const struct instance *instance = instance_of(handle);
    const struct physical *physical = layer ? NULL : physical_of(handle);
    if (!physical)
        return instance->vk.EnumerateDeviceExtensionProperties(handle, layer, count, list);
    struct extensions extensions;
    VkResult result = driver_extensions(instance, handle, &extensions);
    uint32_t total = extensions.count + physical->missing_count;
    VkExtensionProperties *all = realloc(extensions.list, (total + 1) * sizeof *all);
    if (result != VK_SUCCESS || !all) {
        free(all ? all : extensions.list);
        return result != VK_SUCCESS ? result : VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    for (unsigned i = 0; i < physical->missing_count; i++) {
        VkExtensionProperties *added = &all[extensions.count + i];
        *added = (VkExtensionProperties){.specVersion = 1};
        strncpy(added->extensionName, physical->missing[i], sizeof added->extensionName - 1);
        if (strcmp(added->extensionName, VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME) == 0)
            added->specVersion = VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_SPEC_VERSION;
    }
    uint32_t room = list ? *count : total;
    *count = room < total ? room : total;
    if (list)
        memcpy(list, all, *count * sizeof *all);
    free(all);
    return *count < total ? VK_INCOMPLETE : VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL get_semaphore_properties(VkPhysicalDevice handle,
    const VkPhysicalDeviceExternalSemaphoreInfo *info, VkExternalSemaphoreProperties *properties) {
    static const VkExternalSemaphoreHandleTypeFlagBits sync_fd =
        VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;
    instance_of(handle)->vk.GetPhysicalDeviceExternalSemaphoreProperties(handle, info, properties);
    const VkSemaphoreTypeCreateInfo *type = chain_find(info, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
    if (info->handleType != sync_fd || !lends(handle, LENT_SEMAPHORE_FD) ||
        (type && type->semaphoreType != VK_SEMAPHORE_TYPE_BINARY))
        return;
    properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = sync_fd;
    properties->externalSemaphoreFeatures =
        VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
}

static VKAPI_ATTR void VKAPI_CALL get_fence_properties(VkPhysicalDevice handle,
    const VkPhysicalDeviceExternalFenceInfo *info, VkExternalFenceProperties *properties) {
    static const VkExternalFenceHandleTypeFlagBits sync_fd = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT;
    instance_of(handle)->vk.GetPhysicalDeviceExternalFenceProperties(handle, info, properties);
    if (!lends(handle, LENT_FENCE_FD))
        return;
    bool ours = info->handleType == sync_fd; /* and the layer's fences have no other payloads */
    properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = ours ? sync_fd : 0;
    properties->externalFenceFeatures =
        ours ? VK_EXTERNAL_FENCE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_FENCE_FEATURE_IMPORTABLE_BIT : 0;
}

static const VkExternalMemoryProperties dma_buf_properties = {
    .externalMemoryFeatures =
        VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT,
    .exportFromImportedHandleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
    .compatibleHandleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
};

static VKAPI_ATTR void VKAPI_CALL get_buffer_properties(VkPhysicalDevice handle,
    const VkPhysicalDeviceExternalBufferInfo *info, VkExternalBufferProperties *properties) {
    const struct instance *instance = instance_of(handle);
    if (info->handleType != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT || !lends(handle, LENT_DMA_BUF)) {
        instance->vk.GetPhysicalDeviceExternalBufferProperties(handle, info, properties);
        return;
    }
    VkPhysicalDeviceExternalBufferInfo asked = *info;
    asked.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    instance->vk.GetPhysicalDeviceExternalBufferProperties(handle, &asked, properties);
    bool can = properties->externalMemoryProperties.externalMemoryFeatures &
               VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;
    properties->externalMemoryProperties = can ? dma_buf_properties : (VkExternalMemoryProperties){0};
}

/* --- formats and images */

/* Formats of one colour plane: the core ones of uncompressed colour. */
static bool one_plane(VkFormat format) {
    return format > VK_FORMAT_UNDEFINED && format <= VK_FORMAT_E5B9G9R9_UFLOAT_PACK32;
}

/* Of a format with the linear modifier, which is drawn to as a tiled image is if that is lent. */
static VkFormatFeatureFlags2 modifier_features(
    unsigned lent, VkFormatFeatureFlags2 linear, VkFormatFeatureFlags2 optimal) {
    const VkFormatFeatureFlags2 drawing = VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BIT |
                                          VK_FORMAT_FEATURE_2_COLOR_ATTACHMENT_BLEND_BIT,
                                copying = VK_FORMAT_FEATURE_2_TRANSFER_SRC_BIT |
                                          VK_FORMAT_FEATURE_2_TRANSFER_DST_BIT;
    bool drawn = lent & LENT_TILES && (linear & copying) == copying;
    return linear | (drawn ? optimal & drawing : 0);
}

static void list_linear(unsigned lent, VkFormat format, const VkFormatProperties2 *properties) {
    const VkFormatProperties *core = &properties->formatProperties;
    VkFormatFeatureFlags features = one_plane(format)
                                        ? (VkFormatFeatureFlags)modifier_features(
                                              lent, core->linearTilingFeatures, core->optimalTilingFeatures)
                                        : 0;
    VkDrmFormatModifierPropertiesListEXT *list =
        chain_find(properties, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT);
    if (list) {
        uint32_t room = list->pDrmFormatModifierProperties ? list->drmFormatModifierCount : 1;
        list->drmFormatModifierCount = features && room;
        if (list->drmFormatModifierCount && list->pDrmFormatModifierProperties)
            list->pDrmFormatModifierProperties[0] = (VkDrmFormatModifierPropertiesEXT){
                .drmFormatModifierPlaneCount = 1, .drmFormatModifierTilingFeatures = features};
    }
    VkDrmFormatModifierPropertiesList2EXT *list2 =
        chain_find(properties, VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_2_EXT);
    if (list2) {
        const VkFormatProperties3 *more = chain_find(properties, VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_3);
        uint32_t room = list2->pDrmFormatModifierProperties ? list2->drmFormatModifierCount : 1;
        list2->drmFormatModifierCount = features && room;
        if (list2->drmFormatModifierCount && list2->pDrmFormatModifierProperties)
            list2->pDrmFormatModifierProperties[0] = (VkDrmFormatModifierProperties2EXT){
                .drmFormatModifierPlaneCount = 1,
                .drmFormatModifierTilingFeatures =
                    more ? modifier_features(lent, more->linearTilingFeatures, more->optimalTilingFeatures)
                         : features};
    }
}

static VKAPI_ATTR void VKAPI_CALL get_format_properties(
    VkPhysicalDevice handle, VkFormat format, VkFormatProperties2 *properties) {
    instance_of(handle)->vk.GetPhysicalDeviceFormatProperties2(handle, format, properties);
    if (lends(handle, LENT_MODIFIER))
        list_linear(lent_by(handle), format, properties);
}

/* Whether the tiled image beside a linear one can be what is asked for. */
static VkResult query_tiled(
    const struct instance *instance, VkPhysicalDevice handle, const VkPhysicalDeviceImageFormatInfo2 *info) {
    const VkPhysicalDeviceImageFormatInfo2 asked = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
        .format = info->format,
        .type = info->type,
        .tiling = VK_IMAGE_TILING_OPTIMAL,
        .usage = info->usage | TILED_LINEAR_USAGE,
        .flags = info->flags,
    };
    VkImageFormatProperties2 unused = {.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2};
    return instance->vk.GetPhysicalDeviceImageFormatProperties2(handle, &asked, &unused);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_image_properties(VkPhysicalDevice handle,
    const VkPhysicalDeviceImageFormatInfo2 *info, VkImageFormatProperties2 *properties) {
    const struct instance *instance = instance_of(handle);
    VkPhysicalDeviceImageFormatInfo2 asked = *info;
    VkBaseInStructure *before = NULL, *taken;
    if (info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT && lends(handle, LENT_MODIFIER)) {
        const VkPhysicalDeviceImageDrmFormatModifierInfoEXT *modifier =
            chain_find(info, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT);
        if (!one_plane(info->format) || !modifier || modifier->drmFormatModifier != 0)
            return VK_ERROR_FORMAT_NOT_SUPPORTED;
        asked.tiling = VK_IMAGE_TILING_LINEAR;
        before = chain_unlink(&asked, modifier->sType, &taken);
    }
    VkResult result = VK_SUCCESS;
    if (tiled_wanted(lent_by(handle), info->tiling, info->usage)) {
        result = query_tiled(instance, handle, info);
        asked.usage = TILED_LINEAR_USAGE;
    }
    VkPhysicalDeviceExternalImageFormatInfo *external =
        chain_find(info, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO);
    bool dma_buf = external && external->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT &&
                   lends(handle, LENT_DMA_BUF);
    if (dma_buf)
        external->handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    if (result == VK_SUCCESS)
        result = instance->vk.GetPhysicalDeviceImageFormatProperties2(handle, &asked, properties);
    if (before)
        chain_relink(before, taken);
    if (dma_buf) {
        external->handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
        VkExternalImageFormatProperties *answer =
            chain_find(properties, VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES);
        if (answer && result == VK_SUCCESS)
            answer->externalMemoryProperties = dma_buf_properties;
    }
    return result;
}

const struct hook physical_hooks[] = {
    HOOK("EnumerateDeviceExtensionProperties", enumerate_extensions),
    HOOK("GetPhysicalDeviceExternalSemaphoreProperties", get_semaphore_properties),
    HOOK("GetPhysicalDeviceExternalSemaphorePropertiesKHR", get_semaphore_properties),
    HOOK("GetPhysicalDeviceExternalFenceProperties", get_fence_properties),
    HOOK("GetPhysicalDeviceExternalFencePropertiesKHR", get_fence_properties),
    HOOK("GetPhysicalDeviceExternalBufferProperties", get_buffer_properties),
    HOOK("GetPhysicalDeviceExternalBufferPropertiesKHR", get_buffer_properties),
    HOOK("GetPhysicalDeviceFormatProperties2", get_format_properties),
    HOOK("GetPhysicalDeviceFormatProperties2KHR", get_format_properties),
    HOOK("GetPhysicalDeviceImageFormatProperties2", get_image_properties),
    HOOK("GetPhysicalDeviceImageFormatProperties2KHR", get_image_properties),
    {0},
};
