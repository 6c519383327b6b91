"""TLS towards clients: verified, resumed, bound to the login, and never begun behind early data."""
import socket
import ssl
import struct

import psycopg
import pytest

from harness.authority import EC, RSA, Authority
from harness.waiting import eventually
from harness.wire import GSSENC_REQUEST, SSL_REQUEST, ServerError, Wire, query, string

VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def start_tls_gate(start_gate, authority):
    def start(sslmode="require", kind=EC, digest="-sha256", names="DNS:localhost,IP:127.0.0.1",
              **tls):
        certificate, key = authority.issue("server", kind, digest, names)
        return start_gate(tls={"sslmode": sslmode, "cert_file": str(certificate),
                               "key_file": str(key), **tls})
    return start


@pytest.fixture
def tls_gate(start_tls_gate):
    return start_tls_gate()


def verified(authority, **more):
    return {"sslmode": "verify-full", "sslrootcert": str(authority.certificate),
            "host": "localhost", "hostaddr": "127.0.0.1", **more}


def context_of(authority, version=None):
    context = ssl.create_default_context(cafile=authority.certificate)
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("binding", ["require", "disable"])
def test_psycopg_verifies_and_binds(tls_gate, authority, version, binding):
    options = verified(authority, ssl_min_protocol_version=version,
                       ssl_max_protocol_version=version, channel_binding=binding)
    with tls_gate.connect(**options) as connection:
        assert connection.pgconn.ssl_in_use
        for number in range(10):
            assert connection.execute("SELECT %s::int", (number,)).fetchone() == (number,)
        large, = connection.execute("SELECT repeat('x', 5000000)").fetchone()
        assert len(large) == 5_000_000


@pytest.mark.parametrize("kind, digest", [(RSA, "-sha256"), (RSA, "-sha512"), (EC, "-sha384")],
                         ids=["rsa-sha256", "rsa-sha512", "ec-sha384"])
