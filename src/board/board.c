#include "board/board.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "board/fdt.h"
#include "board/flash.h"
#include "board/fw_cfg.h"
#include "board/gic.h"
#include "board/loader.h"
#include "board/memory_map.h"
#include "board/pl011.h"
#include "board/pl031.h"
#include "board/pl061.h"
#include "board/psci.h"
#include "board/vcpus.h"
#include "bus/mmio.h"
#include "host/shm.h"

enum { MEMORY_ALIGN = 2 << 20, MEMORY_MIN = 64 << 20, COMMAND_LINE_MAX = 2047 };

enum run_state { STOPPED, RUNNING, PAUSED };

struct board {
    const struct engine *engine;
    const char *engine_options, *profile;
    bool count_instructions;
    unsigned cpus;
    char *kernel, *initrd, *append;
    const struct boot_disk *disks; /* of its configuration */
    unsigned disk_count;
    char *command_line; /* what the kernel gets; NULL: append */
    void (*event)(void *ctx, enum board_event event);
    void *event_ctx;

    struct host_shm ram;
    struct memory *memory;
    struct mmio_bus *bus;
    struct engine_machine machine;
    struct engine_vm *vm;
    struct vcpus *vcpus;
    struct psci psci;

    struct gic *gic;
    struct pl011 *uart;
    struct pl031 *rtc;
    struct pl061 *gpio;
    struct flash *firmware, *variables; /* NULL when a kernel is booted directly */
    struct fw_cfg *fw_cfg;
    struct virtio_device *virtio[BOARD_VIRTIO_SLOTS];
    unsigned virtio_count;

    struct loaded loaded;
    enum run_state state; /* of the callers' thread */
    bool slots_closed;    /* board_start() was called: no more devices */

    /* What the guest asked for first; told on the loop's thread. */
    pthread_mutex_t event_lock;
    struct host_timer *event_timer;
    enum board_event pending;
    bool is_pending;
};

/* --- what vCPUs ask of the machine */

static bool on_mmio_read(void *ctx, unsigned cpu, uint64_t gpa, unsigned size, uint64_t *value) {
    struct board *board = ctx;
    (void)cpu;
    return mmio_read(board->bus, gpa, size, value);
}

static bool on_mmio_write(void *ctx, unsigned cpu, uint64_t gpa, unsigned size, uint64_t value) {
    struct board *board = ctx;
    (void)cpu;
    return mmio_write(board->bus, gpa, size, value);
}

static bool on_sysreg_read(void *ctx, unsigned cpu, uint32_t reg, uint64_t *value) {
    struct board *board = ctx;
    return gic_sysreg_read(board->gic, cpu, reg, value);
}

static bool on_sysreg_write(void *ctx, unsigned cpu, uint32_t reg, uint64_t value) {
    struct board *board = ctx;
    return gic_sysreg_write(board->gic, cpu, reg, value);
}

static void on_hvc(void *ctx, unsigned cpu, uint64_t x[18]) {
    struct board *board = ctx;
    psci_call(&board->psci, cpu, x);
}

static void on_timer_line(void *ctx, unsigned cpu, unsigned ppi, bool level) {
    struct board *board = ctx;
    gic_set_ppi(board->gic, cpu, ppi, level);
}

/* --- events */

static void note_event(struct board *board, enum board_event event) {
    pthread_mutex_lock(&board->event_lock);
    if (!board->is_pending)
        board->pending = event;
    board->is_pending = true;
    pthread_mutex_unlock(&board->event_lock);
}

static void on_system(void *ctx, enum psci_system what) {
    struct board *board = ctx;
    note_event(board, what == PSCI_SYSTEM_OFF ? BOARD_POWEROFF : BOARD_RESET);
    vcpus_halt(board->vcpus);
}

static void on_powered_off(void *ctx, unsigned cpu) {
    struct board *board = ctx;
    gic_reset_cpu(board->gic, cpu);
}

static void on_halted(void *ctx, bool failed) {
    struct board *board = ctx;
    if (failed)
        note_event(board, BOARD_FAILED);
    host_timer_arm(board->event_timer, 0);
}

