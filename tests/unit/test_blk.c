/* The disk: virtio 1.2, 5.2, on a raw image, with requests on this thread and on others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/pool.h"
#include "storage/storage.h"
#include "support/guest.h"
#include "virtio/blk.h"

enum { SECTORS = 2048, IMAGE_SIZE = SECTORS * 512, QUEUE_SIZE = 64 };
enum { IN = 0, OUT = 1, FLUSH = 4, GET_ID = 8, DISCARD = 11, WRITE_ZEROES = 13 };
enum { OK = 0, IOERR = 1, UNSUPP = 2, NONE = 0xee };
enum { F_RO = 5, F_FLUSH = 9, F_CONFIG_WCE = 11, F_DISCARD = 13, F_WRITE_ZEROES = 14 };
enum { CONFIG_WRITEBACK = 32, CONFIG_MAX_DISCARD_SECTORS = 36, CONFIG_MAX_WRITE_ZEROES_SECTORS = 48 };

static char path[] = "/tmp/pearvisor-blk-XXXXXX";
static struct storage *storage;
static struct storage_pool *pool;
static struct virtio_blk *blk;
static struct guest guest;
static struct guest_queue queue;
static uint64_t header, status, data;

/* The image: the sector's number in each of its 32-bit words. */
static void fill_image(void) {
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    for (uint32_t sector = 0; sector < SECTORS; sector++) {
        uint32_t words[128];
        for (unsigned i = 0; i < 128; i++)
            words[i] = sector;
        assert_int_equal(write(fd, words, 512), 512);
    }
    close(fd);
}

static void read_image(uint64_t offset, void *buffer, size_t size) {
    int fd = open(path, O_RDONLY);
    assert_int_equal(pread(fd, buffer, size, (off_t)offset), size);
    close(fd);
}

static void start(bool read_only, unsigned threads, uint64_t features) {
    fill_image();
    struct error e;
    storage = storage_open(&(struct storage_config){.path = path, .read_only = read_only}, &e);
    assert_non_null(storage);
    pool = storage_pool_create(threads, &e);
    blk = virtio_blk_create(storage, pool, "0123456789abcdefghijXYZ", &e);
    assert_non_null(blk);
    guest_create(&guest, &virtio_blk_ops, blk);
    virtio_blk_attach(blk, guest.device);
    assert_int_equal(guest_negotiate(&guest, FEATURE_VERSION_1 | FEATURE_INDIRECT | features), 11);
    guest_queue_create(&queue, &guest, 0, QUEUE_SIZE, features & FEATURE_EVENT_IDX);
    header = guest_alloc(&guest, 16 * QUEUE_SIZE);
    status = guest_alloc(&guest, QUEUE_SIZE);
    data = guest_alloc(&guest, 64 * 1024);
    guest_driver_ok(&guest);
}

static int stop(void **state) {
    (void)state;
    guest_destroy(&guest);
    virtio_blk_destroy(blk);
    storage_pool_destroy(pool);
    storage_close(storage);
    unlink(path);
    return 0;
}

static int start_inline(void **state) {
    (void)state;
    start(false, 0, 1u << F_FLUSH | 1u << F_CONFIG_WCE | 1u << F_DISCARD | 1u << F_WRITE_ZEROES);
    return 0;
}

static int start_read_only(void **state) {
    (void)state;
    start(true, 0, 1u << F_RO | 1u << F_FLUSH);
    return 0;
}

static int start_threads(void **state) {
    (void)state;
    start(false, 2, FEATURE_EVENT_IDX | 1u << F_FLUSH);
    return 0;
}

static void put_header(unsigned slot, uint32_t type, uint64_t sector) {
    uint32_t words[4] = {type, 0, (uint32_t)sector, (uint32_t)(sector >> 32)};
    memcpy(guest_at(&guest, header + 16 * slot), words, 16);
    *(uint8_t *)guest_at(&guest, status + slot) = NONE;
}

/* One request with a data buffer, alone: its status, and what the device says it wrote. */
static uint8_t request(
    uint32_t type, uint64_t sector, uint32_t size, uint16_t data_flags, uint32_t *written) {
    put_header(0, type, sector);
    const struct guest_desc parts[] = {
        {header, 16, 0, 0}, {data, size, data_flags, 0}, {status, 1, DESC_WRITE, 0}};
    uint16_t head = guest_queue_add(&queue, parts, 3, false);
    guest_queue_bell(&queue);
    uint32_t used;
    assert_true(guest_queue_wait(&queue, &used, written));
    assert_int_equal(used, head);
    return *(uint8_t *)guest_at(&guest, status);
}

