/* A time that one thread sleeps until, and that others may move: nobody wakes up for that, unlike with a
 * futex. */
#pragma once

#include <stdint.h>

#include "util/error.h"

/* A descriptor, to be closed; -1 on errors. No time is set. */
int host_alarm_open(struct error *e);
/* time: of host_now_ns(); what is past is now. HOST_FOREVER: never. Any thread. */
void host_alarm_set(int alarm, uint64_t time);
/* Sleeps until the time has come, once for each host_alarm_set(). May return early: callers look again. */
void host_alarm_wait(int alarm);
