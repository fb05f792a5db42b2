/* dma_buf memory for drivers without it: a memfd that the driver imports as host memory
 * (VK_EXT_external_memory_host), so that the file can be mapped by everybody and has a size. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gpu/layer/layer.h"

enum { LARGEST_GUEST_PAGE = 64 << 10 }; /* a guest maps whole pages of its own: the file must have them */

static const VkExternalMemoryHandleTypeFlagBits host_memory =
    VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;

struct memory {
    struct object object;
    void *data;
    size_t size;
    int fd;
};

static uint64_t align_up(uint64_t size, uint64_t alignment) {
    return (size + alignment - 1) & ~(alignment - 1);
}

VkExternalMemoryHandleTypeFlags memory_driver_types(VkExternalMemoryHandleTypeFlags types) {
    return types & VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT ? host_memory : types;
}

static void memory_unmap(struct memory *memory) {
    if (!memory)
        return;
    if (memory->data)
        munmap(memory->data, memory->size);
    if (memory->fd >= 0)
        close(memory->fd);
    free(memory);
}

/* The file's, if it is large enough. fd stays the caller's. */
static struct memory *memory_map(const struct device *device, int fd, VkDeviceSize size) {
    off_t end = lseek(fd, 0, SEEK_END);
    size = align_up(size, device->host_alignment);
    struct memory *memory = end >= 0 && (uint64_t)end >= size ? calloc(1, sizeof *memory) : NULL;
    if (!memory)
        return NULL;
    memory->size = size;
    memory->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    memory->data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory->data == MAP_FAILED)
        memory->data = NULL;
    if (memory->fd < 0 || !memory->data) {
        memory_unmap(memory);
        return NULL;
    }
    madvise(memory->data, size, MADV_HUGEPAGE); /* a driver may pin it page by page */
    return memory;
}

