/* A few threads that do what may block (disk I/O), for all disks of a VM. */
#pragma once

#include "util/error.h"

struct storage_pool;

/* Lives in its owner, who does not submit it again before run() was called. */
struct storage_job {
    void (*run)(struct storage_job *job);
    struct storage_job *next; /* the pool's */
};

/* threads 0: storage_pool_submit() itself runs the job (for tests). */
struct storage_pool *storage_pool_create(unsigned threads, struct error *e);
/* Finishes what was submitted first. */
void storage_pool_destroy(struct storage_pool *pool);

/* Jobs start in the order of submission. Any thread, a job's own too. */
void storage_pool_submit(struct storage_pool *pool, struct storage_job *job);
