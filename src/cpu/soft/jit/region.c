/* Regions: which instructions are translated together, where each leads, and what is known at each of them.
 */
#include "a64_ops.h"
#include "cpu/soft/jit/internal.h"
#include "cpu/soft/jit/system.h"

/* The instruction at offset, decoded once for interpreter and translator. */
static const struct a64_insn *decoded(struct code_page *page, unsigned offset) {
    struct a64_insn *insn = &page->insn[offset / 4];
    if (insn->op == A64_UNDEFINED) {
        uint32_t word;
        memcpy(&word, page->host + offset, sizeof word);
        a64_decode(word, insn);
    }
    return insn;
}

static bool is_conditional(const struct a64_insn *insn) {
    switch (insn->op) {
    case A64_B_COND: return insn->cond < COND_ALWAYS;
    case A64_CBZ_W:
    case A64_CBZ_X:
    case A64_CBNZ_W:
    case A64_CBNZ_X:
    case A64_TBZ:
    case A64_TBNZ: return true;
    default: return false;
    }
}

/* B, or B.AL, which is the same. */
static bool is_jump(const struct a64_insn *insn) {
    return insn->op == A64_B || (insn->op == A64_B_COND && !is_conditional(insn));
}

static bool in_page(int32_t offset) {
    return offset >= 0 && offset < PAGE_SIZE_4K;
}

/* May SP be no multiple of 16 behind a load or store, or an instruction that its handler executes? Those that
 * compute it look at it themselves; those that add a register to it are structures. */
static bool may_misalign_stack(const struct region_insn *i) {
    const struct a64_insn *insn = &i->insn;
    if (!i->form->emit)
        return insn->rn == REG_SP || insn->rd == REG_SP;
    return i->use & JIT_TO_RN && insn->rn == REG_SP && (i->use & JIT_RM || insn->imm % SP_ALIGN);
}

/* Does the region go on behind the instruction? */
static bool goes_on(const struct region_insn *i) {
    const struct a64_insn *insn = &i->insn;
    if (insn->op > A64_LAST_END || is_jump(insn) || i->conditional)
        return true;
    switch (insn->op) {
    case A64_MSR: return jit_is_plain_write(insn);
    case A64_MSR_DAIFSET:
    case A64_MSR_DAIFCLR: return !(insn->opc & DAIF_D);
    case A64_SYS: return jit_is_data_maintenance(insn);
    default: return i->form->emit && !(i->use & JIT_BRANCH);
    }
}

static uint32_t use_of(const struct a64_insn *insn) {
    enum { NZCV = ENGINE_SYSREG(3, 3, 4, 2, 0) };
    const bool reads = insn->op == A64_MRS ? insn->imm == NZCV : !is_jump(insn);
    return jit_forms[insn->op].use & ~(uint32_t)(reads ? 0 : JIT_READS);
}

/* The instruction by itself. */
static void look_at(struct region_insn *i, struct code_page *page, unsigned offset) {
    i->insn = *decoded(page, offset);
    memset((char *)i + REGION_INSN_ZERO, 0, sizeof *i - REGION_INSN_ZERO);
    i->offset = (uint16_t)offset;
    i->insn.page_offset = (uint16_t)offset;
    i->form = &jit_forms[i->insn.op];
    i->use = use_of(&i->insn);
    if (i->use & JIT_TO_RD && i->insn.rd == REG_SP)
        i->use |= JIT_MAY_RAISE; /* leaves the region where SP is no multiple of 16 */
    i->conditional = is_conditional(&i->insn);
    i->inverted = false;
    const bool stack = may_misalign_stack(i);
    if (stack) { /* the region ends by its handler */
        static const struct jit_form by_handler = {0};
        i->form = &by_handler;
        i->use &= JIT_READS;
    }
    i->ends = stack || !goes_on(i);
    i->taken_at = (int32_t)(offset + (uint64_t)i->insn.imm); /* anything where imm is no distance */
    i->next_at = is_jump(&i->insn) ? i->taken_at : (int32_t)offset + 4;
}

