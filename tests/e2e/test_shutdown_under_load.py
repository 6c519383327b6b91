"""SIGTERM while everybody works: every transaction ends as its client was told, and who is sent away
hears why, between two transactions."""
import contextlib
import re
import subprocess
import threading

import pytest

from harness.ledger import COMPLETE, TABLE, TORN, Writer, extended, simple
from harness.waiting import eventually
from harness.wire import ServerError, query

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


def send_all(client, requests):
    with contextlib.suppress(OSError):  # nobody reads the end of it
        client.send(*requests)


def test_whoever_is_cut_off_hears_why_with_much_unread(ending_gate, database, wire):
    clients = [wire(ending_gate) for _ in range(WRITERS)]
    much = [query("SELECT pg_sleep(61)")] + [query(f"SELECT '{'m' * 1000}'")] * 10_000
    senders = [threading.Thread(target=send_all, args=(client, much)) for client in clients]
    for sender in senders:
        sender.start()
    eventually(lambda: len(database.active("pg_sleep(61)")) == 4, what="busy servers")
    ending_gate.terminate()
    eventually(lambda: "leaving: waiting for clients" in ending_gate.log())
    ending_gate.terminate()
    for client in clients:
        with pytest.raises(ServerError) as caught:
            client.answer()
        assert caught.value.sqlstate == "57P01"
        client.close()
    for sender in senders:
        sender.join(timeout=30)
    assert ending_gate.process.wait(timeout=15) == 0
