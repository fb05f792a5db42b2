#!/usr/bin/env python3
"""Turns the instruction table (src/cpu/soft/isa/*.isa) into the decoder and the tables around it.

    isa.py --out-dir DIR FILE...   writes a64_ops.h, a64_decode.c, a64_exec.c and a64_names.c
    isa.py --json FILE...          prints one object a form, for the tests

The format of the table is described in src/cpu/soft/isa/README.md.
"""

import argparse
import json
import os
import re
import sys

# Members of struct a64_insn (insn.h) with their widths; members in one set share storage.
MEMBERS = dict.fromkeys(
    "rd rt rn rm rs ra rt2 sf size q cond shift amount nzcv opc index flags".split(), 8)
MEMBERS["imm"] = 64
UNIONS = ({"rd", "rt"}, {"rm", "rs"}, {"ra", "rt2"})
REGISTERS = ("rd", "rt", "rt2", "rs", "rn", "rm", "ra")
SHOULD_BE = {"x": 0, "y": 1}  # ignored by the decoder; the value that assemblers write

# How the disassembler prints an operand (disasm.c).
KINDS = set(" x w r z o b h s d q f v t e arr el hex pc page c i sh ext offx offw sz sys".split(" "))

ATTRIBUTES = {
    # name: (fewest, most) arguments
    "src": (1, 7), "dst": (1, 7), "sp": (1, 7), "vec": (1, 7),
    "signed": (1, 1), "scale": (2, 2), "set": (2, 2), "if": (1, 1), "fix": (1, 1),
    "exec": (1, 1), "test": (1, 1), "feat": (1, 1), "asm": (1, 1), "alias": (2, 2), "end": (0, 0),
}
REPEATABLE = {"src", "dst", "sp", "vec", "scale", "set", "alias"}
RAW = {"if", "test", "asm", "alias"}  # arguments that may contain commas

IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*$")


class TableError(Exception):
    def __init__(self, where, text):
        super().__init__("%s:%d: %s" % (where[0], where[1], text))


class Field:
    """A member and the pieces of the word that make it, high end first: (lowest bit, width)."""

    def __init__(self, member):
        self.member = member
        self.pieces = []

    @property
    def width(self):
        return sum(width for _, width in self.pieces)

    def c_expr(self):
        terms, left = [], self.width
        for low, width in self.pieces:
            left -= width
            term = "(word >> %d & 0x%x)" % (low, (1 << width) - 1) if low else "(word & 0x%x)" % ((1 << width) - 1)
            if left:
                term = "(%s << %d)" % ("(uint64_t)" + term if self.width > 32 else term, left)
            terms.append(term)
        return " | ".join(terms)


