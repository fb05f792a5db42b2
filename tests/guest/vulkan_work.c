/* Vulkan without a screen, for a guest and for its host alike: what is asked for is done, checked and timed.
 *   vulkan_work compute ROUNDS   1 M words through ROUNDS rounds of xorshift, compared with the CPU's
 *   vulkan_work submit COUNT     empty submissions with a fence, waited for one by one
 *   vulkan_work map COUNT        64 MiB of host-visible memory mapped; the first map of each is timed
 *   vulkan_work devices COUNT    devices with a queue, memory and a submission, made and destroyed
 * It prints a line "NAME key=value..." and fails on the first thing that is wrong. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#define FUNCTIONS(X)                                                                                         \
    X(CreateInstance)                                                                                        \
    X(DestroyInstance)                                                                                       \
    X(EnumeratePhysicalDevices)                                                                              \
    X(GetPhysicalDeviceMemoryProperties)                                                                     \
    X(CreateDevice)                                                                                          \
    X(DestroyDevice)                                                                                         \
    X(GetDeviceQueue)                                                                                        \
    X(QueueSubmit)                                                                                           \
    X(CreateFence)                                                                                           \
    X(DestroyFence)                                                                                          \
    X(WaitForFences)                                                                                         \
    X(ResetFences)                                                                                           \
    X(CreateBuffer)                                                                                          \
    X(DestroyBuffer)                                                                                         \
    X(GetBufferMemoryRequirements)                                                                           \
    X(AllocateMemory)                                                                                        \
    X(FreeMemory)                                                                                            \
    X(BindBufferMemory)                                                                                      \
    X(MapMemory)                                                                                             \
    X(UnmapMemory)                                                                                           \
    X(CreateShaderModule)                                                                                    \
    X(DestroyShaderModule)                                                                                   \
    X(CreateDescriptorSetLayout)                                                                             \
    X(DestroyDescriptorSetLayout)                                                                            \
    X(CreatePipelineLayout)                                                                                  \
    X(DestroyPipelineLayout)                                                                                 \
    X(CreateComputePipelines)                                                                                \
    X(DestroyPipeline)                                                                                       \
    X(CreateDescriptorPool)                                                                                  \
    X(DestroyDescriptorPool)                                                                                 \
    X(AllocateDescriptorSets)                                                                                \
    X(UpdateDescriptorSets)                                                                                  \
    X(CreateCommandPool)                                                                                     \
    X(DestroyCommandPool)                                                                                    \
    X(AllocateCommandBuffers)                                                                                \
    X(BeginCommandBuffer)                                                                                    \
    X(EndCommandBuffer)                                                                                      \
    X(CmdBindPipeline)                                                                                       \
    X(CmdBindDescriptorSets)                                                                                 \
    X(CmdPushConstants)                                                                                      \
    X(CmdDispatch)                                                                                           \
    X(CmdPipelineBarrier)

#define DECLARE(name) static PFN_vk##name vk##name;
FUNCTIONS(DECLARE)

static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;

static void check(VkResult result, const char *what) {
    if (result != VK_SUCCESS) {
        printf("FAILED %s: %d\n", what, result);
        exit(1);
    }
}
#define ok(call) check(call, #call)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) {
    return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static void print_times(const char *name, double *seconds, unsigned count) {
    qsort(seconds, count, sizeof *seconds, by_size);
    printf("%s count=%u min_us=%.1f median_us=%.1f p999_us=%.1f max_us=%.1f\n", name, count, seconds[0] * 1e6,
        seconds[count / 2] * 1e6, seconds[count * 999ull / 1000] * 1e6, seconds[count - 1] * 1e6);
}

static void open_instance(void) {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW);
    if (!library) {
        printf("FAILED %s\n", dlerror());
        exit(1);
    }
    PFN_vkGetInstanceProcAddr get = (PFN_vkGetInstanceProcAddr)dlsym(library, "vkGetInstanceProcAddr");
    vkCreateInstance = (PFN_vkCreateInstance)get(NULL, "vkCreateInstance");
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO, .apiVersion = VK_API_VERSION_1_1};
    const VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO, .pApplicationInfo = &application};
    ok(vkCreateInstance(&info, NULL, &instance));
#define LOAD(name) vk##name = (PFN_vk##name)get(instance, "vk" #name);
    FUNCTIONS(LOAD)
    uint32_t count = 1;
    VkResult result = vkEnumeratePhysicalDevices(instance, &count, &physical);
    if (result < 0 || count == 0)
        check(VK_ERROR_INITIALIZATION_FAILED, "no physical device");
}

static void open_device(void) {
    const float priority = 1;
    const VkDeviceQueueCreateInfo queues = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO, .queueCount = 1, .pQueuePriorities = &priority};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queues};
    ok(vkCreateDevice(physical, &info, NULL, &device));
    vkGetDeviceQueue(device, 0, 0, &queue);
}

static VkDeviceMemory allocate(VkDeviceSize size, uint32_t types) {
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(physical, &memory);
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    uint32_t type = 0;
    while (type < memory.memoryTypeCount &&
           (!(types >> type & 1) || (memory.memoryTypes[type].propertyFlags & wanted) != wanted))
        type++;
    const VkMemoryAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, .allocationSize = size, .memoryTypeIndex = type};
    VkDeviceMemory allocated;
    ok(vkAllocateMemory(device, &info, NULL, &allocated));
    return allocated;
}

static VkFence make_fence(void) {
    const VkFenceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    VkFence fence;
    ok(vkCreateFence(device, &info, NULL, &fence));
    return fence;
}

static void submit_and_wait(const VkCommandBuffer *commands, VkFence fence) {
    const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = commands != NULL,
        .pCommandBuffers = commands};
    ok(vkQueueSubmit(queue, 1, &info, fence));
    ok(vkWaitForFences(device, 1, &fence, VK_TRUE, UINT64_MAX));
    ok(vkResetFences(device, 1, &fence));
}

/* --- compute */

