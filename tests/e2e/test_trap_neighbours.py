"""The traps of poolers that take two clients, or a client and the pool, to fall into.

The numbers are those of tests/README.md.
"""
import socket
import struct
import threading

import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import (FLUSH, SYNC, ServerError, Wire, bind, execute, message, parse, query,
                          row_of, string)


def rows(messages):
    return [row_of(payload) for kind, payload in messages if kind == "D"]


def ask_bound(client, name, *values):
    client.send(bind("", name, *values), execute(), SYNC)
    return client.answer()


def answer_later(client):
    """Waits for the client's answer on a thread of its own; a list that will hold it."""
    answers = []
    threading.Thread(target=lambda: answers.append(client.answer()), daemon=True).start()
    return answers


def test_trap01_an_unfinished_request_holds_no_server(start_gate, wire):
    gate = start_gate(route={"pool_size": 1})
    slow, other = wire(gate), wire(gate)
    last = query("SELECT 'last'")
    slow.send(parse("", "SELECT 1"), bind("", ""), execute(), SYNC, query("SELECT 2"), last[:9])
    assert slow.answer() == [("1",)]
    assert slow.answer() == [("2",)]
    assert other.ask("SELECT 'other'") == [("other",)]
    slow.send(last[9:])
    assert slow.answer() == [("last",)]


def test_trap04_from_the_first_parse_to_the_sync_on_one_server(start_gate, wire):
    """A Flush is no end: the implicit transaction is open, and nobody else may come between."""
    gate = start_gate(route={"pool_size": 1})
    mine, other = wire(gate), wire(gate)
    mine.send(parse("", "SELECT txid_current()"), bind("", ""), execute(), FLUSH)
    (transaction,), = rows(mine.receive_until("C"))
    other.send(query("SELECT 'at last'"))
    answers = answer_later(other)
    for _ in range(20):
        mine.send(bind("", ""), execute(), FLUSH)
        assert rows(mine.receive_until("C")) == [(transaction,)]
    assert answers == []
    mine.send(SYNC)
    mine.receive_until("Z")
    eventually(lambda: answers == [[("at last",)]], what="the other's turn")


def test_trap08_one_text_under_two_search_paths(start_gate, database, wire):
    """What a name means depends on the session, so the same text is not the same statement."""
    for schema in ("one", "two"):
        database.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.t AS SELECT '{schema}' AS v;"
                         f" GRANT USAGE ON SCHEMA {schema} TO {database.user};"
                         f" GRANT SELECT ON {schema}.t TO {database.user}")
    gate = start_gate(route={"pool_size": 1})
    clients = {schema: wire(gate, search_path=schema) for schema in ("one", "two")}
    for client in clients.values():
        client.send(parse("s", "SELECT v FROM t"), SYNC)
        client.receive_until("Z")
    for _ in range(5):
        for schema, client in clients.items():
            assert ask_bound(client, "s") == [(schema,)]


@pytest.mark.parametrize("forget", [
    "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$", "CALL forget()",
    "SELECT 1; DEALLOCATE ALL; SELECT 2"])
def test_trap09_statements_forgotten_behind_the_poolers_back(start_gate, database, wire, forget):
    database.execute("CREATE PROCEDURE forget() LANGUAGE plpgsql AS"
                     " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")
    gate = start_gate(route={"pool_size": 1})
    mine, other = wire(gate), wire(gate)
    for client, value in ((mine, "mine"), (other, "other's")):
        client.send(parse("s", f"SELECT $${value}$$"), SYNC)
        client.receive_until("Z")
    for _ in range(3):
        mine.ask(forget)
        assert ask_bound(other, "s") == [("other's",)]


def test_trap10_a_stale_plan_inside_a_transaction_is_told_and_then_forgotten(start_gate, database,
                                                                             wire):
    database.execute(f"CREATE TABLE t (a int); INSERT INTO t VALUES (1);"
                     f" GRANT ALL ON t TO {database.user}")
    gate = start_gate(route={"pool_size": 1})
    client = wire(gate)
    client.send(parse("s", "SELECT * FROM t"), SYNC)
    client.receive_until("Z")
    assert ask_bound(client, "s") == [("1",)]
    database.execute("ALTER TABLE t ADD COLUMN b int DEFAULT 2")
    client.ask("BEGIN")
    with pytest.raises(ServerError) as caught:
        ask_bound(client, "s")
    assert caught.value.sqlstate == "0A000"
    client.ask("ROLLBACK")
    assert ask_bound(client, "s") == [("1", "2")]


