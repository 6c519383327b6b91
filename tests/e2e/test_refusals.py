"""A server that cannot be had: its client hears why, in whose words, what to do about it, and soon.

Where trying again cannot help, nobody waits out a pool_timeout: in these gates that would be longer
than a test may take.
"""
import contextlib
import re
import socket
import threading

import pytest

from harness.forwarding import forward, pump
from harness.waiting import eventually
from harness.wire import ServerError, Wire, query

PATIENT = {"pool_timeout": "10min"}


def refusal(gate, database, **overrides):
    """The error that a client with the right password is told instead of being let in."""
    values = {"user": database.user, "database": database.name, "password": database.password,
              **overrides}
    with Wire(gate.host, gate.port) as client:
        with pytest.raises(ServerError) as caught:
            client.login(values["user"], values["database"], values["password"])
            client.ask("SELECT 1")
    return caught.value


def lines(gate, event):
    return [line for line in gate.log().splitlines() if f'event="{event}"' in line]


@contextlib.contextmanager
def role(database, name, options):
    with database.postgres.connect() as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'pw' {options}")
        try:
            yield
        finally:
            connection.execute(f"DROP OWNED BY {name}")
            connection.execute(f"DROP ROLE {name}")


def test_a_wrong_password_of_the_pooler_is_not_taken_for_the_clients(start_gate, database):
    gate = start_gate(upstream={"user": database.user, "password": "hunter2"}, route=PATIENT)
    error = refusal(gate, database)
    assert error.sqlstate == "08006", "28P01 would blame the client's own password"
    assert error.fields["M"] == ("the database refused the pooler's login: password authentication "
                                 f'failed for user "{database.user}"')
    assert "28P01" in error.fields["D"]
    assert "not about those that the client sent" in error.fields["H"]
    eventually(lambda: "sqlstate=28P01" in gate.log(), what="the code in the log")
    assert "password authentication failed" in gate.log() and "hunter2" not in gate.log()


def test_an_unknown_database_is_told_in_the_databases_words(start_gate, database):
    gate = start_gate(route={**PATIENT, "database": "no_such_shop"})
    error = refusal(gate, database)
    assert error.sqlstate == "3D000"
    assert error.fields["M"].endswith('login: database "no_such_shop" does not exist')
    assert "`database`" in error.fields["H"]
    line = eventually(lambda: lines(gate, "server could not be opened"), what="the log line")[0]
    assert "sqlstate=3D000" in line and "no_such_shop" in line


def test_a_missing_right_is_told(start_gate, database):
    with role(database, "no_right", ""):
        database.execute(f'REVOKE CONNECT ON DATABASE "{database.name}" FROM PUBLIC')
        gate = start_gate(upstream={"user": "no_right", "password": "pw"}, route=PATIENT)
        error = refusal(gate, database)
    assert error.sqlstate == "42501"
    assert "permission denied for database" in error.fields["M"]
    assert "CONNECT" in error.fields["H"]


def test_a_parameter_that_is_not_accepted_is_told(start_gate, database):
    gate = start_gate(route={**PATIENT, "parameters": {"search_pth": "x"}})
    error = refusal(gate, database)
    assert error.sqlstate == "42704"
    assert "search_pth" in error.fields["M"] and "`parameters`" in error.fields["H"]


@pytest.mark.parametrize("of", ["role", "database"])
def test_too_many_connections_are_waited_for_and_then_told(start_gate, database, of):
    with role(database, "crowded", "CONNECTION LIMIT 0" if of == "role" else ""):
        if of == "database":
            database.execute(f'ALTER DATABASE "{database.name}" CONNECTION LIMIT 0')
        gate = start_gate(upstream={"user": "crowded", "password": "pw"},
                          route={"pool_timeout": "1s"})
        error = refusal(gate, database)
    assert error.sqlstate == "53300"
    assert f"too many connections for {of}" in error.fields["M"]
    assert "CONNECTION LIMIT" in error.fields["H"]
    assert len(lines(gate, "server could not be opened")) > 1, "tried again until the deadline"


