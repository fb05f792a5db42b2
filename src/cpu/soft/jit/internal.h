/* What the parts of the translator share: a vCPU's translations, and a region while it is translated. */
#pragma once

#include "cpu/soft/code.h"
#include "cpu/soft/jit/translate.h"
#include "cpu/soft/mem.h"
#include "host/exec.h"

enum {
    JIT_PART = 6 << 20, /* of the memory for code, which is forgotten in parts, in turn */
    JIT_LEAST_PARTS = 4,
    JIT_MOST_PARTS = 32,
    JIT_STUBS = 4096,     /* at its start: what all regions use */
    JIT_ROOM = 512 << 10, /* more than any region needs */
    JIT_PAGES = 4096,     /* physical pages with translations */
    JIT_BUCKETS = 4096,
    JIT_LOOK_UPS = 6,        /* sizes of accesses, 1 to 32 bytes */
    JIT_LOOK_NS = 250000000, /* between two looks at whether little is translated any more */
    JIT_HOT = 12,            /* a place is translated when it has been come to this often */
};

/* Translations of one physical page. */
struct jit_page {
    uint64_t pa;
    struct jit_page *next; /* in its bucket */
    unsigned regions;
    uint32_t parts; /* set: where its regions are, or were */
    uint32_t
        chains; /* the last jump between them that was led to its target: an offset in the memory, or 0 */
    /* By instruction: how often the dispatcher came there, or, from JIT_STUBS on, where its region starts.
     * Apart from the rest, so that looking for a page touches little memory. */
    uint32_t *entry; /* jit_entries */
};
typedef uint32_t jit_entries[CODE_PAGE_INSNS];

/* What translated code returns to the dispatcher; cpu->pc is where to go on. */
enum jit_leave {
    JIT_LEAVE,
    JIT_LEAVE_DEAD,      /* the region was invalidated: the jump cache does not know yet */
    JIT_LEAVE_INTERPRET, /* a block */
};

/* A jump within a page that leads nowhere yet: JMP rel32 to a CALL of the chain stub and this. */
struct jit_chain {
    uint32_t offset; /* of the target in its page */
    uint32_t next;   /* jit_page.chains, once it leads to the target */
} __attribute__((packed));

/* An instruction that its translation leaves to its handler, in as few bytes as it can be said in: there is
 * one for nearly every access to memory, and hardly any is ever needed. */
struct jit_bail {
    uint32_t word;
    int32_t back;    /* from here to the code behind the instruction */
    uint16_t offset; /* in its page */
} __attribute__((packed));

enum { JIT_CHAIN_CALL = 5 }; /* bytes of the CALL, behind the JMP */

struct jit {
    struct host_exec memory;
    unsigned parts;    /* of JIT_PART bytes */
    uint8_t *at, *end; /* the next region goes here, in the part that ends there */
    uint64_t flushes;  /* of everything */
    uint64_t epoch;    /* counts them, and those of parts */

    /* jit_settle()'s: when to look again, and of the regions ever made, how many there were at the last look,
     * and when everything was forgotten or had been made again, which was that many. */
    uint64_t next_look, seen, settled, again;
    bool settling; /* they are being made again */

    /* Stubs, as written. */
    const uint8_t *leave;        /* pc is set */
    const uint8_t *leave_va;     /* rax: pc */
    const uint8_t *miss;         /* rax: pc, which the jump cache does not have */
    const uint8_t *leave_at;     /* ecx: pc's offset in the page */
    const uint8_t *dead_at;      /* the same, by JIT_LEAVE_DEAD */
    const uint8_t *interpret_at; /* the same, by JIT_LEAVE_INTERPRET */
    const uint8_t *chain;        /* called from where struct jit_chain follows */
    const uint8_t *handler; /* called; rcx: insn. Keeps no register but rbp, r15 and those callee-saved */
    const uint8_t *handler_fixed;     /* the same; stores the fixed registers before and loads them behind */
    const uint8_t *bail, *bail_fixed; /* like those; rcx: struct jit_bail */
    const uint8_t *bail_here; /* bail_fixed, called from where struct jit_bail follows; goes where it says */
    const uint8_t *handler_end; /* jumped to; rcx: insn. Goes on at next_pc */
    const uint8_t *sync_flags;  /* called; clobbers rax, rcx, rdx */
    /* By log2 of the bytes, and whether they are written: called; rax: the address. ZF: rax is its entry's
     * addend, and rdx the address. Otherwise rax stays. Clobbers rcx, rdx, xmm0 and xmm1. */
    const uint8_t *look_up[JIT_LOOK_UPS][2];
    /* verify.h. Called; rcx: the host's address, rdx: the guest's, pushed: what. Returns in rax where to
     * access instead; keeps all but rcx and rdx. */
    const uint8_t *log_access;
    uint64_t (*enter)(struct cpu *cpu, const uint8_t *code, struct tlb_set *set);

