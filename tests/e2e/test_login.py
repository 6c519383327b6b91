"""Logging in: TLS, SCRAM and the other methods on both sides, and everything that is refused."""
import socket
import struct
import subprocess

import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import GSSENC_REQUEST, SSL_REQUEST, ServerError, Wire, message, string


def refusal(gate, database, user=None, name=None, password=None, **parameters):
    with Wire(gate.host, gate.port) as client:
        with pytest.raises(ServerError) as caught:
            client.login(user or database.user, name or database.name,
                         password or database.password, **parameters)
        assert client.at_end()
    return caught.value


def test_scram_on_both_sides(gate, database):
    with gate.connect() as connection:
        row = connection.execute("SELECT current_user, current_database()").fetchone()
        assert row == (database.user, database.name)


@pytest.mark.parametrize("ssl_mode", ["require", "verify-full"])
def test_tls_on_both_sides(start_gate, database, ssl_mode):
    gate = start_gate(tls={"sslmode": "require"},
                      upstream={"sslmode": ssl_mode,
                                "tls_ca_file": str(database.postgres.certificate)})
    with gate.connect(sslmode="require") as connection:
        assert connection.pgconn.ssl_in_use
        encrypted, = connection.execute(
            "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        assert encrypted


@pytest.mark.parametrize("replication, name", [("database", None), ("true", "nowhere"), ("1", None)])
def test_a_replication_connection_is_told_to_go_past_the_pooler(gate, database, replication, name):
    """Also one of the physical kind, whose database (by default: the user's name) means nothing."""
    error = refusal(gate, database, name=name, replication=replication)
    assert error.sqlstate == "0A000"
    assert error.fields["M"] == ("replication connections cannot be pooled: connect to the database "
                                 "directly, past the pooler")


def test_a_client_that_says_it_does_not_replicate_is_let_in(gate, database):
    with gate.connect(replication="false") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_plain_client_is_refused_where_tls_is_required(start_gate, database):
    gate = start_gate(tls={"sslmode": "require"})
    assert refusal(gate, database).sqlstate == "28000"


def test_upstream_certificate_is_verified(start_gate, database, tmp_path):
    other = tmp_path / "other.crt"
    make_certificate(other, tmp_path / "other.key")
    gate = start_gate(upstream={"sslmode": "verify-full", "tls_ca_file": str(other)},
                      route={"pool_timeout": "3s"})
    with pytest.raises(psycopg.OperationalError):
        with gate.connect() as connection:
            connection.execute("SELECT 1")
    assert database.servers() == []


def make_certificate(certificate, key):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=other",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)


def test_bytes_sent_ahead_of_the_tls_handshake_are_refused(start_gate, database):
    gate = start_gate(tls={"sslmode": "require"})
    with Wire(gate.host, gate.port) as client:
        client.socket.sendall(SSL_REQUEST + struct.pack("!II", 9, 196608) + b"\0")
        assert client.at_end()


def test_wrong_password_and_unknown_user_look_alike(gate, database):
    wrong = refusal(gate, database, password="not this one")
    unknown = refusal(gate, database, user="nobody")
    assert wrong.sqlstate == unknown.sqlstate == "28P01"
    assert wrong.severity == unknown.severity == "FATAL"
    assert (wrong.fields["M"].replace(database.user, "USER")
            == unknown.fields["M"].replace("nobody", "USER"))


def test_unknown_user_is_asked_for_a_proof_like_any_other(gate, database):
    methods = []
    for user in (database.user, "nobody", "nobody"):
        with Wire(gate.host, gate.port) as client:
            client.send_startup(user=user, database=database.name)
            methods.append(client.receive())
    assert methods[0] == methods[1] == methods[2]


def what_is_heard(gate, user, name):
    """Every message to a client with a wrong password, without what is drawn by lot or is its name."""
    with Wire(gate.host, gate.port) as client:
        client.send_startup(user=user, database=name)
        scram, heard = None, []
        while not heard or heard[-1][0] == "R":
            kind, payload = client.receive()
            method = payload[3] if kind == "R" else None
            drawn = {5: payload[4:], 11: payload[4:].rsplit(b",", 1)[0]}.get(method, b"")
            heard.append((kind, payload.replace(drawn, b"").replace(user.encode(), b"USER")))
            if kind == "R":
                scram = client.authenticate(payload, user, "wrong", scram)
        assert client.at_end()
    return heard


@pytest.mark.parametrize("auth_type", ["scram-sha-256", "md5", "cleartext", "stored"])
def test_a_damaged_stored_secret_tells_a_stranger_nothing(start_gate, database, tmp_path, auth_type):
    """What is wrong is the operator's to know: the log has it, and the client hears a wrong password."""
    stored = tmp_path / "users.txt"
    stored.write_text('"hurt" "SCRAM-SHA-256$4096:c2FsdA==$x:y"\n')
    gate = start_gate(more={"auth": {"type": auth_type, "file": str(stored), "cleartext_over_plain": True}})
    hurt = what_is_heard(gate, "hurt", database.name)
    assert hurt[-1][0] == "E" and b"C28P01" in hurt[-1][1]
    assert hurt == what_is_heard(gate, "nobody", database.name)
    line = eventually(lambda: next((line for line in gate.log().splitlines()
                                    if 'event="stored secret cannot be used"' in line), None),
                      what="the truth in the log")
    assert "level=warning" in line and "user=hurt" in line and "address=127.0.0.1:" in line
    assert "damaged" in line and "c2FsdA" not in line


def test_unknown_database(start_gate, database):
    error = refusal(start_gate(), database, name="no_such_database")
    assert (error.sqlstate, error.severity) == ("3D000", "FATAL")


def test_no_database_means_the_user_name(start_gate, database):
    gate = start_gate(users={database.name: {"password": "x"}},
                      upstream={"user": database.user, "password": database.password})
    with Wire(gate.host, gate.port) as client:
        client.send_startup(user=database.name)
        client.finish_login(database.name, "x")
        assert client.ask("SELECT current_database()") == [(database.name,)]


@pytest.mark.parametrize("stored", ["cleartext", "scram", "md5"])
def test_stored_secrets(start_gate, database, stored):
    with database.postgres.connect() as connection:
        connection.execute(f"SET password_encryption = '{'md5' if stored == 'md5' else 'scram-sha-256'}'")
        connection.execute("CREATE ROLE stored_once LOGIN PASSWORD 'pw'")
        secret, = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = 'stored_once'").fetchone()
        connection.execute("DROP ROLE stored_once")
    gate = start_gate(
        users={"stored_once": {"password": "pw" if stored == "cleartext" else secret}},
        upstream={"user": database.user, "password": database.password})
    with gate.connect(user="stored_once", password="pw") as connection:
        assert connection.execute("SELECT current_user").fetchone() == (database.user,)
    assert refusal(gate, database, user="stored_once", password="other").sqlstate == "28P01"


def test_trust_is_only_where_it_is_written_down(start_gate, database):
    gate = start_gate(users={"guest": {"trust": True}},
                      upstream={"user": database.user, "password": database.password})
    with gate.connect(user="guest", password="") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert refusal(gate, database, password="not this one").sqlstate == "28P01"


def test_wrong_server_password_is_not_the_clients_fault(start_gate, database):
    gate = start_gate(upstream={"user": database.user, "password": "hunter2"},
                      route={"pool_timeout": "3s"})
    with Wire(gate.host, gate.port) as client:
        with pytest.raises(ServerError) as caught:
            client.login(database.user, database.name, database.password)
            client.ask("SELECT 1")
    assert caught.value.sqlstate[:2] in ("08", "53")
    assert "hunter2" not in gate.log()


def test_gssenc_request_is_declined_and_tls_still_possible(start_gate, database):
    gate = start_gate(tls={"sslmode": "prefer"})
    with Wire(gate.host, gate.port) as client:
        client.send(GSSENC_REQUEST)
        assert client.receive_exactly(1) == b"N"
        client.start_tls()
        client.login(database.user, database.name, database.password)
        assert client.ask("SELECT 1") == [("1",)]


def test_newer_minor_protocol_is_negotiated_down(gate, database):
    with Wire(gate.host, gate.port) as client:
        client.send_startup(protocol=(3 << 16) + 2, user=database.user, database=database.name,
                            **{"_pq_.unheard_of": "1"})
        kind, payload = client.receive()
        assert kind == "v"
        newest, count = struct.unpack("!II", payload[:8])
        assert (newest & 0xFFFF, count) == (0, 1)
        assert payload[8:] == b"_pq_.unheard_of\0"
        client.finish_login(database.user, database.password)
        assert client.ask("SELECT 1") == [("1",)]


def test_other_major_protocol_is_refused(gate):
    with Wire(gate.host, gate.port) as client:
        client.send_startup(protocol=2 << 16, user="x", database="y")
        # Whoever speaks version 2 reads no error of version 3; that it is an error is all there is.
        assert client.receive_exactly(1) == b"E"
        assert client.at_end()


def test_login_needs_no_server(gate, database, warm):
    """The pool may be exhausted: who only logs in does not wait for it."""
    warm(gate, 5)
    holders = [gate.connect(autocommit=False) for _ in range(5)]
    for holder in holders:
        holder.execute("SELECT 1")
    with gate.connect(connect_timeout=5) as connection:
        assert connection.info.parameter_status("server_version").startswith("15")
    for holder in holders:
        holder.close()


def startup_packet(user):
    body = struct.pack("!I", 3 << 16) + string("user") + string(user) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


# How far a client may come before it says no more.
UNFINISHED = {"nothing": b"", "half a length": b"\0\0", "half a packet": struct.pack("!I", 100),
              "no TLS handshake": SSL_REQUEST,
              "half a TLS handshake": SSL_REQUEST + b"\x16\x03\x01\x02\x00",
              "no password": startup_packet("e2e_user")}


def begin(stranger, begun):
    if begun.startswith(SSL_REQUEST):
        stranger.sendall(SSL_REQUEST)
        assert stranger.recv(1) == b"S"  # nothing may come before this answer
        begun = begun[len(SSL_REQUEST):]
    stranger.sendall(begun)


def everything_told(stranger):
    told = b""
    try:
        while received := stranger.recv(4096):
            told += received
    except ConnectionResetError:
        pass
    return told


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_slow_login_is_ended(start_gate, begun):
    gate = start_gate(top={"client_login_timeout": "1s"}, tls={"sslmode": "allow"})
    descriptors = gate.descriptors()
    with socket.create_connection((gate.host, gate.port), timeout=15) as silent:
        begin(silent, begun)
        told = everything_told(silent)
        assert begun.startswith(SSL_REQUEST) or b"C08P01\0" in told
    eventually(lambda: gate.descriptors() <= descriptors, what="the end of the connection")


@pytest.mark.parametrize("begun", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_half_closed_during_login_is_ended_at_once(start_gate, begun):
    gate = start_gate(tls={"sslmode": "allow"})  # client_login_timeout is a minute
    descriptors = gate.descriptors()
    with socket.create_connection((gate.host, gate.port), timeout=15) as leaving:
        begin(leaving, begun)
        leaving.shutdown(socket.SHUT_WR)
        everything_told(leaving)
    eventually(lambda: gate.descriptors() <= descriptors, what="the end of the connection")


def test_unix_sockets_on_both_sides(start_gate, database, tmp_path_factory):
    directory = tmp_path_factory.mktemp("s")
    postgres = database.postgres
    gate = start_gate(listen=["127.0.0.1:0", str(directory)],
                      upstream={"host": [f"{postgres.socket_directory}:{postgres.port}"]})
    listening, = [address for address in gate.addresses if address.startswith("unix:")]
    port = listening.rsplit(".", 1)[1]
    with gate.connect(host=str(directory), port=port) as connection:
        over_socket, = connection.execute("SELECT inet_server_addr() IS NULL").fetchone()
        assert over_socket


def test_password_message_out_of_turn_is_a_protocol_error(gate, database):
    with Wire(gate.host, gate.port) as client:
        client.send_startup(user=database.user, database=database.name)
        client.receive()
        client.send(message("Q", string("SELECT 1")))
        kind, payload = client.receive()
        assert kind == "E"
        assert ServerError(payload).sqlstate == "08P01"
        assert client.at_end()
