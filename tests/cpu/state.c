/* Initial states: operands that sit on the edges, and addresses that lead into the window. */
#include "case.h"

#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct rng {
    uint64_t state;
};

/* splitmix64 */
static uint64_t next(struct rng *rng) {
    uint64_t z = rng->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static uint64_t below(struct rng *rng, uint64_t limit) {
    return (next(rng) >> 32) * limit >> 32;
}

static uint64_t interesting_integer(struct rng *rng) {
    static const uint64_t edges[] = {0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
        0x80000000, 0x80000001, 0xfffffffe, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000,
        0x8000000000000001, 0xfffffffffffffffe, 0xffffffffffffffff, 0xffffffff80000000, 0xffffffff7fffffff,
        0x0101010101010101, 0x8080808080808080, 0x7f7f7f7f7f7f7f7f, 0x5555555555555555, 0xff00ff00ff00ff00};
    uint64_t r = next(rng);
    switch (r & 7) {
    case 0: return edges[below(rng, ARRAY_SIZE(edges))];
    case 1: return edges[below(rng, ARRAY_SIZE(edges))] + below(rng, 5) - 2;
    case 2: return below(rng, 132); /* shift amounts */
    case 3: return next(rng) << 32 | edges[below(rng, ARRAY_SIZE(edges))];
    case 4: return (uint64_t)(int64_t)(int32_t)next(rng);
    case 5: return 1ull << (r >> 8 & 63) | (r >> 16 & 1);
    case 6: return next(rng) >> (r >> 8 & 63);
    default: return next(rng);
    }
}

/* A floating-point value of a width (16, 32 or 64 bits), with every class and the neighbourhood of rounding,
 * overflow and conversion limits likely. */
static uint64_t interesting_float(struct rng *rng, unsigned width) {
    unsigned fraction_bits = width == 16 ? 10 : width == 32 ? 23 : 52;
    uint64_t exponent_max = (1u << (width - 1 - fraction_bits)) - 1, bias = exponent_max >> 1;
    uint64_t fraction_mask = (1ull << fraction_bits) - 1;
    uint64_t r = next(rng), random = next(rng), sign = (r >> 63) << (width - 1);
    uint64_t exponent = 0, fraction = 0;

    switch (r & 15) {
    case 0: break;                                                                           /* zero */
    case 1: exponent = exponent_max; break;                                                  /* infinity */
    case 2: exponent = exponent_max, fraction = random | 1ull << (fraction_bits - 1); break; /* quiet */
    case 3: exponent = exponent_max, fraction = (random & fraction_mask >> 1) | 1; break;    /* signalling */
    case 4: fraction = random >> (r >> 8 & 63); break;                                       /* denormal */
    case 5: fraction = r & 16 ? fraction_mask : 1, exponent = r >> 5 & 1; break; /* around the least normal */
    case 6: exponent = exponent_max - 1, fraction = r & 16 ? ~0ull : random; break;
    case 7: exponent = bias, fraction = r & 16 ? 0 : 1; break;
    case 8: /* few bits set: exact results and ties */
        exponent = bias + below(rng, 24) - 8;
        fraction = random << (fraction_bits - (r >> 8 & 7));
        break;
    case 9:
    case 10: { /* near a power of two that integers end at */
        static const uint8_t powers[] = {7, 8, 15, 16, 31, 32, 63, 64};
        exponent = bias + powers[r >> 8 & 7] - (r >> 16 & 1);
        fraction = r >> 16 & 1 ? fraction_mask - (random & 3) : random & 3;
        break;
    }
    case 11: exponent = bias + below(rng, 64) - 32, fraction = random; break;
    case 12: exponent = bias + below(rng, 8) - 4, fraction = random; break;
    case 13: /* products and quotients near overflow and underflow */
        exponent = (r >> 8 & 1 ? bias / 2 : bias + bias / 2) + below(rng, 8) - 4, fraction = random;
        break;
    case 14: exponent = below(rng, fraction_bits + 4), fraction = random; break;
    default: return random & ~0ull >> (64 - width);
    }
    if (exponent > exponent_max)
        exponent = exponent_max - 1;
    return sign | exponent << fraction_bits | (fraction & fraction_mask);
}

/* magnitude * 2^scale, which must be exact in the format. */
static uint64_t encode_float(unsigned width, uint64_t magnitude, int scale) {
    unsigned fraction_bits = width == 16 ? 10 : width == 32 ? 23 : 52;
    unsigned top = 63 - (unsigned)__builtin_clzll(magnitude), bias = (1u << (width - 2 - fraction_bits)) - 1;
    uint64_t fraction = magnitude << (fraction_bits - top) & ((1ull << fraction_bits) - 1);
    return (uint64_t)(bias + (unsigned)((int)top + scale)) << fraction_bits | fraction;
}

/* For multiply-add: lanes of a and b whose product is exact, and of c at or next to minus the product. */
static void cancelling_lanes(struct rng *rng, unsigned width, uint64_t *a, uint64_t *b, uint64_t *c) {
    const unsigned digits = width == 16 ? 5 : width == 32 ? 11 : 26;
    *a = *b = *c = 0;
    for (unsigned at = 0; at < 64; at += width) {
        uint64_t first = 1ull << (digits - 1) | below(rng, 1ull << (digits - 1));
        uint64_t second = 1ull << (digits - 1) | below(rng, 1ull << (digits - 1));
        int scale = (int)below(rng, 7) - 3 - (int)digits;
        uint64_t product = encode_float(width, first * second, 2 * scale) | 1ull << (width - 1);
        *a |= encode_float(width, first, scale) << at;
        *b |= encode_float(width, second, scale) << at;
        *c |= (product + below(rng, 3) - 1) << at;
    }
}

static uint64_t interesting_lanes(struct rng *rng, unsigned width) {
    uint64_t value = 0;
    for (unsigned at = 0; at < 64; at += width)
        value |= interesting_float(rng, width) << at;
    return value;
}

static void interesting_vector(struct rng *rng, uint64_t v[2]) {
    static const uint8_t widths[] = {16, 32, 64};
    unsigned kind = below(rng, 8);
    for (unsigned half = 0; half < 2; half++)
        v[half] = kind < 5    ? interesting_lanes(rng, widths[kind % 3])
                  : kind == 5 ? interesting_integer(rng)
                  : kind == 6 ? interesting_integer(rng) * 0x100000001
                              : next(rng);
}

/* FPCR: rounding mode, FZ, DN, AHP and FZ16; half of all cases run with the default. */
static uint32_t interesting_fpcr(struct rng *rng) {
    uint64_t r = next(rng);
    if (r & 1)
        return 0;
    return (r >> 8 & 3) << 22 | (r >> 16 & 1) << 24 | (r >> 17 & 1) << 25 | (r >> 18 & 1) << 26 |
           (r >> 19 & 1) << 19;
}

static unsigned field(uint32_t word, unsigned low, unsigned width) {
    return word >> low & ((1u << width) - 1);
}

static int64_t signed_field(uint32_t word, unsigned low, unsigned width) {
    return (int64_t)((uint64_t)word << (64 - low - width)) >> (64 - width);
}

/* Loads and stores with a base register: C4.1.94, op0 = x1x0, less the literal loads. */
static bool has_base(uint32_t word) {
    return field(word, 27, 1) && !field(word, 25, 1) && (field(word, 27, 3) != 3 || field(word, 24, 1));
}

static bool is_register_offset(uint32_t word) {
    return field(word, 27, 3) == 7 && !field(word, 24, 1) && field(word, 21, 1) && field(word, 10, 2) == 2;
}

/* What a load or store adds to its base before the access (0 for post-index). */
static int64_t immediate_offset(uint32_t word) {
    unsigned size = field(word, 30, 2), vector = field(word, 26, 1);
    switch (field(word, 28, 2)) {
    case 0: return 0;                         /* exclusive, ordered, compare and swap; vector structures */
    case 1: return signed_field(word, 12, 9); /* RCPC with offset */
    case 2:
        if (field(word, 23, 2) == 1)
            return 0;
        return signed_field(word, 15, 7) * (vector ? 4 << size : size == 2 ? 8 : 4);
    default:
        if (field(word, 24, 1))
            return (int64_t)field(word, 10, 12) << (vector && field(word, 23, 1) ? 4 : size);
        if (field(word, 21, 1) || field(word, 10, 2) == 1)
            return 0;
        return signed_field(word, 12, 9);
    }
}

static unsigned index_shift(uint32_t word) {
    bool scaled = field(word, 12, 1), quad = field(word, 26, 1) && field(word, 23, 1);
    return scaled ? (quad ? 4 : field(word, 30, 2)) : 0;
}

/* The base that leads to ea, with the index register as it is; or both, when they are the same register. */
static uint64_t base_with_index(const struct case_state *state, uint32_t word, uint64_t ea) {
    unsigned rm = field(word, 16, 5);
    if (rm == field(word, 5, 5) && rm != 31)
        return ea / (1 + (1u << index_shift(word)));
    uint64_t value = rm == 31 ? 0 : state->x[rm];
    switch (field(word, 13, 3)) {
    case 2: value = (uint32_t)value; break;
    case 6: value = (uint64_t)(int64_t)(int32_t)value; break;
    default: break;
    }
    return ea - (value << index_shift(word));
}

/* Compare and swap succeeds half of the time: memory at ea gets what Rs (and the next, for a pair) holds. */
static void let_compare_succeed(struct rng *rng, struct case_state *state, uint32_t word, uint64_t ea) {
    bool cas = field(word, 24, 6) == 8 && field(word, 21, 1) && field(word, 10, 5) == 31;
    if (!cas || next(rng) & 1 || ea < WINDOW_BASE || ea + 16 > WINDOW_BASE + WINDOW_SIZE)
        return;
    unsigned rs = field(word, 16, 5);
    bool pair = !field(word, 23, 1), narrow = pair && !field(word, 30, 1);
    uint64_t values[2] = {rs == 31 ? 0 : state->x[rs], rs >= 30 ? 0 : state->x[rs + 1]};
    uint8_t *at = state->window + (ea - WINDOW_BASE);
    memcpy(at, &values[0], 8);
    memcpy(at + (narrow ? 4 : 8), &values[1], narrow ? 4 : 8);
}

/* Exclusive, ordered and atomic accesses: 0 for others, else the bytes that must be aligned. */
static unsigned aligned_size(uint32_t word) {
    unsigned size = 1u << field(word, 30, 2);
    bool pair = field(word, 21, 1) && !field(word, 23, 1);
    if (field(word, 24, 6) == 8)
        return pair ? (field(word, 31, 1) ? size * 2 : field(word, 30, 1) ? 16 : 8) : size;
    bool atomic = field(word, 24, 6) == 0x38 && field(word, 21, 1) && field(word, 10, 2) == 0;
    bool with_offset = field(word, 24, 6) == 0x19;
    return atomic || with_offset ? size : 0;
}

/* QEMU 7.2 lets LDAPR be unaligned. Without the monitor a store-exclusive may fail before it faults. */
static bool must_align(uint32_t word) {
    return (word & 0x3ffffc00) == 0x38bfc000 || (word & 0x3fc00000) == 0x08000000;
}

/* Makes the base register lead to somewhere in the window; mostly aligned; at times over the end of what is
 * mapped, or with a tag in the top byte (ignored: TCR_EL1.TBI0 is set for EL0 on Linux). */
static void aim_base(struct rng *rng, struct case_state *state, uint32_t word) {
    unsigned rn = field(word, 5, 5), r = below(rng, 64);
    uint64_t ea = WINDOW_BASE + 64 + below(rng, WINDOW_SIZE - 128);
    if (r < 52)
        ea &= ~15ull;
    else if (r < 54)
        ea = DATA_BASE + DATA_SIZE - below(rng, TAIL_SIZE);
    /* With FEAT_LSE2, which newer QEMU has, unaligned ones fault only when they leave 16 bytes. */
    if (aligned_size(word) > 1 && ea & 15)
        ea = must_align(word) ? ea & ~15ull : (ea | 15) + 1 - aligned_size(word) / 2;
    let_compare_succeed(rng, state, word, ea);
    uint64_t base =
        is_register_offset(word) ? base_with_index(state, word, ea) : ea - (uint64_t)immediate_offset(word);
    if (r == 63)
        base ^= next(rng) << 56;
    if (rn == 31)
        state->sp = base & ~15ull;
    else
        state->x[rn] = base;
}

/* BR, BLR, RET: anywhere in the sled, or out of it; never to the branch itself. */
static void aim_branch(struct rng *rng, struct case_state *state, uint32_t word) {
    uint64_t r = next(rng), target = SLED_BASE + (r >> 16) % SLED_SIZE;
    if ((r & 15) != 0)
        target &= ~3ull;
    if ((r & 0x70) == 0)
        target ^= r & 0xff00000000000000;
    if (target - state->pc < 4)
        target += 4;
    unsigned rn = field(word, 5, 5);
    if (rn != 31)
        state->x[rn] = target;
}

static void aim(struct rng *rng, struct case_state *state, uint32_t word) {
    if (has_base(word))
        aim_base(rng, state, word);
    else if (field(word, 25, 7) == 0x6b)
        aim_branch(rng, state, word);
}

/* Registers that the word may name get values from the edges; at times two of them the same. */
static void fill_operands(struct rng *rng, struct case_state *state, uint32_t word) {
    const unsigned named[] = {field(word, 0, 5), field(word, 5, 5), field(word, 16, 5), field(word, 10, 5)};
    uint64_t r = next(rng);
    unsigned width = 16u << below(rng, 3);
    bool alike = r & 1;
    for (unsigned i = 0; i < ARRAY_SIZE(named); i++) {
        if (named[i] < 31)
            state->x[named[i]] = interesting_integer(rng);
        uint64_t *v = state->v[named[i]];
        if (alike)
            v[0] = interesting_lanes(rng, width), v[1] = interesting_lanes(rng, width);
        else
            interesting_vector(rng, v);
    }
    if ((r >> 8 & 7) == 0 && named[1] < 31 && named[2] < 31)
        state->x[named[2]] = state->x[named[1]] + below(rng, 3) - 1;
    if ((r >> 16 & 7) == 0)
        memcpy(state->v[named[2]], state->v[named[1]], sizeof(state->v[0]) >> (r >> 24 & 1));
}

/* Multiply-add takes its addend from Ra (14:10) or adds to Rd. */
static void let_sum_cancel(struct rng *rng, struct case_state *state, uint32_t word) {
    if (field(word, 25, 3) != 7 || (next(rng) & 7) != 0)
        return;
    unsigned width = 16u << below(rng, 3), rn = field(word, 5, 5), rm = field(word, 16, 5);
    for (unsigned half = 0; half < 2; half++) {
        uint64_t addend;
        cancelling_lanes(rng, width, &state->v[rn][half], &state->v[rm][half], &addend);
        state->v[field(word, 10, 5)][half] = addend;
        state->v[field(word, 0, 5)][half] = addend;
    }
}

static void fill_all(struct rng *rng, struct case_state *state) {
    for (unsigned i = 0; i < 31; i++)
        state->x[i] = interesting_integer(rng);
    for (unsigned i = 0; i < 32; i++)
        interesting_vector(rng, state->v[i]);
    state->x[PROGRAM_COUNT_REG] = PROGRAM_LOOPS;
    for (unsigned i = 0; i < 2; i++)
        state->x[PROGRAM_BASE_REG + i] = WINDOW_BASE + 64 + (below(rng, WINDOW_SIZE - 128) & ~15ull);
    state->sp = WINDOW_BASE + 64 + (below(rng, WINDOW_SIZE - 128) & ~15ull);
}

void case_initial(
    struct case_state *state, const uint32_t *words, unsigned count, unsigned flags, uint32_t seed) {
    struct rng rng = {seed * 0x2545f4914f6cdd1dull};
    uint64_t pc = state->pc;
    uint64_t *raw = (uint64_t *)state;
    for (size_t i = 0; i < sizeof(*state) / sizeof(*raw); i++)
        raw[i] = next(&rng);
    state->pc = pc;
    state->sp &= ~15ull;
    state->nzcv &= 0xf0000000;
    state->fpcr = interesting_fpcr(&rng);
    state->fpsr = state->fpsr & 7 ? 0 : state->fpsr >> 4 & 0x0800009f;
    state->signal = 0;
    if (flags & CASE_PROGRAM) {
        fill_all(&rng, state);
        return;
    }
    for (unsigned i = count; i-- > 0;)
        fill_operands(&rng, state, words[i]);
    for (unsigned i = count; i-- > 0;) {
        let_sum_cancel(&rng, state, words[i]);
        aim(&rng, state, words[i]);
    }
}

void case_load_memory(void *data, const struct case_state *state) {
    memcpy((char *)data + (WINDOW_BASE - DATA_BASE), state->window, WINDOW_SIZE);
    memcpy((char *)data + DATA_SIZE - TAIL_SIZE, state->window, TAIL_SIZE);
}

static uint32_t code_words(const struct case_record *record) {
    return record->words + 1;
}

static uint32_t *put_record(uint32_t *at, const struct case_record *record) {
    memcpy(at, case_words(record), record->words * sizeof(uint32_t));
    return at + code_words(record);
}

struct case_batch case_load_batch(uint32_t *sled, const struct case_record *record,
    const struct case_record *end, struct case_batch previous) {
    const uint32_t first = (CODE_BASE - SLED_BASE) / sizeof(uint32_t),
                   limit = first + CODE_SIZE / sizeof(uint32_t);
    uint32_t used = first;
    for (const struct case_record *r = previous.first; r < previous.end; r = case_next(r))
        for (uint32_t i = 0; i < code_words(r); i++, used++)
            sled[used] = sled_word(used);

    struct case_batch batch = {record, record};
    uint32_t *at = sled + first;
    while (batch.end < end && at + code_words(batch.end) <= sled + limit) {
        if (batch.end->flags & CASE_ALONE && batch.end != record)
            break;
        at = put_record(at, batch.end);
        batch.end = case_next(batch.end);
        if (record->flags & CASE_ALONE)
            break;
    }
    return batch;
}
