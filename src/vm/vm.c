#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board/memory_map.h"
#include "gpu/renderer.h"
#include "host/clock.h"
#include "net/capture.h"
#include "net/dns.h"
#include "net/lan.h"
#include "vm/internal.h"

enum { NET_MTU = 1500 };

/* Gives a new device (or none: its error is set) a slot. */
#define PLUG(kind)                                                                                           \
    static int plug_##kind(struct vm *vm, struct virtio_##kind *device, struct error *e) {                   \
        struct virtio_device *transport =                                                                    \
            device ? board_add_virtio(vm->board, &virtio_##kind##_ops, device, e) : NULL;                    \
        if (!transport)                                                                                      \
            return -1;                                                                                       \
        virtio_##kind##_attach(device, transport);                                                           \
        return 0;                                                                                            \
    }
PLUG(blk)
PLUG(net)
PLUG(rng)
PLUG(p9)
PLUG(console)
PLUG(gpu)
PLUG(input)

static int add_disks(struct vm *vm, const struct vm_config *config, struct error *e) {
    for (unsigned n = 0; n < config->disk_count; n++) {
        const char serial[] = {'p', 'e', 'a', 'r', '-', 'd', 'i', 's', 'k', (char)('a' + n), 0};
        if (plug_blk(vm, vm->disks[n] = virtio_blk_create(vm->storage[n], vm->pool, serial, e), e) < 0)
            return -1;
    }
    return 0;
}

/* Puts another network upon the one that there is. */
static int stack_net(
    struct vm *vm, struct net *upper, const char *what, const struct error *why, struct error *e) {
    if (!upper)
        return error_set(e, "net: %s%s", what, why->text);
    vm->network = upper;
    return 0;
}

static int open_net(struct vm *vm, const struct vm_config *config, struct host_loop *loop, struct error *e) {
    struct error why;
    const struct net_slirp_config slirp = {
        .mtu = NET_MTU,
        .guest = config->guest,
        .isolated = config->net == VM_NET_ISOLATED,
        .domain = config->lan ? NET_DNS_DOMAIN : NULL,
    };
    const struct net_lan_config lan = {config->lan, config->name, config->guest};
    if (!(vm->network = vm->slirp = net_slirp_create(loop, &slirp, e)))
        return -1;
    for (unsigned i = 0; i < config->forward_count; i++)
        if (net_slirp_forward(vm->slirp, config->forwards[i], &why) < 0)
            return error_set(e, "net: forward=%s", why.text);
    if (config->lan && stack_net(vm, net_lan_create(loop, vm->network, &lan, &why), "", &why, e) < 0)
        return -1;
    if (!config->capture)
        return 0;
    return stack_net(vm, net_capture_create(vm->network, config->capture, &why), "capture=", &why, e);
}

static int add_net(struct vm *vm, const struct vm_config *config, struct host_loop *loop, struct error *e) {
    uint8_t mac[VIRTIO_NET_MAC_SIZE];
    if (config->net == VM_NET_OFF)
        return 0;
    if (open_net(vm, config, loop, e) < 0)
        return -1;
    net_guest_mac(config->guest, mac);
    return plug_net(vm, vm->net = virtio_net_create(loop, vm->network, mac, e), e);
}

static int add_shares(struct vm *vm, const struct vm_config *config, struct error *e) {
    if (!config->share_count)
        return 0;
    if (!(vm->share_pool = storage_pool_create(1, e)))
        return -1;
    for (unsigned n = 0; n < config->share_count; n++) {
        if (!(vm->share[n] = share_open(config->shares[n].path, config->shares[n].read_only, e)))
            return -1;
        vm->share_count++; /* for vm_destroy() */
        const char *tag = config->shares[n].tag;
        if (plug_p9(vm, vm->p9[n] = virtio_p9_create(vm->share[n], vm->share_pool, tag, e), e) < 0)
            return -1;
    }
    return 0;
}

static int add_rng(struct vm *vm, struct error *e) {
    return plug_rng(vm, vm->rng = virtio_rng_create(e), e);
}

