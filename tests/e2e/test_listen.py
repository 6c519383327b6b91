"""LISTEN through one listener per database: no client keeps a server for it.

The gate allows no pins, so that whoever would need a server of its own is refused.
"""
import asyncio
import select
import struct
import threading

import asyncpg
import pytest

from harness.twins import Step, group, hold_twice
from harness.waiting import eventually
from harness.wire import SYNC, ServerError, query

HEARD = query("SELECT pg_listening_channels()")
LISTENERS = ("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
             " AND application_name = 'tidegate listener'")


@pytest.fixture
def gate(start_gate):
    return start_gate(route={"pool_size": 3, "lifo": False, "pins_allowed": False})


def notification(payload):
    """(process id, channel, text)"""
    channel, text, _ = payload[4:].split(b"\0")
    return struct.unpack("!I", payload[:4])[0], channel.decode(), text.decode()


def heard_by(client):
    kind, payload = client.receive()
    assert kind == "A"
    return notification(payload)[1:]


def hears_nothing(client):
    """What was sent before a barrier has come by now, so nothing is on its way."""
    ready, _, _ = select.select([client.socket], [], [], 0)
    return not ready and not client.pending


def listeners(database):
    return database.execute(LISTENERS)[0][0]


def servers_of(gate):
    with gate.connect(dbname="tidegate") as console:
        cursor = console.execute("SHOW SERVERS")
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


# --- As on a connection of its own ---

ENDS = {
    "alone": lambda steps: steps,
    "committed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("COMMIT"))],
    "rolled_back": lambda steps: [Step(query("BEGIN")), *steps, Step(query("ROLLBACK"))],
    "to_a_savepoint": lambda steps: [Step(query("BEGIN; SAVEPOINT s")), *steps,
                                     Step(query("ROLLBACK TO s")), Step(HEARD),
                                     Step(query("COMMIT"))],
    "before_a_savepoint": lambda steps: [
        Step(query("BEGIN; SAVEPOINT a")), *steps, Step(query("SAVEPOINT b; LISTEN other")),
        Step(query("ROLLBACK TO b; RELEASE a")), Step(query("COMMIT"))],
    "failed": lambda steps: [Step(query("BEGIN")), *steps, Step(query("SELECT 1 / 0")),
                             Step(query("COMMIT"))],
}
FORMS = {
    "simple": lambda sql: [Step(query(sql))],
    "extended": lambda sql: [Step(group(sql), SYNC)],
    "named": lambda sql: [Step(group(sql, name="way"), SYNC), Step(query("DEALLOCATE way"))],
    "among_others": lambda sql: [Step(query(f"SELECT 1; {sql}; SELECT 2"))],
    "in_a_pipeline": lambda sql: [Step(group("SELECT 1"), group(sql), group("SELECT 2"), SYNC)],
}
WAYS = ["LISTEN news", "LISTEN \"News ü;\"", "UNLISTEN first", "UNLISTEN *", "UNLISTEN nothing",
        "DO $$ BEGIN EXECUTE 'LISTEN hidden'; END $$", "DO $$ BEGIN UNLISTEN first; END $$"]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("form", FORMS)
def test_the_channels_are_those_of_a_connection_of_its_own(gate, database, form, end):
    for way in WAYS:
        steps = [Step(query("LISTEN first")), Step(query("LISTEN second")), Step(HEARD),
                 *ENDS[end](FORMS[form](way)), Step(HEARD), Step(query("NOTIFY first, 'own'")),
                 Step(query("SELECT pg_notify('news', 'own')")), Step(query("DISCARD ALL")),
                 Step(HEARD), Step(query("NOTIFY first, 'unheard'"))]
        hold_twice(gate, database, steps, rounds=1)


@pytest.mark.parametrize("form", ["simple", "extended", "named", "in_a_pipeline"])
def test_its_own_are_told_before_its_ready_for_query(gate, database, form):
    steps = [Step(query("LISTEN news; LISTEN other"))]
    for sql in ("NOTIFY news", "NOTIFY news, 'high ''water'''", "SELECT pg_notify('other', 'höher')",
                "DO $$ BEGIN NOTIFY news, 'hidden'; PERFORM pg_notify('other', 'too'); END $$"):
        steps += FORMS[form](sql)
    steps += [Step(query("BEGIN")), *FORMS[form]("NOTIFY news, '1'"), Step(query("SELECT 1")),
              *FORMS[form]("SELECT pg_notify('other', '2')"), Step(query("COMMIT")),
              Step(query("BEGIN; NOTIFY news, 'never'; ROLLBACK")),
              Step(query("LISTEN third; NOTIFY third, 'at once'"))]
    hold_twice(gate, database, steps, rounds=2)


