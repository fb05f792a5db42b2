/* A VM's window, and the thread it needs. */
#pragma once

#include "display/present.h"
#include "vm/vm.h"

/* NULL with a line. The VM has a GPU and outlives the window. */
struct present *vm_window_open(
    struct vm *vm, const struct vm_config *config, const char *title, struct error *e);
/* Runs the loop until it is stopped; the window (NULL: none) gets the calling thread meanwhile, and the loop
 * another. */
void vm_run_loop(struct host_loop *loop, struct present *window);