static int add_console(struct vm *vm, struct error *e) {
    if (!vm->console_stream)
        return 0;
    return plug_console(vm, vm->console = virtio_console_create(vm->console_stream, e), e);
}

/* --- what a user does in the window */

static void on_key(void *ctx, uint16_t code, bool down) {
    struct vm *vm = ctx;
    virtio_input_key(code >= INPUT_BTN_LEFT ? vm->tablet : vm->keyboard, code, down);
}

static void on_pointer(void *ctx, unsigned scanout, uint32_t x, uint32_t y) {
    struct vm *vm = ctx;
    if (scanout == 0)
        virtio_input_move(vm->tablet, x, y);
}

static void on_wheel(void *ctx, int32_t dx, int32_t dy) {
    struct vm *vm = ctx;
    const struct virtio_input_event events[] = {
        {INPUT_EV_REL, INPUT_REL_HWHEEL, (uint32_t)dx},
        {INPUT_EV_REL, INPUT_REL_WHEEL, (uint32_t)dy},
    };
    virtio_input_report(vm->tablet, events, 2);
}

static void on_resize(void *ctx, unsigned scanout, uint32_t width, uint32_t height) {
    struct vm *vm = ctx;
    virtio_gpu_resize(vm->gpu, scanout, width, height);
}

static void on_close(void *ctx) {
    struct vm *vm = ctx;
    board_power_key(vm->board);
}

static int add_input(
    struct vm *vm, struct virtio_input **input, enum virtio_input_kind kind, struct error *e) {
    return plug_input(vm, *input = virtio_input_create(kind, e), e);
}

/* A GPU of the kind that was asked for. */
static struct virtio_gpu *create_gpu(
    struct virtio_gpu_config *gpu, const struct vm_config *config, struct error *e) {
    static const struct gpu_renderer_ops *const renderers[] = {
        [VM_GPU_2D] = &gpu_soft2d,
        [VM_GPU_VIRGL] = &gpu_virgl,
        [VM_GPU_VENUS] = &gpu_venus,
        [VM_GPU_3D] = &gpu_3d,
        [VM_GPU_AUTO] = &gpu_3d,
    };
    gpu->renderer = renderers[config->gpu];
    if (config->gpu != VM_GPU_2D) {
        gpu->window_gpa = MAP_GPU_WINDOW;
        gpu->window_size = config->gpu_window;
        gpu->max_host_memory = config->gpu_window;
    }
    if (config->gpu == VM_GPU_AUTO)
        gpu->fallback = &gpu_soft2d;
    return virtio_gpu_create(gpu, e);
}

static int add_gpu(struct vm *vm, const struct vm_config *config, struct error *e) {
    if (config->gpu == VM_GPU_OFF)
        return 0;
    if (!(vm->display = display_create()))
        return error_set(e, "out of memory");
    struct virtio_gpu_config gpu = {
        .memory = board_memory(vm->board),
        .display = vm->display,
        .scanouts = config->gpu_outputs,
        .connected = config->gpu_outputs,
        .blob_alignment = (uint32_t)sysconf(_SC_PAGESIZE),
        .width = config->width,
        .height = config->height,
        .trace = config->gpu_trace,
    };
    if (plug_gpu(vm, vm->gpu = create_gpu(&gpu, config, e), e) < 0)
        return -1;
    vm->input = (struct display_input){
        .ctx = vm,
        .key = on_key,
        .pointer = on_pointer,
        .wheel = on_wheel,
        .resize = on_resize,
        .close = on_close,
    };
    if (add_input(vm, &vm->keyboard, VIRTIO_INPUT_KEYBOARD, e) < 0)
        return -1;
    return add_input(vm, &vm->tablet, VIRTIO_INPUT_TABLET, e);
}

static int open_streams(
    struct vm *vm, const struct vm_config *config, struct host_loop *loop, struct error *e) {
    bool console = config->console && strcmp(config->console, "none") != 0;
    if (console && strcmp(config->console, config->serial) == 0 && strcmp(config->serial, "none") != 0)
        return error_set(e, "--serial and --console cannot both lead to %s", config->serial);
    if (!(vm->serial = host_stream_open(loop, config->serial, vm->owner.quit, vm->owner.ctx, e)))
        return -1;
    if (console &&
        !(vm->console_stream = host_stream_open(loop, config->console, vm->owner.quit, vm->owner.ctx, e)))
        return -1;
    return 0;
}

