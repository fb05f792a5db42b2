#include "virtio/blk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/clock.h"

enum { QUEUE_SIZE = 256, WORKERS = 4, SERIAL_SIZE = 20 };

enum { /* feature bits, 5.2.3 */
    F_SEG_MAX = 2,
    F_RO = 5,
    F_BLK_SIZE = 6,
    F_FLUSH = 9,
    F_TOPOLOGY = 10,
    F_CONFIG_WCE = 11,
    F_DISCARD = 13,
    F_WRITE_ZEROES = 14,
};

enum request_type { /* 5.2.6 */
    TYPE_IN = 0,
    TYPE_OUT = 1,
    TYPE_FLUSH = 4,
    TYPE_GET_ID = 8,
    TYPE_DISCARD = 11,
    TYPE_WRITE_ZEROES = 13,
};

enum request_status { STATUS_OK = 0, STATUS_IOERR = 1, STATUS_UNSUPP = 2 };

/* Limits for one discard or write-zeroes request. The second bounds how long a host without a quick way to
 * write zeros is busy with it. */
enum { RANGES_MAX = 16, DISCARD_SECTORS_MAX = 1 << 22, WRITE_ZEROES_SECTORS_MAX = 1 << 17, RANGE_UNMAP = 1 };

/* Completions that may wait for others before the guest hears of them, unless one took long. */
enum { BATCH_MAX = 8, SLOW_NS = 100000 };

struct request_header {
    uint32_t type, reserved;
    uint64_t sector;
};

struct range { /* 5.2.6: virtio_blk_discard_write_zeroes */
    uint64_t sector;
    uint32_t sectors, flags;
};

struct config { /* 5.2.4 */
    uint64_t capacity;
    uint32_t size_max, seg_max;
    uint8_t geometry[4];
    uint32_t blk_size;
    uint8_t physical_block_exp, alignment_offset;
    uint16_t min_io_size;
    uint32_t opt_io_size;
    uint8_t writeback, unused0;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_sector_alignment;
    uint32_t max_write_zeroes_sectors, max_write_zeroes_seg;
    uint8_t write_zeroes_may_unmap, unused1[3];
};
_Static_assert(sizeof(struct config) == 64 && offsetof(struct config, writeback) == 32, "5.2.4");

/* Takes requests from the queue and carries them out, one after another, until there is none. */
struct worker {
    struct storage_job job; /* first */
    struct virtio_blk *blk;
    bool busy;
    struct virtq_chain chain;
};

struct virtio_blk {
    struct storage *storage;
    struct storage_pool *pool;
    struct virtio_device *transport;
    char serial[SERIAL_SIZE];

    pthread_mutex_t lock; /* of all below and of the queue; not held during I/O */
    pthread_cond_t idle;
    bool started, quiet; /* quiet: the driver need not ring the bell */
    uint64_t features;
    uint8_t writeback;
    unsigned busy, unsignaled;
    struct worker workers[WORKERS];
    struct virtio_blk_stats stats;
};

/* --- configuration */

static uint64_t blk_features(void *device) {
    const struct virtio_blk *blk = device;
    uint64_t features =
        1u << F_SEG_MAX | 1u << F_BLK_SIZE | 1u << F_FLUSH | 1u << F_TOPOLOGY | 1u << F_CONFIG_WCE;
    return features | (blk->storage->read_only ? 1u << F_RO : 1u << F_DISCARD | 1u << F_WRITE_ZEROES);
}

static void blk_config_read(void *device, uint32_t offset, void *data, uint32_t size) {
    struct virtio_blk *blk = device;
    uint32_t block_size = blk->storage->block_size;
    struct config config = {
        .capacity = blk->storage->size / STORAGE_SECTOR,
        .seg_max = QUEUE_SIZE - 2, /* besides header and status */
        .blk_size = block_size,
        .physical_block_exp = block_size < 4096 ? 3 : 0, /* 4 KiB: what host file systems are made of */
        .min_io_size = (uint16_t)(4096 / block_size),
        .num_queues = 1,
        .max_discard_sectors = DISCARD_SECTORS_MAX,
        .max_discard_seg = RANGES_MAX,
        .discard_sector_alignment = 4096 / STORAGE_SECTOR,
        .max_write_zeroes_sectors = WRITE_ZEROES_SECTORS_MAX,
        .max_write_zeroes_seg = RANGES_MAX,
        .write_zeroes_may_unmap = 1,
    };
    pthread_mutex_lock(&blk->lock);
    config.writeback = blk->writeback;
    pthread_mutex_unlock(&blk->lock);
    memcpy(data, (const uint8_t *)&config + offset, size);
}