def test_others_are_told_before_the_sender_is_ready(gate, database, wire):
    clients = [wire(gate) for _ in range(6)]  # on both workers
    for client in clients:
        client.ask("LISTEN news")
    sender = wire(gate)
    for number in range(50):
        sender.ask(f"NOTIFY news, '{number}'" if number % 2 else
                   f"SELECT pg_notify('news', '{number}')")
        for client in clients:
            ready, _, _ = select.select([client.socket], [], [], 0.05)
            assert ready or client.pending
            assert heard_by(client) == ("news", str(number))
    assert listeners(database) == 1


def test_no_client_keeps_a_server(gate, database, wire):
    clients = [wire(gate) for _ in range(20)]
    for number, client in enumerate(clients):
        client.ask(f"LISTEN news; LISTEN own_{number}")
    eventually(lambda: all(row["state"] in ("listen", "idle", "new") for row in servers_of(gate)))
    assert [row["state"] for row in servers_of(gate)].count("listen") == 1
    assert listeners(database) == 1
    for number, client in enumerate(clients):
        clients[number - 1].ask(f"NOTIFY own_{number}, 'yours'")
        assert heard_by(client) == (f"own_{number}", "yours")
    for client in clients:
        client.ask("UNLISTEN *")
    eventually(lambda: listeners(database) == 0, what="the listener's end")


def test_whoever_leaves_is_unsubscribed(gate, database, wire):
    first, second, third = (wire(gate) for _ in range(3))
    for client in (first, second, third):
        client.ask("LISTEN news")
    first.close()
    second.reset()
    wire(gate).ask("NOTIFY news, 'still there'")
    assert heard_by(third) == ("news", "still there")
    third.ask("DISCARD ALL")
    eventually(lambda: listeners(database) == 0, what="the listener's end")


def test_a_client_in_a_transaction_hears_nothing_before_its_end(gate, wire):
    listener, sender = wire(gate), wire(gate)
    listener.ask("LISTEN news")
    listener.ask("BEGIN")
    sender.ask("NOTIFY news, 'one'")
    sender.ask("NOTIFY news, 'two'")
    for _ in range(3):
        listener.send(query("SELECT generate_series(1, 100)"))
        assert "A" not in [kind for kind, _ in listener.receive_until("Z")]
    assert hears_nothing(listener)
    listener.send(query("COMMIT"))
    told = listener.receive_until("Z")
    told += [listener.receive() for _ in range(2 - [kind for kind, _ in told].count("A"))]
    assert [notification(payload)[2] for kind, payload in told if kind == "A"] == ["one", "two"]


def test_what_was_sent_before_the_listen_is_not_heard(gate, wire):
    listener, other, sender = wire(gate), wire(gate), wire(gate)
    other.ask("LISTEN news")
    listener.ask("BEGIN; LISTEN news")
    sender.ask("NOTIFY news, 'before'")
    listener.ask("COMMIT")
    sender.ask("NOTIFY news, 'behind'")
    assert heard_by(listener) == ("news", "behind")


def test_it_is_told_who_sent_it(gate, wire):
    listener, sender = wire(gate), wire(gate)
    listener.ask("LISTEN news")
    for sql in ("NOTIFY news", "SELECT pg_notify('news', '')", "BEGIN; NOTIFY news; COMMIT"):
        sender.ask(sql)
        kind, payload = listener.receive()
        assert (kind, notification(payload)[0]) == ("A", sender.pid)
    listener.send(query("DO $$ BEGIN NOTIFY news; END $$"))
    own = [payload for kind, payload in listener.receive_until("Z") if kind == "A"]
    assert [notification(payload)[0] for payload in own] == [listener.pid]


def test_each_senders_order_is_kept(gate, database, wire):
    clients = [wire(gate) for _ in range(5)]
    for client in clients:
        client.ask("LISTEN news")

    def send(name):
        with gate.connect() as connection:
            for number in range(250):
                connection.execute("SELECT pg_notify('news', %s)", (f"{name} {number}",))

    senders = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in senders:
        thread.start()
    for client in clients:
        heard = [heard_by(client)[1].split() for _ in range(1000)]
        for name in "abcd":
            assert [int(n) for by, n in heard if by == name] == list(range(250))
    for thread in senders:
        thread.join()


