/* `pearvisor run`: one VM from the command line, until it powers off. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "display/display.h"
#include "display/png.h"
#include "host/clock.h"
#include "util/log.h"
#include "vm/window.h"

static const char usage[] =
    "usage: pearvisor run --disk FILE | --kernel FILE | --firmware FILE [OPTION]...\n"
    "\n"
    "  --kernel FILE            an ARM64 Linux kernel (Image, plain, gzip or EFI zboot); without one,\n"
    "                           and without firmware, a disk's own boot entry is booted (ext4; BLS, "
    "extlinux, "
    "GRUB)\n"
    "  --initrd FILE            an initial RAM disk\n"
    "  --append STRING          the kernel's command line (console=ttyAMA0); added to that of a disk's "
    "entry\n"
    "  --firmware FILE[,vars=FILE]\n"
    "                           UEFI (AAVMF) or U-Boot instead of a kernel; what it keeps goes to the second "
    "file\n"
    "  --disk FILE[,format=raw|qcow2][,ro]\n"
    "                           an image or block device: vda, vdb, ... (FILE.qcow2: qcow2, else raw)\n"
    "  --share DIRECTORY[,TAG][,ro]\n"
    "                           a directory of the host: mount -t 9p -o trans=virtio,version=9p2000.L TAG "
    "/mnt;\n"
    "                           the tag is the directory's name unless given\n"
    "  --cpus N                 1 to 8 (2)\n"
    "  --memory SIZE            such as 512M or 2G (1G)\n"
    "  --engine auto|soft       what executes the guest's CPUs (auto); soft,interp: without translating\n"
    "  --gpu auto|off|2d|virgl|venus|3d[,window=SIZE][,outputs=N]\n"
    "                           the virtio GPU: virgl for OpenGL, venus for Vulkan, 3d for both, auto for\n"
    "                           3d or else 2d, as the host can; window for host memory in the guest, "
    "outputs\n"
    "                           for screens (auto, 8G, 1)\n"
    "  --net off|user|isolated[,forward=tcp:[ADDRESS:]HOSTPORT-GUESTPORT]...[,capture=FILE]\n"
    "                           NAT with DHCP and DNS, or without a way out; forwards from 127.0.0.1, and "
    "what\n"
    "                           passes in a file that Wireshark reads (user)\n"
    "  --serial stdio|file:PATH|unix:PATH|none    where ttyAMA0 leads (stdio)\n"
    "  --console stdio|file:PATH|unix:PATH|none   adds hvc0 (none)\n"
    "  --display none|window    (a window where there is a display)\n"
    "  --resolution WxH         of the screen, in pixels (1280x800)\n"
    "  --screenshot FILE.png    holds the last frame at exit (FILE-2.png: of the second output);\n"
    "                           SIGUSR1 saves it at once\n"
    "  --timeout SECONDS        stop after that time\n"
    "  --profile FILE[,symbols=FILE]\n"
    "                           writes folded stacks of the guest, for flame graphs, and /tmp/perf-PID.map "
    "for\n"
    "                           perf; symbols from the guest's /proc/kallsyms or System.map\n"
    "  --gpu-trace FILE         writes what the guest sends to its GPU, for pearvisor gpu-replay\n"
    "  --stats                  print counters as JSON on stderr at exit\n"
    "  --no-reboot              end when the guest resets\n"
    "\n"
    "Exit status: 0 the guest powered off, 2 usage or configuration, 3 the guest reset (--no-reboot),\n"
    "124 the timeout, 1 anything else. On a terminal, Ctrl-A X leaves and Ctrl-A H helps.\n";

struct run {
    struct run_options options;
    struct host_loop *loop;
    struct vm *vm;
    struct present *present; /* NULL: no window */
    enum exit_status status;
    int signals; /* a signalfd */
};

static void leave(struct run *run, enum exit_status status) {
    run->status = status;
    host_loop_stop(run->loop);
}

static void on_quit(void *ctx) {
    leave(ctx, EXIT_OTHER);
}

static void on_timeout(void *ctx) {
    leave(ctx, EXIT_TIMED_OUT);
}

static void on_board_event(void *ctx, enum board_event event) {
    struct run *run = ctx;
    struct error e;
    if (event == BOARD_POWEROFF)
        leave(run, EXIT_POWERED_OFF);
    else if (event == BOARD_RESET && run->options.no_reboot)
        leave(run, EXIT_GUEST_RESET);
    else if (event == BOARD_RESET && board_reset(vm_board(run->vm), &e) == 0)
        return;
    else {
        if (event == BOARD_RESET)
            log_warn("%s", e.text);
        leave(run, EXIT_OTHER);
    }
}