bool region_reads_flags(struct code_page *page, unsigned offset, unsigned looks) {
    uint64_t seen[CODE_PAGE_INSNS / 64] = {0};
    int32_t todo[CODE_PAGE_INSNS + 1];
    struct region_insn i;
    todo[0] = (int32_t)offset;
    for (unsigned count = 1; count--;) {
        for (int32_t at = todo[count];; at = i.next_at) {
            if (!in_page(at))
                return true;
            uint64_t *word = &seen[at / 4 / 64], bit = UINT64_C(1) << at / 4 % 64;
            if (*word & bit)
                break;
            if (!looks--)
                return true;
            *word |= bit;
            look_at(&i, page, (unsigned)at);
            if (i.use & JIT_READS)
                return true;
            if (i.use & JIT_SETS)
                break;
            if (i.ends)
                return true;
            if (i.conditional)
                todo[count++] = i.taken_at;
        }
    }
    return false;
}

static struct region_insn *append(struct region *region, struct code_page *page, unsigned offset) {
    struct region_insn *i = &region->insn[region->count];
    look_at(i, page, offset);
    region->index_of[offset / 4] = (int16_t)region->count++;
    return i;
}

/* What a region is made of: `heat` says where anybody came yet (struct jit_page), if that counts. */
struct collection {
    struct region *region;
    struct code_page *page;
    const uint32_t *heat;
    uint16_t target[REGION_INSNS]; /* of branches: where to go on */
    unsigned targets;
};

static bool is_cold(const struct collection *c, int32_t offset) {
    return c->heat && in_page(offset) && !c->heat[offset / 4];
}

/* A region starts there, which this one leads to, rather than do the same again. */
static bool is_translated(const struct collection *c, int32_t offset) {
    return c->heat && c->heat[offset / 4] >= JIT_STUBS;
}

/* Both ways of a conditional branch that were gone are followed; `next` is one of them, if only because it is
 * next. Where it is the taken one, the branch is turned round. False: the run ends here. */
static bool follow(struct collection *c, struct region_insn *i) {
    const bool cold_next = is_cold(c, i->next_at), cold_taken = is_cold(c, i->taken_at);
    if (cold_next && !cold_taken) {
        const int32_t taken_at = i->next_at;
        i->next_at = i->taken_at;
        i->taken_at = taken_at;
        i->inverted = true;
    } else if (cold_next == cold_taken && in_page(i->taken_at)) {
        c->target[c->targets++] = (uint16_t)i->taken_at;
    }
    return c->region->count < REGION_SPREAD + REGION_TAIL;
}

/* Straight on from offset, through unconditional branches, to an end or to what is translated already. */
static void collect_run(struct collection *c, int32_t offset) {
    struct region *region = c->region;
    while (region->count < REGION_INSNS && in_page(offset) && region->index_of[offset / 4] < 0) {
        if (region->count && is_translated(c, offset))
            return;
        struct region_insn *i = append(region, c->page, (unsigned)offset);
        if (i->ends || (i->conditional && !follow(c, i)))
            return;
        offset = i->next_at;
    }
}

static void collect(struct region *region, struct code_page *page, unsigned offset, const uint32_t *heat) {
    struct collection c; /* its targets are not worth clearing */
    c.region = region;
    c.page = page;
    c.heat = heat;
    c.targets = 0;
    memset(region->index_of, 0xff, sizeof region->index_of);
    region->count = 0;
    collect_run(&c, (int32_t)offset);
    for (unsigned done = 0; done < c.targets && region->count < REGION_SPREAD; done++)
        collect_run(&c, c.target[done]);
}

/* --- who leads where */

/* Code sets flags anew soon, or never reads them. */
static bool reads_flags(struct code_page *page, int32_t offset) {
    enum { LOOKS = 32 };
    return !in_page(offset) || region_reads_flags(page, (unsigned)offset, LOOKS);
}

