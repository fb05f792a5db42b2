/* Assembly text from the templates of the instruction table (isa/README.md has their language). */
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "a64_ops.h"
#include "cpu/soft/insn.h"

struct writer {
    char *text;
    unsigned size, used; /* used < size: there is always room for the end */
    const struct a64_insn *insn;
    uint64_t pc;
};

static __attribute__((format(printf, 2, 3))) void put(struct writer *w, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int length = vsnprintf(w->text + w->used, w->size - w->used, format, args);
    va_end(args);
    if (length > 0)
        w->used += (unsigned)length < w->size - w->used ? (unsigned)length : w->size - w->used - 1;
}

typedef void kind_fn(struct writer *w, uint64_t value);

/* --- registers */

static void put_general(struct writer *w, char letter, uint64_t reg) {
    if (reg == REG_SP)
        put(w, letter == 'x' ? "sp" : "wsp");
    else if (reg < REG_ZR)
        put(w, "%c%u", letter, (unsigned)reg);
    else
        put(w, "%czr", letter);
}

static void put_x(struct writer *w, uint64_t reg) {
    put_general(w, 'x', reg);
}

static void put_w(struct writer *w, uint64_t reg) {
    put_general(w, 'w', reg);
}

static void put_by_sf(struct writer *w, uint64_t reg) {
    put_general(w, w->insn->sf ? 'x' : 'w', reg);
}

static void put_by_size(struct writer *w, uint64_t reg) {
    put_general(w, w->insn->size == 3 ? 'x' : 'w', reg);
}

static void put_by_option(struct writer *w, uint64_t reg) {
    put_general(w, (w->insn->shift & 3) == 3 ? 'x' : 'w', reg);
}

static char size_letter(const struct writer *w) {
    return "bhsdq???"[w->insn->size & 7];
}

static void put_b(struct writer *w, uint64_t reg) {
    put(w, "b%u", (unsigned)reg);
}

static void put_h(struct writer *w, uint64_t reg) {
    put(w, "h%u", (unsigned)reg);
}

static void put_s(struct writer *w, uint64_t reg) {
    put(w, "s%u", (unsigned)reg);
}

static void put_d(struct writer *w, uint64_t reg) {
    put(w, "d%u", (unsigned)reg);
}

static void put_q(struct writer *w, uint64_t reg) {
    put(w, "q%u", (unsigned)reg);
}

static void put_scalar(struct writer *w, uint64_t reg) {
    put(w, "%c%u", size_letter(w), (unsigned)reg);
}

static void put_vector(struct writer *w, uint64_t reg) {
    put(w, "v%u", (unsigned)reg);
}

static void put_arrangement(struct writer *w, uint64_t size) {
    put(w, ".%u%c", (w->insn->q ? 16u : 8u) >> (size & 3), size_letter(w));
}

static void put_arranged(struct writer *w, uint64_t reg) {
    put_vector(w, reg);
    put_arrangement(w, w->insn->size);
}

static void put_element(struct writer *w, uint64_t reg) {
    put(w, "v%u.%c[%u]", (unsigned)reg, size_letter(w), w->insn->index);
}

static void put_element_size(struct writer *w, uint64_t size) {
    (void)size;
    put(w, ".%c", size_letter(w));
}

/* --- numbers */

static void put_decimal(struct writer *w, uint64_t value) {
    put(w, "%" PRId64, (int64_t)value);
}

static void put_hex(struct writer *w, uint64_t value) {
    put(w, "0x%" PRIx64, value);
}

static void put_target(struct writer *w, uint64_t offset) {
    put_hex(w, w->pc + offset);
}

static void put_target_page(struct writer *w, uint64_t offset) {
    put_hex(w, (w->pc & ~UINT64_C(0xfff)) + offset);
}

/* --- conditions, shifts, extensions */

