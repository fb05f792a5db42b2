/* Works on a disk image through the storage interface.
 *   exercise random IMAGE FORMAT REFERENCE SEED COUNT
 *       COUNT requests of all kinds, on three threads; REFERENCE, a raw file that begins equal, gets the same
 * and is compared with what is read. exercise crash IMAGE FORMAT JOURNAL SEED writes and flushes until it is
 * killed. JOURNAL.0 and .1 say before each write what it is, and after each flush that it was done (crash.py
 * reads them). Exit status 0, or 1 and a line. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/storage.h"

enum { THREADS = 3, WRITERS = 2, BLOCK = 4096, LARGE = 1 << 20, BATCH_MAX = 24 };
enum { WRITE = 'w', ZEROES = 'z', DISCARD = 'd', FLUSHED = 'f' };

static struct storage *image;
static uint64_t size;

static void fail(const char *what, uint64_t offset, int result) {
    printf("FAIL: %s at 0x%llx: %s\n", what, (unsigned long long)offset, strerror(-result));
    _exit(1);
}

static void must(int result, const char *what, uint64_t offset) {
    if (result < 0)
        fail(what, offset, result);
}

static uint32_t random32(uint64_t *seed) {
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*seed >> 32);
}

/* --- random requests, compared with a reference; each thread has a part of the disk */

struct worker {
    pthread_t thread;
    uint64_t seed, begin, end;
    unsigned count;
    int reference;
    uint8_t *data, *expected;
};

static void transfer(struct worker *w, bool write, uint64_t offset, size_t length) {
    size_t cut = random32(&w->seed) % (length + 1); /* buffers in two odd pieces */
    struct iovec iov[2] = {{w->data, cut}, {w->data + cut, length - cut}};
    if (write) {
        for (size_t i = 0; i < length; i += 8) {
            uint64_t word = random32(&w->seed) % 16 ? random32(&w->seed) : 0;
            memcpy(w->data + i, &word, 8);
        }
        must(image->ops->pwritev(image, iov, 2, offset), "write", offset);
        if (pwrite(w->reference, w->data, length, (off_t)offset) != (ssize_t)length)
            fail("reference", offset, -1);
        return;
    }
    must(image->ops->preadv(image, iov, 2, offset), "read", offset);
    if (pread(w->reference, w->expected, length, (off_t)offset) != (ssize_t)length ||
        memcmp(w->data, w->expected, length) != 0)
        fail("read something else", offset, -1);
}

static void clear(struct worker *w, uint64_t offset, size_t length) {
    uint32_t kind = random32(&w->seed);
    if (kind & 1)
        must(image->ops->write_zeroes(image, offset, length, kind & 2), "write zeroes", offset);
    else
        must(image->ops->discard(image, offset, length), "discard", offset);
    struct iovec iov = {w->data, length};
    must(image->ops->preadv(image, &iov, 1, offset), "read", offset);
    for (size_t i = 0; i < length && kind & 1; i++)
        if (w->data[i])
            fail("no zeroes", offset, -1);
    if (pwrite(w->reference, w->data, length, (off_t)offset) != (ssize_t)length)
        fail("reference", offset, -1);
}

static void *work(void *ctx) {
    struct worker *w = ctx;
    for (unsigned i = 0; i < w->count; i++) {
        uint32_t kind = random32(&w->seed) % 16;
        uint64_t sectors = (w->end - w->begin) / 512, first = random32(&w->seed) % sectors;
        uint64_t most = kind == 0 ? LARGE / 512 : kind < 8 ? 8 : 256;
        uint64_t count = 1 + random32(&w->seed) % most;
        if (count > sectors - first)
            count = sectors - first;
        uint64_t offset = w->begin + first * 512;
        if (kind == 15)
            must(image->ops->flush(image), "flush", 0);
        else if (kind >= 12)
            clear(w, offset, count * 512);
        else
            transfer(w, kind % 2, offset, count * 512);
    }
    return NULL;
}

