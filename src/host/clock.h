#pragma once

#include <stdint.h>

/* Nanoseconds on the host's monotonic clock: the only time base inside the VMM. */
uint64_t host_now_ns(void);
