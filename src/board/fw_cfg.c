#include "board/fw_cfg.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = 0, DATA_END = 8, SELECTOR = 8 };
enum {
    KEY_SIGNATURE = 0x00,
    KEY_REVISION = 0x01,
    KEY_CPUS = 0x05,
    KEY_CPUS_MAX = 0x0f,
    KEY_DIRECTORY = 0x19
};
enum { ITEM_MAX = 4, REVISION = 1 }; /* the registers only, no DMA */

struct fw_cfg_state {
    uint16_t key;
    uint32_t offset;
};

struct fw_cfg {
    uint16_t cpus;
    pthread_mutex_t lock;
    struct fw_cfg_state state;
};

/* Items are little-endian, the directory's count is big-endian. */
static uint8_t item_byte(const struct fw_cfg *fw_cfg, uint16_t key, uint32_t offset) {
    uint32_t value = 0;
    switch (key) {
    case KEY_SIGNATURE: return offset < ITEM_MAX ? (uint8_t) "QEMU"[offset] : 0;
    case KEY_REVISION: value = REVISION; break;
    case KEY_CPUS:
    case KEY_CPUS_MAX: value = fw_cfg->cpus; break;
    case KEY_DIRECTORY: break;
    }
    return offset < ITEM_MAX ? (uint8_t)(value >> 8 * offset) : 0;
}

/* The data register gives an item's bytes in their order, the first in the lowest byte whatever the width. */
static uint64_t read_fw_cfg(void *device, uint64_t offset, unsigned size) {
    struct fw_cfg *fw_cfg = device;
    uint64_t value = 0;
    if (offset >= DATA_END)
        return 0;
    pthread_mutex_lock(&fw_cfg->lock);
    for (unsigned i = 0; i < size; i++) {
        uint32_t at = fw_cfg->state.offset;
        value |= (uint64_t)item_byte(fw_cfg, fw_cfg->state.key, at) << 8 * i;
        if (at < ITEM_MAX)
            fw_cfg->state.offset++;
    }
    pthread_mutex_unlock(&fw_cfg->lock);
    return value;
}

static void write_fw_cfg(void *device, uint64_t offset, unsigned size, uint64_t value) {
    struct fw_cfg *fw_cfg = device;
    if (offset != SELECTOR || size != 2)
        return;
    pthread_mutex_lock(&fw_cfg->lock);
    fw_cfg->state = (struct fw_cfg_state){.key = __builtin_bswap16((uint16_t)value)};
    pthread_mutex_unlock(&fw_cfg->lock);
}

const struct mmio_ops fw_cfg_ops = {.read = read_fw_cfg, .write = write_fw_cfg};

struct fw_cfg *fw_cfg_create(unsigned cpus) {
    struct fw_cfg *fw_cfg = calloc(1, sizeof *fw_cfg);
    if (fw_cfg) {
        fw_cfg->cpus = (uint16_t)cpus;
        pthread_mutex_init(&fw_cfg->lock, NULL);
    }
    return fw_cfg;
}

void fw_cfg_destroy(struct fw_cfg *fw_cfg) {
    if (!fw_cfg)
        return;
    pthread_mutex_destroy(&fw_cfg->lock);
    free(fw_cfg);
}

void fw_cfg_reset(struct fw_cfg *fw_cfg) {
    pthread_mutex_lock(&fw_cfg->lock);
    fw_cfg->state = (struct fw_cfg_state){0};
    pthread_mutex_unlock(&fw_cfg->lock);
}
