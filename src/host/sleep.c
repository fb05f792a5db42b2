#include "host/sleep.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void host_sleep_on(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline) {
    struct timespec until = {
        .tv_sec = (time_t)(deadline / 1000000000u),
        .tv_nsec = (long)(deadline % 1000000000u),
    };
    /* WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, WAIT a relative one. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline == HOST_FOREVER ? NULL : &until,
        NULL, FUTEX_BITSET_MATCH_ANY);
}

void host_wake_one(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

static _Thread_local struct {
    unsigned depth, count;
    _Atomic uint32_t *words[16]; /* two for each vCPU */
} held;

static void wake_all(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

void host_wake_all(_Atomic uint32_t *word) {
    if (!held.depth || held.count == sizeof held.words / sizeof held.words[0]) {
        wake_all(word);
        return;
    }
    if (!held.count || held.words[held.count - 1] != word)
        held.words[held.count++] = word;
}

void host_lock(pthread_mutex_t *mutex) {
    held.depth++;
    pthread_mutex_lock(mutex);
}

void host_unlock(pthread_mutex_t *mutex) {
    pthread_mutex_unlock(mutex);
    if (--held.depth)
        return;
    for (unsigned i = 0; i < held.count; i++)
        wake_all(held.words[i]);
    held.count = 0;
}

void host_wake_politely(bool politely) {
    static _Thread_local int first = -1, policy;
    if (first < 0)
        first = policy = sched_getscheduler(0);
    int wanted = politely ? SCHED_BATCH : SCHED_OTHER;
    if (first != SCHED_OTHER || policy == wanted)
        return;
    static const struct sched_param none;
    if (sched_setscheduler(0, wanted, &none) == 0)
        policy = wanted;
}
