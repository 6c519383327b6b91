"""Roles, statements prepared in SQL, locks, temporary tables and cursors belong to their session.

As in test_settings_follow.py every conversation is held twice, directly and through a gate whose two
servers are handed out in turn while a neighbour uses both. What can follow its session is held where
pins are forbidden; of the rest the server says when it is gone, and then the gate is as free as
before.
"""
import pytest

from harness.twins import Step, group, hold_twice
from harness.wire import SYNC, ServerError, Wire, query

NAMES = "array(SELECT name || ': ' || statement FROM pg_prepared_statements WHERE from_sql ORDER BY 1)"
WHO = query("SELECT current_user::text, session_user::text, current_setting('role'), "
            "current_setting('is_superuser')")

FORMS = {
    "simple": lambda sql: [Step(query(sql))],
    "extended": lambda sql: [Step(group(sql), SYNC)],
    "named": lambda sql: [Step(group(sql, name="way"), SYNC), Step(query("DEALLOCATE way"))],
    "among_others": lambda sql: [Step(query(f"SELECT 1; {sql}; SELECT 2"))],
    "in_a_pipeline": lambda sql: [Step(group("SELECT 1"), group(sql), group("SELECT 2"), SYNC)],
}
ENDS = {
    "alone": lambda steps: steps,
    "committed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("COMMIT"))],
    "rolled_back": lambda steps: [Step(query("BEGIN")), *steps, Step(query("ROLLBACK"))],
    "to_a_savepoint": lambda steps: [Step(query("BEGIN; SAVEPOINT s")), *steps,
                                     Step(query("ROLLBACK TO s")), Step(query("COMMIT"))],
    "failed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("SELECT 1 / 0")),
                             Step(query("COMMIT"))],
    "then_discarded": lambda steps: [*steps, Step(query("DISCARD ALL"))],
}

ROLES = {
    "role": "SET ROLE deputy",
    "session_role": "SET SESSION ROLE deputy",
    "none": "SET ROLE NONE",
    "local": "SET LOCAL ROLE deputy",
    "set_config": "SELECT set_config('role', 'deputy', false)",
    "a_block": "DO $$ BEGIN SET ROLE deputy; END $$",
    "nobody": "SET ROLE nosuch",
    "reset": "RESET ROLE",
    "authorization": "SET SESSION AUTHORIZATION deputy",
    "its_default": "SET SESSION AUTHORIZATION DEFAULT",
    "reset_authorization": "RESET SESSION AUTHORIZATION",
}


@pytest.fixture
def gate(start_gate):
    return start_gate(route={"pool_size": 2, "lifo": False, "pins_allowed": False})


@pytest.fixture
def deputy(database):
    """The client may be anybody; one of them is deputy, who has a schema of his own."""
    database.execute("CREATE ROLE deputy; CREATE SCHEMA deputy AUTHORIZATION deputy;"
                     f"ALTER ROLE {database.user} SUPERUSER;"
                     "CREATE TABLE deputy.t AS SELECT 'deputy' AS whose;"
                     "CREATE TABLE public.t AS SELECT 'public' AS whose;"
                     "GRANT ALL ON ALL TABLES IN SCHEMA public, deputy TO public")
    yield
    database.execute(f"ALTER ROLE {database.user} NOSUPERUSER; DROP SCHEMA deputy CASCADE; DROP TABLE public.t; DROP ROLE deputy")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_role_follows(gate, database, deputy, form, end):
    table = Step(group("SELECT whose FROM t", name="t"), SYNC), Step(query("DEALLOCATE t"))
    for way in ROLES.values():
        steps = ENDS[end]([*FORMS[form](way), Step(WHO)])
        # The last round's role is the next one's, and may not be allowed to do what the first did.
        hold_twice(gate, database, [*steps, Step(WHO), *table, Step(query("RESET SESSION AUTHORIZATION")),
                                    Step(WHO)], rounds=2)


def test_what_a_role_that_is_gone_asked_for_is_not_done(gate, database):
    """The role can be taken on no other server: nothing runs there in its absence."""
    database.execute("CREATE ROLE passing; CREATE TABLE done (a int); GRANT ALL ON done TO public;"
                     f"GRANT passing TO {database.user}")
    login = (database.user, database.name, database.password)
    with Wire(gate.host, gate.port) as client, Wire(gate.host, gate.port) as other:
        client.login(*login)
        other.login(*login)
        client.ask("SET ROLE passing")
        database.execute("DROP ROLE passing")
        other.ask("SELECT 1")  # the other server, as they are handed out in turn
        other.ask("SELECT 1")  # puts right the one where the role was taken
        with pytest.raises((ServerError, ConnectionError)):
            client.ask("INSERT INTO done VALUES (1)")
    assert database.execute("SELECT count(*) FROM done") == [(0,)]


