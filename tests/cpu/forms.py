"""The instruction table as the tests see it: what isa.py --json prints, and which form a word is."""

import json
import re

# Where register 31 leads, as in insn.h: conditions of the table may name these.
CONSTANTS = {"REG_ZR": 31, "REG_SP": 32, "REG_SINK": 33}
REGISTERS = {"rd", "rt", "rt2", "rs", "rn", "rm", "ra"}


def python_condition(expr):
    """A condition of the table (C over members) as a Python function of a dictionary, or None without one."""
    if not expr:
        return None
    text = re.sub(r"\$(\w+)|insn->(\w+)", lambda m: "m['%s']" % (m.group(1) or m.group(2)), expr)
    text = text.replace("&&", " and ").replace("||", " or ")
    text = re.sub(r"!(?!=)", " not ", text)
    return eval("lambda m: bool(%s)" % text, dict(CONSTANTS))  # the table is part of the source tree


def wanted_values(*conditions):
    """Values that conditions compare members with, by member: random operands should try them."""
    values = {}
    for expr in filter(None, conditions):
        for member, value in re.findall(r"(?:\$|insn->)(\w+) == (0x[0-9a-f]+|\d+)", expr):
            values.setdefault(member, []).append(int(value, 0))
    return values


class Form:
    def __init__(self, number, entry):
        self.number = number
        self.name = entry["name"]
        self.mask = entry["mask"]
        self.value = entry["value"]
        self.should_mask = entry["should_mask"]
        self.should_value = entry["should_value"]
        self.fields = entry["fields"]
        self.sets = entry["set"]
        self.ends = entry["end"]
        self.where = "%s:%d" % (entry["file"], entry["line"])
        self.condition = python_condition(entry["if"])
        test = (entry["test"] or "").strip()
        self.untested = test[len("none:"):].strip() if test.startswith("none") else None
        self.test = python_condition(test) if self.untested is None else None
        self.wanted = wanted_values(entry["if"], entry["test"])

    def members(self, word):
        """What struct a64_insn holds when the table's conditions are looked at: mapped, not yet scaled."""
        members = {"word": word}
        for member, value in self.sets.items():
            members[member] = int(value, 0) if isinstance(value, str) else value
        for field in self.fields:
            value = 0
            for piece in field["pieces"]:
                value = value << piece["width"] | word >> piece["low"] & (1 << piece["width"]) - 1
            if field["signed"] and value >> field["width"] - 1:
                value -= 1 << field["width"]
            if value == 31 and field["role"] in ("sp", "dst"):
                value = CONSTANTS["REG_SP" if field["role"] == "sp" else "REG_SINK"]
            members[field["member"]] = value
        for one, other in (("rd", "rt"), ("rm", "rs"), ("ra", "rt2")):
            if one in members:
                members.setdefault(other, members[one])
            elif other in members:
                members[one] = members[other]
        return type("Members", (dict,), {"__missing__": lambda self, key: 0})(members)

    def matches(self, word):
        return word & self.mask == self.value and (self.condition is None or self.condition(self.members(word)))

    def testable(self, word):
        return self.untested is None and (self.test is None or self.test(self.members(word)))

    def set_field(self, word, field, value):
        """The word with a field's bits replaced."""
        left = field["width"]
        for piece in field["pieces"]:
            left -= piece["width"]
            bits = (1 << piece["width"]) - 1
            word = word & ~(bits << piece["low"]) | (value >> left & bits) << piece["low"]
        return word

    def field(self, member):
        return next((field for field in self.fields if field["member"] == member), None)


class Table:
    def __init__(self, path):
        with open(path, encoding="ascii") as stream:
            self.forms = [Form(number, entry) for number, entry in enumerate(json.load(stream))]
        # Forms by what bits 28:21 can be, so that looking one up is quick.
        self.buckets = [[] for _ in range(256)]
        for form in self.forms:
            mask, value = form.mask >> 21 & 255, form.value >> 21 & 255
            for key in range(256):
                if key & mask == value:
                    self.buckets[key].append(form)

    def find(self, word):
        """The form that the decoder takes for a word: the first that matches; None for UNDEFINED."""
        for form in self.buckets[word >> 21 & 255]:
            if form.matches(word):
                return form
        return None