static void save_screenshot(struct run *run) {
    const char *path = run->options.screenshot;
    struct error e;
    if (path && display_screenshot(vm_display(run->vm), 0, path, &e) < 0)
        log_warn("%s", e.text);
    for (unsigned i = 1; path && i < run->options.vm.gpu_outputs; i++) {
        char other[PATH_MAX];
        const char *dot = strrchr(path, '.');
        size_t stem = dot && !strchr(dot, '/') ? (size_t)(dot - path) : strlen(path);
        snprintf(other, sizeof other, "%.*s-%u%s", (int)stem, path, i + 1, path + stem);
        if (display_screenshot(vm_display(run->vm), i, other, &e) < 0)
            log_warn("%s", e.text);
    }
}

static void on_signal(void *ctx, unsigned events) {
    (void)events;
    struct run *run = ctx;
    struct signalfd_siginfo info;
    if (read(run->signals, &info, sizeof info) != sizeof info)
        return;
    if (info.ssi_signo == SIGUSR1)
        save_screenshot(run);
    else
        leave(run, EXIT_OTHER);
}

/* Before any thread is made, so that all of them inherit the mask. */
static int take_signals(struct run *run, struct error *e) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    run->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->signals < 0 || !host_source_add(run->loop, run->signals, HOST_READABLE, on_signal, run))
        return error_set(e, "cannot watch for signals: %s", strerror(errno));
    return 0;
}

/* Where a display is there, unless told otherwise. That it cannot be opened matters only if it was asked for.
 */
static int open_window(struct run *run, struct error *e) {
    bool asked = run->options.display == DISPLAY_WINDOW;
    if (asked && run->options.vm.gpu == VM_GPU_OFF)
        return error_set(e, "--display window needs a screen: use --gpu 2d");
    if (run->options.vm.gpu == VM_GPU_OFF || run->options.display == DISPLAY_NONE)
        return 0;
    if (!asked && !getenv("DISPLAY") && !getenv("WAYLAND_DISPLAY"))
        return 0;
    struct error why;
    if ((run->present = vm_window_open(run->vm, &run->options.vm, "PearVisor", &why)))
        return 0;
    if (asked)
        return error_set(e, "--display window: %s", why.text);
    log_warn("no window: %s", why.text);
    return 0;
}

static int prepare(struct run *run, struct error *e) {
    if (run->options.screenshot && png_check_path(run->options.screenshot, e) < 0)
        return -1;
    if (!(run->loop = host_loop_create(e)) || take_signals(run, e) < 0)
        return -1;
    const struct vm_owner owner = {.ctx = run, .event = on_board_event, .quit = on_quit};
    if (!(run->vm = vm_create(&run->options.vm, run->loop, &owner, e)) || open_window(run, e) < 0)
        return -1;
    return board_start(vm_board(run->vm), e);
}

static void finish(struct run *run, uint64_t start) {
    board_stop(vm_board(run->vm));
    save_screenshot(run);
    if (run->options.vm.count_instructions)
        vm_stats_json(run->vm, (double)(host_now_ns() - start) / 1e9, stderr);
}

int command_run(int argc, char **argv) {
    struct run run = {.signals = -1};
    struct error e;
    if (run_options_parse(&run.options, argc, argv, &e) < 0) {
        log_warn("%s", e.text);
        return EXIT_USAGE;
    }
    if (run.options.help) {
        fputs(usage, stdout);
        return EXIT_POWERED_OFF;
    }
    uint64_t start = host_now_ns();
    if (prepare(&run, &e) < 0) {
        log_warn("%s", e.text);
        run.status = EXIT_USAGE;
    } else {
        struct host_timer *timer = NULL;
        if (run.options.timeout > 0 && (timer = host_timer_create(run.loop, on_timeout, &run)))
            host_timer_arm(timer, start + (uint64_t)(run.options.timeout * 1e9));
        vm_run_loop(run.loop, run.present);
        finish(&run, start);
    }
    present_destroy(run.present);
    vm_destroy(run.vm);
    host_loop_destroy(run.loop);
    if (run.signals >= 0)
        close(run.signals);
    return run.status;
}
