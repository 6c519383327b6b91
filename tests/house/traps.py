#!/usr/bin/python3
"""Every test that tests/README.md names exists, and every trap of its table has some.

Usage: traps.py ROOT
"""
import re
import sys
from pathlib import Path

ROW = re.compile(r"^\| (\d+) [^|]*\|[^|]*\|([^|]*)\|$", re.MULTILINE)
TRAPS = range(1, 31)


def tests_by_trap(text):
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in ROW.findall(text)}


def exists(name, units, e2e):
    if name.startswith("test_"):
        return f"def {name}(" in e2e
    if name.startswith("trap"):
        return f'"{name}": [' in e2e
    return re.search(rf"\b{name}\b", units) is not None


def problems_of(root):
    rows = tests_by_trap((root / "tests" / "README.md").read_text())
    units = "".join(path.read_text() for path in sorted((root / "src").rglob("*_test.cc")))
    e2e = "".join(path.read_text() for path in sorted((root / "tests" / "e2e").glob("*.py")))
    for number in TRAPS:
        if not rows.get(number):
            yield f"trap {number} has no test"
        for name in rows.get(number, []):
            if not exists(name, units, e2e):
                yield f"trap {number}: there is no test \"{name}\""
    named = {name for names in rows.values() for name in names}
    found = set(re.findall(r"\bTrap\d+_?\w+", units)) | set(re.findall(r"def (test_trap\w+)\(", e2e))
    found |= set(re.findall(r'"(trap\d[^"]*)": \[', e2e))
    for name in sorted(found - named):
        yield f"tests/README.md does not name \"{name}\""


if __name__ == "__main__":
    found = list(problems_of(Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)