def test_two_thousand_listeners_cost_one_server(start_gate, database, wire):
    gate = start_gate(top={"workers": 2, "clients_max": 3000},
                      route={"pool_size": 3, "lifo": False, "pins_allowed": False})
    clients = [wire(gate) for _ in range(2000)]
    for client in clients:
        client.send(query("LISTEN news"))
    for client in clients:
        client.answer()
    assert listeners(database) == 1
    sender = wire(gate)
    sender.ask("NOTIFY news, 'to all'")
    for client in clients:
        assert heard_by(client) == ("news", "to all")
    assert len(database.servers()) <= 4


def test_the_listener_is_made_anew(gate, database, wire):
    listener, sender = wire(gate), wire(gate)
    listener.ask("LISTEN news; LISTEN other")
    database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                     " WHERE application_name = 'tidegate listener'")
    kind, payload = listener.receive()
    assert kind == "N" and b"notifications may have been missed" in payload and b"01000" in payload
    sender.ask("NOTIFY other, 'heard again'")
    assert heard_by(listener) == ("other", "heard again")
    assert listeners(database) == 1


def test_the_listener_is_lost_under_load(gate, database, wire):
    clients = [wire(gate) for _ in range(4)]
    for client in clients:
        client.ask("LISTEN news")
    over = threading.Event()

    def send():
        with gate.connect() as connection:
            while not over.is_set():
                connection.execute("NOTIFY news, 'load'")

    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(5):
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             " WHERE application_name = 'tidegate listener'")
            for client in clients:
                while client.receive()[0] != "N":
                    pass
    finally:
        over.set()
        sender.join()
    with gate.connect() as connection:
        connection.execute("NOTIFY news, 'the last'")
    for client in clients:
        while heard_by(client)[1] != "the last":
            pass


def test_it_waits_for_no_server_of_its_route(start_gate, database, wire):
    """The only server of the route is the one that the LISTEN is to run on."""
    gate = start_gate(upstream={"budget": 2}, route={"pool_size": 1, "pins_allowed": False})
    client = wire(gate)
    client.ask("BEGIN")
    client.ask("LISTEN news")
    client.ask("NOTIFY news, 'own'")
    client.send(query("COMMIT"))
    assert [kind for kind, _ in client.receive_until("Z")] == ["C", "A", "Z"]


def test_where_there_is_no_room_for_a_listener_it_pins(start_gate, database, wire):
    gate = start_gate(upstream={"budget": 1}, route={"pool_size": 1})
    client = wire(gate)
    client.ask("LISTEN news")
    assert [row["pin"] for row in servers_of(gate)] == ["listen"]
    with database.postgres.connect(database.name) as direct:
        direct.execute("NOTIFY news, 'from outside'")
    assert heard_by(client) == ("news", "from outside")
    client.ask("DISCARD ALL")
    assert [row["pin"] for row in servers_of(gate)] == [""]


def test_another_encoding_pins(start_gate, database, wire):
    gate = start_gate(route={"pool_size": 3})
    with database.postgres.connect(database.name) as direct:
        latin = wire(gate, client_encoding="LATIN1")
        latin.ask("LISTEN news")
        late = wire(gate)
        late.ask("LISTEN news")
        late.ask("SET client_encoding = LATIN1")
        eventually(lambda: [row["pin"] for row in servers_of(gate)].count("listen") == 2)
        direct.execute("NOTIFY news, 'höher'")
        for client in (latin, late):
            kind, payload = client.receive()
            assert (kind, payload[4:]) == ("A", "news\0höher\0".encode("latin-1"))


def test_who_does_not_read_is_ended(start_gate, database, wire):
    gate = start_gate(route={"pool_size": 3, "notification_bytes_max": "16kB"})
    sleeper, sender = wire(gate), wire(gate)
    sleeper.ask("LISTEN news")
    sleeper.ask("BEGIN")
    for _ in range(5):
        sender.ask(f"NOTIFY news, '{'x' * 7000}'")
    with pytest.raises(ServerError) as caught:
        sleeper.receive_until("Z")
    assert (caught.value.severity, caught.value.sqlstate) == ("FATAL", "53400")
    eventually(lambda: listeners(database) == 0, what="the listener's end")


def test_notifies_in_a_pipeline(gate, wire):
    listener, sender = wire(gate), wire(gate)
    listener.ask("LISTEN news")
    sender.send(*(query(f"NOTIFY news, '{n}'") for n in range(20)),
                *(group(f"NOTIFY news, '{n}'") + SYNC for n in range(20, 40)), query("SELECT 1"))
    for _ in range(41):
        sender.receive_until("Z")
    assert [heard_by(listener)[1] for _ in range(40)] == [str(n) for n in range(40)]


