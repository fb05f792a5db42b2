/* Tables of objects, and pNext chains. */
#include <stddef.h>

#include "gpu/layer/layer.h"

static struct object **bucket(const struct table *table, uint64_t handle) {
    /* Handles are addresses: the low bits say nothing. */
    return (struct object **)&table->buckets[(handle >> 4 ^ handle >> 12) % 256];
}

void table_add(struct table *table, struct object *object) {
    struct object **head = bucket(table, object->handle);
    object->next = *head;
    *head = object;
}

struct object *table_find(const struct table *table, uint64_t handle) {
    struct object *object = *bucket(table, handle);
    while (object && object->handle != handle)
        object = object->next;
    return object;
}

struct object *table_take(struct table *table, uint64_t handle) {
    struct object **link = bucket(table, handle);
    while (*link && (*link)->handle != handle)
        link = &(*link)->next;
    struct object *object = *link;
    if (object)
        *link = object->next;
    return object;
}

static VkBaseInStructure *before(const void *head, VkStructureType type) {
    const VkBaseInStructure *at = head;
    while (at->pNext && at->pNext->sType != type)
        at = at->pNext;
    return at->pNext ? (VkBaseInStructure *)at : NULL;
}

void *chain_find(const void *head, VkStructureType type) {
    VkBaseInStructure *found = before(head, type);
    return found ? (void *)found->pNext : NULL;
}

VkBaseInStructure *chain_unlink(const void *head, VkStructureType type, VkBaseInStructure **taken) {
    VkBaseInStructure *found = before(head, type);
    if (found) {
        *taken = (VkBaseInStructure *)found->pNext;
        found->pNext = (*taken)->pNext;
    }
    return found;
}

void chain_relink(VkBaseInStructure *at, VkBaseInStructure *taken) {
    if (at)
        at->pNext = taken;
}
