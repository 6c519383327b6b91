"""Whatever clients say, it must sound as it does directly: see harness/parley.py.

Other seeds than these: script/parley.
"""
import pytest

from harness.parley import Parley, make_tables

SEEDS_EACH = 12


@pytest.fixture
def tables(database):
    make_tables(database, Parley(0).clients)
    yield
    database.execute("DROP OWNED BY deputy; DROP ROLE deputy")


@pytest.mark.parametrize("first", range(0, 10 * SEEDS_EACH, SEEDS_EACH))
def test_random_conversations_sound_as_they_do_directly(start_gate, database, tables, first):
    for seed in range(first, first + SEEDS_EACH):
        parley = Parley(seed)
        gate = start_gate(top=parley.top, route=parley.route)
        try:
            parley.hold(gate, database)
        except AssertionError as difference:
            pytest.fail(f"seed {seed}: {difference}")
        gate.stop()
