/* The Vulkan layer on whatever driver this host has: what a guest's Venus asks for is there and does what the
 * specification says, lent or the driver's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

enum { SKIPPED = 77, SOON_NS = 2000000000, SOON_MS = 5000 };

static const char *const lent[] = {
    VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME,
    VK_KHR_EXTERNAL_FENCE_FD_EXTENSION_NAME,
    VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
    VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
    VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME,
};
enum { LENT = sizeof lent / sizeof lent[0] };

static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;

#define EXTENSION_FUNCTIONS(X)                                                                               \
    X(ImportSemaphoreFdKHR)                                                                                  \
    X(GetSemaphoreFdKHR)                                                                                     \
    X(ImportFenceFdKHR)                                                                                      \
    X(GetFenceFdKHR)                                                                                         \
    X(GetMemoryFdKHR)                                                                                        \
    X(GetMemoryFdPropertiesKHR)                                                                              \
    X(GetImageDrmFormatModifierPropertiesEXT)
#define POINTER(name) PFN_vk##name name;
static struct { EXTENSION_FUNCTIONS(POINTER) } vk;

#define ok(call) assert_int_equal(call, VK_SUCCESS)

static bool open_device(void) {
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_3};
    const VkInstanceCreateInfo instance_info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    if (vkCreateInstance(&instance_info, NULL, &instance) != VK_SUCCESS)
        return false;
    uint32_t count = 1;
    if (vkEnumeratePhysicalDevices(instance, &count, &physical) < 0 || count == 0)
        return false;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue_info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    VkPhysicalDeviceVulkan13Features features13 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .synchronization2 = VK_TRUE,
        .dynamicRendering = VK_TRUE};
    const VkPhysicalDeviceVulkan12Features features12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &features13,
        .timelineSemaphore = VK_TRUE,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &features12,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue_info,
        .enabledExtensionCount = LENT,
        .ppEnabledExtensionNames = lent,
    };
    if (vkCreateDevice(physical, &info, NULL, &device) != VK_SUCCESS)
        return false;
    vkGetDeviceQueue(device, 0, 0, &queue);
#define LOAD(name) vk.name = (PFN_vk##name)vkGetDeviceProcAddr(device, "vk" #name);
    EXTENSION_FUNCTIONS(LOAD)
    return true;
}

/* --- helpers */

static uint32_t host_visible(uint32_t among) {
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    for (uint32_t i = 0; i < memory.memoryTypeCount; i++)
        if (among >> i & 1 && memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT)
            return i;
    fail_msg("no host-visible memory");
    return 0;
}

static VkResult allocate(VkDeviceSize size, uint32_t types, const void *next, VkDeviceMemory *memory) {
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .pNext = next,
        .allocationSize = size,
        .memoryTypeIndex = host_visible(types),
    };
    return vkAllocateMemory(device, &info, NULL, memory);
}

static VkSemaphore make_semaphore(const void *next) {
    const VkSemaphoreCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = next};
    VkSemaphore semaphore;
    ok(vkCreateSemaphore(device, &info, NULL, &semaphore));
    return semaphore;
}

static VkSemaphore make_exportable(void) {
    VkExportSemaphoreCreateInfo export = {.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT};
    return make_semaphore(&export);
}

/* Which holds up a queue for as long as the test wants. */
static VkSemaphore make_gate(void) {
    VkSemaphoreTypeCreateInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO, .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    return make_semaphore(&timeline);
}

static void open_gate(VkSemaphore gate) {
    const VkSemaphoreSignalInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, .semaphore = gate, .value = 1};
    ok(vkSignalSemaphore(device, &info));
}

static VkFence make_fence(const void *next) {
    const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO, .pNext = next};
    VkFence fence;
    ok(vkCreateFence(device, &info, NULL, &fence));
    return fence;
}

static void submit(VkSemaphore wait, uint64_t value, VkSemaphore signal, VkFence fence) {
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    const VkTimelineSemaphoreSubmitInfo values = {
        .sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
        .waitSemaphoreValueCount = wait != NULL,
        .pWaitSemaphoreValues = &value,
    };
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .pNext = &values,
        .waitSemaphoreCount = wait != NULL,
        .pWaitSemaphores = &wait,
        .pWaitDstStageMask = &stage,
        .signalSemaphoreCount = signal != NULL,
        .pSignalSemaphores = &signal,
    };
    ok(vkQueueSubmit(queue, 1, &info, fence));
}

