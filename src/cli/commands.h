/* The commands of the pearvisor program. */
#pragma once

#include "util/error.h"

enum exit_status {
    EXIT_POWERED_OFF = 0,
    EXIT_OTHER = 1,
    EXIT_USAGE = 2, /* usage or configuration: nothing was started */
    EXIT_GUEST_RESET = 3,
    EXIT_TIMED_OUT = 124,
};

/* argv[0] is the first argument after the command's name. Each returns the exit status. */
int command_doctor(int argc, char **argv);
int command_run(int argc, char **argv);
int command_gpu_replay(int argc, char **argv);
int command_disk(int argc, char **argv);
int command_image(int argc, char **argv);

/* On kept machines (docs/vm.md). */
int command_create(int argc, char **argv);
int command_clone(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_set(int argc, char **argv);
int command_edit(int argc, char **argv);
int command_list(int argc, char **argv);
int command_status(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_start(int argc, char **argv);
int command_stop(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_screenshot(int argc, char **argv);
int command_forward(int argc, char **argv);
int command_console(int argc, char **argv);
int command_ssh(int argc, char **argv);

/* Prints the line; returns EXIT_USAGE. */
int command_failed(const struct error *e);