class Form:
    """One line of the table."""

    def __init__(self, where, name, pattern, attributes):
        self.where = where
        self.name = name
        self.mask = self.value = self.should_mask = self.should_value = 0
        self.fields = {}
        self.roles = {}
        self.sets = {}
        self.scales = {}
        self.aliases = []
        self.handler = name
        self.signed = self.condition = self.fix = self.test = self.feat = self.assembly = None
        self.ends = False
        if not IDENTIFIER.match(name):
            self.fail("bad name '%s'" % name)
        self.parse_pattern(pattern)
        self.default_roles()
        for key, args in attributes:
            getattr(self, "attr_" + key)(*args)
        self.check_storage()

    def fail(self, text):
        raise TableError(self.where, text)

    def parse_pattern(self, pattern):
        bit = 32
        for token in pattern.split():
            if re.match(r"[01]+$", token):
                for digit in token:
                    bit -= 1
                    if bit >= 0:
                        self.mask |= 1 << bit
                        self.value |= int(digit) << bit
                continue
            match = re.match(r"([a-z][a-z0-9]*):(\d+)$", token)
            if not match:
                self.fail("bad token '%s' in the pattern" % token)
            member, width = match.group(1), int(match.group(2))
            bit -= width
            if width == 0 or bit < 0:
                break
            bits = (1 << width) - 1 << bit
            if member in SHOULD_BE:
                self.should_mask |= bits
                self.should_value |= bits * SHOULD_BE[member]
            elif member in MEMBERS:
                self.fields.setdefault(member, Field(member)).pieces.append((bit, width))
            else:
                self.fail("unknown member '%s'" % member)
        if bit != 0:
            self.fail("the pattern has %d bits, not 32" % (32 - bit))
        for field in self.fields.values():
            if field.width > MEMBERS[field.member]:
                self.fail("field '%s' does not fit its member" % field.member)
            if field.member in REGISTERS and field.width != 5:
                self.fail("register field '%s' is not 5 bits wide" % field.member)

    def default_roles(self):
        for member in REGISTERS:
            if member in self.fields:
                self.roles[member] = "dst" if member == "rd" else "src"

    def check_storage(self):
        used = set(self.fields) | set(self.sets)
        for union in UNIONS:
            if len(union & used) > 1:
                self.fail("members %s share storage" % " and ".join(sorted(union & used)))

    def field(self, member):
        if member not in self.fields:
            self.fail("no field '%s' in the pattern" % member)
        return self.fields[member]

    def set_roles(self, role, members):
        for member in members:
            self.field(member)
            if member not in REGISTERS:
                self.fail("'%s' is not a register" % member)
            self.roles[member] = role

    def attr_src(self, *members):
        self.set_roles("src", members)

    def attr_dst(self, *members):
        self.set_roles("dst", members)

    def attr_sp(self, *members):
        self.set_roles("sp", members)

    def attr_vec(self, *members):
        self.set_roles("vec", members)

    def attr_signed(self, member):
        if self.field(member).member != "imm":
            self.fail("only imm can be signed")
        self.signed = member

    def attr_scale(self, member, by):
        self.field(member)
        if not by.isdigit() and by not in MEMBERS:
            self.fail("cannot scale by '%s'" % by)
        self.scales[member] = by

    def attr_set(self, member, value):
        if member not in MEMBERS:
            self.fail("unknown member '%s'" % member)
        if member in self.fields:
            self.fail("'%s' is a field already" % member)
        self.sets[member] = value

    def attr_if(self, expr):
        self.condition = self.c_condition(expr)

    def attr_fix(self, function):
        self.fix = function

    def attr_exec(self, handler):
        if not IDENTIFIER.match(handler):
            self.fail("bad handler '%s'" % handler)
        self.handler = handler

    def attr_test(self, expr):
        self.test = expr

    def attr_feat(self, feature):
        self.feat = feature

    def attr_asm(self, template):
        self.assembly = self.c_string(template)

    def attr_alias(self, expr, template):
        self.aliases.append((self.c_condition(expr), self.c_string(template)))

    def attr_end(self):
        self.ends = True

    def c_condition(self, expr):
        for member in re.findall(r"\$(\w+)", expr):
            if member not in MEMBERS and member != "word":
                self.fail("unknown member '%s' in a condition" % member)
        return re.sub(r"\$(\w+)", r"insn->\1", expr)

    def c_string(self, text):
        if not re.match(r'"[^"\\]*"$', text):
            self.fail("not a string: %s" % text)
        for member, kind in re.findall(r"\{(\w+):?(\w*)", text):
            if member not in MEMBERS:
                self.fail("unknown member '%s' in a template" % member)
            if kind not in KINDS:
                self.fail("unknown kind '%s' in a template" % kind)
        return text[1:-1]

    def template(self):
        """The assembly template: the form's own, or mnemonic and operands in the usual order."""
        if self.assembly is not None:
            return self.assembly
        known = set(self.fields) | set(self.sets)
        mnemonic = self.name.split("_")[0]
        if "vec" in self.roles.values() and "size" in known:
            mnemonic += "{size:arr}" if "q" in known else "{size:el}"
        operands = [self.operand(member) for member in REGISTERS if member in self.fields]
        if "imm" in self.fields:
            operands.append("#{imm}")
        for member in self.fields:
            if member not in REGISTERS and member not in ("imm", "sf", "size", "q"):
                operands.append("%s={%s}" % (member, member))
        return (mnemonic + " " + ", ".join(operands)).strip()

    def operand(self, member):
        role = self.roles[member]
        if role == "vec":
            return "{%s:v}" % member
        if role == "sp" and "rd" not in self.fields:
            return "[{%s:x}]" % member
        return "{%s:%s}" % (member, "r" if "sf" in self.fields or "sf" in self.sets else "x")


