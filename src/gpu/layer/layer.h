/* What the files of the Vulkan layer share. The layer runs in virglrenderer's render server, above the host's
 * driver, and lends that driver what a guest's Venus asks for and the driver lacks: see docs/gpu.md.
 *
 * Structures in a pNext chain are changed in place for the length of a call: they are virglrenderer's, which
 * decoded them into memory of its own. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vulkan/vk_layer.h>
#include <vulkan/vulkan.h>

enum lent {
    LENT_SEMAPHORE_FD = 1 << 0, /* SYNC_FD semaphores */
    LENT_FENCE_FD = 1 << 1,     /* SYNC_FD fences */
    LENT_DMA_BUF = 1 << 2,      /* memory that is exported and imported as mappable files */
    LENT_MODIFIER = 1 << 3,     /* DRM_FORMAT_MOD_LINEAR, and no other */
    LENT_TILES = 1 << 4,        /* drawing to linear images, by way of tiled ones */
};

#define INSTANCE_FUNCTIONS(X)                                                                                \
    X(DestroyInstance)                                                                                       \
    X(EnumerateDeviceExtensionProperties)                                                                    \
    X(GetPhysicalDeviceProperties2)                                                                          \
    X(GetPhysicalDeviceMemoryProperties)                                                                     \
    X(GetPhysicalDeviceFormatProperties2)                                                                    \
    X(GetPhysicalDeviceImageFormatProperties2)                                                               \
    X(GetPhysicalDeviceExternalBufferProperties)                                                             \
    X(GetPhysicalDeviceExternalSemaphoreProperties)                                                          \
    X(GetPhysicalDeviceExternalFenceProperties)

#define DEVICE_FUNCTIONS(X)                                                                                  \
    X(DestroyDevice)                                                                                         \
    X(GetDeviceQueue)                                                                                        \
    X(GetDeviceQueue2)                                                                                       \
    X(QueueSubmit)                                                                                           \
    X(QueueBindSparse)                                                                                       \
    X(CreateSemaphore)                                                                                       \
    X(DestroySemaphore)                                                                                      \
    X(ImportSemaphoreFdKHR)                                                                                  \
    X(GetSemaphoreFdKHR)                                                                                     \
    X(CreateFence)                                                                                           \
    X(DestroyFence)                                                                                          \
    X(ResetFences)                                                                                           \
    X(GetFenceStatus)                                                                                        \
    X(WaitForFences)                                                                                         \
    X(ImportFenceFdKHR)                                                                                      \
    X(GetFenceFdKHR)                                                                                         \
    X(AllocateMemory)                                                                                        \
    X(FreeMemory)                                                                                            \
    X(GetMemoryFdKHR)                                                                                        \
    X(GetMemoryFdPropertiesKHR)                                                                              \
    X(GetMemoryHostPointerPropertiesEXT)                                                                     \
    X(CreateBuffer)                                                                                          \
    X(DestroyImage)                                                                                          \
    X(CreateImage)                                                                                           \
    X(GetImageMemoryRequirements)                                                                            \
    X(BindImageMemory)                                                                                       \
    X(CmdPipelineBarrier)                                                                                    \
    X(CmdCopyImage)                                                                                          \
    X(GetImageSubresourceLayout)                                                                             \
    X(GetImageSubresourceLayout2EXT)                                                                         \
    X(GetImageSubresourceLayout2KHR)                                                                         \
    X(GetImageDrmFormatModifierPropertiesEXT)

/* An extension's, by the name that Vulkan has them under since: older drivers have them as KHR's alone. */
#define PROMOTED_FUNCTIONS(X)                                                                                \
    X(QueueSubmit2)                                                                                          \
    X(GetImageMemoryRequirements2)                                                                           \
    X(BindImageMemory2)                                                                                      \
    X(CmdPipelineBarrier2)                                                                                   \
    X(GetDeviceImageMemoryRequirements)

#define FUNCTION_POINTER(name) PFN_vk##name name;

/* What the driver of a physical device lacks. */
struct physical {
    struct physical *next;
    VkPhysicalDevice handle;
    unsigned lent;          /* enum lent */
    const char *missing[8]; /* names of extensions that are lent altogether */
    unsigned missing_count;
};

struct instance {
    struct instance *next;
    void *key; /* what the loader puts at the start of the instance and of its physical devices */
    VkInstance handle;
    PFN_vkGetInstanceProcAddr get_proc_addr;
    PFN_vkCreateDevice create_device;
    bool able; /* Vulkan 1.1, which all that is lent rests on */
    pthread_mutex_t lock;
    struct physical *physicals;
    struct {
        INSTANCE_FUNCTIONS(FUNCTION_POINTER)
    } vk;
};

