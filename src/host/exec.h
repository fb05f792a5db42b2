/* Memory for code made at run time: the same pages mapped twice, once to write and once to execute, so that
 * no mapping is ever both. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct host_exec {
    uint8_t *write;
    const uint8_t *run;
    size_t size;
};

/* size: a multiple of the page size; backed on first touch. -1: the host has no room, or does not allow it.
 */
int host_exec_create(struct host_exec *memory, const char *name, size_t size);
void host_exec_destroy(struct host_exec *memory);
/* Gives the pages from that offset on back; they read as zeroes then. */
void host_exec_discard(struct host_exec *memory, size_t from);
