/* Runs in the guest: programs that come and go without cleaning up. Each opens
 * Vulkan and OpenGL contexts, makes and maps memory in one of them, submits,
 * and just closes its files.
 *
 *   gpu_churn [COUNT]    that many times after as many to warm up (300)
 *
 * Prints "WARM" and waits a second, then "CHURNED". */
#include <drm/virtgpu_drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CAPSET_VIRGL2 = 2, CAPSET_VENUS = 4, BLOB_SIZE = 4 << 20 };

static void die(const char *what) {
    printf("gpu_churn: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_context(uint64_t capset) {
    int fd = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
    struct drm_virtgpu_context_set_param params[] = {
        {VIRTGPU_CONTEXT_PARAM_CAPSET_ID, capset},
        {VIRTGPU_CONTEXT_PARAM_NUM_RINGS, 4},
    };
    struct drm_virtgpu_context_init init = {.num_params = 2, .ctx_set_params = (uintptr_t)params};
    if (fd < 0 || ioctl(fd, DRM_IOCTL_VIRTGPU_CONTEXT_INIT, &init) != 0)
        die("a context");
    return fd;
}

static void use_vulkan(int fd) {
    struct drm_virtgpu_resource_create_blob blob = {
        .blob_mem = VIRTGPU_BLOB_MEM_HOST3D, .blob_flags = VIRTGPU_BLOB_FLAG_USE_MAPPABLE, .size = BLOB_SIZE};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE_BLOB, &blob) != 0)
        die("a blob");
    struct drm_virtgpu_map map = {.handle = blob.bo_handle};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_MAP, &map) != 0)
        die("MAP");
    uint8_t *memory = mmap(NULL, BLOB_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
    if (memory == MAP_FAILED)
        die("mmap");
    memset(memory, 1, BLOB_SIZE);
    munmap(memory, BLOB_SIZE);
    struct drm_virtgpu_execbuffer exec = {.flags = VIRTGPU_EXECBUF_RING_IDX, .ring_idx = 0, .fence_fd = -1};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_EXECBUFFER, &exec) != 0)
        die("EXECBUFFER");
}

static void use_opengl(int fd) {
    struct drm_virtgpu_resource_create texture = {.target = 2,
        .format = 1,
        .bind = 2,
        .width = 512,
        .height = 512,
        .depth = 1,
        .array_size = 1,
        .size = 512 * 512 * 4};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_RESOURCE_CREATE, &texture) != 0)
        die("a texture");
    struct drm_virtgpu_3d_transfer_to_host transfer = {
        .bo_handle = texture.bo_handle, .box = {.w = 512, .h = 512, .d = 1}};
    if (ioctl(fd, DRM_IOCTL_VIRTGPU_TRANSFER_TO_HOST, &transfer) != 0)
        die("a transfer");
}

static void churn(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        int vulkan = open_context(CAPSET_VENUS), opengl = open_context(CAPSET_VIRGL2);
        use_vulkan(vulkan);
        use_opengl(opengl);
        close(vulkan);
        close(opengl);
    }
}

int main(int argc, char **argv) {
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 300;
    setvbuf(stdout, NULL, _IOLBF, 0);
    churn(count);
    puts("WARM");
    sleep(3);
    churn(count);
    puts("CHURNED");
    sleep(30);
    return 0;
}
