/* Requests that overlap: those that change mappings wait for all before them, and all after wait for those.
 */
#include "storage/qcow2/internal.h"

static bool must_wait(const struct qcow2 *q, const struct qcow2_op *op) {
    for (const struct qcow2_op *other = q->ops; other != op; other = other->next)
        if ((op->exclusive || other->exclusive) && op->first <= other->last && other->first <= op->last)
            return true;
    return false;
}

void qcow2_op_begin(struct qcow2 *q, struct qcow2_op *op) {
    op->next = NULL;
    *q->ops_end = op;
    q->ops_end = &op->next;
    while (must_wait(q, op))
        pthread_cond_wait(&q->op_done, &q->lock);
}

void qcow2_op_end(struct qcow2 *q, struct qcow2_op *op) {
    struct qcow2_op **at = &q->ops;
    while (*at != op)
        at = &(*at)->next;
    *at = op->next;
    if (!*at)
        q->ops_end = at;
    pthread_cond_broadcast(&q->op_done);
}
