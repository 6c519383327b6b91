"""The console: PgBouncer's tables on the databases `pgbouncer` and `tidegate`."""
import asyncio
import subprocess

import asyncpg
import psycopg
import pytest

from harness.waiting import eventually

COLUMNS = {
    "POOLS": ["database", "user", "cl_active", "cl_waiting", "cl_active_cancel_req",
              "cl_waiting_cancel_req", "sv_active", "sv_active_cancel", "sv_being_canceled",
              "sv_idle", "sv_used", "sv_tested", "sv_login", "maxwait", "maxwait_us", "pool_mode"],
    "CLIENTS": ["type", "user", "database", "state", "addr", "port", "local_addr", "local_port",
                "connect_time", "request_time", "wait", "wait_us", "close_needed", "ptr", "link",
                "remote_pid", "tls", "application_name", "prepared_statements", "id"],
    "SERVERS": ["type", "user", "database", "state", "addr", "port", "local_addr", "local_port",
                "connect_time", "request_time", "wait", "wait_us", "close_needed", "ptr", "link",
                "remote_pid", "tls", "application_name", "prepared_statements", "id"],
    "STATS_TOTALS": ["database", "server_assignment_count", "xact_count", "query_count",
                     "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time",
                     "client_parse_count", "server_parse_count", "bind_count",
                     "client_login_count"],
    "STATS_AVERAGES": ["database", "server_assignment_count", "xact_count", "query_count",
                       "bytes_received", "bytes_sent", "xact_time", "query_time", "wait_time",
                       "avg_client_parse_count", "avg_server_parse_count", "avg_bind_count",
                       "avg_client_login_count"],
    "STATS": ["database", "total_server_assignment_count", "total_xact_count",
              "total_query_count", "total_received", "total_sent", "total_xact_time",
              "total_query_time", "total_wait_time"],
    "CONFIG": ["key", "value", "default", "changeable"],
}


def psql(gate, database, command, *options):
    return subprocess.run(["psql", "-X", "-A", *options, "-d", database, "-c", command],
                          env=gate.environment(), capture_output=True, text=True, timeout=30)


def table(gate, what, database="pgbouncer"):
    """Rows of SHOW `what` as dictionaries, as psql prints them."""
    done = psql(gate, database, f"SHOW {what}", "-F", "\t", "-P", "footer=off")
    assert done.returncode == 0, done.stderr
    header, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    return header, [dict(zip(header, row)) for row in rows]


@pytest.mark.parametrize("console", ["pgbouncer", "tidegate"])
@pytest.mark.parametrize("what", COLUMNS)
def test_a_driver_that_wants_binary_results_gets_them(gate, console, what):
    async def fetch():
        values = gate.parameters()
        connection = await asyncpg.connect(host=values["host"], port=values["port"],
                                           user=values["user"], password=values["password"],
                                           database=console, ssl=False)
        try:
            return await connection.fetch(f"SHOW {what}")
        finally:
            await connection.close()

    with gate.connect() as connection:
        connection.execute("SELECT 1")  # a server and a client to be shown
        fetched = asyncio.run(fetch())
        header, rows = table(gate, what, console)
    assert fetched and list(fetched[0].keys()) == header
    assert len(fetched) == len(rows)
    for steady in ("key", "value", "database", "user", "pool_mode", "port", "total_xact_count"):
        if steady in header and what != "CLIENTS":
            assert [str(row[steady]) for row in fetched] == [row[steady] for row in rows]


@pytest.mark.parametrize("console", ["pgbouncer", "tidegate"])
@pytest.mark.parametrize("what", COLUMNS)
def test_columns_come_in_pgbouncers_order(gate, what, console):
    header, _ = table(gate, what, console)
    expected = COLUMNS[what]
    assert [name for name in header if name in expected] == expected
    assert header[:2] == expected[:2]


@pytest.mark.parametrize("text", ["SHOW LISTS -- x", "/* a */ SHOW LISTS", "SHOW\t /* a */  LISTS ; ;",
                                  "-- x\nshow lists;\n"])
def test_comments_and_blanks_mean_nothing(gate, text):
    with gate.connect(dbname="pgbouncer") as console:
        assert dict(console.execute(text).fetchall())["databases"] == 1
        assert dict(psycopg.ClientCursor(console).execute(text).fetchall())["databases"] == 1


def test_version(gate):
    done = psql(gate, "pgbouncer", "SHOW VERSION", "-t")
    assert "tidegate" in (done.stdout + done.stderr).lower()