/* Who comes behind the region may read its flags; `exact`: always. */
static void look_outside(struct region *region, struct code_page *page, bool exact) {
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        if (i->next < 0)
            i->next_live = exact || i->ends || reads_flags(page, i->next_at);
        if (i->taken < 0)
            i->taken_live = exact || !i->conditional || reads_flags(page, i->taken_at);
    }
}

static int16_t index_at(const struct region *region, int32_t offset) {
    return in_page(offset) ? region->index_of[offset / 4] : REGION_OUTSIDE;
}

static void link_insns(struct region *region) {
    region->loops = false;
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        i->next = i->ends ? REGION_OUTSIDE : index_at(region, i->next_at);
        i->taken = i->conditional ? index_at(region, i->taken_at) : REGION_OUTSIDE;
        if (i->next >= 0 && i->next != n + 1)
            region->insn[i->next].join = true;
        if (i->taken >= 0)
            region->insn[i->taken].join = true;
        region->loops |= (i->next >= 0 && i->next <= n) || (i->taken >= 0 && i->taken <= n);
    }
}

static void set_ahead(struct region *region, int index, int ahead) {
    if (index >= 0 && region->insn[index].ahead < 0)
        region->insn[index].ahead = (int16_t)ahead;
}

/* Each instruction's first way in is the one that is counted with it: jumps forward need no code for that
 * then.
 */
static void measure_ways(struct region *region) {
    for (int n = 0; n < region->count; n++)
        region->insn[n].ahead = -1;
    set_ahead(region, 0, 0);
    for (int n = 0; n < region->count; n++) {
        const struct region_insn *i = &region->insn[n];
        set_ahead(region, i->taken, i->ahead + 1);
        set_ahead(region, i->next, i->ahead + 1);
    }
}

/* Instructions count more in loops, and on the way straight on. */
static void weigh_loop(struct region *region, int first, int last) {
    enum { FACTOR = 4, MOST = 1024 };
    for (int n = first; n <= last; n++)
        if (region->insn[n].weight < MOST)
            region->insn[n].weight *= FACTOR;
}

static void weigh(struct region *region) {
    for (int n = 0; n < region->count; n++)
        region->insn[n].weight = 1;
    for (int n = 0; n < region->count; n++) {
        const struct region_insn *i = &region->insn[n];
        if (i->taken >= 0 && i->taken <= n)
            weigh_loop(region, i->taken, n);
        if (i->next >= 0 && i->next <= n)
            weigh_loop(region, i->next, n);
    }
}

/* --- registers */

static uint64_t bit_of(unsigned reg) {
    return reg == REG_ZR || reg == REG_SINK ? 0 : UINT64_C(1) << reg;
}

static uint64_t vector_bits(unsigned v, unsigned count) {
    uint64_t bits = 0;
    for (; count--; v++)
        bits |= bit_of(region_vector(v % 32));
    return bits;
}

static void note_vectors(struct region_insn *i) {
    const struct a64_insn *insn = &i->insn;
    const uint32_t use = i->use;
    const unsigned from_rt = use & JIT_VD_LIST ? (unsigned)insn->opc * insn->amount : 1;
    i->reads |= (use & JIT_VN ? vector_bits(insn->rn, use & JIT_VN_LIST ? insn->opc + 1u : 1) : 0) |
                (use & JIT_VM ? vector_bits(insn->rm, 1) : 0) |
                (use & JIT_VA ? vector_bits(insn->ra, 1) : 0) |
                (use & JIT_VD ? vector_bits(insn->rd, from_rt) : 0);
    i->writes |= (use & JIT_TO_VD ? vector_bits(insn->rd, from_rt) : 0) |
                 (use & JIT_TO_VA ? vector_bits(insn->ra, 1) : 0);
}

static void note_origin(struct region_insn *i) {
    struct flags_origin origin;
    i->has_origin = flags_origin(&i->insn, &origin);
    if (i->has_origin)
        i->origin = bit_of(origin.reg[0]) | (origin.immediate ? 0 : bit_of(origin.reg[1]));
}

