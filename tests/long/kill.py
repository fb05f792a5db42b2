"""kill.py RECORDS CONSOLE: the file that record.c writes has every record that its machine's console tells of, whole, and
at most one more that is not. Prints the last number that was told."""
import re
import struct
import sys

UNIT, WORDS, MASK = 512, 64, (1 << 64) - 1


def mark(n, u):
    return (n << 16 | u) * 0x9E3779B97F4A7C15 & MASK


def units_of(n):
    return 1 + mark(n, 0) % 64


def record(n):
    return b"".join(
        struct.pack(f"<{WORDS}Q", n, u, *(mark(n, u) + i & MASK for i in range(2, WORDS))) for u in range(units_of(n)))


data = open(sys.argv[1], "rb").read()
told = max((int(n) for n in re.findall(rb"^told (\d+)\r?\n", open(sys.argv[2], "rb").read(), re.MULTILINE)), default=-1)
(first,) = struct.unpack("<Q", data[:8]) if len(data) >= 8 else (0,)
n, at = first, 0
while at < len(data) and data[at : at + units_of(n) * UNIT] == record(n):
    at += units_of(n) * UNIT
    n += 1
if first > told + 1 or n <= told:
    sys.exit(f"told {told}, but there are {first} to {n - 1}, in {at} of {len(data)} bytes")
if len(data) - at > units_of(n) * UNIT:
    sys.exit(f"{len(data) - at} bytes after record {n - 1}")
print(told)