def test_psycopg(gate):
    with gate.connect() as listener, gate.connect() as sender:
        listener.execute('LISTEN "Tide"')
        sender.execute("SELECT pg_notify('Tide', %s)", ("high ☕ 'water'",))
        heard = next(listener.notifies())
        assert (heard.channel, heard.payload) == ("Tide", "high ☕ 'water'")
        assert heard.pid == sender.pgconn.backend_pid


def test_asyncpg(gate):
    async def main():
        values = gate.parameters()
        connect = lambda: asyncpg.connect(
            host=values["host"], port=values["port"], user=values["user"],
            password=values["password"], database=values["dbname"], ssl=False)
        listener, sender = await connect(), await connect()
        heard = asyncio.Queue()
        await listener.add_listener("news", lambda *event: heard.put_nowait(event[1:]))
        async with sender.transaction():
            await sender.execute("SELECT pg_notify('news', $1)", "in a transaction")
        assert await asyncio.wait_for(heard.get(), 10) == (
            sender.get_server_pid(), "news", "in a transaction")
        await listener.reset()
        await listener.close()
        await sender.close()

    asyncio.run(main())


@pytest.mark.parametrize("form", ["simple", "extended"])
def test_with_startup_parameters_and_statement_mode(start_gate, database, form):
    gate = start_gate(route={"pool_size": 3, "lifo": False, "pins_allowed": False,
                             "pool_mode": "statement"})
    steps = []
    for sql in ("LISTEN a; LISTEN b", "UNLISTEN a", "NOTIFY b, 'own'", "RESET ALL", "DISCARD ALL"):
        ways = sql.split("; ") if form == "extended" else [sql]
        steps += [step for way in ways for step in FORMS[form](way)] + [Step(HEARD)]
    hold_twice(gate, database, steps, rounds=2, TimeZone="Asia/Tokyo", statement_timeout="31s")


def test_a_pinned_client_listens_as_the_others(start_gate, database, wire):
    gate = start_gate(route={"pool_size": 4, "lifo": False})
    steps = [Step(query(sql)) for sql in (
        "LISTEN a", "CREATE TEMP TABLE mine (n int)", "SELECT pg_listening_channels()", "LISTEN b",
        "NOTIFY a, '1'", "BEGIN; LISTEN c; NOTIFY c; ROLLBACK", "NOTIFY c, 'unheard'", "UNLISTEN a",
        "SELECT pg_listening_channels()", "NOTIFY a, 'unheard'", "NOTIFY b, '2'", "DISCARD ALL",
        "SELECT pg_listening_channels()", "NOTIFY b, 'unheard'")]
    hold_twice(gate, database, steps, rounds=2)
    pinned, sender = wire(gate), wire(gate)
    pinned.ask("CREATE TEMP TABLE mine (n int)")
    pinned.ask("LISTEN news")
    sender.ask("NOTIFY news, 'to it'")
    assert heard_by(pinned) == ("news", "to it")
    assert listeners(database) == 1


# --- What one client does is no other's ---

def test_a_name_that_nobody_can_listen_to_disturbs_nobody(gate, wire):
    listener, rude, teller = wire(gate), wire(gate), wire(gate)
    listener.ask("LISTEN c")
    rude.ask("BEGIN")
    for _ in range(2):
        with pytest.raises(ServerError):
            rude.ask('LISTEN ""')
        teller.ask("NOTIFY c, 'heard'")
        assert heard_by(listener) == ("c", "heard")
    rude.ask("ROLLBACK")


def test_what_a_pinned_client_listens_to_it_hears_once_and_leaves_to_nobody(start_gate, wire):
    gate = start_gate(route={"pool_size": 2, "lifo": False})
    one, two = wire(gate), wire(gate)
    one.ask("BEGIN; CREATE TEMP TABLE t (a int) ON COMMIT DROP; LISTEN c")
    one.send(query("NOTIFY c, 'once'; COMMIT"))
    assert [kind for kind, _ in one.receive_until("Z")].count("A") == 1
    for _ in range(4):
        assert two.ask("SELECT pg_listening_channels()") == []
        assert one.ask("SELECT pg_listening_channels()") == [("c",)]
    two.ask("LISTEN d; SELECT pg_advisory_lock(1)")
    one.ask("NOTIFY c, 'again'")
    two.send(query("SELECT 1"))
    assert "A" not in [kind for kind, _ in two.receive_until("Z")]