static int run_random(const char *reference, uint64_t seed, unsigned count) {
    struct worker workers[THREADS];
    int fd = open(reference, O_RDWR);
    for (unsigned i = 0; i < THREADS; i++) {
        /* Not at clusters' borders: neighbours meet in one. */
        uint64_t share = size / THREADS / 512 * 512;
        workers[i] = (struct worker){.seed = seed * THREADS + i,
            .begin = i * share,
            .end = i == THREADS - 1 ? size : (i + 1) * share,
            .count = count / THREADS,
            .reference = fd,
            .data = malloc(LARGE),
            .expected = malloc(LARGE)};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        free(workers[i].data);
        free(workers[i].expected);
    }
    close(fd);
    return 0;
}

/* --- writing until killed */

struct record {
    uint32_t kind, block, count, generation;
};

struct writer {
    pthread_t thread;
    uint64_t seed;
    unsigned number;
    int journal;
    uint32_t generation;
};

static void note(struct writer *w, uint32_t kind, uint32_t block, uint32_t count) {
    struct record record = {kind, block, count, w->generation};
    if (write(w->journal, &record, sizeof record) != sizeof record)
        fail("journal", 0, -1);
}

/* Blocks of [first, first + count); each holds its number and the write's generation all over. */
static void write_blocks(struct writer *w, uint32_t first, uint32_t count) {
    static _Thread_local uint32_t data[16 * BLOCK / 4];
    for (uint32_t i = 0; i < count * BLOCK / 4; i += 2) {
        data[i] = first + i * 4 / BLOCK + 1;
        data[i + 1] = w->generation;
    }
    struct iovec iov = {data, count * BLOCK};
    must(image->ops->pwritev(image, &iov, 1, (uint64_t)first * BLOCK), "write", first);
}

static void *write_on(void *ctx) {
    struct writer *w = ctx;
    uint32_t blocks = (uint32_t)(size / BLOCK) / WRITERS;
    for (;;) {
        unsigned batch = 1 + random32(&w->seed) % BATCH_MAX;
        for (unsigned i = 0; i < batch; i++) {
            uint32_t count = 1 + random32(&w->seed) % 16, kind = random32(&w->seed) % 8;
            uint32_t first = w->number * blocks + random32(&w->seed) % (blocks - count);
            uint64_t offset = (uint64_t)first * BLOCK, length = (uint64_t)count * BLOCK;
            w->generation++;
            note(w, kind > 1 ? WRITE : kind ? ZEROES : DISCARD, first, count);
            if (kind > 1)
                write_blocks(w, first, count);
            else if (kind)
                must(image->ops->write_zeroes(image, offset, length, true), "write zeroes", offset);
            else
                must(image->ops->discard(image, offset, length), "discard", offset);
        }
        must(image->ops->flush(image), "flush", 0);
        note(w, FLUSHED, 0, 0);
    }
    return NULL;
}

static int run_crash(const char *journal, uint64_t seed) {
    struct writer writers[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s.%u", journal, i);
        writers[i] = (struct writer){.seed = seed * WRITERS + i,
            .number = i,
            .journal = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0666)};
        if (pthread_create(&writers[i].thread, NULL, write_on, &writers[i]) != 0)
            return 1;
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    return 0;
}

int main(int argc, char **argv) {
    struct error e;
    struct storage_config config = {.path = argc > 3 ? argv[2] : ""};
    bool crash = argc == 6 && strcmp(argv[1], "crash") == 0;
    if (!(crash || (argc == 7 && strcmp(argv[1], "random") == 0)) ||
        storage_format_parse(argv[3], &config.format) < 0)
        return 2;
    if (!(image = storage_open(&config, &e))) {
        puts(e.text);
        return 1;
    }
    size = image->size;
    uint64_t seed = strtoull(argv[5], NULL, 10);
    int status = crash ? run_crash(argv[4], seed) : run_random(argv[4], seed, (unsigned)atoi(argv[6]));
    storage_close(image);
    return status;
}
