"""Transactions and errors arrive as PostgreSQL gave them."""
import subprocess
import threading

import psycopg
import pytest

from harness.wire import SYNC, ServerError, bind, execute, parse, query


@pytest.fixture
def accounts(database):
    database.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL CHECK (balance >= 0));"
                     " INSERT INTO accounts SELECT n, 100 FROM generate_series(1, 10) n;"
                     f" GRANT ALL ON accounts TO {database.user}")


def test_a_transaction_stays_on_one_server(gate, warm):
    warm(gate)
    with gate.connect() as connection:
        for _ in range(5):
            with connection.transaction():
                pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for _ in range(5)}
                assert len(pids) == 1


def test_consecutive_transactions_change_servers(gate, warm):
    warm(gate)
    with gate.connect() as connection:
        pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for _ in range(20)}
        assert len(pids) > 1


def test_commit_and_rollback(gate, database, accounts):
    with gate.connect() as connection:
        with connection.transaction():
            connection.execute("UPDATE accounts SET balance = 1 WHERE id = 1")
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute("UPDATE accounts SET balance = 2 WHERE id = 2")
            connection.execute("UPDATE accounts SET balance = -1 WHERE id = 3")
    assert database.execute("SELECT id, balance FROM accounts WHERE id < 4 ORDER BY id") == [
        (1, 1), (2, 100), (3, 100)]


def test_a_failed_transaction_waits_for_its_end(gate, warm):
    warm(gate)
    with gate.connect(autocommit=False) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("SELECT 1 / 0")
        for _ in range(3):
            with pytest.raises(psycopg.errors.InFailedSqlTransaction):
                connection.execute("SELECT 1")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_savepoints(gate, accounts):
    with gate.connect() as connection, connection.transaction():
        connection.execute("UPDATE accounts SET balance = 7 WHERE id = 1")
        with pytest.raises(psycopg.errors.CheckViolation), connection.transaction():
            connection.execute("UPDATE accounts SET balance = -7 WHERE id = 1")
        assert connection.execute("SELECT balance FROM accounts WHERE id = 1").fetchone() == (7,)


def test_trap14_a_transaction_opened_among_others_is_seen(start_gate, database, wire, accounts):
    gate = start_gate(route={"pool_size": 2})
    mine, other = wire(gate), wire(gate)
    mine.ask("SELECT 1; BEGIN; UPDATE accounts SET balance = 7 WHERE id = 1")
    for _ in range(4):
        assert other.ask("SELECT balance FROM accounts WHERE id = 1") == [("100",)]
        other.ask("ROLLBACK")
    mine.ask("COMMIT; BEGIN; UPDATE accounts SET balance = 8 WHERE id = 1")
    for _ in range(4):
        assert other.ask("SELECT balance FROM accounts WHERE id = 1") == [("7",)]
    mine.ask("COMMIT")
    assert other.ask("SELECT balance FROM accounts WHERE id = 1") == [("8",)]


def test_trap14_a_procedure_that_commits_leaves_nothing_open(start_gate, database, wire, accounts):
    database.execute("CREATE PROCEDURE pay() LANGUAGE plpgsql AS $$ BEGIN"
                     " UPDATE accounts SET balance = 1 WHERE id = 1; COMMIT;"
                     " UPDATE accounts SET balance = 2 WHERE id = 2; ROLLBACK; END $$")
    gate = start_gate(route={"pool_size": 1})
    mine, other = wire(gate), wire(gate)
    look = "SELECT balance FROM accounts WHERE id < 3 ORDER BY id"
    mine.ask("CALL pay()")
    assert other.ask(look) == [("1",), ("100",)]
    mine.send(parse("", "CALL pay()"), bind("", ""), execute(), SYNC)
    mine.answer()
    assert other.ask(look) == [("1",), ("100",)]
    mine.ask("BEGIN")
    with pytest.raises(ServerError) as caught:
        mine.ask("CALL pay()")
    assert caught.value.sqlstate == "2D000"
    mine.ask("ROLLBACK")
    assert other.ask(look) == [("1",), ("100",)]


