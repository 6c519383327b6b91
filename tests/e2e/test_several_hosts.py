"""An upstream of several hosts, of which one lets nobody in: what it says is not yet the last word."""
import contextlib
import socket
import threading

import pytest

from harness.forwarding import pump
from harness.waiting import eventually
from harness.wire import ServerError, Wire

PATIENT = {"pool_timeout": "10min"}
NO_SUCH_DATABASE = b'SFATAL\0VFATAL\0C3D000\0Mdatabase "shop" does not exist\0\0'


@contextlib.contextmanager
def a_host_that_refuses():
    """Yields its address and the list of the attempts it has refused."""
    attempts = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def refuse():
            while True:
                try:
                    server, _ = listener.accept()
                except OSError:
                    return
                with server:
                    attempts.append(server.recv(4096))
                    length = len(NO_SUCH_DATABASE) + 4
                    server.sendall(b"E" + length.to_bytes(4, "big") + NO_SUCH_DATABASE)

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", attempts
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def address(database):
    return f"{database.postgres.host}:{database.postgres.port}"


def ask_together(gate, count, statement):
    """What `count` clients that come at the same time are answered, or the error they are told."""
    answers = []
    together = threading.Barrier(count)

    def one():
        together.wait()
        with Wire(gate.host, gate.port) as client:
            try:
                client.login(gate.defaults["user"], gate.defaults["dbname"],
                             gate.defaults["password"])
                answers.append(client.ask(statement))
            except ServerError as error:
                answers.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_cold_start_survives_a_host_that_lets_nobody_in(start_gate, database):
    with a_host_that_refuses() as (refusing, attempts):
        gate = start_gate(upstream={"host": [refusing, address(database)]}, route=PATIENT)
        assert ask_together(gate, 8, "SELECT 1") == [[("1",)]] * 8
    assert attempts, "nobody asked the host that refuses"


def test_a_login_that_is_under_way_is_waited_for(start_gate, database):
    """Both attempts go to the same host; the second is let in, after the first was refused."""
    postgres = database.postgres
    with socket.create_server(("127.0.0.1", 0)) as front:
        gate = start_gate(upstream={"host": [f"127.0.0.1:{front.getsockname()[1]}"]}, route=PATIENT)
        answers = []
        asking = threading.Thread(target=lambda: answers.extend(ask_together(gate, 2, "SELECT 1")))
        asking.start()
        refused, _ = front.accept()
        let_in, _ = front.accept()
        refused.recv(4096)
        length = len(NO_SUCH_DATABASE) + 4
        refused.sendall(b"E" + length.to_bytes(4, "big") + NO_SUCH_DATABASE)
        refused.close()
        eventually(lambda: "sqlstate=3D000" in gate.log(), what="the refusal in the log")
        with socket.create_connection((postgres.host, postgres.port)) as far, let_in:
            pumps = [threading.Thread(target=pump, args=ends, daemon=True)
                     for ends in ((let_in, far), (far, let_in))]
            for one in pumps:
                one.start()
            asking.join(timeout=30)
            assert answers == [[("1",)]] * 2


def test_what_every_host_says_is_told_at_once(start_gate, database):
    with a_host_that_refuses() as (one, first), a_host_that_refuses() as (other, second):
        gate = start_gate(upstream={"host": [one, other]}, route=PATIENT)
        answers = ask_together(gate, 1, "SELECT 1")
        assert isinstance(answers[0], ServerError) and answers[0].sqlstate == "3D000"
        assert len(first) == len(second) == 1


def is_secured(gate):
    with gate.connect() as connection:
        return connection.execute(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()[0]


@pytest.mark.parametrize("path", ["/nowhere:5599", "@nowhere:5599"])
def test_a_unix_socket_in_the_list_takes_no_tls_from_the_others(start_gate, database, path):
    gate = start_gate(upstream={"host": [path, address(database)], "sslmode": "require"})
    assert is_secured(gate)


def test_a_unix_socket_behind_other_hosts_needs_no_tls(start_gate, database):
    postgres = database.postgres
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = f"127.0.0.1:{listener.getsockname()[1]}"
    gate = start_gate(upstream={"host": [closed, f"{postgres.socket_directory}:{postgres.port}"],
                                "sslmode": "require"})
    assert not is_secured(gate)