static void blk_config_write(void *device, uint32_t offset, const void *data, uint32_t size) {
    struct virtio_blk *blk = device;
    const uint32_t at = offsetof(struct config, writeback);
    if (offset > at || at - offset >= size)
        return;
    pthread_mutex_lock(&blk->lock);
    if (blk->features >> F_CONFIG_WCE & 1)
        blk->writeback = ((const uint8_t *)data)[at - offset] & 1;
    pthread_mutex_unlock(&blk->lock);
}

/* --- requests, without the lock */

/* A view of [offset, offset + size) of an iovec list; cuts the list itself, which is the chain's own. */
static struct iovec *cut(struct iovec *iov, unsigned *count, size_t offset, size_t size) {
    while (*count && offset >= iov->iov_len) {
        offset -= iov->iov_len;
        iov++;
        (*count)--;
    }
    if (*count) {
        iov->iov_base = (uint8_t *)iov->iov_base + offset;
        iov->iov_len -= offset;
    }
    unsigned used = 0;
    for (; used < *count && size > 0; used++) {
        if (iov[used].iov_len > size)
            iov[used].iov_len = size;
        size -= iov[used].iov_len;
    }
    *count = used;
    return iov;
}

static bool in_range(const struct virtio_blk *blk, uint64_t sector, uint64_t sectors) {
    uint64_t capacity = blk->storage->size / STORAGE_SECTOR;
    return sector <= capacity && sectors <= capacity - sector;
}

static enum request_status status_of(int result) {
    return result == 0 ? STATUS_OK : STATUS_IOERR;
}

/* 5.2.6.2: without a cache to flush, or with it switched off, a write is on the medium when it completes. */
static int write_through(struct virtio_blk *blk) {
    pthread_mutex_lock(&blk->lock);
    bool cached = blk->features >> F_CONFIG_WCE & 1 ? blk->writeback : blk->features >> F_FLUSH & 1;
    pthread_mutex_unlock(&blk->lock);
    return cached ? 0 : blk->storage->ops->flush(blk->storage);
}

static enum request_status transfer(
    struct virtio_blk *blk, bool write, uint64_t sector, struct iovec *iov, unsigned count, size_t size) {
    struct storage *storage = blk->storage;
    if (size % STORAGE_SECTOR || !in_range(blk, sector, size / STORAGE_SECTOR) ||
        (write && storage->read_only))
        return STATUS_IOERR;
    if (size == 0)
        return STATUS_OK;
    uint64_t offset = sector * STORAGE_SECTOR;
    if (!write)
        return status_of(storage->ops->preadv(storage, iov, count, offset));
    int result = storage->ops->pwritev(storage, iov, count, offset);
    return status_of(result == 0 ? write_through(blk) : result);
}

static enum request_status clear_range(struct virtio_blk *blk, bool zero, const struct range *range) {
    struct storage *storage = blk->storage;
    if (range->flags & ~(zero ? (uint32_t)RANGE_UNMAP : 0))
        return STATUS_UNSUPP;
    if (range->sectors > (zero ? WRITE_ZEROES_SECTORS_MAX : DISCARD_SECTORS_MAX) ||
        !in_range(blk, range->sector, range->sectors))
        return STATUS_IOERR;
    if (range->sectors == 0)
        return STATUS_OK;
    uint64_t offset = range->sector * STORAGE_SECTOR, size = (uint64_t)range->sectors * STORAGE_SECTOR;
    if (!zero)
        return status_of(storage->ops->discard(storage, offset, size));
    int result = storage->ops->write_zeroes(storage, offset, size, range->flags & RANGE_UNMAP);
    return status_of(result == 0 ? write_through(blk) : result);
}

static enum request_status clear_ranges(struct virtio_blk *blk, bool zero, const struct virtq_chain *chain) {
    struct range ranges[RANGES_MAX];
    size_t size = chain->out_size - sizeof(struct request_header);
    if (blk->storage->read_only)
        return STATUS_IOERR;
    if (size == 0 || size % sizeof *ranges || size > sizeof ranges)
        return STATUS_IOERR;
    iov_read(chain->out, chain->out_count, sizeof(struct request_header), ranges, size);
    enum request_status status = STATUS_OK;
    for (unsigned i = 0; i < size / sizeof *ranges && status == STATUS_OK; i++)
        status = clear_range(blk, zero, &ranges[i]);
    return status;
}