static void assert_filled(const void *at, size_t size, uint32_t word) {
    const uint8_t *bytes = at;
    for (size_t i = 0; i < size; i += 4)
        assert_memory_equal(bytes + i, &word, 4);
}

static void configuration(void **state) {
    (void)state;
    assert_int_equal(guest_read(&guest, REG_CONFIG), SECTORS);
    assert_int_equal(guest_read(&guest, REG_CONFIG + 4), 0);
    assert_in_range(guest_read(&guest, REG_CONFIG + 12), 1, 254); /* seg_max */
    assert_int_equal(guest_read(&guest, REG_CONFIG + 20), 512);   /* blk_size */
    assert_int_not_equal(guest_read(&guest, REG_CONFIG + CONFIG_MAX_DISCARD_SECTORS), 0);
}

static void reads_and_writes(void **state) {
    (void)state;
    uint32_t written;
    assert_int_equal(request(IN, 7, 1024, DESC_WRITE, &written), OK);
    assert_int_equal(written, 1025);
    assert_filled(guest_at(&guest, data), 512, 7);
    assert_filled((uint8_t *)guest_at(&guest, data) + 512, 512, 8);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_USED);

    memset(guest_at(&guest, data), 0x5a, 4096);
    assert_int_equal(request(OUT, SECTORS - 8, 4096, 0, &written), OK);
    assert_int_equal(written, 1);
    uint8_t image[8192];
    read_image(IMAGE_SIZE - 8192, image, 8192);
    assert_filled(image + 4096 - 512, 512, SECTORS - 9);
    assert_filled(image + 4096, 4096, 0x5a5a5a5a);
    assert_int_equal(request(FLUSH, 0, 0, 0, &written), OK);

    struct virtio_blk_stats stats;
    virtio_blk_stats(blk, &stats);
    assert_int_equal(stats.reads, 1);
    assert_int_equal(stats.bytes_read, 1024);
    assert_int_equal(stats.writes, 1);
    assert_int_equal(stats.bytes_written, 4096);
    assert_int_equal(stats.flushes, 1);
    assert_int_equal(stats.errors, 0);
}

/* Buffers may be cut anywhere (2.7.4.2): header, data and status in odd pieces, in a table. */
static void any_layout(void **state) {
    (void)state;
    put_header(0, OUT, 3);
    uint64_t at = data + 1000;
    memset(guest_at(&guest, at), 0xc3, 1024);
    const struct guest_desc write_parts[] = {{header, 5, 0, 0}, {header + 5, 11, 0, 0}, {at, 1, 0, 0},
        {at + 1, 700, 0, 0}, {at + 701, 323, 0, 0}, {status, 1, DESC_WRITE, 0}};
    uint32_t head, written;
    guest_queue_add(&queue, write_parts, 6, true);
    guest_queue_bell(&queue);
    assert_true(guest_queue_wait(&queue, &head, &written));
    assert_int_equal(*(uint8_t *)guest_at(&guest, status), OK);
    uint8_t image[1024];
    read_image(3 * 512, image, 1024);
    assert_filled(image, 1024, 0xc3c3c3c3);

    /* The status in the same buffer as the end of the data. */
    put_header(0, IN, 3);
    memset(guest_at(&guest, at), 0, 2048);
    const struct guest_desc read_parts[] = {
        {header, 16, 0, 0}, {at, 3, DESC_WRITE, 0}, {at + 3, 1024 - 3 + 1, DESC_WRITE, 0}};
    guest_queue_add(&queue, read_parts, 3, true);
    guest_queue_bell(&queue);
    assert_true(guest_queue_wait(&queue, &head, &written));
    assert_int_equal(written, 1025);
    assert_filled(guest_at(&guest, at), 1024, 0xc3c3c3c3);
    assert_int_equal(*(uint8_t *)guest_at(&guest, at + 1024), OK);
    assert_int_equal(*(uint8_t *)guest_at(&guest, at + 1025), 0);
}