static void on_event_timer(void *ctx) {
    struct board *board = ctx;
    pthread_mutex_lock(&board->event_lock);
    bool is_pending = board->is_pending;
    enum board_event event = board->pending;
    board->is_pending = false;
    pthread_mutex_unlock(&board->event_lock);
    if (is_pending)
        board->event(board->event_ctx, event);
}

static void forget_event(struct board *board) {
    host_timer_disarm(board->event_timer);
    pthread_mutex_lock(&board->event_lock);
    board->is_pending = false;
    pthread_mutex_unlock(&board->event_lock);
}

/* --- building */

static int check_config(const struct board_config *c, struct error *e) {
    if (c->cpus < 1 || c->cpus > BOARD_MAX_CPUS)
        return error_set(e, "%u vCPUs: between 1 and %d are possible", c->cpus, BOARD_MAX_CPUS);
    if (c->memory_size < MEMORY_MIN || c->memory_size % MEMORY_ALIGN)
        return error_set(e, "%llu bytes of memory: a multiple of 2 MiB, at least 64 MiB, is needed",
            (unsigned long long)c->memory_size);
    if (!c->kernel && !c->firmware && !c->disk_count)
        return error_set(e, "no kernel, no firmware and no disk given");
    if (c->initrd && !c->kernel && !c->firmware)
        return error_set(e, "an initrd is given, but no kernel");
    if (c->firmware && (c->kernel || c->initrd))
        return error_set(
            e, "firmware finds what it boots on a disk: a kernel or initrd cannot be given with it");
    if (c->append && strlen(c->append) > COMMAND_LINE_MAX)
        return error_set(
            e, "the kernel's command line has %zu bytes: %d at most", strlen(c->append), COMMAND_LINE_MAX);
    return 0;
}

static int copy_string(char **to, const char *from, struct error *e) {
    if (from && !(*to = strdup(from)))
        return error_set(e, "out of memory");
    return 0;
}

static int create_vm(struct board *board, uint64_t ram_size, struct error *e) {
    board->machine = (struct engine_machine){
        .ctx = board,
        .mmio_read = on_mmio_read,
        .mmio_write = on_mmio_write,
        .sysreg_read = on_sysreg_read,
        .sysreg_write = on_sysreg_write,
        .hvc = on_hvc,
        .timer_line = on_timer_line,
    };
    board->memory = memory_create();
    board->bus = mmio_bus_create();
    if (!board->memory || !board->bus)
        return error_set(e, "out of memory");
    const struct engine_config config = {
        .memory = board->memory,
        .machine = &board->machine,
        .ram_size = ram_size,
        .vcpus = board->cpus,
        .options = board->engine_options,
        .profile = board->profile,
        .count_instructions = board->count_instructions,
    };
    if (board->engine->vm_create(&board->vm, &config, e) < 0)
        return -1;
    board->gic = gic_create(board->engine, board->vm, board->cpus);
    return board->gic ? 0 : error_set(e, "out of memory");
}

static int create_ram(struct board *board, uint64_t size, struct error *e) {
    if (host_shm_create(&board->ram, "guest memory", size, e) < 0)
        return -1;
    const struct memory_slot slot = {
        .gpa = MAP_RAM, .size = size, .host = board->ram.data, .kind = MEMORY_RAM};
    return memory_add(board->memory, &slot, e);
}

