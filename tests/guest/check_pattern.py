#!/usr/bin/env python3
"""Compares a PNG file with the picture of drm_pattern.c, to the pixel.

usage: check_pattern.py FILE.png WIDTHxHEIGHT
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
from png import compare


def pixel(x, y, width, height):
    corners = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255))
    right, bottom = width - 1 - x, height - 1 - y
    if 0 in (x, y, right, bottom):
        return (255, 255, 255)
    if min(x, right) < 9 and min(y, bottom) < 9:
        return corners[(right < 9) + 2 * (bottom < 9)]
    if x == y:
        return (255, 255, 0)
    if x % 64 == 32:
        return (0, 255, 255)
    if y % 64 == 32:
        return (0, 0, 0)
    return (x * 255 // (width - 1), y * 255 // (height - 1), (3 * x + 5 * y) & 0xFF)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    width, height = map(int, sys.argv[2].split("x"))
    compare(sys.argv[1], sys.argv[2], lambda x, y: pixel(x, y, width, height))


if __name__ == "__main__":
    main()