static void bad_ranges_fail(void **state) {
    (void)state;
    uint32_t written;
    assert_int_equal(request(IN, SECTORS - 1, 1024, DESC_WRITE, &written), IOERR);
    assert_int_equal(written, 1);
    assert_int_equal(request(IN, SECTORS, 512, DESC_WRITE, &written), IOERR);
    assert_int_equal(request(IN, UINT64_MAX, 512, DESC_WRITE, &written), IOERR);
    assert_int_equal(request(IN, 1ull << 55, 512, DESC_WRITE, &written), IOERR);
    assert_int_equal(request(IN, 0, 100, DESC_WRITE, &written), IOERR);
    assert_int_equal(request(OUT, SECTORS, 512, 0, &written), IOERR);
    assert_int_equal(request(OUT, 0, 513, 0, &written), IOERR);
    struct stat now;
    assert_int_equal(stat(path, &now), 0);
    assert_int_equal(now.st_size, IMAGE_SIZE);
    assert_int_equal(request(99, 0, 512, DESC_WRITE, &written), UNSUPP);
    assert_int_equal(request(2, 0, 512, 0, &written), UNSUPP);
    assert_int_equal(request(IN, 0, 512, DESC_WRITE, &written), OK); /* and goes on */
}

static void identifier(void **state) {
    (void)state;
    uint32_t written;
    assert_int_equal(request(GET_ID, 0, 20, DESC_WRITE, &written), OK);
    assert_int_equal(written, 21);
    assert_memory_equal(guest_at(&guest, data), "0123456789abcdefghij", 20);
    memset(guest_at(&guest, data), 0, 20);
    assert_int_equal(request(GET_ID, 0, 4, DESC_WRITE, &written), OK);
    assert_memory_equal(guest_at(&guest, data), "0123\0\0", 6);
}

struct range {
    uint64_t sector;
    uint32_t sectors, flags;
};

static uint8_t clear(uint32_t type, const struct range *ranges, unsigned count) {
    uint32_t written;
    memcpy(guest_at(&guest, data), ranges, count * sizeof *ranges);
    return request(type, 0, (uint32_t)(count * sizeof *ranges), 0, &written);
}

static void zeroes_and_discards(void **state) {
    (void)state;
    uint8_t image[64 * 512];
    const struct range ranges[] = {{2, 3, 0}, {16, 16, 1}};
    assert_int_equal(clear(WRITE_ZEROES, ranges, 2), OK);
    read_image(0, image, sizeof image);
    assert_filled(image + 1 * 512, 512, 1);
    assert_filled(image + 2 * 512, 3 * 512, 0);
    assert_filled(image + 5 * 512, 512, 5);
    assert_filled(image + 15 * 512, 512, 15);
    assert_filled(image + 16 * 512, 16 * 512, 0);
    assert_filled(image + 32 * 512, 512, 32);

    const struct range discard = {40, 8, 0};
    assert_int_equal(clear(DISCARD, &discard, 1), OK);
    read_image(0, image, sizeof image);
    assert_filled(image + 39 * 512, 512, 39);
    assert_filled(image + 48 * 512, 512, 48);

    uint32_t max = guest_read(&guest, REG_CONFIG + CONFIG_MAX_WRITE_ZEROES_SECTORS);
    const struct range outside = {SECTORS - 1, 2, 0}, wraps = {UINT64_MAX, 2, 0}, unknown = {0, 1, 2},
                       unmap = {0, 1, 1}, large = {0, max + 1, 0};
    assert_int_equal(clear(WRITE_ZEROES, &outside, 1), IOERR);
    assert_int_equal(clear(WRITE_ZEROES, &wraps, 1), IOERR);
    assert_int_equal(clear(WRITE_ZEROES, &large, 1), IOERR);
    assert_int_equal(clear(WRITE_ZEROES, &unknown, 1), UNSUPP);
    assert_int_equal(clear(DISCARD, &outside, 1), IOERR);
    assert_int_equal(clear(DISCARD, &unmap, 1), UNSUPP); /* 5.2.6.2 */
    struct range many[64] = {{0}};
    assert_int_equal(clear(DISCARD, many, 64), IOERR);
    assert_int_equal(clear(DISCARD, many, 0), IOERR);
    uint32_t written;
    assert_int_equal(request(DISCARD, 0, 15, 0, &written), IOERR);
    read_image(0, image, 512);
    assert_filled(image, 512, 0);
}

