#include "support/run_loop.h"

#include "host/clock.h"

static void stop(void *ctx) {
    host_loop_stop(ctx);
}

void run_rounds(struct host_loop *loop) {
    for (unsigned i = 0; i < 4; i++) {
        host_loop_post(loop, stop, loop);
        host_loop_run(loop);
    }
}

void run_for(struct host_loop *loop, uint64_t ms) {
    struct host_timer *timer = host_timer_create(loop, stop, loop);
    host_timer_arm(timer, host_now_ns() + ms * 1000000);
    host_loop_run(loop);
    host_timer_destroy(timer);
}
