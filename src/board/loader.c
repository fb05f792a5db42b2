#include "board/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "board/memory_map.h"
#include "board/unpack.h"
#include "util/bytes.h"

enum { KERNEL_ALIGN = 2 << 20, INITRD_ALIGN = 64 << 10 };

struct file {
    const char *what, *path; /* for errors: "kernel", its path */
    const uint8_t *data;
    size_t size;
    void *own; /* data, if it is to be freed */
};

/* --- files */

static int file_error(const struct file *file, struct error *e, const char *reason) {
    return error_set(e, "%s %s: %s", file->what, file->path, reason);
}

static int too_large(const struct file *file, const struct loader_ram *ram, struct error *e) {
    return error_set(e, "%s %s: does not fit into %llu MiB of memory; give the machine more with --memory",
        file->what, file->path, (unsigned long long)(ram->size >> 20));
}

/* Opens a regular file of at least one byte. */
static int open_file(const struct file *file, uint64_t *size, struct error *e) {
    struct stat st;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        file_error(file, e, strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        file_error(file, e, "is a directory");
    } else if (!S_ISREG(st.st_mode)) {
        file_error(file, e, "is not a regular file");
    } else if (st.st_size == 0) {
        file_error(file, e, "is empty");
    } else {
        *size = (uint64_t)st.st_size;
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

static int read_all(const struct file *file, int fd, uint8_t *data, uint64_t size, struct error *e) {
    while (size) {
        ssize_t got = read(fd, data, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return file_error(file, e, strerror(errno));
        if (got == 0)
            return file_error(file, e, "became shorter while it was read");
        data += got;
        size -= (uint64_t)got;
    }
    return 0;
}

static int read_kernel(struct file *file, const struct loader_ram *ram, struct error *e) {
    uint64_t size;
    int fd = open_file(file, &size, e), result = -1;
    if (fd < 0)
        return -1;
    if (size > ram->size) {
        too_large(file, ram, e);
    } else if (!(file->own = malloc(size))) {
        file_error(file, e, "out of memory");
    } else {
        file->data = file->own;
        file->size = size;
        result = read_all(file, fd, file->own, size, e);
    }
    close(fd);
    return result;
}

/* --- formats */

static bool has(const struct file *file, size_t offset, const char *magic, size_t length) {
    return file->size >= offset + length && memcmp(file->data + offset, magic, length) == 0;
}

static bool is_text(const struct file *file) {
    for (size_t i = 0; i < file->size && i < 256; i++) {
        uint8_t c = file->data[i];
        if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
            return false;
    }
    return true;
}

/* What a file that is no arm64 kernel is instead. */
static int not_a_kernel(const struct file *file, struct error *e) {
    static const struct {
        uint16_t offset;
        uint8_t length;
        const char *magic, *reason;
    } known[] = {
        {0, 6,
            "\xfd"
            "7zXZ",
            "is compressed with xz, which is not supported; unpack it first (xz -d)"},
        {0, 3, "BZh", "is compressed with bzip2, which is not supported; unpack it first (bzip2 -d)"},
        {0, 4, "\x02\x21\x4c\x18",
            "is compressed with lz4, which is not supported; unpack it first (lz4 -d)"},
        {0, 4, "\x04\x22\x4d\x18",
            "is compressed with lz4, which is not supported; unpack it first (lz4 -d)"},
        {0, 3, "\x5d\0\0", "is compressed with lzma, which is not supported; unpack it first (xz -d)"},
        {0, 4, "\x89LZO", "is compressed with lzo, which is not supported; unpack it first (lzop -d)"},
        {0, 4,
            "\x7f"
            "ELF",
            "is an ELF file; the arm64 kernel to boot is arch/arm64/boot/Image, not vmlinux"},
        {0x202, 4, "HdrS", "is an x86 kernel; an arm64 one is needed"},
        {0x24, 4, "\x18\x28\x6f\x01", "is a 32-bit Arm kernel; an arm64 one is needed"},
        {0x38, 4, "RSC\x05", "is a RISC-V kernel; an arm64 one is needed"},
        {0, 4, "\x27\x05\x19\x56", "is a U-Boot uImage; the arm64 Image inside it is needed"},
        {0, 4, "\xd0\x0d\xfe\xed", "is a device tree or FIT image; an arm64 Image is needed"},
        {0, 2, "MZ", "is an EFI program, but not an arm64 Linux kernel"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has(file, known[i].offset, known[i].magic, known[i].length))
            return file_error(file, e, known[i].reason);
    if (is_text(file))
        return file_error(file, e, "is a text file, not an arm64 Linux kernel");
    return file_error(file, e, "is not an arm64 Linux kernel (it has no Image header)");
}

typedef enum unpack_result unpack_fn(const uint8_t *in, size_t size, size_t limit, struct unpacked *out);

/* Replaces the file's contents by what part of them unpacks to. */
static int unpack(struct file *file, unpack_fn *fn, size_t offset, size_t size, const struct loader_ram *ram,
    struct error *e) {
    struct unpacked unpacked;
    enum unpack_result result = fn(file->data + offset, size, ram->size, &unpacked);
    free(file->own);
    file->data = file->own = unpacked.data;
    file->size = unpacked.size;
    switch (result) {
    case UNPACK_OK: return 0;
    case UNPACK_TRUNCATED: return file_error(file, e, "is truncated: its compressed data end too early");
    case UNPACK_TOO_LARGE: return too_large(file, ram, e);
    case UNPACK_NO_MEMORY: return file_error(file, e, "out of memory");
    default: return file_error(file, e, "is damaged: its compressed data cannot be unpacked");
    }
}

/* EFI zboot (Linux drivers/firmware/efi/libstub/zboot-header.S): "MZ", "zimg" at 4, payload offset at 8 and
 * size at 12, the name of its compression at 24. */
static int unpack_zboot(struct file *file, const struct loader_ram *ram, struct error *e) {
    enum { OFFSET = 8, SIZE = 12, NAME = 24, NAME_SIZE = 32, HEADER = 64 };
    if (file->size < HEADER)
        return file_error(file, e, "is truncated: its EFI zboot header is incomplete");
    uint32_t offset = bytes_le32(file->data + OFFSET), size = bytes_le32(file->data + SIZE);
    const char *name = (const char *)file->data + NAME;
    if (offset > file->size || size > file->size - offset)
        return file_error(file, e, "is truncated: its EFI zboot payload is incomplete");
    if (strncmp(name, "gzip", NAME_SIZE) == 0)
        return unpack(file, unpack_gzip, offset, size, ram, e);
    if (strncmp(name, "zstd", NAME_SIZE) == 0 || strncmp(name, "zstd22", NAME_SIZE) == 0)
        return unpack(file, unpack_zstd, offset, size, ram, e);
    char printable[NAME_SIZE + 1] = {0};
    for (unsigned i = 0; i < NAME_SIZE && name[i]; i++)
        printable[i] = name[i] > ' ' && name[i] < 0x7f ? name[i] : '?';
    return error_set(e, "%s %s: is an EFI zboot image compressed with '%s'; gzip and zstd are supported",
        file->what, file->path, printable);
}

static bool is_image(const struct file *file) {
    enum { HEADER_SIZE = 64 };
    return file->size >= HEADER_SIZE && has(file, 0x38, "ARM\x64", 4);
}

static int unpack_to_image(struct file *file, const struct loader_ram *ram, struct error *e) {
    int result = 0;
    if (is_image(file))
        return 0;
    if (has(file, 0, "\x1f\x8b", 2))
        result = unpack(file, unpack_gzip, 0, file->size, ram, e);
    else if (has(file, 0, "\x28\xb5\x2f\xfd", 4))
        result = unpack(file, unpack_zstd, 0, file->size, ram, e);
    else if (has(file, 0, "MZ", 2) && has(file, 4, "zimg", 4))
        result = unpack_zboot(file, ram, e);
    if (result < 0)
        return -1;
    return is_image(file) ? 0 : not_a_kernel(file, e);
}

/* How long the file must be by the section table of its PE header, which an Image with an EFI stub has. */
static uint64_t pe_size(const struct file *file) {
    enum { PE_OFFSET = 0x3c, SECTIONS = 6, OPTIONAL_SIZE = 20, OPTIONAL = 24 };
    enum { SECTION_SIZE = 40, RAW_SIZE = 16, RAW_OFFSET = 20 };
    uint64_t pe = bytes_le32(file->data + PE_OFFSET), end = 0;
    if (pe == 0)
        return 0;
    if (pe + OPTIONAL > file->size)
        return pe + OPTIONAL;
    unsigned sections = bytes_le32(file->data + pe + SECTIONS) & 0xffff;
    uint64_t table = pe + OPTIONAL + (bytes_le32(file->data + pe + OPTIONAL_SIZE) & 0xffff);
    if (table + sections * SECTION_SIZE > file->size)
        return table + sections * SECTION_SIZE;
    for (const uint8_t *s = file->data + table; sections--; s += SECTION_SIZE) {
        uint64_t section_end = (uint64_t)bytes_le32(s + RAW_OFFSET) + bytes_le32(s + RAW_SIZE);
        if (section_end > end)
            end = section_end;
    }
    return end;
}

/* --- placing */

static uint64_t align_up(uint64_t value, uint64_t align) {
    return (value + align - 1) & ~(align - 1);
}

/* The Image header: text_offset at 8, image_size at 16 (0 before Linux 3.17), flags at 24. */
static int place_kernel(
    const struct file *file, const struct loader_ram *ram, uint64_t *start, uint64_t *end, struct error *e) {
    enum { TEXT_OFFSET = 8, IMAGE_SIZE = 16, FLAGS = 24, BIG_ENDIAN_KERNEL = 1, OLD_TEXT_OFFSET = 0x80000 };
    uint64_t text_offset = bytes_le64(file->data + TEXT_OFFSET);
    uint64_t size = bytes_le64(file->data + IMAGE_SIZE);

    if (bytes_le64(file->data + FLAGS) & BIG_ENDIAN_KERNEL)
        return file_error(file, e, "is a big-endian kernel; a little-endian one is needed");
    if (pe_size(file) > file->size)
        return file_error(file, e, "is truncated: it is shorter than its header says");
    if (size == 0)
        text_offset = OLD_TEXT_OFFSET;
    if (text_offset & 7 || text_offset >= ram->size)
        return file_error(file, e, "is damaged: its header has an impossible text offset");
    if (size < file->size)
        size = file->size;
    *start = align_up(MAP_DEVICE_TREE_SIZE, KERNEL_ALIGN) + text_offset;
    if (size > ram->size || *start > ram->size - size)
        return too_large(file, ram, e);
    memcpy(ram->host + *start, file->data, file->size);
    *end = *start + size;
    return 0;
}

static int load_kernel(const struct loader_ram *ram, const struct loader_file *kernel, uint64_t *start,
    uint64_t *end, struct error *e) {
    struct file file = {.what = "kernel", .path = kernel->path, .data = kernel->data, .size = kernel->size};
    int result = kernel->data ? 0 : read_kernel(&file, ram, e);
    if (result == 0)
        result = unpack_to_image(&file, ram, e);
    if (result == 0)
        result = place_kernel(&file, ram, start, end, e);
    free(file.own);
    return result;
}

/* Above the kernel with its BSS. Linux wants it in the same 32 GiB, aligned to 1 GiB, as the kernel. */
static int load_initrd(const struct loader_ram *ram, const struct loader_file *initrd, uint64_t start,
    uint64_t *end, struct error *e) {
    const struct file file = {.what = "initrd", .path = initrd->path};
    uint64_t size = initrd->size;
    int fd = initrd->data ? -1 : open_file(&file, &size, e), result = 0;
    if (fd < 0 && !initrd->data)
        return -1;
    if (start > ram->size || size > ram->size - start)
        result = too_large(&file, ram, e);
    else if (initrd->data)
        memcpy(ram->host + start, initrd->data, size);
    else
        result = read_all(&file, fd, ram->host + start, size, e);
    if (fd >= 0)
        close(fd);
    *end = start + size;
    return result;
}

int loader_load(const struct loader_ram *ram, const struct loader_file *kernel,
    const struct loader_file *initrd, struct loaded *out, struct error *e) {
    uint64_t start = 0, kernel_end = 0, end = 0;
    if (load_kernel(ram, kernel, &start, &kernel_end, e) < 0)
        return -1;
    *out = (struct loaded){.entry = ram->gpa + start};
    if (!initrd->path)
        return 0;
    kernel_end = align_up(kernel_end, INITRD_ALIGN);
    if (load_initrd(ram, initrd, kernel_end, &end, e) < 0)
        return -1;
    out->initrd = ram->gpa + kernel_end;
    out->initrd_end = ram->gpa + end;
    return 0;
}
