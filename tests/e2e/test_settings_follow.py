"""Settings that PostgreSQL does not report follow their session from server to server.

Every way to set one, in every form of query and in transactions that end in every way, is held
twice: directly, and through a gate that allows no pins, whose two servers are handed out in turn
while a neighbour with settings of its own uses both.
"""
import pytest

from harness.twins import Step, group, hold_twice
from harness.wire import SYNC, query

# Once a custom one was set on a server, it is empty there and not unknown: docs/limits.md.
LOOK = query("SELECT " + ", ".join(f"COALESCE(current_setting('{name}', true), '')" for name in (
    "statement_timeout", "my.own", "work_mem", "search_path", "bytea_output", "extra_float_digits",
    "default_transaction_isolation", "TimeZone", "enable_seqscan")) + ", 0.1::float8::text")

WAYS = {
    "set": "SET statement_timeout = '21s'",
    "set_session": "SET SESSION Work_Mem TO '8MB'",
    "custom": "SET my.own = 'it''s \\ résumé'",
    "a_list": "SET search_path = elsewhere, \"App One\", public",
    "a_word": "SET bytea_output = escape",
    "shapes_texts": "SET extra_float_digits = -3",
    "characteristics": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
    "set_config": "SELECT set_config('my.own', 'configured', false), set_config('work_mem', '9MB', false)",
    "the_view": "UPDATE pg_settings SET setting = 'off' WHERE name = 'enable_seqscan'",
    "a_block": "DO $$ BEGIN SET statement_timeout = '22s'; PERFORM set_config('my.own', 'block', false); END $$",
    "to_default": "SET statement_timeout TO DEFAULT",
    "reset": "RESET my.own",
    "local": "SET LOCAL statement_timeout = '23s'",
    "refused": "SET statement_timeout = 'no time'",
    "nobody_knows": "SET nosuch = 1",
}
FORMS = {
    "simple": lambda sql: [Step(query(sql))],
    "extended": lambda sql: [Step(group(sql), SYNC)],
    "named": lambda sql: [Step(group(sql, name="way"), SYNC), Step(query("DEALLOCATE ALL"))],
    "among_others": lambda sql: [Step(query(f"SELECT 1; {sql}; SELECT 2"))],
    "in_a_pipeline": lambda sql: [Step(group("SELECT 1"), group(sql), group("SELECT 2"), SYNC, LOOK)],
}
ENDS = {
    "alone": lambda steps: steps,
    "committed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("COMMIT"))],
    "rolled_back": lambda steps: [Step(query("BEGIN")), *steps, Step(query("ROLLBACK"))],
    "to_a_savepoint": lambda steps: [Step(query("BEGIN; SAVEPOINT s")), *steps,
                                     Step(query("ROLLBACK TO s")), Step(LOOK), Step(query("COMMIT"))],
    "failed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("SELECT 1 / 0")),
                             Step(query("COMMIT"))],
    "then_reset": lambda steps: [*steps, Step(query("RESET ALL"))],
    "reset_behind": lambda steps: [*steps[:-1], Step(steps[-1].bytes, query("RESET ALL"), LOOK,
                                                     count=steps[-1].count + 2)],
    "then_discarded": lambda steps: [*steps, Step(query("DISCARD ALL"))],
}


@pytest.fixture
def gate(start_gate):
    return start_gate(route={"pool_size": 2, "lifo": False, "pins_allowed": False})


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", FORMS)
def test_as_on_a_connection_of_its_own(gate, database, form, end):
    for way in WAYS.values():
        steps = ENDS[end]([*FORMS[form](way), Step(LOOK)])
        hold_twice(gate, database, [*steps, Step(LOOK)], rounds=2)


@pytest.mark.parametrize("form", FORMS)
def test_over_startup_parameters(gate, database, form):
    for way in WAYS.values():
        steps = [*FORMS[form](way), Step(LOOK), Step(query("RESET ALL")), Step(LOOK)]
        hold_twice(gate, database, steps, rounds=2, statement_timeout="31s", TimeZone="Asia/Tokyo",
                   options="-c my.own=started -c extra_float_digits=2")


# A plain SET of one lasts as long as its transaction, yet pg_settings tells of it for good.
@pytest.mark.parametrize("name, value", [("transaction_isolation", "serializable"), ("transaction_read_only", "on"),
                                         ("transaction_deferrable", "on")])
def test_what_is_of_one_transaction_follows_nobody(start_gate, wire, name, value):
    gate = start_gate(route={"pool_size": 1})
    first, second, third = wire(gate), wire(gate), wire(gate)
    first.ask(f"SET {name} = {value}")
    second.ask("DO $$ BEGIN PERFORM set_config('work_mem', '77kB', false); END $$")
    third.ask("SELECT 1")
    third.ask(f"SET default_{name} = {value}")
    assert second.ask(f"SELECT current_setting('{name}') <> '{value}'") == [("t",)]
    assert first.ask("SELECT 1") == [("1",)]
