"""Eighteen thousand connections at a limit of one thousand: those refused hear why, memory stays
bounded, and who is inside does not notice."""
import collections
import json
import subprocess
import sys
import threading
from pathlib import Path

from harness.inside import Inside
from harness.waiting import eventually

FLOOD = Path(__file__).resolve().parents[1] / "harness" / "flood.py"
CLIENTS_MAX = 1000
PROCESSES = 6
EACH = 3000


def flood(gate, database):
    """All processes at once; what came of their connections, and the memory at its highest."""
    crowds = [subprocess.Popen([sys.executable, FLOOD, gate.host, str(gate.port), "guest",
                                database.name, str(EACH)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
              for _ in range(PROCESSES)]
    peak = [0]
    measured = threading.Event()

    def sample():
        while not measured.wait(0.05):
            peak[0] = max(peak[0], gate.resident_kb())

    sampler = threading.Thread(target=sample)
    sampler.start()
    outcomes = collections.Counter()
    try:
        for crowd in crowds:
            outcomes.update(json.loads(crowd.stdout.readline()))
    finally:
        measured.set()
        sampler.join()
        for crowd in crowds:
            crowd.communicate()
    return outcomes, peak[0]


def test_eighteen_thousand_at_the_door(start_gate, database, wire):
    gate = start_gate(top={"clients_max": CLIENTS_MAX, "log": {"level": "warning"}},
                      upstream={"user": database.user, "password": database.password},
                      users={"guest": {"trust": True}})
    inside = Inside(wire(gate))
    memory, descriptors = gate.resident_kb(), gate.descriptors()
    try:
        outcomes, peak = flood(gate, database)
    finally:
        inside.stop()
    # Those turned away while places were free had met others who were turned away as well.
    assert 0 < outcomes["in"] < CLIENTS_MAX
    assert set(outcomes) == {"in", "53300"}, outcomes
    assert outcomes.total() == PROCESSES * EACH
    assert peak - memory < 64 * 1024
    assert inside.answers > 10 and inside.slowest < 5, (inside.answers, inside.slowest)
    eventually(lambda: gate.descriptors() <= descriptors, what="the end of the crowd")
    assert wire(gate).ask("SELECT 1") == [("1",)]