    uint32_t hot; /* JIT_HOT, or 1 */
    bool counts;  /* instructions */
    bool exact;   /* exceptions see flags that the program itself no longer looks at */

    jit_entries *entries; /* of the pages */
    struct jit_page page[JIT_PAGES];
    unsigned page_count, hand; /* in use; which to replace next */
    struct jit_page *bucket[JIT_BUCKETS];
    struct translation *translation; /* room to work in */
};

/* --- cache.c */
static inline const uint8_t *jit_run_address(const struct jit *jit, uint32_t offset) {
    return jit->memory.run + offset;
}
/* Makes it where there is none. */
struct jit_page *jit_page_of(struct cpu *cpu, struct code_page *code);
/* The region goes to memory where there is room for one: forgets the oldest regions for that. */
void jit_make_room(struct cpu *cpu);
/* The page has one more region, at this offset in the memory. */
void jit_page_count(struct jit_page *page, uint32_t region);
/* The jump in front of the chain leads to `start` from now on; both are of this page. */
void jit_page_chain(
    struct jit *jit, struct jit_page *page, const struct jit_chain *chain, const uint8_t *start);
void jit_flush(struct cpu *cpu);
/* Flushes when the code that runs has become sparse; to be called now and then. */
void jit_settle(struct cpu *cpu);

/* --- stubs.c: writes them to the start of the memory. */
void jit_write_stubs(struct cpu *cpu);
/* Around what a region does for a bail: rcx is struct jit_bail behind the first; the second goes where that
 * says. Between them the stack is 8 bytes lower. */
void jit_write_bail_begin(struct x86 *a);
void jit_write_bail_end(struct x86 *a);
/* Writes the jump to the guest address in rax, by the jump cache. */
void jit_write_jump(struct jit *jit, struct x86 *a);

/* A region starts with what to do once it is invalid, then sets the page's address, as those need who come
 * from another page. A jump within the page goes behind that. */
enum {
    JIT_DEAD_STUB = 10,   /* before the entry: MOV ecx, offset; JMP dead_at */
    JIT_SET_PAGE = 11,    /* AND rax, -4096; MOV [page_va], rax */
    JIT_DEAD_JUMP = 0xeb, /* JMP rel8, back to the dead stub */
};

/* --- runtime.c: for stubs. The code for pc, or NULL when that is not translated yet; raises what fetching
 * from there raises. The second leads the jump in front of the chain there. */
const uint8_t *jit_resolve(struct cpu *cpu);
const uint8_t *jit_resolve_chain(struct cpu *cpu, const struct jit_chain *chain);
/* Executes the instruction by its handler. */
void jit_bail(struct cpu *cpu, const struct jit_bail *bail);

/* SP is a multiple of this while translated code runs, as AArch64 demands of accesses by it (SCTLR_EL1.SA). A
 * program that has it otherwise is interpreted. */
enum { SP_ALIGN = 16 };

/* --- the region being translated */
enum {
    REGION_INSNS = 512,       /* at most, of straight code */
    REGION_SPREAD = 64,       /* beyond this many, nothing further that branches lead to is collected; */
    REGION_TAIL = 32,         /* and beyond so many more, a conditional branch ends it */
    REGION_HOST_VECTORS = 10, /* from xmm6 on */
    REGION_SLOTS = 8,         /* of the stack frame, for groups of accesses */
    REGION_FIXUPS = 4096,
    REGION_OUTSIDE = -1,
    REGION_STORED = -1, /* flags: in memory */
    REGION_UNKNOWN = -2,
};

struct region_access {
    bool grouped;
    uint8_t base;   /* host register, if it is not in a group */
    int32_t offset; /* from the base */
    uint8_t bytes;
    bool write;
};

struct region_insn {
    /* By itself (look_at()). */
    struct a64_insn insn;
    const struct jit_form *form;
    uint32_t use;              /* set of enum jit_use */
    int32_t next_at, taken_at; /* where it leads, as an offset from the page's start */
    uint16_t offset;           /* in the page */
    bool conditional;          /* `taken` exists */
    bool inverted;             /* it is where the branch leads when it is not taken, and `next` where it is */
    bool ends;                 /* `next` does not exist */

