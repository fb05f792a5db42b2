/* Runs in the guest: how long a submit that does nothing takes, from the call to its fence, and a map of 64
 * MiB of host memory. Without libdrm and Mesa.
 *
 *   gpu_latency [COUNT]    that many submits (20000)
 *
 * Prints in microseconds "FENCE ...", of submits to OpenGL's timeline and to a ring of a Vulkan context, and
 * "MAP ...", from the request for the memory to its first byte. */
#include <drm/virtgpu_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { CAPSET_VIRGL2 = 2, CAPSET_VENUS = 4, WARM_UP = 200, MAPS = 50, MAP_SIZE = 64 << 20 };

static void die(const char *what) {
    printf("gpu_latency: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int open_context(uint64_t capset, uint64_t rings) {
    int fd = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
    struct drm_virtgpu_context_set_param params[] = {
        {VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset},
        {VIRTGPU_CONTEXT_PARAM_NUM_RINGS, rings},
    };
    struct drm_virtgpu_context_init init = {.num_params = rings ? 2 : 1, .ctx_set_params = (uintptr_t)params};
    if (fd < 0 || ioctl(fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init) != 0)
        die("a context");
    return fd;
}

/* One command that does nothing: VIRGL_CCMD_NOP, or no command at all on a ring. */
static double submit(int fd, bool ring) {
    uint32_t nop = 0;
    struct drm_virtgpu_execbuffer exec = {
        .flags = VIRTGPU_EXECBUF_FENCE_FD_OUT | (ring ? VIRTGPU_EXECBUF_RING_IDX : 0),
        .size = ring ? 0 : sizeof nop,
        .command = (uintptr_t)&nop,
        .fence_fd = -1,
    };
    double start = now_us();
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &exec) != 0)
        die("EXECBUFFER");
    struct pollfd fence = {.fd = exec.fence_fd, .events = POLLIN};
    if (poll(&fence, 1, 10000) != 1)
        die("the fence");
    double end = now_us();
    close(exec.fence_fd);
    return end - start;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *name, uint64_t capset, bool ring, unsigned count) {
    int fd = open_context(capset, ring);
    double *times = calloc(count, sizeof *times);
    for (unsigned i = 0; i < WARM_UP; i++)
        submit(fd, ring);
    for (unsigned i = 0; i < count; i++)
        times[i] = submit(fd, ring);
    qsort(times, count, sizeof *times, compare);
    printf("FENCE %s: %u submits, median %.1f us, 99 %% %.1f us, 99.9 %% %.1f us, most %.1f us\n", name,
        count, times[count / 2], times[count / 100 * 99], times[count / 1000 * 999], times[count - 1]);
    free(times);
    close(fd);
}

/* Plain shared memory, which is what blob 0 of a Vulkan context is. */
static double map(int fd) {
    struct drm_virtgpu_resource_create_blob blob = {
        .blob_mem = VIRTGPU_BLOB_MEM_HOST3D, .blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE, .size = MAP_SIZE};
    double start = now_us();
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &blob) != 0)
        die("a blob");
    struct drm_virtgpu_map map = {.handle = blob.bo_handle};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_MAP, &map) != 0)
        die("MAP");
    volatile uint8_t *memory =
        mmap(NULL, MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
    if (memory == MAP_FAILED)
        die("mmap");
    memory[0] = 1;
    double end = now_us();
    memory[MAP_SIZE - 1] = 2;
    if (memory[0] != 1 || memory[MAP_SIZE - 1] != 2)
        die("the memory");
    munmap((void *)memory, MAP_SIZE);
    struct drm_gem_close gone = {.handle = blob.bo_handle};
    ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone);
    return end - start;
}

static void measure_maps(void) {
    int fd = open_context(CAPSET_VENUS, 1);
    double times[MAPS];
    for (unsigned i = 0; i < MAPS; i++)
        times[i] = map(fd);
    qsort(times, MAPS, sizeof *times, compare);
    printf("MAP 64 MiB: %d times, median %.1f us, most %.1f us\n", MAPS, times[MAPS / 2], times[MAPS - 1]);
    close(fd);
}

int main(int argc, char **argv) {
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;
    setvbuf(stdout, NULL, _IOLBF, 0);
    measure("virgl", CAPSET_VIRGL2, false, count);
    measure("venus", CAPSET_VENUS, true, count);
    measure_maps();
    puts("MEASURED");
    return 0;
}
