#include "board/flash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/log.h"

/* Commands go to both chips at once, in the low byte of each half of a word. */
enum command {
    PROGRAM_0 = 0x10,
    ERASE = 0x20,
    PROGRAM = 0x40,
    CLEAR_STATUS = 0x50,
    LOCK = 0x60,
    READ_STATUS = 0x70,
    READ_ID = 0x90,
    QUERY = 0x98,
    CONFIRM = 0xd0,
    PROGRAM_BUFFER = 0xe8,
    READ_ARRAY = 0xff,
};

enum status { STATUS_READY = 0x80, STATUS_ERASE_ERROR = 0x20, STATUS_PROGRAM_ERROR = 0x10 };

/* What a read gives, and what the next write is. */
enum read_mode { READS_ARRAY, READS_STATUS, READS_ID, READS_QUERY };
enum write_mode {
    WRITES_COMMAND,
    WRITES_WORD,
    WRITES_ERASE_CONFIRM,
    WRITES_LOCK_CONFIRM,
    WRITES_COUNT,
    WRITES_BUFFER,
    WRITES_CONFIRM
};

enum { WORD = 4, BUFFER_WORDS = 1024 };

struct flash_state {
    uint8_t read, write; /* enum read_mode, enum write_mode */
    uint8_t status;
    uint32_t left; /* words that the buffer still takes */
};

struct flash {
    uint8_t *data; /* FLASH_SIZE */
    bool rom;
    int fd; /* -1: kept nowhere */
    pthread_mutex_t lock;
    struct flash_state state;
};

/* --- what it holds */

static void keep(struct flash *flash, uint64_t offset, uint64_t size) {
    while (flash->fd >= 0 && size) {
        ssize_t done = pwrite(flash->fd, flash->data + offset, size, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            log_warn("cannot keep the firmware's variables: %s", strerror(errno));
            flash->state.status |= STATUS_PROGRAM_ERROR;
            return;
        }
        offset += (uint64_t)done;
        size -= (uint64_t)done;
    }
}

/* Programming only makes ones zeros. */
static void program(struct flash *flash, uint64_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; i++)
        flash->data[offset + i] &= (uint8_t)(value >> 8 * i);
    keep(flash, offset, size);
}

static void erase(struct flash *flash, uint64_t offset) {
    offset &= ~(uint64_t)(FLASH_BLOCK - 1);
    memset(flash->data + offset, 0xff, FLASH_BLOCK);
    keep(flash, offset, FLASH_BLOCK);
}

/* --- what it says about itself */

/* JESD68 table, by word; what is not said here is 0. */
static uint8_t query(uint64_t word) {
    static const uint8_t table[] = {
        [0x10] = 'Q',
        'R',
        'Y',
        1,
        0,
        0x31,
        0, /* Intel's extended command set, its own table at 0x31 */
        [0x1b] = 0x45,
        0x55, /* supply: 4.5 to 5.5 V */
        [0x1f] = 7,
        7,
        10,
        0,
        4,
        4,
        4,
        0, /* log2 of times: word and buffer in us, block in ms; longest */
        [0x27] = 25,
        1,
        0,
        11,
        0,
        1, /* log2 of a chip's bytes; x16; log2 of the buffer's; regions */
        [0x2d] = FLASH_SIZE / FLASH_BLOCK - 1,
        0,
        0,
        FLASH_BLOCK / 2 / 256 / 256, /* blocks of a chip */
        [0x31] = 'P',
        'R',
        'I',
        '1',
        '0',
    };
    return word < sizeof table ? table[word] : 0;
}

/* Manufacturer and device; no block is locked. */
static uint8_t identification(uint64_t word) {
    enum { INTEL = 0x89, DEVICE = 0x18 };
    return word % (FLASH_BLOCK / WORD) == 0 ? INTEL : word % (FLASH_BLOCK / WORD) == 1 ? DEVICE : 0;
}

static uint64_t both_chips(uint8_t value, uint64_t offset, unsigned size) {
    uint32_t word = value | (uint32_t)value << 16;
    word >>= 8 * (offset % WORD);
    return size == 8 ? word | (uint64_t)word << 32 : word;
}

static uint64_t read_array(const struct flash *flash, uint64_t offset, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, flash->data + offset, size);
    return value;
}

static uint64_t read_flash(void *device, uint64_t offset, unsigned size) {
    struct flash *flash = device;
    uint64_t value = 0;
    pthread_mutex_lock(&flash->lock);
    switch (flash->state.read) {
    case READS_ARRAY: value = read_array(flash, offset, size); break;
    case READS_STATUS: value = both_chips(flash->state.status, offset, size); break;
    case READS_ID: value = both_chips(identification(offset / WORD), offset, size); break;
    case READS_QUERY: value = both_chips(query(offset / WORD), offset, size); break;
    }
    pthread_mutex_unlock(&flash->lock);
    return value;
}

/* --- commands */

static void begin(struct flash_state *s, enum write_mode write) {
    s->read = READS_STATUS;
    s->write = (uint8_t)write;
}

