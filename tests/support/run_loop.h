/* An event loop that runs for a while. */
#pragma once

#include "host/loop.h"

/* Four rounds, so that what is there to do is done, also what comes of it. */
void run_rounds(struct host_loop *loop);
/* Until it is stopped, or so many milliseconds. */
void run_for(struct host_loop *loop, uint64_t ms);