def errors_until_the_end(client):
    errors = []
    try:
        while True:
            kind, payload = client.receive()
            if kind == "E":
                errors.append(ServerError(payload).sqlstate)
    except (EOFError, ConnectionError):
        return errors


def test_trap16_one_error_for_a_pipeline_whose_server_dies(gate, database, wire):
    client = wire(gate)
    groups = [parse("", f"SELECT {number}, pg_sleep({36 if number == 2 else 0})") + bind("", "")
              + execute() + SYNC for number in range(20)]
    client.send(*groups)
    assert [client.answer() for _ in range(2)] == [[("0", "")], [("1", "")]]
    pid, = eventually(lambda: database.active("pg_sleep(36)"))
    database.terminate(pid)
    heard = errors_until_the_end(client)
    assert len(heard) == 1 and heard[0] in ("57P01", "08006"), heard
    assert wire(gate).ask("SELECT 1") == [("1",)]


def test_trap16_libpq_does_not_hang_in_a_pipeline_whose_server_dies(gate, database):
    def kill():
        pid, = eventually(lambda: database.active("pg_sleep(39)"))
        database.terminate(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    with gate.connect() as connection, pytest.raises(psycopg.OperationalError):
        with connection.pipeline():
            for number in range(20):
                connection.execute(f"SELECT {number}, pg_sleep({39 if number == 2 else 0})")
    killer.join()


def test_trap16_a_server_that_died_idle_is_replaced_under_every_kind_of_request(gate, database,
                                                                                wire):
    client = wire(gate)
    client.send(parse("s", "SELECT 's'"), SYNC)
    client.receive_until("Z")
    client.send(parse("", "SELECT 'unnamed'"), SYNC)
    client.receive_until("Z")

    database.terminate_servers()
    assert ask_bound(client, "") == [("unnamed",)]
    database.terminate_servers()
    assert ask_bound(client, "s") == [("s",)]
    database.terminate_servers()
    client.send(b"".join(bind("", "s") + execute() + SYNC for _ in range(5)))
    assert [client.answer() for _ in range(5)] == [[("s",)]] * 5
    database.terminate_servers()
    assert client.ask("BEGIN; SELECT 1; COMMIT") == [("1",)]


def startup_of(size, database):
    body = struct.pack("!I", 3 << 16)
    for text in ("user", database.user, "database", database.name, "application_name"):
        body += string(text)
    return struct.pack("!I", size) + body + b"x" * (size - len(body) - 6) + b"\0\0"


@pytest.mark.parametrize("size, taken", [(10_004, True), (10_005, False)])
def test_trap18_the_longest_startup_packet(gate, database, size, taken):
    for host, port in ((database.postgres.host, database.postgres.port), (gate.host, gate.port)):
        with Wire(host, port) as client:
            client.send(startup_of(size, database))
            if taken:
                client.finish_login(database.user, database.password)
                assert client.ask("SHOW application_name") == [("x" * 63,)]
            else:
                assert client.at_end()


def test_trap22_a_server_serves_the_user_it_was_opened_for(start_gate, database):
    with database.postgres.connect() as admin:
        admin.execute("CREATE ROLE second LOGIN PASSWORD 'second'")
    try:
        gate = start_gate(route={"pool_size": 1}, users={"second": {"password": "second"}})
        for _ in range(5):
            for user, password in ((database.user, database.password), ("second", "second")):
                with gate.connect(user=user, password=password) as connection:
                    row = connection.execute("SELECT session_user, current_user").fetchone()
                    assert row == (user, user)
    finally:
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                         " WHERE usename = 'second'; DROP ROLE second")


def test_trap24_a_listener_hears_between_its_requests_only(start_gate, wire):
    gate = start_gate(route={"pool_size": 3})
    listener, speaker = wire(gate), wire(gate)
    listener.ask("LISTEN news")
    speaker.ask("NOTIFY news, 'while idle'")
    kind, payload = listener.receive()
    assert (kind, payload[4:]) == ("A", b"news\0while idle\0")
    listener.ask("BEGIN")
    speaker.ask("NOTIFY news, 'while busy'")
    for _ in range(5):
        listener.send(query("SELECT generate_series(1, 100)"))
        assert "A" not in [kind for kind, _ in listener.receive_until("Z")]
    listener.send(query("COMMIT"))
    kinds = [kind for kind, _ in listener.receive_until("Z")]
    if "A" not in kinds:  # PostgreSQL sends it behind the COMMIT, before or after the Z
        assert listener.receive()[1][4:] == b"news\0while busy\0"