def test_trap23_the_login_is_bound_to_any_certificate(start_tls_gate, authority, kind, digest):
    """The hash of the binding is that of the certificate's signature (RFC 5929, 4.1)."""
    gate = start_tls_gate(kind=kind, digest=digest)
    with gate.connect(**verified(authority, channel_binding="require")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_trap23_no_binding_is_offered_without_tls(start_tls_gate, database):
    gate = start_tls_gate(sslmode="allow")
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        gate.connect(sslmode="disable", channel_binding="require")
    for secured, expected in ((False, [b"SCRAM-SHA-256"]),
                              (True, [b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"])):
        with Wire(gate.host, gate.port) as client:
            if secured:
                client.start_tls()
            client.send_startup(user=database.user, database=database.name)
            kind, payload = client.receive()
            assert kind == "R"
            assert payload[4:].split(b"\0")[:-2] == expected


@pytest.mark.parametrize("flag, secured, taken", [("n", True, True), ("y", True, False),
                                                  ("n", False, True), ("y", False, True)])
def test_trap23_who_was_told_of_no_binding_was_lied_to(start_tls_gate, database, flag, secured,
                                                       taken):
    """"y" says that we offered none. Over TLS we did, so somebody between us took it away."""
    gate = start_tls_gate(sslmode="allow")
    with Wire(gate.host, gate.port) as client:
        if secured:
            client.start_tls()
        client.gs2_flag = flag
        if taken:
            client.login(database.user, database.name, database.password)
            assert client.ask("SELECT 1") == [("1",)]
        else:
            with pytest.raises(ServerError) as caught:
                client.login(database.user, database.name, database.password)
            assert caught.value.sqlstate[:2] in ("28", "08")


def test_a_strangers_certificate_is_not_believed(start_tls_gate, authority, tmp_path):
    gate = start_tls_gate(names="DNS:elsewhere.example")
    with pytest.raises(psycopg.OperationalError, match="does not match host name"):
        gate.connect(**verified(authority))
    other = Authority(tmp_path, "Another Authority")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        gate.connect(**verified(other))
    with gate.connect(**verified(authority, sslmode="verify-ca")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_old_versions_are_refused(start_tls_gate, authority):
    gate = start_tls_gate(min_version="1.3")
    with pytest.raises(psycopg.OperationalError):
        gate.connect(**verified(authority, ssl_max_protocol_version="TLSv1.2"))
    with gate.connect(**verified(authority)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("version", VERSIONS)
def test_tickets_resume_the_session(tls_gate, authority, database, version):
    context, session = context_of(authority, version), None
    for number in range(5):
        with Wire(tls_gate.host, tls_gate.port) as client:
            client.start_tls(context, session)
            client.login(database.user, database.name, database.password)
            assert client.ask(f"SELECT {number}") == [(str(number),)]
            # In TLS 1.3 a ticket is used once and the next one comes with the new connection.
            assert client.socket.session_reused == (number > 0)
            session = client.socket.session


def test_tickets_of_another_process_are_declined(start_tls_gate, authority, database):
    context, session = context_of(authority), None
    for _ in range(2):
        gate = start_tls_gate()
        with Wire(gate.host, gate.port) as client:
            client.start_tls(context, session)
            client.login(database.user, database.name, database.password)
            assert client.ask("SELECT 1") == [("1",)]
            assert not client.socket.session_reused
            session = client.socket.session


def startup_packet(database):
    body = struct.pack("!I", 3 << 16)
    for text in ("user", database.user, "database", database.name):
        body += string(text)
    return struct.pack("!I", len(body) + 5) + body + b"\0"


@pytest.mark.parametrize("early", ["a startup packet", "a byte", "a query", "a second request"])
@pytest.mark.parametrize("ahead", [b"", GSSENC_REQUEST], ids=["SSLRequest", "GSSENCRequest"])
def test_trap21_early_data_is_never_read(start_tls_gate, database, wire, early, ahead):
    """CVE-2021-23214: what came in clear before the handshake must not count as said inside it."""
    gate = start_tls_gate(sslmode="allow")
    inside = wire(gate)
    sent = {"a startup packet": startup_packet(database), "a byte": b"\0",
            "a query": query("SELECT 1"), "a second request": SSL_REQUEST}[early]
    with socket.create_connection((gate.host, gate.port), timeout=15) as stranger:
        stranger.sendall(ahead + SSL_REQUEST + sent)
        heard = b""
        try:
            while received := stranger.recv(4096):
                heard += received
        except ConnectionResetError:
            pass
    # Neither a handshake nor a login begins: the answers to the requests are all there is.
    assert heard in ((b"N" if ahead else b"") + b"S", b"")
    assert inside.ask("SELECT 1") == [("1",)]
    eventually(lambda: "reason=early_data" in gate.log(), what="a word in the log")


def test_trap21_direct_tls(tls_gate, authority, database):
    context = context_of(authority)
    context.set_alpn_protocols(["postgresql"])
    with Wire(tls_gate.host, tls_gate.port) as client:
        client.start_tls_directly(context)
        assert client.socket.selected_alpn_protocol() == "postgresql"
        client.login(database.user, database.name, database.password)
        assert client.ask("SELECT 1") == [("1",)]


@pytest.mark.parametrize("protocols", [[], ["http/1.1"]])
def test_trap21_direct_tls_needs_its_protocol(tls_gate, authority, database, protocols):
    """Another protocol's handshake must not be mistaken for ours (ALPACA)."""
    context = context_of(authority)
    if protocols:
        context.set_alpn_protocols(protocols)
    with Wire(tls_gate.host, tls_gate.port) as client:
        with pytest.raises((ssl.SSLError, ServerError, EOFError, ConnectionError)):
            client.start_tls_directly(context)
            client.login(database.user, database.name, database.password)


def test_trap21_cancel_over_tls(tls_gate, authority, database):
    context = context_of(authority)
    with Wire(tls_gate.host, tls_gate.port) as client:
        client.start_tls(context)
        client.login(database.user, database.name, database.password)
        client.send(query("SELECT pg_sleep(38)"))
        eventually(lambda: database.active("pg_sleep(38)"))
        with Wire(tls_gate.host, tls_gate.port) as canceller:
            canceller.start_tls(context)
            canceller.send(struct.pack("!III", 16, 80877102, client.pid) + client.key)
            assert canceller.at_end()
        with pytest.raises(ServerError) as caught:
            client.answer()
        assert caught.value.sqlstate == "57014"
        assert client.ask("SELECT 1") == [("1",)]


def test_a_unix_socket_needs_no_tls(start_gate, database, tmp_path_factory):
    """Like PostgreSQL and PgBouncer: nobody listens in between. Not even for a cleartext password."""
    directory = tmp_path_factory.mktemp("s")
    gate = start_gate(listen=("127.0.0.1:0", f"{directory}:6432"), tls={"sslmode": "require"},
                      more={"auth": {"type": "cleartext"}})
    with gate.connect(host=str(directory), port=6432) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="TLS connections only"):
        gate.connect()


def test_a_failed_handshake_is_explained(start_gate, tmp_path):
    gate = start_gate(tls={"sslmode": "require"}, more={"log": {"connections": False}})
    stranger = Authority(tmp_path, "Another Authority")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        gate.connect(**verified(stranger))
    eventually(lambda: "reason=tls_failed" in gate.log(), what="a word in the log")
    line, = [line for line in gate.log().splitlines() if "reason=tls_failed" in line]
    assert "client refused" in line and "unknown ca" in line