/* #version 450
 * layout(local_size_x = 64) in;
 * layout(binding = 0) buffer B { uint v[]; };
 * layout(push_constant) uniform P { uint rounds; };
 * void main() {
 *     uint x = v[gl_GlobalInvocationID.x];
 *     for (uint i = 0; i < rounds; i++) { x ^= x << 13; x ^= x >> 17; x ^= x << 5; }
 *     v[gl_GlobalInvocationID.x] = x;
 * } */
static const uint32_t shader[] = {
    0x7230203,
    0x10000,
    0x8000b,
    0x41,
    0,
    0x20011,
    1,
    0x6000b,
    1,
    0x4c534c47,
    0x6474732e,
    0x3035342e,
    0,
    0x3000e,
    0,
    1,
    0x6000f,
    5,
    4,
    0x6e69616d,
    0,
    0x11,
    0x60010,
    4,
    0x11,
    0x40,
    1,
    1,
    0x40047,
    9,
    6,
    4,
    0x30047,
    0xa,
    3,
    0x50048,
    0xa,
    0,
    0x23,
    0,
    0x40047,
    0xc,
    0x21,
    0,
    0x40047,
    0xc,
    0x22,
    0,
    0x40047,
    0x11,
    0xb,
    0x1c,
    0x30047,
    0x20,
    2,
    0x50048,
    0x20,
    0,
    0x23,
    0,
    0x40047,
    0x40,
    0xb,
    0x19,
    0x20013,
    2,
    0x30021,
    3,
    2,
    0x40015,
    6,
    0x20,
    0,
    0x40020,
    7,
    7,
    6,
    0x3001d,
    9,
    6,
    0x3001e,
    0xa,
    9,
    0x40020,
    0xb,
    2,
    0xa,
    0x4003b,
    0xb,
    0xc,
    2,
    0x40015,
    0xd,
    0x20,
    1,
    0x4002b,
    0xd,
    0xe,
    0,
    0x40017,
    0xf,
    6,
    3,
    0x40020,
    0x10,
    1,
    0xf,
    0x4003b,
    0x10,
    0x11,
    1,
    0x4002b,
    6,
    0x12,
    0,
    0x40020,
    0x13,
    1,
    6,
    0x40020,
    0x16,
    2,
    6,
    0x3001e,
    0x20,
    6,
    0x40020,
    0x21,
    9,
    0x20,
    0x4003b,
    0x21,
    0x22,
    9,
    0x40020,
    0x23,
    9,
    6,
    0x20014,
    0x26,
    0x4002b,
    0xd,
    0x29,
    0xd,
    0x4002b,
    0xd,
    0x2e,
    0x11,
    0x4002b,
    0xd,
    0x33,
    5,
    0x4002b,
    0xd,
    0x38,
    1,
    0x4002b,
    6,
    0x3e,
    0x40,
    0x4002b,
    6,
    0x3f,
    1,
    0x6002c,
    0xf,
    0x40,
    0x3e,
    0x3f,
    0x3f,
    0x50036,
    2,
    4,
    0,
    3,
    0x200f8,
    5,
    0x4003b,
    7,
    8,
    7,
    0x4003b,
    7,
    0x19,
    7,
    0x50041,
    0x13,
    0x14,
    0x11,
    0x12,
    0x4003d,
    6,
    0x15,
    0x14,
    0x60041,
    0x16,
    0x17,
    0xc,
    0xe,
    0x15,
    0x4003d,
    6,
    0x18,
    0x17,
    0x3003e,
    8,
    0x18,
    0x3003e,
    0x19,
    0x12,
    0x200f9,
    0x1a,
    0x200f8,
    0x1a,
    0x400f6,
    0x1c,
    0x1d,
    0,
    0x200f9,
    0x1e,
    0x200f8,
    0x1e,
    0x4003d,
    6,
    0x1f,
    0x19,
    0x50041,
    0x23,
    0x24,
    0x22,
    0xe,
    0x4003d,
    6,
    0x25,
    0x24,
    0x500b0,
    0x26,
    0x27,
    0x1f,
    0x25,
    0x400fa,
    0x27,
    0x1b,
    0x1c,
    0x200f8,
    0x1b,
    0x4003d,
    6,
    0x28,
    8,
    0x500c4,
    6,
    0x2a,
    0x28,
    0x29,
    0x4003d,
    6,
    0x2b,
    8,
    0x500c6,
    6,
    0x2c,
    0x2b,
    0x2a,
    0x3003e,
    8,
    0x2c,
    0x4003d,
    6,
    0x2d,
    8,
    0x500c2,
    6,
    0x2f,
    0x2d,
    0x2e,
    0x4003d,
    6,
    0x30,
    8,
    0x500c6,
    6,
    0x31,
    0x30,
    0x2f,
    0x3003e,
    8,
    0x31,
    0x4003d,
    6,
    0x32,
    8,
    0x500c4,
    6,
    0x34,
    0x32,
    0x33,
    0x4003d,
    6,
    0x35,
    8,
    0x500c6,
    6,
    0x36,
    0x35,
    0x34,
    0x3003e,
    8,
    0x36,
    0x200f9,
    0x1d,
    0x200f8,
    0x1d,
    0x4003d,
    6,
    0x37,
    0x19,
    0x50080,
    6,
    0x39,
    0x37,
    0x38,
    0x3003e,
    0x19,
    0x39,
    0x200f9,
    0x1a,
    0x200f8,
    0x1c,
    0x50041,
    0x13,
    0x3a,
    0x11,
    0x12,
    0x4003d,
    6,
    0x3b,
    0x3a,
    0x4003d,
    6,
    0x3c,
    8,
    0x60041,
    0x16,
    0x3d,
    0xc,
    0xe,
    0x3b,
    0x3003e,
    0x3d,
    0x3c,
    0x100fd,
    0x10038,
};