static void submit2(VkSemaphore wait, VkFence fence) {
    const VkSemaphoreSubmitInfo semaphore = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SUBMIT_INFO,
        .semaphore = wait,
        .stageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT};
    const VkSubmitInfo2 info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO_2,
        .waitSemaphoreInfoCount = 1,
        .pWaitSemaphoreInfos = &semaphore,
    };
    ok(vkQueueSubmit2(queue, 1, &info, fence));
}

static void await(VkFence fence) {
    ok(vkWaitForFences(device, 1, &fence, VK_TRUE, SOON_NS));
    ok(vkResetFences(device, 1, &fence));
}

static void import(VkSemaphore semaphore, int fd) {
    const VkImportSemaphoreFdInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR,
        .semaphore = semaphore,
        .flags = VK_SEMAPHORE_IMPORT_TEMPORARY_BIT,
        .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
        .fd = fd,
    };
    ok(vk.ImportSemaphoreFdKHR(device, &info));
}

static int export(VkSemaphore semaphore) {
    const VkSemaphoreGetFdInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
        .semaphore = semaphore,
        .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT,
    };
    int fd;
    ok(vk.GetSemaphoreFdKHR(device, &info, &fd));
    return fd;
}

static bool readable(int fd, int milliseconds) {
    struct pollfd state = {.fd = fd, .events = POLLIN};
    return fd < 0 || poll(&state, 1, milliseconds) == 1;
}

/* --- what is there */

static void offers_what_venus_asks_for(void **state) {
    (void)state;
    static VkExtensionProperties list[1024];
    uint32_t count = 1024, total;
    ok(vkEnumerateDeviceExtensionProperties(physical, NULL, &count, list));
    for (int i = 0; i < LENT; i++) {
        int found = 0;
        for (uint32_t j = 0; j < count; j++)
            found += strcmp(list[j].extensionName, lent[i]) == 0;
        assert_int_equal(found, 1);
    }
    ok(vkEnumerateDeviceExtensionProperties(physical, NULL, &total, NULL));
    assert_int_equal(total, count);
    count = total - 1;
    assert_int_equal(vkEnumerateDeviceExtensionProperties(physical, NULL, &count, list), VK_INCOMPLETE);
    assert_int_equal(count, total - 1);

    const VkPhysicalDeviceExternalSemaphoreInfo semaphore = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
        .handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT};
    VkExternalSemaphoreProperties p = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES};
    vkGetPhysicalDeviceExternalSemaphoreProperties(physical, &semaphore, &p);
    assert_int_equal(p.externalSemaphoreFeatures,
        VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT);
}

/* --- semaphores */

static void a_signalled_import_ends_one_wait(void **state) {
    (void)state;
    VkSemaphore semaphore = make_semaphore(NULL);
    VkFence fence = make_fence(NULL);
    for (int i = 0; i < 3; i++) {
        import(semaphore, -1);
        submit(semaphore, 0, NULL, fence);
        await(fence);
        import(semaphore, -1);
        submit2(semaphore, fence);
        await(fence);
    }
    vkDestroyFence(device, fence, NULL);
    vkDestroySemaphore(device, semaphore, NULL);
}

/* 7.4.5, Importing Semaphore Payloads: a temporary import goes with its first wait. */
static void the_permanent_payload_comes_back(void **state) {
    (void)state;
    VkSemaphore semaphore = make_semaphore(NULL);
    VkFence fence = make_fence(NULL);
    submit(NULL, 0, semaphore, fence);
    await(fence);
    import(semaphore, -1);
    submit(semaphore, 0, NULL, fence);
    await(fence);
    submit(semaphore, 0, NULL, fence); /* by the permanent payload's signal */
    await(fence);
    vkDestroyFence(device, fence, NULL);
    vkDestroySemaphore(device, semaphore, NULL);
}

static VkCommandBuffer begin_commands(VkCommandPool *pool) {
    const VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    ok(vkCreateCommandPool(device, &pool_info, NULL, pool));
    const VkCommandBufferAllocateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = *pool,
        .commandBufferCount = 1};
    VkCommandBuffer commands;
    ok(vkAllocateCommandBuffers(device, &buffer_info, &commands));
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    ok(vkBeginCommandBuffer(commands, &begin));
    return commands;
}