static void malformed_chains_need_a_reset(void **state) {
    (void)state;
    const struct guest_desc no_status = {header, 16, 0, 0};
    put_header(0, FLUSH, 0);
    guest_queue_add(&queue, &no_status, 1, false);
    guest_queue_bell(&queue);
    assert_true(guest_read(&guest, REG_STATUS) & STATUS_NEEDS_RESET);
    assert_int_equal(guest_queue_used_idx(&queue), 0);
}

static void a_short_header_needs_a_reset(void **state) {
    (void)state;
    const struct guest_desc parts[] = {{header, 15, 0, 0}, {status, 1, DESC_WRITE, 0}};
    guest_queue_add(&queue, parts, 2, false);
    guest_queue_bell(&queue);
    assert_true(guest_read(&guest, REG_STATUS) & STATUS_NEEDS_RESET);
}

static void read_only_disks(void **state) {
    (void)state;
    uint32_t written;
    assert_int_equal(request(OUT, 0, 512, 0, &written), IOERR);
    const struct range range = {0, 1, 0};
    assert_int_equal(clear(WRITE_ZEROES, &range, 1), IOERR);
    assert_int_equal(clear(DISCARD, &range, 1), IOERR);
    assert_int_equal(request(IN, 9, 512, DESC_WRITE, &written), OK);
    assert_filled(guest_at(&guest, data), 512, 9);
    assert_int_equal(request(FLUSH, 0, 0, 0, &written), OK);
    uint8_t image[512];
    read_image(0, image, 512);
    assert_filled(image, 512, 0);
}

static void the_cache_mode_can_be_switched(void **state) {
    (void)state;
    uint64_t value = 9;
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + CONFIG_WRITEBACK, 1, &value));
    assert_int_equal(value, 1);
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG + CONFIG_WRITEBACK, 1, 0));
    assert_true(mmio_read(guest.bus, GUEST_DEVICE + REG_CONFIG + CONFIG_WRITEBACK, 1, &value));
    assert_int_equal(value, 0);
    uint32_t written;
    assert_int_equal(request(OUT, 0, 512, 0, &written), OK);
    assert_true(mmio_write(guest.bus, GUEST_DEVICE + REG_CONFIG, 8, 0)); /* the rest is not for writing */
    assert_int_equal(guest_read(&guest, REG_CONFIG), SECTORS);
}

/* Many at once, on threads; every one must come back, once, with its own data, and the interrupt that the
 * driver asked for (at the last one) must come. */
static void many_in_flight(void **state) {
    (void)state;
    enum { SLOTS = QUEUE_SIZE / 4, ROUNDS = 200 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint16_t first = queue.next_desc;
        uint8_t answered[SLOTS] = {0};
        guest_queue_set_used_event(&queue, (uint16_t)(guest_queue_used_idx(&queue) + SLOTS - 1));
        for (unsigned i = 0; i < SLOTS; i++) {
            put_header(i, IN, (round * 7 + i * 5) % SECTORS);
            const struct guest_desc parts[] = {{header + 16 * i, 16, 0, 0},
                {data + 512 * i, 512, DESC_WRITE, 0}, {status + i, 1, DESC_WRITE, 0},
                {status + i, 0, DESC_WRITE, 0}};
            guest_queue_add(&queue, parts, 4, false);
            if (guest_queue_wants_bell(&queue))
                guest_queue_bell(&queue);
        }
        for (unsigned i = 0; i < 10000 && !guest.irq_level; i++)
            usleep(1000);
        assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_USED);
        for (unsigned i = 0; i < SLOTS; i++) {
            uint32_t head, written;
            assert_true(guest_queue_take(&queue, &head, &written));
            unsigned slot = (head - first) % QUEUE_SIZE / 4;
            assert_int_equal(answered[slot]++, 0);
            assert_int_equal(written, 513);
            assert_int_equal(*(uint8_t *)guest_at(&guest, status + slot), OK);
            assert_filled(guest_at(&guest, data + 512 * slot), 512, (round * 7 + slot * 5) % SECTORS);
        }
    }
}