static int create(struct vm *vm, const struct vm_config *config, struct host_loop *loop, struct error *e) {
    if (open_streams(vm, config, loop, e) < 0 || vm_disks_open(vm, config, e) < 0)
        return -1;
    const struct board_config board = {
        .engine = config->engine,
        .engine_options = config->engine_options,
        .profile = config->profile,
        .count_instructions = config->count_instructions,
        .cpus = config->cpus,
        .memory_size = config->memory,
        .firmware = config->firmware,
        .variables = config->variables,
        .kernel = config->kernel,
        .initrd = config->initrd,
        .append = config->append || !config->kernel ? config->append : "console=ttyAMA0",
        .disks = vm->boot_disks,
        .disk_count = vm->disk_count,
        .loop = loop,
        .serial = vm->serial,
        .event = vm->owner.event,
        .ctx = vm->owner.ctx,
    };
    if (!(vm->board = board_create(&board, e)))
        return -1;
    vm->counts_instructions = config->count_instructions;
    if (add_disks(vm, config, e) < 0 || add_shares(vm, config, e) < 0 || add_net(vm, config, loop, e) < 0 ||
        add_rng(vm, e) < 0 || add_gpu(vm, config, e) < 0 || add_console(vm, e) < 0)
        return -1;
    return 0;
}

struct vm *vm_create(
    const struct vm_config *config, struct host_loop *loop, const struct vm_owner *owner, struct error *e) {
    struct vm *vm = calloc(1, sizeof *vm);
    if (!vm) {
        error_set(e, "out of memory");
        return NULL;
    }
    vm->owner = *owner;
    host_sleep_precisely(); /* before there are threads: guests wait for their GPU in naps of 160 us */
    if (create(vm, config, loop, e) < 0) {
        vm_destroy(vm);
        return NULL;
    }
    return vm;
}

void vm_destroy(struct vm *vm) {
    if (!vm)
        return;
    board_destroy(vm->board); /* and the transports, whose devices go after them */
    vm_disks_close(vm);
    for (unsigned i = 0; i < vm->share_count; i++)
        virtio_p9_destroy(vm->p9[i]);
    virtio_net_destroy(vm->net);
    virtio_rng_destroy(vm->rng);
    virtio_console_destroy(vm->console);
    virtio_gpu_destroy(vm->gpu);
    virtio_input_destroy(vm->keyboard);
    virtio_input_destroy(vm->tablet);
    storage_pool_destroy(vm->share_pool);
    for (unsigned i = 0; i < vm->share_count; i++)
        share_close(vm->share[i]);
    net_close(vm->network);
    display_destroy(vm->display);
    host_stream_close(vm->console_stream);
    host_stream_close(vm->serial);
    free(vm);
}

int vm_forward(struct vm *vm, const char *spec, struct error *e) {
    return vm->slirp ? net_slirp_forward(vm->slirp, spec, e) : error_set(e, "it has no network (net = off)");
}

int vm_unforward(struct vm *vm, const char *spec, struct error *e) {
    return vm->slirp ? net_slirp_unforward(vm->slirp, spec, e)
                     : error_set(e, "it has no network (net = off)");
}

const char *vm_forward_at(struct vm *vm, unsigned n, char text[NET_FORWARD_SIZE]) {
    return vm->slirp ? net_slirp_forward_at(vm->slirp, n, text) : NULL;
}

struct board *vm_board(struct vm *vm) {
    return vm->board;
}

struct display *vm_display(struct vm *vm) {
    return vm->display;
}

struct gpu_monitor *vm_gpu_monitor(struct vm *vm) {
    return vm->gpu ? virtio_gpu_monitor(vm->gpu) : NULL;
}

const struct display_input *vm_display_input(struct vm *vm) {
    return &vm->input;
}