/* The file becomes readable no sooner than the work before the signal is done. */
static void an_export_follows_the_signal(void **state) {
    (void)state;
    enum { SIZE = 32 << 20, ROUNDS = 4 };
    const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = SIZE,
        .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkMemoryRequirements needs;
    uint32_t *words;
    ok(vkCreateBuffer(device, &buffer_info, NULL, &buffer));
    vkGetBufferMemoryRequirements(device, buffer, &needs);
    ok(allocate(needs.size, needs.memoryTypeBits, NULL, &memory));
    ok(vkBindBufferMemory(device, buffer, memory, 0));
    ok(vkMapMemory(device, memory, 0, SIZE, 0, (void **)&words));
    VkSemaphore semaphore = make_exportable(), other = make_semaphore(NULL);
    VkFence fence = make_fence(NULL);

    for (uint32_t i = 1; i <= ROUNDS; i++) {
        VkCommandPool pool;
        VkCommandBuffer commands = begin_commands(&pool);
        vkCmdFillBuffer(commands, buffer, 0, SIZE, i);
        ok(vkEndCommandBuffer(commands));
        const VkSubmitInfo info = {
            .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
            .commandBufferCount = 1,
            .pCommandBuffers = &commands,
            .signalSemaphoreCount = 1,
            .pSignalSemaphores = &semaphore,
        };
        ok(vkQueueSubmit(queue, 1, &info, NULL));
        int fd = export(semaphore);
        assert_true(readable(fd, SOON_MS));
        assert_int_equal(words[SIZE / 4 - 1], i);
        import(other, fd);                  /* which closes it */
        submit(other, 0, semaphore, fence); /* the export left it unsignalled: it is signalled again */
        await(fence);
        submit(semaphore, 0, NULL, fence);
        await(fence);
        vkDestroyCommandPool(device, pool, NULL);
    }
    vkDestroyFence(device, fence, NULL);
    vkDestroySemaphore(device, semaphore, NULL);
    vkDestroySemaphore(device, other, NULL);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
}

/* --- fences */

static int export_fence(VkFence fence) {
    const VkFenceGetFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_FENCE_GET_FD_INFO_KHR,
        .fence = fence,
        .handleType = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT};
    int fd;
    ok(vk.GetFenceFdKHR(device, &info, &fd));
    return fd;
}

static void a_fence_goes_into_its_file(void **state) {
    (void)state;
    const VkExportFenceCreateInfo types = {.sType = VK_STRUCTURE_TYPE_EXPORT_FENCE_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT};
    VkSemaphore gate = make_gate();
    VkFence fence = make_fence(&types);
    submit(gate, 1, NULL, fence);
    int fd = export_fence(fence);
    assert_true(fd >= 0);
    assert_false(readable(fd, 20));
    submit(NULL, 0, NULL, fence); /* it can be used anew at once */
    open_gate(gate);
    assert_true(readable(fd, SOON_MS));
    close(fd);
    ok(vkWaitForFences(device, 1, &fence, VK_TRUE, SOON_NS));
    fd = export_fence(fence);
    assert_true(readable(fd, SOON_MS));
    if (fd >= 0)
        close(fd);
    assert_int_equal(vkGetFenceStatus(device, fence), VK_NOT_READY);

    const VkImportFenceFdInfoKHR signalled = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_FENCE_FD_INFO_KHR,
        .fence = fence,
        .flags = VK_FENCE_IMPORT_TEMPORARY_BIT,
        .handleType = VK_EXTERNAL_FENCE_HANDLE_TYPE_SYNC_FD_BIT,
        .fd = -1,
    };
    ok(vk.ImportFenceFdKHR(device, &signalled));
    ok(vkGetFenceStatus(device, fence));
    ok(vkResetFences(device, 1, &fence));
    assert_int_equal(vkGetFenceStatus(device, fence), VK_NOT_READY);
    vkDestroyFence(device, fence, NULL);
    vkDestroySemaphore(device, gate, NULL);
}

/* --- memory */

