"""Makes the words of the CPU tests: single instructions of every form, programs, and words the table lacks."""

import random
import re
import struct

from forms import REGISTERS

ALONE, PROGRAM = 1, 2  # enum case_flags
COUNT_REG, BASE_REGS = 25, (26, 27, 31)  # case.h
RESERVED = {25, 26, 27}
DATA_END = 0x70002000  # case.h
TEMPORARY = 24  # for addresses that a snippet makes; random instructions may overwrite it
CALL_REGS = {24, 29, 30}  # what nested calls need

# What most compiled code consists of; and accesses that may be unaligned and may fault anywhere.
CORE = re.compile(r"(add|sub|and|orr|eor|bic|orn|eon)s?_|adcs?_|sbcs?_|cc?mn|ccmp|cs(el|inc|inv|neg)_|mov[knz_]|[su]?bfm|extr|"
                  r"(lsl|lsr|asr|ror)v|m(add|sub)_|[su]div|ldrb?_|strb?_|ldp_|stp_")
PLAIN_ACCESS = re.compile(r"(ldr|str|ldp|stp|ldnp|stnp).*_(imm|unscaled|post|pre)$")

DSB_ISH, ISB, RET, NOP, SVC = 0xd5033b9f, 0xd5033fdf, 0xd65f03c0, 0xd503201f, 0xd4000001

# Words beyond the table's test(): FPCR and FPSR, which are all that user mode can judge besides NZCV.
EXTRA_WORDS = {"mrs": (0xd53b4400, 0xd53b4420), "msr": (0xd51b4400, 0xd51b4420)}


def bits(word, low, width):
    return word >> low & (1 << width) - 1


def is_branch(word):
    """Branches by immediate, on a condition, on a register (C4.1.93, less system instructions)."""
    return bits(word, 26, 3) == 5 and bits(word, 22, 10) not in (0b1101010000, 0b1101010100)


def is_system(word):
    """Exceptions, barriers, hints, system registers."""
    return bits(word, 22, 10) in (0b1101010000, 0b1101010100)


def has_base(word):
    return bits(word, 27, 1) and not bits(word, 25, 1) and (bits(word, 27, 3) != 3 or bits(word, 24, 1))


def is_exclusive(word):
    return bits(word, 24, 6) == 8 and not bits(word, 23, 1) and not (bits(word, 21, 1) and not bits(word, 31, 1))


def branches_to_itself(word):
    if bits(word, 26, 5) == 5:
        return bits(word, 0, 26) == 0
    if bits(word, 25, 6) == 0b011011:
        return bits(word, 5, 14) == 0
    return is_branch(word) and bits(word, 25, 7) != 0b1101011 and bits(word, 5, 19) == 0


def is_ordered_with_offset(word):
    """LDAPUR, STLUR and their kind."""
    return bits(word, 24, 6) == 0b011001 and not bits(word, 21, 1)


def is_structure_post(word):
    """LD1 to ST4 with post-index."""
    return bits(word, 25, 5) == 0b00110 and bits(word, 31, 1) == 0 and bits(word, 23, 1)


def offset_scale(word):
    """What the immediate offset of a load or store is multiplied with."""
    size, vector = bits(word, 30, 2), bits(word, 26, 1)
    if bits(word, 27, 3) == 5:
        return 4 << size if vector else 8 if size == 2 else 4
    return 1