static int create_devices(
    struct board *board, struct host_loop *loop, struct host_stream *serial, struct error *e) {
    struct irq_line uart = gic_spi_line(board->gic, SPI_PL011);
    struct irq_line rtc = gic_spi_line(board->gic, SPI_PL031);
    struct irq_line gpio = gic_spi_line(board->gic, SPI_PL061);
    if (!(board->uart = pl011_create(loop, serial, &uart, e)) ||
        !(board->rtc = pl031_create(loop, &rtc, e)) || !(board->gpio = pl061_create(loop, &gpio, e)))
        return -1;

    const struct {
        const char *name;
        uint64_t base, size;
        const struct mmio_ops *ops;
        void *device;
    } regions[] = {
        {"GIC distributor", MAP_GICD, MAP_GICD_SIZE, &gic_dist_ops, board->gic},
        {"GIC redistributors", MAP_GICR, MAP_GICR_STRIDE * board->cpus, &gic_redist_ops, board->gic},
        {"PL011", MAP_PL011, MAP_PRIMECELL_SIZE, &pl011_ops, board->uart},
        {"PL031", MAP_PL031, MAP_PRIMECELL_SIZE, &pl031_ops, board->rtc},
        {"PL061", MAP_PL061, MAP_PRIMECELL_SIZE, &pl061_ops, board->gpio},
    };
    for (size_t i = 0; i < sizeof regions / sizeof *regions; i++)
        if (mmio_add(board->bus, regions[i].name, regions[i].base, regions[i].size, regions[i].ops,
                regions[i].device, e) < 0)
            return -1;
    return 0;
}

/* What only a machine with firmware has. */
static int create_firmware(struct board *board, const struct board_config *c, struct error *e) {
    if (!c->firmware)
        return 0;
    if (!(board->firmware = flash_create_rom(board->memory, MAP_FLASH, c->firmware, e)) ||
        !(board->variables = flash_create(c->variables, e)))
        return -1;
    if (!(board->fw_cfg = fw_cfg_create(board->cpus)))
        return error_set(e, "out of memory");
    if (mmio_add(board->bus, "flash", MAP_FLASH, FLASH_SIZE, &flash_ops, board->firmware, e) < 0 ||
        mmio_add(board->bus, "flash", MAP_VARIABLES, FLASH_SIZE, &flash_ops, board->variables, e) < 0)
        return -1;
    return mmio_add(board->bus, "fw_cfg", MAP_FW_CFG, FW_CFG_SIZE, &fw_cfg_ops, board->fw_cfg, e);
}

static int create_vcpus(struct board *board, struct error *e) {
    const struct vcpus_hooks hooks = {.ctx = board, .powered_off = on_powered_off, .halted = on_halted};
    board->vcpus = vcpus_create(board->engine, board->vm, board->cpus, &hooks, e);
    board->psci =
        (struct psci){.vcpus = board->vcpus, .memory = board->memory, .system = on_system, .ctx = board};
    return board->vcpus ? 0 : -1;
}

static int load_files(struct board *board, const struct loader_file *kernel, const struct loader_file *initrd,
    struct error *e) {
    const struct loader_ram ram = {.host = board->ram.data, .gpa = MAP_RAM, .size = board->ram.size};
    return loader_load(&ram, kernel, initrd, &board->loaded, e);
}

/* What is to be appended comes last: for most options, Linux takes the last. */
static int make_command_line(struct board *board, const char *own, struct error *e) {
    const char *more = board->append ? board->append : "";
    free(board->command_line);
    if (asprintf(&board->command_line, "%s%s%s", own, *own && *more ? " " : "", more) < 0) {
        board->command_line = NULL;
        return error_set(e, "out of memory");
    }
    size_t length = strlen(board->command_line);
    if (length > COMMAND_LINE_MAX)
        return error_set(e, "the kernel's command line has %zu bytes: %d at most", length, COMMAND_LINE_MAX);
    return 0;
}

static int load_from_disks(struct board *board, struct error *e) {
    struct boot_files files;
    int result = boot_find(board->disks, board->disk_count, board->ram.size, &files, e);
    if (result == 0) {
        const struct loader_file kernel = {files.kernel_name, files.kernel, files.kernel_size},
                                 initrd = {files.initrd_name, files.initrd, files.initrd_size};
        result = load_files(board, &kernel, &initrd, e);
    }
    if (result == 0)
        result = make_command_line(board, files.append, e);
    boot_files_free(&files);
    return result;
}

static int load(struct board *board, struct error *e) {
    if (board->firmware) {
        board->loaded = (struct loaded){.entry = MAP_FLASH};
        return 0;
    }
    if (!board->kernel)
        return load_from_disks(board, e);
    const struct loader_file kernel = {.path = board->kernel}, initrd = {.path = board->initrd};
    return load_files(board, &kernel, &initrd, e);
}