    uint16_t weight;
    int16_t ahead; /* instructions before it on the way from the start that is counted without a surplus */
    int16_t next, taken;          /* where it leads, by index, or REGION_OUTSIDE */
    int16_t flags_from, flags_to; /* whose flags they are before and after it: an index, or REGION_STORED */
    int16_t flags_by; /* before it, the same also when the registers they come from are overwritten */
    int16_t group;    /* of accesses that share a lookup (access.c), or negative */
    uint64_t origin;  /* set of the registers that the flags it sets come from, if has_origin */
    uint8_t *after;   /* as written */
    uint8_t *found;   /* where the access goes on after a lookup of its own ... */
    struct region_access access; /* for this */

    /* All zero at first (REGION_INSN_ZERO). */
    uint64_t reads, writes, dirty; /* sets of registers; dirty: before it, registers newer than memory */
    uint8_t *label, *bail;         /* as written; NULL until then. bail: where its handler is called */
    uint8_t *data;                 /* rel32 of what wants the address of insn's copy, or NULL */
    bool done;                     /* the code of the instruction before does it too */
    bool join;                     /* others lead here than the one before */
    bool next_live, taken_live;    /* who comes there, outside of the region, may look at NZCV */
    bool has_origin;               /* the flags that it sets can be had again from registers (origin.c) */
    bool flags_live;               /* before it, somebody may still look at NZCV */
    bool flags_read;               /* and does so in the region */
    bool flags_needed;             /* likewise, and wants them stored, rather than by their origin */
    bool flags_last;               /* it overwrites registers that they come from */
    bool flags_stored;             /* it stores the flags that it sets, or their origin */
};
enum { REGION_INSN_ZERO = offsetof(struct region_insn, reads) };

/* Accesses that share a lookup. */
struct region_group {
    int32_t root;             /* what their bases are at a known distance from (access.c) */
    int32_t base, first, end; /* from there: the leader's base, and what they access */
    int16_t leader, last;     /* instructions */
    int8_t slot;              /* or negative: each on its own */
    bool write;               /* some do */
};

/* Sets of registers go on with the vector registers, so that one word does. There is no room for two: v14 and
 * v15, which code uses least, as a function that does has to save them, stay in memory. */
enum { REGION_VECTORS = REG_COUNT };
static inline unsigned region_vector(unsigned v) {
    return v < 14 ? REGION_VECTORS + v : v > 15 ? REGION_VECTORS + v - 2 : REG_SINK;
}
static inline unsigned region_vector_number(unsigned reg) {
    return reg - REGION_VECTORS < 14 ? reg - REGION_VECTORS : reg - REGION_VECTORS + 2;
}

struct region {
    struct region_insn insn[REGION_INSNS];
    int count;
    bool loops; /* an instruction leads to one of before */
    int16_t index_of[CODE_PAGE_INSNS];
    /* Sets of registers. allocated: in host registers; of them: written: those that change; moved: not in
     * the fixed places that others expect them in; preset: of those, written before anything else can happen.
     * displaced: fixed ones whose host registers hold others here. */
    uint64_t allocated, written, moved, preset, displaced;
    uint8_t host[64];
    struct region_group group[REGION_INSNS];
    int groups, slots; /* slots in use */
};

/* Guest registers that are in these host registers wherever translated code is entered, left, or goes from
 * one region to another: those that compilers use most, four of five operands. 0: in cpu->x there. (stubs.c)
 */
extern const uint8_t jit_fixed[REG_COUNT];

/* A general register in cpu->x. */
static inline struct x86_rm jit_home(unsigned reg) {
    return x86_m(RBP, ((int32_t)reg - JIT_BASE_REG) * 8);
}

/* How NZCV follows from two operands (cpu.flags_kind): of a sum, of a difference, of a bitwise AND; or of the
 * sum or difference that gave the first operand, with the second. */
enum flags_kind {
    FLAGS_STORED,
    FLAGS_OF_ADD,
    FLAGS_OF_SUB,
    FLAGS_OF_AND,
    FLAGS_OF_SUM,
    FLAGS_OF_DIFFERENCE,
    FLAGS_OF_COMPARE, /* of floating-point numbers */
    FLAGS_WIDE = 8,   /* 64 bits */
};

/* Where the operands of the flags that an instruction sets are afterwards. */
struct flags_origin {
    uint32_t kind;
    bool immediate; /* the second operand */
    uint8_t reg[2];
    int32_t value;
};

/* A jump to code that does not exist yet. */
struct fixup {
    uint8_t *rel32;
    int16_t index; /* of the region's insn */
    enum {
        FIX_LABEL,
        FIX_EDGE,
        FIX_LOOKUP,
        FIX_BAIL,
        FIX_END,
        FIX_TAKEN,
        FIX_ATTENTION,
        FIX_INTERPRET,
        FIX_HANDLER
    } kind;
};

