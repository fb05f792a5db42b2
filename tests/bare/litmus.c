/* Litmus tests of the memory model (ARM ARM B2.3) on two to four CPUs: outcomes that it forbids must not be
 * seen, by none of the ways to order accesses. The CPUs that a test leaves over write to other memory.
 *
 * CPUs go through an array of cells, each with its own variables, about side by side. That they really meet
 * is shown by store buffering without barriers, which is allowed and must be seen. */
#include "lib/lib.h"

enum { CELLS = 512, CPUS = 4, LIMIT_MS = 300, PATIENCE = 200, SEEN_MS = 20000 };

struct cell {
    volatile uint64_t x __attribute__((aligned(64)));
    volatile uint64_t y __attribute__((aligned(64)));
};

static struct cell cells[CELLS];
static struct { uint64_t r[CELLS][2] __attribute__((aligned(64))); } results[CPUS];
static struct { volatile uint64_t cell __attribute__((aligned(64))); } progress[CPUS];

typedef void side_fn(volatile uint64_t *x, volatile uint64_t *y, uint64_t r[2]);

/* --- the accesses. o: the value, p: where; v: what is stored */
#define LD(p)                                                                                                \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("ldr %0, [%1]" : "=r"(o) : "r"(p) : "memory");                                      \
        o;                                                                                                   \
    })
#define LDAR(p)                                                                                              \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("ldar %0, [%1]" : "=r"(o) : "r"(p) : "memory");                                     \
        o;                                                                                                   \
    })
#define LDAPR(p)                                                                                             \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile(".arch_extension rcpc\n\tldapr %0, [%1]" : "=r"(o) : "r"(p) : "memory");            \
        o;                                                                                                   \
    })
#define LDAXR(p)                                                                                             \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("ldaxr %0, [%1]\n\tclrex" : "=r"(o) : "r"(p) : "memory");                           \
        o;                                                                                                   \
    })
#define LDADD(p)                                                                                             \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("ldaddal xzr, %0, [%1]" : "=r"(o) : "r"(p) : "memory");                             \
        o;                                                                                                   \
    })
#define CAS(p)                                                                                               \
    ({                                                                                                       \
        uint64_t o = 0;                                                                                      \
        __asm__ volatile("casal %0, xzr, [%1]" : "+r"(o) : "r"(p) : "memory");                               \
        o;                                                                                                   \
    })
/* By an address that depends on a value. */
#define LD_AFTER(p, a)                                                                                       \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("eor %0, %2, %2\n\tldr %0, [%1, %0]" : "=&r"(o) : "r"(p), "r"(a) : "memory");       \
        o;                                                                                                   \
    })
#define ST(p, v)   __asm__ volatile("str %0, [%1]" ::"r"((uint64_t)(v)), "r"(p) : "memory")
#define STLR(p, v) __asm__ volatile("stlr %0, [%1]" ::"r"((uint64_t)(v)), "r"(p) : "memory")
#define SWPL(p, v)                                                                                           \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("swpl %1, %0, [%2]" : "=&r"(o) : "r"((uint64_t)(v)), "r"(p) : "memory");            \
    })
#define SWPAL(p, v)                                                                                          \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("swpal %1, %0, [%2]" : "=&r"(o) : "r"((uint64_t)(v)), "r"(p) : "memory");           \
    })
#define STLXR(p, v)                                                                                          \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("1: ldxr %0, [%2]\n\tstlxr %w0, %1, [%2]\n\tcbnz %w0, 1b"                           \
                         : "=&r"(o)                                                                          \
                         : "r"((uint64_t)(v)), "r"(p)                                                        \
                         : "memory");                                                                        \
    })
/* What is stored depends on a value. */
#define ST_AFTER(p, v, a)                                                                                    \
    ({                                                                                                       \
        uint64_t o;                                                                                          \
        __asm__ volatile("eor %0, %3, %3\n\tadd %0, %0, %1\n\tstr %0, [%2]"                                  \
                         : "=&r"(o)                                                                          \
                         : "r"((uint64_t)(v)), "r"(p), "r"(a)                                                \
                         : "memory");                                                                        \
    })
