/* Which streams of OpenGL commands read a resource, as far as their words tell: a stream may be said to read
 * what it does not, but not the other way round unless it comes from a guest that is no Mesa's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { USE_VIEWS = 16, USE_STAGES = 8, USES_TYPED = 16 };

struct use {
    struct use *next;
    uint32_t resource; /* 0: not known, and taken to be read by every stream */
    bool always;       /* it is used in more ways than can be followed */
    bool read;         /* by the stream that was scanned last */
    unsigned view_count, stage_count;
    struct use_view {
        uint32_t context, handle;
    } views[USE_VIEWS]; /* its sampler views */
    struct use_stage {
        uint32_t context, sub_context, shader;
    } stages[USE_STAGES]; /* that one of them is bound to */
};

struct uses {
    struct use *list;
    uint32_t context, sub_context; /* of the stream that was scanned last */
    uint32_t typed[USES_TYPED];    /* the resources that it makes textures of, */
    unsigned typed_count;          /* which may be more than there is room for */
};

/* Before the stream is executed; and again after it for uses that it has added, whose views it may have made.
 */
void uses_scan(struct uses *uses, uint32_t context, const uint32_t *words, size_t count);
/* The context is gone. */
void uses_forget(struct uses *uses, uint32_t context);
