/* Loaded into a program that draws (LD_PRELOAD): its clock goes by 1/60 s a frame, and after FREEZE_FRAME
 * frames (30) it stops, so that the same frame of the same program stays on the screen wherever it runs. It
 * says so by making FREEZE_FILE. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

typedef void function(void);

static unsigned frames;

static void count_frame(void) {
    const char *last = getenv("FREEZE_FRAME"), *file = getenv("FREEZE_FILE");
    if (frames++ < (last ? (unsigned)atoi(last) : 30))
        return;
    if (file)
        close(open(file, O_CREAT | O_WRONLY, 0644));
    for (;;)
        pause();
}

/* dlsym() is replaced here, and finds itself by version only. */
static void *original(void *library, const char *name) {
    static void *(*real)(void *, const char *);
    if (!real)
        real = (void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    return real(library, name);
}

/* What libraries do among themselves is not the program's doing. */
static int of_program(void *caller) {
    Dl_info program, from;
    return dladdr((void *)getauxval(AT_PHDR), &program) && dladdr(caller, &from) &&
           program.dli_fbase == from.dli_fbase;
}

/* --- frames */

EXPORT unsigned eglSwapBuffers(void *display, void *surface) {
    static unsigned (*real)(void *, void *);
    if (!real)
        real = (unsigned (*)(void *, void *))original(RTLD_NEXT, "eglSwapBuffers");
    if (!real)
        real = (unsigned (*)(void *, void *))original(dlopen("libEGL.so.1", RTLD_NOW), "eglSwapBuffers");
    count_frame();
    return real(display, surface);
}

/* Not exported: libvulkan would find these in the place of its own. */
static int (*real_present)(void *queue, const void *info);
static function *(*real_device)(void *device, const char *name);
static function *(*real_instance)(void *instance, const char *name);

static int present(void *queue, const void *info) {
    count_frame();
    return real_present(queue, info);
}

static function *of_device(void *device, const char *name) {
    function *found = real_device(device, name);
    if (!found || strcmp(name, "vkQueuePresentKHR") != 0)
        return found;
    real_present = (int (*)(void *, const void *))found;
    return (function *)present;
}

static function *of_instance(void *instance, const char *name) {
    function *found = real_instance(instance, name);
    if (found && strcmp(name, "vkGetDeviceProcAddr") == 0) {
        real_device = (function * (*)(void *, const char *)) found;
        return (function *)of_device;
    }
    if (found && strcmp(name, "vkQueuePresentKHR") == 0) {
        real_present = (int (*)(void *, const void *))found;
        return (function *)present;
    }
    return found;
}

/* For programs that look for their functions themselves. */
EXPORT void *dlsym(void *library, const char *name) {
    void *found = original(library, name);
    if (!found || !of_program(__builtin_return_address(0)))
        return found;
    if (strcmp(name, "eglSwapBuffers") == 0)
        return (void *)eglSwapBuffers;
    if (strcmp(name, "vkGetInstanceProcAddr") == 0) {
        real_instance = (function * (*)(void *, const char *)) found;
        return (void *)of_instance;
    }
    return found;
}

/* --- time, of the program itself: its libraries wait for things */

static struct timespec frame_time(void) {
    uint64_t ns = 1000000000ull * 1000000 + (uint64_t)frames * 1000000000 / 60;
    return (struct timespec){(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
}

EXPORT int clock_gettime(clockid_t id, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (of_program(__builtin_return_address(0))) {
        *time = frame_time();
        return 0;
    }
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))original(RTLD_NEXT, "clock_gettime");
    return real(id, time);
}

EXPORT int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    static int (*real)(struct timeval *, void *);
    if (of_program(__builtin_return_address(0))) {
        struct timespec now = frame_time();
        *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
        return 0;
    }
    if (!real)
        real = (int (*)(struct timeval *, void *))original(RTLD_NEXT, "gettimeofday");
    return real(time, zone);
}
