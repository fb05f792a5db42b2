#include "vm/window.h"

#include <pthread.h>

struct present *vm_window_open(
    struct vm *vm, const struct vm_config *config, const char *title, struct error *e) {
    const struct present_config window = {
        .display = vm_display(vm),
        .input = vm_display_input(vm),
        .monitor = vm_gpu_monitor(vm),
        .title = title,
        .width = config->width,
        .height = config->height,
    };
    return present_create(&window, e);
}

/* A window needs the main thread on some hosts: the loop gets one of its own then. */
static void *loop_thread(void *ctx) {
    host_loop_run(ctx);
    present_quit();
    return NULL;
}

void vm_run_loop(struct host_loop *loop, struct present *window) {
    pthread_t thread;
    if (window && pthread_create(&thread, NULL, loop_thread, loop) == 0) {
        present_run(window);
        host_loop_stop(loop);
        pthread_join(thread, NULL);
    } else {
        host_loop_run(loop);
    }
}