/* Whether it is stored does. */
#define ST_IF(p, v, a)                                                                                       \
    __asm__ volatile("cbz %2, 1f\n1:\tstr %0, [%1]" ::"r"((uint64_t)(v)), "r"(p), "r"(a) : "memory")
#define DMB(type) __asm__ volatile("dmb " #type ::: "memory")

#define SIDE(name, ...)                                                                                      \
    static void name(volatile uint64_t *x, volatile uint64_t *y, uint64_t r[2]) {                            \
        (void)x, (void)y, (void)r;                                                                           \
        __VA_ARGS__;                                                                                         \
    }

/* writers: x, then y */
SIDE(w_dmb, ST(x, 1); DMB(ish); ST(y, 1))
SIDE(w_dmb_st, ST(x, 1); DMB(ishst); ST(y, 1))
SIDE(w_release, ST(x, 1); STLR(y, 1))
SIDE(w_swap, ST(x, 1); SWPL(y, 1))
SIDE(w_exclusive, ST(x, 1); STLXR(y, 1))
/* readers: y, then x */
SIDE(r_dmb, r[0] = LD(y); DMB(ish); r[1] = LD(x))
SIDE(r_dmb_ld, r[0] = LD(y); DMB(ishld); r[1] = LD(x))
SIDE(r_acquire, r[0] = LDAR(y); r[1] = LD(x))
SIDE(r_acquire_pc, r[0] = LDAPR(y); r[1] = LD(x))
SIDE(r_exclusive, r[0] = LDAXR(y); r[1] = LD(x))
SIDE(r_atomic, r[0] = LDADD(y); r[1] = LD(x))
SIDE(r_compare, r[0] = CAS(y); r[1] = LD(x))
SIDE(r_address, r[0] = LD(y); r[1] = LD_AFTER(x, r[0]))
SIDE(r_reverse_dmb, r[0] = LD(x); DMB(ish); r[1] = LD(y))
SIDE(r_reverse_acquire, r[0] = LDAR(x); r[1] = LDAR(y))
SIDE(r_twice_acquire, r[0] = LDAR(y); r[1] = LDAR(x))
SIDE(r_same, r[0] = LD(x); r[1] = LD(x))
/* a store, then a load of the other's */
SIDE(sb0_plain, ST(x, 1); r[0] = LD(y))
SIDE(sb1_plain, ST(y, 1); r[0] = LD(x))
SIDE(sb0_dmb, ST(x, 1); DMB(ish); r[0] = LD(y))
SIDE(sb1_dmb, ST(y, 1); DMB(ish); r[0] = LD(x))
SIDE(sb0_dsb, ST(x, 1); __asm__ volatile("dsb ish" ::: "memory"); r[0] = LD(y))
SIDE(sb1_dsb, ST(y, 1); __asm__ volatile("dsb ish" ::: "memory"); r[0] = LD(x))
SIDE(sb0_release, STLR(x, 1); r[0] = LDAR(y))
SIDE(sb1_release, STLR(y, 1); r[0] = LDAR(x))
SIDE(sb0_atomic, SWPAL(x, 1); r[0] = LDADD(y))
SIDE(sb1_atomic, SWPAL(y, 1); r[0] = LDADD(x))
SIDE(sb0_exclusive, STLXR(x, 1); r[0] = LDAXR(y))
SIDE(sb1_exclusive, STLXR(y, 1); r[0] = LDAXR(x))
/* a load, then a store of the other's */
SIDE(lb0_dmb, r[0] = LD(x); DMB(ish); ST(y, 1))
SIDE(lb1_dmb, r[0] = LD(y); DMB(ish); ST(x, 1))
SIDE(lb0_acquire, r[0] = LDAR(x); ST(y, 1))
SIDE(lb1_release, r[0] = LD(y); STLR(x, 1))
SIDE(lb0_data, r[0] = LD(x); ST_AFTER(y, 1, r[0]))
SIDE(lb1_control, r[0] = LD(y); ST_IF(x, 1, r[0]))
/* two stores each */
SIDE(ww0_dmb, ST(x, 1); DMB(ish); ST(y, 2))
SIDE(ww1_dmb, ST(y, 1); DMB(ishst); ST(x, 2))
SIDE(ww0_release, ST(x, 1); STLR(y, 2))
SIDE(ww1_release, ST(y, 1); STLR(x, 2))
SIDE(r1_dmb, ST(y, 2); DMB(ish); r[0] = LD(x))
SIDE(r1_release, STLR(y, 2); r[0] = LDAR(x))
SIDE(s0_dmb, ST(x, 2); DMB(ish); ST(y, 1))
SIDE(s0_release, ST(x, 2); STLR(y, 1))
SIDE(s1_dmb, r[0] = LD(y); DMB(ishld); ST(x, 1))
SIDE(s1_acquire, r[0] = LDAPR(y); ST(x, 1))
SIDE(s1_data, r[0] = LD(y); ST_AFTER(x, 1, r[0]))
SIDE(write_x, ST(x, 1))
SIDE(write_y, ST(y, 1))
SIDE(write_twice, ST(x, 1); ST(x, 2))