def test_pools_show_who_works_and_who_waits(start_gate, database, wire):
    gate = start_gate(route={"pool_size": 1})
    holder, waiter = wire(gate), wire(gate)
    holder.ask("BEGIN")
    waiter.send(b"Q\0\0\0\x0dSELECT 1\0")

    def pool():
        _, rows = table(gate, "POOLS")
        return next(row for row in rows if row["database"] == database.name)

    eventually(lambda: pool()["cl_waiting"] == "1", what="one waiting client")
    assert (pool()["sv_active"], pool()["pool_mode"]) == ("1", "transaction")
    holder.ask("COMMIT")
    assert waiter.answer() == [("1",)]
    eventually(lambda: pool()["sv_idle"] == "1", what="an idle server")


def test_pools_are_counted_one_by_one(start_gate, database, wire):
    """Two users of one database, logged in to it as themselves: two pools."""
    with database.postgres.connect() as connection:
        connection.execute("CREATE ROLE other LOGIN PASSWORD 'pw'")
    try:
        gate = start_gate(users={"other": {"password": "pw"}}, route={"ping_after": "1ms"})
        mine = [wire(gate) for _ in range(3)]
        mine[0].ask("BEGIN")
        with gate.connect(user="other", password="pw") as theirs:
            theirs.execute("SELECT 1")

            def pools():
                _, rows = table(gate, "POOLS")
                columns = ("cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_login")
                return {row["user"]: [int(row[column]) for column in columns] for row in rows
                        if row["database"] == database.name}

            # Idle for longer than ping_after is what PgBouncer calls used: checked before use.
            eventually(lambda: pools() == {"app": [3, 0, 1, 0, 0, 0], "other": [1, 0, 0, 0, 1, 0]},
                       what="each pool's own clients and servers")
            assert all(row["load_balance_hosts"] == "" for row in table(gate, "POOLS")[1])
            users = {row["name"]: (row["current_connections"], row["current_client_connections"])
                     for row in table(gate, "USERS")[1]}
            assert (users["app"], users["other"]) == (("1", "3"), ("1", "1"))
    finally:
        with database.postgres.connect() as connection:
            connection.execute("DROP ROLE other")


def test_servers_and_clients_name_the_real_ones(gate, database, wire):
    client = wire(gate, application_name="visible")
    (pid,), = client.ask("SELECT pg_backend_pid()")
    _, servers = table(gate, "SERVERS")
    assert pid in [row["remote_pid"] for row in servers if row["database"] == database.name]
    _, clients = table(gate, "CLIENTS")
    mine, = [row for row in clients if row["application_name"] == "visible"]
    assert (mine["user"], mine["database"]) == (database.user, database.name)


def test_stats_count(gate, database, wire):
    client = wire(gate)

    def counted():
        _, rows = table(gate, "STATS")
        row, = [row for row in rows if row["database"] == database.name]
        return int(row["total_query_count"]), int(row["total_xact_count"])

    client.ask("SELECT 1")
    queries, transactions = counted()
    client.ask("BEGIN")
    client.ask("SELECT 1")
    client.ask("COMMIT")
    assert counted() == (queries + 3, transactions + 1)


def test_pins_are_counted_by_reason_with_the_transactions_that_they_cost(gate, database, wire):
    client, other = wire(gate), wire(gate)

    def counted():
        return {row["reason"]: tuple(int(row[what]) for what in ("held", "pins", "transactions"))
                for row in table(gate, "PINS")[1] if row["database"] == database.name}

    for text in ("SELECT 1", "SELECT pg_advisory_lock(7)", "BEGIN", "SELECT 2", "COMMIT", "SELECT 3"):
        client.ask(text)
    other.ask("SELECT 1")
    assert counted() == {"advisory lock": (1, 1, 3)}
    client.ask("DISCARD ALL")
    client.ask("SELECT 1")
    client.ask("CREATE TEMPORARY TABLE t (a int)")
    locked = counted()
    assert locked["temporary table"] == (1, 1, 1) and locked["advisory lock"][:2] == (0, 1)


def test_config_shows_values_and_no_secrets(gate, database):
    header, rows = table(gate, "CONFIG")
    settings = {row["key"]: row["value"] for row in rows}
    assert settings["clients_max"].isdigit()
    assert database.password not in str(rows)
    assert {row["changeable"] for row in rows} == {"no"}


def test_unknown_commands_are_errors(gate):
    done = psql(gate, "pgbouncer", "SHOW NONSENSE")
    assert done.returncode != 0 and "ERROR" in done.stderr


@pytest.mark.parametrize("command", ["SHOW VERSION; SHOW POOLS", "SELECT 1; SHOW POOLS",
                                     "SHOW VERSION; nonsense", "SHOW POOLS no_such_thing"])
def test_what_is_not_done_is_an_error(gate, command):
    done = psql(gate, "pgbouncer", command)
    assert done.returncode != 0 and "ERROR" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("command", ["\\d", "\\l", "SELECT version()", "SELECT now(), 1", "RELOAD",
                                     "SHOW NONSENSE"])
