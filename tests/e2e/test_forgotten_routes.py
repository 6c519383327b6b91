"""Routes that `[route."*"]` makes, one for each database name that somebody asks for: they go again."""
import psycopg
import pytest

from harness.waiting import eventually
from harness.wire import ServerError, Wire

NAMES = 1000


@pytest.fixture
def wild_gate(start_gate, database):
    """One that takes any database name, and soon forgets those that nobody uses."""
    return start_gate(top={"route_idle_timeout": "1s", "workers": 2},
                      route={"database": database.name, "idle_timeout": "1s"},
                      more={'route."*"': {"upstream": "main", "idle_timeout": "1s"}})


def routes(gate):
    with gate.connect(dbname="pgbouncer") as console:
        return {row[0] for row in console.execute("SHOW POOLS").fetchall()}


def ask_for(gate, database, name):
    with Wire(gate.host, gate.port) as client:
        with pytest.raises(ServerError) as caught:
            client.login(database.user, name, database.password)
            client.ask("SELECT 1")
    return caught.value.sqlstate


def test_a_thousand_guessed_names_leave_nothing_behind(wild_gate, database):
    with wild_gate.connect() as held:
        held.execute("SELECT 1")
        before = routes(wild_gate)
        most = 0
        for number in range(NAMES):
            assert ask_for(wild_gate, database, f"guess_{number}") == "3D000"
            if number % 20 == 0:
                most = max(most, len(routes(wild_gate)))
        assert most > len(before)
        eventually(lambda: routes(wild_gate) == before, what="the end of the last of them")
        assert held.execute("SELECT 1").fetchone() == (1,)


def test_a_name_that_was_forgotten_is_served_again(wild_gate, database):
    name = database.postgres.superuser  # of a database that the route does not name
    for _ in range(2):
        with wild_gate.connect(dbname=name) as client:
            assert client.execute("SELECT current_database()").fetchone() == (name,)
            assert name in routes(wild_gate)
        eventually(lambda: name not in routes(wild_gate), what="its being forgotten")


def test_a_route_with_a_client_or_a_name_of_its_own_stays(wild_gate, database):
    name = database.postgres.superuser
    with wild_gate.connect():
        pass
    with wild_gate.connect(dbname=name) as client:
        client.execute("SELECT 1")
        eventually(lambda: not database.servers(), what="the end of idle servers")
        assert ask_for(wild_gate, database, "guess") == "3D000"
        eventually(lambda: "guess" not in routes(wild_gate), what="its being forgotten")
        assert routes(wild_gate) >= {database.name, name}
        assert client.execute("SELECT 1").fetchone() == (1,)


def test_more_databases_at_once_than_there_may_be(start_gate, database):
    """Whoever is let in may name any database: only so many at once, and no more for being idle."""
    gate = start_gate(top={"routes_max": 2},
                      more={'route."*"': {"upstream": "main", "idle_timeout": "1s"}})
    name = database.postgres.superuser
    with gate.connect(dbname=name) as client, gate.connect(dbname="template1"):
        with pytest.raises(psycopg.OperationalError, match="routes_max is reached") as caught:
            gate.connect(dbname="one_more")
        assert "one_more" in str(caught.value)
        with Wire(gate.host, gate.port) as wire, pytest.raises(ServerError) as refused:
            wire.login(database.user, "one_more", database.password)
        assert refused.value.sqlstate == "53300"
        assert client.execute("SELECT 1").fetchone() == (1,)
        with gate.connect() as named:
            assert named.execute("SELECT 1").fetchone() == (1,)
    for number in range(10):
        # A server keeps its route for as long as it lives.
        eventually(lambda: ask_for(gate, database, f"guess_{number}") == "3D000", what="its turn")
    assert len(routes(gate)) <= 3