static int build(struct board *board, const struct board_config *c, struct error *e) {
    if (copy_string(&board->kernel, c->kernel, e) < 0 || copy_string(&board->initrd, c->initrd, e) < 0 ||
        copy_string(&board->append, c->append, e) < 0)
        return -1;
    board->event_timer = host_timer_create(c->loop, on_event_timer, board);
    if (!board->event_timer)
        return error_set(e, "out of memory");
    if (create_vm(board, c->memory_size, e) < 0 || create_ram(board, c->memory_size, e) < 0 ||
        create_firmware(board, c, e) < 0 || load(board, e) < 0)
        return -1;
    if (create_devices(board, c->loop, c->serial, e) < 0)
        return -1;
    return create_vcpus(board, e);
}

struct board *board_create(const struct board_config *config, struct error *e) {
    if (check_config(config, e) < 0)
        return NULL;
    struct board *board = calloc(1, sizeof *board);
    if (!board) {
        error_set(e, "out of memory");
        return NULL;
    }
    board->engine = config->engine;
    board->engine_options = config->engine_options;
    board->profile = config->profile;
    board->count_instructions = config->count_instructions;
    board->cpus = config->cpus;
    board->disks = config->disks;
    board->disk_count = config->disk_count;
    board->event = config->event;
    board->event_ctx = config->ctx;
    pthread_mutex_init(&board->event_lock, NULL);
    if (build(board, config, e) < 0) {
        board_destroy(board);
        return NULL;
    }
    return board;
}

void board_destroy(struct board *board) {
    if (!board)
        return;
    vcpus_destroy(board->vcpus);
    for (unsigned i = 0; i < board->virtio_count; i++)
        virtio_mmio_destroy(board->virtio[i]);
    pl061_destroy(board->gpio);
    pl031_destroy(board->rtc);
    pl011_destroy(board->uart);
    if (board->vm)
        board->engine->vm_destroy(board->vm); /* its timers use the interrupt controller until then */
    gic_destroy(board->gic);
    mmio_bus_destroy(board->bus);
    memory_destroy(board->memory);
    flash_destroy(board->firmware);
    flash_destroy(board->variables);
    fw_cfg_destroy(board->fw_cfg);
    if (board->ram.data)
        host_shm_destroy(&board->ram);
    host_timer_destroy(board->event_timer);
    pthread_mutex_destroy(&board->event_lock);
    free(board->kernel);
    free(board->initrd);
    free(board->append);
    free(board->command_line);
    free(board);
}

/* --- virtio slots */

struct virtio_device *board_add_virtio(
    struct board *board, const struct virtio_device_ops *ops, void *device, struct error *e) {
    unsigned slot = board->virtio_count;
    if (slot == BOARD_VIRTIO_SLOTS || board->slots_closed) {
        error_set(e, "no virtio slot is left: a machine has %d", BOARD_VIRTIO_SLOTS);
        return NULL;
    }
    struct irq_line irq = gic_spi_line(board->gic, SPI_VIRTIO + slot);
    uint64_t gpa = MAP_VIRTIO + slot * MAP_VIRTIO_SLOT_SIZE;
    struct virtio_device *transport =
        virtio_mmio_create(board->bus, board->memory, gpa, &irq, ops, device, e);
    if (transport)
        board->virtio[board->virtio_count++] = transport;
    return transport;
}

/* A slot without a device: magic, version, and device ID 0 (virtio 1.2, 4.2.2). */
static uint64_t read_empty_slot(void *device, uint64_t offset, unsigned size) {
    (void)device;
    (void)size;
    switch (offset % MAP_VIRTIO_SLOT_SIZE) {
    case 0: return 0x74726976;
    case 4: return 2;
    default: return 0;
    }
}

static void write_empty_slot(void *device, uint64_t offset, unsigned size, uint64_t value) {
    (void)device;
    (void)offset;
    (void)size;
    (void)value;
}

