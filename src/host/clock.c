#include "host/clock.h"

#include <sys/prctl.h>
#include <time.h>

uint64_t host_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void host_sleep_precisely(void) {
    prctl(PR_SET_TIMERSLACK, 1); /* ns; 0 would be the default */
}
