#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "util/log.h"

static const char usage[] =
    "usage: pearvisor COMMAND [ARGUMENT]...\n"
    "\n"
    "Virtual machines that are kept; each has a name:\n"
    "  create NAME [OPTION]...          make one (pearvisor create --help)\n"
    "  clone NAME NEW                   a copy, also of one that runs\n"
    "  delete NAME                      with its disks\n"
    "  set NAME KEY=VALUE...            change its configuration, for its next start\n"
    "  edit NAME                        the same in $EDITOR\n"
    "  list [--json]                    all of them\n"
    "  start NAME [--attach]            returns when it runs\n"
    "  stop NAME [--force] [--timeout SECONDS]\n"
    "                                   presses the power key and waits; --force cuts the power\n"
    "  pause NAME, resume NAME          stop its CPUs and its time, and let them go on\n"
    "  reset NAME                       as its reset button would\n"
    "  status [NAME] [--json]           what it does\n"
    "  console NAME                     its serial port, until Ctrl-A D\n"
    "  ssh NAME [COMMAND]...            a shell in it, or one command\n"
    "  forward NAME [list | add FORWARD | remove FORWARD]\n"
    "                                   ports of the host that lead to it: tcp:HOSTPORT-GUESTPORT\n"
    "  screenshot NAME FILE             its screen as PNG\n"
    "  logs NAME [--console]            what PearVisor said about it; what it said itself\n"
    "\n"
    "One that is not:\n"
    "  run                              boot a kernel in a new machine (pearvisor run --help)\n"
    "\n"
    "  image                            what machines are made from (pearvisor image --help)\n"
    "  disk                             make, convert and check disk images (pearvisor disk --help)\n"
    "  gpu-replay FILE                  run again what --gpu-trace wrote (pearvisor gpu-replay --help)\n"
    "  doctor                           what this host offers to guests, and what to install for more\n"
    "  --help                           this text\n"
    "  --version                        the version\n"
    "\n"
    "Exit status: 0 done, 2 usage or configuration, 1 anything else; ssh has that of the command.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", command_run},
    {"disk", command_disk},
    {"image", command_image},
    {"doctor", command_doctor},
    {"gpu-replay", command_gpu_replay},
    {"create", command_create},
    {"clone", command_clone},
    {"delete", command_delete},
    {"set", command_set},
    {"edit", command_edit},
    {"list", command_list},
    {"status", command_status},
    {"logs", command_logs},
    {"start", command_start},
    {"stop", command_stop},
    {"pause", command_pause},
    {"resume", command_resume},
    {"reset", command_reset},
    {"screenshot", command_screenshot},
    {"forward", command_forward},
    {"console", command_console},
    {"ssh", command_ssh},
};

int command_failed(const struct error *e) {
    log_warn("%s", e->text);
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    const char *command = argc > 1 ? argv[1] : "";
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
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
