/* Which loads and stores share a lookup: those that surely come one after another, off the same base register
 * or off others at a known distance from it. The first looks up the page of them all, and leaves the distance
 * from guest to host addresses in a slot of the stack frame, or zero where they do not lie in one page, or
 * not in plain memory. */
#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"

/* A load or store off a base register by an immediate. */
struct access {
    int64_t offset; /* from the base, as it is before */
    int64_t moves;  /* the base by so much */
    unsigned bytes;
    bool write;
};

enum {
    SPAN = 256, /* bytes that share a lookup at most: the more, the more often they lie in two pages */
    NONE = -1,
};

#define OFFSETS(name, size, writes)                                                                          \
    case A64_##name##_IMM:                                                                                   \
        *access = (struct access){.offset = insn->imm, .bytes = size, .write = writes};                      \
        return true;                                                                                         \
    case A64_##name##_POST:                                                                                  \
        *access = (struct access){.moves = insn->imm, .bytes = size, .write = writes};                       \
        return true;                                                                                         \
    case A64_##name##_PRE:                                                                                   \
        *access = (struct access){.offset = insn->imm, .moves = insn->imm, .bytes = size, .write = writes};  \
        return true;
#define SINGLE(name, size, writes)                                                                           \
    OFFSETS(name, size, writes)                                                                              \
    case A64_##name##_UNSCALED:                                                                              \
        *access = (struct access){.offset = insn->imm, .bytes = size, .write = writes};                      \
        return true;

static bool find_access(const struct a64_insn *insn, struct access *access) {
    switch (insn->op) {
        SINGLE(LDRB, 1, false)
        SINGLE(LDRH, 2, false)
        SINGLE(LDR_W, 4, false)
        SINGLE(LDR_X, 8, false)
        SINGLE(LDRSB_W, 1, false)
        SINGLE(LDRSB_X, 1, false)
        SINGLE(LDRSH_W, 2, false)
        SINGLE(LDRSH_X, 2, false)
        SINGLE(LDRSW, 4, false)
        SINGLE(STRB, 1, true)
        SINGLE(STRH, 2, true)
        SINGLE(STR_W, 4, true)
        SINGLE(STR_X, 8, true)
        SINGLE(LDR_VB, 1, false)
        SINGLE(LDR_VH, 2, false)
        SINGLE(LDR_VS, 4, false)
        SINGLE(LDR_VD, 8, false)
        SINGLE(LDR_VQ, 16, false)
        SINGLE(STR_VB, 1, true)
        SINGLE(STR_VH, 2, true)
        SINGLE(STR_VS, 4, true)
        SINGLE(STR_VD, 8, true)
        SINGLE(STR_VQ, 16, true)
        OFFSETS(LDP_W, 8, false)
        OFFSETS(LDP_X, 16, false)
        OFFSETS(LDPSW, 8, false)
        OFFSETS(STP_W, 8, true)
        OFFSETS(STP_X, 16, true)
        OFFSETS(LDP_VS, 8, false)
        OFFSETS(LDP_VD, 16, false)
        OFFSETS(LDP_VQ, 32, false)
        OFFSETS(STP_VS, 8, true)
        OFFSETS(STP_VD, 16, true)
        OFFSETS(STP_VQ, 32, true)
    default: return false;
    }
}
#undef SINGLE
#undef OFFSETS

/* What is known of a register: its distance from a value that others may be so far from, too. */
struct value {
    int32_t root;
    int64_t distance;
};

enum { ROOT_PAGE = 0 }; /* the address of the region's page */

struct values {
    struct value of[REG_COUNT];
    int32_t roots;   /* so many were given out */
    int first_group; /* that accesses may still join */
};

static void forget(struct values *values, unsigned reg) {
    values->of[reg] = (struct value){.root = ++values->roots};
}

static void forget_all(struct values *values, const struct region *region) {
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        forget(values, reg);
    values->first_group = region->groups;
}