/* --- running */

static unsigned cpus, sides;
static side_fn *const *side;
static volatile uint32_t arrived, generation;
static volatile bool done;
static volatile uint64_t noise[CPUS][64] __attribute__((aligned(64)));

static void barrier(void) {
    const uint32_t mine = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL) == sides) {
        arrived = 0;
        __atomic_store_n(&generation, mine + 1, __ATOMIC_RELEASE);
        return;
    }
    while (__atomic_load_n(&generation, __ATOMIC_ACQUIRE) == mine)
        ;
}

/* Waits for the others, but not for long: the host may not run them now. */
static void side_by_side(unsigned self, uint64_t cell) {
    progress[self].cell = cell;
    for (unsigned i = 0; i < sides; i++)
        for (unsigned patience = PATIENCE; progress[i].cell < cell && patience; patience--)
            ;
}

static void run_batch(unsigned self) {
    for (unsigned i = 0; i < CELLS; i++) {
        side_by_side(self, i);
        side[self](&cells[i].x, &cells[i].y, results[self].r[i]);
    }
}

static void run_side(void) {
    const unsigned self = this_cpu();
    while (self >= sides && !done)
        for (unsigned i = 0; i < 64; i++)
            noise[self][i]++;
    while (self < sides) {
        barrier(); /* CPU 0 has cleared all cells */
        if (done)
            return;
        run_batch(self);
        barrier();
    }
}

static void clear(void) {
    for (unsigned i = 0; i < CELLS; i++)
        cells[i].x = cells[i].y = 0;
    for (unsigned i = 0; i < CPUS; i++)
        progress[i].cell = 0;
}

/* a, b: r[0] and r[1] of the sides that load; x, y: what memory holds afterwards */
struct outcome {
    uint64_t r[CPUS][2], x, y;
};

static uint64_t count(bool (*wanted)(const struct outcome *)) {
    uint64_t seen = 0;
    for (unsigned i = 0; i < CELLS; i++) {
        struct outcome o = {.x = cells[i].x, .y = cells[i].y};
        for (unsigned n = 0; n < sides; n++)
            o.r[n][0] = results[n].r[i][0], o.r[n][1] = results[n].r[i][1];
        seen += wanted(&o);
    }
    return seen;
}

/* How often the outcome was seen within some milliseconds; or until it was, if once is enough: without the
 * CPUs that are left over, so that a host of two cores runs one side on each. */
static uint64_t run(bool (*wanted)(const struct outcome *), unsigned ms, bool once) {
    uint64_t seen = 0;
    const unsigned started = once ? sides : cpus;
    done = false;
    for (unsigned i = 1; i < started; i++)
        cpu_start(i, run_side);
    const uint64_t end = READ_SYSREG(cntvct_el0) + READ_SYSREG(cntfrq_el0) * ms / 1000;
    while (READ_SYSREG(cntvct_el0) < end && !(once && seen)) {
        clear();
        barrier();
        run_batch(0);
        barrier();
        seen += count(wanted);
    }
    done = true;
    barrier();
    for (unsigned i = 1; i < started; i++)
        expect_true("a CPU ends", cpu_join(i));
    return seen;
}

/* --- the tests */
#define OUTCOME(name, condition)                                                                             \
    static bool name(const struct outcome *o) {                                                              \
        return condition;                                                                                    \
    }
