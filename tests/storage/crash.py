"""crash.py RAW JOURNAL BEFORE: RAW, the disk that `exercise crash` was killed over, holds what was flushed, or
something that was written to the same block later. BEFORE is the disk as it was at first."""
import struct
import sys

BLOCK = 4096
disk = open(sys.argv[1], "rb").read()
before = open(sys.argv[3], "rb").read()
ZEROES = bytes(BLOCK)
allowed = {}  # block: what it may hold; the last entry is the newest
acknowledged = 0


def old(block):
    return allowed.get(block, [before[block * BLOCK : (block + 1) * BLOCK]])


for n in (0, 1):
    journal = open(f"{sys.argv[2]}.{n}", "rb").read()
    pending = []
    for kind, first, count, generation in struct.iter_unpack("<IIII", journal[: len(journal) // 16 * 16]):
        if kind != ord("f"):
            pending += [(chr(kind), block, generation) for block in range(first, first + count)]
            continue
        acknowledged += len(pending)
        for what, block, generation in pending:
            if what == "w":
                allowed[block] = [struct.pack("<II", block + 1, generation) * (BLOCK // 8)]
            elif what == "z":
                allowed[block] = [ZEROES]
            else:  # a discard is a hint
                allowed[block] = old(block) + [ZEROES]
        pending = []
    for what, block, generation in pending:
        data = struct.pack("<II", block + 1, generation) * (BLOCK // 8) if what == "w" else ZEROES
        allowed[block] = old(block) + [data]

for block, contents in allowed.items():
    data = disk[block * BLOCK : (block + 1) * BLOCK]
    if data in contents:
        continue
    # A write that was not flushed may be there in part, by sectors.
    parts = [data[i : i + 512] for i in range(0, BLOCK, 512)]
    if any(part not in [c[i * 512 : i * 512 + 512] for c in contents] for i, part in enumerate(parts)):
        sys.exit(f"block {block} holds {data[:16].hex()}, not one of {[c[:16].hex() for c in contents]}")
print(acknowledged)
