/* `pearvisor console`: the terminal on a machine's serial port. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/machine.h"
#include "host/file.h"
#include "host/socket.h"

enum { ESCAPE = 'A' & 31, BUFFER_SIZE = 4096 };

static struct termios cooked;

static void restore_terminal(void) {
    tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
}

/* Whether standard input is a terminal; it is raw then, until the program ends. */
static bool take_terminal(void) {
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked) < 0)
        return false;
    struct termios raw = cooked;
    atexit(restore_terminal);
    cfmakeraw(&raw);
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

struct session {
    int console;
    bool terminal, escaped;
};

/* What was typed, without the escapes. False: the user leaves. */
static bool type(struct session *s, const uint8_t *data, size_t size) {
    static const char help[] = "\r\n  Ctrl-A D  detach\r\n  Ctrl-A H  this help\r\n"
                               "  Ctrl-A Ctrl-A  send Ctrl-A to the guest\r\n";
    for (size_t i = 0; i < size; i++) {
        uint8_t c = data[i];
        bool escaped = s->escaped;
        s->escaped = s->terminal && !escaped && c == ESCAPE;
        if (s->escaped)
            continue;
        if (escaped && (c == 'd' || c == 'D' || c == 'x' || c == 'X'))
            return false;
        if (escaped && (c == 'h' || c == 'H' || c == '?'))
            host_write_all(STDOUT_FILENO, help, sizeof help - 1);
        else if ((!escaped || c == ESCAPE) && send(s->console, &c, 1, MSG_NOSIGNAL) < 0)
            return false;
    }
    return true;
}

/* Until one side ends. The end of input that is no terminal's only ends the input. */
static void talk(struct session *s) {
    struct pollfd fds[] = {{s->console, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    uint8_t buffer[BUFFER_SIZE];
    for (;;) {
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            return;
        if (fds[0].revents) {
            ssize_t got = read(s->console, buffer, sizeof buffer);
            if (got <= 0 || !host_write_all(STDOUT_FILENO, buffer, (size_t)got))
                return;
        }
        if (fds[1].revents) {
            ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
            if (got <= 0 && s->terminal)
                return;
            if (got <= 0)
                fds[1].fd = -1;
            else if (!type(s, buffer, (size_t)got))
                return;
        }
    }
}

int machine_attach(const struct machine *machine) {
    struct session s = {.console = host_socket_connect(machine->path, "console")};
    struct error e;
    if (s.console < 0) {
        struct rpc_client *client = machine_connect(machine, &e);
        if (client)
            error_set(&e, "%s: its console: %s", machine->name, "too many clients");
        rpc_close(client);
        return command_failed(&e);
    }
    if ((s.terminal = take_terminal()))
        printf("%s: its console; Ctrl-A D detaches, Ctrl-A H helps\r\n", machine->name);
    fflush(stdout);
    talk(&s);
    close(s.console);
    if (s.terminal)
        fputs("\r\n", stdout);
    return EXIT_POWERED_OFF;
}

int command_console(int argc, char **argv) {
    struct machine_arguments arguments;
    struct error e;
    if (machine_arguments_parse(&arguments, "console NAME", 1, NULL, 0, argc, argv, &e) < 0)
        return command_failed(&e);
    return machine_attach(&arguments.machine);
}
