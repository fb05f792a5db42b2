/* The commands of the pearvisor program. */
#pragma once

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
int command_disk(int argc, char **argv);