struct translation {
    struct x86 a;
    struct cpu *cpu;
    struct jit *jit;
    struct region region;
    int index; /* of the instruction being translated */
    enum jit_flags flags;
    uint8_t fp_checked;     /* set of enum fp_usable */
    bool fp_careful;        /* arithmetic leaves denormals to its handlers */
    uint8_t zero_above[32]; /* vector registers that are known to be zero from this byte on, or 0 */
    uint8_t fp_size[32]; /* vector registers that are known to hold no denormals of this size (log2), or 0 */
    unsigned known;      /* the register that the instruction known_at set to known_value, or REG_SINK */
    int known_at;
    uint64_t known_value;
    const uint8_t *call_handler, *call_bail; /* spill, call, reload; NULL: not written yet */
    struct fixup fixup[REGION_FIXUPS];
    int fixups, fixing; /* how many; which is being bound */
    bool failed;        /* too many fixups */
};

static inline struct region_insn *jit_current(struct translation *t) {
    return &t->region.insn[t->index];
}

/* The instruction that surely executes behind this one, and only then, or NULL. */
static inline struct region_insn *jit_successor(struct translation *t) {
    struct region_insn *i = jit_current(t);
    return i->next == t->index + 1 && !i->conditional && !i[1].join ? i + 1 : NULL;
}

/* --- region.c: collects the region that starts at offset of the page, and finds out all that is in it. heat:
 * jit_page.entry, so that ways which nobody went are left out; NULL: they are not. */
void region_build(
    struct region *region, struct code_page *page, unsigned offset, const uint32_t *heat, bool exact);
/* May NZCV before the instruction at offset be read, by it, by those that follow in the page, or elsewhere?
 * True as well if that is not known after so many of them. */
bool region_reads_flags(struct code_page *page, unsigned offset, unsigned looks);

/* --- access.c */
void region_group_accesses(struct region *region);

/* --- origin.c: false: the flags that this instruction sets must be stored to be known later. */
bool flags_origin(const struct a64_insn *insn, struct flags_origin *origin);

/* --- flags.c */
/* Stores the operands of the flags of the instruction at index (or REGION_STORED: nothing), if it did not
 * store the flags themselves. Clobbers rcx only. */
void jit_store_origin(struct translation *t, int index);
void jit_flags_store_operands(struct translation *t, const struct flags_origin *origin);
/* Computes cpu->nzcv from what translated code left. */
void jit_sync_flags(struct cpu *cpu);

/* --- translate.c */
/* Where the region starts, as an offset in the memory. 0: it cannot be translated. entry: the page's (struct
 * jit_page). */
uint32_t jit_translate(struct cpu *cpu, struct code_page *page, const uint32_t *entry, unsigned offset);
void jit_fix(struct translation *t, uint8_t *rel32, int index, int kind);
/* Stores those registers (a set) to cpu->x. */
void jit_spill(struct translation *t, uint64_t regs);
/* Goes to where the instruction leads next, or to the taken target: in the region, or out of it. */
void jit_go_next(struct translation *t);
void jit_branch(struct translation *t, enum x86_cc cc);
/* Leaves the region for where a branch leads, by `taken`. */
void jit_go_taken(struct translation *t);
/* Leaves the region for the guest address in rax. */
void jit_go_virtual(struct translation *t);
/* The current instruction by its handler. */
void jit_call_handler(struct translation *t);
/* What all jit_bail_if() of the instruction lead to; also for who comes from right before. */
void jit_write_bail(struct translation *t, int index);

/* --- memory.c: what an access does that the inline lookup did not find. */
void jit_write_lookup(struct translation *t, int index);
/* rcx = the offset in the TLB set of the entry for the address in va. */
void jit_write_index(struct x86 *a, enum x86_reg va);
/* The same for what is in base, and compares the entry's tag for an access `offset` (0 or more) bytes from
 * there. ZF: it lies in base's page, which the entry is for. Clobbers rdx. */
void jit_write_probe(struct x86 *a, enum x86_reg base, int32_t offset, unsigned bytes, bool write);
/* The slots of groups of accesses in the stack frame, `pushed` bytes below it. */
struct x86_rm jit_slot(int slot, int32_t pushed);

/* --- branch.c: ends of runs. */
void jit_emit_end(struct translation *t, const struct a64_insn *insn);
/* If cc holds, the instruction's handler does all of it, and the region is left for where execution goes on.
 */
void jit_end_if(struct translation *t, enum x86_cc cc);