def test_money_is_neither_made_nor_lost(gate, database, accounts):
    def move(seed):
        with gate.connect(autocommit=False) as connection:
            for step in range(30):
                giver, taker = (seed + step) % 10 + 1, (seed * 3 + step * 7) % 10 + 1
                low, high = sorted((giver, taker))
                connection.execute("SELECT 1 FROM accounts WHERE id IN (%s, %s) ORDER BY id FOR UPDATE",
                                   (low, high))
                connection.execute("UPDATE accounts SET balance = balance - 1 WHERE id = %s", (giver,))
                connection.execute("UPDATE accounts SET balance = balance + 1 WHERE id = %s", (taker,))
                connection.rollback() if step % 3 == 0 else connection.commit()

    threads = [threading.Thread(target=move, args=(seed,)) for seed in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.execute("SELECT sum(balance) FROM accounts") == [(1000,)]


def test_one_query_of_several_statements(gate, wire):
    client = wire(gate)
    client.send(query("SELECT 1; SELECT 2; BEGIN; SELECT 3"))
    kinds = "".join(kind for kind, _ in client.receive_until("Z"))
    assert kinds == "TDCTDCCTDCZ"
    client.send(query("COMMIT"))
    assert client.receive_until("Z")[-1] == ("Z", b"I")


def test_the_empty_query(gate, wire):
    client = wire(gate)
    client.send(query(""), query(" -- nothing\n"))
    assert [kind for kind, _ in client.receive_until("Z")] == ["I", "Z"]
    assert [kind for kind, _ in client.receive_until("Z")] == ["I", "Z"]


def test_notices_reach_the_client_that_caused_them(gate, wire, warm):
    warm(gate)
    client = wire(gate)
    client.send(query("DO $$ BEGIN RAISE NOTICE 'low water'; END $$"))
    messages = client.receive_until("Z")
    assert [kind for kind, _ in messages] == ["N", "C", "Z"]
    assert b"low water" in messages[0][1]


def test_error_fields_arrive_whole(gate, accounts):
    with gate.connect() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation) as caught:
            connection.execute("INSERT INTO accounts VALUES (1, 1)")
        diagnostic = caught.value.diag
        assert (diagnostic.sqlstate, diagnostic.table_name) == ("23505", "accounts")
        assert diagnostic.message_detail == "Key (id)=(1) already exists."


OPEN_ENDED = {"a string": "SELECT 'abc", "a name": 'SELECT "abc', "a dollar": "SELECT $$abc",
              "a comment": "SELECT /* abc"}


def error_in_band(client, text):
    client.send(query(text))
    with pytest.raises(ServerError) as caught:
        client.answer()
    assert caught.value.fields["S"] == "ERROR"
    return caught.value.sqlstate


@pytest.mark.parametrize("longer", ["", "x" * 20_000], ids=["short", "streamed"])
@pytest.mark.parametrize("text", OPEN_ENDED.values(), ids=OPEN_ENDED)
def test_a_text_without_its_end_is_an_error_like_any_other(gate, wire, text, longer):
    client = wire(gate)
    assert error_in_band(client, text + longer) == "42601"
    client.ask("BEGIN")
    assert error_in_band(client, text + longer) == "42601"
    assert error_in_band(client, "SELECT 1") == "25P02"
    client.ask("ROLLBACK")
    assert client.ask("SELECT 1") == [("1",)]


def test_statement_pooling_refuses_transactions(start_gate):
    gate = start_gate(route={"pool_mode": "statement"})
    with gate.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        with pytest.raises(psycopg.Error):
            connection.execute("BEGIN")
            connection.execute("SELECT 1")


def test_session_pooling_keeps_the_server(start_gate, database):
    gate = start_gate(route={"pool_mode": "session", "pool_size": 3})
    with gate.connect() as connection:
        pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for _ in range(10)}
        assert len(pids) == 1
        connection.execute("CREATE TEMPORARY TABLE own (n int)")
    with gate.connect() as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM own")


def test_prepared_transactions(gate, database, accounts):
    with gate.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("UPDATE accounts SET balance = 55 WHERE id = 5")
        connection.execute("PREPARE TRANSACTION 'half'")
        connection.execute("COMMIT PREPARED 'half'")
    assert database.execute("SELECT balance FROM accounts WHERE id = 5") == [(55,)]


def test_psql_runs_a_script(gate, database, accounts):
    script = """
        \\set ON_ERROR_STOP on
        BEGIN;
        UPDATE accounts SET balance = balance + :add WHERE id = 1;
        COMMIT;
        \\d accounts
        SELECT balance FROM accounts WHERE id = 1 \\gset
        \\echo balance :balance
    """
    done = subprocess.run(["psql", "-X", "-q", "-v", "add=11"], input=script, text=True,
                          env=gate.environment(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "balance 111" in done.stdout
    assert '"accounts_pkey" PRIMARY KEY' in done.stdout
