#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static const char usage[] = "usage: pearvisor COMMAND [OPTIONS]\n"
                            "\n"
                            "  run        boot a kernel in a new machine (pearvisor run --help)\n"
                            "  disk       make, convert and check disk images (pearvisor disk --help)\n"
                            "  doctor     what this host offers to guests, and what to install for more\n"
                            "\n"
                            "  --help     this text\n"
                            "  --version  the version\n";

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    if (strcmp(command, "run") == 0)
        return command_run(argc - 2, argv + 2);
    if (strcmp(command, "disk") == 0)
        return command_disk(argc - 2, argv + 2);
    if (strcmp(command, "doctor") == 0)
        return command_doctor(argc - 2, argv + 2);
    if (strcmp(command, "--version") == 0) {
        printf("pearvisor %s\n", PEARVISOR_VERSION);
        return EXIT_POWERED_OFF;
    }
    if (strcmp(command, "--help") == 0 || strcmp(command, "help") == 0) {
        fputs(usage, stdout);
        return EXIT_POWERED_OFF;
    }
    if (*command)
        fprintf(stderr, "pearvisor: unknown command '%s' (see 'pearvisor --help')\n", command);
    else
        fputs(usage, stderr);
    return EXIT_USAGE;
}