/* Carries out one request. *written: bytes of data put into the chain's in part before the status. */
static enum request_status execute(
    struct virtio_blk *blk, const struct request_header *header, struct virtq_chain *chain, size_t *written) {
    size_t in_size = chain->in_size - 1, out_size = chain->out_size - sizeof *header;
    struct iovec *iov;
    unsigned count;
    enum request_status status;
    switch (header->type) {
    case TYPE_IN:
        count = chain->in_count;
        iov = cut(chain->in, &count, 0, in_size);
        status = transfer(blk, false, header->sector, iov, count, in_size);
        *written = status == STATUS_OK ? in_size : 0;
        return status;
    case TYPE_OUT:
        count = chain->out_count;
        iov = cut(chain->out, &count, sizeof *header, out_size);
        return transfer(blk, true, header->sector, iov, count, out_size);
    case TYPE_FLUSH: return status_of(blk->storage->read_only ? 0 : blk->storage->ops->flush(blk->storage));
    case TYPE_GET_ID:
        *written = iov_write(
            chain->in, chain->in_count, 0, blk->serial, in_size < SERIAL_SIZE ? in_size : SERIAL_SIZE);
        return STATUS_OK;
    case TYPE_DISCARD: return clear_ranges(blk, false, chain);
    case TYPE_WRITE_ZEROES: return clear_ranges(blk, true, chain);
    default: return STATUS_UNSUPP;
    }
}

/* --- the queue, with the lock */

static void count_request(struct virtio_blk *blk, const struct request_header *header,
    enum request_status status, size_t in_size, size_t out_size) {
    struct virtio_blk_stats *stats = &blk->stats;
    if (status != STATUS_OK) {
        stats->errors += status == STATUS_IOERR;
        return;
    }
    switch (header->type) {
    case TYPE_IN:
        stats->reads++;
        stats->bytes_read += in_size;
        break;
    case TYPE_OUT:
        stats->writes++;
        stats->bytes_written += out_size;
        break;
    case TYPE_FLUSH: stats->flushes++; break;
    case TYPE_DISCARD: stats->discards++; break;
    case TYPE_WRITE_ZEROES: stats->write_zeroes++; break;
    default: break;
    }
}

/* Takes the next request. One without room for header and status cannot even fail: 5.2.6 calls it broken. */
static bool take(struct virtio_blk *blk, struct virtq *queue, struct worker *worker) {
    if (!blk->started || !virtq_pop(queue, &worker->chain))
        return false;
    if (worker->chain.out_size < sizeof(struct request_header) || worker->chain.in_size < 1) {
        virtio_needs_reset(blk->transport);
        return false;
    }
    return true;
}

static void signal_driver(struct virtio_blk *blk, struct virtq *queue) {
    blk->unsignaled = 0;
    virtq_interrupt(queue);
}

/* Executes the worker's request; the lock is given up meanwhile. */
static void serve_one(struct virtio_blk *blk, struct virtq *queue, struct worker *worker) {
    struct virtq_chain *chain = &worker->chain;
    pthread_mutex_unlock(&blk->lock);
    uint64_t begin = host_now_ns();
    struct request_header header;
    iov_read(chain->out, chain->out_count, 0, &header, sizeof header);
    /* The status is the last byte; execute() may cut the lists to the data. */
    const struct iovec *last = &chain->in[chain->in_count - 1];
    uint8_t *status_at = (uint8_t *)last->iov_base + last->iov_len - 1;
    size_t written = 0;
    enum request_status status = execute(blk, &header, chain, &written);
    *status_at = (uint8_t)status;
    bool slow = host_now_ns() - begin > SLOW_NS;
    pthread_mutex_lock(&blk->lock);

    count_request(blk, &header, status, written, chain->out_size - sizeof header);
    virtq_push(queue, chain->head, (uint32_t)(written + 1));
    if (++blk->unsignaled == BATCH_MAX || slow)
        signal_driver(blk, queue);
}

static struct worker *idle_worker(struct virtio_blk *blk) {
    for (unsigned i = 0; i < WORKERS; i++)
        if (!blk->workers[i].busy)
            return &blk->workers[i];
    return NULL;
}

