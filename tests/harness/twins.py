"""One conversation held twice, first directly, then through a gate: nobody may hear a difference.

A conversation is a list of steps. The gate has two servers that are handed out in turn, and between
two steps a neighbour with settings and statements of its own uses both (as far as they are free): a
step whose session is not put right hears it.
"""
from harness.wire import SYNC, ServerError, Wire, bind, describe, execute, parse, query

NEIGHBOUR = {"TimeZone": "Asia/Kabul", "DateStyle": "german", "search_path": "elsewhere",
             "application_name": "neighbour", "statement_timeout": "11s", "my.own": "neighbour"}


class Step:
    """What is sent at once, and how the answer ends: with the `count`th message of kind `until`."""

    def __init__(self, *messages, count=None, until="Z"):
        self.bytes = b"".join(messages)
        # Each Query and each Sync is answered by one ReadyForQuery, unless it is skipped.
        self.count = sum(message[:1] in (b"Q", b"S") for message in messages) if count is None else count
        self.until = until

    def __repr__(self):
        return repr(self.bytes[:300])


def group(sql, *values, name=""):
    """The messages of one statement in the extended protocol, without the Sync, as one."""
    return parse(name, sql) + bind("", name, *values) + describe("P", "") + execute()


def without_what_may_differ(kind, payload):
    """A message without process ids and the place in PostgreSQL's source that an error came from."""
    if kind in "EN":
        return kind, b"\0".join(field for field in payload.split(b"\0") if field[:1] not in b"FLR")
    return (kind, payload[4:]) if kind == "A" else (kind, payload)


def answer_to(client, step):
    client.send(step.bytes)
    heard, left = [], step.count
    while left > 0:
        kind, payload = client.receive()
        heard.append(without_what_may_differ(kind, payload))
        left -= kind == step.until
    return heard


class Neighbour:
    def __init__(self, client):
        self.client = client

    def be_noisy(self):
        for name in ("", "a"):
            self.client.send(parse(name, "SELECT 'not yours'"), bind("", name), execute(), SYNC)
            self.client.receive_until("Z")
        self.client.send(parse("", "SELECT 1"), SYNC)
        self.client.receive_until("Z")
        try:
            self.client.ask("SET application_name = 'noise'; SELECT 1 / 0")
        except ServerError as error:
            assert error.sqlstate == "22012", error
        self.client.send(*[parse(name, "SELECT 'never yours'") for name in "bcds"], SYNC)
        self.client.receive_until("Z")


def hold_twice(gate, database, steps, rounds=3, **parameters):
    """Holds the conversation `rounds` times on one connection, and then on the other."""
    login = (database.user, database.name, database.password)
    # A reply too many would be heard before the last step's own.
    steps = [*steps * rounds, Step(SYNC), Step(query("SELECT 'over'"))]
    with Wire(database.postgres.host, database.postgres.port) as direct:
        direct.login(*login, **parameters)
        expected = [answer_to(direct, step) for step in steps]
    with Wire(gate.host, gate.port) as pooled, Wire(gate.host, gate.port) as other:
        pooled.login(*login, **parameters)
        neighbour = Neighbour(other.login(*login, **NEIGHBOUR))
        for step, answer in zip(steps, expected):
            heard = answer_to(pooled, step)
            assert heard == answer, f"{step}: {heard} instead of {answer}"
            neighbour.be_noisy()