static void put_condition(struct writer *w, uint64_t cond) {
    static const char *const names[16] = {
        "eq", "ne", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le", "al", "nv"};
    put(w, "%s", names[cond & 15]);
}

static void put_inverse(struct writer *w, uint64_t cond) {
    put_condition(w, cond ^ 1);
}

static void put_shift(struct writer *w, uint64_t type) {
    static const char *const names[4] = {"lsl", "lsr", "asr", "ror"};
    if (type || w->insn->amount)
        put(w, ", %s #%u", names[type & 3], w->insn->amount);
}

static void put_extension(struct writer *w, const char *name, bool needed) {
    if (needed || w->insn->amount)
        put(w, ", %s", name);
    if (w->insn->amount)
        put(w, " #%u", w->insn->amount);
}

static void put_option(struct writer *w, uint64_t option) {
    static const char *const names[8] = {"uxtb", "uxth", "uxtw", "lsl", "sxtb", "sxth", "sxtw", "sxtx"};
    put_extension(w, names[option & 7], (option & 7) != 3);
}

static void put_offset_x(struct writer *w, uint64_t is_signed) {
    put_extension(w, is_signed ? "sxtx" : "lsl", is_signed);
}

static void put_offset_w(struct writer *w, uint64_t is_signed) {
    put_extension(w, is_signed ? "sxtw" : "uxtw", true);
}

static void put_size_suffix(struct writer *w, uint64_t size) {
    static const char *const names[4] = {"b", "h", "", ""};
    put(w, "%s", names[size & 3]);
}

static void put_system_register(struct writer *w, uint64_t key) {
    put(w, "s%u_%u_c%u_c%u_%u", (unsigned)(key >> 14 & 3), (unsigned)(key >> 11 & 7),
        (unsigned)(key >> 7 & 15), (unsigned)(key >> 3 & 15), (unsigned)(key & 7));
}

static const struct {
    const char *name;
    kind_fn *print;
} kinds[] = {
    {"", put_decimal},
    {"x", put_x},
    {"w", put_w},
    {"r", put_by_sf},
    {"z", put_by_size},
    {"o", put_by_option},
    {"b", put_b},
    {"h", put_h},
    {"s", put_s},
    {"d", put_d},
    {"q", put_q},
    {"f", put_scalar},
    {"v", put_vector},
    {"t", put_arranged},
    {"e", put_element},
    {"arr", put_arrangement},
    {"el", put_element_size},
    {"hex", put_hex},
    {"pc", put_target},
    {"page", put_target_page},
    {"c", put_condition},
    {"i", put_inverse},
    {"sh", put_shift},
    {"ext", put_option},
    {"offx", put_offset_x},
    {"offw", put_offset_w},
    {"sz", put_size_suffix},
    {"sys", put_system_register},
};

#define MEMBER(name)                                                                                         \
    { #name, offsetof(struct a64_insn, name) }
static const struct {
    const char *name;
    size_t offset;
} members[] = {MEMBER(rd), MEMBER(rt), MEMBER(rn), MEMBER(rm), MEMBER(rs), MEMBER(ra), MEMBER(rt2),
    MEMBER(sf), MEMBER(size), MEMBER(q), MEMBER(cond), MEMBER(shift), MEMBER(amount), MEMBER(nzcv),
    MEMBER(opc), MEMBER(index), MEMBER(flags)};

static bool same(const char *name, const char *text, size_t length) {
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

static uint64_t member_value(const struct a64_insn *insn, const char *name, size_t length) {
    if (same("imm", name, length))
        return (uint64_t)insn->imm;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (same(members[i].name, name, length))
            return *((const uint8_t *)insn + members[i].offset);
    return insn->word;
}

/* text: what stands between the braces. */
static void put_operand(struct writer *w, const char *text, size_t length) {
    size_t name = 0;
    while (name < length && text[name] != ':')
        name++;
    const char *kind = name < length ? text + name + 1 : "";
    size_t kind_length = name < length ? length - name - 1 : 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (same(kinds[i].name, kind, kind_length))
            kinds[i].print(w, member_value(w->insn, text, name));
}

void a64_disassemble(const struct a64_insn *insn, uint64_t pc, char *text, unsigned size) {
    struct writer w = {.text = text, .size = size, .insn = insn, .pc = pc};
    if (size == 0)
        return;
    text[0] = 0;
    const char *at = a64_template(insn);
    while (*at) {
        size_t plain = strcspn(at, "{");
        put(&w, "%.*s", (int)plain, at);
        at += plain;
        if (*at == '{') {
            size_t length = strcspn(++at, "}");
            put_operand(&w, at, length);
            at += length + 1;
        }
    }
}
