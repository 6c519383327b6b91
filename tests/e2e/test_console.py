"""The console: PgBouncer's tables on the databases `pgbouncer` and `tidegate`."""
import subprocess

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
def test_columns_come_in_pgbouncers_order(gate, what, console):
    header, _ = table(gate, what, console)
    expected = COLUMNS[what]
    assert [name for name in header if name in expected] == expected
    assert header[:2] == expected[:2]


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


def test_config_shows_values_and_no_secrets(gate, database):
    header, rows = table(gate, "CONFIG")
    settings = {row["key"]: row["value"] for row in rows}
    assert settings["clients_max"].isdigit()
    assert database.password not in str(rows)


def test_unknown_commands_are_errors(gate):
    done = psql(gate, "pgbouncer", "SHOW NONSENSE")
    assert done.returncode != 0 and "ERROR" in done.stderr


def test_who_is_no_admin_is_turned_away(start_gate, database):
    gate = start_gate(top={"admin_users": ["somebody_else"]})
    done = psql(gate, "pgbouncer", "SHOW POOLS")
    assert done.returncode != 0 and "FATAL" in done.stderr