PREPARED = {
    "plain": "PREPARE p AS SELECT 1",
    "typed": "PREPARE p (int, text) AS SELECT $1 + 1, $2",
    "again": "PREPARE p AS SELECT 2",
    "quoted": "PREPARE \"P p\" AS SELECT 'a;b'",
    "effect": "PREPARE p AS INSERT INTO public.t VALUES (now()::text)",
    "wrong": "PREPARE p AS SELECT nosuch",
    "forgotten": "DEALLOCATE p",
    "all_forgotten": "DEALLOCATE ALL",
    "a_block": "DO $$ BEGIN EXECUTE 'PREPARE p AS SELECT 3'; END $$",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", [form for form in FORMS if form != "among_others"])
def test_a_statement_of_sql_follows(gate, database, form, end):
    database.execute("CREATE TABLE public.t (a text); GRANT ALL ON public.t TO public")
    look = [Step(query(f"SELECT {NAMES}")), Step(query("EXECUTE p")), Step(query("EXECUTE p(1, 'x')")),
            Step(query('EXECUTE "P p"')), Step(group("EXECUTE p"), SYNC)]
    for way in PREPARED.values():
        hold_twice(gate, database, [*ENDS[end](FORMS[form](way)), *look], rounds=2)


HELD = {
    "lock": ("SELECT pg_advisory_lock(7)", "SELECT pg_advisory_unlock(7)"),
    "two_locks": ("SELECT pg_advisory_lock(7), pg_advisory_lock_shared(8)", "SELECT pg_advisory_unlock_all()"),
    "tried": ("SELECT pg_try_advisory_lock(7)", "SELECT pg_advisory_unlock(7)"),
    "table": ("CREATE TEMP TABLE tt AS SELECT 1 AS a", "DROP TABLE tt"),
    "view": ("CREATE TEMP VIEW tt AS SELECT 1 AS a", "DROP VIEW tt"),
    "sequence": ("CREATE TEMP SEQUENCE tt", "DISCARD TEMP"),
    "function": ("CREATE FUNCTION pg_temp.tt() RETURNS int LANGUAGE sql AS 'SELECT 1'", "DROP FUNCTION pg_temp.tt()"),
    "into": ("SELECT 1 AS a INTO TEMP tt", "DROP TABLE tt"),
    "cursor": ("DECLARE tt CURSOR WITH HOLD FOR SELECT 1 UNION SELECT 2", "CLOSE tt"),
    "a_block": ("DO $$ BEGIN PERFORM pg_advisory_lock(7); CREATE TEMP TABLE tt (a int); END $$",
                "DO $$ BEGIN PERFORM pg_advisory_unlock(7); DROP TABLE tt; END $$"),
}
HELD_LOOK = query("SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), "
                  "to_regclass('tt')::text, (SELECT count(*) FROM pg_cursors WHERE is_holdable)")


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", ["simple", "extended", "among_others"])
def test_what_is_held_ties_until_it_is_given_back(start_gate, database, form, end):
    gate = start_gate(route={"pool_size": 2, "lifo": False})
    database.execute(f"GRANT CREATE, TEMP ON DATABASE {database.name} TO public")
    for taken, given_back in HELD.values():
        steps = [*ENDS[end](FORMS[form](taken)), Step(HELD_LOOK), *FORMS[form](given_back), Step(HELD_LOOK),
                 Step(query("SELECT pg_advisory_unlock_all()")), Step(query("DISCARD TEMP")), Step(query("CLOSE ALL"))]
        hold_twice(gate, database, steps, rounds=2)
    login = (database.user, database.name, database.password)
    with Wire(gate.host, gate.port) as one, Wire(gate.host, gate.port) as two:
        for client in (one, two):
            client.login(*login).ask("BEGIN")


def test_a_statement_of_sql_stays_as_it_was_read(start_gate, database):
    gate = start_gate(route={"pool_size": 2, "lifo": False})
    steps = [Step(query("SET TimeZone = 'UTC'")), Step(query("PREPARE q AS SELECT '2020-01-01 00:00'::timestamptz")),
             Step(query("SET TimeZone = 'Asia/Tokyo'")), *[Step(query("EXECUTE q"))] * 3,
             Step(query("DISCARD ALL"))]
    hold_twice(gate, database, steps, rounds=2)