static VkDeviceMemory allocate_exportable(VkDeviceSize size, uint32_t types) {
    VkExportMemoryAllocateInfo export = {.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
    VkDeviceMemory memory;
    ok(allocate(size, types, &export, &memory));
    return memory;
}

static int memory_fd(VkDeviceMemory memory) {
    const VkMemoryGetFdInfoKHR info = {.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
        .memory = memory,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
    int fd = -1;
    ok(vk.GetMemoryFdKHR(device, &info, &fd));
    assert_true(fd >= 0);
    return fd;
}

static void memory_is_a_file(void **state) {
    (void)state;
    enum { SIZE = 5000 };
    VkDeviceMemory memory = allocate_exportable(SIZE, UINT32_MAX), imported;
    int fd = memory_fd(memory);
    off_t end = lseek(fd, 0, SEEK_END);
    assert_true(end >= SIZE);
    char *file = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *mapped;
    assert_ptr_not_equal(file, MAP_FAILED);
    ok(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&mapped));
    strcpy(mapped + SIZE - 10, "hello");
    assert_string_equal(file + SIZE - 10, "hello");

    VkMemoryFdPropertiesKHR properties = {.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR};
    ok(vk.GetMemoryFdPropertiesKHR(device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, fd, &properties));
    assert_true(properties.memoryTypeBits != 0);
    VkImportMemoryFdInfoKHR import_info = {.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT,
        .fd = fd};
    assert_int_not_equal(
        allocate((VkDeviceSize)end + 1, properties.memoryTypeBits, &import_info, &imported), VK_SUCCESS);
    assert_int_not_equal(
        allocate(UINT64_MAX - 100, properties.memoryTypeBits, &import_info, &imported), VK_SUCCESS);
    ok(allocate(SIZE, properties.memoryTypeBits, &import_info, &imported)); /* has the fd now */
    vkFreeMemory(device, memory, NULL);
    ok(vkMapMemory(device, imported, 0, VK_WHOLE_SIZE, 0, (void **)&mapped));
    assert_string_equal(mapped + SIZE - 10, "hello");
    vkFreeMemory(device, imported, NULL);
    munmap(file, SIZE);
}

/* --- images */

enum { WIDTH = 100, HEIGHT = 60, MODIFIERS = 64 };
static const uint64_t linear = 0, nobodys = 0x00ffffffffffffff; /* DRM_FORMAT_MOD_LINEAR, _INVALID */

static VkImageCreateInfo image_info(const void *next) {
    return (VkImageCreateInfo){
        .sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO,
        .pNext = next,
        .imageType = VK_IMAGE_TYPE_2D,
        .format = VK_FORMAT_B8G8R8A8_UNORM,
        .extent = {WIDTH, HEIGHT, 1},
        .mipLevels = 1,
        .arrayLayers = 1,
        .samples = VK_SAMPLE_COUNT_1_BIT,
        .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
        .usage = VK_IMAGE_USAGE_TRANSFER_DST_BIT | VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
    };
}

static VkResult query_modifier(uint64_t modifier, VkExternalMemoryProperties *memory) {
    const VkPhysicalDeviceImageDrmFormatModifierInfoEXT modifier_info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT,
        .drmFormatModifier = modifier};
    VkPhysicalDeviceExternalImageFormatInfo external = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO,
        .pNext = &modifier_info,
        .handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
    const VkPhysicalDeviceImageFormatInfo2 info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2,
        .pNext = &external,
        .format = VK_FORMAT_B8G8R8A8_UNORM,
        .type = VK_IMAGE_TYPE_2D,
        .tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT,
        .usage = VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT,
    };
    VkExternalImageFormatProperties answer = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES};
    VkImageFormatProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2, .pNext = &answer};
    VkResult result = vkGetPhysicalDeviceImageFormatProperties2(physical, &info, &properties);
    *memory = answer.externalMemoryProperties;
    return result;
}

