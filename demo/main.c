/* What the demo's guest runs: computes a picture on all of its CPUs, straight into the frame buffer, signs
 * it, and stays until it is killed (the text console would come back). Prints "DRAWN seconds". */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "screen.h"

enum { MAX_THREADS = 8, BAND = 8 /* rows that a thread takes at a time */, FLUSH_US = 100000 };

struct work {
    const struct image *image;
    atomic_uint next; /* row that nobody has taken */
    atomic_uint done; /* rows */
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void paint_row(const struct image *image, unsigned row) {
    static const struct colour ink = {1.0f, 0.97f, 0.90f};
    float pixel = 1.0f / (float)image->height;
    float y = ((float)row + 0.5f) * pixel;
    for (unsigned i = 0; i < image->width; i++) {
        float x = ((float)i + 0.5f - (float)image->width / 2) * pixel;
        struct colour c = pear(x, y, pixel, landscape(x, y, pixel));
        image->pixels[(size_t)row * image->pitch + i] = pack(mix(c, ink, lettering(x, y, pixel)));
    }
}

static void *paint(void *ctx) {
    struct work *work = ctx;
    unsigned first;
    while ((first = atomic_fetch_add(&work->next, BAND)) < work->image->height)
        for (unsigned row = first; row < first + BAND && row < work->image->height; row++) {
            paint_row(work->image, row);
            atomic_fetch_add(&work->done, 1);
        }
    return NULL;
}

static void sign(const struct console *console, const struct image *image, unsigned cpus, double seconds) {
    static const struct colour ink = {0.93f, 0.88f, 0.86f};
    char line[256];
    struct utsname system;
    struct sysinfo memory;
    uname(&system);
    sysinfo(&memory);
    /* in line with the lettering's left edge */
    unsigned left = image->width / 2 - (unsigned)(0.72f * (float)image->height);
    unsigned step = console_font_height(console) + 6;
    unsigned top = image->height * 19 / 80;
    snprintf(
        line, sizeof line, "Debian 13 \372 %s %s \372 %s", system.sysname, system.release, system.machine);
    console_text(console, image, left, top, ink, line);
    snprintf(line, sizeof line, "%u CPUs \372 %lu MiB of memory \372 virtio-gpu %ux%u", cpus,
        memory.totalram * memory.mem_unit >> 20, image->width, image->height);
    console_text(console, image, left, top + step, ink, line);
    snprintf(line, sizeof line, "this picture: computed by the guest's own program in %.1f s", seconds);
    console_text(console, image, left, top + 2 * step, ink, line);
    console_pane(console, image, left, image->height - 40, 66, 13);
}

int main(void) {
    struct console *console = console_read();
    struct screen screen;
    screen_open(&screen);
    double start = now();
    struct work work = {.image = &screen.image};
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t threads[MAX_THREADS];
    long started = 0;
    while (
        started < cpus && started < MAX_THREADS && pthread_create(&threads[started], NULL, paint, &work) == 0)
        started++;
    while (started && atomic_load(&work.done) < screen.image.height) {
        usleep(FLUSH_US);
        screen_flush(&screen);
    }
    for (long i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    double seconds = now() - start;
    if (console)
        sign(console, &screen.image, (unsigned)cpus, seconds);
    screen_flush(&screen);
    printf("DRAWN %.2f\n", seconds);
    fflush(stdout);
    pause();
}
