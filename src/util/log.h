/* Lines on stderr, each prefixed with "pearvisor: ". Safe from any thread. */
#pragma once

void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For what a guest can provoke: at most a few lines a second, then a count of what was left out. */
void log_guest(const char *format, ...) __attribute__((format(printf, 1, 2)));
