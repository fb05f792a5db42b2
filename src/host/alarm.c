#include "host/alarm.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "host/sleep.h"

int host_alarm_open(struct error *e) {
    int alarm = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    return alarm < 0 ? error_set(e, "cannot make a timer: %s", strerror(errno)) : alarm;
}

void host_alarm_set(int alarm, uint64_t time) {
    struct itimerspec at = {0}; /* all zero is never */
    if (time != HOST_FOREVER) {
        at.it_value.tv_sec = (time_t)(time / 1000000000u);
        at.it_value.tv_nsec = (long)(time % 1000000000u) + (time == 0);
    }
    timerfd_settime(alarm, TFD_TIMER_ABSTIME, &at, NULL);
}

void host_alarm_wait(int alarm) {
    uint64_t times;
    ssize_t size = read(alarm, &times, sizeof times);
    (void)size;
}
