"""Random conversations: what one client may say, made from a seed.

A conversation is a list of steps (harness.twins.Step). It may say anything that must sound the same
through Tidegate as directly; what docs/limits.md admits to sound different is not said here.
"""
import random
import struct

from harness.twins import Step, group
from harness.wire import FLUSH, SYNC, bind, close, describe, execute, message, parse, query, string

NAMES = ("", "a", "b", "c")
PORTALS = ("", "p", "q")

# Texts that read differently under other settings, or in another client's tables.
READS = (
    "SELECT '2020-07-02 03:04'::timestamptz, '01/02/2003'::date, '1 day 2:03'::interval",
    "SELECT v, pg_typeof(v) FROM t ORDER BY 1", "SELECT 'back\\slash', length('\\\\')",
    "SELECT octet_length('\u00e9'), 'gr\u00fcn'", "SELECT count(*) FROM t", "SELECT 1",
    "SELECT generate_series(1, 7)", "SELECT 1.1::float8 / 3", "VALUES (1, 'one'), (2, NULL)",
    "SELECT current_user, session_user", "SELECT '1-2'::interval, now() - now()",
    "SELECT * FROM pg_cursors WHERE name = 'nobody'", "TABLE t", "",
)
WITH_VALUES = (
    ("SELECT $1::int + 1", 1), ("SELECT $1", 1), ("SELECT $1::timestamptz, $2::date", 2),
    ("INSERT INTO t (n) VALUES ($1) RETURNING n", 1), ("SELECT v FROM t WHERE n = $1", 1),
    ("SELECT $1::text || '2020-01-02'::timestamptz", 1), ("SELECT length($1::text), $2::int", 2),
)
VALUES = (b"4", b"7", b"2001-02-03", b"01/02/2003", b"x", None, b"\xc3\xa9", b"1" * 3000,
          b"2" * 70_000)
CHANGES = ("INSERT INTO t (n) VALUES (5)", "UPDATE t SET n = n + 1", "DELETE FROM t WHERE n > 6",
           "INSERT INTO t (n) VALUES (9) RETURNING n, v",
           "ALTER TABLE t ADD COLUMN IF NOT EXISTS x int", "ALTER TABLE t DROP COLUMN IF EXISTS x",
           "ALTER TABLE t ALTER COLUMN w TYPE varchar", "ALTER TABLE t ALTER COLUMN w TYPE text")
FAILS = ("SELECT 1 / 0", "SELEC", "SELECT nothing", "SELECT 'x'::int", "SELECT * FROM nowhere",
         "SELECT 'unended", "ROLLBACK TO nowhere", "SET nothing_known = 1", "SET TimeZone = 'nowhere'",
         "SET work_mem = 'much'")
SETTINGS = {
    "TimeZone": ("'Asia/Tokyo'", "'America/Lima'", "UTC", "DEFAULT", "'utc'"),
    "DateStyle": ("german", "'sql, dmy'", "iso", "'postgres, mdy'", "DEFAULT"),
    "IntervalStyle": ("iso_8601", "postgres_verbose", "DEFAULT"),
    "client_encoding": ("latin1", "'utf8'", "DEFAULT", "sql_ascii"),
    "application_name": ("one", "'two \u00e9'", "DEFAULT", "''"),
    "standard_conforming_strings": ("off", "on", "DEFAULT"),
    "search_path": ("{0}, {1}", "{1}", "'nowhere'", "DEFAULT", "{0}"),
    "statement_timeout": ("'21s'", "17000", "DEFAULT"), "extra_float_digits": ("0", "2", "DEFAULT"),
    "backslash_quote": ("off", "on"), "bytea_output": ("escape", "DEFAULT"),
    "default_transaction_isolation": ("serializable", "DEFAULT"), "role": ("deputy", "none"),
    "lc_messages": ("'C'",), "plan_cache_mode": ("force_generic_plan", "DEFAULT"),
    "array_nulls": ("off", "on"), "default_transaction_read_only": ("on", "off"),
}
LOOK = ("SELECT concat_ws('; ', " + ", ".join(f"current_setting('{name}')" for name in SETTINGS)
        + ", current_setting('transaction_isolation'), current_schema())")
TRANSACTIONS = ("BEGIN", "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s",
                "RELEASE s", "COMMIT AND CHAIN", "BEGIN ISOLATION LEVEL SERIALIZABLE", "END",
                "START TRANSACTION READ ONLY", "ROLLBACK AND CHAIN", "SAVEPOINT r", "ROLLBACK TO r")
