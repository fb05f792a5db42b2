/* `pearvisor doctor`: what this host offers to guests, and what to install for more. Starts no machine. */
#include "cli/doctor.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "cli/commands.h"
#include "display/present.h"
#include "gpu/renderer.h"
#include "net/slirp.h"

void doctor_line(bool ok, const char *thing, const char *format, ...) {
    va_list arguments;
    printf("%s  %-16s ", ok ? "ok" : "--", thing);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

/* --- CPUs */

#ifdef __x86_64__
static bool has_sha(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

static void check_translator(void) {
    __builtin_cpu_init();
    const struct {
        const char *name;
        bool there;
    } features[] = {
        {"AVX2", __builtin_cpu_supports("avx2")},
        {"FMA", __builtin_cpu_supports("fma")},
        {"BMI1", __builtin_cpu_supports("bmi")},
        {"BMI2", __builtin_cpu_supports("bmi2")},
        {"AES", __builtin_cpu_supports("aes")},
        {"PCLMUL", __builtin_cpu_supports("pclmul")},
        {"SHA", has_sha()},
    };
    enum { NEEDED = 4, COUNT = sizeof features / sizeof features[0] };
    char there[64] = "", missing[64] = "";
    bool ok = true;
    for (unsigned i = 0; i < COUNT; i++) {
        strcat(strcat(features[i].there ? there : missing, " "), features[i].name);
        ok &= features[i].there || i >= NEEDED;
    }
    if (ok)
        doctor_line(true, "translator", "ARM64 code to x86-64, with%s%s%s", there,
            *missing ? "; without" : "", missing);
    else
        doctor_line(false, "translator", "this CPU lacks%s: the interpreter runs the guest, slowly", missing);
}
#else
static void check_translator(void) {
    doctor_line(false, "translator", "only for x86-64 hosts so far: the interpreter runs the guest, slowly");
}
#endif

static void check_virtualization(void) {
    struct utsname host;
    uname(&host);
    if (strcmp(host.machine, "aarch64") != 0) {
        doctor_line(false, "KVM", "not for ARM64 guests on %s: PearVisor's own CPU runs them", host.machine);
        return;
    }
    if (access("/dev/kvm", R_OK | W_OK) == 0)
        doctor_line(false, "KVM", "is there, but PearVisor cannot use it yet");
    else
        doctor_line(false, "KVM", "no access to /dev/kvm");
}

/* --- the GPU */

static void check_render_nodes(void) {
    DIR *folder = opendir("/dev/dri");
    unsigned count = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        if (strncmp(entry->d_name, "renderD", 7) != 0)
            continue;
        char path[sizeof "/dev/dri/" + sizeof entry->d_name];
        snprintf(path, sizeof path, "/dev/dri/%s", entry->d_name);
        bool usable = access(path, R_OK | W_OK) == 0;
        doctor_line(usable, "render node", "%s%s", path,
            usable ? "" : ": no access (add yourself to the group 'render')");
        count++;
    }
    if (folder)
        closedir(folder);
    if (!count)
        doctor_line(
            false, "render node", "none in /dev/dri: no GPU, or no driver for it; Mesa draws in software");
}

/* What EGL says about itself without a display (EGL 1.5, 3.3). */
static void check_egl(void) {
    enum { EGL_EXTENSIONS_NAME = 0x3055 };
    void *library = dlopen("libEGL.so.1", RTLD_NOW | RTLD_LOCAL);
    const char *(*query)(void *display, int name) = NULL;
    if (library)
        *(void **)&query = dlsym(library, "eglQueryString");
    const char *extensions = query ? query(NULL, EGL_EXTENSIONS_NAME) : NULL;
    if (!library)
        doctor_line(false, "EGL", "no libEGL.so.1: install Debian's libegl1 and libegl-mesa0");
    else if (!extensions || !strstr(extensions, "EGL_MESA_platform_surfaceless"))
        doctor_line(false, "EGL", "no driver that works without a display: install Debian's libegl-mesa0");
    else
        doctor_line(true, "EGL", "works without a display");
}

static void fence_done(void *ctx, struct gpu_timeline timeline, uint64_t fence) {
    (void)ctx;
    (void)timeline;
    (void)fence;
}

static void context_lost(void *ctx, uint32_t context) {
    (void)ctx;
    (void)context;
}

static void poll_wanted(void *ctx) {
    (void)ctx;
}

static void uploaded(void *ctx, uint64_t bytes) {
    (void)ctx;
    (void)bytes;
}

static void check_renderer(const struct gpu_renderer_ops *ops, const char *thing, const char *what) {
    const struct gpu_renderer_host host = {.fence_done = fence_done,
        .context_lost = context_lost,
        .poll_wanted = poll_wanted,
        .uploaded = uploaded};
    struct error e;
    void *renderer;
    if (ops->create(&renderer, &host, &e) < 0) {
        doctor_line(false, thing, "%s", e.text);
        return;
    }
    ops->destroy(renderer);
    doctor_line(true, thing, "%s", what);
}

static void check_virglrenderer(void) {
    void *library = dlopen("libvirglrenderer.so.1", RTLD_NOW | RTLD_LOCAL);
    void *function = library ? dlsym(library, "virgl_renderer_init") : NULL;
    Dl_info info;
    char *path = function && dladdr(function, &info) ? realpath(info.dli_fname, NULL) : NULL;
    if (!library)
        doctor_line(false, "virglrenderer", "not installed (Debian's libvirglrenderer1): guests get 2D only");
    else
        doctor_line(true, "virglrenderer", "%s", path ? path : "libvirglrenderer.so.1");
    free(path);
}

/* --- the rest */

static void check_display(void) {
    const char *wayland = getenv("WAYLAND_DISPLAY"), *x11 = getenv("DISPLAY");
    if (!present_available())
        doctor_line(false, "window", "PearVisor was built without SDL3: screenshots only");
    else if (wayland || x11)
        doctor_line(true, "window", "SDL3, on %s%s", wayland ? "Wayland " : "X11 ", wayland ? wayland : x11);
    else
        doctor_line(
            false, "window", "no display (DISPLAY and WAYLAND_DISPLAY are not set): screenshots only");
}

int command_doctor(int argc, char **argv) {
    if (argc > 0 && strcmp(argv[0], "--help") == 0) {
        puts(
            "usage: pearvisor doctor\n\nSays what this host offers to guests, and what to install for more.");
        return EXIT_POWERED_OFF;
    }
    if (argc > 0) {
        fprintf(stderr, "pearvisor: doctor takes no arguments, not '%s'\n", argv[0]);
        return EXIT_USAGE;
    }
    printf("pearvisor %s\n", PEARVISOR_VERSION);
    check_virtualization();
    check_translator();
    check_render_nodes();
    check_egl();
    check_virglrenderer();
    check_renderer(&gpu_virgl, "OpenGL", "guests get it (--gpu virgl, 3d, auto)");
    check_renderer(&gpu_venus, "Vulkan", "guests get it from the devices below (--gpu venus, 3d, auto)");
    doctor_vulkan();
    check_display();
    doctor_line(true, "network", "libslirp %s", net_slirp_version());
    return EXIT_POWERED_OFF;
}