static int close_slots(struct board *board, struct error *e) {
    static const struct mmio_ops ops = {.read = read_empty_slot, .write = write_empty_slot};
    uint64_t empty = BOARD_VIRTIO_SLOTS - board->virtio_count;
    if (board->slots_closed || !empty)
        return 0;
    board->slots_closed = true;
    return mmio_add(board->bus, "empty virtio slots", MAP_VIRTIO + board->virtio_count * MAP_VIRTIO_SLOT_SIZE,
        empty * MAP_VIRTIO_SLOT_SIZE, &ops, NULL, e);
}

/* Back to power-on as a driver does it: 0 into the status register (4.2.2.1). */
static void reset_virtio(struct board *board) {
    enum { STATUS = 0x70 };
    for (unsigned i = 0; i < board->virtio_count; i++)
        mmio_write(board->bus, MAP_VIRTIO + i * MAP_VIRTIO_SLOT_SIZE + STATUS, 4, 0);
}

/* --- running */

static int write_device_tree(struct board *board, struct error *e) {
    struct device_tree_config config = {
        .cpus = board->cpus,
        .memory_size = board->ram.size,
        .bootargs = board->command_line ? board->command_line : board->append,
        .initrd = board->loaded.initrd,
        .initrd_end = board->loaded.initrd_end,
        .virtio_slots = board->virtio_count,
        .firmware = board->firmware != NULL,
    };
    if (getentropy(&config.kaslr_seed, sizeof config.kaslr_seed) < 0 ||
        getentropy(config.rng_seed, sizeof config.rng_seed) < 0)
        return error_set(e, "the host has no random numbers for the guest");
    return device_tree_build(&config, board->ram.data, MAP_DEVICE_TREE_SIZE, e);
}

static int power_on(struct board *board, struct error *e) {
    if (close_slots(board, e) < 0 || write_device_tree(board, e) < 0)
        return -1;
    forget_event(board);
    vcpus_reset(board->vcpus, board->loaded.entry, MAP_RAM);
    board->state = RUNNING;
    vcpus_go(board->vcpus);
    return 0;
}

int board_start(struct board *board, struct error *e) {
    return power_on(board, e);
}

static void hold_virtio(struct board *board, bool hold) {
    for (unsigned i = 0; i < board->virtio_count; i++)
        virtio_mmio_hold(board->virtio[i], hold);
}

/* Out of PAUSED too: the clocks go on. */
void board_stop(struct board *board) {
    vcpus_stop(board->vcpus);
    if (board->state == PAUSED)
        board->engine->clock_start(board->vm);
    board->state = STOPPED;
}

void board_pause(struct board *board) {
    if (board->state != RUNNING)
        return;
    vcpus_stop(board->vcpus);
    board->engine->clock_stop(board->vm);
    hold_virtio(board, true);
    board->state = PAUSED;
}

void board_resume(struct board *board) {
    if (board->state != PAUSED)
        return;
    board->engine->clock_start(board->vm);
    hold_virtio(board, false);
    board->state = RUNNING;
    vcpus_go(board->vcpus);
}

int board_reset(struct board *board, struct error *e) {
    board_stop(board);
    reset_virtio(board);
    hold_virtio(board, false); /* if it was paused */
    pl011_reset(board->uart);
    pl031_reset(board->rtc);
    pl061_reset(board->gpio);
    gic_reset(board->gic);
    if (board->firmware) {
        flash_reset(board->variables);
        fw_cfg_reset(board->fw_cfg);
    }
    if (load(board, e) < 0)
        return -1;
    return power_on(board, e);
}

void board_power_key(struct board *board) {
    pl061_press(board->gpio, PL061_POWER_KEY);
}

struct memory *board_memory(struct board *board) {
    return board->memory;
}

unsigned board_cpus(const struct board *board) {
    return board->cpus;
}

void board_cpu_stats(struct board *board, unsigned cpu, struct engine_stats *out) {
    board->engine->vcpu_stats(board->engine->vcpu(board->vm, cpu), out);
}
