"""What servers call the statements that their clients share is out of every client's reach."""
import pytest

from harness.twins import Step, hold_twice
from harness.wire import FLUSH, SYNC, ServerError, bind, close, describe, execute, parse

LONG = "/* " + "x" * 200_000 + " */"


@pytest.fixture
def pair(start_gate, wire):
    """Two clients of one server, and the name that it has for the other's statement."""
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    mine, other = wire(gate), wire(gate)
    run(other, parse("theirs", "SELECT 42"), bind("", "theirs"), execute())
    (name,), = mine.ask("SELECT name FROM pg_prepared_statements")
    return mine, other, name


def run(client, *messages):
    """The rows of a pipeline; its first error is raised."""
    client.send(*messages, SYNC)
    return client.answer()


def once(sql):
    return parse("", sql) + bind("", "") + execute()


@pytest.mark.parametrize("sql", ["PREPARE {} AS SELECT 1", "EXECUTE {}", "EXPLAIN EXECUTE {}",
                                 "CREATE TABLE copied AS EXECUTE {}", "DEALLOCATE {}",
                                 "SELECT 1; DEALLOCATE {}; SELECT 2", "DEALLOCATE PREPARE {}"])
def test_a_shared_statement_is_not_for_sql(pair, sql):
    mine, other, name = pair
    for spelling in (name, name.upper(), f'"{name}"'):
        with pytest.raises(ServerError) as refused:
            mine.ask(sql.format(spelling))
        assert refused.value.sqlstate == "42939"
        if ";" not in sql:
            with pytest.raises(ServerError) as refused:
                run(mine, once(sql.format(spelling)))
            assert refused.value.sqlstate == "42939"
    assert run(other, bind("", "theirs"), execute()) == [("42",)]


def test_a_shared_statement_is_not_for_the_protocol(pair):
    mine, other, name = pair
    mine.ask("SET work_mem = '1MB'")
    for message in (bind("", name), describe("S", name)):
        with pytest.raises(ServerError) as refused:
            run(mine, message)
        assert refused.value.sqlstate == "26000"
    run(mine, close("S", name))
    with pytest.raises(ServerError) as refused:
        run(mine, parse(name, f"SELECT 1 {LONG}"))
    assert refused.value.sqlstate == "42939"
    assert mine.ask("SELECT count(*) FROM pg_prepared_statements") == [("1",)]
    mine.ask("DISCARD ALL")
    assert run(other, bind("", "theirs"), execute()) == [("42",)]


def test_a_deallocate_that_fails_leaves_nothing(pair):
    mine, other, _ = pair
    run(mine, parse("s", "SELECT 1"), parse("d", "DEALLOCATE s"))
    for end in (SYNC, FLUSH + SYNC):
        mine.ask("BEGIN")
        run(mine, bind("", "d"))
        mine.ask("SELECT 'takes the unnamed portal away'")
        mine.send(execute(), end)
        with pytest.raises(ServerError) as failed:
            mine.answer()
        assert failed.value.sqlstate == "34000"
        mine.ask("ROLLBACK")
        assert other.ask("SELECT name FROM pg_prepared_statements"
                         " WHERE name NOT LIKE 'tidegate%'") == []
    assert run(mine, bind("", "s"), execute()) == [("1",)]
    other.ask("PREPARE s AS SELECT 2")
    assert other.ask("EXECUTE s") == [("2",)]


def test_an_error_calls_a_statement_as_its_client_does(start_gate, database):
    wrong = Step(parse("mine", "SELECT $1::int"), bind("", "mine"), execute(), SYNC)
    again = Step(bind("", "mine"), execute(), SYNC)
    hold_twice(start_gate(route={"pool_size": 2, "lifo": False}), database,
               [wrong, again, Step(close("S", "mine"), SYNC)])