LEFTOVERS = (
    "PREPARE by_sql(int) AS SELECT $1 + 1, '2020-07-02 03:04'::timestamptz", "EXECUTE by_sql(1)",
    "DEALLOCATE by_sql", "DEALLOCATE ALL", "DISCARD TEMP", "DISCARD SEQUENCES",
    "DECLARE c CURSOR FOR SELECT generate_series(1, 9)", "FETCH 2 FROM c", "CLOSE c", "CLOSE ALL",
    "DECLARE h CURSOR WITH HOLD FOR SELECT generate_series(1, 9)", "FETCH 2 FROM h", "CLOSE h",
    "CREATE TEMP TABLE mine AS SELECT 1 AS n", "SELECT n FROM mine", "DROP TABLE mine",
    "CREATE TEMP TABLE brief (n int) ON COMMIT DROP", "INSERT INTO brief VALUES (1)",
    "LISTEN {0}", "NOTIFY {0}, 'heard'", "UNLISTEN {0}", "UNLISTEN *",
    "SELECT pg_advisory_lock({2})", "SELECT pg_advisory_unlock({2})", "SELECT pg_advisory_unlock_all()",
    "SELECT pg_advisory_xact_lock({2})", "DO $$ BEGIN PERFORM 1; END $$", "LOCK TABLE t",
    "DO $$ BEGIN RAISE NOTICE 'noticed'; END $$",
)
RESETS = ("DISCARD ALL", "RESET ALL", "RESET TimeZone", "RESET search_path", "RESET DateStyle",
          "RESET client_encoding", "RESET ROLE", "RESET SESSION AUTHORIZATION",
          "RESET statement_timeout", "SET SESSION AUTHORIZATION DEFAULT",
          "SET SESSION AUTHORIZATION deputy")


def copy_data(*lines):
    return b"".join(message("d", line) for line in lines)