static void a_reset_waits_for_requests(void **state) {
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 8; i++) {
            put_header(i, IN, i);
            const struct guest_desc parts[] = {{header + 16 * i, 16, 0, 0},
                {data + 4096 * i, 4096, DESC_WRITE, 0}, {status + i, 1, DESC_WRITE, 0}};
            guest_queue_add(&queue, parts, 3, false);
        }
        guest_queue_bell(&queue);
        guest_write(&guest, REG_STATUS, 0);
        /* From here on the device must leave our memory alone. */
        memset(guest_at(&guest, data), 0xaa, 8 * 4096);
        usleep(round % 8 == 0 ? 500 : 0);
        assert_filled(guest_at(&guest, data), 8 * 4096, 0xaaaaaaaa);
        guest.allocated = 0;
        memset(guest.ram, 0, GUEST_RAM_SIZE);
        guest_negotiate(&guest, FEATURE_VERSION_1);
        guest_queue_create(&queue, &guest, 0, QUEUE_SIZE, false);
        header = guest_alloc(&guest, 16 * QUEUE_SIZE);
        status = guest_alloc(&guest, QUEUE_SIZE);
        data = guest_alloc(&guest, 64 * 1024);
        guest_driver_ok(&guest);
    }
}

/* --- images */

static struct storage *open_image(const char *name, bool read_only, bool direct, struct error *e) {
    return storage_open(&(struct storage_config){.path = name, .read_only = read_only, .direct = direct}, e);
}

/* 2.3, 2.5.1: the driver reads the capacity again, as another generation of the configuration. */
static void it_grows(void **state) {
    (void)state;
    uint32_t written, generation = guest_read(&guest, REG_CONFIG_GENERATION);
    assert_int_equal(request(IN, SECTORS, 512, DESC_WRITE, &written), IOERR);
    guest_take_interrupt(&guest);
    virtio_mmio_hold(guest.device, true);
    virtio_blk_settle(blk);
    assert_int_equal(storage->ops->resize(storage, 2 * IMAGE_SIZE), 0);
    virtio_blk_resized(blk);
    virtio_mmio_hold(guest.device, false);
    assert_int_equal(guest_take_interrupt(&guest), INTERRUPT_CONFIG_CHANGE);
    assert_int_not_equal(guest_read(&guest, REG_CONFIG_GENERATION), generation);
    assert_int_equal(guest_read(&guest, REG_CONFIG), 2 * SECTORS);
    assert_int_equal(request(IN, 2 * SECTORS - 1, 512, DESC_WRITE, &written), OK);
    assert_filled(guest_at(&guest, data), 512, 0);
    assert_int_equal(request(IN, 2 * SECTORS, 512, DESC_WRITE, &written), IOERR);
}

/* What is rung for while the device is held waits, and then reads what another storage has. */
static void another_storage_takes_over(void **state) {
    (void)state;
    char other[] = "/tmp/pearvisor-blk-XXXXXX";
    int fd = mkstemp(other);
    struct error e;
    uint32_t head, written;
    for (unsigned i = 0; i < SECTORS; i++) {
        uint8_t sector[512];
        memset(sector, 0x99, sizeof sector);
        assert_int_equal(write(fd, sector, sizeof sector), sizeof sector);
    }
    close(fd);
    virtio_mmio_hold(guest.device, true);
    virtio_blk_settle(blk);
    put_header(0, IN, 5);
    const struct guest_desc parts[] = {
        {header, 16, 0, 0}, {data, 512, DESC_WRITE, 0}, {status, 1, DESC_WRITE, 0}};
    guest_queue_add(&queue, parts, 3, false);
    guest_queue_bell(&queue);
    virtio_blk_settle(blk);
    assert_int_equal(*(uint8_t *)guest_at(&guest, status), NONE);
    storage_close(storage);
    storage = storage_open(&(struct storage_config){.path = other}, &e);
    assert_non_null(storage);
    virtio_blk_replace(blk, storage);
    virtio_mmio_hold(guest.device, false);
    assert_true(guest_queue_wait(&queue, &head, &written));
    assert_int_equal(*(uint8_t *)guest_at(&guest, status), OK);
    assert_filled(guest_at(&guest, data), 512, 0x99999999);
    unlink(other);
}

