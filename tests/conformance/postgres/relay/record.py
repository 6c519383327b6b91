#!/usr/bin/env python3
"""Records the golden conversations of this folder from a private PostgreSQL, each into NAME.txt.

    record.py [NAME...]     e.g.  record.py copy_in   (all of them without a name)
"""
import struct
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from harness.postgres import Postgres  # noqa: E402
from harness.wire import (  # noqa: E402
    FLUSH, SYNC, Wire, bind, close, describe, execute, message, parse, query, send_cancel, string)

sys.path.insert(0, str(HERE.parent / "login"))
from record import tokens  # noqa: E402


def function_call(oid, *values):
    body = struct.pack("!IHHH", oid, 1, 0, len(values))
    body += b"".join(struct.pack("!i", len(value)) + value for value in values)
    return message("F", body + struct.pack("!H", 0))


TEXTLEN = 1257  # the oid of textlen(text)
ROWS = "SELECT n, repeat('x', n) FROM generate_series(1, 4) AS n"

# What is said: for each turn the client's messages and the types that end the answer.
CONVERSATIONS = {
    "simple_query": ("A simple query, one of several statements, an empty one, one that fails.", [
        ([query("SELECT 1 AS one, NULL, 'two'")], "Z"),
        ([query("SELECT 1; CREATE TEMP TABLE t (n int) ON COMMIT DROP; SELECT 2")], "Z"),
        ([query("")], "Z"),
        ([query("SELECT 1; SELEC 2")], "Z")]),
    "transaction": ("A transaction that fails and is rolled back, one that is committed.", [
        ([query("BEGIN")], "Z"),
        ([query("SELECT 1 / 0")], "Z"),
        ([query("SELECT 1")], "Z"),
        ([query("ROLLBACK")], "Z"),
        ([query("BEGIN; SELECT 1")], "Z"),
        ([query("COMMIT")], "Z")]),
    "named_statement": ("Parse and Describe of a named statement, two executions, Close.", [
        ([parse("s", "SELECT $1::int + 1 AS next"), describe("S", "s"), SYNC], "Z"),
        ([bind("", "s", b"41"), describe("P", ""), execute(), SYNC], "Z"),
        ([bind("p", "s", None), execute("p"), SYNC], "Z")]),
    "unnamed_statement": ("What drivers do for every query: Parse, Describe, Flush; then Bind.", [
        ([parse("", "SELECT $1::text || 'b'", [25]), describe("S", ""), FLUSH], "T"),
        ([bind("", "", b"a"), execute(), SYNC], "Z"),
        ([parse("", "INSERT INTO pg_temp.nowhere VALUES (1)"), SYNC], "Z")]),
    "pipeline": ("A pipeline of three Syncs in one write.", [
        ([parse("", "SELECT 1"), bind("", ""), execute(), SYNC,
          parse("", "SELECT 2"), bind("", ""), describe("P", ""), execute(), SYNC,
          parse("", ""), bind("", ""), execute(), SYNC], "ZZZ")]),
    "pipeline_error": ("A pipeline whose middle fails: what follows is skipped up to its Sync.", [
        ([parse("", "SELECT 1"), bind("", ""), execute(),
          parse("", "SELECT 1 / 0"), bind("", ""), execute(),
          parse("", "SELECT 3"), bind("", ""), execute(), query("SELECT 4"), SYNC,
          parse("", "SELECT 5"), bind("", ""), execute(), SYNC], "ZZ")]),
    "copy_out": ("COPY TO STDOUT, simple and extended.", [
        ([query(f"COPY ({ROWS}) TO STDOUT")], "Z"),
        ([parse("", f"COPY ({ROWS}) TO STDOUT (FORMAT binary)"), bind("", ""), execute(), SYNC],
         "Z")]),
    "copy_in": ("COPY FROM STDIN: done, failed by the client, failed by the server.", [
        ([query("CREATE TEMP TABLE IF NOT EXISTS numbers (n int)")], "Z"),
        ([query("COPY numbers FROM STDIN")], "G"),
        ([message("d", b"1\n2\n"), message("d", b"3\n"), message("c")], "Z"),
        ([query("COPY numbers FROM STDIN")], "G"),
        ([message("d", b"4\n"), message("f", string("changed my mind"))], "Z"),
        ([query("COPY numbers FROM STDIN")], "G"),
        ([message("d", b"five\n"), message("c")], "Z")]),
    "function_call": ("FunctionCall of textlen(text), with a result and with an error.", [
        ([function_call(TEXTLEN, b"seven\0\0")], "Z"),
        ([function_call(TEXTLEN, b"seven")], "Z"),
        ([function_call(0)], "Z")]),
    "portal_suspended": ("A portal in pieces of two rows, in one pipeline and with Flushes.", [
        ([parse("", ROWS), bind("c", ""), execute("c", 2), execute("c", 2), execute("c", 2),
          close("P", "c"), SYNC], "Z"),
        ([parse("", ROWS), bind("c", ""), execute("c", 3), FLUSH], "s"),
        ([execute("c", 3), SYNC], "Z")]),
    "notice": ("Notices before, within and behind the rows of a query.", [
        ([query("DROP TABLE IF EXISTS nowhere")], "Z"),
        ([query("SET client_min_messages = debug1; ROLLBACK; SELECT 1")], "Z"),
        ([parse("", "ROLLBACK"), bind("", ""), execute(), SYNC], "Z")]),
    "settings": ("Settings that are reported, one of them refused, one rolled back.", [
        ([query("SET TimeZone TO 'Asia/Tokyo'; SET DateStyle TO german")], "Z"),
        ([query("SET TimeZone TO 'Nowhere/Land'")], "Z"),
        ([query("BEGIN; SET IntervalStyle TO iso_8601; SET LOCAL DateStyle TO ISO")], "Z"),
        ([query("ROLLBACK")], "Z")]),
    "cancel": ("A query that is cancelled, in a transaction.", [
        ([query("BEGIN")], "Z"),
        ([query("SELECT pg_sleep(60)")], "cancel"),
        ([query("ROLLBACK")], "Z")]),
}


def show(file, letter, data):
    while data:
        size = 1 + int.from_bytes(data[1:5], "big")
        text = f'{letter} "{chr(data[0])}" {data[1:5].hex()} {tokens(data[5:size])}'
        file.write(text.rstrip() + "\n")
        data = data[size:]


def answer(wire, ends):
    """Everything up to the last of the messages whose types are `ends`."""
    received = b""
    for end in ends:
        kind = None
        while kind != end:
            kind, payload = wire.receive()
            received += message(kind, payload)
    return received


def record(name, postgres):
    title, turns = CONVERSATIONS[name]
    with Wire(postgres.host, postgres.port) as wire, (HERE / f"{name}.txt").open("w") as file:
        wire.login(postgres.superuser, "postgres", postgres.password)
        file.write(f"# {title} Recorded.\n\n")
        for requests, ends in turns:
            show(file, "C", b"".join(requests))
            wire.send(*requests)
            if ends == "cancel":
                time.sleep(0.3)
                send_cancel(postgres.host, postgres.port, wire.pid, wire.key)
                ends = "Z"
            show(file, "S", answer(wire, ends))


def main():
    with tempfile.TemporaryDirectory() as directory:
        postgres = Postgres(Path(directory) / "c")
        try:
            for name in sys.argv[1:] or CONVERSATIONS:
                record(name, postgres)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
