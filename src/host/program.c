#include "host/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void read_output(int fd, char *output, size_t size) {
    char rest[4096];
    size_t used = 0;
    for (ssize_t got = 1; got > 0 || (got < 0 && errno == EINTR);) {
        bool fits = used < size - 1;
        got = fits ? read(fd, output + used, size - 1 - used) : read(fd, rest, sizeof rest);
        used += fits && got > 0 ? (size_t)got : 0;
    }
    output[used] = 0;
}

int host_program_run(const char *const *argv, char *output, size_t size, struct error *e) {
    int channel[2] = {-1, -1}, status;
    pid_t pid;
    posix_spawn_file_actions_t actions;
    if (output && pipe2(channel, O_CLOEXEC) < 0)
        return error_set(e, "%s: %s", argv[0], strerror(errno));
    posix_spawn_file_actions_init(&actions);
    if (output)
        posix_spawn_file_actions_adddup2(&actions, channel[1], STDOUT_FILENO);
    int failed = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (output) {
        close(channel[1]);
        if (!failed)
            read_output(channel[0], output, size);
        close(channel[0]);
    }
    if (failed)
        return error_set(e, "cannot run %s: %s", argv[0],
            failed == ENOENT ? "this host does not have it" : strerror(failed));
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return error_set(e, "%s: %s", argv[0], strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