static void linear_is_a_modifier(void **state) {
    (void)state;
    VkDrmFormatModifierPropertiesEXT modifiers[MODIFIERS];
    VkDrmFormatModifierPropertiesListEXT list = {
        .sType = VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT};
    VkFormatProperties2 properties = {.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2, .pNext = &list};
    vkGetPhysicalDeviceFormatProperties2(physical, VK_FORMAT_B8G8R8A8_UNORM, &properties);
    assert_in_range(list.drmFormatModifierCount, 1, MODIFIERS);
    list.pDrmFormatModifierProperties = modifiers;
    vkGetPhysicalDeviceFormatProperties2(physical, VK_FORMAT_B8G8R8A8_UNORM, &properties);
    uint32_t i = 0;
    while (i < list.drmFormatModifierCount && modifiers[i].drmFormatModifier != linear)
        i++;
    assert_true(i < list.drmFormatModifierCount);
    assert_int_equal(modifiers[i].drmFormatModifierPlaneCount, 1);
    assert_true(modifiers[i].drmFormatModifierTilingFeatures & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT);

    VkExternalMemoryProperties memory;
    ok(query_modifier(linear, &memory));
    assert_true(memory.externalMemoryFeatures & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT);
    assert_int_equal(query_modifier(nobodys, &memory), VK_ERROR_FORMAT_NOT_SUPPORTED);
}

/* An image of the linear modifier in memory that is a file, and mapped. */
struct shared {
    VkImage image;
    VkDeviceMemory memory;
    VkSubresourceLayout layout;
    size_t size;
    uint8_t *file;
};

static struct shared make_shared(void) {
    VkExternalMemoryImageCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
    const VkImageDrmFormatModifierListCreateInfoEXT list = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT,
        .pNext = &external,
        .drmFormatModifierCount = 1,
        .pDrmFormatModifiers = &linear};
    VkImageCreateInfo info = image_info(&list);
    struct shared shared;
    ok(vkCreateImage(device, &info, NULL, &shared.image));
    assert_int_equal(external.handleTypes, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT);
    assert_ptr_equal(info.pNext, &list);
    VkImageDrmFormatModifierPropertiesEXT modifier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_PROPERTIES_EXT, .drmFormatModifier = nobodys};
    ok(vk.GetImageDrmFormatModifierPropertiesEXT(device, shared.image, &modifier));
    assert_int_equal(modifier.drmFormatModifier, linear);
    const VkImageSubresource plane = {.aspectMask = VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT};
    vkGetImageSubresourceLayout(device, shared.image, &plane, &shared.layout);
    assert_true(shared.layout.rowPitch >= WIDTH * 4);

    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(device, shared.image, &needs);
    assert_true(needs.size >= shared.layout.rowPitch * (HEIGHT - 1) + WIDTH * 4);
    shared.size = needs.size;
    shared.memory = allocate_exportable(needs.size, needs.memoryTypeBits);
    ok(vkBindImageMemory(device, shared.image, shared.memory, 0));
    int fd = memory_fd(shared.memory);
    shared.file = mmap(NULL, shared.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_ptr_not_equal(shared.file, MAP_FAILED);
    close(fd);
    return shared;
}

static void destroy_shared(const struct shared *shared) {
    munmap(shared->file, shared->size);
    vkDestroyImage(device, shared->image, NULL);
    vkFreeMemory(device, shared->memory, NULL);
}

static uint8_t *pixel(const struct shared *shared, uint32_t x, uint32_t y) {
    return shared->file + shared->layout.offset + y * shared->layout.rowPitch + (size_t)x * 4;
}

/* All its pixels are what fill() wrote outside and inside of the rectangle. */
static void assert_pixels(
    const struct shared *shared, const VkRect2D *inner, const char *outside, const char *inside) {
    for (uint32_t y = 0; y < HEIGHT; y++)
        for (uint32_t x = 0; x < WIDTH; x++) {
            bool within = inner && x - (uint32_t)inner->offset.x < inner->extent.width &&
                          y - (uint32_t)inner->offset.y < inner->extent.height;
            assert_memory_equal(pixel(shared, x, y), within ? inside : outside, 4);
        }
}

static const VkImageSubresourceRange colour_range = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

/* From one queue family's hands into another's; 0 is the queue's. */
static VkImageMemoryBarrier2 handover(VkImage image, VkImageLayout before, uint32_t from, uint32_t to) {
    return (VkImageMemoryBarrier2){
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER_2,
        .srcStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
        .srcAccessMask = VK_ACCESS_2_MEMORY_WRITE_BIT,
        .dstStageMask = VK_PIPELINE_STAGE_2_ALL_COMMANDS_BIT,
        .dstAccessMask = VK_ACCESS_2_MEMORY_READ_BIT | VK_ACCESS_2_MEMORY_WRITE_BIT,
        .oldLayout = before,
        .newLayout = VK_IMAGE_LAYOUT_GENERAL,
        .srcQueueFamilyIndex = from,
        .dstQueueFamilyIndex = to,
        .image = image,
        .subresourceRange = colour_range,
    };
}