/* By handle, for objects about which the layer knows more than the driver. */
struct object {
    struct object *next;
    uint64_t handle;
};

struct table {
    struct object *buckets[256];
};

struct watch; /* a fence whose signal an exported file waits for */

struct device {
    struct device *next;
    void *key;
    VkDevice handle;
    unsigned lent;
    PFN_vkGetDeviceProcAddr get_proc_addr;
    VkDeviceSize host_alignment; /* of imported host memory, in bytes */
    uint32_t local_memory_types; /* a bit each: the device's own memory */
    struct {
        DEVICE_FUNCTIONS(FUNCTION_POINTER)
        PROMOTED_FUNCTIONS(FUNCTION_POINTER)
    } vk;

    pthread_mutex_t lock; /* of all below */
    struct table semaphores, memories, tiled;
    _Atomic unsigned imported; /* semaphores whose next wait is for an imported payload */

    pthread_mutex_t queue_lock; /* over submissions: the layer makes some of its own */
    VkQueue queue;              /* for those */

    pthread_t watcher;
    pthread_cond_t watcher_wakes;
    bool watcher_runs, watcher_stops;
    struct watch *watches, **last_watch;
};

/* A function that the layer puts itself before. */
struct hook {
    const char *name;
    PFN_vkVoidFunction function;
    unsigned lent; /* if one of these is; 0: always */
    bool added;    /* the driver may not have it */
};
#define HOOK(name, function, ...)                                                                            \
    { "vk" name, (PFN_vkVoidFunction)function, __VA_ARGS__ }
/* Of devices; they end with no name. */
extern const struct hook semaphore_hooks[], queue_hooks[], fence_hooks[], memory_hooks[], image_hooks[],
    tiled_hooks[];
extern const struct hook physical_hooks[];

/* --- layer.c */

struct instance *instance_of(void *dispatchable);
struct device *device_of(void *dispatchable);

/* --- physical.c */

/* NULL without memory. The instance owns it. */
struct physical *physical_of(VkPhysicalDevice handle);
bool physical_lends_extension(const struct physical *physical, const char *name);

/* --- objects.c */

void table_add(struct table *table, struct object *object);
struct object *table_find(const struct table *table, uint64_t handle);
struct object *table_take(struct table *table, uint64_t handle);
/* The structure of this type behind head; NULL: none. */
void *chain_find(const void *head, VkStructureType type);
/* Takes it out; the link to put it back with chain_relink(), NULL: there is none. */
VkBaseInStructure *chain_unlink(const void *head, VkStructureType type, VkBaseInStructure **taken);
void chain_relink(VkBaseInStructure *before, VkBaseInStructure *taken);

/* --- sync_file.c */

void sync_init(struct device *device);
void sync_stop(struct device *device);
/* A file that becomes readable with the fence, which is the layer's from here on. */
VkResult sync_file_of(struct device *device, VkFence fence, int *fd);
/* Waits for the file and closes it. What it waits for has been submitted before it was made
 * (VUID-vkGetSemaphoreFdKHR-handleType-03254 and its like of fences), so that this ends. */
void sync_file_consume(int fd);

/* --- semaphore.c */

/* The payload that a wait for the semaphore, or its export, takes from it; NULL: the driver's own. */
VkSemaphore semaphore_take(struct device *device, VkSemaphore semaphore);

/* --- queue.c */

/* As they are; with the driver's fence. */
VkResult queue_submit_batches(
    struct device *device, VkQueue queue, uint32_t count, const VkSubmitInfo *batches, VkFence fence);

/* --- fence.c */

/* The driver's. */
VkFence fence_real(const struct device *device, VkFence handle);

/* --- memory.c */

/* Handle types as the driver is told them: what is lent is the host's memory to it. */
VkExternalMemoryHandleTypeFlags memory_driver_types(VkExternalMemoryHandleTypeFlags types);

/* --- tiled.c */

enum { TILED_LINEAR_USAGE = VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT };

/* Whether a tiled image is to be beside the linear one, whose own usage is then the above. */
bool tiled_wanted(unsigned lent, VkImageTiling tiling, VkImageUsageFlags usage);
/* Makes a tiled image of that usage for the linear one that was made of info, and puts it into its place. */
VkResult tiled_create(struct device *device, const VkImageCreateInfo *info, VkImageUsageFlags usage,
    const VkAllocationCallbacks *allocator, VkImage *image);
/* The image that has the memory and the layout: the linear one beside a tiled one, or image itself. */
VkImage tiled_linear(struct device *device, VkImage image);