static void command(struct flash_state *s, uint8_t code) {
    s->write = WRITES_COMMAND;
    switch (code) {
    case PROGRAM_0:
    case PROGRAM: begin(s, WRITES_WORD); break;
    case ERASE: begin(s, WRITES_ERASE_CONFIRM); break;
    case LOCK: begin(s, WRITES_LOCK_CONFIRM); break;
    case PROGRAM_BUFFER: begin(s, WRITES_COUNT); break;
    case CLEAR_STATUS: s->status = STATUS_READY; break;
    case READ_STATUS: s->read = READS_STATUS; break;
    case READ_ID: s->read = READS_ID; break;
    case QUERY: s->read = READS_QUERY; break;
    default: s->read = READS_ARRAY; break;
    }
}

/* A sequence that ends otherwise than it should is an error, and over. */
static void confirm(struct flash *flash, uint8_t code, enum status error) {
    if (code != CONFIRM)
        flash->state.status |= (uint8_t)error;
    begin(&flash->state, WRITES_COMMAND);
}

static void write_flash(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct flash *flash = device;
    struct flash_state *s = &flash->state;
    const uint8_t code = (uint8_t)value;
    if (flash->rom)
        return;
    pthread_mutex_lock(&flash->lock);
    switch (s->write) {
    case WRITES_COMMAND: command(s, code); break;
    case WRITES_WORD:
        program(flash, offset, size, value);
        begin(s, WRITES_COMMAND);
        break;
    case WRITES_ERASE_CONFIRM:
        if (code == CONFIRM)
            erase(flash, offset);
        confirm(flash, code, STATUS_ERASE_ERROR | STATUS_PROGRAM_ERROR);
        break;
    case WRITES_LOCK_CONFIRM: begin(s, WRITES_COMMAND); break;
    case WRITES_COUNT:
        s->left = (uint16_t)value + 1u;
        begin(s, s->left <= BUFFER_WORDS ? WRITES_BUFFER : WRITES_COMMAND);
        break;
    case WRITES_BUFFER:
        program(flash, offset, size, value);
        if (--s->left == 0)
            begin(s, WRITES_CONFIRM);
        break;
    case WRITES_CONFIRM: confirm(flash, code, STATUS_PROGRAM_ERROR); break;
    }
    pthread_mutex_unlock(&flash->lock);
}

const struct mmio_ops flash_ops = {.read = read_flash, .write = write_flash};

/* --- life */

void flash_reset(struct flash *flash) {
    pthread_mutex_lock(&flash->lock);
    flash->state = (struct flash_state){.status = STATUS_READY};
    pthread_mutex_unlock(&flash->lock);
}

static struct flash *create(struct error *e) {
    struct flash *flash = calloc(1, sizeof *flash);
    void *data =
        mmap(NULL, FLASH_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (!flash || data == MAP_FAILED) {
        if (data != MAP_FAILED)
            munmap(data, FLASH_SIZE);
        free(flash);
        error_set(e, "out of memory");
        return NULL;
    }
    flash->data = data;
    flash->fd = -1;
    pthread_mutex_init(&flash->lock, NULL);
    flash_reset(flash);
    return flash;
}

/* What the file holds; the rest of the bank stays zero. */
static int read_file(struct flash *flash, int fd, const char *path, struct error *e) {
    struct stat stat;
    if (fstat(fd, &stat) < 0)
        return error_set(e, "firmware %s: %s", path, strerror(errno));
    if (!S_ISREG(stat.st_mode))
        return error_set(e, "firmware %s: is not a regular file", path);
    if (stat.st_size > FLASH_SIZE)
        return error_set(
            e, "firmware %s: has %lld bytes, but a flash bank %d", path, (long long)stat.st_size, FLASH_SIZE);
    for (off_t at = 0; at < stat.st_size;) {
        ssize_t done = pread(fd, flash->data + at, (size_t)(stat.st_size - at), at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return error_set(
                e, "firmware %s: %s", path, done < 0 ? strerror(errno) : "became shorter while it was read");
        at += done;
    }
    return stat.st_size > 0;
}

struct flash *flash_create_rom(struct memory *memory, uint64_t gpa, const char *path, struct error *e) {
    struct flash *flash = create(e);
    if (!flash)
        return NULL;
    flash->rom = true;
    const struct memory_slot slot = {.gpa = gpa, .size = FLASH_SIZE, .host = flash->data, .kind = MEMORY_ROM};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), read = -1;
    if (fd < 0)
        error_set(e, "firmware %s: %s", path, strerror(errno));
    else
        read = read_file(flash, fd, path, e);
    if (read == 0)
        error_set(e, "firmware %s: is empty", path);
    if (fd >= 0)
        close(fd);
    if (read <= 0 || memory_add(memory, &slot, e) < 0) {
        flash_destroy(flash);
        return NULL;
    }
    return flash;
}

static int open_variables(struct flash *flash, const char *path, struct error *e) {
    flash->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0600);
    if (flash->fd < 0)
        return error_set(e, "firmware variables %s: %s", path, strerror(errno));
    if (flock(flash->fd, LOCK_EX | LOCK_NB) < 0)
        return error_set(e, "firmware variables %s: are in use by another machine", path);
    return read_file(flash, flash->fd, path, e);
}

struct flash *flash_create(const char *path, struct error *e) {
    struct flash *flash = create(e);
    if (flash && path && open_variables(flash, path, e) < 0) {
        flash_destroy(flash);
        return NULL;
    }
    return flash;
}

void flash_destroy(struct flash *flash) {
    if (!flash)
        return;
    if (flash->fd >= 0)
        close(flash->fd);
    munmap(flash->data, FLASH_SIZE);
    pthread_mutex_destroy(&flash->lock);
    free(flash);
}
