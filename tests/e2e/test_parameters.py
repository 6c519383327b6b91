"""Settings belong to the session: they follow a client from server to server and leak to nobody."""
import psycopg
import pytest

from harness.wire import SYNC, ServerError, Wire, bind, execute, parse, query


def show(connection, name):
    return connection.execute(f"SHOW {name}").fetchone()[0]


def test_startup_options_are_applied(gate):
    options = '-c statement_timeout=1234 -c search_path="app\\ one",public -c my.own=hello'
    with gate.connect(options=options) as connection:
        assert show(connection, "statement_timeout") == "1234ms"
        assert show(connection, "search_path") == '"app one",public'
        assert show(connection, "my.own") == "hello"


def test_startup_parameters_are_told_back_in_postgresql_spelling(gate, wire):
    client = wire(gate, client_encoding="utf-8", DateStyle="iso", TimeZone="europe/berlin",
                  application_name="teller", statement_timeout="2s")
    assert client.parameters["client_encoding"] == "UTF8"
    assert client.parameters["DateStyle"] == "ISO, MDY"
    assert client.parameters["TimeZone"] == "Europe/Berlin"
    assert client.parameters["application_name"] == "teller"
    assert client.ask("SHOW statement_timeout") == [("2s",)]


def test_everything_postgresql_reports_is_reported(gate, database, wire):
    with database.postgres.connect(database.name) as direct:
        names = ["server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone",
                 "IntervalStyle", "standard_conforming_strings", "integer_datetimes",
                 "is_superuser", "session_authorization"]
        expected = {name: direct.info.parameter_status(name) for name in names}
    client = wire(gate, client_encoding="UTF8")
    expected.update(is_superuser="off", session_authorization=database.user)
    assert {name: client.parameters.get(name) for name in names} == expected


def test_bad_startup_parameter_is_refused_like_postgresql_does(gate, wire):
    with pytest.raises(ServerError) as caught:
        client = wire(gate, statement_timeout="no number")
        client.ask("SELECT 1")
    assert caught.value.sqlstate == "22023"


def test_two_sessions_share_servers_without_sharing_settings(gate, warm):
    warm(gate)
    zones = {"Asia/Tokyo": "sql, dmy", "America/Lima": "german"}
    clients = {zone: gate.connect(application_name=zone) for zone in zones}
    for zone, client in clients.items():
        client.execute(f"SET TimeZone = '{zone}'")
        client.execute(f"SET DateStyle = '{zones[zone]}'")
    seen = set()
    for _ in range(20):
        for zone, client in clients.items():
            pid, tz, name = client.execute(
                "SELECT pg_backend_pid(), current_setting('TimeZone'),"
                " current_setting('application_name')").fetchone()
            assert (tz, name) == (zone, zone)
            assert client.info.parameter_status("TimeZone") == zone
            assert show(client, "DateStyle").upper().startswith(zones[zone].split(",")[0].upper())
            seen.add(pid)
    assert len(seen) > 1
    for client in clients.values():
        client.close()


def test_client_encoding_follows(gate, warm):
    warm(gate)
    latin, utf = gate.connect(client_encoding="LATIN1"), gate.connect()
    for _ in range(10):
        assert latin.execute("SELECT 'grün'").fetchone() == ("grün",)
        assert utf.execute("SELECT '水'").fetchone() == ("水",)
    with pytest.raises(psycopg.errors.UntranslatableCharacter):
        latin.execute("SELECT U&'\\6C34'")
    latin.close()
    utf.close()


@pytest.mark.parametrize("setting, value", [
    ("statement_timeout", "4321ms"), ("lock_timeout", "77ms"), ("search_path", "one, two"),
    ("default_transaction_isolation", "serializable"), ("work_mem", "1234kB"),
    ("my.custom", "custom"), ("extra_float_digits", "0")])
def test_settings_that_are_not_reported_last_too(gate, warm, setting, value):
    warm(gate)
    with gate.connect() as mine, gate.connect() as other:
        before = other.execute("SELECT current_setting(%s, true)", (setting,)).fetchone()
        mine.execute(f"SET {setting} = {value if ',' in value else repr(value)}")
        for _ in range(12):
            assert show(mine, setting) == value
            assert other.execute("SELECT current_setting(%s, true)",
                                 (setting,)).fetchone() in (before, ("",))