OUTCOME(mp, o->r[1][0] == 1 && o->r[1][1] == 0)
OUTCOME(sb, o->r[0][0] == 0 && o->r[1][0] == 0)
OUTCOME(lb, o->r[0][0] == 1 && o->r[1][0] == 1)
OUTCOME(ww, o->x == 1 && o->y == 1)
OUTCOME(r, o->y == 2 && o->r[1][0] == 0)
OUTCOME(s, o->x == 2 && o->r[1][0] == 1)
OUTCOME(corr, o->r[1][0] == 1 && o->r[1][1] == 0)
OUTCOME(coww, o->x == 1)
OUTCOME(iriw, o->r[2][0] == 1 && o->r[2][1] == 0 && o->r[3][0] == 1 && o->r[3][1] == 0)

static const struct {
    const char *name;
    bool (*forbidden)(const struct outcome *);
    unsigned sides;
    side_fn *side[CPUS];
} tests[] = {
    {"mp+dmb+dmb", mp, 2, {w_dmb, r_dmb}},
    {"mp+dmb.st+dmb.ld", mp, 2, {w_dmb_st, r_dmb_ld}},
    {"mp+release+acquire", mp, 2, {w_release, r_acquire}},
    {"mp+release+acquire.pc", mp, 2, {w_release, r_acquire_pc}},
    {"mp+release+address", mp, 2, {w_release, r_address}},
    {"mp+swap+atomic", mp, 2, {w_swap, r_atomic}},
    {"mp+swap+compare", mp, 2, {w_swap, r_compare}},
    {"mp+exclusive+exclusive", mp, 2, {w_exclusive, r_exclusive}},
    {"sb+dmb+dmb", sb, 2, {sb0_dmb, sb1_dmb}},
    {"sb+dsb+dsb", sb, 2, {sb0_dsb, sb1_dsb}},
    {"sb+release+release", sb, 2, {sb0_release, sb1_release}},
    {"sb+atomic+atomic", sb, 2, {sb0_atomic, sb1_atomic}},
    {"sb+exclusive+exclusive", sb, 2, {sb0_exclusive, sb1_exclusive}},
    {"sb+dmb+release", sb, 2, {sb0_dmb, sb1_release}},
    {"lb+dmb+dmb", lb, 2, {lb0_dmb, lb1_dmb}},
    {"lb+acquire+release", lb, 2, {lb0_acquire, lb1_release}},
    {"lb+data+control", lb, 2, {lb0_data, lb1_control}},
    {"2+2w+dmb+dmb", ww, 2, {ww0_dmb, ww1_dmb}},
    {"2+2w+release+release", ww, 2, {ww0_release, ww1_release}},
    {"r+dmb+dmb", r, 2, {w_dmb, r1_dmb}},
    {"r+release+release", r, 2, {w_release, r1_release}},
    {"s+dmb+dmb", s, 2, {s0_dmb, s1_dmb}},
    {"s+release+acquire", s, 2, {s0_release, s1_acquire}},
    {"s+release+data", s, 2, {s0_release, s1_data}},
    {"corr", corr, 2, {write_x, r_same}},
    {"coww", coww, 2, {write_twice, r_same}},
    {"iriw+dmb+dmb", iriw, 4, {write_x, write_y, r_reverse_dmb, r_dmb}},
    {"iriw+acquire+acquire", iriw, 4, {write_x, write_y, r_reverse_acquire, r_twice_acquire}},
};

void test_main(void) {
    static side_fn *const sb_plain[CPUS] = {sb0_plain, sb1_plain};
    cpus = cpu_count() < CPUS ? cpu_count() : CPUS;
    if (cpus < 2) {
        print("FAIL litmus: needs at least 2 CPUs\n");
        return;
    }
    test_begin("sb, which is allowed, is seen");
    side = sb_plain;
    sides = 2;
    expect_true("seen", run(sb, SEEN_MS, true) > 0);
    test_end();
    for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
        if (tests[i].sides > cpus)
            continue;
        test_begin(tests[i].name);
        side = tests[i].side;
        sides = tests[i].sides;
        expect("forbidden outcomes", run(tests[i].forbidden, LIMIT_MS, false), 0);
        test_end();
    }
}