enum { WORDS = 1 << 20, GROUP = 64 };

static void record(VkCommandBuffer commands, VkPipeline pipeline, VkPipelineLayout layout,
    VkDescriptorSet set, uint32_t rounds) {
    const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    const VkMemoryBarrier to_host = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_HOST_READ_BIT};
    ok(vkBeginCommandBuffer(commands, &begin));
    vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
    vkCmdPushConstants(commands, layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof rounds, &rounds);
    vkCmdDispatch(commands, WORDS / GROUP, 1, 1);
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
        &to_host, 0, NULL, 0, NULL);
    ok(vkEndCommandBuffer(commands));
}

static void fill(uint32_t *words) {
    for (uint32_t i = 0; i < WORDS; i++)
        words[i] = i * 2654435761u + 1;
}

static uint32_t step(uint32_t x) {
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ x << 5;
}

/* What ROUNDS steps make of each bit. A step is linear (its every output bit is a XOR of input bits), so that
 * what becomes of a word is the XOR of what becomes of its bits, and twice as many steps take one more
 * multiplication. */
struct matrix {
    uint32_t of_bit[32];
};

static uint32_t apply(const struct matrix *m, uint32_t x) {
    uint32_t sum = 0;
    for (int bit = 0; bit < 32; bit++)
        sum ^= (x >> bit & 1) ? m->of_bit[bit] : 0;
    return sum;
}