def split_args(text):
    """Splits at the commas that are outside brackets and strings."""
    args, depth, quoted, start = [], 0, False, 0
    for at, char in enumerate(text):
        if char == '"':
            quoted = not quoted
        elif not quoted:
            depth += (char in "([") - (char in ")]")
            if char == "," and depth == 0:
                args.append(text[start:at].strip())
                start = at + 1
    last = text[start:].strip()
    return args + [last] if last or args else []


def parse_attributes(where, text):
    attributes, seen, at = [], set(), 0
    while True:
        match = re.compile(r"\s*([a-z]+)").match(text, at)
        if not match:
            break
        key, at, args = match.group(1), match.end(), []
        if key not in ATTRIBUTES:
            raise TableError(where, "unknown attribute '%s'" % key)
        if at < len(text) and text[at] == "(":
            start, depth, quoted = at + 1, 0, False
            while at < len(text):
                if text[at] == '"':
                    quoted = not quoted
                elif not quoted:
                    depth += (text[at] == "(") - (text[at] == ")")
                at += 1
                if depth == 0 and not quoted:
                    break
            else:
                raise TableError(where, "unbalanced '(' after '%s'" % key)
            inner = text[start:at - 1].strip()
            args = [inner] if key in RAW and ATTRIBUTES[key][1] == 1 else split_args(inner)
        least, most = ATTRIBUTES[key]
        if not least <= len(args) <= most:
            raise TableError(where, "'%s' takes %s argument%s, not %d" % (
                key, least if least == most else "%d to %d" % (least, most), "" if most == 1 else "s", len(args)))
        if key in seen and key not in REPEATABLE:
            raise TableError(where, "'%s' given twice" % key)
        seen.add(key)
        attributes.append((key, args))
    if text[at:].strip():
        raise TableError(where, "cannot read '%s'" % text[at:].strip())
    return attributes


def logical_lines(path):
    """Lines with their numbers: comments left out, indented lines joined to the one before."""
    with open(path, encoding="ascii") as stream:
        number, text = 0, ""
        for at, line in enumerate(stream, 1):
            line = line.rstrip()
            if line.lstrip().startswith("#"):
                continue
            if line[:1].isspace() and text:
                text += " " + line.strip()
                continue
            if text:
                yield number, text
            number, text = at, line
        if text:
            yield number, text


def read_forms(paths):
    forms, names = [], {}
    for path in paths:
        for number, line in logical_lines(path):
            where = (path, number)
            head, _, tail = line.partition(";")
            name, _, pattern = head.strip().partition(" ")
            form = Form(where, name, pattern, parse_attributes(where, tail))
            if name in names or name == "undefined":
                raise TableError(where, "'%s' is taken%s" % (
                    name, " at %s:%d" % names[name].where if name in names else ""))
            names[name] = form
            forms.append(form)
    check_overlaps(forms)
    return forms


def check_overlaps(forms):
    """The earlier line wins. That must be meant: it has an `if`, or it is a special case of the later one."""
    for at, later in enumerate(forms):
        for earlier in forms[:at]:
            common = earlier.mask & later.mask
            if (earlier.value ^ later.value) & common or earlier.condition:
                continue
            other = "%s (%s:%d)" % (earlier.name, earlier.where[0], earlier.where[1])
            if common == earlier.mask:
                later.fail("%s is hidden behind %s" % (later.name, other))
            if common != later.mask:
                later.fail("%s overlaps %s: tell them apart with if()" % (later.name, other))


# --- the decoder


