#pragma once

#include <stdint.h>

/* Nanoseconds on the host's monotonic clock: the only time base inside the VMM. */
uint64_t host_now_ns(void);

/* Sleeps of the calling thread, and of all threads and processes that it makes from here on, end when they
 * are meant to; a host may otherwise let some 50 us pass, to wake up for several things at once. */
void host_sleep_precisely(void);