def test_set_local_ends_with_its_transaction(gate, warm):
    warm(gate)
    with gate.connect() as connection:
        with connection.transaction():
            connection.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
            assert show(connection, "TimeZone") == "Asia/Tokyo"
        for _ in range(6):
            assert show(connection, "TimeZone") != "Asia/Tokyo"


def test_set_in_a_rolled_back_transaction_is_undone(gate, warm):
    warm(gate)
    with gate.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        with pytest.raises(psycopg.errors.DivisionByZero), connection.transaction():
            connection.execute("SET TimeZone = 'America/Lima'")
            connection.execute("SET statement_timeout = 99")
            connection.execute("SELECT 1 / 0")
        for _ in range(6):
            assert show(connection, "TimeZone") == "Asia/Tokyo"
            assert show(connection, "statement_timeout") == "0"


def test_reset_and_discard(gate, warm):
    warm(gate)
    with gate.connect(options="-c TimeZone=Asia/Tokyo") as connection:
        connection.prepare_threshold = None  # psycopg does not expect DISCARD ALL
        for undo in ("RESET TimeZone", "RESET ALL", "DISCARD ALL", "SET TimeZone TO DEFAULT"):
            connection.execute("SET TimeZone = 'America/Lima'")
            assert show(connection, "TimeZone") == "America/Lima"
            connection.execute(undo)
            for _ in range(6):
                assert show(connection, "TimeZone") == "Asia/Tokyo", undo


STARTUP = {"TimeZone": "Asia/Tokyo", "application_name": "résumé app", "statement_timeout": "5s",
           "search_path": '"app one", public', "my.own": "hello", "DateStyle": "german"}
SET_ALL = ("SET TimeZone = 'America/Lima'; SET application_name = 'other'; SET DateStyle = 'ISO'")
LOOK = ("SELECT current_setting('TimeZone'), current_setting('application_name'),"
        " current_setting('statement_timeout'), current_setting('search_path'),"
        " current_setting('my.own'), current_setting('DateStyle')")
RESETS = {
    "reset": [query("RESET timezone"), query("RESET TIME ZONE"), query("RESET my.own"),
              query("RESET search_path"), query("RESET statement_timeout")],
    "set to default": [query("SET DateStyle TO DEFAULT"), query("SET TIME ZONE LOCAL"),
                       query("SET SESSION application_name = DEFAULT")],
    "set local": [query("BEGIN; SET LOCAL TimeZone TO DEFAULT; " + LOOK), query("COMMIT"),
                  query("SET LOCAL TimeZone TO DEFAULT")],
    "reset all": [query("RESET ALL")],
    "discard all": [query("DISCARD ALL")],
    "several statements": [query(f"SELECT 1; RESET ALL; {LOOK}; SET TimeZone = 'UTC'")],
    "a driver's reset": [query("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;")],
    "rolled back": [query("BEGIN"), query("RESET ALL"), query(LOOK), query("ROLLBACK")],
    "committed": [query("BEGIN"), query("RESET ALL"), query("COMMIT")],
    "first in its transaction": [query("BEGIN; RESET TimeZone; SET TRANSACTION ISOLATION LEVEL"
                                       " SERIALIZABLE"), query("COMMIT")],
    "failed": [query("BEGIN"), query("SELECT 1 / 0"), query("RESET ALL"), query("ROLLBACK")],
    "several that fail": [query("RESET ALL; SELECT 1 / 0"), query("RESET ALL; SELEC 1"),
                          query("RESET ALL; SELECT nothing")],
    "discarded in a transaction": [query("BEGIN"), query("DISCARD ALL"), query("ROLLBACK"),
                                   query("SELECT 1; DISCARD ALL")],
    "extended": [b"".join([parse("", text), bind("", ""), execute(), parse("", LOOK), bind("", ""),
                           execute(), SYNC])
                 for text in ("RESET TimeZone", "RESET ALL", "DISCARD ALL")],
    "extended that fails": [b"".join([parse("", "RESET ALL"), bind("", ""), execute(),
                                      parse("", "SELECT 1 / 0"), bind("", ""), execute(), SYNC])],
    "prepared": [parse("r", "RESET ALL") + SYNC, bind("p", "r") + execute("p") + SYNC],
}


