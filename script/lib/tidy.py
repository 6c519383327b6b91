#!/usr/bin/python3
"""Limits of style that need no taste: marker words, long lines, long files, long functions.

Usage: tidy.py FILE...     A long function is a warning, everything else an error.
"""
import re
import sys
from pathlib import Path

# Written in two halves so that this file passes its own check.
MARKERS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100
TEXT = {".cc", ".h", ".def", ".py", ".sh", ".md", ".js", ".go", ".cmake", ".txt", ""}
CODE = {".cc", ".h", ".def"}
# A function begins at the margin with something that ends in an open brace after a parenthesis.
FUNCTION = re.compile(r"^[A-Za-z~].*\)[^;]*\{$")


def long_functions(lines):
    """(first line, length) of functions beyond the limit; counts from brace to brace at the margin."""
    start = None
    for number, line in enumerate(lines, 1):
        if FUNCTION.match(line) and not line.startswith(("namespace", "struct", "class", "enum")):
            start = number
        elif line.startswith("}") and start is not None:
            if number - start + 1 > FUNCTION_LINES_MAX:
                yield start, number - start + 1
            start = None


def problems_of(path, lines):
    for number, line in enumerate(lines, 1):
        if MARKERS.search(line):
            yield f"{path}:{number}: a marker for later work; do it, or open an issue"
        if path.suffix in CODE - {".def"} and len(line) > LINE_COLUMNS_MAX:
            yield f"{path}:{number}: longer than {LINE_COLUMNS_MAX} columns"
        if line != line.rstrip() and "seeds" not in path.parts:  # a seed is input, byte for byte
            yield f"{path}:{number}: space at the end of the line"
    if path.suffix in CODE - {".def"} and len(lines) > FILE_LINES_MAX:
        yield f"{path}: {len(lines)} lines; a file of more than {FILE_LINES_MAX} wants to be two"


def main(names):
    found = 0
    for path in map(Path, names):
        if path.suffix not in TEXT:
            continue
        try:
            lines = path.read_text().splitlines()
        except UnicodeDecodeError:  # a fuzz seed
            continue
        for problem in problems_of(path, lines):
            print(problem)
            found += 1
        if path.suffix in CODE:
            for start, length in long_functions(lines):
                print(f"{path}:{start}: warning: a function of {length} lines")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