class Speaker:
    """One client: what it may say, said at random."""

    def __init__(self, seed, number):
        self.random = random.Random(f"{seed} {number}")
        self.words = (f"c{number}a", f"c{number}b", str(number))
        self.noisy = self.random.random()  # how much of a session it leaves behind
        self.settings = dict(SETTINGS)
        # Where a path has changed, PostgreSQL reads all texts again, under the settings of now.
        for name in ("search_path",) if self.chance(0.5) else ("TimeZone", "DateStyle", "IntervalStyle"):
            del self.settings[name]

    def some(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    def conversation(self, length):
        return [self.step() for _ in range(length)] + [Step(query("ROLLBACK")), Step(query(LOOK))]

    def step(self):
        kinds = (self.simple, self.simple, self.pipeline, self.pipeline, self.pipeline, self.copy)
        return self.call() if self.chance(0.03) else self.some(kinds)()

    def call(self):
        """FunctionCall of the function behind 2 + 3."""
        values = [self.some((b"2", b"30", b"x")) for _ in range(2)]
        arguments = b"".join(struct.pack("!I", len(value)) + value for value in values)
        asked = message("F", struct.pack("!IHH", 177, 0, 2) + arguments
                        + struct.pack("!H", 0))
        return Step(asked, count=1)

    # Texts

    def setting(self):
        name = self.some(list(self.settings))
        value = self.some(self.settings[name]).format(*self.words)
        if self.chance(0.15):
            plain = value.strip("'")
            if value != "DEFAULT":
                return f"SELECT set_config('{name}', '{plain}', {self.some(('true', 'false'))})"
        scope = self.some(("", "", "", "LOCAL ", "SESSION "))
        return f"SET {scope}{name} {self.some(('=', 'TO'))} {value}"

    def at_length(self, text):
        """Some texts are too long to be kept or read whole; a RESET in them would be refused."""
        if self.chance(0.95) or any(word in text for word in ("RESET", "DISCARD", "DEFAULT")):
            return text
        comment = f"/* {'long ' * self.some((300, 1000, 3000))}*/"
        return self.some((f"{comment} {text}", f"{text} {comment}"))

    def text(self):
        return self.at_length(self.short_text())

    def short_text(self):
        lot = self.random.random()
        if lot < 0.35:
            return self.some(READS)
        if lot < 0.45:
            return self.some(CHANGES)
        if lot < 0.60:
            return self.setting()
        if lot < 0.78:
            return self.some(TRANSACTIONS)
        if lot < 0.84:
            return self.some(FAILS)
        if lot < 0.84 + 0.06 * self.noisy:
            return self.some(RESETS)
        if lot < 0.90 + 0.10 * self.noisy:
            return self.some(LEFTOVERS).format(*self.words)
        return LOOK

    # Steps

    def simple(self):
        def one():
            texts = [self.short_text() for _ in range(self.some((1, 1, 1, 2, 3)))]
            return query(self.at_length("; ".join(texts)))
        return Step(*[one() for _ in range(self.some((1, 1, 1, 2)))])

    def pipeline(self):
        messages = []
        for _ in range(self.some((1, 1, 1, 2, 3))):
            self.changed = False
            self.fresh = set()
            for _ in range(self.some((1, 1, 2, 2, 3, 5))):
                messages += self.unit()
            messages.append(SYNC)
            if self.chance(0.1):
                messages.append(query(self.text()))
        return Step(*messages)

    def unit(self):
        unit = self.some((self.unnamed, self.unnamed, self.prepare, self.prepare, self.run, self.run,
                          self.run, self.about, self.in_parts, self.forget))
        return unit()

    def may_run(self, name):
        return not self.changed or name in self.fresh

    def told(self, sql):
        """Notes what a text that runs in this group does to what stands behind it."""
        head = sql[:10].upper()
        if head.startswith(("SET", "RESET", "DISCARD", "SELECT SET", "ROLLBACK", "COMMIT", "END")):
            self.changed = True
            self.fresh.clear()
        return sql

    def values(self, count):
        if self.chance(0.05):
            count = 1
        return [self.some(VALUES) for _ in range(count)]

    def unnamed(self):
        self.fresh.add("")
        if self.chance(0.3):
            sql, count = self.some(WITH_VALUES)
            return [parse("", sql), bind("", "", *self.values(count)), describe("P", ""), execute()]
        sql = self.text()
        messages = [group(sql)]
        self.told(sql)
        return messages

    def prepare(self):
        name = self.some(NAMES)
        sql, count = self.some(WITH_VALUES) if self.chance(0.4) else (self.text(), 0)
        messages = [close("S", name)] if self.chance(0.4) else []
        messages.append(parse(name, sql))
        if self.chance(0.3):
            messages.append(describe("S", name))
        if self.chance(0.6):
            messages += [bind("", name, *self.values(count)), execute()]
            self.told(sql)
            self.changed = True
        self.fresh.add(name)
        return messages

    def run(self):
        name = self.some(NAMES)
        if not self.may_run(name):
            return [parse(name, "SELECT 'fresh'"), bind("", name), execute()]
        messages = [bind("", name, *self.values(self.some((0, 0, 1))))]
        if self.chance(0.5):
            messages.append(describe("P", ""))
        messages.append(execute())
        self.changed = True
        return messages

    def about(self):
        name = self.some(NAMES)
        if self.may_run(name) and self.chance(0.6):
            return [describe("S", name)]
        return [describe("P", self.some(PORTALS))]

    def in_parts(self):
        portal = self.some(PORTALS)
        # (An Execute of what a failed transaction left behind ends PostgreSQL 15 with a signal.)
        messages = [parse("", "SELECT generate_series(1, 5)"), bind(portal, "")]
        messages.append(execute(portal, self.some((1, 2, 3))))
        if self.chance(0.3):
            messages.append(FLUSH)
        if self.chance(0.5):
            messages.append(execute(portal, self.some((0, 1, 2))))
        if self.chance(0.3):
            messages.append(close("P", portal))
        return messages

    def forget(self):
        return [close("S", self.some(NAMES)) if self.chance(0.6) else close("P", self.some(PORTALS))]

    def copy(self):
        lines = self.some(((b"1\tone\n", b"2\ttwo\n"), (b"3\n",), (), (b"x\ty\n", b"4\tfour\n")))
        end = self.some((message("c"), message("c"), message("f", string("no more"))))
        lot = self.random.random()
        if lot < 0.4:
            return Step(query("COPY t (n, w) FROM STDIN"), copy_data(*lines), end)
        if lot < 0.7:
            # Under a name of its own: who binds it without data to send loses his connection.
            return Step(close("S", "copy"), parse("copy", "COPY t (n, w) FROM STDIN"),
                        bind("", "copy"), execute(), copy_data(*lines), end, SYNC)
        if lot < 0.9:
            return Step(query(f"COPY ({self.some(('SELECT 1, 2', 'SELECT 1 / 0', 'TABLE t'))}) TO STDOUT"))
        return Step(group("COPY (SELECT 1) TO STDOUT"), group("SELECT 2"), SYNC)
