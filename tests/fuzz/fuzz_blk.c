/* The disk's requests, on an image in memory that checks what it is asked to do. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hostile_driver.h"
#include "storage/pool.h"
#include "virtio/blk.h"

enum { IMAGE_SIZE = 64 * 512 };

static uint8_t image[IMAGE_SIZE];

static void check_range(uint64_t offset, uint64_t size) {
    if (offset % 512 || size % 512 || size == 0 || offset > IMAGE_SIZE || size > IMAGE_SIZE - offset)
        abort();
}

static size_t total(const struct iovec *iov, unsigned count) {
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += iov[i].iov_len;
    return size;
}

static int image_preadv(struct storage *s, const struct iovec *iov, unsigned count, uint64_t offset) {
    (void)s;
    size_t size = total(iov, count);
    check_range(offset, size);
    iov_write(iov, count, 0, image + offset, size);
    return offset == 512 ? -EIO : 0;
}

static int image_pwritev(struct storage *s, const struct iovec *iov, unsigned count, uint64_t offset) {
    size_t size = total(iov, count);
    check_range(offset, size);
    if (s->read_only)
        abort();
    iov_read(iov, count, 0, image + offset, size);
    return offset == 512 ? -ENOSPC : 0;
}

static int image_flush(struct storage *s) {
    (void)s;
    return 0;
}

static int image_discard(struct storage *s, uint64_t offset, uint64_t size) {
    if (s->read_only)
        abort();
    check_range(offset, size);
    return 0;
}

static int image_write_zeroes(struct storage *s, uint64_t offset, uint64_t size, bool unmap) {
    (void)unmap;
    image_discard(s, offset, size);
    memset(image + offset, 0, size);
    return 0;
}

static const struct storage_ops image_ops = {
    .preadv = image_preadv,
    .pwritev = image_pwritev,
    .flush = image_flush,
    .discard = image_discard,
    .write_zeroes = image_write_zeroes,
};

/* A request that is right but for its numbers, besides the driver's nonsense. */
static void step(void *ctx, struct fuzz_input *in) {
    static const uint32_t types[] = {0, 1, 4, 8, 11, 13, 2, 14};
    struct hostile_driver *driver = ctx;
    uint8_t kind = fuzz_byte(in);
    if (kind & 1)
        return;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
        struct {
            uint64_t sector;
            uint32_t sectors, flags;
        } ranges[2];
    } request = {.type = types[kind >> 1 & 7], .sector = fuzz_byte(in)};
    for (unsigned i = 0; i < 2; i++) {
        request.ranges[i].sector = fuzz_byte(in);
        request.ranges[i].sectors = fuzz_byte(in);
        request.ranges[i].flags = fuzz_byte(in) % 3;
    }
    memcpy(guest_at(&driver->guest, driver->data), &request, sizeof request);
    uint32_t size = kind & 16 ? 16u * (fuzz_byte(in) % 4) : 512u * (fuzz_byte(in) % 8);
    uint32_t before = kind & 32 ? fuzz_byte(in) % (size + 1) : size; /* where the data is cut in two */
    uint16_t flags = kind & 64 ? DESC_WRITE : 0;
    const struct guest_desc parts[] = {
        {driver->data, 16, 0, 0},
        {driver->data + 16, before, flags, 0},
        {driver->data + 16 + before, size - before, flags, 0},
        {driver->data + HOSTILE_DATA_SIZE - 1, 1, DESC_WRITE, 0},
    };
    guest_queue_add(&driver->queues[0], parts, 4, false);
    guest_queue_bell(&driver->queues[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct hostile_driver driver;
    static struct storage storage = {&image_ops, IMAGE_SIZE, 512, false};
    static struct virtio_blk *blk;
    if (!blk) {
        blk = virtio_blk_create(&storage, storage_pool_create(0, NULL), "fuzz", NULL);
        hostile_driver_create(&driver, &virtio_blk_ops, blk, 1u << 9 | 1u << 11);
        virtio_blk_attach(blk, driver.guest.device);
        driver.step = step;
        driver.ctx = &driver;
    }
    storage.read_only = size > 0 && data[0] == 0xff;
    hostile_driver_run(&driver, data, size);
    return 0;
}
