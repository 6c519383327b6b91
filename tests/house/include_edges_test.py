#!/usr/bin/python3
"""include_edges.py finds what it is there for: wrong edges planted in a small tree are reported."""
import tempfile
import unittest
from pathlib import Path

from include_edges import check, read_law

LAW = """
add_layer(base PURE USES)
add_layer(auth     PURE USES base LINKS OpenSSL::Crypto)
add_layer(net           USES base LINKS OpenSSL::SSL Threads::Threads)
"""


class IncludeEdgesTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.root = Path(self.directory.name)
        (self.root / "CMakeLists.txt").write_text(LAW)
        self.write("base/bytes.h", "#include <string>\n")

    def write(self, name, text):
        path = self.root / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def test_the_law_is_read_from_the_build(self):
        self.assertEqual(read_law(LAW), {"base": {"base"}, "auth": {"auth", "base"},
                                         "net": {"net", "base"}})

    def test_allowed_edges_pass(self):
        self.write("auth/scram.cc", '#include "auth/scram.h"\n#include "base/bytes.h"\n')
        self.write("main.cc", '#include "auth/scram.h"\n#include "net/tls.h"\n')
        self.assertEqual(check(self.root), [])

    def test_an_edge_to_a_stranger_is_found(self):
        self.write("auth/scram.cc", '#include "base/bytes.h"\n  # include "net/tls.h"\n')
        self.assertEqual(check(self.root), ["src/auth/scram.cc:2: auth may not include net"])

    def test_an_edge_upwards_is_found(self):
        self.write("base/bytes.h", '#include "auth/scram.h"\n')
        self.assertEqual(check(self.root), ["src/base/bytes.h:1: base may not include auth"])

    def test_a_path_without_folder_is_found(self):
        self.write("net/tls.cc", '#include "tls.h"\n')
        self.assertEqual(check(self.root),
                         ['src/net/tls.cc:1: "tls.h" is not of the form "folder/file"'])

    def test_only_tests_use_what_is_for_tests(self):
        text = '#include "../tests/support/fake.h"\n'
        self.write("net/fake_test.cc", text)
        self.write("net/net_testing.h", text)
        self.assertEqual(check(self.root), [])
        self.write("net/tls.cc", text)
        self.assertEqual(check(self.root), ['src/net/tls.cc:1: "../tests/support/fake.h" is not of'
                                            ' the form "folder/file"'])

    def test_a_folder_outside_the_law_is_found(self):
        self.write("extra/thing.cc", '#include "base/bytes.h"\n')
        self.assertEqual(check(self.root), ["src/extra/thing.cc:1: folder extra has no add_layer line"])


if __name__ == "__main__":
    unittest.main()