static void barrier2(VkCommandBuffer commands, uint32_t count, const VkImageMemoryBarrier2 *images) {
    const VkDependencyInfo info = {.sType = VK_STRUCTURE_TYPE_DEPENDENCY_INFO,
        .imageMemoryBarrierCount = count,
        .pImageMemoryBarriers = images};
    vkCmdPipelineBarrier2(commands, &info);
}

/* The same, as Vulkan 1.0 has it. */
static void barrier(VkCommandBuffer commands, const VkImageMemoryBarrier2 *image) {
    const VkImageMemoryBarrier same = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = (VkAccessFlags)image->srcAccessMask,
        .dstAccessMask = (VkAccessFlags)image->dstAccessMask,
        .oldLayout = image->oldLayout,
        .newLayout = image->newLayout,
        .srcQueueFamilyIndex = image->srcQueueFamilyIndex,
        .dstQueueFamilyIndex = image->dstQueueFamilyIndex,
        .image = image->image,
        .subresourceRange = image->subresourceRange,
    };
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0,
        0, NULL, 0, NULL, 1, &same);
}

static void end_commands(VkCommandPool pool, VkCommandBuffer commands) {
    ok(vkEndCommandBuffer(commands));
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1, .pCommandBuffers = &commands};
    ok(vkQueueSubmit(queue, 1, &info, NULL));
    ok(vkQueueWaitIdle(queue));
    vkDestroyCommandPool(device, pool, NULL);
}

static const uint32_t ours = VK_QUEUE_FAMILY_IGNORED, theirs = VK_QUEUE_FAMILY_EXTERNAL;

/* As a compositor sees it: the pixels are in the exported file, where the layout says. */
static void an_image_is_drawn_into_its_file(void **state) {
    (void)state;
    struct shared shared = make_shared();
    VkCommandPool pool;
    VkCommandBuffer commands = begin_commands(&pool);
    VkImageMemoryBarrier2 change = handover(shared.image, VK_IMAGE_LAYOUT_UNDEFINED, ours, ours);
    barrier(commands, &change);
    vkCmdClearColorImage(commands, shared.image, VK_IMAGE_LAYOUT_GENERAL,
        &(VkClearColorValue){.float32 = {1, 0.2f, 0, 1}}, 1, &colour_range);
    change = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    barrier(commands, &change);
    end_commands(pool, commands);
    assert_pixels(&shared, NULL, "\x00\x33\xff\xff", NULL);

    /* The layout can be asked for, and no other. */
    VkExternalMemoryImageCreateInfo external = {.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO,
        .handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
    VkSubresourceLayout planes = {.rowPitch = shared.layout.rowPitch};
    const VkImageDrmFormatModifierExplicitCreateInfoEXT wanted = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT,
        .pNext = &external,
        .drmFormatModifier = linear,
        .drmFormatModifierPlaneCount = 1,
        .pPlaneLayouts = &planes};
    VkImage other;
    VkImageCreateInfo info = image_info(&wanted);
    ok(vkCreateImage(device, &info, NULL, &other));
    vkDestroyImage(device, other, NULL);
    planes.rowPitch = 16;
    assert_int_equal(
        vkCreateImage(device, &info, NULL, &other), VK_ERROR_INVALID_DRM_FORMAT_MODIFIER_PLANE_LAYOUT_EXT);
    destroy_shared(&shared);
}

/* An image of the driver's own with its view. */
struct drawn {
    VkImage image;
    VkDeviceMemory memory;
    VkImageView view;
};

static VkImageView make_view(VkImage image, VkFormat format, VkImageAspectFlags aspect) {
    const VkImageViewCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO,
        .image = image,
        .viewType = VK_IMAGE_VIEW_TYPE_2D,
        .format = format,
        .subresourceRange = {aspect, 0, 1, 0, 1},
    };
    VkImageView view;
    ok(vkCreateImageView(device, &info, NULL, &view));
    return view;
}

