"""Settings belong to the session: they follow a client from server to server and leak to nobody."""
import psycopg
import pytest

from harness.wire import parse, bind, execute, SYNC, ServerError


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