def emit_extract(out, form):
    """A function that fills in the operands; false when the form's `if` does not hold."""
    out("static inline bool take_%s(uint32_t word, struct a64_insn *insn) {" % form.name)
    out("    *insn = (struct a64_insn){.word = word, .op = A64_%s};" % form.name.upper())
    for member, value in form.sets.items():
        out("    insn->%s = %s;" % (member, value))
    for member, field in form.fields.items():
        role = form.roles.get(member)
        expr = field.c_expr()
        if role == "dst":
            expr = "map_dst(%s)" % expr
        elif role == "sp":
            expr = "map_sp(%s)" % expr
        elif form.signed == member:
            expr = "sign_extend(%s, %d)" % (expr, field.width)
        out("    insn->%s = %s;" % (member, expr))
    if form.condition:
        out("    if (!(%s))" % form.condition)
        out("        return false;")
    for member, by in form.scales.items():
        out("    insn->%s = (int64_t)((uint64_t)insn->%s << %s);" % (
            member, member, by if by.isdigit() else "insn->" + by))
    if form.fix:
        out("    if (!%s(insn))" % form.fix)
        out("        *insn = (struct a64_insn){.word = word};")
    out("    return true;")
    out("}")
    out("")


def longest_run(bits):
    """The contiguous run of set bits, at most 10 long, that is longest: (lowest bit, width)."""
    best, at = (0, 0), 0
    while at < 32:
        if not bits >> at & 1:
            at += 1
            continue
        low = at
        while at < 32 and bits >> at & 1 and at - low < 10:
            at += 1
        if at - low >= best[1]:
            best = (low, at - low)
    return best


def choose_bits(forms, known):
    """Bits to switch on: those that every form fixes, else the one that most forms fix."""
    common = 0xffffffff & ~known
    for form in forms:
        common &= form.mask
    if common:
        return longest_run(common)
    votes = [sum(form.mask & ~known & 1 << bit != 0 for form in forms) for bit in range(32)]
    return votes.index(max(votes)), 1


def emit_tree(out, forms, known, indent):
    """Nested switches over bits that tell the forms apart; known: bits already looked at."""
    pad = "    " * indent
    if len(forms) <= 2 or not any(form.mask & ~known for form in forms):
        emit_leaf(out, forms, known, pad)
        return
    low, width = choose_bits(forms, known)
    field = (1 << width) - 1
    bits = field << low
    groups = {}
    for key in {form.value >> low & field for form in forms} | ({0, 1} if width == 1 else set()):
        matching = [form for form in forms if not (form.value ^ key << low) & form.mask & bits]
        if matching:
            groups[key] = matching
    out("%sswitch (word >> %d & 0x%x) {" % (pad, low, field))
    for key, matching in sorted(groups.items()):
        out("%scase 0x%x:" % (pad, key))
        emit_tree(out, matching, known | bits, indent + 1)
        out("%s    break;" % pad)
    out("%s}" % pad)


def emit_leaf(out, forms, known, pad):
    for form in forms:
        rest = form.mask & ~known
        tests = ["(word & 0x%08x) == 0x%08x" % (rest, form.value & rest)] if rest else []
        tests.append("take_%s(word, insn)" % form.name)
        out("%sif (%s)" % (pad, " && ".join(tests)))
        out("%s    return insn->op != A64_UNDEFINED;" % pad)
        if not rest and not form.condition:
            break


HEADER = "/* Made by tools/isa.py from the instruction table: do not edit. */"

DECODE_HELPERS = """\
static inline uint8_t map_dst(uint32_t reg) {
    return (uint8_t)(reg == 31 ? REG_SINK : reg);
}

static inline uint8_t map_sp(uint32_t reg) {
    return (uint8_t)(reg == 31 ? REG_SP : reg);
}

static inline int64_t sign_extend(uint64_t value, unsigned width) {
    return (int64_t)(value << (64 - width)) >> (64 - width);
}
"""


def write_decode(out, forms):
    out(HEADER)
    out('#include "a64_ops.h"')
    out('#include "cpu/soft/insn.h"')
    out("")
    out(DECODE_HELPERS)
    for form in forms:
        emit_extract(out, form)
    out("bool a64_decode(uint32_t word, struct a64_insn *insn) {")
    emit_tree(out, forms, 0, 1)
    out("    *insn = (struct a64_insn){.word = word};")
    out("    return false;")
    out("}")


