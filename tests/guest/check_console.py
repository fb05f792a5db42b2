#!/usr/bin/env python3
"""Compares a PNG file with the text console that text_console.c described, to the pixel.

usage: check_console.py FILE.png WIDTHxHEIGHT LOG
"""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from png import compare

# An attribute's colour numbers are VGA's (blue is 1), the palette is in ANSI's order (red is 1).
ANSI = (0, 4, 2, 6, 1, 5, 3, 7, 8, 12, 10, 14, 9, 13, 11, 15)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    log = open(sys.argv[3]).read()
    numbers = {}
    for name, count in ("FONT", 2), ("PALETTE", 0), ("CELLS", 2):
        match = re.search(rf"^{name} {'([0-9]+) ' * count}([0-9a-f]+)\r?$", log, re.MULTILINE)
        if not match:
            sys.exit(f"{sys.argv[3]}: no line {name}")
        numbers[name] = [int(n) for n in match.groups()[:-1]], bytes.fromhex(match.groups()[-1])
    (glyph_width, glyph_height), font = numbers["FONT"]
    (columns, rows), cells = numbers["CELLS"]
    palette = [tuple(numbers["PALETTE"][1][3 * i : 3 * i + 3]) for i in ANSI]

    def pixel(x, y):
        column, row = x // glyph_width, y // glyph_height
        if column >= columns or row >= rows:
            return palette[0]
        character, attribute = cells[2 * (row * columns + column) :][:2]
        lit = font[character * glyph_height + y % glyph_height] >> (7 - x % glyph_width) & 1
        return palette[attribute & 15 if lit else attribute >> 4]

    if not any(cells[0::2].replace(b" ", b"")):
        sys.exit(f"{sys.argv[3]}: the console is empty")
    compare(sys.argv[1], sys.argv[2], pixel)


if __name__ == "__main__":
    main()
