"""Fifty clients cancel their own queries over and over, each with several cancels at once: each hits
its own query or nothing, and who cancels nothing is never hit."""
import random
import threading

import pytest

from harness.wire import ServerError, query, send_cancel

CLIENTS = 50
ROUNDS = 6
BYSTANDERS = 6
SERVERS = 10


class Storm:
    def __init__(self):
        self.lock = threading.Lock()
        self.hit = self.missed = 0
        self.wrong = []

    def note(self, **counts):
        with self.lock:
            for name, count in counts.items():
                setattr(self, name, getattr(self, name) + count)

    def complain(self, what):
        with self.lock:
            self.wrong.append(what)


def cancel_oneself(number, gate, client, storm):
    chance = random.Random(number)
    try:
        for turn in range(ROUNDS):
            client.send(query(f"SELECT pg_sleep({chance.choice((0.001, 0.02, 20))}), {turn}"))
            cancels = [threading.Thread(target=send_cancel,
                                        args=(gate.host, gate.port, client.pid, client.key))
                       for _ in range(chance.randrange(1, 4))]
            for cancel in cancels:
                cancel.start()
            answer_or_cancelled(gate, client, turn, storm)
            for cancel in cancels:
                cancel.join()
            # They were all delivered by now, so nothing may hit what comes next.
            if client.ask(f"SELECT pg_sleep(0.002), {turn + 100}") != [("", str(turn + 100))]:
                storm.complain((number, turn, "a strange answer"))
    except Exception as error:  # told by the test, not by a thread
        storm.complain((number, repr(error)))


def answer_or_cancelled(gate, client, turn, storm):
    """All cancels may have come before the query had begun, so a long one is cancelled again."""
    answered = threading.Event()

    def insist():
        while not answered.wait(0.3):
            send_cancel(gate.host, gate.port, client.pid, client.key)

    insisting = threading.Thread(target=insist)
    insisting.start()
    try:
        assert client.answer() == [("", str(turn))]
        storm.note(missed=1)
    except ServerError as error:
        assert error.sqlstate == "57014"
        storm.note(hit=1)
    finally:
        answered.set()
        insisting.join()


def stand_by(client, stopped, storm):
    asked = 0
    try:
        while not stopped.is_set():
            asked += 1
            assert client.ask(f"SELECT pg_sleep(0.005), {asked}") == [("", str(asked))]
    except Exception as error:
        storm.complain(("a bystander", repr(error)))


@pytest.mark.parametrize("servers", [SERVERS, 3])
def test_cancel_storm(start_gate, database, wire, servers):
    gate = start_gate(upstream={"budget": servers},
                      route={"pool_size": servers, "pool_timeout": "60s"})
    storm, stopped = Storm(), threading.Event()
    bystanders = [threading.Thread(target=stand_by, args=(wire(gate), stopped, storm))
                  for _ in range(BYSTANDERS)]
    clients = [wire(gate) for _ in range(CLIENTS)]
    cancellers = [threading.Thread(target=cancel_oneself, args=(number, gate, client, storm))
                  for number, client in enumerate(clients)]
    for thread in [*bystanders, *cancellers]:
        thread.start()
    for thread in cancellers:
        thread.join()
    stopped.set()
    for thread in bystanders:
        thread.join()
    assert storm.wrong == []
    assert storm.hit + storm.missed == CLIENTS * ROUNDS
    assert storm.hit > CLIENTS
    assert not database.active("pg_sleep(20)")