static struct drawn make_depth(void) {
    VkImageCreateInfo info = image_info(NULL);
    info.format = VK_FORMAT_D16_UNORM;
    info.tiling = VK_IMAGE_TILING_OPTIMAL;
    info.usage = VK_IMAGE_USAGE_DEPTH_STENCIL_ATTACHMENT_BIT;
    struct drawn depth;
    ok(vkCreateImage(device, &info, NULL, &depth.image));
    VkMemoryRequirements needs;
    vkGetImageMemoryRequirements(device, depth.image, &needs);
    const VkMemoryAllocateInfo allocate_info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
        .allocationSize = needs.size,
        .memoryTypeIndex = (uint32_t)__builtin_ctz(needs.memoryTypeBits),
    };
    ok(vkAllocateMemory(device, &allocate_info, NULL, &depth.memory));
    ok(vkBindImageMemory(device, depth.image, depth.memory, 0));
    depth.view = make_view(depth.image, info.format, VK_IMAGE_ASPECT_DEPTH_BIT);
    return depth;
}

static void destroy_drawn(const struct drawn *drawn) {
    vkDestroyImageView(device, drawn->view, NULL);
    vkDestroyImage(device, drawn->image, NULL);
    vkFreeMemory(device, drawn->memory, NULL);
}

/* Fills the rectangle with red, beside a depth attachment; the rest becomes blue, or stays if that is wanted.
 */
static void draw(VkCommandBuffer commands, VkImageView colour, VkImageView depth, const VkRect2D *inner,
    VkAttachmentLoadOp rest) {
    const VkRenderingAttachmentInfo attachment = {
        .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
        .imageView = colour,
        .imageLayout = VK_IMAGE_LAYOUT_GENERAL,
        .loadOp = rest,
        .storeOp = VK_ATTACHMENT_STORE_OP_STORE,
        .clearValue.color.float32 = {0, 0, 1, 1},
    };
    const VkRenderingAttachmentInfo depth_attachment = {
        .sType = VK_STRUCTURE_TYPE_RENDERING_ATTACHMENT_INFO,
        .imageView = depth,
        .imageLayout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL,
        .loadOp = VK_ATTACHMENT_LOAD_OP_CLEAR,
        .storeOp = VK_ATTACHMENT_STORE_OP_DONT_CARE,
    };
    const VkRenderingInfo rendering = {
        .sType = VK_STRUCTURE_TYPE_RENDERING_INFO,
        .renderArea = {{0, 0}, {WIDTH, HEIGHT}},
        .layerCount = 1,
        .colorAttachmentCount = 1,
        .pColorAttachments = &attachment,
        .pDepthAttachment = &depth_attachment,
    };
    const VkClearAttachment red = {
        .aspectMask = VK_IMAGE_ASPECT_COLOR_BIT, .clearValue.color.float32 = {1, 0, 0, 1}};
    const VkClearRect rect = {.rect = *inner, .layerCount = 1};
    vkCmdBeginRendering(commands, &rendering);
    vkCmdClearAttachments(commands, 1, &red, 1, &rect);
    vkCmdEndRendering(commands);
}