def write_ops(out, forms):
    out(HEADER)
    out("#pragma once")
    out("")
    out("#include <stdbool.h>")
    out("")
    out('#include "cpu/soft/insn.h"')
    out("")
    out("/* Forms that end a translated block come first. */")
    out("enum a64_op {")
    out("    A64_UNDEFINED,")
    for form in sorted(forms, key=lambda form: not form.ends):
        out("    A64_%s," % form.name.upper())
    out("    A64_OP_COUNT,")
    out("    A64_LAST_END = %d," % sum(form.ends for form in forms))
    out("};")
    out("")
    for function in sorted({form.fix for form in forms if form.fix}):
        out("bool %s(struct a64_insn *insn);" % function)
    out("")
    out("/* The assembly template for the disassembler. */")
    out("const char *a64_template(const struct a64_insn *insn);")


def write_exec(out, forms):
    handlers = sorted({form.handler for form in forms} | {"undefined"})
    out(HEADER)
    out('#include "a64_ops.h"')
    out('#include "cpu/soft/cpu.h"')
    out("")
    for handler in handlers:
        out("a64_exec_fn exec_%s;" % handler)
    out("")
    out("a64_exec_fn *const a64_exec[] = {")
    out("    [A64_UNDEFINED] = exec_undefined,")
    for form in forms:
        out("    [A64_%s] = exec_%s," % (form.name.upper(), form.handler))
    out("};")


def write_names(out, forms):
    out(HEADER)
    out('#include "a64_ops.h"')
    out("")
    out("static const char *const names[] = {")
    out('    [A64_UNDEFINED] = "undefined",')
    for form in forms:
        out('    [A64_%s] = "%s",' % (form.name.upper(), form.name))
    out("};")
    out("")
    out("static const char *const templates[] = {")
    out('    [A64_UNDEFINED] = ".inst {word:hex}",')
    for form in forms:
        out('    [A64_%s] = "%s",' % (form.name.upper(), form.template()))
    out("};")
    out("")
    out("const char *a64_op_name(uint16_t op) {")
    out('    return op < A64_OP_COUNT ? names[op] : "?";')
    out("}")
    out("")
    out("const char *a64_template(const struct a64_insn *insn) {")
    out("    switch (insn->op) {")
    for form in forms:
        if form.aliases:
            out("    case A64_%s:" % form.name.upper())
            for condition, text in form.aliases:
                out("        if (%s)" % condition)
                out('            return "%s";' % text)
            out("        break;")
    out("    default: break;")
    out("    }")
    out("    return templates[insn->op];")
    out("}")


def as_json(form):
    return {
        "name": form.name, "exec": form.handler, "mask": form.mask, "value": form.value,
        "should_mask": form.should_mask, "should_value": form.should_value,
        "fields": [{
            "member": field.member, "width": field.width, "role": form.roles.get(field.member),
            "signed": form.signed == field.member, "scale": form.scales.get(field.member),
            "pieces": [{"low": low, "width": width} for low, width in field.pieces],
        } for field in form.fields.values()],
        "set": form.sets, "if": form.condition, "fix": form.fix, "test": form.test, "feat": form.feat,
        "end": form.ends, "file": os.path.basename(form.where[0]), "line": form.where[1],
    }


def write_file(directory, name, writer, forms):
    lines = []
    writer(lines.append, forms)
    with open(os.path.join(directory, name), "w", encoding="ascii") as stream:
        stream.write("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser(description="generator of the A64 decoder")
    parser.add_argument("--out-dir")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    try:
        forms = read_forms(args.files)
    except (TableError, OSError, UnicodeDecodeError) as error:
        sys.exit("isa.py: %s" % error)
    if args.json:
        json.dump([as_json(form) for form in forms], sys.stdout, indent=1)
        print()
    if args.out_dir:
        for name, writer in (("a64_ops.h", write_ops), ("a64_decode.c", write_decode),
                             ("a64_exec.c", write_exec), ("a64_names.c", write_names)):
            write_file(args.out_dir, name, writer, forms)


if __name__ == "__main__":
    main()