def test_a_database_that_still_starts_is_waited_for(start_gate, database, wire):
    """Something in its place says 57P03, and then the database is there."""
    with socket.create_server(("127.0.0.1", 0)) as front:
        gate = start_gate(upstream={"host": [f"127.0.0.1:{front.getsockname()[1]}"]}, route=PATIENT)
        answers = []
        asking = threading.Thread(target=lambda: answers.append(wire(gate).ask("SELECT 'up'")))
        asking.start()
        starting = (b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0")
        for _ in range(2):
            server, _ = front.accept()
            server.recv(4096)
            server.sendall(b"E" + (len(starting) + 4).to_bytes(4, "big") + starting)
            server.close()
        server, _ = front.accept()
        far = socket.create_connection((database.postgres.host, database.postgres.port))
        for source, sink in ((server, far), (far, server)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()
        asking.join(timeout=30)
        assert answers == [[("up",)]]
    eventually(lambda: "the database system is starting up" in gate.log(), what="the reason in the log")


def test_a_certificate_that_is_not_trusted_is_told_at_once(start_gate, database):
    gate = start_gate(upstream={"sslmode": "verify-full"}, route=PATIENT)
    error = refusal(gate, database)
    assert error.sqlstate == "08001"
    assert "certificate verify failed" in error.fields["M"]


def test_a_certificate_for_another_name_is_told_at_once(start_gate, database):
    """The certificate of the tests is for localhost and 127.0.0.1."""
    postgres = database.postgres
    gate = start_gate(upstream={"sslmode": "verify-full", "host": [f"127.0.0.2:{postgres.port}"],
                                "tls_ca_file": str(postgres.certificate)}, route=PATIENT)
    with socket.create_server(("127.0.0.2", postgres.port)) as front:
        stop = threading.Event()
        forwarding = threading.Thread(target=forward, args=(front, postgres, stop))
        forwarding.start()
        error = refusal(gate, database)
        stop.set()
        forwarding.join()
    assert "IP address mismatch" in error.fields["M"]
    assert "127.0.0.2" in error.fields["M"]



def test_no_tls_where_it_is_required_is_told_at_once(start_gate, database):
    with socket.create_server(("127.0.0.1", 0)) as front:
        gate = start_gate(upstream={"host": [f"127.0.0.1:{front.getsockname()[1]}"],
                                    "sslmode": "require"}, route=PATIENT)

        def refuse_tls():
            server, _ = front.accept()
            server.recv(8)
            server.sendall(b"N")
            server.recv(100)
            server.close()

        refusing = threading.Thread(target=refuse_tls)
        refusing.start()
        error = refusal(gate, database)
        refusing.join()
    assert error.sqlstate == "08001" and "sslmode" in error.fields["M"]


def test_a_name_that_is_none_is_told_at_once_and_named(start_gate, database):
    gate = start_gate(upstream={"host": ["db..invalid:5432"]}, route=PATIENT)
    error = refusal(gate, database)
    assert error.sqlstate == "08001"
    assert "cannot resolve db..invalid" in error.fields["M"]
    eventually(lambda: "cannot resolve db..invalid" in gate.log(), what="the reason in the log")


def test_a_second_host_is_waited_for_when_the_first_has_a_wrong_certificate(start_gate, database,
                                                                            wire):
    postgres = database.postgres
    with socket.create_server(("127.0.0.2", 0)) as front:
        gate = start_gate(upstream={
            "sslmode": "verify-full", "tls_ca_file": str(postgres.certificate),
            "host": [f"127.0.0.2:{front.getsockname()[1]}", f"127.0.0.1:{postgres.port}"]},
            route=PATIENT)
        stop = threading.Event()
        forwarding = threading.Thread(target=forward, args=(front, postgres, stop))
        forwarding.start()
        assert wire(gate).ask("SELECT 1") == [("1",)]
        stop.set()
        forwarding.join()
    eventually(lambda: "IP address mismatch" in gate.log(), what="the reason in the log")


def test_while_the_database_rests_clients_hear_the_reason_and_it_is_not_asked(start_gate, database):
    gate = start_gate(upstream={"user": database.user, "password": "wrong", "retry_first": "5min",
                                "retry_max": "5min"}, route=PATIENT)
    errors = [refusal(gate, database) for _ in range(5)]
    assert {error.fields["M"] for error in errors} == {errors[0].fields["M"]}
    assert "password authentication failed" in errors[0].fields["M"]
    eventually(lambda: len(lines(gate, "client refused")) == 5, what="five refusals in the log")
    assert len(lines(gate, "server could not be opened")) == 1


def test_a_session_that_needs_a_server_hears_the_databases_words(start_gate, database, wire):
    """Logged in long ago, when the database still let the pooler in."""
    with role(database, "renamed", ""):
        gate = start_gate(upstream={"user": "renamed", "password": "pw"},
                          route={**PATIENT, "idle_timeout": "1s"})
        client = wire(gate)
        assert client.ask("SELECT current_user") == [("renamed",)]
        database.execute("ALTER ROLE renamed NOLOGIN")
        eventually(lambda: not database.servers(), what="an idle server's end")
        client.send(query("SELECT 1"))
        with pytest.raises(ServerError) as caught:
            client.receive_until("Z")
    assert caught.value.sqlstate == "28000"
    assert 'role "renamed" is not permitted to log in' in caught.value.fields["M"]


def test_an_unreachable_database_is_named_when_the_wait_is_over(start_gate, database):
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound, never listening: connections are refused
        port = reserved.getsockname()[1]
        gate = start_gate(upstream={"host": [f"127.0.0.1:{port}"]}, route={"pool_timeout": "1s"})
        error = refusal(gate, database)
    assert error.sqlstate == "08001"
    assert f"127.0.0.1:{port}: Connection refused" in error.fields["M"]


# What the log says about clients


def test_a_failed_login_is_logged_with_its_address_user_and_database(start_gate, database):
    gate = start_gate()
    with Wire(gate.host, gate.port) as client:
        port = client.socket.getsockname()[1]
        with pytest.raises(ServerError):
            client.login("mallory", "vault", "guess")
    line, = eventually(lambda: lines(gate, "client refused"), what="the refusal in the log")
    for field in ("reason=wrong_password", "user=mallory", "database=vault",
                  f"address=127.0.0.1:{port}"):
        assert field in line, line


def test_a_client_that_leaves_in_the_middle_of_its_login_is_named(start_gate, database):
    gate = start_gate()
    with Wire(gate.host, gate.port) as client:
        client.send_startup(user="alice", database="shop")
        assert client.receive()[0] == "R"
        port = client.socket.getsockname()[1]
    line, = eventually(lambda: lines(gate, "client left"), what="its leaving in the log")
    for field in ("user=alice", "database=shop", f"address=127.0.0.1:{port}"):
        assert field in line, line


def test_a_client_refused_for_want_of_tls_is_named(start_gate, database):
    gate = start_gate(tls={"sslmode": "require"})
    with Wire(gate.host, gate.port) as client:
        client.send_startup(user="alice", database="shop")
        assert client.receive()[0] == "E"
    line, = eventually(lambda: lines(gate, "client refused"), what="the refusal in the log")
    assert "reason=tls_required" in line and "user=alice" in line and "database=shop" in line


def test_every_line_about_a_client_has_an_address(start_gate, database, wire):
    gate = start_gate(top={"clients_max": 1})
    client = wire(gate)
    refusal(gate, database)
    client.close()

    def about():
        return [line for line in gate.log().splitlines() if 'event="client ' in line]

    eventually(lambda: lines(gate, "client left") and len(about()) >= 3, what="its leaving in the log")
    assert [line for line in about() if not re.search(r"address=127\.0\.0\.1:\d+", line)] == []
