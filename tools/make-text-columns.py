#!/usr/bin/env python3
"""Prints the two tables of src/base/text_columns.c from Python's copy of the Unicode character database:
code points that take two terminal columns (East_Asian_Width W or F, UAX #11) and none (categories Mn, Me and Cf
except the soft hyphen, and the medial and final Hangul jamo that complete a syllable)."""
import sys
import unicodedata as u


def width(c):
    ch = chr(c)
    if u.category(ch) in ("Mn", "Me") or (u.category(ch) == "Cf" and c != 0xAD) or 0x1160 <= c <= 0x11FF or 0xD7B0 <= c <= 0xD7FF:
        return 0
    if u.category(ch) == "Cn":  # unassigned: wide where ideographs are to come (the module itself has no answer)
        return 2 if 0x3400 <= c <= 0x4DBF or 0x4E00 <= c <= 0x9FFF or 0x20000 <= c <= 0x3FFFD else 1
    return 2 if u.east_asian_width(ch) in "WF" else 1


def ranges(want):
    out = []
    for c in range(0x80, 0x110000):
        if 0xD800 <= c <= 0xDFFF or width(c) != want:
            continue
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def table(name, want):
    print(f"static const Range {name}[] = {{")
    line = "   "
    for first, last in ranges(want):
        item = f" {{0x{first:X}, 0x{last:X}}},"
        if len(line) + len(item) > 118:
            print(line)
            line = "   "
        line += item
    print(line + "\n};\n")


print(f"/* Unicode {u.unidata_version} */", file=sys.stdout)
table("wide", 2)
table("zero", 0)