def test_trap27_a_failed_transaction_left_behind_is_cleaned_up(start_gate, wire):
    gate = start_gate(route={"pool_size": 1})
    for leave in ("close", "reset"):
        before = wire(gate).ask("SHOW TimeZone")
        client = wire(gate)
        client.ask("SET TimeZone = 'Asia/Tokyo'")
        client.ask("BEGIN; SET LOCAL statement_timeout = 1; SAVEPOINT s")
        with pytest.raises(ServerError):
            client.ask("SELECT 1 / 0")
        getattr(client, leave)()
        other = wire(gate)
        assert other.ask("SHOW TimeZone") == before
        assert other.ask("SHOW statement_timeout") == [("0",)]


def pools(gate):
    with gate.connect(dbname="pgbouncer") as console:
        cursor = console.execute("SHOW POOLS")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]


def test_trap28_failing_logins_leave_no_count_behind(start_gate, database):
    """A route whose logins all fail gives every place of the budget back to the other one."""
    gate = start_gate(upstream={"budget": 2}, route={"pool_size": 2, "pool_timeout": "5s"},
                      users={"nobody_there": {"password": "pw"}})
    refused = []

    def knock():
        try:
            with gate.connect(user="nobody_there", password="pw") as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError as error:
            refused.append(error)

    threads = [threading.Thread(target=knock) for _ in range(40)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        with gate.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    for thread in threads:
        thread.join()
    assert len(refused) == 40
    together = threading.Barrier(2)

    def hold():
        with gate.connect(autocommit=False) as connection:
            connection.execute("SELECT 1")
            together.wait(timeout=20)

    holders = [threading.Thread(target=hold) for _ in range(2)]
    for holder in holders:
        holder.start()
    for holder in holders:
        holder.join()
    assert not together.broken

    def nothing_counted():
        return all(pool["cl_active"] == pool["cl_waiting"] == 0 and pool["sv_login"] == 0
                   for pool in pools(gate) if pool["user"] == "nobody_there")

    eventually(nothing_counted, what="a route without clients and servers")


def test_trap29_who_is_inside_a_message_is_not_dismissed(start_gate, wire):
    """SIGTERM ends clients at rest. Half a request is no rest, nor is one that is being answered."""
    gate = start_gate()
    gate.may_have_left = True
    half, busy, idle = wire(gate), wire(gate), wire(gate)
    last = query("SELECT 'whole'")
    half.send(query("SELECT 'first'"), last[:9])
    assert half.answer() == [("first",)]
    busy.ask("BEGIN")
    gate.terminate()
    assert idle.at_end()
    half.send(last[9:])
    try:
        assert half.answer() == [("whole",)]
    except ServerError as error:
        assert error.sqlstate == "57P01"
    assert busy.ask("SELECT 'busy'") == [("busy",)]
    busy.send(query("COMMIT"))
    assert [kind for kind, _ in busy.receive_until("Z")] == ["C", "Z"]
    assert gate.process.wait(timeout=15) == 0


def test_trap30_grease_is_answered_as_postgresql_answers_it(gate, database):
    """What libpq 19 announces: a minor version that will never be, and an option nobody knows."""
    answers = []
    for host, port in ((database.postgres.host, database.postgres.port), (gate.host, gate.port)):
        with Wire(host, port) as client:
            client.send_startup(protocol=(3 << 16) + 9999, user=database.user,
                                database=database.name, **{"_pq_.test_protocol_negotiation": ""})
            answers.append(client.receive())
            client.finish_login(database.user, database.password)
            assert client.ask("SELECT 1") == [("1",)]
    assert answers[0] == answers[1]
    assert answers[0][0] == "v"


def test_trap30_another_major_version_is_refused(gate, database):
    for host, port in ((database.postgres.host, database.postgres.port), (gate.host, gate.port)):
        with socket.create_connection((host, port), timeout=15) as client:
            client.sendall(struct.pack("!II", 8, 4 << 16))
            assert client.recv(1) == b"E"


def test_trap26_a_function_call_owes_one_ready(start_gate, wire):
    """Between two function calls of one client the server may be anybody's."""
    gate = start_gate(route={"pool_size": 1})
    mine, other = wire(gate), wire(gate)
    call = message("F", struct.pack("!IHHI", 177, 0, 2, 1) + b"2" + struct.pack("!I", 1) + b"3"
                   + struct.pack("!H", 0))
    for _ in range(5):
        mine.send(call, call)
        for _ in range(2):
            assert mine.receive_until("Z")[0] == ("V", struct.pack("!I", 1) + b"5")
        assert other.ask("SELECT 1") == [("1",)]
