#include "host/shm.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int host_shm_create(struct host_shm *shm, const char *name, uint64_t size, struct error *e) {
    uint64_t present = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (size > present)
        return error_set(e, "%s: %llu MiB is more than this host's memory of %llu MiB", name,
            (unsigned long long)(size >> 20), (unsigned long long)(present >> 20));

    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return error_set(e, "%s: cannot create shared memory: %s", name, strerror(errno));
    if (ftruncate(fd, (off_t)size) < 0) {
        error_set(
            e, "%s: cannot reserve %llu MiB: %s", name, (unsigned long long)(size >> 20), strerror(errno));
        close(fd);
        return -1;
    }
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (data == MAP_FAILED) {
        error_set(e, "%s: cannot map %llu MiB: %s", name, (unsigned long long)(size >> 20), strerror(errno));
        close(fd);
        return -1;
    }
    madvise(
        data, size, MADV_HUGEPAGE); /* fewer host TLB misses where shmem_enabled allows it; else nothing */
    *shm = (struct host_shm){.fd = fd, .size = size, .data = data};
    return 0;
}

void host_shm_destroy(struct host_shm *shm) {
    if (!shm->data)
        return;
    munmap(shm->data, shm->size);
    close(shm->fd);
    *shm = (struct host_shm){.fd = -1};
}
