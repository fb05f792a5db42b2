/* The command line of `pearvisor run`. */
#pragma once

#include <stdbool.h>

#include "util/error.h"
#include "vm/vm.h"

struct run_options {
    struct vm_config vm;
    enum { DISPLAY_AUTO, DISPLAY_NONE, DISPLAY_WINDOW } display;
    const char *screenshot;
    double timeout; /* seconds; 0: none */
    bool no_reboot;
    bool help;
};

/* Strings point into argv, which is modified. argv[0] is the first argument after "run". */
int run_options_parse(struct run_options *options, int argc, char **argv, struct error *e);
