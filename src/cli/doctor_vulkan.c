/* The host's Vulkan devices, by the loader that is there at run time. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vulkan/vulkan.h>

#include "cli/doctor.h"

/* What a guest's Venus driver, or the way there, asks of a device. */
static const char *const wanted[] = {
    "VK_KHR_external_memory_fd",
    "VK_EXT_external_memory_dma_buf",
    "VK_EXT_external_memory_host",
    "VK_KHR_external_semaphore_fd",
    "VK_EXT_image_drm_format_modifier",
    "VK_EXT_queue_family_foreign",
};
enum { WANTED = sizeof wanted / sizeof wanted[0], MAX_DEVICES = 16 };

struct vulkan {
    PFN_vkGetInstanceProcAddr get;
    VkInstance instance;
};

#define CALL(vulkan, name) ((PFN_##name)(vulkan)->get((vulkan)->instance, #name))

static bool has(const VkExtensionProperties *extensions, uint32_t count, const char *name) {
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(extensions[i].extensionName, name) == 0)
            return true;
    return false;
}

static void list_missing(struct vulkan *vulkan, VkPhysicalDevice device) {
    uint32_t count = 0;
    PFN_vkEnumerateDeviceExtensionProperties enumerate = CALL(vulkan, vkEnumerateDeviceExtensionProperties);
    enumerate(device, NULL, &count, NULL);
    VkExtensionProperties *extensions = calloc(count ? count : 1, sizeof *extensions);
    if (!extensions || enumerate(device, NULL, &count, extensions) != VK_SUCCESS)
        count = 0;
    char missing[WANTED * VK_MAX_EXTENSION_NAME_SIZE] = "";
    for (unsigned i = 0; i < WANTED; i++)
        if (!has(extensions, count, wanted[i]))
            strcat(strcat(missing, " "), wanted[i]);
    if (*missing)
        doctor_line(false, "", "without%s", missing);
    free(extensions);
}

static void show_device(struct vulkan *vulkan, VkPhysicalDevice device) {
    VkPhysicalDeviceProperties properties;
    CALL(vulkan, vkGetPhysicalDeviceProperties)(device, &properties);
    doctor_line(true, "Vulkan device", "%s, Vulkan %u.%u.%u%s", properties.deviceName,
        VK_API_VERSION_MAJOR(properties.apiVersion), VK_API_VERSION_MINOR(properties.apiVersion),
        VK_API_VERSION_PATCH(properties.apiVersion),
        properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ? " (software)" : "");
    list_missing(vulkan, device);
}

static bool make_instance(struct vulkan *vulkan) {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library)
        *(void **)&vulkan->get = dlsym(library, "vkGetInstanceProcAddr");
    if (!vulkan->get) {
        doctor_line(false, "Vulkan loader", "no libvulkan.so.1: install Debian's libvulkan1");
        return false;
    }
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    if (CALL(vulkan, vkCreateInstance)(&info, NULL, &vulkan->instance) == VK_SUCCESS)
        return true;
    doctor_line(false, "Vulkan device", "no driver: install the GPU's, or Debian's mesa-vulkan-drivers");
    return false;
}

void doctor_vulkan(void) {
    struct vulkan vulkan = {0};
    if (!make_instance(&vulkan))
        return;
    VkPhysicalDevice devices[MAX_DEVICES];
    uint32_t count = MAX_DEVICES;
    VkResult result = CALL(&vulkan, vkEnumeratePhysicalDevices)(vulkan.instance, &count, devices);
    if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || count == 0)
        doctor_line(
            false, "Vulkan device", "none: install the GPU's driver, or Debian's mesa-vulkan-drivers");
    else
        for (uint32_t i = 0; i < count; i++)
            show_device(&vulkan, devices[i]);
    CALL(&vulkan, vkDestroyInstance)(vulkan.instance, NULL);
}