static struct matrix multiply(const struct matrix *a, const struct matrix *b) {
    struct matrix product;
    for (int bit = 0; bit < 32; bit++)
        product.of_bit[bit] = apply(a, b->of_bit[bit]);
    return product;
}

static struct matrix steps(uint32_t rounds) {
    struct matrix all, power;
    for (int bit = 0; bit < 32; bit++) {
        all.of_bit[bit] = 1u << bit;
        power.of_bit[bit] = step(1u << bit);
    }
    for (; rounds; rounds >>= 1) {
        if (rounds & 1)
            all = multiply(&power, &all);
        power = multiply(&power, &power);
    }
    return all;
}

static int compare(const uint32_t *words, uint32_t rounds) {
    const struct matrix all = steps(rounds);
    for (uint32_t i = 0; i < WORDS; i++) {
        uint32_t x = apply(&all, i * 2654435761u + 1);
        if (words[i] != x) {
            printf("FAILED compute: word %u is %08x and not %08x\n", i, words[i], x);
            return 1;
        }
    }
    return 0;
}

static int compute(unsigned rounds) {
    enum { RUNS = 5 };
    open_device();
    const VkBufferCreateInfo buffer_info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = WORDS * 4,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
    VkBuffer buffer;
    VkMemoryRequirements needs;
    ok(vkCreateBuffer(device, &buffer_info, NULL, &buffer));
    vkGetBufferMemoryRequirements(device, buffer, &needs);
    VkDeviceMemory memory = allocate(needs.size, needs.memoryTypeBits);
    ok(vkBindBufferMemory(device, buffer, memory, 0));
    uint32_t *words;
    ok(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)&words));

    const VkShaderModuleCreateInfo module_info = {
        .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO, .codeSize = sizeof shader, .pCode = shader};
    VkShaderModule module;
    ok(vkCreateShaderModule(device, &module_info, NULL, &module));
    const VkDescriptorSetLayoutBinding binding = {.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .descriptorCount = 1,
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT};
    const VkDescriptorSetLayoutCreateInfo set_info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 1,
        .pBindings = &binding};
    VkDescriptorSetLayout set_layout;
    ok(vkCreateDescriptorSetLayout(device, &set_info, NULL, &set_layout));
    const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 4};
    const VkPipelineLayoutCreateInfo layout_info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &set_layout,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range};
    VkPipelineLayout layout;
    ok(vkCreatePipelineLayout(device, &layout_info, NULL, &layout));
    const VkComputePipelineCreateInfo pipeline_info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .module = module,
            .pName = "main"},
        .layout = layout};
    VkPipeline pipeline;
    ok(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &pipeline_info, NULL, &pipeline));
    const VkDescriptorPoolSize pool_size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1};
    const VkDescriptorPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .maxSets = 1,
        .poolSizeCount = 1,
        .pPoolSizes = &pool_size};
    VkDescriptorPool pool;
    ok(vkCreateDescriptorPool(device, &pool_info, NULL, &pool));
    const VkDescriptorSetAllocateInfo allocate_info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = pool,
        .descriptorSetCount = 1,
        .pSetLayouts = &set_layout};
    VkDescriptorSet set;
    ok(vkAllocateDescriptorSets(device, &allocate_info, &set));
    const VkDescriptorBufferInfo whole = {buffer, 0, VK_WHOLE_SIZE};
    const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
        .dstSet = set,
        .descriptorCount = 1,
        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
        .pBufferInfo = &whole};
    vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
    const VkCommandPoolCreateInfo commands_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
    VkCommandPool command_pool;
    ok(vkCreateCommandPool(device, &commands_info, NULL, &command_pool));
    const VkCommandBufferAllocateInfo command_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .commandPool = command_pool,
        .commandBufferCount = 1};
    VkCommandBuffer commands;
    ok(vkAllocateCommandBuffers(device, &command_info, &commands));
    record(commands, pipeline, layout, set, rounds);

    VkFence fence = make_fence();
    double seconds[RUNS];
    int failed = 0;
    for (int i = 0; i < RUNS; i++) {
        fill(words);
        double start = now();
        submit_and_wait(&commands, fence);
        seconds[i] = now() - start;
        failed |= compare(words, rounds);
    }
    print_times("compute", seconds, RUNS);
    vkDestroyFence(device, fence, NULL);
    vkDestroyCommandPool(device, command_pool, NULL);
    vkDestroyDescriptorPool(device, pool, NULL);
    vkDestroyPipeline(device, pipeline, NULL);
    vkDestroyPipelineLayout(device, layout, NULL);
    vkDestroyDescriptorSetLayout(device, set_layout, NULL);
    vkDestroyShaderModule(device, module, NULL);
    vkDestroyBuffer(device, buffer, NULL);
    vkFreeMemory(device, memory, NULL);
    vkDestroyDevice(device, NULL);
    return failed;
}

