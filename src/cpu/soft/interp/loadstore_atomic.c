/* Exclusives, acquire and release, and the atomics of LSE (C4.1.66).
 *
 * The host is x86-64's TSO or stronger than what its compiler builtins say: plain loads acquire, plain stores
 * release. What remains is to keep a load-acquire behind an earlier store-release: the store fences. */
#include "cpu/soft/interp/address.h"

static uint64_t read_sized(struct cpu *cpu, uint64_t va, unsigned size) {
    switch (size) {
    case 0: return mem_read8(cpu, va);
    case 1: return mem_read16(cpu, va);
    case 2: return mem_read32(cpu, va);
    default: return mem_read64(cpu, va);
    }
}

static void write_sized(struct cpu *cpu, uint64_t va, unsigned size, uint64_t value) {
    switch (size) {
    case 0: mem_write8(cpu, va, (uint8_t)value); break;
    case 1: mem_write16(cpu, va, (uint16_t)value); break;
    case 2: mem_write32(cpu, va, (uint32_t)value); break;
    default: mem_write64(cpu, va, value); break;
    }
}

static uint64_t sign_extended(uint64_t value, unsigned size) {
    unsigned unused = 64 - (8u << size);
    return (uint64_t)((int64_t)(value << unused) >> unused);
}

#define CASE_COMPARE(n, type)                                                                                \
    case n: {                                                                                                \
        type old = (type)*expected;                                                                          \
        bool swapped = __atomic_compare_exchange_n(                                                          \
            (type *)host, &old, (type)value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                     \
        *expected = old;                                                                                     \
        return swapped;                                                                                      \
    }
/* *expected becomes what memory held, zero-extended. */
static bool compare_and_swap(void *host, unsigned size, uint64_t *expected, uint64_t value) {
    switch (size) {
        CASE_COMPARE(0, uint8_t)
        CASE_COMPARE(1, uint16_t)
        CASE_COMPARE(2, uint32_t)
    default:
        return __atomic_compare_exchange_n(
            (uint64_t *)host, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}
#undef CASE_COMPARE

static bool compare_and_swap_pair(void *host, uint64_t expected[2], const uint64_t value[2]) {
    unsigned __int128 old = (unsigned __int128)expected[1] << 64 | expected[0];
    unsigned __int128 new = (unsigned __int128)value[1] << 64 | value[0];
    unsigned __int128 found = __sync_val_compare_and_swap((unsigned __int128 *)host, old, new);
    expected[0] = (uint64_t)found;
    expected[1] = (uint64_t)(found >> 64);
    return found == old;
}

/* --- exclusives: the monitor remembers what was loaded, the store compares and swaps. */

static void open_monitor(struct cpu *cpu, uint64_t va, unsigned bytes, uint64_t first, uint64_t second) {
    cpu->exclusive_addr = va;
    cpu->exclusive_size = (uint8_t)bytes;
    cpu->exclusive_value[0] = first;
    cpu->exclusive_value[1] = second;
}

/* Whether a store of bytes at va may go on; the monitor is open afterwards. */
static bool close_monitor(struct cpu *cpu, uint64_t va, unsigned bytes) {
    mem_check_aligned(cpu, va, bytes, true);
    bool matches = cpu->exclusive_addr == va && cpu->exclusive_size == bytes;
    cpu->exclusive_addr = UINT64_MAX;
    return matches;
}

EXEC(ldxr) {
    uint64_t va = base_address(cpu, insn);
    mem_check_aligned(cpu, va, 1u << insn->size, false);
    uint64_t value = read_sized(cpu, va, insn->size);
    open_monitor(cpu, va, 1u << insn->size, value, 0);
    RT = value;
}

EXEC(stxr) {
    uint64_t va = base_address(cpu, insn);
    bool stored = false;
    if (close_monitor(cpu, va, 1u << insn->size)) {
        void *host = mem_atomic_host(cpu, va, 1u << insn->size);
        stored = compare_and_swap(host, insn->size, &cpu->exclusive_value[0], RT);
    }
    cpu->x[insn->rs] = !stored;
}

EXEC(ldxp) {
    uint64_t va = base_address(cpu, insn), pair[2];
    unsigned bytes = insn->sf ? 16 : 8;
    mem_check_aligned(cpu, va, bytes, false);
    if (insn->sf) {
        read_pair64(cpu, va, pair);
    } else {
        uint64_t both = mem_read64(cpu, va); /* single-copy atomic */
        pair[0] = (uint32_t)both;
        pair[1] = both >> 32;
    }
    open_monitor(cpu, va, bytes, pair[0], pair[1]);
    RT = pair[0];
    cpu->x[insn->rt2] = pair[1];
}

EXEC(stxp) {
    uint64_t va = base_address(cpu, insn);
    uint64_t first = RT, second = cpu->x[insn->rt2], *seen = cpu->exclusive_value;
    bool stored = false;
    if (close_monitor(cpu, va, insn->sf ? 16 : 8)) {
        void *host = mem_atomic_host(cpu, va, insn->sf ? 16 : 8);
        if (insn->sf) {
            stored = compare_and_swap_pair(host, seen, (const uint64_t[2]){first, second});
        } else {
            uint64_t both = seen[1] << 32 | seen[0];
            stored = compare_and_swap(host, 3, &both, second << 32 | (uint32_t)first);
        }
    }
    cpu->x[insn->rs] = !stored;
}

/* --- acquire and release */

EXEC(ldar) {
    uint64_t va = offset_address(cpu, insn);
    mem_check_aligned(cpu, va, 1u << insn->size, false);
    RT = read_sized(cpu, va, insn->size);
}

EXEC(stlr) {
    uint64_t va = offset_address(cpu, insn);
    mem_check_aligned(cpu, va, 1u << insn->size, true);
    write_sized(cpu, va, insn->size, RT);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

EXEC(ldapurs_x) {
    uint64_t va = offset_address(cpu, insn);
    mem_check_aligned(cpu, va, 1u << insn->size, false);
    RT = sign_extended(read_sized(cpu, va, insn->size), insn->size);
}

EXEC(ldapurs_w) {
    uint64_t va = offset_address(cpu, insn);
    mem_check_aligned(cpu, va, 1u << insn->size, false);
    RT = (uint32_t)sign_extended(read_sized(cpu, va, insn->size), insn->size);
}

/* --- LSE */

EXEC(cas) {
    void *host = mem_atomic_host(cpu, base_address(cpu, insn), 1u << insn->size);
    uint64_t expected = cpu->x[insn->rs];
    compare_and_swap(host, insn->size, &expected, RT);
    cpu_write_x(cpu, insn->rs, expected);
}

EXEC(casp) {
    void *host = mem_atomic_host(cpu, base_address(cpu, insn), insn->sf ? 16 : 8);
    uint64_t expected[2] = {cpu->x[insn->rs], cpu->x[insn->rs + 1]};
    uint64_t value[2] = {RT, cpu->x[insn->rt + 1]};
    if (insn->sf) {
        compare_and_swap_pair(host, expected, value);
    } else {
        uint64_t both = expected[1] << 32 | (uint32_t)expected[0];
        compare_and_swap(host, 3, &both, value[1] << 32 | (uint32_t)value[0]);
        expected[0] = (uint32_t)both;
        expected[1] = both >> 32;
    }
    cpu_write_x(cpu, insn->rs, expected[0]);
    cpu_write_x(cpu, insn->rs + 1u, expected[1]);
}

#define FETCH_CASE(n, type, builtin, operand)                                                                \
    case n:                                                                                                  \
        old = builtin((type *)host, (type)(operand), __ATOMIC_SEQ_CST);                                      \
        break;
#define FETCH(name, builtin, operand)                                                                        \
    EXEC(name) {                                                                                             \
        void *host = mem_atomic_host(cpu, base_address(cpu, insn), 1u << insn->size);                        \
        uint64_t old;                                                                                        \
        switch (insn->size) {                                                                                \
            FETCH_CASE(0, uint8_t, builtin, operand)                                                         \
            FETCH_CASE(1, uint16_t, builtin, operand)                                                        \
            FETCH_CASE(2, uint32_t, builtin, operand)                                                        \
        default: old = builtin((uint64_t *)host, operand, __ATOMIC_SEQ_CST); break;                          \
        }                                                                                                    \
        RT = old;                                                                                            \
    }

FETCH(swp, __atomic_exchange_n, cpu->x[insn->rs])
FETCH(ldadd, __atomic_fetch_add, cpu->x[insn->rs])
FETCH(ldclr, __atomic_fetch_and, ~cpu->x[insn->rs])
FETCH(ldeor, __atomic_fetch_xor, cpu->x[insn->rs])
FETCH(ldset, __atomic_fetch_or, cpu->x[insn->rs])

/* Minimum and maximum, by repeated compare and swap. Returns what memory held. */
static uint64_t fetch_extreme(void *host, unsigned size, uint64_t operand, bool is_signed, bool largest) {
    uint64_t old = 0, chosen;
    uint64_t flip = is_signed ? UINT64_C(1) << 63 : 0; /* makes an unsigned comparison a signed one */
    unsigned unused = 64 - (8u << size);
    compare_and_swap(host, size, &old, 0); /* reads */
    do {
        bool memory_is_larger = ((old << unused) ^ flip) > ((operand << unused) ^ flip);
        chosen = memory_is_larger == largest ? old : operand;
    } while (!compare_and_swap(host, size, &old, chosen));
    return old;
}

#define EXTREME(name, is_signed, largest)                                                                    \
    EXEC(name) {                                                                                             \
        void *host = mem_atomic_host(cpu, base_address(cpu, insn), 1u << insn->size);                        \
        RT = fetch_extreme(host, insn->size, cpu->x[insn->rs], is_signed, largest);                          \
    }

EXTREME(ldsmax, true, true)
EXTREME(ldsmin, true, false)
EXTREME(ldumax, false, true)
EXTREME(ldumin, false, false)