static int make_file(const struct device *device, VkDeviceSize size) {
    uint64_t page = device->host_alignment > LARGEST_GUEST_PAGE ? device->host_alignment : LARGEST_GUEST_PAGE;
    if (size > INT64_MAX / 2)
        return -1;
    int fd = memfd_create("pearvisor-gpu", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && (ftruncate(fd, (off_t)align_up(size, page)) != 0 ||
                       fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static VkResult host_types(const struct device *device, const void *data, uint32_t *types) {
    VkMemoryHostPointerPropertiesEXT properties = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
    VkResult result =
        device->vk.GetMemoryHostPointerPropertiesEXT(device->handle, host_memory, data, &properties);
    *types = properties.memoryTypeBits;
    return result;
}

static VkResult allocate_imported(struct device *device, const VkMemoryAllocateInfo *info,
    const VkAllocationCallbacks *allocator, struct memory *memory, VkDeviceMemory *out) {
    uint32_t types;
    VkResult result = host_types(device, memory->data, &types);
    if (result != VK_SUCCESS)
        return result;
    if (!types)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;

    /* What spoke of files goes, and so does a dedicated image: host memory is nobody's. */
    static const VkStructureType not_the_drivers[] = {VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO,
        VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO};
    enum { KINDS = sizeof not_the_drivers / sizeof not_the_drivers[0] };
    VkBaseInStructure *before[KINDS], *taken[KINDS];
    for (int i = 0; i < KINDS; i++)
        before[i] = chain_unlink(info, not_the_drivers[i], &taken[i]);
    VkImportMemoryHostPointerInfoEXT import = {
        .sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT,
        .pNext = info->pNext,
        .handleType = host_memory,
        .pHostPointer = memory->data,
    };
    VkMemoryAllocateInfo allocate = *info;
    allocate.pNext = &import;
    allocate.allocationSize = memory->size;
    /* Mesa asks for the device's own memory for a swapchain, which is not mapped, and so can be any other. */
    if (!(types >> info->memoryTypeIndex & 1))
        allocate.memoryTypeIndex = (uint32_t)__builtin_ctz(types);
    result = device->vk.AllocateMemory(device->handle, &allocate, allocator, out);
    for (int i = KINDS - 1; i >= 0; i--)
        chain_relink(before[i], taken[i]);
    return result;
}

static VkResult allocate_drivers(struct device *device, const VkMemoryAllocateInfo *info,
    const VkAllocationCallbacks *allocator, VkDeviceMemory *out) {
    VkMemoryDedicatedAllocateInfo *dedicated =
        chain_find(info, VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO);
    VkImage image = dedicated ? dedicated->image : VK_NULL_HANDLE;
    if (image)
        dedicated->image = tiled_linear(device, image);
    VkResult result = device->vk.AllocateMemory(device->handle, info, allocator, out);
    if (image)
        dedicated->image = image;
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL allocate_memory(VkDevice handle, const VkMemoryAllocateInfo *info,
    const VkAllocationCallbacks *allocator, VkDeviceMemory *out) {
    struct device *device = device_of(handle);
    const VkImportMemoryFdInfoKHR *import = chain_find(info, VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR);
    const VkExportMemoryAllocateInfo *export =
        chain_find(info, VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO);
    bool imports = import && import->handleType == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    bool exports = export && export->handleTypes & VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
    if (!imports && !exports)
        return allocate_drivers(device, info, allocator, out);

    int fd = imports ? import->fd : make_file(device, info->allocationSize);
    struct memory *memory = fd < 0 ? NULL : memory_map(device, fd, info->allocationSize);
    VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (memory)
        result = allocate_imported(device, info, allocator, memory, out);
    else if (imports)
        result = VK_ERROR_INVALID_EXTERNAL_HANDLE;
    if (result != VK_SUCCESS) {
        memory_unmap(memory);
        if (!imports && fd >= 0)
            close(fd);
        return result;
    }
    close(fd); /* an import's is the implementation's from here on */
    memory->object.handle = (uintptr_t)*out;
    pthread_mutex_lock(&device->lock);
    table_add(&device->memories, &memory->object);
    pthread_mutex_unlock(&device->lock);
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL free_memory(
    VkDevice handle, VkDeviceMemory memory, const VkAllocationCallbacks *allocator) {
    struct device *device = device_of(handle);
    pthread_mutex_lock(&device->lock);
    struct memory *known = (struct memory *)table_take(&device->memories, (uintptr_t)memory);
    pthread_mutex_unlock(&device->lock);
    device->vk.FreeMemory(handle, memory, allocator);
    memory_unmap(known);
}

static VKAPI_ATTR VkResult VKAPI_CALL get_memory_fd(
    VkDevice handle, const VkMemoryGetFdInfoKHR *info, int *fd) {
    struct device *device = device_of(handle);
    *fd = -1;
    pthread_mutex_lock(&device->lock);
    struct memory *known = (struct memory *)table_find(&device->memories, (uintptr_t)info->memory);
    if (known)
        *fd = fcntl(known->fd, F_DUPFD_CLOEXEC, 0);
    pthread_mutex_unlock(&device->lock);
    if (known)
        return *fd < 0 ? VK_ERROR_TOO_MANY_OBJECTS : VK_SUCCESS;
    return device->vk.GetMemoryFdKHR ? device->vk.GetMemoryFdKHR(handle, info, fd)
                                     : VK_ERROR_OUT_OF_HOST_MEMORY;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_memory_fd_properties(
    VkDevice handle, VkExternalMemoryHandleTypeFlagBits type, int fd, VkMemoryFdPropertiesKHR *properties) {
    struct device *device = device_of(handle);
    if (type != VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT)
        return device->vk.GetMemoryFdPropertiesKHR
                   ? device->vk.GetMemoryFdPropertiesKHR(handle, type, fd, properties)
                   : VK_ERROR_INVALID_EXTERNAL_HANDLE;
    struct memory *memory = memory_map(device, fd, 1);
    if (!memory)
        return VK_ERROR_INVALID_EXTERNAL_HANDLE;
    VkResult result = host_types(device, memory->data, &properties->memoryTypeBits);
    memory_unmap(memory);
    return result;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_buffer(VkDevice handle, const VkBufferCreateInfo *info,
    const VkAllocationCallbacks *allocator, VkBuffer *buffer) {
    struct device *device = device_of(handle);
    VkExternalMemoryBufferCreateInfo *external =
        chain_find(info, VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
    VkExternalMemoryHandleTypeFlags types = external ? external->handleTypes : 0;
    if (external)
        external->handleTypes = memory_driver_types(types);
    VkResult result = device->vk.CreateBuffer(handle, info, allocator, buffer);
    if (external)
        external->handleTypes = types;
    return result;
}

const struct hook memory_hooks[] = {
    HOOK("AllocateMemory", allocate_memory, LENT_DMA_BUF),
    HOOK("FreeMemory", free_memory, LENT_DMA_BUF),
    HOOK("GetMemoryFdKHR", get_memory_fd, LENT_DMA_BUF, true),
    HOOK("GetMemoryFdPropertiesKHR", get_memory_fd_properties, LENT_DMA_BUF, true),
    HOOK("CreateBuffer", create_buffer, LENT_DMA_BUF),
    {0},
};
