#include "host/exec.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int host_exec_create(struct host_exec *memory, const char *name, size_t size) {
    *memory = (struct host_exec){0};
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    void *write = MAP_FAILED, *run = MAP_FAILED;
    if (ftruncate(fd, (off_t)size) == 0) {
        write = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        run = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_NORESERVE, fd, 0);
    }
    close(fd);
    *memory = (struct host_exec){
        .write = write == MAP_FAILED ? NULL : write, .run = run == MAP_FAILED ? NULL : run, .size = size};
    if (memory->write && memory->run)
        return 0;
    host_exec_destroy(memory);
    return -1;
}

void host_exec_destroy(struct host_exec *memory) {
    if (memory->write)
        munmap(memory->write, memory->size);
    if (memory->run)
        munmap((void *)(uintptr_t)memory->run, memory->size);
    *memory = (struct host_exec){0};
}

void host_exec_discard(struct host_exec *memory, size_t from) {
    madvise(memory->write + from, memory->size - from, MADV_REMOVE);
}
