#!/usr/bin/python3
"""The layering law: a folder of src/ includes only the folders that its add_layer line names.

The law is read from CMakeLists.txt, so it is written once. Files directly in src/ (main.cc) wire
everything and may include any folder. Tests and what is only for them (*_test.cc, *_testing.h, *_bench.cc) may
also use what lies in tests/support.

Usage: include_edges.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path

LAYER = re.compile(r"^add_layer\((\w+)\s+(?:PURE\s+)?USES([\w\s]*?)(?:\s+LINKS[^)]*)?\)", re.MULTILINE)
TEST_ONLY = re.compile(r"_(?:test|testing|bench)\.(?:cc|h)$")
TEST_SUPPORT = "../tests/support/"
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_law(cmake_text):
    """Folder -> the folders it may include, itself among them."""
    return {name: set(uses.split()) | {name} for name, uses in LAYER.findall(cmake_text)}


def violations_in(path, text, folder, law):
    """One line per include of `text` that the law does not allow to `folder`."""
    allowed = law.get(folder)
    for match in INCLUDE.finditer(text):
        included = match.group(1)
        if included.startswith(TEST_SUPPORT) and TEST_ONLY.search(str(path)):
            continue
        where = f"{path}:{text.count(chr(10), 0, match.start(1)) + 1}"
        target = included.split("/")[0]
        if "/" not in included or target not in law:
            yield f'{where}: "{included}" is not of the form "folder/file"'
        elif folder is not None and allowed is None:
            yield f"{where}: folder {folder} has no add_layer line"
        elif folder is not None and target not in allowed:
            yield f"{where}: {folder} may not include {target}"


def check(root):
    law = read_law((root / "CMakeLists.txt").read_text())
    if not law:
        return ["CMakeLists.txt: no add_layer line was understood"]
    found = []
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc", ".def"):
            continue
        parts = path.relative_to(root / "src").parts
        folder = parts[0] if len(parts) > 1 else None
        found += violations_in(path.relative_to(root), path.read_text(), folder, law)
    return found


def main():
    found = check(Path(sys.argv[1]))
    print("\n".join(found) if found else "every include edge follows the layering law")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