class Generator:
    def __init__(self, table, seed, known=(), exceptions=False):
        """exceptions: programs go on behind their exceptions, so there may be many."""
        self.table = table
        self.exceptions = exceptions
        self.random = random.Random(seed)
        self.cases = []  # (kind, form or None) by id
        self.records = []
        self.normal = [form for form in table.forms
                       if form.untested is None and not form.ends and form.name not in known]
        self.core = [form for form in self.normal if CORE.match(form.name)]
        self.plain = [form for form in self.normal if PLAIN_ACCESS.match(form.name)]
        self.pool = None  # the registers that a program's instructions share, or None for all

    def add(self, kind, form, words, repeat, flags=0):
        header = struct.pack("<IHHII", len(self.cases), flags, len(words), repeat, self.random.getrandbits(32))
        self.cases.append((kind, form))
        self.records.append(header + struct.pack("<%dI" % len(words), *words))

    def write(self, path):
        with open(path, "wb") as stream:
            stream.write(b"".join(self.records))

    # --- words

    def random_field(self, form, field):
        """A value for a field: mostly uniform, at times an edge."""
        width, r = field["width"], self.random
        if field["member"] in form.wanted and r.random() < 0.7:
            return r.choice(form.wanted[field["member"]])
        if r.random() < 0.7:
            return r.getrandbits(width)
        return r.choice((0, 1, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1, 1 << r.randrange(width)))

    def random_word(self, form):
        """A word with the form's fixed bits; None if the first tries do not suit the form's conditions."""
        for _ in range(200):
            word = form.value | self.random.getrandbits(32) & ~form.mask
            word = word & ~form.should_mask | form.should_value
            registers = []
            for field in form.fields:
                value = self.random_field(form, field)
                if field["member"] in REGISTERS:
                    if registers and self.random.random() < 0.1:
                        value = self.random.choice(registers)
                    registers.append(value)
                word = form.set_field(word, field, value)
            found = self.table.find(word)
            if found is form and form.testable(word) and not self.is_unfit(word):
                return word
        return None

    @staticmethod
    def is_unfit(word):
        """Branches to themselves; ordered accesses that cannot be aimed at an aligned address (state.c)."""
        if is_ordered_with_offset(word) and bits(word, 5, 5) == 31:
            return bits(word, 12, 9) & (1 << bits(word, 30, 2)) - 1
        return branches_to_itself(word)

    def form_cases(self, form, words, repeat):
        """Cases of one form; returns how many there are."""
        added = 0
        seen = set()
        for _ in range(words):
            word = self.random_word(form)
            if word is None:
                break
            if word in seen and form.mask | 31 == 0xffffffff:
                continue
            seen.add(word)
            self.add("form", form, [word], repeat, ALONE if is_branch(word) else 0)
            added += 1
            if has_base(word) and is_exclusive(word) and not bits(word, 22, 1):
                self.pair_case(form, word, repeat)
        for word in EXTRA_WORDS.get(form.name, ()):
            self.add("form", form, [word | self.random.randrange(31)], repeat)
        return added

    def pair_case(self, form, store, repeat):
        """A store-exclusive after its load-exclusive, so that it succeeds."""
        base, status = bits(store, 5, 5), bits(store, 16, 5)
        loaded = self.random.choice([n for n in range(25) if n not in (base, status)])
        load = store & ~(0x1f << 16 | 0x1f | 0x1f << 10) | 0x1f << 16 | 1 << 22 | loaded
        load |= (loaded + 1 if bits(store, 21, 1) else 31) << 10
        if bits(store, 21, 1) and loaded + 1 == base:
            return
        self.add("pair", form, [load, store], repeat)

    # --- words outside of the table

    def foreign_case(self, form):
        """A form's word with a fixed bit or two turned over, if the table has no such instruction."""
        word = self.random_word(form)
        if word is None:
            return
        for _ in range(self.random.choice((1, 1, 2))):
            word ^= 1 << self.random.choice([bit for bit in range(32) if form.mask >> bit & 1])
        if (word & 0x8f7e0c00) == 0x0e780800:
            return  # QEMU 7.2 ends itself at unallocated half-precision two-register forms
        if self.table.find(word) is None and not is_branch(word) and not is_system(word):
            self.add("foreign", form, [word], 1)

    # --- programs

    def program_word(self):
        """An instruction that leaves the program's own registers alone; as a list, with what it needs before."""
        r = self.random
        while True:
            form = r.choice(self.core if r.random() < 0.5 else self.normal)
            word = self.random_word(form)
            if word is None or is_branch(word) or is_system(word):
                continue
            word = self.narrow(form, word)
            memory = has_base(word)
            if memory:
                words = self.program_access(form, word)
            else:
                words = [word]
            if words and not any(self.touches_reserved(w, memory) for w in words[-1:]):
                return words

    def narrow(self, form, word):
        """The word with its registers from the program's pool, so that instructions depend on one another."""
        if self.pool is None:
            return word
        other = word
        for field in form.fields:
            if field["member"] in REGISTERS and field["width"] == 5:
                if bits(word, field["pieces"][0]["low"], 5) != 31:
                    other = form.set_field(other, field, self.random.choice(self.pool))
        suits = self.table.find(other) is form and form.testable(other) and not self.is_unfit(other)
        return other if suits else word

    def touches_reserved(self, word, memory):
        form = self.table.find(word)
        for field in form.fields:
            if field["member"] in REGISTERS and field["role"] != "vec":
                if memory and field["member"] == "rn":
                    continue
                value = bits(word, field["pieces"][0]["low"], 5)
                if value in RESERVED or (value + 1 in RESERVED and "casp" in form.name):
                    return True
                if value == 31 and field["role"] == "sp":
                    return True
        return False

    def program_access(self, form, word):
        """The load or store with its base in the window and a small offset; bases stay multiples of 16."""
        if is_exclusive(word) or is_structure_post(word):
            return None
        word = word & ~(31 << 5) | self.random.choice(BASE_REGS) << 5
        before = []
        if form.name.endswith(("_reg", "_regw")) and self.random.randrange(4):
            before = [0x92401000 | self.random.randrange(25) << 5 | TEMPORARY]  # and x24, xn, #31
            word = word & ~(31 << 16) | TEMPORARY << 16
        elif form.field("rm"):
            word |= 31 << 16
        imm = form.field("imm")
        if imm:
            step = 1
            if form.name.endswith(("_pre", "_post")):
                step = 16 // offset_scale(word)
            elif is_ordered_with_offset(word):
                step = 8
            value = self.random.randrange(-2, 3) * step if imm["signed"] else self.random.randrange(3)
            word = form.set_field(word, imm, value & (1 << imm["width"]) - 1)
        found = self.table.find(word)
        return before + [word] if found is form and form.testable(word) else None

    def load_constant(self, reg, value):
        return [0x52800000 | (value & 0xffff) << 5 | reg, 0x72a00000 | (value >> 16) << 5 | reg]

    def fault_snippet(self):
        """An access at the end of what is mapped, which may fault; at times an undefined instruction."""
        r = self.random
        if r.random() < 0.1:
            return [r.getrandbits(16)]  # udf
        while True:
            form = r.choice(self.plain)
            word = self.random_word(form)
            if word is None:
                continue
            word = self.narrow(form, word) & ~(31 << 5) | TEMPORARY << 5
            if self.table.find(word) is form and form.testable(word) and not self.touches_reserved(word, True):
                imm = form.field("imm")
                word = form.set_field(word, imm, r.randrange(2))
                return self.load_constant(TEMPORARY, DATA_END - r.randrange(1, 64)) + [word]

    def system_snippet(self):
        """Flags and floating-point status to a register and back; another FPCR for what follows."""
        r = self.random
        n = r.randrange(25)
        return r.choice((
            [0xd53b4200 | n], [0xd51b4200 | n], [0xd53b4420 | n], [0xd53b4400 | n],
            [0xd51b4420 | 31],
            [0x52a00000 | r.choice((0, 0, 0x40, 0x80, 0xc0, 0x100, 0x200)) << 5 | n, 0xd51b4400 | n],
        ))

    def patch(self, distance, slot):
        """Writes an instruction that depends on the loop count where a slot is, that many words from here."""
        value = self.random.choice([n for n in range(24)])
        words = self.load_constant(value, slot)
        words.append(0x33161000 | COUNT_REG << 5 | value)  # bfi value, count, #10, #5
        adr = (distance - len(words)) * 4
        words.append(0x10000000 | (adr >> 2 & 0x7ffff) << 5 | TEMPORARY)
        words += [0xb9000000 | TEMPORARY << 5 | value, 0xd50b7b20 | TEMPORARY, DSB_ISH, 0xd50b7520 | TEMPORARY, DSB_ISH, ISB]
        return words

    def leaf_words(self, count):
        """Instructions that keep what calls need."""
        words = []
        for _ in range(count):
            more = self.program_word()
            named = {bits(word, low, 5) + next for word in more for low in (0, 5, 10, 16) for next in (0, 1)}
            words += [NOP] if CALL_REGS & named else more
        return words

    def nest_snippet(self):
        """A call of a function that calls another, by BL or BLR."""
        r = self.random
        inner = self.leaf_words(r.randrange(3)) + [RET]
        body, rest = self.leaf_words(r.randrange(3)), self.leaf_words(r.randrange(3))
        call = [0x94000000] if r.randrange(2) else [0x10000000 | TEMPORARY, 0xd63f0000 | TEMPORARY << 5]
        outer = [0xaa1e03fd] + body + call + rest + [0xaa1d03fe, RET]  # mov x29, x30; ...; mov x30, x29; ret
        at = 1 + len(body)  # of the call
        to_inner = len(outer) - at
        outer[at] |= to_inner if len(call) == 1 else to_inner << 5
        if r.randrange(2):
            outer[-1:] = [0xd65f03a0]  # ret x29
        return [0x94000002, 0x14000001 + len(outer) + len(inner)] + outer + inner

    def exclusive_snippet(self):
        """Load-exclusive, add, store-exclusive; on a base register."""
        r = self.random
        size, base = r.randrange(4) << 30, r.choice(BASE_REGS) << 5
        a, b, c = r.sample(range(24), 3)
        order = r.randrange(2) << 15
        return [0x085f7c00 | size | base | a | order, 0x8b000000 | a << 5 | b << 16 | b,
                0x08007c00 | size | base | c << 16 | b | order]

    def base_snippet(self):
        """Loads over their own base, or from one that was just computed."""
        r = self.random
        n = r.randrange(24)
        words = [0xaa0003e0 | r.choice(BASE_REGS[:2]) << 16 | TEMPORARY]  # mov x24, base
        at = r.randrange(4) << 15  # of ldp, times 8
        words.append(r.choice((
            0xa9400000 | at | n << 10 | TEMPORARY << 5 | TEMPORARY, 0xa9400000 | at | TEMPORARY << 10 | TEMPORARY << 5 | n,
            0x29400000 | at | n << 10 | TEMPORARY << 5 | TEMPORARY, 0xf9400000 | TEMPORARY << 5 | TEMPORARY,
            0x39400000 | TEMPORARY << 5 | TEMPORARY)))
        return words

    def condition_branch(self, distance):
        """A conditional or unconditional branch by a distance in words."""
        r, n = self.random, self.random.randrange(25)
        return r.choice((
            0x54000000 | (distance & 0x7ffff) << 5 | r.randrange(16),
            0x34000000 | r.randrange(4) << 30 & 0x80000000 | r.randrange(2) << 24 | (distance & 0x7ffff) << 5 | n,
            0x36000000 | r.randrange(2) << 31 | r.randrange(2) << 24 | r.randrange(32) << 19
            | (distance & 0x3fff) << 5 | n,
        ))

    def call_snippet(self):
        """A call of a one-instruction leaf, by BL or BLR."""
        leaf = self.program_word()
        if len(leaf) != 1 or 30 in (bits(leaf[0], low, 5) for low in (0, 10, 16)):
            leaf = [0x91000400]  # add x0, x0, #1; x30 must stay
        if self.random.randrange(2):
            return [0x94000002, 0x14000004, 0xd503201f] + leaf + [0xd65f03c0]
        return [0x10000078, 0xd63f0300, 0x14000003] + leaf + [0xd65f03c0]  # adr x24; blr x24

    def program(self):
        """A list of items, each a list of words; forward branches lead to items, back branches consume the count."""
        r = self.random
        self.pool = r.sample(range(24), r.randrange(3, 9)) if r.randrange(3) else None
        slots = r.random() < 0.3  # of code that changes
        items = []
        for _ in range(r.randrange(20, 70)):
            kind = r.random()
            if kind < 0.74:
                items.append(self.program_word())
            elif kind < 0.82:
                items.append(("forward", r.randrange(1, 6)))
            elif kind < 0.825 and self.exceptions:
                items.append(self.base_snippet())
            elif kind < 0.88:
                items.append(("back", r.randrange(1, 12)))
            elif kind < 0.90:
                items.append(self.exclusive_snippet())
            elif kind < 0.93:
                items.append(self.call_snippet())
            elif kind < 0.95:
                items.append(self.nest_snippet())
            elif kind < 0.97:
                items.append(self.system_snippet())
            elif kind < (0.985 if self.exceptions else 0.975):
                items.append(self.fault_snippet() if r.randrange(3) or not self.exceptions else [SVC])
            elif slots:
                items.append(r.choice((("slot",), ("patch",))))
        self.pool = None
        return self.link(items)

    def link(self, items):
        fixed = {"back": 3, "forward": 1, "slot": 1, "patch": 10}
        sizes = [fixed[item[0]] if item[0] in fixed else len(item) for item in items]
        slots = {n: 0x91000000 | self.random.randrange(24) * 33 for n, item in enumerate(items) if item[0] == "slot"}
        starts = [sum(sizes[:n]) for n in range(len(items) + 1)]
        words = []
        for n, item in enumerate(items):
            if item[0] == "forward":
                words.append(self.condition_branch(starts[min(n + item[1], len(items))] - starts[n]))
            elif item[0] == "back":
                target = starts[max(n - item[1], 0)]
                # cbz count, past this; sub count, count, #1; branch
                words += [0xb4000060 | COUNT_REG, 0xd1000400 | COUNT_REG << 5 | COUNT_REG,
                          self.condition_branch(target - starts[n] - 2)]
            elif item[0] == "slot":
                words.append(slots[n])  # add xn, xn, #0
            elif item[0] == "patch":
                to = self.random.choice(list(slots) or [None])
                words += [NOP] * 10 if to is None else self.patch(starts[to] - starts[n], slots[to])
            else:
                words += item
        return words

    def program_case(self, repeat):
        words = self.program()
        if len(words) < 256:
            self.add("program", None, words, repeat, PROGRAM)
