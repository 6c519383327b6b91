"""SIGTERM while everybody works: every transaction ends as its client was told, and who is sent away
hears why, between two transactions."""
import re
import subprocess

import pytest

from harness.ledger import COMPLETE, TABLE, TORN, Writer, extended, simple
from harness.waiting import eventually

WRITERS = 24


@pytest.fixture
def ending_gate(start_gate):
    gate = start_gate(route={"pool_size": 4})
    gate.may_have_left = True
    return gate


@pytest.fixture
def ledger(database):
    database.execute(f"{TABLE}; GRANT ALL ON ledger TO {database.user}")


@pytest.mark.parametrize("request_of", [simple, extended])
def test_no_commit_is_unknown(ending_gate, database, ledger, wire, request_of):
    writers = [Writer(number, wire(ending_gate), request_of) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    eventually(lambda: all(len(writer.promised) > 3 for writer in writers), timeout=60)
    ending_gate.terminate()
    for writer in writers:
        writer.join(timeout=30)
        assert not writer.is_alive()
    assert ending_gate.process.wait(timeout=15) == 0
    assert {(writer.at, writer.error) for writer in writers} == {("begin", "57P01")}
    assert [entry for writer in writers for entry in writer.unknown] == []
    promised = sorted(entry for writer in writers for entry in writer.promised)
    assert database.execute(COMPLETE) == promised
    assert database.execute(TORN) == []
    eventually(lambda: not database.servers(), what="no servers left")


@pytest.mark.parametrize("mode", ["simple", "extended", "prepared"])
def test_pgbench_counts_what_the_database_has(ending_gate, database, mode):
    database.execute(f"CREATE TABLE marks (n int); GRANT ALL ON marks TO {database.user}")
    script = "BEGIN;\nINSERT INTO marks VALUES (1);\nSELECT 1;\nCOMMIT;\n"
    bench = subprocess.Popen(
        # More clients than servers would wait for each other: pgbench is one thread and waits for
        # each Parse alone in prepared mode.
        ["pgbench", "-n", "-M", mode, "-c", "4", "-j", "1", "-T", "60", "-f", "/dev/stdin"],
        env=ending_gate.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    bench.stdin.write(script)
    bench.stdin.close()
    bench.stdin = None
    eventually(lambda: database.execute("SELECT count(*) > 50 FROM marks")[0][0], timeout=30)
    ending_gate.terminate()
    out, err = bench.communicate(timeout=60)
    assert ending_gate.process.wait(timeout=15) == 0
    counted = int(re.search(r"transactions actually processed: (\d+)", out)[1])
    assert database.execute("SELECT count(*) FROM marks") == [(counted,)], err
    assert err.count("shutting down") == 4, err
