#!/usr/bin/env python3
"""Cuts a rectangle out of the screen of `Xvfb -fbdir` (an XWD file of 32 bits a pixel) and saves it as a PNG file.

usage: screen_png.py XWD PNG X Y WIDTH HEIGHT
"""
import struct
import sys
import zlib


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def main():
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    data = open(sys.argv[1], "rb").read()
    left, top, width, height = map(int, sys.argv[3:])
    header = struct.unpack(">25I", data[:100])
    pixels = header[0] + header[19] * 12  # the header's size, and a colour map
    stride = header[12]
    rows = bytearray()
    for y in range(top, top + height):
        at = pixels + y * stride + left * 4
        bgrx = data[at : at + width * 4]
        rgb = bytearray(width * 3)
        rgb[0::3], rgb[1::3], rgb[2::3] = bgrx[2::4], bgrx[1::4], bgrx[0::4]
        rows += b"\0" + rgb
    with open(sys.argv[2], "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n")
        out.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        out.write(chunk(b"IDAT", zlib.compress(bytes(rows), 1)) + chunk(b"IEND", b""))


if __name__ == "__main__":
    main()
