"""A PostgreSQL client that sends exactly the bytes it is told to: for what drivers never do."""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct

PROTOCOL_3_0 = 3 << 16
SSL_REQUEST = struct.pack("!II", 8, 80877103)
GSSENC_REQUEST = struct.pack("!II", 8, 80877104)


class ServerError(Exception):
    """An ErrorResponse; `fields` by their one-letter codes."""

    def __init__(self, payload):
        parts = [part for part in payload.split(b"\0") if part]
        self.fields = {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in parts}
        self.sqlstate = self.fields.get("C")
        self.severity = self.fields.get("V") or self.fields.get("S")
        super().__init__(f"{self.severity} {self.sqlstate}: {self.fields.get('M')}")


def message(kind, payload=b""):
    return kind.encode() + struct.pack("!I", len(payload) + 4) + payload


def string(text):
    return text.encode() + b"\0"


def query(sql):
    return message("Q", string(sql))


def parse(name, sql, types=()):
    oids = b"".join(struct.pack("!I", oid) for oid in types)
    return message("P", string(name) + string(sql) + struct.pack("!H", len(types)) + oids)


def bind(portal, statement, *values):
    encoded = b"".join(struct.pack("!i", -1) if value is None else
                       struct.pack("!i", len(value)) + value for value in values)
    return message("B", string(portal) + string(statement) + struct.pack("!HH", 0, len(values)) +
                   encoded + struct.pack("!H", 0))


def describe(kind, name):
    return message("D", kind.encode() + string(name))


def execute(portal="", rows_max=0):
    return message("E", string(portal) + struct.pack("!I", rows_max))


def close(kind, name):
    return message("C", kind.encode() + string(name))


SYNC = message("S")
FLUSH = message("H")
TERMINATE = message("X")


class Wire:
    def __init__(self, host, port, timeout=15.0):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pending = b""
        self.parameters = {}
        self.pid = self.key = None
        self.gs2_flag = "n"  # what a SCRAM client says of channel binding: "y" is "you offered none"

    # Bytes

    def send(self, *messages):
        self.socket.sendall(b"".join(messages))

    def receive_exactly(self, count):
        while len(self.pending) < count:
            received = self.socket.recv(65536)
            if not received:
                raise EOFError(f"end of stream with {len(self.pending)} bytes pending")
            self.pending += received
        taken, self.pending = self.pending[:count], self.pending[count:]
        return taken

    def receive(self):
        """The next message as (type, payload)."""
        head = self.receive_exactly(5)
        return chr(head[0]), self.receive_exactly(struct.unpack("!I", head[1:])[0] - 4)

    def receive_until(self, *kinds):
        """Messages up to and including the first of one of `kinds`."""
        received = []
        while not received or received[-1][0] not in kinds:
            received.append(self.receive())
            if received[-1][0] == "E" and ServerError(received[-1][1]).severity == "FATAL":
                raise ServerError(received[-1][1])
        return received

    def at_end(self):
        """Waits for the peer to close; what came before is of no interest."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends the connection with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Conversations

    def start_tls(self, context=None, session=None):
        """TLS as `context` says, resuming `session`; without one, whoever the peer may be."""
        self.send(SSL_REQUEST)
        answer = self.receive_exactly(1)
        if answer != b"S":
            raise AssertionError(f"TLS was refused with {answer!r}")
        self.start_tls_directly(context, session)

    def start_tls_directly(self, context=None, session=None):
        if context is None:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost",
                                          session=session)

    def send_startup(self, protocol=PROTOCOL_3_0, **parameters):
        body = struct.pack("!I", protocol)
        for name, value in parameters.items():
            body += string(name) + string(value)
        body += b"\0"
        self.socket.sendall(struct.pack("!I", len(body) + 4) + body)

    def login(self, user, database, password, **parameters):
        """The whole login; ServerError when it is refused."""
        self.send_startup(user=user, database=database, **parameters)
        return self.finish_login(user, password)

    def finish_login(self, user, password):
        scram = None
        while True:
            kind, payload = self.receive()
            if kind == "E":
                raise ServerError(payload)
            if kind == "S":
                name, value = payload.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            elif kind == "K":
                self.pid, self.key = struct.unpack("!I", payload[:4])[0], payload[4:]
            elif kind == "Z":
                return self
            elif kind == "R":
                scram = self.authenticate(payload, user, password, scram)

    def authenticate(self, payload, user, password, scram):
        method = struct.unpack("!I", payload[:4])[0]
        if method == 3:
            self.send(message("p", string(password)))
        elif method == 5:
            inner = hashlib.md5(password.encode() + user.encode()).hexdigest()
            digest = hashlib.md5(inner.encode() + payload[4:8]).hexdigest()
            self.send(message("p", string("md5" + digest)))
        elif method == 10:
            scram = Scram(password, self.gs2_flag)
            first = scram.first()
            self.send(message("p", string("SCRAM-SHA-256") + struct.pack("!I", len(first)) + first))
        elif method == 11:
            self.send(message("p", scram.final(payload[4:])))
        elif method == 12:
            scram.verify(payload[4:])
        return scram

    def ask(self, sql):
        """A simple query; its rows as tuples of text, or ServerError."""
        self.send(query(sql))
        return self.answer()

    def answer(self):
        """Rows up to the next ReadyForQuery; the first ErrorResponse among them is raised."""
        rows, error = [], None
        for kind, payload in self.receive_until("Z"):
            if kind == "D":
                rows.append(row_of(payload))
            elif kind == "E" and error is None:
                error = ServerError(payload)
            elif kind == "S":
                name, value = payload.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
        if error:
            raise error
        return rows


def row_of(payload):
    count, = struct.unpack("!H", payload[:2])
    position, row = 2, []
    for _ in range(count):
        size, = struct.unpack("!i", payload[position:position + 4])
        position += 4
        row.append(None if size < 0 else payload[position:position + size].decode())
        position += max(size, 0)
    return tuple(row)


def send_cancel(host, port, pid, key):
    """A CancelRequest on a connection of its own; returns when the peer has closed it."""
    with Wire(host, port) as wire:
        body = struct.pack("!II", 80877102, pid) + key
        wire.socket.sendall(struct.pack("!I", len(body) + 4) + body)
        wire.at_end()


class Scram:
    """The client's part of SCRAM-SHA-256 (RFC 5802) without channel binding."""

    def __init__(self, password, gs2_flag="n"):
        self.password = password.encode()
        self.gs2_header = f"{gs2_flag},,".encode()
        self.nonce = base64.b64encode(os.urandom(18)).decode()

    def first(self):
        self.first_bare = f"n=,r={self.nonce}"
        return self.gs2_header + self.first_bare.encode()

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(fields["s"]),
                                     int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        binding = base64.b64encode(self.gs2_header).decode()
        without_proof = f"c={binding},r={fields['r']}"
        self.signed = ",".join([self.first_bare, server_first.decode(), without_proof]).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), self.signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final):
        expected = hmac.digest(self.server_key, self.signed, "sha256")
        assert server_final == b"v=" + base64.b64encode(expected)
