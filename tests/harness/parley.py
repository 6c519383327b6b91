"""Several random conversations at once, through Tidegate, that must sound as they do directly.

Each client holds its conversation alone on a direct connection first. Then all hold theirs through
one gate whose servers are handed out in turn, their steps and even halves of steps interleaved at
random, while one more client says what it likes and goes as it likes. What a seed says is always
the same; only how the bytes of several clients meet in one turn of the gate is left to the machine.
"""
import random
import socket
from typing import NamedTuple

from harness.chatter import Speaker
from harness.sounds import comparable, may_differ, spoken, told
from harness.twins import Step
from harness.wire import Wire

PATIENCE_S = 20.0


class Different(AssertionError):
    def __init__(self, listener, heard, expected):
        self.listener = listener
        super().__init__(f"{spoken(listener.step.bytes)}\n   heard {told(heard)}\nexpected"
                         f" {told(expected)}")


class Undecided(Exception):
    """PostgreSQL itself gave no answer to compare with."""


def make_tables(database, clients):
    """Tables of its own for each client, under the same names in two schemas."""
    database.execute("DROP ROLE IF EXISTS deputy; CREATE ROLE deputy;"
                     f" GRANT deputy TO {database.user}")
    for number in range(clients + 1):
        for schema, kind in ((f"c{number}a", "int"), (f"c{number}b", "text")):
            database.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.t (n int, w text, v {kind}"
                             f" DEFAULT '{number}'); GRANT ALL ON SCHEMA {schema} TO {database.user},"
                             f" deputy; ALTER TABLE {schema}.t OWNER TO {database.user}; GRANT ALL ON {schema}.t TO deputy")


def fill_tables(database, clients):
    for number in range(clients + 1):
        for schema in (f"c{number}a", f"c{number}b"):
            database.execute(f"ALTER TABLE {schema}.t DROP COLUMN IF EXISTS x, ALTER COLUMN w TYPE text;"
                             f" TRUNCATE {schema}.t; INSERT INTO {schema}.t SELECT n, 'row ' || n"
                             " FROM generate_series(1, 8) n")


def answer_to(client, step):
    client.send(step.bytes)
    heard = []
    while sum(kind == "Z" for kind, _ in heard) < step.count:
        try:
            heard.append(comparable(*client.receive()))
        except (OSError, EOFError) as end:
            raise Undecided(f"{spoken(step.bytes)}: {told(heard)}, then {end!r}") from end
    return heard


# Few statements per server, and short ones: what is rare with the defaults is common here.
WAYS = ({}, {}, {"statement_bytes_max": "2kB"}, {"server_statements_max": 2}, {"lifo": True},
        {"server_statements_max": 2, "statement_bytes_max": "2kB"}, {"pool_mode": "session"})


class Event(NamedTuple):
    client: int
    step: Step
    share: float  # of its bytes that go out before somebody else speaks
    waits: bool  # for its answer, before somebody else speaks


class Parley:
    """Who says what, and in which order it goes out: all from one seed."""

    def __init__(self, seed, clients=3, length=25):
        self.seed, self.clients = seed, clients
        order = random.Random(f"{seed} order")
        self.top = order.choice(({}, {"workers": 1}))
        self.route = {"pool_size": clients + 2, "pins_max": clients + 2, **order.choice(WAYS)}
        self.startup = []
        for number in range(clients + 1):
            parameters = {"search_path": f"c{number}a"}
            if order.random() < 0.5:
                parameters["TimeZone"] = order.choice(("Europe/Berlin", "UTC"))
            if order.random() < 0.3:
                parameters["client_encoding"] = order.choice(("LATIN1", "utf-8"))
            self.startup.append(parameters)
        steps = {n: Speaker(seed, n).conversation(length) for n in range(clients)}
        self.events = []
        left = {n: list(said) for n, said in steps.items()}
        while any(left.values()):
            number = order.choice([n for n in left if left[n]])
            step, waits = left[number].pop(0), order.random() < 0.6
            # As a rule a step goes out at once.
            share = min(1.0, 2 * order.random())
            self.events.append(Event(number, step, share, waits))

    def hold(self, gate, database, events=None):
        """AssertionError when somebody hears something else; Undecided when that cannot be said."""
        events = self.events if events is None else events
        expected = self.directly(database, events)
        self.together(gate, database, events, expected)

    def directly(self, database, events):
        fill_tables(database, self.clients)
        answers = []
        for number in range(self.clients):
            with self.log_in(database, database.postgres, number) as client:
                answers += [(index, answer_to(client, event.step))
                            for index, event in enumerate(events) if event.client == number]
        return dict(answers)

    def log_in(self, database, door, number):
        client = Wire(door.host, door.port, timeout=PATIENCE_S)
        return client.login(database.user, database.name, database.password,
                            **self.startup[number])

    def together(self, gate, database, events, expected):
        fill_tables(database, self.clients)
        listeners = [Listener(self.log_in(database, gate, n)) for n in range(self.clients)]
        rude = Rude(self.seed, lambda: self.log_in(database, gate, self.clients), self.clients)
        try:
            for index, event in enumerate(events):
                listeners[event.client].say(event, expected[index])
                rude.disturb()
                if event.waits:
                    listeners[event.client].finish()
            for listener in listeners:
                listener.finish()
        except Different as difference:
            difference.args = (f"client {listeners.index(difference.listener)}: {difference}",)
            raise
        finally:
            for client in [*listeners, rude]:
                client.close()


class Listener:
    """A client through the gate, which knows what it must hear."""

    def __init__(self, client):
        self.client = client
        self.unsent, self.step, self.expected = b"", None, []
        self.excused = False

    def close(self):
        self.client.close()

    def say(self, event, expected):
        """Some of it, after the rest of what was begun."""
        self.finish()
        if self.excused:
            return
        said = event.step.bytes
        cut = int(len(said) * event.share)
        self.client.send(said[:cut])
        self.unsent, self.step, self.expected = said[cut:], event.step, expected

    def finish(self):
        """The rest of what the client says goes out, and its answer comes."""
        unsent, self.unsent = self.unsent, b""
        expected, self.expected = self.expected, []
        if unsent:
            self.client.send(unsent)
        heard = []
        try:
            for message in expected:
                heard.append(comparable(*self.client.receive()))
                if heard[-1] != message:
                    self.excused = may_differ(heard[-1], expected[len(heard) - 1:])
                    if self.excused:
                        return
                    raise Different(self, heard, expected)
        except (OSError, EOFError) as end:
            raise Different(self, heard + [repr(end)], expected) from end


class Rude:
    """A client that says what it likes and goes when it likes; nobody else may notice."""

    def __init__(self, seed, log_in, number):
        self.random, self.log_in = random.Random(f"{seed} rude"), log_in
        self.number = number
        self.client, self.steps = None, []

    def disturb(self):
        if self.random.random() < 0.7:
            return
        if self.client is None:
            self.client = self.log_in()
            self.steps = Speaker(self.random.random(), self.number).conversation(5)
        try:
            said = self.steps.pop(0).bytes
            cut = self.random.random() < 0.3
            self.client.send(said[:self.random.randrange(len(said))] if cut else said)
            if cut or not self.steps or self.random.random() < 0.3:
                self.leave()
        except OSError:
            self.leave()

    def leave(self):
        client, self.client = self.client, None
        lot = self.random.random()
        if lot < 0.3:
            client.reset()
        elif lot < 0.6:
            client.socket.shutdown(socket.SHUT_WR)
            client.close()
        else:
            client.close()

    def close(self):
        if self.client is not None:
            self.leave()