static void images_are_locked(void **state) {
    (void)state;
    struct error e;
    fill_image();
    struct storage *writer = open_image(path, false, false, &e);
    assert_non_null(writer);
    assert_null(open_image(path, false, false, &e));
    assert_non_null(strstr(e.text, "in use by another process"));
    assert_null(open_image(path, true, false, &e));
    storage_close(writer);
    struct storage *a = open_image(path, true, false, &e), *b = open_image(path, true, false, &e);
    assert_true(a && b);
    assert_null(open_image(path, false, false, &e));
    storage_close(a);
    storage_close(b);
    unlink(path);
}

static void what_is_no_image(void **state) {
    (void)state;
    struct error e;
    assert_null(open_image("/nonexistent/disk", false, false, &e));
    assert_non_null(strstr(e.text, "/nonexistent/disk: No such file"));
    assert_null(open_image("/tmp", false, false, &e));
    assert_non_null(strstr(e.text, "neither a file nor a block device"));
    assert_null(open_image("/dev/null", false, false, &e));
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_null(open_image(path, false, false, &e));
    assert_non_null(strstr(e.text, "empty"));
    close(fd);
    unlink(path);
}

static void an_odd_end_reads_as_zeros(void **state) {
    (void)state;
    fill_image();
    assert_int_equal(truncate(path, 512 * 3 + 100), 0);
    struct error e;
    struct storage *image = open_image(path, false, false, &e);
    assert_int_equal(image->size, 4 * 512);
    uint8_t a[700], b[836];
    memset(a, 0xff, sizeof a);
    memset(b, 0xff, sizeof b);
    const struct iovec iov[] = {{a, sizeof a}, {b, sizeof b}};
    assert_int_equal(image->ops->preadv(image, iov, 2, 512), 0);
    assert_filled(a, 512, 1);
    assert_filled(a + 512, 188, 2);
    assert_filled(b, 324, 2);
    assert_filled(b + 324, 100, 3);
    assert_filled(b + 424, 412, 0);
    /* One that shrinks while it is used is an error. */
    assert_int_equal(truncate(path, 600), 0);
    assert_true(image->ops->preadv(image, iov, 2, 512) < 0);
    storage_close(image);
    unlink(path);
}

static void direct_io_takes_any_buffer(void **state) {
    (void)state;
    struct error e;
    char here[] = "./pearvisor-direct-XXXXXX"; /* /tmp may be a tmpfs, without direct I/O */
    int fd = mkstemp(here);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    struct storage *image = open_image(here, false, true, &e);
    if (!image) {
        assert_non_null(strstr(e.text, "direct I/O"));
        close(fd);
        unlink(here);
        skip();
    }
    uint8_t *buffer = malloc(8192 + 1), back[8192];
    memset(buffer, 0x77, 8193);
    const struct iovec out[] = {{buffer + 1, 100}, {buffer + 101, 8092}};
    assert_int_equal(image->ops->pwritev(image, out, 2, 4096), 0);
    assert_int_equal(pread(fd, back, 8192, 4096), 8192);
    assert_filled(back, 8192, 0x77777777);
    memset(buffer, 0, 8193);
    assert_int_equal(image->ops->preadv(image, out, 2, 4096), 0);
    assert_int_equal(buffer[0], 0);
    assert_filled(buffer + 1, 8192, 0x77777777);
    free(buffer);
    storage_close(image);
    close(fd);
    unlink(here);
}

#define WITH(f, s) cmocka_unit_test_setup_teardown(f, s, stop)

int main(void) {
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    const struct CMUnitTest tests[] = {
        WITH(configuration, start_inline),
        WITH(reads_and_writes, start_inline),
        WITH(reads_and_writes, start_threads),
        WITH(any_layout, start_inline),
        WITH(bad_ranges_fail, start_inline),
        WITH(identifier, start_inline),
        WITH(zeroes_and_discards, start_inline),
        WITH(malformed_chains_need_a_reset, start_inline),
        WITH(a_short_header_needs_a_reset, start_inline),
        WITH(read_only_disks, start_read_only),
        WITH(the_cache_mode_can_be_switched, start_inline),
        WITH(many_in_flight, start_threads),
        WITH(a_reset_waits_for_requests, start_threads),
        WITH(it_grows, start_threads),
        WITH(another_storage_takes_over, start_threads),
        cmocka_unit_test(images_are_locked),
        cmocka_unit_test(what_is_no_image),
        cmocka_unit_test(an_odd_end_reads_as_zeros),
        cmocka_unit_test(direct_io_takes_any_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