/* --- the path to the GPU and back */

static double *times(unsigned count) {
    double *seconds = calloc(count ? count : 1, sizeof *seconds);
    if (!seconds)
        check(VK_ERROR_OUT_OF_HOST_MEMORY, "times");
    return seconds;
}

static int submit(unsigned count) {
    open_device();
    VkFence fence = make_fence();
    double *seconds = times(count);
    for (unsigned i = 0; i < count; i++) {
        double start = now();
        submit_and_wait(NULL, fence);
        seconds[i] = now() - start;
    }
    print_times("submit", seconds, count);
    free(seconds);
    vkDestroyFence(device, fence, NULL);
    vkDestroyDevice(device, NULL);
    return 0;
}

static int map(unsigned count) {
    enum { SIZE = 64 << 20 };
    open_device();
    double *seconds = times(count);
    for (unsigned i = 0; i < count; i++) {
        VkDeviceMemory memory = allocate(SIZE, UINT32_MAX);
        char *data;
        double start = now();
        ok(vkMapMemory(device, memory, 0, SIZE, 0, (void **)&data));
        seconds[i] = now() - start;
        data[0] = data[SIZE - 1] = (char)i;
        vkUnmapMemory(device, memory);
        vkFreeMemory(device, memory, NULL);
    }
    print_times("map", seconds, count);
    free(seconds);
    vkDestroyDevice(device, NULL);
    return 0;
}

static int devices(unsigned count) {
    double *seconds = times(count);
    for (unsigned i = 0; i < count; i++) {
        double start = now();
        open_device();
        VkDeviceMemory memory = allocate(1 << 20, UINT32_MAX);
        void *data;
        ok(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, &data));
        memset(data, 1, 1 << 20);
        VkFence fence = make_fence();
        submit_and_wait(NULL, fence);
        vkDestroyFence(device, fence, NULL);
        vkFreeMemory(device, memory, NULL);
        vkDestroyDevice(device, NULL);
        seconds[i] = now() - start;
    }
    print_times("devices", seconds, count);
    free(seconds);
    return 0;
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(unsigned count);
    } works[] = {{"compute", compute}, {"submit", submit}, {"map", map}, {"devices", devices}};
    for (size_t i = 0; argc == 3 && i < sizeof works / sizeof works[0]; i++)
        if (strcmp(argv[1], works[i].name) == 0) {
            open_instance();
            int failed = works[i].run((unsigned)atoi(argv[2]));
            vkDestroyInstance(instance, NULL);
            return failed;
        }
    fprintf(stderr, "usage: vulkan_work compute|submit|map|devices COUNT\n");
    return 2;
}