/* A picture goes to and fro: what was drawn is in the file, what is written to the file is drawn upon. */
static void an_image_changes_hands_with_its_pixels(void **state) {
    (void)state;
    struct shared shared = make_shared(), other = make_shared();
    struct drawn depth = make_depth();
    VkImageView view = make_view(shared.image, VK_FORMAT_B8G8R8A8_UNORM, VK_IMAGE_ASPECT_COLOR_BIT);
    const VkRect2D left = {{5, 7}, {30, 40}}, all = {{0, 0}, {WIDTH, HEIGHT}};

    VkCommandPool pool;
    VkCommandBuffer commands = begin_commands(&pool);
    VkImageMemoryBarrier2 changes[3] = {
        handover(shared.image, VK_IMAGE_LAYOUT_UNDEFINED, ours, ours),
        handover(other.image, VK_IMAGE_LAYOUT_UNDEFINED, ours, ours),
        handover(depth.image, VK_IMAGE_LAYOUT_UNDEFINED, ours, ours),
    };
    changes[2].newLayout = VK_IMAGE_LAYOUT_DEPTH_STENCIL_ATTACHMENT_OPTIMAL;
    changes[2].subresourceRange.aspectMask = VK_IMAGE_ASPECT_DEPTH_BIT;
    barrier2(commands, 3, changes);
    draw(commands, view, depth.view, &left, VK_ATTACHMENT_LOAD_OP_CLEAR);
    vkCmdClearColorImage(commands, other.image, VK_IMAGE_LAYOUT_GENERAL,
        &(VkClearColorValue){.float32 = {0, 1, 0, 1}}, 1, &colour_range);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    changes[1] = changes[2];
    changes[1].oldLayout = changes[1].newLayout;
    changes[2] = handover(other.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    barrier2(commands, 3, changes);
    end_commands(pool, commands);
    assert_pixels(&shared, &left, "\xff\x00\x00\xff", "\x00\x00\xff\xff");
    assert_pixels(&other, NULL, "\x00\xff\x00\xff", NULL);

    for (uint32_t y = 0; y < HEIGHT; y++)
        memset(pixel(&shared, 0, y), 0x80, WIDTH * 4);
    commands = begin_commands(&pool);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, theirs, 0);
    changes[1] = handover(other.image, VK_IMAGE_LAYOUT_UNDEFINED, theirs, 0);
    barrier2(commands, 2, changes);
    draw(commands, view, depth.view, &left, VK_ATTACHMENT_LOAD_OP_LOAD);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    barrier(commands, &changes[0]);
    end_commands(pool, commands);
    assert_pixels(&shared, &left, "\x80\x80\x80\x80", "\x00\x00\xff\xff");

    /* It stays what it was with others, and the driver is told so. */
    const VkExternalMemoryAcquireUnmodifiedEXT unmodified = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_ACQUIRE_UNMODIFIED_EXT,
        .acquireUnmodifiedMemory = VK_TRUE};
    commands = begin_commands(&pool);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, theirs, 0);
    changes[0].pNext = &unmodified;
    barrier2(commands, 1, changes);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    barrier2(commands, 1, changes);
    end_commands(pool, commands);
    assert_pixels(&shared, &left, "\x80\x80\x80\x80", "\x00\x00\xff\xff");

    commands = begin_commands(&pool);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, theirs, 0);
    barrier(commands, &changes[0]);
    draw(commands, view, depth.view, &all, VK_ATTACHMENT_LOAD_OP_DONT_CARE);
    changes[0] = handover(shared.image, VK_IMAGE_LAYOUT_GENERAL, 0, theirs);
    barrier(commands, &changes[0]);
    end_commands(pool, commands);
    assert_pixels(&shared, NULL, "\x00\x00\xff\xff", NULL);

    vkDestroyImageView(device, view, NULL);
    destroy_drawn(&depth);
    destroy_shared(&shared);
    destroy_shared(&other);
}

/* Only lavapipe: its answers do not depend on the host. */
static void choose_driver(void) {
    DIR *dir = *VULKAN_DRIVERS ? opendir(VULKAN_DRIVERS) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        static char path[512];
        snprintf(path, sizeof path, "%s/%s", VULKAN_DRIVERS, entry->d_name);
        if (strncmp(entry->d_name, "lvp", 3) == 0)
            setenv("VK_DRIVER_FILES", path, 0);
    }
    if (dir)
        closedir(dir);
    setenv("VK_ADD_IMPLICIT_LAYER_PATH", LAYER_DIR, 1);
}

static int run(const char *name) {
    if (!open_device())
        return SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_what_venus_asks_for),
        cmocka_unit_test(a_signalled_import_ends_one_wait),
        cmocka_unit_test(the_permanent_payload_comes_back),
        cmocka_unit_test(an_export_follows_the_signal),
        cmocka_unit_test(a_fence_goes_into_its_file),
        cmocka_unit_test(memory_is_a_file),
        cmocka_unit_test(linear_is_a_modifier),
        cmocka_unit_test(an_image_is_drawn_into_its_file),
        cmocka_unit_test(an_image_changes_hands_with_its_pixels),
    };
    int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
    vkDestroyDevice(device, NULL);
    vkDestroyInstance(instance, NULL);
    return failed;
}

int main(void) {
    choose_driver();
    int status = run("as the driver needs it");
    if (status == SKIPPED) {
        puts("this host has no Vulkan driver");
        return SKIPPED;
    }
    setenv("PEARVISOR_LAYER_TILES", "1", 1);
    return run("drawing to tiled images") || status;
}