static void note_registers(struct region_insn *i) {
    const struct a64_insn *insn = &i->insn;
    const uint32_t use = i->use;
    if (!i->form->emit)
        return;
    i->reads = (use & JIT_RN ? bit_of(insn->rn) : 0) | (use & JIT_RM ? bit_of(insn->rm) : 0) |
               (use & JIT_RA ? bit_of(insn->ra) : 0) | (use & JIT_RD ? bit_of(insn->rd) : 0);
    i->writes = (use & JIT_TO_RD ? bit_of(insn->rd) : 0) | (use & JIT_TO_RA ? bit_of(insn->ra) : 0) |
                (use & JIT_TO_RN ? bit_of(insn->rn) : 0) | (use & JIT_TO_RM ? bit_of(insn->rm) : 0) |
                (use & JIT_TO_X30 ? bit_of(30) : 0);
    note_vectors(i);
    if (use & JIT_SETS)
        note_origin(i);
}

struct score {
    unsigned weight[64], uses[64];
};

static void add_scores(struct score *score, uint64_t regs, unsigned weight) {
    for (; regs; regs &= regs - 1) {
        unsigned reg = (unsigned)__builtin_ctzll(regs);
        score->weight[reg] += weight;
        score->uses[reg]++;
    }
}

/* Of the registers from first on that are in memory, the one with most uses, or REG_ZR. One that is used once
 * is better off there. */
static unsigned most_used(
    const struct region *region, const struct score *score, unsigned first, unsigned end) {
    unsigned best = REG_ZR;
    for (unsigned reg = first; reg < end; reg++)
        if (!(region->allocated & bit_of(reg)) && score->uses[reg] > 1 &&
            score->weight[reg] > score->weight[best])
            best = reg;
    return best;
}

static unsigned least_used_fixed(const struct region *region, const struct score *score) {
    unsigned least = REG_ZR;
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        if (jit_fixed[reg] && !(region->displaced & bit_of(reg)) &&
            (least == REG_ZR || score->weight[reg] < score->weight[least]))
            least = reg;
    return least;
}

/* A register takes the place of a fixed one where that pays for storing and loading both at the ends. */
static void allocate_general(struct region *region, struct score *score) {
    enum { PAYS = 8 };
    for (unsigned reg = 0; reg < REG_COUNT; reg++)
        if (jit_fixed[reg]) {
            region->allocated |= bit_of(reg);
            region->host[reg] = jit_fixed[reg];
        }
    for (;;) {
        const unsigned best = most_used(region, score, 0, REG_COUNT), least = least_used_fixed(region, score);
        if (best == REG_ZR || least == REG_ZR || score->weight[best] < score->weight[least] + PAYS)
            return;
        region->host[best] = jit_fixed[least];
        region->displaced |= bit_of(least);
        region->allocated = (region->allocated | bit_of(best)) & ~bit_of(least);
        region->moved |= bit_of(best);
        score->uses[least] = 0; /* it does not come back */
    }
}

static void allocate_vectors(struct region *region, struct score *score) {
    enum { FIRST = 6 };
    for (unsigned n = 0; n < REGION_HOST_VECTORS; n++) {
        const unsigned best = most_used(region, score, REGION_VECTORS, 64);
        if (best == REG_ZR)
            return;
        region->host[best] = (uint8_t)(FIRST + n);
        region->allocated |= bit_of(best);
        region->moved |= bit_of(best);
    }
}

static void allocate(struct region *region) {
    struct score score = {0};
    uint64_t written = 0;
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        note_registers(i);
        add_scores(&score, i->reads, i->weight);
        add_scores(&score, i->writes, i->weight);
        written |= i->writes;
    }
    region->allocated = region->moved = region->displaced = 0;
    allocate_general(region, &score);
    allocate_vectors(region, &score);
    region->written = written & region->allocated;
}

