#include "storage/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct storage_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct storage_job *first, **end;
    bool stop;
    unsigned threads;
    pthread_t thread[];
};

static void *run_jobs(void *ctx) {
    struct storage_pool *pool = ctx;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->stop)
            pthread_cond_wait(&pool->work, &pool->lock);
        struct storage_job *job = pool->first;
        if (!job)
            break;
        pool->first = job->next;
        if (!pool->first)
            pool->end = &pool->first;
        pthread_mutex_unlock(&pool->lock);
        job->run(job);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* The process's signals are for its other threads. */
static int start_thread(struct storage_pool *pool, pthread_t *thread) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, NULL, run_jobs, pool);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

struct storage_pool *storage_pool_create(unsigned threads, struct error *e) {
    struct storage_pool *pool = calloc(1, sizeof *pool + threads * sizeof *pool->thread);
    if (!pool) {
        error_set(e, "out of memory");
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    pool->end = &pool->first;
    for (; pool->threads < threads; pool->threads++) {
        if (start_thread(pool, &pool->thread[pool->threads]) != 0) {
            error_set(e, "cannot start a thread for disk I/O: the host allows no more threads");
            storage_pool_destroy(pool);
            return NULL;
        }
    }
    return pool;
}

void storage_pool_destroy(struct storage_pool *pool) {
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void storage_pool_submit(struct storage_pool *pool, struct storage_job *job) {
    if (pool->threads == 0) {
        job->run(job);
        return;
    }
    job->next = NULL;
    pthread_mutex_lock(&pool->lock);
    *pool->end = job;
    pool->end = &job->next;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->lock);
}
