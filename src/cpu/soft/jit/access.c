/* Which loads and stores share a lookup: those off the same base register that surely come one after another.
 * The first looks up the page of them all, and leaves the distance from guest to host addresses in a slot of
 * the stack frame, or zero where they do not lie in one page, or not in plain memory. */
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

/* By base register: the group that accesses may join, and how far the base is from where it was for its
 * first. */
struct open {
    int16_t group[REG_COUNT];
    int64_t moved[REG_COUNT];
};

static void close_all(struct open *open) {
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        open->group[reg] = NONE;
}

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}
static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static void join(struct region *region, struct open *open, int index, const struct access *access) {
    struct region_insn *i = &region->insn[index];
    const unsigned base = i->insn.rn;
    const int64_t first = access->offset + open->moved[base], end = first + access->bytes;
    struct region_group *group = open->group[base] < 0 ? NULL : &region->group[open->group[base]];
    if (group && most(group->end, end) - least(group->first, first) <= SPAN) {
        group->first = (int32_t)least(group->first, first);
        group->end = (int32_t)most(group->end, end);
    } else {
        open->group[base] = (int16_t)region->groups;
        open->moved[base] = 0;
        group = &region->group[region->groups++];
        *group = (struct region_group){.leader = (int16_t)index,
            .first = (int32_t)access->offset,
            .end = (int32_t)(access->offset + access->bytes)};
    }
    group->last = (int16_t)index;
    group->write |= access->write;
    i->group = open->group[base];
}

static bool adds_in_place(const struct a64_insn *insn, int64_t *by) {
    const bool adds = insn->op == A64_ADD_IMM_X;
    if ((!adds && insn->op != A64_SUB_IMM_X) || insn->rd != insn->rn)
        return false;
    *by = adds ? insn->imm : -insn->imm;
    return true;
}

static void step(struct region *region, struct open *open, int index) {
    struct region_insn *i = &region->insn[index];
    const unsigned base = i->insn.rn;
    uint64_t writes = i->writes & ((UINT64_C(1) << REG_COUNT) - 1);
    struct access access;
    int64_t by;
    if (adds_in_place(&i->insn, &by)) {
        open->moved[base] += by;
        return;
    }
    if (find_access(&i->insn, &access)) {
        join(region, open, index, &access);
        open->moved[base] += access.moves;
        const bool loaded = !access.write && !(i->use & JIT_FP) &&
                            (i->insn.rt == base || (i->use & JIT_TO_RA && i->insn.rt2 == base));
        if (!loaded)
            writes &= ~(UINT64_C(1) << base);
    }
    for (; writes; writes &= writes - 1)
        open->group[__builtin_ctzll(writes)] = NONE;
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
    struct open open = {0};
    region->groups = 0;
    close_all(&open);
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        i->group = NONE;
        if (i->join || !n || region->insn[n - 1].next != n)
            close_all(&open);
        if (i->form->emit)
            step(region, &open, n);
        else
            close_all(&open);
    }
    assign_slots(region);
}