/* Registers that the straight start of the region writes before it reads them, and before anything could want
 * to store them: they need not be loaded. */
static void find_preset(struct region *region) {
    uint64_t read = 0, preset = 0;
    for (int n = 0; n < region->count; n++) {
        const struct region_insn *i = &region->insn[n];
        if (!i->form->emit || (i->use & (JIT_MAY_RAISE | JIT_FP | JIT_BRANCH)) || (n && i->join))
            break;
        read |= i->reads;
        preset |= i->writes & ~read;
        if (i->next != n + 1)
            break;
    }
    region->preset = preset & region->moved;
}

/* Forward: which registers may be newer than memory. */
static void spread_dirty(struct region *region) {
    bool changed = true;
    while (changed) {
        changed = false;
        for (int n = 0; n < region->count; n++) {
            const struct region_insn *i = &region->insn[n];
            uint64_t dirty = i->form->emit ? i->dirty | (i->writes & region->allocated) : 0;
            if (i->next >= 0 && dirty & ~region->insn[i->next].dirty) {
                region->insn[i->next].dirty |= dirty;
                changed |= i->next <= n;
            }
            if (i->taken >= 0 && dirty & ~region->insn[i->taken].dirty) {
                region->insn[i->taken].dirty |= dirty;
                changed |= i->taken <= n;
            }
        }
    }
}

/* --- flags */

static bool live_behind(const struct region *region, const struct region_insn *i) {
    if (i->next < 0 ? i->next_live : region->insn[i->next].flags_live)
        return true;
    return i->conditional && (i->taken < 0 ? i->taken_live : region->insn[i->taken].flags_live);
}

static bool read_behind(const struct region *region, const struct region_insn *i) {
    return (i->next >= 0 && region->insn[i->next].flags_read) ||
           (i->taken >= 0 && region->insn[i->taken].flags_read);
}

/* Backward: where the flags may still be read, by whoever or within the region. Exceptions store them too;
 * only `exact` translations give them flags that the program itself will not look at any more. */
static void spread_flags(struct region *region, bool exact) {
    bool changed;
    do {
        changed = false;
        for (int n = region->count - 1; n >= 0; n--) {
            struct region_insn *i = &region->insn[n];
            const uint32_t use = i->use;
            const bool sets = use & JIT_SETS;
            bool read = use & JIT_READS || (!sets && read_behind(region, i));
            bool live = read || (exact && (use & JIT_MAY_RAISE || !i->form->emit)) ||
                        (!sets && live_behind(region, i));
            changed |= live != i->flags_live || read != i->flags_read;
            i->flags_live = live;
            i->flags_read = read;
        }
    } while (changed && region->loops);
}

/* Whose flags they are before an instruction: `setter`: who set them; else as long as the registers that they
 * come from outlast it. */
static int16_t *source_of(struct region_insn *i, bool setter) {
    return setter ? &i->flags_by : &i->flags_from;
}

static int16_t source_behind(struct region *region, int index, bool setter) {
    struct region_insn *i = &region->insn[index];
    if (!i->form->emit)
        return REGION_STORED;
    if (i->use & JIT_SETS)
        return i->has_origin ? (int16_t)index : REGION_STORED;
    if (!setter && i->flags_from >= 0 && i->writes & region->insn[i->flags_from].origin)
        return REGION_STORED;
    return *source_of(i, setter);
}

static bool merge_source(struct region *region, int from, int to, int16_t source, bool setter) {
    if (to < 0)
        return false;
    int16_t *at = source_of(&region->insn[to], setter), before = *at;
    if (before == REGION_UNKNOWN)
        *at = source;
    else if (before != source && source != REGION_UNKNOWN)
        *at = REGION_STORED;
    return *at != before && to <= from;
}