static int32_t least(int32_t a, int32_t b) {
    return a < b ? a : b;
}
static int32_t most(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Can the group hold these bytes as well? Their page is not known before, but for what is off the region's.
 */
static bool has_room(const struct region_group *group, int32_t first, int32_t end) {
    first = least(group->first, first);
    end = most(group->end, end);
    return end - first <= SPAN && (group->root != ROOT_PAGE || (uint32_t)(first ^ (end - 1)) < PAGE_SIZE_4K);
}

static struct region_group *find_group(
    struct region *region, const struct values *values, int32_t root, int32_t first, int32_t end) {
    for (int n = region->groups - 1; n >= values->first_group; n--) {
        struct region_group *group = &region->group[n];
        if (group->root == root && has_room(group, first, end))
            return group;
    }
    return NULL;
}

static void join(struct region *region, const struct values *values, int index, const struct access *access) {
    enum { FAR = 1 << 30 };
    struct region_insn *i = &region->insn[index];
    const struct value *base = &values->of[i->insn.rn];
    const int64_t distance = base->distance + access->offset;
    if (distance < -FAR || distance > FAR)
        return;
    const int32_t first = (int32_t)distance, end = first + (int32_t)access->bytes;
    struct region_group *group = find_group(region, values, base->root, first, end);
    if (group) {
        group->first = least(group->first, first);
        group->end = most(group->end, end);
    } else {
        group = &region->group[region->groups++];
        *group = (struct region_group){.leader = (int16_t)index,
            .root = base->root,
            .base = (int32_t)base->distance,
            .first = first,
            .end = end};
    }
    group->last = (int16_t)index;
    group->write |= access->write;
    i->group = (int16_t)(group - region->group);
}

/* Is what the instruction writes to rd at a known distance from something? */
static bool find_value(const struct values *values, const struct a64_insn *insn, struct value *value) {
    switch (insn->op) {
    case A64_MOV_X: *value = values->of[insn->rm]; return true;
    case A64_ADD_IMM_X:
    case A64_SUB_IMM_X:
        *value = values->of[insn->rn];
        value->distance += insn->op == A64_ADD_IMM_X ? insn->imm : -insn->imm;
        return true;
    case A64_ADR: *value = (struct value){ROOT_PAGE, insn->page_offset + insn->imm}; return true;
    case A64_ADRP: *value = (struct value){ROOT_PAGE, insn->imm}; return true;
    default: return false;
    }
}

static void step(struct region *region, struct values *values, int index) {
    struct region_insn *i = &region->insn[index];
    const unsigned base = i->insn.rn;
    uint64_t writes = i->writes & ((UINT64_C(1) << REG_COUNT) - 1);
    struct access access;
    struct value value;
    if (find_value(values, &i->insn, &value)) {
        if (i->insn.rd < REG_COUNT)
            values->of[i->insn.rd] = value;
        return;
    }
    if (find_access(&i->insn, &access)) {
        join(region, values, index, &access);
        values->of[base].distance += access.moves;
        const bool loaded = !access.write && !(i->use & JIT_FP) &&
                            (i->insn.rt == base || (i->use & JIT_TO_RA && i->insn.rt2 == base));
        if (!loaded)
            writes &= ~(UINT64_C(1) << base);
    }
    for (; writes; writes &= writes - 1)
        forget(values, (unsigned)__builtin_ctzll(writes));
}

/* Each group of several gets a slot that none has at the same time. */
static void assign_slots(struct region *region) {
    int16_t busy[REGION_SLOTS];
    memset(busy, 0xff, sizeof busy);
    region->slots = 0;
    for (int n = 0; n < region->groups; n++) { /* in the order of their leaders */
        struct region_group *group = &region->group[n];
        group->slot = NONE;
        for (int slot = 0; slot < REGION_SLOTS && group->leader != group->last && group->slot < 0; slot++)
            if (busy[slot] < group->leader)
                group->slot = (int8_t)slot;
        if (group->slot < 0)
            continue;
        busy[group->slot] = group->last;
        if (region->slots <= group->slot)
            region->slots = group->slot + 1;
    }
}

void region_group_accesses(struct region *region) {
    struct values values = {.roots = ROOT_PAGE};
    region->groups = 0;
    forget_all(&values, region);
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        i->group = NONE;
        if (i->join || !n || region->insn[n - 1].next != n)
            forget_all(&values, region);
        if (i->form->emit)
            step(region, &values, n);
        else
            forget_all(&values, region);
    }
    assign_slots(region);
}
