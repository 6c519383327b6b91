"""What PostgreSQL says, as far as it can be compared between two connections."""
import re
import struct

from harness.twins import without_what_may_differ

SERVER_NAME = re.compile(rb'prepared statement "[^"]*"')


def messages_of(stream):
    at = 0
    found = []
    while at < len(stream):
        size, = struct.unpack("!I", stream[at + 1:at + 5])
        found.append(stream[at:at + 1 + size])
        at += 1 + size
    return found


def spoken(stream):
    """The messages of a client for the eye."""
    return " | ".join(
        message[:1].decode() + " " +
        " ".join(message[5:].decode("utf-8", "replace").split("\0"))[:160].strip()
        for message in messages_of(stream))


def told(messages):
    return " | ".join(m if isinstance(m, str) else f"{m[0]} {m[1][:200]}" for m in messages)


def comparable(kind, payload):
    """Without what docs/limits.md admits, and what differs between two connections anyway."""
    kind, payload = without_what_may_differ(kind, payload)
    if kind == "T":
        return kind, without_tables(payload)
    if kind == "E":
        return kind, SERVER_NAME.sub(b'prepared statement "?"', payload)
    return kind, payload


def without_tables(description):
    """A RowDescription without the object ids of tables: a temporary one is another each time."""
    fields, at = b"", 2
    while at < len(description):
        end = description.index(b"\0", at) + 1
        fields += description[at:end] + description[end + 6:end + 18]
        at = end + 18
    return fields


IN_A_FAILED_TRANSACTION = (b"25P02", b"26000", b"34000", b"55000", b"08P01")


def may_differ(heard, expected):
    """Whether docs/limits.md admits it.

    Who asks for something in a failed transaction is refused; for which reason may depend on what
    the server has. So it is with a Bind of too few values, or of one that its type does not take:
    before they are looked at, a statement that the server lacks is parsed there. And that Parse takes a snapshot, and makes no stale plan.
    """
    of_values = any(state in expected[0][1] for state in (b"\0C08P01\0", b"\0C22P02\0"))
    if expected[0][0] == heard[0] == "E" and of_values:
        return True
    if expected[0][0] == "E" and b"cached plan must not change result type" in expected[0][1]:
        return True  # it was parsed afresh
    if any(m[0] == "E" and b"must be called before any query" in m[1]
           for m in (heard, expected[0])):
        return True
    fails = (b"\0C25P02" in heard[1] or
             next(payload for kind, payload in expected if kind == "Z") == b"E")
    return fails and is_one_of(heard) and (expected[0][0] in "tn" or is_one_of(expected[0]))


def is_one_of(message):
    return message[0] == "E" and any(b"\0C" + state in message[1]
                                     for state in IN_A_FAILED_TRANSACTION)