/* Forward. */
static void spread_sources(struct region *region, bool setter) {
    for (int n = 1; n < region->count; n++)
        *source_of(&region->insn[n], setter) = REGION_UNKNOWN;
    *source_of(&region->insn[0], setter) = REGION_STORED;
    bool changed = true;
    while (changed) {
        changed = false;
        for (int n = 0; n < region->count; n++) {
            struct region_insn *i = &region->insn[n];
            const int16_t source = source_behind(region, n, setter);
            if (!setter)
                i->flags_to = source;
            changed |= merge_source(region, n, i->next, source, setter);
            if (i->conditional)
                changed |= merge_source(region, n, i->taken, source, setter);
        }
    }
}

/* When an insn that leaves flags of origin `from` leads to insn `to`, or with `live` flags out of the region:
 * must they be in memory? Who leaves the region, or goes where others come from with another origin, stores
 * his own, unless the flags are going to be read there. */
static bool needed_at(const struct region *region, int from, int to, bool live) {
    if (to < 0)
        return live && from < 0;
    const struct region_insn *i = &region->insn[to];
    if (i->flags_from >= 0)
        return i->flags_needed;
    return from < 0 ? i->flags_live : i->flags_read;
}

static bool needed_next(const struct region *region, const struct region_insn *i) {
    return needed_at(region, i->flags_to, i->next, i->next_live);
}
static bool needed_taken(const struct region *region, const struct region_insn *i) {
    return i->conditional && needed_at(region, i->flags_to, i->taken, i->taken_live);
}

/* The registers that the flags come from are overwritten: their origin is stored before, if anybody may still
 * look. */
static bool is_last_of_origin(const struct region *region, const struct region_insn *i) {
    return i->form->emit && !(i->use & JIT_SETS) && i->flags_from >= 0 && i->flags_to < 0 &&
           live_behind(region, i);
}

/* Before insn `index`, where the flags have a known origin. */
static bool is_needed(const struct region *region, int index) {
    const struct region_insn *i = &region->insn[index];
    if (!i->form->emit)
        return false; /* the origin is stored for the handler */
    if (i->use & JIT_SETS)
        return false;
    return i->flags_to >= 0 && (needed_next(region, i) || needed_taken(region, i));
}

/* Must insn `index` store the flags that it sets, or their origin? If they have none, not for those who have
 * them from the host's flags. */
static bool must_store(const struct region *region, int index) {
    const struct region_insn *i = &region->insn[index];
    if (i->flags_to == index)
        return needed_next(region, i);
    while (i->next == ++index) {
        const struct region_insn *behind = &region->insn[index];
        const uint32_t use = behind->use;
        if (behind->join || !(use & (JIT_KEEPS | JIT_FUSES)))
            break;
        if (use & JIT_SETS)
            return false; /* CCMP has them from the host */
        if (needed_taken(region, behind))
            return true;
        i = behind;
        if (!(use & JIT_KEEPS))
            break;
    }
    return needed_next(region, i);
}

/* Backward: where flags must be in memory; then who has to store them. */
static void spread_needs(struct region *region) {
    bool changed;
    do {
        changed = false;
        for (int n = region->count - 1; n >= 0; n--) {
            struct region_insn *i = &region->insn[n];
            bool needed = is_needed(region, n);
            changed |= needed != i->flags_needed;
            i->flags_needed = needed;
        }
    } while (changed && region->loops);
    for (int n = 0; n < region->count; n++) {
        struct region_insn *i = &region->insn[n];
        if (i->use & JIT_SETS)
            i->flags_stored = must_store(region, n);
        i->flags_last = is_last_of_origin(region, i);
    }
}

void region_build(
    struct region *region, struct code_page *page, unsigned offset, const uint32_t *heat, bool exact) {
    collect(region, page, offset, heat);
    link_insns(region);
    look_outside(region, page, exact);
    measure_ways(region);
    weigh(region);
    allocate(region);
    find_preset(region);
    spread_dirty(region);
    spread_flags(region, exact);
    spread_sources(region, false);
    spread_sources(region, true);
    spread_needs(region);
    region_group_accesses(region);
}
