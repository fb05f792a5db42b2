#include "util/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { GUEST_LINES_A_SECOND = 8 };

static void print_line(const char *format, va_list args) {
    char line[512];
    vsnprintf(line, sizeof line, format, args);
    fprintf(stderr, "pearvisor: %s\n", line);
}

void log_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_line(format, args);
    va_end(args);
}

void log_guest(const char *format, ...) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static time_t second;
    static unsigned printed, left_out;

    pthread_mutex_lock(&lock);
    time_t now = time(NULL);
    if (now != second) {
        if (left_out)
            fprintf(stderr, "pearvisor: (%u more lines about the guest left out)\n", left_out);
        second = now;
        printed = left_out = 0;
    }
    if (printed < GUEST_LINES_A_SECOND) {
        va_list args;
        va_start(args, format);
        print_line(format, args);
        va_end(args);
        printed++;
    } else {
        left_out++;
    }
    pthread_mutex_unlock(&lock);
}
