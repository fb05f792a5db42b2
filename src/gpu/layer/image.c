/* DRM_FORMAT_MOD_LINEAR for drivers without modifiers: VK_IMAGE_TILING_LINEAR by another name, whose one
 * memory plane is its one colour plane. */
#include "gpu/layer/layer.h"

enum { MOD_LINEAR = 0 }; /* DRM_FORMAT_MOD_LINEAR */

/* What speaks of modifiers when an image is created. */
static const VkStructureType modifiers[] = {VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
    VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT};
enum { KINDS = sizeof modifiers / sizeof modifiers[0] };

/* What a driver is told of an image, and what is put back afterwards. */
struct translated {
    VkImageCreateInfo info;
    VkBaseInStructure *before[KINDS], *taken[KINDS];
    VkExternalMemoryImageCreateInfo *external;
    VkExternalMemoryHandleTypeFlags types;
};

static void translate(struct translated *to, unsigned lent, const VkImageCreateInfo *info) {
    *to = (struct translated){.info = *info};
    if (lent & LENT_MODIFIER && info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT) {
        to->info.tiling = VK_IMAGE_TILING_LINEAR;
        for (int i = 0; i < KINDS; i++)
            to->before[i] = chain_unlink(&to->info, modifiers[i], &to->taken[i]);
    }
    if (tiled_wanted(lent, info->tiling, info->usage))
        to->info.usage = TILED_LINEAR_USAGE;
    to->external =
        lent & LENT_DMA_BUF ? chain_find(info, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO) : NULL;
    if (to->external) {
        to->types = to->external->handleTypes;
        to->external->handleTypes = memory_driver_types(to->types);
    }
}

static void restore(struct translated *to) {
    if (to->external)
        to->external->handleTypes = to->types;
    for (int i = KINDS - 1; i >= 0; i--)
        chain_relink(to->before[i], to->taken[i]);
}

static bool offers_linear(const VkImageDrmFormatModifierListCreateInfoEXT *list) {
    for (uint32_t i = 0; list && i < list->drmFormatModifierCount; i++)
        if (list->pDrmFormatModifiers[i] == MOD_LINEAR)
            return true;
    return false;
}

/* The driver chose its layout: the one that was asked for is had only if it is the same. */
static VkResult check_layout(struct device *device, VkImage image,
    const VkImageDrmFormatModifierExplicitCreateInfoEXT *wanted, uint32_t layers) {
    const VkImageSubresource colour = {.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT};
    VkSubresourceLayout layout;
    device->vk.GetImageSubresourceLayout(device->handle, image, &colour, &layout);
    const VkSubresourceLayout *plane = wanted->pPlaneLayouts;
    bool same = wanted->drmFormatModifier == MOD_LINEAR && wanted->drmFormatModifierPlaneCount == 1 &&
                plane->offset == layout.offset && plane->rowPitch == layout.rowPitch &&
                (layers == 1 || plane->arrayPitch == layout.arrayPitch);
    return same ? VK_SUCCESS : VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_image(
    VkDevice handle, const VkImageCreateInfo *info, const VkAllocationCallbacks *allocator, VkImage *image) {
    struct device *device = device_of(handle);
    bool modifier = device->lent & LENT_MODIFIER && info->tiling == VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT;
    const VkImageDrmFormatModifierExplicitCreateInfoEXT *wanted =
        chain_find(info, VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT);
    if (modifier && !wanted &&
        !offers_linear(chain_find(info, VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT)))
        return VK_ERROR_FORMAT_NOT_SUPPORTED;
    struct translated to;
    translate(&to, device->lent, info);
    VkImage linear;
    VkResult result = device->vk.CreateImage(handle, &to.info, allocator, &linear);
    if (result == VK_SUCCESS) {
        *image = linear;
        if (modifier && wanted)
            result = check_layout(device, linear, wanted, info->arrayLayers);
        if (result == VK_SUCCESS && tiled_wanted(device->lent, info->tiling, info->usage))
            result = tiled_create(device, &to.info, info->usage, allocator, image);
        if (result != VK_SUCCESS)
            device->vk.DestroyImage(handle, linear, allocator);
    }
    restore(&to);
    return result;
}

static VKAPI_ATTR void VKAPI_CALL get_requirements(
    VkDevice handle, const VkDeviceImageMemoryRequirements *info, VkMemoryRequirements2 *requirements) {
    struct device *device = device_of(handle);
    struct translated to;
    translate(&to, device->lent, info->pCreateInfo);
    VkDeviceImageMemoryRequirements asked = *info;
    asked.pCreateInfo = &to.info;
    if (asked.planeAspect == VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT)
        asked.planeAspect = VK_IMAGE_ASPECT_COLOR_BIT;
    device->vk.GetDeviceImageMemoryRequirements(handle, &asked, requirements);
    restore(&to);
}

/* --- layouts */

static VkImageSubresource colour_plane(const VkImageSubresource *subresource) {
    VkImageSubresource colour = *subresource;
    if (colour.aspectMask == VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT)
        colour.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT;
    return colour;
}

static VKAPI_ATTR void VKAPI_CALL get_layout(
    VkDevice handle, VkImage image, const VkImageSubresource *subresource, VkSubresourceLayout *layout) {
    struct device *device = device_of(handle);
    VkImageSubresource colour = colour_plane(subresource);
    device->vk.GetImageSubresourceLayout(handle, tiled_linear(device, image), &colour, layout);
}

static void layout2(PFN_vkGetImageSubresourceLayout2KHR next, VkDevice handle, VkImage image,
    const VkImageSubresource2KHR *subresource, VkSubresourceLayout2KHR *layout) {
    VkImageSubresource2KHR colour = *subresource;
    colour.imageSubresource = colour_plane(&subresource->imageSubresource);
    next(handle, tiled_linear(device_of(handle), image), &colour, layout);
}

static VKAPI_ATTR void VKAPI_CALL get_layout2_ext(VkDevice handle, VkImage image,
    const VkImageSubresource2KHR *subresource, VkSubresourceLayout2KHR *layout) {
    layout2(device_of(handle)->vk.GetImageSubresourceLayout2EXT, handle, image, subresource, layout);
}

static VKAPI_ATTR void VKAPI_CALL get_layout2_khr(VkDevice handle, VkImage image,
    const VkImageSubresource2KHR *subresource, VkSubresourceLayout2KHR *layout) {
    layout2(device_of(handle)->vk.GetImageSubresourceLayout2KHR, handle, image, subresource, layout);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_modifier(
    VkDevice handle, VkImage image, VkImageDrmFormatModifierPropertiesEXT *properties) {
    (void)handle;
    (void)image;
    properties->drmFormatModifier = MOD_LINEAR;
    return VK_SUCCESS;
}

const struct hook image_hooks[] = {
    HOOK("CreateImage", create_image, LENT_MODIFIER | LENT_DMA_BUF),
    HOOK("GetDeviceImageMemoryRequirements", get_requirements, LENT_MODIFIER | LENT_DMA_BUF),
    HOOK("GetDeviceImageMemoryRequirementsKHR", get_requirements, LENT_MODIFIER | LENT_DMA_BUF),
    HOOK("GetImageSubresourceLayout", get_layout, LENT_MODIFIER),
    HOOK("GetImageSubresourceLayout2EXT", get_layout2_ext, LENT_MODIFIER),
    HOOK("GetImageSubresourceLayout2KHR", get_layout2_khr, LENT_MODIFIER),
    HOOK("GetImageDrmFormatModifierPropertiesEXT", get_modifier, LENT_MODIFIER, true),
    {0},
};
