/* Sleeping on a word of memory (a futex). */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define HOST_FOREVER UINT64_MAX

/* Sleeps while *word == expected, until woken or until deadline (host_now_ns() time, or HOST_FOREVER). May
 * return early for no reason: callers look again. */
void host_sleep_on(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline);
void host_wake_one(_Atomic uint32_t *word);
void host_wake_all(_Atomic uint32_t *word);
/* A mutex that who is woken under it takes, too: host_wake_all() of this thread waits until the last such one
 * is unlocked. Who wakes on the waker's core goes on at once, and would run into the lock. The words must
 * live as long. */
void host_lock(pthread_mutex_t *mutex);
void host_unlock(pthread_mutex_t *mutex);
/* Whether the calling thread, when it wakes, waits for the end of another one's slice of time where no core
 * is free, or interrupts it, which is the default. Threads of another policy than the default stay as they
 * are. */
void host_wake_politely(bool politely);
