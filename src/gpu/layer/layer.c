/* The way into the layer: what the loader calls, and the chain of calls to the driver. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gpu/layer/layer.h"

#define EXPORT __attribute__((visibility("default")))

static pthread_rwlock_t lists = PTHREAD_RWLOCK_INITIALIZER;
static struct instance *instances;
static struct device *devices;

/* The loader's dispatch table, which a device and its queues, or an instance and its physical devices, share.
 */
static void *key_of(void *dispatchable) {
    return *(void **)dispatchable;
}

struct instance *instance_of(void *dispatchable) {
    pthread_rwlock_rdlock(&lists);
    struct instance *at = instances;
    while (at && at->key != key_of(dispatchable))
        at = at->next;
    pthread_rwlock_unlock(&lists);
    return at;
}

struct device *device_of(void *dispatchable) {
    pthread_rwlock_rdlock(&lists);
    struct device *at = devices;
    while (at && at->key != key_of(dispatchable))
        at = at->next;
    pthread_rwlock_unlock(&lists);
    return at;
}

/* --- instances */

static VkLayerInstanceCreateInfo *instance_link(const void *head) {
    VkLayerInstanceCreateInfo *link = (VkLayerInstanceCreateInfo *)head;
    do
        link = chain_find(link, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
    while (link && link->function != VK_LAYER_LINK_INFO);
    return link;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(
    const VkInstanceCreateInfo *info, const VkAllocationCallbacks *allocator, VkInstance *out) {
    VkLayerInstanceCreateInfo *link = instance_link(info);
    struct instance *instance = calloc(1, sizeof *instance);
    if (!link || !instance) {
        free(instance);
        return VK_ERROR_INITIALIZATION_FAILED;
    }
    PFN_vkGetInstanceProcAddr next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
    link->u.pLayerInfo = link->u.pLayerInfo->pNext;
    PFN_vkCreateInstance create = (PFN_vkCreateInstance)next(NULL, "vkCreateInstance");
    VkResult result = create ? create(info, allocator, out) : VK_ERROR_INITIALIZATION_FAILED;
    if (result != VK_SUCCESS) {
        free(instance);
        return result;
    }
    instance->handle = *out;
    instance->key = key_of(*out);
    instance->get_proc_addr = next;
    instance->create_device = (PFN_vkCreateDevice)next(*out, "vkCreateDevice");
    instance->able = info->pApplicationInfo && info->pApplicationInfo->apiVersion >= VK_API_VERSION_1_1;
    pthread_mutex_init(&instance->lock, NULL);
#define LOAD(name) instance->vk.name = (PFN_vk##name)next(*out, "vk" #name);
    INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
    pthread_rwlock_wrlock(&lists);
    instance->next = instances;
    instances = instance;
    pthread_rwlock_unlock(&lists);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_instance(
    VkInstance handle, const VkAllocationCallbacks *allocator) {
    if (!handle)
        return;
    struct instance *instance = instance_of(handle);
    pthread_rwlock_wrlock(&lists);
    struct instance **at = &instances;
    while (*at != instance)
        at = &(*at)->next;
    *at = instance->next;
    pthread_rwlock_unlock(&lists);
    instance->vk.DestroyInstance(handle, allocator);
    for (struct physical *physical; (physical = instance->physicals);) {
        instance->physicals = physical->next;
        free(physical);
    }
    pthread_mutex_destroy(&instance->lock);
    free(instance);
}

/* --- devices */

static VkLayerDeviceCreateInfo *device_link(const void *head) {
    VkLayerDeviceCreateInfo *link = (VkLayerDeviceCreateInfo *)head;
    do
        link = chain_find(link, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
    while (link && link->function != VK_LAYER_LINK_INFO);
    return link;
}

/* The extensions without those that are lent, with the one that lent memory needs. NULL without memory. */
static const char **driver_names(
    const struct physical *physical, const VkDeviceCreateInfo *info, uint32_t *count) {
    const char **names = malloc((info->enabledExtensionCount + 1) * sizeof *names);
    bool host_memory = !(physical->lent & LENT_DMA_BUF);
    *count = 0;
    for (uint32_t i = 0; names && i < info->enabledExtensionCount; i++) {
        const char *name = info->ppEnabledExtensionNames[i];
        if (physical_lends_extension(physical, name))
            continue;
        host_memory |= strcmp(name, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME) == 0;
        names[(*count)++] = name;
    }
    if (names && !host_memory)
        names[(*count)++] = VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME;
    return names;
}

static VkDeviceSize host_alignment(const struct instance *instance, VkPhysicalDevice handle) {
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &host};
    instance->vk.GetPhysicalDeviceProperties2(handle, &properties);
    return host.minImportedHostPointerAlignment ? host.minImportedHostPointerAlignment : 4096;
}

static uint32_t local_memory_types(const struct instance *instance, VkPhysicalDevice handle) {
    VkPhysicalDeviceMemoryProperties memory;
    instance->vk.GetPhysicalDeviceMemoryProperties(handle, &memory);
    uint32_t types = 0;
    for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
        if (memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT)
            types |= 1u << i;
    return types;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice handle, const VkDeviceCreateInfo *info,
    const VkAllocationCallbacks *allocator, VkDevice *out) {
    const struct instance *instance = instance_of(handle);
    const struct physical *physical = physical_of(handle);
    VkLayerDeviceCreateInfo *link = device_link(info);
    struct device *device = calloc(1, sizeof *device);
    VkDeviceCreateInfo asked = *info;
    const char **names = physical ? driver_names(physical, info, &asked.enabledExtensionCount) : NULL;
    VkResult result = VK_ERROR_OUT_OF_HOST_MEMORY;
    if (link && device && names) {
        device->get_proc_addr = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
        link->u.pLayerInfo = link->u.pLayerInfo->pNext;
        asked.ppEnabledExtensionNames = names;
        result = instance->create_device(handle, &asked, allocator, out);
    }
    free(names);
    if (result != VK_SUCCESS) {
        free(device);
        return result;
    }
    device->handle = *out;
    device->key = key_of(*out);
    device->lent = physical->lent;
    if (device->lent & LENT_DMA_BUF)
        device->host_alignment = host_alignment(instance, handle);
    device->local_memory_types = local_memory_types(instance, handle);
#define LOAD(name) device->vk.name = (PFN_vk##name)device->get_proc_addr(*out, "vk" #name);
    DEVICE_FUNCTIONS(LOAD)
    PROMOTED_FUNCTIONS(LOAD)
#undef LOAD
#define LOAD_KHR(name)                                                                                       \
    if (!device->vk.name)                                                                                    \
        device->vk.name = (PFN_vk##name)device->get_proc_addr(*out, "vk" #name "KHR");
    PROMOTED_FUNCTIONS(LOAD_KHR)
#undef LOAD_KHR
    sync_init(device);
    pthread_rwlock_wrlock(&lists);
    device->next = devices;
    devices = device;
    pthread_rwlock_unlock(&lists);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_device(VkDevice handle, const VkAllocationCallbacks *allocator) {
    if (!handle)
        return;
    struct device *device = device_of(handle);
    sync_stop(device);
    pthread_rwlock_wrlock(&lists);
    struct device **at = &devices;
    while (*at != device)
        at = &(*at)->next;
    *at = device->next;
    pthread_rwlock_unlock(&lists);
    device->vk.DestroyDevice(handle, allocator);
    pthread_mutex_destroy(&device->lock);
    pthread_mutex_destroy(&device->queue_lock);
    pthread_cond_destroy(&device->watcher_wakes);
    free(device);
}

/* --- names to functions */

static PFN_vkVoidFunction find_hook(const struct hook *hooks, const struct device *device, const char *name) {
    for (; hooks->name; hooks++)
        if (strcmp(hooks->name, name) == 0 && (!device || device->lent & hooks->lent) &&
            (!device || hooks->added || device->get_proc_addr(device->handle, name)))
            return hooks->function;
    return NULL;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_proc_addr(VkDevice handle, const char *name) {
    if (strcmp(name, "vkGetDeviceProcAddr") == 0)
        return (PFN_vkVoidFunction)get_device_proc_addr;
    if (strcmp(name, "vkDestroyDevice") == 0)
        return (PFN_vkVoidFunction)destroy_device;
    const struct device *device = device_of(handle);
    static const struct hook *const all[] = {
        semaphore_hooks, queue_hooks, fence_hooks, memory_hooks, image_hooks, tiled_hooks};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        PFN_vkVoidFunction function = find_hook(all[i], device, name);
        if (function)
            return function;
    }
    return device->get_proc_addr(handle, name);
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_instance_proc_addr(VkInstance handle, const char *name) {
    static const struct hook own[] = {
        {"vkGetInstanceProcAddr", (PFN_vkVoidFunction)get_instance_proc_addr},
        {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)get_device_proc_addr},
        {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
        {"vkDestroyInstance", (PFN_vkVoidFunction)destroy_instance},
        {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
        {0},
    };
    PFN_vkVoidFunction function = find_hook(own, NULL, name);
    if (function || !handle)
        return function;
    const struct instance *instance = instance_of(handle);
    if (instance->able && (function = find_hook(physical_hooks, NULL, name)))
        return function;
    return instance->get_proc_addr(handle, name);
}

/* The render server looks for drivers before it forks a process for each context, to have them in memory.
 * NVIDIA's does not survive that: vkCreateDevice() fails in the child. In the server itself, whose number the
 * script that starts it leaves, no driver is to be found. */
EXPORT VKAPI_ATTR VkResult VKAPI_CALL pearvisor_enumerate_instance_extensions(
    const VkEnumerateInstanceExtensionPropertiesChain *chain, const char *layer, uint32_t *count,
    VkExtensionProperties *list) {
    const char *server = getenv("PEARVISOR_RENDER_SERVER_PID");
    if (!server || atol(server) != getpid())
        return chain->pfnNextLayer(chain->pNextLink, layer, count, list);
    *count = 0;
    return VK_SUCCESS;
}

EXPORT VKAPI_ATTR VkResult VKAPI_CALL vkNegotiateLoaderLayerInterfaceVersion(
    VkNegotiateLayerInterface *interface) {
    if (interface->loaderLayerInterfaceVersion < 2)
        return VK_ERROR_INITIALIZATION_FAILED;
    interface->loaderLayerInterfaceVersion = 2;
    interface->pfnGetInstanceProcAddr = get_instance_proc_addr;
    interface->pfnGetDeviceProcAddr = get_device_proc_addr;
    interface->pfnGetPhysicalDeviceProcAddr = NULL;
    return VK_SUCCESS;
}
