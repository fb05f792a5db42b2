/* Reads Gallium's commands as virglrenderer's virgl_protocol.h has them. What is bound stays bound in later
 * streams, which then draw with it and do not name it. */
#include "gpu/virgl/uses.h"

enum { /* commands */
    CREATE_OBJECT = 1,
    DESTROY_OBJECT = 3,
    DRAW = 8,
    SET_SAMPLER_VIEWS = 10,
    BLIT = 16,
    COPY_REGION = 17,
    SET_SUB_CONTEXT = 28,
    SET_SHADER_IMAGES = 35,
    LAUNCH_GRID = 37,
    TRANSFER = 43,
    COPY_TRANSFER = 45,
    SET_TYPE = 49,
};

enum { SAMPLER_VIEW = 6, NAMED_MAX = 256 }; /* no command above has resources further behind */

struct command {
    uint8_t code, object;
    uint32_t length;
    const uint32_t *body;
};

static bool same_stage(const struct use_stage *a, const struct use_stage *b) {
    return a->context == b->context && a->sub_context == b->sub_context && a->shader == b->shader;
}

static void unbind(struct use *use, const struct use_stage *stage) {
    for (unsigned i = 0; i < use->stage_count; i++)
        if (same_stage(&use->stages[i], stage))
            use->stages[i--] = use->stages[--use->stage_count];
}

static void bind(struct use *use, const struct use_stage *stage) {
    unbind(use, stage);
    if (use->stage_count == USE_STAGES)
        use->always = true;
    else
        use->stages[use->stage_count++] = *stage;
}

static bool has_view(const struct use *use, uint32_t context, uint32_t handle) {
    for (unsigned i = 0; i < use->view_count; i++)
        if (use->views[i].context == context && use->views[i].handle == handle)
            return true;
    return false;
}

static void set_views(struct uses *uses, const struct command *command) {
    if (command->length < 2)
        return;
    const struct use_stage stage = {uses->context, uses->sub_context, command->body[0]};
    bool first = command->body[1] == 0;
    for (struct use *use = uses->list; use; use = use->next) {
        bool bound = false;
        for (uint32_t i = 2; i < command->length && !bound; i++)
            bound = has_view(use, uses->context, command->body[i]);
        if (bound)
            bind(use, &stage);
        else if (first) /* views behind those that are set are gone: all are new */
            unbind(use, &stage);
    }
}

static void create_view(struct uses *uses, uint32_t handle, uint32_t resource) {
    for (struct use *use = uses->list; use; use = use->next) {
        if (use->resource != resource || has_view(use, uses->context, handle))
            continue;
        if (use->view_count == USE_VIEWS)
            use->always = true;
        else
            use->views[use->view_count++] = (struct use_view){uses->context, handle};
    }
}

static void destroy_object(struct uses *uses, uint32_t handle) {
    for (struct use *use = uses->list; use; use = use->next)
        for (unsigned i = 0; i < use->view_count; i++)
            if (use->views[i].context == uses->context && use->views[i].handle == handle)
                use->views[i--] = use->views[--use->view_count];
}

static void note_named(struct uses *uses, const struct command *command) {
    uint32_t end = command->length < NAMED_MAX ? command->length : NAMED_MAX;
    for (struct use *use = uses->list; use; use = use->next)
        for (uint32_t i = 0; i < end; i++)
            if (command->body[i] == use->resource) {
                use->read = true;
                use->always |= command->code == SET_SHADER_IMAGES;
            }
}

static bool bound_in(const struct use *use, uint32_t context) {
    for (unsigned i = 0; i < use->stage_count; i++)
        if (use->stages[i].context == context)
            return true;
    return false;
}

/* In whichever sub-context. */
static void draw(struct uses *uses) {
    for (struct use *use = uses->list; use; use = use->next)
        use->read |= bound_in(use, uses->context);
}

static void note(struct uses *uses, const struct command *command) {
    switch (command->code) {
    case SET_SUB_CONTEXT:
        if (command->length)
            uses->sub_context = command->body[0];
        break;
    case CREATE_OBJECT:
        if (command->object != SAMPLER_VIEW)
            note_named(uses, command); /* a surface's */
        else if (command->length >= 2)
            create_view(uses, command->body[0], command->body[1]);
        break;
    case DESTROY_OBJECT:
        if (command->length)
            destroy_object(uses, command->body[0]);
        break;
    case DRAW:
    case LAUNCH_GRID: draw(uses); break;
    case SET_SAMPLER_VIEWS: set_views(uses, command); break;
    case SET_TYPE:
        if (command->length && uses->typed_count++ < USES_TYPED)
            uses->typed[uses->typed_count - 1] = command->body[0];
        break;
    case BLIT:
    case COPY_REGION:
    case SET_SHADER_IMAGES:
    case TRANSFER:
    case COPY_TRANSFER: note_named(uses, command); break;
    default: break;
    }
}

void uses_scan(struct uses *uses, uint32_t context, const uint32_t *words, size_t count) {
    uses->context = context;
    uses->sub_context = UINT32_MAX; /* Mesa begins with it */
    uses->typed_count = 0;
    for (struct use *use = uses->list; use; use = use->next)
        use->read = use->always || !use->resource;
    for (size_t at = 0; at < count;) {
        const struct command command = {
            (uint8_t)words[at], (uint8_t)(words[at] >> 8), words[at] >> 16, words + at + 1};
        if (command.length >= count - at) /* virglrenderer ends here, too */
            break;
        note(uses, &command);
        at += command.length + 1;
    }
}

void uses_forget(struct uses *uses, uint32_t context) {
    for (struct use *use = uses->list; use; use = use->next) {
        for (unsigned i = 0; i < use->view_count; i++)
            if (use->views[i].context == context)
                use->views[i--] = use->views[--use->view_count];
        for (unsigned i = 0; i < use->stage_count; i++)
            if (use->stages[i].context == context)
                use->stages[i--] = use->stages[--use->stage_count];
    }
}