def without_source_lines(messages):
    """PostgreSQL's messages but for the place in its source code that an error came from."""
    return [(kind, b"\0".join(field for field in payload.split(b"\0") if field[:1] not in b"FLR"))
            if kind in "EN" else (kind, payload) for kind, payload in messages]


@pytest.mark.parametrize("requests", RESETS.values(), ids=RESETS.keys())
def test_reset_looks_as_it_does_directly(gate, database, wire, warm, requests):
    warm(gate)
    direct = Wire(database.postgres.host, database.postgres.port)
    direct.login(database.user, database.name, database.password, **STARTUP)
    pooled = wire(gate, **STARTUP)
    with direct:
        for request in [query(SET_ALL), *requests, query(LOOK), query(LOOK)]:
            said = []
            for client in (direct, pooled):
                client.send(request)
                said.append(without_source_lines(client.receive_until("Z")))
            assert said[1] == said[0], request


def test_set_config_and_multi_statements_are_noticed(gate, warm):
    warm(gate)
    with gate.connect() as mine, gate.connect() as other:
        mine.execute("SELECT set_config('TimeZone', 'Asia/Tokyo', false)")
        mine.execute("SELECT 1; SET lock_timeout = 55; SELECT 2")
        for _ in range(10):
            assert show(mine, "TimeZone") == "Asia/Tokyo"
            assert show(mine, "lock_timeout") == "55ms"
            assert show(other, "TimeZone") != "Asia/Tokyo"
            assert show(other, "lock_timeout") == "0"


@pytest.mark.parametrize("call", ["DO $$ BEGIN PERFORM sneaky(); END $$", "CALL sneak()"])
def test_what_an_opaque_statement_leaves_reaches_no_other_session(start_gate, database, wire, call):
    database.execute("""
        CREATE FUNCTION sneaky() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
          PERFORM set_config('search_path', 'sneaked', false);
          PERFORM set_config('TimeZone', 'Asia/Tokyo', false);
          PERFORM pg_advisory_lock(9);
          CREATE TEMP TABLE sneaked ();
        END $$;
        CREATE PROCEDURE sneak() LANGUAGE sql AS 'SELECT public.sneaky()'""")
    gate = start_gate(route={"pool_size": 2, "lifo": False})
    mine, other = wire(gate), wire(gate, statement_timeout="9s")
    look = ("SELECT current_setting('search_path'), current_setting('TimeZone'),"
            " current_setting('statement_timeout'), to_regclass('pg_temp.sneaked'),"
            " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())")
    before = other.ask(look)
    mine.ask(call)
    for _ in range(3):
        assert other.ask(look) == before
        # It is the session's, which keeps the server that has the lock and the table.
        assert mine.ask(look) == [("sneaked", "Asia/Tokyo", "0", "sneaked", "1")]
    mine.ask("SELECT pg_advisory_unlock(9); DROP TABLE pg_temp.sneaked")
    for _ in range(3):
        assert other.ask(look) == before
        assert mine.ask(look) == [("sneaked", "Asia/Tokyo", "0", None, "0")]


def test_what_a_reset_needs_is_seen_nowhere(gate, wire):
    client = wire(gate, TimeZone="Asia/Tokyo")
    client.ask("BEGIN")
    for reset in ("RESET ALL", "SET TimeZone TO DEFAULT"):
        client.ask(reset)
        assert client.ask("SELECT name FROM pg_cursors") == []
        assert client.ask("SELECT name FROM pg_prepared_statements"
                          " WHERE statement ILIKE 'set%'") == []
    assert client.ask("SHOW TimeZone") == [("Asia/Tokyo",)]


def test_role_reaches_no_other_session(gate, database, warm):
    database.execute("CREATE ROLE deputy")
    database.execute(f"GRANT deputy TO {database.user}")
    try:
        warm(gate)
        with gate.connect() as mine, gate.connect() as other:
            mine.execute("SET ROLE deputy")
            for _ in range(10):
                assert mine.execute("SELECT current_user").fetchone() == ("deputy",)
                assert other.execute("SELECT current_user").fetchone() == (database.user,)
    finally:
        database.execute("DROP ROLE deputy")


def test_temporary_tables_stay_with_their_session(gate, warm):
    warm(gate)
    with gate.connect() as mine, gate.connect() as other:
        mine.execute("CREATE TEMPORARY TABLE scratch AS SELECT 42 AS answer")
        for _ in range(8):
            assert mine.execute("SELECT answer FROM scratch").fetchone() == (42,)
            with pytest.raises(psycopg.errors.UndefinedTable):
                other.execute("SELECT * FROM scratch")


