/* The kernel loader on any bytes as kernel; what it accepts must lie in RAM and start inside the kernel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "board/loader.h"
#include "board/memory_map.h"

enum { RAM_SIZE = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t ram[RAM_SIZE];
    const struct loader_ram where = {.host = ram, .gpa = MAP_RAM, .size = RAM_SIZE};
    struct loaded loaded;
    struct error e = {0};
    char path[32];

    int fd = memfd_create("kernel", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const struct loader_file file = {.path = path};
    if (loader_load(&where, &file, &file, &loaded, &e) == 0) {
        if (loaded.entry < MAP_RAM + MAP_DEVICE_TREE_SIZE || loaded.initrd < loaded.entry + 64 ||
            loaded.initrd_end > MAP_RAM + RAM_SIZE || loaded.initrd_end - loaded.initrd != size ||
            memcmp(ram + (loaded.initrd - MAP_RAM), data, size) != 0)
            abort();
    } else if (!e.text[0] || strchr(e.text, '\n')) {
        abort(); /* every failure is one line */
    }
    close(fd);
    return 0;
}