/* Gives waiting requests to a worker that has nothing to do; without the lock. */
static void call_worker(struct virtio_blk *blk) {
    pthread_mutex_lock(&blk->lock);
    struct worker *worker = blk->started ? idle_worker(blk) : NULL;
    if (worker) {
        worker->busy = true;
        if (++blk->busy == WORKERS) { /* a bell would find nobody */
            blk->quiet = true;
            virtq_enable_notify(virtio_queue(blk->transport, 0), false);
        }
    }
    pthread_mutex_unlock(&blk->lock);
    if (worker)
        storage_pool_submit(blk->pool, &worker->job);
}

static void work(struct storage_job *job) {
    struct worker *worker = (struct worker *)job;
    struct virtio_blk *blk = worker->blk;
    struct virtq *queue = virtio_queue(blk->transport, 0);
    pthread_mutex_lock(&blk->lock);
    for (;;) {
        if (take(blk, queue, worker)) {
            if (virtq_pending(queue) && blk->busy < WORKERS) {
                pthread_mutex_unlock(&blk->lock);
                call_worker(blk);
                pthread_mutex_lock(&blk->lock);
            }
            serve_one(blk, queue, worker);
            continue;
        }
        signal_driver(blk, queue);
        if (!blk->quiet)
            break;
        blk->quiet = false; /* and look once more: a request may have come without a bell */
        virtq_enable_notify(queue, true);
    }
    worker->busy = false;
    if (--blk->busy == 0)
        pthread_cond_broadcast(&blk->idle);
    pthread_mutex_unlock(&blk->lock);
}

/* --- life */

static void blk_start(void *device, uint64_t features) {
    struct virtio_blk *blk = device;
    pthread_mutex_lock(&blk->lock);
    blk->features = features;
    blk->started = true;
    pthread_mutex_unlock(&blk->lock);
}

static void blk_notify(void *device, unsigned queue) {
    (void)queue;
    call_worker(device);
}

static void blk_reset(void *device) {
    struct virtio_blk *blk = device;
    pthread_mutex_lock(&blk->lock);
    blk->started = false;
    while (blk->busy)
        pthread_cond_wait(&blk->idle, &blk->lock);
    blk->features = 0;
    blk->writeback = 1;
    blk->unsignaled = 0;
    blk->quiet = false;
    pthread_mutex_unlock(&blk->lock);
}

const struct virtio_device_ops virtio_blk_ops = {
    .id = VIRTIO_ID_BLOCK,
    .queues = 1,
    .queue_size_max = QUEUE_SIZE,
    .features = blk_features,
    .config_size = sizeof(struct config),
    .config_read = blk_config_read,
    .config_write = blk_config_write,
    .start = blk_start,
    .notify = blk_notify,
    .reset = blk_reset,
};

struct virtio_blk *virtio_blk_create(
    struct storage *storage, struct storage_pool *pool, const char *serial, struct error *e) {
    struct virtio_blk *blk = calloc(1, sizeof *blk);
    if (!blk) {
        error_set(e, "out of memory");
        return NULL;
    }
    blk->storage = storage;
    blk->pool = pool;
    blk->writeback = 1;
    memcpy(blk->serial, serial, strnlen(serial, SERIAL_SIZE));
    pthread_mutex_init(&blk->lock, NULL);
    pthread_cond_init(&blk->idle, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        blk->workers[i].job.run = work;
        blk->workers[i].blk = blk;
    }
    return blk;
}

void virtio_blk_destroy(struct virtio_blk *blk) {
    if (!blk)
        return;
    pthread_cond_destroy(&blk->idle);
    pthread_mutex_destroy(&blk->lock);
    free(blk);
}

void virtio_blk_attach(struct virtio_blk *blk, struct virtio_device *transport) {
    blk->transport = transport;
}

void virtio_blk_settle(struct virtio_blk *blk) {
    pthread_mutex_lock(&blk->lock);
    while (blk->busy)
        pthread_cond_wait(&blk->idle, &blk->lock);
    pthread_mutex_unlock(&blk->lock);
}

void virtio_blk_replace(struct virtio_blk *blk, struct storage *storage) {
    pthread_mutex_lock(&blk->lock);
    blk->storage = storage;
    pthread_mutex_unlock(&blk->lock);
}

void virtio_blk_resized(struct virtio_blk *blk) {
    virtio_config_changed(blk->transport);
}

void virtio_blk_stats(struct virtio_blk *blk, struct virtio_blk_stats *out) {
    pthread_mutex_lock(&blk->lock);
    *out = blk->stats;
    pthread_mutex_unlock(&blk->lock);
}