def test_who_takes_it_for_a_database_is_told_what_it_is(gate, command):
    done = psql(gate, "tidegate", command)
    assert done.returncode != 0
    assert "console of Tidegate" in done.stderr and "SHOW HELP" in done.stderr
    assert "POOLS" in done.stderr and "n.nspname" not in done.stderr


@pytest.mark.parametrize("command", ["SET default_pool_size = 5", "SET pool_size TO 5",
                                     "set clients_max=5", "SET server_idle_timeout = '5'"])
def test_set_of_a_setting_of_the_pooler_is_an_error_that_says_how(gate, command):
    done = psql(gate, "pgbouncer", command)
    assert done.returncode != 0 and "SET" not in done.stdout
    assert "read at the start only" in done.stderr and ".toml and restart" in done.stderr
    with gate.connect(dbname="pgbouncer") as connection:
        with pytest.raises(psycopg.errors.CantChangeRuntimeParam):
            connection.execute(command)


def test_set_of_what_nobody_knows_is_the_error_of_postgresql(gate):
    with gate.connect(dbname="pgbouncer") as connection:
        for command in ("SET nonsense = 1", "SET SESSION nonsense TO 1", "SET app.user_id = 1"):
            with pytest.raises(psycopg.errors.UndefinedObject, match="unrecognized configuration"):
                connection.execute(command)


@pytest.mark.parametrize("command", [
    "SET extra_float_digits = 3", "SET application_name='x'", "set client_encoding to 'UTF8'",
    "SET SESSION statement_timeout TO 0", "SET DateStyle=ISO", "SET TIME ZONE 'UTC'",
    "SET NAMES 'utf8'", "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"])
def test_what_drivers_set_at_login_is_let_pass(gate, command):
    with gate.connect(dbname="pgbouncer") as connection:
        assert connection.execute(command).statusmessage == "SET"


def test_health_checks_are_answered(gate):
    for statement in ("SELECT 1", "select 1;"):
        done = psql(gate, "pgbouncer", statement, "-t")
        assert (done.returncode, done.stdout.strip()) == (0, "1"), done.stderr
    with gate.connect(dbname="pgbouncer") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_help_names_what_there_is(gate):
    done = psql(gate, "pgbouncer", "SHOW HELP")
    assert done.returncode == 0 and "UPSTREAMS" in done.stderr
    assert psql(gate, "pgbouncer", "SHOW POOLS").stdout == psql(gate, "pgbouncer", "SELECT pools").stdout


def test_what_drivers_ask_of_any_server_is_answered(gate):
    for setting, value in (("TimeZone", "GMT"), ("standard_conforming_strings", "on"),
                           ("transaction_isolation", "read committed")):
        assert psql(gate, "pgbouncer", f"SHOW {setting}", "-t").stdout.strip() == value


def test_who_is_no_admin_is_turned_away(start_gate, database):
    gate = start_gate(top={"admin_users": ["somebody_else"]})
    done = psql(gate, "pgbouncer", "SHOW POOLS")
    assert done.returncode != 0 and "FATAL" in done.stderr


def test_upstreams_show_budget_and_moves(gate, database, wire):
    clients = [wire(gate) for _ in range(30)]  # so many are shared out among both workers
    for client in clients:
        client.ask("SELECT 1")
    row, = table(gate, "UPSTREAMS")[1]
    assert (row["upstream"], row["budget"]) == ("main", "20")
    assert 1 <= int(row["servers"]) <= 5 and int(row["opened"]) >= int(row["servers"])
    assert int(row["assigned"]) >= len(clients)
    assert 0 < int(row["moved"]) < int(row["assigned"])


def test_workers_show_who_does_what(gate, wire):
    clients = [wire(gate) for _ in range(4)]
    for client in clients:
        client.ask("SELECT 1")
    _, rows = table(gate, "WORKERS")
    assert [row["worker"] for row in rows] == ["0", "1"]
    assert sum(int(row["clients"]) for row in rows) == len(clients) + 1  # psql itself
    assert sum(int(row["accepts"]) for row in rows) >= len(clients) + 1
    assert all(int(row["turns"]) > 0 and row["accepts_shed"] == "0" for row in rows)


def test_averages_are_of_the_last_whole_period(start_gate, database, wire):
    gate = start_gate(top={"stats_period": "2s"})
    client = wire(gate)
    for _ in range(100):
        client.ask("SELECT 1")

    def stats():
        _, rows = table(gate, "STATS")
        row, = [row for row in rows if row["database"] == database.name]
        return int(row["total_query_count"]), int(row["avg_query_count"])

    total, _ = stats()
    assert total >= 100
    # They began in this period or in the one before, and are over after one more.
    eventually(lambda: stats()[1] > 0, what="a period with queries")
    assert stats()[1] <= 50
    eventually(lambda: stats() == (total, 0), what="a period without")
