"""Two clients take turns on one server, and neither meets what the other left there."""
import pytest

from harness.wire import SYNC, ServerError, bind, describe, execute, parse, query

# Longer than a text that Tidegate keeps, so that it passes by in pieces.
LONG = "/* " + "x" * 200_000 + " */"


@pytest.fixture
def pair(start_gate, wire):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    return wire(gate), wire(gate)


def run(client, *messages):
    """The rows of a pipeline; its first error is raised."""
    client.send(*messages, SYNC)
    return client.answer()


def once(sql):
    return parse("", sql) + bind("", "") + execute()


def test_a_long_unnamed_statement_is_looked_at(start_gate, wire):
    gate = start_gate(upstream={"budget": 2}, route={"pool_size": 2})
    mine, other = wire(gate), wire(gate)
    run(mine, once(f"CREATE TEMP TABLE scratch AS SELECT 7 AS number {LONG}"))
    run(mine, once("SELECT 1"))
    for _ in range(3):
        assert run(mine, once("SELECT number FROM scratch")) == [("7",)]
        with pytest.raises(ServerError, match="42P01"):
            other.ask("SELECT number FROM scratch")


def test_a_long_unnamed_block_leaves_nothing(pair):
    mine, other = pair
    run(mine, once(f"DO $$ BEGIN SET extra_float_digits = -3; END $$ {LONG}"))
    run(mine, once("SELECT 1"))
    assert other.ask("SHOW extra_float_digits") == [("1",)]


@pytest.mark.parametrize("forget", ["DEALLOCATE ALL", "DISCARD ALL"])
@pytest.mark.parametrize("known", [True, False])
def test_a_statement_parsed_behind_a_forgetting_one_stays(pair, forget, known):
    mine, other = pair
    if known:
        run(other, parse("theirs", "SELECT 42"))
    run(mine, once("SELECT 1"))
    if forget == "DISCARD ALL":
        mine.send(query(forget), parse("kept", "SELECT 42"), SYNC)
        mine.answer()
        mine.answer()
    else:
        run(mine, once(forget), parse("kept", "SELECT 42"))
    assert run(mine, bind("", "kept"), execute()) == [("42",)]
    assert run(other, parse("mine_too", "SELECT 42"), bind("", "mine_too"), execute()) == [("42",)]
    if known:
        assert run(other, bind("", "theirs"), execute()) == [("42",)]


def test_the_unnamed_statement_survives_a_neighbours_loss(pair, database):
    mine, other = pair
    text = "SELECT $1::int + 1"
    run(other, parse("", text), describe("S", ""))
    mine.ask("BEGIN")
    run(mine, parse("", text), bind("", "", b"1"), execute())
    mine.reset()
    assert run(other, bind("", "", b"2"), execute()) == [("3",)]


def test_a_block_behind_discard_all_leaves_nothing(pair):
    mine, other = pair
    mine.send(query("DISCARD ALL"), query("DO $$ BEGIN SET extra_float_digits = -3; END $$"))
    mine.answer()
    mine.answer()
    assert other.ask("SHOW extra_float_digits") == [("1",)]


TELLS = "SELECT 1 WHERE $1::int = NULL"


def test_how_one_transaction_reads_is_not_how_others_read(pair):
    mine, other = pair
    mine.ask("BEGIN")
    mine.ask("SET LOCAL transform_null_equals = on")
    assert run(mine, parse("s", TELLS), bind("", "s", None), execute()) == [("1",)]
    mine.ask("COMMIT")
    assert run(other, parse("s", TELLS), bind("", "s", None), execute()) == []


def test_how_others_read_is_not_how_a_pinned_client_reads(pair):
    mine, other = pair
    assert run(other, parse("s", TELLS), bind("", "s", None), execute()) == []
    mine.ask("SET transform_null_equals = on")
    assert run(mine, parse("s", TELLS), bind("", "s", None), execute()) == [("1",)]


def test_a_temporary_table_hides_the_one_that_others_prepared_for(pair, database):
    mine, other = pair
    database.execute("CREATE TABLE items AS SELECT 'all' AS whose;"
                     f" GRANT SELECT ON items TO {database.user}")
    mine.ask("CREATE TEMP TABLE first (n int)")
    mine.ask("DISCARD ALL")
    assert run(other, parse("s", "SELECT whose FROM items"), bind("", "s"), execute()) == [("all",)]
    mine.ask("CREATE TEMP TABLE items AS SELECT 'mine' AS whose")
    assert run(mine, parse("s", "SELECT whose FROM items"), bind("", "s"), execute()) == [("mine",)]


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1"])
def test_a_path_with_letters_of_its_own_is_found_behind_another_encoding(start_gate, database, wire,
                                                                         encoding):
    """PostgreSQL takes what a startup packet says as it is, in the database's encoding."""
    database.execute('CREATE SCHEMA "é"; CREATE TABLE "é".here AS SELECT 1 AS n;'
                     f'GRANT USAGE ON SCHEMA "é" TO {database.user};'
                     f'GRANT SELECT ON "é".here TO {database.user}')
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    mine, other = wire(gate, client_encoding=encoding, search_path="é"), wire(gate)
    for neighbours in ["LATIN1", "UTF8", "WIN1252"]:
        other.ask(f"SET client_encoding TO {neighbours}")
        assert mine.ask("SELECT n FROM here") == [("1",)]
        assert mine.ask("RESET search_path; SELECT n FROM here") == [("1",)]


def test_what_cannot_be_put_right_is_not_met(pair, database):
    mine, other = pair
    mine.ask("DO $$ BEGIN SET statement_timeout = '70s'; END $$")
    database.execute("REVOKE EXECUTE ON FUNCTION pg_advisory_unlock_all() FROM PUBLIC")
    assert other.ask("SHOW statement_timeout") == [("0",)]
    assert other.ask("SELECT 1") == [("1",)]