def test_advisory_locks_stay_with_their_session(gate, warm):
    warm(gate)
    with gate.connect() as mine, gate.connect() as other:
        mine.execute("SELECT pg_advisory_lock(7)")
        for _ in range(8):
            assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (False,)
        assert mine.execute("SELECT pg_advisory_unlock(7)").fetchone() == (True,)
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)


def test_listen_and_notify(gate, warm):
    warm(gate)
    with gate.connect() as listener, gate.connect() as speaker:
        listener.execute("LISTEN news")
        speaker.execute("NOTIFY news, 'high water'")
        notification = next(listener.notifies())
        assert (notification.channel, notification.payload) == ("news", "high water")


def test_a_set_that_fails_does_not_let_the_insert_behind_it_go_astray(gate, database, wire):
    database.execute(f"CREATE TABLE t (n int); GRANT ALL ON t TO {database.user}")
    client = wire(gate)
    client.send(parse("", "SET TimeZone = 'Nowhere/Land'"), bind("", ""), execute(),
                parse("", "INSERT INTO t VALUES (1)"), bind("", ""), execute(), SYNC)
    with pytest.raises(ServerError) as caught:
        client.answer()
    assert caught.value.sqlstate == "22023"
    assert database.execute("SELECT count(*) FROM t") == [(0,)]


def test_a_startup_value_is_read_as_a_fresh_server_reads_it(start_gate, wire):
    """DateStyle=ISO keeps the order of what was set before, which must not be another client's."""
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    assert wire(gate, DateStyle="SQL, DMY").ask("SHOW DateStyle") == [("SQL, DMY",)]
    assert wire(gate, DateStyle="ISO").ask("SHOW DateStyle") == [("ISO, MDY",)]


def test_a_startup_value_is_read_behind_no_block(start_gate, wire, database):
    """A role that a DO block left may not set what the client asks for."""
    database.execute("CREATE ROLE nobody_much; CREATE SCHEMA hidden;"
                     f" GRANT nobody_much TO {database.user}")
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    try:
        wire(gate).ask("DO $$ BEGIN SET role = nobody_much; SET statement_timeout = '70s'; END $$")
        client = wire(gate, work_mem="1MB")
        assert client.ask("SELECT current_user, current_setting('work_mem'),"
                          " current_setting('statement_timeout')") == [(database.user, "1MB", "0")]
    finally:
        database.execute("DROP ROLE nobody_much")


def test_what_discard_all_goes_back_to_outlives_an_error_behind_it(gate, database, wire):
    """PostgreSQL commits it at once, also in the middle of a pipeline."""
    startup = {"TimeZone": "Asia/Kabul", "search_path": "mine", "application_name": "mine"}
    answers = []
    with Wire(database.postgres.host, database.postgres.port) as direct:
        direct.login(database.user, database.name, database.password, **startup)
        for client in (direct, wire(gate, **startup)):
            client.ask("SET TimeZone = 'UTC'")
            for sql in ("DISCARD ALL", "SELECT 1 / 0"):
                client.send(parse("", sql), bind("", ""), execute())
            client.send(SYNC)
            with pytest.raises(ServerError) as caught:
                client.answer()
            assert caught.value.sqlstate == "22012"
            answers.append([client.ask(f"SHOW {name}") for name in startup])
    assert answers[1] == answers[0]
    assert answers[0] == [[("Asia/Kabul",)], [("mine",)], [("mine",)]]


def test_set_config_for_one_transaction_pins_nothing(start_gate, wire):
    """How PostgREST and many row-security applications say whose request it is."""
    gate = start_gate(route={"pool_size": 1, "pins_allowed": False})
    clients = {name: wire(gate) for name in ("ann", "bob")}
    for _ in range(3):
        for name, client in clients.items():
            client.send(query("BEGIN"), parse("", "SELECT set_config('app.user', $1, true)"),
                        bind("", "", name.encode()), execute(), SYNC)
            client.answer()
            assert client.answer() == [(name,)]
            assert client.ask("SELECT current_setting('app.user')") == [(name,)]
            client.ask("COMMIT")
            assert client.ask("SELECT current_setting('app.user', true)")[0][0] in (None, "")
