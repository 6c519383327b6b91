#!/usr/bin/env python3
"""Records one login between a client and a PostgreSQL server as a golden conversation.

    record.py SERVER_PORT COMMAND...   e.g.  record.py 5432 psql -h 127.0.0.1 -p {port} -c ""

Runs COMMAND with {port} replaced by a port of its own, carries the bytes of its first connection to
127.0.0.1:SERVER_PORT and back, and prints them up to the first ReadyForQuery or the end.
"""
import re
import selectors
import socket
import subprocess
import sys

BYTES_MAX = 100_000


def tokens(data):
    """Text of three letters and more in quotes, everything else in hex."""
    parts = re.split(rb'([!#-~][ !#-~]{2,})', data)
    return " ".join(f'"{part.decode()}"' if index % 2 else part.hex()
                    for index, part in enumerate(parts) if part)


def show(letter, data, typed):
    if data in (b"S", b"N"):  # the answer to SSLRequest or GSSENCRequest
        print(f'{letter} "{data.decode()}"')
        return
    while data:
        kind = f'"{chr(data[0])}" ' if typed else ""
        length = data[typed:typed + 4]
        size = typed + int.from_bytes(length, "big")
        print(f"{letter} {kind}{length.hex()} {tokens(data[typed + 4:size])}".rstrip())
        data = data[size:]


def record(client, server):
    selector = selectors.DefaultSelector()
    selector.register(client, selectors.EVENT_READ, ("C", server))
    selector.register(server, selectors.EVENT_READ, ("S", client))
    total = 0
    while total < BYTES_MAX:
        for key, _ in selector.select(timeout=10):
            letter, other = key.data
            data = key.fileobj.recv(65536)
            if not data:
                return
            total += len(data)
            show(letter, data, typed=letter == "S" or data[:1] == b"p")
            other.sendall(data)
            if letter == "S" and data[-6:] == b"Z\0\0\0\x05I":
                return


def main():
    server_port, command = int(sys.argv[1]), sys.argv[2:]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = subprocess.Popen([word.replace("{port}", str(port)) for word in command],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        listener.settimeout(10)
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", server_port)) as server:
            record(client, server)
        program.wait(timeout=10)


if __name__ == "__main__":
    main()
