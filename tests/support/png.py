"""Reads PNG files without any library."""
import struct
import sys
import zlib


def read_png(path):
    """Width, height and rows of (r, g, b) of an 8-bit RGB or RGBA file without interlacing."""
    data = open(path, "rb").read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        sys.exit(f"{path}: not a PNG file")
    at, header, compressed = 8, None, b""
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length : at + 12 + length])
        if crc != zlib.crc32(kind + body):
            sys.exit(f"{path}: a chunk with a wrong checksum")
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        elif kind == b"IDAT":
            compressed += body
        at += 12 + length
    width, height, depth, colour, _, _, interlace = header
    if depth != 8 or colour not in (2, 6) or interlace:
        sys.exit(f"{path}: not 8-bit RGB or RGBA")
    return width, height, unfilter(zlib.decompress(compressed), width, height, 3 if colour == 2 else 4)


def paeth(a, b, c):
    pa, pb, pc = abs(b - c), abs(a - c), abs(a + b - 2 * c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def unfilter(raw, width, height, channels):
    stride = width * channels
    rows, above = [], bytearray(stride)
    for y in range(height):
        kind = raw[y * (stride + 1)]
        row = bytearray(raw[y * (stride + 1) + 1 : (y + 1) * (stride + 1)])
        for i in range(stride) if kind else ():
            left = row[i - channels] if i >= channels else 0
            corner = above[i - channels] if i >= channels else 0
            guess = (0, left, above[i], (left + above[i]) // 2, paeth(left, above[i], corner))[kind]
            row[i] = (row[i] + guess) & 0xFF
        rows.append([tuple(row[i : i + 3]) for i in range(0, stride, channels)])
        above = row
    return rows


def compare(path, size, pixel):
    """Ends the program unless the file is of `size` ("WIDTHxHEIGHT") and each of its pixels is pixel(x, y)."""
    width, height, rows = read_png(path)
    if f"{width}x{height}" != size:
        sys.exit(f"{path}: {width}x{height}, not {size}")
    wrong = 0
    for y in range(height):
        for x in range(width):
            if rows[y][x] != pixel(x, y):
                wrong += 1
                if wrong <= 5:
                    print(f"{path}: ({x}, {y}) is {rows[y][x]}, not {pixel(x, y)}")
    if wrong:
        sys.exit(f"{path}: {wrong} of {width * height} pixels are wrong")
    print(f"{path}: all {width * height} pixels are right")
