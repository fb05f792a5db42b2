/* One line for the user: what failed, where, and what to do about it. */
#pragma once

struct error {
    char text[480];
};

/* Formats the message into e (which may be NULL) and returns -1, so that a caller can
 * `return error_set(e, ...)`. A text already set is replaced. */
int error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
